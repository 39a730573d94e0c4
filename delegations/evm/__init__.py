"""Engines and the local chain. Importing this does not load py-evm; starting a chain does."""

from delegations.evm.chain import GENESIS_AT, ONE_ETHER, LocalChain, contract_code
from delegations.evm.devnet import dev_account
from delegations.evm.engine import BlockEnv, CallFrame, Capability, Engine, Log, Outcome, PlainEngine, Transaction
from delegations.evm.select import AutoEngine, BothEngine, DisagreementError, make_engine
from delegations.evm.world import AccountState, StateDiff, World

__all__ = [
    "LocalChain",
    "contract_code",
    "dev_account",
    "GENESIS_AT",
    "ONE_ETHER",
    "World",
    "AccountState",
    "StateDiff",
    "Engine",
    "PlainEngine",
    "Capability",
    "make_engine",
    "AutoEngine",
    "BothEngine",
    "DisagreementError",
    "BlockEnv",
    "Transaction",
    "Outcome",
    "CallFrame",
    "Log",
]
