"""
Replay without harm.

A plan shows its blockers, a confirmed run sends it, and each exchange gets a verdict.

The original is never changed; what is sent is a child row. The sandbox is the default; nothing else
runs without its switch.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from sinchtools.api.description import locate
from sinchtools.client.client import Client, connect
from sinchtools.core.errors import NotAllowedError, WrongUseError
from sinchtools.core.html import filled
from sinchtools.core.records import Exchange, visible
from sinchtools.core.words import counted
from sinchtools.replays.effects import VENDOR, effect_of, groups_of, load_of
from sinchtools.replays.guards import asks_again
from sinchtools.replays.judging import STOPPED, held, judged, sent_before, settled
from sinchtools.replays.ledger import Ledger
from sinchtools.replays.lookup import members_of, paced, settled_by_asking
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.results import SHOWN, ReplayResults, Result
from sinchtools.replays.runner import Job, Limiter, Pace, Progress, Runner, Sender
from sinchtools.replays.targets import ReplayRequest, in_a_fresh_sandbox, through, to_the_vendor

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "id": "string",
    "starts_s": "Float64",
    "method": "string",
    "path": "string",
    "changed": "string",
    "messages": "Int64",
    "fault": "string",
    "assumed": "string",
    "advice": "string",
    "against": "string",
}
_TYPICAL_S = {"preview": 0.0, "sandbox": 0.005, "dry-run": 0.3, "live": 0.3}


class Plan:
    """
    What would be sent where, and the reasons against it; making one sends nothing.

    Attributes
    ----------
    items
        One per exchange, in the order in which they would be sent.
    target
        ``preview``, ``sandbox``, ``dry-run`` or ``live``.
    pace
        How fast, what happens after a 429, and when the run gives up.
    """

    def __init__(
        self,
        items: Iterable[PlannedRequest],
        ledger: Ledger,
        *,
        client: Client | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.items, self.target, self.pace = tuple(items), ledger.target, pace or Pace()
        self._ledger, self._client = ledger, client
        self._runs = threading.Lock()
        self._stopping = threading.Event()

    def frame(self) -> pd.DataFrame:
        """
        One row per exchange, in the order of sending; no credentials are shown.

        ``id`` of the original; ``starts_s`` seconds from the run's start, <NA> when held back;
        ``method``, ``path``; ``changed``: yes or no; ``messages`` that it sends, members of unknown
        groups not counted; ``fault``: status and code that the sandbox returns on purpose,
        <NA> when none; ``assumed``: what the sandbox is set up with because the original response
        implies it (its clock, for instance: dates are judged as of then); ``advice`` of the status
        page on repeating the original; ``against``: empty when it would be sent.
        """
        import pandas as pd

        rows = [
            {
                "id": i.original.id,
                "starts_s": starts_s,
                "method": i.request.method,
                "path": locate(i.request.url or "").path,
                "changed": "yes" if i.changed else "no",
                "messages": load_of(i.request, self._ledger.members).messages,
                "fault": " ".join(str(part) for part in i.fault if part) if i.fault else None,
                "assumed": "; ".join(i.assumed),
                "advice": i.advice,
                "against": "; ".join(i.held_reasons),
            }
            for i, starts_s in zip(self.items, self._starts_s(), strict=True)
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)

    @property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """The reasons against, by the id of the exchange; one without any is not in it."""
        return {item.original.id: item.held_reasons for item in self.items if item.held_reasons}

    @property
    def effect(self) -> str:
        """What would happen to the outside world; dry-run and live run only when this is typed."""
        going = self._going
        return effect_of(
            [item.request for item in going],
            self.target,
            again=sum(asks_again(item.original) for item in going),
            members=self._ledger.members,
            test_number=any(item.test_number for item in going),
        )

    @property
    def duration_s(self) -> float:
        """How long a run takes at this pace, if each call takes as long as its original did."""
        starts = [start for start in self._starts_s() if start is not None]
        return starts[-1] + self._typical_s if starts else 0.0

    @property
    def has_questions(self) -> bool:
        """
        Whether `check` has questions for the vendor.

        They are about an unknown outcome, or about a group.
        """
        return any(item.unsettled or groups_of(item.request) for item in self.items)

    def check(self) -> Plan:
        """
        Ask the read-only questions that decide a dry-run or live plan.

        Return the plan that is left. No message is sent.

        An original whose outcome is unknown is looked for by its ``client_reference``, and a group
        is asked for its members.

        Raises
        ------
        NotAllowedError
            The target is not switched on.
        """
        if self.target not in VENDOR:
            return self
        self._ledger.check_allowed()
        with self._vendor() as client:
            groups = {group for item in self.items for group in groups_of(item.request)}
            limiter = Limiter(self.pace)
            members = {group: members_of(group, client) for group in paced(groups, limiter)}
            items = [settled_by_asking(item, client, limiter) for item in self.items]
        known = {group: numbers for group, numbers in members.items() if numbers is not None}
        ledger = replace(self._ledger, given=self._ledger.log, told=known, asked=datetime.now(UTC))
        return Plan(ledger.without_duplicates(items), ledger, pace=self.pace)

    def beside(self, newer: Plan) -> Plan:
        """
        Return this plan with the evidence that a newer plan of the same exchanges knows.

        This plan was checked a while ago.
        """
        ledger = replace(self._ledger, given=self._ledger.log, among=newer._ledger.among)
        return Plan(ledger.without_duplicates(self.items), ledger, pace=newer.pace)

    def run(
        self, *, confirm: str | None = None, progress: Callable[[Progress], object] | None = None
    ) -> ReplayResults:
        """
        Send what the plan contains, except what is on hold and what was sent before.

        After a stop or a crash, run it again to continue.

        Parameters
        ----------
        confirm
            For dry-run and live: the text of `effect`, typed by a person.
        progress
            Called with a `runner.Progress` at the start and after each request.

        Raises
        ------
        NotAllowedError
            The target is not switched on, or `confirm` is not the effect.
        LogError
            The log cannot be written; nothing was sent after that.
        WrongUseError
            It runs already, in another thread.
        """
        if not self._runs.acquire(blocking=False):
            raise WrongUseError("This plan runs already.", hint="Wait for it, or stop it first.")
        try:
            return self._run(confirm, progress)
        finally:
            self._stopping.clear()  # the next run goes on
            self._runs.release()

    def _run(
        self, confirm: str | None, progress: Callable[[Progress], object] | None
    ) -> ReplayResults:
        if self.target == "preview":
            return ReplayResults(
                (held(item, "preview: nothing was sent") for item in self.items), self.target
            )
        if self.target in VENDOR:
            self._ledger.check_allowed()
            self.items = self._ledger.renewed(self.items)
            if self._going and confirm != self.effect:
                raise NotAllowedError(
                    f"This plan would {self.effect!r}, and that was not confirmed.",
                    hint="Pass exactly these words: plan.run(confirm=...), or --confirm on the "
                    "command line.",
                )
        with self._way() as (client, senders):
            runner = Runner(self.pace, self._ledger.log, progress=progress, stopping=self._stopping)
            children = runner.run(self._jobs(), senders)
            found = settled(children, client, runner)
        return ReplayResults(
            (self._result(item, children, found, runner) for item in self.items),
            self.target,
            runner.stopped,
        )

    def stop(self) -> None:
        """
        Make a run in another thread send nothing more, even if it has not begun.

        Requests under way are waited for.
        """
        self._stopping.set()

    @property
    def why_held(self) -> str:
        """
        The blockers, most common first, each with the number of exchanges.

        It is empty when nothing is on hold.
        """
        counts = Counter(
            reason for reasons in self.reasons.values() for reason in reasons
        ).most_common(5)
        return "; ".join(f"{reason.rstrip('.')} ({count:,})" for reason, count in counts)

    def __repr__(self) -> str:
        held = f"\nOn hold: {self.why_held}" if self.reasons else ""
        return visible(f"<Plan for {self.target.upper()}: {self.summary}>{held}")

    def _repr_html_(self) -> str:
        head = ("Exchange", "Starts", "Request", "Changed", "Assumed", "Advice", "Against")
        rows = [
            (
                i.original.source or i.original.id,
                "" if starts_s is None else f"{starts_s:.1f} s",
                i.request.endpoint or f"{i.request.method} {locate(i.request.url or '').path}",
                "yes" if i.changed else "no",
                "; ".join(i.assumed),
                i.advice,
                "; ".join(i.held_reasons),
            )
            for i, starts_s in zip(self.items[:SHOWN], self._starts_s(), strict=False)
        ]
        told = [
            index for index in range(len(head)) if any(row[index] for row in rows)
        ]  # a column that says nothing takes room from the others
        return filled(
            "sinchtools.replays",
            "plan.html",
            title=f"Plan for {self.target.upper()}",
            summary=self.summary,
            held=self.why_held,
            heads=[head[i] for i in told],
            rows=[[row[i] for i in told] for row in rows],
            total=len(self.items),
        )

    @property
    def summary(self) -> str:
        """How many requests go and how many are on hold, the effect, the pace and the time."""
        held = len(self.reasons)
        counts = counted(len(self.items) - held, "request")
        if held:
            counts += f", {held:,} on hold"
        pace = (
            f"; {self.pace if self.target in VENDOR else self.pace.rates}"
            if self._going and self.pace != Pace()
            else ""
        )
        return f"{counts}; {self.effect}{pace}; about {self.duration_s:.0f} s"

    @property
    def _going(self) -> list[PlannedRequest]:
        return [item for item in self.items if not item.held_reasons]

    @property
    def _typical_s(self) -> float:
        known = [
            item.original.elapsed_ms / 1000 for item in self._going if item.original.elapsed_ms
        ]
        return median(known) if known and self.target in VENDOR else _TYPICAL_S[self.target]

    def _starts_s(self) -> Iterable[float | None]:
        at = 0.0
        for item in self.items:
            yield None if item.held_reasons else round(at, 3)
            if not item.held_reasons:
                each_s = max(
                    self.pace.seconds(load_of(item.request, self._ledger.members).messages),
                    self._typical_s / self.pace.workers,
                )
                at += each_s * (2 if item.needs_baseline else 1)

    @contextlib.contextmanager
    def _way(self) -> Iterator[tuple[Client | None, Callable[[], AbstractContextManager[Sender]]]]:
        if self.target not in VENDOR:
            if self._client is None:
                yield None, in_a_fresh_sandbox(self._ledger)
            else:
                yield self._client, through(self._client, self._ledger)
            return
        self._ledger.log.wait_for_disk()
        with self._vendor() as client:
            yield client, to_the_vendor(client, self._ledger)

    def _vendor(self) -> AbstractContextManager[Client]:
        made = connect("live", region=self._ledger.region, log=self._ledger.log)
        return contextlib.closing(made)

    def _jobs(self) -> Iterable[Job]:
        for item in self._going:
            calls = {item.baseline_id: item.original} if item.needs_baseline else {}
            for call_id, request in (calls | {item.call_id: item.request}).items():
                yield Job(
                    call_id=call_id,
                    messages=load_of(request, self._ledger.members).messages
                    if self.pace.messages_per_s
                    else 0,
                    by_fault=item.fault is not None,
                    replay=ReplayRequest(item=item, request=request),
                )

    def _result(
        self,
        item: PlannedRequest,
        children: Mapping[str, Exchange],
        found: Mapping[str, str],
        runner: Runner,
    ) -> Result:
        child = children.get(item.call_id)
        if item.held_reasons or child is None:
            return held(item, *(item.held_reasons or (runner.not_sent.get(item.call_id, STOPPED),)))
        notes = [sent_before(item, child)] if item.call_id in runner.done_before else []
        notes += [runner.not_sent[item.call_id]] if item.call_id in runner.not_sent else []
        notes += [found[item.call_id]] if item.call_id in found else []
        baseline = children.get(item.baseline_id) if item.needs_baseline else None
        return judged(item, child, baseline, notes)
