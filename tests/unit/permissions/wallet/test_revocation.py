"""Revoking: at once for the site, on chain when the chain says so, and told apart while the two differ."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from caveats import Execution
from caveats.errors import EngineError, ExecutionError
from caveats.types import Address, format_hex, parse_hex
from delegations.delegation import decode_context, encode_context
from delegations.manager import MetaMaskManager
from delegations.permissions.wallet import (
    CallbackSubmitter,
    ProviderError,
    SqliteStore,
    StoredGrant,
    WalletChain,
    hybrid_account,
)
from delegations.redemption import redeem
from delegations.simulation import ChainReader, simulate
from tests.unit.permissions.wallet.stage import ALICE, CHAIN_ID, OTHER, SHOP, Wallet, new_chain


def kept(wallet: Wallet) -> StoredGrant:
    return wallet.provider.store.list_grants()[0]


def redeems(wallet: Wallet, context: str) -> bool:
    (leaf,) = decode_context(parse_hex(context))
    return simulate(wallet.chain, redeem(leaf, Execution(target=SHOP, value=1))).allowed


def granted(wallet: Wallet) -> str:
    context: str = wallet.request()[0]["context"]
    return context


def test_a_revoked_permission_is_not_listed_and_not_redeemable() -> None:
    wallet = Wallet()
    context = granted(wallet)
    assert redeems(wallet, context)
    assert wallet.revoke(context) == {}
    assert wallet.granted() == []
    assert not redeems(wallet, context)
    assert kept(wallet).state == "revoked"


def test_the_transaction_that_revoked_it_is_kept() -> None:
    wallet = Wallet()
    wallet.revoke(granted(wallet))
    assert kept(wallet).revocation == format_hex(wallet.chain.history[-1].hash)
    assert wallet.chain.history[-1].transaction.sender == ALICE


def test_the_other_permissions_of_the_site_stay() -> None:
    wallet = Wallet()
    first, second = granted(wallet), granted(wallet)
    wallet.revoke(first)
    assert [each["context"] for each in wallet.granted()] == [second]
    assert redeems(wallet, second)


def test_revoking_twice_is_as_good_as_once_and_sends_one_transaction() -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.revoke(context)
    sent = len(wallet.chain.history)
    assert wallet.revoke(context) == {}
    assert len(wallet.chain.history) == sent


def test_params_in_a_list_are_read_too() -> None:
    wallet = Wallet()
    params = [{"permissionContext": granted(wallet)}]
    assert wallet.ask("wallet_revokeExecutionPermission", params) == {}


def test_any_mapping_is_an_object() -> None:
    wallet = Wallet()
    params = MappingProxyType({"permissionContext": granted(wallet)})
    assert wallet.ask("wallet_revokeExecutionPermission", params) == {}


def test_a_method_that_is_no_text_does_not_exist() -> None:
    with pytest.raises(ProviderError, match="does not exist") as caught:
        Wallet().ask(["eth_accounts"], [])
    assert caught.value.rpc_code == -32601


def test_a_context_without_its_signature_names_the_same_grant() -> None:
    wallet = Wallet()
    (leaf,) = decode_context(parse_hex(granted(wallet)))
    assert wallet.revoke(format_hex(encode_context([leaf.with_signature(b"")]))) == {}


def test_another_site_cannot_revoke_it_nor_learn_that_it_is_there() -> None:
    wallet = Wallet()
    context = granted(wallet)
    with pytest.raises(ProviderError) as theirs:
        wallet.revoke(context, origin=OTHER)
    wallet.revoke(context)
    with pytest.raises(ProviderError) as unknown:
        Wallet(chain=wallet.chain).revoke(context)
    assert theirs.value.to_wire() == unknown.value.to_wire()
    assert theirs.value.rpc_code == -32001


# when the chain does not follow


def unanswered(wallet: Wallet, context: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        wallet.revoke(context)
    assert caught.value.rpc_code == -32002
    assert caught.value.data == {"state": "revoking"}
    return caught.value


@pytest.mark.parametrize("method", ["eth_estimateGas", "eth_sendRawTransaction", "eth_getTransactionCount"])
def test_a_transaction_that_cannot_be_sent_leaves_it_unlisted_and_revoking(method: str) -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.transport.refuses.add(method)
    assert "it is not known whether it was revoked" in str(unanswered(wallet, context))
    assert wallet.granted() == []
    assert kept(wallet).state == "revoking"
    assert "nobody listens" in str(kept(wallet).failure)


def test_until_then_it_can_be_redeemed_and_the_answer_says_so() -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.transport.refuses.add("eth_sendRawTransaction")
    assert "it may still be redeemed" in str(unanswered(wallet, context))
    assert redeems(wallet, context)


def test_asking_again_retries() -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.transport.refuses.add("eth_sendRawTransaction")
    unanswered(wallet, context)
    wallet.transport.refuses.clear()
    assert wallet.revoke(context) == {}
    assert (kept(wallet).state, kept(wallet).failure) == ("revoked", None)
    assert not redeems(wallet, context)


def test_a_transaction_nobody_saw_mined_is_found_when_asked_again() -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.transport.refuses.add("eth_getTransactionReceipt")
    unanswered(wallet, context)
    assert kept(wallet).revocation == format_hex(wallet.chain.history[-1].hash)
    sent = len(wallet.chain.history)
    assert wallet.revoke(context) == {}
    assert len(wallet.chain.history) == sent


def test_a_call_that_would_fail_is_not_sent() -> None:
    wallet = Wallet()
    context = granted(wallet)
    wallet.chain.world.set_code(wallet.chain.manager, b"\x60\x00\x60\x00\xfd")
    assert "it was not revoked on chain" in str(unanswered(wallet, context))
    assert wallet.chain.history == []
    assert "nothing was sent" in str(kept(wallet).failure)


def test_what_was_disabled_on_chain_by_other_means_is_revoked_without_a_transaction() -> None:
    wallet = Wallet()
    context = granted(wallet)
    (leaf,) = decode_context(parse_hex(context))
    wallet.chain.send(ALICE, wallet.chain.manager, MetaMaskManager().encode_disable(leaf))
    sent = len(wallet.chain.history)
    assert wallet.revoke(context) == {}
    assert len(wallet.chain.history) == sent
    assert kept(wallet).state == "revoked"


def test_a_wallet_that_sends_nothing_says_that_the_chain_still_honours_it() -> None:
    wallet = Wallet(sends=False)
    context = granted(wallet)
    assert "it was not revoked on chain" in str(unanswered(wallet, context))
    assert wallet.granted() == []
    assert redeems(wallet, context)


def test_an_account_the_keys_cannot_act_for_is_told() -> None:
    wallet = Wallet(options={"accounts": [hybrid_account(b"\x01" * 32)]})
    unanswered(wallet, granted(wallet))
    assert "no key here sends transactions for it" in str(kept(wallet).failure)


# other ways of sending


def sending_by(send: Any) -> Wallet:
    chain = new_chain()
    place = WalletChain(CHAIN_ID, ChainReader(chain), submitter=CallbackSubmitter(send))
    return Wallet(chain=chain, options={"chains": [place]})


def test_a_function_may_carry_out_the_revocation() -> None:
    seen: list[tuple[Address, Execution]] = []

    def send(account: Address, execution: Execution) -> str:
        seen.append((account, execution))
        wallet.chain.send(account, execution.target, execution.call_data)
        return "0xabc"

    wallet = sending_by(send)
    assert wallet.revoke(granted(wallet)) == {}
    assert [account for account, _ in seen] == [ALICE]
    assert kept(wallet).revocation == "0xabc"


def test_a_function_that_claims_success_is_not_believed() -> None:
    wallet = sending_by(lambda _account, _execution: "0xabc")
    unanswered(wallet, granted(wallet))
    assert kept(wallet).state == "revoking"
    assert kept(wallet).failure == "transaction 0xabc did not disable the delegation"


@pytest.mark.parametrize("error", [ExecutionError("reverted"), EngineError("no bundler answers")])
def test_a_function_that_fails_is_reported(error: Exception) -> None:
    def send(_account: Address, _execution: Execution) -> str:
        raise error

    wallet = sending_by(send)
    unanswered(wallet, granted(wallet))
    assert kept(wallet).failure == str(error)
    assert not any(str(error) in str(each) for each in wallet.granted())


def test_it_is_not_listed_any_more_before_anything_is_sent() -> None:
    listed: list[Any] = []

    def send(account: Address, execution: Execution) -> str:
        listed.append((wallet.granted(), kept(wallet).state))
        wallet.chain.send(account, execution.target, execution.call_data)
        return "0xabc"

    wallet = sending_by(send)
    wallet.revoke(granted(wallet))
    assert listed == [([], "revoking")]


def test_why_a_revocation_failed_is_told_to_the_operator_and_not_to_the_site() -> None:
    wallet = Wallet(sends=False)
    error = unanswered(wallet, granted(wallet))
    assert "nothing to send transactions with" in str(error.__cause__)
    assert "nothing to send transactions with" in wallet.lines[-1]
    assert "nothing to send transactions with" not in str(error.to_wire())


@pytest.mark.parametrize("context", ["0x", "nonsense", None, "another"])
def test_a_store_somebody_spoilt_revokes_nothing_in_the_place_of_something_else(tmp_path: Path, context: Any) -> None:
    path = tmp_path / "grants.db"
    wallet = Wallet(options={"store": SqliteStore(path)})
    first, second = granted(wallet), granted(wallet)
    (wanted, _) = wallet.provider.store.list_grants()
    spoilt = {**wanted.response, "context": second if context == "another" else context}
    with closing(sqlite3.connect(path)) as meddler, meddler:
        meddler.execute("UPDATE grants SET response = ? WHERE hash = ?", (json.dumps(spoilt), str(wanted.hash)))
    with pytest.raises(ProviderError) as caught:
        wallet.revoke(first)
    assert caught.value.rpc_code == -32002
    assert wallet.chain.history == []
    assert redeems(wallet, second)
    wallet.provider.store.close()
