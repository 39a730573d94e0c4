"""Verifies a receipt offline: from one block hash that the verifier trusts to a standing for each of its facts.

    block hash -> header -> transactions root -> transaction -> sender, calldata
                         -> receipts root     -> receipt     -> status, logs
                         -> state root        -> accounts    -> code, counters, flags at the END of the block
                                              -> witness     -> the call, run again

There is no network here, no clock and no randomness: the same three inputs give the same report.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveats.errors import EncodingError, VerificationError
from caveats.registry import EnforcerRegistry
from caveats.types import Bytes32
from delegations.delegation import recover_delegation_signer
from delegations.framework.deployments import Registry
from delegations.receipts.check import delegation_of, find_problems, lineage
from delegations.receipts.decode.model import DecodedRedemption
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget, refuse_over_budget
from delegations.receipts.evidence.bundle import EVIDENCE_TYPE, Bundle
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.limits import limits_of
from delegations.receipts.evidence.mined_redemption import (
    Mined,
    check_block,
    check_mined_redemption,
    read_included,
    shown_signatures,
)
from delegations.receipts.evidence.opened import OpenBundle, open_bundle
from delegations.receipts.evidence.other_kinds import check_grant, check_owner, check_revocation
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.report import Findings, Report, Signature, cover
from delegations.receipts.evidence.rerun import Reading, check_rerun
from delegations.receipts.evidence.state import (
    Words,
    executes_as_asked,
    manager_of,
    prove_state,
    state_facts,
)
from delegations.receipts.model import GrantReceipt, Receipt, RedemptionReceipt, RevocationReceipt
from delegations.receipts.model_parts import BlockRef
from delegations.receipts.words import reread


def verify(
    receipt: Receipt,
    bundle: Bundle | None = None,
    trusted_block_hash: bytes | None = None,
    *,
    registry: EnforcerRegistry | None = None,
    deployments: Registry | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> Report:
    """Return the report on a receipt that holds: nothing shown contradicts it, and every claim is established.

    Args:
        receipt: of any kind.
        bundle: its evidence; without it only what the receipt itself shows is established.
        trusted_block_hash: the trust root: a hash you know to be of a block of the receipt's chain, from a source of
            your own. The bundle's word for it is worth nothing.
        registry: reads enforcers of your own, as the issuer did.
        deployments: managers and enforcers beside the published ones.
        budget: the most that is run again, so that a stranger's bundle cannot keep this machine busy.

    Raises:
        EvidenceError: see its `reason`.
        EncodingError: a bundle without a block hash, or the other way round.
    """
    report = examine(receipt, bundle, trusted_block_hash, registry=registry, deployments=deployments, budget=budget)
    report.require()
    return report


def examine(
    receipt: Receipt,
    bundle: Bundle | None = None,
    trusted_block_hash: bytes | None = None,
    *,
    registry: EnforcerRegistry | None = None,
    deployments: Registry | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> Report:
    """Return the report on a receipt, also of one that does not hold: its `refusals` say why.

    Arguments as of `verify`. Raises EvidenceError where the bundle itself is not sound, or not this receipt's.
    """
    if (bundle is None) != (trusted_block_hash is None):
        raise EncodingError("verify: a bundle is checked against a block hash", hint="give both, or neither")
    findings = Findings(receipt)
    known = registry or EnforcerRegistry()
    told_hash = receipt.hash
    receipt, others = reread(receipt, known)
    for words_told in others:
        findings.leave_words(words_told)
    for problem in find_problems(receipt):
        findings.contradict(problem.path, problem.text)
    if isinstance(receipt, GrantReceipt) and not findings.refusals:
        check_grant(receipt, findings)
    opened = words = header = None
    shown: DecodedRedemption | None = None
    if bundle is not None and trusted_block_hash is not None and not findings.refusals:
        _refuse_other_address(receipt, bundle)
        opened = open_bundle(bundle, trusted_block_hash)
        header = opened.headers[0]
        words = prove_state(opened, receipt, registry)
        shown = _check(receipt, opened, words, findings, Reading(known, deployments, budget))
        opened.refuse_unused()
    _establish_lineage(receipt, findings)
    cover(findings, _paths(receipt), "nothing here shows it")
    findings.refuse_unestablished()
    state = () if words is None else tuple(state_facts(receipt, words, registry))
    return Report(
        receipt=told_hash,
        bundle=None if bundle is None else bundle.sha256,
        is_named=bool(_named(receipt)),
        block_hash=None if header is None else header.hash,
        block_number=None if header is None else header.number,
        findings=findings.listed(),
        state=state,
        signatures=tuple(_signatures(receipt, shown)),
        limits=tuple(limits_of(receipt, header, state, findings)),
        refusals=tuple(findings.refusals),
    )


def _establish_lineage(receipt: Receipt, findings: Findings) -> None:
    """Say of a lineage that nothing else shows what its hashes do: all but the args, which no hash covers."""
    if not lineage(receipt) or findings.refusals or findings.has("lineage"):
        return
    findings.establish("lineage", "reexecuted", "its hashes and links, computed again")
    for link in lineage(receipt):
        for place, caveat in enumerate(link.caveats):
            if caveat.args and not findings.has(f"lineage.{link.depth}"):
                findings.leave(
                    f"lineage.{link.depth}.caveats.{place}.args", "args are not signed, so no hash shows them"
                )


def _named(receipt: Receipt) -> list[str]:
    return [evidence.sha256 for evidence in receipt.evidence or () if evidence.type == EVIDENCE_TYPE]


def _refuse_other_address(receipt: Receipt, bundle: Bundle) -> None:
    named = _named(receipt)
    if named and bundle.sha256 not in named:
        raise EvidenceError(
            "address-mismatch", f"the receipt names {' or '.join(named)}, got {bundle.sha256}", path="evidence"
        )


def _check(
    receipt: Receipt,
    opened: OpenBundle,
    words: Words | None,
    findings: Findings,
    reading: Reading,
) -> DecodedRedemption | None:
    """Hold the receipt against its opened bundle; return the redemption as it was decoded again."""
    if isinstance(receipt, RedemptionReceipt) and receipt.subject.phase == "preflight":
        _check_tried(receipt, opened, findings, reading)
        return None
    if isinstance(receipt, RedemptionReceipt):
        return _check_redemption(receipt, opened, words, findings, reading)
    if isinstance(receipt, RevocationReceipt):
        block = receipt.revocation.block
        _refuse_witness(opened)
        mined = _mined(opened, receipt.revocation.transaction, findings, "revocation.block", block, reading)
        chain_id = int(receipt.revocation.chain[7:])
        decoded = mined.decode(chain_id, frozenset(), reading.registry, reading.deployments_for(mined, chain_id))
        check_revocation(receipt, mined, decoded, words, findings, reading.registry)
        _check_network(findings, "revocation.network", receipt.revocation.network)
        return None
    if not isinstance(receipt, GrantReceipt):
        raise EvidenceError("unasked-proof", "nothing on a chain tells of an escalation")
    if opened.bundle.transaction is not None:
        raise EvidenceError("unasked-proof", "this receipt is of no transaction", path="transaction")
    check_owner(receipt, words, findings)
    if receipt.granted.scheme == "erc1271" and opened.bundle.witness is not None:
        _check_word(receipt, opened, findings, reading)
    else:
        _refuse_witness(opened)
    return None


def _refuse_witness(opened: OpenBundle) -> None:
    if opened.bundle.witness is not None:
        raise EvidenceError("unasked-proof", "for this receipt there is nothing to run again", path="witness")


def _check_word(receipt: GrantReceipt, opened: OpenBundle, findings: Findings, reading: Reading) -> None:
    """Ask the principal's contract again for its word."""
    from delegations.receipts.evidence.replay_signature import replay_signature

    result = replay_signature(receipt, opened, budget=reading.budget)
    basis = f"the contract, asked again on the state at the end of block {result.block.number}"
    for path in ("signature", "chain", "manager", "scheme"):
        findings.establish(f"granted.{path}", "reexecuted", basis)


