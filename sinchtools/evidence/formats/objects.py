"""Find objects that a language printed, between other words, and tell what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import nested, sentences, shapes
from sinchtools.evidence.formats.errors import TRACE, stack_below
from sinchtools.evidence.formats.printed import Json, Printed, body_at
from sinchtools.evidence.found import Found, filled
from sinchtools.evidence.pieces import Piece

_SIGN = re.compile(
    r"(?i)(?:code|status|config|text|data|to|errno|response)\b[\"'\])]{0,2}"
    r"(?::\w+|:\"[^\"\n]{0,80}\")*\]?[ \t]{0,40}(?:=>|[:=])"
)
_CANDIDATE = re.compile(
    r"[{\[(](?=[\s▼▶]{0,40}(?:[\[+\-#@:\"']{0,3}[\w$][^\n\"'\]:=,]{0,60}[\"'\]]{0,2}"
    r"(?::\w+|:\"[^\"\n]{0,80}\")*\]?[ \t]{0,40}(?:=>|[:=])|[{\[]|[1-5]\d\d,))"
    r"|#?<(?=[A-Za-z][\w:]{0,60}(?::0x[0-9a-f]+)?[ ,\n]+@?\w+=)"
)
_CODE = re.compile(
    r"[\w\])][ \t]*(?:=|\()\s*$|\breturn\s*$|->\s*$|=> *$|^\s*(?:[-\w.]+ ){0,3}--?[a-z-]+[ =]'?$"
)
_BEHIND = re.compile(r"\)*[ \t]+(?=\"\{\\\")")
_HOLDER = re.compile(r"(?:^|[\s:>])(?:Array|[\w\\]+ Object|array)\s*$")
# PowerShell's Format-List and Format-Table
_LIST = re.compile(
    r"^[ \t]{0,8}code[ \t]{0,20}:[ \t]+[a-z_]{3,60}[ \t]*\n"
    r"[ \t]{0,8}text[ \t]{0,20}:[ \t]+\S.*(?:\n[ \t]{4,}\S.*){0,10}",
    re.MULTILINE,
)
_PAIR = re.compile(r"^[ \t]{0,8}(code|text)[ \t]*:[ \t]+((?:.+)(?:\n[ \t]{4,}.*)*)", re.MULTILINE)
_TABLE = re.compile(
    r"^code[ \t]+text[ \t]*\n(?P<rule>-+[ \t]+-+)[ \t]*\n(?P<row>[a-z_]{3,60}.*)", re.MULTILINE
)


def find(piece: Piece) -> Iterator[Found]:
    """Yield each printed object that is a request, a response, or an error with both."""
    if not _SIGN.search(piece.text):
        return
    reader = Printed(piece.text)
    done = 0
    for candidate in _CANDIDATE.finditer(reader.text):
        at = candidate.start()
        if at < done:
            continue
        found = reader.value_at(at)
        if found is None or not found[0]:
            continue
        if isinstance(found[0], Json):  # the reader of JSON documents takes it
            done = found[1]
            continue
        line = piece.line_of(at)
        told = _told(piece, found[0], before := piece.text[piece.line_starts[line - 1] : at])
        if told is None:
            continue
        done = found[1]
        if told.status and not told.response_body and (behind := _BEHIND.match(piece.text, done)):
            body = body_at(piece.text, behind.end())  # Haskell keeps it beside the response
            told, done = replace(told, response_body=body and body[0]), body[1] if body else done
        start, last = _start(piece, line, before), piece.line_of(done - 1)
        above = piece.lines[start - 2] if start > 1 and told.status is None else ""
        if status := sentences.ALONE.fullmatch(above):
            start, told = start - 1, replace(told, status=int(status[1]))
        below = piece.lines[last] if last < len(piece.lines) and told.status is None else ""
        if status := sentences.ALONE.fullmatch(below):
            last, told = last + 1, replace(told, status=int(status[1]))
        moment = told.at or _time_above(piece, start)
        told = replace(told, at=moment, source=piece.at(start))
        yield Found(start, stack_below(piece, last), told)


def _time_above(piece: Piece, start: int) -> datetime | None:
    """Return when an object was logged that begins its line, as the line above it says."""
    if start < 2 or piece.lines[start - 1][:1] not in ("{", "["):
        return None
    return piece.time_of(start) or piece.logged_at(start - 1)


def find_lists(piece: Piece) -> Iterator[Found]:
    """Yield each error body that is printed as a list of names, or as a table with one row."""
    for opening in _LIST.finditer(piece.text):
        names = dict(_PAIR.findall(opening[0]))
        value = {name: " ".join(text.split()) for name, text in names.items()}
        yield _listed(piece, opening, value)
    for table in _TABLE.finditer(piece.text):
        widths = [len(part) for part in re.findall(r"-+\s*", table["rule"])]
        code, text = table["row"][: widths[0]].strip(), table["row"][widths[0] :].strip()
        yield _listed(piece, table, {"code": code, "text": text})


def _listed(piece: Piece, match: re.Match[str], value: dict[str, str]) -> Found:
    first = piece.line_of(match.start())
    last = first + match[0].rstrip("\n").count("\n")
    return Found(first, last, Exchange(response_body=json.dumps(value, ensure_ascii=False)))


def _told(piece: Piece, value: object, before: str) -> Exchange | None:
    told = shapes.told(value)
    if told is None and isinstance(value, dict):
        told = next((one.exchange for one in nested.calls(piece, value, 1)), None)
    if told is None or (_is_only_sent(told) and _CODE.search(before)):
        return None
    said = (
        sentences.called(before) if _is_only_sent(told) else sentences.said(before, has_body=True)
    )
    return filled(told, said, ("status", "url", "method")) if said and before.strip() else told


def _is_only_sent(exchange: Exchange) -> bool:
    return exchange.status is None and not exchange.response_body and not exchange.failure


def _start(piece: Piece, line: int, before: str) -> int:
    """Return the first line of an object: that of its class, or of the message over its stack."""
    if not before.strip() and line > 1 and _HOLDER.search(piece.lines[line - 2]):
        return line - 1
    first = line
    while first > 1 and TRACE.match(piece.lines[first - 1]):
        first -= 1
    return first


def sniff(piece: Piece) -> bool:
    """Tell whether the text is one JSON object that is an error of a client, or its response."""
    return shapes.is_error(piece.document)


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield the exchange that the error keeps."""
    value = Json(piece.document)
    value.text = piece.text.strip()
    if told := shapes.told(value):
        yield replace(told, source=piece.at(1))
