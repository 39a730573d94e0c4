// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IIncreaseOverAll } from "./IIncreaseOverAll.sol";

/**
 * @title IERC1155IncreaseOverAll
 * @notice A rise of a balance in one id of an ERC-1155 token.
 * @dev Terms, exactly 104 bytes: [0:20] token, [20:40] recipient, [40:72] uint256 tokenId, [72:104] uint256 amount, above 0.
 */
interface IERC1155IncreaseOverAll is IIncreaseOverAll {
    /// @notice The parts of the terms.
    struct TermsData {
        address token;
        address recipient;
        uint256 tokenId;
        uint256 amount;
    }

    /**
     * @notice The first caveat of a key was met and the balance noted.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param tokenId In which id of it.
     * @param balance The balance that was noted.
     */
    event TrackedBalance(
        address indexed delegationManager,
        address indexed recipient,
        address indexed token,
        uint256 tokenId,
        uint256 balance
    );

    /**
     * @notice A caveat added its demand.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param tokenId In which id of it.
     * @param expected What this caveat alone demands.
     */
    event UpdatedExpectedBalance(
        address indexed delegationManager,
        address indexed recipient,
        address indexed token,
        uint256 tokenId,
        uint256 expected
    );

    /**
     * @notice The last caveat of a key was met again, and the balance had risen enough.
     * @param delegationManager Who called the hook.
     * @param recipient Whose balance it is.
     * @param token In which token.
     * @param tokenId In which id of it.
     * @param expected What all caveats together demanded.
     */
    event ValidatedBalance(
        address indexed delegationManager,
        address indexed recipient,
        address indexed token,
        uint256 tokenId,
        uint256 expected
    );

    /// @notice The key of the state that `_caller`, the manager, keeps for one id of a token and a recipient.
    function getHashKey(
        address _caller,
        address _token,
        address _recipient,
        uint256 _tokenId
    )
        external
        pure
        returns (bytes32 hashKey_);

    /// @notice The parts of the terms; reverts when they have another length than 104 bytes.
    function getTermsInfo(bytes calldata _terms) external pure returns (TermsData memory termsData_);
}
