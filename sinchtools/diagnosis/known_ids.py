"""Hold the ID in a path against the IDs that responses of the same evidence gave."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sinchtools.api.deliveries import reports_of
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted

KINDS = {"batch_id": "a batch", "group_id": "a group", "inbound_id": "an inbound message"}
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NAMES = {"batches": "batch_id", "groups": "group_id", "inbounds": "inbound_id"}
_SHORTEST = 8  # characters that two IDs share before one is called a part of the other
_LONGEST = 60
_MOST_LIKE = 200  # known IDs that begin or end alike and are looked at
_NEAR = 0.92  # of two IDs: one or two characters of 26 differ
_LENGTH, _OLD_LENGTHS = 26, range(12, 17)


@dataclass(slots=True)
class KnownIds:
    """
    The IDs that responses gave, each with the first row that shows it.

    Attributes
    ----------
    rows
        The exchanges that may show some; they are read when the first ID is asked for.
    of
        By name and ID: the row.
    alike
        By name and by how an ID begins or ends: the IDs.
    """

    rows: list[Exchange] = field(default_factory=list)
    of: dict[tuple[str, str], Exchange] = field(default_factory=dict)
    alike: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, exchange: Exchange) -> None:
        """Take in what one exchange shows."""
        if exchange.response_body or exchange.delivery:
            self.rows.append(exchange)

    def row_of(self, name: str, known: str) -> Exchange | None:
        """Return the row that shows an ID, or None."""
        self._read()
        return self.of.get((name, known))

    def like(self, name: str, asked: str) -> tuple[str, str, str] | None:
        """Return the ID that was meant, how what was asked for differs, and what to check."""
        self._read()
        ends = (asked[:_SHORTEST], asked[-_SHORTEST:])
        near = [one for end in ends for one in self.alike.get((name, end.upper()), ())]
        told = {one: said for one in near[:_MOST_LIKE] if (said := _difference(asked, one))}
        exact = [one for one, said in told.items() if said is not _TYPED]
        chosen = exact or [*told]
        return (chosen[0], *told[chosen[0]]) if len(chosen) == 1 else None

    def _read(self) -> None:
        rows, self.rows = self.rows, []
        for row in rows:
            for name, known in _ids_in(row):
                if (name, known) not in self.of:
                    self.of[name, known] = row
                    for end in {known[:_SHORTEST].upper(), known[-_SHORTEST:].upper()}:
                        self.alike[name, end].append(known)


_TYPED = (
    "with a different character",
    "Copy the ID from the response instead of typing it.",
)


def _difference(asked: str, known: str) -> tuple[str, str] | None:
    """Return how an ID differs from the one that may be meant, and what to check, or None."""
    one, other = asked.upper(), known.upper()
    lengths = len(one), len(other)
    if asked == known or min(lengths) < _SHORTEST or max(lengths) > _LONGEST:
        return None
    if one == other:
        return "in other letters (upper or lower case)", "Leave the case of an ID as it is."
    less, more = len(other) - len(one), len(one) - len(other)
    room = f"Check whatever stores or copies the ID: it has {len(known)} characters."
    if other.startswith(one) or other.endswith(one):
        side = "last" if other.startswith(one) else "first"
        return f"without its {_characters(side, less)}", room
    if one.startswith(other) or one.endswith(other):
        side = "end" if one.startswith(other) else "beginning"
        return f"with {counted(more, 'more character')} at the {side}", room
    is_near = difflib.SequenceMatcher(None, one, other).ratio() >= _NEAR
    return _TYPED if is_near else None


def _characters(side: str, n: int) -> str:
    return f"{side} character" if n == 1 else f"{side} {n} characters"


def _ids_in(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield each ID that an exchange shows, with the name that paths give it."""
    for batch_id, _ in reports_of(exchange) if exchange.delivery else ():
        if batch_id:
            yield "batch_id", batch_id
    resource = (exchange.endpoint or "").partition("/")[2].split("/")[0]
    response = value_of(exchange.response_body)
    if resource not in _NAMES or not isinstance(response, Mapping):
        return
    listed = response.get(resource)
    for one in listed if isinstance(listed, list) else [response]:
        if isinstance(one, Mapping) and isinstance(one.get("id"), str):
            yield _NAMES[resource], one["id"]


def made_at(identifier: str) -> datetime | None:
    """
    Return the time in a ULID, or None.

    The vendor's mock IDs are no ULIDs, so an impossible time is none either.
    """
    if not re.fullmatch(rf"[0-7][{_CROCKFORD}]{{25}}", identifier):
        return None
    milliseconds = 0
    for character in identifier[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(character)
    made = (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        if milliseconds < 4e12
        else None
    )
    return made if made and made.year >= 2015 else None


def shape_of(asked: str) -> str:
    """
    Return what the length of an ID tells of it, or nothing.

    Examples
    --------
    >>> shape_of("01KT6Q3M8ZB4N7V2X9C5D1F0")
    'It has 24 characters. IDs have 26 (old ones 12 to 16), so it may be incomplete.'
    >>> shape_of("01KT6Q3M8ZB4N7V2X9C5D1F0GH")
    ''
    """
    length = len(asked)
    if length >= _LENGTH or length in _OLD_LENGTHS or not asked.isalnum():
        return ""
    old = f"{_OLD_LENGTHS.start} to {_OLD_LENGTHS.stop - 1}"
    return (
        f"It has {length} characters. IDs have {_LENGTH} (old ones {old}), so it may be incomplete."
    )
