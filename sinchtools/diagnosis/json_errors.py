"""
Explain why a text is not JSON.

Name the defect and the character that a person must change, and fix it where that is certain.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn
from urllib.parse import unquote

from sinchtools.api.description import SCHEMAS

SMART_QUOTES = "“”„‟«»‘’‚‛`´"
_ODD_SPACES = "\u00a0\u200b\u200c\u200d\u2028\u2029\u202f\u2060\u3000\ufeff\x0b\x0c"
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"-?[A-Za-z_$][\w$.]*")
_FORM = re.compile(
    r"[\w.%\[\]+-]++=[^&{}\n]*+(?:&[\w.%\[\]+-]++=[^&{}\n]*+)*+(?:&[\w.%\[\]+-]*+)?\s*+"
)
_STRUCTURE = re.compile(
    r'"(?:[^"\\]|\\.?)*+(?:"|\Z)|[{}\[\]]|NaN|-?Infinity|(?<!\d)\d{4301,}', re.DOTALL
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{?\w+\}?|<%.*?%>|<\w[\w -]*>|%\w+%|\{\w+\}")
_CLOSER = {"{": "}", "[": "]"}
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
_FIELD_NAMES = frozenset(name for schema in SCHEMAS.values() for name in schema)
_KNOWN_WORDS = _FIELD_NAMES | {
    *{word for schema in SCHEMAS.values() for f in schema.values() for word in f.choices},
    *("true", "false", "null", "True", "False", "None"),
}
# what is kept of an excerpt, each in its own group; the rest is a word, masked unless it is known
_NAMES_NOBODY = re.compile(
    r"(?P<date>(?<![\w-])(?:19|20)\d\d-[01]?\d-[0-3]?\d(?:[ T][0-2]?\d:[0-5]\d(?::[0-5]\d"
    r"(?:\.\d{1,9})?)?)?(?:Z|[+-][01]\d:?[0-5]\d)?(?![\w-]))"
    r"|(?P<group>(?<=\")0[0-9A-HJKMNP-TV-Z]{25}(?=\"))"
    r"|(?P<report>(?<=\")(?:per[-_ ]recipient(?:[-_ ]final)?|mt[-_ ]\w{4,6})(?=\"))"
    r"|\w+",
    re.IGNORECASE,
)
_AROUND, _MOST_AT_FAULT = 24, 80
_TOO_DEEP = "nested too deeply"
_NAME = r"[\w$+.-]+"  # of a field, or a number as the key of a parameter's value
_ODD_CLOSING = re.compile(rf"{_NAME}([{SMART_QUOTES}'])\s*:")
_ENDS_A_TEXT = re.compile(r'(?:[^"\n\[\]{}]|\$\{\w*\})*"\s*[,\]}]')


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refused)
_Wanted = dict[
    str | None, Any
]  # by step of a pointer: what is wanted below; by None: the pointer that ends here


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """
    One reason why a text is no JSON, or no JSON that says one thing only.

    Attributes
    ----------
    rule
        Id of the rule in ``data/catalogue/rules.toml``.
    position, line, column
        The character that a person must change; position counts characters (bytes, where the bytes
        are no text) from 0, the others from 1.
    key
        The API's field in whose value it lies, or None.
    shown
        The characters at fault with a little structure around; letters and digits around them are
        masked.
    caret
        Where in `shown` the character stands, from 0.
    fix
        The certain edit as (start, end, replacement), or None.
    facts
        What the words of the rule need.
    """

    rule: str
    position: int
    line: int
    column: int
    key: str | None = None
    shown: str = ""
    caret: int = 0
    fix: tuple[int, int, str] | None = None
    facts: dict[str, Any]


def parse(text: str) -> tuple[Any, list[str]]:
    """
    Return the value of a JSON text and the keys that occur twice in one object.

    It is as strict as the API.

    Raises
    ------
    ValueError
        It is no JSON, or nested too deeply.
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
        raise ValueError(_TOO_DEEP) from None


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
    text = body if isinstance(body, str) else _decoded(body)
    if isinstance(text, Defect):
        return [text]
    try:
        value, repeated = parse(text)
    except ValueError as error:
        if str(error) == _TOO_DEEP:
            return [_defect(text, "json-too-deep", _start(text))]
        return [_whole(text) or _broken(text)]
    found = [
        _defect(text, "json-duplicate-key", _second(text, key), key=key, name=key[:40])
        for key in repeated[:5]
    ]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        found.insert(
            0,
            _defect(
                text,
                "json-double-encoded",
                _start(text),
                fix=(0, len(text), value) if _is_json(value) else None,
            ),
        )
    return found


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
        _find(text, _space(text, 0), wanted, found)
    return found


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Return the 1-based line and column of a position."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def shown(text: str, position: int, length: int = 1, *, is_masked: bool = True) -> tuple[str, int]:
    """
    Return the text around a position on its line, and where the position is in it.

    Unless it is for the screen, letters and digits are masked, except in names of fields, values
    of enumerations, dates and IDs of groups.
    """
    length = min(length, _MOST_AT_FAULT)
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else max(line_end, position + length)
    start = max(line_start, position - _AROUND)
    end = min(line_end, position + length + _AROUND)
    fault = text[position : position + length].replace("\n", "⏎").replace("\t", "⇥")
    before, after = text[start:position], text[position + length : end]
    if is_masked:
        wide_start, wide_end = max(line_start, start - _AROUND), min(line_end, end + _AROUND)
        wide = _NAMES_NOBODY.sub(_kept_or_masked, text[wide_start:wide_end])
        before = wide[start - wide_start : position - wide_start]
        after = wide[position + length - wide_start : end - wide_start]
    return re.sub(r"[\x00-\x1f\x7f\ufeff]", " ", before + fault + after), position - start


