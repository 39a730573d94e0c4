"""A stage, and the questions a scenario asks on it. Which engine answers is none of a scenario's business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from caveats import Caveat, Execution
from caveats.enforcer import EnforcerTerms
from caveats.types import Address, keccak
from delegations.delegation import Delegation, create_delegation, encode_delegation, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.evm.engine import DEFAULT_GAS, Transaction
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, Stage, set_stage, transfer

HELPER, BOB = (Address(dev_account(n).address) for n in (3, 4))
PEOPLE = {address: dev_account(n) for n, address in enumerate((ALICE, AGENT, SHOP, HELPER, BOB))}
NOTHING = Execution(target=SHOP)
# answers every call with the word in its slot 0
ORACLE = Address(b"\x0c" * 20)
_ORACLE_CODE = bytes.fromhex("5f545f5260205ff3")


@dataclass(frozen=True)
class Ask:
    """One transaction, and what is expected of it.

    Attributes:
        expect: "allowed", or the stage and reason of the denial, such as "hook LimitedCallsEnforcer:limit-exceeded".
        redemptions: what the calldata says, for a verdict; None where it says nothing a verdict could be given on.
    """

    transaction: Transaction
    expect: str
    redemptions: tuple[Redemption, ...] | None
    redeemer: Address


@cache
def _base() -> Stage:
    stage = set_stage()
    stage.chain.add_delegator(BOB, 10**18)
    stage.chain.mint(stage.token, BOB, 1000)
    stage.chain.world.set_code(ORACLE, _ORACLE_CODE)
    stage.chain.world.set_storage(ORACLE, 0, 3)
    return stage


class Scene:
    """A chain with Alice and Bob as delegators, a token and a target; a fresh copy for each scenario."""

    def __init__(self) -> None:
        base = _base()
        self.chain: LocalChain = base.chain.copy()
        self.token, self.target = base.token, base.target
        self._salt = 0

    def sign(self, delegation: Delegation, signer: Address | None = None, *, chain_id: int = CHAIN_ID) -> Delegation:
        key = PEOPLE[delegation.delegator if signer is None else signer]
        manager = self.chain.manager
        return sign_delegation(delegation, key, chain_id=chain_id, manager=manager, unsafe_unrestricted=True)

    def root(
        self, *caveats: Caveat | EnforcerTerms, by: Address = ALICE, to: Address = AGENT, salt: int | None = None
    ) -> Delegation:
        """A signed root delegation; salts are counted, so that every run asks the same."""
        self._salt += 1
        unsigned = create_delegation(
            delegator=by,
            delegate=to,
            caveats=caveats,
            salt=self._salt if salt is None else salt,
            unsafe_unrestricted=True,
        )
        return self.sign(unsigned)

    def child(
        self, parent: Delegation, to: Address, *caveats: Caveat | EnforcerTerms, by: Address | None = None
    ) -> Delegation:
        self._salt += 1
        return self.sign(redelegate(parent, delegate=to, caveats=caveats, delegator=by, salt=self._salt))

    def ask(
        self,
        context: Delegation | Sequence[Delegation],
        executions: Execution | Sequence[Execution] = NOTHING,
        expect: str = "allowed",
        *,
        mode: ExecutionMode | None = None,
        redeemer: Address = AGENT,
        gas: int = DEFAULT_GAS,
    ) -> Ask:
        return self.ask_all([redeem(context, executions, mode=mode)], expect, redeemer=redeemer, gas=gas)

    def ask_all(
        self,
        redemptions: Sequence[Redemption],
        expect: str = "allowed",
        *,
        redeemer: Address = AGENT,
        gas: int = DEFAULT_GAS,
    ) -> Ask:
        transaction = Transaction(redeemer, self.chain.manager, encode_redeem_delegations(redemptions), 0, gas)
        return Ask(transaction, expect, tuple(redemptions), redeemer)

    def raw(
        self,
        data: bytes,
        expect: str = "success",
        *,
        sender: Address = AGENT,
        to: Address | None = None,
        value: int = 0,
        gas: int = DEFAULT_GAS,
    ) -> Ask:
        """Any transaction; no verdict is given, `expect` is "success", or how it fails."""
        return Ask(Transaction(sender, to or self.chain.manager, data, value, gas), expect, None, sender)

    def disable(self, delegation: Delegation, expect: str = "success", *, sender: Address | None = None) -> Ask:
        return self.raw(DISABLE + encode_delegation(delegation), expect, sender=sender or delegation.delegator)

    def pay(self, amount: int, to: Address = SHOP, *, value: int = 0) -> Execution:
        return transfer(self.token, amount, to, value=value)

    def call(self, signature: str, *words: int, value: int = 0) -> Execution:
        data = keccak(signature.encode())[:4] + b"".join(word.to_bytes(32, "big") for word in words)
        return Execution(target=self.target, value=value, call_data=data)


_STRUCT = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)"
DISABLE, ENABLE = (keccak(f"{name}({_STRUCT})".encode())[:4] for name in ("disableDelegation", "enableDelegation"))

Script = Callable[[Scene], Iterator[Ask]]


class Table:
    """Named scenarios, in the order they were written down."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}

    def add(self, name: str, script: Script) -> None:
        assert name not in self.scripts, name
        self.scripts[name] = script

    def __call__(self, script: Script) -> Script:
        self.add(script.__name__.replace("__", ": ").replace("_", " "), script)
        return script
