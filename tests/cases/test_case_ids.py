"""
Two logs number their rows as they like.

No row is lost over an id, and what names a row goes on naming that one.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as a

from sinchtools import plan, read
from sinchtools.cases.case import Case
from sinchtools.core.records import Exchange
from tests.cases.test_case import GOOD
from tests.support.present import present
from tests.support.vendor import Vendor

URL = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"


def line(number: Any, status: Any = 401, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "method": "POST",
        "url": URL,
        "status": status,
        "request_body": "{}",
        **more,
    }


def logs(folder: Any, **files: Any) -> Any:
    paths = []
    for name, lines in files.items():
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(one) + "\n" for one in lines))
    return paths


MONDAY = [line(n, text="monday") for n in "123"]
OTHERS = {  # the same ids, other content
    "another status": [line(n, 201, text="monday") for n in "123"],
    "no answer": [line(n, None, text="monday", failure="timeout") for n in "123"],
    "another text": [line(n, text="tuesday") for n in "123"],
    "another body": [line(n, text="monday", request_body='{"to": []}') for n in "123"],
    "no body": [line(n, text="monday", request_body=None) for n in "123"],
    "another time": [line(n, text="monday", at="2026-11-24T10:00:00Z") for n in "123"],
    "another header": [line(n, text="monday", request_headers={"X-Run": "2"}) for n in "123"],
    "another answer": [line(n, text="monday", response_body='{"id": "b"}') for n in "123"],
    "another method": [line(n, text="monday", method="PUT") for n in "123"],
    "another URL": [line(n, text="monday", url=f"{URL}/b1") for n in "123"],
    "another duration": [line(n, text="monday", elapsed_ms=12.5) for n in "123"],
    "another call": [line(n, text="monday", call_id="c7") for n in "123"],
    "another attempt": [line(n, text="monday", attempt=2) for n in "123"],
    "no UTF-8 in the body": [
        line(n, text="monday", request_body=None, request_body_base64="/w==") for n in "123"
    ],
}


def told(row: Any) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    return (
        row.method,
        row.url,
        row.status,
        row.text,
        row.request_body,
        row.at,
        row.attempt,
        row.call_id,
        row.failure,
    )


@pytest.mark.parametrize("what", OTHERS)
def test_rows_of_another_file_with_the_same_ids_are_all_there_and_a_warning_says_so(
    work: Path, what: str
) -> None:
    monday, tuesday = logs(work, monday=MONDAY, tuesday=OTHERS[what])
    case = Case("4711", monday)
    now = case.add(tuesday)
    assert [told(row) for row in now] == [
        told(row) for path in (monday, tuesday) for row in read(path)
    ]
    assert [row.id for row in now][:3] == ["1", "2", "3"] and len({row.id for row in now}) == 6
    assert [(one.source, "another row has the same id" in one.reason) for one in now.warnings] == [
        (f"tuesday.jsonl#{n}", True) for n in (1, 2, 3)
    ]
    assert Case("4711").evidence == now
    assert (case.add(tuesday), case.add(monday), Case("4711").add(tuesday)) == (now, now, now), (
        "reading twice gives the same"
    )


def test_a_later_acceptance_under_the_same_id_is_known_to_a_live_plan(vendor: Vendor) -> None:
    body = json.dumps(
        {"to": ["+46701740605"], "from": "15559870002", "body": "Hi Anna, it is here"}
    )
    failed = line(
        "1",
        None,
        request_body=body,
        failure="timeout",
        request_headers={"Content-Type": "application/json"},
        at="2026-11-24T10:00:00Z",
    )
    accepted = {**failed, "status": 201, "failure": None, "at": "2026-11-24T10:05:00Z"}
    first, later = (read("".join(json.dumps(one) + "\n")) for one in (failed, accepted))
    case = Case("4711", first)
    case.add(later)
    assert [row.status for row in case.evidence] == [None, 201]
    alone = plan(first, target="live")
    known = plan(case.evidence, target="live")
    assert repr(known) != repr(alone) and "accepted" in repr(known)


def test_a_string_id_of_a_logger_in_two_tables_is_two_rows(work: Path) -> None:
    for name, status in (("a", 401), ("b", 403)):
        (work / f"{name}.csv").write_text(
            f"id,method,url,status\nreq-1,POST,{URL},{status}\nreq-2,POST,{URL},{status}\n"
        )
    case = Case("4711", work / "a.csv")
    assert [row.status for row in case.add(work / "b.csv")] == [401, 401, 403, 403]


def test_what_names_a_row_as_parent_or_call_follows_it_within_its_file(work: Path) -> None:
    monday = [
        line("1", 429, call_id="1"),
        line("2", 201, call_id="1", attempt=2),
        line("3", 400),
        line("4", 201, parent_id="3"),
    ]
    calls = [
        line("1", 500, call_id="1"),
        line("2", 200, call_id="1", attempt=2),
        line("3", 403),
        line("9", 200, parent_id="1"),
    ]
    monday, tuesday = logs(work, monday=monday, tuesday=[line("4", 202, parent_id="3"), *calls])
    case = Case("4711", monday)
    now = case.add(tuesday)
    of_tuesday = [row for row in now if present(row.source).startswith("tuesday")]
    by_status = {row.status: row for row in of_tuesday}
    assert (by_status[202].parent_id, by_status[500].call_id, by_status[200].parent_id) == (
        by_status[403].id,
        by_status[500].id,
        by_status[500].id,
    )
    assert {row.call_id for row in of_tuesday if row.attempt == 2} == {by_status[500].id}
    assert [(row.id, row.call_id, row.parent_id) for row in now][:4] == [
        ("1", "1", None),
        ("2", "1", None),
        ("3", None, None),
        ("4", None, "3"),
    ]
    assert case.add(tuesday) == now == Case("4711").add(tuesday)


def test_the_same_names_in_two_folders_are_two_files(work: Path) -> None:
    for day, status in (("monday", 400), ("tuesday", 403)):
        (work / day).mkdir()
        logs(work / day, app=[line("1", status), line(day, 201, parent_id="1")])
    case = Case("4711", work / "monday" / "app.jsonl")
    rows = {row.id: row for row in case.add(work / "tuesday" / "app.jsonl")}
    parents = [rows[present(rows[day].parent_id)] for day in ("monday", "tuesday")]
    assert [row.status for row in parents] == [400, 403]


def test_a_file_that_grew_adds_what_is_new_and_no_more(work: Path) -> None:
    monday, tuesday = logs(work, monday=MONDAY, tuesday=OTHERS["another text"])
    case = Case("4711", monday)
    before = [row.id for row in case.add(tuesday)]
    logs(work, tuesday=[*OTHERS["another text"], line("4", 201, parent_id="1")])
    now = case.add(tuesday)
    assert [row.id for row in now][:-1] == before and now[-1].parent_id == before[3]


def test_a_folder_after_its_files_brings_nothing_new(work: Path) -> None:
    (work / "logs").mkdir()
    paths = logs(
        work / "logs",
        monday=MONDAY,
        tuesday=OTHERS["another text"],
        wednesday=OTHERS["another time"],
    )
    ahead, after = Case("1"), Case("2", work / "logs")
    for path in paths:
        ahead.add(path)
        after.add(path)
    assert len(ahead.add(work / "logs")) == len(after.evidence) == 9


def test_only_the_number_of_a_marker_is_no_other_content(work: Path) -> None:
    case = Case("4711", [GOOD])
    again = replace(
        GOOD,
        request_headers={**GOOD.request_headers, "Authorization": "Bearer [secret opaque 32 #7]"},
        source="other.har#9",
    )
    assert list(case.add([again])) == [GOOD]
    other = replace(
        GOOD,
        request_headers={**GOOD.request_headers, "Authorization": "Bearer [secret opaque 31 #1]"},
    )
    assert len(case.add([other])) == 2


def test_two_kernels_that_bring_in_the_same_id_at_once_lose_neither(work: Path) -> None:
    first, second = Case("4711"), Case("4711")
    first.add([GOOD])
    row = json.dumps(
        {"id": GOOD.id, "status": 201}
    ).encode()  # as if both had looked before either wrote
    with (first.folder / "evidence.jsonl").open("ab") as file:
        file.write(b"\n" + row + b"\n" + row + b"\n")
    ids = [one.id for one in second.evidence]
    assert [one.status for one in second.evidence] == [400, 201] and len(set(ids)) == 2
    assert [one.id for one in first.evidence] == ids


ROWS = a.lists(
    a.builds(
        Exchange,
        id=a.sampled_from(["1", "2", "1-2", "a-1", "a"]),
        source=a.sampled_from(["a.jsonl#1", "a.jsonl#2", "b.jsonl#1", None]),
        status=a.sampled_from([400, 201, None]),
        parent_id=a.sampled_from([None, "1", "2", "a"]),
        call_id=a.sampled_from([None, "1", "c"]),
        text=a.sampled_from([None, "x"]),
    ),
    max_size=6,
)


def content(row: Any) -> tuple[Any, Any, Any]:
    return (row.status, row.text, row.source)


@pytest.mark.long
@settings(max_examples=5000 if os.environ.get("SINCHTOOLS_FULL") == "1" else 200)
@given(a.lists(ROWS, max_size=4))
def test_no_content_is_lost_and_reading_twice_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, readings: Any
) -> None:
    case = Case(tmp_path_factory.mktemp("ids") / "case-1")
    for rows in readings:
        now = case.add(rows)
        assert {content(row)[:2] for row in rows} <= {content(row)[:2] for row in now}
        assert len({row.id for row in now}) == len(now)
    for rows in readings:
        again = case.add(rows)
        assert {content(row)[:2] for row in again} == {content(row)[:2] for row in now}
    assert list(Case(case.folder).evidence) == list(case.evidence)
