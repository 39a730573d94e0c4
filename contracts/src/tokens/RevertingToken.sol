// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AnsweringToken } from "./AnsweringToken.sol";
import { TokenLedger } from "./TokenLedger.sol";

/**
 * @title RevertingToken
 * @notice FOR TESTS ONLY: refuses every transfer with the revert data of one's choice, until told otherwise.
 */
contract RevertingToken is AnsweringToken {
    /// @notice Whether transfers are refused.
    bool public refuses = true;

    /// @notice What they revert with.
    bytes public refusal = abi.encodeWithSignature("Error(string)", "RevertingToken:refused");

    constructor(string memory _name, string memory _symbol, uint8 _decimals) TokenLedger(_name, _symbol, _decimals) { }

    /**
     * @notice Refuses every transfer from now on. OPEN TO EVERYONE.
     * @param _revertData What to revert with; may be empty.
     */
    function refuseWith(bytes calldata _revertData) external {
        refuses = true;
        refusal = _revertData;
    }

    /// @notice Lets transfers pass from now on. OPEN TO EVERYONE.
    function accept() external {
        refuses = false;
    }

    function _move(address _from, address _to, uint256 _amount) internal override {
        if (refuses) {
            bytes memory refusal_ = refusal;
            assembly ("memory-safe") {
                revert(add(refusal_, 0x20), mload(refusal_))
            }
        }
        super._move(_from, _to, _amount);
    }
}
