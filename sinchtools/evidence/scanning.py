"""Evidence larger than memory: a lazy relation on DuckDB with the columns that hold no secret."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.core.columns import COLUMNS, as_json
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Skipped
from sinchtools.evidence import scan_columns, scan_files, scan_frames, scan_places, scan_retries
from sinchtools.evidence.pieces import Piece, status_of
from sinchtools.evidence.scan_columns import SCANNED, TYPES, value_of
from sinchtools.evidence.scan_sql import literal, quoted
from sinchtools.evidence.scan_views import FILE, LINES, View, files_as_sql
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import duckdb

_READERS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
NO_ROW = "lines that are not rows in the form of this file"


def scan(
    source: str | Path | Any,
    *,
    columns: Mapping[str, str] | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> Any:
    """
    Return a lazy table on rows wherever they are, in files of any size or in a table of yours.

    A file, glob or URL may hold JSON Lines of ours or of any logger or gateway, CSV, TSV, access
    logs and Parquet, plain or with gzip or Zstandard. The columns are found in the first lines or
    rows, as `read` finds them. A warning says which column was taken for which, and how many of
    the lines looked at are not rows. `columns_of` and `unread` say both for whole files.

    The result has the columns of `read(...).frame()` without headers and bodies, and `url` without
    its query: what is not selected cannot leak. A text that looks as if it contained a secret is
    replaced whole. `at` is in UTC. ``st.read(lazy, ids)`` brings in single rows of files whole. A
    request and its response on separate lines stay two rows: use `read`.

    Nothing is copied and nothing is left on your connection. Each question reads the rows again.

    Parameters
    ----------
    source
        A path, glob or URL; a DuckDB relation; a pandas, polars, PySpark or narwhals frame.
    columns
        Your column to our column, where the names do not tell; it has the last word.
        A field within others is written ``http.response.status``.
    connection
        Your DuckDB connection, with the extensions and secrets that reach a URL.

    Returns
    -------
    duckdb.DuckDBPyRelation or pyspark.sql.DataFrame
        The columns of `read(...).frame()` less headers and bodies: `at` in UTC (without a zone in
        DuckDB, a timestamp in Spark), `status` SMALLINT, `elapsed_ms` DOUBLE in milliseconds, all
        others text. PySpark for a PySpark frame, else DuckDB.

    Raises
    ------
    MissingInputError
        No file fits the pattern.
    WrongUseError
        There are no rows with HTTP in a known form, the URL needs a connection, or it contains
        credentials.

    Examples
    --------
    >>> import duckdb
    >>> table = duckdb.sql("SELECT 403 AS status, '/xms/v1/p/batches?key=x' AS url")
    >>> scan(table).project("status, url, endpoint").fetchall()[0][:2]
    (403, '/xms/v1/p/batches')
    """
    if scan_frames.engine_of(source):
        rows, said = scan_frames.of_table(source, columns or {})
    else:
        rows, said = _of_files(scan_places.checked(source, connection), columns or {}, connection)
    for reason in said:
        warnings.warn(f"st.scan: {Redactor().text(reason)}", stacklevel=2)
    return rows


def _of_files(
    name: str, columns: Mapping[str, str], given: duckdb.DuckDBPyConnection | None
) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    import duckdb

    connection = scan_places.session(given)
    try:
        found = scan_files.look(connection, scan_places.files_of(connection, name), columns)
        relations = _relations(connection, name, found, columns)
        return reduce(lambda one, other: one.union(other), relations), found.said
    except duckdb.Error as error:  # its text may quote a line of the file
        is_there = not (isinstance(error, duckdb.IOException) or scan_places.is_remote(name))
    if is_there:
        raise WrongUseError(
            f"This cannot be read as {_reader(name)}.",
            hint="Check the file's ending, or use st.read for another form.",
        )
    raise scan_places.not_found(name)  # here, where no error of DuckDB is its context


def _relations(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    found: scan_files.Looked,
    columns: Mapping[str, str],
) -> list[duckdb.DuckDBPyRelation]:
    """Return the rows of the files by how they are read; the session remembers what was asked."""
    shown = {ours: place for view in found.views for ours, place in view.shown.items()}
    told = {"files": name, "columns": json.dumps(dict(columns)), "shown": json.dumps(shown)}
    for variable, value in told.items():
        connection.execute(f"SET VARIABLE sinchtools_{variable} = ?", [value])
    rows = [_rows_of(connection, view) for view in found.views]
    own = found.own if found.own or rows else [name]
    for kind, files in _by_kind(own).items():
        rows.insert(0, _own(connection, kind, files, columns))
    return rows


def columns_of(lazy: Any) -> dict[str, str]:
    """Return where the columns of what `scan` returned stand in files of other names."""
    found = lazy.query("scanned", "SELECT getvariable('sinchtools_shown')").fetchall()
    return dict(json.loads(found[0][0] or "{}"))


def unread(lazy: Any) -> tuple[Skipped, ...]:
    """
    Return how many lines of each file of a scan are not rows; all files are read for it.

    Raises
    ------
    WrongUseError
        The relation is none that `scan` gave.
    """
    listed = []
    with _looked(lazy) as (connection, looked, _):
        for view in looked.views:
            asked = (
                f"SELECT {quoted(FILE)}, count(*) FROM {view.source} WHERE ({view.is_row}) IS NOT "
                f"TRUE AND {view.is_line} GROUP BY 1 ORDER BY 1"
            )
            listed += connection.execute(asked).fetchall()
    return tuple(Skipped(source=Path(file).name, reason=NO_ROW, count=n) for file, n in listed)


def _rows_of(connection: duckdb.DuckDBPyConnection, view: View) -> duckdb.DuckDBPyRelation:
    """Return the rows of files of other names, in our columns."""
    rows = connection.sql(view.selection(f"{view.id} AS id"))
    return scan_columns.taken(rows, scan_columns.steps_of_view(view.told))


def _own(
    connection: duckdb.DuckDBPyConnection, kind: str, files: list[str], columns: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    """Return the rows of files that have our columns, under our names or those of `columns`."""
    wanted = _wanted(columns)
    may_repeat = scan_retries.may_have_call_ids(kind, files, wanted)
    has_body = kind == "json" and scan_files.has_code_in_body(files)
    raw = _raw(connection, kind, files, wanted | ({"response_body": "VARCHAR"} if has_body else {}))
    scan_retries.check_columns(files[0], raw.columns, wanted)
    present = [
        column for column in raw.columns if column != "call_id" or may_repeat
    ]  # no retries to fold: the log is read once
    values = {one: value_of(one, present, columns) for one in SCANNED if one != "outcome"}
    values[FILE] = quoted(FILE)
    has_body = has_body or (kind == "parquet" and "response_body" in raw.columns)
    steps = scan_columns.steps_of_own(values, "response_body" if has_body else None)
    return scan_columns.taken(raw, steps)


def is_lazy(source: object) -> bool:
    """Tell whether a value is a relation of DuckDB, such as `scan` returns."""
    return scan_frames.engine_of(source) == "duckdb"


def rows(lazy: Any, ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the whole rows with these ids, by file, secrets and all: for the door of `read`."""
    wanted = [str(one) for one in ids]
    by_file: dict[str, list[dict[str, Any]]] = {}
    with _looked(lazy, is_whole=True) as (connection, looked, columns):
        for file, row in _own_rows(connection, looked.own, columns, wanted):
            by_file.setdefault(file, []).append({"source": file} | row)
        for view in looked.views:
            for file, row in _whole_rows(connection, view, wanted):
                by_file.setdefault(file, []).append(row)
    return by_file


