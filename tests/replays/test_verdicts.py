"""Verdicts and differences: what a replay may claim, by a table of pairs labelled by hand."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.replays.judging import judged as judged_by_rules
from sinchtools.replays.planned import Destination, PlannedRequest, edited
from sinchtools.replays.verdicts import IGNORED, VERDICTS, request_differences, response_differences
from tests.support.present import present

PAIRS = tomllib.loads((Path(__file__).parent / "verdicts.toml").read_text(encoding="utf-8"))["pair"]
BASE = "https://us.sms.api.sinch.com/xms/v1/8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
GOOD = '{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}'
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def sent(pair: Any) -> Any:
    method = pair.get("method", "POST")
    body = pair.get("body", None if method == "GET" else GOOD)
    asked = Exchange(
        id="x1",
        at=AT,
        method=method,
        url=BASE + pair.get("below", "/batches"),
        request_headers=pair.get("headers", HEADERS),
        request_body=body,
    )
    return complete(answered(asked, pair["was"]))


def answered(exchange: Exchange, words: str) -> Exchange:
    status, _, code = words.partition(" ")
    if not status.isdigit():
        return replace(exchange, status=None, failure=words)
    return replace(exchange, status=int(status), code=code or None)


def judged(pair: Any) -> Any:
    original = sent(pair)
    request = edited(original, pair.get("edit"))
    child = answered(
        replace(
            request,
            id="x2",
            parent_id="x1",
            status=None,
            code=None,
            failure=None,
            target=pair.get("target", "sandbox"),
        ),
        pair["now"],
    )
    child = replace(child, response_body=pair.get("now_body"))
    child = replace(
        child,
        account=pair.get("now_account", child.account),
        endpoint=pair.get("now_endpoint", child.endpoint),
    )
    item = PlannedRequest(
        original=original,
        request=request,
        destination=Destination(child.target),
        changed="edit" in pair,
        test_number=pair.get("test_number", False),
        outside=(present(child.status), child.code) if pair.get("fault") else None,
    )
    return judged_by_rules(item, child, None, [])


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["why"])
def test_the_verdict_is_the_one_that_a_person_gave(pair: Any) -> None:
    result = judged(pair)
    assert result.verdict == pair["verdict"], result.reasons
    assert result.reasons


def test_the_table_is_large_and_has_every_verdict() -> None:
    found = Counter(pair["verdict"] for pair in PAIRS)
    assert len(PAIRS) >= 60
    assert min(found[verdict] for verdict in VERDICTS) >= 5
    assert len({pair["why"] for pair in PAIRS}) == len(PAIRS)


def test_fixed_needs_a_change_whatever_the_answers() -> None:
    for pair in PAIRS:
        unchanged = {name: value for name, value in pair.items() if name != "edit"}
        assert judged(unchanged).verdict in {"SAME", "INCONCLUSIVE"}


ANSWER = Exchange(
    status=201,
    response_headers={"Date": "Fri", "Content-Type": "application/json"},
    response_body='{"id": "A", "created_at": "1", "to": ["1", "2"], "flash_message": false}',
)
ANSWERS = {
    "volatile fields": (
        {
            "response_headers": {"date": "Mon", "content-type": "application/json"},
            "elapsed_ms": 9.0,
            "response_body": '{"id": "B", "created_at": "2", "to": ["1", "2"], '
            '"flash_message": false}',
        },
        [],
    ),
    "a status": ({"status": 400}, [("status", "", "201", "400")]),
    "a header": (
        {"response_headers": {"Date": "Fri"}},
        [("header", "content-type", "application/json", None)],
    ),
    "a value": (
        {"response_body": '{"to": ["1", "3"], "flash_message": false}'},
        [("body", "/to/1", '"2"', '"3"')],
    ),
    "an entry more": (
        {"response_body": '{"to": ["1", "2", "3"], "flash_message": false}'},
        [("body", "/to/2", None, '"3"')],
    ),
    "false is not 0": (
        {"response_body": '{"to": ["1", "2"], "flash_message": 0}'},
        [("body", "/flash_message", "false", "0")],
    ),
    "no JSON": ({"response_body": "<html>"}, [("body", "", ANSWER.response_body, "<html>")]),
}


@pytest.mark.parametrize(("changes", "found"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_are_compared_path_by_path_without_what_differs_each_time(
    changes: Any, found: Any
) -> None:
    assert response_differences(ANSWER, replace(ANSWER, **changes)) == found


def test_what_is_ignored_in_answers_is_not_ignored_in_requests() -> None:
    assert {"id", "created_at", "modified_at", "at"} == set(IGNORED["body"])
    assert request_differences(
        Exchange(request_body='{"at": 1}'), Exchange(request_body='{"at": 2}')
    ) == [("body", "/at", "1", "2")]


def test_a_change_of_anything_in_a_request_is_shown() -> None:
    old = Exchange(
        method="POST", url="/batches", request_headers={"A": "1"}, request_body='{"a/b": {"c": 1}}'
    )
    new = Exchange(
        method="PUT", url="/batch", request_headers={"a": "2"}, request_body='{"a/b": {"c": 2}}'
    )
    assert [one.where for one in request_differences(old, new)] == [
        "method",
        "url",
        "header a",
        "body /a~1b/c",
    ]


@pytest.mark.parametrize("depth", [10, 900, 990, 5000, 200_000])
@pytest.mark.parametrize("brackets", ["[]", ('{"a":', "}")], ids=["lists", "objects"])
def test_bodies_nested_however_deep_are_compared(depth: int, brackets: Any) -> None:
    before, after = brackets
    old, new = (f"{before * depth}{leaf}{after * depth}" for leaf in ("1", "2"))
    (found,) = response_differences(Exchange(response_body=old), Exchange(response_body=new))
    assert found.where.startswith("body") and found.was != found.now
