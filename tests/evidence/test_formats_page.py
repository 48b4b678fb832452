"""
Each example of docs/formats.md gives the rows that stand under it.

A kind of evidence without an example fails a test that names it.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.kinds import CONTAINERS, FINDERS, FORMATS, format_of
from sinchtools.evidence.pieces import Piece
from tests.evidence.test_importers import RECOGNIZED
from tests.evidence.test_tools import WINDOWS
from tests.support.evidence import BATCHES, postman

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


ACCESS = '10.0.0.1 - - [01/May/2024:10:00:00 +0000] "POST /xms/v1/plan/batches HTTP/1.1" 403 12\n'
PAIRS = "ts=2024-05-01T10:00:00Z level=info method=POST path=/xms/v1/plan/batches status=403\n"
MORE = {  # of what the page has no example for, by its name in sinchtools/evidence/kinds.py
    "server-log": ACCESS * 30,
    "log-of-pairs": PAIRS * 30,
    "postman": postman({"method": "POST", "url": BATCHES}),
    "postman-environment": '{"values": [{"key": "plan", "value": "p"}], "_postman_variable_scope": '
    '"environment", "name": "test"}',
    "postman-console": WINDOWS["postman-console"],
    "command": f"wget --method=POST --body-data='{{}}' {BATCHES}",
    "text-table": f" verb | url | status\n---+---+---\n POST | {BATCHES} | 401",
    "report": "MOText(id='01', from_='15551230001', to='15559870002', body='STOP')",
    "bare-body": '{"from": "Kiosk", "to": ["46700000009"], "body": "Hej"}',
    "list": "code : unknown_group\ntext : No group",
    "error-object": '{"message": "Request failed", "name": "AxiosError", "status": 403, "config": '
    f'{{"url": "{BATCHES}", "method": "post", "data": "{{}}"}}}}',
}


def kinds_in(text: str) -> set[str]:
    """Return each kind of evidence whose own reader takes a text."""
    piece = Piece("paste", text)
    found = {name for name, finder in FINDERS.items() if any(True for _ in finder.find(piece))}
    found |= {name for name, form in FORMATS.items() if format_of(piece, {name: form})}
    return found | {name for name, unwrap in CONTAINERS.items() if unwrap(piece) is not None}


@pytest.mark.parametrize("kind", MORE)
def test_a_kind_without_a_section_has_a_text_that_shows_it(kind: str) -> None:
    assert kind in kinds_in(MORE[kind])
    assert len(read(MORE[kind])) or kind == "postman-environment"


def test_every_kind_of_evidence_has_an_example() -> None:
    texts = [example_of(section)[0] for section in SECTIONS]
    texts += [text for text, *_ in RECOGNIZED]
    left = {*FORMATS, *FINDERS, *CONTAINERS} - MORE.keys() - set().union(*map(kinds_in, texts))
    assert not left, f"Add an example to docs/formats.md, with its rows, for {sorted(left)}"


def takers_of(text: str) -> dict[str, set[int]]:
    """Return the lines of a text that each finder would take, in the order of the finders."""
    piece = Piece("paste", text)
    return {
        name: {line for one in finder.find(piece) for line in range(one.start, one.end + 1)}
        for name, finder in FINDERS.items()
    }


def test_the_order_of_the_finders_is_told() -> None:
    order = list(FINDERS)
    told = {(name, other) for name, one in FINDERS.items() for other in one.before.split()}
    assert not [pair for pair in told if order.index(pair[0]) >= order.index(pair[1])]
    met = {
        (name, other)
        for text in [*MORE.values(), *(example_of(section)[0] for section in SECTIONS)]
        for (name, lines), (other, theirs) in combinations(takers_of(text).items(), 2)
        if lines & theirs
    }
    assert met <= told, f"Say in `before`, in sinchtools/evidence/kinds.py: {sorted(met - told)}"
