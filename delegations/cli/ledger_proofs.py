"""The part of `delegations ledger` that signs and checks: checkpoints, proof files, cosignatures."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caveats.errors import EncodingError, EngineError, VerificationError, abbreviate
from delegations.cli.ledger_files import KEY_VARIABLE, Json, Place, print_json, require_like

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.dsse import Envelope

    from delegations.ledger.checkpoint import Checkpoint
    from delegations.ledger.entry import Record
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.note import NoteSigner, SignedNote

app = typer.Typer()

_COSE_TAG = b"\xd2"  # CBOR's tag 18, COSE_Sign1
# how what is written begins, and so what it may replace
_COSE = re.compile(rb"\xd2")
_PROOF = re.compile(rb"c2sp\.org/tlog-proof@v1\n")
_HASHES = re.compile(rb"[A-Za-z0-9+/]{43}=\n")
_NOTE = re.compile(rb"[^\x00-\x09\x0b-\x1f]+\n\n\xe2\x80\x94 ")

PrivateKey = Annotated[
    str | None, typer.Option("--key", help=f"PEM file of an Ed25519 private key; {KEY_VARIABLE} otherwise.")
]
LogKey = Annotated[str, typer.Option("--log-key", help="The log's verifier key, or a file with it.")]
Out = Annotated[str | None, typer.Option("--out", "-o", help="Write to this file rather than to standard output.")]


@app.command("key")
def key_command(
    name: Annotated[str, typer.Argument(help="The log's origin, or the name of a witness.")],
    key: PrivateKey = None,
    witness: Annotated[bool, typer.Option("--witness", help="The key of a witness, which cosigns.")] = False,
) -> None:
    """Print the verifier key to a private key: what others need to check checkpoints and proofs."""
    from delegations.cli.ledger_files import read_private_key
    from delegations.cli.render import emit
    from delegations.ledger.note import COSIGNATURE, ED25519, NoteSigner

    emit(f"{NoteSigner(name, read_private_key(key), kind=COSIGNATURE if witness else ED25519).key}\n")


@app.command()
def checkpoint(
    place: Place,
    key: PrivateKey = None,
    tiles: Annotated[
        str | None, typer.Option(help="Also publish the log as static files in this folder, the checkpoint with it.")
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Sign how many entries there are, and their root.

    An earlier checkpoint of this log in --out or --tiles is only replaced by one that continues it; one that says the
    same stays, with whatever cosignatures it has.
    """
    from delegations.cli.ledger_files import open_ledger, read_private_key
    from delegations.ledger.note import NoteSigner
    from delegations.ledger.tiles import write_tiles

    private = read_private_key(key)
    published = None if tiles is None else str(Path(tiles) / "checkpoint")
    with open_ledger(place) as ledger:
        signer = NoteSigner(ledger.identity.origin, private)
        known = {path: _earlier(path, signer) for path in (out, published) if path is not None and Path(path).exists()}
        for earlier in known.values():
            _require_continued(ledger, earlier)
        note, signed = _sign(ledger, signer)
        if tiles is not None and published is not None:
            start = known[published].size if published in known else 0
            write_tiles(ledger, tiles, start=start, size=signed.size)
    for path in (published, out):  # last: what it promises is there
        if path is not None and known.get(path) != signed:
            _write(path, note.to_text().encode())
    if published is None and out is None and not as_json:
        _deliver(note.to_text(), None, _NOTE)
    if as_json:
        told = {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "log_key": str(signer.key)}
        print_json({**told, "checkpoint": note.to_text()})


