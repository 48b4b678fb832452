"""The seven charts: each turns a frame into a figure that says what it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sinchtools import analysis
from sinchtools.analysis import results
from sinchtools.analysis.aggregations import Per, label, timeline_of
from sinchtools.charts.behind import (
    IS_DATED,
    IS_FAILING,
    IS_REPORT,
    IS_SUCCESS,
    IS_TIMED,
    equals,
    of_codes,
    of_hours,
    of_names,
    of_times,
    reports_of,
    spikes_at,
    with_rest,
)
from sinchtools.charts.captions import captioned, facts_of, listing, nothing_to_show, started
from sinchtools.charts.chart import Chart
from sinchtools.charts.drawing import (
    bars,
    beside,
    grid,
    height_of,
    key,
    legend,
    mark,
    matrix,
    places,
    points,
    stack,
    time_axis,
)
from sinchtools.charts.style import DELIVERIES, INK, OUTCOMES, styled
from sinchtools.charts.words import (
    NO_ACCOUNT,
    NO_ENDPOINT,
    WEEKDAYS,
    delivery_outcome,
    duration,
    folded_names,
    ordered,
    percent,
    plain,
    spike_in_words,
    wrapped,
)


@styled
def error_codes(
    frame: Any,
    *,
    per: Per = "call",
    successes: bool = False,
    top: int = 20,
    source: str | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw how often each status and code came, as sorted bars; the shares are of all calls.

    Parameters
    ----------
    frame
        A frame, exchanges, or what has a `.frame()`, as in `analysis.codes`.
    per
        `call`: automatic retries count as one, the last; `attempt`: each counts.
    successes
        Whether successes have a bar too.
    top
        So many bars; all others are folded into one, `other (k codes)`.
    source
        What the footer names as source; None takes the file names in the frame.
    **filters
        As in `analysis.filtered`; the footer names them.
    """
    facts = facts_of(frame, per, source, filters)
    counts = analysis.codes(facts.rows, per="attempt", successes=successes, top=top)
    chart = bars(
        facts.titled("Status and error codes" if successes else "Error codes"),
        counts.assign(
            label=[label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]
        ),
        facts,
        nothing=f"No {facts.one} failed." if facts.n else "",
    )
    chart.data = counts
    chart._rows = facts.rows if successes else analysis.where(facts.rows, ~IS_SUCCESS)
    chart.bars = with_rest(of_codes(counts))
    return captioned(chart, facts, listing(counts, facts.unit))


