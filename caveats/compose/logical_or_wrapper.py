"""One of several groups of caveats, as the redeemer chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from caveats.abi import WORD, encode_address, encode_bytes, encode_dynamic_array, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.caveat import Caveat
from caveats.compose._memory_reader import MemoryReader
from caveats.enforcer import BOTH, EnforcerTerms, Hook, TermsError, Tokens
from caveats.errors import EncodingError
from caveats.types import ZERO_ADDRESS, Address, Listed

if TYPE_CHECKING:
    from caveats.registry import DecodedCaveat, EnforcerRegistry

Groups = tuple[tuple[Caveat, ...], ...]
_NATIVE_TOKEN_PAYMENT = Address("0x4803a326ddED6dDBc60e659e5ed12d85c7582811")
# The contract copies every caveat to memory, at least 192 bytes each: the gas of a block ends far below this.
_MOST_CAVEATS = 100_000
_NOT_THE_MANAGER = "only-delegation-manager"


class SelectedGroup(NamedTuple):
    """What the redeemer supplies: which group, and the args of each of its caveats in order."""

    group_index: int
    caveat_args: tuple[bytes, ...]


class LogicalOrWrapper(EnforcerTerms):
    """All caveats of one group hold; the redeemer chooses which group, so each must be a whole policy by itself.

    The args inside the terms are signed but ignored: the redeemer supplies those of the chosen group. Inside a
    group, state is kept under this contract's address: a Nonce there is not raised by raising the delegator's usual
    one, and groups that use one stateful enforcer share its counter. LogicalOrWrapper and NativeTokenPayment
    never pass inside a group.

        terms   abi.encode(((address enforcer, bytes terms, bytes args)[] caveats)[] groups)
        args    abi.encode((uint256 group_index, bytes[] caveat_args))

    Terms that the contract reads but that are not the canonical encoding (trailing bytes, shared tails) decode;
    encoding gives the canonical form.

    Source: framework 1.3.0, LogicalOrWrapperEnforcer.
    """

    ENFORCER: ClassVar[str] = "LogicalOrWrapperEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xE1302607a3251AF54c3a6e69318d6aa07F5eB46c")
    HOOKS: ClassVar[tuple[Hook, ...]] = ("before_all", "before", "after", "after_all")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "abi.encode(((address enforcer, bytes terms, bytes args)[] caveats)[] groups)"
    BOUNDS: ClassVar[str] = "what the caveats of one group bound, the group being the redeemer's choice"
    LEAVES_FREE: ClassVar[str] = "what the loosest of the groups leaves free; a group without caveats leaves everything"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "only-delegation-manager",
        "invalid-group-index",
        "invalid-caveat-args-length",
        "Panic(0x41)",
    )
    JUDGED_ALONE: ClassVar[bool] = False
    ARGS: ClassVar[str] = "abi.encode((uint256 group_index, bytes[] caveat_args)): the group, and args for each caveat"

    groups: Listed[Listed[Caveat]]

    def encode_terms(self) -> bytes:
        groups = [encode_uint(WORD) + encode_dynamic_array([_encode_caveat(c) for c in g]) for g in self.groups]
        return encode_uint(WORD) + encode_dynamic_array(groups)

    @classmethod
    def decode_terms(cls, terms: bytes) -> LogicalOrWrapper:
        reader = MemoryReader(terms, "the groups")
        try:
            return cls.unchecked(groups=_read_groups(reader))
        except EncodingError as error:
            raise TermsError(
                f"{cls.ENFORCER} terms: expected an abi-encoded list of groups, got {len(terms)} bytes: {error}",
                onchain="Panic(0x41)" if reader.is_out_of_memory else "",
            ) from error

    @staticmethod
    def encode_args(group_index: int, caveat_args: Sequence[bytes]) -> bytes:
        """Return the args that choose a group, counted from 0, and hand its caveats their own args.

        Args:
            group_index: which group.
            caveat_args: one entry for each caveat of the group, in order; b"" for caveats that ignore args.
        """
        items = [encode_bytes(args) for args in caveat_args]
        return encode_uint(WORD) + encode_uint(group_index) + encode_uint(2 * WORD) + encode_dynamic_array(items)

    @staticmethod
    def decode_args(args: bytes) -> SelectedGroup:
        """Return what a redeemer chose. Raises EncodingError where the contract reverts."""
        return _read_args(MemoryReader(args, "LogicalOrWrapperEnforcer args"))

    def args_for(self, group_index: int, caveat_args: Sequence[bytes] | None = None) -> bytes:
        """Return the args that choose one of these groups; its caveats get empty args unless told otherwise.

        Raises:
            EncodingError: there is no such group, or not one entry for each of its caveats.
        """
        if not 0 <= group_index < len(self.groups):
            raise EncodingError.of("group", expected=f"an index below {len(self.groups)}", got=group_index)
        count = len(self.groups[group_index])
        chosen = [b""] * count if caveat_args is None else list(caveat_args)
        if len(chosen) != count:
            raise EncodingError.of("caveat args", expected=f"{count} entries, one for each caveat", got=len(chosen))
        return self.encode_args(group_index, chosen)

    def inner_key(self, key: StateKey) -> StateKey:
        """Return the key under which the caveats of a group keep their state: the caller is this contract."""
        return replace(key, caller=self.ADDRESS)

    def decode_groups(self, registry: EnforcerRegistry | None = None) -> tuple[tuple[DecodedCaveat, ...], ...]:
        """Return what the caveats of each group say, by `registry` or the enforcers of framework 1.3.0."""
        from caveats.registry import EnforcerRegistry  # the registry knows this class

        known = EnforcerRegistry() if registry is None else registry
        return tuple(tuple(known.decode(caveat) for caveat in group) for group in self.groups)

    def problems(self) -> Iterator[str]:
        if not self.groups:
            yield "groups is empty, so that no group can be chosen; give at least one"
        if len(set(self.groups)) != len(self.groups):
            yield "groups lists a group twice; remove the copy"
        for i, group in enumerate(self.decode_groups()):
            if not group:
                yield f"groups.{i} has no caveats, so that choosing it permits everything; give it caveats or remove it"
            kinds = [d.terms.CALL_TYPES for d in group if d.terms is not None]
            if kinds and not frozenset.intersection(*kinds):
                yield f"groups.{i} has a caveat for single calls and one for batches, so that none passes; split it"
            for j, decoded in enumerate(group):
                for problem in _inner_problems(decoded):
                    yield f"groups.{i}.{j}: {problem}"

    def denies(self, attempt: Attempt) -> str | None:
        """As for every enforcer; of the chosen group, the known caveats are judged in the order of their hooks."""
        reader = MemoryReader(attempt.args, "args")
        try:
            chosen = _read_args(reader)
        except EncodingError:
            return "Panic(0x41)" if reader.is_out_of_memory else ""
        if chosen.group_index >= len(self.groups):
            return self.revert_of("invalid-group-index")
        if len(chosen.caveat_args) != len(self.groups[chosen.group_index]):
            return self.revert_of("invalid-caveat-args-length")
        from caveats.registry import EnforcerRegistry  # the registry knows this class

        known = EnforcerRegistry()
        group = [known.decode(caveat) for caveat in self.groups[chosen.group_index]]
        classes = [known.by_address.get(caveat.enforcer) for caveat in self.groups[chosen.group_index]]
        firsts = [cls.HOOKS[0] if cls is not None and cls.HOOKS else None for cls in classes]
        for hook in self.HOOKS:
            # the before-all hook alone does not look at the mode
            if attempt.is_try and hook != "before_all":
                return "CaveatEnforcer:invalid-execution-type"
            for first, decoded, args in zip(firsts, group, chosen.caveat_args, strict=True):
                if first == hook:
                    reason = _inner_denial(decoded, replace(attempt, args=args))
                    if reason is not None:
                        return reason or "FailedInnerCall()"
        return None

    def describe(self, tokens: Tokens | None = None, registry: EnforcerRegistry | None = None) -> str:
        shown = [
            f"group {i}: {' '.join(_describe_inner(d, tokens) for d in group) or 'no bound at all.'}"
            for i, group in enumerate(self.decode_groups(registry))
        ]
        if not shown:
            return "Never usable: there is no group to choose."
        return f"The redeemer chooses one group and is bound by it alone; {' '.join(shown)}"


def _encode_caveat(caveat: Caveat) -> bytes:
    terms = encode_bytes(caveat.terms)
    heads = encode_address(caveat.enforcer) + encode_uint(3 * WORD) + encode_uint(3 * WORD + len(terms))
    return heads + terms + encode_bytes(caveat.args)


def _read_groups(reader: MemoryReader) -> Groups:
    count, heads = reader.array(reader.pointer(0, 0))
    # Hostile terms let many heads point to one place: each place is read once.
    seen: dict[int, tuple[Caveat, ...]] = {}
    seen_caveats: dict[int, Caveat] = {}
    groups = []
    total = 0
    for i in range(count):
        at = reader.pointer(heads + WORD * i, heads)
        if at not in seen:
            seen[at] = _read_group(reader, at, seen_caveats)
        groups.append(seen[at])
        total += len(seen[at])
        if total > _MOST_CAVEATS:
            raise reader.fail(f"over {_MOST_CAVEATS} caveats, for which no block has the gas")
    return tuple(groups)


def _read_group(reader: MemoryReader, at: int, seen: dict[int, Caveat]) -> tuple[Caveat, ...]:
    reader.need(at, WORD)
    count, heads = reader.array(reader.pointer(at, at))
    caveats = []
    for i in range(count):
        place = reader.pointer(heads + WORD * i, heads)
        if place not in seen:
            reader.need(place, 3 * WORD)
            seen[place] = Caveat(
                enforcer=reader.address(place),
                terms=reader.bytes_at(reader.pointer(place + WORD, place)),
                args=reader.bytes_at(reader.pointer(place + 2 * WORD, place)),
            )
        caveats.append(seen[place])
    return tuple(caveats)


def _read_args(reader: MemoryReader) -> SelectedGroup:
    start = reader.pointer(0, 0)
    reader.need(start, 2 * WORD)
    count, heads = reader.array(reader.pointer(start + WORD, start))
    args = tuple(reader.bytes_at(reader.pointer(heads + WORD * i, heads)) for i in range(count))
    return SelectedGroup(reader.uint(start), args)


def _name_of_dead(decoded: DecodedCaveat) -> str | None:
    """Return the name of an enforcer that never passes in a group: its hook demands the manager as its caller, and
    there the wrapper calls."""
    if decoded.enforcer_name == LogicalOrWrapper.ENFORCER:
        return "LogicalOrWrapper"
    return "NativeTokenPayment" if decoded.caveat.enforcer == _NATIVE_TOKEN_PAYMENT else None


def _inner_problems(decoded: DecodedCaveat) -> Iterator[str]:
    name = _name_of_dead(decoded)
    if name is not None:
        yield f"{name} never passes inside a group; put it beside this caveat"
    elif decoded.caveat.enforcer == ZERO_ADDRESS:
        yield "the enforcer is the zero address; name the contract"
    elif decoded.terms is not None:
        yield from decoded.terms.problems()
    elif decoded.would_revert is not None:
        yield f"{decoded.enforcer_name} would not read these terms; build them with its class"


def _inner_denial(decoded: DecodedCaveat, attempt: Attempt) -> str | None:
    name = _name_of_dead(decoded)
    if name is not None:
        return f"{name}Enforcer:{_NOT_THE_MANAGER}"
    return decoded.would_revert if decoded.terms is None else decoded.terms.denies(attempt)


def _describe_inner(decoded: DecodedCaveat, tokens: Tokens | None) -> str:
    # a wrapper is not looked into: terms could nest them by the thousand
    name = _name_of_dead(decoded)
    return decoded.describe(tokens) if name is None else f"Never usable: a {name} in a group."
