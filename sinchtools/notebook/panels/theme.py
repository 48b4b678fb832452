"""
Define what makes the panels one family.

These are the look, the target banner, messages, and labeled controls.
"""

from __future__ import annotations

import traceback
from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import validate

from sinchtools.core.errors import NotAllowedError, SinchToolsError
from sinchtools.core.html import table as plain_table
from sinchtools.core.html import untypeset
from sinchtools.core.records import visible

WIDE = widgets.Layout(width="100%")
_TARGETS = {  # rung: (symbol, words)
    "preview": ("○", "PREVIEW: shows what would be sent. Nothing is sent."),
    "sandbox": ("●", "SANDBOX: simulated on this machine. Nothing leaves it, no SMS is sent."),
    "dry-run": ("▲", "DRY RUN: asks the vendor. No SMS is sent."),
    "live": ("■", "LIVE: real people get real messages."),
}
STYLE = """<style>
.st-panel {border: 1px solid var(--jp-border-color1, #bdbdbd); border-radius: 4px; padding: 12px;
  box-sizing: border-box;
  color: var(--jp-ui-font-color0, #111); background: var(--jp-layout-color1, #fff)}
.st-panel .widget-label, .st-panel .widget-html-content {color: var(--jp-ui-font-color0, #111)}
.st-panel .widget-html-content {line-height: 1.45}
.st-panel h3 {margin: 0 0 2px 0; font-size: 1.15em; font-weight: 600}
.st-panel p {margin: 0 0 6px 0; line-height: 1.45}
.st-banner {padding: 6px 10px; border-left: 6px solid; font-weight: 600; line-height: 1.4;
  background: var(--jp-layout-color2, #eee)}
.st-banner.preview, .st-banner.sandbox {border-color: #0072b2}
.st-banner.dry-run {border-color: #e69f00}
.st-banner.live {border-color: #d55e00}
.st-card {border-left: 6px solid #767676; padding: 8px 12px; margin: 4px 0; line-height: 1.45;
  background: var(--jp-layout-color2, #f3f3f3)}
.st-card.good {border-color: #009e73} .st-card.bad {border-color: #d55e00}
.st-card.open {border-color: #e69f00}
.st-card b.st-word {font-size: 1.2em; letter-spacing: .03em}
.st-panel table {border-collapse: collapse; margin: 4px 0; font-size: .92em}
.st-panel th, .st-panel td {text-align: left !important; padding: 3px 10px 3px 0;
  vertical-align: top; white-space: normal;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); overflow-wrap: anywhere; min-width: 7.5em}
.st-panel th {white-space: nowrap}
.st-panel img {max-width: 100%; height: auto}
.st-panel pre {white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0}
.st-panel textarea {font-family: var(--jp-code-font-family, monospace); font-size: 12px}
[data-jp-theme-light="false"] .st-panel select {background-image: url("data:image/svg+xml,\
%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E\
%3Cpath fill='%23fff' d='M5 6l4 4 4-4 1.3 1.3L9 12.6 3.7 7.3z'/%3E%3C/svg%3E") !important}
.st-quiet {color: var(--jp-ui-font-color1, #424242)}
.st-panel p.st-case {font-weight: 600; overflow-wrap: anywhere}
.st-stale {border: 2px solid #d55e00; border-radius: 4px; padding: 2px 10px; gap: 12px}
.jp-OutputArea:has(.st-panel) .jp-OutputArea-child:has(.st-static) {display: none}
</style>"""  # the last line: a static twin is seen only where its panel is not


class Html(widgets.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """HTML of ours, in which JupyterLab typesets no mathematics."""

    @validate("value")
    def _untypeset(self, proposal: dict[str, str]) -> str:
        return untypeset(proposal["value"]) if proposal["value"] else ""


def shown(text: object) -> str:
    """Return any text as HTML, with each hidden or bidirectional character made visible."""
    return escape(visible(str(text)))


def banner(target: str) -> str:
    """Return the line that says in words where requests go."""
    symbol, words = _TARGETS[target]
    return f"<div class='st-banner {target}' role='status'>{symbol} {escape(words)}</div>"


def card(word: str, html: str, kind: str = "") -> str:
    """
    Return a message with one strong word.

    `kind` (good, bad, open) colours its edge, never alone.
    """
    return (
        f"<div class='st-card {kind}'><b class='st-word'>{shown(word)}</b><div>{html}</div></div>"
    )


def error_card(error: Exception) -> str:
    """
    Return what happened, why, and what to do now.

    An unforeseen error has its place in the code folded below.
    """
    if isinstance(error, SinchToolsError):
        word = "Nothing was sent" if isinstance(error, NotAllowedError) else "That did not work"
        return f"<div role='alert'>{card(word, shown(error), 'bad')}</div>"
    frames = traceback.extract_tb(error.__traceback__)
    where = "; ".join(f"{frame.name}, line {frame.lineno}" for frame in frames[-3:])
    words = (
        f"An error that this panel does not know: {escape(type(error).__name__)}. Nothing "
        f"was lost; try again, or use the function in the next cell."
    )
    report = f"<details><summary>For a bug report</summary>{escape(where)}</details>"
    return f"<div role='alert'>{card('That did not work', words + report, 'bad')}</div>"


def button(words: str, tooltip: str, *, primary: bool = False) -> widgets.Button:
    """Return a button that is as wide as its words need."""
    made = widgets.Button(
        description=words,
        tooltip=tooltip,
        button_style="primary" if primary else "",
        layout=widgets.Layout(width="auto"),
    )
    return made


def labelled(kind: type[widgets.Widget], words: str, tooltip: str, **values: Any) -> widgets.Widget:
    """Return a control with its label in full and a tooltip."""
    values.setdefault("layout", WIDE)
    return kind(description=words, tooltip=tooltip, style={"description_width": "140px"}, **values)


def row(*children: widgets.Widget) -> widgets.HBox:
    """Return controls side by side, wrapped where the page is narrow."""
    return widgets.HBox(
        children, layout=widgets.Layout(flex_flow="row wrap", width="100%", align_items="center")
    )


def table(
    head: list[str], rows: list[list[str]], *, total: int | None = None, caption: str = ""
) -> str:
    """
    Return a small HTML table, every value escaped.

    `total` says how many rows there are when only some are shown.
    """
    note = (
        f"<p class='st-quiet'>Showing {len(rows)} of {total:,}.</p>"
        if total is not None and total > len(rows)
        else ""
    )
    return plain_table(head, rows, caption) + note
