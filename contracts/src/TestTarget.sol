// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ITestTarget } from "./interfaces/ITestTarget.sol";

/**
 * @title TestTarget
 * @notice FOR TESTS ONLY: ether sent to it stays there for good.
 */
contract TestTarget is ITestTarget {
    /// @inheritdoc ITestTarget
    function ping(uint256 _number) external payable {
        emit Pinged(msg.sender, msg.value, _number);
    }

    /// @inheritdoc ITestTarget
    function fail() external payable {
        revert Refused(msg.sender);
    }

    /// @inheritdoc ITestTarget
    function failWithReason() external payable {
        revert("TestTarget:refused");
    }
}
