// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AnsweringToken } from "./AnsweringToken.sol";
import { TokenLedger } from "./TokenLedger.sol";

/**
 * @title FeeToken
 * @notice FOR TESTS ONLY: keeps a fee of every transfer, so that less arrives than was sent.
 */
contract FeeToken is AnsweringToken {
    /// @notice The fee would be more than the whole amount.
    error FeeTooHigh(uint256 basisPoints);

    /// @notice The part of each transfer that the token keeps, in hundredths of a percent.
    uint256 public feeBasisPoints = 100;

    constructor(string memory _name, string memory _symbol, uint8 _decimals) TokenLedger(_name, _symbol, _decimals) { }

    /**
     * @notice Sets the fee. OPEN TO EVERYONE.
     * @param _basisPoints Hundredths of a percent, 10000 at most.
     */
    function setFee(uint256 _basisPoints) external {
        if (_basisPoints > 10_000) revert FeeTooHigh(_basisPoints);
        feeBasisPoints = _basisPoints;
    }

    function _move(address _from, address _to, uint256 _amount) internal override {
        uint256 fee_ = _amount / 10_000 * feeBasisPoints + _amount % 10_000 * feeBasisPoints / 10_000;
        super._move(_from, _to, _amount - fee_);
        if (fee_ != 0) super._move(_from, address(this), fee_);
    }
}
