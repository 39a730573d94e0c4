"""Transactions and receipts of every type: as a node mines them, and as another implementation reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import rlp as library
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_account import Account

from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address, keccak
from delegations.evm import dev_account
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.mined import decode_mined_receipt, encode_mined_receipt
from delegations.receipts.evidence.node import FetchedBlock, Node
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.transactions import decode_transaction, encode_transaction
from delegations.receipts.evidence.trie import index_key
from tests.unit.receipts.evidence.live_chain import other_anvil

SENDER, TO = dev_account(0), Address(dev_account(1).address)
WHO = Address(SENDER.address)
WORD = "0x" + "11" * 32
BASE = {"gas": 100_000, "to": str(TO), "value": 7, "data": "0x1234", "chainId": 10}
FEES = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1}
ACCESS = [{"address": str(TO), "storageKeys": [WORD, "0x" + "22" * 32]}]


def authorization(nonce: int) -> Any:
    return SENDER.sign_authorization({"chainId": 10, "address": str(TO), "nonce": nonce})


KINDS: dict[str, dict[str, Any]] = {
    "legacy": {"gasPrice": 10**10},
    "access list": {"gasPrice": 10**10, "accessList": ACCESS, "type": 1},
    "fees": {**FEES, "accessList": ACCESS, "type": 2},
    "blobs": {**FEES, "maxFeePerBlobGas": 10**9, "blobVersionedHashes": ["0x01" + "22" * 31], "type": 3},
    "authorizations": {**FEES, "authorizationList": [authorization(5)], "type": 4},
}


class Block(NamedTuple):
    """A mined block, its transactions as they were signed, and its receipts."""

    fetched: FetchedBlock
    raw: list[bytes]
    receipts: list[dict[str, Any]]


def signed(name: str, nonce: int) -> bytes:
    return bytes(SENDER.sign_transaction({**BASE, **KINDS[name], "nonce": nonce}).raw_transaction)


@pytest.fixture(scope="module")
def block() -> Iterator[Block]:
    """A block of one transaction of each type but blobs."""
    with other_anvil("--chain-id", "10", "--hardfork", "prague") as client:
        raw = [signed(name, nonce) for nonce, name in enumerate(name for name in KINDS if name != "blobs")]
        for each in raw:
            client.call("eth_sendRawTransaction", "0x" + each.hex())
        client.call("evm_mine")
        node = Node(client)
        fetched = node.block(None)
        assert node.transactions(fetched).root == fetched.header.transactions_root
        assert node.receipts(fetched, node.told_receipts(fetched)).root == fetched.header.receipts_root
        yield Block(fetched, raw, client.call("eth_getBlockReceipts", "latest"))


@pytest.mark.parametrize("place", range(4))
def test_what_a_node_tells_of_a_transaction_is_encoded_as_it_was_signed(block: Block, place: int) -> None:
    told = block.fetched.transactions[place]
    assert encode_transaction(told) == block.raw[place]
    assert str(decode_transaction(block.raw[place]).hash) == told["hash"]


@pytest.mark.parametrize("place", range(4))
def test_a_receipt_is_read_back_as_the_node_tells_it(block: Block, place: int) -> None:
    told = block.receipts[place]
    read = decode_mined_receipt(encode_mined_receipt(told))
    assert (read.success, read.number) == (told["status"] == "0x1", int(told["type"], 16))
    assert (read.cumulative_gas, read.logs) == (int(told["cumulativeGasUsed"], 16), ())


@pytest.mark.parametrize("name", KINDS)
def test_another_implementation_reads_the_same(name: str) -> None:
    raw = signed(name, 3)
    ours, theirs = decode_transaction(raw), PragueTransactionBuilder.decode(raw)
    assert (ours.hash, ours.sender) == (theirs.hash, theirs.sender)
    assert (ours.to, ours.data) == (theirs.to, theirs.data)
    assert (ours.fields["nonce"], ours.fields["gas"], ours.fields["value"]) == (theirs.nonce, theirs.gas, theirs.value)
    assert ours.chain_id == 10


@pytest.mark.parametrize("name", KINDS)
def test_the_sender_is_whose_key_signed(name: str) -> None:
    raw = signed(name, 0)
    assert decode_transaction(raw).sender == WHO == Address(Account.recover_transaction(raw))


def test_a_legacy_transaction_may_name_no_chain() -> None:
    fields = {**BASE, "gasPrice": 1, "nonce": 0}
    del fields["chainId"]
    read = decode_transaction(bytes(SENDER.sign_transaction(fields).raw_transaction))
    assert (read.chain_id, read.sender) == (None, WHO)
    assert "chainId" not in read.as_wire()


def test_a_transaction_that_creates_calls_nobody() -> None:
    fields = {**BASE, **FEES, "nonce": 0}
    del fields["to"]
    read = decode_transaction(bytes(SENDER.sign_transaction(fields).raw_transaction))
    assert read.to is read.as_wire()["to"] is None


def test_deposits_make_the_roots_of_an_op_stack_block() -> None:
    with other_anvil("--network", "optimism", "--chain-id", "10") as client:
        deposit = {"type": "0x7e", "from": SENDER.address, "to": str(TO), "gas": "0x30d40", "isSystemTx": False}
        for number, more in enumerate(
            ({"value": "0x5", "mint": "0x0", "input": "0x12"}, {"value": "0x0", "mint": "0x7"})
        ):
            client.call("eth_sendTransaction", {**deposit, **more, "sourceHash": f"0x{number + 1:064x}"})
        client.call("evm_mine")
        node = Node(client)
        fetched = node.block(None)
        transactions, receipts = node.contents(fetched)
    assert transactions.root == fetched.header.transactions_root
    assert receipts.root == fetched.header.receipts_root
    for place, told in enumerate(fetched.transactions):
        raw, receipt = transactions.get(index_key(place)), receipts.get(index_key(place))
        assert raw is not None
        assert receipt is not None
        read = decode_transaction(raw)
        assert (str(read.hash), read.sender, read.chain_id) == (told["hash"], WHO, None)
        assert decode_mined_receipt(receipt).deposit_nonce is not None


DEPOSIT = {
    "type": "0x7e",
    "sourceHash": WORD,
    "from": SENDER.address,
    "to": None,
    "value": "0x5",
    "gas": "0x30d40",
    "input": "0x",
}
TOLD = {"status": "0x1", "cumulativeGasUsed": "0x5208", "logsBloom": "0x" + "00" * 256, "logs": []}


def test_what_nodes_leave_out_of_a_deposit_is_zero() -> None:
    whole = {**DEPOSIT, "mint": "0x0", "isSystemTx": False}
    assert encode_transaction(DEPOSIT) == encode_transaction(whole)
    fields = [bytes.fromhex("11" * 32), bytes.fromhex(SENDER.address[2:]), b"", 0, 5, 200_000, 0, b""]
    assert encode_transaction(DEPOSIT) == b"\x7e" + library.encode(fields)


@pytest.mark.parametrize(
    ("more", "extra"),
    [
        ({}, []),
        ({"depositNonce": "0x3"}, []),  # Regolith: told, but no part of what is committed to
        ({"depositNonce": "0x3", "depositReceiptVersion": "0x1"}, [3, 1]),
        ({"depositNonce": "0x3", "depositReceiptVersion": "0x1", "l1Fee": "0x9"}, [3, 1]),
    ],
)
def test_a_deposits_receipt_holds_nonce_and_version_only_with_a_version(more: dict[str, Any], extra: list[int]) -> None:
    told = {**TOLD, "type": "0x7E", **more}
    assert encode_mined_receipt(told) == b"\x7e" + library.encode([1, 21_000, bytes(256), [], *extra])
    assert decode_mined_receipt(encode_mined_receipt(told)).deposit_nonce == (extra[0] if extra else None)


def test_a_receipt_of_before_byzantium_holds_a_root_instead_of_a_status() -> None:
    told = {**TOLD, "root": WORD, "type": "0x0"}
    del told["status"]
    read = decode_mined_receipt(encode_mined_receipt(told))
    assert read.success is None


def test_logs_are_read_back() -> None:
    log = {"address": str(TO).lower(), "topics": [WORD, WORD], "data": "0xabcd"}
    (read,) = decode_mined_receipt(encode_mined_receipt({**TOLD, "type": "0x2", "logs": [log]})).logs
    assert read == (bytes(TO), (bytes.fromhex("11" * 32),) * 2, b"\xab\xcd")


@pytest.mark.parametrize("number", ["0x64", "0x6a", "0x78", "0x7b", "0x5"])
def test_a_type_that_is_not_known_is_refused(number: str) -> None:
    with pytest.raises(UnsupportedError, match="type"):
        encode_transaction({**DEPOSIT, "type": number})
    with pytest.raises(UnsupportedError, match="type"):
        encode_mined_receipt({**TOLD, "type": number})
    raw = bytes([int(number, 16)]) + b"\xc0"
    for decode in (decode_transaction, decode_mined_receipt):
        with pytest.raises(EvidenceError) as refused:
            decode(raw)
        assert refused.value.reason == "unsupported-type"


@pytest.mark.parametrize("name", ["nonce", "gas", "input", "maxFeePerGas", "r", "chainId"])
def test_a_transaction_without_a_field_is_refused_by_its_name(block: Block, name: str) -> None:
    told = {key: value for key, value in block.fetched.transactions[2].items() if key != name}
    with pytest.raises(EncodingError, match=name):
        encode_transaction(told)


@pytest.mark.parametrize(
    "change",
    [
        {"accessList": [{"address": WORD}]},
        {"accessList": "0x"},
        {"to": "0x12"},
        {"yParity": "0x2", "v": "0x2"},
        {"blobVersionedHashes": ["0x12"]},
        {"type": "0x4", "authorizationList": [{"chainId": "0x1"}]},
        {"type": "0x4"},
    ],
)
def test_a_field_that_cannot_be_read_is_refused(block: Block, change: dict[str, Any]) -> None:
    told = {**block.fetched.transactions[2], "type": "0x3", "maxFeePerBlobGas": "0x1", "blobVersionedHashes": []}
    assert encode_transaction(told)
    with pytest.raises(EncodingError):
        encode_transaction({**told, **change})


def refused(raw: bytes, decode: Any = decode_transaction) -> str:
    with pytest.raises(EvidenceError) as error:
        decode(raw)
    return error.value.reason


def test_bytes_that_are_no_transaction_are_refused() -> None:
    raw = signed("fees", 0)
    assert refused(b"") == "transaction-malformed"
    assert refused(raw[:-1]) == "transaction-malformed"
    assert refused(raw + b"\0") == "transaction-malformed"
    assert refused(b"\x02\xc0") == "transaction-malformed"
    assert refused(b"\0" + raw[1:]) == "unsupported-type"


def test_bytes_that_are_no_receipt_are_refused() -> None:
    good: list[Any] = [b"\1", b"\x52", bytes(256), []]
    assert decode_mined_receipt(rlp.encode(good)).success
    for place, bad in ((0, b"\2"), (0, b"\1\1"), (1, b"\0"), (2, bytes(255)), (3, b""), (3, [[b""]])):
        assert (
            refused(rlp.encode([*good[:place], bad, *good[place + 1 :]]), decode_mined_receipt) == "receipt-malformed"
        )
    assert refused(rlp.encode(good[:3]), decode_mined_receipt) == "receipt-malformed"
    assert refused(rlp.encode([*good, b"\1", b"\1"]), decode_mined_receipt) == "receipt-malformed"
    assert refused(b"\x7e" + rlp.encode([*good, b"\1"]), decode_mined_receipt) == "receipt-malformed"


def test_a_signature_that_names_no_key_is_refused() -> None:
    items = rlp.decode_list(signed("fees", 0)[1:])
    items[-2:] = [b"", b""]
    with pytest.raises(EvidenceError, match="signature"):
        _ = decode_transaction(b"\x02" + rlp.encode(items)).sender


def test_a_legacy_signature_with_another_v_is_refused() -> None:
    items = rlp.decode_list(signed("legacy", 0))
    items[-3] = b"\x1d"
    with pytest.raises(EvidenceError, match="expected v 27, 28"):
        _ = decode_transaction(rlp.encode(items)).sender


def test_the_hash_is_that_of_all_bytes() -> None:
    raw = signed("fees", 0)
    assert decode_transaction(raw).hash == keccak(raw)
