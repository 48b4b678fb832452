import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

import sinchtools.api
import sinchtools.diagnosis
from sinchtools.api import catalogue
from sinchtools.api.description import complete
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.diagnosis import Diagnoses, Diagnosis, diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.evidence import read
from tests.support.present import present

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
PLAN = "9b1c2d3e4f5061728394a5b6c7d8e9f0"
BASE = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}"
GROUP = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"
BODY = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}
TOKEN = "Bearer [secret opaque 32 #1]"
GOOD = Exchange(
    id="x1",
    method="POST",
    url=f"{BASE}/batches",
    request_headers={"Authorization": TOKEN, "Content-Type": "application/json"},
    request_body=json.dumps(BODY),
)
JSON, FORMAT, CONSTRAINT = (
    "syntax_invalid_json",
    "syntax_invalid_parameter_format",
    "syntax_constraint_violation",
)


def varied(**change: Any) -> Exchange:
    return complete(replace(GOOD, **change))


def found(**change: Any) -> Diagnosis:
    return diagnose(varied(**change), now=NOW)


def top_of(**change: Any) -> Finding:
    return present(found(**change).top)


def body(**change: Any) -> dict[str, Any]:
    return {"request_body": json.dumps({**BODY, **change})}


def auth(value: Any) -> dict[str, Any]:
    return {"request_headers": {**GOOD.request_headers, "Authorization": value}}


def get(path: str) -> dict[str, Any]:
    return {
        "method": "GET",
        "url": BASE + path,
        "request_headers": {"Authorization": TOKEN},
        "request_body": None,
    }


def refused(status: Any, code: Any = None, text: Any = None, **change: Any) -> dict[str, Any]:
    answer = json.dumps({"code": code, "text": text or "x"}) if code else None
    return {**change, "status": status, "response_body": answer}


def errors(diagnosis: Any) -> list[Any]:
    return [finding.rule for finding in diagnosis.findings if finding.severity == "error"]


def test_a_good_request_has_no_error() -> None:
    assert errors(found()) == [] and found().expected_status == 201 and found().top is None


ALONE = [  # what differs from the good request: rule, answer, place
    (body(to=["++15551230001"]), ("msisdn-doubled-plus", 400, FORMAT, "body", "to", "/to/0")),
    (body(to=["07700900123"]), ("msisdn-national", 400, FORMAT, "body", "to", "/to/0")),
    (body(to="+15551230001"), ("not-an-array", 400, JSON, "body", "to", "/to")),
    (body(to=[]), ("empty", 400, CONSTRAINT, "body", "to", "/to")),
    (
        body(to=[f"+1555{n}" for n in range(1230000, 1231001)]),
        ("too-many", 400, CONSTRAINT, "body", "to", "/to"),
    ),
    (body(body="x" * 2001), ("too-long", 400, CONSTRAINT, "body", "body", "/body")),
    (
        body(expire_at="2027-02-28T12:00:00Z"),
        ("expire-at-past", 400, CONSTRAINT, "body", "expire_at", "/expire_at"),
    ),
    (
        body(parameters={"k": {"default": "x" * 161}}),
        ("too-long", 400, CONSTRAINT, "body", "parameters", "/parameters/k/default"),
    ),
    (
        {"request_body": '{"to": ["+15551230001"], "body": "Hi",}'},
        ("json-trailing-comma", 400, JSON, "body", None, None),
    ),
    ({"request_body": b'{"body": "\xfc"}'}, ("json-encoding", 400, JSON, "body", "body", None)),
    ({"request_body": None}, ("json-empty", 400, JSON, "body", None, None)),
    (auth("[secret opaque 32 #1]"), ("auth-no-bearer", 401, None, "header", "Authorization", None)),
    (auth("Basic [secret pair 40 #1]"), ("auth-basic", 401, None, "header", "Authorization", None)),
    (
        auth("Bearer [secret jwt 200 #1 expires=2027-03-01T11:00:00Z]"),
        ("auth-expired", 401, None, "header", "Authorization", None),
    ),
    (
        auth("Bearer [secret jwt 200 #1 expires=2027-03-01T13:00:00Z]"),
        ("auth-oauth-on-plan-host", 401, None, "header", "Authorization", None),
    ),
    (auth("Bearer {token}"), ("auth-placeholder", 401, None, "header", "Authorization", None)),
    (
        {"request_headers": {"Authorization": TOKEN}},
        ("content-type-missing", 415, None, "header", "Content-Type", None),
    ),
    ({"method": "PATCH"}, ("method-not-allowed", 405, None, "method", "method", None)),
    ({"url": f"{BASE}/batch"}, ("path-word", 404, None, "path", "path", None)),
    ({"url": f"{BASE}/messages"}, ("path-word", 404, None, "path", "path", None)),
    (
        {"url": f"https://us.sms.api.sinch.com/{PLAN}/batches"},
        ("path-prefix", 404, None, "path", "path", None),
    ),
    (
        {"url": "https://us.sms.api.sinch.com/xms/v1//batches"},
        ("path-empty-id", 404, None, "path", "service_plan_id", None),
    ),
    (
        {"url": f"https://messagingapi.sinch.com/xms/v1/{PLAN}/batches"},
        ("host-classic", 404, None, "host", "host", None),
    ),
    (
        {"url": f"https://us.sms.api.sinch.co/xms/v1/{PLAN}/batches"},
        ("host-near-miss", 404, None, "host", "host", None),
    ),
    (get("/batches/undefined"), ("path-placeholder", 404, None, "path", "batch_id", None)),
    (
        get(f"/batches/{GROUP}/delivery_report/abc"),
        ("msisdn-letters", 400, FORMAT, "path", "recipient_msisdn", None),
    ),
]


