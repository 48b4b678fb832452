"""
Join the request with its response and with the rest of the evidence.

Decide which finding explains the response, and whether the two fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
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
from sinchtools.api.validation import FORMAT, NAMES_OF_FIELDS, STAGES, Violation
from sinchtools.core.json import at_pointer
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis import beside, token_endpoint
from sinchtools.diagnosis.beside import NOTHING, Known
from sinchtools.diagnosis.envelope import is_meant
from sinchtools.diagnosis.generic_http import general_answer, general_violations, words_of
from sinchtools.diagnosis.request import capped, violations
from sinchtools.diagnosis.rules import finding_of, findings_of, rules
from sinchtools.diagnosis.variables import judged
from sinchtools.diagnosis.vendor_text import (
    MOST_SAID,
    group_places,
    named_in,
    object_of,
    pointed_at,
    said,
)

_MOST_OF_A_KIND = 10  # delivery codes of one report that are explained
_SEVERITIES = ("error", "warning", "note")
_SEEN = {400, 405, 415}  # failures whose cause a request shows; of others it need not
_OFTEN_LEFT_OUT = (
    "auth-missing",
    "content-type-missing",
)  # headers that a piece of evidence need not show
_SETTLED = ("callback-url-on-plan",)  # a good answer shows that it is all right
_NO_JSON = re.compile(
    r"Error while parsing json response|Expecting value: line 1 column 1 \(char 0\)"
    r"|JSONDecodeError|Unexpected end of JSON input"
)
_NOT_CONNECTED = (
    "gaierror|NameResolution|Could not resolve|ENOTFOUND|ERR_NAME_NOT_RESOLVED|getaddrinfo"
)
_DOUBTFUL_HOSTS = ("host-legacy", "host-other")  # somebody answers there
_PLACES = {"header": "Authorization", "path": "path", "method": "method", "host": "host"}


@dataclass(frozen=True, slots=True)
class Assessment:
    """
    What is said about one exchange.

    The findings (the first is the answer), the answer that it deserves, and whether it fits the one
    it got.
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
    if exchange.delivery and deliveries.is_callback(exchange):
        return _assessment(_delivery(exchange, [exchange]), exchange.status, None, None)
    if exchange.status is None and (status := catalogue.usual_status_of(exchange.code)):
        exchange = replace(exchange, status=status)
    if place is None:
        return _answer_only(exchange)
    if is_token_endpoint(place):
        return _of_token_endpoint(exchange)
    if not is_meant(place):
        return _general(exchange, place)
    endpoint = place.endpoints.get((exchange.method or "").upper())
    found = violations(exchange, place, endpoint, now)
    if exchange.status is None or exchange.status < 100:
        return _unanswered(exchange, endpoint, list(map(_sure, found)))
    if exchange.status < 400:
        return _taken(exchange, place, endpoint, found, others)
    if number := _classic_number(exchange, place):
        return _of_classic(exchange, number)
    return _refused(exchange, place, endpoint, found, others)


def _classic_number(exchange: Exchange, place: Place) -> int | None:
    """Return the number that the retired Classic API gave an error, if it was that API."""
    number = object_of(exchange.response_body).get("errorCode")
    is_classic = place.kind == "legacy" or _CLASSIC_PATH.match(place.path)
    return number if is_classic and number in catalogue.classic_codes() else None


_CLASSIC_PATH = re.compile(r"/v1/(?:sms|message)(?:/|$)")


def _of_classic(exchange: Exchange, number: int) -> Assessment:
    facts = {"number": number, "value": catalogue.classic_codes()[number]}
    told = finding_of(
        exchange, "observed-classic", severity="error", status=exchange.status, facts=facts
    )
    return _assessment([told], exchange.status, None, True)


# --- a request to the SMS API ---------------------------------------------------------------------


def _unanswered(
    exchange: Exchange, endpoint: Endpoint | None, found: list[Violation]
) -> Assessment:
    errors = _errors(found)
    if not errors and any(v.location == "host" and _is_assumed(v) for v in found):
        endpoint = None  # whether anything answers there is not known
    status, code = _expected(endpoint, errors)
    return _assessment(
        [*_silence(exchange, errors), *findings_of(exchange, found)], status, code, None
    )


