"""simulate and redeem: verdicts, exit codes, chain state and receipts."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from caveats import Address, AllowedTargets, Execution, Timestamp
from delegations.delegation import create_delegation, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.execution import ExecutionMode
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts import Receipt
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from delegations.simulation import Verdict, explain_denial, simulate
from tests.cli.command import SCRIPT, run, run_process
from tests.cli.conftest import AGENT, ALICE, CALLDATA, CHAIN_ID, CONTEXT, GRANT, PAY, SHOP, STRANGER, Desk

PAYING = ("--target", SHOP, "--value", "0.1eth")


# simulate


def test_an_allowed_redemption_exits_0_and_says_what_moves(desk: Desk) -> None:
    ran = run_process("simulate", desk.grant, "--state", desk.state, *PAYING)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("ALLOWED\n")
    assert f"0.1 ETH: {ALICE} -> {SHOP}" in ran.out


def test_a_denied_redemption_exits_1_and_says_who_denied(desk: Desk) -> None:
    ran = run_process("simulate", desk.grant, "--state", desk.state, "--target", STRANGER)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("DENIED\n")
    assert "stage hook, link 0 (leaf is 0), caveat 0 AllowedTargetsEnforcer" in ran.out


@pytest.mark.parametrize(("target", "code"), [(SHOP, 0), (STRANGER, 1)])
def test_the_json_is_the_verdict(desk: Desk, target: Address, code: int) -> None:
    ran = run("simulate", desk.grant, "--state", desk.state, "--target", target, "--json")
    chain = LocalChain.from_json(desk.state.read_text())
    assert ran.code == code
    redemption = redeem(GRANT, Execution(target=target))
    verdict, body = simulate(chain, redemption), ran.json()
    hint = body.pop("hint", None)
    assert Verdict.from_wire(body) == verdict
    assert hint == (None if verdict.allowed else explain_denial(chain, redemption, verdict))
    assert "null" not in ran.out


def test_simulating_leaves_the_state_alone(desk: Desk) -> None:
    before = desk.state.read_bytes()
    assert run("simulate", desk.grant, "--state", desk.state, *PAYING).code == 0
    assert desk.state.read_bytes() == before


@pytest.mark.parametrize("source", [GRANT.to_json(), CONTEXT], ids=["delegation", "context"])
def test_a_fresh_chain_sets_the_delegator_up(source: str) -> None:
    assert run("simulate", source, "--chain-id", CHAIN_ID, *PAYING).code == 0
    other = run("simulate", source, "--chain-id", CHAIN_ID + 1, *PAYING, "--json")
    assert other.code == 1
    assert other.json()["denial"]["stage"] == "signature"


def test_calldata_is_simulated_as_it_stands() -> None:
    assert run("simulate", CALLDATA, "--chain-id", CHAIN_ID).code == 0
    assert run("simulate", "-", "--chain-id", CHAIN_ID, stdin=CALLDATA).code == 0


def test_somebody_else_cannot_redeem(desk: Desk) -> None:
    ran = run("simulate", desk.grant, "--state", desk.state, *PAYING, "--redeemer", STRANGER, "--json")
    assert ran.code == 1
    assert ran.json()["denial"]["reason"] == "InvalidDelegate()"


@pytest.mark.parametrize("value", ["100000000000000000", "0.1eth", "0.1 eth", ".1eth"])
def test_values_are_wei_or_ether(desk: Desk, value: str) -> None:
    ran = run("simulate", desk.grant, "--state", desk.state, "--target", SHOP, "--value", value, "--json")
    if value.startswith("."):
        assert ran.code == 2
    else:
        assert ran.json()["effects"]["movements"][0]["amount"] == str(10**17)


def test_data_is_what_is_called(desk: Desk) -> None:
    told = run("redeem", desk.grant, "--dry-run", "--target", SHOP, "--data", "0xa9059cbb").out.strip()
    (redemption,) = run("inspect", told, "--json").json()["redemptions"]
    assert redemption["executions"][0]["callData"] == "0xa9059cbb"


# 2027-01-15 08:00:00 UTC
DEADLINE = 1_800_000_000


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (str(DEADLINE - 1), 0),
        (str(DEADLINE), 1),
        ("2027-01-15T07:59:59Z", 0),
        ("2027-01-15T08:00:00Z", 1),
        ("2027-01-15T09:59:59+02:00", 0),
        ("2027-01-15T10:00:00+02:00", 1),
    ],
)
@pytest.mark.parametrize("kept", [True, False], ids=["state", "fresh"])
def test_it_runs_at_the_time_it_is_told(desk: Desk, at: str, code: int, *, kept: bool) -> None:
    unsigned = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[Timestamp(before_at=DEADLINE)], salt=0)
    timed = sign_delegation(unsigned, dev_account(0), chain_id=CHAIN_ID, manager=DELEGATION_MANAGER).to_json()
    where = ("--state", desk.state) if kept else ("--chain-id", CHAIN_ID)
    assert run("simulate", timed, *where, "--target", SHOP, "--at", at).code == code


# several executions

LISTED = json.dumps([PAY.to_wire(), {"target": str(SHOP)}])


def bare_grant() -> str:
    """A grant without caveats: every enforcer in the grant of the desk refuses a batch."""
    unsigned = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[], salt=0, unsafe_unrestricted=True)
    return sign_delegation(
        unsigned, dev_account(0), chain_id=CHAIN_ID, manager=DELEGATION_MANAGER, unsafe_unrestricted=True
    ).to_json()


def test_listed_executions_are_a_batch() -> None:
    ran = run("simulate", bare_grant(), "--chain-id", CHAIN_ID, "--executions", LISTED, "--json")
    assert ran.code == 0
    assert [result["index"] for result in ran.json()["effects"]["executions"]] == [0, 1]


def test_a_single_listed_execution_can_be_sent_alone(desk: Desk) -> None:
    one = desk.write("one.json", json.dumps([PAY.to_wire()]))
    arguments = ("simulate", desk.grant, "--chain-id", CHAIN_ID, "--executions", one)
    assert run(*arguments, "--mode", "single").code == 0
    batched = run(*arguments, "--json")
    assert batched.code == 1
    assert "invalid-call-type" in batched.json()["denial"]["reason"]


def test_executions_come_from_standard_input(desk: Desk) -> None:
    ran = run("redeem", desk.grant, "--dry-run", "--executions", "-", stdin=LISTED)
    expected = Redemption(context=(GRANT,), mode=ExecutionMode.BATCH_DEFAULT, executions=(PAY, Execution(target=SHOP)))
    assert ran.out == f"0x{encode_redeem_delegations([expected]).hex()}\n"


def test_a_swallowed_failure_is_told() -> None:
    nonsense = ("--target", DELEGATION_MANAGER, "--data", "0xdeadbeef")
    ran = run("simulate", bare_grant(), "--chain-id", CHAIN_ID, *nonsense, "--mode", "single-try")
    assert ran.code == 0
    assert ran.out.startswith("ALLOWED, but an execution failed\n")
    assert "execution 0 failed and was swallowed" in ran.out


def test_a_failing_call_is_no_denial() -> None:
    ran = run("simulate", bare_grant(), "--chain-id", CHAIN_ID, "--target", SHOP, "--value", "11eth")
    assert ran.code == 1
    assert ran.out.startswith("FAILED\n")


# redeem


def test_a_dry_run_prints_the_calldata_and_touches_nothing(desk: Desk) -> None:
    before = sorted(desk.folder.iterdir())
    ran = run_process("redeem", desk.grant, "--dry-run", *PAYING, cwd=desk.folder)
    assert (ran.code, ran.out, ran.err) == (0, CALLDATA + "\n", "")
    assert run("redeem", desk.grant, "--dry-run", *PAYING, "--json").json() == {
        "to": str(DELEGATION_MANAGER),
        "data": CALLDATA,
        "value": "0",
    }
    assert run("redeem", CALLDATA, "--dry-run").out == CALLDATA + "\n"
    assert sorted(desk.folder.iterdir()) == before


def redeem_kept(desk: Desk, *more: object) -> tuple[int, dict[str, object], list[Receipt]]:
    """Redeem on the desk's chain; return exit code, what was printed, and the receipts it names."""
    ran = run("redeem", desk.grant, "--state", desk.state, "--receipts", desk.folder / "kept", "--json", *more)
    told = ran.json()
    return ran.code, told, [Receipt.from_json(Path(path).read_text()) for path in told["receipts"]]


