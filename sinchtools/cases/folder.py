"""
The folder of a case: its key and its files, which only grow.

Several kernels may write at once.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sinchtools.cases.lines import Lines, digests_of, event_of, read_on, row_of, unquoted
from sinchtools.cases.same_ids import Row, told_apart
from sinchtools.core.errors import LogError, told_path
from sinchtools.core.files import append, opened_own, refuse_foreign, refuse_open, write_atomically
from sinchtools.core.records import Exchange
from sinchtools.evidence.exports import to_jsonl
from sinchtools.privacy import seen
from sinchtools.privacy.redaction import Redactor

EVIDENCE, HISTORY, CHARTS = "evidence.jsonl", "history.jsonl", "charts"
SEEN = "seen.jsonl"  # digests of the secrets that were removed
LOG = "calls.sqlite"
KEY_BYTES = 32
_LOG_FILES = (LOG, f"{LOG}-wal", f"{LOG}-shm", f"{LOG}-journal")


class Folder:
    """
    The files of one case, readable by its owner only.

    Attributes
    ----------
    path
        Where it is; made when it is missing.
    key
        What its aliases are made with.

    Raises
    ------
    LogError
        The folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for made in (path, path / CHARTS):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.refuse_foreign()
            self.key = self._opened_key()
        except (OSError, ValueError) as error:
            hint = "Give another folder, or set SINCHTOOLS_HOME to one that you may write to."
            reason = getattr(error, "strerror", None) or "its name cannot be used"
            raise LogError(
                f"The case folder {told_path(path)} cannot be used: {reason}.", hint=hint
            ) from None
        self._kept: dict[str, Lines] = {}  # by file: what was read of it
        self._n_removed = 0
        self._told: tuple[tuple[int, ...], dict[str, Row]] = ((0, 0, 0), {})
        self.learn()

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.path.name.removeprefix("case-")

    @property
    def rows(self) -> dict[str, Row]:
        """The rows of evidence by their ids, without what this process knows to be secret."""
        self.learn()
        state = (self.size(EVIDENCE), seen.count(), len(self.removed))
        if self._told[0] != state:
            redactor = Redactor()
            rows = [unquoted(one, redactor) for one in self.lines(EVIDENCE).all]
            self._told = (state, told_apart(rows))  # two kernels may have brought the same row in
        return self._told[1]

    def redactor(self) -> Redactor:
        """Return a redactor that knows every secret of this case."""
        self.learn()
        return Redactor()

    def learn(self) -> None:
        """Know the secrets that were removed, from their digests."""
        for kept in self.lines(SEEN).all:
            seen.learn(kept)

    def keep(self, kept: Iterable[seen.Digest]) -> None:
        """Keep the digests of removed secrets that are not there yet."""
        there = {digest for line in self.lines(SEEN).all for digest in line}
        if new := set(kept) - there:
            self.append(SEEN, seen.as_lines(new))

    @property
    def removed(self) -> list[list[int]]:
        """Where evidence was that was overwritten."""
        return [event["span"] for event in self.history("removed")]

    def history(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, the oldest first."""
        return [event for event in self.lines(HISTORY).all if event["kind"] == kind]

    def remember(self, kind: str, known: Iterable[dict[str, Any]], **event: Any) -> None:
        """Keep an event, unless one that is known already says as much."""
        event = json.loads(json.dumps(event).encode("utf-8", "replace"))
        if not any(event.items() <= old.items() for old in known):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self.append(
                HISTORY,
                json.dumps({"kind": kind, "at": at, **event}, ensure_ascii=False) + "\n",
            )

    def append(self, name: str, lines: str) -> None:
        """Write lines at the end of a file."""
        self.size(name)  # says when the folder is gone
        # a line that was cut off before it stays alone
        append(self.path / name, ("\n" + lines).encode("utf-8", "replace"))

    def add_rows(self, rows: list[Exchange]) -> list[int]:
        """Write rows, and return where they are; what was just written is not read again."""
        text = to_jsonl(rows)
        kept, start = self.lines(EVIDENCE), self.size(EVIDENCE)
        self.append(EVIDENCE, text)
        end = self.size(EVIDENCE)
        is_plain = text.isascii() or text.encode("utf-8", "replace").decode() == text
        if is_plain and not kept.open_values and kept.whole == start:
            self._kept[EVIDENCE] = kept.with_written(map(Row, rows), end)
        return [start, end]

    def lines(self, name: str) -> Lines:
        """Return what a file holds; read on only when it has grown."""
        kept = self._kept.get(name, Lines())
        if name == EVIDENCE and self._n_removed != len(self.removed):
            kept, self._n_removed = Lines(), len(self.removed)  # the size does not tell
        if kept.size != self.size(name):
            made = (
                digests_of
                if name == SEEN
                else self._reader(row_of if name == EVIDENCE else event_of)
            )
            kept = self._kept[name] = read_on(self.path / name, kept, made)
        return kept

    def _reader(self, made: Callable[[Any, Redactor], Any]) -> Callable[[Any], Any]:
        redactor = self.redactor()
        return lambda value: made(value, redactor)

    def size(self, name: str) -> int:
        """Return the size of a file, 0 without it; an error says when the folder is gone."""
        found = self._stat(name)
        return found.st_size if found else 0

    def changed_ns(self, name: str) -> int:
        """Return when a file or folder was changed, in nanoseconds; 0 without it."""
        found = self._stat(name)
        return found.st_mtime_ns if found else 0

    def _stat(self, name: str) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return (self.path / name).lstat()
        if not self.path.is_dir():
            raise self.gone()
        return None

    def gone(self) -> LogError:
        """Return the error that says that the folder is gone."""
        return LogError(
            f"The folder of the case {told_path(self.name)} is gone: {told_path(self.path)}.",
            hint="Put it back where it was, or start again: run the cell that opens the case.",
        )

    def refuse_foreign(self) -> None:
        """Refuse a folder that others can write in, or in which a name links to another file."""
        refuse_foreign(self.path / CHARTS, is_folder=True)
        for name in (EVIDENCE, HISTORY, SEEN, "key", *_LOG_FILES):
            refuse_foreign(self.path / name, is_written=name in _LOG_FILES)
        is_ours = any((self.path / name).exists() for name in ("key", EVIDENCE))
        refuse_open(self.path, is_ours=is_ours or self.path.name.startswith("case-"))

    def _opened_key(self) -> bytes:
        path = self.path / "key"
        if not os.path.lexists(path):
            made = write_atomically(
                self.path / f".key-{secrets.token_hex(8)}", secrets.token_bytes(KEY_BYTES)
            )
            with suppress(FileExistsError):  # another kernel was first: its key is the key
                os.link(made, path)  # whole or not at all
            made.unlink()
        with opened_own(path, os.O_RDONLY) as handle:
            key = os.read(handle, KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            hint = "Make a new case; aliases of this one cannot be made again."
            raise LogError(f"The key of the case {told_path(self.name)} is damaged.", hint=hint)
        return key
