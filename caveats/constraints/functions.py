"""Functions as people write them: a signature, an ABI entry or a selector; and where an argument stands in calldata.

Source: Solidity ABI specification, function selector and argument encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.types import Bytes4, keccak

_SIGNATURE = re.compile(r"(?:function\s+)?(?P<name>[A-Za-z_$][\w$]*)\s*\((?P<inputs>.*)\)\s*\Z", re.DOTALL)
_LOCATIONS = frozenset({"calldata", "memory", "storage", "payable", "indexed"})
_ALIASES = {"uint": "uint256", "int": "int256", "function": "bytes24"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its canonical ABI type, tuples written out, its name if it has one, and the members of a tuple."""

    type: str
    name: str = ""
    members: tuple[Parameter, ...] = ()

    @property
    def is_dynamic(self) -> bool:
        """Whether the head holds a pointer instead of the value."""
        return bool(_abi_type(self.type).is_dynamic)

    @property
    def head_size(self) -> int:
        """Bytes the parameter takes in the head."""
        return 32 if self.is_dynamic else _static_size(_abi_type(self.type))


@dataclass(frozen=True, slots=True)
class Function:
    """A function by name and parameters; only the selector is known of one that was given as a selector."""

    selector: Bytes4
    name: str = ""
    inputs: tuple[Parameter, ...] | None = None

    @property
    def signature(self) -> str:
        """The canonical signature, or the selector in hex when that is all there is."""
        if self.inputs is None:
            return str(self.selector)
        return f"{self.name}({','.join(p.type for p in self.inputs)})"

    def offset_of(self, argument: str | int) -> tuple[int, Parameter]:
        """Return where a static argument stands in the calldata, selector included, and its parameter.

        Args:
            argument: a name, an index, or a path into a struct such as "params.recipient".

        Raises:
            EncodingError: there is no such argument.
            UnsupportedError: it is dynamic, or the parameters are not known.
        """
        if self.inputs is None:
            raise UnsupportedError(
                f"function {self.selector}: a selector alone does not tell where its arguments stand",
                hint="give the signature or the ABI entry",
            )
        offset, members = 4, self.inputs
        steps: list[str | int] = [argument] if isinstance(argument, int) else [*argument.split(".")]
        for depth, step in enumerate(steps):
            index = self._index(members, step, argument)
            offset += sum(p.head_size for p in members[:index])
            parameter = members[index]
            if parameter.is_dynamic:
                raise UnsupportedError(
                    f"argument {argument!r} of {self.signature} has the dynamic type {parameter.type}: the calldata"
                    " holds a pointer there, and a redeemer may encode the same value elsewhere, so fixing it"
                    " protects nothing",
                    hint="fix the whole calldata with exact_call_data or exact_call instead",
                )
            members = parameter.members
            if depth + 1 < len(steps) and not members:
                raise EncodingError(f"argument {argument!r} of {self.signature}: {step} is not a struct")
        return offset, parameter

    def _index(self, members: tuple[Parameter, ...], step: str | int, argument: str | int) -> int:
        names = [p.name for p in members]
        if isinstance(step, int) or step.isdecimal():
            if not 0 <= int(step) < len(members):
                raise EncodingError.of(
                    f"argument of {self.signature}", expected=f"an index from 0 to {len(members) - 1}", got=argument
                )
            return int(step)
        if names.count(step) != 1:
            known = ", ".join(name for name in names if name) or "none is named"
            raise EncodingError.of(
                f"argument of {self.signature}", expected=f"one of its names ({known}) or an index", got=argument
            )
        return names.index(step)


FunctionLike = Function | Bytes4 | str | Mapping[str, Any]
"""A signature such as "transfer(address to, uint256 amount)", a selector, or an ABI entry."""


def parse_function(value: FunctionLike, *, abi: Sequence[Mapping[str, Any]] | None = None) -> Function:
    """Return the function a user named.

    Args:
        value: a signature, with or without parameter names; a selector (`Bytes4` or 0x text); an ABI entry; or,
            when `abi` is given, a bare name in it.
        abi: a contract's ABI.

    Raises:
        EncodingError: it cannot be read, or the ABI holds none or several of that name.
    """
    if isinstance(value, Function):
        return value
    if isinstance(value, Bytes4):
        return Function(value)
    if isinstance(value, Mapping):
        return _from_abi(value)
    if not isinstance(value, str):
        raise EncodingError.of("function", expected="a signature, a selector or an ABI entry", got=value)
    if value.startswith("0x"):
        return Function(Bytes4(value))
    if "(" not in value:
        return _by_name(value, abi)
    match = _SIGNATURE.match(value.strip())
    if match is None:
        raise EncodingError.of("function", expected='a signature such as "transfer(address,uint256)"', got=value)
    inputs = tuple(_parameter(part, value) for part in _split(match["inputs"], value))
    return _function(match["name"], inputs)


