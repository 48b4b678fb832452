"""
JSON Lines.

Our own exchange file, and the request logs of common loggers, servers and gateways.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sinchtools.core.columns import COLUMNS
from sinchtools.core.records import Exchange
from sinchtools.evidence.pieces import (
    HTTP_METHODS,
    TOO_MANY_VALUES,
    Piece,
    TooMuchError,
    joined,
    loaded,
    status_of,
    words,
)

OWN = {*COLUMNS, "request_body_base64", "response_body_base64"} - {"outcome"}
OWN_ONLY = {
    "request_headers",
    "response_headers",
    "request_body",
    "response_body",
    "request_body_base64",
    "response_body_base64",
    "elapsed_ms",
    "parent_id",
}
# where loggers put what we look for: field paths in lower case, the most telling first
FIELDS: dict[str, tuple[str, ...]] = {
    "method": words(
        "method request.method req.method http.request.method http.method http_method "
        "request_method requestmethod httprequest.requestmethod "
        "clientrequestmethod verb cs-method httpmethod request.httpmethod "
        "attributes.http.request.method attributes.http.method request.verb "
        "log.request.method httpcontext.method event.method requestcontext.httpmethod "
        "requestcontext.http.method elb_request_method"
    ),
    "url": words(
        "url request.url req.url url.full url.original http.url http.request.url request_url "
        "requesturl httprequest.requesturl request_uri uri "
        "request.uri req.uri clientrequesturi path request.path req.path url.path request_path "
        "requestpath http.target http.path attributes.url.full "
        "attributes.http.url attributes.http.target attributes.url.path cs-uri-stem endpoint "
        "target log.request.url rawpath "
        "requestcontext.path requestcontext.http.path httpcontext.path"
    ),
    "query": words(
        "query query_string querystring request.querystring cs-uri-query url.query "
        "clientrequestquery args attributes.url.query"
    ),
    "host": words(
        "request.host req.host clientrequesthost http_host url.domain request.headers.host "
        "req.headers.host server_name vhost host authority "
        "requesthost requestaddr http.host attributes.server.address attributes.http.host "
        "cs-host upstream_host requestcontext.domainname"
    ),
    "scheme": words(
        "scheme url.scheme request.scheme clientrequestscheme request_scheme requestscheme "
        "http.scheme protocol_scheme"
    ),
    "status": words(
        "status statuscode status_code response.status response.statuscode response.status_code "
        "res.status res.statuscode http.response.status_code "
        "http.status_code http.status httprequest.status http_status httpstatus "
        "edgeresponsestatus sc-status response_code "
        "responsecode response_status downstreamstatus resp_status "
        "attributes.http.response.status_code attributes.http.status_code "
        "elb_status_code log.response.status response.code originstatus httpcontext.statuscode "
        "requestcontext.status"
    ),
    "at": words(
        "at time ts timestamp @timestamp datetime date started_at startedat start_time "
        "starttime starteddatetime edgestarttimestamp time_iso8601 "
        "time_local startutc asctime created eventtime event_time request_time_iso logged_at t "
        "started requestcontext.requesttime"
    ),
    "request_headers": words(
        "request.headers req.headers request_headers requestheaders http.request.headers headers"
    ),
    "response_headers": words(
        "response.headers res.headers resp_headers response_headers responseheaders "
        "http.response.headers"
    ),
    "request_body": words(
        "request.body req.body request_body requestbody http.request.body.content "
        "http.request.body request.data request.payload"
    ),
    "response_body": words(
        "response.body res.body response_body responsebody http.response.body.content "
        "http.response.body resp_body response.data"
    ),
    "failure": words(
        "err.type error.type err.code err.name error.name exception.type failure error_class"
    ),
}
REQUEST_LINES = words("request request_line requestline http.request_line req")
_TELLING = {
    *FIELDS["method"],
    *FIELDS["url"],
    *FIELDS["status"],
    *REQUEST_LINES,
}  # without one of these, there is no HTTP in an object
_REQUEST_LINE = re.compile(rf"({'|'.join(HTTP_METHODS)}) (\S+)(?: HTTP/[\d.]+)?")
DURATIONS = {  # field path: how many milliseconds one unit is
    **dict.fromkeys(
        words(
            "elapsed_ms duration_ms durationms latency_ms latencyms responsetime "
            "response_time_ms took_ms time_taken_ms elapsedms time-taken"
        ),
        1.0,
    ),
    **dict.fromkeys(
        words(
            "elapsed elapsedmilliseconds originresponsedurationms latencies.request "
            "response.elapsed_ms responselatency"
        ),
        1.0,
    ),
    **dict.fromkeys(
        words(
            "request_time upstream_response_time duration_s duration_seconds response_time_s "
            "elapsed_s latency_s duration latency service"
        ),
        1000.0,
    ),
    **dict.fromkeys(words("took response_time request_duration httprequest.latency"), 1000.0),
    **dict.fromkeys(words("event.duration duration_ns latency_ns"), 1e-6),
    **dict.fromkeys(words("duration_us latency_us duration_micros"), 1e-3),
}
_UNIT = re.compile(r"\s*+([\d.]++)\s*+(ns|us|µs|ms|s|m)?\s*")
_UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_DOCKER = re.compile(
    r"^(?:[\w.-]+[ \t]+\| |\d{4}-\d\d-\d\dT[\d:.]+Z (?:stdout|stderr) [FP] "
    r"|\w{3} +\d+ [\d:]{8} \S+ [^:\n{]{1,80}: |[\d\-T:.Z+]{19,35} )(?=\{)"
)


_COMMAND = re.compile(r"^[ \t>$#%]*curl(?:\.exe)?[ \t]", re.MULTILINE)


def sniff(piece: Piece) -> bool:
    """
    Tell whether the text is JSON objects, one a line or in one array.

    One of our own exchanges counts too.
    """
    if isinstance(piece.document, list):
        return bool(piece.document) and isinstance(piece.document[0], dict)
    if isinstance(piece.document, dict):
        return (
            exchange_of(piece, piece.document, 1) is not None
            or _records(piece.document) is not None
        )
    heads = [
        _DOCKER.sub("", line).lstrip()[:1]
        for line in piece.text[:200_000].split("\n")
        if line.strip()
    ]
    whole = [line for line in piece.text[:200_000].split("\n") if line.strip()]
    if _COMMAND.search(piece.text[:200_000]):
        return False  # a command with its answer below: the command's reader takes both
    starting = sum(head == "{" for head in heads)
    return starting * 10 >= len(heads) * 9 > 0 and any(
        _object(_DOCKER.sub("", line)) is not None for line in whole[:200]
    )


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each object that has HTTP in it; the others are listed."""
    for number, value, reason in _values(piece):
        if reason:
            piece.skip(number, reason)
        elif not isinstance(value, dict):
            piece.skip(number, "JSON that is no object")
        elif (exchange := exchange_of(piece, value, number)) is None:
            piece.skip(
                number,
                "an object without HTTP fields (no status, method or URL in any of the known "
                "places)",
            )
        else:
            yield exchange


