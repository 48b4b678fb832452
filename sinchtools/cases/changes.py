"""
What was changed between a request and another, change by change, in words that can be followed.

The words come from the two requests alone, so that they hold every change and no other.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from sinchtools.api.description import split_url
from sinchtools.core.json import at_pointer, path_of, value_of
from sinchtools.core.records import Exchange, header
from sinchtools.core.words import listed
from sinchtools.diagnosis.fixes import JsonRepair, repaired
from sinchtools.diagnosis.rules import rules
from sinchtools.privacy.markers import marker_facts
from sinchtools.replays.verdicts import Difference, request_differences

_LONGEST = 100  # characters of a value in a sentence
_MOST_LINES, _MOST_ENTRIES = 3, 3  # named one by one
_WALL_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_STRAY = {  # facts of a marker: what to do about them
    "trailing-space": "remove the space after the token",
    "trailing-newline": "remove the line break after the token",
    "leading-space": "remove the space before the token",
    "inner-space": "remove the space inside the token",
    "quoted": "remove the quotes around the token",
    "bracketed": "remove the brackets around the token",
}
_REPAIRS = {  # in a list of changes, where the words of the rule would be too short
    "json-double-encoded": "send the JSON itself, not the JSON inside a string.",
    "json-odd-space": "replace the unusual space with a plain one.",
    "json-python-literal": "write the value as JSON does.",
    "json-trailing-comma": "remove the comma after the last value.",
    "json-wrong-bracket": "replace the bracket with {value}.",
}
_OF_PYTHON = ("json-single-quotes", "json-python-literal")
_PYTHON_WORDS = {True: "true", False: "false", None: "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a request."""

    # what was changed: ``method``, ``url``, ``JSON``, a header's name, or a path in the body such
    # as ``to[0]``
    place: str
    was: str | None  # the value before as it may be shown; None where there is none
    now: str | None  # the same after
    says: str  # the change as one sentence, to be followed by whoever wrote the request
    assumes: str = ""  # what was assumed, for the customer to confirm; empty when nothing was

    def __str__(self) -> str:
        return f"{self.says} {self.assumes}".strip()


def changes(
    original: Exchange, request: Exchange, mask: Callable[[Exchange], Exchange] = lambda x: x
) -> list[Change]:
    """
    Return every change that leads from one request to another, and no other.

    Parameters
    ----------
    original, request
        The request before and after, people in clear: two people with one mask differ.
    mask
        Hides people in what the changes say.

    Examples
    --------
    >>> bad = Exchange(request_body='{"to": ["+15551230001"], "delivery_report": "Full",}')
    >>> good = Exchange(request_body='{"to": ["+15551230001"], "delivery_report": "full"}')
    >>> for change in changes(bad, good):
    ...     print(change)
    Line 1, column 51: remove the comma after the last value.
    delivery_report: write "full", not "Full".
    """
    found: list[Change] = []
    mended = None
    if _is_broken(original) and not _is_broken(request):
        mended = repaired(original.request_body or "")
    if mended and mended.edits:
        found += _of_json(mended.edits)
        original = replace(original, request_body=mended.text)
    differences = request_differences(original, request)
    shown = _Shown(mask(original), mask(request))
    in_body = [one for one in differences if one.part == "body" and one.place]
    for one in differences:
        if one not in in_body:
            found.append(_outside_the_body(one, shown))
    return [*found, *_in_the_body(in_body, shown)]


def _is_broken(exchange: Exchange) -> bool:
    body = exchange.request_body
    return bool(body) and not isinstance(value_of(body), dict | list)


# --- JSON -----------------------------------------------------------------------------------------


def _of_json(repairs: Sequence[JsonRepair]) -> Iterator[Change]:
    """Yield one change for each kind of repair, with the lines that it is on."""
    lines, told = 0, []
    has_lines = "\n" in repairs[0].before.strip()
    for repair in repairs:
        place = f"line {repair.defect.line + lines}"
        if not has_lines:
            place = f"line 1, column {repair.defect.column}"
        told += [(words, place) for words in _words_of(repair)]
        lines += repair.before.count("\n") - repair.after.count("\n")
    kinds = dict.fromkeys(words for words, _ in told)
    for words in kinds:
        places = list(dict.fromkeys(place for said, place in told if said == words))
        at = listed(places).capitalize() if len(places) <= _MOST_LINES else "The whole body"
        yield Change(place="JSON", was=None, now=None, says=f"{at}: {words}")


