"""What moved: native value from the call tree, tokens from their Transfer events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caveats.types import Address, format_hex, keccak
from delegations.evm.engine import CallFrame, Log
from delegations.framework.artifact import Framework
from delegations.framework.events import decode_event
from delegations.simulation.verdict import EnforcerEvent, Movement

TRANSFER_TOPIC = keccak(b"Transfer(address,address,uint256)")
_ADDRESS_PAD = bytes(12)


def standing_frames(frame: CallFrame) -> Iterator[CallFrame]:
    """Yield the frame and those below it whose effects were not undone, in call order."""
    if frame.error is not None:
        return
    yield frame
    for child in frame.children:
        yield from standing_frames(child)


def token_movement(log: Log) -> Movement | None:
    """Return the movement an ERC-20 or ERC-721 Transfer log tells of, or None for any other log."""
    if len(log.topics) < 3 or log.topics[0] != TRANSFER_TOPIC:
        return None
    if log.topics[1][:12] != _ADDRESS_PAD or log.topics[2][:12] != _ADDRESS_PAD:
        return None
    sender, recipient = Address(log.topics[1][12:]), Address(log.topics[2][12:])
    if len(log.topics) == 3 and len(log.data) == 32:
        amount = int.from_bytes(log.data, "big")
        return Movement(sender=sender, recipient=recipient, token=log.address, amount=amount)
    if len(log.topics) == 4 and not log.data:
        token_id = int.from_bytes(log.topics[3], "big")
        return Movement(sender=sender, recipient=recipient, token=log.address, amount=1, token_id=token_id)
    return None


def movements(frames: Sequence[CallFrame]) -> tuple[Movement, ...]:
    """Return the native movements below the given frames in call order, then the token movements.

    Source: ERC-20, ERC-721.
    """
    native: list[Movement] = []
    tokens: list[Movement] = []
    for top in frames:
        for frame in standing_frames(top):
            if frame.value:
                native.append(Movement(sender=frame.sender, recipient=frame.to, amount=frame.value))
            tokens += [move for log in frame.logs if (move := token_movement(log)) is not None]
    return (*native, *tokens)


def enforcer_events(logs: Sequence[Log], framework: Framework) -> tuple[EnforcerEvent, ...]:
    """Return the events that official enforcers emitted, decoded."""
    events = []
    for log in logs:
        decoded = decode_event(log.address, log.topics, log.data, framework=framework)
        if decoded is not None and decoded.contract.endswith("Enforcer"):
            values = {name: _show(value) for name, value in decoded.args.items()}
            events.append(
                EnforcerEvent(enforcer=log.address, contract=decoded.contract, event=decoded.name, values=values)
            )
    return tuple(events)


def _show(value: object) -> str:
    return format_hex(value) if isinstance(value, bytes) else str(value)
