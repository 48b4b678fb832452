"""
Lines of programs' own logs: pairs, JSON, and Python's dicts among words.

``level=info method=GET status=404``, ``request={'method': ...}``, ``failed {"url": ...}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.jsonl import paired
from sinchtools.evidence.formats.mapping import Record, record_of
from sinchtools.evidence.formats.values import literal
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.times import BEGINNING

# it begins only where a word begins, and what is taken is not given back: else a long line of no
# pairs takes forever
_PAIR = re.compile(
    r"(?<![\w.@/=-])([A-Za-z_@][\w.@/-]{0,200}+)=(?:\"((?:[^\"\\]|\\.)*+)\"|((?:[^\s\",]|,(?!\s"
    r"|$)){0,4000}+))(?=\s|$|,)"
)
_APART, _FEW = re.compile(r"(?<=[a-z\d]) = (?=[\"\w])", re.IGNORECASE), 2
LABEL = re.compile(r"([A-Za-z_][\w.]{0,60}+)[\"']?\s*[=:]\s*$")
_STATUS = re.compile(r"<Response \[([1-5]\d\d)\]>|\bstatus(?:_?code)?[=: ]+([1-5]\d\d)\b", re.I)
_LEVEL = re.compile(
    r"\b(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL|NOTICE)\b|^[a-z]+: ", re.I
)
_OPENING = re.compile(r"\{(?=\s*[\"'}])|\[(?=\s*\{\s*[\"'])")
_LONGEST_LITERAL, _DEEPEST_LITERAL, _MOST_VALUES = 100_000, 40, 20
_NEAR = 2_000  # characters beside the values of a line
_DECODER = json.JSONDecoder()


@dataclass(slots=True)
class _Value:
    """A value in a text: what it is called there, and where it stands."""

    label: str
    value: Any
    start: int
    end: int


def find_pairs(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each line whose pairs have HTTP in them."""
    if "=" not in piece.text:
        return
    yield from _found(piece, _paired_lines(piece))


def find_log_of_pairs(piece: Piece) -> Iterator[Found]:
    """Yield the lines of a log that is pairs nearly throughout: nobody else looks at them."""
    if not piece.is_mostly(lambda line: len(_PAIR.findall(line)) > 3):
        return
    yield from (replace(one, format="logfmt") for one in find_pairs(piece))


def _paired_lines(piece: Piece) -> Iterator[tuple[int, int, Record]]:
    for number, line in enumerate(piece.lines, start=1):
        record = record_of(piece, pairs, number) if (pairs := pairs_of(line)) else None
        if record:
            yield number, number, record


def pairs_of(line: str) -> dict[str, Any]:
    """Return the pairs of a line, and the time that it begins with; none of a single pair."""
    if "=" not in line or len(line) > _LONGEST_LITERAL:
        return {}
    if line.count(" = ") > _FEW:
        line = _APART.sub("=", line)
    pairs: dict[str, Any] = {
        name: quoted.replace('\\"', '"') if quoted else plain
        for name, quoted, plain in _PAIR.findall(line)
    }
    if len(pairs) < 2:
        return {}
    if begins := BEGINNING.match(line):
        pairs.setdefault("timestamp", begins[1])
    return pairs


