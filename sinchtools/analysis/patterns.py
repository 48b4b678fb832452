"""
Find what stands out among many exchanges.

Find groups of like failures, spikes, and differences between failing and succeeding exchanges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis.frames import FAILING, Per, is_failing, lazy_rows, to_pandas
from sinchtools.analysis.results import (
    COUNT,
    RESULTS,
    binned,
    instants,
    known_and_rest,
    label,
    missing,
    result,
    with_dtypes,
)

_Counts = np.ndarray[Any, Any]
_PLAIN = (
    "endpoint",
    "method",
    "region",
    "account",
    "target",
)  # fields that `differences` looks at as they are
_FEWEST_OF_A_SIDE, _FEWEST_INTERVALS, _FEWEST_DATED = 5, 8, 20
_LEAST_EFFECT = 0.1
_LASTING = 6  # intervals
_EARLIER, _UNDATED = (
    2 * 10**17,
    7 * 10**17,
)  # added to microseconds of any year they have 18 digits, so that as text they sort as numbers do
_MOST_SURPRISE = 0.01  # a spike is as improbable among all intervals and codes together
_VARIABLE = (  # what differs between two texts that say the same; the first that fits wins
    (
        re.compile(
            r"(?<!\w)(?P<quote>['\"`]).*?(?P=quote)(?!\w)|“[^”]*”|‘[^’]*’|«[^»]*»", re.DOTALL
        ),
        "<value>",
    ),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<url>"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
        "<time>",
    ),
    (
        re.compile(
            r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[\w-]*\d)"
            r"(?=[\w-]*[A-Za-z])[\w-]{10,}",
            re.IGNORECASE,
        ),
        "<id>",
    ),
    (re.compile(r"(?<![\w.])[+-]?\d+(?:[.,:]\d+)*(?!\w)"), "<number>"),
    (re.compile(r"(<\w+>)(?:,\s*(?:and\s+)?\1)+"), r"\1, ..."),
)


def fingerprint(
    status: int | None, code: str | None, endpoint: str | None, text: str | None
) -> str:
    """
    Return in words why a failure is in its group.

    Numbers, quoted values, times and IDs are cut out of its text.

    Examples
    --------
    >>> fingerprint(404, None, "GET /batches/{batch_id}", None)
    '404 Not Found, GET /batches/{batch_id}'
    >>> text = "to[3] '+1555' is not valid"
    >>> fingerprint(400, "syntax_invalid_parameter_format", "POST /batches", text)
    "400 syntax_invalid_parameter_format, POST /batches, text 'to[<number>] <value> is not valid'"
    """
    parts = [label(status, code), "unknown endpoint" if missing(endpoint) else str(endpoint)]
    return ", ".join(parts if missing(text) else [*parts, f"text '{_pattern(str(text))}'"])


def groups(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Group like failures; largest first.

    A failure without an answer is grouped by its network error class.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        fingerprint (string: why a row is in the group), status (Int16), code, endpoint,
        pattern (string), n (Int64), share (Float64, of all failures), first and last
        (datetime64, UTC), example_id (string: the row of `first`; of a group without times
        the smallest id).

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(id="a", status=401), Exchange(id="b", status=401)]
    >>> groups(rows)[["fingerprint", "n", "example_id"]].values.tolist()
    [['401 Unauthorized, unknown endpoint', 2, 'a']]
    """
    failing = (
        lazy_rows(frame, "id", "code", "endpoint", "text", "failure", per=per)
        .filter(is_failing())
        .with_columns(example_id=_age())
    )
    times = (nw.col("at_us").min().alias("first"), nw.col("at_us").max().alias("last"))
    counts = failing.group_by("answer", "code", "endpoint", "text", "failure").agg(
        COUNT, *times, nw.col("example_id").min()
    )
    found = with_dtypes(to_pandas(counts), "groups", "text", "failure")
    found["text"] = found["text"].fillna(found["failure"])
    found["pattern"] = found["text"].map(_pattern, na_action="ignore").astype("string")
    found["fingerprint"] = [
        fingerprint(*row)
        for row in found[["status", "code", "endpoint", "text"]].itertuples(index=False, name=None)
    ]
    how = dict.fromkeys(("status", "code", "endpoint", "pattern"), "first") | {
        "n": "sum",
        "first": "min",
        "last": "max",
        "example_id": "min",
    }
    merged = found.groupby("fingerprint", as_index=False, sort=True).agg(how)
    merged["share"] = merged["n"] / max(merged["n"].sum(), 1)
    merged["example_id"] = merged["example_id"].str[19:]
    merged["first"], merged["last"] = instants(merged["first"]), instants(merged["last"])
    return result("groups", merged.sort_values(["n", "fingerprint"], ascending=[False, True]))


def _age() -> nw.Expr:
    """
    Return time and ID in one text, so that its minimum names the earliest row.

    One pass is enough for that.
    """
    at = nw.col("at_us").fill_null(_UNDATED).cast(nw.Int64) + _EARLIER
    return nw.concat_str([at.cast(nw.String), nw.col("id")], separator=" ")


def _pattern(text: str) -> str:
    for variable, name in _VARIABLE:
        text = variable.sub(name, text)
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]}..."


# --- spikes ---------------------------------------------------------------------------------------


