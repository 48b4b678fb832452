"""One reason why a text is not JSON, and the characters that show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sinchtools.api.description import SCHEMAS
from sinchtools.diagnosis.json_errors.text import line_and_column

_FIELD_NAMES = frozenset(name for schema in SCHEMAS.values() for name in schema)
_KNOWN_WORDS = _FIELD_NAMES | {
    *{word for schema in SCHEMAS.values() for f in schema.values() for word in f.choices},
    *("true", "false", "null", "True", "False", "None"),
}
# what is kept of an excerpt, each in its own group; the rest is a word, masked unless it is known
_NAMES_NOBODY = re.compile(
    r"(?P<date>(?<![\w-])(?:19|20)\d\d-[01]?\d-[0-3]?\d(?:[ T][0-2]?\d:[0-5]\d(?::[0-5]\d"
    r"(?:\.\d{1,9})?)?)?(?:Z|[+-][01]\d:?[0-5]\d)?(?![\w-]))"
    r"|(?P<group>(?<=\")0[0-9A-HJKMNP-TV-Z]{25}(?=\"))"
    r"|(?P<report>(?<=\")(?:per[-_ ]recipient(?:[-_ ]final)?|mt[-_ ]\w{4,6})(?=\"))"
    r"|\w+",
    re.IGNORECASE,
)
_AROUND, _MOST_AT_FAULT = 24, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """
    One reason why a text is not JSON, or no JSON that says one thing only.

    Attributes
    ----------
    rule
        Id of the rule in ``data/catalogue/rules.toml``.
    position, line, column
        The character that a person must change; position counts characters (bytes, where the bytes
        are no text) from 0, the others from 1.
    key
        The API's field in whose value it lies, or None.
    shown
        The characters at fault with a little structure around; letters and digits around them are
        masked.
    caret
        Where in `shown` the character stands, from 0.
    fix
        The certain edit as (start, end, replacement), or None.
    facts
        What the words of the rule need.
    """

    rule: str
    position: int
    line: int
    column: int
    key: str | None = None
    shown: str = ""
    caret: int = 0
    fix: tuple[int, int, str] | None = None
    facts: dict[str, Any]


def shown(text: str, position: int, length: int = 1, *, is_masked: bool = True) -> tuple[str, int]:
    """
    Return the text around a position on its line, and where the position is in it.

    Unless it is for the screen, letters and digits are masked, except in names of fields, values
    of enumerations, dates and IDs of groups.
    """
    length = min(length, _MOST_AT_FAULT)
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else max(line_end, position + length)
    start = max(line_start, position - _AROUND)
    end = min(line_end, position + length + _AROUND)
    fault = text[position : position + length].replace("\n", "⏎").replace("\t", "⇥")
    before, after = text[start:position], text[position + length : end]
    if is_masked:
        wide_start, wide_end = max(line_start, start - _AROUND), min(line_end, end + _AROUND)
        wide = _NAMES_NOBODY.sub(_kept_or_masked, text[wide_start:wide_end])
        before = wide[start - wide_start : position - wide_start]
        after = wide[position + length - wide_start : end - wide_start]
    return re.sub(r"[\x00-\x1f\x7f\ufeff]", " ", before + fault + after), position - start


def defect_at(
    text: str,
    rule: str,
    at: int,
    *,
    key: str | None = None,
    length: int = 1,
    fix: tuple[int, int, str] | None = None,
    **facts: Any,
) -> Defect:
    """Return a defect with its place and what is shown of it."""
    line, column = line_and_column(text, at)
    around, caret = shown(text, at, length)
    facts = {"line": line, "column": column, **facts}
    return Defect(
        rule=rule,
        position=at,
        line=line,
        column=column,
        key=key or None,
        shown=around,
        caret=caret,
        fix=fix,
        facts=facts,
    )


def _kept_or_masked(match: re.Match[str]) -> str:
    return match[0] if match.lastgroup or match[0] in _KNOWN_WORDS else "•" * len(match[0])


def char_name(char: str) -> str:
    """Return how a character is named: itself, or its code point."""
    return char if char.isprintable() and not char.isalnum() else f"U+{ord(char):04X}"
