"""What differs in any two requests and decides nothing: `comparison.toml`, with a reason each."""

from __future__ import annotations

from functools import cache

from sinchtools.core.tables import Row, Text, place_of, read_table


class _Row(Row, frozen=True):
    why: Text
    source: Text
    headers: tuple[Text, ...] = ()
    fields: tuple[Text, ...] = ()


class _Comparison(Row, frozen=True):
    volatile: tuple[_Row, ...]


@cache
def volatile(kind: str) -> frozenset[str]:
    """
    Return the names of a kind, `headers` or `fields`, that no failure comes from.

    Examples
    --------
    >>> "content-length" in volatile("headers"), "to" in volatile("fields")
    (True, False)
    """
    rows = read_table(place_of("comparison.toml"), _Comparison).volatile
    return frozenset(name for row in rows for name in getattr(row, kind))
