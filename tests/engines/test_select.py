"""auto answers with whoever can; both answers only where two agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caveats import Execution, LimitedCalls
from caveats.errors import EngineError, TransportError, UnsupportedError
from delegations.evm import AutoEngine, BothEngine, Capability, DisagreementError, World, make_engine
from delegations.evm.anvil import AnvilEngine
from delegations.evm.engine import BlockEnv, FullEngine, Log, Transaction, as_engine
from delegations.evm.world import AccountState, StateDiff
from delegations.redemption import redeem
from delegations.simulation import simulate
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, ALICE, SHOP, grant, set_stage
from tests.engines.fakes import Liar

BLOCK = BlockEnv(chain_id=1, number=1, timestamp=1)
PAY = Transaction(ALICE, SHOP, value=1, gas=21_000)
GAS = frozenset({Capability.GAS})


def rich() -> World:
    return World({bytes(ALICE): AccountState(10)})


class Broken(FullEngine):
    """An engine that cannot be asked, or says it cannot."""

    def __init__(self, error: EngineError | UnsupportedError) -> None:
        super().__init__(Liar())
        self.error = error
        self.asked = 0

    def execute(self, *_args, **_kwargs):
        self.asked += 1
        raise self.error

    execute_many = execute


@pytest.mark.parametrize("error", [TransportError("away"), UnsupportedError("cannot")])
def test_auto_asks_the_next_when_one_cannot_answer(error):
    broken = Broken(error)
    auto = AutoEngine([broken, make_engine("pyevm")])
    assert auto.execute(rich(), BLOCK, PAY).success
    assert auto.execute_many(rich(), BLOCK, [PAY])[0].success
    assert broken.asked == 2
    with pytest.raises(type(error)):
        AutoEngine([broken]).execute(rich(), BLOCK, PAY)


def test_auto_does_not_paper_over_an_engine_that_is_at_fault():
    with pytest.raises(EngineError, match="broken"):
        AutoEngine([Broken(EngineError("broken")), make_engine("pyevm")]).execute(rich(), BLOCK, PAY)


def test_auto_is_anvil_first_and_pyevm_for_what_anvil_cannot():
    auto = make_engine("auto")
    assert [engine.name for engine in auto.engines] == ["anvil", "pyevm"]
    assert auto.execute(rich(), replace(BLOCK, timestamp=2**64), PAY).success
    assert Capability.EMBEDDED not in auto.capabilities


def test_auto_without_anvil_is_pyevm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    auto = make_engine("auto")
    assert [engine.name for engine in auto.engines] == ["pyevm"]
    assert Capability.EMBEDDED in auto.capabilities
    assert auto.execute(rich(), BLOCK, PAY).success


def test_by_name_one_anvil_serves_all():
    assert make_engine("anvil") is make_engine("anvil")
    assert isinstance(make_engine("anvil"), AnvilEngine)


LIES = {
    "gas_used": lambda o: o.gas_used + 1,
    "output": lambda o: b"\x01",
    "success": lambda o: not o.success,
    "logs": lambda o: (Log(ALICE, (), b""),),
    "error": lambda o: "revert",
    "diff": lambda o: StateDiff({}, {(bytes(SHOP), 1): 1}),
    "frame[0].value": lambda o: replace(o.frame, value=2),
    "frame[0].error": lambda o: replace(o.frame, error="halt"),
    "frame[0] calls": lambda o: replace(o.frame, children=(o.frame,)),
    "created": lambda o: SHOP,
}


@pytest.mark.parametrize("part", LIES)
@pytest.mark.parametrize("liar_first", [False, True])
def test_both_raises_on_any_difference_and_names_it(part, liar_first):
    honest, liar = make_engine("pyevm"), as_engine(Liar(**{part.partition("[")[0].partition(" ")[0]: LIES[part]}))
    assert BothEngine(honest, honest).execute(rich(), BLOCK, PAY).success
    both = BothEngine(liar, honest) if liar_first else BothEngine(honest, liar)
    with pytest.raises(
        DisagreementError, match=r"the engines differ in .*liar says .*neither answer is used"
    ) as caught:
        both.execute(rich(), BLOCK, PAY)
    assert caught.value.part == part
    assert set(caught.value.answers) == {"pyevm", "liar"}


def test_both_names_the_one_of_many():
    both = BothEngine(make_engine("pyevm"), as_engine(Liar(gas_used=lambda o: o.gas_used + (o.gas_used > 21_000))))
    costly = replace(PAY, data=b"x", gas=30_000)
    with pytest.raises(DisagreementError, match="transaction 1, gas_used"):
        both.execute_many(rich(), BLOCK, [PAY, costly])


def test_both_compares_only_what_is_needed():
    both = BothEngine(make_engine("pyevm"), as_engine(Liar(gas_used=lambda o: 1)))
    assert both.execute(rich(), BLOCK, PAY, needs=frozenset()).success
    with pytest.raises(DisagreementError):
        both.execute(rich(), BLOCK, PAY, needs=GAS)


def test_a_disagreement_is_no_verdict():
    stage = set_stage()
    redemption = redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP))
    stage.chain.engine = make_engine("both")
    assert simulate(stage.chain, redemption).allowed
    stage.chain.engine = BothEngine(make_engine("pyevm"), as_engine(Liar(success=lambda o: False)))
    with pytest.raises(DisagreementError):
        simulate(stage.chain, redemption)


def test_a_redemption_by_both_tells_all_parts():
    stage = set_stage()
    redemption = redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP, value=1))
    outcome = make_engine("both").execute(
        stage.chain.world, stage.chain.block, redeem_transaction(stage.chain, [redemption], AGENT)
    )
    assert len(outcome.logs) == 2
    assert outcome.diff.storage
