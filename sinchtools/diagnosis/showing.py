"""A diagnosis as text for a terminal, as HTML for a notebook, and as the lines of a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinchtools.api import catalogue, deliveries
from sinchtools.api.description import locate
from sinchtools.core.html import filled
from sinchtools.core.json import path_of
from sinchtools.core.records import Exchange, Finding, header, in_words, visible
from sinchtools.core.words import who_says
from sinchtools.diagnosis import json_errors
from sinchtools.diagnosis.generic_http import parsed
from sinchtools.diagnosis.rules import in_words as vendor_words
from sinchtools.diagnosis.rules import text_of

if TYPE_CHECKING:
    from sinchtools.diagnosis.diagnosis import Diagnosis

_LONGEST_LINE = 300
_TRACE_HEADERS = ("x-request-id", "x-correlation-id", "x-amzn-trace-id", "date")


def as_text(one: Diagnosis) -> str:
    """Return the findings for a terminal, with a caret under the character at fault."""
    lines = [
        f"{one.exchange.source or one.exchange.id or 'exchange'}: {_request_line(one.exchange)}",
        f"  {_verdict(one)}",
    ]
    for finding in one.findings:
        lines += ["", *(f"  {line}" for line in _lines(one, finding))]
    return visible("\n".join([*lines, "", f"  {one.retry}"]))


def in_lines(one: Diagnosis) -> str:
    """Return the few lines for a ticket, or for the account manager."""
    top = one.top
    if top is None or not one.failing:
        extra = f" {top.says} {top.then}" if top else ""
        return f"No problem was found in this request ({_request_line(one.exchange)}).{extra}"
    if top.location in ("server", "account") or (one.exchange.status or 0) >= 500:
        return _for_account_manager(one, top)
    parts = {
        "What": top.says,
        "Where": f"{_place(top)} of {_request_line(one.exchange)}",
        "Do": top.then,
        "Change": "; ".join(one.fix.changes) if one.fix else None,
        "Proof": top.proof,
        "Changing the request does not help": one.not_fixable_because,
        "Retry": f"{catalogue.retry_in_words(one.retry.advice)}. {one.retry.reason}",
        "Source": f"{top.page} ({top.tag})",
    }
    return "\n".join(f"{name}: {words}" for name, words in parts.items() if words)


def _for_account_manager(one: Diagnosis, top: Finding) -> str:
    x = one.exchange
    to = parsed(x.request_body).get("to") if isinstance(parsed(x.request_body), dict) else None
    facts = {
        "Account": x.account,
        "Region": x.region,
        "Operation": x.endpoint or x.method,
        "Time (UTC)": x.at and x.at.strftime("%Y-%m-%d %H:%M:%S"),
        "Response": x.status_in_words,
        who_says(x.status, x.failure): vendor_words(x.text) if x.text else None,
        "Recipients": len(to) if isinstance(to, list) else None,
        "Attempts": one.attempt and one.attempt.of,
        **{name: header(x.response_headers, name) for name in _TRACE_HEADERS},
    }
    listed = "\n".join(f"- {name}: {str(value)[:200]}" for name, value in facts.items() if value)
    ask = (
        f"Changing the request does not help: {one.not_fixable_because}. Please check the "
        f"account and the service, and tell us the cause."
    )
    return (
        f"To the account manager:\n{top.says}\n{listed}\n{ask}\n\nMeanwhile: {top.then}\n"
        f"{one.retry}"
    )


def _verdict(one: Diagnosis) -> str:
    observed = one.exchange.status_in_words
    if one.exchange.delivery and one.exchange.outcome in ("success", "not_delivered"):
        return f"{observed}{_of_delivery(one)}."
    expected = in_words(one.expected_status, one.expected_code) or "not known"
    if not one.failing:
        if one.exchange.status and one.exchange.status == one.expected_status:
            return f"Response: {observed}, as expected. No problem found."
        return f"Response: {observed}. No problem found in the request (expected: {expected})."
    if one.exchange.code and not one.exchange.status:
        return f"Response: {observed}, without its status (expected: {expected})."
    if one.exchange.status is None or one.exchange.status < 100:
        return f"Response: {observed}. Expected from the request alone: {expected}."
    agree = {
        True: ", as expected for this request.",
        False: ", which does not match the request shown.",
        None: ". The evidence does not show the whole request.",
    }[one.consistent]
    return f"Response: {observed}{agree}"


def _of_delivery(one: Diagnosis) -> str:
    if (one.exchange.delivery or "").endswith(deliveries.SENT):
        return " of a send in this evidence"
    return "" if one.failing else ", no problem found"


def _lines(one: Diagnosis, finding: Finding) -> list[str]:
    answer = f" -> {in_words(finding.status, finding.code)}" if finding.status else ""
    return [
        f"{finding.severity.upper()} {finding.rule} at {_place(finding)}{answer}",
        f"  {finding.says}",
        *(f"  | {line}" for line in _caret(one, finding)),
        f"  Do: {finding.then}",
        *([f"  Details: {finding.engineer}"] if finding.engineer else []),
        f"  Source: {finding.page} ({finding.tag})",
    ]


def _caret(one: Diagnosis, finding: Finding) -> list[str]:
    text = text_of(one.exchange.request_body)
    if finding.line is None or finding.column is None or text is None:
        return [finding.proof] if finding.proof else []
    around, caret = json_errors.shown(
        text, _offset(text, finding.line, finding.column), is_masked=False
    )
    return [around, " " * caret + "^"]


def as_html(one: Diagnosis) -> str:
    """Return the card for a notebook."""
    return filled(
        "sinchtools.diagnosis",
        "diagnosis.html",
        title=_request_line(one.exchange),
        verdict=_verdict(one),
        findings=[(x, "\n".join(_caret(one, x)), _place(x)) for x in one.findings],
        advice=catalogue.RETRY[one.retry.advice],
        reason=one.retry.reason,
    )


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
        for part in (finding.location, path_of(finding.pointer) or finding.field or "", where)
        if part
    )


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return min(at + column - 1, len(text))
