"""
What never ends, fills the memory or is far too many.

It is bounded, listed with a reason, and costs nothing else.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sinchtools import scan
from sinchtools.core.errors import MissingInputError, WrongUseError
from sinchtools.evidence import files as sources
from sinchtools.evidence import pieces, read, reading, unpacking
from sinchtools.evidence.formats import jsonl
from tests.support.evidence import zipped

ROW = json.dumps(
    {
        "id": "row-1",
        "method": "POST",
        "url": "https://us.sms.api.sinch.com/xms/v1/p1/batches",
        "status": 400,
    }
)
BATCHES = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"

unix = pytest.mark.skipif(os.name == "nt", reason="there are no such files on Windows")


# --- special files --------------------------------------------------------------------------------


def fifo(folder: Any) -> Any:
    os.mkfifo(folder / "pipe.jsonl")
    return folder / "pipe.jsonl"


def listening(folder: Any) -> Any:
    path = folder / "socket.jsonl"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def link(target: Any) -> Any:
    def made(folder: Any) -> Any:
        (folder / "link.jsonl").symlink_to(target)
        return folder / "link.jsonl"

    return made


SPECIAL = {
    "fifo": fifo,
    "socket": listening,
    "zero": lambda _: Path("/dev/zero"),
    "urandom": lambda _: Path("/dev/urandom"),
    "null": lambda _: Path("/dev/null"),
    "full": lambda _: Path("/dev/full"),
    "tty": lambda _: Path("/dev/tty"),
    "link-to-zero": link("/dev/zero"),
    "link-to-urandom": link("/dev/urandom"),
    "link-to-null": link("/dev/null"),
}
special = pytest.mark.parametrize(
    "make", [pytest.param(make, id=name) for name, make in SPECIAL.items()]
)


@unix
@special
def test_a_special_file_is_listed_and_not_read(tmp_path: Path, make: Any) -> None:
    (skipped,) = read(make(tmp_path)).skipped
    assert skipped.reason == sources.SPECIAL


@unix
@special
def test_a_special_file_is_listed_when_its_path_is_text(tmp_path: Path, make: Any) -> None:
    evidence = read(str(make(tmp_path)))
    assert [skipped.reason for skipped in evidence.skipped] == [sources.SPECIAL]


@unix
@special
def test_a_scan_of_a_special_file_is_refused(tmp_path: Path, make: Any) -> None:
    with pytest.raises(WrongUseError, match="only regular files are read"):
        scan(make(tmp_path))


@unix
@special
def test_an_at_name_of_a_special_file_stays_as_written(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path)
    for folder, name in ((path.parent, path.name), (Path("/"), str(path))):
        evidence = read(f"curl {BATCHES} --data-binary @{name}", files=folder)
        assert evidence[0].request_body == f"@{name}"
        assert "not in the folder given" in evidence.warnings[0].reason


@unix
@pytest.mark.parametrize("pattern", ["", "*", "**/*", "*.jsonl"])
def test_special_files_in_a_folder_or_glob_cost_only_themselves(
    tmp_path: Path, pattern: str
) -> None:
    fifo(tmp_path)
    listening(tmp_path)
    link("/dev/zero")(tmp_path)
    (tmp_path / "row.jsonl").write_text(ROW)
    evidence = read(tmp_path / pattern if pattern else tmp_path)
    assert [x.id for x in evidence] == ["row-1"]
    assert [skipped.reason for skipped in evidence.skipped] == [sources.SPECIAL] * 3


@unix
def test_a_glob_of_a_scan_with_a_special_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "row.jsonl").write_text(ROW)
    fifo(tmp_path)
    with pytest.raises(WrongUseError, match="only regular files"):
        scan(tmp_path / "*.jsonl")


PROC = [
    "kmsg",
    "self/mem",
    "self/environ",
    "self/maps",
    "self/pagemap",
    "self/clear_refs",
    "kcore",
    "kpagecount",
    "interrupts",
    "self/smaps",
]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no /proc")
@pytest.mark.parametrize("name", PROC)
def test_a_file_of_the_kernel_never_ends_and_is_never_read(name: str) -> None:
    path = Path("/proc") / name
    if not path.exists():
        pytest.skip("not there")
    try:
        (skipped,) = read(path).skipped
        assert skipped.reason == "empty" or "larger than" in skipped.reason
    except MissingInputError as error:
        assert "cannot be read" in str(error)


@unix
@pytest.mark.parametrize(
    "given",
    ["/dev/zero", *(pytest.param(f, marks=pytest.mark.long) for f in ("/dev/stdin", "/dev/fd/0"))],
)
def test_the_command_line_refuses_a_special_file(given: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sinchtools", "read", given],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "only regular files are read" in done.stdout


def test_a_file_that_grows_while_it_is_read_is_read_as_long_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(ROW + "\n")
    fstat = os.fstat

    def grown(handle: Any) -> Any:
        found = fstat(handle)
        with path.open("a") as file:
            file.write("x" * 1_000)
        return found

    monkeypatch.setattr(os, "fstat", grown)
    assert sources.bytes_of(path, 10_000) == ((ROW + "\n").encode(), "")


def out_of_memory(*_: Any, **__: Any) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("place", "name"),
    [
        pytest.param(sources, "bytes_of", id="reading"),
        pytest.param(unpacking, "decoded", id="decoding"),
        pytest.param(unpacking, "_parts_unpacked", id="gzip"),
        pytest.param(unpacking, "_member", id="zip"),
        pytest.param(reading, "Piece", id="piece"),
        pytest.param(reading, "format_of", id="sniffing"),
        pytest.param(pieces, "loaded", id="json"),
        pytest.param(jsonl, "_parsed", id="lines"),
        pytest.param(jsonl, "exchange_of", id="rows"),
        pytest.param(reading._Reading, "cleaned", id="redaction"),
    ],
)
def test_what_does_not_fit_into_memory_is_a_skipped_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    (tmp_path / "a.jsonl").write_text(f"[{ROW}]" if name == "loaded" else f"{ROW}\n{ROW}\n")
    (tmp_path / "b.gz").write_bytes(gzip.compress(ROW.encode()))
    (tmp_path / "c.zip").write_bytes(zipped({"row.jsonl": ROW}))
    monkeypatch.setattr(place, name, out_of_memory)
    evidence = read(tmp_path)
    assert unpacking.TOO_LARGE in {skipped.reason for skipped in evidence.skipped}


# --- far too many ---------------------------------------------------------------------------------


def nested(levels: Any, content: Any = b"{}") -> Any:
    for _ in range(levels):
        content = zipped({"inner.zip": content, "row.jsonl": "{}\n" * 20})
    return content


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a small input passes."""
    monkeypatch.setattr(pieces, "MOST_VALUES", 1_000)
    monkeypatch.setattr(reading._Reading, "__init__", _with_room(reading._Reading.__init__, 50))
    monkeypatch.setattr(reading, "MOST_ROWS", 20)
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 10)
    monkeypatch.setattr(unpacking, "MOST_PARTS", 10)
    monkeypatch.setattr(sources, "MOST_FILES", 5)


