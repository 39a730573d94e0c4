"""Our bytes, hashes and signatures against eth_abi, eth_account and eth_keys: other people's code, other mistakes."""

import eth_abi
import pytest
from eth_abi.exceptions import DecodingError
from eth_abi.packed import encode_packed
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_keys import keys
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import EncodingError
from caveats.execution import decode_execution_batch, encode_execution_batch, encode_packed_execution
from caveats.types import keccak, to_checksum
from delegations.delegation import (
    Delegation,
    decode_context,
    encode_context,
    encode_delegation,
    hash_delegation,
    hash_to_sign,
    recover_delegation_signer,
    sign_delegation,
)
from delegations.eip712 import hash_domain, recover_signer, sign_digest
from delegations.redemption import REDEEM_DELEGATIONS, encode_redeem_delegations
from tests import strategies

DELEGATION = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)"
EXECUTIONS = "(address,uint256,bytes)[]"
TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "Caveat": [{"name": "enforcer", "type": "address"}, {"name": "terms", "type": "bytes"}],
    "Delegation": [
        {"name": "delegate", "type": "address"},
        {"name": "delegator", "type": "address"},
        {"name": "authority", "type": "bytes32"},
        {"name": "caveats", "type": "Caveat[]"},
        {"name": "salt", "type": "uint256"},
    ],
}


def plain(delegation):
    return (
        str(delegation.delegate).lower(),
        str(delegation.delegator).lower(),
        bytes(delegation.authority),
        tuple((str(c.enforcer).lower(), c.terms, c.args) for c in delegation.caveats),
        delegation.salt,
        delegation.signature,
    )


def plain_execution(execution):
    return (str(execution.target).lower(), execution.value, execution.call_data)


def typed_message(delegation, chain_id, manager):
    return {
        "types": TYPES,
        "primaryType": "Delegation",
        "domain": {
            "name": "DelegationManager",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": str(manager),
        },
        "message": {
            "delegate": str(delegation.delegate),
            "delegator": str(delegation.delegator),
            "authority": bytes(delegation.authority),
            "caveats": [{"enforcer": str(c.enforcer), "terms": c.terms} for c in delegation.caveats],
            "salt": delegation.salt,
        },
    }


@given(st.lists(strategies.delegations(), max_size=3))
def test_a_context_is_what_eth_abi_writes_and_reads(context):
    ours = encode_context(context)
    assert ours == eth_abi.encode([f"{DELEGATION}[]"], [[plain(d) for d in context]])
    (read,) = eth_abi.decode([f"{DELEGATION}[]"], ours)
    assert list(read) == [plain(d) for d in context]


@given(strategies.delegations())
def test_a_delegation_is_what_eth_abi_writes(delegation):
    assert encode_delegation(delegation) == eth_abi.encode([DELEGATION], [plain(delegation)])


@given(st.lists(strategies.executions(), max_size=3))
def test_a_batch_is_what_eth_abi_writes(executions):
    assert encode_execution_batch(executions) == eth_abi.encode(
        [EXECUTIONS], [[plain_execution(e) for e in executions]]
    )


@given(strategies.executions())
def test_a_packed_execution_is_what_eth_abi_packs(execution):
    packed = encode_packed(["address", "uint256", "bytes"], plain_execution(execution))
    assert encode_packed_execution(execution) == packed


@given(st.lists(strategies.redemptions(), min_size=1, max_size=3))
def test_calldata_is_what_eth_abi_writes_and_reads(redemptions):
    parts = (
        tuple(eth_abi.encode([f"{DELEGATION}[]"], [[plain(d) for d in r.context]]) for r in redemptions),
        tuple(bytes(r.mode.value) for r in redemptions),
        tuple(
            eth_abi.encode([EXECUTIONS], [[plain_execution(e) for e in r.executions]])
            if r.mode.is_batch
            else encode_packed(["address", "uint256", "bytes"], plain_execution(r.executions[0]))
            for r in redemptions
        ),
    )
    ours = encode_redeem_delegations(redemptions)
    assert ours == REDEEM_DELEGATIONS + eth_abi.encode(["bytes[]", "bytes32[]", "bytes[]"], parts)
    assert eth_abi.decode(["bytes[]", "bytes32[]", "bytes[]"], ours[4:]) == parts


