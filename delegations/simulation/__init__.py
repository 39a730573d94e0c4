"""The verdict on a redemption: allowed or denied, by which caveat, with which effects."""

from delegations.simulation.execute import ExecutedRedemption, execute
from delegations.simulation.hints import explain_denial
from delegations.simulation.many import Judged, Sweep, simulate_many
from delegations.simulation.remaining import AssetLeft, CaveatLeft, Remaining, remaining
from delegations.simulation.simulate import default_redeemer, judge, simulate
from delegations.simulation.state import ChainReader, NodeReader, Snapshot, StateReader
from delegations.simulation.status import Finding, Status, status
from delegations.simulation.verdict import Denial, Effects, EnforcerEvent, ExecutionResult, Movement, Verdict
from delegations.simulation.whatif import Candidate, simulate_sequence, what_if

__all__ = [
    "simulate",
    "what_if",
    "simulate_sequence",
    "simulate_many",
    "Candidate",
    "Sweep",
    "Judged",
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
    "remaining",
    "Remaining",
    "CaveatLeft",
    "AssetLeft",
    "status",
    "Status",
    "Finding",
    "explain_denial",
    "StateReader",
    "ChainReader",
    "NodeReader",
    "Snapshot",
]
