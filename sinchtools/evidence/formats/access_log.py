"""
Lines of web servers and tables.

Common, combined and virtual-host logs, HAProxy, W3C, Zeek, logfmt, CSV, TSV, and free log lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sinchtools.core.columns import COLUMNS
from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.jsonl import FIELDS, exchange_of, url_of
from sinchtools.evidence.formats.prose import known_codes
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, instant, status_of

_QUOTED = r"\"((?:[^\"\\]|\\.)*+)\""
_COMBINED = re.compile(
    r"^(?P<before>[^\"]*?)\[(?P<at>\d{1,2}/[A-Z][a-z]{2}/\d{4}:[\d:.]+(?: [+-]\d{4})?)\]"
    r"(?P<between>[^\"]{0,200})"
    r"\"(?P<request>(?:[^\"\\]|\\.)*+)\" "
    r"+(?P<status>\d{3}|-)(?: +(?P<size>\d+|-))?(?P<rest>.*)$"
)
_HAPROXY = re.compile(
    r"\[(?P<at>\d{1,2}/[A-Z][a-z]{2}/\d{4}:[\d:.]+)\] \S+ \S+ (?P<timers>[-+\d]+(?:/[-+\d]+){3,4}) "
    r"(?P<status>-?\d+) [^\"]*\"(?P<request>(?:[^\"\\]|\\.)*+)\"?\s*$"
)
_REQUEST = re.compile(r"([A-Za-z]+) +(\S.*?)(?: +HTTP/[\d.]+)?$")
_FREE_METHOD = re.compile(
    rf"\b({'|'.join(HTTP_METHODS)})\b[ \t\"':=]{{1,9}}(?:(?:url|path"
    rf"|uri)[=: ]+\"?)?(https?://[^\s\"'<>]+|/[^\s\"'<>]*)"
)
_FREE_STATUS = re.compile(
    r"(?:status(?:[ _-]?code)?|code|HTTP/\d(?:\.\d)?\"?|response|returned|->|=>|:"
    r"|-)[ \t\"':=(\[]{0,9}([1-5]\d\d)(?![\d.:/-])"
    r"|[ \t(\[]([1-5]\d\d)(?=[ \t)\],]|$)",
    re.IGNORECASE,
)
_BEGINNING = re.compile(
    r"[\[(]?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?Z|[+-]\d\d:?\d\d)?)"
)
# it begins only where a word begins, and what is taken is not given back: else a long line of no
# pairs takes forever
_PAIR = re.compile(
    r"(?<![\w.@/=-])([A-Za-z_@][\w.@/-]{0,200}+)=(?:\"((?:[^\"\\]|\\.)*+)\"|((?:[^\s\",]|,(?!\s"
    r"|$)){0,4000}+))(?=\s|$|,)"
)
_DATE, _CLOCK = (
    re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d?\.\d\d?\.\d{4}"),
    re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"),
)
_FIELD_NAMES = re.compile(
    r"^#Fields:?[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE
)  # of W3C and Zeek logs
_SEPARATORS = "\t,;|"
_W3C_NAMES = {
    "cs(user-agent)": "user_agent",
    "cs(referer)": "referer",
    "cs(host)": "http_host",
    "x-edge-response-result-type": "result",
}
_LOOKED_AT = 200
_FEWEST_PAIRS = 2
_MESSAGE = re.compile(r"^[ \t>$#%]*curl(?:\.exe)?[ \t]|^(?:[<>] )?HTTP/\d", re.MULTILINE)
csv.field_size_limit(10_000_000)


def find(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each line of an access log, or of a method, a path and a status."""
    for number, line in enumerate(piece.lines, start=1):
        if line and (found := _matched(line)):
            yield Found(number, number, found[0](piece, found[1], number))


def sniff_table(piece: Piece) -> bool:
    """Tell whether the text is a table with a column of statuses, or of methods and URLs."""
    return _MESSAGE.search(piece.text[:200_000]) is None and _layout(piece) is not None


def parse_table(piece: Piece) -> Iterator[Exchange]:
    """
    Yield one exchange for each row of a table, its columns found by name, then by content.

    `columns` has the last word.
    """
    layout = _layout(piece)
    if layout is None:
        piece.skip(
            None,
            "no column of statuses, methods or URLs was found; name them with columns= (--column)",
        )
        return
    separator, names, first, mapping = layout
    shown = ", ".join(
        f"{ours} from {theirs[:40]!r}" for theirs, ours in mapping.items() if theirs != ours
    )
    if shown:
        piece.guess(None, f"columns: {shown}; columns= (--column) overrides")
    for number, cells in _rows(piece, separator):
        if number < first or (cells and cells[0].startswith("#")):
            continue
        named = _named(names, mapping, cells) if len(cells) > 1 else {}
        known = {name: value for name, value in named.items() if name in mapping.values()}
        exchange = exchange_of(piece, named, number) or exchange_of(piece, known, number)
        if exchange is None:
            piece.skip(number, "a row without HTTP data")
        else:
            yield exchange


