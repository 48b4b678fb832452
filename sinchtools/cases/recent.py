"""The cases in the work folder: which was used last, and a name for a new one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sinchtools.core.settings import work_folder

PREFIX = "case-"
_FILES = ("history.jsonl", "evidence.jsonl", "key")


def recent_cases() -> list[str]:
    """Return the names of the cases in the work folder, the one used last first."""
    folders = [path for path in work_folder().glob(f"{PREFIX}*") if path.is_dir()]
    folders.sort(key=_used, reverse=True)
    return [path.name.removeprefix(PREFIX) for path in folders]


def new_name(today: datetime | None = None) -> str:
    """
    Return a name for a case without a ticket number: the date, numbered if it is taken.

    Examples
    --------
    >>> new_name(datetime(1999, 1, 31))
    '1999-01-31'
    """
    base = f"{today or datetime.now(UTC):%Y-%m-%d}"
    taken = set(recent_cases())
    names = (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def last_or_new() -> str:
    """Return the name of the case that was used last, or a new name when there is none."""
    return next(iter(recent_cases()), None) or new_name()


def _used(folder: Path) -> float:
    files = [folder / name for name in _FILES]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
