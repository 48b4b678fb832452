"""Evidence larger than memory: a lazy relation on DuckDB with the columns that hold no secret."""

from __future__ import annotations

import glob
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.core.columns import COLUMNS, as_json
from sinchtools.core.errors import MissingInputError, SinchToolsError, WrongUseError, told_path
from sinchtools.core.records import Skipped
from sinchtools.evidence import scan_files, scan_retries, scan_sql
from sinchtools.evidence.files import SPECIAL, has_an_end, path_of
from sinchtools.evidence.formats.dataframe import is_frame
from sinchtools.evidence.pieces import Piece, status_of
from sinchtools.evidence.scan_sql import NULL, literal, quoted
from sinchtools.evidence.scan_views import FILE, LINES, TEXTS, View, files_as_sql
from sinchtools.privacy.redaction import Redactor
from sinchtools.privacy.spans import NEEDLES

if TYPE_CHECKING:
    import duckdb

LEFT_OUT = (
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",  # secrets stand in these four: `read` brings single rows in whole
    "delivery",  # told by other rows
    "variables_not_shown",  # of requests that are written, not logged
)
SCANNED = tuple(name for name in COLUMNS if name not in LEFT_OUT)
_READERS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_TYPES = {
    "string": "VARCHAR",
    "Int16": "SMALLINT",
    "Float64": "DOUBLE",
    "datetime64[us, UTC]": "TIMESTAMPTZ",
}
HELD_BACK = "[held back: may hold a secret; st.read(lazy, ids) brings the row in]"
_NAMES = "|".join(
    needle
    for needle in NEEDLES
    if needle.isalpha() and needle not in ("bearer", "basic", "eyj", "hooks", "pw")
)
# wider than what `Redactor` marks, since a whole value is held back: a name with a sign or line
# after it, a user of curl, a scheme, a JWT, user info
SECRET_LIKE = (
    rf"(?is)(?:{_NAMES}).*(?:[:=>|\n]|%3d|val)|\s-{{1,2}}(?:proxy-)?u.*:|(?:bearer"
    rf"|basic)(?:\s|%20|\+)|eyj[\w-]+\.|://[^/?#]*@"
)
SECRET_LIKE += r"|(?:token|secret|passw(?:or)?d|key) [\w-]{16}|bearer\W.*[:=]|pw\W|sid=|hooks[./]"
NO_ROW = "lines that are no rows in the form of this file"
_NEVER_IN_A_SECRET = ("attempt", "at", "elapsed_ms", "status", "outcome", "region")


