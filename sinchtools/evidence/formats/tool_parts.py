"""
Parts of a request or response as the exports of HTTP tools write them.

The tools agree on the names, but not on how a value is wrapped: each part is taken from any of
the forms in use.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sinchtools.evidence.formats.values import decoded, unbased
from sinchtools.evidence.pieces import joined, words
from sinchtools.evidence.row_tables import by_word

DEEPEST = 40  # folders within folders
_NAMES = words("key name header field id")
_VALUES = words("value val fieldValue")
_PLAIN = {"name", "value"}  # as in a HAR
_TURNS_OFF = dict.fromkeys(words("disabled isDisabled"), True) | dict.fromkeys(
    words("enabled active isActive isEnabled"), False
)
_TEXTS = words("raw text textBody json xml sparql content data body value payload encoded")
_FORMS = words("form params urlencoded formUrlEncoded multipartForm formdata parameters")
_VARIABLE = re.compile(r"\{\{\s*(?:_\.)?([^{}]+?)\s*\}\}|<<([\w.-]+)>>|\$\{\[\s*([\w.-]+)\s*\]\}")
_MOST_ROUNDS, _LONGEST = 5, 1_000_000
# how auth is called, by the names of its schemes in the tools
_SCHEMES = by_word("""
bearer: bearer bearertoken token oauth2 oauth-2
basic: basic basicauth
apikey: apikey api-key api_key
""")
_TOKENS = words("token bearer bearerToken accessToken access_token credentials")


def at(value: Any, path: str) -> Any:
    """
    Return what stands at a path of names in JSON, or None; the first of several paths that is.

    Examples
    --------
    >>> at({"run": {"id": 7}}, "id|run.id")
    7
    """
    for one in path.split("|"):
        found = value
        for name in filter(None, one.split(".")):
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none when it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """Return a text or a number as text, else nothing."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def first(mapping: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first value that a mapping has under one of some names, or None."""
    for name in names:
        value = mapping.get(name)
        if value is not None:
            return value
    return None


