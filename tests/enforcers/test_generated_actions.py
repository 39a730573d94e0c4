"""Generated terms and attempts: single actions, ownership, revocation and deployment judge as their bytecode does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

import pytest

from caveats import Bytes32, Execution
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.targets.approval_revocation import (
    APPROVE,
    PERMIT2,
    PERMIT2_APPROVE,
    PERMIT2_INVALIDATE_NONCES,
    PERMIT2_LOCKDOWN,
    SET_APPROVAL_FOR_ALL,
    ApprovalRevocation,
)
from caveats.targets.deployed import Deployed
from caveats.targets.ownership_transfer import TRANSFER_OWNERSHIP, OwnershipTransfer
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatchV1
from caveats.types import Address
from delegations.evm import LocalChain
from tests.enforcers.agreement import (
    ANYBODY,
    NOW,
    OTHER,
    TOKEN,
    Asked,
    Case,
    Sweep,
    check,
    cut,
    drawn,
    full_names,
    near,
    refusal_of,
    single,
    spoil,
    transfer_data,
)
from tests.enforcers.hooks import ask

CASES = 600


def answering(word: int) -> bytes:
    """Return code that answers every call with one word."""
    return b"\x7f" + encode_uint(word) + bytes.fromhex("5f5260205ff3")


def specific_actions(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        amount = random.choice((0, 1, 10**18))
        terms = SpecificActionERC20TransferBatchV1.unchecked(
            token=TOKEN,
            recipient=ANYBODY,
            amount=amount,
            first_target=OTHER,
            first_call_data=random.choice((b"", b"\x12\x34\x56\x78", b"\xff" * 40)),
        )
        calls = list(terms.executions())
        at = random.randrange(len(calls))
        for name, value in (
            ("target", random.choice((TOKEN, OTHER, ANYBODY))),
            ("value", near(random, 0)),
            ("call_data", random.choice((spoil(random, calls[at].call_data), transfer_data(near(random, amount))))),
        ):
            if random.random() < 0.2:
                calls[at] = calls[at].model_copy(update={name: value})
        if random.random() < 0.15:
            calls = random.choice(([], calls[:1], [*calls, calls[0]]))
        is_batch = random.random() > 0.03 or not calls
        attempt = Attempt(tuple(calls), is_batch=is_batch, is_try=random.random() < 0.03, timestamp=NOW)
        yield terms.encode_terms(), attempt


def ownership_transfers(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        data = TRANSFER_OWNERSHIP + random.choice((encode_address(ANYBODY), bytes(32), b"\xff" * 32))
        execution = Execution(
            target=random.choice((TOKEN, TOKEN, TOKEN, OTHER)),
            value=random.choice((0, 1)),
            call_data=spoil(random, data) if random.random() < 0.3 else data,
        )
        yield OwnershipTransfer(target=TOKEN).encode_terms(), single(random, execution)


def revocations(random: Random) -> Iterator[Case]:
    for _ in range(4 * CASES):
        spender = random.choice((encode_address(ANYBODY), b"\xff" * 12 + ANYBODY, bytes(32), b"\xff" * 12 + bytes(20)))
        number = encode_uint(random.choice((0, 0, 0, 1, 2, 2**160)))
        selector, data, target = random.choice(
            (
                (APPROVE, spender + number, TOKEN),
                (APPROVE, spender + number, TOKEN),
                (SET_APPROVAL_FOR_ALL, spender + number, TOKEN),
                (PERMIT2_APPROVE, spender * 2 + number + encode_uint(random.choice((0, 0, 1, 2**48))), PERMIT2),
                (PERMIT2_LOCKDOWN, random.choice((b"", spender)), PERMIT2),
                (PERMIT2_INVALIDATE_NONCES, random.choice((b"", spender)), PERMIT2),
                (b"\0\0\0\0", spender + number, TOKEN),
            )
        )
        call_data = selector + data
        execution = Execution(
            target=OTHER if random.random() < 0.1 else target,
            value=1 if random.random() < 0.05 else 0,
            call_data=spoil(random, call_data) if random.random() < 0.1 else call_data,
        )
        yield bytes([random.choice((0x3F, random.randrange(1, 0x40)))]), single(random, execution)


def deployments(random: Random) -> Iterator[Case]:
    init_codes = [bytes.fromhex(code) for code in ("60015f5260205ff3", "00", "fe", "5f5ffd", "ef")]
    for _ in range(CASES):
        salt, init_code = Bytes32(encode_uint(random.randrange(3))), random.choice(init_codes)
        where = random.choice((Deployed.compute_address(salt, init_code),) * 3 + (TOKEN, OTHER))
        terms = Deployed.unchecked(expected_address=where, salt=salt, init_code=init_code).encode_terms()
        is_batch, is_try = random.random() < 0.3, random.random() < 0.05
        yield terms, Attempt((Execution(target=OTHER),), is_batch=is_batch, is_try=is_try, timestamp=NOW)


def approved_chain(approved: int) -> LocalChain:
    chain = LocalChain(1)
    for token in (TOKEN, OTHER):
        chain.world.set_code(token, answering(approved))
    return chain


def chain_with_code() -> LocalChain:
    chain = LocalChain(1)
    chain.world.set_code(OTHER, b"\0")
    return chain


def ask_masks() -> Iterator[Asked]:
    chain = approved_chain(1)
    # an ERC-20 approval set to zero passes exactly where its bit is set
    attempt = Attempt((Execution(target=TOKEN, call_data=APPROVE + encode_address(ANYBODY) + bytes(32)),))
    for mask in range(256):
        terms = bytes([mask])
        refused = refusal_of(ApprovalRevocation, terms)
        judged = ApprovalRevocation.decode_terms(terms).denies(attempt) if refused is None else refused
        told = ask(chain, ApprovalRevocation, terms, attempt)
        yield Asked(terms.hex(), told, judged, told == judged)


SPECIFIC = drawn(SpecificActionERC20TransferBatchV1, specific_actions)
OWNERS = drawn(OwnershipTransfer, ownership_transfers)
NOTHING_TO_REVOKE = ApprovalRevocation.revert_of("no-approval-to-revoke")
REVOCATIONS = [
    drawn(ApprovalRevocation, revocations, state_decides=(NOTHING_TO_REVOKE,), chain=partial(approved_chain, approved))
    for approved in (0, 1)
]
BY_STATE = (
    "DeployedEmptyContract(address)",
    "Create2FailedDeployment()",
    Deployed.revert_of("deployed-address-mismatch"),
)
DEPLOYMENTS = drawn(Deployed, deployments, state_decides=BY_STATE, chain=chain_with_code)
MASKS = Sweep(ApprovalRevocation, ask_masks)


def test_the_retired_specific_action_answers_as_its_class_and_every_answer_occurs():
    assert set(check(SPECIFIC)) == full_names(SPECIFIC.cls, *SPECIFIC.cls.REVERTS[1:4])


def test_the_ownership_transfer_answers_as_its_class_and_every_answer_occurs():
    assert set(check(OWNERS)) == full_names(OwnershipTransfer, *OwnershipTransfer.REVERTS[1:])


@pytest.mark.parametrize("approved", [0, 1])
def test_the_approval_revocation_answers_as_its_class_and_every_answer_occurs(approved):
    cls = ApprovalRevocation
    by_terms = {"invalid-terms-length", "no-methods-allowed", "invalid-terms", "no-approval-to-revoke"}
    expected = full_names(cls, *(reason for reason in cls.REVERTS if reason not in by_terms))
    assert set(check(REVOCATIONS[approved])) == (expected if approved else expected | {NOTHING_TO_REVOKE})


def test_the_deployment_denies_by_state_alone():
    assert set(check(DEPLOYMENTS)) == {None, *BY_STATE, "CaveatEnforcer:invalid-execution-type"}


def test_every_mask_is_read_or_refused_as_on_chain():
    assert len(check(MASKS)) > 2


def test_every_mask_that_is_read_is_written_again():
    read = [terms for terms in (bytes([n]) for n in range(256)) if refusal_of(ApprovalRevocation, terms) is None]
    assert [ApprovalRevocation.decode_terms(terms).encode_terms() for terms in read] == read


ACTION = SpecificActionERC20TransferBatchV1.unchecked(
    token=TOKEN, recipient=ANYBODY, amount=5, first_target=OTHER, first_call_data=b""
)
OWNERSHIP = Attempt((Execution(target=TOKEN, call_data=TRANSFER_OWNERSHIP + bytes(32)),))
LENGTHS = [
    cut(cls, terms, attempt, range(160))
    for cls, terms, attempt in (
        (SpecificActionERC20TransferBatchV1, ACTION.encode_terms(), Attempt(ACTION.executions(), is_batch=True)),
        (OwnershipTransfer, bytes(TOKEN), OWNERSHIP),
        (ApprovalRevocation, b"\x20", Attempt((Execution(target=PERMIT2, call_data=PERMIT2_INVALIDATE_NONCES),))),
        (Deployed, Address(bytes(19) + b"\x01") + bytes(32) + b"\0", Attempt((Execution(target=OTHER),))),
    )
]
SWEEPS = [SPECIFIC, OWNERS, *REVOCATIONS, DEPLOYMENTS, MASKS, *LENGTHS]


@pytest.mark.parametrize("sweep", LENGTHS, ids=[sweep.cls.__name__ for sweep in LENGTHS])
def test_terms_of_every_length_are_read_or_refused_as_on_chain(sweep):
    assert len(check(sweep)) > 1
