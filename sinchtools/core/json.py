"""What a body says as JSON."""

from __future__ import annotations

import json
from typing import Any


def value_of(body: str | bytes | None) -> Any:
    """Return the JSON value of a body, or None when it is none."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def object_of(body: str | bytes | None) -> dict[str, Any]:
    """
    Return the JSON object of a body, or an empty one when it is none.

    Examples
    --------
    >>> object_of('{"to": []}'), object_of("[1]"), object_of("to=1")
    ({'to': []}, {}, {})
    """
    value = value_of(body)
    return value if isinstance(value, dict) else {}


def is_json(text: str) -> bool:
    """Tell whether a text is one JSON value, ``null`` too."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def at_pointer(value: Any, pointer: str | None) -> Any:
    """
    Return what a JSON pointer names in a value, or None when it is not there.

    Examples
    --------
    >>> at_pointer({"to": ["15551230001"]}, "/to/0")
    '15551230001'
    """
    for name in _steps(pointer):
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, ValueError, IndexError, TypeError):
            return None
    return value


def path_of(pointer: str | None) -> str:
    """
    Return a JSON pointer as people write a place.

    Examples
    --------
    >>> path_of("/to/0"), path_of("/parameters/name/default"), path_of(None)
    ('to[0]', 'parameters.name.default', '')
    """
    first, *rest = _steps(pointer) or [""]
    return first + "".join(f"[{name}]" if name.isdecimal() else f".{name}" for name in rest)


def _steps(pointer: str | None) -> list[str]:
    steps = (pointer or "").split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]
