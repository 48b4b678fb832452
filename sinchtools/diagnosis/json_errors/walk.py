"""The way down to where a text breaks off being JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]

from sinchtools.diagnosis.json_errors.text import DECODER, after_space

_WORDS = re.compile("true|false|null")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_STRUCTURE = re.compile(
    r'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)|[{}\[\]]|NaN|-?Infinity|(?<!\d)\d{4301,}', re.DOTALL
)
CLOSER = {"{": "}", "[": "]"}


@dataclass(slots=True)
class Break:
    """Where a text cannot go on, and the way there."""

    at: int = 0  # where the text cannot go on
    wanted: str = "value"  # key, colon, value, comma, string or end
    kinds: str = ""  # the open brackets
    keys: list[str] = None  # type: ignore[assignment]  # the keys on the way here
    token: int = 0  # start of the last whole token
    after: int = 0  # its end
    comma: int | None = None  # the comma just before, if one is
    in_value: bool = False
    opened: frozenset[int] | None = None  # the brackets that are open where the text breaks

    @property
    def key(self) -> str | None:
        """The field of the API in whose value it is."""
        return self.keys[0] if self.keys and (len(self.kinds) > 1 or self.in_value) else None


def break_of(text: str) -> Break:
    """Walk down to the break; whole values are skipped at the speed of the standard library."""
    here = Break(keys=[])
    at = after_space(text, 0)
    while True:
        here.at = at
        if here.wanted == "end":
            return here
        step = _STEPS[here.wanted](text, at, here)
        if step is None:
            return here
        at = after_space(text, step)


def _step_value(text: str, at: int, here: Break) -> int | None:
    here.in_value = bool(here.kinds)
    first = text[at : at + 1]
    if first == "]" and here.kinds.endswith("[") and here.comma is None:
        return _closed(at, here)
    if first in ("{", "["):
        end = _whole_value(text, at, here)
        if end is None:
            here.kinds += first
            here.token, here.after, here.comma = at, at + 1, None
            here.wanted = "key" if first == "{" else "value"
            if first == "{":
                here.keys.append("")
            here.in_value = False
            return at + 1
    elif first == '"':
        end = _string(text, at, here)
    else:
        match = (
            _NUMBER.match(text, at) if first and first in "-0123456789" else _WORDS.match(text, at)
        )
        end = match.end() if match else None
    if end is None:
        return None
    return _done(at, end, here)


def _step_key(text: str, at: int, here: Break) -> int | None:
    here.in_value = False
    if text[at : at + 1] == "}" and here.comma is None:
        return _closed(at, here)
    if text[at : at + 1] != '"':
        return None
    end = _string(text, at, here)
    if end is None:
        return None
    here.keys[-1] = text[at + 1 : end - 1][:100]
    here.token, here.after, here.comma, here.wanted = at, end, None, "colon"
    return end


def _step_colon(text: str, at: int, here: Break) -> int | None:
    if text[at : at + 1] != ":":
        return None
    here.token, here.after, here.wanted = at, at + 1, "value"
    return at + 1


def _step_comma(text: str, at: int, here: Break) -> int | None:
    found = text[at : at + 1]
    here.in_value = False
    if found == ",":
        here.comma, here.wanted = at, "key" if here.kinds[-1] == "{" else "value"
        return at + 1
    return _closed(at, here) if found == CLOSER[here.kinds[-1]] else None


def _closed(at: int, here: Break) -> int:
    if here.kinds[-1] == "{":
        here.keys.pop()
    here.kinds = here.kinds[:-1]
    return _done(at, at + 1, here)


def _done(at: int, end: int, here: Break) -> int:
    here.token, here.after, here.comma = at, end, None
    here.wanted = "comma" if here.kinds else "end"
    here.in_value = False
    return end


def _string(text: str, at: int, here: Break) -> int | None:
    try:
        return int(scanstring(text, at + 1, True)[1])
    except json.JSONDecodeError as error:
        here.token, here.in_value = at, here.wanted == "value"
        here.wanted, here.at = "string", error.pos
        return None


def _whole_value(text: str, at: int, here: Break) -> int | None:
    if here.opened and at in here.opened:
        return None
    try:
        return DECODER.raw_decode(text, at)[1]
    except (ValueError, RecursionError) as error:
        if here.opened is None and len(here.kinds) > 1:  # deep down, each try reads much again
            here.opened = _open_brackets(text, at, getattr(error, "pos", len(text)))
        return None


def _open_brackets(text: str, at: int, end: int) -> frozenset[int]:
    """Return the brackets that are still open at `end`, or at a value that Python does not take."""
    opened: list[int] = []
    for match in _STRUCTURE.finditer(text, at, end):
        if match[0] in ("{", "["):
            opened.append(match.start())
        elif match[0] in ("}", "]"):
            del opened[-1:]
        elif match[0][0] != '"':
            break
    return frozenset(opened)


_STEPS = {"value": _step_value, "key": _step_key, "colon": _step_colon, "comma": _step_comma}


def parent(here: Break) -> str | None:
    """Return the field around the one that a text breaks in."""
    return here.keys[-2] if len(here.keys) > 1 else None
