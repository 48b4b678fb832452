"""What a finder takes out of a text, and the lines that it was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from sinchtools.core.records import Exchange
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.times import words

# the fields of a row that tell of its response
RESPONSE = words("status code text response_headers response_body failure elapsed_ms")


def filled(known: Exchange, more: Exchange, names: Iterable[str] = RESPONSE) -> Exchange:
    """
    Return a row with what another one tells in some fields, where it tells nothing itself.

    Examples
    --------
    >>> filled(Exchange(url="/groups"), Exchange(url="/batches", status=404)).status
    404
    """
    open_ones = [name for name in names if getattr(known, name) in (None, "", {})]
    return replace(known, **{name: getattr(more, name) for name in open_ones})


def contradict(a: Exchange, b: Exchange, names: Iterable[str]) -> bool:
    """Tell whether two rows tell of one call what cannot both be so."""
    pairs = ((getattr(a, name), getattr(b, name)) for name in names)
    return any(one is not None and two is not None and one != two for one, two in pairs)


class Role(Enum):
    """What the rows of a finder are to the other rows of a text."""

    CALL = "tells of a call"
    COMMAND = "a command: the output of the one above it ends there"
    SCRIPT = "several requests of a file that is run"
    CODE = "code, with its log above it or below it"
    PRINTED = "an object that a program printed"

    @property
    def is_run(self) -> bool:
        """Whether a person runs it: its comments are a part of it, its output stands below."""
        return self in (Role.COMMAND, Role.SCRIPT, Role.CODE)


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a finder took out of a text.

    An exchange without method and URL is a response: it goes to the request above it.
    """

    start: int  # the first line that it was read from, counted from 1
    end: int  # the last one
    exchange: Exchange
    format: str = ""  # the name of the finder, which the reading fills in, as the role
    role: Role = Role.CALL

    @property
    def is_response(self) -> bool:
        """Whether nothing of a request is known."""
        return not (self.exchange.method or self.exchange.url or self.exchange.request_body)

    @property
    def is_open(self) -> bool:
        """Whether nothing of a response is known."""
        known = self.exchange
        return known.status is None and not (known.response_body or known.failure or known.code)


class Finder(NamedTuple):
    """What finds one kind of evidence among other words."""

    find: Callable[[Piece], Iterable[Found]]
    before: str = ""  # finders that would take lines of this kind too, and get them later
    role: Role = Role.CALL
