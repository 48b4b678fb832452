"""
Decide where a replay goes.

It goes to a new sandbox set up as the original response implies, to a running sandbox, or to the
vendor.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sinchtools.api.description import locate
from sinchtools.api.validation import NAMES_OF_FIELDS, instant_of
from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.client.sending import header_value
from sinchtools.client.token import Token
from sinchtools.core.records import Exchange, header
from sinchtools.core.variables import variables_of
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.privacy.markers import MARKER, marker_facts
from sinchtools.replays.effects import groups_in, groups_of, json_of
from sinchtools.replays.guards import headers_to_send, sent_to
from sinchtools.replays.runner import Job, Sender

if TYPE_CHECKING:
    from sinchtools.sandbox import Account, Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """
    What a sender needs of one exchange.

    It has the original, the request to send, and the named fault in place of an outside cause.
    """

    original: Exchange
    request: Exchange
    fault: tuple[int, str | None] | None = None


# --- a fresh sandbox ------------------------------------------------------------------------------


def in_a_fresh_sandbox(log: CallLog) -> Callable[[], AbstractContextManager[Sender]]:
    """Return a maker of senders, each with a sandbox of its own."""

    @contextlib.contextmanager
    def sender() -> Iterator[Sender]:
        from sinchtools.sandbox import Sandbox

        with Sandbox() as sandbox:
            client = Client(
                base_url=sandbox.url,
                account=sandbox.service_plan_id,
                token=Token(sandbox.api_token),
                log=log,
                target="sandbox",
                sandbox=sandbox,
            )
            with contextlib.closing(client):
                yield lambda job, attempt: _simulated(job, attempt, client, sandbox)

    return sender


def fault_for(exchange: Exchange) -> tuple[int, str | None] | None:
    """
    Return status and code of the fault that stands for a cause outside the request.

    Return None if the request or the state is the cause.
    """
    if (
        exchange.status is None
        or exchange.http_outcome not in {"user_error", "sinch_error"}
        or _is_set_up(exchange)
    ):
        return None
    in_request = any(
        f.severity == "error"
        and f.status == exchange.status
        and exchange.code in (None, f.code)
        and f.location != "host"
        and not f.rule.startswith("observed")
        for f in diagnose(exchange, now=exchange.at).findings
    )
    return None if in_request else (exchange.status, exchange.code)


def _is_set_up(exchange: Exchange) -> bool:
    """Whether the state that a fresh sandbox is given makes this answer, without a fault."""
    return (exchange.status, exchange.code) == (403, "missing_callback_url") or (
        exchange.status == 403 and bool(_missing_groups(exchange))
    )


def _is_refused_for_a_name(original: Exchange) -> bool:
    """Whether a 400 named a field or a parameter that the API does not know."""
    if original.status != 400:
        return False
    top = diagnose(original, now=original.at).top
    return top is not None and top.rule in NAMES_OF_FIELDS


def _missing_groups(original: Exchange) -> list[str]:
    """
    Return the groups that an ``unknown_group`` means: those that its text names, or the only one.

    Return None if it does not say which.
    """
    if original.code != "unknown_group":
        return []
    groups = groups_of(original)
    return [group for group in groups if group in (original.text or "")] or groups * (
        len(groups) == 1
    )


def assumed_for(original: Exchange, request: Exchange) -> tuple[str, ...]:
    """Return in words what a new sandbox is set up with, as the original response implies."""
    found, missing, body = [], _missing_groups(original), json_of(request)
    named = groups_in(body)
    for word, is_missing in (("unknown", True), ("existing", False)):
        groups = [group for group in named if (group in missing) == is_missing]
        found += [f"{word} group: {', '.join(groups[:3])}"] * bool(groups)
    if body.get("delivery_report") not in (None, "none"):
        found.append(
            "no callback URL on the plan"
            if original.code == "missing_callback_url"
            else "a callback URL on the plan"
        )
    if _is_refused_for_space(original, original):
        found.append("a token with white space around it is refused")
    if _is_refused_for_a_name(original):
        found.append("an unknown name is refused")
    if _moment_of(original) is not None:
        found.append("the clock of the original")
    return tuple(found)


def _simulated(job: Job, attempt: int, client: Client, sandbox: Sandbox) -> Exchange:
    trip: ReplayRequest = job.load
    place = locate(trip.request.url or "")
    sandbox.reset()
    sandbox.clock.set(_moment_of(trip.original) or datetime.now(UTC))
    account = sandbox.account(
        place.account or sandbox.service_plan_id,
        kind="project" if place.kind == "project" else "plan",
    )
    mistakes = _mistakes_of(trip)
    _set_up(account, trip, mistakes)
    if trip.fault:
        sandbox.faults.add(
            status=trip.fault[0], **({"code": trip.fault[1]} if trip.fault[1] else {}), times=1
        )
    credential = _credential(trip, account)
    if mistakes & _WRONG_CREDENTIAL:
        credential["Authorization"] = "Bearer of another account"
    return _sent(client, job, attempt, credential)


_WRONG_CREDENTIAL = {  # what a sandbox at one address cannot tell from a good one
    "account-placeholder",
    "account-project-id",
    "account-stray",
    "auth-foreign-jwt",
    "auth-oauth-on-plan-host",
    "auth-oauth-region",
    "auth-plan-id",
    "auth-plan-token-on-zt",
    "auth-space",
}
_NO_RESOURCE = {"path-placeholder", "path-no-id", "path-missing-id", "path-word"}


def _mistakes_of(trip: ReplayRequest) -> set[str]:
    """Return what is wrong with the place of a request, unless it was accepted as it is."""
    if trip.original.status not in (None, 401, 404):
        return set()
    found = diagnose(trip.request, now=trip.request.at or trip.original.at).findings
    return {one.rule for one in found if one.severity == "error"}


def _moment_of(original: Exchange) -> datetime | None:
    """Return when the original was sent; None where the sandbox's clock does not go."""
    at = original.at
    return at if at is not None and at.year in _CLOCK_YEARS else None


