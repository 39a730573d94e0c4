"""The delegation: who gives which authority to whom, under which caveats. Chains of them, and their bytes.

A permission context is a chain of delegations **leaf first, root last**, as the manager takes it.
Source: framework 1.3.0, utils/Types.sol, DelegationManager and EncoderLib.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

from pydantic import PlainSerializer, WrapValidator

from caveats import Caveat
from caveats.abi import (
    ADDRESS_PAD,
    POINTER_PAD,
    WORD,
    Reader,
    encode_address,
    encode_bytes,
    encode_dynamic_array,
    encode_uint,
)
from caveats.caveat import hash_caveats
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError, VerificationError
from caveats.types import (
    Address,
    Bytes32,
    HexBytes,
    Listed,
    Model,
    format_hex,
    keccak,
    parse_bytes,
    parse_uint256,
    trusted,
    trusted_all,
)
from delegations.eip712 import DELEGATION_TYPEHASH, hash_domain, hash_typed_data, recover_signer, sign_digest

if TYPE_CHECKING:
    from delegations.eip712 import SigningAccount

ROOT_AUTHORITY = Bytes32(b"\xff" * 32)
"""The authority of a root delegation: the delegator's own account."""
ANY_DELEGATE = Address("0x0000000000000000000000000000000000000a11")
"""The delegate of an open delegation: whoever holds it may redeem it, or pass it on."""

_DELEGATION_HEAD = 6 * WORD
_CAVEAT_HEAD = 3 * WORD
# The heads, each word cut into what must be zero and what counts.
_DELEGATION_WORDS = Struct(">12s 20s 12s 20s 32s 24s Q 32s 24s Q").unpack_from
_CAVEAT_WORDS = Struct(">12s 20s 24s Q 24s Q").unpack_from
_CAVEAT_SIZE = _CAVEAT_HEAD + 2 * WORD


def _parse_salt(value: Any, _handler: Any) -> int:
    try:
        return parse_uint256(0 if value == "0x" else value)
    except EncodingError as error:
        raise ValueError(str(error)) from error


Salt = Annotated[
    int,
    WrapValidator(_parse_salt),
    PlainSerializer(lambda value: format_hex(encode_uint(value)), return_type=str, when_used="json"),
]
"""A uint256 whose wire form is 0x and 64 hex digits; shorter hex and "0x" (zero) are read too."""


class Delegation(Model):
    """One grant of authority. The JSON form is the TypeScript kit's `Delegation`.

    Attributes:
        delegate: who may use or pass on the authority; ANY_DELEGATE for anyone.
        delegator: whose authority it is.
        authority: ROOT_AUTHORITY, or the hash of the parent delegation.
        caveats: in the order the hooks run; the order is signed.
        salt: tells equal grants apart. Two delegations of equal content share their hash, their counters, their fate.
        signature: of the delegator; empty until signed. Not covered by the hash.
    """

    delegate: Address
    delegator: Address
    authority: Bytes32 = ROOT_AUTHORITY
    caveats: Listed[Caveat] = ()
    salt: Salt
    signature: HexBytes = b""

    @property
    def hash(self) -> Bytes32:
        """The EIP-712 struct hash, equal on every chain; args and signature are not covered.

        Source: framework 1.3.0, EncoderLib._getDelegationHash.
        """
        return hash_delegation(self)

    @property
    def is_root(self) -> bool:
        """Whether the authority is the delegator's own account."""
        return self.authority == ROOT_AUTHORITY

    @property
    def is_open(self) -> bool:
        """Whether anybody may redeem it."""
        return self.delegate == ANY_DELEGATE

    def with_signature(self, signature: bytes) -> Self:
        """Return the same delegation carrying `signature`."""
        return self.model_copy(update={"signature": parse_bytes(signature)})

    def with_args(self, args: dict[int, bytes]) -> Self:
        """Return the same delegation with the redeemer's args for the caveats at the given indexes."""
        for index in args:
            if not 0 <= index < len(self.caveats):
                expected = f"the place of one of {len(self.caveats)} caveats, counted from 0"
                raise EncodingError.of("caveat index", expected=expected, got=index)
        return self.model_copy(
            update={"caveats": tuple(c.with_args(args[i]) if i in args else c for i, c in enumerate(self.caveats))}
        )


