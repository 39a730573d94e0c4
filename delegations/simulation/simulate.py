"""Ask before acting: what would this redemption do, here and now?"""

from __future__ import annotations

from collections.abc import Sequence

from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.delegation import ANY_DELEGATE
from delegations.evm.chain import LocalChain, official_code
from delegations.evm.engine import DEFAULT_GAS, CallFrame, Capability, Outcome, Transaction
from delegations.evm.fork import prefetch
from delegations.evm.stand_ins import STAND_INS, stand_in_warnings
from delegations.evm.world import World
from delegations.framework.artifact import load_framework
from delegations.framework.constants import EIP7702_PREFIX
from delegations.redemption import Redemption, encode_redeem_delegations
from delegations.simulation.attribution import Attribution, ChainFacts
from delegations.simulation.effects import enforcer_events, movements, token_movement
from delegations.simulation.hook_by_hook import Probe
from delegations.simulation.replay import disabled_slot
from delegations.simulation.verdict import Effects, Verdict

_ECRECOVER = bytes(19) + b"\x01"
VERDICT_NEEDS = frozenset({Capability.GAS, Capability.LOGS, Capability.ERROR, Capability.CALL_TREE})
"""What an engine must tell for a verdict to be given."""


def simulate(
    chain: LocalChain,
    redemption: Redemption | Sequence[Redemption],
    *,
    redeemer: Address | None = None,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
) -> Verdict:
    """Return what redeeming would do on `chain` at its current time; nothing is kept.

    Args:
        chain: the state, the time and the engine.
        redemption: one, or several of one call.
        redeemer: who calls the manager; the leaf's delegate when None.
        gas: gas limit of the transaction.
        registry: reads enforcers of your own for the explanation.

    Raises:
        EncodingError: the redeemer cannot be told from the delegation.
        UnsupportedError: the chain holds no code for an official enforcer it would need, or its engine cannot tell
            what a verdict needs.
        TransportError, EngineError: the engine could not be asked; that is neither a yes nor a no.
    """
    redemptions = (redemption,) if isinstance(redemption, Redemption) else tuple(redemption)
    caller = redeemer if redeemer is not None else default_redeemer(redemptions)
    transaction = redeem_transaction(chain, redemptions, caller, gas)
    prefetch_redemption(chain, redemptions, transaction)
    require_enforcer_code(chain, redemptions)
    if Capability.CALL_TREE not in chain.engine.capabilities:
        return _without_calls(chain, redemptions, caller, transaction, registry or EnforcerRegistry())
    outcome = chain.engine.execute(chain.world, chain.block, transaction, needs=VERDICT_NEEDS)
    return judge(chain.world, chain.manager, redemptions, caller, outcome, registry=registry, chain_id=chain.chain_id)


def _without_calls(
    chain: LocalChain,
    redemptions: Sequence[Redemption],
    caller: Address,
    transaction: Transaction,
    registry: EnforcerRegistry,
) -> Verdict:
    """Return the verdict of an engine that tells no calls: who denied is found hook by hook, and what cannot be known
    is left out and said."""
    engine = chain.engine
    outcome = engine.execute(
        chain.world, chain.block, transaction, needs=VERDICT_NEEDS & engine.capabilities - {Capability.ERROR}
    )
    gas_used = outcome.gas_used if outcome.has(Capability.GAS) else None
    foreign = code_warnings(chain.world, chain.chain_id, chain.manager, redemptions, None)
    if not outcome.success:
        facts = chain_facts(chain.world, chain.manager)
        probe = Probe(engine, chain.world, chain.block, chain.manager, redemptions, caller, facts, registry)
        denial = probe.denial(transaction, outcome.output)
        return Verdict(allowed=False, denial=denial, gas_used=gas_used, warnings=foreign)
    if not outcome.has(Capability.LOGS):
        unknown = f"effects unknown: engine {engine.name} tells neither calls nor logs"
        return Verdict(allowed=True, gas_used=gas_used, warnings=(*foreign, unknown))
    moves = tuple(move for log in outcome.logs if (move := token_movement(log)) is not None)
    unknown = f"native movements and the outcome of each execution unknown: engine {engine.name} tells no calls"
    effects = Effects(movements=moves, enforcer_events=enforcer_events(outcome.logs, load_framework()))
    return Verdict(allowed=True, effects=effects, gas_used=gas_used, warnings=(*foreign, unknown))


def default_redeemer(redemptions: Sequence[Redemption]) -> Address:
    """Return the one delegate who can redeem all of them. Raises EncodingError when there is not exactly one."""
    delegates = {r.leaf.delegate for r in redemptions if r.leaf is not None and r.leaf.delegate != ANY_DELEGATE}
    if len(delegates) != 1:
        raise EncodingError(
            "redeemer: cannot be told from the delegation"
            + (", it is open" if not delegates else ", the contexts name different delegates"),
            hint="say who redeems",
        )
    return delegates.pop()