def _taken(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    others: Known,
) -> Assessment:
    status = exchange.status or 0
    found = found if status >= 300 else [v for v in found if not _is_disproved(v)]
    first = [finding_of(exchange, "observed-redirect", status=status)] if status >= 300 else []
    first += _failures(exchange, endpoint, others)
    findings = [
        *first,
        *findings_of(exchange, list(map(_shown_or_demoted, found))),
        *(_afterwards(exchange, place, endpoint) if status < 300 else ()),
    ]
    if status >= 300:
        expected = _expected(endpoint, _errors(found))
        return _assessment(findings, *expected, False)
    contradicted = any(violation.rule not in _OFTEN_LEFT_OUT for violation in _errors(found))
    return _assessment(findings, status, None, not contradicted)


def _expected(
    endpoint: Endpoint | None, errors: Sequence[Violation]
) -> tuple[int | None, str | None]:
    """Return the status and the code that a request deserves."""
    if errors:
        return errors[0].status, errors[0].code
    return (endpoint.success if endpoint else None), None


def _refused(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    others: Known,
) -> Assessment:
    fitting = _fitting(exchange, found)
    if exchange.status == 404 and place.values:  # an unknown ID is likelier than a doubtful host
        fitting = [v for v in fitting if v.rule not in _DOUBTFUL_HOSTS]
    if not fitting:
        return _unexplained(exchange, place, endpoint, found, others)
    status, code = exchange.status or 0, exchange.code
    named, reached = named_in(exchange), _stage(status, code)
    first = max(fitting, key=lambda violation: _agreement(violation, named))
    rest = [_sure(v) for v in found if v is not first]
    shown = [
        v if v.severity != "error" or v.stage >= reached or v in fitting else _shown_or_demoted(v)
        for v in rest
    ]
    disproved = any(
        now.severity == "warning" and was.severity == "error"
        for now, was in zip(shown, rest, strict=True)
    )
    [answer] = findings_of(exchange, [first])
    answer = replace(answer, severity="error", status=status, code=code or answer.code)
    return _assessment(
        [answer, *findings_of(exchange, shown)], status, code or first.code, not disproved
    )


def _unexplained(
    exchange: Exchange,
    place: Place,
    endpoint: Endpoint | None,
    found: list[Violation],
    others: Known,
) -> Assessment:
    """Judge a refusal whose cause the request does not show."""
    status, code = exchange.status or 0, exchange.code
    reached, found = _stage(status, code), list(map(_sure, found))
    rest = [
        v if v.severity != "error" or v.stage > reached else _shown_or_demoted(v) for v in found
    ]
    disproved = any(v.stage <= reached and v.rule not in _OFTEN_LEFT_OUT for v in _errors(found))
    hidden = status not in _SEEN or code not in (None, *_codes()) or _of_gateway(exchange)
    unseen = status == 400 and endpoint is not None and exchange.request_body is None
    extra = [finding_of(exchange, "answer-not-json", status=status)] if exchange.is_html else []
    if status == 429 and "sinch-sdk" in (header(exchange.request_headers, "User-Agent") or ""):
        extra.append(finding_of(exchange, "sdk-repeats-429", location="rate"))
    extra += beside.passed_before(exchange, others) if 400 <= status < 500 else []
    return _assessment(
        [_observed(exchange, place, endpoint, others), *findings_of(exchange, rest), *extra],
        status,
        code,
        None if unseen and endpoint and endpoint.body else bool(hidden) and not disproved,
    )


def _sure(violation: Violation) -> Violation:
    """Return a warning where it is not sure that the API refuses."""
    if violation.severity != "error" or not _is_assumed(violation):
        return violation
    return replace(violation, severity="warning", status=None, code=None)


def _is_assumed(violation: Violation) -> bool:
    return rules()[violation.rule].refusal == "assumed"


def _is_disproved(violation: Violation) -> bool:
    """Tell whether a good answer outranks what is only assumed."""
    is_assumed = rules()[violation.rule].tag == "assumed"
    return violation.rule in _SETTLED or (violation.severity == "error" and is_assumed)


def _errors(found: Iterable[Violation]) -> list[Violation]:
    return [violation for violation in found if violation.severity == "error"]


def _fitting(exchange: Exchange, found: list[Violation]) -> list[Violation]:
    """
    Return the findings that explain a refusal.

    They have its status and code, or only its status where the text agrees.
    """
    status, code = exchange.status or 0, exchange.code
    errors, named = _errors(found), named_in(exchange)
    same = [v for v in errors if v.status == status and code in (None, v.code)]
    if (
        not same and status == 400 and code in _codes()
    ):  # which code a defect gets is not documented for each
        same = [
            v for v in errors if v.status == status and (named[0] is None or _agreement(v, named))
        ]
    if not same and status == 400 and not code and _of_gateway(exchange):
        same = [v for v in errors if v.location == "path"]
    return same or _warnings_that_fit(exchange, found, named)


