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
    """The batches that the API made of one body, and when the first and the last were sent."""

    batches: dict[str, None] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, batch_id: str, at: datetime | None) -> None:
        self.batches.setdefault(batch_id)
        if at:
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
    rows
        The sends; they are read when the first is asked for.
    of
        By account and body: the batches that the API made of it.
    """

    rows: list[Exchange] = field(default_factory=list)
    of: dict[tuple[str | None, str], _Message] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange that passed."""
        if exchange.endpoint == _SEND and isinstance(exchange.request_body, str):
            self.rows.append(exchange)

    def findings(self, exchange: Exchange) -> Iterator[Finding]:
        """Yield that a send was accepted as other batches too."""
        batch_id, body = deliveries.batch_sent_by(exchange), exchange.request_body
        if batch_id is None or not isinstance(body, str):
            return
        self._read()
        message = self.of.get((exchange.account, body), _Message())
        number, span = len(message.batches), message.span
        if number < 2 or batch_id not in message.batches:
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

    def _read(self) -> None:
        rows, self.rows = self.rows, []
        for row in rows:
            if batch_id := deliveries.batch_sent_by(row):
                key = row.account, str(row.request_body)
                self.of.setdefault(key, _Message()).add(batch_id, row.at)
