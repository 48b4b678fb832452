"""
Keep a case on disk: evidence, replays, steps and notes in one folder, with the key of its aliases.

Rows leave a case only through here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sinchtools.api import deliveries
from sinchtools.cases.card import html
from sinchtools.cases.folder import CHARTS, EVIDENCE, HISTORY, LOG, SEEN, Folder
from sinchtools.cases.given import cleaned, given_as, listed, name_of, signs
from sinchtools.cases.kept import replay_rows, walk_row
from sinchtools.cases.recent import last_or_new
from sinchtools.cases.same_ids import unknown
from sinchtools.client.log import CallLog
from sinchtools.core.errors import WrongUseError, told_path
from sinchtools.core.files import alone, blank
from sinchtools.core.html import card
from sinchtools.core.records import Exchange, Skipped, as_dict, visible
from sinchtools.core.settings import work_folder
from sinchtools.core.words import counted
from sinchtools.evidence import Evidence, read
from sinchtools.evidence.files import files_of
from sinchtools.evidence.retold import without_retold
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy import seen
from sinchtools.replays.results import ReplayResults

if TYPE_CHECKING:
    from sinchtools.cases.solved import SeenBefore

_KINDS = {
    "add": "evidence",
    "evidence": "evidence",
    "notes": "note",
    "read_at": "evidence",
    "replays": "replay",
    "walks": "walk",
}


class Reading(NamedTuple):
    """One piece of evidence that was read into a case."""

    name: str  # the file, or how it came
    at: datetime  # when it was read, UTC
    span: tuple[int, int]  # where its rows are in ``evidence.jsonl``, in bytes
    # how many rows it brought; 0 in a case of an older version, which did not count them
    rows: int = 0


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
        self._files = Folder(self.folder)
        self.key = self._files.key
        self._passed_over: tuple[Skipped, ...] = ()
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
            *listed(readings, "skipped"),
            *self._passed_over,
            *self._files.lines(EVIDENCE).passed_over,
        )
        return Evidence(
            tuple(without_retold(deliveries.joined(self._exchanges.values()))),
            skipped,
            tuple(listed(readings, "warnings")),
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
            one for name in (EVIDENCE, HISTORY, SEEN) for one in self._files.lines(name).passed_over
        )

    @property
    def notes(self) -> list[dict[str, Any]]:
        """The notes: text and time; the same text once."""
        found: dict[str, dict[str, Any]] = {}
        redactor = self._files.redactor()
        for event in self._files.history("note"):
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
                for event in self._files.history("walk")
            }.values()
        )

    @property
    def replays(self) -> list[dict[str, Any]]:
        """
        The replays: IDs, responses before and now, verdict and reasons, target.

        Each is there once. One that was on hold and was sent later is not.
        """
        found: dict[Any, dict[str, Any]] = {}
        for row in (row for event in self._files.history("replay") for row in event["results"]):
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
        times = [event["at"] for event in self._files.history("evidence")]
        return datetime.fromisoformat(times[-1]) if times else None

    @cached_property
    def log(self) -> CallLog:
        """The case's own call log: give it to `connect`, `plan` or `replay`."""
        # says when the folder is gone: a log would make it anew, without the key
        self._files.size(LOG)
        self._files.refuse_foreign()
        return CallLog(self.folder / LOG)

    @property
    def charts(self) -> Path:
        """
        The folder for charts of this case.

        Save one with ``st.charts.save(chart, case.charts / "error-codes")``.
        """
        return self.folder / CHARTS

    @property
    def version(self) -> int:
        """
        A number that grows with every change, also by another kernel.

        A view made at another version is out of date.
        """
        return (
            self._files.size(EVIDENCE)
            + self._files.size(HISTORY)
            + self.version_of(CHARTS)
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
            # says when the folder is gone: an open log would not notice
            self._files.size(HISTORY)
            return self.log.version
        if part == CHARTS:
            return self._files.changed_ns(CHARTS)
        if part not in _KINDS:
            return 0
        if _KINDS[part] == "evidence":
            changes = len(self._files.history("evidence")) + len(self._files.removed)
            return changes + self._files.size(EVIDENCE)
        return len(self._files.history(_KINDS[part]))

    @property
    def readings(self) -> list[Reading]:
        """The pieces of evidence that brought rows, in order; each can be removed again."""
        return [
            Reading(
                event.get("name") or "Evidence",
                _moment(event["at"]),
                tuple(event["span"]),
                event.get("rows") or 0,
            )
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
            blank(self.folder / EVIDENCE, *reading.span)
            self._files.remember("removed", [], span=list(reading.span))

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
        given = given_as(evidence)
        self._files.learn()
        found = read(given) if isinstance(given, str | Path) else given
        event: dict[str, Any] = signs(given, self.key) | {"name": name or name_of(given)}
        if isinstance(found, Evidence):
            event |= {
                name: [as_dict(one) for one in getattr(found, name)]
                for name in ("skipped", "warnings")
            }
            event |= {name: dict(getattr(found, name)) for name in ("secrets", "formats")}
        self._files.size(EVIDENCE)  # says when the folder is gone
        redactor = self._files.redactor()
        rows = list(cleaned(found, redactor))
        self._files.keep(
            {*redactor.kept, *(found.kept if isinstance(found, Evidence) else seen.known())}
        )
        with alone(self.folder):
            new, renamed = unknown(rows, self._files.rows)
            if new:
                event |= {"span": self._files.add_rows(new), "rows": len(new)}
        if renamed:
            event["warnings"] = [*event.get("warnings", []), *map(as_dict, renamed)]
        self._files.remember("evidence", [] if new else self._readings, **event)
        self._passed_over = ()
        return self.evidence

    def note(self, text: str) -> None:
        """Keep a sentence; a secret in it becomes its marker."""
        redactor = self._files.redactor()
        self._files.remember("note", self.notes, text=redactor.text(text))
        self._files.keep(redactor.kept)

    def add_walk(self, walk: Walk) -> None:
        """
        Keep the transcript of a walk through tips.

        It replaces the earlier transcript of the same walk.
        """
        redactor = self._files.redactor()
        self._files.remember("walk", self.walks, **walk_row(walk, redactor))
        self._files.keep(redactor.kept)

    def add_replay(self, replayed: ReplayResults) -> None:
        """Keep the results of a replay."""
        kept, rows = self.replays, replay_rows(replayed)
        self._files.remember(
            "replay", [{"results": rows}] if all(row in kept for row in rows) else [], results=rows
        )

    def close(
        self,
        helped: str,
        *,
        exchange: Exchange | str | None = None,
        folder: str | Path | None = None,
    ) -> Path:
        """
        Keep what helped, without the customer, for the next case of the same kind.

        The file says status, code, rule, field and the shape of the API's message. Closing again
        replaces it; delete it to take it back.

        Parameters
        ----------
        helped
            Such as ``callback URL on the plan``; it must not name anybody.
        exchange
            The request that it helped, or its ID; the one that the report is about otherwise.
        folder
            Where to keep it; SINCHTOOLS_SOLVED, else ``solved`` in the work folder.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        WrongUseError
            The words could name somebody, the folder is not there, or nothing was wrong.

        Examples
        --------
        >>> import tempfile
        >>> case = Case(tempfile.mkdtemp() + "/case-1", "HTTP/1.1 403 Forbidden")
        >>> case.close("callback URL on the plan", folder=tempfile.mkdtemp()).suffix
        '.json'
        """
        from sinchtools.cases import closing

        return closing.close(self, self._files, helped, exchange, folder)

    @property
    def seen_before(self) -> SeenBefore:
        """The closed cases of the same kind, without this one: how many, and what helped."""
        from sinchtools.cases import closing

        return closing.seen(self)

    @property
    def closed_as(self) -> str:
        """The name of the file that `close` wrote last, or nothing."""
        return self._closed.get("file", "")

    @property
    def helped(self) -> str:
        """What helped, if the case was closed."""
        return self._closed.get("helped", "")

    @property
    def _closed(self) -> dict[str, str]:
        return next(reversed(self._files.history("closed")), {})

    def __repr__(self) -> str:
        if not self.folder.is_dir():
            return visible(f"<Case {self.name}: its folder is gone>")
        parts = [
            counted(len(self._exchanges), "request"),
            counted(len(self.replays), "replay"),
            counted(len(self.walks), "walk"),
            counted(len(self.notes), "note"),
        ]
        lost = sum(one.count for one in self.skipped)
        if lost:
            parts.append(f"{counted(lost, 'line')} ignored")
        return visible(f"<Case {self.name}: {', '.join(parts)}>")

    def _repr_html_(self) -> str:
        if not self.folder.is_dir():
            return card(f"Case {self.name}", str(self._files.gone()))
        return html(self, len(self._exchanges))

    @property
    def _exchanges(self) -> dict[str, Exchange]:
        return {identity: one.exchange for identity, one in self._files.rows.items()}

    @property
    def _readings(self) -> list[dict[str, Any]]:
        """What each reading said; of the same path or text, the last."""
        return list(
            {
                event.get("place") or event.get("given"): event
                for event in self._files.history("evidence")
                if event.get("span") not in self._files.removed
            }.values()
        )

    def _begin(self, evidence: Exchange | Iterable[Exchange] | str | Path) -> None:
        given = given_as(evidence)
        if not self._exchanges:
            self.add(given)
            return
        known_by = signs(given, self.key)
        reading = next(
            (
                one
                for one in self._readings
                if known_by.items() & {(name, one.get(name)) for name in ("given", "place")}
            ),
            None,
        )
        if reading is None:
            reason = (
                f"the case {told_path(self.name)} already has evidence and continues with it; "
                "case.add(...) adds this, and another name starts another case"
            )
        elif reading.get("given") != known_by["given"] and files_of(given):
            reason = (
                f"these files changed after the case {told_path(self.name)} read them; "
                "case.add(...) reads them again"
            )
        else:
            return
        self._passed_over = (Skipped(source="what the case was opened with", reason=reason),)


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(UTC)
