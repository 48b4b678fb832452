"""Files on this machine: written whole or not at all, opened only as plain files of their owner."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from sinchtools.core.errors import LogError, WriteError, told_path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


_scratch: ContextVar[Path | None] = ContextVar("scratch", default=None)


@contextmanager
def scratch_in(folder: Path) -> Iterator[None]:
    """Keep what is thrown away again in a folder, instead of the system's one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = _scratch.set(folder)
    try:
        yield
    finally:
        _scratch.reset(token)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is thrown away again; see `scratch_in`."""
    return tempfile.TemporaryDirectory(prefix="sinchtools-", dir=_scratch.get())


def write_atomically(path: Path, data: bytes) -> Path:
    """Write a file that stays on this machine, whole or not at all, readable by its owner only."""
    return put_all({path: data})[0]


def put_all(contents: Mapping[Path, bytes]) -> list[Path]:
    """
    Write files that belong together, all of them whole or none, readable by their owner only.

    Raises
    ------
    WriteError
        One of them cannot be written; what was there before is as it was.
    """
    waiting: dict[Path, Path] = {}
    try:
        for path, data in contents.items():
            with failing_as(path):
                _refuse_what_is_no_file(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                handle, made = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
                waiting[path] = Path(made)
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
        for path, made_whole in waiting.items():
            with failing_as(path):
                made_whole.replace(path)
    finally:
        for left in waiting.values():
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return list(contents)


def put_shared(path: Path, data: bytes, moment: float) -> Path:
    """
    Write a file that whoever can read its folder can read, whole or not at all.

    Its time is the given one, so that it does not tell when it was written.

    Raises
    ------
    WriteError
        It cannot be written, or cannot be given that time; what was there before is as it was.
    """
    with failing_as(path):
        _refuse_what_is_no_file(path)
        handle, made = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            with suppress(PermissionError):  # a network drive may have no modes
                Path(made).chmod(0o600 | path.parent.stat().st_mode & 0o044)
            os.utime(made, (moment, moment))
            Path(made).replace(path)
        finally:
            with suppress(OSError):
                Path(made).unlink(missing_ok=True)
    return path


@contextmanager
def failing_as(place: Path | str) -> Iterator[None]:
    """Turn the system's refusal to write something into our error; a closed pipe stays one."""
    try:
        yield
    except (WriteError, BrokenPipeError):
        raise
    except (OSError, ValueError) as error:
        raise WriteError(place, error) from None


@contextmanager
def opened_own(path: Path, flags: int) -> Iterator[int]:
    """
    Open a file of a case; other kernels wait until it is closed again.

    Raises
    ------
    LogError
        It is a link, no plain file or somebody else's, or to be written and has a second name.
    OSError
        It cannot be opened.
    """
    refuse_foreign(path, is_written=flags & (os.O_WRONLY | os.O_RDWR) > 0)
    handle = os.open(path, flags | _NO_LINK, 0o600)
    try:
        _refuse_state(path, os.fstat(handle), is_written=flags & (os.O_WRONLY | os.O_RDWR) > 0)
        if fcntl:
            with suppress(OSError):  # not every network drive can
                fcntl.flock(handle, fcntl.LOCK_EX if flags & os.O_WRONLY else fcntl.LOCK_SH)
        yield handle
    finally:
        os.close(handle)


def read_own(path: Path) -> bytes:
    """
    Return a file of a case whole.

    Raises
    ------
    LogError
        It is a link, no plain file or somebody else's.
    OSError
        It cannot be read.
    """
    with opened_own(path, os.O_RDONLY) as handle, os.fdopen(handle, "rb", closefd=False) as file:
        return file.read()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one kernel at a time look into a folder and write there, where the system has locks."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def append(path: Path, data: bytes) -> None:
    """
    Append data to a file of a case, all of it or none; several kernels may do so at once.

    Raises
    ------
    WriteError
        The disk is full, or the file cannot be written; it is as it was.
    LogError
        It is a link or no plain file, or somebody else's.
    """
    with failing_as(path), opened_own(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as handle:
        before = os.fstat(handle).st_size
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(handle, left) :]
        except OSError:
            if os.fstat(handle).st_size == before + len(data) - len(
                left
            ):  # nobody else wrote behind it
                os.ftruncate(handle, before)
            raise


def blank(path: Path, start: int, end: int) -> None:
    """
    Overwrite a part of a file with spaces: it is gone, and every other part stays where it is.

    Line ends stay, so that lines keep their numbers.
    """
    with failing_as(path), opened_own(path, os.O_RDWR) as handle:
        gone = os.pread(handle, end - start, start)
        os.pwrite(handle, bytes(byte if byte == 0x0A else 0x20 for byte in gone), start)


def refuse_foreign(path: Path, *, is_written: bool = False, is_folder: bool = False) -> None:
    """
    Refuse a part of a case that is a link, a device or somebody else's; what is missing passes.

    Raises
    ------
    LogError
        It is not used.
    """
    with suppress(FileNotFoundError):
        _refuse_state(path, path.lstat(), is_written=is_written, is_folder=is_folder)


def refuse_open(folder: Path, *, is_ours: bool) -> None:
    """
    Close a folder of ours in which others may write, or refuse it: they could take files out of it.

    Raises
    ------
    LogError
        Others may write there, and it is not ours to close.
    """
    state = folder.stat()
    if os.name == "nt" or not state.st_mode & 0o077:
        return
    is_closable = is_ours and state.st_uid == os.geteuid() and not state.st_mode & stat.S_ISVTX
    if is_closable:
        with suppress(OSError):
            folder.chmod(0o700)
            return
    mode = stat.S_IMODE(state.st_mode)
    if mode & 0o022:
        raise LogError(
            f"Others may write in the folder {told_path(folder)} (mode {mode:o}), "
            "and numbers of people would be in it.",
            hint=f"Run: chmod 700 {folder}, or use a folder of your own (SINCHTOOLS_HOME).",
        )


def _refuse_state(
    path: Path, state: os.stat_result, *, is_written: bool, is_folder: bool = False
) -> None:
    is_right = stat.S_ISDIR(state.st_mode) if is_folder else stat.S_ISREG(state.st_mode)
    if not is_right:
        what = (
            "is a link"
            if stat.S_ISLNK(state.st_mode)
            else f"is not a {'folder' if is_folder else 'regular file'}"
        )
    elif os.name != "nt" and state.st_uid != os.geteuid():
        what = "belongs to another user"
    elif is_written and not is_folder and state.st_nlink > 1:
        what = "has a second name somewhere else, which would change with it"
    else:
        return
    hint = "Read what others put together as evidence, or copy it to a folder of your own."
    raise LogError(f"{told_path(path)} {what}, and is not used.", hint=hint)


def _refuse_what_is_no_file(path: Path) -> None:
    """Refuse a folder, a link, and a device such as ``/dev/null``: a file would take its place."""
    if path.is_symlink():
        raise OSError(0, "it is a link")
    if path.is_dir():
        raise OSError(0, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(0, "it is not a regular file")
    if path.parent.exists() and not path.parent.is_dir():
        raise OSError(0, f"{told_path(path.parent)} is not a folder")
