r"""
Read rows of a table of calls as a client of a database prints or dumps them.

The records of ``psql -x``, of ``\G`` in mysql and of lists (sqlite's ``.mode line``, PowerShell's
``Format-List``), and the rows of an ``INSERT``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sinchtools.evidence.formats.mapping import record_of
from sinchtools.evidence.formats.printed import unescaped
from sinchtools.evidence.formats.table_columns import NO_VALUE
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_RECORD = re.compile(r"-\[ RECORD \d+ \][-+]*\s*|\*{5,80} \d+\. row \*{5,80}\s*")
_PAIR = re.compile(r" *(\w[\w ]{0,62}?) *(?:\| ?|: )(.*)")
_MORE = re.compile(r" {2,}\| ?(.*)")
_INSERT = re.compile(
    r"INSERT\s+INTO\s+[\w.`\"\[\]]{1,120}\s*\(([^()]{1,4000})\)\s*VALUES\s*", re.IGNORECASE
)
_VALUE = re.compile(
    r"\s*[NE]?(?:'((?:[^'\\]|\\.|'')*+)'|\"((?:[^\"\\]|\\.)*+)\"|([^\s,()'\"]{1,64}))\s*"
)
# a field of a list: the names end, or the signs stand, one below the other
_LISTED = re.compile(r" *(?P<name>[A-Za-z_][\w -]{0,60}?) *(?P<sign>[:=])(?P<value>(?: .*)?)")
_LISTED_URL = re.compile(r"^ *[A-Za-z_][\w -]{0,60} [:=] (?:https?://|/)\S", re.MULTILINE)
_FEWEST_FIELDS = 3
_LONGEST_LINE = 20_000
_MOST_VALUES = 200  # in one row


def find(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each record or row that has HTTP in it."""
    if " RECORD " in piece.text or ". row *" in piece.text:
        yield from _records(piece)
    if "INSERT" in piece.text.upper():
        yield from _inserted(piece)
    if _LISTED_URL.search(piece.text):
        yield from _listed(piece)


def _records(piece: Piece) -> Iterator[Found]:
    start, pairs, last = 0, dict[str, str](), ""
    for number, line in enumerate([*piece.lines, ""], start=1):
        if start and (more := _MORE.fullmatch(line)) and last:
            pairs[last] += more[1].removesuffix("+")
        elif start and (pair := _PAIR.fullmatch(line)):
            last = pair[1]
            pairs[last] = pair[2].rstrip()
        else:
            if start:
                yield from _row(piece, dict(pairs), start, number - 1)
            start, pairs, last = (number if _RECORD.fullmatch(line) else 0), {}, ""


def _listed(piece: Piece) -> Iterator[Found]:
    """Yield the records whose fields stand one a line, with one sign below the other."""
    start, sign, pairs = 0, 0, dict[str, str]()
    for number, line in enumerate([*piece.lines, ""], start=1):
        pair = _LISTED.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        if pair and (not start or pair.start("sign") == sign):
            start, sign = start or number, pair.start("sign")
            pairs[pair["name"]] = pair["value"].strip()
        elif pairs and line[: sign + 2].isspace() and line.strip():
            name = next(reversed(pairs))
            pairs[name] += line.strip()  # PowerShell goes on below the value
        else:
            if len(pairs) >= _FEWEST_FIELDS:
                rows = _row(piece, dict(pairs), start, number - 1)
                yield from (row for row in rows if row.exchange.status is not None)
            start, sign, pairs = 0, 0, {}
            if pair:
                start, sign = number, pair.start("sign")
                pairs = {pair["name"]: pair["value"].strip()}


def _inserted(piece: Piece) -> Iterator[Found]:
    for insert in _INSERT.finditer(piece.text):
        names = [name.strip(' `"[]\n\r\t') for name in insert[1].split(",")]
        at = insert.end()
        first = piece.line_of(insert.start())
        while found := _tuple(piece.text, at):
            values, end = found
            line = piece.line_of(end)
            if len(values) == len(names):
                yield from _row(piece, dict(zip(names, values, strict=True)), first, line)
            first, at = line, end
            if piece.text[at : at + 1] != ",":
                break
            at += 1


def _tuple(text: str, at: int) -> tuple[list[str | None], int] | None:
    """Return the values between brackets, and where they end."""
    opening = re.compile(r"\s*\(").match(text, at)
    if opening is None:
        return None
    at, values = opening.end(), list[str | None]()
    while len(values) < _MOST_VALUES and (value := _VALUE.match(text, at)):
        quoted = value[1] if value[1] is not None else value[2]
        plain = value[3] if value[3] and value[3].upper() != "NULL" else None
        values.append(plain if quoted is None else unescaped(quoted.replace("''", "'")))
        at = value.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    closing = re.compile(r"\s*\)[ \t]*").match(text, at)
    return (values, closing.end()) if closing else None


def _row(piece: Piece, fields: dict[str, str | None], start: int, end: int) -> Iterator[Found]:
    told = {name: value for name, value in fields.items() if value not in NO_VALUE}
    record = record_of(piece, told, start) if told else None
    if record and record.is_whole and record.exchange.url:
        yield Found(start, end, record.exchange)
