"""
Hold what one reading gave.

These are the exchanges, what was left out or guessed, and how many secrets were removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from sinchtools.core import columns
from sinchtools.core.errors import NoExchangeError, told
from sinchtools.core.html import filled
from sinchtools.core.records import Exchange, Skipped, as_dict, calls_of, most_frequent, visible
from sinchtools.core.words import counted
from sinchtools.privacy.seen import Digest

if TYPE_CHECKING:
    import pandas as pd

SHOWN, SHOWN_ANSWERS = 20, 6

_ONE_BEFORE = "earlier attempt of the same call not counted"
_SOME_BEFORE = "earlier attempts of the same calls not counted"


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """
    The exchanges of one reading and the report on it.

    Attributes
    ----------
    exchanges
        What was read, secrets removed, in the order of the evidence.
    skipped
        What was not read: where, why, how many in a row.
    warnings
        What was read but guessed.
    secrets
        How many secrets were removed, by place.
    formats
        How many exchanges came from which format.
    lines_used, lines
        How many lines of pasted text and logs belong to a row, and how many there are, empty ones
        left out; both 0 for forms of a whole file, such as HAR.
    kept
        Digests of the secrets, by which a case finds them wherever else they are quoted.

    Examples
    --------
    >>> from sinchtools.evidence import read
    >>> evidence = read("curl -X DELETE https://us.sms.api.sinch.com/xms/v1/plan/groups/g1 "
    ...                 "-H 'Authorization: Bearer abc123def456'")
    >>> evidence[0].request_headers, evidence.secrets_removed
    ({'Authorization': 'Bearer [secret opaque 12 #1]'}, 1)
    """

    exchanges: tuple[Exchange, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()
    secrets: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    lines_used: int = field(default=0, compare=False)
    lines: int = field(default=0, compare=False)
    kept: frozenset[Digest] = field(default=frozenset(), compare=False)

    @property
    def secrets_removed(self) -> int:
        """How many secrets were removed."""
        return sum(self.secrets.values())

    def __len__(self) -> int:
        return len(self.exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    @overload
    def __getitem__(self, key: int | str) -> Exchange: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Exchange, ...]: ...

    def __getitem__(self, key: int | str | slice) -> Exchange | tuple[Exchange, ...]:
        """Return the exchange at a position or with an id, or those of a slice."""
        if isinstance(key, slice):
            return self.exchanges[key]
        if isinstance(key, str):
            found = next((exchange for exchange in self.exchanges if exchange.id == key), None)
        else:
            found = self.exchanges[key] if -len(self) <= key < len(self) else None
        if found is None:
            hint = "Choose another status and code, or read other evidence."
            raise NoExchangeError(
                f"There is no exchange {told(key)}: the evidence has {len(self)}.",
                hint=f"Choose among these: {self.outcome}" if self.exchanges else hint,
            )
        return found

    def failing(self, status: int | None = None, code: str | None = None) -> Evidence:
        """
        Return the evidence with the failing rows only.

        If given, keep one status and one code only.
        """
        failing = (exchange for exchange in self.exchanges if exchange.outcome != "success")
        wanted = (
            x
            for x in failing
            if (status is None or x.status == status) and (code is None or x.code == code)
        )
        return replace(self, exchanges=tuple(wanted))

    def most_frequent(self) -> Evidence:
        """Return the evidence with the most frequent failure only; empty when nothing failed."""
        kinds = {kind for kind, _ in self.failures.most_common(1)}
        wanted = (x for x in self.exchanges if x.failed and x.status_in_words in kinds)
        return replace(self, exchanges=tuple(wanted))

    def frame(self) -> pd.DataFrame:
        """Return one row per exchange with the columns of `columns.COLUMNS`."""
        return columns.frame(self.exchanges)

    def as_json(self) -> dict[str, Any]:
        """Return what `sinchtools read --json` prints."""
        return {
            "exchanges": [columns.as_json(exchange) for exchange in self.exchanges],
            "failing": [
                {"answer": answer, "count": count} for answer, count in self.failures.most_common()
            ],
            "skipped": [as_dict(skipped) for skipped in self.skipped],
            "warnings": [as_dict(warning) for warning in self.warnings],
            "secrets_removed": self.secrets_removed,
        }

    @property
    def failures(self) -> Counter[str]:
        """
        How many calls failed with which response.

        A response is such as ``403 missing_callback_url``, or the class of a network error. A call
        is its last attempt, as in charts and reports.
        """
        return Counter(
            {some[0].status_in_words: len(some) for some in most_frequent(self.exchanges)}
        )

    @property
    def outcome(self) -> str:
        """How many calls failed, with which statuses and codes, in one sentence."""
        calls = calls_of(self.exchanges)
        failures = Counter(one.status_in_words for one in calls if one.failed)
        silent = sum(one.outcome == "no_response" and not one.failed for one in calls)
        well = len(calls) - failures.total() - silent
        named = ", ".join(
            f"{answer} ×{count:,}" for answer, count in failures.most_common(SHOWN_ANSWERS)
        )
        rest = [count for _, count in failures.most_common()[SHOWN_ANSWERS:]]
        named += f", {len(rest):,} other responses ×{sum(rest):,} in all" if rest else ""
        sent = sum(one.status is not None or one.outcome != "success" for one in self.exchanges)
        before = sent - len(calls)
        counts = {
            f"failing: {named}": failures.total(),
            "not failing": well,
            "without a response": silent,
            _ONE_BEFORE if before == 1 else _SOME_BEFORE: before,
        }
        parts = [f"{count:,} {words}" for words, count in counts.items() if count]
        return "; ".join(parts) + "." if parts else ""

    @property
    def summary(self) -> str:
        """The report in a few lines of text."""
        lines = [self.outcome] if self.exchanges else []
        lines.append(self._what_was_read())
        for head, entries in self._lists():
            lines += [f"{head}:", *(f"  {words}" for words in _listed(entries))]
        return visible("\n".join(lines))

    def __repr__(self) -> str:
        """Show the numbers, never a header or a body."""
        return (
            f"<Evidence: {len(self)} exchanges, {sum(s.count for s in self.skipped)} "
            f"skipped, {self.secrets_removed} secrets removed>"
        )

    def __str__(self) -> str:
        return self.summary

    def _what_was_read(self) -> str:
        used = f" from {self.lines_used:,} of {self.lines:,} lines" if self.lines else ""
        return (
            f"{counted(len(self), 'exchange')} "
            f"read{used}{_of(self.formats)}; {counted(self.secrets_removed, 'secret')} "
            f"removed{_of(self.secrets)}."
        )

    def _lists(self) -> list[tuple[str, tuple[Skipped, ...]]]:
        heads = (
            f"Not read, {counted(sum(skipped.count for skipped in self.skipped), 'piece')}",
            "Read, but guessed",
        )
        return [
            (head, listed)
            for head, listed in zip(heads, (self.skipped, self.warnings), strict=True)
            if listed
        ]

    def _repr_html_(self) -> str:
        first = sorted(self.exchanges, key=lambda exchange: not exchange.failed)[:SHOWN]
        return filled(
            "sinchtools.evidence",
            "evidence.html",
            outcome=self.outcome if self.exchanges else "",
            read=self._what_was_read(),
            lists=[(head, _listed(entries)) for head, entries in self._lists()],
            rows=[_cells(exchange) for exchange in first],
            total=len(self),
        )


def _cells(exchange: Exchange) -> dict[str, str]:
    code = exchange.delivery_code
    return {
        "at (UTC)": f"{exchange.at:%Y-%m-%d %H:%M:%S}" if exchange.at else "",
        "request": exchange.endpoint
        or f"{exchange.method or '?'} {(exchange.url or '?').partition('?')[0]}",
        "status": str(exchange.status or exchange.failure or _unanswered(exchange)),
        "code": exchange.code or ("" if code is None else f"delivery code {code}"),
        "id": exchange.id,
        "source": exchange.source or "",
    }


def _unanswered(exchange: Exchange) -> str:
    if exchange.outcome == "no_response":
        return "no response"
    return exchange.status_in_words.split(",")[0]


def _listed(entries: tuple[Skipped, ...]) -> list[str]:
    """Return what is to say of each, of the first ones only."""
    more = [f"and {len(entries) - SHOWN:,} more"] if len(entries) > SHOWN else []
    return [*map(_said, entries[:SHOWN]), *more]


def _said(entry: Skipped) -> str:
    in_a_row = f" ({entry.count} in a row)" if entry.count > 1 else ""
    return f"{entry.source}: {entry.reason}{in_a_row}"


def _of(counts: Counter[str]) -> str:
    listed = ", ".join(f"{name} {number:,}" for name, number in counts.most_common(8))
    return f" ({listed})" if listed else ""
