"""
Every status has a playbook without a dead end.

The walk records what was answered, with time and proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sinchtools.api import catalogue
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.playbooks import playbook
from sinchtools.playbooks.checks import CHECKS
from sinchtools.playbooks.live_checks import LIVE
from sinchtools.playbooks.playbook import ENDS, STATES, Walk, tips
from tests.support.words import NO_RESPONSE

ROWS = [(row.number, row.code) for row in catalogue.status_rows()]
PLAYBOOKS = {label: steps for label, (_, _, steps) in playbook._playbooks().items()}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REFUSED = Exchange(
    id="x1",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/plan1/batches",
    endpoint="POST /batches",
    account="plan1",
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi", '
    '"delivery_report": "full"}',
    status=403,
    code="missing_callback_url",
    text="Requesting delivery report without any callback URL.",
)


def clock() -> Any:
    ticks = count()
    return lambda: NOON + timedelta(minutes=next(ticks))


def walk(status: Any = 403, code: Any = "missing_callback_url", exchange: Any = None) -> Walk:
    return Walk(playbook.playbook(status, code), exchange, now=clock())


@pytest.mark.parametrize(("status", "code"), ROWS)
def test_every_row_of_the_page_has_a_playbook_of_its_own_or_of_its_status(
    status: Any, code: Any
) -> None:
    assert {f"{status} {code}", str(status)} & PLAYBOOKS.keys()
    assert f"observed-{code}" not in rules() or f"{status} {code}" in PLAYBOOKS
    assert playbook.playbook(status, code).steps


@pytest.mark.parametrize(("status", "code"), ROWS)
def test_every_row_has_a_step_that_checks_itself(status: Any, code: Any) -> None:
    assert any(step.check for step in playbook.playbook(status, code).steps)


@pytest.mark.parametrize("label", PLAYBOOKS)
def test_every_step_is_complete_and_leads_on(label: Any) -> None:
    steps = PLAYBOOKS[label]
    ids = [step.id for step in steps]
    assert len(set(ids)) == len(ids)
    for i, step in enumerate(steps):
        assert step.title and step.look.endswith((".", "?")) and step.do.endswith(".")
        assert step.otherwise in ids[i + 1 :] or (
            step.otherwise.startswith(ENDS) and len(step.otherwise) > 20
        )
        assert step.check is None or step.check in CHECKS
        assert step.live is None or step.live in LIVE


@pytest.mark.parametrize("label", PLAYBOOKS)
def test_every_branch_of_a_playbook_comes_to_an_end_and_every_step_is_reached(label: Any) -> None:
    steps = {step.id: step for step in PLAYBOOKS[label]}
    reached, todo = set(), [next(iter(steps))]
    while todo:
        here = todo.pop()
        if here in reached:
            continue
        reached.add(here)
        for state in STATES:
            one = Walk(
                playbook.Playbook(status=None, code=None, title="t", steps=tuple(steps.values())),
                now=clock(),
            )
            one._path = [here]
            one.answer(state)
            assert one.finished or list(steps).index(one.current.id) > list(steps).index(here)
            todo += [] if one.finished else [one.current.id]
    assert reached == set(steps)


def test_every_check_is_used_by_some_step() -> None:
    assert {step.check for steps in PLAYBOOKS.values() for step in steps if step.check} == set(
        CHECKS
    )


@pytest.mark.parametrize(
    ("status", "code", "same_as"),
    [
        (202, None, "201"),
        (204, None, "201"),
        (502, None, "500"),
        (504, "x", "500"),
        (418, None, "any"),
        (302, None, "any"),
        (999, None, "any"),
        (403, "code_of_tomorrow", "403"),
        (403, None, "403"),
        (404, "x", "404"),
        ("429", None, "429"),
        (0, None, "none"),
        (-1, None, "none"),
        (None, None, "none"),
    ],
)
def test_what_has_no_playbook_gets_that_of_its_class_or_the_checklist(
    status: str | int | None, code: str | None, same_as: str
) -> None:
    assert playbook.playbook(status, code).steps == PLAYBOOKS[same_as]


def test_done_ends_the_walk_and_names_the_step() -> None:
    one = walk()
    one.answer("done", "URL added")
    assert one.finished and "Does the request contain a URL?" in one.ended


def test_did_not_help_goes_on_where_the_step_points_and_ends_with_the_last_word() -> None:
    one = walk()
    seen = []
    while not one.finished:
        seen.append(one.current.id)
        one.answer("failed")
    assert seen == ["in-body", "on-plan", "needed", "reachable"]
    assert one.ended.startswith("Send service plan ID")


@pytest.mark.parametrize(("state", "then"), [("failed", "scheduled"), ("skipped", "report-code")])
def test_what_did_not_help_may_lead_elsewhere_than_what_was_skipped(state: str, then: str) -> None:
    one = walk(201, None)
    one.answer(state)
    assert one.current.id == then


def test_skipping_every_step_also_ends() -> None:
    one = walk(500, None)
    while not one.finished:
        one.answer("skipped", "not now")
    assert len(one.transcript) == len(one.playbook.steps) and one.ended


def test_the_transcript_has_reason_time_and_the_proof_of_the_check() -> None:
    one = walk(exchange=REFUSED)
    one.answer("failed", "  customer has no URL ")
    one.answer("skipped")
    assert one.transcript == [
        {
            "step": "in-body",
            "title": "Does the request contain a URL?",
            "state": "failed",
            "proof": "problem: delivery_report is 'full' and the body has no callback_url.",
            "reason": "customer has no URL",
            "at": "2026-11-23T12:00:00Z",
        },
        {
            "step": "on-plan",
            "title": "Does the service plan have a URL?",
            "state": "skipped",
            "proof": "",
            "reason": "",
            "at": "2026-11-23T12:01:00Z",
        },
    ]


def test_going_back_returns_to_the_step_and_keeps_the_record() -> None:
    one = walk()
    one.answer("failed")
    one.back()
    assert one.current.id == "in-body"
    assert [event["state"] for event in one.transcript] == ["failed", "taken back"]


def test_going_back_reopens_a_walk_that_has_ended() -> None:
    one = walk()
    one.answer("done")
    one.back()
    assert not one.finished and one.current.id == "in-body"


def test_going_back_at_the_beginning_changes_nothing() -> None:
    one = walk()
    one.back()
    assert one.current.id == "in-body" and one.transcript == []


@pytest.mark.parametrize("state", ["", "ok", "Done"])
def test_an_unknown_answer_is_refused_and_changes_nothing(state: str) -> None:
    one = walk()
    with pytest.raises(WrongUseError, match="done, skipped, failed"):
        one.answer(state)
    assert one.transcript == [] and one.current.id == "in-body"


def test_a_walk_that_has_ended_takes_no_answer() -> None:
    one = walk()
    one.answer("done")
    with pytest.raises(WrongUseError, match="ended"):
        one.answer("done")
    assert len(one.transcript) == 1


def test_a_step_without_a_check_or_an_exchange_is_left_to_a_person() -> None:
    assert walk().check().state == "not decidable"
    one = walk(exchange=REFUSED)
    assert one.check().state == "problem"
    one.answer("failed")
    assert one.check().proof == "Only you can check this."


def test_tips_take_an_exchange_or_a_status() -> None:
    assert tips(REFUSED).playbook == tips(403, "missing_callback_url").playbook
    assert (
        tips(REFUSED).check().state == "problem"
        and tips("403", "missing_callback_url").check().state == "not decidable"
    )
    assert tips(Exchange(method="POST", failure="ReadTimeout")).playbook.title == NO_RESPONSE


def test_findings_reach_the_checks() -> None:
    finding = Finding(
        rule="missing-callback-url",
        severity="error",
        field="callback_url",
        pointer="/delivery_report",
        says="No URL is known.",
    )
    hidden = Exchange(status=403, code="missing_callback_url")
    assert tips(hidden, findings=()).check().state == "not decidable"
    assert tips(hidden).check().state == "problem"
    assert tips(hidden, findings=[finding]).check().proof == "delivery_report: No URL is known."


def test_a_step_is_checked_asked_or_not_decidable() -> None:
    states = {
        state
        for status, code in ROWS
        for state in states_of(tips(replace(REFUSED, status=status, code=code)))
    }
    assert states == {"ok", "problem", "not decidable", "asked"}


def states_of(one: Any) -> Iterator[Any]:
    while not one.finished:
        yield one.check().state
        one.answer("skipped")


DELIVERED = {310: "sender", 15: "spam", 412: "destination", 61: "opt-out", 321: "opt-out"}


@pytest.mark.parametrize(("code", "cause"), DELIVERED.items())
def test_the_steps_of_201_are_decided_by_the_code_of_the_delivery_report(
    code: int, cause: str
) -> None:
    url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    sent = Exchange(
        method="POST",
        url=url,
        endpoint="POST /batches",
        account="plan1",
        status=201,
        response_body='{"id": "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"}',
        request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}',
    )
    report = Exchange(
        method="GET",
        url=f"{url}/01HV5Z8Q3T6W9Y2B4D7F0H1J3K/delivery_report",
        endpoint="GET /batches/{batch_id}/delivery_report",
        account="plan1",
        status=200,
        response_body=f'{{"statuses": [{{"code": {code}, "status": "Failed", "count": 1}}]}}',
    )
    one = tips(sent, findings=diagnose(sent, history=[report]).findings)
    found = {}
    while not one.finished:
        found[one.current.id] = one.check().state
        one.answer("skipped")
    assert found["report-code"] == "problem"
    assert [
        step for step in ("sender", "spam", "destination", "opt-out") if found[step] == "problem"
    ] == [cause]


def test_a_shortened_link_is_named() -> None:
    sent = replace(
        REFUSED,
        status=201,
        code=None,
        request_body='{"to": ["+15551230001"], "from": "1", "body": "see https://bit.ly/x"}',
    )
    assert CHECKS["not-filtered"](sent, ()).proof == "The text contains a shortened link (bit.ly/)."


def test_the_text_twin_shows_every_step_with_its_state_and_the_end() -> None:
    one = walk(exchange=REFUSED)
    one.answer("failed", "no URL yet")
    text = one.as_text()
    assert all(
        step.title in text and step.look in text and step.do in text for step in one.playbook.steps
    )
    assert (
        "[failed; no URL yet; problem: delivery_report" in text
        and "> 2. Does the service plan have a URL?" in text
    )
    one.answer("done")
    assert (
        one.as_text().splitlines()[-1].startswith("Ended: solved at") and "> " not in one.as_text()
    )


def test_the_html_twin_is_escaped_and_script_free() -> None:
    one = walk(exchange=REFUSED)
    one.answer("failed", "<script>alert(1)</script>")
    page = one._repr_html_()
    assert (
        "<script" not in page
        and "&lt;script&gt;" in page
        and "(now)" in page
        and page.count("<li") == page.count("</li>") == 4
    )


@given(
    some.lists(some.sampled_from([*STATES, "back"]), max_size=30),
    some.sampled_from(sorted(PLAYBOOKS)),
)
def test_any_sequence_of_answers_keeps_the_walk_whole(answers: Any, label: Any) -> None:
    one = Walk(
        playbook.Playbook(status=None, code=None, title="t", steps=PLAYBOOKS[label]), now=clock()
    )
    events = 0
    for answer in answers:
        started = one.finished or len(one._path) > 1
        if answer == "back":
            one.back()
            events += started
        elif not one.finished:
            one.answer(answer)
            events += 1
        assert one.current in one.playbook.steps and len(one.transcript) == events
        assert one.finished == bool(one.ended)


def test_a_token_that_was_replaced_is_named_by_the_rest_of_the_evidence() -> None:
    sent = Exchange(
        method="GET",
        url="https://br.sms.api.sinch.com/xms/v1/0ddba11f0ddba11f0ddba11f0ddba11f/groups",
        account="0ddba11f0ddba11f0ddba11f0ddba11f",
        request_headers={"Authorization": "Bearer [secret opaque 32 #1]"},
        status=200,
        source="before",
    )
    refused = replace(sent, status=401, source="after")
    findings = diagnose(refused, history=[sent]).findings
    one = playbook.tips(refused, findings=findings)
    while one.current.id != "rotated":
        one.answer("failed")
    assert one.check().state == "problem" and "worked" in one.check().proof


def test_check_and_diagnosis_name_the_same_place() -> None:
    body = '{\n "to": ["+447700900666"],\n "body": "Hi",\n}'
    sent = Exchange(
        method="POST",
        url="https://au.sms.api.sinch.com/xms/v1/0ddba11f0ddba11f0ddba11f0ddba11f/batches",
        request_headers={"Content-Type": "application/json"},
        request_body=body,
        status=400,
        code="syntax_invalid_json",
    )
    one = playbook.tips(sent)
    assert one.check().proof == one.findings[0].says
