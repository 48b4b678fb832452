"""The body of a request as a whole, and its fields taken together."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NoReturn

from sinchtools.api.description import (
    BINARY_BYTES,
    MAX_VALIDITY_DAYS,
    PLACEHOLDER,
    SCHEMAS,
    Endpoint,
)
from sinchtools.api.validation.forms import instant_of, shown
from sinchtools.api.validation.names import meant, snake
from sinchtools.api.validation.values import MOST_ENTRIES, bytes_of, kind_of, object_violations
from sinchtools.api.validation.violation import CONSTRAINT, JSON, Violation, note, warning
from sinchtools.core.gsm import digits, encoding_of, not_gsm7, parts_of, twice_counted
from sinchtools.core.records import header
from sinchtools.core.words import counted
from sinchtools.privacy.alias_forms import representative

_ZONE = re.compile(r".*:\d\d(?:\.\d+)?([+-]\d\d):?\d\d$")


def parse_json(body: str | bytes) -> Any:
    """
    Return the parsed body, as strictly as the API: UTF-8, no BOM, no NaN, not nested beyond reason.

    Raises
    ------
    ValueError
        The body is not JSON; a `json.JSONDecodeError` where the place is known.
    """
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("byte order mark", text, 0)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_LONGEST_VALIDITY = timedelta(days=MAX_VALIDITY_DAYS, minutes=1)
_MOST_UNUSED = 20  # parameters without a place in the text that are looked at
_OF_CLIENTS = " Many clients, such as curl with -d, send this type when the request names none."


def content_type_violation(headers: Mapping[str, str]) -> Violation | None:
    """Return what is wrong with the Content-Type of a request with a body, or None."""
    value = header(headers, "Content-Type")
    place: dict[str, Any] = {
        "status": 415,
        "code": None,
        "location": "header",
        "field": "Content-Type",
    }
    if value is None or not value.strip():
        return Violation(rule="content-type-missing", **place)
    kind = value.split(";")[0].strip()
    if kind.lower() != "application/json":
        why = _OF_CLIENTS if kind.lower() == "application/x-www-form-urlencoded" else ""
        facts = {"value": kind[:60], "why": why}
        return Violation(rule="content-type-unsupported", facts=facts, **place)
    return None


def body_violations(
    endpoint: Endpoint, body: Any, *, now: datetime, batch_type: str | None = None
) -> list[Violation]:
    """
    Return all that is wrong with a parsed body, in the API's order of checks.

    Warnings and notes come last.

    Parameters
    ----------
    batch_type
        Type of the batch that an update changes, where it is known.
    """
    if not isinstance(body, dict):
        return [Violation(rule="body-not-an-object", code=JSON, facts={"observed": kind_of(body)})]
    schema = _schema_name(endpoint, body, batch_type)
    found = list(object_violations(SCHEMAS[schema], body, "", updating="update" in schema))
    if schema.startswith("batch"):
        found += _batch(schema, body, now)
    if schema.startswith("group"):
        found += _group(body, updating="update" in schema)
    return sorted(found, key=lambda violation: violation.stage)


def _schema_name(endpoint: Endpoint, body: Mapping[str, Any], batch_type: str | None) -> str:
    name = str(endpoint.body)
    if not name.startswith("batch"):
        return name
    wanted = body.get("type")
    kind = (
        wanted
        if isinstance(wanted, str) and f"{name}:{wanted}" in SCHEMAS
        else batch_type or "mt_text"
    )
    return f"{name}:{kind}"


def _batch(schema: str, body: Mapping[str, Any], now: datetime) -> Iterator[Violation]:
    yield from _validity(body, now)
    yield from _senders(schema, body)
    if schema.endswith("mt_binary"):
        yield from _binary(body)
    if schema.endswith("mt_text") and isinstance(body.get("body"), str):
        yield from _message(schema, body)
    if body.get("delivery_report") not in (None, "none") and not body.get("callback_url"):
        facts = {"name": "callback_url"}
        yield note(
            "callback-url-on-plan",
            code="missing_callback_url",
            field="callback_url",
            pointer="/delivery_report",
            facts=facts,
        )


def _validity(body: Mapping[str, Any], now: datetime) -> Iterator[Violation]:
    send, expire = (
        instant_of(value) if isinstance(value := body.get(name), str) else None
        for name in ("send_at", "expire_at")
    )
    if send and send < now:
        yield note(
            "send-at-past", field="send_at", pointer="/send_at", facts={"value": shown(send)}
        )
    if expire is None:
        return
    start = max(send, now) if send else now
    if expire <= now:
        rule = "expire-at-past"
    elif send and expire <= send:
        rule = "expire-before-send"
    elif expire - start > _LONGEST_VALIDITY:
        rule = "expire-too-late"
    else:
        return
    facts = {
        "as_written": _in_two_zones(body) if rule == "expire-before-send" else "",
        "value": shown(expire),
        "now": shown(now),
        "send_at": shown(start),
        "limit": MAX_VALIDITY_DAYS,
    }
    yield Violation(
        rule=rule, code=CONSTRAINT, field="expire_at", pointer="/expire_at", facts=facts
    )


def _in_two_zones(body: Mapping[str, Any]) -> str:
    """Return the two times as they are written, if their time zones differ."""
    send, expire = str(body["send_at"]), str(body["expire_at"])
    zones = {_ZONE.sub(r"\1", re.sub("[Zz]$", "+00:00", one)) for one in (send, expire)}
    return f"{send} and {expire}." if len(zones) > 1 else ""


def _senders(schema: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    if schema.startswith("batch:") and body.get("from") is None:
        yield note("no-sender", field="from", pointer="/from", facts={"name": "from"})


def _binary(body: Mapping[str, Any]) -> Iterator[Violation]:
    payload, udh = body.get("body"), body.get("udh")
    size = len(bytes_of(payload) or b"" if isinstance(payload, str) else b"") + (
        len(udh) // 2 if isinstance(udh, str) else 0
    )
    if size > BINARY_BYTES:
        facts = {"name": "body and udh", "observed": size, "limit": BINARY_BYTES, "what": "bytes"}
        facts["split"] = " A long message can be split into several."
        yield Violation(
            rule="too-long", code=CONSTRAINT, field="body", pointer="/body", facts=facts
        )


def _message(schema: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    text, parameters = body["body"], body.get("parameters")
    known = parameters if isinstance(parameters, dict) else {}
    keys = dict.fromkeys(PLACEHOLDER.findall(text) if schema == "batch:mt_text" else ())
    if keys:
        yield from _parameters(keys, known, body.get("to"))
    if not text and schema == "batch:mt_text":
        yield note("empty-message", field="body", pointer="/body", facts={"name": "body"})
    limit, text = body.get("max_number_of_message_parts"), representative(text)
    parts = parts_of(text) if len(text) <= 5000 else 0
    if parts > 1 and (odd := not_gsm7(text)):
        facts = {
            "name": "body",
            "value": " ".join(odd[:8]),
            "observed": parts,
            "without": counted(parts_of(_in_gsm7(text)), "part"),
            "proof": f"body: {counted(parts, 'part')} of UCS-2",
        }
        yield note("unicode-message", field="body", pointer="/body", facts=facts)
    elif parts > 1 and not keys:
        yield note("several-parts", field="body", pointer="/body", facts=_of_parts(text, parts))
    if isinstance(limit, int) and not isinstance(limit, bool) and parts > limit >= 1:
        yield warning(
            "too-many-parts",
            field="max_number_of_message_parts",
            pointer="/body",
            facts={"observed": parts, "limit": limit},
        )


def _parameters(keys: Collection[str], known: Mapping[str, Any], to: Any) -> Iterator[Violation]:
    """Yield the parameters of a text that have no value for each recipient."""
    numbers = to if isinstance(to, list) else []
    recipients = {digits(entry) for entry in numbers if isinstance(entry, str)}
    unused = [name for name in known if name not in keys][:_MOST_UNUSED]
    for key in islice(keys, MOST_ENTRIES):
        values = known.get(key)
        if not isinstance(values, dict) or not _covers(values, recipients):
            yield _without_value(key, known, unused)


def _without_value(key: str, known: Mapping[str, Any], unused: list[str]) -> Violation:
    """Return the violation of a parameter of a text; one of a near name may be the one meant."""
    near = [name for name in unused if meant(name, [key]) == key or snake(name) == snake(key)]
    facts: dict[str, Any] = {"name": key[:40]}
    pointer = "/body"
    if len(near) == 1 and key not in known:
        pointer = f"/parameters/{near[0].replace('~', '~0').replace('/', '~1')}"
        facts |= {"suggestion": near[0][:40], "replacement": key}
    return warning("parameter-without-value", field="parameters", pointer=pointer, facts=facts)


def _covers(values: dict[str, Any], recipients: set[str]) -> bool:
    """Whether a parameter has a value for each recipient."""
    if "default" in values:
        return True
    return 0 < len(recipients) <= len(values) and recipients <= {digits(who) for who in values}


def _of_parts(text: str, parts: int) -> dict[str, Any]:
    """Return the facts of a text in the GSM alphabet that one part cannot hold."""
    double = twice_counted(text)
    length = len(text) + sum(map(text.count, double))
    counts = f", where {' '.join(double)} count twice" if double else ""
    proof = f"body: {counted(parts, 'part')}"
    return {"name": "body", "length": length, "why": counts, "number": parts, "proof": proof}


def _in_gsm7(text: str) -> str:
    return "".join(character if encoding_of(character) == "text" else "?" for character in text)


def _group(body: Mapping[str, Any], *, updating: bool) -> Iterator[Violation]:
    if updating and "name" in body and body["name"] is None:
        yield note("name-removed", field="name", pointer="/name", facts={"name": "name"})
    if (
        "name" in body
        and isinstance(body["name"], str)
        and body["name"]
        and not body["name"].strip()
    ):
        yield note("blank-name", field="name", pointer="/name", facts={"name": "name"})
