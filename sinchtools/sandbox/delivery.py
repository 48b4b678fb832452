"""
What becomes of messages.

A seeded model, worked out from the batch and the clock alone, so nothing is kept per recipient.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple

from sinchtools.api.description import PLACEHOLDER, substituted
from sinchtools.core.gsm import digits, encoding_of, parts_of
from sinchtools.core.tables import Row, Tag, Text, place_of, read_table
from sinchtools.sandbox.state import DEFAULT_ORIGINATOR, NO_ORIGINATOR, Batch, stamp

QUEUED, DISPATCHED, DELIVERED, UNMATCHED_PARAMETER, EXPIRED, CANCELLED, TOO_MANY_PARTS = (
    400,
    401,
    0,
    405,
    406,
    407,
    411,
)
RECEIPT_MS = (1800, 3500)  # how long a receipt takes, as seen live


class Change(NamedTuple):
    """One change of one message's status."""

    at: datetime
    code: int
    status: str
    final: bool


class Outcome(NamedTuple):
    """What becomes of the messages to the numbers that end in a suffix."""

    code: int
    status: str
    until_expiry: bool


_GOOD = Outcome(DELIVERED, "Delivered", False)


class _Row(Row, frozen=True):
    suffix: Text
    code: int
    status: Text
    until: Literal["final", "expiry"] = "final"
    tag: Tag = "documented"


class _Outcomes(Row, frozen=True):
    outcome: tuple[_Row, ...]


@cache
def outcomes() -> dict[str, Outcome]:
    """Return the table of outcomes by the last four digits of the number."""
    rows = read_table(place_of("outcomes.toml"), _Outcomes).outcome
    return {row.suffix: Outcome(row.code, row.status, row.until == "expiry") for row in rows}


def history(batch: Batch, recipient: str) -> list[Change]:
    """
    Return all changes of one message's status, including future ones.

    There are none before the batch is dispatched.
    """
    if batch.recipients is None or batch.starts_at is None or recipient not in batch.recipients:
        return []
    leaves = batch.starts_at + timedelta(
        seconds=batch.recipients.index(recipient) / batch.per_second
    )
    return _history(batch, recipient, leaves)


def histories(batch: Batch) -> Iterator[tuple[str, list[Change]]]:
    """Yield every recipient with all changes of its message's status."""
    if batch.recipients is None or batch.starts_at is None:
        return
    step = timedelta(seconds=1 / batch.per_second)
    for i, number in enumerate(batch.recipients):
        yield number, _history(batch, number, batch.starts_at + i * step)


def states(batch: Batch, now: datetime) -> list[tuple[str, Change]]:
    """Return every recipient with the status of its message."""
    return [(number, _latest(changes, now)) for number, changes in histories(batch)]


def state(batch: Batch, recipient: str, now: datetime) -> Change | None:
    """
    Return the status of one message.

    None means that the batch was not, or not yet, sent to this number.
    """
    changes = history(batch, recipient)
    return _latest(changes, now) if changes else None


def finished_at(batch: Batch) -> datetime | None:
    """Return when the last message of a batch becomes final, or None before it is dispatched."""
    if batch.recipients is None:
        return None
    step = timedelta(seconds=1 / batch.per_second)
    start = batch.starts_at or batch.due_at
    return max(
        (
            _history(batch, number, start + i * step)[-1].at
            for i, number in enumerate(batch.recipients)
        ),
        default=start,
    )


def batch_report(
    batch: Batch, now: datetime, *, full: bool, keep: Callable[[Change], bool] = lambda change: True
) -> dict[str, Any]:
    """Return the delivery report of a batch."""
    groups: dict[tuple[int, str], list[str]] = defaultdict(list)
    for recipient, change in states(batch, now):
        if keep(change):
            groups[change.code, change.status].append(recipient)
    statuses = [
        {"code": code, "status": status, "count": len(who)} | ({"recipients": who} if full else {})
        for (code, status), who in groups.items()
    ]
    report = {
        "type": f"delivery_report_{_channel(batch)}",
        "batch_id": batch.id,
        "total_message_count": len(batch.recipients or ()),
        "statuses": statuses,
    }
    return report | _reference(batch)


