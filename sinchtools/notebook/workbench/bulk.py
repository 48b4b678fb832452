"""Apply the ticked fixes to all requests of a kind: three examples first, then all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from sinchtools.cases.case import Case
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.diagnosis.beside import NATIONAL
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.notebook.running import Running
from sinchtools.notebook.workbench.controls import button, column, html, row, seen, show
from sinchtools.notebook.workbench.fixing import Suggestion, chosen_fix, suggestions
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.state import State
from sinchtools.replays.planning import plan
from sinchtools.replays.runner import Progress

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_EXAMPLES, _FEW = 3, 20


class Change(NamedTuple):
    """What the same rules change in another request of the kind."""

    exchange: Exchange
    edit: dict[str, Any]
    old: str
    new: str


class Bulk:
    """The part below the proof, when other requests failed in the same way."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.running = Running(self._draw, self._fail, self._show_buttons)
        self.rule, self.outcome = html(), html()
        self.few_button = button(f"Replay {_FEW}", "", "Apply the same fixes to a few of them")
        self.all_button = button("Apply to all", "", "Apply the same fixes to all of them")
        self.stop_button = button("Stop", "")
        do = row("st-do", self.few_button, self.all_button, self.stop_button)
        self.widget = column("st-part st-bulk", self.rule, do, self.outcome)
        self.few_button.on_click(desk.doing(lambda: self.start(_FEW)))
        self.all_button.on_click(desk.doing(lambda: self.start(None)))
        self.stop_button.on_click(lambda _: self.stop())

    def show(self) -> None:
        """Show the rule and three examples, when there is one and others to apply it to."""
        state = self._desk.state
        others = len(state.siblings)
        is_offered = others > 1 and bool(state.ticked) and state.by_hand is None
        seen(self.widget, is_offered)
        if not is_offered:
            return
        examples = list(changes_of(state, state.siblings[:_EXAMPLES]))
        rules = [rule_of(one, state.exchange) for one in state.ticked]
        show(self.rule, page("bulk.html", n=others, rules=rules, examples=examples))
        self.few_button.description = f"Replay {min(_FEW, others):,}"
        self.all_button.description = f"Apply to all {others:,}"
        seen(self.few_button, others > _FEW)
        self._show_buttons()

    def forget(self) -> None:
        """Take the outcome away: another request is in front."""
        self.stop()
        show(self.outcome, "")

    def start(self, most: int | None) -> None:
        """Replay requests of the kind with the same fixes, in a thread of its own."""
        state = self._desk.state
        if state.case is None or self.running.is_on:
            return
        case, rows = state.case, state.siblings[:most]
        self._draw(_beginning(len(rows)))
        self.running.start(lambda: self._run(case, rows))
        self._show_buttons()

    def stop(self) -> None:
        """Send nothing more."""
        self.running.stop()

    def wait(self) -> None:
        """Wait until it is done."""
        self.running.wait()

    def _run(self, case: Case, rows: Sequence[Exchange]) -> None:
        edits = {one.exchange.id: one.edit for one in changes_of(self._desk.state, rows)}
        chosen = [one for one in rows if one.id in edits]
        if not chosen:
            raise WrongUseError("None of these requests has such a fix.")
        made = self.running.take(plan(chosen, edits=edits, log=case.log, workers=4))
        replayed = made.run(progress=self.running.tell)
        case.add_replay(replayed)
        verdicts = Counter(one.verdict for one in replayed if one.child is not None)
        left = len(rows) - len(chosen)
        show(self.outcome, outcome_html(verdicts, len(rows), left, replayed.stopped))
        self._desk.bulk_done()

    def _fail(self, error: Exception) -> None:
        show(self.outcome, "")
        self._desk.fail(error)

    def _draw(self, progress: Progress) -> None:
        show(self.outcome, progress_html(progress))

    def _show_buttons(self) -> None:
        is_running = self.running.is_on
        self.few_button.disabled = self.all_button.disabled = is_running
        seen(self.stop_button, is_running)


def _beginning(total: int) -> Progress:
    return Progress(done=0, failed=0, total=total, per_s=0.0, remaining_s=None)


def changes_of(state: State, rows: Iterable[Exchange]) -> Iterator[Change]:
    """Yield what the rules of the ticked findings change in each request; others are left out."""
    rules = {one.finding.rule for one in state.ticked}
    for found in diagnose(list(rows), history=state.evidence):
        listed = suggestions(found)
        wanted = [one for one in listed if one.finding.rule in rules and one.title is not None]
        fix = chosen_fix(found, {one.number for one in wanted})
        if fix is not None:
            yield Change(found.exchange, dict(fix.edit), wanted[0].old, wanted[0].new)


def rule_of(one: Suggestion, front: Exchange | None) -> str:
    """Return what a fix does to every request of the kind, in words."""
    if one.finding.rule in NATIONAL:
        digits = one.old.lstrip("0 ")
        code = one.new.removesuffix(digits) if digits and one.new.endswith(digits) else ""
        if code and front is not None:
            whose = f"national numbers of {front.account}" if front.account else "national numbers"
            instead = " in place of the leading 0" if one.old.startswith("0") else ""
            return f"Add {code}{instead} to the {whose}."
    return one.title or ""


def progress_html(run: Progress) -> Markup:
    """Return the bar of a run under way."""
    pace = f"{run.per_s:,.0f} a second" if run.per_s else ""
    left = f"{run.remaining_s:,.0f} s left" if run.remaining_s else ""
    words = ", ".join(filter(None, (f"{run.done:,} of {run.total:,} replayed", pace, left)))
    return page("progress.html", share=round(100 * run.done / max(run.total, 1)), words=words)


def outcome_html(verdicts: Counter[str], total: int, left: int, stopped: str) -> Markup:
    """Return what became of all of them."""
    fixed = verdicts["FIXED"]
    others = ", ".join(f"{n:,} {name}" for name, n in verdicts.most_common() if name != "FIXED")
    words = [f"Others: {others}."] if others else []
    words += [f"{counted(left, 'request')} had no such fix."] if left else []
    words += ["It was stopped. Click again to continue."] if stopped else []
    return page("bulk_outcome.html", fixed=fixed, total=total, words=words)
