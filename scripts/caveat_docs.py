"""Writes docs/caveats.md from the enforcer classes, or with --check tells whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from caveats.enforcer import EnforcerTerms
from caveats.registry import ENFORCERS, RETIRED_ENFORCERS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "caveats.md"
HEAD = """# Caveats

One row per enforcer of framework 1.3.0. This page is generated from the classes by `make docs`; `make check` refuses a
stale one. Every enforcer refuses the try modes (`CaveatEnforcer:invalid-execution-type`), and the wrong call type with
`CaveatEnforcer:invalid-call-type`; those two are not repeated. A caveat bounds what its row says and **nothing else**:
read the column *leaves free* before signing. Ready-made combinations are in the [cookbook](cookbook.md).

"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _fields(cls: type[EnforcerTerms]) -> str:
    return ", ".join(f"`{name}`" for name in cls.model_fields) or "none"


def overview(classes: tuple[type[EnforcerTerms], ...]) -> str:
    """Return the table of what each enforcer bounds."""
    rows = ["| caveat | bounds | leaves free | fields | modes |", "|---|---|---|---|---|"]
    for cls in classes:
        modes = " or ".join(sorted(cls.CALL_TYPES, reverse=True))
        name = f"[{cls.__name__}](#{cls.__name__.lower()})"
        rows.append(f"| {name} | {_cell(cls.BOUNDS)} | {_cell(cls.LEAVES_FREE)} | {_fields(cls)} | {modes} |")
    return "\n".join(rows)


def section(cls: type[EnforcerTerms]) -> str:
    """Return what there is to know of one enforcer."""
    lines = [f"### {cls.__name__}", "", f"`{cls.ADDRESS}`{' (retired: read, not built)' if cls.RETIRED else ''}", ""]
    summary = (cls.__doc__ or "").strip().split("\n\n")[0]
    lines += [" ".join(summary.split()), ""]
    lines.append(f"- terms: `{cls.LAYOUT}`")
    lines.append(f"- hooks: {', '.join(cls.HOOKS)}")
    if cls.ARGS:
        lines.append(f"- args: {cls.ARGS}")
    lines.append(f"- decided by terms and attempt alone: {'yes' if cls.JUDGED_ALONE else 'no, state has a say'}")
    if cls.STATE:
        lines.append(f"- state: `{cls.STATE}`")
    if cls.STATE_FIELDS:
        lines.append(f"- state words: {', '.join(f'`{name}`' for name in cls.STATE_FIELDS)}")
    lines += [f"- revert: `{cls.revert_of(reason)}`" for reason in cls.REVERTS]
    lines += [f"- event: `{event}`" for event in cls.EVENTS]
    return "\n".join(lines)


def render() -> str:
    """Return the whole page."""
    parts = [HEAD + overview(ENFORCERS), "## In detail", *map(section, ENFORCERS)]
    parts += [
        "## Retired",
        "Old delegations still name these; they are read, never built.",
        *map(section, RETIRED_ENFORCERS),
    ]
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    page = render()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != page:
            print("docs/caveats.md: stale; run `make docs`")
            return 1
        print("docs/caveats.md: current")
        return 0
    PAGE.write_text(page)
    print(f"docs/caveats.md: {len(ENFORCERS)} enforcers, {len(RETIRED_ENFORCERS)} retired")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
