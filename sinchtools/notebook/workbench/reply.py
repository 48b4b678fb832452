"""The reply to the customer: a draft to edit and copy, and the report beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sinchtools.cases.replies import escalation_of, reply_of
from sinchtools.cases.reports import report
from sinchtools.cases.telling import told_of
from sinchtools.notebook.workbench.closing import Closing
from sinchtools.notebook.workbench.controls import area, button, column, html, row, seen

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_KINDS = {".html": "text/html", ".zip": "application/zip"}


class Reply:
    """The part where the ticket ends."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.is_short = False
        self._drafted = ""
        self.short_button, self.full_button = button("Short"), button("Full", "on")
        self.reset_button = button("Reset to draft", "quiet", "Forget your changes to the text")
        self.copy_button = button("Copy reply", "primary st-copy st-copy-reply")
        self.report_button = button(
            "Open report", "st-open-report", "Write the case report and open it"
        )
        self.bundle_button = button("Save bundle", "", "Report, data and charts in one zip")
        head = html("<h2>Reply</h2>")
        choice = row("st-seg", self.short_button, self.full_button)
        self.head = row("st-head", head, row("row push", self.reset_button, choice))
        self.text = area("Reply to the customer", "st-text-reply")
        self.do = row("st-do", self.copy_button, self.report_button, self.bundle_button)
        self.manager_text = area("For the account manager", "st-text-manager")
        copy_manager = button("Copy for the account manager", "st-copy st-copy-manager")
        title = html("<b>For the account manager</b>")
        self.manager = column("st-manager", title, self.manager_text, row("st-do", copy_manager))
        self.closing = Closing(desk)
        parts = (self.head, self.text, self.do, self.manager, self.closing.widget)
        self.widget = column("st-part", *parts)
        self.short_button.on_click(desk.doing(lambda: self._choose(True)))
        self.full_button.on_click(desk.doing(lambda: self._choose(False)))
        self.reset_button.on_click(desk.doing(self._reset))
        self.report_button.on_click(desk.doing(lambda: self._write(".html"), busy="Writing…"))
        self.bundle_button.on_click(desk.doing(lambda: self._write(".zip"), busy="Writing…"))
        self.text.observe(lambda _: self._show_reset(), names="value")

    @property
    def is_edited(self) -> bool:
        """Whether the text is not the draft any more."""
        return bool(self.text.value != self._drafted)

    @property
    def key(self) -> tuple[object, ...]:
        """What the drafts are made of."""
        state = self._desk.state
        return state.exchange and state.exchange.id, state.proven, state.version, self.is_short

    def drafts(self) -> tuple[str, str]:
        """Return the reply to the customer, and the text for the account manager."""
        state = self._desk.state
        if state.case is None:
            return "", ""
        proof = state.proven.result if state.proven else None
        story = told_of(state.case, about=state.exchange, given=proof, is_text=True)
        return reply_of(story, "short" if self.is_short else "full"), escalation_of(story)

    def begin(self) -> None:
        """Say that the reply is being drafted: what stood there is not to be copied any more."""
        seen(self.widget, bool(self._desk.state.requests))
        self.closing.show()
        if not self.is_edited:
            self._drafted = self.text.value = ""
            self.text.placeholder = "Drafting the reply…"
            self.copy_button.disabled = True

    def show(self, drafts: tuple[str, str] | None = None) -> None:
        """Draft the reply anew, unless it was edited."""
        is_there = bool(self._desk.state.requests)
        seen(self.widget, is_there)
        if not is_there:
            self._drafted = self.text.value = ""
            return
        was_edited = self.is_edited
        self._drafted, for_manager = drafts or self.drafts()
        if not was_edited:
            self.text.value = self._drafted
        self._show_reset()
        self.copy_button.disabled = False
        self.manager_text.value = for_manager
        seen(self.manager, bool(for_manager))

    def forget(self) -> None:
        """Begin a new text: another request is in front."""
        self._drafted = self.text.value = ""

    def _show_reset(self) -> None:
        seen(self.reset_button, self.is_edited)

    def _reset(self) -> None:
        self.text.value = self._drafted
        self._show_reset()

    def _choose(self, is_short: bool) -> None:
        self.is_short = is_short
        for one, is_on in ((self.short_button, is_short), (self.full_button, not is_short)):
            one.add_class("on") if is_on else one.remove_class("on")
        self.forget()
        self.show()

    def _write(self, ending: str) -> Path | None:
        case = self._desk.state.case
        if case is None:
            return None
        path = report(case, case.folder / f"report{ending}")
        self._desk.open_file(path, _KINDS[ending], in_a_tab=ending == ".html")
        self._desk.say("good", f"Saved {path.name}.", f"In the folder {path.parent}.")
        return path
