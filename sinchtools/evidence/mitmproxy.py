"""Read the flows that mitmproxy saves: typed netstrings, one flow behind the other."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from collections.abc import Iterator
from typing import Any

# source: tnetstrings.info and mitmproxy's io.tnetstring: size, colon, data, type
_SIGN = re.compile(rb"\d{2,10}:\d{1,2}:[a-z_]{2,30};\d{1,10}:")
_TYPE = b"4:type;4:http;"
_SIZE = re.compile(rb"(\d{1,10}):")
_DEEPEST, _LARGEST = 20, 50_000_000
_DEFAULT_PORTS = {("https", 443), ("http", 80)}
_PACKED = {"gzip": 31, "deflate": 15}  # and how zlib is told of it


def text_of(data: bytes) -> str:
    """Return the flows as lines of our own exchange file, or nothing when these are no flows."""
    if not _SIGN.match(data) or _TYPE not in data:
        return ""
    calls = (flow for flow in _flows(data) if _fields(flow.get("request")))
    return "\n".join(json.dumps(_exchange(flow), ensure_ascii=False) for flow in calls)


def _flows(data: bytes) -> Iterator[dict[str, Any]]:
    at = 0
    while at < len(data):
        try:
            flow, at = _value(data, at, 0)
        except ValueError:
            return  # it breaks off here
        if isinstance(flow, dict):
            yield flow


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value at a place, and where it ends."""
    size = _SIZE.match(data, at)
    end = size.end() + int(size[1]) if size else len(data)
    if size is None or end >= len(data) or depth > _DEEPEST:
        raise ValueError
    raw, kind = data[size.end() : end], data[end : end + 1]
    if kind == b"]":
        return list(_inside(raw, depth + 1)), end + 1
    if kind == b"}":
        parts = list(_inside(raw, depth + 1))
        return {_text(name): part for name, part in zip(parts[::2], parts[1::2], strict=True)}, (
            end + 1
        )
    return _plain(raw, kind), end + 1


def _inside(data: bytes, depth: int) -> Iterator[Any]:
    at = 0
    while at < len(data):
        value, at = _value(data, at, depth)
        yield value


def _plain(raw: bytes, kind: bytes) -> Any:
    if kind in b"#^":
        return float(raw)
    if kind == b"!":
        return raw == b"true"
    return None if kind == b"~" else raw if kind == b"," else _text(raw)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) else None


def _exchange(flow: dict[str, Any]) -> dict[str, Any]:
    request, response, error = (_fields(flow.get(x)) for x in ("request", "response", "error"))
    begun = _number(request.get("timestamp_start"))
    ended = _number(response.get("timestamp_end"))
    return {
        "at": begun,
        "method": _text(request.get("method")),
        "url": _url(request),
        "request_headers": _headers(request),
        **_body("request_body", request),
        "status": int(_number(response.get("status_code")) or 0) or None,
        "response_headers": _headers(response),
        **_body("response_body", response),
        "elapsed_ms": round((ended - begun) * 1000, 3) if begun and ended else None,
        "failure": _text(error.get("msg")) or None,
    }


def _headers(message: dict[str, Any]) -> list[tuple[str, str]]:
    listed = message.get("headers")
    pairs = listed if isinstance(listed, list) else []
    return [
        (_text(pair[0]), _text(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    ]


def _header(message: dict[str, Any], wanted: str) -> str:
    return next((value for name, value in _headers(message) if name.lower() == wanted), "")


def _url(request: dict[str, Any]) -> str:
    scheme, port = _text(request.get("scheme")), int(_number(request.get("port")) or 0)
    host = _header(request, "host") or _text(request.get("host"))
    is_plain = ":" in host or (scheme, port) in _DEFAULT_PORTS
    return f"{scheme}://{host}{'' if is_plain else f':{port}'}{_text(request.get('path'))}"


def _body(name: str, message: dict[str, Any]) -> dict[str, str]:
    content = message.get("content")
    if not isinstance(content, bytes):
        return {}
    packed = _PACKED.get(_header(message, "content-encoding"))
    try:
        content = zlib.decompressobj(packed).decompress(content, _LARGEST) if packed else content
        return {name: content.decode("utf-8")} if content else {}
    except (zlib.error, UnicodeDecodeError):
        return {f"{name}_base64": base64.b64encode(content).decode("ascii")}
