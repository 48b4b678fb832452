"""
The charts' numbers are read back from their artists.

What is written to disk is read back from the files.
"""

import csv
import datetime as dt
import html
import json
import os
import random
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Text

from sinchtools import analysis, charts
from sinchtools.charts import style
from sinchtools.core import columns
from sinchtools.core.errors import LeakError, WrongUseError
from sinchtools.core.records import Exchange

START = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
GOOD = Exchange(
    id="a",
    at=START,
    source="case.har#1",
    endpoint="POST /batches",
    account="plan-a",
    region="us",
    status=201,
    elapsed_ms=80.0,
)
REPORT = (
    '{"batch_id": "b", "statuses": [{"code": 0, "status": "Delivered", "count": 3}, '
    '{"code": 402, "status": "Aborted", "count": 1}]}'
)
each_kind_of_frame = pytest.mark.parametrize(
    "make",
    [columns.frame, lambda rows: analysis.in_memory(columns.frame(rows))],
    ids=["pandas", "duckdb"],
)
each_chart = pytest.mark.parametrize("draw", charts.ALL, ids=lambda draw: draw.__name__)


def ten_days(n=400):
    rng = random.Random(1)
    answers = [
        (201, None),
        (403, "missing_callback_url"),
        (400, "syntax_invalid_parameter_format"),
        (429, None),
        (500, None),
        (None, None),
    ]
    rows = []
    for i in range(n):
        status, code = rng.choices(answers, [70, 10, 8, 6, 3, 3])[0]
        at = START + dt.timedelta(hours=rng.uniform(0, 240))
        change = {
            "account": rng.choice(["plan-a", "plan-b"]),
            "elapsed_ms": rng.uniform(20, 900),
            "failure": None if status else "ReadTimeout",
        }
        rows.append(replace(GOOD, id=f"x{i}", at=at, status=status, code=code, **change))
    rows += [
        replace(GOOD, id=f"s{i}", at=START + dt.timedelta(hours=100, minutes=i), status=429)
        for i in range(60)
    ]
    return [
        *rows,
        replace(
            GOOD,
            id="d",
            endpoint="GET /batches/{batch_id}/delivery_report",
            status=200,
            response_body=REPORT,
        ),
    ]


HOSTILE = [
    replace(
        GOOD,
        status=403,
        code="<script>alert('x')</script>",
        endpoint="POST /$\\frac{x$\n<b>",
        account="=cmd|' /C calc'!A0",
    ),
    replace(GOOD, status=500, code="$x^{$" + "y" * 5000, account="\x1b[31m\u202e plan"),
    replace(GOOD, status=-1, code="日本語🙂", account=None, at=None),
    replace(
        GOOD,
        status=999,
        code="",
        source="&<>\"'.har#1",
        response_body='{"statuses": [{"code": "x", "status": "<b>"}, {"count": "many"}, 7]}',
    ),
]
SHAPES = {
    "ten days": ten_days(),
    "one row": [replace(GOOD, status=500)],
    "hostile": HOSTILE,
    "no time": [replace(GOOD, at=None, status=401)] * 3,
    "none": [],
    "30 codes": [
        replace(GOOD, status=400, code=f"quite_a_long_code_name_number_{i % 30}") for i in range(90)
    ],
    "a hundred long codes": [
        replace(
            GOOD, status=400, code=f"a_code_with_a_long_name_of_many_words_{i % 100}_{'x' * 40}"
        )
        for i in range(300)
    ],
    "3,000 codes": [
        replace(GOOD, status=400, code=f"c{i}", endpoint=f"POST /e{i}", account=f"p{i}")
        for i in range(3000)
    ],
}


def texts(chart):
    undrawn = {
        tick.label1
        for ax in chart.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis.get_major_ticks()
        if not is_in_view(tick, axis)
    }
    return [
        text
        for text in chart.findobj(Text)
        if text.get_visible() and text.get_text() and text not in undrawn
    ]


def is_in_view(tick, axis):
    return axis.get_visible() and min(axis.get_view_interval()) <= tick.get_loc() <= max(
        axis.get_view_interval()
    )


def words(chart):
    return re.sub(r"\s+", " ", " ".join(text.get_text() for text in texts(chart)))


def widths(chart):
    return [bar.get_width() for bar in chart.axes[0].patches if isinstance(bar, Rectangle)]


