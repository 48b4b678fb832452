"""What a finder takes out of a text, and the lines that it was read from."""

from __future__ import annotations

from dataclasses import dataclass

from sinchtools.core.records import Exchange


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
