"""
Test the panels of a case.

Test what they add to it, how they notice that it changed, and the static twin.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from ipywidgets import HTML

from sinchtools.cases.case import Case
from sinchtools.client.log import CallLog
from sinchtools.evidence.exports import to_jsonl
from sinchtools.notebook.panels import (
    ChartsPanel,
    ComparePanel,
    EvidencePanel,
    ReplayPanel,
    ReportPanel,
    TipsPanel,
    base,
)
from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.privacy.aliases import Aliases
from tests.notebook.test_panels import BAD, GOOD, NO_URL
from tests.support.words import DID_NOT_WORK

PANELS = [EvidencePanel, ReplayPanel, ChartsPanel, ComparePanel, TipsPanel, ReportPanel]
each_panel = pytest.mark.parametrize("make", PANELS)


@pytest.fixture
def case(work: Path) -> Case:
    made = Case("samples")
    made.add([BAD, GOOD, NO_URL])
    return made


def is_late(panel: Any) -> Any:
    return panel.check() and panel.stale.layout.display != "none"


@pytest.fixture
def shown() -> Iterator[Any]:
    """What is displayed from now on, newest last."""
    InteractiveShell.instance()
    with capture_output() as captured:
        yield captured


def twins(shown: Any) -> list[Any]:
    return [one.data["text/html"] for one in shown.outputs if one.metadata == ALIASED]


# --- the case keeps what is done ------------------------------------------------------------------


@each_panel
def test_a_panel_names_its_case(case: Case, make: Any) -> None:
    assert "Case samples" in make(case)._head.value


def test_a_replay_goes_into_the_case_and_its_log(case: Case) -> None:
    ReplayPanel(case).replay_button.click()
    assert ([row["verdict"] for row in case.replays], len(case.log)) == (["SAME"], 1)


def test_a_batch_goes_into_the_case(case: Case) -> None:
    panel = ReplayPanel(case)
    panel.choice.kind.value = "every failure"
    panel.batch.start_button.click()
    panel.batch.wait()
    assert {row["parent_id"] for row in case.replays} == {"bad", "no-url"}


def test_a_preview_leaves_nothing_in_the_case(case: Case) -> None:
    panel = ReplayPanel(case)
    panel.target.value = "preview"
    panel.replay_button.click()
    assert case.replays == []


def test_answers_to_tips_go_into_the_case_finished_or_not(case: Case) -> None:
    panel = TipsPanel(case)
    panel.skip_button.click()
    panel.done_button.click()
    panel.choice.value = "no-url"
    panel.skip_button.click()
    assert [(walk["exchange"], bool(walk["ended"])) for walk in case.walks] == [
        ("bad", True),
        ("no-url", False),
    ]


def test_what_is_read_goes_into_the_case(case: Case) -> None:
    panel = EvidencePanel(case)
    panel.paste.value = "HTTP/1.1 401 Unauthorized"
    panel.read_button.click()
    assert len(case.evidence) == 4 and "has 4 requests" in panel.status.value


TOKEN = "c4n4ryS3cr3t" * 2


@pytest.mark.parametrize(
    "text",
    [
        f"curl https://x.example -H 'Authorization: Bearer {TOKEN}'",
        f"Authorization: Bearer {TOKEN}",
    ],
)
def test_a_command_typed_where_a_path_belongs_does_not_stay_there(case: Case, text: str) -> None:
    panel = EvidencePanel(case)
    panel.path.value = text
    panel.read_button.click()
    assert (panel.path.value, EvidencePanel(case).path.value) == ("", "")


def test_a_path_stays_and_is_there_again(case: Case, work: Path) -> None:
    (work / "a.txt").write_text("HTTP/1.1 401 Unauthorized")
    panel = EvidencePanel(case)
    panel.path.value = str(work / "*.txt")
    panel.read_button.click()
    assert EvidencePanel(case).path.value == str(work / "*.txt") and len(case.evidence) == 4


def test_an_export_goes_into_the_case(case: Case) -> None:
    ChartsPanel(case).export_button.click()
    assert {path.suffix for path in case.charts.iterdir()} == {".png", ".svg", ".pdf", ".csv"}


# --- out of date ----------------------------------------------------------------------------------


@each_panel
def test_a_change_by_another_kernel_is_said_and_refresh_ends_it(case: Case, make: Any) -> None:
    panel = make(case)
    assert not is_late(panel)
    Case(case.folder).add(replace(BAD, id="new"))
    assert is_late(panel)
    panel.refresh_button.click()
    assert not is_late(panel) and DID_NOT_WORK not in panel.status.value


@each_panel
def test_a_case_whose_folder_is_gone_is_late_and_a_click_says_why(case: Case, make: Any) -> None:
    panel = make(case)
    shutil.rmtree(case.folder)
    assert is_late(panel)
    panel.refresh_button.click()
    assert is_late(panel) and "is gone" in panel.status.value


@pytest.mark.parametrize(
    ("make", "button"),
    [
        (ReplayPanel, "replay_button"),
        (TipsPanel, "skip_button"),
        (ChartsPanel, "export_button"),
        (ReportPanel, "page_button"),
    ],
)
def test_what_a_panel_does_itself_makes_it_no_older(case: Case, make: Any, button: str) -> None:
    panel = make(case)
    getattr(panel, button).click()
    assert not is_late(panel)


def test_a_panel_is_as_old_as_what_it_shows(case: Case) -> None:
    panel, report = ChartsPanel(case), ReportPanel(case)
    case.note("since Monday")
    assert (is_late(panel), is_late(report)) == (False, True)


def test_reading_in_makes_the_panel_no_older_and_all_others(case: Case) -> None:
    panel, other = EvidencePanel(case), ChartsPanel(case)
    panel.paste.value = "HTTP/1.1 401 Unauthorized"
    panel.read_button.click()
    assert (is_late(panel), is_late(other)) == (False, True)


def test_a_change_in_the_middle_of_a_batch_is_not_taken_for_its_own(case: Case) -> None:
    panel = ReplayPanel(case)
    run = panel.batch._run

    def run_while_it_changes(*given: Any) -> Any:
        Case(case.folder).add(replace(BAD, id="new"))
        return run(*given)

    panel.batch._run = run_while_it_changes
    panel.batch.start_button.click()
    panel.batch.wait()
    assert is_late(panel)


def test_refresh_keeps_what_was_chosen_and_typed(case: Case) -> None:
    panel = ReplayPanel(case)
    panel.choice.value = "no-url"
    panel.body.value = "{}"
    case.add(replace(BAD, id="new"))
    panel.refresh_button.click()
    assert (panel.choice.value, panel.body.value) == ("no-url", "{}")
    assert "400 syntax_invalid_json (2)" in dict(panel.choice.kind.options)


def test_refresh_keeps_filters_and_bar_and_draws_the_new_rows(case: Case) -> None:
    panel = ChartsPanel(case)
    panel.pattern.select(code="missing_callback_url")
    case.add(replace(NO_URL, id="new"))
    panel.refresh_button.click()
    assert (panel.pattern.filters, panel.pattern.n) == ({"code": "missing_callback_url"}, 2)


def test_nothing_out_of_date_is_exported(case: Case) -> None:
    panel = ChartsPanel(case)
    case.add(replace(NO_URL, id="new"))
    panel.export_button.click()
    assert panel.chart.data["n"].sum() == 3 and not is_late(panel)


def test_an_exchange_that_is_gone_is_not_replaced_by_another(case: Case) -> None:
    panel = ReplayPanel(case)
    (case.folder / "evidence.jsonl").write_text(to_jsonl([NO_URL]))
    panel.replay_button.click()
    assert "not there any more" in panel.status.value and len(case.log) == 0


def test_a_panel_of_a_log_notices_what_the_log_gets(tmp_path: Path) -> None:
    with CallLog(tmp_path / "calls.sqlite") as log:
        log.add([BAD])
        panel = ChartsPanel(log, folder=tmp_path)
        log.add([NO_URL])
        assert is_late(panel)
        panel.refresh_button.click()
        assert panel.pattern.n == 2


def test_the_watcher_looks_at_every_panel_until_it_is_closed(case: Case) -> None:
    panel = TipsPanel(case)
    assert panel in base._watched
    panel.close()
    assert panel not in base._watched


def test_a_panel_that_is_made_again_begins_with_the_values_chosen(case: Case) -> None:
    panel = ChartsPanel(case)
    panel.pattern.choose("Timeline")
    panel.pattern.select(code="missing_callback_url")
    again = ChartsPanel(Case(case.folder)).pattern
    assert (again.kind, again.filters, again.n) == ("Timeline", {"code": "missing_callback_url"}, 1)


# --- the twin -------------------------------------------------------------------------------------


@each_panel
def test_beside_the_panel_stands_a_twin_without_people(case: Case, make: Any, shown: Any) -> None:
    panel = make(case)
    panel._ipython_display_()
    live, twin = shown.outputs
    assert "application/vnd.jupyter.widget-view+json" in live.data and "5551230001" not in str(
        live.data
    )
    assert panel._title in twin.data["text/html"] and "Case samples" in twin.data["text/plain"]
    assert "5551230001" not in str(twin.data) and "<script" not in twin.data["text/html"]


def test_the_twin_follows_the_panel_and_is_not_sent_again_unchanged(case: Case, shown: Any) -> None:
    panel = ReplayPanel(case)
    panel._ipython_display_()
    panel.replay_button.click()
    assert ["SAME" in one for one in twins(shown)] == [False, True]
    panel.show_twin()
    assert len(twins(shown)) == 2


def test_the_twin_says_when_it_is_out_of_date(case: Case, shown: Any) -> None:
    panel = ChartsPanel(case)
    panel._ipython_display_()
    case.add(replace(NO_URL, id="new"))
    panel.check()
    assert base.OUT_OF_DATE in twins(shown)[-1]


def test_the_twin_of_a_chart_has_its_picture_with_its_words(case: Case, shown: Any) -> None:
    ChartsPanel(case)._ipython_display_()
    assert '<img alt="Error codes' in twins(shown)[-1]


@pytest.mark.parametrize("code", ["rejected +15551230001", "invalid text: See you at noon, Anna"])
def test_the_twin_of_a_chart_that_names_somebody_is_without_its_picture(
    case: Case, shown: Any, code: str
) -> None:
    case.add(
        replace(
            BAD,
            id="named",
            status=422,
            code=code,
            request_body='{"to": ["+15559870002"], "body": "See you at noon, Anna"}',
        )
    )
    panel = ChartsPanel(case)
    panel._ipython_display_()
    twin = twins(shown)[-1]
    assert "<img" not in twin and "15551230001" not in twin and "Anna" not in twin
    assert "it names people" in twin
    next(tab for tab in panel.pattern.tabs.children if tab.description == "Accounts").click()
    assert '<img alt="Share of calls that fail, by account' in twins(shown)[-1]


def test_what_the_leak_gate_refuses_is_not_in_the_twin(case: Case, shown: Any) -> None:
    panel = TipsPanel(case)
    panel._ipython_display_()
    panel.note.value = "the token is Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607"
    panel.skip_button.click()
    assert "5c1e9a7b" not in twins(shown)[-1] and "Not shown here" in twins(shown)[-1]


def test_the_same_person_has_the_same_alias_in_twin_and_case(case: Case, shown: Any) -> None:
    case.add(replace(BAD, id="quoted", text="refused: +15551230001"))
    panel = ReplayPanel(case)
    panel.choice.value = "quoted"
    panel.replay_button.click()
    panel._ipython_display_()
    assert Aliases(case.key).number("+15551230001") in twins(shown)[-1]


# --- hostile text ---------------------------------------------------------------------------------

EVIL = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg "
    "onload=alert(3)>\x1b[31m\u202egnp\u2066\u200b\x07\x9b"
)


@each_panel
def test_hostile_text_is_shown_and_neither_runs_nor_hides(work: Path, make: Any) -> None:
    evil: dict[str, Any] = dict.fromkeys(
        ("code", "text", "source", "endpoint", "account", "request_body", "response_body"), EVIL
    )
    case = Case("evil")
    case.add(
        [
            replace(BAD, id=f"{EVIL}{i}", status=400 + i, request_headers={"X-Evil": EVIL}, **evil)
            for i in range(3)
        ]
    )
    panel = make(case)
    for name in ("replay_button", "find_button", "skip_button", "answer_button"):
        if hasattr(panel, name):
            getattr(panel, name).click()
    if isinstance(panel, ChartsPanel):
        panel.pattern.list.open_at(0)
    html, words = [panel._static_html(), *html_of(panel)], options_of(panel)
    assert not [
        text for text in html for run in ("<script", "<img src=x", "<svg onload") if run in text
    ]
    assert not [
        ascii(c)
        for text in (*html, *words)
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"
    ]
    assert DID_NOT_WORK not in panel.status.value


def within(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


def html_of(panel: Any) -> list[Any]:
    return [one.value for one in within(panel) if isinstance(one, HTML)]


def options_of(panel: Any) -> list[Any]:
    """
    Return what dropdowns offer, as text alone for the browser.

    What is typed in a box is text too, and stays as it is.
    """
    return [words for one in within(panel) for words, _ in getattr(one, "_options_full", ())]
