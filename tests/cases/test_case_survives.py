"""
What a case said it keeps is kept: through kills, six kernels at once and a full disk.

What it could not keep leaves no half behind.
"""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import export
from sinchtools.core.errors import LogError, WriteError
from tests.cases.test_case import GOOD
from tests.conftest import FULL
from tests.support.present import present

WRITER = """
import sys
from sinchtools.cases.case import Case
from sinchtools.core.records import Exchange
case, name, most = Case("4711"), sys.argv[1], int(sys.argv[2])
for n in range(most):
    case.note(f"{name}-{n}")
    print(f"note {name}-{n}", flush=True)
    own = Exchange(id=f"{name}-{n}", status=403, request_body="x" * 3000)
    case.add([own, Exchange(id="same", status=401, text=name)])
    print(f"row {name}-{n}", flush=True)
    case.log.add([Exchange(id=f"{name}-{n}-{i}", status=201) for i in range(5)])
    print(f"log {name}-{n}", flush=True)
"""


def writer(name: Any, most: Any) -> Any:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, name, str(most)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def held(case: Any) -> Any:
    notes = {f"note {note['text']}" for note in case.notes}
    rows = {f"row {row.id}" for row in case.evidence}
    return notes | rows | {f"log {row.id.rpartition('-')[0]}" for row in case.log}


@pytest.mark.long
def test_a_case_whose_writers_are_killed_loses_nothing_that_it_acknowledged(work: Path) -> None:
    rng, acknowledged, killed = random.Random(4711), set(), 0
    for turn in range(30 if FULL else 3):
        running = [writer(f"{turn}{name}", 10_000) for name in "ab"]
        running[0].stdout.readline()
        time.sleep(rng.uniform(0.0, 1.0))
        for process in running:
            process.send_signal(signal.SIGKILL)
            out, _ = process.communicate()
            killed += process.returncode == -signal.SIGKILL
            acknowledged |= set(out.split("\n")[:-1])
        with st.CallLog(work / "case-4711" / "calls.sqlite") as log:
            assert log.verify() == []
    case = Case("4711")
    assert killed == (60 if FULL else 6) and len(acknowledged) > killed
    assert acknowledged - held(case) == set()
    assert {one.reason for one in case.skipped} <= {"cut off: a kernel was stopped while it wrote"}
    case.note("and it goes on")
    assert "and it goes on" in [note["text"] for note in Case("4711").notes]


@pytest.mark.long
def test_six_kernels_on_one_case_lose_nothing(work: Path) -> None:
    each = 60 if FULL else 8
    running = [writer(name, each) for name in "abcdef"]
    outs = [process.communicate() for process in running]
    assert [err for _, err in outs] == [""] * 6
    case = Case("4711")
    assert {line for out, _ in outs for line in out.splitlines()} - held(case) == set()
    assert (len(case.notes), len(case.log), case.skipped) == (6 * each, 30 * each, ())
    ids = [row.id for row in case.evidence]
    assert len(ids) == len(set(ids)) == 6 * each + 6, "the row that all have an id for is six rows"
    same = [present(row.text) for row in case.evidence if row.id.startswith("same")]
    assert sorted(same) == list("abcdef")
    assert case.log.verify() == []


@pytest.fixture
def small_disk(work: Path) -> Iterator[Any]:
    """A work folder on a disk of 600 kB."""
    disk = work / "disk"
    disk.mkdir()
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k,mode=0700", "tmpfs", str(disk)],
            capture_output=True,
            check=False,
        ).returncode
    ):
        pytest.skip("a disk of its own cannot be mounted here: it takes root on Linux")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.long
