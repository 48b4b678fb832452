"""
The sandbox under load.

Big bodies, unfinished heads and too many connections cost little, and the next caller is answered.
"""

import asyncio
import errno
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NoReturn

import pytest

from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.answers import Request
from sinchtools.sandbox.connections import HEAD_BYTES, MOST_CONNECTIONS, Server
from tests.conftest import FULL
from tests.sandbox.test_sandbox import Caller, with_headers
from tests.support.counting_calls import calls_of
from tests.support.present import present

GOOD = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
MANY = 600_000 if FULL else 3_000
FEW = 2000
UNFINISHED = b"GET /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\n"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def connected(sandbox: Any, data: Any = b"") -> Any:
    connection = socket.create_connection(("127.0.0.1", sandbox.port), timeout=30)
    connection.sendall(data)
    return connection


def answers(sandbox: Any) -> Any:
    with Caller(sandbox) as call:
        return call("GET", "/batches").status_code


# --- big bodies ---

NUMBERS = [f"+44770{i:07}" for i in range(max(MANY, 10_001))]
BIG = {
    "unknown fields": ("/batches", {**GOOD, **dict.fromkeys(map(str, range(MANY)), 1)}, 201),
    "unknown fields that look like known ones": (
        "/batches",
        {**GOOD, **{f"bodyy{i}": 1 for i in range(MANY)}},
        201,
    ),
    "only unknown fields": ("/batches", {f"toBody{i}": 1 for i in range(MANY)}, 400),
    "good recipients": ("/batches", {**GOOD, "to": NUMBERS[:MANY]}, 400),
    "bad recipients": ("/batches", {**GOOD, "to": [f"0{i}" for i in range(MANY)]}, 400),
    "recipients that are numbers": ("/batches", {**GOOD, "to": list(range(MANY))}, 400),
    "nulls": ("/batches", {**GOOD, "to": [None] * MANY}, 400),
    "members": ("/groups", {"members": NUMBERS}, 400),
    "child groups": ("/groups", {"child_groups": [f"01{i:024}" for i in range(MANY)]}, 400),
    "tags": ("/groups", {"tags": [1] * MANY}, 400),
    "feedback": (
        "/batches/01FC66621VHDBN119Z8PMV1QPU/delivery_feedback",
        {"recipients": ["x"] * MANY},
        400,
    ),
    "parameters": (
        "/batches",
        {**GOOD, "parameters": {f"p{i}": {"default": 1} for i in range(MANY)}},
        400,
    ),
    "parameters that are no objects": (
        "/batches",
        {**GOOD, "parameters": dict.fromkeys(map(str, range(MANY)), 1)},
        400,
    ),
    "values of a parameter": (
        "/batches",
        {**GOOD, "parameters": {"name": dict.fromkeys(NUMBERS[:MANY], "x" * 161)}},
        400,
    ),
    "placeholders": ("/batches", {**GOOD, "body": "".join(f"${{{i}}}" for i in range(FEW))}, 400),
    "unknown fields of a field": (
        "/groups",
        {"auto_update": {"to": "15559870002", **dict.fromkeys(map(str, range(MANY)), 1)}},
        201,
    ),
}


@pytest.mark.parametrize("name", BIG)
def test_a_big_body_is_answered_after_a_bounded_number_of_steps(name: str) -> None:
    path, body, status = BIG[name]
    sandbox = Sandbox()
    account = sandbox.account()
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    request = Request(
        method="POST",
        target=f"/xms/v1/{account.id}{path}",
        headers=headers,
        body=json.dumps(body).encode(),
    )
    answer, calls = calls_of(lambda: sandbox.answer(request))
    assert answer.status == status, answer.body
    assert calls < 4_000_000  # each with each would be 9 million and more


def test_values_of_parameters_are_looked_up_and_not_searched() -> None:
    sandbox = Sandbox()
    account = sandbox.account()
    text = {
        "to": NUMBERS[:1000],
        "from": "15559870002",
        "body": "Hi ${name}",
        "parameters": {"name": dict.fromkeys(NUMBERS[:9000], "you")},
    }
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    request = Request(
        method="POST",
        target=f"/xms/v1/{account.id}/batches/dry_run",
        headers=headers,
        body=json.dumps(text).encode(),
    )
    answer, calls = calls_of(lambda: sandbox.answer(request))
    assert (answer.status, json.loads(answer.body)["number_of_messages"]) == (200, 1000)
    assert calls < 3_000_000  # 1,000 times 9,000 are nine million


# --- unfinished heads ---

