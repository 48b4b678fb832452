"""
Send many requests, each once.

There is a pool of workers, a limiter, waits that a 429 asks for, a stop within one request, and a
circuit breaker.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.client.log import CallLog
from sinchtools.client.retrying import retry_delay_s
from sinchtools.core.errors import AlreadySentError, NotAllowedError, WrongUseError, told
from sinchtools.core.records import Exchange
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.guards import may_be_resent
from sinchtools.replays.ledger import Earlier, earlier

MAX_WORKERS = 16
CATCH_UP_S = 0.1  # what a late start may make up for, so that the mean stays exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    How fast to send, and when to give up.

    Attributes
    ----------
    workers
        Requests under way at once; 1 keeps their order.
    requests_per_s, messages_per_s
        At most so many; None is as fast as it goes.
    attempts
        Of one request that gets a 429.
    break_after
        Requests one after the other that stop the run: a 5xx, no response, or our own
        credentials refused by the vendor.
    """

    workers: int = 1
    requests_per_s: float | None = None
    messages_per_s: float | None = None
    attempts: int = 5
    break_after: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MAX_WORKERS:
            raise WrongUseError(
                f"{told(self.workers)} workers are not possible.", hint=f"Use 1 to {MAX_WORKERS}."
            )
        for count in (self.attempts, self.break_after):
            if count < 1:
                raise WrongUseError(
                    f"{told(count)} attempts, or failures in a row, are not possible.",
                    hint="Use 1 or more.",
                )
        for rate in (self.requests_per_s, self.messages_per_s):
            if rate is not None and not rate > 0:
                raise WrongUseError(
                    f"{told(rate)} a second is not a rate.",
                    hint="Use a number above 0, or leave it out for as fast as it goes.",
                )

    def seconds(self, messages: int) -> float:
        """Return how long a request with so many messages holds up the next one."""
        return max(
            1 / self.requests_per_s if self.requests_per_s else 0.0,
            messages / self.messages_per_s if self.messages_per_s else 0.0,
        )

    @property
    def rates(self) -> str:
        """How many at a time, and how fast, in words."""
        limits = [
            f"at most {rate:g} {what}/s"
            for rate, what in ((self.requests_per_s, "requests"), (self.messages_per_s, "messages"))
            if rate
        ]
        return "; ".join((f"{self.workers} at a time", *(limits or ["as fast as it goes"])))

    def __str__(self) -> str:
        return "; ".join(
            (
                self.rates,
                f"after a 429 all wait as long as Retry-After says (an hour at most; without it "
                f"up to a minute), {self.attempts} attempts",
                f"stops after {self.break_after} failures in a row (5xx, no response, or "
                "credentials refused)",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    How far a run is.

    Requests done, those without success (4xx, 5xx, no response), in all, the rate, and the seconds
    left (None: not known yet).
    """

    done: int
    failed: int
    total: int
    per_s: float
    remaining_s: float | None

    def __str__(self) -> str:
        left = "" if self.remaining_s is None else f", {self.remaining_s:.0f} s left"
        return (
            f"{self.done} of {self.total} done, {self.failed} of them without "
            f"success, {self.per_s:.1f} requests/s{left}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request that is to be sent once."""

    # the same for the same request of the same plan, today and tomorrow: the log lets its attempts
    # be sent once
    call_id: str
    messages: int = 0  # messages that it sends, for the limiter
    # its response is made on purpose: a 429 is no reason to wait, a 5xx none to stop
    by_fault: bool = False
    replay: Any = None  # what the sender needs to send it


Sender = Callable[[Job, int], Exchange]  # sends an attempt of a job


class Limiter:
    """
    Gives each request its moment: so many requests and messages a second, neither more nor less.

    Examples
    --------
    >>> limiter = Limiter(Pace(requests_per_s=4), clock=lambda: 10.0)
    >>> [limiter.reserve() for _ in range(3)]
    [0.0, 0.25, 0.5]
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._clock, self._lock = pace, clock, threading.Lock()
        self._next = self._pause_ends = clock()

    def reserve(self, messages: int = 0) -> float:
        """Take the next free moment, and return how many seconds away it is."""
        with self._lock:
            now = self._clock()
            moment = max(self._next, now - CATCH_UP_S)
            self._next = moment + self._pace.seconds(messages)
            return max(0.0, moment - now)

    def pause(self, seconds: float) -> None:
        """Let nothing go for so long, nor what has its moment already."""
        with self._lock:
            self._pause_ends = max(self._pause_ends, self._clock() + seconds)
            self._next = max(self._next, self._pause_ends)

    @property
    def pauses(self) -> bool:
        """Whether nothing may go just now."""
        return self._clock() < self._pause_ends


class Runner:
    """
    Sends jobs through senders, one sender a worker; what the log has already is not sent again.

    Parameters
    ----------
    log
        Where attempts are written before and after.
    progress
        Called with a `Progress` at the start and after each request, by one thread at a time.
    stopping
        Set by whoever wants the run to stop, also before it begins.
    clock, sleep
        Seconds, and a wait that returns early and True when the run is stopped; given by tests
        only.

    Attributes
    ----------
    done_before
        Calls that were done in an earlier run.
    not_sent
        Calls that were not sent in the end, and why: somebody else was about to, or they must not
        go by now.
    """

    def __init__(
        self,
        pace: Pace,
        log: CallLog,
        *,
        progress: Callable[[Progress], object] | None = None,
        stopping: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
    ) -> None:
        self.pace, self.log, self._reason = pace, log, ""
        self._progress, self._clock = progress, clock
        self._stopping, self._lock = stopping or threading.Event(), threading.Lock()
        self._sleep = sleep or self._stopping.wait
        self._limiter = Limiter(pace, clock)
        self.done_before: set[str] = set()
        self.not_sent: dict[str, str] = {}
        self._children: dict[str, Exchange] = {}
        self._sent = self._done = self._failed = self._total = self._broken = 0
        self._began = clock()

    @property
    def stopped(self) -> str:
        """Why the run ended early; empty when it did not."""
        return self._reason or ("stopped by hand" if self._stopping.is_set() else "")

    def stop(self, reason: str = "") -> None:
        """Send nothing more; what is under way is waited for."""
        self._reason = self._reason or reason
        self._stopping.set()

    def run(
        self, jobs: Iterable[Job], senders: Callable[[], AbstractContextManager[Sender]]
    ) -> dict[str, Exchange]:
        """
        Return the last attempt of each call: of this run, or of an earlier one.

        A call that was not sent is not in it.
        """
        queue = self._open({job.call_id: job for job in jobs})
        self._report()
        if self.pace.workers == 1 or len(queue) < 2:
            self._work(queue, senders)
        else:
            self._work_together(queue, senders)
        self._children |= {
            call_id: attempts[-1] for call_id, attempts in self.log.attempts(self.not_sent).items()
        }
        return self._children

    # --- what is left to do ---

    def _open(self, jobs: dict[str, Job]) -> deque[tuple[Job, int]]:
        past = earlier(jobs, self.log)
        queue: deque[tuple[Job, int]] = deque()
        for call_id, job in jobs.items():
            attempts, is_done = past.get(call_id, Earlier([], False))
            if attempts:
                self._children[call_id] = attempts[-1]
            if not attempts or not (is_done or job.by_fault):
                queue.append((job, len(attempts) + 1))
                self._limiter.pause(_still_to_wait_s(attempts[-1]) if attempts else 0)
            else:
                self.done_before.add(call_id)
        self._total, self._done = len(jobs), len(jobs) - len(queue)
        self._failed = sum(
            self._children[call_id].http_outcome != "success" for call_id in self.done_before
        )
        return queue

    # --- the workers ---

    def _work_together(
        self, queue: deque[tuple[Job, int]], senders: Callable[[], AbstractContextManager[Sender]]
    ) -> None:
        with ThreadPoolExecutor(min(self.pace.workers, len(queue)), "sinchtools-replay") as pool:
            futures = [
                pool.submit(self._work, queue, senders)
                for _ in range(min(self.pace.workers, len(queue)))
            ]
            try:
                wait(futures)
            except BaseException:  # an interrupted cell: the pool waits for what is under way
                self.stop("interrupted")
                raise
        for future in futures:
            future.result()

    def _work(
        self, queue: deque[tuple[Job, int]], senders: Callable[[], AbstractContextManager[Sender]]
    ) -> None:
        if not queue:
            return
        try:
            with senders() as send:
                while queue and not self._stopping.is_set():
                    try:
                        job, attempt = queue.popleft()
                    except IndexError:  # another worker was faster
                        return
                    self._send(job, attempt, send)
        except BaseException:
            self.stop("an error")
            raise

    def _send(self, job: Job, attempt: int, send: Sender) -> None:
        for remaining in reversed(range(self.pace.attempts)):
            if not self.wait_for_turn(job.messages):
                return
            try:
                child = send(job, attempt)
            except (
                AlreadySentError,
                NotAllowedError,
            ) as error:  # another kernel was faster, or something speaks against it by now
                self._leave(job, str(error))
                return
            refused = child.status == 429 and may_be_resent(child) and not job.by_fault
            if refused:
                self._limiter.pause(retry_delay_s(child, self.pace.attempts - remaining) or 0)
            self._record(job, child, done=not (refused and remaining))
            if not (refused and remaining):
                return
            attempt = (child.attempt or 0) + 1

    def wait_for_turn(self, messages: int = 0) -> bool:
        """
        Wait for the next free moment, and for another one where a pause began meanwhile.

        Return False when the run was stopped.
        """
        while True:
            delay = self._limiter.reserve(messages)
            if delay > 0:
                self._sleep(delay)
            if self._stopping.is_set() or not self._limiter.pauses:
                return not self._stopping.is_set()

    def _record(self, job: Job, child: Exchange, *, done: bool) -> None:
        with self._lock:
            self._children[job.call_id] = child
            self._sent += 1
            if done:
                self._done += 1
                if child.http_outcome != "success":
                    self._failed += 1
            if not job.by_fault:
                is_broken = child.http_outcome in {"sinch_error", "no_response"} or (
                    child.status == 401 and child.target in VENDOR
                )
                self._broken = self._broken + 1 if is_broken else 0
            if self._broken >= self.pace.break_after:
                self.stop(
                    f"the last {self._broken} failed (5xx, no response, or our credentials refused)"
                )
            self._report()

    def _leave(self, job: Job, reason: str) -> None:
        with self._lock:
            self.not_sent[job.call_id] = reason
            self._done += 1
            self._report()

    def _report(self) -> None:
        if self._progress is None:
            return
        seconds = self._clock() - self._began
        per_s = self._sent / seconds if seconds > 0 else 0.0
        remaining_s = (self._total - self._done) / per_s if per_s else None
        self._progress(
            Progress(
                done=self._done,
                failed=self._failed,
                total=self._total,
                per_s=per_s,
                remaining_s=remaining_s,
            )
        )


def _still_to_wait_s(attempt: Exchange) -> float:
    """Return for how long the response of an earlier run still asks to wait."""
    if attempt.at is None:
        return 0.0
    ended = attempt.at + timedelta(milliseconds=attempt.elapsed_ms or 0)
    asked_s = retry_delay_s(attempt, attempt.attempt or 1, ended)
    return asked_s - (datetime.now(UTC) - ended).total_seconds() if asked_s else 0.0
