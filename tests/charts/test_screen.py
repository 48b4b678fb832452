"""One SVG for both themes, with marks that can be pointed at."""

import re
from xml.etree import ElementTree

from sinchtools import charts
from sinchtools.charts.screen import fitted, stylesheet, to_svg
from sinchtools.charts.style import DARK, LIGHT
from sinchtools.core.records import visible
from tests.charts.shapes import SHAPES, Draw, drawn, each_chart


@each_chart
def test_each_mark_is_a_shape_with_an_id_and_its_words(draw: Draw) -> None:
    chart = drawn(draw, "hostile").at(700)
    root = ElementTree.fromstring(to_svg(chart))
    marks = [shape for shape in root.iter() if "st-mark" in shape.get("class", "").split()]
    assert [" ".join(one.get("aria-label", "").split()) for one in marks] == [
        " ".join(visible(one.words).split()) for one in chart.marks
    ]
    assert len({one.get("id") for one in marks}) == len(marks)
    assert not [shape for shape in root.iter() if shape.tag.endswith("script")]


def test_every_colour_follows_the_theme() -> None:
    svg = to_svg(drawn(charts.timeline).at(700))
    bare = re.sub(r"var\(--st-c-[a-z]+, #[0-9a-f]{6}\)", "", svg)
    assert re.findall(r"#[0-9a-f]{6}\b", bare, re.IGNORECASE) == []
    for name in LIGHT:
        assert f"--st-c-{name}: {LIGHT[name]}" in stylesheet()
        assert f"--st-c-{name}: {DARK[name]}" in stylesheet()


def test_in_a_panel_a_chart_is_flush_with_its_text() -> None:
    svg, marks = fitted(drawn(charts.error_codes), 700, "st")
    assert 'width="700"' in svg and 'viewBox="6 0 525 ' in svg
    assert min(mark.box[0] for mark in marks) == 8


def test_an_interval_tells_its_time() -> None:
    svg = to_svg(charts.timeline(SHAPES["ten days"], "1h").at(700))
    first = re.search(r'data-from="(\d+)" data-to="(\d+)"', svg)
    assert first is not None and int(first[2]) - int(first[1]) == 3600


def test_marks_that_are_not_chosen_are_pale() -> None:
    chart = drawn(charts.error_codes).at(700, chosen=["429 Too Many Requests"])
    bars = [bar for ax in chart.axes for bar in ax.patches if bar.get_alpha() is not None]
    assert [bar.get_alpha() for bar in bars].count(1.0) == 1 < len(bars)
