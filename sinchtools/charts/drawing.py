"""Draw bars, stacks, grids and points on the axes of a chart."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import offset_copy

from sinchtools.analysis.aggregations import label
from sinchtools.charts.captions import Facts, nothing_to_show, started
from sinchtools.charts.chart import Chart
from sinchtools.charts.style import INK, OUTCOMES, QUIET, REST, SERIES, SHADES, readable_on
from sinchtools.charts.words import duration, is_folded, percent, plain, wrapped


def bars(
    title: str,
    counts: pd.DataFrame,
    facts: Facts,
    *,
    nothing: str,
    words: dict[str, tuple[str, str, str]] = OUTCOMES,
) -> Chart:
    """Return a chart of one bar for each row of the counts."""
    if counts.empty:
        return nothing_to_show(title, facts, counts, nothing)
    names = [wrapped(name, 40) for name in counts["label"]]
    chart = started(title, facts, height_of(names) + 0.25)
    ax = chart.subplots()
    y, n = places(names), counts["n"].to_numpy(dtype=float)
    outcomes = ["rest" if pd.isna(outcome) else outcome for outcome in counts["outcome"]]
    for place, width, outcome in zip(y, n, outcomes, strict=True):
        _, colour, hatch = words.get(outcome, ("", *REST))
        ax.barh(place, width, height=0.24, color=colour, hatch=hatch, edgecolor=INK, linewidth=0.6)
    beside(
        ax,
        y,
        names,
        n,
        [f"{int(k):,} ({percent(share)})" for k, share in zip(n, counts["share"], strict=True)],
    )
    kinds = [
        Patch(facecolor=c, hatch=h, edgecolor=INK, linewidth=0.6, label=word)
        for key, (word, c, h) in words.items()
        if key in outcomes
    ]
    if kinds:
        key(ax, kinds, [str(kind.get_label()) for kind in kinds])
    return chart


def places(names: list[str]) -> np.ndarray[Any, Any]:
    """
    Return the middle of each row, the first on top.

    A row takes as much height as its name has lines.
    """
    heights = [0.22 + 0.165 * (name.count("\n") + 1) for name in names]
    return np.array([sum(heights[:i]) + h / 2 for i, h in enumerate(heights)])


def height_of(names: list[str]) -> float:
    """Return the inches that a chart with these rows needs."""
    return 1.15 + sum(0.22 + 0.165 * (name.count("\n") + 1) for name in names)


def beside(
    ax: Axes,
    y: np.ndarray[Any, Any],
    names: list[str],
    ends: np.ndarray[Any, Any],
    texts: list[str],
    points_off: int = 6,
) -> None:
    """Name the rows of a bar chart, and write a text beside each bar."""
    ax.set_yticks(y, names)
    ax.set_ylim(max(y[-1] * 2 - (y[-2] if len(y) > 1 else 0), 0.4) if len(y) > 1 else y[0] * 2, 0)
    ax.set_xlim(0, (ends.max() or 1) * (1.12 + 0.012 * max(map(len, texts))))
    for end, place, text in zip(ends, y, texts, strict=True):
        ax.annotate(
            text,
            (end, place),
            xytext=(points_off, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            annotation_clip=False,
        )
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.xaxis.set_visible(False)
    ax.tick_params(axis="y", length=0)


def points(ax: Axes, names: list[str], quantiles: np.ndarray[Any, Any], texts: list[str]) -> None:
    """Draw three quantiles of each row."""
    y = places(names)
    ax.hlines(y, quantiles[:, 0], quantiles[:, 2], color=QUIET, linewidth=1.4, zorder=1)
    for column, (name, marker, colour) in enumerate(
        (("median", "o", "#0072B2"), ("90 %", "s", "#E69F00"), ("99 %", "D", "#D55E00"))
    ):
        ax.scatter(
            quantiles[:, column],
            y,
            marker=marker,
            s=38,
            color=colour,
            edgecolor=INK,
            linewidth=0.6,
            label=name,
            zorder=2,
        )
    beside(ax, y, names, quantiles[:, 2], texts, points_off=10)
    ax.xaxis.set_visible(True)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("milliseconds")
    key(ax, *ax.get_legend_handles_labels(), inches_below=0.5)


def key(ax: Axes, handles: list[Any], labels: list[str], inches_below: float = 0.0) -> None:
    """Name the colours below the axes."""
    corner = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-inches_below)
    ax.legend(
        handles,
        labels,
        loc="upper right",
        bbox_to_anchor=(1, 0),
        bbox_transform=corner,
        borderaxespad=0.2,
        ncols=len(labels),
        frameon=False,
    )


def legend(counts: pd.DataFrame) -> list[str]:
    """Return the names of the series, with their counts."""
    sums: Any = counts.groupby(["status", "code"], dropna=False, sort=False)["n"].sum()
    return [f"{wrapped(label(*key), 26)}: {n:,}" for key, n in sums.items()]


def stack(ax: Axes, counts: pd.DataFrame, step: int, names: list[str]) -> None:
    """Draw the counts of each interval, one series on the other."""
    starts = counts["start"].drop_duplicates()
    naive = starts.dt.tz_convert(None)
    edges = _days(
        np.append(naive.to_numpy(), (naive.iloc[-1:] + pd.Timedelta(seconds=step)).to_numpy())
    )
    series: Any = counts.groupby([counts["status"], counts["code"]], dropna=False, sort=False)["n"]
    base = np.zeros(len(starts))
    outline = 0.3 if len(starts) <= 60 else 0.0  # of narrow steps only the outline would be seen
    for i, ((status, code), n) in enumerate(series):
        colour, hatch = REST if is_folded(status, code) else SERIES[i % len(SERIES)]
        values = n.to_numpy(dtype=float)
        ax.stairs(
            base + values,
            edges,
            baseline=base,
            fill=True,
            color=colour,
            hatch=hatch,
            edgecolor=INK,
            linewidth=outline,
            label=names[i],
        )
        base = base + values
    ax.set_ylim(0, (base.max() or 1) * 1.12)
    ax.set_xlim(edges[0], edges[-1])


def mark(ax: Axes, spikes: pd.DataFrame) -> None:
    """Mark the spikes with numbers above the axes."""
    starts, ends = (_days(spikes[name].dt.tz_convert(None).to_numpy()) for name in ("start", "end"))
    least = 0.012 * (
        ax.get_xlim()[1] - ax.get_xlim()[0]
    )  # a box around one narrow step would hide it
    for i, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        beside = max(0.0, least - (end - start)) / 2
        ax.axvspan(
            start - beside,
            end + beside,
            facecolor="none",
            edgecolor=INK,
            linewidth=0.9,
            linestyle=(0, (3, 2)),
        )
        above: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "xytext": (0, 2),
            "textcoords": "offset points",
        }
        ax.annotate(
            f"{i}", ((start + end) / 2, 1), ha="center", va="bottom", fontweight="bold", **above
        )


def _days(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(dates.date2num(times.astype("datetime64[us]")))  # type: ignore[no-untyped-call]  # the unit of a time axis


def time_axis(ax: Axes, step: int) -> None:
    """Label the axes of a chart over time."""
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("UTC")
    ax.set_ylabel(f"per {duration(step)}")
    ax.spines[["top", "right"]].set_visible(False)


def matrix(title: str, facts: Facts, table: pd.DataFrame) -> Chart:
    """Return a chart of a table of counts."""
    down = [wrapped(e, 34) for e in table.index]
    slanted = all(len(plain(c)) <= 36 for c in table.columns)
    across = [
        plain(c) if slanted else wrapped(c, max(24, max(map(len, map(plain, table.columns))) // 3))
        for c in table.columns
    ]
    longest = max(len(line) for name in across for line in name.split("\n"))
    chart = started(
        title,
        facts,
        1.5
        + longest * (0.045 if slanted else 0.085)
        + 0.17 * sum(d.count("\n") + 1.6 for d in down),
    )
    ax = chart.subplots()
    grid(
        ax,
        table.to_numpy(dtype=float),
        [[f"{n:,}" if n else "" for n in row] for row in table.to_numpy()],
        size=9,
    )
    turned: dict[str, Any] = (
        {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
        if slanted
        else {"rotation": 90, "ha": "center"}
    )
    ax.set_xticks(np.arange(len(across)) + 0.5, across, **turned)
    ax.xaxis.tick_top()
    ax.set_yticks(np.arange(len(down)) + 0.5, down)
    return chart


def grid(ax: Axes, values: np.ndarray[Any, Any], texts: list[list[str]], size: float) -> None:
    """Draw a table as coloured cells with a text in each."""
    scaled = np.sqrt(values / (values.max() or 1))
    ax.pcolormesh(scaled, cmap=SHADES, vmin=0, vmax=1, edgecolors="#BDBDBD", linewidth=0.5)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            colour = readable_on(SHADES(scaled[row, column])[:3])
            ax.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, color=colour
            )
    ax.xaxis.set_major_locator(mpl.ticker.NullLocator())
    ax.set_xlim(0, values.shape[1])
    ax.set_ylim(values.shape[0], 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
