"""Delegations read by slicing, without building models: the form millions of logs are read in.

    [0:32] delegate  [32:64] delegator  [64:96] authority  [96:128] -> caveats  [128:160] salt  [160:192] -> signature

What a Solidity decoder refuses is refused here too: a pointer or length past the data, dirty high bytes of an address.
Source: framework 1.3.0, utils/Types.sol; Solidity ABI specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from caveats.caveat import CAVEAT_TYPEHASH, Caveat
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak
from delegations.delegation import Delegation
from delegations.eip712 import DELEGATION_TYPEHASH

_PAD: Final = bytes(12)
_WORD: Final = 32
_HEAD: Final = 192
# As the ABI reader of the caveats: overlapping pointers must not unpack a small blob into gigabytes.
_SLACK_BYTES: Final = 2**20


class RawCaveat(NamedTuple):
    """One caveat as bytes."""

    enforcer: bytes
    terms: bytes
    args: bytes


@dataclass(frozen=True, eq=True)
class RawDelegation:
    """One delegation as bytes; `hash` and `model` are made when asked for."""

    delegate: bytes
    delegator: bytes
    authority: bytes
    caveats: tuple[RawCaveat, ...]
    salt: bytes
    signature: bytes

    @cached_property
    def hash(self) -> bytes:
        """The EIP-712 struct hash. Source: framework 1.3.0, EncoderLib._getDelegationHash."""
        caveats = [keccak(b"".join((CAVEAT_TYPEHASH, _PAD, c.enforcer, keccak(c.terms)))) for c in self.caveats]
        head = (DELEGATION_TYPEHASH, _PAD, self.delegate, _PAD, self.delegator, self.authority)
        return keccak(b"".join((*head, keccak(b"".join(caveats)), self.salt)))

    @cached_property
    def model(self) -> Delegation:
        """The same delegation as the toolkit's own value."""
        return Delegation(
            delegate=Address(self.delegate),
            delegator=Address(self.delegator),
            authority=Bytes32(self.authority),
            caveats=tuple(Caveat(enforcer=Address(c.enforcer), terms=c.terms, args=c.args) for c in self.caveats),
            salt=int.from_bytes(self.salt, "big"),
            signature=self.signature,
        )


def read_logged(data: bytes) -> RawDelegation:
    """Return the delegation of a log whose data is abi.encode(Delegation). Raises EncodingError."""
    return _read_struct(data, _pointer(data, 0), len(data) + _SLACK_BYTES)[0]


def read_context(data: bytes) -> tuple[RawDelegation, ...]:
    """Return the chain of a permission context, leaf first. Raises EncodingError where the manager would revert."""
    at = _pointer(data, 0)
    count = _word(data, at)
    heads = at + _WORD
    if heads + count * _WORD > len(data):
        raise _short(at)
    left = len(data) + _SLACK_BYTES
    links = []
    for place in range(heads, heads + count * _WORD, _WORD):
        link, left = _read_struct(data, heads + _pointer(data, place), left)
        links.append(link)
    return tuple(links)


def _read_struct(d: bytes, at: int, left: int) -> tuple[RawDelegation, int]:
    """Return the delegation whose head stands at `at`, and how many bytes may still be read."""
    if at + _HEAD > len(d):
        raise _short(at)
    if d[at : at + 12] != _PAD or d[at + 32 : at + 44] != _PAD:
        raise EncodingError(f"delegation: a word at byte {at} is not an address: its first 12 bytes are not zero")
    listed = at + int.from_bytes(d[at + 96 : at + 128], "big")
    count = _word(d, listed)
    heads = listed + _WORD
    if heads + count * _WORD > len(d):
        raise _short(listed)
    caveats = []
    for place in range(heads, heads + count * _WORD, _WORD):
        head = heads + int.from_bytes(d[place : place + 32], "big")
        if head + 96 > len(d) or d[head : head + 12] != _PAD:
            raise _short(head)
        terms = _bytes(d, head + int.from_bytes(d[head + 32 : head + 64], "big"))
        args = _bytes(d, head + int.from_bytes(d[head + 64 : head + 96], "big"))
        left -= 160 + len(terms) + len(args)
        if left < 0:
            raise EncodingError("delegation: its parts overlap so often that it unpacks into far more than it holds")
        caveats.append(RawCaveat(d[head + 12 : head + 32], terms, args))
    signature = _bytes(d, at + int.from_bytes(d[at + 160 : at + 192], "big"))
    left -= _HEAD + len(signature)
    if left < 0:
        raise EncodingError("delegation: its parts overlap so often that it unpacks into far more than it holds")
    link = RawDelegation(
        d[at + 12 : at + 32],
        d[at + 44 : at + 64],
        d[at + 64 : at + 96],
        tuple(caveats),
        d[at + 128 : at + 160],
        signature,
    )
    return link, left


def _bytes(d: bytes, at: int) -> bytes:
    start = at + _WORD
    size = int.from_bytes(d[at:start], "big")
    value = d[start : start + size]
    if start > len(d) or len(value) != size:
        raise _short(at)
    return value


def _word(d: bytes, at: int) -> int:
    if at + _WORD > len(d):
        raise _short(at)
    return int.from_bytes(d[at : at + _WORD], "big")


_pointer = _word


def _short(at: int) -> EncodingError:
    return EncodingError(
        f"delegation: the data ends before what byte {min(at, 2**64)} announces, or is no address there"
    )
