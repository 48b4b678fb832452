"""
Open a file, folder, glob, archive or paste, and return text.

Reading is bounded, and never follows what the names inside an archive point at.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sinchtools.client.log import is_open
from sinchtools.core.errors import MissingInputError
from sinchtools.evidence import fiddler, refusals

LARGEST = 512 * 2**20  # bytes of one text, also unpacked: more is for `scan`
LARGEST_ARCHIVE = 1024 * 2**20  # bytes unpacked from one archive in all
MOST_MEMBERS = 10_000  # files of one archive, archives within it included
MOST_PARTS = 100_000  # of one gzip, bzip2 or xz file
MOST_FILES = 100_000  # of one folder or glob
BIG = 100 * 2**20
TOO_LARGE = "more than this machine's memory holds: st.scan reads files of any size"
SPECIAL = (
    "a device, a pipe or a socket: only regular files are read; save it to a file, or "
    "pipe it into sinchtools read -"
)
CAPSULE = {"capsule.json", "exchanges.jsonl"}
_IGNORED = {
    ".pyc",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".pdf",
    ".sqlite",
    ".sqlite-wal",
    ".sqlite-shm",
    ".parquet",
}
_DEEPEST = 100  # folders of a pattern: a text with more is no path
_READ_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FIRST_STEP, _LAST_STEP = 2**9, 2**20  # bytes of packed data that are unpacked at once
_XZ_MEMORY = 256 * 2**20  # a file may ask for 4 GB
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_PADDING = re.compile(rb"\0*+")
_NO_PATH = re.compile(
    r"[\n<>|\"{}=$;]|://|^\s*$|^(?:curl|HTTP|Invoke-\w+)\b|^[a-z]+(?:_[a-z]+)+$|^\d{3}$"
    r"|^eyJ[\w-]+\.|\.[a-z]{1,4}:\d+:|\w: \w"
)
_PATH_WITH_SPACES = re.compile(r"^(?:~?/|\.{1,2}[/\\]|[A-Za-z]:[/\\])|\.[A-Za-z]\w{0,6}(?:\.gz)?$")


@dataclass(frozen=True, slots=True)
class Opened:
    """One text that was opened, or the reason why it was not."""

    name: str
    text: str = ""
    refused: str = ""
    warning: str = ""
    at: str = ""


class _Packing(NamedTuple):
    """How a file of one packed stream is known, and what unpacks it."""

    mark: bytes
    called: str
    suffixes: tuple[tuple[str, str], ...]
    unpacker: Callable[[], Any]


# that a stream begins so, its name, what its file name becomes, and what unpacks it
_PACKINGS = (
    _Packing(
        b"\x1f\x8b",
        "gzip",
        ((".tgz", ".tar"), (".gz", "")),
        lambda: zlib.decompressobj(wbits=31),
    ),
    _Packing(b"BZh", "bzip2", ((".tbz2", ".tar"), (".bz2", "")), bz2.BZ2Decompressor),
    _Packing(
        b"\xfd7zXZ\0",
        "xz",
        ((".txz", ".tar"), (".xz", "")),
        lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY),
    ),
)


@dataclass(slots=True)
class _Left:
    """What may still be unpacked from one archive."""

    size: int
    members: int

    @property
    def allowed(self) -> int:
        """How large the next text may be."""
        return max(0, min(LARGEST, self.size))


def bytes_of(path: Path, most: int) -> tuple[bytes, str]:
    """
    Return what is in a regular file, or in words why it was not read.

    Opening a pipe or a device never waits.

    Raises
    ------
    OSError
        The file cannot be opened or read.
    """
    if is_special(path):  # some devices do something as soon as they are opened
        return b"", SPECIAL
    with open(os.open(path, _READ_AT_ONCE), "rb") as file:  # noqa: PTH123  # of a handle
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return b"", SPECIAL
        if found.st_size > most:
            return b"", _larger(most)
        return file.read(
            found.st_size
        ), ""  # no more: what has no size, as in /proc, may have no end


def _larger(most: int) -> str:
    return f"larger than {most // 2**20} MB: st.scan reads files of any size"


def has_an_end(path: Path) -> bool:
    """
    Tell whether a file is a regular one whose size is known.

    Others, as in /proc, may never end.
    """
    try:
        with os.fdopen(os.open(path, _READ_AT_ONCE), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            return stat.S_ISREG(found.st_mode) and (found.st_size > 0 or file.read(1) == b"")
    except OSError:
        return False


def is_special(path: Path) -> bool:
    """Tell whether a path is there and is neither a regular file nor a folder."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def opened(source: str | Path | bytes | bytearray, name: str) -> Iterator[Opened]:
    """
    Yield each text in a path, folder, glob, paste or bytes; `name` is what a paste is called.

    Raises
    ------
    MissingInputError
        A path does not exist or cannot be read.
    """
    if isinstance(source, bytes | bytearray):
        yield from (
            [Opened(name, refused=_larger(LARGEST))]
            if len(source) > LARGEST
            else _texts(bytes(source), name)
        )
    elif isinstance(source, str) and (path := path_of(source)) is None:
        yield Opened(name, source.removeprefix("\ufeff"))
    else:
        yield from _files(path if isinstance(source, str) else source)  # type: ignore[arg-type]


