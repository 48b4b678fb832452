"""What an alias looks like, what may stand for it, and where numbers are in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from sinchtools.privacy import folding
from sinchtools.privacy.numbers import Numbers, is_possible, may_hold_one, national, numbers_in

_SHORT = 200  # characters
SCHEMES = (
    "tel|sms|phone|mobile|msisdn|number|whatsapp"  # any other word before a number may be a name
)
_ODD = r"(?:U\+[0-9A-F]{4,6};|[^\s\d])"
# nothing in an alias has room for a person: one that somebody typed tells nothing either
NUMBER_ALIAS = re.compile(
    r"(?:\+(?P<country>[1-9]\d{0,2}) )?(?P<first>\d?)• (?P<tag>[a-z0-9]{7})(?![a-z0-9])"
    rf"(?: (?P<size>\d{{1,4}}) digits(?: as (?P<head>bare|[+0]+|(?i:{SCHEMES}):?))?(?: with "
    rf"(?P<odd>{_ODD}{{1,3}})(?!\S))?)?"
)
NAME = r"\$\{(?!(?:[^}\d]*\d){7})[\w.-]*\}"  # of a placeholder
TEXT_ALIAS = re.compile(
    r"\[text (?P<tag>[a-z0-9]{7}) (?P<size>\d{1,6}) characters (?:GSM-7|Unicode "
    r"(?P<odd>[^\s\d\x20-\x5f\x61-\x7e]{1,8}|\?)) \d{1,5} parts?"
    rf"(?P<names>(?: {NAME})*)\]"
)
ALIASED = {
    "sinchtools": "aliased"
}  # metadata of a notebook's output that shows people by their aliases only
_IN_ARRAY = re.compile(r"\[[0-9,\s]{0,60}\Z")
SEPARATORS, _ODD_BETWEEN = re.compile(r"[\s().\-/]"), re.compile(r"[:*~|·=#_]")

Rewrite = Callable[[str], str]


def is_alias(text: str) -> bool:
    """
    Tell whether a text is an alias and nothing else; one that somebody wrote a person into is none.

    Examples
    --------
    >>> is_alias("+46 7• k3f9qd2"), is_alias("+46701740605")
    (True, False)
    >>> is_alias("[text k3f9qd2 4 characters Unicode Anna 1 part]")
    False
    """
    if "•" in text and NUMBER_ALIAS.fullmatch(text.strip()) is not None:
        return True
    match = TEXT_ALIAS.fullmatch(text)
    odd = match["odd"] or "" if match else ""
    return match is not None and list(odd) == sorted(set(odd))


def representative(text: str) -> str:
    """
    Return what diagnosis reads in place of the aliases in a text.

    It is nobody's number or text, with the facts that the alias keeps.

    Examples
    --------
    >>> representative("+46 7• k3f9qd2"), representative("• k3f9qd2 10 digits as 0")
    ('+46700000000', '0999999999')
    >>> representative("[text k3f9qd2 4 characters GSM-7 1 part]")
    'xxxx'
    """
    if "•" in text:
        text = NUMBER_ALIAS.sub(_stand_in_number, text)
    return TEXT_ALIAS.sub(_stand_in_text, text) if "[text " in text else text


def without_numbers(text: str, number: Rewrite) -> str:
    """
    Return any text with each possible phone number put through a function.

    Dates, addresses and UUIDs stay.

    Examples
    --------
    >>> line = "PUT /numbers/46.701.740.605 at 2026-11-23 from 127.0.0.1"
    >>> without_numbers(line, lambda found: found[:2] + "…")
    'PUT /numbers/46… at 2026-11-23 from 127.0.0.1'
    """
    if len(text) < _SHORT and _names_nobody(text):
        return text
    return folding.rewritten_text(
        text,
        lambda plain: ((start, end, number(said)) for start, end, said in _numbers_of(plain)),
        in_url,
    )


def _numbers_of(plain: str) -> Iterator[tuple[int, int, str]]:
    found = (
        (start, end, _ODD_BETWEEN.sub("", plain[start:end])) for start, end in numbers_in(plain)
    )
    return folding.outside(found, (match.span() for match in _aliases_in(plain)))


@lru_cache(maxsize=16_384)
def _names_nobody(text: str) -> bool:
    """Tell whether there is no number in a short text: the same few come again and again."""
    return not any(True for read in folding.readings(text) for _ in _numbers_of(read.text))


ANY_ALIAS = re.compile(
    rf"{re.sub('[?]P<[a-z]+>', '?:', NUMBER_ALIAS.pattern)}"
    rf"|{re.sub('[?]P<[a-z]+>', '?:', TEXT_ALIAS.pattern)}"
)


def _aliases_in(text: str) -> Iterator[re.Match[str]]:
    if "•" in text or "[text " in text:
        yield from ANY_ALIAS.finditer(text)


class Rewriting(NamedTuple):
    """
    The rewriting of an exchange.

    It covers numbers, message texts and everything else that people write.
    """

    number: Rewrite
    text: Rewrite
    free: Rewrite


def without_control(character: str) -> str:
    """Return a character as an alias may hold it: no sign of JSON, none that commands."""
    return (
        character
        if character.isprintable() and character not in ' "\\' and not character.isdigit()
        else f"U+{ord(character):04X};"
    )


def _stand_in_number(alias: re.Match[str]) -> str:
    known = (alias["country"] or "") + alias["first"]
    if alias["size"] is None:
        return _example(alias["country"] or "", alias["first"])
    head = {None: "+", "bare": ""}.get(alias["head"], alias["head"])
    rest = int(alias["size"]) - len(known) - (head.count("0") if not known else 0)
    made = head + known + ("0" if known else "9") * max(0, min(rest, 60))
    odd = re.sub(r"U\+([0-9A-F]{4,6});", lambda code: chr(int(code[1], 16)), alias["odd"] or "")
    return made[:-1] + odd + made[-1:] if made else odd


@lru_cache(maxsize=1024)
def _example(code: str, first: str) -> str:
    """Return a possible number of a country: the length alone counts, and differs by country."""
    sizes = sorted(range(4, 15), key=lambda size: (abs(size + len(code) - 11), size))
    return next(
        (f"+{made}" for size in sizes if is_possible(made := f"{code}{first}{'0' * (size - 1)}")),
        f"+{code}{first}00000000",
    )


def _stand_in_text(alias: re.Match[str]) -> str:
    names = "".join(alias["names"].split())
    start = alias["odd"] or ""
    return start + "x" * max(0, int(alias["size"]) - len(start) - len(names)) + names


# --- any text -------------------------------------------------------------------------------------


def in_url(alias: str) -> str:
    """Return an alias as a URL carries it."""
    return quote(alias, safe=",")


def regrouped(text: str, known: Numbers, number: Rewrite) -> str:
    """Rewrite the numbers of an exchange that have unusual separators between their digits."""

    def found(plain: str) -> Iterator[tuple[int, int, str]]:
        for start, end, digits in known.grouped(plain):
            if not _IN_ARRAY.search(plain, max(0, start - 60), start):
                start -= plain[max(0, start - 1) : start] == "+"
                yield start, end, number(f"+{digits}" if national(digits) != digits else digits)

    return (
        folding.replaced(text, found)
        if known.digits and (may_hold_one(text) or not text.isascii())
        else text
    )