def scan(
    pattern: str | Path | Any, *, columns: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyRelation:
    """
    Return a lazy relation on files of any size.

    Give one file or a glob: JSON Lines of ours or of any logger or gateway, CSV, TSV, access logs
    and Parquet, plain or with gzip or Zstandard. What is read is told from the first lines, with
    the mapping of `read`; a warning says what was taken for what, and how many of the lines looked
    at are no rows. `columns_of` and `unread` say both of the whole.

    It has the columns of the design less headers and bodies, and `url` without its query: what is
    not selected cannot leak. A text that looks as if it held a secret is held back whole. `at` is
    in UTC. Where a row has no `source`, it is the file's name. ``st.read(lazy, ids)`` brings single
    rows in whole. A request and its response in lines of their own stay two lines: use `read`.

    Parameters
    ----------
    pattern
        Path or glob, or a pandas or polars frame.
    columns
        Column of the files to column of ours, where the names do not tell; it has the last word.
        A field within others is written ``http.response.status``.

    Raises
    ------
    MissingInputError
        No file fits the pattern.
    WrongUseError
        The files have no lines with HTTP in a known form.
    """
    import duckdb

    if is_frame(pattern):
        return _of_frame(pattern, columns)
    name = _pattern(pattern)
    connection = duckdb.connect()
    connection.execute(
        "SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET "
        "preserve_insertion_order = true"
    )
    try:
        found = scan_files.look(connection, _files(name), columns or {})
        relations = _relations(connection, name, found, columns or {})
        for reason in found.said:
            warnings.warn(f"st.scan: {Redactor().text(reason)}", stacklevel=2)
        return reduce(lambda one, other: one.union(other), relations)
    except duckdb.IOException:
        failed: SinchToolsError = MissingInputError(name, "fits no file that can be read")
    except duckdb.Error:  # its text may quote a line of the file
        failed = WrongUseError(
            f"This cannot be read as {_reader(name)}.",
            hint="Check the file's ending, or use st.read for another form.",
        )
    raise failed  # here, where no error of DuckDB is its context


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
    for kind, files in _by_kind(found.own or [name] * (not rows)).items():
        rows.insert(0, _own(connection, kind, files, columns))
    return rows


def columns_of(lazy: Any) -> dict[str, str]:
    """Return where the columns of what `scan` returned stand in files of other names."""
    found = lazy.query("scanned", "SELECT getvariable('sinchtools_shown')").fetchall()
    return dict(json.loads(found[0][0] or "{}"))


def unread(lazy: Any) -> tuple[Skipped, ...]:
    """
    Return how many lines of each file of a scan are no rows; all files are read for it.

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


def _of_frame(frame: Any, columns: Mapping[str, str] | None) -> duckdb.DuckDBPyRelation:
    import duckdb

    from sinchtools.core.columns import frame as as_frame
    from sinchtools.evidence.reading import read

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    found = connection.from_df(as_frame(read(frame, columns=columns)))
    values = {name: _value(name, list(found.columns), {}) for name in SCANNED if name != "outcome"}
    values[FILE] = NULL
    return found.project(", ".join(_selected(name, values) for name in SCANNED))


def _rows_of(connection: duckdb.DuckDBPyConnection, view: View) -> duckdb.DuckDBPyRelation:
    """Return the rows of files of other names, in our columns."""
    found = {name: quoted(name) for name in TEXTS if name != "body" and name in view.told}
    found |= {name: quoted(name) for name in ("id", FILE)}
    rows = connection.sql(view.selection(f"{view.id} AS id"))
    if "body" in view.told:
        found = {"code": NULL, "text": NULL} | found
        rows = _with_error(rows, found, "body")
    if "failure" in found:
        is_silent = " AND ".join(
            f"{found[one]} IS NULL" for one in ("status", "code") if one in found
        )
        found["failure"] = f"CASE WHEN {is_silent or 'true'} THEN failure END"
    values = {
        name: quoted(name) if name in found else _value(name, [], {})
        for name in (*SCANNED, FILE)
        if name != "outcome"
    }
    told = ", ".join(f"{value} AS {quoted(name)}" for name, value in found.items())
    # each step by itself, so that what one step finds is not looked for again in the next
    return rows.project(told).project(", ".join(_selected(name, values) for name in SCANNED))


def _own(
    connection: duckdb.DuckDBPyConnection, kind: str, files: list[str], columns: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    """Return the rows of files that have our columns, under our names or those of `columns`."""
    wanted = _wanted(columns)
    may_repeat = scan_retries.may_have_call_ids(kind, files, wanted)
    has_body = kind == "json" and scan_files.has_code_in_body(files)
    raw = _raw(connection, kind, files, wanted | ({"response_body": "VARCHAR"} if has_body else {}))
    scan_retries.check_columns(files[0], kind, raw.columns, wanted)
    present = [
        column for column in raw.columns if column != "call_id" or may_repeat
    ]  # no retries to fold: the log is read once
    values = {one: _value(one, present, columns) for one in SCANNED if one != "outcome"}
    values[FILE] = quoted(FILE)
    if has_body:
        raw = _with_error(raw, values, "response_body")
    return raw.project(", ".join(_selected(one, values) for one in SCANNED))


def _with_error(
    rows: duckdb.DuckDBPyRelation, values: dict[str, str], body: str
) -> duckdb.DuckDBPyRelation:
    """Take code and text out of an error's body where no field has them."""
    fields, body = quoted("error of sinchtools"), quoted(body)
    for ours, names in (("code", ("code",)), ("text", scan_sql.ERROR_TEXTS)):
        values[ours] = f"coalesce({values[ours]}, {scan_sql.error_text(fields, body, *names)})"
    return rows.project(f"*, {scan_sql.error_fields(body, values['status'])} AS {fields}")


def _pattern(given: str | Path) -> str:
    if not isinstance(given, str | Path):
        raise WrongUseError(
            f"A {type(given).__name__} is no path.",
            hint="Give the path or glob of a log; a frame needs no scan.",
        )
    if isinstance(given, str) and path_of(given) is None:
        raise WrongUseError(
            f"A text of {len(given):,} characters is no path.",
            hint="Give the path or glob of a log; pasted text is for st.read.",
        )
    if any(not has_an_end(Path(file)) for file in _files(str(given))):
        raise WrongUseError(f"{told_path(given)} is {SPECIAL}.")
    return str(given)


def _files(pattern: str) -> list[str]:
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207  # as DuckDB reads a pattern
    return [file for file in found if not Path(file).is_dir()]


def is_lazy(source: object) -> bool:
    """Tell whether a value is a relation of DuckDB, such as `scan` returns."""
    return type(source).__name__ == "DuckDBPyRelation"


def rows(lazy: Any, ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """
    Return the whole rows with these ids, by file, secrets and all: only for the door of `read`.

    Raises
    ------
    WrongUseError
        The relation is none that `scan` gave.
    """
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
) -> Iterator[tuple[duckdb.DuckDBPyConnection, scan_files.Looked, dict[str, str]]]:
    """Look again at the files of a scan, in a session of its own: one of `lazy` binds it anew."""
    import duckdb

    try:
        asked = "SELECT getvariable('sinchtools_files'), getvariable('sinchtools_columns')"
        (name, mapping), *_ = lazy.query("scanned", asked).fetchall()
        columns: dict[str, str] = json.loads(mapping)
        files = _files(_pattern(name))
    except (duckdb.Error, TypeError, ValueError):
        columns, files = {}, []
    if not files:
        raise WrongUseError(
            "This relation is none that st.scan returned.",
            hint="Give what st.scan returned, or a filter of it.",
        )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection, scan_files.look(connection, files, columns, is_whole=is_whole), columns


def _own_rows(
    connection: duckdb.DuckDBPyConnection,
    files: list[str],
    columns: Mapping[str, str],
    ids: list[str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    import duckdb

    name = next((theirs for theirs, ours in columns.items() if ours == "id"), "id")
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
    ending = Path(re.sub(r"\.(gz|zst)$", "", pattern.lower())).suffix
    return _READERS.get(ending, "json")


def _wanted(columns: Mapping[str, str] | None) -> dict[str, str]:
    names = {name: _TYPES[COLUMNS[name][0]] for name in SCANNED if name != "outcome"}
    return {
        next((theirs for theirs, ours in (columns or {}).items() if ours == name), name): "VARCHAR"
        if name == "at"
        else kind
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


def _selected(name: str, values: Mapping[str, str]) -> str:
    """Return the SQL of one of our columns, without what may be a secret."""
    if name == "outcome":
        return f"{_OUTCOME.format(status=values['status'])} AS outcome"
    value, url = values[name], values["url"]
    if value.startswith(scan_sql.NOTHING) and name not in _TOLD_BY_OTHERS:
        return f'{value} AS "{name}"'
    if name == "url":
        value = f"regexp_replace(regexp_replace({value}, '[?#].*$', ''), '://[^/@]*@', '://')"
    elif name in _GIVEN:
        value = f"coalesce({value}, {_GIVEN[name]})"
    elif name == "region":
        value = f"nullif(coalesce({value}, {scan_sql.region(url)}), '')"
    elif name == "account":
        value = f"nullif(coalesce({value}, {scan_sql.account(url)}), '')"
    elif name == "endpoint":
        value = f"coalesce({value}, {scan_sql.endpoint(values['method'], url)})"
    if name not in _NEVER_IN_A_SECRET:
        value = (
            f"CASE WHEN regexp_matches({value}, '{SECRET_LIKE}') THEN '{HELD_BACK}' "
            f"ELSE {value} END"
        )
    if name == "source":
        value = f"coalesce({value}, parse_filename({values[FILE]}))"
    return f'{value} AS "{name}"'


def _value(name: str, present: list[str], columns: Mapping[str, str]) -> str:
    theirs = next((theirs for theirs, ours in columns.items() if ours == name), name)
    kind = _TYPES[COLUMNS[name][0]]
    if theirs not in present:
        return "CAST(NULL AS TIMESTAMP)" if name == "at" else f"CAST(NULL AS {kind})"
    value = f"TRY_CAST({quoted(theirs)} AS {kind})"
    if name == "status":
        return f"CASE WHEN {value} > 0 THEN {value} END"
    return f"({value} AT TIME ZONE 'UTC')" if name == "at" else value


_TOLD_BY_OTHERS = ("attempt", "origin", "target", "region", "account", "endpoint", "source")
_GIVEN = {"attempt": "1", "origin": "'import'", "target": "'unknown'"}
_OUTCOME = (
    "CASE WHEN {status} IS NULL OR {status} <= 0 THEN 'no_response' WHEN {status} // 100 = 2 "
    "THEN 'success'"
    " WHEN {status} // 100 = 4 THEN 'user_error' WHEN {status} // 100 = 5 THEN 'sinch_error' "
    "ELSE 'other' END"
)
