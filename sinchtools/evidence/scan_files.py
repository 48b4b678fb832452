"""Look at some lines of each file of a scan, and tell which `View` its rows are read with."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sinchtools.api.description import error_of
from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import WrongUseError, told_path
from sinchtools.evidence import (
    scan_columns,
    scan_frames,
    scan_lines,
    scan_places,
    scan_prefixes,
    scan_tables,
    scan_views,
)
from sinchtools.evidence.formats import tables
from sinchtools.evidence.formats.values import body_of, parsed
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_prefixes import Prefix
from sinchtools.evidence.scan_times import Times
from sinchtools.evidence.scan_views import View

if TYPE_CHECKING:
    import duckdb

_HEAD, _PLACES, _BLOCK, _LONGEST = 200, 24, 2**13, 2**20  # lines; blocks of all files, bytes
_MOST_LINES, _MOST_FILES = 5_000, 20


@dataclass(slots=True)
class Looked:
    """Which files have our own columns, how the others are read, and what is to be said of them."""

    own: list[str] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """Files that are read alike, and lines of them."""

    files: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    layout: tables.Layout | None = None
    prefix: Prefix = scan_prefixes.NONE


def look(
    connection: Any, files: list[str], columns: Mapping[str, str], *, is_whole: bool = False
) -> Looked:
    """Return how some files are read; `is_whole` makes each line of JSON one value."""
    found, groups = Looked(), defaultdict[tuple[Any, ...], _Group](_Group)
    heads = {name: _lines(connection, name, len(files)) for name in files}
    for name, lines in heads.items():
        _sort(name, lines, columns, found, groups)
    times = Times()
    for (kind, *_), group in groups.items():
        if kind == "parquet":
            view = scan_frames.parquet_view(connection, group.files, columns, times)
        else:
            view = _view(kind, group, columns, times, is_whole=is_whole)
        if view is None and kind == "parquet":
            found.own += group.files
            continue
        if view is None:
            raise refused(group.files[0])
        found.views.append(view)
        found.said += _said(view, group, columns)
    if not found.views and not found.own:
        found.own = files
    return found


def refused(name: str) -> WrongUseError:
    """Return the error of a file without lines that are read here."""
    file = Path(scan_places.told_place(name)[1:-1] if scan_places.is_remote(name) else name).name
    return WrongUseError(
        f"{told_path(Path(file))} has none of the columns of a log, and no lines of a "
        "log that is known.",
        hint="Other names are mapped: st.scan(path, columns={'result': 'status'}). Other "
        "forms, such as HAR, are for st.read.",
    )


def _sort(
    name: str,
    lines: list[str],
    columns: Mapping[str, str],
    found: Looked,
    groups: dict[tuple[Any, ...], _Group],
) -> None:
    """Put a file to those with our columns, or to those that are read alike."""
    if name.lower().endswith(".parquet"):
        groups["parquet",].files.append(name)
        return
    if _is_own(name, lines, columns):
        found.own.append(name)
        return
    if not any(line.strip() for line in lines):
        return
    prefix, layout = scan_prefixes.of(lines), None
    left = [prefix.left(line) for line in lines]
    kind = scan_lines.kind_of(left)
    key: tuple[Any, ...] = (kind, prefix)
    if kind == "json":  # a.b may be one name or two
        key = (*key, any("." in name for one in _records(left[:_HEAD]) for name in one))
    elif kind == "table":
        layout = tables.layout_of(Piece(name, "\n".join(lines[:_HEAD]), columns=columns))
        if layout is None:
            raise refused(name)
        key, prefix = (kind, layout.separator, layout.first, *layout.names), scan_prefixes.NONE
    group = groups[key]
    group.files.append(name)
    group.prefix = prefix
    group.layout = group.layout or layout
    if len(group.lines) < _MOST_LINES:
        group.lines += lines


def _is_own(name: str, lines: list[str], columns: Mapping[str, str]) -> bool:
    if (ending := Path(_unpacked(name)).suffix) in (".csv", ".tsv"):
        separator = "\t" if ending == ".tsv" else ","
        head = {one.strip() for one in next(csv.reader(lines[:1], delimiter=separator), [])}
        return bool(head) and {columns.get(one, one) for one in head} <= set(COLUMNS)
    records = _records(lines)
    keys = [{columns.get(key, key) for key in one} for one in records]
    return bool(keys) and all(scan_columns.are_own(one) for one in keys)


def _unpacked(name: str) -> str:
    return name.lower().removesuffix(".gz").removesuffix(".zst")


def _records(lines: Iterable[str]) -> list[dict[str, Any]]:
    values = (parsed(line.strip("\ufeff\x1e \r")) for line in lines if "{" in line)
    return [one for one in values if isinstance(one, dict) and one]


def _view(
    kind: str, group: _Group, columns: Mapping[str, str], times: Times, *, is_whole: bool
) -> View | None:
    if group.layout is not None:
        return scan_tables.table_view(group.files, group.layout, columns, times)
    prefix, lines = group.prefix, [group.prefix.left(line) for line in group.lines]
    source = prefix.source(group.files, group.lines, times)
    if kind == "json":
        given = "" if prefix.pattern is None else _JSON.format(source)
        view = scan_views.json_view(
            group.files, _records(lines), columns, times, is_whole=is_whole, given=given
        )
    elif kind == "pairs":
        view = scan_lines.pairs_view(lines, columns, times, source)
    else:
        view = scan_lines.lines_view(lines, times, source)
    return view and prefix.around(view)


_JSON = "(SELECT *, CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS json FROM {})"


def _said(view: View, group: _Group, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield what a user should know of how the files are read."""
    file = Path(group.files[0]).name[:80]
    yield from scan_columns.said_of(repr(file), view.shown, columns)
    lines = [line for line in group.lines if line.strip()]
    out = [n for n, line in enumerate(lines, start=1) if not view.is_read(line)]
    if out:
        yield (
            f"{len(out):,} of {len(lines):,} lines checked in {file!r} are not rows (the first is "
            f"number {out[0]} of them); sinchtools.evidence.unread(lazy) counts all"
        )


