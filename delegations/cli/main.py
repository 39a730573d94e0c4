"""The `delegations` command.

Exit codes: 0 allowed or done, 1 denied, 2 bad input, 3 could not ask.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from caveats.errors import DelegationsError, EncodingError, EngineError
from caveats.execution import Execution
from caveats.types import Address, parse_amount, parse_hex, parse_uint256
from delegations._version import __version__
from delegations.delegation import Delegation, hash_to_sign, sign_delegation
from delegations.execution import ExecutionMode
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.redemption import Redemption, encode_redeem_delegations

if TYPE_CHECKING:
    from delegations.cli.load import Loaded
    from delegations.evm.chain import LocalChain

DONE, DENIED, BAD_INPUT, COULD_NOT_ASK = 0, 1, 2, 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Bounded on-chain authority for agents: inspect it, sign it, try it before it is used, keep receipts.",
    epilog="Exit codes: 0 allowed or done, 1 denied, 2 bad input, 3 could not ask.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Source = Annotated[str, typer.Argument(help="A file, 0x hex, JSON, or - for standard input.", show_default=False)]
ChainId = Annotated[int, typer.Option("--chain-id", help="EIP-155 chain id.", show_default=False)]
ManagerText = Annotated[str, typer.Option("--manager", help="Delegation manager; framework 1.3.0 by default.")]


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        sys.stdout.write(f"delegations {__version__}\n")
        raise typer.Exit(DONE)


@app.command("hash")
def hash_command(
    source: Source,
    chain_id: Annotated[int | None, typer.Option("--chain-id", help="Also print the digest to sign there.")] = None,
    manager: ManagerText = str(DELEGATION_MANAGER),
    as_json: Json = False,
) -> None:
    """Print the hash of a delegation: equal on every chain, the same with or without its signature."""
    from delegations.cli.load import load_delegation

    delegation = load_delegation(source)
    result = {"hash": str(delegation.hash)}
    if chain_id is not None:
        result["digest"] = str(hash_to_sign(delegation, chain_id=_chain_id(chain_id), manager=Address(manager)))
    if as_json:
        _print_json(result)
    else:
        sys.stdout.write("\n".join(result.values()) + "\n")


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

    delegation = load_delegation(source)
    account = Account.from_key(_valid_key(private_key(keystore)))
    signed = sign_delegation(
        delegation,
        account,
        chain_id=_chain_id(chain_id),
        manager=Address(manager),
        unsafe_unrestricted=unsafe_unrestricted,
    )
    _print_json(signed.to_wire())
    if not as_json and Address(account.address) != delegation.delegator:
        sys.stderr.write(
            f"note: signed by {account.address}, the delegator is {delegation.delegator};"
            " only a contract account that accepts this signer will honour it\n"
        )


def _valid_key(key: bytes) -> bytes:
    from delegations.eip712 import sign_digest

    sign_digest(bytes(32), key)
    return key


@app.command()
def inspect(
    source: Source,
    chain_id: Annotated[int | None, typer.Option("--chain-id", help="Check signatures for this chain.")] = None,
    as_json: Json = False,
) -> None:
    """Say in words what a delegation, a permission context, redeemDelegations calldata or a receipt holds."""
    from delegations.cli.load import load
    from delegations.cli.render import console

    loaded = load(source)
    if chain_id is not None:
        _chain_id(chain_id)
    if as_json:
        _print_json(_describe(loaded))
        return
    out = console()
    for tree in _trees(loaded, chain_id):
        out.print(tree)


def _trees(loaded: Loaded, chain_id: int | None) -> list[Any]:
    from delegations.cli.load import Call, Chain
    from delegations.cli.render import chain_tree, receipt_tree, redemption_tree

    if isinstance(loaded, Chain):
        return [chain_tree(loaded.delegations, chain_id=chain_id)]
    if isinstance(loaded, Call):
        return [redemption_tree(r, i, chain_id=chain_id) for i, r in enumerate(loaded.redemptions)]
    return [receipt_tree(loaded)]


def _describe(loaded: Loaded) -> dict[str, Any]:
    from delegations.cli.load import Call, Chain

    if isinstance(loaded, Chain):
        return {
            "kind": "context",
            "form": loaded.form,
            "delegations": [_explain(d) for d in loaded.delegations],
        }
    if isinstance(loaded, Call):
        return {
            "kind": "calldata",
            "redemptions": [
                {**r.to_wire(), "context": [_explain(d) for d in r.context], "modeName": r.mode.name}
                for r in loaded.redemptions
            ],
        }
    return {"kind": "receipt", "hash": loaded.hash, "receipt": loaded.to_wire()}


def _explain(delegation: Delegation) -> dict[str, Any]:
    from caveats.registry import decode_caveat

    wire = delegation.to_wire()
    for caveat, entry in zip(delegation.caveats, wire["caveats"], strict=True):
        decoded = decode_caveat(caveat)
        entry["name"] = decoded.name
        entry["says"] = decoded.describe()
        entry["known"] = not decoded.is_opaque
        if decoded.terms is not None:
            entry["decoded"] = decoded.terms.to_wire()
        if decoded.would_revert is not None:
            entry["wouldRevert"] = decoded.would_revert
    return {"hash": str(delegation.hash), **wire}


Redeemer = Annotated[str | None, typer.Option(help="Who redeems; the leaf's delegate by default.")]
Target = Annotated[str | None, typer.Option(help="Address to call, for a context.")]
Value = Annotated[str, typer.Option(help="Wei to send along, or ether as 0.5eth.")]
Data = Annotated[str, typer.Option(help="Calldata, 0x hex.")]
ModeText = Annotated[str, typer.Option(help="single, single-try, batch or batch-try.")]
Executions = Annotated[
    str | None, typer.Option(help='JSON list of {"target","value","callData"}: file, argument or -.')
]
State = Annotated[str | None, typer.Option(help="Chain state file, as `demo` writes it. A fresh chain otherwise.")]
At = Annotated[str | None, typer.Option(help="Time to run at: unix seconds or 2026-12-31T12:00:00Z.")]


@app.command()
def simulate(
    source: Source,
    target: Target = None,
    value: Value = "0",
    data: Data = "0x",
    executions: Executions = None,
    mode: ModeText = "single",
    redeemer: Redeemer = None,
    chain_id: Annotated[int | None, typer.Option("--chain-id", help="Chain id of a fresh chain.")] = None,
    state: State = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Try a redemption on a local chain running the official contracts. Exit code 1 when it is denied.

    Takes a delegation or context with an execution, or redeemDelegations calldata. Without --state the root delegator
    is set up as an EIP-7702 account holding 10 ether on an otherwise empty chain.
    """
    from delegations.cli.load import load
    from delegations.cli.render import console, verdict_tree
    from delegations.simulation import simulate as run

    redemptions = _redemptions(load(source), target, value, data, executions, mode)
    chain = _chain(state, chain_id, at, redemptions)
    verdict = run(chain, redemptions, redeemer=Address(redeemer) if redeemer else None)
    if as_json:
        _print_json(verdict.model_dump(mode="json", exclude_none=True))
    else:
        console().print(verdict_tree(verdict))
    raise typer.Exit(DONE if verdict.allowed else DENIED)


