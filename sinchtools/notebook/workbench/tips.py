"""The tips: what the evidence decides first, then what a person has to check."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from sinchtools.core.records import Step
from sinchtools.notebook.workbench.controls import button, column, html, row, seen, show
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.state import State
from sinchtools.playbooks.playbook import Walk, tips

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_MOST_ASKED, _MOST_FINE = 3, 3
_ORDER = ("bad", "warn", "good", "note", "ask")
_ANSWERS = {"done": "This was it", "failed": "Did not help", "skipped": "Skip"}
_DECIDED = {"problem": ("Cause", "bad"), "caution": ("Careful", "warn"), "ok": ("Fine", "good")}
_SAID = {
    "done": ("Solved", "good"),
    "failed": ("Did not help", "note"),
    "skipped": ("Skipped", "note"),
}


class Tip(NamedTuple):
    """One step as it is shown."""

    step: Step
    tone: str
    word: str
    words: str
    is_asked: bool


class Tips:
    """The part beside the reply."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.head = html()
        self.steps = column("st-steps")
        self.widget = column("st-part", self.head, self.steps)
        self.walk: Walk | None = None
        self._shown: list[Tip] = []

    def show(self) -> None:
        """Show the steps of the request in front."""
        state = self._desk.state
        if self.walk is None or self.walk.exchange is not state.exchange:
            self.walk = walk_of(state)
        seen(self.widget, self.walk is not None)
        if self.walk is None:
            return
        found = tips_of(self.walk)
        if found == self._shown:  # nothing moves
            return
        self._shown = found
        show(self.head, head_html(found))
        fine = [one for one in found if one.tone == "good"][_MOST_FINE:]
        steps = [self._step(one) for one in found if one not in fine]
        self.steps.children = [*steps, html(fine_html(fine))] if fine else steps

    def _step(self, one: Tip) -> Any:
        buttons = [self._buttons(one)] if one.is_asked else []
        return column("st-step", html(step_html(one)), *buttons)

    def _buttons(self, one: Tip) -> Any:
        made = []
        for state, words in _ANSWERS.items():
            answer = button(words, "quiet" if state == "skipped" else "")
            answer.on_click(self._desk.doing(partial(self._answer, one.step, state)))
            made.append(answer)
        return row("row", *made)

    def _answer(self, step: Step, state: str) -> None:
        """Keep what a person says of a step; it goes into the report."""
        if self.walk is None or self._desk.state.case is None:
            return
        self.walk.answer_step(step.id, state)
        self._desk.state.case.add_walk(self.walk)
        self._desk.refresh()


def walk_of(state: State) -> Walk | None:
    """Return the walk through the tips of the request in front, if it failed."""
    front, diagnosis = state.exchange, state.diagnosis
    if front is None or diagnosis is None or not front.failed:
        return None
    return tips(front, findings=diagnosis.findings)


def tips_of(walk: Walk) -> list[Tip]:
    """Return the steps: the cause first, then what is fine, then what a person checks."""
    answered = {event["step"]: event["state"] for event in walk.transcript}
    found = [_tip(walk, step, answered.get(step.id)) for step in walk.playbook.steps]
    found.sort(key=lambda one: _ORDER.index(one.tone))
    causes = [one for one in found if one.tone == "bad"]
    alike = [one for i, one in enumerate(causes) if one.words in [c.words for c in causes[:i]]]
    asked = [one for one in found if one.is_asked]
    return [one for one in found if one not in alike and one not in asked[_MOST_ASKED:]]


def _tip(walk: Walk, step: Step, said: str | None) -> Tip:
    if said in _SAID:
        word, tone = _SAID[said]
        return Tip(step, tone, word, "", False)
    found = walk.decided(step)
    if found.kind in _DECIDED:
        word, tone = _DECIDED[found.kind]
        return Tip(step, tone, word, found.proof, False)
    return Tip(step, "ask", "Please check", f"{step.look} {step.do}", True)


def head_html(found: Sequence[Tip]) -> Markup:
    """Return the title with what was decided."""
    asked = sum(one.is_asked for one in found)
    counts = f"{len(found) - asked} checked"
    return page("tips.html", counts=f"{counts}, {asked} for you" if asked else counts)


def fine_html(fine: Sequence[Tip]) -> Markup:
    """Return what else is fine, folded."""
    return page("fine.html", fine=[(one.step.title, one.words) for one in fine])


def step_html(one: Tip) -> Markup:
    """Return one step without its buttons."""
    return page("step.html", tone=one.tone, title=one.step.title, word=one.word, words=one.words)