def _files(path: Path) -> Iterator[Opened]:
    paths = _paths(path)
    root = paths[0][1]
    if paths[0] == (path, path):
        yield from _file(path, path.name)
        return
    for file, _ in paths[:MOST_FILES]:
        name = file.relative_to(root).as_posix() if root in file.parents else file.name
        try:
            yield from _file(file, name)
        except MissingInputError:
            yield Opened(name, refused="it cannot be read")
    if len(paths) > MOST_FILES:
        yield Opened(
            path.name,
            refused=f"more than {MOST_FILES:,} files: the rest was not read; give a narrower "
            f"folder or pattern",
        )


def files_of(source: object) -> list[Path]:
    """
    Return the files that a path, folder or glob names.

    Return None if there are none, or if it is pasted text.
    """
    path = (
        source if isinstance(source, Path) else path_of(source) if isinstance(source, str) else None
    )
    try:
        return [file for file, _ in _paths(path)] if path else []
    except MissingInputError:
        return []


def path_of(text: str) -> Path | None:
    """
    Return the path that a string means, or None when it is pasted text.

    Examples
    --------
    >>> path_of("curl http://localhost") is None
    True
    """
    if len(text) > 4096 or "\0" in text:
        return None
    path = Path(text).expanduser() if text.startswith("~/") else Path(text)
    try:
        if text.strip() and (path.exists() or ("\n" not in text and _matches(text))):
            return path
    except (OSError, ValueError):
        return None
    spaced = " " in text.strip() and not _PATH_WITH_SPACES.search(text)
    return None if spaced or _NO_PATH.search(text) else path


def _paths(path: Path) -> list[tuple[Path, Path]]:
    found = _listed(path)
    if found is None:
        raise MissingInputError(path, "cannot be read")
    if found:
        return found
    matches = [file for file in _matches(str(path)) if file.is_file() or is_special(file)]
    if not matches:
        raise MissingInputError(
            path, "holds no file that could be read" if path.is_dir() else "does not exist"
        )
    return [(file, file.parent) for file in matches]


def _listed(path: Path) -> list[tuple[Path, Path]] | None:
    """
    Return what a path is or contains; nothing if it is not a path.

    Return None if it cannot be read.
    """
    try:
        if path.is_dir():
            files = sorted(islice(filter(_is_evidence, path.rglob("*")), MOST_FILES + 1))
            return [(file, path) for file in files]
        return [(path, path)] if path.exists() else []
    except (OSError, ValueError):
        return None


def _is_evidence(file: Path) -> bool:
    if file.suffix.lower() in _IGNORED or file.name.startswith("."):
        return False
    return file.is_file() or is_special(file)


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if not re.search(r"[*?\[]", pattern) or not 0 < len(path.parts) - bool(path.anchor) < _DEEPEST:
        return []
    try:
        return sorted(
            islice(Path(path.anchor).glob(str(path.relative_to(path.anchor))), MOST_FILES + 1)
        )
    except (OSError, ValueError, NotImplementedError, re.error):
        return []


def _file(path: Path, name: str) -> Iterator[Opened]:
    if path.suffix.lower() == ".sqlite" or is_open(
        path
    ):  # not even opened: closing it would drop the locks that SQLite holds on it in this process
        yield Opened(name, refused="a database: a call log is read by st.CallLog or sinchtools log")
        return
    try:
        data, refused = bytes_of(path, LARGEST)
    except MemoryError:
        data, refused = b"", TOO_LARGE
    except OSError:
        data, refused = None, ""
    if data is None:
        raise MissingInputError(path, "cannot be read")
    if refused:
        yield Opened(name, refused=refused)
    else:
        yield from _texts(data, name)


