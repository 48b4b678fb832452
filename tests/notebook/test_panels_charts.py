"""
The charts panel, without a browser.

Marks are touched, chips removed, rows opened, and what is shown is read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sinchtools import analysis, charts
from sinchtools.cases import Case
from sinchtools.core import columns
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels import ChartsPanel
from sinchtools.notebook.panels.pattern_chart import KINDS, PatternChart
from tests.support.words import DID_NOT_WORK

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
BAD = Exchange(
    id="bad",
    at=AT,
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4/batches",
    endpoint="POST /batches",
    account="8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4",
    request_headers={"Content-Type": "application/json"},
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi",}',
    status=400,
    code="syntax_invalid_json",
    elapsed_ms=40.0,
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
ROWS = [
    replace(one, id=f"{one.id}-{i}", at=AT + timedelta(hours=i))
    for i in range(10)
    for one in (BAD, GOOD, NO_URL)
]
SILENT = replace(
    BAD,
    id="silent",
    status=None,
    code=None,
    failure="ReadTimeout",
    account=None,
    at=AT + timedelta(days=1),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ChartsPanel:
    return ChartsPanel(ROWS, folder=tmp_path_factory.mktemp("charts") / "charts")


@pytest.fixture
def panel(shared: Any) -> Any:
    """The panel as it was at first: all tests look at one, which is made once."""
    shared.pattern.filters = {}
    shared.count.index = 0
    shared.pattern.choose("Accounts")  # it shows successes too
    return shared


@pytest.fixture
def page(panel: Any) -> Iterator[Any]:
    """A page of 700 pixels that shows the chart, and what it was sent."""
    sent: list[object] = []
    panel.pattern.picture.send = sent.append
    hear(panel.pattern.picture, "width", width=700)
    yield sent
    del panel.pattern.picture.send
    panel.pattern.picture.width = 0


def hear(widget: Any, event: Any, **more: Any) -> None:
    widget._handle_custom_msg({"event": event, "serial": widget._serial, **more}, [])


def chips(pattern: Any) -> list[Any]:
    return [one.description for one in pattern.chips.children if getattr(one, "is_chip", False)]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        pytest.param({"outcome": "user_error"}, 20, id="status-class"),
        pytest.param({"status": 403}, 10, id="status"),
        pytest.param({"code": "missing_callback_url"}, 10, id="code"),
        pytest.param({"endpoint": "POST /batches"}, 30, id="endpoint"),
        pytest.param({"account": BAD.account}, 30, id="account"),
        pytest.param({"since": "2026-11-20T16:00"}, 6, id="since"),
        pytest.param({"until": "2026-11-20T09:00"}, 3, id="until"),
        pytest.param({"text": "delivery_report"}, 10, id="text"),
        pytest.param({"hour": "Friday 09:00"}, 3, id="hour"),
    ],
)
def test_a_filter_is_a_chip_and_says_how_many_are_left(panel: Any, filters: Any, left: int) -> None:
    panel.pattern.select(**filters)
    assert panel.pattern.n == left
    assert f"{left} requests are behind the chart" in panel.status.value
    assert len(chips(panel.pattern)) == 1
    next(one for one in panel.pattern.chips.children if getattr(one, "is_chip", False)).click()
    assert (panel.pattern.n, panel.pattern.filters) == (30, {})


def test_every_kind_of_chart_is_drawn_with_words_and_its_function(panel: Any, page: Any) -> None:
    for kind in charts.KINDS:
        panel.pattern.choose(kind.tab)
        assert DID_NOT_WORK not in panel.status.value + panel.pattern.words.value
        assert "<svg" in page[-1]["html"] and panel.chart.title in page[-1]["html"]
        assert f"st.charts.{kind.name}(frame" in panel.pattern.words.value


def test_the_line_of_code_under_the_chart_draws_the_same(panel: Any) -> None:
    panel.pattern.choose("Error codes")
    panel.pattern.select(until="2026-11-20T12:00")
    assert panel.pattern.code == "st.charts.error_codes(frame, until='2026-11-20T12:00')"
    same = charts.error_codes(columns.frame(ROWS), until="2026-11-20T12:00")
    assert same.description == panel.chart.description


# --- touched --------------------------------------------------------------------------------------


def test_a_click_on_a_bar_filters_and_a_second_takes_it_away(panel: Any, page: Any) -> None:
    panel.pattern.choose("Error codes")
    at = [mark.name for mark in panel.chart.at(700).marks].index("403 missing_callback_url")
    hear(panel.pattern.picture, "mark", index=at)
    assert panel.pattern.filters == {"status": 403, "code": "missing_callback_url"}
    assert chips(panel.pattern) == ["Code: 403 missing_callback_url  ×"]
    assert (panel.pattern.n, panel.chart.data["n"].sum()) == (10, 20)
    hear(panel.pattern.picture, "mark", index=at)
    assert panel.pattern.filters == {} and panel.pattern.n == 20


def test_a_brush_over_time_filters(panel: Any, page: Any) -> None:
    panel.pattern.choose("Timeline")
    start = datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()
    hear(panel.pattern.picture, "brush", **{"from": start, "to": start + 7200})
    assert chips(panel.pattern) == ["Time: Fri 20 Nov 2026 10:00 to 12:00 UTC  ×"]
    assert panel.pattern.n == 4
    hear(panel.pattern.picture, "escape")
    assert panel.pattern.filters == {}


def test_what_was_touched_in_an_older_picture_is_not_heard(panel: Any, page: Any) -> None:
    panel.pattern.choose("Error codes")
    old = panel.pattern.picture._serial
    panel.pattern.choose("Accounts")
    panel.pattern.picture._handle_custom_msg({"event": "mark", "serial": old, "index": 0}, [])
    assert panel.pattern.filters == {}


def test_behind_the_bar_of_all_others_are_theirs() -> None:
    rows = [replace(BAD, id=f"{i}", code=f"code_{i}") for i in range(25)]
    pattern = PatternChart(rows)
    pattern.choose("Error codes")
    pattern.touch("other (5 codes)")
    assert pattern.n == 5 and chips(pattern) == ["Only: other (5 codes)  ×"]


def test_a_filter_is_added_by_hand(panel: Any) -> None:
    pattern = panel.pattern
    pattern.add_button.click()
    pattern.field.value = "code"
    assert "missing_callback_url" in pattern.value.options
    pattern.value.value = "missing_callback_url"
    pattern.set_button.click()
    assert pattern.filters == {"code": "missing_callback_url"} and pattern.n == 10


def test_a_wrong_time_is_named_and_changes_nothing(panel: Any) -> None:
    panel.pattern.field.value, panel.pattern.value.value = "since", "yesterday"
    panel.pattern.set_button.click()
    assert "yesterday" in panel.status.value and panel.pattern.filters == {}


def test_calls_or_attempts(tmp_path: Path) -> None:
    panel = ChartsPanel(
        [replace(BAD, id=str(i), call_id="c", attempt=i) for i in (1, 2, 3)], folder=tmp_path
    )
    assert panel.pattern.n == 1
    panel.count.value = "attempts"
    assert panel.pattern.n == 3


def test_who_embeds_the_chart_is_told_of_filters_and_of_what_is_opened() -> None:
    told: list[object] = []
    opened: list[object] = []
    pattern = PatternChart(ROWS, on_filter=told.append, on_open=opened.append)
    pattern.select(status=403)
    pattern.list.open_at(0)
    assert told == [{"status": 403}]
    assert opened[-1] == pattern.exchange == replace(NO_URL, id="no-url-0")


# --- kept -----------------------------------------------------------------------------------------


def test_filters_are_kept_in_the_case_for_the_next_kernel_and_notebook(tmp_path: Path) -> None:
    case = Case(tmp_path / "case-1", ROWS)
    version = case.version
    pattern = PatternChart(case)
    pattern.choose("Accounts")
    pattern.select(status=403, text="Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607")
    again = PatternChart(Case(case.folder))
    assert (again.kind, again.filters["status"]) == ("Accounts", 403)
    assert "5c1e9a7b" not in (case.folder / "filters.json").read_text()
    assert case.version == version and (case.folder / "filters.json").stat().st_mode & 0o077 == 0


def test_nothing_of_the_chart_or_the_requests_is_in_the_state_of_a_widget(
    panel: Any, page: Any
) -> None:
    panel.pattern.choose("Error codes")
    hear(panel.pattern.list.table, "width", width=700)
    assert "<svg" in page[-1]["html"]
    for widget in (panel.pattern.picture, panel.pattern.list.table):
        state = json.dumps({k: str(v) for k, v in widget.get_state().items()})
        assert "<svg" not in state and "missing_callback_url" not in state
        assert "5551230001" not in state and "8f2d4c6b" not in state


# --- the requests ---------------------------------------------------------------------------------


def test_a_row_shows_its_diagnosis_its_request_and_its_response(panel: Any) -> None:
    panel.pattern.choose("Error codes")
    panel.pattern.touch("403 missing_callback_url")
    hear(panel.pattern.list.table, "row", index=0)
    assert panel.exchange == replace(NO_URL, id="no-url-0")
    assert "callback" in panel.detail.value
    assert '"delivery_report": "full"' in unescape(panel.detail.value)
    assert "<h4>Response</h4>\n<pre>403" in panel.detail.value
    assert panel.replay_row.layout.display == "flex"


def test_the_rows_are_paged_in_the_order_of_time(panel: Any) -> None:
    requests = panel.pattern.list
    first = [x.id for x in requests.page]
    assert first[:4] == ["bad-0", "good-0", "no-url-0", "bad-1"]
    for _ in range(5):
        requests.next.click()
    assert "21 to 30 of 30" in requests.counted.value and requests.next.disabled
    for _ in range(5):
        requests.previous.click()
    assert [x.id for x in requests.page] == first


def test_what_stands_out_is_said_in_tables_until_the_filter_changes(panel: Any) -> None:
    panel.find_button.click()
    found = panel.findings.value.replace("<wbr>", "")
    assert "Changes: nothing stands out" in found and "sender kind" in found
    assert "403 missing_callback_url, POST /batches" in found
    panel.pattern.select(status=403)
    assert panel.findings.value == ""


def test_export_writes_pictures_and_data_unless_nothing_fits(panel: Any) -> None:
    panel.pattern.select(text="zebra")
    panel.export_button.click()
    assert "nothing behind this chart" in panel.status.value and not panel._folder.exists()
    panel.pattern.clear()
    panel.export_button.click()
    assert {path.suffix for path in panel._folder.iterdir()} == {".png", ".svg", ".pdf", ".csv"}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(columns.frame, id="frame", marks=pytest.mark.long),
        pytest.param(analysis.in_memory, id="relation", marks=pytest.mark.long),
        pytest.param(iter, id="exchanges", marks=pytest.mark.long),
        pytest.param(
            lambda rows: columns.frame(rows)[["at", "status", "code", "outcome"]], id="slim frame"
        ),
    ],
)
def test_the_panel_takes_every_kind_of_rows(make: Any, tmp_path: Path) -> None:
    panel = ChartsPanel(make([*ROWS, SILENT]), folder=tmp_path)
    for name in KINDS.keys() - {"Delivery codes"}:  # those are of reports
        panel.pattern.choose(name)
        assert DID_NOT_WORK not in panel.status.value
        assert panel.pattern.n == (21 if KINDS[name].counts_failures else 31)
    panel.pattern.choose("Timeline")
    panel.pattern.list.open_at(0)
    assert "400" in panel.detail.value


def test_no_evidence_is_an_honest_empty_panel(tmp_path: Path) -> None:
    panel = ChartsPanel([], folder=tmp_path)
    for kind in KINDS:
        panel.pattern.choose(kind)
        assert DID_NOT_WORK not in panel.status.value
    assert "0 requests are behind the chart" in panel.status.value


def test_a_log_without_bodies_is_judged_by_its_response(tmp_path: Path) -> None:
    panel = ChartsPanel(
        columns.frame(ROWS).drop(columns=["request_headers", "request_body"]), folder=tmp_path
    )
    panel.pattern.list.open_at(0)
    assert "has no headers and bodies" in panel.detail.value
