"""
Keep the call log.

Durable, append-only events (intent, outcome) in SQLite are joined to one exchange per attempt.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.client.disk import disk_of
from sinchtools.core.columns import as_json, frame, from_json
from sinchtools.core.errors import AlreadySentError, LogError, told_path
from sinchtools.core.records import Exchange, visible
from sinchtools.core.settings import work_folder

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 3
_TRIGGERS = {
    "no_update": "CREATE TRIGGER no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, "
    "'the log is append-only'); END",
    "no_delete": "CREATE TRIGGER no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, "
    "'the log is append-only'); END",
}
_SENT_ONCE = "CREATE UNIQUE INDEX event_call ON event (call_id, attempt) WHERE call_id IS NOT NULL"
_SCHEMA = (
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        exchange TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('intent', 'outcome')),
        data TEXT NOT NULL,
        call_id TEXT,
        attempt INTEGER
    )""",
    _SENT_ONCE,
    *_TRIGGERS.values(),
)
# a commit writes whole pages, an event has about 1 kB; a file keeps the pages that it was made with
_PAGE_BYTES = 2048
# a checkpoint waits for the disk, a commit does not: whoever writes so many of them does it while
# the others go on
_CHECKPOINT_EVENTS = 2000
_CHECKPOINT_PAGES = 32_000  # 64 MB beside the file: SQLite's own, where that was not enough
UNKNOWN = "outcome unknown"  # the failure of an intent without an outcome
_SAID_IF_NONE = {"attempt", "failure"}  # left out, the one would be the first, the other unknown
_OUTCOME = (
    "status",
    "code",
    "text",
    "outcome",
    "response_headers",
    "response_body",
    "elapsed_ms",
    "failure",
)


