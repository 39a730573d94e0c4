// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TestToken } from "../src/TestToken.sol";
import { Base } from "./Base.sol";

/// @notice Drives the token with calls that must all succeed, among a few holders, and remembers who they are.
contract TestTokenHandler is Base {
    TestToken public immutable token;
    address[] public holders;

    constructor(TestToken _token) {
        token = _token;
        for (uint160 i = 1; i <= 5; i++) {
            holders.push(address(i * 0x1111));
        }
    }

    function mint(uint256 _to, uint256 _amount) external {
        token.mint(_holder(_to), _bound(_amount, 0, type(uint256).max - token.totalSupply()));
    }

    function transfer(uint256 _from, uint256 _to, uint256 _amount) external {
        address from_ = _holder(_from);
        _amount = _bound(_amount, 0, token.balanceOf(from_));
        vm.prank(from_);
        token.transfer(_holder(_to), _amount);
    }

    function transferFrom(uint256 _from, uint256 _spender, uint256 _to, uint256 _amount) external {
        address from_ = _holder(_from);
        address spender_ = _holder(_spender);
        _amount = _bound(_amount, 0, token.balanceOf(from_));
        vm.prank(from_);
        token.approve(spender_, _amount);
        vm.prank(spender_);
        token.transferFrom(from_, _holder(_to), _amount);
    }

    function sumOfBalances() external view returns (uint256 sum_) {
        for (uint256 i = 0; i < holders.length; i++) {
            sum_ += token.balanceOf(holders[i]);
        }
    }

    function _holder(uint256 _index) private view returns (address holder_) {
        return holders[_index % holders.length];
    }
}

contract TestTokenInvariantTest is Base {
    TestToken internal token;
    TestTokenHandler internal handler;

    function setUp() public {
        token = new TestToken("Test Dollar", "TUSD", 6);
        handler = new TestTokenHandler(token);
    }

    /// @dev Foundry asks this which contracts to call at random.
    function targetContracts() public view returns (address[] memory targets_) {
        targets_ = new address[](1);
        targets_[0] = address(handler);
    }

    function invariant_BalancesAddUpToTheSupply() public view {
        vm.assertEq(handler.sumOfBalances(), token.totalSupply(), "sum of balances");
    }
}
