"""`delegations permissions`: ask a wallet, and look at what it answered (ERC-7715).

Exit codes as everywhere: 0 done, and every check holds; 1 rejected, or a check is broken; 2 bad input; 3 could not ask.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from caveats.errors import EncodingError, UnsupportedError

if TYPE_CHECKING:
    from rich.tree import Tree

    from delegations.evm.chain import LocalChain
    from delegations.framework.deployments import Deployment, Registry
    from delegations.permissions.client import PermissionsClient
    from delegations.permissions.decode import DecodedPermission
    from delegations.permissions.model import PermissionRequest, PermissionResponse
    from delegations.permissions.verify import AnswerReport

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Ask a wallet for permissions, and check what it granted."
)

TOKEN_VARIABLE = "DELEGATIONS_WALLET_TOKEN"  # noqa: S105 - the name of a variable
_EMPTY = (32).to_bytes(32, "big") + bytes(32)
"""The context of no delegation."""
_EXIT = {"holds": 0, "broken": 1, "unknown": 3}
_STYLE = {"holds": "green", "broken": "bold red", "unknown": "yellow"}
_SOURCE = "a file, JSON, or - for standard input"

Wallet = Annotated[str, typer.Option("--wallet", metavar="URL", help="The wallet's JSON-RPC endpoint.")]
Origin = Annotated[str | None, typer.Option("--origin", help="Sent as the Origin, such as https://shop.example.")]
Requests = Annotated[str, typer.Argument(help=f"One request or a list of them: {_SOURCE}.", show_default=False)]
Responses = Annotated[str, typer.Argument(help=f"What the wallet answered: {_SOURCE}.", show_default=False)]
Context = Annotated[
    str, typer.Argument(help="A permission context: 0x hex, a response, a file, or -.", show_default=False)
]
ChainId = Annotated[str, typer.Option("--chain-id", metavar="N", help="EIP-155 chain id.", show_default=False)]
RpcUrl = Annotated[str | None, typer.Option("--rpc-url", help="Ask this node about the accounts.")]
State = Annotated[str | None, typer.Option(help="Ask a chain state file about the accounts instead.")]
Canonical = Annotated[
    bool, typer.Option("--canonical", help="Take the framework to stand at its usual addresses on an unlisted chain.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def supported(wallet: Wallet, origin: Origin = None, as_json: Json = False) -> None:
    """Print which permissions a wallet can grant, on which chains, under which rules."""
    from delegations.permissions.model import write_supported

    with _asking(wallet, origin, as_json) as client:
        found = client.supported()
    if as_json:
        _print_json(write_supported(found))
        return
    for name, each in found.items():
        chains = ", ".join(map(str, each.chain_ids)) or "no chain is named"
        _print_line(f"{name}: {chains}; rules: {', '.join(each.rule_types) or 'none'}")
    if not found:
        _print_line("the wallet names no permission that it can grant")


@app.command()
def request(
    source: Requests,
    wallet: Wallet,
    origin: Origin = None,
    rpc_url: RpcUrl = None,
    state: State = None,
    canonical: Canonical = False,
    as_json: Json = False,
) -> None:
    """Ask a wallet for permissions, print what it granted as JSON, and check it. The report goes to standard error.

    Exit code 0 when every check holds, 1 when the user rejected or a check is broken, 3 when something could not be
    asked. What a broken check concerns must not be redeemed.
    """
    from delegations.permissions.verify import verify_answer

    asked = _read_requests(source)
    chain, registry = _open_chain(rpc_url, state), _registry(asked, canonical)
    with _asking(wallet, origin, as_json) as client:
        answer = client.request_raw(asked)
    asked_at = None if chain is None else chain.timestamp
    # opened once before, so that nobody is asked in vain, and again now: an account may have been upgraded meanwhile
    now = partial(_open_chain, rpc_url, state)
    report = verify_answer(asked, answer, chain=now, registry=registry, asked_at=asked_at)
    if as_json:
        _print_json({"answer": answer, "report": report.to_wire()})
    else:
        _print_json(answer)
        _show_report(report, to_stderr=True)
    raise typer.Exit(_EXIT[report.standing])


@app.command()
def granted(wallet: Wallet, origin: Origin = None, as_json: Json = False) -> None:
    """Print what a wallet says is granted and not revoked."""
    with _asking(wallet, origin, as_json) as client:
        found = client.granted()
    if as_json:
        _print_json([response.to_wire() for response in found])
        return
    for response in found:
        _print_line(_response_line(response))
    if not found:
        _print_line("nothing is granted")


@app.command()
def revoke(context: Context, wallet: Wallet, origin: Origin = None, as_json: Json = False) -> None:
    """Ask a wallet to revoke a grant. `delegations status` says whether the chain still honours it."""
    data = _read_context(context)
    if data == _EMPTY:
        raise EncodingError("context: it is empty, so there is nothing to revoke")
    with _asking(wallet, origin, as_json) as client:
        client.revoke(data)
    if as_json:
        _print_json({"revoked": True})
    else:
        _print_line("the wallet revoked it")


@app.command()
def decode(context: Context, chain_id: ChainId, canonical: Canonical = False, as_json: Json = False) -> None:
    """Say which permission and rules a context grants. Exit code 1 when it grants none of a known type."""
    from delegations.cli.options import parse_chain_id
    from delegations.permissions.decode import DecodedPermission, decode_permission

    number = parse_chain_id(chain_id)
    found = decode_permission(_read_context(context), chain_id=number, on=_place(number, canonical))
    if not isinstance(found, DecodedPermission):
        _refused("verification.permission", f"not a permission: {found.reason}", as_json)
    if as_json:
        notes = [{"code": note.code, "text": note.text} for note in found.notes]
        _print_json({"request": found.request.to_wire(), "nonce": str(found.nonce), "notes": notes})
        return
    _show(_decoded_tree(found))


@app.command()
def check(
    requests: Requests,
    responses: Responses,
    rpc_url: RpcUrl = None,
    state: State = None,
    canonical: Canonical = False,
    used: Annotated[bool, typer.Option("--used", help="It may have been used since it was granted.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what a wallet answered with what was asked, check by check.

    Exit code 0 when every check holds, 1 when one is broken, 3 when one could not be asked. Without --rpc-url and
    --state what only a chain knows is unknown.
    """
    from delegations.cli.load import read_text
    from delegations.permissions.verify import verify_answer

    if requests == responses == "-":
        raise EncodingError("standard input can be read once", hint="give one of the two as a file")
    asked = _read_requests(requests)
    answer = _read_answer(read_text(responses, what="responses"), as_json)
    chain, registry = _open_chain(rpc_url, state), _registry(asked, canonical)
    report = verify_answer(asked, answer, chain=chain, registry=registry, is_new=not used)
    if as_json:
        _print_json(report.to_wire())
    else:
        _show_report(report)
    raise typer.Exit(_EXIT[report.standing])


