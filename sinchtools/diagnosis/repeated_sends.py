"""Find a message that the API accepted more than once: the same send, as several batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sinchtools.api import deliveries
from sinchtools.api.validation import instant_of
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.words import duration, listed, times
from sinchtools.diagnosis.rules import finding_of

_SEND, _LIST = "POST /batches", "GET /batches"
_SAME = ("to", "from", "body", "parameters", "client_reference")  # of batches of one message
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
                self.take(batch_id, row.at)

    def take(self, batch_id: str, at: datetime | None) -> None:
        """Take in one batch, and when it was sent."""
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
    of
        By account and body: the sends, whose responses are read where a body was sent again.
    lists
        The lists of batches that the API returned; they are read when the first send is asked for.
    listed
        By account and batch ID: the message of a batch in a list.
    """

    of: dict[tuple[str | None, str], _Message] = field(default_factory=dict)
    lists: list[Exchange] = field(default_factory=list)
    listed: dict[tuple[str | None, str], _Message] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange that passed."""
        if exchange.endpoint == _LIST:
            self.lists.append(exchange)
        elif exchange.endpoint == _SEND and isinstance(exchange.request_body, str):
            self.of.setdefault((exchange.account, exchange.request_body), _Message()).add(exchange)

    def findings(self, exchange: Exchange) -> Iterator[Finding]:
        """Yield that a message was accepted as several batches."""
        for facts in self.facts(exchange):
            yield finding_of(exchange, "accepted-twice", facts=facts)

    def facts(self, exchange: Exchange) -> Iterator[dict[str, str]]:
        """Yield what is known of each message that was accepted as several batches."""
        for message, reference in self._sent_again(exchange):
            number, span = len(message.batches), message.span
            if not reference and (number > _MOST_BATCHES or span is None or span > _SOON):
                continue
            yield {
                "times": times(number),
                "value": listed([*islice(message.batches, _MOST_BATCHES)]),
                "more": ", among others" if number > _MOST_BATCHES else "",
                "span": f" within {duration(span)}" if span else "",
            }

    def _sent_again(self, exchange: Exchange) -> Iterator[tuple[_Message, Any]]:
        """Yield the messages of an exchange that have several batches, and what marks each."""
        self._read_lists()
        if exchange.endpoint == _LIST:
            known = {id(message): (message, one) for one, message in self._listed_by(exchange)}
            for message, one in known.values():
                if len(message.batches) > 1:
                    yield message, one.get("client_reference")
        body, batch_id = exchange.request_body, deliveries.batch_sent_by(exchange)
        message = self._of_body(exchange.account, body) if isinstance(body, str) else _Message()
        is_lost = exchange.status is None and exchange.endpoint == _SEND
        if len(message.batches) > 1 and (is_lost or batch_id in message.batches):
            yield message, object_of(body).get("client_reference")

    def _of_body(self, account: str | None, body: str) -> _Message:
        """Return the batches of a body: by its sends, else by a list that shows its batch."""
        message = self.of.get((account, body), _Message())
        message.read()
        known = next(iter(message.batches), "")
        return message if message.sends > 1 else self.listed.get((account, known), message)

    def _read_lists(self) -> None:
        alike: dict[str, _Message] = {}
        lists, self.lists = self.lists, []
        for row in lists:
            for one in _batches_in(row):
                said = json.dumps([row.account, *(one.get(name) for name in _SAME)])
                message = alike.setdefault(said, _Message())
                made = one.get("created_at")
                message.take(one["id"], instant_of(made) if isinstance(made, str) else None)
                self.listed[row.account, one["id"]] = message

    def _listed_by(self, row: Exchange) -> Iterator[tuple[dict[str, Any], _Message]]:
        for one in _batches_in(row):
            if message := self.listed.get((row.account, one["id"])):
                yield one, message


def _batches_in(row: Exchange) -> list[dict[str, Any]]:
    batches = object_of(row.response_body).get("batches")
    entries = batches if isinstance(batches, list) else []
    return [one for one in entries if isinstance(one, dict) and isinstance(one.get("id"), str)]