def encode_argument(parameter: Parameter, value: Any) -> bytes:
    """Return the ABI bytes of a static argument. Raises EncodingError when the value is not of its type."""
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError as AbiError

    try:
        return encode([parameter.type], [value])
    except (AbiError, TypeError, ValueError, OverflowError) as error:
        raise EncodingError.of(
            f"argument {parameter.name or parameter.type}", expected=parameter.type, got=value
        ) from error


def _function(name: str, inputs: tuple[Parameter, ...]) -> Function:
    canonical = f"{name}({','.join(p.type for p in inputs)})"
    return Function(Bytes4(keccak(canonical.encode())[:4]), name, inputs)


def _from_abi(entry: Mapping[str, Any]) -> Function:
    name, inputs = entry.get("name"), entry.get("inputs", [])
    if entry.get("type", "function") != "function" or not isinstance(name, str) or not isinstance(inputs, Sequence):
        raise EncodingError.of("function", expected="the ABI entry of a function", got=dict(entry))
    return _function(name, tuple(_abi_parameter(item) for item in inputs))


def _by_name(name: str, abi: Sequence[Mapping[str, Any]] | None) -> Function:
    if abi is None:
        raise EncodingError.of("function", expected="a signature or a selector; a bare name needs its ABI", got=name)
    found = [entry for entry in abi if entry.get("type") == "function" and entry.get("name") == name]
    if len(found) != 1:
        raise EncodingError(
            f"function {name!r}: expected exactly one in the ABI, found {len(found)}",
            hint="give the full signature" if found else None,
        )
    return _from_abi(found[0])


def _abi_parameter(item: Mapping[str, Any]) -> Parameter:
    kind = item.get("type")
    if not isinstance(kind, str):
        raise EncodingError.of("ABI parameter", expected="an object with a type", got=dict(item))
    name = str(item.get("name", ""))
    if not kind.startswith("tuple"):
        return Parameter(_checked(kind), name)
    members = tuple(_abi_parameter(part) for part in item.get("components", []))
    return _tuple(members, kind.removeprefix("tuple"), name)


def _tuple(members: tuple[Parameter, ...], arrays: str, name: str) -> Parameter:
    kind = _checked(f"({','.join(p.type for p in members)}){arrays}")
    # the members of an array of structs have no single place
    return Parameter(kind, name, () if arrays else members)


def _parameter(text: str, whole: str) -> Parameter:
    kind, words = text.strip(), []
    while (parts := kind.rsplit(None, 1)) and len(parts) == 2 and ")" not in parts[1]:
        kind = parts[0]
        words.append(parts[1])
    names = [word for word in reversed(words) if word not in _LOCATIONS]
    if not kind or len(names) > 1:
        raise EncodingError.of("function", expected='parameters such as "address to"', got=whole)
    kind = kind.removeprefix("tuple")
    if kind.startswith("("):
        close = kind.rindex(")")
        members = tuple(_parameter(part, whole) for part in _split(kind[1:close], whole))
        return _tuple(members, kind[close + 1 :], names[0] if names else "")
    return Parameter(_checked(kind), names[0] if names else "")


def _split(text: str, whole: str) -> Iterable[str]:
    depth, start, parts = 0, 0, []
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    if depth:
        raise EncodingError.of("function", expected="parentheses in pairs", got=whole)
    return [*parts, text[start:]] if text.strip() else []


def _checked(kind: str) -> str:
    base, bracket, rest = kind.partition("[")
    kind = _ALIASES.get(base, base) + bracket + rest
    _abi_type(kind)
    return kind


def _abi_type(kind: str) -> Any:
    from eth_abi.exceptions import ABITypeError, ParseError
    from eth_abi.grammar import parse
    from eth_abi.registry import registry

    try:
        parsed = parse(kind)
        parsed.validate()
        known = registry.has_encoder(kind)
    except (ABITypeError, ParseError, ValueError) as error:
        raise EncodingError.of("type", expected="an ABI type such as uint256", got=abbreviate(kind)) from error
    if not known:
        raise EncodingError.of("type", expected="an ABI type such as uint256", got=abbreviate(kind))
    return parsed


def _static_size(parsed: Any) -> int:
    count = 1
    for dimension in parsed.arrlist or ():
        count *= dimension[0]
    components = getattr(parsed, "components", None)
    size = sum(_static_size(part) for part in components) if components is not None else 32
    return count * size
