"""The `delegations` command.

Exit codes: 0 allowed or done, 1 denied, 2 bad input, 3 could not ask.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from caveats.errors import DelegationsError, EncodingError, EngineError
from caveats.types import Address
from delegations._version import __version__
from delegations.cli.ledger import app as ledger_commands
from delegations.cli.permissions import app as permission_commands
from delegations.cli.receipt import app as receipt_commands
from delegations.cli.wallet import app as wallet_commands
from delegations.framework.constants import DELEGATION_MANAGER

if TYPE_CHECKING:
    from delegations.redemption import Redemption

DONE, DENIED, BAD_INPUT, COULD_NOT_ASK = 0, 1, 2, 3
_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Bounded on-chain authority for agents: inspect it, sign it, try it before it is used, keep receipts.",
    epilog="Exit codes: 0 allowed or done, 1 denied, 2 bad input, 3 could not ask.",
)
app.add_typer(receipt_commands, name="receipt")
app.add_typer(ledger_commands, name="ledger")
app.add_typer(permission_commands, name="permissions")
app.add_typer(wallet_commands, name="wallet")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Source = Annotated[str, typer.Argument(help="A file, 0x hex, JSON, or - for standard input.", show_default=False)]
ChainId = Annotated[str, typer.Option("--chain-id", metavar="N", help="EIP-155 chain id.", show_default=False)]
ManagerText = Annotated[str, typer.Option("--manager", help="Delegation manager; framework 1.3.0 by default.")]


def _emit(text: str) -> None:
    from delegations.cli.render import emit

    emit(text)


def _print_json(value: object) -> None:
    _emit(json.dumps(value, indent=2) + "\n")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        _emit(f"delegations {__version__}\n")
        raise typer.Exit(DONE)


@app.command("hash")
def hash_command(
    source: Source,
    chain_id: Annotated[
        str | None, typer.Option("--chain-id", metavar="N", help="Also print the digest to sign there.")
    ] = None,
    manager: ManagerText = str(DELEGATION_MANAGER),
    as_json: Json = False,
) -> None:
    """Print the hash of a delegation: equal on every chain, the same with or without its signature."""
    from delegations.cli.load import load_delegation
    from delegations.cli.options import parse_address, parse_chain_id
    from delegations.delegation import hash_to_sign

    delegation, at = load_delegation(source), parse_address(manager, "--manager")
    result = {"hash": str(delegation.hash)}
    if chain_id is not None:
        result["digest"] = str(hash_to_sign(delegation, chain_id=parse_chain_id(chain_id), manager=at))
    if as_json:
        _print_json(result)
    else:
        _emit("\n".join(result.values()) + "\n")


@app.command()
def sign(
    source: Source,
    chain_id: ChainId,
    manager: ManagerText = str(DELEGATION_MANAGER),
    keystore: Annotated[str | None, typer.Option(help="V3 keystore file; DELEGATIONS_PRIVATE_KEY otherwise.")] = None,
    unsafe_unrestricted: Annotated[
        bool, typer.Option("--unsafe-unrestricted", help="Sign a root delegation without caveats.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign a delegation for one chain and print it with its signature, as JSON.

    The key comes from --keystore (password in DELEGATIONS_KEYSTORE_PASSWORD, or asked for) or from
    DELEGATIONS_PRIVATE_KEY; never from the command line.
    """
    from eth_account import Account

    from delegations.cli.load import load_delegation, private_key
    from delegations.cli.options import parse_address, parse_chain_id
    from delegations.delegation import sign_delegation
    from delegations.eip712 import sign_digest

    delegation = load_delegation(source)
    chain, at = parse_chain_id(chain_id), parse_address(manager, "--manager")
    if delegation.is_root and not delegation.caveats and not unsafe_unrestricted:
        raise EncodingError(
            "refused to sign a root delegation without caveats: it hands over the whole account",
            hint="give --unsafe-unrestricted if that is what you mean",
        )
    key = private_key(keystore)
    sign_digest(bytes(32), key)  # refuses an invalid key in our words, without showing it
    account = Account.from_key(key)
    signed = sign_delegation(delegation, account, chain_id=chain, manager=at, unsafe_unrestricted=unsafe_unrestricted)
    _print_json(signed.to_wire())
    if not as_json and Address(account.address) != delegation.delegator:
        sys.stderr.write(
            f"note: signed by {account.address}, the delegator is {delegation.delegator};"
            " only a contract account that accepts this signer will honour it\n"
        )


