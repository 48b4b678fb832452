"""
Build the frame of every panel: head, banner, status line and static twin.

The frame also knows what the panel was drawn from, and whether that has changed.
"""

from __future__ import annotations

import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup
from traitlets import TraitError

from sinchtools.cases.case import Case
from sinchtools.client.log import CallLog
from sinchtools.core.errors import LeakError, LogError
from sinchtools.core.html import UNTYPESET
from sinchtools.core.records import Exchange, visible
from sinchtools.notebook.panels.theme import (
    WIDE,
    Html,
    banner,
    button,
    error_card,
    row,
    view,
)
from sinchtools.notebook.twin import Twin, nameless, text_of
from sinchtools.notebook.workbench.page import tokens
from sinchtools.privacy.aliases import Aliases

OUT_OF_DATE = "OUT OF DATE: the case changed since this was drawn."
LOOK_EVERY_S = 2
_NOBODYS_KEY = secrets.token_bytes(32)  # of the aliases where there is no case


class Panel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    The frame of every panel: title, case, target banner, the panel's own rows, and one status line.

    Parameters
    ----------
    title, promise
        What it is, and what it does for the reader, in one sentence.
    target
        Where its requests go; None for a panel that sends nothing.
    source
        What the panel is drawn from. A `Case` or a `CallLog` is watched: when it changes, also by
        another kernel, the panel says so.

    Attributes
    ----------
    case
        The case, or None.
    place
        Which panel it is, and of which case: the same when its cell is run again.
    """

    made_from = "evidence"  # the part of a case that the panel shows; none: all of it
    keeps: tuple[
        str, ...
        # controls whose values outlive the cell: run again, a panel of the same case begins with
        # them
    ] = ()

    def __init__(
        self, title: str, promise: str, *, target: str | None = None, source: Any = None
    ) -> None:
        self.case = source if isinstance(source, Case) else None
        self.place = (type(self), str(self.case.folder.absolute()) if self.case else "")
        self._title, self._source, self._writing = title, source, 0
        self._twin = Twin(self._picture)
        self.status = Html(layout=WIDE)
        name = self.case.name if self.case else ""
        head = view("head.html", tokens=tokens(), title=title, case=name, promise=promise)
        self._head = Html(head, layout=WIDE)
        self._banner = Html(banner(target) if target else "", layout=WIDE)
        self.refresh_button = button(
            "Refresh", "Read the case again and show what it contains now. Your choices stay."
        )
        self.refresh_button.on_click(
            self.guard(lambda: self.say("Refreshed."))
        )  # the guard has read it anew by then
        self.stale = row(Html(f"<b role='alert'>▲ {OUT_OF_DATE}</b>"), self.refresh_button)
        self.stale.add_class("st-stale")
        self.stale.layout.display = "none"
        super().__init__(layout=widgets.Layout(width="100%", overflow="visible"))
        for name in ("st-panel", *UNTYPESET.split()):
            self.add_class(name)
        self._seen = self._version()
        if self._seen is not None:
            watch(self)

    def rows(self, *rows: widgets.Widget) -> None:
        """
        Put the panel's rows below the banner.

        The status line is below them, unless it is one of them.
        """
        head = (self._head, self._banner) if self._banner.value else (self._head,)
        below = () if self.status in rows else (self.status,)
        self.children = (*head, self.stale, *rows, *below)

    def begin(self) -> None:
        """Begin with the values that a panel of the same case had when its cell was run before."""
        for name, value in _kept.get(self.place, {}).items():
            with suppress(TraitError, LookupError):  # it is not offered any more
                getattr(self, name).value = value

    def say(self, words: str) -> None:
        """Show one sentence in the status line."""
        self.status.value = view("said.html", words=words) if words else ""

    def guard(
        self, work: Callable[[], object], *buttons: widgets.Button, busy: str = "Working ..."
    ) -> Callable[[Any], None]:
        """
        Return a callback that runs `work` once at a time, with its buttons off meanwhile.

        What went wrong is shown in the panel.

        A panel that is out of date is drawn anew before `work` sees it.
        """

        def callback(_: Any) -> None:
            if any(one.disabled for one in buttons):
                return
            self.say(busy)
            for one in buttons:
                one.disabled = True
            try:
                self.freshen()
                work()
            except (
                Exception
            ) as error:  # whatever it is: a swallowed callback exception helps nobody
                self.status.value = error_card(error)
            finally:
                for one in buttons:
                    one.disabled = False
            self.show_twin()
            if self.case:
                _kept[self.place] = {name: getattr(self, name).value for name in self.keeps}

        return callback

    # --- what it was drawn from -------------------------------------------------------------------

    @property
    def exchanges(self) -> Any:
        """What the panel is drawn from, as it is now."""
        return self.case.evidence if self.case else self._source

    def redraw(self) -> None:
        """Draw from what there is now, with the values chosen."""

    def check(self) -> bool:
        """
        Check whether anything but this panel changed what it was drawn from.

        Show it, and return whether the panel is out of date.
        """
        if self._writing:
            return False
        try:
            is_stale = self._version() != self._seen
        except LogError:  # its folder is gone: the next click says so
            is_stale = True
        display = "" if is_stale else "none"
        if self.stale.layout.display != display:
            self.stale.layout.display = display
            self.show_twin()
        return is_stale

    def freshen(self) -> bool:
        """Draw anew when this is out of date; return whether it was."""
        if not self.check():
            return False
        self._seen = self._version()  # what comes while this is drawn makes it old again
        self.redraw()
        self.check()
        return True

    @contextmanager
    def own(self, what: Case | CallLog | None) -> Iterator[None]:
        """Take what is written within for this panel's own doing: its view grows no older by it."""
        before, is_source = self._version(), what is not None and what is self._source
        self._writing += is_source
        try:
            yield
        finally:
            self._writing -= is_source
            if is_source and before == self._seen:
                self._seen = self._version()

    def _version(self) -> int | None:
        if isinstance(self._source, CallLog):
            return self._source.version
        return (
            None
            if not self.case
            else self.case.version_of(self.made_from)
            if self.made_from
            else self.case.version
        )

    def close(self) -> None:
        """Take the panel away, and look after it no more."""
        _watched.discard(self)
        super().close()

    # --- the static twin --------------------------------------------------------------------------

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return the panel as HTML that needs no kernel, people as aliases, and its exchanges."""
        return "", []

    def show_twin(self) -> None:
        """Update the static twin, if the panel is displayed and the twin has changed."""
        self._twin.renew()

    def _picture(self) -> tuple[str, str]:
        html = self._static_html()
        return html, text_of(html)

    def _static_html(self) -> Markup:
        people = Aliases(self.case.key if self.case else _NOBODYS_KEY)
        shown: str
        try:
            html, exchanges = self.static(people)
            [shown] = nameless([html], people, exchanges)
        except LeakError as error:
            shown = f"Not shown here. {error}"
        return view(
            "still.html",
            title=self._title,
            case=self.case.name if self.case else "",
            late=OUT_OF_DATE if self.stale.layout.display != "none" else "",
            view=shown,
        )

    def _ipython_display_(self) -> None:
        """Display the panel, and beside it the twin that is seen where no widget is."""
        words = f"{self._title}: a panel. Run the cell to work with it."
        self._twin.show(self._repr_mimebundle_(), words)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}{f' of case {visible(self.case.name)}' if self.case else ''}>"
        )


_kept: dict[tuple[type, str], dict[str, Any]] = {}  # by panel and case: the values chosen last

# --- one watcher for all panels -------------------------------------------------------------------

_watched: weakref.WeakSet[Any] = weakref.WeakSet()
_watching = threading.Lock()


def watch(panel: Any) -> None:
    """Have a panel checked every now and then, for as long as it lives."""
    _watched.add(panel)
    if _watching.acquire(blocking=False):  # held for good by the first
        threading.Thread(target=_look_after, name="sinchtools-watch", daemon=True).start()


def _look_after() -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        for panel in list(_watched):
            with suppress(
                Exception
            ):  # its case was deleted, its log closed: the next click says so
                panel.check()
