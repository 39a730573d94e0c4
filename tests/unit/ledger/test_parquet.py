"""The ledger as a Parquet file: exact to the last digit, and written as a whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from caveats.errors import EncodingError, UnsupportedError
from delegations.ledger.entry import Record
from delegations.ledger.ledger import Ledger
from delegations.ledger.parquet import export_parquet
from delegations.receipts import Receipt
from delegations.receipts.envelope import sign_receipt
from tests.unit.ledger.notes import ORIGIN
from tests.unit.ledger.papers import ISSUER, envelope_number
from tests.unit.receipts import makers

MOST = str(2**256 - 1)


def large() -> Receipt:
    """A redemption whose every amount is the largest there is."""
    wire = makers.executed().to_wire()
    wire["outcome"]["gas_used"] = MOST
    for movement in wire["outcome"]["movements"]:
        movement["amount"] = MOST
    for execution in wire["request"]["executions"]:
        execution["value"] = MOST
    return Receipt.from_wire(wire)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with a receipt of every kind."""
    path = tmp_path_factory.mktemp("ledger") / "receipts.db"
    receipts = [*makers.every_kind().values(), large()]
    with Ledger.create(path, origin=ORIGIN) as made:
        made.append_many([sign_receipt(receipt, ISSUER) for receipt in receipts], is_strict=False)
        yield made


def exported(ledger: Ledger, path: Path) -> list[dict[str, Any]]:
    count = export_parquet(ledger.records(), path, identity=ledger.identity, head=ledger.head)
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    assert len(rows) == count == ledger.size
    return rows


def test_every_kind_of_receipt_is_a_row_with_what_it_is_found_by(ledger: Ledger, tmp_path: Path) -> None:
    rows = exported(ledger, tmp_path / "out.parquet")
    for row, record in zip(rows, ledger.records(), strict=True):
        facts = record.facts
        assert (row["index"], row["receipt"], row["leaf_hash"]) == (
            record.index,
            record.receipt_hash,
            record.leaf_hash.hex(),
        )
        assert (row["kind"], row["outcome"], row["time"]) == (facts.kind, facts.outcome, facts.time)
        assert (row["agent"], row["delegator"], row["prev"]) == (facts.agent, facts.delegator, facts.prev)
        assert row["delegations"] == list(facts.delegations)
        assert row["chain"] == "eip155:10"
        assert Receipt.from_json(row["receipt_json"]).hash == record.receipt_hash
        assert row["signed_by"] == [signature["keyid"] for signature in json.loads(record.signatures)]
    assert {row["kind"] for row in rows} == {"redemption", "denial", "escalation", "revocation", "grant"}


def test_the_largest_amounts_are_exact_to_the_last_digit(ledger: Ledger, tmp_path: Path) -> None:
    row = exported(ledger, tmp_path / "out.parquet")[-1]
    assert row["gas_used"] == MOST
    assert {movement["amount"] for movement in row["movements"]} == {MOST}
    assert {execution["value"] for execution in row["executions"]} == {MOST}


def test_a_denial_tells_who_said_no(ledger: Ledger, tmp_path: Path) -> None:
    (denied,) = (row for row in exported(ledger, tmp_path / "out.parquet") if row["kind"] == "denial")
    assert denied["enforcer"].endswith("Enforcer")
    assert denied["reason"]


def test_the_file_says_which_ledger_it_is_of(ledger: Ledger, tmp_path: Path) -> None:
    exported(ledger, tmp_path / "out.parquet")
    about = pyarrow.parquet.read_schema(tmp_path / "out.parquet").metadata
    assert about[b"delegations.origin"] == ORIGIN.encode()
    assert about[b"delegations.root"] == ledger.root.hex().encode()
    assert about[b"delegations.size"] == str(ledger.size).encode()


def test_more_rows_than_are_written_at_once_all_arrive(ledger: Ledger, tmp_path: Path) -> None:
    one = ledger.read(0)
    many = (Record(index, one.payload, one.signatures) for index in range(4_500))
    assert export_parquet(many, tmp_path / "out.parquet", identity=ledger.identity, head=ledger.head) == 4_500
    assert pyarrow.parquet.read_metadata(tmp_path / "out.parquet").num_rows == 4_500


def test_a_ledger_without_entries_is_a_file_without_rows(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "empty.db", origin=ORIGIN) as empty:
        assert exported(empty, tmp_path / "out.parquet") == []


def test_damage_on_the_way_leaves_the_earlier_file(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    before = exported(ledger, path)

    def failing() -> Iterator[Record]:
        yield ledger.read(0)
        raise EncodingError("damaged")

    with pytest.raises(EncodingError, match="damaged"):
        export_parquet(failing(), path, identity=ledger.identity, head=ledger.head)
    assert pyarrow.parquet.read_table(path).to_pylist() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="cannot be written: No such file or directory"):
        exported(ledger, tmp_path / "nowhere" / "out.parquet")
    with pytest.raises(EncodingError, match="cannot be written: Is a directory"):
        exported(ledger, tmp_path)


def test_without_the_extra_the_refusal_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with Ledger.create(tmp_path / "receipts.db", origin=ORIGIN) as ledger:
        ledger.append(envelope_number(0))
        with pytest.raises(
            UnsupportedError, match=r"pyarrow is not installed \(pip install 'delegations\[parquet\]'\)"
        ):
            exported(ledger, tmp_path / "out.parquet")
