"""Seeded random values: the same ones on every run and every machine. Edges are drawn often, not by luck."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from caveats import (
    Address,
    AllowedMethods,
    AllowedTargets,
    Bytes4,
    Bytes32,
    Caveat,
    EnforcerTerms,
    ERC20TransferAmount,
    Execution,
    LimitedCalls,
    NativeTokenTransferAmount,
    Timestamp,
)
from caveats.types import MAX_UINT256, keccak
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY, Delegation, redelegate, sign_delegation
from delegations.framework import DELEGATION_MANAGER

SEED = "delegations conformance 1"

CHAIN_IDS = (1, 10, 8453, 84532, 11155111, 31337)
SAFE_INTEGER = 2**53 - 1
"""The largest number JavaScript counts to; the kit takes some values as such."""
LATEST_SECOND = 253_402_300_799
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_LONGEST = 200


@dataclass(frozen=True)
class Signer:
    """A private key, as `sign_delegation` takes it."""

    key: bytes


class Source:
    """Random values for one family."""

    def __init__(self, name: str) -> None:
        self.random = Random(f"{SEED}: {name}")  # noqa: S311 - repeatable inputs are wanted, not secrets

    def one_in(self, count: int) -> bool:
        return self.random.randrange(count) == 0

    def bytes(self, longest: int = _LONGEST) -> bytes:
        """Return 0 to `longest` bytes; lengths on both sides of a word's end come often."""
        near_a_word = self.random.choice([n for n in (0, 1, 31, 32, 33, 63, 64, 65, longest) if n <= longest])
        length = near_a_word if self.one_in(3) else self.random.randint(0, longest)
        return self.random.randbytes(length)

    def address(self) -> Address:
        return Address(self.random.randbytes(20))

    def any_address(self) -> Address:
        """Return an address, now and then all zeroes or all ones."""
        return self.random.choice((Address(bytes(20)), Address(b"\xff" * 20))) if self.one_in(20) else self.address()

    def uint(self, top: int = MAX_UINT256, least: int = 0) -> int:
        """Return a number from `least` to `top` of any size; both ends come often."""
        if self.one_in(4):
            return self.random.choice((least, min(least + 1, top), top))
        return max(least, self.random.getrandbits(self.random.randint(1, top.bit_length())) % (top + 1))

    def signer(self) -> Signer:
        number = 1 + self.uint(_CURVE_ORDER - 2)
        return Signer(number.to_bytes(32, "big"))

    def chain_id(self) -> int:
        return self.uint(SAFE_INTEGER, least=1) if self.one_in(4) else self.random.choice(CHAIN_IDS)

    def manager(self) -> Address:
        return self.address() if self.one_in(4) else DELEGATION_MANAGER

    def execution(self) -> Execution:
        return Execution(target=self.any_address(), value=self.uint(), call_data=self.bytes())

    # --- caveats: only what the kit's builders take as well ---------------------------------------------------------

    def native_token_transfer_amount(self) -> NativeTokenTransferAmount:
        return NativeTokenTransferAmount(max_amount_wei=self.uint())

    def erc20_transfer_amount(self) -> ERC20TransferAmount:
        return ERC20TransferAmount(token=self.address(), max_amount=self.uint(least=1))

    def allowed_targets(self) -> AllowedTargets:
        return AllowedTargets(targets=tuple(self.address() for _ in range(self.random.randint(1, 6))))

    def allowed_methods(self) -> AllowedMethods:
        selectors = {Bytes4(self.random.randbytes(4)) for _ in range(self.random.randint(1, 8))}
        return AllowedMethods(selectors=tuple(sorted(selectors)))

    def timestamp(self) -> Timestamp:
        after = self.uint(LATEST_SECOND - 2) if self.one_in(2) else 0
        if after and self.one_in(2):
            return Timestamp(after_at=after)
        return Timestamp(after_at=after, before_at=self.uint(LATEST_SECOND, least=after + 2))

    def limited_calls(self) -> LimitedCalls:
        return LimitedCalls(limit=self.uint(SAFE_INTEGER, least=1))

    def typed_terms(self) -> list[EnforcerTerms]:
        """Return some of the six kinds, in any order."""
        makers = (
            self.native_token_transfer_amount,
            self.erc20_transfer_amount,
            self.allowed_targets,
            self.allowed_methods,
            self.timestamp,
            self.limited_calls,
        )
        return [make() for make in self.random.sample(makers, self.random.randint(0, len(makers)))]

    def raw_caveat(self) -> Caveat:
        """Return a caveat of an enforcer nobody knows, with any bytes."""
        return Caveat(enforcer=self.any_address(), terms=self.bytes(), args=self.bytes())

    def caveats(self) -> tuple[Caveat, ...]:
        typed = [terms.to_caveat(args=self.bytes() if self.one_in(3) else b"") for terms in self.typed_terms()]
        listed = [*typed, *(self.raw_caveat() for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))))]
        self.random.shuffle(listed)
        return tuple(listed)

    # --- delegations ------------------------------------------------------------------------------------------------

    def delegation(self) -> Delegation:
        """Return one unsigned delegation, linked to nothing."""
        return Delegation(
            delegate=ANY_DELEGATE if self.one_in(5) else self.any_address(),
            delegator=self.any_address(),
            authority=Bytes32(keccak(self.random.randbytes(4))) if self.one_in(2) else ROOT_AUTHORITY,
            caveats=self.caveats(),
            salt=self.uint(),
        )

    def chain(self, links: int) -> tuple[Delegation, ...]:
        """Return a chain, leaf first: linked by hash and delegate, each link signed or with any bytes as signature."""
        signer, chain_id, manager = self.signer(), self.chain_id(), self.manager()
        chain: list[Delegation] = []
        for _ in range(links):
            delegate = ANY_DELEGATE if self.one_in(5) else self.address()
            if not chain:
                link = Delegation(delegate=delegate, delegator=self.address(), caveats=self.caveats(), salt=self.uint())
            else:
                link = redelegate(
                    chain[0],
                    delegate=delegate,
                    delegator=self._giver(chain[0]),
                    caveats=self.caveats(),
                    salt=self.uint(),
                )
            if self.one_in(3):
                link = link.with_signature(self.bytes())
            else:
                link = sign_delegation(link, signer, chain_id=chain_id, manager=manager, unsafe_unrestricted=True)
            chain.insert(0, link)
        return tuple(chain)

    def _giver(self, parent: Delegation) -> Address:
        return self.address() if parent.is_open else parent.delegate
