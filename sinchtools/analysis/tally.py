"""
Count calls per interval, response and field, inside the engine.

What comes back is small whatever the size of the log. Changes and causes are searched in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis.facts import FACTS, with_facts
from sinchtools.analysis.frames import Per, fails, is_known, lazy_rows, names_of, to_pandas, unwrap
from sinchtools.analysis.results import (
    COUNT,
    INTERVALS,
    MOST_INTERVALS,
    in_suiting_intervals,
    missing,
    seconds_of,
)

PLAIN = ("account", "endpoint", "region")
MOST_ROWS = 200_000  # of a frame with bodies: so many are looked at one by one
MOST_READ_AGAIN = 1_000_000  # rows: a larger log is read once, and spread within an interval
_BODIES = ("request_body", "request_headers")
_HOUR = 3600
_SHORTEST = 240  # seconds: a shorter log is looked at by second
_READS = re.compile(r"READ_|PARQUET_SCAN", re.IGNORECASE)  # in DuckDB's plan: it reads a file


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
        if self.cells["n"].sum() > MOST_READ_AGAIN:
            return _spread(self.cells, edges, self.step)
        wanted = [edge.field for edge in edges if edge.field]
        keys = ["second", "answer", "code", *dict.fromkeys(["endpoint", *wanted])]
        found = lazy_rows(self.given, "code", *PLAIN, per=self.per).filter(
            is_known(), _any(map(_is_then, edges)), _any(map(_has, edges))
        )
        found = found.with_columns(second=nw.col("at_us") // 1_000_000)
        return _sided(to_pandas(found.group_by(*keys).agg(COUNT)))


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
    known = cells[cells["answer"].notna()].reset_index(drop=True)  # not before: it costs more
    return Tally(_sided(known), step, PLAIN, None, given, per)


# --- few rows -------------------------------------------------------------------------------------


def _few_rows(given: Any, per: Per) -> pd.DataFrame | None:
    wanted = lazy_rows(given, "code", *PLAIN, *_BODIES, per=per).filter(is_known())
    if int(to_pandas(wanted.select(nw.len().alias("n")))["n"].iloc[0]) > MOST_ROWS:
        return None
    found = _sided(to_pandas(wanted))
    found["second"] = found.pop("at_us").astype("Float64") // 1_000_000
    return with_facts(found).assign(n=1)


def _step(seconds: pd.Series[Any], interval: str | None) -> int:
    """Return the seconds of an interval: those given, or more if they were too many."""
    span = float(seconds.max() - seconds.min()) if seconds.notna().any() else 0.0
    if interval:
        given = seconds_of(interval)
        return given * max(1, -(-int(span // given + 1) // MOST_INTERVALS))
    return 1 if span < _SHORTEST else _suiting(span)


def _suiting(span: float) -> int:
    """Return the seconds of the interval that suits a span."""
    fitting = (step for step in INTERVALS.values() if span < (MOST_INTERVALS - 1) * step)
    return next(fitting, 86_400 * int(span // (86_400 * MOST_INTERVALS) + 1))


# --- any number of rows ---------------------------------------------------------------------------


def _counted(given: Any, interval: str | None, per: Per) -> tuple[pd.DataFrame, int]:
    if interval:
        return _folded(given, seconds_of(interval), per)
    hours = _known_hours(given, per)
    if hours is not None:
        step = _of_hours(hours)
        return to_pandas(_binned(given, step, per)), step
    cells, step = _folded(given, _HOUR, per)
    shorter = _of_hours(_hours(cells["bucket"].min(), cells["bucket"].max()))
    if step == _HOUR and shorter < _HOUR:
        cells, step = _folded(given, shorter, per)  # too short a log for hours: read again
    return cells, step


def _known_hours(given: Any, per: Per) -> int | None:
    """Return the hours of a log if DuckDB knows them without reading it, as of a Parquet file."""
    names = names_of(given)
    is_whole = per == "attempt" or "call_id" not in names
    if not (nw.from_native(given).implementation.is_duckdb() and is_whole and "at" in names):
        return None
    ends = given.aggregate('epoch_us(min("at")) AS first, epoch_us(max("at")) AS last')
    if "delivery" in names or _READS.search(ends.explain()):
        return None
    first, last = ends.fetchall()[0]
    return 0 if first is None else int(last // (_HOUR * 10**6) - first // (_HOUR * 10**6))


def _of_hours(hours: int) -> int:
    """Return the seconds of the interval that suits so many hours between the first and last."""
    shorter = _suiting((hours + 1) * _HOUR)
    return shorter if shorter < _HOUR else max(_HOUR, _suiting(hours * _HOUR))


def _hours(first: Any, last: Any) -> int:
    return 0 if missing(first) else int(last - first)


def _binned(given: Any, step: int, per: Per) -> nw.LazyFrame[Any]:
    every = lazy_rows(given, "code", *PLAIN, per=per)
    binned = every.with_columns(bucket=nw.col("at_us") // (step * 1_000_000))
    times = (nw.col("at_us").min().alias("first"), nw.col("at_us").max().alias("last"))
    return binned.group_by("bucket", "answer", "code", *PLAIN).agg(COUNT, *times)


def _folded(given: Any, base: int, per: Per) -> tuple[pd.DataFrame, int]:
    keys = ("answer", "code", *PLAIN)
    cells = to_pandas(in_suiting_intervals(_binned(given, base, per), keys, base, times=True))
    steps = cells.pop("step").dropna()
    return cells, base * int(steps.max() if len(steps) else 1)


def _any(conditions: Iterable[nw.Expr]) -> nw.Expr:
    return nw.any_horizontal(*conditions, ignore_nulls=True)


def _is_then(edge: Edge) -> nw.Expr:
    at = nw.col("at_us")
    return (at >= edge.since * 1_000_000) & (at < edge.until * 1_000_000)


def _has(edge: Edge) -> nw.Expr:
    if edge.field is None:
        return nw.lit(True)
    column = nw.col(edge.field)
    return column.is_null() if edge.value is None else column == edge.value


def _spread(cells: pd.DataFrame, edges: Sequence[Edge], step: int) -> pd.DataFrame:
    """
    Return the counts of cells per second, spread between the first and the last call of each.

    A large log is read once; the first and the last failing call of an interval stay exact.
    """
    kept = cells[np.logical_or.reduce([_near(cells, edge, step) for edge in edges])]
    first, last = (kept[name].to_numpy(np.int64) // 1_000_000 for name in ("first", "last"))
    n = np.minimum(kept["n"].to_numpy(np.int64), last - first + 1)
    row = np.repeat(np.arange(len(kept)), n)
    place = np.arange(len(row)) - np.repeat(n.cumsum() - n, n)
    part = place / np.maximum(n[row] - 1, 1)
    found = kept.iloc[row].assign(second=(first[row] + part * (last - first)[row]).round())
    whole, rest = np.divmod(kept["n"].to_numpy(np.int64), np.maximum(n, 1))
    return found.assign(n=whole[row] + (place < rest[row])).astype({"second": "Int64"})


def _near(cells: pd.DataFrame, edge: Edge, step: int) -> np.ndarray[Any, Any]:
    """Return which cells are of a stretch, and of its field and value."""
    times = cells["bucket"].fillna(-1).to_numpy(np.int64) * step
    near: np.ndarray[Any, Any] = (times >= edge.since) & (times < edge.until)
    if edge.field is not None:
        column = cells[edge.field]
        near &= (column.isna() if edge.value is None else column == edge.value).to_numpy(bool)
    return near


def _sided(found: pd.DataFrame) -> pd.DataFrame:
    """
    Give what an engine counted the same dtypes, and add whether it failed.

    Text becomes objects with None, numbers Int64.
    """
    for name in found:
        if name in ("bucket", "second", "answer", "n", "first", "last"):
            found[name] = pd.Series(found[name], dtype=object).astype("Float64").astype("Int64")
        elif name != "at_us":
            column = found[name].astype(object)
            found[name] = column.where(column.notna(), None)
    return found.assign(failing=fails(found["answer"]).to_numpy(bool))
