"""
Take an exchange and return findings.

They say what is wrong, where, what to do, whether to repeat it, and what to write in the ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, overload

from sinchtools.api import catalogue, deliveries
from sinchtools.api.description import complete, locate
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.html import card, untypeset
from sinchtools.core.json import at_pointer
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange, Finding, header, in_words, visible
from sinchtools.diagnosis import beside, fixes, json_errors
from sinchtools.diagnosis.assessment import Assessment, assess
from sinchtools.diagnosis.beside import Known, known
from sinchtools.diagnosis.generic_http import parsed
from sinchtools.diagnosis.retries import Attempt, attempts
from sinchtools.diagnosis.rules import finding_of, text_of
from sinchtools.diagnosis.rules import in_words as vendor_words
from sinchtools.evidence.formats.exception import exchange_of
from sinchtools.privacy.masks import without_people
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROUNDS = 5
_MOST_SHOWN = 20
_LONGEST_LINE = 300
_OF_PEOPLE = ("to", "to_add", "to_remove", "members", "add", "remove", "recipients", "from", "body")
_FINDING_KEYS = (
    "rule", "severity", "status", "code", "location", "field", "pointer", "line", "column", "says",
    "then", "page", "fix", "proof", "tag", "engineer",
)  # fmt: skip
_OUTSIDE = {  # where the first finding lies: why no change of the request can help
    "server": "the cause is on the API's side or on the way there, not in the request",
    "account": "the cause is the account, not the request",
    "rate": "the request is fine, and only slower sending helps",
}
_RETRY_OF_PLACE: dict[
    tuple[int | None, str], str
] = {  # of a mistake that the request shows: why it fails again
    (401, "header"): "The same header is refused again.",
    (401, "path"): "The same path is refused again.",
    (404, "path"): "The same path is refused again.",
    (404, "host"): "The same host is wrong again.",
}
_RETRY_OF_RULE = {
    "observed-token-401": "The same key ID and key secret are refused again.",
    "observed-token-invalid_client": "The same key ID and key secret are refused again.",
    "observed-classic": "That API is retired.",
}
_ELSEWHERE = ("not-the-sms-api", "token-endpoint")
_LOOK_FOR_IT = re.compile(r"Check first: GET /batches.*")
_TRACE_HEADERS = ("x-request-id", "x-correlation-id", "x-amzn-trace-id", "date")


class Retry(NamedTuple):
    """Whether to repeat the request (one of `catalogue.RETRY`), and why."""

    advice: str
    reason: str

    def __str__(self) -> str:
        """Return the advice and its reason as sentences."""
        return f"{catalogue.RETRY[self.advice]}. {self.reason}"


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
    prove
        Run the original and its repair in the sandbox (`sinchtools.replays.proof.prove`).
    """

    exchange: Exchange
    findings: tuple[Finding, ...]
    expected_status: int | None
    expected_code: str | None
    consistent: bool | None
    attempt: Attempt | None = None
    clock: datetime = field(repr=False, compare=False)
    prove: ClassVar[
        Callable[..., Any]
    ]  # proof.py, which stands on the sandbox and on this, puts it here

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
        fix = fixes.certain_fix(self.exchange, self.findings)
        for _ in range(_MOST_ROUNDS):
            further = fix and fixes.certain_fix(
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
        x = self.exchange
        if x.delivery_code is not None:
            entry = catalogue.explain(delivery=x.delivery_code)
            return Retry(entry.retry, entry.retry_reason)
        if deliveries.is_callback(x):
            return Retry("not-needed", "This was sent to you: there is no request to repeat.")
        answered = x.status is not None or x.failure is not None or not self.failing
        status, code = (
            (x.status, x.code) if answered else (self.expected_status, self.expected_code)
        )
        advice, reason = catalogue.retry_advice(
            status, code, x.method, failure=x.failure, html=x.is_html, endpoint=x.endpoint
        )
        if told := _why_again(self.top):
            reason, advice = told, "after-change"
        if any(finding.rule in _ELSEWHERE for finding in self.findings):
            reason = _LOOK_FOR_IT.sub("Look for it in that API first.", reason)
        asked = header(x.response_headers, "Retry-After")
        return Retry(
            advice,
            f"{reason} The response asks you to wait: Retry-After {asked[:40]}."
            if asked and advice == "after-wait"
            else reason,
        )

    @property
    def failing(self) -> bool:
        """Whether something was found that the API refuses."""
        return self.top is not None and self.top.severity == "error"

    @property
    def not_fixable_because(self) -> str:
        """Why no change of the request can help, or nothing."""
        top = self.top
        if top is None or not self.failing:
            return ""
        if top.rule.startswith("observed-401"):
            return "the header is well-formed, and only another token, account or region helps"
        return (
            _OUTSIDE["server"]
            if (self.exchange.status or 0) >= 500
            else _OUTSIDE.get(top.location, "")
        )

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
            "attempt": {"number": attempt.number, "of": attempt.of, "by": attempt.by}
            if attempt
            else None,
            "changes": list(self.fix.changes) if self.fix else [],
        }

    def as_text(self) -> str:
        """Return the findings for a terminal, with a caret under the character at fault."""
        lines = [
            f"{self.exchange.source or self.exchange.id or 'exchange'}:"
            f" {_request_line(self.exchange)}",
            f"  {self._verdict()}",
        ]
        for finding in self.findings:
            lines += ["", *(f"  {line}" for line in self._lines(finding))]
        return visible("\n".join([*lines, "", f"  {self.retry}"]))

    def answer(self) -> str:
        """
        Return the few lines for the ticket: what, where, what to do, proof.

        If the vendor must act, return the message to the account manager.
        """
        found = people_of(self.exchange, self.top) if self.top else ()
        return visible(without_people(self._in_lines(), *found))

    def _in_lines(self) -> str:
        top = self.top
        if top is None or not self.failing:
            extra = f" {top.says} {top.then}" if top else ""
            return f"No problem was found in this request ({_request_line(self.exchange)}).{extra}"
        if top.location in ("server", "account") or (self.exchange.status or 0) >= 500:
            return self._for_account_manager(top)
        parts = {
            "What": top.says,
            "Where": f"{_place(top)} of {_request_line(self.exchange)}",
            "Do": top.then,
            "Change": "; ".join(self.fix.changes) if self.fix else None,
            "Proof": top.proof,
            "Changing the request does not help": self.not_fixable_because,
            "Retry": f"{catalogue.retry_in_words(self.retry.advice)}. {self.retry.reason}",
            "Source": f"{top.page} ({top.tag})",
        }
        return "\n".join(f"{name}: {words}" for name, words in parts.items() if words)

    def _for_account_manager(self, top: Finding) -> str:
        x = self.exchange
        to = parsed(x.request_body).get("to") if isinstance(parsed(x.request_body), dict) else None
        facts = {
            "Account": x.account,
            "Region": x.region,
            "Operation": x.endpoint or x.method,
            "Time (UTC)": x.at and x.at.strftime("%Y-%m-%d %H:%M:%S"),
            "Response": x.status_in_words,
            "API message": vendor_words(x.text) if x.text else None,
            "Recipients": len(to) if isinstance(to, list) else None,
            "Attempts": self.attempt and self.attempt.of,
            **{name: header(x.response_headers, name) for name in _TRACE_HEADERS},
        }
        listed = "\n".join(
            f"- {name}: {str(value)[:200]}" for name, value in facts.items() if value
        )
        ask = (
            f"Changing the request does not help: {self.not_fixable_because}. Please check the "
            f"account and the service, and tell us the cause."
        )
        return (
            f"To the account manager:\n{top.says}\n{listed}\n{ask}\n\nMeanwhile: {top.then}\n"
            f"{self.retry}"
        )

    def _verdict(self) -> str:
        observed = self.exchange.status_in_words
        if self.exchange.delivery and self.exchange.outcome in ("success", "not_delivered"):
            return f"{observed}{self._of_delivery()}."
        expected = in_words(self.expected_status, self.expected_code) or "not known"
        if not self.failing:
            if self.exchange.status and self.exchange.status == self.expected_status:
                return f"Response: {observed}, as expected. No problem found."
            return f"Response: {observed}. No problem found in the request (expected: {expected})."
        if self.exchange.code and not self.exchange.status:
            return f"Response: {observed}, without its status (expected: {expected})."
        if self.exchange.status is None or self.exchange.status < 100:
            return f"Response: {observed}. Expected from the request alone: {expected}."
        agree = {
            True: ", as expected for this request.",
            False: ", which does not match the request shown.",
            None: ". The evidence does not show the whole request.",
        }[self.consistent]
        return f"Response: {observed}{agree}"

    def _of_delivery(self) -> str:
        if (self.exchange.delivery or "").endswith(deliveries.SENT):
            return " of a send in this evidence"
        return "" if self.failing else ", no problem found"

    def _lines(self, finding: Finding) -> list[str]:
        answer = f" -> {in_words(finding.status, finding.code)}" if finding.status else ""
        return [
            f"{finding.severity.upper()} {finding.rule} at {_place(finding)}{answer}",
            f"  {finding.says}",
            *(f"  | {line}" for line in self._caret(finding)),
            f"  Do: {finding.then}",
            *([f"  Details: {finding.engineer}"] if finding.engineer else []),
            f"  Source: {finding.page} ({finding.tag})",
        ]

    def _caret(self, finding: Finding) -> list[str]:
        text = text_of(self.exchange.request_body)
        if finding.line is None or finding.column is None or text is None:
            return [finding.proof] if finding.proof else []
        around, caret = json_errors.shown(
            text, _offset(text, finding.line, finding.column), is_masked=False
        )
        return [around, " " * caret + "^"]

    def _repr_html_(self) -> str:
        items = "".join(map(self._item, self.findings))
        retry = f"<p><b>{catalogue.RETRY[self.retry.advice]}.</b> {escape(self.retry.reason)}</p>"
        body = f"<p>{escape(self._verdict())}</p><ol style='padding-left:1.4em'>{items}</ol>{retry}"
        return visible(card(_request_line(self.exchange), body))

    def _item(self, finding: Finding) -> str:
        caret = "\n".join(self._caret(finding))
        code = (
            f"<pre style='margin:.3em 0;color:inherit;background:transparent'>{escape(caret)}</pre>"
            if caret
            else ""
        )
        engineer = f"<br><i>Details:</i> {escape(finding.engineer)}" if finding.engineer else ""
        source = escape(f"{_place(finding)} · {finding.rule} · {finding.page} ({finding.tag})")
        says = escape(f"{finding.severity}: {finding.says}")
        return (
            f"<li><b>{says}</b>{code}<br>{escape(finding.then)}{engineer}<br><small>{source}<"
            f"/small></li>"
        )

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