def _texts(data: bytes, name: str) -> Iterator[Opened]:
    try:
        yield from _unpacked(data, name, _Left(LARGEST_ARCHIVE, MOST_MEMBERS))
    except MemoryError:
        yield Opened(name, refused=TOO_LARGE)


def _unpacked(data: bytes, name: str, left: _Left, depth: int = 0) -> Iterator[Opened]:
    if depth > 3:
        yield Opened(name, refused="an archive within archives, nested too deeply")
    elif packing := next((one for one in _PACKINGS if data.startswith(one.mark)), None):
        yield from _of_stream(data, name, packing, left, depth)
    elif data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _unzipped(data, name, left, depth)
    elif data.startswith(_TAR_MARK, _TAR_MARK_AT):
        yield from _untarred(data, name, left, depth)
    else:
        yield _decoded(data, name)


def _of_stream(
    data: bytes, name: str, packing: _Packing, left: _Left, depth: int
) -> Iterator[Opened]:
    made, allowed = bytearray(), left.allowed
    refused = _parts_unpacked(memoryview(data), made, allowed, packing)
    left.size -= len(made)
    if made and len(made) <= allowed:
        yield from _unpacked(bytes(made), _without_suffix(name, packing), left, depth + 1)
    if refused:
        yield Opened(name, refused=refused)


def _without_suffix(name: str, packing: _Packing) -> str:
    for suffix, inner in packing.suffixes:
        if name.endswith(suffix):
            return name.removesuffix(suffix) + inner
    return name


def _parts_unpacked(rest: memoryview, made: bytearray, allowed: int, packing: _Packing) -> str:
    """
    Add what a packed file of one or more parts unpacks to.

    Return in words what of it was not read.
    """
    parts = 0
    while rest:
        parts += 1
        if parts > MOST_PARTS:
            return (
                f"more than {MOST_PARTS:,} parts in one {packing.called} file: the rest was not "
                f"read; unpack it first"
            )
        try:
            used, is_whole = _one_part(rest, made, allowed, packing.unpacker())
        except (zlib.error, lzma.LZMAError, OSError, EOFError):
            return f"damaged {packing.called} data: what came before the damage was read"
        if len(made) > allowed:
            return f"unpacks to more than {allowed // 2**20} MB: st.scan reads files of any size"
        if not is_whole:
            return f"the {packing.called} data breaks off: what came before was read"
        rest = rest[used:]
        rest = rest[_PADDING.match(rest).end() :]  # type: ignore[union-attr]
    return ""


def _one_part(packed: memoryview, made: bytearray, allowed: int, unpacker: Any) -> tuple[int, bool]:
    """
    Add what the first part unpacks to.

    Return how many bytes it took, and whether it is whole.
    """
    at, step = 0, _FIRST_STEP
    while at < len(packed) and not unpacker.eof and len(made) <= allowed:
        given = packed[at : at + step]
        made += unpacker.decompress(given, allowed + 1 - len(made))
        at += len(given)
        step = min(2 * step, _LAST_STEP)
    return at - len(unpacker.unused_data), unpacker.eof


def _unzipped(data: bytes, name: str, left: _Left, depth: int) -> Iterator[Opened]:
    if data.count(b"PK\x01\x02") > 20 * MOST_MEMBERS:  # the list alone would take long to read
        yield Opened(
            name, refused=f"more than {20 * MOST_MEMBERS:,} files in one archive: unpack it first"
        )
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        yield Opened(name, refused="a damaged zip archive")
        return
    if CAPSULE.issubset(
        member.filename for member in members
    ):  # a report's capsule: all but the rows is for people
        members = [member for member in members if member.filename == "exchanges.jsonl"]
    if refused := refusals.of_members({member.filename for member in members}):
        yield Opened(name, refused=refused)
        return
    by_name = {member.filename: member for member in members}
    if fiddler.is_archive(by_name):
        yield from _sessions(archive, by_name, name, left)
    else:
        listed = ((one.filename, partial(_member, archive, one, left)) for one in members)
        yield from _members(listed, name, left, depth)