def _warnings_that_fit(
    exchange: Exchange, found: list[Violation], named: tuple[str | None, str | None]
) -> list[Violation]:
    """Return the warnings that a refusal confirms: a doubtful header, a doubtful number."""
    warnings = [v for v in found if v.severity == "warning"]
    if exchange.status in (401, 404):
        field = "Authorization" if exchange.status == 401 else "host"
        return [v for v in warnings if v.field == field]
    if exchange.status == 400 and exchange.code == FORMAT:
        numbers = [v for v in warnings if v.rule.startswith("msisdn-")]
        return [v for v in numbers if named[0] is None or _agreement(v, named)]
    if exchange.status == 400:
        text = said(exchange)
        names = [v for v in warnings if v.rule in NAMES_OF_FIELDS]
        return [v for v in names if v.field and (v.field == named[0] or v.field in text)]
    return []


@cache
def _codes() -> frozenset[str]:
    return frozenset(entry.code for entry in catalogue.status_rows() if entry.code)


def _stage(status: int, code: str | None) -> int:
    if status == 429 or status >= 500:
        return -1
    return next(
        (i for i, (s, c) in enumerate(STAGES) if s == status and c in (None, code)),
        4 if status == 400 else len(STAGES),
    )


def _agreement(violation: Violation, named: tuple[str | None, str | None]) -> int:
    field, pointer = named
    return (2 if pointer and violation.pointer == pointer else 0) + (
        1 if field and violation.field == field else 0
    )


def _shown_or_demoted(violation: Violation) -> Violation:
    if violation.severity != "error":
        return violation
    if violation.rule in _OFTEN_LEFT_OUT:
        return replace(
            violation,
            rule="not-shown",
            severity="note",
            status=None,
            code=None,
            facts={"value": f"{violation.field} header"},
        )
    return replace(violation, severity="warning", status=None)


# --- an answer whose cause the request does not show ----------------------------------------------


def _observed(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, others: Known
) -> Finding:
    status, code = exchange.status or 0, exchange.code
    rule, told = _observed_rule(exchange, place, endpoint, others)
    facts: dict[str, Any] = {"retry_after": _retry_after(exchange), **told}
    place_of: dict[str, Any] = {}
    if status == 404 and rules()[rule].field is None:
        facts["name"] = place_of["field"] = next(reversed(place.values), "path")
    elif rule == "observed-400-gateway":
        facts["name"] = place_of["field"] = _named_in_path(exchange)
    elif status in (400, 403) and rules()[rule].location == "body":
        place_of = _body_place(exchange)
        named = pointed_at(exchange)[0]
        facts["which"] = (
            f'The API message points to "{named}".'
            if named
            else "The evidence does not show which part."
        )
        if code == "unknown_group":
            facts |= beside.group_facts(exchange, _group_named(exchange, place_of), others)
            place_of["replacement"] = facts.pop("replacement", None)
    elif rule in ("observed-unknown-code", "observed-other-status"):
        location = catalogue.explain(status).location or "body"
        place_of = {"location": location, "field": _PLACES.get(location, pointed_at(exchange)[0])}
    return finding_of(
        exchange, rule, severity="error", status=status, code=code, facts=facts, **place_of
    )


def _observed_rule(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, others: Known
) -> tuple[str, dict[str, Any]]:
    if exchange.status == 401:
        return _rule_of_401(exchange, others)
    if exchange.status == 404 and (told := beside.rule_of_region(exchange, others)):
        return told
    return _rule_of_status(exchange, place, endpoint), {}


def _rule_of_status(exchange: Exchange, place: Place, endpoint: Endpoint | None) -> str:
    status, code = exchange.status, exchange.code
    if status == 404:
        return f"observed-404{_kind_of_404(place, endpoint)}"
    if code:
        entry = catalogue.explain(status, code)
        known = f"observed-{entry.code}"
        return known if known in rules() and entry.number == status else "observed-unknown-code"
    if status == 400 and _of_gateway(exchange):
        return "observed-400-gateway"
    if status == 403 and endpoint and endpoint.operation.startswith("delivery_reports.get"):
        return "observed-403-report"
    if status == 409 and endpoint and endpoint.operation == "batches.cancel":
        return "observed-409-cancel"
    if f"observed-{status}" in rules():
        return f"observed-{status}"
    return "observed-5xx" if (status or 0) >= 500 else "observed-other-status"


