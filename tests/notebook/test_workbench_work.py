"""What takes long: read in a thread, with a word on how far it is, and ended when unwanted."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

import sinchtools as st
from sinchtools.core.progress import tell
from sinchtools.notebook.workbench import desk, work
from sinchtools.notebook.workbench.desk import Workbench
from tests.support.present import present
from tests.support.words import NO_REQUEST

LINE = '{"at": "2026-03-02T08:00:%02dZ", "method": "GET", "url": "%s", "status": %d}'
URL = "https://us.sms.api.sinch.com/xms/v1/plan-a/batches/%d"
LOG = "\n".join(LINE % (n % 60, URL % n, 404 if n % 3 else 200) for n in range(60))


@pytest.fixture
def bench(work: Any, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setattr("sinchtools.notebook.workbench.work.LARGE", 4_000)
    return st.workbench()


def shown(bench: Workbench) -> list[Any]:
    parts = (bench.case_bar.facts, bench.problem.head, bench.pattern.head, bench.reply.text)
    return [part.value for part in parts]


def files_of(folder: Any) -> dict[Any, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.jsonl")}


class Slow:
    """A reading that waits at its first row until it is let go, or cancelled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.read = st.read
        monkeypatch.setattr(desk, "read", self)

    def __call__(self, source: Any, **options: Any) -> Any:
        self.begun.set()
        assert self.goes_on.wait(60)
        tell("lines read", 100, 300)
        return self.read(source, **options)


def test_a_job_gives_way_to_clicks_while_it_lasts(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sys.getswitchinterval()
    slow = Slow(monkeypatch)
    bench.evidence.read(LOG)
    assert slow.begun.wait(60)
    assert sys.getswitchinterval() < before
    slow.goes_on.set()
    bench.wait()
    assert sys.getswitchinterval() == before


def test_what_is_read_in_a_thread_looks_as_what_is_read_at_once(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.evidence.read(LOG)
    bench.wait()
    large = shown(bench)
    monkeypatch.setattr(work, "LARGE", 10**9)
    bench.begin(st.Case("other"))
    bench.evidence.read(LOG)
    assert large == shown(bench)
    assert (len(bench.state.requests), bench.evidence.paste.value) == (60, "")


def test_a_large_case_is_there_at_once_with_its_count_and_then_filled(bench: Workbench) -> None:
    bench.evidence.read(LOG)
    bench.wait()
    before = files_of(present(bench.state.case).folder)
    again = st.workbench(bench.state.case)
    assert "60" in again.case_bar.facts.value
    again.wait()
    assert shown(again) == shown(bench)
    assert files_of(present(bench.state.case).folder) == before


def test_cancel_while_reading_leaves_the_case_as_it_was(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.evidence.read("HTTP/1.1 415 Unsupported Media Type")
    before, slow = files_of(present(bench.state.case).folder), Slow(monkeypatch)
    bench.evidence.paste.value = LOG
    bench.evidence.read(LOG)
    assert slow.begun.wait(60)
    bench.evidence.cancel_button.click()
    slow.goes_on.set()
    bench.wait()
    assert files_of(present(bench.state.case).folder) == before
    assert "415" in bench.problem.head.value
    assert "Cancelled" in bench.message.value
    assert bench.evidence.paste.value == LOG


def test_another_case_can_be_chosen_while_one_is_opened(bench: Workbench) -> None:
    bench.evidence.read(LOG)
    bench.wait()
    again = st.workbench(bench.state.case)
    again.open_case("another")
    again.wait()
    assert (present(again.state.case).name, len(again.state.evidence)) == ("another", 0)
    assert "No evidence yet" in again.case_bar.facts.value


def test_a_large_text_without_evidence_stays_in_the_box(bench: Workbench) -> None:
    words = "Nothing works since the update.\n" * 1_000
    bench.evidence.paste.value = words
    bench.evidence.read(words)
    bench.wait()
    assert NO_REQUEST in bench.message.value
    assert bench.evidence.paste.value == words
    assert bench.evidence.zone.layout.display is None


def test_a_click_while_another_is_worked_on_waits_and_is_not_lost(bench: Workbench) -> None:
    begun, goes_on, done = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        assert goes_on.wait(60)
        done.append("first")

    first = threading.Thread(target=bench.doing(slow))
    second = threading.Thread(target=bench.doing(lambda: done.append("second")))
    first.start()
    assert begun.wait(60)
    second.start()  # as JupyterLab does, which handles clicks in a thread of their own
    goes_on.set()
    first.join()
    second.join()
    assert done == ["first", "second"]
