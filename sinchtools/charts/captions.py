"""Say around a chart what it counts: how many, which period, source and filter."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sinchtools import analysis
from sinchtools.analysis.aggregations import Per, label
from sinchtools.analysis.frames import without_people
from sinchtools.charts.behind import IS_DATED
from sinchtools.charts.chart import Chart
from sinchtools.charts.style import INK, QUIET
from sinchtools.charts.words import one_line, percent, plain


@dataclass(frozen=True)
class Facts:
    """What a chart counts, and the rows themselves."""

    n: int
    failing: int
    unit: str
    period: str
    footer: str
    rows: Any
    left_out: str
    simulated: str

    @property
    def one(self) -> str:
        """The unit in the singular."""
        return self.unit[:-1]

    def titled(self, what: str, of: int | None = None) -> str:
        """Return a title: what, how many, how many of them fail, the period."""
        n = self.n if of is None else of
        failing = (
            f", {self.failing:,} failing ({percent(self.failing / self.n)})"
            if self.n and of is None and self.unit != "recipients"
            else ""
        )
        return f"{what}: {n:,} {self.unit if n != 1 else self.one}{failing}, {self.period}"


def facts_of(
    frame: Any, per: Per, source: str | None, filters: dict[str, Any], *, of_answers: bool = True
) -> Facts:
    """
    Return what is said around a chart, and the rows that it counts.

    It counts rows with a known response. A filter applies to calls, not to their attempts.
    """
    rows = analysis.filtered(analysis.calls(frame) if per == "call" else frame, **filters)
    given = getattr(rows, "attrs", {}).get("filters") or analysis.described(filters)
    overview = analysis.overview(rows, per="attempt")
    sources, not_known = (
        _sources(overview, source),
        int(overview["not_known"].iloc[0]) if of_answers else 0,
    )
    if not_known:
        rows = analysis.known(rows)
        overview = analysis.overview(rows, per="attempt")
    n, failing = (int(overview[name].iloc[0]) for name in ("n", "n_failing"))
    left_out = (
        f"{not_known:,} {per if not_known == 1 else f'{per}s'} with no known answer not counted"
        if not_known
        else ""
    )
    simulated = (
        "SIMULATED: answers of the sandbox are among these" if overview.attrs["simulated"] else ""
    )
    counted = "Automatic retries count as one call" if per == "call" else "Each attempt counts"
    said = (
        f"Source: {sources}",
        f"Filter: {'; '.join(map(plain, given)) or 'none'}",
        counted,
        left_out,
        simulated,
    )
    return Facts(
        n,
        failing,
        f"{per}s",
        _period(overview),
        ". ".join(filter(None, said)) + ".",
        rows,
        left_out,
        simulated,
    )


def _sources(overview: pd.DataFrame, source: str | None) -> str:
    files = overview.attrs["sources"]
    more = f" and {len(files) - 2:,} more" if len(files) > 2 else ""
    return (
        ", ".join(plain(without_people(name)) for name in ([source] if source else files[:2]))
        + more
        or "not known"
    )


def _period(overview: pd.DataFrame) -> str:
    since, until = overview[["since", "until"]].iloc[0]
    return (
        "time not known"
        if pd.isna(since)
        else f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    )


def started(title: str, facts: Facts, height: float, notes: Iterable[str] = ()) -> Chart:
    """Return a chart with its title, notes and footer, and nothing drawn yet."""
    lines = [
        line
        for text in (*filter(None, notes), facts.footer)
        for line in textwrap.wrap(one_line(text), 125)
    ]
    what, _, rest = title.partition(": ")
    chart = Chart(height=height + 0.14 * len(lines))
    chart.title, chart._rows = title, facts.rows
    heading = "\n".join([*textwrap.wrap(what, 95), *textwrap.wrap(rest, 95)])
    chart.suptitle(heading, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    chart.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=QUIET)
    return chart


def captioned(chart: Chart, facts: Facts, words: str) -> Chart:
    """
    Give the chart its description.

    Say what it is, what it shows, and what a reader must know about it.
    """
    chart.description = " ".join(
        [
            f"{chart.title}.",
            words,
            *(f"{more}." for more in (facts.left_out, facts.simulated) if more),
        ]
    )
    return chart


def nothing_to_show(title: str, facts: Facts, data: pd.DataFrame, sentence: str) -> Chart:
    """Return a chart that says in words why it is empty."""
    known = " with a known answer" if facts.left_out else ""
    sentence = sentence or f"Nothing to show: there are no {facts.unit}{known}."
    chart = started(title, facts, 2.4)
    ax = chart.subplots()
    ax.set_axis_off()
    chart._rows = analysis.where(facts.rows, IS_DATED & ~IS_DATED)
    ax.text(
        0.5, 0.5, sentence, ha="center", va="center", fontsize=12, color=INK, transform=ax.transAxes
    )
    chart.data = data
    return captioned(chart, facts, sentence)


def listing(counts: pd.DataFrame, unit: str, names: list[str] | None = None) -> str:
    """Return the three most frequent names with count and share, as a sentence."""
    names = names or [label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]
    told = [
        f"{plain(name)} {n:,} ({percent(share)})"
        for name, n, share in zip(names, counts["n"], counts["share"], strict=True)
    ][:3]
    more = f", and {len(counts) - 3:,} more" if len(counts) > 3 else ""
    return (
        f"Most often: {', '.join(told)}{more}."
        if told
        else f"There is nothing to count among the {unit}."
    )
