"""How the rows of CSV, TSV and W3C files are read in a scan: `tables` tells the layout."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.formats import mapping, tables
from sinchtools.evidence.pieces import Piece
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


def table_view(
    files: list[str],
    layout: tables.Layout,
    columns: Mapping[str, str],
    instants: Callable[[list[Any], str], str],
) -> View | None:
    """Return how the rows of a table are read."""
    piece = Piece("sample", "", columns=columns)
    serial = tables.serial_columns(layout)
    named = [tables.named(layout, cells, serial) for cells in layout.rows if len(cells) > 1]
    known = [(one, mapping.record_of(piece, one, 1)) for one in named if one]
    flats = [mapping.flattened(one) for one, record in known if record]
    if not flats or tables.is_of_reports(layout):
        return None
    apart = (tables.apart(layout, row, serial) for row in layout.rows)
    cells = _cells(layout, tables.date_and_clock(apart), serial)
    exchanges = [record.exchange for _, record in known if record]
    plan = plan_with(flats, {})
    found = Found(flats, exchanges, plan, lambda path, *_: _cell(cells, named, path), instants)
    values, shown = values_of(found)
    theirs = {ours: name for name, ours in layout.mapping.items()}
    shown = {ours: theirs.get(path, path) for ours, path in shown.items()}
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

    return View("table", files, source, whole, values, is_row, shown, exchange, is_read)


def _cells(layout: tables.Layout, pair: tuple[str, str] | None, serial: set[str]) -> dict[str, str]:
    """Return the SQL of each name that a row gets, as `tables.named` gives it."""
    places: dict[str, list[str]] = {}
    for i, name in enumerate(layout.names):
        ours = layout.mapping.get(name)
        value = f"ltrim(c{i})" if layout.separator in ",;" else f"c{i}"
        value = f"CASE WHEN NOT {sql.among(value, tables.NO_VALUE)} THEN {value} END"
        if name in serial:
            days = f"TRY_CAST(replace({value}, ',', '.') AS DOUBLE)"
            micros = f"TRY_CAST({days} * 86400000000 + 500000 AS BIGINT)"
            moment = f"TIMESTAMP '1899-12-30' + to_microseconds({micros})"
            value = f"CAST(date_trunc('second', {moment}) AS VARCHAR)"
        if ours is None and tables.is_other(layout, name):
            continue
        places.setdefault(ours or name, []).append(value)
    cells = {name: sql.first(values) for name, values in places.items()}
    if pair:
        date, clock = pair
        cells["at"] = f"concat_ws(' ', {cells[date]}, {cells[clock]})"
    return cells


def _cell(cells: Mapping[str, str], named: list[dict[str, Any]], path: str) -> str:
    if path in cells:
        return cells[path]
    top, *below = steps_of(named, path)
    return extracted(cells.get(top, sql.NULL), tuple(below)) if below else sql.NULL
