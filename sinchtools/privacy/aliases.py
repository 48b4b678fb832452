"""
Replace people by aliases where data leaves.

A number or message text becomes a keyed alias that keeps the facts that diagnosis needs.

``+46 7• k3f9qd2`` is a number of Sweden, ``[text k3f9qd2 7 characters GSM-7 1 part]`` a message.
The same person has the same alias under the same key; without the key nothing leads back. What is
wrong with a number stays visible: ``+46 7• k3f9qd2 8 digits as bare``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sinchtools.core.gsm import encoding_of, not_gsm7, parts_of
from sinchtools.core.records import WORD_FIELDS, Exchange
from sinchtools.privacy.alias_forms import (
    NAME,
    SCHEMES,
    SEPARATORS,
    Rewrite,
    is_alias,
    without_control,
    without_numbers,
)
from sinchtools.privacy.numbers import canonical, country_code, is_possible
from sinchtools.privacy.rewriting import is_id, with_people_replaced

TAG_CHARACTERS = 7  # of base32: 35 bits
_STANDS_FOR = re.compile(
    r"[{}<>$%]|^(?:undefined|null|none|nan)?$", re.IGNORECASE
)  # a placeholder is nobody

_FACT = (
    r"quoted|bracketed|leading-space|trailing-(?:space|newline)|inner-space|cut|shortened"
    r"|(?:expires|issuer)=(?!\S*(?:\d\D?){8})[\w.:/@-]{1,80}"
)
_TRUE_MARKER = re.compile(
    rf"\[secret (?:opaque|jwt|pair) \d{{1,7}} #\d{{1,6}}(?: (?:{_FACT}|expires=[\dTZ:-]{{20}}))*\]"
)


class Hiding(ABC):
    """
    One way to hide people: each is hidden alike wherever they occur.

    A kind of hiding says what stands for a number, and for what somebody said.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}  # the same few come again and again
        self._texts: dict[str, str] = {}

    @abstractmethod
    def hidden_number(self, number: str) -> str:
        """Return what stands for the number of a person."""

    @abstractmethod
    def hidden_text(self, text: str) -> str:
        """Return what stands for a text that somebody said."""

    def number(self, number: str) -> str:
        """
        Return what stands for a number, however it is written.

        An alias, a placeholder and a group ID stay.
        """
        if number not in self._numbers:
            self._numbers[number] = number if _is_nobody(number) else self.hidden_number(number)
        return self._numbers[number]

    def text(self, text: str) -> str:
        """Return what stands for a message text; blank text and an alias stay."""
        if text not in self._texts:
            parts = [self.hidden_text(part) if is_said else part for part, is_said in _said(text)]
            self._texts[text] = "".join(parts)
        return self._texts[text]

    def words(self, text: str) -> str:
        """Return any text with the numbers in it hidden."""
        return without_numbers(text, self.number)

    def exchange(self, exchange: Exchange, quoted: Rewrite | None = None) -> Exchange:
        """
        Return the exchange with people hidden in all of its parts.

        JSON keeps its shape, and what is wrong with it.

        `quoted` is put over the words of the exchange besides: it replaces people of whom only
        other exchanges tell.
        """
        return with_people_replaced(exchange, self.number, self.text, quoted)


def _is_nobody(number: str) -> bool:
    if is_alias(number) or _STANDS_FOR.search(number.strip()) or is_id(number):
        return True
    return _is_list(number) and all(map(_is_nobody, re.split("[,;|]", number)))


def _is_list(number: str) -> bool:
    return re.search(r"\d[^\w]*[,;|]\D*\d", number) is not None


