"""What an exchange shows that the checks ask for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.api import description, validation
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis.known_ids import made_at
from sinchtools.playbooks.check_rows import (
    NUMBER_FIELDS,
)


def batch_id_of(exchange: Exchange) -> str | None:
    """Return the batch that answer or path name, or None."""
    batch = (object_of(exchange.response_body) or {}).get("id") or description.locate(
        exchange.url or ""
    ).values.get("batch_id")
    return batch if isinstance(batch, str) and batch else None


def delivery_codes(findings: Iterable[Finding]) -> list[int]:
    """Return the delivery codes that findings name."""
    return [
        int(found[1])
        for f in findings
        if f.rule == "delivery-failed" and (found := re.search(r"code (\d+)", f.proof or ""))
    ]


def endpoint_of(exchange: Exchange) -> description.Endpoint | None:
    """Return the endpoint that an exchange called, or None."""
    return description.BY_TEMPLATE.get(exchange.endpoint or "")


def body_of_request(exchange: Exchange) -> dict[str, Any] | None:
    """Return the request's body where it is a JSON object, else None."""
    return object_of(exchange.request_body)


def object_of(body: str | bytes | None) -> dict[str, Any] | None:
    """Return a body where it is a JSON object, else None."""
    try:
        value = validation.parse_json(body) if body else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def recipients_of(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the recipients in a request, with the pointers of their places."""
    lists = (
        (name, value)
        for name, value in (body_of_request(exchange) or {}).items()
        if name in NUMBER_FIELDS and isinstance(value, list)
    )
    return [
        (f"/{name}/{i}", entry)
        for name, value in lists
        for i, entry in enumerate(value)
        if isinstance(entry, str)
    ]


def age_of(exchange: Exchange) -> timedelta | None:
    """Return how old a batch or an inbound was when it was asked for, or None."""
    values = description.locate(exchange.url or "").values
    made = made_at(values.get("batch_id") or values.get("inbound_id") or "")
    return exchange.at - made if made and exchange.at and made <= exchange.at else None


def is_private(host: str) -> bool:
    """Tell whether a host is one that the vendor cannot reach."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return (
            host == "localhost"
            or "." not in host
            or host.endswith((".local", ".internal", ".test", ".invalid", ".localhost", ".lan"))
        )


def length_of_text(exchange: Exchange) -> int | None:
    """Return the length that a response says it has, or None."""
    value = header(exchange.response_headers, "Content-Length") or ""
    return int(value) if re.fullmatch(r"[0-9]{1,15}", value) else None


def in_iso(instant: datetime) -> str:
    """Return a time as the API writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_words(age: timedelta) -> str:
    """Return an age in days or seconds."""
    return f"{age.days} days" if age.days > 1 else f"{age.total_seconds():.0f} s"
