"""Hypothesis strategies for every value the toolkit handles. Numbers and lengths lean towards their boundaries."""

from __future__ import annotations

from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import BaseModel

from caveats import Address, Bytes4, Bytes32, Caveat, EncodingError, Execution
from caveats.types import HexBytes, Uint128, Uint256, parse_hex
from delegations.delegation import ANY_DELEGATE, Delegation
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from tests.vectors.tables import list_buildable, load_enforcer_tables

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_EDGES = sorted({0, 1, 2, *(2**bits + off for bits in (8, 53, 63, 64, 127, 128, 160, 255, 256) for off in (-1, 0, 1))})


def uints(bits: int = 256) -> st.SearchStrategy[int]:
    """Unsigned integers of up to `bits` bits; half of them at a boundary some type or language has."""
    return st.sampled_from([n for n in _EDGES if n < 2**bits]) | st.integers(0, 2**bits - 1)


def blobs(max_size: int = 100) -> st.SearchStrategy[bytes]:
    """Bytes; empty, short of a word, a word and just over it come often."""
    exact = [st.binary(min_size=n, max_size=n) for n in (0, 1, 4, 31, 32, 33, 64) if n <= max_size]
    return st.one_of(*exact, st.binary(max_size=max_size))


def words() -> st.SearchStrategy[Bytes32]:
    """32-byte values, hashes mostly."""
    return st.binary(min_size=32, max_size=32).map(Bytes32)


def selectors() -> st.SearchStrategy[Bytes4]:
    """Function selectors, the one of zeroes among them."""
    return st.sampled_from([Bytes4(bytes(4)), Bytes4("0xa9059cbb")]) | st.binary(min_size=4, max_size=4).map(Bytes4)


def addresses() -> st.SearchStrategy[Address]:
    """Any address, the zero address and ANY_DELEGATE among them."""
    special = [Address(bytes(20)), Address(b"\xff" * 20), ANY_DELEGATE]
    return st.sampled_from(special) | st.binary(min_size=20, max_size=20).map(Address)


def parties() -> st.SearchStrategy[Address]:
    """Addresses that may give and take authority: neither zero nor ANY_DELEGATE."""
    return addresses().filter(lambda address: address != Address(bytes(20)) and address != ANY_DELEGATE)


def private_keys() -> st.SearchStrategy[bytes]:
    """Valid secp256k1 private keys; the smallest and the largest come often."""
    edges = st.sampled_from([1, 2, SECP256K1_N - 1])
    return (edges | st.integers(1, SECP256K1_N - 1)).map(lambda key: key.to_bytes(32, "big"))


def executions() -> st.SearchStrategy[Execution]:
    """One call, with any target, value and call data."""
    return st.builds(Execution, target=addresses(), value=uints(), call_data=blobs())


def raw_caveats() -> st.SearchStrategy[Caveat]:
    """Caveats of enforcers nobody knows."""
    return st.builds(Caveat, enforcer=addresses(), terms=blobs(), args=blobs(40))


def _values_of(annotation: Any) -> st.SearchStrategy[Any] | None:
    """Values of one field, by its type; None for a type nothing is known of."""
    plain: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (Uint256, uints()),
        (Uint128, uints(128)),
        (HexBytes, blobs()),
        (Address, addresses()),
        (Bytes32, words()),
        (Bytes4, selectors()),
        (Execution, executions()),
        (bool, st.booleans()),
    ]
    for known, strategy in plain:
        if annotation == known:
            return strategy
    inner = get_args(annotation)[0] if get_origin(annotation) is not tuple and get_args(annotation) else annotation
    if get_origin(inner) is tuple:
        items = _values_of(get_args(inner)[0])
        return None if items is None else st.lists(items, min_size=1, max_size=4).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {name: _values_of(hint) for name, hint in fields_of(annotation).items()}
        known_fields = {name: values for name, values in fields.items() if values is not None}
        return st.builds(annotation, **known_fields) if len(known_fields) == len(fields) else None
    return None


