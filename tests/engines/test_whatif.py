"""What if: another time, another state, others before; sequences; thousands at once."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from caveats import ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount, Timestamp
from caveats.attempt import StateKey
from caveats.errors import EncodingError, EngineError, ExecutionError, TransportError
from delegations.delegation import ANY_DELEGATE, create_delegation
from delegations.evm import make_engine
from delegations.evm.engine import ANSWERS, FullEngine
from delegations.redemption import redeem
from delegations.simulation import Candidate, Verdict, simulate, simulate_many, simulate_sequence, what_if
from delegations.simulation.workers import fork_map
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_AT, START_BLOCK, grant, set_stage, transfer

LIMIT = "LimitedCallsEnforcer:limit-exceeded"


@pytest.fixture(params=["pyevm", "anvil"])
def stage(request):
    stage = set_stage()
    stage.chain.engine = make_engine(request.param)
    return stage


def send(value: int, *terms):
    caveats = terms or (LimitedCalls(limit=1),)
    return redeem(grant([term.to_caveat() for term in caveats]), Execution(target=SHOP, value=value))


def test_another_time_and_block(stage):
    asked = send(1, Timestamp(after_at=START_AT + 10, before_at=START_AT + 20))
    assert not simulate(stage.chain, asked).allowed
    assert simulate(what_if(stage.chain, at=START_AT + 15), asked).allowed
    assert not simulate(what_if(stage.chain, at=START_AT + 20), asked).allowed
    assert what_if(stage.chain, block=7).block_number == 7
    assert (stage.chain.timestamp, stage.chain.block_number) == (START_AT, START_BLOCK)


def test_balances_code_and_storage(stage):
    asked = send(10**20)
    assert simulate(stage.chain, asked).allowed
    assert not simulate(what_if(stage.chain, balances={ALICE: 10**20 - 1}), asked).allowed
    assert not simulate(what_if(stage.chain, code={ALICE: b""}), asked).allowed
    key = StateKey(stage.chain.manager, asked.leaf.hash, ALICE)
    used = {LimitedCalls.ADDRESS: {LimitedCalls(limit=1).state_slot(key): 1}}
    assert simulate(what_if(stage.chain, storage=used), asked).denial.reason == LIMIT
    assert what_if(stage.chain, nonces={AGENT: 4}).world.nonce(AGENT) == 4
    assert simulate(stage.chain, asked).allowed


def test_after_other_redemptions(stage):
    cap = ERC20TransferAmount(token=stage.token, max_amount=10)
    delegation = grant([cap.to_caveat()])
    first, second = (redeem(delegation, transfer(stage.token, amount)) for amount in (6, 5))
    assert simulate(stage.chain, second).allowed
    later = what_if(stage.chain, after=[first])
    assert simulate(later, second).denial.reason == "ERC20TransferAmountEnforcer:allowance-exceeded"
    assert later.block_number == START_BLOCK + 1
    assert stage.chain.balance(SHOP, stage.token) == 0
    with pytest.raises(ExecutionError, match=r"after: redemption 1 would be denied \(ERC20TransferAmountEnforcer:all"):
        what_if(stage.chain, after=[first, Candidate(second)])


def test_what_if_can_be_asked_again_of_its_answer(stage):
    asked = send(1, Timestamp(after_at=START_AT + 10, before_at=START_AT + 20), LimitedCalls(limit=1))
    used = what_if(what_if(stage.chain, at=START_AT + 11), after=[asked])
    assert simulate(used, asked).denial.reason == LIMIT
    assert simulate(what_if(used, at=START_AT + 30), asked).denial.reason.startswith("TimestampEnforcer")


@pytest.mark.parametrize(
    "wrong", [{"at": -1}, {"block": 2**256}, {"balances": {ALICE: -1}}, {"storage": {ALICE: {0: 2**256}}}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(EncodingError, match="whole number"):
        what_if(set_stage().chain, **wrong)


def test_a_sequence_carries_its_state_and_keeps_nothing(stage):
    asked = send(1, LimitedCalls(limit=2))
    before = stage.chain.to_json()
    verdicts = simulate_sequence(stage.chain, [asked, Candidate(asked, gas=10**6), asked, asked])
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, False]
    assert verdicts[2].denial.reason == LIMIT
    assert stage.chain.to_json() == before


def candidates(count: int) -> list[Candidate]:
    delegation = grant([NativeTokenTransferAmount(max_amount_wei=count // 2).to_caveat()])
    return [Candidate(redeem(delegation, Execution(target=SHOP, value=value))) for value in range(count)]


def test_many_keep_their_order_and_do_not_see_each_other(stage):
    sweep = simulate_many(stage.chain, candidates(40))
    assert [verdict.allowed for verdict in sweep.verdicts()] == [True] * 21 + [False] * 19
    assert list(sweep) == [simulate(stage.chain, candidate.redemption) for candidate in candidates(40)], (
        "one by one they are the same"
    )
    assert len(sweep) == 40
    assert sweep[3:5] == sweep.answers[3:5]


@pytest.mark.parametrize("workers", [1, 2, 3, None])
def test_one_without_a_verdict_does_not_lose_the_others(stage, workers):
    asked = candidates(40)
    unsigned = create_delegation(delegator=ALICE, delegate=ANY_DELEGATE, caveats=[LimitedCalls(limit=1)])
    asked[5] = Candidate(redeem(unsigned, Execution(target=SHOP)))
    asked[6] = replace(asked[6], gas=21_000)
    asked[7] = replace(asked[7], redeemer=SHOP)
    sweep = simulate_many(stage.chain, asked, workers=workers)
    assert [type(answer) for answer in sweep[4:8]] == [Verdict, EncodingError, ExecutionError, Verdict]
    assert "say who redeems" in str(sweep[5])
    assert sweep[7].denial.reason == "InvalidDelegate()"
    assert all(isinstance(answer, Verdict) for answer in sweep[8:])
    with pytest.raises(EncodingError, match="say who redeems"):
        sweep.verdicts()


def test_the_work_is_shared_by_forked_processes_and_the_note_says_when_not(monkeypatch):
    chain = set_stage().chain
    shared = simulate_many(chain, candidates(40), workers=2)
    assert (shared.workers, shared.note) == (2, "")
    alone = simulate_many(chain, candidates(40), workers=1)
    assert (alone.workers, alone.note) == (1, "one worker was asked for")
    assert alone.answers == shared.answers
    assert simulate_many(chain, candidates(4), workers=2).note == "too few candidates or cores to share the work"
    monkeypatch.delattr(os, "fork")
    elsewhere = simulate_many(chain, candidates(40), workers=2)
    assert (elsewhere.workers, elsewhere.note) == (1, "this platform cannot fork a process, so the work is not shared")
    assert elsewhere.answers == shared.answers


def test_engines_elsewhere_are_asked_in_batches():
    chain = set_stage().chain
    ours = simulate_many(chain, candidates(250), workers=1)
    chain.engine = make_engine("anvil")
    theirs = simulate_many(chain, candidates(250))
    assert theirs.answers == ours.answers
    assert theirs.note == "engine anvil is asked in batches"


def test_no_candidates_no_verdicts(stage):
    assert simulate_many(stage.chain, []).verdicts() == ()


class Away(FullEngine):
    """An engine in another place that cannot be reached."""

    def execute_many(self, *_args, **_kwargs):
        raise TransportError("could not ask")


def test_an_engine_that_cannot_be_asked_gives_no_verdicts():
    chain = set_stage().chain
    chain.engine = Away(make_engine("pyevm"), capabilities=ANSWERS)
    sweep = simulate_many(chain, candidates(20))
    assert {type(answer) for answer in sweep} == {TransportError}
    with pytest.raises(TransportError):
        sweep.verdicts()


def test_a_worker_that_ends_early_leaves_errors_and_not_verdicts(monkeypatch, capfd):
    chain = set_stage().chain
    asked, parent = candidates(40), os.getpid()
    plain = chain.engine.plain

    class Dying:
        name = "dying"

        def execute(self, world, block, transaction):
            if os.getpid() != parent:
                raise MemoryError("no more")
            return plain.execute(world, block, transaction)

    chain.engine = FullEngine(Dying())
    sweep = simulate_many(chain, asked, workers=2)
    assert isinstance(sweep[0], Verdict)
    assert {type(answer) for answer in sweep[1:]} == {EngineError}
    assert "MemoryError" in capfd.readouterr().err


def test_a_forked_map_brings_back_large_results_in_order():
    results = fork_map(lambda index: bytes([index]) * 300_000, 20, workers=3)
    assert results == [bytes([index]) * 300_000 for index in range(20)]


def test_nothing_of_the_parent_runs_twice(tmp_path):
    marks = fork_map(lambda index: os.getpid(), 4, workers=2)
    assert len(set(marks)) == 2
    assert os.getpid() not in marks
    with pytest.raises(ChildProcessError):
        os.waitpid(marks[0], 0)
