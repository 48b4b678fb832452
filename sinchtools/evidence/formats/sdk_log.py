"""
Lines that the vendor's Python SDK and urllib3 log at DEBUG, and the tracebacks of both.

The SDK's own message hides code and text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.retries import URLLIB3_DONE, without_default_port
from sinchtools.evidence.formats.values import headers_of, json_text, literal
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

# the first place that fits is the only one that is tried, ``(?>...)``: from each of many a line
# would be looked through again
_CALL = r"headers: (?=\{))(?>(?P<headers>\{.*?\}) and body: )(?P<body>.*)"
_REQUEST = re.compile(
    rf"^(?>.*?HTTP request (?P<method>[A-Z]+) call with {_CALL} to URL: (?P<url>\S++)\s*$"
)
_RESPONSE = re.compile(
    rf"^(?>.*?HTTP response (?P<status>\d{{3}}) with {_CALL} from URL: (?P<url>\S++)\s*$"
)
_ERROR = re.compile(
    r"(?<![\w.])(?P<name>[\w.]{0,80}(?:Sms|SMS|Sinch)\w{0,40}Exception): "
    r"(?:Error (?P<status>[1-5]\d\d)\b|(?P<json>Error while parsing json response))"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_HIDDEN = (
    "the SDK hides the status of a response that is not JSON (often a gateway's 5xx); only "
    "its DEBUG log tells it"
)
_SIGNS = ("HTTP re", "HTTP/1", "Exception: Error")
_LONGEST_LITERAL, _MOST_BRACKETS = 1_000_000, 3_000


def find(piece: Piece) -> Iterator[Found]:
    """
    Yield each request that lines of the SDK, of urllib3, or an exception of either tell of.

    The SDK's silent retries become attempts of one call.
    """
    if not any(sign in piece.text for sign in _SIGNS):
        return
    previous: Exchange | None = None
    for line, exchange in _exchanges(piece):
        previous = _chained(previous, exchange)
        yield Found(line, line, previous)


def _exchanges(piece: Piece) -> Iterator[tuple[int, Exchange]]:
    pending: Exchange | None = None
    last: Exchange | None = None
    first = 0
    for number, line in enumerate(piece.lines, start=1):
        event = _event(line)
        if event is None:
            continue
        piece.use(number)
        kind, match = event
        if kind in ("request", "urllib3"):
            if pending and kind == "urllib3" and _same(pending, match):
                pending = replace(pending, status=int(match["status"]))
                continue
            if pending:
                yield first, pending
            first, pending = number, _sent(piece, kind, match, line, number)
        elif kind == "response":
            url = match["url"]
            if pending and (pending.url or "").partition("?")[0] != url.partition("?")[0]:
                yield first, pending
                pending = None
            place = first if pending else number
            yield place, _answered(pending or Exchange(source=piece.at(number), url=url), match)
            last, pending = _answered(pending or Exchange(), match), None
        else:
            failed = _failed(piece, pending, last, match, number)
            place = first if pending else number
            pending, last = None, failed or last
            if failed:
                yield place, failed
    if pending:
        yield first, pending


def _event(line: str) -> tuple[str, re.Match[str]] | None:
    for kind, pattern, sign in _PATTERNS:
        if sign in line and (match := pattern.search(line)):
            return kind, match
    return None


def _same(pending: Exchange, match: re.Match[str]) -> bool:
    """Tell whether urllib3 tells of the request above it, which has no response yet."""
    path, _, _ = match["target"].partition("?")
    is_open = pending.status is None and pending.method == match["method"]
    return is_open and (pending.url or "").partition("?")[0].endswith(path)


def _sent(piece: Piece, kind: str, match: re.Match[str], line: str, number: int) -> Exchange:
    time = _TIME.search(line)
    at = piece.instant(time[0]) if time and time.start() < match.start("method") else None
    if kind == "urllib3":
        return Exchange(
            source=piece.at(number),
            at=at,
            method=match["method"],
            url=without_default_port(match["origin"]) + match["target"],
            status=int(match["status"]),
        )
    body = match["body"]
    return Exchange(
        source=piece.at(number),
        at=at,
        method=match["method"],
        url=match["url"],
        request_headers=headers_of(_literal(match["headers"])),
        request_body=None if body in ("None", "") else _json_text(body),
    )


def _answered(exchange: Exchange, match: re.Match[str]) -> Exchange:
    body = match["body"]
    return replace(
        exchange,
        status=int(match["status"]),
        response_headers=headers_of(_literal(match["headers"])),
        response_body=None if body in ("None", "", "{}") else _json_text(body),
    )


def _failed(
    piece: Piece, pending: Exchange | None, last: Exchange | None, match: re.Match[str], number: int
) -> Exchange | None:
    status = int(match["status"]) if match["status"] else None
    if pending is None and last is not None and (status is None or last.status == status):
        return None  # the exception of an answer that was read already
    base = pending or Exchange(source=piece.at(number))
    if status is not None:
        return replace(base, status=base.status or status)
    if base.status is None:
        piece.guess(number, _HIDDEN)
    return replace(base, failure=None if base.status else "SinchException")


def _chained(previous: Exchange | None, exchange: Exchange) -> Exchange:
    sent = ("method", "url", "request_body")
    if previous is None or previous.status != 429 or exchange.method is None:
        return exchange
    if any(getattr(previous, name) != getattr(exchange, name) for name in sent):
        return exchange
    call, attempt = previous.call_id or previous.source, (previous.attempt or 1) + 1
    return replace(exchange, call_id=call, attempt=attempt)


def _literal(text: str) -> Any:
    depth = max((text.count(opening) for opening in "{[("), default=0)
    return None if len(text) > _LONGEST_LITERAL or depth > _MOST_BRACKETS else literal(text)


def _json_text(text: str) -> str:
    is_python = text[:1] in "{[" and text[1:2] != '"' and len(text) <= _LONGEST_LITERAL
    return json_text(text) if is_python else text


_PATTERNS = (
    ("request", _REQUEST, "HTTP request"),
    ("response", _RESPONSE, "HTTP response"),
    ("urllib3", URLLIB3_DONE, "HTTP/"),
    ("error", _ERROR, "Exception: "),
)
