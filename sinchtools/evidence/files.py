"""
Open a file, folder, glob, archive or paste, and return text.

Reading is bounded, and never follows what the names inside an archive point at.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sinchtools.client.log import is_open
from sinchtools.core.errors import MissingInputError
from sinchtools.evidence import unpacking
from sinchtools.evidence.unpacking import IGNORED, TOO_LARGE, Opened, larger_than, texts_of

MOST_FILES = 100_000  # of one folder or glob
SPECIAL = (
    "a device, a pipe or a socket: only regular files are read; save it to a file, or "
    "pipe it into sinchtools read -"
)
_DEEPEST = 100  # folders of a pattern: a text with more is no path
_READ_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_PATH = re.compile(
    r"[\n<>|\"{}=$;]|://|^\s*$|^(?:curl|HTTP|Invoke-\w+)\b|^[a-z]+(?:_[a-z]+)+$|^\d{3}$"
    r"|^eyJ[\w-]+\.|\.[a-z]{1,4}:\d+:|\w: \w"
)
_PATH_WITH_SPACES = re.compile(r"^(?:~?/|\.{1,2}[/\\]|[A-Za-z]:[/\\])|\.[A-Za-z]\w{0,6}(?:\.gz)?$")


def bytes_of(path: Path, most: int) -> tuple[bytes, str]:
    """
    Return what is in a regular file, or in words why it was not read.

    Opening a pipe or a device never waits; a file that cannot be read raises an OSError.
    """
    if is_special(path):  # some devices do something as soon as they are opened
        return b"", SPECIAL
    with open(os.open(path, _READ_AT_ONCE), "rb") as file:  # noqa: PTH123  # of a handle
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return b"", SPECIAL
        if found.st_size > most:
            return b"", larger_than(most)
        return file.read(
            found.st_size
        ), ""  # no more: what has no size, as in /proc, may have no end


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
    """Yield each text in a path, folder, glob, paste or bytes; `name` is what a paste is called."""
    if isinstance(source, bytes | bytearray):
        if len(source) > unpacking.LARGEST:
            yield Opened(name, refused=larger_than(unpacking.LARGEST))
        else:
            yield from texts_of(bytes(source), name)
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

    The list is empty if there are none, or if it is pasted text.
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
            path, "contains no file that could be read" if path.is_dir() else "does not exist"
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
    if file.suffix.lower() in IGNORED or file.name.startswith("."):
        return False
    return file.is_file() or is_special(file)


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    below = path.parts[1:] if path.anchor else path.parts
    if not re.search(r"[*?\[]", pattern) or not 0 < len(below) < _DEEPEST:
        return []
    try:
        return sorted(
            islice(Path(path.anchor).glob(str(path.relative_to(path.anchor))), MOST_FILES + 1)
        )
    except (OSError, ValueError, NotImplementedError, re.error):
        return []


def _file(path: Path, name: str) -> Iterator[Opened]:
    # not even opened: closing it would drop the locks that SQLite holds on it in this process
    if path.suffix.lower() == ".sqlite" or is_open(path):
        yield Opened(name, refused="a database: a call log is read by st.CallLog or sinchtools log")
        return
    try:
        data, refused = bytes_of(path, unpacking.LARGEST)
    except MemoryError:
        data, refused = b"", TOO_LARGE
    except OSError:
        data, refused = None, ""
    if data is None:
        raise MissingInputError(path, "cannot be read")
    if refused:
        yield Opened(name, refused=refused)
    else:
        yield from texts_of(data, name)
