"""Whatever is handed over by mistake or in malice: one line, exit code 2, and nothing of the libraries below."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any, NamedTuple

import pytest

from delegations.cli import load
from tests.cli.command import SCRIPT, Ran, run, run_process
from tests.cli.conftest import AGENT, ALICE, CALLDATA, CONTEXT, SHOP, Desk, altered

KEY = "0x" + "11" * 32
PASSWORD = {"DELEGATIONS_KEYSTORE_PASSWORD": "open sesame"}


class Row(NamedTuple):
    """A command line, and a piece of the message it must get. {grant}, {state} ... stand for the desk's files."""

    arguments: tuple[str, ...]
    message: str
    stdin: str | bytes = b""
    env: tuple[tuple[str, str], ...] = ()


def row(line: str, *more: str, says: str, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> Row:
    """A row whose arguments are the words of `line`, then `more` as they are."""
    return Row((*line.split(), *more), says, stdin, tuple((env or {}).items()))


FRESH = f"simulate {{grant}} --chain-id 31337 --target {SHOP}"
KEPT = f"simulate {{grant}} --target {SHOP} --state"
BATCH = "simulate {grant} --chain-id 31337 --executions"
SIGN = "sign {grant} --chain-id 1"

READING = [
    row("inspect {folder}/nothing.json", says="there is no such file"),
    row("inspect {folder}", says="Is a directory"),
    row("inspect {binary}", says="not text (invalid start byte at byte 0)"),
    row("inspect {empty}", says="got nothing"),
    row("inspect -", says="got nothing"),
    row("inspect -", says="not text", stdin=b"\xff\xfe"),
    row("inspect", "", says="got nothing"),
    row("inspect", "a\0b", says=r"a\x00b cannot be read: embedded null byte"),
    row("inspect", "x" * 5000, says="(5000 characters) cannot be read: File name too long"),
    row("inspect", "no\nsuch\x1b[31m", says=r"got no\nsuch\x1b[31m (there is no such file)"),
]
HEX = [
    row("inspect 0x123", says="it has an odd number of digits"),
    row("inspect 0xzz", says="only the digits 0-9 and a-f may follow 0x"),
    row("inspect 0x", says="0 bytes that are no permission context"),
    row("inspect", CONTEXT[2:], says="prefix hex with 0x"),
    row("inspect", f'"{CONTEXT[2:]}"', says="prefix it with 0x"),
    row("inspect", "0x" + "ff" * 100, says="the offset at byte 0 points outside the data"),
    row("inspect", CONTEXT[:200], says="99 bytes that are no permission context"),
    row("inspect", CONTEXT[:-200], says="no permission context"),
    row("inspect", CALLDATA[:300], says="redeemDelegations: "),
    row("inspect 0xcef6d209", says="the data ends at byte 0"),
    row("simulate --chain-id 1", CALLDATA + "00", says="calldata: not the bytes its redemptions encode to"),
    row("simulate --chain-id 1", CALLDATA + "0", says="odd number of digits"),
    row("simulate --chain-id 1", "0xa9059cbb" + "00" * 64, says="no permission context, no delegation"),
]
JSON = [
    row("inspect", '{"a":', says="not JSON (EOF"),
    row("inspect", "{}", says="delegate: this field is required"),
    row("inspect", "[1]", says="input[0]: expected the JSON object of a delegation, got 1"),
    row("inspect -", says="expected a JSON object, list or string, got 5", stdin="5"),
    row("inspect -", says="got null", stdin="null"),
    row("inspect -", says="number out of range", stdin="9" * 5000),
    row("inspect -", says="not JSON", stdin="NaN"),
    row("inspect -", says="not JSON", stdin='{"\\ud800": 1}'),
    row("inspect -", says="recursion limit", stdin="[" * 100_000),
    row("inspect -", says="recursion limit", stdin='{"schema":' * 100_000),
    row("inspect", '{"context": "0x", "context": "0x00"}', says="a key stands twice"),
    row("inspect", '{"context": "0x12"}', says="permission context: the data ends at byte 1"),
    row("inspect", altered(comment="hi"), says="comment: there is no such field"),
    row("inspect", altered(deligate=str(AGENT)), says="deligate: there is no such field"),
    row("inspect", altered(salt=None), says="salt: uint256: expected a whole number"),
    row("inspect", altered(salt=1.5), says="got 1.5"),
    row("inspect", altered(salt=-1), says="got -1"),
    row("inspect", altered(salt="0x" + "1" * 65), says="salt: uint256"),
    row("inspect", altered(caveats={}), says="caveats: expected a list"),
    row("inspect", altered(delegate=str(ALICE).swapcase().replace("X", "x", 1)), says="EIP-55 checksum"),
    row("inspect", altered(delegate="0x12"), says="expected 20 bytes, got 1 bytes"),
    row("inspect", '{"schema": "urn:other"}', says="expected schema urn:delegations:receipt:1, got urn:other"),
    row("inspect", '{"schema": null}', says="expected schema"),
]
KIND = [
    row("hash {receipt}", says="expected a delegation or a permission context, got a receipt"),
    row("hash", CALLDATA, says="got redeemDelegations calldata"),
    row("hash", "[]", says="expected exactly one, got 0"),
    row(f"simulate {{receipt}} --chain-id 1 --target {SHOP}", says="a receipt cannot be redeemed"),
    row("simulate --chain-id 1 --value 1", CALLDATA, says="calldata already says what to execute"),
    row(f"simulate [] --chain-id 1 --target {SHOP}", says="redeemer: cannot be told from the delegation"),
]
NUMBERS = [
    *[
        row(f"inspect {{grant}} --chain-id {bad}", says=f"--chain-id: expected a number from 1 to 2^64-1, got {bad}")
        for bad in ("0", "-1", str(2**64), "1.5", "0x1", "mainnet", "9" * 40)
    ],
    *[
        row(f"{FRESH} --value", bad, says="--value: expected whole wei, or ether such as 0.5eth")
        for bad in ("1.5", "-1", "1e18", "", "0x10", "1,000", "²")
    ],
    *[row(f"{FRESH} --value", bad, says="--value: amount") for bad in ("eth", "-1eth", "1e3eth", "0,5eth")],
    row(f"{FRESH} --value 0.0000000000000000001eth", says="at most 18 decimal places"),
    row(f"{FRESH} --value {2**256}", says="--value: uint256: expected a whole number from 0 to 2^256-1"),
    row(f"{FRESH} --value {'9' * 500}", says="--value: uint256"),
]
TIMES = [
    row(f"{FRESH} --at 2026-12-31T12:00:00", says="--at: expected a time with its zone"),
    row(f"{FRESH} --at 2026-12-31", says="append Z for UTC"),
    row(f"{FRESH} --at tomorrow", says="--at: expected unix seconds, or a time such as"),
    row(f"{FRESH} --at", "", says="--at: expected unix seconds"),
    row(f"{FRESH} --at=-1", says="--at: expected unix seconds"),
    row(f"{FRESH} --at 0001-01-01T00:00:00Z", says="1970 or later"),
    row(f"{FRESH} --at 2026-01-01T00:00:00.5Z", says="whole seconds"),
    row(f"{FRESH} --at {10**78}", says="--at: uint256"),
]
EXECUTIONS = [
    row("simulate {grant} --chain-id 1", says="what to execute is missing"),
    row("simulate {grant} --chain-id 1 --target bob", says="--target: Address: expected 0x"),
    row("simulate {grant} --chain-id 1 --target 0x12", says="--target: Address: expected 20 bytes"),
    row(f"{FRESH} --executions []", says="--executions says it all"),
    row(f"{FRESH} --data 0x1", says="--data: expected 0x and pairs of hex digits"),
    row(f"{FRESH} --data nope", says="--data: expected 0x"),
    row(f"{FRESH} --mode fast", says="--mode: expected one of single, single-try, batch, batch-try, got fast"),
    row(f"{FRESH} --redeemer bob", says="--redeemer: Address"),
    row(f"{BATCH} []", says="--executions: expected a JSON list of one or more, got []"),
    row(f"{BATCH} {{{{}}}}", says="--executions: expected a JSON list"),
    row(f"{BATCH} [1]", says="--executions[0]: Execution: expected an object"),
    row(f"{BATCH} [", says="--executions: not JSON"),
    row(f"{BATCH} nothing.json", says="there is no such file"),
    row(BATCH, json.dumps([{"target": SHOP.hex()}]), says="prefix it with 0x"),
    row(BATCH, json.dumps([{"target": str(SHOP), "valu": "1"}]), says="valu: there is no such field"),
    row(BATCH, json.dumps([{"target": str(SHOP)}] * 2), "--mode", "single", says="use --mode batch"),
    row("simulate - --chain-id 1 --executions -", says="standard input can be read once"),
]
CHAINS = [
    row(f"simulate {{grant}} --target {SHOP}", says="a fresh chain needs --chain-id"),
    row(f"{KEPT} {{folder}}/nothing.json", says="--state: expected the path of a chain state file"),
    row(f"{KEPT} {{grant}}", says="--state: chain state: expected an object with accounts"),
    row(f"{KEPT} {{deep}}", says="--state: chain state: not JSON (recursion limit"),
    row(f"{KEPT} {{state}} --chain-id 5", says="--chain-id 5 differs from the state's 31337"),
    row(f"{KEPT} -", says="--state: expected the path", stdin="{}"),
    row(f"redeem {{grant}} --target {SHOP}", says="sending to a live chain is not built in"),
    row(f"redeem {{grant}} --target {SHOP} --state {{state}} --receipts {{binary}}", says="cannot be written: File"),
    row(f"redeem {{grant}} --target {SHOP} --state {{state}} --receipts {{binary}}/x", says="cannot be written: Not a"),
    row("demo --out {binary}", says="cannot be written"),
]
KEYS = [
    row(SIGN, says="no key: set DELEGATIONS_PRIVATE_KEY or give --keystore FILE"),
    row(SIGN, says="expected 64 hex digits, got 2 characters", env={"DELEGATIONS_PRIVATE_KEY": "0x11"}),
    row(SIGN, says="expected 64 hex digits", env={"DELEGATIONS_PRIVATE_KEY": "zz" * 32}),
    row(SIGN, says="expected 64 hex digits, got 65 characters", env={"DELEGATIONS_PRIVATE_KEY": KEY + "1"}),
    row(SIGN, says="private key: expected 32 bytes between 1", env={"DELEGATIONS_PRIVATE_KEY": "00" * 32}),
    row(SIGN, says="private key: expected 32 bytes between 1", env={"DELEGATIONS_PRIVATE_KEY": "ff" * 32}),
    row(f"{SIGN} --keystore {{folder}}/nothing", says="expected the path of a V3 keystore file", env=PASSWORD),
    row(f"{SIGN} --keystore {{grant}}", says="is not a V3 keystore file", env=PASSWORD),
    row(f"{SIGN} --keystore {{deep}}", says="is not a V3 keystore file", env=PASSWORD),
    row(f"{SIGN} --keystore {{wrong}}", says="is not a V3 keystore file", env=PASSWORD),
    row(f"{SIGN} --keystore {{grant}}", says="set DELEGATIONS_KEYSTORE_PASSWORD"),
    row(f"{SIGN} --keystore {KEY}", says="got 66 characters of hex", env=PASSWORD),
    row("sign {grant} --chain-id 0", says="--chain-id: expected", env={"DELEGATIONS_PRIVATE_KEY": KEY}),
    row("sign {grant} --chain-id 1 --manager 0x1", says="--manager: Address", env={"DELEGATIONS_PRIVATE_KEY": KEY}),
    row("sign --chain-id 1", altered(caveats=[]), says="give --unsafe-unrestricted if that is what you mean"),
    row("hash {grant} --manager bob", says="--manager: Address"),
]
USAGE = [
    row("hash", says="Missing argument 'source' (see delegations hash --help)"),
    row("hash {grant} --wat", says="No such option: --wat"),
    row("sign {grant}", says="Missing option '--chain-id'"),
    row("simulate {grant} --value", says="--value"),
    row("redelegate {grant}", says="No such command 'redelegate'"),
    row("hash {grant} {grant}", says="unexpected extra argument"),
    row("--wat", says="No such option: --wat (see delegations --help)"),
]
ROWS = [*READING, *HEX, *JSON, *KIND, *NUMBERS, *TIMES, *EXECUTIONS, *CHAINS, *KEYS, *USAGE]


@pytest.fixture
def files(desk: Desk) -> dict[str, Any]:
    return {
        "folder": desk.folder,
        "grant": desk.grant,
        "state": desk.state,
        "receipt": desk.receipt,
        "binary": desk.write("picture.bin", b"\xff\xd8\xff"),
        "empty": desk.write("empty.json", ""),
        "deep": desk.write("deep.json", '{"accounts":' * 100_000),
        "wrong": desk.write("wrong.json", '{"crypto": {"kdf": "guess"}, "version": 3}'),
    }


def fill(argument: str, files: dict[str, Any]) -> str:
    """Return an argument of the table with the places of the files filled in."""
    return re.sub(r"\{(\w+)\}", lambda place: str(files[place[1]]), argument).replace("{{}}", "{}")


def one_line(ran: Ran) -> str:
    """Return the message of a refusal, when it has the one shape a refusal may have."""
    assert ran.code == 2, ran
    assert re.fullmatch(r"error: [^\n]+\n", ran.err), ran.err
    for foreign in ("Traceback", "pydantic", "\x1b", "typer", "click"):
        assert foreign not in ran.err + ran.out
    return ran.err.removeprefix("error: ").rstrip("\n")


def ids(given: Row) -> str:
    return f"{given.arguments[0]}: {given.message}"[:70]


@pytest.mark.parametrize("given", ROWS, ids=ids)
def test_careless_input_gets_one_line_that_says_what_is_wrong(given: Row, files: dict[str, Any]) -> None:
    ran = run(*(fill(argument, files) for argument in given.arguments), stdin=given.stdin, env=dict(given.env))
    assert given.message in one_line(ran)
    assert ran.out == ""


@pytest.mark.parametrize("given", ROWS, ids=ids)
def test_a_program_gets_the_same_as_json(given: Row, files: dict[str, Any]) -> None:
    arguments = [fill(argument, files) for argument in given.arguments]
    # first, where an option that misses its value cannot swallow it
    at = 0 if arguments[0].startswith("-") else 1
    ran = run(*arguments[:at], "--json", *arguments[at:], stdin=given.stdin, env=dict(given.env))
    line = one_line(ran)
    error = ran.json()["error"]
    assert error.keys() == {"code", "message"}
    assert error["code"] in ("encoding", "unsupported", "usage")
    assert error["message"].isprintable()
    assert line == error["message"]


def test_a_refusal_is_the_same_in_a_process_of_its_own(files: dict[str, Any]) -> None:
    ran = run_process("simulate", files["grant"], "--target", SHOP, "--state", files["deep"])
    assert "recursion limit" in one_line(ran)


def test_an_input_at_the_limit_is_read_and_one_byte_more_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = desk.grant.stat().st_size
    monkeypatch.setattr(load, "MAX_INPUT_BYTES", size)
    assert run("hash", desk.grant).code == 0
    monkeypatch.setattr(load, "MAX_INPUT_BYTES", size - 1)
    assert one_line(run("hash", desk.grant)) == f"context: larger than {size - 1} bytes"
    assert "larger than" in one_line(run("hash", "-", stdin=desk.grant.read_bytes()))


def test_without_arguments_the_help_is_shown_and_the_exit_code_is_2() -> None:
    ran = run()
    assert ran.code == 2
    assert "Usage: delegations" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["words", "json"])
def test_an_answer_nobody_takes_is_neither_yes_nor_no(desk: Desk, options: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [SCRIPT, "inspect", desk.grant, *options], stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert done.stderr == b"error: standard output cannot be written: Broken pipe\n"


def test_a_group_without_a_command_shows_its_help_and_the_exit_code_is_2() -> None:
    ran = run("receipt")
    assert ran.code == 2
    assert ran.err.startswith("Usage: delegations receipt")
    assert "verify" in ran.err
    assert "\\n" not in ran.err