def redeem_transaction(
    chain: LocalChain, redemptions: Sequence[Redemption], redeemer: Address, gas: int = DEFAULT_GAS
) -> Transaction:
    """Return the transaction in which `redeemer` calls the chain's delegation manager."""
    return Transaction(redeemer, chain.manager, encode_redeem_delegations(redemptions), 0, gas)


def prefetch_redemption(chain: LocalChain, redemptions: Sequence[Redemption], transaction: Transaction) -> None:
    """Read what a redemption on a forked chain will likely need, in a few requests; nothing on another chain.

    Raises:
        TransportError, EngineError: the node could not be asked.
    """
    named: list[bytes] = [transaction.sender, chain.manager, _ECRECOVER]
    for redemption in redemptions:
        for link in redemption.context:
            named += [link.delegator, *(caveat.enforcer for caveat in link.caveats)]
        named += [execution.target for execution in redemption.executions]
    prefetch(chain.world, transaction, named)


def require_enforcer_code(chain: LocalChain, redemptions: Sequence[Redemption]) -> None:
    """Return when every official enforcer named has code on the chain; raise otherwise.

    An enforcer nobody knows and that has no code is left to the manager, which refuses it.

    Raises:
        UnsupportedError: naming the enforcer whose code is not bundled.
    """
    framework = load_framework()
    for redemption in redemptions:
        for link in redemption.context:
            for caveat in link.caveats:
                if chain.world.code(caveat.enforcer):
                    continue
                contract = framework.by_address(caveat.enforcer)
                if contract is not None and not contract.bundled:
                    raise UnsupportedError(
                        f"code not bundled: {contract.name} at {caveat.enforcer} has no published build,"
                        " so a redemption under it cannot be simulated on a local chain",
                        hint="LocalChain(stand_ins=True) starts with this project's own code in its place"
                        if caveat.enforcer in STAND_INS
                        else None,
                    )


def chain_facts(before: World, manager: Address) -> ChainFacts:
    """Return what attribution needs to know of the state before a call."""
    return ChainFacts(
        has_code=lambda address: bool(before.code(address)),
        is_disabled=lambda digest: bool(before.storage(manager, disabled_slot(digest))),
    )


def code_warnings(
    before: World, chain_id: int, manager: Address, redemptions: Sequence[Redemption], frame: CallFrame | None
) -> tuple[str, ...]:
    """Return one sentence for each contract of the framework that is not the official one on this chain.

    Looked at are the manager, every enforcer the caveats name, the code EIP-7702 delegators delegate to, and all code
    that ran, where that is known. What is not bundled cannot be compared and is passed over.
    """
    named = [manager]
    for link in (link for redemption in redemptions for link in redemption.context):
        named += [caveat.enforcer for caveat in link.caveats]
        account = before.code(link.delegator)
        if len(account) == 23 and account.startswith(EIP7702_PREFIX):
            named.append(Address(account[3:]))
    ran = () if frame is None else frame.walk()
    framework, found = load_framework(), []
    for address in dict.fromkeys([*named, *(call.code_address for call in ran)]):
        official, code = official_code(chain_id, address), before.code(address)
        contract = framework.by_address(address)
        if contract is not None and official is not None and code != official:
            got = Bytes32(keccak(code)) if code else "no code"
            found.append(
                f"not canonical: {contract.name} at {address} is not the code of framework 1.3.0 on chain {chain_id}:"
                f" expected {Bytes32(keccak(official))}, got {got}"
            )
    return tuple(found)


def judge(
    before: World,
    manager: Address,
    redemptions: Sequence[Redemption],
    redeemer: Address,
    outcome: Outcome,
    *,
    registry: EnforcerRegistry | None = None,
    chain_id: int | None = None,
) -> Verdict:
    """Return the verdict on an outcome of a direct call of the manager, given the state before it.

    With a chain id, the framework's code is compared with what the official constructors give on that chain.
    """
    attribution = Attribution(redemptions, redeemer, chain_facts(before, manager), registry or EnforcerRegistry())
    warnings = stand_in_warnings(before, outcome.frame)
    if chain_id is not None:
        warnings += code_warnings(before, chain_id, manager, redemptions, outcome.frame)
    if not outcome.success:
        denial = attribution.denial(outcome.frame)
        return Verdict(allowed=False, denial=denial, gas_used=outcome.gas_used, warnings=warnings)
    return Verdict(
        allowed=True,
        effects=Effects(
            movements=movements([outcome.frame]),
            executions=attribution.executions(outcome.frame),
            enforcer_events=enforcer_events(outcome.logs, load_framework()),
        ),
        gas_used=outcome.gas_used,
        warnings=warnings,
    )
