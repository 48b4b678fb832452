"""How the workbench says what it shows: titles, facts, and the words of states."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from sinchtools.api import catalogue, deliveries
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.words import counted, moment, short, who_says
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.notebook.workbench.state import State

LONGEST_ACCOUNT = 16
_MOST_FACTS = 5
_WAS = re.compile(r", not [^,]+\.?$")


class Fact(NamedTuple):
    """A figure of the header: its name, its value, and a smaller line below."""

    name: str
    value: str
    more: str = ""


class Step(NamedTuple):
    """A step of a message on its way."""

    tone: str
    title: str
    lines: tuple[str, ...]


class Heading(NamedTuple):
    """What is read in the first second."""

    status: str
    title: str
    tone: str = "bad"
    aside: str = ""
    said: str = ""
    facts: tuple[Fact, ...] = ()
    flow: tuple[Step, ...] = ()


def heading(state: State) -> Heading:
    """Return what the request in front, or the whole case, is about."""
    front, diagnosis = state.exchange, state.diagnosis
    if front is None or diagnosis is None:
        n = len(state.requests)
        said = "If a message did not arrive, add its delivery report."
        title = f"{counted(n, 'request')}, none failed" if n else "No request was found"
        return Heading(status="", title=title, said=said if n else "", tone="good")
    if front.outcome == "not_delivered":
        return _undelivered(state, front, diagnosis)
    if front.failed:
        return _refused(state, front, diagnosis)
    return _unanswered(front, diagnosis)


def _refused(state: State, front: Exchange, diagnosis: Diagnosis) -> Heading:
    phrase = _phrase(front.status)
    title = front.code or phrase or front.failure or "No response"
    aside = phrase if front.code and phrase else ""
    if front.status and not front.code and not front.response_body:
        aside = "empty response body"
        if front.response_body is None and not front.response_headers:
            aside = "no response body in the evidence"
    return Heading(
        status=str(front.status or ""),
        title=title,
        aside=aside,
        said=f"{who_says(front.status, front.failure)}: “{front.text}”" if front.text else "",
        facts=_facts(
            _endpoint(front),
            _time(front.at),
            _account(front),
            _failing(state, "Failing"),
            Fact("Retry", catalogue.retry_in_words(diagnosis.retry.advice)),
        ),
    )


def _undelivered(state: State, front: Exchange, diagnosis: Diagnosis) -> Heading:
    number = front.delivery_code
    entry = None if number is None else catalogue.explain(delivery=number)
    is_report = deliveries.is_callback(front)
    title = "Not delivered" if is_report else "Accepted, then not delivered"
    name = f"delivery code: {entry.title}" if entry else ""
    flow = () if is_report else _flow(front)
    return Heading(
        status=str(number or ""),
        title=title,
        aside=name,
        said="" if is_report else "The batch was accepted. Accepted does not mean delivered.",
        facts=_facts(
            _time(front.at) if is_report else None,
            _account(front),
            _failing(state, "Not delivered"),
            Fact("Retry", catalogue.retry_in_words(diagnosis.retry.advice)),
        ),
        flow=flow,
    )


def _flow(front: Exchange) -> tuple[Step, ...]:
    sent = Step("good", "Sent", tuple(filter(None, (front.endpoint, moment(front.at)))))
    taken = Step("good", f"{front.status} {_phrase(front.status)}".strip(), (_batch(front),))
    said = (front.delivery or "").removesuffix(deliveries.SENT).strip()
    lost = Step("bad", said or "Not delivered", ("Delivery report",))
    return sent, taken, lost


def _batch(front: Exchange) -> str:
    batch = deliveries.batch_sent_by(front)
    return f"Batch {batch}" if batch else "Accepted"


def _unanswered(front: Exchange, diagnosis: Diagnosis) -> Heading:
    if not diagnosis.failing:
        title = "Nothing wrong was found"
        return Heading(status="", title=title, tone="good", facts=_facts(_endpoint(front)))
    return Heading(
        status=str(diagnosis.expected_status or ""),
        title=diagnosis.expected_code or _phrase(diagnosis.expected_status),
        aside="expected: the evidence shows no response",
        facts=_facts(_endpoint(front), _time(front.at), _account(front)),
    )


def _facts(*facts: Fact | None) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact and fact.value)[:_MOST_FACTS]


def _phrase(status: int | None) -> str:
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return ""


def _endpoint(front: Exchange) -> Fact:
    bare = (front.url or "").partition("?")[0]
    return Fact("Endpoint", front.endpoint or " ".join(filter(None, (front.method, bare))))


def _time(at: datetime | None) -> Fact | None:
    return Fact("Time", moment(at).replace(f" {at.year}", ""), str(at.year)) if at else None


def _account(front: Exchange) -> Fact | None:
    if not front.account:
        return None
    region = f"{front.region.upper()} region" if front.region else ""
    return Fact("Account", short(front.account, LONGEST_ACCOUNT), region)


def _failing(state: State, name: str) -> Fact:
    return Fact(name, f"{len(state.siblings):,} of {counted(len(state.requests), 'request')}")


# --- findings -------------------------------------------------------------------------------------


def place_of(finding: Finding) -> str:
    """Return where a finding is, in words."""
    field = finding.field or ""
    at = f"line {finding.line}, column {finding.column}" if finding.line else ""
    return ", ".join(filter(None, (field or finding.location, at)))


def title_and_words(
    finding: Finding, change: str | None, *, is_swapped: bool = False
) -> tuple[str, str]:
    """
    Return the title of a finding, which is its fix where there is one, and the line below.

    What the value was is left out where it is shown below.
    """
    if change:
        return (_WAS.sub("", change) if is_swapped else change).rstrip("."), ""
    says = first_sentence(finding.says)
    return says.rstrip("."), first_sentence(finding.then)


def first_sentence(text: str) -> str:
    """
    Return the first sentence of a text.

    Examples
    --------
    >>> first_sentence("Remove the comma. Check the JSON.")
    'Remove the comma.'
    """
    head, found, _ = text.partition(". ")
    return f"{head}." if found else head


# --- the case -------------------------------------------------------------------------------------


def counts(state: State) -> str:
    """Return how much the case holds and how much of it failed."""
    rows = len(state.requests)
    if not rows and state.is_held and state.case:
        kept = sum(one.rows for one in state.case.readings)
        return counted(kept, "row") if kept else ""
    if not rows:
        return "No evidence yet"
    failed = len(state.failing)
    lost = sum(one.outcome == "not_delivered" for one in state.failing)
    word = "not delivered" if lost == failed and lost else "failed"
    return f"{counted(rows, 'request')}, {failed:,} {word}"