def ids_behind(chart, bar):
    found = chart.behind(bar)
    return (
        sorted(found["id"])
        if hasattr(found, "iloc")
        else sorted(one for (one,) in found.project("id").fetchall())
    )


# --- numbers --------------------------------------------------------------------------------------


def test_bars_are_as_long_as_the_counts_and_labelled_with_count_and_share():
    rows = (
        [GOOD] * 5
        + [replace(GOOD, status=403, code="unknown_group")] * 3
        + [replace(GOOD, status=401)] * 2
    )
    chart = charts.error_codes(rows)
    assert widths(chart) == [3, 2]
    assert [tick.get_text() for tick in chart.axes[0].get_yticklabels()] == [
        "403 unknown_group",
        "401 Unauthorized",
    ]
    assert [text.get_text() for text in chart.axes[0].texts] == ["3 (30.0 %)", "2 (20.0 %)"]
    assert widths(charts.error_codes(rows, successes=True)) == [5, 3, 2]


def test_the_timeline_stacks_the_counts_of_each_interval():
    chart = charts.timeline(SHAPES["ten days"], "6h")
    stairs = [patch for patch in chart.axes[0].patches if isinstance(patch, StepPatch)]
    drawn = [(step.get_data().values - step.get_data().baseline).sum() for step in stairs]
    assert (
        drawn
        == chart.data.groupby(["status", "code"], dropna=False, sort=False)["n"].sum().tolist()
    )
    assert stairs[-1].get_data().values.tolist() == chart.data.groupby("start")["n"].sum().tolist()


def test_a_spike_is_marked_and_listed():
    chart = charts.timeline(SHAPES["ten days"])
    assert "1" in [text.get_text() for text in chart.axes[0].texts]
    assert "Spike 1: 429 Too Many Requests" in words(chart)
    assert "Spike 1: 429 Too Many Requests" in chart.description


def test_a_code_with_a_spike_has_a_place_of_its_own_though_others_are_more():
    often = [
        replace(GOOD, id=f"{i}-{k}", status=400, code=f"code_{k}", at=START + dt.timedelta(hours=i))
        for i in range(240)
        for k in range(9)
    ]
    rush = [
        replace(GOOD, id=f"r{i}", status=429, at=START + dt.timedelta(hours=100, seconds=i))
        for i in range(80)
    ]
    chart = charts.timeline([*often, *rush])
    stairs = [patch for patch in chart.axes[0].patches if isinstance(patch, StepPatch)]
    assert [step.get_label() for step in stairs][-2:] == [
        "429 Too Many Requests: 80",
        "other (3 codes): 720",
    ]


def test_the_heat_map_tells_no_call_from_no_failure():
    rows = [
        GOOD,
        replace(GOOD, at=START + dt.timedelta(hours=1), status=500),
        replace(GOOD, at=START + dt.timedelta(hours=1)),
    ]
    shown = [text.get_text() for text in charts.heatmap(rows).axes[0].texts]
    assert len(shown) == 168
    assert shown[5 * 24 : 5 * 24 + 3] == ["0", "1", "·"]  # 2024-06-01 was a Saturday


def test_the_matrix_has_the_count_of_each_endpoint_and_code():
    rows = [GOOD] * 3 + [replace(GOOD, endpoint="GET /batches", status=404)] * 2
    assert [text.get_text() for text in charts.endpoints(rows).axes[0].texts] == ["3", "", "", "2"]


def test_the_bars_of_an_account_are_its_failing_and_other_calls():
    rows = [GOOD] * 3 + [replace(GOOD, status=500)] + [replace(GOOD, account="plan-b")] * 2
    assert widths(charts.accounts(rows)) == [1, 0, 3, 2]


def test_latency_shows_the_quantiles():
    rows = [replace(GOOD, elapsed_ms=float(i)) for i in range(101)]
    chart = charts.latency(rows)
    assert [points.get_offsets()[0, 0] for points in chart.axes[0].collections[1:]] == [
        50.0,
        90.0,
        99.0,
    ]
    assert "50 / 90 / 99 ms, n 101" in words(chart)


def test_delivery_codes_count_recipients():
    chart = charts.delivery_codes(
        [replace(GOOD, endpoint="GET /batches/{batch_id}/delivery_report", response_body=REPORT)]
    )
    assert widths(chart) == [3, 1]
    assert "4 recipients" in chart.title


