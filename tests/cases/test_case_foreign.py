"""
A case folder that others wrote in.

No link is followed, no line is believed unseen, no row is lost or let in with a secret.
"""

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as a

import sinchtools as st
from sinchtools.cases.case import Case
from sinchtools.core.columns import as_json
from sinchtools.core.errors import LogError, WriteError, WrongUseError
from sinchtools.core.settings import work_folder
from tests.cases.test_case import GOOD

posix = pytest.mark.skipif(os.name == "nt", reason="links and owners are another thing there")
ROW = as_json(GOOD)
NOTE = {"kind": "note", "at": "2026-11-29T20:00:00+00:00", "text": "Since Monday."}
DEEP = b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

# --- links and owners ---------------------------------------------------------------------------


def outside(case: Any, name: Any) -> Any:
    return case.folder.parent / f"outside-{name}"


def linked(case: Any, name: Any) -> None:
    outside(case, name).write_bytes(b"mine")
    (case.folder / name).unlink(missing_ok=True)
    (case.folder / name).symlink_to(outside(case, name))


def dangling(case: Any, name: Any) -> None:
    (case.folder / name).unlink(missing_ok=True)
    (case.folder / name).symlink_to(outside(case, name))


def to_a_device(case: Any, name: Any) -> None:
    (case.folder / name).unlink(missing_ok=True)
    (case.folder / name).symlink_to("/dev/null")


def fifo(case: Any, name: Any) -> None:
    (case.folder / name).unlink(missing_ok=True)
    os.mkfifo(case.folder / name)


def folder(case: Any, name: Any) -> None:
    (case.folder / name).unlink(missing_ok=True)
    (case.folder / name).mkdir()


SWAPS = [linked, dangling, to_a_device, fifo, folder]
FILES = ["evidence.jsonl", "history.jsonl", "key", "calls.sqlite", "calls.sqlite-wal"]


WRITTEN = [
    ("evidence.jsonl", lambda case: case.add([replace(GOOD, id="row-2")])),
    ("history.jsonl", lambda case: case.note("more")),
]


@pytest.fixture
def case(work: Path) -> Case:
    case = Case("4711", [GOOD])
    case.note("Since Monday.")
    return case


@posix
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_of_a_case_that_is_none_is_refused_and_nothing_behind_it_changes(
    case: Case, swap: Any, name: str
) -> None:
    swap(case, name)
    with pytest.raises(LogError, match=r"is not used|cannot be used"):
        Case("4711", [GOOD])
    assert not outside(case, name).exists() or outside(case, name).read_bytes() == b"mine"


@posix
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize(("name", "use"), [*WRITTEN, ("calls.sqlite", lambda case: case.log)])
def test_a_file_that_is_swapped_while_the_case_is_open_is_refused_too(
    case: Case, swap: Any, name: str, use: Any
) -> None:
    swap(case, name)
    with pytest.raises((LogError, WriteError)):
        use(case)
    assert not outside(case, name).exists() or outside(case, name).read_bytes() == b"mine"


@posix
@pytest.mark.parametrize(("name", "use"), WRITTEN)
def test_a_second_name_of_a_file_is_not_written_behind_it(case: Case, name: str, use: Any) -> None:
    os.link(case.folder / name, outside(case, name))
    before = outside(case, name).read_bytes()
    with pytest.raises(LogError, match="has a second name"):
        use(case)
    assert outside(case, name).read_bytes() == before


@posix
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives a file away"
)
@pytest.mark.parametrize("name", FILES[:4])
def test_a_file_of_somebody_else_is_refused(case: Case, name: Any) -> None:
    case.log.close()
    os.chown(case.folder / name, 12345, -1)
    with pytest.raises(LogError, match="belongs to another user"):
        Case("4711")


@posix
def test_a_folder_of_charts_that_leads_elsewhere_is_refused(case: Case) -> None:
    case.charts.rmdir()
    outside(case, "charts").mkdir()
    case.charts.symlink_to(outside(case, "charts"))
    with pytest.raises(LogError, match="is a link"):
        Case("4711")


