"""Counts by interval."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from sinchtools.analysis.frames import (
    Per,
)
from sinchtools.analysis.results import (
    binned,
    by_size,
    instants,
    known_and_rest,
    label,
    result,
)


def timeline(
    frame: Any, interval: str | None = None, *, per: Per = "call", top: int | None = None
) -> pd.DataFrame:
    """
    Count by interval, status and code, an interval without any row included with 0.

    Parameters
    ----------
    frame, per, top
        As in `codes`.
    interval
        Such as `5min` or `1h`; None chooses one of `INTERVALS` (or whole days) that gives at most
        250 intervals. Intervals start at whole UTC times.

    Returns
    -------
    pd.DataFrame
        start, status, code, n; by time, then the largest code first. `.attrs`: `interval_s`, and
        how many rows are not in it: `not_known` (the evidence shows no answer) and `undated` (no
        time).

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sinchtools import Exchange
    >>> at = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
    >>> timeline([Exchange(at=at, status=403)], "1h")[["status", "n"]].values.tolist()
    [[403, 1]]
    """
    return timeline_of(*binned(frame, interval, per), top)


def timeline_of(
    counts: pd.DataFrame, step: int, top: int | None = None, keep: Collection[str] = ()
) -> pd.DataFrame:
    """
    Return the timeline of what `results.binned` counted.

    Labels in `keep` are never folded.
    """
    counts, unknown = known_and_rest(counts)
    dated, undated = known_and_rest(counts, "bucket")
    totals = (
        dated[["status", "code", "n"]]
        .groupby(["status", "code"], dropna=False, as_index=False)
        .sum()
    )
    order = folded_codes(by_size(totals), top, keep)
    if len(order) < len(totals):
        dated = _with_other(dated, order)
    return result(
        "timeline",
        _zero_filled(dated, order, step),
        interval_s=step,
        undated=undated,
        not_known=unknown,
    )


def folded_codes(counts: pd.DataFrame, top: int | None, keep: Collection[str] = ()) -> pd.DataFrame:
    """Return the largest counts, and all others as one."""
    if top is None or len(counts) <= top + 1:
        return counts
    kept = [label(s, c) in keep for s, c in zip(counts["status"], counts["code"], strict=True)]
    first = sorted(range(len(counts)), key=lambda i: (not kept[i], i))
    rest, counts = counts.iloc[first[top:]], counts.iloc[sorted(first[:top])]
    other = {
        "code": f"other ({len(rest):,} codes)",
        **{c: rest[c].sum() for c in ("n", "share") if c in rest},
    }
    return pd.concat(
        [counts, pd.DataFrame([other]).astype({c: counts[c].dtype for c in other})],
        ignore_index=True,
    )


def _with_other(counts: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """Give what is not in the order the name of its last, which stands for the rest."""
    kept = {label(s, c) for s, c in zip(order["status"], order["code"], strict=True)}
    rest = [label(s, c) not in kept for s, c in zip(counts["status"], counts["code"], strict=True)]
    counts = counts[["bucket", "status", "code", "n"]].copy()
    counts.loc[rest, "status"], counts.loc[rest, "code"] = pd.NA, order["code"].iloc[-1]
    return counts.groupby(["bucket", "status", "code"], dropna=False, as_index=False).sum()


def _zero_filled(counts: pd.DataFrame, order: pd.DataFrame, step: int) -> pd.DataFrame:
    if counts.empty:
        return counts
    buckets = range(int(counts["bucket"].min()), int(counts["bucket"].max()) + 1)
    place = {
        label(s, c): i for i, (s, c) in enumerate(zip(order["status"], order["code"], strict=True))
    }
    filled = np.zeros((len(buckets), len(order)), dtype="int64")
    columns = [place[label(s, c)] for s, c in zip(counts["status"], counts["code"], strict=True)]
    np.add.at(
        filled,
        ((counts["bucket"] - buckets[0]).astype("int64"), np.array(columns)),
        counts["n"].astype("int64").to_numpy(),
    )
    repeated = order.iloc[np.tile(np.arange(len(order)), len(buckets))][
        ["status", "code"]
    ].reset_index(drop=True)
    starts = instants(np.repeat(np.array(buckets, dtype="int64") * step * 1_000_000, len(order)))
    return repeated.assign(start=starts, n=filled.ravel())
