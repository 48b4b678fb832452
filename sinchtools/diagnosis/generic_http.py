"""Requests to another API: judged by general HTTP, JSON and E.164 rules only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from sinchtools.api import catalogue
from sinchtools.api.validation import Violation, msisdn_defect
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis import json_errors
from sinchtools.diagnosis.request import violation_of
from sinchtools.diagnosis.rules import finding_of, in_words, quoted, text_of

_ERROR_NAMES = re.compile("error-text|error_text|error|errors|error_message|errorMessage")
_ANSWER_NAMES = re.compile(
    f"{_ERROR_NAMES.pattern}|message|text|detail|description|title|error_description|code"
)


_MEANINGS = {  # of a status, or of its class; RFC 9110
    300: "It points to another address.",
    400: "The request is at fault.",
    401: "The credentials are missing, or they were not accepted.",
    403: "The request was understood and refused.",
    404: "There is nothing at this address.",
    405: "The address does not accept this method.",
    409: "The request conflicts with the state of the resource.",
    415: "The content type of the body is not supported.",
    422: "The request is well-formed, but its content was not accepted.",
    429: "Too many requests were sent.",
    500: "The cause is on the server's side.",
}


def general_violations(exchange: Exchange) -> Iterator[Violation]:
    """Yield what no API can accept: broken JSON, and a number that no country has."""
    body = exchange.request_body
    text = text_of(body[:200_000] if body else None)
    if not body or text is None:
        return
    if "json" in (header(exchange.request_headers, "Content-Type") or "").lower() and (
        broken := json_errors.defects(body)
    ):
        for violation in map(violation_of, broken):
            yield replace(violation, code=None)
        return
    is_form = "form" in (header(exchange.request_headers, "Content-Type") or "")
    for number in dict.fromkeys(
        re.findall(r"(?<![\w+])\+\d{4,20}(?!\d)", unquote_plus(text) if is_form else text)
    ):
        rule, severity, facts = msisdn_defect(number)
        if rule and severity == "error":
            yield Violation(
                rule="general-number",
                code=None,
                field="to",
                facts={"country_code": "?", "number": number, **facts},
            )


def general_answer(exchange: Exchange) -> Finding:
    """Return what a refusal says, in its own words and in those of HTTP."""
    status = exchange.status or 500
    entry = catalogue.explain(status)
    location = {401: "header", 404: "path", 405: "method", 415: "header", 429: "rate"}.get(
        status, "server" if status >= 500 else "body"
    )
    field = {401: "Authorization", 404: "path", 405: "method", 415: "Content-Type"}.get(status)
    words = words_of(exchange)
    facts = {
        "text": quoted(words),
        "meaning": _MEANINGS.get(status) or _MEANINGS.get(status // 100 * 100),
        "tip": _general_tip(status),
        "title": _phrase(status) or entry.title,
    }
    return finding_of(
        exchange,
        "general-answer",
        severity="error",
        status=status,
        code=exchange.code,
        location=location,
        field=field,
        facts=facts,
    )


def words_of(exchange: Exchange, *, only_errors: bool = False) -> str:
    """Return what an answer of any API says for people, cut."""
    value = parsed(exchange.response_body)
    words = [
        word for word in _strings(value, _ERROR_NAMES if only_errors else _ANSWER_NAMES, 0) if word
    ]
    if not words and not only_errors:
        raw = text_of(exchange.response_body) or exchange.text or ""
        words = [] if raw.lstrip().startswith(("<", "{", "[")) else [raw[:200]]
    return in_words("; ".join(dict.fromkeys(words))[:300])


def _strings(value: Any, names: re.Pattern[str], depth: int) -> Iterator[str]:
    if isinstance(value, list) and depth < 6:
        for entry in value[:5]:
            yield from _strings(entry, names, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        for name, entry in value.items():
            if (
                names.fullmatch(str(name))
                and isinstance(entry, (str, int))
                and not isinstance(entry, bool)
            ):
                yield str(entry)
            elif isinstance(entry, (dict, list)):
                yield from _strings(
                    entry,
                    re.compile(".*") if names.fullmatch(str(name)) and depth < 5 else names,
                    depth + 1,
                )


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _general_tip(status: int) -> str:
    tips = {
        400: "Correct the request. The response says which field or number is not valid.",
        401: "Check the credentials (key, token, or account and password), and that they belong "
        "together.",
        403: "Check what the account may do: permissions, trial limits, verified numbers, balance.",
        404: "Check the path and the ID in it.",
        429: "Wait, slow down, and queue the requests. Retry with growing pauses.",
    }
    return tips.get(
        status,
        "Retry later. Contact the provider if it continues."
        if status >= 500
        else "Read the response and the documentation of that API.",
    )


def parsed(body: str | bytes | None) -> Any:
    """Return the value of a JSON body, or None when it is none or too large to be worth it."""
    return value_of(body) if body and len(body) <= 1_000_000 else None
