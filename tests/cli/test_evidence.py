"""`receipt prove` and `receipt verify --evidence`: from a node to a file, and from the file to an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from delegations.receipts import Receipt, RedemptionReceipt
from delegations.receipts.evidence import Bundle
from tests.cli.command import Ran, run
from tests.unit.receipts.evidence.live_chain import LiveChain
from tests.unit.receipts.evidence.no_sockets import forbid_sockets
from tests.unit.receipts.evidence.staged import Staged, above_the_allowance

URL = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def live() -> Iterator[LiveChain]:
    chain = LiveChain()
    yield chain
    chain.close()


@dataclass(frozen=True)
class Desk:
    """A folder with a mined receipt, and the hash of its block."""

    folder: Path
    receipt: RedemptionReceipt
    block_hash: str

    @property
    def source(self) -> Path:
        return self.folder / "receipt.json"

    @property
    def attached(self) -> Path:
        return self.folder / "attached.json"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.json.gz"

    def prove(self, *more: object) -> Ran:
        return run(
            *("receipt", "prove", self.source, "--rpc-url", URL, "--out", self.bundle, "--attach", self.attached), *more
        )

    def verify(self, *more: object, receipt: Path | None = None, block_hash: str | None = None) -> Ran:
        trusted = block_hash or self.block_hash
        return run(
            *("receipt", "verify", receipt or self.attached, "--evidence", self.bundle, "--block-hash", trusted), *more
        )


@pytest.fixture
def node(live: LiveChain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever URL is asked, the chain answers over its socket."""
    monkeypatch.setattr("delegations.evm.rpc.HttpTransport", lambda _url: live.client.transport)


@pytest.fixture(scope="module")
def mined(live: LiveChain) -> RedemptionReceipt:
    return live.three_link_redemption(others=2)


@pytest.fixture
def desk(mined: RedemptionReceipt, tmp_path: Path) -> Desk:
    made = Desk(tmp_path, mined, str(mined.subject.block.hash))
    made.source.write_text(mined.to_json())
    return made


@pytest.mark.usefixtures("node")
def test_what_is_proven_is_written_and_named_in_the_receipt(desk: Desk) -> None:
    ran = desk.prove()
    bundle = Bundle.from_bytes(desk.bundle.read_bytes())
    assert (ran.code, ran.err) == (0, "")
    assert f"bundle {desk.bundle} sha256 {bundle.sha256}" in ran.out
    assert desk.block_hash in ran.out
    (named,) = Receipt.from_json(desk.attached.read_text()).evidence or ()
    assert (named.sha256, named.uri) == (bundle.sha256, "file:bundle.json.gz")


@pytest.mark.usefixtures("node")
def test_the_receipt_is_verified_from_files_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.prove()
    with monkeypatch.context() as patch:
        attempts = forbid_sockets(patch)
        ran = desk.verify()
        assert attempts == []
        with pytest.raises(AssertionError, match="where nothing may be asked"):
            desk.prove()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("HOLDS")
    for words in ("which you trust", "state at the END of the block", "proven: ", "only a trace"):
        assert words in ran.out


@pytest.mark.usefixtures("node")
def test_a_bundle_that_is_not_compressed_is_the_canonical_file(desk: Desk) -> None:
    plain = desk.folder / "bundle.json"
    run("receipt", "prove", desk.source, "--rpc-url", URL, "--out", plain)
    assert Bundle.from_bytes(plain.read_bytes()).canonical() == plain.read_bytes()


@pytest.mark.usefixtures("node")
def test_another_block_hash_ends_with_exit_code_one_and_the_reason(desk: Desk) -> None:
    desk.prove()
    ran = desk.verify(block_hash="0x" + "11" * 32)
    assert ran.code == 1
    assert "header-hash-mismatch" in ran.out
    told = desk.verify("--json", block_hash="0x" + "11" * 32).json()
    assert (told["valid"], told["error"]["reason"]) == (False, "header-hash-mismatch")


@pytest.mark.usefixtures("node")
def test_a_forged_label_ends_with_exit_code_one_and_names_the_fact(desk: Desk) -> None:
    desk.prove()
    attached = Receipt.from_json(desk.attached.read_text())
    forged = attached.model_copy(update={"claims": {**attached.claims, "outcome.gas_used": "proven"}})
    desk.attached.write_text(forged.to_json())
    ran = desk.verify()
    assert ran.code == 1
    assert ran.out.startswith("DOES NOT HOLD")
    assert "claim-not-established: outcome.gas_used" in ran.out
    told = desk.verify("--json").json()
    assert told["valid"] is False
    assert [refusal["reason"] for refusal in told["report"]["refusals"]] == ["claim-not-established"]


@pytest.mark.usefixtures("node")
def test_programs_get_the_whole_report(desk: Desk) -> None:
    made = desk.prove("--json").json()
    told = desk.verify("--json").json()
    assert told["valid"] is True
    assert (told["report"]["bundle"], told["report"]["trust_root"]) == (made["bundle"], made["block_hash"])
    assert told["report"]["receipt"] == made["receipt"]


