"""Where the files of a scan are: on this machine, or where a connection of the caller reaches."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.core.errors import MissingInputError, WrongUseError, told_path
from sinchtools.evidence.files import SPECIAL, has_an_end, path_of
from sinchtools.evidence.scan_sql import literal, quoted

if TYPE_CHECKING:
    import duckdb

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}(?=[^/])", re.IGNORECASE)  # "C:" is a drive
_EXTENSIONS = {
    "httpfs": ("s3", "s3a", "s3n", "gs", "gcs", "r2", "hf", "http", "https"),
    "azure": ("az", "azure", "abfs", "abfss", "wasb", "wasbs"),
}
_CREDENTIALS = re.compile(
    r"(?is)://[^/?#@]*:[^/?#@]*@|^https?://[^/?#]*@"
    r"|[?&][^=&]*(?:sig|token|key|secret|passw|credential|auth|sas)[^=&]*="
)
_OWN = "SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false"


def is_remote(name: str) -> bool:
    """Tell whether a name is that of a file on another machine."""
    scheme = _SCHEME.match(name)
    return scheme is not None and scheme[1].lower() != "file"


def is_opened_by_duckdb(name: str) -> bool:
    """Tell whether only DuckDB can open a file."""
    return is_remote(name) or name.lower().endswith(".zst")


def told_place(name: str) -> str:
    """
    Return what an error may say of a path or a URL.

    Examples
    --------
    >>> told_place("s3://bucket/logs/*.parquet"), told_place("https://u:pw@host/a.csv?sig=1")
    ("'s3://bucket/logs/*.parquet'", "'https://host/a.csv'")
    """
    if not is_remote(name):
        return told_path(name)
    scheme, _, rest = re.split(r"[?#]", name, maxsplit=1)[0].partition(":")
    rest = re.sub(r"^(/*)[^/]*@", r"\1", rest)
    return f"'{scheme}:{told_path(Path(rest))[1:-1]}'" if scheme == "dbfs" else _with(scheme, rest)


def _with(scheme: str, rest: str) -> str:
    return f"'{scheme}://{told_path(Path(rest.lstrip('/')))[1:-1]}'"


def checked(given: object, connection: object) -> str:
    """
    Return the path, glob or URL that was given as text.

    One with credentials in it is refused, and one of another machine without a connection.
    """
    if not isinstance(given, str | Path):
        raise WrongUseError(
            f"st.scan can't read a {type(given).__name__}.",
            hint="Give a path or glob, a DuckDB relation, or a pandas, polars, PySpark or narwhals "
            "frame.",
        )
    name = str(given)
    if isinstance(given, str) and is_remote(name) and "\n" not in name and len(name) < 4_000:
        _check_remote(name, connection)
        return name
    name = re.sub(r"^file:/+", "/", name) if isinstance(given, str) else name
    if isinstance(given, str) and path_of(name) is None:
        raise WrongUseError(
            f"A text of {len(given):,} characters is not a path.",
            hint="Give the path or glob of a log; pasted text is for st.read.",
        )
    if any(not has_an_end(Path(file)) for file in local_files(name)):
        raise WrongUseError(f"{told_path(given)} is {SPECIAL}.")
    return name


def _check_remote(name: str, connection: object) -> None:
    place = told_place(name)
    if _CREDENTIALS.search(name):
        raise WrongUseError(
            f"The URL {place} contains credentials, which errors and logs could show.",
            hint='Keep them in a DuckDB secret: con.sql("CREATE SECRET (TYPE s3, ...)"). Then give '
            "the URL without them.",
        )
    if connection is not None:
        return
    scheme = name.partition(":")[0].lower()
    extension = next((one for one, schemes in _EXTENSIONS.items() if scheme in schemes), None)
    opened = (
        f'con = duckdb.connect(); con.install_extension("{extension}"); '
        f'con.load_extension("{extension}")'
        if extension
        else f'con = duckdb.connect(); con.register_filesystem(fsspec.filesystem("{scheme}"))'
    )
    raise WrongUseError(
        f"{place} is on another machine, and st.scan opens no network connection by itself.",
        hint=f"Give it a DuckDB connection that can reach it:\n{opened}\n"
        f"st.scan({place}, connection=con)",
    )


def session(connection: duckdb.DuckDBPyConnection | None) -> duckdb.DuckDBPyConnection:
    """
    Return a session to scan in.

    Beside the caller's connection it is one more on the same database: with its extensions,
    secrets and settings, and what is set here stays here.
    """
    import duckdb

    if connection is None:
        own = duckdb.connect()
        own.execute(f"{_OWN}; SET preserve_insertion_order = true")
        return own
    beside = connection.cursor()
    asked = "SELECT name, value FROM duckdb_settings() WHERE scope = 'LOCAL' AND value IS NOT NULL"
    try:
        theirs = set(connection.sql(asked).fetchall())
    except duckdb.Error:  # it is in the middle of a result, which is not to be disturbed
        theirs = set()
    for name, value in theirs - set(beside.sql(asked).fetchall()):
        beside.execute(f"SET SESSION {quoted(name)} = {literal(value)}")
    beside.execute("SET SESSION TimeZone = 'UTC'")
    return beside


def files_of(connection: Any, name: str) -> list[str]:
    """Return the files that a path, glob or URL names."""
    if not is_remote(name):
        return local_files(name)
    if not re.search(r"[*?\[]", name):
        return [name]
    found = connection.execute(f"SELECT file FROM glob({literal(name)})").fetchall()
    return [file for (file,) in found]


def local_files(pattern: str) -> list[str]:
    """Return the files on this machine that a path or glob names."""
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207  # as DuckDB reads a pattern
    return [file for file in found if not Path(file).is_dir()]


def not_found(name: str) -> MissingInputError | WrongUseError:
    """Return the error of a place without a file that can be read."""
    if not is_remote(name):
        return MissingInputError(name, "fits no file that can be read")
    return WrongUseError(
        f"The connection can't find or read {told_place(name)}.",
        hint="Check the name, the extension, the region and the secret: "
        "con.sql(\"SELECT file FROM glob('...')\") shows what it finds.",
    )
