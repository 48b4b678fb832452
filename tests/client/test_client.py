"""
The client.

Every attempt is a logged exchange, credentials go nowhere else, nothing is sent twice by itself.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

from sinchtools.api.catalogue import retry_advice
from sinchtools.api.description import ENDPOINTS
from sinchtools.client.client import Client, connect
from sinchtools.client.log import CallLog
from sinchtools.client.recording import failure_of, record
from sinchtools.client.retrying import retry_after_s, retry_delay_s
from sinchtools.client.token import AccessToken, Token
from sinchtools.core.errors import (
    MissingCredentialsError,
    NotAllowedError,
    UnknownRegionError,
    WrongUseError,
)
from sinchtools.core.records import Exchange
from sinchtools.core.settings import Credentials, Secret
from sinchtools.sandbox import Sandbox
from tests.support.clients import client_of
from tests.support.present import parsed, present

BATCH = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, log: CallLog) -> Client:
    return client_of(sandbox, log)


class Listener(HTTPServer):
    """A server in a thread of its own, and what it heard."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], heard: list[Any]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.heard = heard

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture
def echo() -> Iterator[Listener]:
    """A server that remembers the headers it got; it knows nothing of the API."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(302 if self.path == "/away" else 200)
            if self.path == "/away":
                self.send_header(
                    "Location", f"http://localhost:{self.connection.getsockname()[1]}/there"
                )
            self.send_header("X-Said", f"no {self.headers['Authorization']}"[-32:])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *args: object) -> None:
            pass

    with Listener(Handler, seen) as server:
        yield server


def test_a_good_send_is_an_exchange_and_a_row(client: Client, log: CallLog) -> None:
    exchange = client.batches.send(BATCH)
    assert (exchange.status, exchange.endpoint, exchange.account, exchange.target) == (
        201,
        "POST /batches",
        client.account,
        "sandbox",
    )
    assert list(log) == [exchange]
    assert present(exchange.at).tzinfo is UTC
    assert present(exchange.elapsed_ms) > 0


def test_a_failing_answer_is_a_result(client: Client) -> None:
    exchange = client.batches.send({**BATCH, "delivery_report": "full"})
    assert (exchange.status, exchange.code, exchange.text) == (
        403,
        "missing_callback_url",
        "Requesting delivery report without any callback URL.",
    )


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param(None, 400, "syntax_invalid_json", id="default-content-type"),
        pytest.param({}, 415, None, id="no-headers-but-the-credentials"),
        pytest.param(
            {"Authorization": None, "Content-Type": "application/json"},
            401,
            None,
            id="credentials-taken-out",
        ),
        pytest.param(
            {"content-type": "application/json", "authorization": "Bearer wrong"},
            401,
            None,
            id="credentials-replaced",
        ),
    ],
)
def test_any_broken_request_can_be_sent(
    client: Client, headers: dict[str, str | None] | None, status: int | None, code: str | None
) -> None:
    exchange = client.request("POST", "/batches", data='{"to": ["+1555', headers=headers)
    assert (exchange.status, exchange.code) == (status, code)
    assert exchange.request_body == '{"to": ["+1555'


def test_every_endpoint_has_its_method_on_the_client(client: Client) -> None:
    for endpoint in ENDPOINTS:
        resource, _, operation = endpoint.operation.partition(".")
        assert callable(getattr(getattr(client, resource), operation)), endpoint.operation


def test_every_operation_reaches_its_endpoint(client: Client, sandbox: Sandbox) -> None:
    batch = parsed(
        client.batches.send(
            {
                **BATCH,
                "feedback_enabled": True,
                "send_at": "2099-01-01T00:00:00Z",
                "expire_at": "2099-01-02T00:00:00Z",
            }
        ).response_body
    )["id"]
    group = parsed(
        client.groups.create({"name": "team", "members": ["+15551230001"]}).response_body
    )["id"]
    done = {
        exchange.endpoint: exchange.status
        for exchange in (
            client.batches.list(),
            client.batches.dry_run(BATCH, per_recipient=True),
            client.batches.get(batch),
            client.batches.update(batch, {"body": "Hello"}),
            client.batches.replace(batch, {**BATCH, "feedback_enabled": True}),
            client.batches.send_delivery_feedback(batch),
            client.batches.cancel(batch),
            client.delivery_reports.get(batch, type="full"),
            client.delivery_reports.get_for_number(batch, "15551230001"),
            client.delivery_reports.list(),
            client.inbounds.list(),
            client.inbounds.get("01KT0000000000000000000001"),
            client.groups.list(),
            client.groups.get(group),
            client.groups.update(group, {"add": ["+15551230002"], "name": "team"}),
            client.groups.replace(group, {"members": []}),
            client.groups.list_members(group),
            client.groups.delete(group),
        )
    }
    missing = (
        {endpoint.template for endpoint in ENDPOINTS}
        - set(done)
        - {"POST /batches", "POST /groups"}
    )
    assert missing == set()
    unexpected = {template: status for template, status in done.items() if status not in (200, 202)}
    assert unexpected == {"GET /inbounds/{inbound_id}": 404}


def test_pages_go_through_all_and_each_is_logged(client: Client, log: CallLog) -> None:
    for _ in range(5):
        client.batches.send(BATCH)
    pages = list(client.batches.pages(page_size=2))
    assert [len(parsed(page.response_body)["batches"]) for page in pages] == [2, 2, 1]
    assert len(log) == 5 + 3


def test_the_token_is_in_no_row_and_no_repr(client: Client, log: CallLog, sandbox: Sandbox) -> None:
    client.batches.send(BATCH)
    client.request("GET", f"/batches?access_token={sandbox.api_token}")
    everything = (
        log.path.read_bytes()
        + (log.path.parent / "calls.sqlite-wal").read_bytes()
        + repr(client).encode()
        + repr(vars(client)).encode()
    )
    assert sandbox.api_token.encode() not in everything
    assert (
        next(iter(log)).request_headers["Authorization"]
        == f"Bearer [secret opaque {len(sandbox.api_token)} #1]"
    )


def test_credentials_go_to_no_other_host(client: Client, echo: Listener) -> None:
    exchange = client.request("GET", f"http://127.0.0.1:{echo.server_port}/elsewhere")
    assert exchange.status == 200
    assert "Authorization" not in echo.heard[0]


def test_a_token_that_the_answer_quotes_is_not_kept(log: CallLog, echo: Listener) -> None:
    client = Client(
        base_url=f"http://127.0.0.1:{echo.server_port}",
        account="p",
        token=Token("5e1f0a9b3d2f4e68"),
        log=log,
        target="sandbox",
    )
    assert (
        client.request("GET", "/xms/v1/p/batches")
        .response_headers["X-Said"]
        .endswith("[secret opaque 16 #1]")
    )


def test_a_redirect_is_shown_and_not_followed(log: CallLog, echo: Listener) -> None:
    base = f"http://127.0.0.1:{echo.server_port}"
    client = Client(
        base_url=base, account="p", token=Token("secret-token-1"), log=log, target="sandbox"
    )
    assert client.request("GET", f"{base}/away").status == 302
    assert len(echo.heard) == 1


def test_loopback_goes_past_a_proxy_and_a_netrc(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert client.batches.list().status == 200


def test_a_netrc_entry_does_not_replace_the_token_of_a_live_client(
    log: CallLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine us.sms.api.sinch.com login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    sent: list[requests.PreparedRequest] = []

    def send(self: Any, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        sent.append(request)
        return requests.Response()

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    base = "https://us.sms.api.sinch.com"
    Client(
        base_url=base, account="p", token=Token("secret-token-1"), log=log, target="live"
    ).batches.list()
    assert sent[0].headers["Authorization"] == "Bearer secret-token-1"


@pytest.mark.parametrize(
    ("fault", "status", "failure"),
    [
        pytest.param({"drop": True}, None, "ConnectionError", id="dropped"),
        pytest.param({"status": 200, "body": "truncated"}, 200, "", id="truncated"),
    ],
)
def test_a_network_failure_is_a_row(
    client: Client,
    sandbox: Sandbox,
    log: CallLog,
    fault: dict[str, Any],
    status: int | None,
    failure: str,
) -> None:
    sandbox.faults.add(**fault, times=1)
    exchange = client.batches.list()
    assert exchange.status in (status, None)
    assert failure in (exchange.failure or "")
    assert exchange.failure is None or sandbox.url not in exchange.failure
    assert list(log) == [exchange]


def test_no_server_is_a_row_with_its_failure(log: CallLog) -> None:
    client = Client(
        base_url="http://127.0.0.1:1",
        account="p",
        token=Token("secret-token-1"),
        log=log,
        target="sandbox",
    )
    exchange = client.batches.list()
    assert (exchange.status, exchange.outcome, exchange.failure) == (
        None,
        "no_response",
        "ConnectionError: ConnectionRefusedError",
    )


def test_retries_share_a_call_and_count_their_attempts(
    client: Client, sandbox: Sandbox, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    sandbox.faults.add(status=429, retry_after_s=2, times=2)
    client.retries = 3
    assert client.batches.send(BATCH).status == 201
    rows = list(log)
    assert [(row.status, row.attempt) for row in rows] == [(429, 1), (429, 2), (201, 3)]
    assert len({row.call_id for row in rows}) == 1
    assert waits == [2.0, 2.0]


@pytest.mark.parametrize(
    ("method", "status", "body", "retried"),
    [
        ("POST", 429, None, True),
        ("POST", 503, None, False),
        ("POST", 502, None, False),
        ("POST", 500, "<html>gateway</html>", False),
        ("GET", 503, None, True),
        ("GET", 502, None, True),
        ("GET", 404, None, False),
        ("POST", 400, None, False),
        ("GET", None, None, False),
    ],
)
def test_a_send_of_unknown_outcome_is_never_retried_by_itself(
    method: str, status: int | None, body: str | None, retried: bool
) -> None:
    assert (
        retry_delay_s(Exchange(method=method, status=status, response_body=body), 1) is not None
    ) is retried


def test_back_off_without_retry_after_grows_and_is_jittered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: (low, high))
    answer = Exchange(method="GET", status=429)
    delays: list[object] = [retry_delay_s(answer, attempt) for attempt in (1, 2, 3, 10)]
    assert delays == [
        (0, 1.0),
        (0, 2.0),
        (0, 4.0),
        (0, 60.0),
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("3", 3.0),
        ("-1", 0.0),
        ("nan", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 08:00:10 GMT", 10.0),
        ("999999", 3600.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after_s(value, datetime(2026, 11, 23, 8, tzinfo=UTC)) == seconds


def test_an_expired_access_token_is_renewed_once(sandbox: Sandbox, log: CallLog) -> None:
    credentials = Credentials(
        account=sandbox.project_id, secret=Secret(sandbox.key_secret), key_id=sandbox.key_id
    )
    token = AccessToken(credentials, f"{sandbox.url}/oauth2/token")
    client = Client(
        base_url=sandbox.url, account=sandbox.project_id, token=token, log=log, target="sandbox"
    )
    assert client.batches.list().status == 200
    sandbox.clock.advance(4000)
    assert client.batches.list().status == 200
    assert [(row.status, row.attempt) for row in log] == [(200, 1), (401, 1), (200, 2)]


def test_connect_needs_nothing_for_the_sandbox(work: Path) -> None:
    first, second = connect(), connect()
    assert first.batches.send(BATCH).status == 201
    assert first.sandbox is second.sandbox


@pytest.mark.parametrize(
    ("target", "environment", "error", "words"),
    [
        ("live", {}, MissingCredentialsError, "SINCH_SERVICE_PLAN_ID"),
        ("moon", {}, WrongUseError, "moon"),
        (
            "live",
            {"SINCH_SERVICE_PLAN_ID": "p", "SINCH_API_TOKEN": "t", "SINCH_REGION": "uk"},
            UnknownRegionError,
            "'uk'",
        ),
        (
            "live",
            {
                "SINCH_PROJECT_ID": "p",
                "SINCH_KEY_ID": "k",
                "SINCH_KEY_SECRET": "s",
                "SINCH_REGION": "au",
            },
            WrongUseError,
            "OAuth2",
        ),
    ],
)
def test_connect_names_what_is_wrong_before_any_call(
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    environment: dict[str, str],
    error: type[Exception],
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error, match=words):
        connect(target)


def test_a_live_client_only_reads_unless_it_is_allowed_to_send(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCH_SERVICE_PLAN_ID", "p")
    monkeypatch.setenv("SINCH_API_TOKEN", "secret-token-1")
    client = connect("live")
    calls: list[Callable[[], Exchange]] = [
        lambda: client.batches.send(BATCH),
        lambda: client.batches.dry_run(BATCH),
        lambda: client.groups.delete("g"),
    ]
    for call in calls:
        with pytest.raises(NotAllowedError, match="SINCHTOOLS_ALLOW"):
            call()
    assert len(client.log) == 0


def test_a_sandbox_client_sends_nothing_to_the_vendor(client: Client) -> None:
    with pytest.raises(NotAllowedError):
        client.request("POST", "https://us.sms.api.sinch.com/xms/v1/p/batches", json=BATCH)


def test_record_logs_what_other_code_sends(sandbox: Sandbox, log: CallLog) -> None:
    with record(log):
        requests.post(
            f"{sandbox.url}/xms/v1/{sandbox.service_plan_id}/batches",
            json=BATCH,
            headers={"Authorization": f"Bearer {sandbox.api_token}"},
            timeout=5,
        )
        with pytest.raises(requests.ConnectionError):
            requests.get("http://127.0.0.1:1/", timeout=5)
    requests.get(sandbox.url, timeout=5)
    rows = list(log)
    assert [(row.status, row.method) for row in rows] == [(201, "POST"), (None, "GET")]
    assert sandbox.api_token not in repr([row.request_headers for row in rows])


def test_record_does_not_log_our_own_calls_twice(client: Client, log: CallLog) -> None:
    with record(log):
        client.batches.list()
    assert len(log) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("GET SOME", "/batches"), ("GET", "http://"), ("GET", "http://[::1/")]
)
def test_what_cannot_be_sent_is_wrong_use(client: Client, method: str, path: str) -> None:
    with pytest.raises(WrongUseError, match="cannot be sent"):
        client.request(method, path)


def test_a_header_that_cannot_be_sent_is_named_without_its_value(client: Client) -> None:
    with pytest.raises(WrongUseError, match="The header 'X-Key' cannot be sent") as told:
        client.request("GET", "/batches", headers={"X-Key": "5c1e9a7b\nX: y"})
    assert "5c1e" not in str(told.value)


@pytest.mark.parametrize(
    ("value", "words"), [("", "An empty text is not an id"), (None, "A NoneType is not an id")]
)
def test_an_id_that_is_none_is_wrong_use(client: Client, value: str | None, words: str) -> None:
    with pytest.raises(WrongUseError, match=words):
        client.batches.get(value)  # type: ignore[arg-type]  # as its type says too


@pytest.fixture
def proxy() -> Iterator[Listener]:
    """A proxy that writes down where it is asked to go, and refuses."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *args: object) -> None:
            pass

    with Listener(Handler, asked) as server:
        yield server