def exchange_of(piece: Piece, value: Mapping[str, Any], number: int) -> Exchange | None:
    """
    Return the exchange that an object describes, be it one of ours or a logger's.

    Return None when it has no HTTP in it.
    """
    if _is_own(value):
        return _own(piece, value, number)
    return _foreign(piece, value, number)


def _values(piece: Piece) -> Iterator[tuple[int, Any, str]]:
    if isinstance(piece.document, list):
        yield from ((number, value, "") for number, value in enumerate(piece.document, start=1))
        return
    if isinstance(piece.document, dict):
        for number, value in enumerate(_records(piece.document) or [piece.document], start=1):
            yield number, value, ""
        return
    for number, line in enumerate(piece.lines, start=1):
        if text := _DOCKER.sub("", line).strip().rstrip(",").lstrip("\ufeff\x1e"):
            yield number, *_parsed(text)


def _parsed(text: str) -> tuple[Any, str]:
    if text in "[]":
        return {}, "JSON that is no object"
    try:
        return loaded(text), ""
    except TooMuchError:
        return None, TOO_MANY_VALUES
    except RecursionError:
        return None, "JSON that is nested too deeply"
    except ValueError as error:
        column = getattr(error, "colno", None)
        return None, "broken JSON" if text[0] in "{[" and column else "text that is no JSON"