def _rule_of_401(exchange: Exchange, others: Known) -> tuple[str, dict[str, Any]]:
    expired = "expired" in (header(exchange.response_headers, "WWW-Authenticate") or "").lower()
    if expired:
        return "observed-401-expired", {}
    if told := beside.rule_of_region(exchange, others) or beside.rule_of_token(exchange, others):
        return told
    return "observed-unknown-code" if exchange.code else "observed-401", {}


def _of_gateway(exchange: Exchange) -> Mapping[str, Any]:
    """Return the body that a gateway answers with in front of the API, or nothing."""
    body = object_of(exchange.response_body)
    return body if {"timestamp", "error", "path"} <= body.keys() else {}


def _named_in_path(exchange: Exchange) -> str:
    path = exchange.url or str(_of_gateway(exchange)["path"])[:MOST_SAID]
    return next(reversed(locate(path).values), "path")


def _kind_of_404(place: Place, endpoint: Endpoint | None) -> str:
    operation = endpoint.operation if endpoint else ""
    if operation.startswith("delivery_reports.get"):
        return "-report"
    if "feedback" in operation:
        return "-feedback"
    return "" if place.values else "-route"


def _body_place(exchange: Exchange) -> dict[str, Any]:
    code, body = catalogue.code_name(exchange.code), object_of(exchange.request_body)
    field, pointer = pointed_at(exchange)
    usual = rules().get(f"observed-{code}")
    field = field or (usual.field if usual else None)
    if code == "unknown_group":
        field, pointer = next(group_places(body, said(exchange)), (field, pointer))
    elif code == "missing_callback_url":
        field, pointer = "callback_url", "/delivery_report" if "delivery_report" in body else None
    return {"field": field, "pointer": pointer}


def _group_named(exchange: Exchange, place: Mapping[str, Any]) -> str | None:
    """Return the group ID at a place of the body."""
    value = at_pointer(object_of(exchange.request_body), place.get("pointer"))
    return value if isinstance(value, str) else None


# --- no answer, or a good one ---------------------------------------------------------------------


def _silence(exchange: Exchange, errors: list[Violation]) -> list[Finding]:
    """Return what a client's own error says, when there is no answer."""
    words = f"{(exchange.failure or '')[:MOST_SAID]} {said(exchange)}"
    if _NO_JSON.search(words):
        return [finding_of(exchange, "status-hidden", severity="warning", location="server")]
    if not exchange.failure or errors:
        return []
    advice, tip = catalogue.retry_advice(
        None, None, exchange.method, failure=words, endpoint=exchange.endpoint
    )
    rule = "host-not-found" if re.search(_NOT_CONNECTED, words) else "no-response"
    unsure = "" if advice == "as-is" else "Whether the request was carried out is unknown."
    facts = {"value": exchange.failure[:80], "tip": tip, "processed": unsure}
    return [finding_of(exchange, rule, facts=facts)]


def _failures(exchange: Exchange, endpoint: Endpoint | None, others: Known) -> list[Finding]:
    """
    Return what failed according to a delivery report.

    The report is the response itself, or one in the evidence about the batch that was sent.
    """
    operation = endpoint.operation if endpoint else ""
    if operation.startswith("delivery_reports"):
        return _delivery(exchange, [exchange])
    batch_id = deliveries.batch_sent_by(exchange)
    return _delivery(exchange, others.reports.get(batch_id, ())) if batch_id else []


def _afterwards(exchange: Exchange, place: Place, endpoint: Endpoint | None) -> list[Finding]:
    """Return what a good answer does not say by itself."""
    operation = endpoint.operation if endpoint else ""
    if operation == "batches.send" and not exchange.delivery:
        return [finding_of(exchange, "accepted-not-delivered", severity="note", location="server")]
    windowed = (
        operation.endswith(".list") and endpoint is not None and "start_date" in endpoint.query
    )
    dated = any(name == "start_date" for name, _ in place.query)
    if windowed and not dated and object_of(exchange.response_body).get("count") == 0:
        return [
            finding_of(
                exchange, "empty-list", severity="note", location="query", field="start_date"
            )
        ]
    return []