def test_thousands_of_categories_are_folded_and_counted():
    rows = [replace(GOOD, status=400, code=f"c{i}") for i in range(3000)]
    chart = charts.error_codes(rows)
    assert widths(chart) == [1] * 20 + [2980]
    assert "other (2,980 codes)" in words(chart)


@each_chart
def test_every_chart_has_a_picture_in_the_docs(draw):
    name = draw.__name__.replace("_", "-")
    docs = Path(__file__).parents[2] / "docs"
    assert f"(charts/{name}.png)" in (docs / "charts.md").read_text(encoding="utf-8")
    assert 1000 < (docs / "charts" / f"{name}.png").stat().st_size < 60_000


# --- behind the bars ------------------------------------------------------------------------------

DRAWN = {  # what the bars of each chart say that they count, in the order of chart.bars
    "error_codes": lambda chart: chart.data["n"].tolist(),
    "heatmap": lambda chart: sorted((n for n in chart.data["n_failing"] if n), reverse=True),
    "endpoints": lambda chart: sorted(
        (n for n in chart.data.drop(columns="endpoint").to_numpy().ravel() if n), reverse=True
    ),
    "accounts": lambda chart: [*chart.data["n_failing"], *chart.data["n"]],
    "latency": lambda chart: chart.data["n"].tolist(),
    "timeline": lambda chart: [
        *(
            int(n.replace(",", ""))
            for line in words(chart).split("Spike ")[1:]
            for n in re.findall(r": .*, ([\d,]+) where", line)
        ),
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
def test_behind_each_bar_are_as_many_exchanges_as_it_counts(name, make):
    chart = getattr(charts, name)(make(RETRIED))
    bars = list(chart.bars)[:40]
    assert [len(chart.behind(bar)) for bar in bars] == DRAWN[name](chart)[: len(bars)]
    assert len(bars) >= 6


@pytest.mark.parametrize(
    "draw",
    [charts.error_codes, charts.timeline, charts.endpoints, charts.latency],
    ids=lambda draw: draw.__name__,
)
def test_a_code_like_the_phrase_of_its_status_has_a_bar_of_its_own(draw):
    chart = draw(
        [
            replace(GOOD, id="with", status=403, code="Forbidden"),
            *(replace(GOOD, id=f"without{i}", status=403) for i in (1, 2)),
        ]
    )
    found = {bar: chart.behind(bar)["id"].tolist() for bar in chart.bars if "Forbidden" in bar}
    assert sorted(found.values()) == [["with"], ["without1", "without2"]]


def test_behind_a_delivery_code_are_the_reports_that_name_it():
    chart = charts.delivery_codes(SHAPES["ten days"])
    assert {bar: chart.behind(bar)["id"].tolist() for bar in chart.bars} == {
        "0 Delivered": ["d"],
        "402 Aborted": ["d"],
    }


def of_recipient(number, report):
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
def test_a_bar_of_delivery_codes_tells_the_status_of_a_code_too(make):
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
def test_behind_the_bar_of_other_delivery_codes_are_theirs(make):
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
def test_behind_the_whole_chart_is_what_it_counts_and_no_more(draw, without, make):
    counted = replace(REPORTED[0], id="counted", status=500)
    chart = draw(make([counted, *(replace(counted, id=str(i), **without) for i in (1, 2))]))
    assert ids_behind(chart, None) == ["counted"]
    assert ids_behind(draw(make([replace(counted, **without)])), None) == []


@each_chart
def test_a_bar_that_is_not_there_is_named(draw):
    with pytest.raises(WrongUseError, match="no bar '7 zebras'"):
        draw(SHAPES["ten days"]).behind("7 zebras")
    assert len(draw([]).behind()) == 0


# --- what is said around it -----------------------------------------------------------------------


@each_chart
def test_every_chart_names_count_period_source_and_filter(draw):
    chart = draw(SHAPES["ten days"], account=["plan-a", "plan-b"])
    assert re.search(r": [\d,]+ (calls|attempts|recipients)", chart.title)
    assert "2024-06-01 00:" in chart.title
    assert "Source: case.har. Filter: account plan-a, plan-b." in words(chart)
    assert chart.title.replace(": ", " ", 1) in words(chart)


@each_chart
def test_a_chart_says_that_answers_are_simulated(draw):
    simulated = draw([*SHAPES["ten days"], replace(GOOD, target="sandbox")])
    assert "SIMULATED" in words(simulated) and "SIMULATED" in simulated.description
    assert "SIMULATED" not in words(draw(SHAPES["ten days"]))


@each_chart
def test_a_long_footer_is_whole(draw):
    rows = [
        replace(row, source=f"{'long name ' * 12}.har#1", target="sandbox") for row in ten_days(30)
    ]
    footer = words(draw(rows, status=["4xx", "5xx", "2xx"], account=["plan-a", "plan-b"], text="a"))
    assert ".har. Filter: status 4xx, 5xx, 2xx; account plan-a, plan-b; text a. " in footer
    assert footer.endswith("SIMULATED: answers of the sandbox are among these.")


@each_chart
def test_the_name_of_a_file_tells_no_person_and_no_secret(draw):
    rows = [
        replace(
            row, source="report +15551230001 token=5c1e9a7b3d2f4e6880a1b2c3d4e5f607 20240601.har#1"
        )
        for row in SHAPES["ten days"][:20]
    ]
    footer = words(draw(rows))
    assert "Source: report [number] token=[secret" in footer
    assert "15551230001" not in footer and "5c1e9a7b" not in footer


def test_the_denominator_is_calls_or_attempts():
    rows = [replace(GOOD, id=str(i), call_id="c", attempt=i, status=429) for i in (1, 2, 3)]
    assert ": 1 call, 1 failing" in charts.error_codes(rows).title
    assert ": 3 attempts, 3 failing" in charts.error_codes(rows, per="attempt").title


def test_a_filter_applied_before_is_named_and_a_number_is_not():
    frame = analysis.filtered(columns.frame(SHAPES["ten days"]), status=["4xx"])
    footer = words(charts.error_codes(frame, text="+15551230001", source="ticket"))
    assert "Source: ticket. Filter: status 4xx; text [number]." in footer


UNKNOWN = [replace(GOOD, id=f"unknown{i}", status=None) for i in range(12)]


@each_kind_of_frame
@pytest.mark.parametrize(
    "draw",
    [draw for draw in charts.ALL if draw is not charts.delivery_codes],
    ids=lambda draw: draw.__name__,
)
def test_a_row_with_no_known_answer_is_in_no_bar_and_the_footer_says_how_many(draw, make):
    rows = SHAPES["ten days"]
    with_unknown, without = draw(make([*UNKNOWN, *rows])), draw(make(rows))
    assert with_unknown.title == without.title
    assert with_unknown.data.equals(without.data)
    for bar in (None, *list(without.bars)[:5]):
        assert len(with_unknown.behind(bar)) == len(without.behind(bar))
    for said in (words(with_unknown), with_unknown.description):
        assert re.search(r"12 (calls|attempts) with no known answer not counted\.", said)
    assert "no known answer" not in words(without) + without.description


def test_nothing_but_rows_with_no_known_answer_is_an_honest_empty_chart():
    assert "there are no calls with a known answer" in words(charts.error_codes(UNKNOWN))


def test_a_network_error_is_no_response():
    chart = charts.error_codes(
        [*UNKNOWN, replace(GOOD, id="late", status=None, failure="ReadTimeout")]
    )
    assert chart.data["n"].tolist() == [1]
    assert chart.behind("no response")["id"].tolist() == ["late"]


@each_chart
def test_an_empty_input_is_an_honest_empty_chart(draw):
    chart = draw([])
    assert re.search(
        r"Nothing to show: there are no (calls|attempts)|The evidence has no delivery report",
        words(chart),
    )
    assert chart.data.empty


# --- readable -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", SHAPES.values(), ids=SHAPES)
@each_chart
def test_every_text_is_drawn_whole_within_the_figure(draw, rows):
    chart = draw(rows)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.draw_without_rendering()
    assert chart.get_facecolor() == (1, 1, 1, 1)
    for text in texts(chart):
        if text.get_in_layout() or (
            chart.axes[0].get_legend() and text in chart.axes[0].get_legend().get_texts()
        ):
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= chart.bbox.x1 + 1, text.get_text()
            assert box.y0 >= -1 and box.y1 <= chart.bbox.y1 + 1, text.get_text()


@each_chart
def test_text_has_contrast_also_in_a_dark_style_of_the_notebook(draw):
    with mpl.rc_context(
        {
            "text.color": "white",
            "axes.facecolor": "black",
            "savefig.facecolor": "black",
            "xtick.color": "white",
            "axes.labelcolor": "white",
        }
    ):
        chart = draw(SHAPES["ten days"])
    for ax in chart.axes:
        cells = [c for c in ax.collections if c.get_array() is not None]
        faces = cells[0].to_rgba(cells[0].get_array().ravel())[:, :3] if cells else []
        for i, text in enumerate(ax.texts):
            assert style.contrast(text.get_color(), faces[i] if cells else style.FACE) >= 4.5
        for text in {*texts(chart)} - {*ax.texts}:
            assert style.contrast(text.get_color(), style.FACE) >= 4.5


def test_colour_never_stands_alone():
    looks = [look[1:] for look in style.OUTCOMES.values()]
    assert len({hatch for _, hatch in looks}) == len(looks)
    assert len({hatch for _, hatch in style.SERIES}) == len(style.SERIES)


def test_a_long_name_is_wrapped_and_not_cut():
    name = "a_code_whose_name_is_much_longer_than_any_that_the_page_lists_today"
    (tick,) = charts.error_codes([replace(GOOD, status=400, code=name)]).axes[0].get_yticklabels()
    assert tick.get_text().replace("\n", "") == f"400 {name}"


# --- shown and saved ------------------------------------------------------------------------------


@each_chart
def test_a_chart_shows_itself_once_as_an_image_with_a_text(draw):
    shown = draw(HOSTILE)._repr_html_()
    (alt,) = re.findall(
        r'<img alt="([^"]*)" class="[^"]*" style="[^"]*" src="data:image/png;base64,[\w+/=]+">',
        shown,
    )
    assert html.unescape(alt) == draw(HOSTILE).description
    assert "<script" not in shown
    assert not hasattr(charts.Chart, "_repr_png_")


def test_a_kernel_gets_the_html_alone(capsys, monkeypatch):
    sent = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda bundle, raw, metadata: sent.append((sorted(bundle), metadata)),
    )
    charts.error_codes([GOOD])._ipython_display_()
    assert sent == [(["text/html", "text/plain"], {"sinchtools": "aliased"})]


def test_a_chart_that_names_somebody_is_not_marked_for_saving(monkeypatch):
    sent = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw, metadata: sent.append(metadata)
    )
    body = '{"to": ["+447700900123"], "body": "Hi"}'
    charts.error_codes(
        [replace(GOOD, status=400, code="no +447700900123", request_body=body)]
    )._ipython_display_()
    assert sent == [{}]