def find_logfmt(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each line whose ``key=value`` pairs have HTTP in them."""
    for number, line in enumerate(piece.lines, start=1):
        pairs = {
            name: quoted.replace('\\"', '"') if quoted else plain
            for name, quoted, plain in _PAIR.findall(line)
        }
        if len(pairs) < _FEWEST_PAIRS:
            continue
        if begins := _BEGINNING.match(line):
            pairs.setdefault("timestamp", begins[1])
        if exchange := exchange_of(piece, pairs, number):
            yield Found(number, number, exchange)


def _head(piece: Piece) -> list[str]:
    return piece.text[:200_000].split("\n")[:_LOOKED_AT]


def _matched(line: str) -> tuple[Callable[[Piece, Any, int], Exchange], Any] | None:
    if len(line) > 100_000:
        return None
    if match := _COMBINED.match(line):
        return _combined, match
    if match := _HAPROXY.search(line):
        return _haproxy, match
    request = _FREE_METHOD.search(line)
    if (
        request
        and _PAIR.match(line) is None
        and (status := _FREE_STATUS.search(line, request.end()))
    ):
        return _free, (request, status, line)
    return None


def _combined(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    method, path = _split(match["request"])
    quoted = re.findall(_QUOTED, match["rest"])
    names = ("Referer", "User-Agent") if len(quoted) >= 2 else ()
    headers = {
        name: value for name, value in zip(names, quoted, strict=False) if value not in ("", "-")
    }
    return Exchange(
        source=piece.at(number),
        at=piece.instant(match["at"]),
        method=method,
        url=_with_host(path, match["before"]),
        request_headers=headers,
        status=status_of(match["status"]),
        elapsed_ms=_trailing_time(piece, match["rest"], number),
    )


def _trailing_time(piece: Piece, rest: str, number: int) -> float | None:
    time = re.search(r"\" (?:rt=|\*\*|-?)?(\d{1,12}(?:\.\d{1,12})?)(?:\*\*)?\s*$", rest)
    if time is None:
        return None
    seconds = "." in time[1]
    piece.guess(
        number,
        f"the number at the end of the line was taken "
        f"as {'seconds' if seconds else 'microseconds'} of duration",
    )
    return float(time[1]) * (1000 if seconds else 0.001)


def _with_host(path: str | None, before: str) -> str | None:
    words = before.split()
    host = (
        words[0]
        if len(words) >= 4
        and re.fullmatch(r"[A-Za-z][\w.-]*(?::\d+)?", words[0])
        and words[0] != "-"
        and "%" not in words[0]
        else ""
    )
    if (
        not path
        or not path.startswith("/")
        or not host
        or re.fullmatch(r"[A-Z][a-z]{2}", host)
        or (":" not in host and "." not in host)
    ):
        return path
    return f"{'http' if host.endswith(':80') else 'https'}://{host}{path}"


def _haproxy(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    method, path = _split(match["request"])
    total = match["timers"].rpartition("/")[2].lstrip("+")
    return Exchange(
        source=piece.at(number),
        at=piece.instant(match["at"]),
        method=method,
        url=path,
        status=status_of(match["status"]),
        elapsed_ms=float(total) if re.fullmatch(r"[0-9]{1,12}", total) else None,
    )


def _free(piece: Piece, found: tuple[re.Match[str], re.Match[str], str], number: int) -> Exchange:
    request, status, line = found
    begins = _BEGINNING.match(line)
    body = re.search(r"\{\s*\"(?:code|text)\".*\}", line[status.end() :])
    return Exchange(
        source=piece.at(number),
        at=piece.instant(begins[1]) if begins else None,
        method=request[1],
        url=request[2].rstrip(",;)"),
        status=int(status[1] or status[2]),
        response_body=body[0] if body else None,
    )


def _split(request: str) -> tuple[str | None, str | None]:
    match = _REQUEST.fullmatch(request.strip())
    return (match[1], match[2]) if match and match[1].upper() in HTTP_METHODS else (None, None)


def _layout(piece: Piece) -> tuple[str, list[str], int, dict[str, str]] | None:
    fields = _FIELD_NAMES.search(piece.text, 0, 20_000)
    if fields:
        separator = "\t" if "\t" in fields[1] else " "
        names = fields[1].strip().split(separator)
        return (
            separator,
            names,
            1,
            _mapping(
                piece,
                names,
                [
                    cells
                    for _, cells in _some(piece, separator)
                    if cells[:1] and not cells[0].startswith("#")
                ],
            ),
        )
    best = None
    for separator in _SEPARATORS:
        rows = [cells for _, cells in _some(piece, separator)]
        if (
            not rows
            or len(rows[0]) < 2
            or sum(len(cells) == len(rows[0]) for cells in rows) * 10 < len(rows) * 7
        ):
            continue
        headed = not any(_is_data(cell) for cell in rows[0])
        names = (
            [cell.strip() for cell in rows[0]]
            if headed
            else [f"column {i}" for i in range(1, len(rows[0]) + 1)]
        )
        mapping = _mapping(piece, names, rows[1:] if headed else rows)
        if (
            (len(rows) > 1 or not headed)
            and {"status", "code", "url"} & set(mapping.values())
            and (len(mapping) > 1 or "status" in map(str.lower, names))
            and len(mapping) > len(best[3] if best else ())
        ):
            best = separator, names, 2 if headed else 1, mapping
    return best


def _some(piece: Piece, separator: str) -> list[tuple[int, list[str]]]:
    head = Piece(piece.name, "\n".join(piece.text[:200_000].split("\n")[:_LOOKED_AT]))
    return [row for row in _rows(head, separator) if row[1]]


def _rows(piece: Piece, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(piece.text, newline=""), delimiter=separator)
    number = 0
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            piece.skip(number, "a row that is no CSV")
            continue
        yield number, cells


def _is_data(cell: str) -> bool:
    return cell in HTTP_METHODS or re.fullmatch(r"[1-5]\d\d|https?://.*|/.*", cell) is not None


def _mapping(piece: Piece, names: list[str], rows: list[list[str]]) -> dict[str, str]:
    asked = {theirs: ours for theirs, ours in piece.columns.items() if theirs in names}
    found: dict[str, str] = dict(asked)
    for theirs in names:
        plain = _W3C_NAMES.get(theirs.lower(), re.sub(r"[\s_]+", "_", theirs.strip().lower()))
        fields = (
            field
            for field, paths in FIELDS.items()
            if plain in paths or plain.replace("_", "") in paths
        )
        ours = plain if plain in COLUMNS else next(fields, None)
        if (
            ours
            and theirs not in found
            and ours not in found.values()
            and _plausible(ours, theirs, names, rows)
        ):
            found[theirs] = ours
    for ours, fits in _BY_CONTENT.items():
        if ours not in found.values():
            columns = (
                (name, [row[i] for row in rows if len(row) > i])
                for i, name in enumerate(names)
                if name not in found
            )
            found |= next(({name: ours} for name, cells in columns if _mostly(fits, cells)), {})
    return found


def _plausible(ours: str, theirs: str, names: list[str], rows: list[list[str]]) -> bool:
    column = [row[names.index(theirs)] for row in rows if len(row) > names.index(theirs)]
    return (
        ours not in _BY_CONTENT or not any(column) or _mostly(_BY_CONTENT[ours], column, share=0.5)
    )


def _mostly(fits: Callable[[str], bool], cells: list[str], *, share: float = 0.9) -> bool:
    filled = [cell for cell in cells if cell not in ("", "-")]
    return bool(filled) and sum(map(fits, filled)) >= share * len(filled)


def _named(names: list[str], mapping: Mapping[str, str], cells: list[str]) -> dict[str, Any]:
    named: dict[str, Any] = {
        mapping.get(name, name.lower()): cell
        for name, cell in zip(names, cells, strict=False)
        if cell not in ("", "-")
    }
    date, clock = (
        next(
            (
                str(named[n])
                for n in ("date", "at", "time")
                if form.fullmatch(str(named.get(n, "")))
            ),
            "",
        )
        for form in (_DATE, _CLOCK)
    )
    if date:
        named["at"] = f"{date} {clock}".strip()
    if str(named.get("url", "")).startswith("/"):
        named["url"] = url_of(named, named)
    if "status" in named and (status := status_of(named["status"])) is not None:
        named["status"] = status
    return named


_BY_CONTENT: dict[str, Callable[[str], bool]] = {
    "code": lambda cell: cell in known_codes(),
    "status": lambda cell: re.fullmatch(r"[1-5]\d\d(?:\.0)?|-1|0", cell) is not None,
    "method": lambda cell: cell.upper() in HTTP_METHODS,
    "url": lambda cell: re.match(r"https?://|/", cell) is not None,
    "at": lambda cell: instant(cell) is not None and not re.fullmatch(r"\d{9,12}", cell),
}
