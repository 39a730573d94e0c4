"""Every generated question about an enforcer that is put to the bytecode and to our class."""

from __future__ import annotations

from tests.enforcers import (
    test_generated_actions,
    test_generated_basics,
    test_generated_calldata,
    test_generated_spend,
    test_specific_action_stand_in,
)
from tests.enforcers.agreement import Sweep

SWEEPS: list[Sweep] = [
    *test_generated_actions.SWEEPS,
    *test_generated_basics.SWEEPS,
    *test_generated_calldata.SWEEPS,
    *test_generated_spend.SWEEPS,
    *test_specific_action_stand_in.SWEEPS,
]