def spikes(frame: Any, interval: str | None = None, *, per: Per = "call") -> pd.DataFrame:
    """
    Find when a failing code came much more often than it otherwise does.

    The quiet intervals of a code give the expected count and its scatter (negative binomial;
    intervals that do not fit are left out, again and again until none changes). A spike is a run of
    intervals of which one is improbable after correction for all intervals and codes (0.01 in all),
    has at least 5 rows, 3 times the expected, and a larger share of all rows than usual (so that
    more traffic alone is no spike). Where a code has none, 6 intervals are looked at together: of a
    rise that lasts, none alone stands out.

    Parameters
    ----------
    frame, per
        As in `codes`.
    interval
        Such as `5min` or `1h`; None chooses one that suits the span.

    Returns
    -------
    pd.DataFrame
        start, end (datetime64, UTC), status (Int16), code (string), n (Int64), expected,
        ratio (Float64); by time. `.attrs["verdict"]`: `N found`, `nothing stands out`, or
        `too few` (fewer than 8 intervals or 20 rows with a time).

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> spikes([Exchange(status=500)]).attrs["verdict"]
    'too few'
    """
    counts, step = binned(frame, interval, per)
    return _spikes_of(known_and_rest(known_and_rest(counts)[0], "bucket")[0], step)


def _spikes_of(counts: pd.DataFrame, step: int) -> pd.DataFrame:
    first = int(counts["bucket"].min()) if len(counts) else 0
    size = int(counts["bucket"].max()) - first + 1 if len(counts) else 0
    if size < _FEWEST_INTERVALS or counts["n"].sum() < _FEWEST_DATED:
        return result("spikes", pd.DataFrame(), verdict="too few")
    total = _per_bucket(counts, first, size)
    failing = counts[counts["outcome"].isin(FAILING)]
    of_codes = [
        (key, of_code)
        for key, of_code in failing.groupby(["status", "code"], dropna=False)
        if of_code["n"].max() >= 5
    ]
    found = []
    for (status, code), of_code in of_codes:
        n = _per_bucket(of_code, first, size)
        for start, end, expected in _rises(n, total, _MOST_SURPRISE / (2 * size * len(of_codes))):
            seen = int(n[start:end].sum())
            found.append(
                [
                    (first + start) * step * 1_000_000,
                    (first + end) * step * 1_000_000,
                    status,
                    code,
                    seen,
                    expected,
                    seen / expected,
                ]
            )
    spiked = pd.DataFrame(found, columns=list(RESULTS["spikes"]))
    spiked["start"], spiked["end"] = instants(spiked["start"]), instants(spiked["end"])
    return result(
        "spikes",
        spiked.sort_values(["start", "n"], ascending=[True, False]),
        verdict=_verdict(len(found)),
    )


def _verdict(found: int) -> str:
    return f"{found} found" if found else "nothing stands out"


def _per_bucket(counts: pd.DataFrame, first: int, size: int) -> _Counts:
    return np.bincount(
        (counts["bucket"] - first).astype("int64"), counts["n"].astype("int64"), size
    )


def _rises(n: _Counts, total: _Counts, threshold: float) -> list[tuple[int, int, float]]:
    """
    Return start, end and the expected count of each rise.

    If no single interval stands out, several together are tested: a lasting rise may show only
    there.
    """
    found = list(_runs(n, total, threshold))
    if found or len(n) < _LASTING * _FEWEST_INTERVALS:
        return found
    places = np.arange(0, len(n), _LASTING)
    together = _runs(np.add.reduceat(n, places), np.add.reduceat(total, places), threshold)
    return [
        _trimmed(n, start * _LASTING, end * _LASTING, expected) for start, end, expected in together
    ]


def _trimmed(n: _Counts, start: int, end: int, expected: float) -> tuple[int, int, float]:
    seen = start + np.flatnonzero(n[start:end])
    return int(seen[0]), int(seen[-1]) + 1, expected * float(seen[-1] + 1 - seen[0]) / (end - start)


def _runs(n: _Counts, total: _Counts, threshold: float) -> Iterator[tuple[int, int, float]]:
    from scipy.special import betainc

    mean, spread, quiet = _usual(n)
    tail = _tail(n, mean, spread)
    share = n[quiet].sum() / max(total[quiet].sum(), 1)
    unusual_share = (n > 0) & (
        share > 0.9 or betainc(np.maximum(n, 1), total - n + 1, share) < 0.01
    )  # binomial
    strong = (tail < threshold) & (n >= 5) & (n >= 3 * mean) & unusual_share
    edges = np.flatnonzero(
        np.diff(np.concatenate([[0], (strong | ((tail < 0.01) & unusual_share)).astype(int), [0]]))
    )
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if strong[start:end].any():
            yield int(start), int(end), float(mean * (end - start))


def _usual(n: _Counts) -> tuple[float, float, _Counts]:
    quiet = n <= np.quantile(n, 0.75)
    for _ in range(20):
        mean = (n[quiet].sum() + 1) / (quiet.sum() + 1)
        spread = max(1.0, float(n[quiet].var()) / mean)
        fits = _tail(n, mean, spread) >= 0.001
        if (fits == quiet).all():
            break
        quiet = fits
    return float(mean), spread, quiet


def _tail(n: _Counts, mean: float, spread: float) -> _Counts:
    """
    Return how probable so many or more are.

    Poisson, or negative binomial when the counts scatter more (scipy.stats would load for a
    second).
    """
    from scipy.special import betainc, gammainc

    some = np.maximum(n, 1)
    tail = (
        gammainc(some, mean)
        if spread < 1.001
        else betainc(some, mean / (spread - 1), 1 - 1 / spread)
    )
    return np.where(n > 0, tail, 1.0)
