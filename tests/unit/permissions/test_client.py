"""The dapp's client: what it sends, what it makes of answers, and what each kind of failure is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from caveats.errors import (
    DelegationsError,
    EncodingError,
    EngineError,
    TransportError,
    UnsupportedError,
    VerificationError,
)
from delegations.evm import LocalChain, dev_account
from delegations.framework.constants import SIMPLE_FACTORY
from delegations.permissions.asking import (
    DisconnectedError,
    NotOfferedError,
    RefusedRequestError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    WalletError,
)
from delegations.permissions.client import GRANTED, REQUEST, REVOKE, SUPPORTED, PermissionsClient
from delegations.permissions.verify import NotVerifiedError, verify_answer
from delegations.permissions.wallet import (
    CallbackApprover,
    LocalAccountSigner,
    PermissionsProvider,
    WalletAccount,
    WalletChain,
    hybrid_account,
)
from delegations.simulation import ChainReader, simulate
from tests.unit.permissions.dapp import NOW, REGISTRY, Grantor, fresh_chain, pay, usd_a_day
from tests.unit.permissions.stub_wallet import StubWallet, stub_wallet

ASKED = usd_a_day()
RESPONSE = Grantor().respond(ASKED)


@pytest.fixture(scope="module")
def _served() -> Iterator[StubWallet]:
    with stub_wallet() as running:
        yield running


@pytest.fixture
def stub(_served: StubWallet) -> StubWallet:
    url = _served.url
    _served.__init__()  # type: ignore[misc]  # as new for each test, behind the same door
    _served.url = url
    return _served


def answering(answers: dict[str, Any]) -> PermissionsClient:
    """A client of a function that answers by method, as EIP-1193 has it."""
    return PermissionsClient(lambda call: answers[call["method"]])


class Web3Provider:
    """What web3 calls a provider."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []

    def make_request(self, method: str, params: Any) -> Any:
        self.asked.append((method, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Web3:
    """What web3 calls an instance."""

    def __init__(self, provider: Web3Provider) -> None:
        self.provider = provider


class Eip1193:
    """What EIP-1193 calls a provider."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def request(self, call: dict[str, Any]) -> Any:
        return self.answer


# the four methods


def test_each_method_travels_as_the_erc_has_it(stub: StubWallet) -> None:
    stub.results = {REQUEST: [RESPONSE.to_wire()], GRANTED: [RESPONSE.to_wire()], SUPPORTED: {}, REVOKE: {}}
    with PermissionsClient.over_http(stub.url) as client:
        assert client.request([ASKED]) == (RESPONSE,)
        assert client.granted() == (RESPONSE,)
        assert client.supported() == {}
        client.revoke(RESPONSE)
    assert stub.asked == [
        (REQUEST, [ASKED.to_wire()]),
        (GRANTED, []),
        (SUPPORTED, []),
        (REVOKE, {"permissionContext": "0x" + RESPONSE.context.hex()}),
    ]


def test_token_and_origin_travel_as_headers(stub: StubWallet) -> None:
    stub.results = {GRANTED: []}
    with PermissionsClient.over_http(stub.url, token="a secret", origin="https://shop.example") as client:
        client.granted()
    assert stub.headers[0]["authorization"] == "Bearer a secret"
    assert stub.headers[0]["origin"] == "https://shop.example"


def test_without_a_token_no_authorization_is_sent(stub: StubWallet) -> None:
    stub.results = {GRANTED: []}
    with PermissionsClient(stub.url) as client:
        client.granted()
    assert "authorization" not in stub.headers[0]


@pytest.mark.parametrize("text", ["line\nbreak", "ümlaut"])
def test_a_token_that_is_no_header_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(EncodingError, match="Authorization") as refused:
        PermissionsClient.over_http("http://127.0.0.1:1", token=text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("wrap", [lambda p: p, Web3])
def test_a_web3_provider_is_asked_as_web3_asks(wrap: Callable[[Web3Provider], Any]) -> None:
    provider = Web3Provider({"jsonrpc": "2.0", "id": 1, "result": [RESPONSE.to_wire()]})
    assert PermissionsClient(wrap(provider)).granted() == (RESPONSE,)
    assert provider.asked == [(GRANTED, [])]


def test_web3_itself_is_taken() -> None:
    from web3 import Web3 as RealWeb3
    from web3.providers.base import BaseProvider

    class Provider(BaseProvider):
        def make_request(self, method: Any, params: Any) -> Any:
            return {"jsonrpc": "2.0", "id": 1, "result": [RESPONSE.to_wire()]}

    assert PermissionsClient(RealWeb3(Provider())).granted() == (RESPONSE,)


def test_a_provider_of_eip_1193_is_taken_as_object_and_as_function() -> None:
    assert PermissionsClient(Eip1193([RESPONSE.to_wire()])).granted() == (RESPONSE,)
    assert answering({GRANTED: [RESPONSE.to_wire()]}).granted() == (RESPONSE,)


def test_something_that_cannot_be_asked_is_refused() -> None:
    with pytest.raises(EncodingError, match="an EIP-1193 request function, got int"):
        PermissionsClient(7)


def test_a_provider_that_is_awaited_is_refused() -> None:
    async def request(_call: Any) -> list[Any]:
        return []

    with pytest.raises(EncodingError, match="one that is awaited"):
        PermissionsClient(request).granted()


def test_a_verified_grant_is_revoked_as_its_response_is() -> None:
    asked: list[Any] = []
    client = PermissionsClient(lambda call: asked.append(call["params"]))
    report = verify_answer([ASKED], [RESPONSE], chain=fresh_chain(), registry=REGISTRY)
    client.revoke(report.require()[0])
    assert asked == [{"permissionContext": "0x" + RESPONSE.context.hex()}]


@pytest.mark.parametrize("nothing", [b"", "0x"])
def test_nothing_is_not_revoked(nothing: bytes | str) -> None:
    answering({REVOKE: {}}).revoke(RESPONSE)
    with pytest.raises(EncodingError, match="got no bytes"):
        answering({REVOKE: {}}).revoke(nothing)


def test_nothing_is_not_asked_for() -> None:
    with pytest.raises(EncodingError, match="requests: expected at least one"):
        answering({}).request([])


def test_what_cannot_be_verified_by_is_refused_before_anybody_is_asked() -> None:
    asked: list[Any] = []
    client = PermissionsClient(lambda call: asked.append(call) or [RESPONSE.to_wire()])
    assert client.request_verified([ASKED], registry=REGISTRY).check("number").standing == "holds"
    for requests, options in (
        (ASKED, {}),
        ([ASKED], {"chain": "http://127.0.0.1:1"}),
        ([ASKED], {"registry": "official"}),
    ):
        with pytest.raises(EncodingError, match="expected a"):
            client.request_verified(requests, **options)  # type: ignore[arg-type]  # what is wrong is what is tested
    assert len(asked) == 1


def test_a_chain_given_as_a_function_is_opened_after_the_answer() -> None:
    events: list[str] = []

    def answer(call: dict[str, Any]) -> list[Any]:
        events.append("asked")
        return [RESPONSE.to_wire()]

    def opened() -> LocalChain:
        events.append("opened")
        return fresh_chain()

    assert PermissionsClient(answer).request_verified([ASKED], chain=opened, registry=REGISTRY).standing == "holds"
    assert events == ["asked", "opened"]


def test_an_answer_nested_without_end_is_refused_by_what_reads_it_and_reported_by_what_verifies() -> None:
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]
    client = PermissionsClient(lambda _call: [{"context": deep}])
    for read in (client.granted, client.supported, lambda: client.request([ASKED])):
        with pytest.raises(EncodingError, match="deep in one another"):
            read()
    report = client.request_verified([ASKED], registry=REGISTRY)
    assert "deep in one another" in report.grants[0].check("form").sentence


# supported


def test_a_type_without_chains_is_read_as_one_for_which_none_is_named() -> None:
    types = {"erc20-token-periodic": {"ruleTypes": ["expiry"]}, "native-token-stream": {"chainIds": None}}
    found = answering({SUPPORTED: types}).supported()
    assert {name: each.chain_ids for name, each in found.items()} == dict.fromkeys(types, ())
    assert found["erc20-token-periodic"].rule_types == ("expiry",)


def test_chains_and_rules_are_read_by_either_of_the_ercs_names() -> None:
    found = answering({SUPPORTED: {"x": {"chainIds": ["0x1", "0xaa36a7"], "rulesTypes": ["expiry"]}}}).supported()
    assert (found["x"].chain_ids, found["x"].rule_types) == ((1, 11155111), ("expiry",))


@pytest.mark.parametrize("answer", [None, [], "0x", {"x": 5}, {"x": {"chainIds": [1]}}, {"x": {"chainIds": "0x1"}}])
def test_a_malformed_list_of_types_is_an_encoding_error_that_says_where(answer: Any) -> None:
    with pytest.raises(EncodingError, match="result"):
        answering({SUPPORTED: answer}).supported()


@pytest.mark.parametrize("answer", [None, {}, [None], [{}], [[RESPONSE.to_wire()]], "granted"])
def test_malformed_responses_are_encoding_errors_that_say_where(answer: Any) -> None:
    client = answering({GRANTED: answer, REQUEST: answer})
    for ask in (client.granted, lambda: client.request([ASKED])):
        with pytest.raises(EncodingError, match="result"):
            ask()


# asked and verified


def test_asking_and_verifying_is_one_step() -> None:
    client = answering({REQUEST: [RESPONSE.to_wire()]})
    report = client.request_verified([ASKED], chain=fresh_chain(), registry=REGISTRY)
    assert report.standing == "holds"
    (granted,) = report.require()
    assert granted.response == RESPONSE


def test_a_malformed_answer_is_reported_where_a_report_was_asked_for() -> None:
    report = answering({REQUEST: {"granted": "all"}}).request_verified([ASKED], registry=REGISTRY)
    assert report.standing == "broken"


def test_what_could_not_be_asked_is_not_granted_either() -> None:
    report = answering({REQUEST: [RESPONSE.to_wire()]}).request_verified([ASKED], registry=REGISTRY)
    with pytest.raises(NotVerifiedError):
        report.require()


# what a wallet may say instead

CODES: list[tuple[int, type[WalletError], type[DelegationsError]]] = [
    (4001, RejectedError, VerificationError),
    (4100, UnauthorizedError, VerificationError),
    (4200, NotOfferedError, UnsupportedError),
    (4900, DisconnectedError, TransportError),
    (4901, DisconnectedError, TransportError),
    (-32700, RefusedRequestError, EncodingError),
    (-32600, RefusedRequestError, EncodingError),
    (-32601, NotOfferedError, UnsupportedError),
    (-32602, RefusedRequestError, EncodingError),
    (-32000, RefusedRequestError, EncodingError),
    (-32001, RefusedRequestError, EncodingError),
    (-32002, UnavailableError, EngineError),
    (-32003, RejectedError, VerificationError),
    (-32004, NotOfferedError, UnsupportedError),
    (-32005, UnavailableError, EngineError),
    (-32603, UnavailableError, EngineError),
    (-31999, UnavailableError, EngineError),
]


class ProviderRpcError(Exception):
    """What EIP-1193 says a provider raises."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, {"why": "so"}


@pytest.mark.parametrize(("code", "kind", "family"), CODES)
def test_an_error_code_means_the_same_over_every_way(
    code: int, kind: type[WalletError], family: type[DelegationsError], stub: StubWallet
) -> None:
    error = {"code": code, "message": "because", "data": {"why": "so"}}
    stub.results = {GRANTED: {"error": error}}

    def request(_call: Any) -> Any:
        raise ProviderRpcError(code, "because")

    with PermissionsClient(stub.url) as over_http:
        for client in (over_http, PermissionsClient(Web3Provider({"error": error})), PermissionsClient(request)):
            with pytest.raises(kind, match=f"{GRANTED} with {code}.*because") as raised:
                client.granted()
            assert isinstance(raised.value, family)
            assert (raised.value.rpc_code, raised.value.data) == (code, {"why": "so"})


def test_a_rejection_is_no_failure_to_ask() -> None:
    with pytest.raises(RejectedError) as raised:
        PermissionsClient(Web3Provider({"error": {"code": 4001, "message": "no"}})).request([ASKED])
    assert not isinstance(raised.value, EngineError)


def test_a_request_is_put_once_whatever_comes_of_it(stub: StubWallet) -> None:
    stub.status, stub.raw = 503, b"busy"
    with PermissionsClient(stub.url) as client, pytest.raises(TransportError, match="503"):
        client.request([ASKED])
    assert len(stub.asked) == 1


NO_ANSWERS = [b"", b"no json", b"[]", b"5", b"{}", b'{"jsonrpc":"2.0","id":99,"result":[]}', b"[" * 100_000]


@pytest.mark.parametrize("raw", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_is_a_failure_to_ask(raw: bytes, stub: StubWallet) -> None:
    stub.raw = raw
    with PermissionsClient(stub.url) as client, pytest.raises(TransportError, match="could not ask"):
        client.granted()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_door_that_stays_shut_is_a_failure_to_ask(status: int, stub: StubWallet) -> None:
    stub.status, stub.raw = status, b"go away"
    with PermissionsClient(stub.url) as client, pytest.raises(TransportError, match=str(status)):
        client.granted()


def test_nobody_at_the_address_is_a_failure_to_ask() -> None:
    with PermissionsClient("http://127.0.0.1:1") as client, pytest.raises(TransportError, match="could not ask"):
        client.granted()


@pytest.mark.parametrize("error", [ConnectionError("gone"), ValueError("no json"), RuntimeError("broke"), KeyError(1)])
def test_whatever_a_provider_raises_without_a_code_is_a_failure_to_ask(error: Exception) -> None:
    with pytest.raises(TransportError, match="could not ask the wallet") as raised:
        PermissionsClient(Web3Provider(error)).granted()
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("answer", [None, [], {}, {"id": 1}])
def test_a_provider_that_gives_no_answer_could_not_be_asked(answer: Any) -> None:
    with pytest.raises(TransportError, match="could not ask"):
        PermissionsClient(Web3Provider(answer)).granted()


def test_an_error_of_no_form_is_no_answer_but_said() -> None:
    with pytest.raises(UnavailableError, match="broken down"):
        PermissionsClient(Web3Provider({"error": "broken down"})).granted()


def test_an_error_of_ours_passes_a_provider_unchanged() -> None:
    ours = UnsupportedError("not here")
    with pytest.raises(UnsupportedError) as raised:
        PermissionsClient(Web3Provider(ours)).granted()
    assert raised.value is ours


def test_messages_of_a_wallet_are_one_printable_line() -> None:
    with pytest.raises(RejectedError) as raised:
        PermissionsClient(Web3Provider({"error": {"code": 4001, "message": "no\n\x1b[31mred" * 99}})).granted()
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


def wallet_on(chain: LocalChain, account: WalletAccount) -> PermissionsProvider:
    """A wallet of ours that grants one permission at a time."""
    return PermissionsProvider(
        accounts=[account],
        chains=[WalletChain(chain.chain_id, ChainReader(chain))],
        approver=CallbackApprover(lambda question: len(question.asked) == 1),
        clock=lambda: NOW,
    )


def site_of(provider: PermissionsProvider) -> Callable[[dict[str, Any]], Any]:
    """What a site calls as EIP-1193 has it."""
    return lambda call: provider.request(call["method"], call["params"], origin="https://shop.example")


def test_our_own_provider_is_a_provider_too() -> None:
    chain = fresh_chain()
    client = PermissionsClient(site_of(wallet_on(chain, LocalAccountSigner(dev_account(0)))))
    assert client.request_verified([ASKED], chain=chain, registry=REGISTRY).standing == "holds"
    with pytest.raises(RejectedError, match="4001"):
        client.request([ASKED, ASKED])
    assert json.dumps(client.granted()[0].to_wire())


def test_a_grant_of_our_wallets_hybrid_account_deploys_and_redeems() -> None:
    chain = fresh_chain()
    account = hybrid_account(bytes(dev_account(5).key))
    client = PermissionsClient(site_of(wallet_on(chain, account)))
    (granted,) = client.request_verified([ASKED], chain=chain, registry=REGISTRY).require()
    assert [dependency.factory for dependency in granted.response.dependencies] == [SIMPLE_FACTORY]
    granted.deploy(chain)
    assert simulate(chain, granted.redemption(pay(10**7))).allowed
    assert not simulate(chain, granted.redemption(pay(10**7 + 1))).allowed
