"""Edit the request by hand: method, path, headers and body, folded until asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinchtools.core.records import Exchange
from sinchtools.notebook.request_texts import changed, header_lines, path_text
from sinchtools.notebook.workbench.controls import area, box, button, column, html, row, seen, text

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench


class EditForm:
    """Four boxes as large as their content, and the way back."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.is_open = False
        self.method = text("Method", "st-mono")
        self.path = text("Path and query", "st-mono")
        self.headers = area("Headers, one a line", "st-mono")
        self.body = area("Body", "st-mono")
        rows = [("Method", self.method), ("Path", self.path)]
        rows += [("Headers", self.headers), ("Body", self.body)]
        fields = [one for name, field in rows for one in (html(name), field)]
        self.reset_button = button("Back to the suggested fixes", "quiet")
        self.reset_button.on_click(desk.doing(self.reset))
        self.widget = column("", box("st-form", *fields), row("st-do", self.reset_button))
        seen(self.widget, False)

    def toggle(self) -> None:
        """Open the boxes with the request as it would be sent, or close them."""
        self.is_open = not self.is_open
        if self.is_open:
            self._fill(self._desk.state.changed)
        self.show()
        self._desk.problem.show_ticks()

    def reset(self) -> None:
        """Forget what was typed."""
        self.is_open = False
        self._desk.state.by_hand = None
        self._desk.refresh()

    def show(self) -> None:
        """Show the boxes if they are open."""
        if self._desk.state.exchange is None:
            self.is_open = False
        seen(self.widget, self.is_open)

    def close(self) -> None:
        """Close the boxes: another request is in front."""
        self.is_open = False

    def take(self) -> None:
        """Make what was typed the edit that is replayed."""
        front = self._desk.state.exchange
        if self.is_open and front is not None:
            self._desk.state.by_hand = changed(
                front,
                self.method.value.strip(),
                self.path.value.strip(),
                self.headers.value,
                None if self.body.disabled else self.body.value,
            )

    def _fill(self, request: Exchange | None) -> None:
        if request is None:
            return
        self.method.value = request.method or ""
        self.path.value = path_text(request)
        self.headers.value = header_lines(request.request_headers)
        body = request.request_body
        self.body.disabled = isinstance(body, bytes)
        self.body.value = "" if body is None or isinstance(body, bytes) else body
