"""Transactions and blocks as JSON-RPC takes them, traces as it gives them back, read into our own types.

What nodes tell differently from the embedded engine is made the same here: a delegatecall's frame carries the account
it runs for, an EIP-7702 account's frame names the code that runs, a call that was never begun has no frame.

Source: Ethereum execution APIs (eth_call, eth_simulateV1); geth's callTracer and prestateTracer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caveats.errors import TransportError, abbreviate
from caveats.types import Address
from delegations.evm.engine import BlockEnv, CallFrame, FrameError, FrameKind, Log, Outcome, Transaction
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, StateDiff, World
from delegations.framework.constants import EIP7702_PREFIX

CALL_TRACER = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
DIFF_TRACER = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}

_KINDS: dict[str, FrameKind] = {
    "CALL": "CALL",
    "STATICCALL": "STATICCALL",
    "DELEGATECALL": "DELEGATECALL",
    "CALLCODE": "CALL",
    "CREATE": "CREATE",
    "CREATE2": "CREATE",
}
# The caller's own operation failed before a frame existed: py-evm shows no frame for these, and so do we.
_NEVER_BEGUN = ("insufficient balance", "call depth", "nonce uint64 overflow", "collision")
# py-evm counts code beyond the size limits of EIP-170 and EIP-3860 as a lack of gas, and one word for it is enough.
_OUT_OF_GAS = ("outofgas", "codesizelimit", "contractsizelimit", "maxcodesize", "maxinitcodesize")
_MAX_NONCE = 2**64 - 1


def to_data(value: bytes) -> str:
    return "0x" + value.hex()


def block_reference(digest: bytes) -> dict[str, object]:
    """Return a block named by its hash, for nodes to refuse once it is no longer theirs. Source: EIP-1898."""
    return {"blockHash": to_data(digest), "requireCanonical": True}


def to_word(value: int) -> str:
    return f"0x{value:064x}"


def from_data(value: object) -> bytes:
    """Return the bytes of an answer's hex. Raises TransportError: what is not hex is not an answer."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise unreadable("0x hex", value)
    try:
        return bytes.fromhex(value[2:])
    except ValueError as error:
        raise unreadable("0x hex", value) from error