# what goes in


@contextmanager
def _asking(url: str, origin: str | None, as_json: bool) -> Iterator[PermissionsClient]:
    from delegations.permissions.client import PermissionsClient
    from delegations.permissions.wire import PermissionFieldError, Problem

    token = os.environ.get(TOKEN_VARIABLE) or None
    with PermissionsClient.over_http(url, token=token, origin=origin) as client, _taking_no(as_json):
        try:
            yield client
        except PermissionFieldError as error:
            # what was given here is read before the wallet is asked, so the form at fault is that of its answer
            told = [Problem(f"the wallet's answer: {problem.path}", problem.text) for problem in error.problems]
            raise PermissionFieldError(*told) from error


@contextmanager
def _taking_no(as_json: bool) -> Iterator[None]:
    """A wallet's no is an answer: exit code 1. Its other errors stay what they are."""
    from delegations.permissions.asking import RejectedError, UnauthorizedError

    try:
        yield
    except (RejectedError, UnauthorizedError) as error:
        _refused(error.code, str(error), as_json)


def _read_requests(source: str) -> tuple[PermissionRequest, ...]:
    from delegations.cli.load import read_text
    from delegations.permissions.model import read_requests

    value = _parse(read_text(source, what="requests"), "requests")
    if isinstance(value, dict) and "method" in value and "params" in value:
        value = value["params"]  # the whole call
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict) and "context" in first and "permission" in first:
        raise EncodingError("requests: expected what was asked, got what a wallet answered")
    found = read_requests([value] if isinstance(value, dict) else value, "requests")
    if not found:
        raise EncodingError("requests: expected at least one, got none")
    return found


def _parse(text: str, what: str) -> Any:
    from caveats.strict_json import parse_json

    return parse_json(text, what=what)


def _read_context(source: str) -> bytes:
    from delegations.cli.load import load_chain, read_text
    from delegations.delegation import encode_context

    text = read_text(source, what="context")
    if text.startswith(("[", "{")):
        text = _only_response(text)
    return encode_context(load_chain(text or source))


def _only_response(text: str) -> str:
    """Return the context of the one response of an answer; any other JSON as it stands."""
    value = _parse(text, "context")
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(each, dict) and "permission" in each for each in listed):
        return text
    if len(listed) > 1:
        raise EncodingError(f"context: {len(listed)} responses stand there", hint="give the context of one of them")
    if not isinstance(listed[0].get("context"), str):
        raise EncodingError("context: expected a response, got a request, which has none")
    return json.dumps(listed[0])