@pytest.mark.parametrize(("change", "expected"), ALONE, ids=[row[1][0] for row in ALONE])
def test_a_request_alone_shows_what_is_wrong(change: Any, expected: Any) -> None:
    diagnosis = found(**change)
    top = present(diagnosis.top)
    assert (top.rule, top.status, top.code, top.location, top.field, top.pointer) == expected
    assert (diagnosis.expected_status, diagnosis.expected_code, diagnosis.consistent) == (
        *expected[1:3],
        None,
    )


# the rows of the status page that a request need not show, and others that are not on it
ANSWERED = [
    (refused(401), ("observed-401", "header", "Authorization", None)),
    (refused(403, "blocked_account"), ("observed-blocked_account", "account", None, None)),
    (refused(403, "illegal_number_type"), ("observed-illegal_number_type", "body", "to", None)),
    (
        refused(403, "missing_callback_url", **body(delivery_report="full")),
        ("observed-missing_callback_url", "body", "callback_url", "/delivery_report"),
    ),
    (
        refused(403, "unknown_group", **body(to=["+15551230001", GROUP])),
        ("observed-unknown_group", "body", "to", "/to/1"),
    ),
    (refused(404, **get(f"/inbounds/{GROUP}")), ("observed-404", "path", "inbound_id", None)),
    (
        refused(404, **get(f"/batches/{GROUP}/delivery_report")),
        ("observed-404-report", "path", "batch_id", None),
    ),
    (refused(429), ("observed-429", "rate", None, None)),
    (refused(500), ("observed-500", "server", None, None)),
    (refused(503), ("observed-503", "server", None, None)),
    (refused(502), ("observed-5xx", "server", None, None)),
    (refused(799), ("observed-no-http-status", "server", None, None)),
    (refused(403, "made_up_tomorrow"), ("observed-unknown-code", "body", None, None)),
    (refused(418), ("observed-other-status", "body", None, None)),
    (
        refused(400, FORMAT, "Invalid value for to[0]"),
        ("observed-syntax_invalid_parameter_format", "body", "to", "/to/0"),
    ),
    (
        refused(400, CONSTRAINT, "'client_reference' is too long"),
        ("observed-syntax_constraint_violation", "body", "client_reference", None),
    ),
]


