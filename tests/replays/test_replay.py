"""Replay: what is planned, what is held back, what a verdict may claim."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools.client.client import Client, connect
from sinchtools.client.log import CallLog
from sinchtools.client.token import Token
from sinchtools.core.errors import NotAllowedError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.replays import ledger
from sinchtools.replays.planned import edited
from sinchtools.replays.planning import plan, replay
from sinchtools.replays.runner import Progress
from sinchtools.sandbox import Sandbox
from tests.support import corpus
from tests.support.present import parsed, present
from tests.support.vendor import PLAN, SENDER, TOKEN, Vendor
from tests.support.words import (
    GIVEN_TO_ANOTHER_LOG,
    MAY_BE_SENT,
    NOT_SENT_AGAIN,
    SENT_ALREADY,
    STOPPED,
)

URL = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches"
GROUP = "01FC66621VHDBN119Z8PMV1QPU"
JSON = {"Content-Type": "application/json"}
GOOD = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def sent(
    body: Any = GOOD,
    *,
    status: Any = None,
    code: Any = None,
    url: Any = URL,
    method: Any = "POST",
    **rest: Any,
) -> Exchange:
    fields = {
        "id": "x1",
        "at": AT,
        "method": method,
        "url": url,
        "endpoint": f"{method} /batches",
        "account": PLAN,
        "status": status,
        "code": code,
        "request_headers": {
            "Authorization": "Bearer [secret opaque 32 #1]",
            "Content-Type": "application/json",
        },
        "request_body": body if isinstance(body, str) or body is None else json.dumps(body),
    }
    return Exchange(**{**fields, **rest})


UNCHANGED = {
    "trailing comma": (
        sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json"),
        "SAME",
        400,
    ),
    "malformed number": (
        sent({**GOOD, "to": ["++15551230001"]}, status=400, code="syntax_invalid_parameter_format"),
        "SAME",
        400,
    ),
    "missing to": (
        sent({"body": "Hi"}, status=400, code="syntax_constraint_violation"),
        "SAME",
        400,
    ),
    "expired at the time": (
        sent(
            {**GOOD, "expire_at": "2026-11-19T08:00:00Z"},
            status=400,
            code="syntax_constraint_violation",
        ),
        "SAME",
        400,
    ),
    "good at the time": (
        sent({**GOOD, "expire_at": "2026-11-21T08:00:00Z"}, status=201),
        "SAME",
        201,
    ),
    "no callback URL": (
        sent({**GOOD, "delivery_report": "full"}, status=403, code="missing_callback_url"),
        "SAME",
        403,
    ),
    "callback URL on the plan": (
        sent({**GOOD, "delivery_report": "full"}, status=201),
        "SAME",
        201,
    ),
    "unknown group": (sent({**GOOD, "to": [GROUP]}, status=403, code="unknown_group"), "SAME", 403),
    "known group": (sent({**GOOD, "to": [GROUP]}, status=201), "SAME", 201),
    "no Bearer": (
        sent(
            status=401,
            request_headers={
                "Authorization": "[secret opaque 32 #1]",
                "Content-Type": "application/json",
            },
        ),
        "SAME",
        401,
    ),
    "no credentials": (
        sent(status=401, request_headers={"Content-Type": "application/json"}),
        "SAME",
        401,
    ),
    "quoted token": (
        sent(
            status=401,
            request_headers={**JSON, "Authorization": "Bearer [secret opaque 32 #1 quoted]"},
        ),
        "SAME",
        401,
    ),
    "expired access token": (
        sent(
            status=401,
            url=f"https://zt.us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
            request_headers={
                "Authorization": "Bearer [secret jwt 200 #1 expires=2026-11-20T07:00:00Z]",
                "Content-Type": "application/json",
            },
        ),
        "SAME",
        401,
    ),
    "no content type": (
        sent(status=415, request_headers={"Authorization": "Bearer [secret opaque 32 #1]"}),
        "SAME",
        415,
    ),
    "wrong method": (sent(None, method="PATCH", status=405, endpoint=None), "SAME", 405),
    "wrong path": (sent(None, method="GET", url=f"{URL}x", status=404, endpoint=None), "SAME", 404),
    "known batch": (
        sent(
            None, method="GET", url=f"{URL}/{GROUP}", status=200, endpoint="GET /batches/{batch_id}"
        ),
        "SAME",
        200,
    ),
    "good token refused": (sent(status=401), "INCONCLUSIVE", 401),
    "blocked": (sent(status=403, code="blocked_account"), "INCONCLUSIVE", 403),
    "number type": (sent(status=403, code="illegal_number_type"), "INCONCLUSIVE", 403),
    "resource gone": (
        sent(
            None, method="GET", url=f"{URL}/{GROUP}", status=404, endpoint="GET /batches/{batch_id}"
        ),
        "INCONCLUSIVE",
        404,
    ),
    "too many": (sent(status=429), "INCONCLUSIVE", 429),
    "server error": (sent(status=500), "INCONCLUSIVE", 500),
    "unavailable": (sent(status=503), "INCONCLUSIVE", 503),
    "answer not known": (sent(), "INCONCLUSIVE", 201),
}


@pytest.mark.parametrize(
    ("exchange", "verdict", "status"), UNCHANGED.values(), ids=UNCHANGED.keys()
)
def test_an_unchanged_replay_is_the_same_or_not_conclusive(
    log: CallLog, exchange: Exchange, verdict: str, status: int
) -> None:
    (result,) = replay(exchange, log=log)
    assert (result.verdict, present(result.child).status) == (verdict, status), result.reasons


FAULTS = (
    "good token refused",
    "blocked",
    "number type",
    "resource gone",
    "too many",
    "server error",
    "unavailable",
)


@pytest.mark.parametrize("name", FAULTS)
def test_a_cause_outside_the_request_is_shown_by_fault_and_says_so(log: CallLog, name: str) -> None:
    (result,) = replay(UNCHANGED[name][0], log=log)
    assert any("can't reproduce" in reason for reason in result.reasons)
    assert present(result.child).response_headers["X-Simulated"] == "1"


EDITED = {
    "comma removed": (
        '{"to": ["+15551230001"],}',
        "syntax_invalid_json",
        400,
        {"body": GOOD},
        "FIXED",
    ),
    "number mended": (
        {**GOOD, "to": ["++15551230001"]},
        "syntax_invalid_parameter_format",
        400,
        {"body": GOOD},
        "FIXED",
    ),
    "callback URL added": (
        {**GOOD, "delivery_report": "full"},
        "missing_callback_url",
        403,
        {"body": {**GOOD, "delivery_report": "full", "callback_url": "https://example.com/x"}},
        "FIXED",
    ),
    "nothing that matters": (
        {**GOOD, "to": ["++15551230001"]},
        "syntax_invalid_parameter_format",
        400,
        {"body": {**GOOD, "to": ["++15551230001"], "body": "Ho"}},
        "SAME",
    ),
    "another 400": (
        {**GOOD, "to": ["++15551230001"]},
        "syntax_invalid_parameter_format",
        400,
        {"body": {"to": ["+15551230001"]}},
        "CHANGED",
    ),
    "another field of the same code": (
        {**GOOD, "to": ["++15551230001"]},
        "syntax_invalid_parameter_format",
        400,
        {"body": {**GOOD, "send_at": "soon"}},
        "CHANGED",
    ),
    "a good one spoilt": (GOOD, None, 201, {"body": {"to": []}}, "WORSE"),
    "a good one changed": (GOOD, None, 201, {"body": {**GOOD, "body": "Ho"}}, "SAME"),
    "luck after 429": (GOOD, None, 429, {"body": {**GOOD, "body": "Ho"}}, "INCONCLUSIVE"),
    "another plan": (GOOD, None, 401, {"url": URL.replace(PLAN, "0" * 32)}, "INCONCLUSIVE"),
}


@pytest.mark.parametrize(
    ("body", "code", "status", "edit", "verdict"), EDITED.values(), ids=EDITED.keys()
)
def test_an_edited_replay_is_judged_by_the_reason_of_the_original(
    log: CallLog, body: Any, code: str | None, status: int, edit: Any, verdict: str
) -> None:
    (result,) = replay(sent(body, status=status, code=code), edit=edit, log=log)
    assert result.verdict == verdict, result.reasons


NO_BEARER = sent(
    status=401,
    request_headers={"Authorization": "[secret opaque 32 #1]", "Content-Type": "application/json"},
)
BEARER, RUBBISH = "Bearer [secret opaque 32 #1]", "Token rubbish"


@pytest.mark.parametrize("header", ["authorization", "Authorization"])
def test_a_missing_bearer_is_mended_by_a_header(log: CallLog, header: str) -> None:
    (result,) = replay(NO_BEARER, edit={"headers": {header: BEARER}}, log=log)
    assert result.verdict == "FIXED"


@pytest.mark.parametrize(
    "order", [(None, BEARER, RUBBISH), (RUBBISH, None, BEARER), (BEARER, RUBBISH, None)]
)
def test_another_credential_is_another_request(log: CallLog, order: Any) -> None:
    verdicts = {None: "SAME", BEARER: "FIXED", RUBBISH: "CHANGED"}
    for value in order:
        (result,) = replay(NO_BEARER, edit=value and {"headers": {"Authorization": value}}, log=log)
        assert result.verdict == verdicts[value], (value, result.reasons)


def test_a_paste_without_an_answer_is_mended_by_a_header(log: CallLog) -> None:
    (result,) = replay(
        sent(request_headers=JSON), edit={"headers": {"Authorization": BEARER}}, log=log
    )
    assert result.verdict == "FIXED"


@pytest.mark.parametrize(
    "value", ["Bearer ", "Bearer \u2022\u2022\u2022\u2022", "Bearer {token} ", " Bearer x"]
)
def test_a_credential_that_no_client_sends_as_it_is_written_stops_no_other_row(
    log: CallLog, value: str
) -> None:
    rows = [
        sent(status=401, request_headers={**JSON, "Authorization": value}),
        sent(id="x2", status=201),
    ]
    assert [(present(r.child).status, r.verdict) for r in replay(rows, log=log)] == [
        (401, "SAME"),
        (201, "SAME"),
    ]


def test_a_credential_with_a_line_end_is_held_back(log: CallLog) -> None:
    rows = [
        sent(status=401, request_headers={**JSON, "Authorization": "Bearer a\nb"}),
        sent(id="x2", status=201),
    ]
    assert [(r.child and r.child.status) for r in replay(rows, log=log)] == [None, 201]


def test_a_token_that_is_typed_into_an_edit_is_shown_nowhere(log: CallLog) -> None:
    typed = "5c1e9a7b3d2f4e6880a1b2c3d4e5f607"
    made = plan(
        NO_BEARER,
        edits={
            "x1": {"headers": {"Authorization": f"Bearer {typed}"}, "url": f"{URL}?token={typed}"}
        },
        log=log,
    )
    (result,) = made.run()
    assert present(result.child).status in {201, 400}
    assert made.items[0].changed
    assert typed not in repr(
        (made, made.items, made.frame().to_dict(), result, result.request_differences, list(log))
    )


def test_a_typed_token_is_another_than_the_one_that_was_there() -> None:
    assert edited(
        sent(), {"headers": {"Authorization": "Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607"}}
    ).request_headers["Authorization"] == ("Bearer [secret opaque 32 #2]")


def test_no_answer_to_the_original_is_known_and_not_asked_of_the_sandbox(log: CallLog) -> None:
    (result,) = replay(
        sent({**GOOD, "to": ["++1555"]}, failure="ReadTimeout"), edit={"body": GOOD}, log=log
    )
    assert (result.verdict, len(log)) == ("INCONCLUSIVE", 1)
    assert "the original request got no response (ReadTimeout)" in result.reasons


def test_what_the_evidence_leaves_out_of_the_original_is_told_by_its_url(log: CallLog) -> None:
    bare = sent("{", status=400, code="syntax_invalid_json", endpoint=None, account=None)
    assert replay(bare, edit={"body": GOOD}, log=log)[0].verdict == "FIXED"
    assert replay(bare, edit={"method": "GET", "body": None}, log=log)[0].verdict == "INCONCLUSIVE"


def test_a_wrong_method_is_not_mended_by_another_path(log: CallLog) -> None:
    bad = sent(None, method="PATCH", status=405, endpoint=None)
    assert (
        replay(bad, edit={"method": "GET", "url": URL.replace("batches", "inbounds")}, log=log)[
            0
        ].verdict
        == "INCONCLUSIVE"
    )


def test_a_running_sandbox_is_not_reset_by_evidence(log: CallLog) -> None:
    with Sandbox(service_plan_id=PLAN) as sandbox:
        client = Client(
            base_url=sandbox.url,
            account=PLAN,
            token=Token(sandbox.api_token),
            log=log,
            target="sandbox",
        )
        sandbox.account().add_batch(to=["15551230001"], body="Hi")
        paths = ("/__sandbox__/reset", "/xms/../__sandbox__/reset", "/%5f_sandbox__/reset")
        rows = [
            sent(None, id=path, url=f"https://us.sms.api.sinch.com{path}", status=404)
            for path in paths
        ]
        done = plan(rows, client=client).run()
        client.close()
        assert [r.child for r in done] == [None] * 3
        assert len(sandbox.account().batches) == 1


OUTSIDE = {
    "a blocked account": sent(status=403, code="blocked_account"),
    "a good token": sent(status=401),
    "a callback URL": sent(
        {**GOOD, "delivery_report": "full"}, status=403, code="missing_callback_url"
    ),
    "a group": sent({**GOOD, "to": [GROUP, "15551230001"]}, status=403, code="unknown_group"),
    "a number type": sent(status=403, code="illegal_number_type"),
}


@pytest.mark.parametrize("original", OUTSIDE.values(), ids=OUTSIDE.keys())
@pytest.mark.parametrize(
    "edit", [{"headers": {"X-Trace": "1"}}, {"text": "Ho"}], ids=["a header", "the text"]
)
def test_a_change_elsewhere_mends_nothing_in_a_running_sandbox(
    log: CallLog, original: Any, edit: Any
) -> None:
    edit = (
        edit
        if "headers" in edit
        else {"body": {**json.loads(original.request_body), "body": edit["text"]}}
    )
    with Sandbox(service_plan_id=PLAN) as sandbox:
        sandbox.account(callback_url="https://callback.invalid/").add_group(
            GROUP, members=("15551230001",)
        )
        client = Client(
            base_url=sandbox.url,
            account=PLAN,
            token=Token(sandbox.api_token),
            log=log,
            target="sandbox",
        )
        (result,) = plan(original, edits={"x1": edit}, client=client).run()
        client.close()
    assert (present(result.child).status, result.verdict) == (201, "INCONCLUSIVE"), result.reasons


@pytest.mark.parametrize(
    "edit", [{"headers": {"content-type": "application/json"}}], ids=["the case of a header's name"]
)
def test_a_change_that_means_the_same_is_none(log: CallLog, edit: Any) -> None:
    (result,) = replay(
        sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json"),
        edit=edit,
        log=log,
    )
    assert (result.verdict, result.reasons[0]) == ("SAME", "unchanged request, same response")


def test_a_wrong_method_is_mended_by_the_right_one(log: CallLog) -> None:
    bad = sent(None, method="PUT", url=URL, status=405, endpoint=None)
    assert replay(bad, edit={"method": "GET"}, log=log)[0].verdict == "FIXED"


def test_a_paste_without_an_answer_is_proven_against_the_sandbox_itself(log: CallLog) -> None:
    bad = sent({**GOOD, "to": "+15551230001"})
    (result,) = replay(bad, edit={"body": GOOD}, log=log)
    assert result.verdict == "FIXED"
    assert "for the unchanged request the sandbox returns 400" in result.reasons[0]


def test_the_original_stays_and_the_replay_is_its_child(log: CallLog) -> None:
    original = sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json")
    before = replace(original)
    (result,) = replay(original, log=log)
    assert original == before
    child = present(result.child)
    assert (child.parent_id, child.origin, child.target) == ("x1", "replay", "sandbox")
    assert list(log) == [result.child]


def test_preview_sends_nothing(log: CallLog) -> None:
    done = replay(sent(status=400, code="syntax_invalid_json"), target="preview", log=log)
    assert [(r.child, r.verdict) for r in done] == [(None, "INCONCLUSIVE")]
    assert len(log) == 0


def test_another_host_is_never_replayed(log: CallLog) -> None:
    (result,) = replay(sent(url="https://api.example.com/messages", status=400), log=log)
    assert (result.child, result.verdict) == (None, "INCONCLUSIVE")
    assert "never replayed" in result.reasons[0]


def test_evidence_without_a_request_is_held_back(log: CallLog) -> None:
    (result,) = replay(Exchange(id="x", status=403, code="blocked_account"), log=log)
    assert result.reasons == ("the evidence contains no request",)


def test_a_plan_is_a_frame_with_its_reasons_and_sends_nothing(log: CallLog) -> None:
    made = plan([sent(status=503), sent(id="x2", url="https://example.com/")], log=log)
    assert made.frame()["fault"].tolist()[0] == "503"
    assert set(made.reasons) == {"x2"}
    assert made.effect == "nothing leaves this machine"
    assert len(log) == 0


@pytest.mark.parametrize("target", ["dry-run", "live"])
def test_the_upper_rungs_are_off_until_switched_on(target: str) -> None:
    with pytest.raises(NotAllowedError, match="SINCHTOOLS_ALLOW"):
        plan(sent(status=400), target=target)
    with pytest.raises(NotAllowedError, match="plan"):
        replay(sent(status=400), target=target)


def test_live_runs_only_when_the_effect_is_typed(vendor: Vendor, log: CallLog) -> None:
    made = plan(
        sent({**GOOD, "to": ["+15551230001", "15551230002"], "body": "x" * 161}, status=400),
        target="live",
        log=log,
    )
    assert made.effect == "send 4 SMS to 2 people"
    for confirm in (None, "", "yes", "send 4 SMS", "Send 4 SMS to 2 people"):
        with pytest.raises(NotAllowedError, match="not confirmed"):
            made.run(confirm=confirm)
    assert (len(log), vendor.requests) == (0, [])


def test_live_sends_once_however_often_it_is_run(vendor: Vendor, log: CallLog) -> None:
    made = plan(sent(status=400), target="live", log=log)
    first = made.run(confirm=made.effect)[0]
    again = plan(sent(status=400), target="live", log=log).run(confirm=made.effect)[0]
    assert vendor.requests == [("POST", f"/xms/v1/{PLAN}/batches")]
    assert (first.child.status, first.child.target, again.child) == (201, "live", first.child)
    assert NOT_SENT_AGAIN in again.reasons[0]


class Later(datetime):
    """Two hours from now."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(hours=2)


