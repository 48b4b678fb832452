"""
Read Postman collections v2.0 and v2.1 with environments.

Read requests, and the responses saved with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.tool_parts import mapping
from sinchtools.evidence.formats.values import written
from sinchtools.evidence.pieces import Piece, joined, status_of

_CONVERT = (
    "a collection of version 1: convert it with `npx postman-collection-transformer convert "
    "-i FILE -o NEW -j 1.0.0 -p 2.1.0`, or export it as v2.1"
)


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
    variables = _variables(document.get("variable")) | piece.variables
    number = 0
    for item, auth in _requests(document["item"], document.get("auth"), 0):
        number += 1
        exchange = _exchange(piece, item.get("request"), auth, variables, number)
        if exchange is None:
            piece.skip(number, "a request without a URL")
            continue
        yield exchange
        for saved in parts.dicts(item.get("response")):
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
    piece.variables |= _variables(piece.document["values"])
    piece.skip(
        None, "a Postman environment: variables for a collection that is read with it, no requests"
    )
    yield from ()


def _collection(document: Any) -> dict[str, Any]:
    return mapping(mapping(document).get("collection")) or mapping(document)


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


def _variables(listed: Any) -> dict[str, str]:
    return {name: value for name, value in parts.pairs(listed) if value}


def _exchange(
    piece: Piece, request: Any, auth: Any, variables: Mapping[str, str], number: int
) -> Exchange | None:
    request = {"url": request} if isinstance(request, str) else mapping(request)
    url = parts.filled(_url(request.get("url")), variables)
    if not url:
        return None
    body, content_type = _body(piece, mapping(request.get("body")), variables, number)
    headers = _filled(request.get("header"), variables)
    names = {name.lower() for name, _ in headers}
    name, value, place = parts.authorization(_auth(request.get("auth") or auth, variables))
    piece.secrets |= {value} if place and name != "Authorization" else set()
    if place == "query":
        url = f"{url}{'&' if '?' in url else '?'}{name}={value}"
    elif place and not (name == "Authorization" and "authorization" in names):
        headers.append((name, value))
    if content_type and "content-type" not in names:
        headers.append(("Content-Type", content_type))
    return Exchange(
        source=piece.at(number),
        method=written(request.get("method")) or "GET",
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
    original = saved.get("originalRequest")
    asked = _exchange(piece, original, auth, variables, number) if original else None
    elapsed = parts.number_of(saved.get("responseTime"))
    return replace(
        asked or exchange,
        status=status_of(saved.get("code")),
        response_headers=joined(parts.pairs(saved.get("header"))),
        response_body=written(saved.get("body")),
        elapsed_ms=elapsed if elapsed is not None and elapsed >= 0 else None,
    )


def _filled(listed: Any, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return names and values with the variables put in that are known."""
    filled = ((parts.filled(one, variables) for one in pair) for pair in parts.pairs(listed))
    return [(name, value) for name, value in filled]


def _url(url: Any) -> str:
    in_path = parts.dicts(mapping(url).get("variable"))
    return parts.with_query(parts.url(url), [{**one, "type": "path"} for one in in_path])


def _body(
    piece: Piece, body: Mapping[str, Any], variables: Mapping[str, str], number: int
) -> tuple[str | None, str | None]:
    mode = body.get("mode")
    content = None if body.get("disabled") else body.get(str(mode))
    if mode == "raw":
        language = parts.at(body, "options.raw.language")
        text = parts.filled(written(content) or "", variables)
        return text or None, "application/json" if language == "json" else None
    if mode in _FORMS:
        pairs = _filled(content, variables)
        if mode == "formdata" and pairs:
            piece.guess(
                number, "a multipart form is shown as names and values, without the files in it"
            )
        return urlencode(pairs, safe="{}$<>", errors="replace") or None, (
            _FORMS[mode] if pairs or mode == "urlencoded" else None
        )
    if mode == "graphql" and isinstance(content, dict):
        return parts.filled(json.dumps(content, ensure_ascii=False), variables), "application/json"
    if mode == "file":
        piece.guess(number, "the body is a file that is not in the collection")
    return None, None


_FORMS = {"urlencoded": "application/x-www-form-urlencoded", "formdata": "multipart/form-data"}


def _auth(auth: Any, variables: Mapping[str, str]) -> dict[str, str]:
    """Return an auth setting as one table, its variables filled in."""
    kind = str(mapping(auth).get("type"))
    return {"type": kind} | dict(_filled(mapping(auth).get(kind), variables))
