"""Read the request files of Hurl: what stands below its line of HTTP is hoped for, not received."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.code.libraries import FORM
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece, joined

_SIGN = re.compile(
    r"^\[(?:Asserts|Captures|Options|QueryStringParams|FormParams|MultipartFormData|BasicAuth)\]"
    r"[ \t]*$",
    re.MULTILINE,
)
_REQUEST = re.compile(rf"({METHODS}) +(\S+)[ \t]*")
_HOPED = re.compile(r"HTTP(?:/[\d.]+)? (?:\d{3}|\*)[ \t]*")
_PAIR = re.compile(r"([\w!#$%&'*+.^`|~-]+) ?:[ \t]*(.*)")
_SECTION = re.compile(r"\[(\w+)\][ \t]*")
_FENCED = re.compile(r"```\w*\n(.*?)\n?```", re.DOTALL)
_SECTIONS = {"QueryStringParams": "Query", "FormParams": "Form"}


def find(piece: Piece) -> Iterator[Found]:
    """Yield each request of a file of Hurl."""
    if not (piece.name.endswith(".hurl") or _SIGN.search(piece.text)):
        return
    lines = piece.lines
    starts = [number for number, line in enumerate(lines) if _REQUEST.fullmatch(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        hoped = (n for n in range(start, end) if _HOPED.fullmatch(lines[n]))
        piece.use(start + 1, _last(lines, start, end))
        yield Found(start + 1, start + 1, _exchange(piece, lines[start : next(hoped, end)]))


def _last(lines: list[str], start: int, end: int) -> int:
    """Return the number of the last line of an entry: words of another paragraph are none of it."""
    last, is_own = start, True
    for number in range(start, end):
        line = lines[number].strip()
        is_own = bool(line) and (is_own or line[0] in "[{`" or _HOPED.fullmatch(line) is not None)
        last = number + 1 if is_own else last
    return last


def _exchange(piece: Piece, lines: list[str]) -> Exchange:
    """Return the request of an entry: its first line, its headers and sections, its body."""
    method, url = _REQUEST.fullmatch(lines[0]).groups()  # type: ignore[union-attr]
    found: dict[str, list[tuple[str, str]]] = {}
    section, at = "Headers", 1
    while at < len(lines) and (line := lines[at].strip())[:1] not in ("{", "<", "`"):
        at += 1
        if begun := _SECTION.fullmatch(line):
            section = _SECTIONS.get(begun[1], begun[1])
        elif pair := _PAIR.fullmatch(line):
            found.setdefault(section, []).append((pair[1], pair[2]))
    options = found.get("Options", [])
    settings = (text.partition("=") for name, text in options if name == "variable")
    values = piece.variables | {name: text for name, _, text in settings}
    headers = joined(found.get("Headers", []))
    for user, password in found.get("BasicAuth", []):
        scheme = {"type": "basic", "username": user, "password": password}
        headers |= {"Authorization": parts.authorization(scheme)[1]}
    text = "\n".join(lines[at:]).strip()
    fenced = _FENCED.match(text)
    body = fenced[1] if fenced else text
    if form := found.get("Form"):
        headers |= {"Content-Type": FORM}  # Hurl adds it when it sends
        body = urlencode(form)
    return Exchange(
        method=method,
        url=parts.filled(parts.with_query(url, _named(found.get("Query", []))), values),
        request_headers={name: parts.filled(value, values) for name, value in headers.items()},
        request_body=parts.filled(body, values) or None,
    )


def _named(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
