// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TestTarget } from "../src/TestTarget.sol";
import { ITestTarget } from "../src/interfaces/ITestTarget.sol";
import { Base } from "./Base.sol";

contract TestTargetTest is Base {
    address internal constant ALICE = address(0xA11CE);

    TestTarget internal target;

    function setUp() public {
        target = new TestTarget();
        vm.deal(ALICE, 10 ether);
    }

    function test_PingTellsCallerValueAndNumber() public {
        _expectEvent(address(target));
        emit ITestTarget.Pinged(ALICE, 3 ether, 42);
        vm.prank(ALICE);
        target.ping{ value: 3 ether }(42);
    }

    function test_PingKeepsTheEther() public {
        vm.prank(ALICE);
        target.ping{ value: 3 ether }(0);
        vm.assertEq(address(target).balance, 3 ether, "target");
        vm.assertEq(ALICE.balance, 7 ether, "caller");
    }

    function testFuzz_PingTellsAnyCallerValueAndNumber(address _caller, uint96 _value, uint256 _number) public {
        vm.assume(_caller != address(target) && _caller != address(vm));
        vm.deal(_caller, _value);
        _expectEvent(address(target));
        emit ITestTarget.Pinged(_caller, _value, _number);
        vm.prank(_caller);
        target.ping{ value: _value }(_number);
    }

    function test_RevertWhen_FailIsCalled() public {
        vm.expectRevert(abi.encodeWithSelector(ITestTarget.Refused.selector, ALICE));
        vm.prank(ALICE);
        target.fail();
    }

    function test_RevertWhen_FailWithReasonIsCalled() public {
        vm.expectRevert("TestTarget:refused");
        vm.prank(ALICE);
        target.failWithReason();
    }

    function test_RevertWhen_FailIsSentEtherWhichStaysWithTheCaller() public {
        vm.expectRevert(abi.encodeWithSelector(ITestTarget.Refused.selector, ALICE));
        vm.prank(ALICE);
        target.fail{ value: 1 ether }();
        vm.assertEq(ALICE.balance, 10 ether, "caller");
    }
}
