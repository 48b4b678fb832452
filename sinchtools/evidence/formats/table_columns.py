"""Which columns of a table are which of ours: by name, then by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable

from sinchtools.core.columns import COLUMNS
from sinchtools.evidence.formats.mapping import REQUEST_LINE
from sinchtools.evidence.formats.names import FIELDS
from sinchtools.evidence.formats.prose import known_codes
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, words
from sinchtools.evidence.times import instant, squashed

LONGEST_NAME = 200
NO_VALUE = (*words("- NULL null ᴺᵁᴸᴸ N/A NA NaN nan None <null> (null) <none> <NA> NaT nil"), "")
KNOWN = {name: ours for ours, names in reversed(FIELDS.items()) for name in reversed(names)}
_FILE = re.compile(r"\s*/(?:var|opt|home|usr|etc|mnt|proc)/|/\S*\.(?:log|out|txt|gz)(?:\.\d+)?$")
_NO_STATUS = re.compile(r"deliver|smpp|dlr|mcc|mnc|operator|error|recipient|batch|report")


def mapping_of(piece: Piece, names: list[str], rows: list[list[str]]) -> dict[str, str]:
    """Return which columns are which of ours: as asked, by name, then by content."""
    asked = {theirs: ours for theirs, ours in piece.columns.items() if theirs in names}
    found: dict[str, str] = dict(asked)
    taken = set(found.values())
    places = {name: i for i, name in reversed(list(enumerate(names)))}
    for theirs in sorted(names, key=_rank):
        ours = _by_name(theirs)
        column = [row[places[theirs]] for row in rows if len(row) > places[theirs]]
        if ours and theirs not in found and ours not in taken and _plausible(ours, column):
            found[theirs] = ours
            taken.add(ours)
    for ours, fits in _BY_CONTENT.items():
        if ours in taken:
            continue
        for name in names:
            column = [row[places[name]] for row in rows if len(row) > places[name]]
            if name not in found and not _is_misleading(ours, name) and _mostly(fits, column):
                found[name] = ours
                break
    return found


def _rank(name: str) -> int:
    plain = squashed(name[:LONGEST_NAME])
    ours = KNOWN.get(plain)
    return FIELDS[ours].index(plain) if ours else 99


def _by_name(theirs: str) -> str | None:
    if len(theirs) > LONGEST_NAME:
        return None
    plain = squashed(re.sub(r"[(\[][^()\[\]]{0,40}[)\]]", "", theirs))
    ours = theirs.strip().lower() if theirs.strip().lower() in COLUMNS else KNOWN.get(plain)
    return ours if ours in _BY_CONTENT else None


def _is_misleading(ours: str, name: str) -> bool:
    """Tell whether a column that looks like statuses is named as something else."""
    name = name[:LONGEST_NAME]
    return ours == "status" and bool(
        _NO_STATUS.search(name.lower())
        or re.search(
            r"count|size|bytes|length|duration|time|latency|\bid\b|port|ms\b", name.lower()
        )
    )


def _plausible(ours: str, column: list[str]) -> bool:
    return not any(column) or _mostly(_BY_CONTENT[ours], column, share=0.5)


def _mostly(fits: Callable[[str], bool], cells: list[str], *, share: float = 0.9) -> bool:
    filled = [cell for cell in cells if cell not in NO_VALUE]
    return bool(filled) and sum(map(fits, filled)) >= share * len(filled)


_BY_CONTENT: dict[str, Callable[[str], bool]] = {
    "code": lambda cell: cell in known_codes(),
    "status": lambda cell: (
        re.fullmatch(r"[1-5]\d\d(?:\.0)?(?: [A-Za-z ]+)?|-1|0", cell.strip()) is not None
    ),
    "method": lambda cell: cell.strip().upper() in HTTP_METHODS,
    "url": lambda cell: re.match(r"\s*(?:https?://|/)", cell) is not None and not _FILE.match(cell),
    "request": lambda cell: REQUEST_LINE.fullmatch(cell.strip()) is not None,
    "at": lambda cell: (
        (instant(cell) is not None and not re.fullmatch(r"\d{9,12}", cell))
        or re.fullmatch(r"\d\d?:\d\d(?::\d\d.*)?|[2-7]\d{4}[.,]\d+", cell) is not None
    ),
}


def is_no_status(name: str) -> bool:
    """Tell whether a column of codes is named as those of deliveries or of operators."""
    name = name[:LONGEST_NAME]
    return bool(_NO_STATUS.search(name.lower()) and "code" in name.lower()) and not re.search(
        r"http|error_?code|api", name.lower()
    )
