"""What the official bytecode says of the kit's bytes: the judge in the tests of differences."""

from __future__ import annotations

from functools import cache
from typing import Any

from caveats import Address, Execution
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import TRANSFER_SELECTOR, EnforcerTerms
from caveats.types import parse_hex
from delegations.delegation import decode_delegation
from delegations.evm import LocalChain
from tests.conformance.node import Kit
from tests.enforcers.hooks import call_hook

NOW = 1_800_000_000
ALICE, BOB, TOKEN, TARGET = (Address(bytes([n]) * 20) for n in (0xA1, 0xB0, 0x5C, 0x7A))
SCOPE = {"type": "ownershipTransfer", "contractAddress": str(TOKEN)}
"""The scope that compiles to the fewest caveats: one."""


@cache
def quiet_chain() -> LocalChain:
    """A chain on which hooks are called and nothing is kept."""
    return LocalChain(1, timestamp=NOW)


def ask_chain(cls: type[EnforcerTerms], terms: bytes, attempt: Attempt) -> str | None:
    """Return what the bytecode answers where the enforcer decides: the reason of a revert, None when it passes."""
    return call_hook(quiet_chain(), cls.ADDRESS, terms, attempt, hook=cls.HOOKS[-1])


def attempt_to(*executions: Execution, args: bytes = b"", is_batch: bool = False) -> Attempt:
    """Return an attempt in block 1 at NOW."""
    return Attempt(executions, is_batch=is_batch, timestamp=NOW, block_number=1, args=args)


def transfer(amount: int, to: Address = ALICE) -> Execution:
    """Return the execution of a transfer of TOKEN."""
    return Execution(target=TOKEN, call_data=TRANSFER_SELECTOR + encode_address(to) + encode_uint(amount))


PAY, PAY_NOTHING, PING = (attempt_to(x) for x in (transfer(1), transfer(0), Execution(target=TARGET)))


def sign(kit: Kit, name: str, **config: Any) -> dict[str, Any]:
    """Return the kit's delegation with one such caveat after those of SCOPE, its hash and its bytes."""
    options = {"from": str(ALICE), "to": str(BOB), "scope": SCOPE}
    return kit.ask("createDelegation", options=options, caveats=[{"type": name, "config": config}], open=False)


def signed_terms(kit: Kit, name: str, **config: Any) -> bytes:
    """Return the terms that the kit's hash and bytes of such a delegation stand for."""
    answer = sign(kit, name, **config)
    delegation = decode_delegation(parse_hex(answer["encoded"]))
    assert bytes(delegation.hash) == parse_hex(answer["hash"])
    return delegation.caveats[-1].terms
