"""Delegations read by slicing, without building models: the form millions of logs are read in.

    [0:32] delegate  [32:64] delegator  [64:96] authority  [96:128] -> caveats  [128:160] salt  [160:192] -> signature

What a Solidity decoder refuses is refused here too: a pointer or length past the data, dirty high bytes of an address.
Source: framework 1.3.0, utils/Types.sol; Solidity ABI specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from struct import Struct, error
from typing import Final, NamedTuple

from caveats.caveat import CAVEAT_TYPEHASH, Caveat
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak
from delegations.delegation import Delegation
from delegations.eip712 import DELEGATION_TYPEHASH
from delegations.receipts.decode.records import record

_PAD: Final = bytes(12)
_WORD: Final = 32
_HIGH: Final = bytes(24)
# Lengths and offsets fit into the last 8 bytes of their word, or the decoder of the chain refuses them.
_NUMBER: Final = Struct(">24sQ").unpack_from
_HEAD: Final = Struct(">12s20s12s20s32s24sQ32s24sQ").unpack_from
_CAVEAT: Final = Struct(">12s20s24sQ24sQ").unpack_from
# As the ABI reader of the caveats: overlapping pointers must not unpack a small blob into gigabytes.
_SLACK_BYTES: Final = 2**20
_int: Final = int.from_bytes  # big-endian unless told otherwise
_new_caveat: Final = tuple.__new__  # what a named tuple's constructor calls


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


def is_empty_context(data: bytes) -> bool:
    """Return whether a permission context is the self-authorised one. Raises EncodingError when it is none at all."""
    return _word(data, _pointer(data, 0)) == 0


def _read_struct(d: bytes, at: int, left: int) -> tuple[RawDelegation, int]:
    """Return the delegation whose head stands at `at`, and how many bytes may still be read."""
    total = len(d)
    try:
        pad, delegate, pad_too, delegator, authority, high, listed, salt, high_too, signed = _HEAD(d, at)
        if pad != _PAD or pad_too != _PAD or high != _HIGH or high_too != _HIGH:
            raise _short(at)
        high, count = _NUMBER(d, at + listed)
        heads = at + listed + _WORD
        if high != _HIGH or heads + count * _WORD > total:
            raise _short(at)
        caveats = []
        for place in range(heads, heads + count * _WORD, _WORD):
            head = heads + _int(d[place : place + _WORD])
            if head >= total:
                raise _short(head)
            pad, enforcer, high, terms_at, high_too, args_at = _CAVEAT(d, head)
            if pad != _PAD or high != _HIGH or high_too != _HIGH:
                raise _short(head)
            terms_at += head + _WORD
            args_at += head + _WORD
            size, size_too = _int(d[terms_at - _WORD : terms_at]), _int(d[args_at - _WORD : args_at])
            if terms_at + size > total or args_at + size_too > total:
                raise _short(head)
            terms, args = d[terms_at : terms_at + size], d[args_at : args_at + size_too]
            left -= 160 + size + size_too
            if left < 0:
                raise _unpacks()
            caveats.append(_new_caveat(RawCaveat, (enforcer, terms, args)))
        signature = _bytes(d, at + signed)
    except (error, OverflowError) as failure:
        raise _short(at) from failure
    left -= 192 + len(signature)
    if left < 0:
        raise _unpacks()
    fields = {
        "delegate": delegate,
        "delegator": delegator,
        "authority": authority,
        "caveats": tuple(caveats),
        "salt": salt,
        "signature": signature,
    }
    return record(RawDelegation, fields), left


def _bytes(d: bytes, at: int) -> bytes:
    """Return the bytes whose length stands at `at`. Raises struct.error where that is past the end."""
    high, size = _NUMBER(d, at)
    end = at + _WORD + size
    if high != _HIGH or end > len(d):
        raise _short(at)
    return d[at + _WORD : end]


def _word(d: bytes, at: int) -> int:
    if at + _WORD > len(d):
        raise _short(at)
    return _int(d[at : at + _WORD])


_pointer = _word


def _unpacks() -> EncodingError:
    return EncodingError("delegation: its parts overlap so often that it unpacks into far more than it holds")


def _short(at: int) -> EncodingError:
    return EncodingError(
        f"delegation: the data ends before what byte {min(at, 2**64)} announces, or is no address there"
    )
