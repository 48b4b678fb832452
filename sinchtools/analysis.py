"""The aggregations behind the charts: any dataframe in (pandas, polars, DuckDB, PySpark, through narwhals), a small pandas frame in UTC out."""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import re
import shutil
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools import tables
from sinchtools.errors import WrongUseError
from sinchtools.records import Exchange

Per = Literal["call", "attempt"]

FAILING = ("user_error", "sinch_error", "no_response")
INTERVALS = {"1min": 60, "5min": 300, "15min": 900, "1h": 3600, "6h": 21600, "1d": 86400}  # name: seconds
MOST_INTERVALS = 250  # a timeline that chooses its interval has at most so many
RESULTS: dict[str, dict[str, str]] = {  # function: {column: dtype}; an empty result has the same
    "codes": {"status": "Int16", "code": "string", "outcome": "string", "n": "Int64", "share": "Float64"},
    "timeline": {"start": "datetime64[us, UTC]", "status": "Int16", "code": "string", "n": "Int64"},
    "heatmap": {"weekday": "Int16", "hour": "Int16", "n": "Int64", "n_failing": "Int64", "share_failing": "Float64"},
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
        "first": "datetime64[us, UTC]",
        "last": "datetime64[us, UTC]",
        "example_id": "string",
    },
    "spikes": {
        "start": "datetime64[us, UTC]",
        "end": "datetime64[us, UTC]",
        "status": "Int16",
        "code": "string",
        "n": "Int64",
        "expected": "Float64",
        "ratio": "Float64",
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
    "overview": {"n": "Int64", "n_failing": "Int64", "undated": "Int64", "since": "datetime64[us, UTC]", "until": "datetime64[us, UTC]"},
}
_SPARK = {  # nothing leaves this machine, and a small file is not split in 200
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
}
_SEARCHED = ("code", "text", "url", "endpoint", "failure", "request_body", "response_body")
_VARIABLE = (  # what differs between two texts that say the same; the first that fits wins
    (re.compile(r"(?<!\w)(?P<quote>['\"`]).*?(?P=quote)(?!\w)|“[^”]*”|‘[^’]*’|«[^»]*»", re.DOTALL), "<value>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{10,}", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![\w.])[+-]?\d+(?:[.,:]\d+)*(?!\w)"), "<number>"),
    (re.compile(r"(<\w+>)(?:,\s*(?:and\s+)?\1)+"), r"\1, ..."),
)


def label(status: int | None, code: str | None) -> str:
    """
    Return the name that tables and charts give to a status and code.

    Examples
    --------
    >>> label(403, "missing_callback_url"), label(401, None), label(None, None)
    ('403 missing_callback_url', '401 Unauthorized', 'no response')
    """
    if _missing(status):
        return "no response" if _missing(code) else str(code)
    try:
        phrase = HTTPStatus(int(status or 0)).phrase
    except ValueError:
        phrase = ""
    return f"{int(status or 0)} {phrase if _missing(code) else code}".strip()


