"""
A number in any notation, script and field is in no file that is handed over.

No file is refused because of it.
"""

import html
import json
import random
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools.cases.exporting import export
from sinchtools.cases.reports import report
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_jsonl
from tests.cases.test_report import BAD, KEY
from tests.conftest import FULL

NUMBERS = [
    "447700900123",
    "46701740605",
    "15551230001",
    "4915112345678",
    "33612345678",
    "919876543210",
]
ZEROS = "0\uff10\u0660\u06f0\u0966\u09e6\u0e50\U0001d7ce\U0001d7d8\U0001d7f6"
UNSEEN = ["", "", "", "\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u202e"]
BETWEEN = ["", "", "", " ", "-", ".", "\u00a0", "\u2011"]
WRAPS = [
    "{}",
    "order_{}",
    "u{}",
    "{}_2026",
    "{}x12",
    "to {}.",
    "({})",
    "'{}'",
    "cb/{}/x",
    "id={}",
    "Anna{}",
    "+{}",
    "00{}",
    "tel:{}",
    "a\n{}\tb",
]
ESCAPES = [
    str,
    str,
    quote,
    json.dumps,
    lambda said: "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in said),
]
FIELDS = [
    "client_reference",
    "text",
    "url",
    "header",
    "failure",
    "id",
    "source",
    "python",
    "response",
    "code",
    "name",
    "note",
    "broken",
]
ENDINGS = [".html", ".zip", *[".jsonl", ".har", ".sh"] * 4]


def written(chance: Any) -> tuple[Any, Any]:
    """Return a number, and how it is written."""
    number, zero = chance.choice(NUMBERS), ord(chance.choice(ZEROS))
    between, unseen = chance.choice(BETWEEN), chance.choice(UNSEEN)
    groups = [number[start : start + 4] for start in range(0, len(number), 4)]
    said = between.join(
        "".join(unseen + chr(zero + int(digit)) for digit in group) for group in groups
    )
    wrap = chance.choice(WRAPS)
    return number, chance.choice(ESCAPES)(wrap.format(said))


def planted(field: Any, said: Any) -> Any:
    body = {"to": [], "body": "x", "client_reference": said}
    return {
        "client_reference": {"request_body": json.dumps(body)},
        "python": {"request_body": repr(body)},
        "broken": {"request_body": json.dumps(body, ensure_ascii=False)[:-1]},
        "name": {"request_body": json.dumps({said: 1, "name": said})},
        "response": {"response_body": json.dumps({"code": "x", "text": said})},
        "url": {"url": f"https://sms.example/cb/{quote(said)}?x={quote(said)}"},
        "header": {"request_headers": {"X-Said": said}},
        "note": {},
    }.get(field, {field: said})


def left(number: Any, path: Any) -> bool:
    """Return whether a number can be read in a file by means that are not the gate's."""
    text = path.read_bytes().decode("utf-8", "replace")
    for _ in range(3):
        text = html.unescape(unquote(text.replace("\\\\", "\\")))
        text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)
    seen = (
        character
        for character in text
        if unicodedata.category(character) != "Cf" and character not in " -.\u00a0\u2011"
    )
    digits = (unicodedata.digit(character, None) for character in seen)
    return number in "".join("/" if digit is None else str(digit) for digit in digits)


def check(seed: Any, folder: Any, *, known: Any) -> None:
    """Hold that a number is in no file; with `known`, another row was sent to it."""
    chance = random.Random(seed)
    number, said = written(chance)
    field, ending = chance.choice(FIELDS), chance.choice(ENDINGS)
    rows = [replace(replace(BAD, id="row-1"), **planted(field, said))]
    if known:
        rows.append(
            replace(
                BAD,
                id="row-2",
                request_body=json.dumps(
                    {"to": [f"+{number}"], "body": "Dear Anna Svensson, your parcel waits"}
                ),
            )
        )
    rows = list(read(to_jsonl(rows).encode()))
    path = folder / f"case-7{ending}"
    notes = [said] if field == "note" else []
    if ending in (".html", ".zip"):
        made = report(
            rows, path, key=KEY, notes=notes, parts=("change", "others", "notes", "request")
        )
    else:
        made = export(rows, path, key=KEY)
    assert not left(number, made), (seed, field, ending, said)


@pytest.mark.parametrize("known", [True, False], ids=["known", "not-known"])
def test_a_number_in_a_few_writings_is_in_no_file(tmp_path: Path, known: bool) -> None:
    for seed in range(30):
        check(seed, tmp_path, known=known)


@pytest.mark.long
@pytest.mark.parametrize("known", [True, False], ids=["known", "not-known"])
@given(first=st.integers(min_value=1000, max_value=2**32))
def test_a_number_in_any_writing_is_in_no_file(
    tmp_path_factory: pytest.TempPathFactory, known: bool, first: Any
) -> None:
    folder = tmp_path_factory.mktemp("people")
    for seed in range(first, first + (10 if FULL else 2)):
        check(seed, folder, known=known)


SENT = {
    "to": ["+447700900123"],
    "from": "15559870002",
    "body": "Dear Anna Svensson, your parcel waits",
}


@pytest.mark.parametrize(
    "more", [{}, {"callback_url": "https://hooks.example/a"}, {"client_reference": "a b c"}]
)
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda body: json.dumps(json.dumps(body)),
        lambda body: json.dumps(json.dumps(json.dumps(body))),
        lambda body: json.dumps({"payload": json.dumps(body)}),
        lambda body: json.dumps({"batch": {"data": json.dumps([body])}}),
        lambda body: json.dumps(json.dumps(body)[:-1] + ",}"),
    ],
    ids=["twice", "three-times", "in-a-field", "in-a-list", "broken"],
)
def test_people_of_json_in_a_string_are_hidden_and_its_fields_stay(
    tmp_path: Path, more: Any, wrapped: Any
) -> None:
    row = replace(BAD, request_body=wrapped(SENT | more))
    written = export([row], tmp_path / "a.jsonl", key=KEY).read_text()
    assert not [part for part in ("Anna", "parcel", "7700900123", "9870002") if part in written]
    assert "callback_url" in written or "callback_url" not in more
    assert all(name in written for name in ("to", "from", "body"))
