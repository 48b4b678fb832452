"""What a person must change where a text breaks off being JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sinchtools.diagnosis.json_errors.brackets import (
    no_opening,
    of_cut,
    of_mismatch,
    of_no_closing,
    of_no_object,
    of_rest,
    surplus,
)
from sinchtools.diagnosis.json_errors.defect import Defect, char_name, defect_at
from sinchtools.diagnosis.json_errors.quotes import (
    NAME,
    ODD_CLOSING,
    SMART_QUOTES,
    extra_quote,
    odd_quote,
    of_string,
    quote_within,
)
from sinchtools.diagnosis.json_errors.text import TOO_DEEP, is_json, parse, start_of
from sinchtools.diagnosis.json_errors.walk import CLOSER, Break, break_of, parent
from sinchtools.diagnosis.json_errors.whole import decoded, of_whole

_ODD_SPACES = "\u00a0\u200b\u200c\u200d\u2028\u2029\u202f\u2060\u3000\ufeff\x0b\x0c"
_WORD = re.compile(r"-?[A-Za-z_$][\w$.]*")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{?\w+\}?|<%.*?%>|<\w[\w -]*>|%\w+%|\{\w+\}")
_LITERALS = {
    "None": ("json-python-literal", "null"),
    "True": ("json-python-literal", "true"),
    "False": ("json-python-literal", "false"),
    "NaN": ("json-nan", None),
    "Infinity": ("json-nan", None),
    "-Infinity": ("json-nan", None),
    "nan": ("json-nan", None),
    "inf": ("json-nan", None),
    "undefined": ("json-undefined", None),
    "nil": ("json-undefined", None),
    "NULL": ("json-undefined", "null"),
    "Null": ("json-undefined", "null"),
    "TRUE": ("json-python-literal", "true"),
    "FALSE": ("json-python-literal", "false"),
}
_ENDS_A_TEXT = re.compile(r'(?:[^"\n\[\]{}]|\$\{\w*\})*"\s*[,\]}]')


class Examined(NamedTuple):
    """The defects of a body; its value where it is JSON all the same."""

    defects: list[Defect]
    is_json: bool = False
    value: Any = None


def defects(body: str | bytes) -> list[Defect]:
    """
    Return what keeps a body from being JSON, the first defect only.

    If it is JSON, return the keys that occur twice, and a text within a text.

    Examples
    --------
    >>> [defect] = defects('{"to": ["+15551230001"], "body": "Hi",}')
    >>> defect.rule, defect.line, defect.column, defect.fix
    ('json-trailing-comma', 1, 38, (37, 38, ''))
    """
    return examined(body).defects


def examined(body: str | bytes) -> Examined:
    """
    Return the defects of a body, as `defects` does, and its value.

    Examples
    --------
    >>> examined('{"to": []}')
    Examined(defects=[], is_json=True, value={'to': []})
    """
    text = body if isinstance(body, str) else decoded(body)
    if isinstance(text, Defect):
        return Examined([text])
    try:
        value, repeated = parse(text)
    except ValueError as error:
        if str(error) == TOO_DEEP:
            return Examined([defect_at(text, "json-too-deep", start_of(text))])
        return Examined([of_whole(text) or _broken(text)])
    found = [
        defect_at(text, "json-duplicate-key", _second(text, key), key=key, name=key[:40])
        for key in repeated[:5]
    ]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        found.insert(
            0,
            defect_at(
                text,
                "json-double-encoded",
                start_of(text),
                fix=(0, len(text), value) if is_json(value) else None,
            ),
        )
    return Examined(found, is_json=True, value=value)


def _broken(text: str) -> Defect:
    here = break_of(text)
    at, char = here.at, text[here.at : here.at + 1]
    if here.wanted == "string":
        return of_string(text, here)
    if not char:
        return of_cut(text, here)
    if here.wanted == "end":
        return of_rest(text, here, char)
    if here.comma is not None and char in "]}":
        return defect_at(
            text,
            "json-trailing-comma",
            here.comma,
            key=here.key,
            fix=(here.comma, here.comma + 1, ""),
        )
    if char in _ODD_SPACES:
        return defect_at(
            text,
            "json-odd-space",
            at,
            key=here.key,
            fix=(at, at + 1, " "),
            value=f"U+{ord(char):04X}",
        )
    if text.startswith(("//", "/*"), at) or char == "#":
        return _comment(text, here)
    if char in SMART_QUOTES:
        return defect_at(text, "json-smart-quotes", at, key=here.key, value=char)
    if template := _template(text, here):
        return template
    if char == "'" or re.match(r"[bur]'", text[at : at + 2]):
        return defect_at(text, "json-single-quotes", at, key=here.key)
    return _BY_WANTED[here.wanted](text, here, char)


def _template(text: str, here: Break) -> Defect | None:
    just_opened = (
        here.wanted == "key" and here.token == here.at - 1 and len(here.kinds) > 1
    )  # `{{name}}` or `{name}` in the place of a value
    start = here.at - 1 if just_opened else here.at
    match = _TEMPLATE.match(text, start)
    if match is None:
        return None
    key = here.keys[0] if here.keys and here.keys[0] else None
    return defect_at(
        text, "json-template", start, key=key, length=match.end() - start, value=match[0][:40]
    )


def _wanted_key(text: str, here: Break, char: str) -> Defect:
    at = here.at
    if char == ",":
        return defect_at(text, "json-extra-comma", at, key=here.key, fix=(at, at + 1, ""))
    if char == "{":
        return defect_at(text, "json-extra-bracket", at, key=here.key, value=char)
    if match := re.compile(NAME).match(text, at):
        rule = (
            "json-missing-quote"
            if text[match.end() : match.end() + 1] == '"'
            else "json-unquoted-key"
        )
        fix = (at, at, '"') if rule == "json-missing-quote" else (at, match.end(), f'"{match[0]}"')
        return defect_at(text, rule, at, key=here.key, length=0, fix=fix, name=match[0][:40])
    return defect_at(text, "json-unexpected", at, key=here.key, value=char_name(char))


def _wanted_value(text: str, here: Break, char: str) -> Defect:
    at = here.at
    if char in "]}," and text[here.token] == ":":
        return defect_at(text, "json-missing-value", here.after, key=here.key, name=here.keys[-1])
    if char == ",":
        return defect_at(text, "json-extra-comma", at, key=here.key, fix=(at, at + 1, ""))
    if char in "]}":
        return of_mismatch(text, here, char)
    if (match := _WORD.match(text, at)) and match[0] in _LITERALS:
        rule, replacement = _LITERALS[match[0]]
        fix = (at, match.end(), replacement) if replacement else None
        return defect_at(
            text, rule, at, key=here.key, length=len(match[0]), fix=fix, value=match[0]
        )
    if char == ":":
        return defect_at(text, "json-unexpected", at, key=here.key, value=char)
    if char == "\\":
        return defect_at(text, "json-escaped-quotes", at, key=here.key)
    if char == "(":
        return defect_at(text, "json-python-tuple", at, key=here.key)
    if _ENDS_A_TEXT.match(text, at):
        return defect_at(text, "json-missing-quote", at, key=here.key, fix=(at, at, '"'))
    if not here.kinds:
        return defect_at(text, "json-not-json", at, length=0)
    if char in "+.-0123456789":
        return defect_at(text, "json-bad-number", at, key=here.key)
    return defect_at(text, "json-unquoted-value", at, key=here.key, length=0)


def _wanted_colon(text: str, here: Break, char: str) -> Defect:
    key = text[here.token + 1 : here.after - 1]
    if match := re.fullmatch(rf"({NAME})\s*:\s*(?:[\[{{]\s*|[\w.+-]+\s*,\s*)?", key):
        position = here.token + 1 + len(match[1])
        return defect_at(text, "json-missing-quote", position, fix=(position, position, '"'))
    if match := ODD_CLOSING.match(key):
        return odd_quote(text, here.token + 1 + match.start(1), here)
    if here.after == here.at and (not key or re.compile(r'"\s*:').match(text, here.at)):
        return extra_quote(text, here.at if key else here.token, here)
    if char == "," and text[: here.token].rstrip().endswith("{") and surplus(text, "]"):
        position = text.rindex("{", 0, here.token)
        return defect_at(
            text,
            "json-wrong-bracket",
            position,
            key=parent(here),
            fix=(position, position + 1, "["),
            value="[",
        )
    if char == "=":
        return defect_at(
            text,
            "json-equals-sign",
            here.at,
            fix=(here.at, here.at + (2 if text[here.at : here.at + 2] == "=>" else 1), ":"),
        )
    if char == "]" or (char == "," and surplus(text, "]")):
        return no_opening(text, here)
    if char in ",}":
        return defect_at(text, "json-missing-value", here.after, name=here.keys[-1], key=here.key)
    return defect_at(
        text,
        "json-missing-colon",
        here.after,
        fix=(here.after, here.after, ":"),
        name=here.keys[-1],
    )


def _wanted_comma(text: str, here: Break, char: str) -> Defect:
    at, was_string = here.at, text[here.token] == '"'
    inside = here.keys[0] if here.keys else None
    if char in "]}":
        return of_mismatch(text, here, char)
    if char == ":" and here.kinds.endswith("["):
        return of_no_closing(text, here)
    if char == ":" and was_string and surplus(text, "}"):
        return of_no_object(text, here)
    if char == ")":
        return defect_at(
            text,
            "json-wrong-bracket",
            at,
            key=inside,
            fix=(at, at + 1, CLOSER[here.kinds[-1]]),
            value=CLOSER[here.kinds[-1]],
        )
    if (
        char == '"'
        and was_string
        and here.after == at
        and re.compile(r'"\s*[,\]}]').match(text, at)
    ):
        return extra_quote(text, at, here)
    if char == ";":
        return defect_at(text, "json-semicolon", at, key=here.key, fix=(at, at + 1, ","))
    if was_string and char not in '"{[,':
        return quote_within(text, here, inside)
    if text[here.token] in "-0123456789" and here.after == at and _ENDS_A_TEXT.match(text, at):
        return defect_at(
            text,
            "json-missing-quote",
            here.token,
            key=inside,
            length=0,
            fix=(here.token, here.token, '"'),
        )
    if text[here.token] in "-0123456789" and here.after == at:
        rule = "json-leading-zero" if char.isdigit() else "json-bad-number"
        return defect_at(text, rule, here.token, key=inside)
    if char in '"{[-0123456789tfn':
        return defect_at(
            text, "json-missing-comma", here.after, key=here.key, fix=(here.after, here.after, ",")
        )
    return defect_at(text, "json-unexpected", at, key=here.key, value=char_name(char))


_BY_WANTED = {
    "key": _wanted_key,
    "value": _wanted_value,
    "colon": _wanted_colon,
    "comma": _wanted_comma,
}


def _comment(text: str, here: Break) -> Defect:
    end = (
        text.find("*/", here.at) + 2 if text.startswith("/*", here.at) else text.find("\n", here.at)
    )
    fix = (here.at, end, "") if end > 1 else None
    return defect_at(
        text,
        "json-comment",
        here.at,
        key=here.key,
        length=1 if text[here.at] == "#" else 2,
        fix=fix,
    )


def _second(text: str, key: str) -> int:
    places = [
        match.start()
        for match in re.finditer(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", text)
    ]
    return places[1] if len(places) > 1 else (places or [0])[0]
