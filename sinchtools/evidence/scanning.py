"""Evidence larger than memory: a lazy relation on DuckDB with the columns that hold no secret."""

from __future__ import annotations

import glob
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.api import description
from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import MissingInputError, SinchToolsError, WrongUseError, told_path
from sinchtools.evidence.files import SPECIAL, has_an_end, path_of
from sinchtools.evidence.pieces import status_of
from sinchtools.privacy.redaction import NEEDLES

if TYPE_CHECKING:
    import duckdb

LEFT_OUT = (
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",  # secrets stand in these four: `read` brings single rows in whole
    "delivery",  # told by other rows
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
_NEVER_IN_A_SECRET = ("attempt", "at", "elapsed_ms", "status", "outcome", "region")


def scan(
    pattern: str | Path, *, columns: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyRelation:
    """
    Return a lazy relation on files of any size.

    Give one file or a glob of JSON Lines, CSV or Parquet, also gzipped.

    It has the columns of the design less headers and bodies, and `url` without its query: what is
    not selected cannot leak. A text that looks as if it held a secret is held back whole. `at` is
    in UTC. Where a row has no `source`, it is the file's name. ``st.read(lazy, ids)`` brings single
    rows in whole.

    Parameters
    ----------
    pattern
        Path or glob; the form is told from the name (``.jsonl``, ``.csv``, ``.parquet``, each also
        with ``.gz``).
    columns
        Column of the files to column of ours, where the names differ.

    Raises
    ------
    MissingInputError
        No file fits the pattern.
    WrongUseError
        The files cannot be read as what their name says, or have none of the columns.
    """
    import duckdb

    name = _pattern(pattern)
    wanted = _wanted(columns)
    connection = duckdb.connect()
    connection.execute(
        "SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET "
        "preserve_insertion_order = true"
    )
    connection.execute("SET VARIABLE sinchtools_files = ?", [name])
    connection.execute("SET VARIABLE sinchtools_columns = ?", [json.dumps(dict(columns or {}))])
    try:
        may_repeat = _may_have_call_ids(name, wanted)
        raw = _raw(connection, name, wanted)
        _check_columns(name, raw.columns, wanted)
        present = [
            column for column in raw.columns if column != "call_id" or may_repeat
        ]  # no retries to fold: the log is read once
        return raw.project(
            ", ".join(_selected(column, present, columns or {}) for column in SCANNED)
        )
    except duckdb.IOException:
        failed: SinchToolsError = MissingInputError(name, "fits no file that can be read")
    except duckdb.Error:  # its text may quote a line of the file
        failed = WrongUseError(
            f"This cannot be read as {_reader(name)}.",
            hint="Check the file's ending, or use st.read for another form.",
        )
    raise failed  # here, where no error of DuckDB is its context


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
    return [file for file in glob.glob(pattern, recursive=True) if not Path(file).is_dir()]  # noqa: PTH207  # as DuckDB reads a pattern


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
    found = _found(lazy, ids)
    if found is None:
        raise WrongUseError(
            "This relation is none that st.scan returned.",
            hint="Give what st.scan returned, or a filter of it.",
        )
    columns, rows = found
    by_file: dict[str, list[dict[str, Any]]] = {}
    for file, text in rows:
        by_file.setdefault(Path(file).name, []).append(
            {"source": Path(file).name} | _renamed(text, columns)
        )
    return by_file


def _found(lazy: Any, ids: Iterable[str]) -> tuple[dict[str, str], list[Any]] | None:
    import duckdb

    try:
        (pattern, mapping), *_ = lazy.query(
            "scanned", "SELECT getvariable('sinchtools_files'), getvariable('sinchtools_columns')"
        ).fetchall()
        columns: dict[str, str] = json.loads(mapping)
        name = next((theirs for theirs, ours in columns.items() if ours == "id"), "id")
        return columns, lazy.query(
            "scanned", _whole(_pattern(pattern), name, [str(one) for one in ids])
        ).fetchall()
    except (duckdb.Error, TypeError, ValueError):
        return None


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


def _whole(pattern: str, name: str, ids: list[str]) -> str:
    kind, file, among = _reader(pattern), _literal(pattern), ", ".join(map(_literal, ids))
    if kind == "json":
        path = _literal('$."' + name.replace('"', '\\"') + '"')
        return (
            f"SELECT filename, json FROM read_json_objects({file}, {_LINES}, filename = "
            f"true) WHERE json_extract_string(json, {path}) IN ({among})"
        )
    options = "union_by_name = true, filename = true" + (
        ", all_varchar = true, ignore_errors = true" if kind == "csv" else ""
    )
    where = f"CAST({_quoted(name)} AS VARCHAR) IN ({among})"
    return f"SELECT t.filename, to_json(t) FROM read_{kind}({file}, {options}) AS t WHERE {where}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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


def _may_have_call_ids(pattern: str, wanted: Iterable[str]) -> bool:
    """
    Return whether a line may have a call_id, looked for all over JSON Lines.

    A file that cannot be checked may have one.

    A file without any of the columns is refused: DuckDB would take each of its lines for a row of
    nulls.
    """
    files = _files(pattern) if _reader(pattern) == "json" else []
    first = {name: _first_lines(name) for name in files}
    for name, lines in first.items():
        if lines:
            _check_columns(name, set().union(*map(_keys, lines)), wanted)
    return not files or any(
        name.lower().endswith((".gz", ".zst")) or (bool(lines) and _has_call_ids(name))
        for name, lines in first.items()
    )


def _first_lines(name: str) -> list[bytes]:
    """Return lines that are not empty; none of a file that only DuckDB can open."""
    if name.lower().endswith(".zst"):
        return []
    try:
        with gzip.open(name) if name.lower().endswith(".gz") else Path(name).open("rb") as file:
            return list(
                islice(filter(bytes.strip, iter(lambda: file.readline(2**20), b"")), _LOOKED_AT)
            )
    except (OSError, EOFError, zlib.error):
        return []


def _has_call_ids(name: str) -> bool:
    """
    Tell whether a sample of blocks from all over a file names a call_id.

    Start and end are among the blocks. Lines too long to check count as yes.
    """
    size = Path(name).stat().st_size
    with Path(name).open("rb") as file:
        for start in (0, *range(max(0, size - _BLOCK), 0, -max(_BLOCK, size // _PLACES))):
            file.seek(start)
            block = file.read(_BLOCK)
            if b'"call_id"' in block or (len(block) == _BLOCK and block.count(b"\n") < 2):
                return True
    return False


def _keys(line: bytes) -> set[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()


def _check_columns(name: str, present: Iterable[str], wanted: Iterable[str]) -> None:
    if not set(present) & set(wanted):
        raise WrongUseError(
            f"{told_path(Path(Path(name).name))} has none of the columns of a log when it is "
            f"read as {_reader(name)}.",
            hint="Other names are mapped: st.scan(path, columns={'result': 'status'}). Other "
            "forms, such as HAR, are for st.read.",
        )


def _raw(
    connection: duckdb.DuckDBPyConnection, pattern: str, wanted: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    kind = _reader(pattern)
    file = _literal(pattern)
    if kind == "parquet":
        return connection.sql(
            f"SELECT * FROM read_parquet({file}, union_by_name = true, filename = '{_FILE}')"
        )
    if kind == "csv":
        return connection.sql(
            f"SELECT * FROM read_csv({file}, union_by_name = true, all_varchar = true, "
            f"ignore_errors = true, filename = '{_FILE}')"
        )
    types = ", ".join(f"{_literal(name)}: '{kind}'" for name, kind in wanted.items())
    return connection.sql(
        f"SELECT * FROM read_json({file}, columns = {{{types}}}, {_LINES}, filename = '{_FILE}')"
    )


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
    elif name == "region":
        value = (
            f"coalesce({value}, regexp_extract({_value('url', present, columns)}, "
            f"'^https?://([a-z]+)\\.sms\\.api\\.sinch\\.com', 1))"
        )
        value = f"nullif({value}, '')"
    elif name == "account":
        value = (
            f"nullif(coalesce({value}, regexp_extract({_value('url', present, columns)}, "
            f"'{description.PREFIX}/([^/?#]+)', 1)), '')"
        )
    if name not in _NEVER_IN_A_SECRET:
        value = (
            f"CASE WHEN regexp_matches({value}, '{SECRET_LIKE}') THEN '{HELD_BACK}' "
            f"ELSE {value} END"
        )
    if name == "source":
        value = f"coalesce({value}, parse_filename({_quoted(_FILE)}))"
    return f'{value} AS "{name}"'


def _value(name: str, present: list[str], columns: Mapping[str, str]) -> str:
    theirs = next((theirs for theirs, ours in columns.items() if ours == name), name)
    kind = _TYPES[COLUMNS[name][0]]
    if theirs not in present:
        return f"CAST(NULL AS {kind})"
    return f"TRY_CAST({_quoted(theirs)} AS {kind})"


_FILE = "file of sinchtools"
_LOOKED_AT = 100  # lines of each file
_PLACES, _BLOCK = 256, 2**14
_LINES = "format = 'newline_delimited', ignore_errors = true, maximum_object_size = 67108864"
_OUTCOME = (
    "CASE WHEN {status} IS NULL OR {status} <= 0 THEN 'no_response' WHEN {status} // 100 = 2 "
    "THEN 'success'"
    " WHEN {status} // 100 = 4 THEN 'user_error' WHEN {status} // 100 = 5 THEN 'sinch_error' "
    "ELSE 'other' END"
)
