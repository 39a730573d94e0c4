"""Libraries that only some need: imported when used; when one is missing, the extra that brings it is named."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from caveats.errors import UnsupportedError


def load_extra(module: str, *, extra: str, what: str) -> Any:
    """Return the module.

    Args:
        module: its name, such as "pyarrow.parquet".
        extra: the extra of this package that installs it.
        what: what it is needed for, in words.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise UnsupportedError(
            f"{what}: {module.partition('.')[0]} is not installed", hint=f"pip install 'delegations[{extra}]'"
        ) from error
