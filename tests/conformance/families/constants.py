"""What never changes: modes, marks, type hashes; and where the framework stands on every chain we know of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caveats import ENFORCERS, Address
from caveats.caveat import CAVEAT_TYPEHASH
from caveats.constraints import PERIODS
from caveats.types import parse_hex
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY
from delegations.eip712 import DELEGATION_TYPE, DELEGATION_TYPEHASH
from delegations.execution import ExecutionMode
from delegations.framework import (
    DELEGATION_MANAGER,
    EIP7702_STATELESS_DELEGATOR,
    ENTRY_POINT,
    FRAMEWORK_VERSION,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
    SIMPLE_FACTORY,
    deployment,
    known_chain_ids,
)
from delegations.redemption import REDEEM_DELEGATIONS
from tests.conformance import draws
from tests.conformance.draws import IN_THE_KIT
from tests.conformance.families.terms import CHANGE_TYPE_DECREASE, CHANGE_TYPE_INCREASE
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Source

MODES = {
    "SingleDefault": ExecutionMode.SINGLE_DEFAULT,
    "SingleTry": ExecutionMode.SINGLE_TRY,
    "BatchDefault": ExecutionMode.BATCH_DEFAULT,
    "BatchTry": ExecutionMode.BATCH_TRY,
}
"""The kit's name of each mode."""
CHANGE_TYPES = {"Increase": CHANGE_TYPE_INCREASE, "Decrease": CHANGE_TYPE_DECREASE}
WINDOWS = {
    "hour": "Hourly",
    "day": "Daily",
    "week": "Weekly",
    "two weeks": "BiWeekly",
    "month": "Monthly",
    "quarter": "Quarterly",
    "year": "Yearly",
}
"""The kit's name of each period."""
NOT_IN_THE_KIT = {"LogicalOrWrapperEnforcer"}
"""Published in the deployment lists, left out of the kit's environment."""


def compare_constants(_subject: None, answer: Answer) -> Iterator[Pair]:
    yield Pair("modes", {name: mode.value for name, mode in MODES.items()}, _parse(answer["modes"]))
    yield Pair("ROOT_AUTHORITY", bytes(ROOT_AUTHORITY), parse_hex(answer["rootAuthority"]))
    yield Pair("ANY_DELEGATE", ANY_DELEGATE, Address(answer["anyBeneficiary"]))
    yield Pair("DELEGATION_TYPEHASH", DELEGATION_TYPEHASH, parse_hex(answer["delegationTypehash"]))
    yield Pair("CAVEAT_TYPEHASH", CAVEAT_TYPEHASH, parse_hex(answer["caveatTypehash"]))
    yield Pair("DELEGATION_TYPE", DELEGATION_TYPE, answer["delegationType"])
    yield Pair("REDEEM_DELEGATIONS", bytes(REDEEM_DELEGATIONS), parse_hex(answer["redeemSelector"]))
    yield Pair("FRAMEWORK_VERSION", FRAMEWORK_VERSION, answer["version"])
    yield Pair("PERIODS", PERIODS, {ours: answer["transferWindow"][theirs] for ours, theirs in WINDOWS.items()})
    yield Pair("change types", CHANGE_TYPES, {name: answer["changeTypes"][name] for name in CHANGE_TYPES})
    yield Pair("the windows", set(WINDOWS.values()), set(filter(str.isalpha, answer["transferWindow"])))


def compare_environment(chain_id: int, answer: Answer) -> Iterator[Pair]:
    kits = {name: Address(address) for name, address in answer.items()}
    ours = dict(deployment(chain_id).addresses)
    yield Pair(
        f"addresses on chain {chain_id}",
        {name: address for name, address in ours.items() if name not in NOT_IN_THE_KIT},
        kits,
    )
    yield Pair("DELEGATION_MANAGER", DELEGATION_MANAGER, kits["DelegationManager"])
    yield Pair("EIP7702_STATELESS_DELEGATOR", EIP7702_STATELESS_DELEGATOR, kits["EIP7702StatelessDeleGatorImpl"])
    yield Pair("HYBRID_DELEGATOR", HYBRID_DELEGATOR, kits["HybridDeleGatorImpl"])
    yield Pair("MULTISIG_DELEGATOR", MULTISIG_DELEGATOR, kits["MultiSigDeleGatorImpl"])
    yield Pair("SIMPLE_FACTORY", SIMPLE_FACTORY, kits["SimpleFactory"])
    yield Pair("ENTRY_POINT", ENTRY_POINT, kits["EntryPoint"])
    yield Pair(
        "enforcers the kit lacks", {cls for cls in ENFORCERS if cls.ENFORCER not in kits}, set(draws.NOT_IN_THE_KIT)
    )
    for cls in IN_THE_KIT:
        yield Pair(f"{cls.__name__}.ADDRESS", cls.ADDRESS, kits[cls.ENFORCER])


def _parse(modes: dict[str, str]) -> dict[str, bytes]:
    return {name: parse_hex(value) for name, value in modes.items()}


def _once(_source: Source) -> Iterator[None]:
    yield None


def _every_chain(_source: Source) -> Iterator[int]:
    yield from known_chain_ids()


def _nothing(_subject: object) -> dict[str, Any]:
    return {}


CONSTANTS: Family[None] = Family("constants", "constants", _once, _nothing, compare_constants)
ENVIRONMENTS: Family[int] = Family(
    "environments", "environment", _every_chain, lambda chain_id: {"chainId": chain_id}, compare_environment
)