def test_redeeming_changes_the_state_and_counts_on(desk: Desk) -> None:
    seen = []
    for expected in (0, 0, 1):
        code, _, (receipt,) = redeem_kept(desk, *PAYING)
        assert code == expected
        chain = LocalChain.from_json(desk.state.read_text())
        seen.append((receipt.outcome.status, chain.balance(SHOP), chain.block_number))
    assert seen == [("executed", 10**17, 2), ("executed", 2 * 10**17, 3), ("denied", 2 * 10**17, 4)]
    assert receipt.outcome.denial is not None
    assert receipt.outcome.denial.reason == "LimitedCallsEnforcer:limit-exceeded"
    assert len(list((desk.folder / "kept").iterdir())) == 3


def test_what_was_simulated_is_what_then_happens(desk: Desk) -> None:
    asked = run("simulate", desk.grant, "--state", desk.state, *PAYING, "--json").json()
    assert redeem_kept(desk, *PAYING)[1]["verdict"] == asked


def test_redeeming_tells_people_where_the_receipt_is(desk: Desk) -> None:
    ran = run_process("redeem", desk.grant, "--state", desk.state, *PAYING, cwd=desk.folder)
    assert ran.code == 0
    path = ran.out.splitlines()[-1].removeprefix("receipt ")
    assert path.startswith("receipts/redemption-")
    assert Receipt.from_json((desk.folder / path).read_text()).outcome.status == "executed"


