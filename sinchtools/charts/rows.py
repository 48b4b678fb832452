"""Charts of named rows: bars, shares as dots, and quantiles as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from sinchtools.charts.chart import EDGE, Chart, Mark
from sinchtools.charts.style import LIGHT
from sinchtools.charts.words import percent, text_width, wrapped
from sinchtools.core.words import counted

ROW, MORE_LINE, GAP = 28, 16, 12  # pixels
AXIS = 28  # of the numbers below


@dataclass(frozen=True)
class Row:
    """
    One row of a chart.

    Attributes
    ----------
    name
        As in `Chart.bars`, and as it is written at the left.
    values
        What is drawn, in the order of the kind of chart.
    label, rest
        What stands beside it: the value in bold, and what it is of in grey.
    words
        The exact values, for the pointer and the screen reader.
    """

    name: str
    values: tuple[float, ...]
    label: str
    rest: str
    words: str
    kind: str = "silent"
    shown: str = ""  # the name as it is written, if that is another one
    is_strong: bool = True


@dataclass
class Rows:
    """What all charts of named rows share: the names, the labels, the marks."""

    rows: Sequence[Row]

    def height(self, width: float) -> float:
        """Return the pixels of all rows."""
        return sum(self._heights(width)) + 2

    def _names(self, width: float) -> list[list[str]]:
        return [
            [
                line
                for one in (row.shown or row.name).split("\n")
                for line in wrapped(one, 0.4 * width)
            ]
            for row in self.rows
        ]

    def _heights(self, width: float) -> list[float]:
        return [ROW + MORE_LINE * (len(lines) - 1) for lines in self._names(width)]

    def _axes(self, chart: Chart, top: float) -> tuple[Axes, np.ndarray, float]:
        """Return axes with the rows named, the middle of each row, and the pixels of the axes."""
        width = chart.pixels[0]
        names, heights = self._names(width), self._heights(width)
        left = max(text_width(line) for lines in names for line in lines) + EDGE + GAP
        inner = width - left - 2 * EDGE
        ax = chart.axes_at(left, top, inner, sum(heights))
        ends = np.cumsum(heights)
        middles = ends - np.array(heights) / 2
        ax.set_ylim(sum(heights), 0)
        ax.set_yticks(middles, ["\n".join(lines) for lines in names], linespacing=1.25)
        ax.tick_params(axis="y", labelcolor=LIGHT["ink"], pad=GAP * 0.75 - 2)
        for row, end, height in zip(self.rows, ends, heights, strict=True):
            box = (EDGE, top + end - height, width - 2 * EDGE, height)
            chart.mark(Mark(row.name, f"{row.name}\n{row.words}", box))
        return ax, middles, inner

    def _labels(self, ax: Axes, ends: Sequence[float], middles: np.ndarray) -> None:
        over_lines = {"facecolor": LIGHT["face"], "linewidth": 0, "pad": 1}
        for row, x, y in zip(self.rows, ends, middles, strict=True):
            weight = "bold" if row.is_strong else "normal"
            text = ax.annotate(
                row.label,
                (x, y),
                (6, 0),
                textcoords="offset points",
                va="center",
                weight=weight,
                annotation_clip=False,
                bbox=over_lines,
            )
            ax.annotate(
                row.rest,
                (1, 0.5),
                (5, 0),
                xycoords=text,
                textcoords="offset points",
                va="center",
                color=LIGHT["muted"],
                annotation_clip=False,
                bbox=over_lines,
            )

    def _room(self) -> list[float]:
        """Return the pixels that the label of each row needs."""
        return [
            text_width(row.label, weight="bold") + text_width(row.rest) + 8 + 7 + 4
            for row in self.rows
        ]


@dataclass
class Bars(Rows):
    """A bar for each row; `total` is what a bar that is alone is a part of."""

    total: float = 0

    def draw(self, chart: Chart, top: float) -> None:
        """Draw the bars, longest as long as its label leaves room."""
        ax, middles, inner = self._axes(chart, top)
        n = np.array([row.values[0] for row in self.rows])
        alone = len(self.rows) == 1 and self.total > 0
        whole = np.maximum(n, self.total) if alone else n
        room = np.array([max(inner - needed, inner / 8) for needed in self._room()])
        ax.set_xlim(0, max((whole * inner / room).max(), 1e-9))
        if alone:
            ax.barh(middles, whole, 16, color=LIGHT["grid"], linewidth=0)
        for row, y, width in zip(self.rows, middles, n, strict=True):
            strength = chart.strength(row.name)
            (bar,) = ax.barh(y, width, 16, color=LIGHT[row.kind], linewidth=0, alpha=strength)
            chart.hatch(bar, row.kind)
        self._labels(ax, list(whole), middles)
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)


@dataclass
class Shares(Rows):
    """A dot at the share since a change, with a ring at the share before it, if there is one."""

    def height(self, width: float) -> float:
        """Return the pixels of all rows and of the scale."""
        return super().height(width) + AXIS

    def draw(self, chart: Chart, top: float) -> None:
        """Draw each row as a line to its dot."""
        ax, middles, inner = self._axes(chart, top)
        ends = [max(row.values) for row in self.rows]
        room = np.array([max(inner - needed, inner / 8) for needed in self._room()])
        least = 1 if len(ends) == 1 else 0.05  # a share alone is seen as a part of the whole
        most = max((np.array(ends) * inner / room).max(), max(ends) * 1.02, least)
        ax.set_xlim(-0.012 * most, most)
        for row, y in zip(self.rows, middles, strict=True):
            colour, strength = LIGHT[row.kind], chart.strength(row.name)
            first, last = row.values[0] if len(row.values) > 1 else 0, row.values[-1]
            look: dict[str, Any] = {"color": colour, "alpha": strength}
            ax.plot((first, last), (y, y), lw=2.2, solid_capstyle="butt", **look)
            if len(row.values) > 1:
                ring: dict[str, Any] = {"edgecolors": colour, "linewidths": 1.6, "zorder": 3}
                ax.scatter(first, y, 40, LIGHT["face"], alpha=strength, clip_on=False, **ring)
            ax.scatter(last, y, 48, colour, zorder=4, alpha=strength, clip_on=False, linewidths=0)
        self._labels(ax, ends, middles)
        ticks = [tick for tick in _round_steps(max(*ends, least)) if tick <= most]
        _scale(ax, inner, {tick: f"{100 * tick:g}%" for tick in ticks})


@dataclass
class Quantiles(Rows):
    """Median, 90% and 99% of each row, on a scale of powers of ten."""

    def height(self, width: float) -> float:
        """Return the pixels of all rows and of the scale."""
        return super().height(width) + AXIS

    def draw(self, chart: Chart, top: float) -> None:
        """Draw a thick line to 90%, a thin one to 99%, and a dot at the median."""
        ax, middles, inner = self._axes(chart, top)
        values = np.maximum(np.array([row.values for row in self.rows]), 0.1)
        low, room = values.min() / 1.6, max(inner - max(self._room()), inner / 4)
        span = np.log(max(values.max() / low, 2)) * inner / room
        ax.set(xscale="log", xlim=(low, low * np.exp(span)))
        for row, y, (median, most, nearly_all) in zip(self.rows, middles, values, strict=True):
            colour, strength = LIGHT[row.kind], chart.strength(row.name)
            look: dict[str, Any] = {"color": colour, "alpha": strength, "solid_capstyle": "butt"}
            ax.plot((median, nearly_all), (y, y), lw=1.5, **look)
            ax.plot((median, most), (y, y), lw=5, **look)
            ax.scatter(median, y, 46, colour, zorder=4, alpha=strength, linewidths=0)
        self._labels(ax, list(values[:, 2]), middles)
        ticks = _time_ticks(low, values.max() * 3)
        _scale(ax, inner, {tick: _in_time(tick) for tick in ticks})
        ax.xaxis.set_minor_locator(NullLocator())


def _scale(ax: Axes, inner: float, ticks: dict[float, str]) -> None:
    """Draw a line at each tick whose words have room."""
    ends = ax.transAxes.inverted()
    places = {tick: ends.transform(ax.transData.transform((tick, 0)))[0] for tick in ticks}
    fits = {
        tick: words
        for tick, words in ticks.items()
        if places[tick] * inner + text_width(words) / 2 <= inner + EDGE
    }
    ax.set_xticks(list(fits), list(fits.values()))
    ax.grid(axis="x")


def _round_steps(top: float) -> list[float]:
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    step = next((step for step in steps if top <= 5 * step), 0.25)
    return [step * i for i in range(6)]


def _time_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten, and where they are few what is between them too."""
    ticks: list[float] = []
    for parts in ((1,), (1, 3), (1, 2, 5)):
        ticks = [part * 10.0**i for i in range(8) for part in parts if low <= part * 10**i <= high]
        if len(ticks) > 2:
            break
    return ticks


def _in_time(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,g} s"


def share_words(n: float, of: float, one: str, more: str = "") -> str:
    """Return a part of a whole in words: 14 of 58 calls (24.1%)."""
    return f"{int(n):,} of {counted(int(of), one)}{more}" + (f" ({percent(n / of)})" if of else "")
