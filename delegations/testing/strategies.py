"""Hypothesis strategies for what the toolkit handles. Numbers and lengths lean towards their boundaries.

What a strategy takes as an argument, it draws from: `delegations(caveats=caveats_of(LimitedCalls))`. It needs
Hypothesis (`pip install 'delegations[test]'`). In a test that runs on a chain, take a fresh scene for each example from
the fixture `new_scene`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import BaseModel

from caveats.caveat import Caveat
from caveats.compose.logical_or_wrapper import LogicalOrWrapper
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.expiry.block_number import BlockNumber
from caveats.expiry.timestamp import Timestamp
from caveats.registry import ENFORCERS
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.deployed import Deployed
from caveats.types import ZERO_ADDRESS, Address, Bytes4, Bytes32, HexBytes, Uint128, Uint256
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY, Delegation
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption

T = TypeVar("T", bound=EnforcerTerms)
Strategy = st.SearchStrategy

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
LATEST_SECOND = 253_402_300_799
"""The end of the year 9999, past which builders refuse a time."""
_LONGEST_PERIOD = 1_000 * 365 * 86_400
_LONGEST_LIST = 4

_EDGES = sorted({0, 1, 2, *(2**bits + off for bits in (8, 53, 63, 64, 127, 128, 160, 255, 256) for off in (-1, 0, 1))})

# values


def uints(bits: int = 256, *, min_value: int = 0) -> Strategy[int]:
    """Unsigned integers of up to `bits` bits; half of them at a boundary some type or language has."""
    top = 2**bits - 1
    return st.sampled_from([n for n in _EDGES if min_value <= n <= top]) | st.integers(min_value, top)


def blobs(max_size: int = 100, *, min_size: int = 0) -> Strategy[bytes]:
    """Bytes; empty, short of a word, a word and just over it come often."""
    sizes = [n for n in (0, 1, 4, 31, 32, 33, 64) if min_size <= n <= max_size]
    exact = [st.binary(min_size=n, max_size=n) for n in sizes]
    return st.one_of(*exact, st.binary(min_size=min_size, max_size=max_size))


def words() -> Strategy[Bytes32]:
    """32-byte values, hashes mostly."""
    return st.binary(min_size=32, max_size=32).map(Bytes32)


def selectors() -> Strategy[Bytes4]:
    """Function selectors, the one of zeroes among them."""
    return st.sampled_from([Bytes4(bytes(4)), Bytes4("0xa9059cbb")]) | st.binary(min_size=4, max_size=4).map(Bytes4)


def addresses() -> Strategy[Address]:
    """Any address, the zero address and ANY_DELEGATE among them."""
    special = [ZERO_ADDRESS, Address(b"\xff" * 20), ANY_DELEGATE]
    return st.sampled_from(special) | st.binary(min_size=20, max_size=20).map(Address)


def parties() -> Strategy[Address]:
    """Addresses that may give and take authority: neither zero nor ANY_DELEGATE."""
    return addresses().filter(lambda address: address not in (ZERO_ADDRESS, ANY_DELEGATE))


def private_keys() -> Strategy[bytes]:
    """Valid secp256k1 private keys; the smallest and the largest come often."""
    edges = st.sampled_from([1, 2, SECP256K1_N - 1])
    return (edges | st.integers(1, SECP256K1_N - 1)).map(lambda key: key.to_bytes(32, "big"))


def executions(
    *,
    target: Strategy[Address] | None = None,
    value: Strategy[int] | None = None,
    call_data: Strategy[bytes] | None = None,
) -> Strategy[Execution]:
    """One call, with any target, value and call data unless told which."""
    return st.builds(
        Execution,
        target=addresses() if target is None else target,
        value=uints() if value is None else value,
        call_data=blobs() if call_data is None else call_data,
    )


# terms


def values_of(annotation: Any) -> Strategy[Any] | None:
    """Values of one field, by its type; None for a type nothing is known of."""
    plain: list[tuple[Any, Strategy[Any]]] = [
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
    item = _item_of(annotation)
    if item is not None:
        items = values_of(item)
        return None if items is None else st.lists(items, min_size=1, max_size=_LONGEST_LIST).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        drawn = {name: values_of(hint) for name, hint in fields_of(annotation).items()}
        return None if None in drawn.values() else st.builds(annotation, **drawn)  # type: ignore[arg-type]  # no None
    return None


def fields_of(cls: type[BaseModel]) -> dict[str, Any]:
    """The field types of a model with their annotations kept."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: hints[name] for name in cls.model_fields}


