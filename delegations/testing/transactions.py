"""Signed transactions as wallets send them, checked as a node checks them and put on a local chain.

A local chain runs at a base fee of 0, so a transaction pays its priority fee at most; most pay nothing. Access lists
and blobs are refused: the chain does not know their gas.

Source: EIP-155, EIP-1559, EIP-2718, EIP-7702.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import rlp
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from caveats.errors import EncodingError, ExecutionError, UnsupportedError
from caveats.types import ZERO_ADDRESS, Address, keccak
from delegations.framework.constants import EIP7702_PREFIX
from delegations.testing.history import Mined, RecordingChain

AUTHORIZATION_GAS = 25_000
_AUTHORIZATION_MAGIC = b"\x05"
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_LAST_NONCE = 2**64 - 1
_LEGACY, _ACCESS_LIST, _DYNAMIC_FEE, _BLOB, _SET_CODE = range(5)
_FIELD_COUNTS = {_LEGACY: 9, _ACCESS_LIST: 11, _DYNAMIC_FEE: 12, _SET_CODE: 13}


@dataclass(frozen=True, slots=True)
class Authorization:
    """One EIP-7702 authorization: who signed it decides whose code it sets."""

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int

    def authority(self) -> Address | None:
        """Return who signed, or None when the signature is not one."""
        if self.s > _HALF_ORDER or self.y_parity > 1:
            return None
        body = rlp.encode([_number(self.chain_id), self.address, _number(self.nonce)])
        return _recover(keccak(_AUTHORIZATION_MAGIC + body), self.y_parity, self.r, self.s)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A signed transaction, decoded.

    Attributes:
        kind: EIP-2718 type, 0 for one without.
        max_fee: wei for each gas at most; the gas price of the older types.
        priority_fee: of it, what goes to the block's producer at most.
    """

    kind: int
    hash: bytes
    sender: Address
    chain_id: int
    nonce: int
    max_fee: int
    priority_fee: int
    gas: int
    to: Address | None
    value: int
    data: bytes
    authorizations: tuple[Authorization, ...] = ()


def decode_transaction(raw: bytes) -> SignedTransaction:
    """Return the transaction that `raw` holds, with who signed it.

    Raises:
        EncodingError: not the encoding of a signed transaction, or a signature that is none.
        UnsupportedError: a type or a part the local chain cannot do justice to.
    """
    kind, body = (_LEGACY, raw) if raw and raw[0] >= 0xC0 else (raw[0] if raw else _LEGACY, raw[1:])
    if kind not in _FIELD_COUNTS:
        raise UnsupportedError(f"transaction type {kind}: expected 0, 1, 2 or 4")
    try:
        fields = rlp.decode(body)
    except rlp.DecodingError as error:
        raise EncodingError(f"transaction: expected RLP, got {len(raw)} other bytes ({error})") from error
    if not isinstance(fields, list) or len(fields) != _FIELD_COUNTS[kind]:
        raise EncodingError.of(f"transaction of type {kind}", expected=f"{_FIELD_COUNTS[kind]} fields", got=fields)
    decoded = _legacy(raw, fields) if kind == _LEGACY else _typed(kind, raw, fields)
    if decoded.priority_fee > decoded.max_fee:
        raise EncodingError.of(
            "priority fee", expected=f"at most the fee of {decoded.max_fee}", got=decoded.priority_fee
        )
    if kind == _SET_CODE and (decoded.to is None or not decoded.authorizations):
        raise EncodingError("transaction of type 4: expected a recipient and at least one authorization")
    return decoded


def _legacy(raw: bytes, fields: Sequence[Any]) -> SignedTransaction:
    nonce, price, gas = (_int(field) for field in fields[:3])
    v, r, s = (_int(field) for field in fields[6:])
    if v < 35:
        raise UnsupportedError("transaction without a chain id: expected one signed for a chain (EIP-155)")
    chain_id, parity = divmod(v - 35, 2)
    digest = keccak(rlp.encode([*fields[:6], _number(chain_id), b"", b""]))
    return SignedTransaction(
        _LEGACY, keccak(raw), _signer(digest, parity, r, s), chain_id, nonce, price, price, gas, *_call(fields[3:6])
    )


def _typed(kind: int, raw: bytes, fields: Sequence[Any]) -> SignedTransaction:
    # [chain id, nonce, fees, gas, to, value, data, access list, (authorizations), parity, r, s]; one fee or two
    fees = 1 if kind == _ACCESS_LIST else 2
    call = 3 + fees
    chain_id, nonce, *paid, gas = (_int(field) for field in fields[:call])
    if fields[call + 3]:
        raise UnsupportedError("access list: expected an empty one; the local chain does not count its gas")
    listed = fields[call + 4] if kind == _SET_CODE else []
    parity, r, s = (_int(field) for field in fields[-3:])
    digest = keccak(raw[:1] + rlp.encode(fields[:-3]))
    return SignedTransaction(
        kind,
        keccak(raw),
        _signer(digest, parity, r, s),
        chain_id,
        nonce,
        paid[-1],
        paid[0],
        gas,
        *_call(fields[call : call + 3]),
        authorizations=tuple(_authorization(item) for item in listed),
    )


