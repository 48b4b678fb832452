"""Values of records as they were before a store wrote them: typed numbers, base64, JSON text."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from sinchtools.evidence.formats.printed import Json
from sinchtools.evidence.pieces import TooMuchError, joined, loaded


def parsed(text: str) -> Any:
    """Return the value of a JSON text, or None."""
    try:
        return loaded(text)
    except (ValueError, RecursionError, TooMuchError):
        return None


def literal(text: str) -> dict[Any, Any] | list[Any] | None:
    """Return the dict or list of Python that a text is, or None; nothing is run."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    return value if isinstance(value, dict | list) else None


def same_body(one: str | bytes | None, other: str | bytes | None) -> bool:
    """Tell whether two bodies are the same text, or the same JSON in two layouts."""
    if one == other or not one or not other:
        return one == other
    if isinstance(one, bytes) or isinstance(other, bytes):
        return False
    values = parsed(one), parsed(other)
    return isinstance(values[0], dict | list) and values[0] == values[1]


def json_text(text: str) -> str:
    """Return a dict or list of Python as the JSON that it stands for, or the text as it is."""
    value = literal(text)
    return text if value is None else json.dumps(value, ensure_ascii=False, default=str)


def written(value: Any) -> str | None:
    """Return a value that is a text with something in it, else None."""
    return value if isinstance(value, str) and value else None


def plain(value: Any) -> Any:
    """Return a value of MongoDB's extended JSON without its type: ``{"$numberInt": "400"}``."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    name, inner = next(iter(value.items()))
    if name in ("$numberInt", "$numberLong"):
        return int(inner) if isinstance(inner, str) and _WHOLE.fullmatch(inner) else inner
    return plain(inner) if name in ("$date", "$oid") else value


def body_of(value: Any) -> str | None:
    """Return a body as text: a logger's parsed JSON is written as JSON again."""
    if isinstance(value, str):
        return _of_base64(value)
    if value is None:
        return value
    if isinstance(value, Json):
        return value.text
    if isinstance(value, Mapping) and value.keys() <= _BODY_HOLDERS:  # cassettes, HTTP Toolkit
        held = next((value[name] for name in _HELD if value.get(name)), None)
        return _of_base64(held) if isinstance(held, str) else None
    return json.dumps(value, ensure_ascii=False)


_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_HELD = ("string", "decodedData", "base64_string")
_BODY_HOLDERS = frozenset((*_HELD, "encoding", "size", "rawBytes", "encodedData"))
_BASE64_OF_JSON = re.compile(r"(?:e[wy]|W[ylw])[A-Za-z0-9+/\s]{14,}={0,2}\s*\Z")


def _of_base64(text: str) -> str:
    """Return the JSON that a store wrote in base64, or the text as it is."""
    if text[:2] not in ("ew", "ey", "Wy", "Wl", "Ww") or not _BASE64_OF_JSON.match(text):
        return text
    inside = unbased(text)
    return (
        inside if isinstance(inside, str) and isinstance(parsed(inside), Mapping | list) else text
    )


def unbased(text: str, *, strict: bool = False) -> str | bytes | None:
    """Return what base64 stands for, as text where it is UTF-8, or None when it is none."""
    try:
        return decoded(base64.b64decode(text, validate=strict))
    except ValueError:
        return None


def decoded(data: bytes) -> str | bytes:
    """Return data as text where it is UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def headers_of(value: Any) -> dict[str, str]:
    """
    Return headers written as an object or as a list of pairs or of name and value.

    They may also be the JSON text of one of these.
    """
    if isinstance(value, str) and value[:1] in "{[":
        value = parsed(value) if value else None
    if isinstance(value, str) and ":" in value:
        value = [line for line in re.split(r"[\r\n]+", value) if line.strip()]
        value = value if all(re.match(r"[\w-]+:", line) for line in value) else None
    if isinstance(value, Mapping):
        return joined(
            (str(name), ", ".join(map(str, part)) if isinstance(part, list) else _as_text(part))
            for name, part in value.items()
        )
    if not isinstance(value, list):
        return {}
    if all(isinstance(part, str) for part in value):
        halves = (
            [part.partition(":")[::2] for part in value]
            if all(":" in part for part in value)
            else zip(value[::2], value[1::2], strict=False)
        )
        return joined((name.strip(), rest.strip()) for name, rest in halves)
    pairs = [
        (p.get("name", p.get("key")), p.get("value")) if isinstance(p, Mapping) else p
        for p in value
    ]
    return joined(
        (_as_text(p[0]), _as_text(p[1]))
        for p in pairs
        if isinstance(p, list | tuple) and len(p) == 2 and p[0]
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
