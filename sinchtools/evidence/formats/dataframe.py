"""Frames of pandas and polars: ours, or others, whose columns are found as in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sinchtools.core.columns import COLUMNS
from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import mapping, tables
from sinchtools.evidence.formats.table_columns import mapping_of
from sinchtools.evidence.formats.values import body_of
from sinchtools.evidence.pieces import Piece

_LOOKED_AT = 200


def is_frame(value: object) -> bool:
    """Tell whether a value is a frame in memory, of pandas or of polars."""
    package = type(value).__module__.partition(".")[0]
    return package in ("pandas", "polars") and type(value).__name__ == "DataFrame"


def parse(piece: Piece, frame: Any) -> Iterator[Exchange]:
    """Yield one exchange for each row of a frame; `columns` has the last word."""
    names = [str(name) for name in frame.columns]
    rows = [[_value(cell) for cell in row] for row in _rows(frame)]
    if {piece.columns.get(name, name) for name in names} <= set(COLUMNS):
        for number, row in enumerate(rows, start=1):
            own = {piece.columns.get(n, n): cell for n, cell in zip(names, row, strict=True)}
            yield mapping.own_exchange(
                piece, {n: v for n, v in own.items() if v is not None}, number
            )
        return
    layout = layout_of(piece, names, rows)
    cells = ((number, [_text(cell) for cell in row]) for number, row in enumerate(rows, start=1))
    yield from tables.exchanges(piece, layout, cells)


def layout_of(piece: Piece, names: list[str], rows: list[list[Any]]) -> tables.Layout:
    """Return which column of a frame is which of ours, found by name, then by content."""
    some = [[_text(cell) for cell in row] for row in rows[:_LOOKED_AT]]
    return tables.Layout(",", names, 1, mapping_of(piece, names, some), some)


def is_foreign(names: list[str], rows: list[list[Any]]) -> bool:
    """Tell whether a frame lacks the time or the status of ours, but has them by other names."""
    missing = {"at", "status"} - set(names)
    found = layout_of(Piece("frame", ""), names, rows).mapping if missing else {}
    return bool(missing & set(found.values()))


def some_rows(frame: Any) -> list[list[Any]]:
    """Return the first rows of a frame."""
    return [[_value(cell) for cell in row] for row in _rows(frame.head(_LOOKED_AT))]


def _rows(frame: Any) -> Iterator[tuple[Any, ...]]:
    if hasattr(frame, "iter_rows"):
        yield from frame.iter_rows()
    else:
        yield from frame.itertuples(index=False, name=None)


def _value(cell: Any) -> Any:
    """Return a cell as plain Python has it; what is missing is None."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, date):
        return str(cell)
    if hasattr(cell, "item") and not isinstance(cell, str):
        cell = cell.item()
    if isinstance(cell, float):
        return None if cell != cell else int(cell) if cell.is_integer() else cell
    return cell


def as_text(cell: Any) -> str | None:
    """Return a cell of any type as text, or None where it is missing."""
    return _text(_value(cell)) or None


def _text(cell: Any) -> str:
    if isinstance(cell, Mapping | list):
        return body_of(cell) or ""
    return "" if cell is None else str(cell)