def _call(fields: Sequence[Any]) -> tuple[Address | None, int, bytes]:
    to, value, data = fields
    if not isinstance(to, bytes) or len(to) not in (0, 20) or not isinstance(data, bytes):
        raise EncodingError.of("transaction", expected="an address and bytes", got=fields)
    return (Address(to) if to else None), _int(value), data


def _authorization(item: Any) -> Authorization:
    if not isinstance(item, list) or len(item) != 6 or not isinstance(item[1], bytes) or len(item[1]) != 20:
        raise EncodingError.of("authorization", expected="six fields, the second an address", got=item)
    chain_id, nonce, parity, r, s = (_int(item[i]) for i in (0, 2, 3, 4, 5))
    return Authorization(chain_id, item[1], nonce, parity, r, s)


def send_signed(chain: RecordingChain, signed: SignedTransaction) -> Mined:
    """Execute a signed transaction on the chain as a node would, and return its entry in the history.

    The gas of authorizations is counted without the refund for accounts that exist already.

    Raises:
        ExecutionError: it cannot enter a block: another chain, a nonce that is not next, too little balance or gas.
    """
    world, expected = chain.world, chain.world.nonce(signed.sender)
    if signed.chain_id != chain.chain_id:
        raise ExecutionError(f"chain id: expected {chain.chain_id}, got {signed.chain_id}")
    if signed.nonce != expected:
        raise ExecutionError(f"nonce of {signed.sender}: expected {expected}, got {signed.nonce}")
    most = signed.gas * signed.max_fee + signed.value
    if world.balance(signed.sender) < most:
        raise ExecutionError(f"funds: {signed.sender} holds {world.balance(signed.sender)} wei, this may cost {most}")
    price = min(signed.max_fee, signed.priority_fee)
    authorization_gas = AUTHORIZATION_GAS * len(signed.authorizations)
    before = world.copy()
    try:
        world.set_balance(signed.sender, world.balance(signed.sender) - signed.gas * price)
        _authorize(chain, signed)
        outcome = chain.send(
            signed.sender, signed.to, signed.data, value=signed.value, gas=signed.gas - authorization_gas
        )
    except ExecutionError:
        chain.world = before
        raise
    used = outcome.gas_used + authorization_gas
    _pay(chain, signed.sender, (signed.gas - used) * price)
    _pay(chain, ZERO_ADDRESS, used * price)
    mined = replace(
        chain.history[-1],
        transaction=replace(chain.history[-1].transaction, gas=signed.gas),
        outcome=replace(outcome, gas_used=used),
        nonce=signed.nonce,
        hash=signed.hash,
        kind=signed.kind,
        gas_price=price,
    )
    chain.history[-1] = mined
    return mined


def _pay(chain: RecordingChain, to: Address, amount_wei: int) -> None:
    if amount_wei:
        chain.world.set_balance(to, chain.world.balance(to) + amount_wei)


def _authorize(chain: RecordingChain, signed: SignedTransaction) -> None:
    """Set the code each valid authorization asks for; one that is not valid is passed over, as EIP-7702 says."""
    world = chain.world
    for item in signed.authorizations:
        authority = item.authority()
        if authority is None or item.chain_id not in (0, chain.chain_id) or item.nonce >= _LAST_NONCE:
            continue
        # the sender's nonce counts as raised already, which the engine does only when it runs
        raised = 1 if authority == signed.sender else 0
        code = world.code(authority)
        if (code and not code.startswith(EIP7702_PREFIX)) or world.nonce(authority) + raised != item.nonce:
            continue
        world.set_code(authority, EIP7702_PREFIX + item.address if any(item.address) else b"")
        world.set_nonce(authority, item.nonce + 1 - raised)


def _signer(digest: bytes, parity: int, r: int, s: int) -> Address:
    signer = _recover(digest, parity, r, s) if s <= _HALF_ORDER and parity in (0, 1) else None
    if signer is None:
        raise EncodingError("transaction: the signature is not valid")
    return signer


def _recover(digest: bytes, parity: int, r: int, s: int) -> Address | None:
    try:
        key = Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError):
        return None
    return Address(key.to_canonical_address())


def _int(field: Any) -> int:
    if not isinstance(field, bytes) or len(field) > 32 or field[:1] == b"\0":
        raise EncodingError.of("transaction", expected="a number of up to 32 bytes without leading zeros", got=field)
    return int.from_bytes(field, "big")


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