def _untarred(data: bytes, name: str, left: _Left, depth: int) -> Iterator[Opened]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="replace") as archive:
            listed = (
                (one.name, partial(_tar_member, archive, one, left))
                for one in archive
                if one.isreg()
            )
            yield from _members(listed, name, left, depth)
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError):
        yield Opened(name, refused="a damaged tar archive: what came before the damage was read")


def _members(
    members: Iterator[tuple[str, Callable[[], tuple[bytes, str]]]],
    name: str,
    left: _Left,
    depth: int,
) -> Iterator[Opened]:
    """Yield what the files of an archive hold; each is given by its name and how it is unpacked."""
    for path, unpack in members:
        left.members -= 1
        if left.members < 0:
            yield Opened(name, refused=_too_many_members())
            return
        if Path(path).suffix.lower() in _IGNORED or "__MACOSX" in path:
            continue
        inner = f"{name}/{PurePosixPath(path.replace(chr(92), '/')).name[:80]}"
        content, refused = unpack()
        if refused:
            yield Opened(inner, refused=refused)
        else:
            yield from _unpacked(content, inner, left, depth + 1)


def _too_many_members() -> str:
    return (
        f"more than {MOST_MEMBERS:,} files in one archive: the rest was not read; unpack it first"
    )


def _sessions(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, left: _Left
) -> Iterator[Opened]:
    """Yield the request and the response of each session of a Fiddler archive as one text."""
    for session in fiddler.sessions(members):
        left.members -= len(session.members)
        if left.members < 0:
            yield Opened(name, refused=_too_many_members())
            return
        parts = [_member(archive, members[path], left) for path in session.members]
        refused = next((why for _, why in parts if why), "")
        text = "" if refused else fiddler.text_of([content for content, _ in parts])
        at = "" if refused else fiddler.time_of([content for content, _ in parts])
        yield Opened(f"{name}/{session.number}", text, refused=refused, at=at)


def _tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, left: _Left
) -> tuple[bytes, str]:
    allowed = left.allowed
    if member.size > allowed:
        return b"", f"unpacks to more than {allowed // 2**20} MB in all: unpack it first"
    file = archive.extractfile(member)
    content = file.read(allowed + 1) if file else b""
    left.size -= len(content)
    return content, "" if len(content) == member.size else "damaged: it cannot be unpacked"


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: _Left) -> tuple[bytes, str]:
    if member.flag_bits & 1:
        return b"", "encrypted: unpack it first"
    allowed = left.allowed
    too_large = f"unpacks to more than {allowed // 2**20} MB in all: unpack it first"
    if member.file_size > allowed:
        return b"", too_large
    try:
        with archive.open(member) as file:
            content = file.read(allowed + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        NotImplementedError,
        OSError,
        EOFError,
        RuntimeError,
    ):
        return b"", "damaged: it cannot be unpacked"
    left.size -= len(content)
    return (b"", too_large) if len(content) > allowed else (content, "")


def _decoded(data: bytes, name: str) -> Opened:
    warning = (
        f"{len(data) // 2**20} MB were read into memory; st.scan is the better way for files of "
        f"this size"
        if len(data) > BIG
        else ""
    )
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return Opened(name, data[len(mark) :].decode(encoding, "replace"), warning=warning)
    if data[:2000].count(0) * 3 > len(data[:2000]) > 1:
        if any(half.count(0) * 2 > len(half) for half in (data[1:2000:2], data[:2000:2])):
            text = data.decode("utf-16-le" if data[0] else "utf-16-be", "replace")
            if text[:200].replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
                return Opened(name, text, warning=warning)
        return Opened(name, refused=refusals.of_bytes(data))
    if sign := refusals.sign_of_bytes(data):
        return Opened(name, refused=sign)
    try:
        return Opened(name, data.decode("utf-8"), warning=warning)
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    if _mostly_utf8(data, text):
        return Opened(name, text, warning=warning or "some bytes are no UTF-8 and were replaced")
    if text.count("\ufffd") * 5 > len(text):
        return Opened(name, refused=refusals.of_bytes(data))
    return Opened(
        name,
        data.decode("cp1252", "replace"),
        warning=warning or "it is no UTF-8 and was read as Windows-1252",
    )


def _mostly_utf8(data: bytes, text: str) -> bool:
    high = len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]", data))
    return high > text.count("\ufffd")
