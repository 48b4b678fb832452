"""Close the case with what helped, so that the next one of the same kind shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from sinchtools.cases.solved import seen_before
from sinchtools.core.errors import WrongUseError
from sinchtools.notebook.workbench.controls import button, classed, column, html, row, seen, show

if TYPE_CHECKING:
    from sinchtools.cases.case import Case
    from sinchtools.notebook.workbench.desk import Workbench

_WHY = "The next case of this kind shows it. Leave out names and numbers."
_CLOSED = "Closed. The next case of this kind shows it."


class Closing:
    """The last line of the workbench, below the reply."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._case: Case | None = None
        self.helped = classed(
            widgets.Combobox(
                description="What helped?", placeholder="Such as: callback URL on the plan"
            ),
            "st-helped",
        )
        self.close_button = button("Close case", "st-close-case", "Keep what helped")
        self.said = html("", "muted small")
        title = html("<b>What helped?</b>")
        do = row("st-do", self.helped, self.close_button)
        self.widget = column("st-closing", title, do, self.said)
        self.close_button.on_click(desk.doing(self._close, busy="Closing…"))

    def show(self) -> None:
        """Show the line where there is a problem, with what helped before to choose from."""
        state = self._desk.state
        case, diagnosis = state.case, state.diagnosis
        is_wrong = diagnosis is not None and bool(diagnosis.failing or diagnosis.exchange.failed)
        seen(self.widget, is_wrong)
        if case is None or diagnosis is None:
            return
        if case is not self._case:
            self._case = case
            self.helped.value = case.helped
        before = seen_before(diagnosis, without=case.closed_as)
        self.helped.options = [text for text, _ in before.helped]
        self.close_button.description = "Change" if case.closed_as else "Close case"
        show(self.said, _CLOSED if case.closed_as else _WHY)

    def _close(self) -> None:
        state, helped = self._desk.state, self.helped.value.strip()
        if state.case is None:
            return
        if not helped:
            raise WrongUseError("What helped is still empty.", hint="Say it in a few words.")
        state.case.close(helped, exchange=state.exchange)
        self.show()
        self._desk.bridge.say("Case closed.")
