"""
Read request files: ``.http`` and ``.rest`` of editors, and ``.bru`` of Bruno.

Variables that the file sets are put in; others stay as they are written.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from sinchtools.core.records import Exchange, header
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.http_message import with_host
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import HTTP_METHODS, METHODS, Piece, joined, json_end

_SIGN = re.compile(
    rf"^(?:###|@[\w.-]{{1,80}}\s{{0,9}}=|(?:(?:{METHODS}) +)?\{{\{{|[<>] ?\{{%)", re.MULTILINE
)
_SEPARATOR = re.compile(r"###(?!#).*")
_SET = re.compile(r"@([\w.-]{1,80})\s{0,9}=\s{0,9}(.*)")
_COMMENT = re.compile(r"\s*(?:#|//)")
_REQUEST = re.compile(
    rf"(?:({METHODS}) +)?((?:https?://|\{{\{{|/)\S(?:[^\s{{]|\{{\{{[^{{}}]*\}}\}}|\{{)*+)"
    r"(?: +HTTP/[\d.]+)?\s*"
)
_MORE_URL = re.compile(r"\s+([?&/]\S*|\S+=\S*)\s*")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+) ?:[ \t]*(.*)")
_FROM_FILE = re.compile(r"<@?(?:\w+)? +(\S.*)")
_AFTER_BODY = re.compile(r">>?!? |<> |HTTP/\d")
_SCRIPT, _SCRIPT_END = re.compile(r"[<>] ?\{%"), "%}"
_BLOCK = re.compile(r"([a-z][\w-]*(?::[\w-]+)*) (?:\{|\[)\s*")
_BRUNO_SIGN = re.compile(
    rf"^(?:{METHODS.lower()}|http) \{{[ \t]*\n(?:[ \t].*\n){{0,20}}?[ \t]+url:", re.MULTILINE
)


@dataclass(slots=True)
class _Reader:
    """The lines of a request file, and the place that was read up to."""

    piece: Piece
    variables: dict[str, str]
    at: int = 0

    @property
    def line(self) -> str:
        return self.piece.lines[self.at]

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.piece.lines) or _SEPARATOR.fullmatch(self.line) is not None


def find(piece: Piece) -> Iterator[Found]:
    """Yield each request of a file of requests that are separated by ``###``."""
    if not _SIGN.search(piece.text):
        return
    settings = ((number, _SET.fullmatch(line)) for number, line in enumerate(piece.lines, 1))
    set_here = {number: match for number, match in settings if match}
    variables = piece.variables | {match[1]: match[2].strip() for match in set_here.values()}
    reader = _Reader(piece, variables)
    count = 0
    while reader.at < len(piece.lines):
        if reader.is_over:
            reader.at += 1
        if found := _block(reader):
            count += 1
            yield found
        while not reader.is_over:
            reader.at += 1
    if count:
        for number, line in enumerate(piece.lines, 1):
            if number in set_here or _SEPARATOR.fullmatch(line):
                piece.use(number)


def _block(reader: _Reader) -> Found | None:
    """Return the request of a block, or None when it has none."""
    first = reader.at
    _pass_over_preamble(reader)
    match = None if reader.is_over else _REQUEST.fullmatch(reader.line)
    if not match:
        return None
    reader.piece.use(first + 1, reader.at + 1)
    start, target = reader.at + 1, match[2]
    reader.at += 1
    while not reader.is_over and (more := _MORE_URL.fullmatch(reader.line)):
        target += more[1]
        reader.at += 1
    headers = joined(_headers(reader))
    end = reader.at
    body = None
    if not reader.is_over and not reader.line.strip():
        body, end = _body(reader, end)
    _pass_over_handlers(reader)
    return Found(start, end, _exchange(reader, match[1], target, headers, body))


def _pass_over_preamble(reader: _Reader) -> None:
    while not reader.is_over:
        line = reader.line
        if _SCRIPT.match(line):
            _pass_over_script(reader)
        elif not line.strip() or _COMMENT.match(line) or _SET.fullmatch(line):
            reader.at += 1
        else:
            return


def _pass_over_script(reader: _Reader) -> None:
    start = reader.at
    while not reader.is_over and _SCRIPT_END not in reader.line:
        reader.at += 1
    reader.at += not reader.is_over
    reader.piece.use(start + 1, reader.at)


def _headers(reader: _Reader) -> Iterator[tuple[str, str]]:
    while not reader.is_over:
        if match := _HEADER.fullmatch(reader.line):
            yield match[1], match[2].strip()
        elif not _COMMENT.match(reader.line):
            return
        reader.at += 1


def _body(reader: _Reader, end: int) -> tuple[str | None, int]:
    """Return the body and the last line of it; a file that is named is read from its folder."""
    lines: list[str] = []
    start = reader.at
    while not reader.is_over:
        line = reader.line
        if _AFTER_BODY.match(line) or _SCRIPT.match(line) or _SET.fullmatch(line):
            break
        reader.at += 1
        match = _FROM_FILE.fullmatch(line)
        content = reader.piece.file(match[1].strip(), reader.at) if match else None
        lines.append(line if content is None else content.decode("utf-8", "replace"))
        end = reader.at if line.strip() else end
    text = "\n".join(lines)
    cut = json_end(text, len(text) - len(text.lstrip()))
    if cut and not any(map(_FROM_FILE.fullmatch, lines)):
        text, end = text[:cut], start + text[:cut].count("\n") + 1
        reader.at = end
    return text.strip("\n \t") or None, end


