"""
Since when, and for whom: the changes of level of each code's share of the calls.

The engine counts per interval; the search is in the small table; and the rows around each change
tell its time to the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sinchtools.analysis.frames import NO_RESPONSE, NOT_DELIVERED, Per
from sinchtools.analysis.levels import FEWEST_FAILING, Counts, Level, raised
from sinchtools.analysis.results import instants, missing, result
from sinchtools.analysis.tally import Edge, Tally, tally

ORDER = ("account", "endpoint", "region", "token", "client", "sender kind", "country")
_FEWEST_DATED, _FEWEST_INTERVALS = 10, 4
_MOST_CHANGES = 10
_ALPHA = 0.01
_LEAST_RATIO, _LEAST_RISE = 2.0, 0.1  # either of them
_AROUND = 2  # intervals around a change that are read to the second


def change_points(frame: Any, interval: str | None = None, *, per: Per = "call") -> pd.DataFrame:
    """
    Find since when, and for whom, a code fails more or less often than before.

    Shares of the calls are compared, not counts: more traffic is no change, and neither is what the
    same hours of other days or the same days of other weeks show too. For each status and code, and
    for each account, endpoint, region, token, client, sender kind and country, the stretch of time
    is searched that differs most from the rest (binomial likelihood). It counts as a change if it
    is improbable (0.01) after correction for all stretches and all series
    (`scipy.stats.false_discovery_control`). The largest is taken out, and the rest searched again.

    Parameters
    ----------
    frame
        As in `codes`. A frame with bodies of more than 200,000 rows, or without, is searched by
        account, endpoint and region.
    interval
        Such as `1h`; chosen to suit the span if left out, and longer if there were too many.
    per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        start (UTC, to the second: the first failing row of the new level; of a recovery the first
        row after the last failing one), end (NaT while it lasts), status, code, field and value
        (who carries it; <NA>: everywhere), share_before, share_after (of the calls of that value
        and of the endpoints that the code comes from), n_before, n_after (how many calls these
        are), p_adjusted; largest first. A recovery has the smaller share after.
        `.attrs["verdict"]`: `N found`, `nothing stands out`, or `too few` (fewer than 10 calls with
        a time, 4 failing, or 4 intervals); `.attrs["interval_s"]`: seconds of an interval.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> from sinchtools import Exchange
    >>> times = [datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=i) for i in range(600)]
    >>> rows = [Exchange(at=at, status=201 if at.hour < 8 else 500) for at in times]
    >>> change_points(rows)[["start", "status", "share_after"]].values.tolist()
    [[Timestamp('2026-11-24 08:00:00+0000', tz='UTC'), 500, 1.0]]
    """
    return changes_in(tally(frame, interval, per=per))


def changes_in(counted: Tally) -> pd.DataFrame:
    """Return the changes of level in counts."""
    series = _Series.of(counted)
    if series is None:
        return result("change_points", pd.DataFrame(), verdict="too few", interval_s=counted.step)
    found = _refined(counted, series, list(_search(series)))
    table = pd.DataFrame(found)
    if len(table):
        order = table.apply(_moved, axis=1).sort_values(ascending=False, kind="stable").index
        table = table.loc[order].reset_index(drop=True)  # times come back by place
        table["start"], table["end"] = instants(table["start"]), instants(table["end"])
    verdict = f"{len(found)} found" if found else "nothing stands out"
    return result("change_points", table, verdict=verdict, interval_s=counted.step)


def _moved(row: Any) -> float:
    """Return how many calls a change has made fail, or has let pass."""
    n = row["n_after"] if row["share_after"] > row["share_before"] else row["n_before"]
    return abs(float(row["share_after"] - row["share_before"])) * float(n)


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that was found: of which kind of failure, for which value, in which intervals."""

    kind: int
    field: str | None
    value: int
    level: Level
    p: float


