"""On which engines tests run: by name, from the command line."""

from __future__ import annotations

from caveats.errors import EncodingError, UnsupportedError
from delegations.evm.engine import Engine

ENGINES = ("pyevm", "pyevm-blocks", "anvil")
DEFAULT = "pyevm"
ALL = "all"


def parse_engines(text: str) -> tuple[str, ...]:
    """Return the engines of an option: one, several with commas, or "all". Each is one that is there.

    Raises:
        EncodingError: there is no engine of that name.
        UnsupportedError: it is not on this machine; "all" means all, so nothing is left out in silence.
    """
    names = ENGINES if text == ALL else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in ENGINES:
            raise EncodingError.of("engine", expected=f"{', '.join(ENGINES)}, several with commas, or all", got=name)
    if "anvil" in names:
        from delegations.evm.process import find_anvil

        if find_anvil() is None:
            raise UnsupportedError(
                "engine anvil: there is no anvil on the path or in node_modules",
                hint=f"install Foundry, or run on {','.join(name for name in ENGINES if name != 'anvil')}",
            )
    return names


def open_engine(name: str) -> Engine:
    """Return the engine of a name. Raises as `parse_engines`."""
    (name,) = parse_engines(name)
    if name == "pyevm-blocks":
        from delegations.evm.blocks import BlocksEngine
        from delegations.evm.engine import as_engine

        return as_engine(BlocksEngine())
    from delegations.evm.select import make_engine

    return make_engine(name)