def _object(text: str) -> Any:
    value = _parsed(text.strip())[0] if text.strip() else None
    return value if isinstance(value, dict) else None


def _records(document: Mapping[str, Any]) -> list[Any] | None:
    for name in ("exchanges", "logs", "records", "events", "hits", "items", "results", "data"):
        listed = document.get(name)
        if (
            isinstance(listed, list)
            and listed
            and isinstance(listed[0], dict)
            and len(document) <= 6
        ):
            return listed
    return None


def _is_own(value: Mapping[str, Any]) -> bool:
    if OWN_ONLY & value.keys():
        return not isinstance(value.get("request"), dict)
    known = OWN & value.keys()
    return (
        bool({"status", "url", "code", "text"} & known)
        and len(known) * 3 >= len(value) * 2
        and _has_http(value)
    )


def _has_http(value: Mapping[str, Any]) -> bool:
    if isinstance(value.get("method"), str) and isinstance(value.get("url"), str):
        return True
    status = value.get("status")
    return (isinstance(status, int) and not isinstance(status, bool)) or (
        isinstance(value.get("code"), str) and bool({"text", "status"} & value.keys())
    )


def _own(piece: Piece, value: Mapping[str, Any], number: int) -> Exchange:
    status = status_of(value.get("status"))
    if status is not None and not 100 <= status <= 599:
        piece.guess(number, f"status {status} is no HTTP status; it was kept")
    return Exchange(
        **{
            name: _text(value.get(name))
            for name in (
                "parent_id",
                "call_id",
                "method",
                "url",
                "endpoint",
                "region",
                "account",
                "code",
                "text",
                "failure",
            )
        },
        id=_text(value.get("id")) or "",
        attempt=status_of(value.get("attempt", 1)) or 1,
        at=piece.instant(value.get("at")),
        source=_text(value.get("source")) or piece.at(number),
        target=value["target"]
        if value.get("target") in ("sandbox", "dry-run", "live")
        else "unknown",
        origin=value["origin"] if value.get("origin") in ("client", "replay") else "import",
        request_headers=headers_of(value.get("request_headers")),
        request_body=_own_body(piece, value, "request_body", number),
        status=status,
        response_headers=headers_of(value.get("response_headers")),
        response_body=_own_body(piece, value, "response_body", number),
        elapsed_ms=_number(value.get("elapsed_ms")),
    )


def _own_body(piece: Piece, value: Mapping[str, Any], name: str, number: int) -> str | bytes | None:
    encoded = value.get(f"{name}_base64")
    if isinstance(encoded, str):
        try:
            body = base64.b64decode(encoded)
        except (ValueError, binascii.Error):
            piece.guess(number, f"{name}_base64 is no base64; it stays as written")
            return encoded
        return _decoded(body)
    return body_of(value.get(name))


