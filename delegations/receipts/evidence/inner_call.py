"""The calldata of the manager inside that of a user operation, known by its hash.

    execute((target, value, callData)), Execution[], redeemDelegations    length word, then the calldata
    execute(mode, target ++ value ++ callData)                            length word, 52 bytes, then the calldata

Source: ERC-4337; ERC-7579 execution encodings; framework 1.3.0, DeleGatorCore.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from caveats.abi import WORD
from caveats.errors import EncodingError
from caveats.types import keccak
from delegations.receipts.decode.calls import read_entries
from delegations.receipts.decode.model import DecodedRedemption
from delegations.redemption import REDEEM_DELEGATIONS

_TARGET_AND_VALUE: Final = 52
_MOST: Final = 64
"""Places that are looked at: more than a bundle of operations has, and few enough for a hostile one."""


def holds_call(data: bytes, shown: DecodedRedemption, digest: bytes) -> bool:
    """Return whether the calldata in `data` that asks for the redemption decoded from it has that hash.

    Other calldata may ask for the same and for more: a second operation's, or a decoy nobody passes on. Where there are
    several, none is told to be the one.
    """
    if data.count(REDEEM_DELEGATIONS) > _MOST:
        return False
    return {keccak(call) for call in _calls(data) if _asks_for(call, shown)} == {bytes(digest)}


def _asks_for(call: bytes, shown: DecodedRedemption) -> bool:
    try:
        asked = read_entries(call)[shown.entry or 0]
        chain = asked.chain
    except (EncodingError, IndexError):
        return False
    return (chain, asked.mode, asked.blob) == (shown.chain, shown.mode_word, shown.blob)


def _calls(data: bytes) -> Iterator[bytes]:
    """Yield whatever stands where calldata of the manager may stand."""
    start = -1
    while (start := data.find(REDEEM_DELEGATIONS, start + 1)) >= 0:
        for before in (0, _TARGET_AND_VALUE):
            at = start - before - WORD
            size = int.from_bytes(data[at : at + WORD], "big") - before if at >= 0 else 0
            if 0 < size <= len(data) - start:
                yield data[start : start + size]
