"""
Hide people in a few words that are handed over outside of a case.

A number keeps its shape. A case has aliases instead, which tell who is who.
"""

from __future__ import annotations

import re

from sinchtools.privacy.alias_forms import without_numbers

_DIGITS = re.compile(r"(?:\d\D{0,2}){5}")


def masked(number: str) -> str:
    """
    Return a number with its digits hidden, but for the first two and the last two.

    Examples
    --------
    >>> masked("++15551230001"), masked("07700 900123")
    ('++15•••••••01', '07••• ••••23')
    """
    places = [i for i, character in enumerate(number) if character.isdigit()][2:-2]
    return "".join("•" if i in places else character for i, character in enumerate(number))


def without_people(text: str, *known: str) -> str:
    """
    Return a text with each possible number, and the known values of people, hidden.

    Examples
    --------
    >>> without_people('to[0] is 5550123, and +46701740605 is fine', "5550123")
    'to[0] is 55•••23, and +46•••••••05 is fine'
    """
    for person in known:
        hidden = masked(person) if _DIGITS.search(person) else f"[text of {len(person)} characters]"
        text = text.replace(person, hidden) if person else text
    return without_numbers(text, masked)
