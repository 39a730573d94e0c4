"""Revocations and grants, held against what the chain shows of them."""

from __future__ import annotations

from typing import Final

from caveats.registry import EnforcerRegistry
from caveats.revocation.nonce import Nonce
from caveats.types import ZERO_ADDRESS, Address, Bytes32, keccak
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.receipts.build import lineage_of
from delegations.receipts.check import delegation_of
from delegations.receipts.decode.model import DecodedTransaction
from delegations.receipts.evidence.mined_redemption import Mined, check_chain, check_log_index
from delegations.receipts.evidence.opened import EMPTY_CODE_HASH
from delegations.receipts.evidence.report import Findings
from delegations.receipts.evidence.state import FRAMEWORK_CODE_HASH, Words
from delegations.receipts.model import GrantReceipt, RevocationReceipt
from delegations.simulation.replay import disabled_slot

_BY_LOGS: Final = "the logs of the transaction's receipt, in the block"
_BY_STATE: Final = "the state at the end of the block"
_BY_SIGNATURE: Final = "the signature, whose key was recovered again"


def check_revocation(
    receipt: RevocationReceipt,
    mined: Mined | None,
    decoded: DecodedTransaction | None,
    words: Words | None,
    findings: Findings,
    registry: EnforcerRegistry,
) -> None:
    """Compare a revocation with the log that tells of it and with the state after it."""
    ended = receipt.revocation
    if mined is not None:
        findings.establish("revocation.transaction", "proven", "the transaction, in the block")
        check_chain(findings, "revocation.chain", ended.chain, mined)
    if ended.how == "code":
        _check_code(receipt, mined, words, findings)
    elif mined is not None and decoded is not None:
        if ended.how == "disabled":
            _check_disabled(receipt, mined, decoded, findings, registry)
        else:
            _check_nonce(receipt, mined, decoded, findings)
    if words is not None and ended.how == "disabled":
        flag = words[bytes(ended.manager)][1][disabled_slot(ended.delegation).to_bytes(32, "big")]
        text = "still disabled" if flag else "enabled again"
        findings.establish("revocation.how", "proven", f"{_BY_LOGS}; at the end of the block it is {text}")


def _check_disabled(
    receipt: RevocationReceipt,
    mined: Mined,
    decoded: DecodedTransaction,
    findings: Findings,
    registry: EnforcerRegistry,
) -> None:
    ended = receipt.revocation
    told = [grant for grant in decoded.grants if (grant.manager, grant.hash) == (ended.manager, ended.delegation)]
    if all(grant.kind != "disabled" for grant in told):
        findings.contradict("revocation.delegation", f"no log of {ended.manager} tells that it was disabled")
        return
    event = told[-1]
    if event.kind != "disabled":
        findings.contradict("revocation.delegation", "the transaction enabled it again, so it has not ended")
        return
    for path in ("revocation.how", "revocation.manager", "revocation.delegation"):
        findings.establish(path, "proven", _BY_LOGS)
    findings.compare("revocation.by", ended.by, event.delegation.delegator, "proven", _BY_LOGS)
    if ended.log_index is not None:
        check_log_index(findings, "revocation.log_index", ended.log_index, event.log_index, mined)
    if receipt.lineage:
        shown = lineage_of((event.delegation.model,), registry)[0]
        leaf = receipt.lineage[-1].model_copy(update={"depth": 0})
        findings.compare(f"lineage.{len(receipt.lineage) - 1}", leaf, shown, "proven", _BY_LOGS)


def _check_nonce(receipt: RevocationReceipt, mined: Mined, decoded: DecodedTransaction, findings: Findings) -> None:
    ended = receipt.revocation
    # the enforcer logs the nonce that was used up
    bump = next(
        (b for b in decoded.nonces if (b.manager, b.delegator, b.nonce + 1) == (ended.manager, ended.by, ended.nonce)),
        None,
    )
    if bump is None:
        findings.contradict("revocation.nonce", f"no log of a NonceEnforcer tells that it was raised to {ended.nonce}")
        return
    for path in ("revocation.how", "revocation.manager", "revocation.by", "revocation.nonce"):
        findings.establish(path, "proven", _BY_LOGS)
    if ended.log_index is not None:
        check_log_index(findings, "revocation.log_index", ended.log_index, bump.log_index, mined)
    _check_bound(receipt, bump.enforcer, findings)


