"""The package's strategies, with terms drawn from the tables too: rows there know what no type says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from caveats import Caveat, EncodingError
from caveats.types import parse_hex
from delegations.delegation import Delegation
from delegations.redemption import Redemption
from delegations.testing import strategies as pack
from delegations.testing.strategies import (
    SECP256K1_N,
    addresses,
    blobs,
    executions,
    fields_of,
    parties,
    private_keys,
    raw_caveats,
    selectors,
    uints,
    values_of,
    words,
)
from tests.vectors.tables import list_buildable, load_enforcer_tables

__all__ = [
    "SECP256K1_N",
    "addresses",
    "blobs",
    "caveats",
    "chains",
    "delegations",
    "executions",
    "fields_of",
    "parties",
    "private_keys",
    "raw_caveats",
    "redemptions",
    "selectors",
    "terms_bytes_of",
    "terms_of",
    "typed_caveats",
    "typed_terms",
    "uints",
    "words",
]


@st.composite
def terms_of(draw: st.DrawFn, cls: type[Any]) -> Any:
    """Terms of one enforcer class that its builder takes: a valid row of its table with some fields drawn anew."""
    rows = load_enforcer_tables()[cls.__name__]["valid"]
    start = cls.from_wire(draw(st.sampled_from(rows))["values"])
    values = {name: getattr(start, name) for name in cls.model_fields}
    for name, hint in fields_of(cls).items():
        drawn = values_of(hint)
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
    return pack.delegations(caveats=caveats())


def chains(*, min_size: int = 1, max_size: int = 4) -> st.SearchStrategy[tuple[Delegation, ...]]:
    """Chains that link leaf to root as the manager demands, open links among them; signatures are any bytes."""
    return pack.chains(min_size=min_size, max_size=max_size, caveats=caveats())


def redemptions() -> st.SearchStrategy[Redemption]:
    """Redemptions in every mode; the chain may be empty, which is the self-authorised context."""
    return pack.redemptions(context=chains(min_size=0, max_size=2))
