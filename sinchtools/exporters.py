"""The way out: an exchange as a bash curl command, exchanges as HAR or as JSON Lines; each reads back equal."""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sinchtools import tables
from sinchtools.api import split_url
from sinchtools.records import Exchange, header

_SAFE_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_HAR_PRIVATE = ("id", "parent_id", "call_id", "attempt", "origin", "source", "target", "endpoint", "region", "account", "code", "text", "failure")


def to_curl(exchange: Exchange) -> str:
    """
    Return the request as a bash command; secrets are the markers that stand for them, so it does not run as it is.

    Examples
    --------
    >>> print(to_curl(Exchange(method="GET", url="https://us.sms.api.sinch.com/xms/v1/plan/batches")))
    curl https://us.sms.api.sinch.com/xms/v1/plan/batches
    """
    body = exchange.request_body
    words = [] if exchange.method == ("GET" if body is None else "POST") else [f"-X {_quoted(exchange.method or 'GET')}"]
    words.append(_quoted(_escaped_globs(exchange.url or "")))
    words += [f"-H {_quoted(f'{name}: {value}' if value.strip() else f'{name};')}" for name, value in _true(exchange).items()]
    if body is not None:
        words += [] if header(exchange.request_headers, "content-type") is not None else ["-H 'Content-Type:'"]
        words.append(f"--data-raw {_quoted(body)}")
    return "curl " + " \\\n  ".join(words)


def to_jsonl(exchanges: Iterable[Exchange]) -> str:
    """
    Return the exchanges as the native file: one JSON object per line, the columns as keys.

    Examples
    --------
    >>> json.loads(to_jsonl([Exchange(id="a", status=404)]))["status"]
    404
    """
    return "".join(json.dumps(tables.as_json(exchange), ensure_ascii=False) + "\n" for exchange in exchanges)


def to_har(exchanges: Iterable[Exchange]) -> str:
    """
    Return the exchanges as a HAR 1.2 document; what HAR has no place for stands in `_sinchtools` of each entry.

    Examples
    --------
    >>> json.loads(to_har([]))["log"]["version"]
    '1.2'
    """
    entries = [_entry(exchange) for exchange in exchanges]
    log = {"version": "1.2", "creator": {"name": "sinchtools", "version": "1"}, "entries": entries}
    return json.dumps({"log": log}, ensure_ascii=False, indent=1)


def _true(exchange: Exchange) -> dict[str, str]:
    """Return the headers without a Content-Length that is not, or no more, the body's: it would cut it."""
    length = str(_size(exchange.request_body or b""))
    return {name: value for name, value in exchange.request_headers.items() if name.lower() != "content-length" or value.strip() == length}


def _quoted(text: str | bytes) -> str:
    if isinstance(text, bytes):
        return "$'" + "".join(f"\\x{byte:02x}" for byte in text) + "'"
    if _SAFE_WORD.fullmatch(text):
        return text
    if re.search(r"[\0-\x08\x0b-\x1f\x7f\r]", text):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return "$'" + re.sub(r"[\0-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", escaped) + "'"
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped_globs(url: str) -> str:
    return re.sub(r"([\[\]{}])", r"\\\1", url)


def _entry(exchange: Exchange) -> dict[str, Any]:
    query = split_url(exchange.url or "").query
    entry: dict[str, Any] = {
        "startedDateTime": exchange.at.isoformat().replace("+00:00", "Z") if exchange.at else "",
        "time": exchange.elapsed_ms or 0,
        "request": {
            "method": exchange.method or "",
            "url": exchange.url or "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(exchange.request_headers),
            "queryString": [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)],
            "headersSize": -1,
            "bodySize": -1 if exchange.request_body is None else _size(exchange.request_body),
        },
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": -1 if exchange.elapsed_ms is None else exchange.elapsed_ms, "receive": 0},
        "_sinchtools": {name: value for name in _HAR_PRIVATE if (value := getattr(exchange, name)) is not None},
    }
    if exchange.request_body is not None:
        entry["request"]["postData"] = {"mimeType": header(exchange.request_headers, "content-type") or "", **_text_of(exchange.request_body)}
    return entry


def _response(exchange: Exchange) -> dict[str, Any]:
    body = exchange.response_body
    content: dict[str, Any] = {"size": 0 if body is None else _size(body), "mimeType": header(exchange.response_headers, "content-type") or ""}
    return {
        "status": exchange.status or 0,
        "statusText": http.client.responses.get(exchange.status or 0, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.response_headers),
        "content": content | ({} if body is None else _text_of(body)),
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": content["size"],
    }


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _text_of(body: str | bytes) -> dict[str, str]:
    return {"text": body} if isinstance(body, str) else {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _size(body: str | bytes) -> int:
    return len(body.encode("utf-8", "replace") if isinstance(body, str) else body)
