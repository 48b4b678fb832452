"""
Tell what a printed object is: an error with its request and its response, a body, or headers.

The tables say under which names clients keep the parts. Names are compared without case, ``_``
and ``-``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.http_message import is_error_body
from sinchtools.evidence.formats.mapping import with_own_headers
from sinchtools.evidence.formats.printed import body_text
from sinchtools.evidence.formats.values import headers_of
from sinchtools.evidence.pieces import HTTP_METHODS, words

_REQUESTS = words("config request req options requestoptions requestdata")
_RESPONSES = words("response res resp httpresponse rawresponse originalresponse")
_ERRORS = words("error err exception e reason cause context extra")
_METHODS = words("method httpmethod verb requestmethod effectivemethod")
_URLS = words("url uri href requesturl requesturi fullurl urldefault effectiveuri")
_STATUSES = words(
    "status statuscode httpstatus httpstatuscode httpcode code responsecode responsestatus"
)
_HEADERS = words("headers header httpheaders responseheaders")
_REQUEST_BODIES = words("data body json payload requestbody content form")
_RESPONSE_BODIES = words(
    "data body responsebody responsejson responsetext text content rawbody parsedresponse error"
)
_ERRNO = re.compile(r"E[A-Z]{3,14}|ERR_NETWORK|UND_ERR_\w+|ERR_TLS\w*|CERT_\w+|\w*_CERT\w*")
_SAID = re.compile(r"status code:? (\d{3})\b")
_MOST_NAMES = 5  # of an error body
_PARTS = {"method", "url", "config", "request", "response"}
_GATEWAY = {"status", "error", "path"}


def told(value: Any, depth: int = 0) -> Exchange | None:
    """
    Return what a printed object tells of a request and its response, or None.

    Examples
    --------
    >>> told({"response": {"status": 401, "data": {"code": "x_y", "text": "No"}}}).status
    401
    """
    if isinstance(value, list):
        return _told_of_list(value, depth)
    if not isinstance(value, dict) or not value or depth > 4:
        return None
    if body := _error_body(value):
        return body
    names = _names(value)
    exchange = _exchange(names)
    if exchange is not None:
        return exchange
    for name in _ERRORS:
        inner = told(names.get(name), depth + 1)
        if inner is not None:
            return inner
    return _sent(value)


def is_error(value: Any) -> bool:
    """Tell whether an object is an error that keeps its request or response, or an error body."""
    if not isinstance(value, dict):
        return False
    names = value.keys()
    keeps = names & {"config", "response", "request", "options"}
    body = _error_body(value)
    is_new = body is not None and (body.url is not None or not is_error_body(value))
    return bool(keeps and names & {"message", "stack"}) or is_new


def _told_of_list(value: list[Any], depth: int) -> Exchange | None:
    if len(value) == 1:
        return told(value[0], depth + 1)
    statuses = [one for one in value if is_status(one)]
    bodies = [one for one in value if isinstance(one, dict) and _error_body(one)]
    if len(statuses) == 1 and len(bodies) == 1 and len(value) <= 3:
        return Exchange(status=statuses[0], response_body=body_text(bodies[0]))
    return None


def is_status(value: Any) -> bool:
    """Tell whether a value is a number that can be an HTTP status."""
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _names(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name).replace("_", "").replace("-", "").lower(): inner for name, inner in value.items()
    }


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def _error_body(value: dict[str, Any]) -> Exchange | None:
    """Return the response whose body an object is: the API's, or its gateway's."""
    names = set(value)
    if names.isdisjoint(("code", "error")) and {"code", "text"} <= {name.lower() for name in names}:
        return _named_otherwise(value)
    code, text = value.get("code"), value.get("text")
    is_ours = isinstance(text, str) and isinstance(code, str | int) and len(value) <= _MOST_NAMES
    if is_ours and not names & _PARTS:
        status = value.get("status") if is_status(value.get("status")) else None
        status = status or (code if is_status(code) else None)
        return Exchange(status=status, response_body=body_text(value))
    if names >= _GATEWAY and is_status(value["status"]) and len(value) <= 8:
        path = value["path"]
        is_path = isinstance(path, str) and path.startswith("/")
        return Exchange(
            status=value["status"], url=path if is_path else None, response_body=body_text(value)
        )
    is_code = isinstance(code, str) and (text or re.fullmatch(r"[a-z]+(?:_[a-z]+)+", code))
    if is_error_body(value) and is_code and not names & _PARTS:
        return Exchange(response_body=body_text(value))
    return None


def _named_otherwise(value: dict[str, Any]) -> Exchange | None:
    """Return the response of an object that a program made of an error body: `Code`, `Text`."""
    parts = _names(value)
    code, text = parts["code"], parts["text"]
    if not isinstance(code, str) or not isinstance(text, str) or len(value) > _MOST_NAMES:
        return None
    return Exchange(status=_status({**parts, "code": None}), code=code, text=text)


def _exchange(value: dict[str, Any]) -> Exchange | None:
    """Return the exchange of an error that keeps its request and its response, or is either."""
    request = _object(_first(value, _REQUESTS))
    response = _object(_first(value, _RESPONSES))
    if request is None and response is not None:
        request = _object(_first(response, _REQUESTS))
    status = _status(response or {}) or _status(value) or _status_said(value)
    sent = _request(request if request is not None else value)
    body = _response_body(response) if response is not None else None
    if body is None and (response is not None or status is not None):
        body = _body(value, _RESPONSE_BODIES)
        if request is None and body is not None and body == sent.request_body:
            # one name for what only one side has
            sent, body = (
                (sent, None) if '"to"' in body else (replace(sent, request_body=None), body)
            )
    failure = _failure(value) if status is None and response is None else None
    is_unanswered = value.get("httpcode") == 0
    is_sent = bool(
        sent.url and (sent.method or sent.request_body or status or failure or is_unanswered)
    )
    if status is None and not is_sent and failure is None:
        return None
    if status is not None and body is None and not is_sent and len(value) < 2:
        return None
    text = str(value.get("message") or value.get("") or "") if failure else None
    headers = _headers(response if response is not None else {} if is_sent else value)
    whole = Exchange(
        method=sent.method,
        url=sent.url,
        request_headers=sent.request_headers if is_sent else {},
        request_body=sent.request_body if is_sent else None,
        status=status,
        response_headers=headers,
        response_body=body,
        elapsed_ms=_elapsed(value),
        failure=failure,
        text=text[:400] if text else None,
    )
    return with_own_headers(whole)


def _elapsed(value: Mapping[str, Any]) -> float | None:
    """Return the milliseconds that curl says in seconds, in what `curl_getinfo` gives."""
    total = value.get("totaltime")
    return round(total * 1000, 3) if isinstance(total, float) and "httpcode" in value else None


def _response_body(response: dict[str, Any]) -> str | None:
    """Return the body that a response keeps, or that it is itself."""
    own = _error_body(response) if {"code", "text"} <= response.keys() else None
    if own:
        return own.response_body  # type: ignore[return-value]
    return _body(response, _RESPONSE_BODIES)


def _object(value: Any) -> dict[str, Any] | None:
    return _names(value) if isinstance(value, dict) and value else None


def _status(value: Mapping[str, Any]) -> int | None:
    for name in _STATUSES:
        found = value.get(name)
        if isinstance(found, str) and re.fullmatch(r"[1-5]\d\d(?: [A-Z][\w -]*)?", found):
            found = int(found[:3])
        if isinstance(found, dict) and (inner := _status(_names(found))):
            return inner
        if isinstance(found, int) and is_status(found):
            return found
    return None


def _status_said(value: Mapping[str, Any]) -> int | None:
    said = _SAID.search(f"{value.get('message', '')} {value.get('', '')}")
    return int(said[1]) if said else None


def _failure(value: Mapping[str, Any], depth: int = 0) -> str | None:
    for name in ("code", "errno", "name"):
        found = value.get(name)
        if isinstance(found, str) and _ERRNO.fullmatch(found) and found != "ERR_BAD_REQUEST":
            return found
    cause = _object(_first(value, ("cause", "[cause]", "error", "reason")))
    return _failure(cause, depth + 1) if cause and depth < 4 else None


def _request(value: Mapping[str, Any]) -> Exchange:
    method = _first(value, _METHODS)
    method = method.lstrip(":") if isinstance(method, str) else None
    method = method.upper() if isinstance(method, str) and method.upper() in HTTP_METHODS else None
    url = url_in(value)
    body = _body(value, _REQUEST_BODIES) if method or url else None
    first = value.get("header")
    if url is None and isinstance(first, str):
        return _from_header(first)
    return Exchange(method=method, url=url, request_headers=_headers(value), request_body=body)


def _from_header(text: str) -> Exchange:
    """Return the request of a node ClientRequest, whose `_header` is as on the wire."""
    line, _, rest = text.partition("\r\n")
    method, _, path = line.rpartition(" ")[0].partition(" ")
    headers = headers_of([one for one in rest.split("\r\n") if ": " in one])
    host = next((value for name, value in headers.items() if name.lower() == "host"), None)
    if method not in HTTP_METHODS or not host:
        return Exchange()
    return Exchange(method=method, url=f"https://{host}{path}", request_headers=headers)


def url_in(value: Mapping[str, Any]) -> str | None:
    """Return the URL of a request: whole, of a base and a rest, or of host and path."""
    url = _first(value, _URLS)
    if isinstance(url, dict):
        url = _first(_names(url), ("href", "full", "url"))
    base = _first(value, ("baseurl", "baseuri", "prefixurl"))
    host = _first(value, ("hostname", "host"))
    path = _first(value, ("path", "pathname"))
    if isinstance(url, str) and isinstance(base, str) and "://" not in url:
        url = f"{base.rstrip('/')}/{url.lstrip('/')}"
    if not isinstance(url, str) and isinstance(host, str) and isinstance(path, str):
        url = f"{str(value.get('protocol') or 'https:').rstrip(':/')}://{host}{path}"
    if not isinstance(url, str) or not re.match(r"https?://|/", url):
        return None
    params = value.get("params")
    if isinstance(params, dict) and params and "?" not in url:
        url = f"{url}?{urlencode({name: str(one) for name, one in params.items()})}"
    return url


def _headers(value: Mapping[str, Any]) -> dict[str, str]:
    headers = _first(value, _HEADERS)
    if isinstance(headers, dict):
        headers = {
            name: inner
            for name, inner in headers.items()
            if name and not isinstance(inner, dict) and isinstance(name, str)
        }
    return headers_of(headers)


def _plain(value: Mapping[str, Any]) -> list[Any]:
    return [one if one is None or isinstance(one, bool) else "other" for one in value.values()]


def _body(value: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    found = _first(value, names)
    if isinstance(found, dict) and found and {None, True, False}.issuperset(_plain(found)):
        return None  # a stream that is only pointed to, and whether it is locked
    return body_text(found) if isinstance(found, str | dict | list) else None


def _sent(value: dict[str, Any]) -> Exchange | None:
    """Return the request whose body an object is, or the response that holds a batch."""
    if "to" not in value or not isinstance(value["to"], list | str):
        return None
    if {"id", "created_at", "canceled"} <= value.keys():
        return Exchange(response_body=body_text(value))
    if isinstance(value.get("body"), str) or "parameters" in value:
        return Exchange(request_body=body_text(value))
    return None
