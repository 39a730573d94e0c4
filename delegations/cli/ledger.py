"""`delegations ledger`: keep receipts in a log that nobody can change unseen, prove what is in it, search it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from caveats.errors import EncodingError, VerificationError
from delegations.cli.ledger_files import Json, Place, print_json, say
from delegations.cli.ledger_proofs import app as proof_commands

if TYPE_CHECKING:
    from delegations.ledger.entry import Record
    from delegations.ledger.ledger import Ledger

_PAGE = 1_000
_PARQUET = re.compile(rb"PAR1")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep receipts in a log that nobody can change unseen.",
)
app.add_typer(proof_commands)

Issuers = Annotated[list[str] | None, typer.Option("--key", help="PEM file of a public key to trust; may be repeated.")]
Signers = Annotated[list[str] | None, typer.Option("--signer", help="Ethereum address to trust; may be repeated.")]

Delegation = Annotated[str | None, typer.Option(help="Hash of a delegation anywhere in the lineage.")]
Agent = Annotated[str | None, typer.Option(help="Address of the agent that acted or was empowered.")]
Delegator = Annotated[str | None, typer.Option(help="Address whose authority it is.")]
Outcome = Annotated[str | None, typer.Option(help="executed, denied, failed, granted, approved ...")]
Kind = Annotated[str | None, typer.Option(help="redemption, denial, escalation, revocation or grant.")]
Since = Annotated[str | None, typer.Option(help="From this time on: unix seconds or 2026-12-31T12:00:00Z.")]
Until = Annotated[str | None, typer.Option(help="Before this time.")]


@app.command()
def init(
    place: Place,
    origin: Annotated[str, typer.Option(help="Name of the log, such as example.org/agents. It stays.")],
    as_json: Json = False,
) -> None:
    """Make a new, empty ledger."""
    from delegations.cli.ledger_files import make_ledger

    with make_ledger(place, origin) as ledger:
        identity = ledger.identity
    say({**identity._asdict(), "size": 0}, f"made a ledger of {identity.origin}, id {identity.ledger_id}", as_json)


@app.command()
def append(
    place: Place,
    envelopes: Annotated[
        list[str], typer.Argument(help="Receipts in envelopes: files, JSON, or - for standard input.")
    ],
    key: Issuers = None,
    signer: Signers = None,
    as_json: Json = False,
) -> None:
    """Append signed receipts: all of them durable when this returns, or none.

    An envelope that is there already keeps its place and is not appended again. With --key or --signer only what these
    have signed enters; without, what is signed by anybody does.
    """
    from delegations.cli.ledger_files import open_ledger, read_sealed, trusted_issuers
    from delegations.ledger.entry import entry_of
    from delegations.receipts.envelope import unsafe_read_receipt, verify_envelope

    if envelopes.count("-") > 1:
        raise EncodingError("standard input can be read once")
    trusted = trusted_issuers(key, signer)
    given = {entry_of(sealed): sealed for sealed in map(read_sealed, envelopes)}
    receipts = [
        verify_envelope(sealed, trusted, threshold=1).receipt if trusted else unsafe_read_receipt(sealed)
        for sealed in given.values()
    ]
    with open_ledger(place, is_writer=True) as ledger:
        made = ledger.append_many(given.values(), receipts, is_once=True)
        head = ledger.head
    rows = [
        {"index": entry.index, "receipt": receipt.hash, "leaf": entry.leaf_hash.hex(), "is_new": entry.is_new}
        for entry, receipt in zip(made, receipts, strict=True)
    ]
    lines = [f"{row['index']} {row['receipt']}{'' if row['is_new'] else ' (there already)'}" for row in rows]
    say({"size": head.size, "root": head.root.hex(), "entries": rows}, "\n".join(lines), as_json)


@app.command()
def verify(
    place: Place,
    checkpoint: Annotated[
        str | None, typer.Option(help="File of a signed checkpoint that the ledger must continue.")
    ] = None,
    log_key: Annotated[str | None, typer.Option("--log-key", help="The log's verifier key, for --checkpoint.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also read every receipt in full.")] = False,
    as_json: Json = False,
) -> None:
    """Compute everything again from the bytes that were appended. Exit code 1 when something is damaged."""
    from delegations.cli.ledger_files import audit_of, read_note, read_verifier_key
    from delegations.cli.main import DENIED
    from delegations.cli.render import console, line, show
    from delegations.ledger.checkpoint import verify_checkpoint
    from delegations.ledger.damage import examine

    signed = None
    if (checkpoint is None) != (log_key is None):
        raise EncodingError("--checkpoint and --log-key go together")
    if checkpoint is not None and log_key is not None:
        signed = verify_checkpoint(read_note(checkpoint, "--checkpoint"), read_verifier_key(log_key, "--log-key"))
    found = examine(audit_of(place), None if signed is None else signed.head, is_strict=strict)
    identity, head = found.identity, found.head
    if identity is not None and signed is not None and identity.origin != signed.origin:
        raise VerificationError(f"ledger: it is {identity.origin}, and the checkpoint is of {signed.origin}")
    if found.damage or identity is None or head is None:
        if as_json:
            print_json({"valid": False, "damage": [each._asdict() for each in found.damage]})
        else:
            show(console(), *(line(f"damaged: {each}", "bold red") for each in found.damage))
        raise typer.Exit(DENIED)
    text = f"holds: {head.size} entries of {identity.origin}\nroot {head.root.hex()}"
    if signed is not None:
        text += f"\ncontinues the checkpoint of {signed.size} entries"
    say({"valid": True, "origin": identity.origin, "size": head.size, "root": head.root.hex()}, text, as_json)


@app.command()
def search(
    place: Place,
    receipt: Annotated[str | None, typer.Option(help="Hash of a receipt.")] = None,
    delegation: Delegation = None,
    agent: Agent = None,
    delegator: Delegator = None,
    outcome: Outcome = None,
    kind: Kind = None,
    prev: Annotated[str | None, typer.Option(help="Hash of the receipt before, of the same agent.")] = None,
    since: Since = None,
    until: Until = None,
    start: Annotated[int, typer.Option(help="First index to look at.")] = 0,
    limit: Annotated[int, typer.Option(help="At most this many, up to 10000.")] = 100,
    as_json: Json = False,
) -> None:
    """List the receipts to which all that is given applies, in the order they were appended."""
    from delegations.cli.ledger_files import open_ledger
    from delegations.cli.render import console, line, show

    asked = _criteria(delegation, agent, delegator, outcome, kind, since, until)
    with open_ledger(place) as ledger:
        page = ledger.search(receipt=receipt, prev=prev, start=start, limit=limit, **asked)
    if as_json:
        rest = {} if page.next is None else {"next": page.next}
        print_json({"receipts": [_row(record) for record in page.records], **rest})
        return
    show(console(), *(line(_told(record)) for record in page.records), fold=False)
    if page.next is not None:
        show(console(), line(f"there are more: --start {page.next}", "yellow"))
    elif not page.records:
        show(console(), line("nothing found", "yellow"))


@app.command()
def export(
    place: Place,
    parquet: Annotated[str, typer.Option(metavar="FILE", help="The Parquet file to write.")],
    delegation: Delegation = None,
    agent: Agent = None,
    delegator: Delegator = None,
    outcome: Outcome = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Write receipts to a Parquet file, one row each; amounts are decimal text, exact."""
    from delegations.cli.ledger_files import open_ledger, require_like
    from delegations.ledger.parquet import export_parquet

    asked = _criteria(delegation, agent, delegator, outcome, kind, since, until)
    require_like(parquet, _PARQUET, "--parquet")
    with open_ledger(place) as ledger:
        head = ledger.head  # what comes meanwhile is not in it
        records = _found(ledger, asked, head.size) if asked else ledger.records(0, head.size)
        count = export_parquet(records, parquet, identity=ledger.identity, head=head)
    say({"file": parquet, "receipts": count}, f"{count} receipts in {parquet}", as_json)


