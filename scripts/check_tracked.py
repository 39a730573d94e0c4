#!/usr/bin/env python3
"""Check that no tracked file says where somebody's packages come from or where somebody's files lie.

A checkout must work with whatever registry and folders its user has, so no lock file and no document
names one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Put together from pieces, so that this file does not hold what it looks for.
RULES = (
    (
        "a registry's host name",
        re.compile(
            "pypi" + r"\.org|python" + r"hosted\.org|registry\." + r"(?:npmjs|yarnpkg)\b|npm" + r"js\.(?:org|com)"
        ),
    ),
    ("an option that picks a registry", re.compile("index" + "-url|find" + "-links|trusted" + "-host")),
    ("the address a package was locked from", re.compile('"resol' + 'ved": *"')),
    (
        "a path of one machine",
        re.compile(r"(?<![\w.$}-])/(?:ro" + r"ot|wo" + r"rk|t" + r"mp|ho" + r"me/\w+|Us" + r"ers/\w+)/"),
    ),
)


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]


def findings(path: Path) -> list[str]:
    """Return one line for each place in `path` that breaks a rule; files that are not text hold none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    return [
        f"{path.relative_to(ROOT)}:{number}: names {what}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, rule in RULES
        if (match := rule.search(line))
    ]


def main() -> int:
    files = tracked_files()
    if not files:
        print(
            "scripts/check_tracked.py: expected tracked files, got none; run it in a git checkout",
            file=sys.stderr,
        )
        return 1
    found = [line for path in files for line in findings(path)]
    for line in found:
        print(line, file=sys.stderr)
    print(f"tracked files: {len(files)} read, {len(found)} name a registry or a machine path")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
