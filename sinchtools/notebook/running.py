"""A run of many replays, in a thread of its own so that the kernel hears the Stop button."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sinchtools.replays.plans import Plan
from sinchtools.replays.runner import Progress

_REDRAW_S = 0.2  # a redraw is a message to the browser


class Running:
    """
    One run at a time, told while it lasts.

    Parameters
    ----------
    draw
        Shows how far it is.
    fail
        Shows what went wrong, which would be lost with the thread.
    end
        Called when it is over, however it ended.
    """

    def __init__(
        self,
        draw: Callable[[Progress], None],
        fail: Callable[[Exception], None],
        end: Callable[[], None],
    ) -> None:
        self._draw, self._fail, self._end = draw, fail, end
        self._plan: Plan | None = None
        self._thread: threading.Thread | None = None
        self._is_unwanted = False
        self._drawn_s = 0.0
        self.is_on = False

    def start(self, work: Callable[[], None]) -> None:
        """Begin to work in a thread."""
        self._plan, self._is_unwanted, self.is_on = None, False, True
        self._thread = threading.Thread(
            target=self._run, args=(work,), name="sinchtools-panel", daemon=True
        )
        self._thread.start()

    def take(self, made: Plan) -> Plan:
        """Take the plan that a stop is for, also one that came before there was a plan."""
        self._plan = made
        if self._is_unwanted:
            made.stop()
        return made

    def stop(self) -> None:
        """Stop within one request."""
        self._is_unwanted = True
        if self._plan:
            self._plan.stop()

    def wait(self) -> None:
        """Return when nothing runs any more."""
        if self._thread:
            self._thread.join()

    def tell(self, progress: Progress) -> None:
        """Have the beginning and the end drawn, and what is between now and then."""
        now = time.monotonic()
        if 0 < progress.done < progress.total and now - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now
        self._draw(progress)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # nobody else would see it
            self._fail(error)
        finally:
            self.is_on = False
            self._end()
