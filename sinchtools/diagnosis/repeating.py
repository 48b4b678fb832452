"""Whether to repeat a request: by its response, and by what the first finding knows better."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sinchtools.api import catalogue, deliveries
from sinchtools.core.records import Finding, header

if TYPE_CHECKING:
    from sinchtools.diagnosis.diagnosis import Diagnosis

_OUTSIDE = {  # where the first finding lies: why no change of the request can help
    "server": "the cause is on the API's side or on the way there, not in the request",
    "account": "the cause is the account, not the request",
    "rate": "the request is fine, and only slower sending helps",
}
_RETRY_OF_PLACE: dict[
    tuple[int | None, str], str
] = {  # of a mistake that the request shows: why it fails again
    (401, "header"): "The same header is refused again.",
    (401, "path"): "The same path is refused again.",
    (404, "path"): "The same path is refused again.",
    (404, "host"): "The same host is wrong again.",
}
_RETRY_OF_RULE = {
    "observed-token-401": "The same key ID and key secret are refused again.",
    "observed-token-invalid_client": "The same key ID and key secret are refused again.",
    "observed-classic": "That API is retired.",
    "observed-proxy": "The proxy refuses it again.",
    "observed-other-region": "The same host refuses it again.",
    "observed-404-old": "The API no longer has it.",
    "observed-404-like": "The same ID is not found again.",
    "observed-404-other-kind": "The same ID is not found again.",
    "observed-404-other-plan": "The same service plan does not find it again.",
}
_NEVER_AGAIN = ("observed-404-old", "method-read-only")  # no change of the request helps
_ELSEWHERE = ("not-the-sms-api", "token-endpoint")
_LOOK_FOR_IT = re.compile(r"Check first: GET /batches.*")


class Retry(NamedTuple):
    """Whether to repeat the request (one of `catalogue.RETRY`), and why."""

    advice: str
    reason: str

    def __str__(self) -> str:
        """Return the advice and its reason as sentences."""
        return f"{catalogue.RETRY[self.advice]}. {self.reason}"


def retry_of(one: Diagnosis) -> Retry:
    """Return whether to repeat the request of a diagnosis, and why."""
    x = one.exchange
    if x.delivery_code is not None:
        entry = catalogue.explain(delivery=x.delivery_code)
        return Retry(entry.retry, entry.retry_reason)
    if deliveries.is_callback(x) or (one.top and one.top.rule == "callback-refused"):
        return Retry("not-needed", "This was sent to you: there is no request to repeat.")
    if one.top and one.top.rule == "sent-twice":
        return Retry("not-needed", "The API accepted it, more than once.")
    answered = x.status is not None or x.failure is not None or not one.failing
    if not answered:
        x = replace(x, status=one.expected_status, code=one.expected_code)
    advice, reason = catalogue.advice_on(x)
    if told := _why_again(one.top):
        reason, advice = told, "after-change"
    if one.top and one.top.rule in _NEVER_AGAIN:
        advice = "do-not-retry"
    if any(finding.rule in _ELSEWHERE for finding in one.findings):
        reason = _LOOK_FOR_IT.sub("Look for it in that API first.", reason)
    asked = header(x.response_headers, "Retry-After")
    return Retry(
        advice,
        f"{reason} The response asks you to wait: Retry-After {asked[:40]}."
        if asked and advice == "after-wait"
        else reason,
    )


def _why_again(top: Finding | None) -> str | None:
    """Return why a repeat fails again, where the finding knows it better than the status."""
    if top is None or top.rule == "auth-expired":
        return None
    if top.rule.startswith("observed-"):
        return _RETRY_OF_RULE.get(top.rule)
    return _RETRY_OF_PLACE.get((top.status, top.location))


def why_not_fixable(one: Diagnosis) -> str:
    """Return why no change of the request can help, or nothing."""
    top = one.top
    if top is None or not one.failing:
        return ""
    if top.rule.startswith("observed-401"):
        return "the header is well-formed, and only another token, account or region helps"
    return (
        _OUTSIDE["server"] if (one.exchange.status or 0) >= 500 else _OUTSIDE.get(top.location, "")
    )
