// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AnsweringToken } from "./AnsweringToken.sol";
import { TokenLedger } from "./TokenLedger.sol";

/**
 * @title ReentrantToken
 * @notice FOR TESTS ONLY: after a transfer it calls whom it was told to, with what it was told to say.
 */
contract ReentrantToken is AnsweringToken {
    /**
     * @notice The call was made; the transfer stands whether it succeeded or not.
     * @param target Who was called.
     * @param success Whether the call succeeded.
     * @param result What it returned, or reverted with.
     */
    event CalledBack(address indexed target, bool success, bytes result);

    /// @notice Who is called.
    address public target;

    /// @notice With which calldata.
    bytes public data;

    /// @notice How many transfers are still followed by a call.
    uint256 public remaining;

    constructor(string memory _name, string memory _symbol, uint8 _decimals) TokenLedger(_name, _symbol, _decimals) { }

    /**
     * @notice Sets the call that follows transfers. OPEN TO EVERYONE.
     * @param _target Who to call.
     * @param _data With which calldata.
     * @param _times After how many transfers; those made within a call count too.
     */
    function callBack(address _target, bytes calldata _data, uint256 _times) external {
        target = _target;
        data = _data;
        remaining = _times;
    }

    function _move(address _from, address _to, uint256 _amount) internal override {
        super._move(_from, _to, _amount);
        if (remaining == 0) return;
        --remaining;
        (bool success_, bytes memory result_) = target.call(data);
        emit CalledBack(target, success_, result_);
    }
}
