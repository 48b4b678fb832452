"""
Read from JSON bodies what the columns do not tell.

These are the recipients and their country, the kind of sender, and delivery reports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sinchtools.core.json import object_of
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.numbers import form_of

_TELLING = 9  # digits of a number that tell its country; with its length they are looked up once


def json_object(text: Any) -> dict[str, Any]:
    """Return the object that a text is, or an empty one."""
    return object_of(text) if isinstance(text, str) else {}


def recipients(body: dict[str, Any]) -> list[Any]:
    """
    Return whom a request is for.

    Examples
    --------
    >>> recipients({"to": "+15551230001"}), recipients({})
    (['+15551230001'], [])
    """
    to = body.get("to")
    return to if isinstance(to, list) else [to] if isinstance(to, str) else []


def country(body: dict[str, Any]) -> str | None:
    """
    Return the country of the first recipient.

    Examples
    --------
    >>> country({"to": ["+447700900123"]}), country({"to": ["zero"]})
    ('GB', None)
    """
    to = recipients(body)
    digits = re.sub(r"\D", "", str(to[0]))[:20] if to else ""
    if not digits or digits.startswith("0"):
        return None
    return _country_of(digits[:_TELLING].ljust(len(digits), "0"))


@lru_cache(maxsize=65_536)
def _country_of(digits: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    if number is None or number.country_code is None:
        return None
    region = phonenumbers.region_code_for_number(
        number
    ) or phonenumbers.region_code_for_country_code(number.country_code)
    return None if region in ("ZZ", "001") else region


def number_form(body: dict[str, Any]) -> str | None:
    """
    Return how the recipients are written: international, national, other, or mixed.

    Examples
    --------
    >>> number_form({"to": ["+447700900123"]}), number_form({"to": ["07700900123"]})
    ('international', 'national')
    """
    forms = {form_of(representative(str(number))) for number in recipients(body)}
    return "mixed" if len(forms) > 1 else next(iter(forms), None)


def sender_kind(body: dict[str, Any]) -> str:
    """
    Return what a request is sent from: number, short code, alphanumeric or none.

    Examples
    --------
    >>> sender_kind({"from": "ACME"}), sender_kind({"from": "12345"}), sender_kind({})
    ('alphanumeric', 'short code', 'none')
    """
    sender = body.get("from")
    if not isinstance(sender, str) or not sender:
        return "none"
    if not re.fullmatch(r"\+?\d+", sender):
        return "alphanumeric"
    return "number" if len(sender.lstrip("+")) > 6 else "short code"


def request_fields(text: str | None) -> Iterator[tuple[str, str]]:
    """
    Yield what the body of a request is like beside its facts, as field and value.

    A text that people wrote is described by its length and alphabet only.
    """
    body = json_object(text)
    yield "body", "(absent)" if not text else "JSON object" if body else "no JSON object"
    for key, value in body.items():
        if key not in ("body", "to"):
            yield (
                f"body {key}"[:80],
                "present" if isinstance(value, (list, dict)) else str(value)[:80],
            )
    if isinstance(body.get("body"), str):
        yield "text length", "up to 160" if len(body["body"]) <= 160 else "more than 160"
        yield "text characters", "ASCII" if body["body"].isascii() else "not only ASCII"
    if recipients(body):
        count = len(recipients(body))
        yield "recipients", "1" if count == 1 else "2 to 10" if count <= 10 else "more than 10"


def delivered(bodies: Iterable[str]) -> Counter[tuple[int | None, str | None]]:
    """
    Return how many recipients have each delivery code and status.

    The counts come from the bodies of delivery reports, given with the newest last.

    Examples
    --------
    >>> statuses = '[{"code": 0, "status": "Delivered", "count": 3}]'
    >>> delivered(['{"batch_id": "b", "statuses": ' + statuses + "}"])
    Counter({(0, 'Delivered'): 3})
    """
    of_batch: dict[str, list[Any]] = {}
    of_recipient: dict[tuple[str, str], Any] = {}
    for report in _reports(bodies):
        batch = str(report.get("batch_id"))
        if isinstance(report.get("statuses"), list):
            of_batch[batch] = [s for s in report["statuses"] if isinstance(s, dict)]
        elif "recipient" in report:
            of_recipient[batch, str(report["recipient"])] = report
    counts: Counter[tuple[int | None, str | None]] = Counter()
    for status in (status for statuses in of_batch.values() for status in statuses):
        counts[_code_and_status(status)] += (
            status["count"] if isinstance(status.get("count"), int) else 1
        )
    counts.update(
        _code_and_status(report)
        for (batch, _), report in of_recipient.items()
        if batch not in of_batch
    )
    return counts


def _reports(bodies: Iterable[str]) -> Iterator[dict[str, Any]]:
    for body in map(json_object, bodies):
        reports = body.get("delivery_reports")
        yield from (
            report
            for report in (reports if isinstance(reports, list) else [body])
            if isinstance(report, dict)
        )


def _code_and_status(report: dict[str, Any]) -> tuple[int | None, str | None]:
    code, status = str(report.get("code", "")), report.get("status")
    return (int(code) if re.fullmatch(r"\d{1,4}", code) else None), status if isinstance(
        status, str
    ) else None
