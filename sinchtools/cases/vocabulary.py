"""
The words of the catalogue: what can be kept of a text without keeping what a customer wrote.

A text is kept as its words that are in here; every other word, number and sign is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from sinchtools.api.description import field_names
from sinchtools.core.settings import share_folder
from sinchtools.core.tables import load

MOST_WORDS = 25
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"'[^']{0,200}'|\"[^\"]{0,200}\"|“[^”]{0,200}”|`[^`]{0,200}`")
_ALIKE = 0.75  # of the words of two texts


def shape_of(text: str | None) -> str:
    """
    Return the words of a text that are in the catalogue, in order, without what it quotes.

    Examples
    --------
    >>> shape_of("to[3]: '+1555' of Nordwind is not a valid MSISDN (case 4711)")
    'to of is not valid msisdn case'
    """
    found = _WORD.findall(_QUOTED.sub(" ", text or "").lower().replace("_", " "))
    return " ".join([word for word in found if len(word) > 1 and word in words()][:MOST_WORDS])


def are_alike(one: str, other: str) -> bool:
    """
    Whether two shapes are of the same text.

    Examples
    --------
    >>> are_alike("to at most entries found", "to at most entries"), are_alike("", "to")
    (True, False)
    """
    ours, theirs = {*one.split()}, {*other.split()}
    return ours == theirs or len(ours & theirs) >= _ALIKE * len(ours | theirs)


@cache
def words() -> frozenset[str]:
    """Return every word of the catalogue, in small letters."""
    found: set[str] = set()
    for name in field_names():
        found.update(_WORD.findall(name.lower().replace("_", " ")))
    for path in sorted(share_folder("data/catalogue").glob("*.toml")):
        for text in _texts(load(path)):
            found.update(_WORD.findall(text.lower().replace("_", " ")))
    return frozenset(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
