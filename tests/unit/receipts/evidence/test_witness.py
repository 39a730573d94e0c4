"""What a witness holds: what the call reads, all of it, and nothing else."""

from __future__ import annotations

import pytest
import rlp
from trie import HexaryTrie

from caveats import LimitedCalls
from caveats.caveat import Caveat
from caveats.errors import EncodingError, EngineError, TransportError, UnsupportedError
from caveats.types import keccak
from delegations.evm.chain import LocalChain
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.witness import official_codes
from delegations.receipts.evidence.witness_of import client_of, witness_denial
from delegations.redemption import redeem
from tests.unit.receipts.evidence.denials import OF_ONES_OWN
from tests.unit.receipts.evidence.staged import (
    AGENT,
    ALICE,
    CHAIN_ID,
    Staged,
    above_the_allowance,
    chain,
    grant,
    pay,
    stage,
)


@pytest.fixture(scope="module")
def staged() -> Staged:
    return above_the_allowance()


def collect(staged: Staged, **more) -> BundleBuilder:
    builder = BundleBuilder(staged.node.header)
    witness_denial(builder, staged.node.client, staged.receipt, staged.call_data, **more)
    return builder


def test_a_witness_lists_every_account_the_call_reads(staged):
    read = {account.address for account in staged.bundle.witness.accounts}
    caveats = {caveat.enforcer for caveat in staged.redemptions[0].leaf.caveats}
    assert {AGENT, ALICE, staged.chain.manager, EIP7702_STATELESS_DELEGATOR, *caveats} <= read


def test_a_witness_lists_no_account_the_call_never_came_to(staged):
    assert staged.redemptions[0].executions[0].target not in {a.address for a in staged.bundle.witness.accounts}


def test_a_witness_lists_the_counters_that_decided(staged):
    leaf = staged.redemptions[0].leaf
    slots = {a.address: a.slots for a in staged.bundle.witness.accounts}
    assert all(len(slots[caveat.enforcer]) == 1 for caveat in leaf.caveats)


def test_every_listed_account_and_slot_is_proven_as_a_foreign_library_proves_it(staged):
    header = staged.node.header
    nodes = [rlp.decode(node) for node in staged.bundle.nodes]
    for account in staged.bundle.witness.accounts:
        leaf = HexaryTrie.get_from_proof(header.state_root, keccak(account.address), nodes)
        known = staged.node.world.account(account.address)
        assert bool(leaf) == (known is not None)
        for slot in account.slots:
            root = rlp.decode(leaf)[2]
            found = HexaryTrie.get_from_proof(root, keccak(slot), nodes)
            value = staged.node.world.storage(account.address, int.from_bytes(slot, "big"))
            assert (int.from_bytes(rlp.decode(found), "big") if found else 0) == value


def test_official_code_is_left_out(staged):
    assert staged.bundle.codes == (EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR,)


def test_code_of_ones_own_comes_along():
    local = chain()
    local.world.set_code(OF_ONES_OWN, bytes.fromhex("5f5ffd"))
    staged = stage(local, redeem(grant([Caveat(enforcer=OF_ONES_OWN, terms=b"")]), pay(1)))
    assert bytes.fromhex("5f5ffd") in staged.bundle.codes


def test_official_codes_are_those_of_the_chain():
    code = LocalChain(CHAIN_ID).world.code(LocalChain(CHAIN_ID).manager)
    assert official_codes(CHAIN_ID)[keccak(code)] == code
    assert keccak(code) not in official_codes(CHAIN_ID + 1)


def test_the_same_denial_gives_the_same_bundle(staged):
    assert collect(staged).build().sha256 == staged.bundle.sha256


def test_a_bundle_of_a_denial_is_small(staged):
    assert len(staged.bundle.compressed()) < 10_000


def test_a_web3_instance_serves_as_well(staged):
    class Web3:
        provider = staged.node

    builder = BundleBuilder(staged.node.header)
    witness_denial(builder, Web3(), staged.receipt, staged.call_data)
    assert builder.build().sha256 == staged.bundle.sha256


def test_what_is_no_client_is_refused():
    with pytest.raises(EncodingError, match="expected a web3 instance or an RpcClient, got str"):
        client_of("http://127.0.0.1")


def test_other_calldata_than_the_receipts_is_refused(staged):
    builder = BundleBuilder(staged.node.header)
    with pytest.raises(EncodingError, match="call data: expected the bytes that hash to"):
        witness_denial(builder, staged.node.client, staged.receipt, staged.call_data + b"\0")


def test_the_header_of_another_block_is_refused(staged):
    local = chain()
    local.advance(100)
    other = stage(local, redeem(grant([LimitedCalls(limit=1)], delegate=ALICE), pay(1)), redeemer=AGENT)
    with pytest.raises(EncodingError, match="header: expected block"):
        witness_denial(BundleBuilder(other.node.header), other.node.client, staged.receipt, staged.call_data)


def faulty(method: str, change) -> Staged:
    made = above_the_allowance()
    made.node.changes[method] = change
    return made


def test_a_node_of_another_chain_is_refused():
    with pytest.raises(EncodingError, match="node: expected chain 10, got 11"):
        collect(faulty("eth_chainId", lambda _: "0xb"))


def test_a_node_without_proofs_is_refused():
    made = above_the_allowance()
    made.node.silent.add("eth_getProof")
    with pytest.raises(EngineError, match="did not prove its state"):
        collect(made)


def test_a_proof_that_does_not_hold_is_refused():
    with pytest.raises(TransportError, match="does not hold against block"):
        collect(faulty("eth_getProof", lambda told: {**told, "accountProof": told["accountProof"][:1]}))


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("eth_getCode", lambda code: code if code == "0x" else code + "00"),
        ("eth_getBalance", lambda balance: hex(int(balance, 16) + 1)),
        ("eth_getTransactionCount", lambda nonce: hex(int(nonce, 16) + 1)),
    ],
)
def test_what_the_node_says_besides_its_proofs_is_refused(method, change):
    with pytest.raises(TransportError, match="what its own proof does not show"):
        collect(faulty(method, change))


def test_the_hash_of_an_old_block_cannot_be_witnessed():
    local = chain()
    local.block_number = 1_000
    # BLOCKHASH(900), then revert
    local.world.set_code(OF_ONES_OWN, bytes.fromhex("61038440505f5ffd"))
    staged = stage(local, redeem(grant([Caveat(enforcer=OF_ONES_OWN, terms=b"")]), pay(1)))
    with pytest.raises(UnsupportedError, match="reads the hash of block 900"):
        collect(staged)
