"""Numbers, times and statuses in words, written the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

_LETTERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def counted(n: int, noun: str, plural: str = "") -> str:
    """
    Return a number with its noun.

    Examples
    --------
    >>> counted(1, "request"), counted(1200, "request"), counted(2, "person", "people")
    ('1 request', '1,200 requests', '2 people')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def duration(span: timedelta) -> str:
    """
    Return a span of time in its largest whole unit.

    Examples
    --------
    >>> duration(timedelta(minutes=150)), duration(timedelta(seconds=1)), duration(timedelta(0))
    ('2 hours', '1 second', 'less than a second')
    """
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            return counted(seconds // size, unit)
    return "less than a second"


def spelled(n: int, noun: str) -> str:
    """
    Return a small number in letters with its noun.

    Examples
    --------
    >>> spelled(1, "change"), spelled(3, "change"), spelled(12, "change")
    ('one change', 'three changes', '12 changes')
    """
    number = _LETTERS[n] if 0 <= n < len(_LETTERS) else f"{n:,}"
    return f"{number} {noun}{'' if n == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """
    Return parts as a list in a sentence.

    Examples
    --------
    >>> listed(["line 2", "line 3", "line 5"])
    'line 2, line 3 and line 5'
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def sentence(words: str) -> str:
    """
    Return words as a sentence.

    Examples
    --------
    >>> sentence("the clock is wrong"), sentence("Is it?")
    ('The clock is wrong.', 'Is it?')
    """
    text = words[:1].upper() + words[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def short(name: str | None, longest: int = 20) -> str:
    """
    Return a long name, such as an account, with its middle left out.

    Examples
    --------
    >>> short("3c2f9a8155aa4d01b5d29e0f"), short("plan1"), short(None)
    ('3c2f9a81…9e0f', 'plan1', '')
    """
    name = name or ""
    return name if len(name) <= longest else f"{name[:8]}…{name[-4:]}"


def moment(at: Any) -> str:
    """
    Return a time as people write it; nothing when it is not known.

    Examples
    --------
    >>> moment(datetime(2026, 11, 28, 17, 21, 9, tzinfo=UTC)), moment(None)
    ('Sat 28 Nov 2026, 17:21 UTC', '')
    """
    return f"{day(at)} {instant(at):%Y, %H:%M} UTC" if instant(at) else ""


def day(at: Any) -> str:
    """
    Return the day of a time.

    Examples
    --------
    >>> day(datetime(2026, 11, 8, tzinfo=UTC))
    'Sun 8 Nov'
    """
    known = instant(at)
    return f"{known:%a} {known.day} {known:%b}" if known else ""


def instant(at: Any) -> datetime | None:
    """Return a time, also one in ISO 8601 or of pandas, in UTC; None when it is not known."""
    if at is None or str(at) == "NaT":
        return None
    known: datetime = datetime.fromisoformat(at) if isinstance(at, str) else at
    return known.astimezone(UTC)


def times(n: int) -> str:
    """
    Return how often something was done, from twice on.

    Examples
    --------
    >>> times(2), times(3)
    ('twice', '3 times')
    """
    return "twice" if n == 2 else f"{n:,} times"


def who_says(status: int | None, failure: str | None) -> str:
    """
    Return whose words the text of an exchange is.

    Examples
    --------
    >>> who_says(403, None), who_says(None, "ReadTimeout")
    ('API message', "The client's message")
    """
    return "The client's message" if failure and status is None else "API message"


def response(status: int | None, code: str | None = None) -> str:
    """
    Return a response with its code, else with what HTTP calls it.

    Examples
    --------
    >>> response(403, "unknown_group"), response(201), response(799)
    ('403 unknown_group', '201 Created', '799')
    """
    if status is None or code:
        return " ".join(str(part) for part in (status, code) if part)
    names = {one.value: one.phrase for one in HTTPStatus}
    return f"{status} {names.get(status, '')}".strip()
