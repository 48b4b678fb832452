"""The connections of the sandbox: HTTP as it arrives, within limits, and how it is answered."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

from sinchtools.api.description import CONTROL
from sinchtools.sandbox.answers import BODY_BYTES, HEADER_BYTES, Answer, Request

if TYPE_CHECKING:
    from sinchtools.sandbox.server import Sandbox

HOST = "127.0.0.1"

# read and thrown away beyond BODY_BYTES, so that the client hears a 413 and no reset
READ_BYTES = 64 * 1024 * 1024
HEAD_BYTES = 64 * 1024  # of an unfinished request: more is not kept
BUFFER_BYTES = 1024 * 1024  # of a connection
MOST_CONNECTIONS = 100
BODY_TIMEOUT_S = 20  # counted here: tornado's own limit costs a tenth of a request
IDLE_TIMEOUT_S = 60.0  # until the head of the next request is there
_PAUSE_S = 1  # after a connection that could not be accepted
SELECTABLE = 1024  # select() takes no greater file descriptor
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


class Server(HTTPServer):
    """The sandbox's HTTP server: it admits connections, and drops those that idle."""

    def initialize(self, sandbox: Sandbox) -> None:  # type: ignore[override]
        """Set the limits of all connections."""
        super().initialize(self, max_header_size=HEAD_BYTES, max_body_size=READ_BYTES)
        # `_sweep` does it: a limit for each request costs time
        self.conn_params.header_timeout = None
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
        """Return what takes in one request."""
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

    def __init__(self, connection: socket.socket, server: Server) -> None:
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

    def __init__(self, server: Server, connection: Any) -> None:
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
                "The sandbox failed on %s; this is a bug in the sandbox.", self.line.method
            )
            found = Answer(
                status=500,
                body=b"The sandbox failed; this is a bug in the sandbox.",
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
