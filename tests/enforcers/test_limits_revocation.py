"""Windows of blocks, nonces, ids and redeemers just inside and just outside, on the official bytecode."""

from __future__ import annotations

import pytest

from caveats import BlockNumber, Execution, Id, Nonce, Redeemer
from caveats.abi import encode_address
from caveats.attempt import Attempt, StateKey
from caveats.types import keccak
from delegations.delegation import hash_delegation
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_BLOCK, attempt_on, check_steps, grant, said, set_stage

EXEC = "CaveatEnforcer:invalid-execution-type"
INCREMENT = keccak(b"incrementNonce(address)")[:4]
ONCE = Attempt((Execution(target=SHOP),), redeemer=AGENT)


def block(number, **mode):
    return lambda stage: Attempt((Execution(target=SHOP),), block_number=number, **mode)


def use(**mode):
    return lambda stage: Attempt((Execution(target=SHOP),), redeemer=AGENT, block_number=START_BLOCK, **mode)


CASES = [
    (
        "a window of one block: only that block passes",
        lambda s: BlockNumber(after_block=2_000, before_block=2_002),
        [
            (block(2_000), "BlockNumberEnforcer:early-delegation"),
            (block(2_001), None),
            (block(2_001, is_batch=True), None),
            (block(2_001, is_try=True), EXEC),
            (block(2_002), "BlockNumberEnforcer:expired-delegation"),
        ],
    ),
    (
        "an open end",
        lambda s: BlockNumber(after_block=2_000),
        [(block(2_000), "BlockNumberEnforcer:early-delegation"), (block(2_001), None), (block(10**9), None)],
    ),
    (
        "an open beginning",
        lambda s: BlockNumber(before_block=2_000),
        [(block(1), None), (block(1_999), None), (block(2_000), "BlockNumberEnforcer:expired-delegation")],
    ),
    (
        "terms without any bound, as only old ones are, always pass",
        lambda s: BlockNumber.unchecked(after_block=0, before_block=0),
        [(block(1), None)],
    ),
    (
        "the agent is listed",
        lambda s: Redeemer(redeemers=(SHOP, AGENT)),
        [(use(), None), (use(is_batch=True), None), (use(is_try=True), EXEC)],
    ),
    (
        "the agent is not listed",
        lambda s: Redeemer(redeemers=(SHOP, ALICE)),
        [(use(), "RedeemerEnforcer:unauthorized-redeemer")],
    ),
    (
        "nonce 0 is the first",
        lambda s: Nonce(nonce=0),
        [(use(), None), (use(), None), (use(is_batch=True), None), (use(is_try=True), EXEC)],
    ),
    ("a nonce of the future", lambda s: Nonce(nonce=1), [(use(), "NonceEnforcer:invalid-nonce")]),
    (
        "an id is used once, in whatever mode",
        lambda s: Id(id=2**256 - 1),
        [
            (use(is_try=True), EXEC),
            (use(is_batch=True), None),
            (use(), "IdEnforcer:id-already-used"),
            (use(is_batch=True), "IdEnforcer:id-already-used"),
        ],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    check_steps(make, steps)


def raise_nonce(stage):
    data = INCREMENT + encode_address(stage.chain.manager)
    assert stage.chain.send(ALICE, Nonce.ADDRESS, data).success


def test_an_increment_ends_the_old_nonce_and_opens_the_next():
    stage = set_stage()
    old, new = grant([Nonce(nonce=0).to_caveat()]), grant([Nonce(nonce=1).to_caveat()])
    assert said(attempt_on(stage.chain, old, ONCE)) is None
    raise_nonce(stage)
    assert said(attempt_on(stage.chain, old, ONCE)) == "NonceEnforcer:invalid-nonce"
    assert said(attempt_on(stage.chain, new, ONCE)) is None


def test_the_nonce_stands_in_the_slot_the_class_names():
    stage = set_stage()
    key = StateKey(stage.chain.manager, bytes(32), ALICE)
    slot = Nonce(nonce=0).state_slot(key)
    assert stage.chain.world.storage(Nonce.ADDRESS, slot) == 0
    raise_nonce(stage)
    raise_nonce(stage)
    assert stage.chain.world.storage(Nonce.ADDRESS, slot) == 2


def test_one_id_ends_every_delegation_of_the_delegator_that_carries_it():
    stage = set_stage()
    terms = Id(id=77)
    first, second = grant([terms.to_caveat()], salt=1), grant([terms.to_caveat()], salt=2)
    other = grant([Id(id=78).to_caveat()])
    assert said(attempt_on(stage.chain, first, ONCE)) is None
    assert said(attempt_on(stage.chain, second, ONCE)) == "IdEnforcer:id-already-used"
    assert said(attempt_on(stage.chain, other, ONCE)) is None


@pytest.mark.parametrize("number", [0, 1, 255, 256, 2**256 - 1])
def test_the_used_id_is_a_bit_of_the_word_the_class_names(number):
    stage = set_stage()
    terms = Id(id=number)
    delegation = grant([terms.to_caveat()])
    key = StateKey(stage.chain.manager, hash_delegation(delegation), ALICE)
    slot = terms.state_slot(key)
    assert not terms.is_used(stage.chain.world.storage(Id.ADDRESS, slot))
    assert said(attempt_on(stage.chain, delegation, ONCE)) is None
    word = stage.chain.world.storage(Id.ADDRESS, slot)
    assert word == 1 << (number & 255)
    assert terms.is_used(word)
    assert not Id(id=number ^ 1).is_used(word)
