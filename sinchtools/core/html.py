"""HTML from templates: every value escaped, what hides in it made visible; a card and a table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sinchtools.core.records import visible
from sinchtools.core.words import counted

if TYPE_CHECKING:
    from jinja2 import Environment

UNTYPESET = (
    "mathjax_ignore tex2jax_ignore"  # JupyterLab's MathJax 3, an exported notebook's MathJax 2
)
_JOINT = re.compile(r"(?<=_)|(?=/|#)")


@cache
def environment(package: str) -> Environment:
    """
    Return the templates of a package, and below them those that all share.

    Whatever a template prints is escaped and made visible, but for markup of our own.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("sinchtools.core")]),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(counted=counted, jointed=jointed)
    made.globals.update(table=table, untypeset=UNTYPESET)
    return made


def filled(package: str, template: str, /, **values: Any) -> Markup:
    """
    Return a template of a package, filled with values.

    Examples
    --------
    >>> "a &amp; b" in filled("sinchtools.core", "card.html", title="", body="a & b")
    True
    """
    return Markup(environment(package).get_template(template).render(**values))


def untypeset(html: str) -> Markup:
    """
    Return HTML in an element in which JupyterLab typesets no mathematics.

    Exported notebooks leave it alone too.
    """
    return Markup(f"<div class='{UNTYPESET}'>{html}</div>")


def card(title: str, body: str) -> Markup:
    """
    Return an HTML card without scripts, readable in light and dark.

    A `body` that is no markup is escaped, as the title is.
    """
    return filled("sinchtools.core", "card.html", title=title, body=body)


def table(head: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> Markup:
    """Return an HTML table for a card or a panel, in which codes and paths break at joints."""
    return filled("sinchtools.core", "table.html", head=head, rows=rows, caption=caption)


def jointed(text: object) -> Markup:
    """Let a long code or path break at its joints only."""
    return Markup("<wbr>").join(_JOINT.split(visible(str(text))))


def _shown(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return visible(str(value))
