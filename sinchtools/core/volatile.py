"""What differs in any two requests and decides nothing: `comparison.toml`, with a reason each."""

from __future__ import annotations

import tomllib
from functools import cache

from sinchtools.core.settings import share_folder


@cache
def volatile(kind: str) -> frozenset[str]:
    """
    Return the names of a kind, `headers` or `fields`, that no failure comes from.

    Examples
    --------
    >>> "content-length" in volatile("headers"), "to" in volatile("fields")
    (True, False)
    """
    path = share_folder("data/catalogue") / "comparison.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return frozenset(name for entry in table["volatile"] for name in entry.get(kind, ()))
