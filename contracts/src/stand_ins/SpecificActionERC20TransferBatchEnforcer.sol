// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IEnforcer } from "../interfaces/IEnforcer.sol";
import { ISpecificAction } from "../interfaces/ISpecificAction.sol";
import { ExecutionBatch } from "./ExecutionBatch.sol";
import { StandInEnforcer } from "./StandInEnforcer.sol";

/**
 * @title SpecificActionERC20TransferBatchEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: stands in for the deployed contract of this name; it is not that code.
 */
contract SpecificActionERC20TransferBatchEnforcer is ISpecificAction, StandInEnforcer {
    uint256 private constant TERMS_HEAD = 124;
    uint256 private constant TRANSFER_LENGTH = 68;
    bytes4 private constant TRANSFER_SELECTOR = bytes4(keccak256("transfer(address,uint256)"));

    /// @inheritdoc ISpecificAction
    mapping(address delegationManager => mapping(bytes32 delegationHash => bool used)) public usedDelegations;

    /// @inheritdoc IEnforcer
    function beforeHook(
        bytes calldata _terms,
        bytes calldata,
        bytes32 _mode,
        bytes calldata _executionCallData,
        bytes32 _delegationHash,
        address _delegator,
        address
    )
        external
        override
        onlyBatchCallType(_mode)
        onlyDefaultExecType(_mode)
    {
        _require(!usedDelegations[msg.sender][_delegationHash], "delegation-already-used");
        usedDelegations[msg.sender][_delegationHash] = true;
        _require(ExecutionBatch.count(_executionCallData) == 2, "invalid-batch-size");
        TermsData memory terms_ = getTermsInfo(_terms);
        _require(_isFirst(_executionCallData, terms_), "invalid-first-transaction");
        _require(_isTransfer(_executionCallData, terms_), "invalid-second-transaction");
        emit DelegationExecuted(msg.sender, _delegationHash, _delegator);
    }

    /// @inheritdoc ISpecificAction
    function getTermsInfo(bytes calldata _terms) public pure returns (TermsData memory termsData_) {
        _require(_terms.length >= TERMS_HEAD, "invalid-terms-length");
        termsData_.tokenAddress = address(bytes20(_terms[:20]));
        termsData_.recipient = address(bytes20(_terms[20:40]));
        termsData_.amount = uint256(bytes32(_terms[40:72]));
        termsData_.firstTarget = address(bytes20(_terms[72:92]));
        termsData_.firstValue = uint256(bytes32(_terms[92:TERMS_HEAD]));
        termsData_.firstCalldata = _terms[TERMS_HEAD:];
    }

    function _isFirst(bytes calldata _batch, TermsData memory _terms) private pure returns (bool isFirst_) {
        (address target_, uint256 value_, bytes calldata callData_) = ExecutionBatch.entry(_batch, 0);
        return target_ == _terms.firstTarget && value_ == _terms.firstValue
            && keccak256(callData_) == keccak256(_terms.firstCalldata);
    }

    function _isTransfer(bytes calldata _batch, TermsData memory _terms) private pure returns (bool isTransfer_) {
        (address target_, uint256 value_, bytes calldata callData_) = ExecutionBatch.entry(_batch, 1);
        // the twelve bytes before the recipient are not looked at, as the token does not look at them either
        return target_ == _terms.tokenAddress && value_ == 0 && callData_.length == TRANSFER_LENGTH
            && bytes4(callData_[:4]) == TRANSFER_SELECTOR && address(bytes20(callData_[16:36])) == _terms.recipient
            && uint256(bytes32(callData_[36:])) == _terms.amount;
    }

    function _name() internal pure override returns (string memory name_) {
        return "SpecificActionERC20TransferBatchEnforcer";
    }
}
