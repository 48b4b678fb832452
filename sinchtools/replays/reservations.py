"""
Keep which messages were taken for a send, and through which log; the ledger asks it.

A message goes out once, whatever its headers are and whoever sends it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sinchtools.client.log import CallLog
from sinchtools.core.errors import LogError, told_path
from sinchtools.core.records import Exchange
from sinchtools.core.settings import work_folder
from sinchtools.replays.guards import was_refused

_SCHEMA = """CREATE TABLE IF NOT EXISTS claim (
    message TEXT NOT NULL, call_id TEXT NOT NULL, attempts INTEGER NOT NULL,
    log INTEGER NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (message, call_id)
) WITHOUT ROWID"""
_OF_MESSAGES = (
    "SELECT message, call_id, attempts, log, path FROM claim WHERE message IN "
    "(SELECT value FROM json_each(?))"
)
_IN_BETWEEN = (
    "it was about to be sent when a kernel stopped, or this log lost its newest rows "
    "(restored, or copied without what lay beside it)"
)
_PATIENCE, _PATIENCE_S = 40, 0.05
_RESERVE = """INSERT INTO claim VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET attempts = max(attempts, excluded.attempts), path = excluded.path"""


class _Reservation(NamedTuple):
    call_id: str
    attempts: int
    log: int
    path: str


def reserve(message: str, call_id: str, attempt: int, log: CallLog) -> str:
    """
    Take a message for an attempt of a call, before it is sent; return why that cannot be.

    Another log may have it, or an earlier attempt was not surely refused. The work folder's
    ``sent.sqlite`` contains digests and paths, and no phone numbers.

    Raises
    ------
    LogError
        The work folder cannot be written.
    """
    return _patiently(lambda: _reserve(message, call_id, attempt, log)).get(call_id, "")


def reserved(messages: Mapping[str, str], log: CallLog) -> dict[str, str]:
    """Return, of calls and their messages, those that this log must not send, and why in words."""
    return _patiently(lambda: _look_up(messages, log)) if _file().exists() else {}


def _patiently(ask: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Ask again for a while: another kernel may just be writing its row."""
    found = ask()
    for _ in range(_PATIENCE):
        if _IN_BETWEEN not in found.values():
            break
        time.sleep(_PATIENCE_S)
        found = ask()
    return found


def _look_up(messages: Mapping[str, str], log: CallLog) -> dict[str, str]:
    with _reservations() as connection:
        return _refusals(connection, messages, log)


def _reserve(message: str, call_id: str, attempt: int, log: CallLog) -> dict[str, str]:
    """Return why a message cannot be taken, by its call; empty when it was."""
    with _reservations() as connection:
        connection.execute("BEGIN IMMEDIATE")
        if not (found := _refusals(connection, {call_id: message}, log)):
            connection.execute(_RESERVE, (message, call_id, attempt, log.identity, str(log.path)))
            connection.execute("COMMIT")
        return found


def _refusals(
    connection: sqlite3.Connection, messages: Mapping[str, str], log: CallLog
) -> dict[str, str]:
    earlier: dict[str, list[_Reservation]] = {}
    for message, *one in connection.execute(_OF_MESSAGES, (json.dumps([*messages.values()]),)):
        earlier.setdefault(message, []).append(_Reservation(*one))
    past = log.attempts(one.call_id for some in earlier.values() for one in some)
    found: dict[str, str] = {}
    for call_id, message in messages.items():
        for one in earlier.get(message, []):
            if reason := _reason(call_id, one, past.get(one.call_id, []), log):
                found[call_id] = reason
                break
    return found


def _reason(call_id: str, earlier: _Reservation, past: list[Exchange], log: CallLog) -> str:
    is_there = earlier.path != str(log.path) and _identity_at(earlier.path) == earlier.log
    if is_there or earlier.log != log.identity:
        gone = "" if is_there else " (which is gone)"
        return f"it was given to another log, {earlier.path}{gone}"
    if len(past) < earlier.attempts:
        return _IN_BETWEEN
    if earlier.call_id != call_id and not was_refused(past[-1]):
        return (
            "the same request went out, with other headers or spaces: its row in the log "
            "says what became of it"
        )
    return ""


def _identity_at(path: str) -> int | None:
    """
    Return the number of the log at a path.

    SQLite reads it: any other way to open and close the file would drop its locks in this process.
    """
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)
        ) as connection,
    ):
        return int(connection.execute("PRAGMA application_id").fetchone()[0])
    return None


def _file() -> Path:
    return work_folder() / "sent.sqlite"


@contextlib.contextmanager
def _reservations() -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(
            sqlite3.connect(_file(), timeout=30, isolation_level=None)
        ) as connection:
            connection.execute(_SCHEMA)
            with contextlib.suppress(PermissionError):  # it is somebody else's
                _file().chmod(0o600)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise LogError(
            f"What was sent before cannot be looked up in {told_path(_file())}: {error}.",
            hint="Nothing was sent after this; free the disk, or set SINCHTOOLS_HOME to a "
            "folder that you may write to.",
        ) from None
