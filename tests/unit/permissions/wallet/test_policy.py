"""A written policy grants what it names, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveats.errors import EncodingError
from delegations.permissions import NativeTokenPeriodic
from delegations.permissions.wallet import (
    CallbackApprover,
    Policy,
    PolicyApprover,
    ProviderError,
    read_policy,
)
from delegations.permissions.wallet.policy import _amount_within
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
    periodic,
    request,
)

ALLOW: dict[str, Any] = {
    "origins": [ORIGIN],
    "chain_ids": [CHAIN_ID],
    "types": ["native-token-periodic", "native-token-stream", "native-token-allowance", "erc20-token-allowance"],
    "delegates": [str(AGENT)],
    "tokens": {"native": {"max_amount": "10", "per_seconds": DAY}},
    "max_duration_seconds": 7 * DAY,
    "max_grants": 100,
}


def wallet_of(*paragraphs: dict[str, Any], **changes: Any) -> Wallet:
    allow = list(paragraphs) or [{name: value for name, value in {**ALLOW, **changes}.items() if value is not None}]
    return Wallet(approver=PolicyApprover(Policy.from_wire({"version": 1, "allow": allow})))


def is_granted(wallet: Wallet, *requests: Any, origin: str = ORIGIN) -> bool:
    try:
        return len(wallet.request(*requests, origin=origin)) == len(requests or (1,))
    except ProviderError as error:
        if error.rpc_code != 4001:
            raise
        return False


def why(wallet: Wallet) -> str:
    return wallet.lines[0]


def test_what_the_policy_names_is_granted() -> None:
    assert is_granted(wallet_of())


def test_a_policy_that_allows_nothing_grants_nothing() -> None:
    wallet = Wallet(approver=PolicyApprover(Policy.from_wire({"version": 1, "allow": []})))
    assert not is_granted(wallet)
    assert "the policy allows nothing" in why(wallet)


def erc20_periodic() -> Any:
    data = {"tokenAddress": str(TOKEN), "periodAmount": "0x1", "periodDuration": DAY}
    return request("erc20-token-periodic", data, expiry(1))


def erc20_allowance() -> Any:
    return request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": "0x1"}, expiry(1))


def every(seconds: int, amount: int, days: int = 1) -> Any:
    data = {"periodAmount": hex(amount), "periodDuration": seconds}
    return request("native-token-periodic", data, expiry(days))


def stream(days: int = 1, **data: str) -> Any:
    return request("native-token-stream", {"amountPerSecond": "0x1", **data}, expiry(days))


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (periodic(amount=11), "11 in 86400 seconds is more than 10"),
        (periodic(expiry(8)), "it would hold for more than 604800 seconds"),
        (periodic(addresses("redeemer", AGENT)), "it would hold for more than 604800 seconds"),
        (periodic(to=str(BOB)), f"delegate {BOB} is not listed"),
        (erc20_periodic(), "erc20-token-periodic is not listed"),
        (erc20_allowance(), f"token {TOKEN} is not listed"),
        (every(DAY - 1, 10), "20 in 86400 seconds is more than 10"),
        (every(3600, 1), "24 in 86400 seconds is more than 10"),
        (every(DAY + 1, 10, days=3), "20 in 86400 seconds is more than 10"),
        (every(DAY * 3 // 2, 6, days=3), "12 in 86400 seconds is more than 10"),
        (every(DAY * 7 // 10, 4, days=3), "12 in 86400 seconds is more than 10"),
        (request("native-token-allowance", {"allowanceAmount": "0xb"}, expiry(1)), "11 in 86400 seconds"),
        (stream(), "86400 in 86400 seconds is more than 10"),
        (stream(maxAmount="0x5"), "a stream needs max_total"),
    ],
)
def test_what_it_does_not_name_is_refused_and_the_operator_learns_why(asked: Any, reason: str) -> None:
    wallet = wallet_of()
    assert not is_granted(wallet, asked)
    assert reason in why(wallet)


@given(
    period=st.integers(1, 30),
    span=st.one_of(st.none(), st.integers(1, 30)),
    life=st.one_of(st.none(), st.integers(1, 200)),
)
def test_no_span_reaches_more_than_is_counted_however_periods_and_spans_lie(
    period: int, span: int | None, life: int | None
) -> None:
    permission = NativeTokenPeriodic(period_amount=7, period_duration=period, start_time=NOW)
    counted = _amount_within(permission, span, None if life is None else NOW + life)
    if span is None and life is None:
        assert counted is None
        return
    seconds = range(200 if life is None else life)
    spans: dict[int, set[int]] = {}
    for at in seconds:
        spans.setdefault(0 if span is None else at // span, set()).add(at // period)
    reached = 7 * max(map(len, spans.values()))
    assert counted is not None
    assert counted >= reached
    assert counted <= reached + 7


def test_another_site_is_refused() -> None:
    assert not is_granted(wallet_of(), origin=OTHER)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain_ids": [1]}, f"chain {CHAIN_ID} is not listed"),
        ({"accounts": [str(BOB)]}, f"account {ALICE} is not listed"),
        ({"required_rules": ["redeemer"]}, "the rule redeemer is missing"),
        ({"payees": [str(SHOP)]}, "a payee is missing or not listed"),
        ({"tokens": None}, "token native is not listed"),
    ],
)
def test_each_field_bounds(changes: dict[str, Any], reason: str) -> None:
    wallet = wallet_of(**changes)
    assert not is_granted(wallet)
    assert reason in why(wallet)


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"accounts": [str(ALICE)]}, []),
        ({"delegates": "any"}, []),
        ({"required_rules": ["redeemer"]}, [addresses("redeemer", AGENT)]),
        ({"payees": [str(SHOP)]}, [addresses("payee", SHOP)]),
    ],
)
def test_and_admits_what_it_names(changes: dict[str, Any], rules: list[Any]) -> None:
    assert is_granted(wallet_of(**changes), periodic(expiry(1), *rules))


def test_a_payee_that_is_not_listed_beside_one_that_is_refused() -> None:
    assert not is_granted(wallet_of(payees=[str(SHOP)]), periodic(expiry(1), addresses("payee", SHOP, BOB)))


def test_a_stream_within_its_total_is_granted_and_one_beyond_is_not() -> None:
    limits = {"native": {"max_amount": "86400", "per_seconds": DAY, "max_total": "100000"}}
    wallet = wallet_of(tokens=limits)
    assert is_granted(wallet, stream())
    assert not is_granted(wallet, stream(2))
    capped = stream(2, maxAmount=hex(100_000))
    assert is_granted(wallet, capped)


def test_a_total_counts_every_period_until_the_expiry() -> None:
    limits = {"native": {"max_amount": "10", "per_seconds": DAY, "max_total": "30"}}
    assert is_granted(wallet_of(tokens=limits), periodic(expiry(3)))
    assert not is_granted(wallet_of(tokens=limits), periodic(expiry(4)))


def test_without_a_span_the_amount_is_the_one_in_all() -> None:
    limits = {"native": {"max_amount": "30"}}
    assert is_granted(wallet_of(tokens=limits), periodic(expiry(3)))
    assert not is_granted(wallet_of(tokens=limits), periodic(expiry(4)))


def test_what_never_expires_has_no_bound_in_all() -> None:
    wallet = wallet_of(tokens={"native": {"max_amount": "30"}}, max_duration_seconds=None)
    assert not is_granted(wallet, request("native-token-periodic", {"periodAmount": "0x1", "periodDuration": DAY}))
    assert "no bound in all is more than 30" in why(wallet)


def test_any_paragraph_may_admit_it() -> None:
    assert is_granted(wallet_of({**ALLOW, "origins": [OTHER]}, ALLOW))


def test_one_permission_too_many_refuses_those_beside_it() -> None:
    wallet = wallet_of()
    assert not is_granted(wallet, periodic(), periodic(amount=11))
    assert wallet.granted() == []


# how many


def test_a_site_gets_no_more_grants_than_are_allowed() -> None:
    wallet = wallet_of(max_grants=2)
    assert [is_granted(wallet) for _ in range(3)] == [True, True, False]
    assert "2 grants are out already" in wallet.lines[-1]


def test_nor_does_it_by_asking_for_several_at_once() -> None:
    assert not is_granted(wallet_of(max_grants=2), periodic(), periodic(), periodic())


def test_revoking_does_not_give_the_budget_back() -> None:
    wallet = wallet_of(max_grants=1)
    (response,) = wallet.request()
    wallet.revoke(response["context"])
    assert not is_granted(wallet)


def test_nor_does_expiring_before_the_time_of_the_limit_has_passed() -> None:
    wallet = wallet_of(max_grants=1)
    assert is_granted(wallet, periodic(expiry(1)))
    wallet.now = NOW + 2 * DAY - 1
    later = {"type": "expiry", "data": {"timestamp": NOW + 4 * DAY}}
    assert not is_granted(wallet, periodic(later))
    wallet.now = NOW + 2 * DAY
    assert is_granted(wallet, periodic(later))


def test_a_limit_in_all_is_never_given_back() -> None:
    wallet = wallet_of(max_grants=1, tokens={"native": {"max_amount": "30"}})
    assert is_granted(wallet, periodic(expiry(1)))
    wallet.now = NOW + 300 * DAY
    assert not is_granted(wallet, periodic({"type": "expiry", "data": {"timestamp": NOW + 301 * DAY}}))


# adjusting


def test_a_missing_expiry_is_set_where_both_sides_allow_it() -> None:
    wallet = wallet_of(adjust=True)
    (response,) = wallet.request(periodic(addresses("redeemer", AGENT), adjustable=True))
    assert response["rules"][0] == expiry(7)
    assert response["rules"][1]["type"] == "redeemer"


def test_a_late_expiry_is_moved() -> None:
    (response,) = wallet_of(adjust=True).request(periodic(expiry(30), adjustable=True))
    assert response["rules"] == [expiry(7)]


def test_nothing_is_set_where_the_site_does_not_allow_it() -> None:
    assert not is_granted(wallet_of(adjust=True), periodic(expiry(30)))


def test_nor_where_the_policy_does_not() -> None:
    assert not is_granted(wallet_of(), periodic(expiry(30), adjustable=True))


def test_what_the_policy_leaves_open_may_be_put_to_somebody() -> None:
    asked: list[int] = []
    otherwise = CallbackApprover(lambda question: asked.append(len(question.asked)) is None)
    policy = Policy.from_wire({"version": 1, "allow": [ALLOW]})
    wallet = Wallet(approver=PolicyApprover(policy, otherwise=otherwise))
    assert is_granted(wallet)
    assert asked == []
    assert is_granted(wallet, periodic(amount=11))
    assert asked == [1]


# the file

TOML = f"""
version = 1