def test_the_selector_is_that_of_the_signature():
    assert keccak(b"redeemDelegations(bytes[],bytes32[],bytes[])")[:4] == REDEEM_DELEGATIONS


@settings(max_examples=300)
@given(st.lists(strategies.delegations(), min_size=1, max_size=2), st.data())
def test_what_eth_abi_reads_of_a_changed_context_we_read_the_same(context, data):
    encoded = encode_context(context)
    at = 32 * data.draw(st.integers(0, len(encoded) // 32 - 1))
    word = data.draw(strategies.uints() | st.integers(0, 60).map(lambda n: 32 * n))
    changed = encoded[:at] + word.to_bytes(32, "big") + encoded[at + 32 :]
    try:
        (theirs,) = eth_abi.decode([f"{DELEGATION}[]"], changed)
    except (DecodingError, OverflowError):
        return
    assert [plain(d) for d in decode_context(changed)] == list(theirs)


@settings(max_examples=300)
@given(st.lists(strategies.executions(), min_size=1, max_size=2), st.data())
def test_what_eth_abi_reads_of_a_changed_batch_we_read_the_same(executions, data):
    encoded = encode_execution_batch(executions)
    at = 32 * data.draw(st.integers(0, len(encoded) // 32 - 1))
    word = data.draw(strategies.uints() | st.integers(0, 30).map(lambda n: 32 * n))
    changed = encoded[:at] + word.to_bytes(32, "big") + encoded[at + 32 :]
    try:
        (theirs,) = eth_abi.decode([EXECUTIONS], changed)
    except (DecodingError, OverflowError):
        return
    assert [plain_execution(e) for e in decode_execution_batch(changed)] == list(theirs)


@given(strategies.delegations(), strategies.uints(), strategies.addresses())
def test_the_digest_is_what_eth_account_hashes(delegation, chain_id, manager):
    theirs = encode_typed_data(full_message=typed_message(delegation, chain_id, manager))
    assert theirs.header == hash_domain(chain_id, manager)
    assert theirs.body == hash_delegation(delegation)
    assert _hash_eip191_message(theirs) == hash_to_sign(delegation, chain_id=chain_id, manager=manager)


@given(strategies.delegations(), strategies.private_keys(), strategies.uints(64), strategies.addresses())
def test_the_signature_is_what_eth_account_signs(delegation, key, chain_id, manager):
    account = Account.from_key(key)
    where = {"chain_id": chain_id, "manager": manager}
    ours = sign_delegation(delegation, account, **where, unsafe_unrestricted=True)
    theirs = Account.sign_typed_data(key, full_message=typed_message(delegation, chain_id, manager))
    assert ours.signature == theirs.signature
    assert str(recover_delegation_signer(ours, **where)) == account.address


@given(strategies.private_keys(), strategies.words())
def test_a_digest_is_signed_and_recovered_as_by_eth_keys(key, digest):
    theirs = keys.PrivateKey(key).sign_msg_hash(bytes(digest))
    ours = sign_digest(digest, key)
    assert ours == theirs.to_bytes()[:64] + bytes([27 + theirs.v])
    expected = theirs.recover_public_key_from_msg_hash(bytes(digest)).to_canonical_address()
    assert recover_signer(digest, ours) == expected


@given(strategies.addresses())
def test_a_checksum_is_what_eth_utils_writes(address):
    assert to_checksum(address) == to_checksum_address(bytes(address))


@pytest.mark.parametrize("field", ["terms", "enforcer"])
def test_what_eth_account_hashes_as_empty_we_refuse(field):
    caveat = {"enforcer": "0x" + "11" * 20, "terms": "0x01"}
    caveat[field] = None
    with pytest.raises(EncodingError, match=f"Delegation.caveats.0.{field}: "):
        Delegation.from_wire(
            {"delegate": "0x" + "22" * 20, "delegator": "0x" + "33" * 20, "caveats": [caveat], "salt": 0}
        )