@contextmanager
def _looked(
    lazy: Any, *, is_whole: bool = False
) -> Iterator[tuple[Any, scan_files.Looked, dict[str, str]]]:
    """Look again at the files of a scan, in a session of its own: one of `lazy` binds it anew."""
    name, columns = _asked(lazy)
    if scan_places.is_remote(name):
        session = _Session(lazy)
        files = scan_places.files_of(session, name)
        yield session, scan_files.look(session, files, columns, is_whole=is_whole), columns
        return
    with closing(scan_places.session(None)) as connection:
        files = scan_places.local_files(name)
        yield connection, scan_files.look(connection, files, columns, is_whole=is_whole), columns


def _asked(lazy: Any) -> tuple[str, dict[str, str]]:
    """Return the name and the columns that a scan was asked for."""
    import duckdb

    try:
        asked = "SELECT getvariable('sinchtools_files'), getvariable('sinchtools_columns')"
        (name, mapping), *_ = lazy.query("scanned", asked).fetchall()
        columns: dict[str, str] = json.loads(mapping)
        if scan_places.is_remote(name) or scan_places.local_files(name):
            return name, columns
    except (duckdb.Error, TypeError, ValueError, AttributeError):
        pass
    raise WrongUseError(
        "This relation did not come from st.scan.",
        hint="Give what st.scan returned, or a filter of it. To read rows of your own table, use "
        "st.read(table.filter(...).df()).",
    )


