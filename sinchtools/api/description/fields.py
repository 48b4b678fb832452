"""
The fields that the bodies of requests may have, and the limits of their values.

Tags: D stated by the vendor today, S from the vendor's SDKs, O older vendor material, R our reading
where the record is silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sinchtools.core.gsm import digits

REPORT_TYPES = ("none", "summary", "full", "per_recipient", "per_recipient_final")
STATUSES = (
    "Queued",
    "Dispatched",
    "Aborted",
    "Cancelled",
    "Failed",
    "Delivered",
    "Expired",
    "Rejected",
    "Deleted",
    "Unknown",
)
BATCH_TYPES = ("mt_text", "mt_binary", "mt_media")
MAX_VALIDITY_DAYS = 3
BINARY_BYTES = 140
RETENTION_DAYS = 14
LIST_WINDOW_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field of a body, or one query parameter.

    Attributes
    ----------
    kind
        What a value must look like: a key of `KINDS`.
    required
        Refused without it.
    low, high
        Least and most: characters of a text, entries of a list, value of an integer.
    choices
        The only values, where the vendor lists them.
    default
        What counts when it is left out.
    tag
        How sure the row is (see the module's first lines).
    """

    kind: str
    required: bool = False
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    default: Any = None
    tag: str = "D"


class Kind(NamedTuple):
    """
    What a value must look like.

    Attributes
    ----------
    python, words
        The Python type of the parsed JSON, and the words for it.
    schema
        As JSON Schema.
    sample
        A value that the API takes, with numbers of fiction; None where the field has one of its
        own.
    """

    python: type
    words: str
    schema: Mapping[str, Any]
    sample: Any = None


_TYPES: dict[str, tuple[type, str]] = {
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "integer": (int, "an integer"),
    "array": (list, "an array of strings"),
    "object": (dict, "an object"),
}


def _kind(type_of_json: str, sample: Any = None, **schema: Any) -> Kind:
    return Kind(*_TYPES[type_of_json], {"type": type_of_json, **schema}, sample)


_STRING = {"type": "string"}
_MSISDN = r"^\+?[0-9]{5,17}$"
KINDS = {
    "text": _kind("string", "Hi"),
    "choice": _kind("string"),
    "instant": _kind("string", format="date-time"),
    "url": _kind("string", "https://example.com/", format="uri"),
    "sender": _kind("string", "15559870002"),
    "base64": _kind("string", "SGk="),
    "hex": _kind("string", "00", pattern="^([0-9A-Fa-f]{2})*$"),
    "id": _kind("string"),
    "word": _kind("string", pattern=r"^\w+$"),
    "number": _kind("string", "+15551230001", pattern=_MSISDN),
    "flag": _kind("boolean", False),
    "integer": _kind("integer", 1),
    "recipients": _kind("array", ["+15551230001"], items=_STRING),
    "numbers": _kind("array", ["+15551230001"], items={**_STRING, "pattern": _MSISDN}),
    "ids": _kind("array", [], items=_STRING),
    "texts": _kind("array", [], items=_STRING),
    "parameters": _kind(
        "object",
        {},
        additionalProperties={"type": "object", "additionalProperties": _STRING},
    ),
    "media": _kind("object", {"url": "https://example.com/a.jpg"}),
    "auto_update": _kind("object", {"to": "15559870002"}),
    "keyword": _kind("object", {"first_word": "JOIN"}),
    "list": _kind("string"),  # this and those below occur in queries only
    "choices": _kind("string"),
    "integers": _kind("string"),
}
_COMMON = {
    "to": Field(kind="recipients", required=True, low=1, high=1000),
    "from": Field(kind="sender"),
    "type": Field(kind="choice", choices=BATCH_TYPES, default="mt_text"),
    "delivery_report": Field(kind="choice", choices=REPORT_TYPES, default="none"),
    "send_at": Field(kind="instant"),
    "expire_at": Field(kind="instant"),
    "callback_url": Field(kind="url", high=2048),
    "client_reference": Field(kind="text", high=2048),
    "feedback_enabled": Field(kind="flag", default=False),
}
_ADDRESSING = {
    "from_ton": Field(kind="integer", low=0, high=6),
    "from_npi": Field(kind="integer", low=0, high=18),
}
_LEGACY = {
    "tags": Field(kind="texts", tag="O"),
    "campaign_id": Field(kind="text", tag="O"),
    "dlt_principal_entity_id": Field(kind="text", tag="O"),
    "dlt_template_id": Field(kind="text", tag="O"),
}
_DISPLAY = {
    "flash_message": Field(kind="flag", default=False),
    "truncate_concat": Field(kind="flag"),
    "max_number_of_message_parts": Field(kind="integer", low=1),
}
_TEXT = {
    **_COMMON,
    "body": Field(kind="text", required=True, high=2000),
    "parameters": Field(kind="parameters"),
    **_DISPLAY,
    **_ADDRESSING,
    **_LEGACY,
}
_BINARY = {
    **_COMMON,
    "body": Field(kind="base64", required=True),
    "udh": Field(kind="hex", required=True),
    **_DISPLAY,
    **_ADDRESSING,
    **_LEGACY,
}
_MEDIA = {
    **_COMMON,
    "body": Field(kind="media", required=True),
    "parameters": Field(kind="parameters"),
    "strict_validation": Field(kind="flag", default=False),
    **_LEGACY,
}
_CHANGE = {
    "to_add": Field(kind="recipients", low=1, high=100),
    "to_remove": Field(kind="recipients", low=1, high=100),
}
_GROUP = {
    "name": Field(kind="text", low=1, high=20),
    "members": Field(kind="numbers", high=10_000),
    "child_groups": Field(kind="ids", high=10),
    "auto_update": Field(kind="auto_update"),
    "tags": Field(kind="texts", tag="O"),
}


