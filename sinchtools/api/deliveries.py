"""
Read delivery reports and join them to the sends that they speak of.

A report is the body of a callback, or the answer to a GET of a report.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from sinchtools.api.catalogue import delivery_statuses
from sinchtools.api.description import locate
from sinchtools.api.entries import DeliveryStatus
from sinchtools.core.json import object_of, value_of
from sinchtools.core.records import NOT_DELIVERED, Exchange

SENT = "(sent)"  # ends what is said of a report whose send is in the evidence too
_STATUS_OF = {0: "Delivered", 400: "Queued", 401: "Dispatched", 407: "Cancelled"}
INBOUND = "inbound"
_INBOUND = ("mo_text", "mo_binary", "mo_media")
_BROUGHT = (None, "callback")  # endpoints of what is no request to the API
_PRINTED_BATCH = re.compile(r"\bbatch_?[iI]d['\"]?\s{0,4}[=:]\s{0,4}['\"]?([\w-]{1,64})")
_PRINTED_STATUS = re.compile(
    r"\bcode['\"]?\s{0,4}[=:]\s{0,4}['\"]?(\d{1,6})\b[^{}()]{0,200}?"
    r"\bstatus['\"]?\s{0,4}[=:]\s{0,4}['\"]?(?:\w{1,40}\.)?([A-Za-z]{1,20})\b"
)
_PRINTED_INBOUND = re.compile(r"\b(?:MO(?:Text|Binary|Media)|Inbound(?:Message|Sms))")
_LONGEST_PRINTED = 20_000
_LONGEST = 2_000_000  # of a body that is read for reports


class Told(NamedTuple):
    """
    What one entry of a report says.

    That is of which recipient (None: of several), code, status, and of how many recipients.
    """

    recipient: str | None
    code: int
    status: str
    number: int = 1

    @property
    def is_final(self) -> bool:
        """Whether nothing follows it."""
        return _statuses()[self.status.lower()].final

    @property
    def is_failure(self) -> bool:
        """Whether the message did not reach the recipient, and was meant to."""
        return self.status in NOT_DELIVERED

    def __str__(self) -> str:
        return f"{self.code} {self.status}"


@cache
def _statuses() -> dict[str, DeliveryStatus]:
    return {one.name.lower(): one for one in delivery_statuses()}


def reports_of(exchange: Exchange) -> Iterator[tuple[str | None, list[Told]]]:
    """Yield each delivery report that an exchange carries: the batch ID, and what it tells."""
    for report in _bodies(exchange):
        lists = report.get("statuses"), report.get("delivery_reports")
        batch_id = report.get("batch_id")
        if isinstance(lists[1], list):
            for one in filter(_is_report, lists[1]):
                yield _text(one.get("batch_id")), list(_entries(one))
        elif isinstance(lists[0], list) or _is_report(report):
            yield _text(batch_id) or _batch_in_path(exchange), list(_entries(report))


def is_callback(exchange: Exchange) -> bool:
    """Tell whether an exchange brought a report or a message to a customer's callback URL."""
    return exchange.endpoint in _BROUGHT and (
        exchange.endpoint == "callback"
        or any(_is_report(one) or one.get("type") in _INBOUND for one in _of(exchange.request_body))
    )


