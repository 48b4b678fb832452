"""Work that takes seconds: in a thread of its own, told while it goes on, ended when unwanted."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sinchtools.core.progress import Cancelled, listening

LARGE = 1_500_000  # characters or bytes: what is larger takes seconds
_EVERY_S = 0.2  # between two looks of the progress
_TURN_S, _SHORT_TURN_S = sys.getswitchinterval(), 0.0005  # a job must not keep a click waiting

Told = Callable[[str, int, int, float], None]


def takes_long(size: int) -> bool:
    """Tell whether evidence of a size is read in a thread."""
    return size > LARGE


class Job:
    """
    One piece of work.

    Attributes
    ----------
    is_kept
        Whether its result is being written: it can no longer be cancelled.
    """

    def __init__(self, lock: threading.RLock, tell: Told) -> None:
        self._lock, self._tell = lock, tell
        self._is_unwanted = threading.Event()
        self._begun_s = self._told_s = time.monotonic()
        self.is_kept = False

    def leave(self) -> None:
        """Show nothing of it any more, and end it soon unless its result is being written."""
        self._is_unwanted.set()

    def keep(self) -> None:
        """Begin to write the result."""
        with self.shown():
            self.is_kept = True

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Hold the lock, while a part is drawn, if the work is still wanted."""
        with self._lock:
            if self._is_unwanted.is_set():
                raise Cancelled
            yield

    def hear(self, what: str, done: int, of: int) -> None:
        """Pass on how far it is, now and then."""
        if self._is_unwanted.is_set():
            if self.is_kept:
                return
            raise Cancelled
        now = time.monotonic()
        if now - self._told_s > _EVERY_S:
            self._told_s = now
            self._tell(what, done, of, now - self._begun_s)


class Worker:
    """
    Run one job at a time; a newer one ends the older.

    Parameters
    ----------
    tell
        Told what is counted, how many are done, of how many (0: not known), and the seconds.
    end
        Called when a job is done or failed, with its error; not when it was left.

    Attributes
    ----------
    lock
        Held while a part is drawn, by a job or by a click.
    """

    def __init__(self, tell: Told, end: Callable[[Exception | None], None]) -> None:
        self.lock = threading.RLock()
        self._tell, self._end = tell, end
        self._job: Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way."""
        return self._job is not None

    def start(self, work: Callable[[Job], None]) -> None:
        """Begin a job in a thread."""
        self.leave()
        self._job = Job(self.lock, self._tell)
        self._thread = threading.Thread(target=self._run, args=(self._job, work), daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Have nothing more to do with the job under way."""
        if self._job is not None:
            self._job.leave()
            self._job = None

    def cancel(self) -> bool:
        """End the job under way; tell whether that was still possible."""
        if self._job is None or self._job.is_kept:
            return False
        self.leave()
        return True

    def wait(self) -> None:
        """Wait until all is done."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, job: Job, work: Callable[[Job], None]) -> None:
        failure: Exception | None = None
        sys.setswitchinterval(_SHORT_TURN_S)
        try:
            with listening(job.hear):
                work(job)
        except Cancelled:
            pass
        except Exception as error:  # it would be lost with the thread
            failure = error
        with self.lock:
            if self._job in (job, None):  # no newer one
                sys.setswitchinterval(_TURN_S)
            if self._job is job:
                self._job = None
                self._end(failure)
