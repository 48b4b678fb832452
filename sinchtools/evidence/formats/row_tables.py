"""Tables that are written as text, a row a line: patterns stand in them as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping


def rows_of(table: str) -> list[tuple[str, str]]:
    r"""
    Return the rows of a table, each with what is folded below it.

    A line that begins with four spaces goes on with the row above it, ``<SPACE>`` is a space at the
    end of a line, and a line that begins with ``#`` is a remark.

    Examples
    --------
    >>> rows_of("# remark\nfirst\nsecond\n    fol\n    ded")
    [('first', ''), ('second', 'folded')]
    """
    rows: list[tuple[str, str]] = []
    for line in table.replace("<SPACE>", " ").strip("\n").split("\n"):
        if line.startswith("    "):
            rows[-1] = rows[-1][0], rows[-1][1] + line[4:]
        elif line[:1] not in ("#", ""):
            rows.append((line, ""))
    return rows


def signs_of(text: str) -> tuple[str, ...]:
    """Return the texts of which one stands in each line of a kind; an underscore is a space."""
    return tuple(sign.replace("_", " ") for sign in text.split("|"))


def with_parts(pattern: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    """Return a pattern with its parts, ``<NAME>``, written out."""
    for name, part in parts.items():
        pattern = pattern.replace(f"<{name}>", part)
    return re.compile(pattern)
