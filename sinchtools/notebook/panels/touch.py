"""HTML that can be touched: a chart's marks and a table's rows, by pointer and by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import anywidget
import ipywidgets as widgets

from sinchtools.charts.chart import Mark
from sinchtools.charts.screen import stylesheet

_HERE = Path(__file__).parent
_WIDEST, _NARROWEST = 2400, 280  # pixels


class Narrowed(Protocol):
    """What a chart narrows when it is touched."""

    def brush(self, start: float, end: float) -> None:
        """Show a stretch of time, in seconds since 1970."""

    def touch(self, name: str) -> None:
        """Set the filter of a mark, or take it away again."""

    def clear(self) -> None:
        """Take all filters away."""


class Touch(anywidget.AnyWidget):
    """
    A place on the page that shows HTML and hears what is touched in it.

    The HTML goes to the page as a message, never into the widget's state: nothing of it can be
    saved with a notebook. It is drawn when the page has said how wide it is, so a panel that
    nobody sees draws nothing.

    Parameters
    ----------
    draw
        Returns the HTML for a width in pixels.
    hear
        Called with what was touched: its kind (``mark``, ``row``, ``brush``, ``escape``) and the
        message. What was touched in HTML that is no longer shown is not heard.
    """

    _esm = (_HERE / "touch.js").read_text(encoding="utf-8")
    _css = stylesheet() + (_HERE / "touch.css").read_text(encoding="utf-8")

    def __init__(
        self, draw: Callable[[int], str], hear: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._draw, self._hear = draw, hear
        self.width = self._serial = 0
        super().__init__()
        self.add_class("st-chart")
        self.on_msg(self._received)

    def refresh(self) -> None:
        """Show what there is now, if a page shows this widget."""
        self._serial += 1
        if self.width:
            self.send({"html": self._draw(self.width), "serial": self._serial})

    def _received(self, _: Any, message: dict[str, Any], __: Any) -> None:
        event = message.get("event")
        if event == "width":
            self.width = min(max(int(message["width"]), _NARROWEST), _WIDEST)
            self.refresh()
        elif message.get("serial") == self._serial:
            self._hear(str(event), message)


def heed(view: Narrowed, marks: Sequence[Mark], event: str, message: dict[str, Any]) -> None:
    """Do what was touched in a chart: a brush, a mark, or the key that takes filters away."""
    if event == "brush":
        view.brush(float(message["from"]), float(message["to"]))
    elif event == "escape":
        view.clear()
    elif event == "mark":
        mark = marks[int(message["index"])]
        if mark.span:
            view.brush(*mark.span)
        elif mark.name:
            view.touch(mark.name)


def chip(words: str, removed: Callable[[Any], object]) -> widgets.Button:
    """Return a filter as a chip that a click takes away."""
    made = widgets.Button(description=f"{words}  ×", layout=widgets.Layout(width="auto"))
    made.tooltip, made.is_chip = f"Remove the filter {words}", True
    made.add_class("st-chip")
    made.on_click(removed)
    return made
