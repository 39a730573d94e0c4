// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IIncreaseOverAll } from "../interfaces/IIncreaseOverAll.sol";
import { StandInEnforcer } from "./StandInEnforcer.sol";

/**
 * @title IncreaseOverAll
 * @notice FOR LOCAL SIMULATION ONLY: what the four MultiOperationIncreaseBalance stand-ins share. Demands under one key add up, and are
 * checked once, when the last caveat that made one is met again.
 */
abstract contract IncreaseOverAll is IIncreaseOverAll, StandInEnforcer {
    struct BalanceTracker {
        uint256 balanceBefore;
        uint256 expectedIncrease;
        uint256 validationRemaining;
    }

    /// @inheritdoc IIncreaseOverAll
    mapping(bytes32 hashKey => BalanceTracker tracker) public balanceTracker;

    function _requireTermsLength(bytes calldata _terms, uint256 _length) internal pure {
        _require(_terms.length == _length, "invalid-terms-length");
    }

    function _requireAmount(uint256 _amount) internal pure {
        _require(_amount > 0, "zero-expected-change-amount");
    }

    /**
     * @dev Adds one caveat's demand. Without checked addition, demands that overflow together would demand next to nothing.
     * @param _balance The balance now; kept when this is the first demand under the key.
     * @return isFirst_ Whether it was the first.
     */
    function _demand(bytes32 _hashKey, uint256 _balance, uint256 _amount) internal returns (bool isFirst_) {
        BalanceTracker storage tracker_ = balanceTracker[_hashKey];
        isFirst_ = tracker_.validationRemaining == 0;
        if (isFirst_) tracker_.balanceBefore = _balance;
        tracker_.expectedIncrease += _amount;
        tracker_.validationRemaining += 1;
    }

    /**
     * @dev Counts one caveat off. One that never made its demand cannot be counted off: the subtraction panics. A manager calls both
     * hooks of every caveat, so this meets none but a caller who makes up calls of its own.
     * @return isLast_ Whether it was the last.
     */
    function _countOff(bytes32 _hashKey) internal returns (bool isLast_) {
        BalanceTracker storage tracker_ = balanceTracker[_hashKey];
        uint256 remaining_ = tracker_.validationRemaining - 1;
        tracker_.validationRemaining = remaining_;
        return remaining_ == 0;
    }

    /**
     * @dev Checks the sum of all demands against the balance now, and forgets them.
     * @return expected_ The sum.
     */
    function _settle(bytes32 _hashKey, uint256 _balance) internal returns (uint256 expected_) {
        BalanceTracker storage tracker_ = balanceTracker[_hashKey];
        expected_ = tracker_.expectedIncrease;
        _require(_balance >= tracker_.balanceBefore + expected_, "insufficient-balance-increase");
        delete balanceTracker[_hashKey];
    }
}
