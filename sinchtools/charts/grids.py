"""Charts of cells: the hours of the week, and codes by endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sinchtools.charts.chart import EDGE, Chart, Mark
from sinchtools.charts.style import LIGHT
from sinchtools.charts.words import WEEKDAYS, percent, text_width, wrapped
from sinchtools.core.words import counted

HOUR_ROW, CELL_ROW = 30, 28  # pixels
_PALEST, _STRONGEST = 0.06, 0.5  # of a cell with a number in it: ink stays readable on it


@dataclass
class Week:
    """
    The hours of the week: one colour, more of it where more fails.

    Attributes
    ----------
    cells
        168 rows as of `analysis.heatmap`, with `hours_seen`.
    unit
        What is counted, in the singular.
    full
        The share from which on a cell has the full color.
    """

    cells: pd.DataFrame
    unit: str
    full: float

    def height(self, width: float) -> float:
        """Return the pixels of seven days and of the hours."""
        return 7 * HOUR_ROW + 26

    def draw(self, chart: Chart, top: float) -> None:
        """Draw a cell for each hour that had a call, and a dot for any other."""
        share = self._numbers("share_failing")
        days = [f"{day[:3]}, {counted(int(seen), 'day')}" for day, seen in self._days()]
        left = max(map(text_width, days)) + EDGE + 12
        ends = [_whole_day(self.cells, day) for day in range(1, 8)]
        right = max(map(text_width, [*ends, "100%"])) + 18
        inner = chart.pixels[0] - left - right - EDGE
        ax = chart.axes_at(left, top, inner, 7 * HOUR_ROW)
        ax.set(xlim=(0, 24), ylim=(7, 0))
        places = [(hour, day) for day in range(7) for hour in range(24)]
        names = [f"{WEEKDAYS[day]} {hour:02}:00" for hour, day in places]
        strong = np.minimum(share.ravel() / self.full, 1)
        _draw_cells(ax, chart, places, strong, names, 1.4 / inner * 24, 1.4 / HOUR_ROW)
        empty = [(h + 0.5, d + 0.5) for h, d in places if np.isnan(share[d, h])]
        ax.plot(*zip(*empty, strict=True), ".", color=LIGHT["muted"], ms=3) if empty else None
        for day, words in enumerate(ends):
            look: dict[str, Any] = {"va": "center", "weight": "bold", "clip_on": False}
            ax.text(24 + 8 / inner * 24, day + 0.5, words, **look)
        ax.set_yticks(np.arange(7) + 0.5, days)
        ax.tick_params(axis="y", labelcolor=LIGHT["ink"], pad=6)
        every = 3 if inner > 300 else 6
        hours = np.arange(0, 24, every)
        ax.set_xticks(hours + 0.5, [f"{hour:02}" for hour in hours])
        ax.spines["bottom"].set_visible(False)
        self._mark(chart, left, top, inner, places, names)

    def _numbers(self, column: str) -> NDArray[np.float64]:
        return self.cells[column].to_numpy(dtype=float, na_value=np.nan).reshape(7, 24)

    def _days(self) -> list[tuple[str, int]]:
        seen = self._numbers("hours_seen").max(axis=1)
        return list(zip(WEEKDAYS, seen.astype(int).tolist(), strict=True))

    def _mark(
        self,
        chart: Chart,
        left: float,
        top: float,
        inner: float,
        places: list[tuple[int, int]],
        names: list[str],
    ) -> None:
        n, failing = self._numbers("n"), self._numbers("n_failing")
        seen = self._numbers("hours_seen")
        for (hour, day), name in zip(places, names, strict=True):
            if n[day, hour]:
                of = counted(int(n[day, hour]), self.unit)
                rate = percent(failing[day, hour] / n[day, hour])
                times = counted(int(seen[day, hour]), "hour")
                words = f"{name} UTC\n{int(failing[day, hour]):,} of {of} ({rate})\n{times} seen"
                box = (left + hour * inner / 24, top + day * HOUR_ROW, inner / 24, HOUR_ROW)
                chart.mark(Mark(name if failing[day, hour] else "", words, box))


def _whole_day(cells: pd.DataFrame, day: int) -> str:
    of_day = cells[cells["weekday"] == day]
    known = int(of_day["n"].sum()) - int(of_day["not_known"].sum())
    share = int(of_day["n_failing"].sum()) / known if known else 0
    return "–" if not known else f"{share:.0%}" if share >= 0.01 or not share else "<1%"


def _draw_cells(
    ax: Axes,
    chart: Chart,
    places: list[tuple[int, int]],
    strong: NDArray[np.float64],
    names: list[str],
    gap_x: float,
    gap_y: float,
) -> None:
    drawn = [i for i, value in enumerate(strong) if not np.isnan(value)]
    boxes = [_box(*places[i], gap_x, gap_y) for i in drawn]
    faces = [
        to_rgba(LIGHT["request"], (0.12 + 0.88 * strong[i]) * chart.strength(names[i]))
        if strong[i]
        else to_rgba(LIGHT["grid"], 0.7)
        for i in drawn
    ]
    ax.add_collection(PolyCollection(boxes, facecolors=faces, linewidths=0), autolim=False)


def _box(column: int, row: int, gap_x: float, gap_y: float) -> list[tuple[float, float]]:
    x0, y0 = column + gap_x / 2, row + gap_y / 2
    x1, y1 = x0 + 1 - gap_x, y0 + 1 - gap_y
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


@dataclass
class Matrix:
    """
    Codes by endpoint, with the count in each cell.

    Attributes
    ----------
    table
        A row for each code and a column for each endpoint.
    kinds
        Whose fault each code is.
    unit
        What is counted, in the singular.
    """

    table: pd.DataFrame
    kinds: list[str]
    unit: str

    def height(self, width: float) -> float:
        """Return the pixels of the head and of all rows."""
        _, head, heights, _ = self._sizes(width)
        return head + sum(heights) + 4

    def draw(self, chart: Chart, top: float) -> None:
        """Draw the head, and the cells with their counts."""
        left, head, heights, lines = self._sizes(chart.pixels[0])
        inner = chart.pixels[0] - left - 2 * EDGE
        ax = chart.axes_at(left, top + head, inner, sum(heights))
        columns, ends = len(self.table.columns), np.cumsum([0, *heights])
        ax.set(xlim=(0, columns), ylim=(sum(heights), 0), xticks=[])
        across = inner / columns
        for i, name in enumerate(self.table.columns):
            words = "\n".join(wrapped(name, across - 8))
            look: dict[str, Any] = {
                "ha": "center",
                "va": "bottom",
                "color": LIGHT["muted"],
                "linespacing": 1.25,
            }
            ax.annotate(words, (i + 0.5, 0), (0, 4), textcoords="offset points", **look)
        counts = self.table.to_numpy(dtype=float)
        strong = np.sqrt(counts / max(counts.max(), 1))
        for row, (down, up) in enumerate(zip(ends[1:], ends, strict=False)):
            for column in range(columns):
                self._cell(chart, ax, (row, column), (up, down), strong[row, column], across)
                box = (left + column * across, top + head + up, across, down - up)
                self._mark(chart, (row, column), box)
        names = ["\n".join(one) for one in lines]
        ax.set_yticks((ends[1:] + ends[:-1]) / 2, names, linespacing=1.25)
        ax.tick_params(axis="y", labelcolor=LIGHT["ink"], pad=7)
        ax.spines["bottom"].set_visible(False)

    def _sizes(self, width: float) -> tuple[float, float, list[float], list[list[str]]]:
        """Return the pixels of the names at the left, of the head, and of each row."""
        lines = [wrapped(name, 0.34 * width) for name in self.table.index]
        left = max(text_width(line) for one in lines for line in one) + EDGE + 14
        across = (width - left - 2 * EDGE) / max(len(self.table.columns), 1)
        head = max(len(wrapped(name, across - 8)) for name in self.table.columns) * 15 + 8
        return left, head, [CELL_ROW + 16 * (len(one) - 1) for one in lines], lines

    def _cell(
        self,
        chart: Chart,
        ax: Axes,
        place: tuple[int, int],
        ends: tuple[float, float],
        strong: float,
        across: float,
    ) -> None:
        (row, column), (up, down) = place, ends
        n = int(self.table.to_numpy()[row, column])
        name = f"{self.table.columns[column]}, {self.table.index[row]}"
        alpha = (_PALEST + (_STRONGEST - _PALEST) * strong) * chart.strength(name) if n else 0.45
        corner, width = (column + 1 / across, up + 1), 1 - 2 / across
        look: dict[str, Any] = {"color": LIGHT[self.kinds[row]] if n else LIGHT["grid"]}
        ax.add_artist(Rectangle(corner, width, down - up - 2, alpha=alpha, linewidth=0, **look))
        if n:
            look = {"ha": "center", "va": "center"}
            ax.text(column + 0.5, (up + down) / 2, f"{n:,}", **look)

    def _mark(
        self, chart: Chart, place: tuple[int, int], box: tuple[float, float, float, float]
    ) -> None:
        n = int(self.table.to_numpy()[place])
        if n:
            code, endpoint = self.table.index[place[0]], self.table.columns[place[1]]
            name = f"{endpoint}, {code}"
            chart.mark(Mark(name, f"{name}\n{counted(int(n), self.unit)}", box))
