"""
Test the replay panel beyond one exchange, without a browser.

Test rungs, confirmation, many at once, stop and continue, and comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sinchtools.client.log import CallLog
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.notebook.panels import ReplayPanel
from sinchtools.replays.runner import Progress
from sinchtools.sandbox import Sandbox
from tests.notebook.test_panels import BAD, GOOD, NO_URL
from tests.support.present import present
from tests.support.vendor import SENDER, Vendor
from tests.support.words import GO_ON, SENT_ALREADY, STOPPED

BODY = str(GOOD.request_body)

LIVE_EFFECT = "send 1 SMS to 1 person"


def many(count: Any) -> list[Any]:
    return [replace(BAD, id=f"bad-{i}") for i in range(count)]


def targets(panel: Any) -> list[Any]:
    return [rung for _, rung in panel.target.options]


@pytest.mark.parametrize(
    ("allow", "rungs"),
    [
        ("", ["preview", "sandbox"]),
        ("yes", ["preview", "sandbox"]),
        ("dry-run", ["preview", "sandbox", "dry-run"]),
        ("live", ["preview", "sandbox", "dry-run", "live"]),
    ],
)
def test_only_what_is_switched_on_is_offered(
    log: CallLog, monkeypatch: pytest.MonkeyPatch, allow: str, rungs: Any
) -> None:
    monkeypatch.setenv("SINCHTOOLS_ALLOW", allow)
    panel = ReplayPanel([BAD], log=log)
    assert (targets(panel), panel.target.value) == (rungs, "sandbox")


def test_the_rung_is_said_in_words_and_on_the_button(vendor: Vendor, log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    said = {}
    for rung in targets(panel):
        panel.target.value = rung
        said[rung] = (
            panel._banner.value,
            panel.replay_button.description,
            panel.vendor.layout.display,
        )
    assert all(rung.upper().replace("-", " ") in words for rung, (words, _, _) in said.items())
    assert len({button for _, button, _ in said.values()}) == 4
    assert [display for *_, display in said.values()] == ["none", "none", "", ""]


def test_a_preview_shows_the_request_without_credentials_and_sends_nothing(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.target.value = "preview"
    panel.replay_button.click()
    assert "curl" in panel.outcome.value
    assert "[secret opaque 32 #1]" in panel.outcome.value
    assert len(log) == 0


@pytest.mark.parametrize("typed", ["", "yes", LIVE_EFFECT.upper()])
def test_live_sends_nothing_until_the_effect_is_typed(
    vendor: Vendor, log: CallLog, typed: str
) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    panel.effect.value = typed
    panel.replay_button.click()
    assert f"This would: {LIVE_EFFECT}" in panel.status.value
    assert vendor.requests == []


def test_live_sends_once_when_the_effect_is_typed_however_often_it_is_clicked(
    vendor: Vendor, log: CallLog
) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    panel.effect.value = LIVE_EFFECT
    for _ in range(3):
        panel.replay_button.click()
    assert len(vendor.requests) == 1


def test_the_test_number_stands_in_for_the_recipients(vendor: Vendor, log: CallLog) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    panel.test_number.value, panel.effect.value = "+15559990001", f"{LIVE_EFFECT} (the test number)"
    panel.replay_button.click()
    (batch,) = vendor.sandbox.account().batches.values()
    assert batch.to == ("15559990001",)


def test_another_target_forgets_the_typed_effect(vendor: Vendor, log: CallLog) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    panel.effect.value = LIVE_EFFECT
    panel.target.value = "dry-run"
    assert panel.effect.value == ""


def test_what_is_different_is_shown_path_by_path(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.body.value = BODY.replace("Hi", "Ho")
    panel.replay_button.click()
    shown = panel.outcome.value
    assert "Changed in the request" in shown
    assert "Different in the response" in shown
    assert "created_at" in shown.partition("Not compared")[2]


def test_all_of_a_kind_are_replayed_with_progress(log: CallLog) -> None:
    panel = ReplayPanel([*many(7), GOOD], log=log)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert (panel.batch.bar.value, panel.batch.bar.max, len(log)) == (7, 7, 7)
    assert "7 of 7 done" in panel.batch.counts.value
    assert "7 SAME" in panel.status.value
    assert (panel.batch.start_button.disabled, panel.batch.stop_button.disabled) == (False, True)


def test_an_exchange_without_a_known_answer_is_no_failure(log: CallLog) -> None:
    panel = ReplayPanel(
        [
            *many(2),
            NO_URL,
            replace(GOOD, id="told", status=None),
            replace(GOOD, id="moved", status=302),
        ],
        log=log,
    )
    assert "every failure (3)" in [words for words, _ in panel.choice.kind.options]
    panel.choice.kind.value = "every failure"
    assert [x.code for x in panel.choice.of_kind] == ["syntax_invalid_json"] * 2 + [
        "missing_callback_url"
    ]


def meanwhile(panel: ReplayPanel, act: Callable[[], object], *, after: int | None = None) -> None:
    """Do something while a batch runs: whenever its progress is shown, or once after so many."""
    tell = panel.batch.running.tell

    def tell_and_act(progress: Progress) -> None:
        tell(progress)
        if after is None:
            act()
        elif progress.done == after:
            panel.batch.running.__dict__["tell"] = tell
            act()

    panel.batch.running.__dict__["tell"] = tell_and_act


def test_what_a_stop_left_unsent_is_no_verdict(log: CallLog) -> None:
    panel = ReplayPanel(many(7), log=log)
    meanwhile(panel, panel.batch.stop, after=5)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert "5 SAME, 2 not sent; stopped by hand; click again to go on." in panel.status.value


def test_the_suggested_fix_of_each_is_applied_on_wish(log: CallLog) -> None:
    panel = ReplayPanel(many(3), log=log)
    panel.batch.fix.value = True
    panel.batch.start_button.click()
    panel.batch.wait()
    assert "3 FIXED" in panel.status.value


def test_a_batch_is_stopped_and_goes_on_with_the_rest(log: CallLog) -> None:
    panel = ReplayPanel(many(20), log=log)

    def click_stop() -> None:
        panel.batch.stop_button.disabled = False
        panel.batch.stop_button.click()

    meanwhile(panel, click_stop, after=5)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert len(log) == 5
    assert STOPPED in panel.status.value
    assert panel.batch.start_button.description == GO_ON
    panel.batch.start_button.click()
    panel.batch.wait()
    assert len(log) == 20
    assert "20 SAME" in panel.status.value


def test_a_second_start_while_it_runs_does_nothing(log: CallLog) -> None:
    panel = ReplayPanel(many(4), log=log)
    meanwhile(panel, panel.batch.start)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert len(log) == 4


def test_a_batch_that_cannot_start_says_why(vendor: Vendor, log: CallLog) -> None:
    bodies = [BODY.replace("Hi", f"message {i}") for i in range(3)]
    panel = ReplayPanel(
        [replace(GOOD, id=str(i), request_body=body, status=400) for i, body in enumerate(bodies)],
        log=log,
    )
    panel.target.value = "live"
    panel.batch.start_button.click()
    panel.batch.wait()
    assert "This would: send 3 SMS to 1 person" in panel.status.value
    assert (vendor.requests, panel.batch.start_button.disabled) == ([], False)


def test_an_error_in_the_thread_is_shown(log: CallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ReplayPanel(many(2), log=log)
    monkeypatch.setattr(Sandbox, "reset", lambda self: 1 / 0)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert "ZeroDivisionError" in panel.status.value


TYPED = "5c1e9a7b3d2f4e6880a1b2c3d4e5f607"


@pytest.mark.parametrize("target", ["preview", "sandbox"])
def test_a_token_that_is_typed_is_a_marker_once_it_was_used(log: CallLog, target: str) -> None:
    panel = ReplayPanel([replace(GOOD, status=401)], log=log)
    panel.target.value = target
    panel.headers.value = panel.headers.value.replace("[secret opaque 32 #1]", TYPED)
    panel.replay_button.click()
    assert "#2]" in panel.outcome.value
    assert TYPED not in repr(
        [widget.value for widget in (panel.outcome, panel.headers, panel.status)]
    ) + repr(list(log))


def test_a_preview_of_many_says_that_nothing_was_sent(log: CallLog) -> None:
    panel = ReplayPanel(many(3), log=log)
    panel.target.value = "preview"
    panel.batch.start_button.click()
    panel.batch.wait()
    assert "Preview of 3: nothing was sent" in panel.status.value


def running(log: CallLog, during: Callable[[ReplayPanel], object]) -> ReplayPanel:
    """A batch of 20, with something done after the third."""
    panel = ReplayPanel(many(20), log=log)
    meanwhile(panel, lambda: during(panel), after=3)
    panel.batch.start_button.click()
    panel.batch.wait()
    return panel


def test_the_target_stays_as_it_is_while_many_are_sent(log: CallLog) -> None:
    locked = []
    panel = running(
        log, lambda panel: locked.append((panel.target.disabled, panel.test_number.disabled))
    )
    assert locked == [(True, True)]
    assert (panel.target.disabled, panel.test_number.disabled) == (False, False)


def test_a_panel_that_is_closed_sends_no_more(log: CallLog) -> None:
    running(log, ReplayPanel.close)
    assert len(log) == 3


def test_a_cell_that_is_run_again_stops_what_it_had_under_way(log: CallLog) -> None:
    made = []
    running(log, lambda panel: made.append(ReplayPanel(many(20), log=log)))
    assert len(log) == 3
    assert "was stopped, since its cell was run again" in made[0].status.value


def test_check_first_asks_by_reads_only_and_lifts_what_it_can(vendor: Vendor, log: CallLog) -> None:
    body = BODY.replace("{", '{"client_reference": "order-17", ', 1)
    panel = ReplayPanel(
        [
            replace(
                GOOD, at=datetime.now(UTC) - timedelta(minutes=10), request_body=body, status=503
            )
        ],
        log=log,
    )
    panel.target.value = "live"
    panel.replay_button.click()
    assert "Everything is on hold: may already have been sent: " in panel.status.value
    panel.check_button.click()
    assert LIVE_EFFECT in panel.outcome.value
    assert (vendor.sends, {method for method, _ in vendor.requests}) == ([], {"GET"})
    panel.effect.value = LIVE_EFFECT
    panel.replay_button.click()
    assert len(vendor.sends) == 1


def test_check_first_names_the_batch_that_is_there(vendor: Vendor, log: CallLog) -> None:
    vendor.sandbox.account().add_batch(
        to=["15551230001"], body="Hi", client_reference="order-17", **SENDER
    )
    body = BODY.replace("{", '{"client_reference": "order-17", ', 1)
    panel = ReplayPanel(
        [
            replace(
                GOOD, at=datetime.now(UTC) - timedelta(minutes=10), request_body=body, status=503
            )
        ],
        log=log,
    )
    panel.target.value = "live"
    panel.check_button.click()
    assert SENT_ALREADY in panel.outcome.value
    assert vendor.sends == []


def test_a_check_of_one_lifts_nothing_of_another_that_is_the_same_request(
    vendor: Vendor, log: CallLog
) -> None:
    body = BODY.replace("{", '{"client_reference": "order-17", ', 1)
    today = replace(
        GOOD,
        id="today",
        at=datetime.now(UTC) - timedelta(minutes=10),
        request_body=body,
        status=503,
    )
    panel = ReplayPanel([today, replace(today, id="undated", at=None)], log=log)
    panel.target.value = "live"
    panel.check_button.click()
    panel.choice.value = "undated"
    panel.effect.value = LIVE_EFFECT
    panel.replay_button.click()
    assert "may already have been sent: " in panel.status.value
    assert vendor.sends == []


def test_another_panel_of_other_exchanges_stops_nothing(log: CallLog) -> None:
    running(log, lambda panel: ReplayPanel([NO_URL], log=log))
    assert len(log) == 20


def test_a_token_that_is_typed_is_a_marker_also_when_nothing_was_sent(
    vendor: Vendor, log: CallLog
) -> None:
    panel = ReplayPanel([replace(GOOD, status=503)], log=log)
    panel.target.value = "live"
    panel.headers.value = panel.headers.value.replace("[secret opaque 32 #1]", TYPED)
    panel.path.value += f"?api_token={TYPED}"
    panel.replay_button.click()
    assert "Everything is on hold" in panel.status.value
    assert TYPED not in panel.headers.value + panel.path.value
    assert panel.path.value.endswith("?api_token=[secret opaque 32 #2]")


@pytest.mark.parametrize("button", ["replay_button", "start_button"])
def test_what_the_evidence_itself_tried_again_is_not_sent_by_a_click(
    vendor: Vendor, log: CallLog, button: str
) -> None:
    panel = ReplayPanel(
        [replace(GOOD, id="first", status=429), replace(GOOD, id="second")], log=log
    )
    panel.target.value = "live"
    panel.effect.value = LIVE_EFFECT
    {"replay_button": panel.replay_button, "start_button": panel.batch.start_button}[button].click()
    panel.batch.wait()
    assert "the same request as second, which was accepted" in panel.status.value
    assert vendor.requests == []


def test_a_click_that_fails_leaves_no_verdict_of_another_request(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.fix_button.click()
    panel.replay_button.click()
    assert "FIXED" in panel.outcome.value
    panel.headers.value = "nope"
    panel.replay_button.click()
    assert (panel.outcome.value, "Line 1 of the headers is not a header" in panel.status.value) == (
        "",
        True,
    )


def test_what_happened_stands_right_below_the_buttons(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    assert (
        panel.children.index(panel.status)
        == panel.children.index(panel.outcome) - 1
        == panel.children.index(panel.batch) + 1
    )


@pytest.mark.parametrize("path", ["hello", "xms/v1/p/batches", ""])
def test_a_path_without_its_slash_is_refused_and_stays_as_it_was_typed(
    log: CallLog, path: str
) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.path.value = path
    panel.replay_button.click()
    assert "begins with no slash" in panel.status.value
    assert (panel.path.value, len(log)) == (path, 0)


def test_another_answer_comes_with_what_is_wrong_now(log: CallLog) -> None:
    panel = ReplayPanel(
        [
            replace(
                BAD,
                request_body=BODY.replace("+1555", "++1555"),
                code="syntax_invalid_parameter_format",
            )
        ],
        log=log,
    )
    panel.body.value = panel.body.value[:-1]
    panel.replay_button.click()
    assert "CHANGED" in panel.outcome.value
    top = diagnose(present(panel.results[0].child)).top
    assert present(top).rule in panel.outcome.value


def test_what_goes_elsewhere_or_is_of_another_kind_begins_anew(log: CallLog) -> None:
    panel = ReplayPanel([*many(4), NO_URL], log=log)
    meanwhile(panel, panel.batch.stop, after=2)
    panel.batch.start_button.click()
    panel.batch.wait()
    assert panel.batch.start_button.description == GO_ON
    panel.choice.kind.value = "403 missing_callback_url"
    assert (panel.batch.start_button.description, panel.batch.counts.value) == (
        "Replay all of this kind",
        "",
    )


def test_a_preview_is_no_replay(log: CallLog) -> None:
    panel = ReplayPanel([BAD], log=log)
    panel.target.value = "preview"
    panel.replay_button.click()
    assert "PREVIEW" in panel.outcome.value and "INCONCLUSIVE" not in panel.outcome.value
    assert panel.results == []


def test_the_box_says_what_is_to_be_typed(vendor: Vendor, log: CallLog) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    assert panel.effect.placeholder == LIVE_EFFECT
    panel.test_number.value = "+15559990001"
    assert panel.effect.placeholder == f"{LIVE_EFFECT} (the test number)"
    assert (panel.effect.value, panel.batch.start_button.description) == (
        "",
        "Send all of this kind for real",
    )


def test_check_first_says_when_there_is_nothing_to_ask(vendor: Vendor, log: CallLog) -> None:
    panel = ReplayPanel([replace(GOOD, status=400)], log=log)
    panel.target.value = "live"
    panel.check_button.click()
    assert "There was nothing to ask" in panel.status.value
    assert vendor.requests == []
