"""Contracts by their ABI: deployed, asked, sent to. Values go in and come out as Python's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeGuard

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError as AbiEncodingError
from eth_abi.exceptions import ParseError

from caveats.errors import EncodingError, ExecutionError
from caveats.execution import Execution
from caveats.types import Address
from delegations.evm.chain import LocalChain
from delegations.evm.engine import DEFAULT_GAS, Log, Outcome
from delegations.framework.abi import canonical_type, decode_canonical, named, selector, signature, topic
from delegations.framework.reverts import decode_revert
from delegations.testing.artifacts import ContractArtifact, load_artifact

_READS = ("view", "pure")


class HasAddress(Protocol):
    """A party, a token or a contract: whatever stands for its address."""

    @property
    def address(self) -> Address:
        """Where it stands."""


Addressed = Address | HasAddress | str


def as_address(value: Addressed) -> Address:
    """Return the address itself, of text, or of what stands for one."""
    return Address(value) if isinstance(value, (Address, str)) else value.address


def _has_address(value: object) -> TypeGuard[HasAddress]:
    return isinstance(getattr(value, "address", None), Address)


@dataclass(frozen=True, slots=True)
class Event:
    """One log of a contract, read by its ABI: indexed values of dynamic type are their hash."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a transaction that was sent.

    Attributes:
        value: what the function returned, as `Contract.call` gives it.
        events: those the contract itself emitted, in order.
        outcome: all the engine saw.
    """

    value: Any
    events: tuple[Event, ...]
    outcome: Outcome


class Contract:
    """A deployed contract.

    A function is named ("transfer"), or written out where the name is overloaded ("mint(address,uint256)"). Arguments
    are int, bool, str, bytes, tuples and lists; for an address also an `Address`, a party, a token or a contract, and
    for a struct also a dict. What comes back: one value, a tuple of several, None for none; a struct is a dict.

    Attributes:
        address: where it stands.
        name: what it is called in reports.
        sender: who sends and asks unless told otherwise.
    """

    def __init__(
        self, chain: LocalChain, address: Address, abi: Sequence[Mapping[str, Any]], *, name: str, sender: Address
    ) -> None:
        self.chain, self.address, self.abi, self.name, self.sender = chain, address, tuple(abi), name, sender

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"

    def call(self, function: str, *args: Any, sender: Addressed | None = None, value: int = 0) -> Any:
        """Return what the function would return now; nothing is kept.

        Raises:
            EncodingError: there is no such function, or the arguments do not fit it.
            ExecutionError: it reverted; the message gives the reason, by the contract's own errors too.
        """
        entry = self._function(function, args)
        caller = self.sender if sender is None else as_address(sender)
        outcome = self.chain.call(self.address, self._encode(entry, args), sender=caller, value=value)
        return self._result(entry, outcome)

    def send(
        self, function: str, *args: Any, sender: Addressed | None = None, value: int = 0, gas: int = DEFAULT_GAS
    ) -> Sent:
        """Execute the function as a transaction and keep what it does. Raises as `call`."""
        entry = self._function(function, args)
        caller = self.sender if sender is None else as_address(sender)
        outcome = self.chain.send(caller, self.address, self._encode(entry, args), value=value, gas=gas)
        result = self._result(entry, outcome)
        return Sent(result, self.read_events(outcome.logs), outcome)

    def execution(self, function: str, *args: Any, value: int = 0) -> Execution:
        """Return the call as an execution, to be redeemed under a delegation."""
        return Execution(target=self.address, value=value, call_data=self._encode(self._function(function, args), args))

    def read_events(self, logs: Sequence[Log]) -> tuple[Event, ...]:
        """Return the events among `logs` that this contract emitted and its ABI knows."""
        known = {bytes(topic(signature(e))): e for e in self.abi if e["type"] == "event" and not e.get("anonymous")}
        return tuple(
            _read_event(known[log.topics[0]], log)
            for log in logs
            if log.address == self.address and log.topics and log.topics[0] in known
        )

    def _function(self, function: str, args: Sequence[Any]) -> Mapping[str, Any]:
        entries = [entry for entry in self.abi if entry["type"] == "function"]
        found = [entry for entry in entries if function in (entry["name"], signature(entry))]
        if len(found) > 1:
            fitting = [entry for entry in found if len(entry["inputs"]) == len(args)]
            found = fitting if len(fitting) == 1 else found
        if len(found) != 1:
            shown = ", ".join(signature(entry) for entry in found or entries) or "none"
            what = "the signature of one" if found else "a function of its ABI"
            raise EncodingError(f"function {function!r} of {self.name}: expected {what}: {shown}")
        return found[0]

    def _encode(self, entry: Mapping[str, Any], args: Sequence[Any]) -> bytes:
        return selector(signature(entry)) + encode_arguments(f"{self.name}.{signature(entry)}", entry["inputs"], args)

    def _result(self, entry: Mapping[str, Any], outcome: Outcome) -> Any:
        if not outcome.success:
            raise ExecutionError(
                f"{self.name}.{signature(entry)} reverted: {read_revert(self.abi, outcome.output)}",
                revert_data=outcome.output,
            )
        outputs = entry.get("outputs", ())
        if outputs and not outcome.output and not self.chain.world.code(self.address):
            raise ExecutionError(f"{self.name}: there is no code at {self.address}")
        values = decode_canonical(outputs, outcome.output, what=f"what {self.name}.{signature(entry)} returned")
        return values[0] if len(values) == 1 else values or None


class Deployer:
    """Deploys compiled contracts on a chain.

    Args:
        chain: where.
        sender: who deploys, and sends to the contracts, unless told otherwise.
        root: the folder that paths of artifacts start from.
    """

    def __init__(self, chain: LocalChain, sender: Address, *, root: Path | None = None) -> None:
        self.chain, self.sender, self.root = chain, sender, root

    def __call__(
        self,
        artifact: str | Path | Mapping[str, Any] | ContractArtifact,
        *args: Any,
        name: str | None = None,
        sender: Addressed | None = None,
        value: int = 0,
        gas: int = DEFAULT_GAS,
    ) -> Contract:
        """Deploy a contract with these constructor arguments and return its handle.

        Args:
            artifact: as for `load_artifact`, or what that returned.
            args: of the constructor.
            name: which contract, where the artifact holds several.
            sender: who deploys.
            value: wei sent along.
            gas: limit of the transaction.

        Raises:
            EncodingError: the artifact cannot be read, or the arguments do not fit the constructor.
            ExecutionError: the constructor reverted; the message gives the reason.
        """
        found = artifact
        if not isinstance(found, ContractArtifact):
            found = load_artifact(found, name=name, root=self.root)
        deployer = self.sender if sender is None else as_address(sender)
        inputs = next((entry["inputs"] for entry in found.abi if entry["type"] == "constructor"), ())
        data = found.bytecode + encode_arguments(f"constructor of {found.name}", inputs, args)
        outcome = self.chain.send(deployer, None, data, value=value, gas=gas)
        if outcome.created is None:
            raise ExecutionError(
                f"constructor of {found.name} reverted: {read_revert(found.abi, outcome.output)}",
                revert_data=outcome.output,
            )
        return Contract(self.chain, outcome.created, found.abi, name=found.name, sender=deployer)

    def at(
        self,
        artifact: str | Path | Mapping[str, Any] | ContractArtifact,
        address: Addressed,
        *,
        name: str | None = None,
    ) -> Contract:
        """Return the handle of a contract that stands already. Raises EncodingError as `load_artifact`."""
        found = artifact
        if not isinstance(found, ContractArtifact):
            found = load_artifact(found, name=name, root=self.root)
        return Contract(self.chain, as_address(address), found.abi, name=found.name, sender=self.sender)


def encode_arguments(what: str, inputs: Sequence[Mapping[str, Any]], args: Sequence[Any]) -> bytes:
    """Return the ABI encoding of arguments. Raises EncodingError naming what does not fit."""
    if len(args) != len(inputs):
        wanted = ", ".join(f"{canonical_type(i)} {i.get('name', '')}".strip() for i in inputs) or "none"
        raise EncodingError.of(what, expected=f"{len(inputs)} arguments ({wanted})", got=len(args))
    types = [canonical_type(parameter) for parameter in inputs]
    plain = [_plain(parameter, value) for parameter, value in zip(inputs, args, strict=True)]
    try:
        return encode(types, plain)
    except (AbiEncodingError, ParseError, TypeError, OverflowError) as error:
        raise EncodingError.of(what, expected=f"values of ({', '.join(types)})", got=args, hint=str(error)) from error


def _plain(parameter: Mapping[str, Any], value: Any) -> Any:
    kind = str(parameter["type"])
    if kind.endswith("]"):
        item = {**parameter, "type": kind[: kind.rindex("[")]}
        return [_plain(item, each) for each in value] if isinstance(value, (list, tuple)) else value
    if kind == "tuple":
        parts = parameter["components"]
        if isinstance(value, Mapping):
            if set(value) != {part["name"] for part in parts}:
                names = ", ".join(part["name"] for part in parts)
                raise EncodingError.of("struct", expected=f"the fields {names}", got=", ".join(map(str, value)))
            value = [value[part["name"]] for part in parts]
        if isinstance(value, (list, tuple)) and len(value) == len(parts):
            return tuple(_plain(part, each) for part, each in zip(parts, value, strict=True))
        return value
    if kind != "address":
        return value
    if isinstance(value, bytes):
        return bytes(Address(value))
    return bytes(as_address(value)) if isinstance(value, str) or _has_address(value) else value


def read_revert(abi: Sequence[Mapping[str, Any]], data: bytes) -> str:
    """Return why a call reverted, in words: by the contract's own errors, else as `decode_revert` reads it."""
    for entry in abi:
        if entry["type"] == "error" and selector(signature(entry)) == data[:4]:
            try:
                values = decode_canonical(entry["inputs"], data[4:], what=signature(entry))
            except EncodingError:
                break
            shown = ", ".join(f"{name}={value}" for name, value in named(entry["inputs"], values).items())
            return f"{entry['name']}({shown})"
    reason = decode_revert(data)
    return reason.reason or reason.text


def _read_event(entry: Mapping[str, Any], log: Log) -> Event:
    indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
    plain = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
    held: dict[str, Any] = {}
    for parameter, word in zip(indexed, log.topics[1:], strict=True):
        kind = str(parameter["type"])
        hashed = kind in ("string", "bytes", "tuple") or kind.endswith("]")
        as_word = {"type": "bytes32"} if hashed else parameter
        held[parameter["name"]] = decode_canonical([as_word], word, what=entry["name"])[0]
    held |= named(plain, decode_canonical(plain, log.data, what=entry["name"]))
    return Event(entry["name"], {parameter["name"]: held[parameter["name"]] for parameter in entry["inputs"]})
