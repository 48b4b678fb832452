"""From evidence to a plan, with what speaks against each request; nothing is sent here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.core import settings
from sinchtools.core.errors import NotAllowedError, WrongUseError, told
from sinchtools.core.records import Exchange
from sinchtools.replays.assumptions import assumed_for
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.ledger import Ledger
from sinchtools.replays.planned import Destination, PlannedRequest, item_of, original_of
from sinchtools.replays.plans import Plan
from sinchtools.replays.redirect import checked_number
from sinchtools.replays.results import ReplayResults
from sinchtools.replays.runner import Pace

VENDOR_REQUESTS_PER_S = 10.0  # ours, unless told otherwise: the vendor's limits are contractual


def plan(
    evidence: Exchange | Iterable[Exchange],
    *,
    target: str = "sandbox",
    edits: Mapping[str, Mapping[str, Any]] | None = None,
    log: CallLog | None = None,
    client: Client | None = None,
    among: Iterable[Exchange] | None = None,
    test_number: str | None = None,
    workers: int = 1,
    requests_per_s: float | None = None,
    messages_per_s: float | None = None,
) -> Plan:
    """
    Return what a replay would do, and what speaks against it; sends nothing.

    Parameters
    ----------
    evidence
        One exchange, or many.
    target
        Where the replay goes: preview, sandbox, dry-run or live.
    edits
        Changes by the id of the exchange: ``{"method": ..., "url": ..., "headers": {...}, "body":
        ...}``, each optional; a header of None is taken out, and a body that is no text is written
        as JSON.
    client
        A client of a sandbox that runs already, which is then taken as it stands; None is a fresh
        sandbox, set up as each original implies.
    among
        The whole evidence, of which these exchanges are a part: what people have by another row of
        it is not sent to them again.
    test_number
        Stands in for every recipient.
    workers
        Requests under way at once; 1 keeps the order.
    requests_per_s, messages_per_s
        At most so many; to the vendor ten requests a second unless told otherwise.
    log
        Where the replays are written; None is the work folder's log.

    Returns
    -------
    Plan
        What each request would do, what holds it back, and the effect in words; `run` does
        it.

    Raises
    ------
    WrongUseError
        The target, a key of an edit, the test number or the pace is not possible.
    NotAllowedError
        Dry-run or live, and SINCHTOOLS_ALLOW does not switch it on, or the log is on a network.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> body = '{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}'
    >>> bad = Exchange(id="a", method="POST", url=url, request_body=body, status=401)
    >>> plan(bad).effect
    'nothing leaves this machine'
    """
    if target not in settings.TARGETS:
        raise WrongUseError(
            f"{told(target)} is not a target.", hint=f"Use one of: {', '.join(settings.TARGETS)}."
        )
    ledger = Ledger(target=target, given=log, region=os.environ.get("SINCH_REGION") or "us")
    ledger.check_allowed()
    if client is not None and (target != "sandbox" or client.target != "sandbox"):
        raise WrongUseError(
            "A client to send through is for the target sandbox, and a sandbox's own.",
            hint="Leave client= out.",
        )
    if client is not None and log is not None and log is not client.log:
        raise WrongUseError(
            "A client writes to its own log.",
            hint="Leave log= out, or make the client with it: st.connect(log=log).",
        )
    exchanges = _exchanges(evidence)
    edits = edits or {}
    if unknown := set(edits) - {exchange.id for exchange in exchanges}:
        raise WrongUseError(
            f"There is no exchange {told(sorted(map(str, unknown))[0])} to edit.",
            hint="Use an id from the evidence's frame.",
        )
    number = checked_number(test_number) if test_number is not None else None
    destination = Destination(target, client.base_url if client else "")
    items = [
        _with_assumptions(
            ledger.with_blockers(item_of(exchange, edits.get(exchange.id), destination, number))
        )
        for exchange in exchanges
    ]
    if requests_per_s is None and target in VENDOR:
        requests_per_s = VENDOR_REQUESTS_PER_S
    pace = Pace(workers=workers, requests_per_s=requests_per_s, messages_per_s=messages_per_s)
    ledger.given = client.log if client else log
    if target == "live":
        ledger.among = [original_of(x) for x in (exchanges if among is None else among)]
    return Plan(ledger.without_duplicates(items), ledger, client=client, pace=pace)


def replay(
    evidence: Exchange | Iterable[Exchange],
    *,
    target: str = "sandbox",
    edit: Mapping[str, Any] | None = None,
    log: CallLog | None = None,
) -> ReplayResults:
    """
    Plan and run at once, for preview and sandbox.

    What was replayed before with the same change is not sent again: its response is shown, with its
    time. A log of its own makes it anew.

    Parameters
    ----------
    evidence
        One exchange, or many.
    target
        preview or sandbox.
    edit
        Changes of a single exchange before it is sent, with the keys that `plan` takes.
    log
        Where the replay is written; None is the work folder's log.

    Returns
    -------
    ReplayResults
        One result for each request: the verdict, the original and what came back.

    Raises
    ------
    NotAllowedError
        The target is dry-run or live: these run only through ``plan(...).run(confirm=...)``.

    Examples
    --------
    >>> import tempfile
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body="{",
    ...                status=400, code="syntax_invalid_json")
    >>> replay(bad, log=CallLog(tempfile.mkdtemp() + "/calls.sqlite"))[0].verdict
    'SAME'
    """
    if target not in {"preview", "sandbox"}:
        hint = "Make a plan with st.plan(...), look at it, then plan.run(confirm=plan.effect)."
        raise NotAllowedError(f"{told(target)} is not run at once.", hint=hint)
    edits = None
    if edit is not None:
        exchanges = _exchanges(evidence)
        if len(exchanges) != 1:
            raise WrongUseError(
                f"An edit is for one exchange, and there are {len(exchanges)}.",
                hint="Use st.plan(..., edits={id: {...}}).",
            )
        evidence, edits = exchanges, {exchanges[0].id: edit}
    return plan(evidence, target=target, edits=edits, log=log).run()


def _with_assumptions(item: PlannedRequest) -> PlannedRequest:
    """Return the item with what a fresh sandbox is set up with, in words."""
    if item.is_blocked or not item.destination.is_fresh_sandbox:
        return replace(item, assumed=())
    return replace(item, assumed=(*assumed_for(item), *item.assumed))


def _exchanges(evidence: Exchange | Iterable[Exchange]) -> list[Exchange]:
    if evidence is None or isinstance(evidence, str | bytes):
        raise WrongUseError(
            f"A {type(evidence).__name__} is not evidence.",
            hint="Read it first: st.replay(st.read(...)).",
        )
    exchanges = [evidence] if isinstance(evidence, Exchange) else list(evidence)
    if strange := next((one for one in exchanges if not isinstance(one, Exchange)), None):
        raise WrongUseError(
            f"A {type(strange).__name__} is not an exchange.",
            hint="Read the evidence first: st.replay(st.read(...)).",
        )
    return exchanges