def _with_room(made: Any, room: Any) -> Any:
    def with_room(self: Any, **given: Any) -> None:
        made(self, **given)
        self.room = room

    return with_room


EMPTY_LINES = "nothing\n" * 100
TOO_MANY = {
    "list-of-empty-objects": ("[" + "{}," * 100 + "{}]", "pieces without HTTP data"),
    "lines-of-empty-objects": ("{}\n" * 100, "pieces without HTTP data"),
    "lines-without-http": (('{"level": "info", "msg": "x"}\n' * 100), "pieces without HTTP data"),
    "lines-of-broken-json": ("{\n{}\n" * 100, "pieces without HTTP data"),
    "records": ('{"records": [' + '{"a": 1},' * 100 + "{}]}", "pieces without HTTP data"),
    "entries-of-a-har": (
        '{"log": {"version": "1.2", "entries": [' + "{}," * 100 + "{}]}}",
        "pieces without HTTP data",
    ),
    "requests-without-url": (
        '{"info": {}, "item": [' + '{"request": {}},' * 100 + '{"request": {}}]}',
        "pieces without HTTP data",
    ),
    "access-log": (
        '1.1.1.1 - - [01/Jan/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1\n' + EMPTY_LINES,
        "pieces without HTTP data",
    ),
    "table": ("method,url,status\nGET,/x,200\n" + ",,\n" * 100, "pieces without HTTP data"),
    "logfmt": ("method=GET path=/x status=200\n" + "a=1 b=2\n" * 100, "pieces without HTTP data"),
    "commands": ("curl -X POST -d x\n" * 100, "pieces without HTTP data"),
    "rows": ('{"status":200,"method":"GET","url":"/"}\n' * 30, "exchanges: the rest"),
    "values-of-a-list": ("[" + "[]," * 2_000 + "[]]", "values: split it"),
    "values-of-objects": ("{" + '"a":{},' * 2_000 + '"b":0}', "values: split it"),
    "values-of-a-line": ('{"a": 1}\n{"b": [' + "1," * 2_000 + "1]}\n" + ROW, "values: split it"),
    "lines": (
        '1.1.1.1 - - [01/Jan/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1\n' + "\n" * 2_000,
        "lines: the rest",
    ),
    "members-of-a-zip": (zipped({f"{i}.txt": "x" for i in range(30)}), "files in one archive"),
    "members-in-members": (
        nested(3, zipped({f"{i}.txt": "x" for i in range(30)})),
        "files in one archive",
    ),
    "list-of-a-zip": (zipped({f"{i}.txt": "" for i in range(300)}), "files in one archive"),
    "parts-of-a-gzip-file": (gzip.compress(b"") * 30, "parts in one gzip file"),
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_far_too_many_of_a_kind_are_cut_short_and_listed_with_what_to_do(
    small: Any, name: str
) -> None:
    source, reason = TOO_MANY[name]
    reasons = [skipped.reason for skipped in read(source).skipped]
    (said,) = {one for one in reasons if reason in one}
    assert "st.scan" in said or "unpack it first" in said


@pytest.mark.parametrize("name", TOO_MANY)
def test_no_small_input_is_cut_short(name: str) -> None:
    source, reason = TOO_MANY[name]
    assert not [skipped for skipped in read(source).skipped if reason in skipped.reason]


def test_more_files_than_are_read_are_listed(small: Any, tmp_path: Path) -> None:
    for i in range(8):
        (tmp_path / f"{i}.jsonl").write_text(ROW)
    for place in (tmp_path, tmp_path / "*.jsonl"):
        evidence = read(place)
        assert len(evidence) == 5
        assert "more than 5 files" in evidence.skipped[-1].reason


def test_what_is_skipped_is_bounded_over_all_files_of_a_reading(small: Any) -> None:
    evidence = read(["{}\n" * 30, "{}\n" * 30, ROW])
    assert [x.id for x in evidence] == ["row-1"]
    assert sum(skipped.count for skipped in evidence.skipped) == 51


def test_a_har_of_too_many_values_is_read_entry_by_entry(small: Any) -> None:
    entry = {"request": {"method": "GET", "url": "/x"}, "response": {"status": 200}}
    har = json.dumps({"log": {"version": "1.2", "entries": [entry | {"pad": [0] * 500}] * 5}})
    evidence = read(har)
    assert len(evidence) == 5
    assert "one by one" in evidence.warnings[0].reason


def test_a_member_that_says_it_is_small_is_held_to_the_bound_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacking, "LARGEST", 1_000)
    data = bytearray(zipped({"a.jsonl": b" " * 50_000}))
    for sign, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(sign) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    (skipped,) = read(bytes(data)).skipped
    assert "unpacks to more" in skipped.reason or "damaged" in skipped.reason


def test_what_was_unpacked_for_nothing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "LARGEST", 3_000)
    monkeypatch.setattr(unpacking, "LARGEST_ARCHIVE", 15_000)
    bombs = {f"{i}.gz": gzip.compress(b" " * 6_000) for i in range(9)}
    evidence = read(zipped(bombs | {"row.jsonl": ROW}))
    assert not len(evidence)
    assert "in all" in evidence.skipped[-1].reason
