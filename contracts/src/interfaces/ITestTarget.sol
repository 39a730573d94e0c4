// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title ITestTarget
 * @notice Something to call in tests: it answers, keeps the ether it is sent, or refuses in either of the two ways contracts refuse.
 */
interface ITestTarget {
    /**
     * @notice A call arrived.
     * @param caller Who called.
     * @param value The wei that came along.
     * @param number The number that was sent.
     */
    event Pinged(address caller, uint256 value, uint256 number);

    /// @notice The answer of `fail`.
    error Refused(address caller);

    /**
     * @notice Accepts the call and its ether, and says so.
     * @param _number Any number; it comes back in the event.
     */
    function ping(uint256 _number) external payable;

    /// @notice Always reverts with the custom error `Refused`.
    function fail() external payable;

    /// @notice Always reverts with a reason in words, `Error(string)`.
    function failWithReason() external payable;
}
