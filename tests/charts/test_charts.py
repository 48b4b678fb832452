"""The charts' numbers are read back from what is drawn, and so are the words around them."""

import datetime as dt
import re
import runpy
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import Rectangle, StepPatch

from sinchtools import analysis, charts
from sinchtools.charts import style
from sinchtools.charts.words import text_width, wrapped
from sinchtools.core import columns
from tests.charts.shapes import (
    ALL,
    GOOD,
    REPORT,
    SHAPES,
    START,
    Draw,
    drawn,
    each_chart,
    each_kind_of_frame,
    labels,
    named,
    ten_days,
    texts,
    words,
)

COMMON = ("ten days", "one row", "hostile")
REPORTED = replace(
    GOOD, endpoint="GET /batches/{batch_id}/delivery_report", response_body=REPORT, status=200
)
FAILED = replace(
    GOOD,
    at=START + dt.timedelta(hours=1),
    endpoint="GET /batches",
    status=404,
    account="plan-b",
    elapsed_ms=20.0,
)
READ_BACK = {  # a row for each chart: what its marks say of 3 good calls, 1 that failed, a report
    "timeline": ["1 of 1 call (100%)", "404 Not Found: 1"],
    "error_codes": ["404 Not Found", "1 of 5 calls (20.0%)"],
    "accounts": ["plan-b", "1 of 1 call failing (100%)", "plan-a", "0 of 4 calls failing (0%)"],
    "heatmap": ["Saturday 01:00 UTC", "1 of 1 call (100%)", "1 hour seen"],
    "endpoints": ["POST /batches, 201 Created", "3 calls", "GET /batches, 404 Not Found", "1 call"],
    "latency": ["GET /batches, 404 Not Found", "median 20 ms, 90%: 20 ms, 99%: 20 ms, n 1"],
    "delivery_codes": ["0 Delivered", "3 of 4 recipients (75.0%)"],
}


@each_chart
def test_what_a_chart_shows_is_read_back_from_its_marks(draw: Draw) -> None:
    row = READ_BACK.get(draw.__name__)
    assert row, (
        f"Add a row for the chart {draw.__name__} to READ_BACK in tests/charts/test_charts.py"
    )
    chart = draw([*[GOOD] * 3, FAILED, REPORTED])
    chart.draw_without_rendering()
    said = [line for mark in chart.marks for line in mark.words.splitlines()]
    assert [line for line in row if line not in said] == [], said


# --- numbers --------------------------------------------------------------------------------------


def test_bars_are_as_long_as_the_counts_and_labelled_with_count_and_share() -> None:
    rows = (
        [GOOD] * 5
        + [replace(GOOD, status=403, code="unknown_group")] * 3
        + [replace(GOOD, status=401)] * 2
    )
    chart = charts.error_codes(rows)
    (ax,) = [ax for ax in chart.axes if len(ax.get_yticklabels()) == 2]
    bars = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [3, 2] and len(bars) == len(ax.patches)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "403 unknown_group",
        "401 Unauthorized",
    ]
    assert [text.get_text() for text in ax.texts] == ["3", "30.0% of calls", "2", "20.0% of calls"]
    assert [n for _, n, _ in labels(charts.error_codes(rows, successes=True))] == ["5", "3", "2"]


def test_the_timeline_stacks_the_share_of_each_interval() -> None:
    rows = [
        replace(GOOD, status=status, at=START + dt.timedelta(hours=hour, minutes=i))
        for hour in range(20)
        for i, status in enumerate([201] * 6 + [429] * 3 + [500])
    ]
    chart = charts.timeline(rows, "1h")
    drawn_steps = [step for step in chart.findobj(StepPatch) if step.get_label() in style.KINDS]
    tops = {step.get_label(): float(step.get_data().values[0]) for step in drawn_steps}
    assert tops == {"limit": 0.3, "vendor": 0.4}
    assert "Share of calls that fail, per hour" in chart.title
    assert chart.data["n"].sum() == 80 and set(chart.data["calls"]) == {10}


def test_with_few_calls_in_an_interval_failing_calls_are_counted() -> None:
    chart = drawn(charts.timeline, "one row")
    assert "Number of calls that fail, per minute" in chart.title
    assert chart.data["n"].tolist() == [1]


