"""
Read the errors of HTTP clients and of the vendor's SDKs, as they are printed.

What each prints stands in `error_patterns`; here, what belongs to one error is put together: its
message, the body and the object below it, its stack, and the errors that caused it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sinchtools.api import catalogue
from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import printed, shapes
from sinchtools.evidence.formats.error_patterns import PATTERNS, Printed, compiled
from sinchtools.evidence.formats.prose import status_of_reason
from sinchtools.evidence.found import RESPONSE, Found, contradict, filled
from sinchtools.evidence.pieces import Piece

LONGEST_LINE = 20_000
# texts of the API that only one code has, for clients that print the text alone
CODE_OF_TEXT = {"Requesting delivery report without any callback URL": "missing_callback_url"}
LONGEST_MESSAGE = 400
TRACE = re.compile(
    r"\s*(?:at \S|File \"|\.\.\. \d+ (?:more|common)|#\d+ |in \S+:\d+|from \S+:\d+:in|thrown in |"
    r"Stack ?trace|\[stacktrace\]|\"\}\s*$|Traceback|--- End of|[~^]+\s*$|goroutine \d|"
    r"\S+ @ \S+:\d+|\(anonymous\) @|[\w.]{1,40} \(async\)|More details here: |"
    r"(?:[^\s:]{1,200}\.(?:[cm]?[jt]sx?|html?|vue|svelte)|\(index\)|VM\d+):\d+(?::\d+)?\s*$|"
    r"line \d+ of |\+ |For more information check: |HTTP response headers: |Reason: |"
    r"At (?:line|\S+):\d+|exit status \d+|node:internal|Node\.js v)"
)
CHAIN = re.compile(
    r"\s*(?:During handling of the above|The above exception was|Caused by:?|---> |\[cause\]|"
    r"Suppressed:|\[previous exception\]|Next |\{\"exception\":\"\[object\] )"  # the last: Monolog
)
_PAGE = re.compile(r"Traceback|Exception (?:Type|Value):")
_BRACKET = re.compile(r"\{[\"'](?:code|text|error|status)\b")
_TIME = re.compile(
    r"\W{0,2}(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[^\s\]]{0,14}"
    r"|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?: UTC)?)"
)
_VALUE = r'\\?"{}\\?"\s*:\s*\\?"((?:[^"\\]|\\.){{0,2000}})'
_CODE_IN, _TEXT_IN = (re.compile(_VALUE.format(name)) for name in ("code", "text"))


class Event(NamedTuple):
    """One message: its first and its last line, what it tells, and who prints it."""

    start: int
    end: int
    exchange: Exchange
    source: str
    has_stack: bool = False


def find(piece: Piece) -> Iterator[Found]:
    """Yield each error that a client or an SDK printed."""
    rows = [row for row in PATTERNS if _is_signed(row, piece.text)]
    last: Event | None = None
    for event in _events(piece, rows) if rows else ():
        whole = _merged(piece, last, event) if last else None
        if last and whole is None:
            yield Found(last.start, last.end, last.exchange)
        last = whole or event
    if last:
        yield Found(last.start, last.end, last.exchange)


def _events(piece: Piece, rows: list[Printed]) -> Iterator[Event]:
    objects = printed.Printed(piece.text)
    signs = re.compile("|".join(re.escape(sign) for row in rows for sign in row.signs))
    done = 0
    for number, line in enumerate(piece.lines, start=1):
        is_object = line.lstrip()[:2] in ('{"', "{'") and not CHAIN.match(line)
        if number <= done or is_object or not signs.search(line):
            continue
        told = _told(rows, line[:LONGEST_LINE])
        if told is None:
            continue
        event = _with_details(piece, objects, number, *told)
        yield event
        done = event.end


def _is_signed(row: Printed, text: str) -> bool:
    return any(sign in text for sign in row.signs)


def _told(rows: list[Printed], line: str) -> tuple[Printed, re.Match[str]] | None:
    for row in rows:
        if _is_signed(row, line) and (match := compiled(row).search(line)):
            return row, match
    return None


def _with_details(
    piece: Piece, objects: printed.Printed, number: int, row: Printed, match: re.Match[str]
) -> Event:
    """Return the message with the body, the object and the stack that stand below it."""
    exchange, end, start = exchange_of(row, match), number, piece.line_starts[number - 1]
    if exchange.status and exchange.status == catalogue.status_of(exchange.code):
        groups = match.groupdict()
        if not (row.status or groups.get("status") or groups.get("reason")):
            piece.guess(number, "the status is the one that the page gives for the code")
    if "body" in match.groupdict() and match["body"] is not None:
        if found := printed.body_at(piece.text, start + match.start("body")):
            exchange, end = with_body(exchange, found[0]), piece.line_of(found[1] - 1)
    elif opening := _BRACKET.search(piece.lines[number - 1]):
        found = printed.body_at(piece.text, start + opening.start())
        exchange = with_body(exchange, found[0]) if found else exchange
    has_stack, end = _has_stack_above(piece, number), stack_below(piece, max(end, number))
    tail = piece.lines[end - 1].rstrip()
    opens = tail.endswith("{") and exchange.response_body is None
    if opens and (value := objects.value_at(piece.line_starts[end - 1] + len(tail) - 1)):
        told = shapes.told(value[0])
        exchange = _filled(told, exchange) if told else exchange
        end = stack_below(piece, piece.line_of(value[1] - 1))
    time = _TIME.match(piece.lines[number - 1])
    moment = piece.time_of(number) or (piece.instant(time[1]) if time else None)
    exchange = replace(exchange, source=piece.at(number), at=exchange.at or moment)
    return Event(number, end, exchange, row.source, has_stack)


def exchange_of(row: Printed, match: re.Match[str]) -> Exchange:
    """Return what one message tells."""
    got = {name: value for name, value in match.groupdict().items() if value}
    status = int(got["status"]) if "status" in got else row.status
    if status is None and "reason" in got:
        status = status_of_reason(got["reason"])
    failure = None if status and row.failure != "CORS" else got.get("failure") or row.failure
    if failure is None and status is None and "host" in got:
        failure = _first_name(match.string)
    text = got.get("text")
    code = got.get("code") or _code_of(text)
    if status is None and failure is None and code:
        status = catalogue.status_of(code)  # it is the exception of a response
    return Exchange(
        method=(got.get("method") or got.get("verb") or "").upper() or None,
        url=_url(got),
        status=status,
        code=code,
        text=text and text.strip()[:LONGEST_MESSAGE],
        account=got.get("plan"),
        elapsed_ms=float(got["elapsed"]) if "elapsed" in got else None,
        failure=failure and failure.strip()[:80],
    )


def with_body(exchange: Exchange, body: str) -> Exchange:
    """Return a response with its body; what is left of a cut one still tells code and text."""
    code, text = _CODE_IN.search(body), _TEXT_IN.search(body)
    return replace(
        exchange,
        response_body=body,
        code=exchange.code or (code[1] if code else None),
        text=exchange.text or (text[1] if text else None),
    )


def _code_of(text: str | None) -> str | None:
    codes = (code for known, code in CODE_OF_TEXT.items() if known in (text or ""))
    return next(codes, None)


def _first_name(line: str) -> str:
    name = re.match(r"[\w.]{0,80}?(\w+(?:Error|Exception|Timeout))\b", line.strip())
    return name[1] if name else "ConnectionError"


def _url(got: dict[str, str]) -> str | None:
    if "url" in got or "host" not in got:
        return got.get("url")
    scheme = got.get("scheme", "https").lower()
    port = got.get("port")
    place = "" if port in (None, "443" if scheme == "https" else "80") else f":{port}"
    path = got.get("path")
    return f"{scheme}://{got['host']}{place}{path}" if path else None


def _has_stack_above(piece: Piece, number: int) -> bool:
    """Tell whether a traceback stands above a message, and say that it belongs to it."""
    at = number - 1
    while at >= 1 and number - at < 400 and re.match(r"\s", piece.lines[at - 1] or " "):
        if not piece.lines[at - 1].strip():
            break
        at -= 1
    if at >= 1 and piece.lines[at - 1].startswith("Traceback"):
        piece.use(at, number)
        return True
    if at < number - 1 and any(TRACE.match(line) for line in piece.lines[at : number - 1]):
        piece.use(at + 1, number)
    return False


def stack_below(piece: Piece, end: int) -> int:
    """Return the last line of the stack that stands below a line."""
    while end < len(piece.lines) and TRACE.match(piece.lines[end]):
        end += 1
    return end


def _merged(piece: Piece, last: Event, event: Event) -> Event | None:
    """Return two messages of one error as one, or None when they are two."""
    between = [line for line in piece.lines[last.end : event.start - 1] if line.strip()]
    chained = any(CHAIN.match(line) for line in (*between, piece.lines[event.start - 1]))
    is_logged = event.has_stack and not last.has_stack  # the message, then its traceback
    above = piece.lines[last.start : event.start - 1] if is_logged else []
    chained = chained or any(line.startswith("Traceback") for line in above)
    near = all(TRACE.match(line) or CHAIN.match(line) or line[:1] in " \t" for line in between)
    if not last.has_stack and _is_title(last, event, between):
        near = chained = True  # a page of an error: its title, the traceback, the error again
    if not near or (event.source == last.source and not chained and not _is_rest(last, event)):
        return None
    if contradict(last.exchange, event.exchange, ("status", "url", "method", "code")):
        return None
    piece.use(last.end, event.start)
    return Event(
        last.start, event.end, _filled(last.exchange, event.exchange), event.source, last.has_stack
    )


def _is_title(last: Event, event: Event, between: list[str]) -> bool:
    facts = ("url", "status", "code", "text", "failure")
    same = all(getattr(last.exchange, n) == getattr(event.exchange, n) for n in facts)
    return same and any(_PAGE.match(line) for line in between)


def _is_rest(last: Event, event: Event) -> bool:
    """Tell whether a message of the same client adds what the one before it lacks."""
    known, more = last.exchange, event.exchange
    if known.failure == more.failure == "CORS" and known.url == more.url and known.status:
        return more.status is None  # Firefox: of the preflight, then of the request
    return event.start == last.end + 1 and all(
        getattr(known, name) is None or getattr(more, name) is None
        for name in ("status", "url", "response_body", "failure")
    )


def _filled(known: Exchange, more: Exchange) -> Exchange:
    """Return what is known, with what another message adds; an answer is no failure."""
    whole = filled(known, more, ("method", "url", "account", *RESPONSE))
    is_failure = whole.status is None or whole.failure == "CORS"
    return whole if is_failure else replace(whole, failure=None)
