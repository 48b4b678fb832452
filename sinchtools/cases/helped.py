"""The words for what helped: they go to a team, so they must not name anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sinchtools.api.description import split_url
from sinchtools.cases.vocabulary import words
from sinchtools.core.errors import WrongUseError
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange, visible
from sinchtools.privacy.gate import Known, secrets_left
from sinchtools.privacy.redaction import Redactor

LONGEST = 120
_NUMBER = re.compile(r"\d(?:[^\w]?\d){3,}")  # four digits and more
_OF_THE_API = re.compile(r"\b(?:8601|1000|2000|2048)\b")  # a standard, limits
_ADDRESS = re.compile(r"\w@|://|\b\w[\w-]+\.[a-z]{2,}\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_][\w'’-]*")
_NAMING = ("from", "name", "client_reference", "tags", "callback_url", "subject", "campaign_id")
_SHORTEST = 4  # letters of a word that could be a name
_VENDOR = "sinch"


def checked(text: str, rows: Iterable[Exchange], case: str = "") -> str:
    """
    Return what helped, in one line.

    Raises
    ------
    WrongUseError
        It is empty or too long, or it names a number, a secret, an address, or what could be a
        customer. The error does not repeat it.

    Examples
    --------
    >>> checked(" callback URL  on the plan ", [])
    'callback URL on the plan'
    """
    line = " ".join(text.split()) if isinstance(text, str) else ""
    evidence = list(rows)
    if problem := _problem(line) or _of_customer(line, evidence, case):
        raise WrongUseError(
            f"This cannot be kept as what helped: it {problem}.",
            hint='Say it without the customer, such as "callback URL on the plan".',
        )
    return line


def is_fit(text: object) -> bool:
    """Whether a text that somebody else wrote may be shown as what helped."""
    return isinstance(text, str) and text == " ".join(text.split()) and not _problem(text)


def _problem(line: str) -> str:
    """Return what is wrong with a text, whoever the customer is."""
    if not 0 < len(line) <= LONGEST:
        return f"must have 1 to {LONGEST} characters"
    if visible(line) != line:
        return "has hidden characters"
    redactor = Redactor()
    if redactor.text(line) != line or redactor.unquoted(line) != line or any(secrets_left(line)):
        return "contains a secret"
    if _NUMBER.search(_OF_THE_API.sub("", line)):
        return "contains a number of four digits or more"
    if _ADDRESS.search(line):
        return "contains an address"
    if any(map(_could_be_name, _WORD.findall(line))):
        return (
            "has a capitalized word that could be a name; write it in lower case if it is not one"
        )
    return ""


def _could_be_name(word: str) -> bool:
    is_capitalized = word[:1].isupper() and word[1:].islower()
    parts = re.findall(r"[^\W\d_]+", word.lower())
    return is_capitalized and not words().issuperset(part for part in parts if len(part) > 1)


def _of_customer(line: str, rows: list[Exchange], case: str) -> str:
    known = Known.of(rows)
    if known.texts_in(line) or any(known.numbers_in(line)):
        return "names a person"
    said = set(_names(line))
    named = {name for text in (case, *_naming(rows)) for name in _names(text)}
    return "names the customer" if (said & named) - words() - {_VENDOR} else ""


def _names(text: str) -> Iterator[str]:
    """Yield the words and their parts that could name somebody."""
    for word in re.findall(r"[\w-]+", text.casefold()):
        yield from (part for part in {word, *re.split(r"[-_\d]+", word)} if len(part) >= _SHORTEST)


def _naming(rows: Iterable[Exchange]) -> Iterator[str]:
    """Yield the texts of a case that could name its customer."""
    for row in rows:
        yield row.account or ""
        yield split_url(row.url or "").hostname or ""
        body = object_of(row.request_body)
        for name in _NAMING:
            yield from _strings(body.get(name))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))
