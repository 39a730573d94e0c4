"""The wallet side of ERC-7715: a provider that validates, explains, asks, signs, keeps and revokes.

    provider = PermissionsProvider(accounts=[account], chains=[chain], approver=approver, store=SqliteStore(path))
    provider.request("wallet_requestExecutionPermissions", [request], origin="https://shop.example")

Nothing is granted unless the approver says so, and the default approver never does. Several threads may ask at once.

Source: ERC-7715; EIP-1193 (request, provider errors).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from caveats.enforcer import Tokens
from caveats.errors import DelegationsError, EncodingError
from delegations.delegation import Delegation, encode_context, random_salt
from delegations.permissions.check import find_request_problems, populate, supported_by
from delegations.permissions.compare import compare
from delegations.permissions.compile import compile_permission, to_delegation
from delegations.permissions.model import (
    PermissionRequest,
    PermissionResponse,
    read_requests,
    read_responses,
    write_supported,
)
from delegations.permissions.wallet.account import WalletAccount
from delegations.permissions.wallet.approver import Approver, Decision, RefusingApprover
from delegations.permissions.wallet.chain import AccountState, WalletChain
from delegations.permissions.wallet.plain import parse_origin
from delegations.permissions.wallet.question import Asked, Earlier, Question, explain, find_remarkable
from delegations.permissions.wallet.revocation import list_live, read_leaf, revoke_grant
from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode, to_provider_error
from delegations.permissions.wallet.store import GrantStore, SqliteStore, StoredGrant, StoreError
from delegations.permissions.wire import PermissionFieldError

_DAY = 86_400
MOST_AT_ONCE = 16
"""Permissions that one request may ask for."""


class _Place(NamedTuple):
    """Where a request would be granted, and what is known of it there."""

    chain: WalletChain
    account: WalletAccount
    state: AccountState


class PermissionsProvider:
    """Answers for some accounts on some chains.

    Args:
        accounts: whose authority may be granted; the first where a request names none.
        chains: where.
        approver: decides; refuses everything when None.
        store: keeps the grants; in memory when None.
        tokens: names and decimals of the tokens that are known, for the explanations.
        clock: tells unix seconds.
        salt: makes the salt of each grant: 256 random bits.
        on_event: is told in one line what was asked and what came of it, for the operator's log.

    Raises:
        EncodingError: no account or no chain, or two of the same.
    """

    def __init__(
        self,
        *,
        accounts: Sequence[WalletAccount],
        chains: Sequence[WalletChain],
        approver: Approver | None = None,
        store: GrantStore | None = None,
        tokens: Tokens | None = None,
        clock: Callable[[], int] = lambda: int(time.time()),
        salt: Callable[[], int] = random_salt,
        on_event: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.accounts = {account.address: account for account in accounts}
        self.chains = {chain.chain_id: chain for chain in chains}
        for what, given, kept in (("account", accounts, self.accounts), ("chain", chains, self.chains)):
            if not given or len(kept) != len(given):
                raise EncodingError.of(f"{what}s", expected="at least one, none of them twice", got=f"{len(given)}")
        self.approver: Approver = RefusingApprover() if approver is None else approver
        self.store: GrantStore = SqliteStore(None) if store is None else store
        self.tokens = tokens
        self._clock, self._salt, self._on_event = clock, salt, on_event
        self._asking, self._revoking = threading.Lock(), threading.Lock()
        self._methods: dict[str, Callable[[Any, str], Any]] = {
            "wallet_requestExecutionPermissions": self._request,
            "wallet_revokeExecutionPermission": self._revoke,
            "wallet_getSupportedExecutionPermissions": self._supported,
            "wallet_getGrantedExecutionPermissions": self._granted,
            "eth_accounts": self._accounts,
            "eth_requestAccounts": self._accounts,
            "eth_chainId": self._chain_id,
        }

    def request(self, method: str, params: Any = None, *, origin: str) -> Any:
        """Return the result of a method for a site.

        Args:
            method: its name.
            params: parsed JSON; None for none.
            origin: of the site, as its browser or its operator vouches for it.

        Raises:
            ProviderError: with the code a dapp knows, whatever went wrong.
        """
        known = self._methods.get(method) if isinstance(method, str) else None
        if known is None:
            raise ProviderError.unknown_method(method)
        try:
            parse_origin(origin)
        except EncodingError as error:
            raise ProviderError(RpcCode.UNAUTHORIZED, str(error)) from error
        try:
            return known(params, origin)
        except DelegationsError as error:
            answered = to_provider_error(error)
            why = f" ({error.__cause__})" if isinstance(error.__cause__, DelegationsError) else ""
            if answered.rpc_code != RpcCode.USER_REJECTED:  # which was told with its reason
                self._on_event(f"{origin} {method}: {answered.rpc_code} {error}{why}")
            if answered is error:
                raise  # with the cause it has
            raise answered from error

    # what is asked without asking anybody

    def _accounts(self, params: Any, _origin: str) -> list[str]:
        _no_params(params)
        return [str(address) for address in self.accounts]

    def _chain_id(self, params: Any, _origin: str) -> str:
        _no_params(params)
        return hex(next(iter(self.chains)))

    def _supported(self, params: Any, _origin: str) -> dict[str, Any]:
        _no_params(params)
        return write_supported(supported_by(list(self.chains)))

    def _granted(self, params: Any, origin: str) -> list[dict[str, Any]]:
        _no_params(params)
        return [dict(grant.response) for grant in list_live(self.store, self.chains, origin=origin)]

    # granting

    def _request(self, params: Any, origin: str) -> list[dict[str, Any]]:
        with _alone(self._asking, "another request of this wallet is waiting for an answer"):
            requests = self._read(params)
            now = self._clock()
            self._check(requests, now, asked_at=now)
            places = [self._place(request, f"params[{i}]") for i, request in enumerate(requests)]
            filled = [_settled(r, p, now) for r, p in zip(requests, places, strict=True)]
            question = self._question(origin, filled, places, now)
            decision = self.approver.decide(question)
            if decision.is_granted is not True:
                self._on_event(f"{origin} was refused: {decision.reason}")
                raise ProviderError(RpcCode.USER_REJECTED, "the request was refused")
            granted = self._grant(self._adjusted(requests, filled, decision), places, question)
            self._on_event(f"{origin} was granted {', '.join(str(grant.hash) for grant in granted)}")
            return [dict(grant.response) for grant in granted]

    def _read(self, params: Any) -> tuple[PermissionRequest, ...]:
        if not isinstance(params, list) or not params:
            raise ProviderError.invalid("params: expected a list of at least one permission request")
        if len(params) > MOST_AT_ONCE:
            raise ProviderError.invalid(
                f"params: expected at most {MOST_AT_ONCE} permission requests, got {len(params)}"
            )
        return read_requests(params)

    def _check(self, requests: Sequence[PermissionRequest], now: int, *, asked_at: int) -> None:
        for index, request in enumerate(requests):
            path = f"params[{index}]"
            if request.chain_id not in self.chains:
                served = ", ".join(map(hex, self.chains))
                raise ProviderError(
                    RpcCode.CHAIN_DISCONNECTED,
                    f"{path}.chainId: not connected to {hex(request.chain_id)}, only to {served}",
                )
            # a day may begin while somebody decides; what began on the day of the question is not late for that
            problems = find_request_problems(request, now=now, day_start_at=asked_at - asked_at % _DAY)
            if problems:
                raise PermissionFieldError(*(p._replace(path=f"{path}.{p.path}") for p in problems))

    def _place(self, request: PermissionRequest, path: str) -> _Place:
        address = next(iter(self.accounts)) if request.from_ is None else request.from_
        account = self.accounts.get(address)
        if account is None:
            raise ProviderError(RpcCode.NOT_FOUND, f"{path}.from: {address} is no account of this wallet")
        chain = self.chains[request.chain_id]
        return _Place(chain, account, chain.read_account(address))

    def _question(
        self, origin: str, requests: Sequence[PermissionRequest], places: Sequence[_Place], now: int
    ) -> Question:
        asked = []
        for request, place in zip(requests, places, strict=True):
            caveats = compile_permission(
                request.permission, request.rules, nonce=place.state.nonce, on=place.chain.framework
            )
            found = find_remarkable(
                request,
                account=place.account.address,
                at=now,
                tokens=self.tokens,
                obstacle=place.account.find_obstacle(place.state.code),
            )
            asked.append(Asked(request, place.account.address, explain(caveats, self.tokens), found))
        stored = self.store.list_grants(origin=origin)
        earlier = (Earlier(grant.granted_at, _response(grant).expiry) for grant in stored)
        return Question(origin, tuple(asked), now, tuple(earlier))

    def _adjusted(
        self, requests: Sequence[PermissionRequest], filled: Sequence[PermissionRequest], decision: Decision
    ) -> Sequence[PermissionRequest]:
        """Return what is to be granted. The approver may only take away, and only where the site allows it."""
        given = filled if decision.adjusted is None else decision.adjusted
        if len(given) != len(filled):
            raise ProviderError(RpcCode.INTERNAL, "the approver changed the number of permissions")
        for asked, wanted, granted in zip(requests, filled, given, strict=True):
            if granted == wanted:
                continue
            same = all(getattr(granted, name) == getattr(wanted, name) for name in ("chain_id", "to", "from_"))
            if not same or not asked.permission.is_adjustment_allowed or compare(wanted, granted).is_wider:
                raise ProviderError(RpcCode.INTERNAL, "the approver changed what may not be changed")
        return given

    def _grant(
        self, given: Sequence[PermissionRequest], places: Sequence[_Place], question: Question
    ) -> list[StoredGrant]:
        # whoever decides may take long: what was true before is asked again
        now = self._clock()
        self._check(given, now, asked_at=question.at)
        made = []
        for index, (request, shown) in enumerate(zip(given, places, strict=True)):
            chain, account, state = self._place(request, f"params[{index}]")
            if state.nonce != shown.state.nonce:
                # who raises it ends what was signed before; and what is signed is what was shown, word for word
                raise ProviderError(
                    RpcCode.UNAVAILABLE,
                    "the account's nonce changed while this was asked; nothing was granted, ask again",
                )
            unsigned = to_delegation(
                request, delegator=account.address, nonce=state.nonce, salt=self._salt(), on=chain.framework
            )
            signed = _sign(account, unsigned, chain)
            response = PermissionResponse.answering(
                request,
                context=encode_context([signed]),
                delegation_manager=chain.manager,
                dependencies=account.dependencies(state.code),
            )
            made.append(_stored(signed, response, origin=question.origin, at=now))
        self.store.add(made, earlier=len(question.earlier))
        return made

    # revoking

    def _revoke(self, params: Any, origin: str) -> dict[str, Any]:
        leaf = read_leaf(params)
        with _alone(self._revoking, "another revocation of this wallet is under way"):
            revoke_grant(self.store, self.chains, leaf, origin=origin)
        return {}


def _settled(request: PermissionRequest, place: _Place, now: int) -> PermissionRequest:
    return populate(request, now=now).model_copy(update={"from_": place.account.address})


def _sign(account: WalletAccount, unsigned: Delegation, chain: WalletChain) -> Delegation:
    refusal = ProviderError(RpcCode.UNAVAILABLE, "the account could not sign")
    try:
        signed = account.sign(unsigned, chain_id=chain.chain_id, manager=chain.manager)
    except DelegationsError as error:
        raise refusal from error
    if signed.hash != unsigned.hash or not signed.signature:
        raise refusal
    return signed


def _stored(signed: Delegation, response: PermissionResponse, *, origin: str, at: int) -> StoredGrant:
    return StoredGrant(
        origin=origin,
        chain_id=response.chain_id,
        delegator=signed.delegator,
        hash=signed.hash,
        response=response.to_wire(),
        granted_at=at,
    )


def _response(grant: StoredGrant) -> PermissionResponse:
    try:
        return read_responses([grant.response], "stored")[0]
    except EncodingError as error:
        raise StoreError(f"grant {grant.hash}: {error}") from error


def _no_params(params: Any) -> None:
    if params not in (None, [], {}):
        raise ProviderError.invalid("params: expected none")


@contextmanager
def _alone(lock: threading.Lock, otherwise: str) -> Iterator[None]:
    if not lock.acquire(blocking=False):
        raise ProviderError(RpcCode.LIMIT_EXCEEDED, otherwise)
    try:
        yield
    finally:
        lock.release()
