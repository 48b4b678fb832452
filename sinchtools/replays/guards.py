"""
Find the reasons against a replay, and what it would do to people.

Count the messages and the people who would get them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import unquote

from sinchtools.api import catalogue
from sinchtools.api.description import (
    CONTROL,
    RETENTION_DAYS,
    Place,
    endpoint_of,
    locate,
    split_url,
)
from sinchtools.api.validation import instant_of
from sinchtools.client.disk import refuse_network
from sinchtools.client.log import UNKNOWN, CallLog
from sinchtools.client.sending import (
    as_sent,
    header_value,
    means_another_method,
    sendable,
    unsendable,
)
from sinchtools.core import settings
from sinchtools.core.errors import NotAllowedError, told
from sinchtools.core.json import object_of, value_of
from sinchtools.core.records import Exchange, header
from sinchtools.core.variables import variables_of
from sinchtools.diagnosis import json_errors
from sinchtools.privacy.alias_forms import NUMBER_ALIAS, TEXT_ALIAS
from sinchtools.privacy.markers import MARKER
from sinchtools.privacy.numbers import MASKED
from sinchtools.replays.effects import DRY_RUNS, SENDS, VENDOR, body_text

_NOT_SENT = {
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "transfer-encoding",
    "cookie",
    "te",
    "expect",
    "upgrade",
    "proxy-authorization",
    "authorization",
}
_ANY_HOST = settings.base_url("us")  # where a path leads is the same on all
MAY_BE_SENT = "may already have been sent"


# --- blockers ------------------------------------------------------------------------------------


class HeldReasons(NamedTuple):
    """What speaks against sending a request."""

    blockers: tuple[str, ...] = ()  # reasons that no question to the vendor takes away
    unsettled: str = ""  # why it may have been sent already; empty when that is not so


def blockers(
    original: Exchange,
    request: Exchange,
    target: str,
    now: datetime,
    region: str | None = None,
    *,
    test_number: bool = False,
) -> HeldReasons:
    """
    Return why a request must not be sent to a target; it is held back while there is a reason.

    Parameters
    ----------
    region
        Where the configured credentials are used; None when they are used nowhere.
    test_number
        Whether a test number stands in for the recipients: then it does not matter what those got.
    """
    if request.method is None or request.url is None:
        return HeldReasons(("the evidence contains no request",))
    headers = headers_to_send(request)
    landing = _landing(request.url)
    if not locate(request.url).is_sms_api or (landing and landing.path.startswith(CONTROL)):
        return HeldReasons(("not a request to the SMS API: never replayed",))
    variables = variables_of(request)
    credential = header(request.request_headers, "Authorization")
    if credential is not None:
        headers["Authorization"] = header_value(credential)
    if landing is None or not sendable(request.method, headers):
        part = unsendable(request.method, headers)
        return HeldReasons((f"{part} cannot be sent over HTTP as it is",))
    if unknown := _unknown_values(request, variables) if variables else []:
        return HeldReasons((f"the evidence does not show the value of {', '.join(unknown[:3])}",))
    if target not in VENDOR:
        return HeldReasons()
    found = tuple(_for_the_vendor(original, request, now, region))
    if target == "dry-run":
        return HeldReasons((*found, *_for_a_dry_run(request)))
    if not acts(request):
        return HeldReasons(found)
    reaches_others = not (test_number and request.endpoint in SENDS)
    if reaches_others and is_unknown(original):
        reason = advice_on(original)[1].rstrip(".")
        return HeldReasons((*found, *_moments_past(request, now)), f"{MAY_BE_SENT}: {reason}")
    before = _done_before(original) if reaches_others else ()
    return HeldReasons((*found, *before, *_moments_past(request, now)))


def _unknown_values(request: Exchange, variables: Iterable[str]) -> list[str]:
    """Return the variables that stand where a replay puts in nothing of its own."""
    place = locate(request.url or "")
    url = (request.url or "").replace(f"/{place.account}", "", 1)
    body = value_of(request.request_body)
    if isinstance(body, dict):  # the text of the message may be any
        sent = json.dumps({**body, "body": ""}, ensure_ascii=False)
    else:
        sent = str(request.request_body or "")
    return [one for one in variables if one in url or one in sent]


def advice_on(exchange: Exchange) -> tuple[str, str]:
    """Return whether to repeat a request after this outcome, one of `catalogue.RETRY`, and why."""
    if exchange.endpoint is None:
        exchange = replace(exchange, endpoint=endpoint_of(exchange.method, exchange.url))
    return catalogue.advice_on(exchange)


def sent_to(base_url: str, url: str, below: str = "") -> str:
    """
    Return where a replay of a request to `url` goes: the same path and query on another host.

    `below` is added to the path.
    """
    parts = split_url(url)
    path = (parts.path.rstrip("/") + below if below else parts.path).replace(" ", "%20")
    if not path.startswith("/"):
        path = f"/{path}"
    return base_url + path + (f"?{parts.query}" if parts.query else "")


def headers_to_send(request: Exchange) -> dict[str, str]:
    """
    Return the headers that a replay shares with its original.

    The credential is put in again, and the connection adds its own headers.
    """
    return {
        name: value
        for name, value in request.request_headers.items()
        if name.lower() not in _NOT_SENT and not name.startswith(":")
    }


def is_unknown(exchange: Exchange) -> bool:
    """
    Tell whether the outcome of a request is unknown.

    It may have been carried out, and a second one would do it twice.
    """
    return exchange.failure == UNKNOWN or (
        exchange.http_outcome != "success" and advice_on(exchange)[0] == "ask-first"
    )


def asks_again(original: Exchange) -> bool:
    """
    Whether the original got a 500 that the page calls not processed.

    Live says so in what is to be confirmed.
    """
    return original.status == 500 and not is_read_only(original) and not is_unknown(original)


def was_refused(x: Exchange) -> bool:
    """Whether a request was surely not carried out: refused, or never sent."""
    if x.status is None:
        return may_be_resent(x)
    return (x.http_outcome == "user_error" or x.status == 500) and not is_unknown(x)


def may_be_resent(attempt: Exchange) -> bool:
    """
    Tell whether an attempt of ours was surely not carried out.

    It was refused for its rate or for our credentials, or never connected.
    """
    if attempt.failure == UNKNOWN:
        return False
    if (
        attempt.status == 401 and attempt.target in VENDOR
    ):  # by the next run, with repaired credentials
        return True
    return attempt.status == 429 or (attempt.status is None and advice_on(attempt)[0] == "as-is")


def _landing(url: str) -> Place | None:
    """Return where a URL leads once it is sent, its dots resolved; None when it cannot be sent."""
    written = as_sent(sent_to(_ANY_HOST, url))
    return locate(written) if written is not None else None


def _for_the_vendor(
    original: Exchange, request: Exchange, now: datetime, region: str | None
) -> Iterator[str]:
    place, landing = locate(request.url or ""), _landing(request.url or "")
    if landing is None or (place.account, place.endpoints, place.values) != (
        landing.account,
        landing.endpoints,
        landing.values,
    ):
        yield "its path leads elsewhere once it is sent: dots and encoded letters are resolved"
    if place.account != settings.credentials().account:
        yield "another account than the configured credentials'"
    if place.region not in (None, region):
        yield f"another region ({place.region}) than the configured one ({region})"
    if request.endpoint in (None, "callback") and not is_read_only(request):
        yield "no endpoint of the API fits its path: what it would do is not known"
    if request.endpoint in SENDS and not _names_its_recipients(request):
        yield "whom it would reach cannot be read from its body"
    if means_another_method(request.url or "", request.request_headers):
        yield "a header or a parameter says that another method is meant"
    yield from _left_out(request)
    named = {"batch_id", "inbound_id"} & set(place.values)
    if named and original.at and original.at < now - timedelta(days=RETENTION_DAYS):
        yield f"past retention: what it names is kept for {RETENTION_DAYS} days"


def _left_out(request: Exchange) -> Iterator[str]:
    """
    Yield the signs that parts of a request are not its own.

    A secret was removed, or a person or a text has an alias.
    """
    body = value_of(request.request_body)
    headers, values = headers_to_send(request), [*_values_in(body)]
    written = (request.url or "", body_text(request), *headers, *headers.values())
    texts = [
        form for text in (*written, *values) if isinstance(text, str) for form in _readings(text)
    ]
    if any(map(_A_MARKER.search, texts)):
        yield "a redacted part is missing"
    aliased = any(
        pattern.search(text) for text in texts for pattern in (NUMBER_ALIAS, TEXT_ALIAS, _CUT_ALIAS)
    )
    if aliased or any(map(_is_stand_in, values)) or _is_blank_binary(body):
        yield "a person or a text in it is an alias from a shared case"


_A_MARKER = re.compile(
    rf"{MARKER.pattern}|\[secret (?:opaque|jwt|pair) \d"
)  # also one that was cut off
_CUT_ALIAS = re.compile(r"\[text [a-z0-9]{7} \d")
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and as it is read once its escapes are resolved."""
    for _ in range(4):
        plain = "".join(
            letter
            for letter in unicodedata.normalize("NFKC", text)
            if unicodedata.category(letter) != "Cf"
        )
        yield " ".join(plain.split())
        yield " ".join(plain.replace("+", " ").split())
        before, text = (
            text,
            _ESCAPE.sub(lambda match: chr(int(match[1], 16)), unescape(unquote(text))),
        )
        if text == before:
            return


