"""The stand-in for the current specific action, at its limits and held against the retired official contract."""

from __future__ import annotations

import pytest

from caveats import Execution, SpecificActionERC20TransferBatch
from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.execution import encode_execution_batch
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatchV1
from caveats.types import MAX_UINT256, Address, format_hex, keccak
from delegations.evm import LocalChain
from delegations.framework.reverts import decode_revert
from delegations.redemption import redeem
from delegations.simulation import execute
from tests.enforcers.agreement import Asked, Sweep, check, full_names, quiet_chain, refusal_of, seeded, spoil
from tests.enforcers.harness import ALICE, SHOP, check_steps, grant, set_stage, transfer
from tests.enforcers.hooks import HOOK_SELECTORS, SOME_HASH, call_hook, hook_call_data

STRANGER = Address(b"\x5a" * 20)
TRY, TYPE = "CaveatEnforcer:invalid-execution-type", "CaveatEnforcer:invalid-call-type"
PING = keccak(b"ping(uint256)")[:4] + encode_uint(5)
TOKEN, OTHER, FIRST = (Address(bytes([n]) * 20) for n in (0x11, 0x22, 0x33))
OLD, NEW = SpecificActionERC20TransferBatchV1, SpecificActionERC20TransferBatch
BOTH = (OLD, NEW)


def action(cls=NEW, *, token=TOKEN, first=FIRST, **changes):
    values = {"token": token, "recipient": OTHER, "amount": 7, "first_target": first, "first_call_data": PING}
    return cls.unchecked(**{**values, **changes})


def raw_answer(chain, cls, attempt, *, terms=None, blob=None, sender=None):
    """Return whether the hook passes, and every byte it answers."""
    encoded = action(cls).encode_terms() if terms is None else terms
    data = hook_call_data("before", encoded, attempt, blob=blob)
    outcome = chain.call(cls.ADDRESS, data, sender=chain.manager if sender is None else sender)
    return outcome.success, outcome.output


def ping_with(**changes):
    """Return the first call of the batch, changed."""
    return lambda stage: Execution(**{"target": stage.target, "value": 3, "call_data": PING, **changes})


def pay(amount, **changes):
    return lambda stage: transfer(stage.token, amount, **changes)


def batch(*calls, is_try=False):
    return lambda stage: Attempt(tuple(call(stage) for call in calls), is_batch=True, is_try=is_try)


def test_one_batch_passes_once_with_its_value():
    first, wrong_first, wrong_second = (
        ping_with(),
        *(NEW.revert_of(f"invalid-{n}-transaction") for n in ("first", "second")),
    )
    check_steps(
        lambda s: action(token=s.token, first=s.target, recipient=SHOP, first_value_wei=3),
        [
            (lambda s: Attempt((first(s),)), TYPE),
            (batch(first, pay(7), is_try=True), TRY),
            (batch(first), NEW.revert_of("invalid-batch-size")),
            (batch(first, pay(7), pay(7)), NEW.revert_of("invalid-batch-size")),
            (batch(ping_with(value=2), pay(7)), wrong_first),
            (batch(ping_with(value=4), pay(7)), wrong_first),
            (batch(ping_with(target=STRANGER), pay(7)), wrong_first),
            (batch(ping_with(call_data=PING + b"\0"), pay(7)), wrong_first),
            (batch(first, pay(8)), wrong_second),
            (batch(first, pay(6)), wrong_second),
            (batch(first, pay(7, value=1)), wrong_second),
            (batch(first, pay(7, to=ALICE)), wrong_second),
            (batch(first, pay(7)), None),
            (batch(first, pay(7)), NEW.revert_of("delegation-already-used")),
        ],
    )


def test_the_use_is_told_and_stands_where_the_class_says():
    stage = set_stage()
    terms = action(token=stage.token, first=stage.target)
    delegation = grant([terms.to_caveat()])
    slot = terms.state_slot(StateKey(stage.chain.manager, delegation.hash, ALICE))
    assert stage.chain.world.storage(NEW.ADDRESS, slot) == 0
    verdict = execute(stage.chain, redeem(delegation, terms.executions())).verdict
    assert stage.chain.world.storage(NEW.ADDRESS, slot) == 1
    (event,) = verdict.effects.enforcer_events
    assert (event.contract, event.event) == (NEW.ENFORCER, "DelegationExecuted")
    assert event.values == {
        "delegationManager": format_hex(stage.chain.manager),
        "delegationHash": format_hex(delegation.hash),
        "delegator": format_hex(ALICE),
    }


def test_another_delegation_with_the_same_terms_is_not_used():
    stage = set_stage()
    terms = action(token=stage.token, first=stage.target)
    for salt in (1, 2):
        assert execute(stage.chain, redeem(grant([terms.to_caveat()], salt=salt), terms.executions())).verdict


def test_terms_of_every_length_are_read_or_refused_as_by_the_class():
    terms = action(first_call_data=b"").encode_terms()
    attempt = Attempt(action(first_call_data=b"").executions(), is_batch=True)
    for length in range(len(terms) + 40):
        cut = terms[:length].ljust(length, b"\0")
        told = call_hook(quiet_chain(), NEW.ADDRESS, cut, attempt)
        refused = refusal_of(NEW, cut)
        assert (refused is None) == (length >= 124)
        if refused is None:
            assert told == NEW.decode_terms(cut).denies(attempt)
        else:
            assert told == refused


