"""The controls of the workbench: real widgets that carry its look."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from sinchtools.core.html import untypeset

Widget = Any  # ipywidgets has no types


def classed(widget: Any, *names: str) -> Any:
    """Return a widget with CSS classes."""
    for name in " ".join(names).split():
        widget.add_class(name)
    return widget


def html(text: str = "", *names: str) -> Any:
    """Return HTML in which JupyterLab typesets no mathematics."""
    made = classed(widgets.HTML(), *names)
    show(made, text)
    return made


def show(widget: Any, text: str) -> None:
    """Put HTML into an HTML widget; without text it takes no room."""
    value = untypeset(text) if text.strip() else ""
    if widget.value != value:
        widget.value = value
    seen(widget, bool(value))


def seen(widget: Any, is_seen: bool) -> None:
    """Show a widget, or hide it."""
    display = None if is_seen else "none"
    if widget.layout.display != display:
        widget.layout.display = display


def button(words: str, names: str = "", tooltip: str = "") -> Any:
    """Return a button."""
    return classed(widgets.Button(description=words, tooltip=tooltip), "st-b", names)


def row(names: str, *children: Widget) -> Any:
    """Return widgets side by side."""
    return classed(widgets.HBox(children), names)


def column(names: str, *children: Widget) -> Any:
    """Return widgets below each other."""
    return classed(widgets.VBox(children), names)


def box(names: str, *children: Widget) -> Any:
    """Return widgets that the stylesheet lays out."""
    return classed(widgets.Box(children), names)


def text(label: str, names: str = "", **values: Any) -> Any:
    """Return a box for one line; `label` is read aloud."""
    return classed(widgets.Text(description=label, **values), names)


def area(label: str, names: str = "", **values: Any) -> Any:
    """Return a box for many lines; `label` is read aloud."""
    return classed(widgets.Textarea(description=label, **values), names)
