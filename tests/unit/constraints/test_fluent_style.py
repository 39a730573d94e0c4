"""Two styles, one meaning: what a fluent method adds is what its plain function returns."""

from __future__ import annotations

import pytest

from caveats import Address, AllowedCalldata, Execution, constraints
from caveats.constraints import NATIVE
from caveats.errors import DelegationsError
from delegations.grant import Grant

USDC = Address(b"\xaa" * 20)
ALICE, BOB = Address(b"\xa1" * 20), Address(b"\xb0" * 20)
NOW = 1_800_000_000
BASE = Grant(delegator=ALICE, delegate=BOB)
CALL = Execution(target=USDC, value=3, call_data=b"\x12\x34\x56\x78")
TRANSFER = "transfer(address to,uint256 amount)"
ABI = [{"type": "function", "name": "set", "inputs": [{"name": "fee", "type": "uint256"}]}]

# every option of each is given once; a value differs from its default
CASES = [
    ("spend_total", (USDC, "12.5"), {"decimals": 6}),
    ("spend_total", (NATIVE, 7), {"call_data": b"\x12"}),
    ("spend_per_period", (USDC, "12.5", "week"), {"start_at": NOW, "decimals": 6}),
    ("spend_per_period", (NATIVE, 7, 90), {"start_at": NOW, "call_data": [AllowedCalldata(data_start=0, value=b"\1")]}),
    ("spend_stream", (USDC, "0.5"), {"start_at": NOW, "initial": 1, "at_most": 9, "decimals": 1}),
    ("spend_stream", (NATIVE, 7), {"start_at": NOW, "call_data": b"\x12"}),
    ("spend_per_call", (NATIVE, "0.5"), {"decimals": 18}),
    ("transfer_nft", (USDC, 7), {}),
    ("call_functions", (USDC, TRANSFER), {"where": {"to": BOB}, "value_at_most": 4}),
    ("call_functions", ([USDC, BOB], ["f()", "g()"]), {"call_data": b"\x12\x34\x56\x78"}),
    ("call_functions", (USDC, "set"), {"abi": ABI, "where": {"fee": 5}}),
    ("call_only", ([USDC, BOB],), {}),
    ("transfer_ownership", (USDC, BOB), {}),
    ("exact_call", (CALL,), {}),
    ("exact_batch", ([CALL, Execution(target=BOB)],), {}),
    ("exact_call_data", (b"\x12\x34",), {}),
    ("expires_at", (NOW,), {}),
    ("expires_in", (), {"now": NOW, "days": 1, "hours": 2, "minutes": 3, "seconds": 4}),
    ("expires_at_block", (9,), {}),
    ("not_before", (NOW,), {}),
    ("usable_between", (NOW, NOW + 9), {}),
    ("at_most_calls", (5,), {}),
    ("single_use", (7,), {}),
    ("revocable_by_nonce", (0,), {}),
    ("redeemable_by", ([BOB, ALICE],), {}),
    ("payee", (USDC, [BOB]), {}),
    ("payee", (NATIVE, [BOB, ALICE]), {}),
]
REFUSED = [
    ("spend_total", (USDC, "12.5"), {}),
    ("expires_in", (), {"now": NOW}),
    ("payee", (USDC, [ALICE, BOB]), {}),
    ("usable_between", (NOW, NOW), {}),
]
ORDERED = [case for case in CASES if case[0] in ("spend_total", "spend_per_period", "spend_stream", "transfer_nft")]


def each_of(cases):
    ids = [f"{case[0]}-{number}" for number, case in enumerate(cases)]
    return pytest.mark.parametrize(("name", "given", "options"), cases, ids=ids)


def fluent(grant, name, given, options):
    """Return the caveats of a delegation built with one fluent method."""
    return list(getattr(grant, name)(*given, **options).build(salt=1).caveats)


def plain(name, given, options):
    """Return the caveats of the plain function."""
    return [terms.to_caveat() for terms in getattr(constraints, name)(*given, **options)]


@each_of(CASES)
def test_a_fluent_method_gives_the_caveats_of_its_plain_function(name, given, options):
    assert fluent(BASE, name, given, options) == plain(name, given, options)


@each_of(CASES)
def test_a_fluent_method_adds_after_what_is_there(name, given, options):
    begun = BASE.revocable_by_nonce(3)
    assert fluent(begun, name, given, options) == [*plain("revocable_by_nonce", (3,), {}), *plain(name, given, options)]


@each_of(ORDERED)
def test_the_order_of_a_grant_is_the_order_of_the_plain_function(name, given, options):
    wallet = Grant(delegator=ALICE, delegate=BOB, order="wallet")
    assert fluent(wallet, name, given, options) == plain(name, given, {**options, "order": "wallet"})
    assert fluent(wallet, name, given, options) != fluent(BASE, name, given, options)


def test_a_cap_on_tokens_per_call_watches_the_root_delegator():
    expected = plain("spend_per_call", (USDC, "0.5"), {"decimals": 6, "holder": ALICE})
    assert fluent(BASE, "spend_per_call", (USDC, "0.5"), {"decimals": 6}) == expected


def test_an_id_of_its_own_is_drawn_in_both_styles():
    (drawn,) = BASE.single_use().terms
    assert type(drawn) is type(constraints.single_use()[0])
    assert drawn != BASE.single_use().terms[0]


@each_of(REFUSED)
def test_both_styles_refuse_with_the_same_words(name, given, options):
    refused = []
    for refuse in (lambda: plain(name, given, options), lambda: fluent(BASE, name, given, options)):
        with pytest.raises(DelegationsError) as caught:
            refuse()
        refused.append(str(caught.value))
    assert refused[0] == refused[1]


def test_every_constraint_has_its_fluent_twin_and_a_case():
    functions = {name for name in constraints.__all__ if name[0].islower()} - {"argument", "parse_function"}
    assert functions == {name for name, _, _ in CASES}
    assert functions <= set(dir(Grant))
    assert len(functions) == 21
