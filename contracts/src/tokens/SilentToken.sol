// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TokenLedger } from "./TokenLedger.sol";

/**
 * @title SilentToken
 * @notice FOR TESTS ONLY: its transfers return nothing, as those of some old and large tokens do.
 */
contract SilentToken is TokenLedger {
    constructor(string memory _name, string memory _symbol, uint8 _decimals) TokenLedger(_name, _symbol, _decimals) { }

    /**
     * @notice Moves the caller's tokens and says nothing.
     * @param _to Who receives; not the zero address.
     * @param _amount How many, in base units.
     */
    function transfer(address _to, uint256 _amount) external {
        _move(msg.sender, _to, _amount);
    }

    /**
     * @notice Sets what a spender may take of the caller's tokens, and says nothing.
     * @param _spender Who may spend.
     * @param _amount The allowance, in base units; the largest uint256 is never used up.
     */
    function approve(address _spender, uint256 _amount) external {
        _approve(_spender, _amount);
    }

    /**
     * @notice Moves tokens of another holder within its allowance, and says nothing.
     * @param _from Who pays.
     * @param _to Who receives; not the zero address.
     * @param _amount How many, in base units.
     */
    function transferFrom(address _from, address _to, uint256 _amount) external {
        _spendAllowance(_from, _amount);
        _move(_from, _to, _amount);
    }
}
