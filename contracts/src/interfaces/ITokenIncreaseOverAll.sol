// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IIncreaseOverAll } from "./IIncreaseOverAll.sol";

/**
 * @title ITokenIncreaseOverAll
 * @notice A rise of what `balanceOf(recipient)` of a token answers: base units of an ERC-20, or a count of ERC-721 tokens.
 * @dev Terms, exactly 72 bytes: [0:20] token, [20:40] recipient, [40:72] uint256 amount, above 0.
 */
interface ITokenIncreaseOverAll is IIncreaseOverAll {
    /**
     * @notice The first caveat of a key was met and the balance noted.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param balance The balance that was noted.
     */
    event TrackedBalance(
        address indexed delegationManager, address indexed recipient, address indexed token, uint256 balance
    );

    /**
     * @notice A caveat added its demand.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param expected What this caveat alone demands.
     */
    event UpdatedExpectedBalance(
        address indexed delegationManager, address indexed recipient, address indexed token, uint256 expected
    );

    /**
     * @notice The last caveat of a key was met again, and the balance had risen enough.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param expected What all caveats together demanded.
     */
    event ValidatedBalance(
        address indexed delegationManager, address indexed recipient, address indexed token, uint256 expected
    );

    /// @notice The key of the state that `_caller`, the manager, keeps for a token and a recipient.
    function getHashKey(address _caller, address _token, address _recipient) external pure returns (bytes32 hashKey_);

    /// @notice The parts of the terms; reverts when they have another length than 72 bytes.
    function getTermsInfo(bytes calldata _terms)
        external
        pure
        returns (address token_, address recipient_, uint256 amount_);
}