@posix
@pytest.mark.parametrize(
    "mode", [0o777, 0o770, 0o707, 0o775, 0o772, 0o755, 0o750, 0o711, 0o2777, 0o3770]
)
def test_a_folder_in_which_others_may_write_is_closed_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    for name in ("sinchtools-work", "a folder of theirs"):
        home = tmp_path / name
        home.mkdir()
        home.chmod(mode)
        monkeypatch.setenv("SINCHTOOLS_HOME", str(home))
        is_sticky, others_write = mode & stat.S_ISVTX, mode & 0o022
        if others_write and (is_sticky or name != "sinchtools-work"):
            with pytest.raises(LogError, match=r"Others may write.*chmod 700"):
                work_folder()
        else:
            assert not stat.S_IMODE(work_folder().stat().st_mode) & 0o022
        assert name == "sinchtools-work" or stat.S_IMODE(home.stat().st_mode) == mode, (
            "not ours to change"
        )


@posix
def test_a_case_whose_folder_others_may_write_in_is_closed(case: Case) -> None:
    case.folder.chmod(0o777)
    assert Case("4711").evidence and stat.S_IMODE(case.folder.stat().st_mode) == 0o700


# --- lines --------------------------------------------------------------------------------------

VALUES: list[tuple[str, Any]] = [
    ("id", ["row-1"]),
    ("id", None),
    ("id", 7),
    ("id", {"a": 1}),
    ("status", "400"),
    ("status", True),
    ("status", 10**10),
    ("status", 1e999),
    ("status", [400]),
    ("attempt", 2.5),
    ("attempt", 10**30),
    ("at", 5),
    ("at", "yesterday"),
    ("at", "9999-12-31T23:59:59-23:00"),
    ("at", "0001-01-01T00:00:00+23:00"),
    ("at", ["2026"]),
    ("elapsed_ms", float("nan")),
    ("elapsed_ms", float("-inf")),
    ("elapsed_ms", "7"),
    ("elapsed_ms", 10**400),
    ("request_headers", "x"),
    ("request_headers", {"a": 1}),
    ("request_headers", [["a", "b"]]),
    ("response_headers", None),
    ("response_headers", {"a": {"b": "c"}}),
    ("request_body", {"to": []}),
    ("request_body", 7),
    ("request_body_base64", 7),
    ("response_body_base64", "é"),
    ("url", ["https://x"]),
    ("url", "\ud800"),
    ("method", 1),
    ("code", {}),
    ("text", 5),
    ("origin", None),
    ("target", 4),
    ("source", []),
    ("parent_id", {}),
    ("call_id", 3),
    ("failure", False),
]
CHANGES: list[dict[str, Any]] = [
    {"kind": ["note"]},
    {"kind": "other"},
    {"kind": None},
    {"at": None},
    {"at": 7},
    {"at": "soon"},
    {"at": "2026-11-29"},
    {"at": "2026-11-29T20:00:00"},
    {"at": "9999-12-31T23:59:59-23:00"},
    {"text": None},
    {"text": ["x"]},
    {"text": 7},
    {"text": {"a": "b"}},
    {"kind": "replay"},
    {"kind": "replay", "results": None},
    {"kind": "replay", "results": [7]},
    {"kind": "replay", "results": [{}]},
    {"kind": "replay", "results": {"a": 1}},
    {
        "kind": "replay",
        "results": [
            {
                "parent_id": ["x"],
                "verdict": "SAME",
                "reasons": [],
                "was": "",
                "now": "",
                "target": "sandbox",
            }
        ],
    },
    {
        "kind": "replay",
        "results": [
            {
                "parent_id": "x",
                "verdict": "SAME",
                "reasons": "abc",
                "was": "",
                "now": "",
                "target": "sandbox",
            }
        ],
    },
    {"kind": "walk"},
    {"kind": "walk", "exchange": [], "label": "", "title": "", "transcript": [], "ended": ""},
    {"kind": "walk", "exchange": "x", "label": "", "title": "", "transcript": [{}], "ended": ""},
    {"kind": "walk", "exchange": "x", "label": "", "title": "", "transcript": "abc", "ended": ""},
    {"kind": "evidence", "skipped": [{"a": 1}]},
    {"kind": "evidence", "skipped": 7},
    {"kind": "evidence", "warnings": ["x"]},
    {"kind": "evidence", "secrets": {"a": "b"}},
    {"kind": "evidence", "formats": [1]},
    {"kind": "evidence", "given": ["x"]},
    {"kind": "evidence", "place": {}},
    {"kind": "evidence", "secrets": {"a": True}},
]
BAD_ROWS = {  # what a line of evidence.jsonl holds instead of a row
    "no object": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "a text": b'"id"',
    "nothing in it": b"{}",
    "deep nesting": DEEP,
    "NULs": b"\0" * 40,
    "no UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": "a"}'.encode("utf-16"),
    "half a row": json.dumps(ROW).encode()[:90],
    "a huge number": json.dumps(ROW).encode().replace(b"400", b"9" * 5000),
    **{
        f"{name} {value!r:.20}": json.dumps({**ROW, name: value}).encode() for name, value in VALUES
    },
}
BAD_EVENTS = {
    "no object": b"[]",
    "deep nesting": DEEP,
    "NULs": b"\0" * 40,
    "no UTF-8": b"\xff\xfe{}",
    "no kind": b'{"at": "2026-11-29T20:00:00+00:00", "text": "x"}',
    "half a character": b'{"kind": "note", "at": "2026-11-29T20:00:00+00:00", "text": "\\ud83d"}',
    **{f"{changes!r:.60}": json.dumps({**NOTE, **changes}).encode() for changes in CHANGES},
}


