"""Nothing false passes: every value, node, list, proof and label changed, and thousands of random lies."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope

from caveats.errors import DelegationsError, VerificationError
from caveats.types import keccak
from delegations.receipts import Receipt
from delegations.receipts.envelope import public_key_of, sign_receipt, statement_bytes, verify_envelope
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.opened import open_bundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.verify import verify
from tests.unit.receipts.evidence.mutations import Liar, Lie, Tally, judge
from tests.unit.receipts.evidence.specimens import NAMES, Specimen, collect_specimens

PROVEN = NAMES[:-1]
"""Those with a bundle."""
RANDOM_LIES, PORTIONS = 10_000, 20


@pytest.fixture(scope="module")
def specimens() -> Iterator[dict[str, Specimen]]:
    with collect_specimens() as collected:
        yield collected


def tell(specimen: Specimen, lies: Iterable[Lie]) -> Tally:
    tally = Tally()
    for lie in lies:
        judge(specimen, lie, tally)
    assert tally.accepted == []
    return tally


def liar(specimens: dict[str, Specimen], name: str) -> Liar:
    return Liar(specimens[name], list(specimens.values()))


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_passes(specimens, name):
    specimen = specimens[name]
    assert verify(specimen.receipt, specimen.bundle, specimen.trusted).holds


@pytest.mark.parametrize("name", NAMES)
def test_no_value_can_be_another(specimens, name):
    tally = tell(specimens[name], liar(specimens, name).every_leaf())
    assert sum(tally.refused.values()) > 100


@pytest.mark.parametrize("name", NAMES)
def test_no_list_can_be_shorter_longer_or_in_another_order(specimens, name):
    assert tell(specimens[name], liar(specimens, name).every_list()).tried > 5


@pytest.mark.parametrize("name", NAMES)
def test_nothing_can_be_added(specimens, name):
    assert tell(specimens[name], liar(specimens, name).every_addition()).tried > 10


@pytest.mark.parametrize("name", NAMES)
def test_nothing_can_be_said_to_be_known_better_than_it_is(specimens, name):
    assert tell(specimens[name], liar(specimens, name).every_label()).tried > 50


@pytest.mark.parametrize("name", PROVEN)
def test_no_proof_can_be_that_of_another(specimens, name):
    tally = tell(specimens[name], liar(specimens, name).every_exchange())
    assert (sum(tally.no_lie.values()), tally.tried > 20) == (0, True)


@pytest.mark.parametrize("name", PROVEN)
def test_no_node_or_code_can_be_another_or_missing_or_too_much(specimens, name):
    tally = tell(specimens[name], liar(specimens, name).every_node())
    assert (sum(tally.no_lie.values()), tally.tried > 50) == (0, True)


@pytest.mark.parametrize("name", PROVEN)
def test_no_byte_of_a_header_can_be_another(specimens, name):
    """Every third; `make figures` does every one."""
    tally = tell(specimens[name], liar(specimens, name).every_byte("headers", 0, step=3))
    assert set(tally.refused) <= {"header-hash-mismatch", "header-malformed"}
    assert tally.tried > 180


@pytest.mark.parametrize("held", ["transaction", "receipt"])
def test_no_byte_of_a_transaction_or_its_receipt_can_be_another(specimens, held):
    """Every fourth; `make figures` does every one."""
    specimen = specimens["a denial that was mined"]
    raw = getattr(open_bundle(specimen.bundle, specimen.trusted).included(), held)
    (index,) = [place for place, node in enumerate(specimen.bundle.nodes) if raw in node]
    tally = tell(specimen, liar(specimens, specimen.name).every_byte("nodes", index, step=4))
    assert set(tally.refused) == {"missing-node"}
    assert tally.tried > len(raw) // 4


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_no_random_lie_is_accepted(specimens, portion):
    """Ten thousand in all, the same on every machine; `make figures` tells more."""
    chance, tally = random.Random(portion), Tally()  # noqa: S311  # not for secrets
    liars = [liar(specimens, name) for name in NAMES]
    while tally.tried < RANDOM_LIES // PORTIONS:
        chosen = chance.choice(liars)
        judge(chosen.specimen, chosen.any_lie(chance), tally)
    assert tally.accepted == []
    assert len(tally.refused) > 8


@pytest.mark.parametrize("name", NAMES)
def test_without_the_issuers_key_not_even_his_own_words_can_be_others(specimens, name):
    specimen, key = specimens[name], Ed25519PrivateKey.generate()
    trusted = public_key_of(key)
    envelope = sign_receipt(specimen.receipt, key)
    assert verify_envelope(envelope, [trusted]).receipt == specimen.receipt
    tried = 0
    for lie in liar(specimens, name).every_leaf():
        try:
            receipt = Receipt.from_wire(lie.receipt)
        except DelegationsError:
            continue
        if receipt != specimen.receipt:
            forged = Envelope(statement_bytes(receipt), envelope.payload_type, envelope.signatures)
            with pytest.raises(VerificationError):
                verify_envelope(forged, [trusted])
            tried += 1
    assert tried > 20


@pytest.mark.parametrize("name", PROVEN)
def test_a_bundle_the_receipt_does_not_name_is_refused_whatever_it_holds(specimens, name):
    """Who does not sign the receipt cannot even choose the gas."""
    specimen = specimens[name]
    for other in specimens.values():
        if other.bundle is not None and other is not specimen:
            with pytest.raises(EvidenceError) as caught:
                verify(specimen.receipt, other.bundle, specimen.trusted)
            assert caught.value.reason == "address-mismatch"


@pytest.mark.parametrize("name", PROVEN)
def test_another_block_hash_is_refused(specimens, name):
    specimen = specimens[name]
    with pytest.raises(EvidenceError) as caught:
        verify(specimen.receipt, specimen.bundle, keccak(specimen.trusted))
    assert caught.value.reason == "header-hash-mismatch"


def test_no_byte_of_a_compressed_file_can_be_another(specimens):
    specimen = specimens["a grant of a key"]
    file = specimen.bundle.compressed()
    reasons = set()
    for place in range(len(file)):
        changed = bytearray(file)
        changed[place] ^= 1
        reasons.add(_outcome(specimen, bytes(changed)))
    # the header of a gzip file says when and where it was made, which nobody reads
    assert "the same" in reasons
    assert reasons - {"the same"} <= {"malformed-bundle", "not-canonical", "address-mismatch", "unsupported"}


def _outcome(specimen: Specimen, file: bytes) -> str:
    try:
        bundle = Bundle.from_bytes(file)
        verify(specimen.receipt, bundle, specimen.trusted)
    except EvidenceError as error:
        return error.reason
    assert bundle == specimen.bundle
    return "the same"
