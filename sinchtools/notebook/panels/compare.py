"""The compare panel: two requests side by side, what differs, and which difference decides."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ipywidgets import Layout, VBox
from traitlets import TraitError

from sinchtools.cases.case import Case
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.picker import ExchangeChoice
from sinchtools.notebook.panels.theme import WIDE, Html, button, row
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.comparing import Comparison, compare, nearest_pair

_SIDE = Layout(
    flex="1 1 340px", width="auto", min_width="0", overflow="visible", padding="0 6px 0 0"
)


class ComparePanel(Panel):
    """
    Compare two requests by clicking; the function twin is ``st.compare(a, b, prove=True)``.

    It starts with the most frequent failure, and the request most like it that succeeded.

    Parameters
    ----------
    a
        A case, or evidence.
    b
        A second capture, such as the one that works with curl; None takes both requests from `a`.

    Attributes
    ----------
    first, second
        The choice of each request.
    found
        The comparison that is shown; None when there is no pair.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> bad = Exchange(id="a", method="GET", url="https://x.example/a", status=404)
    >>> good = Exchange(id="b", method="GET", url="https://x.example/b", status=200)
    >>> ComparePanel([bad, good]).found is None
    False
    """

    def __init__(
        self, a: Case | Iterable[Exchange], b: Case | Iterable[Exchange] | None = None
    ) -> None:
        promise = (
            "Works with curl and fails in the app? See what differs, and which difference decides."
        )
        source = a if isinstance(a, Case) else list(a)
        super().__init__("Compare two requests", promise, target="sandbox", source=source)
        self._other = b if b is None or isinstance(b, Case) else list(b)
        self._paused = False
        self.found: Comparison | None = None
        self.result = Html(layout=WIDE)
        ours, theirs = self._sides()
        self.first = ExchangeChoice(ours, self._chosen, side=" (A)")
        self.second = ExchangeChoice(theirs, self._chosen, side=" (B)")
        self.prove_button = button(
            "Find what decides",
            "Put each difference into the request that failed, in the sandbox; no SMS is sent",
            primary=True,
        )
        self.prove_button.on_click(
            self.guard(self.prove, self.prove_button, busy="Asking the sandbox ...")
        )
        sides = row(*(VBox((one,), layout=_SIDE) for one in (self.first, self.second)))
        self.rows(sides, row(self.prove_button), self.result)
        self._choose_nearest()
        self._show()

    def redraw(self) -> None:
        """Offer what there is now; the requests chosen stay."""
        self._paused = True
        try:
            for choice, rows in zip((self.first, self.second), self._sides(), strict=True):
                choice.offer(rows)
        finally:
            self._paused = False
        self._show()

    def prove(self) -> Comparison:
        """Ask the sandbox which of the differences decides, and show it."""
        if self.found is None:
            raise WrongUseError(
                "There are no two requests to compare.", hint="Read the other request too."
            )
        self.found = compare(self.found.a, self.found.b, prove=True)
        self.result.value = self.found._repr_html_()
        self.say(f"{self.found.headline}.")
        return self.found

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return the comparison as it is shown."""
        if self.found is None:
            return "There are no two requests to compare.", []
        return people.words(str(self.found._repr_html_())), [self.found.a, self.found.b]

    def _sides(self) -> tuple[list[Exchange], list[Exchange]]:
        """Return the requests of each side, as they are now."""
        other = self._other.evidence if isinstance(self._other, Case) else self._other
        ours, theirs = self.exchanges, self.exchanges if other is None else other
        return _requests(ours), _requests(theirs)

    def _choose_nearest(self) -> None:
        """Choose the two that tell most."""
        ours, theirs = ([*one.exchanges.values()] for one in (self.first, self.second))
        if not ours or not theirs:
            return
        a, b = nearest_pair(ours, theirs)
        self._paused = True
        for choice, one in ((self.first, a), (self.second, b)):
            with suppress(TraitError):  # of many of a kind the first are offered one by one
                choice.value = one.id
        self._paused = False

    def _chosen(self, _: object) -> None:
        if not self._paused:
            self._show()
            self.show_twin()

    def _show(self) -> None:
        """Compare the two that are chosen."""
        pair = [one.exchanges.get(one.value or "") for one in (self.first, self.second)]
        a, b = pair
        self.found = None if a is None or b is None or a is b else compare(a, b)
        self.prove_button.disabled = self.found is None
        self.result.value = self.found._repr_html_() if self.found else ""
        self.say("" if self.found else "Choose two requests.")


def _requests(rows: Any) -> list[Exchange]:
    return [one for one in rows if one.method or one.url]
