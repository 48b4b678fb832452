"""
Nobody gets a message twice.

The evidence's own second tries, other logs, other kernels, calls that wait, checks that age.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sinchtools.api.description import SCHEMAS
from sinchtools.client.client import Client, connect
from sinchtools.client.log import CallLog
from sinchtools.client.sending import Permission
from sinchtools.client.token import Token
from sinchtools.core.errors import LogError, NotAllowedError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.replays import ledger, planned
from sinchtools.replays.lookup import batch_of
from sinchtools.replays.planning import plan
from sinchtools.sandbox import Sandbox
from tests.replays.test_replay import GOOD, GROUP, REFERENCED, URL, Later, lately, sent
from tests.support.present import present
from tests.support.vendor import PLAN, SENDER, TOKEN, Vendor
from tests.support.words import (
    ANOTHER_METHOD,
    GIVEN_TO_ANOTHER_LOG,
    MAY_BE_SENT,
    NOT_SENT_AGAIN,
    STOPPED,
)

TRIED_AGAIN = {  # how the evidence's own second try ended: what a replay of the first, a 429, says
    "accepted": ({"status": 201}, "the same request as second, which was accepted"),
    "no answer": (
        {"failure": "ReadTimeout"},
        "the same request as second, which may already have been sent",
    ),
    "refused too": ({"status": 429}, ""),
}


@pytest.mark.parametrize(("ended", "reason"), TRIED_AGAIN.values(), ids=TRIED_AGAIN.keys())
@pytest.mark.parametrize(
    "more", [{}, {"X-Request-Id": "2"}], ids=["the same headers", "a header of its own"]
)
def test_what_the_evidence_itself_tried_again_is_not_sent_once_more(
    vendor: Vendor, log: CallLog, ended: Any, reason: str, more: Any
) -> None:
    first, second = (
        sent(id="first", status=429),
        sent(id="second", request_headers={**sent().request_headers, **more}, **ended),
    )
    made = plan([first, second], target="live", log=log)
    assert made.reasons.get("first", ("",))[0] == reason
    made.run(confirm=made.effect)
    assert len(vendor.sends) == (not reason)


def test_a_request_that_can_be_repeated_is_held_back_by_no_earlier_one(
    vendor: Vendor, log: CallLog
) -> None:
    rows = [
        sent(
            None,
            id=str(status),
            method="DELETE",
            url=f"{URL}/{GROUP}",
            status=status,
            at=datetime.now(UTC),
        )
        for status in (200, 429)
    ]
    assert plan(rows[::-1], target="live", log=log).reasons == {
        "200": ("the same request as 429: it is sent once",)
    }


def test_a_check_of_the_second_try_frees_the_first(vendor: Vendor, log: CallLog) -> None:
    rows = [
        sent(REFERENCED, id="first", status=429),
        sent(REFERENCED, id="second", failure="ReadTimeout", at=lately()),
    ]
    checked = plan(rows, target="live", log=log).check()
    assert (checked.effect, list(checked.reasons)) == ("send 1 SMS to 1 person", ["second"])
    checked.run(confirm=checked.effect)
    assert len(vendor.sends) == 1


SAME_ON_THE_WIRE = [
    {"method": "post"},
    {"url": f"{URL}/"},
    {"url": URL.replace("sms.api", "SMS.api")},
    {"request_body": json.dumps(GOOD).encode()},
]


@pytest.mark.parametrize("written", SAME_ON_THE_WIRE)
def test_what_leaves_as_the_same_request_is_the_same_call(
    vendor: Vendor, log: CallLog, written: Any
) -> None:
    for made in (
        plan(x, target="live", log=log)
        for x in (sent(status=400), replace(sent(id="x2", status=400), **written))
    ):
        assert made.run(confirm=made.effect)[0].child.status == 201
    assert len(vendor.sends) == 1


def test_two_logs_that_send_at_the_same_moment_send_once(vendor: Vendor, work: Path) -> None:
    plans = [
        plan(sent(status=400), target="live", log=CallLog(work / name / "calls.sqlite"))
        for name in "abcd"
    ]
    barrier = threading.Barrier(4)

    def run_one(made: Any) -> Any:
        return made.run(
            confirm="send 1 SMS to 1 person",
            progress=lambda told: barrier.wait(10) if not told.done else None,
        )[0]

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run_one, plans))
    assert len(vendor.sends) == 1
    assert sorted(r.child is None for r in done) == [False, True, True, True]
    assert sum(GIVEN_TO_ANOTHER_LOG in "; ".join(r.reasons) for r in done) == 3


def run(log: Any, *rows: Any) -> Any:
    made = plan(rows or sent(status=400), target="live", log=log)
    return made.run(confirm=made.effect)


def test_a_log_that_was_deleted_and_made_anew_sends_nothing_again(
    vendor: Vendor, work: Path
) -> None:
    with CallLog() as log:
        run(log)
    log.path.unlink()
    with CallLog() as log:
        (result,) = run(log)
    assert GIVEN_TO_ANOTHER_LOG in result.reasons[0]
    assert len(vendor.sends) == 1


def test_a_log_that_is_deleted_while_it_is_open_sends_no_more(vendor: Vendor, work: Path) -> None:
    with CallLog() as log:
        run(log)
        log.path.unlink()
        with pytest.raises(LogError, match="was removed while it was open"):
            run(log, sent({**GOOD, "body": "Ho"}, status=400))
    assert len(vendor.sends) == 1


def test_a_log_that_was_moved_goes_on(
    vendor: Vendor, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog(work / "here" / "calls.sqlite") as log:
        assert run(log)[0].child.status == 429
    (work / "here").rename(work / "there")
    with CallLog(work / "there" / "calls.sqlite") as log:
        assert run(log)[0].child.status == 201


def test_a_copy_of_a_log_is_another_log(vendor: Vendor, work: Path) -> None:
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog() as log:
        run(log)
    shutil.copy(log.path, work / "copy.sqlite")
    with CallLog(work / "copy.sqlite") as copy:
        assert GIVEN_TO_ANOTHER_LOG in run(copy)[0].reasons[0]


def test_a_log_stays_where_it_was_opened(
    vendor: Vendor, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = []
    for name in ("a", "b"):
        (work / name).mkdir()
        monkeypatch.chdir(work / name)
        logs.append(CallLog("calls.sqlite"))
    for log in logs:
        run(log)
    assert [len(log) for log in logs] == [1, 0]
    assert len(vendor.sends) == 1


def test_what_is_kept_of_a_message_names_nobody_and_is_its_owners_alone(
    vendor: Vendor, log: CallLog, work: Path
) -> None:
    run(log)
    file = work / "sent.sqlite"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_bytes() for word in (b"15551230001", b"Hi", TOKEN.encode()))


@pytest.mark.parametrize(
    "content",
    [None, b"no database at all, and longer than its header, so that it is looked at " * 9],
)
def test_a_work_folder_that_cannot_tell_what_was_sent_stops_before_anything_is(
    vendor: Vendor, log: CallLog, work: Path, content: bytes | None
) -> None:
    made = plan(sent(status=400), target="live", log=log)
    confirm = made.effect
    (work / "sent.sqlite").write_bytes(content) if content else (work / "sent.sqlite").mkdir()
    with pytest.raises(LogError, match="looked up"):
        made.run(confirm=confirm)
    assert (vendor.requests, len(log)) == ([], 0)


WRITTEN_ANEW = {"another header": {"X-Request-Id": "2"}, "the same value": None}


@pytest.mark.parametrize("more", WRITTEN_ANEW.values(), ids=WRITTEN_ANEW.keys())
@pytest.mark.parametrize(("answer", "again"), [(201, False), (503, False), (415, True)])
def test_the_same_message_goes_out_in_other_words_only_if_it_was_refused(
    vendor: Vendor, log: CallLog, more: Any, answer: int, again: bool
) -> None:
    if answer != 201:
        vendor.sandbox.faults.add(status=answer, times=1)
    run(log)
    other = sent(
        json.dumps(GOOD, indent=2),
        id="x2",
        status=400,
        request_headers={**sent().request_headers, **(more or {})},
    )
    assert (run(log, other)[0].child is not None) == again
    assert len(vendor.sends) == 1 + again


def test_a_default_log_is_asked_about_what_went_through_it(vendor: Vendor, work: Path) -> None:
    with CallLog() as log:
        run(log)
    with CallLog(work / "other.sqlite") as empty:
        assert (
            GIVEN_TO_ANOTHER_LOG
            in plan(sent(status=400), target="live", log=empty).reasons["x1"][0]
        )
    assert plan(sent(status=400), target="live").reasons == {}


def test_what_another_kernel_is_about_to_send_is_no_failure(vendor: Vendor, log: CallLog) -> None:
    made = plan(sent(status=400), target="live", log=log)
    told = []

    def other(progress: Any) -> None:
        told.append(progress)
        if not progress.done:
            log.intent(
                Exchange(
                    id="theirs",
                    call_id=made.items[0].call_id,
                    attempt=1,
                    at=datetime.now(UTC),
                    target="live",
                    method="POST",
                    url=URL,
                )
            )

    (result,) = made.run(confirm=made.effect, progress=other)
    assert (vendor.sends, told[-1].done, told[-1].failed) == ([], 1, 0)
    assert (result.verdict, present(result.child).id) == ("INCONCLUSIVE", "theirs")
    assert NOT_SENT_AGAIN in result.reasons[0]


def test_a_refused_call_is_weighed_again_before_it_goes_again(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    made = plan(sent({**GOOD, "send_at": soon}, status=400), target="live", log=log)
    assert made.run(confirm=made.effect)[0].child.status == 429
    monkeypatch.setattr(ledger, "datetime", Later)
    assert made.run(confirm="send 1 SMS to 1 person")[0].child is None
    assert "send_at is past" in made.reasons["x1"][0]
    assert len(vendor.sends) == 5


def test_a_check_holds_for_minutes_only(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = plan(
        sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log
    ).check()
    monkeypatch.setattr(ledger, "datetime", Later)
    assert checked.run(confirm="send 1 SMS to 1 person")[0].child is None
    assert MAY_BE_SENT in checked.reasons["x1"][0]
    assert vendor.sends == []


@pytest.mark.parametrize("other", [{"account": "0" * 32}, {"region": "eu"}])
def test_the_batches_of_another_account_or_region_settle_nothing(
    vendor: Vendor, log: CallLog, other: Any
) -> None:
    client = connect("live", log=log)
    told = sent(REFERENCED, failure="ReadTimeout", at=lately())
    assert batch_of(told, client) == ""
    assert batch_of(replace(told, **other), client) is None


def test_each_group_is_asked_about_once(vendor: Vendor, log: CallLog) -> None:
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",))
    rows = [
        sent({**GOOD, "to": [GROUP], "body": f"message {i}"}, id=str(i), status=400)
        for i in range(5)
    ]
    assert plan(rows, target="live", log=log).check().effect == "send 5 SMS to 1 person"
    assert len(vendor.requests) == 2


def test_live_holds_back_a_send_that_names_its_recipients_twice(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan(
        sent('{"to": ["+15551230001"], "to": ["+15551230002"], "body": "Hi"}', status=400),
        target="live",
        log=log,
    )
    assert made.reasons["x1"] == ("whom it would reach cannot be read from its body",)


NAMED: dict[str, tuple[str, str, Any]] = {
    "cancel 1 batch": ("DELETE", f"{URL}/{GROUP}", None),
    "delete 1 group": ("DELETE", f"{URL.replace('batches', 'groups')}/{GROUP}", None),
    "replace 1 group": ("PUT", f"{URL.replace('batches', 'groups')}/{GROUP}", {"members": []}),
    "create 1 group": ("POST", URL.replace("batches", "groups"), {"name": "all"}),
}


@pytest.mark.parametrize(("words", "call"), NAMED.items())
def test_the_effect_names_what_is_done_beside_sending(
    vendor: Vendor, log: CallLog, words: str, call: Any
) -> None:
    method, url, body = call
    rows = [
        sent(status=400),
        sent(body, id="x2", method=method, url=url, status=400, at=datetime.now(UTC)),
    ]
    assert plan(rows[1], target="live", log=log).effect == f"make 1 request, send 0 SMS, {words}"
    assert plan(rows, target="live", log=log).effect == f"send 1 SMS to 1 person, {words}"


BY_THE_WAY = {  # what the evidence says of a second row of the same message
    "a redirect": {"status": 302},
    "a gateway's page": {"status": 500, "response_body": "<html>"},
    "no word": {},
}


@pytest.mark.parametrize("fields", BY_THE_WAY.values(), ids=BY_THE_WAY.keys())
def test_what_does_not_say_that_it_was_refused_holds_back_the_same_message(
    vendor: Vendor, log: CallLog, fields: Any
) -> None:
    made = plan([sent(id="first", status=429), sent(id="second", **fields)], target="live", log=log)
    assert made.reasons["first"] == (
        "the same request as second, which may already have been sent",
    )


def test_a_row_that_was_changed_into_a_read_still_says_what_people_have(
    vendor: Vendor, log: CallLog
) -> None:
    edits = {"second": {"method": "GET", "body": None}}
    made = plan(
        [sent(id="first", status=429), sent(id="second", status=201)],
        edits=edits,
        target="live",
        log=log,
    )
    assert made.reasons == {"first": ("the same request as second, which was accepted",)}


def test_a_part_of_the_evidence_is_planned_among_the_whole(vendor: Vendor, log: CallLog) -> None:
    rows = [sent(id="first", status=429), sent(id="second", status=201)]
    assert plan(rows[0], target="live", log=log, among=rows).reasons == {
        "first": ("the same request as second, which was accepted",)
    }
    assert plan(rows[0], target="live", log=log).reasons == {}


def test_a_code_beside_a_timeout_says_nothing_of_what_became_of_it(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan(sent(code="syntax_invalid_json", failure="ReadTimeout"), target="live", log=log)
    assert made.reasons["x1"][0].startswith(MAY_BE_SENT)


def test_what_waits_is_weighed_again_before_each_attempt(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it waits after a 429, its moment passes."""
    vendor.sandbox.faults.add(status=429, times=1, retry_after_s=0)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = plan(sent({**GOOD, "send_at": soon}, status=400), target="live", log=log)
    (result,) = made.run(
        confirm=made.effect,
        progress=lambda _: monkeypatch.setattr(ledger, "datetime", Later) if len(log) else None,
    )
    assert (len(vendor.sends), present(result.child).status) == (1, 429)


