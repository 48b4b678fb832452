"""One SVG for both themes: colours are variables of the page, and marks can be pointed at."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection
from html import escape

import matplotlib as mpl

from sinchtools.charts.chart import EDGE, Chart, Mark
from sinchtools.charts.style import DARK, LIGHT, STYLE
from sinchtools.core.records import visible

_VARIABLE = {colour: f"var(--st-c-{name}, {colour})" for name, colour in LIGHT.items()}
_COLOURS = re.compile("|".join(map(re.escape, _VARIABLE)), re.IGNORECASE)
_LINKS = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
_ODD = re.compile(r"[^a-z0-9]+")
_FONT = re.compile(r"'DejaVu Sans'")


def stylesheet() -> str:
    """Return the colours of the charts in both themes, as variables."""
    light, dark = (
        "; ".join(f"--st-c-{name}: {colour}" for name, colour in colours.items())
        for colours in (LIGHT, DARK)
    )
    return f".st-chart {{{light}}}\n[data-jp-theme-light='false'] .st-chart {{{dark}}}\n"


def fitted(
    chart: Chart,
    width: int,
    ids: str,
    chosen: Collection[str] = (),
    *,
    is_titled: bool = True,
) -> tuple[str, list[Mark]]:
    """Return a chart for a place of this width, its words flush with the page's; and its marks."""
    drawn = chart.at(width + 2 * EDGE, chosen, is_titled=is_titled)
    return to_svg(drawn, ids, cut=EDGE), drawn.marks


def to_svg(chart: Chart, ids: str = "st", *, cut: float = 0) -> str:
    """
    Return a chart for the page of a notebook.

    Text stays text; each mark is a transparent shape over its place, with an id, its name and its
    exact values. `cut` is how many pixels of the edge are left out at both sides.

    Examples
    --------
    >>> from sinchtools import Exchange, charts
    >>> svg = to_svg(charts.error_codes([Exchange(status=401)]).at(600))
    >>> 'aria-label="401 Unauthorized' in svg, "var(--st-c-auth" in svg
    (True, True)
    """
    with (
        io.StringIO() as buffer,
        mpl.rc_context({**STYLE, "svg.fonttype": "none"}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = _COLOURS.sub(lambda found: _VARIABLE[found[0].lower()], svg)
    svg = _FONT.sub("var(--jp-ui-font-family, 'DejaVu Sans')", svg)
    width, height = chart.pixels
    inner = width - 2 * cut
    points = f'viewBox="{cut * 0.75:g} 0 {inner * 0.75:g} {height * 0.75:g}"'
    size = f'width="{inner:g}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {_LINKS} {size} {points}'
    drawn = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    marks = "".join(_shape(mark, i, ids) for i, mark in enumerate(chart.marks))
    return (
        f'{head} role="group" aria-label="{escape(chart.title)}">'
        f'<g aria-hidden="true">{drawn}</g><g class="st-marks">{marks}</g></svg>'
    )


def _shape(mark: Mark, i: int, ids: str) -> str:
    x, y, width, height = (round(0.75 * number, 2) for number in mark.box)
    span = f' data-from="{mark.span[0]:.0f}" data-to="{mark.span[1]:.0f}"' if mark.span else ""
    idle = "" if mark.name or mark.span else ' aria-disabled="true"'
    words = "\n".join(escape(visible(line)) for line in mark.words.split("\n"))
    name = _ODD.sub("-", mark.name.lower()).strip("-")[:60]
    return (
        f'<rect id="{ids}-{i}-{name}" class="st-mark" x="{x}" y="{y}" width="{width}" '
        f'height="{height}" role="button" tabindex="-1" data-mark="{i}"{span}{idle} '
        f'aria-label="{words}"/>'
    )
