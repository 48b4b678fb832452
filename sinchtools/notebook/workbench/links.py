"""The vendor's pages that findings name, as links."""

from __future__ import annotations

import tomllib
from functools import cache

from sinchtools.core.settings import share_folder


@cache
def _links() -> dict[str, str]:
    path = share_folder("data/catalogue") / "pages.toml"
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["pages"])


def link_of(page: str) -> str:
    """
    Return the address of a page that a finding names; empty when it is not known.

    Examples
    --------
    >>> link_of("SMS API reference, formats").startswith("https://")
    True
    """
    return next((url for name, url in _links().items() if page.startswith(name)), "")
