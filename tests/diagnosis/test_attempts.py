from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.retries import attempts

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SENT = Exchange(
    id="x",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/p1/batches",
    request_body="{}",
    elapsed_ms=100.0,
)


def at(second: Any, status: Any = 429, **change: Any) -> Exchange:
    return replace(SENT, at=NOON + timedelta(seconds=second), status=status, **change)


def shown(exchanges: Any) -> list[Any]:
    found = attempts(exchanges)
    return [(found[i].number, found[i].of) if i in found else None for i in range(len(exchanges))]


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        (
            [at(0), at(2), at(5), at(13)],
            [(1, 4), (2, 4), (3, 4), (4, 4)],
        ),  # the SDK's own repeats of a 429
        ([at(0), at(2, 201)], [(1, 2), (2, 2)]),
        ([at(2, 201), at(0)], [(2, 2), (1, 2)]),  # a log need not be in order
        ([at(0, 503), at(1, None, failure="ReadTimeout"), at(3, 201)], [(1, 3), (2, 3), (3, 3)]),
        ([at(0), at(200)], [None, None]),  # too late to be automatic
        (
            [at(0, None, failure="EPIPE", elapsed_ms=5_000.0), at(0.5, 201)],
            [(1, 2), (2, 2)],
        ),  # ends
        ([at(0), at(0.05)], [None, None]),  # began before the first had ended
        ([at(0, 400), at(2, 400)], [None, None]),  # no client repeats a 400
        ([at(0, 201), at(2, 201)], [None, None]),
        ([at(0), at(2, request_body="{ }")], [None, None]),
        ([at(0), at(2, method="PUT")], [None, None]),
        ([at(0), at(2, 201), at(4), at(6, 201)], [(1, 2), (2, 2), (1, 2), (2, 2)]),
        ([replace(at(0), at=None), replace(at(2), at=None)], [None, None]),
        ([at(0, call_id="a", attempt=1), at(500, 201, call_id="a", attempt=2)], [(1, 2), (2, 2)]),
        ([at(0, call_id="a", attempt=1), at(2, 201, call_id="b", attempt=1)], [None, None]),
        (
            [at(0, call_id="a", attempt=2), at(2, 201, call_id="a", attempt=4)],
            [(2, 4), (4, 4)],
        ),  # half of the log is lost
        (
            [at(0, call_id="a"), at(2, 201, call_id="a")],
            [(1, 2), (2, 2)],
        ),  # the log does not count them
        (
            [at(0, call_id="1", source="a.har#1"), at(2, 201, call_id="1", source="b.har#1")],
            [None, None],
        ),  # two logs that number their calls
        (
            [at(0, call_id="1", source="a.har#1"), at(2, 201, call_id="1", source="a.har#2")],
            [(1, 2), (2, 2)],
        ),
        ([], []),
    ],
)
def test_retries_fold_into_their_call(exchanges: Any, expected: Any) -> None:
    assert shown(exchanges) == expected


def test_a_diagnosis_says_which_attempt_it_is_and_what_became_of_the_call() -> None:
    first, last = diagnose([at(0), at(13, 201)])
    note = next(one for one in first.findings if one.rule == "attempt-by-time")
    assert (
        "attempt 1 of 2" in note.says
        and "13 seconds" in note.says
        and "201" in note.says
        and note.tag == "assumed"
    )
    assert (
        last.as_json()["attempt"] == {"number": 2, "of": 2, "by": "time"}
        and "attempt 2 of 2" in last.as_text()
    )


def test_a_call_id_is_evidence_and_no_guess() -> None:
    first, _ = diagnose([at(0, call_id="a", attempt=1), at(9, 201, call_id="a", attempt=2)])
    assert (
        next(
            one for one in first.findings if one.location == "rate" and one.severity == "note"
        ).rule
        == "attempt-of-call"
    )


TIMEOUT = {"status": None, "failure": "SocketTimeoutException"}
TWICE = "maybe-sent-twice"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (at(0, **TIMEOUT), at(9, 201)),
        (at(0, 504), at(9, 201)),
        (at(0, call_id="a", request_body=None, **TIMEOUT), at(90, 201, call_id="a")),
    ],
)
def test_a_send_that_was_repeated_without_knowing_may_have_been_sent_twice(
    first: Exchange, last: Exchange
) -> None:
    first, last = (replace(x, endpoint="POST /batches") for x in (first, last))
    for one in diagnose([first, last]):
        found = {finding.rule: finding for finding in one.findings}
        assert found[TWICE].severity == "warning" and "attempt-by-time" not in found
        assert (first.failure or "504") in found[TWICE].says and "twice" in found[TWICE].says
    alone = diagnose(replace(last, id="y"), history=[first])
    assert TWICE in {finding.rule for finding in alone.findings}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (at(0, None, failure="ConnectTimeout"), at(9, 201)),  # nothing was sent
        (at(0, 429), at(9, 201)),
        (at(0, 500), at(9, 201)),  # not processed
        (at(0, **TIMEOUT), at(9, **TIMEOUT)),
        (at(0, **TIMEOUT), at(9, 201, request_body='{"to": []}')),
        (at(0, request_body=None, **TIMEOUT), at(9, 201, request_body=None)),  # may be two
        (at(0, **TIMEOUT), at(900, 201)),
        (at(0, method="GET", **TIMEOUT), at(9, 200, method="GET")),
    ],
)
def test_nothing_is_said_of_a_second_message_that_nothing_shows(
    first: Exchange, last: Exchange
) -> None:
    endpoint = f"{first.method} /batches"
    rows = [replace(x, endpoint=endpoint) for x in (first, last)]
    if first.request_body is None:
        said = {one.rule: one.severity for found in diagnose(rows) for one in found.findings}
        assert said["maybe-sent-again"] == "note"
    assert TWICE not in {one.rule for found in diagnose(rows) for one in found.findings}
