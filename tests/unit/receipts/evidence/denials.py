"""Every way a delegation can be denied, each on a chain of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caveats import (
    AllowedTargets,
    LimitedCalls,
    LogicalOrWrapper,
    NativeBalanceChange,
    NativeTokenTransferAmount,
    Timestamp,
)
from caveats.caveat import Caveat
from caveats.types import Address
from delegations.delegation import redelegate
from delegations.evm.chain import GENESIS_AT
from delegations.execution import ExecutionMode
from delegations.manager import MetaMaskManager
from delegations.redemption import redeem
from delegations.simulation import execute
from tests.unit.receipts.evidence.staged import (
    AGENT,
    ALICE,
    HELPER,
    SHOP,
    Staged,
    above_the_allowance,
    chain,
    grant,
    pay,
    signed,
    stage,
)

PAUSED = 1 << 160
OF_ONES_OWN = Address(b"\xee" * 20)
# what it answers depends on a slot and on the balance of another account: SLOAD(7) and BALANCE(SHOP), then revert
_SAYS_NO = bytes.fromhex("60075450") + b"\x73" + SHOP + bytes.fromhex("31505f5ffd")


def _used_up() -> Staged:
    local = chain()
    once = grant([LimitedCalls(limit=1)])
    execute(local, redeem(once, pay(1)))
    return stage(local, redeem(once, pay(1)))


def _revoked() -> Staged:
    local = chain()
    given = grant([LimitedCalls(limit=1)])
    local.send(ALICE, local.manager, MetaMaskManager().encode_disable(given))
    return stage(local, redeem(given, pay(1)))


def _not_the_delegate() -> Staged:
    return stage(chain(), redeem(grant(delegate=HELPER), pay(1)), redeemer=AGENT)


def _signed_by_another() -> Staged:
    forged = grant().with_signature(signed(grant(), key=1).signature)
    return stage(chain(), redeem(forged, pay(1)))


def _after_the_deed() -> Staged:
    local = chain()
    kept = NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=1)
    return stage(local, redeem(grant([kept]), pay(2)))


def _in_the_middle_of_a_chain() -> Staged:
    local = chain()
    root = grant([AllowedTargets(targets=(ALICE,))])
    leaf = signed(redelegate(root, delegate=HELPER, caveats=[LimitedCalls(limit=3)]), key=1)
    return stage(local, redeem([leaf, root], pay(1)))


def _the_second_of_two() -> Staged:
    first, second = grant(salt=1), grant([NativeTokenTransferAmount(max_amount_wei=1)], salt=2)
    return stage(chain(), [redeem(first, pay(1)), redeem(second, pay(2))])


def _expired() -> Staged:
    ended = Timestamp(after_at=0, before_at=GENESIS_AT)
    return stage(chain(), redeem(grant([ended]), pay(1)))


def _paused() -> Staged:
    local = chain()
    local.world.set_storage(local.manager, 1, PAUSED)
    return stage(local, redeem(grant(), pay(1)))


def _code_of_ones_own() -> Staged:
    local = chain()
    local.world.set_code(OF_ONES_OWN, _SAYS_NO)
    local.world.set_storage(OF_ONES_OWN, 7, 7)
    return stage(local, redeem(grant([Caveat(enforcer=OF_ONES_OWN, terms=b"\x01")]), pay(1)))


def _no_contract() -> Staged:
    return stage(chain(), redeem(grant([Caveat(enforcer=OF_ONES_OWN, terms=b"\x01")]), pay(1)))


def _in_a_group() -> Staged:
    group = (NativeTokenTransferAmount(max_amount_wei=1).to_caveat(), LimitedCalls(limit=1).to_caveat())
    caveat = LogicalOrWrapper(groups=(group,)).to_caveat(args=_chosen_group())
    return stage(chain(), redeem(grant([caveat]), pay(2)))


def _chosen_group() -> bytes:
    from eth_abi.abi import encode

    return encode(["(uint256,bytes[])"], [(0, [b"", b""])])


def _try_mode() -> Staged:
    asked = redeem(grant([LimitedCalls(limit=1)]), pay(1), mode=ExecutionMode.SINGLE_TRY)
    return stage(chain(), asked)


def _in_the_block_itself() -> Staged:
    local = chain()
    return stage(local, redeem(grant([NativeTokenTransferAmount(max_amount_wei=1)]), pay(2)), after=False)


DENIALS: dict[str, Callable[[], Staged]] = {
    "above the allowance": above_the_allowance,
    "used up": _used_up,
    "revoked": _revoked,
    "not the delegate": _not_the_delegate,
    "signed by another": _signed_by_another,
    "after the deed": _after_the_deed,
    "in the middle of a chain": _in_the_middle_of_a_chain,
    "the second of two": _the_second_of_two,
    "expired": _expired,
    "paused": _paused,
    "code of one's own": _code_of_ones_own,
    "no contract": _no_contract,
    "in a group": _in_a_group,
    "try mode": _try_mode,
    "in the block itself": _in_the_block_itself,
}


def every_denial() -> Iterator[tuple[str, Staged]]:
    """Yield each by name."""
    for name, make in DENIALS.items():
        yield name, make()
