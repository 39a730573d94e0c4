"""What receipts are made of: value types of one spelling, and the parts that several kinds share."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

from caveats.errors import abbreviate
from caveats.types import Address, Bytes32, HexBytes, Listed, Model, Uint256, format_hex
from delegations.simulation.verdict import HookName, Stage

Provenance = Literal["proven", "reexecuted", "traced", "attested"]
"""How a fact is known: recomputed from proven bytes, found by executing again, read from a trace, or only said."""
Network = Literal["local", "live"]

_MAX_COUNT = 2**53 - 1


def _form(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _text_like(pattern: str, expected: str) -> AfterValidator:
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(f"expected {expected}, got {abbreviate(value)}")
        return value

    return AfterValidator(check)


def _count(value: int) -> int:
    if not 0 <= value <= _MAX_COUNT:
        raise ValueError(f"expected a whole number from 0 to 2^53-1, got {value}")
    return value


def _prose(value: str) -> str:
    if not value:
        raise ValueError("expected some text, got none")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"expected text that UTF-8 can hold, got {abbreviate(value)}") from None
    return value


LowerAddress = Annotated[
    Address, PlainSerializer(format_hex, return_type=str, when_used="json"), _form("0x[0-9a-f]{40}")
]
"""An address in lower-case hex: one spelling, so that equal receipts have equal bytes."""
Hash32 = Annotated[Bytes32, _form("0x[0-9a-f]{64}")]
"""32 bytes in lower-case hex."""
Data = Annotated[HexBytes, _form("0x([0-9a-f]{2})*")]
"""Bytes of any length in lower-case hex."""
Amount = Annotated[Uint256, _form("(0|[1-9][0-9]{0,77})")]
"""An integer from 0 to 2^256-1 as decimal text."""
Count = Annotated[int, AfterValidator(_count), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": _MAX_COUNT})]
"""A place or a number of things: a JSON number, which every reader holds exactly."""
ChainName = Annotated[
    str,
    _text_like(r"eip155:[1-9][0-9]{0,19}", "a CAIP-2 identifier such as eip155:1"),
    _form("eip155:[1-9][0-9]{0,19}"),
]
Sha256 = Annotated[str, _text_like(r"[0-9a-f]{64}", "64 lower-case hex digits"), _form("[0-9a-f]{64}")]
Prose = Annotated[str, AfterValidator(_prose), WithJsonSchema({"type": "string", "minLength": 1})]
"""Words for people; nothing is concluded from them."""
Identity = Annotated[
    str,
    _text_like(r"[!-~]{1,256}", "1 to 256 visible ASCII characters, such as a CAIP-10 account, a DID or a key id"),
    _form("[!-~]{1,256}"),
]
"""Who somebody is outside the chain, in one word."""


class BlockRef(Model):
    """The block something happened in; `hash` is there on a live chain."""

    number: Amount
    timestamp: Amount
    hash: Hash32 | None = None


class Subject(Model):
    """Which call the receipt is about.

    Attributes:
        chain: CAIP-2 identifier, such as "eip155:1".
        manager: the delegation manager that was called.
        calldata_hash: keccak256 of the whole redeemDelegations calldata.
        entry: index of the redemption in that call.
        block: where it ran; before the deed, the block it was tried on.
        network: "local" for an in-memory chain: nothing here happened on a live one.
        phase: "preflight" when it was tried and never sent; absent for what was done.
        transaction: hash of the transaction.
        transaction_index: its place in the block.
        log_index: place in the block of the first RedeemedDelegation log; a self-authorised call has none.
        call_path: where in the call tree the manager was called; empty for the transaction itself.
        finality: how settled the block was when the receipt was made.
    """

    chain: ChainName
    manager: LowerAddress
    calldata_hash: Hash32
    entry: Count
    block: BlockRef
    network: Network
    phase: Literal["preflight"] | None = None
    transaction: Hash32 | None = None
    transaction_index: Count | None = None
    log_index: Count | None = None
    call_path: Listed[Count] | None = None
    finality: Literal["latest", "safe", "finalized"] | None = None


class ReceiptCaveat(Model):
    """One caveat with what it says. `says` is prose for people; terms are what binds."""

    enforcer: LowerAddress
    name: str
    terms: Data
    args: Data
    says: str


class Link(Model):
    """One delegation of the lineage; depth 0 is the root."""

    depth: Count
    hash: Hash32
    delegator: LowerAddress
    delegate: LowerAddress
    authority: Hash32
    salt: Amount
    caveats: Listed[ReceiptCaveat]


class Actor(Model):
    """Who acted: the redeemer called the manager, the submitter sent the transaction.

    Attributes:
        via: contracts between the submitter and the manager, outermost first, such as an entry point.
    """

    redeemer: LowerAddress
    submitter: LowerAddress
    via: Listed[LowerAddress] | None = None


class ReceiptExecution(Model):
    """One call that was asked for."""

    target: LowerAddress
    value: Amount
    call_data: Data


class Request(Model):
    """What was asked."""

    mode: Hash32
    executions: Listed[ReceiptExecution]


class ReceiptMovement(Model):
    """Value that moved; `token` is absent for the native token, `token_id` but for an ERC-721."""

    sender: LowerAddress
    recipient: LowerAddress
    token: LowerAddress | None = None
    amount: Amount
    token_id: Amount | None = None


class ReceiptEvent(Model):
    """An enforcer's event: its counter after the call."""

    enforcer: LowerAddress
    contract: str
    event: str
    values: dict[str, str]