def number_of(value: Any) -> float | None:
    """Return a number that is no truth value, also when it is written as text, or None."""
    try:
        number = None if isinstance(value, bool) or value is None else float(value)
    except (ValueError, TypeError):
        return None
    return number if number is not None and abs(number) < 1e15 else None


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Yield names and values of headers or fields, in any form; those turned off are left out."""
    if isinstance(value, str):
        for line in value.splitlines():
            name, colon, rest = line.partition(":")
            if colon and name.strip():
                yield name.strip(), rest.strip()
    elif isinstance(value, dict):
        inner = value.get("parameters") or value.get("headers")
        if isinstance(inner, list | dict) and len(value) == 1:
            yield from pairs(inner)
        else:
            for name, one in value.items():
                yield from ((str(name), text_of(part)) for part in _each(one))
    else:
        for one in dicts(value):
            if one.keys() == _PLAIN:
                name, text = text_of(one["name"]), one["value"]
            else:
                name, text = text_of(first(one, _NAMES)), first(one, _VALUES)
            if name and is_on(one):
                yield name, text_of(text)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_on(part: Mapping[str, Any]) -> bool:
    """Tell whether a part is switched on, as the tools write it."""
    named = _TURNS_OFF.keys() & part.keys()
    return not named or not any(part[name] is _TURNS_OFF[name] for name in named)


def headers(value: Any) -> dict[str, str]:
    """Return headers in any form, without those of HTTP/2 that are no headers."""
    return joined(pair for pair in pairs(value) if pair[0][:1] != ":")


def url(value: Any) -> str:
    """Return a URL that is a text, or given in parts."""
    if not isinstance(value, dict):
        return text_of(value).strip()
    raw = text_of(value.get("raw") or value.get("url") or value.get("href"))
    return raw or _from_parts(value)


def _from_parts(value: Mapping[str, Any]) -> str:
    host = _dotted(first(value, words("host hostname domain")), ".")
    if not host:
        return ""
    scheme = value.get("scheme") or value.get("protocol") or "https"
    scheme = text_of(scheme.get("name") if isinstance(scheme, dict) else scheme).rstrip(":/")
    port = text_of(first(value, words("actualPort port")))
    port = f":{port}" if port not in ("", "-1", "0", "80", "443") and ":" not in host else ""
    path = _dotted(first(value, words("path pathname")), "/").lstrip("/")
    asked = value.get("query")
    asked = asked.get("items") if isinstance(asked, dict) and "items" in asked else asked
    asked = (
        text_of(asked) if isinstance(asked, str) else "&".join(f"{n}={v}" for n, v in pairs(asked))
    )
    is_base = host.startswith("{{") and not (value.get("scheme") or value.get("protocol"))
    base = host if is_base else f"{scheme}://{host}{port}"  # a variable of the whole beginning
    return f"{base}/{path}{'?' + asked.lstrip('?') if asked else ''}"


def _dotted(value: Any, separator: str) -> str:
    return separator.join(map(text_of, value)) if isinstance(value, list) else text_of(value)


def with_query(target: str, parameters: Any) -> str:
    """Return a URL with the parameters that it does not have yet; those of the path filled in."""
    for one in dicts(parameters):
        name, value = text_of(first(one, _NAMES)), text_of(first(one, _VALUES))
        if not name or not is_on(one):
            continue
        if one.get("type") == "path" or one.get("isPath") is True:
            known = value if value and not re.fullmatch(r"<[^<>]*>", value) else f"{{{name}}}"
            place = rf"(?<=/):{re.escape(name)}(?=[/?#]|$)|(?<!\{{)\{{{re.escape(name)}\}}"
            target = re.sub(place, lambda _, known=known: known, target)  # type: ignore[misc]
        elif not re.search(rf"[?&]{re.escape(name)}(?:[=&]|$)", target):
            target += f"{'&' if '?' in target else '?'}{name}={value}"
    return target


def literal(value: Any) -> str | bytes | None:
    """Return a body that stands as itself: a text, or JSON that is written out."""
    if isinstance(value, dict) and "$content" in value:
        return _unbased(value["$content"])
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return text_of(value) or None


def body(value: Any, depth: int = 0) -> str | bytes | None:
    """Return a body out of the wrapping that a tool puts it in, or None."""
    if not isinstance(value, dict):
        return _form(value) if dicts(value) and depth else literal(value)
    if value.get("type") == "Base64":
        return _unbased(value.get("data"))
    if value.get("type") == "Buffer" and isinstance(value.get("data"), list):
        return _from_numbers(value["data"])
    mode = text_of(first(value, words("mode type bodyType contentType")))
    if mode in ("none", "no-body", "noBody"):
        return None
    own = value.get(mode)
    if own is not None and depth < 3:
        return body(own, depth + 1)
    names = _FORMS + _TEXTS if "form" in mode.lower() else _TEXTS + _FORMS
    inner = first({name: one for name, one in value.items() if one not in ("", [], {})}, names)
    if value.get("encoding") == "base64" or value.get("isBase64") is True:
        return _unbased(inner)
    return body(inner, depth + 1) if depth < 3 else None


def _form(value: Any) -> str | None:
    return urlencode(list(pairs(value)), safe="{}$<>", errors="replace") or None


def _from_numbers(numbers: list[Any]) -> str | bytes | None:
    try:
        return decoded(bytes(numbers)) or None
    except (ValueError, TypeError):
        return None


def _unbased(value: Any) -> str | bytes | None:
    """Return what base64 stands for, or the text as written when it is none."""
    return unbased(text_of(value), strict=True) or text_of(value) or None


def authorization(value: Any) -> tuple[str, str, str]:
    """Return the name and value that an auth setting sends, and where: header, query or nowhere."""
    if not isinstance(value, dict) or not is_on(value) or value.get("authActive") is False:
        return "", "", ""
    kind = text_of(first(value, words("type mode authType"))).lower()
    scheme = _SCHEMES.get(kind, "")
    own = value.get(kind) or value.get(scheme)
    inner = value | own if isinstance(own, dict) else value
    if scheme == "bearer" and (token := text_of(first(inner, _TOKENS))):
        prefix = text_of(first(inner, words("prefix headerPrefix tokenPrefix"))) or "Bearer"
        return "Authorization", f"{prefix} {token}", "header"
    if scheme == "basic":
        user, password = (text_of(inner.get(name)) for name in ("username", "password"))
        return "Authorization", f"Basic {_basic(user, password)}", "header"
    name = text_of(first(inner, words("key name header")))
    if scheme == "apikey" and name:
        place = text_of(first(inner, words("addTo in placement location"))).lower()
        return name, text_of(inner.get("value")), "query" if "query" in place else "header"
    return "", "", ""


def _basic(user: str, password: str) -> str:
    pair = f"{user}:{password}"
    is_open = any(mark in pair for mark in ("{{", "<<", "${["))
    return pair if is_open else base64.b64encode(pair.encode("utf-8", "replace")).decode("ascii")


def filled(text: str, variables: Mapping[str, str]) -> str:
    """
    Return a text with the variables put in that are known; others stay as the tool writes them.

    Examples
    --------
    >>> filled("{{ _.host }}/{{plan}}", {"host": "https://us.sms.api.sinch.com"})
    'https://us.sms.api.sinch.com/{{plan}}'
    """
    for _ in range(_MOST_ROUNDS):
        names = [next(filter(None, groups)) for groups in _VARIABLE.findall(text)]
        values = [variables[name] for name in names if name in variables]
        if not values or len(text) + sum(map(len, values)) > _LONGEST:
            break
        text = _VARIABLE.sub(lambda match: _value(match, variables), text)
    return text


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    return variables.get(match[match.lastindex or 0], match[0])


def settled(sets: list[dict[str, str]]) -> dict[str, str]:
    """Return the variables of several environments on whose value all agree that have them."""
    known: dict[str, str] = {}
    unsure: set[str] = set()
    for name, value in (pair for one in sets for pair in one.items()):
        if known.setdefault(name, value) != value:
            unsure.add(name)
    return {name: value for name, value in known.items() if name not in unsure}
