"""`delegations receipt`: make them of what was mined, show, sign, prove, verify them, and print their schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from caveats.errors import EncodingError, UnsupportedError
from delegations.cli.evidence import prove

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Key

    from delegations.receipts.model import Receipt

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Decode, show, sign, prove and verify receipts.")

KEY_VARIABLE, PASSWORD_VARIABLE = "DELEGATIONS_RECEIPT_KEY", "DELEGATIONS_RECEIPT_KEY_PASSWORD"
_FILE = "the path of a PEM file"

Source = Annotated[str, typer.Argument(help="A receipt or an envelope: a file, JSON, or - for standard input.")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="PEM file of a public key to trust; may be repeated.")]
Signers = Annotated[list[str] | None, typer.Option("--signer", help="Ethereum address to trust; may be repeated.")]
Threshold = Annotated[int | None, typer.Option(help="How many of them must have signed; all by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Sealed(NamedTuple):
    """What a file held: a receipt, and the envelope it came in."""

    receipt: Receipt
    envelope: Envelope | None


@app.command("show")
def show_command(
    source: Source,
    html: Annotated[str | None, typer.Option(help="Also write one self-contained page there.")] = None,
    key: Keys = None,
    signer: Signers = None,
    threshold: Threshold = None,
    as_json: Json = False,
) -> None:
    """Show a receipt, or the receipt in an envelope. With --key or --signer the signatures must hold."""
    from delegations.cli.receipt_tree import receipt_tree
    from delegations.cli.render import console, emit, show
    from delegations.cli.store import write_text

    sealed, names = _open(source, _trusted(key, signer), threshold)
    if html is not None:
        from delegations.receipts.page import render_page

        write_text(Path(html), render_page(sealed.receipt, signers=names))
    if as_json:
        emit(_answer(sealed.receipt, names))
        return
    show(console(), receipt_tree(sealed.receipt, signers=names))
    if html is not None:
        emit(f"page {html}\n")


@app.command()
def decode(
    tx_hash: Annotated[str, typer.Argument(help="Hash of a mined transaction.", show_default=False)],
    rpc_url: Annotated[
        str, typer.Option("--rpc-url", metavar="URL", help="A node that traces calls.", show_default=False)
    ],
    context: Annotated[
        list[str] | None,
        typer.Option("--context", help="A delegation or chain that may have ended in it; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the receipts of a mined transaction: redemptions, denials and revocations.

    What the node says is taken for granted: traced at best, never proven. Exit code 3 when it could not be asked, or
    does not trace where only a trace tells.
    """
    from delegations.cli.load import load_chain
    from delegations.cli.mined import read_mined
    from delegations.cli.receipt_tree import receipt_tree
    from delegations.cli.render import console, emit, line, show

    found = read_mined(tx_hash, rpc_url, [load_chain(source) for source in context or ()])
    if as_json:
        emit(json.dumps(found.to_wire(), indent=2) + "\n")
        return
    out = console()
    show(
        out, *(receipt_tree(receipt) for receipt in found.receipts), *(line(text, "yellow") for text in found.remarks())
    )


@app.command()
def sign(
    source: Source,
    key: Annotated[
        str | None, typer.Option("--key", help=f"PEM file of an Ed25519 private key; {KEY_VARIABLE} otherwise.")
    ] = None,
    ml_dsa_key: Annotated[
        str | None, typer.Option("--ml-dsa-key", help="PEM file of an ML-DSA-65 private key that signs beside it.")
    ] = None,
    ethereum: Annotated[
        bool, typer.Option("--ethereum", help="Also sign with DELEGATIONS_PRIVATE_KEY, or with --keystore.")
    ] = False,
    keystore: Annotated[str | None, typer.Option(help="V3 keystore file for --ethereum.")] = None,
) -> None:
    """Sign a receipt and print it in a DSSE envelope.

    Keys come from files or from the environment, never from the command line; an encrypted PEM file's password from
    DELEGATIONS_RECEIPT_KEY_PASSWORD.
    """
    from delegations.cli.load import private_key
    from delegations.cli.render import emit
    from delegations.receipts.envelope import format_envelope, sign_receipt
    from delegations.receipts.keys import read_ed25519_key, read_ml_dsa_key

    if keystore is not None and not ethereum:
        raise EncodingError("--keystore: it is for --ethereum", hint="give both")
    sealed = _read(source)
    if sealed.envelope is not None:
        raise UnsupportedError("receipt: it is in an envelope already", hint="sign the receipt itself")
    password = os.environ.get(PASSWORD_VARIABLE)
    issuer = read_ed25519_key(_private_pem(key), password=password)
    hybrid = None if ml_dsa_key is None else read_ml_dsa_key(_pem(ml_dsa_key, "--ml-dsa-key"), password=password)
    account = None
    if ethereum:
        from eth_account import Account

        from delegations.eip712 import sign_digest

        raw = private_key(keystore)
        sign_digest(bytes(32), raw)  # refuses an invalid key in our words, without showing it
        account = Account.from_key(raw)
    emit(format_envelope(sign_receipt(sealed.receipt, issuer, ml_dsa_key=hybrid, ethereum_account=account)) + "\n")


