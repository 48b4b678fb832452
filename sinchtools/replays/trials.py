"""Changes of a request, one by one, and what the sandbox says to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sinchtools.api.description import KINDS, Field, locate, schema_of
from sinchtools.api.validation import Violation, body_violations
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.replays.planning import plan
from sinchtools.replays.results import Result
from sinchtools.replays.simulated import simulate

MOST_TRIALS = 150
_MOST_ENTRIES = 30  # of a list, that are taken out one by one


# --- the changes that are tried -------------------------------------------------------------------


def together(one: Change, other: Change) -> bool:
    """Whether two changes can be made at once."""
    places = {one.place, other.place}
    return (
        len(places) == 2
        and "fix" not in places
        and not any(f"{place}/" in "".join(places) for place in places)
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that may be changed in a request."""

    place: str  # two changes of one place exclude each other
    words: str
    make: Callable[
        [dict[str, Any]], dict[str, Any]
    ]  # of the edit's parts: method, headers, body (parsed)


def changes_of(exchange: Exchange) -> Iterator[Change]:
    """
    Yield what may be changed, the smallest changes first.

    First what the diagnosis can fix, then fields left out, then fields varied.
    """
    if fix := diagnose(exchange).fix:
        yield Change(
            "fix", "; ".join(fix.changes), lambda edit: {**edit, **fix.edit}
        )  # a change of the whole: combined with none of the body
    endpoints = locate(exchange.url or "").endpoints
    endpoint, body = endpoints.get((exchange.method or "").upper()), _body(exchange)
    if endpoint is None:
        yield from (
            Change("method", f"use {method}", _part("method", method)) for method in endpoints
        )
    elif endpoint.body and body is not None:
        yield Change(
            "type",
            "send Content-Type: application/json",
            _part("headers", {"Content-Type": "application/json"}),
        )
        yield from _judged(
            body, body_violations(endpoint, body, now=exchange.at or datetime.now(UTC))
        )
        yield from _of_body(body, schema_of(endpoint.body, body))


def _judged(body: dict[str, Any], found: Sequence[Violation]) -> Iterator[Change]:
    """
    Yield what the rules point at.

    These are the wrong entries of a list, or a field under another API's name.
    """
    at_fault: dict[str, set[int]] = {}
    for violation in found:
        name, _, entry = (violation.pointer or "").removeprefix("/").partition("/")
        if violation.severity == "error" and entry.isdigit() and isinstance(body.get(name), list):
            at_fault.setdefault(name, set()).add(int(entry))
        if (
            violation.rule == "missing-field-renamed"
            and (other := violation.facts["suggestion"]) in body
        ):
            yield Change(other, f'rename "{other}" to "{name}"', _renamed(other, name))
    for name, places in at_fault.items():
        left = [entry for i, entry in enumerate(body[name]) if i not in places]
        if left and len(places) > 1:
            yield Change(
                name,
                f"remove the {len(places)} entries of {name} that are at fault",
                _with(name, left),
            )


def _of_body(body: dict[str, Any], schema: Mapping[str, Field]) -> Iterator[Change]:
    for name, value in body.items():
        if name not in schema or not schema[name].required:
            yield Change(name, f"remove {name}", _without(name))
        if isinstance(value, list) and 1 < len(value) <= _MOST_ENTRIES:
            yield from (
                Change(
                    f"{name}/{i}",
                    f"remove {name}[{i}] ({str(entry)[:40]})",
                    _without_entry(name, i),
                )
                for i, entry in enumerate(value)
            )
    for name, spec in schema.items():
        for words, value in _varied(name, spec, body):
            yield Change(name, words, _with(name, value))


def _varied(name: str, spec: Field, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    value, sample = body.get(name), spec.choices[0] if spec.choices else KINDS[spec.kind].sample
    if isinstance(value, str | list) and spec.high is not None and len(value) > spec.high:
        yield (
            f"cut {name} to {spec.high:,} {'characters' if isinstance(value, str) else 'entries'}",
            value[: spec.high],
        )
    elif isinstance(value, str) and isinstance(sample, list):
        yield f"put {name} into an array", [value]
    if (
        sample is None
        or value == sample
        or (value is None and not (spec.required or name == "callback_url"))
    ):
        return
    yield f"{'give' if value is None else 'vary'} {name}: {json.dumps(sample)} passes", sample


def _part(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda edit: {**edit, name: value}


def _renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda edit: {
        **edit,
        "body": {new if key == old else key: value for key, value in edit["body"].items()},
    }


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda edit: {
        **edit,
        "body": {key: value for key, value in edit["body"].items() if key != name},
    }


def _without_entry(name: str, i: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Mark the entry; `edited` takes the marked ones out, so that positions hold."""
    return lambda edit: {
        **edit,
        "body": {
            **edit["body"],
            name: [_GONE if n == i else entry for n, entry in enumerate(edit["body"][name])],
        },
    }


def _with(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda edit: {**edit, "body": {**edit["body"], name: value}}


_GONE = object()


def _edit(exchange: Exchange, changes: Sequence[Change]) -> dict[str, Any]:
    body = _body(exchange)
    edit: dict[str, Any] = (
        {"body": body}
        if body is not None and not any(one.place == "fix" for one in changes)
        else {}
    )
    for one in changes:
        edit = one.make(edit)
    if isinstance(edit.get("body"), dict):
        edit["body"] = {
            k: [v for v in value if v is not _GONE] if isinstance(value, list) else value
            for k, value in edit["body"].items()
        }
        if edit["body"] == body:
            del edit["body"]
    return edit


def edited(exchange: Exchange, changes: Sequence[Change]) -> Exchange:
    """Return the request with the changes made, as a plan would send it."""
    return (
        plan(exchange, target="preview", edits={exchange.id: _edit(exchange, changes)})
        .items[0]
        .request
    )


def _body(exchange: Exchange) -> dict[str, Any] | None:
    body = value_of(exchange.request_body)
    return body if isinstance(body, dict) else None


# --- the trials -----------------------------------------------------------------------------------


class Trials:
    """Asks the sandbox, counts, and knows when to stop."""

    def __init__(self, exchange: Exchange, most: int = MOST_TRIALS) -> None:
        self.exchange = replace(exchange, id=exchange.id or "exchange")
        self.most, self.count = most, 0

    @property
    def left(self) -> int:
        """Return how many more trials are allowed."""
        return self.most - self.count

    def run(self, edits: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Return the result of each edit, all in one sandbox."""
        self.count += len(edits)
        copies = [
            replace(self.exchange, id=f"{self.exchange.id}~{self.count}~{n}")
            for n in range(len(edits))
        ]
        by_id = {copy.id: edit for copy, edit in zip(copies, edits, strict=True)}
        return list(simulate(copies, by_id))

    def passes(self, changes: Sequence[Sequence[Change]]) -> list[bool]:
        """Return which of the changed requests are taken; only as many are tried as are left."""
        tried = changes[: max(0, self.left)]
        return [
            r.child is not None and r.child.http_outcome == "success"
            for r in self.run([_edit(self.exchange, change) for change in tried])
        ]
