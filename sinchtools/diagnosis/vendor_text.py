"""
Read the `text` of a refusal: which field it names.

The text is for people, and its wording may change. It never decides against the `code`: it only
says where to look first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sinchtools.api.catalogue import field_hints
from sinchtools.api.description import BY_TEMPLATE, SCHEMAS
from sinchtools.api.validation import is_group_id
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.generic_http import parsed

MOST_SAID = 2000  # characters of the text that are looked at
_MOST_QUOTED = 20  # quotations in it
_UNDERSCORED = re.compile(r"(?<![a-z])[a-z]++(?:_[a-z]++)++")
_INDEXED = re.compile(r"\b([a-z_]{1,40})\[(\d{1,6})\]")
_DOTTED = re.compile(r"^\W?([a-z_]{1,40})(?:\.[\w.${}-]{1,60})?\s?:\s")
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”]{1,200})['\"`’”]")
_PLAIN_NAME = re.compile(  # field names that are English words count only where a name is expected
    r"\b(?:field|parameter|property|[Tt]he)\s+(to|from|body|type|name|members|recipients"
    r"|parameters|udh)\b"
    r"|\b(to|from|body|members) (?:is|field|must|cannot|may)\b"
    r"|^\W?(to|from|body|type|members|parameters|udh)(?:\[\d+\])?\W?: "
)
_GROUP_FIELDS = (
    "to",
    "to_add",
    "to_remove",
    "child_groups",
    "child_groups_add",
    "add_from_group",
    "remove_from_group",
)
Named = tuple[str | None, str | None]


def said(exchange: Exchange) -> str:
    """Return the part of the text that is looked at."""
    return (exchange.text or "")[:MOST_SAID]


def named_in(exchange: Exchange) -> Named:
    """Return the field and the pointer that the vendor's text names, or None for each."""
    text = said(exchange)
    if not text:
        return None, None
    body = object_of(exchange.request_body)
    field, pointer = _indexed(text) or _quoted(text, body) or _by_name(text) or (None, None)
    return field, pointer or _pointer(field, body)


def pointed_at(exchange: Exchange) -> Named:
    """Return the field and the pointer that the text names, or that its wording points at."""
    field, pointer = named_in(exchange)
    if field is None and (hinted := _hinted(said(exchange))):
        field, pointer = hinted, _pointer(hinted, object_of(exchange.request_body))
    return field, pointer


def _pointer(field: str | None, body: Mapping[str, Any]) -> str | None:
    return f"/{field}" if field in body else None


def _indexed(text: str) -> Named | None:
    match = _INDEXED.search(text)
    return (match[1], f"/{match[1]}/{match[2]}") if match else None


def _quoted(text: str, body: Mapping[str, Any]) -> Named | None:
    for quoted in _QUOTED.findall(text)[:_MOST_QUOTED]:
        if place := _quoted_place(quoted, body):
            return place
    return None


def _by_name(text: str) -> Named | None:
    named = [name for name in _UNDERSCORED.findall(text) if name in _field_names()]
    if not named and (match := _DOTTED.match(text)) and match[1] in _field_names():
        named = [match[1]]
    if not named and (match := _PLAIN_NAME.search(text)):
        named = [next(filter(None, match.groups()))]
    return (named[0], None) if named else None


def _hinted(text: str) -> str | None:
    words = text.lower()
    found = {field for phrase, field in field_hints().items() if phrase in words}
    return found.pop() if len(found) == 1 else None


def _quoted_place(quoted: str, body: Mapping[str, Any]) -> Named | None:
    if quoted in _field_names():
        return quoted, None
    for name, value in body.items():
        if value == quoted:
            return name, f"/{name}"
        if isinstance(value, list) and quoted in value:
            return name, f"/{name}/{value.index(quoted)}"
    return None


@cache
def _field_names() -> frozenset[str]:
    names = {name for schema in SCHEMAS.values() for name in schema}
    return frozenset(names.union(*(endpoint.query for endpoint in BY_TEMPLATE.values())))


def group_places(body: Mapping[str, Any], text: str) -> Iterator[tuple[str, str]]:
    """Yield the places of a body where groups are named, those that the text quotes first."""
    places = []
    for name in _GROUP_FIELDS:
        value = body.get(name)
        if isinstance(value, str):
            places.append((name, f"/{name}", value))
        for i, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, str) and (not name.startswith("to") or is_group_id(entry)):
                places.append((name, f"/{name}/{i}", entry))
    places.sort(key=lambda place: place[2] not in text)
    yield from ((name, pointer) for name, pointer, _ in places)


def object_of(body: str | bytes | None) -> dict[str, Any]:
    """Return the value of a JSON object, or an empty one."""
    value = parsed(body)
    return value if isinstance(value, dict) else {}
