"""Assertions about redemptions. One that fails tells what was expected, what happened, and who decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from caveats.enforcer import EnforcerTerms, Tokens
from caveats.errors import EncodingError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, parse_uint256
from delegations.evm.chain import LocalChain
from delegations.evm.engine import DEFAULT_GAS
from delegations.redemption import Redemption
from delegations.simulation.execute import execute
from delegations.simulation.simulate import default_redeemer, simulate
from delegations.simulation.verdict import Denial, HookName, Movement, Stage, Verdict
from delegations.testing.contract import Addressed, as_address
from delegations.testing.report import Asked, Names, report, show_movement

By = type[EnforcerTerms] | Address | str | None
"""Who is expected to deny: an enforcer class, an enforcer's address, an enforcer's name, or the reason it gives."""
_SUFFIX = "Enforcer"


def assert_allowed(
    chain: LocalChain,
    redemption: Redemption | Sequence[Redemption],
    *,
    moves: Sequence[Movement] | None = None,
    partial: bool = False,
    keep: bool = False,
    redeemer: Addressed | None = None,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
    names: Names | None = None,
    tokens: Tokens | None = None,
) -> Verdict:
    """Return the verdict of a redemption that is allowed and moves what it should; fail otherwise.

    Args:
        chain: where it is simulated.
        redemption: one, or several of one call.
        moves: all that moves, in any order, native value included (see `moved`); not looked at when None.
        partial: accept that a try mode swallowed the failure of an execution.
        keep: redeem for good when it is as expected; nothing is kept otherwise.
        redeemer: who calls the manager; the leaf's delegate when None.
        gas: gas limit of the transaction.
        registry: reads enforcers of your own.
        names: what the report calls addresses.
        tokens: how the report writes amounts.

    Raises:
        AssertionError: it is not; the message is a report of several lines.
        EncodingError, UnsupportedError, EngineError: as `simulate`: there is no verdict.
    """
    __tracebackhide__ = True
    asked = _ask(chain, redemption, redeemer, gas, registry)
    verdict = asked.verdict
    expected = ["allowed"]
    if moves is not None:
        expected += [f"moves {show_movement(move, names, tokens)}" for move in moves] or ["moves nothing"]
    headline = _why_not_allowed(verdict, moves, partial=partial)
    if headline is not None:
        raise AssertionError(report(headline, expected, asked, names=names, tokens=tokens, registry=registry))
    if keep:
        execute(chain, asked.redemptions, redeemer=asked.redeemer, gas=gas, registry=registry)
    return verdict


def assert_denied(
    chain: LocalChain,
    redemption: Redemption | Sequence[Redemption],
    *,
    by: By = None,
    stage: Stage | None = None,
    link: int | None = None,
    caveat: int | None = None,
    hook: HookName | None = None,
    keep: bool = False,
    redeemer: Addressed | None = None,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
    names: Names | None = None,
    tokens: Tokens | None = None,
) -> Denial:
    """Return the denial of a redemption that is denied as it should be; fail otherwise.

    Unless a stage is named, the authority itself must deny: a signature, the manager or a caveat. A call that merely
    fails ("execution") and a lack of gas ("gas") are no denial, and count only where their stage is asked for.

    Args:
        chain: where it is simulated.
        redemption: one, or several of one call.
        by: the enforcer's class (`LimitedCalls`), address or name ("LimitedCalls", "LimitedCallsEnforcer"), or the
            reason on chain ("LimitedCallsEnforcer:limit-exceeded", "InvalidDelegate()").
        stage: signature, manager, hook, execution or gas.
        link: index of the denying delegation, leaf 0.
        caveat: index of the denying caveat in its delegation.
        hook: in which hook.
        keep: send the transaction for good when it is denied as expected; it keeps the redeemer's nonce.

    The other arguments and the errors are those of `assert_allowed`.
    """
    __tracebackhide__ = True
    expected = list(_expected_denial(by, stage, link, caveat, hook))
    asked = _ask(chain, redemption, redeemer, gas, registry)
    denial = asked.verdict.denial
    if denial is None:
        headline = f"expected {expected[0]}, but the redemption is allowed"
    else:
        wrong = _why_not_denied(denial, by, stage, link, caveat, hook)
        headline = f"expected {expected[0]}, but {wrong}" if wrong else ""
    if denial is None or headline:
        raise AssertionError(report(headline, expected, asked, names=names, tokens=tokens, registry=registry))
    if keep:
        execute(chain, asked.redemptions, redeemer=asked.redeemer, gas=gas, registry=registry)
    return denial


def moved(
    sender: Addressed,
    recipient: Addressed,
    amount: int,
    token: Addressed | None = None,
    *,
    token_id: int | None = None,
) -> Movement:
    """Return a movement to compare with: wei without a token, base units with one; 1 with an ERC-721's id."""
    return Movement(
        sender=as_address(sender),
        recipient=as_address(recipient),
        amount=amount,
        token=None if token is None else as_address(token),
        token_id=token_id,
    )


