"""
Run one source of narwhals code on pandas, polars, DuckDB and Spark.

It takes any frame of exchanges, gives lazy rows, and returns a frame of the same kind.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import uuid
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from sinchtools.core import columns as tables
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import POSITION, Exchange
from sinchtools.evidence import read
from sinchtools.evidence.formats import dataframe

Per = Literal["call", "attempt"]
FAILING = ("user_error", "sinch_error", "no_response", "not_delivered")
# in the column `answer`; its null is an answer that the evidence does not show
NO_RESPONSE, NOT_DELIVERED, CALLBACK = -1000, -1001, -1002
SEARCHED = ("code", "text", "url", "endpoint", "failure", "request_body", "response_body")
_SPARK = {  # nothing leaves this machine, and a small file is not split in 200
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
}
_DUCKDB = {
    "Int16": "SMALLINT",
    "Float64": "DOUBLE",
    "string": "VARCHAR",
    "datetime64[us, UTC]": "TIMESTAMPTZ",
}


def calls(frame: Any) -> Any:
    """
    Return the frame with automatic retries folded: a row for each call, its last attempt.

    A row without `call_id` is its own call, and so is one of another file: two logs may number
    their calls alike.

    Parameters
    ----------
    frame
        A frame with `columns.COLUMNS` (pandas, polars, a DuckDB relation, PySpark),
        exchanges, or what has a `.frame()`.

    Returns
    -------
    pd.DataFrame or the kind of frame that was given
        The same columns.

    Examples
    --------
    >>> tries = [Exchange(call_id="c", attempt=i, status=s) for i, s in ((1, 429), (2, 201))]
    >>> calls(tries)["status"].tolist()
    [201]
    """
    found = unwrap(frame)
    names = names_of(found)
    return _as_given(_folded(with_answer(found, names), names), found)


def known(frame: Any) -> Any:
    """
    Return the rows whose response the evidence shows.

    A status, a code or a network failure counts as a response.

    Parameters
    ----------
    frame
        As in `calls`.

    Returns
    -------
    pd.DataFrame or the kind of frame that was given
        The same columns.

    Examples
    --------
    >>> answered = [Exchange(id="a", status=201), Exchange(id="b", failure="ReadTimeout")]
    >>> known([*answered, Exchange(id="a pasted request")])["id"].tolist()
    ['a', 'b']
    """
    return where(frame, is_known())


def where(frame: Any, *conditions: nw.Expr) -> Any:
    """
    Return the rows that fit every condition.

    Parameters
    ----------
    frame
        As in `calls`.
    *conditions
        narwhals expressions on the columns and on `at_us`, microseconds since 1970; a column
        that the frame lacks is <NA>.

    Returns
    -------
    pd.DataFrame or the kind of frame that was given
        The same columns.

    Examples
    --------
    >>> exchanges = [Exchange(id="a", status=500), Exchange(id="b")]
    >>> where(exchanges, nw.col("status").is_null())["id"].tolist()
    ['b']
    """
    return rows_where(unwrap(frame), conditions)


def in_memory(frame: Any) -> Any:
    """
    Return the frame as a DuckDB table in memory.

    Repeated questions, such as those of a panel, are several times faster on it.

    Parameters
    ----------
    frame
        As in `calls`.

    Returns
    -------
    duckdb.DuckDBPyRelation
        The same columns; times are TIMESTAMPTZ in UTC.

    Examples
    --------
    >>> in_memory([Exchange(id="a", status=201)]).project("id, status").fetchall()
    [('a', 201)]
    """
    found = unwrap(frame)
    relation = found if nw.from_native(found).implementation.is_duckdb() else _as_duckdb(found)
    name = f"exchanges_{uuid.uuid4().hex}"
    relation.create(name)
    return relation.query("given", f"SELECT * FROM {name}")


def spark_session() -> Any:
    """
    Return a Spark session on this machine, or None without PySpark or Java.

    To have one: ``pip install 'sinchtools[spark]'`` (500 MB), and Java 17 or newer.

    Returns
    -------
    pyspark.sql.SparkSession or None
        On a cluster the session comes from there (`SparkSession.builder.remote("sc://...")`),
        and the same functions take its frames.

    Examples
    --------
    >>> session = spark_session()  # doctest: +SKIP
    >>> overview(session.read.parquet("requests.parquet"))  # doctest: +SKIP
    """
    has_java = shutil.which("java") or "JAVA_HOME" in os.environ
    if importlib.util.find_spec("pyspark") is None or not has_java:
        return None
    with _quiet():
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[*]").appName("sinchtools")
        for name, value in _SPARK.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


def unwrap(frame: Any) -> Any:
    """Return the dataframe in what was given: a dataframe, exchanges, or what has a `.frame()`."""
    if isinstance(frame, Exchange):
        return tables.frame([frame])
    if isinstance(frame, (list, tuple, Iterator)):
        exchanges = list(frame)
        if odd := [one for one in exchanges if not isinstance(one, Exchange)]:
            raise WrongUseError(
                f"A {type(odd[0]).__name__} is not an exchange.",
                hint="Read the evidence first: st.read(...).",
            )
        return tables.frame(exchanges)
    inner = getattr(frame, "frame", None)
    if inner is not None:
        return inner()
    try:
        names = names_of(frame)
    except TypeError:
        names = None
    if names is None:
        hint = (
            "Give a pandas, polars or PySpark frame, a DuckDB relation, exchanges, or what "
            "st.read returns."
        )
        raise WrongUseError(f"A {type(frame).__name__} is not a frame of exchanges.", hint=hint)
    if not {"at", "status"} <= set(names) and (mapped := _from_elsewhere(frame, names)) is not None:
        return mapped
    if "status" not in names:
        raise WrongUseError(
            "The frame has no column 'status'.",
            hint="Its columns should be those of sinchtools.core.columns.COLUMNS.",
        )
    return frame


def _from_elsewhere(frame: Any, names: list[str]) -> Any:
    """Return a frame in memory whose columns have other names as one of ours, or None."""
    if not dataframe.is_frame(frame) or not dataframe.is_foreign(names, dataframe.some_rows(frame)):
        return None
    return read(frame).frame()


def names_of(frame: Any) -> list[str]:
    """Return the names of a dataframe's columns."""
    return list(nw.from_native(frame).columns)


