"""Decoding: from a mined transaction to the redemptions in it, without believing more than is shown."""

from delegations.receipts.decode.calls import AbiBook, DecodedCall, decode_call
from delegations.receipts.decode.fetch import FetchedTransaction, fetch_receipt, fetch_timestamp
from delegations.receipts.decode.model import (
    DecodedRedemption,
    DecodedTransaction,
    GrantEvent,
    NonceBump,
    UserOperation,
)
from delegations.receipts.decode.raw import RawCaveat, RawDelegation
from delegations.receipts.decode.transaction import decode_redemptions

__all__ = [
    "decode_redemptions",
    "fetch_receipt",
    "fetch_timestamp",
    "FetchedTransaction",
    "DecodedTransaction",
    "DecodedRedemption",
    "GrantEvent",
    "NonceBump",
    "UserOperation",
    "RawDelegation",
    "RawCaveat",
    "AbiBook",
    "DecodedCall",
    "decode_call",
]
