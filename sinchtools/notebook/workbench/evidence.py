"""The evidence: paste, drop, choose or name it; then one line that says what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from markupsafe import Markup

from sinchtools.api import deliveries
from sinchtools.cases.case import Reading
from sinchtools.core.errors import WrongUseError
from sinchtools.core.words import counted
from sinchtools.evidence import Evidence
from sinchtools.evidence.files import files_of, path_of
from sinchtools.notebook.workbench import samples
from sinchtools.notebook.workbench.columns import Columns
from sinchtools.notebook.workbench.controls import (
    area,
    button,
    classed,
    column,
    html,
    row,
    seen,
    show,
)
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.work import takes_long

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

MOST_BYTES = 9_000_000  # what the notebook server takes in one message, with room for the rest
_PASTE_HERE = (
    "Paste what the customer sent: a curl command, a HAR, log lines, an error. "
    "Or drop files here, or give a path."
)
_MOST_LISTED = 20
SAVING = "Saving"


class EvidencePart:
    """The drop zone of a case without evidence, and the line of a case with some."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.is_open = False
        self._is_told = False
        self.paste = area("Evidence: pasted text, or a path", "st-paste", placeholder=_PASTE_HERE)
        self.read_button = button("Read", "primary st-read-button", "Read what is in the box")
        self.files = classed(
            widgets.FileUpload(description="Choose files", multiple=True, icon=""), "st-b"
        )
        self.close_button = button("Close", "quiet")
        keys = html("<kbd>Ctrl</kbd> <kbd>Enter</kbd>")
        do = row("st-do", self.read_button, keys, self.files, self.close_button)
        self.drop = column("st-drop", self.paste, do)
        self.samples = row("st-samples", html("<span class='muted'>Try a sample</span>"))
        self.samples.children += tuple(self._sample(one) for one in samples.SAMPLES)
        self.zone = column("st-part st-zone", self.drop, self.samples)
        self.said = html()
        self.told_button = button("What was read", "quiet")
        self.add_button = button("Add evidence", "")
        self.columns = Columns(desk)
        buttons = (self.columns.open_button, self.told_button, self.add_button)
        self.line = row("st-read", self.said, *buttons)
        self.told = html()
        self.running = html("", "st-work")
        self.cancel_button = button("Cancel", "")
        self.work = row("st-read", self.running, self.cancel_button)
        self._work = ""
        parts = (self.line, self.columns.widget, self.told, self.work, self.zone)
        self.widget = column("st-evidence", *parts)
        self.end_work()
        self.cancel_button.on_click(desk.doing(desk.cancel))
        self.read_button.on_click(desk.doing(lambda: self.read(self.paste.value), busy="Reading…"))
        self.add_button.on_click(desk.doing(self._open))
        self.close_button.on_click(desk.doing(self._close))
        self.told_button.on_click(desk.doing(self._tell))

    def _sample(self, one: samples.Sample) -> Any:
        made = button(one.title, "quiet st-sample", one.words)
        made.on_click(self._desk.doing(lambda: self._desk.open_sample(one), busy="Reading…"))
        return made

    def show(self) -> None:
        """Show the line, and the drop zone where there is nothing yet or more is to be added."""
        evidence = self._desk.state.evidence
        is_new = not len(evidence)
        is_working = self._desk.state.is_held
        seen(self.line, not is_new or bool(evidence.skipped))
        seen(self.zone, (is_new or self.is_open) and not is_working)
        seen(self.samples, is_new)
        seen(self.add_button, not (is_new or self.is_open or is_working))
        seen(self.close_button, self.is_open and not is_new)
        show(self.said, line_html(self._desk.reading_name, evidence))
        show(self.told, told_html(evidence) if self._is_told else "")
        self.told_button.description = "Hide" if self._is_told else "What was read"

    def read(self, text: str) -> None:
        """Read pasted text, or the path that it is."""
        if not text.strip():
            raise WrongUseError(
                "There is nothing to read yet.", hint="Paste text, drop files, or give a path."
            )
        path = path_of(text.strip())
        self.take(text.strip() if path else text, str(path.name) if path else "Pasted text")

    def take(
        self, source: Any, name: str, *, replaces: Reading | None = None, **options: Any
    ) -> None:
        """Read one source into the case."""
        is_long = takes_long(_size_of(source))
        self._desk.read(source, name, is_long=is_long, replaces=replaces, **options)

    def forget_paste(self) -> None:
        """Empty the box: it may hold a token, which must not be saved with the notebook."""
        self.paste.value = ""
        self.fold()

    def fold(self) -> None:
        """Show the line alone."""
        self.is_open = self._is_told = False

    def take_files(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Read dropped or chosen files together."""
        if files:
            name = files[0][0] if len(files) == 1 else counted(len(files), "file")
            self.take([{file: data} for file, data in files], name)

    # --- what takes longer ------------------------------------------------------------------------

    def begin_work(self, words: str, tooltip: str) -> None:
        """Show that something is read, with a way to end it."""
        self.cancel_button.tooltip = tooltip
        self.show_work(words)
        self.show_progress("", 0, 0, 0)
        for one, is_shown in ((self.work, True), (self.zone, False), (self.cancel_button, True)):
            seen(one, is_shown)

    def show_work(self, words: str) -> None:
        """Say what is done now; what is being saved cannot be cancelled."""
        self._work = words
        seen(self.cancel_button, words != SAVING)

    def show_progress(self, what: str, done: int, of: int, seconds: float) -> None:
        """Show how far it is."""
        show(self.running, work_html(self._work, what, done, of, seconds))

    def end_work(self) -> None:
        """Take the bar away."""
        seen(self.work, False)

    def _open(self) -> None:
        self.is_open = True
        self.show()
        self._desk.focus(".st-paste textarea")

    def _close(self) -> None:
        self.is_open = False
        self.show()

    def _tell(self) -> None:
        self._is_told = not self._is_told
        self.show()


def _size_of(source: Any) -> int:
    """Return how large something to read is: a path's file or folder, a text, or several files."""
    if isinstance(source, list):
        return sum(len(data) for one in source for data in one.values())
    path = path_of(str(source))
    if path is None:
        return len(source)
    return sum(file.stat().st_size for file in files_of(path))


def work_html(words: str, what: str, done: int, of: int, seconds: float) -> Markup:
    """Return the line of what is under way: how much of it is done, and for how long it runs."""
    share = round(100 * done / of) if of else None
    count = f"{done:,} of {of:,} {what}" if of else f"{done:,} {what}" if done else ""
    took = f"{seconds:.0f} s" if seconds >= 1 else ""
    facts = ", ".join(filter(None, (count, took)))
    return page("work.html", words=words, share=share, facts=facts)


def line_html(name: str, evidence: Evidence) -> Markup:
    """Return the one line that says what was read."""
    if not len(evidence) and not evidence.skipped:
        return Markup()
    skipped = sum(one.count for one in evidence.skipped)
    reports = sum(deliveries.is_callback(one) for one in evidence)
    rows = len(evidence) - reports
    kinds = ((rows, "request"), (reports, "delivery report"))
    parts = []
    if what := ", ".join(counted(n, noun) for n, noun in kinds if n):
        parts.append(f"{what}.")
    if removed := evidence.secrets_removed:
        word = "token" if set(evidence.secrets) == {"header Authorization"} else "secret"
        parts.append(f"{counted(removed, word)} removed.")
    if skipped:
        parts.append(f"{counted(skipped, 'line')} of text skipped.")
    tone = "good" if len(evidence) else "warn"
    return page("read.html", tone=tone, name=name, words=" ".join(parts))


def told_html(evidence: Evidence) -> Markup:
    """Return what was read, skipped and assumed, line by line."""
    formats = ", ".join(f"{name} {n:,}" for name, n in evidence.formats.most_common())
    places = ", ".join(f"{name} {n:,}" for name, n in evidence.secrets.most_common())
    return page(
        "what_was_read.html",
        formats=f"Read as: {formats}." if formats else "",
        secrets=f"Secrets removed: {places}." if places else "",
        skipped=list(evidence.skipped),
        warnings=list(evidence.warnings),
        most=_MOST_LISTED,
    )
