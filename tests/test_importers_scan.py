"""Files larger than memory: lazy, the same columns, no secret."""

import gzip
import json

import pytest

from sinchtools import tables
from sinchtools.errors import MissingInputError, WrongUseError
from sinchtools.importers import read
from sinchtools.importers.scan import LEFT_OUT, SCANNED, scan

FEW = 'id, "at", status, code, account'
CANARY = "c4n4ryS3cr3t"
URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
ROWS = [
    {"id": f"row-{i}", "at": f"2024-05-01T10:00:0{i}Z", "method": "POST",
     "url": f"{URL}?access_token={CANARY}", "status": status, "code": code,
     "elapsed_ms": 1.5, "endpoint": "POST /batches",
     "request_headers": {"Authorization": f"Bearer {CANARY}"}, "request_body": CANARY, "text": f"Bearer {CANARY}"}
    for i, (status, code) in enumerate([(201, None), (403, "unknown_group"), (403, "unknown_group"), (503, None), (None, None)])
]  # fmt: skip


@pytest.fixture
def jsonl(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_the_columns_are_those_of_a_frame_less_headers_and_bodies(jsonl):
    assert tuple(scan(jsonl).columns) == SCANNED == tuple(name for name in tables.COLUMNS if name not in LEFT_OUT)


def test_rows_tell_the_same_as_read(jsonl):
    wanted = [(x.id, x.status, x.code, x.outcome, x.region, x.account, x.elapsed_ms) for x in read(jsonl)]
    assert scan(jsonl).project("id, status, code, outcome, region, account, elapsed_ms").fetchall() == wanted
    assert scan(jsonl).project('"at"').fetchall()[0][0].isoformat() == "2024-05-01T10:00:00"


def test_no_secret_is_in_any_column(jsonl):
    assert CANARY not in str(scan(jsonl).fetchall())


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl.gz"])
def test_other_forms_give_the_same(jsonl, tmp_path, form):
    path = tmp_path / f"other.{form}"
    if form == "jsonl.gz":
        path.write_bytes(gzip.compress(jsonl.read_bytes()))
    else:
        import duckdb

        getattr(duckdb.read_json(str(jsonl)), f"write_{form}")(str(path))
    assert scan(path).project(FEW).fetchall() == scan(jsonl).project(FEW).fetchall()


def test_a_glob_is_one_relation_and_broken_lines_cost_only_themselves(jsonl, tmp_path):
    (tmp_path / "more.jsonl").write_text('{"id": "x", "status": "oops"}\n{broken\n{"id": "y", "status": 404}\n')
    assert {"row-0", "y"} <= {id for (id,) in scan(tmp_path / "*.jsonl").project("id").fetchall()}


def test_other_names_are_mapped(tmp_path):
    (tmp_path / "a.csv").write_text("when,result\n2024-05-01T10:00:00Z,404\n")
    assert scan(tmp_path / "a.csv", columns={"result": "status"}).project("status").fetchall() == [(404,)]


def test_a_missing_or_wrong_file_is_said(tmp_path):
    with pytest.raises(MissingInputError, match="fits no file"):
        scan(tmp_path / "*.jsonl")
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(WrongUseError, match="parquet"):
        scan(tmp_path / "a.parquet").fetchall()


def test_narwhals_takes_it_as_it_is(jsonl):
    import narwhals as nw

    counts = nw.from_native(scan(jsonl)).group_by("status", "code").agg(nw.len().alias("n")).collect(backend="pandas").to_native()
    assert dict(zip(counts["code"].fillna("-") + counts["status"].astype(str).str[:3], counts["n"], strict=True))["unknown_group403"] == 2
