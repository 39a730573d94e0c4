// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ERC1155Kind, ERC20Kind, ERC721Kind, Kind, NativeKind } from "./Kinds.sol";

/// @notice What all four MultiOperationIncreaseBalance stand-ins do alike. The test contract plays the manager.
abstract contract IncreaseOverAllTest is Kind {
    uint256 internal constant MAX = type(uint256).max;
    bytes32 internal constant TRY = bytes32(uint256(1) << 240);
    address internal constant OTHER = address(0xCA201);

    function setUp() public {
        _setBalance(1000);
    }

    function test_ARiseOfExactlyTheAmountPasses() public {
        _beforeAll(_terms(5));
        _setBalance(1005);
        _afterAll(_terms(5));
        _assertTracker(0, 0, 0);
    }

    function test_RevertWhen_TheRiseIsOneShort() public {
        _beforeAll(_terms(5));
        _setBalance(1004);
        vm.expectRevert(_reason("insufficient-balance-increase"));
        _afterAll(_terms(5));
    }

    function test_RevertWhen_TheBalanceFalls() public {
        _beforeAll(_terms(1));
        _setBalance(0);
        vm.expectRevert(_reason("insufficient-balance-increase"));
        _afterAll(_terms(1));
    }

    function test_DemandsUnderOneKeyAddUp() public {
        _beforeAll(_terms(5));
        _beforeAll(_terms(7));
        _assertTracker(1000, 12, 2);
        _setBalance(1012);
        _afterAll(_terms(7));
        _afterAll(_terms(5));
        _assertTracker(0, 0, 0);
    }

    function test_RevertWhen_TheSumIsOneShort() public {
        _beforeAll(_terms(5));
        _beforeAll(_terms(7));
        _setBalance(1011);
        _afterAll(_terms(7));
        vm.expectRevert(_reason("insufficient-balance-increase"));
        _afterAll(_terms(5));
    }

    function test_OnlyTheLastOneChecks() public {
        _beforeAll(_terms(5));
        _beforeAll(_terms(7));
        _afterAll(_terms(7));
        _assertTracker(1000, 12, 1);
        _setBalance(1012);
        _afterAll(_terms(5));
        _assertTracker(0, 0, 0);
    }

    function test_TheFirstBalanceIsKept() public {
        _beforeAll(_terms(5));
        _setBalance(2000);
        _beforeAll(_terms(5));
        _assertTracker(1000, 10, 2);
    }

    function test_TheNextCallStartsAnew() public {
        test_DemandsUnderOneKeyAddUp();
        _beforeAll(_terms(1));
        _assertTracker(1012, 1, 1);
        vm.expectRevert(_reason("insufficient-balance-increase"));
        _afterAll(_terms(1));
    }

    function test_RecipientsDoNotShare() public {
        _beforeAll(_terms(5));
        _beforeAll(_termsOf(OTHER, 7));
        _setBalance(1005);
        _setBalanceOf(OTHER, 7);
        _afterAll(_termsOf(OTHER, 7));
        _afterAll(_terms(5));
    }

    function test_CallersDoNotShare() public {
        _beforeAll(_terms(5));
        vm.prank(OTHER);
        _beforeAll(_terms(100));
        _assertTracker(1000, 5, 1);
        _setBalance(1005);
        _afterAll(_terms(5));
        (, uint256 expected_,) = _tracker(OTHER, RECIPIENT);
        vm.assertEq(expected_, 100, "the other caller's");
    }

    function test_EventsTellTheBalanceEachDemandAndTheSum() public {
        _expectEvent(address(enforcer));
        _emitTracked(1000);
        _expectEvent(address(enforcer));
        _emitUpdated(5);
        _beforeAll(_terms(5));
        _expectEvent(address(enforcer));
        _emitUpdated(7);
        _beforeAll(_terms(7));
        _setBalance(1012);
        _afterAll(_terms(7));
        _expectEvent(address(enforcer));
        _emitValidated(12);
        _afterAll(_terms(5));
    }

    function test_StateStandsInThreeWordsUnderTheKeyAtSlotZero() public {
        _beforeAll(_terms(5));
        uint256 slot_ = uint256(keccak256(abi.encode(_keyOf(address(this), RECIPIENT), uint256(0))));
        vm.assertEq(uint256(vm.load(address(enforcer), bytes32(slot_))), 1000, "balanceBefore");
        vm.assertEq(uint256(vm.load(address(enforcer), bytes32(slot_ + 1))), 5, "expectedIncrease");
        vm.assertEq(uint256(vm.load(address(enforcer), bytes32(slot_ + 2))), 1, "validationRemaining");
    }

    function test_TheTwoOtherHooksDoNothing() public {
        enforcer.beforeHook("", "", TRY, "", bytes32(0), address(0), address(0));
        enforcer.afterHook("", "", TRY, "", bytes32(0), address(0), address(0));
    }

    function test_AnyCallTypePasses() public {
        enforcer.beforeAllHook(_terms(5), "", bytes32(uint256(1) << 248), "", bytes32(0), address(0), address(0));
        _assertTracker(1000, 5, 1);
    }

    function test_RevertWhen_TheExecutionTypeIsTryWhateverTheTerms() public {
        vm.expectRevert("CaveatEnforcer:invalid-execution-type");
        enforcer.beforeAllHook("", "", TRY, "", bytes32(0), address(0), address(0));
    }

    function test_RevertWhen_NothingIsDemanded() public {
        vm.expectRevert(_reason("zero-expected-change-amount"));
        _beforeAll(_terms(0));
    }

    function test_RevertWhen_TheTermsAreOneByteShort() public {
        bytes memory terms_ = _terms(5);
        assembly ("memory-safe") {
            mstore(terms_, sub(mload(terms_), 1))
        }
        vm.expectRevert(_reason("invalid-terms-length"));
        _beforeAll(terms_);
        vm.expectRevert(_reason("invalid-terms-length"));
        _afterAll(terms_);
    }

    function test_RevertWhen_TheTermsAreOneByteLong() public {
        vm.expectRevert(_reason("invalid-terms-length"));
        _beforeAll(bytes.concat(_terms(5), hex"00"));
    }

    function test_RevertWhen_ACaveatIsCountedOffThatMadeNoDemand() public {
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        _afterAll(_terms(5));
    }

    function test_RevertWhen_TheDemandsOverflow() public {
        _beforeAll(_terms(MAX));
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        _beforeAll(_terms(1));
    }

    function test_RevertWhen_BalanceAndDemandOverflow() public {
        _beforeAll(_terms(MAX - 999));
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        _afterAll(_terms(MAX - 999));
    }

    function testFuzz_TheSumDecides(
        uint128[8] calldata _amounts,
        uint8 _count,
        uint128 _before,
        uint256 _after
    )
        public
    {
        uint256 count_ = _bound(_count, 1, _amounts.length);
        uint256 sum_;
        _setBalance(_before);
        for (uint256 i = 0; i < count_; i++) {
            uint256 amount_ = _bound(_amounts[i], 1, type(uint128).max);
            sum_ += amount_;
            _beforeAll(_terms(amount_));
        }
        _after = _bound(_after, 0, 2 * (_before + sum_));
        _setBalance(_after);
        for (uint256 i = 1; i < count_; i++) {
            _afterAll(_terms(1));
        }
        if (_after < _before + sum_) vm.expectRevert(_reason("insufficient-balance-increase"));
        _afterAll(_terms(1));
    }

    function testFuzz_RevertWhen_TheTermsHaveAnotherLength(bytes calldata _bytes) public {
        vm.assume(_bytes.length != _terms(1).length);
        vm.expectRevert(_reason("invalid-terms-length"));
        _beforeAll(_bytes);
    }

    function _assertTracker(uint256 _balance, uint256 _expected, uint256 _remaining) private view {
        (uint256 balance_, uint256 expected_, uint256 remaining_) = _tracker(address(this), RECIPIENT);
        vm.assertEq(balance_, _balance, "balanceBefore");
        vm.assertEq(expected_, _expected, "expectedIncrease");
        vm.assertEq(remaining_, _remaining, "validationRemaining");
    }
}

contract ERC20IncreaseOverAllTest is ERC20Kind, IncreaseOverAllTest { }

contract ERC721IncreaseOverAllTest is ERC721Kind, IncreaseOverAllTest { }

contract ERC1155IncreaseOverAllTest is ERC1155Kind, IncreaseOverAllTest { }

contract NativeIncreaseOverAllTest is NativeKind, IncreaseOverAllTest { }
