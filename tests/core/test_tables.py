"""The columns of every frame: one table for record, frame and native file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sinchtools.core.columns import COLUMNS, as_json, frame, from_json, reference
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange

FULL = Exchange(
    id="a",
    parent_id="p",
    call_id="c",
    attempt=2,
    at=datetime(2026, 11, 23, 8, 0, 0, 125, tzinfo=UTC),
    origin="replay",
    source="x.har#1",
    target="sandbox",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/p/batches",
    endpoint="POST /batches",
    region="us",
    account="p",
    request_headers={"A": "ä"},
    request_body="{}",
    status=400,
    code="c",
    text="t",
    response_headers={"B": "1"},
    response_body=b"\xff\x00",
    elapsed_ms=1.25,
    failure=None,
)


@pytest.mark.parametrize(
    "rows",
    [[], [FULL], [Exchange(id="bare")], [FULL, Exchange(id="bare")]],
    ids=["none", "full", "bare", "mixed"],
)
def test_a_frame_has_the_columns_and_dtypes_whatever_is_in_it(rows: Any) -> None:
    made = frame(rows)
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == {
        name: dtype for name, (dtype, _) in COLUMNS.items()
    }
    assert made["id"].tolist() == [row.id for row in rows]


def test_a_frame_shows_headers_as_json_and_bytes_as_escapes() -> None:
    row = frame([FULL]).iloc[0]
    assert (row["request_headers"], row["response_body"], row["outcome"]) == (
        '{"A": "ä"}',
        "\\xff\x00",
        "user_error",
    )
    assert row["at"] == FULL.at


def test_what_is_missing_is_na() -> None:
    row = frame([Exchange(id="bare")]).iloc[0]
    assert all(
        pd.isna(row[name])
        for name in ("at", "status", "code", "elapsed_ms", "request_body", "endpoint")
    )
    assert row["outcome"] == "no_response"


@pytest.mark.parametrize("exchange", [FULL, Exchange(id="bare")], ids=["full", "bare"])
def test_the_native_row_comes_back_equal(exchange: Exchange) -> None:
    assert from_json(as_json(exchange)) == exchange


def test_the_reference_page_is_made_from_the_table() -> None:
    assert (Path(__file__).parents[2] / "docs/columns.md").read_text(
        encoding="utf-8"
    ) == reference()


def test_record_and_table_are_one_thing() -> None:
    assert [name for name in COLUMNS if name != "outcome"] == list(EXCHANGE_FIELDS)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "success"),
        (202, "success"),
        (302, "other"),
        (100, "other"),
        (404, "user_error"),
        (503, "sinch_error"),
        (999, "other"),
        (None, "no_response"),
    ],
)
def test_the_outcome_comes_from_the_status(status: int | None, outcome: str) -> None:
    assert Exchange(status=status).outcome == outcome


def test_a_repr_shows_no_header_body_or_query() -> None:
    shown = repr(
        Exchange(
            id="a",
            method="GET",
            url="https://h/x?token=t",
            request_headers={"A": "secret"},
            request_body="body",
        )
    )
    assert shown == "<Exchange a: GET https://h/x -> not known>"