def test_a_full_disk_loses_nothing_that_was_acknowledged(
    small_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCHTOOLS_HOME", str(small_disk))
    case = Case("4711", [GOOD])
    case.log.add([replace(GOOD, id="logged")])
    report = export(case.evidence, case.folder / "early.jsonl", key=case)
    before, kept = report.read_bytes(), ["first"]
    case.note("first")
    (small_disk / "filler").write_bytes(b"x" * 300_000)
    with pytest.raises(WriteError, match=r"No space left on device.*Free some space"):
        for n in range(100_000):
            case.note(f"{n}: {'x' * 200}")
            kept.append(f"{n}: {'x' * 200}")
    ways: dict[str, Callable[[], object]] = {
        "note": lambda: case.note("y" * 9000),
        "add": lambda: case.add(
            [replace(GOOD, id=f"row-{n}", request_body="x" * 3000) for n in range(50)]
        ),
        "export": lambda: export(
            [replace(GOOD, request_body=f"x{os.urandom(30_000).hex()}")],
            case.folder / "early.jsonl",
            keep_people=True,
        ),
        "report": lambda: st.report(case, case.folder / "report.html", parts=["change"]),
        "chart": lambda: st.charts.save(
            st.charts.error_codes(case.evidence), case.charts / "codes"
        ),
        "a new case": lambda: Case("4712", [replace(GOOD, request_body="x" * 9000)]),
    }
    for name, way in ways.items():
        with pytest.raises((WriteError, LogError), match=r"No space left|full"):
            way()
        assert not [path for path in small_disk.rglob(".*") if path.is_file()], name
    assert (
        report.read_bytes() == before
        and not (case.folder / "report.html").exists()
        and not list(case.charts.iterdir())
    )
    for one in (case, again := Case("4711")):
        assert (
            [note["text"] for note in one.notes] == kept
            and [row.id for row in one.evidence] == ["row-1"]
            and one.skipped == ()
        )
    assert [row.id for row in again.log] == ["logged"] and again.log.verify() == []
    (small_disk / "filler").unlink()
    again.note("and it goes on")
    assert Case("4711").notes[-1]["text"] == "and it goes on"


KINDS = [
    (errno.ENOSPC, "No space left on device"),
    (errno.EDQUOT, "Disk quota exceeded"),
    (errno.EIO, "Input/output error"),
    (errno.EFBIG, "File too large"),
    (errno.EROFS, "Read-only file system"),
]


@pytest.mark.parametrize("fits", [0, 1, 7, 60, 100_000])
@pytest.mark.parametrize(("number", "words"), KINDS)
def test_what_does_not_fit_is_taken_back_and_said(
    work: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, fits: int
) -> None:
    case = Case("4711", [GOOD])
    case.note("first")
    size = {path: path.stat().st_size for path in case.folder.glob("*.jsonl")}
    write, left = os.write, [fits]

    def filling(handle: Any, data: Any) -> Any:
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))
        done = write(
            handle, bytes(data)[: min(left[0], max(1, len(data) - 1))]
        )  # never in one piece
        left[0] -= done
        return done

    ways: list[Callable[[], object]] = [
        lambda: case.note("second"),
        lambda: case.add([replace(GOOD, id=f"row-{n}") for n in range(400)]),
    ]
    for way in ways:
        left[0] = fits
        monkeypatch.setattr(os, "write", filling)
        if fits == 100_000 and way is ways[0]:
            way()
            size[case.folder / "history.jsonl"] = (case.folder / "history.jsonl").stat().st_size
        else:
            with pytest.raises(WriteError, match=words):
                way()
        monkeypatch.setattr(os, "write", write)
        assert {path: path.stat().st_size for path in size} == size
    assert (Case("4711").skipped, len(case.evidence), case.notes[0]["text"]) == ((), 1, "first")
    assert len(case.add([replace(GOOD, id=f"row-{n}") for n in range(400)])) == 400


def test_what_another_kernel_wrote_behind_it_stays(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no locks, a kernel may write while another finds the disk full."""
    case = Case("4711", [GOOD])
    write = os.write

    def meanwhile(handle: Any, data: Any) -> None:
        write(handle, bytes(data)[:9])
        with (case.folder / "history.jsonl").open("ab") as file:
            file.write(
                b'\n{"kind": "note", "at": "2026-11-29T20:00:00+00:00", "text": "of another"}\n'
            )
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", meanwhile)
    with pytest.raises(WriteError):
        case.note("lost")
    monkeypatch.setattr(os, "write", write)
    assert [note["text"] for note in case.notes] == ["of another"]
