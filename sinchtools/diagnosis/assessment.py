"""
Join the request with its response and with the rest of the evidence.

Decide which finding explains the response, and whether the two fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sinchtools.api import catalogue, deliveries
from sinchtools.api.description import (
    Endpoint,
    Place,
    complete,
    is_token_endpoint,
    locate,
    other_api,
)
from sinchtools.api.validation import NAMES_OF_FIELDS, Violation
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis import beside, callbacks, token_endpoint
from sinchtools.diagnosis.beside import NOTHING, Known
from sinchtools.diagnosis.envelope import is_meant
from sinchtools.diagnosis.fitting import (
    DOUBTFUL_HOSTS,
    OFTEN_LEFT_OUT,
    REDACTED,
    agreement,
    codes_on_the_page,
    errors_in,
    expected_of,
    fitting_violations,
    is_assumed,
    is_disproved,
    of_gateway,
    shown_or_demoted,
    stage_of,
    sure,
)
from sinchtools.diagnosis.generic_http import general_answer, general_violations, words_of
from sinchtools.diagnosis.outcomes import (
    afterwards,
    of_delivery,
    of_failures,
    of_silence,
)
from sinchtools.diagnosis.refusals import observed_refusal
from sinchtools.diagnosis.request import capped, violations
from sinchtools.diagnosis.rules import finding_of, findings_of, rules
from sinchtools.diagnosis.variables import judged
from sinchtools.diagnosis.vendor_text import (
    named_in,
    object_of,
)
from sinchtools.privacy.masks import without_people

_SEVERITIES = ("error", "warning", "note")
_SEEN = {400, 405, 415}  # failures whose cause a request shows; of others it need not


@dataclass(frozen=True, slots=True)
class Assessment:
    """
    What is said about one exchange.

    The findings (the first matters most), the response that it deserves, and whether it fits the
    one it got.
    """

    findings: tuple[Finding, ...]
    status: int | None
    code: str | None
    consistent: bool | None


def assess(exchange: Exchange, now: datetime, others: Known = NOTHING) -> Assessment:
    """Return what is wrong with an exchange, dates and tokens held against `now`."""
    if exchange.code is None and exchange.response_body and (exchange.status or 0) >= 400:
        exchange = complete(exchange)
    place = locate(exchange.url) if exchange.url else None
    was_refused = (exchange.status or 0) >= 300
    if (exchange.delivery or was_refused) and deliveries.is_callback(exchange):
        refused = callbacks.findings(exchange, place or locate(""))
        told = [*refused, *of_delivery(exchange, [exchange])]
        return _assessment(told, exchange.status, None, None)
    if exchange.status is None and (status := catalogue.usual_status_of(exchange.code)):
        exchange = replace(exchange, status=status)
    if place is None:
        return _response_only(exchange)
    if exchange.method == "CONNECT":
        return _of_proxy(exchange)
    if is_token_endpoint(place):
        return _of_token_endpoint(exchange)
    if not is_meant(place):
        return _general(exchange, place)
    endpoint = place.endpoints.get((exchange.method or "").upper())
    found = violations(exchange, place, endpoint, now)
    if exchange.status is None or exchange.status < 100:
        return _without_response(exchange, endpoint, list(map(sure, found)))
    if exchange.status < 400:
        return _accepted(exchange, place, endpoint, found, others)
    if number := _classic_number(exchange, place):
        return _of_classic(exchange, number)
    return _rejected(exchange, place, endpoint, found, now, others)


def _classic_number(exchange: Exchange, place: Place) -> int | None:
    """Return the number that the retired Classic API gave an error, if it was that API."""
    if place.kind != "legacy" and not _CLASSIC_PATH.match(place.path):
        return None
    number = object_of(exchange.response_body).get("errorCode")
    return number if number in catalogue.classic_codes() else None


_CLASSIC_PATH = re.compile(r"/v1/(?:sms|message)(?:/|$)")


def _of_classic(exchange: Exchange, number: int) -> Assessment:
    facts = {"number": number, "value": catalogue.classic_codes()[number]}
    told = finding_of(
        exchange, "observed-classic", severity="error", status=exchange.status, facts=facts
    )
    return _assessment([told], exchange.status, None, True)


# --- a request to the SMS API ---------------------------------------------------------------------


def _without_response(
    exchange: Exchange, endpoint: Endpoint | None, found: list[Violation]
) -> Assessment:
    if exchange.failure and not (exchange.request_headers or exchange.request_body):
        found = [v for v in found if v.location not in ("header", "body")]  # a client's line alone
    errors = errors_in(found)
    if not errors and any(v.location == "host" and is_assumed(v) for v in found):
        endpoint = None  # whether anything answers there is not known
    status, code = expected_of(endpoint, errors)
    return _assessment(
        [*of_silence(exchange, errors), *findings_of(exchange, found)], status, code, None
    )


def _accepted(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    others: Known,
) -> Assessment:
    status = exchange.status or 0
    found = found if status >= 300 else [v for v in found if not is_disproved(v)]
    first = [finding_of(exchange, "observed-redirect", status=status)] if status >= 300 else []
    first += of_failures(exchange, endpoint, others)
    findings = [
        *first,
        *findings_of(exchange, list(map(shown_or_demoted, found))),
        *others.sends.findings(exchange),
        *(afterwards(exchange, place, endpoint) if status < 300 else ()),
    ]
    if status >= 300:
        expected = expected_of(endpoint, errors_in(found))
        return _assessment(findings, *expected, False)
    unseen = (*OFTEN_LEFT_OUT, *REDACTED)
    contradicted = any(violation.rule not in unseen for violation in errors_in(found))
    return _assessment(findings, status, None, not contradicted)


def _rejected(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    now: datetime,
    others: Known,
) -> Assessment:
    named = named_in(exchange)
    fitting = fitting_violations(exchange, found, named)
    if exchange.status == 404 and place.values:  # an unknown ID is likelier than a doubtful host
        fitting = [v for v in fitting if v.rule not in DOUBTFUL_HOSTS]
    if fitting and fitting[0].field in place.values and beside.rule_of_id(exchange, place, others):
        fitting = []  # the evidence shows the ID that was meant
    if not fitting:
        return _by_quoted(exchange, now, others) or _unexplained(
            exchange, place, endpoint, found, others
        )
    status, code = exchange.status or 0, exchange.code
    reached = stage_of(status, code)
    first = max(fitting, key=lambda violation: agreement(violation, named))
    rest = [sure(v) for v in found if v is not first]
    shown = [
        v if v.severity != "error" or v.stage >= reached or v in fitting else shown_or_demoted(v)
        for v in rest
    ]
    disproved = any(
        now.severity == "warning" and was.severity == "error"
        for now, was in zip(shown, rest, strict=True)
    )
    [observed] = findings_of(exchange, [first])
    told = ("error", status, code or observed.code)
    if (observed.severity, observed.status, observed.code) != told:
        observed = replace(observed, severity="error", status=status, code=told[2])
    return _assessment(
        [observed, *findings_of(exchange, shown)], status, code or first.code, not disproved
    )


def _by_quoted(exchange: Exchange, now: datetime, others: Known) -> Assessment | None:
    """Explain a refusal by a request beside it of which no response is known."""
    kind = (exchange.status, exchange.code, exchange.text, exchange.endpoint, exchange.account)
    if kind not in others.explained:
        others.explained[kind] = _fitting_quoted(exchange, now, others)
    if (found := others.explained[kind]) is None:
        return None
    top, facts = found
    code = exchange.code or top.code
    place = {"location": top.location, "field": top.field, "code": code}
    told = finding_of(exchange, "quoted-beside", status=exchange.status, facts=facts, **place)
    return _assessment([told], exchange.status, code, None)


def _fitting_quoted(
    exchange: Exchange, now: datetime, others: Known
) -> tuple[Finding, dict[str, Any]] | None:
    for refused, facts in beside.quoted_for(exchange, others):
        top = next(iter(assess(refused, now).findings), None)
        if top and top.severity == "error" and not top.rule.startswith(("observed-", "general-")):
            person = beside.value_at(refused, top.pointer)
            people = [person] if isinstance(person, str) else []
            return top, facts | {"says": without_people(top.says, *people), "then": top.then}
    return None


def _unexplained(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    others: Known,
) -> Assessment:
    """Judge a refusal whose cause the request does not show."""
    status, code = exchange.status or 0, exchange.code
    reached, found = stage_of(status, code), list(map(sure, found))
    rest = [v if v.severity != "error" or v.stage > reached else shown_or_demoted(v) for v in found]
    disproved = any(v.stage <= reached and v.rule not in OFTEN_LEFT_OUT for v in errors_in(found))
    told = observed_refusal(exchange, place, endpoint, others)
    rest = [v for v in rest if not (v.pointer == told.pointer and v.rule in NAMES_OF_FIELDS)]
    hidden = (
        told.rule == "observed-not-utf8"
        or status not in _SEEN
        or code not in (None, *codes_on_the_page())
        or of_gateway(exchange)
    )
    unseen = status == 400 and endpoint is not None and exchange.request_body is None
    extra = [finding_of(exchange, "answer-not-json", status=status)] if exchange.is_html else []
    if status == 429 and "sinch-sdk" in (header(exchange.request_headers, "User-Agent") or ""):
        extra.append(finding_of(exchange, "sdk-repeats-429", location="rate"))
    extra += beside.passed_before(exchange, others) if 400 <= status < 500 and status != 429 else []
    return _assessment(
        [told, *findings_of(exchange, rest), *extra],
        status,
        code,
        None if unseen and endpoint and endpoint.body else bool(hidden) and not disproved,
    )


def _of_token_endpoint(exchange: Exchange) -> Assessment:
    status = exchange.status if exchange.status and exchange.status >= 100 else None
    found = [*judged(exchange, locate(exchange.url or ""), token_endpoint.violations(exchange))]
    note = finding_of(exchange, "token-endpoint", severity="note", location="host", field="host")
    errors = errors_in(found)
    if status is None:
        first = errors[0] if errors else None
        expected = (first.status, first.code) if first else (200, None)
        return _assessment(
            [*of_silence(exchange, errors), *findings_of(exchange, found), note],
            *expected,
            None,
        )
    if status < 400:
        return _assessment([], status, None, True)
    fitting = [v for v in errors if v.status == status]
    rest = [shown_or_demoted(v) for v in found if v not in fitting]
    observed = token_endpoint.observed(exchange) or general_answer(exchange)
    causes = [replace(v, code=exchange.code) for v in fitting]
    return _assessment(
        [*findings_of(exchange, causes), observed, *findings_of(exchange, rest), note],
        status,
        exchange.code,
        True,
    )


# --- another API, or no request at all ------------------------------------------------------------


def _of_proxy(exchange: Exchange) -> Assessment:
    """Judge the response of a proxy that was asked for a connection."""
    found = of_silence(exchange, [])
    if exchange.status and exchange.status >= 400:
        facts = {"value": (exchange.url or "?")[:80]}
        found.append(finding_of(exchange, "observed-proxy", status=exchange.status, facts=facts))
    return _assessment(found, exchange.status, None, None)


def _general(exchange: Exchange, place: Place) -> Assessment:
    status = exchange.status
    if status is not None and callbacks.is_brought(exchange, place):
        return _assessment(callbacks.findings(exchange, place), status, None, True)
    found = capped([*general_violations(exchange)])
    note = finding_of(
        exchange,
        "not-the-sms-api",
        severity="note",
        location="host",
        field="host",
        facts={"value": (place.host or "?")[:80], "suggestion": other_api(place.host)},
    )
    if status is None or status < 100:
        expected = 400 if found else None  # what another API answers is not known
        return _assessment(
            [*of_silence(exchange, found), *findings_of(exchange, found), note],
            expected,
            None,
            None,
        )
    if status < 400:
        words = words_of(exchange, only_errors=True)
        said = (
            [
                finding_of(
                    exchange,
                    "general-error-in-success",
                    severity="warning",
                    location="server",
                    facts={"text": words},
                )
            ]
            if words
            else []
        )
        return _assessment(
            [*said, *findings_of(exchange, list(map(shown_or_demoted, found))), note],
            status,
            None,
            not found,
        )
    fitting = [violation for violation in found if violation.status == status]
    return _assessment(
        [*findings_of(exchange, fitting), general_answer(exchange), note],
        status,
        exchange.code,
        True,
    )


def _response_only(exchange: Exchange) -> Assessment:
    if exchange.status is None or exchange.status < 100:
        nothing = [finding_of(exchange, "not-decidable", severity="note", location="server")]
        if exchange.code:
            nothing = [finding_of(exchange, "observed-code-alone", code=exchange.code)]
        said = of_silence(exchange, []) or of_delivery(exchange, [exchange])
        if not said and not exchange.delivery:
            said = nothing
        return _assessment(said, None, None, None)
    if exchange.status < 400:
        return _assessment(of_delivery(exchange, [exchange]), exchange.status, None, True)
    rule = f"observed-{exchange.status}-alone"
    if not exchange.code and rule in rules():
        alone = finding_of(exchange, rule, severity="error", status=exchange.status)
    else:
        alone = observed_refusal(exchange, locate(""), None, NOTHING)
    return _assessment([alone], exchange.status, exchange.code, None)


# --- small things ---------------------------------------------------------------------------------


def _assessment(
    findings: list[Finding], status: int | None, code: str | None, consistent: bool | None
) -> Assessment:
    """
    Put errors before warnings before notes.

    A note on the very place of the answer says nothing new.
    """
    if not findings:
        return Assessment((), status, code, consistent)
    ordered = sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))
    kept = [
        *ordered[:1],
        *(
            f
            for f in ordered[1:]
            if f.severity != "note"
            or not f.pointer
            or (f.field, f.pointer) != _place_of(ordered[0])
        ),
    ]
    return Assessment(tuple(kept), status, code, consistent)


def _place_of(finding: Finding) -> tuple[str | None, str | None]:
    return finding.field, finding.pointer
