"""
Check one request against the API as a whole, whatever the response was.

Check credentials, host, path, method, headers, JSON and fields.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sinchtools.api.description import Endpoint, Place
from sinchtools.api.validation import (
    JSON,
    Violation,
    body_violations,
    content_type_violation,
    path_violations,
    query_violations,
)
from sinchtools.core.records import Exchange
from sinchtools.core.variables import variables_of
from sinchtools.diagnosis import json_errors
from sinchtools.diagnosis.envelope import (
    credential_violations,
    host_violation,
    placeholder_violations,
    route_violations,
)
from sinchtools.diagnosis.fixes import repaired
from sinchtools.diagnosis.rules import rules
from sinchtools.diagnosis.variables import is_variable, judged, with_quotes

_SEVERITIES = ("error", "warning", "note")
_MOST_OF_A_KIND, _MOST_OF_A_RULE = (
    10,
    100,
)  # findings of one rule in one field, and at all; more are counted, not listed


def violations(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, now: datetime
) -> list[Violation]:
    """
    Return all that is wrong with a request, in the API's order of checks.

    Many of a kind are counted, not listed.
    """
    found = judged(exchange, place, _request(exchange, place, endpoint, now))
    return capped(sorted(found, key=_order))


def _request(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, now: datetime
) -> Iterator[Violation]:
    """Yield all that is wrong with the request, whatever was answered."""
    bare = _shows_no_headers(exchange)
    if host := host_violation(place):
        yield host
    elif (
        exchange.url
        and exchange.url.lstrip().lower().startswith("http://")
        and place.kind != "loopback"
    ):
        yield Violation(
            rule="host-plain-http",
            severity="warning",
            status=None,
            code=None,
            location="host",
            field="host",
        )
    if not bare:
        yield from credential_violations(exchange.request_headers, place, now, exchange.url)
    yield from route_violations(place, exchange.method)
    if place.values and endpoint:
        yield from placeholder_violations(place.values)
        yield from path_violations(place.values)
    if endpoint and place.query:
        yield from query_violations(endpoint, place.query)
    if (exchange.method or "").upper() in ("POST", "PUT", "PATCH") and (
        endpoint is None or endpoint.body
    ):
        yield from _payload(exchange, endpoint, now, bare=bare)


_FILE_NAME = re.compile(r"@[\w./\\~-]+")
_LOGGED_HEADERS = {"user-agent", "referer", "host", "x-forwarded-for", "x-request-id"}


def _shows_no_headers(exchange: Exchange) -> bool:
    """Whether the evidence shows no more of the headers than the line of a log does."""
    if any(name.lower() not in _LOGGED_HEADERS for name in exchange.request_headers):
        return False
    has_happened = exchange.at is not None or exchange.elapsed_ms is not None
    is_logged = has_happened and not exchange.response_headers
    may_be_the_cause = exchange.status in (None, 401, 415)
    return is_logged or not (may_be_the_cause or exchange.request_headers)


def _payload(
    exchange: Exchange, endpoint: Endpoint | None, now: datetime, *, bare: bool
) -> Iterator[Violation]:
    body = exchange.request_body
    if (
        not bare
        and (body or (endpoint and exchange.request_headers))
        and (violation := content_type_violation(exchange.request_headers))
    ):
        yield violation
    if body is None or len(body) == 0:
        if endpoint and exchange.status in (None, 400) and not bare:
            yield Violation(rule="json-empty", code=JSON, facts={"line": 1, "column": 1, "at": 0})
        return
    if isinstance(body, str) and _FILE_NAME.fullmatch(body):
        yield Violation(
            rule="body-not-shown",
            severity="note",
            status=None,
            code=None,
            facts={"value": body[1:60]},
        )
        return
    if isinstance(body, str) and (variables := variables_of(exchange)):
        body = with_quotes(body, variables)
    if endpoint:
        yield from _json_body(body, endpoint, now)
    elif body[:1] in ("{", "[", b"{", b"["):
        yield from (violation_of(defect) for defect in json_errors.defects(body))


def _json_body(body: str | bytes, endpoint: Endpoint, now: datetime) -> Iterator[Violation]:
    read = json_errors.examined(body)
    yield from map(violation_of, read.defects)
    if not read.is_json:  # its fields are judged where it can be repaired for certain
        behind = repaired(body, read)
        yield from body_violations(endpoint, behind.value, now=now) if behind else ()
        return
    value = read.value
    if is_variable(value):
        return
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        yield from (_of_replace(one, endpoint) for one in body_violations(endpoint, value, now=now))


def _of_replace(violation: Violation, endpoint: Endpoint) -> Violation:
    """Return a field that PUT misses with the call that changes single fields."""
    what, _, operation = endpoint.operation.partition(".")
    if operation != "replace" or violation.rule != "missing-field":
        return violation
    facts = {**violation.facts, "value": {"batches": "batch", "groups": "group"}.get(what, what)}
    return replace(violation, rule="missing-field-of-replace", facts=facts)


def violation_of(defect: json_errors.Defect) -> Violation:
    """Return a defect of the JSON as what the API makes of it."""
    facts = {**defect.facts, "line": defect.line, "column": defect.column, "proof": defect.shown}
    if rules()[defect.rule].severity != "error":
        return Violation(
            rule=defect.rule,
            severity="warning",
            status=None,
            code=None,
            field=defect.key,
            facts=facts,
        )
    return Violation(rule=defect.rule, code=JSON, field=defect.key, facts=facts)


def _order(violation: Violation) -> tuple[int, int]:
    host = violation.location == "host"
    return (
        0 if host and violation.severity == "error" else 1 + violation.stage,
        _SEVERITIES.index(violation.severity),
    )


def capped(found: list[Violation]) -> list[Violation]:
    """
    Return a bounded number of violations.

    The last one of a kind or of a rule says how many more there are.
    """
    if len(found) <= _MOST_OF_A_KIND:
        return found
    kinds: Counter[tuple[str, str | None]] = Counter()
    rule_sizes: Counter[str] = Counter()
    listed: list[Violation] = []
    last: dict[str, Violation] = {}
    counts: Counter[str] = Counter()
    for violation in found:
        size = 1 + violation.facts.get("more", 0)
        kinds[violation.rule, violation.field] += size
        rule_sizes[violation.rule] += size
        if (
            kinds[violation.rule, violation.field] - size < _MOST_OF_A_KIND
            and counts[violation.rule] < _MOST_OF_A_RULE
        ):
            counts[violation.rule] += 1
            last[violation.rule] = violation
            listed.append(violation)
    return [
        _counted(v, kinds[v.rule, v.field], rule_sizes[v.rule] if v is last[v.rule] else 0)
        for v in listed
    ]


def _counted(violation: Violation, of_kind: int, of_rule: int) -> Violation:
    more = of_kind - 1 if of_kind > _MOST_OF_A_KIND else 0
    more = max(more, of_rule - _MOST_OF_A_RULE)
    return replace(violation, facts={**violation.facts, "more": more}) if more > 0 else violation