@dataclass(slots=True)
class _Series:
    """The counts as arrays."""

    first: int  # interval
    size: int  # how many intervals
    step: int  # seconds of an interval
    bucket: Counts  # of each cell: its interval,
    kind: Counts  # its kind of failure (0: none),
    n: Counts  # and how many calls
    kinds: list[tuple[int, Any]]  # response and code of each kind of failure, from 1 on
    fields: dict[str, tuple[list[Any], Counts]]  # the values of each, and which of them a cell has

    @classmethod
    def of(cls, counted: Tally) -> _Series | None:
        """Return the arrays of counts with a time, or None if there are too few."""
        cells = counted.cells[counted.cells["bucket"].notna()]
        n, failing = cells["n"].to_numpy(np.int64), cells["failing"].to_numpy(bool)
        if n.sum() < _FEWEST_DATED or n[failing].sum() < FEWEST_FAILING:
            return None
        bucket = cells["bucket"].to_numpy(np.int64)
        first, last = int(bucket.min()), int(bucket.max())
        if last - first + 1 < _FEWEST_INTERVALS:
            return None
        kind, kinds = _kinds(cells, failing)
        fields = {}
        for name in (name for name in ORDER if name in counted.fields):
            codes, values = pd.factorize(cells[name], use_na_sentinel=False)
            fields[name] = ([None if missing(v) else v for v in values], codes.astype(np.int64))
        return cls(first, last - first + 1, counted.step, bucket - first, kind, n, kinds, fields)

    def scope(self, kind: int) -> Counts:
        """Return which cells may have a kind of failure: those of the endpoints that have it."""
        _, endpoint = self.fields["endpoint"]
        fails = self.kind == kind
        of_kind = np.bincount(endpoint[fails], self.n[fails], endpoint.max() + 1)
        found: Counts = (of_kind > 0.01 * of_kind.sum())[endpoint]
        return found

    def calls_of(self, change: _Change, *, failing: bool = False) -> Counts:
        """Return how many calls of who carries a change there are in each interval."""
        cells = self.scope(change.kind)
        if change.field is not None:
            cells = cells & (self.fields[change.field][1] == change.value)
        if failing:
            cells = cells & (self.kind == change.kind)
        found: Counts = self.matrix(cells, np.zeros_like(self.kind), 1)[0]
        return found

    def matrix(self, chosen: Counts, codes: Counts, size: int) -> Counts:
        """Return the counts of some cells, per value and interval."""
        place = codes[chosen] * self.size + self.bucket[chosen]
        counts = np.bincount(place, self.n[chosen], size * self.size)
        found: Counts = counts.astype(np.int64).reshape(size, self.size)
        return found


def _kinds(cells: pd.DataFrame, failing: Counts) -> tuple[Counts, list[tuple[int, Any]]]:
    """Return which kind of failure each cell is (0: none), and their responses and codes."""
    keys = cells.loc[failing, ["answer", "code"]]
    number = keys.groupby(["answer", "code"], dropna=False, sort=False).ngroup()
    kind = np.zeros(len(cells), dtype=np.int64)
    kind[failing] = number.to_numpy() + 1
    rows = keys.drop_duplicates().itertuples(index=False)
    return kind, [(int(answer), None if missing(code) else str(code)) for answer, code in rows]


class _Kind:
    """The series of one kind of failure: everywhere, and of each value of each field."""

    def __init__(self, series: _Series, kind: int) -> None:
        self.series, self.kind = series, kind
        self.scope = series.scope(kind)
        self.left = self.scope & ((series.kind == kind) | (series.kind == 0))
        self.found: dict[tuple[str | None, int], Level | None] = {}
        self.look()

    def counts(self, field: str | None) -> tuple[Counts, Counts]:
        """Return failing and all rows, per value and interval; those of other failures are none."""
        series = self.series
        values, codes = series.fields[field] if field else ([None], np.zeros_like(series.kind))
        failing = self.left & (series.kind == self.kind)
        k, n = (series.matrix(which, codes, len(values)) for which in (failing, self.left))
        return k, n

    def look(self) -> None:
        """Search every series."""
        series, self.found = self.series, {}
        for field in (None, *series.fields):
            k, n = self.counts(field)
            if field is not None and np.count_nonzero(n.sum(axis=1)) < 2:
                continue
            for value in np.flatnonzero(k.sum(axis=1) >= FEWEST_FAILING):
                self.found[field, int(value)] = raised(
                    k[value], n[value], series.first, series.step
                )

    def carrier(self) -> tuple[str | None, int, Level] | None:
        """Return who carries the largest change of this kind."""
        levels = {key: level for key, level in self.found.items() if level}
        if not levels:
            return None
        best = max(level.ratio for level in levels.values())
        everywhere = levels.get((None, 0))
        near = (key for key, level in levels.items() if key[0] and level.ratio >= 0.9 * best)
        key = min(near, key=lambda key: ORDER.index(str(key[0])), default=None)
        if key is None or (everywhere and self.is_everywhere(*key, levels[key])):
            return (None, 0, everywhere) if everywhere else None
        return (*key, levels[key])

    def is_everywhere(self, field: str | None, value: int, level: Level) -> bool:
        """Whether the other values of a field rise with the one."""
        k, n = self.counts(field)
        inside = slice(level.start, level.end)
        k_in, n_in = k[:, inside].sum(axis=1), n[:, inside].sum(axis=1)
        k_out, n_out = k.sum(axis=1) - k_in, n.sum(axis=1) - n_in
        rise = level.inside - level.outside
        others = (np.arange(len(n)) != value) & (n_in * rise >= 6)
        if not others.any():
            others = (np.arange(len(n)) != value) & (n_in > 0)
        usual = k_out / np.maximum(n_out, 1)
        risen = others & (k_in - n_in * usual >= 0.4 * rise * n_in)
        return bool(n_in[risen].sum() >= 0.8 * n_in[others].sum() > 0)

    def take(self, change: _Change) -> None:
        """Leave a change out of the series."""
        series, level = self.series, change.level
        inside = (series.bucket >= level.start - 1) & (series.bucket <= level.end)
        if change.field is not None:
            inside &= series.fields[change.field][1] == change.value
        self.left &= ~inside
        self.look()


