"""The TypeScript kit as the dapp at our wallet, and as the wallet of our dapp; both redeem on anvil.

The framework there is the official bytecode. After each acceptance stands the refusal: over the bounds, and revoked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caveats import Execution
from caveats.errors import VerificationError
from delegations.manager import MetaMaskManager
from delegations.permissions import LIVE_PERMISSIONS, PermissionResponse
from delegations.permissions.asking import RejectedError, UnauthorizedError, UnavailableError
from delegations.permissions.verify import verify_response
from delegations.simulation import simulate
from tests.conformance.permission_peers import (
    ALICE,
    CHAIN_ID,
    ORIGIN,
    SHOP,
    USD,
    Case,
    Life,
    Peers,
    cases,
    kit_parameters,
    life_at_our_wallet,
    life_at_the_kits_wallet,
    peers,
)

KINDS = tuple(str(cls.model_fields["type"].default) for cls in LIVE_PERMISSIONS)
ERC20_KIND = "erc20-token-periodic"


@pytest.fixture(scope="module")
def met() -> Iterator[Peers]:
    with peers() as running:
        yield running


@pytest.fixture
def case(met: Peers, request: pytest.FixtureRequest) -> Case:
    found = cases(met.chain.token)[getattr(request, "param", ERC20_KIND)]
    met.restore_approval(found)
    return found


every_kind = pytest.mark.parametrize("case", KINDS, indirect=True)


# the kit is the dapp, the wallet is ours


@every_kind
def test_the_kit_redeems_what_our_wallet_granted_and_no_more(met: Peers, case: Case) -> None:
    (response,) = met.kit_asks(case.request)["granted"]
    assert met.kit_redeems(response, case.allowed)["status"] == "success"
    assert "Enforcer:" in met.kit_redeems(response, case.denied, is_mined=False)["error"]
    assert met.kit_redeems(response, case.denied)["status"] == "reverted"


@every_kind
def test_a_grant_of_our_wallet_lives_and_ends_as_it_should(met: Peers, case: Case) -> None:
    assert life_at_our_wallet(met, case) == Life(True, True, True)


def test_what_our_wallet_revoked_the_kit_is_no_longer_shown(met: Peers, case: Case) -> None:
    (response,) = met.kit_asks(case.request)["granted"]
    assert response in met.kit.ask("granted", wallet=met.wallet.wire)["granted"]
    met.client.revoke(response["context"])
    assert response not in met.kit.ask("granted", wallet=met.wallet.wire)["granted"]


def test_the_payment_arrives_and_the_refused_one_does_not(met: Peers, case: Case) -> None:
    (response,) = met.kit_asks(case.request)["granted"]
    before = met.chain.balance(SHOP, token=met.chain.token)
    met.kit_redeems(response, case.allowed)
    assert met.chain.balance(SHOP, token=met.chain.token) == before + 5 * USD
    met.kit_redeems(response, case.denied)
    assert met.chain.balance(SHOP, token=met.chain.token) == before + 5 * USD


def test_the_kit_reads_of_our_wallet_what_it_supports(met: Peers) -> None:
    supported = met.kit.ask("supported", wallet=met.wallet.wire)
    assert set(supported) == set(KINDS)
    assert all(each["chainIds"] == [CHAIN_ID] for each in supported.values())


def test_both_clients_read_the_same_list_of_grants(met: Peers, case: Case) -> None:
    met.kit_asks(case.request)
    theirs = met.kit.ask("granted", wallet=met.wallet.wire)["granted"]
    ours = met.client.granted()
    assert [response["context"] for response in theirs] == ["0x" + response.context.hex() for response in ours]


def test_what_our_wallet_grants_the_kit_our_verifier_believes(met: Peers, case: Case) -> None:
    (granted,) = met.kit_asks(case.request)["granted"]
    (response,) = [each for each in met.client.granted() if "0x" + each.context.hex() == granted["context"]]
    report = verify_response(case.request, response, chain=met.chain.fork())
    assert {check.standing for check in report.checks} == {"holds"}


def test_several_permissions_at_once_come_back_in_order(met: Peers) -> None:
    asked = [case.request for case in cases(met.chain.token).values()]
    parameters = [kit_parameters(request) for request in asked]
    granted = met.kit.ask("request", wallet=met.wallet.wire, parameters=parameters)["granted"]
    assert [response["permission"]["type"] for response in granted] == list(KINDS)
    report = met.kit_wallet().request_verified(asked, chain=met.chain.fork())
    assert report.standing == "holds"


def test_a_no_reaches_the_kit_as_the_users(met: Peers, case: Case) -> None:
    met.wallet.says = lambda _question: False
    try:
        assert met.kit_asks(case.request)["code"] == 4001
    finally:
        met.wallet.says = lambda _question: True
    assert "granted" in met.kit_asks(case.request)


def test_the_kit_without_the_token_is_not_let_in(met: Peers, case: Case) -> None:
    answer = met.kit.ask("granted", wallet={**met.wallet.wire, "token": "another token of some length"})
    assert "granted" not in answer
    with pytest.raises(UnauthorizedError, match="4100"):
        met.connect(met.wallet.url, "a token of another kind").granted()


# the kit is the wallet, the dapp is ours


@every_kind
def test_we_redeem_what_the_kit_granted_and_no_more(met: Peers, case: Case) -> None:
    report = met.verify(met.kit_wallet(), case.request)
    assert [check.sentence for grant in report.grants for check in grant.checks if check.standing != "holds"] == []
    (granted,) = report.require()
    fork = met.chain.fork()
    assert simulate(fork, granted.redemption(case.allowed)).allowed
    assert met.send(1, *granted.calls(case.allowed))
    denial = simulate(met.chain.fork(), granted.redemption(case.denied)).denial
    assert denial is not None
    assert denial.stage == "hook"
    assert not met.send(1, *granted.calls(case.denied))


@every_kind
def test_a_grant_of_the_kits_wallet_lives_and_ends_as_it_should(met: Peers, case: Case) -> None:
    assert life_at_the_kits_wallet(met, case) == Life(True, True, True)


def test_what_the_account_disabled_is_reported_as_ended(met: Peers, case: Case) -> None:
    (granted,) = met.verify(met.kit_wallet(), case.request).require()
    disable = Execution(target=granted.manager, call_data=MetaMaskManager().encode_disable(granted.context[0]))
    assert met.send(0, disable)
    report = verify_response(case.request, granted.response, chain=met.chain.fork())
    assert report.check("state").standing == "broken"


def test_a_greedy_wallet_made_of_the_kit_is_found_out(met: Peers, case: Case) -> None:
    (grant,) = met.verify(met.kit_wallet(mischief="greedy"), case.request).grants
    assert grant.check("authority").standing == "broken"
    assert grant.check("declared").standing == "holds"
    with pytest.raises(VerificationError, match="periodAmount"):
        grant.require()


def test_a_lying_wallet_made_of_the_kit_is_found_out(met: Peers, case: Case) -> None:
    (grant,) = met.verify(met.kit_wallet(mischief="greedy", lies=True), case.request).grants
    assert grant.check("declared").standing == "broken"
    assert grant.check("authority").standing == "broken"


def test_a_wallet_of_another_account_is_found_out_where_one_was_named(met: Peers, case: Case) -> None:
    asked = case.request.model_copy(update={"from_": SHOP})
    (grant,) = met.verify(met.kit_wallet(), asked).grants
    assert f"got one of {ALICE}" in grant.check("account").sentence


def test_a_rejection_is_the_users_and_no_fault_of_the_line(met: Peers, case: Case) -> None:
    with pytest.raises(RejectedError, match="4001"):
        met.kit_wallet(mischief="rejecting").request([case.request])


def test_a_busy_wallet_could_not_be_asked(met: Peers, case: Case) -> None:
    with pytest.raises(UnavailableError, match="-32005"):
        met.kit_wallet(mischief="busy").request([case.request])


def test_what_the_kit_granted_is_listed_until_it_is_revoked(met: Peers, case: Case) -> None:
    client = met.kit_wallet()
    (response,) = client.request([case.request])
    assert isinstance(response, PermissionResponse)
    assert client.granted() == (response,)
    client.revoke(response)
    assert client.granted() == ()


def test_a_wallet_that_names_no_chains_stops_the_kit_and_not_us(met: Peers) -> None:
    options = {"privateKey": "0x" + "11" * 32, "chainIds": [], "withoutChains": True}
    url = met.kit.ask("serve", wallet=options)["url"]
    assert "error" in met.kit.ask("supported", wallet={"url": url, "origin": ORIGIN})
    supported = met.connect(url).supported()
    assert set(supported) == set(KINDS)
    assert {each.chain_ids for each in supported.values()} == {()}
