// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IIncreaseOverAll } from "./IIncreaseOverAll.sol";

/**
 * @title INativeIncreaseOverAll
 * @notice A rise of a native balance.
 * @dev Terms, exactly 52 bytes: [0:20] recipient, [20:52] uint256 amount in wei, above 0.
 */
interface INativeIncreaseOverAll is IIncreaseOverAll {
    /**
     * @notice The first caveat of a key was met and the balance noted.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param balance The balance that was noted, in wei.
     */
    event TrackedBalance(address indexed delegationManager, address indexed recipient, uint256 balance);

    /**
     * @notice A caveat added its demand.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param expected What this caveat alone demands, in wei.
     */
    event UpdatedExpectedBalance(address indexed delegationManager, address indexed recipient, uint256 expected);

    /**
     * @notice The last caveat of a key was met again, and the balance had risen enough.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param expected What all caveats together demanded, in wei.
     */
    event ValidatedBalance(address indexed delegationManager, address indexed recipient, uint256 expected);

    /// @notice The key of the state that `_caller`, the manager, keeps for a recipient.
    function getHashKey(address _caller, address _recipient) external pure returns (bytes32 hashKey_);

    /// @notice The parts of the terms; reverts when they have another length than 52 bytes.
    function getTermsInfo(bytes calldata _terms) external pure returns (address recipient_, uint256 amount_);
}