def _check_tried(receipt: RedemptionReceipt, opened: OpenBundle, findings: Findings, reading: Reading) -> None:
    """Run a denial before the deed again."""
    from delegations.receipts.evidence.replay import replay_denial

    if opened.bundle.transaction is not None:
        raise EvidenceError("unasked-proof", "what was never sent has no transaction", path="transaction")
    result = replay_denial(receipt, opened, registry=reading.registry, budget=reading.budget)
    for path in _paths(receipt):
        if path == "outcome.warnings":
            findings.leave(path, "what the issuer's own engine warned of")
        elif path.partition(".")[0] in result.established:
            basis = f"the call, run again on the state of block {opened.headers[0].number}"
            findings.establish(path, "reexecuted", basis)
        else:
            findings.leave(path, "the call was run again as if sent by it; nobody signs what is never sent")
    for words in result.words:
        findings.leave_words(words)


def _check_redemption(
    receipt: RedemptionReceipt,
    opened: OpenBundle,
    words: Words | None,
    findings: Findings,
    reading: Reading,
) -> DecodedRedemption | None:
    subject = receipt.subject
    chain_id = int(subject.chain[7:])
    mined = _mined(opened, subject.transaction, findings, "subject.block", subject.block, reading)
    accounts, is_rerun = executes_as_asked(words), opened.bundle.witness is not None
    decoded = mined.decode(chain_id, accounts, reading.registry, reading.deployments_for(mined, chain_id))
    _check_network(findings, "subject.network", subject.network)
    shown = check_mined_redemption(
        receipt, mined, decoded, findings, reading.registry, accounts=accounts, is_rerun=is_rerun
    )
    if is_rerun:
        check_rerun(receipt, opened, mined, findings, reading)
    return shown


