"""A receipt of what ran under a contract of ours says that it was not the deployed one."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from caveats import LimitedCalls, NativeTokenMultiOperationIncreaseBalance
from caveats.errors import EncodingError
from delegations.receipts import Receipt, RedemptionReceipt, make_preflight_receipts, make_receipts
from delegations.receipts.json_schema import load_schema
from delegations.receipts.page import render_page
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from tests.cli.command import run
from tests.unit.receipts.makers import SHOP, grant, pay, stage

RISE = NativeTokenMultiOperationIncreaseBalance(recipient=SHOP, amount_wei=5)
WARNING = f"stand-in: {RISE.ENFORCER} at {RISE.ADDRESS} runs this project's own code, not the deployed one"


def done(wei: int) -> RedemptionReceipt:
    return make_receipts(execute(stage(), redeem(grant([RISE]), pay(wei))))[0]


@pytest.mark.parametrize(("wei", "status"), [(5, "executed"), (4, "denied")])
def test_a_deed_and_a_denial_under_a_stand_in_carry_the_warning(wei: int, status: str) -> None:
    receipt = done(wei)
    assert (receipt.outcome.status, receipt.outcome.warnings) == (status, (WARNING,))


def test_a_denial_before_the_deed_carries_it_too() -> None:
    chain, asked = stage(), redeem(grant([RISE]), pay(4))
    (receipt,) = make_preflight_receipts(chain, asked, simulate(chain, asked))
    assert receipt.outcome.warnings == (WARNING,)


def test_where_no_stand_in_ran_there_is_no_such_field() -> None:
    (receipt,) = make_receipts(execute(stage(), redeem(grant([LimitedCalls(limit=1)]), pay(5))))
    assert receipt.outcome.warnings is None
    assert "warnings" not in receipt.to_wire()["outcome"]


def test_the_warning_is_part_of_what_is_hashed_and_read_back() -> None:
    receipt = done(5)
    assert Draft202012Validator(load_schema()).is_valid(receipt.to_wire())
    assert Receipt.from_json(receipt.to_json()) == receipt
    wire = receipt.to_wire()
    del wire["outcome"]["warnings"]
    assert Receipt.from_wire(wire).hash != receipt.hash


def test_a_list_of_no_warnings_is_another_spelling_of_none_and_refused() -> None:
    wire = done(5).to_wire()
    wire["outcome"]["warnings"] = []
    with pytest.raises(EncodingError, match=r"outcome\.warnings: expected something in it"):
        Receipt.from_wire(wire)
    assert not Draft202012Validator(load_schema()).is_valid(wire)


def test_page_and_terminal_show_it() -> None:
    receipt = done(5)
    assert "runs this project" in render_page(receipt)
    shown = run("receipt", "show", receipt.to_json()).out
    assert "stand-in: NativeTokenMultiOperationIncreaseBalanceEnforcer" in " ".join(shown.split())
