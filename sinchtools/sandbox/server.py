"""
The sandbox's server: tornado in a thread with an event loop of its own, never the kernel's.

Loopback only.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import logging
import os
import random
import secrets
import select
import selectors
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from http.client import responses
from typing import Any, Self

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

from sinchtools.api.description import CONTROL
from sinchtools.core.errors import PortInUseError, WrongUseError
from sinchtools.sandbox.answers import BODY_BYTES, HEADER_BYTES, Answer, Limiter, Request, answer
from sinchtools.sandbox.callbacks import Callbacks
from sinchtools.sandbox.control import control
from sinchtools.sandbox.faults import Faults
from sinchtools.sandbox.state import Account, Clock, account_settings, made_up, stamp

HOST = "127.0.0.1"
READ_BYTES = (
    64 * 1024 * 1024
)  # read and thrown away beyond BODY_BYTES, so that the client hears a 413 and no reset
HEAD_BYTES = 64 * 1024  # of an unfinished request: more is not kept
BUFFER_BYTES = 1024 * 1024  # of a connection
MOST_CONNECTIONS = 100
BODY_TIMEOUT_S = 20  # counted here: tornado's own limit costs a tenth of a request
IDLE_TIMEOUT_S = 60.0  # until the head of the next request is there
_PAUSE_S = 1  # after a connection that could not be accepted
_SELECTABLE = 1024  # select() takes no greater file descriptor
_BARE = b"HTTP/1.1 400 Bad Request\r\n\r\n"  # tornado's own answer to what is no HTTP
_BAD_REQUEST, _HEAD_TOO_LARGE, _TOO_MANY = (
    f"HTTP/1.1 {status}\r\nX-Simulated: 1\r\nContent-Length: 0\r\nConnection: "
    f"close\r\n\r\n".encode()
    for status in (
        "400 Bad Request",
        "431 Request Header Fields Too Large",
        "503 Service Unavailable",
    )
)
_log = logging.getLogger(__name__)


class Sandbox:
    """
    A simulator of the SMS API on this machine: real state, real causes, no SMS.

    Attributes
    ----------
    service_plan_id, api_token
        Credentials of its service plan; made up unless given. The token also opens the control
        below ``/__sandbox__/``.
    project_id, key_id, key_secret
        Credentials of its project, for ``/oauth2/token``. Plan and project share nothing.
        Secrets are random and new each time unless they or a `seed` are given.
    faults, clock
        What can be switched on and moved.
    limiter
        How many requests may be outstanding.
    callbacks
        What was pushed, in ``.attempts``.

    Examples
    --------
    >>> with Sandbox() as sandbox:
    ...     sandbox.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        *,
        port: int = 0,
        service_plan_id: str | None = None,
        api_token: str | None = None,
        project_id: str | None = None,
        key_id: str | None = None,
        key_secret: str | None = None,
        seed: int | None = None,
    ) -> None:
        fakes = made_up(seed)
        self.service_plan_id = service_plan_id or fakes["service_plan_id"]
        self.api_token = api_token or fakes["api_token"]
        self.project_id = project_id or fakes["project_id"]
        self.key_id, self.key_secret = key_id or fakes["key_id"], key_secret or fakes["key_secret"]
        self.port, self.url = port, ""
        self.faults, self.limiter = Faults(), Limiter()
        self.clock = Clock(self._moved)
        self.callbacks = Callbacks(self.clock)
        self._seed, self._lock = secrets.token_hex(16) if seed is None else seed, threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._served = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._furnish()

    def __repr__(self) -> str:
        return f"<Sandbox {self.url or 'not started'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def start(self) -> Self:
        """
        Serve until `stop`, or until Python ends.

        Raises
        ------
        PortInUseError
            Somebody else listens on the port.
        """
        if self._thread:
            return self
        listening = _listen(self.port)
        self.port = listening.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: _run(self._serve(listening, ready)),
            name="sinchtools-sandbox",
            daemon=True,
        )
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Close all connections and free the port."""
        if self._thread and self._loop:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=10)
        self._thread = self._loop = None

    def account(self, account_id: str | None = None, **settings: Any) -> Account:
        """
        Return an account, made on first use; the settings given (see `state.Account`) are set.

        Parameters
        ----------
        account_id
            Service plan ID or project ID; the sandbox's own service plan by default.
        **settings
            ``token``, ``kind`` (``plan`` or ``project``), ``callback_url``, ``blocked``,
            ``illegal_countries``, ``default_originator``, ...

        Raises
        ------
        WrongUseError
            A setting is not known.
        """
        wanted = account_id or self.service_plan_id
        given = account_settings(settings)
        with self._lock:
            known = self._accounts.get(wanted)
            if known is None:
                known = self._accounts[wanted] = self._new_account(wanted, given)
            for name, value in given.items():
                setattr(known, name, value)
            if known.knows(known.token) == "expired":
                known.token = known.issue_token()
        return known

    def receive(
        self,
        account: str | None = None,
        *,
        from_: str,
        to: str,
        body: Any,
        type: str = "mo_text",
        **rest: Any,
    ) -> dict[str, Any]:
        """
        Let an inbound message arrive at an account, its service plan by default.

        Returns the message.
        """
        with self._lock:
            receiver = self.account(account)
            inbound = receiver.add_inbound(from_=from_, to=to, body=body, type=type, **rest)
            self.callbacks.inbound(receiver, inbound)
        self._moved()
        return inbound

    def state(self) -> dict[str, Any]:
        """Return what is here, in numbers; no credential and no message."""
        with self._lock:
            accounts = {
                account.id: {
                    "kind": account.kind,
                    "blocked": account.blocked,
                    "batches": len(account.batches),
                    "groups": len(account.groups),
                    "inbounds": len(account.inbounds),
                    "outstanding": self.limiter.outstanding[account.id],
                }
                for account in self._accounts.values()
            }
            return {
                "url": self.url,
                "now": stamp(self.clock.now()),
                "requests": self._served,
                "accounts": accounts,
                "faults": self.faults.active(),
                "callbacks": len(self.callbacks.attempts),
            }

    def reset(self) -> None:
        """Forget everything but the credentials; the clock shows the real time again."""
        with self._lock:
            self._accounts.clear()
            self.faults.clear()
            self.callbacks.clear()
            self.clock.run()
            self._furnish()

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request without a server and without waiting."""
        found = self._take(request)
        self.limiter.leave(found.ticket)
        return found

    # --- inside ---

    def _take(self, request: Request) -> Answer:
        with self._lock:
            self._served += 1
            if request.target.startswith(CONTROL):
                return control(self, request)
            return answer(request, self._accounts, self.faults, self.limiter)

    def _furnish(self) -> None:
        self.account(self.service_plan_id, token=self.api_token)
        self.account(
            self.project_id, kind="project", key_id=self.key_id, key_secret=self.key_secret
        )

    def _new_account(self, account_id: str, settings: dict[str, Any]) -> Account:
        source = random.Random(f"{self._seed} {account_id}")
        fakes = (
            {"token": source.randbytes(16).hex()} if settings.get("kind", "plan") == "plan" else {}
        )
        return Account(
            id=account_id,
            clock=self.clock,
            random=source,
            dispatched=self.callbacks.report,
            **{**fakes, **settings},
        )

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = _Server(self)
        self._loop.add_reader(listening, server.accept, listening)
        ready.set()
        await self._stopping.wait()
        self._loop.remove_reader(listening)
        listening.close()
        await server.close()
        if self._timer:
            self._timer.cancel()

    def _moved(self) -> None:
        """
        Do what is due now.

        The server's own thread does it at once; another thread waits until it is done.
        """
        with self._lock:
            for account in list(self._accounts.values()):
                account.settle()
        if self._loop is None or self._thread is None:
            return
        done = asyncio.run_coroutine_threadsafe(self.settle(), self._loop)
        if threading.current_thread() is not self._thread:
            done.result()

    async def settle(self) -> None:
        """Send the callbacks that are due, and wake up for the next one."""
        await self.callbacks.settle()
        wait = self.callbacks.due_in_s()
        if self._timer:
            self._timer.cancel()
        if wait is not None and self.clock.runs and self._loop:
            self._timer = self._loop.call_later(min(wait, 3600), self._moved)


