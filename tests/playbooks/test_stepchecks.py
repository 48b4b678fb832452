"""Each check decides from the evidence, and never says ok without it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.playbooks.check_rows import NEEDS, rows
from sinchtools.playbooks.checks import CHECKS
from tests.diagnosis.test_beside import REFUSED
from tests.diagnosis.test_rules import BEFORE
from tests.support import corpus

DECIDED = rows()

OK, BAD, OPEN = "ok", "problem", "not decidable"
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAN = "https://us.sms.api.sinch.com/xms/v1/plan1"
ZT, REST = "https://zt.", ".sms.api.sinch.com/xms/v1/p/batches"
BODY = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
BATCH = "01KT0000000000000000000001"  # a ULID
MADE = datetime.fromisoformat("2026-05-31T21:45:44.192000+00:00")  # the time in it
SENT = Exchange(
    id="x1",
    at=AT,
    method="POST",
    url=f"{PLAN}/batches",
    endpoint="POST /batches",
    region="us",
    account="plan1",
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body=json.dumps(BODY),
    status=201,
    response_headers={"Content-Type": "application/json"},
    response_body=json.dumps({"id": BATCH, **BODY}),
)
READ = replace(
    SENT,
    method="GET",
    endpoint="GET /batches/{batch_id}",
    url=f"{PLAN}/batches/{BATCH}",
    request_body=None,
    status=404,
    response_body="",
)
LIST = replace(
    READ,
    endpoint="GET /batches",
    url=f"{PLAN}/batches",
    status=200,
    response_body='{"count": 0, "batches": []}',
)


def body(**fields: Any) -> Exchange:
    return replace(
        SENT,
        request_body=json.dumps(
            {key: value for key, value in {**BODY, **fields}.items() if value is not ...}
        ),
    )


def auth(value: Any) -> Exchange:
    return replace(SENT, request_headers={"Authorization": value})


def place(url: Any, **rest: Any) -> Exchange:
    return replace(SENT, url=url, account=None, **rest)


UNKNOWN_GROUP = replace(body(to=[BATCH]), status=403, code="unknown_group")
BLIND = replace(SENT, request_headers={}, request_body=None)


def undelivered(code: int) -> Exchange:
    report = {"type": "recipient_delivery_report_sms", "code": code, "status": "Failed"}
    return Exchange(response_body=json.dumps(report))


# check, what it looks at (of several, the last), what it says, and a part of its proof
DECISIONS: list[tuple[str, Any, str, str]] = [
    ("authorization-shape", SENT, OK, "32 characters"),
    ("authorization-shape", auth("[secret opaque 32 #1]"), BAD, "Bearer"),
    ("authorization-shape", auth("Basic [secret pair 32 #1]"), BAD, "'Basic'"),
    ("authorization-shape", auth("Bearer [secret pair 32 #1]"), BAD, "pair"),
    ("authorization-shape", auth("Bearer [secret opaque 32 #1 quoted]"), BAD, "in quotes"),
    (
        "authorization-shape",
        auth("Bearer [secret opaque 32 #1 trailing-newline]"),
        BAD,
        "line break",
    ),
    ("authorization-shape", auth("Bearer "), BAD, "no token"),
    ("authorization-shape", auth("Bearer {token}"), BAD, "placeholder"),
    ("authorization-shape", BLIND, OPEN, "no Authorization"),
    (
        "token-expired",
        auth("Bearer [secret jwt 200 #1 expires=2026-11-23T11:00:00Z]"),
        BAD,
        "11:00:00Z",
    ),
    (
        "token-expired",
        auth("Bearer [secret jwt 200 #1 expires=2026-11-23T13:00:00Z]"),
        OK,
        "13:00:00Z",
    ),
    (
        "token-expired",
        replace(auth("Bearer [secret jwt 200 #1 expires=2026-11-23T13:00:00Z]"), at=None),
        OPEN,
        "when the request was sent",
    ),
    (
        "token-expired",
        replace(
            BLIND,
            response_headers={"www-authenticate": 'Bearer error_description="Token Expired"'},
        ),
        BAD,
        "WWW-Authenticate",
    ),
    ("token-expired", SENT, OPEN, "no expiry"),
    ("host-fits-credential", SENT, OK, "plain"),
    ("host-fits-credential", auth("Bearer [secret jwt 200 #1]"), BAD, "OAuth"),
    (
        "host-fits-credential",
        replace(auth("Bearer [secret jwt 200 #1]"), url=f"{ZT}eu{REST}"),
        OK,
        "zt.eu",
    ),
    (
        "host-fits-credential",
        replace(auth("Bearer [secret jwt 200 #1]"), url=f"{ZT}br{REST}"),
        BAD,
        "us and eu only",
    ),
    ("host-fits-credential", place(f"{ZT}us{REST}"), BAD, "plain"),
    ("host-fits-credential", BLIND, OPEN, "not shown"),
    ("account-in-path", SENT, OK, "plan1"),
    (
        "account-in-path",
        place("https://us.sms.api.sinch.com/xms/v1/%7Bplan%7D/batches"),
        BAD,
        "placeholder",
    ),
    (
        "account-in-path",
        place("https://us.sms.api.sinch.com/xms/v1/YOUR_PLAN/batches"),
        BAD,
        "placeholder",
    ),
    ("account-in-path", place("https://us.sms.api.sinch.com/batches"), BAD, "No account"),
    ("account-in-path", place(None), OPEN, "no URL"),
    ("host-known", SENT, OK, "us.sms"),
    (
        "host-known",
        place("https://sms.api.sinch.com/xms/v1/p/batches"),
        OPEN,
        "without a region",
    ),
    (
        "host-known",
        place("https://xx.sms.api.sinch.com/xms/v1/p/batches"),
        OPEN,
        "region",
    ),
    ("host-known", place("http://127.0.0.1:8000/xms/v1/p/batches"), OPEN, "this machine"),
    ("host-known", place(None), OPEN, "no host"),
    ("https-used", SENT, OK, "https"),
    ("https-used", place("http://us.sms.api.sinch.com/xms/v1/p/batches"), BAD, "http"),
    ("https-used", place("http://localhost:8000/xms/v1/p/batches"), OPEN, "no public"),
    ("path-known", SENT, OK, "/batches"),
    ("path-known", place("https://us.sms.api.sinch.com/batches"), BAD, "/xms/v1/"),
    ("path-known", place(f"{PLAN}//batches"), BAD, "double slash"),
    ("path-known", place(f"{PLAN}/batch"), BAD, "No route"),
    ("path-known", place("https://example.com/batch"), OPEN, "not the API's"),
    ("path-and-query-fit", READ, OK, "1 values"),
    ("path-and-query-fit", replace(READ, url=f"{PLAN}/batches/%7Bid%7D"), BAD, "batch_id"),
    (
        "path-and-query-fit",
        replace(LIST, url=f"{PLAN}/batches?page_size=500"),
        OPEN,
        "page_size",
    ),
    ("path-and-query-fit", replace(READ, endpoint=None), BAD, "batch_id"),
    ("method-fits", SENT, OK, "POST"),
    ("method-fits", replace(SENT, method="PATCH"), BAD, "PATCH on a path that takes"),
    ("method-fits", replace(SENT, method=None), OPEN, "not known"),
    ("content-type-json", SENT, OK, "application/json"),
    ("content-type-json", auth("Bearer [secret opaque 32 #1]"), BAD, "missing"),
    (
        "content-type-json",
        replace(SENT, request_headers={"content-type": "text/plain"}),
        BAD,
        "text/plain",
    ),
    ("content-type-json", BLIND, OPEN, "no request headers"),
    ("json-parses", SENT, OK, "valid JSON"),
    (
        "json-parses",
        replace(SENT, request_body='{"to": ["+15551230001",]}'),
        BAD,
        "Line 1, column",
    ),
    ("json-parses", replace(SENT, request_body=""), BAD, "Line 1"),
    ("json-parses", replace(SENT, request_body=b"\xff\xfe{"), BAD, "UTF-8"),
    ("json-parses", replace(SENT, request_body='{"a": NaN}'), BAD, "no JSON"),
    ("json-parses", BLIND, OPEN, "no request body"),
    ("required-fields", SENT, OK, "Every required"),
    ("required-fields", body(to=...), BAD, "/to"),
    ("required-fields", replace(SENT, endpoint=None), OPEN, "cannot be held"),
    ("within-limits", SENT, OK, "within"),
    ("within-limits", body(body="x" * 2001), BAD, "/body"),
    ("within-limits", BLIND, OPEN, "cannot be held"),
    ("types-fit", SENT, OK, "type"),
    ("types-fit", body(to="+15551230001"), BAD, "/to"),
    ("types-fit", BLIND, OPEN, "cannot be held"),
    ("values-well-formed", SENT, OK, "form"),
    ("values-well-formed", body(send_at="tomorrow"), BAD, "/send_at"),
    ("values-well-formed", body(to=["12ab"]), OK, "other than recipients"),
    ("values-well-formed", BLIND, OPEN, "cannot be held"),
    ("numbers-e164", SENT, OK, "1 of 1"),
    ("numbers-e164", body(to=["+15551230001", "07700900123"]), BAD, "1 of 2: /to/1"),
    ("numbers-e164", body(to=[BATCH]), OPEN, "no recipient"),
    ("numbers-e164", BLIND, OPEN, "no recipient"),
    (
        "group-ids-listed",
        replace(body(to=["+15551230001", BATCH]), code="unknown_group"),
        BAD,
        "to[1]",
    ),
    (
        "group-ids-listed",
        replace(body(to=[BATCH, BATCH[::-1]]), code="unknown_group"),
        OPEN,
        "to[0], to[1]",
    ),
    ("group-ids-listed", SENT, OPEN, "Nothing"),
    ("no-mistyped-number", UNKNOWN_GROUP, OK, "No entry"),
    ("no-mistyped-number", body(to=["+4477OO900123"]), BAD, "to[0]"),
    ("no-mistyped-number", BLIND, OPEN, "no readable body"),
    ("group-ids-listed", BLIND, OPEN, "no readable body"),
    ("dates-in-order", SENT, OK, "neither"),
    ("dates-in-order", body(expire_at="2026-11-24T12:00:00Z"), OK, "2026-11-23T12:00:00Z"),
    ("dates-in-order", body(expire_at="2026-11-22T12:00:00Z"), BAD, "/expire_at"),
    (
        "dates-in-order",
        replace(body(expire_at="2026-11-24T12:00:00Z"), at=None),
        OPEN,
        "when the request was sent",
    ),
    ("dates-in-order", BLIND, OPEN, "cannot be held"),
    ("dates-leave-room", SENT, OK, "neither"),
    ("dates-leave-room", body(send_at="2026-11-23T15:00:00Z"), BAD, "15:00:00Z"),
    ("dates-leave-room", body(expire_at="2026-11-23T12:01:00Z"), BAD, "expires"),
    ("dates-leave-room", body(expire_at="2026-11-24T12:00:00Z"), OK, "has time"),
    (
        "dates-leave-room",
        replace(body(send_at="2026-11-23T15:00:00Z"), at=None),
        OPEN,
        "when the request was sent",
    ),
    ("dates-leave-room", BLIND, OPEN, "no readable body"),
    ("callback-url-present", body(delivery_report="full"), BAD, "'full'"),
    (
        "callback-url-present",
        body(delivery_report="full", callback_url="https://callback.example.com/in"),
        OK,
        "has callback_url",
    ),
    ("callback-url-present", body(delivery_report="none"), OK, "does not ask"),
    (
        "callback-url-present",
        replace(SENT, code="missing_callback_url"),
        OPEN,
        "missing URL",
    ),
    ("callback-url-present", BLIND, OPEN, "no readable body"),
    ("callback-url-reachable", body(callback_url="http://localhost:5000/in"), BAD, "localhost"),
    ("callback-url-reachable", body(callback_url="https://192.168.1.5/in"), BAD, "192.168.1.5"),
    ("callback-url-reachable", body(callback_url="callback"), BAD, "not a whole"),
    (
        "callback-url-reachable",
        body(callback_url="https://callback.example.com/in"),
        OPEN,
        "may be public",
    ),
    ("callback-url-reachable", BLIND, OPEN, "no callback_url"),
    ("delivery-report-requested", body(delivery_report="summary"), OK, "summary"),
    ("delivery-report-requested", SENT, BAD, "not ask"),
    ("delivery-report-requested", BLIND, OPEN, "no readable body"),
    ("placeholders-have-values", SENT, OK, "Each"),
    ("placeholders-have-values", body(body="Hi ${name}"), BAD, "name"),
    (
        "placeholders-have-values",
        body(body="Hi ${name}", parameters={"name": {"default": "you"}}),
        OK,
        "Each",
    ),
    ("placeholders-have-values", BLIND, OPEN, "cannot be held"),
    ("sender-given", body(**{"from": ...}), BAD, "410"),
    ("sender-given", SENT, OPEN, "registered"),
    ("sender-given", BLIND, OPEN, "no readable body"),
    ("client-reference-present", body(client_reference="order-7"), OK, "client_reference"),
    ("client-reference-present", SENT, BAD, "no client_reference"),
    ("client-reference-present", BLIND, OPEN, "no readable body"),
    ("batch-id-known", SENT, OK, BATCH),
    ("batch-id-known", READ, OK, BATCH),
    ("batch-id-known", replace(SENT, response_body=None), OPEN, "Neither"),
    ("message-parts", SENT, OK, "1 part"),
    ("message-parts", body(body="x" * 161), BAD, "2 parts"),
    ("message-parts", body(body="Don\u2019t " * 20), BAD, "U+2019"),
    ("message-parts", READ, OPEN, "no text"),
    ("list-window", LIST, BAD, "24 hours"),
    (
        "list-window",
        replace(LIST, url=f"{PLAN}/batches?start_date=2026-11-10"),
        OK,
        "start_date",
    ),
    (
        "list-window",
        replace(LIST, response_body='{"count": 3, "batches": []}'),
        OK,
        "3 entries",
    ),
    ("list-window", READ, OPEN, "not a list"),
    ("age-of-batch", READ, OK, "days before"),
    ("age-of-batch", replace(READ, at=MADE + timedelta(seconds=10)), BAD, "10 s before"),
    ("age-of-batch", replace(READ, at=MADE - timedelta(seconds=10)), OPEN, "no time"),
    ("age-of-batch", replace(READ, url=f"{PLAN}/batches/{'7' + 'Z' * 25}"), OPEN, "no time"),
    ("age-within-retention", replace(READ, at=MADE + timedelta(days=13)), OK, "13 days before"),
    ("age-within-retention", READ, BAD, "days before"),
    ("age-of-batch", replace(READ, at=None), OPEN, "when the request was sent"),
    ("age-within-retention", replace(READ, url=f"{PLAN}/batches/abcdef"), OPEN, "no time"),
    ("not-feedback", READ, OK, "not delivery feedback"),
    (
        "not-feedback",
        replace(READ, endpoint="POST /batches/{batch_id}/delivery_feedback"),
        OPEN,
        "feedback_enabled",
    ),
    ("not-feedback", replace(READ, endpoint=None), OPEN, "not known"),
    ("answer-without-body", READ, OK, "no body"),
    (
        "answer-without-body",
        replace(READ, response_body=None, response_headers={"content-length": "0"}),
        OK,
        "no body",
    ),
    (
        "answer-without-body",
        replace(READ, response_body=None, response_headers={"content-length": "17"}),
        BAD,
        "17 bytes",
    ),
    ("answer-without-body", replace(READ, response_body="<h1>Not Found</h1>"), BAD, "18 bytes"),
    ("answer-without-body", replace(READ, response_body=None), OPEN, "does not show"),
    ("answer-from-api", SENT, OK, "JSON"),
    ("answer-from-api", replace(READ, response_body=""), OK, "no body"),
    ("answer-from-api", replace(SENT, response_body="  <!DOCTYPE html><p>"), BAD, "HTML"),
    ("answer-from-api", replace(SENT, response_body="Bad gateway"), OPEN, "neither"),
    ("answer-from-api", replace(SENT, response_body=None), OPEN, "does not show"),
    ("may-repeat", replace(SENT, status=503), BAD, "client_reference"),
    (
        "may-repeat",
        replace(SENT, status=None, failure="ReadTimeout", response_body=None),
        BAD,
        "client_reference",
    ),
    ("may-repeat", replace(SENT, status=500, response_body=""), OK, "not processed"),
    ("may-repeat", replace(SENT, status=500, response_body="<html>"), BAD, "gateway"),
    ("may-repeat", replace(READ, status=503), OK, "read"),
    ("may-repeat", replace(SENT, method=None), OPEN, "method"),
    ("first-attempt", replace(SENT, attempt=4), BAD, "attempt 4"),
    ("first-attempt", SENT, OPEN, "does not show"),
    (
        "retry-after-present",
        replace(SENT, response_headers={"retry-after": "2"}),
        OK,
        "Retry-After: 2",
    ),
    ("retry-after-present", SENT, OPEN, "no Retry-After"),
    ("text-names-field", replace(SENT, text="The value of to[0] is no MSISDN"), BAD, "to[0]"),
    ("text-names-field", replace(SENT, text="Field 'body' is required"), BAD, "body"),
    ("text-names-field", replace(SENT, text="expire_at is in the past"), BAD, "expire_at"),
    ("text-names-field", replace(SENT, text="Talk to some_body about it"), OPEN, "no field"),
    ("text-names-field", SENT, OPEN, "does not show"),
    ("finding-names-cause", SENT, OPEN, "no cause"),
    ("token-in-use", [BEFORE, REFUSED], BAD, "#1"),
    ("delivery-code-known", undelivered(412), BAD, "412"),
    ("not-filtered", undelivered(62), BAD, "62"),
    ("destination-enabled", undelivered(412), BAD, "412"),
    ("not-opted-out", undelivered(61), BAD, "61"),
    ("finding-names-cause", replace(SENT, status=503), BAD, "503"),
]


def test_every_check_has_a_row_that_it_decides() -> None:
    left = CHECKS.keys() - {check for check, _, state, _ in DECISIONS if state != OPEN}
    assert not left, (
        f"Add a row to DECISIONS in tests/playbooks/test_stepchecks.py for {sorted(left)}"
    )


@pytest.mark.parametrize(("check", "exchange", "state", "says"), DECISIONS)
def test_a_check_decides_from_the_evidence(
    check: str, exchange: Exchange, state: str, says: str
) -> None:
    *_, exchange = rows = exchange if isinstance(exchange, list) else [exchange]
    if check in DECIDED and exchange.request_headers and (exchange.status or 400) < 300:
        # a good response outranks what is assumed: here the request counts
        rows = [replace(exchange, status=None, response_body=None)]
    checked = CHECKS[check](rows[-1], diagnose(rows, now=AT)[-1].findings)
    assert checked.state == state, checked
    assert check in DECIDED or says in checked.proof


@pytest.mark.parametrize("check", ["may-repeat", "first-attempt", "client-reference-present"])
def test_what_only_says_how_to_go_on_is_not_called_a_cause(check: str) -> None:
    checked = CHECKS[check](replace(SENT, status=503, attempt=2), ())
    assert (checked.state, checked.kind) == (BAD, "caution")


def test_a_row_never_contradicts_the_diagnosis() -> None:
    """Hold each row against the corpus: it is fine only where no finding is its own."""
    for sample in corpus.samples(1):
        found = diagnose(sample.exchange, now=corpus.NOW).findings
        for name, row in DECIDED.items():
            mine = [f for f in found if f.severity != "note" and re.fullmatch(row.rules, f.rule)]
            checked = row(sample.exchange, found)
            assert checked.state != OK or not mine, name
            assert checked.state != BAD or any(f.says in checked.proof for f in found), name


def test_each_row_names_rules_and_needs_that_exist() -> None:
    for row in DECIDED.values():
        assert any(re.fullmatch(row.rules, rule) for rule in rules()) and set(row.needs) <= {*NEEDS}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_never_says_ok_without_evidence(check: Any) -> None:
    assert CHECKS[check](Exchange(), ()).state == OPEN
    assert CHECKS[check](Exchange(status=404), ()).state == OPEN


@pytest.mark.parametrize(
    ("check", "field", "code", "location"),
    [
        ("authorization-shape", "Authorization", None, "header"),
        ("account-in-path", "service_plan_id", None, "path"),
        ("content-type-json", "Content-Type", None, "header"),
        ("json-parses", "to", "syntax_invalid_json", "body"),
        ("numbers-e164", "to", "syntax_invalid_parameter_format", "body"),
        ("callback-url-present", "callback_url", "missing_callback_url", "body"),
        ("method-fits", "method", None, "method"),
        ("finding-names-cause", None, None, "server"),
    ],
)
def test_where_the_evidence_is_hidden_the_finding_of_the_diagnosis_counts(
    check: str, field: str | None, code: str | None, location: str
) -> None:
    finding = Finding(
        rule="a-rule",
        severity="error",
        status=400,
        code=code,
        field=field,
        location=location,
        says="This is at fault.",
    )
    hidden = Exchange(url="https://example.com/x", method="POST")
    assert CHECKS[check](hidden, [finding]).state == BAD
    assert "This is at fault." in CHECKS[check](hidden, [finding]).proof


@pytest.mark.parametrize("check", ["required-fields", "within-limits", "types-fit"])
def test_a_code_alone_blames_none_of_the_steps_that_it_could_mean(check: str) -> None:
    finding = Finding(rule="a-rule", severity="error", status=400, code=CODES[check], says="No.")
    assert (
        CHECKS[check](Exchange(url="https://example.com/x", method="POST"), [finding]).state == OPEN
    )


CODES = {
    "required-fields": "syntax_constraint_violation",
    "within-limits": "syntax_constraint_violation",
    "types-fit": "syntax_invalid_json",
}


def test_a_note_of_the_diagnosis_is_no_problem() -> None:
    note = Finding(rule="a-rule", severity="note", field="to", says="Worth a look.")
    assert CHECKS["finding-names-cause"](SENT, [note]).state == OPEN
    assert CHECKS["numbers-e164"](BLIND, [note]).state == OPEN


@pytest.mark.parametrize("check", CHECKS)
def test_no_proof_quotes_a_whole_number_or_a_token(check: Any) -> None:
    told = body(
        to=["+15551230001", "07700900123", "+1555x123000"],
        callback_url="https://callback.example.com/in",
    )
    proof = CHECKS[check](told, ()).proof
    assert not any(
        number in proof for number in ("15551230001", "07700900123", "1555x123000", "15559870002")
    )


VALUES = (
    some.none()
    | some.text(max_size=30)
    | some.sampled_from(
        [
            "{}",
            "[]",
            '{"to": 5}',
            '{"to": [null, "a"], "send_at": 1}',
            "[" * 5000,
            '{"body": "\\ud83d"}',
        ]
    )
)


@given(
    method=VALUES,
    url=VALUES | some.sampled_from([PLAN, f"{PLAN}/batches/{BATCH}?a", "http://[", "//"]),
    endpoint=some.sampled_from([None, "POST /batches", "GET /batches", "x"]),
    headers=some.dictionaries(
        some.sampled_from(["Authorization", "Content-Type", "Retry-After", "Content-Length"]),
        some.text(max_size=20),
    ),
    request=VALUES | some.binary(max_size=20),
    response=VALUES | some.binary(max_size=20),
    status=some.none() | some.integers(-1, 1000),
    at=some.sampled_from([None, AT]),
)
def test_no_evidence_crashes_a_check(
    method: Any,
    url: Any,
    endpoint: Any,
    headers: Any,
    request: Any,
    response: Any,
    status: Any,
    at: Any,
) -> None:
    odd = Exchange(
        method=method,
        url=url,
        endpoint=endpoint,
        request_headers=headers,
        response_headers=headers,
        request_body=request,
        response_body=response,
        status=status,
        at=at,
    )
    assert {check(odd, ()).state for check in CHECKS.values()} <= {OK, BAD, OPEN}
