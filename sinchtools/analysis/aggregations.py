"""
The aggregations behind the charts.

Any dataframe in (pandas, polars, DuckDB, PySpark, through narwhals), a small pandas frame in UTC
out.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from sinchtools.analysis.by_time import folded_codes
from sinchtools.analysis.frames import (
    Per,
    file_of,
    is_known,
    lazy_rows,
    names_of,
    to_pandas,
    unwrap,
)
from sinchtools.analysis.results import (
    COUNT,
    RESULTS,
    SIDES,
    by_size,
    instants,
    integer,
    known_and_rest,
    result,
    share_failing,
    with_dtypes,
    with_shares,
    with_sides,
)


def overview(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Return one row with the counts and the period of a frame.

    It counts all rows, failing rows, rows without a known response and rows without a time.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        One row: n, n_failing, not_known, undated (Int64); since and until (datetime64, UTC).
        `.attrs` has `sources` (file names, sorted), `simulated` (whether the sandbox answered any
        row) and `attempts` (how many there were, as the last of each call says).

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> seen = overview([Exchange(status=201), Exchange(status=500)])
    >>> seen[["n", "n_failing"]].values.tolist()
    [[2, 1]]
    """
    given = unwrap(frame)
    has_attempts = "attempt" in names_of(given)
    columns = ("source", "target", "attempt") if has_attempts else ("source", "target")
    counted = with_sides(lazy_rows(given, *columns, per=per)).with_columns(
        attempts=nw.col("attempt").cast(nw.Int64).fill_null(1) if has_attempts else nw.lit(1),
        undated=nw.col("at_us").is_null().cast(nw.Int64),
        file=file_of(),
        simulated=(nw.col("target") == "sandbox").fill_null(False).cast(nw.Int64),
    )
    times = (nw.col("at_us").min().alias("since"), nw.col("at_us").max().alias("until"))
    files = to_pandas(
        counted.group_by("file").agg(
            *SIDES, nw.col("undated", "attempts").sum(), nw.col("simulated").max(), *times
        )
    )
    total = pd.DataFrame(
        {c: [integer(files[c].sum())] for c in ("n", "n_failing", "not_known", "undated")}
    )
    total["since"], total["until"] = (
        instants([files["since"].min()]),
        instants([files["until"].max()]),
    )
    return result(
        "overview",
        total,
        sources=sorted(files["file"].dropna().astype(str)),
        simulated=bool((files["simulated"].dropna() > 0).any()),
        attempts=integer(files["attempts"].sum()),
    )


def codes(
    frame: Any, *, per: Per = "call", successes: bool = True, top: int | None = None
) -> pd.DataFrame:
    """
    Count by status and code.

    Parameters
    ----------
    frame
        A frame with `columns.COLUMNS` (pandas, polars, a DuckDB relation, PySpark), exchanges, or
        what has a `.frame()`.
    per
        `call`: automatic retries count as one, the last; `attempt`: each counts.
    successes
        Whether rows of success are in the result; the share is of all in any case.
    top
        Keep so many rows and fold the others, if they are more than one, into one: `other (k
        codes)`.

    Returns
    -------
    pd.DataFrame
        status, code, outcome, n, share; largest first, then by name. Rows whose answer the evidence
        does not show are the last row, with no outcome and no share: they are neither failures nor
        successes.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> counts = codes([Exchange(status=201), Exchange(status=403, code="unknown_group")])
    >>> counts[["status", "n", "share"]].values.tolist()
    [[201, 1, 0.5], [403, 1, 0.5]]
    """
    counts, unknown = known_and_rest(
        with_dtypes(
            to_pandas(lazy_rows(frame, "code", per=per).group_by("answer", "code").agg(COUNT)),
            "codes",
        )
    )
    counts["share"] = counts["n"] / max(counts["n"].sum(), 1)
    if not successes:
        counts = counts[counts["outcome"] != "success"]
    folded = folded_codes(by_size(counts), top)
    return result(
        "codes",
        pd.concat([folded, pd.DataFrame({"n": [unknown]}, dtype="Int64")]) if unknown else folded,
    )


def endpoints(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by endpoint (<NA> when no route of the API fits); largest first.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        endpoint (string), n (Int64), share (Float64, of all rows, 0 to 1), n_failing (Int64),
        share_failing (Float64, of the rows whose answer is known), not_known (Int64, how many
        it is not of); largest first.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(endpoint="GET /groups", status=status) for status in (200, 500)]
    >>> endpoints(rows)[["endpoint", "n", "share_failing"]].values.tolist()
    [['GET /groups', 2, 0.5]]
    """
    return _by(frame, "endpoints", per)


def accounts(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by service plan or project; largest first.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        account (string), then as in `endpoints`; largest first.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(account="plan1", status=201), Exchange(account="plan1", status=403)]
    >>> accounts(rows)[["account", "n", "n_failing"]].values.tolist()
    [['plan1', 2, 1]]
    """
    return _by(frame, "accounts", per)


