// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TestToken } from "../src/TestToken.sol";
import { ITestToken } from "../src/interfaces/ITestToken.sol";
import { Base } from "./Base.sol";

contract TestTokenTest is Base {
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant CAROL = address(0xCA201);
    uint256 internal constant MAX = type(uint256).max;

    TestToken internal token;

    function setUp() public {
        token = new TestToken("Test Dollar", "TUSD", 6);
    }

    function test_ConstructorSetsTheMetadata() public view {
        vm.assertEq(token.name(), "Test Dollar", "name");
        vm.assertEq(token.symbol(), "TUSD", "symbol");
        vm.assertEq(token.decimals(), 6, "decimals");
        vm.assertEq(token.totalSupply(), 0, "supply");
    }

    function test_MintRaisesBalanceAndSupply() public {
        _expectEvent(address(token));
        emit ITestToken.Transfer(address(0), ALICE, 100);
        token.mint(ALICE, 100);
        vm.assertEq(token.balanceOf(ALICE), 100, "balance");
        vm.assertEq(token.totalSupply(), 100, "supply");
    }

    function test_MintIsOpenToEveryone() public {
        vm.prank(BOB);
        token.mint(BOB, 1);
        vm.assertEq(token.balanceOf(BOB), 1, "balance");
    }

    function test_MintReachesTheLargestSupply() public {
        token.mint(ALICE, MAX - 1);
        token.mint(BOB, 1);
        vm.assertEq(token.totalSupply(), MAX, "supply");
    }

    function test_RevertWhen_MintOverflowsTheSupply() public {
        token.mint(ALICE, MAX);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.SupplyOverflow.selector, MAX, 1));
        token.mint(BOB, 1);
    }

    function test_RevertWhen_MintGoesToTheZeroAddress() public {
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InvalidRecipient.selector, address(0)));
        token.mint(address(0), 1);
    }

    function test_TransferMovesTokens() public {
        token.mint(ALICE, 100);
        _expectEvent(address(token));
        emit ITestToken.Transfer(ALICE, BOB, 40);
        vm.prank(ALICE);
        vm.assertTrue(token.transfer(BOB, 40), "returns true");
        vm.assertEq(token.balanceOf(ALICE), 60, "payer");
        vm.assertEq(token.balanceOf(BOB), 40, "recipient");
    }

    function test_TransferToOneselfChangesNothing() public {
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.transfer(ALICE, 100);
        vm.assertEq(token.balanceOf(ALICE), 100, "balance");
    }

    function test_RevertWhen_TransferExceedsTheBalance() public {
        token.mint(ALICE, 100);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientBalance.selector, ALICE, 100, 101));
        vm.prank(ALICE);
        token.transfer(BOB, 101);
    }

    function test_RevertWhen_TransferGoesToTheZeroAddress() public {
        token.mint(ALICE, 100);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InvalidRecipient.selector, address(0)));
        vm.prank(ALICE);
        token.transfer(address(0), 1);
    }

    function test_ApproveReplacesTheAllowance() public {
        vm.prank(ALICE);
        token.approve(BOB, 5);
        _expectEvent(address(token));
        emit ITestToken.Approval(ALICE, BOB, 70);
        vm.prank(ALICE);
        vm.assertTrue(token.approve(BOB, 70), "returns true");
        vm.assertEq(token.allowance(ALICE, BOB), 70, "allowance");
        vm.assertEq(token.allowance(BOB, ALICE), 0, "the other way round");
    }

    function test_TransferFromUsesUpTheAllowance() public {
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.approve(BOB, 70);
        _expectEvent(address(token));
        emit ITestToken.Transfer(ALICE, CAROL, 30);
        vm.prank(BOB);
        vm.assertTrue(token.transferFrom(ALICE, CAROL, 30), "returns true");
        vm.assertEq(token.allowance(ALICE, BOB), 40, "allowance");
        vm.assertEq(token.balanceOf(ALICE), 70, "payer");
        vm.assertEq(token.balanceOf(CAROL), 30, "recipient");
    }

    function test_TransferFromLeavesTheLargestAllowanceAlone() public {
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.approve(BOB, MAX);
        vm.prank(BOB);
        token.transferFrom(ALICE, CAROL, 100);
        vm.assertEq(token.allowance(ALICE, BOB), MAX, "allowance");
    }

    function test_RevertWhen_TransferFromExceedsTheAllowance() public {
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.approve(BOB, 70);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientAllowance.selector, ALICE, BOB, 70, 71));
        vm.prank(BOB);
        token.transferFrom(ALICE, CAROL, 71);
    }

    function test_RevertWhen_TransferFromExceedsTheBalance() public {
        token.mint(ALICE, 10);
        vm.prank(ALICE);
        token.approve(BOB, 70);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientBalance.selector, ALICE, 10, 11));
        vm.prank(BOB);
        token.transferFrom(ALICE, CAROL, 11);
    }

    function testFuzz_TransferKeepsTheSupply(address _from, address _to, uint256 _minted, uint256 _amount) public {
        vm.assume(_from != address(0) && _to != address(0) && _from != _to);
        _amount = _bound(_amount, 0, _minted);
        token.mint(_from, _minted);
        vm.prank(_from);
        token.transfer(_to, _amount);
        vm.assertEq(token.balanceOf(_from), _minted - _amount, "payer");
        vm.assertEq(token.balanceOf(_to), _amount, "recipient");
        vm.assertEq(token.totalSupply(), _minted, "supply");
    }

    function testFuzz_RevertWhen_TransferExceedsTheBalance(uint256 _minted, uint256 _amount) public {
        _minted = _bound(_minted, 0, MAX - 1);
        _amount = _bound(_amount, _minted + 1, MAX);
        token.mint(ALICE, _minted);
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientBalance.selector, ALICE, _minted, _amount));
        vm.prank(ALICE);
        token.transfer(BOB, _amount);
    }

    function testFuzz_TransferFromSpendsExactlyTheAmount(uint256 _allowed, uint256 _amount) public {
        _allowed = _bound(_allowed, 0, MAX - 1);
        _amount = _bound(_amount, 0, _allowed);
        token.mint(ALICE, MAX);
        vm.prank(ALICE);
        token.approve(BOB, _allowed);
        vm.prank(BOB);
        token.transferFrom(ALICE, CAROL, _amount);
        vm.assertEq(token.allowance(ALICE, BOB), _allowed - _amount, "allowance");
        vm.assertEq(token.balanceOf(CAROL), _amount, "recipient");
    }
}
