"""Two requests compared: what can matter first, and what decides, as the sandbox has it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sinchtools import compare
from sinchtools.core.errors import WrongUseError
from tests.support.detection import GOOD
from tests.support.present import parsed

HEADERS = {
    "Authorization": "Bearer [secret opaque 32 #1]",
    "Content-Type": "application/json",
    "User-Agent": "curl/8",
}
WELL = replace(GOOD, at=None, request_headers=HEADERS)


def with_body(**changes: Any) -> str:
    body = parsed(WELL.request_body) | changes
    return json.dumps(body)


BAD = replace(
    WELL,
    id="b",
    request_body=with_body(to=["07700900123"], body="Bye"),
    request_headers={**HEADERS, "User-Agent": "axios/1"},
    status=400,
    code="syntax_invalid_parameter_format",
)


def test_what_differs_in_any_two_requests_is_folded_and_nobody_is_named() -> None:
    found = compare(WELL, BAD)
    assert [one.what for one in found.differences if not one.folded] == ["body to"]
    assert [one.what for one in found.differences if one.folded] == [
        "header user-agent",
        "body body",
    ]
    assert "07700900123" not in found.as_text() and "Bye" not in found.as_text()


@pytest.mark.parametrize("sides", [(WELL, BAD), (BAD, WELL)])
def test_the_difference_that_decides_is_the_cause(sides: Any) -> None:
    found = compare(*sides, prove=True)
    assert [one.what for one in found.cause] == ["body to"]
    assert found.frame()["is_cause"].sum() == 1


def test_two_differences_that_decide_together_are_both_named() -> None:
    bad = replace(BAD, request_body=with_body(to=["07700900123"], expire_at="tomorrow"))
    assert [one.what for one in compare(WELL, bad, prove=True).cause] == [
        "body to",
        "body expire_at",
    ]


def test_of_two_captures_the_failure_is_held_against_what_succeeded_at_its_endpoint() -> None:
    read = replace(WELL, id="r", method="GET", endpoint="GET /batches", request_body=None)
    found = compare([read, WELL], [read, BAD, BAD])
    assert (found.a, found.b) == (WELL, BAD)


def test_what_the_request_does_not_show_has_no_cause() -> None:
    blocked = replace(WELL, id="b", status=403, code="blocked_account")
    found = compare(WELL, replace(blocked, request_body=with_body(body="Bye")), prove=True)
    assert not found.cause and "cannot say" in found.reason
    assert "must have failed" in compare(WELL, WELL, prove=True).reason
    with pytest.raises(WrongUseError):
        compare(WELL, [])