def _why_again(top: Finding | None) -> str | None:
    """Return why a repeat fails again, where the finding knows it better than the status."""
    if top is None or top.rule == "auth-expired":
        return None
    if top.rule.startswith("observed-"):
        return _RETRY_OF_RULE.get(top.rule)
    return _RETRY_OF_PLACE.get((top.status, top.location))


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
        more = (
            f"<p>Shown are {_MOST_SHOWN} of {len(self):,}.</p>" if len(self) > _MOST_SHOWN else ""
        )
        return untypeset("".join(one._repr_html_() for one in self[:_MOST_SHOWN]) + more)


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
    calls = attempts(exchanges)
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
    findings = (*findings, _retried(exchange, attempt)) if attempt else findings
    return Diagnosis(
        exchange=exchange,
        findings=findings,
        expected_status=found.status,
        expected_code=found.code,
        consistent=found.consistent,
        attempt=attempt,
        clock=clock,
    )


def _retried(exchange: Exchange, attempt: Attempt) -> Finding:
    seconds = None if attempt.seconds is None else _seconds(attempt.seconds)
    facts = {
        "observed": attempt.number,
        "limit": attempt.of,
        "value": seconds,
        "last": attempt.last,
    }
    rule = "attempt-of-call" if attempt.by == "call_id" else "attempt-by-time"
    return finding_of(exchange, rule, severity="note", location="rate", facts=facts)


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    return "1 second" if whole == 1 else f"{whole:,} seconds" if whole else "less than a second"


def _request_line(exchange: Exchange) -> str:
    if exchange.url is None and deliveries.is_callback(exchange):
        return "inbound message" if exchange.delivery == deliveries.INBOUND else "delivery report"
    line = (
        exchange.endpoint
        or f"{exchange.method or '?'} {locate(exchange.url).path if exchange.url else '(no URL)'}"
    )
    shown = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
    return shown.replace("%2B", "+").replace("%2b", "+")


def _place(finding: Finding) -> str:
    where = f"line {finding.line}, column {finding.column}" if finding.line else ""
    return ", ".join(
        part
        for part in (finding.location, finding.field or "", finding.pointer or "", where)
        if part
    )


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return min(at + column - 1, len(text))
