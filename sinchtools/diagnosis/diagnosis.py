"""
Take an exchange and return findings.

They say what is wrong, where, what to do, whether to repeat it, and what to write in the ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from sinchtools.api import deliveries
from sinchtools.api.description import complete, locate
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.html import filled
from sinchtools.core.json import at_pointer
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange, Finding, visible
from sinchtools.core.words import listed, times
from sinchtools.diagnosis import beside, fixes, showing
from sinchtools.diagnosis.assessment import Assessment, assess
from sinchtools.diagnosis.beside import Known, known
from sinchtools.diagnosis.generic_http import parsed
from sinchtools.diagnosis.repeating import Retry, retry_of, why_not_fixable
from sinchtools.diagnosis.retries import Attempt, attempts, of_the_same_calls
from sinchtools.diagnosis.rules import finding_of
from sinchtools.evidence.formats.exception import exchange_of
from sinchtools.privacy.masks import without_people
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROUNDS = 5
_MOST_SHOWN = 20
_SETTLED = ("no-response", "accepted-twice")  # what both attempts' batches tell better
_LONGEST_LINE = 300
_OF_PEOPLE = ("to", "to_add", "to_remove", "members", "add", "remove", "recipients", "from", "body")
_FINDING_KEYS = (
    "rule", "severity", "status", "code", "location", "field", "pointer", "line", "column", "says",
    "then", "page", "fix", "proof", "tag", "engineer",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """
    What is said about one exchange.

    Attributes
    ----------
    exchange
        The evidence.
    findings
        The first is the answer.
    expected_status, expected_code
        What the API answers to this request, as far as can be known.
    consistent
        Whether the findings agree with the answer; None when there is none, or no request to hold
        it against.
    attempt
        Which attempt of its call it is, when the evidence shows that it was repeated.
    clock
        The moment that dates and tokens were held against.
    """

    exchange: Exchange
    findings: tuple[Finding, ...]
    expected_status: int | None
    expected_code: str | None
    consistent: bool | None
    attempt: Attempt | None = None
    clock: datetime = field(repr=False, compare=False)

    @property
    def top(self) -> Finding | None:
        """The first finding, or None when nothing is worth a word."""
        return self.findings[0] if self.findings else None

    @cached_property
    def fix(self) -> fixes.Fix | None:
        """
        The suggested fix, or None when there is none.

        It covers errors that show only after the first one is fixed.
        """
        fix = fixes.suggested_fix(self.exchange, self.findings)
        for _ in range(_MOST_ROUNDS):
            further = fix and fixes.suggested_fix(
                fix.exchange, assess(fix.exchange, self.clock).findings
            )
            if not fix or not further:
                break
            fix = fixes.joined(self.exchange, fix, further)
        return fix

    @cached_property
    def retry(self) -> Retry:
        """
        Whether to repeat the request, judged by its response.

        If the evidence shows no response, the expected one is used.
        """
        return retry_of(self)

    @property
    def failing(self) -> bool:
        """Whether something was found that the API refuses."""
        return self.top is not None and self.top.severity == "error"

    @property
    def not_fixable_because(self) -> str:
        """Why no change of the request can help, or nothing."""
        return why_not_fixable(self)

    def as_json(self) -> dict[str, Any]:
        """Return the object that the command line prints."""
        attempt = self.attempt
        return {
            "id": self.exchange.id,
            "source": self.exchange.source,
            "observed_status": self.exchange.status,
            "observed_code": self.exchange.code,
            "expected_status": self.expected_status,
            "expected_code": self.expected_code,
            "consistent": self.consistent,
            "findings": [
                {key: getattr(finding, key) for key in _FINDING_KEYS} for finding in self.findings
            ],
            "retry": self.retry._asdict(),
            "attempt": {"number": attempt.number, "of": attempt.of, "by": attempt.detected_by}
            if attempt
            else None,
            "changes": list(self.fix.changes) if self.fix else [],
        }

    def as_text(self) -> str:
        """Return the findings for a terminal, with a caret under the character at fault."""
        return showing.as_text(self)

    def answer(self) -> str:
        """
        Return the few lines for the ticket: what, where, what to do, proof.

        If the vendor must act, return the message to the account manager.
        """
        found = people_of(self.exchange, self.top) if self.top else ()
        return visible(without_people(showing.in_lines(self), *found))

    def _repr_html_(self) -> str:
        return showing.as_html(self)

    def __repr__(self) -> str:
        """Show the answer in one line."""
        top = self.top
        return visible(
            f"<Diagnosis {self.exchange.id}: {top.rule if top else 'nothing wrong found'}>"
        )


def people_of(exchange: Exchange, finding: Finding) -> Iterator[str]:
    """
    Yield the values that a finding is about and that may be a person's.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> bad = Exchange(method="POST", url=url, request_body='{"to": ["5550123"], "body": "Hi"}')
    >>> [person for one in diagnose(bad).findings for person in people_of(bad, one)]
    ['5550123']
    """
    if finding.pointer and finding.field in _OF_PEOPLE:
        value = at_pointer(parsed(exchange.request_body), finding.pointer)
        yield from [value[:_LONGEST_LINE]] if isinstance(value, str) else ()
    if number := locate(exchange.url or "").values.get("recipient_msisdn"):
        yield number


class Diagnoses(list[Diagnosis]):
    """The diagnoses of a whole piece of evidence, in its order."""

    def as_json(self) -> dict[str, Any]:
        """Return the document that the command line prints."""
        return {"diagnoses": [one.as_json() for one in self]}

    def as_text(self) -> str:
        """Return each of them for a terminal."""
        return "\n\n".join(one.as_text() for one in self)

    def frame(self) -> pd.DataFrame:
        """
        Return one row per exchange.

        It has the actual response, the expected response and the first finding.
        """
        import pandas as pd

        names = [
            "id",
            "source",
            "observed_status",
            "observed_code",
            "expected_status",
            "expected_code",
            "consistent",
        ]
        found = ["rule", "severity", "location", "field", "says", "then"]
        rows = [
            [
                *(one.as_json()[name] for name in names),
                *(getattr(one.top, name, None) for name in found),
                one.retry.advice,
            ]
            for one in self
        ]
        frame = pd.DataFrame(rows, columns=[*names, *found, "retry"])
        return frame.astype(
            {
                name: {"status": "Int16", "consistent": "boolean"}.get(
                    name.split("_")[-1], "string"
                )
                for name in frame.columns
            }
        )

    def _repr_html_(self) -> str:
        shown = self[:_MOST_SHOWN]
        return filled("sinchtools.diagnosis", "diagnoses.html", shown=shown, total=len(self))


_Evidence = Exchange | BaseException | Mapping[str, Any]


@overload
def diagnose(
    evidence: _Evidence, *, now: datetime | None = None, history: Iterable[Exchange] = ()
) -> Diagnosis: ...
@overload
def diagnose(
    evidence: str | bytes, *, now: datetime | None = None, history: Iterable[Exchange] = ()
) -> Diagnosis | Diagnoses: ...
@overload
def diagnose(
    evidence: Iterable[Exchange], *, now: datetime | None = None, history: Iterable[Exchange] = ()
) -> Diagnoses: ...


def diagnose(
    evidence: _Evidence | str | bytes | Iterable[Exchange],
    *,
    now: datetime | None = None,
    history: Iterable[Exchange] = (),
) -> Diagnosis | Diagnoses:
    """
    Say what is wrong with an exchange, where exactly, and what to do; nothing is sent.

    Parameters
    ----------
    evidence
        One exchange, several; an exception that the vendor's SDK or requests raised; a row as a
        dict; or pasted text of any kind that `sinchtools.read` knows, where one exchange gives one
        diagnosis.
    now
        The moment that dates and tokens are held against; without it, the one at which each
        exchange left, else the present.
    history
        Other exchanges of the same evidence: a token that works elsewhere, a report on a batch.

    Returns
    -------
    Diagnosis or Diagnoses
        One for one exchange, several for several.

    Raises
    ------
    WrongUseError
        The evidence is none of these.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> body = '{"to": ["++15551230001"], "from": "15559870002", "body": "Hi"}'
    >>> sent = Exchange(method="POST", url=url, request_headers=headers, request_body=body)
    >>> found = diagnose(sent)
    >>> found.top.rule, found.expected_status, found.top.pointer
    ('msisdn-doubled-plus', 400, '/to/0')
    """
    exchanges, several = _exchanges(evidence)
    history = list(history)
    exchanges = deliveries.joined([*exchanges, *history])[: len(exchanges)]
    moment = now if now is None or now.tzinfo else now.replace(tzinfo=UTC)
    others = known([*exchanges, *history])
    calls = attempts([*exchanges, *of_the_same_calls(exchanges, history)])
    found = Diagnoses(
        _diagnosed(exchange, moment, others, calls.get(i)) for i, exchange in enumerate(exchanges)
    )
    return found if several else found[0]


def _exchanges(evidence: Any) -> tuple[list[Exchange], bool]:
    """Return what is to be diagnosed, and whether it came as many."""
    if isinstance(evidence, BaseException):
        return [exchange_of(evidence)], False
    if isinstance(evidence, Exchange):
        return [evidence], False
    if isinstance(evidence, Mapping):
        return [_from_row(evidence)], False
    if isinstance(evidence, str | bytes):
        return _pasted(evidence)
    if not isinstance(evidence, Iterable):
        raise WrongUseError(
            f"A {type(evidence).__name__} cannot be diagnosed.",
            hint="Read it first: st.diagnose(st.read(...)).",
        )
    exchanges = list(evidence)
    if odd := next((one for one in exchanges if not isinstance(one, Exchange)), None):
        raise WrongUseError(
            f"A {type(odd).__name__} is not an exchange.",
            hint="Read it first: st.diagnose(st.read(...)).",
        )
    return exchanges, True


def _from_row(row: Mapping[str, Any]) -> Exchange:
    if unknown := sorted(map(str, set(row) - {*EXCHANGE_FIELDS, "outcome"})):
        raise WrongUseError(
            f"An exchange has no {told(unknown[0])}.",
            hint=f"Its columns are {', '.join(EXCHANGE_FIELDS)}.",
        )
    given = {name: value for name, value in row.items() if name != "outcome" and value is not None}
    return complete(Redactor().exchange(Exchange(**given)))


def _pasted(text: str | bytes) -> tuple[list[Exchange], bool]:
    from sinchtools.evidence import read

    evidence = read(text)
    if not evidence.exchanges:
        raise WrongUseError("No exchange was read from this.", hint=evidence.summary)
    return list(evidence), len(evidence) > 1


def _diagnosed(
    exchange: Exchange, now: datetime | None, others: Known, attempt: Attempt | None
) -> Diagnosis:
    clock = now or exchange.at or datetime.now(UTC)
    found: Assessment = assess(exchange, clock, others)
    findings = tuple(beside.with_country(exchange, one, others) for one in found.findings)
    status, code = found.status, found.code
    is_sure = attempt is not None and attempt.is_sure and bool(attempt.lost)
    if is_sure and exchange.status is None:
        findings, (status, code) = _as_accepted(findings), (201, None)
    proven = next(others.sends.facts(exchange), None) if is_sure else None
    if attempt and proven:
        told = finding_of(exchange, "sent-twice", facts=proven | _of_lost(attempt))
        rest = [one for one in findings if one.rule not in _SETTLED]
        errors = [one for one in rest if one.severity == "error"]
        findings = (*errors, told, *(one for one in rest if one.severity != "error"))
    elif attempt:
        notes = [one for one in findings if one.severity == "note"]
        rest = [one for one in findings if one.severity != "note"]
        told = _retried(exchange, attempt)
        findings = (*rest, told, *notes) if is_sure else (*findings, told)
    return Diagnosis(
        exchange=exchange,
        findings=findings,
        expected_status=status,
        expected_code=code,
        consistent=found.consistent,
        attempt=attempt,
        clock=clock,
    )


def _as_accepted(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings on a request that was accepted when it was sent again."""
    return tuple(one for one in findings if one.severity != "error")


def _retried(exchange: Exchange, attempt: Attempt) -> Finding:
    seconds = None if attempt.seconds is None else _seconds(attempt.seconds)
    facts = {
        "observed": attempt.number,
        "limit": attempt.of,
        "value": seconds,
        "last": attempt.last,
    }
    rule = "attempt-of-call" if attempt.detected_by == "call_id" else "attempt-by-time"
    if attempt.lost:
        rule = "maybe-sent-twice" if attempt.is_sure else "maybe-sent-again"
        return finding_of(exchange, rule, facts=facts | _of_lost(attempt))
    return finding_of(exchange, rule, severity="note", location="rate", facts=facts)


def _of_lost(attempt: Attempt) -> dict[str, str]:
    """Return the words on attempts that may have sent a message, before one that did."""
    number = len(attempt.lost)
    is_one = number == 1
    return {
        "times": times(attempt.of),
        "lost": listed([*dict.fromkeys(attempt.lost)]),
        "earlier": "An earlier attempt" if is_one else f"{number} earlier attempts",
        "it": "it was" if is_one else "they were",
        "often": "twice" if is_one else f"up to {number + 1} times",
    }


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    return "1 second" if whole == 1 else f"{whole:,} seconds" if whole else "less than a second"
