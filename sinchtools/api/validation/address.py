"""The path of a request and its query."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sinchtools.api.description import (
    Endpoint,
    Field,
)
from sinchtools.api.validation.forms import instant_of, number_violation, shown
from sinchtools.api.validation.names import meant, snake
from sinchtools.api.validation.values import MOST_ENTRIES, MOST_FINDINGS, size_violations
from sinchtools.api.validation.violation import Violation, warning
from sinchtools.core.placeholders import is_placeholder

_PATH_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHORTEST_ID = 10  # characters; the IDs on record have 12 to 16, or 26
_NOT_SET = ("undefined", "null", "none", "nan")  # words of programs: a rule of their own


def path_violations(values: Mapping[str, str]) -> list[Violation]:
    """Return what is wrong with the values in a path, by their shape."""
    found = []
    for name, value in values.items():
        place: dict[str, Any] = {"location": "path", "field": name}
        if name == "recipient_msisdn":
            violation = number_violation(value, name, None, location="path")
            found += [violation] if violation else []
        elif not _PATH_ID.fullmatch(value):
            if not is_placeholder(value):
                facts = {"name": name, "value": value[:40]}
                found.append(Violation(rule="bad-id", facts=facts, **place))
        elif len(value) < _SHORTEST_ID and value.lower() not in _NOT_SET:
            facts = {"name": name, "value": value}
            found.append(Violation(rule="path-no-id", status=404, code=None, facts=facts, **place))
    return found


def query_violations(endpoint: Endpoint, query: tuple[tuple[str, str], ...]) -> list[Violation]:
    """
    Return all that is wrong with the query parameters, in the API's order of checks.

    Unknown ones are warnings.
    """
    found: list[Violation] = []
    for name, value in query[:MOST_ENTRIES]:
        spec = endpoint.query.get(name)
        if spec is None and len(found) < MOST_FINDINGS:
            close = difflib.get_close_matches(snake(name), endpoint.query, n=1)
            facts: dict[str, Any] = {"name": name[:40], "suggestion": close[0] if close else ""}
            facts["replacement"] = meant(name, endpoint.query, {one for one, _ in query})
            found.append(
                warning("unknown-parameter", location="query", field=name[:40], facts=facts)
            )
        elif spec and value:
            found += _parameter(spec, name, value)
    found += _window(dict(query))
    return sorted(found, key=lambda violation: violation.stage)


def _window(query: Mapping[str, str]) -> Iterator[Violation]:
    """Yield a window that ends before it starts: no entry can lie in it."""
    start, end = (
        instant_of(query.get(name, "").replace(" ", "+")) for name in ("start_date", "end_date")
    )
    if start and end and end <= start:
        facts = {"value": shown(start), "observed": shown(end)}
        yield warning("window-backwards", location="query", field="end_date", facts=facts)


def _parameter(spec: Field, name: str, value: str) -> Iterator[Violation]:
    place: dict[str, Any] = {"location": "query", "field": name}
    facts = {"name": name, "value": value[:40], "choices": ", ".join(spec.choices)}
    if spec.kind == "integer" and not re.fullmatch(r"-?\d{1,18}", value):
        yield Violation(rule="not-an-integer", facts=facts, **place)
    elif spec.kind == "integer":
        for violation in size_violations(spec, int(value), name, ""):
            rule = {"too-large": "too-large-page"}.get(violation.rule, violation.rule)
            yield Violation(rule=rule, code=violation.code, facts=violation.facts, **place)
    elif spec.kind == "flag" and value.lower() not in {"true", "false"}:
        yield Violation(rule="not-a-boolean", facts=facts, **place)
    elif spec.kind == "instant" and instant_of(value.replace(" ", "+")) is None:
        yield Violation(rule="bad-date", facts=facts, **place)
    elif spec.kind == "choice" and value.lower() not in spec.choices:
        near = difflib.get_close_matches(snake(value), spec.choices, 1)
        rule = "not-a-choice-but-close" if near else "not-a-choice"
        facts |= {"suggestion": near[0] if near else ""}
        yield Violation(rule=rule, facts=facts, **place)
    elif spec.kind == "choices" and (
        odd := [one for one in value.split(",") if one.strip().capitalize() not in spec.choices]
    ):
        near = difflib.get_close_matches(odd[0].strip().capitalize(), spec.choices, 1)
        rule = "not-a-choice-but-close" if near else "not-a-choice"
        facts |= {"value": odd[0][:40], "suggestion": near[0] if near else ""}
        yield Violation(rule=rule, facts=facts, **place)
    elif spec.kind == "integers" and any(
        not re.fullmatch(r"\s*\d{1,9}\s*", one) for one in value.split(",")
    ):
        yield Violation(rule="not-an-integer", facts=facts, **place)
