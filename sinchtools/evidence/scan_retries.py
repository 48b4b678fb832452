"""Whether our own logs may hold retries, which are folded: a log without is read once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sinchtools.evidence import scan_files, scan_places

_LOOKED_AT = 100  # lines of each file
_PLACES, _BLOCK = 256, 2**14


def may_have_call_ids(kind: str, files: list[str], wanted: Iterable[str]) -> bool:
    """
    Return whether a line may have a call_id, looked for all over JSON Lines.

    A file that cannot be checked may have one.

    A file without any of the columns is refused: DuckDB would take each of its lines for a row of
    nulls.
    """
    first = {name: _first_lines(name) for name in files if kind == "json"}
    for name, lines in first.items():
        if lines:
            check_columns(name, set().union(*map(_keys, lines)), wanted)
    return not first or any(
        name.lower().endswith(".gz")
        or scan_places.is_opened_by_duckdb(name)
        or (bool(lines) and _has_call_ids(name))
        for name, lines in first.items()
    )


def _first_lines(name: str) -> list[bytes]:
    """Return lines that are not empty; none of a file that only DuckDB can open."""
    if scan_places.is_opened_by_duckdb(name):
        return []
    try:
        with scan_files.opened(name) as file:
            lines = iter(lambda: file.readline(2**20), b"")
            return list(islice(filter(bytes.strip, lines), _LOOKED_AT))
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


def check_columns(name: str, present: Iterable[str], wanted: Iterable[str]) -> None:
    """Refuse a file that has none of the columns."""
    if not set(present) & set(wanted):
        raise scan_files.refused(name)
