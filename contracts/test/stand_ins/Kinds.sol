// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    ERC1155MultiOperationIncreaseBalanceEnforcer
} from "../../src/stand_ins/ERC1155MultiOperationIncreaseBalanceEnforcer.sol";
import {
    ERC20MultiOperationIncreaseBalanceEnforcer
} from "../../src/stand_ins/ERC20MultiOperationIncreaseBalanceEnforcer.sol";
import {
    ERC721MultiOperationIncreaseBalanceEnforcer
} from "../../src/stand_ins/ERC721MultiOperationIncreaseBalanceEnforcer.sol";
import {
    NativeTokenMultiOperationIncreaseBalanceEnforcer
} from "../../src/stand_ins/NativeTokenMultiOperationIncreaseBalanceEnforcer.sol";
import { IERC1155IncreaseOverAll } from "../../src/interfaces/IERC1155IncreaseOverAll.sol";
import { IEnforcer } from "../../src/interfaces/IEnforcer.sol";
import { IIncreaseOverAll } from "../../src/interfaces/IIncreaseOverAll.sol";
import { INativeIncreaseOverAll } from "../../src/interfaces/INativeIncreaseOverAll.sol";
import { ITokenIncreaseOverAll } from "../../src/interfaces/ITokenIncreaseOverAll.sol";
import { Base } from "../Base.sol";
import { Balances } from "./Balances.sol";

/// @notice What the four kinds of MultiOperationIncreaseBalance differ in, so that one suite of tests serves them all.
abstract contract Kind is Base {
    address internal constant RECIPIENT = address(0xB0B);
    uint256 internal constant TOKEN_ID = 7;

    Balances internal token = new Balances();
    IEnforcer internal enforcer = IEnforcer(_deploy());

    function _deploy() internal virtual returns (address enforcer_);
    function _name() internal pure virtual returns (string memory name_);
    function _termsOf(address _recipient, uint256 _amount) internal view virtual returns (bytes memory terms_);
    function _keyOf(address _caller, address _recipient) internal view virtual returns (bytes32 hashKey_);
    function _setBalanceOf(address _recipient, uint256 _balance) internal virtual;
    function _emitTracked(uint256 _balance) internal virtual;
    function _emitUpdated(uint256 _expected) internal virtual;
    function _emitValidated(uint256 _expected) internal virtual;

    function _terms(uint256 _amount) internal view returns (bytes memory terms_) {
        return _termsOf(RECIPIENT, _amount);
    }

    function _setBalance(uint256 _balance) internal {
        _setBalanceOf(RECIPIENT, _balance);
    }

    function _beforeAll(bytes memory _encodedTerms) internal {
        enforcer.beforeAllHook(_encodedTerms, "", bytes32(0), "", bytes32(0), address(0), address(0));
    }

    function _afterAll(bytes memory _encodedTerms) internal {
        enforcer.afterAllHook(_encodedTerms, "", bytes32(0), "", bytes32(0), address(0), address(0));
    }

    function _reason(string memory _what) internal pure returns (bytes memory reason_) {
        return bytes(string.concat(_name(), ":", _what));
    }

    function _tracker(
        address _caller,
        address _recipient
    )
        internal
        view
        returns (uint256 balance_, uint256 expected_, uint256 remaining_)
    {
        return IIncreaseOverAll(address(enforcer)).balanceTracker(_keyOf(_caller, _recipient));
    }
}

abstract contract TokenKind is Kind {
    function _termsOf(address _recipient, uint256 _amount) internal view override returns (bytes memory terms_) {
        return abi.encodePacked(address(token), _recipient, _amount);
    }

    function _keyOf(address _caller, address _recipient) internal view override returns (bytes32 hashKey_) {
        return ITokenIncreaseOverAll(address(enforcer)).getHashKey(_caller, address(token), _recipient);
    }

    function _setBalanceOf(address _recipient, uint256 _balance) internal override {
        token.set(_recipient, _balance);
    }

    function _emitTracked(uint256 _balance) internal override {
        emit ITokenIncreaseOverAll.TrackedBalance(address(this), RECIPIENT, address(token), _balance);
    }

    function _emitUpdated(uint256 _expected) internal override {
        emit ITokenIncreaseOverAll.UpdatedExpectedBalance(address(this), RECIPIENT, address(token), _expected);
    }

    function _emitValidated(uint256 _expected) internal override {
        emit ITokenIncreaseOverAll.ValidatedBalance(address(this), RECIPIENT, address(token), _expected);
    }
}