HEADS = {
    "one long header": b"X-Long: " + b"x" * 2 * HEAD_BYTES,
    "many headers": b"X-A: b\r\n" * (HEAD_BYTES // 4),
    "a header without a value": b"X" * 2 * HEAD_BYTES,
    "a folded header": b"X-A: b\r\n" + b" c\r\n" * (HEAD_BYTES // 2),
    "bare line feeds": b"X-A: b\n" * (HEAD_BYTES // 3),
    "bare carriage returns": b"\r" * 2 * HEAD_BYTES,
    "zero bytes": b"\0" * 2 * HEAD_BYTES,
    "no ASCII": b"X-A: " + b"\xff" * 2 * HEAD_BYTES,
    "colons": b":" * 2 * HEAD_BYTES,
    "spaces": b" " * 2 * HEAD_BYTES,
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_without_an_end_is_refused_and_not_kept(sandbox: Sandbox, name: str) -> None:
    with connected(sandbox, with_headers(sandbox, UNFINISHED) + HEADS[name]) as connection:
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert b"X-Simulated: 1" in answer
    assert answers(sandbox) == 200


def test_a_request_line_without_an_end_is_refused_too(sandbox: Sandbox) -> None:
    with connected(sandbox, b"GET /" + b"x" * 2 * HEAD_BYTES) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")


# --- connections ---


def is_closed(connection: socket.socket) -> bool:
    try:
        connection.settimeout(0)
        return connection.recv(65_536) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_the_connection_that_waited_longest_makes_room_for_a_new_one(sandbox: Sandbox) -> None:
    with ExitStack() as opened:
        waiting = [opened.enter_context(connected(sandbox)) for _ in range(MOST_CONNECTIONS + 30)]
        assert answers(sandbox) == 200
        closed = [is_closed(connection) for connection in waiting]
        assert closed == [True] * 31 + [False] * (MOST_CONNECTIONS - 1)


def test_when_all_connections_have_a_request_a_new_one_is_told_so(sandbox: Sandbox) -> None:
    half = with_headers(
        sandbox,
        b"POST /xms/v1/P/batches HTTP/1.1\r\nHost: H\r\nContent-Length: 9\r\nExpect: "
        b"100-continue\r\n\r\n",
    )
    with ExitStack() as opened:
        for _ in range(MOST_CONNECTIONS):
            connection = opened.enter_context(connected(sandbox, half))
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
        with connected(sandbox) as late:
            assert late.recv(65_536).startswith(b"HTTP/1.1 503 ")
    assert 200 in (
        answers(sandbox) for _ in range(100)
    )  # as soon as it has seen that they are gone


IDLE = {
    "nothing": b"",
    "a line break": b"\r\n",
    "half a method": b"PO",
    "half a path": b"GET /xms",
    "a request line": b"GET / HTTP/1.1\r\n",
    "half a header": b"GET / HTTP/1.1\r\nHo",
    "a header": UNFINISHED,
    "all but the last line break": UNFINISHED + b"X-A: b\r",
    "zero bytes": b"\0\0\0",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a request that was answered": UNFINISHED + b"\r\n",
    "two requests that were answered": 2 * (UNFINISHED + b"\r\n"),
}


@pytest.mark.parametrize("name", IDLE)
def test_a_connection_without_a_request_is_closed_after_a_while(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sinchtools.sandbox.connections.IDLE_TIMEOUT_S", 0.05)
    with Sandbox() as sandbox:
        data = (
            IDLE[name]
            .replace(b"/P/", f"/{sandbox.service_plan_id}/".encode())
            .replace(b"Host: H", f"Host: 127.0.0.1:{sandbox.port}".encode())
        )
        with connected(sandbox, data) as connection:
            came = b"".join(
                iter(lambda: connection.recv(65_536), b"")
            )  # returns only when the other side closes
    assert came.count(b"HTTP/1.1 401 ") == name.count("request") * name.count("answered") * (
        1 + name.count("two")
    )


class Full(socket.socket):
    """A listening socket of a process that has no handles left."""

    asked = 0

    def accept(self) -> NoReturn:
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")


def test_handles_that_run_out_are_said_once_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sinchtools.sandbox.connections._PAUSE_S", 0)

    async def serve(listening: Any) -> None:
        server = Server(Sandbox())
        server.accept(listening)
        while listening.asked < 10:
            await asyncio.sleep(0)
        asyncio.get_running_loop().remove_reader(listening)

    with Full() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            asyncio.run(serve(listening))
    assert caplog.messages == [
        "The sandbox accepts no new connections for now: Too many open files."
    ]


def test_a_sandbox_without_handles_answers_again_when_there_are_some() -> None:
    code = (
        "import resource, threading; from sinchtools.sandbox import Sandbox; sandbox = "
        "Sandbox(api_token='t', service_plan_id='p').start();"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)); print(sandbox.port, flush=True); "
        "threading.Event().wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        out, err = present(process.stdout), present(process.stderr)
        port = int(out.readline())
        with ExitStack() as opened:
            for _ in range(80):
                opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            said = "The sandbox accepts no new connections for now: Too many open files.\n"
            assert err.readline() == said
        request = (
            f"GET /xms/v1/p/batches HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: "
            f"Bearer t\r\nConnection: close\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(request)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        process.kill()
        assert err.read() == ""
