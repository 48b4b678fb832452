"""
No error text contains more of an input than its type, size and position.

Words, notes and causes are checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

import sinchtools as st
from sinchtools import analysis, charts
from sinchtools.analysis import frames
from sinchtools.core import errors
from sinchtools.core.errors import SinchToolsError, told, told_path
from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.faults import Faults

TOKEN, NUMBER, TEXT = "5c1e9a7b3d2f4e68", "+46701740605", "Dear Anna Svensson, your parcel is here"
CANARIES = (TOKEN, NUMBER[1:], "Anna Svensson", "parcel")
ROW = {
    "id": TOKEN,
    "method": "POST",
    "url": f"https://h/{TOKEN}",
    "status": 400,
    "request_body": f'{{"to": ["{NUMBER}"], "body": "{TEXT}"}}',
}
EXCHANGE = st.Exchange(
    id="a",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/p/batches",
    request_body="{",
    status=400,
)


class Holder:
    """Of no kind that is known, and its words hold everything."""

    def __repr__(self) -> str:
        return json.dumps(ROW)


def relation() -> Any:
    import duckdb

    return duckdb.from_df(pd.DataFrame([ROW]))


def polars() -> Any:
    return pytest.importorskip("polars").DataFrame([ROW])


INPUTS: dict[str, Callable[[], object]] = {
    "token": lambda: TOKEN,
    "number": lambda: NUMBER,
    "number-without-plus": lambda: int(NUMBER),
    "text": lambda: TEXT,
    "json": lambda: json.dumps(ROW),
    "lines": lambda: f"{json.dumps(ROW)}\n{json.dumps(ROW)}",
    "curl": lambda: f"curl https://h/ -H 'Authorization: Bearer {TOKEN}' -d '{TEXT}'",
    "long-text": lambda: TEXT * 500,
    "odd-text": lambda: f"\0{TOKEN}\ud800",
    "bytes": lambda: json.dumps(ROW).encode(),
    "bytearray": lambda: bytearray(TEXT.encode()),
    "dict": lambda: dict(ROW),
    "dict-of-canaries": lambda: {TOKEN: TEXT, NUMBER: TOKEN},
    "list": lambda: [TOKEN, TEXT],
    "list-of-dicts": lambda: [dict(ROW)],
    "tuple": lambda: (TEXT,),
    "set": lambda: {TOKEN},
    "frame": lambda: pd.DataFrame([ROW]),
    "odd-frame": lambda: pd.DataFrame([{TOKEN: TEXT}]),
    "series": lambda: pd.Series([TEXT, TOKEN]),
    "relation": relation,
    "polars": polars,
    "holder": Holder,
    "exception": lambda: ValueError(TEXT, TOKEN),
    "path": lambda: Path(f"/nowhere/{TOKEN}.har"),
    "path-of-a-number": lambda: f"nowhere/{NUMBER}.jsonl",
    "glob": lambda: f"nowhere/*{TOKEN}*.jsonl",
}

DOORS: dict[str, Callable[[Any], object]] = {
    "read": lambda x: st.read(x),
    "read format": lambda x: st.read("{}", format=x),
    "read files": lambda x: st.read("{}", files=x),
    "read tz": lambda x: st.read("{}", tz=x),
    "read ids": lambda x: st.read("{}", x),
    "read of a scan": lambda x: st.read(x, ["1"]),
    "scan": lambda x: st.scan(x),
    "row by id": lambda x: st.read(json.dumps({"status": 400, "method": "GET", "url": "/"}))[x],
    "diagnose": lambda x: st.diagnose(x),
    "diagnose row": lambda x: st.diagnose(
        {"status": 400, "x": x} if not isinstance(x, str) else {x: 1}
    ),
    "plan": lambda x: st.plan(x),
    "plan target": lambda x: st.plan(EXCHANGE, target=x),
    "plan edits": lambda x: st.plan(EXCHANGE, edits={x: {}} if isinstance(x, str) else {"a": x}),
    "plan test number": lambda x: st.plan(EXCHANGE, target="preview", test_number=x),
    "plan workers": lambda x: st.plan(EXCHANGE, workers=x),
    "replay": lambda x: st.replay(x),
    "replay target": lambda x: st.replay(EXCHANGE, target=x),
    "replay edit": lambda x: st.replay(EXCHANGE, edit=x),
    "replay edit of a header": lambda x: st.replay(
        EXCHANGE, edit={"headers": {"A": x}}, target="preview"
    ),
    "report": lambda x: st.report(x, "case.html"),
    "report ending": lambda x: st.report(EXCHANGE, f"case.{x}" if isinstance(x, str) else x),
    "report parts": lambda x: st.report(EXCHANGE, "case.html", parts=[x]),
    "explain": lambda x: st.explain(x),
    "explain code": lambda x: st.explain(None, x),
    "explain delivery": lambda x: st.explain(delivery=x),
    "explain smpp": lambda x: st.explain(smpp=x),
    "connect": lambda x: st.connect(x),
    "export": lambda x: st.export(x, "rows.jsonl"),
    "export ending": lambda x: st.export([EXCHANGE], f"rows.{x}" if isinstance(x, str) else x),
    "tips": lambda x: st.tips(x),
    "tips answer": lambda x: st.tips(EXCHANGE).answer(x),
    "prove": lambda x: st.prove(x),
    "case": lambda x: st.Case("c", x),
    "call log": lambda x: st.CallLog(f"{x}/calls.sqlite" if isinstance(x, str) else x),
    "frame of exchanges": lambda x: frames.unwrap(x),
    "codes": lambda x: analysis.codes(x),
    "calls per": lambda x: analysis.codes([EXCHANGE], per=x),
    "filter status": lambda x: analysis.filtered([EXCHANGE], status=x),
    "filter since": lambda x: analysis.filtered([EXCHANGE], since=x),
    "filter outcome": lambda x: analysis.filtered([EXCHANGE], outcome=x),
    "bar": lambda x: charts.error_codes([EXCHANGE]).behind(x),
    "chart": lambda x: charts.save(x, "chart"),
    "timeline": lambda x: analysis.timeline([EXCHANGE], interval=x),
    "fault": lambda x: Faults().add(endpoint=x, status=503),
    "fault of a kind": lambda x: Faults().add(status=503, body=x),
    "fault with a field": lambda x: Faults().add(**{x: 1} if isinstance(x, str) else {"status": x}),
    "clock and accounts": lambda x: Sandbox().account(
        "p", **{x: 1} if isinstance(x, str) else {"token": x}
    ),
}


def everything_of(error: BaseException | None, seen: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield all that an exception tells, and what it was raised from."""
    if error is None or id(error) in seen:
        return
    yield from (
        str(error),
        repr(error),
        repr(error.args),
        *getattr(error, "__notes__", ()),
        str(vars(error)),
    )
    for inner in (error.__cause__, error.__context__):
        yield from everything_of(inner, (*seen, id(error)))


