"""
Decide where a replay goes.

It goes to a new sandbox set up as the original response implies, to a running sandbox, or to the
vendor.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sinchtools.api.description import locate
from sinchtools.api.validation import instant_of
from sinchtools.client.client import Client
from sinchtools.client.sending import header_value
from sinchtools.client.token import Token
from sinchtools.core.records import Exchange, header
from sinchtools.core.variables import variables_of
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.privacy.markers import MARKER, marker_facts
from sinchtools.replays.assumptions import is_refused_for_space, missing_groups, moment_of
from sinchtools.replays.effects import groups_of
from sinchtools.replays.guards import headers_to_send, sent_to
from sinchtools.replays.ledger import Ledger
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.runner import Job, Sender

if TYPE_CHECKING:
    from sinchtools.sandbox import Account, Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """
    What a sender needs of one exchange: the planned one, and the request that is sent for it.

    To learn what the unchanged request gets, that one is sent too.
    """

    item: PlannedRequest
    request: Exchange

    @property
    def original(self) -> Exchange:
        """The evidence that is replayed."""
        return self.item.original


# --- a fresh sandbox ------------------------------------------------------------------------------


def in_a_fresh_sandbox(ledger: Ledger) -> Callable[[], AbstractContextManager[Sender]]:
    """Return a maker of senders, each with a sandbox of its own."""

    @contextlib.contextmanager
    def sender() -> Iterator[Sender]:
        from sinchtools.sandbox import Sandbox

        with Sandbox() as sandbox:
            client = Client(
                base_url=sandbox.url,
                account=sandbox.service_plan_id,
                token=Token(sandbox.api_token),
                log=ledger.log,
                target="sandbox",
                sandbox=sandbox,
            )
            with contextlib.closing(client):
                yield lambda job, attempt: _simulated(job, attempt, client, sandbox, ledger)

    return sender


def _simulated(
    job: Job, attempt: int, client: Client, sandbox: Sandbox, ledger: Ledger
) -> Exchange:
    replay: ReplayRequest = job.replay
    place = locate(replay.request.url or "")
    sandbox.reset()
    sandbox.clock.set(moment_of(replay.original) or datetime.now(UTC))
    account = sandbox.account(
        place.account or sandbox.service_plan_id,
        kind="project" if place.kind == "project" else "plan",
    )
    mistakes = _mistakes_of(replay)
    _set_up(account, replay, mistakes)
    if fault := replay.item.fault:
        sandbox.faults.add(status=fault[0], **({"code": fault[1]} if fault[1] else {}), times=1)
    credential = _credential(replay, account)
    if mistakes & _WRONG_CREDENTIAL:
        credential["Authorization"] = "Bearer of another account"
    return _sent(client, job, attempt, credential, ledger)


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


def _mistakes_of(replay: ReplayRequest) -> set[str]:
    """Return what is wrong with the place of a request, unless it was accepted as it is."""
    if replay.original.status not in (None, 401, 404):
        return set()
    found = diagnose(replay.request, now=replay.request.at or replay.original.at).findings
    return {one.rule for one in found if one.severity == "error"}


def _set_up(account: Account, replay: ReplayRequest, mistakes: set[str]) -> None:
    account.callback_url = (
        None if replay.original.code == "missing_callback_url" else "https://callback.invalid/"
    )
    account.strict_names = replay.item.unknown_name
    for group_id in set(groups_of(replay.request)) - set(missing_groups(replay.original)):
        account.add_group(group_id, members=("15551230001",))
    values = locate(replay.request.url or "").values
    if replay.original.status == 404 and values == locate(replay.original.url or "").values:
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


def _credential(replay: ReplayRequest, account: Account) -> dict[str, str | None]:
    if replay.request.request_headers or replay.original.status in (None, 401, 415):
        value = _authorization(replay.request, account)
        if value and is_refused_for_space(replay.original, replay.request):
            value += "_"  # HTTP takes white space off; this is as wrong, and stays
        return {"Authorization": value}
    return {
        "Authorization": f"Bearer {account.token}",
        "Content-Type": "application/json",
    }  # the evidence shows no headers, and they were accepted


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


def through(client: Client, ledger: Ledger) -> Callable[[], AbstractContextManager[Sender]]:
    """Return a maker of senders into a running sandbox, which is taken as it stands."""

    def send(own: Client, job: Job, attempt: int) -> Exchange:
        value = header(job.replay.request.request_headers, "Authorization")
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
            ledger,
        )

    return _with_own_client(client, send)


def to_the_vendor(client: Client, ledger: Ledger) -> Callable[[], AbstractContextManager[Sender]]:
    """
    Return a maker of senders to the vendor, with the configured credentials.

    A dry run goes to the vendor's own endpoint for it.
    """

    def send(own: Client, job: Job, attempt: int) -> Exchange:
        dry = ledger.target == "dry-run" and job.replay.request.endpoint == "POST /batches"
        return _sent(own, job, attempt, {}, ledger, below="/dry_run" if dry else "")

    return _with_own_client(client, send)


def _with_own_client(
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
    ledger: Ledger,
    below: str = "",
) -> Exchange:
    """Send one attempt, and further ones that the client makes, each if the ledger grants it."""
    request: Exchange = job.replay.request
    path = sent_to(client.base_url, request.url or "", below)
    headers = headers_to_send(request) | {
        name: value and header_value(value) for name, value in credential.items()
    }
    numbers = itertools.count(attempt)
    return client.request(
        request.method or "GET",
        path,
        data=request.request_body,
        headers=headers,
        parent_id=job.replay.original.id,
        permit=lambda: ledger.ask(job.replay.item, job.call_id, next(numbers)),
    )
