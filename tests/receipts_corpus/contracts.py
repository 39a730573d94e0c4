"""Small contracts that redeem, or pretend to, in ways of their own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from caveats.abi import encode_address
from caveats.types import Address
from delegations.evm.chain import LocalChain
from delegations.evm.pyevm import PyEvmEngine
from delegations.framework.constants import CREATE2_DEPLOYER, EIP7702_PREFIX, ENTRY_POINT
from delegations.receipts.decode.logs import REDEEMED
from tests.differential.assembler import Assembler

MULTICALL, SPOOFER, ECHO, IDLE, BOMB, BADGES, SHY = (Address(bytes([0x50 + n]) * 20) for n in range(7))
"""Calls in turn; a false manager; reverts with its calldata; an account that agrees to everything and does nothing;
destroys itself in favour of its caller; an ERC-1155 that only logs; calls once and always reverts."""


def multicall(*calls: tuple[Address, bytes, bool]) -> bytes:
    """Calldata for MULTICALL: (target, calldata, whether it may fail)."""
    return b"".join(bytes([may_fail]) + to + len(data).to_bytes(3, "big") + data for to, data, may_fail in calls)


def _multicall_code(*, then_revert: bool = False) -> bytes:
    a = Assembler()
    loop, end, good = a.label(), a.label(), a.label()
    a.op(0x5F)  # position
    a.place(loop)
    a.op(0x5B, 0x36, 0x81, 0x10, 0x15)  # position < calldatasize?
    a.push_label(end)
    a.op(0x57, 0x80, 0x35)  # header word
    a.op(0x80, 0x60, 64, 0x1C, 0x62, 0xFF, 0xFF, 0xFF, 0x16)  # length
    a.op(0x80, 0x83, 0x60, 24, 0x01, 0x5F, 0x37)  # calldatacopy(0, position + 24, length)
    a.op(0x5F, 0x5F, 0x82, 0x5F, 0x5F, 0x86, 0x60, 88, 0x1C, 0x73, *(b"\xff" * 20), 0x16, 0x5A, 0xF1)
    a.op(0x82, 0x60, 248, 0x1C, 0x17)  # succeeded or may fail
    a.push_label(good)
    a.op(0x57, 0x3D, 0x5F, 0x5F, 0x3E, 0x3D, 0x5F, 0xFD)
    a.place(good)
    a.op(0x5B, 0x91, 0x90, 0x50, 0x01, 0x60, 24, 0x01)
    a.push_label(loop)
    a.op(0x56)
    a.place(end)
    a.op(0x5B, *((0x5F, 0x5F, 0xFD) if then_revert else (0x00,)))
    return a.assemble()


def _spoofer_code() -> bytes:
    """LOG3 with the two topics that begin the calldata and the rest as data."""
    a = Assembler()
    a.op(0x60, 64, 0x36, 0x03, 0x60, 64, 0x5F, 0x37)  # calldatacopy(0, 64, size - 64)
    a.op(0x60, 32, 0x35, 0x5F, 0x35)
    a.push(int.from_bytes(REDEEMED, "big"), 32)
    a.op(0x60, 64, 0x36, 0x03, 0x5F, 0xA3, 0x00)
    return a.assemble()


def _idle_code() -> bytes:
    """isValidSignature answers its magic value, everything else an empty array."""
    a = Assembler()
    magic = a.label()
    a.op(0x5F, 0x35, 0x60, 224, 0x1C, 0x80, 0x63, 0x16, 0x26, 0xBA, 0x7E, 0x14)
    a.push_label(magic)
    a.op(0x57, 0x60, 32, 0x5F, 0x52, 0x60, 64, 0x5F, 0xF3)
    a.place(magic)
    a.op(0x5B, 0x60, 224, 0x1B, 0x5F, 0x52, 0x60, 32, 0x5F, 0xF3)
    return a.assemble()


def _badges_code() -> bytes:
    """LOG4 TransferSingle(caller, from, to, id, amount); the calldata is from, to, id, amount as words."""
    from delegations.receipts.decode.moves import _SINGLE

    a = Assembler()
    a.op(0x60, 64, 0x60, 64, 0x5F, 0x37, 0x60, 32, 0x35, 0x5F, 0x35, 0x33)
    a.push(int.from_bytes(_SINGLE, "big"), 32)
    a.op(0x60, 64, 0x5F, 0xA4, 0x00)
    return a.assemble()


@cache
def _entry_point_code() -> bytes:
    path = Path("node_modules/@metamask/delegation-abis/dist/bytecode/EntryPoint.mjs")
    found = re.search(r'"0x([0-9a-f]+)"', path.read_text())
    assert found is not None
    return bytes.fromhex(found[1])


def install(chain: LocalChain) -> None:
    """Put all of them into the chain, the EntryPoint v0.7 at its own address."""
    world = chain.world
    world.set_code(MULTICALL, _multicall_code())
    world.set_code(SHY, _multicall_code(then_revert=True))
    world.set_code(SPOOFER, _spoofer_code())
    world.set_code(ECHO, bytes.fromhex("365f5f37365ffd"))
    world.set_code(IDLE, _idle_code())
    world.set_code(BOMB, bytes.fromhex("33ff"))
    world.set_balance(BOMB, 77)
    world.set_code(BADGES, _badges_code())
    install_entry_point(chain)
    install_manager_elsewhere(chain)


def install_entry_point(chain: LocalChain) -> None:
    """Construct the EntryPoint v0.7 at its own address."""
    _construct(chain, ENTRY_POINT, _entry_point_code())


OLDER_MANAGER, OLDEST_MANAGER = (
    Address("0x56D56e07e3d6Ee5a24e30203A37a0a460f42D7A3"),
    Address("0xbe4138886cB096bDC1B930F2f0ca7892AA234D78"),
)
"""Where the managers of framework 1.1.0 and 1.0.0 stand. The code placed there is that of 1.3.0."""
WIRED_TO = {OLDER_MANAGER: Address(b"\x5a" * 20), OLDEST_MANAGER: Address(b"\x5b" * 20)}
"""The EIP-7702 implementation whose accounts obey each of them."""


def install_manager_elsewhere(chain: LocalChain, at: Address = OLDER_MANAGER) -> None:
    """Construct the manager at the address of framework 1.1.0 too, or of 1.0.0."""
    from delegations.framework.artifact import load_framework

    _construct(chain, at, load_framework().contract("DelegationManager").init_code)


def add_delegator_of(chain: LocalChain, account: Address, manager: Address) -> None:
    """Make an account obey another manager: the official implementation, constructed with that one for life."""
    from delegations.framework.artifact import load_framework

    official = load_framework().contract("EIP7702StatelessDeleGator").init_code
    wired = official[:-64] + encode_address(manager) + encode_address(ENTRY_POINT)
    assert len(wired) == len(official)
    _construct(chain, WIRED_TO[manager], wired)
    chain.add_delegator(account)
    chain.world.set_code(account, EIP7702_PREFIX + WIRED_TO[manager])


def _construct(chain: LocalChain, at: Address, init_code: bytes) -> None:
    outcome = PyEvmEngine().create_at(chain.world, chain.block, at, init_code, sender=CREATE2_DEPLOYER)
    assert outcome.success
    chain.world.apply(outcome.diff)


def spoof(root: Address, redeemer: Address, data: bytes) -> bytes:
    """Calldata for SPOOFER."""
    return encode_address(root) + encode_address(redeemer) + data