class _Session:
    """The session of a scan that reads through a connection of the caller."""

    def __init__(self, lazy: Any) -> None:
        self.lazy = lazy

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Ask in the session of the scan."""
        return self.lazy.query("scanned", query)  # type: ignore[no-any-return]

    execute = sql


def _own_rows(
    connection: duckdb.DuckDBPyConnection,
    files: list[str],
    columns: Mapping[str, str],
    ids: list[str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    import duckdb

    name = scan_columns.theirs_of("id", columns)
    for kind, listed in _by_kind(files).items():
        try:
            asked = _whole(kind, files_as_sql(listed), name, ids)
            found = connection.execute(asked).fetchall()
        except duckdb.Error:  # no ids are in these files
            continue
        for file, text in found:
            yield Path(file).name, _renamed(text, columns)


def _by_kind(files: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for name in files:
        kinds.setdefault(_reader(name), []).append(name)
    return kinds


def _whole_rows(
    connection: duckdb.DuckDBPyConnection, view: View, ids: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    more = (f"{view.id} AS id", f"{view.whole} AS whole")
    asked = (
        f"SELECT {quoted(FILE)}, id, whole FROM ({view.selection(*more)}) WHERE id IN "
        f"({', '.join(map(literal, ids))})"
    )
    for path, made, text in connection.execute(asked).fetchall():
        file = Path(path).name
        exchange = view.exchange(Piece(file, text), text)
        if exchange is not None:
            yield file, as_json(replace(exchange, id=made, source=file))


def _renamed(text: str, columns: Mapping[str, str]) -> dict[str, Any]:
    try:
        row = {
            columns.get(key, key): value
            for key, value in json.loads(text).items()
            if value is not None
        }
    except (ValueError, RecursionError):
        return {}
    return row | ({"status": status_of(row["status"])} if "status" in row else {})


def _whole(kind: str, file: str, name: str, ids: list[str]) -> str:
    among = ", ".join(map(literal, ids))
    if kind == "json":
        path = literal('$."' + name.replace('"', '\\"') + '"')
        return (
            f"SELECT filename, json FROM read_json_objects({file}, {LINES}, filename = "
            f"true) WHERE json_extract_string(json, {path}) IN ({among})"
        )
    options = "union_by_name = true, filename = true" + (
        ", all_varchar = true, ignore_errors = true" if kind == "csv" else ""
    )
    where = f"CAST({quoted(name)} AS VARCHAR) IN ({among})"
    return f"SELECT t.filename, to_json(t) FROM read_{kind}({file}, {options}) AS t WHERE {where}"


def _reader(pattern: str) -> str:
    name = re.split(r"[?#]", pattern)[0] if scan_places.is_remote(pattern) else pattern
    ending = Path(re.sub(r"\.(gz|zst)$", "", name.lower())).suffix
    return _READERS.get(ending, "json")


def _wanted(columns: Mapping[str, str]) -> dict[str, str]:
    names = {name: TYPES[COLUMNS[name][0]] for name in SCANNED if name != "outcome"}
    return {
        scan_columns.theirs_of(name, columns): "VARCHAR" if name == "at" else kind
        for name, kind in names.items()
    }


def _raw(
    connection: duckdb.DuckDBPyConnection, kind: str, files: list[str], wanted: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    file = files_as_sql(files)
    if kind == "parquet":
        return connection.sql(
            f"SELECT * FROM read_parquet({file}, union_by_name = true, filename = '{FILE}')"
        )
    if kind == "csv":
        return connection.sql(
            f"SELECT * FROM read_csv({file}, union_by_name = true, all_varchar = true, "
            f"ignore_errors = true, filename = '{FILE}')"
        )
    types = ", ".join(f"{literal(name)}: '{kind}'" for name, kind in wanted.items())
    return connection.sql(
        f"SELECT * FROM read_json({file}, columns = {{{types}}}, {LINES}, filename = '{FILE}')"
    )