def _values_in(value: Any) -> Iterator[Any]:
    """Yield a JSON value and what it contains, names too."""
    open_values = [value]
    while open_values:
        one = open_values.pop()
        yield one
        if isinstance(one, dict):
            open_values += [*one, *one.values()]
        elif isinstance(one, list):
            open_values += one


def _is_stand_in(value: Any) -> bool:
    """Tell whether an unquoted number has the zeros that an alias puts in place of its digits."""
    return isinstance(value, int) and MASKED.fullmatch(str(value)) is not None


def _is_blank_binary(body: Any) -> bool:
    """Whether a binary message consists of the zeros that its alias is."""
    if not isinstance(body, dict):
        return False
    if body.get("type") != "mt_binary" and "udh" not in body:
        return False
    with contextlib.suppress(ValueError, TypeError):
        content = base64.b64decode(body.get("body") or "", validate=True)
        return bool(content) and not any(content)
    return False


def _for_a_dry_run(request: Exchange) -> Iterator[str]:
    if not is_read_only(request) and request.endpoint not in DRY_RUNS:
        yield "the vendor has no dry run of this operation"


def _done_before(original: Exchange) -> Iterator[str]:
    if original.http_outcome == "success" and (original.method or "").upper() == "POST":
        yield "was accepted already, and a POST is not idempotent: a replay does it twice"
    elif original.http_outcome == "other":
        yield f"a {original.status} does not say whether it was carried out"


