"""
Take the records out of what log stores, tracers and error trackers give.

An answer or an export is a list of records somewhere in a document, a record is fields, a message,
or both. Each becomes lines of one text: what has HTTP in its fields as JSON, else its message.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from html import unescape
from typing import Any, NamedTuple

from sinchtools.evidence.containers import markup
from sinchtools.evidence.containers.store_shapes import SHAPES, from_pairs, is_pairs, single
from sinchtools.evidence.formats import tables
from sinchtools.evidence.formats.bare_body import is_bare
from sinchtools.evidence.formats.http_message import is_error_body
from sinchtools.evidence.formats.log_lines import pairs_of
from sinchtools.evidence.formats.mapping import http_status, record_of
from sinchtools.evidence.formats.names import FIELDS
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.pieces import Piece, words
from sinchtools.evidence.times import squashed

# the names of a record's text, and of its time, as squashed names
MESSAGES = words(
    "raw message msg log line textpayload fullmessage shortmessage eventoriginal event content "
    "logmessage messagetext logline logentry body text renderedmessage eventmessage formatted "
    "command curl curlcommand cmd htmlbody plainbody bodyhtml bodytext commentbody descriptiontext "
    "description"
)
TIMES = words(
    "timestamp time ts at date eventtime timegenerated receivedat generatedat dt timens tsns "
    "starttime realtimetimestamp sourcerealtimetimestamp datetime datehappened t unixtimestamp "
    "asctime created messagetime receipttime createdat when observedtimestamp timeunixnano "
    "timestamputc"
)
# what a record is wrapped in: its fields are the record's
_INNER = words(
    "_source result jsonPayload fields attributes content map event properties document "
    "structured record json labels message log data proxy httpRequest"
)
_LISTS = set(
    words(
        "events logs logevents records entries results hits messages data items matches rows "
        "documents breadcrumbs spans value values result comments conversations replies"
    )
)
_REQUEST_TEXT = re.compile(r"https?://|/xms/|\b(?:GET|POST|PUT|DELETE|PATCH|HEAD) +\S|curl ")
_LOOKED_AT, _DEEPEST = 100, 8


class Entry(NamedTuple):
    """One record: its place in the source, its fields, and when it was logged."""

    number: int
    value: Mapping[str, Any]


def unwrap(piece: Piece) -> list[Piece] | None:
    """Return the records as one text, or None when the piece is no log store's."""
    entries = _entries(piece)
    if entries is None:
        return None
    lines: list[str] = []
    numbers: list[int] = []
    times: dict[int, datetime] = {}
    for number, value in entries:
        at = _time(piece, value) or piece.time_of(number)
        for line in _content(piece, value):
            lines.append(line)
            numbers.append(number)
            if at:
                times[len(lines)] = at
    inner = piece.inner("\n".join(lines), numbers)
    inner.times = times
    return [inner]


def _entries(piece: Piece) -> Iterable[Entry] | None:
    start = piece.text[:200].lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        document = piece.document
        if document is None:
            return _of_lines(piece)
        found = list(_found(document, 0))
        if not found:
            return None
        return (Entry(i, value) for i, value in enumerate(found, start=1))
    return _of_pairs(piece) or _of_table(piece)


