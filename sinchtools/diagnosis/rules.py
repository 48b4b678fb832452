"""
Give every rule its words.

Violations become findings that a customer can read, with their place and their proof.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from sinchtools.api import catalogue
from sinchtools.api.entries import Location
from sinchtools.api.validation import Violation
from sinchtools.core.records import Exchange, Finding
from sinchtools.core.tables import Row, Tag, Text, place_of, read_rows
from sinchtools.diagnosis import json_errors
from sinchtools.diagnosis.fixes import repaired_json
from sinchtools.privacy.markers import MARKER

_GATEWAY = "The API, or a gateway in front of it,"
_WITH_BODY = "with a body, so a gateway or another server may have sent it"
_MAY_BE_SENT = " A send may have been carried out: look for it before you repeat it."
_LONGEST_TEXT = 300  # characters of a text of the vendor that are shown


class Rule(Row, frozen=True):
    """The words of one rule, from ``data/catalogue/rules.toml``."""

    # says, then, fix: format strings, filled from what was found
    says: Text
    then: Text
    page: Text  # where the fact is
    tag: Tag = "documented"  # how sure it is
    # how sure it is that the API refuses at all, whatever the status and the code
    refusal: Tag = "documented"
    severity: Literal["error", "warning", "note"] = "error"  # only where it is fixed by the rule
    fix: Text | None = None
    # one more, for the engineer alone, where there is more to know than the customer needs
    engineer: Text | None = None
    # what the customer reads in place of `then`, where only the customer can do something
    customer: Text | None = None
    location: Location = "body"  # only for rules about a response
    field: Text | None = None


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by its id."""
    return read_rows(place_of("rules.toml"), Rule)


def findings_of(exchange: Exchange, found: list[Violation]) -> list[Finding]:
    """Return the findings of what a request breaks, each with its place in the body."""
    if not found:
        return []
    pointers = [violation.pointer for violation in found if violation.pointer]
    text = text_of(exchange.request_body) if pointers else None
    places = _places(text, pointers) if text else {}
    return [
        _of_violation(exchange, violation, places.get(violation.pointer or ""))
        for violation in found
    ]


def _places(text: str, pointers: list[str]) -> dict[str, tuple[int, int]]:
    """Return line and column of each pointer; behind a break, as they are once it is repaired."""
    positions = json_errors.positions_of(text, pointers)
    places = {name: json_errors.line_and_column(text, at) for name, at in positions.items()}
    left = [pointer for pointer in pointers if pointer not in places]
    if left and (repaired := repaired_json(text)) and repaired != text:
        behind = json_errors.positions_of(repaired, left)
        places |= {name: json_errors.line_and_column(repaired, at) for name, at in behind.items()}
    return places


def finding_of(
    exchange: Exchange,
    name: str,
    *,
    facts: Mapping[str, Any] | None = None,
    status: int | None = None,
    **rest: Any,
) -> Finding:
    """Return the finding of one rule about an answer, or about the evidence as a whole."""
    rule = rules()[name]
    known = {"status": exchange.status, "code": exchange.code, "text": quoted(exchange.text)}
    known |= _of_sender(exchange)
    if exchange.status and exchange.status >= 100:
        entry = catalogue.explain(exchange.status)
        known |= {
            "title": entry.title,
            "meaning": entry.meaning,
            "tip": " ".join(entry.tips[:2]) or "look at the request again.",
        }
    words = _facts({**known, **(facts or {})})
    says = re.sub(r"\s+", " ", _filled(rule.says, words)).strip()
    severity = rest.pop("severity", rule.severity)
    place = {"location": rule.location, "field": rule.field, "page": rule.page, **rest}
    place.setdefault("tag", rule.tag)
    shown_status = status if severity == "error" else None
    place["code"] = place.get("code") if severity == "error" else None
    found = Finding(
        rule=name,
        severity=severity,
        status=shown_status,
        says=says,
        then=_filled(rule.then, words),
        engineer=(_filled(rule.engineer, words) or None) if rule.engineer else None,
        **place,
    )
    if (
        found.pointer
        and (text := text_of(exchange.request_body))
        and (position := json_errors.position_of(text, found.pointer)) is not None
    ):
        line, column = json_errors.line_and_column(text, position)
        found = replace(found, line=line, column=column)
    return found


