"""The suggested fix of a request: what can be repaired without asking anybody what was meant."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sinchtools.api.description import PATH_WORDS, locate
from sinchtools.api.validation.names import meant
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, Finding, header, with_headers
from sinchtools.diagnosis import json_errors
from sinchtools.privacy.markers import MARKER

_MOST_EDITS, _MOST_CHARACTERS = 50, 1_000_000
_LONGEST_SHOWN = 80  # characters of a value in a line of changes
_OTHER_NAME = re.compile(r'body has "([^"]+)"')
_ASSUMED = {  # what is assumed of a replacement, for the user to confirm
    "bad-date": " (taken as UTC where no zone is named: confirm it)",
    "observed-unknown_group": " (the nearest group that the plan lists: confirm it)",
}
_MISSPELLED = ("unknown-field-renamed", "unknown-parameter", "parameter-without-value")
_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """
    The changed request, and what was changed.

    Attributes
    ----------
    exchange
        The request as it should be, without an answer; its parent is the original.
    changes
        One readable line for each change, in clear: people are hidden where it is handed over.
    edit
        The changed parts alone: ``method``, ``url``, ``headers``, ``body``.
    """

    exchange: Exchange
    changes: tuple[str, ...]
    edit: Mapping[str, Any]


def suggested_fix(exchange: Exchange, findings: Iterable[Finding]) -> Fix | None:
    """
    Return the fix of everything that can be fixed for certain.

    Return None when the first error is not part of it.
    """
    findings = list(findings)
    errors = [finding for finding in findings if finding.severity == "error"] or [
        finding for finding in findings if _is_misspelled(finding)
    ]
    if not errors or exchange.method is None or exchange.url is None:
        return None
    edit: dict[str, Any] = {}
    changes: list[str] = []
    for place, finding in enumerate(errors):
        done = _mended(exchange, finding, edit)
        if done is None and place == 0:
            return None
        changes += [done] if done else []
    request = _changed(exchange, edit)
    return Fix(exchange=request, changes=tuple(dict.fromkeys(changes)), edit=edit) if edit else None


def _is_misspelled(finding: Finding) -> bool:
    """Tell whether a name was misspelled that the API takes as unknown, and may ignore."""
    return finding.rule in _MISSPELLED and finding.replacement is not None


def joined(original: Exchange, first: Fix, second: Fix) -> Fix:
    """Return two fixes, one after the other, as one."""
    headers = {**first.edit.get("headers", {}), **second.edit.get("headers", {})}
    edit = {**first.edit, **second.edit} | ({"headers": headers} if headers else {})
    return Fix(
        exchange=_changed(original, edit), changes=(*first.changes, *second.changes), edit=edit
    )


def _mended(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    for rules, repair in _REPAIRS:
        if re.fullmatch(rules, finding.rule):
            return repair(exchange, finding, edit)
    return None


def _changed(exchange: Exchange, edit: Mapping[str, Any]) -> Exchange:
    return replace(
        exchange,
        parent_id=exchange.id or None,
        method=edit.get("method", exchange.method),
        url=edit.get("url", exchange.url),
        request_headers=with_headers(exchange.request_headers, edit.get("headers", {})),
        request_body=edit.get("body", exchange.request_body),
        status=None,
        code=None,
        text=None,
        response_headers={},
        response_body=None,
        elapsed_ms=None,
        failure=None,
        delivery=None,
    )


# --- JSON -----------------------------------------------------------------------------------------


def _json(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    body = edit.get("body", exchange.request_body)
    text = repaired_json(body) if body else None
    if text is None or text == body:
        return None
    edit["body"] = text
    return f"body, line {finding.line}, column {finding.column}: {finding.fix or finding.then}"


def repaired_json(body: str | bytes) -> str | None:
    """
    Return the JSON that was meant, or None when that is not certain.

    Examples
    --------
    >>> repaired_json("{'to': ['+15551230001'], 'body': None,}")
    '{"to": ["+15551230001"], "body": null}'
    """
    found = repaired(body)
    return found.text if found else None


class JsonRepair(NamedTuple):
    """One certain edit of a text that is not JSON: what was wrong, the text before and after."""

    defect: json_errors.Defect
    before: str
    after: str


class Repaired(NamedTuple):
    """The JSON that was meant, its value, and the edits that make it of a body, in order."""

    text: str
    value: Any
    edits: tuple[JsonRepair, ...]


def repaired(body: str | bytes, read: json_errors.Examined | None = None) -> Repaired | None:
    """
    Return the JSON that was meant and how it is made of a body; None when that is not certain.

    `read` is what `json_errors.examined` says of the body, where that is known already.

    Examples
    --------
    >>> [edit.defect.rule for edit in repaired('{"to": ["1" "2"],}').edits]
    ['json-missing-comma', 'json-trailing-comma']
    """
    text = _decoded(body)
    if text is None or len(text) > _MOST_CHARACTERS:
        return None
    made: list[JsonRepair] = []
    read = read or json_errors.examined(text)
    for _ in range(_MOST_EDITS):
        found = [one for one in read.defects if one.rule != "json-duplicate-key"]
        if not found:
            return Repaired(text, read.value, tuple(made))
        changed = _edited(text, found[0])
        if changed is None:
            return None
        made.append(JsonRepair(found[0], text, changed))
        text, read = changed, json_errors.examined(changed)
    return None


def _decoded(body: str | bytes) -> str | None:
    try:
        return body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        return None


def _edited(text: str, defect: json_errors.Defect) -> str | None:
    if defect.rule in ("json-single-quotes", "json-python-literal"):
        return _from_python(text) or (_spliced(text, defect.fix) if defect.fix else None)
    if defect.rule == "json-smart-quotes":
        straight = text.translate(_STRAIGHT)
        return (
            straight
            if straight != text and not re.search(r"[“”„‟«»]", straight) and '"' not in text
            else None
        )
    return _spliced(text, defect.fix) if defect.fix else None


def _spliced(text: str, fix: tuple[int, int, str]) -> str:
    return text[: fix[0]] + fix[2] + text[fix[1] :]


def _from_python(text: str) -> str | None:
    try:
        return json.dumps(ast.literal_eval(text.strip()), ensure_ascii=False)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


# --- values ---------------------------------------------------------------------------------------


def _replaced(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Put what is meant at the pointer; the rest of the body stays as it is written."""
    text, pointer = edit.get("body", exchange.request_body), finding.pointer
    if finding.replacement is None or not isinstance(text, str) or not pointer:
        return None
    found = _value_at(text, pointer)
    if found is None:
        return None
    start, end, old = found
    edit["body"] = text[:start] + json.dumps(finding.replacement, ensure_ascii=False) + text[end:]
    note = _ASSUMED.get(finding.rule, "")
    return f"{_path(pointer)}: {_shown(old)} -> {_shown(finding.replacement)}{note}"


