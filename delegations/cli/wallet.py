"""`delegations wallet`: grant permissions to sites by a policy or by hand, list what was granted, take it back."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caveats.errors import EncodingError, EngineError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from delegations.permissions.wallet import (
        Approver,
        PermissionsProvider,
        SqliteStore,
        StoredGrant,
        WalletAccount,
        WalletChain,
    )

TOKEN_VARIABLE = "DELEGATIONS_WALLET_TOKEN"  # noqa: S105 - the name of a variable
DEFAULT_PORT = 8715
_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Grant permissions to sites (ERC-7715): serve a wallet, list what it granted, revoke it.",
)

Store = Annotated[str, typer.Option("--store", metavar="FILE", help="Where grants are kept.", show_default=False)]
RpcUrl = Annotated[str, typer.Option("--rpc-url", metavar="URL", help="Node of the chain.", show_default=False)]
ChainId = Annotated[str, typer.Option("--chain-id", metavar="N", help="EIP-155 chain id.", show_default=False)]
Keystore = Annotated[str | None, typer.Option(help="V3 keystore file; DELEGATIONS_PRIVATE_KEY otherwise.")]
Hybrid = Annotated[
    str | None, typer.Option("--hybrid", metavar="SALT", help="Act for the Hybrid account the key owns.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def serve(
    rpc_url: RpcUrl,
    chain_id: ChainId,
    store: Store,
    origin: Annotated[
        list[str], typer.Option("--origin", metavar="ORIGIN", help="A site that may ask; again for more.")
    ],
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="FILE", help="What is granted without asking: .toml or .json.")
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask at this terminal what the policy does not grant; the rule without one.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.", min=0, max=65535)] = DEFAULT_PORT,
    server_name: Annotated[
        list[str] | None,
        typer.Option("--server-name", metavar="NAME", help="Another Host this server is reached by; again for more."),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help=f"Listen beyond loopback; needs a token in {TOKEN_VARIABLE}.")
    ] = False,
    keystore: Keystore = None,
    hybrid: Hybrid = None,
) -> None:
    """Answer sites that ask for permissions, as JSON-RPC over HTTP.

    Nothing is granted unless the policy says so or a person at this terminal types "yes". The key comes from --keystore
    (password in DELEGATIONS_KEYSTORE_PASSWORD, or asked for) or from DELEGATIONS_PRIVATE_KEY; never from the command
    line. When DELEGATIONS_WALLET_TOKEN is set, every request must carry it as a bearer token.
    """
    from delegations.permissions.wallet import PermissionsProvider, create_app, open_socket
    from delegations.permissions.wallet import serve as run
    from delegations.permissions.wallet.server import LOOPBACK_HOSTS

    token = os.environ.get(TOKEN_VARIABLE)
    if token == "":  # a secret that was to be filled in
        raise EncodingError(f"{TOKEN_VARIABLE} is set and empty", hint="unset it to serve without a token")
    address = _listen_address(host, allow_remote=allow_remote, token=token, names=server_name or ())
    approver = _approver(policy, ask=ask)
    key_account, account = _account(keystore, hybrid)
    with _chain(rpc_url, chain_id, key_account, account) as chain, closing(_open(store)) as kept:
        provider = PermissionsProvider(accounts=[account], chains=[chain], approver=approver, store=kept, on_event=_log)
        chain.read_account(account.address)  # a wallet that cannot ask its chain had better say so now
        served = create_app(provider, origins=origin, token=token, hosts={*LOOPBACK_HOSTS, *(server_name or ())})
        with open_socket(address, port) as listening, suppress(KeyboardInterrupt):
            _announce(listening.getsockname(), provider)
            _note_unnamed(approver, origin, chain.chain_id)
            run(served, listening, on_stop=_stopping(approver))


@app.command()
def grants(
    store: Store,
    origin: Annotated[str | None, typer.Option("--origin", help="Of this site only.")] = None,
    as_json: Json = False,
) -> None:
    """List what was granted, oldest first, and how far revoking has come. No chain is asked."""
    from delegations.cli.render import emit

    with closing(_open(store, must_exist=True)) as kept:
        found = kept.list_grants(origin=origin)
    if as_json:
        emit(json.dumps([_to_wire(grant) for grant in found], indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for grant in found for line in _lines(grant)) or "nothing was granted\n")


@app.command()
def revoke(
    grant: Annotated[str, typer.Argument(help="Hash of a grant, or its permission context.", show_default=False)],
    rpc_url: RpcUrl,
    chain_id: ChainId,
    store: Store,
    keystore: Keystore = None,
    hybrid: Hybrid = None,
    as_json: Json = False,
) -> None:
    """Revoke a grant: at once in the store, then on chain by a transaction of the account. Asking again retries.

    What a Hybrid account granted is revoked by a user operation of it: give the --hybrid it was served with.
    """
    from caveats.types import Address
    from delegations.cli.render import emit
    from delegations.permissions.wallet.revocation import revoke_grant
    from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode

    with closing(_open(store, must_exist=True)) as kept:
        leaf = _find(kept, grant)
        key_account, account = _account(keystore, hybrid)
        with _chain(rpc_url, chain_id, key_account, account) as chain:
            for each in kept.list_grants(delegation_hash=leaf.hash):
                if each.chain_id != chain.chain_id:
                    raise EncodingError.of("--chain-id", expected=f"{each.chain_id}, the grant's", got=chain_id)
                if each.delegator not in (account.address, Address(key_account.address)):
                    raise EncodingError.of(
                        "key",
                        expected=f"the one of {each.delegator}, which granted it",
                        got=f"that of {account.address}",
                        hint="give --hybrid SALT for a Hybrid account",
                    )
            try:
                revoked = revoke_grant(kept, {chain.chain_id: chain}, leaf)
            except ProviderError as error:
                if error.rpc_code == RpcCode.NOT_FOUND:
                    raise EncodingError(f"grant: {leaf.hash} is not in {store}") from error
                why = f": {error.__cause__}" if error.__cause__ else ""
                raise EngineError(f"{error.message}{why}") from error
    if as_json:
        emit(json.dumps(_to_wire(revoked), indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in _lines(revoked)))


def _listen_address(host: str, *, allow_remote: bool, token: str | None, names: Sequence[str]) -> str:
    if host in _LOOPBACK:
        return _LOOPBACK[host]
    if not allow_remote or token is None:
        raise EncodingError.of(
            "--host",
            expected="127.0.0.1 or ::1",
            got=host,
            hint=f"to be reached from elsewhere, give --allow-remote and set {TOKEN_VARIABLE}",
        )
    if not names:
        raise EncodingError("--server-name: give the name or the address this server is reached by from elsewhere")
    return host


def _approver(policy: str | None, *, ask: bool) -> Approver:
    from delegations.permissions.wallet import PolicyApprover, TerminalApprover, read_policy

    if (policy is None or ask) and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise EncodingError("nobody is here to ask: this is no terminal", hint="give a --policy, and no --ask")
    if policy is None:
        return TerminalApprover()
    return PolicyApprover(read_policy(Path(policy)), otherwise=TerminalApprover() if ask else None)


def _stopping(approver: Approver) -> Callable[[], None]:
    """Return what takes back the question at the terminal, where one may stand."""
    from delegations.permissions.wallet import PolicyApprover, TerminalApprover

    asking = approver.otherwise if isinstance(approver, PolicyApprover) else approver
    return asking.stop if isinstance(asking, TerminalApprover) else lambda: None


def _account(keystore: str | None, hybrid: str | None) -> tuple[LocalAccount, WalletAccount]:
    from eth_account import Account

    from caveats.types import parse_uint256
    from delegations.cli.load import private_key
    from delegations.permissions.wallet import LocalAccountSigner, hybrid_account

    key = private_key(keystore)
    signer = LocalAccountSigner.from_key(key)  # refuses an invalid key in our words, without showing it
    account: LocalAccount = Account.from_key(key)
    return account, signer if hybrid is None else hybrid_account(key, salt=parse_uint256(hybrid))


@contextmanager
def _chain(rpc_url: str, chain_id: str, key: LocalAccount, account: WalletAccount) -> Iterator[WalletChain]:
    from caveats.types import Address
    from delegations.cli.options import parse_chain_id
    from delegations.evm.rpc import HttpTransport, RpcClient
    from delegations.permissions.wallet import ContractAccount, KeySubmitter, OperationSubmitter, Submitter, WalletChain
    from delegations.simulation import NodeReader

    client, number = RpcClient(HttpTransport(rpc_url)), parse_chain_id(chain_id)
    payer = Address(key.address)
    sender = KeySubmitter(client, number, {payer: key})
    submitter: Submitter = sender
    if isinstance(account, ContractAccount):
        submitter = OperationSubmitter(sender, payer, {account.address: account})
    try:
        yield WalletChain(number, NodeReader(client), submitter=submitter)
    finally:
        client.close()


def _open(path: str, *, must_exist: bool = False) -> SqliteStore:
    from delegations.permissions.wallet import SqliteStore

    if must_exist and not Path(path).is_file():
        raise EncodingError.of("--store", expected="the file a wallet keeps its grants in", got=path)
    return SqliteStore(Path(path))


def _find(store: SqliteStore, which: str) -> Any:
    from caveats.types import parse_hex
    from delegations.cli.load import load_delegation
    from delegations.permissions.wallet.revocation import delegation_of

    if len(which) != 66 or not which.startswith("0x"):
        return load_delegation(which)
    found = store.list_grants(delegation_hash=parse_hex(which, what="grant"))
    if not found:
        raise EncodingError(f"grant: {which} is not in the store", hint="`delegations wallet grants` lists them")
    return delegation_of(found[0])


def _announce(bound: tuple[Any, ...], provider: PermissionsProvider) -> None:
    from delegations.cli.render import emit

    host = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    emit(f"wallet of {', '.join(map(str, provider.accounts))} on http://{host}:{bound[1]}\n")


def _note_unnamed(approver: Approver, origins: Sequence[str], chain_id: int) -> None:
    """Say which of the sites can be granted nothing: an address that is misspelt is refused without a word."""
    from delegations.permissions.wallet import PolicyApprover

    if isinstance(approver, PolicyApprover) and approver.otherwise is None:
        named = {site for allow in approver.policy.allow if chain_id in allow.chain_ids for site in allow.origins}
        for origin in sorted(set(origins) - named):
            _log(f"note: the policy grants nothing to {origin} on chain {chain_id}")


def _log(line: str) -> None:
    from delegations.cli.render import clean

    sys.stderr.write(f"{clean(line)}\n")
    sys.stderr.flush()


def _to_wire(grant: StoredGrant) -> dict[str, Any]:
    return {
        "hash": str(grant.hash),
        "origin": grant.origin,
        "state": grant.state,
        "grantedAt": grant.granted_at,
        "revocation": grant.revocation,
        "failure": grant.failure,
        "response": grant.response,
    }


def _lines(grant: StoredGrant) -> list[str]:
    from caveats.enforcer import format_utc
    from delegations.cli.render import clean
    from delegations.permissions.wallet.question import explain
    from delegations.permissions.wallet.revocation import delegation_of

    delegation = delegation_of(grant)
    lines = [
        f"{grant.hash} {grant.state}",
        f"  {clean(grant.origin)} since {format_utc(grant.granted_at)}, chain {grant.chain_id}",
        f"  {delegation.delegator} -> {delegation.delegate}",
        *(f"  - {clean(sentence)}" for sentence in explain(delegation.caveats)),
    ]
    if grant.revocation:
        lines.append(f"  revoking transaction {clean(grant.revocation)}")
    if grant.failure:
        lines.append(f"  not revoked on chain yet: {clean(grant.failure)}")
    return lines