def _delivery(exchange: Exchange, reports: Iterable[Exchange]) -> list[Finding]:
    """Return what delivery reports say of messages that did not arrive, each code once."""
    said = [
        (told, report)
        for report in reports
        for _, entries in deliveries.reports_of(report)
        for told in entries
    ]
    seen = [(told, report) for told, report in said if told.is_failure or told.status == "Unknown"]
    every = [told for told, _ in said]
    sure = [told.code for told, _ in seen if told.is_failure]
    lost = exchange.outcome == "not_delivered"
    kept = {told.code: (told, report) for told, report in reversed(seen)}
    findings = [
        _undelivered(exchange, code, report, lost and code in sure, every)
        for code, (_, report) in list(reversed(kept.items()))[:_MOST_OF_A_KIND]
    ]
    known = exchange.delivery_code
    if known is not None and known not in sure:  # the report itself is not at hand
        findings.insert(0, _undelivered(exchange, known, exchange, True))
    return findings


def _undelivered(
    exchange: Exchange,
    code: int,
    report: Exchange,
    is_error: bool,
    told: Sequence[deliveries.Told] = (),
) -> Finding:
    some, all_of_them = deliveries.share_of(code, told)
    entry = catalogue.explain(delivery=code)
    facts = {
        "value": entry.label,
        "title": entry.title,
        "meaning": entry.meaning,
        "tip": " ".join(entry.tips) or entry.retry_reason,
        "report": "" if report is exchange else report.source,
        "share": f" to {some:,} of {all_of_them:,} recipients" if 0 < some < all_of_them else "",
    }
    return finding_of(
        exchange,
        "delivery-failed",
        severity="error" if is_error else "warning",
        location=entry.location or "server",
        facts=facts,
        proof=entry.label,
    )


def _of_token_endpoint(exchange: Exchange) -> Assessment:
    status = exchange.status if exchange.status and exchange.status >= 100 else None
    found = [*judged(exchange, locate(exchange.url or ""), token_endpoint.violations(exchange))]
    note = finding_of(exchange, "token-endpoint", severity="note", location="host", field="host")
    errors = _errors(found)
    if status is None:
        first = errors[0] if errors else None
        expected = (first.status, first.code) if first else (200, None)
        return _assessment(
            [*_silence(exchange, errors), *findings_of(exchange, found), note], *expected, None
        )
    if status < 400:
        return _assessment([], status, None, True)
    fitting = [v for v in errors if v.status == status]
    rest = [_shown_or_demoted(v) for v in found if v not in fitting]
    answer = token_endpoint.observed(exchange) or general_answer(exchange)
    causes = [replace(v, code=exchange.code) for v in fitting]
    return _assessment(
        [*findings_of(exchange, causes), answer, *findings_of(exchange, rest), note],
        status,
        exchange.code,
        True,
    )


# --- another API, or no request at all ------------------------------------------------------------


def _general(exchange: Exchange, place: Place) -> Assessment:
    status = exchange.status
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
            [*_silence(exchange, found), *findings_of(exchange, found), note], expected, None, None
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
            [*said, *findings_of(exchange, list(map(_shown_or_demoted, found))), note],
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


def _answer_only(exchange: Exchange) -> Assessment:
    if exchange.status is None or exchange.status < 100:
        nothing = [finding_of(exchange, "not-decidable", severity="note", location="server")]
        if exchange.code:
            nothing = [finding_of(exchange, "observed-code-alone", code=exchange.code)]
        said = _silence(exchange, []) or _delivery(exchange, [exchange])
        return _assessment(said or nothing * (not exchange.delivery), None, None, None)
    if exchange.status < 400:
        return _assessment(_delivery(exchange, [exchange]), exchange.status, None, True)
    rule = f"observed-{exchange.status}-alone"
    if not exchange.code and rule in rules():
        alone = finding_of(exchange, rule, severity="error", status=exchange.status)
    else:
        alone = _observed(exchange, locate(""), None, NOTHING)
    return _assessment([alone], exchange.status, exchange.code, None)


# --- small things ---------------------------------------------------------------------------------


def _assessment(
    findings: list[Finding], status: int | None, code: str | None, consistent: bool | None
) -> Assessment:
    """
    Put errors before warnings before notes.

    A note on the very place of the answer says nothing new.
    """
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


def _retry_after(exchange: Exchange) -> str:
    value = header(exchange.response_headers, "Retry-After")
    return f"The response asks you to wait: Retry-After {value[:40]}." if value else ""
