"""What a failed assertion says: expected, happened, asked, the chain drawn, who decided, what moved. Plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from caveats.enforcer import Tokens, show_native, show_token
from caveats.execution import Execution
from caveats.registry import EnforcerRegistry
from caveats.types import Address, format_hex, keccak
from delegations.redemption import Redemption
from delegations.simulation.verdict import Denial, Movement, Verdict

Names = Mapping[Address, str]
_TRANSFER = keccak(b"transfer(address,uint256)")[:4]
_LABEL_WIDTH = 10
_SHOWN_BYTES = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was simulated, for whom, and what came of it."""

    redemptions: tuple[Redemption, ...]
    redeemer: Address
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Writer:
    names: Names
    tokens: Tokens | None
    registry: EnforcerRegistry

    def who(self, address: Address | None) -> str:
        return "nobody" if address is None else self.names.get(address, str(address))

    def movement(self, move: Movement) -> str:
        if move.token is None:
            amount = show_native(move.amount, self.tokens)
        elif move.token_id is not None:
            amount = f"id {move.token_id} of {self.who(move.token)}"
        else:
            amount = show_token(move.token, move.amount, self.tokens)
        return f"{amount}: {self.who(move.sender)} -> {self.who(move.recipient)}"

    def execution(self, execution: Execution) -> str:
        data, value = execution.call_data, execution.value
        sent = f" with {show_native(value, self.tokens)}" if value else ""
        if data[:4] == _TRANSFER and len(data) == 68 and data[4:16] == bytes(12):
            amount = show_token(execution.target, int.from_bytes(data[36:], "big"), self.tokens)
            return f"transfer {amount} to {self.who(Address(data[16:36]))}{sent}"
        if not data:
            return f"send {show_native(value, self.tokens)} to {self.who(execution.target)}"
        return f"call {self.who(execution.target)}, function 0x{data[:4].hex()}, {len(data)} bytes of calldata{sent}"

    def asked(self, asked: Asked) -> Iterator[str]:
        for index, redemption in enumerate(asked.redemptions):
            which = f" {index}" if len(asked.redemptions) > 1 else ""
            yield f"{self.who(asked.redeemer)} redeems{which}, mode {redemption.mode.name}"
            yield from (f"  {self.execution(execution)}" for execution in redemption.executions)

    def chain(self, asked: Asked) -> Iterator[str]:
        denial = asked.verdict.denial
        for context, redemption in enumerate(asked.redemptions):
            if not redemption.context:
                yield "self-authorised: no delegation"
            depth = len(redemption.context)
            for link, delegation in reversed(list(enumerate(redemption.context))):
                level = depth - 1 - link
                indent, branch = "   " * level, "└─ " if level else ""
                here = denial is not None and denial.context == context and denial.link == link
                to = "anyone" if delegation.is_open else self.who(delegation.delegate)
                marked = "   <- denied" if denial is not None and here and denial.caveat is None else ""
                role = " (root)" if link == depth - 1 else ""
                yield f"{indent[3:]}{branch}link {link}{role}: {self.who(delegation.delegator)} -> {to}{marked}"
                for index, caveat in enumerate(delegation.caveats):
                    decoded = self.registry.decode(caveat)
                    marked = "   <- denied" if denial is not None and here and denial.caveat == index else ""
                    yield f"{indent}  {index} {decoded.name}: {decoded.describe(self.tokens)}{marked}"
                if not delegation.caveats:
                    yield f"{indent}  no caveats"

    def decided(self, denial: Denial) -> Iterator[str]:
        place = [f"stage {denial.stage}"]
        if denial.context:
            place.append(f"redemption {denial.context}")
        for name in ("link", "caveat", "hook", "execution"):
            if getattr(denial, name) is not None:
                place.append(f"{name} {getattr(denial, name)}")
        yield ", ".join(place) + (f": {denial.enforcer_name or denial.enforcer}" if denial.enforcer else "")

    def happened(self, verdict: Verdict) -> str:
        if verdict.denial is None:
            return f"allowed{', but an execution failed' if verdict.is_partial else ''}, gas {verdict.gas_used}"
        return f"{'denied' if verdict.denial.is_policy else 'failed'}, gas {verdict.gas_used}"

    def legend(self, text: str) -> Iterator[str]:
        for address, name in self.names.items():
            if str(address) in text:  # sentences about terms are written with addresses
                yield f"{name} is {address}"


def report(
    headline: str,
    expected: Sequence[str],
    asked: Asked,
    *,
    names: Names | None = None,
    tokens: Tokens | None = None,
    registry: EnforcerRegistry | None = None,
) -> str:
    """Return the lines under a failed assertion.

    Args:
        headline: the first line.
        expected: what should have been.
        asked: what was simulated.
        names: what addresses are called; they stand as they are otherwise.
        tokens: how amounts are written.
        registry: reads enforcers of your own.
    """
    writer = _Writer(names or {}, tokens, registry or EnforcerRegistry())
    verdict, denial, effects = asked.verdict, asked.verdict.denial, asked.verdict.effects
    parts: list[tuple[str, list[str]]] = [
        ("expected", list(expected)),
        ("happened", [writer.happened(verdict)]),
        ("asked", list(writer.asked(asked))),
        ("chain", list(writer.chain(asked))),
    ]
    if denial is not None:
        parts.append(("decided", list(writer.decided(denial))))
        parts.append(("reason", [denial.reason or _no_reason(denial), denial.explanation]))
    if effects is not None:
        parts.append(("moves", [writer.movement(move) for move in effects.movements] or ["nothing"]))
        failed = [r for r in effects.executions if not r.success]
        parts.append(("failed", [f"execution {r.index} of redemption {r.context}: {r.reason}" for r in failed]))
    parts.append(("warnings", list(verdict.warnings)))
    parts.append(("names", list(writer.legend("\n".join(text for _, lines in parts for text in lines)))))
    shown = [
        f"  {title if first else '':<{_LABEL_WIDTH}}{_clean(text)}"
        for title, lines in parts
        for first, text in zip([True] + [False] * len(lines), lines, strict=False)
    ]
    return "\n".join([headline, "", *shown])


def show_movement(move: Movement, names: Names | None = None, tokens: Tokens | None = None) -> str:
    """Return a movement in words."""
    return _Writer(names or {}, tokens, EnforcerRegistry()).movement(move)


def _no_reason(denial: Denial) -> str:
    data = denial.revert_data
    shown = format_hex(data[:_SHOWN_BYTES]) + ("..." if len(data) > _SHOWN_BYTES else "")
    return f"none given, revert data {shown}" if data else "none given"


def _clean(text: str) -> str:
    # reasons are written by the called contract: nothing in them may act on a terminal or start a line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