def find_values(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each JSON object or dict in the text that has HTTP in it."""
    if "{" not in piece.text:
        return
    yield from _found(piece, _objects(piece))


def _found(piece: Piece, records: Iterator[tuple[int, int, Record]]) -> Iterator[Found]:
    """Yield the rows, a response that names its request's id joined with it."""
    open_rows: dict[str, int] = {}
    found: list[Found] = []
    for start, end, record in records:
        at = open_rows.pop(record.key, None) if record.key else None
        if at is not None and record.is_response:
            piece.use(start, end)
            pair = paired(
                piece,
                iter(
                    [
                        (start, Record(found[at].exchange, "x")),
                        (start, Record(record.exchange, "x")),
                    ]
                ),
            )
            found[at] = replace(found[at], exchange=next(iter(pair)))
        elif record.is_whole and _is_call(piece, record.exchange, start):
            if record.key and record.is_open:
                open_rows[record.key] = len(found)
            found.append(Found(start, end, record.exchange))
    yield from found


def _objects(piece: Piece) -> Iterator[tuple[int, int, Record]]:
    """Yield what each line with objects tells; an object may stand on several lines."""
    text = piece.text
    budget = 20 * len(text) + 100_000  # of characters that are looked through in vain
    at = 0
    while opening := _OPENING.search(text, at):
        values, at, spent = _values(text, opening.start())
        budget -= spent
        if budget < 0:
            return
        if values:
            start, end = piece.line_of(values[0].start), piece.line_of(values[-1].end - 1)
            if _is_logged(piece, start, text, values[0].start):
                yield from _records(piece, values, start, end)


def _is_call(piece: Piece, exchange: Exchange, number: int) -> bool:
    """Tell whether a row names its request; a callback's body alone may belong to a message."""
    if exchange.endpoint == "callback" and exchange.url is None:
        return piece.lines[number - 1].lstrip()[:1] != "{"
    return bool(exchange.method or exchange.url)


def _is_logged(piece: Piece, number: int, text: str, start: int) -> bool:
    """Tell whether a line is one of a log: it has a time, a level, or the object alone."""
    begins = text.rfind("\n", 0, start) + 1
    before = text[begins : min(start, begins + 400)]
    return (
        piece.time_of(number) is not None
        or not before.strip()
        or BEGINNING.match(before) is not None
        or _LEVEL.search(before) is not None
    )


def _values(text: str, start: int) -> tuple[list[_Value], int, int]:
    """Return the values from a place to the end of its line, where to go on, and what it cost."""
    values: list[_Value] = []
    at, spent = start, 0
    for _ in range(_MOST_VALUES):
        opening = _OPENING.search(text, at)
        ends = text.find("\n", at)
        if not opening or (0 <= ends < opening.start()):
            break
        value, end, cost = _value_at(text, opening.start())
        spent += cost
        if value is None:
            at = opening.start() + 1 if end == 0 else end
            continue
        label = LABEL.search(text, max(0, opening.start() - 80), opening.start())
        values.append(_Value(label[1] if label else "", value, opening.start(), end))
        at = end
    return values, max(at, start + 1), spent


def _value_at(text: str, start: int) -> tuple[Any, int, int]:
    """
    Return the value at a place, where it ends, and how many characters were looked through in vain.

    Where there is none, the end is 0, or where the next may begin when this one is cut off.
    """
    end_of_line = text.find("\n", start)
    end_of_line = len(text) if end_of_line < 0 else end_of_line
    if text[start + 1] == "'":
        found = _literal(text, start, min(end_of_line, start + _LONGEST_LITERAL))
        return (*found, 0) if found else (None, 0, 1000)
    try:
        value, end = _DECODER.raw_decode(text, start)
        return value, end, 0
    except RecursionError:
        return None, end_of_line, 10_000
    except json.JSONDecodeError as error:
        broken = error
    found = _literal(text, start, min(end_of_line, start + _LONGEST_LITERAL))
    if found:
        return *found, 0
    cost = max(1, broken.pos - start) + start // 200  # the error counts the lines before it
    is_cut = broken.pos >= len(text.rstrip()) or broken.msg.startswith("Unterminated")
    if is_cut and text[start] == "{" and broken.pos > end_of_line:
        following = re.compile(r"^[{\[]", re.MULTILINE).search(text, start + 1)
        return None, following.start() if following else len(text), cost
    return None, 0, cost


_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|[{}\[\]()]")


def _literal(text: str, start: int, limit: int) -> tuple[Any, int] | None:
    """Return the Python dict or list at a place, and where it ends; nothing is run."""
    if text[start + 1 : start + 2] not in "'{[" or text.find("'", start, limit) < 0:
        return None
    depth = 0
    for token in _TOKEN.finditer(text, start, limit):
        if token[0] in "{[(":
            depth += 1
            if depth > _DEEPEST_LITERAL:
                return None
        elif token[0] in "}])":
            depth -= 1
            if depth == 0:
                return _evaluated(text[start : token.end()], token.end())
    return None


def _evaluated(text: str, end: int) -> tuple[Any, int] | None:
    value = literal(re.sub(r"<[\w.]+[^<>]*>", "None", text))
    return None if value is None else (value, end)


def _records(
    piece: Piece, values: list[_Value], start: int, end: int
) -> Iterator[tuple[int, int, Record]]:
    if len(values) == 1 and not values[0].label:
        for one in _listed(values[0].value):
            if record := _record(piece, one, start):
                yield start, end, _timed(piece, record, start)
        return
    merged = _merged(values, piece.text)
    record = _record(piece, merged, start)
    if record and record.is_whole:
        yield start, end, _timed(piece, record, start)
        return
    for value in values:
        first, last = piece.line_of(value.start), piece.line_of(value.end - 1)
        for one in _listed(value.value):
            if record := _record(piece, one, first):
                yield first, last, _timed(piece, record, first)


def _record(piece: Piece, value: Any, number: int) -> Record | None:
    return record_of(piece, value, number) if isinstance(value, Mapping) and value else None


def _listed(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else [value]


def _merged(values: list[_Value], text: str) -> dict[str, Any]:
    """Return what several values of one line tell together, each under its label."""
    merged: dict[str, Any] = {}
    for value in values:
        merged.setdefault(value.label or "body", value.value)
    before = text.rfind("\n", 0, values[0].start) + 1
    after = text.find("\n", values[-1].end)
    after = after if after >= 0 else len(text)
    # a line may have any number of values: only what stands beside them is looked at
    near = max(before, values[0].start - _NEAR), min(after, values[-1].end + _NEAR)
    if status := _STATUS.search(text, *near):
        merged.setdefault("status", int(status[1] or status[2]))
    return merged


def _timed(piece: Piece, record: Record, number: int) -> Record:
    if record.exchange.at is not None:
        return record
    return Record(replace(record.exchange, at=piece.logged_at(number)), record.key)
