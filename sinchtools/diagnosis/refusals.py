"""Name a refusal whose cause the request does not show, by its status, its code and the place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sinchtools.api import catalogue
from sinchtools.api.description import Endpoint, Place, locate
from sinchtools.api.validation.names import OTHER_NAMES, meant, snake
from sinchtools.core.json import at_pointer
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.words import counted
from sinchtools.diagnosis import beside
from sinchtools.diagnosis.beside import Known
from sinchtools.diagnosis.fitting import of_gateway
from sinchtools.diagnosis.rules import finding_of, rules
from sinchtools.diagnosis.vendor_text import (
    MOST_SAID,
    group_places,
    object_of,
    pointed_at,
    said,
)

BY_ID = (
    "observed-404-like",
    "observed-404-other-plan",
    "observed-404-other-kind",
    "observed-404-old",
)
_NOT_UTF8 = re.compile(
    r"(?i)invalid utf-?8|utf-?8 (?:start|middle|continuation) byte|malformed utf"
)
_MOST_CHARACTERS = 5  # outside of ASCII that are named
_OF_IDS = ("observed-404", "observed-403-report", "observed-400-gateway", "observed-409-cancel")
_PLACES = {"header": "Authorization", "path": "path", "method": "method", "host": "host"}


def observed_refusal(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, others: Known
) -> Finding:
    """Return the finding of a refusal, by its status, its code and where it was met."""
    status, code = exchange.status or 0, exchange.code
    rule, told = _observed_rule(exchange, place, endpoint, others)
    facts: dict[str, Any] = {"retry_after": _retry_after(exchange), **told}
    place_of: dict[str, Any] = {}
    if rule == "observed-listed":
        facts, place_of = _as_listed(exchange)
    elif rule in BY_ID:
        place_of["field"] = facts["name"]
    elif status == 404 and place.values:
        facts |= beside.id_facts(exchange, place, others)
        if rules()[rule].field is None:
            facts["name"] = place_of["field"] = next(reversed(place.values))
    elif status == 404 and rules()[rule].field is None:
        place_of["field"] = "path"
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
            rule = facts.pop("rule", rule)
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
    rule = _rule_of_status(exchange, place, endpoint)
    if rule.startswith(_OF_IDS) and (told := beside.rule_of_id(exchange, place, others)):
        return told
    if rule.startswith("observed-404") and (told := beside.rule_of_age(exchange, place, others)):
        return told
    return _rule_of_body(exchange, rule)


def _rule_of_body(exchange: Exchange, rule: str) -> tuple[str, dict[str, Any]]:
    """Return what the body shows of a refusal beyond its code: a rule and its facts."""
    body = object_of(exchange.request_body)
    if exchange.code == "missing_callback_url" and (
        misnamed := next((name for name in body if _is_callback_url(name)), None)
    ):
        return f"{rule}-renamed", {"value": misnamed}
    if exchange.code == "syntax_invalid_json" and _NOT_UTF8.search(said(exchange)):
        odd = dict.fromkeys(re.findall(r"[^\x00-\x7f]", str(exchange.request_body or "")))
        return "observed-not-utf8", {"value": _listed([*odd][:_MOST_CHARACTERS])}
    if exchange.status == 413 and isinstance(to := body.get("to"), list):
        return rule, {"value": counted(len(to), "recipient"), "more": "."}
    return rule, {}


def _is_callback_url(name: str) -> bool:
    meaning = OTHER_NAMES.get(snake(name)) or meant(name, ("callback_url",))
    return name != "callback_url" and meaning == "callback_url"


def _listed(characters: list[str]) -> str:
    return f"{' '.join(characters)}. " if characters else ""


def _rule_of_status(exchange: Exchange, place: Place, endpoint: Endpoint | None) -> str:
    status, code = exchange.status, exchange.code
    if status == 404:
        return f"observed-404{_kind_of_404(place, endpoint)}"
    if code:
        return _rule_of_code(status, code)
    if status == 400 and of_gateway(exchange):
        return "observed-400-gateway"
    if status == 403 and endpoint and endpoint.operation.startswith("delivery_reports.get"):
        return "observed-403-report"
    if status == 409 and endpoint and endpoint.operation == "batches.cancel":
        return "observed-409-cancel"
    if f"observed-{status}" in rules():
        return f"observed-{status}"
    if catalogue.is_listed(status):
        return "observed-listed"
    if not 100 <= (status or 100) < 600:
        return "observed-no-http-status"
    return "observed-5xx" if (status or 0) >= 500 else "observed-other-status"


def _rule_of_code(status: int | None, code: str) -> str:
    own = f"observed-{catalogue.code_name(code)}"
    if own in rules():
        return own
    return "observed-listed" if catalogue.is_listed(status, code) else "observed-unknown-code"


def _rule_of_401(exchange: Exchange, others: Known) -> tuple[str, dict[str, Any]]:
    expired = "expired" in (header(exchange.response_headers, "WWW-Authenticate") or "").lower()
    if expired:
        return "observed-401-expired", {}
    if told := beside.rule_of_region(exchange, others) or beside.rule_of_token(exchange, others):
        return told
    if exchange.code:
        return _rule_of_code(401, exchange.code), {}
    shown = header(exchange.request_headers, "Authorization") is not None
    return "observed-401" if shown else "observed-401-alone", {}


def _named_in_path(exchange: Exchange) -> str:
    path = exchange.url or str(of_gateway(exchange)["path"])[:MOST_SAID]
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
        misnamed = next((name for name in body if _is_callback_url(name)), "delivery_report")
        field, pointer = "callback_url", f"/{misnamed}" if misnamed in body else None
    return {"field": field, "pointer": pointer}


def _group_named(exchange: Exchange, place: Mapping[str, Any]) -> str | None:
    """Return the group ID at a place of the body."""
    value = at_pointer(object_of(exchange.request_body), place.get("pointer"))
    return value if isinstance(value, str) else None


def _as_listed(exchange: Exchange) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the catalogue says of a response that has no words of its own here."""
    entry = catalogue.explain(exchange.status, exchange.code)
    location = entry.location or "body"
    place = {"field": _PLACES.get(location)} if location != "body" else _body_place(exchange)
    facts = {"meaning": entry.meaning, "tip": " ".join(entry.tips[:2])}
    return facts, {"location": location, "page": entry.source, "tag": entry.tag, **place}


def _retry_after(exchange: Exchange) -> str:
    value = header(exchange.response_headers, "Retry-After")
    return f"The response asks you to wait: Retry-After {value[:40]}." if value else ""
