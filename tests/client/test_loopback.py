"""
The way to loopback.

One request gives one answer or one error, and a connection that is gone is not used again.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sinchtools.client.loopback import Direct
from sinchtools.client.recording import failure_of
from sinchtools.sandbox import Sandbox

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """
    Gives `answers` in turn, and closes a connection after `per_connection` of them.

    It does not announce that.
    """

    def __init__(self, *answers: bytes, per_connection: int = 100) -> None:
        self.answers, self.per_connection, self.opened = list(answers), per_connection, 0
        self.requests: list[Any] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while self.answers:
            connection, _ = self.socket.accept()
            self.opened += 1
            with connection:
                for _ in range(min(self.per_connection, len(self.answers))):
                    self.requests.append(_request(connection))
                    connection.sendall(self.answers.pop(0))
            self.closed.set()

    def end(self) -> None:
        self.thread.join(timeout=10)
        self.socket.close()


def _request(connection: Any) -> Any:
    """
    Read one request to its end, a POST's body ``x`` too.

    What is left unread would reset the connection.
    """
    received = b""
    while not received.endswith(b"\r\n\r\nx" if received.startswith(b"POST") else b"\r\n\r\n"):
        received += connection.recv(65536)
    return received


@pytest.fixture
def serving() -> Iterator[Any]:
    servers = []

    def serve(*answers: Any, **settings: Any) -> Any:
        servers.append(Server(*answers, **settings))
        return servers[-1]

    yield serve
    for server in servers:
        server.end()


@pytest.fixture
def session() -> Iterator[Any]:
    with requests.Session() as session:
        session.mount("http://", Direct())
        session.trust_env = False
        yield session


def test_an_answer_is_what_requests_makes_of_it(serving: Any, session: Any) -> None:
    said = (
        b"HTTP/1.1 201 Made\r\nContent-Type: application/json\r\nVia: a\r\nvia: "
        b"b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    with requests.Session() as other:
        other.trust_env = False
        answers = [
            each.post(serving(said).url + "/a?b=c", data=b"x", headers={"X-Own": "1"}, timeout=10)
            for each in (session, other)
        ]
    mine, theirs = ((a.status_code, a.reason, a.headers, a.content, a.json()) for a in answers)
    assert mine == theirs
    assert answers[0].headers["Via"] == "a, b"


@pytest.mark.parametrize(
    ("answer", "error", "failure", "status"),
    [
        pytest.param(
            b"", requests.ConnectionError, "ConnectionError: RemoteDisconnected", None, id="nothing"
        ),
        pytest.param(
            b"SMTP ready\r\n",
            requests.ConnectionError,
            "ConnectionError: BadStatusLine",
            None,
            id="no HTTP",
        ),
        pytest.param(
            OK[:-1],
            requests.exceptions.ChunkedEncodingError,
            "ChunkedEncodingError: IncompleteRead",
            200,
            id="half of a body",
        ),
    ],
)
def test_a_broken_answer_is_an_error_of_requests_and_sent_once(
    serving: Any, session: Any, answer: Any, error: Any, failure: str, status: int | None
) -> None:
    server = serving(answer, per_connection=1)
    with pytest.raises(error) as raised:
        session.post(server.url, data=b"x", timeout=10)
    assert (failure_of(raised.value), getattr(raised.value.response, "status_code", None)) == (
        failure,
        status,
    )
    assert len(server.requests) == 1


def test_no_answer_in_time_is_an_error_of_requests(session: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(requests.ReadTimeout):
        session.get(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)


def test_a_connection_serves_again(serving: Any, session: Any) -> None:
    server = serving(OK, OK, OK)
    assert [session.get(server.url, timeout=10).text for _ in range(3)] == ["ok"] * 3
    assert server.opened == 1


def test_a_connection_that_the_server_closed_is_not_used_again(serving: Any, session: Any) -> None:
    server = serving(OK, OK, per_connection=1)
    session.get(server.url, timeout=10)
    server.closed.wait(timeout=10)
    assert session.post(server.url, data=b"x", timeout=10).text == "ok"
    assert server.opened == 2


def test_threads_share_it(server: Sandbox, session: Any) -> None:
    def get(number: Any) -> Any:
        return session.get(
            f"{server.url}/xms/v1/{server.service_plan_id}/batches/{number}",
            headers={"Authorization": "no"},
            timeout=10,
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(200))) == {401}