# --- the body as a whole --------------------------------------------------------------------------


def _decoded(body: bytes) -> str | Defect:
    if (
        body[:2] in (b"\xff\xfe", b"\xfe\xff")
        or body[1:2] == b"\0"
        or (body[:1] == b"\0" and len(body) > 1)
    ):
        return Defect(
            rule="json-utf16", position=0, line=1, column=1, shown="", facts={"value": "UTF-16"}
        )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        around, caret = shown(before, len(before), 0)
        facts = {"value": f"0x{body[error.start]:02X}", "observed": error.start}
        key = next(iter(_where(before).keys), None)
        return Defect(
            rule="json-encoding",
            position=error.start,
            line=line,
            column=column,
            key=key,
            shown=around + "�",
            caret=caret,
            facts=facts,
        )


def _whole(text: str) -> Defect | None:
    at = _start(text)
    bare = text.strip()
    if not bare:
        return _defect(text, "json-empty", 0)
    if text.startswith("\ufeff"):
        return _defect(text, "json-bom", 0, fix=(0, 1, ""))
    if bare.startswith("<"):
        return _defect(text, "json-template" if re.match(r"<\w+>\W*$", bare) else "json-markup", at)
    if bare.startswith("--") and "content-disposition" in bare[:2000].lower():
        return _defect(text, "json-multipart", at, length=0)
    if bare[0] not in "{[" and _FORM.fullmatch(bare[:10_000]):
        return _defect(text, "json-form", at, length=0)
    if bare.startswith("[object "):
        return _defect(text, "json-not-serialised", at, length=len(bare[:15]), value=bare[:15])
    if bare[:3].lower() in ("%7b", "%5b"):
        return _defect(
            text,
            "json-percent-encoded",
            at,
            length=3,
            fix=(0, len(text), unquote(text)) if _is_json(unquote(text)) else None,
        )
    if bare[0] in "'‘“`" and bare[1:2] in ("{", "["):
        return _defect(text, "json-outer-quotes", at, fix=_unquoted(text, at))
    if re.match(r"[{\[]\s*&(?:quot|#34|#x22);", bare):
        return _of_a_page(text)
    if re.match(r'\{\s*(?:"\w+"|:\w+)\s*=>', bare):
        return _ruby_hash(text)
    if re.match(r'[{\[]\s*\\"', bare):
        inner = text.replace('\\"', '"')
        return _defect(
            text,
            "json-escaped-quotes",
            text.index("\\"),
            fix=(0, len(text), inner) if _is_json(inner) else None,
        )
    return None


