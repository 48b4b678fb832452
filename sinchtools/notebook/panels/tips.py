"""
The tips panel.

The troubleshooting tips of a failure, one step at a time, with what the evidence already proves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets as widgets
from markupsafe import Markup

from sinchtools.api.catalogue import status_rows
from sinchtools.api.entries import RETRY
from sinchtools.cases.case import Case
from sinchtools.client.client import Client
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.picker import ExchangeChoice, label
from sinchtools.notebook.panels.theme import WIDE, Html, button, labelled, row, view
from sinchtools.playbooks.playbook import Walk, tips
from sinchtools.privacy.aliases import Aliases

_WORDS = {  # state of a check: its words and colour
    "ok": ("Checked: fine", "good"),
    "problem": ("Checked: this is the cause", "bad"),
    "caution": ("Checked: be careful", "open"),
    "not decidable": ("The evidence does not show it", "open"),
    "asked": ("Please check", "open"),
}
_ROWS_SHOWN = 12


class TipsPanel(Panel):
    """
    Walk the troubleshooting tips by clicking.

    The function twin is ``st.tips(exchange)`` with its ``answer(...)``.

    Parameters
    ----------
    evidence
        A case, which then keeps the walks; or one exchange, or many. They are offered first; the
        rows of the status page follow.
    client
        Giving one allows read-only calls for the steps that they can decide, each by a click;
        without it none is ever made.

    Attributes
    ----------
    walk
        The walk that is under way; its `transcript` goes into the report.
    diagnosis
        Of the chosen exchange; None for a row of the status page.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> TipsPanel(Exchange(status=415)).walk.current.title
    'Is Content-Type application/json?'
    """

    keeps = ("choice",)

    def __init__(
        self, evidence: Case | Exchange | Iterable[Exchange] = (), *, client: Client | None = None
    ) -> None:
        promise = "Look, do, and say whether it helped. Your answers are saved."
        source = [evidence] if isinstance(evidence, Exchange) else evidence
        super().__init__(
            "Step through the troubleshooting tips",
            promise,
            target=client.target if client else None,
            source=source,
        )
        self._evidence = list(self.exchanges)
        self._client = client
        self._walks: dict[str, tuple[Walk, Diagnosis | None]] = {}
        self._rows = {entry.label: entry for entry in status_rows()}
        rows = [(f"{name}  |  {entry.title}", name) for name, entry in self._rows.items()]
        self.choice = ExchangeChoice(self._evidence, self.guard(self.start), more=rows)
        self.step = Html(layout=WIDE)
        self.note = labelled(
            widgets.Text, "Note", "What you saw; goes into the transcript", placeholder="optional"
        )
        self.done_button = button("That was it, solved", "Done: this step fixed it", primary=True)
        self.failed_button = button("Did not help", "Go on where this step points")
        self.skip_button = button("Not the cause, next", "Go to the next step")
        self.back_button = button("Back", "Return to the step before")
        self.live_button = button(
            "Check with a read-only call",
            "Asks the API through the given client; changes and sends nothing",
        )
        self.answer_button = button("Reply to copy", "Show the few lines for the ticket")
        self.reply = Html(layout=WIDE)
        self.twin = Html(layout=WIDE)
        self._wire()
        buttons = (
            self.done_button,
            self.failed_button,
            self.skip_button,
            self.back_button,
            self.live_button,
            self.answer_button,
        )
        self.rows(self.choice, self.step, self.note, row(*buttons), self.reply, self.twin)
        self.begin()
        self.start()

    def redraw(self) -> None:
        """Offer what the case holds now; the walk that is under way goes on."""
        self._evidence = list(self.exchanges)
        if not self.choice.offer(self._evidence):
            raise WrongUseError(
                "The exchange that was chosen is not there any more.",
                hint="Look at the one that is shown now, then click again.",
            )
        self._show()

    def _wire(self) -> None:
        works = {
            self.done_button: lambda: self.answer("done"),
            self.failed_button: lambda: self.answer("failed"),
            self.skip_button: lambda: self.answer("skipped"),
            self.back_button: self.back,
            self.live_button: self.check_live,
            self.answer_button: self.show_answer,
        }
        for one, work in works.items():
            one.on_click(self.guard(work, *works))

    def start(self) -> None:
        """Begin the chosen walk, or go on with it where it was left."""
        chosen = str(self.choice.value)
        if chosen not in self._walks:
            self._walks[chosen] = self._begun(chosen)
        self.walk, self.diagnosis = self._walks[chosen]
        self.reply.value = ""
        self._show()

    def _begun(self, chosen: str) -> tuple[Walk, Diagnosis | None]:
        exchange = self.choice.exchanges.get(chosen)
        if exchange is None:
            return tips(self._rows[chosen].number, self._rows[chosen].code), None
        diagnosis = diagnose(exchange, history=self._evidence)
        return tips(exchange, findings=diagnosis.findings), diagnosis

    def answer(self, state: str) -> None:
        """Answer the current step: done, failed or skipped."""
        self.walk.answer(state, self.note.value)
        self.note.value = ""
        self._keep()
        self._show()

    def back(self) -> None:
        """Return to the step before."""
        self.walk.back()
        self._keep()
        self._show()

    def check_live(self) -> None:
        """Decide the current step by a read-only call, through the panel's client."""
        if self._client:
            self.walk.check(self._client)
        self._show()

    def show_answer(self) -> None:
        """Show the answer for the ticket as a text to copy, or hide it again."""
        self.reply.value = (
            "" if self.reply.value or self.diagnosis is None else _to_copy(self.diagnosis.answer())
        )
        self._show()

    def _keep(self) -> None:
        if self.case:
            self.case.add_walk(self.walk)

    def _show(self) -> None:
        walk = self.walk
        for one in (self.done_button, self.failed_button, self.skip_button):
            one.layout.display = "none" if walk.finished else ""
        self.live_button.layout.display = (
            ""
            if self._client and walk.exchange and walk.current.live and not walk.finished
            else "none"
        )
        self.answer_button.layout.display = "" if self.diagnosis else "none"
        self.step.value = _end(walk) if walk.finished else _step(walk, self.diagnosis)
        self.twin.value = view("steps.html", steps=walk._repr_html_())
        said = len(walk.transcript)
        self.say(f"{counted(said, 'answer')} saved." if said else "")

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return the step that is shown, with what proves it, and what was answered before."""
        walk, exchange = self.walk, self.walk.exchange
        said = [
            f"{one['title']}: {one['state']}. {one['reason']} {one['proof']}"
            for one in walk.transcript
        ]
        chosen = label(people.exchange(exchange)) if exchange else ""
        if walk.finished:
            step = view("end.html", ended=walk.ended, events=[], kind="")
        else:
            step = _step(walk, self.diagnosis, people.words)
        still = view("tips.html", chosen=chosen, step=step, said=map(people.words, said))
        return still, [exchange] if exchange else []


def _step(walk: Walk, diagnosis: Diagnosis | None, words: Callable[[str], str] = str) -> Markup:
    step, checked = walk.current, walk.check()
    number = walk.playbook.steps.index(step) + 1
    word, kind = _WORDS[checked.kind]
    ends = step.otherwise.startswith("ends:")
    then = (
        step.otherwise.removeprefix("ends:").strip()
        if ends
        else next(s.title for s in walk.playbook.steps if s.id == step.otherwise)
    )
    return view(
        "step.html",
        title=walk.playbook.title,
        number=number,
        total=len(walk.playbook.steps),
        step=step,
        then=then,
        advice=RETRY[diagnosis.retry.advice] if diagnosis else "",
        reason=diagnosis.retry.reason if diagnosis else "",
        word=word,
        kind=kind,
        proof=words(checked.proof),
    )


def _to_copy(text: str) -> Markup:
    return view("copy.html", rows=_ROWS_SHOWN, text=text)


def _end(walk: Walk) -> Markup:
    kind = "good" if walk.transcript[-1]["state"] == "done" else "open"
    return view("end.html", ended=walk.ended, events=walk.transcript, kind=kind)