_shared: list[Sandbox] = []
_sharing = threading.Lock()


def shared() -> Sandbox:
    """Return the sandbox of this process, started on first use and stopped with it."""
    with _sharing:
        if not _shared:
            _shared.append(Sandbox())
            atexit.register(_shared[0].stop)
        return _shared[0].start()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
        listening.setblocking(False)
    except (OSError, OverflowError) as error:
        listening.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from None
        said = f"The sandbox cannot listen on port {port}: {str(error).rstrip('.')}."
        raise WrongUseError(said, hint="Choose 1024 to 65535, or 0 for any free port.") from None
    return listening


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Selector())) as runner:
        runner.run(main)


class _Selector(selectors.DefaultSelector):
    """
    Waits to the microsecond.

    Epoll alone rounds up to the next millisecond, and a fault of 50 ms would last 51.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout and timeout > 0 and hasattr(self, "fileno") and self.fileno() < _SELECTABLE:
            select.select([self], [], [], timeout)
            timeout = 0
        return super().select(timeout)


class _Server(HTTPServer):
    def initialize(self, sandbox: Sandbox) -> None:  # type: ignore[override]
        super().initialize(self, max_header_size=HEAD_BYTES, max_body_size=READ_BYTES)
        self.conn_params.header_timeout = (
            None  # `_sweep` does it: a limit for each request costs time
        )
        self.sandbox = sandbox
        self.hosts = {f"{name}:{sandbox.port}" for name in (HOST, "localhost")}
        self.streams: set[_Stream] = set()
        self._loop = asyncio.get_running_loop()
        self._sweeping: asyncio.TimerHandle | None = None
        self._complained = False

    def accept(self, listening: socket.socket) -> None:
        """Take in who waits; where no more handles are to be had, wait too, and say so once."""
        try:
            for _ in range(MOST_CONNECTIONS):
                self._admit(*listening.accept())
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if not self._complained:
                _log.warning("The sandbox accepts no new connections for now: %s.", error.strerror)
            self._complained = True
            self._loop.remove_reader(listening)
            self._loop.call_later(_PAUSE_S, self._resume, listening)

    async def close(self) -> None:
        """Close every connection."""
        if self._sweeping:
            self._sweeping.cancel()
        await self.close_all_connections()
        for stream in list(self.streams):
            stream.close()

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        return _Exchange(self, request_conn)

    def _admit(self, connection: socket.socket, address: Any) -> None:
        if len(self.streams) >= MOST_CONNECTIONS:
            idle = [stream for stream in self.streams if stream.idle_since_s is not None]
            if not idle:
                connection.setblocking(False)
                _dismiss(connection, _TOO_MANY)
                connection.close()
                return
            min(idle, key=lambda stream: stream.idle_since_s or 0).close()
        stream = _Stream(connection, self)
        self.streams.add(stream)
        self.handle_stream(stream, address)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_TIMEOUT_S / 4, self._sweep)

    def _resume(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self._loop.add_reader(listening, self.accept, listening)

    def _sweep(self) -> None:
        """Close the connections that wait for a request too long."""
        oldest = self._loop.time() - IDLE_TIMEOUT_S
        for stream in [
            s for s in self.streams if s.idle_since_s is not None and s.idle_since_s <= oldest
        ]:
            stream.close()
        again = bool(self.streams)
        self._sweeping = self._loop.call_later(IDLE_TIMEOUT_S / 4, self._sweep) if again else None


class _Stream(IOStream):
    """
    A connection, with the time of its last bytes and since when it waits for a request.

    The wait is None while it has one.
    """

    def __init__(self, connection: socket.socket, server: _Server) -> None:
        self._server = server
        self.came_s = asyncio.get_running_loop().time()
        self.idle_since_s: float | None = self.came_s
        super().__init__(connection, max_buffer_size=BUFFER_BYTES)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        self.came_s = asyncio.get_running_loop().time()
        return super().read_from_fd(buf)

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        return super().write(_BAD_REQUEST if data == _BARE else data)

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            _dismiss(self.socket, _HEAD_TOO_LARGE)
        self._server.streams.discard(self)
        super().close(exc_info)


def _dismiss(connection: socket.socket, answer: bytes) -> None:
    """
    Send a last response, and read what has come.

    Unread bytes would reset the connection before the response arrives.
    """
    with suppress(OSError):
        connection.send(answer)
        connection.shutdown(socket.SHUT_WR)
        for _ in range(64):
            if not connection.recv(65_536):
                return


class _Exchange(HTTPMessageDelegate):
    """One request on its way in, one answer on its way out."""

    def __init__(self, server: _Server, connection: Any) -> None:
        self.server, self.connection = server, connection
        self.chunks: list[bytes] = []
        self.size = 0
        self.ticket: tuple[str, str] | None = None

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        self.came_s: float = self.connection.stream.came_s
        self.connection.stream.idle_since_s = None
        self.line: RequestStartLine = start_line
        self.headers = headers
        self.patience = asyncio.get_running_loop().call_later(
            BODY_TIMEOUT_S, self.connection.stream.close
        )

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= BODY_BYTES:
            self.chunks.append(chunk)

    def finish(self) -> None:
        self.patience.cancel()
        try:
            found = self._refusal() or self.server.sandbox._take(self._request())
        except Exception:
            _log.exception(
                "The sandbox failed on %s; this is a fault of its own.", self.line.method
            )
            found = Answer(
                status=500,
                body=b"The sandbox failed; this is a fault of its own.",
                headers={"Content-Type": "text/plain"},
            )
        self.ticket = found.ticket
        self.connection.set_close_callback(self._leave)
        if found.latency_ms:
            asyncio.get_running_loop().call_at(
                self.came_s + found.latency_ms / 1000, self._reply, found
            )
        elif (
            self.line.path.startswith(CONTROL)
            or self.server.sandbox.callbacks.due_in_s() is not None
        ):
            self.task = asyncio.ensure_future(self._settle_and_reply(found))
        else:
            self._reply(found)

    def on_connection_close(self) -> None:
        self.patience.cancel()
        self._leave()

    def _refusal(self) -> Answer | None:
        hosts = self.headers.get_list("Host")
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            return Answer(
                status=400,
                body=b"The Host header is not this sandbox's own.",
                headers={"Content-Type": "text/plain"},
            )
        if (
            sum(len(name) + len(value) for name, value in self.headers.get_all()) > HEADER_BYTES
            or len(self.line.path) > HEADER_BYTES
        ):
            return Answer(status=431)
        return None

    def _request(self) -> Request:
        body = b"".join(self.chunks)
        return Request(
            method=self.line.method,
            target=self.line.path,
            headers=self.headers,
            body=body,
            too_large=self.size > BODY_BYTES,
        )

    async def _settle_and_reply(self, found: Answer) -> None:
        if self.line.path.startswith(CONTROL):
            await self.server.sandbox.settle()
            self._reply(found)
        else:
            self._reply(found)
            await self.server.sandbox.settle()

    def _reply(self, found: Answer) -> None:
        self._leave()
        stream = self.connection.stream
        if stream is None or stream.closed():
            return
        stream.idle_since_s = asyncio.get_running_loop().time()
        if found.drop:
            stream.close()
            return
        reason = responses.get(found.status, "Unknown")
        headers = HTTPHeaders(
            {**found.headers, "Content-Length": str(len(found.body)), "X-Simulated": "1"}
        )
        if found.status in {204, 304}:
            found.body = b""
            del headers["Content-Length"]
        try:
            if found.cut and found.body:
                self._reply_half(found, reason, headers)
                return
            self.connection.write_headers(
                ResponseStartLine("", found.status, reason), headers, found.body or None
            )
            self.connection.finish()
        except StreamClosedError:
            pass

    def _reply_half(self, found: Answer, reason: str, headers: HTTPHeaders) -> None:
        head = (
            f"HTTP/1.1 {found.status} {reason}\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in headers.get_all())
            + "\r\n"
        )
        stream = self.connection.detach()
        written = stream.write(head.encode("latin-1") + found.body[: len(found.body) // 2])
        written.add_done_callback(lambda future: (future.exception(), stream.close()))

    def _leave(self) -> None:
        self.server.sandbox.limiter.leave(self.ticket)
        self.ticket = None
