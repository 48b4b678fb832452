"""
Check requests against the description of the API.

Each violation has its rule, the response that it causes, and its place.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn

from sinchtools.api.description import (
    BINARY_BYTES,
    JSON_TYPES,
    MAX_VALIDITY_DAYS,
    PARAMETER_KEY,
    PARAMETER_VALUE_CHARACTERS,
    PLACEHOLDER,
    SCHEMAS,
    Endpoint,
    Field,
    split_url,
)
from sinchtools.core.gsm import digits, encoding_of, not_gsm7, parts_of
from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import header
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.markers import MARKER

JSON, FORMAT, CONSTRAINT = (
    "syntax_invalid_json",
    "syntax_invalid_parameter_format",
    "syntax_constraint_violation",
)
# the order in which the API is taken to check (SMS API reference, our decision table): the first is
# the one that is answered
STAGES = (
    (401, None),
    (404, None),
    (405, None),
    (415, None),
    (400, JSON),
    (400, FORMAT),
    (400, CONSTRAINT),
    (403, None),
)
EMPTY = "empty"
MOST_FINDINGS, MOST_ENTRIES = (
    100,
    10_000,
)  # unknown fields that are named; entries of one field that are looked at
_GROUP_ID = re.compile(r"(?=.*[A-Za-z])(?:[0-9A-Za-z]{26}|[0-9A-Za-z]{12,16})")
_PATH_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHORTEST_ID = 10  # characters; the IDs on record have 12 to 16, or 26
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d"
    r"(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_ALMOST_INSTANT = re.compile(
    r"(?P<date>\d{4}[-/]\d\d[-/]\d\d)[ T_]+(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\d(?=[^\w+,;|]*+[,;|])\D*+\d")  # a separator before the next number begins
_ALPHANUMERIC_SENDER = 11
_OTHER_NAMES = {  # what other APIs and people call a field: our name
    **dict.fromkeys(
        ("message", "text", "content", "msg", "sms", "message_body", "sms_text"), "body"
    ),
    **dict.fromkeys(
        (
            "recipient",
            "recipients",
            "phone",
            "phone_number",
            "number",
            "numbers",
            "destination",
            "destinations",
            "msisdn",
            "tos",
        ),
        "to",
    ),
    **dict.fromkeys(("sender", "originator", "source", "sender_id", "from_number"), "from"),
    **dict.fromkeys(
        ("callback", "webhook", "webhook_url", "status_callback", "notify_url"), "callback_url"
    ),
    **dict.fromkeys(("params", "variables", "substitutions"), "parameters"),
    **dict.fromkeys(("reference", "client_ref"), "client_reference"),
    "to": "to_add",
    "members": "add",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """
    One rule that a request breaks, or (as a warning or note) one thing in it that is worth a look.

    Attributes
    ----------
    rule
        Id of the rule; the words for it stand in ``data/catalogue/rules.toml``.
    severity
        ``error``, ``warning`` or ``note``; only an error is refused.
    status, code
        The API's answer to an error; for a warning the code that a refusal would have, if any.
    location, field, pointer
        As in `records.Finding`.
    facts
        What the words of the rule need: ``value``, ``limit``, ``observed``, ``suggestion``.
    """

    rule: str
    severity: str = "error"
    status: int | None = 400
    code: str | None = FORMAT
    location: str = "body"
    field: str | None = None
    pointer: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def stage(self) -> int:
        """Position in the API's order of checks; warnings and notes come after every error."""
        if self.severity != "error":
            return len(STAGES)
        return next(
            (
                i
                for i, (status, code) in enumerate(STAGES)
                if status == self.status and code in (None, self.code)
            ),
            len(STAGES) - 1,
        )


def _warning(rule: str, **rest: Any) -> Violation:
    return Violation(**{"rule": rule, "severity": "warning", "status": None, "code": None, **rest})


def _note(rule: str, **rest: Any) -> Violation:
    return _warning(rule, severity="note", **rest)