def terms_of(cls: type[T], **fields: Strategy[Any]) -> Strategy[T]:
    """Terms of one enforcer class that its builder takes, a class of your own too.

    Args:
        cls: the enforcer class.
        fields: strategies for some of its fields: `terms_of(LimitedCalls, limit=st.integers(1, 3))`.

    Raises:
        EncodingError: nothing is known of the type of a field, or there is no such field.
    """
    hints = fields_of(cls)
    unknown = fields.keys() - hints.keys()
    if unknown:
        raise EncodingError.of(f"fields of {cls.__name__}", expected=", ".join(hints), got=", ".join(sorted(unknown)))
    values: dict[str, Strategy[Any]] = {}
    special = _special_fields().get(cls, {})
    for name, hint in hints.items():
        given = fields.get(name, special.get(name))
        strategy = _sensible(name, hint) if given is None else given
        if strategy is None:
            raise EncodingError.of(
                f"{cls.__name__}.{name}", expected="a type with known values", got=hint, hint=f"give {name}=a strategy"
            )
        values[name] = strategy
    finish = _complete_deployed if cls is Deployed and "expected_address" not in fields else dict
    # what a builder still refuses, such as a period that ends before it starts, is drawn again
    built = st.fixed_dictionaries(values).map(lambda drawn: _build(cls, finish(drawn))).filter(_is_built)
    return cast("Strategy[T]", built)


def _build(cls: type[T], values: Mapping[str, Any]) -> T | None:
    try:
        return cls(**values)
    except EncodingError:
        return None


def _is_built(terms: object) -> bool:
    return terms is not None