def _search(series: _Series) -> Iterator[_Change]:
    """Yield the changes, the largest first, each searched in what the ones before left."""
    from scipy.stats import false_discovery_control

    kinds = [_Kind(series, kind) for kind in range(1, len(series.kinds) + 1)]
    taken: list[float] = []
    for _ in range(_MOST_CHANGES):
        carried = [(kind, found) for kind in kinds if (found := kind.carrier())]
        if not carried:
            return
        kind, (field, value, level) = max(carried, key=lambda one: one[1][2].ratio)
        looked = [found.p if found else 1.0 for of in kinds for found in of.found.values()]
        p = false_discovery_control([*looked, *taken])[looked.index(level.p)]
        if p > _ALPHA:
            return
        change = _Change(kind.kind, field, value, level, float(p))
        taken.append(level.p)
        if _matters(level):
            yield change
        kind.take(change)


def _matters(level: Level) -> bool:
    return (
        level.inside >= _LEAST_RATIO * level.outside or level.inside - level.outside >= _LEAST_RISE
    )


# --- to the second --------------------------------------------------------------------------------


def _refined(counted: Tally, series: _Series, changes: list[_Change]) -> list[dict[str, Any]]:
    edges = [edge for change in changes for edge in _edges(series, change)]
    seconds = counted.seconds(edges) if edges else pd.DataFrame()
    rows = (_row(series, change, seconds) for change in changes)
    return [row for row in rows if row]


def _edges(series: _Series, change: _Change) -> Iterator[Edge]:
    value = series.fields[change.field][0][change.value] if change.field else None
    calls = series.calls_of(change)
    for place in (change.level.start, change.level.end):
        later = np.flatnonzero(calls[place:])
        since, until = _begin(calls, place), place + max([_AROUND, *later[:1] + 1])
        times = ((series.first + bucket) * series.step for bucket in (since, until))
        yield Edge(change.field, value, *times)


def _begin(calls: Counts, place: int) -> int:
    """Return where the rows before a change begin: with the last ones, however far away."""
    earlier = np.flatnonzero(calls[:place])
    return int(min([place - _AROUND, *earlier[-1:]]))


def _row(series: _Series, change: _Change, seconds: pd.DataFrame) -> dict[str, Any] | None:
    """Return the row of a change, or None if it is none: all of the evidence is of that level."""
    near = _Near.of(series, change, seconds)
    begins, ends = near.differs(before=True), near.differs(before=False)
    if not begins and not ends:
        return None
    near = near.narrowed(begins, ends)
    start = near.start if begins else near.next_row
    end = near.end if begins and ends else None
    answer, code = series.kinds[change.kind - 1]
    k_before, n_before, k_after, n_after = near.counts(start, end)
    return {
        "start": start * 1_000_000,
        "end": None if end is None else end * 1_000_000,
        "status": None if answer in (NO_RESPONSE, NOT_DELIVERED) else answer,
        "code": code,
        "field": change.field,
        "value": near.value,
        "share_before": k_before / n_before if n_before else 0.0,
        "share_after": k_after / n_after if n_after else 0.0,
        "n_before": n_before,
        "n_after": n_after,
        "p_adjusted": change.p,
    }


