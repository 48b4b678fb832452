"""A case comes back as it was left, is its owner's alone, and lets nobody out."""

import shutil
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sinchtools.api import description
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import aliased, export
from sinchtools.core.errors import LeakError, LogError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.evidence import read
from sinchtools.playbooks.playbook import tips
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.planning import replay
from sinchtools.replays.results import ReplayResults

GOOD = description.complete(
    Exchange(
        id="row-1",
        source="case.har#1",
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan1/batches",
        request_headers={
            "Authorization": "Bearer [secret opaque 32 #1]",
            "Content-Type": "application/json",
        },
        request_body='{"to": ["+46701740605"], "from": "15559870002", "body": "Hi Anna, it is '
        'here", }',
        status=400,
        code="syntax_invalid_json",
    )
)


def test_a_case_opened_again_is_the_same(work: Path) -> None:
    case = Case("4711")
    case.add([GOOD])
    case.note("Since Monday.")
    walk = tips(GOOD)
    walk.answer("failed", "it was not this")
    case.add_walk(walk)
    case.add_replay(replay(GOOD, log=case.log))
    again = Case(work / "case-4711")
    assert (again.name, again.key, again.read_at, list(again.evidence)) == (
        "4711",
        case.key,
        case.read_at,
        [GOOD],
    )
    assert (again.notes, again.walks, again.replays, again.version) == (
        case.notes,
        case.walks,
        case.replays,
        case.version,
    )
    assert [note["text"] for note in again.notes] == ["Since Monday."]
    assert again.walks[0]["transcript"] == walk.transcript
    assert [(r["parent_id"], r["verdict"], r["was"], r["target"]) for r in again.replays] == [
        ("row-1", "SAME", "400 syntax_invalid_json", "sandbox")
    ]
    assert [child.parent_id for child in again.log] == ["row-1"]