def overview(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Return one row: how many, how many of them failing, how many without a time, first and last time.

    `.attrs` holds `sources` (file names, sorted) and `simulated` (whether any row was answered by the sandbox).
    """
    rows = _rows(frame, "outcome", "source", "target", per=per).with_columns(
        _failing(),
        undated=nw.col("at_us").is_null().cast(nw.Int64),
        file=nw.col("source").str.replace_all(r"#[^#]*$", ""),
        simulated=(nw.col("target") == "sandbox").fill_null(False).cast(nw.Int64),
    )
    files = _collect(
        rows.group_by("file").agg(
            nw.len().alias("n"),
            nw.col("failing").sum().alias("n_failing"),
            nw.col("undated").sum().alias("undated"),
            nw.col("simulated").max().alias("simulated"),
            nw.col("at_us").min().alias("since"),
            nw.col("at_us").max().alias("until"),
        )
    )
    total = pd.DataFrame({c: [_integer(files[c].sum())] for c in ("n", "n_failing", "undated")})
    total["since"], total["until"] = _instants([files["since"].min()]), _instants([files["until"].max()])
    return _result("overview", total, sources=sorted(files["file"].dropna().astype(str)), simulated=bool((files["simulated"].dropna() > 0).any()))


def codes(frame: Any, *, per: Per = "call", successes: bool = True, top: int | None = None) -> pd.DataFrame:
    """
    Count by status and code.

    Parameters
    ----------
    frame
        A frame with `tables.COLUMNS` (pandas, polars, a DuckDB relation, PySpark), exchanges, or what has a `.frame`.
    per
        `call`: automatic retries count as one, the last; `attempt`: each counts.
    successes
        Whether rows of success are in the result; the share is of all in any case.
    top
        Keep so many rows and fold the others, if they are more than one, into one: `other (k codes)`.

    Returns
    -------
    pd.DataFrame
        status, code, outcome, n, share; largest first, then by name.

    Examples
    --------
    >>> codes([Exchange(status=201), Exchange(status=403, code="unknown_group")])[["status", "n", "share"]].values.tolist()
    [[201, 1, 0.5], [403, 1, 0.5]]
    """
    rows = _rows(frame, "status", "code", "outcome", per=per)
    counts = _typed(_collect(rows.group_by("status", "code", "outcome").agg(nw.len().alias("n"))), "codes")
    counts["share"] = counts["n"] / max(counts["n"].sum(), 1)
    if not successes:
        counts = counts[counts["outcome"] != "success"]
    return _result("codes", _folded_codes(_by_size(counts), top))


def timeline(frame: Any, interval: str | None = None, *, per: Per = "call", top: int | None = None) -> pd.DataFrame:
    """
    Count by interval, status and code, an interval without any row included with 0.

    Parameters
    ----------
    frame, per, top
        As in `codes`.
    interval
        Such as `5min` or `1h`; None chooses one of `INTERVALS` (or whole days) that gives at most 250 intervals. Intervals start at whole UTC times.

    Returns
    -------
    pd.DataFrame
        start, status, code, n; by time, then the largest code first. `.attrs`: `interval_s`, and `undated`, how many rows have no time.
    """
    counts, step, undated = _binned(frame, interval, per)
    totals = counts[["status", "code", "n"]].groupby(["status", "code"], dropna=False, as_index=False).sum()
    order = _folded_codes(_by_size(totals), top)
    if top is not None and len(order) and str(order["code"].iloc[-1]).startswith("other ("):
        kept = {label(s, c) for s, c in zip(order["status"], order["code"], strict=True)}
        rest = ~pd.Series([label(s, c) in kept for s, c in zip(counts["status"], counts["code"], strict=True)], index=counts.index)
        counts.loc[rest, "status"], counts.loc[rest, "code"] = pd.NA, order["code"].iloc[-1]
        counts = counts[["bucket", "status", "code", "n"]].groupby(["bucket", "status", "code"], dropna=False, as_index=False).sum()
    return _result("timeline", _zero_filled(counts, order, step), interval_s=step, undated=undated)


def endpoints(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """Count by endpoint: endpoint (<NA> when no route of the API fits), n, share, n_failing, share_failing; largest first."""
    return _by(frame, "endpoint", per)


def accounts(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """Count by service plan or project: account, n, share, n_failing, share_failing; largest first."""
    return _by(frame, "account", per)


def regions(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """Count by region of the host: region, n, share, n_failing, share_failing; largest first."""
    return _by(frame, "region", per)


def countries(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by country of the first recipient (ISO 3166; <NA> when not known): country, n, share, n_failing, share_failing; largest first.

    Requests without a recipient are left out.
    """
    return _by_body(frame, "country", _country, per)


def senders(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by kind of sender (number, short code, alphanumeric, none): sender, n, share, n_failing, share_failing; largest first.

    Requests without a recipient are left out.
    """
    return _by_body(frame, "sender", _sender_kind, per)


def matrix(frame: Any, by: str = "endpoint", *, per: Per = "call") -> pd.DataFrame:
    """Count by a column (`endpoint`, `account`, `region`, ...) and status and code: the column, status, code, n; largest first."""
    counts = _collect(_rows(frame, by, "status", "code", per=per).group_by(by, "status", "code").agg(nw.len().alias("n")))
    return _cast(_by_size(_typed(counts, "codes", by)), {by: "string", **{c: RESULTS["codes"][c] for c in ("status", "code", "n")}})


def latency(frame: Any, *, per: Per = "attempt") -> pd.DataFrame:
    """
    Return quantiles of `elapsed_ms` by endpoint, status and code: endpoint, status, code, n, p50_ms, p90_ms, p99_ms; largest n first.

    Rows without a duration are left out. The default is attempts: a duration belongs to one request.
    """
    rows = _rows(frame, "endpoint", "status", "code", "elapsed_ms", per=per).filter(~nw.col("elapsed_ms").is_null())
    quantiles = [nw.col("elapsed_ms").quantile(q / 100, interpolation="linear").alias(f"p{q}_ms") for q in (50, 90, 99)]
    return _result("latency", _by_size(_typed(_collect(rows.group_by("endpoint", "status", "code").agg(nw.len().alias("n"), *quantiles)), "latency")))


def heatmap(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by weekday (1 is Monday) and hour in UTC: weekday, hour, n, n_failing, share_failing (<NA> where n is 0).

    All 168 rows are there when any row has a time. `.attrs["undated"]` counts the rows without.
    """
    rows = _rows(frame, "outcome", per=per).with_columns(_failing(), bucket=nw.col("at_us") // 3_600_000_000)
    hours = _collect(rows.group_by("bucket").agg(nw.len().alias("n"), nw.col("failing").sum().alias("n_failing")))
    dated = hours[hours["bucket"].notna()].astype("int64")
    if dated.empty:
        return _result("heatmap", dated, undated=_integer(hours["n"].sum()))
    dated = dated.assign(weekday=(dated["bucket"] // 24 + 3) % 7 + 1, hour=dated["bucket"] % 24)  # 1970-01-01 was a Thursday
    cells = dated.groupby(["weekday", "hour"])[["n", "n_failing"]].sum()
    cells = cells.reindex(pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"]), fill_value=0).reset_index()
    cells["share_failing"] = (cells["n_failing"] / cells["n"].where(cells["n"] > 0)).astype("Float64")
    return _result("heatmap", cells, undated=_integer(hours["n"].sum() - dated["n"].sum()))


def delivery_codes(frame: Any) -> pd.DataFrame:
    """
    Count recipients by delivery code, from the delivery reports among the responses: code, status, n, share; largest first.

    A report that was asked for again counts once, as last seen; a batch's own report is preferred to those of its recipients.
    """
    rows = _rows(frame, "endpoint", "response_body", per="attempt", needs="response_body").filter(
        nw.col("endpoint").str.contains("delivery_report", literal=True), ~nw.col("response_body").is_null()
    )
    bodies = _collect(rows.group_by("response_body").agg(nw.col("at_us").max().alias("at_us")))
    bodies["at_us"] = bodies["at_us"].astype("Float64").fillna(-1.0)
    counts = _delivery_counts(list(bodies.sort_values(["at_us", "response_body"])["response_body"].astype(str)))
    found = pd.DataFrame([(*key, n) for key, n in counts.items()], columns=["code", "status", "n"])
    found["share"] = found["n"] / max(found["n"].sum(), 1)
    return _result("delivery_codes", found.sort_values(["n", "code", "status"], ascending=[False, True, True], na_position="last"))


def calls(frame: Any) -> Any:
    """
    Return the frame, of the same kind, with automatic retries folded: one row per `call_id`, its last attempt.

    A row without `call_id` is its own call.
    """
    native = _native(frame)
    rows = nw.from_native(native).lazy()
    folded = _fold(_with_micros(native, rows.collect_schema().names()), rows.collect_schema().names())
    return _as_given(folded.select(*rows.collect_schema().names()), native)


def fingerprint(status: int | None, code: str | None, endpoint: str | None, text: str | None) -> str:
    """
    Return why a failure is in its group, in words: what remains when numbers, quoted values, times and ids are cut out of its text.

    Examples
    --------
    >>> fingerprint(404, None, "GET /batches/{batch_id}", None)
    '404 Not Found, GET /batches/{batch_id}'
    >>> fingerprint(400, "syntax_invalid_parameter_format", "POST /batches", "to[3] '+1555' is not valid")
    "400 syntax_invalid_parameter_format, POST /batches, text 'to[<number>] <value> is not valid'"
    """
    parts = [label(status, code), "unknown endpoint" if _missing(endpoint) else str(endpoint)]
    return ", ".join(parts if _missing(text) else [*parts, f"text '{_pattern(str(text))}'"])


def groups(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Group like failures: fingerprint (why a row is in the group), status, code, endpoint, pattern, n, share of all failures, first, last, example_id.

    Largest first. A failure without an answer is grouped by its network error class.
    """
    rows = _rows(frame, "id", "status", "code", "endpoint", "text", "failure", "outcome", per=per).filter(nw.col("outcome").is_in(FAILING))
    keys = ["status", "code", "endpoint", "text", "failure"]
    counts = rows.group_by(*keys).agg(
        nw.len().alias("n"), nw.col("at_us").min().alias("first"), nw.col("at_us").max().alias("last"), nw.col("id").min().alias("example_id")
    )
    found = _typed(_collect(counts), "groups", "text", "failure", "example_id", skip=("first", "last"))
    found["text"] = found["text"].fillna(found["failure"])
    found["pattern"] = found["text"].map(_pattern, na_action="ignore").astype("string")
    found["fingerprint"] = [fingerprint(*row) for row in found[["status", "code", "endpoint", "text"]].itertuples(index=False, name=None)]
    merged = found.groupby("fingerprint", as_index=False, sort=True).agg(
        {"status": "first", "code": "first", "endpoint": "first", "pattern": "first", "n": "sum", "first": "min", "last": "max", "example_id": "min"}
    )
    merged["share"] = merged["n"] / max(merged["n"].sum(), 1)
    merged["first"], merged["last"] = _instants(merged["first"]), _instants(merged["last"])
    return _result("groups", merged.sort_values(["n", "fingerprint"], ascending=[False, True]))


def spikes(frame: Any, interval: str | None = None, *, per: Per = "call") -> pd.DataFrame:
    """
    Find when a failing code came much more often than it otherwise does.

    The quiet intervals of a code give the expected count and its scatter (negative binomial; intervals that do not fit are left
    out, again and again until none changes). A spike is a run of intervals of which one is improbable after correction for all
    intervals and codes (0.01 in all), has at least 5 rows, 3 times the expected, and a larger share of all rows than usual (so
    that more traffic alone is no spike).

    Returns
    -------
    pd.DataFrame
        start, end, status, code, n, expected, ratio; by time. `.attrs["verdict"]`: `N found`, `nothing stands out`, or `too few`
        (fewer than 8 intervals or 20 rows with a time).
    """
    counts, step, _ = _binned(frame, interval, per)
    if counts.empty or counts["n"].sum() < 20 or counts["bucket"].max() - counts["bucket"].min() < 7:
        return _result("spikes", pd.DataFrame(), verdict="too few")
    first = int(counts["bucket"].min())
    size = int(counts["bucket"].max()) - first + 1
    total = np.bincount(counts["bucket"] - first, counts["n"].astype("int64"), size)
    of_codes = [
        (key, of_code) for key, of_code in counts.groupby(["status", "code"], dropna=False) if of_code["n"].max() >= 5 and _is_failing(key[0])
    ]
    found = []
    for (status, code), of_code in of_codes:
        n = np.bincount(of_code["bucket"] - first, of_code["n"].astype("int64"), size)
        for start, end, expected in _runs(n, total, 0.01 / (size * len(of_codes))):
            times = {"start": (first + start) * step * 1_000_000, "end": (first + end) * step * 1_000_000}
            seen = int(n[start:end].sum())
            found.append({**times, "status": status, "code": code, "n": seen, "expected": expected, "ratio": seen / expected})
    result = pd.DataFrame(found, columns=list(RESULTS["spikes"]))
    result["start"], result["end"] = _instants(result["start"]), _instants(result["end"])
    return _result(
        "spikes", result.sort_values(["start", "n"], ascending=[True, False]), verdict=f"{len(found)} found" if found else "nothing stands out"
    )


def differences(frame: Any, *, per: Per = "call", alpha: float = 0.05, top: int = 10) -> pd.DataFrame:
    """
    Find which values the failing have more often than the succeeding.

    Looked at: endpoint, method, region, account, target, day, hour, and where the frame has them the fields of the JSON body,
    country and sender kind, and the request headers. Each value is tested (Fisher's exact test, chi-square beyond 5,000 rows) and
    corrected for the number of looks (`scipy.stats.false_discovery_control`). Constant and id-like fields are left out, and so is
    an effect below 0.1.

    Returns
    -------
    pd.DataFrame
        field, value, share_failing (of the failing, how many have the value), share_succeeding, n_failing, n_succeeding (how many
        have it), effect (difference of the shares), p_adjusted; largest effect first. `.attrs["verdict"]`: `N found`, `nothing
        stands out`, or `too few` (fewer than 5 on a side).
    """
    counts, failing, succeeding = _field_counts(frame, per)
    if min(failing, succeeding) < 5:
        return _result("differences", pd.DataFrame(), verdict="too few")
    tested = _tested(counts, failing, succeeding)
    found = tested[(tested["p_adjusted"] <= alpha) & (tested["effect"] >= 0.1)] if len(tested) else tested
    found = found.sort_values(["effect", "p_adjusted", "field", "value"], ascending=[False, True, True, True]).head(top)
    return _result("differences", found, verdict=f"{len(found)} found" if len(found) else "nothing stands out")


def filtered(
    frame: Any,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    outcome: str | Collection[str] | None = None,
    status: int | str | Collection[int | str] | None = None,
    code: str | Collection[str] | None = None,
    endpoint: str | Collection[str] | None = None,
    account: str | Collection[str] | None = None,
    text: str | None = None,
) -> Any:
    """
    Return the rows that fit every filter, in a frame of the same kind.

    Parameters
    ----------
    frame
        As in `codes`.
    since, until
        From this time on, up to but not at this time; without a time zone it is UTC.
    outcome
        One value or several.
    status
        One or several: 403, or a class such as `4xx`.
    code, endpoint, account
        One or several; an empty string is a row without one.
    text
        Found anywhere in code, text, URL, endpoint, network error or bodies, whatever the case.
    """
    given = {"since": since, "until": until, "outcome": outcome, "status": status, "code": code}
    given |= {"endpoint": endpoint, "account": account, "text": text}
    native = _native(frame)
    names = nw.from_native(native).collect_schema().names()
    conditions = [
        *([nw.col("at_us") >= _micros(since)] if since is not None else []),
        *([nw.col("at_us") < _micros(until)] if until is not None else []),
        *([nw.col("outcome").is_in(_several(outcome))] if outcome is not None else []),
        *([_status_is(_several(status))] if status is not None else []),
        *(nw.col(c).fill_null("").is_in(_several(given[c])) for c in ("code", "endpoint", "account") if given[c] is not None),
        *([_anywhere(text, [c for c in _SEARCHED if c in names])] if text else []),
    ]
    return _where(native, conditions, described(given))


def where(frame: Any, *conditions: nw.Expr) -> Any:
    """
    Return the rows that fit every condition, in a frame of the same kind.

    A condition is a narwhals expression on the columns and `at_us`, microseconds since 1970; a column that the frame lacks is <NA>.

    Examples
    --------
    >>> where([Exchange(id="a", status=500), Exchange(id="b")], nw.col("status").is_null())["id"].tolist()
    ['b']
    """
    return _where(_native(frame), conditions)


def in_memory(frame: Any) -> Any:
    """
    Return the frame as a DuckDB table in memory: what is asked again and again, as a panel does, is answered several times faster.

    Examples
    --------
    >>> codes(in_memory([Exchange(status=201)]))["n"].tolist()
    [1]
    """
    import duckdb

    native = _native(frame)
    if not isinstance(native, duckdb.DuckDBPyRelation):
        given = _collect(nw.from_native(native).lazy())
        types = {"Int16": "SMALLINT", "Float64": "DOUBLE", "string": "VARCHAR", "datetime64[us, UTC]": "TIMESTAMPTZ"}
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        cast = (f'CAST("{c}" AS {types[dtype]}) AS "{c}"' for c, (dtype, _) in tables.COLUMNS.items() if c in given)
        native = connection.from_df(given).project(", ".join(cast))
    name = f"exchanges_{uuid.uuid4().hex}"
    native.create(name)
    return native.query("given", f"SELECT * FROM {name}")


def to_parquet(pattern: str | Path, path: str | Path) -> pd.DataFrame:
    """
    Convert the files that `st.scan` reads to one Parquet file, once, and return what was gained: every later question is answered from it.

    Headers and bodies are left out, as in every scan.

    Returns
    -------
    pd.DataFrame
        One row: rows, mb_before, mb_after, s_to_convert (about what one question to the old files takes), s_to_count (what one takes now).
    """
    from sinchtools.importers import scan

    path, started = Path(path), time.perf_counter()
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        scan(pattern).write_parquet(str(waiting))
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)
    converted = time.perf_counter()
    rows = codes(scan(path), per="attempt")["n"].sum()
    before = sum(Path(name).stat().st_size for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207  # as DuckDB reads a pattern
    seconds = {"s_to_convert": converted - started, "s_to_count": time.perf_counter() - converted}
    return pd.DataFrame([{"rows": rows, "mb_before": before / 1e6, "mb_after": path.stat().st_size / 1e6, **seconds}]).round(3)


def spark_session() -> Any:
    """
    Return a Spark session on this machine; without pyspark or Java None, after saying what to install.

    On a cluster the session comes from there (`SparkSession.builder.remote("sc://...")`), and the same functions take its frames.
    """
    if importlib.util.find_spec("pyspark") is None:
        return print("PySpark is not installed. To use it: pip install 'sinchtools[spark]' (500 MB), and a Java runtime of version 17 or newer.")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return print("Spark needs Java, and none was found. Install a Java runtime of version 17 or newer, or set JAVA_HOME.")
    with _quiet():
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[*]").appName("sinchtools")
        for name, value in _SPARK.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


def described(filters: dict[str, Any]) -> list[str]:
    """
    Return filters in words, for a footer; long numbers, which may be people's, are not told.

    Examples
    --------
    >>> described({"status": "4xx", "code": None, "text": "+15551230001"})
    ['status 4xx', 'text [number]']
    """
    told = {name: ", ".join(str(v) for v in _several(value)) for name, value in filters.items() if value is not None}
    return [f"{name} {re.sub(r'[+]?[0-9]{7,}', '[number]', value)}" for name, value in told.items()]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the JVM, which inherits it, from writing to standard error (what matters comes as an exception), and PySpark from warning of pandas 3."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# --- rows in -------------------------------------------------------------------------------------------------------------------------------------


def _native(frame: Any) -> Any:
    if isinstance(frame, Exchange):
        return tables.frame([frame])
    if isinstance(frame, (list, tuple, Iterator)):
        return tables.frame(frame)
    inner = getattr(frame, "frame", None)
    if inner is not None:
        return inner() if callable(inner) else inner
    try:
        names = nw.from_native(frame).collect_schema().names()
    except TypeError as error:
        hint = "Give a pandas, polars or PySpark frame, a DuckDB relation, exchanges, or what st.read returns."
        raise WrongUseError(f"A {type(frame).__name__} is no frame of exchanges.", hint=hint) from error
    if "status" not in names:
        raise WrongUseError("The frame has no column 'status'.", hint="Its columns should be those of sinchtools.tables.COLUMNS.")
    return frame


def _rows(frame: Any, *columns: str, per: Per, needs: str | None = None) -> nw.LazyFrame[Any]:
    if per not in ("call", "attempt"):
        raise WrongUseError(f"per={per!r} is not known.", hint="Use per='call' or per='attempt'.")
    native = _native(frame)
    names = nw.from_native(native).collect_schema().names()
    if needs and needs not in names:
        raise WrongUseError(f"The frame has no column {needs!r}, which this needs.", hint="Bring the rows in whole with st.read.")
    rows = _with_micros(native, names)
    for name in [c for c in columns if c not in names and c != "outcome"]:
        rows = rows.with_columns(nw.lit(None, dtype=nw.Float64 if name == "elapsed_ms" else nw.String).alias(name))
    if "outcome" not in names:
        rows = rows.with_columns(outcome=_outcome())
    kept = list(dict.fromkeys((*columns, "at_us")))
    if per == "attempt" or "call_id" not in names:
        return rows.select(*kept)
    return _fold(rows.select(*dict.fromkeys((*kept, "call_id", "status", *(c for c in ("attempt", "id") if c in names)))), kept)


def _with_micros(native: Any, names: Collection[str]) -> nw.LazyFrame[Any]:
    """Add `at_us`, microseconds since 1970 in UTC: whole numbers mean the same in every engine, whatever its session time zone."""
    rows: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    if "at" not in names:
        return rows.with_columns(at_us=nw.lit(None, dtype=nw.Float64))
    if rows.implementation.is_spark_like():
        from pyspark.sql import functions

        rows = nw.from_native(native.withColumn("at_us", functions.unix_micros(functions.col("at").cast("timestamp"))))
    elif rows.implementation.is_duckdb():
        rows = nw.from_native(native.project('*, epoch_us("at") AS at_us'))
    else:
        rows = rows.with_columns(at_us=nw.col("at").dt.timestamp("us"))
    return rows


def _fold(rows: nw.LazyFrame[Any], columns: Collection[str]) -> nw.LazyFrame[Any]:
    present = rows.collect_schema().names()
    if "call_id" not in present:
        return rows
    order: dict[str, tuple[str, Any]] = {"_attempt": ("attempt", 0), "_at": ("at_us", -(2**60)), "_id": ("id", ""), "_status": ("status", -1)}
    keys = {key: nw.col(name).fill_null(least) for key, (name, least) in order.items() if name in present}
    retried = rows.filter(~nw.col("call_id").is_null()).with_columns(**keys).unique(subset=["call_id"], keep="last", order_by=list(keys))
    return nw.concat([rows.filter(nw.col("call_id").is_null()).select(*columns), retried.select(*columns)])


def _where(native: Any, conditions: Iterable[nw.Expr], filters: Collection[str] = ()) -> Any:
    names = nw.from_native(native).collect_schema().names()
    rows = _with_micros(native, names)
    for name in [c for c in (*_SEARCHED, "account") if c not in names]:
        rows = rows.with_columns(nw.lit(None, dtype=nw.String).alias(name))
    for condition in conditions:
        rows = rows.filter(condition.fill_null(False))
    return _as_given(rows.select(*names), native, filters)


def _as_given(rows: nw.LazyFrame[Any], native: Any, filters: Collection[str] = ()) -> Any:
    if isinstance(native, pd.DataFrame):
        found = rows.collect().to_native().sort_index()
        found.attrs = {**native.attrs, "filters": [*native.attrs.get("filters", []), *filters]}
        return found
    return rows.collect().to_native() if isinstance(nw.from_native(native), nw.DataFrame) else rows.to_native()


def _collect(rows: nw.LazyFrame[Any]) -> pd.DataFrame:
    if rows.implementation.is_polars():  # its way to pandas needs pyarrow, which is optional
        return pd.DataFrame(rows.collect().to_dict(as_series=False), columns=rows.collect_schema().names())
    if rows.implementation.is_spark_like():  # the same; and without it Spark warns
        native = rows.to_native()
        return pd.DataFrame([tuple(row) for row in native.collect()], columns=native.columns)
    return rows.collect(backend="pandas").to_pandas()


def _failing() -> nw.Expr:
    return nw.col("outcome").is_in(FAILING).fill_null(False).cast(nw.Int64).alias("failing")


def _outcome() -> nw.Expr:
    hundreds = nw.col("status") // 100
    named = (
        nw.when(hundreds == 2).then(nw.lit("success")).when(hundreds == 4).then(nw.lit("user_error")).when(hundreds == 5).then(nw.lit("sinch_error"))
    )
    return nw.when(nw.col("status").is_null()).then(nw.lit("no_response")).otherwise(named.otherwise(nw.lit("other")))


def _is_failing(status: Any) -> bool:
    return bool(_missing(status) or int(status) // 100 in (4, 5))


def _status_is(wanted: list[Any]) -> nw.Expr:
    classes = [int(str(w)[0]) for w in wanted if re.fullmatch(r"[1-5]xx", str(w), re.IGNORECASE)]
    try:
        exact = [int(w) for w in wanted if not re.fullmatch(r"[1-5]xx", str(w), re.IGNORECASE)]
    except ValueError as error:
        raise WrongUseError(f"Status {wanted!r} is not known.", hint="Use a number such as 403, or a class such as '4xx'.") from error
    return nw.col("status").is_in(exact) | (nw.col("status") // 100).is_in(classes)


def _anywhere(text: str, columns: Collection[str]) -> nw.Expr:
    found = [nw.col(c).fill_null("").str.to_lowercase().str.contains(text.lower(), literal=True) for c in columns]
    return nw.any_horizontal(*found, ignore_nulls=True)


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, int, datetime)) else list(value)


def _micros(time: datetime | str) -> int:
    try:
        at = pd.Timestamp(time)
    except ValueError as error:
        raise WrongUseError(f"{str(time)!r} is no time.", hint="Write it like 2024-06-01T12:00Z.") from error
    at = at.tz_localize(UTC) if at.tzinfo is None else at.tz_convert(UTC)
    return int((at - pd.Timestamp(0, tz=UTC)) // pd.Timedelta(microseconds=1))


# --- counts out ----------------------------------------------------------------------------------------------------------------------------------


def _by(frame: Any, column: str, per: Per) -> pd.DataFrame:
    rows = _rows(frame, column, "outcome", per=per).with_columns(_failing())
    return _shares(_collect(rows.group_by(column).agg(nw.len().alias("n"), nw.col("failing").sum().alias("n_failing"))), column)


def _by_body(frame: Any, column: str, of_body: Any, per: Per) -> pd.DataFrame:
    rows = _rows(frame, "request_body", "outcome", per=per, needs="request_body").with_columns(_failing()).filter(~nw.col("request_body").is_null())
    counts = _collect(rows.group_by("request_body").agg(nw.len().alias("n"), nw.col("failing").sum().alias("n_failing")))
    bodies = [_json_object(body) for body in counts["request_body"]]
    counts[column] = pd.array([of_body(body) for body in bodies], dtype="string")
    addressed = counts[np.array([bool(_recipients(body)) for body in bodies], dtype=bool)]
    return _shares(addressed.groupby(column, dropna=False, as_index=False)[["n", "n_failing"]].sum(), column)


def _shares(counts: pd.DataFrame, column: str) -> pd.DataFrame:
    counts = _cast(counts, {column: "string", "n": "Int64", "n_failing": "Int64"})
    counts.insert(2, "share", (counts["n"] / counts["n"].sum()).astype("Float64"))
    counts["share_failing"] = (counts["n_failing"] / counts["n"]).astype("Float64")
    return counts.sort_values(["n", column], ascending=[False, True], na_position="last").reset_index(drop=True)


def _binned(frame: Any, interval: str | None, per: Per) -> tuple[pd.DataFrame, int, int]:
    """Return bucket, status, code, n (nothing filled in), the seconds of an interval, and how many rows have no time."""
    step = _seconds(interval) if interval else 60
    rows = _rows(frame, "status", "code", per=per).with_columns(bucket=nw.col("at_us") // (step * 1_000_000))
    grouped = rows.group_by("bucket", "status", "code").agg(nw.len().alias("n"))
    counts = _collect(grouped if interval else _in_suiting_intervals(grouped))
    step = step if interval or not counts["step"].notna().any() else 60 * int(counts["step"].max())
    counts = _typed(counts, "codes", skip=("bucket",))
    dated = counts[counts["bucket"].notna()].astype({"bucket": "int64"})
    if len(dated) and dated["bucket"].max() - dated["bucket"].min() > 100_000:
        raise WrongUseError(f"interval={interval!r} gives more than 100,000 intervals.", hint="Choose a longer one, or leave it out.")
    return dated, step, _integer(counts["n"].sum() - dated["n"].sum())


def _in_suiting_intervals(minutes: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Fold counts per minute to the interval that suits their span, inside the engine: a large file is read once."""
    first, last = nw.col("bucket").cum_min(), nw.col("bucket").cum_max(reverse=True)  # in order: DuckDB would read the log twice for min and max
    span = last.over("all", order_by="bucket") - first.over("all", order_by="bucket")
    minutes = minutes.with_columns(all=nw.lit(1)).with_columns(span=span)
    step = (nw.col("span") // (1440 * MOST_INTERVALS) + 1) * 1440
    for seconds in sorted(INTERVALS.values(), reverse=True):
        step = nw.when(nw.col("span") < (MOST_INTERVALS - 1) * seconds // 60).then(nw.lit(seconds // 60)).otherwise(step)
    minutes = minutes.with_columns(step=step).with_columns(bucket=nw.col("bucket") // nw.col("step"))
    return minutes.group_by("bucket", "status", "code", "step").agg(nw.col("n").sum())


def _seconds(interval: str) -> int:
    try:
        seconds = pd.Timedelta(interval).total_seconds()
    except ValueError:
        seconds = 0
    if seconds < 1 or seconds != int(seconds):
        raise WrongUseError(f"interval={interval!r} is no whole number of seconds.", hint=f"Use one of {', '.join(INTERVALS)}.")
    return int(seconds)


def _zero_filled(counts: pd.DataFrame, order: pd.DataFrame, step: int) -> pd.DataFrame:
    if counts.empty:
        return counts
    buckets = range(int(counts["bucket"].min()), int(counts["bucket"].max()) + 1)
    place = {label(s, c): i for i, (s, c) in enumerate(zip(order["status"], order["code"], strict=True))}
    filled = np.zeros((len(buckets), len(place)), dtype="int64")
    columns = [place[label(s, c)] for s, c in zip(counts["status"], counts["code"], strict=True)]
    np.add.at(filled, (counts["bucket"].to_numpy() - buckets[0], np.array(columns)), counts["n"].astype("int64").to_numpy())
    repeated = order.iloc[np.tile(np.arange(len(order)), len(buckets))][["status", "code"]].reset_index(drop=True)
    starts = _instants(np.repeat(np.array(buckets, dtype="int64") * step * 1_000_000, len(order)))
    return repeated.assign(start=starts, n=filled.ravel())


def _by_size(counts: pd.DataFrame) -> pd.DataFrame:
    keys = [c for c in ("status", "code", "endpoint", "account", "region") if c in counts]
    return counts.sort_values(["n", *keys], ascending=[False] + [True] * len(keys), na_position="last").reset_index(drop=True)


def _folded_codes(counts: pd.DataFrame, top: int | None) -> pd.DataFrame:
    if top is None or len(counts) <= top + 1:
        return counts
    rest = counts.iloc[top:]
    other = {"code": f"other ({len(rest):,} codes)", **{c: rest[c].sum() for c in ("n", "share") if c in rest}}
    return pd.concat([counts.iloc[:top], pd.DataFrame([other]).astype({c: counts[c].dtype for c in other})], ignore_index=True)


def _typed(counts: pd.DataFrame, name: str, *strings: str, skip: Collection[str] = ()) -> pd.DataFrame:
    """Give the columns of a counted frame the dtypes of the result it is for, whatever the engine made of them."""
    dtypes = {**RESULTS[name], **dict.fromkeys(strings, "string")}
    return counts.assign(**{c: _column(counts[c], dtypes[c]) for c in counts if c in dtypes and c not in skip})


def _cast(found: pd.DataFrame, dtypes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({c: _column(found.get(c, []), d) for c, d in dtypes.items()}).reset_index(drop=True)


def _column(values: Any, dtype: Any) -> pd.Series[Any]:
    return pd.Series(values, dtype=object).astype(dtype)


def _result(name: str, found: pd.DataFrame, **attrs: Any) -> pd.DataFrame:
    result = _cast(found.reset_index(drop=True), RESULTS[name])
    result.attrs.update(attrs)
    return result


def _instants(micros: Any) -> Any:
    values = pd.Series(list(micros), dtype="Float64").astype("Int64")
    return pd.Series(values.to_numpy("datetime64[us]", na_value=np.datetime64("NaT"))).dt.tz_localize(UTC)


def _integer(value: Any) -> int:
    return 0 if _missing(value) else int(value)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


# --- spikes and differences ----------------------------------------------------------------------------------------------------------------------


def _runs(n: np.ndarray[Any, Any], total: np.ndarray[Any, Any], threshold: float) -> Iterator[tuple[int, int, float]]:
    from scipy.special import betainc

    mean, spread, quiet = _usual(n)
    tail = _tail(n, mean, spread)
    share = n[quiet].sum() / max(total[quiet].sum(), 1)
    unusual_share = (n > 0) & (share > 0.9 or betainc(np.maximum(n, 1), total - n + 1, share) < 0.01)  # binomial
    strong = (tail < threshold) & (n >= 5) & (n >= 3 * mean) & unusual_share
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (strong | ((tail < 0.01) & unusual_share)).astype(int), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if strong[start:end].any():
            yield int(start), int(end), float(mean * (end - start))


def _usual(n: np.ndarray[Any, Any]) -> tuple[float, float, np.ndarray[Any, Any]]:
    quiet = n <= np.quantile(n, 0.75)
    for _ in range(20):
        mean = (n[quiet].sum() + 1) / (quiet.sum() + 1)
        spread = max(1.0, float(n[quiet].var()) / mean)
        fits = _tail(n, mean, spread) >= 0.001
        if (fits == quiet).all():
            break
        quiet = fits
    return float(mean), spread, quiet


def _tail(n: np.ndarray[Any, Any], mean: float, spread: float) -> np.ndarray[Any, Any]:
    """Return how probable so many or more are: Poisson, or negative binomial when the counts scatter more (scipy.stats would load for a second)."""
    from scipy.special import betainc, gammainc

    some = np.maximum(n, 1)
    tail = gammainc(some, mean) if spread < 1.001 else betainc(some, mean / (spread - 1), 1 - 1 / spread)
    return np.where(n > 0, tail, 1.0)


def _field_counts(frame: Any, per: Per) -> tuple[dict[str, Counter[tuple[str, int]]], int, int]:
    """Return for each field how often (value, failing) was seen, and how many fail and succeed."""
    frame = _native(frame)
    given = nw.from_native(frame).collect_schema().names()
    plain = ["endpoint", "method", "region", "account", "target"]
    whole = [c for c in ("request_body", "request_headers") if c in given]
    rows = _rows(frame, "outcome", *plain, *whole, per=per).with_columns(_failing(), bucket=nw.col("at_us") // 3_600_000_000)
    rows = rows.filter((nw.col("failing") == 1) | (nw.col("outcome") == "success"))
    counts: dict[str, Counter[tuple[str, int]]] = {}
    for keys in (*([c] for c in plain), ["bucket"], *([whole] if whole else [])):
        found = _collect(rows.group_by(*keys, "failing").agg(nw.len().alias("n")))
        for *values, failing, n in found[[*keys, "failing", "n"]].itertuples(index=False):
            for field, value in _fields_of(dict(zip(keys, values, strict=True))):
                counts.setdefault(field, Counter())[value, int(failing)] += int(n)
    sides = [sum(n for (_, side), n in counts.get("endpoint", Counter()).items() if side == wanted) for wanted in (1, 0)]
    for field, seen in counts.items():
        for side, all_of_side in zip((1, 0), sides, strict=True):
            rest = all_of_side - sum(n for (_, of), n in seen.items() if of == side)
            if rest and field:
                seen["(absent)", side] += rest
    return counts, sides[0], sides[1]


def _fields_of(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name == "bucket":
            hour = None if _missing(value) else datetime.fromtimestamp(int(value) * 3600, UTC)
            yield "day", f"{hour:%Y-%m-%d}" if hour else "(absent)"
            yield "hour", f"{hour:%H}" if hour else "(absent)"
        elif name == "request_body":
            yield from _body_fields(None if _missing(value) else value)
        elif name == "request_headers":
            yield from ((f"header {key.lower()}", str(v)[:80]) for key, v in _json_object(value).items())
        else:
            yield name, "(absent)" if _missing(value) else str(value)


def _body_fields(text: str | None) -> Iterator[tuple[str, str]]:
    body = _json_object(text)
    yield "body", "(absent)" if not text else "JSON object" if body else "no JSON object"
    for key, value in body.items():
        if key not in ("body", "to"):
            yield f"body {key}"[:80], "present" if isinstance(value, (list, dict)) else str(value)[:80]
    if isinstance(body.get("body"), str):
        yield "text length", "up to 160" if len(body["body"]) <= 160 else "more than 160"
        yield "text characters", "ASCII" if body["body"].isascii() else "not only ASCII"
    if _recipients(body):
        count = len(_recipients(body))
        yield "recipients", "1" if count == 1 else "2 to 10" if count <= 10 else "more than 10"
        yield "country", _country(body) or "(unknown)"
        yield "sender kind", _sender_kind(body)


def _tested(counts: dict[str, Counter[tuple[str, int]]], failing: int, succeeding: int) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    looks = []
    for field, seen in counts.items():
        values = {value: (seen[value, 1], seen[value, 0]) for value, _ in seen}
        if len(values) < 2 or len(values) > max(20, 0.5 * (failing + succeeding)):
            continue
        for value, (a, b) in values.items():
            effect = a / failing - b / succeeding
            if a + b >= 5 and (effect > 0 or len(values) > 2):
                looks.append((field, value, a / failing, b / succeeding, a, b, effect, _p(a, b, failing, succeeding)))
    tested = pd.DataFrame(looks, columns=list(RESULTS["differences"]))
    if len(tested):
        tested["p_adjusted"] = false_discovery_control(tested["p_adjusted"].to_numpy(dtype=float))
    return tested


def _p(a: int, b: int, failing: int, succeeding: int) -> float:
    from scipy.stats import chi2_contingency, fisher_exact

    table = [[a, b], [failing - a, succeeding - b]]
    if failing + succeeding <= 5000 or a + b == failing + succeeding:
        return float(fisher_exact(table).pvalue)
    return float(chi2_contingency(table).pvalue)


# --- bodies --------------------------------------------------------------------------------------------------------------------------------------


def _json_object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _recipients(body: dict[str, Any]) -> list[Any]:
    to = body.get("to")
    return to if isinstance(to, list) else [to] if isinstance(to, str) else []


def _country(body: dict[str, Any]) -> str | None:
    import phonenumbers

    to = _recipients(body)
    try:
        number = phonenumbers.parse("+" + re.sub(r"\D", "", str(to[0]))[:20]) if to else None
    except phonenumbers.NumberParseException:
        return None
    if number is None or number.country_code is None:
        return None
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(number.country_code)
    return None if region in ("ZZ", "001") else region


def _sender_kind(body: dict[str, Any]) -> str:
    sender = body.get("from")
    if not isinstance(sender, str) or not sender:
        return "none"
    if not re.fullmatch(r"\+?\d+", sender):
        return "alphanumeric"
    return "number" if len(sender.lstrip("+")) > 6 else "short code"


def _pattern(text: str) -> str:
    for variable, name in _VARIABLE:
        text = variable.sub(name, text)
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _delivery_counts(bodies: Iterable[str]) -> Counter[tuple[int | None, str | None]]:
    of_batch: dict[str, list[Any]] = {}
    of_recipient: dict[tuple[str, str], Any] = {}
    for body in map(_json_object, bodies):
        reports = body.get("delivery_reports")
        for report in reports if isinstance(reports, list) else [body]:
            if not isinstance(report, dict):
                continue
            if isinstance(report.get("statuses"), list):
                of_batch[str(report.get("batch_id"))] = [s for s in report["statuses"] if isinstance(s, dict)]
            elif "recipient" in report:
                of_recipient[str(report.get("batch_id")), str(report["recipient"])] = report
    counts: Counter[tuple[int | None, str | None]] = Counter()
    for statuses in of_batch.values():
        for status in statuses:
            counts[_delivery_key(status)] += status["count"] if isinstance(status.get("count"), int) else 1
    counts.update(_delivery_key(report) for (batch, _), report in of_recipient.items() if batch not in of_batch)
    return counts


def _delivery_key(report: dict[str, Any]) -> tuple[int | None, str | None]:
    code, status = str(report.get("code", "")), report.get("status")
    return (int(code) if re.fullmatch(r"\d{1,4}", code) else None), status if isinstance(status, str) else None