def _decoded(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body


def headers_of(value: Any) -> dict[str, str]:
    """
    Return headers written as an object or as a list of pairs or of name and value.

    They may also be the JSON text of one of these.
    """
    if isinstance(value, str) and value[:1] in "{[":
        value = _parsed(value)[0] if value else None
    if isinstance(value, Mapping):
        return joined(
            (str(name), ", ".join(map(str, part)) if isinstance(part, list) else _as_text(part))
            for name, part in value.items()
        )
    if not isinstance(value, list):
        return {}
    if all(isinstance(part, str) for part in value):
        halves = (
            [part.partition(":")[::2] for part in value]
            if all(":" in part for part in value)
            else zip(value[::2], value[1::2], strict=False)
        )
        return joined((name.strip(), rest.strip()) for name, rest in halves)
    pairs = [
        (p.get("name", p.get("key")), p.get("value")) if isinstance(p, Mapping) else p
        for p in value
    ]
    return joined(
        (_as_text(p[0]), _as_text(p[1]))
        for p in pairs
        if isinstance(p, list | tuple) and len(p) == 2 and p[0]
    )


def body_of(value: Any) -> str | None:
    """Return a body as text: a logger's parsed JSON is written as JSON again."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _foreign(piece: Piece, value: Mapping[str, Any], number: int) -> Exchange | None:
    flat = dict(_flat(value))
    if _TELLING.isdisjoint(flat):
        return None
    found = {
        name: next((flat[path] for path in paths if flat.get(path) not in (None, "")), None)
        for name, paths in FIELDS.items()
    }
    method, url = _method(found["method"]), url_of(found, flat)
    if not (method and url):
        method, url = next(
            filter(None, (_request_line(flat.get(path)) for path in REQUEST_LINES)), (method, url)
        )
    status = _status(flat)
    if not ((status is not None and (method or url)) or (method and url)):
        return None
    return Exchange(
        source=piece.at(number),
        at=next(
            (
                moment
                for path in FIELDS["at"]
                if flat.get(path) and (moment := piece.instant(flat[path]))
            ),
            None,
        ),
        method=method,
        url=url,
        request_headers=headers_of(found["request_headers"]),
        request_body=body_of(found["request_body"]),
        status=status,
        response_headers=headers_of(found["response_headers"]),
        response_body=body_of(found["response_body"]),
        elapsed_ms=duration_ms(flat),
        failure=_text(found["failure"]) if status is None else None,
    )


def _flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = (
            f"{prefix}{name}".lower().lstrip("@")
            if f"{prefix}{name}".lower() != "@timestamp"
            else "@timestamp"
        )
        yield path, inner
        if isinstance(inner, Mapping) and depth < 5:
            yield from _flat(inner, f"{path}.", depth + 1)
            if not prefix:
                yield from (
                    (name, deep)
                    for name, deep in _flat(inner, "", 5)
                    if name not in ("path", "host", "time", "status", "duration", "code")
                )


def _method(value: Any) -> str | None:
    return value.upper() if isinstance(value, str) and value.upper() in HTTP_METHODS else None


def _status(flat: Mapping[str, Any]) -> int | None:
    for path in FIELDS["status"]:
        value = flat.get(path)
        if isinstance(value, bool) or not re.fullmatch(r"[1-5]\d\d(?:\.0)?", str(value)):
            continue
        return status_of(value)
    return None


def _request_line(value: Any) -> tuple[str, str] | None:
    match = _REQUEST_LINE.fullmatch(value) if isinstance(value, str) else None
    return (match[1], match[2]) if match else None


def url_of(found: Mapping[str, Any], flat: Mapping[str, Any]) -> str | None:
    """Return the URL from the first known field, with query, host and scheme from other fields."""
    url = next(
        (
            text
            for text in (_text(flat.get(path)) for path in FIELDS["url"])
            if text and re.match(r"[A-Za-z][\w+.-]*://|/|\*$", text)
        ),
        None,
    )
    if url is None:
        return None
    query = _text(found.get("query"))
    if query and query != "-" and "?" not in url:
        url = f"{url}?{query.removeprefix('?')}"
    host = _text(found.get("host"))
    if (
        url.startswith("/")
        and host
        and re.fullmatch(r"[\w.:\[\]-]+", host)
        and "." in host + ("." if host.startswith("localhost") else "")
    ):
        return f"{_text(found.get('scheme')) or 'https'}://{host}{url}"
    return url


def duration_ms(flat: Mapping[str, Any]) -> float | None:
    """
    Return the milliseconds that the first known field of a duration means.

    A unit that is written (``12ms``) counts.
    """
    for path, factor in DURATIONS.items():
        value = flat.get(path)
        if isinstance(value, str) and (match := _UNIT.fullmatch(value)):
            return _number(_number(match[1]), _UNITS[match[2]] if match[2] else factor)
        if (number := _number(value)) is not None:
            return _number(value, 1e-6 if path == "duration" and number >= 1e6 else factor)
    return None


def _number(value: Any, factor: float = 1.0) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < timedelta(days=400).total_seconds() * 1000 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