def test_everything_lies_in_the_folder_and_only_its_owner_reads_it(work: Path) -> None:
    case = Case("4711")
    case.add([GOOD])
    case.note("x")
    assert case.log.path.parent == case.charts.parent == case.folder == work / "case-4711"
    for path in (case.folder, *case.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    shutil.rmtree(case.folder)
    assert list(work.iterdir()) == []


def test_evidence_brought_in_twice_is_there_once(work: Path) -> None:
    case = Case("4711")
    case.add(GOOD)
    now = case.add([GOOD, replace(GOOD, id="row-2")])
    assert (
        [exchange.id for exchange in now]
        == [exchange.id for exchange in case.evidence]
        == ["row-1", "row-2"]
    )


def test_evidence_is_read_only_while_the_case_holds_none(work: Path) -> None:
    first = Case("4711", [GOOD]).evidence
    assert list(Case("4711", [replace(GOOD, id="row-2")]).evidence) == list(first) == [GOOD]


@pytest.mark.parametrize(
    ("given", "said"),
    [([GOOD], 0), ([replace(GOOD, id="row-2")], 1), ("HTTP/1.1 403 Forbidden", 1), (None, 0)],
)
def test_other_evidence_that_is_passed_over_is_named_until_it_is_added(
    work: Path, given: Any, said: int
) -> None:
    Case("4711", [GOOD])
    again = Case("4711", given)
    assert ["already has evidence" in skipped.reason for skipped in again.evidence.skipped] == [
        True
    ] * said
    assert again.add(given or []).skipped == ()


def test_what_was_not_read_or_guessed_comes_back_with_the_case(work: Path) -> None:
    given = read(
        {"a.jsonl": b'{"id": "x", "status": 403, "method": "GET"}\nnot json\n', "b.bin": b"\0\1\2"}
    )
    assert given.skipped
    kept = Case("4711", given).evidence
    assert (kept, Case("4711").evidence) == (given, given)
    assert Case("4711").add(given) == given


def test_a_pasted_text_is_kept_only_as_it_was_read(work: Path) -> None:
    Case(
        "4711",
        "curl https://us.sms.api.sinch.com/xms/v1/p1/batches -H 'Authorization: Bearer "
        "5c1e9a7b3d2f4e6880a1b2c3d4e5f607'",
    )
    assert not any(
        b"5c1e9a7b3d2f" in path.read_bytes()
        for path in (work / "case-4711").rglob("*")
        if path.is_file()
    )


ADD = """
import sys
from sinchtools.cases.case import Case
from sinchtools.core.records import Exchange
case = Case("4711")
for n in range(30):
    own = Exchange(id=f"{sys.argv[1]}-{n}", status=403, request_body="x" * 9000)
    case.add([own, Exchange(id=f"all-{n}", status=401)])
"""


def test_what_several_processes_bring_in_at_once_is_all_there_once(work: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", ADD, name], stderr=subprocess.PIPE)
        for name in "abc"
    ]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    ids = [exchange.id for exchange in Case("4711").evidence]
    assert sorted(ids) == sorted(
        f"{name}-{n}" for name in ("a", "b", "c", "all") for n in range(30)
    )


def test_a_row_that_was_cut_off_costs_that_row_only_and_is_named(work: Path) -> None:
    Case("4711", [GOOD])
    with (work / "case-4711" / "evidence.jsonl").open("a") as file:
        file.write('{"id": "row-9", "sta')
    evidence = Case("4711").add([replace(GOOD, id="row-2")])
    assert [exchange.id for exchange in evidence] == ["row-1", "row-2"]
    assert [(skipped.source, skipped.count) for skipped in evidence.skipped] == [
        ("evidence.jsonl", 1)
    ]


def test_a_thing_done_twice_is_kept_once(work: Path) -> None:
    case = Case("4711", [GOOD])
    walk = tips(GOOD)
    for _ in range(2):
        case.note("Since Monday.")
        case.add_replay(replay(GOOD, log=case.log))
        case.add_walk(walk)
    assert (len(case.notes), len(case.replays), len(case.walks), len(case.log)) == (1, 1, 1, 1)
    version = case.version
    case.note("Since Monday.")
    case.add_replay(replay(GOOD, log=case.log))
    case.add_walk(walk)
    case.add([GOOD])
    assert case.version == version


def test_a_walk_that_went_on_takes_the_place_of_what_was_kept_of_it(work: Path) -> None:
    case, walk = Case("4711", [GOOD]), tips(GOOD)
    for _ in range(2):
        walk.answer("skipped")
        case.add_walk(walk)
    case.add_walk(tips(401))
    assert [len(kept["transcript"]) for kept in case.walks] == [2, 0]


def test_a_replay_that_was_held_back_is_not_told_beside_its_later_sending(work: Path) -> None:
    case = Case("4711", [GOOD])
    sent = replay(GOOD, log=case.log)
    held = ReplayResults(
        [
            replace(
                sent[0],
                child=None,
                verdict="INCONCLUSIVE",
                why=("not sent: the run was stopped",),
            )
        ],
        "sandbox",
    )
    case.add_replay(held)
    assert [row["now"] for row in case.replays] == ["not sent"]
    case.add_replay(sent)
    assert [row["verdict"] for row in case.replays] == ["SAME"]


def test_a_secret_in_a_note_is_not_kept(work: Path) -> None:
    case = Case("4711")
    case.note("They use Authorization: Bearer 5c1e9a7b3d2f4e68")
    assert "5c1e9a7b3d2f4e68" not in (case.folder / "history.jsonl").read_text()


CHANGES = {
    "evidence": lambda case: case.add(replace(GOOD, id="row-2")),
    "notes": lambda case: case.note("x"),
    "walks": lambda case: case.add_walk(tips(401)),
    "replays": lambda case: case.add_replay(replay(GOOD)),
    "log": lambda case: case.log.add([GOOD]),
    "charts": lambda case: (case.charts / "codes.png").write_bytes(b""),
}


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_moves_the_version_of_the_case_and_of_its_part_alone(
    work: Path, part: str
) -> None:
    case = Case("4711", [GOOD])
    before = {name: case.version_of(name) for name in CHANGES}
    version = case.version
    CHANGES[part](Case("4711"))
    assert case.version > version
    assert [name for name in CHANGES if case.version_of(name) != before[name]] == [part]


def test_the_case_shows_what_it_holds_and_no_markup_of_a_note(work: Path) -> None:
    case = Case("4711", [GOOD])
    case.note("<b>since</b> Monday")
    case.add_replay(replay(GOOD, log=case.log))
    shown = case._repr_html_()
    assert "1 exchange" in shown and "SAME 1" in shown and "&lt;b&gt;since" in shown


def test_a_line_that_was_cut_off_costs_that_line_only(work: Path) -> None:
    case = Case("4711")
    case.note("one")
    with (case.folder / "history.jsonl").open("a") as file:
        file.write('{"kind": "no')
    Case("4711").note("two")
    assert [note["text"] for note in Case("4711").notes] == ["one", "two"]


def test_many_notes_at_once_are_all_kept(work: Path) -> None:
    case = Case("4711")
    threads = [threading.Thread(target=case.note, args=(str(n),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {note["text"] for note in case.notes} == {str(n) for n in range(20)}


USES = {
    "evidence": lambda case: case.evidence,
    "notes": lambda case: case.notes,
    "log": lambda case: case.log,
    "version": lambda case: case.version,
    "version_of": lambda case: [case.version_of("log")],
    "note": lambda case: case.note("x"),
    "add": lambda case: case.add("HTTP/1.1 401 Unauthorized"),
}


@pytest.mark.parametrize("is_fresh", [True, False])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_folder_that_is_gone_is_said(work: Path, use: Any, is_fresh: bool) -> None:
    case = Case("4711", [GOOD])
    assert is_fresh or (case.evidence and case.notes == [])
    shutil.rmtree(case.folder)
    with pytest.raises(LogError, match="The folder of the case '4711' is gone"):
        use(case)
    assert repr(case) == "<Case 4711: its folder is gone>" and "is gone" in case._repr_html_()
    assert not case.folder.exists()


def test_a_ticket_is_named_by_its_number_too(work: Path) -> None:
    assert Case(4711).folder == Case("4711").folder == work / "case-4711"


def test_the_same_file_is_known_by_any_of_its_spellings(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = work / "a.txt"
    path.write_text("HTTP/1.1 403 Forbidden")
    monkeypatch.chdir(work)
    Case("4711", "a.txt")
    for spelling in (path, "./a.txt", str(path), "*.txt"):
        assert Case("4711", spelling).evidence.skipped == ()


def test_a_file_that_changed_since_it_was_read_is_named_until_it_is_read_again(work: Path) -> None:
    path = work / "a.txt"
    path.write_text("HTTP/1.1 403 Forbidden")
    Case("4711", path)
    path.write_text("HTTP/1.1 401 Unauthorized and more")
    case = Case("4711", path)
    assert [
        "changed after the case '4711' read them" in skipped.reason
        for skipped in case.evidence.skipped
    ] == [True]
    assert {row.status for row in case.add(path)} == {403, 401} and Case(
        "4711", path
    ).evidence.skipped == ()
    path.unlink()
    assert Case("4711", path).evidence.skipped == ()


def test_a_damaged_key_is_said(work: Path) -> None:
    (Case("4711").folder / "key").write_bytes(b"short")
    with pytest.raises(LogError, match="key of the case '4711' is damaged"):
        Case("4711")


@pytest.mark.parametrize("ending", [".jsonl", ".har"])
def test_an_export_reads_back_equal_to_the_aliased_rows(work: Path, ending: str) -> None:
    case = Case("4711")
    case.add([GOOD])
    path = export(case.evidence, work / f"out{ending}", key=case)
    assert list(read(path)) == aliased([GOOD], case)
    assert aliased([GOOD], case) == aliased([GOOD], case.key) != [GOOD]
    assert case.key not in path.read_bytes()


@pytest.mark.parametrize("ending", [".jsonl", ".har"])
def test_people_stay_only_on_explicit_wish(tmp_path: Path, ending: str) -> None:
    assert list(read(export(GOOD, tmp_path / f"out{ending}", keep_people=True))) == [GOOD]


def test_an_aliased_curl_command_reads_back_as_the_aliased_request(tmp_path: Path) -> None:
    (shown,) = aliased([GOOD], b"key")
    text = export(GOOD, tmp_path / "out.sh", key=b"key").read_text()
    assert "Anna" not in text
    back = read(text)[0]
    assert (back.method, back.url, back.request_body, dict(back.request_headers)) == (
        shown.method,
        shown.url,
        shown.request_body,
        dict(shown.request_headers),
    )


def test_without_a_key_nobody_can_make_the_aliases_again() -> None:
    assert aliased([GOOD]) != aliased([GOOD])
    assert Aliases(b"x").exchange(aliased([GOOD])[0]) != aliased([GOOD], b"x")[0]


@pytest.mark.parametrize("keep_people", [False, True])
def test_a_secret_that_came_past_the_entry_does_not_leave(
    tmp_path: Path, keep_people: bool
) -> None:
    slipped = replace(GOOD, request_body='{"api_token": "5c1e9a7b3d2f4e68"}')
    with pytest.raises(LeakError):
        export(slipped, tmp_path / "out.jsonl", keep_people=keep_people)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"\.jsonl, \.har, \.sh"):
        export(GOOD, tmp_path / "out.xlsx")