@app.command()
def redeem(
    source: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the calldata and do nothing.")] = False,
    target: Target = None,
    value: Value = "0",
    data: Data = "0x",
    executions: Executions = None,
    mode: ModeText = "single",
    redeemer: Redeemer = None,
    state: State = None,
    at: At = None,
    receipts: Annotated[str, typer.Option(help="Folder for the receipts.")] = "receipts",
    as_json: Json = False,
) -> None:
    """Redeem: --dry-run prints the calldata for your wallet; --state redeems on a local chain and keeps receipts."""
    from delegations.cli.load import load

    redemptions = _redemptions(load(source), target, value, data, executions, mode)
    if dry_run:
        calldata = "0x" + encode_redeem_delegations(redemptions).hex()
        if as_json:
            _print_json({"to": str(DELEGATION_MANAGER), "data": calldata, "value": "0"})
        else:
            sys.stdout.write(calldata + "\n")
        return
    if state is None:
        raise EncodingError(
            "redeem: sending to a live chain is not built in",
            hint="use --dry-run and send the calldata with your wallet, or --state FILE for a local chain",
        )
    _redeem_locally(redemptions, redeemer, state, at, Path(receipts), as_json=as_json)


def _redeem_locally(
    redemptions: tuple[Redemption, ...],
    redeemer: str | None,
    state: str,
    at: str | None,
    folder: Path,
    *,
    as_json: bool,
) -> NoReturn:
    from delegations.cli.render import console, verdict_tree
    from delegations.cli.store import write_receipts, write_text
    from delegations.receipts import make_receipts
    from delegations.simulation import execute

    chain = _chain(state, None, at, redemptions)
    executed = execute(chain, redemptions, redeemer=Address(redeemer) if redeemer else None)
    paths = write_receipts(folder, make_receipts(executed))
    write_text(Path(state), chain.to_json())
    verdict = executed.verdict
    if as_json:
        _print_json(
            {
                "verdict": verdict.model_dump(mode="json", exclude_none=True),
                "receipts": [str(path) for path in paths],
            }
        )
    else:
        console().print(verdict_tree(verdict))
        sys.stdout.write("".join(f"receipt {path}\n" for path in paths))
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