def test_intervals_are_longer_where_only_those_have_enough_calls_for_a_share() -> None:
    rows = [
        replace(
            GOOD, id=str(i), at=START + dt.timedelta(minutes=15 * i), status=201 + 299 * (i % 2)
        )
        for i in range(700)
    ]
    chart = charts.timeline(rows)
    assert "Share of calls that fail, per 2 hours" in chart.title
    assert chart.data["n"].sum() == 350 and chart.data["calls"].max() == 8
    assert "per hour" in charts.timeline(rows, "1h").title


def test_intervals_are_longer_where_quiet_hours_have_few_calls() -> None:
    rows = [
        replace(GOOD, id=f"{hour}-{i}", at=START + dt.timedelta(hours=hour, minutes=i))
        for hour in range(9 * 24)
        for i in range(3 if hour % 24 < 6 else 20)
    ]
    assert "per 3 hours" in charts.timeline([*rows, replace(rows[0], id="x", status=500)]).title


def test_the_series_that_changes_is_light_and_in_the_color_of_its_fault() -> None:
    rows = [
        replace(
            GOOD,
            id=f"{hour}-{i}",
            at=START + dt.timedelta(hours=hour, minutes=i),
            status=429 if i == 7 else 201,
            delivery="402 Aborted" if hour >= 30 and i % 2 else None,
        )
        for hour in range(60)
        for i in range(20)
    ]
    chart = charts.timeline(rows)
    strengths = {step.get_label(): step.get_alpha() for step in chart.findobj(StepPatch)}
    assert (strengths["limit"], strengths["undelivered"]) == (1, 0.32)
    kinds = chart.at(700)._around.key
    assert set(kinds) == {"limit", "undelivered"}


def test_beside_its_line_a_change_says_no_more_than_the_title_does_not() -> None:
    rows = [
        replace(
            GOOD,
            id=f"{hour}-{i}",
            account=f"plan-{i % 3}",
            at=START + dt.timedelta(hours=hour, minutes=i),
            status=403 if hour >= 30 and i % 3 == 1 else 201,
        )
        for hour in range(60)
        for i in range(30)
    ]
    shown = words(charts.timeline(rows))
    assert shown.count("403 Forbidden") == 1
    assert "plan-1: 100% since Sun 2 Jun 06:01" in shown


def test_the_axis_names_the_days_of_the_week() -> None:
    shown = words(drawn(charts.timeline))
    assert "Sat 1 Jun" in shown and "Mon 3 Jun" in shown


@pytest.mark.parametrize(("start", "has_both"), [(12, True), (22, False)])
def test_names_of_days_on_the_axis_do_not_touch(start: int, has_both: bool) -> None:
    rows = [
        replace(GOOD, id=str(i), status=500, at=START + dt.timedelta(hours=start, minutes=3 * i))
        for i in range(400)
    ]
    shown = words(charts.timeline(rows).at(700))
    assert shown.count("Sat 1 Jun") == 1 + has_both, "the note names it too"


def test_a_change_is_marked_where_it_begins_and_the_sentence_is_the_title() -> None:
    rows = [
        replace(
            GOOD,
            id=f"{hour}-{i}",
            at=START + dt.timedelta(hours=hour, minutes=i),
            status=429 if hour >= 30 and i % 2 else 201,
        )
        for hour in range(60)
        for i in range(20)
    ]
    chart = charts.timeline(rows)
    assert chart.title.startswith(analysis.pattern(rows).sentence.rstrip("."))
    assert "50% since Sun 2 Jun 06:01" in words(chart)
    across = [np.asarray(line.get_xdata()) for ax in chart.axes for line in ax.lines]
    upright = [xs for xs in across if len(set(xs)) == 1]
    assert upright[0][0] == (START + dt.timedelta(hours=30, minutes=1)).timestamp()
    (bar,) = [name for name in chart.bars if "since" in name]
    assert len(chart.behind(bar)) == 300


@pytest.mark.parametrize("gap", [1, 5, 30])
@pytest.mark.parametrize("width", [420, 850])
def test_words_of_several_changes_cover_neither_each_other_nor_a_mark(gap: int, width: int) -> None:
    rows = [
        replace(GOOD, id=f"{h}-{i}", at=START + dt.timedelta(hours=h, minutes=2 * i), status=status)
        for h in range(120)
        for i in range(30)
        for status in [400 if h >= 60 and i % 3 else 429 if h >= 60 + gap and i % 2 else 201]
    ]
    chart = charts.timeline(rows).at(width)
    chart.draw_without_rendering()
    plot = chart.axes[0].get_window_extent()
    told = [text for text in chart.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in told]
    assert {"1", "2"} <= {text.get_text() for text in told}
    for i, box in enumerate(boxes):
        assert box.x1 <= width and box.y0 >= plot.y1 - 1, told[i].get_text()
        for other in boxes[:i]:
            is_beside = box.x1 <= other.x0 + 1 or other.x1 <= box.x0 + 1
            assert is_beside or box.y1 <= other.y0 + 1 or other.y1 <= box.y0 + 1, told[i].get_text()


