"""
A file is written whole or not at all.

A place that cannot be written is named in one sentence, and nothing is left behind.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from sinchtools.cases.exporting import export
from sinchtools.core import files
from sinchtools.core.errors import WriteError, WrongUseError
from sinchtools.terminal.cli import main
from tests.support.shell import BAD


def linked(at: Path, file: Path) -> None:
    file.write_text("mine")
    at.symlink_to(file)


posix = pytest.mark.skipif(os.name == "nt", reason="other places there")
SECRETLESS = [BAD]
PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    # what stands at the path, and what is said
    "a folder": (lambda at: at.mkdir(), "it is a folder"),
    "a folder with something in it": (lambda at: (at / "x").mkdir(parents=True), "it is a folder"),
    "a link": (lambda at: at.symlink_to(at.parent / "elsewhere"), "it is a link"),
    "a link to a file": (lambda at: linked(at, at.with_name("t")), "it is a link"),
    "a link to a device": (lambda at: at.symlink_to("/dev/full"), "it is a link"),
    "a link to itself": (lambda at: at.symlink_to(at), "it is a link"),
    "a fifo": (lambda at: os.mkfifo(at), "it is not a regular file"),
}
PATHS = {
    "in a device": ("/dev/null/x{}", "is not a folder"),
    "in a file": ("{file}/x{}", "is not a folder"),
    "below a file": ("{file}/y/x{}", "cannot be written"),
    "in /proc": ("/proc/x{}", "cannot be written"),
    "a name that is too long": ("{folder}/" + "x" * 300 + "{}", "cannot be written"),
    "a NUL in the name": ("{folder}/x\0{}", "its name cannot be used"),
    "half a character in the name": ("{folder}/x\ud800{}", "its name cannot be used"),
}
WAYS = {
    ".html": lambda path: st.report(SECRETLESS, path),
    ".zip": lambda path: st.report(SECRETLESS, path),
    ".jsonl": lambda path: export(SECRETLESS, path),
    ".har": lambda path: export(SECRETLESS, path),
    ".sh": lambda path: export(SECRETLESS, path),
    ".svg": lambda path: st.charts.save(st.charts.error_codes(SECRETLESS), path),
}


def around(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def refused(way: Callable[[Path], object], path: Path, words: str) -> None:
    with pytest.raises(WriteError, match=words) as refusal:
        way(path)
    assert isinstance(refusal.value, WrongUseError) and isinstance(refusal.value, OSError)
    assert refusal.value.hint and "Traceback" not in str(refusal.value)


@posix
@pytest.mark.parametrize("made", PLACES)
@pytest.mark.parametrize("ending", [".jsonl", ".sh"])
def test_what_is_in_the_way_is_named_and_stays(tmp_path: Path, made: str, ending: str) -> None:
    make, words = PLACES[made]
    make(tmp_path / f"x{ending}")
    before = around(tmp_path)
    refused(WAYS[ending], tmp_path / f"x{ending}", words)
    assert around(tmp_path) == before
    assert not (tmp_path / "t").exists() or (tmp_path / "t").read_text() == "mine"


@posix
@pytest.mark.parametrize("place", PATHS)
@pytest.mark.parametrize("ending", [".har", ".sh"])
def test_a_place_that_cannot_be_is_named(tmp_path: Path, place: str, ending: str) -> None:
    (tmp_path / "file").write_text("mine")
    path, words = PATHS[place]
    refused(WAYS[ending], Path(path.format(ending, file=tmp_path / "file", folder=tmp_path)), words)
    assert around(tmp_path) == {"file"} and (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file takes its first bytes, and no more."""
    made = os.fdopen

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: Any) -> None:
            self.file.close()

        def write(self, data: Any) -> None:
            self.file.write(data[:9])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", lambda *given, **named: Full(made(*given, **named)))


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("ending", WAYS)
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, full_disk: Any, ending: str, there: bool
) -> None:
    if there:
        (tmp_path / f"x{ending}").write_text("before")
    before = around(tmp_path)
    refused(WAYS[ending], tmp_path / f"x{ending}", "No space left on device.*Free some space")
    assert around(tmp_path) == before
    assert not there or (tmp_path / f"x{ending}").read_text() == "before"