def test_without_a_place_for_the_receipt_nothing_happens(desk: Desk) -> None:
    before = desk.state.read_bytes()
    blocked = desk.write("blocked", "")
    ran = run("redeem", desk.grant, "--state", desk.state, *PAYING, "--receipts", blocked)
    assert ran.code == 2
    assert desk.state.read_bytes() == before


def test_without_a_place_for_the_state_there_is_no_receipt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target == desk.state:
            raise OSError(28, "No space left on device")
        replace(source, target)

    before = sorted(desk.folder.iterdir())
    monkeypatch.setattr(os, "replace", refuse)
    ran = run("redeem", desk.grant, "--state", desk.state, *PAYING, "--receipts", desk.folder / "kept")
    assert ran.code == 2
    assert ran.err == f"error: {desk.state} cannot be written: No space left on device\n"
    assert list((desk.folder / "kept").iterdir()) == []
    assert sorted(desk.folder.iterdir()) == sorted([*before, desk.folder / "kept"])


# how it looks


def test_nothing_is_cut_when_piped() -> None:
    targets = [Address(i.to_bytes(20, "big")) for i in range(1, 40)]
    delegation = create_delegation(
        delegator=ALICE, delegate=AGENT, caveats=[AllowedTargets(targets=tuple(targets))], salt=0
    )
    ran = run_process("simulate", delegation.to_json(), "--chain-id", CHAIN_ID, "--target", STRANGER)
    shown = run_process("inspect", delegation.to_json())
    for text in (ran.out, shown.out):
        assert all(row == row.rstrip() for row in text.splitlines())
        assert "\x1b" not in text
    assert all(str(target) in shown.out for target in targets)
    assert max(map(len, shown.out.splitlines())) > 1_000


def test_nothing_is_cut_on_a_terminal(desk: Desk) -> None:
    supervisor, terminal = pty.openpty()
    child = subprocess.Popen(
        [SCRIPT, "inspect", desk.receipt],
        stdout=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "70", "NO_COLOR": "1"},
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(supervisor, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(supervisor)
    assert child.wait() == 0
    rows = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert max(map(len, rows)) <= 70
    bare = "".join("".join(rows).split()).replace("│", "")
    assert str(STRANGER) in bare
    assert "Its terms: Only".replace(" ", "") in bare
