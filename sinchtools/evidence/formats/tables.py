"""
Tables: CSV, TSV, W3C and Zeek logs, and the tables that terminals and Markdown show.

A column is found by its name, then by what stands in it; `columns` has the last word.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import drawn_tables
from sinchtools.evidence.formats.access_log import formed
from sinchtools.evidence.formats.jsonl import paired
from sinchtools.evidence.formats.labels import english
from sinchtools.evidence.formats.mapping import Record, http_status, record_of
from sinchtools.evidence.formats.table_columns import (
    KNOWN,
    LONGEST_NAME,
    NO_VALUE,
    is_no_status,
    mapping_of,
)
from sinchtools.evidence.formats.table_recipients import BODY_OF_COLUMNS, with_recipients
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, words
from sinchtools.evidence.row_tables import by_word
from sinchtools.evidence.times import excel_instant, mostly_serial, squashed

_FIELD_NAMES = re.compile(
    r"^#Fields:?[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE
)  # of W3C and Zeek logs
_SEPARATORS = "\t,;|"
_LOOKED_AT, _MOST_TITLES = 200, 10
_MESSAGE = re.compile(r"^[ \t>$#%]*curl(?:\.exe)?[ \t]|^(?:[<>] )?HTTP/\d", re.MULTILINE)
_DATE = re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d?[./]\d\d?[./]\d{4}")
_CLOCK = re.compile(r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?")
# columns that only a delivery report has; its codes are no HTTP statuses
_DELIVERY_STATES = set(
    words(
        "queued dispatched aborted cancelled canceled rejected deleted delivered failed expired "
        "unknown undeliverable submitted accepted"
    )
)
_NAME_AND_VALUE = 2
NOT_USED = ""  # what `columns` says of a column that is to be left out
_DATE_NAMES = ("date", "datum", "at", "time", "uhrzeit", "clock")
csv.field_size_limit(10_000_000)


@dataclass(slots=True)
class Layout:
    """How a table is written: separator, names, first row of data, and the column of each field."""

    separator: str
    names: list[str]
    first: int
    mapping: dict[str, str]
    rows: list[list[str]] = field(default_factory=list)


def sniff(piece: Piece) -> bool:
    """Tell whether the text is a table with a column of statuses, or of methods and URLs."""
    return _MESSAGE.search(piece.text[:200_000]) is None and layout_of(piece) is not None


def parse(piece: Piece) -> Iterator[Exchange]:
    """
    Yield one exchange for each row of a table, its columns found by name, then by content.

    `columns` has the last word.
    """
    layout = layout_of(piece)
    if layout is None:
        piece.skip(
            None,
            "no column of statuses, methods or URLs was found; name them with columns= (--column)",
        )
        return
    rows = (
        (number, cells)
        for number, cells in _rows(piece, layout.separator)
        if number >= layout.first and not (cells and cells[0].startswith("#"))
    )
    yield from exchanges(piece, layout, rows)


def find(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each row of a table as a terminal or Markdown shows it."""
    for table in drawn_tables.drawn(piece.text):
        cells = [row for _, row in table.rows]
        mapping = mapping_of(piece, table.names, cells)
        if not _is_enough(table.names, mapping, len(cells), headed=True):
            yield from _of_names_and_values(piece, table)
            continue
        layout = Layout("|", table.names, 1, mapping, cells)
        piece.use(table.first, table.last)
        for row in table.rows:
            for exchange in exchanges(piece, layout, iter([row])):
                yield Found(row[0], row[0], exchange)


def _of_names_and_values(piece: Piece, table: drawn_tables.Drawn) -> Iterator[Found]:
    """Yield the one row of a table of two columns: what each field is called, and its value."""
    if len(table.names) != _NAME_AND_VALUE:
        return
    fields = {name: value for _, (name, value) in table.rows if value not in NO_VALUE}
    record = record_of(piece, fields, table.first)
    if record and record.is_whole and record.exchange.status is not None:
        yield Found(table.first, table.last, record.exchange)


