"""The chart of accounts: whose calls fail, and since when."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sinchtools import analysis
from sinchtools.analysis.frames import Per
from sinchtools.analysis.sentence import Pattern
from sinchtools.charts.behind import (
    END_OF_TIME,
    IS_CALL,
    IS_FAILING,
    START_OF_TIME,
    between,
    of_names,
    with_rest,
)
from sinchtools.charts.captions import Facts, captioned, facts_of, nothing_to_show
from sinchtools.charts.chart import Chart
from sinchtools.charts.rows import Row, Shares, share_words
from sinchtools.charts.style import kind_of, styled
from sinchtools.charts.words import (
    FOLDED,
    NO_ACCOUNT,
    folded_names,
    moment,
    percent,
    plain,
)
from sinchtools.core.words import counted


@styled
def accounts(
    frame: Any,
    *,
    per: Per = "call",
    top: int = 20,
    source: str | None = None,
    pattern: Pattern | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw for each account (service plan or project) which share of its calls failed.

    The highest share is first; `top` keeps the accounts with the most failures. Behind a row are
    the calls of the account.

    Parameters
    ----------
    pattern
        What `analysis.pattern` found: with a rise that lasts, a ring is the share before it and a
        dot the share since then.
    frame, per, top, source, **filters
        As in `error_codes`.

    Returns
    -------
    Chart
        A Matplotlib figure with title, description, and `.data`: a pandas frame with the
        columns of `analysis.accounts`.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(account="a", status=201), Exchange(account="b", status=500)]
    >>> accounts(rows).data[["account", "share_failing"]].values.tolist()
    [['b', 1.0], ['a', 0.0]]
    """
    facts = facts_of(frame, per, source, filters)
    counts = analysis.accounts(facts.rows, per="attempt")
    heading = f"Share of {facts.unit} that fail, by account"
    if counts.empty:
        return nothing_to_show(facts.around(heading), facts, counts, "")
    summed, says = _by_share(counts, top), "Sorted by share."
    shown = summed
    if pattern is not None and pattern.kind == "rise" and pattern.start is not None:
        shown = _since(facts.rows, pd.Timestamp(pattern.start), summed)
        says = f"Ring: before {moment(pd.Timestamp(pattern.start))}. Dot: since then. {says}"
    rows = _share_rows(shown, facts, _kind_of(pattern))
    chart = Chart(facts.around(heading, says), Shares(rows))
    chart.data = summed
    chart._rows = analysis.where(facts.rows, IS_CALL)
    bars = with_rest(of_names("account", summed["account"], NO_ACCOUNT))
    chart.bars = bars | {f"{name}, failing": bar & IS_FAILING for name, bar in bars.items()}
    chart.choices = {
        name: {"account": "" if name == NO_ACCOUNT else name}
        for name in bars
        if not FOLDED.fullmatch(name)
    }
    told = [f"{plain(row.name)}: {row.words}".replace("\n", ", ") for row in rows[:3]]
    return captioned(chart, facts, "; ".join(told) + ".")


def _kind_of(pattern: Pattern | None) -> str:
    """Return whose fault the failures are that stand out, as a name of the palette."""
    found = pattern.filters if pattern is not None else {}
    known = {"status", "outcome"} & found.keys()
    return kind_of(found.get("status"), found.get("outcome")) if known else "request"


def _share_rows(shown: pd.DataFrame, facts: Facts, kind: str) -> list[Row]:
    stands_out = _stands_out(shown)
    rows = []
    for i, one in enumerate(records(shown)):
        before = [float(one.share_before)] if "share_before" in shown.columns else []
        words = share_words(one.n_failing, one.n, facts.one, " failing")
        rows.append(
            Row(
                name=str(one.account),
                values=(*before, float(one.share_failing)),
                label=percent(one.share_failing),
                rest=f"of {counted(int(one.n), facts.one)}",
                words=words + (f"\nbefore: {percent(before[0])}" if before else ""),
                kind=kind if stands_out and i == 0 else "silent",
                is_strong=stands_out and i == 0,
            )
        )
    return rows


def _since(rows: Any, start: pd.Timestamp, summed: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts with their shares since a change, and before it."""
    counted = []
    for condition in (between(START_OF_TIME, start), between(start, END_OF_TIME)):
        counts = analysis.accounts(analysis.where(rows, condition), per="attempt")
        names = counts["account"].fillna(NO_ACCOUNT)
        rest = next((name for name in summed["account"] if FOLDED.fullmatch(name)), "")
        names = names.where(names.isin(summed["account"]), rest)
        counted.append(counts.assign(account=names).groupby("account")[["n", "n_failing"]].sum())
    before, since = (one.reindex(summed["account"], fill_value=0).astype(float) for one in counted)
    shares = [one["n_failing"] / one["n"].where(one["n"] > 0, 1) for one in (before, since)]
    found = since.assign(share_before=shares[0], share_failing=shares[1]).reset_index()
    found["is_rest"] = [bool(FOLDED.fullmatch(name)) for name in found["account"]]
    order = ["is_rest", "share_failing", "n"]
    return found.sort_values(order, ascending=[True, False, False]).reset_index(drop=True)


def _stands_out(summed: pd.DataFrame) -> bool:
    """Whether the first account fails more than twice as often as all others together."""
    first, others = summed.iloc[0], summed.iloc[1:]
    if others.empty or first["n_failing"] < 5:
        return False
    return bool(first["share_failing"] > 2 * others["n_failing"].sum() / others["n"].sum())


def _by_share(counts: pd.DataFrame, top: int) -> pd.DataFrame:
    """Return accounts with their share of failures, the highest first; the rest folded."""
    most = counts.assign(weight=counts["n_failing"] * 10.0**6 + counts["n"].astype(float))
    names = folded_names(counts["account"].fillna(NO_ACCOUNT), most["weight"], top, "accounts")
    summed = counts.assign(account=names).groupby("account", sort=False)[["n", "n_failing"]].sum()
    summed = summed.assign(share_failing=summed["n_failing"] / summed["n"]).reset_index()
    summed["is_rest"] = [bool(FOLDED.fullmatch(name)) for name in summed["account"]]
    order = ["is_rest", "share_failing", "n", "account"]
    found = summed.sort_values(order, ascending=[True, False, False, True])
    return found.drop(columns="is_rest").reset_index(drop=True)


def records(counts: pd.DataFrame) -> list[Any]:
    """Return the rows of a small frame, values as Python has them."""
    return list(counts.astype(object).itertuples())
