"""Nothing acknowledged is lost and nothing half-written is shown, whatever strikes the writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.ledger_crash import FAULTS, strike

# how many of the places where it can strike are left out here; the figures leave out none
STRIDES = {
    "killed_while_made": 5,
    "killed_at_steps": 23,
    "killed_at_any_time": 6,
    "disk_full": 6,
    "torn_log": 12,
    "two_writers": 10,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_acknowledged_is_there_and_nothing_else_after(fault: str, tmp_path: Path) -> None:
    tally = strike(fault, tmp_path, stride=STRIDES.get(fault, 1))

    assert tally.tried >= 2
    assert (tally.lost, tally.wrong) == (0, 0)


def test_a_full_disk_refuses_appends_in_the_houses_words(tmp_path: Path) -> None:
    tally = strike("disk_full", tmp_path, stride=40)

    assert tally.refused >= tally.tried >= 2
    assert (tally.lost, tally.wrong) == (0, 0)


def test_a_writer_that_acknowledges_too_early_is_caught(tmp_path: Path) -> None:
    tally = strike("acknowledged_too_early", tmp_path, stride=4)

    assert (tally.tried, tally.lost) == (3, 9)
