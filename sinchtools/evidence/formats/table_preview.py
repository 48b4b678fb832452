"""The first rows of a table with what each column is taken for, to be looked at and corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sinchtools.evidence.formats import tables
from sinchtools.evidence.pieces import Piece

FIELDS = (
    "at", "method", "url", "status", "code", "text", "request_body", "response_body", "account",
)  # fmt: skip
_ROWS, _LONGEST_CELL, _LOOKED_AT = 5, 60, 200_000
_FEWEST = 3  # columns of a table of which nothing else is known


class Preview(NamedTuple):
    """A table as it is understood."""

    names: list[str]  # its columns, as they are written
    rows: list[list[str]]  # its first rows
    meant: dict[str, str]  # what each column is taken for: one of `FIELDS`, or nothing


def preview(text: str, columns: Mapping[str, str] | None = None) -> Preview | None:
    r"""
    Return the first rows of a table and what its columns are taken for; None where there is none.

    Examples
    --------
    >>> found = preview("when;result;link\n2026-03-02 08:00;404;/xms/v1/p/batches\n")
    >>> sorted(found.meant)
    ['link', 'result', 'when']
    """
    piece = Piece("table", text[:_LOOKED_AT], columns=dict(columns or {}))
    layout = tables.layout_of(piece)
    if layout is None:
        layout = tables.any_layout(piece)
        if layout is None or len(layout.names) < _FEWEST:
            return None
    rows = [[cell[:_LONGEST_CELL] for cell in row] for row in layout.rows[:_ROWS]]
    return Preview(layout.names, rows, _meant(layout))


def _meant(layout: tables.Layout) -> dict[str, str]:
    meant = {name: ours for name, ours in layout.mapping.items() if ours in FIELDS}
    for name in layout.names:
        ours = tables.meaning_of(name)
        if name not in layout.mapping and ours in FIELDS and ours not in meant.values():
            meant[name] = ours
    return meant
