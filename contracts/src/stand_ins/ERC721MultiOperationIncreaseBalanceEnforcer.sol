// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TokenIncreaseOverAll } from "./TokenIncreaseOverAll.sol";

/**
 * @title ERC721MultiOperationIncreaseBalanceEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: stands in for the deployed contract of this name; it is not that code.
 */
contract ERC721MultiOperationIncreaseBalanceEnforcer is TokenIncreaseOverAll {
    function _name() internal pure override returns (string memory name_) {
        return "ERC721MultiOperationIncreaseBalanceEnforcer";
    }
}
