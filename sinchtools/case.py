"""A case on disk: evidence, replays, steps and notes in one folder, with the key of its aliases; and the door through which rows leave."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sinchtools.aliases import Aliases
from sinchtools.calllog import CallLog
from sinchtools.errors import LogError, WrongUseError
from sinchtools.exporters import to_curl, to_har, to_jsonl
from sinchtools.importers import Evidence, read
from sinchtools.leaks import Known, put, write
from sinchtools.playbook import Walk
from sinchtools.records import Exchange
from sinchtools.redact import Redactor
from sinchtools.replay import Replayed
from sinchtools.settings import work_folder
from sinchtools.tables import from_json

_WRITERS: dict[str, Callable[[list[Exchange]], str]] = {
    ".jsonl": to_jsonl,
    ".har": to_har,
    ".sh": lambda exchanges: "".join(f"{to_curl(exchange)}\n" for exchange in exchanges),
}
_KEY_BYTES = 32


class Case:
    """
    One support case: all that is known of it lies in one folder, readable by its owner only; deleting the folder deletes all.

    Parameters
    ----------
    folder
        A folder, or a name such as ``4711``: then it is ``case-4711`` in the work folder. Made when missing, else opened again.

    Attributes
    ----------
    folder
        Where it lies: ``evidence.jsonl``, ``calls.sqlite``, ``history.jsonl``, ``charts``, and ``key``, which is in no export.

    Examples
    --------
    >>> import tempfile
    >>> case = Case(tempfile.mkdtemp() + "/case-1")
    >>> case.add(read("HTTP/1.1 403 Forbidden"))
    >>> case.note("The customer says: since Monday.")
    >>> len(Case(case.folder).evidence), Case(case.folder).notes[0]["text"]
    (1, 'The customer says: since Monday.')
    """

    def __init__(self, folder: str | Path) -> None:
        is_name = isinstance(folder, str) and not {"/", "\\"} & set(folder)
        self.folder = work_folder() / f"case-{folder}" if is_name else Path(folder)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.key = self._opened_key()
        except OSError as error:
            hint = "Give another folder, or set SINCHTOOLS_HOME to one that you may write to."
            raise LogError(f"The case folder {str(self.folder)!r} cannot be used: {error.strerror}.", hint=hint) from None

    @property
    def name(self) -> str:
        """The name of the case, from its folder."""
        return self.folder.name.removeprefix("case-")

    @property
    def evidence(self) -> Evidence:
        """What was brought in, in order."""
        path = self.folder / "evidence.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        return Evidence(tuple(from_json(json.loads(line)) for line in lines if line))

    @property
    def notes(self) -> list[dict[str, Any]]:
        """The notes: text and time."""
        return self._history("note")

    @property
    def walks(self) -> list[dict[str, Any]]:
        """The walks through tips: exchange, title, transcript, how it ended."""
        return self._history("walk")

    @property
    def replays(self) -> list[dict[str, Any]]:
        """The replays: ids, what was answered before and now, verdict and reasons, target."""
        return [result for event in self._history("replay") for result in event["results"]]

    @property
    def read_at(self) -> datetime | None:
        """When evidence was last brought in: the moment that dates without a context are held against."""
        times = [event["at"] for event in self._history("evidence")]
        return datetime.fromisoformat(times[-1]) if times else None

    @cached_property
    def log(self) -> CallLog:
        """The case's own call log: give it to `connect`, `plan` or `replay`."""
        return CallLog(self.folder / "calls.sqlite")

    @property
    def charts(self) -> Path:
        """The folder for charts of this case."""
        path = self.folder / "charts"
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    @property
    def version(self) -> int:
        """A number that grows with every change, also by another kernel: a view made at another version is out of date."""
        path = self.folder / "history.jsonl"
        return (path.read_bytes().count(b"\n") if path.exists() else 0) + self.log.version

    def add(self, evidence: Exchange | Iterable[Exchange] | str | Path) -> None:
        """Bring evidence in, or a path or text to read it from; a row that is there already is not taken twice."""
        found = read(evidence) if isinstance(evidence, str | Path) else [evidence] if isinstance(evidence, Exchange) else list(evidence)
        before = self.evidence
        known = {exchange.id for exchange in before}
        new = [exchange for exchange in found if exchange.id not in known]
        put(self.folder / "evidence.jsonl", to_jsonl([*before, *new]).encode("utf-8", "replace"))
        self._remember("evidence", rows=len(new))

    def note(self, text: str) -> None:
        """Keep a sentence; a secret in it becomes its marker."""
        self._remember("note", text=Redactor().text(text))

    def add_walk(self, walk: Walk) -> None:
        """Keep the transcript of a walk through tips."""
        label = " ".join(str(part) for part in (walk.playbook.status, walk.playbook.code) if part is not None)
        exchange = walk.exchange.id if walk.exchange else None
        self._remember("walk", exchange=exchange, label=label, title=walk.playbook.title, transcript=walk.transcript, ended=walk.ended)

    def add_replay(self, replayed: Replayed) -> None:
        """Keep the results of a replay."""
        self._remember("replay", results=replay_rows(replayed))

    def __repr__(self) -> str:
        return f"<Case {self.name}: {len(self.evidence)} exchanges, {len(self.replays)} replays, {len(self.walks)} walks, {len(self.notes)} notes>"

    def _opened_key(self) -> bytes:
        path = self.folder / "key"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
        except FileExistsError:
            pass
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise LogError(f"The key of the case {self.name!r} is damaged.", hint="Make a new case; aliases of this one cannot be made again.")
        return key

    def _remember(self, kind: str, **event: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = "\n" + json.dumps({"kind": kind, "at": at, **event}, ensure_ascii=False) + "\n"  # a line that was cut off stays alone
        with os.fdopen(os.open(self.folder / "history.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(line.encode("utf-8", "replace"))

    def _history(self, kind: str) -> list[dict[str, Any]]:
        path = self.folder / "history.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        return [event for event in _events(lines) if event["kind"] == kind]


def export(exchanges: Exchange | Iterable[Exchange], path: str | Path, *, key: bytes | Case | None = None, keep_people: bool = False) -> Path:
    """
    Write exchanges as ``.jsonl``, ``.har`` or bash commands (``.sh``), people as aliases, through the leak gate.

    Parameters
    ----------
    key
        The case, or its key: the same key gives the same aliases. None takes one that nobody keeps.
    keep_people
        Leave numbers and texts as they are; secrets never leave.

    Raises
    ------
    LeakError
        The file would hold a secret, or a person known to the exchanges; nothing is written.
    WrongUseError
        The ending of the path is none of the three.
    """
    path, rows = Path(path), [exchanges] if isinstance(exchanges, Exchange) else list(exchanges)
    if path.suffix.lower() not in _WRITERS:
        raise WrongUseError(f"Exchanges cannot be written as {path.suffix or 'a file without an ending'!r}.", hint=f"Use {', '.join(_WRITERS)}.")
    shown = rows if keep_people else aliased(rows, key)
    return write(path, _WRITERS[path.suffix.lower()](shown).encode("utf-8", "replace"), Known() if keep_people else Known.of(rows))


def aliased(exchanges: Iterable[Exchange], key: bytes | Case | None = None) -> list[Exchange]:
    """Return the exchanges with people as the aliases of a case, or of a key; None takes one that nobody keeps."""
    aliases = Aliases(key.key if isinstance(key, Case) else key or secrets.token_bytes(_KEY_BYTES))
    return [aliases.exchange(exchange) for exchange in exchanges]


def replay_rows(replayed: Replayed) -> list[dict[str, Any]]:
    """Return what a case keeps of a replay."""

    def answer(exchange: Exchange | None) -> str:
        parts = (exchange.status, exchange.code) if exchange else ()
        return " ".join(str(part) for part in parts if part is not None) or (exchange.failure if exchange else None) or "no answer"

    return [
        {
            **result.as_json(), "was": answer(result.original), "now": answer(result.child) if result.child else "not sent",
            "endpoint": result.original.endpoint, "target": replayed.target,
        }
        for result in replayed
    ]  # fmt: skip


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # half a line: another kernel is writing it, or was killed
        if isinstance(event, dict) and "kind" in event:
            yield event
