"""Replay: what is planned, what is held back, what a verdict may claim."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sinchtools.calllog import CallLog
from sinchtools.errors import NotAllowedError, WrongUseError
from sinchtools.records import Exchange, Finding
from sinchtools.replay import edited, plan, replay, verdict_of

PLAN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4"
URL = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches"
GROUP = "01FC66621VHDBN119Z8PMV1QPU"
JSON = {"Content-Type": "application/json"}
GOOD = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def sent(body=GOOD, *, status=None, code=None, url=URL, method="POST", **rest):
    fields = {
        "id": "x1", "at": AT, "method": method, "url": url, "endpoint": f"{method} /batches", "account": PLAN, "status": status, "code": code,
        "request_headers": {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"},
        "request_body": body if isinstance(body, str) or body is None else json.dumps(body),
    }  # fmt: skip
    return Exchange(**{**fields, **rest})


@pytest.fixture
def log(tmp_path):
    with CallLog(tmp_path / "calls.sqlite") as log:
        yield log


UNCHANGED = {
    "trailing comma": (sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json"), "SAME", 400),
    "malformed number": (sent({**GOOD, "to": ["++15551230001"]}, status=400, code="syntax_invalid_parameter_format"), "SAME", 400),
    "missing to": (sent({"body": "Hi"}, status=400, code="syntax_constraint_violation"), "SAME", 400),
    "expired at the time": (sent({**GOOD, "expire_at": "2026-11-19T08:00:00Z"}, status=400, code="syntax_constraint_violation"), "SAME", 400),
    "good at the time": (sent({**GOOD, "expire_at": "2026-11-21T08:00:00Z"}, status=201), "SAME", 201),
    "no callback URL": (sent({**GOOD, "delivery_report": "full"}, status=403, code="missing_callback_url"), "SAME", 403),
    "callback URL on the plan": (sent({**GOOD, "delivery_report": "full"}, status=201), "SAME", 201),
    "unknown group": (sent({**GOOD, "to": [GROUP]}, status=403, code="unknown_group"), "SAME", 403),
    "known group": (sent({**GOOD, "to": [GROUP]}, status=201), "SAME", 201),
    "no Bearer": (sent(status=401, request_headers={"Authorization": "[secret opaque 32 #1]", "Content-Type": "application/json"}), "SAME", 401),
    "no credentials": (sent(status=401, request_headers={"Content-Type": "application/json"}), "SAME", 401),
    "quoted token": (sent(status=401, request_headers={**JSON, "Authorization": "Bearer [secret opaque 32 #1 quoted]"}), "SAME", 401),
    "expired access token": (
        sent(
            status=401, url=f"https://zt.us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
            request_headers={"Authorization": "Bearer [secret jwt 200 #1 expires=2026-11-20T07:00:00Z]", "Content-Type": "application/json"},
        ), "SAME", 401,
    ),
    "no content type": (sent(status=415, request_headers={"Authorization": "Bearer [secret opaque 32 #1]"}), "SAME", 415),
    "wrong method": (sent(None, method="PATCH", status=405, endpoint=None), "SAME", 405),
    "wrong path": (sent(None, method="GET", url=f"{URL}x", status=404, endpoint=None), "SAME", 404),
    "known batch": (sent(None, method="GET", url=f"{URL}/{GROUP}", status=200, endpoint="GET /batches/{batch_id}"), "SAME", 200),
    "good token refused": (sent(status=401), "INCONCLUSIVE", 401),
    "blocked": (sent(status=403, code="blocked_account"), "INCONCLUSIVE", 403),
    "number type": (sent(status=403, code="illegal_number_type"), "INCONCLUSIVE", 403),
    "resource gone": (sent(None, method="GET", url=f"{URL}/{GROUP}", status=404, endpoint="GET /batches/{batch_id}"), "INCONCLUSIVE", 404),
    "too many": (sent(status=429), "INCONCLUSIVE", 429),
    "server error": (sent(status=500), "INCONCLUSIVE", 500),
    "unavailable": (sent(status=503), "INCONCLUSIVE", 503),
    "answer not known": (sent(), "INCONCLUSIVE", 201),
}  # fmt: skip


@pytest.mark.parametrize(("exchange", "verdict", "status"), UNCHANGED.values(), ids=UNCHANGED.keys())
def test_an_unchanged_replay_is_the_same_or_not_conclusive(log, exchange, verdict, status):
    (result,) = replay(exchange, log=log)
    assert (result.verdict, result.child.status) == (verdict, status), result.reasons


FAULTS = ("good token refused", "blocked", "number type", "resource gone", "too many", "server error", "unavailable")


@pytest.mark.parametrize("name", FAULTS)
def test_a_cause_outside_the_request_is_shown_by_fault_and_says_so(log, name):
    (result,) = replay(UNCHANGED[name][0], log=log)
    assert any("by fault" in reason for reason in result.reasons)
    assert result.child.response_headers["X-Simulated"] == "1"


EDITED = {
    "comma removed": ('{"to": ["+15551230001"],}', "syntax_invalid_json", 400, {"body": GOOD}, "FIXED"),
    "number mended": ({**GOOD, "to": ["++15551230001"]}, "syntax_invalid_parameter_format", 400, {"body": GOOD}, "FIXED"),
    "callback URL added": (
        {**GOOD, "delivery_report": "full"}, "missing_callback_url", 403,
        {"body": {**GOOD, "delivery_report": "full", "callback_url": "https://example.com/x"}}, "FIXED",
    ),
    "nothing that matters": (
        {**GOOD, "to": ["++15551230001"]}, "syntax_invalid_parameter_format", 400, {"body": {**GOOD, "to": ["++15551230001"], "body": "Ho"}}, "SAME",
    ),
    "another 400": ({**GOOD, "to": ["++15551230001"]}, "syntax_invalid_parameter_format", 400, {"body": {"to": ["+15551230001"]}}, "CHANGED"),
    "another field of the same code": (
        {**GOOD, "to": ["++15551230001"]}, "syntax_invalid_parameter_format", 400, {"body": {**GOOD, "send_at": "soon"}}, "CHANGED"
    ),
    "a good one spoilt": (GOOD, None, 201, {"body": {"to": []}}, "WORSE"),
    "a good one changed": (GOOD, None, 201, {"body": {**GOOD, "body": "Ho"}}, "SAME"),
    "luck after 429": (GOOD, None, 429, {"body": {**GOOD, "body": "Ho"}}, "INCONCLUSIVE"),
    "another plan": (GOOD, None, 401, {"url": URL.replace(PLAN, "0" * 32)}, "INCONCLUSIVE"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "code", "status", "edit", "verdict"), EDITED.values(), ids=EDITED.keys())
def test_an_edited_replay_is_judged_by_the_reason_of_the_original(log, body, code, status, edit, verdict):
    (result,) = replay(sent(body, status=status, code=code), edit=edit, log=log)
    assert result.verdict == verdict, result.reasons


def test_a_missing_bearer_is_mended_by_a_header(log):
    bad = sent(status=401, request_headers={"Authorization": "[secret opaque 32 #1]", "Content-Type": "application/json"})
    (result,) = replay(bad, edit={"headers": {"authorization": "Bearer [secret opaque 32 #1]"}}, log=log)
    assert result.verdict == "FIXED"


def test_a_wrong_method_is_mended_by_the_right_one(log):
    bad = sent(None, method="PUT", url=URL, status=405, endpoint=None)
    assert replay(bad, edit={"method": "GET"}, log=log)[0].verdict == "FIXED"


def test_a_paste_without_an_answer_is_proven_against_the_sandbox_itself(log):
    bad = sent({**GOOD, "to": "+15551230001"})
    (result,) = replay(bad, edit={"body": GOOD}, log=log)
    assert result.verdict == "FIXED"
    assert "the original answer is not known; unchanged, the sandbox answers 400 syntax_invalid_json" in result.reasons


def test_the_original_stays_and_the_replay_is_its_child(log):
    original = sent('{"to": ["+15551230001"],}', status=400, code="syntax_invalid_json")
    before = replace(original)
    (result,) = replay(original, log=log)
    assert original == before
    assert (result.child.parent_id, result.child.origin, result.child.target) == ("x1", "replay", "sandbox")
    assert list(log) == [result.child]


def test_preview_sends_nothing(log):
    done = replay(sent(status=400, code="syntax_invalid_json"), target="preview", log=log)
    assert [(r.child, r.verdict) for r in done] == [(None, "INCONCLUSIVE")]
    assert len(log) == 0


def test_another_host_is_never_replayed(log):
    (result,) = replay(sent(url="https://api.example.com/messages", status=400), log=log)
    assert (result.child, result.verdict) == (None, "INCONCLUSIVE")
    assert "never replayed" in result.reasons[0]


def test_evidence_without_a_request_is_held_back(log):
    (result,) = replay(Exchange(id="x", status=403, code="blocked_account"), log=log)
    assert result.reasons == ("the evidence holds no request",)


def test_a_plan_is_a_frame_with_its_reasons_and_sends_nothing(log):
    made = plan([sent(status=503), sent(id="x2", url="https://example.com/")], log=log)
    assert made.frame["fault"].tolist()[0] == "503"
    assert set(made.reasons) == {"x2"}
    assert made.effect == "nothing leaves this machine"
    assert len(log) == 0


@pytest.mark.parametrize("target", ["dry-run", "live"])
def test_the_upper_rungs_are_off_until_switched_on(target):
    with pytest.raises(NotAllowedError, match="SINCHTOOLS_ALLOW"):
        plan(sent(status=400), target=target)
    with pytest.raises(NotAllowedError, match="plan"):
        replay(sent(status=400), target=target)


@pytest.fixture
def live(monkeypatch):
    for name, value in {"SINCHTOOLS_ALLOW": "live", "SINCH_SERVICE_PLAN_ID": PLAN, "SINCH_API_TOKEN": "secret-token-1"}.items():
        monkeypatch.setenv(name, value)


def test_live_runs_only_when_the_effect_is_typed(live, log):
    made = plan(sent({**GOOD, "to": ["+15551230001", "15551230002"], "body": "x" * 161}, status=400), target="live", log=log)
    assert made.effect == "send 4 SMS to 2 people"
    for confirm in (None, "", "yes", "send 4 SMS"):
        with pytest.raises(NotAllowedError, match="not confirmed"):
            made.run(confirm=confirm)
    assert len(log) == 0


AGAINST = {
    "503": (sent(status=503), "may already have been sent"),
    "no answer": (sent(failure="ReadTimeout"), "may already have been sent"),
    "a gateway's 500": (sent(status=500, response_body="<html>bad</html>"), "may already have been sent"),
    "accepted": (sent(status=201), "accepted already"),
    "past send_at": (sent({**GOOD, "send_at": "2020-01-01T00:00:00Z"}, status=400), "send_at is past"),
    "another account": (sent(url=URL.replace(PLAN, "0" * 32), status=400), "another account"),
    "a redacted body": (sent('{"to": ["+15551230001"], "body": "Bearer [secret opaque 20 #3]"}', status=400), "redacted part"),
}


@pytest.mark.parametrize(("exchange", "reason"), AGAINST.values(), ids=AGAINST.keys())
def test_live_holds_back_what_may_do_harm(live, log, exchange, reason):
    made = plan(exchange, target="live", log=log)
    assert any(reason in one for one in made.reasons["x1"])
    (result,) = made.run(confirm=made.effect)
    assert (result.child, len(log)) == (None, 0)


@pytest.mark.parametrize(("edit", "words"), [({"to": []}, "'to' is no part"), ({"status": 200}, "'status' is no part")])
def test_an_edit_of_something_else_is_wrong_use(edit, words):
    with pytest.raises(WrongUseError, match=words):
        edited(sent(), edit)


def test_an_edit_of_many_exchanges_is_wrong_use():
    with pytest.raises(WrongUseError, match="for one exchange"):
        replay([sent(), sent(id="x2")], edit={"method": "GET"})


def test_an_unknown_target_is_wrong_use():
    with pytest.raises(WrongUseError, match="moon"):
        plan(sent(), target="moon")


def test_a_header_is_taken_out_by_none_whatever_its_case():
    assert "Authorization" not in edited(sent(), {"headers": {"AUTHORIZATION": None}}).request_headers


A, B = Finding(rule="msisdn-letters", severity="error", field="to"), Finding(rule="bad-date", severity="error", field="send_at")
BAD, WORSE = sent(status=400, code="syntax_invalid_parameter_format"), sent(status=500)
VERDICTS = [
    (BAD, sent(status=201), {}, "FIXED"),
    (BAD, sent(status=201), {"changed": False}, "INCONCLUSIVE"),
    (BAD, sent(status=201), {"fault": True}, "INCONCLUSIVE"),
    (BAD, sent(failure="ReadTimeout"), {}, "INCONCLUSIVE"),
    (BAD, replace(sent(status=200), endpoint="POST /batches/dry_run"), {}, "INCONCLUSIVE"),
    (BAD, replace(sent(status=201), account="other"), {}, "INCONCLUSIVE"),
    (BAD, BAD, {"was": A, "now": A}, "SAME"),
    (BAD, BAD, {"was": A, "now": B}, "CHANGED"),
    (BAD, sent(status=403, code="unknown_group"), {}, "CHANGED"),
    (BAD, WORSE, {}, "WORSE"),
    (WORSE, sent(status=201), {}, "INCONCLUSIVE"),
    (WORSE, BAD, {}, "CHANGED"),
    (sent(status=201), BAD, {}, "WORSE"),
    (sent(status=201), sent(status=201), {}, "SAME"),
    (sent(status=429), sent(status=201), {}, "INCONCLUSIVE"),
    (sent(), sent(status=201), {}, "INCONCLUSIVE"),
]


@pytest.mark.parametrize(("original", "child", "known", "verdict"), VERDICTS)
def test_the_verdict_claims_no_more_than_it_knows(original, child, known, verdict):
    assert verdict_of(original, child, **{"changed": True, **known})[0] == verdict
