"""Which of the mistakes in a request explain its response, and which the response disproves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sinchtools.api import catalogue
from sinchtools.api.description import Endpoint
from sinchtools.api.validation import FORMAT, NAMES_OF_FIELDS, STAGES, Violation
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.rules import rules
from sinchtools.diagnosis.vendor_text import Named, object_of, said

OFTEN_LEFT_OUT = (
    "auth-missing",
    "content-type-missing",
)  # headers that a piece of evidence need not show


# what a customer leaves a placeholder for, in a request that was sent with the value
REDACTED = {
    "auth-placeholder": "token in the Authorization header",
    "account-placeholder": "service plan ID",
}


_SETTLED = ("callback-url-on-plan",)  # a good answer shows that it is all right


DOUBTFUL_HOSTS = ("host-legacy", "host-other")  # somebody answers there


def expected_of(
    endpoint: Endpoint | None, errors: Sequence[Violation]
) -> tuple[int | None, str | None]:
    """Return the status and the code that a request deserves."""
    if errors:
        return errors[0].status, errors[0].code
    return (endpoint.success if endpoint else None), None


def sure(violation: Violation) -> Violation:
    """Return a warning where it is not sure that the API refuses."""
    if violation.severity != "error" or not is_assumed(violation):
        return violation
    return replace(violation, severity="warning", status=None, code=None)


def is_assumed(violation: Violation) -> bool:
    """Tell whether it is only assumed that the API refuses this."""
    return rules()[violation.rule].refusal == "assumed"


def is_disproved(violation: Violation) -> bool:
    """Tell whether a good answer outranks what is only assumed."""
    is_assumed = rules()[violation.rule].tag == "assumed"
    return violation.rule in _SETTLED or (violation.severity == "error" and is_assumed)


def errors_in(found: Iterable[Violation]) -> list[Violation]:
    """Return those that the API refuses."""
    return [violation for violation in found if violation.severity == "error"]


def fitting_violations(exchange: Exchange, found: list[Violation], named: Named) -> list[Violation]:
    """
    Return the findings that explain a refusal.

    They have its status and code, or only its status where the text agrees. `named` is the place
    that the text names.
    """
    status, code = exchange.status or 0, exchange.code
    errors = errors_in(found)
    same = [v for v in errors if v.status == status and code in (None, v.code)]
    if (
        not same and status == 400 and code in codes_on_the_page()
    ):  # which code a defect gets is not documented for each
        same = [
            v for v in errors if v.status == status and (named[0] is None or agreement(v, named))
        ]
    if not same and status == 400 and not code and of_gateway(exchange):
        same = [v for v in errors if v.location == "path"]
    return same or _warnings_that_fit(exchange, found, named)


def _warnings_that_fit(exchange: Exchange, found: list[Violation], named: Named) -> list[Violation]:
    """Return the warnings that a refusal confirms: a doubtful header, a doubtful number."""
    warnings = [v for v in found if v.severity == "warning"]
    if exchange.status in (401, 404):
        field = "Authorization" if exchange.status == 401 else "host"
        return [v for v in warnings if v.field == field]
    if exchange.status == 400 and exchange.code == FORMAT:
        numbers = [v for v in warnings if v.rule.startswith("msisdn-")]
        return [v for v in numbers if named[0] is None or agreement(v, named)]
    if exchange.status == 400:
        text = said(exchange)
        names = [v for v in warnings if v.rule in NAMES_OF_FIELDS]
        return [v for v in names if v.field and (v.field == named[0] or v.field in text)]
    return []


@cache
def codes_on_the_page() -> frozenset[str]:
    """Return the codes that the status page lists."""
    return frozenset(entry.code for entry in catalogue.status_rows() if entry.code)


def stage_of(status: int, code: str | None) -> int:
    """Return how far the API came in its checks before this refusal; -1: before all of them."""
    if status == 429 or status >= 500:
        return -1
    return next(
        (i for i, (s, c) in enumerate(STAGES) if s == status and c in (None, code)),
        4 if status == 400 else len(STAGES),
    )


def agreement(violation: Violation, named: Named) -> int:
    """Return how well a violation agrees with the field and the pointer that the text names."""
    field, pointer = named
    return (2 if pointer and violation.pointer == pointer else 0) + (
        1 if field and violation.field == field else 0
    )


def shown_or_demoted(violation: Violation) -> Violation:
    """Return a mistake that the response disproves as a warning, or as a note if not shown."""
    if violation.severity != "error":
        return violation
    name = REDACTED.get(violation.rule) or f"{violation.field} header"
    if violation.rule in OFTEN_LEFT_OUT or violation.rule in REDACTED:
        return replace(
            violation,
            rule="not-shown",
            severity="note",
            status=None,
            code=None,
            facts={"value": name},
        )
    return replace(violation, severity="warning", status=None)


def of_gateway(exchange: Exchange) -> Mapping[str, Any]:
    """Return the body that a gateway answers with in front of the API, or nothing."""
    body = object_of(exchange.response_body)
    return body if {"timestamp", "error", "path"} <= body.keys() else {}