# --- the body as a whole --------------------------------------------------------------------------


def parse_json(body: str | bytes) -> Any:
    """
    Return the parsed body, as strictly as the API: UTF-8, no BOM, no NaN, not nested beyond reason.

    Raises
    ------
    ValueError
        The body is no JSON; a `json.JSONDecodeError` where the place is known.
    """
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("byte order mark", text, 0)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


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
    if value.split(";")[0].strip().lower() != "application/json":
        return Violation(
            rule="content-type-unsupported",
            facts={"value": value.split(";")[0].strip()[:60]},
            **place,
        )
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
        return [Violation(rule="body-not-an-object", code=JSON, facts={"observed": _kind_of(body)})]
    schema = _schema_name(endpoint, body, batch_type)
    found = list(_object(SCHEMAS[schema], body, "", updating="update" in schema))
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


def _object(
    schema: Mapping[str, Field],
    body: Mapping[str, Any],
    pointer: str,
    *,
    updating: bool = False,
    top: str | None = None,
) -> Iterator[Violation]:
    for name, spec in schema.items():
        if spec.required and name not in body:
            others = (
                other
                for other in islice(body, MOST_ENTRIES)
                if name in (_snake(other), _OTHER_NAMES.get(_snake(other)))
            )
            other = next(others, "")
            facts = {"name": name, "suggestion": other}
            rule = "missing-field-renamed" if facts["suggestion"] else "missing-field"
            yield Violation(
                rule=rule,
                code=CONSTRAINT,
                field=top or name,
                pointer=f"{pointer}/{name}",
                facts=facts,
            )
    unknown = [name for name in body if name not in schema]
    named = dict.fromkeys(unknown[:MOST_FINDINGS], 0)
    named |= {
        name: len(unknown) - MOST_FINDINGS for name in unknown[MOST_FINDINGS - 1 : MOST_FINDINGS]
    }
    for name, value in body.items():
        here = f"{pointer}/{_escaped(name)}"
        if name in named:
            yield _unknown(name, schema, here, top, named[name])
        elif name not in schema:
            continue
        elif value is None:
            if schema[name].required and not updating:
                yield Violation(
                    rule="absent-value", field=top or name, pointer=here, facts={"name": name}
                )
        else:
            yield from _value(schema[name], value, top or name, here)


