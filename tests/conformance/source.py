"""Seeded random values: the same ones on every run and every machine. Edges are drawn often, not by luck."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from caveats import Address, Bytes32, Caveat, EnforcerTerms, Execution
from caveats.types import MAX_UINT256, keccak
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY, Delegation, redelegate, sign_delegation
from delegations.framework import DELEGATION_MANAGER
from tests.conformance.draws import IN_THE_KIT, NOT_IN_THE_KIT, SAFE_INTEGER, draw_strict

SEED = "delegations conformance 1"

CHAIN_IDS = (1, 10, 8453, 84532, 11155111, 31337)
EDGES = sorted({0, 1, 2, *(2**bits + off for bits in (53, 63, 64, 128, 255) for off in (-1, 0, 1)), MAX_UINT256})
"""Where some type or language ends."""
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_LONGEST = 200
_MOST_TYPED = 6


@dataclass(frozen=True)
class Signer:
    """A private key, as `sign_delegation` takes it."""

    key: bytes


class Source:
    """Random values for one family; `dealing` makes every number an edge."""

    def __init__(self, name: str, *, dealing: bool = False) -> None:
        self.dealing = dealing
        self.random = Random(f"{SEED}: {name}")  # noqa: S311 - repeatable inputs are wanted, not secrets
        self._decks: dict[tuple[int, int], list[int]] = {}

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

    def some_bytes(self) -> bytes:
        """Return at least one byte."""
        return self.bytes() or b"\xff"

    def uint(self, top: int = MAX_UINT256, least: int = 0) -> int:
        """Return a number from `least` to `top`: every other time an edge, dealt so that all come by."""
        if self.dealing or self.one_in(2):
            deck = self._decks.setdefault((least, top), [])
            if not deck:
                deck += sorted({least, min(least + 1, top), top, *(n for n in EDGES if least <= n <= top)})
                self.random.shuffle(deck)
            return deck.pop()
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

    # --- caveats ----------------------------------------------------------------------------------------------------

    def typed_terms(self) -> list[EnforcerTerms]:
        """Return up to six kinds the kit has, in any order, with values both builders take."""
        return [draw_strict(cls, self) for cls in self.random.sample(IN_THE_KIT, self.random.randint(0, _MOST_TYPED))]

    def raw_caveat(self) -> Caveat:
        """Return a caveat of an enforcer nobody knows, with any bytes."""
        return Caveat(enforcer=self.any_address(), terms=self.bytes(), args=self.bytes())

    def caveats(self) -> tuple[Caveat, ...]:
        terms = self.typed_terms()
        if self.one_in(4):
            terms.append(draw_strict(self.random.choice(NOT_IN_THE_KIT), self))
        typed = [item.to_caveat(args=self.bytes() if self.one_in(3) else b"") for item in terms]
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