@pytest.mark.parametrize(
    ("change", "expected"), ANSWERED, ids=[f"{row[0]['status']}-{row[1][0]}" for row in ANSWERED]
)
def test_an_answer_that_the_request_does_not_explain_is_the_answer(
    change: Any, expected: Any
) -> None:
    diagnosis = found(**change)
    top = present(diagnosis.top)
    if top.rule == "observed-unknown-code" or top.rule == "observed-other-status":
        expected = (expected[0], top.location, top.field, top.pointer)
    assert (top.rule, top.location, top.field, top.pointer) == expected
    assert top.severity == "error" and (diagnosis.expected_status, diagnosis.expected_code) == (
        change["status"],
        varied(**change).code,
    )


CONSISTENT = [
    ({"status": 201}, True),
    ({"status": None}, None),
    (refused(400, FORMAT, **body(to=["++15551230001"])), True),
    (
        refused(400, CONSTRAINT, **body(to="+15551230001")),
        True,
    ),  # which code a defect gets is not documented for each
    (refused(400, FORMAT), False),
    (refused(405), False),
    (refused(429), True),
    (refused(401), True),
    ({"status": 201, **body(to=["++15551230001"])}, False),
    (refused(403, "blocked_account", **body(to=["++15551230001"])), False),
]


@pytest.mark.parametrize(("change", "expected"), CONSISTENT)
def test_findings_say_whether_they_fit_the_answer(change: Any, expected: bool | None) -> None:
    assert found(**change).consistent is expected


@pytest.mark.parametrize(
    "row", [row for row in catalogue.status_rows() if row.number >= 400], ids=lambda row: row.label
)
def test_every_failing_row_of_the_page_has_words_of_its_own(row: Any) -> None:
    top = top_of(status=row.number, code=row.code, text="x")
    assert top.status == row.number and top.code == row.code and top.rule.startswith("observed-")
    assert top.rule not in ("observed-unknown-code", "observed-other-status")


def test_evidence_beats_assumption() -> None:
    diagnosis = found(status=201, **body(to=["++15551230001"]))
    assert errors(diagnosis) == [] and diagnosis.expected_status == 201
    top = present(diagnosis.top)
    assert (top.rule, top.severity, top.status) == ("msisdn-doubled-plus", "warning", None)


def test_a_later_answer_disproves_what_would_have_been_refused_before() -> None:
    diagnosis = found(**refused(403, "unknown_group", **auth("Basic [secret pair 40 #1]")))
    assert errors(diagnosis) == ["observed-unknown_group"]
    assert "auth-basic" in [
        finding.rule for finding in diagnosis.findings if finding.severity == "warning"
    ]


def test_what_the_answer_did_not_reach_stays_an_error() -> None:
    diagnosis = found(**refused(401, **body(to=["++15551230001"])))
    assert errors(diagnosis) == ["observed-401", "msisdn-doubled-plus"]


def test_the_finding_that_the_vendors_text_names_comes_first() -> None:
    change = body(to=["++15551230001"], callback_url="hooks.example.com")
    for text, field in (("Invalid callback_url", "callback_url"), ("to[0] is wrong", "to")):
        assert top_of(**refused(400, FORMAT, text, **change)).field == field


def test_headers_that_the_evidence_leaves_out_are_no_error() -> None:
    diagnosis = found(status=403, code="blocked_account", request_headers={"Accept": "*/*"})
    assert errors(diagnosis) == ["observed-blocked_account"] and diagnosis.consistent


def test_a_line_and_a_column_lead_to_the_value() -> None:
    text = '{\n "to": ["+15551230001",\n        "++15551230002"],\n "body": "Hi"\n}'
    top = top_of(request_body=text)
    assert (top.line, top.column, top.pointer) == (3, 9, "/to/1")


def test_a_connection_that_a_proxy_opened_is_no_request_to_another_api() -> None:
    opened = found(method="CONNECT", url="us.sms.api.sinch.com:443", status=200)
    assert not opened.findings and not opened.failing


