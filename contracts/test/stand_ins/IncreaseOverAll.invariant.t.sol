// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Base } from "../Base.sol";
import { ERC1155Kind, ERC20Kind, ERC721Kind, Kind, NativeKind } from "./Kinds.sol";

/// @notice Plays a manager that makes whole calls: every caveat is met at the start and again, in the opposite order, at the end.
abstract contract IncreaseHandler is Kind {
    uint256 private constant RECIPIENTS = 3;

    struct Caveat {
        address recipient;
        uint256 amount;
    }

    mapping(address recipient => uint256 demanded) private demanded;
    mapping(address recipient => uint256 balance) private held;

    /// @dev A call with up to eight caveats, in which each recipient gains what is demanded and `_extra` more.
    function redeem(uint256[8] calldata _seeds, uint256 _count, uint64 _extra) external {
        _run(_seeds, _bound(_count, 0, _seeds.length), _extra, 0);
    }

    /// @dev The same, with a whole call inside the execution, as when an execution redeems in its turn.
    function redeemNested(uint256[8] calldata _seeds, uint256 _count, uint64 _extra, uint256 _inner) external {
        _run(_seeds, _bound(_count, 0, _seeds.length), _extra, _bound(_inner, 0, _seeds.length));
    }

    function isForgotten() external view returns (bool isForgotten_) {
        for (uint256 i = 0; i < RECIPIENTS; i++) {
            (uint256 balance_, uint256 expected_, uint256 remaining_) = _tracker(address(this), _recipient(i));
            if (balance_ != 0 || expected_ != 0 || remaining_ != 0) return false;
        }
        return true;
    }

    function _run(uint256[8] calldata _seeds, uint256 _count, uint256 _extra, uint256 _inner) private {
        for (uint256 i = 0; i < _count; i++) {
            _meet(_caveat(_seeds[i]));
        }
        for (uint256 i = 0; i < _inner; i++) {
            _meet(_caveat(_seeds[i]));
        }
        for (uint256 i = 0; i < RECIPIENTS; i++) {
            _gain(_recipient(i), _extra);
        }
        for (uint256 i = _inner; i > 0; i--) {
            _meetAgain(_caveat(_seeds[i - 1]));
        }
        for (uint256 i = _count; i > 0; i--) {
            _meetAgain(_caveat(_seeds[i - 1]));
        }
    }

    function _meet(Caveat memory _met) private {
        demanded[_met.recipient] += _met.amount;
        _beforeAll(_termsOf(_met.recipient, _met.amount));
    }

    function _meetAgain(Caveat memory _met) private {
        _afterAll(_termsOf(_met.recipient, _met.amount));
    }

    function _gain(address _who, uint256 _extra) private {
        held[_who] += demanded[_who] + _extra;
        demanded[_who] = 0;
        _setBalanceOf(_who, held[_who]);
    }

    function _caveat(uint256 _seed) private pure returns (Caveat memory caveat_) {
        return Caveat(_recipient(_seed), _bound(_seed >> 8, 1, type(uint96).max));
    }

    function _recipient(uint256 _seed) private pure returns (address recipient_) {
        return address(uint160(0x1111 * (1 + _seed % RECIPIENTS)));
    }
}

contract ERC20IncreaseHandler is ERC20Kind, IncreaseHandler { }

contract ERC721IncreaseHandler is ERC721Kind, IncreaseHandler { }

contract ERC1155IncreaseHandler is ERC1155Kind, IncreaseHandler { }

contract NativeIncreaseHandler is NativeKind, IncreaseHandler { }

contract IncreaseOverAllInvariantTest is Base {
    IncreaseHandler[4] internal handlers;

    function setUp() public {
        handlers = [
            IncreaseHandler(new ERC20IncreaseHandler()),
            new ERC721IncreaseHandler(),
            new ERC1155IncreaseHandler(),
            new NativeIncreaseHandler()
        ];
    }

    /// @dev Foundry asks this which contracts to call at random.
    function targetContracts() public view returns (address[] memory targets_) {
        targets_ = new address[](handlers.length);
        for (uint256 i = 0; i < handlers.length; i++) {
            targets_[i] = address(handlers[i]);
        }
    }

    /// forge-config: default.invariant.runs = 16
    function invariant_NothingIsRememberedAfterAWholeCall() public view {
        for (uint256 i = 0; i < handlers.length; i++) {
            vm.assertTrue(handlers[i].isForgotten(), "tracker is zero");
        }
    }
}
