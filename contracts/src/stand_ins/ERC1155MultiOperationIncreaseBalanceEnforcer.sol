// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IERC1155IncreaseOverAll } from "../interfaces/IERC1155IncreaseOverAll.sol";
import { IEnforcer } from "../interfaces/IEnforcer.sol";
import { IncreaseOverAll } from "./IncreaseOverAll.sol";

/// @dev The one question asked of an ERC-1155 token.
interface IBalanceOfId {
    function balanceOf(address _holder, uint256 _tokenId) external view returns (uint256 balance_);
}

/**
 * @title ERC1155MultiOperationIncreaseBalanceEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: stands in for the deployed contract of this name; it is not that code.
 */
contract ERC1155MultiOperationIncreaseBalanceEnforcer is IERC1155IncreaseOverAll, IncreaseOverAll {
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
        TermsData memory terms_ = getTermsInfo(_terms);
        _requireAmount(terms_.amount);
        uint256 balance_ = _balance(terms_);
        if (_demand(_hashKey(terms_), balance_, terms_.amount)) {
            emit TrackedBalance(msg.sender, terms_.recipient, terms_.token, terms_.tokenId, balance_);
        }
        emit UpdatedExpectedBalance(msg.sender, terms_.recipient, terms_.token, terms_.tokenId, terms_.amount);
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
        TermsData memory terms_ = getTermsInfo(_terms);
        bytes32 hashKey_ = _hashKey(terms_);
        if (!_countOff(hashKey_)) return;
        uint256 expected_ = _settle(hashKey_, _balance(terms_));
        emit ValidatedBalance(msg.sender, terms_.recipient, terms_.token, terms_.tokenId, expected_);
    }

    /// @inheritdoc IERC1155IncreaseOverAll
    function getHashKey(
        address _caller,
        address _token,
        address _recipient,
        uint256 _tokenId
    )
        public
        pure
        returns (bytes32 hashKey_)
    {
        return keccak256(abi.encode(_caller, _token, _recipient, _tokenId));
    }

    /// @inheritdoc IERC1155IncreaseOverAll
    function getTermsInfo(bytes calldata _terms) public pure returns (TermsData memory termsData_) {
        _requireTermsLength(_terms, 104);
        termsData_.token = address(bytes20(_terms[:20]));
        termsData_.recipient = address(bytes20(_terms[20:40]));
        termsData_.tokenId = uint256(bytes32(_terms[40:72]));
        termsData_.amount = uint256(bytes32(_terms[72:]));
    }

    function _hashKey(TermsData memory _terms) private view returns (bytes32 hashKey_) {
        return getHashKey(msg.sender, _terms.token, _terms.recipient, _terms.tokenId);
    }

    function _balance(TermsData memory _terms) private view returns (uint256 balance_) {
        return IBalanceOfId(_terms.token).balanceOf(_terms.recipient, _terms.tokenId);
    }

    function _name() internal pure override returns (string memory name_) {
        return "ERC1155MultiOperationIncreaseBalanceEnforcer";
    }
}
