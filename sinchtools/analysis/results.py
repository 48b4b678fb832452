"""
Turn what an engine has counted into small pandas frames.

Their columns and dtypes are the same for every engine, and also when there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from http import HTTPStatus
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis.frames import (
    NO_RESPONSE,
    NOT_DELIVERED,
    Per,
    is_failing,
    is_known,
    lazy_rows,
    to_pandas,
)
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import outcome_of

INTERVALS = {
    "1min": 60,
    "5min": 300,
    "15min": 900,
    "1h": 3600,
    "6h": 21600,
    "1d": 86400,
}  # name: seconds
MOST_INTERVALS = 250  # a timeline that chooses its interval has at most so many
MOST_BUCKETS = 100_000
_SIDES = {
    "n": "Int64",
    "share": "Float64",
    "n_failing": "Int64",
    "share_failing": "Float64",
    "not_known": "Int64",
}
_TIME = "datetime64[us, UTC]"
_SILENT = ("no response", "not known")
RESULTS: dict[str, dict[str, str]] = {  # function: {column: dtype}; an empty result has the same
    "codes": {
        "status": "Int16",
        "code": "string",
        "outcome": "string",
        "n": "Int64",
        "share": "Float64",
    },
    "timeline": {"start": _TIME, "status": "Int16", "code": "string", "n": "Int64"},
    "endpoints": {"endpoint": "string", **_SIDES},
    "accounts": {"account": "string", **_SIDES},
    "regions": {"region": "string", **_SIDES},
    "countries": {"country": "string", **_SIDES},
    "senders": {"sender": "string", **_SIDES},
    "heatmap": {
        "weekday": "Int16",
        "hour": "Int16",
        **{c: d for c, d in _SIDES.items() if c != "share"},
        "hours_seen": "Int64",
    },
    "latency": {
        "endpoint": "string",
        "status": "Int16",
        "code": "string",
        "n": "Int64",
        "p50_ms": "Float64",
        "p90_ms": "Float64",
        "p99_ms": "Float64",
    },
    "delivery_codes": {"code": "Int16", "status": "string", "n": "Int64", "share": "Float64"},
    "groups": {
        "fingerprint": "string",
        "status": "Int16",
        "code": "string",
        "endpoint": "string",
        "pattern": "string",
        "n": "Int64",
        "share": "Float64",
        "first": _TIME,
        "last": _TIME,
        "example_id": "string",
    },
    "spikes": {
        "start": _TIME,
        "end": _TIME,
        "status": "Int16",
        "code": "string",
        "n": "Int64",
        "expected": "Float64",
        "ratio": "Float64",
    },
    "change_points": {
        "start": _TIME,
        "end": _TIME,
        "status": "Int16",
        "code": "string",
        "field": "string",
        "value": "string",
        "share_before": "Float64",
        "share_after": "Float64",
        "n_before": "Int64",
        "n_after": "Int64",
        "p_adjusted": "Float64",
    },
    "differences": {
        "field": "string",
        "value": "string",
        "share_failing": "Float64",
        "share_succeeding": "Float64",
        "n_failing": "Int64",
        "n_succeeding": "Int64",
        "effect": "Float64",
        "p_adjusted": "Float64",
    },
    "overview": {
        "n": "Int64",
        "n_failing": "Int64",
        "not_known": "Int64",
        "undated": "Int64",
        "since": _TIME,
        "until": _TIME,
    },
}


_OUTCOMES = {NO_RESPONSE: "no_response", NOT_DELIVERED: "not_delivered"}


def label(status: int | None, code: str | None, outcome: str | None = "no_response") -> str:
    """
    Return the name that tables and charts give to a status and code.

    A code that would read as something else is in quotes.

    Examples
    --------
    >>> label(403, "missing_callback_url"), label(401, None), label(None, None)
    ('403 missing_callback_url', '401 Unauthorized', 'no response')
    >>> label(None, None, outcome=None), label(403, None), label(403, "Forbidden")
    ('not known', '403 Forbidden', '403 "Forbidden"')
    """
    if missing(status):
        return _unlike(str(code), *_SILENT) if not missing(code) else _SILENT[missing(outcome)]
    try:
        phrase = HTTPStatus(int(status or 0)).phrase
    except ValueError:
        phrase = ""
    return f"{int(status or 0)} {phrase if missing(code) else _unlike(str(code), phrase)}".strip()


def _unlike(code: str, *others: str) -> str:
    is_odd = (
        code in ("", *others)
        or code != code.strip()
        or code.startswith('"')
        or (others == _SILENT and code.lstrip("-")[:1].isdigit())
    )
    return f'"{code}"' if is_odd else code


# --- while the engine counts ----------------------------------------------------------------------

COUNT = nw.len().alias("n")
SIDES = (
    COUNT,
    nw.col("failing").sum().alias("n_failing"),
    nw.col("unknown").sum().alias("not_known"),
)


def with_sides(found: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add what `SIDES` sums up: whether a row failed, and whether its answer is not known."""
    return found.with_columns(
        failing=is_failing().cast(nw.Int64), unknown=(~is_known()).cast(nw.Int64)
    )