def seen(case: Any) -> tuple[list[Any], list[Any], Any, Any]:
    assert (
        case._repr_html_()
        and str(case.evidence)
        and case.evidence._repr_html_()
        and len(case.evidence.frame())
    )
    return (
        [row.id for row in case.evidence],
        [note["text"] for note in case.notes],
        case.walks,
        case.replays,
    )


def reported(case: Any) -> str:
    """The report of a case, without its charts."""
    return st.report(
        case, case.folder / "report.html", parts=["change", "when", "checked", "request"]
    ).read_text(encoding="utf-8")


def put(case: Any, name: Any, lines: Any) -> None:
    with (case.folder / name).open("ab") as file:
        file.write(b"".join(b"\n" + line + b"\n" for line in lines))


EACH = [("evidence.jsonl", what) for what in BAD_ROWS] + [
    ("history.jsonl", what) for what in BAD_EVENTS
]


@pytest.mark.parametrize(("name", "what"), EACH)
def test_a_line_that_is_no_line_of_a_case_costs_itself_only_and_is_listed(
    case: Case, name: Any, what: Any
) -> None:
    alone = seen(case)
    put(case, name, [(BAD_ROWS if name == "evidence.jsonl" else BAD_EVENTS)[what]])
    for one in (case, again := Case("4711")):
        assert seen(one) == alone
        assert [(skipped.source.partition("#")[0], skipped.count) for skipped in one.skipped] == [
            (name, 1)
        ]
    assert "1 line ignored" in repr(again) and name in again._repr_html_()
    again.note("still open")
    case.add([replace(GOOD, id="row-2")])
    assert seen(Case("4711"))[:2] == (["row-1", "row-2"], ["Since Monday.", "still open"])


def test_all_of_them_together_change_no_report(case: Case) -> None:
    alone = reported(case)
    put(case, "evidence.jsonl", BAD_ROWS.values())
    put(case, "history.jsonl", BAD_EVENTS.values())
    assert reported(Case("4711")) == alone
    assert sum(one.count for one in case.skipped) == len(EACH)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data.lstrip(b"\n"), id="a BOM"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="ends of Windows"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="no end"),
        pytest.param(lambda data: b"\n \n\t\n" + data + b"\n\n", id="empty lines"),
        pytest.param(lambda data: data + data, id="everything twice"),
    ],
)
def test_what_an_editor_does_to_the_files_costs_nothing(case: Case, made: Any) -> None:
    alone = seen(case)
    for name in ("evidence.jsonl", "history.jsonl"):
        (case.folder / name).write_bytes(made((case.folder / name).read_bytes()))
    assert (seen(Case("4711")), Case("4711").skipped) == (alone, ())


TOKEN = "5c1e9a7b3d2f4e6880a1b2c3d4e5f607"
WITH_SECRETS = [
    {"request_headers": {"Authorization": f"Bearer {TOKEN}"}},
    {"request_headers": {"X-Api-Key": TOKEN}},
    {"request_headers": {"Cookie": f"sid={TOKEN}"}},
    {"response_headers": {"Set-Cookie": f"sid={TOKEN}"}},
    {"url": f"https://us.sms.api.sinch.com/xms/v1/p/batches?access_token={TOKEN}"},
    {"url": f"https://user:{TOKEN}@us.sms.api.sinch.com/xms/v1/p/batches"},
    {"request_body": json.dumps({"api_token": TOKEN})},
    {"request_body": f"client_secret={TOKEN}"},
    {"response_body": json.dumps({"access_token": TOKEN})},
    {"text": f"Bearer {TOKEN} is unknown"},
    {"failure": f"Authorization: Bearer {TOKEN}"},
]