def hash_delegation(delegation: Delegation) -> Bytes32:
    """Return the EIP-712 struct hash of a delegation (32 bytes).

    Source: framework 1.3.0, EncoderLib._getDelegationHash.
    """
    return Bytes32(
        keccak(
            DELEGATION_TYPEHASH
            + encode_address(delegation.delegate)
            + encode_address(delegation.delegator)
            + delegation.authority
            + hash_caveats(delegation.caveats)
            + encode_uint(delegation.salt)
        )
    )


def hash_to_sign(delegation: Delegation, *, chain_id: int, manager: Address) -> Bytes32:
    """Return the EIP-712 digest the delegator signs, for one chain and one delegation manager."""
    return hash_typed_data(hash_domain(chain_id, manager), delegation.hash)


def random_salt() -> int:
    """Return a fresh 256-bit salt from the operating system's randomness."""
    return secrets.randbits(256)


def create_delegation(
    *,
    delegator: Address,
    delegate: Address,
    caveats: Sequence[Caveat | EnforcerTerms],
    parent: Delegation | None = None,
    salt: int | None = None,
    unsafe_unrestricted: bool = False,
) -> Delegation:
    """Return an unsigned delegation of `delegator`'s authority to `delegate`.

    Args:
        delegator: the granting account. With a parent it must be the parent's delegate.
        delegate: who receives it; ANY_DELEGATE for an open delegation.
        caveats: the bounds, as typed terms or as raw caveats, in hook order.
        parent: the delegation that is passed on; None for a root delegation.
        salt: 256 random bits when None. The same content with the same salt is the same delegation.
        unsafe_unrestricted: must be True to grant with no caveat at all.

    Raises:
        EncodingError: no caveats and not `unsafe_unrestricted`; a delegate that can never redeem.
        VerificationError: the delegator is not the one the parent names.
    """
    # text from an untyped caller must meet the same checks below as an Address does
    delegator, delegate = Address(delegator), Address(delegate)
    listed = tuple(c.to_caveat() if isinstance(c, EnforcerTerms) else c for c in caveats)
    if not listed and not unsafe_unrestricted:
        raise EncodingError(
            "a delegation without caveats hands over the whole account",
            hint="add caveats, or write unsafe_unrestricted=True if that is what you mean",
        )
    if delegate == Address(bytes(20)):
        raise EncodingError("delegate: the zero address can never redeem", hint="use ANY_DELEGATE for an open grant")
    authority = ROOT_AUTHORITY
    if parent is not None:
        if not parent.is_open and parent.delegate != delegator:
            raise VerificationError(
                f"delegator {delegator} cannot pass on a delegation made to {parent.delegate}",
                onchain="InvalidDelegate()",
                hint="the delegator of a redelegation is the delegate of its parent",
            )
        authority = parent.hash
    return Delegation(
        delegate=delegate,
        delegator=delegator,
        authority=authority,
        caveats=listed,
        salt=random_salt() if salt is None else salt,
    )


def redelegate(
    parent: Delegation,
    *,
    delegate: Address,
    caveats: Sequence[Caveat | EnforcerTerms] = (),
    delegator: Address | None = None,
    salt: int | None = None,
) -> Delegation:
    """Return an unsigned delegation that passes `parent` on, under the parent's caveats and these.

    A child may do without caveats of its own: the parent's still hold. `delegator` is needed only when the
    parent is open. Raises as `create_delegation`.
    """
    if delegator is None:
        if parent.is_open:
            raise EncodingError("delegator: the parent is open, so say who passes it on")
        delegator = parent.delegate
    return create_delegation(
        delegator=delegator,
        delegate=delegate,
        caveats=caveats,
        parent=parent,
        salt=salt,
        unsafe_unrestricted=True,
    )


