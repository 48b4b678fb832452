"""The workbench: all parts of one ticket on one panel, from the paste to the copied reply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as widgets

from sinchtools.cases.case import Case, Reading
from sinchtools.cases.commands import as_curl, as_python
from sinchtools.cases.recent import new_name
from sinchtools.core.errors import WrongUseError
from sinchtools.core.html import UNTYPESET
from sinchtools.core.records import visible
from sinchtools.diagnosis.rules import text_of
from sinchtools.evidence import Evidence, read
from sinchtools.notebook.panels.base import watch
from sinchtools.notebook.twin import Twin
from sinchtools.notebook.workbench.bridge import Bridge
from sinchtools.notebook.workbench.bulk import Bulk
from sinchtools.notebook.workbench.case_bar import CaseBar, last_case
from sinchtools.notebook.workbench.clicks import Clicks, in_words
from sinchtools.notebook.workbench.controls import box, column, html, seen, show
from sinchtools.notebook.workbench.evidence import SAVING, EvidencePart
from sinchtools.notebook.workbench.fixing import chosen_fix
from sinchtools.notebook.workbench.page import page, style
from sinchtools.notebook.workbench.pattern import PatternPart
from sinchtools.notebook.workbench.problem import Problem, can_be_replayed
from sinchtools.notebook.workbench.proof import Proof
from sinchtools.notebook.workbench.proving import prove, tried_unchanged
from sinchtools.notebook.workbench.reply import Reply
from sinchtools.notebook.workbench.samples import Sample
from sinchtools.notebook.workbench.state import State
from sinchtools.notebook.workbench.still import still_html, still_text
from sinchtools.notebook.workbench.tips import Tips
from sinchtools.notebook.workbench.work import Job, Worker, takes_long
from sinchtools.replays.planned import as_it_goes

_MOST_DRAFTS = 5
RESULT = ".st-looking, .st-sentence, .st-title"  # the first of them that is seen
Given = tuple[Any, str, Reading | None]  # what to read, its name, and which reading it replaces


class Workbench(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    One panel for a ticket: evidence, what is wrong, the proof, tips, and the reply.

    Parameters
    ----------
    case
        A case, or the name or number of one, which is made when there is none; None opens the case
        that was used last, and an empty one when there is none.

    Attributes
    ----------
    state
        The case, the request in front, the ticks, and the last proof.
    """

    def __init__(self, case: Case | str | int | None = None) -> None:
        super().__init__()
        self.state = State()
        self.reading_name = ""
        self.worker = Worker(self._tell, self._end_work)
        self.clicks = Clicks(self)
        self.doing = self.clicks.doing
        self._is_opening = False
        self._seen: int | None = None
        self._twin = Twin(lambda: (still_html(self.state), still_text(self.state)))
        self.bridge = Bridge(self)
        self.message = html()
        self.case_bar = CaseBar(self)
        self.evidence = EvidencePart(self)
        self.problem, self.proof = Problem(self), Proof(self)
        self.tips, self.reply = Tips(self), Reply(self)
        self.pattern, self.bulk = PatternPart(self), Bulk(self)
        parts = (self.pattern, self.problem, self.proof, self.bulk)
        self.main = column("st-main", *(part.widget for part in parts))
        self.both = box("st-both", self.tips.widget, self.reply.widget)
        self.wide = box("st-wide", self.main, column("st-rail", self.both))
        for name in ("st", *UNTYPESET.split()):
            self.add_class(name)
        self.children = (
            html(style()),
            self.bridge,
            self.case_bar.widget,
            self.message,
            self.evidence.widget,
            self.wide,
        )
        self.begin(_opened(case))
        watch(self)

    def check(self) -> bool:
        """Say so when anything else changed the evidence since the last click."""
        is_quiet = not (self.clicks.is_busy or self.worker.is_busy)
        is_stale = is_quiet and self.state.version != self._seen
        if is_stale:
            self._seen = self.state.version
            words = "The case was changed elsewhere. Choose it again to see the changes."
            self.say("warn", "OUT OF DATE", words)
        return is_stale

    def mark_seen(self) -> None:
        """Take what is shown for the case as it is now."""
        if not self.state.is_held:
            self._seen = self.state.version

    # --- the ticket -------------------------------------------------------------------------------

    def begin(self, case: Case | None) -> None:
        """Show a case from its start; a large one is opened in a thread."""
        self.worker.leave()
        self.evidence.columns.forget()
        self.evidence.end_work()
        self.evidence.fold()
        self.state.begin(case)
        self.reading_name = self._name_of_readings()
        if case is None or not takes_long(self.state.version or 0):
            self._in_front()
            return
        self.state.is_held = self._is_opening = True
        self.evidence.begin_work(f"Opening {self.reading_name or case.name}", "Leave this case")
        self.refresh()
        self.worker.start(lambda job: self._show_work(job, case.evidence))

    def wait(self) -> None:
        """Wait until what is read in a thread is shown."""
        self.worker.wait()

    def cancel(self) -> None:
        """Stop reading: the case stays as it was. A case that is being opened is left."""
        if not self.worker.cancel():
            return
        self.evidence.end_work()
        if self._is_opening:
            self.begin(None)
            return
        self.state.is_held = False
        self.refresh()
        self.say("note", "Cancelled.", "Nothing was added to the case.")

    def read(
        self,
        source: Any,
        name: str,
        *,
        is_long: bool = False,
        replaces: Reading | None = None,
        **options: Any,
    ) -> None:
        """Read evidence into the case; what is large in a thread, with a word on how far it is."""
        if self.state.is_held:
            raise WrongUseError("The panel is still reading.", hint="Wait, or cancel it first.")
        source_and_name = (source, name, replaces)
        if not is_long:
            self._take(read(source, **options), source_and_name)
            return
        self.state.is_held, self._is_opening = True, False
        self.evidence.begin_work(f"Reading {name}", "Add nothing to the case")
        self.worker.start(lambda job: self._read_work(job, source_and_name, options))

    def _take(self, found: Evidence, given: Given) -> None:
        if not len(found):
            self._tell_of_nothing(found, given)
            return
        self.add(found, given[1], replaces=given[2])
        self._offer_columns(found, given)
        self.focus(RESULT)

    def _read_work(self, job: Job, given: Given, options: dict[str, Any]) -> None:
        source, name, replaces = given
        found = read(source, **options)
        if not len(found):
            with job.shown():
                self._tell_of_nothing(found, given)
            return
        job.keep()
        self.evidence.show_work(SAVING)
        case = self.state.case or Case(new_name())
        evidence = _kept(case, found, name, replaces)
        with job.shown():
            self.state.case = case
            self.evidence.forget_paste()
            self.reading_name = self._name_of_readings()
            self.state.choose("")
            self._offer_columns(found, given)
        self._show_work(job, evidence)

    def _offer_columns(self, found: Evidence, given: Given) -> None:
        readings = self.state.case.readings if self.state.case else []
        self.evidence.columns.offer(*given[:2], found, readings[-1] if readings else None)

    def _show_work(self, job: Job, evidence: Evidence) -> None:
        """Show what was read, first what is wrong, then what takes longer."""
        with job.shown():
            self.state.hold(evidence)
            self.evidence.end_work()
            self._forget()
            self._try_unchanged()
            self._refresh_parts()
            self._seen = self.state.version
            self.focus(RESULT)
        self._rest_work(job)

    def _rest_work(self, job: Job) -> None:
        """Find the pattern and draft the reply, which take seconds in a large case."""
        self.pattern.prepare()
        with job.shown():
            self.pattern.show()
        for _ in range(_MOST_DRAFTS):
            key = self.reply.key
            drafts = self.reply.drafts()
            with job.shown():
                if key == self.reply.key:
                    self.reply.show(drafts)
                    return

    def _end_work(self, error: Exception | None) -> None:
        is_shown, self.state.is_held = not self.state.is_held, False
        self.evidence.end_work()
        if error is not None:
            self.fail(error)
        if not is_shown:
            self.refresh()
        self._seen = self.state.version
        self.show_still()

    def _tell(self, what: str, done: int, of: int, seconds: float) -> None:
        self.evidence.show_progress(what, done, of, seconds)

    def open_case(self, name: str) -> None:
        """Open a case, or make it."""
        self.begin(Case(name))

    def open_sample(self, sample: Sample) -> None:
        """Read a sample ticket into a case of its own."""
        if self.state.case is None or self.state.is_held or len(self.state.evidence):
            self.begin(Case(f"sample {Path(sample.name).stem}"))
        if not len(self.state.evidence):
            self.evidence.take(sample.path, sample.title)

    def add(self, found: Evidence, name: str, *, replaces: Reading | None = None) -> None:
        """Keep what was read in the case, which is made when there is none yet."""
        case = self.state.case or Case(new_name())
        evidence = _kept(case, found, name, replaces)
        if self.state.case is None:
            self.state.begin(case)
        self.state.hold(evidence)
        self.evidence.forget_paste()
        self.reading_name = self._name_of_readings()
        self.state.choose("")
        self._in_front()

    def undo(self) -> None:
        """Take the last reading out of the case again."""
        if self.state.case is None or not self.state.case.readings:
            raise WrongUseError("There is nothing to undo.", hint="Read some evidence first.")
        gone = self.state.case.readings[-1]
        self.state.case.remove(gone)
        self.begin(self.state.case)
        self.say("good", "Removed from the case.", gone.name)

    def choose(self, exchange_id: str) -> None:
        """Put another request in front."""
        self.state.choose(exchange_id)
        self._in_front()

    def step(self, by: int) -> None:
        """Put the next or previous request in front."""
        if (one := self.state.neighbour(by)) is not None:
            self.choose(one.id)
            self.state.walked = True
            self.pattern.show()

    def bulk_done(self) -> None:
        """Draft the reply anew: more was proven."""
        self.reply.forget()
        self.reply.show()

    def tick(self, number: int, is_wanted: bool) -> None:
        """Want a fix, or not."""
        unticked = self.state.unticked
        unticked.discard(number) if is_wanted else unticked.add(number)
        self.state.by_hand = None
        self.problem.show_ticks()
        self.bulk.show()

    def replay(self) -> None:
        """Replay the request in front with its ticked fixes, and keep the result in the case."""
        state, front = self.state, self.state.exchange
        if front is None or state.case is None or not can_be_replayed(front):
            raise WrongUseError("There is no request to replay.", hint="Add the request first.")
        self.problem.form.take()
        edit, chosen = state.edit, state.ticked
        first = None
        if state.by_hand is None and len(chosen) > 1 and state.diagnosis is not None:
            alone = chosen_fix(state.diagnosis, {chosen[0].number})
            first = alone.edit if alone else None
        changes = 0 if state.by_hand is not None else len(chosen)
        proven = prove(front, edit, log=state.case.log, first=first, changes=changes)
        state.proven = proven
        state.case.add_replay(proven.replayed)
        self.reply.forget()
        self.refresh()
        self.bridge.say(f"{proven.result.verdict}. {proven.result.status_in_words}, simulated.")

    def _in_front(self) -> None:
        """Show the request in front as if it was never looked at."""
        self._forget()
        self._try_unchanged()
        self.refresh()
        self._seen = self.state.version

    def _forget(self) -> None:
        self.problem.forget()
        self.bulk.forget()
        self.reply.forget()

    def _try_unchanged(self) -> None:
        """Where no change can help, show at once that the request itself is fine."""
        front, diagnosis = self.state.exchange, self.state.diagnosis
        if front is None or diagnosis is None or not can_be_replayed(front) or not front.failed:
            return
        if (why := diagnosis.not_fixable_because) and not self.state.ticked:
            self.state.proven = tried_unchanged(front, why)

    # --- what is seen -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now; in a large case, what takes seconds comes later."""
        self._refresh_parts()
        if self.state.is_held:
            return
        if takes_long(self.state.version or 0) and self.state.requests:
            self.worker.start(self._rest_work)
        else:
            self.reply.show()

    def _refresh_parts(self) -> None:
        self.case_bar.show()
        self.evidence.show()
        is_there = bool(self.state.requests)
        if is_there:
            for part in (self.problem, self.proof, self.bulk, self.tips):
                part.show()
            self.pattern.show()
        self.reply.begin()
        self.bridge.texts = self._texts()
        seen(self.wide, is_there)  # last: nothing moves under the pointer while it is drawn

    def _texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: the request that works, without its secrets."""
        proven = self.state.proven
        if proven is None or proven.result.verdict != "FIXED":
            return {}
        request = proven.result.request
        return {
            "curl": as_curl(request),
            "python": as_python(request),
            "body": text_of(as_it_goes(request).request_body) or "",
        }

    def say(self, tone: str, title: str, words: str = "", details: str = "") -> None:
        """Show one message below the case bar, until the next click."""
        show(
            self.message, page("message.html", tone=tone, title=title, words=words, details=details)
        )

    def _tell_of_nothing(self, found: Evidence, given: Given) -> None:
        """Say that nothing in the paste is evidence; the paste stays."""
        self.evidence.columns.offer(*given[:2], found, None)
        if self.evidence.columns.is_open:
            self.say("warn", "Which column is which?", "Choose below what the columns contain.")
            return
        reasons = list(dict.fromkeys(one.reason for one in found.skipped))[:3]
        words = (
            "Paste the request or the response: a curl command, a HAR, log lines, an error body."
        )
        self.say("warn", "No request was found in this text.", words, "; ".join(reasons))

    def fail(self, error: Exception) -> None:
        """Say what went wrong."""
        self.bridge.send({"do": "failed"})
        self.say("bad", *in_words(error))

    # --- the browser ------------------------------------------------------------------------------

    def focus(self, where: str) -> None:
        """Put the cursor into a field."""
        self.bridge.send({"do": "focus", "where": where})

    def open_file(self, path: Path, kind: str, *, in_a_tab: bool) -> None:
        """Open a file that was written in a tab of the browser, or download it."""
        what = {"do": "open", "name": path.name, "kind": kind, "open": in_a_tab}
        self.bridge.send(what, [path.read_bytes()])

    def show_still(self) -> None:
        """Update what a saved notebook shows."""
        if not self.state.is_held:
            self._twin.renew()

    def _ipython_display_(self) -> None:
        """Display the panel, and beside it what is seen where no widget is."""
        self._twin.show(self._repr_mimebundle_(), still_text(self.state))

    def _name_of_readings(self) -> str:
        readings = self.state.case.readings if self.state.case else []
        if not readings:
            return ""
        more = f" and {len(readings) - 1} more" if len(readings) > 1 else ""
        return f"{readings[-1].name}{more}"

    def __repr__(self) -> str:
        case = self.state.case
        return visible(f"<Workbench{f' of case {case.name}' if case else ''}>")


def _kept(case: Case, found: Evidence, name: str, replaces: Reading | None) -> Evidence:
    """Keep evidence in a case, in place of a reading of it."""
    if replaces is not None and replaces in case.readings:
        case.remove(replaces)
    return case.add(found, name=name)


def _opened(case: Case | str | int | None) -> Case | None:
    if case is None:
        return last_case()
    return case if isinstance(case, Case) else Case(case)
