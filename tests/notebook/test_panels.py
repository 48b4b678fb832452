"""
The panels, without a browser.

Values are set, buttons clicked, and what is shown is read back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels import EvidencePanel, ReplayPanel, TipsPanel
from sinchtools.notebook.panels.theme import banner, error_card
from tests.support.words import DID_NOT_WORK

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
BAD = Exchange(
    id="bad",
    at=AT,
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4/batches",
    endpoint="POST /batches",
    account="8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4",
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi",}',
    status=400,
    code="syntax_invalid_json",
)
GOOD = replace(
    BAD,
    id="good",
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}',
    status=201,
    code=None,
)
NO_URL = replace(
    BAD,
    id="no-url",
    request_body='{"to": ["+15551230001"], "body": "Hi", "delivery_report": "full"}',
    status=403,
    code="missing_callback_url",
)


def test_failing_exchanges_are_offered_first(log: CallLog) -> None:
    panel = ReplayPanel([GOOD, BAD], log=log)
    assert panel.exchange is BAD
    assert "SANDBOX" in panel._banner.value


def test_a_call_is_offered_and_counted_once_by_its_last_attempt(log: CallLog) -> None:
    tries = [replace(BAD, id=f"try-{i}", call_id="c", attempt=i) for i in (1, 2, 3)]
    choice = ReplayPanel([*tries, GOOD], log=log).choice
    assert choice.kind.options[0][0].endswith("(1)")
    assert "try-3" in choice.exchanges and "try-1" not in choice.exchanges


def test_fix_and_replay_by_clicking_give_the_verdict(log: CallLog) -> None:
    panel = ReplayPanel([GOOD, BAD], log=log)
    panel.replay_button.click()
    assert panel.results[-1].verdict == "SAME"
    panel.fix_button.click()
    assert json.loads(panel.body.value)
    panel.replay_button.click()
    assert panel.results[-1].verdict == "FIXED"
    assert "FIXED" in panel.outcome.value
    assert len(log) == 2


def test_an_edit_by_hand_is_what_is_replayed(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.body.value = GOOD.request_body
    assert panel.edit() == {"body": GOOD.request_body}
    assert panel.replay().verdict == "FIXED"


def test_headers_edited_by_hand_are_taken_out_and_added(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.headers.value = "Content-Type: text/plain\nX-Trace: 1"
    assert panel.edit() == {
        "headers": {"Authorization": None, "Content-Type": "text/plain", "X-Trace": "1"}
    }


def test_back_to_the_original_forgets_the_edit(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.body.value = "{}"
    panel.reset_button.click()
    assert panel.edit() == {}


def test_choosing_another_exchange_shows_it(log: CallLog) -> None:
    panel = ReplayPanel([BAD, NO_URL], log=log)
    panel.choice.value = "no-url"
    assert panel.body.value == NO_URL.request_body
    assert "callback" in panel.diagnosis.value


def test_a_malformed_header_line_is_named_and_nothing_is_sent(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.headers.value = "no colon here"
    panel.replay_button.click()
    assert "Line 1 of the headers" in panel.status.value
    assert len(log) == 0


def test_a_panel_without_evidence_says_so(log: CallLog) -> None:
    panel = ReplayPanel([], log=log)
    assert "There is no request" in panel.status.value
    panel.replay_button.click()
    assert "No exchange is chosen" in panel.status.value


def test_an_unforeseen_error_is_shown_and_not_swallowed(
    log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = ReplayPanel([BAD], log=log)
    monkeypatch.setattr("sinchtools.notebook.panels.replay.plan", lambda *_, **__: 1 / 0)
    panel.replay_button.click()
    assert "ZeroDivisionError" in panel.status.value
    assert not panel.replay_button.disabled


def test_a_second_click_while_one_runs_does_nothing(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.replay_button.disabled = True
    panel.replay_button.click()
    assert panel.results == []


def test_the_evidence_panel_reads_a_paste_and_empties_the_box() -> None:
    panel = EvidencePanel()
    panel.paste.value = (
        "curl https://us.sms.api.sinch.com/xms/v1/p1/batches -H 'Authorization: "
        "Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607'"
    )
    panel.read_button.click()
    assert len(panel.evidence) == 1
    assert panel.paste.value == ""
    assert "5c1e9a7b" not in panel.report.value + panel.status.value


def test_the_evidence_panel_says_what_to_do_with_nothing() -> None:
    panel = EvidencePanel()
    panel.read_button.click()
    assert "nothing to read" in panel.status.value


def test_the_tips_are_walked_to_their_end_by_clicking() -> None:
    panel = TipsPanel([NO_URL])
    for _ in range(20):
        if panel.walk.finished:
            break
        panel.failed_button.click()
    assert panel.walk.finished
    assert "THE END" in panel.step.value
    assert panel.done_button.layout.display == "none"
    assert len(panel.walk.transcript) >= 2


def test_a_note_goes_into_the_transcript() -> None:
    panel = TipsPanel([NO_URL])
    panel.note.value = "looked at the dashboard"
    panel.done_button.click()
    assert panel.walk.transcript[0]["reason"] == "looked at the dashboard"
    assert panel.note.value == ""


def test_back_reopens_the_step() -> None:
    panel = TipsPanel([NO_URL])
    first = panel.walk.current.id
    panel.skip_button.click()
    panel.back_button.click()
    assert panel.walk.current.id == first


def test_every_row_of_the_page_can_be_walked_without_evidence() -> None:
    panel = TipsPanel()
    assert len(panel.choice.one.options) == 16
    for _, row in panel.choice.one.options:
        panel.choice.value = row
        assert DID_NOT_WORK not in panel.status.value
        assert panel.walk.current.title


@pytest.mark.parametrize("target", ["preview", "sandbox", "dry-run", "live"])
def test_the_banner_says_the_rung_in_words(target: str) -> None:
    assert target.upper().replace("-", " ") in banner(target)


def test_an_error_card_has_no_traceback() -> None:
    assert "Traceback" not in error_card(ValueError("secret"))
    assert "secret" not in error_card(ValueError("secret"))
