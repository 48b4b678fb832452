"""Read a call that somebody tells of: a method and a URL in a sentence, the body below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sinchtools.core.records import Exchange
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
        below = (one for one in values if url.end() <= one[0] < bound)
        body = next((one for one in below if isinstance(one[2], dict)), None)
        if body is None or not _is_message(body[2]):
            continue
        sent = piece.text[body[0] : body[1]]
        told = Exchange(method=method, url=url[0].rstrip(".,:;"), request_body=sent)
        yield Found(piece.line_of(url.start()), piece.line_of(body[1] - 1), told)


def _method(text: str, start: int, end: int) -> str | None:
    """Return the method that stands before a URL on its line, or right behind it."""
    begins = max(text.rfind("\n", 0, start) + 1, start - _NEAR)
    before = _METHOD.findall(text, begins, start)
    after = _AFTER.match(text, end)
    return before[-1] if before else after[1] if after else None


def _is_message(value: dict[str, Any]) -> bool:
    """Tell whether an object has fields of a message, and none of a response."""
    return len(_FIELDS & set(value)) > 1 and not {"code", "id", "batch_id"} & set(value)
