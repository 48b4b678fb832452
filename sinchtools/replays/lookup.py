"""Read-only questions before a send: did an earlier one arrive, and who is in a group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.api.description import RETENTION_DAYS, locate
from sinchtools.client.client import Client
from sinchtools.core.gsm import digits
from sinchtools.core.json import object_of, value_of
from sinchtools.core.records import Exchange
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.runner import Limiter

LISTED_AFTER = timedelta(minutes=2)  # ours: nothing says how soon a batch is in the list
STILL_OPEN = (
    "checked, and still unclear: the list does not settle it (another batch has that "
    "client_reference, too early or late, or no answer)"
)
_CLOCKS_DIFFER_BY = timedelta(days=1)  # the evidence's clock and time zone may be wrong

_NOTHING_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


def batch_of(sent: Exchange, client: Client) -> str | None:
    """
    Return the ID of the batch that a send made, empty when none is listed (see `LISTED_AFTER`).

    Return None when that cannot be known.
    """
    body = object_of(sent.request_body)
    reference = body.get("client_reference")
    if sent.account != client.account or sent.region not in (None, locate(client.base_url).region):
        return None
    if (
        sent.endpoint != "POST /batches"
        or not isinstance(reference, str)
        or not reference
        or sent.at is None
    ):
        return None
    start = (
        (max(sent.at, _NOTHING_BEFORE) - _CLOCKS_DIFFER_BY)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    listed_in_all, found, count = 0, list[dict[str, Any]](), 0
    for page in client.batches.pages(client_reference=reference, start_date=start, page_size=100):
        listed = value_of(page.response_body)
        if page.status != 200 or not _is_listing(listed):
            return None
        listed_in_all, count = listed_in_all + len(listed["batches"]), listed["count"]
        found += [
            batch
            for batch in listed["batches"]
            if batch.get("client_reference", reference) == reference
        ]
    if same := next((batch for batch in found if _is_made_by(body, batch)), None):
        return str(same.get("id"))
    age = datetime.now(UTC) - sent.at
    is_kept = -_CLOCKS_DIFFER_BY < age < timedelta(days=RETENTION_DAYS)
    return (
        "" if is_kept and not found and listed_in_all >= count else None
    )  # one of that reference with other content may be it, changed since


def _is_listing(value: Any) -> bool:
    if not (
        isinstance(value, dict)
        and isinstance(value.get("batches"), list)
        and isinstance(value.get("count"), int)
    ):
        return False
    return all(isinstance(batch, dict) for batch in value["batches"])


def members_of(
    group_id: str, client: Client, seen: frozenset[str] = frozenset()
) -> tuple[str, ...] | None:
    """
    Return the numbers in a group and in the groups within it.

    Return None when the vendor does not say.
    """
    group, members = client.groups.get(group_id), client.groups.list_members(group_id)
    described, numbers = value_of(group.response_body), value_of(members.response_body)
    if (
        (group.status, members.status) != (200, 200)
        or not isinstance(described, dict)
        or not isinstance(numbers, list)
    ):
        return None
    inner = [
        members_of(child, client, seen | {group_id})
        for child in described.get("child_groups") or ()
        if child not in seen | {group_id}
    ]
    if any(one is None for one in inner):
        return None
    return tuple(
        dict.fromkeys([*map(str, numbers), *(number for one in inner for number in one or ())])
    )


def _is_made_by(body: Mapping[str, Any], batch: Mapping[str, Any]) -> bool:
    to = [{digits(str(entry)) for entry in one.get("to") or []} for one in (body, batch)]
    return to[0] == to[1] and body.get("body") == batch.get("body")


def paced(questions: Iterable[Any], limiter: Limiter) -> Iterator[Any]:
    """Yield the questions no faster than the limiter allows."""
    for question in questions:
        time.sleep(limiter.reserve())
        yield question


def settled_by_asking(item: PlannedRequest, client: Client, limiter: Limiter) -> PlannedRequest:
    """Return the item with the outcome of its original settled, if its client_reference allows."""
    if not item.unsettled:
        return item
    time.sleep(limiter.reserve())
    batch_id = batch_of(item.original, client)
    age = datetime.now(UTC) - (item.original.at or datetime.now(UTC))
    if batch_id is None or (not batch_id and age < LISTED_AFTER):
        has_reference = "client_reference" in object_of(item.original.request_body)
        return replace(
            item,
            advice=STILL_OPEN if has_reference else "cannot be checked: it has no client_reference",
        )
    if batch_id:
        found = f"was sent already: batch {batch_id} is there"
        return replace(item, blockers=(*item.blockers, found), unsettled="")
    said = "checked: no such batch is there"
    return replace(item, unsettled="", advice=said, checked=datetime.now(UTC))
