"""Read-only questions before a send: did an earlier one arrive, and who is in a group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.api import RETENTION_DAYS, digits
from sinchtools.client import Client
from sinchtools.hazards import json_of
from sinchtools.records import Exchange


def batch_of(sent: Exchange, client: Client) -> str | None:
    """Return the ID of the batch that a send made, empty when there is none, None when that cannot be known."""
    reference = json_of(sent).get("client_reference")
    if sent.endpoint != "POST /batches" or not isinstance(reference, str) or not reference or sent.at is None:
        return None
    start = (sent.at - timedelta(minutes=5)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for page in client.batches.pages(client_reference=reference, start_date=start, page_size=100):
        if page.status != 200:
            return None
        for batch in json_of(replace(page, request_body=page.response_body)).get("batches") or []:
            if _same_batch(json_of(sent), batch):
                return str(batch.get("id"))
    return "" if sent.at > datetime.now(UTC) - timedelta(days=RETENTION_DAYS) else None


def members_of(group_id: str, client: Client) -> tuple[str, ...] | None:
    """Return the numbers in a group; None when the vendor does not tell."""
    answer = client.groups.list_members(group_id)
    try:
        numbers = json.loads(answer.response_body or "") if answer.status == 200 else None
    except ValueError:
        return None
    return tuple(map(str, numbers)) if isinstance(numbers, list) else None


def _same_batch(body: Mapping[str, Any], batch: Mapping[str, Any]) -> bool:
    to = [sorted(digits(str(entry)) for entry in one.get("to") or []) for one in (body, batch)]
    return to[0] == to[1] and body.get("body") == batch.get("body")
