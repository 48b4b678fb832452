"""A case comes back as it was left, is its owner's alone, and lets nobody out."""

import shutil
import stat
import threading
from dataclasses import replace

import pytest

from sinchtools import api
from sinchtools.aliases import Aliases
from sinchtools.case import Case, aliased, export
from sinchtools.errors import LeakError, LogError, WrongUseError
from sinchtools.importers import read
from sinchtools.playbook import tips
from sinchtools.records import Exchange
from sinchtools.replay import replay

GOOD = api.complete(
    Exchange(
        id="row-1",
        source="case.har#1",
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan1/batches",
        request_headers={"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"},
        request_body='{"to": ["+46701740605"], "from": "15559870002", "body": "Hi Anna, it is here", }',
        status=400,
        code="syntax_invalid_json",
    )
)


def test_a_case_opened_again_is_the_same(work):
    case = Case("4711")
    case.add([GOOD])
    case.note("Since Monday.")
    walk = tips(GOOD)
    walk.answer("failed", "it was not this")
    case.add_walk(walk)
    case.add_replay(replay(GOOD, log=case.log))
    again = Case(work / "case-4711")
    assert (again.name, again.key, again.read_at, list(again.evidence)) == ("4711", case.key, case.read_at, [GOOD])
    assert (again.notes, again.walks, again.replays, again.version) == (case.notes, case.walks, case.replays, case.version)
    assert [note["text"] for note in again.notes] == ["Since Monday."]
    assert again.walks[0]["transcript"] == walk.transcript
    assert [(r["parent_id"], r["verdict"], r["was"], r["target"]) for r in again.replays] == [("row-1", "SAME", "400 syntax_invalid_json", "sandbox")]
    assert [child.parent_id for child in again.log] == ["row-1"]


def test_everything_lies_in_the_folder_and_only_its_owner_reads_it(work):
    case = Case("4711")
    case.add([GOOD])
    case.note("x")
    assert case.log.path.parent == case.charts.parent == case.folder == work / "case-4711"
    for path in (case.folder, *case.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    shutil.rmtree(case.folder)
    assert list(work.iterdir()) == []


def test_evidence_brought_in_twice_is_there_once(work):
    case = Case("4711")
    case.add(GOOD)
    case.add([GOOD, replace(GOOD, id="row-2")])
    assert [exchange.id for exchange in case.evidence] == ["row-1", "row-2"]


def test_a_secret_in_a_note_is_not_kept(work):
    case = Case("4711")
    case.note("They use Authorization: Bearer 5c1e9a7b3d2f4e68")
    assert "5c1e9a7b3d2f4e68" not in (case.folder / "history.jsonl").read_text()


def test_every_change_gives_a_new_version(work):
    case = Case("4711")
    seen = [case.version]
    for change in (lambda: case.add(GOOD), lambda: case.note("x"), lambda: case.log.add([GOOD])):
        change()
        seen.append(Case("4711").version)
    assert len(set(seen)) == 4


def test_a_line_that_was_cut_off_costs_that_line_only(work):
    case = Case("4711")
    case.note("one")
    with (case.folder / "history.jsonl").open("a") as file:
        file.write('{"kind": "no')
    Case("4711").note("two")
    assert [note["text"] for note in Case("4711").notes] == ["one", "two"]


def test_many_notes_at_once_are_all_kept(work):
    case = Case("4711")
    threads = [threading.Thread(target=case.note, args=(str(n),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {note["text"] for note in case.notes} == {str(n) for n in range(20)}


def test_a_damaged_key_is_said(work):
    (Case("4711").folder / "key").write_bytes(b"short")
    with pytest.raises(LogError, match="key of the case '4711' is damaged"):
        Case("4711")


@pytest.mark.parametrize("ending", [".jsonl", ".har"])
def test_an_export_reads_back_equal_to_the_aliased_rows(work, ending):
    case = Case("4711")
    case.add([GOOD])
    path = export(case.evidence, work / f"out{ending}", key=case)
    assert list(read(path)) == aliased([GOOD], case)
    assert aliased([GOOD], case) == aliased([GOOD], case.key) != [GOOD]
    assert case.key not in path.read_bytes()


@pytest.mark.parametrize("ending", [".jsonl", ".har"])
def test_people_stay_only_on_explicit_wish(tmp_path, ending):
    assert list(read(export(GOOD, tmp_path / f"out{ending}", keep_people=True))) == [GOOD]


def test_an_aliased_curl_command_reads_back_as_the_aliased_request(tmp_path):
    (shown,) = aliased([GOOD], b"key")
    text = export(GOOD, tmp_path / "out.sh", key=b"key").read_text()
    assert "Anna" not in text
    back = read(text)[0]
    assert (back.method, back.url, back.request_body, dict(back.request_headers)) == (
        shown.method, shown.url, shown.request_body, dict(shown.request_headers),
    )  # fmt: skip


def test_without_a_key_nobody_can_make_the_aliases_again():
    assert aliased([GOOD]) != aliased([GOOD])
    assert Aliases(b"x").exchange(aliased([GOOD])[0]) != aliased([GOOD], b"x")[0]


@pytest.mark.parametrize("keep_people", [False, True])
def test_a_secret_that_came_past_the_entry_does_not_leave(tmp_path, keep_people):
    slipped = replace(GOOD, request_body='{"api_token": "5c1e9a7b3d2f4e68"}')
    with pytest.raises(LeakError):
        export(slipped, tmp_path / "out.jsonl", keep_people=keep_people)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_wrong_use(tmp_path):
    with pytest.raises(WrongUseError, match=r"\.jsonl, \.har, \.sh"):
        export(GOOD, tmp_path / "out.xlsx")