def test_files_that_belong_together_are_all_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    refused(
        lambda path: st.charts.save(st.charts.error_codes(SECRETLESS), path),
        tmp_path / "x.png",
        "it is a folder",
    )
    assert around(tmp_path) == {"x.csv"}


COMMANDS = {
    "report": ("report {curl} -o {path}", ".html"),
    "capsule": ("report {curl} -o {path}", ".zip"),
    "chart": ("chart {curl} -o {path}", ""),
    "export": ("log {log} --export {path}", ".jsonl"),
}


@posix
@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("report", "/dev/null/x"),
        ("capsule", "/proc/x"),
        ("chart", "{file}/x"),
        ("chart", "/proc/x"),
        ("export", "/proc/x"),
        ("export", "{file}/x"),
    ],
)
def test_the_command_says_it_in_one_line_and_exits_2(
    work: Path, capsys: pytest.CaptureFixture[str], command: str, place: str
) -> None:
    (work / "curl.txt").write_text("curl https://us.sms.api.sinch.com/xms/v1/p1/groups/g1")
    with st.CallLog(work / "calls.sqlite") as log:
        log.add(SECRETLESS)
    words, ending = COMMANDS[command]
    path = place.format(file=work / "curl.txt") + ending
    assert (
        main(words.format(curl=work / "curl.txt", log=work / "calls.sqlite", path=path).split())
        == 2
    )
    out, err = capsys.readouterr()
    assert (out, len(err.strip().splitlines())) == ("", 1)
    assert "cannot be written" in err


STREAMS = [
    "read {curl} --json",
    "read {curl}",
    "diagnose {curl}",
    "explain 403",
    "doctor",
    "replay {curl} --json",
    "sandbox --openapi",
    "sandbox",
    "--help",
    "--version",
    "report --help",
]


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    [STREAMS[0], "--help", *(pytest.param(one, marks=pytest.mark.long) for one in STREAMS)],
)
def test_an_output_that_is_full_is_said_in_one_line(
    work: Path, command: Any, buffered: str
) -> None:
    assert said(work, f"{command} > /dev/full", buffered) == [
        "sinchtools: 'standard output' cannot be written: No space left on device. Free some "
        "space, then do it again."
    ]


@posix
@pytest.mark.parametrize(
    "command", [STREAMS[0], *(pytest.param(one, marks=pytest.mark.long) for one in STREAMS[:8])]
)
def test_an_output_that_is_closed_is_said_in_one_line(work: Path, command: Any) -> None:
    assert said(work, f"{command} >&-") == [
        "sinchtools: 'standard output' cannot be written: it is closed. Choose a place that you "
        "may write to."
    ]


def said(work: Any, command: Any, buffered: Any = "") -> list[Any]:
    """Return our lines on standard error, of a command that ends with 2 and no traceback."""
    (work / "curl.txt").write_text("curl https://us.sms.api.sinch.com/xms/v1/p1/groups/g1")
    shell = f"{sys.executable} -m sinchtools {command.format(curl=work / 'curl.txt')}"
    done = subprocess.run(
        shell,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": buffered},
    )
    assert (done.returncode, "Traceback" in done.stderr, "Exception ignored" in done.stderr) == (
        2,
        False,
        False,
    )
    return [line for line in done.stderr.splitlines() if line.startswith("sinchtools:")]


@posix
def test_messages_that_cannot_be_written_change_no_exit_code(work: Path) -> None:
    shell = f"{sys.executable} -m sinchtools nonsense 2> /dev/full"
    assert subprocess.run(shell, shell=True, capture_output=True, check=False).returncode == 2


def test_a_shared_file_without_its_time_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr("os.utime", refuses)
    with pytest.raises(WriteError):
        files.put_shared(tmp_path / "a.json", b"x", 0)
    assert list(tmp_path.iterdir()) == []
