import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.fixes import Fix, repaired_json
from tests.support.present import present

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
BODY = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}
URL = "https://us.sms.api.sinch.com/xms/v1/9b1c2d3e4f5061728394a5b6c7d8e9f0/batches"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
GOOD: dict[str, Any] = {
    "id": "x1",
    "method": "POST",
    "url": URL,
    "request_headers": HEADERS,
    "request_body": json.dumps(BODY),
}


def fixed(**change: Any) -> Fix | None:
    return diagnose(Exchange(**{**GOOD, **change}), now=NOW).fix


def with_header(name: str, value: str) -> dict[str, Any]:
    return {"request_headers": {**HEADERS, name: value}}


CERTAIN = {
    "trailing-comma": {
        "request_body": '{"from": "15559870002", "to": ["+15551230001"], "body": "Hi",}'
    },
    "python-repr": {"request_body": str(BODY)},
    "smart-quotes": {"request_body": "{“to”: [“+15551230001”], “body”: “Hi”}"},
    "raw-newline": {"request_body": '{"to": ["+15551230001"], "body": "a\nb\nc"}'},
    "bom": {"request_body": "\ufeff" + json.dumps(BODY)},
    "missing-brace": {"request_body": json.dumps(BODY)[:-1]},
    "encoded-twice": {"request_body": json.dumps(json.dumps(BODY))},
    "to-is-a-text": {"request_body": json.dumps(BODY | {"to": "+15551230001"})},
    "doubled-plus": {"request_body": json.dumps(BODY | {"to": ["++15551230001", "+15551230002"]})},
    "two-defects": {"request_body": json.dumps(BODY | {"to": "++15551230001"})},
    "content-type": with_header("Content-Type", "text/plain"),
    "a-form-of-curl": {
        **with_header("Content-Type", "application/x-www-form-urlencoded"),
        "request_body": str(BODY),
        "status": 415,
    },
    "no-bearer": with_header("Authorization", "[secret opaque 32 #1]"),
    "quoted-token": with_header("Authorization", "Bearer [secret opaque 32 #1 quoted]"),
    "newline-after-token": with_header(
        "Authorization", "Bearer [secret opaque 32 #1 trailing-newline]"
    ),
    "near-choice": {"request_body": json.dumps(BODY | {"delivery_report": "perRecipient"})},
    "date-without-t": {"request_body": json.dumps(BODY | {"send_at": "2027-03-02 10:00:00"})},
    "date-without-zone": {"request_body": json.dumps(BODY | {"expire_at": "2027/03/02 10:00"})},
    "quoted-boolean": {"request_body": json.dumps(BODY | {"flash_message": "True"})},
    "url-without-scheme": {"request_body": json.dumps(BODY | {"callback_url": "a.example.com/x"})},
    "number-as-a-number": {"request_body": json.dumps(BODY | {"to": [15551230001]})},
    "renamed-field": {
        "request_body": json.dumps({"to": ["+15551230001"], "from": "15559870002", "text": "Hi"})
    },
    "double-slash": {"url": URL.replace("/xms", "//xms")},
    "method": {"method": "GET", "url": URL + "/dry_run"},
}


@pytest.mark.parametrize("change", CERTAIN.values(), ids=CERTAIN)
def test_a_suggested_fix_leaves_no_error(change: Any) -> None:
    fix = present(fixed(**change))
    again = diagnose(fix.exchange, now=NOW)
    assert [finding.rule for finding in again.findings if finding.severity == "error"] == []
    assert fix.changes and fix.exchange.parent_id == "x1"


UNCERTAIN = {
    "expired-token": with_header(
        "Authorization", "Bearer [secret jwt 200 #1 expires=2027-01-01T00:00:00Z]"
    ),
    "missing-field": {"request_body": '{"to": ["+15551230001"]}'},
    "inner-quote": {"request_body": '{"to": ["+15551230001"], "body": "say "hi" now"}'},
    "form": {"request_body": "to=1&body=Hi"},
    "cut-off": {"request_body": '{"to": ["+15551230001"], "bo'},
    "bad-bytes": {"request_body": b'{"body": "\xfc"}'},
    "national-number": {"request_body": json.dumps(BODY | {"to": ["07700900123"]})},
    "server-error": {"status": 503},
    "blocked": {"status": 403, "code": "blocked_account"},
    "nothing-wrong": {},
}


@pytest.mark.parametrize("change", UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_is_not_certain_has_no_fix(change: Any) -> None:
    assert fixed(**change) is None


def test_the_original_is_not_changed_and_the_answer_is_not_kept() -> None:
    body = '{"to": ["+15551230001"], "body": "Hi",}'
    answer = {"status": 400, "code": "syntax_invalid_json"}
    exchange = Exchange(**{**GOOD, "request_body": body, **answer})
    fix = present(diagnose(exchange, now=NOW).fix)
    assert exchange.request_body == body
    assert fix.exchange.status is None and fix.exchange.code is None


def test_changes_show_the_engineer_the_value() -> None:
    fix = present(fixed(request_body=json.dumps(BODY | {"to": ["++15551230001"]})))
    assert fix.changes == ('to[0]: "++15551230001" -> "+15551230001"',)


def test_all_independent_mistakes_are_told_and_fixed_at_once() -> None:
    body = """{
  "to": ["+15551230001"], "from": "15559870002", "body": "Hi",
  "delivery_report": "Per-Recipient",
  "expire_at": "2027-03-02 10:00",
}"""
    diagnosis = diagnose(Exchange(**{**GOOD, "request_body": body}), now=NOW)
    errors = [(f.rule, f.line) for f in diagnosis.findings if f.severity == "error"]
    assert errors == [("json-trailing-comma", 4), ("not-a-choice-but-close", 3), ("bad-date", 4)]
    fix = present(diagnosis.fix)
    assert fix.changes[1:] == (
        'delivery_report: "Per-Recipient" -> "per_recipient"',
        'expire_at: "2027-03-02 10:00" -> "2027-03-02T10:00Z" '
        "(taken as UTC where no zone is named: confirm it)",
    )
    assert str(fix.exchange.request_body).count("\n") == body.count("\n")


def test_an_edit_holds_the_changed_parts_only() -> None:
    fix = present(fixed(**with_header("Content-Type", "text/plain")))
    assert fix.edit == {"headers": {"Content-Type": "application/json"}}


@pytest.mark.parametrize("text", ["{'body': \"it's\"}", '{“a”: "b"}', "", '{"a": "b'])
def test_a_repair_is_json_or_nothing(text: str) -> None:
    repaired = repaired_json(text)
    assert repaired is None or json.loads(repaired)
