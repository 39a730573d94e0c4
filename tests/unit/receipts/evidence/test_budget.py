"""What a stranger's bundle may cost: counted, so that it is refused before it is done."""

from __future__ import annotations

import pytest

from caveats.caveat import Caveat
from caveats.errors import EncodingError
from caveats.types import Address
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.metered import FRAME_WORK, PRECOMPILE_WORK, MeteredEngine
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.world import World
from delegations.receipts.evidence import Budget, EvidenceError
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Meter
from delegations.receipts.evidence.replay import replay_denial, run_again
from delegations.receipts.evidence.verify import verify
from delegations.redemption import redeem
from tests.receipts_corpus import accounts
from tests.unit.receipts.evidence.denials import DENIALS, OF_ONES_OWN
from tests.unit.receipts.evidence.staged import Staged, above_the_allowance, chain, grant, pay, stage
from tests.unit.receipts.evidence.test_replay_signature import granted_by
from tests.unit.receipts.evidence.worst import PRECOMPILES, blake2f, pairings, run_precompile

SENDER = Address(b"\x01" * 20)
BLOCK = BlockEnv(chain_id=1, number=1, timestamp=1)
BLAKE2F, PAIRING = 9, 8
# calls blake2f with 500 rounds, then says no
_COSTS_A_LITTLE = bytes.fromhex("6101f460e01b5f52600160d4535f5f60d55f60095afa505f5ffd")


def spent(place: int, data: bytes, budget: int = DEFAULT_BUDGET.work, gas: int = 2**24) -> int:
    """Units of work of calling a precompile."""
    meter, world = Meter(budget), World()
    MeteredEngine(meter).execute(world, BLOCK, Transaction(SENDER, Address(place.to_bytes(20, "big")), data, gas=gas))
    return meter.work - meter.left


def test_a_precompile_is_counted_by_what_it_takes_here() -> None:
    assert spent(BLAKE2F, blake2f(7)) == FRAME_WORK + 7 * PRECOMPILE_WORK[bytes(19) + b"\x09"]


@pytest.mark.parametrize(
    "name", [name for name, (place, _) in PRECOMPILES.items() if place not in (8, 9, 0xC, 0xE, 0xF)]
)
def test_every_input_that_is_measured_is_one_the_precompile_takes(name: str) -> None:
    units, _ = run_precompile(*PRECOMPILES[name])
    assert units > 0


@pytest.mark.parametrize(
    ("place", "data"), [(BLAKE2F, blake2f(16_000_000)), (PAIRING, pairings(60))], ids=["blake2f", "pairing"]
)
def test_what_would_take_minutes_is_refused_before_it_is_computed(place: int, data: bytes) -> None:
    """No clock is asked: a machine that computed it would not end within the time a test has."""
    with pytest.raises(EvidenceError, match="units of work") as caught:
        spent(place, data)
    assert caught.value.reason == "replay-over-budget"


def test_what_there_is_no_gas_for_is_not_counted() -> None:
    assert spent(BLAKE2F, blake2f(16_000_000), gas=100_000) == FRAME_WORK


def test_every_call_is_counted() -> None:
    world, target = World(), Address(b"\x02" * 20)
    world.set_code(target, bytes.fromhex("5f5f5f5f5f335af1" * 3 + "00"))
    meter = Meter(10 * FRAME_WORK)
    MeteredEngine(meter).execute(world, BLOCK, Transaction(SENDER, target))
    assert meter.work - meter.left == 4 * FRAME_WORK
    with pytest.raises(EvidenceError):
        MeteredEngine(Meter(4 * FRAME_WORK - 1)).execute(world, BLOCK, Transaction(SENDER, target))


def test_one_budget_is_for_all_that_an_engine_runs() -> None:
    engine = Budget(work=2 * FRAME_WORK).engine()
    for _ in range(2):
        engine.execute(World(), BLOCK, Transaction(SENDER, SENDER))
    with pytest.raises(EvidenceError):
        engine.execute(World(), BLOCK, Transaction(SENDER, SENDER))


@pytest.mark.parametrize("name", ["above the allowance", "in the middle of a chain", "the second of two"])
def test_a_metered_engine_does_what_the_other_does(name: str) -> None:
    staged = DENIALS[name]()
    call = Transaction(staged.receipt.actor.redeemer, staged.receipt.subject.manager, staged.call_data)
    world, block = staged.chain.world, staged.chain.block
    assert MeteredEngine(Meter(10**9)).execute(world, block, call) == PyEvmEngine().execute(world, block, call)


# in the verifier's hands


def expensive() -> Staged:
    """A denial by an enforcer of one's own that has a precompile compute before it says no."""
    local = chain()
    local.world.set_code(OF_ONES_OWN, _COSTS_A_LITTLE)
    return stage(local, redeem(grant([Caveat(enforcer=OF_ONES_OWN, terms=b"\x01")]), pay(1)))


def test_a_denial_that_costs_more_than_its_verifier_gives_is_refused() -> None:
    staged = expensive()
    verify(staged.receipt, staged.bundle, staged.node.header.hash)
    enough = 500 * PRECOMPILE_WORK[bytes(19) + b"\x09"] + 100 * FRAME_WORK
    replay_denial(staged.receipt, staged.open(), budget=Budget(work=enough))
    with pytest.raises(EvidenceError) as caught:
        verify(staged.receipt, staged.bundle, staged.node.header.hash, budget=Budget(work=enough // 4))
    assert (caught.value.reason, caught.value.path) == ("replay-over-budget", "witness")


def test_a_contracts_word_that_costs_more_is_refused() -> None:
    granted = granted_by(accounts.owned())
    trusted = granted.node.header.hash
    verify(granted.receipt, granted.bundle, trusted)
    with pytest.raises(EvidenceError) as caught:
        verify(granted.receipt, granted.bundle, trusted, budget=Budget(work=FRAME_WORK))
    assert caught.value.reason == "replay-over-budget"


def test_no_evidence_is_collected_that_no_verifier_would_take() -> None:
    staged = above_the_allowance()
    call = Transaction(staged.receipt.actor.redeemer, staged.receipt.subject.manager, staged.call_data)
    with pytest.raises(EvidenceError) as caught:
        run_again(staged.chain.world, staged.chain.block, call, None, budget=Budget(work=1))  # type: ignore[arg-type]  # is not read
    assert caught.value.reason == "replay-over-budget"


@pytest.mark.parametrize("name", ["transactions", "gas", "work"])
def test_a_budget_is_not_below_nothing(name: str) -> None:
    Budget(**{name: 0})
    with pytest.raises(EncodingError, match=f"budget.{name}"):
        Budget(**{name: -1})
