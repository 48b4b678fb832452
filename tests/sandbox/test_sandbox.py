"""
The sandbox over HTTP.

Every row of the status page by a cause that deserves it, and the state behind it.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sinchtools.core.errors import PortInUseError, WrongUseError
from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.delivery import outcomes
from sinchtools.sandbox.openapi import openapi
from sinchtools.sandbox.server import shared
from sinchtools.sandbox.state import Account, made_up
from tests.sandbox.conftest import NOW

SEND = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
UNKNOWN = "01AAAAAAAAAAAAAAAAAAAAAAAA"
MISSING_CALLBACK = {
    "code": "missing_callback_url",
    "text": "Requesting delivery report without any callback URL.",
}


class Caller(requests.Session):
    """Calls the sandbox with the plan's token; proxies and .netrc are left out."""

    def __init__(self, sandbox: Sandbox, account: Account | None = None) -> None:
        super().__init__()
        self.trust_env = False
        account = account or sandbox.account()
        self.base = f"{sandbox.url}/xms/v1/{account.id}"
        self.headers["Authorization"] = f"Bearer {account.token}"

    def __call__(self, method: str, path: str, body: Any = None, **rest: Any) -> requests.Response:
        return self.request(method, self.base + path, json=body, timeout=10, **rest)


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    with Caller(sandbox) as caller:
        yield caller


@pytest.fixture
def raw(sandbox: Sandbox) -> Callable[[bytes], bytes]:
    """Send bytes as they are, and return all that comes back."""

    def send(data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    return send


# --- the rows of the status page ---


def test_a_sent_batch_can_be_read_again(call: Caller) -> None:
    sent = call("POST", "/batches", SEND)
    assert sent.status_code == 201
    assert list(sent.json()) == [
        "id",
        "to",
        "from",
        "canceled",
        "body",
        "type",
        "created_at",
        "modified_at",
        "delivery_report",
        "expire_at",
        "flash_message",
    ]
    assert sent.json()["to"] == ["15551230001"]
    assert sent.json()["expire_at"] == "2026-11-26T08:00:00.000Z"
    got = call("GET", f"/batches/{sent.json()['id']}")
    assert (got.status_code, got.json()) == (200, sent.json())


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"to": []}, "syntax_constraint_violation", "to: must not be empty"),
        (
            {"to": ["+15551230001"] * 1001},
            "syntax_constraint_violation",
            "to: at most 1000 entries, found 1001",
        ),
        (
            {"body": "x" * 2001},
            "syntax_constraint_violation",
            "body: at most 2000 characters, found 2001",
        ),
        ({"expire_at": "2026-11-23T07:59:59Z"}, "syntax_constraint_violation", "is in the past"),
        (
            {"send_at": "2026-11-24T08:00Z", "expire_at": "2026-11-24T07:00Z"},
            "syntax_constraint_violation",
            "is not after send_at",
        ),
        (
            {"parameters": {"name": {"default": "x" * 161}}},
            "syntax_constraint_violation",
            "at most 160 characters",
        ),
        (
            {"to": ["07700900123"]},
            "syntax_invalid_parameter_format",
            "to[0]: '07700900123' is neither a valid MSISDN nor a group ID",
        ),
        (
            {"send_at": "tomorrow"},
            "syntax_invalid_parameter_format",
            "send_at: 'tomorrow' is not a valid ISO-8601 date",
        ),
        (
            {"delivery_report": "all"},
            "syntax_invalid_parameter_format",
            "delivery_report: 'all' is not one of",
        ),
        ({"callback_url": "not a url"}, "syntax_invalid_parameter_format", "callback_url"),
        (
            {"to": "+15551230001"},
            "syntax_invalid_json",
            "to: expected an array of strings, found a string",
        ),
        (
            {"flash_message": 1},
            "syntax_invalid_json",
            "flash_message: expected true or false, found a number",
        ),
    ],
)
def test_a_body_against_the_description_is_a_400_that_names_the_field(
    call: Caller, change: Any, code: str, says: str
) -> None:
    answer = call("POST", "/batches", {**SEND, **change})
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert says in answer.json()["text"]


@pytest.mark.parametrize("missing", ["to", "body"])
def test_a_missing_required_field_is_a_constraint_violation(call: Caller, missing: str) -> None:
    answer = call(
        "POST", "/batches", {name: value for name, value in SEND.items() if name != missing}
    )
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "syntax_constraint_violation", "text": f"{missing}: must be given"},
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"to": ["+15551230001"],}',
        b"{'to': []}",
        b'{"to": ["+1555',
        b"[]",
        b'"Hi"',
        b"",
        b"\xff\xfe",
        b"NaN",
        b"[" * 5000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_a_body_that_is_no_json_object_is_invalid_json(call: Caller, body: bytes) -> None:
    answer = call("POST", "/batches", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "syntax_invalid_json")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/batches/no~id", "'no~id' is not a valid identifier"),
        ("/batches?page=one", "page: 'one' is not a valid integer"),
        ("/batches?start_date=yesterday", "start_date: 'yesterday' is not a valid ISO-8601 date"),
        (f"/batches/{UNKNOWN}/delivery_report?type=report", "'report' is not a valid report type"),
    ],
)
def test_a_path_or_query_of_the_wrong_format_is_a_400(call: Caller, path: str, says: str) -> None:
    answer = call("GET", path)
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "syntax_invalid_parameter_format", "text": says},
    )