def _moments_past(request: Exchange, now: datetime) -> Iterator[str]:
    body = object_of(request.request_body)
    for name, then in (
        ("send_at", "it would be sent at once"),
        ("expire_at", "it would be refused"),
    ):
        moment = instant_of(str(body.get(name)))
        if moment and moment < now:
            yield f"{name} is past: {then}"


def _names_its_recipients(request: Exchange) -> bool:
    to = object_of(request.request_body).get("to")
    said_twice = any(
        defect.rule == "json-duplicate-key"
        for defect in json_errors.defects(request.request_body or "")
    )
    return isinstance(to, list) and all(isinstance(entry, str) for entry in to) and not said_twice


def is_read_only(request: Exchange) -> bool:
    """Whether a request changes nothing."""
    return (request.method or "").upper() in {"GET", "HEAD"}


def acts(request: Exchange) -> bool:
    """Whether the vendor would do more than read, or than check it in a dry run."""
    return not is_read_only(request) and request.endpoint != "POST /batches/dry_run"


def check_allowed(target: str, log: CallLog | None = None) -> None:
    """
    Raise NotAllowedError when a target must not be used.

    The environment does not switch it on, or what was sent would be kept on a network.
    """
    if target not in VENDOR:
        return
    order = settings.TARGETS
    if order.index(target) > order.index(settings.allowed_target()):
        said = (
            f": SINCHTOOLS_ALLOW is {told(said)}"
            if (said := os.environ.get("SINCHTOOLS_ALLOW"))
            else ""
        )
        raise NotAllowedError(
            f"The target {told(target)} is not switched on{said}.",
            hint=f"Set SINCHTOOLS_ALLOW={target} in the environment; the sandbox needs no switch.",
        )
    place = settings.work_folder() if log is None else log.path.parent
    refuse_network(target, settings.work_folder(), place)
