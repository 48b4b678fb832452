"""
People as they are shown in a text for a reader: hidden, their shape kept (``0770•••••42``).

A mask needs no key, and two people can have the same one. Data keeps aliases: they tell who is who.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sinchtools.core.records import Exchange
from sinchtools.privacy.alias_forms import Rewrite, without_numbers
from sinchtools.privacy.aliases import Hiding

_DIGITS = re.compile(r"(?:\d\D{0,2}){5}")
_MOST_AT_THE_FRONT, _AT_THE_END, _LEAST_HIDDEN = 5, 2, 5  # digits
_MOST_LETTERS = 3  # in a number that is one: with more, it is somebody's name
_BULLET_IN_URL = "%E2%80%A2"
_MASK = re.compile(r"•{5}(?: \$\{[\w.-]{1,40}\} •{5})* \([\d,]+ characters?\)")
_PLACEHOLDER = re.compile(r"\$\{[\w.-]{1,40}\}")


def masked_number(number: str) -> str:
    """
    Return a number with its middle digits hidden, everything else as it is written.

    At least five digits are hidden, or all but two of a short number.

    Examples
    --------
    >>> masked_number("+447700900142"), masked_number("0770 090 0142"), masked_number("12345")
    ('+44770•••••42', '0770 ••• ••42', '1•••5')
    """
    places = [at for at, character in enumerate(number) if character.isdigit()]
    letters = sum(map(str.isalpha, number))
    if len(places) < _LEAST_HIDDEN or letters > _MOST_LETTERS:
        return re.sub(r"\w", "•", number)
    front = max(1, min(_MOST_AT_THE_FRONT, len(places) - _AT_THE_END - _LEAST_HIDDEN))
    end = _AT_THE_END if len(places) > _AT_THE_END + _LEAST_HIDDEN else 1
    hidden = {*places[front:-end]}
    return "".join("•" if at in hidden else character for at, character in enumerate(number))


def masked_text(text: str) -> str:
    """
    Return a message text hidden, with its placeholders and its length.

    Examples
    --------
    >>> masked_text("Hi ${name}, your code is 4711")
    '••••• ${name} ••••• (29 characters)'
    """
    kept = [f"{name} •••••" for name in _PLACEHOLDER.findall(text)]
    unit = "character" if len(text) == 1 else "characters"
    return f"{' '.join(['•••••', *kept])} ({len(text):,} {unit})"


class Masks(Hiding):
    """Hide people in a text for reading."""

    def hidden_number(self, number: str) -> str:
        """Return a number as its mask."""
        return number if "•" in number else masked_number(number)

    def hidden_text(self, text: str) -> str:
        """Return a text as its mask."""
        return text if _MASK.fullmatch(text) else masked_text(text)

    def exchange(self, exchange: Exchange, quoted: Rewrite | None = None) -> Exchange:
        """Return the exchange with people hidden; a mask in the URL stays readable."""
        hidden = super().exchange(exchange, quoted)
        return replace(hidden, url=hidden.url and hidden.url.replace(_BULLET_IN_URL, "•"))


def without_people(text: str, *known: str) -> str:
    """
    Return a text with each possible number, and the known values of people, hidden.

    Examples
    --------
    >>> without_people('to[0] is 5550123, and +46701740605 is fine', "5550123")
    'to[0] is 5•••••3, and +4670•••••05 is fine'
    """
    for person in filter(None, known):
        hidden = masked_number(person) if _DIGITS.search(person) else masked_text(person)
        text = text.replace(person, hidden)
    return without_numbers(text, masked_number)
