"""Charts of one page: each turns a frame into a figure that says what it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from sinchtools import analysis
from sinchtools.analysis.frames import Per
from sinchtools.analysis.results import label
from sinchtools.charts.behind import (
    IS_CALL,
    IS_DATED,
    IS_FAILING,
    IS_REPORT,
    IS_SUCCESS,
    IS_TIMED,
    choice,
    choices_of,
    equals,
    fault_of,
    of_codes,
    of_hours,
    of_names,
    reports_of,
    with_rest,
)
from sinchtools.charts.by_account import records
from sinchtools.charts.captions import captioned, facts_of, listing, nothing_to_show
from sinchtools.charts.chart import Body, Chart, Sentence
from sinchtools.charts.grids import Matrix, Week
from sinchtools.charts.rows import Bars, Quantiles, Row, share_words
from sinchtools.charts.style import DELIVERIES, kind_of, styled
from sinchtools.charts.words import (
    ENOUGH,
    FOLDED,
    NO_ENDPOINT,
    WEEKDAYS,
    delivery_outcome,
    folded_names,
    is_folded,
    ordered,
    percent,
    plain,
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

    The color says whose fault it is; files for print add a hatch. Behind a bar are its exchanges.

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

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.codes`.

    Raises
    ------
    WrongUseError
        What was given is not a frame of exchanges, or a filter is not one.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(status=201), Exchange(status=403, code="unknown_group")]
    >>> error_codes(rows).data[["status", "n", "share"]].values.tolist()
    [[403, 1, 0.5]]
    """
    facts = facts_of(frame, per, source, filters)
    counts = analysis.codes(facts.rows, per="attempt", successes=successes, top=top)
    heading = "Status and error codes" if successes else "Error codes"
    if counts.empty:
        said = f"No {facts.one} failed." if facts.n else ""
        return nothing_to_show(facts.around(heading), facts, counts, said)
    rows = [
        Row(
            name=label(one.status, one.code, one.outcome),
            values=(float(one.n),),
            label=f"{one.n:,}",
            rest=f"{percent(one.share)} of {facts.unit}",
            words=share_words(one.n, facts.n, facts.one),
            kind="silent" if is_folded(one.status, one.code) else kind_of(one.status, one.outcome),
        )
        for one in records(counts)
    ]
    around = facts.around(heading, key=[row.kind for row in rows])
    chart = Chart(around, Bars(rows, total=facts.n))
    chart.data = counts
    chart._rows = analysis.where(facts.rows, IS_CALL if successes else ~IS_SUCCESS & IS_CALL)
    chart.bars = with_rest(of_codes(counts))
    chart.choices = choices_of(counts)
    return captioned(chart, facts, listing(counts, facts.unit))


@styled
def heatmap(frame: Any, *, per: Per = "call", source: str | None = None, **filters: Any) -> Chart:
    """
    Draw which share of the calls of each hour of the week (UTC) failed.

    A dot is an hour without calls. On the left is how many of each day were seen, on the right
    the share of the whole day. Behind a cell are its failures.

    Parameters
    ----------
    frame, per, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.heatmap`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sinchtools import Exchange
    >>> drawn = heatmap([Exchange(at=datetime(2026, 11, 24, 9, 41, tzinfo=UTC), status=403)])
    >>> drawn.data.query("n > 0")[["weekday", "hour", "n"]].values.tolist()
    [[2, 9, 1]]
    """
    facts = facts_of(frame, per, source, filters)
    cells = analysis.heatmap(facts.rows, per="attempt")
    whose = filters.get("account")
    heading = f"Share of {facts.unit} that fail, by hour of the week"
    if isinstance(whose, str) and whose:
        heading = f"{whose}: {heading[0].lower()}{heading[1:]}"
    undated = cells.attrs["undated"]
    notes = [f"{undated:,} without a time are not shown."] if undated else []
    if cells.empty:
        said = "No row has a time." if facts.n else ""
        return nothing_to_show(facts.around(heading, notes=notes), facts, cells, said)
    most = float(cells["share_failing"].max()) if cells["share_failing"].notna().any() else 0
    certain = cells.loc[cells["n"] >= ENOUGH, "share_failing"].max()
    full = float(certain) if not pd.isna(certain) and certain > 0 else most
    body: Body
    seen = int((cells["n"] > 0).sum())
    if not most:
        nothing = facts.around(heading, notes=notes)
        return nothing_to_show(nothing, facts, cells, f"No {facts.one} failed.")
    scale = f"Full color: {percent(full)}{' or more' if most > full else ''}, grey: 0%."
    dot = f" Dot: no {facts.one}." if seen < 168 else ""
    says, body = f"{scale}{dot} Right: the whole day.", Week(cells, facts.one, full)
    if seen == 1:  # a chart of one cell is a sentence
        says, body = "", Sentence(f"All in one hour. {_worst_hour(cells, facts.one)}")
    chart = Chart(facts.around(heading, says, notes=notes), body)
    chart.data = cells
    chart._rows = analysis.where(facts.rows, IS_FAILING, IS_DATED)
    chart.bars = of_hours(cells)
    return captioned(chart, facts, _worst_hour(cells, facts.one))


