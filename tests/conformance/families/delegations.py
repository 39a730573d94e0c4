"""One signed delegation: its hash, its digest, its signature, its signer and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caveats import Address
from caveats.types import format_hex, parse_hex
from delegations.delegation import (
    Delegation,
    decode_delegation,
    encode_delegation,
    hash_delegation,
    hash_to_sign,
    recover_delegation_signer,
    sign_delegation,
)
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Signer, Source

CASES = 300


@dataclass(frozen=True)
class Signed:
    """A delegation signed by `signer` for one chain and manager."""

    delegation: Delegation
    signer: Signer
    chain_id: int
    manager: Address


def _generate(source: Source) -> Iterator[Signed]:
    for _ in range(CASES):
        signer, chain_id, manager = source.signer(), source.chain_id(), source.manager()
        signed = sign_delegation(
            source.delegation(), signer, chain_id=chain_id, manager=manager, unsafe_unrestricted=True
        )
        yield Signed(signed, signer, chain_id, manager)


def _ask(subject: Signed) -> dict[str, Any]:
    return {
        "delegation": subject.delegation.to_wire(),
        "privateKey": format_hex(subject.signer.key),
        "chainId": subject.chain_id,
        "manager": str(subject.manager),
        "encoded": format_hex(encode_delegation(subject.delegation)),
    }


def _compare(subject: Signed, answer: Answer) -> Iterator[Pair]:
    ours, chain_id, manager = subject.delegation, subject.chain_id, subject.manager
    encoded, signature, signer = parse_hex(answer["encoded"]), parse_hex(answer["signature"]), Address(answer["signer"])
    yield Pair("hash", bytes(hash_delegation(ours)), parse_hex(answer["hash"]))
    yield Pair("hash of the core package", bytes(hash_delegation(ours)), parse_hex(answer["coreHash"]))
    yield Pair("digest", bytes(hash_to_sign(ours, chain_id=chain_id, manager=manager)), parse_hex(answer["digest"]))
    yield Pair("signature", ours.signature, signature)
    yield Pair("the signer of ours, by viem", signer, Address(answer["recovered"]))
    recovered = recover_delegation_signer(ours.with_signature(signature), chain_id=chain_id, manager=manager)
    yield Pair("the signer of the kit's, by us", recovered, signer)
    yield Pair("encoded delegation", encode_delegation(ours), encoded)
    yield Pair("our reading of the kit's bytes", decode_delegation(encoded), ours)
    yield Pair("the kit's reading of our bytes", ours, Delegation.from_wire(answer["decoded"]))


FAMILY: Family[Signed] = Family("delegations", "delegation", _generate, _ask, _compare)