@pytest.mark.parametrize("changes", WITH_SECRETS, ids=lambda changes: next(iter(changes)))
@pytest.mark.parametrize("is_foreign", [True, False])
def test_no_row_enters_with_its_secret(case: Case, changes: Any, is_foreign: bool) -> None:
    bare = replace(GOOD, id="row-9", request_headers={}, source="theirs")
    if is_foreign:
        with (case.folder / "evidence.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**as_json(bare), **changes}) + "\n")
    else:
        case.add([replace(bare, **changes)])
        assert TOKEN not in (case.folder / "evidence.jsonl").read_text()
    (shown,) = (row for row in Case("4711").evidence if row.id == "row-9")
    assert TOKEN not in json.dumps(as_json(shown)) and "[secret " in json.dumps(as_json(shown))


SECRET = f"Authorization: Bearer {TOKEN}"
STEP = {"title": "t", "state": "done", "proof": "", "reason": SECRET, "at": NOTE["at"]}
EVENTS = [
    {"text": SECRET},
    {
        "kind": "walk",
        "exchange": None,
        "label": "",
        "title": "t",
        "ended": SECRET,
        "transcript": [STEP],
    },
]


@pytest.mark.parametrize("event", EVENTS)
def test_no_event_enters_with_its_secret(case: Case, event: Any) -> None:
    with (case.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({**NOTE, **event}) + "\n")
    assert TOKEN not in f"{case.notes} {case.walks}" and "[secret " in f"{case.notes} {case.walks}"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "400"},
        {"at": "2026-11-29"},
        {"id": 7},
        {"request_body": {"to": []}},
        {"elapsed_ms": float("nan")},
    ],
)
def test_a_row_made_by_hand_that_no_column_can_hold_is_refused_before_it_is_written(
    case: Case, changes: Any
) -> None:
    before = (case.folder / "evidence.jsonl").read_bytes()
    with pytest.raises(WrongUseError, match=rf"Row 2 cannot be kept: its {next(iter(changes))}"):
        case.add([replace(GOOD, id="row-2"), replace(GOOD, **changes)])
    assert (case.folder / "evidence.jsonl").read_bytes() == before


ODD = a.sampled_from([10**400, -(2**63), "9999-12-31", "\x00", "2026-01-01"])
JSON = a.recursive(
    a.none() | a.booleans() | a.integers() | a.floats() | a.text(max_size=9) | ODD,
    lambda inner: (
        a.lists(inner, max_size=3) | a.dictionaries(a.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KINDS = a.sampled_from(["note", "walk", "replay", "evidence"])
FIELDS = a.sampled_from([*NOTE, "results", "transcript", "exchange", "skipped", "secrets"])
WHOLE = a.sampled_from([json.dumps(ROW).encode(), json.dumps(NOTE).encode()])
LINES = a.one_of(
    a.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    a.dictionaries(a.sampled_from([*ROW, "request_body_base64"]), JSON, max_size=4).map(
        lambda changes: json.dumps({**ROW, **changes}).encode()
    ),
    a.tuples(KINDS, a.dictionaries(FIELDS, JSON, max_size=4)).map(
        lambda made: json.dumps({**NOTE, "kind": made[0], **made[1]}).encode()
    ),
    a.tuples(WHOLE, a.integers(0, 300), a.binary(max_size=4)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]
    ),
)


@pytest.mark.long
@settings(max_examples=1000 if os.environ.get("SINCHTOOLS_FULL") == "1" else 150)
@given(a.lists(LINES, max_size=4), a.sampled_from(["evidence.jsonl", "history.jsonl"]))
def test_no_line_makes_a_case_raise(
    tmp_path_factory: pytest.TempPathFactory, lines: Any, name: Any
) -> None:
    folder = tmp_path_factory.mktemp("foreign") / "case-1"
    case = Case(folder, [GOOD])
    case.note("Since Monday.")
    with (folder / name).open("ab") as file:
        file.write(b"\n" + b"\n".join(lines) + b"\n")
    ids, notes, *_ = seen(Case(folder))
    assert reported(Case(folder))
    assert "row-1" in ids and "Since Monday." in notes
    shutil.rmtree(folder)
