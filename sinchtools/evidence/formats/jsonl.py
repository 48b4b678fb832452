"""
JSON Lines.

Our own exchange file, and the request logs of common loggers, servers and gateways.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import nested
from sinchtools.evidence.formats.mapping import Record, exchange_of, record_of
from sinchtools.evidence.found import filled
from sinchtools.evidence.pieces import TOO_MANY_VALUES, Piece, TooMuchError, loaded

__all__ = ["exchange_of", "paired", "parse", "sniff"]
NO_HTTP = "an object without HTTP fields (no status, method or URL in any of the known places)"
_COMMAND = re.compile(r"^[ \t>$#%]*curl(?:\.exe)?[ \t]", re.MULTILINE)
_BELOW = "a response without an id was matched with the request right above it"
_NAMELESS = object()  # in place of the id of a row whose response may be the next record
_MOST_WAITING = 10_000  # requests whose response may still come


def sniff(piece: Piece) -> bool:
    """
    Tell whether the text is JSON objects, one a line or in one array.

    One of our own exchanges counts too.
    """
    if isinstance(piece.document, list):
        return bool(piece.document) and isinstance(piece.document[0], dict)
    if isinstance(piece.document, dict):
        return (
            exchange_of(piece, piece.document, 1) is not None
            or _records(piece.document) is not None
            or any(nested.calls(piece, piece.document, 1))
        )
    if _COMMAND.search(piece.text[:200_000]):
        return False  # a command with its answer below: the command's reader takes both
    lines = [line for line in piece.text[:200_000].split("\n") if line.strip()]
    starting = sum(line.lstrip()[:1] == "{" for line in lines)
    return starting * 10 >= len(lines) * 9 > 0 and any(
        _object(line) is not None for line in lines[:200]
    )


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each object that has HTTP in it; the others are listed."""
    yield from paired(piece, _rows(piece))


def paired(piece: Piece, rows: Iterable[tuple[int, Record]]) -> Iterator[Exchange]:
    """
    Yield the rows, a request joined with the response that another record tells of.

    Both name the same id, or no id and stand right below each other. A response of which no request
    is known is listed.
    """
    waiting: dict[str, list[Any]] = {}
    held: deque[list[Any]] = deque()  # rows in order, [exchange, key]
    nameless: list[list[Any]] = []  # open rows without an id, right above this record
    for number, record in rows:
        above, nameless = nameless, []
        if record.is_alone and record.key is None and not held:
            yield record.exchange
            continue
        for one in above:
            one[1] = None
        if len(above) == 1 and record.is_response and record.key is None:
            piece.guess(number, _BELOW)
            above[0][0] = _completed(above[0][0], record.exchange)
            continue
        row = waiting.pop(record.key, None) if record.key else None
        if row is not None and record.is_response:
            row[0], row[1] = _completed(row[0], record.exchange), None
        elif record.is_whole:
            key = record.key if record.is_open else None
            held.append(row := [record.exchange, key])
            if key:
                waiting[key] = row
            elif record.is_open and not record.is_alone:
                row[1], nameless = _NAMELESS, [*above, row]
        else:
            piece.skip(number, NO_HTTP)
        while held and (held[0][1] is None or len(held) > _MOST_WAITING):
            yield held.popleft()[0]
    yield from (row[0] for row in held)


def _completed(request: Exchange, response: Exchange) -> Exchange:
    headers = response.response_headers or response.request_headers
    return filled(request, replace(response, response_headers=headers))


def _rows(piece: Piece) -> Iterator[tuple[int, Record]]:
    for number, value, reason in _values(piece):
        if reason:
            piece.skip(number, reason)
            continue
        if not isinstance(value, dict):
            piece.skip(number, "JSON that is not an object")
            continue
        record = record_of(piece, value, number)
        found = [] if record and record.is_whole else list(nested.calls(piece, value, number))
        if found and not (record and record.key and not any(one.exchange.url for one in found)):
            yield from ((number, one) for one in found)
        elif record:
            yield number, record
        else:
            piece.skip(number, NO_HTTP)


def _values(piece: Piece) -> Iterator[tuple[int, Any, str]]:
    if isinstance(piece.document, list):
        yield from ((number, value, "") for number, value in enumerate(piece.document, start=1))
        return
    if isinstance(piece.document, dict):
        for number, value in enumerate(_records(piece.document) or [piece.document], start=1):
            yield number, value, ""
        return
    for number, line in enumerate(piece.lines, start=1):
        if text := line.strip().rstrip(",").lstrip("\ufeff\x1e"):
            yield number, *_parsed(text)


def _parsed(text: str) -> tuple[Any, str]:
    if text in "[]":
        return {}, "JSON that is not an object"
    try:
        return loaded(text), ""
    except TooMuchError:
        return None, TOO_MANY_VALUES
    except RecursionError:
        return None, "JSON that is nested too deeply"
    except ValueError as error:
        column = getattr(error, "colno", None)
        return None, "broken JSON" if text[0] in "{[" and column else "text that is not JSON"


def _object(text: str) -> Any:
    value = _parsed(text.strip())[0] if text.strip() else None
    return value if isinstance(value, dict) else None


def _records(document: Mapping[str, Any]) -> list[Any] | None:
    for name in ("exchanges", "logs", "records", "events", "hits", "items", "results", "data"):
        listed = document.get(name) if len(document) <= 6 else None
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            return listed
    return None
