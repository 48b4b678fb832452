"""How the numbers begin that were accepted: that tells the country that an account sends to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sinchtools.core.gsm import SEPARATORS
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange

_SEND, _LOOKED_AT = "POST /batches", 20  # recipients of one send
_START = re.compile(r"(?:\+|00)([1-9]\d\d)")


@dataclass(slots=True)
class NumberStarts:
    """
    The first three digits of the numbers that were accepted.

    Attributes
    ----------
    rows
        The sends; they are read when the first account is asked for.
    of
        By account: the first digits, each with the first row that shows them.
    """

    rows: list[Exchange] = field(default_factory=list)
    of: dict[str, dict[str, Exchange]] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange that passed."""
        if exchange.endpoint == _SEND:
            self.rows.append(exchange)

    def of_account(self, account: str | None) -> Mapping[str, Exchange]:
        """Return the first digits that an account sent to, each with a row."""
        rows, self.rows = self.rows, []
        for row in rows:
            for start in starts_in(row):
                self.of.setdefault(row.account or "", {}).setdefault(start, row)
        return self.of.get(account or "", {})


def starts_in(exchange: Exchange) -> set[str]:
    """
    Return the first three digits of the international numbers of a send.

    Examples
    --------
    >>> sent = Exchange(endpoint="POST /batches", request_body='{"to": ["+1 555 0123", "0770"]}')
    >>> starts_in(sent)
    {'155'}
    """
    body = object_of(exchange.request_body) if exchange.endpoint == _SEND else {}
    numbers = body.get("to")
    looked_at = numbers[:_LOOKED_AT] if isinstance(numbers, list) else []
    bare = (SEPARATORS.sub("", number) for number in looked_at if isinstance(number, str))
    return {found[1] for number in bare if (found := _START.match(number))}