def test_more_codes_than_are_named_are_all_counted_by_the_pointer() -> None:
    rows = [replace(GOOD, id=str(i), status=400, code=f"code_{i}") for i in range(20)]
    (mark,) = charts.timeline([*rows, GOOD]).marks
    assert "20 of 21 calls (95.2%)" in mark.words


def test_the_heat_map_tells_no_call_from_no_failure() -> None:
    rows = [
        GOOD,
        replace(GOOD, at=START + dt.timedelta(hours=1), status=500),
        replace(GOOD, at=START + dt.timedelta(hours=1)),
    ]
    chart = charts.heatmap(rows)
    marks = {mark.words.split(" UTC")[0]: mark.words for mark in chart.marks}
    assert set(marks) == {"Saturday 00:00", "Saturday 01:00"}  # 2024-06-01 was a Saturday
    assert "0 of 1 call (0%)" in marks["Saturday 00:00"]
    assert "1 of 2 calls (50.0%)" in marks["Saturday 01:00"]
    dots = [line for ax in chart.axes for line in ax.lines if line.get_marker() == "."]
    assert np.size(dots[0].get_xdata()) == 166
    assert "Sat, 1 day" in words(chart)


def test_one_call_that_fails_alone_takes_no_color_from_the_other_hours() -> None:
    of_hours = [(9, 20, 5), (10, 20, 10), (3, 1, 1)]
    rows = [
        replace(
            GOOD, id=f"{h}-{i}", at=START + dt.timedelta(hours=h), status=500 if i < bad else 201
        )
        for h, n, bad in of_hours
        for i, status in enumerate([500] * bad + [201] * (n - bad))
    ]
    chart = charts.heatmap(rows)
    assert "Full color: 50.0% or more, grey: 0%" in chart.title
    assert "Full color: 50.0%, grey: 0%" in charts.heatmap(rows[:-1]).title


def test_accounts_are_sorted_by_the_share_that_fails() -> None:
    rows = [GOOD] * 3 + [replace(GOOD, status=500)] + [replace(GOOD, account="plan-b")] * 9
    rows += [replace(GOOD, account="plan-c", status=500)] * 2
    assert labels(charts.accounts(rows)) == [
        ("plan-c", "100%", "of 2 calls"),
        ("plan-a", "25.0%", "of 4 calls"),
        ("plan-b", "0%", "of 9 calls"),
    ]


def test_a_ring_is_the_share_before_a_rise_and_a_dot_the_share_since_then() -> None:
    rows = [
        replace(
            GOOD,
            id=f"{hour}-{name}-{i}",
            at=START + dt.timedelta(hours=hour, minutes=i),
            account=name,
            status=429 if name == "plan-b" and hour >= 30 and i % 2 else 201,
        )
        for hour in range(60)
        for i in range(10)
        for name in ("plan-a", "plan-b")
    ]
    found = charts.accounts(rows, pattern=analysis.pattern(rows))
    first, second = named(found)
    before, after = first.values
    assert (first.name, before) == ("plan-b", 0) and after == pytest.approx(0.5, abs=0.01)
    assert second.values == (0, 0) and "Ring: before Sun 2 Jun 06:01" in words(found)


def test_latency_shows_the_quantiles() -> None:
    rows = [replace(GOOD, elapsed_ms=float(i)) for i in range(101)]
    chart = charts.latency(rows)
    assert named(chart)[0].values == (50.0, 90.0, 99.0)
    assert "50 ms" in words(chart) and "99%: 99 ms, n 101" in words(chart)


def test_delivery_codes_count_recipients() -> None:
    chart = charts.delivery_codes(
        [replace(GOOD, endpoint="GET /batches/{batch_id}/delivery_report", response_body=REPORT)]
    )
    assert labels(chart)[0] == ("0 Delivered", "3", "75.0% of recipients")
    assert "4 recipients" in chart.title


def test_thousands_of_categories_are_folded_and_counted() -> None:
    rows = [replace(GOOD, status=400, code=f"c{i}") for i in range(3000)]
    chart = charts.error_codes(rows)
    assert [label for _, label, _ in labels(chart)] == ["1"] * 20 + ["2,980"]
    assert "other (2,980 codes)" in words(chart)


