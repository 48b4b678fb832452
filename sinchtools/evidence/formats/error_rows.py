"""What a message of a client is described with: its row, and the words of its pattern."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sinchtools.evidence.pieces import METHODS


class Printed(NamedTuple):
    """
    One message of one client.

    Attributes
    ----------
    source
        Who prints it.
    sign
        What each line with it holds; other lines are not looked at. A bar stands between several.
    pattern
        A regular expression with named groups: status, reason (a status in words), code, text,
        method, url, host, path, plan, failure, elapsed, body (empty: where a body begins).
    status, failure
        What the message means by itself, where no group says it.
    """

    source: str
    sign: str
    pattern: str
    status: int | None = None
    failure: str | None = None


TOKENS = {
    "<URL>": r"(?P<url>https?://[^\s\"'`<>\])}\\]+?)(?<![.,;:])(?=[.,;:]?(?:[\s\"'`<>\])}\\]|$))",
    "<METHOD>": f"(?P<method>{METHODS})",
    "<STATUS>": r"(?P<status>[1-5]\d\d)(?!\d|\.\d)",
    "<ERROR>": r"(?P<status>[345]\d\d)(?!\d|\.\d)",
    "<REASON>": r"(?P<reason>[A-Z][A-Za-z]{1,20}(?:[ -][A-Za-z]{1,20}){0,4})",
    "<NAME>": r"(?P<failure>\w{1,60})",
    "<BODY>": r"(?P<body>)",
    "<TEXT>": r"(?P<text>\S.{0,2000}?)",
    "<CODE>": r"(?P<code>[a-z]{2,30}(?:_[a-z]{1,30}){1,6})",
}


@cache
def compiled(row: Printed) -> re.Pattern[str]:
    """Return the pattern of a row, its tokens written out."""
    pattern = row.pattern
    for token, meaning in TOKENS.items():
        pattern = pattern.replace(token, meaning)
    return re.compile(pattern)
