// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IEnforcer } from "../interfaces/IEnforcer.sol";

/**
 * @title StandInEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: base of this project's own code that stands in for a deployed enforcer whose bytecode is not published.
 * It keeps the deployed one's interface, storage and revert reasons; its gas is its own. Never deploy it.
 * @dev Anybody may call a hook. State is keyed by the caller first, so that each caller reaches its own alone.
 */
abstract contract StandInEnforcer is IEnforcer {
    bytes1 private constant CALL_TYPE_BATCH = 0x01;
    bytes1 private constant EXEC_TYPE_DEFAULT = 0x00;

    modifier onlyBatchCallType(bytes32 _mode) {
        require(_mode[0] == CALL_TYPE_BATCH, "CaveatEnforcer:invalid-call-type");
        _;
    }

    modifier onlyDefaultExecType(bytes32 _mode) {
        require(_mode[1] == EXEC_TYPE_DEFAULT, "CaveatEnforcer:invalid-execution-type");
        _;
    }

    /// @inheritdoc IEnforcer
    function beforeAllHook(
        bytes calldata,
        bytes calldata,
        bytes32,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        virtual { }

    /// @inheritdoc IEnforcer
    function beforeHook(
        bytes calldata,
        bytes calldata,
        bytes32,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        virtual { }

    /// @inheritdoc IEnforcer
    function afterHook(
        bytes calldata,
        bytes calldata,
        bytes32,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        virtual { }

    /// @inheritdoc IEnforcer
    function afterAllHook(
        bytes calldata,
        bytes calldata,
        bytes32,
        bytes calldata,
        bytes32,
        address,
        address
    )
        external
        virtual { }

    /// @dev The contract's name, which its revert reasons begin with.
    function _name() internal pure virtual returns (string memory name_);

    /// @dev Reverts with `<name>:<reason>` unless the condition holds.
    function _require(bool _condition, string memory _reason) internal pure {
        if (!_condition) revert(string.concat(_name(), ":", _reason));
    }
}
