"""Headers: the hashes of known blocks, of every fork a node can be told to follow, and of another implementation."""

from __future__ import annotations

from typing import Any

import pytest
from eth.vm.forks.cancun.headers import CancunBlockHeader
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.prague.headers import PragueBlockHeader
from eth.vm.forks.shanghai.blocks import ShanghaiBlockHeader
from hypothesis import given
from hypothesis import strategies as st

from caveats.errors import EncodingError
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.header import FIELDS, Header, decode_header, header_of_block
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.trie import EMPTY_ROOT
from tests.unit.receipts.evidence.live_chain import other_anvil

ZEROES = "0x" + "00" * 32
GENESIS: dict[str, Any] = {
    "parentHash": ZEROES,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": str(EMPTY_ROOT),
    "receiptsRoot": str(EMPTY_ROOT),
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x400000000",
    "number": "0x0",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": ZEROES,
    "nonce": "0x0000000000000042",
}
"""Block 0 of Ethereum, whose hash everybody knows."""
BY_FORK = {
    "baseFeePerGas": "0x7",
    "withdrawalsRoot": str(EMPTY_ROOT),
    "blobGasUsed": "0x0",
    "excessBlobGas": "0x20000",
    "parentBeaconBlockRoot": ZEROES,
    "requestsHash": "0x" + "33" * 32,
    "blockAccessListHash": "0x" + "44" * 32,
    "slotNumber": "0x5",
}


def reason_of(data: bytes) -> str:
    with pytest.raises(EvidenceError) as refused:
        decode_header(data)
    return refused.value.reason


def test_the_first_block_of_ethereum_has_its_hash() -> None:
    assert str(header_of_block(GENESIS).hash) == "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"


@pytest.mark.parametrize("fork", ["berlin", "london", "paris", "shanghai", "cancun", "prague", "osaka"])
def test_a_block_of_each_fork_hashes_to_what_the_node_says(fork: str) -> None:
    with other_anvil("--hardfork", fork) as client:
        client.call("evm_mine")
        block = client.call("eth_getBlockByNumber", "latest", False)
    header = header_of_block(block)
    assert str(header.hash) == block["hash"]
    assert decode_header(header.encode()) == header
    assert header.number == 1


@pytest.mark.parametrize(
    ("cls", "count", "names"),
    [
        (LondonBlockHeader, 16, ()),
        (ShanghaiBlockHeader, 17, ("withdrawals_root",)),
        (CancunBlockHeader, 20, ("withdrawals_root",)),
        (PragueBlockHeader, 21, ("withdrawals_root", "requests_hash")),
    ],
)
@given(number=st.integers(0, 2**64 - 1), word=st.binary(min_size=32, max_size=32), extra=st.binary(max_size=32))
def test_another_implementation_agrees_on_every_field(
    cls: Any, count: int, names: tuple[str, ...], number: int, word: bytes, extra: bytes
) -> None:
    theirs = cls(
        difficulty=0,
        block_number=number,
        gas_limit=number,
        timestamp=number,
        state_root=word,
        transaction_root=word[::-1],
        extra_data=extra,
        base_fee_per_gas=number,
        **dict.fromkeys(names, word),
    )
    import rlp as library

    ours = decode_header(library.encode(theirs))
    assert len(ours.fields) == count
    assert ours.hash == theirs.hash
    assert (ours.number, ours.timestamp, ours.base_fee_wei) == (number, number, number)
    assert (ours.state_root, ours.transactions_root) == (word, word[::-1])


@pytest.mark.parametrize("count", range(len(BY_FORK) + 1))
def test_fields_of_later_forks_are_appended_in_order(count: int) -> None:
    header = header_of_block({**GENESIS, **dict(list(BY_FORK.items())[:count])})
    assert len(header.fields) == 15 + count
    assert decode_header(header.encode()) == header


def test_a_later_field_without_an_earlier_one_is_refused() -> None:
    with pytest.raises(EncodingError, match="no baseFeePerGas, which an earlier fork added"):
        header_of_block({**GENESIS, "withdrawalsRoot": ZEROES})


@pytest.mark.parametrize("name", GENESIS)
def test_a_block_without_a_field_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(EncodingError, match=name):
        header_of_block({**GENESIS, name: None})


@pytest.mark.parametrize("name", [*GENESIS, *BY_FORK])
def test_every_field_changes_the_hash(name: str) -> None:
    whole = {**GENESIS, **BY_FORK}
    last = "1" if whole[name][-1] != "1" else "2"
    assert header_of_block({**whole, name: whole[name][:-1] + last}).hash != header_of_block(whole).hash


def test_fields_that_have_no_name_yet_are_kept() -> None:
    known = header_of_block({**GENESIS, **BY_FORK})
    later = Header((*known.fields, b"\x05"))
    assert decode_header(later.encode()) == later


@pytest.mark.parametrize("place", range(len(FIELDS)))
def test_a_field_of_another_size_is_refused(place: int) -> None:
    fields: list[rlp.Item] = list(header_of_block({**GENESIS, **BY_FORK}).fields)
    name, size = FIELDS[place]
    fields[place] = {None: [], 0: b"\0\1"}.get(size, b"\1" * ((size or 0) + 1))  # type: ignore[assignment]  # no header has this
    assert reason_of(rlp.encode(fields)) == "header-malformed", name


def test_what_is_no_header_is_refused() -> None:
    fields = header_of_block(GENESIS).fields
    assert reason_of(b"") == "header-malformed"
    assert reason_of(rlp.encode(fields[:14])) == "header-malformed"
    assert reason_of(rlp.encode(fields + (b"",) * 18)) == "header-malformed"
    assert reason_of(rlp.encode(fields) + b"\0") == "header-malformed"
    assert reason_of(rlp.encode((*fields[:12], b"\1" * 5000, *fields[13:]))) == "header-malformed"


def test_what_a_header_says_is_read_by_name() -> None:
    header = header_of_block({**GENESIS, **BY_FORK})
    assert (header.gas_limit, header.timestamp, header.excess_blob_gas) == (5000, 0, 0x20000)
    assert (str(header.mix_hash), bytes(header.coinbase)) == (ZEROES, bytes(20))
    assert (header.receipts_root, str(header.parent_hash)) == (EMPTY_ROOT, ZEROES)
    assert header_of_block(GENESIS).base_fee_wei is header_of_block(GENESIS).excess_blob_gas is None
