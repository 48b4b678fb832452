"""
Hold one exchange of a plan.

It has the original, what would be sent in its place, and the reasons against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from sinchtools.api.catalogue import status_of
from sinchtools.api.description import complete, endpoint_of
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import Exchange, header, with_headers
from sinchtools.privacy.markers import last_number, unnumbered
from sinchtools.privacy.redaction import Redactor
from sinchtools.replays.assumptions import NOT_ASKED, cause_of
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.guards import acts, advice_on, headers_to_send
from sinchtools.replays.messages import digest, message_of, on_the_wire
from sinchtools.replays.redirect import redirected_to

_EDITABLE = ("method", "url", "headers", "body")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: what is sent there once is not sent there again."""

    target: str  # ``preview``, ``sandbox``, ``dry-run`` or ``live``
    url: str = ""  # of a sandbox that runs already; empty for a fresh one

    @property
    def is_vendor(self) -> bool:
        """Whether it leaves this machine."""
        return self.target in VENDOR

    @property
    def is_fresh_sandbox(self) -> bool:
        """Whether it is set up as the original response implies."""
        return self.target == "sandbox" and not self.url

    @property
    def key(self) -> str:
        """What it is called in the digest of a call."""
        return f"{self.target} {self.url}" if self.url else self.target


@dataclass(frozen=True, kw_only=True)
class PlannedRequest:
    """One exchange of a plan."""

    original: Exchange  # the evidence, as it was read
    request: Exchange  # what would be sent: the original, or its edited copy
    destination: Destination = Destination("sandbox")  # where it goes
    changed: bool = False  # whether somebody changed the request; a test number is no change
    test_number: bool = False  # whether a test number stands in for the recipients
    # status and code of the original's response if its cause is outside the request, where no
    # sandbox knows it; else None
    outside: tuple[int, str | None] | None = None
    # whether the original was refused for a name of a field that the API does not know
    unknown_name: bool = False
    blockers: tuple[str, ...] = ()  # reasons against sending it at all
    # why the original may have been sent already; empty when it was not, or that was asked
    unsettled: str = ""
    # why it would be the second time for those who get it; empty when it would not
    duplicate_of: str = ""
    advice: str = ""  # what the page says about repeating the original
    # what the sandbox is set up with because the original response implies it
    assumed: tuple[str, ...] = ()
    # when the vendor was asked what became of the original, and had no trace of it; None if it was
    # not, or has one
    checked: datetime | None = None

    @property
    def fault(self) -> tuple[int, str | None] | None:
        """Status and code of the named fault that a fresh sandbox returns, or None."""
        return self.outside if self.destination.is_fresh_sandbox else None

    @property
    def held_reasons(self) -> tuple[str, ...]:
        """All that speaks against sending it; it is held back while there is something."""
        return (*self.blockers, *filter(None, (self.unsettled, self.duplicate_of)))

    @property
    def needs_baseline(self) -> bool:
        """
        Whether the sandbox must first say what it returns for the unchanged request.

        It must if the evidence does not say.
        """
        x = self.original
        return (
            not self.destination.is_vendor
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
        return self.destination.target == "live" and acts(self.request)

    @property
    def is_blocked(self) -> bool:
        """Whether something of its own speaks against it, whatever else is sent."""
        return bool(self.blockers or self.unsettled)

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
        return message_of(self.request)

    def _call_id(self, request: Exchange) -> str:
        x, headers = self.original, headers_to_send(request)
        if (
            not self.destination.is_vendor
            and (value := header(request.request_headers, "Authorization")) is not None
        ):
            headers["Authorization"] = value  # elsewhere the configured ones are sent
        written = _written(tuple(sorted((name.lower(), value) for name, value in headers.items())))
        known = [] if self.acts else [x.id, x.status, x.code, str(x.at), self.fault]
        parts = [
            self.destination.key,
            *known,
            *(on_the_wire(request) if self.destination.is_vendor else _as_written(request)),
            written,
        ]
        return digest(parts)


@lru_cache(maxsize=1024)
def _written(headers: tuple[tuple[str, str], ...]) -> str:
    """
    Return headers as they count in a call's name.

    The number of a removed secret is random, so it is left out.
    """
    return unnumbered(repr(headers))


def item_of(
    exchange: Exchange,
    edit: Mapping[str, Any] | None,
    destination: Destination,
    test_number: str | None,
) -> PlannedRequest:
    """Return what would be sent in place of an exchange, without its blockers."""
    original = original_of(exchange)
    told = original.status if exchange.status is None else None
    changed = edited(original, edit)
    request, redirected = redirected_to(changed, test_number) if test_number else (changed, ())
    cause = cause_of(original) if destination.target == "sandbox" else NOT_ASKED
    is_changed = _is_changed(original, changed)
    is_told = (f"{told}, the status of {exchange.code} on the page",) if told else ()
    return PlannedRequest(
        original=original,
        request=request,
        destination=destination,
        changed=is_changed,
        test_number=test_number is not None,
        outside=cause.outside,
        unknown_name=cause.unknown_name,
        blockers=redirected,
        advice=_advice(original, is_changed),
        assumed=is_told if destination.is_fresh_sandbox else (),
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
