"""The still picture beside a widget: what is seen where no kernel is, and names nobody."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from html import unescape
from typing import Any

from markupsafe import Markup

from sinchtools.core.records import Exchange
from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, refuse_leaks

_MARKUP = re.compile(r"<style.*?</style>|<[^>]+>", re.DOTALL)
_PICTURE = re.compile(r'src="data:image/png;base64,[^"]+"')


class Twin:
    """
    The picture of one widget, displayed beside it.

    Parameters
    ----------
    draw
        Returns the picture as HTML, and as text for where no HTML is shown.
    """

    def __init__(self, draw: Callable[[], tuple[str, str]]) -> None:
        self._draw = draw
        self._display_id = ""
        self._shown: tuple[str, str] = ("", "")

    def show(self, bundle: dict[str, Any], words: str) -> None:
        """Display a widget, of which a saved notebook keeps the words alone, and its picture."""
        from IPython.display import display

        self._display_id = self._display_id or secrets.token_hex(8)
        self._shown = self._draw()
        display({**bundle, "text/plain": words}, raw=True)
        self._publish(update=False)

    def renew(self) -> None:
        """Replace the picture, if it is displayed and no longer what it would be now."""
        if not self._display_id:
            return
        drawn = self._draw()
        if drawn != self._shown:
            self._shown = drawn
            self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        from IPython.display import display

        html, text = self._shown
        place = {"metadata": ALIASED, "display_id": self._display_id, "update": update}
        display({"text/html": html, "text/plain": text}, raw=True, **place)


def nameless(parts: Iterable[object], people: Aliases, rows: Iterable[Exchange]) -> list[Markup]:
    """
    Return pieces of HTML with the people of the rows replaced.

    Raises
    ------
    LeakError
        One of them would still name somebody, or holds a secret.
    """
    known = Known.of(rows)
    made = [known.replaced(str(one), people) for one in parts]
    bare = _PICTURE.sub("", "\n".join(made))
    refuse_leaks(bare.encode("utf-8", "replace"), known, where="The static view")
    return [Markup(one) for one in made]


def text_of(html: str) -> str:
    r"""
    Return the text of HTML, a line for each element.

    Examples
    --------
    >>> text_of("<h3>Replay</h3><p>1 &lt; 2</p>")
    'Replay\n1 < 2'
    """
    lines = unescape(_MARKUP.sub("\n", html)).split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))