@pytest.mark.parametrize("cls", BOTH)
def test_one_use_alone_passes_on_the_official_and_on_the_stand_in(cls):
    chain = LocalChain(1)
    attempt = Attempt(action(cls).executions(), is_batch=True)
    data = hook_call_data("before", action(cls).encode_terms(), attempt)
    assert chain.send(chain.manager, cls.ADDRESS, data).success
    used = cls.revert_of("delegation-already-used")
    assert call_hook(chain, cls.ADDRESS, b"", attempt, blob=b"") == used, "before batch and terms are read"
    assert call_hook(chain, cls.ADDRESS, action(cls).encode_terms(), attempt, sender=STRANGER) is None
    slot = action(cls).state_slot(StateKey(chain.manager, SOME_HASH, ALICE))
    assert chain.world.storage(cls.ADDRESS, slot) == 1


def varied_batches(random):
    """Yield batches near the one that passes: each call whole or spoilt, one more or less of them."""
    good = action(OLD).executions()
    changes = (
        lambda e: e,
        lambda e: e.model_copy(update={"target": random.choice((TOKEN, OTHER, FIRST))}),
        lambda e: e.model_copy(update={"value": random.choice((0, 1, MAX_UINT256))}),
        lambda e: e.model_copy(update={"call_data": spoil(random, e.call_data)}),
    )
    for _ in range(300):
        batch = tuple(random.choice(changes[: random.choice((1, 4))])(call) for call in good)
        size = random.choice((2, 2, 2, 2, 0, 1, 3))
        yield (batch + good[:1])[:size]


def ask_varied_batches():
    random = seeded()
    for executions in varied_batches(random):
        is_batch, is_try = random.random() < 0.6 or len(executions) != 1, random.random() < 0.05
        attempt = Attempt(executions, is_batch=is_batch, is_try=is_try)
        official, mine = (raw_answer(quiet_chain(), cls, attempt) for cls in BOTH)
        judged = {cls: action(cls).denies(attempt) for cls in BOTH}
        agrees = mine == official and judged[OLD] == judged[NEW] and (judged[NEW] is None) == mine[0]
        told = call_hook(quiet_chain(), NEW.ADDRESS, action(NEW).encode_terms(), attempt)
        yield Asked(str(executions), told, judged[NEW], agrees and told == judged[NEW])


VARIED = Sweep(NEW, ask_varied_batches)


def test_the_stand_in_answers_every_batch_byte_for_byte_as_the_official_one():
    assert set(check(VARIED)) == full_names(NEW, *NEW.REVERTS[1:4])


def mangle(random, blob):
    """Return the blob with a word replaced, a bit flipped, bytes taken out or added."""
    bad = bytearray(blob)
    how = random.randrange(5)
    if how == 0:
        return bytes(bad[: random.randrange(len(bad) + 1)])
    if how == 1:
        return bytes(bad) + bytes(random.randrange(70))
    if how == 2:
        at = random.randrange(len(bad))
        del bad[at : at + random.choice((1, 32))]
    elif how == 3:
        bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
    else:
        at = 32 * random.randrange(len(bad) // 32)
        word = int.from_bytes(bad[at : at + 32], "big")
        near = (word - 32, word - 1, word + 1, word + 32, word ^ 1 << 200)
        ends = (0, 1, 31, 32, 33, 64, 96, 128, 160, len(blob), 2**59, 2**64 - 1, 2**64, 2**160, 2**251, MAX_UINT256)
        bad[at : at + 32] = encode_uint(random.choice((*near, *ends)) % 2**256)
    return bytes(bad)


def ask_malformed_batches():
    random = seeded()
    blob = encode_execution_batch(action(OLD).executions())
    attempt = Attempt(action(OLD).executions(), is_batch=True)
    for _ in range(1_500):
        bad = mangle(random, blob)
        official, mine = (raw_answer(quiet_chain(), cls, attempt, blob=bad) for cls in BOTH)
        told, other = (None if passed else decode_revert(said).onchain for passed, said in (mine, official))
        yield Asked(bad.hex(), told, other, mine == official)


MALFORMED = Sweep(NEW, ask_malformed_batches)
SWEEPS = [VARIED, MALFORMED]


def test_malformed_batches_are_refused_byte_for_byte_as_by_the_official_one():
    # a target with bits above the address reverts without data; padding or order that changes nothing passes
    assert set(check(MALFORMED)) == {None, "", "DecodingError()", *map(NEW.revert_of, NEW.REVERTS[1:4])}


def test_a_recipient_with_bits_above_the_address_passes_on_both():
    good = action(OLD).executions()
    dirty = good[1].call_data[:4] + b"\xff" * 12 + good[1].call_data[16:]
    attempt = Attempt((good[0], good[1].model_copy(update={"call_data": dirty})), is_batch=True)
    assert raw_answer(quiet_chain(), OLD, attempt) == raw_answer(quiet_chain(), NEW, attempt) == (True, b"")
    assert action(NEW).denies(attempt) is None


@pytest.mark.parametrize("at", [5, 6], ids=["delegator", "redeemer"])
def test_arguments_that_are_no_addresses_are_refused_as_by_the_official_one(at):
    attempt = Attempt(action(OLD).executions(), is_batch=True)
    told = []
    for cls in BOTH:
        data = bytearray(hook_call_data("before", action(cls).encode_terms(), attempt))
        data[4 + 32 * at] = 1
        outcome = quiet_chain().call(cls.ADDRESS, bytes(data), sender=quiet_chain().manager)
        told.append((outcome.success, outcome.output))
    assert told == [(False, b"")] * 2


@pytest.mark.parametrize("cls", BOTH, ids=lambda cls: cls.__name__)
def test_hooks_that_are_not_its_own_do_nothing(cls):
    chain, attempt = quiet_chain(), Attempt((Execution(target=SHOP),), is_try=True)
    for hook in HOOK_SELECTORS:
        if hook not in cls.HOOKS:
            outcome = chain.call(cls.ADDRESS, hook_call_data(hook, b"", attempt))
            assert (outcome.success, outcome.output, outcome.logs) == (True, b"", ())
            assert not outcome.diff.storage
