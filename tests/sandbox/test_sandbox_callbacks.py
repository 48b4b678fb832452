"""Callbacks: to loopback only, signed, and repeated on the sandbox's clock."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.answers import Request
from sinchtools.sandbox.callbacks import is_loopback, signature
from tests.sandbox.conftest import NOW


class Receiver:
    """A customer's callback server: keeps what it gets, answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def __enter__(self) -> Any:
        self.thread.start()
        return self

    def __exit__(self, *problem: Any) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_the_references_test_vector_verifies() -> None:
    body = (
        b'{"at":"2025-01-13T09:22:40.914Z","batch_id":"01JHFFHQ0P99JPPNQPJDV7JTBP","client_refer'
        b'ence":"a client reference","code":0,'
        b'"operator_status_at":"2025-01-13T09:22:00Z","recipient":"33662162466","status":"Delive'
        b'red","type":"recipient_delivery_report_sms"}'
    )
    assert (
        signature("SMSWebhooksSecret", body, "01JHFFHWYY7HSS4FWTMDTQEK8V", "1736760161")
        == "ZoHei66PPN/kZjw7hFVfGhJOnml3iGNCMWoyQVcE5o0="
    )


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        ("summary", [("delivery_report_sms", None, None)]),
        ("full", [("delivery_report_sms", None, ["15551230001"])]),
        ("per_recipient_final", [("recipient_delivery_report_sms", "Delivered", None)]),
        (
            "per_recipient",
            [
                ("recipient_delivery_report_sms", status, None)
                for status in ("Queued", "Dispatched", "Delivered")
            ],
        ),
        ("none", []),
    ],
)
def test_each_kind_of_report_is_pushed_as_documented(
    sandbox: Sandbox, receiver: Receiver, report: str, shown: Any
) -> None:
    sandbox.account(callback_url=receiver.url).add_batch(delivery_report=report)
    sandbox.clock.advance(60)
    pushed = [
        (body["type"], body.get("status"), (body.get("statuses") or [{}])[0].get("recipients"))
        for body in receiver.bodies
    ]
    assert pushed == shown


def test_the_batchs_own_url_goes_before_the_plans(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.account(callback_url="http://127.0.0.1:1/").add_batch(
        delivery_report="summary", callback_url=receiver.url
    )
    sandbox.clock.advance(60)
    assert len(receiver.got) == 1


def test_an_inbound_is_pushed_as_it_is_read(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.account(callback_url=receiver.url)
    inbound = sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    assert receiver.bodies == [inbound]


def test_a_callback_is_signed_when_the_plan_has_a_secret(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.account(callback_url=receiver.url, hmac_secret="a-fake-secret")
    sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    headers, body = receiver.got[0]
    named = {
        name.lower().removeprefix("x-sinch-webhook-"): value for name, value in headers.items()
    }
    assert named["signature"] == signature(
        "a-fake-secret", body, named["nonce"], named["timestamp"]
    )
    assert (named["algorithm"], named["timestamp"]) == ("HmacSHA256", str(int(NOW.timestamp())))


def test_a_failing_receiver_is_tried_again_at_the_documented_instants(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.answers = [500] * 16
    sandbox.account(callback_url=receiver.url)
    sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    sandbox.clock.advance(3 * 86_400)
    after_s = [(attempt.at - NOW) / timedelta(seconds=1) for attempt in sandbox.callbacks.attempts]
    assert after_s == [0, *(5 * 2**i for i in range(15))]
    assert after_s[-1] == 81_920
    assert len({body for _, body in receiver.got}) == 1


@pytest.mark.parametrize(
    ("answers", "attempts"), [([404], 1), ([400], 1), ([204], 1), ([429], 2), ([503, 500], 3)]
)
def test_only_a_5xx_or_a_429_is_tried_again(
    sandbox: Sandbox, receiver: Receiver, answers: Any, attempts: int
) -> None:
    receiver.answers = list(answers)
    sandbox.account(callback_url=receiver.url)
    sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    sandbox.clock.advance(3600)
    assert [attempt.status for attempt in sandbox.callbacks.attempts] == [*answers, 200][:attempts]


def test_a_receiver_that_is_not_there_is_tried_again(sandbox: Sandbox) -> None:
    sandbox.account(callback_url="http://127.0.0.1:1/")
    sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    sandbox.clock.advance(10)
    assert [attempt.status for attempt in sandbox.callbacks.attempts] == [None] * 3


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http:///",
        "http://[::ffff:8.8.8.8]/",
    ],
)
def test_nothing_but_loopback_is_ever_called(sandbox: Sandbox, url: str) -> None:
    assert not is_loopback(url)
    sandbox.account(callback_url=url)
    sandbox.receive(from_="15551230001", to="15559870002", body="STOP")
    sandbox.clock.advance(3600)
    assert [attempt.status for attempt in sandbox.callbacks.attempts] == [None]


def test_a_batch_cancelled_in_the_queue_reports_once(sandbox: Sandbox, receiver: Receiver) -> None:
    account = sandbox.account(callback_url=receiver.url, messages_per_second=0.1)
    batch = account.add_batch(to=["15551230001", "15551230002"], delivery_report="full")
    sandbox.clock.advance(5)
    path, token = (
        f"/xms/v1/{account.id}/batches/{batch.id}",
        {"Authorization": f"Bearer {account.token}"},
    )
    assert sandbox.answer(Request(method="DELETE", target=path, headers=token)).status == 200
    sandbox.clock.advance(3600)
    assert [[status["status"] for status in body["statuses"]] for body in receiver.bodies] == [
        ["Delivered", "Cancelled"]
    ]
