"""
Exceptions of the vendor's real SDK and of requests, raised against the sandbox.

What they hide is recovered.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.formats.exception import exchange_of
from sinchtools.sandbox import Sandbox
from tests.support.present import present

sinch = pytest.importorskip("sinch")
SEND = {"to": ["+15551230001"], "from_": "15559870002", "body": "Hi"}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


def raised(sandbox: Any, token: Any = None, **change: Any) -> Any:
    client = sinch.SinchClient(
        service_plan_id=sandbox.service_plan_id, sms_api_token=token or sandbox.api_token
    )
    client.configuration.sms_region = "us"
    client.configuration.sms_origin_with_service_plan_id = sandbox.url
    client.configuration.transport.http_session.trust_env = False
    with pytest.raises(sinch.core.exceptions.SinchException) as caught:
        client.sms.batches.send_sms(**{**SEND, **change})
    return caught.value


def test_code_and_text_that_the_sdk_hides_are_recovered(sandbox: Sandbox) -> None:
    error = raised(sandbox, delivery_report="full")
    found = diagnose(error)
    assert str(error) == "Error 403"
    assert (found.exchange.code, found.exchange.text) == (
        "missing_callback_url",
        "Requesting delivery report without any callback URL.",
    )
    assert (found.top.rule, found.top.pointer, found.consistent) == (
        "observed-missing_callback_url",
        "/delivery_report",
        True,
    )


def test_the_request_is_read_from_the_frames_of_the_traceback_and_holds_no_token(
    sandbox: Sandbox,
) -> None:
    exchange = exchange_of(raised(sandbox, to=["++15551230001"]))
    assert exchange.endpoint == "POST /batches" and exchange.account == sandbox.service_plan_id
    assert sandbox.api_token not in repr(exchange.request_headers)
    assert present(diagnose(exchange).top).rule == "msisdn-doubled-plus"


def test_an_exception_without_its_traceback_is_read_by_its_answer(sandbox: Sandbox) -> None:
    error = raised(sandbox, delivery_report="full").with_traceback(None)
    found = diagnose(error)
    assert (
        found.exchange.method is None
        and found.top.code == "missing_callback_url"
        and found.consistent is None
    )


def test_a_server_error_in_html_shows_its_status_again(sandbox: Sandbox) -> None:
    sandbox.faults.add(status=503, body="html")
    error = raised(sandbox)
    found = diagnose(error)
    assert "503" not in str(error) and "parsing json" in str(error)
    assert found.top.status == 503 and "answer-not-json" in [one.rule for one in found.findings]
    assert found.retry.advice == "ask-first"


def test_a_refused_token_is_told_as_401(sandbox: Sandbox) -> None:
    found = diagnose(raised(sandbox, token="5c1e9a7b3d2f4e68a1b2"))
    assert (found.top.rule, found.expected_status) == (
        "observed-401",
        401,
    ) and "dashboard" in found.top.then


def test_a_429_after_hidden_retries_says_that_there_were_some(sandbox: Sandbox) -> None:
    sandbox.faults.add(status=429, retry_after_s=0)
    found = diagnose(raised(sandbox))
    assert found.top.rule == "observed-429" and found.retry.advice == "after-wait"
    assert "sdk-repeats-429" in [one.rule for one in found.findings]


def test_exceptions_of_requests_carry_their_exchange(sandbox: Sandbox) -> None:
    response = requests.get(
        f"{sandbox.url}/xms/v1/{sandbox.service_plan_id}/batches",
        headers={"Authorization": "Bearer 5c1e9a7b3d2f4e68a1b2"},
        timeout=5,
    )
    with pytest.raises(requests.HTTPError) as caught:
        response.raise_for_status()
    assert present(diagnose(caught.value).top).rule == "observed-401"


def test_a_connection_that_was_refused_may_be_made_again() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.post("http://127.0.0.1:9/xms/v1/p1/batches", json={}, timeout=5)
    found = diagnose(caught.value)
    assert (
        found.exchange.endpoint == "POST /batches" and found.exchange.failure == "ConnectionError"
    )


def test_an_exception_of_something_else_is_no_crash() -> None:
    assert diagnose(KeyError("to")).exchange.failure == "KeyError"
