r"""
Read a text in one way for every search.

Other scripts, styles and escapes become plain letters and digits, with the way back.

A fullwidth, Arabic or circled digit is its digit, an accent and a character that nobody sees are
nothing, ``\u0034`` and ``%34`` are ``4``. `Plain` tells where each character of such a reading
begins in the original.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

_UNSEEN = {"Cf", "Mn", "Me"}
_BLANK = {"\u2800": " ", "\u115f": "", "\u1160": ""}  # drawn as nothing, and of another category
_ESCAPE = re.compile(
    r"\\{1,8}(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\{1,8}u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<code>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})|(?P<same>[\"'/])|"
    r"(?P<blank>[nrtbf]))|\\\\"
)
_ENTITY = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot|nbsp|shy))"
)
_PERCENT = re.compile(r"%[0-7][0-9a-fA-F]|(?:%[89a-fA-F][0-9a-fA-F])+|\+")
_HAS_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_DEEPEST = 3

Find = Callable[[str], Iterable[tuple[int, int, str]]]


class Plain(NamedTuple):
    """
    A reading of a text, and where each of its characters begins in the original.

    The last place is the end.
    """

    text: str
    places: Sequence[int]


class _Folds(dict[int, str]):
    """What each character is read as; worked out once."""

    def __missing__(self, code: int) -> str:
        read = "".join(map(_plain, unicodedata.normalize("NFKD", chr(code))))
        self[code] = read
        return read


def _plain(character: str) -> str:
    if character in _BLANK:
        return _BLANK[character]
    if unicodedata.category(character) in _UNSEEN:
        return ""
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


_FOLDS = _Folds()
_TO_FOLD = re.compile(r"[^\x00-\x7f•–—’“”\ufffd]")  # all else is read as it is


def folded(text: str) -> str:
    r"""
    Return a text with plain digits and letters, without accents and without what nobody sees.

    Examples
    --------
    >>> folded("\uff14\uff16 \u0667\u0660\u200b\u0661 Caf\u00e9")
    '46 701 Cafe'
    """
    return text if text.isascii() or not _TO_FOLD.search(text) else text.translate(_FOLDS)


def unescaped(text: str) -> str:
    r"""
    Return a text without its JSON, HTML and URL escapes, up to three deep.

    Examples
    --------
    >>> unescaped(r"\u0034%36&#55;")
    '467'
    """
    return _without_escapes(text, None)[0]


def readings(text: str) -> list[Plain]:
    """Return how a text may be read: as it is, and behind its escapes when it has any."""
    plain, places = _without_escapes(text, range(len(text) + 1))
    found = [_folded_plain(Plain(text, range(len(text) + 1)))]
    return found if plain == text else [*found, _folded_plain(Plain(plain, places or ()))]


def rewritten_text(text: str, find: Find, quote: Callable[[str], str]) -> str:
    """
    Return a text with what is found in any reading of it replaced.

    Parameters
    ----------
    find
        Yields start, end and replacement of what it finds in a reading, in order.
    quote
        Escapes a replacement that stands where URL escapes are.
    """
    if not any(True for _ in find(folded(text))) and (
        (plain := unescaped(text)) == text or not any(True for _ in find(folded(plain)))
    ):
        return text
    text = _replaced(
        text, readings(text)[-1], find, quote
    )  # behind the escapes first: a number may begin with one
    return _replaced(text, readings(text)[0], find, quote)


def replaced(text: str, find: Find) -> str:
    """
    Return a text with what is found in it replaced in the original writing.

    Scripts and invisible characters do not matter.
    """
    if not _TO_FOLD.search(text):
        return _replaced(text, Plain(text, range(len(text) + 1)), find, str)
    if not any(True for _ in find(folded(text))):
        return text
    return _replaced(text, _folded_plain(Plain(text, range(len(text) + 1))), find, str)


def _replaced(text: str, read: Plain, find: Find, quote: Callable[[str], str]) -> str:
    parts: list[str] = []
    at = 0
    for first, last, new in find(read.text):
        start, end = read.places[first], read.places[last]
        if start < at:
            continue
        was = text[start:end]
        before = " " if start and text[start - 1].isalnum() and new[:1].isalnum() else ""
        after = " " if text[end : end + 1].isalnum() and new[-1:].isalnum() else ""
        new = f"{before}{new}{after}"
        parts += [text[at:start], quote(new) if _HAS_PERCENT.search(was) else new]
        at = end
    return "".join((*parts, text[at:]))


def _folded_plain(plain: Plain) -> Plain:
    if not _TO_FOLD.search(plain.text):
        return plain
    parts: list[str] = []
    places: list[int] = []
    for place, character in zip(plain.places, plain.text, strict=False):
        read = _FOLDS[ord(character)]
        parts.append(read)
        places += [place] * len(read)
    return Plain("".join(parts), [*places, plain.places[len(plain.text)]])


def _without_escapes(text: str, places: Sequence[int] | None) -> tuple[str, Sequence[int] | None]:
    for _ in range(_DEEPEST):
        before = text
        if "\\" in text:
            text, places = _sub(_ESCAPE, _one_escape, text, places)
        if "&" in text:
            text, places = _sub(_ENTITY, _one_entity, text, places)
        if "%" in text and _HAS_PERCENT.search(text):
            text, places = _sub(_PERCENT, _one_percent, text, places)
        if text == before:
            break
    return text, places


def _sub(
    pattern: re.Pattern[str],
    one: Callable[[re.Match[str]], str],
    text: str,
    places: Sequence[int] | None,
) -> tuple[str, Sequence[int] | None]:
    if places is None:
        return pattern.sub(one, text), None
    parts: list[str] = []
    kept: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        new = one(match)
        parts += [text[at : match.start()], new]
        kept += places[at : match.start()]
        kept += [places[match.start()]] * len(new)
        at = match.end()
    return "".join((*parts, text[at:])), [*kept, *places[at:]]


def _one_escape(match: re.Match[str]) -> str:
    if match["high"]:
        return chr(
            0x10000 + (int(match["high"], 16) - 0xD800) * 0x400 + int(match["low"], 16) - 0xDC00
        )
    code = match["code"] or match["byte"]
    if code:
        return chr(int(code, 16))
    return match["same"] or (" " if match["blank"] else "\\")


def _one_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _one_percent(match: re.Match[str]) -> str:
    if match[0] == "+":
        return " "
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def outside(
    spans: Iterable[tuple[int, int, str]], kept: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int, str]]:
    """Yield those of the spans that touch none of the kept places; both in order."""
    places = iter(kept)
    begin, stop = next(places, (0, 0))
    for start, end, what in spans:
        while stop and stop <= start:
            begin, stop = next(places, (0, 0))
        if not stop or end <= begin:
            yield start, end, what