def _pass_over_handlers(reader: _Reader) -> None:
    while not reader.is_over and (not reader.line.strip() or _AFTER_BODY.match(reader.line)):
        if _SCRIPT.match(reader.line):
            _pass_over_script(reader)
        elif reader.line.startswith("HTTP/"):
            return
        else:
            reader.at += 1
            reader.piece.use(reader.at)


def _exchange(
    reader: _Reader, method: str | None, target: str, headers: dict[str, str], body: str | None
) -> Exchange:
    values = reader.variables
    headers = {name: parts.filled(value, values) for name, value in headers.items()}
    target = with_host(parts.filled(target, values), headers)
    for name, text in headers.items():
        if name.lower() == "authorization" and (pair := _PAIR.fullmatch(text)):
            scheme = {"type": "basic", "username": pair[1], "password": pair[2]}
            headers = headers | {name: parts.authorization(scheme)[1]}
    return Exchange(
        method=method or "GET",
        url=target,
        request_headers=headers,
        request_body=None if body is None else parts.filled(body, values),
    )


_PAIR = re.compile(r"Basic +([^\s:]+)(?: +|:)(\S+)", re.IGNORECASE)  # the editors encode it


@dataclass(slots=True)
class _Bru:
    """The blocks of one request of Bruno."""

    start: int
    end: int
    blocks: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return the content of a block as one text."""
        return textwrap.dedent("\n".join(self.blocks.get(name, []))).strip("\n") or None

    def pairs(self, name: str) -> dict[str, str]:
        """Return the names and values of a block; those turned off with ``~`` are left out."""
        lines = [line.strip() for line in self.blocks.get(name, [])]
        split = [line.partition(":") for line in lines if line and line[0] not in "~@#"]
        return joined(
            (key.strip().strip('"'), value.strip()) for key, colon, value in split if colon
        )


def find_bruno(piece: Piece) -> Iterator[Found]:
    """Yield each request that stands in a text as Bruno writes it into a file."""
    if not _BRUNO_SIGN.search(piece.text):
        return
    for one in _bruno_requests(piece.lines):
        verb = next((name for name in one.blocks if name in _VERBS), None)
        if verb is not None and one.pairs(verb).get("url"):
            yield Found(one.start, one.end, _bruno_exchange(piece, one, verb))


def _bruno_requests(lines: list[str]) -> Iterator[_Bru]:
    """Yield runs of blocks; each request begins with ``meta`` or with what it already has."""
    current: _Bru | None = None
    for name, start, end in _blocks(lines):
        if current and (name in current.blocks or name == "meta"):
            yield current
            current = None
        current = current or _Bru(start, end)
        current.end = end
        current.blocks[name] = lines[start : end - 1]
    if current:
        yield current


def _blocks(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each block and its first and last line; it ends with a bare brace."""
    at = 0
    while at < len(lines):
        match = _BLOCK.fullmatch(lines[at])
        start = at + 1
        if match:
            while at < len(lines) and lines[at].rstrip() not in ("}", "]"):
                at += 1
            yield match[1], start, min(at + 1, len(lines))
        at += 1


_VERBS = {*map(str.lower, HTTP_METHODS), "http"}


def _bruno_exchange(piece: Piece, one: _Bru, verb: str) -> Exchange:
    call = one.pairs(verb)
    values = piece.variables | one.pairs("vars") | one.pairs("vars:pre-request")
    headers = one.pairs("headers")
    scheme = call.get("auth", "")
    auth = {"type": scheme} | one.pairs(f"auth:{scheme}")
    target = parts.with_query(
        call["url"],
        [{"name": name, "value": value} for name, value in one.pairs("params:query").items()]
        + [
            {"name": name, "value": value, "type": "path"}
            for name, value in one.pairs("params:path").items()
        ],
    )
    name, value, place = parts.authorization(auth)
    if place == "query":
        target = parts.with_query(target, [{"name": name, "value": value}])
    elif place and not header(headers, name):
        headers |= {name: value}
    if place and name != "Authorization":
        piece.secrets.add(value)
    mode = call.get("body", "")
    body = _bruno_body(one, mode)
    if body and mode in _MEDIA and not header(headers, "Content-Type"):
        headers |= {"Content-Type": _MEDIA[mode]}  # Bruno adds it when it sends
    return Exchange(
        method=verb.upper() if verb != "http" else call.get("method", "GET").upper(),
        url=parts.filled(target, values),
        request_headers={name: parts.filled(text, values) for name, text in headers.items()},
        request_body=parts.filled(body, values) if isinstance(body, str) else body,
    )


_MEDIA = {"json": "application/json", "text": "text/plain", "xml": "application/xml"}
_FORMS = {
    "formUrlEncoded": "form-urlencoded",
    "multipartForm": "multipart-form",
    "form-urlencoded": "form-urlencoded",
    "multipart-form": "multipart-form",
}


def _bruno_body(one: _Bru, mode: str) -> str | bytes | None:
    name = f"body:{_FORMS.get(mode, mode)}"
    if mode in _FORMS:
        pairs = one.pairs(name)
        return parts.body(
            {"mode": "form", "form": [{"name": n, "value": v} for n, v in pairs.items()]}
        )
    return one.text(name) or (one.text("body") if mode != "none" else None)
