// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ITestToken } from "./interfaces/ITestToken.sol";

/**
 * @title TestToken
 * @notice FOR TESTS ONLY: `mint` is open to everyone, so its tokens can never be worth anything.
 */
contract TestToken is ITestToken {
    /// @inheritdoc ITestToken
    string public name;

    /// @inheritdoc ITestToken
    string public symbol;

    /// @inheritdoc ITestToken
    uint8 public immutable decimals;

    /// @inheritdoc ITestToken
    uint256 public totalSupply;

    /// @inheritdoc ITestToken
    mapping(address holder => uint256 balance) public balanceOf;

    /// @inheritdoc ITestToken
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

    /// @inheritdoc ITestToken
    function mint(address _to, uint256 _amount) external {
        if (_to == address(0)) revert InvalidRecipient(_to);
        uint256 supply_ = totalSupply;
        if (_amount > type(uint256).max - supply_) revert SupplyOverflow(supply_, _amount);
        totalSupply = supply_ + _amount;
        balanceOf[_to] += _amount;
        emit Transfer(address(0), _to, _amount);
    }

    /// @inheritdoc ITestToken
    function transfer(address _to, uint256 _amount) external returns (bool success_) {
        _move(msg.sender, _to, _amount);
        return true;
    }

    /// @inheritdoc ITestToken
    function approve(address _spender, uint256 _amount) external returns (bool success_) {
        allowance[msg.sender][_spender] = _amount;
        emit Approval(msg.sender, _spender, _amount);
        return true;
    }

    /// @inheritdoc ITestToken
    function transferFrom(address _from, address _to, uint256 _amount) external returns (bool success_) {
        uint256 allowance_ = allowance[_from][msg.sender];
        if (allowance_ != type(uint256).max) {
            if (allowance_ < _amount) revert InsufficientAllowance(_from, msg.sender, allowance_, _amount);
            allowance[_from][msg.sender] = allowance_ - _amount;
        }
        _move(_from, _to, _amount);
        return true;
    }

    function _move(address _from, address _to, uint256 _amount) private {
        if (_to == address(0)) revert InvalidRecipient(_to);
        uint256 balance_ = balanceOf[_from];
        if (balance_ < _amount) revert InsufficientBalance(_from, balance_, _amount);
        balanceOf[_from] = balance_ - _amount;
        balanceOf[_to] += _amount;
        emit Transfer(_from, _to, _amount);
    }
}
