"""RedeemedDelegation logs, put together into the chains they tell of.

The manager emits one for each delegation, leaf first, all of a call's at its end and without a call in between: so
those of a nested call come first, and an entry's stand together. An empty context emits none.
Source: framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from caveats.abi import WORD, encode_dynamic_array, encode_uint
from caveats.errors import EncodingError
from caveats.types import Address
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY
from delegations.framework.abi import topic
from delegations.receipts.decode.calls import Entry
from delegations.receipts.decode.inputs import LogEntry
from delegations.receipts.decode.model import GrantEvent, NonceBump
from delegations.receipts.decode.raw import RawDelegation, read_logged

_STRUCT: Final = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)"
REDEEMED: Final = bytes(topic(f"RedeemedDelegation(address,address,{_STRUCT})"))
ENABLED: Final = bytes(topic(f"EnabledDelegation(bytes32,address,address,{_STRUCT})"))
DISABLED: Final = bytes(topic(f"DisabledDelegation(bytes32,address,address,{_STRUCT})"))
GRANT_EVENTS: Final = frozenset((ENABLED, DISABLED))
USED_NONCE: Final = bytes(topic("UsedNonce(address,address,uint256)"))
_ROOT: Final = bytes(ROOT_AUTHORITY)
_ANY: Final = bytes(ANY_DELEGATE)
_PAD: Final = bytes(12)
_ONE: Final = encode_uint(WORD) + encode_uint(1) + encode_uint(WORD)


class Group(NamedTuple):
    """The logs of one entry: its chain leaf first, and where they stand in the receipt."""

    manager: bytes
    redeemer: bytes
    chain: tuple[RawDelegation, ...]
    positions: tuple[int, ...]
    indexes: tuple[int, ...]
    structs: tuple[bytes, ...]

    def is_of(self, entry: Entry) -> bool:
        """Whether these are the logs of that entry.

        Contexts are nearly always encoded as the manager encodes its logs; only another spelling has to be read.
        """
        context, structs = entry.context, self.structs
        if len(structs) == 1:
            same = context[:96] == _ONE and context[96:] == structs[0]
        else:
            same = context == encode_uint(WORD) + encode_dynamic_array(list(structs))
        return same or entry.chain == self.chain


def group_redemptions(logs: Sequence[LogEntry], managers: Mapping[bytes, str]) -> tuple[list[Group], list[str]]:
    """Return the groups in order of emission, and a warning for each log that does not fit or is no manager's."""
    groups: list[Group] = []
    warnings: list[str] = []
    links: list[RawDelegation] = []
    held: list[LogEntry] = []
    for log in logs:
        topics = log.topics
        if not topics or topics[0] != REDEEMED:
            continue
        if log.address not in managers:
            warnings.append(_spoofed(log))
            continue
        link = _read(log, warnings)
        if link is None:
            continue
        if held and not _continues(held[-1], links[-1], log, link):
            warnings.append(_broken(held))
            links, held = [], []
        links.append(link)
        held.append(log)
        if link.authority != _ROOT:
            continue
        redeemer = topics[2][12:]
        if topics[1][12:] == link.delegator and links[0].delegate in (redeemer, _ANY):
            groups.append(
                Group(
                    log.address,
                    redeemer,
                    tuple(links),
                    tuple([entry.position for entry in held]),
                    tuple([entry.log_index for entry in held]),
                    tuple([entry.data[32:] for entry in held]),
                )
            )
        else:
            warnings.append(_broken(held))
        links, held = [], []
    if held:
        warnings.append(_broken(held))
    return groups, warnings


def _read(log: LogEntry, warnings: list[str]) -> RawDelegation | None:
    topics = log.topics
    if len(topics) != 3 or topics[1][:12] != _PAD or topics[2][:12] != _PAD or len(topics[2]) != 32:
        warnings.append(f"log {log.log_index}: a RedeemedDelegation with topics of another form")
        return None
    try:
        return read_logged(log.data)
    except EncodingError as error:
        warnings.append(f"log {log.log_index}: a RedeemedDelegation that cannot be read: {error}")
        return None


def _continues(before: LogEntry, child: RawDelegation, log: LogEntry, parent: RawDelegation) -> bool:
    return (
        log.address == before.address
        and log.topics[1:] == before.topics[1:]
        and log.position == before.position + 1
        and child.authority == parent.hash
        and parent.delegate in (child.delegator, _ANY)
    )


def _spoofed(log: LogEntry) -> str:
    return (
        f"log {log.log_index}: spoofed: {Address(log.address)} emits RedeemedDelegation but is no known manager;"
        " it says nothing about any delegation"
    )


def _broken(held: Sequence[LogEntry]) -> str:
    first, last = held[0].log_index, held[-1].log_index
    return f"logs {first} to {last}: RedeemedDelegation logs that do not link into a chain to a root"


def grant_events(logs: Sequence[LogEntry], managers: Mapping[bytes, str]) -> tuple[GrantEvent, ...]:
    """Return the delegations enabled or disabled by managers, in order."""
    events = []
    for log in logs:
        if len(log.topics) != 4 or log.topics[0] not in GRANT_EVENTS or log.address not in managers:
            continue
        try:
            delegation = read_logged(log.data)
        except EncodingError:
            continue
        if delegation.hash == log.topics[1]:
            kind = "enabled" if log.topics[0] == ENABLED else "disabled"
            events.append(GrantEvent(kind, Address(log.address), delegation, log.log_index))  # type: ignore[arg-type]  # str
    return tuple(events)


def nonce_bumps(logs: Sequence[LogEntry], enforcers: Mapping[bytes, str]) -> tuple[NonceBump, ...]:
    """Return the nonces raised, as known NonceEnforcers logged them."""
    return tuple(
        NonceBump(
            Address(log.address),
            Address(log.topics[1][12:]),
            Address(log.topics[2][12:]),
            int.from_bytes(log.data, "big"),
            log.log_index,
        )
        for log in logs
        if len(log.topics) == 3
        and log.topics[0] == USED_NONCE
        and len(log.data) == 32
        and enforcers.get(log.address) == "NonceEnforcer"
    )