def lazy_rows(
    frame: Any, *columns: str, per: Per, needs: str | None = None, with_callbacks: bool = False
) -> nw.LazyFrame[Any]:
    """
    Return the columns, `at_us` (microseconds since 1970) and `answer` of calls or attempts.

    A column that the frame lacks is null.

    `answer` is the status, `NO_RESPONSE` where there is none but an error, and null where the
    evidence shows no answer. What the vendor sent to a callback URL is no call, and left out
    unless it is asked for.
    """
    if per not in ("call", "attempt"):
        raise WrongUseError(
            f"per={told(per)} is not known.", hint="Use per='call' or per='attempt'."
        )
    found = unwrap(frame)
    names = names_of(found)
    if needs and needs not in names:
        raise WrongUseError(
            f"The frame has no column {told(needs)}, which this needs.",
            hint="Bring the rows in whole with st.read.",
        )
    missing = [
        nw.lit(None, dtype=nw.Float64 if c == "elapsed_ms" else nw.String).alias(c)
        for c in columns
        if c not in names
    ]
    answer = nw.col("answer")
    prepared = with_answer(found, names, missing)
    if "delivery" in names and not with_callbacks:
        prepared = prepared.filter(answer.is_null() | (answer != CALLBACK))
    wanted = list(dict.fromkeys((*columns, "at_us", "answer")))
    return prepared.select(*wanted) if per == "attempt" else _folded(prepared, wanted)


def is_known() -> nw.Expr:
    """Whether the evidence shows an answer."""
    return ~nw.col("answer").is_null()


def is_failing() -> nw.Expr:
    """Whether the answer is 4xx, 5xx, none came, or the message was not delivered."""
    answer = nw.col("answer")
    none = (answer == NO_RESPONSE) | (answer == NOT_DELIVERED)
    return (none | ((answer >= 400) & (answer < 600))).fill_null(False)


def fails(answer: pd.Series[Any]) -> pd.Series[Any]:
    """Whether the answers that an engine returned are failures, as `is_failing` says it there."""
    return answer.isin([NO_RESPONSE, NOT_DELIVERED]) | ((answer >= 400) & (answer < 600))


