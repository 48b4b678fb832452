"""What a workbench is about: the case, the request in front, the ticks, and the last proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sinchtools.api import deliveries
from sinchtools.cases.case import Case
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.evidence import Evidence
from sinchtools.notebook.workbench.fixing import Suggestion, chosen_fix, suggestions, ticked
from sinchtools.notebook.workbench.proving import Proven
from sinchtools.replays.planned import edited

NOTHING = Evidence()
T = TypeVar("T")


@dataclass
class State:
    """The state of one workbench; nothing of it is kept anywhere else."""

    case: Case | None = None  # None before one was chosen or made
    chosen: str = ""  # id of the request in front; empty: the first of the most frequent failure
    unticked: set[int] = field(default_factory=set)  # the findings whose fix is not wanted
    by_hand: Mapping[str, Any] | None = None  # an edit on top of the ticked fixes
    proven: Proven | None = None  # the last replay of the request in front
    wanted: str = ""  # words that the list of requests is filtered by
    filters: dict[str, Any] | None = None  # of the chart; None: not known yet what the case keeps
    only: frozenset[str] | None = None  # the ids behind a mark of the chart that no filter can say
    walked: bool = False  # from the neighbour of the request in front, which is to be scrolled to
    is_held: bool = False  # the evidence stays as it is here: it is being read in a thread
    _read: tuple[object, Evidence] = (None, NOTHING)
    _made: tuple[object, dict[str, Any]] = (None, {})  # of the evidence, each once
    _narrowed: tuple[object, list[Exchange]] = (None, [])
    _judged: tuple[object, Diagnosis | None, list[Suggestion]] = (None, None, [])

    def begin(self, case: Case | None) -> None:
        """Open another case, or none."""
        self.case, self._read, self._judged = case, (None, NOTHING), (None, None, [])
        self.is_held, self.filters, self.only = False, None, None
        self.choose("")

    def hold(self, evidence: Evidence) -> None:
        """Take evidence that was read of the case already."""
        self._read, self.is_held = (self._key(), evidence), False

    def choose(self, exchange_id: str) -> None:
        """Put a request in front, with all its fixes ticked and nothing proven."""
        self.chosen = exchange_id
        self.unticked.clear()
        self.by_hand = self.proven = None

    @property
    def version(self) -> int | None:
        """The version of the case's evidence."""
        return self.case.version_of("evidence") if self.case else None

    @property
    def evidence(self) -> Evidence:
        """What the case holds now."""
        if self.case is None:
            return NOTHING
        key = self._key()
        if self._read[0] != key and not self.is_held:
            self._read = (key, self.case.evidence)
        return self._read[1]

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """
        Return what is made of the evidence, as long as that is the same.

        No lock, as `cached_property` has one: what takes seconds is made in a thread.
        """
        evidence = self.evidence
        if self._made[0] is not evidence:
            self._made = (evidence, {})
        made = self._made[1]
        if name not in made:
            made[name] = make()
        found: T = made[name]
        return found

    def _key(self) -> object:
        return self.case and (str(self.case.folder), self.version)

    @property
    def requests(self) -> list[Exchange]:
        """The rows that are not told by another one: no report whose send is there too."""
        return self._once("requests", self._not_told)

    def _not_told(self) -> list[Exchange]:
        told = deliveries.SENT
        return [one for one in self.evidence if not (one.delivery or "").endswith(told)]

    @property
    def failing(self) -> list[Exchange]:
        """The requests that failed."""
        return self._once("failing", lambda: [one for one in self.requests if one.failed])

    @property
    def listed(self) -> list[Exchange]:
        """The requests that failed as the one in front did; with a filter, all that match it."""
        words = self.wanted.lower().split()
        is_narrowed = bool(self.filters) or self.only is not None
        if not words and not is_narrowed:
            return self.siblings or self.failing
        rows = self._behind_the_chart() if is_narrowed else self.failing
        return [one for one in rows if all(word in _searched(one) for word in words)]

    def _behind_the_chart(self) -> list[Exchange]:
        """Return the requests that fit the filters, or are behind the mark that was touched."""
        from sinchtools.notebook.panels.filters import rows_listed

        key = (id(self.evidence), repr(self.filters), self.only)
        if self._narrowed[0] != key:
            ids = self.only
            if ids is None:
                ids = ids_of(rows_listed(self.calls, self.filters or {}, is_failing=True))
            self._narrowed = (key, [one for one in self.requests if one.id in ids])
        return self._narrowed[1]

    @property
    def frame(self) -> Any:
        """The evidence as a frame."""
        return self._once("frame", self.evidence.frame)

    @property
    def calls(self) -> Any:
        """
        The calls in DuckDB, each row one with its retries: what the charts count.

        One thread at a time may ask it.
        """
        return self._once("calls", self._folded)

    def _folded(self) -> Any:
        from sinchtools import analysis

        folded = analysis.calls(self.frame).drop(columns="call_id", errors="ignore")
        return analysis.in_memory(folded)

    @property
    def pattern(self) -> Any:
        """What stands out among many requests."""
        from sinchtools.charts.over_time import pattern_of

        return self._once("pattern", lambda: pattern_of(self.frame, "call"))

    @property
    def kinds(self) -> Counter[str]:
        """How many requests failed with which response, the most frequent first."""
        return Counter({kind: len(rows) for kind, rows in self._failing_by_kind().items()})

    def _failing_by_kind(self) -> dict[str, list[Exchange]]:
        return self._once("by kind", self._sorted_by_kind)

    def _sorted_by_kind(self) -> dict[str, list[Exchange]]:
        found: dict[str, list[Exchange]] = {}
        for one in self.failing:
            found.setdefault(one.status_in_words, []).append(one)
        return dict(sorted(found.items(), key=lambda kind: -len(kind[1])))

    def _of_id(self, wanted: str) -> Exchange | None:
        by_id = self._once("by id", lambda: {one.id: one for one in reversed(self.requests)})
        return by_id.get(wanted)

    @property
    def exchange(self) -> Exchange | None:
        """The request in front: the chosen one, else the first of the most frequent failure."""
        if chosen := self._of_id(self.chosen):
            return chosen
        if kinds := self._failing_by_kind():
            return next(iter(kinds.values()))[0]
        silent = (one for one in self.requests if one.outcome == "no_response")
        return next(silent, None)

    @property
    def siblings(self) -> list[Exchange]:
        """The requests that failed as the one in front did."""
        front = self.exchange
        if front is None:
            return []
        return self._failing_by_kind().get(front.status_in_words, [])

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is wrong with the request in front."""
        return self._diagnosed()[0]

    @property
    def suggestions(self) -> list[Suggestion]:
        """Its findings, each with its fix."""
        return self._diagnosed()[1]

    @property
    def ticked(self) -> list[Suggestion]:
        """The findings whose fix is wanted."""
        return list(ticked(self.suggestions, self.unticked))

    @property
    def edit(self) -> Mapping[str, Any] | None:
        """What is changed before the request is replayed: the ticked fixes, or the edit by hand."""
        if self.by_hand is not None:
            return self.by_hand
        diagnosis = self.diagnosis
        fix = diagnosis and chosen_fix(diagnosis, {one.number for one in self.ticked})
        return fix.edit if fix else None

    @property
    def changed(self) -> Exchange | None:
        """The request in front with the changes made."""
        front = self.exchange
        return edited(front, self.edit) if front else None

    def neighbour(self, by: int) -> Exchange | None:
        """Return the next or previous of the requests that are listed."""
        rows, front = self.listed, self.exchange
        if not rows:
            return None
        at = place_of(rows, front)
        return rows[(by + (-by if at is None else at)) % len(rows)]

    def _diagnosed(self) -> tuple[Diagnosis | None, list[Suggestion]]:
        front = self.exchange
        key = front and (front.id, self.version)
        if self._judged[0] != key or front is None:
            found = diagnose(front, history=self.evidence) if front else None
            self._judged = (key, found, suggestions(found) if found else [])
        return self._judged[1], self._judged[2]


def place_of(rows: Sequence[Exchange], wanted: Exchange | None) -> int | None:
    """Return where a request is in a list of the same ones; to compare them would take long."""
    return next((i for i, one in enumerate(rows) if one is wanted), None)


def ids_of(rows: Any) -> frozenset[str]:
    """Return the ids of the calls of a DuckDB relation."""
    return frozenset(one for (one,) in rows.project("id").fetchall())


def _searched(one: Exchange) -> str:
    at = f"{one.at:%a %d %b %Y-%m-%d %H:%M:%S}" if one.at else ""
    body = one.request_body if isinstance(one.request_body, str) else ""
    parts = (at, one.status_in_words, one.account, one.endpoint, one.method, one.text, body[:400])
    return " ".join(filter(None, parts)).lower()
