// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IEnforcer } from "../interfaces/IEnforcer.sol";
import { INativeIncreaseOverAll } from "../interfaces/INativeIncreaseOverAll.sol";
import { IncreaseOverAll } from "./IncreaseOverAll.sol";

/**
 * @title NativeTokenMultiOperationIncreaseBalanceEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: stands in for the deployed contract of this name; it is not that code.
 */
contract NativeTokenMultiOperationIncreaseBalanceEnforcer is INativeIncreaseOverAll, IncreaseOverAll {
    /// @inheritdoc IEnforcer
    function beforeAllHook(
        bytes calldata _terms,
        bytes calldata,
        bytes32 _mode,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        override
        onlyDefaultExecType(_mode)
    {
        (address recipient_, uint256 amount_) = getTermsInfo(_terms);
        _requireAmount(amount_);
        uint256 balance_ = recipient_.balance;
        if (_demand(getHashKey(msg.sender, recipient_), balance_, amount_)) {
            emit TrackedBalance(msg.sender, recipient_, balance_);
        }
        emit UpdatedExpectedBalance(msg.sender, recipient_, amount_);
    }

    /// @inheritdoc IEnforcer
    function afterAllHook(
        bytes calldata _terms,
        bytes calldata,
        bytes32,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        override
    {
        (address recipient_,) = getTermsInfo(_terms);
        bytes32 hashKey_ = getHashKey(msg.sender, recipient_);
        if (!_countOff(hashKey_)) return;
        uint256 expected_ = _settle(hashKey_, recipient_.balance);
        emit ValidatedBalance(msg.sender, recipient_, expected_);
    }

    /// @inheritdoc INativeIncreaseOverAll
    function getHashKey(address _caller, address _recipient) public pure returns (bytes32 hashKey_) {
        return keccak256(abi.encode(_caller, _recipient));
    }

    /// @inheritdoc INativeIncreaseOverAll
    function getTermsInfo(bytes calldata _terms) public pure returns (address recipient_, uint256 amount_) {
        _requireTermsLength(_terms, 52);
        recipient_ = address(bytes20(_terms[:20]));
        amount_ = uint256(bytes32(_terms[20:]));
    }

    function _name() internal pure override returns (string memory name_) {
        return "NativeTokenMultiOperationIncreaseBalanceEnforcer";
    }
}
