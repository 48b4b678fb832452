"""
Read calls as a script prints them: method and URL, then the status, with or without the body.

Both stand on one line, or the status below; a body that was sent may stand between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece, json_end

_TIME = r"(?:\[?[\dT:., +-]{8,32}Z?\]?\s+)?"
_CALL = re.compile(
    rf"\s*{_TIME}(?P<method>{METHODS}) "
    r"(?P<url>https?://[^\s\"'<>]*[^\s\"'<>:,;])(?P<rest>.*)"
)
_STATUS = re.compile(
    rf"\s*{_TIME}[-=<>:→←⇒|\s]{{0,6}}(?:[Ss]tatus:? )?(?P<status>[1-5]\d\d)"
    r"(?P<reason> [A-Z][A-Za-z -]{1,30}?)?[\s:,|-]{0,4}(?P<body>[{\[].*)?"
)


class _Said(NamedTuple):
    """A status, the body behind it, and the last line of both."""

    status: int
    body: str | None
    end: int


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call of which a line names method and URL, with the status behind or below it."""
    if "://" not in piece.text:
        return
    done = 0
    for number, line in enumerate(piece.lines, start=1):
        call = _CALL.fullmatch(line) if number > done and "://" in line else None
        if call and (found := _found(piece, number, call)):
            done = found.end
            yield found


def _found(piece: Piece, number: int, call: re.Match[str]) -> Found | None:
    sent, below = None, number + 1
    if call["rest"].strip():
        said = _said(piece, number, call.start("rest"))
        if said is None or said.body is None:
            return None  # lines of a status alone are those of a log
    else:
        if below <= len(piece.lines) and piece.lines[below - 1].lstrip().startswith("{"):
            sent = _json_at(piece, below, 0)
            below = sent[1] + 1 if sent else below
        said = _said(piece, below, 0) if below <= len(piece.lines) else None
        if said is None:
            return None
    exchange = Exchange(
        method=call["method"],
        url=call["url"],
        at=piece.logged_at(number),
        request_body=sent[0] if sent else None,
        status=said.status,
        response_body=said.body,
    )
    return Found(number, said.end, exchange)


def _said(piece: Piece, number: int, start: int) -> _Said | None:
    """Return the status that a line says from a place on, with the JSON behind it."""
    told = _STATUS.fullmatch(piece.lines[number - 1], start)
    if told is None or (told["reason"] and not told["body"]):
        return None
    if told["body"] is None:
        return _Said(int(told["status"]), None, number)
    body = _json_at(piece, number, told.start("body"))
    return _Said(int(told["status"]), *body) if body else None


def _json_at(piece: Piece, number: int, start: int) -> tuple[str, int] | None:
    """Return the JSON that begins on a line, and its last line; None when more stands behind it."""
    at = piece.line_starts[number - 1] + start
    at += len(piece.text[at:]) - len(piece.text[at:].lstrip())
    end = json_end(piece.text, at)
    if end is None or piece.text[end:].partition("\n")[0].strip():
        return None
    return piece.text[at:end], piece.line_of(end - 1)
