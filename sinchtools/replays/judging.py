"""From the exchange that a replay made to its result: the verdict, the findings, the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sinchtools.client.client import Client
from sinchtools.core.records import Exchange, in_words
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.replays.guards import advice_on, is_read_only, is_unknown, may_be_resent
from sinchtools.replays.lookup import batch_of
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.results import Result
from sinchtools.replays.runner import Runner
from sinchtools.replays.verdicts import Findings, verdict_of

STOPPED = "not sent: the run was stopped; run the plan again to go on"


def held(item: PlannedRequest, *reasons: str) -> Result:
    """Return the result of a request that was not sent, with the reasons."""
    return _result(item, None, "INCONCLUSIVE", reasons)


def _result(
    item: PlannedRequest, child: Exchange | None, verdict: str, why: tuple[str, ...]
) -> Result:
    return Result(original=item.original, request=item.shown, child=child, verdict=verdict, why=why)


def sent_before(item: PlannedRequest, child: Exchange) -> str:
    """Say that an earlier run sent it, and when."""
    at = f" at {child.at:%Y-%m-%d %H:%M:%S} UTC" if child.at else ""
    of_another = (
        f" as the replay of {child.parent_id}" if child.parent_id != item.original.id else ""
    )
    return f"not sent again: it was replayed{at}{of_another}; this is its response"


def judged(
    item: PlannedRequest, child: Exchange, baseline: Exchange | None, notes: list[str]
) -> Result:
    """Compare original and child, beside the unchanged request where it was sent too."""
    original = item.original
    if baseline is not None:
        original = _answered(original, baseline)
        notes = [
            "the original response is unknown; for the unchanged request the sandbox returns "
            f"{baseline.status_in_words}",
            *notes,
        ]
        if (
            baseline.http_outcome == "success"
            and (expected := diagnose(item.original, now=item.original.at).top)
            and expected.severity == "error"
        ):
            wanted = in_words(expected.status, expected.code)
            unlike = f"the diagnosis expects {wanted}, which the sandbox did not return"
            return _result(item, child, "INCONCLUSIVE", (*notes, unlike))
    is_refusal = item.changed and original.http_outcome == "user_error"
    found = _findings(item.request, original, child) if is_refusal else Findings()
    verdict, reason = verdict_of(item, original, child, found)
    if (
        child.status is None and may_be_resent(child) and not is_read_only(child)
    ):  # a read may go again whatever became of it
        notes = [
            "no connection was made, so nothing was sent. Check network, VPN and proxy, then run "
            "it again",
            *notes,
        ]
    if item.fault is None and is_unknown(child):
        notes = [f"{_UNKNOWN_NOW}: {advice_on(child)[1]}", *notes]
    return replace(_result(item, child, verdict, (*notes, reason)), assumed=item.assumed)


def _findings(request: Exchange, original: Exchange, child: Exchange) -> Findings:
    """
    Return the first finding on the original, the changed request and the replay.

    The changed request counts if it got the original's response.
    """
    as_before = _answered(request, original)
    return Findings(*(diagnose(x, now=original.at).top for x in (original, as_before, child)))


def _answered(request: Exchange, other: Exchange) -> Exchange:
    """Return a request with the response of another exchange."""
    return replace(
        request,
        status=other.status,
        code=other.code,
        text=other.text,
        response_headers=other.response_headers,
        response_body=other.response_body,
    )


_UNKNOWN_NOW = "its outcome is unknown: it may have been sent, and is not sent again"


# --- outcomes that nobody knew, settled -----------------------------------------------------------


def settled(
    children: Mapping[str, Exchange], client: Client | None, runner: Runner
) -> dict[str, str]:
    """
    Return in words what the check says of each call whose outcome is unknown.

    It keeps the run's rate and ends with it.
    """
    if client is None:
        return {}
    unknown = {call_id: child for call_id, child in children.items() if is_unknown(child)}
    said = {
        call_id: batch_of(child, client)
        for call_id, child in unknown.items()
        if runner.wait_for_turn()
    }
    return {
        call_id: f"checked: batch {batch_id} is there, so it was sent"
        if batch_id
        else "checked: no such batch was found"
        for call_id, batch_id in said.items()
        if batch_id is not None
    }
