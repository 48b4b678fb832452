"""
Read Postman collections v2.0 and v2.1 with environments.

Read requests, and the responses saved with them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import Exchange
from sinchtools.evidence.pieces import Piece, joined, status_of

_VARIABLE = re.compile(r"\{\{([^{}]+)\}\}")
_CONVERT = (
    "a collection of version 1: convert it with `npx postman-collection-transformer convert "
    "-i FILE -o NEW -j 1.0.0 -p 2.1.0`, or export it as v2.1"
)
_MOST_ROUNDS, _LONGEST = 5, 1_000_000


def sniff(piece: Piece) -> bool:
    """Tell whether the text is a collection of any version."""
    document = _collection(piece.document)
    return bool(document) and (isinstance(document.get("item"), list) or _is_v1(document))


def parse(piece: Piece) -> Iterator[Exchange]:
    """
    Yield one exchange for each request and each response saved with it.

    Variables are put in where their value is known.
    """
    document = _collection(piece.document)
    if not isinstance(document.get("item"), list):
        piece.skip(None, _CONVERT)
        return
    variables = _pairs(document.get("variable")) | piece.variables
    number = 0
    for item, auth in _requests(document["item"], document.get("auth"), 0):
        number += 1
        exchange = _exchange(piece, item.get("request"), auth, variables, number)
        if exchange is None:
            piece.skip(number, "a request without a URL")
            continue
        yield exchange
        for saved in _dicts(item.get("response")):
            yield _saved(piece, exchange, saved, auth, variables, number)
    if number == 0:
        piece.skip(None, "a collection without requests")


def sniff_environment(piece: Piece) -> bool:
    """Tell whether the text is an environment: variables for a collection."""
    document = piece.document
    return (
        isinstance(document, dict)
        and isinstance(document.get("values"), list)
        and ("_postman_variable_scope" in document or "name" in document)
    )


def parse_environment(piece: Piece) -> Iterator[Exchange]:
    """Yield nothing; keep the variables for the collections that are read together with it."""
    piece.variables |= _pairs(piece.document["values"])
    piece.skip(
        None, "a Postman environment: variables for a collection that is read with it, no requests"
    )
    yield from ()


def _collection(document: Any) -> dict[str, Any]:
    if isinstance(document, dict) and isinstance(document.get("collection"), dict):
        document = document["collection"]
    return document if isinstance(document, dict) else {}


def _is_v1(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("requests"), list) and bool(
        {"order", "folders"} & document.keys()
    )


def _requests(items: list[Any], auth: Any, depth: int) -> Iterator[tuple[dict[str, Any], Any]]:
    for item in items:
        if not isinstance(item, dict):
            continue
        own = item.get("auth") or auth
        if isinstance(item.get("item"), list):
            if depth < 100:
                yield from _requests(item["item"], own, depth + 1)
        elif "request" in item:
            yield item, own


def _exchange(
    piece: Piece, request: Any, auth: Any, variables: Mapping[str, str], number: int
) -> Exchange | None:
    request = (
        {"url": request}
        if isinstance(request, str)
        else request
        if isinstance(request, dict)
        else {}
    )
    url = _url(request.get("url"), variables)
    if url is None:
        return None
    body, content_type = _body(piece, request.get("body"), variables, number)
    headers = [
        (_filled(name, variables), _filled(value, variables))
        for name, value in _header_pairs(request.get("header"))
    ]
    if not any(name.lower() == "authorization" for name, _ in headers):
        headers += _authorization(request.get("auth") or auth, variables)
    for name, value, place in _api_key(request.get("auth") or auth, variables):
        piece.secrets.add(value)
        if place == "query":
            url = f"{url}{'&' if '?' in url else '?'}{name}={value}"
        else:
            headers.append((name, value))
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    return Exchange(
        source=piece.at(number),
        method=_text(request.get("method")) or "GET",
        url=url,
        request_headers=joined(headers),
        request_body=body,
    )


def _saved(
    piece: Piece,
    exchange: Exchange,
    saved: Mapping[str, Any],
    auth: Any,
    variables: Mapping[str, str],
    number: int,
) -> Exchange:
    original = (
        _exchange(piece, saved.get("originalRequest"), auth, variables, number)
        if saved.get("originalRequest")
        else None
    )
    elapsed = saved.get("responseTime")
    return replace(
        original or exchange,
        status=status_of(saved.get("code")),
        response_headers=joined(_header_pairs(saved.get("header"))),
        response_body=_text(saved.get("body")),
        elapsed_ms=float(elapsed)
        if isinstance(elapsed, int | float)
        and not isinstance(elapsed, bool)
        and 0 <= elapsed < 1e12
        else None,
    )


def _url(url: Any, variables: Mapping[str, str]) -> str | None:
    if isinstance(url, dict):
        raw, built = _text(url.get("raw")), _built(url)
        text = raw or built
        for variable in _dicts(url.get("variable")):
            if text and _text(variable.get("key")):
                value = _text(variable.get("value"))
                shown = (
                    f"{{{variable['key']}}}"
                    if not value or re.fullmatch(r"<[^<>]*>", value)
                    else value
                )
                in_path = rf"(?<=/):{re.escape(variable['key'])}(?=[/?#]|$)"
                text = re.sub(in_path, lambda _, shown=shown: shown, text)  # type: ignore[misc]
    else:
        text = _text(url)
    return _filled(text, variables) if text else None


def _built(url: Mapping[str, Any]) -> str | None:
    host, path = (
        sep.join(map(str, part)) if isinstance(part := url.get(name), list) else part
        for name, sep in (("host", "."), ("path", "/"))
    )
    pairs = [
        (str(q.get("key") or ""), q.get("value"))
        for q in _dicts(url.get("query"))
        if not q.get("disabled")
    ]
    query = "&".join(key if value is None else f"{key}={value}" for key, value in pairs)
    if not host:
        return None
    protocol = f"{url['protocol']}://" if url.get("protocol") else ""
    port = f":{url['port']}" if url.get("port") else ""
    below = f"/{str(path).lstrip('/')}" if path else ""
    asked = f"?{query}" if query else ""
    return f"{protocol}{host}{port}{below}{asked}"


def _body(
    piece: Piece, body: Any, variables: Mapping[str, str], number: int
) -> tuple[str | None, str | None]:
    if not isinstance(body, dict) or body.get("disabled"):
        return None, None
    mode, content = body.get("mode"), body.get(str(body.get("mode")))
    if mode == "raw":
        language = (
            (((body.get("options") or {}).get("raw") or {}).get("language"))
            if isinstance(body.get("options"), dict)
            else None
        )
        return _filled(
            _text(content) or "", variables
        ) or None, "application/json" if language == "json" else None
    if mode in ("urlencoded", "formdata"):
        pairs = [(p.get("key"), p.get("value")) for p in _dicts(content) if not p.get("disabled")]
        if mode == "formdata" and pairs:
            piece.guess(
                number, "a multipart form is shown as names and values, without the files in it"
            )
        filled = [
            (_filled(str(key), variables), _filled(str(value or ""), variables))
            for key, value in pairs
        ]
        kind = (
            "application/x-www-form-urlencoded"
            if mode == "urlencoded"
            else "multipart/form-data"
            if pairs
            else None
        )
        return urlencode(filled, safe="{}$<>", errors="replace") or None, kind
    if mode == "graphql" and isinstance(content, dict):
        return _filled(json.dumps(content, ensure_ascii=False), variables), "application/json"
    if mode == "file":
        piece.guess(number, "the body is a file that is not in the collection")
    return None, None


def _header_pairs(headers: Any) -> list[tuple[str, str]]:
    if isinstance(headers, str):
        return [
            (name.strip(), value.strip())
            for name, colon, value in (line.partition(":") for line in headers.splitlines())
            if colon
        ]
    return [
        (str(h["key"]), str(h.get("value") or ""))
        for h in _dicts(headers)
        if h.get("key") and not h.get("disabled")
    ]


def _authorization(auth: Any, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    if not isinstance(auth, dict):
        return []
    kind = auth.get("type")
    values = {
        name: _filled(value, variables)
        for name, value in _pairs(auth.get(str(kind)), names=True).items()
    }
    if kind == "bearer":
        return [("Authorization", f"Bearer {values.get('token', '')}")]
    if kind == "oauth2" and values.get("accessToken"):
        return [
            ("Authorization", f"{values.get('headerPrefix') or 'Bearer'} {values['accessToken']}")
        ]
    if kind == "basic":
        user, password = values.get("username", ""), values.get("password", "")
        pair = f"{user}:{password}"
        visible = all(not part or "{{" in part for part in (user, password))
        encoded = base64.b64encode(pair.encode("utf-8", "replace")).decode("ascii")
        return [("Authorization", f"Basic {pair if visible else encoded}")]
    return []


def _api_key(auth: Any, variables: Mapping[str, str]) -> list[tuple[str, str, str]]:
    if not isinstance(auth, dict) or auth.get("type") != "apikey":
        return []
    values = {
        name: _filled(value, variables)
        for name, value in _pairs(auth.get("apikey"), names=True).items()
    }
    return (
        [(values["key"], values.get("value", ""), values.get("in", "header"))]
        if values.get("key")
        else []
    )


def _pairs(listed: Any, *, names: bool = False) -> dict[str, str]:
    if isinstance(listed, dict):
        return {
            str(key): str(value)
            for key, value in listed.items()
            if isinstance(value, str | int | float)
        }
    found = [
        p for p in _dicts(listed) if p.get("enabled", True) is not False and not p.get("disabled")
    ]
    return {
        str(p.get("key") or p.get("id")): str(p["value"])
        for p in found
        if isinstance(p.get("value"), str | int | float) and (names or p["value"] != "")
    }


def _filled(text: str, variables: Mapping[str, str]) -> str:
    for _ in range(_MOST_ROUNDS):
        values = [
            variables[name.strip()] for name in _VARIABLE.findall(text) if name.strip() in variables
        ]
        if not values or len(text) + sum(map(len, values)) > _LONGEST:
            break
        text = _VARIABLE.sub(lambda match: variables.get(match[1].strip(), match[0]), text)
    return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
