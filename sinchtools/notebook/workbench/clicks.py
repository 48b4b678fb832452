"""What a click does: one at a time, with a word while it lasts, and what went wrong in words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sinchtools.core.errors import SinchToolsError
from sinchtools.notebook.workbench.controls import show

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench


class Clicks:
    """
    Run what the controls of a workbench do.

    JupyterLab may send clicks to a subshell, a thread beside the one that runs the cells.
    """

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._thread = 0  # the one that works on a click

    @property
    def is_busy(self) -> bool:
        """Whether a click is being worked on."""
        return bool(self._thread)

    def doing(self, work: Callable[[], object], *, busy: str = "") -> Callable[[Any], None]:
        """Return a callback that does one thing at a time, and shows what went wrong."""

        def callback(sender: Any = None) -> None:
            if self._thread == threading.get_ident():
                return  # the work itself changed a control
            with self._desk.worker.lock:  # another thread may be at work: a click waits, and counts
                self._thread = threading.get_ident()
                try:
                    with self._said(busy, sender):
                        work()
                except Exception as error:  # an exception in a callback would be swallowed
                    self._desk.fail(error)
                finally:
                    self._thread = 0
                    self._desk.mark_seen()
            self._desk.show_still()

        return callback

    @contextmanager
    def _said(self, busy: str, sender: Any) -> Iterator[None]:
        """Say on the button that it is at work; after a key, where messages are."""
        desk, words = self._desk, getattr(sender, "description", "") if busy else ""
        show(desk.message, "")
        if busy and sender is None:
            desk.say("note", busy)
        if words:
            sender.description, sender.disabled = busy, True
        told = desk.message.value
        try:
            yield
            if busy and desk.message.value == told:
                show(desk.message, "")
        finally:
            if words:
                sender.disabled = False
                if sender.description == busy:
                    sender.description = words


def in_words(error: Exception) -> tuple[str, str, str]:
    """Return what went wrong, what to do, and where it was if it is a defect of ours."""
    if isinstance(error, SinchToolsError):
        return *_split(str(error)), ""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_name}, line {place.tb_lineno}" if place else ""
    then = "Nothing was lost. Try again, or use the function in a cell."
    return f"Unexpected error ({type(error).__name__}).", then, where


def _split(words: str) -> tuple[str, str]:
    head, _, rest = words.partition("\n")
    if not rest:
        head, dot, rest = words.partition(". ")
        return head + dot.strip(), rest
    return head, rest
