"""The runner: each call once, at its pace, stopped within one request; no clock is looked at."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from sinchtools.client.log import CallLog
from sinchtools.core.errors import LogError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.replays.runner import Job, Limiter, Pace, Progress, Runner
from tests.support.words import STOPPED

SENT = Exchange(
    id="", origin="replay", target="sandbox", method="POST", endpoint="POST /batches", status=201
)
REFUSED, BROKEN = replace(SENT, status=429), replace(SENT, status=503)
NEVER_CONNECTED = replace(SENT, status=None, failure="ConnectionError: NewConnectionError")
NO_ANSWER = replace(SENT, status=None, failure="ReadTimeout")


class Time:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


class Sender:
    """Answers in the order given, then with 201; writes intent and outcome as the client does."""

    def __init__(self, log: Any, *answers: Any, then: Any = SENT) -> None:
        self.log, self.senders = log, 0
        self.sent: list[tuple[str, int]] = []
        self._answers, self._ids = (
            itertools.chain(answers, itertools.repeat(then)),
            itertools.count(),
        )
        self.before_each: Callable[[Any], object] = lambda job: None

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Any]:
        self.senders += 1
        yield self.send

    def send(self, job: Any, attempt: Any) -> Any:
        asked = replace(
            next(self._answers),
            id=f"{id(self)}-{next(self._ids)}",
            call_id=job.call_id,
            attempt=attempt,
        )
        self.log.intent(replace(asked, status=None, failure=None))
        self.before_each(job)
        self.sent.append((job.call_id, attempt))
        self.log.outcome(asked)
        return asked


def jobs(count: Any, **rest: Any) -> list[Job]:
    return [Job(call_id=f"call-{i}", **rest) for i in range(count)]


def run(log: Any, sender: Any, work: Any, pace: Any = None, **rest: Any) -> tuple[Any, Any, Any]:
    time = Time()
    runner = Runner(pace or Pace(), log, clock=time, sleep=time.sleep, **rest)
    return runner, runner.run(work, sender), time


def test_each_job_is_sent_once_in_order(log: CallLog) -> None:
    sender = Sender(log)
    _, answers, _ = run(log, sender, jobs(5))
    assert sender.sent == [(f"call-{i}", 1) for i in range(5)]
    assert list(answers) == [f"call-{i}" for i in range(5)]


def test_a_job_that_is_named_twice_is_sent_once(log: CallLog) -> None:
    sender = Sender(log)
    run(log, sender, jobs(2) + jobs(2))
    assert len(sender.sent) == 2


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_many_workers_send_each_job_once_on_a_lane_of_their_own(log: CallLog, workers: int) -> None:
    sender = Sender(log)
    _, answers, _ = run(log, sender, jobs(60), Pace(workers=workers))
    assert sorted(sender.sent) == sorted((job.call_id, 1) for job in jobs(60))
    assert (len(answers), 1 <= sender.senders <= workers) == (60, True)


def test_a_second_run_sends_nothing_and_knows_the_answers(log: CallLog) -> None:
    first, second = Sender(log), Sender(log)
    _, before, _ = run(log, first, jobs(3))
    _, after, _ = run(log, second, jobs(3))
    assert (second.sent, second.senders) == ([], 0)
    assert after == before


def test_two_runners_at_once_send_each_job_once(log: CallLog) -> None:
    senders = [Sender(log), Sender(log)]
    threads = [
        threading.Thread(target=run, args=(log, sender, jobs(80), Pace(workers=4)))
        for sender in senders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [one for sender in senders for one in sender.sent]
    assert sorted(sent) == sorted((job.call_id, 1) for job in jobs(80))


LEFT = {  # what an earlier run left behind: (attempt, is it sent again?)
    "done": (SENT, False),
    "refused for good": (replace(SENT, status=400), False),
    "no answer": (NO_ANSWER, False),
    "server error": (BROKEN, False),
    "too many": (REFUSED, True),
    "never connected": (NEVER_CONNECTED, True),
}


@pytest.mark.parametrize(("answer", "again"), LEFT.values(), ids=LEFT.keys())
def test_only_what_was_surely_not_carried_out_is_sent_again(
    log: CallLog, answer: Any, again: bool
) -> None:
    run(log, Sender(log, then=answer), jobs(1), Pace(attempts=1))
    sender = Sender(log)
    run(log, sender, jobs(1))
    assert sender.sent == [("call-0", 2)] * again


def test_an_intent_without_an_outcome_is_unknown_and_stays_unsent(log: CallLog) -> None:
    log.intent(replace(SENT, id="a", call_id="call-0", status=None))
    sender = Sender(log)
    _, answers, _ = run(log, sender, jobs(2))
    assert sender.sent == [("call-1", 1)]
    assert answers["call-0"].failure == "outcome unknown"


@pytest.mark.parametrize(
    ("pace", "messages", "moments"),
    [
        (Pace(requests_per_s=10), 0, [0, 0.1, 0.2, 0.3]),
        (Pace(messages_per_s=10), 5, [0, 0.5, 1.0, 1.5]),
        (Pace(requests_per_s=10, messages_per_s=100), 5, [0, 0.1, 0.2, 0.3]),
        (Pace(requests_per_s=100, messages_per_s=10), 5, [0, 0.5, 1.0, 1.5]),
        (Pace(), 5, [0, 0, 0, 0]),
    ],
)
def test_the_limiter_gives_each_request_its_moment(pace: Any, messages: int, moments: Any) -> None:
    limiter = Limiter(pace, clock=Time())
    assert [limiter.reserve(messages) for _ in moments] == pytest.approx(moments)


@pytest.mark.parametrize("late_s", [0.0, 0.002, 0.05])
def test_late_wake_ups_do_not_slow_the_mean(late_s: float) -> None:
    time = Time()
    limiter = Limiter(Pace(requests_per_s=10), clock=time)
    for _ in range(101):
        time.sleep(limiter.reserve() + late_s)
    assert time.now == pytest.approx(10, abs=0.1)


def test_idleness_is_not_saved_up_for_a_burst() -> None:
    time = Time()
    limiter = Limiter(Pace(requests_per_s=10), clock=time)
    time.sleep(60)
    assert sum(limiter.reserve() == 0 for _ in range(100)) <= 3


@pytest.mark.parametrize(("value", "waited"), [("7", 7), ("0", 0)])
def test_after_a_429_everybody_waits_as_long_as_it_says(
    log: CallLog, value: str, waited: int
) -> None:
    sender = Sender(log, replace(REFUSED, response_headers={"Retry-After": value}))
    _, answers, time = run(log, sender, jobs(2))
    assert sender.sent == [("call-0", 1), ("call-0", 2), ("call-1", 1)]
    assert time.now == waited
    assert answers["call-0"].status == 201


def test_a_429_that_stays_ends_after_so_many_attempts(log: CallLog) -> None:
    sender = Sender(log, then=replace(REFUSED, response_headers={"Retry-After": "1"}))
    _, answers, _ = run(log, sender, jobs(1), Pace(attempts=3))
    assert [attempt for _, attempt in sender.sent] == [1, 2, 3]
    assert answers["call-0"].status == 429


@pytest.mark.parametrize("is_date", [False, True])
@pytest.mark.parametrize(("ago_s", "waited"), [(0, 42), (25, 17), (60, 0)])
def test_the_next_run_waits_out_what_the_last_one_was_asked_to(
    log: CallLog, ago_s: int, waited: int, is_date: bool
) -> None:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    asked = {
        "Retry-After": "40"
        if not is_date
        else format_datetime(at + timedelta(seconds=42), usegmt=True)
    }
    run(
        log,
        Sender(log, then=replace(REFUSED, at=at, elapsed_ms=2000.0, response_headers=asked)),
        jobs(1),
        Pace(attempts=1),
    )
    _, _, time = run(log, Sender(log), jobs(3))
    assert time.now == pytest.approx(waited, abs=1.5)


def test_after_the_last_attempt_of_one_the_next_waits_too(log: CallLog) -> None:
    sender = Sender(log, then=replace(REFUSED, response_headers={"Retry-After": "10"}))
    moments = []
    sender.before_each = lambda job: moments.append((job.call_id, time.now))
    time = Time()
    Runner(Pace(attempts=2), log, clock=time, sleep=time.sleep).run(jobs(2), sender)
    assert moments == [("call-0", 0), ("call-0", 10), ("call-1", 20), ("call-1", 30)]


def test_a_pause_holds_up_also_what_had_its_moment_already(log: CallLog) -> None:
    sender, time, moments, pauses = Sender(log), Time(), [], [0, 5]

    def sleep(seconds: Any) -> Any:
        """While the second one waits for its moment, somebody else gets a 429."""
        runner._limiter.pause(pauses.pop(0) if pauses else 0)
        return time.sleep(seconds)

    sender.before_each = lambda job: moments.append(time.now)
    runner = Runner(Pace(requests_per_s=10), log, clock=time, sleep=sleep)
    runner.run(jobs(4), sender)
    assert moments[:2] == pytest.approx([0, 0.1])
    assert moments[2] >= 5.1
    assert moments[3] == pytest.approx(moments[2] + 0.1)


def test_a_429_by_fault_is_an_answer_like_any_other(log: CallLog) -> None:
    sender = Sender(log, then=REFUSED)
    _, _, time = run(log, sender, jobs(2, by_fault=True))
    assert (len(sender.sent), time.waits) == (2, [])


def test_a_row_of_server_errors_breaks_the_circuit(log: CallLog) -> None:
    sender = Sender(log, SENT, BROKEN, BROKEN, SENT, then=BROKEN)
    runner, answers, _ = run(log, sender, jobs(50), Pace(break_after=3))
    assert (len(sender.sent), len(answers)) == (7, 7)
    assert runner.stopped == "the last 3 failed (5xx, no response, or our credentials refused)"


def test_a_server_that_now_fails_and_now_says_nothing_breaks_the_circuit_too(log: CallLog) -> None:
    sender = Sender(log, *[BROKEN, NO_ANSWER] * 20)
    runner, _, _ = run(log, sender, jobs(40), Pace(break_after=4))
    assert (len(sender.sent), bool(runner.stopped)) == (4, True)


def test_server_errors_by_fault_break_nothing(log: CallLog) -> None:
    sender = Sender(log, then=BROKEN)
    runner, _, _ = run(log, sender, jobs(20, by_fault=True), Pace(break_after=3))
    assert (len(sender.sent), runner.stopped) == (20, "")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stop_lets_finish_what_is_under_way_and_sends_no_more(log: CallLog, workers: int) -> None:
    sender = Sender(log)
    runner = Runner(Pace(workers=workers), log)
    sender.before_each = lambda job: runner.stop() if job.call_id == "call-9" else None
    answers = runner.run(jobs(500), sender)
    assert "call-9" in answers
    assert 10 <= len(sender.sent) < 500 if workers > 1 else len(sender.sent) == 10
    assert runner.stopped == STOPPED


def test_a_stop_before_the_run_lets_nothing_go(log: CallLog) -> None:
    sender, stopping = Sender(log), threading.Event()
    stopping.set()
    runner, answers, _ = run(log, sender, jobs(3), stopping=stopping)
    assert (sender.sent, answers, runner.stopped) == ([], {}, STOPPED)


def test_a_stop_ends_a_long_wait_at_once(log: CallLog) -> None:
    sender = Sender(log, replace(REFUSED, response_headers={"Retry-After": "3600"}))
    runner = Runner(Pace(), log)
    refused = threading.Event()

    def stop_later() -> None:
        refused.wait(10)
        runner.stop()

    stopper = threading.Thread(target=stop_later)
    runner._progress = lambda told: refused.set()
    stopper.start()
    assert runner.run(jobs(1), sender)["call-0"].status == 429
    stopper.join()


def test_a_stopped_run_goes_on_where_it_was(log: CallLog) -> None:
    sender = Sender(log)
    runner = Runner(Pace(), log)
    sender.before_each = lambda job: runner.stop() if job.call_id == "call-4" else None
    runner.run(jobs(10), sender)
    _, answers, _ = run(log, sender, jobs(10))
    assert sender.sent == [(f"call-{i}", 1) for i in range(10)]
    assert len(answers) == 10


def test_progress_tells_counts_rate_and_time_left(log: CallLog) -> None:
    told: list[Progress] = []
    time = Time()
    sender = Sender(log, SENT, replace(SENT, status=400))
    Runner(Pace(requests_per_s=2), log, progress=told.append, clock=time, sleep=time.sleep).run(
        jobs(5), sender
    )
    assert [(p.done, p.failed, p.total) for p in told] == [
        (0, 0, 5),
        (1, 0, 5),
        (2, 1, 5),
        (3, 1, 5),
        (4, 1, 5),
        (5, 1, 5),
    ]
    assert (told[0].remaining_s, told[3].per_s) == (None, 3.0)
    assert told[3].remaining_s == pytest.approx(2 / 3)
    assert str(told[-1]) == "5 of 5 done, 1 of them without success, 2.5 requests/s, 0 s left"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_log_that_cannot_be_written_stops_the_run_with_its_error(
    log: CallLog, workers: int
) -> None:
    sender = Sender(log)

    def full(job: Any) -> None:
        if job.call_id == "call-3":
            raise LogError("The disk is full.")

    sender.before_each = full
    with pytest.raises(LogError, match="disk is full"):
        run(log, sender, jobs(500), Pace(workers=workers))
    assert len(sender.sent) < 500


WRONG = [
    {"workers": 0},
    {"workers": 17},
    {"requests_per_s": 0},
    {"messages_per_s": -1},
    {"requests_per_s": float("nan")},
]


@pytest.mark.parametrize("wrong", [*WRONG, {"attempts": 0}, {"break_after": 0}])
def test_a_pace_that_is_not_possible_is_wrong_use(wrong: Any) -> None:
    with pytest.raises(WrongUseError):
        Pace(**wrong)


def test_the_pace_says_in_words_what_will_happen() -> None:
    assert str(Pace(workers=2, requests_per_s=5)).startswith(
        "2 at a time; at most 5 requests/s; after a 429 all wait as long as Retry-After says"
    )
