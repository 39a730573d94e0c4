"""Receipts of what leaves no transaction of its own: a denial before the deed, a grant, an escalation, a revocation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import rfc8785

from caveats.errors import EncodingError, VerificationError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.delegation import Delegation, recover_delegation_signer, verify_chain
from delegations.evm.chain import LocalChain
from delegations.receipts.build import (
    Notes,
    claims_of_lineage,
    denial_of,
    lengths_of,
    lineage_of,
    noted,
    request_of,
)
from delegations.receipts.model import (
    SCHEMA,
    EscalationReceipt,
    GrantReceipt,
    RedemptionReceipt,
    RevocationReceipt,
)
from delegations.receipts.model_parts import (
    Actor,
    BlockRef,
    Escalation,
    Granted,
    Network,
    Provenance,
    ReceiptOutcome,
    Revocation,
    Subject,
)
from delegations.redemption import Redemption, encode_redeem_delegations
from delegations.simulation.simulate import default_redeemer
from delegations.simulation.verdict import Verdict


def hash_proposal(proposal: object) -> str:
    """Return the SHA-256 by which a receipt names the agent's proposal, as 64 hex digits.

    Args:
        proposal: bytes as they are, text as UTF-8, or a JSON value (a tool call, a plan) in its RFC 8785 form.

    Raises:
        EncodingError: a value that RFC 8785 has no form for, such as a whole number past 2^53-1.
    """
    if isinstance(proposal, bytes):
        data = proposal
    else:
        try:
            data = proposal.encode() if isinstance(proposal, str) else rfc8785.dumps(proposal)  # type: ignore[arg-type]  # rfc8785 checks the value itself
        except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
            raise EncodingError(f"proposal: {error}", hint="write large numbers as text") from error
    return hashlib.sha256(data).hexdigest()


def make_preflight_receipts(
    chain: LocalChain,
    redemptions: Redemption | Sequence[Redemption],
    verdict: Verdict,
    *,
    redeemer: Address | None = None,
    network: Network = "local",
    prev: str | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> tuple[RedemptionReceipt, ...]:
    """Return one receipt per redemption of a call that was tried, denied, and not sent.

    Args:
        chain: the chain it was tried on, as it was then.
        redemptions: what was tried.
        verdict: what `simulate` returned for it.
        redeemer: who would have called; the leaf's delegate by default.
        network: "live" when the chain holds the state of a live one.
        prev: hash of the redeemer's previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into each.

    Raises:
        EncodingError: the verdict allows it, or the authority was not what said no: neither is a denial.
    """
    asked = (redemptions,) if isinstance(redemptions, Redemption) else tuple(redemptions)
    denial = verdict.denial
    if denial is None or not denial.is_policy:
        got = "an allowed one" if denial is None else f"a failure at stage {denial.stage}"
        raise EncodingError.of("verdict", expected="a denial by the authority", got=got)
    caller = redeemer if redeemer is not None else default_redeemer(asked)
    digest = Bytes32(keccak(encode_redeem_delegations(asked)))
    receipts = []
    for entry, redemption in enumerate(asked):
        receipt = RedemptionReceipt(
            schema_=SCHEMA,
            kind="denial",
            subject=Subject(
                chain=f"eip155:{chain.chain_id}",
                manager=chain.manager,
                calldata_hash=digest,
                entry=entry,
                block=BlockRef(number=chain.block.number, timestamp=chain.block.timestamp),
                network=network,
                phase="preflight",
            ),
            lineage=lineage_of(redemption.context, registry),
            actor=Actor(redeemer=caller, submitter=caller),
            request=request_of(redemption),
            outcome=ReceiptOutcome(
                status="denied",
                gas_used=verdict.gas_used,
                denial=denial_of(denial, lengths_of(asked)),
                warnings=verdict.warnings or None,
            ),
            claims={
                "subject": "attested",
                "lineage": "reexecuted",
                "actor": "attested",
                "request": "attested",
                "outcome": "reexecuted",
            },
            prev=prev,
            **noted(notes),
        )
        receipts.append(receipt)
        prev = receipt.hash
    return tuple(receipts)


def make_grant_receipt(
    context: Delegation | Sequence[Delegation],
    *,
    chain_id: int,
    manager: Address,
    signer: Address | None = None,
    scheme: Literal["ecdsa", "erc1271", "erc6492"] = "ecdsa",
    prev: str | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> GrantReceipt:
    """Return the receipt of a signed delegation; who signed is recovered, and compared.

    Args:
        context: the delegation, or its chain from the leaf, which is what was granted.
        chain_id: the chain it was signed for.
        manager: the manager it was signed for.
        signer: whose key signed; the delegator's own by default, the owner's for a contract account.
        scheme: other than "ecdsa" when only the account's contract can tell; then the signature is attested.
        prev: hash of the principal's previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into it.

    Raises:
        VerificationError: another key signed, the signature is malformed, or the chain does not hold together.
        EncodingError: no delegation, no signature, or a signer where only a contract can tell.
    """
    links = (context,) if isinstance(context, Delegation) else tuple(context)
    if not links:
        raise EncodingError("context: expected the delegation that was granted, got none")
    leaf = links[0]
    if not leaf.signature:
        raise EncodingError("delegation: not signed, so nothing was granted", hint="sign it first")
    verify_chain(links)
    recovered = None
    if scheme == "ecdsa":
        expected = leaf.delegator if signer is None else signer
        recovered = recover_delegation_signer(leaf, chain_id=chain_id, manager=manager)
        if recovered != expected:
            raise VerificationError(
                f"signature: expected the key of {expected}, got that of {recovered}",
                onchain="InvalidEOASignature()",
                hint="check the chain id and the manager; for a contract account name its owner as signer",
            )
    elif signer is not None:
        raise EncodingError(f"signer: with {scheme} only the account's contract can tell", hint="leave it out")
    lineage = lineage_of(links, registry)
    return GrantReceipt(
        schema_=SCHEMA,
        kind="grant",
        lineage=lineage,
        granted=Granted(
            chain=f"eip155:{chain_id}",
            manager=manager,
            delegation=leaf.hash,
            principal=leaf.delegator,
            signature=leaf.signature,
            scheme=scheme,
            signer=recovered,
        ),
        claims={**claims_of_lineage(lineage), **_claims_of_grant(recovered, leaf.delegator)},
        prev=prev,
        **noted(notes),
    )


def _claims_of_grant(recovered: Address | None, principal: Address) -> dict[str, Provenance]:
    """Return how a grant is known: that an owner may sign for a contract account only the contract can tell."""
    if recovered == principal:
        return {"granted": "reexecuted"}
    return {"granted": "attested"} if recovered is None else {"granted": "attested", "granted.signer": "reexecuted"}


def make_escalation_receipt(
    escalation: Escalation,
    *,
    chain_id: int,
    redemption: Redemption | None = None,
    redeemer: Address | None = None,
    prev: str | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> EscalationReceipt:
    """Return the receipt of a question to a person, and of the answer when there is one.

    All of it is attested: what a person decided off the chain is known from signatures on the receipt only.

    Args:
        escalation: what was asked, of whom, and what came of it.
        chain_id: the chain the ask is about.
        redemption: what the agent wanted to do, with the authority that did not suffice.
        redeemer: the agent; the leaf's delegate by default.
        prev: hash of the agent's previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into it.
    """
    asked = None if redemption is None else request_of(redemption)
    caller = default_redeemer((redemption,)) if redeemer is None and redemption is not None else redeemer
    lineage = () if redemption is None else lineage_of(redemption.context, registry)
    claims: dict[str, Provenance] = {**claims_of_lineage(lineage), "escalation": "attested"}
    if asked is not None:
        claims["request"] = "attested"
    if caller is not None:
        claims["actor"] = "attested"
    return EscalationReceipt(
        schema_=SCHEMA,
        kind="escalation",
        chain=f"eip155:{chain_id}",
        lineage=lineage,
        escalation=escalation,
        actor=None if caller is None else Actor(redeemer=caller, submitter=caller),
        request=asked,
        claims=claims,
        prev=prev,
        **noted(notes),
    )


def make_revocation_receipt(
    revocation: Revocation,
    context: Delegation | Sequence[Delegation] = (),
    *,
    standing: Provenance = "attested",
    prev: str | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> RevocationReceipt:
    """Return the receipt of an authority that was taken back.

    Args:
        revocation: which delegation ended, how, and where that can be seen.
        context: the delegation, or its chain from the leaf, which is what ended; empty when its content is not known.
        standing: how the revocation is known: "proven" only with a proof among the evidence.
        prev: hash of the previous receipt of who revoked, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into it.

    Raises:
        EncodingError: the context is of another delegation.
    """
    links = (context,) if isinstance(context, Delegation) else tuple(context)
    lineage = lineage_of(links, registry)
    return RevocationReceipt(
        schema_=SCHEMA,
        kind="revocation",
        lineage=lineage,
        revocation=revocation,
        claims={**claims_of_lineage(lineage), "revocation": standing},
        prev=prev,
        **noted(notes),
    )