class Aliases(Hiding):
    """
    The aliases of one case.

    A text has its length, alphabet, parts and placeholders in its alias.

    Parameters
    ----------
    key
        Secret of the case: without it nobody can tell who an alias is, not even by trying every
        number.

    Examples
    --------
    >>> people = Aliases(b"the key of a case, at least 16 bytes")
    >>> written = ("+46701740605", "0046 70-174 06 05", "46701740605")
    >>> len({people.number(number) for number in written})
    1
    >>> people.number("+46701740605")[:6], people.text("Hi Anna")[-26:]
    ('+46 7•', '7 characters GSM-7 1 part]')
    """

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def people_seen(self) -> People:
        """Return who was aliased until now."""
        return _nobody_else(self._numbers, self._texts)

    def hidden_number(self, number: str) -> str:
        """Return the alias of a number, or of each in a list."""
        if _is_list(number):
            return re.sub(r"[^,;|]+", lambda part: self.number(part[0]), number)
        return _number_alias(number, self._tag("number", canonical(number)))

    def hidden_text(self, text: str) -> str:
        """Return the alias of a text."""
        names = "".join(f" {name}" for name in dict.fromkeys(_PLACEHOLDER.findall(text)))
        alphabet = (
            "GSM-7" if encoding_of(text) == "text" else f"Unicode {_odd_letters(text) or '…'}"
        )
        parts = parts_of(text)
        return (
            f"[text {self._tag('text', text)} {len(text)} characters {alphabet} {parts} "
            f"{'part' if parts == 1 else 'parts'}{names}]"
        )

    def _tag(self, kind: str, what: str) -> str:
        digest = hmac.digest(
            self._key, f"{kind}:{what}".encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return base64.b32encode(digest)[:TAG_CHARACTERS].decode("ascii").lower()


_NO_BRACKETS = {ord(character): None for character in '[]"\\$'}
_PLACEHOLDER = re.compile(NAME)


def _odd_letters(text: str) -> str:
    odd = {c for c in not_gsm7(text) if c.isprintable() and not c.isspace() and not c.isdecimal()}
    return "".join(sorted(odd)[:8]).translate(_NO_BRACKETS)


def _said(text: str) -> Iterator[tuple[str, bool]]:
    """
    Yield the parts of a message, each with whether somebody said it.

    Markers of secrets, aliases and blanks are nobody's.
    """
    at = 0
    for match in _TRUE_MARKER.finditer(text) if "[secret " in text else ():
        yield from _one_said(text[at : match.start()])
        yield match[0], False
        at = match.end()
    yield from _one_said(text[at:])


def _one_said(part: str) -> Iterator[tuple[str, bool]]:
    if part:
        yield part, bool(part.strip()) and not is_alias(part.strip())


class People(NamedTuple):
    """Who occurs in exchanges: numbers as digits alone, and message texts."""

    numbers: frozenset[str]
    texts: frozenset[str]


_OF_ONE_ROW = ("id", "parent_id", "call_id", "source")
_OF_MANY_ROWS = ("url", "request_body", "response_body", *sorted({*WORD_FIELDS} - {*_OF_ONE_ROW}))


def people(exchanges: Iterable[Exchange]) -> People:
    """Return the numbers and message texts that `Aliases.exchange` would replace."""
    numbers: dict[str, str] = {}
    texts: dict[str, str] = {}
    met: set[object] = set()

    def number(found: str) -> str:
        return numbers.setdefault(found, found)

    for exchange in exchanges:
        content = _content(exchange)
        if content in met:
            for name in _OF_ONE_ROW:
                without_numbers(getattr(exchange, name) or "", number)
        else:
            met.add(content)
            with_people_replaced(exchange, number, lambda found: texts.setdefault(found, found))
    return _nobody_else(numbers, texts)


def _content(exchange: Exchange) -> object:
    """Return what rows that are alike share: to look through it once is enough."""
    headers = (exchange.request_headers, exchange.response_headers)
    words = (getattr(exchange, name) for name in _OF_MANY_ROWS)
    return *words, *(tuple(one.items()) for one in headers)


def _nobody_else(numbers: Iterable[str], texts: Iterable[str]) -> People:
    written = [
        part
        for found in numbers
        if not is_alias(found) and not is_id(found)
        for part in re.split(r"[,;|]", found)
    ]
    said = frozenset(part for found in texts for part, is_said in _said(found) if is_said)
    return People(frozenset(map(canonical, written)) - {""}, said)


_HEAD = re.compile(rf"(?i:{SCHEMES}):?(?=[+0-9])|\+*0*")


def _number_alias(number: str, tag: str) -> str:
    bare = SEPARATORS.sub("", number)
    found = canonical(number)
    head = _HEAD.match(bare)[0]  # type: ignore[index]
    odd = "".join(dict.fromkeys(c for c in bare[len(head) :].lstrip("+") if not ("0" <= c <= "9")))
    code = country_code(found)
    start = f"+{code} {found[len(code) : len(code) + 1]}•" if code else "•"
    unlikely = not head and re.fullmatch(
        r"(?!1)[2-9]\d{9}", bare
    )  # ten digits alone: rather a number without its country
    if code and not odd and head in ("", "+", "00") and is_possible(found) and not unlikely:
        return f"{start} {tag}"
    as_written = "" if head in ("+", "00") else f" as {head or 'bare'}"
    return f"{start} {tag} {len(found)} digits{as_written}" + (
        f" with {''.join(map(without_control, odd[:3]))}" if odd else ""
    )