def _of_lines(piece: Piece) -> Iterable[Entry] | None:
    """Return the records of JSON Lines when any of the first is an envelope."""
    lines = piece.lines
    step = max(1, len(lines) // _LOOKED_AT)
    some = [line for line in (*lines[:_LOOKED_AT], *lines[::step]) if line.strip()]
    looked_at = [value for line in some if isinstance(value := _object(line), dict)]
    if 2 * len(looked_at) < len(some) or not any(_is_envelope(value) for value in looked_at):
        return None
    return _each(lines)


def _of_pairs(piece: Piece) -> Iterable[Entry] | None:
    """Return the records of lines of pairs, when the calls stand in their messages."""
    if "msg=" not in piece.text and "message=" not in piece.text:
        return None
    some = [line for line in piece.lines[:_LOOKED_AT] if line.strip()]
    records = [pairs for line in some if not _TEXTS.isdisjoint(pairs := pairs_of(line))]
    if 2 * len(records) < len(some) or all(map(_has_http, records)):
        return None
    is_told = any(_REQUEST_TEXT.search(_message(pairs) or "") for pairs in records)
    return _each(piece.lines, pairs_of) if is_told else None


_TEXTS = {"msg", "message"}


def _each(lines: list[str], read: Callable[[str], Any] | None = None) -> Iterator[Entry]:
    """Yield the record of each line, or the line as it is."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        value = (read or _object)(line) or None
        if not isinstance(value, dict):
            yield Entry(number, {"raw": line})
            continue
        found = list(_found(value, 0)) if _is_envelope(value) else []
        yield from (Entry(number, one) for one in found or [value])


def _object(line: str) -> Any:
    text = line.strip().rstrip(",").lstrip("\ufeff\x1e")
    return parsed(text) if text[:1] == "{" else None


def _is_envelope(value: Mapping[str, Any]) -> bool:
    """Tell whether a line is a wrapper of records, or holds HTTP only in its message."""
    if any(sign <= value.keys() for sign, _ in SHAPES):
        return True
    if _has_http(value) or is_error_body(value) or is_bare(value):
        return False
    return _message(value) is not None or bool(_wrapped(value))


def _of_table(piece: Piece) -> Iterable[Entry] | None:
    """Return the rows of a CSV of a log store: a time, a message, no columns of HTTP."""
    head = piece.text[:20_000].lstrip("\ufeff").partition("\n")[0]
    separator = next((one for one in ",;\t" if one in head), ",")
    try:
        names = next(csv.reader([head], delimiter=separator), [])
    except csv.Error:
        return None
    plain = [squashed(name) for name in names]
    if not (set(plain) & set(MESSAGES)) or (len(names) < 2 and plain != ["message"]):
        return None
    if any(len(name) > 60 or not name.isprintable() for name in names):
        return None
    layout = tables.layout_of(piece)
    if layout is not None and {"method", "url"} & set(layout.mapping.values()):
        return None
    return _rows(piece.text.lstrip("\ufeff"), separator, names)


def _rows(text: str, separator: str, names: list[str]) -> Iterator[Entry]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = reader.line_num + 1
    try:
        for at, cells in enumerate(reader):
            if at and any(cells):
                last = len(names) - 1  # a message may have the separator in it
                cells = [*cells[:last], separator.join(cells[last:])]
                yield Entry(number, dict(zip(names, cells, strict=False)))
            number = reader.line_num + 1
    except csv.Error:
        return


def _found(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a document of a known shape, or nothing."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        yield from _of_list(value, depth)
        return
    if not isinstance(value, Mapping):
        return
    for sign, taken in SHAPES:
        if sign <= value.keys() and (found := list(taken(value))):
            yield from found
            return
    if not depth and (_has_http(value) or is_error_body(value)):
        return
    if _is_record(value) if depth else _is_logged(value):
        yield value
        return
    for name, inner in value.items():
        if isinstance(inner, Mapping) and squashed(name) in _LISTS | _HOLDERS:
            yield from _found(inner, depth + 1)
        elif isinstance(inner, list) and squashed(name) in _LISTS:
            yield from _of_list(inner, depth)


_HOLDERS = set(
    words("ticket issue data hits actor account nrql response body contexts exception result")
)


def _of_list(values: list[Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a list when one of the first is an envelope; else it is no store's."""
    first = [value for value in values[:_LOOKED_AT] if isinstance(value, Mapping)]
    if is_pairs(values):
        yield from_pairs(values)
    elif values and isinstance(values[0], list):
        for inner in values:
            yield from _found(inner, depth + 1)
    elif any(_is_envelope(value) for value in first) or (depth and any(map(_has_http, first))):
        for value in values:
            found = list(_found(value, depth + 1)) if isinstance(value, Mapping) else []
            yield from found or ([value] if isinstance(value, Mapping) else [])


def _is_record(value: Mapping[str, Any]) -> bool:
    return _has_http(value) or _message(value) is not None or bool(_wrapped(value))


def _is_logged(value: Mapping[str, Any]) -> bool:
    """Tell whether one object alone is a record of a log: a message with a level or a call."""
    message = _message(value)
    names = {squashed(str(name)) for name in value}
    return message is not None and (
        not names.isdisjoint(_LEVELS) or _REQUEST_TEXT.search(message) is not None
    )


_LEVELS = set(words("level severity loglevel stream logger lvl levelname priority insertid"))


def _has_http(value: Mapping[str, Any]) -> bool:
    """Tell whether the fields of a record are a call, or a response to one by its id."""
    record = record_of(Piece("", ""), value, 1)
    if record is None or record.is_whole:
        return record is not None
    is_of_text = _REQUEST_TEXT.search(_message(value) or "") is not None
    told = record.exchange.status is not None and record.exchange.response_body is not None
    return record.is_response and (record.key is not None or told) and not is_of_text


def _wrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a record that stand in an object of it, with its own beside them."""
    for name in _INNER:
        inner = value.get(name)
        if isinstance(inner, str) and inner[:1] == "{":
            inner = parsed(inner)
        if isinstance(inner, Mapping) and inner and "entries" not in inner:
            plain = {n: v for n, v in value.items() if n != name and not isinstance(v, Mapping)}
            return {**plain, **{n: single(v) for n, v in inner.items()}}
    return {}


def _message(value: Mapping[str, Any]) -> str | None:
    names = {squashed(str(name)): name for name in value}
    for wanted in MESSAGES:
        text = value.get(names[wanted]) if wanted in names else None
        if isinstance(text, list) and text and all(isinstance(one, int) for one in text[:10]):
            text = _of_bytes(text)
        if isinstance(text, list) and text and isinstance(text[0], str):
            is_styled = any(isinstance(one, Mapping) for one in text)  # of Telegram
            text = ("" if is_styled else "\n").join(map(_shown, text))
        if isinstance(text, Mapping) and "content" in text:  # of Teams
            text = text["content"]
        if isinstance(text, str) and text.strip():
            return text
    return None


def _shown(part: Any) -> str:
    return str(part.get("text", "")) if isinstance(part, Mapping) else str(part)


def _of_bytes(numbers: list[Any]) -> str:
    """Return the text of a message that the journal writes as bytes."""
    try:
        return bytes(numbers).decode("utf-8", "replace")
    except (ValueError, TypeError):
        return ""


def _time(piece: Piece, value: Mapping[str, Any], depth: int = 0) -> datetime | None:
    names = {squashed(str(name)): name for name in value}
    for wanted in TIMES:
        if wanted in names and (moment := piece.instant(single(value[names[wanted]]))):
            return moment
    for name in _INNER:
        inner = value.get(name)
        if isinstance(inner, Mapping) and depth < 3 and (found := _time(piece, inner, depth + 1)):
            return found
    return None


def _content(piece: Piece, value: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the lines that a record stands for."""
    if _has_http(value):
        yield _as_line(value)
        return
    inner = _wrapped(value)
    message = _message(value)
    document = parsed(message) if message and message.lstrip()[:1] == "{" else None
    if isinstance(document, Mapping) and depth < _DEEPEST:
        yield from _content(piece, {**_others(value), **document}, depth + 1)
    elif inner and depth < _DEEPEST:
        yield from _content(piece, inner, depth + 1)
    elif message is None:
        yield _as_line(value)
    else:
        yield from _as_text(message, value)


def _others(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the time of a record; its other fields are the store's."""
    plain = {n: v for n, v in value.items() if not isinstance(v, Mapping | list)}
    return {n: v for n, v in plain.items() if squashed(str(n)) in ("timestamp", "time", "duration")}


_WRITERS = set(words("user username bot_id client_msg_id"))


_ERRORS = words("err error exception cause error_message errorMessage")


def _tells_of_a_call(text: Any, message: str) -> bool:
    """Tell whether the error of a record names the request that its message does not."""
    is_news = isinstance(text, str) and text not in message
    return is_news and "://" in text and not _REQUEST_TEXT.search(message)


def _as_line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_text(message: str, value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a message, and the status that only a field of its record tells."""
    shown = markup.text_of_html(message) if markup.is_html(message) else message
    is_chat = "ts" in value and not _WRITERS.isdisjoint(value)  # Slack escapes its marks
    shown = unescape(shown) if is_chat else shown
    yield from shown.rstrip("\n").split("\n")
    for text in map(value.get, _ERRORS):
        if _tells_of_a_call(text, message):
            yield from str(text).split("\n")
    fields = (field for name, field in value.items() if squashed(str(name)) in FIELDS["status"])
    status = next(filter(None, map(http_status, fields)), None)
    if status and _REQUEST_TEXT.search(message) and str(status) not in message:
        yield f"HTTP/1.1 {status}"
