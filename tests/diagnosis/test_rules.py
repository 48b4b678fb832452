"""
Each rule of `data/catalogue/rules.toml` has evidence that shows it, and valid requests do not.

A rule without a row in any of the tables here fails a test that names it.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.privacy.redaction import Redactor
from tests.diagnosis.test_beside import (
    BATCH,
    GROUPED,
    MADE,
    MADE_AGAIN,
    OTHER,
    PLAN,
    REFUSED,
    send,
    twins,
)
from tests.diagnosis.test_beside import asked as asked_for
from tests.diagnosis.test_diagnosis import (
    ALONE,
    ANSWERED,
    BASE,
    FORMAT,
    GOOD,
    GROUP,
    JSON,
    NOW,
    auth,
    body,
    get,
    refused,
    varied,
)
from tests.diagnosis.test_probes import PROBES
from tests.diagnosis.test_sources import ASSUMED
from tests.diagnosis.test_token_endpoint import asked
from tests.diagnosis.test_token_endpoint import refused as not_granted
from tests.support import corpus
from tests.support.present import present

AGENT = {"request_headers": {**GOOD.request_headers, "User-Agent": "sinch-sdk/2"}}
GATEWAY = '{"timestamp": 1, "status": 400, "error": "Bad Request", "path": "/xms/v1/p/groups/g"}'
SENT = varied(at=NOW, status=429, elapsed_ms=100.0)
LATER = replace(SENT, id="x2", at=NOW + timedelta(seconds=3), status=201)
BEFORE = send(status=201, source="log#2")
AFTER = send(status=400, source="log#9", answer={"code": FORMAT, "text": "?"})
QUOTED = replace(REFUSED, id="q", status=None, request_headers={"Authorization": "Basic abc"})
US = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches"
WINDOW = "start_date=2027-02-02T00:00:00Z&end_date=2027-02-01T00:00:00Z"
ELSEWHERE = {"url": "https://api.example.com/v1/messages"}
# rule: what differs from a good request, an exchange, or several: the last shows it
EXAMPLES: dict[str, Any] = {
    # headers and host
    "auth-pair": auth("Bearer [secret pair 40 #1]"),
    "auth-short": auth("Bearer [secret opaque 6 #1]"),
    "auth-shortened": auth("Bearer [secret opaque 12 #1 shortened]"),
    "auth-spaces": auth("Bearer [secret opaque 32 #1 trailing-space]"),
    "host-plain-http": {"url": str(GOOD.url).replace("https", "http")},
    "observed-proxy": {"method": "CONNECT", "url": "eu.sms.api.sinch.com:443", "status": 407},
    "general-number": ELSEWHERE | body(to=["+00000"]),
    # the body
    "blank-name": {"url": f"{BASE}/groups", "request_body": '{"name": " "}'},
    "body-not-shown": {"request_body": "@body.json"},
    "duplicate-recipient": body(to=["+15551230001", "15551230001"]),
    "empty-message": body(body=""),
    "json-duplicate-key": {"request_body": '{"to": ["+15551230001"], "body": "a", "body": "b"}'},
    "json-extra-quote": {"request_body": '{"to": ["+15551230001"], "body": "a""}'},
    "json-unexpected": {"request_body": "{*}"},
    "msisdn-trunk-zero": body(to=["+44 (0) 7700 900123"]),
    "msisdn-unlikely": body(to=["2025550123"]),
    "not-all-checked": body(to=["+15551230001"] * 10_001),
    "parameter-without-value": body(body="Hi ${name}"),
    "send-at-past": body(send_at="2027-02-28T12:00:00Z"),
    "too-many-parts": body(body="x" * 400, max_number_of_message_parts=1),
    "several-parts": body(body="Your code is [42]. " * 9),
    "unicode-message": body(body="Привет" * 30),
    "unknown-field": body(zebra=1),
    "variable-not-shown": auth("Bearer $TOKEN") | {"variables_not_shown": "$TOKEN"},
    "window-backwards": get(f"/batches?{WINDOW}"),
    # responses whose cause the request does not show
    "observed-400": refused(400),
    "observed-400-gateway": {**get(f"/groups/{GROUP}"), "status": 400, "response_body": GATEWAY},
    "observed-401-alone": Exchange(status=401),
    "observed-403": refused(403),
    "observed-403-report": refused(403, **get(f"/batches/{GROUP}/delivery_report")),
    "observed-404-alone": Exchange(status=404),
    "observed-404-route": refused(404),
    "observed-405": refused(405),
    "observed-409": refused(409),
    "observed-415": refused(415),
    "observed-classic": Exchange(
        method="POST",
        url="https://messagingapi.sinch.com/v1/sms/+15551230001",
        status=403,
        response_body='{"errorCode": 40303, "message": "x"}',
    ),
    "observed-code-alone": Exchange(code="quota_of_tomorrow"),
    "observed-413": refused(413),
    "observed-missing_callback_url-renamed": refused(
        403, "missing_callback_url", **body(delivery_report="summary", webhook_url="https://a.test")
    ),
    "observed-not-utf8": refused(
        400, JSON, "Invalid UTF-8 start byte 0xfc", **body(body="Für Sie")
    ),
    "observed-conflict_group_name": refused(403, "conflict_group_name"),
    "observed-batch_already_dispatched": refused(403, "batch_already_dispatched"),
    "observed-unknown_campaign": refused(403, "unknown_campaign"),
    "observed-listed": refused(409, "conflict_send_at"),
    "observed-syntax_invalid_json": refused(400, JSON),
    "observed-redirect": refused(302),
    "sdk-repeats-429": refused(429) | AGENT,
    "status-hidden": Exchange(text="Expecting value: line 1 column 1 (char 0)"),
    "no-response": {"failure": "ReadTimeout"},
    "cors-blocked": {"failure": "CORS"},
    "certificate-refused": {"failure": "CERT_HAS_EXPIRED"},
    "host-not-found": Exchange(failure="NameResolutionError"),
    "not-decidable": Exchange(),
    # the token endpoint
    "token-endpoint": asked(),
    "token-method": asked(method="GET"),
    "token-credentials": asked(headers={"Authorization": "Bearer [secret opaque 32 #1]"}),
    "token-placeholder": asked(headers={"Authorization": "Basic $KEY"}),
    "token-not-a-form": asked(body='{"grant_type": "client_credentials"}'),
    "token-grant-type": asked(body="grant_type=password"),
    "observed-token-401": asked(**not_granted(401, {"title": "Invalid credentials"})),
    "observed-token-429": asked(status=429),
    "observed-token-invalid_client": asked(**not_granted(401, {"error": "invalid_client"})),
    "observed-token-invalid_request": asked(**not_granted(400, {"error": "invalid_request"})),
    "observed-token-unsupported_grant_type": asked(
        **not_granted(400, {"error": "unsupported_grant_type"})
    ),
    # with the rest of the evidence
    "attempt-of-call": [replace(LATER, call_id="a"), replace(SENT, call_id="a")],
    "attempt-by-time": [LATER, SENT],
    "accepted-twice": [MADE, MADE_AGAIN],
    "maybe-sent-again": [
        replace(LATER, request_body=None),
        replace(SENT, request_body=None, status=504),
    ],
    "sent-twice": [
        replace(MADE, at=present(MADE.at) + timedelta(seconds=5)),
        twins(),
        replace(MADE, status=None, response_body=None, failure="ReadTimeout"),
    ],
    "callback-refused": {"url": "/dlr", "request_headers": {}, "request_body": None, "status": 410},
    "maybe-sent-twice": [LATER, replace(SENT, status=None, failure="ReadTimeout")],
    "observed-401-other-plan": [send(status=201, source="log#2", token=2, plan="0" * 32), REFUSED],
    "observed-401-other-token": [BEFORE, REFUSED],
    "observed-401-worked": [send(status=201, source="log#2", token=2), REFUSED],
    "observed-other-region": [BEFORE, replace(REFUSED, url=US, region="us")],
    "observed-404-like": [MADE, asked_for(BATCH[:-2])],
    "observed-404-other-kind": [GROUPED, asked_for(BATCH)],
    "observed-404-old": asked_for("01KS6Q3M8ZB4N7V2X9C5D1F0GH"),
    "observed-unknown_group-other-plan": [
        send(status=201, source="log#2", to=GROUP, plan=OTHER),
        send(status=403, source="log#9", to=GROUP, answer={"code": "unknown_group", "text": "x"}),
    ],
    "observed-404-other-plan": [MADE, asked_for(BATCH, plan=OTHER)],
    "passed-before": [send(status=201, source="log#2", to="+447700900803"), AFTER],
    "passed-before-same": [BEFORE, AFTER],
    "callback-without-report": body(callback_url="https://hooks.example.com/a") | {"status": 201},
    "quoted-beside": [QUOTED, replace(REFUSED, request_headers={}, request_body=None)],
}


def seen(what: Any) -> set[str]:
    """Return the rules that the diagnosis of an example names."""
    rows = what if isinstance(what, list) else [varied(**what) if isinstance(what, dict) else what]
    return {finding.rule for finding in diagnose(rows, now=NOW)[-1].findings}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_an_example_shows_its_rule(rule: str) -> None:
    assert rule in seen(EXAMPLES[rule])


def test_every_rule_is_shown_by_a_row() -> None:
    shown = {kind.rule for kind in corpus.KINDS} | EXAMPLES.keys() | ASSUMED.keys()
    shown |= {str(expected[0]) for _, expected in ALONE} | {expected[0] for _, expected in ANSWERED}
    left = rules().keys() - shown
    for parts, *_ in PROBES.values() if left else ():
        left -= seen(complete(Redactor().exchange(Exchange(**parts))))
    assert not left, f"Add a row to EXAMPLES in tests/diagnosis/test_rules.py for {sorted(left)}"


ON_GOOD_REQUESTS = {"callback-url-on-plan"}  # a note for whoever reads the request


def test_no_rule_is_shown_by_a_good_request() -> None:
    assert seen(GOOD) == set()
    good = [complete(Redactor().exchange(corpus.valid(seed))) for seed in range(corpus.VALID)]
    shown = {finding.rule for one in diagnose(good, now=NOW) for finding in one.findings}
    assert shown <= ON_GOOD_REQUESTS, shown


def test_what_to_ask_a_customer_for_is_worded_for_the_customer_too() -> None:
    asking = [rule for rule in rules().values() if "Ask for " in rule.then]
    assert asking and all(rule.customer and "Ask for" not in rule.customer for rule in asking)
