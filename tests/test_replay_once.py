"""Nobody gets a message twice: the evidence's own second tries, other logs, other kernels, calls that wait, checks that age."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sinchtools import items
from sinchtools.calllog import CallLog
from sinchtools.checkfirst import batch_of
from sinchtools.client import connect
from sinchtools.errors import LogError, NotAllowedError
from sinchtools.records import Exchange
from sinchtools.replay import plan
from tests.test_replay import GOOD, GROUP, REFERENCED, URL, Later, lately, sent
from tests.vendor import TOKEN

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
    rows = [sent(REFERENCED, id="first", status=429), sent(REFERENCED, id="second", failure="ReadTimeout", at=lately())]
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

    def run_one(made):
        return made.run(confirm="send 1 SMS to 1 people", progress=lambda told: barrier.wait(10) if not told.done else None)[0]

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run_one, plans))
    assert len(vendor.sends) == 1
    assert sorted(r.child is None for r in done) == [False, True, True, True]
    assert sum("it was given to another log" in "; ".join(r.reasons) for r in done) == 3


def run(log, *rows):
    made = plan(rows or sent(status=400), target="live", log=log)
    return made.run(confirm=made.effect)


def test_a_log_that_was_deleted_and_made_anew_sends_nothing_again(vendor, work):
    with CallLog() as log:
        run(log)
    log.path.unlink()
    with CallLog() as log:
        (result,) = run(log)
    assert "it was given to another log" in result.reasons[0]
    assert len(vendor.sends) == 1


def test_a_log_that_is_deleted_while_it_is_open_sends_no_more(vendor, work):
    with CallLog() as log:
        run(log)
        log.path.unlink()
        with pytest.raises(LogError, match="was removed while it was open"):
            run(log, sent({**GOOD, "body": "Ho"}, status=400))
    assert len(vendor.sends) == 1


def test_a_log_that_was_moved_goes_on(vendor, work, monkeypatch):
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog(work / "here" / "calls.sqlite") as log:
        assert run(log)[0].child.status == 429
    (work / "here").rename(work / "there")
    with CallLog(work / "there" / "calls.sqlite") as log:
        assert run(log)[0].child.status == 201


def test_a_copy_of_a_log_is_another_log(vendor, work):
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog() as log:
        run(log)
    shutil.copy(log.path, work / "copy.sqlite")
    with CallLog(work / "copy.sqlite") as copy:
        assert "it was given to another log" in run(copy)[0].reasons[0]


def test_a_log_stays_where_it_was_opened(vendor, work, monkeypatch):
    logs = []
    for name in ("a", "b"):
        (work / name).mkdir()
        monkeypatch.chdir(work / name)
        logs.append(CallLog("calls.sqlite"))
    for log in logs:
        run(log)
    assert [len(log) for log in logs] == [1, 0]
    assert len(vendor.sends) == 1


def test_what_is_kept_of_a_message_names_nobody_and_is_its_owners_alone(vendor, log, work):
    run(log)
    file = work / "sent.sqlite"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_bytes() for word in (b"15551230001", b"Hi", TOKEN.encode()))


@pytest.mark.parametrize("content", [None, b"no database at all, and longer than its header, so that it is looked at " * 9])
def test_a_work_folder_that_cannot_tell_what_was_sent_stops_before_anything_is(vendor, log, work, content):
    made = plan(sent(status=400), target="live", log=log)
    confirm = made.effect
    (work / "sent.sqlite").write_bytes(content) if content else (work / "sent.sqlite").mkdir()
    with pytest.raises(LogError, match="looked up"):
        made.run(confirm=confirm)
    assert (vendor.requests, len(log)) == ([], 0)


WRITTEN_ANEW = {"another header": {"X-Request-Id": "2"}, "the same value": None}


@pytest.mark.parametrize("more", WRITTEN_ANEW.values(), ids=WRITTEN_ANEW.keys())
@pytest.mark.parametrize(("answer", "again"), [(201, False), (503, False), (415, True)])
def test_the_same_message_goes_out_in_other_words_only_if_it_was_refused(vendor, log, more, answer, again):
    if answer != 201:
        vendor.sandbox.faults.add(status=answer, times=1)
    run(log)
    other = sent(json.dumps(GOOD, indent=2), id="x2", status=400, request_headers={**sent().request_headers, **(more or {})})
    assert (run(log, other)[0].child is not None) == again
    assert len(vendor.sends) == 1 + again


def test_a_default_log_is_asked_about_what_went_through_it(vendor, work):
    with CallLog() as log:
        run(log)
    with CallLog(work / "other.sqlite") as empty:
        assert "it was given to another log" in plan(sent(status=400), target="live", log=empty).reasons["x1"][0]
    assert plan(sent(status=400), target="live").reasons == {}


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
    assert made.run(confirm="send 1 SMS to 1 people")[0].child is None
    assert "send_at is past" in made.reasons["x1"][0]
    assert len(vendor.sends) == 5


def test_a_check_holds_for_minutes_only(vendor, log, monkeypatch):
    checked = plan(sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log).check()
    monkeypatch.setattr(items, "datetime", Later)
    assert checked.run(confirm="send 1 SMS to 1 people")[0].child is None
    assert "may already have been sent" in checked.reasons["x1"][0]
    assert vendor.sends == []


@pytest.mark.parametrize("other", [{"account": "0" * 32}, {"region": "eu"}])
def test_the_batches_of_another_account_or_region_settle_nothing(vendor, log, other):
    client = connect("live", log=log)
    told = sent(REFERENCED, failure="ReadTimeout", at=lately())
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


BY_THE_WAY = {  # what the evidence says of a second row of the same message
    "a redirect": {"status": 302},
    "a gateway's page": {"status": 500, "response_body": "<html>"},
    "no word": {},
}


@pytest.mark.parametrize("fields", BY_THE_WAY.values(), ids=BY_THE_WAY.keys())
def test_what_does_not_say_that_it_was_refused_holds_back_the_same_message(vendor, log, fields):
    made = plan([sent(id="first", status=429), sent(id="second", **fields)], target="live", log=log)
    assert made.reasons["first"] == ("the same request as second, which may already have been sent",)


def test_a_row_that_was_changed_into_a_read_still_says_what_people_have(vendor, log):
    edits = {"second": {"method": "GET", "body": None}}
    made = plan([sent(id="first", status=429), sent(id="second", status=201)], edits=edits, target="live", log=log)
    assert made.reasons == {"first": ("the same request as second, which was accepted",)}


def test_a_part_of_the_evidence_is_planned_among_the_whole(vendor, log):
    rows = [sent(id="first", status=429), sent(id="second", status=201)]
    assert plan(rows[0], target="live", log=log, among=rows).reasons == {"first": ("the same request as second, which was accepted",)}
    assert plan(rows[0], target="live", log=log).reasons == {}


def test_a_code_beside_a_timeout_says_nothing_of_what_became_of_it(vendor, log):
    made = plan(sent(code="syntax_invalid_json", failure="ReadTimeout"), target="live", log=log)
    assert made.reasons["x1"][0].startswith("may already have been sent")


def test_what_waits_is_weighed_again_before_each_attempt(vendor, log, monkeypatch):
    """While it waits after a 429, its moment passes."""
    vendor.sandbox.faults.add(status=429, times=1, retry_after_s=0)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = plan(sent({**GOOD, "send_at": soon}, status=400), target="live", log=log)
    (result,) = made.run(confirm=made.effect, progress=lambda _: monkeypatch.setattr(items, "datetime", Later) if len(log) else None)
    assert (len(vendor.sends), result.child.status) == (1, 429)


def test_the_members_of_a_group_are_known_for_minutes_only(vendor, log, monkeypatch):
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",))
    checked = plan(sent({**GOOD, "to": [GROUP]}, status=400), target="live", log=log).check()
    assert checked.effect == "send 1 SMS to 1 people"
    monkeypatch.setattr(sys.modules[plan.__module__], "datetime", Later)
    with pytest.raises(NotAllowedError, match="groups of unknown size"):
        checked.run(confirm="send 1 SMS to 1 people")


CONTRADICTING = [
    {"count": 3, "page": 0, "page_size": 0, "batches": []},
    {"count": 1, "page": 0, "page_size": 1, "batches": ["a"]},
    {"page": 0, "page_size": 0, "batches": []},
]


@pytest.mark.parametrize("listing", CONTRADICTING)
def test_a_list_that_contradicts_itself_settles_nothing(vendor, log, listing):
    real = vendor._answered

    def answered(prepared):
        response = real(prepared)
        response._content = json.dumps(listing).encode() if prepared.method == "GET" else response._content
        return response

    vendor._answered = answered
    checked = plan(sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log).check()
    assert "may already have been sent" in checked.reasons["x1"][0]
    assert "still open" in checked.items[0].advice


def test_a_list_of_short_pages_is_read_to_its_end(vendor, log):
    for i in range(7):
        vendor.sandbox.account().add_batch(to=["15551230001"], body=f"Ho {i}", client_reference="other", **{"from": "15559870002"})
    real = vendor._answered

    def answered(prepared):
        prepared.url = prepared.url.replace("page_size=100", "page_size=2")
        return real(prepared)

    vendor._answered = answered
    list(connect("live", log=log).batches.pages(page_size=100))
    assert [path.partition("page=")[2] for _, path in vendor.requests] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("seconds", [0, 60])
def test_what_may_not_be_listed_yet_is_not_called_unsent(vendor, log, seconds):
    told = sent(REFERENCED, failure="ReadTimeout", at=datetime.now(UTC) - timedelta(seconds=seconds))
    assert "may already have been sent" in plan(told, target="live", log=log).check().reasons["x1"][0]


def test_a_stop_ends_the_questions_too(vendor, log):
    rows = [sent({**REFERENCED, "body": f"message {i}"}, id=str(i), status=400) for i in range(5)]
    made = plan(rows, target="live", log=log)
    for item in made.items:
        log.intent(replace(item.request, id=f"sent {item.original.id}", call_id=item.call_id, attempt=1, at=lately(), status=None, target="live"))
    made.stop()
    assert made.run(confirm=made.effect).stopped == "stopped by hand"
    assert vendor.requests == []


@pytest.mark.parametrize("fields", [{"status": 503}, {"status": 201}, {"failure": "ReadTimeout"}])
def test_a_test_number_is_nobody_of_those_who_may_have_it(vendor, log, fields):
    made = plan(sent(**fields), target="live", test_number="+15559990001", log=log)
    assert (made.reasons, made.effect) == ({}, "send 1 SMS to 1 people (the test number)")
    for _ in range(2):
        made.run(confirm=made.effect)
    assert len(vendor.sends) == 1


def test_wrong_credentials_stop_the_run(vendor, log, monkeypatch):
    monkeypatch.setenv("SINCH_API_TOKEN", "wrong")
    made = plan([sent({**GOOD, "body": f"message {i}"}, id=str(i), status=400) for i in range(20)], target="live", log=log)
    assert "credentials" in made.run(confirm=made.effect).stopped
    assert len(vendor.sends) == 5


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-method-override"])
def test_a_header_that_means_another_method_is_held_back(vendor, log, name):
    asked = sent(None, method="GET", status=400, request_headers={**sent().request_headers, name: "DELETE"})
    assert plan(asked, target="dry-run", log=log).reasons["x1"] == ("a header says that another method is meant",)


def test_a_change_of_recipients_is_not_called_no_message(vendor, log):
    update = sent({"to_add": ["+15551230002"]}, url=f"{URL}/{GROUP}", status=400, at=datetime.now(UTC))
    assert plan(update, target="live", log=log).effect == "make 1 requests, change 1 batches whose recipients are not known"


def test_a_read_among_sends_is_held_back_by_none_of_them(vendor, log):
    rows = [sent(id="send", status=400), sent(None, id="read", method="GET", status=200), sent(None, id="again", method="GET", status=200)]
    made = plan(rows, target="live", log=log)
    assert (made.reasons, made.effect) == ({}, "send 1 SMS to 1 people, make 2 other requests")
