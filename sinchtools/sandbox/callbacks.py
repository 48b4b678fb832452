"""
Push delivery reports and inbounds to loopback URLs.

They are due, signed and repeated by the sandbox's clock.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import heapq
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from sinchtools.api.description import locate
from sinchtools.sandbox import delivery
from sinchtools.sandbox.state import Account, Batch, Clock

RETRY_AFTER_S = tuple(5 * 2**i for i in range(15))  # after the first failure: 5, 10, 20 ... 81920
TIMEOUT_S = 10
USER_AGENT = "Apache-HttpClient/5.5.1 (Java/21.0.5)"
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One attempt to deliver a callback, on the sandbox's clock.

    `status` is None when nobody answered.
    """

    at: datetime
    url: str
    status: int | None
    number: int


@dataclass(slots=True, eq=False)
class _Push:
    account: Account
    url: str
    body: Callable[[datetime], bytes | None]  # None: there is nothing to tell any more
    failed_at: datetime | None = None
    attempts: int = 0
    sent: bytes | None = field(default=None)


class Callbacks:
    """
    The queue of callbacks.

    Attributes
    ----------
    attempts
        What was sent, oldest first.
    """

    def __init__(self, clock: Clock) -> None:
        self.attempts: deque[Attempt] = deque(maxlen=KEPT)
        self._clock = clock
        self._queue: list[tuple[datetime, int, _Push]] = []
        self._order = itertools.count()
        self._busy: asyncio.Lock | None = None

    def report(self, account: Account, batch: Batch) -> None:
        """Queue the callbacks of a batch that was dispatched or cancelled."""
        wanted, url = (
            batch.fields.get("delivery_report", "none"),
            batch.fields.get("callback_url") or account.callback_url,
        )
        if wanted == "none" or not url or batch.recipients is None:
            return
        if wanted in {"summary", "full"}:
            ends = delivery.finished_at(batch) or self._clock.now()
            self._add(ends, _Push(account, url, _batch_body(batch, ends, full=wanted == "full")))
            return
        for recipient, changes in delivery.histories(batch):
            for change in changes:
                if (change.final or wanted == "per_recipient") and change.at >= min(
                    batch.canceled_at or change.at, change.at
                ):
                    self._add(
                        change.at, _Push(account, url, _recipient_body(batch, recipient, change))
                    )

    def inbound(self, account: Account, inbound: dict[str, Any]) -> None:
        """Queue the callback of an inbound."""
        if url := account.inbound_url or account.callback_url:
            body = _json(inbound)
            self._add(self._clock.now(), _Push(account, url, lambda at: body))

    def clear(self) -> None:
        """Forget what is queued and what was sent."""
        self._queue.clear()
        self.attempts.clear()

    def due_in_s(self) -> float | None:
        """Return the seconds until the next callback, or None when there is none."""
        return (
            max((self._queue[0][0] - self._clock.now()).total_seconds(), 0) if self._queue else None
        )

    async def settle(self) -> None:
        """
        Send what is due now, each at its own instant.

        Retries that become due meanwhile are included.
        """
        self._busy = self._busy or asyncio.Lock()
        async with self._busy:
            silent: set[str] = (
                set()
            )  # who did not answer now will not answer later in this same moment of real time
            while self._queue and self._queue[0][0] <= self._clock.now():
                due, _, push = heapq.heappop(self._queue)
                await self._send(due, push, silent)

    async def _send(self, due: datetime, push: _Push, silent: set[str]) -> None:
        push.sent = push.sent or push.body(due)
        if push.sent is None:
            return
        status = (
            await _post(push, due) if is_loopback(push.url) and push.url not in silent else None
        )
        if status is None:
            silent.add(push.url)
        push.attempts += 1
        self.attempts.append(Attempt(due, push.url, status, push.attempts))
        if not is_loopback(push.url) or (status is not None and status < 500 and status != 429):
            return
        push.failed_at = push.failed_at or due
        if push.attempts <= len(RETRY_AFTER_S):
            self._add(push.failed_at + timedelta(seconds=RETRY_AFTER_S[push.attempts - 1]), push)

    def _add(self, due: datetime, push: _Push) -> None:
        heapq.heappush(self._queue, (due, next(self._order), push))


def signature(secret: str, body: bytes, nonce: str, timestamp: str) -> str:
    """Return the HMAC of a callback: over its raw body, the nonce and the timestamp."""
    message = b".".join((body, nonce.encode(), timestamp.encode()))
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine; nothing else is ever called."""
    return locate(url).kind == "loopback"


async def _post(push: _Push, due: datetime) -> int | None:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Simulated": "1",
        **dict(_signed(push, due)),
    }
    request = HTTPRequest(
        push.url,
        method="POST",
        headers=headers,
        body=push.sent,
        follow_redirects=False,
        request_timeout=TIMEOUT_S,
        connect_timeout=TIMEOUT_S,
    )
    client = AsyncHTTPClient(force_instance=True)
    try:
        return (await client.fetch(request, raise_error=False)).code
    except Exception:  # whatever the receiver did: it did not answer
        return None
    finally:
        client.close()


def _signed(push: _Push, due: datetime) -> Iterator[tuple[str, str]]:
    if push.account.hmac_secret and push.sent is not None:
        nonce, timestamp = push.account.new_id(), str(int(due.timestamp()))
        yield (
            "x-sinch-webhook-signature",
            signature(push.account.hmac_secret, push.sent, nonce, timestamp),
        )
        yield "x-sinch-webhook-timestamp", timestamp
        yield "x-sinch-webhook-nonce", nonce
        yield "x-sinch-webhook-algorithm", "HmacSHA256"


def _batch_body(batch: Batch, ends: datetime, *, full: bool) -> Callable[[datetime], bytes | None]:
    def body(at: datetime) -> bytes | None:
        return (
            _json(delivery.batch_report(batch, at, full=full))
            if delivery.finished_at(batch) == ends
            else None
        )

    return body


def _recipient_body(
    batch: Batch, recipient: str, change: delivery.Change
) -> Callable[[datetime], bytes | None]:
    def body(at: datetime) -> bytes | None:
        return (
            _json(delivery.recipient_report(batch, recipient, change))
            if change in delivery.history(batch, recipient)
            else None
        )

    return body


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(
        "utf-8", "replace"
    )
