"""Say around a chart what it counts: how many, which period, source and filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sinchtools import analysis
from sinchtools.analysis.filters import without_people
from sinchtools.analysis.frames import Per
from sinchtools.analysis.results import label
from sinchtools.charts.behind import IS_DATED
from sinchtools.charts.chart import Around, Chart, Sentence
from sinchtools.charts.style import KINDS
from sinchtools.charts.words import percent, period, plain
from sinchtools.core.words import counted


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
    attempts: int = 0  # of the calls, where they are more

    @property
    def one(self) -> str:
        """The unit in the singular."""
        return self.unit[:-1]

    def around(
        self,
        heading: str,
        says: str = "",
        *,
        of: int | None = None,
        key: Iterable[str] = (),
        words: dict[str, str] | None = None,
        notes: Iterable[str] = (),
    ) -> Around:
        """
        Return what is written around a chart.

        The note says what is drawn, how many there are and of what period; the footer, where they
        come from. A key is needed only where colours differ.
        """
        n = self.n if of is None else of
        total = counted(n, self.one)
        if self.attempts and of is None and self.unit == "calls":
            total += f" ({counted(self.attempts, 'attempt')})"
        if n and of is None and self.unit != "recipients":
            total += f", {self.failing:,} failing ({percent(self.failing / n)})"
        when = f", {self.period}" if n else ""
        kinds = [kind for kind in KINDS if kind in set(key)]
        footer = tuple(filter(None, (*notes, self.footer)))
        key_of = tuple(kinds if len(kinds) > 1 else ())
        return Around(heading, f"{total}{when}.", says, footer, key_of, words or {})


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
        f"{not_known:,} {per if not_known == 1 else f'{per}s'} without a known response not counted"
        if not_known
        else ""
    )
    simulated = (
        "SIMULATED: includes responses of the sandbox" if overview.attrs["simulated"] else ""
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
        attempts if per == "call" and (attempts := overview.attrs["attempts"]) > n else 0,
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
    return "time not known" if pd.isna(since) else period(since, until)


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


def nothing_to_show(around: Around, facts: Facts, data: pd.DataFrame, sentence: str) -> Chart:
    """Return a chart that says in words why it is empty."""
    known = " with a known response" if facts.left_out else ""
    sentence = sentence or f"Nothing to show: there are no {facts.unit}{known}."
    chart = Chart(around, Sentence(sentence))
    chart._rows = analysis.where(facts.rows, IS_DATED & ~IS_DATED)
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
