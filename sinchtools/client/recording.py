"""Each attempt becomes an exchange in the log: the client's own, and those of a block."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.api.description import complete, locate
from sinchtools.client.log import CallLog, Recording
from sinchtools.core.records import Exchange
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

OWN = "_sinchtools_logged"


@contextlib.contextmanager
def record(log: CallLog | None = None) -> Iterator[CallLog]:
    """
    Log whatever is sent through requests while the block is open, the vendor's SDK included.

    Blocks may overlap: each file has a request once, and each block shows what was written while it
    was open.

    Parameters
    ----------
    log
        Where it is written; None is the work folder's log. What the block gives shows only its own
        part of it.

    Yields
    ------
    CallLog
        What was written while the block was open.

    Examples
    --------
    >>> import tempfile
    >>> with record(CallLog(tempfile.mkdtemp() + "/calls.sqlite")) as log:
    ...     pass
    >>> len(log)
    0
    """
    block = Recording(None if log is None else log.path)
    _wire.tap(block)
    try:
        yield block
    finally:
        _wire.untap(block)


class _Wire:
    """The one patch of requests, there while a block is open; the blocks are a list behind it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taps: list[Recording] = []
        self._redactors: dict[Path, Redactor] = {}  # a secret has one number in a file
        self._restore: Callable[[], None] = lambda: None

    def tap(self, block: Recording) -> None:
        with self._lock:
            block.begin()
            self._taps.append(block)
            self._redactors.setdefault(block.path, Redactor())
            if len(self._taps) == 1:
                self._restore = self._patched()

    def untap(self, block: Recording) -> None:
        with self._lock:
            block.end()
            self._taps.remove(block)
            if block.path not in {one.path for one in self._taps}:
                del self._redactors[block.path]
            if not self._taps:
                self._restore()

    def _patched(self) -> Callable[[], None]:
        from requests.adapters import HTTPAdapter

        original, is_on = HTTPAdapter.send, threading.Event()
        is_on.set()

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any
        ) -> requests.Response:
            logs = [] if getattr(request, OWN, False) or not is_on.is_set() else self._files()
            return _recorded(logs, request, lambda: original(adapter, request, *args, **kwargs))

        def restore() -> None:
            is_on.clear()  # somebody else's patch may lie on top, and still call this one
            if HTTPAdapter.send is send:
                HTTPAdapter.send = original  # type: ignore[method-assign]

        HTTPAdapter.send = send  # type: ignore[method-assign,assignment]
        return restore

    def _files(self) -> list[tuple[CallLog, Redactor]]:
        """Return one of the open blocks for each file."""
        with self._lock:
            files = {block.path: block for block in reversed(self._taps)}
            return [(block, self._redactors[path]) for path, block in files.items()]


_wire = _Wire()


def _recorded(
    logs: Sequence[tuple[CallLog, Redactor]],
    request: requests.PreparedRequest,
    send: Callable[[], requests.Response],
) -> requests.Response:
    """Send once, with a row in each of the logs."""
    if not logs:
        return send()
    planned = Exchange(
        id=new_id(),
        call_id=new_id(),
        at=datetime.now(UTC),
        origin="client",
        target=target_of(str(request.url), "live"),
        **request_of(request),
    )
    inner = partial(_recorded, logs[1:], request, send)
    _, response = logged(*logs[0], planned, inner, again=True)
    assert response is not None
    return response


def logged(
    log: CallLog,
    redactor: Redactor,
    planned: Exchange,
    send: Callable[[], requests.Response],
    *,
    again: bool = False,
) -> tuple[Exchange, requests.Response | None]:
    """
    Write the intent, send, write the outcome; return both.

    A network failure is a row, raised again only where asked.
    """
    import requests

    intent = complete(redactor.exchange(planned))
    log.intent(intent)
    started = time.perf_counter()
    response, content, failure, raised = None, None, None, None
    try:
        response = send()
        content = response.content
    except requests.RequestException as error:
        failure, raised, response = (
            failure_of(error),
            error,
            error.response if response is None else response,
        )
    elapsed_ms = (time.perf_counter() - started) * 1000
    received = (
        {} if response is None else _answer(redactor, planned, intent, response, content or b"")
    )
    exchange = complete(replace(intent, elapsed_ms=elapsed_ms, failure=failure, **received))
    log.outcome(exchange)
    if raised is not None and again:
        raise raised
    return exchange, response


def _answer(
    redactor: Redactor,
    planned: Exchange,
    intent: Exchange,
    response: requests.Response,
    content: bytes,
) -> dict[str, Any]:
    """
    Return status, headers and body of a response without secrets.

    It is redacted together with the request, because it may quote the request's secrets.
    """
    said: dict[str, Any] = {
        "response_headers": dict(response.headers),
        "response_body": text_of(content),
    }
    sent = [
        value.rpartition(" ")[2]
        for name, value in planned.request_headers.items()
        if intent.request_headers.get(name) != value
    ]
    is_sent = (planned.url, planned.request_body) != (intent.url, intent.request_body)
    if is_sent or any(
        secret.encode() in content or any(secret in value for value in response.headers.values())
        for secret in sent
    ):
        whole = redactor.exchange(replace(planned, **said))
        return {
            "status": response.status_code,
            "response_headers": whole.response_headers,
            "response_body": whole.response_body,
        }
    return {
        "status": response.status_code,
        "response_headers": redactor.headers(response.headers),
        "response_body": redactor.body(said["response_body"]),
    }


def failure_of(error: Exception) -> str:
    """
    Return the class of a network failure, such as ``ConnectionError: NameResolutionError``.

    Its text is not returned, because it contains the URL.
    """
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    reason = getattr(
        reason, "original_error", reason
    )  # of a proxy: whether it could not be reached, or broke off after it had the request
    names = [type(error).__name__, type(reason).__name__ if isinstance(reason, Exception) else ""]
    return ": ".join(dict.fromkeys(filter(None, names)))


def text_of(content: bytes | None) -> str | bytes | None:
    """Return a body as text when it is UTF-8, else as it is; None for an empty one."""
    if not content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def new_id() -> str:
    """Return a new random id."""
    return secrets.token_hex(8)


def request_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the fields of an exchange that a request fills."""
    body = request.body
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
    return {
        "method": request.method,
        "url": request.url,
        "request_headers": {k: _plain(v) for k, v in request.headers.items()},
        "request_body": text_of(raw),
    }


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def target_of(url: str, otherwise: str) -> str:
    """Return where a request goes: sandbox, dry-run, unknown, or what its client says otherwise."""
    place = locate(url)
    if place.kind == "loopback":
        return "sandbox"
    return (
        "dry-run"
        if otherwise == "live" and place.below == "/batches/dry_run"
        else otherwise
        if place.is_sms_api
        else "unknown"
    )
