"""The vendor's pages that findings name, as links."""

from __future__ import annotations

from functools import cache

from sinchtools.core.tables import place_of, read_texts


@cache
def _links() -> dict[str, str]:
    return read_texts(place_of("pages.toml"), "pages")


def link_of(page: str) -> str:
    """
    Return the address of a page that a finding names; empty when it is not known.

    Examples
    --------
    >>> link_of("SMS API reference, formats").startswith("https://")
    True
    """
    return next((url for name, url in _links().items() if page.startswith(name)), "")
