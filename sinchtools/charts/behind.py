"""Tell which rows are behind a bar, as conditions that every engine understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import narwhals as nw
import pandas as pd

from sinchtools import analysis
from sinchtools.analysis.aggregations import label
from sinchtools.analysis.frames import is_failing
from sinchtools.analysis.results import missing
from sinchtools.charts.words import FOLDED, WEEKDAYS, is_folded
from sinchtools.core.errors import WrongUseError

IS_SUCCESS = (nw.col("status") // 100 == 2).fill_null(False)
IS_FAILING = is_failing()
IS_DATED = ~nw.col("at_us").is_null()
IS_TIMED = ~nw.col("elapsed_ms").is_null()
_ANY_CODE = r'"code"\s*:\s*"?\d'
_SPECIAL = re.compile(r"[\\.^$|?*+()\[\]{}]")
_REPORT = r'"(?:statuses|recipient)"\s*:'
IS_REPORT = (
    nw.col("endpoint").str.contains("delivery_report", literal=True)
    & nw.col("response_body").str.contains(_REPORT)
) | ((nw.col("endpoint") == "callback") & nw.col("request_body").str.contains(_REPORT))


def equals(column: str, value: Any) -> nw.Expr:
    """Whether a column has a value, or none."""
    plain = int(value) if column == "status" and not missing(value) else value
    return (
        nw.col(column).is_null() if missing(value) else (nw.col(column) == plain).fill_null(False)
    )


def reports_of(counts: pd.DataFrame) -> nw.Expr:
    """Whether a report names one of the codes, with its status beside it."""
    return nw.any_horizontal(
        *(_named(*row) for row in counts[["code", "status"]].itertuples(index=False)),
        ignore_nulls=True,
    )


def _named(code: Any, status: Any) -> nw.Expr:
    """
    Tell whether both are members of one object, in either order.

    The regular expressions are those that every engine understands.
    """
    body = nw.col("response_body").str
    a = _ANY_CODE if missing(code) else rf'"code"\s*:\s*"?0*{int(code)}\b'
    if missing(status):
        return ~body.contains(a) if missing(code) else body.contains(a)
    b = r'"status"\s*:\s*' + _SPECIAL.sub(r"\\\g<0>", json.dumps(status, ensure_ascii=False))
    return body.contains(b if missing(code) else rf"{a}[^{{}}]*{b}|{b}[^{{}}]*{a}")


def of_codes(counts: pd.DataFrame) -> dict[str, nw.Expr | None]:
    """Return a condition for each status and code; None for the folded ones."""
    pairs = counts[["status", "code"]].drop_duplicates().itertuples(index=False)
    return {
        label(s, c): None if is_folded(s, c) else equals("status", s) & equals("code", c)
        for s, c in pairs
    }


def of_names(column: str, names: Iterable[str], missing: str) -> dict[str, nw.Expr | None]:
    """Return a condition for each name of a column; None for the folded ones."""
    return {
        name: None if FOLDED.fullmatch(name) else equals(column, None if name == missing else name)
        for name in names
    }


def with_rest(bars: dict[str, nw.Expr | None]) -> dict[str, nw.Expr]:
    """Give the bar of the others (None) what no other bar has."""
    kept = [bar for bar in bars.values() if bar is not None]
    return {
        name: bar if bar is not None else ~nw.any_horizontal(*kept, ignore_nulls=True)
        for name, bar in bars.items()
    }


def spikes_at(rows: Any, step: int) -> pd.DataFrame:
    """
    Return the spikes per step.

    If the rows are too far apart for a step, an interval that suits them is used.
    """
    try:
        return analysis.spikes(rows, pd.Timedelta(seconds=step).isoformat(), per="attempt")
    except WrongUseError:
        return analysis.spikes(rows, per="attempt")


def of_times(
    counts: pd.DataFrame, spikes: pd.DataFrame, n: pd.Series[Any], step: int
) -> dict[str, nw.Expr]:
    """Return a condition for each spike, each code and each interval."""
    bars = {
        f"Spike {i}: {label(s, c)}": _between(start, end) & equals("status", s) & equals("code", c)
        for i, (s, c, start, end) in enumerate(
            spikes[["status", "code", "start", "end"]].itertuples(index=False), 1
        )
    }
    bars |= {name: bar & IS_DATED for name, bar in with_rest(of_codes(counts)).items()}
    length = pd.Timedelta(seconds=step)
    spans = [(start, min(start + length, _END_OF_TIME)) for start in n[n > 0].index]
    return bars | {
        f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}": _between(start, end)
        for start, end in spans
    }


_END_OF_TIME = pd.Timestamp("9999-12-31T23:59:59Z")  # nothing later can be written as a date


def _between(start: pd.Timestamp, end: pd.Timestamp) -> nw.Expr:
    first, last = (int(time.as_unit("us").asm8.view("i8")) for time in (start, end))
    return (nw.col("at_us") >= first) & (nw.col("at_us") < last)


def of_hours(cells: pd.DataFrame) -> dict[str, nw.Expr]:
    """Return a condition for each hour of the week with a failure, the worst first."""
    hour = (
        nw.col("at_us") // 3_600_000_000 + 168 * 10**5 + 72
    ) % 168  # 1970-01-01 was a Thursday; never negative
    worst = cells[cells["n_failing"] > 0].sort_values(
        ["n_failing", "weekday", "hour"], ascending=[False, True, True]
    )
    return {
        f"{WEEKDAYS[d - 1]} {h:02}:00": (hour == (d - 1) * 24 + h) & IS_FAILING
        for d, h in zip(worst["weekday"].astype(int), worst["hour"].astype(int), strict=True)
    }
