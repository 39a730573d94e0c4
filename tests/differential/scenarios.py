"""Random worlds of contracts, and a transaction that starts them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from caveats.types import Address
from delegations.evm.engine import Transaction
from delegations.evm.world import AccountState, World
from delegations.framework.constants import EIP7702_PREFIX
from tests.differential.programs import CONTRACTS, DELEGATED, FUNDED, SENDER, Writer

_AMPLE_GAS = [60_000, 200_000, 400_000, 400_000]


@dataclass(frozen=True)
class Scenario:
    """A world and the transaction to run on it."""

    seed: int
    world: World
    transaction: Transaction

    @property
    def least_gas(self) -> int:
        """Gas that covers the intrinsic gas and the floor of the transaction."""
        create = 32_000 if self.transaction.to is None else 0
        return 21_000 + create + 42 * len(self.transaction.data)

    def with_gas(self, gas: int) -> Scenario:
        return replace(self, transaction=replace(self.transaction, gas=gas))


def scenario_of(seed: int) -> Scenario:
    """Return the scenario of a seed, with ample gas."""
    rnd = random.Random(seed)  # noqa: S311  # the same programs for the same seed is the point
    world = World()
    world.accounts[bytes(SENDER)] = AccountState(10**20, rnd.randrange(3))
    world.accounts[bytes(FUNDED)] = AccountState(1)
    for address in CONTRACTS:
        code = Writer(rnd, 0).program()
        world.accounts[bytes(address)] = AccountState(rnd.choice([0, 1, 10**6]), rnd.choice([0, 1, 1, 2**64 - 1]), code)
        for slot in range(4):
            if rnd.random() < 0.5:
                world.set_storage(address, slot, rnd.choice([1, 2, 2**255]))
    targets = [CONTRACTS[0], CONTRACTS[1], DELEGATED[0], Address(bytes(19) + b"\x04")]
    for address, target in zip(DELEGATED, targets, strict=True):
        world.accounts[bytes(address)] = AccountState(rnd.choice([0, 5]), 1, EIP7702_PREFIX + target)
    if rnd.random() < 0.1:
        world.accounts[bytes(SENDER)] = AccountState(10**20, 1, EIP7702_PREFIX + CONTRACTS[2])
    to: Address | None = rnd.choice([*CONTRACTS, *CONTRACTS, *DELEGATED[:2], SENDER])
    data = rnd.randbytes(rnd.choice([0, 0, 4, 36, 100]))
    if rnd.random() < 0.1:
        to, data = None, Writer(rnd, 1).init_code()
    return Scenario(seed, world, Transaction(SENDER, to, data, rnd.choice([0, 0, 0, 1, 10**6]), rnd.choice(_AMPLE_GAS)))
