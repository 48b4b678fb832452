"""
Decide what a replay may claim.

This is the verdict with its reason, and the differences of request and response.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any, NamedTuple

from sinchtools.api.description import locate
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, Finding

VERDICTS = ("FIXED", "SAME", "CHANGED", "WORSE", "INCONCLUSIVE")
IGNORED = {  # differ at each call, and say nothing
    "headers": (
        "date",
        "x-simulated",
        "content-length",
        "connection",
        "server",
        "keep-alive",
        "x-request-id",
    ),
    "body": ("id", "created_at", "modified_at", "at"),
    "exchange": ("elapsed_ms",),
}
_OF_GATEWAYS = {408, 460, 499, 502, 503, 504}  # no word of the API on the request
_NEVER_A_REASON = "body /client_reference"  # anything is allowed there, and nothing is done with it
_RECIPIENTS = {"to", "parameters", "to_add"}


def verdict_of(
    original: Exchange,
    child: Exchange,
    *,
    changed: bool,
    fault: bool = False,
    outside: bool = False,
    test_number: bool = False,
    was: Finding | None = None,
    now: Finding | None = None,
    stays: bool = False,
) -> tuple[str, str]:
    """
    Return the verdict on a replay, and the reason for it.

    Parameters
    ----------
    changed
        Whether somebody changed the request.
    fault
        Whether the answer came from a named fault of the sandbox.
    outside
        Whether the sandbox does not know what caused the original's answer: then passing there
        proves nothing.
    test_number
        Whether a test number stood in for the recipients.
    was, now
        The first finding on the original and on the replay: two answers of one code may have
        different reasons.
    stays
        Whether the reason of the original's answer is still in the changed request, see
        `reason_stays`.
    """
    rules: tuple[
        Callable[[], _Rules], ...
    ] = (  # each is worked out only when those before it do not hold
        lambda: _not_known(original, child, fault),
        lambda: _unchanged(original, child, changed),
        lambda: _not_comparable(original, child, was, test_number),
        lambda: _compared(original, child, was, now, stays=stays, outside=outside),
    )
    found = ((verdict, reason) for some in rules for holds, verdict, reason in some() if holds)
    return next(found, ("CHANGED", "another response, for another reason"))


_Rules = Iterable[tuple[object, str, str]]


def _not_known(original: Exchange, child: Exchange, fault: bool) -> _Rules:
    return (
        (child.status is None, "INCONCLUSIVE", f"no response ({child.failure})"),
        (
            fault,
            "INCONCLUSIVE",
            "the sandbox can't reproduce this error on its own, so it can't prove a fix",
        ),
        (
            child.status == 401 and _of_vendor(child),
            "INCONCLUSIVE",
            "the configured credentials were refused, so the request was not checked",
        ),
        (
            child.is_html and not fault,
            "INCONCLUSIVE",
            "a gateway's page came back, not a response of the API",
        ),
        (
            child.http_outcome == "other",
            "INCONCLUSIVE",
            f"a {child.status} does not say what happened to the request",
        ),
        (
            original.status is None and original.failure,
            "INCONCLUSIVE",
            f"the original request got no response ({original.failure})",
        ),
        (
            original.status is None,
            "INCONCLUSIVE",
            "the original response is unknown"
            + (f", except for its code {original.code}" if original.code else ""),
        ),
        (
            original.http_outcome == "other",
            "INCONCLUSIVE",
            f"the original {original.status} is not a response of the API",
        ),
    )


def _unchanged(original: Exchange, child: Exchange, changed: bool) -> _Rules:
    same = _is_same_answer(original, child)
    return (
        (not changed and same, "SAME", "unchanged request, same response"),
        (
            not changed,
            "INCONCLUSIVE",
            "not reproduced: the unchanged request got another response here",
        ),
    )


def _not_comparable(
    original: Exchange, child: Exchange, was: Finding | None, test_number: bool
) -> _Rules:
    passes = child.http_outcome == "success"
    own_credentials = original.status == 401 and _of_vendor(child)
    aimed = test_number and was is not None and was.field in _RECIPIENTS
    return (
        (
            original.account not in (None, child.account),
            "INCONCLUSIVE",
            "it went to another account than the original",
        ),
        (
            _is_dry_run_of(original, child),
            "INCONCLUSIVE",
            "a dry run doesn't prove a send; it shows what the vendor makes of the request",
        ),
        (
            not _same_endpoint(original, child),
            "INCONCLUSIVE",
            "it went to another endpoint than the original",
        ),
        (
            own_credentials,
            "INCONCLUSIVE",
            "the configured credentials were sent, not those of the original",
        ),
        (
            aimed and passes,
            "INCONCLUSIVE",
            "the test number replaced the recipients, and they were the reason",
        ),
        (
            child.status == 429,
            "INCONCLUSIVE",
            "too many requests just now, so the request was not checked",
        ),
    )


def _is_dry_run_of(original: Exchange, child: Exchange) -> bool:
    return (original.endpoint, child.endpoint) == ("POST /batches", "POST /batches/dry_run")


def _same_endpoint(original: Exchange, child: Exchange) -> bool:
    """
    Tell whether both went to one endpoint.

    Without an endpoint, a wrong method is compared by its path. A wrong path was meant to be fixed.
    """
    if original.endpoint is not None:
        return original.endpoint == child.endpoint
    meant = [endpoint.template for endpoint in locate(original.url or "").endpoints.values()]
    return not meant or child.endpoint in meant


def _of_vendor(child: Exchange) -> bool:
    return child.target in {"dry-run", "live"}


def _compared(
    original: Exchange,
    child: Exchange,
    was: Finding | None,
    now: Finding | None,
    *,
    stays: bool,
    outside: bool,
) -> _Rules:
    passed, passes = original.http_outcome == "success", child.http_outcome == "success"
    not_asked = original.status == 429 or original.http_outcome == "sinch_error"
    return (
        (passed and passes, "SAME", "passed before, passes now"),
        (passed and child.status not in _OF_GATEWAYS, "WORSE", "passed before, fails now"),
        (
            passes and not_asked,
            "INCONCLUSIVE",
            f"a {original.status} is not caused by the request, so the change cannot have fixed it",
        ),
        (
            passes and outside,
            "INCONCLUSIVE",
            "the sandbox does not know the cause of the original failure, so passing there "
            "proves nothing",
        ),
        (
            passes and stays,
            "INCONCLUSIVE",
            "the change does not touch the cause of the original failure; something else is "
            "different",
        ),
        (passes, "FIXED", "the change removes the cause of the original failure"),
        (
            child.status in _OF_GATEWAYS,
            "INCONCLUSIVE",
            f"a {child.status} comes from a gateway in front of the API, so the request was "
            f"not checked",
        ),
        (
            not_asked and original.status == child.status,
            "INCONCLUSIVE",
            f"a {child.status} again, which is not caused by the request",
        ),
        (
            original.http_outcome == "user_error" and child.http_outcome == "sinch_error",
            "WORSE",
            "a server error now",
        ),
        (
            _is_same_reason(original, child, was, now),
            "SAME",
            "the change does not help: the same reason",
        ),
    )


def _is_same_reason(
    original: Exchange, child: Exchange, was: Finding | None, now: Finding | None
) -> bool:
    """
    Whether both were refused for one reason.

    A reason that was read off the request counts also under another code.
    """
    if was is None or now is None:
        return was is now and _is_same_answer(original, child)
    is_seen = original.status == child.status and not was.rule.startswith("observed")
    return (was.rule, was.field) == (now.rule, now.field) and (
        is_seen or _is_same_answer(original, child)
    )


def reason_stays(was: Finding | None, then: Finding | None, changes: Iterable[Difference]) -> bool:
    """
    Tell whether a change leaves the reason of a refusal as it was.

    Parameters
    ----------
    was
        The first finding on the original.
    then
        The first finding on the changed request, if it got the original's answer.
    changes
        What was changed in the request.
    """
    if (
        was is None
        or then is None
        or (was.rule, was.field, was.pointer) != (then.rule, then.field, then.pointer)
    ):
        return False
    return not was.rule.startswith("observed") or not any(
        _at_fault(one.where, was) for one in changes if one.where != _NEVER_A_REASON
    )


def _at_fault(where: str, finding: Finding) -> bool:
    """
    Tell whether a difference is at the place that a finding names.

    A request shows no place for an account, a rate or a server.
    """
    kind, _, place = where.partition(" ")
    if kind == "url":
        return finding.location in {"path", "query", "host"}
    if kind == "header":
        return finding.location == "header" and place == (finding.field or "").lower()
    return finding.location == kind and (kind != "body" or _overlap(place, finding))


def _overlap(place: str, finding: Finding) -> bool:
    field, pointer = f"/{finding.field}" if finding.field else "", finding.pointer or ""
    named = [pointer] if _is_within(pointer, field) else [one for one in (pointer, field) if one]
    return (
        place in ("", "/")
        or not any(named)
        or any(_is_within(place, one) or _is_within(one, place) for one in named)
    )


def _is_within(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer}/")


def _is_same_answer(original: Exchange, child: Exchange) -> bool:
    """
    Tell whether status and code are the same.

    If the original's code is not known, only the status is compared.
    """
    return original.status == child.status and original.code in (None, child.code)


# --- differences ----------------------------------------------------------------------------------


class Difference(NamedTuple):
    """
    One thing that is not the same.

    It says where (``body /to/0``, ``header content-type``), what it was, and what it is. None means
    that it is not there.
    """

    where: str
    was: str | None
    now: str | None


def request_differences(old: Exchange, new: Exchange) -> list[Difference]:
    """
    Return what was changed in a request, path by path where the bodies are JSON.

    Examples
    --------
    >>> old = Exchange(method="POST", request_body='{"to": ["1"]}')
    >>> request_differences(old, Exchange(method="POST", request_body='{"to": ["2"]}'))
    [Difference(where='body /to/0', was='"1"', now='"2"')]
    """
    lines = [*_differ("method", old.method, new.method), *_differ("url", old.url, new.url)]
    return [
        *lines,
        *_headers(old.request_headers, new.request_headers, ()),
        *_bodies(old.request_body, new.request_body, ()),
    ]


def answer_differences(old: Exchange, new: Exchange) -> list[Difference]:
    """Return what is different in an answer; what stands in `IGNORED` is passed over."""
    lines = [
        *_differ("status", old.status, new.status),
        *_differ("failure", old.failure, new.failure),
    ]
    headers = _headers(old.response_headers, new.response_headers, IGNORED["headers"])
    return [*lines, *headers, *_bodies(old.response_body, new.response_body, IGNORED["body"])]


def _differ(where: str, old: Any, new: Any) -> Iterator[Difference]:
    if old != new:
        yield Difference(where, *(None if value is None else str(value) for value in (old, new)))


def _headers(
    old: Mapping[str, str], new: Mapping[str, str], ignored: tuple[str, ...]
) -> Iterator[Difference]:
    was, now = ({name.lower(): value for name, value in headers.items()} for headers in (old, new))
    for name in sorted({*was, *now} - set(ignored)):
        yield from _differ(f"header {name}", was.get(name), now.get(name))


def _bodies(
    old: str | bytes | None, new: str | bytes | None, ignored: tuple[str, ...]
) -> Iterator[Difference]:
    was, now = (value_of(body) for body in (old, new))
    found = None
    if was is not None and now is not None:
        with suppress(RecursionError):  # nested too deep to be compared part by part
            found = list(_values("", was, now, ignored))
    yield from _differ("body", old or None, new or None) if found is None else found


def _values(path: str, old: Any, new: Any, ignored: tuple[str, ...]) -> Iterator[Difference]:
    pairs: list[tuple[str, Any, Any]]
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [
            (key, old.get(key, _GONE), new.get(key, _GONE))
            for key in dict.fromkeys([*old, *new])
            if key not in ignored
        ]
    elif isinstance(old, list) and isinstance(new, list):
        pairs = [
            (str(i), was, now)
            for i, (was, now) in enumerate(zip_longest(old, new, fillvalue=_GONE))
        ]
    else:
        yield from _differ(
            f"body {path or '/'}",
            *(
                None if value is _GONE else json.dumps(value, ensure_ascii=False)
                for value in (old, new)
            ),
        )
        return
    for key, was, now in pairs:
        yield from _values(f"{path}/{key.replace('~', '~0').replace('/', '~1')}", was, now, ignored)


_GONE = object()
