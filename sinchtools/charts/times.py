"""The chart over time: what fails above, all calls as a strip below, and where a level changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sinchtools.charts.chart import EDGE, Chart, Mark
from sinchtools.charts.style import LIGHT
from sinchtools.charts.words import day, moment, percent, text_width, wrapped
from sinchtools.core.words import counted

PLOT, STRIP, TICKS, LEFT = 210, 26, 24, 46  # pixels
GAP = 6  # pixels above the words of the changes
MARKED, _NUMBER = 16, 14  # pixels of a line about a change, and of the number before it
WIDE = 1000  # from here on the plot is higher
FEWEST = 12  # intervals that are drawn at least: one alone would be a wall
_ROUND = (0.01, 0.02, 0.04, 0.08, 0.12, 0.16, 0.2, 0.28, 0.4, 0.6, 0.8, 1.0)
STEPS = (60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)  # seconds between ticks
_DAYS = (1, 2, 4, 7, 14, 28, 91, 182, 364)


Words = list[tuple[str, bool]]  # of a line, and whether they are bold


@dataclass(frozen=True)
class Change:
    """A change of level: where it begins, where it ends (None while it lasts), and its words."""

    start: pd.Timestamp
    end: pd.Timestamp | None
    name: str
    says: str
    before: str
    kind: str = "request"
    level: float | None = None  # the share since then, where shares are drawn
    whose: str = ""  # the account or the like that it is of, where all of them are drawn

    def told(self, width: float, *, is_said: bool) -> list[Words]:
        """Return what is said of it in lines: name and level, and in grey what was before."""
        name = self.whose if is_said else self.name
        level = f"{name}: {self.says}" if name else self.says
        lines: list[Words] = [[(line, True)] for line in wrapped(level, width, weight="bold")]
        if _width([*lines[-1], (self.before, False)]) <= width:
            lines[-1].append((self.before, False))
        else:
            lines += [[(line, False)] for line in wrapped(self.before, width)]
        return lines


@dataclass
class Times:
    """
    What fails per interval, stacked by whose fault it is.

    Attributes
    ----------
    starts, step
        The intervals, and their seconds.
    calls, failing
        How many calls each has, and how many of them fail.
    series
        How many of them are drawn, by kind of the palette.
    codes
        How many of them, by status and code: for the pointer.
    rates
        Whether shares are drawn; counts where too few calls are in an interval.
    is_said
        Whether the title names the one change, so that beside its line a short name is enough.
    """

    starts: pd.Series[pd.Timestamp]
    step: int
    calls: NDArray[np.float64]
    failing: NDArray[np.float64]
    series: dict[str, NDArray[np.float64]]
    codes: dict[str, NDArray[np.float64]]
    rates: bool
    unit: str
    names: Sequence[str]  # of each interval in `Chart.bars`; empty where nothing failed
    changes: Sequence[Change] = field(default_factory=list)
    is_said: bool = False

    def height(self, width: float) -> float:
        """Return the pixels of plot, strip and axis."""
        ticks = TICKS + (16 if self._is_within_days(width) else 0)
        return self._band(width) + self._plot(width) + STRIP + ticks + 10

    def draw(self, chart: Chart, top: float) -> None:
        """Draw the stack, the strip and the axis, and mark the changes."""
        plot, left = self._plot(chart.pixels[0]), LEFT
        inner = chart.pixels[0] - left - 2 * EDGE
        words, top = top + GAP if self.changes else top, top + self._band(chart.pixels[0])
        edges = self._edges()
        first, last = self._limits(edges)
        ax = chart.axes_at(left, top + 6, inner, plot)
        strip = chart.axes_at(left, top + 14 + plot, inner, STRIP)
        for one in (ax, strip):
            one.set(xlim=(first, last), xticks=[])
        self._stack(chart, ax, edges)
        _steps(strip, self.calls, edges, fill=True, color=LIGHT["ok"], linewidth=0)
        strip.set(ylim=(0, max(self.calls.max(), 1)), yticks=[])
        strip.spines["bottom"].set_color(LIGHT["muted"])
        self._ticks(strip, first, last, inner)
        if self.changes:
            self._mark_changes(chart, ax, words, (left, inner))
        self._mark(chart, (first, last), left, top, inner, plot)

    def _plot(self, width: float) -> int:
        return PLOT + 100 if width >= WIDE else PLOT

    def _edges(self) -> NDArray[np.float64]:
        """Return the ends of the intervals in seconds since 1970."""
        seconds = self.starts.dt.tz_convert(None).to_numpy("datetime64[s]").astype("int64")
        return np.append(seconds, seconds[-1] + self.step).astype(float)

    def _limits(self, edges: NDArray[np.float64]) -> tuple[float, float]:
        missing = max(FEWEST - len(self.starts), 0)
        before = self.step * (missing // 2)
        return edges[0] - before, edges[-1] + self.step * missing - before

    # --- the stack --------------------------------------------------------------------------------

    def _stack(self, chart: Chart, ax: Axes, edges: NDArray[np.float64]) -> None:
        base = np.zeros(len(self.starts))
        for kind, n in self.series.items():
            height = self._drawn(n)
            self._series(chart, ax, edges, kind, base, height)
            base = base + height
        if self.rates:
            ticks = _share_ticks(base.max())
            ax.set(ylim=(0, ticks[-1] * 1.03), yticks=ticks)
            ax.set_yticklabels([f"{100 * t:g}" for t in ticks[:-1]] + [f"{100 * ticks[-1]:g}%"])
        else:
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            ax.set_ylim(0, max(base.max(), 1) * 1.05)
        ax.tick_params(axis="y", pad=2.5)
        ax.grid(axis="y")

    def _drawn(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        return n / np.maximum(self.calls, 1) if self.rates else n

    def _series(
        self,
        chart: Chart,
        ax: Axes,
        edges: NDArray[np.float64],
        kind: str,
        base: NDArray[np.float64],
        height: NDArray[np.float64],
    ) -> None:
        """Draw one series: full, or the one in question as a light body under a full edge."""
        colour, is_light = LIGHT[kind], self._is_light(kind)
        look: dict[str, Any] = {"color": colour, "linewidth": 0, "alpha": 0.32 if is_light else 1}
        body = _steps(ax, base + height, edges, baseline=base, fill=True, label=kind, **look)
        chart.hatch(body, kind)
        if is_light:
            seen = (height > 0) | (self._is_since(edges, kind) & (self.calls > 0))
            tops = np.where(seen, base + height, np.nan)
            _steps(ax, tops, edges, baseline=base, fill=False, color=colour, linewidth=1.3)

    def _is_light(self, kind: str) -> bool:
        """Whether a series is in question: it changes its level, or is a wall all the time."""
        if self.changes:
            return any(change.kind == kind for change in self.changes)
        drawn = {name: self._drawn(n) for name, n in self.series.items()}
        top = float(np.sum(list(drawn.values()), axis=0).max())
        return len(self.starts) > 2 * FEWEST and float(drawn[kind].mean()) > 0.4 * top

    def _is_since(self, edges: NDArray[np.float64], kind: str) -> NDArray[np.bool_]:
        """Return for each interval whether a change of a series lasts in it."""
        found = np.zeros(len(self.starts), dtype=bool)
        for change in self.changes:
            if change.kind == kind:
                until = change.end.timestamp() if change.end is not None else np.inf
                found |= (edges[1:] > change.start.timestamp()) & (edges[:-1] < until)
        return found

    # --- time -------------------------------------------------------------------------------------

    def _is_within_days(self, width: float) -> bool:
        first, last = self._limits(self._edges())
        return _tick_step(last - first, width - 60) < 86_400

    def _ticks(self, ax: Axes, first: float, last: float, inner: float) -> None:
        """Label the axis with days of the week, and within days with times."""
        step = _tick_step(last - first, inner)
        places: list[float] = []
        words: list[str] = []
        for at in _tick_places(first, last, step):
            time = pd.Timestamp(at, unit="s")
            if step >= 86_400:
                says = day(time)
            else:
                is_first = not places or time.hour * 60 + time.minute == 0
                says = f"{time:%H:%M}\n{day(time)}" if is_first else f"{time:%H:%M}"
            wide = max(map(text_width, says.split("\n")))
            if (at - first) / (last - first) * inner + wide <= inner + 12:
                places.append(at)
                words.append(says)
        if len(words) > 1 and "\n" in words[0]:  # a day that ends soon has no room for its name
            midnight = next((i for i, says in enumerate(words) if i and "\n" in says), 0)
            room = (places[midnight] - places[0]) / (last - first) * inner
            if 0 < room < text_width(day(pd.Timestamp(places[0], unit="s"))) + 12:
                words[0] = words[0].partition("\n")[0]
        ax.set_xticks(places, words, ha="left", linespacing=1.3)
        ax.tick_params(axis="x", pad=4)

    def _mark_changes(self, chart: Chart, ax: Axes, top: float, place: tuple[float, float]) -> None:
        """Mark where each change begins; several have numbers, and their words are above."""
        left, inner = place
        first, last = ax.get_xlim()
        starts = [min(max(one.start.timestamp(), first), last) for one in self.changes]
        for start in starts:
            ax.axvline(start, color=LIGHT["ink"], linewidth=1.4)
        places = [left + (start - first) / (last - first) * inner for start in starts]
        if len(self.changes) == 1:
            self._draw_level(ax, self.changes[0], starts[0], last)
            told = self.changes[0].told(inner, is_said=self.is_said)
            wide = max(_width(line) for line in told)
            x = places[0] if places[0] + wide <= left + inner else places[0] - wide
            _write(chart, told, min(max(x, left), left + inner - wide), top)
            return
        for i, change in enumerate(self.changes):
            chart.write_at(left, top, f"{i + 1}", weight="bold")
            told = change.told(inner - _NUMBER, is_said=False)
            _write(chart, told, left + _NUMBER, top)
            top += MARKED * len(told)
        for i, x in enumerate(_apart(places, left, left + inner)):
            chart.write_at(x, top, f"{i + 1}", weight="bold", ha="center")

    def _draw_level(self, ax: Axes, change: Change, start: float, last: float) -> None:
        if change.level is not None and self.rates:
            end = min(change.end.timestamp(), last) if change.end is not None else last
            look: dict[str, Any] = {"color": LIGHT["ink"], "linewidth": 1.4}
            ax.plot((start, end), (change.level, change.level), linestyle=(0, (4, 3)), **look)

    def _band(self, width: float) -> float:
        """Return the pixels above the plot that the words of the changes need."""
        inner = width - LEFT - 2 * EDGE
        if not self.changes:
            return 0
        is_numbered = len(self.changes) > 1
        wide = inner - _NUMBER if is_numbered else inner
        lines = sum(len(one.told(wide, is_said=self.is_said)) for one in self.changes)
        return GAP + MARKED * (lines + 1 if is_numbered else lines)

    def _mark(
        self,
        chart: Chart,
        limits: tuple[float, float],
        left: float,
        top: float,
        inner: float,
        plot: float,
    ) -> None:
        edges, (first, last) = self._edges(), limits
        scale = inner / (last - first)
        for i, start in enumerate(self.starts):
            if self.calls[i]:
                at = left + (edges[i] - first) * scale
                box = (at, top, self.step * scale, plot + STRIP + 14)
                span = (edges[i], edges[i + 1])
                chart.mark(Mark(self.names[i], self._words(i, start), box, span))

    def _words(self, i: int, start: pd.Timestamp) -> str:
        end = start + pd.Timedelta(seconds=self.step)
        until = f"{end:%H:%M}" if self.step < 86_400 else moment(end)
        failing = self.failing[i]
        of = counted(int(self.calls[i]), self.unit)
        lines = [f"{moment(start)} to {until} UTC"]
        lines += [f"{int(failing):,} of {of} ({percent(failing / self.calls[i])})"]
        lines += [f"{name}: {int(n[i]):,}" for name, n in self.codes.items() if n[i]][:4]
        return "\n".join(lines)


def _width(line: Words) -> float:
    gaps = 8 * (len(line) - 1)
    return sum(text_width(one, weight="bold" if b else "normal") for one, b in line) + gaps


def _write(chart: Chart, lines: list[Words], left: float, top: float) -> None:
    for i, line in enumerate(lines):
        x = left
        for words, is_bold in line:
            look = {"weight": "bold"} if is_bold else {"color": LIGHT["muted"]}
            chart.write_at(x, top + MARKED * i, words, **look)
            x += _width([(words, is_bold)]) + 8


def _apart(places: list[float], first: float, last: float) -> list[float]:
    """Return ascending places, moved so that a number has room at each."""
    moved: list[float] = []
    for i, place in enumerate(places):
        room = last - _NUMBER * (len(places) - i - 1)
        moved.append(min(max(place, moved[-1] + _NUMBER if moved else first), room))
    return moved


def _steps(ax: Axes, values: Any, edges: Any, **look: Any) -> StepPatch:
    """Draw steps as `Axes.stairs` does, without a search for limits that are set anyway."""
    return ax.add_artist(StepPatch(values, edges, **look))  # type: ignore[return-value]


def _share_ticks(top: float) -> list[float]:
    """Return the ticks of shares: five of them, up to the next round share."""
    most = next(t for t in _ROUND if top <= t or t == 1.0)
    return [most * i / 4 for i in range(5)]


def _tick_step(seconds: float, pixels: float) -> int:
    """Return the seconds between ticks, so that their labels have room."""
    fits = max(int(pixels / 86), 1)
    for step in STEPS:
        if seconds / step <= max(int(pixels / 62), 2) and seconds < 2.5 * 86_400:
            return step
    return next((86_400 * n for n in _DAYS if seconds / 86_400 / n <= fits), 86_400 * _DAYS[-1])


def _tick_places(first: float, last: float, step: int) -> NDArray[np.float64]:
    # weeks begin on a Monday: 1970-01-01 was a Thursday
    offset = 4 * 86_400 if step % (7 * 86_400) == 0 else 0
    start = np.ceil((first - offset) / step) * step + offset
    return np.arange(start, last, step)
