"""Nobody gets a message twice: the evidence's own second tries, other logs, other kernels, calls that wait, checks that age."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sinchtools import items
from sinchtools.calllog import CallLog
from sinchtools.checkfirst import batch_of
from sinchtools.client import connect
from sinchtools.errors import LogError, NotAllowedError
from sinchtools.records import Exchange
from sinchtools.replay import plan
from tests.test_replay import GOOD, GROUP, REFERENCED, URL, Later, sent
from tests.vendor import Vendor


@pytest.fixture
def log(tmp_path):
    with CallLog(tmp_path / "calls.sqlite") as log:
        yield log


@pytest.fixture
def vendor(work, monkeypatch):
    return Vendor(monkeypatch)


TRIED_AGAIN = {  # how the evidence's own second try ended: what a replay of the first, a 429, says
    "accepted": ({"status": 201}, "the same request as second, which was accepted"),
    "no answer": ({"failure": "ReadTimeout"}, "the same request as second, which may already have been sent"),
    "refused too": ({"status": 429}, ""),
}


@pytest.mark.parametrize(("ended", "reason"), TRIED_AGAIN.values(), ids=TRIED_AGAIN.keys())
@pytest.mark.parametrize("more", [{}, {"X-Request-Id": "2"}], ids=["the same headers", "a header of its own"])
def test_what_the_evidence_itself_tried_again_is_not_sent_once_more(vendor, log, ended, reason, more):
    first, second = sent(id="first", status=429), sent(id="second", request_headers={**sent().request_headers, **more}, **ended)
    made = plan([first, second], target="live", log=log)
    assert made.reasons.get("first", ("",))[0] == reason
    made.run(confirm=made.effect)
    assert len(vendor.sends) == (not reason)


def test_a_request_that_can_be_repeated_is_held_back_by_no_earlier_one(vendor, log):
    rows = [sent(None, id=str(status), method="DELETE", url=f"{URL}/{GROUP}", status=status, at=datetime.now(UTC)) for status in (200, 429)]
    assert plan(rows[::-1], target="live", log=log).reasons == {"200": ("the same request as 429: it is sent once",)}


def test_a_check_of_the_second_try_frees_the_first(vendor, log):
    rows = [sent(REFERENCED, id="first", status=429), sent(REFERENCED, id="second", failure="ReadTimeout", at=datetime.now(UTC))]
    checked = plan(rows, target="live", log=log).check()
    assert (checked.effect, list(checked.reasons)) == ("send 1 SMS to 1 people", ["second"])
    checked.run(confirm=checked.effect)
    assert len(vendor.sends) == 1


SAME_ON_THE_WIRE = [{"method": "post"}, {"url": f"{URL}/"}, {"url": URL.replace("sms.api", "SMS.api")}, {"request_body": json.dumps(GOOD).encode()}]


@pytest.mark.parametrize("written", SAME_ON_THE_WIRE)
def test_what_leaves_as_the_same_request_is_the_same_call(vendor, log, written):
    for made in (plan(x, target="live", log=log) for x in (sent(status=400), replace(sent(id="x2", status=400), **written))):
        assert made.run(confirm=made.effect)[0].child.status == 201
    assert len(vendor.sends) == 1


def test_two_logs_that_send_at_the_same_moment_send_once(vendor, work):
    plans = [plan(sent(status=400), target="live", log=CallLog(work / name / "calls.sqlite")) for name in "abcd"]
    barrier = threading.Barrier(4)

    def run(made):
        return made.run(confirm="send 1 SMS to 1 people", progress=lambda told: barrier.wait(10) if not told.done else None)[0]

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, plans))
    assert len(vendor.sends) == 1
    assert sorted(r.child is None for r in done) == [False, True, True, True]
    assert sum("was sent through another log" in "; ".join(r.reasons) for r in done) == 3


def test_a_log_that_is_gone_leaves_its_claim_and_says_what_to_do(vendor, work):
    made = plan(sent(status=400), target="live", log=CallLog(work / "gone.sqlite"))
    made.run(confirm=made.effect)
    (work / "gone.sqlite").unlink()
    (reason,) = plan(sent(status=400), target="live").reasons["x1"]
    assert "which is gone: if you know that it was not sent, delete" in reason
    Path(reason.partition("delete ")[2]).unlink()
    assert plan(sent(status=400), target="live").reasons == {}


def test_a_claim_names_nobody_and_is_its_owners_alone(vendor, log, work):
    made = plan(sent(status=400), target="live", log=log)
    made.run(confirm=made.effect)
    (claim,) = (work / ".sent").iterdir()
    assert (claim.read_text(), claim.stat().st_mode & 0o777) == (str(log.path.resolve()), 0o600)


def test_a_work_folder_that_cannot_hold_a_claim_stops_before_anything_is_sent(vendor, log, work):
    made = plan(sent(status=400), target="live", log=log)
    confirm = made.effect
    (work / ".sent").write_text("")
    with pytest.raises(LogError, match="work folder"):
        made.run(confirm=confirm)
    assert (vendor.requests, len(log)) == ([], 0)


def test_what_another_kernel_is_about_to_send_is_no_failure(vendor, log):
    made = plan(sent(status=400), target="live", log=log)
    told = []

    def other(progress):
        told.append(progress)
        if not progress.done:
            log.intent(Exchange(id="theirs", call_id=made.items[0].call_id, attempt=1, at=datetime.now(UTC), target="live", method="POST", url=URL))

    (result,) = made.run(confirm=made.effect, progress=other)
    assert (vendor.sends, told[-1].done, told[-1].failed) == ([], 1, 0)
    assert (result.verdict, result.child.id) == ("INCONCLUSIVE", "theirs")
    assert "not sent again" in result.reasons[0]


def test_a_refused_call_is_weighed_again_before_it_goes_again(vendor, log, monkeypatch):
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    made = plan(sent({**GOOD, "send_at": soon}, status=400), target="live", log=log)
    assert made.run(confirm=made.effect)[0].child.status == 429
    monkeypatch.setattr(items, "datetime", Later)
    with pytest.raises(NotAllowedError, match="make 0 requests"):
        made.run(confirm="send 1 SMS to 1 people")
    assert "send_at is past" in made.reasons["x1"][0]
    assert len(vendor.sends) == 5


def test_a_check_holds_for_minutes_only(vendor, log, monkeypatch):
    checked = plan(sent(REFERENCED, failure="ReadTimeout", at=datetime.now(UTC)), target="live", log=log).check()
    monkeypatch.setattr(items, "datetime", Later)
    with pytest.raises(NotAllowedError, match="make 0 requests"):
        checked.run(confirm="send 1 SMS to 1 people")
    assert "may already have been sent" in checked.reasons["x1"][0]
    assert vendor.sends == []


@pytest.mark.parametrize("other", [{"account": "0" * 32}, {"region": "eu"}])
def test_the_batches_of_another_account_or_region_settle_nothing(vendor, log, other):
    client = connect("live", log=log)
    told = sent(REFERENCED, failure="ReadTimeout", at=datetime.now(UTC))
    assert batch_of(told, client) == ""
    assert batch_of(replace(told, **other), client) is None


def test_each_group_is_asked_about_once(vendor, log):
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",))
    rows = [sent({**GOOD, "to": [GROUP], "body": f"message {i}"}, id=str(i), status=400) for i in range(5)]
    assert plan(rows, target="live", log=log).check().effect == "send 5 SMS to 1 people"
    assert len(vendor.requests) == 2


def test_live_holds_back_a_send_that_names_its_recipients_twice(vendor, log):
    made = plan(sent('{"to": ["+15551230001"], "to": ["+15551230002"], "body": "Hi"}', status=400), target="live", log=log)
    assert made.reasons["x1"] == ("whom it would reach cannot be read from its body",)


NAMED: dict[str, tuple[str, str, Any]] = {
    "cancel 1 batches": ("DELETE", f"{URL}/{GROUP}", None),
    "delete 1 groups": ("DELETE", f"{URL.replace('batches', 'groups')}/{GROUP}", None),
    "replace 1 groups": ("PUT", f"{URL.replace('batches', 'groups')}/{GROUP}", {"members": []}),
    "create 1 groups": ("POST", URL.replace("batches", "groups"), {"name": "all"}),
}


@pytest.mark.parametrize(("words", "call"), NAMED.items())
def test_the_effect_names_what_is_done_beside_sending(vendor, log, words, call):
    method, url, body = call
    rows = [sent(status=400), sent(body, id="x2", method=method, url=url, status=400, at=datetime.now(UTC))]
    assert plan(rows[1], target="live", log=log).effect == f"make 1 requests, send 0 SMS, {words}"
    assert plan(rows, target="live", log=log).effect == f"send 1 SMS to 1 people, {words}"