@app.command()
def verify(
    source: Source,
    key: Keys = None,
    signer: Signers = None,
    threshold: Threshold = None,
    evidence: Annotated[
        str | None, typer.Option("--evidence", metavar="FILE", help="The bundle `receipt prove` wrote.")
    ] = None,
    block_hash: Annotated[
        str | None,
        typer.Option("--block-hash", metavar="HASH", help="Of the block it is checked against: what you trust."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a receipt offline: its signatures against keys you trust, its facts against a block hash you trust.

    Exit code 1 when it does not hold. Without --evidence what this shows is who signed what.
    """
    from caveats.errors import VerificationError
    from delegations.cli.evidence import emit_report, verify_evidence
    from delegations.cli.main import DENIED
    from delegations.cli.render import console, emit, line, show
    from delegations.receipts.evidence.refusal import EvidenceError

    trusted = _trusted(key, signer)
    if (evidence is None) != (block_hash is None):
        raise EncodingError("verify: evidence is checked against a block hash", hint="give --evidence and --block-hash")
    if not trusted and evidence is None:
        raise EncodingError(
            "verify: no key to trust", hint="give --key FILE or --signer ADDRESS, or --evidence and --block-hash"
        )
    try:
        sealed, names = _open(source, trusted, threshold)
        report = None
        if evidence is not None and block_hash is not None:
            report = verify_evidence(sealed.receipt, evidence, block_hash)
    except VerificationError as error:
        if as_json:
            reason = {"reason": error.reason} if isinstance(error, EvidenceError) else {}
            said = {"code": error.code, **reason, "message": str(error)}
            emit(json.dumps({"valid": False, "error": said}, indent=2) + "\n")
        else:
            show(console(), line(f"does not hold: {error}", "bold red"))
        raise typer.Exit(DENIED) from error
    if report is not None:
        emit_report(report, names, as_json)
        if not report.holds:
            raise typer.Exit(DENIED)
        return
    if as_json:
        emit(json.dumps({"valid": True, "hash": sealed.receipt.hash, "signers": names}, indent=2) + "\n")
        return
    emit(
        f"holds: {sealed.receipt.kind} {sealed.receipt.hash}\n" + "".join(f"signed by {name}\n" for name in names or ())
    )


app.command("prove")(prove)


@app.command()
def schema() -> None:
    """Print the JSON Schema of receipts."""
    from delegations.cli.render import emit
    from delegations.receipts.json_schema import schema_text

    emit(schema_text())


def _answer(receipt: Receipt, names: list[str] | None) -> str:
    answer = {"hash": receipt.hash, "receipt": receipt.to_wire()}
    return json.dumps(answer if names is None else {**answer, "signers": names}, indent=2) + "\n"


def read_receipt(source: str) -> Receipt:
    """Return a receipt, or that of an envelope, whose signatures are not looked at."""
    return _read(source).receipt


def _read(source: str) -> Sealed:
    from caveats.strict_json import parse_json
    from delegations.cli.load import read_text
    from delegations.receipts.envelope import read_envelope, unsafe_read_receipt
    from delegations.receipts.model import Receipt

    text = read_text(source, what="receipt")
    value = parse_json(text, what="receipt", exact=True)
    if isinstance(value, dict) and "payload" in value:
        envelope = read_envelope(text)
        return Sealed(unsafe_read_receipt(envelope), envelope)
    return Sealed(Receipt.from_wire(_only_receipt(value)), None)


def _only_receipt(value: object) -> object:
    """Return the receipt in what `receipt decode --json` printed, where there is one; anything else as it is."""
    if not isinstance(value, dict) or "schema" in value or not isinstance(value.get("receipts"), list):
        return value
    listed = value["receipts"]
    if len(listed) != 1 or not isinstance(listed[0], dict):
        raise EncodingError(
            f"receipt: expected one, got the {len(listed)} of a transaction",
            hint='give the value of one "receipt" in "receipts"',
        )
    return listed[0].get("receipt")


def _open(source: str, trusted: list[Key], threshold: int | None) -> tuple[Sealed, list[str] | None]:
    from delegations.receipts.envelope import verify_envelope
    from delegations.receipts.keys import name_key

    if threshold is not None and not trusted:
        raise EncodingError("--threshold: of which keys?", hint="give --key FILE or --signer ADDRESS")
    sealed = _read(source)
    if sealed.envelope is None:
        if trusted:
            raise EncodingError("receipt: not signed, so there is nothing to verify", hint="give its envelope")
        return sealed, None
    if not trusted:
        return sealed, []
    verified = verify_envelope(sealed.envelope, trusted, threshold=threshold)
    return Sealed(verified.receipt, sealed.envelope), [name_key(signer) for signer in verified.signers]


def _trusted(keys: list[str] | None, signers: list[str] | None) -> list[Key]:
    from delegations.cli.options import parse_address
    from delegations.receipts.ethereum_key import EthereumKey
    from delegations.receipts.keys import read_public_key

    trusted: list[Key] = [read_public_key(_pem(path, "--key")) for path in keys or ()]
    return trusted + [EthereumKey.of(parse_address(text, "--signer")) for text in signers or ()]


def _pem(path: str, option: str) -> str:
    from delegations.cli.load import read_file

    return read_file(path, what=option, expected=_FILE)


def _private_pem(path: str | None) -> str:
    if path is not None:
        return _pem(path, "--key")
    text = os.environ.get(KEY_VARIABLE, "")
    if not text:
        raise EncodingError(f"no key: give --key FILE or set {KEY_VARIABLE} to the text of a PEM file")
    return text
