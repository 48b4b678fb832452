"""Each example of docs/scan.md gives the rows of a service that is not there."""

import gzip
import json
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import duckdb
import pytest

import sinchtools as st
from sinchtools import analysis

PAGE = Path(__file__).parents[2] / "docs" / "scan.md"
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S))
EXAMPLES = {
    name: re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    for name, text in SECTIONS.items()
    if "```python" in text
}
CANARY = "c4n4ryS3cr3t"
CALLS = [
    {"method": "POST", "url": f"/xms/v1/plan/batches?token={CANARY}", "status": status,
     "response_time": 12.5, "day": "2024-05-02", "headers": {"Authorization": f"Bearer {CANARY}"}}
    for status in (201, 403, 403)
]  # fmt: skip
AT = "2024-05-01T10:00:00.000Z"


def check(section: Any, number: Any = 0, **names: Any) -> None:
    scope = names | {"st": st}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(EXAMPLES[section][number], scope)
        lazy = scope["lazy"]
        counted = analysis.codes(lazy)
    assert dict(zip(counted["status"].tolist(), counted["n"].tolist(), strict=True)) == {
        201: 1,
        403: 2,
    }
    assert CANARY not in str(lazy.collect() if hasattr(lazy, "collect") else lazy.fetchall())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_has_an_example_of_each_service() -> None:
    assert set(EXAMPLES) == {
        "Elasticsearch and OpenSearch", "Loki", "CloudWatch logs on S3",
        "Parquet, Delta and Iceberg tables", "Databricks Connect", "Spark on a cluster",
    }  # fmt: skip


def test_elasticsearch(folder: Path) -> None:
    hits = [{"_index": "gateway", "_id": str(i), "_source": {"@timestamp": AT, "http": call}}
            for i, call in enumerate(CALLS)]  # fmt: skip
    answer = {"took": 3, "hits": {"total": {"value": 3}, "hits": hits}}
    (folder / "search-1.json").write_text(json.dumps(answer))
    check("Elasticsearch and OpenSearch", con=duckdb.connect())


def test_loki(folder: Path) -> None:
    values = [[f"17145576000000000{i:02}", json.dumps(call)] for i, call in enumerate(CALLS)]
    result = [{"stream": {"app": "gateway"}, "values": values}]
    (folder / "loki-1.json").write_text(
        json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}})
    )
    check("Loki", con=duckdb.connect())


class Connection:
    """A connection where S3 is fsspec's memory, and secrets are not asked for."""

    def __init__(self, files: Any) -> None:
        self.real = duckdb.connect()
        self.real.register_filesystem(files)

    def execute(self, query: Any) -> None:
        assert query.startswith("CREATE SECRET (TYPE s3")

    def __getattr__(self, name: Any) -> Any:
        return getattr(self.real, name)


def test_cloudwatch() -> None:
    memory: Any = pytest.importorskip("fsspec.implementations.memory").MemoryFileSystem

    class Bucket(memory):  # type: ignore[misc]  # fsspec need not be installed
        protocol = ("s3",)
        store: dict[str, Any] = {}  # noqa: RUF012
        pseudo_dirs = [""]  # noqa: RUF012

        @classmethod
        def _strip_protocol(cls, path: Any) -> Any:
            return super()._strip_protocol(path.replace("s3://", "memory://"))

        def unstrip_protocol(self, name: str) -> str:
            return f"s3:/{self._strip_protocol(name)}"

    bucket = Bucket()
    lines = "".join(f"{AT} {json.dumps(call)}\n" for call in CALLS)
    bucket.pipe("/bucket/export/stream-1/000000.gz", gzip.compress(lines.encode()))
    check("CloudWatch logs on S3", con=Connection(bucket))


@pytest.mark.parametrize(("number", "name"), [(0, "delta_scan"), (1, "iceberg_scan")])
def test_delta_and_iceberg(folder: Path, number: int, name: str) -> None:
    con = duckdb.connect()
    (folder / "rows.jsonl").write_text("".join(json.dumps(call) + "\n" for call in CALLS))
    con.execute(f"CREATE MACRO {name}(place) AS TABLE SELECT * FROM read_json('rows.jsonl')")
    check("Parquet, Delta and Iceberg tables", number, con=con)


@pytest.mark.spark
def test_databricks_and_spark(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql", reason="needs the spark extra")
    session = analysis.spark_session()
    (folder / "rows.jsonl").write_text("".join(json.dumps(call) + "\n" for call in CALLS))
    frame = session.read.json(str(folder / "rows.jsonl"))

    class There:
        builder: Any = types.SimpleNamespace(
            remote=lambda _: There.builder, getOrCreate=lambda: There
        )
        read = types.SimpleNamespace(parquet=lambda _: frame)
        table = staticmethod(lambda _: frame)

    connect = types.ModuleType("databricks.connect")
    vars(connect)["DatabricksSession"] = There
    monkeypatch.setitem(sys.modules, "databricks", types.ModuleType("databricks"))
    monkeypatch.setitem(sys.modules, "databricks.connect", connect)
    monkeypatch.setattr(sql.SparkSession, "builder", There.builder)
    check("Databricks Connect")
    check("Spark on a cluster")
