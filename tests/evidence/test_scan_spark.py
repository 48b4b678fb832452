"""A scan of a Spark frame: run by Spark, with the same rows as DuckDB gives."""

import datetime as dt
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinchtools import analysis
from sinchtools.core.errors import WrongUseError
from sinchtools.evidence.scan_columns import SCANNED
from tests.evidence.test_scan_sources import CANARY, ROWS, TOLD, URL, of_lines, scanned

WRITTEN = [
    "2024-05-01T10:00:00.123456Z", "2024-05-01 10:00:00", "2024-05-01T10:00:00+02:00",
    "01/May/2024:10:00:00 +0200", "01/May/2024:10:00:00 +0000", "1714557600000", "1714557600",
    "01.05.2024 10:00:00", "Wed, 01 May 2024 10:00:00 GMT", "20240501T100000Z",
    "05/13/2024 10:00:00", "2024-05-01 10:00:00,123", "Wed May 01 10:00:00 2024",
    "May 1, 2024 @ 10:00:00.123", "5/1/2024, 10:00:00 AM",
]  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="needs the spark extra")
    found = analysis.spark_session()
    found.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")  # ours must not depend on it
    yield found
    found.conf.set("spark.sql.session.timeZone", "UTC")


def rows_of(found: Any, in_micros: Any) -> list[Any]:
    names = [in_micros if name == "at" else f"`{name}`" for name in TOLD]
    return [tuple(row) for row in found.selectExpr(*names).collect()]


def same(frame: Any, path: Any) -> Any:
    found = scanned(frame)
    assert tuple(found.columns) == SCANNED
    rows = rows_of(found, "unix_micros(`at`)")
    names = ['epoch_us("at")' if name == "at" else f'"{name}"' for name in TOLD]
    assert rows == scanned(path).project(", ".join(names)).fetchall()
    assert CANARY not in str(found.collect())
    return found


@pytest.mark.spark
def test_spark_gives_what_duckdb_gives(session: Any, tmp_path: Path) -> None:
    for rows in ROWS.values():
        path = of_lines(rows, tmp_path)
        found = same(session.read.json(path), path)
        assert analysis.codes(found)["code"].dropna().tolist() == ["unknown_group"]


@pytest.mark.spark
def test_a_time_means_the_same_whatever_the_zone_of_the_session(
    session: Any, tmp_path: Path
) -> None:
    for when in WRITTEN:
        path = of_lines([{"when": when, "status": 503, "url": URL, "method": "GET"}] * 2, tmp_path)
        same(session.read.json(path), path)
    noon = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
    micros = int(noon.timestamp()) * 1_000_000
    typed = session.createDataFrame([(noon, 500)], "when timestamp, http_status int")
    plain = session.sql("SELECT timestamp_ntz'2024-05-01 12:00:00' AS when, 500 AS http_status")
    days = session.sql("SELECT date'2024-05-01' AS when, 500 AS http_status")
    for frame, late in ((typed, 0), (plain, 0), (days, 12)):
        [row] = scanned(frame).selectExpr("unix_micros(at)", "status").collect()
        assert tuple(row) == (micros - late * 3_600_000_000, 500)


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_no_error_of_spark_shows_a_row(session: Any, capfd: Any) -> None:
    for query in (
        f"SELECT raise_error('{CANARY}') AS status, 'x' AS url",
        f"SELECT CAST('{CANARY}' AS INT) AS status, 'x' AS url",
        f"SELECT '{CANARY}' AS words, 1 AS n",
    ):
        try:
            scanned(session.sql(query))
        except WrongUseError:
            assert CANARY not in traceback.format_exc()
        else:
            raise AssertionError("it was read")
    capfd.readouterr()  # the log of the JVM
