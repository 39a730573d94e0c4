// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Shop
/// @notice Sells one thing at one price, for ether. An example, and nothing to deploy.
contract Shop {
    /// @notice A sale.
    event Sold(address indexed buyer, uint256 count);

    /// @notice What was sent is not what it costs.
    error WrongPayment(uint256 sent, uint256 due);

    uint256 public immutable price;
    mapping(address buyer => uint256 count) public bought;

    constructor(uint256 _price) {
        price = _price;
    }

    function buy(uint256 _count) external payable {
        if (msg.value != _count * price) revert WrongPayment(msg.value, _count * price);
        bought[msg.sender] += _count;
        emit Sold(msg.sender, _count);
    }

    function close() external { }
}