def from_quantity(value: object) -> int:
    """Return the number of an answer: hex, or a JSON number where nodes write one. Raises TransportError."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return int(value, 16)
        except ValueError as error:
            raise unreadable("a 0x number", value) from error
    raise unreadable("a 0x number", value)


def from_address(value: object) -> Address:
    """Return the address of an answer, whatever the case of its letters. Raises TransportError."""
    raw = from_data(value)
    if len(raw) != 20:
        raise unreadable("an address", value)
    return Address(raw)


def unreadable(expected: str, got: object) -> TransportError:
    return TransportError(f"the answer cannot be read: expected {expected}, got {abbreviate(got)}")


def transaction_object(transaction: Transaction) -> dict[str, str]:
    """Return the call object of a transaction at gas price 0."""
    call = {
        "from": to_data(transaction.sender),
        "gas": hex(transaction.gas),
        "value": hex(transaction.value),
        "input": to_data(transaction.data),
        "maxFeePerGas": "0x0",
        "maxPriorityFeePerGas": "0x0",
    }
    if transaction.to is not None:
        call["to"] = to_data(transaction.to)
    return call


def block_overrides(block: BlockEnv) -> dict[str, str]:
    """Return a block as the overrides of eth_simulateV1 and debug_traceCall."""
    return {
        "number": hex(block.number),
        "time": hex(block.timestamp),
        "gasLimit": hex(block.gas_limit),
        "feeRecipient": to_data(block.coinbase),
        "prevRandao": to_data(block.prevrandao),
        "baseFeePerGas": hex(block.base_fee_wei),
    }


def simulate_payload(block: Mapping[str, Any], calls: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    """Return the first argument of eth_simulateV1 for calls of one block."""
    return {"blockStateCalls": [{"blockOverrides": block, "calls": calls, **more}], "validation": False}


def simulated_calls(result: object, count: int) -> list[dict[str, Any]]:
    """Return the answers of the calls of the one simulated block. Raises TransportError when they are not all there."""
    block = result[0] if isinstance(result, list) and len(result) == 1 else None
    calls = block.get("calls") if isinstance(block, dict) else None
    if not isinstance(calls, list) or len(calls) != count or not all(isinstance(call, dict) for call in calls):
        raise unreadable(f"one block with {count} calls", result)
    return calls


def simulated_outcome(call: Mapping[str, Any], transaction: Transaction) -> Outcome | None:
    """Return what one call of eth_simulateV1 tells; None when it does not tell how the call failed.

    A revert leaves some gas or says something; where neither is so, the trace has to be asked.
    """
    success = from_quantity(call.get("status")) == 1
    output = from_data(call.get("returnData"))
    gas_used = from_quantity(call.get("gasUsed"))
    error: FrameError | None = None
    if not success:
        if not output and gas_used >= transaction.gas:
            return None
        error = "revert"
    logs = tuple(_log(log) for log in call.get("logs") or ()) if success else ()
    return Outcome.partial(success=success, output=output, gas_used=gas_used, logs=logs, error=error)


def traced_outcome(trace: object, world: World, **more: Any) -> Outcome:
    """Return what a callTracer trace of a whole transaction over `world` tells; `more` are parts known otherwise."""
    if not isinstance(trace, dict):
        raise unreadable("a call trace", trace)
    frame = _frame(trace, None, world)
    created = frame.to if frame.kind == "CREATE" and frame.error is None else None
    return Outcome.partial(
        success=frame.error is None,
        output=frame.output,
        gas_used=from_quantity(trace.get("gasUsed")),
        logs=tuple(log for _, log in sorted(_standing_logs(trace), key=lambda entry: entry[0])),
        error=frame.error,
        frame=frame,
        created=created,
        **more,
    )


def _running_code(world: World, address: bytes) -> Address:
    """Return whose code runs when `address` is called: the implementation of an EIP-7702 account."""
    code = world.code(address)
    is_delegation = len(code) == 23 and code.startswith(EIP7702_PREFIX)
    return Address(code[3:] if is_delegation else bytes(address))


def _frame(trace: Mapping[str, Any], parent: CallFrame | None, world: World) -> CallFrame:
    kind = _KINDS.get(str(trace.get("type")))
    if kind is None:
        raise unreadable("a call, static call, delegate call or creation", trace.get("type"))
    sender = from_address(trace.get("from"))
    # a creation that failed may carry no address
    to = from_address(trace["to"]) if trace.get("to") else Address(bytes(20))
    code_address = to if kind == "CREATE" else _running_code(world, to)
    if trace["type"] in ("DELEGATECALL", "CALLCODE"):
        to = sender
        if kind == "DELEGATECALL" and parent is not None:
            sender = parent.sender
    value = 0 if kind in ("DELEGATECALL", "STATICCALL") else from_quantity(trace.get("value") or "0x0")
    frame = CallFrame(
        kind=kind,
        sender=sender,
        to=to,
        code_address=code_address,
        value=value,
        input=from_data(trace.get("input") or "0x"),
        output=from_data(trace.get("output") or "0x"),
        gas=from_quantity(trace.get("gas")),
        gas_used=from_quantity(trace.get("gasUsed")),
        error=_error(trace.get("error")),
        logs=tuple(_log(log) for log in trace.get("logs") or ()),
    )
    children = tuple(_frame(child, frame, world) for child in trace.get("calls") or () if _was_begun(child, world))
    if children:
        object.__setattr__(frame, "children", children)  # frozen, but nobody has seen it yet
    return frame


def _was_begun(trace: Mapping[str, Any], world: World) -> bool:
    kind = trace.get("type")
    if kind == "SELFDESTRUCT":
        return False
    if kind in ("CREATE", "CREATE2") and world.nonce(from_address(trace.get("from"))) == _MAX_NONCE:
        return False  # a nonce that cannot rise creates nothing; anvil shows a frame without an error. EIP-2681
    error = str(trace.get("error") or "").lower()
    return not any(reason in error for reason in _NEVER_BEGUN)


def _error(text: object) -> FrameError | None:
    if text is None:
        return None
    words = str(text).lower().replace(" ", "")
    if "revert" in words:
        return "revert"
    return "out of gas" if any(reason in words for reason in _OUT_OF_GAS) else "halt"


def _log(log: Mapping[str, Any]) -> Log:
    return Log(
        from_address(log.get("address")),
        tuple(from_data(topic) for topic in log.get("topics") or ()),
        from_data(log.get("data") or "0x"),
    )


def _standing_logs(trace: Mapping[str, Any], counter: list[int] | None = None) -> Iterator[tuple[int, Log]]:
    """Yield the logs that were not undone, with their place in the order of emission."""
    place = counter if counter is not None else [0]
    if trace.get("error") is not None:
        return
    children = list(trace.get("calls") or ())
    logs = list(trace.get("logs") or ())
    done = 0
    for log in logs:
        # position: how many calls the frame had made before
        before = from_quantity(log.get("position", "0x0"))
        while done < min(before, len(children)):
            yield from _standing_logs(children[done], place)
            done += 1
        yield place[0], _log(log)
        place[0] += 1
    for child in children[done:]:
        yield from _standing_logs(child, place)


def state_diff(trace: object, world: World) -> StateDiff:
    """Return the diff a prestateTracer tells in diff mode, on top of `world`."""
    if not isinstance(trace, dict) or not isinstance(trace.get("post"), dict) or not isinstance(trace.get("pre"), dict):
        raise unreadable("a state diff with pre and post", trace)
    accounts: dict[bytes, AccountState | None] = {}
    storage: dict[tuple[bytes, int], int] = {}
    for key, changed in trace["pre"].items():
        address = bytes(from_address(key))
        if key not in trace["post"] and world.account(address) is not None:
            accounts[address] = None  # it is no more
        # a slot that became zero stands in `pre` alone
        for slot in changed.get("storage") or ():
            storage[address, from_quantity(slot)] = 0
    for key, changed in trace["post"].items():
        address = bytes(from_address(key))
        old = world.account(address) or EMPTY_ACCOUNT
        new = AccountState(
            balance=from_quantity(changed["balance"]) if "balance" in changed else old.balance,
            nonce=from_quantity(changed["nonce"]) if "nonce" in changed else old.nonce,
            code=from_data(changed["code"]) if "code" in changed else old.code,
        )
        if new != old:
            accounts[address] = new
        for slot, value in (changed.get("storage") or {}).items():
            storage[address, from_quantity(slot)] = from_quantity(value)
    return StateDiff(accounts, storage)
