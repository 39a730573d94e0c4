"""Reads the JSON tables beside this file. Adding an enforcer is adding `caveats/<ClassName>.json`.

A table of an enforcer class has these kinds of rows; every row says in `about` what it shows, and writes values in
their wire form (decimal strings, 0x hex, checksummed addresses, nested objects):

    valid           values, terms, describe [, tokens]   all three ways; a builder takes the values
    unwise          ... and message                      the contract reads them, a builder refuses with the message
    not_canonical   terms, values                        the contract reads them, encoding gives other bytes
    undecodable     terms, onchain                       the contract reverts with the reason ("" without one)
    refused         values, message                      no values of this class: a builder refuses with the message
    judged          values or terms, attempt, denied     what terms alone decide of one use; null when not denied

A kind that cannot have rows is named in `none` with the reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from caveats import ENFORCERS
from caveats.registry import RETIRED_ENFORCERS

HERE = Path(__file__).parent
KINDS = ("valid", "unwise", "not_canonical", "undecodable", "refused", "judged")
BY_NAME = {cls.__name__: cls for cls in (*ENFORCERS, *RETIRED_ENFORCERS)}


def load_table(name: str) -> Any:
    """Return the table `<name>.json`, such as "caveats/Timestamp"."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@cache
def load_enforcer_tables() -> dict[str, Any]:
    """Return the tables of all enforcers that have one, by class name."""
    return {path.stem: load_table(f"caveats/{path.stem}") for path in sorted((HERE / "caveats").glob("*.json"))}


def list_rows(*kinds: str) -> list[Any]:
    """Return the rows of these kinds of all registered enforcers, each with its class, as test parameters."""
    return [
        pytest.param(BY_NAME[name], row, id=f"{name}: {row['about']}")
        for name, table in load_enforcer_tables().items()
        if name in BY_NAME
        for kind in kinds
        for row in table.get(kind, ())
    ]


def list_tabled() -> list[Any]:
    """Return the registered enforcer classes that have a table; that all have one is a test of its own."""
    return [cls for name, cls in BY_NAME.items() if name in load_enforcer_tables()]


def list_buildable() -> list[Any]:
    """Return those of them that a builder makes: retired contracts are only read, their tables have no valid rows."""
    return [cls for cls in list_tabled() if load_enforcer_tables()[cls.__name__]["valid"]]


def list_named(rows: list[Any]) -> list[Any]:
    """Return rows of any other table as test parameters, named by their `about`."""
    return [pytest.param(row, id=row["about"]) for row in rows]
