"""What `scan` gives of a file is what `read` gives, but for what it holds back."""

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import sinchtools as st
from sinchtools.evidence import columns_of, read, scan, unread
from sinchtools.evidence.scan_columns import SCANNED
from tests.evidence.line_forms import FORMS, WRITTEN, text_of
from tests.support.present import present

COMPARED = [name for name in SCANNED if name not in ("id", "source")]


def scanned(source: Any, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scan(source, **given)


def as_rows(lazy: Any) -> list[dict[str, Any]]:
    found = lazy.project(", ".join(f'"{name}"' for name in COMPARED)).fetchall()
    return [dict(zip(COMPARED, row, strict=True)) for row in found]


def expected(evidence: Any) -> Any:
    rows = [{name: getattr(x, name) for name in COMPARED} for x in evidence]
    for row in rows:
        row["at"] = row["at"] and row["at"].replace(tzinfo=None)
    return rows


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3))])
@pytest.mark.parametrize("form", FORMS)
def test_every_column_is_the_same(tmp_path: Path, form: Any, seed: Any) -> None:
    path = tmp_path / f"a.{FORMS[form][0]}"
    path.write_text(text_of(form, seed))
    whole = read(path)
    assert len(whole) == 12 and all(x.status for x in whole)
    lazy = scanned(path)
    assert as_rows(lazy) == expected(whole)
    ids = [one for (one,) in lazy.project("id").fetchall()]
    back = {x.id: x for x in read(lazy, ids)}
    assert [(back[i].status, back[i].response_body, back[i].at, back[i].url) for i in ids] == [
        (x.status, x.response_body, x.at, x.url) for x in whole
    ]


@pytest.mark.parametrize("form", ["flat", "combined", "csv"])
def test_a_packed_file_gives_the_same(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(text_of(form, 1).encode()))
    assert as_rows(scanned(tmp_path / "a.log.gz")) == expected(read(tmp_path / "a.log.gz"))


def test_zstandard_gives_the_same(tmp_path: Path) -> None:
    import duckdb

    (tmp_path / "a.jsonl").write_text(text_of("nested", 1))
    copied = f"COPY (SELECT * FROM read_csv('{tmp_path}/a.jsonl', delim = '\x01', quote = '', "
    copied += (
        f"escape = '', header = false, columns = {{'line': 'VARCHAR'}})) TO '{tmp_path}/a.zst'"
    )
    duckdb.sql(f"{copied} (FORMAT csv, DELIM '\x01', QUOTE '', ESCAPE '', HEADER false, "
               "COMPRESSION zstd)")  # fmt: skip
    assert as_rows(scanned(tmp_path / "a.zst")) == as_rows(scanned(tmp_path / "a.jsonl"))


def test_files_of_several_forms_are_one_relation(tmp_path: Path) -> None:
    for form in WRITTEN:
        (tmp_path / f"{form}.{FORMS[form][0]}").write_text(text_of(form, 1))
    lazy = scanned(tmp_path / "*")
    by_source = dict(lazy.project("source, id").fetchall())
    assert len(lazy.project("id").fetchall()) == 12 * len(WRITTEN)
    assert sorted(by_source) == sorted(f"{form}.{FORMS[form][0]}" for form in WRITTEN)
    assert len(read(lazy, list(by_source.values()))) == len(WRITTEN)


def test_what_was_taken_for_what_is_said_and_columns_has_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = {"when": "2024-05-01", "url": "/a", "method": "GET", "status": 201, "deep": {"n": 404}}
    path.write_text(f"{json.dumps(row)}\nno JSON\n{json.dumps({'note': 1})}\n")
    with pytest.warns(UserWarning, match="at from 'when'|2 of 3 lines"):
        lazy = scan(path)
    assert columns_of(lazy)["at"] == "when"
    assert [(one.source, one.count) for one in unread(lazy)] == [("a.jsonl", 2)]
    assert [x["status"] for x in as_rows(lazy)] == [201]
    given = scanned(path, columns={"deep.n": "status"})
    assert [x["status"] for x in as_rows(given)] == [404]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_frame_from_elsewhere_is_read_scanned_and_counted(kind: Any) -> None:
    rows = [
        {"timestamp": pd.Timestamp("2024-05-01T10:00Z").to_pydatetime(), "status": status,
         "url": "https://us.sms.api.sinch.com/xms/v1/p/batches", "verb": "POST", "took_ms": 5.5}
        for status in (201, 403)
    ]  # fmt: skip
    frame = kind(rows)
    evidence = read(frame)
    assert [(x.status, present(x.at).hour, x.endpoint, x.elapsed_ms) for x in evidence] == [
        (201, 10, "POST /batches", 5.5),
        (403, 10, "POST /batches", 5.5),
    ]
    assert as_rows(scanned(frame)) == expected(evidence)
    assert st.analysis.overview(frame)["undated"].tolist() == [0]
    assert [x.id for x in read(evidence.frame())] == [x.id for x in evidence]


@pytest.mark.parametrize("form", ["flat", "nested", "csv", "combined"])
def test_no_secret_of_a_foreign_file_is_in_any_column(tmp_path: Path, form: str) -> None:
    secret = "c4n4ryS3cr3tc4n4ry"
    text = text_of(form, 1).replace("No such group", f"password={secret}")
    text = text.replace("/batches", f"/batches?access_token={secret}").replace(
        "agent", f"pw={secret}"
    )
    (tmp_path / "a.log").write_text(text)
    lazy = scanned(tmp_path / "a.log")
    assert lazy.fetchall() and secret not in str(lazy.fetchall())
    assert "access_token" not in str(lazy.fetchall())