def exchanges(
    piece: Piece, layout: Layout, rows: Iterator[tuple[int, list[str]]]
) -> Iterator[Exchange]:
    """Yield what the rows of a table tell."""
    _say(piece, layout)
    records = _records(piece, layout, rows)
    if is_of_reports(layout):
        yield from (_report(piece, layout, number, cells) for number, cells in rows if any(cells))
        return
    filled: set[str] = set()
    count = 0
    for exchange in paired(piece, records):
        count += 1
        filled.update(name for name in _TOLD if getattr(exchange, name) is not None)
        yield exchange
    for theirs, ours in layout.mapping.items():
        if count >= min(2, len(layout.rows)) and ours in _TOLD and ours not in filled:
            piece.guess(None, f"column {theirs[:40]!r}, taken as {ours}, gave no value in any row")


_TOLD = ("at", "status", "url", "method")


def _say(piece: Piece, layout: Layout) -> None:
    shown = ", ".join(
        f"{ours} from {theirs[:40]!r}"
        for theirs, ours in layout.mapping.items()
        if ours not in (theirs, NOT_USED)
    )
    if shown:
        piece.guess_once(f"columns: {shown}; columns= (--column) overrides")


def _records(
    piece: Piece, layout: Layout, rows: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, Record]]:
    serial = serial_columns(layout)
    for number, cells in rows:
        row = named(layout, cells, serial) if len(cells) > 1 else {}
        record = record_of(piece, row, number) if row else None
        if record is None or not (record.is_whole or record.is_response):
            piece.skip(number, "a row without HTTP data")
        else:
            is_alone = record.exchange.status is not None
            exchange = with_recipients(record.exchange, layout.names, cells)
            if exchange is not record.exchange:
                piece.guess_once(BODY_OF_COLUMNS)
            yield number, Record(exchange, record.key, is_alone=is_alone)


def serial_columns(layout: Layout) -> set[str]:
    """Return the columns whose times are a spreadsheet's numbers."""
    times = [name for name, ours in layout.mapping.items() if ours == "at"]
    places = {name: layout.names.index(name) for name in times}
    cells = {name: [row[i] for row in layout.rows if len(row) > i] for name, i in places.items()}
    return {name for name, column in cells.items() if mostly_serial(column)}


def named(layout: Layout, cells: list[str], serial: set[str]) -> dict[str, Any]:
    """Return the cells of a row by the names of our fields, else by their own."""
    row = apart(layout, cells, serial)
    _join_date(row)
    return row


def apart(layout: Layout, cells: list[str], serial: set[str]) -> dict[str, Any]:
    """Return the same with a date and its clock apart."""
    row: dict[str, Any] = {}
    mapping = layout.mapping
    for name, cell in zip(layout.names, cells, strict=False):
        if cell in NO_VALUE:
            continue
        if name in serial and (moment := excel_instant(float(cell.replace(",", ".")))):
            cell = moment.isoformat(" ")
        ours = mapping.get(name)
        if ours == NOT_USED or (ours is None and is_other(layout, name)):
            continue
        status = http_status(cell) if ours == "status" else None
        row.setdefault(ours or _in_english(name), cell if status is None else status)
    return row


def _in_english(name: str) -> str:
    """Return the name of a column in English where it is known in another language."""
    spoken = english(name[:LONGEST_NAME])
    return name if spoken == name.strip().lower() else spoken


def is_other(layout: Layout, name: str) -> bool:
    """Tell whether a column would be taken for a field that another column holds."""
    return squashed(name) in layout.mapping.values() or is_no_status(name)


def date_and_clock(rows: Iterable[dict[str, Any]]) -> tuple[str, str] | None:
    """Return the names under which the first row that has both has its date and its clock."""
    for row in rows:
        texts = {name: str(row[name]) for name in row if str(name).lower() in _DATE_NAMES}
        date = next((name for name, text in texts.items() if _DATE.fullmatch(text)), None)
        clock = next((name for name, text in texts.items() if _CLOCK.fullmatch(text)), None)
        if date and clock:
            return date, clock
    return None


