"""Errors and objects as clients print them: each gives its row, with and without words around."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.formats import errors, objects, printed, prose, sentences, shapes
from sinchtools.evidence.formats.error_patterns import PATTERNS
from tests.evidence.errors_printed import ERRORS, LINES, NO_ERRORS, OBJECTS, URL
from tests.support.present import parsed

WORDS = "This is what the server wrote:\n\n{}\n\nCan you help?\n"


def rows(text: Any) -> list[tuple[Any, Any, Any, Any, bool]]:
    return [(x.method, x.url, x.status, x.code, bool(x.failure)) for x in read(text)]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_gives_its_row(name: Any) -> None:
    text, expected = ERRORS[name]
    assert rows(text) == [expected]
    assert rows(WORDS.format(text)) == [expected]


@pytest.mark.parametrize("name", OBJECTS)
def test_a_printed_object_is_parsed(name: Any) -> None:
    text, expected = OBJECTS[name]
    found = printed.Printed(text).value_at(0)
    assert found is not None
    assert json.loads(json.dumps(found[0])) == expected


@pytest.mark.parametrize("text", NO_ERRORS)
def test_a_number_that_is_no_status_gives_none(text: Any) -> None:
    assert [x.status for x in read(text) if x.status] == []


def test_two_errors_of_a_kind_are_two_rows() -> None:
    text = ERRORS["requests"][0]
    assert len(read(f"{text}\n{text}")) == 2


def test_an_axios_error_keeps_its_request() -> None:
    row = read(ERRORS["axios with config"][0])[0]
    assert parsed(row.request_body) == {"from": "15557770000", "to": ["46700000001"]}
    assert row.request_headers["Authorization"].startswith("Bearer [secret")
    assert parsed(row.response_body)["text"] == "No group '01AB' here"


def test_what_is_cut_still_tells_code_and_text() -> None:
    row = read(ERRORS["Guzzle, cut"][0])[0]
    assert (row.code, row.text) == ("unknown_group", "No group '01")


def test_every_message_of_the_table_is_shown() -> None:
    shown = [
        line for text, *_ in (*ERRORS.values(), *OBJECTS.values()) for line in text.split("\n")
    ]
    told = [told[0] for line in (*LINES, *shown) if (told := errors._told([*PATTERNS], line))]
    left = [f"{row.source}: {row.pattern}" for row in PATTERNS if row not in told]
    assert not left, f"Add a line to LINES in tests/evidence/errors_printed.py for {left}"


@pytest.mark.parametrize("line", LINES)
def test_a_printed_line_tells_what_stands_in_it(line: str) -> None:
    told = errors._told([*PATTERNS], line)
    assert told
    row = errors.exchange_of(*told)
    assert row.status == 403 or "403" not in line
    assert row.url == URL or URL not in line
    assert row.status or row.failure or told[1].groupdict()


def test_a_reader_is_asked_for_what_it_does_not_know() -> None:
    assert shapes.told({"a": 1}) is None
    assert shapes.told([1, 2]) is None
    assert sentences.said("all is well") is None
    assert prose.status_of_reason("Great Success") is None
    assert not objects.sniff(type("P", (), {"document": [1]})())
