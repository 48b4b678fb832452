"""
Keep a case on disk: evidence, replays, steps and notes in one folder, with the key of its aliases.

Rows leave a case only through here.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from sinchtools.api import deliveries
from sinchtools.cases.lines import (
    Lines,
    Row,
    digests_of,
    event_of,
    read_on,
    row_of,
    sign_of,
    told_apart,
    unknown,
    unquoted,
    wrong_field,
)
from sinchtools.cases.recent import last_or_new
from sinchtools.client.log import CallLog
from sinchtools.core.columns import as_json, from_json
from sinchtools.core.errors import LogError, WrongUseError, told, told_path
from sinchtools.core.files import alone, append, blank, opened_own, put, refuse_foreign, refuse_open
from sinchtools.core.html import card
from sinchtools.core.records import Exchange, Skipped, as_dict, in_words, visible
from sinchtools.core.settings import work_folder
from sinchtools.evidence import Evidence, read
from sinchtools.evidence.exports import to_curl, to_har, to_jsonl
from sinchtools.evidence.files import files_of, path_of
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy import gate, seen
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, write
from sinchtools.privacy.redaction import Redactor, without_quotes
from sinchtools.replays.results import ReplayResults, Result

_WRITERS: dict[str, Callable[[list[Exchange]], str]] = {
    ".jsonl": to_jsonl,
    ".har": to_har,
    ".sh": lambda exchanges: "".join(f"{to_curl(exchange)}\n" for exchange in exchanges),
}
_KEY_BYTES = 32
_SEEN = "seen.jsonl"  # digests of the secrets that were removed
_LOG_FILES = ("calls.sqlite", "calls.sqlite-wal", "calls.sqlite-shm", "calls.sqlite-journal")
_SHOWN = 20
_KINDS = {
    "add": "evidence",
    "evidence": "evidence",
    "notes": "note",
    "read_at": "evidence",
    "replays": "replay",
    "walks": "walk",
}


class Reading(NamedTuple):
    """
    One piece of evidence that was read into a case.

    Attributes
    ----------
    name
        The file, or how it came.
    at
        When it was read, UTC.
    span
        Where its rows are in ``evidence.jsonl``, in bytes.
    """

    name: str
    at: datetime
    span: tuple[int, int]


class Case:
    """
    One support case: all that is known of it lies in one folder, readable by its owner only.

    Deleting the folder deletes all.

    Parameters
    ----------
    folder
        A folder, or a name or number such as ``4711``: then it is ``case-4711`` in the work folder.
        Made when missing, else opened again. None is the case that was used last.
    evidence
        What to begin with, as in `add`; a case that holds evidence goes on with that, and says so
        if this is something else.

    Attributes
    ----------
    folder
        Where it lies: ``evidence.jsonl``, ``calls.sqlite``, ``history.jsonl``, ``charts``, and
        ``key`` and ``seen.jsonl`` (digests of the secrets that were removed), which are in no
        export.

    Examples
    --------
    >>> import tempfile
    >>> case = Case(tempfile.mkdtemp() + "/case-1", "HTTP/1.1 403 Forbidden")
    >>> case.note("The customer says: since Monday.")
    >>> len(Case(case.folder).evidence), Case(case.folder).notes[0]["text"]
    (1, 'The customer says: since Monday.')
    """

    def __init__(
        self,
        folder: str | int | Path | None = None,
        evidence: Exchange | Iterable[Exchange] | str | Path | None = None,
    ) -> None:
        if folder is None:
            folder = last_or_new()
        is_name = not isinstance(folder, Path) and not {"/", "\\"} & set(str(folder))
        self.folder = work_folder() / f"case-{folder}" if is_name else Path(str(folder))
        try:
            for made in (self.folder, self.charts):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_foreign()
            self.key = self._opened_key()
        except (OSError, ValueError) as error:
            hint = "Give another folder, or set SINCHTOOLS_HOME to one that you may write to."
            reason = getattr(error, "strerror", None) or "its name cannot be used"
            raise LogError(
                f"The case folder {told_path(self.folder)} cannot be used: {reason}.", hint=hint
            ) from None
        self._kept: dict[str, Lines] = {}  # by file: what was read of it
        self._n_removed = 0
        self._told: tuple[tuple[int, ...], dict[str, Row]] = ((0, 0, 0), {})
        self._passed_over: tuple[Skipped, ...] = ()
        self._learn()
        if evidence is not None:
            self._begin(evidence)

    @property
    def name(self) -> str:
        """The name of the case, from its folder."""
        return self.folder.name.removeprefix("case-")

    @property
    def evidence(self) -> Evidence:
        """What was brought in, in order, a row once; and what could not be read or was guessed."""
        readings = self._readings
        secrets, formats = (
            sum((Counter(reading.get(name, {})) for reading in readings), Counter[str]())
            for name in ("secrets", "formats")
        )
        skipped = (
            *_listed(readings, "skipped"),
            *self._passed_over,
            *self._lines("evidence.jsonl").passed_over,
        )
        return Evidence(
            tuple(deliveries.joined(self._exchanges.values())),
            skipped,
            tuple(_listed(readings, "warnings")),
            secrets,
            formats,
        )

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """
        The lines of its files that were skipped.

        A kernel was stopped while it wrote them, or somebody else wrote them.
        """
        return tuple(
            one
            for name in ("evidence.jsonl", "history.jsonl", _SEEN)
            for one in self._lines(name).passed_over
        )

    @property
    def notes(self) -> list[dict[str, Any]]:
        """The notes: text and time; the same text once."""
        found: dict[str, dict[str, Any]] = {}
        redactor = self._redactor()
        for event in self._history("note"):
            text = redactor.unquoted(event["text"])
            found.setdefault(text, {**event, "text": text})
        return list(found.values())

    @property
    def walks(self) -> list[dict[str, Any]]:
        """
        The walks through tips: exchange, title, transcript, how it ended.

        Each walk is there once, in its last state.
        """
        return list(
            {
                (event["exchange"], event["label"], event["title"]): event
                for event in self._history("walk")
            }.values()
        )

    @property
    def replays(self) -> list[dict[str, Any]]:
        """
        The replays: IDs, responses before and now, verdict and reasons, target.

        Each is there once. One that was on hold and was sent later is not.
        """
        found: dict[Any, dict[str, Any]] = {}
        for row in (row for event in self._history("replay") for row in event["results"]):
            place = (row["parent_id"], row["target"])
            found.pop(place, None)
            found[(*place, row["id"]) if row["id"] else place] = row
        return list(found.values())

    @property
    def read_at(self) -> datetime | None:
        """
        When evidence was last brought in.

        The moment that dates without a context are held against.
        """
        times = [event["at"] for event in self._history("evidence")]
        return datetime.fromisoformat(times[-1]) if times else None

    @cached_property
    def log(self) -> CallLog:
        """The case's own call log: give it to `connect`, `plan` or `replay`."""
        self._size(
            "calls.sqlite"
        )  # says when the folder is gone: a log would make it anew, without the key
        self._refuse_foreign()
        return CallLog(self.folder / "calls.sqlite")

    @property
    def charts(self) -> Path:
        """
        The folder for charts of this case.

        Save one with ``st.charts.save(chart, case.charts / "error-codes")``.
        """
        return self.folder / "charts"

    @property
    def version(self) -> int:
        """
        A number that grows with every change, also by another kernel.

        A view made at another version is out of date.
        """
        return (
            self._size("evidence.jsonl")
            + self._size("history.jsonl")
            + self.version_of("charts")
            + self.log.version
        )

    def version_of(self, part: str) -> int:
        """
        Return the version of one attribute, such as ``evidence`` or ``replays``.

        An attribute that only writes has version 0.

        Examples
        --------
        >>> import tempfile
        >>> case = Case(tempfile.mkdtemp())
        >>> before = case.version_of("evidence"), case.version_of("notes")
        >>> case.note("since Monday")
        >>> case.version_of("evidence") > before[0], case.version_of("notes") > before[1]
        (False, True)
        """
        if part == "log":
            self._size(
                "history.jsonl"
            )  # says when the folder is gone: an open log would not notice
            return self.log.version
        if part == "charts":
            return self._changed_ns("charts")
        if part not in _KINDS:
            return 0
        if _KINDS[part] == "evidence":
            changes = len(self._history("evidence")) + len(self._removed)
            return changes + self._size("evidence.jsonl")
        return len(self._history(_KINDS[part]))

    @property
    def readings(self) -> list[Reading]:
        """The pieces of evidence that brought rows, in order; each can be removed again."""
        return [
            Reading(event.get("name") or "Evidence", _moment(event["at"]), tuple(event["span"]))
            for event in self._readings
            if event.get("span")
        ]

    def remove(self, reading: Reading) -> None:
        """
        Remove a piece of evidence: its rows are overwritten. Replays made of them stay in the log.

        Examples
        --------
        >>> import tempfile
        >>> case = Case(tempfile.mkdtemp() + "/case-1", "HTTP/1.1 403 Forbidden")
        >>> case.remove(case.readings[-1])
        >>> len(case.evidence), case.readings
        (0, [])
        """
        if reading not in self.readings:
            raise WrongUseError(
                "This reading is not in the case.", hint="Take one of case.readings."
            )
        with alone(self.folder):
            blank(self.folder / "evidence.jsonl", *reading.span)
            self._remember("removed", [], span=list(reading.span))

    def add(
        self, evidence: Exchange | Iterable[Exchange] | str | Path, *, name: str = ""
    ) -> Evidence:
        """
        Add evidence, or read it from a path or text, and return all that is there now.

        Evidence that is there already is not added again. `name` says in `readings` what it was.

        A row is there already when its id and its content are; another row of the same id gets an
        id of its own, and a warning says so.

        Raises
        ------
        WrongUseError
            A row that was made by hand has a value that its column cannot hold.
        WriteError
            The disk is full, or the case cannot be written; do it again once that is fixed.
        """
        given = _given(evidence)
        self._learn()
        found = read(given) if isinstance(given, str | Path) else given
        event: dict[str, Any] = self._signs(given) | {"name": name or _name_of(given)}
        if isinstance(found, Evidence):
            event |= {
                name: [as_dict(one) for one in getattr(found, name)]
                for name in ("skipped", "warnings")
            }
            event |= {name: dict(getattr(found, name)) for name in ("secrets", "formats")}
        self._size("evidence.jsonl")  # says when the folder is gone
        redactor = self._redactor()
        rows = list(_cleaned(found, redactor))
        self._keep({*redactor.kept, *(found.kept if isinstance(found, Evidence) else seen.known())})
        with alone(self.folder):
            new, renamed = unknown(rows, self._rows)
            if new:
                start = self._size("evidence.jsonl")
                self._append("evidence.jsonl", to_jsonl(new))
                event["span"] = [start, self._size("evidence.jsonl")]
        if renamed:
            event["warnings"] = [*event.get("warnings", []), *map(as_dict, renamed)]
        self._remember("evidence", [] if new else self._readings, **event)
        self._passed_over = ()
        return self.evidence

    def note(self, text: str) -> None:
        """Keep a sentence; a secret in it becomes its marker."""
        redactor = self._redactor()
        self._remember("note", self.notes, text=redactor.text(text))
        self._keep(redactor.kept)

    def add_walk(self, walk: Walk) -> None:
        """
        Keep the transcript of a walk through tips.

        It replaces the earlier transcript of the same walk.
        """
        label = in_words(walk.playbook.status, walk.playbook.code)
        exchange = walk.exchange.id if walk.exchange else None
        redactor = self._redactor()
        transcript = [
            {**event, "reason": redactor.text(event["reason"])} for event in walk.transcript
        ]
        self._remember(
            "walk",
            self.walks,
            exchange=exchange,
            label=label,
            title=walk.playbook.title,
            transcript=transcript,
            ended=walk.ended,
        )
        self._keep(redactor.kept)

    def add_replay(self, replayed: ReplayResults) -> None:
        """Keep the results of a replay."""
        kept, rows = self.replays, replay_rows(replayed)
        self._remember(
            "replay", [{"results": rows}] if all(row in kept for row in rows) else [], results=rows
        )

    def __repr__(self) -> str:
        if not self.folder.is_dir():
            return visible(f"<Case {self.name}: its folder is gone>")
        parts = [
            f"{len(self._exchanges)} exchanges, {len(self.replays)} replays, {len(self.walks)} "
            f"walks, {len(self.notes)} notes"
        ]
        lost = sum(one.count for one in self.skipped)
        return visible(
            f"<Case {self.name}: {', '.join(parts + [f'{lost} lines passed over'] * bool(lost))}>"
        )

    def _repr_html_(self) -> str:
        if not self.folder.is_dir():
            return visible(card(f"Case {self.name}", escape(str(self._gone()))))
        verdicts = Counter(row["verdict"] for row in self.replays).most_common()
        held = {
            "Evidence": f"{len(self._exchanges):,} exchange{'s' * (len(self._exchanges) != 1)}",
            "Replays": ", ".join(f"{verdict} {n:,}" for verdict, n in verdicts),
            "Steps": "; ".join(
                f"{walk['label']} {walk['title']}: {walk['ended'] or 'not ended'}"
                for walk in self.walks
            ),
            "Charts": ", ".join(sorted({path.stem for path in self.charts.glob("*.*")})),
            "Notes": "; ".join(note["text"] for note in self.notes),
        }
        if self.skipped:
            held["Passed over"] = "; ".join(
                f"{one.source}: {one.reason}" + f" ({one.count})" * (one.count > 1)
                for one in self.skipped[:_SHOWN]
            )
        style = "style='text-align:left;vertical-align:top;padding-right:1.2em'"
        rows = (
            f"<tr><th scope=row {style}>{name}</th><td {style}>{escape(what or 'none')}</td></tr>"
            for name, what in held.items()
        )
        return visible(card(f"Case {self.name}", f"<table>{''.join(rows)}</table>"))

    # --- the files: they only grow, so that several kernels may write at once ---------------------

    @property
    def _exchanges(self) -> dict[str, Exchange]:
        return {identity: one.exchange for identity, one in self._rows.items()}

    @property
    def _rows(self) -> dict[str, Row]:
        self._learn()
        state = (self._size("evidence.jsonl"), seen.count(), len(self._removed))
        if self._told[0] != state:
            redactor = Redactor()
            rows = [unquoted(one, redactor) for one in self._lines("evidence.jsonl").all]
            self._told = (state, told_apart(rows))  # two kernels may have brought the same row in
        return self._told[1]

    def _redactor(self) -> Redactor:
        """Return a redactor that knows every secret of this case."""
        self._learn()
        return Redactor()

    def _learn(self) -> None:
        for kept in self._lines(_SEEN).all:
            seen.learn(kept)

    def _keep(self, kept: Iterable[seen.Digest]) -> None:
        there = {digest for line in self._lines(_SEEN).all for digest in line}
        if new := set(kept) - there:
            self._append(_SEEN, seen.as_lines(new))

    @property
    def _readings(self) -> list[dict[str, Any]]:
        """What each reading said; of the same path or text, the last."""
        return list(
            {
                event.get("place") or event.get("given"): event
                for event in self._history("evidence")
                if event.get("span") not in self._removed
            }.values()
        )

    @property
    def _removed(self) -> list[list[int]]:
        return [event["span"] for event in self._history("removed")]

    def _begin(self, evidence: Exchange | Iterable[Exchange] | str | Path) -> None:
        given = _given(evidence)
        if not self._exchanges:
            self.add(given)
            return
        signs = self._signs(given)
        reading = next(
            (
                one
                for one in self._readings
                if signs.items() & {(name, one.get(name)) for name in ("given", "place")}
            ),
            None,
        )
        if reading is None:
            reason = (
                f"the case {told_path(self.name)} holds evidence already and goes on with it; "
                "case.add(...) adds this, another name begins another case"
            )
        elif reading.get("given") != signs["given"] and files_of(given):
            reason = (
                f"what lies there changed since the case {told_path(self.name)} read it; "
                f"case.add(...) reads it again"
            )
        else:
            return
        self._passed_over = (Skipped(source="what the case was opened with", reason=reason),)

    def _signs(self, given: Sequence[Exchange] | Evidence | str | Path) -> dict[str, str]:
        """
        Return what identifies evidence when it is given again, and where it is.

        A pasted text is not kept itself, because it may contain a secret.
        """
        files = files_of(given)
        states = [
            f"{file.resolve()} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files
        ]
        rows = (
            () if isinstance(given, str | Path) else (row for row in given if not wrong_field(row))
        )
        text = "\n".join(states) or (
            str(given)
            if isinstance(given, str | Path)
            else "\n".join(f"{row.id} {sign_of(row)}" for row in rows)
        )
        path = (
            given if isinstance(given, Path) else path_of(given) if isinstance(given, str) else None
        )
        return {"given": self._sign(text)} | (
            {"place": self._sign(str(path.expanduser().resolve()))} if path else {}
        )

    def _sign(self, text: str) -> str:
        return hashlib.blake2b(
            text.encode("utf-8", "replace"), digest_size=16, key=self.key
        ).hexdigest()

    def _history(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self._lines("history.jsonl").all if event["kind"] == kind]

    def _remember(self, kind: str, known: Iterable[dict[str, Any]], **event: Any) -> None:
        event = json.loads(json.dumps(event).encode("utf-8", "replace"))
        if not any(event.items() <= old.items() for old in known):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._append(
                "history.jsonl",
                json.dumps({"kind": kind, "at": at, **event}, ensure_ascii=False) + "\n",
            )

    def _append(self, name: str, lines: str) -> None:
        self._size(name)  # says when the folder is gone
        append(
            self.folder / name, ("\n" + lines).encode("utf-8", "replace")
        )  # a line that was cut off before it stays alone

    def _lines(self, name: str) -> Lines:
        """Return what a file holds; read on only when it has grown."""
        kept = self._kept.get(name, Lines())
        if name == "evidence.jsonl" and self._n_removed != len(self._removed):
            kept, self._n_removed = Lines(), len(self._removed)  # the size does not tell
        if kept.size != self._size(name):
            made = (
                digests_of
                if name == _SEEN
                else self._reader(row_of if name == "evidence.jsonl" else event_of)
            )
            kept = self._kept[name] = read_on(self.folder / name, kept, made)
        return kept

    def _reader(self, made: Callable[[Any, Redactor], Any]) -> Callable[[Any], Any]:
        redactor = self._redactor()
        return lambda value: made(value, redactor)

    def _size(self, name: str) -> int:
        found = self._stat(name)
        return found.st_size if found else 0

    def _changed_ns(self, name: str) -> int:
        found = self._stat(name)
        return found.st_mtime_ns if found else 0

    def _stat(self, name: str) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return (self.folder / name).lstat()
        if not self.folder.is_dir():
            raise self._gone()
        return None

    def _gone(self) -> LogError:
        return LogError(
            f"The folder of the case {told_path(self.name)} is gone: {told_path(self.folder)}.",
            hint="Put it back where it was, or begin anew: run the cell that opens the case.",
        )

    def _refuse_foreign(self) -> None:
        """Refuse a folder that others can write in, or in which a name links to another file."""
        refuse_foreign(self.charts, is_folder=True)
        for name in ("evidence.jsonl", "history.jsonl", _SEEN, "key", *_LOG_FILES):
            refuse_foreign(self.folder / name, is_written=name in _LOG_FILES)
        is_ours = any((self.folder / name).exists() for name in ("key", "evidence.jsonl"))
        refuse_open(self.folder, is_ours=is_ours or self.folder.name.startswith("case-"))

    def _opened_key(self) -> bytes:
        path = self.folder / "key"
        if not os.path.lexists(path):
            made = put(
                self.folder / f".key-{secrets.token_hex(8)}", secrets.token_bytes(_KEY_BYTES)
            )
            with suppress(FileExistsError):  # another kernel was first: its key is the key
                os.link(made, path)  # whole or not at all
            made.unlink()
        with opened_own(path, os.O_RDONLY) as handle:
            key = os.read(handle, _KEY_BYTES + 1)
        if len(key) != _KEY_BYTES:
            hint = "Make a new case; aliases of this one cannot be made again."
            raise LogError(f"The key of the case {told_path(self.name)} is damaged.", hint=hint)
        return key


