"""What the workbench shows, as HTML: one template for each part, every value escaped."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from sinchtools.core.glossary import glossary
from sinchtools.core.html import environment
from sinchtools.core.records import visible
from sinchtools.core.words import counted

_PACKAGE = "sinchtools.notebook.workbench"
_TICKED = re.compile(r"`([^`\n]{1,200})`")
SIGNS = {"bad": "✕", "warn": "!", "note": "i", "good": "✓", "ask": "?"}
TONES = {"error": "bad", "warning": "warn", "note": "note"}
WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}


@cache
def _templates() -> Environment:
    made = environment(_PACKAGE)
    made.globals.update(SIGNS=SIGNS, TONES=TONES, WORDS=WORDS, count=counted, term=_term)
    made.filters.update(code=_with_code, terms=_with_terms)
    return made


def _with_code(text: str) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(visible(text)))))


def _term(word: str, text: str = "") -> Markup:
    """Explain a word of the glossary to who points at it or gives it the focus."""
    shown, meaning = escape(visible(text or word)), glossary().get(word)
    if meaning is None:
        return shown
    return Markup(
        "<span class='st-term' tabindex='0'>{}<span role='tooltip'>{}</span></span>"
    ).format(shown, meaning)


def _with_terms(text: str) -> Markup:
    """Explain each word of the glossary where it occurs first; between backticks is code."""
    words: dict[str, None] = dict.fromkeys(glossary())
    pattern = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    marked, last, said = Markup(), 0, set[str]()
    for found in re.finditer(rf"\b(?:{pattern})\b", text):
        if found[0] not in said:
            marked += _with_code(text[last : found.start()]) + _term(found[0])
            last = found.end()
            said.add(found[0])
    return marked + _with_code(text[last:])


def page(name: str, /, **values: Any) -> Markup:
    """
    Return a template filled with values.

    Examples
    --------
    >>> "&lt;b&gt;" in page("message.html", tone="bad", title="<b>", words="", details="")
    True
    """
    return Markup(_templates().get_template(name).render(**values))


def style() -> Markup:
    """Return the stylesheet, as an element."""
    return Markup(f"<style>{tokens()}{_text('workbench.css')}</style>")


def tokens() -> Markup:
    """Return the colours and type that workbench and panels share, as a stylesheet."""
    return Markup(_text("tokens.css"))


def script() -> str:
    """Return the module that copies, takes dropped files, and listens to keys."""
    return _text("workbench.js")


@cache
def _text(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")