def _read_answer(text: str, as_json: bool) -> Any:
    """Return the responses of what the wallet answered: they alone, or in the JSON-RPC answer, or as `request` prints
    them beside its report.
    """
    from delegations.permissions.asking import wallet_error

    if text.startswith("0x"):
        raise EncodingError(
            "responses: expected the wallet's answer, got a bare context",
            hint="`delegations permissions decode` reads that",
        )
    value = _parse(text, "responses")
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("error"), dict):
        with _taking_no(as_json):
            raise wallet_error("the request", value["error"].get("code"), value["error"].get("message"))
    for name in ("result", "answer"):
        if name in value and "context" not in value:
            return value[name]
    return [value]


def _open_chain(rpc_url: str | None, state: str | None) -> LocalChain | None:
    from delegations.evm.chain import LocalChain

    if rpc_url is not None and state is not None:
        raise EncodingError("--rpc-url and --state both say where the accounts are", hint="give one of them")
    if rpc_url is not None:
        return LocalChain.fork(rpc_url)
    if state is None:
        return None
    from delegations.cli.options import open_chain

    return open_chain(state, None, None, ())


def _registry(asked: tuple[PermissionRequest, ...], canonical: bool) -> Registry:
    from delegations.framework.deployments import Registry, canonical_deployment

    registry = Registry.official()
    if canonical:
        for chain_id in sorted({each.chain_id for each in asked} - set(registry.known_chain_ids())):
            registry = registry.with_deployment(canonical_deployment(chain_id))
    return registry


def _place(chain_id: int, canonical: bool) -> Deployment | None:
    from delegations.framework.deployments import canonical_deployment, known_chain_ids

    if chain_id in known_chain_ids():
        return None
    if not canonical:
        raise UnsupportedError(
            f"chain {chain_id}: no deployment of the framework is known",
            hint="give --canonical for a chain of your own",
        )
    return canonical_deployment(chain_id)


# what comes out


def _print_json(value: object) -> None:
    from delegations.cli.render import emit

    emit(json.dumps(value, indent=2) + "\n")


def _print_line(text: str) -> None:
    from delegations.cli.render import clean, emit

    emit(clean(text) + "\n")


def _refused(code: str, message: str, as_json: bool) -> NoReturn:
    from delegations.cli.render import clean

    if as_json:
        _print_json({"error": {"code": code, "message": message}})
    sys.stderr.write(f"error: {clean(message)}\n")
    raise typer.Exit(_EXIT["broken"])


def _show(tree: Tree) -> None:
    from delegations.cli.render import console, show

    show(console(), tree)


def _show_report(report: AnswerReport, *, to_stderr: bool = False) -> None:
    from rich.tree import Tree

    from delegations.cli.render import clean, line

    named = [("answer", report.checks), *((f"grant {grant.index}", grant.checks) for grant in report.grants)]
    if to_stderr:
        for name, checks in named:
            for each in checks:
                sys.stderr.write(clean(f"{name} {each.name} {each.standing}: {each.sentence}") + "\n")
        return
    tree = Tree(line(report.standing.upper(), _STYLE[report.standing]))
    for name, checks in named:
        branch = tree.add(line(name, "bold"))
        for each in checks:
            branch.add(line(f"{each.name} {each.standing}: {each.sentence}", _STYLE[each.standing]))
    _show(tree)


def _response_line(response: PermissionResponse) -> str:
    data = ", ".join(f"{name} {_number(name, value)}" for name, value in response.permission.write_data().items())
    rules = ", ".join(f"{rule.type} {json.dumps(rule.write_data())}" for rule in response.rules)
    return f"{response.permission.type} on chain {response.chain_id} to {response.to}: {data}; rules: {rules or 'none'}"


def _number(name: str, value: Any) -> Any:
    return int(value, 16) if "mount" in name else value


def _decoded_tree(found: DecodedPermission) -> Tree:
    from rich.tree import Tree

    from delegations.cli.render import caveat_line, line

    asked = found.request
    tree = Tree(line(asked.permission.type, "bold"))
    tree.add(line(f"granted by {asked.from_} to {asked.to} on chain {asked.chain_id}"))
    for name, value in asked.permission.write_data().items():
        tree.add(line(f"{name}: {_number(name, value)}"))
    for rule in asked.rules:
        tree.add(line(f"rule {rule.type}: {json.dumps(rule.write_data())}"))
    tree.add(line(f"nonce: {found.nonce}"))
    for index, caveat in enumerate(found.delegation.caveats):
        tree.add(caveat_line(index, caveat))
    for note in found.notes:
        tree.add(line(note.text, "yellow"))
    return tree
