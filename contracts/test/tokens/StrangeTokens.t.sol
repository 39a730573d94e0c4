// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ITestToken } from "../../src/interfaces/ITestToken.sol";
import { FeeToken } from "../../src/tokens/FeeToken.sol";
import { ReentrantToken } from "../../src/tokens/ReentrantToken.sol";
import { RevertingToken } from "../../src/tokens/RevertingToken.sol";
import { SilentToken } from "../../src/tokens/SilentToken.sol";
import { Base } from "../Base.sol";

contract StrangeTokensTest is Base {
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    uint256 internal constant MAX = type(uint256).max;

    FeeToken internal fee;
    SilentToken internal silent;
    RevertingToken internal reverting;
    ReentrantToken internal reentrant;

    function setUp() public {
        fee = new FeeToken("Fee Token", "FEE", 18);
        silent = new SilentToken("Silent Token", "HUSH", 6);
        reverting = new RevertingToken("Reverting Token", "NOPE", 18);
        reentrant = new ReentrantToken("Reentrant Token", "BACK", 18);
        fee.mint(ALICE, 1000);
        silent.mint(ALICE, 1000);
        reverting.mint(ALICE, 1000);
        reentrant.mint(ALICE, 1000);
    }

    function test_TokensSayTheirNameSymbolDecimalsAndSupply() public view {
        vm.assertEq(silent.name(), "Silent Token", "name");
        vm.assertEq(silent.symbol(), "HUSH", "symbol");
        vm.assertEq(silent.decimals(), 6, "decimals");
        vm.assertEq(silent.totalSupply(), 1000, "supply");
    }

    // FeeToken

    function test_FeeIsKeptOfATransfer() public {
        vm.prank(ALICE);
        vm.assertTrue(fee.transfer(BOB, 500), "returns true");
        vm.assertEq(fee.balanceOf(ALICE), 500, "payer");
        vm.assertEq(fee.balanceOf(BOB), 495, "recipient");
        vm.assertEq(fee.balanceOf(address(fee)), 5, "fee");
    }

    function test_FeeIsKeptOfATransferFrom() public {
        vm.prank(ALICE);
        vm.assertTrue(fee.approve(BOB, 500), "returns true");
        vm.prank(BOB);
        vm.assertTrue(fee.transferFrom(ALICE, BOB, 400), "returns true");
        vm.assertEq(fee.balanceOf(BOB), 396, "recipient");
        vm.assertEq(fee.allowance(ALICE, BOB), 100, "allowance");
    }

    function test_RevertWhen_FeeTakesMoreThanTheAmount() public {
        fee.setFee(10_000);
        vm.expectRevert(abi.encodeWithSelector(FeeToken.FeeTooHigh.selector, 10_001));
        fee.setFee(10_001);
    }

    function testFuzz_FeeAndAmountAreWhatWasSent(uint256 _minted, uint256 _amount, uint256 _basisPoints) public {
        _minted = _bound(_minted, 0, MAX - 1000);
        _amount = _bound(_amount, 0, _minted);
        fee.mint(BOB, _minted);
        fee.setFee(_bound(_basisPoints, 0, 10_000));
        vm.prank(BOB);
        fee.transfer(address(0xCA201), _amount);
        vm.assertEq(fee.balanceOf(BOB), _minted - _amount, "payer");
        vm.assertEq(fee.balanceOf(address(0xCA201)) + fee.balanceOf(address(fee)), _amount, "arrived and fee");
    }

    // SilentToken

    function test_SilentTransferReturnsNothing() public {
        vm.prank(ALICE);
        (bool success_, bytes memory result_) = address(silent).call(abi.encodeCall(silent.transfer, (BOB, 10)));
        vm.assertTrue(success_, "succeeds");
        vm.assertEq(result_.length, 0, "returned bytes");
        vm.assertEq(silent.balanceOf(BOB), 10, "recipient");
    }

    function test_SilentTransferFromSpendsTheAllowance() public {
        vm.prank(ALICE);
        silent.approve(BOB, MAX);
        vm.prank(BOB);
        silent.transferFrom(ALICE, BOB, 10);
        vm.assertEq(silent.balanceOf(BOB), 10, "recipient");
        vm.assertEq(silent.allowance(ALICE, BOB), MAX, "the largest allowance is left alone");
    }

    function test_RevertWhen_SilentTransferFromExceedsTheAllowance() public {
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientAllowance.selector, ALICE, BOB, 0, 1));
        vm.prank(BOB);
        silent.transferFrom(ALICE, BOB, 1);
    }

    function test_RevertWhen_SilentTransferExceedsTheBalance() public {
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InsufficientBalance.selector, ALICE, 1000, 1001));
        vm.prank(ALICE);
        silent.transfer(BOB, 1001);
    }

    function test_RevertWhen_SilentTransferGoesNowhere() public {
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InvalidRecipient.selector, address(0)));
        vm.prank(ALICE);
        silent.transfer(address(0), 1);
    }

    // RevertingToken

    function test_RevertWhen_RevertingTokenIsNotToldOtherwise() public {
        vm.expectRevert("RevertingToken:refused");
        vm.prank(ALICE);
        reverting.transfer(BOB, 10);
    }

    function test_RevertWhen_RevertingTokenRefusesWithGivenData() public {
        reverting.refuseWith(abi.encodeWithSelector(ITestToken.InvalidRecipient.selector, BOB));
        vm.expectRevert(abi.encodeWithSelector(ITestToken.InvalidRecipient.selector, BOB));
        vm.prank(ALICE);
        reverting.transfer(BOB, 10);
    }

    function test_RevertWhen_RevertingTokenRefusesWithoutData() public {
        reverting.refuseWith("");
        vm.expectRevert("");
        vm.prank(ALICE);
        reverting.transfer(BOB, 10);
    }

    function test_RevertingTokenMovesOnceItAccepts() public {
        reverting.accept();
        vm.prank(ALICE);
        reverting.transfer(BOB, 10);
        vm.assertEq(reverting.balanceOf(BOB), 10, "recipient");
    }

    // ReentrantToken

    function test_ReentrantTokenOnlyMovesUnlessTold() public {
        vm.prank(ALICE);
        reentrant.transfer(BOB, 10);
        vm.assertEq(reentrant.balanceOf(BOB), 10, "recipient");
    }

    function test_ReentrantTokenCallsAfterATransfer() public {
        bytes memory call_ = abi.encodeCall(silent.mint, (BOB, 7));
        reentrant.callBack(address(silent), call_, 1);
        _expectEvent(address(reentrant));
        emit ReentrantToken.CalledBack(address(silent), true, "");
        vm.prank(ALICE);
        reentrant.transfer(BOB, 10);
        vm.assertEq(silent.balanceOf(BOB), 7, "the call was made");
        vm.prank(ALICE);
        reentrant.transfer(BOB, 10);
        vm.assertEq(silent.balanceOf(BOB), 7, "once");
    }

    function test_ReentrantTokenReentersItself() public {
        reentrant.mint(address(reentrant), 5);
        reentrant.callBack(address(reentrant), abi.encodeCall(reentrant.transfer, (BOB, 1)), 3);
        vm.prank(ALICE);
        reentrant.transfer(BOB, 10);
        vm.assertEq(reentrant.balanceOf(BOB), 13, "one transfer and three calls");
        vm.assertEq(reentrant.remaining(), 0, "remaining");
    }

    function test_ReentrantTokenMovesEvenIfTheCallFails() public {
        bytes memory refusal_ = abi.encodeWithSelector(ITestToken.InsufficientBalance.selector, reentrant, 0, 1);
        reentrant.callBack(address(silent), abi.encodeCall(silent.transfer, (BOB, 1)), 1);
        _expectEvent(address(reentrant));
        emit ReentrantToken.CalledBack(address(silent), false, refusal_);
        vm.prank(ALICE);
        reentrant.transfer(BOB, 10);
        vm.assertEq(reentrant.balanceOf(BOB), 10, "recipient");
    }
}
