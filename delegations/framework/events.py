"""Logs of the official contracts, by emitter and topic.

One topic can stand for the events of several contracts (`IncreasedSpentMap`, `TransferredInPeriod`,
`TrackedBalance` and others), so the emitter decides. Accounts log from addresses of their own: for them the
caller names the implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from caveats.errors import EncodingError
from caveats.types import Address, Bytes32
from delegations.framework.abi import Parameter, decode_canonical, named, signature
from delegations.framework.artifact import Framework


@dataclass(frozen=True)
class DecodedEvent:
    """One log, read.

    Attributes:
        name: of the event, such as "RedeemedDelegation".
        signature: as hashed into topic 0.
        contract: name of the contract whose ABI was used.
        address: the emitter.
        args: parameter name -> value: int, bool, str, Address, Bytes32, bytes, tuples of them, structs as
            dicts. An indexed parameter of dynamic type is its hash, a Bytes32: the log holds no more.
    """

    name: str
    signature: str
    contract: str
    address: Address
    args: Mapping[str, Any] = field(hash=False)


def decode_event(
    address: bytes,
    topics: Sequence[bytes],
    data: bytes,
    *,
    framework: Framework,
    implementation: bytes | None = None,
) -> DecodedEvent | None:
    """Return what a log says, or None when it is not one of the framework's or not as its contracts write it.

    Args:
        address: the emitter.
        topics: of the log, topic 0 first.
        data: of the log.
        framework: the official contracts.
        implementation: address of the official contract whose code the emitter runs, where that is not the
            emitter itself: an account (EIP-7702 or proxy), or a framework deployed elsewhere.

    Never raises on malformed logs.
    """
    if len(address) != Address.SIZE or not topics or any(len(item) != Bytes32.SIZE for item in topics):
        return None
    found = framework.event(address if implementation is None else implementation, topics[0])
    if found is None:
        return None
    contract, entry = found
    inputs = entry["inputs"]
    indexed = [parameter for parameter in inputs if parameter["indexed"]]
    if len(topics) != 1 + len(indexed):
        return None
    plain = [parameter for parameter in inputs if not parameter["indexed"]]
    try:
        values = named(plain, decode_canonical(plain, data, what=entry["name"]))
        values |= {
            str(parameter["name"]): _indexed(parameter, item)
            for parameter, item in zip(indexed, topics[1:], strict=True)
        }
    except EncodingError:
        return None
    return DecodedEvent(
        name=entry["name"],
        signature=signature(entry),
        contract=contract,
        address=Address(bytes(address)),
        args=MappingProxyType({str(parameter["name"]): values[str(parameter["name"])] for parameter in inputs}),
    )


def _indexed(parameter: Parameter, item: bytes) -> Any:
    kind = parameter["type"]
    if kind in ("bytes", "string") or kind.startswith("tuple") or kind.endswith("]"):
        return Bytes32(item)
    return decode_canonical([parameter], item, what=str(parameter["name"]))[0]
