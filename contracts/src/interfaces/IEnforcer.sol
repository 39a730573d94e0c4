// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title IEnforcer
 * @notice What a delegation manager calls of an enforcer: four hooks, all with the same seven arguments.
 * @dev The order is: `beforeAllHook` for every caveat of every delegation of the call; then, per delegation chain, `beforeHook`, the
 * execution, `afterHook`; then `afterAllHook` for every caveat again, in the opposite order. A hook refuses by reverting.
 */
interface IEnforcer {
    /**
     * @notice Called once per caveat before anything else of the whole call happens.
     * @param _terms What the delegator signed.
     * @param _args What the redeemer supplies; not signed.
     * @param _mode Call type in the first byte, execution type in the second.
     * @param _executionCallData The execution or the batch, as the mode says.
     * @param _delegationHash The delegation that carries the caveat.
     * @param _delegator Its delegator.
     * @param _redeemer Who called the manager.
     */
    function beforeAllHook(
        bytes calldata _terms,
        bytes calldata _args,
        bytes32 _mode,
        bytes calldata _executionCallData,
        bytes32 _delegationHash,
        address _delegator,
        address _redeemer
    )
        external;

    /// @notice As `beforeAllHook`, but right before the execution of the chain the caveat belongs to.
    function beforeHook(
        bytes calldata _terms,
        bytes calldata _args,
        bytes32 _mode,
        bytes calldata _executionCallData,
        bytes32 _delegationHash,
        address _delegator,
        address _redeemer
    )
        external;

    /// @notice As `beforeAllHook`, but right after the execution of the chain the caveat belongs to.
    function afterHook(
        bytes calldata _terms,
        bytes calldata _args,
        bytes32 _mode,
        bytes calldata _executionCallData,
        bytes32 _delegationHash,
        address _delegator,
        address _redeemer
    )
        external;

    /// @notice As `beforeAllHook`, but when everything of the whole call is done.
    function afterAllHook(
        bytes calldata _terms,
        bytes calldata _args,
        bytes32 _mode,
        bytes calldata _executionCallData,
        bytes32 _delegationHash,
        address _delegator,
        address _redeemer
    )
        external;
}
