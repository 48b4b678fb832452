"""What was let out to people, and through which log: a message goes out once, whatever its headers are and whoever sends it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from sinchtools.calllog import CallLog
from sinchtools.errors import AlreadySentError, LogError
from sinchtools.hazards import was_refused
from sinchtools.settings import work_folder

_SCHEMA = """CREATE TABLE IF NOT EXISTS claim (
    message TEXT NOT NULL, call_id TEXT NOT NULL, log INTEGER NOT NULL, path TEXT NOT NULL, PRIMARY KEY (message, call_id)
) WITHOUT ROWID"""
_OF_MESSAGES = "SELECT message, call_id, log, path FROM claim WHERE message IN (SELECT value FROM json_each(?))"


def claim(message: str, call_id: str, log: CallLog) -> None:
    """
    Take a message for a call of a log, before it is sent; in the work folder's ``sent.sqlite`` stand digests and paths, and nobody's number.

    Raises
    ------
    AlreadySentError
        Another log has it, or another call of this one that was not refused.
    LogError
        The work folder cannot be written.
    """
    with _claims() as connection:
        connection.execute("BEGIN IMMEDIATE")
        if reason := _taken(connection, {call_id: message}, log).get(call_id):
            raise AlreadySentError(f"Held back: {reason}.", hint="To send it all the same, give it another client_reference.")
        connection.execute("INSERT OR IGNORE INTO claim VALUES (?, ?, ?, ?)", (message, call_id, log.identity, str(log.path)))
        connection.execute("COMMIT")


def claimed(messages: Mapping[str, str], log: CallLog) -> dict[str, str]:
    """Return, of calls and their messages, those that this log must not send, and why in words."""
    if not _file().exists():
        return {}
    with _claims() as connection:
        return _taken(connection, messages, log)


def _taken(connection: sqlite3.Connection, messages: Mapping[str, str], log: CallLog) -> dict[str, str]:
    earlier: dict[str, list[tuple[str, int, str]]] = {}
    for message, *one in connection.execute(_OF_MESSAGES, (json.dumps([*messages.values()]),)):
        earlier.setdefault(message, []).append((one[0], one[1], one[2]))
    reasons = ((call_id, _reason(call_id, earlier.get(message, []), log)) for call_id, message in messages.items())
    return {call_id: reason for call_id, reason in reasons if reason}


def _reason(call_id: str, earlier: list[tuple[str, int, str]], log: CallLog) -> str:
    for other, owner, path in earlier:
        if owner != log.identity or (path != str(log.path) and Path(path).exists()):
            return f"it was given to another log, {path}" + " (which is gone)" * (not Path(path).exists())
        past = log.attempts([other]).get(other, [])
        if other != call_id and not (past and was_refused(past[-1])):
            return "the same request went out, with other headers or spaces: its row in the log says what became of it"
    return ""


def _file() -> Path:
    return work_folder() / "sent.sqlite"


@contextlib.contextmanager
def _claims() -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(_file(), timeout=30, isolation_level=None)) as connection:
            connection.execute(_SCHEMA)
            _file().chmod(0o600)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise LogError(
            f"What was sent before cannot be looked up in {str(_file())!r}: {error}.",
            hint="Nothing was sent after this; free the disk, or set SINCHTOOLS_HOME to a folder that you may write to.",
        ) from None
