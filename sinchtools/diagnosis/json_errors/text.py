"""JSON read as strictly as the API reads it, and where its values are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

_BLANKS = " \t\r\n"
_SPACE = re.compile(rf"[{_BLANKS}]*")
TOO_DEEP = "nested too deeply"


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


DECODER = json.JSONDecoder(parse_constant=_refused)
_Wanted = dict[
    str | None, Any
]  # by step of a pointer: what is wanted below; by None: the pointer that ends here


def parse(text: str) -> tuple[Any, list[str]]:
    """
    Return the value of a JSON text and the keys that occur twice in one object.

    It is as strict as the API.

    Raises
    ------
    ValueError
        It is not JSON, or nested too deeply.
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.extend(name for name in value if counts[name] > 1)
        return value

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=_refused), repeated
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def position_of(text: str, pointer: str | None) -> int | None:
    """
    Return where the value of a JSON pointer begins in a JSON text.

    Return None when it is not there.

    Examples
    --------
    >>> position_of('{"to": ["a", "b"]}', "/to/1")
    13
    """
    return positions_of(text, [pointer]).get(pointer) if pointer else None


def positions_of(text: str, pointers: Iterable[str]) -> dict[str, int]:
    """
    Return where the values that JSON pointers name begin, found in one walk.

    What is not there is left out.

    Examples
    --------
    >>> positions_of('{"to": ["a", "b"], "body": "Hi"}', ["/body", "/to/1", "/from"])
    {'/to/1': 13, '/body': 27}
    """
    wanted: _Wanted = {}
    for pointer in pointers:
        inner = wanted
        for step in pointer[1:].split("/"):
            inner = inner.setdefault(step.replace("~1", "/").replace("~0", "~"), {})
        inner[None] = pointer
    found: dict[str, int] = {}
    with suppress(ValueError, IndexError, RecursionError):  # what comes before a break is found
        _find(text, after_space(text, 0), wanted, found)
    return found


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Return the 1-based line and column of a position."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def after_space(text: str, at: int) -> int:
    """Return the position after white space."""
    if text[at : at + 1] not in _BLANKS:
        return at
    match = _SPACE.match(text, at)
    return match.end() if match else at


def start_of(text: str) -> int:
    """Return where a text begins after white space."""
    return len(text) - len(text.lstrip())


def is_json(text: str) -> bool:
    """Tell whether a text is JSON as the API reads it."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _find(text: str, at: int, wanted: _Wanted, found: dict[str, int]) -> int:
    """Note where the wanted values below a value begin, and return where it ends."""
    if None in wanted:
        found.setdefault(wanted[None], at)
    if text[at] not in "{[" or wanted.keys() == {None}:
        return int(DECODER.raw_decode(text, at)[1])
    opening, at = text[at], after_space(text, at + 1)
    number = 0
    while text[at] not in "}]":
        if opening == "{":
            name, at = scanstring(text, at + 1, True)
            at = after_space(text, after_space(text, at) + 1)
        else:
            name, number = str(number), number + 1
        inner = wanted.get(name)
        at = after_space(
            text, _find(text, at, inner, found) if inner else DECODER.raw_decode(text, at)[1]
        )
        if text[at] == ",":
            at = after_space(text, at + 1)
    return at + 1
