"""Read what newman and Postman's console print of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import http_message
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.found import Found, filled
from sinchtools.evidence.pieces import METHODS, Piece, status_of

_LINE = re.compile(rf"\s{{0,20}}({METHODS}) (\S+) \[([^\]]{{1,200}})\]\s*")
_SAID = re.compile(r"(\d{3}) [^,]{0,80}, [\d.]+ ?\w+, (.+)")
_CALL = re.compile(rf"\s{{0,20}}({METHODS}) (https?://\S+|\S*\{{\{{\S+|/\S+)\s*")
_VERBOSE = re.compile(r"\s{0,20}(\d{3}) [^★]{1,80}★ ([^★]{1,40}?) time ★.*")
_BOX = re.compile(r"\s{0,20}┌ ([↑↓]).*")
_BOX_LINE = re.compile(r"\s{0,20}│ ?(.*)")
# what Postman's console says above the raw messages
_SAID_ABOVE = re.compile(
    rf"^(?:{METHODS}) (https?://\S+)\n\d{{3}}[^\n]{{0,40}}\n([\d.]+ ?m?s)\n"
    rf"(?=(?:{METHODS}) /\S* HTTP/)",
    re.MULTILINE,
)
_CONSOLE = re.compile(rf"({METHODS}) (\S+?): ?(?=\{{)")
_MOST_MISSES = 100  # calls whose JSON is broken
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9}) ?(ms|s|m|h)\b")
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call of a run that newman printed, short or verbose."""
    if not ("[" in piece.text or "★" in piece.text):
        return
    for number, line in enumerate(piece.lines, start=1):
        if (match := _LINE.fullmatch(line)) and (said := _said(match[3])):
            below = piece.lines[number].strip() if number < len(piece.lines) else ""
            end = number
            if "failure" in said and below and not _LINE.fullmatch(below):
                said["failure"] = below
                end += 1
            yield Found(number, end, Exchange(method=match[1], url=match[2], **said))
        elif (match := _CALL.fullmatch(line)) and (verbose := _verbose(piece, number)):
            yield _boxed(piece, number, match, verbose)


def _verbose(piece: Piece, number: int) -> re.Match[str] | None:
    """Return what the line below a call says of its response, when the run is verbose."""
    return _VERBOSE.fullmatch(piece.lines[number]) if number < len(piece.lines) else None


def _said(text: str) -> dict[str, Any]:
    """Return what the bracket after a call says: status and time, or that it failed."""
    if match := _SAID.fullmatch(text):
        return {"status": status_of(match[1]), "elapsed_ms": milliseconds(match[2])}
    return {"failure": text} if text == "errored" else {}


def milliseconds(text: str) -> float | None:
    """
    Return the time that a text such as ``1m 2.5s`` means.

    Examples
    --------
    >>> milliseconds("1.5s")
    1500.0
    """
    spans = _SPAN.findall(text)
    return sum(float(number) * _MILLISECONDS[unit] for number, unit in spans) if spans else None


def _boxed(piece: Piece, number: int, call: re.Match[str], said: re.Match[str]) -> Found:
    """Return a call with the bodies that stand in boxes below it."""
    bodies: dict[str, str] = {}
    at, lines = number + 1, piece.lines
    while at < len(lines) and (box := _BOX.fullmatch(lines[at])):
        start = at = at + 1
        while at < len(lines) and _BOX_LINE.fullmatch(lines[at]):
            at += 1
        bodies[box[1]] = "\n".join(_BOX_LINE.sub(r"\1", line) for line in lines[start:at])
        at += at < len(lines) and lines[at].strip().startswith("└")
    exchange = Exchange(
        method=call[1],
        url=call[2],
        status=status_of(said[1]),
        elapsed_ms=milliseconds(said[2]),
        request_body=bodies.get("↑"),
        response_body=bodies.get("↓"),
    )
    return Found(number, max(at, number + 1), exchange)


def find_console(piece: Piece) -> Iterator[Found]:
    """Yield each call that Postman's console copied: method, URL, and its parts as JSON."""
    text = piece.text
    yield from _raw_messages(piece)
    if '"Request Headers"' not in text and '"Response Headers"' not in text:
        return
    decoder, at, misses = json.JSONDecoder(), 0, 0
    for match in _CONSOLE.finditer(text):
        if match.start() < at or misses > _MOST_MISSES:
            continue
        try:
            value, at = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            misses += 1
            continue
        call = _console_call(match[1], match[2], value)
        yield Found(piece.line_of(match.start()), piece.line_of(at), call)


def _raw_messages(piece: Piece) -> Iterator[Found]:
    """Yield each call whose raw messages stand below its URL, status and time."""
    above = list(_SAID_ABOVE.finditer(piece.text))
    messages = list(http_message.find(piece)) if above else []
    by_line = {one.start: place for place, one in enumerate(messages)}
    for match in above:
        first = piece.line_of(match.start())
        place = by_line.get(first + match[0].count("\n"))
        if place is None:
            continue
        call, after = messages[place], messages[place + 1 : place + 2]
        if after and after[0].is_response:
            call = Found(first, after[0].end, filled(call.exchange, after[0].exchange))
        exchange = replace(call.exchange, url=match[1], elapsed_ms=milliseconds(match[2]))
        yield Found(first, call.end, exchange)


def _console_call(method: str, target: str, value: dict[str, Any]) -> Exchange:
    status = parts.at(value, "Response Status|Response Code|Status|Response.code")
    return Exchange(
        method=method,
        url=target,
        request_headers=parts.headers(value.get("Request Headers")),
        request_body=parts.literal(value.get("Request Body")),
        status=status_of(str(status)[:3]) if status is not None else None,
        response_headers=parts.headers(value.get("Response Headers")),
        response_body=parts.literal(value.get("Response Body")),
    )