def recipient_report(batch: Batch, recipient: str, change: Change) -> dict[str, Any]:
    """Return the delivery report of one message."""
    report: dict[str, Any] = {
        "type": f"recipient_delivery_report_{_channel(batch)}",
        "batch_id": batch.id,
        "recipient": recipient,
    }
    report |= {"code": change.code, "status": change.status, "at": stamp(change.at)}
    if change.final and change.status not in {"Aborted", "Cancelled"}:
        report["operator_status_at"] = stamp(change.at.replace(second=0, microsecond=0))
    if "from" not in batch.fields and batch.halt != NO_ORIGINATOR:
        report["applied_originator"] = DEFAULT_ORIGINATOR
    if "max_number_of_message_parts" in batch.fields:
        report["number_of_message_parts"] = weigh(batch, recipient)[2]
    return report | _reference(batch)


def weigh(batch: Batch, recipient: str) -> tuple[str, str, int]:
    """
    Return text, encoding and number of parts of the message to one recipient.

    Its parameters are filled in.
    """
    body = batch.fields["body"]
    if batch.type != "mt_text":
        return (body if isinstance(body, str) else body.get("message") or ""), "text", 1
    text = _filled_in(batch, recipient) or body
    return text, encoding_of(text), 1 if batch.fields.get("truncate_concat") else parts_of(text)


def _history(batch: Batch, recipient: str, leaves: datetime) -> list[Change]:
    queued = Change(batch.due_at, QUEUED, "Queued", False)
    if batch.canceled_at and batch.canceled_at < leaves:
        return [queued, Change(batch.canceled_at, CANCELLED, "Cancelled", True)]
    if leaves >= batch.expires_at:
        return [queued, Change(batch.expires_at, EXPIRED, "Aborted", True)]
    if code := _refusal(batch, recipient):
        return [queued, Change(leaves, code, "Aborted", True)]
    outcome = outcomes().get(recipient[-4:], _GOOD)
    if outcome.status == "Aborted":
        return [queued, Change(leaves, outcome.code, outcome.status, True)]
    ends = batch.expires_at if outcome.until_expiry else leaves + _delay(batch, recipient)
    return [
        queued,
        Change(leaves, DISPATCHED, "Dispatched", False),
        Change(ends, outcome.code, outcome.status, True),
    ]


def _refusal(batch: Batch, recipient: str) -> int | None:
    if batch.halt is not None or batch.type != "mt_text":
        return batch.halt
    if _filled_in(batch, recipient) is None:
        return UNMATCHED_PARAMETER
    limit = batch.fields.get("max_number_of_message_parts")
    return TOO_MANY_PARTS if limit is not None and weigh(batch, recipient)[2] > limit else None


def _filled_in(batch: Batch, recipient: str) -> str | None:
    """Return the text for one recipient, or None when a placeholder has no value."""
    body: str = batch.fields["body"]
    if "${" not in body:
        return body
    if batch.values is None:
        named = set(PLACEHOLDER.findall(body))
        given = batch.fields.get("parameters") or {}
        batch.values = {key: _by_number(values) for key, values in given.items() if key in named}
    own = {
        key: {who: values[who] for who in (recipient, "default") if who in values}
        for key, values in batch.values.items()
    }
    return substituted(body, own, recipient)


def _by_number(values: dict[str, str]) -> dict[str, str]:
    """Return a parameter's values with the numbers as digits; the first of equal ones counts."""
    found: dict[str, str] = {}
    for who, text in values.items():
        found.setdefault(who if who == "default" else digits(who), text)
    return found


def _delay(batch: Batch, recipient: str) -> timedelta:
    low, high = RECEIPT_MS
    return timedelta(
        milliseconds=low + zlib.crc32(f"{batch.id}{recipient}".encode()) % (high - low)
    )


def _latest(changes: list[Change], now: datetime) -> Change:
    return next((change for change in reversed(changes) if change.at <= now), changes[0])


def _channel(batch: Batch) -> str:
    return "mms" if batch.type == "mt_media" else "sms"


def _reference(batch: Batch) -> dict[str, Any]:
    return (
        {"client_reference": batch.fields["client_reference"]}
        if "client_reference" in batch.fields
        else {}
    )
