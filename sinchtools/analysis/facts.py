"""
Read off a request what may explain that it fails.

These are facts of its body and headers that the columns do not tell: who it is for, what it is sent
from, and with which credential and client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from sinchtools.analysis.body_fields import (
    country,
    json_object,
    number_form,
    request_fields,
    sender_kind,
)
from sinchtools.core.volatile import volatile

FACTS = ("token", "client", "sender kind", "country")  # what may carry a change, likeliest first
_MARKER = re.compile(r"\[secret \w+ \d+ (#\d+)")
_OF_BODY: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "sender kind": sender_kind,
    "country": country,
    "number form": number_form,
}
_OF_HEADERS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "token": lambda headers: _token(headers.get("authorization")),
    "client": lambda headers: headers.get("user-agent"),
}


def with_facts(found: pd.DataFrame) -> pd.DataFrame:
    """Return rows with their facts, None where a request does not tell one."""
    columns: dict[str, list[str | None]] = {}
    for column, facts in (("request_body", _OF_BODY), ("request_headers", _OF_HEADERS)):
        told = _told(found[column], facts)
        columns |= {name: [one[i] for one in told] for i, name in enumerate(facts)}
    return found.assign(**{name: pd.Series(v, found.index, object) for name, v in columns.items()})


def _told(
    texts: Iterable[Any], facts: dict[str, Callable[[dict[str, Any]], str | None]]
) -> list[tuple[str | None, ...]]:
    nothing = (None,) * len(facts)
    seen: dict[Any, tuple[str | None, ...]] = {}
    for text in texts:
        if text not in seen:
            told = {key.lower(): value for key, value in json_object(text).items()}
            seen[text] = tuple(fact(told) for fact in facts.values()) if told else nothing
    return [seen[text] for text in texts]


def _token(header: Any) -> str | None:
    """Return which of the credentials of the evidence a request carries."""
    match = _MARKER.search(header) if isinstance(header, str) else None
    return match[1] if match else None


def with_fields(found: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return rows with what their bodies and headers have, and the names of these columns."""
    bodies = _columns(found["request_body"], lambda text: dict(request_fields(text)))
    headers = _columns(found["request_headers"], _header_fields)
    columns = {name: values for name, values in {**bodies, **headers}.items() if name not in found}
    told = pd.DataFrame(columns, index=found.index)
    return pd.concat([found, told], axis=1), ["number form", *columns]


def _header_fields(text: Any) -> dict[str, str]:
    headers = json_object(text)
    return {
        f"header {key.lower()}": str(value)[:80]
        for key, value in headers.items()
        if key.lower() not in volatile("headers")
    }


def _columns(
    texts: pd.Series[Any], fields: Callable[[Any], dict[str, str]]
) -> dict[str, list[str | None]]:
    codes, values = pd.factorize(texts.where(texts.notna(), None), use_na_sentinel=False)
    told = [fields(None if value != value else value) for value in values]
    names = dict.fromkeys(name for one in told for name in one)
    return {name: [told[i].get(name) for i in codes] for name in names}