def _check_network(findings: Findings, path: str, told: str) -> None:
    findings.compare(path, told, "live", "proven", "the block, whose hash is trusted")


def _mined(
    opened: OpenBundle,
    transaction: Bytes32 | None,
    findings: Findings,
    path: str,
    told: BlockRef,
    reading: Reading,
) -> Mined:
    included, proof = opened.included(), opened.bundle.transaction
    if included is None or proof is None or transaction is None:
        raise EvidenceError("missing-evidence", "nothing here proves the transaction", path="transaction")
    if told.hash != included.header.hash:
        raise EvidenceError(
            "wrong-block", f"the receipt is of block {told.hash}, the trusted one is {included.header.hash}", path=path
        )
    if proof.header:
        # the state is that of the trusted block, and says nothing of an older one's
        raise EvidenceError("wrong-block", "the transaction is not of the trusted block", path="transaction.header")
    check_block(findings, path, told, _block_ref(included.header))
    if opened.bundle.witness is None:
        return read_included(included, transaction)
    refuse_over_budget(included.place, reading.budget)
    return read_included(included, transaction, opened.included_before())


def _block_ref(header: Header) -> BlockRef:
    return BlockRef(number=header.number, timestamp=header.timestamp, hash=header.hash)


def _paths(receipt: Receipt) -> Iterator[str]:
    """Yield the facts of a receipt: every field of its parts, but for what is one fact as a whole."""
    for part in receipt.PARTS:
        value = getattr(receipt, part)
        if value is None:
            continue
        if part in ("lineage", "request", "escalation"):
            yield part
            continue
        for name in type(value).__pydantic_fields__:
            if getattr(value, name) is None:
                continue
            if name == "block":
                yield from (f"{part}.block.{field}" for field, held in value.block if held is not None)
            else:
                yield f"{part}.{name}"


def _signatures(receipt: Receipt, shown: DecodedRedemption | None) -> Iterator[Signature]:
    about = manager_of(receipt)
    if about is None:
        return
    manager, chain_id = about
    signed = [(delegator, digest, signature) for delegator, digest, signature in shown_signatures(shown)]
    links = {link.hash: link for link in lineage(receipt)}
    if isinstance(receipt, GrantReceipt):
        signed = [(receipt.granted.principal, receipt.granted.delegation, receipt.granted.signature)]
    for delegator, digest, signature in signed:
        if digest not in links:
            continue
        try:
            delegation = delegation_of(links[digest], signature)
            signer = recover_delegation_signer(delegation, chain_id=chain_id, manager=manager)
        except VerificationError:
            signer = None
        if signer == delegator:
            yield Signature(digest, "proven", f"by the key of {delegator}")
        else:
            yield Signature(digest, "attested", f"only the contract of {delegator} can tell whether it agrees")
