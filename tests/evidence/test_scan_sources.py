"""A scan gives the same of rows wherever they are, and shows and leaves nothing."""

import json
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest

import sinchtools as st
from sinchtools.core.errors import MissingInputError, WrongUseError
from sinchtools.evidence import read
from sinchtools.evidence.scan_columns import SCANNED
from sinchtools.evidence.scan_places import told_place
from tests.support.present import present

CANARY = "c4n4ryS3cr3t"
URL = "https://eu.sms.api.sinch.com/xms/v1/plan7/batches"
SECRET_URL = f"{URL}?access_token={CANARY}"
REFUSED = json.dumps({"code": "unknown_group", "text": "No such group", "to": CANARY})
HEADERS = f"Authorization: Bearer {CANARY}"
CALLS = [("10:00:00", 201, 12.5, '{"id": "b1"}'), ("10:00:01", 403, 8.0, REFUSED),
         ("10:00:02", 503, 30.25, "")]  # fmt: skip
OTHER = [
    {"when": f"2024-05-01T{at}Z", "verb": "POST", "target": SECRET_URL, "result": status,
     "took_ms": took, "response_body": body, "request_headers": HEADERS}
    for at, status, took, body in CALLS
]  # fmt: skip
OWN = [
    {"id": f"row-{i}", "at": f"2024-05-01T{at}Z", "method": "POST", "url": SECRET_URL,
     "status": status, "elapsed_ms": took, "response_body": body, "request_headers": HEADERS}
    for i, (at, status, took, body) in enumerate(CALLS)
]  # fmt: skip
NESTED = [
    {"@timestamp": f"2024-05-01T{at}Z",
     "http": {"request": {"method": "POST"}, "response": {"status_code": status, "body": body}},
     "url": {"full": SECRET_URL}, "event": {"duration_ms": took}, "headers": HEADERS}
    for at, status, took, body in CALLS
]  # fmt: skip
DOTTED = [
    {"@timestamp": f"2024-05-01T{at}Z", "http.request.method": "POST", "url.full": SECRET_URL,
     "http.response.status_code": status, "duration_ms": took, "http.response.body": body,
     "http.request.headers": HEADERS}
    for at, status, took, body in CALLS
]  # fmt: skip
TEXT = [
    {"@timestamp": f"2024-05-01T{at}Z", "@logStream": "gateway/1",
     "@message": json.dumps({"method": "POST", "url": SECRET_URL, "status": status,
                             "duration_ms": took, "response_body": body, "headers": HEADERS})}
    for at, status, took, body in CALLS
]  # fmt: skip
ROWS = {"other": OTHER, "own": OWN, "nested": NESTED, "dotted": DOTTED, "text": TEXT}
TOLD = [name for name in SCANNED if name not in ("id", "source")]


def of_duckdb(rows: Any, folder: Any) -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Kolkata'")  # ours must not depend on it
    return connection.sql(f"SELECT * FROM read_json('{of_lines(rows, folder)}')")


def of_lines(rows: Any, folder: Any) -> str:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "rows.jsonl")


def of_parquet(rows: Any, folder: Any) -> Any:
    of_duckdb(rows, folder).write_parquet(str(folder / "rows.parquet"))
    return folder / "rows.parquet"


SOURCES: dict[str, Callable[[Any, Path], Any]] = {
    "relation": of_duckdb,
    "parquet": of_parquet,
    "pandas": lambda rows, _: pd.DataFrame(rows),
    "polars": lambda rows, _: pl.DataFrame(rows),
    "polars lazy": lambda rows, _: pl.LazyFrame(rows),
    "narwhals": lambda rows, _: nw.from_native(pl.DataFrame(rows)),
    "narwhals lazy": lambda rows, folder: nw.from_native(of_duckdb(rows, folder)),
}