def _of_a_page(text: str) -> Defect:
    """Return the defect of JSON that was escaped for a web page."""
    meant, at = unescape(text), text.index("&")
    fix = (0, len(text), meant) if _is_json(meant) else None
    return _defect(text, "json-html-escaped", at, length=text.index(";", at) + 1 - at, fix=fix)


def _ruby_hash(text: str) -> Defect:
    """Return the defect of a hash as Ruby prints it."""
    meant = re.sub(r":(\w+)\s*=>", r'"\1"=>', text)
    meant = re.sub(r'"\s*=>\s*(nil\b)?', lambda found: f'": {"null" if found[1] else ""}', meant)
    fix = (0, len(text), meant) if _is_json(meant) else None
    return _defect(text, "json-ruby-hash", text.index("=>"), length=2, fix=fix)


def _unquoted(text: str, at: int) -> tuple[int, int, str] | None:
    inner = text.strip()[1:-1]
    return (at, len(text.rstrip()), inner) if _is_json(inner) else None


# --- where it breaks ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Break:
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
        return self.keys[0] if self.keys and (len(self.kinds) > 1 or self.in_value) else None


def _where(text: str) -> _Break:
    """Walk down to the break; whole values are skipped at the speed of the standard library."""
    here = _Break(keys=[])
    at = _space(text, 0)
    while True:
        here.at = at
        if here.wanted == "end":
            return here
        step = _STEPS[here.wanted](text, at, here)
        if step is None:
            return here
        at = _space(text, step)


def _step_value(text: str, at: int, here: _Break) -> int | None:
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
            _NUMBER.match(text, at)
            if first and first in "-0123456789"
            else re.compile("true|false|null").match(text, at)
        )
        end = match.end() if match else None
    if end is None:
        return None
    return _done(at, end, here)


def _step_key(text: str, at: int, here: _Break) -> int | None:
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


def _step_colon(text: str, at: int, here: _Break) -> int | None:
    if text[at : at + 1] != ":":
        return None
    here.token, here.after, here.wanted = at, at + 1, "value"
    return at + 1


def _step_comma(text: str, at: int, here: _Break) -> int | None:
    found = text[at : at + 1]
    here.in_value = False
    if found == ",":
        here.comma, here.wanted = at, "key" if here.kinds[-1] == "{" else "value"
        return at + 1
    return _closed(at, here) if found == _CLOSER[here.kinds[-1]] else None


def _closed(at: int, here: _Break) -> int:
    if here.kinds[-1] == "{":
        here.keys.pop()
    here.kinds = here.kinds[:-1]
    return _done(at, at + 1, here)


def _done(at: int, end: int, here: _Break) -> int:
    here.token, here.after, here.comma = at, end, None
    here.wanted = "comma" if here.kinds else "end"
    here.in_value = False
    return end


def _string(text: str, at: int, here: _Break) -> int | None:
    try:
        return int(scanstring(text, at + 1, True)[1])
    except json.JSONDecodeError as error:
        here.token, here.in_value = at, here.wanted == "value"
        here.wanted, here.at = "string", error.pos
        return None


def _whole_value(text: str, at: int, here: _Break) -> int | None:
    if here.opened and at in here.opened:
        return None
    try:
        return _DECODER.raw_decode(text, at)[1]
    except (ValueError, RecursionError) as error:
        if here.opened is None:
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