@app.command()
def inspect(
    source: Source,
    chain_id: Annotated[
        str | None, typer.Option("--chain-id", metavar="N", help="Check signatures for this chain.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say in words what a delegation, a permission context, redeemDelegations calldata or a receipt holds."""
    from delegations.cli.describe import describe, trees
    from delegations.cli.load import load
    from delegations.cli.options import parse_chain_id
    from delegations.cli.render import console, show

    loaded = load(source)
    chain = None if chain_id is None else parse_chain_id(chain_id)
    if as_json:
        _print_json(describe(loaded, chain))
        return
    show(console(), *trees(loaded, chain))


Redeemer = Annotated[str | None, typer.Option(help="Who redeems; the leaf's delegate by default.")]
Target = Annotated[str | None, typer.Option(help="Address to call, for a context.")]
Value = Annotated[str | None, typer.Option(help="Wei to send along, or ether as 0.5eth.")]
Data = Annotated[str | None, typer.Option(help="Calldata, 0x hex.")]
ModeText = Annotated[
    str | None, typer.Option(help="single, single-try, batch or batch-try; batch by default with --executions.")
]
Executions = Annotated[
    str | None, typer.Option(help='JSON list of {"target","value","callData"}: file, argument or -.')
]
State = Annotated[str | None, typer.Option(help="Chain state file, as `demo` writes it. A fresh chain otherwise.")]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="NAME", help="pyevm (default), pyevm-blocks, anvil, auto, both; a fork: pyevm, node."
    ),
]
At = Annotated[str | None, typer.Option(help="Time to run at: unix seconds or 2026-12-31T12:00:00Z.")]


@app.command()
def simulate(
    source: Source,
    target: Target = None,
    value: Value = None,
    data: Data = None,
    executions: Executions = None,
    mode: ModeText = None,
    redeemer: Redeemer = None,
    chain_id: Annotated[str | None, typer.Option("--chain-id", metavar="N", help="Chain id of a fresh chain.")] = None,
    state: State = None,
    fork: Annotated[
        str | None, typer.Option("--fork", metavar="URL", help="Run on the state of a live chain, read from a node.")
    ] = None,
    fork_block: Annotated[
        str | None, typer.Option("--fork-block", metavar="N", help="Block number or hash; the newest by default.")
    ] = None,
    fork_cache: Annotated[
        str | None, typer.Option("--fork-cache", metavar="DIR", help="Keep what is read of the node's state here.")
    ] = None,
    engine: EngineName = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Try a redemption on a local chain running the official contracts. Exit code 1 when it is denied.

    Takes a delegation or context with an execution, or redeemDelegations calldata. Without --state and --fork the root
    delegator is set up as an EIP-7702 account holding 10 ether on an otherwise empty chain. With --fork it runs in the
    block after the one forked, one second later unless --at says otherwise; nothing is sent to the chain.
    """
    from delegations.cli.load import load
    from delegations.cli.options import ForkOptions, open_chain, parse_redeemer, redemptions_of
    from delegations.cli.render import console, show, verdict_tree
    from delegations.simulation import explain_denial
    from delegations.simulation import simulate as run

    _refuse_twice_stdin(source, executions)
    redemptions = redemptions_of(load(source), target, value, data, executions, mode)
    caller = parse_redeemer(redeemer)
    chain = open_chain(state, chain_id, at, redemptions, ForkOptions(fork, fork_block, fork_cache), engine)
    verdict = run(chain, redemptions, redeemer=caller)
    why = None if verdict.allowed else explain_denial(chain, redemptions, verdict)
    if as_json:
        hint = {} if why is None else {"hint": why}
        _print_json({**verdict.model_dump(mode="json", exclude_none=True), **hint})
    else:
        show(console(), verdict_tree(verdict, hint=why))
    raise typer.Exit(DONE if verdict.allowed else DENIED)


@app.command()
def status(
    source: Source,
    state: Annotated[str | None, typer.Option(help="Chain state file, as `demo` writes it.")] = None,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="Read the state from this node instead.")] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Say whether a delegation or chain still holds and what is left of it. Exit code 1 when it does not hold."""
    from delegations.cli.load import load_chain
    from delegations.cli.render import console, show
    from delegations.cli.status import read_status, status_tree

    found = read_status(load_chain(source), state=state, rpc_url=rpc_url, at=at)
    if as_json:
        _print_json(found.model_dump(mode="json", exclude_none=True))
    else:
        show(console(), status_tree(found))
    raise typer.Exit(DONE if found.is_active else DENIED)


@app.command()
def redeem(
    source: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the calldata and do nothing.")] = False,
    target: Target = None,
    value: Value = None,
    data: Data = None,
    executions: Executions = None,
    mode: ModeText = None,
    redeemer: Redeemer = None,
    state: State = None,
    at: At = None,
    engine: EngineName = None,
    receipts: Annotated[str, typer.Option(help="Folder for the receipts.")] = "receipts",
    as_json: Json = False,
) -> None:
    """Redeem: --dry-run prints the calldata for your wallet; --state redeems on a local chain and keeps receipts."""
    from delegations.cli.load import load
    from delegations.cli.options import redemptions_of
    from delegations.redemption import encode_redeem_delegations

    _refuse_twice_stdin(source, executions)
    redemptions = redemptions_of(load(source), target, value, data, executions, mode)
    if dry_run:
        calldata = "0x" + encode_redeem_delegations(redemptions).hex()
        if as_json:
            _print_json({"to": str(DELEGATION_MANAGER), "data": calldata, "value": "0"})
        else:
            _emit(calldata + "\n")
        return
    if state is None:
        raise EncodingError(
            "redeem: sending to a live chain is not built in",
            hint="use --dry-run and send the calldata with your wallet, or --state FILE for a local chain",
        )
    _redeem_locally(redemptions, redeemer, state, at, engine, Path(receipts), as_json=as_json)


def _redeem_locally(
    redemptions: tuple[Redemption, ...],
    redeemer: str | None,
    state: str,
    at: str | None,
    engine: str | None,
    folder: Path,
    *,
    as_json: bool,
) -> NoReturn:
    from delegations.cli.options import open_chain, parse_redeemer
    from delegations.cli.render import console, show, verdict_tree
    from delegations.cli.store import make_folder, write_receipts, write_text
    from delegations.receipts import make_receipts
    from delegations.simulation import execute

    caller = parse_redeemer(redeemer)
    chain = open_chain(state, None, at, redemptions, engine=engine)
    make_folder(folder)  # before anything happens: a state without its receipt would be a deed nobody can tell of
    executed = execute(chain, redemptions, redeemer=caller)
    paths = write_receipts(folder, make_receipts(executed))
    try:
        write_text(Path(state), chain.to_json())
    except EncodingError:
        for path in paths:
            path.unlink()
        raise
    verdict = executed.verdict
    if as_json:
        _print_json(
            {
                "verdict": verdict.model_dump(mode="json", exclude_none=True),
                "receipts": [str(path) for path in paths],
            }
        )
    else:
        show(console(), verdict_tree(verdict))
        _emit("".join(f"receipt {path}\n" for path in paths))
    raise typer.Exit(DONE if verdict.allowed else DENIED)


@app.command()
def demo(
    out: Annotated[str, typer.Option(help="Folder for the grant, the chain state and the receipts.")] = "receipts",
    as_json: Json = False,
) -> None:
    """Watch an agent get a bounded authority, use it, be refused, and leave receipts."""
    from delegations.cli.demo import tell

    report = tell(Path(out), quiet=as_json)
    if as_json:
        _print_json(report)


def _refuse_twice_stdin(source: str, executions: str | None) -> None:
    if source == executions == "-":
        raise EncodingError("standard input can be read once", hint="give INPUT or --executions as a file")


_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for an option that does not exist or misses its value; it has no public name of its own."""


def main() -> None:
    """Run the command line; every error is one line of ours, and no traceback of a library reaches the user."""
    try:
        code = app(standalone_mode=False, prog_name="delegations")
    except DelegationsError as error:
        _fail(error.code, str(error), COULD_NOT_ASK if isinstance(error, EngineError) else BAD_INPUT)
    except _UsageError as error:
        _fail_usage(error)
    except typer.Abort:
        raise SystemExit(_INTERRUPTED) from None
    raise SystemExit(code if isinstance(code, int) else DONE)


def _fail_usage(error: Any) -> NoReturn:
    if error.format_message().startswith("Usage:"):
        # a command or a group without arguments: what it says is the help text
        error.show()
        raise SystemExit(BAD_INPUT)
    command = error.ctx.command_path if error.ctx is not None else "delegations"
    _fail("usage", f"{error.format_message().rstrip('.')} (see {command} --help)", BAD_INPUT)


def _fail(code: str, message: str, exit_code: int) -> NoReturn:
    from delegations.cli.render import clean

    if "--json" in sys.argv[1:]:
        _print_json({"error": {"code": code, "message": message}})
    sys.stderr.write(f"error: {clean(message)}\n")
    raise SystemExit(exit_code)
