"""
Decide what a replay may claim.

This is the verdict with its reason, and the differences of request and response.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any, NamedTuple

from sinchtools.api.description import locate
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, Finding
from sinchtools.replays.planned import PlannedRequest

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
_NEVER_A_REASON = ("body", "/client_reference")  # any is allowed, and nothing is done with it
_RECIPIENTS = {"to", "parameters", "to_add"}


class Findings(NamedTuple):
    """What is found first; two responses of one code may have different reasons."""

    was: Finding | None = None  # on the original
    then: Finding | None = None  # on the changed request, if it got the original's response
    now: Finding | None = None  # on the replay


Verdict = tuple[str, str]  # one of `VERDICTS`, and the reason for it


def verdict_of(
    item: PlannedRequest, original: Exchange, child: Exchange, findings: Findings
) -> Verdict:
    """
    Return the verdict on a replay, and the reason for it.

    Parameters
    ----------
    item
        What was planned: whether it was changed, had a fault or a test number.
    original
        The original, or its request with the response that it gets here.
    findings
        What `diagnose` says first of the original, of its change and of the replay.
    """
    reason = (
        _no_response_to_judge(item, child)
        or _no_original_to_compare(original)
        or _not_reproduced(item, original, child)
        or _not_comparable(item, original, child, findings.was)
    )
    if reason:
        return "INCONCLUSIVE", reason
    if not item.changed:
        return "SAME", "unchanged request, same response"
    return _compared(item, original, child, findings)


def _no_response_to_judge(item: PlannedRequest, child: Exchange) -> str:
    if child.status is None:
        return f"no response ({child.failure})"
    if item.fault is not None:
        return "the sandbox can't reproduce this error on its own, so it can't prove a fix"
    if child.status == 401 and _of_vendor(child):
        return "the configured credentials were refused, so the request was not checked"
    if child.is_html:
        return "a gateway's page came back, not a response of the API"
    if child.http_outcome == "other":
        return f"a {child.status} does not say what happened to the request"
    return ""


def _no_original_to_compare(original: Exchange) -> str:
    if original.status is None and original.failure:
        return f"the original request got no response ({original.failure})"
    if original.status is None and original.code:
        return f"the original response is unknown, except for its code {original.code}"
    if original.status is None:
        return "the original response is unknown"
    if original.http_outcome == "other":
        return f"the original {original.status} is not a response of the API"
    return ""


def _not_reproduced(item: PlannedRequest, original: Exchange, child: Exchange) -> str:
    if item.changed or _is_same_answer(original, child):
        return ""
    return "not reproduced: the unchanged request got another response here"


def _not_comparable(
    item: PlannedRequest, original: Exchange, child: Exchange, was: Finding | None
) -> str:
    if not item.changed:
        return ""
    if original.account not in (None, child.account):
        return "it went to another account than the original"
    if _is_dry_run_of(original, child):
        return "a dry run doesn't prove a send; it shows what the vendor makes of the request"
    if not _same_endpoint(original, child):
        return "it went to another endpoint than the original"
    if original.status == 401 and _of_vendor(child):
        return "the configured credentials were sent, not those of the original"
    is_aimed = item.test_number and was is not None and was.field in _RECIPIENTS
    if is_aimed and child.http_outcome == "success":
        return "the test number replaced the recipients, and they were the reason"
    if child.status == 429:
        return "too many requests just now, so the request was not checked"
    return ""


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
    item: PlannedRequest, original: Exchange, child: Exchange, findings: Findings
) -> Verdict:
    passes = child.http_outcome == "success"
    if original.http_outcome == "success" and passes:
        return "SAME", "passed before, passes now"
    if original.http_outcome == "success" and child.status not in _OF_GATEWAYS:
        return "WORSE", "passed before, fails now"
    if passes and (reason := _proves_nothing(item, original, findings)):
        return "INCONCLUSIVE", reason
    if passes:
        return "FIXED", "the change removes the cause of the original failure"
    if child.status in _OF_GATEWAYS:
        return "INCONCLUSIVE", (
            f"a {child.status} comes from a gateway in front of the API, so the request was "
            f"not checked"
        )
    if _was_not_checked(original) and original.status == child.status:
        return "INCONCLUSIVE", f"a {child.status} again, which is not caused by the request"
    if original.http_outcome == "user_error" and child.http_outcome == "sinch_error":
        return "WORSE", "a server error now"
    if _is_same_reason(original, child, findings.was, findings.now):
        return "SAME", "the change does not help: the same reason"
    return "CHANGED", "another response, for another reason"


def _proves_nothing(item: PlannedRequest, original: Exchange, findings: Findings) -> str:
    """Return why a change that passes has not fixed the failure; empty when it has."""
    if _was_not_checked(original):
        return (
            f"a {original.status} is not caused by the request, so the change cannot have fixed it"
        )
    if item.outside is not None:
        return (
            "the sandbox does not know the cause of the original failure, so passing there "
            "proves nothing"
        )
    changes = request_differences(original, item.request)
    if reason_stays(findings.was, findings.then, changes):
        return (
            "the change does not touch the cause of the original failure; something else is "
            "different"
        )
    return ""


def _was_not_checked(original: Exchange) -> bool:
    return original.status == 429 or original.http_outcome == "sinch_error"


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
        The first finding on the changed request, if it got the original's response.
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
        _at_fault(one, was) for one in changes if (one.part, one.place) != _NEVER_A_REASON
    )


def _at_fault(one: Difference, finding: Finding) -> bool:
    """
    Tell whether a difference is at the place that a finding names.

    A request shows no place for an account, a rate or a server.
    """
    if one.part == "url":
        return finding.location in {"path", "query", "host"}
    if one.part == "header":
        return finding.location == "header" and one.place == (finding.field or "").lower()
    if one.part == "body":
        return finding.location == "body" and _overlap(one.place, finding)
    return finding.location == one.part


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
    """One thing that is not the same."""

    part: str  # ``method``, ``url``, ``header``, ``body``, ``status`` or ``failure``
    place: str  # the name of the header, or the pointer into the body; empty for the whole part
    was: str | None  # the value before; None where there is none
    now: str | None  # the value after

    @property
    def where(self) -> str:
        """Where it is, as it is shown: ``body /to/0``, ``header content-type``."""
        return f"{self.part} {self.place}" if self.place else self.part


def request_differences(old: Exchange, new: Exchange) -> list[Difference]:
    """
    Return what was changed in a request, path by path where the bodies are JSON.

    Examples
    --------
    >>> old = Exchange(method="POST", request_body='{"to": ["1"]}')
    >>> request_differences(old, Exchange(method="POST", request_body='{"to": ["2"]}'))
    [Difference(part='body', place='/to/0', was='"1"', now='"2"')]
    """
    lines = [*_differ("method", "", old.method, new.method), *_differ("url", "", old.url, new.url)]
    return [
        *lines,
        *_headers(old.request_headers, new.request_headers, ()),
        *_bodies(old.request_body, new.request_body, ()),
    ]


def response_differences(old: Exchange, new: Exchange) -> list[Difference]:
    """Return what is different in a response; what stands in `IGNORED` is passed over."""
    lines = [
        *_differ("status", "", old.status, new.status),
        *_differ("failure", "", old.failure, new.failure),
    ]
    headers = _headers(old.response_headers, new.response_headers, IGNORED["headers"])
    return [*lines, *headers, *_bodies(old.response_body, new.response_body, IGNORED["body"])]


def _differ(part: str, place: str, old: Any, new: Any) -> Iterator[Difference]:
    if old != new:
        was, now = (None if value is None else str(value) for value in (old, new))
        yield Difference(part, place, was, now)


def _headers(
    old: Mapping[str, str], new: Mapping[str, str], ignored: tuple[str, ...]
) -> Iterator[Difference]:
    was, now = ({name.lower(): value for name, value in headers.items()} for headers in (old, new))
    for name in sorted({*was, *now} - set(ignored)):
        yield from _differ("header", name, was.get(name), now.get(name))


def _bodies(
    old: str | bytes | None, new: str | bytes | None, ignored: tuple[str, ...]
) -> Iterator[Difference]:
    was, now = (value_of(body) for body in (old, new))
    found = None
    if was is not None and now is not None:
        with suppress(RecursionError):  # nested too deep to be compared part by part
            found = list(_values("", was, now, ignored))
    yield from _differ("body", "", old or None, new or None) if found is None else found


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
            "body",
            path or "/",
            *(
                None if value is _GONE else json.dumps(value, ensure_ascii=False)
                for value in (old, new)
            ),
        )
        return
    for key, was, now in pairs:
        yield from _values(f"{path}/{key.replace('~', '~0').replace('/', '~1')}", was, now, ignored)


_GONE = object()
