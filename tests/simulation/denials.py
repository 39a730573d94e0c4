"""Redemptions with one thing wrong at a place that was drawn: who must be named is known before the chain is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from caveats import (
    AllowedTargets,
    BlockNumber,
    Caveat,
    ERC20BalanceChange,
    ERC20MultiOperationIncreaseBalance,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    NativeBalanceChange,
    NativeTokenTransferAmount,
    Nonce,
    Redeemer,
    Timestamp,
    ValueLte,
)
from caveats.enforcer import EnforcerTerms
from caveats.types import Address, keccak
from delegations.delegation import Delegation, create_delegation, encode_delegation, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from delegations.simulation import Denial, simulate
from tests.differential.scene import DISABLE
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, Stage, set_stage

MIDDLE = range(3, 7)
"""The numbers of the accounts that pass a delegation on."""
FAIL = keccak(b"fail()")[:4]
FAR = 2**37


@dataclass(frozen=True)
class Place:
    """What a denial must say; a None says that there is no such thing."""

    stage: str
    context: int | None = None
    link: int | None = None
    caveat: int | None = None
    hook: str | None = None
    execution: int | None = None
    enforcer: Address | None = None
    delegation: bytes | None = None
    reason: str = ""

    @classmethod
    def of(cls, denial: Denial) -> Place:
        """The place a denial names."""
        return cls(
            denial.stage,
            denial.context,
            denial.link,
            denial.caveat,
            denial.hook,
            denial.execution,
            denial.enforcer,
            None if denial.delegation is None else bytes(denial.delegation),
            denial.reason,
        )


@dataclass(frozen=True)
class Case:
    """A call that must be denied, and where."""

    kind: str
    chain: LocalChain
    redemptions: tuple[Redemption, ...]
    expected: Place

    def denial(self) -> Denial | None:
        """Return who denied, as the verdict says; None when it allows."""
        return simulate(self.chain, self.redemptions, redeemer=AGENT).denial

    def ask(self) -> Place | None:
        """Return the place the verdict names; None when it allows."""
        denial = self.denial()
        return None if denial is None else Place.of(denial)


Make = Callable[[Random], Caveat | EnforcerTerms]


def _group(*inner: EnforcerTerms) -> Caveat:
    """One of two groups: the first would never pass, the second is chosen."""
    groups = ((Timestamp(before_at=2).to_caveat(),), tuple(terms.to_caveat() for terms in inner))
    args = LogicalOrWrapper.encode_args(1, [b""] * len(inner))
    return LogicalOrWrapper(groups=groups).to_caveat().model_copy(update={"args": args})


PASSING: tuple[Make, ...] = (
    lambda random: LimitedCalls(limit=random.randint(3, 9)),
    lambda random: Timestamp(before_at=FAR),
    lambda random: BlockNumber(before_block=FAR),
    lambda random: Redeemer(redeemers=(AGENT, SHOP)),
    lambda random: Nonce(nonce=0),
    lambda random: Id(id=random.getrandbits(200)),
    lambda random: _group(LimitedCalls(limit=9), Timestamp(before_at=FAR)),
)
PASSING_SINGLE: tuple[Make, ...] = (
    lambda random: ValueLte(max_value_wei=5),
    lambda random: NativeTokenTransferAmount(max_amount_wei=50),
)
"""Those that take no batch."""

RISE = "a rise that does not come"
DENYING: dict[str, tuple[str, str, Make]] = {
    "a window that is over": ("before", "TimestampEnforcer:expired-delegation", lambda _: Timestamp(before_at=2)),
    "a block not yet there": (
        "before",
        "BlockNumberEnforcer:early-delegation",
        lambda _: BlockNumber(after_block=FAR),
    ),
    "another redeemer": ("before", "RedeemerEnforcer:unauthorized-redeemer", lambda _: Redeemer(redeemers=(SHOP,))),
    "another nonce": ("before", "NonceEnforcer:invalid-nonce", lambda _: Nonce(nonce=3)),
    "terms cut short": (
        "before",
        "LimitedCallsEnforcer:invalid-terms-length",
        lambda _: Caveat(enforcer=LimitedCalls.ADDRESS, terms=b"\x01"),
    ),
    "no call left": (
        "before",
        "LimitedCallsEnforcer:limit-exceeded",
        lambda _: LimitedCalls.unchecked(limit=0).to_caveat(),
    ),
    "a group whose second caveat denies": (
        "before",
        "NonceEnforcer:invalid-nonce",
        lambda _: _group(Timestamp(before_at=FAR), Nonce(nonce=9)),
    ),
    RISE: (
        "after",
        "NativeBalanceChangeEnforcer:insufficient-balance-increase",
        lambda _: NativeBalanceChange(enforce_decrease=False, recipient=ALICE, amount_wei=1),
    ),
}
DENYING_SINGLE: dict[str, tuple[str, str, Make]] = {
    "another target": (
        "before",
        "AllowedTargetsEnforcer:target-address-not-allowed",
        lambda _: AllowedTargets(targets=(ALICE,)),
    ),
    "too much value": ("before", "ValueLteEnforcer:value-too-high", lambda _: ValueLte(max_value_wei=0)),
    "too much in total": (
        "before",
        "NativeTokenTransferAmountEnforcer:allowance-exceeded",
        lambda _: NativeTokenTransferAmount(max_amount_wei=0),
    ),
}
OTHERS = ("a token that does not come", "a token that does not come over all", "a forged signature", "a disabled link")
MORE = ("a root that is missing", "a call that fails", "a nested redemption that is denied")
KINDS = (*DENYING, *DENYING_SINGLE, *OTHERS, *MORE)


@cache
def _base() -> Stage:
    return set_stage()


class Draw:
    """One case of a kind, drawn."""

    def __init__(self, kind: str, random: Random) -> None:
        self.kind, self.random = kind, random
        self.stage = Stage(_base().chain.copy(), _base().token, _base().target)
        self.depths = [random.randint(1, 5) for _ in range(random.randint(1, 3))]
        self.context = random.randrange(len(self.depths))
        if kind == "a root that is missing":
            self.depths[self.context] = random.randint(2, 5)
        self.link = random.randrange(self.depths[self.context])
        self.batches = [random.random() < 0.4 for _ in self.depths]
        if kind in DENYING_SINGLE:
            self.batches[self.context] = False
        self.salt = 0

    def case(self) -> Case:
        """Build the contexts, and what is wrong in one of them."""
        contexts = []
        for number, depth in enumerate(self.depths):
            wrong = self.link if number == self.context else None
            contexts.append(self._chain(depth, is_batch=self.batches[number], wrong=wrong))
        executions = [self._executions(is_batch=is_batch) for is_batch in self.batches]
        place = self._spoil(contexts, executions)
        redemptions = tuple(
            redeem(context, calls if is_batch else calls[0])
            for context, calls, is_batch in zip(contexts, executions, self.batches, strict=True)
        )
        return Case(self.kind, self.stage.chain, redemptions, place)

    def _sign(self, delegation: Delegation, key: int) -> Delegation:
        manager = self.stage.chain.manager
        return sign_delegation(
            delegation, dev_account(key), chain_id=CHAIN_ID, manager=manager, unsafe_unrestricted=True
        )

    def _chain(self, depth: int, *, is_batch: bool, wrong: int | None) -> list[Delegation]:
        """Return a chain from Alice to the agent, leaf first; `wrong` is the link that gets the denying caveat."""
        keys = [0, *self.random.sample(MIDDLE, depth - 1)]
        links: list[Delegation] = []
        for number, key in enumerate(keys):
            to = AGENT if number == depth - 1 else Address(dev_account(keys[number + 1]).address)
            caveats = self._caveats(is_batch=is_batch)
            denying = self._denying() if depth - 1 - number == wrong else None
            if denying is not None:
                self.caveat = self.random.randint(0, len(caveats))
                caveats.insert(self.caveat, denying)
            self.salt += 1
            if links:
                unsigned = redelegate(links[0], delegate=to, caveats=caveats, salt=self.salt)
            else:
                unsigned = create_delegation(
                    delegator=ALICE, delegate=to, caveats=caveats, salt=self.salt, unsafe_unrestricted=not caveats
                )
            links.insert(0, self._sign(unsigned, key))
        return links

    def _caveats(self, *, is_batch: bool) -> list[Caveat | EnforcerTerms]:
        pool = PASSING if is_batch else PASSING + PASSING_SINGLE
        caveats = [self.random.choice(pool)(self.random) for _ in range(self.random.randint(0, 3))]
        if self.random.random() < 0.2 and self.kind != RISE:
            # one in a delegation: it locks itself until its second hook
            caveats.append(NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=10**18))
        return caveats

    def _denying(self) -> Caveat | EnforcerTerms | None:
        if self.kind in DENYING or self.kind in DENYING_SINGLE:
            return {**DENYING, **DENYING_SINGLE}[self.kind][2](self.random)
        if self.kind == "a token that does not come":
            return ERC20BalanceChange(enforce_decrease=False, token=self.stage.token, recipient=ALICE, amount=1)
        if self.kind == "a token that does not come over all":
            return ERC20MultiOperationIncreaseBalance(token=self.stage.token, recipient=ALICE, amount=1)
        return None

    def _executions(self, *, is_batch: bool) -> list[Execution]:
        count = self.random.randint(2, 4) if is_batch else 1
        return [Execution(target=SHOP, value=self.random.randint(1, 3)) for _ in range(count)]

    def _spoil(self, contexts: list[list[Delegation]], executions: list[list[Execution]]) -> Place:
        chain, link, at = contexts[self.context], self.link, self.context
        given = {"context": at, "link": link, "delegation": bytes(chain[link].hash)}
        if self.kind in DENYING or self.kind in DENYING_SINGLE or self.kind in OTHERS[:2]:
            return self._at_hook(chain, given)
        if self.kind == "a forged signature":
            is_root = link == len(chain) - 1
            # somebody else's key; the hash, and so what stands on it, stays the same
            chain[link] = self._sign(chain[link].with_signature(b""), 8)
            reason = "InvalidERC1271Signature()" if is_root else "InvalidEOASignature()"
            return Place("signature", **given, reason=reason)
        if self.kind == "a disabled link":
            sent = self.stage.chain.send(
                chain[link].delegator, self.stage.chain.manager, DISABLE + encode_delegation(chain[link])
            )
            assert sent.success
            return Place("manager", **given, reason="CannotUseADisabledDelegation()")
        if self.kind == "a root that is missing":
            chain.pop()
            last = len(chain) - 1
            given |= {"link": last, "delegation": bytes(chain[last].hash)}
            return Place("manager", **given, reason="InvalidAuthority()")
        number = self.random.randrange(len(executions[at]))
        executions[at][number] = self._failing()
        reason = "" if self.kind == "a call that fails" else "TimestampEnforcer:expired-delegation"
        return Place("execution", context=at, execution=number, reason=reason)

    def _at_hook(self, chain: list[Delegation], given: dict[str, object]) -> Place:
        if self.kind in OTHERS:
            over_all = self.kind == OTHERS[1]
            hook = "after_all" if over_all else "after"
            name = "ERC20MultiOperationIncreaseBalance" if over_all else "ERC20BalanceChange"
            reason = f"{name}Enforcer:insufficient-balance-increase"
        else:
            hook, reason, _ = {**DENYING, **DENYING_SINGLE}[self.kind]
        enforcer = chain[self.link].caveats[self.caveat].enforcer
        return Place("hook", **given, caveat=self.caveat, hook=hook, enforcer=enforcer, reason=reason)

    def _failing(self) -> Execution:
        """A call of a function that fails; or of the manager, for a delegation to Alice that is over."""
        if self.kind == "a call that fails":
            return Execution(target=self.stage.target, call_data=FAIL)
        self.stage.chain.add_delegator(SHOP)
        inner = create_delegation(
            delegator=SHOP, delegate=ALICE, caveats=[Timestamp(before_at=2)], salt=self.random.getrandbits(64)
        )
        call_data = encode_redeem_delegations([redeem(self._sign(inner, 2), Execution(target=SHOP))])
        return Execution(target=self.stage.chain.manager, call_data=call_data)


def draw_cases(count: int, seed: int = 7) -> Iterator[Case]:
    """Yield so many cases, the kinds in turn, the same ones every time."""
    random = Random(seed)  # noqa: S311 - no secret depends on it
    for number in range(count):
        yield Draw(KINDS[number % len(KINDS)], random).case()
