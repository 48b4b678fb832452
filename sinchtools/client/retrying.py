"""Whether and when an attempt is made again."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sinchtools.api.catalogue import retry_advice
from sinchtools.core.records import Exchange, header

_BACKOFF_BASE_S, _BACKOFF_CAP_S = 1.0, 60.0


def retry_delay_s(exchange: Exchange, attempt: int, now: datetime | None = None) -> float | None:
    """
    Return how long to wait before the next attempt, or None when there must be none.

    ``Retry-After`` is honoured, counted from `now` where it is a date; else full jitter: a random
    share of 1, 2, 4 ... 60 s.
    """
    if exchange.status not in {429, 500, 502, 503, 504}:
        return None
    advice, _ = retry_advice(
        exchange.status,
        exchange.code,
        exchange.method or "GET",
        failure=exchange.failure,
        html=exchange.is_html,
    )
    if advice == "ask-first":
        return None
    asked = retry_after_s(
        header(exchange.response_headers, "Retry-After"), now or datetime.now(UTC)
    )
    return (
        asked
        if asked is not None
        else random.uniform(0, min(_BACKOFF_CAP_S, _BACKOFF_BASE_S * 2 ** (attempt - 1)))
    )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """
    Return the seconds that a Retry-After header asks for (a number or an HTTP date).

    It is at most an hour, and None when the header says none.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else None
