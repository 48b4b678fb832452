"""Many replays by clicking: start, progress, stop within one request, go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets as widgets

from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.theme import WIDE, Html, button, error_card, labelled, row, view
from sinchtools.notebook.running import Running
from sinchtools.replays.plans import Plan
from sinchtools.replays.results import ReplayResults
from sinchtools.replays.runner import Progress

_AUTO = {"width": "auto"}


class Batch(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A run in a thread of its own, so that the kernel hears the Stop button.

    Parameters
    ----------
    panel
        Shows what went wrong.
    place
        Which panel it is, and of which exchanges: the same when its cell is run again.
    make
        Returns the plan to run.
    run
        Runs a plan with a progress callback.
    show
        Shows the results.
    locks
        Controls that stay as they are while it runs.
    """

    def __init__(
        self,
        panel: Panel,
        place: object,
        make: Callable[[], Plan],
        run: Callable[[Plan, Callable[[Progress], object]], ReplayResults],
        show: Callable[[ReplayResults], None],
        locks: Iterable[widgets.Widget] = (),
    ) -> None:
        self.place, self._panel, self._make = place, panel, make
        self._run, self._show, self._locks = run, show, tuple(locks)
        self.running = Running(self._draw, self._fail, self._end)
        self._words = "Replay all of this kind"
        unchanged = "Otherwise they are sent unchanged"
        self.fix = labelled(
            widgets.Checkbox,
            "Apply the suggested fix of each",
            unchanged,
            value=False,
            indent=False,
            layout=_AUTO,
        )
        self.start_button = button(
            self._words,
            "Send every exchange of the chosen failure; what was sent before is not sent again",
        )
        self.stop_button = button("Stop", "Send nothing more; what is under way is waited for")
        self.stop_button.disabled = True
        hidden = widgets.Layout(width="260px", display="none")  # until there is work
        self.bar = widgets.IntProgress(value=0, max=1, layout=hidden)
        self.counts = Html(layout=_AUTO)
        self.start_button.on_click(panel.guard(self.start, busy="Replaying ..."))
        self.stop_button.on_click(panel.guard(self.stop, busy="Stopping ..."))
        super().__init__(
            (row(self.start_button, self.stop_button, self.fix), row(self.bar, self.counts)),
            layout=WIDE,
        )

    def start(self) -> None:
        """
        Run the plan from its beginning, or from where it was stopped.

        A second start while it runs does nothing.
        """
        if self.running.is_on:
            return
        made = self._make()
        _running.add(self)
        self._lock(True)
        self.running.start(lambda: self._replay(made))

    def begin_anew(self, words: str | None = None) -> None:
        """
        Forget how far another run was: the next one is of other exchanges, or goes elsewhere.

        `words` are what the button says from now on.
        """
        self._words = words or self._words
        if not self.running.is_on:
            self.start_button.description, self.counts.value, self.bar.value = self._words, "", 0

    def stop(self) -> None:
        """Stop within one request."""
        self.running.stop()

    def wait(self) -> None:
        """Return when nothing runs any more."""
        self.running.wait()

    def _replay(self, made: Plan) -> None:
        done = self._run(self.running.take(made), self.running.tell)
        self._show(done)
        self.start_button.description = "Go on with the rest" if done.stopped else self._words

    def _fail(self, error: Exception) -> None:
        self._panel.status.value = error_card(error)

    def _end(self) -> None:
        _running.discard(self)
        self.stop_button.disabled = True
        self._lock(False)
        self._panel.show_twin()

    def _lock(self, is_locked: bool) -> None:
        for one in (self.start_button, *self._locks):
            one.disabled = is_locked

    def _draw(self, progress: Progress) -> None:
        self.stop_button.disabled = False
        self.bar.layout.display = None
        self.bar.max, self.bar.value = max(progress.total, 1), progress.done
        self.counts.value = view("progress.html", words=progress)


_running: set[Batch] = set()


def stop_all_of(place: object) -> bool:
    """
    Stop what the panel of that place is running, and return whether there was any.

    Its cell was run again, so its Stop button is gone.
    """
    found = [batch for batch in list(_running) if batch.place == place]
    for batch in found:
        batch.stop()
    return bool(found)