def to_pandas(found: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return what the engine counted as a pandas frame."""
    if found.implementation.is_polars():  # its way to pandas needs pyarrow, which is optional
        return pd.DataFrame(found.collect().to_dict(as_series=False), columns=found.columns)
    given = found.to_native()
    if found.implementation.is_spark_like():  # the same; and without it Spark warns
        return pd.DataFrame([tuple(row) for row in given.collect()], columns=given.columns)
    if found.implementation.is_duckdb():
        return given.df()  # type: ignore[no-any-return]
    return found.collect(backend="pandas").to_pandas()


def with_answer(
    given: Any, names: Collection[str], more: Iterable[nw.Expr] = ()
) -> nw.LazyFrame[Any]:
    """
    Add the column `answer`.

    In a frame without network errors, `outcome` is taken as it is.
    """
    signs = [~nw.col(c).is_null() for c in ("failure", "code") if c in names]
    signs += (
        [nw.col("outcome") == "no_response"]
        if "outcome" in names and "failure" not in names
        else []
    )
    status = nw.col("status")
    silent = (
        status.is_null() & nw.any_horizontal(*signs, ignore_nulls=True) if signs else nw.lit(False)
    )
    answer = nw.when(silent).then(nw.lit(NO_RESPONSE)).otherwise(status)
    if "delivery" in names and "outcome" in names:
        lost = (nw.col("outcome") == "not_delivered").fill_null(False)
        is_told = nw.col("endpoint") == "callback" if "endpoint" in names else nw.lit(False)
        callback = (nw.col("outcome") == "success").fill_null(False)
        callback &= status.is_null() | is_told.fill_null(False)  # a web server's log has a status
        said = nw.concat_str(
            nw.lit("delivery code "), nw.col("delivery").str.replace_all(r"\D.*$", "")
        )
        code = nw.col("code") if "code" in names else nw.lit(None, dtype=nw.String)
        answer = nw.when(callback).then(nw.lit(CALLBACK)).otherwise(answer)
        answer = nw.when(lost).then(nw.lit(NOT_DELIVERED)).otherwise(answer)
        more = [*more, nw.when(lost).then(said).otherwise(code).alias("code")]
    return _with_micros(given, names).with_columns(*more, answer=answer)


def _with_micros(given: Any, names: Collection[str]) -> nw.LazyFrame[Any]:
    """Add `at_us`: whole numbers mean the same in every engine, whatever its session time zone."""
    rows: nw.LazyFrame[Any] = nw.from_native(given).lazy()
    if "at" not in names:
        return rows.with_columns(at_us=nw.lit(None, dtype=nw.Float64))
    if rows.implementation.is_spark_like():
        from pyspark.sql import functions

        rows = nw.from_native(
            given.withColumn("at_us", functions.unix_micros(functions.col("at").cast("timestamp")))
        )
    elif rows.implementation.is_duckdb():
        rows = nw.from_native(given.project('*, epoch_us("at") AS at_us'))
    else:
        rows = rows.with_columns(at_us=nw.col("at").dt.timestamp("us"))
    return rows


def _folded(rows: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """
    Keep the last attempt of each call.

    Two files may number their calls alike, so a call is one of a file.
    """
    names = rows.columns
    if "call_id" not in names:
        return rows.select(*columns)
    order: dict[str, tuple[str, Any]] = {
        "_attempt": ("attempt", 0),
        "_at": ("at_us", -(2**60)),
        "_id": ("id", ""),
        "_status": ("status", -1),
    }
    keys = {
        key: nw.col(name).fill_null(least) for key, (name, least) in order.items() if name in names
    }
    file = file_of().fill_null("") if "source" in names else nw.lit("")
    retried = rows.filter(~nw.col("call_id").is_null()).with_columns(_file=file, **keys)
    last = retried.unique(subset=["call_id", "_file"], keep="last", order_by=list(keys))
    return nw.concat(
        [rows.filter(nw.col("call_id").is_null()).select(*columns), last.select(*columns)]
    )


def file_of() -> nw.Expr:
    """Return the file that a row was read from: its source less the position."""
    return nw.col("source").str.replace_all(POSITION, "")


def rows_where(given: Any, conditions: Iterable[nw.Expr], filters: Collection[str] = ()) -> Any:
    """Return the rows that all conditions hold for, as the kind of frame that was given."""
    names = names_of(given)
    missing = [
        nw.lit(None, dtype=nw.String).alias(c) for c in (*SEARCHED, "account") if c not in names
    ]
    rows = with_answer(given, names, missing)
    for condition in conditions:
        rows = rows.filter(condition.fill_null(False))
    return _as_given(rows.select(*names), given, filters)


def _as_given(rows: nw.LazyFrame[Any], given: Any, filters: Collection[str] = ()) -> Any:
    if isinstance(given, pd.DataFrame):
        found = rows.collect().to_native().sort_index()
        found.attrs = {**given.attrs, "filters": [*given.attrs.get("filters", []), *filters]}
        return found
    return (
        rows.collect().to_native()
        if isinstance(nw.from_native(given), nw.DataFrame)
        else rows.to_native()
    )


def _as_duckdb(given: Any) -> Any:
    import duckdb

    frame = to_pandas(nw.from_native(given).lazy())
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    cast = (
        f'CAST("{c}" AS {_DUCKDB[dtype]}) AS "{c}"'
        for c, (dtype, _) in tables.COLUMNS.items()
        if c in frame
    )
    return connection.from_df(frame).project(", ".join(cast))


@contextmanager
def _quiet() -> Iterator[None]:
    """
    Keep the JVM and PySpark from writing warnings to standard error.

    What matters arrives as an exception. The JVM inherits the stream, and PySpark warns of pandas
    3.
    """
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