def test_a_request_to_another_host_is_judged_by_general_rules_only() -> None:
    other = {
        "url": "https://api.example.com/v1/messages",
        "request_headers": {"Content-Type": "application/json"},
    }
    assert [finding.rule for finding in found(**other).findings] == ["not-the-sms-api"]
    assert (
        errors(found(**other, request_body="{'to': 1}")) == ["json-single-quotes"]
        and found(**other, request_body="{'to': 1}").expected_code is None
    )
    answer = '{"errors": [{"description": "no (correct) recipients found"}]}'
    said = top_of(**other, status=422, response_body=answer)
    assert "no (correct) recipients found" in said.says and said.status == 422


def test_a_success_that_reports_an_error_in_its_body_is_told() -> None:
    answer = '{"messages": [{"status": "1", "error-text": "Throughput Rate Exceeded"}]}'
    top = top_of(url="https://api.example.com/sms", status=200, response_body=answer)
    assert (top.rule, top.severity) == ("general-error-in-success", "warning")
    assert "Throughput" in top.says


def test_a_token_that_works_for_another_plan_is_told() -> None:
    works = varied(id="a", status=201, url=BASE.replace(PLAN, "0" * 32) + "/batches")
    told = diagnose([works, varied(id="b", status=401)], now=NOW)[1]
    assert present(told.top).rule == "observed-401-other-plan"


def test_a_batch_whose_report_failed_is_explained_by_its_delivery_code() -> None:
    sent = varied(id="a", status=201, response_body=json.dumps({"id": GROUP}))
    report = varied(
        id="b",
        **get(f"/batches/{GROUP}/delivery_report"),
        status=200,
        response_body='{"statuses": [{"code": 412, "status": "Aborted", "count": 1}]}',
    )
    top = present(diagnose([sent, report], now=NOW)[0].top)
    assert top.rule == "delivery-failed" and "412" in top.says and top.severity == "error"


@pytest.mark.parametrize(
    ("exchange", "rule"),
    [
        (Exchange(status=403, code="missing_callback_url"), "observed-missing_callback_url"),
        (Exchange(status=503), "observed-503"),
        (
            Exchange(
                response_body='{"type": "recipient_delivery_report_sms", "code": 310, "status": '
                '"Failed"}'
            ),
            "delivery-failed",
        ),
        (
            Exchange(
                text="Error while parsing json response. Expecting value: line 1 column 1 (char 0)"
            ),
            "status-hidden",
        ),
        (Exchange(), "not-decidable"),
    ],
)
def test_evidence_without_a_request_has_an_answer_too(exchange: Exchange, rule: str) -> None:
    assert present(diagnose(exchange, now=NOW).top).rule == rule


def test_an_exception_of_requests_carries_its_exchange() -> None:
    response = requests.Response()
    response.status_code, response._content = 403, b'{"code": "missing_callback_url", "text": "x"}'
    response.request = requests.Request(
        "POST",
        GOOD.url,
        headers={"Authorization": "Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0"},
        json=BODY,
    ).prepare()
    diagnosis = diagnose(requests.HTTPError("403", response=response))
    assert (
        present(diagnosis.top).code == "missing_callback_url"
        and diagnosis.exchange.endpoint == "POST /batches"
    )
    assert "9f8e7d6c" not in repr(diagnosis.exchange.request_headers)


def test_a_connection_that_failed_has_no_status() -> None:
    diagnosis = diagnose(requests.ConnectionError("Failed to resolve: NameResolutionError"))
    top = present(diagnosis.top)
    assert (top.rule, top.location, diagnosis.expected_status) == ("host-not-found", "host", None)


