"""The hooks a class declares are those in which its code does something: asked with junk, which they alone refuse."""

from __future__ import annotations

import itertools

import pytest

from caveats import ENFORCERS, RETIRED_ENFORCERS, Execution
from caveats.attempt import Attempt
from caveats.types import Address
from delegations.framework.reverts import decode_revert
from tests.enforcers.agreement import ANYBODY, TOKEN, declared, quiet_chain
from tests.enforcers.hooks import HOOK_SELECTORS, hook_call_data

WITH_CODE = [cls for cls in (*ENFORCERS, *RETIRED_ENFORCERS) if quiet_chain().world.code(cls.ADDRESS)]
UNDECLARED = [(cls, hook) for cls in WITH_CODE for hook in HOOK_SELECTORS if hook not in cls.HOOKS]
DECLARED = [(cls, hook) for cls in WITH_CODE for hook in cls.HOOKS]
STRANGER = Address(b"\x5a" * 20)
# too short for any terms, and longer than any with an odd end; where any length is read, they allow nothing
JUNK = (b"\xff" * 7, bytes(32) + b"\xff" * 225)


def try_junk(junk, *, is_batch, is_try=False):
    """Return an attempt that no junk could mean, with other junk for its args."""
    made = (Execution(target=TOKEN, value=2**255, call_data=b"\xee" * 5),)
    return Attempt(made, is_batch=is_batch, is_try=is_try, delegator=ANYBODY, redeemer=ANYBODY, args=b"\xdd" + junk)


def call(cls, hook, junk, attempt, sender=None):
    chain = quiet_chain()
    return chain.call(cls.ADDRESS, hook_call_data(hook, junk, attempt), sender=sender or chain.manager)


def test_every_enforcer_of_the_release_has_code_here():
    assert [cls.__name__ for cls in ENFORCERS if cls not in WITH_CODE] == []
    assert len(ENFORCERS) == 37


@pytest.mark.parametrize(("cls", "hook"), DECLARED, ids=[f"{cls.__name__}-{hook}" for cls, hook in DECLARED])
def test_a_declared_hook_refuses_malformed_terms(cls, hook):
    for junk in JUNK:
        attempt = try_junk(junk, is_batch="single" not in cls.CALL_TYPES)
        outcome = call(cls, hook, junk, attempt)
        assert not outcome.success, f"{len(junk)} bytes of junk passed {hook}"
        assert decode_revert(outcome.output).onchain in declared(cls) | {""}


@pytest.mark.parametrize(("cls", "hook"), UNDECLARED, ids=[f"{cls.__name__}-{hook}" for cls, hook in UNDECLARED])
def test_an_undeclared_hook_passes_anything_and_changes_nothing(cls, hook):
    ways = itertools.product((b"", *JUNK), (False, True), (False, True), (None, STRANGER))
    for junk, is_batch, is_try, sender in ways:
        outcome = call(cls, hook, junk, try_junk(junk, is_batch=is_batch, is_try=is_try), sender)
        assert (outcome.success, outcome.output, outcome.logs) == (True, b"", ())
        assert not outcome.diff.storage
