"""The checks only a chain can answer: do the accounts exist, do they accept the signatures, does the grant still hold?

Source: framework 1.3.0, DelegationManager.redeemDelegations (ECDSA for accounts without code, ERC-1271 otherwise) and
SimpleFactory.deploy; EIP-7702; ERC-7715, dependencies.
"""

from __future__ import annotations

from collections.abc import Sequence

from caveats.abi import WORD, encode_bytes, encode_uint
from caveats.errors import EngineError, ExecutionError, UnsupportedError, VerificationError
from caveats.types import Address, keccak
from delegations.delegation import Delegation, hash_to_sign, recover_delegation_signer
from delegations.evm.chain import LocalChain
from delegations.evm.engine import Capability
from delegations.framework.deployments import Deployment
from delegations.framework.reverts import decode_revert
from delegations.permissions.granted import deployment_call
from delegations.permissions.model import PermissionResponse
from delegations.permissions.standing import Check, broken, holds, unknown
from delegations.simulation.status import status

_IS_VALID_SIGNATURE = keccak(b"isValidSignature(bytes32,bytes)")[:4]
"""Also what it answers when it is, padded to a word. Source: ERC-1271."""
_COULD_NOT_ASK = (EngineError, UnsupportedError)
_NO_GAS_NEEDED = frozenset[Capability]()
_ENDED = ("invalid", "expired", "exhausted", "nonce_bumped", "disabled", "delegator_code_changed", "manager_paused")


def check_dependencies(
    response: PermissionResponse,
    context: Sequence[Delegation],
    place: Deployment | None,
    chain: LocalChain | None,
    why: str,
) -> tuple[Check, LocalChain | None]:
    """Return whether the accounts are there or can be deployed as the response says, and the chain with them there.

    Only the framework's own factory is called: the redeemer would send whatever else stands there, to whomever.

    Args:
        response: as the wallet gave it.
        context: its delegations.
        place: the framework on that chain; None when it is not known.
        chain: where to try it; nothing is kept. None when there is none.
        why: why there is none.
    """
    factory = None if place is None else place.addresses.get("SimpleFactory")
    for dependency in response.dependencies:
        if factory is not None and dependency.factory != factory:
            said = f"expected the framework's factory {factory}, got a call to {dependency.factory}"
            return broken("dependencies", said), chain
    if response.dependencies and factory is None:
        return unknown("dependencies", "the framework's factory on that chain is not known"), chain
    if chain is None:
        said = "no account has to be deployed first"
        return unknown("dependencies", why) if response.dependencies else holds("dependencies", said), None
    try:
        return _try_deploying(response, context, chain)
    except _COULD_NOT_ASK as error:
        return unknown("dependencies", str(error)), chain


def _try_deploying(
    response: PermissionResponse, context: Sequence[Delegation], chain: LocalChain
) -> tuple[Check, LocalChain]:
    stage = chain.copy()
    delegators, made = {link.delegator for link in context}, []
    for dependency in dict.fromkeys(response.dependencies):
        try:
            outcome = stage.send_execution(response.to, deployment_call(dependency))
        except ExecutionError as error:
            return broken("dependencies", f"the deployment cannot be sent: {error}"), stage
        if not outcome.success:
            if all(stage.world.code(delegator) for delegator in delegators):
                continue
            why = decode_revert(outcome.output).text
            return broken("dependencies", f"the factory reverts, and the account is not there: {why}"), stage
        account = Address(outcome.output[12:WORD]) if len(outcome.output) == WORD else None
        if account not in delegators:
            said = f"it deploys {account or 'no account that it names'}, which is no delegator of the context"
            return broken("dependencies", said), stage
        made.append(str(account))
    root = context[-1].delegator
    if not stage.world.code(root):
        nothing = "nothing deploys it or upgrades it"
        return broken("dependencies", f"the account {root} has no code to execute with, and {nothing}"), stage
    said = f"deploys {', '.join(made)}" if made else "the accounts are there"
    return holds("dependencies", said), stage


def check_signatures(
    context: Sequence[Delegation], chain_id: int, manager: Address, stage: LocalChain | None, why: str
) -> Check:
    """Return whether each delegator accepts the signature over its link, as the manager will ask.

    Args:
        context: the delegations, leaf first.
        chain_id: the chain they were signed for.
        manager: the manager they were signed for.
        stage: the chain with the accounts deployed; None when there is none.
        why: why there is none.
    """
    checks = []
    for depth, link in enumerate(context):
        where = "" if len(context) == 1 else f"link {depth}: "
        try:
            checks.append(_check_signature(link, where, chain_id, manager, stage, why))
        except _COULD_NOT_ASK as error:
            checks.append(unknown("signatures", f"{where}{error}"))
    for standing in ("broken", "unknown"):
        for check in checks:
            if check.standing == standing:
                return check
    return holds("signatures", "; ".join(check.sentence for check in checks))


def _check_signature(
    link: Delegation, where: str, chain_id: int, manager: Address, stage: LocalChain | None, why: str
) -> Check:
    name, whose = "signatures", f"{where}{link.delegator}"
    if not link.signature:
        return broken(name, f"{whose} did not sign")
    if stage is not None and stage.world.code(link.delegator):
        outcome = stage.call(
            link.delegator,
            _signature_question(link, chain_id, manager),
            sender=manager,
            needs=_NO_GAS_NEEDED,
        )
        if outcome.success and outcome.output[:WORD] == _IS_VALID_SIGNATURE.ljust(WORD, b"\0"):
            return holds(name, f"{whose} accepts it (ERC-1271)")
        said = "says it is not valid" if outcome.success else f"reverts: {decode_revert(outcome.output).text}"
        return broken(name, f"{whose} does not accept it for chain {chain_id} and manager {manager}: it {said}")
    try:
        signer = recover_delegation_signer(link, chain_id=chain_id, manager=manager)
    except VerificationError as error:
        signer, reason = None, str(error)
    else:
        reason = f"the key of {signer} signed"
    if signer == link.delegator:
        return holds(name, f"{whose} signed with its key")
    if stage is None:
        return unknown(name, f"{whose}: {reason}; a contract account may accept that, and {why}")
    return broken(name, f"{whose} did not sign for chain {chain_id} and manager {manager}: {reason}")


def _signature_question(link: Delegation, chain_id: int, manager: Address) -> bytes:
    digest = hash_to_sign(link, chain_id=chain_id, manager=manager)
    return _IS_VALID_SIGNATURE + digest + encode_uint(2 * WORD) + encode_bytes(link.signature)


def check_state(context: Sequence[Delegation], stage: LocalChain | None, why: str) -> Check:
    """Return whether the grant holds on the chain as it stands: not disabled, not outlived, not used up.

    A grant that begins later holds. Arguments as `check_signatures`.
    """
    if stage is None:
        return unknown("state", why)
    try:
        found = status(stage, context)
    except _COULD_NOT_ASK as error:
        return unknown("state", str(error))
    for finding in found.findings:
        if finding.state in _ENDED:
            return broken("state", finding.sentence)
    for finding in found.findings:
        if finding.state == "unknown":
            return unknown("state", finding.sentence)
    return holds("state", found.sentence)
