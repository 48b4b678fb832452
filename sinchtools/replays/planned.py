"""
Hold one exchange of a plan.

It has the original, what would be sent in its place, and the reasons against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from sinchtools.api.catalogue import status_of
from sinchtools.api.description import (
    BY_TEMPLATE,
    Endpoint,
    Field,
    complete,
    endpoint_of,
    schema_of,
    split_url,
)
from sinchtools.api.validation import instant_of, is_group_id
from sinchtools.client.log import CallLog
from sinchtools.client.sending import as_sent
from sinchtools.core import settings
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.gsm import digits
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, header, with_headers
from sinchtools.privacy.markers import last_number, unnumbered
from sinchtools.privacy.redaction import Redactor
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.guards import (
    MAY_BE_SENT,
    advice_on,
    blockers,
    headers_to_send,
    reads,
    sent_to,
    was_refused,
)
from sinchtools.replays.ledger import reserved
from sinchtools.replays.redirect import redirected_to
from sinchtools.replays.targets import assumed_for, fault_for

_EDITABLE = ("method", "url", "headers", "body")
CHECK_HOLDS = timedelta(minutes=10)  # then somebody else may have sent it


@dataclass(frozen=True, kw_only=True)
class PlannedRequest:
    """
    One exchange of a plan.

    Attributes
    ----------
    original
        The evidence, as it was read.
    request
        What would be sent: the original, or its edited copy.
    place
        Where it goes: what is sent there once is not sent there again.
    changed
        Whether somebody changed the request; a test number is no change.
    test_number
        Whether a test number stands in for the recipients.
    outside
        Status and code of the original's answer if its cause is outside the request, where no
        sandbox knows it; else None.
    blockers
        Reasons against sending it at all.
    again
        Why it would be the second time for those who get it; empty when it would not.
    advice
        What the page says about repeating the original.
    assumed
        What the sandbox is set up with because the original answer implies it.
    checked
        When the vendor was asked what became of the original, and had no trace of it; None if it
        was not, or has one.
    """

    original: Exchange
    request: Exchange
    place: str = "sandbox"
    changed: bool = False
    test_number: bool = False
    outside: tuple[int, str | None] | None = None
    blockers: tuple[str, ...] = ()
    again: str = ""
    advice: str = ""
    assumed: tuple[str, ...] = ()
    checked: datetime | None = None

    @property
    def fault(self) -> tuple[int, str | None] | None:
        """Status and code of the named fault that a fresh sandbox answers with, or None."""
        return self.outside if self.place == "sandbox" else None

    @property
    def against(self) -> tuple[str, ...]:
        """All that speaks against sending it; it is held back while there is something."""
        return (*self.blockers, *[self.again] * bool(self.again))

    @property
    def needs_baseline(self) -> bool:
        """
        Whether the sandbox must first say what it returns for the unchanged request.

        It must if the evidence does not say.
        """
        x = self.original
        return (
            self.place not in VENDOR
            and self.changed
            and x.status is None
            and x.code is None
            and x.failure is None
        )

    @property
    def acts(self) -> bool:
        """
        Whether the vendor would do more than a read.

        If so it is sent once, in whichever file its row was read.
        """
        return (
            self.place == "live"
            and not reads(self.request)
            and self.request.endpoint != "POST /batches/dry_run"
        )

    @property
    def is_checked(self) -> bool:
        """Whether the vendor said a short while ago that it has no trace of the original."""
        return self.checked is not None and datetime.now(UTC) - self.checked < CHECK_HOLDS

    @property
    def shown(self) -> Exchange:
        """The request as it may be shown: a secret that was typed into its body is a marker too."""
        return (
            Redactor(_last_number(self.request)).exchange(self.request)
            if self.changed
            else self.request
        )

    @cached_property
    def call_id(self) -> str:
        """The call that the request is, the same whoever plans it and whenever."""
        return self._call_id(self.request)

    @cached_property
    def baseline_id(self) -> str:
        """The same of the unchanged request."""
        return self._call_id(self.original)

    @cached_property
    def message(self) -> str:
        """
        What reaches people.

        It is the same for requests that do the same, whatever their headers and notation.
        """
        return _message_of(self.request)

    def _call_id(self, request: Exchange) -> str:
        x, headers = self.original, headers_to_send(request)
        if (
            self.place not in VENDOR
            and (value := header(request.request_headers, "Authorization")) is not None
        ):
            headers["Authorization"] = value  # elsewhere the configured ones are sent
        written = _written(tuple(sorted((name.lower(), value) for name, value in headers.items())))
        known = [] if self.acts else [x.id, x.status, x.code, str(x.at), self.fault]
        parts = [
            self.place,
            *known,
            *(_on_the_wire(request) if self.place in VENDOR else _as_written(request)),
            written,
        ]
        return _digest(parts)


@lru_cache(maxsize=1024)
def _written(headers: tuple[tuple[str, str], ...]) -> str:
    """
    Return headers as they count in a call's name.

    The number of a removed secret is random, so it is left out.
    """
    return unnumbered(repr(headers))


def item_of(
    exchange: Exchange, edit: Mapping[str, Any] | None, place: str, test_number: str | None
) -> PlannedRequest:
    """Return what would be sent in place of an exchange; it is not weighed yet."""
    original = original_of(exchange)
    told = original.status if exchange.status is None else None
    changed = edited(original, edit)
    request, redirected = redirected_to(changed, test_number) if test_number else (changed, ())
    is_changed = _is_changed(original, changed)
    is_told = (f"{told}, the status of {exchange.code} on the page",) if told else ()
    return PlannedRequest(
        original=original,
        request=request,
        place=place,
        changed=is_changed,
        test_number=test_number is not None,
        outside=None if place in {*VENDOR, "preview"} else fault_for(original),
        blockers=redirected,
        advice=_advice(original, is_changed),
        assumed=is_told if place == "sandbox" else (),
    )


def original_of(exchange: Exchange) -> Exchange:
    """
    Return a row of evidence with what its parts tell.

    Its code gives the status from the status page, its URL the endpoint.
    """
    told = (
        status_of(exchange.code) if exchange.status is None and exchange.failure is None else None
    )
    original = complete(replace(exchange, status=told) if told else exchange)
    return replace(original, endpoint=endpoint_of(original.method, original.url))


def as_it_goes(request: Exchange) -> Exchange:
    """
    Return a request as a replay sends it.

    The connection's own headers are left out, and the credential is a marker.
    """
    credential = header(request.request_headers, "Authorization")
    return replace(
        request,
        request_headers=headers_to_send(request)
        | ({"Authorization": credential} if credential is not None else {}),
    )


def with_blockers(item: PlannedRequest, target: str, region: str | None) -> PlannedRequest:
    """Return the item with the reasons against it, and with what a fresh sandbox is set up with."""
    found = blockers(
        item.original, item.request, target, datetime.now(UTC), region, test_number=item.test_number
    )
    reasons = (
        *(reason for reason in found if not (item.is_checked and reason.startswith(MAY_BE_SENT))),
        *item.blockers,
    )
    if reasons or item.place != "sandbox":
        return replace(item, blockers=reasons, assumed=())
    return replace(item, assumed=(*assumed_for(item.original, item.request), *item.assumed))


def once(
    items: Sequence[PlannedRequest], log: CallLog, among: Iterable[Exchange] = ()
) -> tuple[PlannedRequest, ...]:
    """
    Put on hold what people have already, or get from another row of the plan.

    They may have it from the evidence or from an earlier replay.
    """
    acting = [item for item in items if item.acts and not item.blockers]
    if not acting:
        return tuple(items)
    before = reserved({item.call_id: item.message for item in acting}, log)
    checked = [item.original for item in items if item.is_checked]
    had = {
        _message_of(x): f"the same request as {x.id}, which {said}"
        for x, said in _had(among)
        if x not in checked
    }
    first = {item.message: item for item in reversed(acting)}

    def reason(item: PlannedRequest) -> str:
        same = first[item.message]
        again = (
            f"the same request as {same.original.id}: it is sent once" if same is not item else ""
        )
        return before.get(item.call_id) or had.get(item.message) or again

    return tuple(
        item if item.blockers or not item.acts else replace(item, again=reason(item))
        for item in items
    )


def edited(exchange: Exchange, edit: Mapping[str, Any] | None) -> Exchange:
    """Return a copy of the request with the changes made; the original stays as it is."""
    if not edit:
        return exchange
    _check(edit)
    redactor = Redactor(
        _last_number(exchange, edit)
    )  # a token that is typed is a secret as any other
    headers = {
        name: value and redactor.headers({name: value})[name]
        for name, value in (edit.get("headers") or {}).items()
    }
    method, url, body = (
        edit.get(name, old)
        for name, old in (
            ("method", exchange.method),
            ("url", exchange.url),
            ("body", exchange.request_body),
        )
    )
    return replace(
        exchange,
        method=method,
        url=url and redactor.url(url),
        request_headers=with_headers(exchange.request_headers, headers),
        request_body=body
        if body is None or isinstance(body, (str, bytes))
        else json.dumps(body, ensure_ascii=False),
        endpoint=endpoint_of(method, url),
    )


def _check(edit: Mapping[str, Any]) -> None:
    if not isinstance(edit, Mapping):
        raise WrongUseError(
            f"A {type(edit).__name__} is not an edit.",
            hint="Give a dict, such as {'headers': {'Content-Type': 'application/json'}}.",
        )
    if unknown := set(edit) - set(_EDITABLE):
        raise WrongUseError(
            f"{told(sorted(map(str, unknown))[0])} is not a part of a request.",
            hint=f"An edit has the keys {', '.join(_EDITABLE)}.",
        )
    for name, kind, wanted in (
        ("method", str, "text"),
        ("url", str, "text"),
        ("headers", Mapping, "a dict of names and values"),
    ):
        if name in edit and not isinstance(edit[name], kind):
            raise WrongUseError(
                f"The {name} is a {type(edit[name]).__name__}.", hint=f"Give {wanted}."
            )
    if wrong := [
        value for value in (edit.get("headers") or {}).values() if not isinstance(value, str | None)
    ]:
        raise WrongUseError(
            f"A {type(wrong[0]).__name__} is not a value of a header.",
            hint="Give text, or None to take the header out.",
        )


def _message_of(x: Exchange) -> str:
    method, path, body = _on_the_wire(x)
    value = value_of(x.request_body)
    if isinstance(value, dict):
        value = _in_one_writing(value, BY_TEMPLATE.get(endpoint_of(x.method, x.url) or ""))
    return _digest(
        [
            method,
            path.partition("?")[0],
            body if value is None else json.dumps(value, sort_keys=True),
        ]
    )


def _in_one_writing(body: Mapping[str, Any], endpoint: Endpoint | None) -> dict[str, Any]:
    """
    Return a body without what makes no difference.

    That is defaults, empty parts, how numbers and times are written, and the order of people.
    """
    schema = schema_of(endpoint.body, body) if endpoint and endpoint.body else {}
    changes_only = endpoint is not None and "update" in str(
        endpoint.body
    )  # there a default is a change
    found = {}
    for name, value in body.items():
        spec = schema.get(name, _UNKNOWN)
        if (
            value is None
            or (not changes_only and _says_nothing(spec, value))
            or (name, value) == ("type", "mt_text")
        ):
            continue
        found[name] = _written_once(spec.kind, value)
    return found


_UNKNOWN = Field(kind="unknown", required=True)  # what it means is not known: it always counts


def _says_nothing(spec: Field, value: Any) -> bool:
    if spec.required:
        return False
    return (
        value is False
        or value in ("", [], {})
        or (isinstance(value, str) and value == spec.default)
    )


def _written_once(kind: str, value: Any) -> Any:
    if kind in ("recipients", "numbers", "ids") and isinstance(value, list):
        return sorted({_number(str(one)) for one in value})
    if kind in ("sender", "number") and isinstance(value, str):
        return _number(value)
    if kind == "hex" and isinstance(value, str):
        return value.lower()
    if kind == "instant" and isinstance(value, str):
        moment = instant_of(value)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}".replace(".000000", "") if moment else value
    if kind == "parameters" and isinstance(value, dict):
        return {name: _values_once(values) for name, values in value.items()}
    return value


def _values_once(values: Any) -> Any:
    return (
        {_number(who): value for who, value in values.items()}
        if isinstance(values, dict)
        else values
    )


def _number(text: str) -> str:
    """Return a number as its digits; a group ID and a name as they are."""
    bare = digits(text)
    return bare if bare.isdigit() and not is_group_id(text) else text


def _had(evidence: Iterable[Exchange]) -> Iterable[tuple[Exchange, str]]:
    """
    Yield in words which rows have a message that people have, or may have.

    Rows that are safe to repeat are left out.
    """
    for x in evidence:
        if (x.method or "").upper() == "POST" and not was_refused(x):
            yield x, "was accepted" if x.http_outcome == "success" else MAY_BE_SENT


def _digest(parts: Sequence[object]) -> str:
    return hashlib.blake2b(json.dumps(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _on_the_wire(x: Exchange) -> tuple[str, str, str]:
    """
    Return method, path with query, and body as they are sent.

    Requests that are equal here are equal for the server.
    """
    parts = split_url(as_sent(sent_to(settings.base_url("us"), x.url or "")) or x.url or "")
    body = (
        x.request_body.encode("utf-8", "replace")
        if isinstance(x.request_body, str)
        else x.request_body or b""
    )
    return (x.method or "").upper(), f"{parts.path.rstrip('/')}?{parts.query}", repr(body)


def _as_written(x: Exchange) -> tuple[str | None, str | None, str]:
    return x.method, x.url, repr(x.request_body)


def _is_changed(original: Exchange, request: Exchange) -> bool:
    was, now = (
        {name.lower(): value for name, value in x.request_headers.items()}
        for x in (original, request)
    )
    return was != now or _as_written(original) != _as_written(request)


def _last_number(x: Exchange, edit: object = None) -> int:
    return last_number(repr((x.url, x.request_headers, x.request_body, edit)))


def _advice(original: Exchange, is_changed: bool) -> str:
    if original.http_outcome == "success" or original.method is None:
        return ""
    advice, reason = advice_on(original)
    if is_changed and advice == "after-change":
        return ""
    return f"{_ADVICE[advice]}: {reason}"


_ADVICE = {
    "as-is": "try again",
    "after-wait": "try again after a pause",
    "after-change": "change it first",
    "ask-first": "check first",
    "do-not-retry": "do not repeat it",
    "not-needed": "not needed",
}