def binned(frame: Any, interval: str | None, per: Per) -> tuple[pd.DataFrame, int]:
    """
    Return the counts per interval, and the seconds of an interval.

    The columns are bucket (<NA> without a time), status, code, outcome and n. Empty intervals are
    not filled in.
    """
    step = seconds_of(interval) if interval else 60
    micros = lazy_rows(frame, "code", per=per).with_columns(
        bucket=nw.col("at_us") // (step * 1_000_000)
    )
    grouped = micros.group_by("bucket", "answer", "code").agg(COUNT)
    counts = to_pandas(grouped if interval else in_suiting_intervals(grouped, ("answer", "code")))
    step = step if interval or not counts["step"].notna().any() else 60 * int(counts["step"].max())
    counts = with_dtypes(counts, "codes").assign(
        bucket=column(counts["bucket"], "Float64").astype("Int64")
    )
    if (
        counts["bucket"].notna().any()
        and counts["bucket"].max() - counts["bucket"].min() > MOST_BUCKETS
    ):
        raise WrongUseError(
            f"interval={told(interval)} gives more than {MOST_BUCKETS:,} intervals.",
            hint="Choose a longer one, or leave it out.",
        )
    return counts, step


def in_suiting_intervals(
    counts: nw.LazyFrame[Any], keys: Sequence[str], base: int = 60, *, times: bool = False
) -> nw.LazyFrame[Any]:
    """
    Fold counts per `base` seconds to the interval that suits their span, inside the engine.

    A large file is read once. The column `step` says of how many `base` an interval is. With
    `times`, the columns `first` and `last` are folded too.
    """
    first, last = (
        nw.col("bucket").cum_min(),
        nw.col("bucket").cum_max(reverse=True),
    )  # in order: DuckDB would read the log twice for min and max
    span = last.over("all", order_by="bucket") - first.over("all", order_by="bucket")
    counts = counts.with_columns(all=nw.lit(1)).with_columns(span=span)
    day = max(86_400 // base, 1)
    step = (nw.col("span") // (day * MOST_INTERVALS) + 1) * day
    for seconds in sorted({base, *INTERVALS.values()}, reverse=True):
        if seconds % base == 0:
            step = (
                nw.when(nw.col("span") < (MOST_INTERVALS - 1) * seconds // base)
                .then(nw.lit(seconds // base))
                .otherwise(step)
            )
    counts = counts.with_columns(step=step).with_columns(bucket=nw.col("bucket") // nw.col("step"))
    ends = (nw.col("first").min(), nw.col("last").max()) if times else ()
    return counts.group_by("bucket", *keys, "step").agg(nw.col("n").sum(), *ends)


def seconds_of(interval: str) -> int:
    """Return the seconds of an interval."""
    try:
        seconds = pd.Timedelta(interval).total_seconds()
    except ValueError:
        seconds = 0
    if seconds < 1 or seconds != int(seconds):
        raise WrongUseError(
            f"interval={told(interval)} is not a whole number of seconds.",
            hint=f"Use one of {', '.join(INTERVALS)}.",
        )
    return int(seconds)


# --- what it counted ------------------------------------------------------------------------------


def with_dtypes(counts: pd.DataFrame, name: str, *strings: str) -> pd.DataFrame:
    """
    Give counted columns the dtypes of their result.

    Split `answer` into status and outcome (<NA>: not known).
    """
    if "answer" in counts:
        answers = [None if missing(answer) else int(answer) for answer in counts.pop("answer")]
        statuses = [None if answer in _OUTCOMES else answer for answer in answers]
        outcomes = [
            None if answer is None else _OUTCOMES.get(answer) or outcome_of(status)
            for answer, status in zip(answers, statuses, strict=True)
        ]
        counts = counts.assign(status=column(statuses, "Int16"), outcome=column(outcomes, "string"))
    dtypes = {**RESULTS[name], **dict.fromkeys(strings, "string")}
    return counts.assign(
        **{c: column(counts[c], dtypes[c]) for c in counts if c in dtypes and dtypes[c] != _TIME}
    )


def known_and_rest(counts: pd.DataFrame, known: str = "outcome") -> tuple[pd.DataFrame, int]:
    """
    Return the counts of known responses, and how many rows the others are.

    The rows may also be split otherwise, such as into those with and without a time.
    """
    kept = counts[counts[known].notna()].reset_index(drop=True)
    return kept, integer(counts["n"].sum()) - integer(kept["n"].sum())


def by_size(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the largest first, then by name."""
    keys = [c for c in ("status", "code", "endpoint", "account", "region") if c in counts]
    return counts.sort_values(
        ["n", *keys], ascending=[False] + [True] * len(keys), na_position="last"
    ).reset_index(drop=True)


def with_shares(counts: pd.DataFrame, name: str) -> pd.DataFrame:
    """
    Return counts by the first column of a result, with shares.

    Those of failures are of the rows whose answer is known.
    """
    by = next(iter(RESULTS[name]))
    counts = _cast(counts, {by: "string", "n": "Int64", "n_failing": "Int64", "not_known": "Int64"})
    counts["share"] = counts["n"] / max(counts["n"].sum(), 1)
    return result(
        name,
        share_failing(counts).sort_values(["n", by], ascending=[False, True], na_position="last"),
    )


def share_failing(counts: pd.DataFrame) -> pd.DataFrame:
    """Add the share of failures among the rows whose answer is known; <NA> when there is none."""
    known = (counts["n"] - counts["not_known"]).astype("Int64")
    return counts.assign(
        share_failing=(counts["n_failing"] / known.where(known > 0)).astype("Float64")
    )


def result(name: str, found: pd.DataFrame, **attrs: Any) -> pd.DataFrame:
    """Return the columns and dtypes of a result."""
    done = _cast(found.reset_index(drop=True), RESULTS[name])
    done.attrs.update(attrs)
    return done


def _cast(found: pd.DataFrame, dtypes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({c: column(found.get(c, []), d) for c, d in dtypes.items()}).reset_index(
        drop=True
    )


def column(values: Any, dtype: Any) -> pd.Series[Any]:
    """Return the values in a dtype, whatever an engine made of them."""
    return pd.Series(values, dtype=object).astype(dtype)


def instants(micros: Any) -> Any:
    """Return microseconds since 1970 as times."""
    values = pd.Series(list(micros), dtype="Float64").astype("Int64")
    return pd.Series(
        values.to_numpy("datetime64[us]", na_value=np.datetime64("NaT", "us"))
    ).dt.tz_localize(UTC)


def integer(value: Any) -> int:
    """Return a sum as a whole number; that of nothing is 0."""
    return 0 if missing(value) else int(value)


def missing(value: Any) -> bool:
    """Whether a cell is empty."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and value != value)
    )