# --- what it is -----------------------------------------------------------------------------------


def _broken(text: str) -> Defect:
    here = _where(text)
    at, char = here.at, text[here.at : here.at + 1]
    if here.wanted == "string":
        return _in_string(text, here)
    if not char:
        return _cut(text, here)
    if here.wanted == "end":
        return _after_end(text, here, char)
    if here.comma is not None and char in "]}":
        return _defect(
            text,
            "json-trailing-comma",
            here.comma,
            key=here.key,
            fix=(here.comma, here.comma + 1, ""),
        )
    if char in _ODD_SPACES:
        return _defect(
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
        return _defect(text, "json-smart-quotes", at, key=here.key, value=char)
    if template := _template(text, here):
        return template
    if char == "'" or re.match(r"[bur]'", text[at : at + 2]):
        return _defect(text, "json-single-quotes", at, key=here.key)
    return _BY_WANTED[here.wanted](text, here, char)


def _template(text: str, here: _Break) -> Defect | None:
    just_opened = (
        here.wanted == "key" and here.token == here.at - 1 and len(here.kinds) > 1
    )  # `{{name}}` or `{name}` in the place of a value
    start = here.at - 1 if just_opened else here.at
    match = _TEMPLATE.match(text, start)
    if match is None:
        return None
    key = here.keys[0] if here.keys and here.keys[0] else None
    return _defect(
        text, "json-template", start, key=key, length=match.end() - start, value=match[0][:40]
    )


def _wanted_key(text: str, here: _Break, char: str) -> Defect:
    at = here.at
    if char == ",":
        return _defect(text, "json-extra-comma", at, key=here.key, fix=(at, at + 1, ""))
    if char == "{":
        return _defect(text, "json-extra-bracket", at, key=here.key, value=char)
    if match := re.compile(_NAME).match(text, at):
        rule = (
            "json-missing-quote"
            if text[match.end() : match.end() + 1] == '"'
            else "json-unquoted-key"
        )
        fix = (at, at, '"') if rule == "json-missing-quote" else (at, match.end(), f'"{match[0]}"')
        return _defect(text, rule, at, key=here.key, length=0, fix=fix, name=match[0][:40])
    return _defect(text, "json-unexpected", at, key=here.key, value=_name(char))


def _wanted_value(text: str, here: _Break, char: str) -> Defect:
    at = here.at
    if char in "]}," and text[here.token] == ":":
        return _defect(text, "json-missing-value", here.after, key=here.key, name=here.keys[-1])
    if char == ",":
        return _defect(text, "json-extra-comma", at, key=here.key, fix=(at, at + 1, ""))
    if char in "]}":
        return _mismatch(text, here, char)
    if (match := _WORD.match(text, at)) and match[0] in _LITERALS:
        rule, replacement = _LITERALS[match[0]]
        fix = (at, match.end(), replacement) if replacement else None
        return _defect(text, rule, at, key=here.key, length=len(match[0]), fix=fix, value=match[0])
    if char == ":":
        return _defect(text, "json-unexpected", at, key=here.key, value=char)
    if char == "\\":
        return _defect(text, "json-escaped-quotes", at, key=here.key)
    if char == "(":
        return _defect(text, "json-python-tuple", at, key=here.key)
    if _ENDS_A_TEXT.match(text, at):
        return _defect(text, "json-missing-quote", at, key=here.key, fix=(at, at, '"'))
    if not here.kinds:
        return _defect(text, "json-not-json", at, length=0)
    if char in "+.-0123456789":
        return _defect(text, "json-bad-number", at, key=here.key)
    return _defect(text, "json-unquoted-value", at, key=here.key, length=0)


def _wanted_colon(text: str, here: _Break, char: str) -> Defect:
    key = text[here.token + 1 : here.after - 1]
    if match := re.fullmatch(rf"({_NAME})\s*:\s*(?:[\[{{]\s*|[\w.+-]+\s*,\s*)?", key):
        position = here.token + 1 + len(match[1])
        return _defect(text, "json-missing-quote", position, fix=(position, position, '"'))
    if match := _ODD_CLOSING.match(key):
        return _odd_quote(text, here.token + 1 + match.start(1), here)
    if here.after == here.at and (not key or re.compile(r'"\s*:').match(text, here.at)):
        return _extra_quote(text, here.at if key else here.token, here)
    if char == "," and text[: here.token].rstrip().endswith("{") and _surplus(text, "]"):
        position = text.rindex("{", 0, here.token)
        return _defect(
            text,
            "json-wrong-bracket",
            position,
            key=_parent(here),
            fix=(position, position + 1, "["),
            value="[",
        )
    if char == "=":
        return _defect(
            text,
            "json-equals-sign",
            here.at,
            fix=(here.at, here.at + (2 if text[here.at : here.at + 2] == "=>" else 1), ":"),
        )
    if char == "]" or (char == "," and _surplus(text, "]")):
        return _no_opening(text, here)
    if char in ",}":
        return _defect(text, "json-missing-value", here.after, name=here.keys[-1], key=here.key)
    return _defect(
        text,
        "json-missing-colon",
        here.after,
        fix=(here.after, here.after, ":"),
        name=here.keys[-1],
    )


def _wanted_comma(text: str, here: _Break, char: str) -> Defect:
    at, was_string = here.at, text[here.token] == '"'
    inside = here.keys[0] if here.keys else None
    if char in "]}":
        return _mismatch(text, here, char)
    if char == ":" and here.kinds.endswith("["):
        return _no_closing(text, here)
    if char == ":" and was_string and _surplus(text, "}"):
        return _no_object(text, here)
    if char == ")":
        return _defect(
            text,
            "json-wrong-bracket",
            at,
            key=inside,
            fix=(at, at + 1, _CLOSER[here.kinds[-1]]),
            value=_CLOSER[here.kinds[-1]],
        )
    if (
        char == '"'
        and was_string
        and here.after == at
        and re.compile(r'"\s*[,\]}]').match(text, at)
    ):
        return _extra_quote(text, at, here)
    if char == ";":
        return _defect(text, "json-semicolon", at, key=here.key, fix=(at, at + 1, ","))
    if was_string and char not in '"{[,':
        return _quote_within(text, here, inside)
    if text[here.token] in "-0123456789" and here.after == at and _ENDS_A_TEXT.match(text, at):
        return _defect(
            text,
            "json-missing-quote",
            here.token,
            key=inside,
            length=0,
            fix=(here.token, here.token, '"'),
        )
    if text[here.token] in "-0123456789" and here.after == at:
        rule = "json-leading-zero" if char.isdigit() else "json-bad-number"
        return _defect(text, rule, here.token, key=inside)
    if char in '"{[-0123456789tfn':
        return _defect(
            text, "json-missing-comma", here.after, key=here.key, fix=(here.after, here.after, ",")
        )
    return _defect(text, "json-unexpected", at, key=here.key, value=_name(char))


_BY_WANTED = {
    "key": _wanted_key,
    "value": _wanted_value,
    "colon": _wanted_colon,
    "comma": _wanted_comma,
}


def _quote_within(text: str, here: _Break, inside: str | None) -> Defect:
    content, rest = text[here.token + 1 : here.after - 1], text[here.at : here.at + 400]
    if rest[0] == "+" and re.match(r"\+\s*[\w$\"]", rest) and not re.match(r'\+\d+"', rest):
        return _defect(text, "json-concatenation", here.at, key=inside)
    if not content and re.match(r'[^"\n,\]}]+"', rest):
        return _extra_quote(text, here.token, here)
    following = re.match(r'[^"\n]*"\s*(.?)', rest)
    cut = _text_end(content)
    closes_key = following is not None and following[1] == ":" and "," in content[cut:]
    in_list = (
        here.kinds.endswith("[")
        and following is not None
        and following[1] in (",", "]")
        and "," in content[cut:]
    )
    if closes_key or in_list:
        position = here.token + 1 + cut
        if content[cut - 1 : cut] in (*SMART_QUOTES, "'"):
            return _odd_quote(text, position - 1, here)
        return _defect(
            text, "json-missing-quote", position, key=inside, fix=(position, position, '"')
        )
    return _defect(text, "json-inner-quote", here.after - 1, key=inside)


def _odd_quote(text: str, at: int, here: _Break) -> Defect:
    rule = "json-single-quotes" if text[at] == "'" else "json-smart-quotes"
    return _defect(text, rule, at, key=here.key, fix=(at, at + 1, '"'), value=text[at])


def _extra_quote(text: str, at: int, here: _Break) -> Defect:
    return _defect(text, "json-extra-quote", at, key=here.key, fix=(at, at + 1, ""))


def _parent(here: _Break) -> str | None:
    return here.keys[-2] if len(here.keys) > 1 else None


def _in_string(text: str, here: _Break) -> Defect:
    char, key = (
        text[here.at : here.at + 1],
        here.keys[0] if here.keys and here.keys[0] and here.in_value else here.key,
    )
    unclosed = here.at <= here.token + 1 and not (char and char < " ") and char != "\\"
    if unclosed or (char in "\r\n" and (not here.in_value or _line_starts_anew(text, here.at))):
        end = len(text) if unclosed else here.at
        content = text[here.token + 1 : end]
        if not here.in_value and (odd := _ODD_CLOSING.match(content)):
            return _odd_quote(text, here.token + 1 + odd.start(1), here)
        name = None if here.in_value else re.match(rf"{_NAME}(?=\s*:)", content)
        position = here.token + 1 + (name.end() if name else _text_end(content))
        if unclosed and not content.rstrip().endswith(("}", "]")):
            return _defect(text, "json-truncated", len(text.rstrip()), key=key, length=0)
        if text[position - 1] in (*SMART_QUOTES, "'"):
            return _odd_quote(text, position - 1, here)
        return _defect(text, "json-missing-quote", position, key=key, fix=(position, position, '"'))
    if char == "\\" or not char or char >= " ":
        position = text.rfind("\\", 0, here.at + 2)
        return _defect(
            text,
            "json-bad-escape",
            position,
            key=key,
            length=2,
            value=text[position : position + 2],
        )
    rule = {"\n": "json-raw-newline", "\r": "json-raw-newline", "\t": "json-raw-tab"}.get(
        char, "json-raw-control"
    )
    return _defect(
        text,
        rule,
        here.at,
        key=key,
        fix=(here.at, here.at + 1, json.dumps(char)[1:-1]),
        value=f"U+{ord(char):04X}",
    )


def _text_end(content: str) -> int:
    """
    Return where a text ended before a comma and closing brackets got into it.

    Brackets that it opens itself are its own.
    """
    surplus = sum(map(content.count, "]}")) - sum(map(content.count, "[{"))
    end = _before_comma(content, len(content))
    while surplus > 0 and content[end - 1 : end] in ("]", "}"):
        surplus -= 1
        end = _before_comma(content, end - 1)
    return end


def _before_comma(content: str, end: int) -> int:
    """Return where the text ends that is followed by white space, and by one comma at most."""
    end = _before_space(content, end)
    return _before_space(content, end - 1) if content[end - 1 : end] == "," else end


def _before_space(content: str, end: int) -> int:
    while end and content[end - 1].isspace():
        end -= 1
    return end


def _line_starts_anew(text: str, newline: int) -> bool:
    if text[:newline].rstrip().endswith(",") and re.compile(r'\s*"[^"\n]*"\s*[,\]\r\n]').match(
        text[newline : newline + 500]
    ):
        return True
    return (
        re.compile(r'[\r\n]+\s*(?:"[\w-]+"\s*:|[}\]]\s*[,}\]\r\n]|[}\]]\s*$)').match(
            text[newline : newline + 500]
        )
        is not None
    )


def _cut(text: str, here: _Break) -> Defect:
    end = len(text.rstrip())
    if here.wanted == "end" or not here.kinds:
        return _defect(text, "json-unexpected", end, value="the end")
    if here.wanted == "comma" and here.kinds == "{":
        end = (
            len(text) if re.match(r"\s*\{[ \t]*\r?\n", text) else end
        )  # where each bracket has a line of its own
        return _defect(text, "json-missing-brace", end, length=0, fix=(end, end, "}"), value="}")
    key = (
        here.keys[0]
        if here.keys and (len(here.kinds) > 1 or here.wanted in ("value", "comma"))
        else None
    )
    return _defect(text, "json-truncated", end, key=key or None, length=0)


def _after_end(text: str, here: _Break, char: str) -> Defect:
    first = text[_start(text)]
    if first == '"' and char == ":":
        return _defect(text, "json-missing-brace", 0, length=0, fix=(0, 0, "{"), value="{")
    if first not in "{[":
        return _defect(text, "json-not-json", _start(text), length=0)
    if char in "}]":
        return _defect(
            text, "json-extra-bracket", here.at, fix=(here.at, here.at + 1, ""), value=char
        )
    if char == "," and re.compile(r',\s*"').match(text, here.at):
        return _defect(text, "json-extra-bracket", here.after - 1, value=text[here.after - 1])
    if char in "{[,":
        return _defect(text, "json-two-documents", here.at)
    return _defect(text, "json-text-after", here.at)


def _mismatch(text: str, here: _Break, char: str) -> Defect:
    if here.kinds.endswith("["):
        wrong = _surplus(text, "}")
        rule, position = (
            ("json-wrong-bracket", here.at) if wrong else ("json-missing-bracket", here.after)
        )
        fix = (here.at, here.at + 1, "]") if wrong else (here.after, here.after, "]")
        return _defect(
            text, rule, position, key=here.keys[0] if here.keys else None, fix=fix, value="]"
        )
    if _surplus(text, "]") and not _surplus(text, "{"):
        if text[here.at - 1] == "]":
            return _defect(
                text,
                "json-extra-bracket",
                here.at,
                key=here.key,
                fix=(here.at, here.at + 1, ""),
                value="]",
            )
        return _no_opening(text, here)
    if _surplus(text, "{"):
        if _surplus(text, "]"):
            return _defect(
                text,
                "json-wrong-bracket",
                here.at,
                key=here.key,
                fix=(here.at, here.at + 1, "}"),
                value="}",
            )
        return _defect(
            text,
            "json-missing-brace",
            here.after,
            key=here.key,
            fix=(here.after, here.after, "}"),
            value="}",
        )
    return _defect(text, "json-extra-bracket", here.at, key=here.key, value=char)


def _surplus(text: str, bracket: str) -> bool:
    """Whether there are more of this bracket than of its partner, texts left out."""
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text[:2_000_000])
    return bare.count(bracket) > bare.count({"{": "}", "}": "{", "]": "[", "[": "]"}[bracket])


