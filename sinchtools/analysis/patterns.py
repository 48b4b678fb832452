"""
Find what stands out among many exchanges.

Find groups of like failures, spikes, and differences between failing and succeeding exchanges.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis.body_fields import json_object, request_fields
from sinchtools.analysis.frames import FAILING, Per, is_failing, names_of, rows, to_pandas, unwrap
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
    Group like failures.

    The columns are the fingerprint (why a row is in the group), status, code, endpoint, pattern, n,
    share of all failures, first, last and example_id.

    Largest first. A failure without an answer is grouped by its network error class. The example is
    the row of `first`: the earliest, of those the one with the smallest id; of a group without
    times the smallest id.
    """
    failing = (
        rows(frame, "id", "code", "endpoint", "text", "failure", per=per)
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

    Returns
    -------
    pd.DataFrame
        start, end, status, code, n, expected, ratio; by time. `.attrs["verdict"]`: `N found`,
        `nothing stands out`, or `too few` (fewer than 8 intervals or 20 rows with a time).
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


# --- differences ----------------------------------------------------------------------------------


def differences(
    frame: Any, *, per: Per = "call", alpha: float = 0.05, top: int = 10
) -> pd.DataFrame:
    """
    Find which values the failing have more often than the succeeding.

    Looked at: endpoint, method, region, account, target, day, hour, and where the frame has them
    the fields of the JSON body, country and sender kind, and the request headers. Each value is
    tested (Fisher's exact test, chi-square beyond 5,000 rows) and corrected for the number of looks
    (`scipy.stats.false_discovery_control`). Constant and id-like fields are left out, and so is an
    effect below 0.1.

    Returns
    -------
    pd.DataFrame
        field, value, share_failing (of the failing, how many have the value), share_succeeding,
        n_failing, n_succeeding (how many have it), effect (difference of the shares), p_adjusted;
        largest effect first. `.attrs["verdict"]`: `N found`, `nothing stands out`, or `too few`
        (fewer than 5 on a side).
    """
    counts = _field_counts(frame, per)
    failing, succeeding = (
        sum(n for (_, side), n in counts["endpoint"].items() if side == wanted) for wanted in (1, 0)
    )
    if min(failing, succeeding) < _FEWEST_OF_A_SIDE:
        return result("differences", pd.DataFrame(), verdict="too few")
    tested = _tested(_with_absent(counts, failing, succeeding), failing, succeeding)
    found = (
        tested[(tested["p_adjusted"] <= alpha) & (tested["effect"] >= _LEAST_EFFECT)]
        if len(tested)
        else tested
    )
    found = found.sort_values(
        ["effect", "p_adjusted", "field", "value"], ascending=[False, True, True, True]
    ).head(top)
    return result("differences", found, verdict=_verdict(len(found)))


def _field_counts(frame: Any, per: Per) -> dict[str, Counter[tuple[str, int]]]:
    """Return for each field how often (value, failing) was seen."""
    counts: dict[str, Counter[tuple[str, int]]] = {"endpoint": Counter()}
    for values, failing, n in _seen(frame, per):
        for field, value in _fields_of(values):
            counts.setdefault(field, Counter())[value, failing] += n
    return counts


def _seen(frame: Any, per: Per) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Yield values that occur together, in failing rows (1) or succeeding rows (0), and n."""
    frame = unwrap(frame)
    whole: list[str] = [c for c in ("request_body", "request_headers") if c in names_of(frame)]
    sided = rows(frame, *_PLAIN, *whole, per=per).with_columns(
        failing=is_failing().cast(nw.Int64), bucket=nw.col("at_us") // 3_600_000_000
    )
    sided = sided.filter(
        (nw.col("failing") == 1) | ((nw.col("answer") >= 200) & (nw.col("answer") < 300))
    )
    together: list[list[str]] = [*([c] for c in _PLAIN), ["bucket"], *([whole] if whole else [])]
    for keys in together:
        found = to_pandas(sided.group_by(*keys, "failing").agg(COUNT))
        for row in found[[*keys, "failing", "n"]].to_dict("records"):
            yield {key: row[key] for key in keys}, int(row["failing"]), int(row["n"])


def _with_absent(
    counts: dict[str, Counter[tuple[str, int]]], failing: int, succeeding: int
) -> dict[str, Counter[tuple[str, int]]]:
    """Count the rows that lack a field as having the value `(absent)`."""
    for seen in counts.values():
        for side, all_of_side in ((1, failing), (0, succeeding)):
            if rest := all_of_side - sum(n for (_, of), n in seen.items() if of == side):
                seen["(absent)", side] += rest
    return counts


def _fields_of(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name == "bucket":
            hour = None if missing(value) else datetime.fromtimestamp(int(value) * 3600, UTC)
            yield "day", f"{hour:%Y-%m-%d}" if hour else "(absent)"
            yield "hour", f"{hour:%H}" if hour else "(absent)"
        elif name == "request_body":
            yield from request_fields(None if missing(value) else value)
        elif name == "request_headers":
            yield from (
                (f"header {key.lower()}", str(v)[:80]) for key, v in json_object(value).items()
            )
        else:
            yield name, "(absent)" if missing(value) else str(value)


def _tested(
    counts: dict[str, Counter[tuple[str, int]]], failing: int, succeeding: int
) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    looks = [
        (
            field,
            value,
            a / failing,
            b / succeeding,
            a,
            b,
            a / failing - b / succeeding,
            _p(a, b, failing, succeeding),
        )
        for field, seen in counts.items()
        for value, a, b in _looks(seen, failing, succeeding)
    ]
    tested = pd.DataFrame(looks, columns=list(RESULTS["differences"]))
    if len(tested):
        tested["p_adjusted"] = false_discovery_control(tested["p_adjusted"].to_numpy(dtype=float))
    return tested


def _looks(
    seen: Counter[tuple[str, int]], failing: int, succeeding: int
) -> Iterator[tuple[str, int, int]]:
    """Yield each value worth a test with how many of the failing and of the succeeding have it."""
    values = {value: (seen[value, 1], seen[value, 0]) for value, _ in seen}
    if 2 <= len(values) <= max(20, 0.5 * (failing + succeeding)):  # neither constant nor like an id
        for value, (a, b) in values.items():
            if a + b >= 5 and (len(values) > 2 or a / failing > b / succeeding):
                yield value, a, b


def _p(a: int, b: int, failing: int, succeeding: int) -> float:
    from scipy.stats import chi2_contingency, fisher_exact

    table = [[a, b], [failing - a, succeeding - b]]
    if failing + succeeding <= 5000 or a + b == failing + succeeding:
        return float(fisher_exact(table).pvalue)
    return float(chi2_contingency(table).pvalue)
