"""Edit the request by hand: method, path, headers and body, folded until asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sinchtools.api.description import split_url
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
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
            self._desk.state.by_hand = self._typed(front)

    def _fill(self, request: Exchange | None) -> None:
        if request is None:
            return
        self.method.value = request.method or ""
        self.path.value = path_of(request)
        lines = [f"{name}: {value}" for name, value in request.request_headers.items()]
        self.headers.value = "\n".join(lines)
        body = request.request_body
        self.body.disabled = isinstance(body, bytes)
        self.body.value = "" if body is None or isinstance(body, bytes) else body

    def _typed(self, front: Exchange) -> dict[str, Any]:
        edit: dict[str, Any] = {}
        if self.method.value.strip() != (front.method or ""):
            edit["method"] = self.method.value.strip()
        path = self.path.value.strip()
        if path != path_of(front):
            if not path.startswith("/"):
                raise WrongUseError(
                    "The path does not start with a slash.",
                    hint="Write it as /xms/v1/..., without the host.",
                )
            parts = split_url(front.url or "")
            host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
            edit["url"] = host + path
        headers = headers_of(self.headers.value)
        if headers != dict(front.request_headers):
            kept = {name.lower() for name in headers}
            gone = {name: None for name in front.request_headers if name.lower() not in kept}
            edit["headers"] = {**gone, **headers}
        if not self.body.disabled and self.body.value != (front.request_body or ""):
            edit["body"] = self.body.value
        return edit


def path_of(exchange: Exchange) -> str:
    """Return path and query of a request."""
    parts = split_url(exchange.url or "")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def headers_of(lines: str) -> Mapping[str, str]:
    """
    Return headers that were typed one a line.

    Examples
    --------
    >>> headers_of("Content-Type: application/json")
    {'Content-Type': 'application/json'}
    """
    found = {}
    for number, line in enumerate(lines.splitlines(), start=1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            raise WrongUseError(
                f"Line {number} of the headers has no colon.", hint="Write it as Name: value."
            )
        found[name.strip()] = value.removeprefix(" ")
    return found