_CLOCK_YEARS = range(1970, 9001)


def _set_up(account: Account, trip: ReplayRequest, mistakes: set[str]) -> None:
    account.callback_url = (
        None if trip.original.code == "missing_callback_url" else "https://callback.invalid/"
    )
    account.strict_names = _is_refused_for_a_name(trip.original)
    for group_id in set(groups_of(trip.request)) - set(_missing_groups(trip.original)):
        account.add_group(group_id, members=("15551230001",))
    values = locate(trip.request.url or "").values
    if trip.original.status == 404 and values == locate(trip.original.url or "").values:
        return
    if mistakes & _NO_RESOURCE:
        return
    if "batch_id" in values:
        account.add_batch(
            values["batch_id"],
            to=(values.get("recipient_msisdn", "15551230001"),),
            feedback_enabled=True,
        )
    for name, add in (("group_id", account.add_group), ("inbound_id", account.add_inbound)):
        if name in values:
            add(values[name])


def _credential(trip: ReplayRequest, account: Account) -> dict[str, str | None]:
    if trip.request.request_headers or trip.original.status in (None, 401, 415):
        value = _authorization(trip.request, account)
        if value and _is_refused_for_space(trip.original, trip.request):
            value += "_"  # HTTP takes white space off; this is as wrong, and stays
        return {"Authorization": value}
    return {
        "Authorization": f"Bearer {account.token}",
        "Content-Type": "application/json",
    }  # the evidence shows no headers, and they were accepted


def _is_refused_for_space(original: Exchange, request: Exchange) -> bool:
    """Whether a 401 met a token with white space around it, which the request still has."""
    if original.status != 401:
        return False
    facts = marker_facts(header(request.request_headers, "Authorization") or "") or {}
    return not _SPACES.isdisjoint(facts)


_SPACES = {"leading-space", "trailing-space", "trailing-newline"}


def _authorization(request: Exchange, account: Account) -> str | None:
    """Return a credential that is good, or wrong in the way the evidence shows."""
    value = header(request.request_headers, "Authorization")
    facts = marker_facts(value) if value is not None else None
    if value is None or facts is None:
        return _filled_in(request, value, account.token)
    token = account.token
    if (
        "expires" in facts
        and (expires := instant_of(facts["expires"]))
        and expires <= (request.at or datetime.now(UTC))
    ):
        token = account.issue_token(-1)
    return _as_written(value, token, facts, account.id)


def _filled_in(request: Exchange, value: str | None, token: str) -> str | None:
    """Return a credential with the sandbox's own token in place of a variable."""
    for name in variables_of(request) if value else ():
        value = value.replace(name, token) if value else value
    return value


def _as_written(value: str, token: str, facts: dict[str, str], account: str) -> str:
    if "quoted" in facts:
        token = f'"{token}"'
    elif "bracketed" in facts:
        token = f"<{token}>"
    elif "cut" in facts:
        token = token[: len(token) // 2]
    elif "inner-space" in facts:
        token = f"{token[:4]} {token[4:]}"
    if facts["kind"] == "pair":
        token = base64.b64encode(f"{account}:{token}".encode()).decode()
    return MARKER.sub(lambda _: token, value)


# --- a sandbox that runs already, and the vendor --------------------------------------------------


def through(client: Client) -> Callable[[], AbstractContextManager[Sender]]:
    """Return a maker of senders into a running sandbox, which is taken as it stands."""

    def send(own: Client, job: Job, attempt: int) -> Exchange:
        value = header(job.load.request.request_headers, "Authorization")
        facts = marker_facts(value) if value else None
        return _sent(
            own,
            job,
            attempt,
            {
                "Authorization": _as_written(value, own.bearer(), facts, own.account)
                if value and facts
                else value
            },
        )

    return _lanes(client, send)


def to_the_vendor(
    client: Client, target: str, allow: Callable[[str, int], object]
) -> Callable[[], AbstractContextManager[Sender]]:
    """
    Return a maker of senders to the vendor, with the configured credentials.

    A dry run goes to the vendor's own endpoint for it.

    `allow` is called with the call's ID and the number of each attempt before it is sent, and
    raises when it must not go.
    """

    def send(own: Client, job: Job, attempt: int) -> Exchange:
        dry = target == "dry-run" and job.load.request.endpoint == "POST /batches"
        return _sent(
            own,
            job,
            attempt,
            {},
            below="/dry_run" if dry else "",
            allow=lambda number: allow(job.call_id, number),
        )

    return _lanes(client, send)


def _lanes(
    client: Client, send: Callable[[Client, Job, int], Exchange]
) -> Callable[[], AbstractContextManager[Sender]]:
    @contextlib.contextmanager
    def sender() -> Iterator[Sender]:
        with contextlib.closing(client.twin()) as own:
            yield lambda job, attempt: send(own, job, attempt)

    return sender


def _sent(
    client: Client,
    job: Job,
    attempt: int,
    credential: dict[str, str | None],
    below: str = "",
    allow: Callable[[int], object] | None = None,
) -> Exchange:
    request: Exchange = job.load.request
    path = sent_to(client.base_url, request.url or "", below)
    headers = headers_to_send(request) | {
        name: value and header_value(value) for name, value in credential.items()
    }
    return client.request(
        request.method or "GET",
        path,
        data=request.request_body,
        headers=headers,
        parent_id=job.load.original.id,
        call=(job.call_id, attempt),
        allow=allow,
    )