@app.command()
def prove(
    place: Place,
    receipt: Annotated[str, typer.Argument(help="An index, the hash of a receipt, or a receipt or envelope.")],
    key: PrivateKey = None,
    against: Annotated[
        str | None, typer.Option("--checkpoint", help="File of a signed checkpoint to prove against; a new one if not.")
    ] = None,
    out: Out = None,
    cose: Annotated[bool, typer.Option("--cose", help="Make a COSE Receipt (RFC 9942) in --out instead.")] = False,
) -> None:
    """Make a proof file: a receipt in its envelope, and all it takes to see that the log holds it."""
    from delegations.cli.ledger_files import find_record, open_ledger, read_note, read_private_key
    from delegations.ledger.checkpoint import Checkpoint
    from delegations.ledger.note import NoteSigner
    from delegations.ledger.proof_file import make_proof_file

    if cose and (out is None or against is not None):
        raise EncodingError("--cose: it is no text, and signed anew", hint="give --out FILE, and no --checkpoint")
    note = None if against is None else read_note(against, "--checkpoint")
    private = None if note is not None else read_private_key(key)
    with open_ledger(place) as ledger:
        record = find_record(ledger, receipt)
        if private is not None and out is not None and cose:
            require_like(out, _COSE, "--out")
            _write(out, _cose_receipt(ledger, record, private))
            return
        if private is not None:
            note, _ = _sign(ledger, NoteSigner(ledger.identity.origin, private))
        assert note is not None  # noqa: S101 - given, or just signed
        signed = Checkpoint.from_text(note.text)
        _require_continued(ledger, signed)
        if record.index >= signed.size:
            raise EncodingError(
                f"--checkpoint: it is of {signed.size} entries, and this is entry {record.index}", hint="sign a new one"
            )
        proof = make_proof_file(record, ledger.prove_inclusion(record.index, signed.size), note)
    _deliver(proof.to_text(), out, _PROOF)