def _check_bound(receipt: RevocationReceipt, enforcer: Address, findings: Findings) -> None:
    """Say whether the raised nonce ended the delegation: it has to be bound to the one that was used up by it."""
    ended = receipt.revocation
    if not receipt.lineage:
        findings.leave("revocation.delegation", "its content is not shown, so neither is what it was bound to")
        return
    leaf = delegation_of(receipt.lineage[-1])
    bound = [Nonce.decode_terms(c.terms).nonce for c in leaf.caveats if c.enforcer == enforcer and len(c.terms) == 32]
    used = (ended.nonce or 0) - 1
    if used in bound:
        findings.establish("revocation.delegation", "proven", "its own caveat is bound to the nonce that was used up")
    elif any(nonce < used for nonce in bound):
        findings.leave("revocation.delegation", "its own caveat is bound to a nonce that was used up before")
    else:
        # one that is bound to a later nonce is yet to begin
        findings.contradict("revocation.delegation", f"no caveat binds it to the nonce {used}, which was used up")


def _check_code(receipt: RevocationReceipt, mined: Mined | None, words: Words | None, findings: Findings) -> None:
    ended = receipt.revocation
    if ended.code == EIP7702_STATELESS_DELEGATOR:
        findings.contradict("revocation.code", "that is the framework's own account, which honours what was granted")
        return
    if mined is not None and ended.code is not None:
        after = None if words is None else words[bytes(ended.by)][0].nonce
        if not any(
            (signer, code) == (ended.by, ended.code) and (after is None or nonce < after)
            for signer, code, nonce in mined.transaction.authorizations()
        ):
            findings.contradict("revocation.code", f"no authorization of {ended.by} in the transaction gives it")
            return
    if words is None or ended.code is None:
        return
    code = b"" if ended.code == ZERO_ADDRESS else EIP7702_PREFIX + ended.code
    expected = Bytes32(keccak(code)) if code else EMPTY_CODE_HASH
    shown = words[bytes(ended.by)][0].code_hash
    if shown == expected:
        for path in ("revocation.how", "revocation.by", "revocation.code"):
            findings.establish(path, "proven", f"the authorization in the transaction, and {_BY_STATE}")
    else:
        findings.contradict("revocation.code", f"expected code with the hash {expected}, got {shown}")


def check_grant(receipt: GrantReceipt, findings: Findings) -> None:
    """Say how the grant's signature is known. That it is the signer's was recovered again before."""
    granted = receipt.granted
    findings.establish("granted.delegation", "reexecuted", "its hash, computed again")
    findings.establish("granted.principal", "reexecuted", "the delegation itself")
    if granted.signer is not None and granted.signer != granted.principal:
        findings.establish("granted.signer", "reexecuted", _BY_SIGNATURE)
        for path in ("granted.signature", "granted.scheme", "granted.chain", "granted.manager"):
            findings.leave(path, "another key than the principal's signed; that it may sign for it nothing here shows")
        return
    if granted.signer is None:
        for path in ("granted.signature", "granted.chain", "granted.manager"):
            findings.leave(path, "only the account's contract can tell whether it agrees to this signature")
        return
    for path in ("granted.signature", "granted.signer", "granted.scheme", "granted.chain", "granted.manager"):
        findings.establish(path, "reexecuted", _BY_SIGNATURE)


def check_owner(receipt: GrantReceipt, words: Words | None, findings: Findings) -> None:
    """Refuse another key than an account's own where the account is known to accept no other."""
    granted = receipt.granted
    if words is None or granted.signer in (None, granted.principal):
        return
    if words[bytes(granted.principal)][0].code_hash == FRAMEWORK_CODE_HASH:
        findings.contradict("granted.signer", f"the account accepts the key of {granted.principal} alone")
