"""Writes files whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from caveats.errors import EncodingError, abbreviate
from delegations.receipts.model import Receipt


def make_folder(path: Path) -> None:
    """Make a folder and those above it, and see that a file can be made in it. Raises EncodingError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path):
            pass
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> EncodingError:
    return EncodingError(f"{abbreviate(str(path))} cannot be written: {error.strerror or error}")


def write_text(path: Path, text: str) -> None:
    """Write `text` and a newline to `path`. Raises as `write_bytes`."""
    write_bytes(path, f"{text}\n".encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`; an earlier file is replaced in one step.

    Raises:
        EncodingError: the folder cannot be made or written.
    """
    written: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            written = Path(file.name)
            file.write(data)
        written.chmod(0o644)
        os.replace(written, path)
    except OSError as error:
        if written is not None:
            written.unlink(missing_ok=True)
        raise _refused(path, error) from error


def write_receipts(folder: Path, receipts: Sequence[Receipt]) -> list[Path]:
    """Write each receipt to a file named after its kind and hash, and return the paths. Raises as `write_text`."""
    paths = []
    for receipt in receipts:
        path = folder / f"{receipt.kind}-{receipt.hash[:16]}.json"
        write_text(path, receipt.to_json())
        paths.append(path)
    return paths
