"""Files larger than memory: lazy, the same columns, no secret."""

import gzip
import json
import re
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools import analysis
from sinchtools.core import columns
from sinchtools.core.errors import MissingInputError, WrongUseError
from sinchtools.evidence import read
from sinchtools.evidence.scan_columns import HELD_BACK, LEFT_OUT, SCANNED, SECRET_LIKE
from sinchtools.evidence.scanning import scan
from sinchtools.privacy import seen
from sinchtools.privacy.redaction import Redactor
from tests.support.present import present

FEW = 'id, "at", status, code, account'
CANARY = "c4n4ryS3cr3t"
URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
ROWS = [
    {
        "id": f"row-{i}",
        "at": f"2024-05-01T10:00:0{i}Z",
        "method": "POST",
        "url": f"{URL}?access_token={CANARY}",
        "status": status,
        "code": code,
        "elapsed_ms": 1.5,
        "endpoint": "POST /batches",
        "request_headers": {"Authorization": f"Bearer {CANARY}"},
        "request_body": CANARY,
        "text": f"Bearer {CANARY}",
    }
    for i, (status, code) in enumerate(
        [(201, None), (403, "unknown_group"), (403, "unknown_group"), (503, None), (None, None)]
    )
]


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_the_columns_are_those_of_a_frame_less_headers_and_bodies(jsonl: Path) -> None:
    assert (
        tuple(scan(jsonl).columns)
        == SCANNED
        == tuple(name for name in columns.COLUMNS if name not in LEFT_OUT)
    )


def test_rows_tell_the_same_as_read(jsonl: Path) -> None:
    wanted = [
        (x.id, x.status, x.code, x.outcome, x.region, x.account, x.elapsed_ms) for x in read(jsonl)
    ]
    assert (
        scan(jsonl).project("id, status, code, outcome, region, account, elapsed_ms").fetchall()
        == wanted
    )
    assert scan(jsonl).project('"at"').fetchall()[0][0].isoformat() == "2024-05-01T10:00:00"


