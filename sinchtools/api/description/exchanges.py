"""What an exchange says of itself: its account and endpoint, the code of its response."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sinchtools.api.description.urls import is_token_endpoint, locate
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange


def complete(exchange: Exchange) -> Exchange:
    """
    Return the exchange with endpoint, region, account, code and text filled in.

    They are filled in where they are missing and the rest tells them.
    """
    found = derived(exchange)
    return replace(exchange, **found) if found else exchange


def derived(exchange: Exchange) -> dict[str, Any]:
    """
    Return the fields that `complete` fills in.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/groups"
    >>> derived(Exchange(method="GET", url=url, status=200, region="eu"))
    {'endpoint': 'GET /groups', 'account': 'plan1'}
    """
    found: dict[str, Any] = {}
    if exchange.url:
        place = locate(exchange.url)
        if place.is_sms_api:
            endpoint = place.endpoints.get((exchange.method or "").upper())
            found |= {
                "endpoint": endpoint and endpoint.template,
                "region": place.region,
                "account": place.account,
            }
    if not found.get("endpoint") and is_callback(exchange.request_body):
        found["endpoint"] = "callback"
    is_partly = exchange.code is None or exchange.text is None
    if is_partly and (exchange.status is None or exchange.status >= 400):
        of_token = bool(exchange.url) and is_token_endpoint(locate(exchange.url or ""))
        found["code"], text = error_of(exchange.response_body, oauth=of_token)
        found["text"] = exchange.text or text
    return {
        name: value
        for name, value in found.items()
        if value is not None and getattr(exchange, name) is None
    }


_TEXT_NAMES = ("text", "description", "message", "detail", "title")  # the last two: RFC 9457
_CALLBACK = re.compile(
    r"\"type\"\s{0,20}:\s{0,20}"
    r"\"(?:(?:recipient_)?delivery_report_[ms]ms|mo_(?:text|binary|media))\""
)  # source: SMS API reference, delivery report callbacks and inbound objects


def is_callback(body: str | bytes | None) -> bool:
    """Tell whether a body is a delivery report or an inbound message that the API sends."""
    return isinstance(body, str) and body[:1] == "{" and bool(_CALLBACK.search(body, 0, 100_000))


def error_of(body: str | bytes | None, *, oauth: bool = False) -> tuple[str | None, str | None]:
    """
    Return the ``code`` and the ``text`` (else ``description`` or ``message``) of an error body.

    Each is None when the body has none. The token endpoint (`oauth`) has other names for them.
    """
    value = (
        value_of(body)
        if body and len(body) <= 100_000 and body.lstrip()[:1] in ("{", b"{")
        else None
    )
    if value is None:
        return None, None
    names = ("error_description", "detail", "title") if oauth else _TEXT_NAMES
    words = (value.get(name) for name in names)
    code = value.get("error" if oauth else "code")
    return code if isinstance(code, str) and code else None, next(
        (word for word in words if isinstance(word, str)), None
    )