@pytest.mark.usefixtures("node")
def test_a_receipt_the_chain_contradicts_is_not_proven(desk: Desk) -> None:
    actor = desk.receipt.actor.model_copy(update={"via": (desk.receipt.actor.redeemer,)})
    desk.source.write_text(desk.receipt.model_copy(update={"actor": actor}).to_json())
    ran = desk.prove()
    assert ran.code == 1
    assert "receipt-contradicted" in ran.out
    assert desk.prove("--json").json()["error"]["path"] == "actor.via"
    assert not desk.bundle.exists()


@pytest.mark.usefixtures("node")
def test_the_state_can_be_left_out(desk: Desk) -> None:
    assert desk.prove("--state", "none").code == 0
    assert "proves nothing of the state" in desk.verify().out


def test_a_node_that_cannot_be_reached_is_exit_code_three(desk: Desk) -> None:
    ran = desk.prove()
    assert ran.code == 3
    assert "could not ask" in ran.err


@pytest.mark.parametrize(
    "options",
    [
        ("--evidence", "bundle.json"),
        ("--block-hash", "0x" + "11" * 32),
        ("--evidence", "no such file", "--block-hash", "0x" + "11" * 32),
        ("--evidence", "receipt.json", "--block-hash", "0x12"),
        ("--evidence", "receipt.json", "--block-hash", "hash"),
        (),
    ],
)
def test_half_of_what_is_needed_is_bad_input(desk: Desk, options: tuple[str, ...]) -> None:
    given = [desk.folder / text if text.endswith(".json") else text for text in options]
    assert run("receipt", "verify", desk.source, *given).code == 2


def test_a_file_that_is_no_bundle_is_refused_by_its_reason(desk: Desk) -> None:
    desk.bundle.write_bytes(b"{}")
    ran = desk.verify("--json", receipt=desk.source)
    assert (ran.code, ran.json()["error"]["reason"]) == (1, "malformed-bundle")


@pytest.fixture(scope="module")
def denial() -> Staged:
    return above_the_allowance()


def test_a_denial_before_the_deed_is_proven_with_its_calldata(
    denial: Staged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = denial.node
    monkeypatch.setattr("delegations.evm.rpc.HttpTransport", lambda _url: node)
    source, out = tmp_path / "denial.json", tmp_path / "bundle.json.gz"
    source.write_text(denial.receipt.to_json())
    calldata = tmp_path / "calldata.hex"
    calldata.write_text("0x" + denial.call_data.hex() + "\n")
    without = run("receipt", "prove", source, "--rpc-url", URL, "--out", out)
    assert (without.code, "calldata" in without.err) == (2, True)
    for given in (calldata, "0x" + denial.call_data.hex()):
        ran = run("receipt", "prove", source, "--rpc-url", URL, "--out", out, "--calldata", given)
        assert (ran.code, ran.err) == (0, "")
    block = ("--block", denial.node.header.number)
    assert run("receipt", "prove", source, "--rpc-url", URL, "--out", out, "--calldata", calldata, *block).code == 0
    trusted = ("--block-hash", denial.node.header.hash)
    assert "run again" in run("receipt", "verify", source, "--evidence", out, *trusted).out


def test_an_option_that_names_no_block_is_named_itself(desk: Desk) -> None:
    ran = desk.prove("--block", "soon")
    assert (ran.code, "--block:" in ran.err) == (2, True)


def test_how_much_of_the_state_is_proven_is_one_of_three(desk: Desk) -> None:
    ran = desk.prove("--state", "some")
    assert (ran.code, "--state: expected all, accounts or none" in ran.err) == (2, True)


@pytest.mark.usefixtures("node")
def test_what_decode_prints_is_a_receipt_where_there_is_one(desk: Desk) -> None:
    wrapped = {"transaction": "0x", "receipts": [{"hash": desk.receipt.hash, "receipt": desk.receipt.to_wire()}]}
    desk.source.write_text(json.dumps(wrapped))
    assert (desk.prove().code, desk.verify().code) == (0, 0)
    desk.source.write_text(json.dumps({**wrapped, "receipts": wrapped["receipts"] * 2}))
    ran = desk.prove()
    assert (ran.code, "the 2 of a transaction" in ran.err) == (2, True)


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("place", ["source", "attached"])
def test_a_bundle_is_not_written_over_a_receipt(desk: Desk, place: str) -> None:
    before = desk.source.read_text()
    ran = run(
        *("receipt", "prove", desk.source, "--rpc-url", URL, "--out", getattr(desk, place), "--attach", desk.attached)
    )
    assert (ran.code, "--out:" in ran.err, ran.err.count("\n")) == (2, True, 1)
    assert desk.source.read_text() == before
    assert not desk.attached.exists()


@pytest.mark.usefixtures("node")
def test_a_receipt_that_names_its_bundle_can_be_proven_anew(desk: Desk) -> None:
    desk.prove()
    lean = desk.folder / "lean.json.gz"
    ran = run("receipt", "prove", desk.attached, "--rpc-url", URL, "--out", lean, "--state", "accounts")
    assert (ran.code, ran.err) == (0, "")
    assert "a verifier gets that hash elsewhere" in ran.out
    assert "which you trust" not in ran.out


@pytest.mark.usefixtures("node")
def test_a_bundle_that_the_receipt_does_not_name_is_said_to_be(desk: Desk) -> None:
    desk.prove()
    assert "does not name this bundle" not in desk.verify().out
    ran = desk.verify(receipt=desk.source)
    assert (ran.code, "does not name this bundle" in ran.out) == (0, True)
