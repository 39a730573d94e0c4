// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The cheatcodes our tests use, as Foundry's book names them.
interface Vm {
    function prank(address _sender) external;
    function deal(address _account, uint256 _balance) external;
    function expectRevert(bytes calldata _revertData) external;
    function expectEmit(
        bool _checkTopic1,
        bool _checkTopic2,
        bool _checkTopic3,
        bool _checkData,
        address _emitter
    )
        external;
    function load(address _account, bytes32 _slot) external view returns (bytes32 value_);
    function assume(bool _condition) external pure;
    function assertEq(uint256 _left, uint256 _right, string calldata _message) external pure;
    function assertEq(address _left, address _right, string calldata _message) external pure;
    function assertEq(string calldata _left, string calldata _right, string calldata _message) external pure;
    function assertTrue(bool _condition, string calldata _message) external pure;
}

/**
 * @title Base
 * @notice What every test stands on. forge-std is published on no package registry we pin from, and we need this little of it.
 */
abstract contract Base {
    /// @dev Where Foundry answers cheatcodes: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Folds any number into `_low` to `_high`, both included.
    function _bound(uint256 _value, uint256 _low, uint256 _high) internal pure returns (uint256 bounded_) {
        if (_low == 0 && _high == type(uint256).max) return _value;
        return _low + _value % (_high - _low + 1);
    }

    /// @dev The next call must emit the event that is emitted after this line, from `_emitter`, in every part.
    function _expectEvent(address _emitter) internal {
        vm.expectEmit(true, true, true, true, _emitter);
    }
}
