"""The demo: what it claims is what its files hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delegations.delegation import Delegation, verify_signature
from delegations.evm import LocalChain
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts import Receipt
from tests.cli.command import run, run_process

OVERSPENT = "ERC20TransferAmountEnforcer:allowance-exceeded"
STEPS = [
    ("agent pays 40 TEST", True, "every caveat agreed"),
    ("agent tries to pay 61 more", False, f"{OVERSPENT}, own caveat 2"),
    ("agent calls another contract", False, "AllowedTargetsEnforcer:target-address-not-allowed, own caveat 0"),
    ("sub-agent pays 6 TEST of its slice of 10", True, "every caveat agreed"),
    ("sub-agent tries to pay 5 more", False, f"{OVERSPENT}, own caveat 1"),
    ("agent tries again seven days later", False, "TimestampEnforcer:expired-delegation, own caveat 3"),
    ("agent makes the third call", True, "every caveat agreed"),
    ("agent makes the fourth call", True, "every caveat agreed"),
    ("agent makes the fifth call", True, "every caveat agreed"),
    ("agent tries a sixth call", False, "LimitedCallsEnforcer:limit-exceeded, own caveat 4"),
    ("agent tries once more", False, "CannotUseADisabledDelegation()"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """The folder, the JSON report, and the same story in words."""
    folder = tmp_path_factory.mktemp("demo")
    ran = run("demo", "--out", folder / "json", "--json")
    assert (ran.code, ran.err) == (0, "")
    words = run_process("demo", "--out", "words", cwd=folder)
    assert (words.code, words.err) == (0, "")
    return folder / "json", ran.json(), words.out


def receipts_of(report: dict[str, Any]) -> list[Receipt]:
    return [Receipt.from_json(Path(path).read_text()) for path in report["receipts"]]


def test_every_step_is_decided_by_whom_the_story_says(told: tuple[Path, dict[str, Any], str]) -> None:
    steps = told[1]["steps"]
    assert [(step["step"], step["allowed"], step["decidedBy"]) for step in steps] == STEPS


def test_the_words_tell_the_same_steps(told: tuple[Path, dict[str, Any], str]) -> None:
    rows = [row for row in told[2].splitlines() if row.startswith(("  allowed  ", "  refused  "))]
    assert rows == [f"  {'allowed' if ok else 'refused'}  {step}: {decided}" for step, ok, decided in STEPS]


def test_the_shop_holds_what_the_allowed_steps_paid(told: tuple[Path, dict[str, Any], str]) -> None:
    paid = sum(move.amount for receipt in receipts_of(told[1]) for move in receipt.outcome.movements)
    assert paid == 49 * 10**18
    assert told[1]["shopReceived"] == "49 TEST"


def test_each_receipt_stands_for_its_step(told: tuple[Path, dict[str, Any], str]) -> None:
    receipts = receipts_of(told[1])
    assert [receipt.hash for receipt in receipts] == [step["receipt"] for step in told[1]["steps"]]
    assert [receipt.kind == "redemption" for receipt in receipts] == [allowed for _, allowed, _ in STEPS]
    names = [Path(path).name for path in told[1]["receipts"]]
    assert names == [f"{i:02d}-{receipt.kind}.json" for i, receipt in enumerate(receipts, 1)]


def test_the_receipts_of_each_redeemer_are_linked(told: tuple[Path, dict[str, Any], str]) -> None:
    last: dict[Any, str] = {}
    for receipt in receipts_of(told[1]):
        assert receipt.prev == last.get(receipt.actor.redeemer)
        last[receipt.actor.redeemer] = receipt.hash
    assert len(last) == 2


def test_the_grant_is_the_root_of_every_lineage(told: tuple[Path, dict[str, Any], str]) -> None:
    grant = Delegation.from_json((told[0] / "grant.json").read_text())
    verify_signature(grant, chain_id=31337, manager=DELEGATION_MANAGER)
    assert {receipt.lineage[0].hash for receipt in receipts_of(told[1])} == {grant.hash}
    assert {len(receipt.lineage) for receipt in receipts_of(told[1])} == {1, 2}


def test_the_chain_left_behind_knows_that_the_grant_is_disabled(told: tuple[Path, dict[str, Any], str]) -> None:
    folder = told[0]
    chain = LocalChain.from_json((folder / "chain.json").read_text())
    ran = run("simulate", folder / "grant.json", "--state", folder / "chain.json", "--target", chain.manager, "--json")
    assert ran.code == 1
    assert ran.json()["denial"]["reason"] == "CannotUseADisabledDelegation()"


def test_the_commands_it_recommends_work(told: tuple[Path, dict[str, Any], str]) -> None:
    folder = told[0].parent
    words = [row.split() for row in told[2].splitlines() if row.startswith("  ")]
    commands = [row[1:] for row in words if Path(row[0]).name == "delegations"]
    assert len(commands) == 3
    for command, code in zip(commands, (0, 0, 1), strict=True):
        assert run_process(*command, cwd=folder).code == code


def test_the_default_folder_is_receipts(tmp_path: Path) -> None:
    ran = run_process("demo", "--json", cwd=tmp_path)
    assert ran.code == 0
    assert (tmp_path / "receipts" / "grant.json").is_file()
    assert all(path.startswith("receipts/") for path in ran.json()["receipts"])


def test_a_second_demo_writes_the_same_files_over_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        assert run("demo", "--out", tmp_path, "--json").code == 0
    assert len(list(tmp_path.iterdir())) == len(STEPS) + 2