def test_a_live_call_goes_through_the_proxy_of_the_environment(
    work: Path, monkeypatch: pytest.MonkeyPatch, proxy: Listener
) -> None:
    for name, value in {
        "SINCH_SERVICE_PLAN_ID": "p",
        "SINCH_API_TOKEN": "secret-token-1",
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_port}",
    }.items():
        monkeypatch.setenv(name, value)
    exchange = connect("live", region="eu").batches.list()
    assert proxy.heard == ["eu.sms.api.sinch.com:443"]
    assert (exchange.status, exchange.target) == (None, "live")
    assert present(exchange.failure).startswith("ProxyError")


THROUGH_A_PROXY = {  # why a proxy did not answer: may the request have gone on to the vendor?
    "never reached": (
        NewConnectionError(HTTPConnection("proxy"), "refused"),
        "ProxyError: NewConnectionError",
        "as-is",
    ),
    "broke off": (RemoteDisconnected("closed"), "ProxyError: RemoteDisconnected", "ask-first"),
}


@pytest.mark.parametrize(
    ("cause", "failure", "advice"), THROUGH_A_PROXY.values(), ids=THROUGH_A_PROXY.keys()
)
def test_a_proxy_that_broke_off_may_have_passed_the_request_on(
    cause: Exception, failure: str, advice: str
) -> None:
    reason = MaxRetryError(
        HTTPSConnectionPool("proxy"), "/", ProxyError("Cannot connect to proxy", cause)
    )
    assert failure_of(requests.exceptions.ProxyError(reason)) == failure
    assert retry_advice(None, None, "POST", failure=failure)[0] == advice