def _words_of(repair: JsonRepair) -> Iterator[str]:
    defect = repair.defect
    literals = list(_python_literals(repair.before)) if defect.rule in _OF_PYTHON else []
    if defect.rule != "json-python-literal" or not literals:
        rule = rules()[defect.rule]
        words = _REPAIRS.get(defect.rule) or rule.fix or rule.then
        words = words.format_map({"value": "", "name": "", **defect.facts})
        yield words[:1].lower() + words[1:]
    yield from literals


def _python_literals(text: str) -> Iterator[str]:
    """Yield what else is different when a Python dict becomes JSON."""
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    used = [node.value for node in nodes if isinstance(node, ast.Constant)]
    for value, word in _PYTHON_WORDS.items():
        if any(one is value for one in used):
            yield f"write {word}, not {value}."


# --- method, URL, headers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """The two requests as they may be shown."""

    was: Exchange
    now: Exchange


def _outside_the_body(one: Difference, shown: _Shown) -> Change:
    if one.part == "header":
        return _of_header(one, shown)
    if one.part == "method":
        says = f"Method: use {one.now} instead of {one.was}."
        return Change(place="method", was=one.was, now=one.now, says=says)
    if one.part == "url":
        return _of_url(shown.was.url, shown.now.url)
    if one.now is None:
        says = "Send the request without a body."
    else:
        says = "Body: write it as the JSON below." if one.was else "Send the JSON body below."
    return Change(place="body", was=None, now=None, says=says)


def _of_url(was: str | None, now: str | None) -> Change:
    old, new = split_url(was or ""), split_url(now or "")
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        before, after = (part._replace(scheme="", netloc="").geturl() for part in (old, new))
        says = f"Path: use {_cut(after)} instead of {_cut(before)}."
    elif old.netloc != new.netloc and (old.path, old.query) == (new.path, new.query):
        says = f"Host: use {new.netloc} instead of {old.netloc}."
    else:
        says = f"URL: use {_cut(now or '')} instead of {_cut(was or '')}."
    return Change(place="url", was=was, now=now, says=says)


def _of_header(one: Difference, shown: _Shown) -> Change:
    name = one.place
    written = next(
        (key for x in (shown.now, shown.was) for key in x.request_headers if key.lower() == name),
        name,
    )
    was, now = (header(x.request_headers, name) for x in (shown.was, shown.now))
    if name == "authorization":
        says = _of_credential(one.was or "", one.now or "")
    elif now is None:
        says = f"Remove the {written} header."
    elif was is None:
        says = f"Add the header {written}: {_cut(now)}."
    else:
        says = f"{written} header: send {_cut(now)} instead of {_cut(was)}."
    return Change(place=written, was=was, now=now, says=says)


def _of_credential(was: str, now: str) -> str:
    old, new = marker_facts(was) or {}, marker_facts(now) or {}
    if not now.strip():
        return "Remove the Authorization header."
    if not was.strip():
        return 'Add the header "Authorization: Bearer <your token>".'
    gone = [words for fact, words in _STRAY.items() if fact in old and fact not in new]
    is_same = old.get("number") == new.get("number") and old.get("kind") == new.get("kind")
    if gone and is_same:
        return f"Authorization header: {listed(gone)}."
    if old and new and is_same and _around(was) != _around(now):
        return f'Authorization header: write "{_around(now).format("<your token>")}".'
    return "Authorization header: use another credential."


def _around(value: str) -> str:
    return re.sub(r"\[secret [^\]]*\]", "{}", value.replace("{", "").replace("}", ""))


# --- the body -------------------------------------------------------------------------------------