def _join_date(named: dict[str, Any]) -> None:
    if pair := date_and_clock([named]):
        named["at"] = " ".join(str(named[name]) for name in pair)


def is_of_reports(layout: Layout) -> bool:
    """Tell whether the rows are delivery reports: a state of delivery, and nobody's request."""
    if {"method", "url"} & set(layout.mapping.values()):
        return False
    for i, _ in enumerate(layout.names):
        cells = [row[i].lower() for row in layout.rows if len(row) > i and row[i]]
        if cells and sum(cell in _DELIVERY_STATES for cell in cells) * 10 >= len(cells) * 8:
            return True
    return False


_REPORT_NAMES = by_word("""
batch_id: batchid
recipient: recipient to msisdn phone phonenumber destination
status: status deliverystatus state
code: code statuscode deliverycode errorcode
at: at timestamp time sentat date datetime createdat senttime sendtime submittedat
client_reference: clientreference
message_id: messageid
operator_status_at: operatorstatusat
""")


def _report(piece: Piece, layout: Layout, number: int, cells: list[str]) -> Exchange:
    piece.guess(number, "a row of a table of delivery reports: its codes are not HTTP statuses")
    body: dict[str, Any] = {}
    for name, cell in zip(layout.names, cells, strict=False):
        ours = _REPORT_NAMES.get(squashed(name), name)
        body.setdefault(ours, int(cell) if ours == "code" and cell.isdigit() else cell)
    return Exchange(
        source=piece.at(number),
        at=piece.instant(body.get("at")),
        method="POST",
        endpoint="callback",
        request_body=json.dumps(body, ensure_ascii=False),
    )


def layout_of(piece: Piece) -> Layout | None:
    """Return how a table is written, or None when the text is none with HTTP in it."""
    fields = _FIELD_NAMES.search(piece.text, 0, 20_000)
    return _of_fields(piece, fields[1].strip()) if fields else _of_rows(piece)


def _of_fields(piece: Piece, names: str) -> Layout:
    """Return the layout of a log that names its fields, which need not stand as its rows do."""
    first = next(
        (line for line in piece.text.split("\n", 1000) if line and not line.startswith("#")), ""
    )
    separator = "\t" if "\t" in first else " "
    listed = names.split("\t" if "\t" in names else None)
    rows = [
        cells for _, cells in _some(piece, separator) if cells[:1] and not cells[0].startswith("#")
    ]
    plain = [_W3C_NAMES.get(name.lower(), name) for name in listed]
    return Layout(separator, plain, 1, mapping_of(piece, plain, rows), rows)


_W3C_NAMES = by_word("""
user_agent: cs(user-agent)
referer: cs(referer)
http_host: cs(host) cs-host
x_host_header: x-host-header
edge_kind: x-edge-response-result-type
edge_type: x-edge-result-type
cookie: cs(cookie)
substatus: sc-substatus
win32: sc-win32-status
server_ip: s-ip
version: cs-protocol-version
""")


def _of_rows(piece: Piece) -> Layout | None:
    best = _headless(piece)
    if best:
        return best
    for separator in _separators(piece):
        some = _some(piece, separator)
        head = _head_row(some)
        if head is None or (separator == "|" and _is_drawn(piece.text)):
            continue
        number, first, rows = head
        if separator == "|" and formed("|".join(first)):
            return None
        headed = not any(_is_data(cell) for cell in first)
        names = (
            _unlike([cell.strip().lstrip("\ufeff") for cell in first])
            if headed
            else [f"column {i}" for i in range(1, len(first) + 1)]
        )
        data = rows[1:] if headed else rows
        mapping = mapping_of(piece, names, data)
        start = number + (1 if headed else 0)
        layout = Layout(separator, names, start, mapping, data)
        is_asked = {"status", "code", "url"} & {piece.columns.get(name) for name in names}
        fits = (
            bool(is_asked)
            or _is_enough(names, mapping, len(rows), headed=headed)
            or (headed and bool(data) and _is_report_table(layout))
        )
        if fits and len(mapping) > len(best.mapping if best else ()):
            best = layout
    return best


