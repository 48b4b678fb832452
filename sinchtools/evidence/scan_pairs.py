"""How lines of pairs are read in a scan: ``level=info method=GET status=404``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.formats import log_lines, mapping
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_times import Instants
from sinchtools.evidence.scan_views import (
    Found,
    View,
    condition,
    extracted,
    plan_with,
    steps_of,
    values_of,
)
from sinchtools.evidence.times import BEGINNING


def pairs_view(
    lines: list[str], columns: Mapping[str, str], instants: Instants, given: str
) -> View | None:
    """Return how lines of pairs are read, which `given` gives."""
    piece = Piece("sample", "")
    records = [pairs for line in lines if (pairs := log_lines.pairs_of(line))]
    known = [(one, mapping.exchange_of(piece, one, 1)) for one in records]
    flats = [mapping.flattened(one) for one, exchange in known if exchange or columns]
    if not flats:
        return None
    places = {path: steps_of(records, path) for flat in flats for path in flat}
    exchanges = [exchange or Exchange(id="") for _, exchange in known if exchange or columns]

    def access(path: str, *_: str) -> str:
        name, *below = places[path]
        value = _value(name)
        return extracted(value, tuple(below)) if below else value

    values, shown = values_of(Found(flats, exchanges, plan_with(flats, columns), access, instants))
    names_a_call = f"({values['method']} IS NOT NULL OR {values['url']} IS NOT NULL)"
    return View(
        "lines",
        given,
        "line",
        values,
        f"{condition(values)} AND {names_a_call}",
        shown,
        _of_line,
        lambda line: _of_line(piece, line) is not None,
    )


def _of_line(piece: Piece, text: str) -> Exchange | None:
    pairs = log_lines.pairs_of(text)
    found = mapping.exchange_of(piece, pairs, 1) if pairs else None
    return found if found and (found.method or found.url) else None


def _value(name: str) -> str:
    """Return the SQL of what stands behind a name and its sign."""
    quoted, plain = (
        f"regexp_extract(line, {sql.literal(_PAIR.format(name=re.escape(name)))}, {number})"
        for number in (1, 2)
    )
    unescaped = f"replace({quoted}, '\\\"', '\"')"
    value = f"CASE WHEN {quoted} != '' THEN {unescaped} ELSE nullif({plain}, '') END"
    if name != "timestamp":
        return value
    return f"coalesce({value}, {sql.captured('line', '^' + BEGINNING.pattern)})"


_PAIR = r"(?:^|[^\w.@/=-]){name}=(?:\"((?:[^\"\\]|\\.)*)\"|((?:[^\s\",]|,[^\s])*))(?:\s|$|,)"