def _criteria(
    delegation: str | None,
    agent: str | None,
    delegator: str | None,
    outcome: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
) -> dict[str, Any]:
    """Return what is asked for, as `Ledger.search` takes it."""
    from delegations.cli.ledger_files import parse_hash
    from delegations.cli.options import parse_address, parse_time
    from delegations.receipts.model import KINDS

    if kind is not None and kind not in KINDS:
        raise EncodingError.of("--kind", expected=f"one of {', '.join(KINDS)}", got=kind)
    if outcome is not None and outcome not in (known := _outcomes()):
        raise EncodingError.of("--outcome", expected=f"one of {', '.join(known)}", got=outcome)
    given = {
        "delegation": None if delegation is None else parse_hash(delegation, "--delegation"),
        "agent": None if agent is None else parse_address(agent, "--agent"),
        "delegator": None if delegator is None else parse_address(delegator, "--delegator"),
        "outcome": outcome,
        "kind": kind,
        "since": None if since is None else parse_time(since, "--since"),
        "until": None if until is None else parse_time(until, "--until"),
    }
    return {name: value for name, value in given.items() if value is not None}


def _found(ledger: Ledger, asked: dict[str, Any], size: int) -> Iterator[Record]:
    start: int | None = 0
    while start is not None and start < size:
        page = ledger.search(start=start, limit=_PAGE, **asked)
        yield from (record for record in page.records if record.index < size)
        start = page.next


def _outcomes() -> tuple[str, ...]:
    """Return every outcome that a receipt can tell: a word that none has would find nothing, and pass for an answer."""
    from delegations.receipts.model_parts import Escalation, ReceiptOutcome, Revocation

    fields = ((ReceiptOutcome, "status"), (Escalation, "decision"), (Revocation, "how"))
    told = [word for model, name in fields for word in get_args(model.model_fields[name].annotation)]
    return (*told, "granted")


def _row(record: Record) -> dict[str, Any]:
    facts = {name: value for name, value in record.facts._asdict().items() if value is not None}
    if "time" in facts:
        facts["time"] = str(facts["time"])  # as in the receipt: it may pass what a JSON number holds
    return {"index": record.index, "receipt": record.receipt_hash, **facts}


def _told(record: Record) -> str:
    from delegations.receipts.page_words import say_time

    facts = record.facts
    time = "at no time" if facts.time is None else say_time(facts.time)
    agent = "" if facts.agent is None else f" by {facts.agent}"
    return f"{record.index} {time} {facts.kind} {facts.outcome}{agent} {record.receipt_hash}"
