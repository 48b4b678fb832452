"""
Export an exchange as a bash curl command, and exchanges as HAR or as JSON Lines.

Each reads back equal.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from sinchtools.api.description import split_url
from sinchtools.core import columns
from sinchtools.core.records import HAR_FIELDS, Exchange, header

_NOT_ASCII = re.compile(r"[^ -~\n]")
_SAFE_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def to_curl(exchange: Exchange) -> str:
    """
    Return the request as a bash command.

    Secrets are the markers that stand for them, so it does not run as it is.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
    >>> print(to_curl(Exchange(method="GET", url=url)))
    curl https://us.sms.api.sinch.com/xms/v1/plan/batches
    """
    body = exchange.request_body
    is_usual = exchange.method == ("GET" if body is None else "POST")
    words = [] if is_usual else [f"-X {_quoted(exchange.method or 'GET')}"]
    words.append(_quoted(_escaped_globs(exchange.url or "")))
    words += [
        f"-H {_quoted(f'{name}: {value}' if value.strip() else f'{name};')}"
        for name, value in _true(exchange).items()
    ]
    if body is not None:
        if header(exchange.request_headers, "content-type") is None:
            words.append("-H 'Content-Type:'")
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
    return "".join(to_json(columns.as_json(exchange)) + "\n" for exchange in exchanges)


def to_json(value: Any, indent: int | None = None) -> str:
    r"""
    Return JSON that people can read.

    Hidden, bidirectional and control characters are escaped.

    Examples
    --------
    >>> print(to_json(["café", "\u202egnp.exe"]))
    ["café", "\u202egnp.exe"]
    """
    text = (
        json.dumps(value, ensure_ascii=False, indent=indent)
        .encode("utf-8", "replace")
        .decode("utf-8")
    )
    return _NOT_ASCII.sub(
        lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text
    )


def to_har(exchanges: Iterable[Exchange]) -> str:
    """
    Return the exchanges as a HAR 1.2 document.

    Facts that HAR has no field for are in `_sinchtools` of each entry.

    Examples
    --------
    >>> json.loads(to_har([]))["log"]["version"]
    '1.2'
    """
    entries = [_entry(exchange) for exchange in exchanges]
    log = {"version": "1.2", "creator": {"name": "sinchtools", "version": "1"}, "entries": entries}
    return to_json({"log": log}, indent=1)


def _true(exchange: Exchange) -> dict[str, str]:
    """
    Return the headers without a Content-Length that does not fit the body.

    It would cut the body short.
    """
    length = str(_size(exchange.request_body or b""))
    return {
        name: value
        for name, value in exchange.request_headers.items()
        if name.lower() != "content-length" or value.strip() == length
    }


def _quoted(text: str | bytes) -> str:
    if isinstance(text, bytes):
        return f"$'{_escaped(text)}'"
    if _SAFE_WORD.fullmatch(text):
        return text
    if text.isprintable() or not any(map(_is_hidden, text)):
        return "'" + text.replace("'", "'\\''") + "'"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    shown = (
        one if one.isprintable() else _escaped(one.encode("utf-8", "replace")) for one in escaped
    )
    return f"$'{''.join(shown)}'"


def _is_hidden(char: str) -> bool:
    return not (char.isprintable() or char in "\t\n")


def _escaped(data: bytes) -> str:
    """Return what bash takes for bytes in every locale; one may not have the character."""
    return "".join(f"\\x{byte:02x}" for byte in data)


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
            "headers": _pairs(exchange.request_headers.items()),
            "queryString": _pairs(parse_qsl(query, keep_blank_values=True)),
            "headersSize": -1,
            "bodySize": -1 if exchange.request_body is None else _size(exchange.request_body),
        },
        "response": _response(exchange),
        "cache": {},
        "timings": {
            "send": 0,
            "wait": -1 if exchange.elapsed_ms is None else exchange.elapsed_ms,
            "receive": 0,
        },
        "_sinchtools": {
            name: value for name in HAR_FIELDS if (value := getattr(exchange, name)) is not None
        },
    }
    if exchange.request_body is not None:
        entry["request"]["postData"] = {
            "mimeType": header(exchange.request_headers, "content-type") or "",
            **_text_of(exchange.request_body),
        }
    return entry


def _response(exchange: Exchange) -> dict[str, Any]:
    body = exchange.response_body
    content: dict[str, Any] = {
        "size": 0 if body is None else _size(body),
        "mimeType": header(exchange.response_headers, "content-type") or "",
    }
    return {
        "status": exchange.status or 0,
        "statusText": http.client.responses.get(exchange.status or 0, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.response_headers.items()),
        "content": content | ({} if body is None else _text_of(body)),
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": content["size"],
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _text_of(body: str | bytes) -> dict[str, str]:
    if isinstance(body, str):
        return {"text": body}
    return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _size(body: str | bytes) -> int:
    return len(body.encode("utf-8", "replace") if isinstance(body, str) else body)