def _fate_of_unknown(exchange: Exchange, violation: Violation) -> str:
    """Say what becomes of a name that the API does not know."""
    if exchange.http_outcome == "success":
        return "It was ignored."
    if violation.severity == "error":
        return "The request was refused."
    return "It is ignored, or the request is refused."


def _of_violation(
    exchange: Exchange, violation: Violation, place: tuple[int, int] | None
) -> Finding:
    rule, facts = rules()[violation.rule], violation.facts
    line, column = place or (facts.get("line"), facts.get("column"))
    proof = facts.get("proof")
    words = _facts({"fate": _fate_of_unknown(exchange, violation), **facts})
    more = f" ({facts['more']:,} more like this.)" if facts.get("more") else ""
    return Finding(
        rule=violation.rule,
        severity=violation.severity,
        status=violation.status,
        code=violation.code,
        location=violation.location,
        field=violation.field,
        pointer=violation.pointer,
        line=line if violation.location == "body" else None,
        column=column if violation.location == "body" else None,
        says=_filled(rule.says, words) + more,
        then=_filled(rule.then, words),
        page=rule.page,
        fix=_filled(rule.fix, words) if rule.fix else None,
        proof=proof or _proof(violation),
        tag=rule.tag,
        engineer=(_filled(rule.engineer, words) or None) if rule.engineer else None,
        replacement=facts.get("replacement"),
    )


def in_words(text: str) -> str:
    """Return a text of the vendor, cut, and without the markers of secrets."""
    return MARKER.sub("[secret]", text[:_LONGEST_TEXT])


def text_of(body: str | bytes | None) -> str | None:
    """Return a body as text, whatever its bytes are."""
    if body is None or isinstance(body, str):
        return body
    return body.decode("utf-8", "replace")


class _Word(str):
    """A value whose format specification is the text that stands before it, unless it is empty."""

    def __format__(self, before: str) -> str:
        return before + str(self) if self else ""


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> _Word:
        return _Word("")


def _facts(facts: Mapping[str, Any]) -> _Facts:
    return _Facts({name: _Word("" if value is None else value) for name, value in facts.items()})


def _filled(words: str, facts: _Facts) -> str:
    return words.format_map(facts)


def _of_sender(exchange: Exchange) -> dict[str, str]:
    """Return the words on who sent a response: HTML, or a 404 with a body, is not the API's."""
    body, is_page = exchange.response_body, exchange.is_html
    may_send = (exchange.method or "POST").upper() in ("POST", "PUT")
    return {
        "sent": _MAY_BE_SENT if may_send else "",
        "who": _GATEWAY if is_page else "The API",
        "empty": _WITH_BODY if body and body.strip() else "with no body",
        "processed": "Whether the request was processed is unknown."
        if is_page
        else "The request was not processed.",
    }


def quoted(text: str | None) -> str:
    """Return a sentence that quotes a text of the vendor, or nothing."""
    if not text:
        return ""
    words = in_words(text).strip()
    return f'API message: "{words}"' + ("" if words.endswith((".", "!", "?", "…")) else ".")


def _proof(violation: Violation) -> str | None:
    facts = violation.facts
    if "limit" in facts and "observed" in facts:
        return (
            f"{facts.get('name', violation.field)}: {facts['observed']}"
            f" {facts.get('what') or ''}".strip()
            + f" (limit {facts['limit']})"
        )
    if "observed" in facts:
        what = facts.get("what") or ""
        return f"{facts.get('name', violation.field)}: {facts['observed']} {what}".strip()
    return str(facts["value"]) if facts.get("value") else None
