"""What a finder takes out of a text, and the lines that it was read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sinchtools.core.records import Exchange
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


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a finder took out of a text.

    Attributes
    ----------
    start, end
        The first and the last line that it was read from, counted from 1.
    exchange
        The row. One without method and URL is a response: it goes to the request above it.
    format
        The name of the finder, which the reading fills in.
    """

    start: int
    end: int
    exchange: Exchange
    format: str = ""

    @property
    def is_response(self) -> bool:
        """Whether nothing of a request is known."""
        return not (self.exchange.method or self.exchange.url or self.exchange.request_body)

    @property
    def is_open(self) -> bool:
        """Whether nothing of a response is known."""
        known = self.exchange
        return known.status is None and not (known.response_body or known.failure or known.code)