def _no_opening(text: str, here: _Break) -> Defect:
    """
    Find the first value of the list whose opening bracket is missing.

    That is the value after the last key with a colon.
    """
    colon = max(
        (match.end() for match in re.finditer(r'"\s*:[ \t]*', text[: here.at][-100_000:])),
        default=0,
    ) + max(0, here.at - 100_000)
    name = re.search(r'"([^"]*)"\s*:\s*$', text[max(0, colon - 200) : colon])
    return _defect(
        text,
        "json-missing-bracket",
        colon,
        key=name[1] if name else None,
        fix=(colon, colon, "["),
        value="[",
    )


def _no_object(text: str, here: _Break) -> Defect:
    """
    Find the start of the object whose opening brace is missing.

    That is just after the colon before its first key.
    """
    colon = len(text[: here.token].rstrip())
    position = colon + len(text[colon : here.token]) - len(text[colon : here.token].lstrip(" \t"))
    return _defect(
        text,
        "json-missing-brace",
        position,
        key=here.keys[0],
        fix=(position, position, "{"),
        value="{",
    )


def _no_closing(text: str, here: _Break) -> Defect:
    """
    Find the end of the list that was not closed: before the comma in front of the key.

    Otherwise find the wrong or doubled bracket that opened it.
    """
    opening = text.rfind("[", 0, here.token)
    if not text[opening + 1 : here.token].strip() and _surplus(text, "}"):
        return _defect(
            text,
            "json-wrong-bracket",
            opening,
            key=_parent(here),
            fix=(opening, opening + 1, "{"),
            value="{",
        )
    doubled = text.rfind("[[", 0, here.token) + 1
    if doubled:
        return _defect(
            text,
            "json-extra-bracket",
            doubled,
            key=here.keys[0] if here.keys else None,
            fix=(doubled, doubled + 1, ""),
            value="[",
        )
    before = text[: here.token].rstrip()
    position = len(before) - 1 if before.endswith(",") else here.token
    return _defect(
        text,
        "json-missing-bracket",
        position,
        key=here.keys[0] if here.keys else None,
        fix=(position, position, "]"),
        value="]",
    )