def test_a_live_client_trusts_the_certificate_of_the_environment(
    log: CallLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    asked: list[dict[str, Any]] = []

    def send(self: Any, request: Any, **given: Any) -> requests.Response:
        asked.append(given)
        return requests.Response()

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    Client(
        base_url="https://us.sms.api.sinch.com",
        account="p",
        token=Token("secret-token-1"),
        log=log,
        target="live",
    ).batches.list()
    assert asked[0]["verify"] == str(tmp_path / "company.pem")


@pytest.mark.parametrize("region", ["us", "eu", "au", "br", "ca"])
def test_a_plan_token_goes_to_the_plan_host_of_its_region(
    work: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("SINCH_SERVICE_PLAN_ID", "p")
    monkeypatch.setenv("SINCH_API_TOKEN", "secret-token-1")
    monkeypatch.setenv("SINCH_REGION", region)
    assert connect("live").base_url == f"https://{region}.sms.api.sinch.com"


@pytest.mark.parametrize(
    ("send", "kind"),
    [("send_sms", "mt_text"), ("send_binary", "mt_binary"), ("send_mms", "mt_media")],
)
def test_the_three_kinds_of_batch_are_sent_as_such(client: Client, send: str, kind: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "mt_text": {},
        "mt_binary": {"body": "SGk=", "udh": "06050423F423F4"},
        "mt_media": {"body": {"url": "https://example.com/cat.jpg"}},
    }
    exchange = getattr(client.batches, send)({**BATCH, **bodies[kind]})
    assert (exchange.status, parsed(exchange.response_body)["type"]) == (201, kind)


@pytest.mark.parametrize(
    "url",
    [
        "https://us.sms.api.sinch.com/xms/v1/p/batches",
        "http://127.0.0.1.evil.example/x",
        "http://localhost.evil.example/x",
        "http://evil.example\\\\@127.0.0.1/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sandbox_client_reaches_no_other_machine(
    client: Client, log: CallLog, method: str, url: str
) -> None:
    with pytest.raises((NotAllowedError, WrongUseError)):
        client.request(method, url)
    assert len(log) == 0


def test_one_client_speaks_to_several_ports_of_this_machine_and_after_it_was_closed(
    client: Client, sandbox: Sandbox
) -> None:
    with Sandbox() as other:
        urls = [f"{url}/xms/v1/x/batches" for url in (sandbox.url, other.url, sandbox.url)]
        assert [client.request("GET", url).status for url in urls] == [401] * 3
        assert (sandbox.state()["requests"], other.state()["requests"]) == (2, 1)
        client.close()
        assert client.request("GET", urls[1]).status == 401


@pytest.mark.parametrize("path", ["@evil.example/x", "batches", ""])
def test_a_path_begins_with_a_slash(client: Client, path: str) -> None:
    with pytest.raises(WrongUseError, match="not a path"):
        client.request("GET", path)


def test_a_token_endpoint_that_fails_gives_no_credential_away(log: CallLog) -> None:
    token = AccessToken(
        Credentials(account="p", secret=Secret("secret-key-1"), key_id="key"),
        "http://127.0.0.1:1/oauth2/token",
    )
    with pytest.raises(WrongUseError, match="gave no token: ConnectionError") as caught:
        token.value()
    assert caught.value.__context__ is None
