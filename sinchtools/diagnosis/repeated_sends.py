"""Find a message that the API accepted more than once: the same send, as several batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sinchtools.api import deliveries
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.words import duration, listed, times
from sinchtools.diagnosis.rules import finding_of

_SEND = "POST /batches"
_MOST_BATCHES = 3  # of one message that has no client_reference; more is a test or a campaign
_SOON = timedelta(minutes=10)


@dataclass(slots=True)
class _Message:
    """The sends of one body, the batches that the API made of it, and the first and last time."""

    sends: int = 0
    unread: list[Exchange] = field(default_factory=list)
    batches: dict[str, None] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, send: Exchange) -> None:
        self.sends += 1
        self.unread.append(send)

    def read(self) -> None:
        """Take the batches and the times from the responses."""
        unread, self.unread = self.unread, []
        for row in unread:
            if batch_id := deliveries.batch_sent_by(row):
                self.batches.setdefault(batch_id)
                if at := row.at:
                    self.first, self.last = min(self.first or at, at), max(self.last or at, at)

    @property
    def span(self) -> timedelta | None:
        """The time between the first and the last, if it is known."""
        if self.first and self.last and self.first < self.last:
            return self.last - self.first
        return None


@dataclass(slots=True)
class RepeatedSends:
    """
    The sends that were accepted.

    Attributes
    ----------
    of
        By account and body: the sends, whose responses are read where a body was sent again.
    """

    of: dict[tuple[str | None, str], _Message] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange that passed."""
        if exchange.endpoint == _SEND and isinstance(exchange.request_body, str):
            self.of.setdefault((exchange.account, exchange.request_body), _Message()).add(exchange)

    def findings(self, exchange: Exchange) -> Iterator[Finding]:
        """Yield that a send was accepted as other batches too."""
        body = exchange.request_body
        message = self.of.get((exchange.account, body)) if isinstance(body, str) else None
        if message is None or message.sends < 2 or exchange.endpoint != _SEND:
            return
        message.read()
        number, span = len(message.batches), message.span
        if number < 2 or deliveries.batch_sent_by(exchange) not in message.batches:
            return
        reference = object_of(body).get("client_reference")
        if not reference and (number > _MOST_BATCHES or span is None or span > _SOON):
            return
        facts = {
            "times": times(number),
            "value": listed([*islice(message.batches, _MOST_BATCHES)]),
            "more": ", among others" if number > _MOST_BATCHES else "",
            "span": f" within {duration(span)}" if span else "",
        }
        yield finding_of(exchange, "accepted-twice", facts=facts)
