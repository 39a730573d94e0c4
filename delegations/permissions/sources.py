"""What a verification goes by: where to ask, and which deployments to hold the answers against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from caveats.errors import EncodingError, EngineError, UnsupportedError
from delegations.evm.chain import LocalChain
from delegations.framework.deployments import Registry
from delegations.permissions.model import PermissionRequest

Places = LocalChain | Mapping[int, LocalChain] | None
"""A chain, or one for each chain id; None for nowhere."""
Chains = Places | Callable[[], Places]
"""Where to ask: a chain, local or forked; one for each chain id; a function that returns either, called once the answer
is there; or nowhere, and what only a chain knows is unknown."""


def require_arguments(requests: object, chain: object, registry: object) -> None:
    """Return when these can be verified by. Ask it before a wallet is asked: afterwards its answer would be lost.

    Raises:
        EncodingError: no requests, or arguments of other types.
    """
    if not isinstance(requests, list | tuple) or not all(isinstance(each, PermissionRequest) for each in requests):
        raise EncodingError.of("requests", expected="a list of PermissionRequest", got=type(requests).__name__)
    if not requests:
        raise EncodingError("requests: expected at least one, got none")
    if not (_is_places(chain) or callable(chain)):
        expected = "a LocalChain, one for each chain id, or a function that returns one"
        raise EncodingError.of("chain", expected=expected, got=type(chain).__name__, hint="LocalChain.fork(url)")
    if not (registry is None or isinstance(registry, Registry)):
        raise EncodingError.of("registry", expected="a Registry", got=type(registry).__name__)


def _is_places(chain: object) -> bool:
    if isinstance(chain, Mapping):
        return all(isinstance(each, LocalChain) for each in chain.values())
    return chain is None or isinstance(chain, LocalChain)


class Terms(NamedTuple):
    """What to go by; `why` says why there is no chain."""

    chain: Places
    why: str
    registry: Registry
    is_new: bool
    asked_at: int | None


def make_terms(chain: Chains, registry: Registry | None, is_new: bool, asked_at: int | None) -> Terms:
    """Return what to go by. Arguments as `verify_answer`; a chain that cannot be opened is none."""
    why = "no chain was given to ask"
    if callable(chain):
        try:
            chain = chain()
        except (EngineError, UnsupportedError) as error:
            chain, why = None, str(error)
        if not _is_places(chain):  # the answer is there: it must not be lost over this
            chain, why = None, f"the function that was to return a LocalChain returned {type(chain).__name__}"
    return Terms(chain, why, Registry.official() if registry is None else registry, is_new, asked_at)


def find_source(terms: Terms, chain_id: int) -> tuple[LocalChain | None, str]:
    """Return the chain to ask about a chain id, or None and why there is none."""
    chain = terms.chain
    if chain is None:
        return None, terms.why
    found = chain if isinstance(chain, LocalChain) else chain.get(chain_id)
    if found is None:
        return None, f"no chain was given to ask about chain {chain_id}"
    if found.chain_id != chain_id:
        return None, f"the chain given is {found.chain_id}, not {chain_id}"
    return found, ""