@pytest.mark.parametrize("what", [7, None, ["text"], [1]])
def test_what_is_no_exchange_is_refused_with_a_hint(what: Any) -> None:
    with pytest.raises(WrongUseError, match="Read it first"):
        diagnose(what)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"status": 201}, "not-needed"),
        (refused(400, FORMAT, **body(to=["++15551230001"])), "after-change"),
        (refused(401), None),
        (refused(429), "after-wait"),
        (refused(500), "as-is"),
        (refused(503), "ask-first"),
        ({"status": None, "failure": "ReadTimeout"}, "ask-first"),
        (
            body(to=["++15551230001"]),
            "after-change",
        ),  # no answer is known: by the one that it deserves
    ],
)
def test_the_retry_advice_is_that_of_the_catalogue(change: Any, advice: str | None) -> None:
    diagnosis = found(**change)
    if advice is None:
        advice = catalogue.retry_advice(change["status"], None, "POST", endpoint="POST /batches")[0]
    assert diagnosis.retry.advice == advice and diagnosis.retry.reason
    assert advice in json.dumps(diagnosis.as_json())
    for shown in (diagnosis.as_text(), diagnosis._repr_html_()):
        assert catalogue.RETRY[advice] in shown
    words = catalogue.retry_in_words(advice).lower()
    assert words in diagnosis.answer().lower() or not diagnosis.failing


def test_a_retry_waits_as_long_as_the_answer_asks() -> None:
    assert (
        "Retry-After 7" in found(**refused(429), response_headers={"retry-after": "7"}).retry.reason
    )


def test_an_explicit_moment_wins_over_the_time_of_the_exchange() -> None:
    exchange = varied(**body(expire_at="2027-03-02T00:00:00Z"), at=NOW)
    assert diagnose(exchange).top is None
    later = diagnose(exchange, now=datetime(2027, 3, 3, tzinfo=UTC))
    assert present(later.top).rule == "expire-at-past"


def test_a_note_on_the_place_of_the_answer_is_not_repeated() -> None:
    diagnosis = found(**refused(403, "missing_callback_url", **body(delivery_report="full")))
    assert [finding.rule for finding in diagnosis.findings] == ["observed-missing_callback_url"]
    assert "callback-url-on-plan" in [
        finding.rule for finding in found(**body(delivery_report="full")).findings
    ]


def test_notes_come_after_warnings() -> None:
    report = varied(
        id="r",
        **get(f"/batches/{GROUP}/delivery_report"),
        status=200,
        response_body='{"statuses": [{"code": 310, "status": "Failed"}]}',
    )
    sent = varied(
        status=201,
        response_body=json.dumps({"id": GROUP}),
        request_body='{"to": ["+1 555 123 0001"], "body": "${x}", "odd": 1}',
    )
    severities = [finding.severity for finding in diagnose([sent, report], now=NOW)[0].findings]
    assert severities == sorted(severities, key=("error", "warning", "note").index)
    assert len(set(severities)) == 3


CURL = (
    f"curl {BASE}/batches -H 'Authorization: Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0' -d "
    f"'{json.dumps(BODY)}'"
)


def test_pasted_text_is_read_first() -> None:
    one, two = diagnose(CURL, now=NOW), diagnose(f"{CURL}\n\n{CURL}", now=NOW)
    assert isinstance(one, Diagnosis) and isinstance(two, Diagnoses)
    rules = [present(told.top).rule for told in (one, *two)]
    assert rules == ["content-type-unsupported"] * 3
    with pytest.raises(WrongUseError, match="No exchange was read"):
        diagnose("nothing that could be read")


def test_a_row_may_be_a_dict() -> None:
    row = {"method": "POST", "url": f"{BASE}/batches", "status": 403, "code": "unknown_group"}
    assert (
        diagnose(row).exchange.endpoint == "POST /batches"
        and present(diagnose(row).top).rule == "observed-unknown_group"
    )
    with pytest.raises(WrongUseError, match="no 'stat'"):
        diagnose({"stat": 403})


def test_words_for_the_engineer_stand_beside_those_for_the_customer() -> None:
    diagnosis = found(**refused(503, response_body="<html>"))
    engineer = next(finding.engineer for finding in diagnosis.findings if finding.engineer)
    assert engineer in diagnosis.as_text() and engineer not in diagnosis.answer()


def test_json_has_the_keys_of_the_contract() -> None:
    answer = found(**body(to=["++15551230001"])).as_json()
    assert {
        "id",
        "source",
        "observed_status",
        "observed_code",
        "expected_status",
        "expected_code",
        "consistent",
        "findings",
    } <= set(answer)
    keys = {
        "rule",
        "severity",
        "status",
        "code",
        "location",
        "field",
        "pointer",
        "line",
        "column",
        "says",
        "then",
        "page",
        "fix",
    }
    assert keys <= set(answer["findings"][0]) and json.dumps(answer)


