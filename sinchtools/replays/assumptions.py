"""What a fresh sandbox is set up with, because the original response implies it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sinchtools.api.validation import NAMES_OF_FIELDS
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange, header
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.privacy.markers import marker_facts
from sinchtools.replays.effects import groups_in, groups_of

if TYPE_CHECKING:
    from sinchtools.replays.planned import PlannedRequest


class Cause(NamedTuple):
    """Why an original was refused, as far as a sandbox must be told."""

    # status and code of the fault that stands for a cause outside the request; None if the request
    # or the state is the cause
    outside: tuple[int, str | None] | None = None
    unknown_name: bool = False  # whether it was a field or a parameter that the API does not know


NOT_ASKED = Cause()


def cause_of(exchange: Exchange) -> Cause:
    """Return why an original was refused."""
    if (
        exchange.status is None
        or exchange.http_outcome not in {"user_error", "sinch_error"}
        or _is_set_up(exchange)
    ):
        return Cause()
    found = diagnose(exchange, now=exchange.at)
    in_request = any(
        f.severity == "error"
        and f.status == exchange.status
        and exchange.code in (None, f.code)
        and f.location != "host"
        and not f.rule.startswith("observed")
        for f in found.findings
    )
    named = exchange.status == 400 and found.top is not None and found.top.rule in NAMES_OF_FIELDS
    return Cause(None if in_request else (exchange.status, exchange.code), named)


def _is_set_up(exchange: Exchange) -> bool:
    """Whether the state that a fresh sandbox is given makes this response, without a fault."""
    return (exchange.status, exchange.code) == (403, "missing_callback_url") or (
        exchange.status == 403 and bool(missing_groups(exchange))
    )


def missing_groups(original: Exchange) -> list[str]:
    """
    Return the groups that an ``unknown_group`` means: those that its text names, or the only one.

    Return nothing if it does not say which.
    """
    if original.code != "unknown_group":
        return []
    groups = groups_of(original)
    if len(groups) == 1:
        return groups
    return [group for group in groups if group in (original.text or "")]


def assumed_for(item: PlannedRequest) -> tuple[str, ...]:
    """Return in words what a new sandbox is set up with, as the original response implies."""
    original = item.original
    found, missing, body = [], missing_groups(original), object_of(item.request.request_body)
    named = groups_in(body)
    for word, is_missing in (("unknown", True), ("existing", False)):
        groups = [group for group in named if (group in missing) == is_missing]
        if groups:
            found.append(f"{word} group: {', '.join(groups[:3])}")
    if body.get("delivery_report") not in (None, "none"):
        found.append(
            "no callback URL on the plan"
            if original.code == "missing_callback_url"
            else "a callback URL on the plan"
        )
    if is_refused_for_space(original, original):
        found.append("a token with white space around it is refused")
    if item.unknown_name:
        found.append("an unknown name is refused")
    if moment_of(original) is not None:
        found.append("the clock of the original")
    return tuple(found)


def moment_of(original: Exchange) -> datetime | None:
    """Return when the original was sent; None where the sandbox's clock does not go."""
    at = original.at
    return at if at is not None and at.year in _CLOCK_YEARS else None


_CLOCK_YEARS = range(1970, 9001)


def is_refused_for_space(original: Exchange, request: Exchange) -> bool:
    """Whether a 401 met a token with white space around it, which the request still has."""
    if original.status != 401:
        return False
    facts = marker_facts(header(request.request_headers, "Authorization") or "") or {}
    return not _SPACES.isdisjoint(facts)


_SPACES = {"leading-space", "trailing-space", "trailing-newline"}
