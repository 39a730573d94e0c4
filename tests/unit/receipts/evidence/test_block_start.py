"""What a block writes before its first transaction: held against the contracts' own code, on a foreign machine."""

from __future__ import annotations

import pytest
from eth.vm.forks.cancun.constants import BEACON_ROOTS_CONTRACT_CODE
from eth.vm.forks.prague.constants import HISTORY_STORAGE_CONTRACT_CODE

from caveats.types import Address, keccak
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.forked import NodeState
from delegations.evm.pyevm import PyEvmEngine, StockPyEvmEngine
from delegations.evm.world import World
from delegations.receipts.evidence.block_start import (
    BEACON_ROOTS,
    BLOCK_HASHES,
    CODE_HASHES,
    StartedWorld,
    written_first,
)
from delegations.receipts.evidence.header import FIELDS, Header
from delegations.receipts.evidence.refusal import EvidenceError
from tests.unit.receipts.evidence.still_node import StillNode

SYSTEM = Address(b"\xff" * 19 + b"\xfe")
CODES = {BEACON_ROOTS: BEACON_ROOTS_CONTRACT_CODE, BLOCK_HASHES: HISTORY_STORAGE_CONTRACT_CODE}
NUMBER, TIME = 20_000, 1_790_000_123


def header(*, fields: int = 21) -> Header:
    values = {"number": NUMBER.to_bytes(2, "big"), "timestamp": TIME.to_bytes(4, "big")}
    filled = [values.get(name, keccak(name.encode())[: size or 0]) for name, size in FIELDS[:fields]]
    return Header(tuple(filled))


def world(codes: dict[bytes, bytes]) -> World:
    made = World()
    for address, code in codes.items():
        made.set_code(address, code)
    return made


def started(codes: dict[bytes, bytes]) -> StartedWorld:
    node = StillNode(world(codes), BlockEnv(chain_id=1, number=NUMBER - 1, timestamp=TIME - 12))
    return StartedWorld(NodeState(node.client, NUMBER - 1), header())


def test_it_is_what_the_contracts_write_when_the_system_calls_them() -> None:
    block, of = BlockEnv(chain_id=1, number=NUMBER, timestamp=TIME), header()
    written: dict[tuple[bytes, int], int] = {}
    for address, data in ((BEACON_ROOTS, of.parent_beacon_root), (BLOCK_HASHES, of.parent_hash)):
        call = Transaction(SYSTEM, Address(address), bytes(data or b""))
        outcome = StockPyEvmEngine().execute(world(CODES), block, call)
        assert outcome.success
        written |= outcome.diff.storage
    assert written == written_first(of)


def test_the_code_is_the_proposals() -> None:
    assert {address: keccak(code) for address, code in CODES.items()} == CODE_HASHES


def test_a_transaction_reads_what_its_block_wrote() -> None:
    of, block = header(), BlockEnv(chain_id=1, number=NUMBER, timestamp=TIME)
    for address, asked, told in (
        (BEACON_ROOTS, TIME, of.parent_beacon_root),
        (BLOCK_HASHES, NUMBER - 1, of.parent_hash),
    ):
        call = Transaction(Address(b"\x01" * 20), Address(address), asked.to_bytes(32, "big"))
        outcome = PyEvmEngine().execute(started(CODES).copy(), block, call)
        assert (outcome.success, outcome.output) == (True, bytes(told or b""))


def test_where_there_is_no_contract_nothing_is_written() -> None:
    assert [started({}).storage(*key) for key in written_first(header())] == [0, 0, 0]


def test_what_a_transaction_wrote_comes_before_it() -> None:
    begun = started(CODES)
    for address, slot in written_first(header()):
        begun.set_storage(address, slot, 5)
        assert begun.copy().storage(address, slot) == 5


def test_other_code_there_is_refused() -> None:
    begun = started(dict.fromkeys(CODES, b"\x00"))
    for key in written_first(header()):
        with pytest.raises(EvidenceError, match="has other code than its proposal gives") as caught:
            begun.storage(*key)
        assert caught.value.reason == "claim-not-established"


@pytest.mark.parametrize(("fields", "count"), [(15, 0), (19, 0), (20, 2), (21, 3)])
def test_only_what_the_blocks_fork_knows_is_written(fields: int, count: int) -> None:
    assert len(written_first(header(fields=fields))) == count
