"""What a refusal means that the code alone does not say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from tests.support.present import present

BASE = "https://eu.sms.api.sinch.com/xms/v1/c0ffee00c0ffee00c0ffee00c0ffee00"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, YOUNG = "01KA2Q3M8ZB4N7V2X9C5D1F0GH", "01KADQ3M8ZB4N7V2X9C5D1F0GH"
GOOD = {"from": "447700900802", "to": ["+447700900801"], "body": "Your parcel is here"}


def told(
    method: str,
    path: str,
    status: int,
    body: Any = None,
    response: Any = None,
    at: datetime = AT,
) -> Diagnosis:
    row = Exchange(
        method=method,
        url=BASE + path,
        request_headers=HEADERS,
        request_body=None if body is None else json.dumps(body, ensure_ascii=False),
        status=status,
        response_body=None if response is None else json.dumps(response),
        at=at,
    )
    return diagnose(complete(row), now=at)


@pytest.mark.parametrize("name", ["callbackURL", "webhook_url", "callback"])
def test_a_callback_url_under_another_name_is_the_cause_and_gets_its_name(name: str) -> None:
    body = {**GOOD, "delivery_report": "full", name: "https://hooks.example/dlr"}
    found = told("POST", "/batches", 403, body, {"code": "missing_callback_url", "text": "x"})
    top = present(found.top)
    assert (top.field, top.pointer) == ("callback_url", f"/{name}") and name in top.says
    assert json.loads(present(found.fix).exchange.request_body or "")["callback_url"]


def test_without_such_a_name_the_callback_url_is_missing() -> None:
    body = {**GOOD, "delivery_report": "full", "client_reference": "a"}
    found = told("POST", "/batches", 403, body, {"code": "missing_callback_url", "text": "x"})
    assert present(found.top).rule == "observed-missing_callback_url" and found.fix is None


@pytest.mark.parametrize("path", [f"/inbounds/{YOUNG}", f"/batches/{YOUNG}/delivery_report"])
@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_no_method_changes_what_can_only_be_read(method: str, path: str) -> None:
    found = told(method, path, 405)
    assert present(found.top).rule == "method-read-only" and found.fix is None
    assert found.retry.advice == "do-not-retry"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (f"/batches/{YOUNG}", {"body": "Later"}, "to"),
        (f"/groups/{YOUNG}", {"name": "A"}, "members"),
    ],
)
def test_a_part_of_the_fields_is_an_update_and_no_replacement(
    path: str, body: dict[str, Any], field: str
) -> None:
    found = told("PUT", path, 400, body, {"code": "syntax_constraint_violation", "text": "?"})
    assert (present(found.top).rule, present(found.top).field) == (
        "missing-field-of-replace",
        field,
    )
    assert present(found.fix).edit == {"method": "POST"}


@pytest.mark.parametrize("path", ["/batches/{}", "/batches/{}/delivery_report", "/inbounds/{}"])
def test_an_id_that_is_older_than_the_retention_is_gone(path: str) -> None:
    found = told("GET", path.format(OLD), 404)
    top = present(found.top)
    assert top.rule == "observed-404-old" and found.retry.advice == "do-not-retry"
    made = datetime(2025, 11, 20, tzinfo=UTC)
    assert present(told("GET", path.format(OLD), 404, at=made).top).rule != "observed-404-old"


def test_a_byte_that_is_no_utf8_is_told_from_broken_json() -> None:
    refused = {"code": "syntax_invalid_json", "text": "Invalid UTF-8 start byte 0xfc"}
    found = told("POST", "/batches", 400, {**GOOD, "body": "Für Ärzte"}, refused)
    assert present(found.top).rule == "observed-not-utf8" and "ü Ä" in present(found.top).says
    assert found.consistent is not False


@pytest.mark.parametrize(("send_at", "expire_at", "are_told"), [
    ("2026-11-21T09:00:00-08:00", "2026-11-21T12:00:00Z", True),
    ("2026-11-21T09:00:00+05:30", "2026-11-21T02:00:00+00:00", True),
    ("2026-11-21T09:00:00Z", "2026-11-21T08:00:00+00:00", False),
])  # fmt: skip
def test_two_time_zones_explain_an_expiry_before_the_send(
    send_at: str, expire_at: str, are_told: bool
) -> None:
    body = {**GOOD, "send_at": send_at, "expire_at": expire_at}
    refused = {"code": "syntax_constraint_violation", "text": "would expire before it is sent"}
    top = present(told("POST", "/batches", 400, body, refused).top)
    assert top.rule == "expire-before-send" and (f"{send_at} and" in top.says) is are_told


def test_a_body_that_is_too_large_is_counted() -> None:
    body = {**GOOD, "to": [f"+4477009{number:05}" for number in range(1_500)]}
    top = present(told("POST", "/batches", 413, body).top)
    assert top.rule == "observed-413" and "1,500 recipients" in top.says


def test_what_a_log_does_not_show_is_no_difference_to_a_request_that_passed() -> None:
    passed = complete(
        Exchange(
            method="POST",
            url=f"{BASE}/batches",
            request_headers=HEADERS,
            request_body=json.dumps(GOOD),
            status=201,
        )
    )
    line = complete(Exchange(method="POST", url=f"{BASE}/batches", status=403, at=AT))
    rules = [one.rule for one in diagnose([passed, line], now=AT)[1].findings]
    assert "passed-before" not in rules and "passed-before-same" not in rules
