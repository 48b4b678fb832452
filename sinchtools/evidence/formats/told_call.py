"""Read a call that somebody tells of: a method and a URL in a sentence, the body below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.http_message import is_error_body
from sinchtools.evidence.formats.prose import response_in
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece, json_values, words

LONGEST = 20_000  # characters of a mail
_URL = re.compile(r"https?://[^\s\"'`<>)|{}\]]+")
_METHOD = re.compile(rf"\b({METHODS})\b")
_AFTER = re.compile(rf"[\s\"'`)>,*]{{0,4}}(?:\w+ ){{0,2}}[(\[`\"]?({METHODS})\b")
_NEAR = 60
_FIELDS = frozenset(words("to from body parameters delivery_report callback_url members type udh"))


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call of which a sentence names method and URL, with the message below it."""
    if len(piece.text) > LONGEST or "{" not in piece.text or "://" not in piece.text:
        return
    calls = [
        (url, method)
        for url in _URL.finditer(piece.text)
        if (method := _method(piece.text, url.start(), url.end()))
    ]
    if not calls:
        return
    values = list(json_values(piece.text))
    bounds = [url.start() for url, _ in calls[1:]] + [len(piece.text)]
    for (url, method), bound in zip(calls, bounds, strict=True):
        below = [one for one in values if url.end() <= one[0] < bound and isinstance(one[2], dict)]
        body = next((one for one in below[:2] if is_message(one[2])), None)
        if body is None or (body is not below[0] and not is_error_body(below[0][2])):
            continue
        sent = piece.text[body[0] : body[1]]
        first, last = piece.line_of(url.start()), piece.line_of(body[1] - 1)
        told = Exchange(
            method=method,
            url=url[0].rstrip(".,:;"),
            request_body=sent,
            at=piece.logged_at(first),
        )
        if body is not below[0]:
            told = _with_response(piece, told, piece.text[url.end() : body[0]], below[0])
        elif first == last:  # a line of a log: all that it tells is of this call
            after = next((one for one in below[1:] if piece.line_of(one[0]) == last), None)
            told = _with_response(piece, told, piece.text[url.end() : body[0]], after)
        yield Found(first, last, told)


def _with_response(piece: Piece, told: Exchange, between: str, error: Any) -> Exchange:
    """Return the call with the response that is told between its URL and its body."""
    said = response_in([(1, line) for line in between.split("\n")])
    status = next((one.exchange.status for one in said if one.exchange.status), None)
    return replace(told, status=status, response_body=error and piece.text[error[0] : error[1]])


def _method(text: str, start: int, end: int) -> str | None:
    """Return the method that stands before a URL on its line, or right behind it."""
    begins = max(text.rfind("\n", 0, start) + 1, start - _NEAR)
    before = _METHOD.findall(text, begins, start)
    after = _AFTER.match(text, end)
    return before[-1] if before else after[1] if after else None


def is_message(value: dict[str, Any]) -> bool:
    """Tell whether an object has fields of a message, and none of a response."""
    return len(_FIELDS & set(value)) > 1 and not {"code", "id", "batch_id"} & set(value)
