"""Stand-ins: this project's own code in the place of five official enforcers whose bytecode npm does not carry.

They are written from what the deployed contracts are known to do: same interface, storage, events and revert reasons,
other bytes and other gas. A local chain has them unless told otherwise; a forked chain runs what the node has. Whoever
gives a verdict that rests on one says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from caveats.outcome.erc20_multi_operation_increase_balance import ERC20MultiOperationIncreaseBalance
from caveats.outcome.erc721_multi_operation_increase_balance import ERC721MultiOperationIncreaseBalance
from caveats.outcome.erc1155_multi_operation_increase_balance import ERC1155MultiOperationIncreaseBalance
from caveats.outcome.native_token_multi_operation_increase_balance import NativeTokenMultiOperationIncreaseBalance
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatch
from caveats.types import Address, parse_hex
from delegations.evm.engine import CallFrame
from delegations.evm.world import World

STAND_INS: Mapping[Address, str] = MappingProxyType(
    {
        cls.ADDRESS: cls.ENFORCER
        for cls in (
            ERC20MultiOperationIncreaseBalance,
            ERC721MultiOperationIncreaseBalance,
            ERC1155MultiOperationIncreaseBalance,
            NativeTokenMultiOperationIncreaseBalance,
            SpecificActionERC20TransferBatch,
        )
    }
)
"""Canonical address -> name of every official contract that has a stand-in."""


@cache
def stand_in_code(address: Address) -> bytes:
    """Return the runtime code of the stand-in for the contract at `address`. Raises KeyError when it has none."""
    path = resources.files("delegations.evm") / "artifacts" / f"{STAND_INS[address]}.json"
    return parse_hex(json.loads(path.read_text(encoding="utf-8"))["runtime"], what=f"runtime of {STAND_INS[address]}")


def install_stand_ins(world: World) -> None:
    """Put every stand-in at its canonical address, unless there is code already."""
    for address in STAND_INS:
        if not world.code(address):
            world.set_code(address, stand_in_code(address))
            world.set_nonce(address, 1)


def is_stand_in(world: World, address: Address) -> bool:
    """Whether the code at `address` is this project's stand-in, not the deployed contract or nothing."""
    return address in STAND_INS and world.code(address) == stand_in_code(address)


def stand_in_warnings(world: World, frame: CallFrame) -> tuple[str, ...]:
    """Return one sentence for each stand-in that ran in a call tree, in the order of the first calls.

    Args:
        world: the state before the call: which code stood there.
        frame: the whole tree, with what was undone.
    """
    ran = dict.fromkeys(call.code_address for call in frame.walk())
    return tuple(
        f"stand-in: {STAND_INS[address]} at {address} runs this project's own code, not the deployed one"
        for address in ran
        if is_stand_in(world, address)
    )