@pytest.mark.parametrize("door", DOORS)
def test_no_error_of_an_entry_point_quotes_what_it_was_given(
    work: Path, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.chdir(work)
    quoted = []
    for name, make in INPUTS.items():
        value = make()
        try:
            DOORS[door](value)
        except Exception as error:
            told = "\n".join(everything_of(error))
            quoted += [(name, canary) for canary in CANARIES if canary in told]
    assert quoted == []


WORDS = [
    "sandbx",
    "4xx",
    "5min",
    "eu-west",
    "unknown_group",
    "Europe/Nowhere",
    "X-Key",
    "7 zebras",
    "row-9",
    "POST",
    "",
    "dry-run",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_told_as_it_stands(word: str) -> None:
    assert told(word) == repr(word)


NO_WORDS = [
    TOKEN,
    NUMBER,
    TEXT,
    "hunter22",
    "Anna Svensson",
    "070-174-06-05",
    "eyJhbGciOiJI.eyJpc3MiOi.abc",
    "aBcDeFgHiJkLmNoPqRsT",
    "Abcdefgh1jKlmnop",
    "correcthorsebatterystaple",
    "a b",
    "\u202eabc",
    "x\n",
    "٤٦٧٠١٧٤٠٦٠٥",
    b"hunter",
    ["a"],
    {"a": 1},
    {1},
    ("a",),
    46701740605,
    Holder(),
    math.inf,
]


@pytest.mark.parametrize("value", NO_WORDS, ids=[str(i) for i in range(len(NO_WORDS))])
def test_all_else_is_told_by_type_and_size(value: Any) -> None:
    assert told(value).startswith("<")


@given(some.text(min_size=8, max_size=60, alphabet=some.characters(codec="utf-8")))
def test_no_run_of_a_value_that_is_no_word_is_told(value: Any) -> None:
    said = told(value)
    assert said == repr(value) or said == f"<text of {len(value)} characters>"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nope.har", "'nope.har'"),
        ("/a/b c/logs/*.jsonl", "'/a/b c/logs/*.jsonl'"),
        (f"/a/{TOKEN}.har", "'/a/….har'"),
        (f"report of {NUMBER}.zip", "'report of +….zip'"),
        (Path("01FC66621XXXXX119Z8PMV1QPQ"), "'…'"),
        (TOKEN, "<text of 16 characters>"),
        (TEXT, f"<text of {len(TEXT)} characters>"),
        ("a/b\n" + TEXT, f"<text of {len(TEXT) + 4} characters>"),
        ("/" + "a" * 2_000, "<text of 2,001 characters>"),
        (f'{{"body": "{TEXT}/x"}}', f"<text of {len(TEXT) + 14} characters>"),
        (f"https://h/{TEXT}", f"<text of {len(TEXT) + 10} characters>"),
        ("access-20240601.log", "'access-20240601.log'"),
    ],
)
def test_a_path_is_told_less_what_may_be_somebodys(path: Any, said: str) -> None:
    assert told_path(path) == said


@pytest.mark.parametrize("made", [errors.MissingInputError, errors.WriteError, errors.LogError])
def test_every_error_of_ours_is_one_sentence_with_what_to_do(made: Any) -> None:
    error = (
        made(Path("a/b"), OSError(2, "No such file")) if made is errors.WriteError else made("a/b")
    )
    assert isinstance(error, SinchToolsError)