def test_the_text_shows_a_caret_under_the_character() -> None:
    lines = found(request_body='{"to": ["+15551230001"], "body": "Hi",}').as_text().splitlines()
    caret = next(i for i, line in enumerate(lines) if line.strip(" |") == "^")
    assert lines[caret - 1][lines[caret].index("^")] == ","


HOSTILE = (
    '{"to": ["++15551230001<script>"], "body": "<img src=x onerror=alert(1)>", "send_at": '
    '"15551230001"}'
)


def test_nothing_that_is_handed_over_holds_a_whole_number_and_nothing_shown_holds_markup() -> None:
    diagnosis = found(
        request_body=HOSTILE, **refused(400, FORMAT, "'+15551230001' <b>is</b> wrong")
    )
    assert "15551230001" not in diagnosis.answer()
    assert "15551230001" in diagnosis.as_text()  # the engineer sees the place as it is
    assert not re.search("<script|<img|<b>is", diagnosis._repr_html_())


def test_the_ticket_answer_says_what_where_and_what_to_do() -> None:
    answer = found(**body(to=["++15551230001"])).answer()
    assert all(word in answer for word in ("What:", "Where:", "Do:", "plus", "to[0]"))


@pytest.mark.parametrize("change", [refused(503), refused(403, "blocked_account")])
def test_the_vendors_side_gets_a_message_to_the_account_manager(change: Any) -> None:
    answer = found(**change, at=NOW).answer()
    assert (
        answer.startswith("To the account manager")
        and PLAN in answer
        and "2027-03-01 12:00:00" in answer
    )


def test_many_exchanges_make_a_frame_also_when_there_is_none() -> None:
    frame = diagnose([GOOD, varied(id="x2", **body(to=[]))], now=NOW).frame()
    assert (
        list(frame["rule"].fillna("")) == ["", "empty"]
        and (frame.dtypes == Diagnoses().frame().dtypes).all()
    )


