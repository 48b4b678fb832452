"""The tips panel: the troubleshooting tips of a failure, one step at a time, with what the evidence already proves."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import ipywidgets as widgets

from sinchtools.catalogue import status_rows
from sinchtools.diagnosis import diagnose
from sinchtools.panels.choice import ExchangeChoice
from sinchtools.panels.look import WIDE, Panel, button, card, labelled, row
from sinchtools.playbook import Walk, tips
from sinchtools.records import Exchange

_WORDS = {"ok": ("CHECKED: FINE", "good"), "problem": ("CHECKED: THIS IS IT", "bad"), "not decidable": ("YOU DECIDE", "open")}


class TipsPanel(Panel):
    """
    Walk the troubleshooting tips by clicking; the function twin is ``st.tips(exchange)`` with its ``answer(...)``.

    Parameters
    ----------
    evidence
        One exchange or many, offered first; the 16 rows of the status page follow.

    Attributes
    ----------
    walk
        The walk that is under way; its `transcript` goes into the report.
    """

    def __init__(self, evidence: Exchange | Iterable[Exchange] = ()) -> None:
        super().__init__("Step through the troubleshooting tips", "Look, do, and say whether it helped. Every answer is written down.")
        exchanges = [evidence] if isinstance(evidence, Exchange) else list(evidence)
        self._walks: dict[str, Walk] = {}
        self._rows = {entry.label: entry for entry in status_rows()}
        rows = [(f"{label}  |  {entry.title}", label) for label, entry in self._rows.items()]
        self.choice = ExchangeChoice(exchanges, self.guard(self.start), more=rows)
        self.step = widgets.HTML(layout=WIDE)
        self.note = labelled(widgets.Text, "Note", "What you saw; goes into the transcript", placeholder="optional")
        self.done_button = button("That was it, solved", "End here: this step mended it", primary=True)
        self.failed_button = button("Did not help", "Go on where this step points")
        self.skip_button = button("Not the cause, next", "Go to the next step")
        self.back_button = button("Back", "Return to the step before")
        self.twin = widgets.HTML(layout=WIDE)
        buttons = (self.done_button, self.failed_button, self.skip_button, self.back_button)
        for one, work in zip(
            buttons, (lambda: self.answer("done"), lambda: self.answer("failed"), lambda: self.answer("skipped"), self.back), strict=True
        ):
            one.on_click(self.guard(work, *buttons))
        self.rows(self.choice, self.step, self.note, row(*buttons), self.twin)
        self.start()

    def start(self) -> None:
        """Begin the chosen walk, or go on with it where it was left."""
        chosen = str(self.choice.value)
        if chosen not in self._walks:
            x = self.choice.exchanges.get(chosen)
            self._walks[chosen] = tips(x, findings=diagnose(x, now=x.at).findings) if x else tips(self._rows[chosen].number, self._rows[chosen].code)
        self.walk = self._walks[chosen]
        self._show()

    def answer(self, state: str) -> None:
        """Answer the current step: done, failed or skipped."""
        self.walk.answer(state, self.note.value)
        self.note.value = ""
        self._show()

    def back(self) -> None:
        """Return to the step before."""
        self.walk.back()
        self._show()

    def _show(self) -> None:
        walk = self.walk
        for one in (self.done_button, self.failed_button, self.skip_button):
            one.layout.display = "none" if walk.finished else ""
        self.step.value = _end(walk) if walk.finished else _step(walk)
        self.twin.value = f"<details><summary>All steps and what was answered</summary>{walk._repr_html_()}</details>"
        self.say(f"{len(walk.transcript)} answers written down." if walk.transcript else "")


def _step(walk: Walk) -> str:
    step, checked = walk.current, walk.check()
    number = walk.playbook.steps.index(step) + 1
    word, kind = _WORDS[checked.state]
    ends = step.otherwise.startswith("ends:")
    then = step.otherwise.removeprefix("ends:").strip() if ends else next(s.title for s in walk.playbook.steps if s.id == step.otherwise)
    return (
        f"<p class='st-quiet'>{escape(walk.playbook.title)}: step {number} of {len(walk.playbook.steps)}</p><h3>{escape(step.title)}</h3>"
        f"<p><b>Look:</b> {escape(step.look)}</p><p><b>Do:</b> {escape(step.do)}</p><p><b>Did not help? Then:</b> {escape(then)}</p>"
        + card(word, escape(checked.proof), kind)
    )


def _end(walk: Walk) -> str:
    rows = "".join(f"<li>{escape(event['title'])}: {escape(event['state'])}</li>" for event in walk.transcript)
    return card("THE END OF THESE TIPS", f"<p>{escape(walk.ended)}</p><ol>{rows}</ol>", "good" if walk.transcript[-1]["state"] == "done" else "open")