[[allow]]
origins = ["{ORIGIN}"]
chain_ids = [{CHAIN_ID}]
types = ["native-token-periodic"]
delegates = "any"
max_duration_seconds = {7 * DAY}

[allow.tokens.native]
max_amount = "10"
per_seconds = {DAY}
"""


def test_a_toml_file_is_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(TOML)
    assert is_granted(Wallet(approver=PolicyApprover(read_policy(path))))


def test_so_is_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(Policy.from_wire({"version": 1, "allow": [ALLOW]}).to_json())
    assert read_policy(path).allow[0].max_grants == 100


TWICE = (str(TOKEN), str(TOKEN).lower())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Policy.version: this field is required"),
        ("version = 2\nallow = []", "Policy.version: expected 1"),
        ("version = 1", "Policy.allow: this field is required"),
        ("version = ", "policy: not TOML"),
        (TOML + "\nmax_sum = 5", "there is no such field"),
        (TOML.replace('"native-token-periodic"', '"native-token-gift"'), "native-token-gift is no permission type"),
        (TOML.replace('"10"', '"-1"'), "expected a whole number from 0 to 2^256-1"),
        (TOML.replace("[allow.tokens.native]", "[allow.tokens.usdc]"), 'a token is "native" or an address'),
        (TOML.replace(ORIGIN, "shop.example"), "origin: expected such as"),
        (TOML.replace(f"max_duration_seconds = {7 * DAY}", "adjust = true"), "max_duration_seconds must be given"),
        (TOML.replace(f"per_seconds = {DAY}", "per_seconds = 0"), "greater than 0"),
        (TOML.replace('"any"', '"some"'), "delegates"),
        (TOML + "".join(f'\n[allow.tokens."{each}"]\nmax_amount = "1"' for each in TWICE), "a token stands twice"),
    ],
)
def test_a_policy_with_a_mistake_is_refused_whole(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(EncodingError, match=message.replace("^", r"\^")):
        read_policy(path)


@pytest.mark.parametrize("name", ["policy.yaml", "policy", "missing.toml"])
def test_what_is_no_policy_file_is_refused(tmp_path: Path, name: str) -> None:
    if name != "missing.toml":
        (tmp_path / name).write_text(TOML)
    with pytest.raises(EncodingError, match="policy"):
        read_policy(tmp_path / name)


def test_a_policy_too_large_to_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(TOML + "#" * 1_048_577)
    with pytest.raises(EncodingError, match="larger than"):
        read_policy(path)


def test_a_redeemer_that_is_not_listed_is_refused() -> None:
    wallet = wallet_of(required_rules=["redeemer"])
    assert is_granted(wallet, periodic(expiry(1), addresses("redeemer", AGENT)))
    assert not is_granted(wallet, periodic(expiry(1), addresses("redeemer", AGENT, BOB)))
    assert f"redeemer {BOB} is not listed" in wallet.lines[-1]
    assert is_granted(wallet_of(delegates="any"), periodic(expiry(1), addresses("redeemer", BOB)))


def test_an_expiry_is_not_set_before_the_start_and_the_site_does_not_learn_of_it() -> None:
    wallet = wallet_of(adjust=True, max_duration_seconds=DAY, tokens={"native": {"max_amount": "10"}})
    later = {"allowanceAmount": "0x1", "startTime": NOW + 2 * DAY}
    assert not is_granted(wallet, request("native-token-allowance", later, adjustable=True))
    assert "it would begin when it has ended" in wallet.lines[-1]


@pytest.mark.parametrize("token", ["0x" + "00" * 20, "Native", "NATIVE", "", str(TOKEN)[:-1], f" {TOKEN}"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(EncodingError, match="token"):
        wallet_of(tokens={token: {"max_amount": "10"}})


def test_a_token_is_the_same_in_every_case_and_stands_once() -> None:
    lower, limit = str(TOKEN).lower(), {"max_amount": "10", "per_seconds": DAY}
    assert is_granted(wallet_of(tokens={lower: limit}), erc20_allowance())
    with pytest.raises(EncodingError, match="stands twice"):
        wallet_of(tokens={lower: limit, str(TOKEN): limit})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (periodic(amount=6), periodic(amount=6)),
        (periodic(amount=6), request("native-token-allowance", {"allowanceAmount": "0x6"}, expiry(1))),
        (erc20_allowance(), periodic(amount=6)),
    ],
    ids=["twice the same", "another type", "another token"],
)
def test_several_that_are_small_enough_one_by_one_are_no_way_round(first: Any, second: Any) -> None:
    limit = {"max_amount": "10", "per_seconds": DAY}
    rules: dict[str, Any] = {"tokens": {"native": limit, str(TOKEN): limit}, "max_grants": 1}
    assert not is_granted(wallet_of(**rules), first, second)
    wallet = wallet_of(**rules)
    assert is_granted(wallet, first)
    assert not is_granted(wallet, second)


@pytest.mark.parametrize("written", ["10.5", "1e3", "-1", '"10 USDC"', '"0.5"', "true", '""', "1_0.0", str(2**256)])
def test_an_amount_that_has_two_readings_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "policy.toml"
    head = 'version = 1\n[[allow]]\norigins = []\nchain_ids = [1]\ntypes = []\ndelegates = "any"\n'
    path.write_text(f"{head}[allow.tokens.native]\nmax_amount = {written}\n")
    with pytest.raises(EncodingError, match=r"max_amount|not TOML"):
        read_policy(path)
    path.write_text(f"{head}[allow.tokens.native]\nmax_amount = 10\n")
    assert read_policy(path).allow[0].tokens["native"].max_amount == 10


def test_a_policy_that_everybody_may_write_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\nallow = []\n")
    assert read_policy(path).allow == ()
    path.chmod(0o666)
    with pytest.raises(EncodingError, match="chmod o-w"):
        read_policy(path)


def test_each_site_has_grants_of_its_own_to_count() -> None:
    wallet = wallet_of(max_grants=1, origins=[ORIGIN, OTHER])
    assert is_granted(wallet)
    assert is_granted(wallet, origin=OTHER)
    assert not is_granted(wallet)


def test_a_total_bounds_nothing_that_never_expires() -> None:
    limits = {"native": {"max_amount": "10", "per_seconds": DAY, "max_total": "1000000"}}
    wallet = wallet_of(tokens=limits, max_duration_seconds=None)
    assert is_granted(wallet, periodic(expiry(30)))
    assert not is_granted(wallet, periodic(addresses("redeemer", AGENT)))
    assert "no bound until it expires is more than 1000000" in wallet.lines[-1]