def joined(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """
    Return the exchanges with `delivery` set by the delivery reports among them.

    Examples
    --------
    >>> sent = Exchange(method="POST", endpoint="POST /batches", status=201,
    ...                 response_body='{"id": "B1", "to": ["15551230001"]}')
    >>> report = Exchange(method="POST", request_body='{"batch_id": "B1", "type": '
    ...     '"delivery_report_sms", "statuses": [{"code": 412, "status": "Failed", "count": 1}]}')
    >>> [one.delivery for one in joined([sent, report])]
    ['412 Failed', '412 Failed (sent)']
    """
    rows = list(exchanges)
    own = {i: told for i, x in enumerate(rows) if (told := list(reports_of(x)))}
    for i, x in enumerate(rows):
        if i not in own and x.delivery is None and _is_inbound(x):
            rows[i] = replace(x, delivery=INBOUND)
    of_batch: dict[str, list[Told]] = defaultdict(list)
    for told in own.values():
        for batch_id, entries in told:
            of_batch[batch_id or ""] += entries
    sends = enumerate(rows) if of_batch else ()
    sent = {i: b for i, x in sends if (b := batch_sent_by(x)) in of_batch and b}
    joins = set(sent.values())
    became = {batch_id: worst(of_batch[batch_id]) for batch_id in joins}
    for i, batch_id in sent.items():
        rows[i] = replace(rows[i], delivery=became[batch_id])
    for i, told in own.items():
        said = worst([entry for _, entries in told for entry in entries])
        is_sent = bool(told) and all(batch_id in joins for batch_id, _ in told)
        rows[i] = replace(rows[i], delivery=f"{said} {SENT}" if said and is_sent else said)
    return rows


def worst(told: Sequence[Told]) -> str | None:
    """Return what counts of several entries: a failure, else what is not final, else the last."""
    last: dict[str | None, list[Told]] = defaultdict(list)
    for entry in told:
        kept = last[entry.recipient]
        if entry.recipient is None:
            kept.append(entry)
        elif entry.is_final or not any(one.is_final for one in kept):
            kept[:] = [entry]
    entries = [entry for kept in last.values() for entry in kept]
    failed = [entry for entry in entries if entry.is_failure]
    return (
        str((failed or [e for e in entries if not e.is_final] or entries)[-1]) if entries else None
    )


def batch_sent_by(exchange: Exchange) -> str | None:
    """Return the ID of the batch that a send made, or None."""
    if exchange.endpoint != "POST /batches" or exchange.http_outcome != "success":
        return None
    return _text(object_of(exchange.response_body).get("id"))


def _bodies(exchange: Exchange) -> Iterator[Mapping[str, Any]]:
    endpoint = exchange.endpoint
    is_brought, is_asked = endpoint in _BROUGHT, endpoint is None or "/delivery_report" in endpoint
    if not (is_brought or is_asked) or exchange.http_outcome not in ("success", "no_response"):
        return
    if is_brought:
        yield from _of(exchange.request_body)
    if is_asked:
        yield from _of(exchange.response_body)


def _is_inbound(exchange: Exchange) -> bool:
    body = exchange.request_body
    if not is_callback(exchange) or not isinstance(body, str):
        return False
    return bool(_PRINTED_INBOUND.search(body, 0, 1000)) or any(
        one.get("type") in _INBOUND for one in _of(body)
    )


def _of(body: str | bytes | None) -> Iterator[Mapping[str, Any]]:
    sign: Any = b"status" if isinstance(body, bytes) else "status"
    kind: Any = b"mo_" if isinstance(body, bytes) else "mo_"
    if not body or len(body) > _LONGEST or (sign not in body and kind not in body):
        return
    value = value_of(body)
    if isinstance(value, Mapping):
        yield value
    elif isinstance(body, str) and not body.lstrip().startswith(("{", "[")):
        yield from _printed(body[:_LONGEST_PRINTED])


def _printed(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the report that a program printed as its own object."""
    batch_id = _PRINTED_BATCH.search(text)
    statuses = [{"code": m[1], "status": m[2]} for m in _PRINTED_STATUS.finditer(text)]
    if batch_id and statuses:
        yield {"batch_id": batch_id[1], "statuses": statuses}


def _is_report(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    named = isinstance(kind, str) and "delivery_report" in kind
    return (named or "batch_id" in value) and ("statuses" in value or "status" in value)


def _entries(report: Mapping[str, Any]) -> Iterator[Told]:
    statuses = report.get("statuses")
    entries = statuses if isinstance(statuses, list) else [report]
    for entry in entries:
        if isinstance(entry, Mapping) and (told := _entry(entry, entries is statuses)):
            yield told


def _entry(entry: Mapping[str, Any], several: bool) -> Told | None:
    code, status = str(entry.get("code", "")), entry.get("status")
    if not code.isascii() or not code.isdigit() or len(code) > 6:
        return None
    known = _statuses().get(str(status).strip().lower())
    name = known.name if known else _STATUS_OF.get(int(code), "Unknown" if status else "Failed")
    if not several:
        return Told(_text(entry.get("recipient")), int(code), name)
    count = entry.get("count")
    return Told(None, int(code), name, count if type(count) is int and count > 0 else 1)


def share_of(code: int, told: Iterable[Told]) -> tuple[int, int]:
    """
    Return how many recipients have a code, by the last word on each, and how many there are.

    Examples
    --------
    >>> sent = [Told("1", 401, "Dispatched"), Told("1", 0, "Delivered"), Told("2", 310, "Failed")]
    >>> share_of(310, sent)
    (1, 2)
    """
    last = {one.recipient or (at, one.code): one for at, one in enumerate(told)}
    with_code = sum(one.number for one in last.values() if one.code == code)
    return with_code, sum(one.number for one in last.values())


def _batch_in_path(exchange: Exchange) -> str | None:
    return locate(exchange.url).values.get("batch_id") if exchange.url else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
