"""A contract account's word on a grant, asked again over a witness."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from caveats import LimitedCalls
from caveats.types import Address
from delegations.delegation import create_delegation, hash_to_sign
from delegations.evm import LocalChain
from delegations.framework.constants import SIMPLE_FACTORY
from delegations.receipts import GrantReceipt, make_grant_receipt
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.collect import prove
from delegations.receipts.evidence.opened import open_bundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay_signature import replay_signature, signature_call
from delegations.receipts.evidence.verify import verify
from delegations.receipts.evidence.witness_of import witness_signature
from tests.receipts_corpus import accounts
from tests.receipts_corpus.accounts import Account
from tests.unit.receipts.evidence.staged import AGENT, CHAIN_ID
from tests.unit.receipts.evidence.still_node import StillNode

KINDS = {"an owner": accounts.owned, "two of three": accounts.shared, "a passkey": accounts.of_a_passkey}


@dataclass
class Granted:
    """A grant of a contract account, and the chain on which the account can be asked."""

    account: Account
    node: StillNode
    receipt: GrantReceipt

    @property
    def bundle(self) -> Bundle:
        builder = BundleBuilder(self.node.header)
        witness_signature(builder, self.node.client, self.receipt)
        return builder.build()


def granted_by(account: Account, *, sign=None, deploy: bool = True, code: bytes | None = None) -> Granted:
    local = LocalChain(CHAIN_ID)
    if deploy:
        assert local.send(AGENT, SIMPLE_FACTORY, account.deployment).success
    if code is not None:
        local.world.set_code(account.address, code)
    unsigned = create_delegation(delegator=account.address, delegate=AGENT, caveats=[LimitedCalls(limit=1)], salt=7)
    digest = bytes(hash_to_sign(unsigned, chain_id=CHAIN_ID, manager=local.manager))
    signed = unsigned.with_signature((sign or account.sign)(digest))
    receipt = make_grant_receipt(signed, chain_id=CHAIN_ID, manager=local.manager, scheme="erc1271")
    return Granted(account, StillNode(local.world, local.block), receipt)


def asked_again(granted: Granted, bundle: Bundle | None = None):
    return replay_signature(granted.receipt, open_bundle(bundle or granted.bundle, granted.node.header.hash))


@pytest.mark.parametrize("kind", KINDS)
def test_a_contract_asked_again_keeps_its_word(kind):
    granted = granted_by(KINDS[kind]())
    found = asked_again(granted)
    assert found.established == {"granted"}
    assert any(code.official in ("HybridDeleGator", "MultiSigDeleGator") for code in found.codes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_the_contract_does_not_accept_is_refused(kind):
    granted = granted_by(KINDS[kind](), sign=accounts.key_sign(9))
    with pytest.raises(EvidenceError, match="does not accept the signature") as caught:
        asked_again(granted)
    assert (caught.value.reason, caught.value.path) == ("receipt-contradicted", "granted.signature")


def test_an_account_that_is_not_deployed_gives_no_word():
    granted = granted_by(accounts.owned(), deploy=False)
    with pytest.raises(EvidenceError, match="there is no contract at"):
        asked_again(granted)


def test_an_answer_that_changes_the_state_is_no_answer():
    # SSTORE(0, 1), then return the magic value
    code = bytes.fromhex("60015f55631626ba7e60e01b5f5260205ff3")
    with pytest.raises(EvidenceError, match="only by changing the state"):
        asked_again(granted_by(accounts.owned(), deploy=False, code=code))


def test_the_magic_value_has_to_fill_a_word():
    # returns its four bytes alone
    code = bytes.fromhex("631626ba7e60e01b5f5260045ff3")
    with pytest.raises(EvidenceError, match="does not accept the signature"):
        asked_again(granted_by(accounts.owned(), deploy=False, code=code))


def test_what_is_left_out_is_refused():
    granted = granted_by(accounts.owned())
    bundle = granted.bundle
    for place in range(len(bundle.nodes)):
        less = bundle.model_copy(update={"nodes": bundle.nodes[:place] + bundle.nodes[place + 1 :]})
        with pytest.raises(EvidenceError) as caught:
            asked_again(granted, less)
        assert caught.value.reason in ("witness-incomplete", "missing-node")


@pytest.mark.parametrize(("field", "value"), [("gas", 1_000_000), ("data", b""), ("to", AGENT), ("chain_id", 1)])
def test_another_question_is_refused(field, value):
    granted = granted_by(accounts.owned())
    witness = granted.bundle.witness.model_copy(update={field: value})
    with pytest.raises(EvidenceError) as caught:
        asked_again(granted, granted.bundle.model_copy(update={"witness": witness}))
    assert caught.value.reason == "witness-mismatch"


def test_a_bundle_without_a_witness_is_refused():
    granted = granted_by(accounts.owned())
    with pytest.raises(EvidenceError, match="no call to run again"):
        asked_again(granted, granted.bundle.model_copy(update={"witness": None}))


def test_a_signature_of_a_key_is_not_asked_about():
    granted = granted_by(accounts.owned())
    other = granted.receipt.granted.model_copy(update={"scheme": "erc6492"})
    with pytest.raises(EvidenceError, match="erc6492 is not one a contract on the chain tells of"):
        signature_call(granted.receipt.model_copy(update={"granted": other}))


def test_a_grant_of_a_contract_is_proven_and_verified():
    granted = granted_by(accounts.owned())
    bundle = prove(granted.receipt, granted.node.client)
    report = verify(granted.receipt, bundle, granted.node.header.hash)
    assert report.standing("granted.signature") == "reexecuted"
    assert report.holds


def test_a_grant_of_a_contract_without_a_witness_is_only_said():
    granted = granted_by(accounts.owned())
    bundle = prove(granted.receipt, granted.node.client, replay=False)
    report = verify(granted.receipt, bundle, granted.node.header.hash)
    assert report.standing("granted.signature") == "attested"


def test_the_manager_is_who_asks():
    granted = granted_by(accounts.owned())
    assert signature_call(granted.receipt).sender == Address(granted.receipt.granted.manager)
