"""
The charts panel, without a browser.

Values are set, buttons clicked, and what is shown is read back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sinchtools import analysis, charts
from sinchtools.core import columns
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels import ChartsPanel
from sinchtools.notebook.panels.charts import KINDS

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


@pytest.fixture
def panel(tmp_path):
    panel = ChartsPanel(ROWS, folder=tmp_path / "charts")
    panel.kind.value = "Accounts"  # it shows successes too
    return panel


@pytest.fixture
def drawings(panel, monkeypatch):
    """Each drawing of a chart from now on."""
    drawn = []
    for name, draw in KINDS.items():
        monkeypatch.setitem(
            KINDS,
            name,
            lambda *args, draw=draw, **options: drawn.append(options) or draw(*args, **options),
        )
    return drawn


@pytest.mark.parametrize(
    ("control", "value", "left"),
    [
        pytest.param("outcome", "Errors of the request (4xx)", 20, id="status-class"),
        pytest.param("http", 403, 10, id="status"),
        pytest.param("code", "missing_callback_url", 10, id="code"),
        pytest.param("endpoint", "POST /batches", 30, id="endpoint"),
        pytest.param("account", BAD.account, 30, id="account"),
        pytest.param("since", "2026-11-20T16:00", 6, id="since"),
        pytest.param("until", "2026-11-20T09:00", 3, id="until"),
        pytest.param("text", "delivery_report", 10, id="text"),
    ],
)
def test_a_filter_draws_once_and_says_how_many_are_left(panel, drawings, control, value, left):
    before = panel.picture.value
    getattr(panel, control).value = value
    assert len(drawings) == 1
    assert panel.n == left
    assert f"{left} exchanges are behind the chart" in panel.status.value
    assert (panel.picture.value != before) == (
        control != "endpoint" or "endpoint" in panel.words.value
    )
    assert len(analysis.filtered(columns.frame(ROWS), **panel.filters)) == left


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_chart_is_drawn_with_words_and_its_function(panel, kind):
    panel.kind.value = kind
    assert "That did not work" not in panel.status.value
    assert 'alt="' in panel.picture.value
    assert panel.chart.description.split(":")[0] in panel.words.value
    assert f"st.charts.{KINDS[kind].__name__}(frame, " in panel.words.value


def test_the_line_of_code_under_the_chart_draws_the_same(panel):
    panel.kind.value = "Error codes"
    panel.code.value = "missing_callback_url"
    assert (
        "error_codes(frame, per=&#x27;call&#x27;, code=&#x27;missing_callback_url&#x27;)"
        in panel.words.value
    )
    assert (
        charts.error_codes(columns.frame(ROWS), per="call", code="missing_callback_url").description
        == panel.chart.description
    )


def test_an_answer_that_is_not_known_is_a_filter_too(tmp_path):
    panel = ChartsPanel([*ROWS, replace(BAD, id="pasted", status=None, code=None)], folder=tmp_path)
    panel.outcome.value = "Answer not known"
    assert panel.filters == {"outcome": ""}
    assert (
        "outcome=&#x27;&#x27;" in panel.words.value
        and "1 call with no known answer not counted" in panel.words.value
    )
    assert panel.n == 1 and "1 exchange is without a known answer" in panel.status.value
    panel.clear_button.click()
    assert panel.filters == {}


def test_calls_or_attempts(tmp_path):
    panel = ChartsPanel(
        [replace(BAD, id=str(i), call_id="c", attempt=i) for i in (1, 2, 3)], folder=tmp_path
    )
    assert panel.n == 1
    panel.per.value = "attempt"
    assert panel.n == 3


def test_clear_shows_everything_again_with_one_drawing(panel, drawings):
    panel.outcome.value, panel.text.value, panel.since.value = (
        "Successes (2xx)",
        "zebra",
        "2026-11-20",
    )
    assert panel.n == 0
    drawings.clear()
    panel.clear_button.click()
    assert (panel.n, panel.filters, len(drawings)) == (30, {}, 1)


def test_export_writes_pictures_and_data(panel, tmp_path):
    panel.export_button.click()
    assert {path.suffix for path in (tmp_path / "charts").iterdir()} == {
        ".png",
        ".svg",
        ".pdf",
        ".csv",
    }


def test_nothing_is_exported_when_nothing_fits(panel, tmp_path):
    panel.text.value = "zebra"
    panel.export_button.click()
    assert "nothing behind this chart" in panel.status.value
    assert not (tmp_path / "charts").exists()


def test_behind_a_bar_are_its_exchanges(panel):
    panel.kind.value = "Error codes"
    panel.bar.value = "403 missing_callback_url"
    assert "1 to 10 of 10" in panel.table.value
    assert "403 missing_callback_url" in panel.status.value
    assert "syntax_invalid_json" not in panel.table.value


def test_a_row_shows_its_diagnosis_its_request_and_its_answer(panel):
    panel.kind.value = "Error codes"
    panel.bar.value = "403 missing_callback_url"
    panel.one.index = 1
    assert panel.exchange == replace(NO_URL, id="no-url-0")
    assert "callback" in panel.detail.value
    assert "delivery_report&quot;: &quot;full&quot;" in panel.detail.value
    assert "<h4>Answer</h4><pre>403" in panel.detail.value


def test_the_rows_behind_a_chart_are_paged_in_the_order_of_time(panel):
    first = panel.table.value
    assert [
        panel.older.click() for _ in range(5)
    ] and "21 to 30 of 30" in panel.table.value  # the last page stays
    assert "Page 3 of 3" in panel.status.value
    assert [panel.newer.click() for _ in range(5)] and panel.table.value == first
    assert first.index("bad-0") < first.index("good-0") < first.index("bad-1")


def test_what_stands_out_is_said_in_tables_until_the_filter_changes(panel):
    panel.find_button.click()
    assert "Spikes: nothing stands out" in panel.findings.value.replace("<wbr>", "")
    assert "body delivery_report" in panel.findings.value.replace("<wbr>", "")
    assert "403 missing_callback_url, POST /batches" in panel.findings.value.replace("<wbr>", "")
    panel.http.value = 403
    assert panel.findings.value == ""


@pytest.mark.parametrize("field", ["since", "until"])
def test_a_wrong_time_is_named(panel, field):
    getattr(panel, field).value = "yesterday"
    assert "yesterday" in panel.status.value


@pytest.mark.parametrize(
    "make",
    [
        columns.frame,
        analysis.in_memory,
        iter,
        lambda rows: columns.frame(rows)[["at", "status", "code", "outcome"]],
    ],
    ids=["frame", "relation", "exchanges", "slim frame"],
)
def test_the_panel_takes_every_kind_of_rows(make, tmp_path):
    panel = ChartsPanel(make([*ROWS, SILENT]), folder=tmp_path)
    for kind in list(KINDS)[:-1]:
        panel.kind.value = kind
        assert "That did not work" not in panel.status.value
        counted = 0 if kind == "Latency" and "elapsed_ms" not in panel._all.columns else 31
        assert f": {counted} " in panel.chart.title
        assert panel.n == (
            21 if kind in ("Error codes", "Timeline", "Hour by weekday") else counted
        )  # these show failures
    panel.kind.value = "Error codes"
    panel.one.index = 1
    assert "400" in panel.detail.value


def test_no_evidence_is_an_honest_empty_panel(tmp_path):
    panel = ChartsPanel([], folder=tmp_path)
    for kind in KINDS:
        panel.kind.value = kind
        assert "That did not work" not in panel.status.value
    assert "0 exchanges are behind the chart" in panel.status.value


def test_a_log_without_bodies_is_judged_by_its_answer(tmp_path):
    panel = ChartsPanel(
        columns.frame(ROWS).drop(columns=["request_headers", "request_body"]), folder=tmp_path
    )
    panel.one.index = 1
    assert "has no headers and bodies" in panel.detail.value


def test_what_a_chart_lacks_is_named(tmp_path):
    panel = ChartsPanel(columns.frame(ROWS).drop(columns="response_body"), folder=tmp_path)
    panel.kind.value = "Delivery codes"
    assert "no column &#x27;response_body&#x27;" in panel.status.value
