"""Opens what was asked for, file, folder, glob, archive or paste, and gives text: bounded, and never what an archive's names point at."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sinchtools.calllog import is_open
from sinchtools.errors import MissingInputError

LARGEST = 512 * 2**20  # bytes of one text, also unpacked: more is for `scan`
LARGEST_ARCHIVE = 1024 * 2**20  # bytes unpacked from one archive in all
MOST_MEMBERS = 10_000
BIG = 100 * 2**20
CAPSULE = {"capsule.json", "exchanges.jsonl"}
_IGNORED = {".pyc", ".png", ".jpg", ".jpeg", ".gif", ".pdf", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".parquet"}
_NO_PATH = re.compile(r"[\n<>|\"{}=$;]|://|^\s*$|^(?:curl|HTTP|Invoke-\w+)\b|^[a-z]+(?:_[a-z]+)+$|^\d{3}$|^eyJ[\w-]+\.")
_PATH_WITH_SPACES = re.compile(r"^(?:~?/|\.{1,2}[/\\]|[A-Za-z]:[/\\])|\.[A-Za-z]\w{0,6}(?:\.gz)?$")


@dataclass(frozen=True, slots=True)
class Opened:
    """One text that was opened, or the reason why it was not."""

    name: str
    text: str = ""
    refused: str = ""
    warning: str = ""


def opened(source: str | Path | bytes | bytearray, name: str) -> Iterator[Opened]:
    """
    Yield each text in a path, folder, glob, paste or bytes; `name` is what a paste is called.

    Raises
    ------
    MissingInputError
        A path does not exist or cannot be read.
    """
    if isinstance(source, bytes | bytearray):
        yield from _unpacked(bytes(source), name, [LARGEST_ARCHIVE])
    elif isinstance(source, str) and (path := path_of(source)) is None:
        yield Opened(name, source.removeprefix("\ufeff"))
    else:
        paths = _paths(path if isinstance(source, str) else source)  # type: ignore[arg-type]
        root = paths[0][1]
        for file, _ in paths:
            yield from _file(file, file.relative_to(root).as_posix() if root != file and root in file.parents else file.name)


def files_of(source: object) -> list[Path]:
    """Return the files that a path, folder or glob names; none where there are none, or it is pasted text."""
    path = source if isinstance(source, Path) else path_of(source) if isinstance(source, str) else None
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
    try:
        if path.is_dir():
            files = sorted(
                file for file in path.rglob("*") if file.is_file() and file.suffix.lower() not in _IGNORED and not file.name.startswith(".")
            )
            if not files:
                raise MissingInputError(path, "holds no file that could be read")
            return [(file, path) for file in files]
        if path.exists():
            return [(path, path)]
    except (PermissionError, ValueError) as error:
        raise MissingInputError(path, "cannot be read") from error
    found = [file for file in _matches(str(path)) if file.is_file()]
    if not found:
        raise MissingInputError(path)
    return [(file, file.parent) for file in found]


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if not re.search(r"[*?\[]", pattern) or path == Path(path.anchor):
        return []
    try:
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    except (OSError, ValueError, NotImplementedError, re.error):
        return []


def _file(path: Path, name: str) -> Iterator[Opened]:
    if path.suffix.lower() == ".sqlite" or is_open(path):  # not even opened: closing it would drop the locks that SQLite holds on it in this process
        yield Opened(name, refused="a database: a call log is read by st.CallLog or sinchtools log")
        return
    try:
        if path.stat().st_size > LARGEST:
            yield Opened(name, refused=f"larger than {LARGEST // 2**20} MB: st.scan reads files of any size")
            return
        data = path.read_bytes()
    except OSError as error:
        raise MissingInputError(path, "cannot be read") from error
    yield from _unpacked(data, name, [LARGEST_ARCHIVE])


def _unpacked(data: bytes, name: str, left: list[int], depth: int = 0) -> Iterator[Opened]:
    if depth > 3:
        yield Opened(name, refused="an archive within archives, nested too deeply")
    elif data.startswith(b"\x1f\x8b"):
        unpacked, refused = _gunzipped(data, left)
        inner = name.removesuffix(".gz")
        if unpacked:
            yield from _unpacked(unpacked, inner, left, depth + 1)
        if refused:
            yield Opened(name, refused=refused)
    elif data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _unzipped(data, name, left, depth)
    else:
        yield _decoded(data, name)


def _gunzipped(data: bytes, left: list[int]) -> tuple[bytes, str]:
    parts: list[bytes] = []
    allowed = min(LARGEST, left[0])
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(data, allowed + 1)
        except zlib.error:
            return b"".join(parts), "damaged gzip data: what came before the damage was read"
        parts.append(part)
        allowed -= len(part)
        if allowed < 0:
            return b"", f"unpacks to more than {min(LARGEST, left[0]) // 2**20} MB: st.scan reads files of any size"
        if not unpacker.eof:
            return b"".join(parts), "the gzip data breaks off: what came before was read"
        data = unpacker.unused_data.lstrip(b"\0")
    left[0] -= sum(map(len, parts))
    return b"".join(parts), ""


def _unzipped(data: bytes, name: str, left: list[int], depth: int) -> Iterator[Opened]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        yield Opened(name, refused="a damaged zip archive")
        return
    if CAPSULE.issubset(member.filename for member in members):  # a report's capsule: all but the rows is for people
        members = [member for member in members if member.filename == "exchanges.jsonl"]
    for number, member in enumerate(members, start=1):
        if number > MOST_MEMBERS:
            yield Opened(name, refused=f"more than {MOST_MEMBERS} files in one archive: the rest was not read")
            return
        inner = f"{name}/{PurePosixPath(member.filename.replace(chr(92), '/')).name[:80]}"
        if Path(member.filename).suffix.lower() in _IGNORED or "__MACOSX" in member.filename:
            continue
        content, refused = _member(archive, member, min(LARGEST, left[0]))
        left[0] -= len(content)
        if refused:
            yield Opened(inner, refused=refused)
        else:
            yield from _unpacked(content, inner, left, depth + 1)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowed: int) -> tuple[bytes, str]:
    if member.flag_bits & 1:
        return b"", "encrypted: unpack it first"
    try:
        with archive.open(member) as file:
            content = file.read(allowed + 1)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError, RuntimeError):
        return b"", "damaged: it cannot be unpacked"
    return (b"", f"unpacks to more than {allowed // 2**20} MB in all: refused") if len(content) > allowed else (content, "")


def _decoded(data: bytes, name: str) -> Opened:
    warning = f"{len(data) // 2**20} MB were read into memory; st.scan is the better way for files of this size" if len(data) > BIG else ""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return Opened(name, data[len(mark) :].decode(encoding, "replace"), warning=warning)
    if data[:2000].count(0) * 3 > len(data[:2000]) > 1:
        if any(half.count(0) * 2 > len(half) for half in (data[1:2000:2], data[:2000:2])):
            text = data.decode("utf-16-le" if data[0] else "utf-16-be", "replace")
            if text[:200].replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
                return Opened(name, text, warning=warning)
        return Opened(name, refused="binary data, no text")
    try:
        return Opened(name, data.decode("utf-8"), warning=warning)
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    if _mostly_utf8(data, text):
        return Opened(name, text, warning=warning or "some bytes are no UTF-8 and were replaced")
    if text.count("\ufffd") * 5 > len(text):
        return Opened(name, refused="binary data, no text")
    return Opened(name, data.decode("cp1252", "replace"), warning=warning or "it is no UTF-8 and was read as Windows-1252")


def _mostly_utf8(data: bytes, text: str) -> bool:
    high = len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]", data))
    return high > text.count("\ufffd")
