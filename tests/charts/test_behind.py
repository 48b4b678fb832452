"""Behind each bar are the rows that it counts, on each engine; a filter says the same."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sinchtools import analysis, charts
from sinchtools.charts.chart import Chart
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from tests.charts.shapes import (
    GOOD,
    START,
    Draw,
    drawn,
    each_chart,
    each_kind_of_frame,
    ids_behind,
    ten_days,
)

# what the bars of each chart say that they count, in the order of chart.bars
DRAWN: dict[str, Callable[[Chart], list[int]]] = {
    "error_codes": lambda chart: chart.data["n"].tolist(),
    "heatmap": lambda chart: sorted((n for n in chart.data["n_failing"] if n), reverse=True),
    "endpoints": lambda chart: sorted(
        (n for n in chart.data.drop(columns="endpoint").to_numpy().ravel() if n), reverse=True
    ),
    "accounts": lambda chart: [*chart.data["n"], *chart.data["n_failing"]],
    "latency": lambda chart: chart.data["n"].tolist(),
    "timeline": lambda chart: [
        *(len(chart.behind(bar)) for bar in chart.bars if "since" in bar or ", " in bar),
        *chart.data.groupby(["status", "code"], dropna=False, sort=False)["n"].sum(),
        *(n for n in chart.data.groupby("start")["n"].sum() if n),
    ],
}
RETRIED = [
    *ten_days(),
    *(
        replace(
            GOOD,
            id=f"r{i}",
            call_id=f"c{i // 3}",
            attempt=i % 3,
            at=START + dt.timedelta(hours=i),
            status=429,
            account=None,
        )
        for i in range(30)
    ),
    replace(GOOD, id="undated", at=None, status=500, endpoint=None),
    *(
        replace(
            GOOD,
            id=f"many{i}",
            status=400,
            code=f"code_{i}",
            endpoint=f"GET /e{i}",
            account=f"p{i}",
        )
        for i in range(25)
    ),
]


@each_kind_of_frame
@pytest.mark.parametrize("name", DRAWN)
def test_behind_each_bar_are_as_many_exchanges_as_it_counts(name: str, make: Any) -> None:
    chart = getattr(charts, name)(make(RETRIED))
    bars = list(chart.bars)[:40]
    assert [len(chart.behind(bar)) for bar in bars] == DRAWN[name](chart)[: len(bars)]
    assert len(bars) >= 6


@pytest.mark.parametrize(
    "draw",
    [charts.error_codes, charts.timeline, charts.endpoints, charts.latency],
    ids=lambda draw: draw.__name__,
)
def test_a_code_like_the_phrase_of_its_status_has_a_bar_of_its_own(draw: Draw) -> None:
    chart = draw(
        [
            replace(GOOD, id="with", status=403, code="Forbidden"),
            *(replace(GOOD, id=f"without{i}", status=403) for i in (1, 2)),
        ]
    )
    found = {bar: chart.behind(bar)["id"].tolist() for bar in chart.bars if "Forbidden" in bar}
    assert sorted(found.values()) == [["with"], ["without1", "without2"]]


def test_behind_a_delivery_code_are_the_reports_that_name_it() -> None:
    chart = drawn(charts.delivery_codes)
    assert {bar: chart.behind(bar)["id"].tolist() for bar in chart.bars} == {
        "0 Delivered": ["d"],
        "402 Aborted": ["d"],
    }


def of_recipient(number: Any, report: Any) -> Exchange:
    body = json.dumps({"batch_id": "b", "recipient": f"+1555123000{number}", **report})
    return replace(
        GOOD,
        id=str(number),
        endpoint="GET /batches/{batch_id}/delivery_report/{recipient_msisdn}",
        status=200,
        response_body=body,
    )


REPORTED = [
    of_recipient(1, {"code": 400, "status": "Queued"}),
    of_recipient(2, {"status": "Dispatched", "at": "2024-06-01", "code": 400}),
    of_recipient(3, {"code": 4000, "status": "Queued"}),
    of_recipient(4, {"code": 402, "status": "Not (yet) [here] 1+1.^$?*|\\\\ {x}"}),
    of_recipient(5, {"code": 404}),
    of_recipient(6, {}),
    replace(
        GOOD,
        id="error",
        endpoint="GET /batches/{batch_id}/delivery_report",
        status=404,
        response_body='{"code": 400, "status": "Queued"}',
    ),
    replace(GOOD, id="other", response_body='{"recipient": "x", "code": 400, "status": "Queued"}'),
]


@each_kind_of_frame
def test_a_bar_of_delivery_codes_tells_the_status_of_a_code_too(make: Any) -> None:
    chart = charts.delivery_codes(make(REPORTED))
    assert sorted(ids_behind(chart, bar) for bar in chart.bars) == [
        ["1"],
        ["2"],
        ["3"],
        ["4"],
        ["5"],
        ["6"],
    ]
    assert (
        ids_behind(chart, "400 Dispatched") == ["2"]
        and ids_behind(chart, "404") == ["5"]
        and ids_behind(chart, "no code") == ["6"]
    )
    assert ids_behind(chart, None) == ["1", "2", "3", "4", "5", "6"]


@each_kind_of_frame
def test_behind_the_bar_of_other_delivery_codes_are_theirs(make: Any) -> None:
    chart = charts.delivery_codes(
        make([*REPORTED, of_recipient(7, {"code": 400, "status": "Queued"})]), top=1
    )
    assert {bar: ids_behind(chart, bar) for bar in chart.bars} == {
        "400 Queued": ["1", "7"],
        "other (5 codes)": ["2", "3", "4", "5", "6"],
    }


@each_kind_of_frame
@pytest.mark.parametrize(
    ("draw", "without"),
    [
        pytest.param(charts.latency, {"elapsed_ms": None}, id="latency"),
        pytest.param(charts.timeline, {"at": None}, id="timeline"),
        pytest.param(charts.heatmap, {"at": None}, id="heatmap"),
        pytest.param(charts.delivery_codes, {"endpoint": "POST /batches"}, id="delivery_codes"),
    ],
)
def test_behind_the_whole_chart_is_what_it_counts_and_no_more(
    draw: Draw, without: Any, make: Any
) -> None:
    counted = replace(REPORTED[0], id="counted", status=500)
    chart = draw(make([counted, *(replace(counted, id=str(i), **without) for i in (1, 2))]))
    assert ids_behind(chart, None) == ["counted"]
    assert ids_behind(draw(make([replace(counted, **without)])), None) == []


@each_chart
def test_a_bar_that_is_not_there_is_named(draw: Draw) -> None:
    with pytest.raises(WrongUseError, match="no bar '7 zebras'"):
        drawn(draw).behind("7 zebras")
    assert len(drawn(draw, "none").behind()) == 0


@each_chart
def test_a_filter_finds_the_rows_of_the_bar_that_says_it(draw: Draw) -> None:
    chart = drawn(draw)
    rows = drawn(charts.accounts)._rows
    for bar in list(chart.choices)[:6]:
        found = set(analysis.filtered(rows, **chart.choices[bar])["id"])
        assert set(chart.behind(bar)["id"]) <= found, bar
        assert bar in chart.bars


def test_a_message_that_was_not_delivered_is_behind_its_delivery_code() -> None:
    lost = replace(GOOD, id="lost", delivery="412 Failed")
    chart = charts.error_codes([lost, replace(GOOD, id="fine"), replace(GOOD, id="x", status=500)])
    (bar,) = [name for name in chart.bars if "412" in name]
    assert ids_behind(chart, bar) == ["lost"]
    assert ids_behind(chart, None) == ["lost", "x"]
    assert chart.choices[bar] == {"outcome": "not_delivered", "code": "delivery code 412"}


@each_chart
def test_marks_lie_within_the_chart_and_name_its_bars(draw: Draw) -> None:
    chart = drawn(draw).at(700)
    assert chart.marks
    for mark in chart.marks:
        x, y, width, height = mark.box
        assert x >= 0 and x + width <= 701 and y >= 0 and y + height <= chart.pixels[1] + 1
        assert mark.name in chart.bars or (not mark.name and (mark.span or draw is charts.heatmap))
