"""A group of like diagnoses as a block of lines: what failed, where, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sinchtools.api import catalogue, deliveries
from sinchtools.cases.changes import changes
from sinchtools.cases.solved import seen_before
from sinchtools.cases.story import without_quote
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.words import counted, moment, response, short, who_says
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.diagnosis.rules import text_of
from sinchtools.terminal.output import Line, Part, wrapped

MOST_BLOCKS = 20
_MOST_FINDINGS, _MOST_SOURCES, _LONGEST = 10, 3, 110
_SIGNS = {"error": ("✕", "red bold"), "warning": ("!", "yellow bold"), "note": ("i", "cyan")}
_BEFORE = 40  # characters of a long line that are shown before the place
_AT_FAULT = re.compile(r'"(?:[^"\\]|\\.)*"?|\w*')


@dataclass(frozen=True, kw_only=True)
class Group:
    """Diagnoses that say the same: one block with their count."""

    diagnoses: Sequence[Diagnosis]

    @property
    def first(self) -> Diagnosis:
        """The diagnosis that is shown."""
        return self.diagnoses[0]

    @property
    def is_wrong(self) -> bool:
        """Whether a call failed, was not delivered, or has something that the API refuses."""
        refused = any(one.severity == "error" for one in self.first.findings)
        return refused or self.first.exchange.failed

    @property
    def has_news(self) -> bool:
        """Whether there is something to say; a report on a send is told with the send."""
        return not self.is_told and (bool(self.first.findings) or self.first.exchange.failed)

    @property
    def is_told(self) -> bool:
        """Whether it is a report on a send, which is told with the send."""
        return (self.first.exchange.delivery or "").endswith(deliveries.SENT)


def grouped(found: Sequence[Diagnosis]) -> list[Group]:
    """Return like diagnoses together: what is wrong first, then the most frequent."""
    groups: dict[Any, list[Diagnosis]] = {}
    for one in found:
        groups.setdefault(_key(one), []).append(one)
    made = [Group(diagnoses=some) for some in groups.values()]
    return sorted(made, key=lambda group: (not group.is_wrong, -len(group.diagnoses)))


def _key(one: Diagnosis) -> Any:
    x = one.exchange
    what = () if one.findings else (x.method is None,)
    findings = [(finding.rule, finding.field, finding.severity) for finding in one.findings]
    return (x.status, x.code, x.endpoint, x.delivery_code, x.failure, *what, *findings)


def block_of(group: Group) -> Iterator[Line]:
    """Yield the lines of a group."""
    one = group.first
    yield _head(group)
    yield from _where(group)
    if text := one.exchange.text:
        who = who_says(one.exchange.status, one.exchange.failure)
        yield ["  ", (f'{who}: "{text[:_LONGEST]}"', "dim")]
    if note := _expected(one):
        yield ["  ", (note, "yellow")]
    for number, finding in enumerate(one.findings[:_MOST_FINDINGS], start=1):
        yield [""]
        yield from _finding(one, finding, number)
    if one.fix is not None:
        yield [""]
        yield [
            "  ",
            ("Suggested fix", "bold"),
            ("  (sinchtools replay FILE --fix proves it)", "dim"),
        ]
        for change in changes(one.exchange, one.fix.exchange):
            yield from wrapped(["    ", ("- ", "green")], str(change))
    if before := seen_before(one).sentence:
        yield [""]
        yield from wrapped(["  "], before, "", 2)
    if one.findings and (group.is_wrong or one.exchange.failed):
        yield [""]
        words = catalogue.RETRY[one.retry.advice]
        yield from wrapped(["  ", (f"{words}. ", "bold")], one.retry.reason, "", 2)


def _head(group: Group) -> Line:
    x = group.first.exchange
    style = "red bold" if group.is_wrong else "green" if x.outcome == "success" else "bold"
    facts = "   ".join(
        filter(
            None,
            (
                x.endpoint or request_of(x),
                short(x.account),
                counted(len(group.diagnoses), "request"),
            ),
        )
    )
    return [(response_of(x), style), "   ", facts]


def response_of(x: Exchange) -> str:
    """Return what came back, as a title."""
    if x.outcome == "not_delivered":
        code = f"delivery code {x.delivery_code}" if x.delivery_code else "not delivered"
        return ", ".join(filter(None, (response(x.status), code)))
    if not x.status and not x.code:
        return x.failure or ("delivery report" if x.delivery else "no response known")
    return response(x.status, x.code)


def request_of(x: Exchange) -> str:
    """Return method and path as far as they are known."""
    if x.method is None and x.url is None:
        return "" if x.delivery else "request not shown"
    path = (x.url or "").partition("?")[0]
    return f"{x.method or '?'} {path}"[:_LONGEST]


def _where(group: Group) -> Iterator[Line]:
    rows = [one.exchange for one in group.diagnoses]
    times = sorted(row.at for row in rows if row.at)
    when = ""
    if times:
        first, last = moment(times[0]), moment(times[-1])
        when = first if first == last else f"{first} to {last}"
    sources = [row.source or row.id for row in rows[:_MOST_SOURCES]]
    more = f" and {len(rows) - _MOST_SOURCES:,} more" if len(rows) > _MOST_SOURCES else ""
    facts = "   ".join(filter(None, (", ".join(filter(None, sources)) + more, when)))
    if facts:
        yield ["  ", (facts, "dim")]


def _expected(one: Diagnosis) -> str:
    x = one.exchange
    expected = response(one.expected_status, one.expected_code)
    if one.consistent is False and expected != response(x.status, x.code):
        return f"This response doesn't match the request shown: {expected} was expected."
    if one.consistent is False:
        return "This response doesn't match the request shown."
    if x.status is None and not x.code and one.failing and expected:
        return f"The response is unknown. The API would return {expected}."
    return ""


def _finding(one: Diagnosis, finding: Finding, number: int) -> Iterator[Line]:
    sign, style = _SIGNS[finding.severity]
    yield from _place(one, finding)
    says = without_quote(finding.says) if one.exchange.text else finding.says
    yield from wrapped(["  ", (f"{sign} {number}", style), "  "], says, "bold", 7)
    yield from wrapped(["       "], finding.then)
    if finding.engineer:
        yield from wrapped(["       "], f"Details: {finding.engineer}", "dim")
    place = _field(finding)
    source = f"{finding.page} ({finding.tag})" if finding.page else ""
    yield ["       ", ("   ".join(filter(None, (place, finding.rule, source))), "dim")]


def _field(finding: Finding) -> str:
    where = finding.field or finding.location
    return f"{where}, line {finding.line}, column {finding.column}" if finding.line else where


def _place(one: Diagnosis, finding: Finding) -> Iterator[Line]:
    """Yield the line at fault, with a caret under its character."""
    lines = (text_of(one.exchange.request_body) or "").split("\n")
    if finding.line is None or finding.column is None or finding.line > len(lines):
        return
    line, at = lines[finding.line - 1], finding.column - 1
    length = len(_AT_FAULT.match(line, at)[0])  # type: ignore[index]  # it matches anything
    start = max(0, min(at - _BEFORE, len(line) - _LONGEST)) if len(line) > _LONGEST else 0
    shown = line[start : start + _LONGEST].replace("\t", " ")
    end = min(at - start + max(1, length), len(shown) + 1)
    yield [(f"{finding.line:>5}  ", "dim"), shown]
    yield [" " * (7 + at - start), ("^" * max(1, end - (at - start)), _SIGNS[finding.severity][1])]


def quiet_line(groups: Sequence[Group]) -> Line:
    """Return one line for the requests that nothing is to be said of."""
    n = sum(len(group.diagnoses) for group in groups)
    parts: list[Part] = [("✓ ", "green"), f"{counted(n, 'request')}: nothing wrong found"]
    return parts