def fields_of(cls: type[BaseModel]) -> dict[str, Any]:
    """The field types of a model with their annotations kept."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: hints[name] for name in cls.model_fields}


@st.composite
def terms_of(draw: st.DrawFn, cls: type[Any]) -> Any:
    """Terms of one enforcer class that its builder takes: a valid row of its table with some fields drawn anew."""
    rows = load_enforcer_tables()[cls.__name__]["valid"]
    start = cls.from_wire(draw(st.sampled_from(rows))["values"])
    values = {name: getattr(start, name) for name in cls.model_fields}
    for name, hint in fields_of(cls).items():
        drawn = _values_of(hint)
        if drawn is not None and draw(st.booleans()):
            values[name] = draw(drawn)
    try:
        return cls(**values)
    except EncodingError:
        return start


def typed_terms() -> st.SearchStrategy[Any]:
    """Terms of any enforcer class."""
    return st.sampled_from(list_buildable()).flatmap(terms_of)


@st.composite
def terms_bytes_of(draw: st.DrawFn, cls: type[Any]) -> bytes:
    """Bytes in the place of terms: random ones, and rows of the table cut, lengthened or with a byte changed."""
    if draw(st.booleans()):
        return draw(blobs(160))
    table = load_enforcer_tables()[cls.__name__]
    rows = [row for kind in ("valid", "unwise", "not_canonical", "undecodable") for row in table.get(kind, ())]
    data = bytearray(parse_hex(draw(st.sampled_from(rows))["terms"]))
    change = draw(st.sampled_from(["cut", "lengthen", "flip"]))
    if change == "lengthen":
        return bytes(data) + draw(blobs(40))
    if data and change == "cut":
        return bytes(data[: draw(st.integers(0, len(data) - 1))])
    if data:
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


def typed_caveats() -> st.SearchStrategy[Caveat]:
    """Caveats a builder made."""
    return st.builds(lambda terms, args: terms.to_caveat(args=args), typed_terms(), blobs(40))


def caveats() -> st.SearchStrategy[Caveat]:
    """Caveats of every sort."""
    return typed_caveats() | raw_caveats()


def delegations() -> st.SearchStrategy[Delegation]:
    """Delegations with any content: unsigned, signed or carrying bytes that are no signature."""
    return st.builds(
        Delegation,
        delegate=addresses(),
        delegator=addresses(),
        authority=st.just(Bytes32(b"\xff" * 32)) | words(),
        caveats=st.lists(caveats(), max_size=3).map(tuple),
        salt=uints(),
        signature=st.just(b"") | st.binary(min_size=65, max_size=65) | blobs(),
    )


@st.composite
def chains(draw: st.DrawFn, *, min_size: int = 1, max_size: int = 4) -> tuple[Delegation, ...]:
    """Chains that link leaf to root as the manager demands, open links among them; signatures are any bytes."""
    length = draw(st.integers(min_size, max_size))
    chain: list[Delegation] = []
    for _ in range(length):
        above = chain[0] if chain else None
        link = Delegation(
            delegate=ANY_DELEGATE if draw(st.integers(0, 4)) == 0 else draw(parties()),
            delegator=draw(parties()) if above is None or above.is_open else above.delegate,
            authority=Bytes32(b"\xff" * 32) if above is None else above.hash,
            caveats=tuple(draw(st.lists(caveats(), max_size=2))),
            salt=draw(uints()),
            signature=draw(st.binary(min_size=65, max_size=65)),
        )
        chain.insert(0, link)
    return tuple(chain)


@st.composite
def redemptions(draw: st.DrawFn) -> Redemption:
    """Redemptions in every mode; the chain may be empty, which is the self-authorised context."""
    mode = draw(st.sampled_from(ExecutionMode))
    sizes = {"min_size": 0, "max_size": 3} if mode.is_batch else {"min_size": 1, "max_size": 1}
    return Redemption(
        context=draw(chains(min_size=0, max_size=2)),
        mode=mode,
        executions=tuple(draw(st.lists(executions(), **sizes))),
    )
