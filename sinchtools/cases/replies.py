"""
Write the reply to the customer, and what the account manager needs, from what was proven.

The words are in ``templates``. Nothing is in them that is not in the evidence or in a replay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from sinchtools.api import catalogue, deliveries
from sinchtools.cases.case import Case
from sinchtools.cases.commands import as_curl
from sinchtools.cases.story import Story
from sinchtools.cases.telling import told_of
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.words import counted, moment, response, spelled, who_says
from sinchtools.privacy.gate import refuse_leaks
from sinchtools.replays.proof import Proof
from sinchtools.replays.results import Result

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_OTHERS = 3
_SENT_AGAIN = ("sent-twice", "maybe-sent-twice")
_TO_CUSTOMERS = {  # words of the catalogue, which are for engineers: what a customer reads
    "the account manager": "your account manager",
    "The account manager": "Your account manager",
}
LENGTHS = ("short", "full")
_TRACES = ("x-request-id", "x-correlation-id", "x-amzn-trace-id")


def reply(
    what: Case | Exchange | Iterable[Exchange],
    *,
    exchange: Exchange | str | None = None,
    proof: Result | Proof | None = None,
    length: str = "short",
) -> str:
    """
    Return the reply to the customer as plain text, people hidden.

    It tells of one account: what failed, every change of the proof and no other, and what a person
    has to check.

    Parameters
    ----------
    what
        A case, or evidence.
    exchange
        The request that the reply is about, or its id; None takes the request of the proof, else
        the most frequent failure.
    proof
        A replay or a proof with verdict FIXED; None takes the last one that the case knows. With
        any other verdict, the reply claims no proof.
    length
        ``short``, or ``full``: with the reasons, the request that works and the sources.

    Returns
    -------
    str
        Plain text with line breaks.

    Raises
    ------
    LeakError
        A secret would be in the reply.
    WrongUseError
        There is no request, none with that id, or no such length.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> bad = Exchange(id="a", method="POST", url=url, request_body='{"to": [],}', status=400,
    ...                code="syntax_invalid_json", endpoint="POST /batches")
    >>> print(reply(bad).splitlines()[2])
    Your request to POST /batches failed with 400 syntax_invalid_json.
    """
    if length not in LENGTHS:
        raise WrongUseError(
            f"A reply cannot be {told(length)}.", hint=f"Use one of: {', '.join(LENGTHS)}."
        )
    return reply_of(told_of(what, about=exchange, given=proof, is_text=True), length)


def escalation(
    what: Case | Exchange | Iterable[Exchange], *, exchange: Exchange | str | None = None
) -> str:
    """
    Return what the account manager needs to know, or nothing when only the request is at fault.

    Parameters
    ----------
    what, exchange
        As in `reply`.

    Examples
    --------
    >>> bad = Exchange(id="a", status=503, account="p1", endpoint="GET /batches", method="GET")
    >>> print(escalation(bad).splitlines()[0])
    Service plan p1: GET /batches failed with 503 Service Unavailable.
    >>> escalation(Exchange(id="a", status=400, code="syntax_invalid_json"))
    ''
    """
    return escalation_of(told_of(what, about=exchange, is_text=True))


def reply_of(story: Story, length: str = "short") -> str:
    """Return the reply of a story that is known already."""
    return _written(story, "reply.txt", is_full=length == "full")


def escalation_of(story: Story) -> str:
    """Return the text for the account manager of a story that is known already."""
    top = story.diagnosis.top
    is_theirs = story.kind == "vendor" or (
        story.kind == "undelivered" and top is not None and top.location in ("account", "server")
    )
    return _written(story, "escalation.txt") if is_theirs else ""


def _written(story: Story, template: str, **facts: Any) -> str:
    text = _templates().get_template(template).render(story=story, **facts_of(story), **facts)
    text = "\n".join(line.rstrip() for line in text.strip().splitlines())
    text = story.plain(re.sub(r"\n{3,}", "\n\n", text))
    refuse_leaks(text.encode("utf-8", "replace"), story.known, where="The reply")
    return text


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(  # plain text: nothing is escaped
        loader=PackageLoader("sinchtools.cases"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(counted=counted, moment=moment, spelled=spelled, yours=_yours)
    return made


def _yours(words: str) -> str:
    for catalogue_words, customers_words in _TO_CUSTOMERS.items():
        words = words.replace(catalogue_words, customers_words)
    return words


def facts_of(story: Story) -> dict[str, Any]:
    """Return what the templates are filled from."""
    row, diagnosis = story.masks.exchange(story.example), story.diagnosis
    group = story.group or {}
    errors = [one for one in story.findings if one.severity == "error"]
    told = [one for one in diagnosis.findings if one.severity != "note"]
    return {
        "row": row,
        "response": response_of(row),
        "who": who_says(row.status, row.failure),
        "n": int(group.get("n") or 1),
        "n_calls": int(story.counted["n"]),
        "n_reports": sum(one.endpoint == "callback" for one in story.rows),
        "first": moment(group.get("first") or row.at),
        "last": moment(group.get("last") or row.at),
        "errors": errors,
        "warnings": [one for one in story.findings if one.severity == "warning"],
        "repeated": next((x for x in story.findings if x.rule in _SENT_AGAIN), None),
        "others": list(_others(story)),
        "top": next(iter(story.findings), None),
        "retry": diagnosis.retry,
        "fix": story.fix,
        "command": as_curl(story.masks.exchange(story.working)) if story.working else "",
        "changes": story.changes,
        "delivery": _delivery(row),
        "share": _share(story),
        "batch": deliveries.batch_sent_by(row) or _batch_of_report(row),
        "traces": [
            (name, value) for name in _TRACES if (value := header(row.response_headers, name))
        ],
        "sources": list(dict.fromkeys(one.page for one in told if one.page)),
    }


def _others(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the other failures with what is wrong with them."""
    for one in story.others[:_MOST_OTHERS]:
        finding = one["diagnosis"].top
        if finding is not None and not _is_said_already(story, finding):
            row = one["example"]
            yield {
                "response": response_of(row),
                "endpoint": row.endpoint,
                "n": int(one["n"]),
                "finding": story.for_customers(finding, row),
            }


def _is_said_already(story: Story, finding: Finding) -> bool:
    top = story.diagnosis.top
    return top is not None and (top.rule, top.says) == (finding.rule, finding.says)


def response_of(row: Exchange) -> str:
    """Return the response to a row as a title."""
    if row.outcome == "not_delivered":
        return f"delivery code {row.delivery_code}" if row.delivery_code else "not delivered"
    return response(row.status, row.code) or row.failure or ""


def _share(story: Story) -> tuple[int, int]:
    """Return how many of how many recipients the example's batch did not reach; 0: not known."""
    batch, code = deliveries.batch_sent_by(story.example), story.example.delivery_code
    if batch is None or code is None:
        return 0, 0
    reports = (told for row in story.rows if row.delivery for told in deliveries.reports_of(row))
    every = [entry for reported, entries in reports if reported == batch for entry in entries]
    return deliveries.share_of(code, every)


def _delivery(row: Exchange) -> Any:
    code = row.delivery_code
    return None if code is None else catalogue.explain(delivery=code)


def _batch_of_report(row: Exchange) -> str | None:
    return next((batch for batch, _ in deliveries.reports_of(row) if batch), None)
