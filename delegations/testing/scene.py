"""A chain with people and tokens on it: what a test needs before it begins.

A scene is a copy of one that was prepared once, so it costs microseconds and nothing done in it is seen elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode

from caveats.abi import encode_uint
from caveats.caveat import Caveat
from caveats.enforcer import EnforcerTerms, TokenInfo, Tokens
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.registry import EnforcerRegistry
from caveats.types import Address, keccak, parse_amount
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm.chain import ONE_ETHER, LocalChain, contract_code
from delegations.evm.devnet import dev_account
from delegations.evm.engine import DEFAULT_GAS
from delegations.evm.world import AccountState, World
from delegations.redemption import Redemption
from delegations.simulation.verdict import Denial, HookName, Movement, Stage, Verdict
from delegations.testing.assertions import By, assert_allowed, assert_denied, at
from delegations.testing.contract import Addressed, Contract, Deployer, as_address
from delegations.testing.history import RecordingChain
from delegations.testing.report import Names

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

ACCOUNT_COUNT = 10
FUNDS_WEI = 10 * ONE_ETHER
TOKENS_HELD = 1_000
"""Whole tokens of each kind that every delegator holds at the start."""
_ROLES = {0: "delegator", 1: "agent", 2: "subagent", 9: "stranger"}
_DELEGATORS = (0, 3, 4)
_COINS = {
    "TestToken": ("Test Token", "TEST", 18),
    "FeeToken": ("Fee Token", "FEE", 18),
    "SilentToken": ("Silent Token", "HUSH", 6),
    "RevertingToken": ("Reverting Token", "NOPE", 18),
    "ReentrantToken": ("Reentrant Token", "BACK", 18),
}
_MINTER = Address(keccak(b"delegations test tokens")[12:])
_MINT = keccak(b"mint(address,uint256)")[:4]


@cache
def _account(index: int) -> LocalAccount:
    return dev_account(index)


@dataclass(frozen=True, slots=True, repr=False)
class Party:
    """Somebody on the chain, with a key.

    Attributes:
        name: what reports call it.
        account: signs; its key is one that everybody knows.
        chain: where it acts.
    """

    name: str
    address: Address
    account: LocalAccount
    chain: LocalChain

    def __repr__(self) -> str:
        return f"<{self.name} {self.address}>"

    def balance(self, token: Addressed | None = None) -> int:
        """Return what it holds, in wei or in base units of a token."""
        return self.chain.balance(self.address, None if token is None else as_address(token))

    def grant(
        self,
        delegate: Addressed,
        *caveats: Caveat | EnforcerTerms,
        salt: int | None = None,
        unsafe_unrestricted: bool = False,
    ) -> Delegation:
        """Return a root delegation to `delegate`, signed. Arguments and errors as `create_delegation`."""
        unsigned = create_delegation(
            delegator=self.address,
            delegate=as_address(delegate),
            caveats=caveats,
            salt=salt,
            unsafe_unrestricted=unsafe_unrestricted,
        )
        return self.sign(unsigned, unsafe_unrestricted=unsafe_unrestricted)

    def redelegate(
        self, parent: Delegation, delegate: Addressed, *caveats: Caveat | EnforcerTerms, salt: int | None = None
    ) -> Delegation:
        """Return a delegation that passes `parent` on, signed; the chain to redeem is [it, parent, ...]."""
        unsigned = redelegate(parent, delegate=as_address(delegate), caveats=caveats, delegator=self.address, salt=salt)
        return self.sign(unsigned)

    def sign(self, delegation: Delegation, *, unsafe_unrestricted: bool = False) -> Delegation:
        """Return the delegation with this party's signature for this chain, whoever the delegator is."""
        return sign_delegation(
            delegation,
            self.account,
            chain_id=self.chain.chain_id,
            manager=self.chain.manager,
            unsafe_unrestricted=unsafe_unrestricted,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Coin:
    """A token, and the calls one makes of it. `contract` gives all its functions by name.

    Attributes:
        name: the contract, such as "FeeToken".
    """

    name: str
    symbol: str
    decimals: int
    contract: Contract

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"

    @property
    def address(self) -> Address:
        """Where it stands."""
        return self.contract.address

    def units(self, amount: str) -> int:
        """Return base units of a human amount, such as "2.5". Raises EncodingError as `parse_amount`."""
        return parse_amount(amount, self.decimals)

    def balance(self, holder: Addressed) -> int:
        """Return what a holder has, in base units."""
        return self.contract.chain.balance(as_address(holder), self.address)

    def mint(self, to: Addressed, amount: int) -> None:
        """Make base units out of nothing; anybody may."""
        self.contract.send("mint", to, amount)

    def transfer(self, to: Addressed, amount: int) -> Execution:
        """Return the execution of a transfer, in base units: nothing moves before it is redeemed."""
        return self.contract.execution("transfer", to, amount)

    def transfer_from(self, holder: Addressed, to: Addressed, amount: int) -> Execution:
        """Return the execution of a transferFrom, in base units."""
        return self.contract.execution("transferFrom", holder, to, amount)

    def approve(self, spender: Addressed, amount: int) -> Execution:
        """Return the execution of an approval, in base units."""
        return self.contract.execution("approve", spender, amount)


class Scene:
    """A chain, who acts on it, and what they own.

    Attributes:
        chain: it, with its history.
        accounts: ten parties with 10 ether each and the keys every development node prints.
        deployer: deploys compiled contracts.
    """

    def __init__(self, chain: RecordingChain, *, root: Path | None = None) -> None:
        self.chain = chain
        self._root = root

    @cached_property
    def accounts(self) -> tuple[Party, ...]:
        """Ten parties with 10 ether each; the others here are among them."""
        return tuple(
            Party(_ROLES.get(index, f"account {index}"), address, _account(index), self.chain)
            for index, address in enumerate(_addresses())
        )

    @property
    def delegator(self) -> Party:
        """An EIP-7702 account of the framework that holds every token: accounts[0]."""
        return self.accounts[0]

    @property
    def delegators(self) -> tuple[Party, ...]:
        """Three EIP-7702 accounts of the framework: accounts[0], [3] and [4]."""
        return tuple(self.accounts[index] for index in _DELEGATORS)

    @property
    def agent(self) -> Party:
        """Who is given authority: accounts[1], without code."""
        return self.accounts[1]

    @property
    def subagent(self) -> Party:
        """To whom an agent passes authority on: accounts[2], without code."""
        return self.accounts[2]

    @property
    def stranger(self) -> Party:
        """Who has nothing to do with it: accounts[9], without code."""
        return self.accounts[9]

    @cached_property
    def coins(self) -> dict[str, Coin]:
        """The five tokens by the name of their contract."""
        return {name: self._coin(name) for name in _COINS}

    def _coin(self, name: str) -> Coin:
        _, symbol, decimals = _COINS[name]
        contract = Contract(self.chain, _prefab()[name].address, _abi(name), name=name, sender=_MINTER)
        return Coin(name, symbol, decimals, contract)

    @property
    def token(self) -> Coin:
        """A token that does what EIP-20 says."""
        return self.coins["TestToken"]

    @property
    def fee_token(self) -> Coin:
        """Keeps 1 % of every transfer; `contract.send("setFee", basis_points)` sets another fee."""
        return self.coins["FeeToken"]

    @property
    def silent_token(self) -> Coin:
        """Its functions return nothing where a bool is expected."""
        return self.coins["SilentToken"]

    @property
    def reverting_token(self) -> Coin:
        """Refuses every transfer, until `contract.send("accept")`; `refuseWith` chooses the revert data."""
        return self.coins["RevertingToken"]

    @property
    def reentrant_token(self) -> Coin:
        """Calls back after a transfer, once `contract.send("callBack", target, data, times)` has said whom."""
        return self.coins["ReentrantToken"]

    @cached_property
    def deployer(self) -> Deployer:
        """Deploys compiled contracts, as accounts[9] unless told otherwise."""
        return Deployer(self.chain, self.stranger.address, root=self._root)

    @cached_property
    def names(self) -> Names:
        """What reports call the parties and tokens."""
        people = {party.address: party.name for party in self.accounts}
        return people | {coin.address: coin.name for coin in self.coins.values()}

    @cached_property
    def shown_tokens(self) -> Tokens:
        """How reports write amounts of the tokens."""
        return {coin.address: TokenInfo(coin.symbol, coin.decimals) for coin in self.coins.values()}

    def at(self, timestamp: int, *, block: int | None = None) -> AbstractContextManager[None]:
        """Let the clock stand at another time within a `with`, and back where it was after it. See `at`."""
        return at(self.chain, timestamp, block=block)

    def allows(
        self,
        redemption: Redemption | Sequence[Redemption],
        *,
        moves: Sequence[Movement] | None = None,
        partial: bool = False,
        keep: bool = False,
        redeemer: Addressed | None = None,
        gas: int = DEFAULT_GAS,
        registry: EnforcerRegistry | None = None,
    ) -> Verdict:
        """Assert that a redemption is allowed here. See `assert_allowed`."""
        __tracebackhide__ = True
        return assert_allowed(
            self.chain,
            redemption,
            moves=moves,
            partial=partial,
            keep=keep,
            redeemer=redeemer,
            gas=gas,
            registry=registry,
            names=self.names,
            tokens=self.shown_tokens,
        )

    def denies(
        self,
        redemption: Redemption | Sequence[Redemption],
        *,
        by: By = None,
        stage: Stage | None = None,
        link: int | None = None,
        caveat: int | None = None,
        hook: HookName | None = None,
        keep: bool = False,
        redeemer: Addressed | None = None,
        gas: int = DEFAULT_GAS,
        registry: EnforcerRegistry | None = None,
    ) -> Denial:
        """Assert that a redemption is denied here. See `assert_denied`."""
        __tracebackhide__ = True
        return assert_denied(
            self.chain,
            redemption,
            by=by,
            stage=stage,
            link=link,
            caveat=caveat,
            hook=hook,
            keep=keep,
            redeemer=redeemer,
            gas=gas,
            registry=registry,
            names=self.names,
            tokens=self.shown_tokens,
        )

    def copy(self) -> Scene:
        """Return an independent scene in the same state."""
        return Scene(self.chain.copy(), root=self._root)


def prepare(chain: LocalChain, *, root: Path | None = None) -> Scene:
    """Return a scene on a copy of `chain`: ten funded accounts, three of them delegators, and the five tokens.

    Where an account has code, or a token's address has, what stands there is left alone.

    Args:
        chain: any local chain with the framework on it, a forked one too.
        root: the folder that paths of artifacts start from.

    Raises:
        EncodingError: the framework is not on the chain.
    """
    recording = RecordingChain.of(chain)
    if not recording.world.code(recording.manager):
        raise EncodingError.of("chain", expected=f"the delegation manager at {recording.manager}", got="no code there")
    for index, address in enumerate(_addresses()):
        recording.fund(address, FUNDS_WEI)
        if index in _DELEGATORS and not recording.world.code(address):
            recording.add_delegator(address, FUNDS_WEI)
    for coin in _prefab().values():
        if not recording.world.code(coin.address):
            recording.world.accounts[bytes(coin.address)] = coin.account
            for slot, value in coin.slots:
                recording.world.set_storage(coin.address, slot, value)
    return Scene(recording, root=root)


@cache
def _addresses() -> tuple[Address, ...]:
    return tuple(Address(_account(index).address) for index in range(ACCOUNT_COUNT))


@dataclass(frozen=True, slots=True)
class _Prefab:
    address: Address
    account: AccountState
    slots: tuple[tuple[int, int], ...]


@cache
def _prefab() -> dict[str, _Prefab]:
    """Deploy and mint the tokens once, on an empty chain, to be put on every other as they then are."""
    chain = LocalChain(world=World())
    made: dict[str, _Prefab] = {}
    for name, (title, symbol, decimals) in _COINS.items():
        arguments = encode(["string", "string", "uint8"], [title, symbol, decimals])
        address = chain.deploy(contract_code(name) + arguments, sender=_MINTER)
        for index in _DELEGATORS:
            amount = TOKENS_HELD * 10**decimals
            chain.send(_MINTER, address, _MINT + bytes(12) + _addresses()[index] + encode_uint(amount))
        account = chain.world.accounts[bytes(address)]
        made[name] = _Prefab(address, account, tuple(chain.world.slots[bytes(address)].items()))
    return made


@cache
def _abi(name: str) -> tuple[dict[str, Any], ...]:
    path = resources.files("delegations.evm") / "artifacts" / f"{name}.json"
    return tuple(json.loads(path.read_text(encoding="utf-8"))["abi"])
