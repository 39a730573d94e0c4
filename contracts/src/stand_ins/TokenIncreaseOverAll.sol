// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ITokenIncreaseOverAll } from "../interfaces/ITokenIncreaseOverAll.sol";
import { IEnforcer } from "../interfaces/IEnforcer.sol";
import { IncreaseOverAll } from "./IncreaseOverAll.sol";

/// @dev ERC-20 and ERC-721 spell this question alike.
interface IBalanceOf {
    function balanceOf(address _holder) external view returns (uint256 balance_);
}

/**
 * @title TokenIncreaseOverAll
 * @notice FOR LOCAL SIMULATION ONLY: the ERC-20 and the ERC-721 stand-in, which differ in their name alone.
 */
abstract contract TokenIncreaseOverAll is ITokenIncreaseOverAll, IncreaseOverAll {
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
        (address token_, address recipient_, uint256 amount_) = getTermsInfo(_terms);
        _requireAmount(amount_);
        uint256 balance_ = IBalanceOf(token_).balanceOf(recipient_);
        if (_demand(getHashKey(msg.sender, token_, recipient_), balance_, amount_)) {
            emit TrackedBalance(msg.sender, recipient_, token_, balance_);
        }
        emit UpdatedExpectedBalance(msg.sender, recipient_, token_, amount_);
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
        (address token_, address recipient_,) = getTermsInfo(_terms);
        bytes32 hashKey_ = getHashKey(msg.sender, token_, recipient_);
        if (!_countOff(hashKey_)) return;
        uint256 expected_ = _settle(hashKey_, IBalanceOf(token_).balanceOf(recipient_));
        emit ValidatedBalance(msg.sender, recipient_, token_, expected_);
    }

    /// @inheritdoc ITokenIncreaseOverAll
    function getHashKey(address _caller, address _token, address _recipient) public pure returns (bytes32 hashKey_) {
        return keccak256(abi.encode(_caller, _token, _recipient));
    }

    /// @inheritdoc ITokenIncreaseOverAll
    function getTermsInfo(bytes calldata _terms)
        public
        pure
        returns (address token_, address recipient_, uint256 amount_)
    {
        _requireTermsLength(_terms, 72);
        token_ = address(bytes20(_terms[:20]));
        recipient_ = address(bytes20(_terms[20:40]));
        amount_ = uint256(bytes32(_terms[40:]));
    }
}
