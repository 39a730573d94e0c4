"""Random Solidity functions: one ABI entry, and the ways people write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caveats import Address
from caveats.types import format_hex, keccak
from tests.conformance.node import bigint
from tests.conformance.source import Source

AbiParameter = dict[str, Any]

_STATIC = ("address", "uint256", "uint8", "uint128", "int256", "int64", "bool", "bytes4", "bytes32")
_DYNAMIC = ("bytes", "string")
_MOST_INPUTS = 5


@dataclass(frozen=True)
class Signature:
    """A function by its ABI inputs."""

    name: str
    inputs: tuple[AbiParameter, ...]

    @property
    def canonical(self) -> str:
        """As hashed: types alone."""
        return f"{self.name}({','.join(map(canonical_type, self.inputs))})"

    @property
    def named(self) -> str:
        """As in a human-readable ABI, parameter names included."""
        return f"function {self.name}({', '.join(map(_named, self.inputs))}) external payable returns (bool)"

    @property
    def short(self) -> str:
        """The types with the parameter names, nothing else."""
        return f"{self.name}({', '.join(map(_named, self.inputs))})"

    @property
    def entry(self) -> dict[str, Any]:
        """The entry in a JSON ABI."""
        return {
            "type": "function",
            "name": self.name,
            "inputs": list(self.inputs),
            "outputs": [],
            "stateMutability": "payable",
        }

    @property
    def selector(self) -> str:
        """The selector as text."""
        return format_hex(keccak(self.canonical.encode())[:4])


def canonical_type(parameter: AbiParameter) -> str:
    """Return a type with its tuple written out."""
    members = parameter.get("components")
    if members is None:
        return str(parameter["type"])
    return f"({','.join(map(canonical_type, members))}){parameter['type'].removeprefix('tuple')}"


def _named(parameter: AbiParameter) -> str:
    members = parameter.get("components")
    if members is None:
        return f"{parameter['type']} {parameter['name']}"
    return f"({', '.join(map(_named, members))}){parameter['type'].removeprefix('tuple')} {parameter['name']}"


def draw_signature(source: Source, *, static: bool = False) -> Signature:
    """Return a function with up to five parameters; `static` leaves out what is encoded behind a pointer."""
    count = source.random.randint(1 if static else 0, _MOST_INPUTS)
    inputs = tuple(_draw_parameter(source, f"p{i}", static=static) for i in range(count))
    return Signature(f"f{source.random.getrandbits(40):x}", inputs)


def _draw_parameter(source: Source, name: str, *, static: bool, depth: int = 0) -> AbiParameter:
    array = source.random.choice(("", "", "", "[2]", "[3][2]", *(() if static else ("[]", "[][2]"))))
    if depth < 2 and source.one_in(4):
        count = source.random.randint(1, 3)
        members = [_draw_parameter(source, f"m{i}", static=static, depth=depth + 1) for i in range(count)]
        return {"name": name, "type": f"tuple{array}", "components": members}
    kinds: Sequence[str] = _STATIC if static else (*_STATIC, *_DYNAMIC)
    return {"name": name, "type": f"{source.random.choice(kinds)}{array}"}


def draw_value(source: Source, parameter: AbiParameter) -> Any:
    """Return a value of a static parameter, as ours take it."""
    kind = parameter["type"]
    if kind.endswith("]"):
        item, _, count = kind[:-1].rpartition("[")
        return [draw_value(source, {**parameter, "type": item}) for _ in range(int(count))]
    if kind == "tuple":
        return tuple(draw_value(source, member) for member in parameter["components"])
    if kind == "address":
        return source.any_address()
    if kind == "bool":
        return source.one_in(2)
    if kind.startswith("bytes"):
        return source.random.randbytes(int(kind.removeprefix("bytes")))
    bits = int(kind.removeprefix("u").removeprefix("int"))
    if kind.startswith("u"):
        return source.uint(2**bits - 1)
    return source.uint(2 ** (bits - 1) - 1) * source.random.choice((1, -1))


def ask_value(value: Any) -> Any:
    """Return a value as viem takes it."""
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, bytes):
        return format_hex(value)
    if isinstance(value, bool):
        return value
    return bigint(value) if isinstance(value, int) else [ask_value(item) for item in value]
