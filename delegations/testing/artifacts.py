"""What compilers write about a contract, read into one form: Foundry, Hardhat, solc standard JSON and combined JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caveats.errors import EncodingError
from caveats.types import parse_hex

_BUILD_FOLDER = "out"


@dataclass(frozen=True, slots=True)
class ContractArtifact:
    """A compiled contract.

    Attributes:
        name: of the contract; of the file when the artifact does not say.
        abi: its entries, as the compiler wrote them.
        bytecode: creation code without constructor arguments.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes


def load_artifact(
    source: str | Path | Mapping[str, Any], *, name: str | None = None, root: Path | None = None
) -> ContractArtifact:
    """Return the contract that a compiler's output holds.

    Args:
        source: the path of a file, its parsed JSON, or the bare name of a contract that Foundry built, which stands
            for `out/Name.sol/Name.json`.
        name: which contract, where the output holds several; of several files with one of that name, "file:Name".
        root: the folder relative paths start from; the current one when None.

    Raises:
        EncodingError: there is no such file or contract, the output is of none of the forms, the contract cannot be
            deployed (an interface or an abstract one), or libraries are not linked into it.

    Source: Foundry book, "forge build"; Solidity documentation, "Compiler Input and Output JSON Description".
    """
    if isinstance(source, Mapping):
        return _pick(source, name, "artifact")
    path = _find(source, Path.cwd() if root is None else root)
    try:
        output = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncodingError(f"artifact {path}: expected JSON, got something else ({error})") from error
    if not isinstance(output, dict):
        raise EncodingError.of(f"artifact {path}", expected="an object", got=output)
    return _pick(output, name, str(path), stem=path.stem)


def _find(source: str | Path, root: Path) -> Path:
    path = root / source
    if path.is_file():
        return path
    built = root / _BUILD_FOLDER / f"{source}.sol" / f"{source}.json"
    if isinstance(source, str) and built.is_file():
        return built
    raise EncodingError(
        f"artifact {source}: expected a file at {path}" + (f" or {built}" if isinstance(source, str) else ""),
        hint="build the contracts first",
    )


def _pick(output: Mapping[str, Any], name: str | None, where: str, *, stem: str = "contract") -> ContractArtifact:
    if "contracts" not in output:
        if name is not None and output.get("contractName", stem) not in (name, "contract"):
            raise EncodingError.of(f"artifact {where}", expected=f"the contract {name}", got=stem)
        return _read(output, name or output.get("contractName", stem), where)
    errors = [entry for entry in output.get("errors", ()) if entry.get("severity") == "error"]
    if errors:
        raise EncodingError.of(
            f"artifact {where}", expected="a compilation without errors", got=errors[0].get("message")
        )
    found = dict(_listed(output["contracts"], where))
    chosen = [full for full in found if name is None or name in (full, full.rpartition(":")[2])]
    if len(chosen) != 1:
        raise EncodingError.of(
            f"artifact {where}",
            expected=f"one contract{'' if name is None else f' {name}'}",
            got=", ".join(found if name is None or not chosen else chosen) or "none",
            hint='say which with name="..."' if found else None,
        )
    return _read(found[chosen[0]], chosen[0].rpartition(":")[2], where)


def _listed(contracts: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield "file:Name" and entry: combined JSON has such keys, standard JSON an object of contracts for each file."""
    if not isinstance(contracts, Mapping):
        raise EncodingError.of(f"contracts of {where}", expected="an object", got=contracts)
    for key, entry in contracts.items():
        if not isinstance(entry, Mapping):
            raise EncodingError.of(f"contracts of {where}: {key}", expected="an object", got=entry)
        if "bin" in entry or "abi" in entry:
            yield key, entry
        else:
            for inner, value in entry.items():
                if not isinstance(value, Mapping):
                    raise EncodingError.of(f"contracts of {where}: {key}:{inner}", expected="an object", got=value)
                yield f"{key}:{inner}", value


def _read(entry: Mapping[str, Any], name: str, where: str) -> ContractArtifact:
    abi = entry.get("abi")
    if isinstance(abi, str):  # combined JSON of older compilers
        try:
            abi = json.loads(abi)
        except ValueError as error:
            raise EncodingError(f"abi of {name}: expected JSON, got something else ({error})") from error
    code = _code(entry)
    if not isinstance(abi, list) or not isinstance(code, str):
        raise EncodingError.of(
            f"artifact {where}", expected="abi and creation code of Foundry, Hardhat or solc", got=sorted(entry)
        )
    code = code.removeprefix("0x")
    if "_" in code:
        raise EncodingError(
            f"artifact {where}: the code of {name} has places for libraries that are not linked",
            hint="link them when compiling: forge build --libraries, solc --libraries",
        )
    if not code:
        raise EncodingError(f"artifact {where}: {name} has no creation code", hint="it is an interface or abstract")
    return ContractArtifact(name, tuple(abi), parse_hex("0x" + code, what=f"creation code of {name}"))


def _code(entry: Mapping[str, Any]) -> Any:
    code = entry.get("bytecode", entry.get("bin"))
    if code is None and isinstance(entry.get("evm"), Mapping):
        code = entry["evm"].get("bytecode")
    return code.get("object") if isinstance(code, Mapping) else code