def any_layout(piece: Piece) -> Layout | None:
    """Return how a table is written, though nothing tells what its columns are."""
    best: Layout | None = None
    for separator in _separators(piece):
        head = _head_row(_some(piece, separator))
        if head is None or len(head[2]) < 2 or (best and len(head[1]) <= len(best.names)):
            continue
        names = _unlike([cell.strip().lstrip("\ufeff") for cell in head[1]])
        data = head[2][1:]
        best = Layout(separator, names, head[0] + 1, mapping_of(piece, names, data), data)
    return best


def meaning_of(name: str) -> str | None:
    """Return the field that a column is by its name alone."""
    return KNOWN.get(squashed(name[:LONGEST_NAME]))


# source: CloudFront real-time logs, default order of the fields
_REALTIME = words(
    "timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol http_host "
    "cs-uri-stem cs-bytes x-edge-location x-edge-request-id x_host_header time-taken"
)
_IS_REALTIME = re.compile(
    r"\d{10}\.\d{3}\t[\da-f.:]+\t[\d.]+\t\d{3}\t\d+\t[A-Z]+\t\w+\t\S+\t/\S*\t\d+\t[A-Z]{3}\d"
)


def _headless(piece: Piece) -> Layout | None:
    """Return the layout of a log whose fields are known though it does not name them."""
    if not _IS_REALTIME.match(piece.text):
        return None
    rows = [cells for _, cells in _some(piece, "\t")]
    return Layout("\t", list(_REALTIME), 1, mapping_of(piece, list(_REALTIME), rows), rows)


def _is_report_table(layout: Layout) -> bool:
    names = {squashed(name) for name in layout.names}
    return bool(names & {"recipient", "batchid", "messageid", "to", "msisdn"}) and is_of_reports(
        layout
    )


def _is_enough(names: list[str], mapping: Mapping[str, str], rows: int, *, headed: bool) -> bool:
    return (
        rows > 0
        and bool(({"status", "code", "url"} if headed else {"url"}) & set(mapping.values()))
        and (len(mapping) > 1 or "status" in map(str.lower, names))
    )


def _is_drawn(text: str) -> bool:
    """Tell whether a table is drawn: with rules between its rows, or two bars between its names."""
    drawn = r"^[ \t]*(?:\|?[ \t:|+-]*-{3,}[ \t:|+-]*|\|\|.*\|\|)$"
    return re.search(drawn, text[:20_000], re.MULTILINE) is not None


def _separators(piece: Piece) -> str:
    said = re.match(r"\ufeff?\"?sep=(.)", piece.text)
    return said[1] if said else _SEPARATORS


def _head_row(some: list[tuple[int, list[str]]]) -> tuple[int, list[str], list[list[str]]] | None:
    """Return the row of the names, with its number, and it with all below; titles stand above."""
    for at in range(min(_MOST_TITLES, len(some))):
        number, first = some[at]
        rows = [cells for _, cells in some[at:]]
        if len(first) > 1 and len(rows) > (at > 0):
            alike = sum(len(cells) == len(first) for cells in rows)
            if alike * 10 >= len(rows) * 7:
                return number, first, rows
    return None


def _unlike(names: list[str]) -> list[str]:
    """Return names of which none occurs twice."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made


def _some(piece: Piece, separator: str) -> list[tuple[int, list[str]]]:
    head = Piece(piece.name, "\n".join(piece.text[:200_000].split("\n")[:_LOOKED_AT]))
    return [row for row in _rows(head, separator) if any(row[1])]


def _rows(piece: Piece, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(piece.text, newline=""), delimiter=separator, skipinitialspace=separator in ",;"
    )
    number = 0
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            piece.skip(number, "a row that is not CSV")
            continue
        yield number, cells


def _is_data(cell: str) -> bool:
    cell = cell.strip()
    return cell in HTTP_METHODS or re.fullmatch(r"[1-5]\d\d|https?://.*|/.*", cell) is not None
