"""What differs in any two requests and decides nothing: `comparison.toml`, with a reason each."""

from __future__ import annotations

from functools import cache

from sinchtools.core.tables import place_of, read_tables

_SCHEMA = {"volatile": "headers? fields? why source"}


@cache
def volatile(kind: str) -> frozenset[str]:
    """
    Return the names of a kind, `headers` or `fields`, that no failure comes from.

    Examples
    --------
    >>> "content-length" in volatile("headers"), "to" in volatile("fields")
    (True, False)
    """
    rows = read_tables(place_of("comparison.toml"), _SCHEMA)["volatile"]
    return frozenset(name for row in rows for name in row.get(kind, ()))
