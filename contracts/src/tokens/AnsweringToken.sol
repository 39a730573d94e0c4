// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TokenLedger } from "./TokenLedger.sol";

/**
 * @title AnsweringToken
 * @notice FOR TESTS ONLY: the ERC-20 functions of a token that answers true, as most do.
 */
abstract contract AnsweringToken is TokenLedger {
    /**
     * @notice Moves the caller's tokens.
     * @param _to Who receives; not the zero address.
     * @param _amount How many, in base units.
     * @return success_ Always true.
     */
    function transfer(address _to, uint256 _amount) external returns (bool success_) {
        _move(msg.sender, _to, _amount);
        return true;
    }

    /**
     * @notice Sets what a spender may take of the caller's tokens.
     * @param _spender Who may spend.
     * @param _amount The allowance, in base units; the largest uint256 is never used up.
     * @return success_ Always true.
     */
    function approve(address _spender, uint256 _amount) external returns (bool success_) {
        _approve(_spender, _amount);
        return true;
    }

    /**
     * @notice Moves tokens of another holder, within the allowance that holder gave to the caller.
     * @param _from Who pays.
     * @param _to Who receives; not the zero address.
     * @param _amount How many, in base units.
     * @return success_ Always true.
     */
    function transferFrom(address _from, address _to, uint256 _amount) external returns (bool success_) {
        _spendAllowance(_from, _amount);
        _move(_from, _to, _amount);
        return true;
    }
}
