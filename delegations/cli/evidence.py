"""`delegations receipt prove`, and the part of `receipt verify` that looks at evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caveats.errors import EncodingError
from caveats.types import Bytes32, parse_hex

if TYPE_CHECKING:
    from rich.tree import Tree

    from delegations.receipts.evidence.bundle import Bundle
    from delegations.receipts.evidence.report import Finding, Report
    from delegations.receipts.evidence.state import Scope
    from delegations.receipts.model import Receipt

_STYLES: Final = {"proven": "bold green", "reexecuted": "green", "contradicted": "bold red"}
Source = Annotated[str, typer.Argument(help="A receipt or an envelope: a file, JSON, or - for standard input.")]
RpcUrl = Annotated[str, typer.Option("--rpc-url", metavar="URL", help="A node of the chain.", show_default=False)]


def prove(
    source: Source,
    rpc_url: RpcUrl,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where the bundle goes; compressed when it ends in .gz.")
    ],
    attach_to: Annotated[
        str | None,
        typer.Option("--attach", metavar="FILE", help="Write the receipt there with the bundle named in it."),
    ] = None,
    block: Annotated[
        str | None, typer.Option("--block", metavar="N", help="Of a grant or a denial before the deed: which block.")
    ] = None,
    calldata: Annotated[
        str | None, typer.Option("--calldata", help="Of a denial before the deed: its calldata, as a file or hex.")
    ] = None,
    replay: Annotated[
        bool | None, typer.Option("--replay/--no-replay", help="Also prove what running it again reads.")
    ] = None,
    state: Annotated[
        str, typer.Option("--state", metavar="all|accounts|none", help="How much of the state is proven.")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Collect the evidence for a receipt from a node, into one file that is verified offline.

    Exit code 1 when the chain contradicts the receipt, 3 when the node could not be asked.
    """
    from delegations.cli.options import parse_block
    from delegations.cli.render import console, emit, show
    from delegations.cli.store import write_text
    from delegations.evm.rpc import HttpTransport, RpcClient
    from delegations.receipts.evidence import attach, examine
    from delegations.receipts.evidence import prove as collect

    scope = _scope(state)
    _refuse_same_file(source, out, attach_to)
    receipt = _receipt(source)
    which = None if block is None else _named_block(parse_block, block)
    client = RpcClient(HttpTransport(rpc_url))
    try:
        bundle = _or_denied(
            lambda: collect(
                receipt,
                client,
                block=which,
                state=scope,
                replay=replay,
                calldata=None if calldata is None else _calldata(calldata),
            ),
            as_json,
        )
    finally:
        client.close()
    trusted = bundle.block_hash
    path = Path(out)
    _write(path, bundle.compressed() if path.suffix == ".gz" else bundle.canonical())
    if attach_to is not None:
        receipt = attach(receipt, bundle, trusted, uri=f"file:{path.name}" if path.name.isascii() else None)
        write_text(Path(attach_to), receipt.to_json())
    # what it named before is no matter to what was collected now
    report = examine(receipt if attach_to else receipt.model_copy(update={"evidence": None}), bundle, trusted)
    if as_json:
        emit(
            json.dumps({"bundle": bundle.sha256, "block_hash": str(trusted), "receipt": receipt.hash}, indent=2) + "\n"
        )
        return
    show(console(), report_tree(report, claims=False))
    emit(f"bundle {path} sha256 {bundle.sha256}\n")
    emit("".join([f"receipt {attach_to}\n"] if attach_to else []))


def verify_evidence(receipt: Receipt, path: str, block_hash: str) -> Report:
    """Return the report on a receipt by the bundle in a file.

    Raises:
        EncodingError: no such file, or no hash.
        EvidenceError: the bundle is not sound, or not this receipt's.
    """
    from delegations.receipts.evidence import Bundle, examine

    trusted = parse_hex(block_hash, what="--block-hash")
    if len(trusted) != Bytes32.SIZE:
        raise EncodingError.of("--block-hash", expected="32 bytes", got=block_hash)
    return examine(receipt, Bundle.from_bytes(_read(path)), trusted)


def emit_report(report: Report, signers: list[str] | None, as_json: bool) -> None:
    """Print a report, and whose signatures hold: None for a receipt without an envelope."""
    from delegations.cli.render import console, emit, show

    if as_json:
        signed = {} if signers is None else {"signers": signers}
        emit(json.dumps({"valid": report.holds, **signed, "report": report.to_wire()}, indent=2) + "\n")
        return
    show(console(), report_tree(report))
    if signers is not None:
        emit("".join(f"signed by {name}\n" for name in signers) or "the envelope's signatures were not looked at\n")


