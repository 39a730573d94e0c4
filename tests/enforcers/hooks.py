"""Calls one hook of an enforcer directly on the official bytecode: a hundred times cheaper than a redemption.

The call comes from the delegation manager's address and nothing is kept, so every call finds the enforcer unused.
"""

from __future__ import annotations

from caveats.abi import WORD, encode_address, encode_bytes, encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import EnforcerTerms, Hook
from caveats.execution import encode_execution_batch, encode_packed_execution
from caveats.types import Address
from delegations.evm import LocalChain
from delegations.framework.reverts import decode_revert

HOOK_SELECTORS: dict[Hook, bytes] = {
    "before_all": bytes.fromhex("414c3e33"),
    "before": bytes.fromhex("a145832a"),
    "after": bytes.fromhex("d3eddcc5"),
    "after_all": bytes.fromhex("ed463367"),
}
SOME_HASH = bytes(31) + b"\x07"
_STATIC_HEAD = 7 * WORD


def hook_call_data(
    hook: Hook, terms: bytes, attempt: Attempt, *, delegation_hash: bytes = SOME_HASH, blob: bytes | None = None
) -> bytes:
    """Return the calldata of a hook; `blob` replaces the encoded executions."""
    if blob is None:
        blob = (
            encode_execution_batch(attempt.executions)
            if attempt.is_batch
            else encode_packed_execution(attempt.execution)
        )
    tails = [encode_bytes(part) for part in (terms, attempt.args, blob)]
    at = [_STATIC_HEAD, _STATIC_HEAD + len(tails[0]), _STATIC_HEAD + len(tails[0]) + len(tails[1])]
    head = [
        encode_uint(at[0]),
        encode_uint(at[1]),
        bytes([attempt.is_batch, attempt.is_try]) + bytes(30),
        encode_uint(at[2]),
        delegation_hash,
        encode_address(attempt.delegator),
        encode_address(attempt.redeemer),
    ]
    return HOOK_SELECTORS[hook] + b"".join(head) + b"".join(tails)


def call_hook(
    chain: LocalChain,
    enforcer: Address,
    terms: bytes,
    attempt: Attempt,
    *,
    hook: Hook = "before",
    sender: Address | None = None,
    delegation_hash: bytes = SOME_HASH,
    blob: bytes | None = None,
) -> str | None:
    """Return the reason the hook reverts with ("" for none given, the error's name for a custom error or a panic),
    or None when it passes. Time and block are the attempt's."""
    chain.timestamp, chain.block_number = attempt.timestamp, attempt.block_number
    data = hook_call_data(hook, terms, attempt, delegation_hash=delegation_hash, blob=blob)
    outcome = chain.call(enforcer, data, sender=chain.manager if sender is None else sender)
    if outcome.success:
        return None
    reason = decode_revert(outcome.output)
    return reason.reason or reason.name


def ask(chain: LocalChain, cls: type[EnforcerTerms], terms: bytes, attempt: Attempt) -> str | None:
    """Return the answer of the enforcer's last hook to these terms: the one in which it decides."""
    return call_hook(chain, cls.ADDRESS, terms, attempt, hook=cls.HOOKS[-1])