def test_live_sends_once_also_through_another_log_of_the_work_folder(
    vendor: Vendor, work: Path
) -> None:
    first = plan(sent(status=400), target="live", log=CallLog(work / "ticket-77" / "calls.sqlite"))
    first.run(confirm=first.effect)
    again = plan(sent(id="x9", status=400), target="live")
    assert GIVEN_TO_ANOTHER_LOG in again.reasons["x9"][0] and "ticket-77" in again.reasons["x9"][0]
    assert again.run(confirm=again.effect)[0].child is None
    assert len(vendor.sends) == 1


def test_two_plans_of_two_logs_made_before_either_ran_send_once(vendor: Vendor, work: Path) -> None:
    plans = [
        plan(sent(status=400), target="live", log=CallLog(work / name / "calls.sqlite"))
        for name in ("a", "b")
    ]
    plans[0].run(confirm=plans[0].effect)
    assert GIVEN_TO_ANOTHER_LOG in plans[1].run(confirm="send 1 SMS to 1 person")[0].reasons[0]
    assert len(vendor.sends) == 1


def test_a_plan_that_is_out_of_date_is_weighed_again(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    made = plan(
        [sent({**GOOD, "send_at": soon.isoformat()}, status=400), sent(id="x2", status=400)],
        target="live",
        log=log,
    )
    assert made.effect == "send 2 SMS to 1 person"
    monkeypatch.setattr(ledger, "datetime", Later)
    with pytest.raises(NotAllowedError, match="send 1 SMS to 1 person"):
        made.run(confirm="send 2 SMS to 1 person")
    assert "send_at is past" in made.reasons["x1"][0]
    assert made.run(confirm=made.effect)[1].child.status == 201


def test_a_plan_stays_in_its_region(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts, real = [], vendor.answered

    def answered(prepared: Any) -> Any:
        hosts.append(urlsplit(prepared.url).hostname)
        return real(prepared)

    vendor.answered = answered
    made = plan(sent(status=400), target="live", log=log)
    monkeypatch.setenv("SINCH_REGION", "eu")
    made.run(confirm=made.effect)
    assert hosts == ["us.sms.api.sinch.com"]


def test_other_credentials_than_planned_with_send_nothing(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(sent(status=400), target="live", log=log)
    monkeypatch.setenv("SINCH_SERVICE_PLAN_ID", "0" * 32)
    assert made.run(confirm="send 1 SMS to 1 person")[0].child is None
    assert "another account" in made.reasons["x1"][0]
    assert vendor.requests == []


def test_after_a_401_mended_credentials_go_again(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCH_API_TOKEN", "wrong")
    made = plan(sent(status=400), target="live", log=log)
    assert made.run(confirm=made.effect)[0].child.status == 401
    monkeypatch.setenv("SINCH_API_TOKEN", TOKEN)
    for _ in range(2):
        made = plan(sent(status=400), target="live", log=log)
        assert made.run(confirm=made.effect)[0].child.status == 201
    assert len(vendor.sends) == 2


def test_a_message_that_stands_twice_in_the_evidence_is_planned_once(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan([sent(status=400), sent(id="x2", status=400)], target="live", log=log)
    assert made.reasons == {"x2": ("the same request as x1: it is sent once",)}
    done = made.run(confirm=made.effect)
    assert [r.child and r.child.parent_id for r in done] == ["x1", None]
    assert len(done.frame()) == len(vendor.sends) == 1


def test_a_plan_that_was_stopped_before_it_ran_sends_nothing_and_then_goes_on(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan(sent(status=400), target="live", log=log)
    made.stop()
    first = made.run(confirm=made.effect)
    assert (first.stopped, first[0].child, vendor.sends) == (STOPPED, None, [])
    assert made.run(confirm=made.effect)[0].child.status == 201


def test_what_is_sent_to_people_waits_for_the_disk(vendor: Vendor, log: CallLog) -> None:
    made = plan(sent(status=400), target="live", log=log)
    made.run(confirm=made.effect)
    assert log._read("PRAGMA synchronous") == [(2,)]


def test_a_changed_request_is_another_one(vendor: Vendor, log: CallLog) -> None:
    for text in ("Hi", "Ho"):
        made = plan(
            sent(status=400), target="live", edits={"x1": {"body": {**GOOD, "body": text}}}, log=log
        )
        made.run(confirm=made.effect)
    assert len(vendor.requests) == 2


def test_a_dry_run_goes_to_the_dry_run_endpoint_and_to_reads_only(
    vendor: Vendor, log: CallLog
) -> None:
    evidence = [
        sent(status=400),
        sent(None, id="x2", method="GET", endpoint="GET /batches", status=500),
        sent(id="x3", method="DELETE", endpoint=None),
    ]
    made = plan(evidence, target="dry-run", log=log)
    assert made.effect == "ask the vendor about 2 requests, send 0 SMS"
    done = made.run(confirm=made.effect)
    assert vendor.requests == [
        ("POST", f"/xms/v1/{PLAN}/batches/dry_run"),
        ("GET", f"/xms/v1/{PLAN}/batches"),
    ]
    assert [r.child and r.child.target for r in done] == ["dry-run", "live", None]
    assert any("no dry run" in reason for reason in done[2].reasons)


def test_credentials_of_the_evidence_never_go_to_the_vendor(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = [], vendor.answered

    def answered(prepared: Any) -> Any:
        seen.append(prepared.headers["Authorization"])
        return real(prepared)

    vendor.answered = answered
    made = plan(
        sent(status=400, request_headers={"Authorization": "Bearer old", "Cookie": "a=b", **JSON}),
        target="live",
        log=log,
    )
    made.run(confirm=made.effect)
    assert seen == [f"Bearer {TOKEN}"]
    assert TOKEN not in repr(list(log)) + str(log.frame().to_dict())


OLD = AT - timedelta(days=30)
BATCH = f"{URL}/{GROUP}"
AGAINST = {
    "503": (sent(status=503), MAY_BE_SENT),
    "502": (sent(status=502), MAY_BE_SENT),
    "no answer": (sent(failure="ReadTimeout"), MAY_BE_SENT),
    "a reset": (
        sent(failure="ConnectionError: ConnectionResetError"),
        MAY_BE_SENT,
    ),
    "a paste that does not say": (sent(), MAY_BE_SENT),
    "a gateway's 500": (
        sent(status=500, response_body="<html>bad</html>"),
        MAY_BE_SENT,
    ),
    "accepted": (sent(status=201), "not idempotent"),
    "a redirect": (sent(status=302), "does not say whether it was carried out"),
    "a gateway's 500 in another encoding": (
        sent(status=500, response_body="<html>é".encode("latin-1")),
        MAY_BE_SENT,
    ),
    "a gateway's 500 with a mark before it": (
        sent(status=500, response_body="\ufeff <html>"),
        MAY_BE_SENT,
    ),
    "a gateway's 500 without a body": (
        sent(status=500, response_headers={"content-type": "text/html"}),
        MAY_BE_SENT,
    ),
    "499": (sent(status=499), MAY_BE_SENT),
    "408": (sent(status=408), MAY_BE_SENT),
    "a redacted header": (
        sent(status=400, request_headers={**JSON, "X-Api-Key": "[secret opaque 32 #2]"}),
        "redacted part",
    ),
    "past send_at": (
        sent({**GOOD, "send_at": "2020-01-01T00:00:00Z"}, status=400),
        "send_at is past",
    ),
    "past expire_at": (
        sent({**GOOD, "expire_at": "2020-01-01T00:00:00Z"}, status=400),
        "expire_at is past",
    ),
    "another account": (sent(url=URL.replace(PLAN, "0" * 32), status=400), "another account"),
    "another region": (sent(url=URL.replace("us.", "eu."), status=400), "another region"),
    "a redacted body": (
        sent('{"to": ["+15551230001"], "body": "Bearer [secret opaque 20 #3]"}', status=400),
        "redacted part",
    ),
    "past retention": (
        sent(None, method="GET", url=BATCH, endpoint="GET /batches/{batch_id}", status=404, at=OLD),
        "past retention",
    ),
}


@pytest.mark.parametrize(("exchange", "reason"), AGAINST.values(), ids=AGAINST.keys())
def test_live_holds_back_what_may_do_harm(
    vendor: Vendor, log: CallLog, exchange: Exchange, reason: str
) -> None:
    made = plan(exchange, target="live", log=log)
    assert any(reason in one for one in made.reasons["x1"])
    assert made.frame()["against"].str.contains(reason, regex=False).all()
    (result,) = made.run(confirm=made.effect)
    assert (result.child, len(log), vendor.requests) == (None, 0, [])


@pytest.mark.parametrize("target", ["preview", "sandbox"])
def test_what_speaks_against_live_does_not_speak_against_a_simulation(
    target: str, log: CallLog
) -> None:
    assert (
        plan([exchange for exchange, _ in AGAINST.values()], target=target, log=log).reasons == {}
    )


def test_a_500_is_not_held_back_and_live_says_so_in_what_is_typed(
    vendor: Vendor, log: CallLog
) -> None:
    made = plan(
        [sent(status=500), sent({**GOOD, "body": "Ho"}, id="x2", status=400)],
        target="live",
        log=log,
    )
    assert made.effect == "send 2 SMS to 1 person, 1 of them again after a 500"
    assert made.frame()["advice"][0].startswith("try again: ")
    assert "not processed" in made.frame()["advice"][0].lower()


EFFECTS = {
    "recipients times parts": (
        [{**GOOD, "to": ["15551230001", "15551230002", "15551230003"], "body": "x" * 307}],
        "send 9 SMS to 3 people",
    ),
    "the same person twice": ([GOOD, {**GOOD, "body": "Ho"}], "send 2 SMS to 1 person"),
    "the same message twice": ([GOOD, GOOD], "send 1 SMS to 1 person"),
    "written in two ways": (
        [{**GOOD, "to": ["+15551230001", "0015551230001"]}],
        "send 1 SMS to 1 person",
    ),
    "each with a text of its own": (
        [
            {
                "to": ["15551230001", "15551230002"],
                "body": "${a}",
                "parameters": {"a": {"15551230001": "x" * 161, "default": "x"}},
            }
        ],
        "send 3 SMS to 2 people",
    ),
    "UCS-2": ([{**GOOD, "body": "д" * 71}], "send 2 SMS to 1 person"),
    "cut to one part": (
        [{**GOOD, "body": "x" * 400, "truncate_concat": True, "max_number_of_message_parts": 2}],
        "send 1 SMS to 1 person",
    ),
    "a type that is null": ([{**GOOD, "body": "x" * 400, "type": None}], "send 3 SMS to 1 person"),
    "a picture": (
        [{"type": "mt_media", "to": ["15551230001"], "body": {"url": "https://example.com/a.jpg"}}],
        "send 1 SMS to 1 person",
    ),
    "a group": (
        [{**GOOD, "to": [GROUP]}],
        "send 0 SMS to 0 people and to all members of 1 group of unknown size",
    ),
    "a group and a person": (
        [{**GOOD, "to": [GROUP, "15551230001"]}],
        "send 1 SMS to 1 person and to all members of 1 group of unknown size",
    ),
    "no list": ([{**GOOD, "to": "15551230001"}], "make 0 requests, send 0 SMS"),
}


@pytest.mark.parametrize(("bodies", "effect"), EFFECTS.values(), ids=EFFECTS.keys())
def test_the_effect_says_how_many_messages_go_to_how_many_people(
    vendor: Vendor, log: CallLog, bodies: Any, effect: str
) -> None:
    assert (
        plan(
            [sent(body, id=str(i), status=400) for i, body in enumerate(bodies)],
            target="live",
            log=log,
        ).effect
        == effect
    )


def test_a_change_of_a_batch_is_named_since_its_recipients_are_not_known(
    vendor: Vendor, log: CallLog
) -> None:
    update = sent(
        {"body": "Ho"},
        url=BATCH,
        endpoint="POST /batches/{batch_id}",
        status=400,
        at=datetime.now(UTC),
    )
    other = sent(
        {"name": "x"},
        id="x2",
        url=URL.replace("batches", "groups"),
        endpoint="POST /groups",
        status=400,
    )
    effect = "make 2 requests, change 1 batch whose recipients are not known, create 1 group"
    assert plan([update, other], target="live", log=log).effect == effect


numbers = st.integers(0, 99).map(lambda n: f"+155512300{n:02d}")


@given(
    st.lists(
        st.tuples(st.lists(numbers, min_size=1, max_size=8, unique=True), st.integers(0, 400)),
        min_size=1,
        max_size=5,
    )
)
def test_the_effect_equals_recipients_times_parts(batches: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        Vendor(monkeypatch)
        made = plan(
            [
                sent({"to": to, "body": "x" * size}, id=str(i), status=400)
                for i, (to, size) in enumerate(batches)
            ],
            target="live",
        )
        each = {(tuple(to), size) for to, size in batches}  # the same message is sent once
        messages = sum(len(to) * (1 if size <= 160 else -(-size // 153)) for to, size in each)
        n = len({number for to, _ in batches for number in to})
        noun = "person" if n == 1 else "people"
        assert made.effect == f"send {messages} SMS to {n} {noun}"


TEST_NUMBER = "+15559990001"


def test_a_test_number_stands_in_for_every_recipient(vendor: Vendor, log: CallLog) -> None:
    body = {
        "to": ["15551230001", "15551230002", GROUP],
        "body": "Hi ${name}",
        "parameters": {"name": {"15551230001": "Ada", "default": "you"}},
    }
    made = plan(sent(body, status=400), target="live", test_number=TEST_NUMBER, log=log)
    assert parsed(made.items[0].request.request_body) == {
        "to": [TEST_NUMBER],
        "body": "Hi ${name}",
        "parameters": {"name": {"default": "you", TEST_NUMBER: "Ada"}},
    }
    assert made.effect == "send 1 SMS to 1 person (the test number)"
    assert not made.items[0].changed


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        (sent("{", status=400), "not a JSON object"),
        (sent({**GOOD, "to": "15551230001"}, status=400), "'to' is not a list"),
        (
            sent({"body": "Ho"}, url=BATCH, endpoint="POST /batches/{batch_id}", status=400),
            "cannot replace",
        ),
    ],
)
def test_what_the_test_number_cannot_stand_in_for_is_held_back(
    vendor: Vendor, log: CallLog, exchange: Exchange, reason: str
) -> None:
    made = plan(exchange, target="live", test_number=TEST_NUMBER, log=log)
    assert any(reason in one for one in made.reasons["x1"])


@pytest.mark.parametrize("number", ["", "nobody", "++15551230001", GROUP])
def test_a_test_number_that_is_none_is_wrong_use(number: str) -> None:
    with pytest.raises(WrongUseError, match="test number"):
        plan(sent(), test_number=number)


def test_a_check_asks_for_the_members_of_groups(vendor: Vendor, log: CallLog) -> None:
    vendor.sandbox.account().add_group(GROUP, members=("15551230001", "15551230002"))
    made = plan(
        sent({**GOOD, "to": [GROUP, "15551230001"]}, status=400), target="live", log=log
    ).check()
    assert made.effect == "send 2 SMS to 2 people"
    assert vendor.sends == []


OTHER_GROUP = "01FC66621VHDBN119Z8PMV1QPV"


def test_a_check_asks_for_the_members_of_groups_within_groups(vendor: Vendor, log: CallLog) -> None:
    account = vendor.sandbox.account()
    account.add_group(OTHER_GROUP, members=("15551230002", "15551230003"))
    account.add_group(GROUP, members=("15551230001",), child_groups=[OTHER_GROUP])
    account.groups[OTHER_GROUP].child_groups.append(GROUP)  # in a ring
    made = plan(sent({**GOOD, "to": [GROUP]}, status=400), target="live", log=log).check()
    assert made.effect == "send 3 SMS to 3 people"
    made.run(confirm=made.effect)
    assert len(present(next(iter(account.batches.values())).recipients)) == 3


def test_a_group_within_that_the_vendor_does_not_tell_leaves_the_size_unknown(
    vendor: Vendor, log: CallLog
) -> None:
    vendor.sandbox.account().add_group(GROUP, members=("15551230001",), child_groups=[OTHER_GROUP])
    made = plan(sent({**GOOD, "to": [GROUP]}, status=400), target="live", log=log).check()
    assert "group of unknown size" in made.effect


def lately() -> Any:
    return datetime.now(UTC) - timedelta(minutes=10)


REFERENCED = {**GOOD, "client_reference": "order-17"}


@pytest.mark.parametrize("there", [True, False])
def test_a_check_by_client_reference_settles_what_became_of_the_original(
    vendor: Vendor, log: CallLog, there: bool
) -> None:
    if there:
        vendor.sandbox.account().add_batch(
            to=["15551230001"], body="Hi", client_reference="order-17", **SENDER
        )
    made = plan(sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log)
    assert made.effect == "make 0 requests, send 0 SMS"
    checked = made.check()
    assert vendor.sends == []
    if there:
        assert SENT_ALREADY in checked.reasons["x1"][0]
    else:
        assert (checked.reasons, checked.effect) == ({}, "send 1 SMS to 1 person")


def test_a_batch_of_that_reference_that_was_changed_since_leaves_it_open(
    vendor: Vendor, log: CallLog
) -> None:
    vendor.sandbox.account().add_batch(
        to=["15551230001"],
        body="Hi, corrected",
        client_reference="order-17",
        **SENDER,
    )
    checked = plan(
        sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log
    ).check()
    assert MAY_BE_SENT in checked.reasons["x1"][0]


@pytest.mark.parametrize("minutes", [-90, -1, 4, 120])
def test_a_clock_that_differs_hides_no_batch(vendor: Vendor, log: CallLog, minutes: int) -> None:
    vendor.sandbox.account().add_batch(
        to=["15551230001"], body="Hi", client_reference="order-17", **SENDER
    )
    told = sent(
        REFERENCED, failure="ReadTimeout", at=datetime.now(UTC) + timedelta(minutes=minutes)
    )
    assert "was sent already" in plan(told, target="live", log=log).check().reasons["x1"][0]


@pytest.mark.parametrize("body", [b"<html>login</html>", b"{}", b'{"batches": null}', b""])
def test_an_answer_that_is_no_list_of_batches_settles_nothing(
    vendor: Vendor, log: CallLog, body: bytes
) -> None:
    vendor.answer_reads_with(body)
    checked = plan(
        sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log
    ).check()
    assert MAY_BE_SENT in checked.reasons["x1"][0]


def test_what_was_checked_stays_checked_when_it_runs(vendor: Vendor, log: CallLog) -> None:
    checked = plan(
        sent(REFERENCED, failure="ReadTimeout", at=lately()), target="live", log=log
    ).check()
    assert checked.run(confirm=checked.effect)[0].child.status == 201
    assert len(vendor.sends) == 1


@pytest.mark.parametrize(
    "case",
    [
        sent(failure="ReadTimeout"),
        sent(REFERENCED, failure="ReadTimeout", at=OLD),
        sent(REFERENCED, failure="x", at=None),
    ],
)
def test_without_a_reference_or_after_retention_a_check_settles_nothing(
    vendor: Vendor, log: CallLog, case: Any
) -> None:
    assert MAY_BE_SENT in plan(case, target="live", log=log).check().reasons["x1"][0]


@pytest.mark.parametrize(
    ("reference", "told"), [("order-17", "so it was sent"), (None, "is not sent again")]
)
def test_a_send_of_ours_without_an_answer_is_unknown_checked_and_not_repeated(
    vendor: Vendor, log: CallLog, reference: str | None, told: str
) -> None:
    body = {**GOOD, **({"client_reference": reference} if reference else {})}
    vendor.lose_answers_to("POST")
    for _ in range(2):
        made = plan(sent(body, status=400), target="live", log=log)
        (result,) = made.run(confirm=made.effect)
        assert result.verdict == "INCONCLUSIVE"
        assert any(told in reason for reason in result.reasons)
    assert len(vendor.sends) == 1


CODE_ALONE = {
    "its status is on the page": (
        "missing_callback_url",
        {"delivery_report": "full"},
        None,
        "SAME",
        "403, the status of missing_callback_url",
    ),
    "and mended": (
        "missing_callback_url",
        {"delivery_report": "full"},
        {"body": GOOD},
        "FIXED",
        "403, the status of missing_callback_url",
    ),
    "not on the page": (
        "unknown_campaign",
        {},
        None,
        "INCONCLUSIVE",
        "except for its code unknown_campaign",
    ),
    "not on the page, changed": (
        "unknown_campaign",
        {},
        {"body": {**GOOD, "body": "Ho"}},
        "INCONCLUSIVE",
        "except for its code unknown_campaign",
    ),
    "not on the page, broken": (
        "unknown_campaign",
        {},
        {"body": "{"},
        "INCONCLUSIVE",
        "except for its code unknown_campaign",
    ),
}


@pytest.mark.parametrize(
    ("code", "more", "edit", "verdict", "reason"), CODE_ALONE.values(), ids=CODE_ALONE.keys()
)
def test_of_an_answer_of_which_only_the_code_is_known(
    log: CallLog, code: str, more: Any, edit: Any, verdict: str, reason: str
) -> None:
    (result,) = replay(sent({**GOOD, **more}, code=code), edit=edit, log=log)
    assert result.verdict == verdict
    assert reason in "; ".join(result.reasons)


def test_a_plan_shows_its_first_rows_with_their_reasons(log: CallLog) -> None:
    many = [sent(id=f"x{i}", status=201) for i in range(21)]
    held = sent("<script>", id="odd", url="https://elsewhere.example/<b>", endpoint=None)
    shown = plan([held, *many], log=log)._repr_html_()
    assert "21 requests, 1 on hold" in shown
    assert "not a request to the SMS API: never replayed" in shown
    assert "/&lt;b&gt;" in shown
    assert shown.count("<tr>") == 21
    assert "Shown are 20 of 22; all of them:" in shown
    assert "Shown are" not in plan(many[:2], log=log)._repr_html_()


def test_two_plans_at_once_send_once(vendor: Vendor, log: CallLog) -> None:
    plans = [plan(sent(status=400), target="live", log=log) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda made: made.run(confirm=made.effect), plans))
    assert len(vendor.sends) == 1
    assert len({present(result.child).id for (result,) in done}) == 1


def test_a_plan_says_its_order_pace_and_duration(vendor: Vendor, log: CallLog) -> None:
    to = ["15551230001", "15551230002"]
    evidence = [
        sent({**GOOD, "to": to, "body": f"message {i}"}, id=str(i), status=400, elapsed_ms=100.0)
        for i in range(4)
    ]
    made = plan(evidence, target="live", requests_per_s=5, messages_per_s=1, log=log)
    assert made.frame()["starts_s"].tolist() == [0, 2, 4, 6]
    assert made.frame()["messages"].tolist() == [2] * 4
    assert made.duration_s == 6.1
    assert (
        "at most 5 requests/s; at most 1 messages/s; after a 429 all wait as long as "
        "Retry-After says" in repr(made)
    )


def test_to_the_vendor_a_pace_is_kept_unless_told_otherwise(vendor: Vendor, log: CallLog) -> None:
    assert plan(sent(status=400), target="live", log=log).pace.requests_per_s == 10
    assert plan(sent(status=400), log=log).pace.requests_per_s is None


@pytest.mark.parametrize("workers", [1, 4])
def test_many_exchanges_are_replayed_each_in_the_state_that_its_answer_implies(
    log: CallLog, workers: int
) -> None:
    evidence = [
        replace(exchange, id=f"{name}-{i}")
        for i in range(2)
        for name, (exchange, _, _) in UNCHANGED.items()
    ]
    done = plan(evidence, log=log, workers=workers).run()
    assert [r.verdict for r in done] == [
        verdict for _ in range(2) for _, verdict, _ in UNCHANGED.values()
    ]
    assert [present(r.child).status for r in done] == [
        status for _ in range(2) for _, _, status in UNCHANGED.values()
    ]


def test_progress_is_told_and_a_stopped_run_goes_on(log: CallLog) -> None:
    evidence = [sent(id=str(i), status=201) for i in range(6)]
    made = plan(evidence, log=log)
    told = []

    def stop_at_two(progress: Progress) -> None:
        told.append(progress.done)
        if progress.done == 2:
            made.stop()

    first = made.run(progress=stop_at_two)
    assert (told, first.stopped) == ([0, 1, 2], STOPPED)
    assert [r.child is not None for r in first] == [True, True, False, False, False, False]
    assert "run the plan again" in first[5].reasons[0]
    second = made.run()
    assert [r.verdict for r in second] == ["SAME"] * 6
    assert len(log) == 6


def test_what_failed_before_a_stop_is_counted_after_it(log: CallLog) -> None:
    made = plan(
        [sent("{", id=str(i), status=400, code="syntax_invalid_json") for i in range(4)], log=log
    )
    made.run(progress=lambda progress: made.stop() if progress.done == 3 else None)
    told: list[Progress] = []
    made.run(progress=told.append)
    assert [(one.done, one.failed) for one in told] == [(3, 3), (4, 4)]


def test_a_running_sandbox_is_taken_as_it_stands(log: CallLog) -> None:
    with Sandbox(service_plan_id=PLAN) as sandbox:
        client = Client(
            base_url=sandbox.url,
            account=PLAN,
            token=Token(sandbox.api_token),
            log=log,
            target="sandbox",
        )
        done = plan([sent(status=201), sent(id="x2", status=503)], client=client).run()
        assert [present(r.child).status for r in done] == [201, 201]
        assert [r.verdict for r in done] == ["SAME", "INCONCLUSIVE"]
        assert len(sandbox.account().batches) == 2
        client.close()


def test_a_client_is_for_the_sandbox_only(vendor: Vendor, log: CallLog) -> None:
    with pytest.raises(WrongUseError, match="client"):
        plan(sent(status=400), target="live", client=connect(log=log), log=log)
    with pytest.raises(WrongUseError, match="client"):
        plan(sent(status=400), client=connect("live", log=log))


@pytest.mark.parametrize(
    ("edit", "words"),
    [({"to": []}, "'to' is not a part"), ({"status": 200}, "'status' is not a part")],
)
def test_an_edit_of_something_else_is_wrong_use(edit: Any, words: str) -> None:
    with pytest.raises(WrongUseError, match=words):
        edited(sent(), edit)


def test_an_edit_of_many_exchanges_is_wrong_use() -> None:
    with pytest.raises(WrongUseError, match="for one exchange"):
        replay([sent(), sent(id="x2")], edit={"method": "GET"})


def test_an_unknown_target_is_wrong_use() -> None:
    with pytest.raises(WrongUseError, match="moon"):
        plan(sent(), target="moon")


def test_a_header_is_taken_out_by_none_whatever_its_case() -> None:
    assert (
        "Authorization" not in edited(sent(), {"headers": {"AUTHORIZATION": None}}).request_headers
    )


LIED = {
    "a read": {"endpoint": "GET /batches"},
    "a dry run": {"endpoint": "POST /batches/dry_run"},
    "nothing": {"endpoint": None},
}


@pytest.mark.parametrize("said", LIED.values(), ids=LIED.keys())
def test_what_the_evidence_calls_its_endpoint_decides_nothing(
    vendor: Vendor, log: CallLog, said: Any
) -> None:
    made = plan(
        sent({**GOOD, "to": ["+15551230001", "15551230002"]}, status=400, **said),
        target="live",
        log=log,
    )
    assert made.effect == "send 2 SMS to 2 people"
    assert plan(sent(status=503, **said), target="live", log=log).reasons["x1"]


@pytest.mark.parametrize(
    "path",
    [
        "/batches/.",
        "/batches/%2E",
        f"/batches/{GROUP}/..",
        f"/groups/../batches/{GROUP}",
        "/../0/batches",
    ],
)
def test_live_holds_back_a_path_that_leads_elsewhere_once_it_is_sent(
    vendor: Vendor, log: CallLog, path: str
) -> None:
    made = plan(
        sent(url=URL.replace("/batches", path), status=400, at=datetime.now(UTC)),
        target="live",
        log=log,
    )
    assert any("leads elsewhere" in reason for reason in made.reasons["x1"])
    made.run(confirm=made.effect)
    assert vendor.requests == []


@pytest.mark.parametrize(
    "path", ["/%62atches", "/./batches", "/x/../batches", "//batches", "/batches;a=1"]
)
def test_live_holds_back_a_path_that_no_endpoint_fits(
    vendor: Vendor, log: CallLog, path: str
) -> None:
    made = plan(sent(url=URL.replace("/batches", path), status=400), target="live", log=log)
    assert any("no endpoint of the API fits" in reason for reason in made.reasons["x1"])
    made.run(confirm=made.effect)
    assert vendor.requests == []


UNREADABLE = [
    '{"to": [15551230001], "body": "Hi"}',
    '{"to": "+15551230001", "body": "Hi"}',
    "\ufeff" + json.dumps(GOOD),
    "{",
    None,
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_live_holds_back_a_send_whose_recipients_cannot_be_read(
    vendor: Vendor, log: CallLog, body: str | None
) -> None:
    made = plan(sent(body, status=400), target="live", log=log)
    assert any("cannot be read from its body" in reason for reason in made.reasons["x1"])


def test_the_same_message_from_two_files_is_sent_once(vendor: Vendor, log: CallLog) -> None:
    for identity, number in (("first", 1), ("second", 7)):
        headers = {"Authorization": f"Bearer [secret opaque 32 #{number}]", **JSON}
        made = plan(sent(id=identity, status=400, request_headers=headers), target="live", log=log)
        made.run(confirm=made.effect)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [{"X-Name": "Łukasz"}, {"X-Note": " leading"}, {"X-Note": "two\nlines"}, {"bad name": "x"}],
)
def test_a_row_that_cannot_be_sent_is_held_back_and_the_next_goes_on(
    log: CallLog, headers: Any
) -> None:
    rows = [
        sent(
            status=201,
            request_headers={"Authorization": "Bearer [secret opaque 32 #1]", **JSON, **headers},
        ),
        sent(id="x2", status=201),
    ]
    assert [(r.child and r.child.status, r.verdict) for r in replay(rows, log=log)] == [
        (None, "INCONCLUSIVE"),
        (201, "SAME"),
    ]


def test_the_same_id_with_another_answer_is_another_replay(log: CallLog) -> None:
    assert replay(sent(status=503), log=log)[0].verdict == "INCONCLUSIVE"
    assert replay(sent(status=201), log=log)[0].verdict == "SAME"


def test_evidence_without_headers_had_good_ones_where_the_answer_says_so(log: CallLog) -> None:
    bare = sent(
        {**GOOD, "delivery_report": "full"},
        status=403,
        code="missing_callback_url",
        request_headers={},
    )
    assert replay(bare, log=log)[0].verdict == "SAME"


def test_a_report_on_a_number_is_replayed_with_that_number_in_the_batch(log: CallLog) -> None:
    path = "/batches/{batch_id}/delivery_report/{recipient_msisdn}"
    asked = sent(
        None,
        method="GET",
        url=f"{URL}/{GROUP}/delivery_report/46701740605",
        endpoint=f"GET {path}",
        status=200,
    )
    assert replay(asked, log=log)[0].verdict == "SAME"


def test_what_is_no_exchange_is_named() -> None:
    with pytest.raises(WrongUseError, match="A str is not an exchange"):
        replay(["requests.sh"])  # type: ignore[list-item]


# --- what a sandbox may claim ---------------------------------------------------------------------


def test_a_running_sandbox_that_knows_no_number_types_mends_none(log: CallLog) -> None:
    with Sandbox(service_plan_id=PLAN) as sandbox:
        client = Client(
            base_url=sandbox.url,
            account=PLAN,
            token=Token(sandbox.api_token),
            log=log,
            target="sandbox",
        )
        bad = sent(status=403, code="illegal_number_type")
        (result,) = plan(
            bad, edits={"x1": {"body": {**GOOD, "from": "15559870003"}}}, client=client
        ).run()
        client.close()
    assert (present(result.child).status, result.verdict) == (201, "INCONCLUSIVE"), result.reasons
    assert "does not know the cause" in result.reasons[0]


def group_of_two(text: Any) -> Exchange:
    return sent({**GOOD, "to": [GROUP, OTHER_GROUP]}, status=403, code="unknown_group", text=text)


@pytest.mark.parametrize(
    ("text", "to", "verdict"),
    [
        (f"Group {OTHER_GROUP} is unknown", [GROUP], "FIXED"),
        (f"Group {OTHER_GROUP} is unknown", [OTHER_GROUP], "SAME"),
        (None, [GROUP], "INCONCLUSIVE"),
    ],
)
def test_of_several_groups_the_one_that_is_named_is_the_unknown_one(
    log: CallLog, text: str | None, to: Any, verdict: str
) -> None:
    (result,) = replay(group_of_two(text), edit={"body": {**GOOD, "to": to}}, log=log)
    assert result.verdict == verdict, result.reasons


def test_another_group_in_place_of_the_unknown_one_is_taken_to_exist(log: CallLog) -> None:
    bad = sent({**GOOD, "to": [GROUP]}, status=403, code="unknown_group")
    (result,) = replay(bad, edit={"body": {**GOOD, "to": [OTHER_GROUP]}}, log=log)
    assert (result.verdict, f"existing group: {OTHER_GROUP}" in result.reasons[-1]) == (
        "FIXED",
        True,
    )


def test_of_an_original_without_an_account_none_is_compared(log: CallLog) -> None:
    bad = replace(
        sent("{", status=400, code="syntax_invalid_json", account=None),
        url="https://us.sms.api.sinch.com/batches",
    )
    (result,) = replay(bad, edit={"url": URL, "body": GOOD}, log=log)
    assert "another account than the original's" not in result.reasons


def test_a_resource_that_only_the_changed_path_names_is_set_up(log: CallLog) -> None:
    bad = sent(None, method="GET", url=f"{URL}/{GROUP}/delivery_reports", status=404, endpoint=None)
    (result,) = replay(bad, edit={"url": f"{URL}/{GROUP}"}, log=log)
    assert (present(result.child).status, result.verdict) == (200, "FIXED"), result.reasons


def test_what_the_diagnosis_expects_and_the_sandbox_does_not_show_is_open(log: CallLog) -> None:
    elsewhere = sent(url=URL.replace("us.sms", "region.sms"))
    (result,) = replay(elsewhere, edit={"body": {**GOOD, "body": "Ho"}}, log=log)
    assert result.verdict == "INCONCLUSIVE"
    assert "the diagnosis expects 404, which the sandbox did not return" in result.reasons


ELSEWHERE = ("host-", "sender-", "too-large-page")  # no host in it; what is assumed, it refuses


def test_the_sandbox_refuses_what_the_diagnosis_expects_it_to(log: CallLog) -> None:
    kinds = [s.exchange for s in corpus.samples(1) if not s.kind.rule.startswith(ELSEWHERE)]
    rows = [replace(one, id=f"k{i}", at=corpus.NOW) for i, one in enumerate(kinds)]
    expected = {one.id: diagnose(one, now=corpus.NOW) for one in rows}
    for result in replay(rows, log=log):
        told = expected[result.original.id]
        assert present(result.child).parent_id == result.original.id
        assert present(result.child).status == told.expected_status, told


def test_a_run_that_breaks_off_leaves_no_stop_behind(
    log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan([sent(status=201), sent(id="x2", status=201)], log=log)
    monkeypatch.setattr(CallLog, "outcome", lambda self, exchange: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.run()
    monkeypatch.undo()
    assert [r.child and r.child.status for r in made.run()] == [None, 201]


def test_of_an_answer_whose_code_nobody_noted_the_status_is_compared(log: CallLog) -> None:
    bad = sent('{"to": ["+15551230001"],}', status=400)
    assert replay(bad, log=log)[0].verdict == "SAME"
    assert replay(bad, edit={"body": GOOD}, log=log)[0].verdict == "FIXED"


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "api_token": "5c1e9a7b3d2f4e6880a1b2c3d4e5f607"},
        {**GOOD, "callback_url": "https://u:5c1e9a7b3d2f@x.example/"},
    ],
)
@pytest.mark.parametrize("target", ["preview", "sandbox"])
def test_a_secret_that_is_typed_into_a_body_is_shown_nowhere(
    log: CallLog, target: str, body: Any
) -> None:
    (result,) = replay(sent(status=201), edit={"body": body}, target=target, log=log)
    assert "5c1e9a7b3d2f" not in repr(
        (
            result.request,
            result.request.request_body,
            result.request_differences,
            [x.request_body for x in log],
        )
    )


def test_secrets_that_are_typed_have_numbers_of_their_own() -> None:
    typed = {"headers": {"Authorization": "Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607"}}
    changed = edited(sent({**GOOD, "api_token": "[secret opaque 32 #4]"}), typed)
    assert changed.request_headers["Authorization"] == "Bearer [secret opaque 32 #5]"


def test_the_differences_are_a_frame(log: CallLog) -> None:
    (result,) = replay(
        sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json"),
        edit={"body": GOOD},
        log=log,
    )
    rows = result.differences
    assert rows.columns.tolist() == ["part", "where", "was", "now"]
    assert rows[rows["part"] == "answer"].iloc[0].tolist() == ["answer", "status", "400", "201"]
    assert rows["part"].tolist()[0] == "request"
