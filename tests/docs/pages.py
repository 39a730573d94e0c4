"""Pages of the documentation, and their code run as one program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"


def read_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def run_page(name: str, **given: Any) -> dict[str, Any]:
    """What the page's code leaves behind, run from top to bottom with these names at hand."""
    names = dict(given)
    for block in re.findall(r"```python\n(.*?)```", read_page(name), re.DOTALL):
        exec(compile(block, f"docs/{name}", "exec"), names)  # noqa: S102 - the page is ours
    return names
