"""Keys, notes and the notes of others, for the tests of what a log signs."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from delegations.ledger.note import COSIGNATURE, NoteSigner
from tests.vectors.tables import load_table

FOREIGN: Final[dict[str, Any]] = load_table("signed_notes")
ORIGIN: Final = "example.org/agents"


def private_key(number: int) -> Ed25519PrivateKey:
    """A key, the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


LOG: Final = NoteSigner(ORIGIN, private_key(1))
OTHER_LOG: Final = NoteSigner("example.org/other", private_key(2))
WITNESSES: Final = tuple(
    NoteSigner(f"witness{number}.example.net/w", private_key(10 + number), kind=COSIGNATURE) for number in range(3)
)
