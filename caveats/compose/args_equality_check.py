"""Args that must equal the terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import BOTH, EnforcerTerms, Tokens
from caveats.errors import abbreviate
from caveats.types import Address, HexBytes


class ArgsEqualityCheck(EnforcerTerms):
    """Redeemable only with args that are exactly `expected_args`.

    It is neither a secret nor a permission: the terms are public and whoever redeems supplies the args. It means
    something only when the delegate is a contract that computes the args, such as NativeTokenPaymentEnforcer.

        [0:] expected_args, any length

    Source: framework 1.3.0, ArgsEqualityCheckEnforcer.beforeHook.
    """

    ENFORCER: ClassVar[str] = "ArgsEqualityCheckEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x44B8C6ae3C304213c3e298495e12497Ed3E56E41")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:] expected_args"
    BOUNDS: ClassVar[str] = "the args that whoever redeems supplies"
    LEAVES_FREE: ClassVar[str] = "everything, unless the delegate is a contract that computes the args"
    REVERTS: ClassVar[tuple[str, ...]] = ("different-args-and-terms",)
    # emitted right before the revert, so no receipt ever shows it
    EVENTS: ClassVar[tuple[str, ...]] = (
        "DifferentArgsAndTerms(address indexed sender, address indexed redeemer,"
        " bytes32 indexed delegationHash, bytes terms, bytes args)",
    )
    ARGS: ClassVar[str] = "the same bytes as the terms"

    expected_args: HexBytes

    def problems(self) -> Iterator[str]:
        if not self.expected_args:
            yield "expected_args is empty, which a redeemer who supplies nothing meets; give the bytes to demand"

    def encode_terms(self) -> bytes:
        return self.expected_args

    @classmethod
    def decode_terms(cls, terms: bytes) -> ArgsEqualityCheck:
        return cls.unchecked(expected_args=terms)

    def encode_args(self) -> bytes:
        """Return the args with which this caveat passes."""
        return self.expected_args

    def _denies(self, attempt: Attempt) -> str | None:
        return None if attempt.args == self.expected_args else self.revert_of("different-args-and-terms")

    def describe(self, tokens: Tokens | None = None) -> str:
        shown = abbreviate(self.expected_args) if self.expected_args else "empty"
        return f"Usable only with args that are {shown}, which the redeemer supplies."
