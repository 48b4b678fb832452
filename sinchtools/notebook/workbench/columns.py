"""The columns of a table that was read: what each was taken for, to be corrected by a click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from sinchtools.cases.case import Reading
from sinchtools.core.errors import WrongUseError
from sinchtools.evidence import Evidence
from sinchtools.evidence.files import opened, path_of
from sinchtools.evidence.formats.table_preview import FIELDS, Preview, preview
from sinchtools.notebook.workbench.controls import button, classed, column, html, row, seen, show
from sinchtools.notebook.workbench.page import page

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_MOST = 12  # columns
_TABLES = {"table", "text-table"}
_WORDS = {
    "at": "Time",
    "method": "Method",
    "url": "URL or path",
    "status": "HTTP status",
    "code": "Error code",
    "text": "Error text",
    "request_body": "Request body",
    "response_body": "Response body",
    "account": "Account",
}
_OPTIONS = [("Not used", ""), *((_WORDS[name], name) for name in FIELDS)]


class Columns:
    """The part below the evidence, while the table that was read last is still at hand."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._source: tuple[Any, str, Reading | None] | None = None
        self._preview: Preview | None = None
        self.is_open = False
        self.choices: dict[str, Any] = {}
        self.open_button = button("Columns", "quiet st-columns-button", "See and correct them")
        self.said = html()
        self.table = classed(widgets.GridBox(), "st-columns-table")
        self.again_button = button("Read again", "primary", "Read the table with these columns")
        self.close_button = button("Close", "quiet")
        do = row("st-do", self.again_button, self.close_button)
        scroll = classed(widgets.Box([self.table]), "st-scroll")
        self.widget = column("st-listed st-columns", self.said, scroll, do)
        self.open_button.on_click(desk.doing(self._toggle))
        self.close_button.on_click(desk.doing(self._toggle))
        self.again_button.on_click(desk.doing(self._read_again, busy="Reading…"))
        self.show()

    def offer(self, source: Any, name: str, found: Evidence, reading: Reading | None) -> None:
        """Offer the columns of what was just read, if it is a table; open if it gave nothing."""
        was_read = bool(len(found))
        is_table = not was_read or set(found.formats) <= _TABLES
        self._source = (source, name, reading) if is_table else None
        self._preview = None
        if is_table and not (was_read and _is_file(source)):  # a file is not read a second time
            self._look(was_read)
        self.is_open = self._preview is not None and not was_read
        self.show()

    def _look(self, was_read: bool) -> None:
        """Look at the first rows; what has no columns is not offered."""
        self._preview = preview(_start_of(self._source[0])) if self._source else None
        if self._preview is None:
            self._source = None
        else:
            self._fill(self._preview, was_read)

    def forget(self) -> None:
        """Keep nothing of what was read."""
        self._source = self._preview = None
        self.is_open = False
        self.show()

    def show(self) -> None:
        """Show the button, and the table when it is open."""
        seen(self.open_button, self._source is not None and not self.is_open)
        seen(self.widget, self._source is not None and self.is_open)

    def _fill(self, found: Preview, was_read: bool) -> None:
        names = found.names[:_MOST]
        left = len(found.names) - len(names)
        show(self.said, page("columns.html", was_read=was_read, left=left))
        self.choices = {name: _choice(name, found.meant.get(name, "")) for name in names}
        heads = [html(page("cell.html", text=name, is_head=True)) for name in names]
        cells = [
            html(page("cell.html", text=line[i] if i < len(line) else "", is_head=False))
            for line in found.rows
            for i in range(len(names))
        ]
        self.table.children = (*heads, *self.choices.values(), *cells)
        self.table.layout.grid_template_columns = f"repeat({len(names)}, max-content)"

    def _toggle(self) -> None:
        if self._preview is None:
            self._look(was_read=True)
        self.is_open = self._preview is not None and not self.is_open
        self.show()
        if self._preview is None:
            raise WrongUseError(
                "The columns of this file cannot be shown.",
                hint="Name them in a cell: st.read(path, columns={...}).",
            )

    def _read_again(self) -> None:
        if self._source is None or self._preview is None:
            return
        chosen = {name: one.value for name, one in self.choices.items()}
        twice = [_WORDS[one] for one in FIELDS if list(chosen.values()).count(one) > 1]
        if twice:
            raise WrongUseError(
                f"Two columns are marked as {twice[0]}.", hint="Choose one of them."
            )
        meant = self._preview.meant
        changed = {n: ours for n, ours in chosen.items() if ours or n in meant}
        source, name, reading = self._source
        self._desk.evidence.take(source, name, replaces=reading, columns=changed)


def _choice(name: str, value: str) -> Any:
    return classed(widgets.Dropdown(options=_OPTIONS, value=value, description=name), "st-choice")


def _is_file(source: Any) -> bool:
    return not isinstance(source, list) and path_of(str(source)) is not None


def _start_of(source: Any) -> str:
    """Return the text of one file or paste; nothing where there are several."""
    if isinstance(source, list):
        if len(source) != 1:
            return ""
        ((name, data),) = source[0].items()
        return next((one.text for one in opened(bytes(data), name)), "")
    path = path_of(str(source))
    if path is None or not path.is_file():
        return "" if path else str(source)
    return next((one.text for one in opened(path, path.name)), "")