def regions(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by region of the host; largest first.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        region (string), then as in `endpoints`; largest first.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> regions([Exchange(region="eu", status=201)])[["region", "n"]].values.tolist()
    [['eu', 1]]
    """
    return _by(frame, "regions", per)


def matrix(frame: Any, by: str = "endpoint", *, per: Per = "call") -> pd.DataFrame:
    """
    Count by a column and by status and code; largest first.

    Parameters
    ----------
    frame
        As in `codes`.
    by
        A column, such as `endpoint`, `account` or `region`.
    per
        `call`: automatic retries count as one, the last; `attempt`: each counts.

    Returns
    -------
    pd.DataFrame
        The column (string), status (Int16), code (string), n (Int64). `.attrs["not_known"]`
        counts the rows whose answer the evidence does not show; they are in no other count.

    Raises
    ------
    WrongUseError
        `per` is neither of the two.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(account="a", status=201), Exchange(account="a", status=201)]
    >>> matrix(rows, "account")[["account", "status", "n"]].values.tolist()
    [['a', 201, 2]]
    """
    found = to_pandas(
        lazy_rows(frame, by, "code", per=per).group_by(by, "answer", "code").agg(COUNT)
    )
    counts, unknown = known_and_rest(with_dtypes(found, "codes", by))
    counts = by_size(counts)[[by, "status", "code", "n"]]
    counts.attrs["not_known"] = unknown
    return counts


def latency(frame: Any, *, per: Per = "attempt") -> pd.DataFrame:
    """
    Return quantiles of the duration by endpoint, status and code; largest n first.

    Rows without a duration or with an answer that is not known are left out. The default is
    attempts: a duration belongs to one request.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        endpoint (string), status (Int16), code (string), n (Int64), p50_ms, p90_ms, p99_ms
        (Float64, milliseconds).

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(status=201, elapsed_ms=100.0), Exchange(status=201, elapsed_ms=300.0)]
    >>> latency(rows)[["n", "p50_ms"]].values.tolist()
    [[2, 200.0]]
    """
    timed = lazy_rows(frame, "endpoint", "code", "elapsed_ms", per=per).filter(
        ~nw.col("elapsed_ms").is_null(), is_known()
    )
    quantiles = [
        nw.col("elapsed_ms").quantile(q / 100, interpolation="linear").alias(f"p{q}_ms")
        for q in (50, 90, 99)
    ]
    return result(
        "latency",
        by_size(
            with_dtypes(
                to_pandas(timed.group_by("endpoint", "answer", "code").agg(COUNT, *quantiles)),
                "latency",
            )
        ),
    )


def heatmap(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by weekday (1 is Monday) and hour in UTC.

    All 168 rows are there when any row has a time.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        weekday, hour (Int16), n, n_failing (Int64), share_failing (Float64, of those with a
        known answer), not_known (Int64), hours_seen (Int64, in how many such hours there was
        a call). `.attrs["undated"]` counts the rows without a time.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sinchtools import Exchange
    >>> cells = heatmap([Exchange(at=datetime(2026, 11, 24, 9, 41, tzinfo=UTC), status=403)])
    >>> cells[cells["n"] > 0][["weekday", "hour", "n"]].values.tolist()
    [[2, 9, 1]]
    """
    sided = with_sides(lazy_rows(frame, per=per)).with_columns(
        bucket=nw.col("at_us") // 3_600_000_000
    )
    dated, undated = known_and_rest(to_pandas(sided.group_by("bucket").agg(*SIDES)), "bucket")
    if dated.empty:
        return result("heatmap", dated, undated=undated)
    dated = dated.astype("int64")
    dated = dated.assign(
        weekday=(dated["bucket"] // 24 + 3) % 7 + 1, hour=dated["bucket"] % 24
    )  # 1970-01-01 was a Thursday
    by_hour = dated.assign(hours_seen=1).groupby(["weekday", "hour"])
    cells = by_hour[["n", "n_failing", "not_known", "hours_seen"]].sum()
    cells = cells.reindex(
        pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"]),
        fill_value=0,
    ).reset_index()
    return result("heatmap", share_failing(cells), undated=undated)


def to_parquet(pattern: str | Path, path: str | Path) -> Path:
    """
    Convert the files that `st.scan` reads to one Parquet file.

    Convert once: every later question is read from that file. Headers and bodies are left out, as
    in every scan.

    Parameters
    ----------
    pattern
        Path or glob, as in `st.scan`.
    path
        Where the file is written; its folder is made.

    Returns
    -------
    Path
        The Parquet file, written whole or not at all.

    Raises
    ------
    MissingInputError
        No file fits the pattern.
    WrongUseError
        The files have no lines with HTTP in a known form.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> line = ('{"at": "2026-11-24T09:41:00Z", "method": "POST", "status": 201, '
    ...         '"url": "https://us.sms.api.sinch.com/xms/v1/p/batches"}')
    >>> size = (folder / "a.jsonl").write_text(line + chr(10))
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     to_parquet(folder / "a.jsonl", folder / "a.parquet").name
    'a.parquet'
    """
    from sinchtools.evidence import scan

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        scan(pattern).write_parquet(str(waiting))
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)
    return path


def _by(frame: Any, name: str, per: Per) -> pd.DataFrame:
    by = next(iter(RESULTS[name]))
    return with_shares(
        to_pandas(with_sides(lazy_rows(frame, by, per=per)).group_by(by).agg(*SIDES)), name
    )
