"""The call log: durable, append-only events (intent, outcome) in SQLite, joined to one exchange per attempt."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.errors import LogError
from sinchtools.records import Exchange
from sinchtools.settings import work_folder
from sinchtools.tables import as_json, frame, from_json

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
_SCHEMA = (
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        exchange TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('intent', 'outcome')),
        data TEXT NOT NULL,
        digest BLOB NOT NULL
    )""",
    "CREATE INDEX event_exchange ON event (exchange)",
    "CREATE TRIGGER no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    "CREATE TRIGGER no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_OUTCOME = ("status", "code", "text", "outcome", "response_headers", "response_body", "response_body_base64", "elapsed_ms", "failure")


class CallLog:
    """
    A log file that several kernels may write at once; what a call returned is on disk before the call returns.

    An attempt is written before it is sent (intent) and after (outcome); one with no outcome yet has a status of None and the
    failure ``outcome unknown``. The file survives ``kill -9`` (WAL) and is readable by its owner only.

    Parameters
    ----------
    path
        Any file; made when missing. None is ``calls.sqlite`` in the work folder.

    Raises
    ------
    LogError
        The file cannot be made, written or read, or is no call log.

    Examples
    --------
    >>> import tempfile
    >>> log = CallLog(tempfile.mkdtemp() + "/calls.sqlite")
    >>> log.add([Exchange(id="a1", method="GET", url="/batches", status=200)])
    >>> len(log), log.frame()["outcome"].tolist()
    (1, ['success'])
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else work_folder() / "calls.sqlite"
        self._lock = threading.Lock()
        self._connection = self._opened()

    def intent(self, exchange: Exchange) -> None:
        """Write that an attempt is about to be sent."""
        self._write([_event(exchange, "intent", as_json(exchange))])

    def outcome(self, exchange: Exchange) -> None:
        """Write what became of an attempt whose intent is in the log."""
        self._write([_event(exchange, "outcome", _outcome(exchange))])

    def add(self, exchanges: Iterable[Exchange]) -> None:
        """Write whole exchanges, imported ones for instance, in one transaction."""
        self._write([event for x in exchanges for event in (_event(x, "intent", as_json(x)), _event(x, "outcome", _outcome(x)))])

    def __iter__(self) -> Iterator[Exchange]:
        """Yield one exchange per attempt, in the order of their intents."""
        rows: dict[str, dict[str, Any]] = {}
        for identity, kind, data in self._read("SELECT exchange, kind, data FROM event ORDER BY seq"):
            if kind == "intent":
                rows[identity] = {**json.loads(data), "failure": "outcome unknown"}
            elif identity in rows:
                rows[identity] |= json.loads(data)
        return (from_json(row) for row in rows.values())

    def __len__(self) -> int:
        return int(self._read("SELECT count(*) FROM event WHERE kind = 'intent'")[0][0])

    @property
    def version(self) -> int:
        """Number of the newest event: a view made at another version is out of date."""
        return int(self._read("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def frame(self) -> pd.DataFrame:
        """Return one row per attempt with the columns of `tables.COLUMNS`, in the order of their intents."""
        return frame(self)

    def verify(self) -> list[str]:
        """Return what is wrong with the file, a sentence each; an empty list means that it is intact."""
        found = [f"SQLite: {row[0]}" for row in self._read("PRAGMA integrity_check") if row[0] != "ok"]
        for seq, identity, kind, data, digest in self._read("SELECT seq, exchange, kind, data, digest FROM event ORDER BY seq"):
            if _digest(identity, kind, data) != digest:
                found.append(f"Event {seq} ({kind} of exchange {identity}) was altered.")
        return found

    def close(self) -> None:
        """Close the file; a closed log cannot be used again."""
        self._connection.close()

    def __enter__(self) -> CallLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<CallLog {self.path}: {len(self)} exchanges>"

    def _opened(self) -> sqlite3.Connection:
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._prepare(connection)
        except (OSError, sqlite3.Error) as error:
            raise LogError(
                f"The call log {str(self.path)!r} cannot be opened: {getattr(error, 'strerror', None) or error}.",
                hint="Give another file, or set SINCHTOOLS_HOME to a folder that you may write to.",
            ) from None
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")  # two kernels may open a new file at once
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            connection.execute("ROLLBACK")
            raise LogError(f"The call log {str(self.path)!r} was written by a newer sinchtools (schema {version}).", hint="Update sinchtools.")
        if version == 0:
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")

    def _write(self, events: list[tuple[str, str, str, bytes]]) -> None:
        try:
            with self._lock:
                if len(events) == 1:
                    self._connection.execute(_INSERT, events[0])
                    return
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    self._connection.executemany(_INSERT, events)
                    self._connection.execute("COMMIT")
                except sqlite3.Error:
                    self._connection.rollback()
                    raise
        except sqlite3.Error as error:
            raise LogError(
                f"The call log {str(self.path)!r} cannot be written: {error}.",
                hint="Nothing was sent after this; free the disk or give another file.",
            ) from None

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            raise LogError(f"The call log {str(self.path)!r} cannot be read: {error}.", hint="Run its verify() on a copy.") from None


_INSERT = "INSERT INTO event (exchange, kind, data, digest) VALUES (?, ?, ?, ?)"


def _event(exchange: Exchange, kind: str, row: dict[str, Any]) -> tuple[str, str, str, bytes]:
    data = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    return exchange.id, kind, data, _digest(exchange.id, kind, data)


def _outcome(exchange: Exchange) -> dict[str, Any]:
    row = as_json(exchange)
    return {name: row[name] for name in _OUTCOME if name in row}


def _digest(identity: str, kind: str, data: str) -> bytes:
    return hashlib.blake2b("\0".join((identity, kind, data)).encode(), digest_size=16).digest()
