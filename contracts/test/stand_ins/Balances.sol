// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A token that holds whatever it is told to, and answers both ways a balance is asked for.
contract Balances {
    mapping(address holder => uint256 balance) private balances;
    mapping(address holder => mapping(uint256 tokenId => uint256 balance)) private ofIds;

    function set(address _holder, uint256 _balance) external {
        balances[_holder] = _balance;
    }

    function set(address _holder, uint256 _tokenId, uint256 _balance) external {
        ofIds[_holder][_tokenId] = _balance;
    }

    function balanceOf(address _holder) external view returns (uint256 balance_) {
        return balances[_holder];
    }

    function balanceOf(address _holder, uint256 _tokenId) external view returns (uint256 balance_) {
        return ofIds[_holder][_tokenId];
    }
}