def scanned(source: Any, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return st.scan(source, **given)


def told(lazy: Any) -> Any:
    return lazy.project(", ".join(f'"{name}"' for name in TOLD)).fetchall()


def each_source_with_each_shape() -> Iterator[Any]:
    """All shapes of a relation, and of the others those that are read by another way."""
    quick = {"parquet": "own", "pandas": "nested", "polars lazy": "text", "narwhals": "dotted"}
    for source in SOURCES:
        for shape in ROWS:
            marks = () if source == "relation" or quick.get(source) == shape else pytest.mark.long
            yield pytest.param(source, shape, marks=marks, id=f"{source}-{shape}")


@pytest.mark.parametrize(("source", "shape"), [*each_source_with_each_shape()])
def test_every_source_gives_what_a_file_of_the_same_rows_gives(
    tmp_path: Path, source: Any, shape: Any
) -> None:
    lazy = scanned(SOURCES[source](ROWS[shape], tmp_path))
    assert tuple(lazy.columns) == SCANNED
    found = told(lazy)
    assert found == told(scanned(of_lines(ROWS[shape], tmp_path)))
    assert lazy.project("status, code, account").fetchall() == [
        (201, None, "plan7"),
        (403, "unknown_group", "plan7"),
        (503, None, "plan7"),
    ]
    assert CANARY not in str(lazy.fetchall()) + repr(lazy) + str(lazy)


def test_the_columns_of_a_table_are_mapped_as_in_read(tmp_path: Path) -> None:
    rows = [{"a": "2024-05-01T10:00:00Z", "b": {"c": 429}, "d": "x"}]
    columns = {"a": "at", "b.c": "status"}
    for make in (of_duckdb, of_parquet, SOURCES["polars"], SOURCES["pandas"]):
        found = scanned(make(rows, tmp_path), columns=columns).project('"at", status').fetchall()
        assert [(at.hour, status) for at, status in found] == [(10, 429)]


def test_a_column_that_the_first_rows_leave_empty_is_read_all_the_same() -> None:
    table = duckdb.sql(
        "SELECT 400 AS http_status, '/xms/v1/p/batches' AS path, CASE WHEN range > 9990 THEN "
        "'syntax_invalid_json' END AS error_code FROM range(10000)"
    )
    assert scanned(table).filter("code IS NOT NULL").aggregate("count(*)").fetchall() == [(9,)]


def test_a_relation_is_not_read_before_it_is_asked() -> None:
    endless = duckdb.sql("SELECT 500 AS status, '/x' AS path FROM range(1000000000000000)")
    assert scanned(endless).limit(1).project("outcome").fetchall() == [("sinch_error",)]


def test_nothing_is_left_on_a_connection(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'; CREATE TABLE t AS SELECT 404 AS status")
    asked = [
        "SELECT name, value FROM duckdb_settings() ORDER BY ALL",
        "SELECT table_name, temporary FROM duckdb_tables() UNION ALL SELECT view_name, temporary "
        "FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "SELECT getvariable('sinchtools_files'), getvariable('sinchtools_columns')",
    ]
    before = [connection.sql(query).fetchall() for query in asked]
    of_table, of_path = (
        scanned(connection.table("t")),
        scanned(of_lines(OTHER, tmp_path), connection=connection),
    )
    assert of_table.fetchall()[0][SCANNED.index("status")] == 404
    assert told(of_path) == told(scanned(of_lines(OTHER, tmp_path)))
    assert len(read(of_path, [row[0] for row in of_path.project("id").fetchall()])) == 3
    assert [connection.sql(query).fetchall() for query in asked] == before


def test_a_connection_may_be_in_the_middle_of_a_result(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SELECT * FROM range(5)")
    assert connection.fetchone() == (0,)
    assert len(told(scanned(of_lines(OTHER, tmp_path), connection=connection))) == 3
    assert connection.fetchone() == (1,)


@pytest.mark.parametrize("make", [of_parquet, of_lines])
def test_rows_of_files_of_other_names_come_in_whole_by_their_ids(tmp_path: Path, make: Any) -> None:
    lazy = scanned(make(OTHER, tmp_path))
    [(one,)] = lazy.filter("status = 403").project("id").fetchall()
    [exchange] = read(lazy, one)
    assert (exchange.status, exchange.code, present(exchange.at).hour) == (403, "unknown_group", 10)
    assert CANARY not in str(exchange.request_headers)


def test_rows_of_a_table_are_read_without_a_scan(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"st\.read\(table"):
        read(scanned(of_duckdb(OTHER, tmp_path)), "x")


@pytest.mark.parametrize(
    "table",
    [
        "SELECT error('the row is {v}') AS status, 'x' AS url",
        "SELECT CAST('{v}' AS INT) AS status, 'x' AS url FROM range(3)",
        "SELECT 'the row is {v}' AS words, 1 AS n",
        "SELECT '{v}' AS words",
    ],
)
def test_no_error_of_a_table_shows_a_row(table: str) -> None:
    try:
        scanned(duckdb.sql(table.format(v=CANARY)))
    except WrongUseError:
        assert CANARY not in traceback.format_exc()
    else:
        raise AssertionError("it was read")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("s3://bucket/logs/*.parquet", "httpfs"),
        ("gs://bucket/a.jsonl", "httpfs"),
        ("https://host/a.csv", "httpfs"),
        ("az://container/a.jsonl", "azure"),
        ("abfss://container@account.dfs.core.windows.net/a.jsonl", "azure"),
        ("hdfs://node/a.jsonl", "fsspec"),
        ("dbfs:/mnt/a.jsonl", "fsspec"),
    ],
)
def test_a_file_on_another_machine_needs_a_connection(url: str, word: str) -> None:
    with pytest.raises(WrongUseError, match="another machine") as error:
        scanned(url)
    _, first, second = str(error.value).split("\n")
    assert word in first and "connection=con" in second
    compile(f"{first}\n{second}", "the two lines", "exec")


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@host/a.csv",
        f"https://{CANARY}@host/a.csv",
        f"s3://key:{CANARY}@bucket/a.csv",
        f"https://host/a.csv?X-Amz-Signature={CANARY}",
        f"https://host/a.csv?sv=1&sig={CANARY}",
        f"s3://bucket/a.csv?s3_secret_access_key={CANARY}",
    ],
)
def test_credentials_in_a_url_are_refused_and_never_shown(url: str) -> None:
    for connection in (None, duckdb.connect()):
        try:
            scanned(url, connection=connection)
        except WrongUseError as error:
            assert "credentials" in str(error) and CANARY not in traceback.format_exc()
        else:
            raise AssertionError("it was taken")
    assert CANARY not in told_place(url)


def test_what_is_no_table_and_no_path_is_refused() -> None:
    for source in (5, ["a.jsonl"], {"status": 1}, object()):
        with pytest.raises(WrongUseError, match="relation"):
            scanned(source)
    with pytest.raises(MissingInputError):
        scanned("file:///nowhere/a.jsonl")


def test_a_scan_prints_nothing(tmp_path: Path, capfd: Any) -> None:
    for make in (of_lines, of_parquet, of_duckdb, SOURCES["pandas"], SOURCES["polars lazy"]):
        scanned(make(NESTED, tmp_path)).fetchall()
    (tmp_path / "broken.jsonl").write_text('{"status": 403, "url": "/x"}\n{broken\n\x00\n')
    scanned(tmp_path / "broken.jsonl").fetchall()
    assert capfd.readouterr() == ("", "")


def test_a_column_that_is_left_out_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("when,verb,result,took_ms\n2024-05-01T10:00:00Z,GET,404,9\n")
    for source in (tmp_path / "rows.csv", duckdb.read_csv(str(tmp_path / "rows.csv"))):
        found = scanned(source, columns={"took_ms": ""}).project("status, elapsed_ms").fetchall()
        assert found == [(404, None)]
