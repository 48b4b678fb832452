"""The timeline: what it counts, whether it draws shares, and which changes it marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sinchtools import analysis
from sinchtools.analysis import results
from sinchtools.analysis.by_time import timeline_of
from sinchtools.analysis.frames import Per
from sinchtools.analysis.results import label, missing
from sinchtools.analysis.sentence import Pattern
from sinchtools.charts.behind import (
    END_OF_TIME,
    IS_CALL,
    IS_DATED,
    IS_FAILING,
    between,
    choice,
    choices_of,
    equals,
    fault_of,
    interval,
    of_times,
)
from sinchtools.charts.captions import Facts, captioned, facts_of, nothing_to_show
from sinchtools.charts.chart import Chart
from sinchtools.charts.style import KINDS, kind_of, styled
from sinchtools.charts.times import STEPS, Change, Times
from sinchtools.charts.words import ENOUGH, interval_in_words, moment
from sinchtools.core.words import counted

_MARKED = 3  # changes; more would hide the chart
_LARGE = 3000  # rows of pandas
_FEWEST = 24  # intervals, when they are made longer so that half of them have enough
_MANY = 48  # intervals, when they are made longer so that the quiet hours have enough too


@styled
def timeline(
    frame: Any,
    interval: str | None = None,
    *,
    per: Per = "call",
    successes: bool = False,
    top: int = 7,
    source: str | None = None,
    pattern: Pattern | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw the share of calls that fail per interval, stacked by whose fault it is.

    A strip below shows all calls. A line says since when a level changed, and what it was before.
    The title is the sentence of `analysis.pattern`. With few calls in an interval, failing calls
    are counted instead. Behind a mark are the failing calls of an interval or of a change.

    Parameters
    ----------
    interval
        Such as `1h`; None chooses one that suits the span.
    top
        So many codes have a series of their own in `data`; all others are folded into one.
    pattern
        What `analysis.pattern` found in these rows or more, if it is known already.
    frame, per, successes, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.timeline`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sinchtools import Exchange
    >>> at = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
    >>> timeline([Exchange(at=at, status=403)]).data[["status", "n"]].values.tolist()
    [[403, 1]]
    """
    facts = facts_of(frame, per, source, filters)
    binned, step = results.binned(facts.rows, interval, "attempt")
    if interval is None:
        binned, step = _with_enough(binned, step)
    drawn = binned if successes else binned[binned["outcome"].isin(analysis.FAILING)]
    pattern = pattern or pattern_of(facts.rows, per)
    changes = _changes(pattern, filters)
    counts = timeline_of(drawn, step, top, keep=[one["code"] for one in changes])
    heading, note = _said(facts, filters, step, successes)
    dated, drawn = (one[one["bucket"].notna() & one["outcome"].notna()] for one in (binned, drawn))
    undated = counts.attrs["undated"]
    notes = [f"{undated:,} without a time are not shown."] if undated else []
    if dated.empty or counts.empty:
        empty = "No failure has a time." if facts.failing else f"No {facts.one} failed."
        return nothing_to_show(
            facts.around(heading, notes=notes), facts, counts, empty if facts.n else ""
        )
    body = _body(facts, dated, drawn, changes, step)
    if not body.rates:
        heading = heading.replace("Share of", "Number of").replace("share of", "number of")
    if changes and changes[0]["place"] == 0:
        heading, note = pattern.sentence.rstrip("."), f"{heading}. {note}"
        body.is_said = len(changes) == 1
    chart = Chart(facts.around(heading, note, key=body.series, notes=notes), body)
    chart.data = counts.merge(
        pd.DataFrame({"start": body.starts, "calls": body.calls.astype("int64")}), on="start"
    )
    chart._rows = analysis.where(facts.rows, *([IS_CALL] if successes else [IS_FAILING]), IS_DATED)
    names = {one["name"]: one["rows"] for one in changes}
    chart.bars = of_times(counts, names, counts.groupby("start")["n"].sum(), step)
    chart.choices = {one["name"]: one["choice"] for one in changes} | choices_of(counts)
    return captioned(chart, facts, _seen(body, changes))


