"""The page about permissions: its code runs, and what it names is there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from delegations.permissions import PERMISSION_TYPES, RULE_TYPES, DecodedPermission, supported_by
from tests.docs.pages import read_page, run_page

PAGE = read_page("permissions.md")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return run_page("permissions.md")


def test_the_code_asks_grants_and_reads_back(names: dict[str, Any]) -> None:
    found = names["found"]
    assert isinstance(found, DecodedPermission)
    assert found.request.rules == names["request"].rules


@pytest.mark.parametrize("name", PERMISSION_TYPES)
def test_the_table_of_types_names_every_type_and_the_rules_it_takes(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    granted = supported_by([1]).get(name)
    taken = row.split("|")[3].replace("one payee", "payee").strip()
    assert taken == ", ".join(granted.rule_types if granted else ())


def test_every_rule_and_note_is_named() -> None:
    assert all(rule in PAGE for rule in RULE_TYPES)
    for code in ("redelegated", "order", "args", "beyond-json"):
        assert f"| `{code}` |" in PAGE
