"""The report panel: choose what goes in, look at it, write it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from sinchtools.cases.case import Case
from sinchtools.cases.reports import PARTS, report
from sinchtools.core.records import Exchange
from sinchtools.core.settings import work_folder
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.theme import WIDE, Html, button, labelled, row, view
from sinchtools.privacy.aliases import Aliases

WORDS = {
    "change": "What to change",
    "when": "Since when",
    "accounts": "For whom",
    "others": "Other failures",
    "checked": "What was checked",
    "charts": "Saved charts",
    "notes": "Notes",
    "request": "The request",
    "manager": "For the account manager",
}
_PREVIEW = "preview.html"


class ReportPanel(Panel):
    """
    Write the case report by clicking; it is made from what the case holds at the click.

    The function twin is ``st.report(case, "case.html")``.

    Parameters
    ----------
    what
        A case, or evidence.
    folder
        Where the report goes; None is the work folder.
    options
        What else `report` takes: key, replays, walks, notes.

    Attributes
    ----------
    path
        The report that was written last, or None.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> ReportPanel([Exchange(id="a", status=403)]).path is None
    True
    """

    made_from = ""
    keeps = ("name", "note")

    def __init__(
        self, what: Case | Iterable[Exchange], *, folder: str | Path | None = None, **options: Any
    ) -> None:
        promise = (
            "One page or one capsule. People are aliases; what holds a secret or a person "
            "is not written."
        )
        super().__init__("Hand it over", promise, source=what)
        self._what, self._options = what, options
        self._folder = Path(folder) if folder else work_folder()
        self.path: Path | None = None
        self.parts = {
            part: widgets.Checkbox(
                value=True, description=WORDS[part], indent=False, tooltip=f"Put in: {WORDS[part]}"
            )
            for part in PARTS
        }
        name = what.folder.name if isinstance(what, Case) else "case"
        self.name = labelled(widgets.Text, "File name", "Without its ending", value=name)
        self.note = labelled(
            widgets.Textarea,
            "Note",
            "A sentence to go into the summary",
            placeholder="What the reader should know",
        )
        self.preview_button = button("Preview", "Show the report here, as it would be written")
        self.page_button = button(
            "Write the page", "One HTML file that needs nothing else", primary=True
        )
        self.capsule_button = button(
            "Write the capsule",
            "A zip with page, data, charts and transcript; st.read opens it again",
        )
        self.preview = Html(layout=WIDE)
        buttons = (self.preview_button, self.page_button, self.capsule_button)
        self.preview_button.on_click(self.guard(self.show, *buttons))
        self.page_button.on_click(
            self.guard(lambda: self.write(".html"), *buttons, busy="Writing ...")
        )
        self.capsule_button.on_click(
            self.guard(lambda: self.write(".zip"), *buttons, busy="Writing ...")
        )
        self.rows(row(*self.parts.values()), self.name, self.note, row(*buttons), self.preview)
        self.begin()

    def redraw(self) -> None:
        """Take the preview away: it shows the case as it was."""
        self.preview.value = ""

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return what goes in, and what was written."""
        written = people.words(self.path.name) if self.path else ""
        parts = ", ".join(WORDS[part] for part in self.chosen)
        return view("report.html", parts=parts, written=written), []

    @property
    def chosen(self) -> list[str]:
        """The parts that are ticked, as `report` takes them."""
        return [part for part, box in self.parts.items() if box.value]

    def show(self) -> None:
        """Show the report in a frame of its own, where nothing in it can run."""
        path = self._written(_PREVIEW)
        page = base64.b64encode(path.read_bytes()).decode("ascii")
        path.unlink()
        self.preview.value = view("preview.html", page=page)
        self.say("This is a preview. Nothing was written.")

    def write(self, ending: str) -> Path:
        """Write the report, and say where."""
        self.path = self._written(f"{Path(self.name.value.strip() or 'case').name}{ending}")
        self.say(f"Written: {self.path} ({self.path.stat().st_size / 1000:,.0f} kB).")
        return self.path

    def _written(self, name: str) -> Path:
        notes = [
            *self._options.get("notes", ()),
            *([self.note.value] if self.note.value.strip() else []),
        ]
        return report(
            self._what,
            self._folder / name,
            **{**self._options, "notes": notes, "parts": self.chosen},
        )
