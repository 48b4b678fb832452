"""The head of a request as lines: method, path and headers, with what is at fault marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sinchtools.api.description import split_url
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.words import short
from sinchtools.notebook.workbench.fixing import Suggestion
from sinchtools.notebook.workbench.listing import (
    Laid,
    Line,
    Part,
    Spot,
    listing,
    with_token_named,
)
from sinchtools.notebook.workbench.words import LONGEST_ACCOUNT

_IN_LINE = ("method", "path", "query", "host")
_NOT_SHOWN = {"user-agent", "accept", "connection", "content-length", "accept-encoding"}


def is_in_head(finding: Finding) -> bool:
    """Tell whether a finding is about method, path, host or a header."""
    return finding.location in (*_IN_LINE, "header")


def head_of(exchange: Exchange, *, is_whole: bool = True) -> list[str]:
    """
    Return method and path, then the headers that matter, the secret as ``<token>``.

    Without the host and with a short account, unless `is_whole`.
    """
    parts = split_url(exchange.url or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if not is_whole:
        host = ""
        if account := exchange.account:
            path = path.replace(account, short(account, LONGEST_ACCOUNT))
    lines = [f"{exchange.method or '?'} {host}{path}".strip()]
    lines += [
        f"{name}: {with_token_named(value)}"
        for name, value in exchange.request_headers.items()
        if name.lower() not in _NOT_SHOWN
    ]
    return lines


def head_lines(
    exchange: Exchange, found: Sequence[Suggestion], *, numbered: bool = True
) -> Iterator[Line]:
    """Yield the lines of the head, each with the findings that are about it."""
    is_whole = any(one.finding.location in _IN_LINE for one in found)
    for number, text in enumerate(head_of(exchange, is_whole=is_whole), start=1):
        laid = Laid()
        laid.add(text, 0)
        spots = [spot for one in found if (spot := _spot(text, number == 1, exchange, one))]
        (line,) = listing(laid, spots)
        yield replace(line, number=number if numbered else None)
    if any(one.finding.rule.startswith("auth-missing") for one in found):
        yield Line(parts=(Part("Authorization: ", "key"), Part("(missing)", "mark")), kind="hit")


def _spot(text: str, is_first: bool, exchange: Exchange, one: Suggestion) -> Spot | None:
    span = _span(text, is_first, exchange, one.finding)
    if span is None:
        return None
    return Spot(start=span[0], end=span[1], number=one.number, severity=one.finding.severity)


def _span(
    text: str, is_first: bool, exchange: Exchange, finding: Finding
) -> tuple[int, int] | None:
    if is_first != (finding.location in _IN_LINE):
        return None
    if not is_first:
        return _span_of_header(text, finding)
    method = len(exchange.method or "?")
    if finding.location == "method":
        return 0, method
    if finding.location == "host":
        return method + 1, _path_start(text, method)
    if finding.location == "query":
        at = text.find("?")
        return (at, len(text)) if at > 0 else None
    return _path_start(text, method), len(text.partition("?")[0])


def _path_start(text: str, method: int) -> int:
    scheme = text.find("://")
    return text.find("/", scheme + 3) if scheme > 0 else method + 1


def _span_of_header(text: str, finding: Finding) -> tuple[int, int] | None:
    name, _, value = text.partition(": ")
    if name.lower() != (finding.field or "").lower():
        return None
    stray = len(value) - len(value.rstrip())
    start = len(text) - stray if stray else len(name) + 2
    return start, len(text)
