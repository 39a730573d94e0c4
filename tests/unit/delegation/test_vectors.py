"""The delegation, its hash, its signature and all its bytes against tables made by foreign code."""

import pytest

from caveats import Address, Execution
from caveats.types import parse_hex
from delegations.delegation import (
    Delegation,
    decode_context,
    decode_delegation,
    encode_context,
    encode_delegation,
    hash_to_sign,
    recover_delegation_signer,
    sign_delegation,
    verify_chain,
    verify_signature,
)
from delegations.eip712 import DELEGATION_TYPE, DELEGATION_TYPEHASH, hash_domain, keccak, sign_digest
from delegations.execution import ExecutionMode, decode_executions, encode_executions
from delegations.redemption import Redemption, decode_redeem_delegations, encode_redeem_delegations
from tests.vectors.tables import list_named, load_table

SIGNED = load_table("delegations")["delegations"]
BYTES = load_table("redemptions")
BY_ABOUT = {row["about"]: Delegation.from_wire(row["delegation"]) for row in SIGNED}
CONTEXTS = {row["about"]: tuple(BY_ABOUT[name] for name in row["chain"]) for row in BYTES["contexts"]}
EXECUTIONS = {row["about"]: row for row in BYTES["executions"]}


class Account:
    def __init__(self, key):
        self.key = key


def read_executions(row):
    return ExecutionMode[row["mode"]], tuple(Execution.from_wire(wire) for wire in row["executions"])


def read_redemptions(row):
    pairs = [(CONTEXTS[r["context"]], *read_executions(EXECUTIONS[r["executions"]])) for r in row["redemptions"]]
    return tuple(Redemption(context=c, mode=m, executions=e) for c, m, e in pairs)


def test_the_type_hashes_are_those_of_their_types():
    assert keccak(DELEGATION_TYPE.encode()) == DELEGATION_TYPEHASH


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_json_is_the_same_in_and_out(row):
    delegation = Delegation.from_wire(row["delegation"])
    assert delegation.to_wire() == row["delegation"]
    assert Delegation.from_json(delegation.to_json()) == delegation


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_the_hash_is_that_of_the_table(row):
    assert str(Delegation.from_wire(row["delegation"]).hash) == row["hash"]


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_the_domain_and_the_digest_are_those_of_the_table(row):
    where = {"chain_id": row["chain_id"], "manager": Address(row["manager"])}
    assert str(hash_domain(*where.values())) == row["domain"]
    assert str(hash_to_sign(Delegation.from_wire(row["delegation"]), **where)) == row["digest"]


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_the_signature_is_that_of_the_table(row):
    where = {"chain_id": row["chain_id"], "manager": Address(row["manager"])}
    signed = Delegation.from_wire(row["delegation"])
    account = Account(parse_hex(row["key"]))
    assert sign_delegation(signed.with_signature(b""), account, **where, unsafe_unrestricted=True) == signed
    assert sign_digest(parse_hex(row["digest"]), account.key) == signed.signature


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_the_signature_of_the_table_is_the_delegators(row):
    where = {"chain_id": row["chain_id"], "manager": Address(row["manager"])}
    signed = Delegation.from_wire(row["delegation"])
    assert recover_delegation_signer(signed, **where) == signed.delegator
    verify_signature(signed, **where)


@pytest.mark.parametrize("row", list_named(BYTES["contexts"]))
def test_a_context_is_the_same_both_ways(row):
    chain = CONTEXTS[row["about"]]
    assert encode_context(chain) == parse_hex(row["encoded"])
    assert decode_context(parse_hex(row["encoded"])) == chain
    verify_chain(chain)


@pytest.mark.parametrize("row", list_named(BYTES["executions"]))
def test_executions_are_the_same_both_ways(row):
    mode, executions = read_executions(row)
    assert encode_executions(mode, executions) == parse_hex(row["encoded"])
    assert decode_executions(mode, parse_hex(row["encoded"])) == executions


@pytest.mark.parametrize("row", list_named(BYTES["calldata"]))
def test_calldata_is_the_same_both_ways(row):
    redemptions = read_redemptions(row)
    assert encode_redeem_delegations(redemptions) == parse_hex(row["encoded"])
    assert decode_redeem_delegations(parse_hex(row["encoded"])) == redemptions


@pytest.mark.parametrize("row", list_named(BYTES["calldata"]))
def test_redemptions_are_read_back_from_json(row):
    for redemption in read_redemptions(row):
        assert Redemption.from_json(redemption.to_json()) == redemption


@pytest.mark.parametrize("row", list_named(SIGNED))
def test_one_delegation_outside_a_chain_is_the_same_both_ways(row):
    delegation = Delegation.from_wire(row["delegation"])
    assert decode_delegation(encode_delegation(delegation)) == delegation
