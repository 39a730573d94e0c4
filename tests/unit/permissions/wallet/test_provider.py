"""What the provider grants, to whom, and when it does not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from caveats import Execution, Redeemer, Timestamp
from caveats.errors import EncodingError
from caveats.registry import decode_caveat
from caveats.types import MAX_UINT256, Address, parse_hex
from delegations.delegation import Delegation, decode_context, verify_signature
from delegations.evm import dev_account
from delegations.permissions import PermissionResponse, read_responses
from delegations.permissions.rules import ExpiryRule
from delegations.permissions.wallet import (
    CallbackApprover,
    Decision,
    LocalAccountSigner,
    PermissionsProvider,
    ProviderError,
    RefusingApprover,
    SqliteStore,
    WalletChain,
    grant,
    refuse,
)
from delegations.permissions.wallet.question import explain
from delegations.redemption import redeem
from delegations.simulation import ChainReader, simulate
from tests.unit.permissions.wallet.stage import (
    AGENT,
    ALICE,
    BOB,
    CHAIN_ID,
    DAY,
    NOW,
    ORIGIN,
    OTHER,
    SHOP,
    TOKEN,
    Wallet,
    addresses,
    expiry,
    new_chain,
    periodic,
    request,
)

EVERY_TYPE = [
    request("native-token-stream", {"amountPerSecond": "0x1"}, expiry(1)),
    request("native-token-periodic", {"periodAmount": "0xa", "periodDuration": DAY}, expiry(1)),
    request("native-token-allowance", {"allowanceAmount": "0xa"}, expiry(1), addresses("payee", SHOP, BOB)),
    request("erc20-token-stream", {"tokenAddress": str(TOKEN), "amountPerSecond": "0x1"}, expiry(1)),
    request(
        "erc20-token-periodic",
        {"tokenAddress": str(TOKEN), "periodAmount": "0xa", "periodDuration": DAY},
        addresses("redeemer", AGENT),
        addresses("payee", SHOP),
    ),
    request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": "0xa"}),
    request(
        "token-approval-revocation",
        {
            "erc20Approve": True,
            "erc721Approve": False,
            "erc721SetApprovalForAll": False,
            "permit2Approve": False,
            "permit2Lockdown": False,
            "permit2InvalidateNonces": False,
        },
        addresses("redeemer", AGENT),
    ),
]


def leaf_of(response: dict[str, Any]) -> Delegation:
    (delegation,) = decode_context(parse_hex(response["context"]))
    return delegation


def refused(code: int) -> Any:
    return pytest.raises(ProviderError, check=lambda error: error.rpc_code == code)


# what comes back


def test_what_is_granted_is_what_was_asked_with_the_defaults_filled_in() -> None:
    (response,) = Wallet().request(periodic(justification=None))
    assert response == {
        **periodic(),
        "from": str(ALICE),
        "permission": {
            "type": "native-token-periodic",
            "isAdjustmentAllowed": False,
            "data": {"periodAmount": "0xa", "periodDuration": DAY, "startTime": NOW},
        },
        "context": response["context"],
        "dependencies": [],
        "delegationManager": str(new_chain().manager),
    }


def test_the_context_is_signed_by_the_account_for_this_chain_and_manager() -> None:
    wallet = Wallet()
    (response,) = wallet.request()
    verify_signature(leaf_of(response), chain_id=CHAIN_ID, manager=wallet.chain.manager)


@pytest.mark.parametrize("asked", EVERY_TYPE, ids=[each["permission"]["type"] for each in EVERY_TYPE])
def test_every_live_type_is_granted(asked: dict[str, Any]) -> None:
    (response,) = Wallet().request(asked)
    assert isinstance(read_responses([response])[0], PermissionResponse)
    assert leaf_of(response).delegate == AGENT


def test_the_answers_stand_in_the_order_of_the_questions() -> None:
    answered = Wallet().request(*EVERY_TYPE)
    assert [each["permission"]["type"] for each in answered] == [each["permission"]["type"] for each in EVERY_TYPE]


def test_the_grant_is_redeemable_within_its_bounds_and_not_beyond() -> None:
    wallet = Wallet()
    leaf = leaf_of(wallet.request(periodic(amount=10))[0])
    assert simulate(wallet.chain, redeem(leaf, Execution(target=SHOP, value=10))).allowed
    assert not simulate(wallet.chain, redeem(leaf, Execution(target=SHOP, value=11))).allowed


def test_two_equal_requests_get_two_different_salts() -> None:
    wallet = Wallet()
    first, second = (leaf_of(wallet.request()[0]) for _ in range(2))
    assert first.salt != second.salt
    assert min(first.salt, second.salt) > 2**200


def test_the_salt_is_chosen_by_whoever_is_asked_to() -> None:
    wallet = Wallet(options={"salt": lambda: 7})
    assert leaf_of(wallet.request()[0]).salt == 7


def test_the_same_salt_twice_is_refused_and_keeps_the_first_grant() -> None:
    wallet = Wallet(options={"salt": lambda: 7})
    wallet.request()
    with refused(-32002):
        wallet.request()
    assert len(wallet.granted()) == 1


@pytest.mark.parametrize("reads_a_node", [False, True], ids=["local", "node"])
def test_the_nonce_is_the_one_on_chain(reads_a_node: bool) -> None:
    wallet = Wallet(reads_a_node=reads_a_node)
    raise_nonce(wallet)
    assert [decode_caveat(c).terms for c in leaf_of(wallet.request()[0]).caveats][-1].nonce == 1


def raise_nonce(wallet: Wallet) -> None:
    from caveats.abi import encode_address
    from caveats.revocation.nonce import Nonce
    from caveats.types import keccak

    call = keccak(b"incrementNonce(address)")[:4] + encode_address(wallet.chain.manager)
    assert wallet.chain.send(ALICE, Nonce.ADDRESS, call).success


def test_a_nonce_that_cannot_be_read_is_not_guessed() -> None:
    wallet = Wallet(reads_a_node=True)
    wallet.transport.refuses.add("eth_getStorageAt")
    with refused(-32002) as caught:
        wallet.request()
    assert "could not be asked" in str(caught.value)
    assert wallet.questions == []


def test_a_chain_without_the_framework_is_no_nonce_of_zero() -> None:
    wallet = Wallet()
    wallet.chain.world.set_code(wallet.chain.manager, b"")
    with refused(-32002):
        wallet.request()


def test_a_node_of_another_chain_is_not_believed() -> None:
    wallet = Wallet(options={"chains": [WalletChain(1, ChainReader(new_chain()))]})
    with refused(-32002):
        wallet.request(periodic(chainId="0x1"))


# who grants


def test_the_account_a_request_names_grants_it() -> None:
    accounts = [LocalAccountSigner(dev_account(0)), LocalAccountSigner(dev_account(3))]
    wallet = Wallet(options={"accounts": accounts})
    (response,) = wallet.request(periodic(**{"from": str(BOB)}))
    assert leaf_of(response).delegator == BOB


def test_the_first_account_grants_where_none_is_named() -> None:
    accounts = [LocalAccountSigner(dev_account(3)), LocalAccountSigner(dev_account(0))]
    assert Wallet(options={"accounts": accounts}).request()[0]["from"] == str(BOB)


def test_an_account_the_wallet_does_not_hold_is_not_found() -> None:
    with refused(-32001):
        Wallet().request(periodic(**{"from": str(BOB)}))


def test_an_account_that_cannot_sign_is_told_as_such() -> None:
    class Locked(LocalAccountSigner):
        def sign(self, delegation: Delegation, *, chain_id: int, manager: Address) -> Delegation:
            raise EncodingError("the key is locked away in the cupboard")

    wallet = Wallet(options={"accounts": [Locked(dev_account(0))]})
    with refused(-32002) as caught:
        wallet.request()
    assert str(caught.value) == "the account could not sign"
    assert wallet.provider.store.list_grants() == []


@pytest.mark.parametrize("field", ["accounts", "chains"])
def test_a_wallet_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(EncodingError, match=field):
        Wallet(options={field: []})


# who decides


def test_nobody_grants_by_default() -> None:
    wallet = Wallet(approver=RefusingApprover())
    with refused(4001):
        wallet.request()
    assert wallet.provider.store.list_grants() == []


def test_the_default_approver_is_the_one_that_refuses() -> None:
    chain = new_chain()
    provider = PermissionsProvider(
        accounts=[LocalAccountSigner(dev_account(0))],
        chains=[WalletChain(CHAIN_ID, ChainReader(chain))],
        clock=lambda: NOW,
    )
    with refused(4001):
        provider.request("wallet_requestExecutionPermissions", [periodic()], origin=ORIGIN)


def test_the_site_is_not_told_why_it_was_refused_but_the_operator_is() -> None:
    wallet = Wallet(approver=CallbackApprover(lambda _question: refuse("the budget of the household is spent")))
    with refused(4001) as caught:
        wallet.request()
    assert str(caught.value) == "the request was refused"
    assert wallet.lines[0].endswith("the budget of the household is spent")


@pytest.mark.parametrize("said", [1, "yes", None, object()])
def test_what_is_not_a_yes_is_a_no(said: Any) -> None:
    with refused(4001):
        Wallet(approver=CallbackApprover(lambda _question: said)).request()


def test_a_truthy_decision_is_no_yes_either() -> None:
    with refused(4001):
        Wallet(approver=CallbackApprover(lambda _question: Decision(is_granted="no"))).request()  # type: ignore[arg-type]  # what is tested


def test_one_refusal_refuses_all_that_was_asked_with_it() -> None:
    wallet = Wallet(approver=CallbackApprover(lambda question: len(question.asked) < 2))
    wallet.request()
    with refused(4001):
        wallet.request(periodic(), periodic())
    assert len(wallet.granted()) == 1


def test_one_bad_request_grants_none_of_those_beside_it() -> None:
    wallet = Wallet()
    with refused(-32602):
        wallet.request(periodic(), periodic(expiry(-1)))
    assert wallet.questions == []


def test_what_expires_while_the_person_thinks_is_not_granted() -> None:
    wallet = deciding_until(NOW + 8 * DAY)
    with refused(-32602) as caught:
        wallet.request()
    assert "expected a moment after now" in str(caught.value)


def test_a_day_that_begins_while_the_person_thinks_changes_nothing() -> None:
    (response,) = deciding_until(NOW + DAY + 1).request()
    assert response["permission"]["data"]["startTime"] == NOW


def deciding_until(moment: int) -> Wallet:
    """A wallet whose approver takes until then to say yes."""
    wallet = Wallet()

    def think(_question: Any) -> bool:
        wallet.now = moment
        return True

    wallet.provider.approver = CallbackApprover(think)
    return wallet


def test_a_nonce_raised_while_the_person_thinks_takes_the_question_back() -> None:
    wallet = Wallet()
    wallet.provider.approver = CallbackApprover(lambda _question: raise_nonce(wallet) is None)
    with pytest.raises(ProviderError, match="nonce changed") as caught:
        wallet.request()
    assert caught.value.rpc_code == -32002
    assert wallet.granted() == []
    wallet.provider.approver = CallbackApprover(lambda _question: True)
    assert len(wallet.request()) == 1


@pytest.mark.parametrize("asked", [periodic(), periodic(expiry(1), addresses("redeemer", AGENT, BOB))])
def test_what_was_shown_is_what_is_signed_word_for_word(asked: Any) -> None:
    wallet = Wallet()
    (leaf,) = decode_context(parse_hex(wallet.request(asked)[0]["context"]))
    assert wallet.questions[0].asked[0].sentences == explain(leaf.caveats)


def test_what_cannot_be_counted_is_not_taken_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    wallet = Wallet(options={"store": SqliteStore(path)})
    wallet.request()
    with closing(sqlite3.connect(path)) as meddler, meddler:
        meddler.execute("UPDATE grants SET response = '{}'")
    with pytest.raises(ProviderError, match="the wallet's store did not answer") as caught:
        wallet.request()
    assert caught.value.rpc_code == -32002
    assert len(wallet.questions) == 1
    wallet.provider.store.close()


def test_another_wallet_over_the_same_store_cannot_grant_behind_the_back_of_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    other = Wallet(options={"store": SqliteStore(path)})

    def while_the_other_grants(_question: Any) -> bool:
        other.request()
        return True

    wallet = Wallet(options={"store": SqliteStore(path)}, approver=CallbackApprover(while_the_other_grants))
    with pytest.raises(ProviderError) as caught:
        wallet.request()
    assert caught.value.rpc_code == -32002
    assert "had 0 grants when it was decided and has 1 now" in wallet.lines[-1]
    assert len(wallet.granted()) == 1
    for each in (wallet, other):
        each.provider.store.close()


# granting less


def adjusting(change: Any) -> Wallet:
    """A wallet whose approver grants `change(request)` in the place of each request."""
    return Wallet(approver=CallbackApprover(lambda q: grant(tuple(change(each.request) for each in q.asked))))


def with_amount(amount: int) -> Any:
    return lambda r: r.model_copy(update={"permission": r.permission.model_copy(update={"period_amount": amount})})


def test_less_is_granted_where_the_site_allows_it() -> None:
    (response,) = adjusting(with_amount(3)).request(periodic(adjustable=True))
    assert response["permission"]["data"]["periodAmount"] == "0x3"


def test_less_is_not_granted_where_the_site_does_not_allow_it() -> None:
    with refused(-32603):
        adjusting(with_amount(3)).request(periodic())


def test_more_is_never_granted() -> None:
    with refused(-32603):
        adjusting(with_amount(11)).request(periodic(adjustable=True))


def test_an_earlier_expiry_is_granted_and_a_later_one_is_not() -> None:
    def until(days: int) -> Any:
        return lambda r: r.model_copy(update={"rules": (ExpiryRule(timestamp=NOW + days * DAY),)})

    (response,) = adjusting(until(2)).request(periodic(adjustable=True))
    assert decode_caveat(leaf_of(response).caveats[2]).terms == Timestamp(before_at=NOW + 2 * DAY)
    with refused(-32603):
        adjusting(until(8)).request(periodic(adjustable=True))


def test_a_rule_is_not_taken_away() -> None:
    with refused(-32603):
        adjusting(lambda r: r.model_copy(update={"rules": ()})).request(periodic(adjustable=True))


@pytest.mark.parametrize("field", ["to", "from_"])
def test_the_parties_are_not_changed(field: str) -> None:
    with refused(-32603):
        adjusting(lambda r: r.model_copy(update={field: BOB})).request(periodic(adjustable=True))


def test_the_number_of_permissions_is_not_changed() -> None:
    wallet = Wallet(approver=CallbackApprover(lambda _q: grant(())))
    with refused(-32603):
        wallet.request()


# listing


def test_a_site_sees_its_own_grants_in_order_and_no_others() -> None:
    wallet = Wallet()
    (first,), (second,) = wallet.request(), wallet.request()
    wallet.request(origin=OTHER)
    assert wallet.granted() == [first, second]
    assert len(wallet.granted(OTHER)) == 1


def test_an_expired_grant_is_still_listed_since_nobody_revoked_it() -> None:
    wallet = Wallet()
    wallet.request()
    wallet.now = wallet.chain.timestamp = NOW + 30 * DAY
    assert len(wallet.granted()) == 1


@pytest.mark.parametrize("reads_a_node", [False, True], ids=["local", "node"])
def test_a_grant_disabled_on_chain_is_not_listed(reads_a_node: bool) -> None:
    wallet = Wallet(reads_a_node=reads_a_node)
    (first,), (second,) = wallet.request(), wallet.request()
    from delegations.manager import MetaMaskManager

    disable = MetaMaskManager().encode_disable(leaf_of(first))
    assert wallet.chain.send(ALICE, wallet.chain.manager, disable).success
    assert wallet.granted() == [second]


def test_raising_the_nonce_ends_every_grant_before_it() -> None:
    wallet = Wallet()
    wallet.request()
    raise_nonce(wallet)
    assert wallet.granted() == []
    wallet.request()
    assert len(wallet.granted()) == 1


def test_a_chain_that_cannot_be_asked_is_no_empty_list() -> None:
    wallet = Wallet(reads_a_node=True)
    wallet.request()
    wallet.transport.refuses.add("eth_getStorageAt")
    with refused(-32002):
        wallet.granted()


def test_grants_of_another_chain_are_not_of_this_provider() -> None:
    wallet = Wallet()
    wallet.request()
    elsewhere = Wallet(
        options={"store": wallet.provider.store, "chains": [WalletChain(1, ChainReader(new_chain()))]},
    )
    assert elsewhere.granted() == []


def test_supported_names_every_live_type_with_its_rules_and_chains() -> None:
    supported = Wallet().ask("wallet_getSupportedExecutionPermissions")
    assert set(supported) == {each["permission"]["type"] for each in EVERY_TYPE}
    assert all(each["chainIds"] == [hex(CHAIN_ID)] for each in supported.values())
    assert supported["token-approval-revocation"]["ruleTypes"] == ["expiry", "redeemer"]
    assert supported["native-token-stream"]["ruleTypes"] == ["expiry", "redeemer", "payee"]


@pytest.mark.parametrize("method", ["eth_accounts", "eth_requestAccounts"])
def test_accounts_are_named(method: str) -> None:
    assert Wallet().ask(method, []) == [str(ALICE)]


def test_the_chain_is_named() -> None:
    assert Wallet().ask("eth_chainId") == hex(CHAIN_ID)


@pytest.mark.parametrize(
    "origin", ["", "null", "https://shop.example/x", "HTTPS://SHOP.EXAMPLE", "shop", "https://ex\u0430mple.org"]
)
def test_what_is_no_origin_is_unauthorised(origin: str) -> None:
    with refused(4100):
        Wallet().ask("eth_accounts", origin=origin)


def test_a_redeemer_rule_becomes_its_caveat() -> None:
    (response,) = Wallet().request(periodic(addresses("redeemer", AGENT, SHOP)))
    terms = [decode_caveat(caveat).terms for caveat in leaf_of(response).caveats]
    assert Redeemer(redeemers=(AGENT, SHOP)) in terms


def test_an_unlimited_stream_is_filled_in_as_such() -> None:
    (response,) = Wallet().request(EVERY_TYPE[0])
    assert response["permission"]["data"]["maxAmount"] == hex(MAX_UINT256)


def test_what_began_earlier_today_is_granted_and_what_began_yesterday_is_not() -> None:
    wallet = Wallet()
    wallet.now = NOW + 3600
    for start, is_granted in ((NOW, True), (NOW - 1, False)):
        asked = request("native-token-allowance", {"allowanceAmount": "0x1", "startTime": start}, expiry(1))
        if is_granted:
            assert wallet.request(asked)
        else:
            with refused(-32602):
                wallet.request(asked)
