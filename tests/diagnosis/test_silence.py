"""A call without a response: whether it left, and why it did not."""

from __future__ import annotations

from typing import Any

import pytest

from sinchtools import Exchange, diagnose
from tests.support.present import present

URL = "https://us.sms.api.sinch.com/xms/v1/plan-1/batches"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
BODY = '{"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}'


@pytest.mark.parametrize(
    "told",
    [
        {"failure": "curl: (60)", "text": "SSL certificate problem: certificate has expired"},
        {"failure": "SSLError", "text": "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get issuer"},
        {"failure": "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"},
        {"failure": "javax.net.ssl.SSLHandshakeException", "text": "PKIX path building failed"},
        {"failure": "x509: certificate signed by unknown authority"},
    ],
)
def test_a_refused_certificate_means_that_nothing_was_sent(told: dict[str, Any]) -> None:
    found = diagnose(_without_response(**told))
    assert (present(found.top).rule, found.retry.advice) == ("certificate-refused", "as-is")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("self signed certificate in certificate chain", "issuer is unknown"),
        ("x509: certificate has expired or is not yet valid", "expired"),
        ("ERR_TLS_CERT_ALTNAME_INVALID", "another host"),
    ],
)
def test_the_reason_for_refusing_a_certificate_is_told(text: str, why: str) -> None:
    assert why in present(diagnose(_without_response("SSLError", text)).top).says


@pytest.mark.parametrize(
    "told",
    [
        {"failure": "CORS", "text": "CORS Missing Allow Origin"},
        {"failure": "net::ERR_FAILED", "origin": "https://shop.example"},
        {"failure": "Failed to fetch", "origin": "null"},
    ],
)
def test_a_call_that_the_browser_stops_belongs_on_a_server(told: dict[str, Any]) -> None:
    found = diagnose(_without_response(**told))
    assert (present(found.top).rule, found.retry.advice) == ("cors-blocked", "after-change")


@pytest.mark.parametrize(
    "told",
    [
        {"failure": "net::ERR_FAILED"},  # nothing says that a web page sent it
        {"failure": "net::ERR_TIMED_OUT", "origin": "https://shop.example"},
        {"failure": "ReadTimeout"},
    ],
)
def test_another_silence_may_have_sent_the_message(told: dict[str, Any]) -> None:
    found = diagnose(_without_response(**told))
    assert (present(found.top).rule, found.retry.advice) == ("no-response", "ask-first")


def test_the_line_of_a_client_alone_shows_neither_headers_nor_body() -> None:
    line = Exchange(method="POST", url=URL, endpoint="POST /batches", failure="CORS")
    assert [one.rule for one in diagnose(line).findings] == ["cors-blocked"]


def _without_response(failure: str, text: str | None = None, origin: str | None = None) -> Exchange:
    headers = HEADERS | ({"Origin": origin} if origin else {})
    return Exchange(
        method="POST",
        url=URL,
        endpoint="POST /batches",
        request_headers=headers,
        request_body=BODY,
        failure=failure,
        text=text,
    )
