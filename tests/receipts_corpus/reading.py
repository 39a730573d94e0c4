"""Decoded redemptions as lines, in the words of the expectations."""

from __future__ import annotations

from delegations.receipts.decode import DecodedRedemption


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