def report_tree(report: Report, *, claims: bool = True) -> Tree:
    """Return a report for a person: what holds and by what, then what the state held, then what is not shown."""
    from rich.tree import Tree

    from delegations.cli.render import line

    head = "HOLDS" if report.holds or not claims else "DOES NOT HOLD"
    tree = Tree(line(head if claims else "EVIDENCE", "bold green" if report.holds or not claims else "bold red"))
    if report.block_hash is not None:
        what = (
            "against block {}, {}, which you trust"
            if claims
            else "of block {}, {}; a verifier gets that hash elsewhere"
        )
        tree.add(line(what.format(report.block_number, report.block_hash)))
    if claims and report.bundle is not None and not report.is_named:
        tree.add(line("the receipt does not name this bundle: whoever gave it chose it", "yellow"))
    for refusal in report.refusals if claims else ():
        tree.add(line(f"{refusal.reason}: {refusal.text}", "bold red"))
    facts = tree.add(line("facts"))
    for standing, basis, paths in _grouped(report.findings):
        facts.add(line(f"{standing}: {', '.join(paths)} ({basis})", _STYLES.get(standing, "yellow")))
    if report.signatures:
        signed = tree.add(line("signatures"))
        for signature in report.signatures:
            signed.add(line(f"{signature.standing}: {signature.delegation} {signature.text}"))
    if report.state:
        held = tree.add(line("state at the END of the block"))
        for fact in report.state:
            about = "" if fact.delegation is None else f" of {fact.delegation}"
            held.add(line(f"{fact.what}{about} at {fact.address}: {fact.value}"))
    for limit in report.limits:
        tree.add(line(limit, "yellow"))
    return tree


def _grouped(findings: tuple[Finding, ...]) -> Iterator[tuple[str, str, list[str]]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        groups.setdefault((finding.standing, finding.basis), []).append(finding.path)
    for (standing, basis), paths in groups.items():
        yield standing, basis, paths


def _refuse_same_file(source: str, out: str, attach_to: str | None) -> None:
    named = [path for path in (source, out, attach_to) if path is not None and path != "-" and len(path) < 4096]
    places = [os.path.realpath(path) for path in named]
    if os.path.realpath(out) in [place for path, place in zip(named, places, strict=True) if path is not out]:
        raise EncodingError(f"--out: {out} is also where a receipt is", hint="name another file for the bundle")


def _receipt(source: str) -> Receipt:
    from delegations.cli.receipt import read_receipt

    return read_receipt(source)


def _named_block(parse: Any, text: str) -> bytes | int | None:
    try:
        found: bytes | int | None = parse(text)
    except EncodingError as error:
        raise EncodingError(str(error).replace("--fork-block", "--block")) from error
    return found


def _scope(text: str) -> Scope:
    if text not in ("all", "accounts", "none"):
        raise EncodingError.of("--state", expected="all, accounts or none", got=text)
    return text  # type: ignore[return-value]  # one of the three


def _or_denied(collect: Any, as_json: bool) -> Bundle:
    from delegations.cli.main import DENIED
    from delegations.cli.render import console, emit, line, show
    from delegations.receipts.evidence import EvidenceError

    try:
        bundle: Bundle = collect()
    except EvidenceError as error:
        if as_json:
            said = {"code": error.code, "reason": error.reason, "path": error.path, "message": str(error)}
            emit(json.dumps({"proven": False, "error": said}, indent=2) + "\n")
        else:
            show(console(), line(f"cannot be proven: {error}", "bold red"))
        raise typer.Exit(DENIED) from error
    return bundle


def _calldata(source: str) -> bytes:
    from delegations.cli.load import read_text

    return parse_hex(
        source if source.startswith("0x") else read_text(source, what="--calldata").strip(), what="--calldata"
    )


def _read(path: str) -> bytes:
    from delegations.receipts.evidence.bundle import MAX_BUNDLE

    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BUNDLE + 1)
    except (OSError, ValueError) as error:
        raise EncodingError.of("--evidence", expected="the path of a bundle", got=path) from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        raise EncodingError(f"--out: {path} cannot be written: {error}") from error
