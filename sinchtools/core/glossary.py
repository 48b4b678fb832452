"""The words that need explaining, from ``data/catalogue/glossary.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from sinchtools.core.tables import place_of, read_texts


@cache
def glossary() -> Mapping[str, str]:
    """
    Return each word with what it means, for tooltips.

    Examples
    --------
    >>> glossary()["FIXED"]
    'The original request failed, and the changed request was accepted.'
    """
    return MappingProxyType(read_texts(place_of("glossary.toml"), "words"))