def test_the_page_of_the_docs_has_a_section_and_a_picture_of_each_chart() -> None:
    docs = Path(__file__).parents[2] / "docs"
    written = (docs / "charts.md").read_text(encoding="utf-8")
    page = runpy.run_path(str(docs / "charts.py"))["page"](written)
    assert page == written, "Run `python docs/charts.py` with the names of the charts you changed"
    for kind in charts.KINDS:
        assert 1000 < (docs / "charts" / f"{kind.file}.png").stat().st_size < 60_000


# --- what is said around it -----------------------------------------------------------------------


@each_chart
def test_every_chart_names_count_period_source_and_filter(draw: Draw) -> None:
    chart = draw(SHAPES["ten days"], account=["plan-a", "plan-b"])
    assert re.search(r": [\d,]+ (calls|attempts|recipients)", chart.title)
    assert "Sat 1 Jun 00:" in chart.title
    assert "Source: case.har. Filter: account plan-a, plan-b." in words(chart)
    assert chart._around.heading in words(chart) and chart._around.note in words(chart)


@each_chart
def test_a_chart_says_that_answers_are_simulated(draw: Draw) -> None:
    simulated = draw([*SHAPES["ten days"], replace(GOOD, target="sandbox")])
    assert "SIMULATED" in words(simulated) and "SIMULATED" in simulated.description
    assert "SIMULATED" not in words(drawn(draw))


@each_chart
def test_a_long_footer_is_whole(draw: Draw) -> None:
    rows = [
        replace(row, source=f"{'long name ' * 12}.har#1", target="sandbox") for row in ten_days(30)
    ]
    footer = words(draw(rows, status=["4xx", "5xx", "2xx"], account=["plan-a", "plan-b"], text="a"))
    assert ".har. Filter: status 4xx, 5xx, 2xx; account plan-a, plan-b; text a. " in footer
    assert footer.endswith("SIMULATED: includes responses of the sandbox.")


@each_chart
def test_the_name_of_a_file_tells_no_person_and_no_secret(draw: Draw) -> None:
    rows = [
        replace(
            row, source="report +15551230001 token=5c1e9a7b3d2f4e6880a1b2c3d4e5f607 20240601.har#1"
        )
        for row in SHAPES["ten days"][:20]
    ]
    footer = words(draw(rows))
    assert "Source: report [number] token=[secret" in footer
    assert "15551230001" not in footer and "5c1e9a7b" not in footer


def test_the_denominator_is_calls_or_attempts() -> None:
    rows = [replace(GOOD, id=str(i), call_id="c", attempt=i, status=429) for i in (1, 2, 3)]
    assert ": 1 call (3 attempts), 1 failing" in charts.error_codes(rows).title
    assert ": 3 attempts, 3 failing" in charts.error_codes(rows, per="attempt").title


def test_a_filter_applied_before_is_named_and_a_number_is_not() -> None:
    frame = analysis.filtered(columns.frame(SHAPES["ten days"]), status=["4xx"])
    footer = words(charts.error_codes(frame, text="+15551230001", source="ticket"))
    assert "Source: ticket. Filter: status 4xx; text [number]." in footer


UNKNOWN = [replace(GOOD, id=f"unknown{i}", status=None) for i in range(12)]


@each_kind_of_frame
@pytest.mark.parametrize(
    "draw",
    [draw for draw in ALL if draw is not charts.delivery_codes],
    ids=lambda draw: draw.__name__,
)
def test_a_row_with_no_known_answer_is_in_no_bar_and_the_footer_says_how_many(
    draw: Draw, make: Any
) -> None:
    rows = SHAPES["ten days"]
    rows = rows[::5]
    with_unknown, without = draw(make([*UNKNOWN, *rows])), draw(make(rows))
    assert with_unknown.title == without.title
    assert with_unknown.data.equals(without.data)
    for bar in (None, *list(without.bars)[:5]):
        assert len(with_unknown.behind(bar)) == len(without.behind(bar))
    for said in (words(with_unknown), with_unknown.description):
        assert re.search(r"12 (calls|attempts) without a known response not counted\.", said)
    assert "no known answer" not in words(without) + without.description


def test_nothing_but_rows_with_no_known_answer_is_an_honest_empty_chart() -> None:
    assert "there are no calls with a known response" in words(charts.error_codes(UNKNOWN))


