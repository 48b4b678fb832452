"""The case bar: which case it is, other cases, a new one, and where requests go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets
from markupsafe import Markup

from sinchtools.cases.case import Case
from sinchtools.cases.recent import new_name, recent_cases
from sinchtools.notebook.workbench.controls import button, classed, html, row, seen, show, text
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.words import counts

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_MOST_CASES = 30
_NEW = "New case"


class CaseBar:
    """The bar at the top."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._is_showing = False
        self.cases = classed(widgets.Dropdown(options=[], description="Case"), "st-cases")
        self.new_button = button(_NEW, "quiet", "Begin an empty case")
        self.facts = html("", "st-facts muted")
        self.undo_button = button("Undo", "quiet", "Take the last reading out of the case")
        self.promise = html(page("promise.html"))
        self.name = text("Ticket number of the new case", "st-name", placeholder="Ticket number")
        self.create_button = button("Create", "primary st-create")
        self.cancel_button = button("Cancel", "quiet")
        self.naming = row("row st-naming", self.name, self.create_button, self.cancel_button)
        end = row("row push", self.undo_button, self.promise)
        self.widget = row("st-case", self.cases, self.new_button, self.naming, self.facts, end)
        seen(self.naming, False)
        self.cases.observe(self._choose, names="value")
        self.new_button.on_click(desk.doing(self._ask_name))
        self.create_button.on_click(desk.doing(self._create))
        self.cancel_button.on_click(desk.doing(lambda: self._show_naming(False)))
        self.undo_button.on_click(desk.doing(desk.undo))

    def show(self) -> None:
        """Show the case and the others there are."""
        state = self._desk.state
        current = state.case.name if state.case else ""
        names = list(dict.fromkeys([current, *recent_cases()]))[:_MOST_CASES]
        self._is_showing = True
        self.cases.options = [(name or _NEW, name) for name in names]
        self.cases.value = current
        self._is_showing = False
        show(self.facts, Markup("<span>{}</span>").format(counts(state)))
        seen(self.undo_button, bool(state.case and state.case.readings))

    def _choose(self, change: dict[str, str]) -> None:
        if not self._is_showing and change["new"]:
            self._desk.doing(lambda: self._desk.open_case(change["new"]))(None)

    def _ask_name(self) -> None:
        self.name.value = ""
        self.name.placeholder = new_name()
        self._show_naming(True)
        self._desk.focus(".st-name input")

    def _create(self) -> None:
        self._show_naming(False)
        self._desk.open_case(self.name.value.strip() or new_name())

    def _show_naming(self, is_asked: bool) -> None:
        others = [self.new_button, self.facts]
        gone, come = (others, [self.naming]) if is_asked else ([self.naming], others)
        for one in gone:  # first: what is shown then does not move under the pointer
            seen(one, False)
        for one in come:
            seen(one, True)


def last_case() -> Case | None:
    """Return the case that was used last, or None when there is none."""
    names = recent_cases()
    return Case(names[0]) if names else None