@pytest.mark.parametrize("draw", [charts.error_codes, charts.timeline])
def test_saving_writes_title_and_description_into_each_file(draw, tmp_path):
    chart = draw(SHAPES["ten days"])
    names = [path.name for path in charts.save(chart, tmp_path / "new" / "01-codes")]
    assert names == ["01-codes.png", "01-codes.svg", "01-codes.pdf", "01-codes.csv"]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "new").iterdir())
    svg = (tmp_path / "new" / "01-codes.svg").read_text()
    assert f"<title>{html.escape(chart.title, quote=False)}</title>" in svg
    assert f"<desc>{html.escape(chart.description, quote=False)}</desc>" in svg
    assert chart.title.encode() in (tmp_path / "new" / "01-codes.png").read_bytes()
    assert b"/Subject" in (tmp_path / "new" / "01-codes.pdf").read_bytes()


def test_the_suffix_chooses_the_format(tmp_path):
    assert [path.name for path in charts.save(charts.error_codes([GOOD]), tmp_path / "x.svg")] == [
        "x.svg",
        "x.csv",
    ]
    assert [
        path.name
        for path in charts.save(charts.error_codes([GOOD]), tmp_path / "v1.2", formats=["pdf"])
    ] == ["v1.2.pdf", "v1.2.csv"]


