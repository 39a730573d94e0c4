// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title ISpecificAction
 * @notice One batch of two calls, once: the given call, then `transfer(recipient, amount)` of the given ERC-20 token.
 * @dev Terms, at least 124 bytes: [0:20] token, [20:40] recipient, [40:72] uint256 amount, [72:92] first target,
 * [92:124] uint256 first value, [124:] first call data.
 */
interface ISpecificAction {
    /// @notice The parts of the terms.
    struct TermsData {
        address tokenAddress;
        address recipient;
        uint256 amount;
        address firstTarget;
        uint256 firstValue;
        bytes firstCalldata;
    }

    /**
     * @notice A delegation was used; it cannot be used again.
     * @param delegationManager Who called the hook.
     * @param delegationHash The delegation.
     * @param delegator Its delegator.
     */
    event DelegationExecuted(
        address indexed delegationManager, bytes32 indexed delegationHash, address indexed delegator
    );

    /// @notice Whether a delegation was used under a manager.
    function usedDelegations(address _delegationManager, bytes32 _delegationHash) external view returns (bool used_);

    /// @notice The parts of the terms; reverts when they are shorter than 124 bytes.
    function getTermsInfo(bytes calldata _terms) external pure returns (TermsData memory termsData_);
}
