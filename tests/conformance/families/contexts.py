"""Permission contexts: chains of one to four links, and the empty one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caveats.types import format_hex, parse_hex
from delegations.delegation import Delegation, decode_context, encode_context, hash_delegation, verify_chain
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Source

CASES = 200
_LONGEST_CHAIN = 4

Chain = tuple[Delegation, ...]


def _generate(source: Source) -> Iterator[Chain]:
    yield ()
    for index in range(1, CASES):
        yield source.chain(1 + index % _LONGEST_CHAIN)


def _ask(chain: Chain) -> dict[str, Any]:
    verify_chain(chain)
    return {"delegations": [link.to_wire() for link in chain], "encoded": format_hex(encode_context(chain))}


def _compare(chain: Chain, answer: Answer) -> Iterator[Pair]:
    hashes = [parse_hex(text) for text in answer["hashes"]]
    encoded = parse_hex(answer["encoded"])
    yield Pair("hashes, leaf to root", [bytes(hash_delegation(link)) for link in chain], hashes)
    yield Pair("authorities below the root", [bytes(link.authority) for link in chain[:-1]], hashes[1:])
    yield Pair("permission context", encode_context(chain), encoded)
    yield Pair("our reading of the kit's bytes", decode_context(encoded), chain)
    yield Pair("the kit's reading of our bytes", chain, tuple(Delegation.from_wire(item) for item in answer["decoded"]))


FAMILY: Family[Chain] = Family("contexts", "context", _generate, _ask, _compare)
