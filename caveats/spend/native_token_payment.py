"""A price the redeemer pays for each redemption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import WORD, Reader, encode_uint
from caveats.attempt import Attempt
from caveats.caveat import Caveat
from caveats.compose._memory_reader import MemoryReader
from caveats.compose.args_equality_check import ArgsEqualityCheck
from caveats.enforcer import BOTH, EnforcerTerms, Hook, Tokens, show_native
from caveats.errors import EncodingError
from caveats.types import ZERO_ADDRESS, Address, Bytes32, Uint256

ARGS_EQUALITY_CHECK = ArgsEqualityCheck.ADDRESS
"""The ArgsEqualityCheckEnforcer this contract was built for; it takes no other."""
_DELEGATION_HEAD = 6 * WORD
_CAVEAT_HEAD = 3 * WORD


class NativeTokenPayment(EnforcerTerms):
    """After everything else, `recipient` must receive at least `amount_wei`, paid through an allowance.

    The redeemer brings the allowance in args: a chain of delegations, leaf first, whose leaf is given to this
    enforcer and whose leaf's first caveat is an ArgsEqualityCheck bound to the paid delegation and the redeemer
    (`allowance_terms`). Give the allowance to this enforcer's address, never to anybody: an open one can be taken
    by whoever sees it. Cap it at the price and at one call, since the same redeemer may use it again.

        [0:20] recipient, [20:52] uint256 amount_wei

    Source: framework 1.3.0, NativeTokenPaymentEnforcer.getTermsInfo and afterAllHook.
    """

    ENFORCER: ClassVar[str] = "NativeTokenPaymentEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x4803a326ddED6dDBc60e659e5ed12d85c7582811")
    HOOKS: ClassVar[tuple[Hook, ...]] = ("after_all",)
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:20] recipient, [20:52] amount_wei"
    BOUNDS: ClassVar[str] = "redemption to those who pay, once per redemption"
    LEAVES_FREE: ClassVar[str] = "everything the redemption does; the recipient runs code when it is paid"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "only-delegation-manager",
        "invalid-allowance-delegations-length",
        "missing-argsEqualityCheckEnforcer",
        "payment-not-received",
        "invalid-terms-length",
        "Panic(0x41)",
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "ValidatedPayment(address indexed sender, bytes32 indexed delegationHash, address indexed recipient,"
        " address delegator, address redeemer, uint256 amount)",
    )
    JUDGED_ALONE: ClassVar[bool] = False
    ARGS: ClassVar[str] = (
        "abi.encode(Delegation[]): the allowance that pays, leaf first; its leaf's first caveat is an"
        " ArgsEqualityCheck over delegation hash and redeemer"
    )

    recipient: Address
    amount_wei: Uint256

    def problems(self) -> Iterator[str]:
        if self.recipient == ZERO_ADDRESS:
            yield "recipient is the zero address, which burns the payment; name who is paid"
        if self.amount_wei == 0:
            yield "amount_wei is 0: an allowance would be demanded and nothing paid; give the price in wei"

    def encode_terms(self) -> bytes:
        return self.recipient + encode_uint(self.amount_wei)

    @classmethod
    def decode_terms(cls, terms: bytes) -> NativeTokenPayment:
        if len(terms) != 52:
            raise cls.bad_length("exactly 52 bytes", terms)
        return cls.unchecked(recipient=Address(terms[:20]), amount_wei=int.from_bytes(terms[20:], "big"))

    @staticmethod
    def allowance_terms(delegation_hash: Bytes32, redeemer: Address) -> bytes:
        """Return the terms of the ArgsEqualityCheck that binds an allowance: [0:32] hash, [32:52] redeemer.

        Args:
            delegation_hash: of the delegation that carries this payment.
            redeemer: the account that calls the delegation manager.
        """
        return Bytes32(bytes(delegation_hash)) + redeemer

    @classmethod
    def encode_args(cls, context: bytes) -> bytes:
        """Return the args that pay with an allowance, given its permission context as bytes.

        Raises:
            EncodingError: the contract would refuse it: not a chain of delegations, an empty one, or a leaf whose
                first caveat is not an ArgsEqualityCheck.
        """
        refusal = _refuse_allowance(cls.decode_args(context))
        if refusal is not None:
            raise EncodingError(
                f"NativeTokenPayment args: {cls.revert_of(refusal)}",
                hint="its leaf's first caveat must be an ArgsEqualityCheck",
            )
        return context

    @staticmethod
    def decode_args(args: bytes) -> tuple[tuple[Caveat, ...], ...]:
        """Return the caveats of each delegation of the allowance in args, leaf first.

        Raises:
            EncodingError: not an abi-encoded chain of delegations, where the contract reverts without a reason or,
                over a length beyond any memory, with Panic(0x41).
        """
        return _read_allowance(_reader(args))

    def _denies(self, attempt: Attempt) -> str | None:
        reader = _reader(attempt.args)
        try:
            refusal = _refuse_allowance(_read_allowance(reader))
        except EncodingError:
            return "Panic(0x41)" if reader.is_out_of_memory else ""
        return None if refusal is None else self.revert_of(refusal)

    def describe(self, tokens: Tokens | None = None) -> str:
        return (
            f"Each redemption costs {show_native(self.amount_wei, tokens)}, paid to {self.recipient} by an allowance"
            " the redeemer brings."
        )


def _refuse_allowance(links: tuple[tuple[Caveat, ...], ...]) -> str | None:
    if not links:
        return "invalid-allowance-delegations-length"
    if not links[0] or links[0][0].enforcer != ARGS_EQUALITY_CHECK:
        return "missing-argsEqualityCheckEnforcer"
    return None


def _reader(args: bytes) -> MemoryReader:
    return MemoryReader(args, "NativeTokenPayment args")


def _read_allowance(reader: Reader) -> tuple[tuple[Caveat, ...], ...]:
    count, heads = reader.array(reader.pointer(0, 0))
    return tuple(_read_link(reader, reader.pointer(heads + WORD * i, heads)) for i in range(count))


def _read_link(reader: Reader, at: int) -> tuple[Caveat, ...]:
    """Return the caveats of the delegation at byte `at`. All of it is read, in the contract's order: what comes
    first decides how it reverts."""
    reader.need(at, _DELEGATION_HEAD)
    reader.address(at)
    reader.address(at + WORD)
    count, heads = reader.array(reader.pointer(at + 3 * WORD, at))
    caveats = tuple(_read_caveat(reader, reader.pointer(heads + WORD * i, heads)) for i in range(count))
    reader.bytes_at(reader.pointer(at + 5 * WORD, at))
    return caveats


def _read_caveat(reader: Reader, at: int) -> Caveat:
    reader.need(at, _CAVEAT_HEAD)
    enforcer = reader.address(at)
    terms, args = (reader.bytes_at(reader.pointer(at + offset, at)) for offset in (WORD, 2 * WORD))
    return Caveat(enforcer=enforcer, terms=terms, args=args)