def sign_delegation(
    delegation: Delegation,
    account: SigningAccount,
    *,
    chain_id: int,
    manager: Address,
    unsafe_unrestricted: bool = False,
) -> Delegation:
    """Return the delegation signed by an account's key for one chain and manager.

    The signer is not compared with the delegator: a Hybrid account is signed for by its owner. `verify_signature`
    compares.

    Raises:
        EncodingError: a root delegation without caveats and not `unsafe_unrestricted`.
    """
    if delegation.is_root and not delegation.caveats and not unsafe_unrestricted:
        raise EncodingError(
            "refused to sign a root delegation without caveats: it hands over the whole account",
            hint="write unsafe_unrestricted=True if that is what you mean",
        )
    digest = hash_to_sign(delegation, chain_id=chain_id, manager=manager)
    return delegation.with_signature(sign_digest(digest, bytes(account.key)))


def recover_delegation_signer(delegation: Delegation, *, chain_id: int, manager: Address) -> Address:
    """Return the address whose key signed. Raises VerificationError for a malformed signature."""
    return recover_signer(hash_to_sign(delegation, chain_id=chain_id, manager=manager), delegation.signature)


def verify_signature(delegation: Delegation, *, chain_id: int, manager: Address) -> None:
    """Return when the delegator's own key signed, as for EOAs and EIP-7702 accounts; raise otherwise.

    Raises:
        VerificationError: another key signed, or the signature is malformed.
    """
    signer = recover_delegation_signer(delegation, chain_id=chain_id, manager=manager)
    if signer != delegation.delegator:
        raise VerificationError(
            f"signature: expected the key of the delegator {delegation.delegator}, got that of {signer}",
            onchain="InvalidEOASignature()",
            hint="check the chain id and the delegation manager it was signed for",
        )


def verify_chain(context: Sequence[Delegation]) -> None:
    """Return when authorities and delegates link leaf to root as the manager demands; raise otherwise.

    Signatures, disabled flags and the redeemer are not looked at. Source: framework 1.3.0,
    DelegationManager.redeemDelegations.

    Raises:
        VerificationError: naming the link, with the manager's error in `onchain`.
    """
    for depth, link in enumerate(context):
        if depth == len(context) - 1:
            if not link.is_root:
                raise VerificationError(
                    f"link {depth} is last but not a root: its authority is {link.authority}",
                    onchain="InvalidAuthority()",
                    hint="a permission context runs from the leaf to the root",
                )
            return
        above = context[depth + 1]
        if link.authority != above.hash:
            raise VerificationError(
                f"link {depth} has the authority {link.authority}, the next delegation has the hash {above.hash}",
                onchain="InvalidAuthority()",
                hint="a permission context runs from the leaf to the root",
            )
        if not above.is_open and above.delegate != link.delegator:
            raise VerificationError(
                f"link {depth} is given by {link.delegator}, but the next delegation was made to {above.delegate}",
                onchain="InvalidDelegate()",
            )


def _encode_struct(delegation: Delegation) -> bytes:
    caveats = []
    for caveat in delegation.caveats:
        terms = encode_bytes(caveat.terms)
        caveats.append(
            encode_address(caveat.enforcer)
            + encode_uint(_CAVEAT_HEAD)
            + encode_uint(_CAVEAT_HEAD + len(terms))
            + terms
            + encode_bytes(caveat.args)
        )
    listed = encode_dynamic_array(caveats)
    return (
        encode_address(delegation.delegate)
        + encode_address(delegation.delegator)
        + delegation.authority
        + encode_uint(_DELEGATION_HEAD)
        + encode_uint(delegation.salt)
        + encode_uint(_DELEGATION_HEAD + len(listed))
        + listed
        + encode_bytes(delegation.signature)
    )


def encode_delegation(delegation: Delegation) -> bytes:
    """Return abi.encode(Delegation), one delegation outside a chain."""
    return encode_uint(WORD) + _encode_struct(delegation)


def decode_delegation(data: bytes) -> Delegation:
    """Return the delegation of abi.encode(Delegation). Raises EncodingError where the contract would revert."""
    reader = Reader(data, "delegation")
    return read_delegation(reader, reader.pointer(0, 0))


