// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title ExecutionBatch
 * @notice Reads `abi.encode((address target, uint256 value, bytes callData)[])` where it lies, refusing what reaches out of it.
 * @dev Entries may overlap and need not be in order; offsets and lengths stay below 2^64. Bits above an address are only looked at when
 * the address is read, and then revert without data.
 */
library ExecutionBatch {
    /// @notice The bytes are no batch.
    error DecodingError();

    uint256 private constant WORD = 32;

    /// @notice The number of entries, after all of them have been checked to lie within the blob.
    function count(bytes calldata _blob) internal pure returns (uint256 count_) {
        uint256 heads_;
        (count_, heads_) = _array(_blob);
        for (uint256 i = 0; i < count_; i++) {
            // the offset of the call data is the last of an entry's three words, so reading it proves the others
            _bytes(_blob, heads_ + _number(_blob, heads_ + i * WORD));
        }
    }

    /// @notice The parts of entry `_index` of a blob that `count` accepted.
    function entry(
        bytes calldata _blob,
        uint256 _index
    )
        internal
        pure
        returns (address target_, uint256 value_, bytes calldata callData_)
    {
        (, uint256 heads_) = _array(_blob);
        uint256 at_ = heads_ + _number(_blob, heads_ + _index * WORD);
        target_ = abi.decode(_blob[at_:at_ + WORD], (address));
        value_ = _word(_blob, at_ + WORD);
        callData_ = _bytes(_blob, at_);
    }

    function _array(bytes calldata _blob) private pure returns (uint256 count_, uint256 heads_) {
        uint256 at_ = _number(_blob, 0);
        count_ = _number(_blob, at_);
        heads_ = at_ + WORD;
        _need(_blob, heads_, count_ * WORD);
    }

    /// @dev The call data of the entry at `_at`.
    function _bytes(bytes calldata _blob, uint256 _at) private pure returns (bytes calldata data_) {
        uint256 at_ = _at + _number(_blob, _at + 2 * WORD);
        uint256 length_ = _number(_blob, at_);
        _need(_blob, at_ + WORD, length_);
        return _blob[at_ + WORD:at_ + WORD + length_];
    }

    /// @dev The word at `_at`, as an offset or a length.
    function _number(bytes calldata _blob, uint256 _at) private pure returns (uint256 number_) {
        _need(_blob, _at, WORD);
        number_ = _word(_blob, _at);
        if (number_ > type(uint64).max) revert DecodingError();
    }

    function _word(bytes calldata _blob, uint256 _at) private pure returns (uint256 word_) {
        return uint256(bytes32(_blob[_at:_at + WORD]));
    }

    function _need(bytes calldata _blob, uint256 _at, uint256 _size) private pure {
        if (_at + _size > _blob.length) revert DecodingError();
    }
}
