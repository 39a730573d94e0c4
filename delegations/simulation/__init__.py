"""The verdict on a redemption: allowed or denied, by which caveat, with which effects."""

from delegations.simulation.execute import ExecutedRedemption, execute
from delegations.simulation.simulate import default_redeemer, judge, simulate
from delegations.simulation.verdict import Denial, Effects, EnforcerEvent, ExecutionResult, Movement, Verdict

__all__ = [
    "simulate",
    "execute",
    "ExecutedRedemption",
    "judge",
    "default_redeemer",
    "Verdict",
    "Denial",
    "Effects",
    "Movement",
    "EnforcerEvent",
    "ExecutionResult",
]
