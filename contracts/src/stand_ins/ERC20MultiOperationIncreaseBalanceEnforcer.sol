// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TokenIncreaseOverAll } from "./TokenIncreaseOverAll.sol";

/**
 * @title ERC20MultiOperationIncreaseBalanceEnforcer
 * @notice FOR LOCAL SIMULATION ONLY: stands in for the deployed contract of this name; it is not that code.
 */
contract ERC20MultiOperationIncreaseBalanceEnforcer is TokenIncreaseOverAll {
    function _name() internal pure override returns (string memory name_) {
        return "ERC20MultiOperationIncreaseBalanceEnforcer";
    }
}
