"""The stage that every question about a delegation is asked on."""

from __future__ import annotations

import pytest

from tests.enforcers.harness import Stage, set_stage


@pytest.fixture
def stage() -> Stage:
    return set_stage()
