"""Each example of docs/formats.md gives the rows that stand under it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sinchtools.evidence import read

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
_SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^(```+)\w*\n(.*?)^\1\n(.*)\Z", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^- `(?:(\S+) (\S+)|)` ?(\d{3}|-)?(?: (\S+))?$", re.MULTILINE)
SECTIONS = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))


def example_of(section: str) -> tuple[str, list[tuple[str, ...]]]:
    found = _EXAMPLE.search(SECTIONS[section])
    assert found, f"no example under {section}"
    rows = [tuple(part or "-" for part in row) for row in _ROW.findall(found[3])]
    assert rows, f"no rows under the example of {section}"
    return found[2], rows


@pytest.mark.parametrize("section", SECTIONS)
def test_example_gives_its_rows(section: str) -> None:
    example, rows = example_of(section)
    evidence = read(example)
    got = [(x.method or "-", x.url or "-", str(x.status or "-"), x.code or "-") for x in evidence]
    assert got == rows, evidence.summary
