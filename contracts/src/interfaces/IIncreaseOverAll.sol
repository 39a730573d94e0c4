// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title IIncreaseOverAll
 * @notice State of an enforcer that demands a rise of a balance over everything one call of the manager does.
 */
interface IIncreaseOverAll {
    /**
     * @notice What is being watched under a key; all zero while no call is under way.
     * @param _hashKey The key, as `getHashKey` of the enforcer gives it.
     * @return balanceBefore The balance when the first of the caveats was met.
     * @return expectedIncrease The sum of what the caveats met so far demand.
     * @return validationRemaining How many of them have not been met again at the end.
     */
    function balanceTracker(bytes32 _hashKey)
        external
        view
        returns (uint256 balanceBefore, uint256 expectedIncrease, uint256 validationRemaining);
}
