// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    SpecificActionERC20TransferBatchEnforcer
} from "../../src/stand_ins/SpecificActionERC20TransferBatchEnforcer.sol";
import { ISpecificAction } from "../../src/interfaces/ISpecificAction.sol";
import { ExecutionBatch } from "../../src/stand_ins/ExecutionBatch.sol";
import { Base } from "../Base.sol";

contract SpecificActionTest is Base {
    struct Execution {
        address target;
        uint256 value;
        bytes callData;
    }

    string internal constant NAME = "SpecificActionERC20TransferBatchEnforcer:";
    bytes32 internal constant BATCH = bytes32(uint256(1) << 248);
    bytes32 internal constant BATCH_TRY = bytes32(uint256(0x0101) << 240);
    bytes32 internal constant HASH = keccak256("a delegation");
    address internal constant DELEGATOR = address(0xA11CE);
    address internal constant RECIPIENT = address(0xB0B);
    address internal constant TOKEN = address(0x70CE);
    address internal constant FIRST = address(0xF1257);
    bytes internal constant CALL = hex"0102030405";

    SpecificActionERC20TransferBatchEnforcer internal enforcer = new SpecificActionERC20TransferBatchEnforcer();

    function test_TheBatchPassesAndIsMarkedAsUsed() public {
        vm.assertTrue(!enforcer.usedDelegations(address(this), HASH), "not used yet");
        _expectEvent(address(enforcer));
        emit ISpecificAction.DelegationExecuted(address(this), HASH, DELEGATOR);
        _hook(_batch());
        vm.assertTrue(enforcer.usedDelegations(address(this), HASH), "used");
    }

    function test_RevertWhen_TheDelegationWasUsed() public {
        _hook(_batch());
        _expectReason("delegation-already-used");
        _hook(_batch());
    }

    function test_RevertWhen_TheDelegationWasUsedWhateverTheBatch() public {
        _hook(_batch());
        _expectReason("delegation-already-used");
        _hook("");
    }

    function test_AnotherDelegationAndAnotherManagerAreNotUsed() public {
        _hook(_batch());
        _hook(_terms(), BATCH, _batch(), bytes32(uint256(1)));
        vm.prank(DELEGATOR);
        _hook(_batch());
    }

    function test_UseStandsUnderManagerAndHashAtSlotZero() public {
        _hook(_batch());
        bytes32 slot_ = keccak256(abi.encode(HASH, keccak256(abi.encode(address(this), uint256(0)))));
        vm.assertEq(uint256(vm.load(address(enforcer), slot_)), 1, "used");
    }

    function test_RevertWhen_TheCallIsSingleAndTried() public {
        vm.expectRevert("CaveatEnforcer:invalid-call-type");
        _hook("", bytes32(uint256(1) << 240), "", HASH);
    }

    function test_RevertWhen_TheBatchIsTried() public {
        vm.expectRevert("CaveatEnforcer:invalid-execution-type");
        _hook("", BATCH_TRY, "", HASH);
    }

    function test_RevertWhen_TheBatchHasAnotherSizeWhateverTheTerms() public {
        for (uint256 size_ = 0; size_ < 4; size_++) {
            if (size_ == 2) continue;
            _expectReason("invalid-batch-size");
            _hook("", BATCH, abi.encode(new Execution[](size_)), HASH);
        }
    }

    function test_RevertWhen_TheTermsAreTooShort() public {
        _expectReason("invalid-terms-length");
        _hook(abi.encodePacked(TOKEN, RECIPIENT, uint256(7), FIRST, uint248(0)), BATCH, _batch(), HASH);
    }

    function test_TermsWithoutCallDataStandForAnEmptyCall() public {
        Execution[] memory batch_ = _executions();
        batch_[0].callData = "";
        _hook(abi.encodePacked(TOKEN, RECIPIENT, uint256(7), FIRST, uint256(3)), BATCH, abi.encode(batch_), HASH);
    }

    function test_RevertWhen_AnyPartOfTheFirstCallDiffers() public {
        for (uint256 part_ = 0; part_ < 4; part_++) {
            Execution[] memory batch_ = _executions();
            if (part_ == 0) batch_[0].target = TOKEN;
            if (part_ == 1) batch_[0].value = 2;
            if (part_ == 2) batch_[0].callData = hex"0102030406";
            if (part_ == 3) batch_[0].callData = hex"010203040500";
            _expectReason("invalid-first-transaction");
            _hook(abi.encode(batch_));
        }
    }

    function test_RevertWhen_AnyPartOfTheTransferDiffers() public {
        for (uint256 part_ = 0; part_ < 7; part_++) {
            Execution[] memory batch_ = _executions();
            if (part_ == 0) batch_[1].target = FIRST;
            if (part_ == 1) batch_[1].value = 1;
            if (part_ == 2) batch_[1].callData = bytes.concat(_transfer(RECIPIENT, 7), hex"00");
            if (part_ == 3) batch_[1].callData = abi.encodeWithSignature("approve(address,uint256)", RECIPIENT, 7);
            if (part_ == 4) batch_[1].callData = _transfer(DELEGATOR, 7);
            if (part_ == 5) batch_[1].callData = _transfer(RECIPIENT, 8);
            if (part_ == 6) batch_[1].callData = "";
            _expectReason("invalid-second-transaction");
            _hook(abi.encode(batch_));
        }
    }

    function test_RevertWhen_TheCallsAreSwapped() public {
        Execution[] memory batch_ = _executions();
        (batch_[0], batch_[1]) = (batch_[1], batch_[0]);
        _expectReason("invalid-first-transaction");
        _hook(abi.encode(batch_));
    }

    function test_RevertWhen_ATargetHasBitsAboveTheAddress() public {
        bytes memory batch_ = _batch();
        batch_[32 * 4] = 0x01; // offset, length, two heads, then the first target
        vm.expectRevert(bytes(""));
        _hook(batch_);
    }

    function test_GetTermsInfoGivesTheParts() public view {
        ISpecificAction.TermsData memory parts_ = enforcer.getTermsInfo(_terms());
        vm.assertEq(parts_.tokenAddress, TOKEN, "token");
        vm.assertEq(parts_.recipient, RECIPIENT, "recipient");
        vm.assertEq(parts_.amount, 7, "amount");
        vm.assertEq(parts_.firstTarget, FIRST, "first target");
        vm.assertEq(parts_.firstValue, 3, "first value");
        vm.assertEq(string(parts_.firstCalldata), string(CALL), "first call data");
    }

    function testFuzz_ExactlyTheBatchOfTheTermsPasses(
        address[3] calldata _who,
        uint256[2] calldata _numbers,
        bytes calldata _data
    )
        public
    {
        Execution[] memory batch_ = new Execution[](2);
        batch_[0] = Execution(_who[2], _numbers[1], _data);
        batch_[1] = Execution(_who[0], 0, _transfer(_who[1], _numbers[0]));
        bytes memory terms_ = abi.encodePacked(_who[0], _who[1], _numbers[0], _who[2], _numbers[1], _data);
        _hook(terms_, BATCH, abi.encode(batch_), HASH);
        vm.assertTrue(enforcer.usedDelegations(address(this), HASH), "used");
    }

    function testFuzz_RevertWhen_TheBatchIsCutShort(uint256 _length) public {
        bytes memory batch_ = _batch();
        _length = _bound(_length, 0, batch_.length - 29); // the last 28 bytes are padding, which nothing reads
        assembly ("memory-safe") {
            mstore(batch_, _length)
        }
        vm.expectRevert(abi.encodeWithSelector(ExecutionBatch.DecodingError.selector));
        _hook(batch_);
    }

    function testFuzz_RevertWhen_AnOffsetOrLengthIsHuge(uint256 _word, uint256 _which) public {
        bytes memory batch_ = _batch();
        // offset and length of the array, heads of both, offset and length of the first call data
        uint256 at_ = [uint256(0), 1, 2, 3, 6, 7][_which % 6];
        _word = _bound(_word, batch_.length, type(uint256).max);
        assembly ("memory-safe") {
            mstore(add(add(batch_, 32), mul(32, at_)), _word)
        }
        vm.expectRevert(abi.encodeWithSelector(ExecutionBatch.DecodingError.selector));
        _hook(batch_);
    }

    function _hook(bytes memory _batchBytes) private {
        _hook(_terms(), BATCH, _batchBytes, HASH);
    }

    function _hook(bytes memory _encodedTerms, bytes32 _mode, bytes memory _batchBytes, bytes32 _hash) private {
        enforcer.beforeHook(_encodedTerms, "", _mode, _batchBytes, _hash, DELEGATOR, address(0));
    }

    function _expectReason(string memory _reason) private {
        vm.expectRevert(bytes(string.concat(NAME, _reason)));
    }

    function _terms() private pure returns (bytes memory terms_) {
        return abi.encodePacked(TOKEN, RECIPIENT, uint256(7), FIRST, uint256(3), CALL);
    }

    function _batch() private pure returns (bytes memory batch_) {
        return abi.encode(_executions());
    }

    function _executions() private pure returns (Execution[] memory executions_) {
        executions_ = new Execution[](2);
        executions_[0] = Execution(FIRST, 3, CALL);
        executions_[1] = Execution(TOKEN, 0, _transfer(RECIPIENT, 7));
    }

    function _transfer(address _to, uint256 _amount) private pure returns (bytes memory data_) {
        return abi.encodeWithSignature("transfer(address,uint256)", _to, _amount);
    }
}
