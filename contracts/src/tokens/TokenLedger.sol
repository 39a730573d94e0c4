// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ITestToken } from "../interfaces/ITestToken.sol";

/**
 * @title TokenLedger
 * @notice FOR TESTS ONLY: balances and allowances behind the strange tokens. `mint` is open to everyone.
 * @dev It has no transfer functions: how a token moves, and what it answers, is what makes it strange.
 */
abstract contract TokenLedger {
    /// @notice The token's name.
    string public name;

    /// @notice The token's short name.
    string public symbol;

    /// @notice How many decimal places a whole token has.
    uint8 public immutable decimals;

    /// @notice The sum of all balances, in base units.
    uint256 public totalSupply;

    /// @notice What a holder has, in base units.
    mapping(address holder => uint256 balance) public balanceOf;

    /// @notice What a spender may still take from a holder, in base units.
    mapping(address holder => mapping(address spender => uint256 amount)) public allowance;

    /**
     * @param _name The token's name.
     * @param _symbol The token's short name.
     * @param _decimals The decimal places of a whole token.
     */
    constructor(string memory _name, string memory _symbol, uint8 _decimals) {
        name = _name;
        symbol = _symbol;
        decimals = _decimals;
    }

    /**
     * @notice Creates tokens out of nothing. OPEN TO EVERYONE.
     * @param _to Who receives them.
     * @param _amount How many, in base units.
     */
    function mint(address _to, uint256 _amount) external {
        totalSupply += _amount;
        balanceOf[_to] += _amount;
        emit ITestToken.Transfer(address(0), _to, _amount);
    }

    function _approve(address _spender, uint256 _amount) internal {
        allowance[msg.sender][_spender] = _amount;
        emit ITestToken.Approval(msg.sender, _spender, _amount);
    }

    function _spendAllowance(address _from, uint256 _amount) internal {
        uint256 allowance_ = allowance[_from][msg.sender];
        if (allowance_ == type(uint256).max) return;
        if (allowance_ < _amount) {
            revert ITestToken.InsufficientAllowance(_from, msg.sender, allowance_, _amount);
        }
        allowance[_from][msg.sender] = allowance_ - _amount;
    }

    function _move(address _from, address _to, uint256 _amount) internal virtual {
        if (_to == address(0)) revert ITestToken.InvalidRecipient(_to);
        uint256 balance_ = balanceOf[_from];
        if (balance_ < _amount) revert ITestToken.InsufficientBalance(_from, balance_, _amount);
        balanceOf[_from] = balance_ - _amount;
        balanceOf[_to] += _amount;
        emit ITestToken.Transfer(_from, _to, _amount);
    }
}