class CallLog:
    """
    A log file that several kernels may write at once.

    What a call returned is in the file before the call returns.

    An attempt is written before it is sent (intent) and after (outcome); one with no outcome yet
    has a status of None and the failure ``outcome unknown``. No attempt of a call can be written
    before sending twice, whoever writes. The file survives ``kill -9`` (WAL), after `wait_for_disk`
    a power cut too, and is readable by its owner only; its triggers refuse to alter or delete rows.

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
        self.path = _resolved(Path(path) if path is not None else work_folder() / "calls.sqlite")
        self._lock = threading.Lock()
        _open.add(self)
        self._since = 0  # events up to this one are not shown
        self._beside = 0  # events written since the last checkpoint
        self._connection = self._opened()
        # nobody closes a log in a notebook
        self._close = weakref.finalize(self, self._connection.close)
        self._inode = self.path.stat().st_ino

    def intent(self, exchange: Exchange) -> None:
        """
        Write that an attempt is about to be sent.

        Raises
        ------
        AlreadySentError
            This attempt of the call is in the log: somebody has sent it, or is about to.
        LogError
            The file cannot be written, or was removed or replaced while it was open.
        """
        if not self._is_there():
            raise LogError(
                f"The call log {told_path(self.path)} was removed while it was open.",
                hint="Nothing was sent after this; open it again.",
            )
        self._write([_event(exchange, "intent", as_json(exchange), sending=True)])
        for block in tuple(_blocks):
            if block.path == self.path:
                block.ids.add(exchange.id)

    def outcome(self, exchange: Exchange) -> None:
        """Write what became of an attempt whose intent is in the log."""
        self._write([_event(exchange, "outcome", _outcome(exchange))])

    def add(self, exchanges: Iterable[Exchange]) -> None:
        """Write whole exchanges, imported ones for instance, in one transaction."""
        self._write(
            [
                event
                for x in exchanges
                for event in (_event(x, "intent", as_json(x)), _event(x, "outcome", _outcome(x)))
            ]
        )

    def attempts(self, call_ids: Iterable[str]) -> dict[str, list[Exchange]]:
        """
        Return the attempts that were written before sending, in order, by call.

        A call without any is left out.
        """
        found: dict[str, list[Exchange]] = {}
        for call_id, intent, outcome in self._read(_ATTEMPTS, (json.dumps(list(call_ids)),)):
            found.setdefault(call_id, []).append(
                from_json(_joined(json.loads(intent), outcome and json.loads(outcome)))
            )
        return found

    def __iter__(self) -> Iterator[Exchange]:
        """Yield one exchange per attempt, in the order of their intents."""
        rows: dict[str, dict[str, Any]] = {}
        for identity, kind, data in self._stream(
            f"SELECT exchange, kind, data FROM event WHERE seq > {self._since} ORDER BY seq"
        ):
            if kind == "intent":
                rows[identity] = _joined(json.loads(data), None)
            elif identity in rows:
                rows[identity] |= json.loads(data)
        return (from_json(row) for row in rows.values())

    def __len__(self) -> int:
        return int(
            self._read("SELECT count(DISTINCT exchange) FROM event WHERE kind = 'intent'")[0][0]
        )

    @property
    def version(self) -> int:
        """Number of the newest event: a view made at another version is out of date."""
        return int(self._read("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def frame(self) -> pd.DataFrame:
        """
        Return one row per attempt with the columns of `columns.COLUMNS`.

        The rows are in the order of their intents.
        """
        return frame(self)

    def verify(self) -> list[str]:
        """
        Return what is wrong with the file, a sentence each; an empty list means that it is intact.

        What SQLite's own check finds; triggers, indexes, tables and views that a call log does not
        have, or lacks.
        """
        found = [
            f"SQLite: {row[0]}" for row in self._read("PRAGMA integrity_check") if row[0] != "ok"
        ]
        return [*found, *_foreign_parts(self._read("SELECT type, name, sql FROM sqlite_master"))]

    def wait_for_disk(self) -> None:
        """
        Make each event wait until it is on disk, from now on.

        Then even a power cut does not lose what was sent to people.
        """
        self._read("PRAGMA synchronous = FULL")

    @property
    def identity(self) -> int:
        """
        A number of its own.

        A log that is deleted and made anew at the same place is another one.
        """
        return int(self._read("PRAGMA application_id")[0][0])

    def close(self) -> None:
        """Close the file; a closed log cannot be used again."""
        self._close()
        _open.discard(self)

    def __enter__(self) -> CallLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        try:
            return visible(f"<CallLog {self.path}: {len(self)} exchanges>")
        except LogError:  # it is closed or damaged
            return visible(f"<CallLog {self.path}: cannot be read>")

    def _is_there(self) -> bool:
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def _opened(self) -> sqlite3.Connection:
        with contextlib.ExitStack() as on_failure:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                connection = sqlite3.connect(
                    self.path, timeout=30, isolation_level=None, check_same_thread=False
                )
                on_failure.callback(connection.close)
                self._set_up(connection)
                self._prepare(connection)
            except (OSError, sqlite3.Error) as error:
                said = getattr(error, "strerror", None) or error
                raise LogError(
                    f"The call log {told_path(self.path)} cannot be opened: {said}.",
                    hint="Give another file, or set SINCHTOOLS_HOME to a folder that you may "
                    "write to.",
                ) from None
            on_failure.pop_all()
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        with contextlib.suppress(PermissionError):  # it is somebody else's
            # by its name: to open and close it would drop SQLite's locks in this process
            self.path.chmod(self.path.stat().st_mode & 0o700)
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        if disk_of(self.path.parent).network:  # WAL shares memory, which may not work there
            with contextlib.suppress(sqlite3.OperationalError):  # open elsewhere: its mode stays
                connection.execute("PRAGMA journal_mode = DELETE")
        else:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")  # two kernels may open a new file at once
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            connection.execute("ROLLBACK")
            raise LogError(
                f"The call log {told_path(self.path)} was written by another version of "
                f"sinchtools (schema {version}, and not {SCHEMA_VERSION}).",
                hint="Use that version, or move the file away: a new one is made.",
            )
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        if ("event" in tables) != (version > 0) or (version == 0 and tables):
            connection.execute("ROLLBACK")
            raise LogError(
                f"{told_path(self.path)} is a database, and no call log.", hint="Give another file."
            )
        for statement in _SCHEMA if version == 0 else ():
            connection.execute(statement)
        if not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.execute(f"PRAGMA application_id = {secrets.randbits(30) + 1}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")

    def _write(self, events: list[tuple[Any, ...]]) -> None:
        try:
            with self._lock:
                self._insert(events)
                self._beside += len(events)
                is_full = self._beside >= _CHECKPOINT_EVENTS
                if is_full:
                    self._beside = 0
        except sqlite3.IntegrityError:
            raise AlreadySentError(
                "This attempt is in the call log already: it was sent, or is about to be.",
                hint="Nothing is sent twice; look at its row in the log.",
            ) from None
        except sqlite3.Error as error:
            raise LogError(
                f"The call log {told_path(self.path)} cannot be written: {error}.",
                hint="Nothing was sent after this; free the disk or give another file.",
            ) from None
        if is_full:
            self._checkpoint()

    def _checkpoint(self) -> None:
        """
        Move what SQLite keeps beside the file into the file.

        A separate connection does not block writers. If it fails, the next one catches up.
        """
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(self.path)) as connection,
        ):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _insert(self, events: list[tuple[Any, ...]]) -> None:
        if len(events) == 1:
            self._check(self._connection.execute(_INSERT, events[0]), 1)
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._check(self._connection.executemany(_INSERT, events), len(events))
            self._connection.execute("COMMIT")
        except BaseException:  # an interrupt too: an open transaction would hide every later intent
            self._connection.rollback()
            raise

    @staticmethod
    def _check(done: sqlite3.Cursor, events: int) -> None:
        """Raise when a foreign trigger swallowed a row: what is not in the log must not be sent."""
        if 0 <= done.rowcount != events:
            raise sqlite3.DatabaseError("rows do not arrive in it; see its verify()")

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._readable(), self._lock:
            return self._connection.execute(query, values).fetchall()

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows on a connection of its own, so that a long read holds up no writer."""
        with (
            self._readable(),
            contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection,
        ):
            yield from connection.execute(query)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LogError(
                f"The call log {told_path(self.path)} cannot be read: {error}.",
                hint="Run its verify() on a copy.",
            ) from None


