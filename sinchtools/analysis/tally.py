"""
Count calls per interval, response and field, inside the engine.

What comes back is small whatever the size of the log. Changes and causes are searched in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis.facts import FACTS, with_facts
from sinchtools.analysis.frames import Per, is_failing, is_known, names_of, rows, to_pandas, unwrap
from sinchtools.analysis.results import COUNT, MOST_INTERVALS, in_suiting_intervals, seconds_of

PLAIN = ("account", "endpoint", "region")
MOST_ROWS = 200_000  # of a frame with bodies: so many are looked at one by one
_BODIES = ("request_body", "request_headers")
_HOUR = 3600
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Edge:
    """A stretch of time in seconds since 1970, and the field and value whose rows are wanted."""

    field: str | None
    value: Any
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Tally:
    """
    Counts per interval, response and field.

    Attributes
    ----------
    cells
        The counts: bucket (<NA> without a time), answer, code, failing, each of `fields`, n.
    step
        Seconds of an interval.
    fields
        What the cells are split by, beside time and response.
    rows
        The rows themselves, with their facts, where there are few enough; otherwise None.
    given, per
        The frame, and what is counted of it.
    """

    cells: pd.DataFrame
    step: int
    fields: tuple[str, ...]
    rows: pd.DataFrame | None
    given: Any
    per: Per

    def seconds(self, edges: Sequence[Edge]) -> pd.DataFrame:
        """Return the counts per second of some stretches: second, answer, code, fields, n."""
        if self.rows is not None:
            return self.rows
        wanted = [edge.field for edge in edges if edge.field]
        keys = ["second", "answer", "code", "failing", *dict.fromkeys(["endpoint", *wanted])]
        found = rows(self.given, "code", *PLAIN, per=self.per).filter(
            is_known(), nw.any_horizontal(*map(_within, edges), ignore_nulls=True)
        )
        second = found.with_columns(
            second=nw.col("at_us") // 1_000_000, failing=is_failing().cast(nw.Int64)
        )
        return _sided(to_pandas(second.group_by(*keys).agg(COUNT)))


def tally(frame: Any, interval: str | None = None, *, per: Per = "call") -> Tally:
    """Return the counts of a frame in the interval given, or in one that suits its span."""
    given = unwrap(frame)
    has_bodies = any(name in names_of(given) for name in _BODIES)
    if has_bodies and (one_by_one := _few_rows(given, per)) is not None:
        step = _step(one_by_one["second"], interval)
        one_by_one["bucket"] = one_by_one["second"] // step
        fields = (*PLAIN, *FACTS)
        keys = ["bucket", "answer", "code", "failing", *fields]
        cells = one_by_one.groupby(keys, dropna=False, sort=False)["n"].sum().reset_index()
        return Tally(cells, step, fields, one_by_one, given, per)
    cells, step = _counted(given, interval, per)
    return Tally(cells, step, PLAIN, None, given, per)


# --- few rows -------------------------------------------------------------------------------------


def _few_rows(given: Any, per: Per) -> pd.DataFrame | None:
    wanted = rows(given, "code", *PLAIN, *_BODIES, per=per).filter(is_known())
    if int(to_pandas(wanted.select(nw.len().alias("n")))["n"].iloc[0]) > MOST_ROWS:
        return None
    found = _sided(to_pandas(wanted.with_columns(failing=is_failing())))
    found["second"] = found.pop("at_us").astype("Float64") // 1_000_000
    return with_facts(found).assign(n=1)


def _step(seconds: pd.Series[Any], interval: str | None) -> int:
    """Return the seconds of an interval: those given, or more if they were too many."""
    from sinchtools.analysis.results import INTERVALS

    span = float(seconds.max() - seconds.min()) if seconds.notna().any() else 0.0
    if interval:
        given = seconds_of(interval)
        return given * max(1, -(-int(span // given + 1) // MOST_INTERVALS))
    fitting = (step for step in INTERVALS.values() if span < (MOST_INTERVALS - 1) * step)
    return next(fitting, 86_400 * int(span // (86_400 * MOST_INTERVALS) + 1))


# --- any number of rows ---------------------------------------------------------------------------


def _counted(given: Any, interval: str | None, per: Per) -> tuple[pd.DataFrame, int]:
    base = seconds_of(interval) if interval else _HOUR
    cells, step = _cells(given, base, per)
    if not interval and step == _HOUR and _span(cells) < (MOST_INTERVALS - 1) // 4:
        cells, step = _cells(given, 60, per)  # too short a log for hours: read again
    return cells, step


def _cells(given: Any, base: int, per: Per) -> tuple[pd.DataFrame, int]:
    keys = ("answer", "code", *PLAIN)
    known = (
        rows(given, "code", *PLAIN, per=per)
        .filter(is_known())
        .with_columns(
            failing=is_failing().cast(nw.Int64), bucket=nw.col("at_us") // (base * 1_000_000)
        )
    )
    counts = known.group_by("bucket", *keys, "failing").agg(COUNT)
    cells = to_pandas(in_suiting_intervals(counts, (*keys, "failing"), base))
    times = cells.pop("step").dropna()
    return _sided(cells), base * int(times.max() if len(times) else 1)


def _span(cells: pd.DataFrame) -> int:
    buckets = cells["bucket"].dropna()
    return int(buckets.max() - buckets.min()) if len(buckets) else 0


def _within(edge: Edge) -> nw.Expr:
    at = nw.col("at_us")
    inside = (at >= edge.since * 1_000_000) & (at < edge.until * 1_000_000)
    if edge.field is None:
        return inside
    column = nw.col(edge.field)
    return inside & (column.is_null() if edge.value is None else column == edge.value)


def _sided(found: pd.DataFrame) -> pd.DataFrame:
    """Give what an engine counted the same dtypes: text as objects with None, numbers as Int64."""
    for name in found:
        if name in ("bucket", "second", "answer", "n"):
            found[name] = pd.Series(found[name], dtype=object).astype("Float64").astype("Int64")
        elif name == "failing":
            found[name] = pd.Series(found[name], dtype=object).astype(bool)
        elif name != "at_us":
            column = found[name].astype(object)
            found[name] = column.where(column.notna(), None)
    return found