@styled
def timeline(
    frame: Any,
    interval: str | None = None,
    *,
    per: Per = "call",
    successes: bool = False,
    top: int = 7,
    source: str | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw how many rows of each status and code came per interval, stacked.

    Spikes are marked and listed.

    Parameters are those of `error_codes`, and `interval` such as `1h`; None chooses one that suits
    the span.
    """
    facts = facts_of(frame, per, source, filters)
    drawn = facts.rows if successes else analysis.where(facts.rows, IS_FAILING)
    binned, step = results.binned(drawn, interval, "attempt")
    found = spikes_at(facts.rows, step).head(5)
    counts = timeline_of(
        binned,
        step,
        top,
        keep=[label(s, c) for s, c in zip(found["status"], found["code"], strict=True)],
    )
    title = facts.titled(
        f"{'Status and error' if successes else 'Error'} codes per {duration(step)}"
    )
    if counts.empty:
        return nothing_to_show(
            title,
            facts,
            counts,
            ""
            if not facts.n
            else "No failure has a time."
            if facts.failing
            else f"No {facts.one} failed.",
        )
    spikes = [
        f"Spike {i}: {spike_in_words(spike)}" for i, spike in enumerate(found.to_dict("records"), 1)
    ]
    undated = (
        f"{counts.attrs['undated']:,} without a time are not shown."
        if counts.attrs["undated"]
        else ""
    )
    names = legend(counts)
    key = sum(0.1 + 0.155 * (name.count("\n") + 1) for name in names)
    chart = started(
        title, facts, max(4.6, 1.4 + key) + 0.16 * len(spikes), notes=[*spikes, undated]
    )
    ax = chart.subplots()
    stack(ax, counts, step, names)
    mark(ax, found)
    time_axis(ax, step)
    stacked = [part[::-1] for part in ax.get_legend_handles_labels()]
    ax.legend(
        *stacked,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        frameon=False,
        fontsize=8.5,
        handlelength=2.2,
        handleheight=1.4,
        labelspacing=0.7,
    )
    chart.data = counts
    highest = counts.groupby("start")["n"].sum()
    chart._rows = analysis.where(drawn, IS_DATED)
    chart.bars = of_times(counts, found, highest, step)
    peak = f"The most in one interval: {highest.max():,} at {highest.idxmax():%Y-%m-%d %H:%M} UTC."
    return captioned(
        chart,
        facts,
        " ".join([peak, *(f"{spike}." for spike in spikes[:3] or ["No spike stands out"])]),
    )


@styled
def heatmap(frame: Any, *, per: Per = "call", source: str | None = None, **filters: Any) -> Chart:
    """
    Draw at which hour and weekday (UTC) rows failed.

    A cell without any row is told from one without a failure.
    """
    facts = facts_of(frame, per, source, filters)
    cells = analysis.heatmap(facts.rows, per="attempt")
    title = facts.titled(f"Failing {facts.unit} by weekday and hour (UTC)")
    if cells.empty:
        return nothing_to_show(title, facts, cells, "No row has a time." if facts.n else "")
    failing = cells["n_failing"].to_numpy(dtype=float).reshape(7, 24)
    seen = cells["n"].to_numpy(dtype=float).reshape(7, 24)
    undated = (
        f"{cells.attrs['undated']:,} without a time are not shown."
        if cells.attrs["undated"]
        else ""
    )
    chart = started(title, facts, 4.2, notes=[f"A dot: no {facts.one} at all.", undated])
    ax = chart.subplots()
    grid(
        ax,
        failing,
        [
            [f"{int(f):,}" if n else "·" for f, n in zip(*pair, strict=True)]
            for pair in zip(failing, seen, strict=True)
        ],
        size=8,
    )
    ax.set_xticks(np.arange(24) + 0.5, [f"{hour:02}" for hour in range(24)])
    ax.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
    ax.set_xlabel("hour, UTC")
    chart.data = cells
    worst = cells.sort_values(["n_failing", "weekday", "hour"], ascending=[False, True, True]).iloc[
        0
    ]
    when = f"{WEEKDAYS[int(worst['weekday']) - 1]} {int(worst['hour']):02}:00"
    chart._rows, chart.bars = analysis.where(facts.rows, IS_FAILING, IS_DATED), of_hours(cells)
    return captioned(
        chart,
        facts,
        f"Most failures: {int(worst['n_failing']):,} of {int(worst['n']):,} {facts.unit} "
        f"on {when} UTC.",
    )


@styled
def endpoints(
    frame: Any, *, per: Per = "call", top: int = 12, source: str | None = None, **filters: Any
) -> Chart:
    """Draw a matrix of endpoint by status and code with the count in each cell."""
    facts = facts_of(frame, per, source, filters)
    counts = analysis.matrix(facts.rows, "endpoint", per="attempt")
    title = facts.titled("Endpoints by status and code")
    if counts.empty:
        return nothing_to_show(title, facts, counts, "")
    codes = of_codes(counts)
    counts = counts.assign(
        endpoint=folded_names(
            counts["endpoint"].fillna(NO_ENDPOINT), counts["n"], top, "endpoints"
        ),
        label=folded_names(
            pd.Series([label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]),
            counts["n"],
            9,
            "codes",
        ),
    )
    table = counts.pivot_table(
        index="endpoint", columns="label", values="n", aggfunc="sum", fill_value=0, sort=False
    ).astype("int64")
    table = table.loc[ordered(table.sum(axis=1)), ordered(table.sum(axis=0))]
    chart = matrix(title, facts, table)
    chart.data = table.reset_index()
    chart.data.columns.name = None
    rows, columns = (
        with_rest(of_names("endpoint", table.index, NO_ENDPOINT)),
        with_rest({name: codes.get(name) for name in table.columns}),
    )
    cells: Any = pd.Series(table.stack()).sort_values(ascending=False, kind="stable")
    chart.bars = {
        f"{row}, {column}": rows[row] & columns[column] for row, column in cells[cells > 0].index
    }
    told = [
        f"{plain(name)}: {row.sum():,}, most often {plain(row.idxmax())}"
        for name, row in table.head(3).iterrows()
    ]
    return captioned(chart, facts, f"{'; '.join(told)}.")


@styled
def accounts(
    frame: Any, *, per: Per = "call", top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """Draw for each account (service plan or project) how many rows failed and how many did not."""
    facts = facts_of(frame, per, source, filters)
    counts = analysis.accounts(facts.rows, per="attempt")
    title = facts.titled("Accounts")
    if counts.empty:
        return nothing_to_show(title, facts, counts, "")
    named = counts.assign(
        account=folded_names(counts["account"].fillna(NO_ACCOUNT), counts["n"], top, "accounts")
    )
    summed = named.groupby("account", sort=False)[["n", "n_failing"]].sum()
    summed = summed.loc[ordered(summed["n"])].reset_index()
    names = [wrapped(a, 34) for a in summed["account"]]
    chart = started(title, facts, height_of(names))
    ax = chart.subplots()
    failing, rest = (
        summed["n_failing"].to_numpy(dtype=float),
        (summed["n"] - summed["n_failing"]).to_numpy(dtype=float),
    )
    y = places(names)
    ax.barh(
        y,
        failing,
        height=0.24,
        color=OUTCOMES["sinch_error"][1],
        hatch="xx",
        edgecolor=INK,
        linewidth=0.6,
        label="failing",
    )
    ax.barh(
        y,
        rest,
        left=failing,
        height=0.24,
        color=OUTCOMES["success"][1],
        edgecolor=INK,
        linewidth=0.6,
        label="not failing",
    )
    texts = [
        f"{int(f):,} of {int(n):,} failing ({percent(f / n)})"
        for f, n in zip(summed["n_failing"], summed["n"], strict=True)
    ]
    beside(ax, y, names, failing + rest, texts)
    key(ax, *ax.get_legend_handles_labels())
    chart.data = summed.assign(share_failing=summed["n_failing"] / summed["n"])
    bars = with_rest(of_names("account", summed["account"], NO_ACCOUNT))
    chart.bars = {f"{name}, failing": bar & IS_FAILING for name, bar in bars.items()} | bars
    return captioned(
        chart,
        facts,
        "; ".join(
            f"{plain(a)}: {t}" for a, t in list(zip(summed["account"], texts, strict=True))[:3]
        )
        + ".",
    )


@styled
def latency(
    frame: Any, *, per: Per = "attempt", top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw the median, 90 % and 99 % quantile of the duration by endpoint and code.

    The chart shows the rows with the most values.
    """
    facts = facts_of(frame, per, source, filters)
    table = analysis.latency(facts.rows, per="attempt")
    title = facts.titled("Duration by endpoint and code", of=int(table["n"].sum()))
    if table.empty:
        return nothing_to_show(title, facts, table, "No row has a duration." if facts.n else "")
    shown = table.head(top)
    routes = [wrapped(route, 40) for route in shown["endpoint"].fillna("no known route")]
    names = [
        f"{route}\n{wrapped(label(s, c), 40)}"
        for route, s, c in zip(routes, shown["status"], shown["code"], strict=True)
    ]
    left_out = (
        f"{len(table) - len(shown):,} more combinations are in the data only."
        if len(table) > len(shown)
        else ""
    )
    chart = started(title, facts, height_of(names) + 0.4, notes=[left_out])
    quantiles = shown[["p50_ms", "p90_ms", "p99_ms"]].to_numpy(dtype=float)
    texts = [
        f"{a:,.0f} / {b:,.0f} / {c:,.0f} ms, n {n:,}"
        for (a, b, c), n in zip(quantiles, shown["n"], strict=True)
    ]
    points(chart.subplots(), names, quantiles, texts)
    chart.data = table
    flat = [name.replace("\n", ", ") for name in names]
    keys = zip(flat, shown["endpoint"], shown["status"], shown["code"], strict=True)
    chart.bars = {
        name: equals("endpoint", e) & equals("status", s) & equals("code", c)
        for name, e, s, c in keys
    }
    chart._rows = analysis.where(facts.rows, IS_TIMED)
    return captioned(
        chart,
        facts,
        "Median / 90 % / 99 %: "
        + "; ".join(f"{a}: {t}" for a, t in list(zip(flat, texts, strict=True))[:3])
        + ".",
    )


@styled
def delivery_codes(
    frame: Any, *, top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw how many recipients have each delivery code.

    The counts come from the delivery reports among the responses.
    """
    facts = facts_of(frame, "attempt", source, filters, of_answers=False)
    counts = analysis.delivery_codes(facts.rows)
    footer = facts.footer.replace(
        "Each attempt counts", "Each recipient counts once, as last reported"
    )
    facts = replace(facts, n=int(counts["n"].sum()), failing=0, unit="recipients", footer=footer)
    names = [
        " ".join(str(part) for part in row if not pd.isna(part)) or "no code"
        for row in counts[["code", "status"]].itertuples(index=False)
    ]
    drawn = folded_names(pd.Series(names, dtype=object), counts["n"], top, "codes")
    shown = counts.assign(label=drawn, outcome=delivery_outcome(counts["code"]))
    shown = shown.groupby("label", sort=False, as_index=False).agg(
        {"n": "sum", "share": "sum", "outcome": "first"}
    )
    shown = (
        shown.set_index("label").loc[ordered(shown.set_index("label")["n"])].reset_index()
        if len(shown)
        else shown
    )
    chart = bars(
        facts.titled("Delivery codes"),
        shown,
        facts,
        nothing="The evidence has no delivery report with a code.",
        words=DELIVERIES,
    )
    chart.data = counts
    chart._rows = analysis.where(facts.rows, IS_REPORT)
    chart.bars = {
        name: reports_of(counts[[one == name for one in drawn]]) for name in shown["label"]
    }
    return captioned(chart, facts, listing(counts, "recipients", names))


ALL: tuple[Callable[..., Chart], ...] = (
    error_codes,
    timeline,
    heatmap,
    endpoints,
    accounts,
    latency,
    delivery_codes,
)