def test_the_csv_holds_the_data_and_no_formula(tmp_path):
    rows = [replace(GOOD, account=account) for account in ("=1+1", "+1", "-1", "@x", "\tx", "plan")]
    charts.save(charts.accounts(rows), tmp_path / "a.png")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        read = {row["account"]: row["n"] for row in csv.DictReader(file)}
    assert read == {"'=1+1": "1", "'+1": "1", "'-1": "1", "'@x": "1", "'\tx": "1", "plan": "1"}


def test_the_same_chart_gives_the_same_bytes_in_another_process_and_needs_no_pyplot(tmp_path):
    code = (
        "import sys; from sinchtools import charts; from sinchtools.core.records import Exchange\n"
        "charts.save(charts.error_codes([Exchange(status=s) for s in (401, 429, 500, 429)]), "
        "sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    for name, seed in (("one", "1"), ("two", "2")):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name / "x")],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    for suffix in ("png", "svg", "pdf", "csv"):
        assert (tmp_path / "one" / f"x.{suffix}").read_bytes() == (
            tmp_path / "two" / f"x.{suffix}"
        ).read_bytes()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("x.jpg", "cannot be written as 'jpg'", id="format"),
        pytest.param("x.doc", "cannot be written as 'doc'", id="no-picture"),
        pytest.param("file/x.svg", "cannot be written", id="a-file-is-in-the-way"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is_left(path, words, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUseError, match=words):
        charts.save(charts.error_codes([GOOD]), tmp_path / path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("path", ["x.svg", "x.png", "x.pdf", "x"])
def test_a_secret_passes_in_no_format_and_nothing_is_written(path, tmp_path):
    chart = charts.error_codes(
        [replace(GOOD, status=401, code="Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607")]
    )
    with pytest.raises(LeakError, match="was not written: it holds a secret"):
        charts.save(chart, tmp_path / path)
    assert not [*tmp_path.iterdir()]


def test_numbers_of_people_are_cut_out_of_filters_and_fingerprints(tmp_path):
    rows = [
        replace(
            GOOD,
            status=400,
            text="to[0] +15551230001 is not valid",
            request_body='{"to": ["+15551230001"]}',
        )
    ] * 3
    chart = charts.error_codes(rows, text="+15551230001")
    found = analysis.groups(rows)
    assert "15551230001" not in words(chart) + chart.description + found.to_csv()
    assert all(
        b"15551230001" not in path.read_bytes() for path in charts.save(chart, tmp_path / "x")
    )


@each_kind_of_frame
@pytest.mark.parametrize("code", ["no number 1555-123-0001", "invalid text: See you at noon, Anna"])
def test_a_person_of_the_exchanges_behind_a_chart_passes_in_no_code(make, code, tmp_path):
    row = replace(
        GOOD,
        status=400,
        code=code,
        request_body='{"to": ["+15551230001"], "body": "See you at noon, Anna"}',
    )
    with pytest.raises(LeakError, match=r"holds (the number of a person|a message text)"):
        charts.save(charts.error_codes(make([row])), tmp_path / "x")
    assert not [*tmp_path.iterdir()]
    charts.save(charts.error_codes(make([replace(row, code="order 41555")])), tmp_path / "x")


@pytest.mark.parametrize(
    ("column", "value", "draw"),
    [
        pytest.param("code", "rejected +15551230001", charts.error_codes, id="code"),
        pytest.param("code", "rejected +15551230001", charts.endpoints, id="code-over-a-column"),
        pytest.param("account", "+15551230001", charts.accounts, id="account"),
        pytest.param("endpoint", "GET /groups/15551230001", charts.latency, id="endpoint"),
    ],
)
def test_a_number_that_stands_in_a_column_of_the_chart_alone_is_a_person_too(
    column, value, draw, tmp_path
):
    chart = draw(
        [replace(GOOD, status=400, request_body='{"to": ["+15559870002"]}', **{column: value})]
    )
    assert not charts.names_nobody(chart)
    with pytest.raises(LeakError, match="the number of a person"):
        charts.save(chart, tmp_path / "x")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("account", "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4", id="service-plan"),
        pytest.param("account", "01234567-1234-4234-8234-123456789012", id="project"),
        pytest.param("source", "access-20240601.log#1", id="file-named-by-its-day"),
        pytest.param("source", "report +15551230001.har#1", id="file-whose-number-is-cut-out"),
    ],
)
@each_chart
def test_ids_and_files_are_no_people(draw, column, value):
    assert charts.names_nobody(draw([replace(GOOD, status=400, **{column: value})]))


def test_a_figure_of_another_kind_is_refused(tmp_path):
    with pytest.raises(WrongUseError, match="no chart"):
        charts.save(mpl.figure.Figure(), tmp_path / "x")


def test_drawing_leaves_the_style_of_the_notebook_alone():
    before = dict(mpl.rcParams)
    charts.timeline(SHAPES["ten days"])
    assert dict(mpl.rcParams) == before


def test_the_contrast_is_that_of_the_standard():
    assert style.contrast("black", "white") == pytest.approx(21)
    assert np.isclose(style.contrast("#767676", "white"), 4.54, atol=0.01)
    assert isinstance(charts.error_codes([GOOD]).axes[0], Axes)
