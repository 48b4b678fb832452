"""Evidence larger than memory: a lazy relation on DuckDB with the columns that hold no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sinchtools import api
from sinchtools.errors import MissingInputError, WrongUseError
from sinchtools.tables import COLUMNS

if TYPE_CHECKING:
    import duckdb

LEFT_OUT = ("request_headers", "request_body", "response_headers", "response_body")  # secrets stand there: `read` brings single rows in whole
SCANNED = tuple(name for name in COLUMNS if name not in LEFT_OUT)
_READERS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_TYPES = {"string": "VARCHAR", "Int16": "SMALLINT", "Float64": "DOUBLE", "datetime64[us, UTC]": "TIMESTAMPTZ"}
_SECRET_LIKE = r"(?i)eyJ[\w-]{8,}|bearer\s|basic\s+[A-Za-z0-9+/=]{8,}"


def scan(pattern: str | Path, *, columns: Mapping[str, str] | None = None) -> duckdb.DuckDBPyRelation:
    """
    Return a lazy relation on files of any size: JSON Lines, CSV or Parquet, also gzipped, one or a glob.

    It has the columns of the design less headers and bodies, and `url` without its query: what is not selected cannot leak.
    `at` is in UTC.

    Parameters
    ----------
    pattern
        Path or glob; the form is told from the name (``.jsonl``, ``.csv``, ``.parquet``, each also with ``.gz``).
    columns
        Column of the files to column of ours, where the names differ.

    Raises
    ------
    MissingInputError
        No file fits the pattern.
    WrongUseError
        The files cannot be read as what their name says.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET preserve_insertion_order = true")
    try:
        raw = _raw(connection, str(pattern), _wanted(columns))
        return raw.project(", ".join(_selected(name, raw.columns, columns or {}) for name in SCANNED))
    except duckdb.IOException as error:
        raise MissingInputError(str(pattern), "fits no file that can be read") from error
    except duckdb.Error as error:
        kind = _reader(str(pattern))
        raise WrongUseError(
            f"{str(pattern)!r} cannot be read as {kind}.", hint="Check the file's ending, or use st.read for another form."
        ) from error


def _reader(pattern: str) -> str:
    ending = Path(re.sub(r"\.(gz|zst)$", "", pattern.lower())).suffix
    return _READERS.get(ending, "json")


def _wanted(columns: Mapping[str, str] | None) -> dict[str, str]:
    names = {name: _TYPES[COLUMNS[name][0]] for name in SCANNED if name != "outcome"}
    return {
        next((theirs for theirs, ours in (columns or {}).items() if ours == name), name): "VARCHAR" if name == "at" else kind
        for name, kind in names.items()
    }


def _raw(connection: duckdb.DuckDBPyConnection, pattern: str, wanted: Mapping[str, str]) -> duckdb.DuckDBPyRelation:
    kind = _reader(pattern)
    file = pattern.replace("'", "''")
    if kind == "parquet":
        return connection.sql(f"SELECT * FROM read_parquet('{file}', union_by_name = true)")
    if kind == "csv":
        return connection.sql(f"SELECT * FROM read_csv('{file}', union_by_name = true, all_varchar = true, ignore_errors = true)")
    types = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': '{kind}'" for name, kind in wanted.items())
    options = "format = 'newline_delimited', ignore_errors = true, maximum_object_size = 67108864"
    return connection.sql(f"SELECT * FROM read_json('{file}', columns = {{{types}}}, {options})")


def _selected(name: str, present: list[str], columns: Mapping[str, str]) -> str:
    if name == "outcome":
        return f"{_OUTCOME.format(status=_value('status', present, columns))} AS outcome"
    value = _value(name, present, columns)
    if name == "url":
        value = f"regexp_replace(regexp_replace({value}, '[?#].*$', ''), '://[^/@]*@', '://')"
    elif name == "at":
        value = f"({value} AT TIME ZONE 'UTC')"
    elif name == "status":
        value = f"CASE WHEN {value} > 0 THEN {value} END"
    elif name in ("text", "failure"):
        value = f"CASE WHEN regexp_matches({value}, '{_SECRET_LIKE}') THEN NULL ELSE {value} END"
    elif name == "region":
        value = f"coalesce({value}, regexp_extract({_value('url', present, columns)}, '^https?://([a-z]+)\\.sms\\.api\\.sinch\\.com', 1))"
        value = f"nullif({value}, '')"
    elif name == "account":
        value = f"nullif(coalesce({value}, regexp_extract({_value('url', present, columns)}, '{api.PREFIX}/([^/?#]+)', 1)), '')"
    return f'{value} AS "{name}"'


def _value(name: str, present: list[str], columns: Mapping[str, str]) -> str:
    theirs = next((theirs for theirs, ours in columns.items() if ours == name), name)
    kind = _TYPES[COLUMNS[name][0]]
    if theirs not in present:
        return f"CAST(NULL AS {kind})"
    quoted = '"' + theirs.replace('"', '""') + '"'
    return f"TRY_CAST({quoted} AS {kind})"


_OUTCOME = (
    "CASE WHEN {status} IS NULL OR {status} <= 0 THEN 'no_response' WHEN {status} // 100 = 2 THEN 'success'"
    " WHEN {status} // 100 = 4 THEN 'user_error' WHEN {status} // 100 = 5 THEN 'sinch_error' ELSE 'other' END"
)
