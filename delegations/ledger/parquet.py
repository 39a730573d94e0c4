"""The ledger as a Parquet file, for whoever counts and compares.

One row an entry. Amounts are decimal text: no number type of Parquet holds 2^256-1. What a kind does not have is null,
and the whole receipt stands in the last column as it was signed. The file carries the origin, the id, the size and the
root of the ledger in its metadata; it proves nothing by itself, a proof file does.

Needs the extra `parquet`.

Source: Apache Parquet format; pyarrow documentation, `pyarrow.parquet.ParquetWriter`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from caveats.errors import EncodingError, abbreviate
from delegations.ledger.entry import Record
from delegations.ledger.extras import load_extra
from delegations.ledger.store import Identity
from delegations.ledger.tree import Head

_ROWS: Final = 2_000
_LATEST: Final = 2**63 - 1


def export_parquet(records: Iterable[Record], path: str | Path, *, identity: Identity, head: Head) -> int:
    """Write the entries to a Parquet file, and return how many. An earlier file is replaced once all is written.

    Args:
        records: from `Ledger.records` or a search.
        path: the file.
        identity: of the ledger.
        head: of the ledger.

    Raises:
        EncodingError: the file cannot be written.
        UnsupportedError: the extra `parquet` is not installed.
    """
    arrow = load_extra("pyarrow", extra="parquet", what="Parquet file")
    parquet = load_extra("pyarrow.parquet", extra="parquet", what="Parquet file")
    about = {
        "origin": identity.origin,
        "ledger_id": identity.ledger_id,
        "size": str(head.size),
        "root": head.root.hex(),
    }
    schema = _schema(arrow).with_metadata({f"delegations.{name}": value for name, value in about.items()})
    target, rest, count = Path(path), iter(records), 0
    made: Path | None = None
    try:
        with NamedTemporaryFile(dir=target.parent, delete=False) as file:
            made = Path(file.name)
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                while rows := [_row(record) for record in islice(rest, _ROWS)]:
                    writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                    count += len(rows)
        made.chmod(0o644)
        made.replace(target)
    except OSError as error:
        raise EncodingError(f"{abbreviate(str(path))} cannot be written: {error.strerror or error}") from error
    finally:
        if made is not None:
            made.unlink(missing_ok=True)
    return count


def _schema(arrow: Any) -> Any:
    text, place = arrow.string(), arrow.int64()
    movement = [(name, text) for name in ("sender", "recipient", "token", "amount", "token_id")]
    execution = [(name, text) for name in ("target", "value", "call_data")]
    return arrow.schema(
        [
            ("index", place),
            ("leaf_hash", text),
            ("receipt", text),
            ("kind", text),
            ("outcome", text),
            ("time", place),
            ("chain", text),
            ("agent", text),
            ("delegator", text),
            ("delegations", arrow.list_(text)),
            ("prev", text),
            ("transaction", text),
            ("gas_used", text),
            ("enforcer", text),
            ("reason", text),
            ("executions", arrow.list_(arrow.struct(execution))),
            ("movements", arrow.list_(arrow.struct(movement))),
            ("signed_by", arrow.list_(text)),
            ("receipt_json", text),
        ]
    )


def _row(record: Record) -> dict[str, Any]:
    receipt = json.loads(record.receipt_bytes)
    facts = record.facts
    about = receipt.get("subject") or receipt.get("revocation") or receipt.get("granted") or receipt
    outcome = receipt.get("outcome", {})
    denial = outcome.get("denial", {})
    return {
        "index": record.index,
        "leaf_hash": record.leaf_hash.hex(),
        "receipt": record.receipt_hash,
        "kind": facts.kind,
        "outcome": facts.outcome,
        # a time that no clock has is left to the receipt itself
        "time": facts.time if facts.time is None or facts.time <= _LATEST else None,
        "chain": about.get("chain"),
        "agent": facts.agent,
        "delegator": facts.delegator,
        "delegations": list(facts.delegations),
        "prev": facts.prev,
        "transaction": about.get("transaction"),
        "gas_used": outcome.get("gas_used"),
        "enforcer": denial.get("enforcer_name") or denial.get("enforcer"),
        "reason": denial.get("reason"),
        "executions": receipt.get("request", {}).get("executions"),
        "movements": outcome.get("movements"),
        "signed_by": [signature["keyid"] for signature in json.loads(record.signatures)],
        "receipt_json": record.receipt_bytes.decode(),
    }
