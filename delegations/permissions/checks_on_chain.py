"""The checks only a chain can answer: do the accounts exist, do they accept the signatures, does the grant still hold?

Source: framework 1.3.0, DelegationManager.redeemDelegations (ECDSA for accounts without code, ERC-1271 otherwise) and
SimpleFactory.deploy; EIP-7702; ERC-7715, dependencies.
"""

from __future__ import annotations

from collections.abc import Sequence

from caveats.abi import WORD, Reader, encode_address, encode_bytes, encode_uint
from caveats.errors import EncodingError, EngineError, ExecutionError, UnsupportedError, VerificationError
from caveats.types import Address, keccak
from delegations.delegation import Delegation, hash_to_sign, recover_delegation_signer
from delegations.evm.chain import LocalChain
from delegations.evm.engine import Capability
from delegations.framework.artifact import load_framework
from delegations.framework.deployments import Deployment
from delegations.framework.reverts import decode_revert
from delegations.permissions.granted import deployment_call
from delegations.permissions.model import Dependency, PermissionResponse
from delegations.permissions.standing import Check, broken, holds, unknown
from delegations.simulation.status import OFFICIAL_IMPLEMENTATIONS, status

_IS_VALID_SIGNATURE = keccak(b"isValidSignature(bytes32,bytes)")[:4]
"""Also what it answers when it is, padded to a word. Source: ERC-1271."""
_DEPLOY = keccak(b"deploy(bytes,bytes32)")[:4]
"""Source: framework 1.3.0, SimpleFactory."""
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
    """Return whether the accounts are there or can be deployed as the response says, and the chain with them there;
    no chain when that could not be tried.

    Only the framework's own factory is called: the redeemer would send whatever else stands there, to whomever.

    Args:
        response: as the wallet gave it.
        context: its delegations.
        place: the framework on that chain; None when it is not known.
        chain: where to try it; nothing is kept. None when there is none.
        why: why there is none.
    """
    factory = None if place is None else place.addresses.get("SimpleFactory")
    # what is tried, and which manager is asked, must leave no trace in the caller's chain
    stage = None if chain is None else chain.copy()
    delegators = {link.delegator for link in context}
    for dependency in response.dependencies:
        if factory is not None and dependency.factory != factory:
            said = f"expected the framework's factory {factory}, got a call to {dependency.factory}"
            return broken("dependencies", said), stage
        if factory is not None and (account := _deployed_by(dependency)[0]) not in delegators:
            said = (
                "no account by deploy(bytes,bytes32)" if account is None else f"{account}, no delegator of the context"
            )
            return broken("dependencies", f"it deploys {said}"), stage
    if response.dependencies and factory is None:
        return unknown("dependencies", "the framework's factory on that chain is not known"), None
    if stage is None:
        said = "no account has to be deployed first"
        return unknown("dependencies", why) if response.dependencies else holds("dependencies", said), None
    try:
        return _try_deploying(response, context, stage), stage
    except _COULD_NOT_ASK as error:
        # half of the accounts may stand there: nothing that is asked now would say anything of the others
        return unknown("dependencies", str(error)), None


def _deployed_by(dependency: Dependency) -> tuple[Address | None, bool]:
    """Return the account that SimpleFactory.deploy(bytes init_code, bytes32 salt) makes, None for any other call; and
    whether nothing but the framework runs in the making: its proxy, set up by one of its implementations.
    """
    if dependency.factory_data[:4] != _DEPLOY:
        return None, False
    reader = Reader(dependency.factory_data[4:], "factoryData")
    try:
        init_code, salt = reader.bytes_at(reader.pointer(0, 0)), reader.word(WORD)
    except EncodingError:
        return None, False
    proxy = load_framework().proxy_creation_code
    behind = init_code[len(proxy) : len(proxy) + WORD]
    is_known = init_code.startswith(proxy) and behind in map(encode_address, OFFICIAL_IMPLEMENTATIONS)
    return Address(keccak(b"\xff" + dependency.factory + salt + keccak(init_code))[12:]), is_known


def _try_deploying(response: PermissionResponse, context: Sequence[Delegation], stage: LocalChain) -> Check:
    made, doubt = [], ""
    for dependency in dict.fromkeys(response.dependencies):
        account, is_known = _deployed_by(dependency)
        if str(account) in made:
            return broken("dependencies", f"it deploys {account} by two calls, the second of which reverts")
        if account is None or stage.world.code(account):
            continue
        try:
            outcome = stage.send_execution(context[0].delegate, deployment_call(dependency))
        except ExecutionError as error:
            return broken("dependencies", f"the deployment cannot be sent: {error}")
        if not outcome.success or not stage.world.code(account):
            reason = decode_revert(outcome.output).text
            return broken("dependencies", f"the factory does not deploy {account}: {reason}")
        made.append(str(account))
        if not is_known:
            doubt = f"deploying {account} runs other code than the framework's, which the redeemer would set off"
    root = context[-1].delegator
    if not stage.world.code(root):
        nothing = "nothing deploys it or upgrades it"
        return broken("dependencies", f"the account {root} has no code to execute with, and {nothing}")
    if doubt:
        return unknown("dependencies", doubt)
    return holds("dependencies", f"deploys {', '.join(made)}" if made else "the accounts are there")


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
        except (*_COULD_NOT_ASK, ExecutionError) as error:
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


def check_state(context: Sequence[Delegation], stage: LocalChain | None, why: str, *, is_new: bool) -> Check:
    """Return whether the grant holds on the chain as it stands: not disabled, not outlived, not used up.

    A grant that begins later holds, one that waits for a nonce does not: raising the nonce is how grants are ended, not
    begun.

    Args:
        context: as `check_signatures`, and so stage and why.
        is_new: whether it was granted just now, so that nothing of it can have been used.
    """
    if stage is None:
        return unknown("state", why)
    try:
        found = status(stage, context)
    except _COULD_NOT_ASK as error:
        return unknown("state", str(error))
    doubts = []
    nonces = {each.place for each in found.remaining.caveats if each.kind == "nonce"}
    for finding in found.findings:
        waits = finding.state == "not_yet_valid" and finding.place in nonces
        # whether other code than expected accepts the signature was asked above; what it does then cannot be told
        has_code = finding.link is not None and bool(stage.world.code(context[finding.link].delegator))
        if finding.state == "delegator_code_changed" and has_code:
            doubts.append(finding.sentence)
        elif waits or finding.state in _ENDED:
            return broken("state", finding.sentence)
        elif finding.state == "unknown":
            doubts.append(finding.sentence)
    used = [each.sentence for each in found.remaining.caveats if each.used]
    if used and is_new:
        return broken("state", f"it was used before it was granted: {used[0]}")
    if doubts:
        return unknown("state", doubts[0])
    return holds("state", " ".join([found.sentence, *used]))