def _unknown(
    name: str, schema: Mapping[str, Field], pointer: str, top: str | None, more: int
) -> Violation:
    snake = _snake(name)
    close = difflib.get_close_matches(snake, schema, n=1, cutoff=0.7)
    other = _OTHER_NAMES.get(snake, "")
    suggestion = close[0] if close else other if other in schema else ""
    rule = "unknown-field-renamed" if suggestion else "unknown-field"
    facts: dict[str, Any] = {"name": name[:60], "suggestion": suggestion}
    facts |= {"replacement": suggestion or None} | ({"more": more} if more > 0 else {})
    return _warning(
        rule, code=JSON, field=name[:60] if top is None else top, pointer=pointer, facts=facts
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().replace("-", "_")


# --- one value ------------------------------------------------------------------------------------


def _value(spec: Field, value: Any, name: str, pointer: str) -> Iterator[Violation]:
    python_type, words = JSON_TYPES[spec.kind]
    if spec.kind == "number" and type(value) is int:
        value = str(value)  # the vendor's samples show it as a number, its SDKs as a string
    if not isinstance(value, python_type) or (python_type is int and isinstance(value, bool)):
        yield _wrong_type(name, name, pointer, words, value)
        return
    yield from _size(spec, value, name, pointer)
    if isinstance(value, list) and len(value) > MOST_ENTRIES:
        yield _not_all(name, f"{pointer}/{MOST_ENTRIES}")
        value = value[:MOST_ENTRIES]
    yield from _FORMATS[spec.kind](spec, value, name, pointer)


def _not_all(name: str, pointer: str) -> Violation:
    return _note(
        "not-all-checked", field=name, pointer=pointer, facts={"name": name, "limit": MOST_ENTRIES}
    )


def _wrong_type(name: str, field: str, pointer: str, expected: str, value: Any) -> Violation:
    facts: dict[str, Any] = {"name": name, "expected": expected, "observed": _kind_of(value)}
    if expected == "true or false" and isinstance(value, str):
        meant = {"true": True, "false": False}.get(value.strip().lower())
        facts |= {"value": value[:20], "replacement": meant}
        return Violation(rule="not-a-boolean", field=field, pointer=pointer, facts=facts)
    if value is None:
        return Violation(rule="absent-value", field=field, pointer=pointer, facts=facts)
    rule = (
        "not-an-array"
        if expected.startswith("an array")
        else "not-a-string"
        if expected == "a string"
        else "wrong-type"
    )
    if rule == "not-an-array" and isinstance(value, str):
        facts["replacement"] = [value]
    elif rule == "not-a-string" and type(value) is int:
        facts["replacement"] = str(value)
    return Violation(rule=rule, code=JSON, field=field, pointer=pointer, facts=facts)


def _size(spec: Field, value: Any, name: str, pointer: str) -> Iterator[Violation]:
    size = (
        value
        if isinstance(value, int)
        else len(representative(value) if isinstance(value, str) else value)
    )
    what = "" if isinstance(value, int) else "characters" if isinstance(value, str) else "entries"
    facts = {"name": name, "observed": size, "what": what}
    if spec.low is not None and size < spec.low:
        rule = "too-small" if not what else EMPTY if size == 0 else "too-short"
        yield Violation(
            rule=rule,
            code=CONSTRAINT,
            field=name,
            pointer=pointer,
            facts={**facts, "limit": spec.low},
        )
    if spec.high is not None and size > spec.high:
        rule = "too-large" if not what else "too-long" if what == "characters" else "too-many"
        yield Violation(
            rule=rule,
            code=CONSTRAINT,
            field=name,
            pointer=pointer,
            facts={**facts, "limit": spec.high},
        )


def _nothing(spec: Field, value: Any, name: str, pointer: str) -> Iterator[Violation]:
    return iter(())


def _choice(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if value not in spec.choices:
        close = difflib.get_close_matches(value.lower(), spec.choices, n=1, cutoff=0.5)
        facts: dict[str, Any] = {
            "name": name,
            "value": value[:40],
            "choices": ", ".join(spec.choices),
            "suggestion": close[0] if close else "",
        }
        meant = difflib.get_close_matches(_snake(value), spec.choices, n=1, cutoff=0.8)
        facts |= {"replacement": meant[0] if meant else None}
        yield Violation(
            rule="not-a-choice-but-close" if close else "not-a-choice",
            field=name,
            pointer=pointer,
            facts=facts,
        )


def _instant(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if instant_of(value) is None:
        yield Violation(
            rule="bad-date",
            field=name,
            pointer=pointer,
            facts={"name": name, "value": value[:40], "replacement": _dated(value)},
        )


def _dated(value: str) -> str | None:
    """Return a date and time that lacks its T, its zone or both as ISO 8601, in UTC."""
    found = _ALMOST_INSTANT.fullmatch(value.strip())
    if found is None:
        return None
    whole = f"{found['date'].replace('/', '-')}T{found['clock']}{found['zone'] or 'Z'}"
    return whole if instant_of(whole) else None


def _url(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if not is_url(value):
        rule = "url-without-scheme" if re.match(r"[\w.-]+\.\w+([/:?]|$)", value) else "bad-url"
        whole = f"https://{value.strip()}"
        facts: dict[str, Any] = {"name": name, "value": value.partition("?")[0][:80]}
        facts |= {"replacement": whole if rule == "url-without-scheme" and is_url(whole) else None}
        yield Violation(rule=rule, field=name, pointer=pointer, facts=facts)


def _sender(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    value = representative(value)
    facts = {"name": name, "observed": len(value), "limit": _ALPHANUMERIC_SENDER}
    if not value.strip():
        yield Violation(rule="absent-value", field=name, pointer=pointer, facts=facts)
    elif is_placeholder(value):
        return
    elif re.search(r"[A-Za-z]", value):
        if len(value) > _ALPHANUMERIC_SENDER:
            yield Violation(rule="sender-too-long", field=name, pointer=pointer, facts=facts)
        elif encoding_of(value) != "text":
            yield Violation(rule="sender-characters", field=name, pointer=pointer, facts=facts)
    elif not re.fullmatch(r"\d{1,18}", digits(value)):
        yield Violation(rule="sender-malformed", field=name, pointer=pointer, facts=facts)


def _base64(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if _bytes_of(value) is None:
        yield Violation(rule="bad-base64", field=name, pointer=pointer, facts={"name": name})


def _hex(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", value):
        yield Violation(
            rule="bad-hex",
            field=name,
            pointer=pointer,
            facts={"name": name, "observed": len(value)},
        )


def _word(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if not re.fullmatch(r"\w+", value):
        yield Violation(
            rule="not-one-word", code=CONSTRAINT, field=name, pointer=pointer, facts={"name": name}
        )


def _id(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if not _GROUP_ID.fullmatch(value):
        yield Violation(rule="bad-group-id", field=name, pointer=pointer, facts={"name": name})


def _texts(spec: Field, value: list[Any], name: str, pointer: str) -> Iterator[Violation]:
    for i, entry in enumerate(value):
        if not isinstance(entry, str):
            yield _wrong_type(f"{name}[{i}]", name, f"{pointer}/{i}", "a string", entry)


def _ids(spec: Field, value: list[Any], name: str, pointer: str) -> Iterator[Violation]:
    yield from _texts(spec, value, name, pointer)
    for i, entry in enumerate(value):
        if isinstance(entry, str):
            yield from _id(spec, entry, name, f"{pointer}/{i}")
    if len(set(map(str, value))) < len(value):
        yield Violation(
            rule="duplicate-ids", code=CONSTRAINT, field=name, pointer=pointer, facts={"name": name}
        )


def _number(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if violation := number_violation(value, name, pointer):
        yield violation


def _numbers(spec: Field, value: list[Any], name: str, pointer: str) -> Iterator[Violation]:
    yield from _texts(spec, value, name, pointer)
    seen: set[str] = set()
    repeated = ""
    for i, entry in enumerate(value):
        if not isinstance(entry, str):
            continue
        if spec.kind == "recipients" and is_group_id(entry):
            continue
        if violation := number_violation(entry, name, f"{pointer}/{i}"):
            yield violation
        if (number := digits(entry)) in seen and not repeated:
            repeated = f"{pointer}/{i}"
        seen.add(number)
    if repeated:
        yield _note("duplicate-recipient", field=name, pointer=repeated, facts={"name": name})


def _parameters(spec: Field, value: dict[str, Any], name: str, pointer: str) -> Iterator[Violation]:
    left = MOST_ENTRIES
    for key, values in value.items():
        here = f"{pointer}/{_escaped(key)}"
        left -= 1
        if _is_inside_out(key, values):
            yield Violation(
                rule="parameters-inside-out",
                field=name,
                pointer=here,
                facts={"name": name, "value": key[:40]},
            )
            left -= len(values)
            continue
        if not PARAMETER_KEY.fullmatch(key):
            yield Violation(
                rule="parameter-key",
                code=CONSTRAINT,
                field=name,
                pointer=here,
                facts={"name": key[:40], "observed": len(key), "limit": 16},
            )
        if not isinstance(values, dict):
            yield _wrong_type(f"parameters.{key[:40]}", name, here, "an object", values)
            values = {}
        for who, text in islice(values.items(), max(left, 0)):
            yield from _parameter_value(name, key, who, text, f"{here}/{_escaped(who)}")
        left -= len(values)
        if left < 0:
            yield _not_all(name, here)
            return


def _is_inside_out(key: str, values: Any) -> bool:
    """Tell whether a number stands where a parameter's name belongs, and names below it."""
    return (
        re.fullmatch(r"\+?\d{7,15}", key) is not None
        and isinstance(values, dict)
        and not any(name == "default" or digits(name).isdigit() for name in values)
    )


def _parameter_value(name: str, key: str, who: str, text: Any, pointer: str) -> Iterator[Violation]:
    if not isinstance(text, str):
        yield _wrong_type(f"parameters.{key[:40]}", name, pointer, "a string", text)
    elif len(representative(text)) > PARAMETER_VALUE_CHARACTERS:
        facts = {
            "name": f"parameters.{key[:40]}",
            "observed": len(representative(text)),
            "limit": PARAMETER_VALUE_CHARACTERS,
            "what": "characters",
        }
        yield Violation(rule="too-long", code=CONSTRAINT, field=name, pointer=pointer, facts=facts)
    elif who != "default" and (violation := number_violation(who, name, pointer)):
        yield violation


def _nested(spec: Field, value: dict[str, Any], name: str, pointer: str) -> Iterator[Violation]:
    yield from _object(SCHEMAS[spec.kind], value, pointer, top=name)


_FORMATS = {
    "text": _nothing, "flag": _nothing, "integer": _nothing, "choice": _choice, "instant": _instant,
    "url": _url, "sender": _sender, "base64": _base64, "hex": _hex, "word": _word, "id": _id,
    "ids": _ids, "texts": _texts, "number": _number, "numbers": _numbers, "recipients": _numbers,
    "parameters": _parameters, "media": _nested, "auto_update": _nested, "keyword": _nested,
}  # fmt: skip


# --- fields together ------------------------------------------------------------------------------


def _batch(schema: str, body: Mapping[str, Any], now: datetime) -> Iterator[Violation]:
    yield from _validity(body, now)
    yield from _senders(schema, body)
    if schema.endswith("mt_binary"):
        yield from _binary(body)
    if schema.endswith("mt_text") and isinstance(body.get("body"), str):
        yield from _message(schema, body)
    if body.get("delivery_report") not in (None, "none") and not body.get("callback_url"):
        facts = {"name": "callback_url"}
        yield _note(
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
        yield _note(
            "send-at-past", field="send_at", pointer="/send_at", facts={"value": _shown(send)}
        )
    if expire is None:
        return
    start = max(send, now) if send else now
    place = {"code": CONSTRAINT, "field": "expire_at", "pointer": "/expire_at"}
    facts = {
        "value": _shown(expire),
        "now": _shown(now),
        "send_at": _shown(start),
        "limit": MAX_VALIDITY_DAYS,
    }
    if expire <= now:
        yield Violation(rule="expire-at-past", facts=facts, **place)  # type: ignore[arg-type]
    elif send and expire <= send:
        yield Violation(rule="expire-before-send", facts=facts, **place)  # type: ignore[arg-type]
    elif expire - start > timedelta(days=MAX_VALIDITY_DAYS, minutes=1):
        yield Violation(rule="expire-too-late", facts=facts, **place)  # type: ignore[arg-type]


def _senders(schema: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    if schema.startswith("batch:") and body.get("from") is None:
        yield _note("no-sender", field="from", pointer="/from", facts={"name": "from"})


def _binary(body: Mapping[str, Any]) -> Iterator[Violation]:
    payload, udh = body.get("body"), body.get("udh")
    size = len(_bytes_of(payload) or b"" if isinstance(payload, str) else b"") + (
        len(udh) // 2 if isinstance(udh, str) else 0
    )
    if size > BINARY_BYTES:
        facts = {"name": "body and udh", "observed": size, "limit": BINARY_BYTES, "what": "bytes"}
        yield Violation(
            rule="too-long", code=CONSTRAINT, field="body", pointer="/body", facts=facts
        )


def _message(schema: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    text, parameters = body["body"], body.get("parameters")
    known = parameters if isinstance(parameters, dict) else {}
    to = body.get("to")
    recipients = (
        {digits(entry) for entry in to if isinstance(entry, str)} if isinstance(to, list) else set()
    )
    for key in islice(
        dict.fromkeys(PLACEHOLDER.findall(text)), MOST_ENTRIES if schema == "batch:mt_text" else 0
    ):
        values = known.get(key)
        if not isinstance(values, dict) or not _covers(values, recipients):
            yield _warning(
                "parameter-without-value",
                field="parameters",
                pointer="/body",
                facts={"name": key[:40]},
            )
    if not text and schema == "batch:mt_text":
        yield _note("empty-message", field="body", pointer="/body", facts={"name": "body"})
    limit, text = body.get("max_number_of_message_parts"), representative(text)
    parts = parts_of(text) if len(text) <= 5000 else 0
    if parts > 1 and (odd := not_gsm7(text)):
        facts = {
            "name": "body",
            "value": " ".join(odd[:8]),
            "observed": parts,
            "limit": parts_of(_in_gsm7(text)),
        }
        yield _note("unicode-message", field="body", pointer="/body", facts=facts)
    if isinstance(limit, int) and not isinstance(limit, bool) and parts > limit >= 1:
        yield _warning(
            "too-many-parts",
            field="max_number_of_message_parts",
            pointer="/body",
            facts={"observed": parts, "limit": limit},
        )


def _covers(values: dict[str, Any], recipients: set[str]) -> bool:
    """Whether a parameter has a value for each recipient."""
    if "default" in values:
        return True
    return 0 < len(recipients) <= len(values) and recipients <= {digits(who) for who in values}


def _in_gsm7(text: str) -> str:
    return "".join(character if encoding_of(character) == "text" else "?" for character in text)


def _group(body: Mapping[str, Any], *, updating: bool) -> Iterator[Violation]:
    if updating and "name" in body and body["name"] is None:
        yield _note("name-removed", field="name", pointer="/name", facts={"name": "name"})
    if (
        "name" in body
        and isinstance(body["name"], str)
        and body["name"]
        and not body["name"].strip()
    ):
        yield _note("blank-name", field="name", pointer="/name", facts={"name": "name"})


# --- path and query -------------------------------------------------------------------------------


_NOT_SET = ("undefined", "null", "none", "nan")  # words of programs: a rule of their own


def path_violations(values: Mapping[str, str]) -> list[Violation]:
    """Return what is wrong with the values in a path, by their shape."""
    found = []
    for name, value in values.items():
        place: dict[str, Any] = {"location": "path", "field": name}
        if name == "recipient_msisdn":
            violation = number_violation(value, name, None, location="path")
            found += [violation] if violation else []
        elif not _PATH_ID.fullmatch(value):
            if not is_placeholder(value):
                facts = {"name": name, "value": value[:40]}
                found.append(Violation(rule="bad-id", facts=facts, **place))
        elif len(value) < _SHORTEST_ID and value.lower() not in _NOT_SET:
            facts = {"name": name, "value": value}
            found.append(Violation(rule="path-no-id", status=404, code=None, facts=facts, **place))
    return found


def query_violations(endpoint: Endpoint, query: tuple[tuple[str, str], ...]) -> list[Violation]:
    """
    Return all that is wrong with the query parameters, in the API's order of checks.

    Unknown ones are warnings.
    """
    found: list[Violation] = []
    for name, value in query[:MOST_ENTRIES]:
        spec = endpoint.query.get(name)
        if spec is None and len(found) < MOST_FINDINGS:
            close = difflib.get_close_matches(name, endpoint.query, n=1)
            facts = {"name": name[:40], "suggestion": close[0] if close else ""}
            found.append(
                _warning("unknown-parameter", location="query", field=name[:40], facts=facts)
            )
        elif spec and value:
            found += _parameter(spec, name, value)
    found += _window(dict(query))
    return sorted(found, key=lambda violation: violation.stage)


def _window(query: Mapping[str, str]) -> Iterator[Violation]:
    """Yield a window that ends before it starts: no entry can lie in it."""
    start, end = (
        instant_of(query.get(name, "").replace(" ", "+")) for name in ("start_date", "end_date")
    )
    if start and end and end <= start:
        facts = {"value": _shown(start), "observed": _shown(end)}
        yield _warning("window-backwards", location="query", field="end_date", facts=facts)


def _parameter(spec: Field, name: str, value: str) -> Iterator[Violation]:
    place: dict[str, Any] = {"location": "query", "field": name}
    facts = {"name": name, "value": value[:40], "choices": ", ".join(spec.choices)}
    if spec.kind == "integer" and not re.fullmatch(r"-?\d{1,18}", value):
        yield Violation(rule="not-an-integer", facts=facts, **place)
    elif spec.kind == "integer":
        for violation in _size(spec, int(value), name, ""):
            rule = {"too-large": "too-large-page"}.get(violation.rule, violation.rule)
            yield Violation(rule=rule, code=violation.code, facts=violation.facts, **place)
    elif spec.kind == "flag" and value.lower() not in {"true", "false"}:
        yield Violation(rule="not-a-boolean", facts=facts, **place)
    elif spec.kind == "instant" and instant_of(value.replace(" ", "+")) is None:
        yield Violation(rule="bad-date", facts=facts, **place)
    elif spec.kind == "choice" and value.lower() not in spec.choices:
        yield Violation(rule="not-a-choice", facts=facts, **place)
    elif spec.kind == "choices" and (
        odd := [one for one in value.split(",") if one.strip().capitalize() not in spec.choices]
    ):
        yield Violation(rule="not-a-choice", facts={**facts, "value": odd[0][:40]}, **place)
    elif spec.kind == "integers" and any(
        not re.fullmatch(r"\s*\d{1,9}\s*", one) for one in value.split(",")
    ):
        yield Violation(rule="not-an-integer", facts=facts, **place)


# --- formats --------------------------------------------------------------------------------------


def instant_of(value: str) -> datetime | None:
    """
    Return an ISO-8601 date or time in UTC, or None when it is not one.

    A time without an offset is UTC. A date alone means its midnight.

    Examples
    --------
    >>> instant_of("2026-11-23T09:30+01:00")
    datetime.datetime(2026, 11, 23, 8, 30, tzinfo=datetime.timezone.utc)
    """
    if not _INSTANT.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value.upper().replace(",", "."))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_url(value: str) -> bool:
    """Whether a value is a whole http(s) URL with a host and no white space."""
    try:
        parts = split_url(MARKER.sub("secret", value))
        is_host = re.fullmatch(r"[\w.:\[\]%-]+", parts.hostname or "") is not None
        is_whole = parts.scheme in {"http", "https"} and is_host and (parts.port or 1) > 0
        return is_whole and not re.search(r"\s", MARKER.sub("", value))
    except ValueError:
        return False


def is_group_id(value: str) -> bool:
    """
    Whether a recipient is read as a group ID.

    Letters and digits, 26 or (older) 12 to 16 of them, no number.
    """
    return bool(_GROUP_ID.fullmatch(value))


def number_violation(
    value: str, name: str, pointer: str | None, *, location: str = "body"
) -> Violation | None:
    """
    Return what is wrong with or risky about an MSISDN, or None.

    A defect is an error, a risk is a warning or a note.
    """
    defect, severity, facts = msisdn_defect(value)
    if defect is None:
        return None
    code, status = (FORMAT, 400) if severity == "error" else (None, None)
    named: dict[str, Any] = {"name": name, "number": value[:40], **facts}
    return Violation(
        rule=defect,
        severity=severity,
        status=status,
        code=code,
        location=location,
        field=name,
        pointer=pointer,
        facts=named,
    )


@lru_cache(maxsize=65_536)
def msisdn_defect(value: str) -> tuple[str | None, str, dict[str, Any]]:
    """
    Return rule, severity and facts of what is wrong with a number; the rule is None for a good one.

    A number with ``+`` or ``00`` is judged by `phonenumbers.is_possible_number` (never
    ``is_valid_number``: that refuses numbers of fiction); a bare one by its length, since the API
    takes it as it is.

    Examples
    --------
    >>> numbers = ("++15551230001", "07700900123", "15551230001")
    >>> tuple(msisdn_defect(number)[0] for number in numbers)
    ('msisdn-doubled-plus', 'msisdn-national', None)
    """
    value = representative(value)
    bare = re.sub(r"[\s().\-/]", "", value)
    facts: dict[str, Any] = {"observed": sum(character.isdigit() for character in bare)}
    if not bare:
        return "absent-value", "error", facts
    if re.search(r"[{}<>$%]|^nan$", bare, re.IGNORECASE) or is_placeholder(bare):
        return "msisdn-placeholder", "error", {**facts, "value": re.sub(r"\d", "•", bare[:40])}
    if _SEVERAL.search(bare):
        return "msisdn-several", "error", facts
    if bare.count("+") > 1:
        return "msisdn-doubled-plus", "error", facts
    if prefix := re.match(r"[a-z]{3,12}:(?=\+?\d)", bare, re.IGNORECASE):
        return "msisdn-prefix", "error", {**facts, "value": prefix[0]}
    if strange := "".join(
        dict.fromkeys(c for c in bare.removeprefix("+") if not ("0" <= c <= "9"))
    ):
        rule = "msisdn-letters" if strange.isalpha() and strange.isascii() else "msisdn-characters"
        return (
            rule,
            "error",
            {
                **facts,
                "value": " ".join(
                    c if c.isprintable() else f"U+{ord(c):04X}" for c in strange[:10]
                ),
            },
        )
    number, explicit = digits(value), bare.startswith(("+", "00"))
    facts["observed"] = len(number)
    if number.startswith("0") or not number:
        return "msisdn-national", "error", facts
    if not 5 <= len(number) <= 15:
        return "msisdn-too-long" if len(number) > 15 else "msisdn-too-short", "error", facts
    return _possible(
        number,
        value,
        explicit=explicit,
        tidy=value.strip() == bare and not bare.startswith("00"),
        facts=facts,
    )


def _possible(
    number: str, value: str, *, explicit: bool, tidy: bool, facts: dict[str, Any]
) -> tuple[str | None, str, dict[str, Any]]:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except phonenumbers.NumberParseException:
        return (
            ("msisdn-country", "error", facts)
            if explicit
            else ("msisdn-unlikely", "warning", facts)
        )
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    facts = {**facts, "country": region, "country_code": parsed.country_code}
    if not phonenumbers.is_possible_number(parsed):
        reason = phonenumbers.is_possible_number_with_reason(parsed)
        too_long = reason == phonenumbers.ValidationResult.TOO_LONG
        rule = "msisdn-too-long" if too_long else "msisdn-too-short"
        if not explicit and re.fullmatch(r"[2-9]\d{9}", number):
            return "msisdn-no-country-code", "error", {**facts, "suggestion": "1", "country": "US"}
        if not explicit and re.fullmatch(r"[2-9]\d{6}", number):
            return "msisdn-no-area-code", "error", facts
        return (rule, "error", facts) if explicit else ("msisdn-unlikely", "warning", facts)
    is_like_american = not explicit and re.fullmatch(r"[2-9]\d{9}", number) is not None
    if is_like_american and parsed.country_code != 1 and not phonenumbers.is_valid_number(parsed):
        return "msisdn-unlikely", "warning", facts
    if trunk_zero := re.search(r"\(0\)", value):
        whole = value.replace(trunk_zero[0], "")
        return "msisdn-trunk-zero", "warning", {**facts, "replacement": whole}
    return (None, "note", facts) if tidy else ("msisdn-separators", "note", facts)


def _kind_of(value: Any) -> str:
    names = {
        type(None): "null",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "something else")


def _bytes_of(value: str) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