@dataclass(frozen=True, slots=True)
class _Near:
    """The rows near a change, by second, and the counts of the intervals further away."""

    value: Any  # who carries the change
    t: Counts  # the seconds,
    k: Counts  # and how many rows of each are of this failure,
    rest: Counts  # succeed,
    other: Counts  # or fail otherwise
    k_of: Counts  # of all intervals: how many rows are of this failure,
    n_of: Counts  # and how many there are
    step: int  # seconds of an interval
    first: int  # interval
    level: Level
    start: int = 0  # the second of its first failing row,
    end: int = 0  # and the one after its last

    @classmethod
    def of(cls, series: _Series, change: _Change, seconds: pd.DataFrame) -> _Near:
        """Return what is near a change."""
        endpoints, endpoint = series.fields["endpoint"]
        there = {endpoints[i] for i in np.unique(endpoint[series.scope(change.kind)])}
        near = seconds["endpoint"].isin(list(there)) & seconds["second"].notna()
        value = None
        if change.field is not None:
            value = series.fields[change.field][0][change.value]
            column = seconds[change.field]
            near &= column.isna() if value is None else column == value
        edges = list(_edges(series, change))
        times = seconds["second"]
        inside = [(times >= edge.since) & (times < edge.until) for edge in edges]
        found = seconds[(near & (inside[0] | inside[1])).fillna(False).to_numpy(bool)]
        answer, code = series.kinds[change.kind - 1]
        is_kind = (found["answer"] == answer) & (
            found["code"].isna() if missing(code) else found["code"] == code
        )
        t, place = np.unique(found["second"].to_numpy(np.int64), return_inverse=True)
        n, failing = found["n"].to_numpy(np.int64), found["failing"].to_numpy(bool)
        of_kind = is_kind.to_numpy(bool) & failing
        k, rest, other = (
            np.bincount(place[which], n[which], len(t)).astype(np.int64)
            for which in (of_kind, ~failing, failing & ~of_kind)
        )
        k_of, n_of = series.calls_of(change, failing=True), series.calls_of(change)
        return cls(value, t, k, rest, other, k_of, n_of, series.step, series.first, change.level)

    def differs(self, *, before: bool) -> bool:
        """Whether the rows before a stretch, or those after it, are of another level."""
        from scipy.special import bdtr

        side = slice(None, self.level.start) if before else slice(self.level.end, None)
        k, n = int(self.k_of[side].sum()), int(self.n_of[side].sum())
        inside = slice(self.level.start, self.level.end)
        share = self.k_of[inside].sum() / max(self.n_of[inside].sum(), 1)
        return n > 0 and float(bdtr(k, n, share)) < _ALPHA

    def narrowed(self, begins: bool, ends: bool) -> _Near:
        """Return this with the second of its first failing row, and the one after its last."""
        outside = max(self.level.outside, 0.5 / (self.n_of.sum() + 1))
        inside, found = self.level.inside, self
        for _ in range(3):
            inside = min(max(inside, 2 * outside), 0.999)
            outside = min(outside, inside / 1.5)
            gain = self.k * np.log(inside / outside) + self.rest * np.log(
                (1 - inside) / (1 - outside)
            )
            found = replace(found, start=self._first(gain), end=self._last(gain) + 1)
            within = (self.t >= found.start) & (self.t < found.end)
            if self.level.end - self.level.start > 2 * _AROUND or not self.k[within].sum():
                break
            inside = self.k[within].sum() / (self.k[within].sum() + self.rest[within].sum())
        return found

    def _around(self, place: int) -> Counts:
        places = _begin(self.n_of, place), place + _AROUND
        since, until = ((self.first + by) * self.step for by in places)
        found: Counts = (self.t >= since) & (self.t < until) & (self.k > 0)
        return found

    def _first(self, gain: Any) -> int:
        after = np.where(self._around(self.level.start), gain[::-1].cumsum()[::-1], -np.inf)
        return int(self.t[after.argmax()])

    def _last(self, gain: Any) -> int:
        before = np.where(self._around(self.level.end), gain.cumsum(), -np.inf)
        return int(self.t[before.argmax()])

    @property
    def next_row(self) -> int:
        """The second of the first row after the stretch."""
        later = self.t[self.t >= self.end]
        return int(later[0]) if len(later) else self.end

    def counts(self, start: int, end: int | None) -> tuple[int, int, int, int]:
        """Return failing and all rows before `start`, and from then on (up to `end`)."""
        k_before, n_before = self._until(start)
        k_until, n_until = self._until(end) if end else (int(self.k_of.sum()), int(self.n_of.sum()))
        return k_before, n_before, k_until - k_before, n_until - n_before

    def _until(self, second: int) -> tuple[int, int]:
        """Return failing and all rows before a second near the change."""
        bucket = second // self.step - self.first
        whole, since = max(bucket, 0), second // self.step * self.step
        near = (self.t >= since) & (self.t < second)
        n = self.k + self.rest + self.other
        return (
            int(self.k_of[:whole].sum() + self.k[near].sum()),
            int(self.n_of[:whole].sum() + n[near].sum()),
        )