def _comment(text: str, here: _Break) -> Defect:
    end = (
        text.find("*/", here.at) + 2 if text.startswith("/*", here.at) else text.find("\n", here.at)
    )
    fix = (here.at, end, "") if end > 1 else None
    return _defect(
        text,
        "json-comment",
        here.at,
        key=here.key,
        length=1 if text[here.at] == "#" else 2,
        fix=fix,
    )


# --- places ---------------------------------------------------------------------------------------


def _defect(
    text: str,
    rule: str,
    at: int,
    *,
    key: str | None = None,
    length: int = 1,
    fix: tuple[int, int, str] | None = None,
    **facts: Any,
) -> Defect:
    line, column = line_and_column(text, at)
    around, caret = shown(text, at, length)
    facts = {"line": line, "column": column, **facts}
    return Defect(
        rule=rule,
        position=at,
        line=line,
        column=column,
        key=key or None,
        shown=around,
        caret=caret,
        fix=fix,
        facts=facts,
    )


def _kept_or_masked(match: re.Match[str]) -> str:
    return match[0] if match.lastgroup or match[0] in _KNOWN_WORDS else "•" * len(match[0])


def _name(char: str) -> str:
    return char if char.isprintable() and not char.isalnum() else f"U+{ord(char):04X}"


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _start(text: str) -> int:
    return len(text) - len(text.lstrip())


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _second(text: str, key: str) -> int:
    places = [
        match.start()
        for match in re.finditer(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", text)
    ]
    return places[1] if len(places) > 1 else (places or [0])[0]


def _find(text: str, at: int, wanted: _Wanted, found: dict[str, int]) -> int:
    """Note where the wanted values below a value begin, and return where it ends."""
    if None in wanted:
        found.setdefault(wanted[None], at)
    if text[at] not in "{[" or wanted.keys() == {None}:
        return int(_DECODER.raw_decode(text, at)[1])
    opening, at = text[at], _space(text, at + 1)
    number = 0
    while text[at] not in "}]":
        if opening == "{":
            name, at = scanstring(text, at + 1, True)
            at = _space(text, _space(text, at) + 1)
        else:
            name, number = str(number), number + 1
        inner = wanted.get(name)
        at = _space(
            text, _find(text, at, inner, found) if inner else _DECODER.raw_decode(text, at)[1]
        )
        if text[at] == ",":
            at = _space(text, at + 1)
    return at + 1
