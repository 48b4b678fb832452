"""Texts out of bytes: archives and compressed files unpacked, characters decoded."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sinchtools.evidence import fiddler, mitmproxy, refusals

LARGEST = 512 * 2**20  # bytes of one text, also unpacked: more is for `scan`
LARGEST_ARCHIVE = 1024 * 2**20  # bytes unpacked from one archive in all
MOST_MEMBERS = 10_000  # files of one archive, archives within it included
MOST_PARTS = 100_000  # of one gzip, bzip2 or xz file
BIG = 100 * 2**20
TOO_LARGE = "more than this machine's memory: st.scan reads files of any size"
CAPSULE = {"capsule.json", "exchanges.jsonl"}
IGNORED = {
    *(".pyc", ".png", ".jpg", ".jpeg", ".gif", ".pdf"),
    *(".sqlite", ".sqlite-wal", ".sqlite-shm", ".parquet"),
}
_FIRST_STEP, _LAST_STEP = 2**9, 2**20  # bytes of packed data that are unpacked at once
_XZ_MEMORY = 256 * 2**20  # a file may ask for 4 GB
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_PADDING = re.compile(rb"\0*+")


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
        b"\x1f\x8b", "gzip", ((".tgz", ".tar"), (".gz", "")), lambda: zlib.decompressobj(wbits=31)
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


def larger_than(most: int) -> str:
    """Return why a text is too large to be read."""
    return f"larger than {most // 2**20} MB: st.scan reads files of any size"


def texts_of(data: bytes, name: str) -> Iterator[Opened]:
    """Yield the texts that bytes hold, unpacked where they are packed."""
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
        yield decoded(data, name)


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
    by_name = {member.filename: member for member in members}
    if by_name.keys() >= CAPSULE:  # a report's capsule: all but the rows is for people
        members = [by_name["exchanges.jsonl"]]
    elif refused := refusals.of_members(set(by_name)):
        yield Opened(name, refused=refused)
        return
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
        if Path(path).suffix.lower() in IGNORED or "__MACOSX" in path:
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


def decoded(data: bytes, name: str) -> Opened:
    """Return bytes as text, with the encoding that they are in."""
    warning = ""
    if len(data) > BIG:
        size = len(data) // 2**20
        warning = (
            f"{size} MB were read into memory; st.scan is the better way for files of this size"
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
    if flows := mitmproxy.text_of(data):
        return Opened(name, flows, warning=warning)
    try:
        return Opened(name, data.decode("utf-8"), warning=warning)
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    if _mostly_utf8(data, text):
        return Opened(name, text, warning=warning or "some bytes are not UTF-8 and were replaced")
    if text.count("\ufffd") * 5 > len(text):
        return Opened(name, refused=refusals.of_bytes(data))
    return Opened(
        name,
        data.decode("cp1252", "replace"),
        warning=warning or "it is not UTF-8 and was read as Windows-1252",
    )


def _mostly_utf8(data: bytes, text: str) -> bool:
    high = len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]", data))
    return high > text.count("\ufffd")