@pytest.mark.parametrize("value", [None, "Bearer wrong", "Basic abc", "Bearer", "{token}"])
def test_a_wrong_credential_is_a_401_without_a_body(
    sandbox: Sandbox, call: Caller, value: str | None
) -> None:
    answer = call("GET", "/batches", headers={"Authorization": value})
    assert (answer.status_code, answer.content, answer.headers["WWW-Authenticate"]) == (
        401,
        b"",
        "Bearer",
    )


def test_the_token_of_another_plan_is_a_401(sandbox: Sandbox, call: Caller) -> None:
    other = sandbox.account("another-plan")
    assert (
        call("GET", "/batches", headers={"Authorization": f"Bearer {other.token}"}).status_code
        == 401
    )


def test_a_blocked_account_may_read_but_not_send(sandbox: Sandbox, call: Caller) -> None:
    sandbox.account(blocked=True)
    answer = call("POST", "/batches", SEND)
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked_account")
    assert call("GET", "/batches").status_code == 200


def test_a_number_of_a_country_that_is_not_allowed_is_illegal(
    sandbox: Sandbox, call: Caller
) -> None:
    sandbox.account(illegal_countries=("GB",))
    answer = call("POST", "/batches", {**SEND, "to": ["+447700900123"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "illegal_number_type")
    assert call("POST", "/batches", SEND).status_code == 201


@pytest.mark.parametrize("report", ["summary", "full", "per_recipient", "per_recipient_final"])
def test_a_report_without_any_callback_url_is_refused_in_the_vendors_words(
    sandbox: Sandbox, call: Caller, report: str
) -> None:
    answer = call("POST", "/batches", {**SEND, "delivery_report": report})
    assert (answer.status_code, answer.json()) == (403, MISSING_CALLBACK)
    sandbox.account(callback_url="http://127.0.0.1:1/")
    assert call("POST", "/batches", {**SEND, "delivery_report": report}).status_code == 201


def test_a_deleted_group_is_unknown(call: Caller) -> None:
    group = call("POST", "/groups", {"name": "Friends", "members": ["+15551230001"]}).json()
    assert call("POST", "/batches", {**SEND, "to": [group["id"]]}).status_code == 201
    deleted = call("DELETE", f"/groups/{group['id']}")
    assert (deleted.status_code, deleted.content) == (200, b"")
    answer = call("POST", "/batches", {**SEND, "to": [group["id"]]})
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown_group")
    assert group["id"] in answer.json()["text"]


@pytest.mark.parametrize(
    "path",
    [
        f"/batches/{UNKNOWN}",
        f"/groups/{UNKNOWN}",
        f"/inbounds/{UNKNOWN}",
        "/nothing",
        "//batches",
        "/",
        "",
    ],
)
def test_what_is_not_there_is_a_404_without_a_body(call: Caller, path: str) -> None:
    answer = call("GET", path)
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", f"/inbounds/{UNKNOWN}", "GET"), ("PATCH", "/batches", "POST, GET")],
)
def test_a_method_that_does_not_fit_is_a_405_that_names_those_that_do(
    call: Caller, method: str, path: str, allowed: str
) -> None:
    answer = call(method, path)
    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", allowed)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_a_415_without_a_body(call: Caller, kind: str) -> None:
    answer = call("POST", "/batches", data=json.dumps(SEND), headers={"Content-Type": kind})
    assert (answer.status_code, answer.content) == (415, b"")


def test_a_charset_in_the_content_type_is_fine(call: Caller) -> None:
    assert (
        call(
            "POST",
            "/batches",
            data=json.dumps(SEND),
            headers={"Content-Type": "application/json; charset=utf-8"},
        ).status_code
        == 201
    )


@pytest.mark.parametrize("limit", ["per_account", "per_path"])
def test_too_many_outstanding_requests_are_a_429_until_they_are_answered(
    sandbox: Sandbox, call: Caller, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(sandbox.limiter, limit, 1)
    sandbox.faults.add(latency_ms=60_000, times=1)
    with socket.create_connection(("127.0.0.1", sandbox.port)) as waiting:
        waiting.sendall(with_headers(sandbox, b"GET /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\n\r\n"))
        until(sandbox, call, lambda: sandbox.limiter.outstanding[sandbox.service_plan_id] == 1)
        answer = call("GET", "/batches")
        assert (answer.status_code, answer.content) == (429, b"")
        assert call("GET", "/groups").status_code == (429 if limit == "per_account" else 200)
    until(sandbox, call, lambda: sandbox.limiter.outstanding[sandbox.service_plan_id] == 0)
    assert call("GET", "/batches").status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(
    sandbox: Sandbox, raw: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinchtools.sandbox.connections.BODY_TIMEOUT_S", 0.05)
    assert (
        raw(
            with_headers(
                sandbox, b"POST /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nContent-Length: 9\r\n\r\n{"
            )
        )
        == b""
    )
    assert sandbox.limiter.outstanding[sandbox.service_plan_id] == 0


def until(sandbox: Any, call: Caller, done: Any) -> None:
    for _ in range(1000):
        call.get(
            f"{sandbox.url}/__sandbox__/state", timeout=10
        )  # instead of a sleep: the server has had its turn
        if done():
            return
    pytest.fail("It did not happen.")


@pytest.mark.parametrize("status", [429, 500, 503, 404])
def test_a_fault_answers_with_any_status_and_no_body(
    sandbox: Sandbox, call: Caller, status: int
) -> None:
    sandbox.faults.add(status=status, times=1)
    answer = call("POST", "/batches", SEND)
    assert (answer.status_code, answer.content, answer.headers["X-Simulated"]) == (status, b"", "1")
    assert call("POST", "/batches", SEND).status_code == 201
    assert sandbox.state()["accounts"][sandbox.service_plan_id]["batches"] == 1


# --- the order of checks ---


@pytest.mark.parametrize(
    ("method", "path", "rest", "expected"),
    [
        ("GET", "/nothing", {"headers": {"Authorization": "Bearer wrong"}}, 401),
        ("PATCH", "/nothing", {}, 404),
        ("PATCH", "/batches", {"data": b"{", "headers": {"Content-Type": "text/plain"}}, 405),
        ("POST", "/batches", {"data": b"{", "headers": {"Content-Type": "text/plain"}}, 415),
        (
            "POST",
            "/batches/no~id",
            {"data": b"{", "headers": {"Content-Type": "application/json"}},
            "syntax_invalid_json",
        ),
        ("POST", "/batches/no~id", {"json": {"to_add": []}}, "syntax_invalid_parameter_format"),
        ("POST", "/batches", {"json": {"to": ["0700"]}}, "syntax_invalid_parameter_format"),
        ("POST", "/batches", {"json": {"to": [UNKNOWN]}}, "syntax_constraint_violation"),
        (
            "POST",
            "/batches",
            {"json": {**SEND, "to": [UNKNOWN], "delivery_report": "full"}},
            "unknown_group",
        ),
        ("POST", f"/groups/{UNKNOWN}", {"json": {"name": ""}}, "syntax_constraint_violation"),
    ],
)
def test_the_first_check_that_fails_is_answered(
    call: Caller, method: str, path: str, rest: Any, expected: str | int
) -> None:
    answer = call.request(method, call.base + path, timeout=10, **rest)
    assert expected in (answer.status_code, answer.json().get("code") if answer.content else None)


# --- batches ---


def test_an_update_changes_what_is_given_and_null_resets(call: Caller) -> None:
    sent = call(
        "POST",
        "/batches",
        {**SEND, "send_at": "2026-11-24T08:00:00Z", "client_reference": "a", "flash_message": True},
    ).json()
    change = {
        "to_add": ["+15551230002"],
        "to_remove": ["15551230001"],
        "client_reference": None,
        "body": "New",
    }
    changed = call("POST", f"/batches/{sent['id']}", change).json()
    assert (changed["to"], changed["body"], changed["flash_message"]) == (
        ["15551230002"],
        "New",
        True,
    )
    assert "client_reference" not in changed
    assert call("GET", f"/batches/{sent['id']}").json() == changed


def test_an_update_may_not_leave_a_batch_without_recipients(call: Caller) -> None:
    sent = call("POST", "/batches", {**SEND, "send_at": "2026-11-24T08:00:00Z"}).json()
    answer = call("POST", f"/batches/{sent['id']}", {"to_remove": SEND["to"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "syntax_constraint_violation")
    assert call("GET", f"/batches/{sent['id']}").json() == sent


def test_a_replaced_batch_keeps_its_id_and_forgets_the_rest(sandbox: Sandbox, call: Caller) -> None:
    sent = call(
        "POST", "/batches", {**SEND, "send_at": "2026-11-24T08:00:00Z", "client_reference": "a"}
    ).json()
    sandbox.clock.advance(60)
    new = call("PUT", f"/batches/{sent['id']}", {**SEND, "body": "New"}).json()
    assert (new["id"], new["created_at"], new["modified_at"]) == (
        sent["id"],
        sent["created_at"],
        "2026-11-23T08:01:00.000Z",
    )
    assert "client_reference" not in new
    assert "send_at" not in new


def test_a_batch_is_listed_by_window_sender_and_reference_newest_first(
    sandbox: Sandbox, call: Caller
) -> None:
    old = call("POST", "/batches", {**SEND, "client_reference": "a"}).json()["id"]
    sandbox.clock.advance(25 * 3600)
    new = [
        call("POST", "/batches", {**SEND, "from": sender}).json()["id"]
        for sender in ("15559870002", "Shop")
    ]

    def ids(query: Any) -> list[Any]:
        return [batch["id"] for batch in call("GET", f"/batches{query}").json()["batches"]]

    assert ids("") == new[::-1]
    assert ids("?start_date=2026-11-23") == [*new[::-1], old]
    assert ids("?start_date=2026-11-23T07:00:00.000Z&end_date=2026-11-24T08:00:00Z") == [old]
    assert ids("?from=%2B15559870002%2C123") == [new[0]]
    assert ids("?start_date=2026-11-23&client_reference=a") == [old]
    page = call("GET", "/batches?page_size=1&page=1").json()
    assert (page["count"], page["page"], page["page_size"], page["batches"][0]["id"]) == (
        2,
        1,
        1,
        new[0],
    )
    assert call("GET", "/batches?page=7").json() == {
        "count": 2,
        "page": 7,
        "page_size": 0,
        "batches": [],
    }


def test_after_fourteen_days_a_batch_and_an_inbound_are_gone(
    sandbox: Sandbox, call: Caller
) -> None:
    batch, inbound = (
        call("POST", "/batches", SEND).json()["id"],
        sandbox.receive(from_="15551230001", to="15559870002", body="STOP")["id"],
    )
    sandbox.clock.advance(14 * 86_400)
    assert [
        call("GET", path).status_code for path in (f"/batches/{batch}", f"/inbounds/{inbound}")
    ] == [200, 200]
    sandbox.clock.advance(1)
    assert [
        call("GET", path).status_code
        for path in (
            f"/batches/{batch}",
            f"/inbounds/{inbound}",
            f"/batches/{batch}/delivery_report",
        )
    ] == [404] * 3


def test_a_dry_run_weighs_each_recipients_text_and_keeps_nothing(
    sandbox: Sandbox, call: Caller
) -> None:
    body = {
        **SEND,
        "to": ["+15551230001", "15551230002"],
        "body": "Hi ${name}",
        "parameters": {"name": {"15551230001": "Łucja", "default": "you"}},
    }
    answer = call("POST", "/batches/dry_run?per_recipient=True&number_of_recipients=1", body).json()
    assert (answer["number_of_recipients"], answer["number_of_messages"]) == (2, 2)
    assert answer["per_recipient"] == [
        {
            "recipient": "15551230001",
            "body": "Hi Łucja",
            "number_of_parts": 1,
            "encoding": "unicode",
        }
    ]
    assert call("GET", "/batches").json()["count"] == 0


def test_binary_and_media_batches_are_kept_as_such(call: Caller) -> None:
    binary = call(
        "POST", "/batches", {**SEND, "type": "mt_binary", "body": "SGk=", "udh": "06050423F423F4"}
    ).json()
    media = call(
        "POST",
        "/batches",
        {**SEND, "type": "mt_media", "body": {"url": "https://example.com/a.jpg"}},
    ).json()
    assert (binary["udh"], binary["type"]) == ("06050423F423F4", "mt_binary")
    assert media["body"] == {"url": "https://example.com/a.jpg"}
    assert (
        call("GET", f"/batches/{media['id']}/delivery_report").json()["type"]
        == "delivery_report_mms"
    )


def test_feedback_is_taken_only_for_a_batch_that_asked_for_it(call: Caller) -> None:
    asked, silent = (
        call("POST", "/batches", {**SEND, "feedback_enabled": flag}).json()["id"]
        for flag in (True, False)
    )
    answer = call("POST", f"/batches/{asked}/delivery_feedback", {"recipients": []})
    assert (answer.status_code, answer.content) == (202, b"")
    assert (
        call("POST", f"/batches/{silent}/delivery_feedback", {"recipients": []}).status_code == 404
    )
    assert (
        call("POST", f"/batches/{asked}/delivery_feedback", {}).json()["code"]
        == "syntax_constraint_violation"
    )


# --- delivery ---


def statuses(call: Caller, batch_id: Any, kind: Any = "full") -> dict[tuple[Any, Any], Any]:
    report = call("GET", f"/batches/{batch_id}/delivery_report?type={kind}").json()
    return {
        (status["code"], status["status"]): status.get("recipients", status["count"])
        for status in report["statuses"]
    }


def test_a_message_is_dispatched_and_then_delivered(sandbox: Sandbox, call: Caller) -> None:
    sent = call("POST", "/batches", SEND).json()["id"]
    assert statuses(call, sent) == {(401, "Dispatched"): ["15551230001"]}
    sandbox.clock.advance(5)
    assert statuses(call, sent) == {(0, "Delivered"): ["15551230001"]}
    assert statuses(call, sent, "summary") == {(0, "Delivered"): 1}
    one = call("GET", f"/batches/{sent}/delivery_report/15551230001").json()
    assert (one["code"], one["status"], one["type"]) == (
        0,
        "Delivered",
        "recipient_delivery_report_sms",
    )
    assert call("GET", "/delivery_reports?status=DELIVERED&code=0").json()["delivery_reports"] == [
        one
    ]
    assert call("GET", "/delivery_reports?status=Failed").json()["count"] == 0
    assert call("GET", f"/batches/{sent}/delivery_report/15551239999").status_code == 404


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [
        ("15551230310", 310, "Failed"),
        ("15551230412", 412, "Aborted"),
        ("15551230961", 61, "Rejected"),
        ("15551230321", 321, "Deleted"),
        ("15551230159", 159, "Expired"),
        ("15551230399", 399, "Unknown"),
        ("447700900404", 404, "Aborted"),
        ("15551230418", 418, "Failed"),
    ],
)
def test_the_last_digits_of_a_number_decide_what_becomes_of_its_message(
    sandbox: Sandbox, call: Caller, number: str, code: int, status: str
) -> None:
    sent = call("POST", "/batches", {**SEND, "to": [number]}).json()["id"]
    sandbox.clock.advance(3 * 86_400)
    assert statuses(call, sent) == {(code, status): [number]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": "Hi ${name}"}, 405),
        ({"body": "x" * 161, "max_number_of_message_parts": 1}, 411),
        ({"from": None}, 410),
    ],
)
def test_a_message_that_cannot_leave_is_aborted_with_the_reason(
    sandbox: Sandbox, call: Caller, change: Any, code: int
) -> None:
    sandbox.account(default_originator=False)
    sent = call("POST", "/batches", {**SEND, **change}).json()["id"]
    assert statuses(call, sent) == {(code, "Aborted"): ["15551230001"]}


def test_the_default_originator_shows_in_the_report_only(sandbox: Sandbox, call: Caller) -> None:
    sent = call("POST", "/batches", {"to": SEND["to"], "body": "Hi"}).json()
    assert "from" not in sent
    assert (
        call("GET", f"/batches/{sent['id']}/delivery_report/15551230001").json()[
            "applied_originator"
        ]
        == "15559870000"
    )


def test_a_scheduled_batch_leaves_when_it_is_due_with_the_group_of_that_moment(
    sandbox: Sandbox, call: Caller
) -> None:
    group = call("POST", "/groups", {"members": ["+15551230001"]}).json()["id"]
    sent = call(
        "POST", "/batches", {**SEND, "to": [group], "send_at": "2026-11-23T09:00:00+00:00"}
    ).json()["id"]
    assert statuses(call, sent) == {}
    call("POST", f"/groups/{group}", {"add": ["15551230002"]})
    sandbox.clock.advance(3600)
    call("POST", f"/groups/{group}", {"add": ["15551230003"]})
    assert statuses(call, sent) == {
        (401, "Dispatched"): ["15551230001"],
        (400, "Queued"): ["15551230002"],
    }


def test_a_cancelled_scheduled_batch_never_leaves(sandbox: Sandbox, call: Caller) -> None:
    sent = call("POST", "/batches", {**SEND, "send_at": "2026-11-23T09:00:00Z"}).json()["id"]
    cancelled = call("DELETE", f"/batches/{sent}")
    assert (cancelled.status_code, cancelled.json()["canceled"]) == (200, True)
    sandbox.clock.advance(7200)
    assert statuses(call, sent) == {}


def test_the_queue_of_a_plan_delays_and_refuses_nothing(sandbox: Sandbox, call: Caller) -> None:
    sandbox.account(messages_per_second=1)
    first = call("POST", "/batches", {**SEND, "to": [f"1555123000{i}" for i in range(5)]}).json()[
        "id"
    ]
    second = call("POST", "/batches", SEND).json()["id"]
    assert statuses(call, second) == {(400, "Queued"): ["15551230001"]}
    cancelled = call("DELETE", f"/batches/{first}")
    assert cancelled.json()["canceled"] is True
    sandbox.clock.advance(10)
    assert statuses(call, first, "summary") == {(0, "Delivered"): 1, (407, "Cancelled"): 4}
    assert statuses(call, second, "summary") == {(0, "Delivered"): 1}


def test_a_clock_that_goes_back_leaves_no_queue_behind(sandbox: Sandbox, call: Caller) -> None:
    sandbox.account(messages_per_second=1)
    sandbox.account().add_batch(to=[f"155512300{i:02d}" for i in range(60)])
    sandbox.clock.set(NOW - timedelta(days=30))
    sent = call("POST", "/batches", SEND).json()["id"]
    assert statuses(call, sent, "summary") == {(401, "Dispatched"): 1}


def test_a_message_that_waits_beyond_its_validity_expires(sandbox: Sandbox, call: Caller) -> None:
    sandbox.account(messages_per_second=0.01)
    call("POST", "/batches", SEND)
    sent = call("POST", "/batches", {**SEND, "expire_at": "2026-11-23T08:01:00Z"}).json()["id"]
    sandbox.clock.advance(200)
    assert statuses(call, sent, "summary") == {(406, "Aborted"): 1}


# --- groups and inbounds ---


def test_groups_are_made_changed_replaced_and_listed(call: Caller) -> None:
    child = call("POST", "/groups", {}).json()
    assert "name" not in child
    keywords = {
        "to": "+15559870002",
        "add": {"first_word": "JOIN"},
        "remove": {"first_word": "STOP"},
    }
    made = call(
        "POST",
        "/groups",
        {
            "name": "Friends",
            "members": ["+15551230001"],
            "child_groups": [child["id"]],
            "auto_update": keywords,
        },
    )
    group = made.json()
    assert (made.status_code, group["size"], group["child_groups"]) == (201, 1, [child["id"]])
    assert group["auto_update"] == {**keywords, "to": "15559870002"}
    changed = call(
        "POST",
        f"/groups/{group['id']}",
        {"add": ["15551230002", "15551230003"], "remove": ["15551230003"]},
    ).json()
    assert (changed["name"], changed["size"]) == ("Friends", 2)
    assert call("GET", f"/groups/{group['id']}/members").json() == ["15551230001", "15551230002"]
    call("POST", f"/groups/{child['id']}", {"add_from_group": group["id"]})
    assert call("GET", f"/groups/{child['id']}").json()["size"] == 2
    assert "name" not in call("POST", f"/groups/{group['id']}", {"name": None}).json()
    replaced = call("PUT", f"/groups/{group['id']}", {"members": []}).json()
    assert (replaced["size"], replaced["child_groups"]) == (0, [])
    assert [one["id"] for one in call("GET", "/groups").json()["groups"]] == [
        group["id"],
        child["id"],
    ]


def test_the_number_of_auto_update_may_be_a_number(call: Caller) -> None:
    assert call("POST", "/groups", {"auto_update": {"to": 15559870002}}).json()["auto_update"] == {
        "to": "15559870002"
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [("/groups", {"child_groups": [UNKNOWN]}), ("/groups/{}", {"add_from_group": UNKNOWN})],
)
def test_a_group_that_names_an_unknown_one_is_refused(
    sandbox: Sandbox, call: Caller, path: str, body: Any
) -> None:
    group = sandbox.account().add_group()
    answer = call("POST", path.format(group.id), body)
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown_group")


def test_inbounds_arrive_are_read_and_filtered(sandbox: Sandbox, call: Caller) -> None:
    sent = sandbox.receive(
        from_="+15551230001", to="15559870002", body="STOP", operator_id="311071"
    )
    sandbox.receive(from_="+15551230001", to="15559870003", body="Hi")
    assert call("GET", f"/inbounds/{sent['id']}").json() == sent
    assert sent["received_at"] == "2026-11-23T08:00:00.000Z"
    assert call("GET", "/inbounds?to=15559870002,15559870009").json()["inbounds"] == [sent]
    assert call("GET", "/inbounds").json()["count"] == 2


def test_accounts_share_nothing(sandbox: Sandbox, call: Caller) -> None:
    batch = call("POST", "/batches", SEND).json()["id"]
    with Caller(sandbox, sandbox.account(sandbox.project_id)) as project:
        assert project("GET", f"/batches/{batch}").status_code == 404
        assert project("GET", "/batches").json()["count"] == 0


def test_a_scene_is_set_under_given_ids(sandbox: Sandbox) -> None:
    account = sandbox.account("a-plan", token="a-fake-token")
    account.add_group("01BBBBBBBBBBBBBBBBBBBBBBBB", members=["+15551230001"])
    account.add_batch("dxCJTlfb1UsF", to=["15551230001"], feedback_enabled=True)
    account.add_inbound("01CCCCCCCCCCCCCCCCCCCCCCCC")
    with Caller(sandbox, account) as call:
        assert call("GET", "/groups/01BBBBBBBBBBBBBBBBBBBBBBBB/members").json() == ["15551230001"]
        assert (
            call("POST", "/batches/dxCJTlfb1UsF/delivery_feedback", {"recipients": []}).status_code
            == 202
        )
        assert call("GET", "/inbounds/01CCCCCCCCCCCCCCCCCCCCCCCC").status_code == 200


@pytest.mark.parametrize(
    ("first", "method", "status", "code"),
    [
        ("POST", "POST", 403, "batch_already_dispatched"),
        ("POST", "DELETE", 409, "conflict_send_at"),
    ],
)
def test_the_historical_codes_come_only_when_switched_on(
    sandbox: Sandbox, call: Caller, first: str, method: str, status: int, code: str
) -> None:
    sent = call("POST", "/batches", SEND).json()["id"]
    sandbox.clock.advance(60)
    assert call("POST", f"/batches/{sent}", {}).status_code == 200
    sandbox.account(legacy_codes=True)
    answer = call(method, f"/batches/{sent}", {})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- tokens ---


def token(sandbox: Any, **change: Any) -> Any:
    wanted = {
        "auth": (sandbox.key_id, sandbox.key_secret),
        "data": {"grant_type": "client_credentials"},
        **change,
    }
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{sandbox.url}/oauth2/token", timeout=10, **wanted)


def test_a_project_gets_a_token_that_expires_by_the_sandboxs_clock(
    sandbox: Sandbox, call: Caller
) -> None:
    answer = token(sandbox)
    assert (answer.status_code, sorted(answer.json())) == (
        200,
        ["access_token", "expires_in", "scope", "token_type"],
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"{sandbox.url}/xms/v1/{sandbox.project_id}/groups"
    assert call.get(url, headers=headers).status_code == 200
    sandbox.clock.advance(answer.json()["expires_in"])
    refused = call.get(url, headers=headers)
    assert (refused.status_code, refused.content) == (401, b"")
    assert "expired" in refused.headers["WWW-Authenticate"]


def test_a_projects_own_token_is_good_whenever_it_is_asked_for(sandbox: Sandbox) -> None:
    sandbox.clock.advance(2 * 3600)
    with Caller(sandbox, sandbox.account(sandbox.project_id)) as project:
        assert project("GET", "/groups").status_code == 200
    with Caller(
        sandbox, sandbox.account("a-project", kind="project", token="a-fake-token")
    ) as project:
        assert project("GET", "/groups").status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"auth": ("key", "wrong")}, 401, "invalid_client"),
        ({"auth": None}, 401, "invalid_client"),
        ({"data": {}}, 400, "unsupported_grant_type"),
    ],
)
def test_a_bad_token_request_is_refused_in_oauths_words(
    sandbox: Sandbox, change: Any, status: int, error: str
) -> None:
    answer = token(sandbox, **change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_token_endpoint_is_hit_only_by_a_fault_that_names_it(sandbox: Sandbox) -> None:
    sandbox.faults.add(status=503)
    assert token(sandbox).status_code == 200
    sandbox.faults.add(status=500, endpoint="/oauth2/token", times=1)
    assert [token(sandbox).status_code for _ in range(2)] == [500, 200]


# --- faults ---


def test_a_fault_carries_code_retry_after_and_html(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(status=403, code="blocked_account", times=1)
    assert call("GET", "/batches").json()["code"] == "blocked_account"
    sandbox.faults.add(status=429, retry_after_s=2, times=1)
    assert call("GET", "/batches").headers["Retry-After"] == "2"
    sandbox.faults.add(status=502, body="html", times=1)
    answer = call("GET", "/batches")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")


def test_a_dropped_connection_has_no_answer_and_no_effect(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        call("POST", "/batches", SEND)
    assert call("GET", "/batches").json()["count"] == 0


def test_a_truncated_body_ends_before_its_announced_length(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(body="truncated", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call("GET", "/batches")
    assert call("GET", "/batches").status_code == 200


def test_latency_delays_the_answer_and_not_the_effect(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(latency_ms=60_000, times=1)
    with pytest.raises(requests.ReadTimeout):
        call.post(f"{call.base}/batches", json=SEND, timeout=0.2)
    assert call("GET", "/batches").json()["count"] == 1


def test_a_fault_hits_its_endpoint_and_account_only(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(status=503, endpoint="GET /batches/{batch_id}")
    sandbox.faults.add(status=500, account=sandbox.project_id)
    assert [call("GET", path).status_code for path in ("/batches", f"/batches/{UNKNOWN}")] == [
        200,
        503,
    ]
    with Caller(sandbox, sandbox.account(sandbox.project_id)) as project:
        assert project("GET", "/batches").status_code == 500


def test_chance_is_drawn_from_the_seed(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add(status=503, probability=0.5, seed=7)
    drawn = [call("GET", "/groups").status_code for _ in range(20)]
    assert set(drawn) == {200, 503}
    sandbox.faults.clear()
    sandbox.faults.add(status=503, probability=0.5, seed=7)
    assert [call("GET", "/groups").status_code for _ in range(20)] == drawn


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"status": 99},
        {"status": "503"},
        {"code": "x"},
        {"body": "pdf"},
        {"times": 0},
        {"colour": 1},
        {"probability": 2},
        {"drop": 1},
        {"status": 503, "endpoint": "POST /batch"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_hint(sandbox: Sandbox, spec: Any) -> None:
    with pytest.raises(WrongUseError) as caught:
        sandbox.faults.add(**spec)
    assert caught.value.hint
    assert sandbox.faults.active() == []


# --- control over HTTP ---


def test_everything_is_controlled_over_http_with_the_plans_token(
    sandbox: Sandbox, call: Caller
) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = call.headers["Authorization"]
        root = f"{sandbox.url}/__sandbox__"
        assert session.post(f"{root}/faults", json={"status": 503, "times": 2}).json() == {
            "faults": [{"status": 503, "times": 2}]
        }
        assert session.delete(f"{root}/faults").json() == {"faults": []}
        assert session.post(f"{root}/clock", json={"advance_s": 3600}).json() == {
            "now": "2026-11-23T09:00:00.000Z"
        }
        inbound = session.post(
            f"{root}/inbounds", json={"from": "15551230001", "to": "15559870002", "body": "Hi"}
        ).json()
        assert inbound["type"] == "mo_text"
        state = session.get(f"{root}/state").json()
        assert state["accounts"][sandbox.service_plan_id]["inbounds"] == 1
        assert sandbox.api_token not in json.dumps(state)
        assert (
            session.post(f"{root}/reset").json()["accounts"][sandbox.service_plan_id]["inbounds"]
            == 0
        )


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "{token}",
        "Basic {token}",
        "Token {token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer '{token}'",
        "Bearer: {token}",
        "Bearer {constant}",
        "Bearer {project}",
        "Bearer {other}",
        "Bearer \u00e9",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "faults"), ("GET", "state"), ("POST", "reset"), ("GET", "nothing")],
)
def test_control_is_closed_without_the_plans_token(
    sandbox: Sandbox, method: str, path: str, authorization: str | None
) -> None:
    known = {
        "token": sandbox.api_token,
        "constant": made_up(0)["api_token"],
        "project": sandbox.account(sandbox.project_id).token,
        "other": sandbox.account("another-plan").token,
    }
    headers = (
        {}
        if authorization is None
        else {"Authorization": authorization.format(**known).encode("latin-1")}
    )
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(
            method,
            f"{sandbox.url}/__sandbox__/{path}",
            headers=headers,
            json={"status": 503},
            timeout=10,
        )
    assert (answer.status_code, list(answer.json()), answer.headers["WWW-Authenticate"]) == (
        401,
        ["error"],
        "Bearer",
    )
    assert sandbox.faults.active() == []
    assert "another-plan" in sandbox.state()["accounts"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", b"{", 400),
        ("POST", "faults", b"[]", 400),
        ("POST", "faults", b'{"status": 1}', 400),
        ("POST", "clock", b"{}", 400),
        ("POST", "clock", b'{"advance_s": -1}', 400),
        ("POST", "inbounds", b'{"from": 1}', 400),
        ("GET", "faults", b"", 405),
        ("GET", "x", b"", 404),
        ("POST", "clock", b'{"advance_s": 1e999}', 400),
    ],
)
def test_bad_control_input_is_answered_with_a_sentence(
    sandbox: Sandbox, call: Caller, method: str, path: str, body: bytes, status: int
) -> None:
    answer = call.request(method, f"{sandbox.url}/__sandbox__/{path}", data=body, timeout=10)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_a_web_page_cannot_control_the_sandbox(sandbox: Sandbox, call: Caller) -> None:
    assert (
        call.post(
            f"{sandbox.url}/__sandbox__/reset",
            headers={"Origin": "https://example.com"},
            timeout=10,
        ).status_code
        == 403
    )


# --- HTTP itself ---


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nContent-Length: -5\r\n\r\n", 400),
        (
            b"POST /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nTransfer-Encoding: "
            b"chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
            400,
        ),
        (
            b"GET /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nX-Large: " + b"x" * 65_536 + b"\r\n\r\n",
            431,
        ),
        (b"GET /xms/v1/P/../../etc/passwd HTTP/1.1\r\nHost: H\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: H\r\n\r\n", 404),
        (b"GET /xms/v1/P/batches/%00%ff HTTP/1.1\r\nHost: H\r\n\r\n", 400),
        (b"GET /xms/v1/P/batches HTTP/1.1\r\nHost: example.com\r\n\r\n", 400),
        (b"GET /xms/v1/P/batches HTTP/1.1\r\n\r\n", 400),
        (b"HEAD /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\n\r\n", 405),
        (
            b"POST /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nContent-Type: "
            b"application/json\r\nContent-Length: 2\r\n\r\n\xff\xff",
            400,
        ),
    ],
)
def test_odd_requests_get_a_4xx_marked_as_simulated(
    sandbox: Sandbox, raw: Callable[[bytes], bytes], data: bytes, status: int
) -> None:
    answer = raw(with_headers(sandbox, data))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"X-Simulated: 1" in answer


def with_headers(sandbox: Any, data: Any) -> Any:
    """Put the plan for /P/, the sandbox's own host for H, and the token in."""
    data = data.replace(b"/P/", f"/{sandbox.service_plan_id}/".encode()).replace(
        b"Host: H", f"Host: 127.0.0.1:{sandbox.port}".encode()
    )
    return data.replace(
        b"\r\n\r\n",
        f"\r\nAuthorization: Bearer {sandbox.api_token}\r\nConnection: close\r\n\r\n".encode(),
        1,
    )


def test_a_body_beyond_ten_megabytes_is_a_413(call: Caller) -> None:
    answer = call("POST", "/batches", {**SEND, "body": "x" * 11_000_000})
    assert (answer.status_code, answer.headers["X-Simulated"]) == (413, "1")


def test_a_text_with_half_a_character_is_kept_and_shown(call: Caller) -> None:
    sent = call(
        "POST",
        "/batches",
        data=b'{"to": ["15551230001"], "body": "\\ud83d"}',
        headers={"Content-Type": "application/json"},
    )
    assert sent.status_code == 201
    assert call("GET", f"/batches/{sent.json()['id']}").json()["body"] == "?"


def test_a_chunked_body_is_read(call: Caller) -> None:
    answer = call(
        "POST",
        "/batches",
        data=iter([b'{"to": ["15551230001"],', b'"body": "Hi"}']),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "instant",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1970-01-01",
    ],
)
@pytest.mark.parametrize("expire", [None, "9999-12-31T23:59:59.999Z", "same"])
def test_dates_at_the_end_of_time_are_no_crash(
    call: Caller, instant: str, expire: str | None
) -> None:
    body = {**SEND, "send_at": instant, "expire_at": instant if expire == "same" else expire}
    assert call("POST", "/batches", body).status_code in {201, 400}
    assert call("POST", "/batches", {**SEND, "expire_at": instant}).status_code == 400
    assert call(
        "GET", "/batches", params={"start_date": instant, "end_date": instant}
    ).status_code in {200, 400}


def test_a_trailing_slash_is_the_same_path(call: Caller) -> None:
    assert [call("GET", path).status_code for path in ("/batches/", "/groups/")] == [200, 200]


# --- the server ---


def test_it_serves_while_an_event_loop_runs_in_the_callers_thread(
    sandbox: Sandbox, call: Caller
) -> None:
    async def cell() -> Any:
        return call("POST", "/batches", SEND).status_code

    assert asyncio.run(cell()) == 201


def test_sixteen_at_once_are_no_429(sandbox: Sandbox) -> None:
    def send(i: Any) -> list[Any]:
        with Caller(sandbox) as call:
            return [
                call("POST", "/batches", {**SEND, "client_reference": f"{i}-{j}"}).status_code
                for j in range(5)
            ]

    with ThreadPoolExecutor(16) as pool:
        assert [status for statuses in pool.map(send, range(16)) for status in statuses] == [
            201
        ] * 80


def test_a_port_in_use_is_named(server: Sandbox) -> None:
    with pytest.raises(PortInUseError, match=str(server.port)):
        Sandbox(port=server.port).start()


def test_a_stopped_sandbox_leaves_its_port_free(server: Sandbox) -> None:
    with Sandbox() as first:
        port = first.port
    with Sandbox(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


def secrets_of(sandbox: Any) -> set[Any]:
    accounts = [
        sandbox.account(name, **rest)
        for name, rest in {"plan": {}, "project": {"kind": "project"}}.items()
    ]
    own = [sandbox.account(name).token for name in (sandbox.service_plan_id, sandbox.project_id)]
    return {
        sandbox.api_token,
        sandbox.key_secret,
        *own,
        *(account.token for account in accounts),
        accounts[1].issue_token(),
    }


def test_nobody_can_know_a_secret_of_a_sandbox_without_a_seed() -> None:
    first, second = Sandbox(), Sandbox()
    assert first.service_plan_id == second.service_plan_id
    assert len(secrets_of(first)) == 6
    assert not secrets_of(first) & (secrets_of(second) | secrets_of(Sandbox(seed=0)))


def test_credentials_are_made_up_from_the_seed_or_given() -> None:
    assert Sandbox(seed=1).api_token == Sandbox(seed=1).api_token != Sandbox(seed=2).api_token
    given = Sandbox(service_plan_id="a-plan", api_token="a-fake-token")
    assert (given.service_plan_id, given.account().token) == ("a-plan", "a-fake-token")


def test_the_shared_sandbox_is_one_per_process() -> None:
    assert shared() is shared()
    assert shared().url


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_leaves_no_port_behind(end: str) -> None:
    code = (
        f"import os; from sinchtools.sandbox import shared; print(shared().port, flush=True); {end}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(done.stdout))) != 0


def test_an_unknown_setting_of_an_account_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(WrongUseError, match="colour"):
        sandbox.account(colour="red")


def test_the_clock_runs_from_where_it_is_set() -> None:
    sandbox = Sandbox()
    sandbox.clock.set(NOW)
    assert NOW <= sandbox.clock.now() < NOW + timedelta(minutes=5)


def test_the_openapi_document_has_every_operation_and_resolves() -> None:
    document = openapi()
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]
    assert (
        sum(
            method in path
            for path in document["paths"].values()
            for method in ("get", "post", "put", "delete")
        )
        == 20
    )


def test_the_documented_numbers_are_those_of_the_table() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (0\d{3}.*?) \|", documented, re.MULTILINE)
    assert set(re.findall(r"\d{4}", " ".join(rows))) == set(outcomes())
