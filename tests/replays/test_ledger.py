"""The ledger is the only door: nothing goes out of a plan without a permission that it gave."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sinchtools.replays
from sinchtools.client.client import connect
from sinchtools.client.log import CallLog
from sinchtools.client.sending import Permission
from sinchtools.core.errors import NotAllowedError
from sinchtools.replays.ledger import Ledger
from sinchtools.replays.planned import PlannedRequest
from sinchtools.replays.planning import plan
from sinchtools.replays.plans import Plan
from sinchtools.sandbox import Sandbox
from tests.replays.test_replay import GOOD, sent
from tests.support.clients import client_of
from tests.support.vendor import Vendor

WAYS = ["a fresh sandbox", "a running sandbox", "dry-run", "live"]
ROWS = [
    sent({**GOOD, "body": f"Message {number}"}, id=f"x{number}", status=400) for number in range(3)
]


@pytest.fixture
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def made(way: str, log: CallLog, running: Sandbox) -> Plan:
    if way == "a running sandbox":
        client = client_of(running, log)
        return plan(ROWS, client=client)
    return plan(ROWS, target="sandbox" if "sandbox" in way else way, log=log)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_ledger_refuses_goes_nowhere(
    vendor: Vendor, log: CallLog, running: Sandbox, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Ledger, item: PlannedRequest, call_id: str, attempt: int) -> Permission:
        return Permission(call_id=call_id, attempt=attempt, reason="not now")

    monkeypatch.setattr(Ledger, "ask", refused)
    todo = made(way, log, running)
    done = todo.run(confirm=todo.effect)
    assert [(one.child, one.reasons) for one in done] == [(None, ("On hold: not now.",))] * 3
    assert (vendor.requests, list(log)) == ([], [])


@pytest.mark.parametrize("way", WAYS)
def test_each_attempt_that_goes_out_was_asked_for_once(
    vendor: Vendor, log: CallLog, running: Sandbox, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Permission] = []
    ask: Callable[..., Permission] = Ledger.ask

    def noted(self: Ledger, *asked: object) -> Permission:
        given.append(ask(self, *asked))
        return given[-1]

    monkeypatch.setattr(Ledger, "ask", noted)
    for sandbox in (vendor.sandbox, running):
        sandbox.faults.add(status=429, times=1, retry_after_s=0)
    todo = made(way, log, running)
    todo.run(confirm=todo.effect)
    written = [(one.call_id, one.attempt) for one in log]
    assert [(one.call_id, one.attempt) for one in given if not one.reason] == written
    assert max(Counter(written).values()) == 1
    assert len(written) == (3 if way == "a fresh sandbox" else 4)
    assert len(vendor.requests) == (len(written) if "sandbox" not in way else 0)


def test_a_permission_that_is_refused_sends_and_writes_nothing(
    vendor: Vendor, log: CallLog
) -> None:
    client = connect("live", log=log)
    refused = Permission(call_id="c1", attempt=1, reason="people have it", hint="Look first.")
    with pytest.raises(NotAllowedError, match=r"^On hold: people have it\. Look first\.$"):
        client.request("POST", "/batches", json=GOOD, permit=lambda: refused)
    client.close()
    assert (vendor.requests, list(log)) == ([], [])


def test_replays_send_in_one_place_only_and_there_the_ledger_is_asked() -> None:
    """Else a request could leave without a question."""
    folder = Path(sinchtools.replays.__path__[0])
    sends = [
        (path.name, sorted(word.arg or "" for word in call.keywords))
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"request", "send", "intent"}
    ]
    assert [(name, "permit" in words) for name, words in sends] == [("targets.py", True)]


def test_only_the_ledger_reads_what_was_reserved() -> None:
    folder = Path(sinchtools.replays.__path__[0])
    readers = [
        path.name
        for path in folder.glob("*.py")
        if "replays.reservations import" in path.read_text(encoding="utf-8")
    ]
    assert readers == ["ledger.py"]


def test_a_switch_that_is_turned_off_during_a_run_stops_what_waits(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = plan(ROWS, target="live", log=log)
    done = todo.run(
        confirm=todo.effect,
        progress=lambda told: monkeypatch.setenv("SINCHTOOLS_ALLOW", "sandbox"),
    )
    assert (vendor.sends, [one.child for one in done]) == ([], [None] * 3)
    assert "nothing more is switched on" in done[0].reasons[0]


def test_the_ledger_says_why(vendor: Vendor, log: CallLog) -> None:
    first = plan(ROWS[:1], target="live", log=log)
    first.run(confirm=first.effect)
    (again,) = plan(ROWS[:1], target="live", log=CallLog(log.path.with_name("other.sqlite"))).items
    said = Ledger(target="live", given=log, region="us").ask(again, "another", 1)
    assert "the same request went out" in said.reason
