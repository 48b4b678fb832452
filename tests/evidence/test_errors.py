"""Errors and objects as clients print them: each gives its row, with and without words around."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.formats import objects, printed, prose, sentences, shapes
from sinchtools.evidence.formats.error_patterns import PATTERNS
from sinchtools.evidence.formats.error_rows import compiled
from tests.evidence.errors_printed import ERRORS, NO_ERRORS, OBJECTS
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


@pytest.mark.parametrize("row", PATTERNS, ids=lambda row: row.source)
def test_each_pattern_is_one(row: Any) -> None:
    assert compiled(row).groupindex.keys() | {row.failure, row.status} - {None}


def test_a_reader_is_asked_for_what_it_does_not_know() -> None:
    assert shapes.told({"a": 1}) is None
    assert shapes.told([1, 2]) is None
    assert sentences.said("all is well") is None
    assert prose.status_of_reason("Great Success") is None
    assert not objects.sniff(type("P", (), {"document": [1]})())
