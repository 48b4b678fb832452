"""What a request does to people, as a digest: the same for requests that do the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sinchtools.api.description import (
    BY_TEMPLATE,
    Endpoint,
    Field,
    endpoint_of,
    schema_of,
    split_url,
)
from sinchtools.api.validation import instant_of, is_group_id
from sinchtools.client.sending import as_sent
from sinchtools.core import settings
from sinchtools.core.gsm import digits
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange
from sinchtools.replays.guards import sent_to


def message_of(x: Exchange) -> str:
    """Return what reaches people: the same whatever the headers and the notation are."""
    method, path, body = on_the_wire(x)
    value = value_of(x.request_body)
    if isinstance(value, dict):
        value = _in_one_writing(value, BY_TEMPLATE.get(endpoint_of(x.method, x.url) or ""))
    return digest(
        [
            method,
            path.partition("?")[0],
            body if value is None else json.dumps(value, sort_keys=True),
        ]
    )


def _in_one_writing(body: Mapping[str, Any], endpoint: Endpoint | None) -> dict[str, Any]:
    """
    Return a body without what makes no difference.

    That is defaults, empty parts, how numbers and times are written, and the order of people.
    """
    schema = schema_of(endpoint.body, body) if endpoint and endpoint.body else {}
    changes_only = endpoint is not None and "update" in str(
        endpoint.body
    )  # there a default is a change
    found = {}
    for name, value in body.items():
        spec = schema.get(name, _UNKNOWN)
        if (
            value is None
            or (not changes_only and _says_nothing(spec, value))
            or (name, value) == ("type", "mt_text")
        ):
            continue
        found[name] = _written_once(spec.kind, value)
    return found


_UNKNOWN = Field(kind="unknown", required=True)  # what it means is not known: it always counts


def _says_nothing(spec: Field, value: Any) -> bool:
    if spec.required:
        return False
    return (
        value is False
        or value in ("", [], {})
        or (isinstance(value, str) and value == spec.default)
    )


def _written_once(kind: str, value: Any) -> Any:
    if kind in ("recipients", "numbers", "ids") and isinstance(value, list):
        return sorted({_number(str(one)) for one in value})
    if kind in ("sender", "number") and isinstance(value, str):
        return _number(value)
    if kind == "hex" and isinstance(value, str):
        return value.lower()
    if kind == "instant" and isinstance(value, str):
        moment = instant_of(value)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}".replace(".000000", "") if moment else value
    if kind == "parameters" and isinstance(value, dict):
        return {name: _values_once(values) for name, values in value.items()}
    return value


def _values_once(values: Any) -> Any:
    return (
        {_number(who): value for who, value in values.items()}
        if isinstance(values, dict)
        else values
    )


def _number(text: str) -> str:
    """Return a number as its digits; a group ID and a name as they are."""
    bare = digits(text)
    return bare if bare.isdigit() and not is_group_id(text) else text


def digest(parts: Sequence[object]) -> str:
    """Return a short name of parts, the same for the same parts."""
    return hashlib.blake2b(json.dumps(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def on_the_wire(x: Exchange) -> tuple[str, str, str]:
    """
    Return method, path with query, and body as they are sent.

    Requests that are equal here are equal for the server.
    """
    parts = split_url(as_sent(sent_to(settings.base_url("us"), x.url or "")) or x.url or "")
    body = (
        x.request_body.encode("utf-8", "replace")
        if isinstance(x.request_body, str)
        else x.request_body or b""
    )
    return (x.method or "").upper(), f"{parts.path.rstrip('/')}?{parts.query}", repr(body)
