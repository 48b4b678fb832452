"""
Define what makes the panels one family.

These are the look, the target banner, messages, and labeled controls.
"""

from __future__ import annotations

import traceback
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup
from traitlets import validate

from sinchtools.core.errors import NotAllowedError, SinchToolsError
from sinchtools.core.html import filled, untypeset

WIDE = widgets.Layout(width="100%")
_TARGETS = {  # target: (symbol, words)
    "preview": ("○", "PREVIEW: shows what would be sent. Nothing is sent."),
    "sandbox": ("●", "SANDBOX: simulated on this machine. Nothing leaves it, no SMS is sent."),
    "dry-run": ("▲", "DRY RUN: asks the vendor. No SMS is sent."),
    "live": ("■", "LIVE: real people get real messages."),
}


class Html(widgets.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """HTML of ours, in which JupyterLab typesets no mathematics."""

    @validate("value")
    def _untypeset(self, proposal: dict[str, str]) -> str:
        return untypeset(proposal["value"]) if proposal["value"] else ""


def view(template: str, /, **values: Any) -> Markup:
    """Return a template of the panels, filled with values."""
    return filled("sinchtools.notebook.panels", template, **values)


def banner(target: str) -> Markup:
    """Return the line that says in words where requests go."""
    symbol, words = _TARGETS[target]
    return view("banner.html", target=target, symbol=symbol, words=words)


def error_card(error: Exception) -> Markup:
    """
    Return what happened, why, and what to do now.

    An unforeseen error has its place in the code folded below.
    """
    if isinstance(error, SinchToolsError):
        word = "Nothing was sent" if isinstance(error, NotAllowedError) else "That did not work"
        return view("error.html", word=word, words=error, where="")
    frames = traceback.extract_tb(error.__traceback__)
    where = "; ".join(f"{frame.name}, line {frame.lineno}" for frame in frames[-3:])
    words = (
        f"An error that this panel does not know: {type(error).__name__}. Nothing "
        f"was lost; try again, or use the function in the next cell."
    )
    return view("error.html", word="That did not work", words=words, where=where)


def button(words: str, tooltip: str, *, primary: bool = False) -> widgets.Button:
    """Return a button that is as wide as its words need."""
    made = widgets.Button(
        description=words,
        tooltip=tooltip,
        button_style="primary" if primary else "",
        layout=widgets.Layout(width="auto"),
    )
    return made


def labelled(
    kind: type[widgets.Widget], words: str, tooltip: str, *, wide: int = 140, **values: Any
) -> widgets.Widget:
    """Return a control with its label in full, `wide` pixels for it, and a tooltip."""
    values.setdefault("layout", WIDE)
    style = {"description_width": f"{wide}px"}
    return kind(description=words, tooltip=tooltip, style=style, **values)


def row(*children: widgets.Widget) -> widgets.HBox:
    """Return controls side by side, wrapped where the page is narrow."""
    return widgets.HBox(
        children, layout=widgets.Layout(flex_flow="row wrap", width="100%", align_items="center")
    )