def test_the_members_of_a_group_are_known_for_minutes_only(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",))
    checked = plan(sent({**GOOD, "to": [GROUP]}, status=400), target="live", log=log).check()
    assert checked.effect == "send 1 SMS to 1 person"
    monkeypatch.setattr(ledger, "datetime", Later)
    with pytest.raises(NotAllowedError, match="group of unknown size"):
        checked.run(confirm="send 1 SMS to 1 person")


CONTRADICTING = [
    {"count": 3, "page": 0, "page_size": 0, "batches": []},
    {"count": 1, "page": 0, "page_size": 1, "batches": ["a"]},
    {"page": 0, "page_size": 0, "batches": []},
]


@pytest.mark.parametrize("listing", CONTRADICTING)
def test_a_list_that_contradicts_itself_settles_nothing(
    vendor: Vendor, log: CallLog, listing: Any
) -> None:
    vendor.answer_reads_with(json.dumps(listing).encode())
    checked = plan(
        sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log
    ).check()
    assert MAY_BE_SENT in checked.reasons["x1"][0]
    assert "still unclear" in checked.items[0].advice


def test_a_list_of_short_pages_is_read_to_its_end(vendor: Vendor, log: CallLog) -> None:
    for i in range(7):
        vendor.sandbox.account().add_batch(
            to=["15551230001"], body=f"Ho {i}", client_reference="other", **SENDER
        )
    real = vendor.answered

    def answered(prepared: Any) -> Any:
        prepared.url = prepared.url.replace("page_size=100", "page_size=2")
        return real(prepared)

    vendor.answered = answered
    list(connect("live", log=log).batches.pages(page_size=100))
    assert [path.partition("page=")[2] for _, path in vendor.requests] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("seconds", [0, 60])
def test_what_may_not_be_listed_yet_is_not_called_unsent(
    vendor: Vendor, log: CallLog, seconds: int
) -> None:
    told = sent(
        REFERENCED, failure="ReadTimeout", at=datetime.now(UTC) - timedelta(seconds=seconds)
    )
    assert MAY_BE_SENT in plan(told, target="live", log=log).check().reasons["x1"][0]


def test_a_stop_ends_the_questions_too(vendor: Vendor, log: CallLog) -> None:
    rows = [sent({**REFERENCED, "body": f"message {i}"}, id=str(i), status=400) for i in range(5)]
    made = plan(rows, target="live", log=log)
    for item in made.items:
        log.intent(
            replace(
                item.request,
                id=f"sent {item.original.id}",
                call_id=item.call_id,
                attempt=1,
                at=lately(),
                status=None,
                target="live",
            )
        )
    made.stop()
    assert made.run(confirm=made.effect).stopped == STOPPED
    assert vendor.requests == []


@pytest.mark.parametrize("fields", [{"status": 503}, {"status": 201}, {"failure": "ReadTimeout"}])
def test_a_test_number_is_nobody_of_those_who_may_have_it(
    vendor: Vendor, log: CallLog, fields: Any
) -> None:
    made = plan(sent(**fields), target="live", test_number="+15559990001", log=log)
    assert (made.reasons, made.effect) == ({}, "send 1 SMS to 1 person (the test number)")
    for _ in range(2):
        made.run(confirm=made.effect)
    assert len(vendor.sends) == 1


def test_wrong_credentials_stop_the_run(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCH_API_TOKEN", "wrong")
    made = plan(
        [sent({**GOOD, "body": f"message {i}"}, id=str(i), status=400) for i in range(20)],
        target="live",
        log=log,
    )
    assert "credentials" in made.run(confirm=made.effect).stopped
    assert len(vendor.sends) == 5


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-method-override"])
def test_a_header_that_means_another_method_is_held_back(
    vendor: Vendor, log: CallLog, name: str
) -> None:
    asked = sent(
        None, method="GET", status=400, request_headers={**sent().request_headers, name: "DELETE"}
    )
    assert plan(asked, target="dry-run", log=log).reasons["x1"] == (ANOTHER_METHOD,)


def test_a_change_of_recipients_is_not_called_no_message(vendor: Vendor, log: CallLog) -> None:
    update = sent(
        {"to_add": ["+15551230002"]}, url=f"{URL}/{GROUP}", status=400, at=datetime.now(UTC)
    )
    assert (
        plan(update, target="live", log=log).effect
        == "make 1 request, change 1 batch whose recipients are not known"
    )


def test_a_read_among_sends_is_held_back_by_none_of_them(vendor: Vendor, log: CallLog) -> None:
    rows = [
        sent(id="send", status=400),
        sent(None, id="read", method="GET", status=200),
        sent(None, id="again", method="GET", status=200),
    ]
    made = plan(rows, target="live", log=log)
    assert (made.reasons, made.effect) == ({}, "send 1 SMS to 1 person, make 2 other requests")


# --- logs that are restored, moved, copied --------------------------------------------------------


def test_a_log_that_was_restored_from_before_sends_nothing_again(
    vendor: Vendor, work: Path
) -> None:
    with CallLog() as log:
        list(log)
    before = log.path.read_bytes()
    with CallLog() as log:
        run(log)
    log.path.write_bytes(before)
    with CallLog() as log:
        assert "lost its newest rows" in run(log)[0].reasons[0]
    assert len(vendor.sends) == 1


def test_a_log_that_was_moved_is_the_one_and_its_copy_is_not(vendor: Vendor, work: Path) -> None:
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog(work / "a.sqlite") as log:
        run(log)
    shutil.move(work / "a.sqlite", work / "b.sqlite")
    shutil.copy(work / "b.sqlite", work / "c.sqlite")
    for name, status in (("b", 201), ("c", None)):
        with CallLog(work / f"{name}.sqlite") as log:
            (result,) = run(log)
        assert (result.child and present(result.child).status) == status, result.reasons


def test_a_log_that_was_moved_goes_on_beside_a_new_one_at_its_old_place(
    vendor: Vendor, work: Path
) -> None:
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    with CallLog(work / "a.sqlite") as log:
        run(log)
    shutil.move(work / "a.sqlite", work / "b.sqlite")
    with CallLog(work / "a.sqlite") as new, CallLog(work / "b.sqlite") as moved:
        assert GIVEN_TO_ANOTHER_LOG in run(new)[0].reasons[0]
        assert run(moved)[0].child.status == 201


def test_a_link_to_a_log_is_the_log(vendor: Vendor, work: Path) -> None:
    vendor.sandbox.faults.add(status=429, times=5, retry_after_s=0)
    (work / "real").mkdir()
    (work / "link").symlink_to(work / "real")
    with CallLog(work / "real" / "a.sqlite") as log:
        run(log)
    with CallLog(work / "link" / "a.sqlite") as log:
        assert run(log)[0].child.status == 201


def test_the_work_folder_stays_where_it_was_first(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCHTOOLS_HOME", f"relative-{tmp_path.name}")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with CallLog(tmp_path / f"{name}.sqlite") as log:
            run(log)
    assert len(vendor.sends) == 1


# --- each attempt anew ----------------------------------------------------------------------------


def test_an_access_token_that_ran_out_is_renewed_only_for_what_may_still_go(log: CallLog) -> None:
    class Renewing(Token):
        def renew(self) -> bool:
            return True

    with Sandbox(service_plan_id=PLAN) as sandbox:
        sandbox.faults.add(status=401, times=1)
        client = Client(
            base_url=sandbox.url,
            account=PLAN,
            token=Renewing(sandbox.api_token),
            log=log,
            target="sandbox",
        )
        asked = [Permission(call_id="c1", attempt=number) for number in (2, 1)]
        with contextlib.closing(client), pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "sinchtools.client.client._token_expired", lambda exchange: exchange.status == 401
            )
            assert client.request("POST", "/batches", json=GOOD, permit=asked.pop).status == 201
    assert asked == []
    assert [one.attempt for one in log] == [1, 2]


def test_what_the_evidence_says_by_now_counts_beside_an_older_check(
    vendor: Vendor, log: CallLog
) -> None:
    first = sent(REFERENCED, id="first", failure="ReadTimeout", at=lately())
    checked = plan(first, target="live", log=log).check()
    newer = plan(
        first, target="live", log=log, among=[first, sent(REFERENCED, id="second", status=201)]
    )
    assert checked.beside(newer).reasons == {
        "first": ("the same request as second, which was accepted",)
    }
    assert checked.beside(plan(first, target="live", log=log)).effect == "send 1 SMS to 1 person"


def test_a_check_of_one_row_says_nothing_of_another_of_its_name(
    vendor: Vendor, log: CallLog
) -> None:
    other = {**REFERENCED, "body": "another"}
    rows = [
        sent(REFERENCED, failure="ReadTimeout", at=lately()),
        sent(other, status=201),
        sent(other, id="y", status=429),
    ]
    checked = plan(rows, target="live", log=log).check()
    assert checked.effect == "send 1 SMS to 1 person"
    assert checked.reasons["y"] == ("the same request as x1, which was accepted",)


def test_members_that_were_asked_for_too_long_ago_hold_back_what_waited(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",))
    vendor.sandbox.faults.add(status=429, endpoint="POST /batches", times=1, retry_after_s=0)
    checked = plan(sent({**GOOD, "to": [GROUP]}, status=400), target="live", log=log).check()

    def later(told: Any) -> None:
        if vendor.sends:
            monkeypatch.setattr(ledger, "datetime", Later)

    (result,) = checked.run(confirm=checked.effect, progress=later)
    assert (len(vendor.sends), present(result.child).status) == (1, 429)
    assert "who is in its groups was asked too long ago" in "; ".join(result.reasons)


def test_a_put_of_unknown_outcome_is_not_repeated_in_other_words(
    vendor: Vendor, log: CallLog
) -> None:
    vendor.lose_answers_to("PUT")
    put = sent(method="PUT", url=f"{URL}/{GROUP}", status=400, at=datetime.now(UTC))
    for more in ({}, {"X-Request-Id": "2"}):
        run(log, replace(put, request_headers={**put.request_headers, **more}))
    assert len(vendor.sends) == 1


TOMORROW = datetime.now(UTC) + timedelta(days=1)
NAMED_TO = {
    **GOOD,
    "body": "Hi ${name}",
    "parameters": {"name": {"15551230001": "Ann", "default": "you"}},
}
BINARY = {**GOOD, "type": "mt_binary", "body": "SGk=", "udh": "050003cc0201"}
SAME = {
    "a number without plus": (GOOD, {"to": ["15551230001"]}),
    "a number with zeros and spaces": (GOOD, {"to": ["00 1555 123 0001"]}),
    "a number with separators": (GOOD, {"to": ["+1 (555) 123-0001"]}),
    "a number twice": (GOOD, {"to": ["+15551230001", "15551230001"]}),
    "people in another order": (
        {**GOOD, "to": ["+15551230001", GROUP]},
        {"to": [GROUP, "15551230001", GROUP]},
    ),
    "the type that counts anyway": (GOOD, {"type": "mt_text"}),
    "nothing instead of a report": (GOOD, {"delivery_report": None}),
    "no report": (GOOD, {"delivery_report": "none"}),
    "no flash message": (GOOD, {"flash_message": False}),
    "no feedback": (GOOD, {"feedback_enabled": False}),
    "not cut": (GOOD, {"truncate_concat": False}),
    "no limit of its parts": (GOOD, {"max_number_of_message_parts": None}),
    "no parameters": (GOOD, {"parameters": {}}),
    "no tags": (GOOD, {"tags": []}),
    "no reference": (GOOD, {"client_reference": ""}),
    "a sender with plus": (GOOD, {"from": "+15559870002"}),
    "a sender with zeros and spaces": (GOOD, {"from": "00 1 555 987 0002"}),
    "a sender of the plan": ({"to": GOOD["to"], "body": "Hi"}, {"from": None}),
    "a parameter's number with plus": (
        NAMED_TO,
        {"parameters": {"name": {"default": "you", "+1 555 123 0001": "Ann"}}},
    ),
    "the time in another zone": (
        {**GOOD, "expire_at": f"{TOMORROW:%Y-%m-%dT10:00:00Z}"},
        {"expire_at": f"{TOMORROW:%Y-%m-%dT12:00:00.000+02:00}"},
    ),
    "a header in other letters": (BINARY, {"udh": "050003CC0201"}),
    "a picture that is not validated": (
        {**GOOD, "type": "mt_media", "body": {"url": "https://example.com/a.png", "message": "Hi"}},
        {"strict_validation": False},
    ),
    "all of them": (
        GOOD,
        {
            "type": "mt_text",
            "to": ["15551230001", "0015551230001"],
            "from": "+1 555 987 0002",
            "delivery_report": "none",
            "flash_message": False,
            "feedback_enabled": False,
            "parameters": {},
            "tags": [],
            "truncate_concat": False,
            "callback_url": "",
        },
    ),
}
OTHER = {
    "another text": {"body": "Hi "},
    "another person": {"to": ["+15551230002"]},
    "another sender": {"from": "15559870003"},
    "a name as the sender": {"from": "Shop"},
    "a reference": {"client_reference": "order 2"},
    "a flash message": {"flash_message": True},
    "a report": {"delivery_report": "summary", "callback_url": "https://example.com/"},
    "a cut": {"truncate_concat": True},
    "a field that nobody knows": {"other": False},
    "another time": {"expire_at": "2099-01-01T10:00:00Z"},
    "a value for everybody": {"parameters": {"name": {"default": "x"}}},
}


@pytest.mark.parametrize(("body", "written"), SAME.values(), ids=SAME.keys())
def test_the_same_text_to_the_same_people_is_the_same_message(
    vendor: Vendor, log: CallLog, body: Any, written: Any
) -> None:
    vendor.sandbox.account(PLAN).add_group(GROUP)
    rows = [sent(body, id="first", status=429), sent({**body, **written}, id="second", status=429)]
    made = plan(rows, target="live", log=log)
    assert made.reasons == {"second": ("the same request as first: it is sent once",)}
    assert made.effect.startswith(f"send {len(body['to']) - (GROUP in body['to'])} SMS")
    made.run(confirm=made.effect)
    assert plan(rows[1], target="live", log=log).items[0].duplicate_of
    assert len(vendor.sends) == 1


@pytest.mark.parametrize("written", SAME.values(), ids=SAME.keys())
def test_what_people_have_is_not_sent_in_another_writing(
    vendor: Vendor, log: CallLog, written: Any
) -> None:
    body, more = written
    made = plan(
        [sent(body, id="first", status=201), sent({**body, **more}, id="second", status=429)],
        target="live",
        log=log,
    )
    assert made.reasons["second"] == ("the same request as first, which was accepted",)


@pytest.mark.parametrize("written", OTHER.values(), ids=OTHER.keys())
def test_what_people_notice_makes_another_message(
    vendor: Vendor, log: CallLog, written: Any
) -> None:
    rows = [sent(id="first", status=429), sent({**GOOD, **written}, id="second", status=429)]
    assert plan(rows, target="live", log=log).reasons == {}


def test_a_default_in_a_change_of_a_batch_is_a_change(vendor: Vendor, log: CallLog) -> None:
    change = {"url": f"{URL}/{GROUP}", "endpoint": "POST /batches/{batch_id}", "status": 429}
    rows = [
        sent({"body": "Hi"}, id="first", **change),
        sent({"body": "Hi", "flash_message": False}, id="second", **change),
    ]
    assert plan(rows, target="live", log=log).reasons == {}


BATCHES = [name for name in SCHEMAS if name.startswith("batch:")]
DEFAULTS = [
    (kind, name, spec.default)
    for kind in BATCHES
    for name, spec in SCHEMAS[kind].items()
    if spec.default is not None
]


def test_the_table_has_the_defaults_of_the_reference() -> None:
    assert {(name, default) for _, name, default in DEFAULTS} == {
        ("type", "mt_text"),
        ("delivery_report", "none"),
        ("feedback_enabled", False),
        ("flash_message", False),
        ("strict_validation", False),
    }


@pytest.mark.parametrize(("kind", "name", "default"), DEFAULTS)
def test_each_default_of_the_table_says_nothing(kind: Any, name: Any, default: Any) -> None:
    body = {**GOOD, **({"type": kind.partition(":")[2]} if name != "type" else {})}
    assert message_of(body) == message_of({**body, name: default})


def message_of(body: Any, **fields: Any) -> Any:
    return planned.item_of(sent(body, **fields), None, planned.Destination("live"), None).message


def rewritten(body: Any, chance: Any) -> dict[Any, Any]:
    """Return the body with what says nothing put in or taken out, in another order."""
    body = {
        **body,
        "to": [
            chance.choice([entry, f"+{entry}", f"00{entry}", f"{entry[:3]} {entry[3:]}"])
            for entry in body["to"]
        ],
    }
    body["to"] += chance.choices(body["to"], k=chance.randrange(3))
    nothing = {
        "delivery_report": chance.choice([None, "none"]),
        "flash_message": chance.choice([None, False]),
        "feedback_enabled": False,
        "type": chance.choice([None, "mt_text"]),
        "parameters": {},
        "tags": [],
        "truncate_concat": False,
        "client_reference": "",
        "max_number_of_message_parts": None,
        "from_ton": None,
        "expire_at": None,
        "callback_url": "",
    }
    body |= {
        name: value for name, value in nothing.items() if name not in body and chance.random() < 0.5
    }
    names = [*body]
    chance.shuffle(names)
    chance.shuffle(body["to"])
    return {name: body[name] for name in names}


NUMBERS = some.from_regex(r"[1-9][0-9]{9,13}", fullmatch=True)
MESSAGES = some.fixed_dictionaries(
    {
        "to": some.lists(NUMBERS, min_size=1, max_size=4, unique=True),
        "body": some.text(min_size=1, max_size=20),
    },
    optional={
        "from": NUMBERS,
        "flash_message": some.just(True),
        "client_reference": some.text(min_size=1, max_size=9),
    },
)


@pytest.mark.long
@given(body=MESSAGES, other=MESSAGES, chance=some.randoms(use_true_random=False))
def test_any_message_is_the_same_in_any_writing_and_no_other(
    body: Any, other: Any, chance: Any
) -> None:
    written = rewritten(body, chance)
    assert message_of(body) == message_of(written)
    assert (message_of(body) == message_of(other)) == (
        {**body, "to": set(body["to"])} == {**other, "to": set(other["to"])}
    )


def test_a_dry_run_that_goes_out_live_is_no_message(
    vendor: Vendor, log: CallLog, work: Path
) -> None:
    dry = sent(url=f"{URL}/dry_run", status=400)
    run(log, dry)
    with CallLog(work / "other.sqlite") as other:
        assert run(other, replace(dry, id="x2"))[0].child.status == 200


# --- a plan that runs -----------------------------------------------------------------------------


def test_a_plan_runs_once_at_a_time(vendor: Vendor, log: CallLog) -> None:
    made = plan(
        [sent({**GOOD, "body": f"message {i}"}, id=str(i), status=400) for i in range(3)],
        target="live",
        log=log,
    )
    refused = []

    def again(progress: Any) -> None:
        with pytest.raises(WrongUseError, match="runs already"):
            made.run(confirm=made.effect)
        refused.append(progress.done)
        if progress.done == 1:
            made.stop()

    assert made.run(confirm=made.effect, progress=again).stopped == STOPPED
    assert (refused, len(vendor.sends)) == ([0, 1], 1)


def test_a_stop_ends_with_the_run_that_it_stopped_also_if_that_was_refused(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan(sent(status=400), target="live", log=log)
    made.stop()
    with pytest.raises(NotAllowedError):
        made.run(confirm="yes")
    assert made.run(confirm=made.effect)[0].child.status == 201
