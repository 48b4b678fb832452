"""HAR files of any tool, also incomplete ones: the entries that are whole are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import HAR_FIELDS, Exchange
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.tool_parts import mapping
from sinchtools.evidence.formats.values import unbased, written
from sinchtools.evidence.pieces import Piece, TooMuchError, loaded, status_of

_LOG = re.compile(r"\s*(?:[\w$.]+\s*\(\s*)?\{(?:[^{}\[\]]|\[\]|\{\}){0,2000}?\"log\"\s*:\s*\{")
_ENTRIES = re.compile(r"\"entries\"\s*:\s*\[")
_JSONP = re.compile(r"\s*[\w$.]+\s*\(\s*(\{.*\})\s*\)\s*;?\s*", re.DOTALL)
_DEEPEST, _MOST_LOOKED_AT = 3, 100
_KEPT = tuple(name for name in HAR_FIELDS if name != "attempt")
_COMMA = re.compile(r"[\s,]*")


def sniff(piece: Piece) -> bool:
    """Tell whether the text is a HAR, whole or broken off, or has one in it."""
    if piece.document is not None:
        return next(_logs(piece.document), None) is not None
    return (
        _LOG.match(piece.text, 0, 100_000) is not None and _ENTRIES.search(piece.text) is not None
    )


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each entry; entries without a request are listed."""
    found: Iterator[Any] = _rescued(piece) if piece.document is None else _entries(piece)
    for number, entry in enumerate(found, start=1):
        exchange = _exchange(piece, entry, number)
        if exchange:
            yield exchange


def _entries(piece: Piece) -> Iterator[Any]:
    for log in _logs(piece.document):
        if isinstance(log.get("entries"), list):
            yield from log["entries"]
        else:
            piece.skip(None, "a HAR without entries")


def _logs(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the log of a HAR, or of each HAR that a few levels of other JSON hold."""
    log = mapping(mapping(document).get("log"))
    if log.keys() & ({"entries"} if depth else {"entries", "creator", "version"}):
        yield log
    elif depth < _DEEPEST:
        inner = document if isinstance(document, list) else list(mapping(document).values())
        for value in inner[:_MOST_LOOKED_AT]:
            yield from _logs(value, depth + 1)


def _rescued(piece: Piece) -> Iterator[Any]:
    wrapped = _JSONP.fullmatch(piece.text)
    if wrapped:
        try:
            yield from loaded(wrapped[1])["log"]["entries"]
            piece.guess(None, "the JavaScript call around the HAR was removed")
            return
        except (ValueError, KeyError, TypeError, RecursionError, TooMuchError):
            pass
    start = _ENTRIES.search(piece.text)
    at = start.end() if start else len(piece.text)
    decoder, number = json.JSONDecoder(), 0
    while True:
        at = _COMMA.match(piece.text, at).end()  # type: ignore[union-attr]
        try:
            entry, at = decoder.raw_decode(piece.text, at)
        except (ValueError, RecursionError):
            further = _ENTRIES.search(piece.text, at) if piece.text[at : at + 1] == "]" else None
            if not further:
                break
            at = further.end()
            continue
        number += 1
        yield entry
    if piece.text[at : at + 1] != "]":
        piece.skip(
            number + 1,
            "the HAR breaks off or is not JSON from this entry on; the entries before it were read",
        )
    else:
        piece.guess(
            None, "the HAR is not a complete JSON document; its entries were read one by one"
        )


def _exchange(piece: Piece, entry: Any, number: int) -> Exchange | None:
    request, response = (mapping(mapping(entry).get(name)) for name in ("request", "response"))
    if not request and not response:
        piece.skip(number, "an entry without a request and without a response")
        return None
    status = status_of(response.get("status"))
    if status is not None and not 100 <= status <= 599:
        piece.guess(number, f"status {status} is not an HTTP status; it was kept")
    ours = mapping(entry.get("_sinchtools"))
    kept = {name: ours[name] for name in _KEPT if isinstance(ours.get(name), str)} if ours else {}
    failure = _failure(entry, response) if status is None else None
    return Exchange(
        **{"source": piece.at(number), "failure": failure, **kept},
        attempt=status_of(ours.get("attempt", 1)) or 1,
        at=piece.instant(entry.get("startedDateTime")),
        method=written(request.get("method")),
        url=written(request.get("url")),
        request_headers=parts.headers(request.get("headers")),
        request_body=_post_data(request.get("postData"), exact=bool(ours)),
        status=status,
        response_headers=parts.headers(response.get("headers")),
        response_body=_content(
            piece, response.get("content"), number, exact=bool(ours) or status is not None
        ),
        elapsed_ms=_elapsed(entry),
    )


def _failure(entry: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
    said = (response.get("_error"), entry.get("_error"), response.get("_failureText"))
    return next(filter(None, map(written, said)), None)


def _post_data(data: Any, *, exact: bool) -> str | bytes | None:
    data = mapping(data)
    text = data.get("text")
    if isinstance(text, str) and (text or exact):
        return unbased(text) if "base64" in (data.get("encoding"), data.get("_encoding")) else text
    return urlencode(list(parts.pairs(data.get("params"))), errors="replace") or None


def _content(piece: Piece, content: Any, number: int, *, exact: bool) -> str | bytes | None:
    content = mapping(content)
    text = content.get("text")
    if not isinstance(text, str) or not (text or exact):
        return None
    if content.get("encoding") != "base64":
        return text
    body = unbased(text)
    if body is None:
        piece.guess(number, "a body said to be base64 is none; it stays as written")
    return text if body is None else body


def _elapsed(entry: Mapping[str, Any]) -> float | None:
    timings = mapping(entry.get("timings"))
    phases = [parts.number_of(timings.get(name)) for name in ("send", "wait", "receive")]
    known = [phase for phase in phases if phase is not None]
    if len(known) == 3 and min(known) >= 0 and max(known) > 0:
        return sum(known, 0.0)
    time = parts.number_of(entry.get("time"))
    return time if time is not None and time >= 0 and (time or timings.get("wait") != -1) else None
