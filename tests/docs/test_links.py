"""Every link from one page to another leads somewhere, and every page is reached from the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_CODE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """The page without its blocks of code, in which a bracket is no link and a # no heading."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield file and anchor of each link that stays in the repository."""
    text = prose(page)
    for link in (*_LINK.findall(text), *_REFERENCE.findall(text)):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked to: a second one of the same words is numbered."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (numbered := name if number == 0 else f"{name}-{number}") in found:
            number += 1
        found.add(numbered)
    return found


def broken(page: Path) -> list[str]:
    """What of a page's links leads nowhere."""
    missing = []
    for target, anchor in links(page):
        if not target.exists():
            missing.append(f"there is no {target.name}")
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
            missing.append(f"{target.name} has no heading {anchor}")
    return missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Two words: `and` more\n\n## Again\n\n## Again\n\n```sh\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](other.md) [b](other.md#two-words-and-more) [c](#here) [d](other.md#again-1)\n")
    assert broken(page) == []
    page.write_text("[a](gone.md) [b](other.md#no-heading) [c](#here)\n\n[d]: away.md\n")
    assert broken(page) == [
        "there is no gone.md",
        "other.md has no heading no-heading",
        "page.md has no heading here",
        "there is no away.md",
    ]


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            waiting += [target for target, _ in links(page)]
    assert set((ROOT / "docs").glob("*.md")) <= reached
