"""The four retired balance enforcers: known by name, their terms kept as bytes.

Their code is not published with the framework's, so what their terms mean is not measured here, and nothing is
claimed of it. BalanceChange enforcers took their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from caveats.attempt import Attempt
from caveats.enforcer import BOTH, EnforcerTerms, Hook, Tokens
from caveats.types import Address, HexBytes


class BalanceGte(EnforcerTerms):
    """Base of the four: any terms decode, none are built, nothing is judged.

    Source: framework 1.3.0, addresses of the contracts that were deployed before the BalanceChange enforcers.
    """

    RETIRED: ClassVar[bool] = True
    HOOKS: ClassVar[tuple[Hook, ...]] = ()
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "not read: the bytes are kept"
    BOUNDS: ClassVar[str] = "not known here"
    LEAVES_FREE: ClassVar[str] = "not known here: count on no bound"
    JUDGED_ALONE: ClassVar[bool] = False
    REPLACED_BY: ClassVar[str]

    terms: HexBytes

    def problems(self) -> Iterator[str]:
        yield f"{self.ENFORCER} is retired and its terms are not read here; use {self.REPLACED_BY}"

    def encode_terms(self) -> bytes:
        return self.terms

    @classmethod
    def decode_terms(cls, terms: bytes) -> Self:
        """Return the bytes as they are; whether the contract would read them is not known."""
        return cls.unchecked(terms=terms)

    def denies(self, attempt: Attempt) -> str | None:
        """Return None: nothing is known of what the contract refuses."""
        return None

    def describe(self, tokens: Tokens | None = None) -> str:
        return (
            f"Retired enforcer {self.ENFORCER} with {len(self.terms)} bytes of terms that are not read here: count on"
            " no bound."
        )


class NativeBalanceGte(BalanceGte):
    """A retired bound on a native balance. Source: framework 1.3.0, NativeBalanceGteEnforcer."""

    ENFORCER: ClassVar[str] = "NativeBalanceGteEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x54e17146b9CCE2642881E0879e06e9D63F7d7606")
    REPLACED_BY: ClassVar[str] = "NativeBalanceChange"


class ERC20BalanceGte(BalanceGte):
    """A retired bound on an ERC-20 balance. Source: framework 1.3.0, ERC20BalanceGteEnforcer."""

    ENFORCER: ClassVar[str] = "ERC20BalanceGteEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x433A6A4d9875D87510584fd6cc586eB1c5F8A1d2")
    REPLACED_BY: ClassVar[str] = "ERC20BalanceChange"


class ERC721BalanceGte(BalanceGte):
    """A retired bound on a count of NFTs. Source: framework 1.3.0, ERC721BalanceGteEnforcer."""

    ENFORCER: ClassVar[str] = "ERC721BalanceGteEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xA5d03eb350FA89f854685f6313CeCA27A4212542")
    REPLACED_BY: ClassVar[str] = "ERC721BalanceChange"


class ERC1155BalanceGte(BalanceGte):
    """A retired bound on an ERC-1155 balance. Source: framework 1.3.0, ERC1155BalanceGteEnforcer."""

    ENFORCER: ClassVar[str] = "ERC1155BalanceGteEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x831b76f53601f38BfaCa2e6b442D6A5408Ae375c")
    REPLACED_BY: ClassVar[str] = "ERC1155BalanceChange"