def test_a_network_error_is_no_response() -> None:
    chart = charts.error_codes(
        [*UNKNOWN, replace(GOOD, id="late", status=None, failure="ReadTimeout")]
    )
    assert chart.data["n"].tolist() == [1]
    assert chart.behind("no response")["id"].tolist() == ["late"]


@each_chart
def test_an_empty_input_is_an_honest_empty_chart(draw: Draw) -> None:
    chart = drawn(draw, "none")
    assert re.search(
        r"Nothing to show: there are no (calls|attempts)|The evidence has no delivery report",
        words(chart),
    )
    assert chart.data.empty


# --- readable -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [name if name in COMMON else pytest.param(name, marks=pytest.mark.long) for name in SHAPES],
)
@each_chart
def test_every_text_is_drawn_whole_within_the_figure_at_nine_points_or_more(
    draw: Draw, shape: Any
) -> None:
    chart = drawn(draw, shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.draw_without_rendering()
    for text in texts(chart):
        box = text.get_window_extent()
        assert float(text.get_fontsize()) >= 9, text.get_text()
        assert box.x0 >= -1 and box.x1 <= chart.bbox.x1 + 1, text.get_text()
        assert box.y0 >= -1 and box.y1 <= chart.bbox.y1 + 1, text.get_text()


@pytest.mark.parametrize(
    "width",
    [pytest.param(420, marks=pytest.mark.long), 758, pytest.param(1180, marks=pytest.mark.long)],
)
@each_chart
def test_a_panel_draws_a_chart_at_its_own_width(draw: Draw, width: int) -> None:
    chart = drawn(draw).at(width)
    assert chart.pixels[0] == width and chart.bars.keys() == drawn(draw).bars.keys()
    chart.draw_without_rendering()
    for text in texts(chart):
        assert text.get_window_extent().x1 <= width + 1, text.get_text()


@each_chart
def test_text_has_contrast_also_in_a_dark_style_of_the_notebook(draw: Draw) -> None:
    with mpl.rc_context(
        {
            "text.color": "white",
            "axes.facecolor": "black",
            "savefig.facecolor": "black",
            "xtick.color": "white",
            "axes.labelcolor": "white",
        }
    ):
        chart = draw(SHAPES["five rows"])
    for text in texts(chart):
        assert style.contrast(text.get_color(), style.LIGHT["face"]) >= 4.5


@pytest.mark.parametrize("colours", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_words_are_readable_and_marks_are_seen_in_both_themes(colours: Any) -> None:
    for name in ("ink", "muted"):
        assert style.contrast(colours[name], colours["face"]) >= 4.5
    for kind in style.KINDS.keys() - {"ok"}:
        assert style.contrast(colours[kind], colours["face"]) >= 3, kind


def test_in_print_colour_never_stands_alone() -> None:
    hatches = [hatch for _, hatch in style.KINDS.values()]
    assert len({*hatches}) == len(hatches)
    chart = charts.error_codes([replace(GOOD, status=429)])
    bars = [bar for ax in chart.axes for bar in ax.patches]
    with chart._for_print():
        assert style.KINDS["limit"][1] in [bar.get_hatch() for bar in bars]
    assert not any(bar.get_hatch() for bar in bars)


def test_a_long_name_is_wrapped_and_not_cut() -> None:
    name = "a_code_whose_name_is_much_longer_than_any_that_the_page_lists_today"
    chart = charts.error_codes([replace(GOOD, status=400, code=name)]).at(420)
    (tick,) = [tick.get_text() for ax in chart.axes for tick in ax.get_yticklabels()]
    assert "\n" in tick and tick.replace("\n", "") == f"400 {name}"


@pytest.mark.parametrize("width", range(300, 700, 37))
def test_the_last_line_is_no_word_alone(width: int) -> None:
    text = "Share of calls that fail, per hour, all of them with no callback_url, and in UTC only"
    lines = wrapped(text, width)
    assert " ".join(lines) == text and all(text_width(line) <= width for line in lines)
    assert len(lines) == 1 or text_width(lines[-1]) > width / 10


def test_drawing_leaves_the_style_of_the_notebook_alone() -> None:
    before = dict(mpl.rcParams)
    charts.timeline(SHAPES["five rows"])
    assert dict(mpl.rcParams) == before


def test_the_contrast_is_that_of_the_standard() -> None:
    assert style.contrast("black", "white") == pytest.approx(21)
    assert style.contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)
