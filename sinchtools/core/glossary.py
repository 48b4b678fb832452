"""The words that need explaining, from ``data/catalogue/glossary.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from sinchtools.core.settings import share_folder


@cache
def glossary() -> Mapping[str, str]:
    """
    Return each word with what it means, for tooltips.

    Examples
    --------
    >>> glossary()["FIXED"]
    'The original request failed, and the changed request was accepted.'
    """
    path = share_folder("data/catalogue") / "glossary.toml"
    return MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8"))["words"])
