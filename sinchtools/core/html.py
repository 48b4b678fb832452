"""HTML that every view shares: a card, a table; values escaped, what hides in them made visible."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterable

from sinchtools.core.records import visible

UNTYPESET = (
    "mathjax_ignore tex2jax_ignore"  # JupyterLab's MathJax 3, an exported notebook's MathJax 2
)


def untypeset(html: str) -> str:
    """
    Return HTML in an element in which JupyterLab typesets no mathematics.

    Exported notebooks leave it alone too.
    """
    return f"<div class='{UNTYPESET}'>{html}</div>"


def card(title: str, body: str, *, wide: bool = False) -> str:
    """
    Return an HTML card without scripts, readable in light and dark.

    `title` is escaped, `body` is HTML already; `wide` is for tables.
    """
    return (
        f"<div class='{UNTYPESET} st-told' style='"
        "border:1px solid var(--jp-border-color1,currentColor);"
        "border-left:4px solid var(--jp-brand-color1,currentColor);"
        f"padding:.6em 1em;{'' if wide else 'max-width:52em;'}"
        "color:var(--jp-ui-font-color1,inherit);background:var(--jp-layout-color1,transparent);"
        "font-family:var(--jp-ui-font-family,sans-serif);line-height:1.4'>"
        f"<p style='margin:0 0 .5em;font-weight:700'>{markup.escape(title)}</p>{body}</div>"
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> str:
    """
    Return an HTML table for a card or a panel: every value escaped, what hides in it made visible.

    Codes and paths break at their joints.
    """
    style = "style='text-align:left;vertical-align:top;padding:3px 10px 3px 0'"
    heads = "".join(f"<th scope=col {style}>{_escaped(name)}</th>" for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td {style}>{_jointed(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    said = f"<caption style='text-align:left'>{_escaped(caption)}</caption>" if caption else ""
    return f"<table>{said}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def _escaped(text: str) -> str:
    return markup.escape(visible(text))


def _jointed(text: str) -> str:
    return re.sub(r"(?<=_)|(?=/|(?<!&)#)", "<wbr>", _escaped(text))  # no entity is cut