def _complete_deployed(drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {**drawn, "expected_address": Deployed.compute_address(drawn["salt"], drawn["init_code"])}


def _special_fields() -> dict[type[EnforcerTerms], dict[str, Strategy[Any]]]:
    """Fields of which name and type say too little."""
    either = st.just(0) | st.integers(1, 1_000)
    return {
        Timestamp: {"after_at": st.just(0) | seconds(), "before_at": st.just(0) | seconds()},
        BlockNumber: {"after_block": either, "before_block": st.just(0) | st.integers(1_002, 2**127)},
        AllowedCalldata: {"data_start": st.integers(0, 1_000), "value": blobs(min_size=1)},
        Deployed: {"init_code": blobs(min_size=1)},
        LogicalOrWrapper: {
            "groups": st.lists(
                st.lists(st.builds(Caveat, enforcer=parties(), terms=blobs()), min_size=1, max_size=2).map(tuple),
                min_size=1,
                max_size=3,
            ).map(tuple)
        },
    }


def seconds() -> Strategy[int]:
    """Times, in unix seconds, that a builder takes for one; its last comes often."""
    return st.sampled_from([1, 2, LATEST_SECOND]) | st.integers(1, LATEST_SECOND)


def _sensible(name: str, hint: Any) -> Strategy[Any] | None:
    """Values of a field that mean something by its name: a zero amount or address is what builders refuse most."""
    item = _item_of(hint)
    if item is not None:
        items = _sensible(name, item)
        if items is None:
            return None
        unique = isinstance(item, type) and issubclass(item, (Address, Bytes4))
        chosen = st.lists(items, min_size=1, max_size=_LONGEST_LIST, unique=unique)
        return chosen.map(tuple)
    if hint == Address:
        return parties()
    if hint == Uint256 and name.endswith("_at"):
        return seconds()
    if hint == Uint256 and name.startswith("period_seconds"):
        return st.sampled_from([1, 86_400, 604_800]) | st.integers(1, _LONGEST_PERIOD)
    if hint == Uint256 and name != "nonce":
        return uints(min_value=1)
    if hint == Execution:
        return executions(target=parties())
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        drawn = {field: _sensible(field, inner) for field, inner in fields_of(hint).items()}
        return None if None in drawn.values() else st.builds(hint, **drawn)  # type: ignore[arg-type]  # no None
    return values_of(hint)


def _item_of(hint: Any) -> Any:
    """Return the type of the items of a tuple of any length, annotated or not; None for other types."""
    inner = get_args(hint)[0] if get_origin(hint) is not tuple and get_args(hint) else hint
    return get_args(inner)[0] if get_origin(inner) is tuple else None


def typed_terms() -> Strategy[EnforcerTerms]:
    """Terms of any enforcer class."""
    return st.sampled_from(ENFORCERS).flatmap(terms_of)


# caveats


def caveats_of(
    cls: type[EnforcerTerms], *, args: Strategy[bytes] | None = None, **fields: Strategy[Any]
) -> Strategy[Caveat]:
    """Caveats of one enforcer class; see `terms_of`. Without `args` they carry none."""
    return st.builds(_to_caveat, terms_of(cls, **fields), st.just(b"") if args is None else args)


def _to_caveat(terms: EnforcerTerms, args: bytes) -> Caveat:
    return terms.to_caveat(args=args)


def raw_caveats() -> Strategy[Caveat]:
    """Caveats of enforcers nobody knows."""
    return st.builds(Caveat, enforcer=addresses(), terms=blobs(), args=blobs(40))


def typed_caveats() -> Strategy[Caveat]:
    """Caveats a builder made, with any args."""
    return st.builds(_to_caveat, typed_terms(), blobs(40))


def caveats() -> Strategy[Caveat]:
    """Caveats of every sort."""
    return typed_caveats() | raw_caveats()


# delegations and redemptions


def delegations(
    *,
    delegator: Strategy[Address] | None = None,
    delegate: Strategy[Address] | None = None,
    caveats: Strategy[Caveat] | None = None,
    max_caveats: int = 3,
) -> Strategy[Delegation]:
    """Delegations with any content: unsigned, signed or carrying bytes that are no signature."""
    return st.builds(
        Delegation,
        delegate=addresses() if delegate is None else delegate,
        delegator=addresses() if delegator is None else delegator,
        authority=st.just(ROOT_AUTHORITY) | words(),
        caveats=st.lists(_caveats(caveats), max_size=max_caveats).map(tuple),
        salt=uints(),
        signature=st.just(b"") | st.binary(min_size=65, max_size=65) | blobs(),
    )


@st.composite
def chains(
    draw: st.DrawFn,
    *,
    min_size: int = 1,
    max_size: int = 4,
    caveats: Strategy[Caveat] | None = None,
) -> tuple[Delegation, ...]:
    """Chains that link leaf to root as the manager demands, open links among them; signatures are any bytes."""
    chain: list[Delegation] = []
    for _ in range(draw(st.integers(min_size, max_size))):
        above = chain[0] if chain else None
        link = Delegation(
            delegate=ANY_DELEGATE if draw(st.integers(0, 4)) == 0 else draw(parties()),
            delegator=draw(parties()) if above is None or above.is_open else above.delegate,
            authority=ROOT_AUTHORITY if above is None else above.hash,
            caveats=tuple(draw(st.lists(_caveats(caveats), max_size=2))),
            salt=draw(uints()),
            signature=draw(st.binary(min_size=65, max_size=65)),
        )
        chain.insert(0, link)
    return tuple(chain)


@st.composite
def redemptions(
    draw: st.DrawFn,
    *,
    context: Strategy[tuple[Delegation, ...]] | None = None,
    execution: Strategy[Execution] | None = None,
) -> Redemption:
    """Redemptions in every mode; the chain may be empty, which is the self-authorised context."""
    mode = draw(st.sampled_from(ExecutionMode))
    least, most = (0, 3) if mode.is_batch else (1, 1)
    calls = executions() if execution is None else execution
    return Redemption(
        context=draw(chains(min_size=0, max_size=2) if context is None else context),
        mode=mode,
        executions=tuple(draw(st.lists(calls, min_size=least, max_size=most))),
    )


def _caveats(given: Strategy[Caveat] | None) -> Strategy[Caveat]:
    return caveats() if given is None else given
