"""The chains a wallet grants on, and what it has to know of them before it signs or lists.

Everything is read at one block, and what could not be read is an error: a nonce is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caveats.attempt import StateKey
from caveats.errors import EngineError
from caveats.revocation.nonce import Nonce
from caveats.types import Address, Bytes32
from delegations.delegation import Delegation
from delegations.framework.deployments import Deployment, canonical_deployment
from delegations.manager import MetaMaskManager
from delegations.permissions.wallet.submit import Submitter
from delegations.simulation.state import Slot, Snapshot, StateReader


class AccountState(NamedTuple):
    """What the chain says of an account.

    Attributes:
        nonce: of the NonceEnforcer; grants that carry another one do not hold.
        code: at the address.
        at: unix seconds of the block.
    """

    nonce: int
    code: bytes
    at: int


@dataclass(frozen=True)
class WalletChain:
    """One chain.

    Args:
        chain_id: of it.
        reader: reads its state, such as NodeReader or ChainReader.
        deployment: the framework there; 1.3.0 at its canonical addresses when None.
        submitter: carries out what accounts do on chain; without one grants are revoked off chain only.
    """

    chain_id: int
    reader: StateReader
    deployment: Deployment | None = None
    submitter: Submitter | None = None

    @property
    def framework(self) -> Deployment:
        """The framework's contracts there."""
        return self.deployment or canonical_deployment(self.chain_id)

    @property
    def manager(self) -> Address:
        """The delegation manager grants are signed for."""
        return self.framework.manager

    def read_account(self, account: Address) -> AccountState:
        """Return what the chain says of an account now.

        Raises:
            EngineError: it could not be asked, is another chain than it should be, or lacks the framework.
        """
        enforcer = self.framework.addresses["NonceEnforcer"]
        slot = (bytes(enforcer), self._nonce_slot(account))
        seen = self._read([slot], [account, enforcer])
        return AccountState(seen.word(*slot), seen.code(account), seen.timestamp)

    def find_dead(self, delegations: Sequence[Delegation]) -> Mapping[Bytes32, str]:
        """Return the delegations the chain no longer honours by its delegator's own will, each with why.

        `disabled` was disabled at the manager; `nonce` carries a nonce that is not the delegator's any more.

        Raises:
            EngineError: as `read_account`.
        """
        if not delegations:
            return {}
        disabled = {d.hash: (bytes(self.manager), MetaMaskManager().disabled_slot(d.hash)) for d in delegations}
        enforcer = self.framework.addresses["NonceEnforcer"]
        nonces = {d.hash: (bytes(enforcer), self._nonce_slot(d.delegator)) for d in delegations}
        seen = self._read([*disabled.values(), *nonces.values()], [enforcer])
        dead: dict[Bytes32, str] = {}
        for delegation in delegations:
            current = seen.word(*nonces[delegation.hash])
            if seen.word(*disabled[delegation.hash]):
                dead[delegation.hash] = "disabled"
            elif any(nonce != current for nonce in self._nonces(delegation, enforcer)):
                dead[delegation.hash] = "nonce"
        return dead

    def _nonces(self, delegation: Delegation, enforcer: Address) -> list[int]:
        return [int.from_bytes(caveat.terms, "big") for caveat in delegation.caveats if caveat.enforcer == enforcer]

    def _nonce_slot(self, account: Address) -> int:
        key = StateKey(caller=self.manager, delegator=account, delegation_hash=Bytes32(bytes(32)))
        return Nonce(nonce=0).state_slot(key)

    def _read(self, slots: list[Slot], codes: list[Address]) -> Snapshot:
        seen = self.reader.read(list(dict.fromkeys(slots)), list(dict.fromkeys([*codes, self.manager])))
        if seen.chain_id != self.chain_id:
            raise EngineError(f"chain: expected id {self.chain_id}, got {seen.chain_id}")
        for needed in (self.manager, self.framework.addresses["NonceEnforcer"]):
            if bytes(needed) in seen.codes and not seen.code(needed):
                raise EngineError(f"chain {self.chain_id}: the framework does not stand there, no code at {needed}")
        return seen
