"""Ask the vendor, by reads only, whether a send of unknown outcome arrived."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sinchtools.client.client import Client
from sinchtools.core.json import object_of
from sinchtools.replays.judging import STILL_OPEN
from sinchtools.replays.lookup import LISTED_AFTER, batch_of
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.runner import Limiter


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