def _worst_hour(cells: pd.DataFrame, unit: str) -> str:
    order = ["share_failing", "n_failing", "weekday", "hour"]
    seen = cells[cells["share_failing"].notna()]
    worst = seen.sort_values(order, ascending=[False, False, True, True]).iloc[:1]
    if worst.empty or not worst["n_failing"].iloc[0]:
        return "No hour has a failure."
    one = worst.iloc[0]
    when = f"{WEEKDAYS[int(one['weekday']) - 1]} {int(one['hour']):02}:00"
    share = share_words(one["n_failing"], one["n"], unit)
    return f"Highest share: {share} on {when} UTC."


@styled
def endpoints(
    frame: Any, *, per: Per = "call", top: int = 6, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw a matrix of status and code by endpoint with the count in each cell.

    Behind a cell are its exchanges.

    Parameters
    ----------
    top
        So many codes have a column; all others are folded into one.
    frame, per, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with
        endpoint, and the count of each status and code as a column.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> drawn = endpoints([Exchange(endpoint="GET /groups", status=500)])
    >>> drawn.data.columns.tolist(), drawn.data.values.tolist()
    (['endpoint', '500 Internal Server Error'], [['GET /groups', 1]])
    """
    facts = facts_of(frame, per, source, filters)
    counts = analysis.matrix(facts.rows, "endpoint", per="attempt")
    if counts.empty:
        return nothing_to_show(facts.around("Endpoints by status and code"), facts, counts, "")
    codes, choices, named = of_codes(counts), choices_of(counts), _named_codes(counts)
    kinds = dict(zip(named, map(fault_of, counts["status"], counts["code"]), strict=True))
    routes = counts["endpoint"].fillna(NO_ENDPOINT)
    counts = counts.assign(
        endpoint=folded_names(routes, counts["n"], top, "endpoints"),
        label=folded_names(pd.Series(named), counts["n"], 15, "codes"),
    )
    table = counts.pivot_table(
        index="endpoint", columns="label", values="n", aggfunc="sum", fill_value=0, sort=False
    ).astype("int64")
    table = table.loc[ordered(table.sum(axis=1)), ordered(table.sum(axis=0))]
    across = table.T
    drawn = [kinds.get(name, "silent") for name in across.index]
    around = facts.around("Endpoints by status and code", key=drawn)
    chart = Chart(around, Matrix(across, drawn, facts.one))
    chart.data = table.reset_index()
    chart.data.columns.name = None
    chart._rows = analysis.where(facts.rows, IS_CALL)
    rows = with_rest(of_names("endpoint", table.index, NO_ENDPOINT))
    columns = with_rest({name: codes.get(name) for name in table.columns})
    cells: Any = pd.Series(table.stack()).sort_values(ascending=False, kind="stable")
    for row, column in cells[cells > 0].index:
        name = f"{row}, {column}"
        chart.bars[name] = rows[row] & columns[column]
        if column in choices and not FOLDED.fullmatch(row):
            where = "" if row == NO_ENDPOINT else row
            chart.choices[name] = {"endpoint": where, **choices[column]}
    told = [
        f"{plain(name)}: {row.sum():,}, most often {plain(row.idxmax())}"
        for name, row in table.head(3).iterrows()
    ]
    return captioned(chart, facts, f"{'; '.join(told)}.")


@styled
def latency(
    frame: Any, *, per: Per = "attempt", top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw the median, 90% and 99% quantile of the duration by endpoint and code.

    Attempts are counted, because a duration belongs to one request. Behind a line are the attempts
    that have a duration.

    Parameters
    ----------
    per
        `attempt`: each counts; `call`: automatic retries count as one, the last.
    top
        So many rows, those with the most values.
    frame, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.latency`, in milliseconds.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> drawn = latency([Exchange(status=201, elapsed_ms=120.0)])
    >>> drawn.data[["n", "p50_ms"]].values.tolist()
    [[1, 120.0]]
    """
    facts = facts_of(frame, per, source, filters)
    table = analysis.latency(facts.rows, per="attempt")
    heading, n = "Response time by endpoint and code", int(table["n"].sum())
    if table.empty:
        said = "No row has a duration." if facts.n else ""
        return nothing_to_show(facts.around(heading, of=n), facts, table, said)
    shown, rows = table.head(top), []
    for one in records(shown):
        route = "no known route" if pd.isna(one.endpoint) else plain(one.endpoint)
        name = plain(label(one.status, one.code))
        values = (float(one.p50_ms), float(one.p90_ms), float(one.p99_ms))
        tail = f"99%: {values[2]:,.0f} ms, n {one.n:,}"
        rest = tail if one.n > 1 else "n 1"  # one value has no tail
        words = f"median {values[0]:,.0f} ms, 90%: {values[1]:,.0f} ms, {tail}"
        made = Row(f"{route}, {name}", values, f"{values[0]:,.0f} ms", rest, words)
        rows.append(replace(made, kind=_seen_kind(one.status, one.code), shown=f"{name}\n{route}"))
    more = len(table) - len(shown)
    notes = [f"{more:,} more combinations are in the data only."] if more else []
    says = "Dot: median. Thick line: to 90% of the values, thin line: to 99%."
    chart = Chart(facts.around(heading, says, of=n, notes=notes), Quantiles(rows))
    chart.data = table
    keys = zip(rows, shown["endpoint"], shown["status"], shown["code"], strict=True)
    for row, e, s, c in keys:
        chart.bars[row.name] = equals("endpoint", e) & equals("status", s) & equals("code", c)
        where = {"endpoint": "" if pd.isna(e) else e}
        chart.choices[row.name] = where | choice(s, c)
    chart._rows = analysis.where(facts.rows, IS_TIMED, IS_CALL)
    return captioned(chart, facts, "; ".join(f"{r.name}: {r.words}" for r in rows[:3]) + ".")


@styled
def delivery_codes(
    frame: Any, *, top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw how many recipients have each delivery code.

    The counts come from the delivery reports in the evidence. A report that was fetched again
    counts once. Behind a bar are the reports that name the code.

    Parameters
    ----------
    top
        So many codes; all others are folded into one.
    frame, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.delivery_codes`.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> report = ('{"type": "recipient_delivery_report_sms", "batch_id": "b", '
    ...           '"recipient": "+1555", "code": 401, "status": "Dispatched"}')
    >>> drawn = delivery_codes([Exchange(endpoint="callback", request_body=report)])
    >>> drawn.data[["code", "n"]].values.tolist()
    [[401, 1]]
    """
    facts = facts_of(frame, "attempt", source, filters, of_answers=False)
    counts = analysis.delivery_codes(facts.rows)
    footer = facts.footer.replace(
        "Each attempt counts", "Each recipient counts once, as last reported"
    )
    facts = replace(facts, n=int(counts["n"].sum()), failing=0, unit="recipients", footer=footer)
    if counts.empty:
        said = "The evidence has no delivery report with a code."
        return nothing_to_show(facts.around("Delivery codes"), facts, counts, said)
    names = [
        " ".join(str(part) for part in row if not pd.isna(part)) or "no code"
        for row in counts[["code", "status"]].itertuples(index=False)
    ]
    drawn = folded_names(pd.Series(names, dtype=object), counts["n"], top, "codes")
    shown = counts.assign(label=drawn, outcome=delivery_outcome(counts["code"]))
    shown = shown.groupby("label", sort=False).agg({"n": "sum", "share": "sum", "outcome": "first"})
    shown = shown.loc[ordered(shown["n"])]
    rows = [
        Row(
            name=str(one.Index),
            values=(float(one.n),),
            label=f"{one.n:,}",
            rest=f"{percent(one.share)} of recipients",
            words=share_words(one.n, facts.n, "recipient"),
            kind="silent" if FOLDED.fullmatch(str(one.Index)) else DELIVERIES[str(one.outcome)][1],
        )
        for one in records(shown)
    ]
    words = {kind: says for says, kind in DELIVERIES.values()}
    around = facts.around("Delivery codes", key=[row.kind for row in rows], words=words)
    chart = Chart(around, Bars(rows, total=facts.n))
    chart.data = counts
    chart._rows = analysis.where(facts.rows, IS_REPORT)
    chart.bars = {name: reports_of(counts[[one == name for one in drawn]]) for name in shown.index}
    return captioned(chart, facts, listing(counts, "recipients", names))


def _seen_kind(status: Any, code: Any) -> str:
    """Return the kind of a line: the grey of successes is too light for one."""
    return "silent" if (kind := fault_of(status, code)) == "ok" else kind


def _named_codes(counts: pd.DataFrame) -> list[str]:
    return [label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]