# what the options mean


def _redemptions(
    loaded: Loaded, target: str | None, value: str, data: str, executions: str | None, mode: str
) -> tuple[Redemption, ...]:
    from delegations.cli.load import Chain, require_redemptions

    given = require_redemptions(loaded)
    if given is not None:
        if target is not None or executions is not None:
            raise EncodingError("calldata already says what to execute", hint="leave out --target and --executions")
        return given
    assert isinstance(loaded, Chain)  # noqa: S101 - require_redemptions leaves nothing else
    return (
        Redemption(
            context=loaded.delegations,
            mode=_mode(mode),
            executions=_executions(target, value, data, executions),
        ),
    )


def _executions(target: str | None, value: str, data: str, executions: str | None) -> tuple[Execution, ...]:
    from delegations.cli.load import read_text

    if executions is None:
        if target is None:
            raise EncodingError(
                "what to execute is missing", hint="give --target (with --value, --data) or --executions"
            )
        return (Execution(target=Address(target), value=_wei(value), call_data=parse_hex(data, what="--data")),)
    if target is not None:
        raise EncodingError("--target and --executions were both given", hint="give one of them")
    try:
        items = json.loads(read_text(executions, what="--executions"))
    except (ValueError, RecursionError) as error:
        raise EncodingError(f"--executions: not JSON ({error})") from error
    if not isinstance(items, list):
        raise EncodingError.of("--executions", expected="a JSON list", got=items)
    return tuple(Execution.from_wire(item) for item in items)


def _wei(text: str) -> int:
    if text.endswith("eth"):
        return parse_amount(text.removesuffix("eth").strip(), 18)
    return parse_uint256(text)


_MODES = {mode.label.replace(", ", "-"): mode for mode in ExecutionMode}


def _mode(text: str) -> ExecutionMode:
    if text not in _MODES:
        raise EncodingError.of("--mode", expected=f"one of {', '.join(_MODES)}", got=text)
    return _MODES[text]


def _chain_id(value: int) -> int:
    if not 0 < value < 2**64:
        raise EncodingError.of("--chain-id", expected="a number from 1 to 2^64-1", got=value)
    return value


def _time(text: str) -> int:
    if text.isascii() and text.isdigit():
        return parse_uint256(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EncodingError.of(
            "--at", expected="unix seconds, or a time such as 2026-12-31T12:00:00Z", got=text
        ) from None
    if moment.tzinfo is None:
        raise EncodingError.of("--at", expected="a time with its zone", got=text, hint="append Z for UTC")
    return int(moment.timestamp())


def _chain(state: str | None, chain_id: int | None, at: str | None, redemptions: tuple[Redemption, ...]) -> LocalChain:
    from delegations.cli.load import read_text
    from delegations.evm.chain import LocalChain

    if state is not None:
        chain = LocalChain.from_json(read_text(state, what="--state"))
        if chain_id is not None and chain_id != chain.chain_id:
            raise EncodingError(f"--chain-id {chain_id} differs from the state's {chain.chain_id}")
        if at is not None:
            chain.timestamp = _time(at)
        return chain
    if chain_id is None:
        raise EncodingError(
            "a fresh chain needs --chain-id",
            hint="the one the delegation was signed for, or give --state FILE",
        )
    now = int(datetime.now(UTC).timestamp())
    chain = LocalChain(_chain_id(chain_id), timestamp=now if at is None else _time(at))
    for redemption in redemptions:
        if redemption.root is not None:
            chain.add_delegator(redemption.root.delegator)
    return chain


def main() -> None:
    """Run the command line; every error of ours is one line, and no traceback of a library reaches the user."""
    try:
        app()
    except DelegationsError as error:
        _fail(error)
    except BrokenPipeError:
        # the reader of our output is gone: leave quietly, without a second failure at interpreter exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None


def _fail(error: DelegationsError) -> NoReturn:
    from delegations.cli.render import clean

    if "--json" in sys.argv[1:]:
        body = {"code": error.code, "message": str(error)}
        _print_json({"error": body})
    sys.stderr.write(f"error: {clean(error)}\n")
    raise SystemExit(COULD_NOT_ASK if isinstance(error, EngineError) else BAD_INPUT)
