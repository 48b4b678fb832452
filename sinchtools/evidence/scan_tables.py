"""How the rows of CSV, TSV and W3C files are read in a scan: `tables` tells the layout."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.formats import mapping, tables
from sinchtools.evidence.formats.table_columns import NO_VALUE
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_times import Instants
from sinchtools.evidence.scan_views import (
    FILE,
    Found,
    View,
    condition,
    extracted,
    files_as_sql,
    plan_with,
    steps_of,
    values_of,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """How a column of a table is read."""

    text: str  # SQL of its value as text
    moment: str | None = None  # SQL of its moment in UTC, where the column has a type of time
    is_nested: bool = False  # whether the text is JSON of an object or a list
    # SQL of a field within it, by the names on the way there, or None where there is none
    below: Callable[[tuple[str, ...]], str | None] = lambda _: None


def table_view(
    files: list[str], layout: tables.Layout, columns: Mapping[str, str], instants: Instants
) -> View | None:
    """Return how the rows of a table are read."""
    piece = Piece("sample", "", columns=columns)
    serial = tables.serial_columns(layout)
    cells = [
        Cell(f"ltrim(c{i})" if layout.separator in ",;" else f"c{i}")
        for i in range(len(layout.names))
    ]
    told = told_by(layout, cells, columns, instants)
    if told is None:
        return None
    values, shown = told
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.names)))
    source = (
        f"read_csv({files_as_sql(files)}, columns = {{{names}}}, delim = "
        f"{sql.literal(layout.separator)}, quote = '\"', escape = '\"', header = false, skip = "
        f"{layout.first - 1}, auto_detect = false, null_padding = true, strict_mode = false, "
        f"ignore_errors = true, filename = '{FILE}')"
    )
    whole = f"to_json([{', '.join(f'c{i}' for i in range(len(layout.names)))}])"
    is_row = condition(values, is_alone=True)
    is_row = f"(c0 IS NULL OR c0 NOT LIKE '#%') AND {is_row}"

    def exchange(into: Piece, text: str) -> Exchange | None:
        row = [cell or "" for cell in json.loads(text)]
        return next(tables.exchanges(into, layout, iter([(1, row)])), None)

    def is_read(line: str) -> bool:
        row = next(csv.reader([line], delimiter=layout.separator), [])
        one = tables.named(layout, row, serial) if row != layout.names else {}
        record = mapping.record_of(piece, one, 1) if one else None
        return (
            row == layout.names
            or line.startswith("#")
            or bool(record and (record.is_whole or record.exchange.status is not None))
        )

    return View("table", source, whole, values, is_row, shown, exchange, is_read)


def told_by(
    layout: tables.Layout, cells: list[Cell], columns: Mapping[str, str], instants: Instants
) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the SQL of each of our columns and where it is found, or None without HTTP."""
    piece = Piece("sample", "", columns=columns)
    serial = tables.serial_columns(layout)
    named = [tables.named(layout, row, serial) for row in layout.rows if len(row) > 1]
    named = [opened(layout, cells, row) for row in named]
    known = [(one, mapping.record_of(piece, one, 1)) for one in named if one]
    asked = {theirs: ours for theirs, ours in columns.items() if theirs not in layout.names}
    flats = [mapping.flattened(one) for one, record in known if record or asked]
    if not flats or tables.is_of_reports(layout):
        return None
    pair = tables.date_and_clock(tables.apart(layout, row, serial) for row in layout.rows)
    texts, moments, places = _texts(layout, cells, pair, serial)

    def access(path: str, *_: str) -> str:
        if path in texts:
            return texts[path]
        top, *below = steps_of(named, path)
        value = cells[places[top]].below(tuple(below)) if top in places else None
        return value or (extracted(texts.get(top, sql.NULL), tuple(below)) if below else sql.NULL)

    def moment(examples: list[Any], value: str) -> str:
        return moments.get(value) or instants(examples, value)

    exchanges = [one.exchange if one else Exchange(id="") for _, one in known if one or asked]
    plan = plan_with([*flats, dict.fromkeys(texts)], asked)
    values, shown = values_of(Found(flats, exchanges, plan, access, moment))
    theirs = {ours: name for name, ours in layout.mapping.items()}
    return values, {ours: theirs.get(path, path) for ours, path in shown.items()}


def opened(layout: tables.Layout, cells: list[Cell], row: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of a row by their names, with those that are JSON as what they hold."""
    nested = {name for name, cell in zip(layout.names, cells, strict=True) if cell.is_nested}
    inside = {
        name: parsed(cell)
        for name, cell in row.items()
        if name in nested and isinstance(cell, str) and cell[:1] in "{["
    }
    return row | inside


def _texts(
    layout: tables.Layout, cells: list[Cell], pair: tuple[str, str] | None, serial: set[str]
) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """
    Return the SQL of each name that a row gets, as `tables.named` gives it.

    With it come the moments of such texts, and the places of the columns.
    """
    found: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    for i, name in enumerate(layout.names):
        ours = layout.mapping.get(name)
        value = f"CASE WHEN NOT {sql.among(cells[i].text, NO_VALUE)} THEN {cells[i].text} END"
        if name in serial:
            days = f"TRY_CAST(replace({value}, ',', '.') AS DOUBLE)"
            micros = f"TRY_CAST({days} * 86400000000 + 500000 AS BIGINT)"
            on = f"TIMESTAMP '1899-12-30' + to_microseconds({micros})"
            value = f"CAST(date_trunc('second', {on}) AS VARCHAR)"
        if ours == tables.NOT_USED or (ours is None and tables.is_other(layout, name)):
            continue
        found.setdefault(ours or name, []).append(value)
        places.setdefault(ours or name, i)
    texts = {name: sql.first(values) for name, values in found.items()}
    moments = {
        texts[name]: moment
        for name, i in places.items()
        if len(found[name]) == 1 and (moment := cells[i].moment)
    }
    if pair:
        texts["at"] = f"concat_ws(' ', {texts[pair[0]]}, {texts[pair[1]]})"
    return texts, moments, places
