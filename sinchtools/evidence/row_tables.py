"""Tables that are written as text, a row a line: patterns stand in them as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping


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


def fields_of(table: str) -> Iterator[dict[str, str]]:
    """
    Yield the rows of a table of tools: the tool, then its fields, two spaces between them.

    Examples
    --------
    >>> list(fields_of("HTTPie  sign: meta.format=httpie  start: entry"))
    [{'tool': 'HTTPie', 'sign': 'meta.format=httpie', 'start': 'entry'}]
    """
    for head, folded in rows_of(table):
        tool, *fields = re.split(" {2,}", head + folded)
        yield {"tool": tool} | dict(field.split(": ", 1) for field in fields)


def meanings_of(table: str) -> dict[str, str]:
    """
    Return what each name of a table means: ``meaning: name, name``.

    Examples
    --------
    >>> meanings_of("time: duration, took")
    {'duration': 'time', 'took': 'time'}
    """
    rows = ((head + folded).rpartition(": ") for head, folded in rows_of(table))
    return {name: meaning for meaning, _, names in rows for name in re.split(", ?", names)}


def groups_of(table: str) -> dict[str, tuple[str, ...]]:
    r"""
    Return the words of each group of a table: ``group: word word``.

    Examples
    --------
    >>> groups_of("verb: get post\n      put")
    {'verb': ('get', 'post', 'put')}
    """
    rows = ((head + folded).partition(":") for head, folded in rows_of(table))
    return {group: tuple(listed.split()) for group, _, listed in rows}


def by_word(table: str) -> dict[str, str]:
    """Return the group of each word of a table."""
    return {word: group for group, listed in groups_of(table).items() for word in listed}


def signs_of(text: str) -> tuple[str, ...]:
    """Return the texts of which one stands in each line of a kind; an underscore is a space."""
    return tuple(sign.replace("_", " ") for sign in text.split("|"))


def with_parts(pattern: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    """Return a pattern with its parts, ``<NAME>``, written out."""
    for name, part in parts.items():
        pattern = pattern.replace(f"<{name}>", part)
    return re.compile(pattern)
