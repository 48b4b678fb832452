"""
Tables that somebody else holds: a relation of DuckDB, and frames of pandas, polars and narwhals.

Their columns are found as those of a CSV, and pass the same projection. Nothing is copied: a
relation stays on its connection, and a frame is read where it is, each time that a question needs
it. Only what DuckDB cannot read, cells that are dicts, is turned into text before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_columns, scan_places
from sinchtools.evidence.formats import dataframe, mapping, tables
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_columns import SCANNED, Steps, are_own
from sinchtools.evidence.scan_sql import literal, quoted, whole_or
from sinchtools.evidence.scan_tables import Cell, opened, told_by
from sinchtools.evidence.scan_times import Instants, Times
from sinchtools.evidence.scan_views import FILE, TEXTS, View, condition, extracted, files_as_sql

if TYPE_CHECKING:
    import duckdb

_LOOKED_AT = 2_000  # rows
_ENGINES = ("pandas", "polars", "narwhals", "pyspark")
_NESTED = ("STRUCT", "MAP", "LIST", "ARRAY", "UNION", "VARIANT")


class Held(NamedTuple):
    """A table as a relation: what its columns are called, and which were cells of any kind."""

    relation: duckdb.DuckDBPyRelation
    names: list[str]
    mixed: Collection[str] = ()


def engine_of(source: object) -> str | None:
    """Return which library a table is of, or None for what is none."""
    package = type(source).__module__.partition(".")[0]
    name = type(source).__name__
    if name == "DuckDBPyRelation":
        return "duckdb"
    return package if package in _ENGINES and name in ("DataFrame", "LazyFrame") else None


def of_table(source: Any, columns: Mapping[str, str]) -> tuple[Any, list[str]]:
    """
    Return the rows of a table in our columns, lazily, and what is to be said of it.

    A frame of Spark stays one.
    """
    engine = engine_of(source)
    if engine == "narwhals":
        return of_table(source.to_native(), columns)
    if engine == "pyspark":
        from sinchtools.evidence.scan_spark import of_spark

        return of_spark(source, columns)
    if engine == "duckdb":
        return of_relation(Held(source, list(source.columns)), columns)
    connection = scan_places.session(None)
    held = _of_polars if engine == "polars" else _of_pandas
    return of_relation(held(connection, source), columns)


def of_relation(
    held: Held, columns: Mapping[str, str]
) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    """Return the rows of a relation in our columns, and what is to be said of it."""
    import duckdb

    relation = held.relation
    cells = [
        Cell(quoted(name), is_nested=True) if name in held.mixed else cell_of(quoted(name), kind)
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    try:
        found = found_in(held.names, cells, _some(relation, cells), columns)
        rows = relation.filter(found.is_row) if found.is_row else relation
        return scan_columns.taken(rows, found.steps), found.said
    except duckdb.Error:  # its text may quote a row
        failed = WrongUseError(
            "DuckDB cannot read the rows of this table.",
            hint="Ask for one row without st.scan to see why: relation.limit(1).fetchall().",
        )
    raise failed  # here, where no error of DuckDB is its context


class Found(NamedTuple):
    """Which rows of a table are ours, the steps to our columns, and what is to be said."""

    is_row: str
    steps: Steps
    said: list[str]


def found_in(
    names: list[str], cells: list[Cell], some: list[list[str]], columns: Mapping[str, str]
) -> Found:
    """Return how the rows of a table are read, of which some are given as texts."""
    instants = Times(in_any_zone=True)
    if are_own({columns.get(name, name) for name in names}):
        return Found("", _steps_of_own(names, cells, some, columns, instants), [])
    view = view_of(names, cells, some, columns, instants)
    if view is None:
        raise WrongUseError(
            "This table has none of the columns of a log.",
            hint="Other names are mapped: st.scan(table, columns={'result': 'status'}).",
        )
    said = scan_columns.said_of("the table", view.shown, columns)
    return Found(view.is_row, _steps_of(view), said)


def parquet_view(
    connection: duckdb.DuckDBPyConnection,
    files: list[str],
    columns: Mapping[str, str],
    instants: Instants,
) -> View | None:
    """Return how Parquet files of other names are read, or None for files of ours."""
    source = f"read_parquet({files_as_sql(files)}, union_by_name = true, filename = '{FILE}')"
    whole = connection.sql(f"SELECT * EXCLUDE ({quoted(FILE)}) FROM {source}")
    if are_own({columns.get(name, name) for name in whole.columns}):
        return None
    cells = [cell_of(quoted(n), t) for n, t in zip(whole.columns, whole.types, strict=True)]
    some = _some(whole, cells)
    view = view_of(whole.columns, cells, some, columns, instants)
    if view is None:
        return None
    fields = ", ".join(f"{literal(name)}: {quoted(name)}" for name in whole.columns)
    return replace(view, source=source, whole=f"to_json({{{fields}}})")


def _some(relation: duckdb.DuckDBPyRelation, cells: list[Cell]) -> list[list[str]]:
    texts = ", ".join(f"{cell.text} AS c{i}" for i, cell in enumerate(cells))
    rows = relation.limit(_LOOKED_AT).project(texts).fetchall()
    return [[text or "" for text in row] for row in rows]


def view_of(
    names: list[str],
    cells: list[Cell],
    some: list[list[str]],
    columns: Mapping[str, str],
    instants: Instants,
) -> View | None:
    """Return how the rows of a table of other names are read, or None without HTTP."""
    if len(names) == 1:  # a row has more than one cell
        names, cells, some = [*names, " "], [*cells, Cell("''")], [[*row, ""] for row in some]
    layout = dataframe.layout_of(Piece("table", "", columns=columns), names, some)
    layout.rows = some
    told = told_by(layout, cells, columns, instants)
    if told is None:  # maybe a text is JSON, though its name does not say so
        cells = [
            replace(cell, is_nested=True) if _is_json(row[i] for row in some) else cell
            for i, cell in enumerate(cells)
        ]
        told = told_by(layout, cells, columns, instants)
    if told is None:
        return None
    values, shown = told
    places = {columns.get(name, name): i for i, name in enumerate(names)}
    if "id" in places:
        values["id"] = cells[places["id"]].text

    def exchange(piece: Piece, text: str) -> Exchange | None:
        row = [dataframe.as_text(cell) or "" for cell in json.loads(text).values()]
        record = mapping.record_of(
            piece, opened(layout, cells, tables.named(layout, row, set())), 1
        )
        return record.exchange if record else None

    return View(
        "json", "", "", values, condition(values, is_alone=True), shown, exchange, lambda _: True
    )


def _is_json(texts: Iterable[str]) -> bool:
    filled = [text for text in texts if text.strip()]
    return bool(filled) and all(text.lstrip().startswith("{") for text in filled)


def _steps_of(view: View) -> Steps:
    """Return the steps from a row of a table to our columns."""
    first = [f"{view.values[name]} AS {quoted(name)}" for name in TEXTS]
    first += [f"CAST(NULL AS VARCHAR) AS {quoted(FILE)}", f"{view.id} AS id"]
    return [first, *scan_columns.steps_of_view(view.told)]


def typed(ours: str, value: str) -> str:
    """Return the SQL of a text as one of our columns has it."""
    return f"TRY_CAST({value} AS {scan_columns.TYPES[COLUMNS[ours][0]]})"


def _steps_of_own(
    names: list[str],
    cells: list[Cell],
    some: list[list[str]],
    columns: Mapping[str, str],
    instants: Instants,
) -> Steps:
    places = {columns.get(name, name): i for i, name in enumerate(names)}
    values = {ours: scan_columns.value_of(ours, (), {}) for ours in SCANNED if ours != "outcome"}
    first = {
        ours: typed(ours, cells[place].text)
        for ours, place in places.items()
        if ours in values or ours == "response_body"
    }
    if "at" in first:
        cell = cells[places["at"]]
        examples = [row[places["at"]] for row in some if row[places["at"]]]
        first["at"] = cell.moment or instants(examples, f"nullif({cell.text}, '')")
    values |= {ours: quoted(ours) for ours in first}
    if "status" in first:
        values["status"] = "CASE WHEN status > 0 THEN status END"
    values[FILE] = "CAST(NULL AS VARCHAR)"
    body = "response_body" if values.pop("response_body", None) else None
    selected = [f"{value} AS {quoted(ours)}" for ours, value in first.items()]
    return [selected, *scan_columns.steps_of_own(values, body)]


# --- how a column is read -------------------------------------------------------------------------


def cell_of(value: str, kind: Any) -> Cell:
    """Return how a value in DuckDB is read, by its SQL and type."""
    name = str(kind).upper()
    text = f"CAST({value} AS VARCHAR)"
    if name.startswith(_NESTED) or name.endswith("]"):
        whole = f"CAST(to_json({value}) AS VARCHAR)"
        return Cell(whole, is_nested=True, below=lambda steps: _within(value, kind, steps))
    if name == "JSON":
        return Cell(text, is_nested=True)
    if name == "TIMESTAMP WITH TIME ZONE":
        return Cell(text, f"({value} AT TIME ZONE 'UTC')")
    if name.startswith(("TIMESTAMP", "DATE")):
        return Cell(text, f"CAST({value} AS TIMESTAMP)")
    if name.startswith(("DOUBLE", "FLOAT", "DECIMAL")):  # 403.0 is 403
        return Cell(whole_or(value, text))
    return Cell(value if name == "VARCHAR" else text)


def _within(value: str, kind: Any, steps: tuple[str, ...]) -> str | None:
    """Return the SQL of a field within a struct, be it a struct itself or JSON in a text."""
    for number, step in enumerate(steps):
        if kind.id != "struct":
            text = cell_of(value, kind).text
            return extracted(text, steps[number:])
        inner = next((type_ for name, type_ in kind.children if name == step), None)
        if inner is None:
            return None
        value, kind = f"struct_extract({value}, {literal(step)})", inner
    return cell_of(value, kind).text


# --- frames ---------------------------------------------------------------------------------------


class _Batches:
    """A polars frame as a stream of Arrow, which is made anew for each question."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        frame = self.frame
        if hasattr(frame, "collect_batches"):
            frame = frame.collect_batches(lazy=True)
        elif hasattr(frame, "collect"):
            frame = frame.collect()
        return frame.__arrow_c_stream__(requested_schema)


def _of_polars(connection: duckdb.DuckDBPyConnection, frame: Any) -> Held:
    names = [name for name, kind in frame.collect_schema().items() if str(kind) != "Object"]
    batches = _Batches(frame.select(names).rename({name: f"c{i}" for i, name in enumerate(names)}))
    return Held(connection.from_arrow(batches), names)


def _of_pandas(connection: duckdb.DuckDBPyConnection, frame: Any) -> Held:
    import pandas as pd

    named = frame.set_axis([f"c{i}" for i in range(frame.shape[1])], axis="columns")
    mixed = {
        name: column.map(dataframe.as_text).astype("string")
        for name, column in named.items()
        if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) != "string"
    }
    return Held(connection.from_df(named.assign(**mixed)), list(map(str, frame.columns)), mixed)
