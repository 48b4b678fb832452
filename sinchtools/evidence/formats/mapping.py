"""
Find what an exchange is made of in an object or a row, whoever wrote it.

Field names of our own files, of loggers, servers, gateways and people's tables are one mapping:
a name without its separators, and the place where it is nested, say which field it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sinchtools.api.description import error_of
from sinchtools.core.columns import COLUMNS
from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import callback, http_message
from sinchtools.evidence.formats.names import (
    FIELD_OF,
    FIELDS,
    GENERAL,
    NESTED,
    NOT_SHORTENED,
    WRAPPERS,
)
from sinchtools.evidence.formats.printed import Json
from sinchtools.evidence.formats.values import (
    body_of,
    headers_of,
    parsed,
    plain,
    unbased,
    written,
)
from sinchtools.evidence.pieces import HTTP_METHODS, METHODS, Piece, status_of, words
from sinchtools.evidence.times import DURATIONS, milliseconds, squashed

OWN = frozenset({*COLUMNS, "request_body_base64", "response_body_base64"})
_OWN_MARKS = {"parent_id", "call_id", "origin", "attempt", "target"}  # names that only we write
_WORD_ENDS = re.compile(r"[_\- ]|(?<=[a-z])(?=[A-Z])")
_BODIES = words("body data payload json content request response req res resp answer reply")
_DEEPEST, _MOST_FIELDS = 6, 2_000
REQUEST_LINE = re.compile(rf"\"?({METHODS}) +(\S+?)(?: +HTTP/[\d.]+)?\"?", re.IGNORECASE)
URL = re.compile(r"[A-Za-z][\w+.-]*://|/|[\w.-]{1,80}/xms/v|\*$|\{+[\w .-]+\}+/")
_HTTP_STATUS = re.compile(r"\s*\"?([1-5]\d\d)(?:\.0)?(?:[ :-]+[A-Za-z][A-Za-z ()'-]*)?\"?\s*")
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
OF_CLIENTS = ("ERR_", "UND_ERR_")  # codes that Node and its clients give, none of the API
_FAILURE = re.compile(r"[A-Za-z][\w.]{2,200}")
_MOST_MS = 400 * 86_400_000
_OWN_TEXTS = words(
    "parent_id call_id method url endpoint region account code text failure delivery"
    " variables_not_shown"
)


@dataclass(frozen=True, slots=True)
class Record:
    """What an object tells of an exchange."""

    exchange: Exchange  # the row, maybe without its request
    # the id that a record of the response shares with that of the request, or None
    key: str | None = None
    is_alone: bool = False  # whether it is a row though little is known: it was written as one

    @property
    def is_whole(self) -> bool:
        """Whether it is a row of its own."""
        x = self.exchange
        return (
            self.is_alone
            or bool(x.method and x.url)
            or (x.status is not None and bool(x.method or x.url or x.code))
            or x.endpoint == "callback"
        )

    @property
    def is_open(self) -> bool:
        """Whether nothing of the response is known."""
        x = self.exchange
        return x.status is None and not (x.response_body or x.failure or x.code)

    @property
    def is_response(self) -> bool:
        """Whether only the response is known."""
        x = self.exchange
        told = x.status is not None or x.response_body is not None or x.failure is not None
        return told and not (x.method or x.url or x.request_body)


def exchange_of(piece: Piece, value: Mapping[str, Any], number: int) -> Exchange | None:
    """
    Return the exchange that an object describes, be it one of ours or a logger's.

    Return None when it has no HTTP in it.
    """
    record = record_of(piece, value, number)
    return record.exchange if record and record.is_whole else None


def record_of(piece: Piece, value: Mapping[str, Any], number: int) -> Record | None:
    """Return what an object tells of an exchange, or None when it tells nothing."""
    if value.keys() <= OWN and _has_http(value):
        return Record(own_exchange(piece, value, number), is_alone=True)
    if callback.is_body(value):
        return Record(callback.exchange_of(piece, value, number))
    flat = flattened(value)
    plan = plan_of(tuple(flat))
    if not (plan["method"] or plan["url"] or plan["status"] or plan["request"] or plan["response"]):
        return _bare_callback(piece, flat, plan, number)
    record = _built(piece, flat, plan, number)
    if record and _OWN_MARKS & value.keys() and len(OWN & value.keys()) > 3:
        own = own_exchange(piece, value, number)
        same = {name: getattr(own, name) for name in (*_OWN_MARKS, "id", "source")}
        changed = {n: v for n, v in same.items() if v is not None}
        return Record(replace(record.exchange, **changed), record.key)
    return record


def _has_http(value: Mapping[str, Any]) -> bool:
    if isinstance(value.get("method"), str) and isinstance(value.get("url"), str):
        return True
    status = value.get("status")
    return (isinstance(status, int) and not isinstance(status, bool)) or (
        isinstance(value.get("code"), str) and bool({"text", "status"} & value.keys())
    )


def own_exchange(piece: Piece, value: Mapping[str, Any], number: int) -> Exchange:
    """Return the exchange in an object that has our own names."""
    status = status_of(value.get("status"))
    if status is not None and not 100 <= status <= 599:
        piece.guess(number, f"status {status} is not an HTTP status; it was kept")
    return Exchange(
        **{name: written(value.get(name)) for name in _OWN_TEXTS},
        id=written(value.get("id")) or "",
        attempt=status_of(value.get("attempt", 1)) or 1,
        at=piece.instant(value.get("at")) or piece.time_of(number),
        source=written(value.get("source")) or piece.at(number),
        target=_among(value.get("target"), ("sandbox", "dry-run", "live"), "unknown"),
        origin=_among(value.get("origin"), ("client", "replay"), "import"),
        request_headers=headers_of(value.get("request_headers")),
        request_body=_own_body(piece, value, "request_body", number),
        status=status,
        response_headers=headers_of(value.get("response_headers")),
        response_body=_own_body(piece, value, "response_body", number),
        elapsed_ms=_own_elapsed(piece, value.get("elapsed_ms")),
    )


def _among(value: Any, known: tuple[str, ...], usual: str) -> str:
    return value if value in known else usual


def _own_elapsed(piece: Piece, value: Any) -> float | None:
    if value is None or (type(value) is float and 0 <= value < _MOST_MS):
        return value
    return _elapsed(piece, value, "elapsed_ms", 1.0)


def _own_body(piece: Piece, value: Mapping[str, Any], name: str, number: int) -> str | bytes | None:
    encoded = value.get(f"{name}_base64")
    if isinstance(encoded, str):
        if (body := unbased(encoded)) is not None:
            return body
        piece.guess(number, f"{name}_base64 is not base64; it stays as written")
        return encoded
    return body_of(value.get(name))


def flattened(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an object by their path, what is JSON in a text among them."""
    flat: dict[str, Any] = {}
    _flatten(value, "", 0, flat)
    return flat


