"""
Read the exchange that an exception carries.

It is one of requests, or of the vendor's SDK, which keeps code and text out of its message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from traceback import walk_tb
from typing import Any

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.privacy.redaction import Redactor

# in requests, in the vendor's SDK
_METHOD, _BODY = ("method", "http_method"), ("body", "request_body")


def exchange_of(error: BaseException) -> Exchange:
    """
    Return the exchange that an exception carries, secrets removed.

    The vendor's SDK keeps no request in its exceptions; where the exception was raised here, it is
    still in the frames of the traceback.

    Examples
    --------
    >>> exchange_of(TimeoutError("timed out")).failure
    'TimeoutError'
    """
    answer = _first(error, ("response", "http_response"))
    request = _first(error, ("request",)) or _first(answer, ("request",)) or _in_frames(error)
    body = _first(answer, ("text",)) if hasattr(answer, "text") else _first(answer, ("body",))
    exchange = Exchange(
        id="exception",
        source=type(error).__name__,
        method=_first(request, _METHOD),
        url=_first(request, ("url",)),
        request_headers=_headers(request),
        request_body=_body(_first(request, _BODY)),
        status=_first(answer, ("status_code",)),
        response_headers=_headers(answer),
        response_body=_body(body),
        text=None if answer is not None else str(error)[:400],
        failure=None if answer is not None else type(error).__name__,
    )
    return complete(Redactor().exchange(exchange))


def _in_frames(error: BaseException) -> Any:
    for frame, _ in walk_tb(error.__traceback__):
        request = frame.f_locals.get("request_data")
        if _first(request, _METHOD) and _first(request, ("url",)):
            return request
    return None


def _first(holder: Any, names: tuple[str, ...]) -> Any:
    return next(
        (value for name in names if (value := getattr(holder, name, None)) is not None), None
    )


def _headers(holder: Any) -> dict[str, str]:
    headers = _first(holder, ("headers",))
    pairs = headers.items() if isinstance(headers, Mapping) else ()
    return {_plain(name): _plain(value) for name, value in pairs}


def _plain(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(body: Any) -> str | bytes | None:
    if body is None or isinstance(body, str | bytes):
        return body
    try:
        return json.dumps(body) if body else ""
    except (TypeError, ValueError):
        return None
