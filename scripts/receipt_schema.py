"""Writes the JSON Schema of receipts from the models, or with --check tells whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from delegations.receipts.json_schema import FILE_NAME, build_schema, format_schema

FILE = Path(__file__).resolve().parent.parent / "delegations" / "receipts" / "schema" / FILE_NAME


def main() -> int:
    """Write or check, and return the exit code."""
    made = format_schema(build_schema())
    if "--check" in sys.argv[1:]:
        if FILE.read_text(encoding="utf-8") == made:
            print(f"{FILE.name}: as the models are")
            return 0
        print(f"{FILE.name}: not as the models are (run make docs)", file=sys.stderr)
        return 1
    FILE.write_text(made, encoding="utf-8")
    print(f"{FILE.name}: {len(made)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
