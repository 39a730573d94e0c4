"""Measure every figure the documents name, on this machine and now. Nothing here is remembered.

Prints one JSON line a figure, as soon as it is measured: name, value, unit; with a peer also its name and `ratio`, the
peer's time over ours in the same run. A figure with several parts prints a line for each, and what counts beside the
value stands beside it under a name of its own. One that cannot be measured, or that counts what must not be there (a
forgery accepted, an entry lost), prints name and error, the others go on, and the exit code is 1. To add one, write a
function in a module of this package, its subject, decorated with its unit; its name is the figure's name.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

from scripts.figures.harness import FIGURES, FigureError, Measured, Missing, run

PACKAGE = Path(__file__).resolve().parent


def discover() -> None:
    """Import every module of the package, which enters its figures; in order of their names."""
    for module in pkgutil.iter_modules([str(PACKAGE)]):
        if not module.name.startswith("_"):
            importlib.import_module(f"scripts.figures.{module.name}")


def lines_of(name: str) -> list[dict[str, Any]]:
    """Return the lines of one figure, measured in this process."""
    parts = FIGURES[name].measure()
    return [_line(name, part) for part in (parts if isinstance(parts, list) else [parts])]


def _line(name: str, part: Measured | Missing) -> dict[str, Any]:
    line: dict[str, Any] = {"name": f"{name}: {part.of}" if part.of else name}
    if isinstance(part, Missing):
        return {**line, "error": part.why}
    line |= {"value": round(part.value, 3), "unit": FIGURES[name].unit}
    if part.peer is not None and part.ratio is not None:
        line |= {"peer": part.peer, "ratio": round(part.ratio, 2)}
    if part.faults:
        line["error"] = f"expected none: {', '.join(part.faults)}"
    return line | part.beside


def lines_from_a_process(name: str) -> list[dict[str, Any]]:
    """Return the lines of one figure, measured in a process of its own: what one loads or breaks spares the others."""
    try:
        lines: list[dict[str, Any]] = json.loads(run([sys.executable, str(PACKAGE), "--here", name]))
    except (FigureError, ValueError) as error:
        return [{"name": name, "error": str(error)}]
    return lines


def main() -> int:
    """Print the figures asked for; return 1 when one could not be measured."""
    discover()
    parser = argparse.ArgumentParser(prog="figures", description="Measure the figures the documents name.")
    parser.add_argument("--cold", action="store_true", help="also those that install everything anew: minutes")
    parser.add_argument("--only", metavar="NAME", choices=FIGURES, action="append", help=", ".join(FIGURES))
    parser.add_argument("--here", choices=FIGURES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here is not None:
        print(json.dumps(lines_of(options.here)))
        return 0
    names = options.only or [name for name in FIGURES if options.cold or not FIGURES[name].is_cold]
    failed = False
    for name in names:
        for line in lines_from_a_process(name):
            failed = failed or "error" in line
            print(json.dumps(line), flush=True)
    return int(failed)
