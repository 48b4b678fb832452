"""What there is to say of silence, of a good response, and of a message that never arrived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sinchtools.api import catalogue, deliveries
from sinchtools.api.description import Endpoint, Place
from sinchtools.api.validation import Violation
from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.beside import Known
from sinchtools.diagnosis.rules import finding_of
from sinchtools.diagnosis.vendor_text import (
    object_of,
)

_MOST_OF_A_KIND = 10  # delivery codes of one report that are explained


_NO_JSON = re.compile(
    r"Error while parsing json response|Expecting value: line 1 column 1 \(char 0\)"
    r"|JSONDecodeError|Unexpected end of JSON input"
)


_NEVER_SENT = {  # what a client says of a request that did not leave, and the rule for it
    "cors-blocked": r"\bCORS\b|Cross-Origin|access control checks|Access-Control-Allow-Origin",
    "host-not-found": (
        "gaierror|NameResolution|Could not resolve|ENOTFOUND|ERR_NAME_NOT_RESOLVED|getaddrinfo"
    ),
    "certificate-refused": (
        r"(?i)certificat|x509|PKIX path|CERT_|_CERT|trust relationship for the (?:SSL|TLS)"
    ),
}


_WHY_REFUSED = {  # what a client says of a certificate, and what that means
    r"(?i)expired": "The client calls it expired.",
    r"(?i)altname|host ?name|subject name|different host": "It was issued for another host.",
    r"(?i)self.signed|issuer|authority|PKIX|UNABLE_TO|trusted": (
        "Its issuer is unknown to the client. That is not an expired certificate."
    ),
}
_TIMEOUT = re.compile(r"(?i)time[d ]{0,2}out|ECONNABORTED|ESOCKETTIMEDOUT|curl: \(28\)")


def of_silence(exchange: Exchange, errors: list[Violation]) -> list[Finding]:
    """Return what a client's own error says, when there is no answer."""
    words = catalogue.words_of_failure(exchange)
    if _NO_JSON.search(words):
        return [finding_of(exchange, "status-hidden", severity="warning", location="server")]
    if not exchange.failure or errors:
        return []
    advice, tip = catalogue.advice_on(exchange)
    told = (rule for rule, pattern in _NEVER_SENT.items() if re.search(pattern, words))
    rule = next(told, "no-response")
    unsure = "" if advice == "as-is" else "Whether the request was carried out is unknown."
    facts = {"value": exchange.failure[:80], "tip": tip, "processed": unsure}
    why = (means for said, means in _WHY_REFUSED.items() if re.search(said, words))
    facts["why"] = next(why, "")
    facts["waited"] = "The client stopped waiting (timeout). " if _TIMEOUT.search(words) else ""
    return [finding_of(exchange, rule, facts=facts)]


def of_failures(exchange: Exchange, endpoint: Endpoint | None, others: Known) -> list[Finding]:
    """
    Return what failed according to a delivery report.

    The report is the response itself, or one in the evidence about the batch that was sent.
    """
    operation = endpoint.operation if endpoint else ""
    if operation.startswith("delivery_reports"):
        return of_delivery(exchange, [exchange])
    batch_id = deliveries.batch_sent_by(exchange)
    return of_delivery(exchange, others.reports.get(batch_id, ())) if batch_id else []


def afterwards(exchange: Exchange, place: Place, endpoint: Endpoint | None) -> list[Finding]:
    """Return what a good answer does not say by itself."""
    operation = endpoint.operation if endpoint else ""
    if operation == "batches.send" and not exchange.delivery:
        note = finding_of(exchange, "accepted-not-delivered", severity="note", location="server")
        return [*_without_reports(exchange), note]
    windowed = (
        operation.endswith(".list") and endpoint is not None and "start_date" in endpoint.query
    )
    if (
        windowed
        and not any(name == "start_date" for name, _ in place.query)
        and object_of(exchange.response_body).get("count") == 0
    ):
        return [
            finding_of(
                exchange, "empty-list", severity="note", location="query", field="start_date"
            )
        ]
    return []


def _without_reports(exchange: Exchange) -> list[Finding]:
    """Return that a batch has a callback URL for reports, and asks for none."""
    sent = object_of(exchange.request_body)
    if not sent.get("callback_url"):
        return []
    made = object_of(exchange.response_body)
    if (made.get("delivery_report") or sent.get("delivery_report") or "none") != "none":
        return []
    return [finding_of(exchange, "callback-without-report", severity="warning")]


def of_delivery(exchange: Exchange, reports: Iterable[Exchange]) -> list[Finding]:
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