def test_no_secret_is_in_any_column(jsonl: Path) -> None:
    assert CANARY not in str(scan(jsonl).fetchall())


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl.gz"])
def test_other_forms_give_the_same(jsonl: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"other.{form}"
    if form == "jsonl.gz":
        path.write_bytes(gzip.compress(jsonl.read_bytes()))
    else:
        import duckdb

        getattr(duckdb.read_json(str(jsonl)), f"write_{form}")(str(path))
    assert scan(path).project(FEW).fetchall() == scan(jsonl).project(FEW).fetchall()


def test_a_glob_is_one_relation_and_broken_lines_cost_only_themselves(
    jsonl: Path, tmp_path: Path
) -> None:
    (tmp_path / "more.jsonl").write_text(
        '{"id": "x", "status": "oops"}\n{broken\n{"id": "y", "status": 404}\n'
    )
    assert {"row-0", "y"} <= {id for (id,) in scan(tmp_path / "*.jsonl").project("id").fetchall()}


def test_other_names_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("when,result\n2024-05-01T10:00:00Z,404\n")
    with pytest.warns(UserWarning, match="at from 'when'"):
        lazy = scan(tmp_path / "a.csv", columns={"result": "status"})
    assert lazy.project("status").fetchall() == [(404,)]


def test_a_missing_or_wrong_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fits no file"):
        scan(tmp_path / "*.jsonl")
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(WrongUseError, match="parquet"):
        scan(tmp_path / "a.parquet").fetchall()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("case.har", '{\n  "log": {"entries": []}\n}', id="json-over-several-lines"),
        pytest.param("case.json", '{"log": {"entries": []}}', id="json-of-another-kind"),
        pytest.param("list.json", '[{"status": 403}]', id="a-list"),
        pytest.param("names.jsonl", '{"result": 403}\n', id="other-names-of-columns"),
        pytest.param("names.csv", "result,when\n403,now\n", id="csv-with-other-names"),
        pytest.param("bytes", "\x00\x01", id="bytes"),
    ],
)
def test_a_file_without_one_of_the_columns_is_refused_with_what_to_do(
    tmp_path: Path, jsonl: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(WrongUseError, match=f"'{name}' has none of the columns") as error:
        scan(tmp_path / name)
    assert "columns={'result': 'status'}" in error.value.hint and "st.read" in error.value.hint


@pytest.mark.parametrize(
    ("last", "reads"),
    [
        pytest.param({}, 1, id="no-call-id"),
        pytest.param({"call_id": "c"}, 2, id="call-id-in-the-last-line-only"),
    ],
)
def test_a_log_is_read_once_for_a_question_unless_it_has_retries_to_fold(
    tmp_path: Path, last: Any, reads: int
) -> None:
    rows = [
        *[{"id": str(i), "status": 429} for i in range(300)],
        {"id": "x", "status": 429, **last},
        {"id": "y", "status": 201, **last},
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folded = analysis.calls(scan(tmp_path / "log.jsonl"))
    assert folded.explain().count("READ_JSON") == reads
    assert folded.aggregate("count(*)").fetchall() == [(302 if reads == 1 else 301,)]


def test_retries_in_the_middle_of_a_long_log_are_folded(tmp_path: Path) -> None:
    line = json.dumps({"id": "0", "status": 429, "url": "/" + "x" * 200}) + "\n"
    call = "".join(
        json.dumps({"id": str(i), "status": 429, "call_id": "c"}) + "\n" for i in range(400)
    )
    (tmp_path / "log.jsonl").write_text(line * 4000 + call + line * 4000)
    assert analysis.calls(scan(tmp_path / "log.jsonl")).aggregate("count(*)").fetchall() == [
        (8001,)
    ]


@pytest.mark.parametrize("body", [1_000, 10_000, 20_000, 50_000])
@pytest.mark.parametrize("plain", [0, 100, 3000])
def test_retries_in_lines_longer_than_what_is_looked_at_are_folded(
    tmp_path: Path, plain: int, body: int
) -> None:
    lines = [{"id": f"p{i}", "status": 201} for i in range(plain)]
    lines += [
        {
            "id": f"{i}-{n}",
            "request_body": "x" * body,
            "call_id": f"c{i}",
            "attempt": n,
            "status": status,
        }
        for i in range(50)
        for n, status in ((1, 503), (2, 201))
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert analysis.codes(scan(tmp_path / "log.jsonl"))[["status", "n"]].to_numpy().tolist() == [
        [201, plain + 50]
    ]


def test_a_call_id_that_a_body_speaks_of_is_none(tmp_path: Path) -> None:
    row = {"id": "1", "status": 201, "request_body": '{"call_id": "c"}'}
    (tmp_path / "log.jsonl").write_text((json.dumps(row) + "\n") * 500)
    assert analysis.calls(scan(tmp_path / "log.jsonl")).explain().count("READ_JSON") == 1


def test_an_empty_file_among_others_has_no_rows(jsonl: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert (
        scan(tmp_path / "*.jsonl").project("id").fetchall() == scan(jsonl).project("id").fetchall()
    )


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_a_row_names_its_file_unless_it_has_a_source(tmp_path: Path, form: str) -> None:
    import duckdb

    path = tmp_path / f"other.{form}"
    duckdb.sql(
        f"COPY (SELECT 'a' AS id, 403 AS status, NULL AS source UNION ALL SELECT 'b', 403, "
        f"'case.har#1') TO '{path}' (FORMAT {form})"
    )
    assert sorted(scan(path).project("id, source").fetchall()) == [
        ("a", f"other.{form}"),
        ("b", "case.har#1"),
    ]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_single_rows_come_in_whole_through_the_door_of_read(
    jsonl: Path, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"log.{form}"
    if form == "parquet":
        import duckdb

        duckdb.read_json(str(jsonl)).write_parquet(str(path))
    failing = scan(path).filter("status = 403")
    evidence = read(failing, ["row-2", "row-9"])
    whole = read(jsonl)["row-2"]
    assert [replace(x, request_headers={}, source="", url="") for x in evidence] == [
        replace(whole, request_headers={}, source="", url="")
    ]
    assert evidence[0].source == path.name
    assert evidence[0].request_headers["Authorization"].startswith("Bearer [secret ")
    assert [(skipped.source, skipped.count) for skipped in evidence.skipped] == [("id row-9", 1)]
    assert read(failing, "row-2").exchanges == evidence.exchanges


def test_rows_of_a_table_with_other_names_come_in_too(tmp_path: Path) -> None:
    (tmp_path / "it's.csv").write_text(
        '"row ""no""",when,result\n7,2024-05-01T10:00:00Z,404\n8,,500\n'
    )
    lazy = scan(tmp_path / "it's.csv", columns={'row "no"': "id", "result": "status", "when": "at"})
    assert [(x.id, x.status, present(x.at).hour) for x in read(lazy, "7")] == [("7", 404, 10)]


@pytest.mark.parametrize("arguments", [(None,), ("",), ("x", "row-1"), ([], ["row-1"])])
def test_ids_belong_to_a_scan_and_a_scan_needs_ids(jsonl: Path, arguments: Any) -> None:
    with pytest.raises(WrongUseError, match="ids"):
        read(*arguments) if len(arguments) > 1 else read(scan(jsonl), *arguments)


def test_a_relation_of_somebody_else_is_refused() -> None:
    import duckdb

    relation: Any = duckdb.sql("SELECT 1 AS id")
    with pytest.raises(WrongUseError, match=r"did not come from st\.scan"):
        read(relation, "1")


LEAKY = st.sampled_from(
    [
        "password={v}",
        '{{"api_key": "{v}"}}',
        "Authorization: Bearer {v}",
        "bearer {v}",
        "https://u:{v}@h/",
        "<token>{v}</token>",
        "a&client_secret={v}",
        "x-functions-key={v}",
        "access_token%3D{v}",
        "pass => {v}",
        'name="password"\r\n\r\n{v}',
        '{{"key": "token", "value": "{v}"}}',
        "token {v} is bad",
        "https://x/?key={v}",
        "https://x/?sid={v}",
        '{{"pw": "{v}"}}',
        "https://hooks.slack.com/services/T0/{v}",
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.{v}",
        "{v}",
    ]
)


@given(st.text(max_size=20), LEAKY, st.text(max_size=20))
def test_whatever_read_would_mark_scan_holds_back(before: Any, shape: Any, after: Any) -> None:
    seen.forget()  # what an example before made a secret, the text alone does not
    text = before + shape.format(v=CANARY * 2) + after
    if Redactor().text(text) != text:
        assert re.search(SECRET_LIKE, text)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in SCANNED
        if name not in ("attempt", "at", "elapsed_ms", "status", "outcome", "region", "url")
    ],
)
def test_every_text_column_is_held_back_when_it_may_hold_a_secret(
    tmp_path: Path, name: Any
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({name: f"the password={CANARY}", "status": 500}))
    row = scan(tmp_path / "a.jsonl").project(f'"{name}"').fetchall()[0][0]
    assert row == HELD_BACK


def test_no_error_of_a_scan_shows_what_the_files_hold(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.jsonl", "a.csv"):
        (tmp_path / name).write_text(f'"token: {CANARY}\n\x00,{{{CANARY}\n' * 3)
        try:
            scan(tmp_path / name).fetchall()
        except Exception:
            assert CANARY not in traceback.format_exc()


def test_narwhals_takes_it_as_it_is(jsonl: Path) -> None:
    import narwhals as nw

    counts = (
        nw.from_native(scan(jsonl))
        .group_by("status", "code")
        .agg(nw.len().alias("n"))
        .collect(backend="pandas")
        .to_native()
    )
    assert (
        dict(
            zip(
                counts["code"].fillna("-") + counts["status"].astype(str).str[:3],
                counts["n"],
                strict=True,
            )
        )["unknown_group403"]
        == 2
    )
