"""What a workbench is about: the case, the request in front, the ticks, and the last proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinchtools.api import deliveries
from sinchtools.cases.case import Case
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.evidence import Evidence
from sinchtools.notebook.workbench.fixing import Suggestion, chosen_fix, suggestions, ticked
from sinchtools.notebook.workbench.proving import Proven
from sinchtools.replays.planned import edited

NOTHING = Evidence()


@dataclass
class State:
    """
    The state of one workbench; nothing of it is kept anywhere else.

    Attributes
    ----------
    case
        The case, or None before one was chosen or made.
    chosen
        The id of the request in front; empty for the first of the most frequent failure.
    unticked
        Numbers of the findings whose fix is not wanted.
    by_hand
        An edit that was made by hand on top of the ticked fixes, or None.
    proven
        The last replay of the request in front, or None.
    """

    case: Case | None = None
    chosen: str = ""
    unticked: set[int] = field(default_factory=set)
    by_hand: Mapping[str, Any] | None = None
    proven: Proven | None = None
    _read: tuple[object, Evidence] = (None, NOTHING)
    _judged: tuple[object, Diagnosis | None, list[Suggestion]] = (None, None, [])

    def begin(self, case: Case | None) -> None:
        """Open another case, or none."""
        self.case, self._read, self._judged = case, (None, NOTHING), (None, None, [])
        self.choose("")

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
        key = (str(self.case.folder), self.version)
        if self._read[0] != key:
            self._read = (key, self.case.evidence)
        return self._read[1]

    @property
    def requests(self) -> list[Exchange]:
        """The rows that are not told by another one: no report whose send is there too."""
        return [one for one in self.evidence if not (one.delivery or "").endswith(deliveries.SENT)]

    @property
    def failing(self) -> list[Exchange]:
        """The requests that failed."""
        return [one for one in self.requests if one.failed]

    @property
    def kinds(self) -> Counter[str]:
        """How many requests failed with which response, the most frequent first."""
        return Counter(dict(Counter(one.status_in_words for one in self.failing).most_common()))

    @property
    def exchange(self) -> Exchange | None:
        """The request in front: the chosen one, else the first of the most frequent failure."""
        rows = self.requests
        chosen = next((one for one in rows if one.id == self.chosen), None)
        if chosen or not rows:
            return chosen
        kinds = self.kinds
        if not kinds:
            silent = (one for one in rows if one.outcome == "no_response")
            return next(silent, None)
        most = next(iter(kinds))
        return next(one for one in self.failing if one.status_in_words == most)

    @property
    def siblings(self) -> list[Exchange]:
        """The requests that failed as the one in front did."""
        front = self.exchange
        if front is None:
            return []
        return [one for one in self.failing if one.status_in_words == front.status_in_words]

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

    def _diagnosed(self) -> tuple[Diagnosis | None, list[Suggestion]]:
        front = self.exchange
        key = front and (front.id, self.version)
        if self._judged[0] != key or front is None:
            found = diagnose(front, history=self.evidence) if front else None
            self._judged = (key, found, suggestions(found) if found else [])
        return self._judged[1], self._judged[2]
