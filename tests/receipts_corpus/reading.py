"""Decoded redemptions as lines, in the words of the expectations."""

from __future__ import annotations

from delegations.evm.pyevm import PyEvmEngine
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts.decode import DecodedRedemption
from delegations.simulation.simulate import judge
from delegations.simulation.verdict import Verdict
from tests.receipts_corpus.make import Case


def line(redemption: DecodedRedemption) -> str:
    """Return what a redemption came to, as one line."""
    if redemption.status == "partially_executed":
        failed = [str(r.index) for r in redemption.results or () if not r.success]
        return f"partially_executed {' '.join(failed)}"
    if redemption.denial is not None:
        return f"{redemption.status} {redemption.denial.stage} {redemption.denial.reason}"
    if redemption.status == "failed" and redemption.undone_at is not None:
        return "failed, undone"
    return redemption.status


def verdict_on(case: Case) -> Verdict:
    """Return what simulation makes of a direct call, executed by the embedded engine."""
    assert case.redemptions is not None
    outcome = PyEvmEngine().execute(case.before, case.block, case.transaction)
    return judge(case.before, DELEGATION_MANAGER, case.redemptions, case.transaction.sender, outcome)


def expected(case: Case) -> tuple[str, ...]:
    """Return one line for each redemption: the one written down, or where there is none the verdict's."""
    if case.expect is not None:
        return case.expect
    denial = verdict_on(case).denial
    if denial is None:
        said = "executed"
    else:
        said = f"{'denied' if denial.is_policy else 'failed'} {denial.stage} {denial.reason}"
    return (said,) * len(case.redemptions or ())
