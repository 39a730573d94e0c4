"""The comparison itself: it must be able to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caveats.types import parse_hex
from tests.conformance.cases import run_conformance
from tests.conformance.families import FAMILIES
from tests.conformance.family import Answer, Family, Pair, describe_difference
from tests.conformance.node import Kit, KitError, ask_kit, find_node, require_kit

CONSTANTS = next(family for family in FAMILIES if family.name == "constants")


ANSWER = {"version": "1.3.0"}


def _family(compare: Callable[[None, Answer], Iterator[Pair]]) -> Family[None]:
    return Family("sample", "constants", lambda _: iter([None]), lambda _: {}, compare)


def _version(ours: str) -> Family[None]:
    return _family(lambda _, answer: iter([Pair("version", ours, answer["version"])]))


def test_what_agrees_is_counted() -> None:
    assert run_conformance([_version("1.3.0"), CONSTANTS]) == {"sample": 1, "constants": 1}


def test_what_differs_is_named_with_its_case() -> None:
    with pytest.raises(AssertionError, match=r"sample, case 1: version: ours 1\.3\.0, the kit's 1\.4\.0"):
        _version("1.3.0").check([None, None], [ANSWER, {"version": "1.4.0"}])


def test_a_missing_answer_is_a_failure() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _version("1.3.0").check([None, None], [ANSWER])


def test_bytes_that_differ_are_shown_from_where_they_part() -> None:
    text = describe_difference(Pair("terms", bytes(100) + b"\x01" * 100, bytes(100) + b"\x02" * 100))
    assert text == (
        f"terms differs from byte 100 on: ours {'01' * 16} (of 200 bytes), the kit's {'02' * 16} (of 200 bytes)"
    )


def test_bytes_that_end_early_are_said_to() -> None:
    text = describe_difference(Pair("terms", b"\x01", b"\x01\x02"))
    assert text == "terms differs from byte 1 on: ours ends there (of 1 bytes), the kit's 02 (of 2 bytes)"


def test_a_refusal_by_the_kit_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="sample, case 0: the kit refused it: no such chain"):
        _version("1.3.0").check([None], [{"error": "no such chain"}])


def test_bytes_that_ours_refuses_are_a_failure() -> None:
    family = _family(lambda _, answer: iter([Pair("version", b"", parse_hex(answer["version"]))]))
    with pytest.raises(AssertionError, match="sample, case 0: ours refused what the kit wrote: hex: expected 0x"):
        family.check([None], [ANSWER])


def test_a_case_that_compares_nothing_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="sample, case 0: nothing was compared"):
        _family(lambda _, __: iter([])).check([None], [ANSWER])


def test_a_family_without_cases_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="empty: expected at least one case"):
        Family("empty", "constants", lambda _: iter([]), lambda _: {}, lambda _, __: iter([])).subjects()


def test_an_unknown_operation_is_answered_with_an_error() -> None:
    assert ask_kit([{"op": "constructor"}]) == [{"error": "kit.mjs has no operation constructor"}]


def test_the_kit_that_stays_answers_one_question_after_the_other(kit: Kit) -> None:
    assert kit.ask("constructor") == {"error": "kit.mjs has no operation constructor"}
    assert kit.build("limitedCalls", limit=2)["terms"] == f"0x{2:064x}"


def test_a_kit_that_breaks_down_is_a_failure_that_says_how_it_ended(tmp_path: Path) -> None:
    script = tmp_path / "broken.mjs"
    script.write_text("process.exit(3)")
    with Kit(script) as broken, pytest.raises(KitError, match=r"kit\.mjs ended with exit code 3"):
        broken.ask("constants")


def test_a_node_in_a_folder_of_its_own_is_found() -> None:
    folder = Path(find_node()).parent
    assert find_node(path="", beside=[folder]) == str(folder / "node")


def test_a_missing_node_is_a_failure_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"expected version 20 or newer .* got none \(`make test` installs one"):
        find_node(path=str(tmp_path), beside=[])


def test_a_node_that_is_too_old_is_a_failure_that_names_it(tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.4\n")
    old.chmod(0o700)
    with pytest.raises(KitError, match=r"got .*node is v18\.20\.4"):
        find_node(path=str(tmp_path), beside=[])


def test_an_installed_kit_is_accepted() -> None:
    require_kit()


def test_a_missing_kit_is_a_failure_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"got nothing \(run `make node_modules`, or: npm ci\)"):
        require_kit(tmp_path)