class ReceiptDenial(Model):
    """Who said no: depth counts from the root, as in the lineage."""

    stage: Stage
    entry: Count | None = None
    depth: Count | None = None
    delegation: Hash32 | None = None
    caveat: Count | None = None
    enforcer: LowerAddress | None = None
    enforcer_name: str | None = None
    hook: HookName | None = None
    execution: Count | None = None
    reason: str
    explanation: str
    revert_data: Data


class ReceiptOutcome(Model):
    """What came of it.

    Attributes:
        gas_used: of the whole transaction; absent where the engine that tried it does not tell.
        warnings: what keeps this from being the deployed contracts' own word, one sentence each, such as a stand-in
            that ran in their place; absent when nothing does.
    """

    status: Literal["executed", "partially_executed", "denied", "failed"]
    gas_used: Amount | None = None
    movements: Listed[ReceiptMovement] = ()
    enforcer_events: Listed[ReceiptEvent] = ()
    failed_executions: Listed[Count] = ()
    denial: ReceiptDenial | None = None
    warnings: Listed[Prose] | None = None


class Label(Model):
    """A name from outside the chain. Nobody but whoever made the receipt vouches for it."""

    address: LowerAddress
    role: Literal["principal", "agent", "sub-agent", "approver", "counterparty", "contract"]
    name: Prose


class Answers(Model):
    """The agent's proposal a deed answers to: its hash, and of what kind it was."""

    proposal: Sha256
    kind: Literal["plan", "tool_call", "message"]


class Evidence(Model):
    """A file that supports what is claimed, known by its SHA-256; `uri` is a hint where it may lie."""

    type: Identity
    sha256: Sha256
    uri: Identity | None = None


class Escalation(Model):
    """What was asked of a person beyond the authority at hand, and what came of it.

    Attributes:
        asks: what is asked for, in words.
        approver: whose decision it is.
        decision: "expired" when nobody decided in time.
        asked_at: unix seconds, as `decided_at` and `expires_at`.
        decided_at: there exactly when somebody decided.
        expires_at: until when the ask, or what was approved, stands.
        denial: hash of the denial receipt that led here.
        grant: hash of the delegation that came of it; only when approved.
    """

    asks: Listed[Prose]
    approver: Identity
    decision: Literal["pending", "approved", "rejected", "expired"]
    asked_at: Amount
    expires_at: Amount
    decided_at: Amount | None = None
    denial: Sha256 | None = None
    grant: Hash32 | None = None


class Revocation(Model):
    """Which authority ended, and how.

    Attributes:
        delegation: hash of the delegation; the code change of an account ends all it granted.
        how: "disabled" by the manager's disableDelegation, "nonce" by a higher nonce in the NonceEnforcer, "code" by
            another EIP-7702 delegate of the account, or none.
        by: the account that ended it: the delegator.
        nonce: the account's nonce since then; only for "nonce".
        code: the contract the account runs since then, the zero address for none; only for "code".
        transaction: its hash; absent on a local chain without one.
        log_index: of the DisabledDelegation or nonce log.
    """

    chain: ChainName
    manager: LowerAddress
    network: Network
    delegation: Hash32
    how: Literal["disabled", "nonce", "code"]
    by: LowerAddress
    block: BlockRef
    nonce: Amount | None = None
    code: LowerAddress | None = None
    transaction: Hash32 | None = None
    log_index: Count | None = None


class Granted(Model):
    """The delegation that was signed.

    Attributes:
        delegation: its hash, that of the last link of the lineage.
        principal: the account whose authority it is: the delegator.
        signature: of the delegation, for this chain and manager.
        signer: whose key signed: recovered from an "ecdsa" signature, never taken from anybody's word.
        scheme: "ecdsa" for the key of the principal or its owner; a contract's own word is "erc1271", "erc6492".
    """

    chain: ChainName
    manager: LowerAddress
    delegation: Hash32
    principal: LowerAddress
    signature: Data
    scheme: Literal["ecdsa", "erc1271", "erc6492"]
    signer: LowerAddress | None = None