BAD = {
    "large-text": {"request_body": '{"to": ["+15551230001"], "body": "' + "x" * 2_000_000 + '",}'},
    "large-noise": {"request_body": b"\xff\x00" * 500_000},
    "many-recipients": body(to=[f"+1555{1000000 + n}" for n in range(2_000)]),
    "many-bad-numbers": body(to=[f"++{n}" for n in range(2_000)]),
    "deep": {"request_body": '{"parameters": ' + "[" * 100_000},
    "odd-status": {"status": -1},
    "status-7": {"status": 7},
    "status-999": {"status": 999},
    "redirect": {"status": 301},
    "no-url": {"url": None},
    "no-method": {"method": None},
    "broken-url": {"url": "https://[::1/xms"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_bad_input_is_diagnosed(change: Any) -> None:
    diagnosis = found(**change)
    assert diagnosis.as_text() and len(diagnosis.findings) < 100


# --- the rules are data ---------------------------------------------------------------------------


def named_rules(module: Any) -> Iterator[Any]:
    """
    The literals that are used as a rule's id.

    `rule="..."`, and the first text given to a maker of findings.
    """
    makers = {"warning", "note", "_auth", "finding_of", "defect_at"}
    for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            texts = [
                a.value
                for a in node.args
                if isinstance(a, ast.Constant) and isinstance(a.value, str)
            ]
            if getattr(node.func, "id", "") in makers and texts:
                yield texts[0]
            yield from (
                k.value.value
                for k in node.keywords
                if k.arg == "rule" and isinstance(k.value, ast.Constant)
            )


MODULES = [
    importlib.import_module(module.name)
    for package in (sinchtools.api, sinchtools.diagnosis)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


def test_every_rule_that_is_used_has_words() -> None:
    used = {name for module in MODULES for name in named_rules(module)}
    assert used <= set(rules()) and len(used) > 100


def test_every_rule_says_what_to_do_and_where_the_fact_stands() -> None:
    for name, rule in rules().items():
        assert (
            rule.says
            and rule.then
            and rule.page
            and rule.tag in ("documented", "observed", "assumed")
        ), name


@pytest.mark.parametrize(
    ("code", "status"),
    [("missing_callback_url", 403), ("syntax_invalid_json", 400), ("blocked_account", 403)],
)
def test_a_code_alone_has_the_status_of_its_row(code: str, status: int) -> None:
    found = diagnose(Exchange(id="x", code=code, response_body=f'{{"code": "{code}"}}'))
    assert (found.expected_status, found.expected_code, present(found.top).severity) == (
        status,
        code,
        "error",
    )


@pytest.mark.parametrize("status", [401, 404])
def test_a_status_alone_claims_nothing_about_a_request_that_is_not_shown(status: int) -> None:
    assert "does not show" in present(diagnose(Exchange(id="x", status=status)).top).says


def test_a_command_with_an_error_body_below_is_judged_by_its_code() -> None:
    body = '{"to": ["+15551230001"], "from": "12345", "body": "Hi", "delivery_report": "full"}'
    headers = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
    url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    found = diagnose(
        Exchange(
            id="x",
            method="POST",
            url=url,
            request_headers=headers,
            request_body=body,
            code="missing_callback_url",
        )
    )
    assert (found.expected_status, found.expected_code, present(found.top).field) == (
        403,
        "missing_callback_url",
        "callback_url",
    )


@pytest.mark.parametrize(
    "written", ["46701740605", "%2B46701740605", "+46.701.740.605", "46-70-174-06-05"]
)
def test_a_number_in_the_path_is_masked_in_what_is_handed_over_alone(written: str) -> None:
    found = diagnose(
        Exchange(
            method="PUT",
            url=f"https://us.sms.api.sinch.com/xms/v1/abc/numbers/{written}",
            status=404,
        )
    )
    assert "PUT /xms/v1/abc/numbers/" in found.answer()
    assert not re.search(r"0605|06[.-]05|0\.605", found.answer())
    assert written.replace("%2B", "+") in found.as_text()


@pytest.mark.parametrize(
    "path",
    [
        "xms/v1/0f3e8a51-1111-2222-3333-444455556666/x",
        "xms/v1/p/01FC66621XXXXX119Z8PMV1QPQ/x",
        "x/2026-11-23",
    ],
)
def test_ids_and_dates_in_the_path_stay(path: str) -> None:
    assert (
        f"PUT /{path}"
        in diagnose(Exchange(method="PUT", url=f"https://x.example/{path}", status=404)).answer()
    )


def test_a_dotted_number_in_the_words_of_the_vendor_is_masked() -> None:
    assert (
        "174"
        not in diagnose(
            Exchange(
                method="POST",
                url="https://x.example/a",
                status=503,
                text="no way to +46.70.174.06.05",
            )
        ).answer()
    )


@pytest.mark.parametrize("status", [400, 401, 415, None])
@pytest.mark.parametrize("headers", [{}, {"User-Agent": "okhttp/4.12", "Referer": "-"}])
def test_the_line_of_a_log_says_nothing_of_headers_that_it_does_not_show(
    status: int | None, headers: Any
) -> None:
    row = complete(
        Exchange(
            method="POST",
            url="https://us.sms.api.sinch.com/xms/v1/0123456789abcdef0123456789abcdef/batches",
            request_headers=headers,
            status=status,
            at=datetime(2026, 11, 20, tzinfo=UTC),
        )
    )
    found = {finding.rule for finding in diagnose(row).findings}
    assert not found & {"auth-missing", "content-type-missing", "json-empty"}


def test_what_is_said_of_a_response_is_its_own_status_and_what_is_shown_of_its_request() -> None:
    with_code = present(found(**refused(403, "syntax_invalid_json")).top)
    assert "403" in with_code.says and "400" not in with_code.says
    line = '203.0.113.7 - - [24/Nov/2026:09:41:12 +0000] "POST /xms/v1/p/batches HTTP/1.1" 401 0\n'
    assert present(diagnose(read(line)[0]).top).rule == "observed-401-alone"
