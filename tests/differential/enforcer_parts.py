"""What scenarios of single enforcers are written with: calls, terms as bytes, and tries one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from caveats import ENFORCERS, Caveat, Execution
from caveats.abi import encode_uint
from caveats.types import Address, keccak
from delegations.framework import load_framework
from tests.differential.scene import Ask, Scene, Table
from tests.enforcers.harness import AGENT, SHOP

ENFORCER_SCENARIOS = Table()
_BUNDLED = {contract.address for contract in load_framework().bundled()}
ADDRESSES = {cls.ENFORCER: cls.ADDRESS for cls in ENFORCERS if cls.ADDRESS in _BUNDLED}

Terms = Callable[[Scene], bytes]
Calls = Callable[[Scene], Execution | Sequence[Execution]]


@dataclass(frozen=True)
class Try:
    """One redemption under the caveat. `says` is the enforcer's reason, "!" and a whole expectation, or None."""

    calls: Calls
    says: str | None = None
    args: bytes = b""
    at: int | None = None
    block: int | None = None
    redeemer: Address = AGENT


def pack(*parts: bytes | int) -> bytes:
    return b"".join(encode_uint(part) if isinstance(part, int) else bytes(part) for part in parts)


def caveat(short: str, terms: bytes, args: bytes = b"") -> Caveat:
    return Caveat(enforcer=ADDRESSES[f"{short}Enforcer"], terms=terms, args=args)


def scenario(short: str, about: str, terms: Terms, *tries: Try, copies: int = 1) -> None:
    """Write down one scenario: the tries one after another under `copies` of one caveat."""

    def script(s: Scene) -> Iterator[Ask]:
        grant = s.root(*[caveat(short, terms(s))] * copies)
        for one in tries:
            s.chain.timestamp = s.chain.timestamp if one.at is None else one.at
            s.chain.block_number = s.chain.block_number if one.block is None else one.block
            if one.says is None:
                expect = "allowed"
            else:
                expect = one.says[1:] if one.says.startswith("!") else f"hook {short}Enforcer:{one.says}"
            used = grant.with_args(dict.fromkeys(range(copies), one.args)) if one.args else grant
            yield s.ask(used, one.calls(s), expect, redeemer=one.redeemer)

    ENFORCER_SCENARIOS.add(f"{short}: {about}", script)


def send(value: int, to: Address = SHOP) -> Calls:
    return lambda s: Execution(target=to, value=value)


def pay(amount: int, to: Address = SHOP, **more: Any) -> Calls:
    return lambda s: s.pay(amount, to, **more)


def ping(number: int = 5, value: int = 0) -> Calls:
    return lambda s: s.call("ping(uint256)", number, value=value)


def to_target(data: bytes, value: int = 0) -> Calls:
    return lambda s: Execution(target=s.target, value=value, call_data=data)


def to_token(signature: str, *words: int) -> Calls:
    data = keccak(signature.encode())[:4] + pack(*words)
    return lambda s: Execution(target=s.token, call_data=data)


def both(*calls: Calls) -> Calls:
    return lambda s: [call(s) for call in calls]


def fixed(*parts: bytes | int) -> Terms:
    return lambda s: pack(*parts)


PING = keccak(b"ping(uint256)")[:4]
MAX = 2**256 - 1
