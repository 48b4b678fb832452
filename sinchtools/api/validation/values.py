"""The value of a field, by its kind, and the fields of an object."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from sinchtools.api.description import (
    KINDS,
    PARAMETER_KEY,
    PARAMETER_VALUE_CHARACTERS,
    SCHEMAS,
    Field,
)
from sinchtools.api.validation.forms import (
    GROUP_ID,
    instant_of,
    is_group_id,
    is_url,
    number_violation,
)
from sinchtools.api.validation.names import OTHER_NAMES, meant, nearest, snake
from sinchtools.api.validation.violation import CONSTRAINT, JSON, Violation, note, warning
from sinchtools.core.gsm import digits, encoding_of
from sinchtools.core.placeholders import is_masked, is_placeholder
from sinchtools.privacy.alias_forms import representative

MOST_FINDINGS = 100  # unknown fields that are named
MOST_ENTRIES = 10_000  # entries of one field that are looked at
_ALMOST_INSTANT = re.compile(
    r"(?P<date>\d{4}[-/]\d\d[-/]\d\d)[ T_]+(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_ALPHANUMERIC_SENDER = 11


def object_violations(
    schema: Mapping[str, Field],
    body: Mapping[str, Any],
    pointer: str,
    *,
    updating: bool = False,
    top: str | None = None,
) -> Iterator[Violation]:
    """Yield what is wrong with the fields of an object."""
    for name, spec in schema.items():
        if spec.required and name not in body:
            facts = {"name": name, "suggestion": _stands_for(name, body, schema)}
            rule = "missing-field-renamed" if facts["suggestion"] else "missing-field"
            yield Violation(
                rule=rule,
                code=CONSTRAINT,
                field=top or name,
                pointer=f"{pointer}/{name}",
                facts=facts,
            )
    unknown = _unknown_fields(schema, body, pointer, top)
    for name, value in body.items():
        known = schema.get(name)
        if known is None:
            if name in unknown:
                yield unknown[name]
        elif value is not None:
            yield from value_violations(known, value, top or name, f"{pointer}/{name}")
        elif known.required and not updating:
            yield Violation(
                rule="absent-value",
                field=top or name,
                pointer=f"{pointer}/{name}",
                facts={"name": name, "kind": "null"},
            )


def _stands_for(name: str, body: Mapping[str, Any], schema: Mapping[str, Field]) -> str:
    """Return the key that a required field goes by in a body, or nothing."""
    keys = [key for key in islice(body, MOST_ENTRIES) if key not in schema or key in OTHER_NAMES]
    named = [key for key in keys if name in (snake(key), OTHER_NAMES.get(snake(key)))]
    near = [key for key in keys if key not in schema and meant(key, schema) == name]
    return named[0] if named else near[0] if len(near) == 1 else ""


def _unknown_fields(
    schema: Mapping[str, Field], body: Mapping[str, Any], pointer: str, top: str | None
) -> dict[str, Violation]:
    """Return the violation of each field that the API does not know; the last one counts more."""
    unknown = [name for name in body if name not in schema]
    if not unknown:
        return {}
    taken = {*body, *(name for name, spec in schema.items() if spec.required)}
    listed = unknown[:MOST_FINDINGS]
    found = {name: _unknown(name, schema, pointer, top, taken) for name in listed}
    if more := len(unknown) - len(listed):
        last = found[listed[-1]]
        found[listed[-1]] = replace(last, facts={**last.facts, "more": more})
    return found


def _unknown(
    name: str,
    schema: Mapping[str, Field],
    pointer: str,
    top: str | None,
    taken: Container[str],
) -> Violation:
    other = OTHER_NAMES.get(snake(name), "")
    suggestion = nearest(name, schema) or (other if other in schema else "")
    rule = "unknown-field-renamed" if suggestion else "unknown-field"
    facts: dict[str, Any] = {"name": name[:60], "suggestion": suggestion}
    facts["replacement"] = meant(name, schema, taken)
    field = name[:60] if top is None else top
    return warning(rule, code=JSON, field=field, pointer=f"{pointer}/{_escaped(name)}", facts=facts)


def value_violations(spec: Field, value: Any, name: str, pointer: str) -> Iterator[Violation]:
    """Yield what is wrong with the value of a field."""
    kind = KINDS[spec.kind]
    if spec.kind == "number" and type(value) is int:
        value = str(value)  # the vendor's samples show it as a number, its SDKs as a string
    if not isinstance(value, kind.python) or (kind.python is int and isinstance(value, bool)):
        yield wrong_type(name, name, pointer, kind.words, value)
        return
    yield from size_violations(spec, value, name, pointer)
    if isinstance(value, list) and len(value) > MOST_ENTRIES:
        yield _not_all(name, f"{pointer}/{MOST_ENTRIES}")
        value = value[:MOST_ENTRIES]
    yield from _FORMATS[spec.kind](spec, value, name, pointer)


def _not_all(name: str, pointer: str) -> Violation:
    return note(
        "not-all-checked", field=name, pointer=pointer, facts={"name": name, "limit": MOST_ENTRIES}
    )


def wrong_type(name: str, field: str, pointer: str, expected: str, value: Any) -> Violation:
    """Return the violation of a value of another JSON type than the field's."""
    facts: dict[str, Any] = {"name": name, "expected": expected, "observed": kind_of(value)}
    if expected == "true or false" and isinstance(value, str):
        meant = {"true": True, "false": False}.get(value.strip().lower())
        facts |= {"value": value[:20], "replacement": meant, "bare": ", without quotes"}
        return Violation(rule="not-a-boolean", field=field, pointer=pointer, facts=facts)
    if value is None:
        facts["kind"] = "null"
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


