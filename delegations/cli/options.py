"""What the options mean: text from a command line becomes values, and every refusal names its option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.strict_json import parse_json
from caveats.types import Address, parse_amount, parse_hex, parse_uint256
from delegations.cli.load import Chain, Loaded, read_file, read_text, require_redemptions
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption

if TYPE_CHECKING:
    from delegations.evm.chain import LocalChain
    from delegations.evm.engine import Engine

_MODES = {mode.label.replace(", ", "-"): mode for mode in ExecutionMode}
_T = TypeVar("_T")


def _named(option: str, parse: Callable[[Any], _T], value: Any) -> _T:
    try:
        return parse(value)
    except EncodingError as error:
        raise EncodingError(f"{option}: {error}") from error


def parse_address(text: str, option: str) -> Address:
    """Return the address given for an option. Raises EncodingError naming the option."""
    return _named(option, Address, text)


def parse_redeemer(text: str | None) -> Address | None:
    """Return the value of --redeemer, None when it was not given. Raises EncodingError."""
    return None if text is None else parse_address(text, "--redeemer")


def parse_chain_id(text: str) -> int:
    """Return the value of --chain-id, in decimal. Raises EncodingError."""
    if text.isascii() and text.isdigit() and len(text) <= 20 and 0 < int(text) < 2**64:
        return int(text)
    raise EncodingError.of("--chain-id", expected="a number from 1 to 2^64-1", got=text)


def parse_wei(text: str) -> int:
    """Return the value of --value in wei: plain wei, or ether as "0.5eth". Raises EncodingError."""
    if text.endswith("eth"):
        return _named("--value", lambda ether: parse_amount(ether, 18), text.removesuffix("eth").strip())
    if not (text.isascii() and text.isdigit()):
        raise EncodingError.of("--value", expected="whole wei, or ether such as 0.5eth", got=text)
    return _named("--value", parse_uint256, text)


def parse_time(text: str, option: str = "--at") -> int:
    """Return the value of an option that is a time, in unix seconds. Raises EncodingError naming the option."""
    if text.isascii() and text.isdigit():
        return _named(option, parse_uint256, text)
    expected = "unix seconds, or a time such as 2026-12-31T12:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EncodingError.of(option, expected=expected, got=text) from None
    if moment.tzinfo is None:
        raise EncodingError.of(option, expected="a time with its zone", got=text, hint="append Z for UTC")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    if since.days < 0 or since.microseconds:
        raise EncodingError.of(option, expected="whole seconds, 1970 or later", got=text)
    return since.days * 86_400 + since.seconds


def parse_mode(text: str) -> ExecutionMode:
    """Return the value of --mode. Raises EncodingError."""
    if text not in _MODES:
        raise EncodingError.of("--mode", expected=f"one of {', '.join(_MODES)}", got=text)
    return _MODES[text]


def redemptions_of(
    loaded: Loaded, target: str | None, value: str | None, data: str | None, executions: str | None, mode: str | None
) -> tuple[Redemption, ...]:
    """Return what to redeem: that of the calldata, or the context with what the options say to execute.

    Raises:
        EncodingError: options that contradict each other or say nothing.
        UnsupportedError: a receipt.
    """
    given = require_redemptions(loaded)
    if given is not None:
        if (target, value, data, executions, mode) != (None,) * 5:
            raise EncodingError(
                "calldata already says what to execute",
                hint="leave out --target, --value, --data, --executions and --mode",
            )
        return given
    assert isinstance(loaded, Chain)  # noqa: S101 - require_redemptions leaves nothing else
    calls = _executions(target, value, data, executions)
    chosen = parse_mode(mode) if mode else _MODES["single" if executions is None else "batch"]
    if not chosen.is_batch and len(calls) != 1:
        raise EncodingError.of(f"--mode {mode}", expected="one execution", got=len(calls), hint="use --mode batch")
    return (Redemption(context=loaded.delegations, mode=chosen, executions=calls),)


def _executions(
    target: str | None, value: str | None, data: str | None, executions: str | None
) -> tuple[Execution, ...]:
    if executions is None:
        if target is None:
            raise EncodingError(
                "what to execute is missing", hint="give --target (with --value, --data) or --executions"
            )
        call_data = parse_hex("0x" if data is None else data, what="--data")
        wei = parse_wei("0" if value is None else value)
        return (Execution(target=parse_address(target, "--target"), value=wei, call_data=call_data),)
    if (target, value, data) != (None, None, None):
        raise EncodingError(
            "--executions says it all", hint="leave out --target, --value and --data, or give them instead"
        )
    items = parse_json(read_text(executions, what="--executions"), what="--executions")
    if not isinstance(items, list) or not items:
        raise EncodingError.of("--executions", expected="a JSON list of one or more", got=items)
    return tuple(_named(f"--executions[{i}]", Execution.from_wire, item) for i, item in enumerate(items))


@dataclass(frozen=True)
class ForkOptions:
    """The values of --fork, --fork-block and --fork-cache."""

    url: str | None = None
    block: str | None = None
    cache: str | None = None


def open_chain(
    state: str | None,
    chain_id: str | None,
    at: str | None,
    redemptions: tuple[Redemption, ...],
    fork: ForkOptions | None = None,
    engine: str | None = None,
) -> LocalChain:
    """Return the chain of a state file, a fork of a live one, or a fresh one with the root delegators set up.

    Raises:
        EncodingError: no chain id for a fresh chain, one that differs from the state's or the node's, no state in the
            file, no engine of that name, or options that contradict each other.
        UnsupportedError: the engine is not installed.
        TransportError, EngineError: the node of a fork could not be asked.
    """
    from delegations.evm.chain import LocalChain

    number = None if chain_id is None else parse_chain_id(chain_id)
    if fork is not None and fork.url is not None:
        if state is not None:
            raise EncodingError("--fork and --state both say where the state is", hint="give one of them")
        return _open_fork(fork.url, fork, number, at, engine)
    if fork is not None and (fork.block, fork.cache) != (None, None):
        raise EncodingError("--fork-block and --fork-cache say something of a fork", hint="give --fork URL as well")
    if state is not None:
        chain = _read_state(state)
        chain.engine = _parse_engine(engine)
        if number is not None and number != chain.chain_id:
            raise EncodingError(f"--chain-id {number} differs from the state's {chain.chain_id}")
        if at is not None:
            chain.timestamp = parse_time(at)
        return chain
    if number is None:
        raise EncodingError(
            "a fresh chain needs --chain-id",
            hint="the one the delegation was signed for, or give --state FILE",
        )
    now = int(datetime.now(UTC).timestamp())
    chain = LocalChain(number, timestamp=now if at is None else parse_time(at), engine=_parse_engine(engine))
    for redemption in redemptions:
        if redemption.root is not None:
            chain.add_delegator(redemption.root.delegator)
    return chain


def parse_block(text: str) -> int | bytes | None:
    """Return the value of --fork-block: a number, a hash, or None for latest. Raises EncodingError."""
    if text == "latest":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 20:
        return int(text)
    if text.startswith("0x") and len(text) == 66:
        return parse_hex(text, what="--fork-block")
    raise EncodingError.of("--fork-block", expected="a number, a hash of 32 bytes, or latest", got=text)


def _parse_engine(name: str | None) -> Engine:
    from delegations.evm.select import make_engine

    return _named("--engine", make_engine, name)


def _open_fork(url: str, fork: ForkOptions, chain_id: int | None, at: str | None, engine: str | None) -> LocalChain:
    from delegations.evm.chain import LocalChain

    block = None if fork.block is None else parse_block(fork.block)
    timestamp = None if at is None else parse_time(at)
    cache = None if fork.cache is None else Path(fork.cache)
    if engine not in (None, "pyevm", "node"):
        raise EncodingError.of("--engine of a fork", expected="pyevm or node", got=engine)
    chain = LocalChain.fork(url, block, cache_dir=cache, engine=engine or "pyevm")
    if chain_id is not None and chain_id != chain.chain_id:
        raise EncodingError(f"--chain-id {chain_id} differs from the node's {chain.chain_id}")
    if timestamp is not None:
        chain.timestamp = timestamp
    return chain


def _read_state(path: str) -> LocalChain:
    from delegations.evm.chain import LocalChain

    text = read_file(path, what="--state", expected="the path of a chain state file")
    return _named("--state", LocalChain.from_json, text)
