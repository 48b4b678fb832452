"""HAR files of any tool, also incomplete ones: the entries that are whole are read."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import HAR_FIELDS, Exchange
from sinchtools.evidence.pieces import Piece, TooMuchError, joined, loaded, status_of

_LOG = re.compile(r"\s*(?:[\w$.]+\s*\(\s*)?\{(?:[^{}\[\]]|\[\]|\{\}){0,2000}?\"log\"\s*:\s*\{")
_ENTRIES = re.compile(r"\"entries\"\s*:\s*\[")
_JSONP = re.compile(r"\s*[\w$.]+\s*\(\s*(\{.*\})\s*\)\s*;?\s*", re.DOTALL)
_DEEPEST, _MOST_LOOKED_AT = 3, 100
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
    inner = (
        document.values()
        if isinstance(document, dict)
        else document
        if isinstance(document, list)
        else ()
    )
    log = document.get("log") if isinstance(document, dict) else None
    if (
        isinstance(log, dict)
        and {"entries", "creator", "version"} & log.keys()
        and not (depth and "entries" not in log)
    ):
        yield log
    elif depth < _DEEPEST:
        for value in list(inner)[:_MOST_LOOKED_AT]:
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
    request = _dict(_dict(entry).get("request"))
    response = _dict(_dict(entry).get("response"))
    if not request and not response:
        piece.skip(number, "an entry without a request and without a response")
        return None
    status = status_of(response.get("status"))
    if status is not None and not 100 <= status <= 599:
        piece.guess(number, f"status {status} is not an HTTP status; it was kept")
    ours = _dict(entry.get("_sinchtools"))
    words = [name for name in HAR_FIELDS if name != "attempt"]
    kept = {name: ours[name] for name in words if isinstance(ours.get(name), str)}
    failure = _failure(entry, response) if status is None else None
    return Exchange(
        **{"source": piece.at(number), "failure": failure, **kept},
        attempt=status_of(ours.get("attempt", 1)) or 1,
        at=piece.instant(entry.get("startedDateTime")),
        method=_text(request.get("method")),
        url=_text(request.get("url")),
        request_headers=_headers(request.get("headers")),
        request_body=_post_data(request.get("postData"), exact=bool(ours)),
        status=status,
        response_headers=_headers(response.get("headers")),
        response_body=_content(
            piece, response.get("content"), number, exact=bool(ours) or status is not None
        ),
        elapsed_ms=_elapsed(entry),
    )


def _failure(entry: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
    return (
        _text(response.get("_error"))
        or _text(entry.get("_error"))
        or _text(response.get("_failureText"))
    )


def _headers(listed: Any) -> dict[str, str]:
    if isinstance(listed, dict):
        return joined((str(name), str(value)) for name, value in listed.items())
    pairs = (
        [(header.get("name"), header.get("value")) for header in listed if isinstance(header, dict)]
        if isinstance(listed, list)
        else []
    )
    return joined(
        (name, "" if value is None else str(value))
        for name, value in pairs
        if name and isinstance(name, str) and name[0] != ":"
    )


def _post_data(data: Any, *, exact: bool) -> str | bytes | None:
    data = _dict(data)
    text = data.get("text")
    if isinstance(text, str) and (text or exact):
        return (
            _unbased(text)
            if data.get("encoding") == "base64" or data.get("_encoding") == "base64"
            else text
        )
    pairs = (
        [
            (str(p.get("name")), str(p.get("value", "")))
            for p in data.get("params") or []
            if isinstance(p, dict)
        ]
        if isinstance(data.get("params"), list)
        else []
    )
    return urlencode(pairs, errors="replace") or None


def _content(piece: Piece, content: Any, number: int, *, exact: bool) -> str | bytes | None:
    content = _dict(content)
    text = content.get("text")
    if not isinstance(text, str) or not (text or exact):
        return None
    if content.get("encoding") != "base64":
        return text
    body = _unbased(text)
    if body is None:
        piece.guess(number, "a body said to be base64 is none; it stays as written")
    return text if body is None else body


def _unbased(text: str) -> str | bytes | None:
    try:
        body = base64.b64decode(text)
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body
    except (ValueError, binascii.Error):
        return None


def _elapsed(entry: Mapping[str, Any]) -> float | None:
    timings = _dict(entry.get("timings"))
    phases = [
        number
        for name in ("send", "wait", "receive")
        if (number := _number(timings.get(name))) is not None
    ]
    if len(phases) == 3 and min(phases) >= 0 and max(phases) > 0:
        return sum(phases, 0.0)
    time = _number(entry.get("time"))
    return time if time is not None and time >= 0 and (time or timings.get("wait") != -1) else None


def _number(value: Any) -> float | None:
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
        else None
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
