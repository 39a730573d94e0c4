"""What is left, against the official bytecode: its own getters, and what a redemption of exactly that much gets."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from eth_abi.abi import decode, encode

from caveats import (
    Caveat,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    NativeTokenTransferAmount,
    Nonce,
    TokenPeriod,
)
from caveats.abi import encode_uint
from caveats.attempt import StateKey
from caveats.enforcer import NATIVE_TOKEN
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatchV1
from caveats.types import MAX_UINT256, Address, keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from delegations.simulation import execute, simulate
from delegations.simulation.remaining import CaveatLeft, remaining
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, Stage, grant, said, set_stage, transfer

SEEDS = range(5)
STEPS = 12


def amounts(random: Random) -> int:
    return random.choice((0, 1, 7, 1000, random.randrange(10**6), 10**18, MAX_UINT256 - random.randrange(3)))


def budget(random: Random) -> dict:
    return {
        "period_seconds": random.choice((1, 60, 86_400, 604_800, MAX_UINT256)),
        "start_at": START_AT + random.choice((-(10**6), -61, -1, 0, 0, 1, 90)),
    }


def stream(random: Random, suffix: str) -> dict:
    initial = random.choice((0, 10, 1000))
    maximum = initial + random.choice((0, 1, 500, 10**6, MAX_UINT256 - initial))
    return {
        f"initial_amount{suffix}": initial,
        f"max_amount{suffix}": maximum,
        f"amount_per_second{suffix}": random.choice((0, 1, 3, 10**5, 2**250)),
        "start_at": START_AT + random.choice((-100, -1, 0, 5, 60)),
    }


def draw_terms(cls, random: Random, token: Address):
    """Terms of one class, unwise ones among them."""
    positive = max(amounts(random), 1)
    if cls is ERC20TransferAmount:
        return cls.unchecked(token=token, max_amount=amounts(random))
    if cls is NativeTokenTransferAmount:
        return cls.unchecked(max_amount_wei=amounts(random))
    if cls is ERC20PeriodTransfer:
        return cls.unchecked(token=token, period_amount=positive, **budget(random))
    if cls is NativeTokenPeriodTransfer:
        return cls.unchecked(period_amount_wei=positive, **budget(random))
    if cls is ERC20Streaming:
        return cls.unchecked(token=token, **stream(random, ""))
    if cls is NativeTokenStreaming:
        return cls.unchecked(**stream(random, "_wei"))
    records = [
        TokenPeriod(token=asset, period_amount=max(amounts(random), 1), **budget(random))
        for asset in (token, NATIVE_TOKEN, token)
    ]
    return MultiTokenPeriod.unchecked(records=tuple(records))


def ask_getter(stage: Stage, cls, signature: str, values: list, outputs: list[str]) -> tuple:
    name, _, types = signature.partition("(")
    listed = types.rstrip(")").split(",")
    outcome = stage.chain.call(cls.ADDRESS, keccak(f"{name}({types}".encode())[:4] + encode(listed, values))
    assert outcome.success
    return decode(outputs, outcome.output)


def available(stage: Stage, link: Delegation, terms, entry: CaveatLeft) -> int | None:
    """What the contract's own getter says is available; None where it is documented to say nothing useful."""
    cls, manager, digest = type(terms), stage.chain.manager, bytes(link.hash)
    if cls in (ERC20TransferAmount, NativeTokenTransferAmount):
        (spent,) = ask_getter(stage, cls, "spentMap(address,bytes32)", [manager, digest], ["uint256"])
        assert entry.used == spent
        return max(entry.total - spent, 0)
    if cls in (ERC20Streaming, NativeTokenStreaming):
        state = ask_getter(stage, cls, "streamingAllowances(address,bytes32)", [manager, digest], ["uint256"] * 5)
        assert entry.used == state[4]
        if not state[4]:
            return None
        return ask_stream(stage, cls, digest)
    if cls is MultiTokenPeriod:
        args = encode_uint(entry.place.record)
        values = [digest, manager, terms.encode_terms(), args]
        signature = "getAvailableAmount(bytes32,address,bytes,bytes)"
    else:
        values = [digest, manager, terms.encode_terms()]
        signature = "getAvailableAmount(bytes32,address,bytes)"
    return ask_getter(stage, cls, signature, values, ["uint256", "bool", "uint256"])[0]


def ask_stream(stage: Stage, cls, digest: bytes) -> int:
    call = keccak(b"getAvailableAmount(address,bytes32)")[:4] + encode(
        ["address", "bytes32"], [stage.chain.manager, digest]
    )
    outcome = stage.chain.call(cls.ADDRESS, call)
    # a stream that overflows panics, and leaves nothing
    return int.from_bytes(outcome.output, "big") if outcome.success else 0