class Recording(CallLog):
    """
    A call log that shows what this process wrote to the file between `begin` and `end`.

    Attributes
    ----------
    ids
        The exchanges that it shows.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__(path)
        self.ids: set[str] = set()
        self._since = self.version

    def begin(self) -> None:
        """Show what is written from now on."""
        _blocks.append(self)

    def end(self) -> None:
        """Show nothing that is written later."""
        _blocks.remove(self)

    def __iter__(self) -> Iterator[Exchange]:
        """Yield one exchange per attempt of this block, in the order of their intents."""
        return (exchange for exchange in super().__iter__() if exchange.id in self.ids)

    def __len__(self) -> int:
        return len(self.ids)


_blocks: list[Recording] = []  # that were begun; compared by identity, and a log has no other
_open: weakref.WeakSet[CallLog] = weakref.WeakSet()


def _resolved(path: Path) -> Path:
    try:
        found = path.resolve()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found.stat()
    except (OSError, ValueError):
        found = None
    if found is None:  # raised here, where no error that holds the whole name is its context
        hint = "Give another file, or set SINCHTOOLS_HOME to a folder that you may write to."
        raise LogError(f"The call log {told_path(path)} cannot be opened.", hint=hint)
    return found


def is_open(path: Path) -> bool:
    """
    Tell whether a file belongs to a log that is open in this process.

    Opening and closing it separately would drop the locks that SQLite has on it.
    """
    whole = path.with_name(path.name.removesuffix("-shm").removesuffix("-wal")).resolve()
    return any(log.path == whole for log in list(_open))


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_INSERT = "INSERT INTO event (exchange, kind, data, call_id, attempt) VALUES (?, ?, ?, ?, ?)"
# an outcome follows its intent closely: no index on exchanges is worth its writing
_ATTEMPTS = """SELECT i.call_id, i.data, (
        SELECT o.data FROM event o
            WHERE o.seq > i.seq AND o.exchange = i.exchange AND o.kind = 'outcome'
            ORDER BY o.seq LIMIT 1
    ) FROM event i WHERE i.call_id IN (SELECT value FROM json_each(?)) ORDER BY i.attempt"""


_OWN_PARTS = {  # kind and name: the statement that made it, without white space
    (kind, name): "".join(sql.split())
    for kind, name, sql in (
        ("table", "event", _SCHEMA[0]),
        ("index", "event_call", _SENT_ONCE),
        *(("trigger", name, sql) for name, sql in _TRIGGERS.items()),
    )
}
_OF_SQLITE = {("table", "sqlite_sequence"), ("table", "sqlite_stat1")}
_WHEN_MISSING = {
    ("index", "event_call"): "an attempt could be sent twice",
    **{("trigger", name): "rows could be altered" for name in _TRIGGERS},
}


def _foreign_parts(parts: list[tuple[Any, ...]]) -> Iterator[str]:
    """Yield what a file has beside the parts of a call log, or lacks of them."""
    there = {(kind, name): "".join(str(sql).split()) for kind, name, sql in parts}
    for (kind, name), why in sorted(_WHEN_MISSING.items()):
        if (kind, name) not in there:
            yield f"The {kind} {name} is missing: {why}."
    for (kind, name), sql in there.items():
        if (kind, name) not in _OF_SQLITE and _OWN_PARTS.get((kind, name)) != sql:
            yield (
                f"The {kind} {name!r} is not a part of a call log: rows could be altered, "
                f"hidden or lost."
            )


def _event(
    exchange: Exchange, kind: str, row: dict[str, Any], *, sending: bool = False
) -> tuple[Any, ...]:
    told = {
        name: value for name, value in row.items() if value is not None or name in _SAID_IF_NONE
    }
    data = _ENCODE(told).encode("utf-8", "replace").decode("utf-8")
    call = (exchange.call_id, exchange.attempt) if sending and exchange.call_id else (None, None)
    return exchange.id, kind, data, *call


def _outcome(exchange: Exchange) -> dict[str, Any]:
    return as_json(exchange, _OUTCOME)


def _joined(intent: dict[str, Any], outcome: dict[str, Any] | None) -> dict[str, Any]:
    return {**intent, **(outcome or {"failure": UNKNOWN})}