def size_violations(spec: Field, value: Any, name: str, pointer: str) -> Iterator[Violation]:
    """Yield what is too long, too short, too large or too small."""
    size = (
        value
        if isinstance(value, int)
        else len(representative(value) if isinstance(value, str) else value)
    )
    is_small = spec.low is not None and size < spec.low
    is_large = spec.high is not None and size > spec.high
    if not (is_small or is_large):
        return
    what = "" if isinstance(value, int) else "characters" if isinstance(value, str) else "entries"
    facts = {"name": name, "observed": size, "what": what}
    facts["split"] = " A long message can be split into several." if name == "body" else ""
    if is_small:
        rule = "empty" if what else "too-small"  # no field needs more than one entry or character
        yield Violation(
            rule=rule,
            code=CONSTRAINT,
            field=name,
            pointer=pointer,
            facts={**facts, "limit": spec.low},
        )
    if is_large:
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
        certain = difflib.get_close_matches(snake(value), spec.choices, n=1, cutoff=0.8)
        facts |= {"replacement": certain[0] if certain else None}
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
            facts={"name": name, "value": value[:40], "zone": _zone_of(value)}
            | {"replacement": _dated(value)},
        )


def _zone_of(value: str) -> str:
    """Say what is assumed of a time without a zone that can be read."""
    found = _ALMOST_INSTANT.fullmatch(value.strip())
    lacks_zone = found is not None and not found["zone"] and _dated(value)
    return "The suggested fix takes the time as UTC: check that." if lacks_zone else ""


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
    facts: dict[str, Any] = {
        "name": name,
        "observed": len(value),
        "limit": _ALPHANUMERIC_SENDER,
    }
    if not value.strip():
        facts |= {"kind": "white space" if value else "empty"}
        yield Violation(rule="absent-value", field=name, pointer=pointer, facts=facts)
    elif is_placeholder(value) or is_masked(value):
        return
    elif re.search(r"[A-Za-z]", value):
        if len(value) > _ALPHANUMERIC_SENDER:
            yield Violation(rule="sender-too-long", field=name, pointer=pointer, facts=facts)
        elif encoding_of(value) != "text":
            yield Violation(rule="sender-characters", field=name, pointer=pointer, facts=facts)
    elif not re.fullmatch(r"\d{1,18}", digits(value)):
        yield Violation(rule="sender-malformed", field=name, pointer=pointer, facts=facts)


def _base64(spec: Field, value: str, name: str, pointer: str) -> Iterator[Violation]:
    if bytes_of(value) is None:
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
    if not GROUP_ID.fullmatch(value):
        yield Violation(rule="bad-group-id", field=name, pointer=pointer, facts={"name": name})


def _texts(spec: Field, value: list[Any], name: str, pointer: str) -> Iterator[Violation]:
    for i, entry in enumerate(value):
        if not isinstance(entry, str):
            yield wrong_type(f"{name}[{i}]", name, f"{pointer}/{i}", "a string", entry)


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
        yield note("duplicate-recipient", field=name, pointer=repeated, facts={"name": name})


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
            yield wrong_type(f"parameters.{key[:40]}", name, here, "an object", values)
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
        yield wrong_type(f"parameters.{key[:40]}", name, pointer, "a string", text)
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
    yield from object_violations(SCHEMAS[spec.kind], value, pointer, top=name)


_FORMATS = {
    "text": _nothing, "flag": _nothing, "integer": _nothing, "choice": _choice, "instant": _instant,
    "url": _url, "sender": _sender, "base64": _base64, "hex": _hex, "word": _word, "id": _id,
    "ids": _ids, "texts": _texts, "number": _number, "numbers": _numbers, "recipients": _numbers,
    "parameters": _parameters, "media": _nested, "auto_update": _nested, "keyword": _nested,
}  # fmt: skip


def kind_of(value: Any) -> str:
    """Return the JSON type of a value in words."""
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


def bytes_of(value: str) -> bytes | None:
    """Return what a text in Base64 stands for; None when it is not Base64."""
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