@app.command()
def check(
    proof: Annotated[str, typer.Argument(help="A proof file or a COSE Receipt, or - for standard input.")],
    log_key: LogKey,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help="Verifier key of a witness to trust; may be repeated.")
    ] = None,
    threshold: Annotated[int | None, typer.Option(help="How many of them must have cosigned; all by default.")] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="PEM file of a key that may have signed the receipt; repeatable.")
    ] = None,
    signer: Annotated[
        list[str] | None, typer.Option("--signer", help="Ethereum address that may have signed it; repeatable.")
    ] = None,
    envelope: Annotated[
        str | None, typer.Option("--envelope", help="The receipt in its envelope, for a proof without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a proof with the log's key alone: nobody is asked. Exit code 1 when it does not hold."""
    from delegations.cli.ledger_files import read_bytes, read_sealed, read_verifier_key, trusted_issuers
    from delegations.cli.main import DENIED
    from delegations.cli.render import console, line, show

    data = read_bytes(proof, "proof")
    trusted = trusted_issuers(key, signer)
    given: dict[str, Any] = {
        "log_key": read_verifier_key(log_key, "--log-key"),
        "witnesses": [read_verifier_key(text, "--witness") for text in witness or ()],
        "threshold": threshold,
        "envelope": None if envelope is None else read_sealed(envelope),
    }
    try:
        told = _check_cose(data, **given) if data[:1] == _COSE_TAG else _check_text(data, **given)
        told |= _issued(told.pop("envelope"), trusted)
    except VerificationError as error:
        if as_json:
            print_json({"valid": False, "error": {"code": error.code, "message": str(error)}})
        else:
            show(console(), line(f"does not hold: {error}", "bold red"))
        raise typer.Exit(DENIED) from error
    if as_json:
        print_json({"valid": True, **told})
        return
    show(console(), *(line(text) for text in _in_words(told, is_issuer_known=bool(trusted))), fold=False)


@app.command()
def consistency(
    place: Place,
    since: Annotated[int, typer.Option(help="Size of the earlier tree.")],
    until: Annotated[int | None, typer.Option(help="Size of the later one; all entries by default.")] = None,
    out: Out = None,
) -> None:
    """Print the proof that the log of an earlier size is the beginning of a later one, a hash a line."""
    from delegations.cli.ledger_files import open_ledger

    with open_ledger(place) as ledger:
        hashes = ledger.prove_consistency(since, until)
    _deliver("".join(f"{base64.b64encode(digest).decode()}\n" for digest in hashes), out, _HASHES)


@app.command()
def cosign(
    signed: Annotated[str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint, or - for standard input.")],
    log_key: LogKey,
    name: Annotated[str, typer.Option(help="The witness' name, such as witness.example.net/w.")],
    state: Annotated[str, typer.Option(help="Where this witness keeps the last checkpoint it cosigned.")],
    first: Annotated[
        bool, typer.Option("--first", help="This witness has cosigned nothing of this log: begin a new --state.")
    ] = False,
    tiles: Annotated[str | None, typer.Option(help="Folder in which the log is published, to prove it from.")] = None,
    proof: Annotated[
        str | None, typer.Option("--consistency", help="File of the proof that the log continues the last one instead.")
    ] = None,
    key: PrivateKey = None,
    out: Out = None,
) -> None:
    """Cosign a checkpoint as a witness: only when the log continues what this witness saw before."""
    from delegations.cli.ledger_files import read_note, read_private_key, read_verifier_key
    from delegations.ledger.checkpoint import verify_checkpoint
    from delegations.ledger.cosignature import cosign_checkpoint
    from delegations.ledger.note import COSIGNATURE, NoteSigner

    log, witness = read_verifier_key(log_key, "--log-key"), NoteSigner(name, read_private_key(key), kind=COSIGNATURE)
    shown = read_note(signed, "CHECKPOINT")
    hashes: Sequence[bytes] = () if proof is None else _read_hashes(proof)
    if out is not None:
        require_like(out, _NOTE, "--out")
    with _state_of(state, is_new=first):  # two at once could each sign another tree
        previous = None if first else verify_checkpoint(read_note(state, "--state"), log)
        if tiles is not None and previous is not None:
            if proof is not None:
                raise EncodingError("--tiles and --consistency both prove it", hint="give one of them")
            hashes = _prove_from_tiles(tiles, previous, verify_checkpoint(shown, log))
        note = cosign_checkpoint(
            shown,
            witness,
            log_key=log,
            at=int(datetime.now(UTC).timestamp()),
            previous=previous,
            consistency=hashes,
        )
        _write(state, note.to_text().encode())  # before it is given out, and durably: it must not be forgotten
    _deliver(note.to_text(), out, _NOTE)


@contextmanager
def _state_of(path: str, *, is_new: bool) -> Iterator[None]:
    """Let nobody else cosign from this state meanwhile. Raises EncodingError when it is there and new, or neither."""
    from delegations.ledger.lock import WriterLock

    state = Path(path)
    if not state.parent.is_dir():
        raise EncodingError(f"--state: there is no folder {abbreviate(str(state.parent))}")
    if not is_new and not state.exists():
        raise EncodingError(
            f"--state: there is no file {abbreviate(path)}, and without it a witness does not know what it has signed",
            hint="--first begins one, for a log of which this witness has signed nothing yet",
        )
    lock = WriterLock(state, what="state of the witness")
    try:
        if is_new and state.exists():
            raise EncodingError(f"--first: {abbreviate(path)} is there already", hint="leave --first away")
        yield
    finally:
        lock.release()


def _sign(ledger: Ledger, signer: NoteSigner) -> tuple[SignedNote, Checkpoint]:
    from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint

    # the head was committed, and what it says is computed again before it is promised
    head = ledger.head
    ledger.prove_consistency(head.size, head.size)
    made = Checkpoint(ledger.identity.origin, head.size, head.root)
    return sign_checkpoint(made, signer), made


def _earlier(path: str, signer: NoteSigner) -> Checkpoint:
    from delegations.cli.ledger_files import read_note
    from delegations.ledger.checkpoint import verify_checkpoint

    try:
        return verify_checkpoint(read_note(path, "--out"), signer.key)
    except (EncodingError, VerificationError) as error:
        raise EncodingError(f"--out: the file there is no checkpoint of this log: {error}") from error


def _require_continued(ledger: Ledger, earlier: Checkpoint) -> None:
    """Raise VerificationError unless the log begins with what the checkpoint promised."""
    if earlier.origin != ledger.identity.origin:
        raise VerificationError(f"checkpoint: it is of {earlier.origin}, and the ledger is {ledger.identity.origin}")
    if earlier.size > ledger.size or ledger.root_at(earlier.size) != earlier.root:
        raise VerificationError(
            f"ledger: it does not continue the checkpoint of {earlier.size} entries",
            hint="entries were lost or changed; do not sign, look with `delegations ledger verify`",
        )


def _cose_receipt(ledger: Ledger, record: Record, private: Ed25519PrivateKey) -> bytes:
    from delegations.ledger.cose import make_cose_receipt

    head = ledger.head
    return make_cose_receipt(
        record.entry_bytes,
        record.index,
        head,
        ledger.prove_inclusion(record.index, head.size),
        private,
        origin=ledger.identity.origin,
        subject=record.receipt_hash,
        issued_at=int(datetime.now(UTC).timestamp()),
    )


def _check_text(data: bytes, **given: Any) -> dict[str, Any]:
    from delegations.ledger.proof_file import ProofFile, verify_proof_file

    found = verify_proof_file(ProofFile.from_text(data), **given)
    return {
        "index": found.index,
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "cosignatures": [{"witness": seen.witness, "at": str(seen.at)} for seen in found.cosignatures],
        "envelope": found.envelope,
    }


def _check_cose(data: bytes, *, envelope: Envelope | None, log_key: Any, **witnesses: Any) -> dict[str, Any]:
    from delegations.ledger.cose import verify_cose_receipt
    from delegations.ledger.entry import entry_of

    if envelope is None:
        raise EncodingError("proof: a COSE Receipt does not have the envelope", hint="give it with --envelope")
    if witnesses != {"witnesses": [], "threshold": None}:
        raise EncodingError("--witness: witnesses cosign checkpoints, and a COSE Receipt has none")
    found = verify_cose_receipt(data, entry_of(envelope), log_key)
    told = {"index": found.index, "origin": log_key.name, "size": found.size, "root": found.root.hex()}
    return {**told, "cosignatures": [], "envelope": envelope}


def _issued(envelope: Envelope, trusted: list[Any]) -> dict[str, Any]:
    from delegations.receipts.envelope import unsafe_read_receipt, verify_envelope
    from delegations.receipts.keys import name_key

    if not trusted:
        receipt = unsafe_read_receipt(envelope)
        return {"kind": receipt.kind, "receipt": receipt.hash}
    verified = verify_envelope(envelope, trusted, threshold=1)
    signers = [name_key(signer) for signer in verified.signers]
    return {"kind": verified.receipt.kind, "receipt": verified.receipt.hash, "signers": signers}


def _in_words(told: dict[str, Any], *, is_issuer_known: bool) -> list[str]:
    from delegations.receipts.page_words import say_time

    lines = [f"holds: {told['kind']} {told['receipt']}", f"entry {told['index']} of {told['size']} in {told['origin']}"]
    lines += [f"cosigned by {seen['witness']} at {say_time(int(seen['at']))}" for seen in told["cosignatures"]]
    lines += [f"signed by {name}" for name in told.get("signers", ())]
    if not is_issuer_known:
        lines.append("who signed the receipt was not checked (give --key or --signer)")
    return lines


def _prove_from_tiles(folder: str, previous: Checkpoint, shown: Checkpoint) -> list[bytes]:
    from delegations.ledger.tiles import TiledTree, read_from
    from delegations.ledger.tree import prove_consistency

    if previous.size > shown.size:
        return []  # the witness says what is wrong with that
    return prove_consistency(TiledTree(read_from(folder), shown.size).fetch, previous.size, shown.size)


def _read_hashes(path: str) -> list[bytes]:
    from delegations.cli.ledger_files import read_bytes
    from delegations.ledger.note import read_base64

    try:
        return [read_base64(line, "--consistency") for line in read_bytes(path, "--consistency").decode().split()]
    except UnicodeDecodeError:
        raise EncodingError("--consistency: expected base64, a hash a line") from None


def _deliver(text: str, out: str | None, like: re.Pattern[bytes]) -> None:
    from delegations.cli.render import emit

    if out is None:
        emit(text)
    else:
        require_like(out, like, "--out")
        _write(out, text.encode())


def _write(path: str, data: bytes) -> None:
    from delegations.cli.store import write_bytes
    from delegations.ledger.lock import sync_file

    write_bytes(Path(path), data)
    try:
        sync_file(Path(path))
    except OSError as error:
        raise EngineError(f"{abbreviate(path)}: it may not outlast a power cut: {error.strerror}") from error