def encode_context(delegations: Sequence[Delegation]) -> bytes:
    """Return the permission context of a chain, leaf first: abi.encode(Delegation[]).

    An empty chain (two words) is the self-authorised context: the caller acts with its own account.
    """
    return encode_uint(WORD) + encode_dynamic_array([_encode_struct(d) for d in delegations])


def decode_context(data: bytes) -> tuple[Delegation, ...]:
    """Return the chain of a permission context, leaf first.

    Trailing bytes are accepted, as the manager accepts them. Raises EncodingError where it would revert.
    """
    reader = Reader(data, "permission context")
    count, heads = reader.array(reader.pointer(0, 0))
    if count == 1:
        return (read_delegation(reader, reader.pointer(heads, heads)),)
    return tuple([read_delegation(reader, reader.pointer(heads + WORD * i, heads)) for i in range(count)])


def read_delegation(reader: Reader, at: int) -> Delegation:
    """Return the delegation whose struct head stands at byte `at`."""
    if at + _DELEGATION_HEAD > reader.end:
        reader.need(at, _DELEGATION_HEAD)
    reader.left -= _DELEGATION_HEAD  # looked at when the signature is read
    pad, delegate, pad_too, delegator, authority, high, caveats_at, salt, high_too, signature_at = _DELEGATION_WORDS(
        reader.data, at
    )
    if pad != ADDRESS_PAD or pad_too != ADDRESS_PAD or high != POINTER_PAD or high_too != POINTER_PAD:
        _refuse(reader, at, addresses=(0, 1), pointers=(3, 5))
    fields = {
        "delegate": _new_bytes(Address, delegate),
        "delegator": _new_bytes(Address, delegator),
        "authority": _new_bytes(Bytes32, authority),
        "caveats": _read_caveats(reader, at + caveats_at),
        "salt": _number(salt, "big"),
        "signature": reader.bytes_at(at + signature_at),
    }
    return trusted(Delegation, fields, _DELEGATION_FIELDS)


def _read_caveats(reader: Reader, at: int) -> tuple[Caveat, ...]:
    # The hot path of every decoder: what the reader does in calls stands here in line, and is called to refuse.
    data, end, left, heads = reader.data, reader.end, reader.left, at + WORD
    number, new, words = _number, _new_bytes, _CAVEAT_WORDS
    stop = heads + WORD * number(data[at:heads])
    if stop > end:
        reader.array(at)
    rows = []
    for head in range(heads, stop, WORD):
        at = heads + number(data[head : head + WORD])
        if at + _CAVEAT_HEAD > end:
            reader.need(reader.pointer(head, heads), _CAVEAT_HEAD)
        pad, enforcer, high, terms_from, high_too, args_from = words(data, at)
        if pad != ADDRESS_PAD or high != POINTER_PAD or high_too != POINTER_PAD:
            _refuse(reader, at, addresses=(0,), pointers=(1, 2))
        terms_at = at + terms_from + WORD
        terms_end = terms_at + number(data[terms_at - WORD : terms_at])
        args_at = at + args_from + WORD
        args_end = args_at + number(data[args_at - WORD : args_at])
        if terms_end > end or args_end > end:
            reader.bytes_at(at + terms_from)
            reader.bytes_at(at + args_from)
        left -= _CAVEAT_SIZE + terms_end - terms_at + args_end - args_at
        if left < 0:
            raise reader.overlaps()
        rows.append(
            {"enforcer": new(Address, enforcer), "terms": data[terms_at:terms_end], "args": data[args_at:args_end]}
        )
    reader.left = left
    return trusted_all(Caveat, rows, _CAVEAT_FIELDS)


def _refuse(reader: Reader, at: int, *, addresses: tuple[int, ...], pointers: tuple[int, ...]) -> NoReturn:
    """Raise what the reader says of the first word of a head that does not hold what it should."""
    for word in addresses:
        reader.address(at + WORD * word)
    for word in pointers:
        reader.pointer(at + WORD * word, at)
    raise AssertionError("unreachable: one of the words is at fault")


_CAVEAT_FIELDS, _DELEGATION_FIELDS = set(Caveat.model_fields), set(Delegation.model_fields)
_new_bytes = bytes.__new__  # of bytes cut to size, a value type needs no second look
_number = int.from_bytes
