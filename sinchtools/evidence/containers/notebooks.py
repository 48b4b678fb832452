"""Take the cells out of a Jupyter notebook: code with what it printed below it, and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sinchtools.evidence.pieces import Piece

_PLAIN = "text/plain"  # of the forms in which an output is kept. source: nbformat 4


def unwrap(piece: Piece) -> list[Piece] | None:
    """Return the cells as one text, a number for each, or None when the piece is no notebook."""
    document = piece.document
    if not isinstance(document, dict) or "nbformat" not in document:
        return None
    lines: list[str] = []
    numbers: list[int] = []
    for number, cell in enumerate(document["cells"], start=1):
        found = [*"\n".join(_texts(cell)).split("\n"), ""]
        lines += found
        numbers += [number] * len(found)
    return [piece.inner("\n".join(lines), numbers)]


def _texts(cell: Mapping[str, Any]) -> Iterator[str]:
    yield _joined(cell["source"])
    for output in cell.get("outputs") or []:
        shown = output.get("text") or (output.get("data") or {}).get(_PLAIN)
        yield _joined(output.get("traceback") if shown is None else shown)


def _joined(text: Any) -> str:
    """Return a text that may be a list of its lines, or of the parts of a traceback."""
    if not isinstance(text, list):
        return str(text or "")
    parts = map(str, text)
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts).rstrip("\n")