def _in_the_body(found: Sequence[Difference], shown: _Shown) -> Iterator[Change]:
    was, now = (value_of(x.request_body) for x in (shown.was, shown.now))
    renamed = dict(_renamed(found))
    new_names = set(renamed.values())
    by_list = groupby(found, lambda one: _list_of(one.place, was, now))
    for pointer, some in by_list:
        if pointer is not None:
            yield from _of_list(pointer, at_pointer(was, pointer), at_pointer(now, pointer))
            continue
        for one in some:
            if one.place in renamed:
                old, new = path_of(one.place), path_of(renamed[one.place])
                yield Change(place=new, was=old, now=new, says=f'Rename "{old}" to "{new}".')
            elif one.place not in new_names:
                yield _of_value(one, was, now)


def _renamed(found: Sequence[Difference]) -> Iterator[tuple[str, str]]:
    """Yield the fields that only got another name: one is gone, one of the same value is new."""
    gone = [one for one in found if one.now is None]
    new = [one for one in found if one.was is None]
    for one in gone:
        twins = [other for other in new if other.now == one.was]
        if len(twins) == 1 and sum(other.was == one.was for other in gone) == 1:
            yield one.place, twins[0].place


def _list_of(pointer: str, was: Any, now: Any) -> str | None:
    """Return the list that got longer or shorter and in which a place lies, or None."""
    above = pointer.rpartition("/")[0]
    old, new = at_pointer(was, above), at_pointer(now, above)
    is_list = isinstance(old, list) and isinstance(new, list) and len(old) != len(new)
    return above if is_list else None


def _of_list(pointer: str, was: list[Any], now: list[Any]) -> Iterator[Change]:
    """Yield what was taken out of a list, and what was put in."""
    old, new = (list(map(_shown_value, values)) for values in (was, now))
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = [entry for kind, a, b, _, _ in blocks if kind != "equal" for entry in old[a:b]]
    more = [entry for kind, _, _, a, b in blocks if kind != "equal" for entry in new[a:b]]
    name = path_of(pointer) or "body"
    counts = f"from {len(was):,} to {len(now):,}"
    for entries, verb, word in ((gone, "remove", "from"), (more, "add", "to")):
        if entries:
            few = len(entries) <= _MOST_ENTRIES
            what = listed(entries) if few else f"{len(entries):,} entries"
            says = f"{name}: {verb} {what} ({counts} entries)."
            is_gone = word == "from"
            yield Change(
                place=name,
                was=what if is_gone else None,
                now=None if is_gone else what,
                says=says,
            )


def _of_value(one: Difference, was: Any, now: Any) -> Change:
    """Return the change of one value; what it was and is comes from the masked bodies."""
    name = path_of(one.place) or "body"
    old = None if one.was is None else _shown_value(at_pointer(was, one.place))
    new = None if one.now is None else _shown_value(at_pointer(now, one.place))
    if new is None:
        says = f"Remove {name}."
    elif old is None:
        says = f"Add {name} with the value {new}."
    elif old == new:
        says = f"{name}: use another value (hidden here)."
    elif _unquoted(one.was) == one.now:
        says = f"{name}: write {new} without quotes."
    elif _unquoted(one.now) == one.was:
        says = f"{name}: write {new}, in quotes."
    else:
        says = f"{name}: write {new}, not {old}."
    return Change(place=name, was=old, now=new, says=says, assumes=_assumed(one))


def _assumed(one: Difference) -> str:
    """Return what a new value takes for granted: a time zone, a country."""
    was, now = _unquoted(one.was), _unquoted(one.now)
    if was is None or now is None:
        return ""
    if _WALL_TIME.fullmatch(was.strip()) and now.endswith("Z"):
        return "We assumed UTC; please check the time zone."
    bare, digits = re.sub(r"\D", "", was).lstrip("0"), re.sub(r"\D", "", now)
    is_number = len(bare) >= 6 and re.fullmatch(r"[+\d ().-]+", was) and now.startswith("+")
    if is_number and digits.endswith(bare) and len(digits) > len(bare) and not was.startswith("+"):
        code = digits.removesuffix(bare)
        return f"We assumed the country code +{code}; please check it."
    return ""


def _unquoted(written: str | None) -> str | None:
    value = value_of(written)
    return value if isinstance(value, str) else None


def _shown_value(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
