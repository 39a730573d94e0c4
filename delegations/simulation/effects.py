"""What moved: native value from the call tree, tokens from their Transfer events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caveats.types import Address, keccak
from delegations.evm.engine import CallFrame, Log, Outcome
from delegations.framework.artifact import Framework
from delegations.framework.events import decode_event
from delegations.simulation.verdict import EnforcerEvent, Movement

TRANSFER_TOPIC = keccak(b"Transfer(address,address,uint256)")
_ADDRESS_PAD = bytes(12)


def native_movements(frame: CallFrame) -> Iterator[Movement]:
    """Yield every transfer of native value that was not undone, in call order."""
    if frame.error is not None:
        return
    if frame.value:
        yield Movement(sender=frame.sender, recipient=frame.to, amount=frame.value)
    for child in frame.children:
        yield from native_movements(child)


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


def movements(outcome: Outcome) -> tuple[Movement, ...]:
    """Return native movements in call order, then token movements in log order. Source: ERC-20, ERC-721."""
    tokens = [move for log in outcome.logs if (move := token_movement(log)) is not None]
    return (*native_movements(outcome.frame), *tokens)


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
    if isinstance(value, Address):
        return str(value)
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