def spend(token: Address, asset: Address, amount: int) -> Execution:
    return Execution(target=SHOP, value=amount) if asset == NATIVE_TOKEN else transfer(token, amount)


def single(link: Delegation, execution: Execution, args: bytes = b"") -> Redemption:
    chosen = link.with_args({0: args}) if args else link
    return Redemption(context=(chosen,), mode=ExecutionMode.SINGLE_DEFAULT, executions=(execution,))


def move_clock(stage: Stage, random: Random, entry: CaveatLeft) -> None:
    """Stand still, go on a little, or go to just before or just at what the entry says happens next."""
    edges = [at + off for at in (entry.resets_at, entry.opens_at, entry.full_at) if at for off in (-1, 0)]
    at = random.choice([stage.chain.timestamp, stage.chain.timestamp + random.randrange(200), *edges])
    stage.chain.timestamp = min(max(at, stage.chain.timestamp), START_AT + 10**7)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "cls",
    [
        ERC20TransferAmount,
        NativeTokenTransferAmount,
        ERC20PeriodTransfer,
        NativeTokenPeriodTransfer,
        ERC20Streaming,
        NativeTokenStreaming,
        MultiTokenPeriod,
    ],
    ids=lambda cls: cls.__name__,
)
def test_exactly_what_is_left_passes_and_one_more_does_not(cls, seed):
    random, stage = Random(f"{cls.__name__} {seed}"), set_stage()  # noqa: S311  # a reproducible choice, not a secret
    terms = draw_terms(cls, random, stage.token)
    link = grant([terms.to_caveat()], salt=seed)
    for _ in range(STEPS):
        entries = remaining(stage.chain, link).caveats
        entry = random.choice(entries)
        args = encode_uint(entry.place.record) if cls is MultiTokenPeriod else b""
        official = available(stage, link, terms, entry)
        if official is not None and entry.denied is None:
            assert entry.left == official
        needed = 1 if cls is MultiTokenPeriod and entry.asset == NATIVE_TOKEN else 0
        for amount in (entry.left, entry.left + 1):
            verdict = simulate(
                stage.chain, single(link, spend(stage.token, entry.asset, min(amount, MAX_UINT256)), args)
            )
            passes = said(verdict) is None
            if amount <= MAX_UINT256 and amount >= needed:
                assert passes == (amount == entry.left and entry.denied is None)
        draw = random.choice((0, 1, entry.left, entry.left // 2, random.randrange(entry.left + 1)))
        execute(stage.chain, single(link, spend(stage.token, entry.asset, min(draw, 10**24)), args))
        move_clock(stage, random, entry)


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_ids_and_nonces_agree_with_the_getters(seed):
    random, stage = Random(seed), set_stage()  # noqa: S311  # a reproducible choice, not a secret
    manager = stage.chain.manager
    ids = [random.choice((7, random.getrandbits(256))) for _ in range(2)]
    links = [
        grant([LimitedCalls(limit=random.randint(1, 4)).to_caveat(), Nonce(nonce=0).to_caveat()], salt=1),
        grant([Id(id=ids[0]).to_caveat()], salt=2),
        grant([Id(id=ids[1]).to_caveat()], salt=3),
    ]
    for _ in range(STEPS):
        calls, nonce = remaining(stage.chain, links[0]).caveats
        assert ask_getter(
            stage, LimitedCalls, "callCounts(address,bytes32)", [manager, bytes(links[0].hash)], ["uint256"]
        ) == (calls.used,)
        assert ask_getter(stage, Nonce, "currentNonce(address,address)", [manager, ALICE], ["uint256"]) == (
            nonce.current_nonce,
        )
        for number, link in zip(ids, links[1:], strict=True):
            (entry,) = remaining(stage.chain, link).caveats
            official = ask_getter(stage, Id, "getIsUsed(address,address,uint256)", [manager, ALICE, number], ["bool"])
            assert official == (bool(entry.used),)
            assert (said(simulate(stage.chain, single(link, Execution(target=SHOP)))) is None) == (entry.left == 1)
        verdict = simulate(stage.chain, single(links[0], Execution(target=SHOP)))
        assert (said(verdict) is None) == (calls.denied is None and nonce.denied is None)
        execute(stage.chain, single(random.choice(links), Execution(target=SHOP)))
        if random.random() < 0.1:
            increment = keccak(b"incrementNonce(address)")[:4] + bytes(12) + manager
            assert stage.chain.send(ALICE, Nonce.ADDRESS, increment).success


def test_the_one_use_of_a_specific_action_agrees_with_the_getter():
    stage = set_stage()
    terms = SpecificActionERC20TransferBatchV1.unchecked(
        token=stage.token, recipient=SHOP, amount=5, first_target=SHOP, first_call_data=b""
    )
    link = grant([terms.to_caveat()])
    redemption = Redemption(context=(link,), mode=ExecutionMode.BATCH_DEFAULT, executions=terms.executions())
    for left in (1, 0):
        (entry,) = remaining(stage.chain, link).caveats
        used = ask_getter(
            stage, type(terms), "usedDelegations(address,bytes32)", [stage.chain.manager, bytes(link.hash)], ["bool"]
        )
        assert (entry.left, entry.kind, used) == (left, "calls", (not left,))
        assert execute(stage.chain, redemption).verdict.allowed == bool(left)


# whole chains

FAMILIES = [ERC20TransferAmount, ERC20PeriodTransfer, ERC20Streaming, MultiTokenPeriod]
OTHERS = [NativeTokenTransferAmount, NativeTokenPeriodTransfer, NativeTokenStreaming]


def draw_caveat(random: Random, token: Address, *, wrap: bool = True) -> Caveat:
    kind = random.random()
    if wrap and kind < 0.3:
        groups = [
            tuple(draw_caveat(random, token, wrap=False) for _ in range(random.randint(1, 2)))
            for _ in range(random.randint(1, 3))
        ]
        return LogicalOrWrapper.unchecked(groups=tuple(groups)).to_caveat()
    if kind < 0.4:
        return LimitedCalls(limit=random.randint(1, 9)).to_caveat()
    cls = random.choice(FAMILIES if random.random() < 0.8 else OTHERS)
    for _ in range(20):
        terms = draw_terms(cls, random, token)
        if cls.__name__.endswith("Amount") or not getattr(terms, "start_at", 0) > START_AT:
            return terms.to_caveat()
    return terms.to_caveat()


def draw_chain(random: Random, token: Address, depth: int) -> list[Delegation]:
    links: list[Delegation] = []
    for number in range(depth):
        own = [draw_caveat(random, token) for _ in range(random.randint(1, 2))]
        to = Address(dev_account(number + 1).address)
        link = (
            redelegate(links[0], delegate=to, caveats=own, salt=random.getrandbits(32))
            if links
            else create_delegation(delegator=ALICE, delegate=to, caveats=own, salt=random.getrandbits(32))
        )
        links.insert(
            0, sign_delegation(link, dev_account(number), chain_id=CHAIN_ID, manager=set_stage().chain.manager)
        )
    return links


def args_of(caveat: Caveat) -> list[bytes]:
    """Every choice a redeemer has for one caveat."""
    if caveat.enforcer == MultiTokenPeriod.ADDRESS:
        return [encode_uint(i) for i in range(len(caveat.terms) // 116)]
    if caveat.enforcer == LogicalOrWrapper.ADDRESS:
        groups = LogicalOrWrapper.decode_terms(caveat.terms).groups
        return [
            LogicalOrWrapper.encode_args(number, list(inner))
            for number, group in enumerate(groups)
            for inner in product(*map(args_of, group))
        ]
    return [b""]


def all_ways(chain: list[Delegation], execution: Execution) -> list[Redemption]:
    options = [[args_of(caveat) for caveat in link.caveats] for link in chain]
    flat = [choice for link in options for choice in link]
    found = []
    for chosen in product(*flat):
        rest = iter(chosen)
        context = tuple(link.with_args({i: next(rest) for i in range(len(link.caveats))}) for link in chain)
        found.append(Redemption(context=context, mode=ExecutionMode.SINGLE_DEFAULT, executions=(execution,)))
    return found


def forms(stage: Stage, asset: Address, amount: int) -> list[Execution]:
    if asset == NATIVE_TOKEN:
        return [Execution(target=SHOP, value=amount), transfer(stage.token, 0, value=amount)]
    return [transfer(stage.token, amount)]


def passing(stage: Stage, chain: list[Delegation], asset: Address, amount: int) -> list[Redemption]:
    """Every way by which that much can be redeemed."""
    return [
        way
        for execution in forms(stage, asset, amount)
        for way in all_ways(chain, execution)
        if said(simulate(stage.chain, way)) is None
    ]


@pytest.mark.parametrize("seed", range(14))
def test_the_tightest_link_of_a_chain_decides_whatever_the_redeemer_chooses(seed):
    random, stage = Random(f"chain {seed}"), set_stage()  # noqa: S311  # a reproducible choice, not a secret
    while True:
        chain = draw_chain(random, stage.token, random.randint(1, 3))
        if len(all_ways(chain, Execution(target=SHOP))) <= 12:
            break
    checked = 0
    for _ in range(6):
        left = remaining(stage.chain, chain)
        assert left.unknown == ()
        for asset in left.assets:
            if asset.left is None:
                assert passing(stage, chain, asset.asset, 10**20)
                continue
            if asset.left:
                assert passing(stage, chain, asset.asset, asset.left)
                checked += 1
            if asset.left < MAX_UINT256:
                assert not passing(stage, chain, asset.asset, asset.left + 1)
        chosen = random.choice(left.assets).asset if left.assets else stage.token
        most = left.of_asset(chosen)
        top = min(most.left, 10**24) if most is not None and most.left is not None else 5
        possible = passing(stage, chain, chosen, random.choice((0, 1, top, top // 2, top // 3)))
        if possible:
            execute(stage.chain, random.choice(possible))
        stage.chain.timestamp += random.choice((0, 1, 30, 86_400))


def draw_like(cls, random: Random, token: Address):
    """Terms of a class that have begun and whose numbers are small enough to be used up."""
    terms = draw_terms(cls, random, token)
    changed = {name: random.randint(1, 60) for name in type(terms).model_fields if "amount" in name}
    if "amount_per_second" in changed or "amount_per_second_wei" in changed:
        suffix = "_wei" if "max_amount_wei" in changed else ""
        changed[f"max_amount{suffix}"] += changed[f"initial_amount{suffix}"]
    if "start_at" in type(terms).model_fields:
        changed["start_at"] = START_AT - random.randint(0, 90)
    return terms.model_copy(update=changed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", ["copies", "groups", "copies in a group"])
@pytest.mark.parametrize(
    "cls", [c for c in (*FAMILIES, *OTHERS) if c is not MultiTokenPeriod], ids=lambda c: c.__name__
)
def test_caveats_that_share_a_counter_are_counted_as_the_chain_counts_them(cls, shape, seed):
    random, stage = Random(f"{cls.__name__} {shape} {seed}"), set_stage()  # noqa: S311  # a reproducible choice, not a secret
    terms = [draw_like(cls, random, stage.token).to_caveat() for _ in range(2)]
    if shape == "groups":
        terms = [LogicalOrWrapper(groups=tuple((each,) for each in terms)).to_caveat()]
    elif shape == "copies in a group":
        terms = [LogicalOrWrapper(groups=(tuple(terms),)).to_caveat()]
    chain = [grant(terms, salt=seed)]
    asset = stage.token if cls in FAMILIES else NATIVE_TOKEN
    for _ in range(5):
        left = remaining(stage.chain, chain).of_asset(asset).left
        assert passing(stage, chain, asset, left) or left == 0
        assert not passing(stage, chain, asset, left + 1)
        possible = passing(stage, chain, asset, random.choice((1, left // 2, left)))
        if possible:
            execute(stage.chain, random.choice(possible))
        stage.chain.timestamp += random.choice((0, 1, 3, 60))


@pytest.mark.parametrize("limits", [[3], [4, 4], [5, 2], [2, 5], [9, 9, 9], [8, 3, 7]], ids=str)
def test_as_many_redemptions_pass_as_are_left(limits):
    stage = set_stage()
    top = grant([LimitedCalls(limit=limit).to_caveat() for limit in limits])
    leaf = sign_delegation(
        redelegate(top, delegate=SHOP, caveats=[LimitedCalls(limit=4)]),
        dev_account(1),
        chain_id=CHAIN_ID,
        manager=stage.chain.manager,
    )
    chain = (leaf, top)
    left = remaining(stage.chain, chain).calls_left
    for expected in range(left, -1, -1):
        assert remaining(stage.chain, chain).calls_left == expected
        redemption = Redemption(context=chain, executions=(Execution(target=SHOP),))
        assert execute(stage.chain, redemption).verdict.allowed == (expected > 0)


def test_the_words_read_are_those_the_getter_of_a_wrapped_caveat_gives():
    stage = set_stage()
    inner = ERC20TransferAmount(token=stage.token, max_amount=100)
    link = grant([LogicalOrWrapper(groups=((inner.to_caveat(),),)).to_caveat()])
    args = LogicalOrWrapper.encode_args(0, [b""])
    assert execute(stage.chain, single(link, transfer(stage.token, 30), args)).verdict.allowed
    (entry,) = remaining(stage.chain, link).caveats
    wrapper = LogicalOrWrapper.ADDRESS
    official = ask_getter(stage, type(inner), "spentMap(address,bytes32)", [wrapper, bytes(link.hash)], ["uint256"])
    assert (entry.used, entry.left, official) == (30, 70, (30,))
    assert inner.state_slot(StateKey(wrapper, link.hash, ALICE)) != inner.state_slot(
        StateKey(stage.chain.manager, link.hash, AGENT)
    )