def has_code_in_body(files: list[str]) -> bool:
    """Tell whether the code of an error stands only in its body, in our own files."""
    return any(
        not one.get("code") and error_of(body_of(one.get("response_body")))[0] is not None
        for name in files[:_MOST_FILES]
        if not scan_places.is_opened_by_duckdb(name)
        for one in _records(_read(name, len(files)))
    )


# --- some lines -----------------------------------------------------------------------------------


def _lines(connection: duckdb.DuckDBPyConnection, name: str, files: int) -> list[str]:
    """Return the first lines of a file, and some from all over it where that costs little."""
    if name.lower().endswith(".parquet"):
        return []
    if scan_places.is_opened_by_duckdb(name):
        asked = f"SELECT line FROM {scan_views.text_of([name])} LIMIT {_HEAD}"
        return [line or "" for (line,) in connection.execute(asked).fetchall()]
    return _read(name, files)


def _read(name: str, files: int) -> list[str]:
    try:
        with opened(name) as file:
            head = list(islice(iter(lambda: file.readline(_LONGEST), b""), _HEAD))
            inside = [] if name.lower().endswith(".gz") else _inside(file, name, files)
    except (OSError, EOFError, zlib.error):
        return []
    return [line.decode("utf-8", "replace").rstrip("\r\n") for line in (*head, *inside)]


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file as bytes, unpacked where gzip packed it."""
    path = Path(name)
    with gzip.open(path) if name.lower().endswith(".gz") else path.open("rb") as file:
        yield file  # type: ignore[misc]


def _inside(file: IO[bytes], name: str, files: int) -> list[bytes]:
    start, size = file.tell(), Path(name).stat().st_size
    step = (size - start) // max(1, _PLACES // files)
    if step < _BLOCK:
        return []
    found: list[bytes] = []
    for place in range(start + step - _BLOCK, size, step):
        file.seek(place)
        found += file.read(_BLOCK).split(b"\n")[1:-1]
    return found