abstract contract ERC20Kind is TokenKind {
    function _deploy() internal override returns (address enforcer_) {
        return address(new ERC20MultiOperationIncreaseBalanceEnforcer());
    }

    function _name() internal pure override returns (string memory name_) {
        return "ERC20MultiOperationIncreaseBalanceEnforcer";
    }
}

abstract contract ERC721Kind is TokenKind {
    function _deploy() internal override returns (address enforcer_) {
        return address(new ERC721MultiOperationIncreaseBalanceEnforcer());
    }

    function _name() internal pure override returns (string memory name_) {
        return "ERC721MultiOperationIncreaseBalanceEnforcer";
    }
}

abstract contract ERC1155Kind is Kind {
    function _deploy() internal override returns (address enforcer_) {
        return address(new ERC1155MultiOperationIncreaseBalanceEnforcer());
    }

    function _name() internal pure override returns (string memory name_) {
        return "ERC1155MultiOperationIncreaseBalanceEnforcer";
    }

    function _termsOf(address _recipient, uint256 _amount) internal view override returns (bytes memory terms_) {
        return abi.encodePacked(address(token), _recipient, TOKEN_ID, _amount);
    }

    function _keyOf(address _caller, address _recipient) internal view override returns (bytes32 hashKey_) {
        return IERC1155IncreaseOverAll(address(enforcer)).getHashKey(_caller, address(token), _recipient, TOKEN_ID);
    }

    function _setBalanceOf(address _recipient, uint256 _balance) internal override {
        token.set(_recipient, TOKEN_ID, _balance);
    }

    function _emitTracked(uint256 _balance) internal override {
        emit IERC1155IncreaseOverAll.TrackedBalance(address(this), RECIPIENT, address(token), TOKEN_ID, _balance);
    }

    function _emitUpdated(uint256 _expected) internal override {
        emit IERC1155IncreaseOverAll.UpdatedExpectedBalance(
            address(this), RECIPIENT, address(token), TOKEN_ID, _expected
        );
    }

    function _emitValidated(uint256 _expected) internal override {
        emit IERC1155IncreaseOverAll.ValidatedBalance(address(this), RECIPIENT, address(token), TOKEN_ID, _expected);
    }
}

abstract contract NativeKind is Kind {
    function _deploy() internal override returns (address enforcer_) {
        return address(new NativeTokenMultiOperationIncreaseBalanceEnforcer());
    }

    function _name() internal pure override returns (string memory name_) {
        return "NativeTokenMultiOperationIncreaseBalanceEnforcer";
    }

    function _termsOf(address _recipient, uint256 _amount) internal pure override returns (bytes memory terms_) {
        return abi.encodePacked(_recipient, _amount);
    }

    function _keyOf(address _caller, address _recipient) internal view override returns (bytes32 hashKey_) {
        return INativeIncreaseOverAll(address(enforcer)).getHashKey(_caller, _recipient);
    }

    function _setBalanceOf(address _recipient, uint256 _balance) internal override {
        vm.deal(_recipient, _balance);
    }

    function _emitTracked(uint256 _balance) internal override {
        emit INativeIncreaseOverAll.TrackedBalance(address(this), RECIPIENT, _balance);
    }

    function _emitUpdated(uint256 _expected) internal override {
        emit INativeIncreaseOverAll.UpdatedExpectedBalance(address(this), RECIPIENT, _expected);
    }

    function _emitValidated(uint256 _expected) internal override {
        emit INativeIncreaseOverAll.ValidatedBalance(address(this), RECIPIENT, _expected);
    }
}