def _update_of(schema: dict[str, Field]) -> dict[str, Field]:
    return {
        **_CHANGE,
        **{name: replace(spec, required=False) for name, spec in schema.items() if name != "to"},
    }


SCHEMAS: dict[str, dict[str, Field]] = {
    "batch:mt_text": _TEXT,
    "batch:mt_binary": _BINARY,
    "batch:mt_media": _MEDIA,
    "batch_update:mt_text": _update_of(_TEXT),
    "batch_update:mt_binary": _update_of(_BINARY),
    "batch_update:mt_media": _update_of(_MEDIA),
    "feedback": {"recipients": Field(kind="numbers", required=True)},
    "group": _GROUP,
    "group_replace": {**_GROUP, "members": Field(kind="numbers", required=True, high=10_000)},
    "group_update": {
        "name": Field(kind="text", low=1, high=20),
        "add": Field(kind="numbers", high=10_000),
        "remove": Field(kind="numbers", high=10_000),
        "add_from_group": Field(kind="id"),
        "remove_from_group": Field(kind="id"),
        "auto_update": Field(kind="auto_update"),
        "child_groups_add": Field(kind="ids", tag="O"),
        "child_groups_remove": Field(kind="ids", tag="O"),
    },
    "media": {
        "url": Field(kind="url", required=True, high=2048),
        "message": Field(kind="text", high=5000, tag="R"),
        "subject": Field(kind="text", high=80, tag="R"),
    },
    "auto_update": {
        "to": Field(kind="number", required=True),
        "add": Field(kind="keyword"),
        "remove": Field(kind="keyword"),
    },
    "keyword": {
        "first_word": Field(kind="word", required=True, high=15, tag="S"),
        "second_word": Field(kind="word", high=15, tag="S"),
    },
}


def schema_of(body: str, value: Mapping[str, Any]) -> Mapping[str, Field]:
    """
    Return the schema of an endpoint's `body`.

    The schema of a batch depends on its type; without a type it is a text.
    """
    names = (f"{body}:{value.get('type')}", f"{body}:mt_text", body)
    return next(SCHEMAS[name] for name in names if name in SCHEMAS)


PARAMETER_KEY = re.compile(r"[A-Za-z0-9_.-]{1,16}")
PARAMETER_VALUE_CHARACTERS = 160
PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")


def substituted(body: str, parameters: dict[str, dict[str, str]], recipient: str) -> str | None:
    """
    Return the body with each ``${key}`` replaced for one recipient.

    Return None when a key has neither a value nor a default.
    """
    number = digits(recipient)
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        values = parameters.get(match[1])
        found = (
            None
            if values is None
            else next(
                (v for k, v in values.items() if k != "default" and digits(k) == number),
                values.get("default"),
            )
        )
        missing = missing or found is None
        return found or ""

    text = PLACEHOLDER.sub(value, body)
    return None if missing else text
