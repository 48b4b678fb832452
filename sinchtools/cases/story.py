"""
What there is to say of a case: the request that matters, what is wrong with it, what was proven.

The report and the reply are both made from it, so that they cannot say different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sinchtools.cases.changes import Change, changes
from sinchtools.cases.kept import replayed_request
from sinchtools.cases.proven import ProvenFix, to_check
from sinchtools.cases.solved import SeenBefore, seen_before
from sinchtools.core.columns import frame
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, Finding, most_frequent, visible
from sinchtools.core.words import response
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose, people_of
from sinchtools.diagnosis.fixes import repaired_json
from sinchtools.diagnosis.rules import rules
from sinchtools.privacy import gate
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known
from sinchtools.privacy.masks import Masks, masked_number
from sinchtools.replays.proof import Proof
from sinchtools.replays.results import Result

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 10
_MOST_EQUAL = 5
_MOST_LOOKED_AT = 30  # rows that did not fail
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # without any time in the evidence, nothing is past
_QUOTED = re.compile(r" (?:Its text|API message): .*", re.DOTALL)  # of the API
_VENDOR = ("server", "account")
_SAID_OF_ALL = ("accepted-not-delivered", "variable-not-shown", "not-shown")
_LOCAL = re.compile(r"[\d\s()./-]{5,12}")  # a number without its area or country code


@dataclass(kw_only=True)
class Story:
    """A case, told of one account."""

    title: str
    rows: list[Exchange]  # of the account, and what names no account; people in clear
    everything: list[Exchange]
    aliases: Aliases
    replays: list[dict[str, Any]] = field(default_factory=list)
    walks: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    as_of: datetime | None = None
    about: Exchange | None = None  # None: the most frequent failure
    given: Result | Proof | None = None  # the proof, when the caller has it
    children: list[Exchange] = field(default_factory=list)
    is_text: bool = False  # only a few sentences are told: nobody of the other rows is in them
    is_data: bool = False  # the rows are handed over: they, and what is counted, have aliases
    closed_as: str = ""  # the file of what helped in this case, if it was closed

    masks: Masks = field(init=False, default_factory=Masks)

    # --- the rows ---------------------------------------------------------------------------------

    @cached_property
    def n_accounts(self) -> int:
        """How many accounts the whole evidence names."""
        return len({row.account for row in self.everything if row.account})

    @cached_property
    def aliased(self) -> tuple[list[Exchange], Known]:
        """All rows with people as aliases, and who these people are."""
        for child in self.children:
            self.aliases.exchange(child)
        return gate.aliased(self.everything, self.aliases)

    @property
    def shown(self) -> list[Exchange]:
        """All rows as they are handed over as data: people are aliases."""
        return self.aliased[0]

    @cached_property
    def known(self) -> Known:
        """The people who must be in no file; for a text, those of the rows that it tells of."""
        if self.is_text:
            fix = [self.fix.request, self.fix.original] if self.fix else []
            told = [self.example, *fix, *(one["example"] for one in self.others)]
            return Known.of(map(_readable, told))
        readable = [_readable(row) for row in self.everything]
        is_clear = all(a is b for a, b in zip(readable, self.everything, strict=True))
        if self.is_data and is_clear:
            return self.aliased[1]
        return Known.of([*readable, *self.children])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows of the account, people as aliases if they are handed over."""
        if not self.is_data:
            return frame(self.rows)
        mine = {id(row) for row in self.rows}
        pairs = zip(self.everything, self.shown, strict=True)
        return frame([shown for row, shown in pairs if id(row) in mine])

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of like failures, the largest first, each with an example of the rows."""
        from sinchtools import analysis

        shown = self.shown if self.is_data else self.everything
        original = {one.id: row for row, one in zip(self.everything, shown, strict=True)}
        return [
            {**group, "example": original[group["example_id"]]}
            for group in map(_named, analysis.groups(self.frame).to_dict("records"))
        ]

    @cached_property
    def counted(self) -> dict[str, Any]:
        """How many calls there are, how many fail, since when."""
        from sinchtools import analysis

        return _named(analysis.overview(self.frame).iloc[0].to_dict())

    @cached_property
    def pattern(self) -> str:
        """Since when the calls fail as the example does, in a sentence; empty if not known."""
        from sinchtools import analysis

        found = self._pattern
        of_example = found.label == analysis.label(self.example.status, self.example.code)
        return found.sentence if found.start and of_example else ""

    @cached_property
    def _pattern(self) -> Any:
        from sinchtools import analysis

        rows = self.frame
        if self.example.account:  # rows that name no account would change its share
            rows = rows[rows["account"].notna()]
        return analysis.pattern(rows)

    @cached_property
    def charts(self) -> dict[str, Any]:
        """The charts that every bundle has."""
        from sinchtools import charts

        return {
            "error-codes": charts.error_codes(self.frame),
            "timeline": charts.timeline(self.frame, pattern=self._pattern),
        }

    # --- the request that matters -----------------------------------------------------------------

    @cached_property
    def example(self) -> Exchange:
        """The request that the story is about."""
        if self.about is not None:
            return self.about
        proven = {fingerprint(row) for row in self.fixed_rows.values()}
        of_proven = [one for one in self.groups if fingerprint(one["example"]) in proven]
        chosen = next(iter(of_proven), None) or self._most_frequent()
        if chosen is None:
            return self._worth_a_look()
        alike = fingerprint(chosen["example"])
        own = [row for row in self.fixed_rows.values() if fingerprint(row) == alike]
        return own[-1] if own else self._most_telling(chosen)

    def _worth_a_look(self) -> Exchange:
        """Return the first row with a warning, else with a note of its own; without failures."""
        repeated = {row.call_id for row in self.rows if (row.attempt or 1) > 1} - {None}
        last = {row.call_id: row for row in self.rows if row.call_id in repeated}
        rows = [row for row in self.rows if last.get(row.call_id, row) is row][:_MOST_LOOKED_AT]
        found = [next(iter(one.findings), None) for one in self._diagnosed(rows)]
        ranks = [_rank(finding) for finding in found]
        return rows[ranks.index(max(ranks))]

    def _most_frequent(self) -> dict[str, Any] | None:
        """
        Return the largest group of the failure that matters.

        Of equal ones, it is the first that can be fixed.
        """
        failing = most_frequent(self.rows)
        kinds = {some[0].status_in_words for some in failing if len(some) == len(failing[0])}
        groups = [one for one in self.groups if one["example"].status_in_words in kinds]
        equal = [one for one in groups if one["n"] == groups[0]["n"]][:_MOST_EQUAL]
        if len(equal) < 2:
            return next(iter(equal), None)
        found = self._diagnosed([one["example"] for one in equal])
        can_fix = [one for one, it in zip(equal, found, strict=True) if it.fix is not None]
        return [*can_fix, *equal][0]

    def _most_telling(self, group: dict[str, Any]) -> Exchange:
        """Return the last of a few like failures that can be fixed, else the group's example."""
        example: Exchange = group["example"]
        if not 1 < group["n"] <= _MOST_EQUAL or self._diagnosed([example])[0].fix:
            return example
        alike = fingerprint(example)
        rows = [row for row in self.rows if fingerprint(row) == alike]
        found = zip(rows, self._diagnosed(rows), strict=True)
        can_fix = [row for row, one in found if one.fix is not None]
        return can_fix[-1] if can_fix else example

    @cached_property
    def group(self) -> dict[str, Any] | None:
        """The group of like failures that the example is in, or None when it did not fail."""
        wanted = fingerprint(self.example)
        return next((one for one in self.groups if fingerprint(one["example"]) == wanted), None)

    @cached_property
    def alike(self) -> frozenset[str]:
        """The ids of the rows that failed as the example did."""
        wanted = fingerprint(self.example)
        return frozenset(row.id for row in self.rows if fingerprint(row) == wanted)

    @cached_property
    def others(self) -> list[dict[str, Any]]:
        """The other groups of failures, each with its example and diagnosis."""
        return [{**one, "diagnosis": self._told[id(one["example"])]} for one in self._others]

    @property
    def _others(self) -> list[dict[str, Any]]:
        return [one for one in self.groups if one is not self.group][:MOST_GROUPS]

    @cached_property
    def _told(self) -> dict[int, Diagnosis]:
        """What is wrong with the examples, this one's first; the evidence is read once for all."""
        rows = [self.example, *(one["example"] for one in self._others)]
        return {id(row): one for row, one in zip(rows, self._diagnosed(rows), strict=True)}

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with the example."""
        return self._told[id(self.example)]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The findings on the example, in words for a customer."""
        return tuple(self.for_customers(one, self.example) for one in self.diagnosis.findings)

    def for_customers(self, finding: Finding, row: Exchange) -> Finding:
        """
        Return a finding on a row as a customer may read it.

        The message of the example is not quoted, because it is shown anyway. Local numbers are
        hidden: only their field tells them from other digits.
        """
        is_shown = row.text and row.text == self.example.text
        says = without_quote(finding.says) if is_shown else finding.says
        for person in filter(_LOCAL.fullmatch, people_of(row, finding)):
            says = says.replace(person, masked_number(person))
        return replace(finding, says=says, then=rules()[finding.rule].customer or finding.then)

    def _diagnosed(self, rows: Sequence[Exchange]) -> list[Diagnosis]:
        """Return what is wrong with some rows, judged with the rest of the evidence."""
        found: dict[int, Diagnosis] = {}
        for has_time in (True, False):
            some = [row for row in rows if (row.at is not None) is has_time]
            now = None if has_time else self.as_of or _EPOCH
            told = diagnose(some, now=now, history=self.rows) if some else []
            found |= {id(row): one for row, one in zip(some, told, strict=True)}
        return [found[id(row)] for row in rows]

    @cached_property
    def seen_before(self) -> SeenBefore:
        """The closed cases of the same kind; for the engineer, not for a customer."""
        return seen_before(self.diagnosis, without=self.closed_as)

    @property
    def kind(self) -> str:
        """
        What kind of story it is.

        One of ``undelivered``, ``vendor``, ``rate``, ``fixed``, ``suggested``, ``advice`` and
        ``nothing``.
        """
        top, row = self.diagnosis.top, self.example
        if row.outcome == "not_delivered":
            return "undelivered"
        if self.fix is not None:
            return "fixed"
        if not self.diagnosis.failing:
            return "nothing" if not row.failed else "advice"
        if (top and top.location in _VENDOR) or (row.status or 0) >= 500:
            return "vendor"
        if top and top.location == "rate":
            return "rate"
        return "suggested" if self.diagnosis.fix else "advice"

    @property
    def is_not_the_request(self) -> bool:
        """Whether the cause is not in the request; a 403 without a code may refer to its parts."""
        top = self.diagnosis.top
        return self.kind == "vendor" and not (top and top.rule == "observed-403")

    # --- what was proven --------------------------------------------------------------------------

    @cached_property
    def fix(self) -> ProvenFix | None:
        """What was changed when the example, or one like it, was accepted; None when it was not."""
        if self.given is not None:
            return self._of_given(self.given)
        return self.fix_of(self.example)

    def fix_of(self, example: Exchange) -> ProvenFix | None:
        """Return the proven fix of a row or of its like: its own first, the latest first."""
        alike = fingerprint(example)
        found = [
            row
            for row in self.replays
            if row.get("request") and fingerprint(self._rows_by_id.get(row["parent_id"])) == alike
        ]
        last = {row["parent_id"]: row for row in found}
        fixed = [row for row in last.values() if row["verdict"] == "FIXED"]
        if not fixed:
            return None
        own = [row for row in fixed if row["parent_id"] == example.id]
        best = (own or fixed)[-1]
        original, now = self._rows_by_id[best["parent_id"]], best["now"]
        return replace(
            self._fix(original, replayed_request(best), best.get("assumed") or ()),
            was=best["was"],
            now=response(int(now)) if now.isdecimal() else now,
            target=best["target"],
            fixed=len(fixed),
            tried=len(last),
        )

    def _of_given(self, proof: Result | Proof) -> ProvenFix | None:
        if proof.verdict != "FIXED" or proof.request is None:
            return None
        if isinstance(proof, Result):
            made = self._fix(proof.original, proof.request, proof.assumed)
            now = proof.child
        else:
            made = self._fix(self.example, proof.request, ())
            now = proof.repaired
        return replace(made, now=response(now.status, now.code) if now else "")

    def _fix(self, original: Exchange, request: Exchange, assumed: Iterable[str]) -> ProvenFix:
        return ProvenFix(
            original=original,
            request=request,
            was=original.status_in_words,
            now="",
            target="sandbox",
            changes=tuple(changes(original, request, self.masks.exchange)),
            assumed=to_check(assumed, request),
        )

    @cached_property
    def _rows_by_id(self) -> dict[str, Exchange]:
        return {row.id: row for row in self.rows}

    @cached_property
    def fixed_rows(self) -> dict[str, Exchange]:
        """The rows of which a changed replay was accepted, by id, the latest last."""
        fixed = [
            row["parent_id"]
            for row in self.replays
            if row["verdict"] == "FIXED" and row.get("request")
        ]
        return {i: self._rows_by_id[i] for i in fixed if i in self._rows_by_id}

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What to change: what was proven, else what is suggested."""
        if self.fix is not None:
            return self.fix.changes
        row = self._suggested
        return tuple(changes(self.example, row, self.masks.exchange)) if row else ()

    @property
    def working(self) -> Exchange | None:
        """The request with all proven changes, else with all suggested ones; None without any."""
        return self.fix.request if self.fix is not None else self._suggested

    @property
    def _suggested(self) -> Exchange | None:
        fix = self.diagnosis.fix
        return fix.exchange if fix is not None and self.kind == "suggested" else None

    @cached_property
    def left(self) -> tuple[Finding, ...]:
        """The errors that the suggested changes leave, since only the customer can choose."""
        row = self._suggested
        if row is None:
            return ()
        left = [one for one in self._diagnosed([row])[0].findings if one.severity == "error"]
        return tuple(self.for_customers(one, row) for one in left)

    # --- words ------------------------------------------------------------------------------------

    def plain(self, text: str) -> str:
        """Return a text with people hidden and control characters made visible."""
        return visible(self.masks.words(self.known.replaced(text, self.masks)))


def fingerprint(exchange: Exchange | None) -> str:
    """Return what groups an exchange, as in `analysis.groups`; nothing for None."""
    from sinchtools import analysis

    if exchange is None:
        return ""
    lost = exchange.outcome == "not_delivered"
    return analysis.fingerprint(
        None if lost else exchange.status,
        f"delivery code {exchange.delivery_code}" if lost else exchange.code,
        exchange.endpoint,
        exchange.failure if exchange.text is None else exchange.text,
    )


def _rank(finding: Finding | None) -> int:
    """Return how much the first finding on a row that did not fail deserves a look."""
    if finding is None or finding.rule in _SAID_OF_ALL:
        return 0
    return 2 if finding.severity == "warning" else 1


def without_quote(says: str) -> str:
    """
    Return what a finding says without the message of the API, where that is shown anyway.

    Examples
    --------
    >>> without_quote("The group is not known. API message: 'no such group'.")
    'The group is not known.'
    """
    return _QUOTED.sub("", says)


def _readable(row: Exchange) -> Exchange:
    """
    Return a row with its JSON repaired, where that is certain.

    In broken JSON a message seems to go on into the fields behind it, whose names are nobody's.
    """
    body = row.request_body
    if not body or isinstance(value_of(body), dict | list):
        return row
    repaired = repaired_json(body)
    return row if repaired is None or repaired == body else replace(row, request_body=repaired)


def _named(record: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a record with its keys as texts."""
    return {str(name): value for name, value in record.items()}