@contextmanager
def at(chain: LocalChain, timestamp: int, *, block: int | None = None) -> Iterator[None]:
    """Let the clock of a chain stand at `timestamp` within a `with`, and back where it was after it.

    What is done within stays; only the clock goes back, and the block number but for the blocks mined within.

    Args:
        chain: whose clock.
        timestamp: unix seconds, before or after now.
        block: block number; where it is when None.

    Raises:
        EncodingError: a number out of range.
    """
    timestamp_before, block_before = chain.timestamp, chain.block_number
    start = block_before if block is None else parse_uint256(block)
    chain.timestamp, chain.block_number = parse_uint256(timestamp), start
    try:
        yield
    finally:
        # transactions sent within took the block number on, and no block is mined twice
        chain.timestamp, chain.block_number = timestamp_before, block_before + chain.block_number - start


def _ask(
    chain: LocalChain,
    redemption: Redemption | Sequence[Redemption],
    redeemer: Addressed | None,
    gas: int,
    registry: EnforcerRegistry | None,
) -> Asked:
    redemptions = (redemption,) if isinstance(redemption, Redemption) else tuple(redemption)
    caller = default_redeemer(redemptions) if redeemer is None else as_address(redeemer)
    verdict = simulate(chain, redemptions, redeemer=caller, gas=gas, registry=registry)
    return Asked(redemptions, caller, verdict)


def _why_not_allowed(verdict: Verdict, moves: Sequence[Movement] | None, *, partial: bool) -> str | None:
    if verdict.denial is not None:
        did = "denied" if verdict.denial.is_policy else "not denied, but fails"
        return f"expected the redemption to be allowed, but it is {did}"
    if verdict.is_partial and not partial:
        return "expected every execution to succeed, but a try mode swallowed a failure"
    if moves is None or verdict.effects is None:
        return None
    missing, extra = Counter(moves), Counter(verdict.effects.movements)
    if missing == extra:
        return None
    counts = (missing - extra).total(), (extra - missing).total()
    return f"expected other movements: {counts[0]} of those expected did not happen, {counts[1]} happened besides"


def _expected_denial(
    by: By, stage: Stage | None, link: int | None, caveat: int | None, hook: HookName | None
) -> Iterator[str]:
    yield "a denial" if by is None else f"a denial by {_show_by(by)}"
    places = (("stage", stage), ("link", link), ("caveat", caveat), ("hook", hook))
    yield from (f"{name} {wanted}" for name, wanted in places if wanted is not None)


def _show_by(by: By) -> str:
    if isinstance(by, type) and issubclass(by, EnforcerTerms):
        return by.ENFORCER
    if isinstance(by, (Address, str)) and by:
        return str(by)
    raise EncodingError.of("by", expected="an enforcer class, its address, its name, or a reason", got=by)


def _why_not_denied(
    denial: Denial, by: By, stage: Stage | None, link: int | None, caveat: int | None, hook: HookName | None
) -> str | None:
    """Return what is other than expected; None when all is as it should be."""
    if stage is None and not denial.is_policy:
        what = "it ran out of gas" if denial.stage == "gas" else "the call itself failed"
        return f'{what}, which no authority decided (stage="{denial.stage}" accepts that)'
    for name, wanted in (("stage", stage), ("link", link), ("caveat", caveat), ("hook", hook)):
        got = getattr(denial, name)
        if wanted is not None and got != wanted:
            return f"the {name} is {got}, not {wanted}"
    if by is not None and not _is_by(denial, by):
        who = denial.enforcer_name or denial.enforcer or f"the {denial.stage}"
        return f"it is denied by {who} ({denial.reason or 'no reason given'})"
    return None


def _is_by(denial: Denial, by: By) -> bool:
    if isinstance(by, Address):
        return denial.enforcer == by
    if isinstance(by, str):
        reasons = {denial.reason, denial.reason.removesuffix("()")}
        enforcers = {denial.enforcer_name, (denial.enforcer_name or "").removesuffix(_SUFFIX)}
        return by in reasons | enforcers
    return by is not None and (denial.enforcer == by.ADDRESS or denial.enforcer_name == by.ENFORCER)