def _renamed(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Give a field its right name: the nearest that the API knows."""
    text, body = edit.get("body", exchange.request_body), _body(exchange, edit)
    old = next(iter(_OTHER_NAME.findall(finding.says)), None)
    if not isinstance(text, str) or not body or old not in body or finding.field is None:
        return None
    name = re.compile(rf"{re.escape(json.dumps(old, ensure_ascii=False))}(?=\s*:)")
    if len(name.findall(text)) != 1:
        return None
    edit["body"] = name.sub(lambda _: json.dumps(finding.field), text)
    return f'rename "{old}" to "{finding.field}"'


def _renamed_key(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Give the key that a pointer names its right name; its value stays as it is written."""
    text, pointer, name = (
        edit.get("body", exchange.request_body),
        finding.pointer,
        finding.replacement,
    )
    if not isinstance(text, str) or not pointer or not isinstance(name, str):
        return None
    value = json_errors.position_of(text, pointer)
    found = _KEY_BEFORE.search(text, 0, value) if value is not None else None
    if found is None:
        return None
    start, end = found.span("key")
    edit["body"] = text[:start] + json.dumps(name, ensure_ascii=False) + text[end:]
    above, _, old = _path(pointer).rpartition(".")
    return f'{above + ": " if above else ""}rename "{old}" to "{name}"'


_KEY_BEFORE = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*+")\s*:\s*\Z')


def _renamed_parameter(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Give a parameter of the query its right name."""
    url, old, new = edit.get("url", exchange.url), finding.field, finding.replacement
    named = re.compile(rf"(?<=[?&]){re.escape(str(old))}(?==|&|$)")
    if not url or not isinstance(new, str) or len(named.findall(url)) != 1:
        return None
    edit["url"] = named.sub(lambda _: new, url)
    return f'query: rename "{old}" to "{new}"'


def _renamed_header(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Give a header its right name that holds the credential under a near one."""
    near = [name for name in exchange.request_headers if meant(name, ["authorization"])]
    value = exchange.request_headers.get(near[0], "") if len(near) == 1 else ""
    if not value.lower().startswith("bearer "):
        return None
    edit.setdefault("headers", {}).update({near[0]: None, "Authorization": value})
    return f"header: rename {near[0]} to Authorization"


def _right_word(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Write the one misspelled word of a path as the API does."""
    url = edit.get("url", exchange.url) or ""
    scheme, found, rest = url.partition("://")
    path, question, query = rest.partition("?")
    host, *parts = path.split("/")
    changed = [
        (at, part, word)
        for at, part in enumerate(parts)
        if part not in _PATH_WORDS and (word := meant(part, _PATH_WORDS))
    ]
    if len(changed) != 1 or not found:
        return None
    [(at, old, new)] = changed
    right = (
        f"{scheme}{found}{'/'.join([host, *parts[:at], new, *parts[at + 1 :]])}{question}{query}"
    )
    if (exchange.method or "").upper() not in locate(right).endpoints:
        return None
    edit["url"] = right
    return f"path: /{old} -> /{new}"


_PATH_WORDS = sorted(PATH_WORDS)


def _one_plus(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    text = edit.get("body", exchange.request_body)
    found = _value_at(text, finding.pointer or "") if isinstance(text, str) else None
    if found is None or not isinstance(found[2], str):
        return None
    single = re.sub(r"^(?:[A-Za-z]+:)?\++", "+", found[2].strip())
    if not re.fullmatch(r"\+[\d ()-]+", single):
        return None
    return _replaced(exchange, replace(finding, replacement=single), edit)


def _international(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Give every national number of the same list the country code that the first one gets."""
    text, pointer = edit.get("body", exchange.request_body), finding.pointer or ""
    found = _value_at(text, pointer) if isinstance(text, str) else None
    if finding.replacement is None or found is None:
        return None
    code = finding.replacement.removesuffix(re.sub(r"\D", "", str(found[2])).lstrip("0"))
    done = _replaced(exchange, finding, edit)
    place, _, at = pointer.rpartition("/")
    while done and at.isdigit():
        at = str(int(at) + 1)
        found = _value_at(edit["body"], f"{place}/{at}")
        if found is None:
            return done
        digits = re.sub(r"\D", "", str(found[2]))
        if re.match(r"0[1-9]", digits) and not str(found[2]).startswith("+"):
            like = replace(finding, pointer=f"{place}/{at}", replacement=code + digits[1:])
            _replaced(exchange, like, edit)
    return done


def _value_at(text: str, pointer: str) -> tuple[int, int, Any] | None:
    """Return where a value starts and ends in a JSON text, and the value."""
    start = json_errors.position_of(text, pointer)
    if start is None:
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return start, end, value


def _path(pointer: str) -> str:
    """Return a pointer as people write it: ``to[0]``."""
    first, *rest = pointer.strip("/").split("/")
    return first + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in rest)


def _shown(value: Any) -> str:
    """Return a value for a line of changes."""
    return json.dumps(value, ensure_ascii=False)[:_LONGEST_SHOWN]


def _body(exchange: Exchange, edit: Mapping[str, Any]) -> dict[str, Any] | None:
    value = value_of(edit.get("body", exchange.request_body))
    return value if isinstance(value, dict) else None


# --- headers, path, method ------------------------------------------------------------------------


def _json_type(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    if _body(exchange, edit) is None and not _is_meant_as_json(exchange.request_body):
        return None
    edit.setdefault("headers", {})["Content-Type"] = "application/json"
    return (
        f"Content-Type: {header(exchange.request_headers, 'Content-Type') or '(missing)'} -> "
        f"application/json"
    )


def _is_meant_as_json(body: str | bytes | None) -> bool:
    """Tell whether a body is an object of JSON, once it is repaired for certain."""
    return isinstance(value_of(repaired_json(body) if body else None), dict)


def _bearer(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    marker = MARKER.search(header(exchange.request_headers, "Authorization") or "")
    if marker is None:
        return None
    facts = [fact for fact in marker["facts"].split() if "=" in fact]  # what is stray has no value
    clean = " ".join(["secret", marker["kind"], marker["length"], f"#{marker['number']}", *facts])
    edit.setdefault("headers", {})["Authorization"] = f"Bearer [{clean}]"
    return f"Authorization: {finding.fix or 'Bearer <token>'}"


def _method(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    endpoints = locate(exchange.url or "").endpoints
    only = next(iter(endpoints), None)
    if only is None or len(endpoints) > 1 or (only == "GET") == bool(exchange.request_body):
        return None
    edit["method"] = only
    return f"method: {exchange.method} -> {edit['method']}"


def _update(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    """Change the fields that a body has, instead of replacing the whole."""
    if not _body(exchange, edit):
        return None
    edit["method"] = "POST"
    return f"method: {exchange.method} -> POST (changes only the fields in the body)"


def _one_slash(exchange: Exchange, finding: Finding, edit: dict[str, Any]) -> str | None:
    scheme, found, rest = (exchange.url or "").partition("://")
    path, question, query = rest.partition("?")
    url = f"{scheme}{found}{re.sub('/{2,}', '/', path)}{question}{query}"
    if not found or not locate(url).endpoints:
        return None
    edit["url"] = url
    return "path: // -> /"


_REPAIRS = (  # rules (a pattern): how to repair them
    (r"json-.*", _json),
    (r"not-a(?:-.*|n-array)|bad-date|url-without-scheme|observed-unknown_group", _replaced),
    (r"missing-field-renamed", _renamed),
    (r"observed-missing_callback_url-renamed", _renamed),
    (r"unknown-field-renamed|parameter-without-value", _renamed_key),
    (r"unknown-parameter", _renamed_parameter),
    (r"auth-elsewhere", _renamed_header),
    (r"path-word|path-case", _right_word),
    (r"msisdn-national|msisdn-no-country-code", _international),
    (r"msisdn-doubled-plus|msisdn-prefix", _one_plus),
    (r"content-type-.*", _json_type),
    (r"auth-(no-bearer|quoted|spaces?|colon)", _bearer),
    (r"method-not-allowed", _method),
    (r"missing-field-of-replace", _update),
    (r"path-double-slash", _one_slash),
)