def _with_enough(binned: pd.DataFrame, step: int) -> tuple[pd.DataFrame, int]:
    """Return the counts in longer intervals, if only those have enough calls for a share."""
    known = binned[binned["bucket"].notna() & binned["outcome"].notna()]
    found = 0
    for seconds in STEPS:
        if seconds % step or known.empty:
            continue
        calls = known.groupby(known["bucket"] // (seconds // step))["n"].sum()
        if calls.index[-1] - calls.index[0] < (_MANY if found else _FEWEST):
            break
        found = seconds if calls.median() >= ENOUGH else found
        if calls.quantile(0.1) >= ENOUGH:  # one call of two at night would be a spike
            break
    if not found:
        return binned, step
    return binned.assign(bucket=binned["bucket"] // (found // step)), found


def _said(facts: Facts, filters: dict[str, Any], step: int, successes: bool) -> tuple[str, str]:
    """Return the heading and what the note says."""
    whose = filters.get("account")
    drawn = "by status" if successes else "that fail"
    what = f"Share of {facts.unit} {drawn}, per {interval_in_words(step)}"
    if isinstance(whose, str) and whose:
        what = f"{whose}: {what[0].lower()}{what[1:]}"
    return what, f"Grey strip: all {facts.unit}."


def _body(
    facts: Facts,
    dated: pd.DataFrame,
    drawn: pd.DataFrame,
    changes: list[dict[str, Any]],
    step: int,
) -> Times:
    """Return what is drawn: every interval from the first call to the last."""
    first, last = int(dated["bucket"].min()), int(dated["bucket"].max())
    buckets = pd.RangeIndex(first, last + 1)
    starts = pd.Series(pd.to_datetime(np.array(buckets) * step, unit="s", utc=True))
    calls = _per_bucket(dated, buckets)
    named = drawn[["status", "code", "outcome"]].drop_duplicates()
    keys = [*named.itertuples(index=False)]
    kinds = [kind_of(status, outcome) for status, _, outcome in keys]
    named = named.assign(label=[label(*key) for key in keys], kind=kinds)
    drawn = drawn.merge(named, on=["status", "code", "outcome"])
    series = {k: _per_bucket(drawn[drawn["kind"] == k], buckets) for k in KINDS if k in kinds}
    largest = drawn.groupby("label")["n"].sum().sort_values(ascending=False).index[:12]
    codes = {name: _per_bucket(drawn[drawn["label"] == name], buckets) for name in largest}
    failing = _per_bucket(dated[dated["outcome"].isin(analysis.FAILING)], buckets)
    is_drawn = np.sum(list(series.values()), axis=0) > 0
    spans = zip(starts, starts + pd.Timedelta(seconds=step), is_drawn, strict=True)
    names = [interval(start, end) if is_one else "" for start, end, is_one in spans]
    rates = float(np.median(calls[calls > 0])) >= ENOUGH
    marked = sorted((one["change"] for one in changes[:_MARKED]), key=lambda one: one.start)
    return Times(starts, step, calls, failing, series, codes, rates, facts.one, names, marked)


def _per_bucket(counts: pd.DataFrame, buckets: pd.RangeIndex) -> np.ndarray[Any, Any]:
    per = counts.groupby(counts["bucket"].astype("int64"))["n"].sum().reindex(buckets, fill_value=0)
    return per.to_numpy(dtype=float)


def _seen(body: Times, changes: list[dict[str, Any]]) -> str:
    """Return in words what the chart shows."""
    worst = int(np.argmax(body.failing))
    of = counted(int(body.calls[worst]), body.unit)
    peak = (
        f"The most in one interval: {int(body.failing[worst]):,} of {of} at "
        f"{moment(body.starts.iloc[worst])} UTC."
    )
    told = [
        f"{one['change'].name}: {one['change'].says} ({one['change'].before})."
        for one in changes[: 0 if body.is_said else _MARKED]
    ]
    return " ".join([peak, *told, *([] if changes else ["No change stands out."])])


# --- the changes ----------------------------------------------------------------------------------


def pattern_of(rows: Any, per: Per) -> Pattern:
    """Return the pattern of the rows; of many in pandas, DuckDB finds it several times faster."""
    is_large = isinstance(rows, pd.DataFrame) and len(rows) > _LARGE
    return analysis.pattern(analysis.in_memory(rows) if is_large else rows, per=per)


def _changes(pattern: Pattern, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes that concern what is drawn: its name, words, rows and filter."""
    return [
        {"place": place, **_change(one, filters)}
        for place, one in enumerate(pattern.changes.astype(object).to_dict("records"))
        if _concerns(one, filters)
    ]


def _concerns(one: dict[Any, Any], filters: dict[str, Any]) -> bool:
    since, until = (_moment_of(filters.get(name)) for name in ("since", "until"))
    start, end = (pd.Timestamp(one[name]).tz_convert(None) for name in ("start", "end"))
    if start >= until or end < since:
        return False
    given = None if missing(one["field"]) else filters.get(one["field"])
    return given is None or str(one["value"]) in ([given] if isinstance(given, str) else given)


def _moment_of(given: Any) -> Any:
    """Return a time in UTC without a zone; NaT when there is none."""
    at = pd.to_datetime(given, utc=True)
    return pd.NaT if at is None else at.tz_convert(None)


def _change(one: dict[Any, Any], filters: dict[str, Any]) -> dict[str, Any]:
    start, end = one["start"], None if missing(one["end"]) else one["end"]
    code = label(one["status"], one["code"])
    column = None if missing(one["field"]) else str(one["field"])
    is_drawn_alone = column is None or column in filters
    name = code if is_drawn_alone else f"{one['value']}: {code}"
    when = f"since {moment(start)}"
    if end is not None:
        is_same_day = start.date() == end.date()
        when = f"{moment(start)} to {f'{end:%H:%M}' if is_same_day else moment(end)}"
    change = Change(
        start,
        end,
        name,
        f"{_share(one['share_after'])} {when}",
        f"before: {_share(one['share_before'])} of {int(one['n_before']):,} calls",
        fault_of(one["status"], one["code"]),
        float(one["share_after"]) if is_drawn_alone else None,
        "" if is_drawn_alone else str(one["value"]),
    )
    until = END_OF_TIME if end is None else end
    inside = between(start, until) & equals("status", one["status"]) & equals("code", one["code"])
    says = choice(one["status"], one["code"]) | {"since": f"{start:%Y-%m-%dT%H:%M:%S}"}
    says |= {} if end is None else {"until": f"{end:%Y-%m-%dT%H:%M:%S}"}
    if column in ("account", "endpoint", "region") and not is_drawn_alone:
        inside &= equals(column, one["value"])
        says |= {} if column == "region" else {column: one["value"]}
    return {
        "code": code,
        "name": f"{name}, {when}",
        "change": change,
        "rows": inside,
        "choice": says,
    }


def _share(share: float) -> str:
    return "0%" if not share else "under 1%" if share < 0.01 else f"{share:.0%}"
