"""What a message of a client is described with: its row, and the words of its pattern."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sinchtools.evidence.pieces import METHODS
from sinchtools.evidence.row_tables import rows_of, signs_of, with_parts


class Printed(NamedTuple):
    """One message of one client."""

    source: str  # who prints it
    # texts of which one stands in each line with it; other lines are not looked at
    signs: tuple[str, ...]
    # a regular expression with named groups: status, reason (a status in words), code, text,
    # method, url, host, path, plan, failure, elapsed, body (empty: where a body begins)
    pattern: str
    # what the message means by itself, where no group says it
    status: int | None = None
    failure: str | None = None


TOKENS = {
    "URL": r"(?P<url>https?://[^\s\"'`<>\])}\\]+?)(?<![.,;:])(?=[.,;:]?(?:[\s\"'`<>\])}\\]|$))",
    "METHOD": f"(?P<method>{METHODS})",
    "STATUS": r"(?P<status>[1-5]\d\d)(?!\d|\.\d)",
    "ERROR": r"(?P<status>[345]\d\d)(?!\d|\.\d)",
    "REASON": r"(?P<reason>[A-Z][A-Za-z]{1,20}(?:[ -][A-Za-z]{1,20}){0,4})",
    "BODY": r"(?P<body>)",
    "TEXT": r"(?P<text>\S.{0,2000}?)",
    "CODE": r"(?P<code>[a-z]{2,30}(?:_[a-z]{1,30}){1,6})",
    "JAVA": r"(?<![\w$])(?:[a-z]\w{0,30}\.){0,9}",  # the package of a class
}


def printed(table: str) -> tuple[Printed, ...]:
    """Return the messages of a table: who prints it, its signs, its pattern ``=>`` its meaning."""
    return tuple(_printed(*row) for row in rows_of(table))


def _printed(row: str, folded: str) -> Printed:
    source, signs, *said = re.split(" {2,}", row, maxsplit=2)
    pattern, _, meaning = "".join((*said, folded)).partition(" => ")
    status = int(meaning) if meaning.isdigit() else None
    return Printed(source, signs_of(signs), pattern, status, None if status else meaning or None)


@cache
def compiled(row: Printed) -> re.Pattern[str]:
    """Return the pattern of a row, its tokens written out."""
    return with_parts(row.pattern, TOKENS)