def export(
    exchanges: Exchange | Iterable[Exchange],
    path: str | Path,
    *,
    key: bytes | Case | None = None,
    keep_people: bool = False,
) -> Path:
    """
    Write exchanges as ``.jsonl``, ``.har`` or bash commands (``.sh``), people as aliases.

    The leak gate checks every file.

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
    path, rows = (
        Path(path),
        without_quotes([exchanges] if isinstance(exchanges, Exchange) else exchanges),
    )
    if path.suffix.lower() not in _WRITERS:
        ending = told(path.suffix) if path.suffix else "a file without an ending"
        raise WrongUseError(
            f"Exchanges cannot be written as {ending}.", hint=f"Use {', '.join(_WRITERS)}."
        )
    shown, known = (rows, Known()) if keep_people else gate.aliased(rows, _aliases(key))
    return write(
        path, _WRITERS[path.suffix.lower()](shown).encode("utf-8", "replace"), known, shown
    )


def aliased(exchanges: Iterable[Exchange], key: bytes | Case | None = None) -> list[Exchange]:
    """
    Return the exchanges with people as the aliases of a case, or of a key.

    With None the key is new and is not kept.
    """
    return gate.aliased(exchanges, _aliases(key))[0]


def _aliases(key: bytes | Case | None) -> Aliases:
    return Aliases(key.key if isinstance(key, Case) else key or secrets.token_bytes(_KEY_BYTES))


def replay_rows(replayed: ReplayResults) -> list[dict[str, Any]]:
    """Return what a case keeps of a replay."""
    return [
        {
            **result.as_json(),
            "was": result.original.status_in_words,
            "now": result.now,
            "endpoint": result.original.endpoint,
            "target": replayed.target,
            "request": _sent(result),
        }
        for result in replayed
    ]


_SENT = ("method", "url", "request_headers", "request_body")


def _sent(result: Result) -> dict[str, Any] | None:
    """Return the changed request of a replay; None when it was sent unchanged."""
    sent, original = (as_json(one, _SENT) for one in (result.request, result.original))
    return None if sent == original else sent


def replayed_request(row: Mapping[str, Any]) -> Exchange:
    """Return the changed request that a case keeps of a replay."""
    return from_json(row["request"])


def _name_of(given: object) -> str:
    path = given if isinstance(given, Path) else path_of(given) if isinstance(given, str) else None
    return path.name if path else "Pasted text" if isinstance(given, str) else ""


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(UTC)


def _given(
    evidence: Exchange | Iterable[Exchange] | str | Path,
) -> Evidence | list[Exchange] | str | Path:
    if isinstance(evidence, Evidence | str | Path):
        return evidence
    return [evidence] if isinstance(evidence, Exchange) else list(evidence)


def _cleaned(rows: Iterable[Exchange], redactor: Redactor) -> Iterator[Exchange]:
    for number, exchange in enumerate(rows, start=1):
        if wrong := wrong_field(exchange):
            hint = "docs/columns.md says what each may be."
            raise WrongUseError(
                f"Row {number} cannot be kept: its {wrong} is of the wrong kind.", hint=hint
            )
        yield redactor.exchange(exchange)


def _listed(readings: Iterable[dict[str, Any]], name: str) -> list[Skipped]:
    return list(
        dict.fromkeys(Skipped(**one) for reading in readings for one in reading.get(name, ()))
    )
