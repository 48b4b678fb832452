"""
Prove that a fix works.

The sandbox runs original and fix, and finds the smallest change that passes there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from itertools import combinations
from typing import Any

from sinchtools.api.description import Field, locate, schema_of
from sinchtools.api.validation import Violation, body_violations
from sinchtools.client.log import CallLog
from sinchtools.core.html import card
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.diagnosis.fixes import masked
from sinchtools.replays.plans import plan
from sinchtools.replays.results import Result

MOST_TRIALS = 150
_MOST_ENTRIES = 30  # of a list, that are taken out one by one
_SAMPLES: dict[str, Any] = {  # kind of a field: a value that the API takes; numbers of fiction
    "text": "Hi",
    "choice": None,
    "instant": None,
    "url": "https://example.com/",
    "sender": "15559870002",
    "base64": "SGk=",
    "hex": "00",
    "number": "+15551230001",
    "flag": False,
    "integer": 1,
    "recipients": ["+15551230001"],
    "numbers": ["+15551230001"],
    "parameters": {},
    "media": {"url": "https://example.com/a.jpg"},
    "auto_update": {"to": "15559870002"},
    "ids": [],
    "texts": [],
    "keyword": {"first_word": "JOIN"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """
    What the sandbox answers to the original and to its repair.

    Attributes
    ----------
    proven
        Whether the repair removes the reason of the failure.
    original, repaired
        The simulated answers, child rows of the evidence; None when nothing was run.
    verdict, reason
        Of the replay: FIXED, SAME, CHANGED, WORSE or INCONCLUSIVE, and why.
    changes
        What was changed.
    request
        The changed request; None when nothing was run.
    """

    proven: bool
    verdict: str
    reason: str
    original: Exchange | None = None
    repaired: Exchange | None = None
    changes: tuple[str, ...] = ()
    request: Exchange | None = None

    def as_text(self) -> str:
        """Return both answers as a few lines."""
        lines = [
            f"{self.verdict}: {self.reason}",
            *(f"  changed: {change}" for change in self.changes),
        ]
        answers = (("original", self.original), ("repaired", self.repaired))
        return "\n".join(
            [*lines, *(f"  {name}: {x.status_in_words} (simulated)" for name, x in answers if x)]
        )

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        style = "margin:0;white-space:pre-wrap;color:inherit"
        return card(
            "Proof in the sandbox (simulated)",
            f"<pre style='{style}'>{escape(self.as_text())}</pre>",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestChange:
    """
    The smallest change of a request that the sandbox takes; simulated, so a proposal and no repair.

    Attributes
    ----------
    changes
        Each is needed: without any one of them the request is refused. Empty when there is none.
    alternatives
        Other single changes that pass as well.
    trials
        How many requests the sandbox was asked.
    reason
        Why there is none, or how sure it is.
    request
        The changed request; None when there is none.
    """

    changes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    trials: int = 0
    reason: str = ""
    request: Exchange | None = None

    def as_text(self) -> str:
        """Return the change, its alternatives and the number of trials as one sentence."""
        if not self.changes:
            return f"No change was found: {self.reason} ({self.trials} trials, simulated)"
        others = "".join(f"; or {other}" for other in self.alternatives)
        return (
            f"{' and '.join(self.changes)}{others} ({self.reason}; {self.trials} trials, simulated)"
        )

    def __repr__(self) -> str:
        return self.as_text()


def prove(diagnosis: Diagnosis) -> Proof:
    """
    Run the original and its certain repair in the sandbox, set up as the evidence implies.

    Nothing leaves this machine.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> body = '{"to": ["+15551230001"], "body": "Hi",}'
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body=body)
    >>> proof = prove(diagnose(bad))
    >>> proof.proven, proof.original.status, proof.repaired.status
    (True, 400, 201)
    """
    if not diagnosis.failing:
        return Proof(
            proven=False,
            verdict="INCONCLUSIVE",
            reason="nothing wrong was found, so there is nothing to prove",
        )
    if diagnosis.not_fixable_because:
        return Proof(
            proven=False,
            verdict="INCONCLUSIVE",
            reason=f"no change of the request can help: {diagnosis.not_fixable_because}",
        )
    if diagnosis.fix is None:
        return Proof(
            proven=False,
            verdict="INCONCLUSIVE",
            reason="there is no certain repair; smallest_change(exchange) looks for one "
            "that passes",
        )
    with _Trials(diagnosis.exchange) as trials:
        [before], [after] = trials.run([{}]), trials.run([diagnosis.fix.edit])
    proven, reason = _compared(diagnosis.exchange, before.child, after.child)
    verdict = "FIXED" if proven else after.verdict if after.verdict != "FIXED" else "INCONCLUSIVE"
    return Proof(
        proven=proven,
        verdict=verdict,
        reason=reason,
        original=before.child,
        repaired=after.child,
        changes=diagnosis.fix.changes,
        request=after.request,
    )


def _compared(
    evidence: Exchange, before: Exchange | None, after: Exchange | None
) -> tuple[bool, str]:
    if before is None or after is None:
        return False, "the sandbox cannot run this request"
    if evidence.status is not None and (evidence.status, evidence.code) != (
        before.status,
        before.code,
    ):
        return (
            False,
            f"not reproduced: the evidence says {evidence.status_in_words}, the sandbox "
            f"{before.status_in_words}",
        )
    if before.http_outcome == "success" or after.http_outcome != "success":
        return (
            False,
            f"the sandbox answers {before.status_in_words} to the original and "
            f"{after.status_in_words} to the repaired request",
        )
    return (
        True,
        f"the sandbox refuses the original ({before.status_in_words}) and takes the repaired "
        f"request ({after.status_in_words})",
    )


Diagnosis.prove = prove


def smallest_change(
    evidence: Exchange | Diagnosis, *, most_trials: int = MOST_TRIALS
) -> SmallestChange:
    """
    Return the smallest change that makes a request pass.

    It is found by removing and varying fields, in the sandbox only.

    Parameters
    ----------
    evidence
        The failing exchange, or its diagnosis.
    most_trials
        The sandbox is asked no more often than this.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> body = ('{"to": ["+15551230001"], "from": "15559870002", "body": "Hi", '
    ...         '"send_at": "tomorrow"}')
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body=body)
    >>> smallest_change(bad).changes
    ('remove send_at',)
    """
    diagnosis = evidence if isinstance(evidence, Diagnosis) else diagnose(evidence)
    exchange = diagnosis.exchange
    if reason := _refusal(diagnosis):
        return SmallestChange(reason=reason)
    if plan(exchange).items[0].fault:
        return SmallestChange(
            reason="the request as it is shown does not deserve its answer, so the sandbox "
            "cannot try changes of it"
        )
    with _Trials(exchange, most_trials) as trials:
        if trials.passes([()]) == [True]:
            return SmallestChange(
                trials=trials.count,
                reason="the sandbox takes the request as it is, so the cause does not show here",
            )
        return _searched(exchange, trials)


def _refusal(diagnosis: Diagnosis) -> str:
    x = diagnosis.exchange
    if x.method is None or x.url is None or not locate(x.url).is_sms_api:
        return "the evidence holds no request to the SMS API"
    if diagnosis.not_fixable_because:
        return f"no change of the request can help: {diagnosis.not_fixable_because}"
    return "" if diagnosis.failing else "nothing wrong was found"


def _searched(exchange: Exchange, trials: _Trials) -> SmallestChange:
    options = list(_changes_of(exchange))
    singles = [(one,) for one in options]
    passing = [
        change for change, passed in zip(singles, trials.passes(singles), strict=False) if passed
    ]
    found, sure = (passing[0], True) if passing else _reduced(options, trials)
    if not found:
        reason = (
            "the trials were used up"
            if trials.left <= 0
            else "neither removing nor varying its fields makes the request pass"
        )
        return SmallestChange(trials=trials.count, reason=reason)
    return SmallestChange(
        changes=tuple(one.words for one in found),
        alternatives=tuple(change[0].words for change in passing[1:4]),
        trials=trials.count,
        reason="each of them is needed"
        if sure
        else "the trials were used up before it was known to be the smallest",
        request=_edited(exchange, found),
    )


def _reduced(options: Sequence[_Change], trials: _Trials) -> tuple[tuple[_Change, ...], bool]:
    """
    Try pairs first.

    Otherwise make every change, then undo one after the other while the request still passes.
    """
    pairs = [pair for pair in combinations(options, 2) if _together(*pair)]
    if len(pairs) <= trials.left // 2:
        for pair, passed in zip(pairs, trials.passes(pairs), strict=True):
            if passed:
                return pair, True
    kept = tuple(
        {
            one.place: one
            for one in reversed(options)
            if one.place != "fix" and "/" not in one.place
        }.values()
    )
    if trials.passes([kept]) != [True]:
        return (), False
    while trials.left >= len(kept):
        fewer = [tuple(other for other in kept if other is not one) for one in kept]
        smaller = next(
            (rest for rest, passed in zip(fewer, trials.passes(fewer), strict=True) if passed), None
        )
        if smaller is None:
            return kept, True
        kept = smaller
    return kept, False


# --- the changes that are tried -------------------------------------------------------------------


def _together(one: _Change, other: _Change) -> bool:
    places = {one.place, other.place}
    return (
        len(places) == 2
        and "fix" not in places
        and not any(f"{place}/" in "".join(places) for place in places)
    )


@dataclass(frozen=True, slots=True)
class _Change:
    place: str  # two changes of one place exclude each other
    words: str
    make: Callable[
        [dict[str, Any]], dict[str, Any]
    ]  # of the edit's parts: method, headers, body (parsed)


def _changes_of(exchange: Exchange) -> Iterator[_Change]:
    """
    Yield what may be changed, the smallest changes first.

    First what the diagnosis can fix, then fields left out, then fields varied.
    """
    if fix := diagnose(exchange).fix:
        yield _Change(
            "fix", "; ".join(fix.changes), lambda edit: {**edit, **fix.edit}
        )  # a change of the whole: combined with none of the body
    endpoints = locate(exchange.url or "").endpoints
    endpoint, body = endpoints.get((exchange.method or "").upper()), _body(exchange)
    if endpoint is None:
        yield from (
            _Change("method", f"use {method}", _part("method", method)) for method in endpoints
        )
    elif endpoint.body and body is not None:
        yield _Change(
            "type",
            "send Content-Type: application/json",
            _part("headers", {"Content-Type": "application/json"}),
        )
        yield from _judged(
            body, body_violations(endpoint, body, now=exchange.at or datetime.now(UTC))
        )
        yield from _of_body(body, schema_of(endpoint.body, body))


def _judged(body: dict[str, Any], found: Sequence[Violation]) -> Iterator[_Change]:
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
            yield _Change(other, f"rename {other} to {name}", _renamed(other, name))
    for name, places in at_fault.items():
        left = [entry for i, entry in enumerate(body[name]) if i not in places]
        if left and len(places) > 1:
            yield _Change(
                name,
                f"remove the {len(places)} entries of {name} that are at fault",
                _with(name, left),
            )


def _of_body(body: dict[str, Any], schema: Mapping[str, Field]) -> Iterator[_Change]:
    for name, value in body.items():
        if name not in schema or not schema[name].required:
            yield _Change(name, f"remove {name}", _without(name))
        if isinstance(value, list) and 1 < len(value) <= _MOST_ENTRIES:
            yield from (
                _Change(
                    f"{name}/{i}",
                    f"remove {name}[{i}] ({masked(str(entry))})",
                    _without_entry(name, i),
                )
                for i, entry in enumerate(value)
            )
    for name, spec in schema.items():
        for words, value in _varied(name, spec, body):
            yield _Change(name, words, _with(name, value))


def _varied(name: str, spec: Field, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    value, sample = body.get(name), spec.choices[0] if spec.choices else _SAMPLES.get(spec.kind)
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
    """Mark the entry; `_edited` takes the marked ones out, so that positions hold."""
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


def _edit(exchange: Exchange, changes: Sequence[_Change]) -> dict[str, Any]:
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


def _edited(exchange: Exchange, changes: Sequence[_Change]) -> Exchange:
    return (
        plan(exchange, target="preview", edits={exchange.id: _edit(exchange, changes)})
        .items[0]
        .request
    )


def _body(exchange: Exchange) -> dict[str, Any] | None:
    try:
        body = json.loads(exchange.request_body or "")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


# --- the trials -----------------------------------------------------------------------------------


class _Trials:
    """
    Asks the sandbox, with a log of its own that is thrown away.

    Counts, and knows when to stop.
    """

    def __init__(self, exchange: Exchange, most: int = MOST_TRIALS) -> None:
        self.exchange, self.most, self.count = (
            replace(exchange, id=exchange.id or "exchange"),
            most,
            0,
        )

    @property
    def left(self) -> int:
        return self.most - self.count

    def __enter__(self) -> _Trials:
        self._folder = tempfile.TemporaryDirectory()
        self._log = CallLog(f"{self._folder.name}/trials.sqlite")
        return self

    def __exit__(self, *problem: object) -> None:
        self._log.close()
        self._folder.cleanup()

    def run(self, edits: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Return the result of each edit, all in one sandbox."""
        self.count += len(edits)
        copies = [
            replace(self.exchange, id=f"{self.exchange.id}~{self.count}~{n}")
            for n in range(len(edits))
        ]
        return list(
            plan(
                copies,
                edits={copy.id: edit for copy, edit in zip(copies, edits, strict=True)},
                log=self._log,
            ).run()
        )

    def passes(self, changes: Sequence[Sequence[_Change]]) -> list[bool]:
        """Return which of the changed requests are taken; only as many are tried as are left."""
        tried = changes[: max(0, self.left)]
        return [
            r.child is not None and r.child.http_outcome == "success"
            for r in self.run([_edit(self.exchange, change) for change in tried])
        ]
