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
from sinchtools.notebook.workbench.page import tokens

WIDE = widgets.Layout(width="100%")
_TARGETS = {  # rung: (symbol, words)
    "preview": ("○", "PREVIEW: shows what would be sent. Nothing is sent."),
    "sandbox": ("●", "SANDBOX: simulated on this machine. Nothing leaves it, no SMS is sent."),
    "dry-run": ("▲", "DRY RUN: asks the vendor. No SMS is sent."),
    "live": ("■", "LIVE: real people get real messages."),
}
STYLE = f"""<style>{tokens()}
.st-panel {{border: 1px solid var(--st-line); border-radius: 8px; padding: 16px 20px;
  box-sizing: border-box; color: var(--st-ink); background: var(--st-face);
  font: 400 var(--st-text)/20px var(--st-sans)}}
.st-panel .widget-label, .st-panel .widget-html-content {{color: var(--st-ink)}}
.st-panel .widget-html-content {{line-height: 20px}}
.st-panel h3 {{margin: 0 0 4px 0; font-size: 14px; line-height: 20px; font-weight: 600}}
.st-panel p {{margin: 0 0 6px 0; line-height: 20px}}
.st-panel .widget-text input, .st-panel textarea, .st-panel select {{
  border: 1px solid var(--st-edge); border-radius: 4px; color: var(--st-ink);
  background-color: var(--st-face)}}
.st-panel .jupyter-button {{height: 28px; line-height: 26px; border: 1px solid var(--st-edge);
  border-radius: 4px; color: var(--st-ink); background: var(--st-face); font-weight: 500;
  box-shadow: none}}
.st-panel .jupyter-button:hover:enabled {{background: var(--st-hover); box-shadow: none}}
.st-panel .jupyter-button.mod-primary {{border-color: transparent; color: #fff;
  background: var(--st-primary)}}
.st-panel .jupyter-button.mod-primary:hover:enabled {{
  background: color-mix(in srgb, var(--st-primary) 88%, #000)}}
.st-panel .jupyter-button:focus:enabled:not(:focus-visible) {{outline: none}}
.st-panel .jupyter-button:focus-visible {{outline: 2px solid var(--st-accent); outline-offset: 2px}}
.st-banner {{display: inline-block; padding: 2px 10px; border: 1px solid currentColor;
  border-radius: 12px; font-size: 12px; line-height: 18px; font-weight: 600}}
.st-banner.preview {{color: var(--st-note)}} .st-banner.sandbox {{color: var(--st-good)}}
.st-banner.dry-run {{color: var(--st-warn)}}
.st-banner.live {{color: #fff; background: #b71c1c; border-color: #b71c1c}}
.st-card {{--st-this: var(--st-line); border: 1px solid
  color-mix(in srgb, var(--st-this) 45%, var(--st-face)); border-radius: 4px; padding: 10px 16px;
  margin: 4px 0; line-height: 20px; background: var(--st-well)}}
.st-card.good {{--st-this: var(--st-good-base); background: var(--st-good-tint)}}
.st-card.bad {{--st-this: var(--st-bad-base); background: var(--st-bad-tint)}}
.st-card.open {{--st-this: var(--st-warn-base); background: var(--st-warn-tint)}}
.st-card b.st-word {{font-size: 16px; line-height: 22px; font-weight: 700; letter-spacing: .02em}}
.st-card.good b.st-word {{color: var(--st-good)}} .st-card.bad b.st-word {{color: var(--st-bad)}}
.st-card.open b.st-word {{color: var(--st-warn)}}
.st-panel table {{border-collapse: collapse; margin: 4px 0; font-size: .92em}}
.st-panel th, .st-panel td {{text-align: left !important; padding: 5px 12px 5px 0;
  vertical-align: top; white-space: normal;
  border-bottom: 1px solid var(--st-line); overflow-wrap: anywhere; min-width: 7.5em}}
.st-panel th {{white-space: nowrap; color: var(--st-muted); font-size: 12px; font-weight: 500}}
.st-panel img {{max-width: 100%; height: auto}}
.st-panel .st-touch {{width: auto; margin: 4px 2px}}
.st-panel :is(.st-chips, .st-kinds) {{margin-top: 6px}}
.st-panel h4 {{margin: 12px 0 4px; font-size: var(--st-text); line-height: 20px; font-weight: 600}}
.st-panel pre {{white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0; padding: 0;
  font: 400 12.5px/20px var(--st-mono)}}
.st-panel textarea {{font: 400 var(--st-text)/20px var(--st-sans); field-sizing: content;
  max-height: 400px}}
.st-panel .st-mono textarea {{font: 400 12.5px/20px var(--st-mono)}}
.st-panel ::placeholder {{color: var(--st-muted); opacity: 1}}
.st-panel .st-told {{max-width: none !important; box-sizing: border-box; margin: 8px 0;
  border-color: var(--st-line) !important; border-left-color: var(--st-accent) !important;
  border-radius: 4px}}
[data-jp-theme-light="false"] .st-panel select {{background-image: url("data:image/svg+xml,\
%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E\
%3Cpath fill='%23fff' d='M5 6l4 4 4-4 1.3 1.3L9 12.6 3.7 7.3z'/%3E%3C/svg%3E") !important}}
.st-quiet {{color: var(--st-muted, #424242)}}
.st-panel p.st-case {{font-weight: 600; overflow-wrap: anywhere}}
.st-stale {{border: 1px solid var(--st-warn-base, #f57c00); border-radius: 4px; padding: 2px 10px;
  gap: 12px; background: var(--st-warn-tint, transparent)}}
.jp-OutputArea:has(.st-panel) .jp-OutputArea-child:has(.st-static) {{display: none}}
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