def _flatten(value: Mapping[str, Any], prefix: str, depth: int, flat: dict[str, Any]) -> None:
    for name, inner in value.items():
        if len(flat) >= _MOST_FIELDS:
            return
        path = f"{prefix}.{name}" if prefix else str(name)
        inner = plain(inner)
        if isinstance(inner, str) and len(inner) > 1:
            if inner[0] in ("{", '"', "["):
                inner = _json_inside(str(name), inner)
            elif told := http_message.inside(inner):
                path, inner = told
        flat[path] = inner
        if isinstance(inner, dict) and depth < _DEEPEST and not _is_leaf(str(name)[:80], inner):
            _flatten(inner, path, depth + 1, flat)


def _is_leaf(name: str, value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a body or headers, whose fields are none of the record."""
    plain = squashed(name)
    return plain.endswith("headers") or (plain.endswith(_BODIES) and _is_message(value))


def _json_inside(name: str, text: str) -> Any:
    if squashed(name) not in NESTED:
        return text
    value = parsed(text)
    value = parsed(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    if isinstance(value, dict) and text[0] == "{":
        value = Json(value)
        value.text = text
    return value if isinstance(value, Mapping | list) else text


@lru_cache(maxsize=512)
def plan_of(paths: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return which paths may hold each field, the most telling first."""
    ranked: dict[str, list[tuple[int, int, str]]] = {name: [] for name in (*FIELDS, "elapsed")}
    for path in paths:
        if len(path) > 300:
            continue
        for stripped, name in names_of(path):
            for rank, field in FIELD_OF.get(name, ()):
                ranked[field].append((stripped, rank, path))
            if name in DURATIONS:
                is_without_unit = DURATIONS[name] is None
                last = stripped + 1 if is_without_unit else stripped
                ranked["elapsed"].append((last, 0, path))
    return {
        field: tuple(dict.fromkeys(path for _, _, path in sorted(found, key=lambda one: one[:2])))
        for field, found in ranked.items()
    }


def names_of(path: str) -> Iterator[tuple[int, str]]:
    """Yield the squashed names of a path: whole, then without what only wraps it."""
    parts = path.split(".")
    is_below_wrappers = True
    for stripped in range(len(parts)):
        name = squashed(".".join(parts[stripped:]))
        if stripped:
            above = squashed(parts[stripped - 1])
            is_below_wrappers = is_below_wrappers and above in WRAPPERS
        depth = (0 if is_below_wrappers else 5) + 2 * stripped
        if is_below_wrappers or name not in GENERAL:
            yield depth, name
        first, *rest = _WORD_ENDS.split(parts[stripped].strip("_@"), 1)
        short = squashed(".".join((*rest, *parts[stripped + 1 :])))
        if rest and first.lower() in WRAPPERS and short not in NOT_SHORTENED:
            yield depth + 1, short


def _built(
    piece: Piece, flat: Mapping[str, Any], plan: Mapping[str, tuple[str, ...]], number: int
) -> Record | None:
    def values(field: str) -> Iterator[Any]:
        return (flat[path] for path in plan[field] if flat[path] not in (None, "", "-"))

    def first(field: str, meant: Callable[[Any], Any]) -> Any:
        """Return what the first value that means anything means."""
        return next(filter(None, map(meant, values(field))), None)

    status, method = first("status", http_status), first("method", method_of)
    url = _url(flat, plan)
    method, url = _by_request_line(values("request"), method, url)
    request_body, response_body = (
        next(map(body_of, values(name)), None) for name in ("request_body", "response_body")
    )
    request_body, response_body = _with_bodies(
        [value for value in values("body") if not _is_url(value)],
        list(values("request")),
        list(values("response")),
        status,
        request_body,
        response_body,
    )
    code, failure = first("code", code_of), first("failure", failure_of)
    exchange = Exchange(
        source=piece.at(number),
        at=first("at", piece.instant) or piece.time_of(number),
        method=method,
        url=url,
        request_headers=first("request_headers", headers_of) or {},
        request_body=request_body,
        status=status,
        code=code,
        text=_text(values("text"), code, response_body) if code else None,
        response_headers=first("response_headers", headers_of) or {},
        response_body=response_body,
        elapsed_ms=_duration(piece, flat, plan["elapsed"]),
        failure=failure if status is None and not code else None,
    )
    key = next((str(one) for one in values("id") if isinstance(one, str | int)), None)
    return Record(with_own_headers(exchange), key)


def _text(said: Iterator[Any], code: str, body: str | None) -> str | None:
    """Return the text that fields give a code, where its body does not."""
    if error_of(body)[1]:
        return None
    return next((text for one in said if (text := written(one)) and text != code), None)


def with_own_headers(exchange: Exchange) -> Exchange:
    """Return a record of a response with its headers there, though nothing says whose they are."""
    headers = exchange.request_headers
    is_response = exchange.status is not None and not (exchange.method or exchange.request_body)
    if not is_response or exchange.response_headers or _OF_REQUEST & {*map(str.lower, headers)}:
        return exchange
    return replace(exchange, request_headers={}, response_headers=headers)


_OF_REQUEST = {*words("authorization accept user-agent host")}


def _bare_callback(
    piece: Piece, flat: Mapping[str, Any], plan: Mapping[str, tuple[str, ...]], number: int
) -> Record | None:
    """Return the callback whose body a record holds that tells nothing of its request."""
    for path in (*plan["request_body"], *plan["body"]):
        value = flat[path]
        value = parsed(value) if isinstance(value, str) and value[:1] == "{" else value
        if isinstance(value, Mapping) and callback.is_body(value):
            found = callback.exchange_of(piece, value, number)
            at = next(filter(None, (piece.instant(flat[name]) for name in plan["at"])), None)
            return Record(replace(found, at=at or found.at))
    return None


def _by_request_line(
    lines: Iterator[Any], method: str | None, url: str | None
) -> tuple[str | None, str | None]:
    if method and url:
        return method, url
    for line in lines:
        match = REQUEST_LINE.fullmatch(line.strip()) if isinstance(line, str) else None
        if match:
            return match[1].upper(), url if url and "://" in url else match[2]
    return method, url


def _with_bodies(
    bodies: list[Any],
    requests: list[Any],
    responses: list[Any],
    status: int | None,
    request_body: str | None,
    response_body: str | None,
) -> tuple[str | None, str | None]:
    """Return both bodies, those among them whose name does not say whose they are."""
    for value in bodies:
        if isinstance(value, Mapping) and ("method" in value or "url" in value):
            continue
        if _is_response(value, status):
            response_body = response_body if response_body is not None else body_of(value)
        elif not isinstance(value, list | Mapping) or _is_message(value):
            request_body = request_body if request_body is not None else body_of(value)
    if request_body is None:
        request_body = next((body_of(value) for value in requests if _is_message(value)), None)
    if response_body is None:
        response_body = next((body_of(value) for value in responses if _is_message(value)), None)
    return request_body, response_body


_MESSAGE_PARTS = words(
    "method url uri status statuscode headers status_code path verb requestmethod body content data"
    " json request response http attributes req res payload method_name message httprequest"
    " domainname requestheaders routekey address endpoint hostname full http_method @type"
)


def _is_message(value: Any) -> bool:
    """Tell whether a field named ``request`` or ``body`` is the body itself, no wrapper of it."""
    value = parsed(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    if isinstance(value, list):
        return bool(value)
    if not isinstance(value, Mapping) or not value:
        return False
    names = {str(name)[:80].lower() for name in value}
    if names & {"recipient", "batch_id", "to", "from"} and "method" not in names:
        return True
    return names.isdisjoint(_MESSAGE_PARTS)


def _is_response(value: Any, status: int | None) -> bool:
    """Tell whether a body of which no name says so came back."""
    value = parsed(value) if isinstance(value, str) and value[:1] == "{" else value
    if status is None:
        return False
    if not isinstance(value, Mapping):
        return isinstance(value, str) and status >= 400
    if callback.is_body(value):
        return False
    return bool({"code", "error", "id", "batches", "created_at", "title"} & value.keys())


def http_status(value: Any) -> int | None:
    """Return the HTTP status that a value is: 403, ``403``, ``403 Forbidden``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value if 100 <= value <= 599 else None
    match = _HTTP_STATUS.fullmatch(str(value)[:80])
    return int(match[1]) if match else None


def method_of(value: Any) -> str | None:
    """Return the HTTP method that a value is, or None."""
    return value.upper() if isinstance(value, str) and value.upper() in HTTP_METHODS else None


def code_of(value: Any) -> str | None:
    """Return a value that looks like one of the API's codes, or None."""
    is_code = isinstance(value, str) and CODE.fullmatch(value[:100])
    return value if is_code and not value.startswith(OF_CLIENTS) else None


def failure_of(value: Any) -> str | None:
    """Return a value that looks like the class of a network error, or None."""
    return value if isinstance(value, str) and _FAILURE.fullmatch(value) else None


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and URL.match(value) is not None and " " not in value


def _url(flat: Mapping[str, Any], plan: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the URL from the first known field, with query, host and scheme from other fields."""
    found = [url for path in plan["url"] if (url := written(flat[path])) and URL.match(url)]
    url = next((one for one in found if "://" in one), found[0] if found else None)
    if url is None:
        return None
    query, host, scheme = (_first(flat, plan[name]) for name in ("query", "host", "scheme"))
    if "/xms/v" in url and url[0] != "/" and "://" not in url:
        url = f"https://{url}"
    if query and query != "-" and "?" not in url:
        url = f"{url}?{query.removeprefix('?')}"
    return _with_host(url, host, scheme)


def _first(flat: Mapping[str, Any], paths: tuple[str, ...]) -> str | None:
    return next((text for path in paths if (text := written(flat[path])) and text != "-"), None)


def _with_host(url: str, host: str | None, scheme: str | None) -> str:
    if not (url.startswith("/") and host and re.fullmatch(r"[\w.:\[\]-]+", host)):
        return url
    if re.fullmatch(r"[\d.:]+", host) or ("." not in host and not host.startswith("localhost")):
        return url
    return f"{scheme or 'https'}://{host}{url}"


def _duration(piece: Piece, flat: Mapping[str, Any], paths: tuple[str, ...]) -> float | None:
    """Return the milliseconds that the first known field of a duration means."""
    for path in paths:
        if flat[path] is None or isinstance(flat[path], Mapping | list):
            continue
        factor = factor_of(flat, path)
        elapsed = _elapsed(piece, flat[path], path, factor)
        if elapsed is not None:
            return elapsed
    return None


def factor_of(flat: Mapping[str, Any], path: str) -> float | None:
    """Return the milliseconds of a duration's unit where the format tells it, or None."""
    if path == "duration" and "request.uri" in flat and "ts" in flat:
        return 1000.0  # Caddy
    if path == "duration" and "traceId" in flat and len(str(flat.get("timestamp"))) == 16:
        return 1e-3  # what OpenTelemetry for JavaScript prints: microseconds
    return 1e-6 if path in ("@duration", "duration_nano") else None  # Datadog


def _elapsed(piece: Piece, value: Any, path: str, factor: float | None) -> float | None:
    names = (name for _, name in names_of(path) if name in DURATIONS)
    found = milliseconds(value, next(names, squashed(path)), factor)
    if found is None:
        return None
    if found[1]:
        piece.guess_once(f"{path[:40]!r} names no unit: it was taken as {found[1]}")
    return found[0]
