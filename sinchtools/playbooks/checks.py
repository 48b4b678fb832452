"""
Run the checks of the playbooks.

Each decides one step from the evidence only, and never says ok without it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sinchtools.api import catalogue, description, validation
from sinchtools.core.gsm import not_gsm7, parts_of
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.settings import REGIONS
from sinchtools.diagnosis.envelope import placeholder_violations
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.markers import marker_facts

NOT_DECIDABLE, ASKED = "not decidable", "asked"
_NUMBER_FIELDS = ("to", "to_add", "to_remove", "members", "add", "remove", "recipients")
_GROUP_FIELDS = ("child_groups", "add_from_group", "remove_from_group", "child_groups_add")
_DATES = ("send_at", "expire_at")
_STRAY = {  # facts of a marker, and what they say
    "quoted": "The token is in quotes.",
    "bracketed": "The token is in brackets.",
    "leading-space": "The token begins with a space.",
    "trailing-space": "The token ends with a space.",
    "trailing-newline": "The token ends with a line break.",
    "inner-space": "The token has a space inside.",
}
_ROOM = timedelta(minutes=10)
_YOUNG = timedelta(minutes=1)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SENDER_CODES, _FILTER_CODES, _DESTINATION_CODES, _OPT_OUT_CODES = (
    {60, 310, 410},
    {15, 62},
    {412, 413},
    {61, 321},
)
_SHORTENED = re.compile(
    r"\b((?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly)/)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"""(?<!\w)(?P<name>[a-z]+(?:_[a-z]+)+|[a-z_]+(?=\[\d))(?:\[\d+\])?|['"`](?P<quoted>[a-z_]+)['"`]"""
)


@dataclass(frozen=True, slots=True)
class Checked:
    """
    What a check found: ``ok``, ``problem``, ``not decidable`` or ``asked`` (of a person).

    The proof contains no secrets and no whole numbers.
    """

    state: str
    proof: str


Check = Callable[[Exchange, Sequence[Finding]], Checked]


def _ok(proof: str) -> Checked:
    return Checked("ok", proof)


def _problem(proof: str) -> Checked:
    return Checked("problem", proof)


def _open(proof: str) -> Checked:
    return Checked(NOT_DECIDABLE, proof)


def authorization_shape(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the Authorization header is ``Bearer`` and one clean token."""
    value = header(exchange.request_headers, "Authorization")
    if value is None:
        return _blamed(findings, {"Authorization"}) or _open(
            "The evidence shows no Authorization header; many tools leave it out."
        )
    facts = marker_facts(value)
    if value.strip().lower() in {"", "bearer"}:
        return _problem("The header holds no token.")
    if facts is None:
        return _blamed(findings, {"Authorization"}) or _open(
            "A placeholder stands where the token was."
        )
    if stray := [name for name in _STRAY if name in facts]:
        return _problem(" ".join(_STRAY[name] for name in stray))
    if not value.startswith("Bearer ["):
        return _problem(f"The scheme reads {value.partition('[')[0].strip()!r}, not 'Bearer'.")
    if facts["kind"] == "pair":
        return _problem("It holds an id:secret pair, not a token.")
    return _ok(f"Bearer and one token of {facts['length']} characters.")


def token_expired(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether an access token had expired when the request left."""
    if "expired" in (header(exchange.response_headers, "WWW-Authenticate") or "").lower():
        return _problem("The answer's WWW-Authenticate header says expired.")
    facts = marker_facts(header(exchange.request_headers, "Authorization") or "") or {}
    expires = validation.instant_of(facts.get("expires", ""))
    if expires is None:
        return _open("The token shows no expiry; a service plan's API token has none.")
    if exchange.at is None:
        return _open(
            f"The token expires {facts['expires']}; the evidence does not say when the "
            f"request left."
        )
    return (_ok if exchange.at < expires else _problem)(
        f"The token expires {facts['expires']}, the request left {_iso(exchange.at)}."
    )


def token_in_use(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name what the evidence tells of another token, or of this one at another time."""
    told = ("observed-401-worked", "observed-401-other-token", "observed-401-other-plan")
    found = next((finding for finding in findings if finding.rule in told), None)
    return (
        _problem(found.says)
        if found
        else _open("The evidence shows no other request with this token or for this service plan.")
    )


def host_fits_credential(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether an access token goes to a zt host and a plan token to a plain one."""
    place = description.locate(exchange.url or "")
    facts = marker_facts(header(exchange.request_headers, "Authorization") or "")
    if place.kind not in {"plan", "project"} or facts is None or facts["kind"] == "pair":
        return _blamed(findings, {"host"}) or _open("Host or kind of token is not shown.")
    token = "OAuth 2.0 access token (JWT)" if facts["kind"] == "jwt" else "plain API token"
    if place.kind == "project" and not REGIONS.get(place.region or ""):
        return _problem(f"{place.host}: access keys work in us and eu only.")
    return (_ok if (facts["kind"] == "jwt") == (place.kind == "project") else _problem)(
        f"{place.host} with a {token}."
    )


def account_in_path(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """
    Decide whether the path names an account at all.

    The evidence cannot tell whether it is the right one.
    """
    if not exchange.url:
        return _open("The evidence shows no URL.")
    account = exchange.account or description.locate(exchange.url).account
    if account is None:
        return _blamed(findings, {"service_plan_id", "path"}) or _problem(
            "No account stands in the path after /xms/v1/."
        )
    if not re.fullmatch(r"[\w-]+", account) or re.match(
        r"(?i)your|my_|service_plan|project_id|x{4}", account
    ):
        return _problem(f"{account[:40]!r} looks like a placeholder or has stray characters.")
    return _ok(f"The path names the account {account[:40]}.")


def host_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the host is one of the API's, in a known region."""
    place = description.locate(exchange.url or "")
    if place.host is None or place.kind == "loopback":
        return _open(
            "The evidence shows no host."
            if place.host is None
            else "The host is this machine: a sandbox or a proxy."
        )
    if place.host in description.OLD_HOSTS:
        return _open(f"{place.host} is {description.OLD_HOSTS[place.host]}; use the regional one.")
    if place.kind == "legacy":
        return _problem(f"{place.host} is {description.LEGACY_HOSTS[place.host]}.")
    return (
        _ok(f"{place.host} is a host of the API.")
        if place.region
        else _problem(f"{place.host} is no known host of the API.")
    )


def https_used(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the URL is https, so that no redirect changes the method."""
    scheme = (
        (exchange.url or "").partition("://")[0].lower() if "://" in (exchange.url or "") else ""
    )
    if scheme not in {"http", "https"} or description.locate(exchange.url or "").kind == "loopback":
        return _open("The evidence shows no public URL.")
    return (_ok if scheme == "https" else _problem)(f"The URL is {scheme}.")


def path_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether a route of the API fits the path."""
    place = description.locate(exchange.url or "")
    if place.endpoints:
        return _ok(f"The path is {next(iter(place.endpoints.values())).path} below the account.")
    if place.kind in {"none", "other"}:
        return _blamed(findings, {"path"}) or _open(
            "The URL is not shown, or its host is not the API's."
        )
    if "//" in place.path:
        return _problem("The path has a double slash.")
    return _problem(
        "The path does not begin with /xms/v1/ and an account."
        if place.below is None
        else "No route of the API fits the path."
    )


def path_and_query_fit(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether IDs in the path and query parameters have their form."""
    place = description.locate(exchange.url or "")
    endpoint = _endpoint(exchange)
    if blamed := _blamed(findings, locations={"path", "query"}):
        return blamed
    if endpoint is None:
        return _open("The endpoint is not known.")
    found = [
        *placeholder_violations(place.values),
        *validation.path_violations(place.values),
        *validation.query_violations(endpoint, place.query),
    ]
    return _judged(
        found,
        f"{len(place.values)} values in the path and {len(place.query)} in the query have "
        f"their form.",
    )


def method_fits(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the path takes the method."""
    methods = description.locate(exchange.url or "").endpoints
    if not methods or not exchange.method:
        return _blamed(findings, {"method"}) or _open("Method or path is not known.")
    return (_ok if exchange.method.upper() in methods else _problem)(
        f"{exchange.method[:20]} on a path that takes {', '.join(methods)}."
    )


def content_type_json(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the request says that its body is JSON."""
    if not exchange.request_headers:
        return _blamed(findings, {"Content-Type"}) or _open(
            "The evidence shows no request headers."
        )
    violation = validation.content_type_violation(exchange.request_headers)
    if violation is None:
        return _ok("Content-Type is application/json.")
    return _problem(
        f"Content-Type is {violation.facts['value']!r}."
        if violation.facts
        else "Content-Type is missing."
    )


def json_parses(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the request's body parses as JSON."""
    body = exchange.request_body
    if body is None:
        return _blamed(findings, codes={validation.JSON}) or _open(
            "The evidence shows no request body."
        )
    try:
        validation.parse_json(body)
    except json.JSONDecodeError as error:
        if found := next((f for f in findings if f.rule.startswith("json-") and f.line), None):
            return _problem(found.says)  # the diagnosis looks closer than the parser
        return _problem(f"Line {error.lineno}, column {error.colno}: {error.msg}.")
    except ValueError:
        return _problem("The body is no JSON in UTF-8.")
    return _ok(f"{len(body)} {'bytes' if isinstance(body, bytes) else 'characters'} of valid JSON.")


def required_fields(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether every required field of the body is there."""
    missing = {"missing-field", "missing-field-renamed", "absent-value"}
    return _by_rules(
        exchange,
        findings,
        validation.CONSTRAINT,
        lambda v: v.rule in missing,
        "Every required field is there.",
    )


def within_limits(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether lengths and counts in the body are within the API's limits."""
    apart = {
        "missing-field",
        "missing-field-renamed",
        "expire-at-past",
        "expire-before-send",
        "expire-too-late",
    }
    fine = "Lengths and counts are within their limits."
    return _by_rules(
        exchange,
        findings,
        validation.CONSTRAINT,
        lambda v: v.code == validation.CONSTRAINT and v.rule not in apart,
        fine,
    )


def types_fit(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether every field of the body has its JSON type."""
    return _by_rules(
        exchange,
        findings,
        validation.JSON,
        lambda v: v.code == validation.JSON,
        "Every known field has its type.",
    )


def values_well_formed(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the values other than recipients have their form."""
    fine = "The values other than recipients have their form."
    return _by_rules(
        exchange,
        findings,
        validation.FORMAT,
        lambda v: v.code == validation.FORMAT and v.field not in _NUMBER_FIELDS,
        fine,
    )


def numbers_e164(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the recipients are numbers in international form."""
    numbers = [
        (pointer, value)
        for pointer, value in _recipients(exchange)
        if not validation.is_group_id(value)
    ]
    if not numbers:
        return _blamed(findings, set(_NUMBER_FIELDS)) or _open(
            "The evidence shows no recipient number."
        )
    bad = [f"{pointer} ({rule})" for pointer, value in numbers if (rule := _number_defect(value))]
    if not bad:
        return _ok(f"{len(numbers)} of {len(numbers)} numbers can be international ones.")
    return _problem(
        f"{len(bad)} of {len(numbers)}: {', '.join(bad[:5])}{', …' if len(bad) > 5 else ''}."
    )


def group_ids_listed(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """List what the request names as group IDs; a single one is the one that is not known."""
    body = _request(exchange)
    if body is None:
        return _open("The evidence shows no readable body.")
    groups = [pointer for pointer, value in _recipients(exchange) if validation.is_group_id(value)]
    groups += [f"/{name}" for name in _GROUP_FIELDS if body.get(name)]
    if exchange.code == "unknown_group" and len(groups) == 1:
        return _problem(f"The only group ID is at {groups[0]}.")
    return _open(
        f"Read as group IDs: {', '.join(groups[:5])}."
        if groups
        else "Nothing in the body looks like a group ID."
    )


def dates_in_order(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether send_at and expire_at are in order, by the time the request left."""
    body, found = _request(exchange), _violations(exchange)
    if body is None or found is None:
        return _blamed(findings, set(_DATES)) or _open(
            "The body cannot be held against the API's description."
        )
    if not any(body.get(name) for name in _DATES):
        return _ok("The body has neither send_at nor expire_at.")
    if exchange.at is None:
        return _blamed(findings, set(_DATES)) or _open(
            "The evidence does not say when the request left."
        )
    return _judged(
        (v for v in found if v.field in _DATES),
        f"The dates are in order for a request of {_iso(exchange.at)}.",
    )


def dates_leave_room(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the message was to leave at once and had time to arrive."""
    body = _request(exchange)
    if body is None:
        return _open("The evidence shows no readable body.")
    send, expire = (validation.instant_of(str(body.get(name) or "")) for name in _DATES)
    if not any(body.get(name) for name in _DATES):
        return _ok("The body has neither send_at nor expire_at.")
    if exchange.at is None or (send is None and expire is None):
        return _open(
            "The dates cannot be read, or the evidence does not say when the request left."
        )
    if send and send > exchange.at:
        return _problem(f"It is to be sent at {_iso(send)}.")
    close = expire is not None and expire - exchange.at < _ROOM
    return (
        _problem(f"It expires at {_iso(expire)}, soon after {_iso(exchange.at)}.")
        if expire and close
        else _ok("It leaves at once and has time.")
    )


def callback_url_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether a report was asked for without a URL in the request."""
    body = _request(exchange)
    if body is None:
        return _blamed(findings, {"callback_url"}) or _open("The evidence shows no readable body.")
    if body.get("callback_url"):
        return _ok("The body has callback_url.")
    wanted = body.get("delivery_report")
    if wanted not in (None, "none"):
        return _problem(
            f"delivery_report is {str(wanted)[:30]!r} and the body has no callback_url."
        )
    if exchange.code == "missing_callback_url":
        return _open("The body asks for no report, yet the answer misses a URL.")
    return _ok("No report is asked for.")


def callback_url_reachable(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name a callback URL that the vendor cannot reach; that one is reachable no evidence tells."""
    url = (_request(exchange) or {}).get("callback_url")
    if not isinstance(url, str) or not url:
        return _open("The body has no callback_url.")
    if not validation.is_url(url):
        return _problem("callback_url is no whole http(s) URL.")
    host = description.locate(url).host or ""
    if _private(host):
        return _problem(f"{host} is not reachable from the internet.")
    return _open(f"{host} may be public; whether it answers is not known.")


def delivery_report_requested(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the request asked for delivery reports."""
    body = _request(exchange)
    if body is None:
        return _open("The evidence shows no readable body.")
    wanted = body.get("delivery_report")
    return (
        _problem("The request asks for no report.")
        if wanted in (None, "none")
        else _ok(f"delivery_report is {str(wanted)[:30]!r}.")
    )


def placeholders_have_values(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether each placeholder of the text has a value for each recipient."""
    found = _violations(exchange)
    if found is None:
        return _open("The body cannot be held against the API's description.")
    missing = [str(v.facts["name"]) for v in found if v.rule == "parameter-without-value"]
    return (
        _problem(f"No value or default for {', '.join(missing[:5])}.")
        if missing
        else _ok("Each placeholder has a value or a default.")
    )


def sender_given(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """
    Report a send without a sender, or a sender that the delivery report refuses.

    A request cannot tell whether a sender is registered.
    """
    if (by_code := _by_code(findings, _SENDER_CODES)) is not None:
        return by_code
    body = _request(exchange)
    if body is None:
        return _open("The evidence shows no readable body.")
    if not body.get("from"):
        return _problem(
            "The request has no `from`: it needs a default sender for each country (delivery "
            "code 410)."
        )
    return _open("A sender is given; whether it is registered is not in the evidence.")


def delivery_code_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the failing codes of the delivery report, where the evidence holds it."""
    codes = _delivery_codes(findings)
    entries = [catalogue.explain(delivery=code) for code in codes]
    words = " ".join(f"{entry.number} ({entry.title}): {' '.join(entry.tips)}" for entry in entries)
    return (
        _problem(f"The delivery report says {words}")
        if codes
        else _open("The evidence holds no delivery report of this batch that failed.")
    )


def not_filtered(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name a filter that stopped the message, or a shortened link that filters stop."""
    text = (_request(exchange) or {}).get("body")
    if isinstance(text, str) and (link := _SHORTENED.search(text)):
        return _problem(f"The text holds a shortened link ({link[1]}).")
    return _by_code(findings, _FILTER_CODES) or _open(
        "No delivery report and no shortened link are in the evidence."
    )


def destination_enabled(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """
    Report a country that is not enabled, or an account without credit.

    The delivery report must say so.
    """
    return _by_code(findings, _DESTINATION_CODES) or _open(
        "The evidence holds no delivery report of this batch that failed."
    )


def not_opted_out(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name an opt-out, or a phone that cannot receive, where the delivery report says so."""
    return _by_code(findings, _OPT_OUT_CODES) or _open(
        "The evidence holds no delivery report of this batch that failed."
    )


def client_reference_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the batch can be found again by its client_reference."""
    body = _request(exchange)
    if body is None:
        return _open("The evidence shows no readable body.")
    return (
        _ok("The body has a client_reference.")
        if body.get("client_reference")
        else _problem("The body has no client_reference.")
    )


def batch_id_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether answer or path name the batch."""
    batch = batch_id_of(exchange)
    return (
        _ok(f"The batch is {batch[:40]}.")
        if batch
        else _open("Neither answer nor path show a batch id.")
    )


def message_parts(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the text fits into one part, and name the characters that shorten it."""
    body = _request(exchange) or _object(exchange.response_body) or {}
    text = body.get("body")
    if not isinstance(text, str) or len(text) > 5000:
        return _open("The evidence shows no text of a message.")
    text = representative(text)
    parts, strange = parts_of(text), not_gsm7(text)
    why = f", because of {', '.join(f'U+{ord(c):04X}' for c in strange[:5])}" if strange else ""
    filled = ", placeholders not filled in" if "${" in text else ""
    return (_ok if parts == 1 else _problem)(
        f"{len(text)} characters{filled} make {parts} part{'s' * (parts > 1)}{why}."
    )


def list_window(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether an empty list comes from the default window of 24 hours."""
    endpoint, answer = _endpoint(exchange), _object(exchange.response_body)
    if (
        endpoint is None
        or "start_date" not in endpoint.query
        or answer is None
        or not isinstance(answer.get("count"), int)
    ):
        return _open("This is no list with a window, or its answer is not shown.")
    dated = any(
        name == "start_date" and value
        for name, value in description.locate(exchange.url or "").query
    )
    if answer["count"] or dated:
        return _ok(
            f"The list has {answer['count']} entries{' and start_date is given' if dated else ''}."
        )
    return _problem(
        f"The list is empty and no start_date is given: only {description.LIST_WINDOW_HOURS} "
        f"hours were searched."
    )


def age_of_batch(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide by the time in its ID whether the resource was still young when it was asked for."""
    age = _age(exchange)
    if age is None:
        return _open("The ID shows no time, or the evidence does not say when the request left.")
    return (_problem if age < _YOUNG else _ok)(f"By its ID it was made {_span(age)} before.")


def age_within_retention(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide by the time in its ID whether the resource was older than the API keeps it."""
    age = _age(exchange)
    if age is None:
        return _open("The ID shows no time, or the evidence does not say when the request left.")
    kept = age <= timedelta(days=description.RETENTION_DAYS)
    return (_ok if kept else _problem)(
        f"By its ID it was made {_span(age)} before; about {description.RETENTION_DAYS} days "
        f"are kept."
    )


def not_feedback(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the call is something else than delivery feedback."""
    if exchange.endpoint is None:
        return _open("The endpoint is not known.")
    if exchange.endpoint.endswith("/delivery_feedback"):
        return _open(
            "It is delivery feedback; whether the batch was sent with feedback_enabled is not "
            "in the evidence."
        )
    return _ok("The call is no delivery feedback.")


def answer_without_body(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the 404 is the API's own, which has no body."""
    size = _length(exchange) if exchange.response_body is None else len(exchange.response_body)
    if size is None:
        return _open("The evidence does not show the body.")
    return (
        _problem(f"The answer has a body of {size} bytes.")
        if size
        else _ok("The answer has no body, as the API's own 404.")
    )


def answer_from_api(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the API itself answered, or a gateway with HTML."""
    if exchange.is_html:
        return _problem("The answer is HTML: a gateway or proxy answered, not the API.")
    if _object(exchange.response_body) is not None or exchange.response_body == "":
        return _ok(
            "The answer is JSON."
            if exchange.response_body
            else "The answer has no body and is no HTML."
        )
    return _open(
        "The evidence does not show the answer's body."
        if exchange.response_body is None
        else "The answer is neither JSON nor HTML."
    )


def may_repeat(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether repeating the request could do something twice."""
    if not exchange.method:
        return _open("The evidence does not show the method.")
    advice, reason = catalogue.retry_advice(
        exchange.status,
        exchange.code,
        exchange.method,
        failure=exchange.failure,
        html=exchange.is_html,
        endpoint=exchange.endpoint,
    )
    return (_problem if advice == "ask-first" else _ok)(reason)


def first_attempt(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name an automatic repeat; that there was none a single exchange cannot tell."""
    if exchange.attempt is not None and exchange.attempt > 1:
        return _problem(
            f"This is attempt {exchange.attempt} of one call, and it got no better answer."
        )
    return _open("One exchange does not show whether it was repeated.")


def retry_after_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the answer says how long to wait."""
    value = header(exchange.response_headers, "Retry-After")
    return (
        _ok(f"Retry-After: {value[:40]}.")
        if value
        else _open("The evidence shows no Retry-After header.")
    )


def text_names_field(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the field that the answer's text names."""
    if not exchange.text:
        return _blamed(findings, locations={"body", "query", "path"}) or _open(
            "The evidence does not show the answer's text."
        )
    known = {name for schema in description.SCHEMAS.values() for name in schema}
    named = (
        m for m in _NAMED.finditer(exchange.text[:2000]) if (m["name"] or m["quoted"]) in known
    )
    first = next(named, None)
    return (
        _problem(f"The answer's text names {first[0]}.")
        if first
        else _open("The answer's text names no field.")
    )


def finding_names_cause(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the first thing that the diagnosis found at fault."""
    return next(
        (_problem(_words(f)) for f in findings if f.severity == "error"),
        _open("The diagnosis names nothing in the request."),
    )


CHECKS: dict[str, Check] = {  # the names that playbooks.toml uses
    check.__name__.replace("_", "-"): check
    for check in (
        authorization_shape,
        token_expired,
        token_in_use,
        host_fits_credential,
        account_in_path,
        host_known,
        https_used,
        path_known,
        path_and_query_fit,
        method_fits,
        content_type_json,
        json_parses,
        required_fields,
        within_limits,
        types_fit,
        values_well_formed,
        numbers_e164,
        group_ids_listed,
        dates_in_order,
        dates_leave_room,
        callback_url_present,
        callback_url_reachable,
        delivery_report_requested,
        placeholders_have_values,
        sender_given,
        delivery_code_known,
        not_filtered,
        destination_enabled,
        not_opted_out,
        client_reference_present,
        batch_id_known,
        message_parts,
        list_window,
        age_of_batch,
        age_within_retention,
        not_feedback,
        answer_without_body,
        answer_from_api,
        may_repeat,
        first_attempt,
        retry_after_present,
        text_names_field,
        finding_names_cause,
    )
}


def batch_id_of(exchange: Exchange) -> str | None:
    """Return the batch that answer or path name, or None."""
    batch = (_object(exchange.response_body) or {}).get("id") or description.locate(
        exchange.url or ""
    ).values.get("batch_id")
    return batch if isinstance(batch, str) and batch else None


def _delivery_codes(findings: Iterable[Finding]) -> list[int]:
    return [
        int(found[1])
        for f in findings
        if f.rule == "delivery-failed" and (found := re.search(r"code (\d+)", f.proof or ""))
    ]


def _by_code(findings: Iterable[Finding], codes: Collection[int]) -> Checked | None:
    """
    Decide by the delivery codes, if there are any.

    A failure for another reason clears this one.
    """
    found = _delivery_codes(findings)
    mine = [code for code in found if code in codes]
    if mine:
        return _problem(
            "; ".join(
                f"Delivery code {code}: {catalogue.explain(delivery=code).title}" for code in mine
            )
            + "."
        )
    return (
        _ok(f"The delivery report names another reason: {', '.join(map(str, found))}.")
        if found
        else None
    )


def _blamed(
    findings: Iterable[Finding],
    fields: Iterable[str] = (),
    *,
    codes: Iterable[str] = (),
    locations: Iterable[str] = (),
) -> Checked | None:
    fields, codes, locations = set(fields), set(codes), set(locations)
    for found in findings:
        if found.severity == "error" and (
            found.field in fields or found.code in codes or found.location in locations
        ):
            return _problem(_words(found))
    return None


def _words(found: Finding) -> str:
    return f"{found.pointer or found.field or found.location}: {found.says or found.rule}"


def _by_rules(
    exchange: Exchange,
    findings: Sequence[Finding],
    code: str,
    wanted: Callable[[validation.Violation], bool],
    fine: str,
) -> Checked:
    found = _violations(exchange)
    if found is None:
        return _blamed(findings, codes={code}) or _open(
            "The body cannot be held against the API's description."
        )
    return _judged(filter(wanted, found), fine)


def _judged(violations: Iterable[validation.Violation], fine: str) -> Checked:
    bad = next((v for v in violations if v.severity == "error"), None)
    return (
        _problem(f"{bad.pointer or bad.field}: {bad.rule.replace('-', ' ')}.") if bad else _ok(fine)
    )


def _violations(exchange: Exchange) -> list[validation.Violation] | None:
    endpoint, body = _endpoint(exchange), _request(exchange)
    if endpoint is None or not endpoint.body or body is None:
        return None
    found = validation.body_violations(
        endpoint, body, now=exchange.at or datetime(2000, 1, 1, tzinfo=UTC)
    )
    return [
        v for v in found if exchange.at or v.field not in _DATES or v.code != validation.CONSTRAINT
    ]


def _endpoint(exchange: Exchange) -> description.Endpoint | None:
    return description.BY_TEMPLATE.get(exchange.endpoint or "")


def _request(exchange: Exchange) -> dict[str, Any] | None:
    return _object(exchange.request_body)


def _object(body: str | bytes | None) -> dict[str, Any] | None:
    try:
        value = validation.parse_json(body) if body else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _recipients(exchange: Exchange) -> list[tuple[str, str]]:
    lists = (
        (name, value)
        for name, value in (_request(exchange) or {}).items()
        if name in _NUMBER_FIELDS and isinstance(value, list)
    )
    return [
        (f"/{name}/{i}", entry)
        for name, value in lists
        for i, entry in enumerate(value)
        if isinstance(entry, str)
    ]


def _number_defect(value: str) -> str | None:
    rule, severity, _ = validation.msisdn_defect(value)
    return rule if severity in {"error", "warning"} else None


def _age(exchange: Exchange) -> timedelta | None:
    values = description.locate(exchange.url or "").values
    made = _made(values.get("batch_id") or values.get("inbound_id") or "")
    return exchange.at - made if made and exchange.at and made <= exchange.at else None


def _made(identifier: str) -> datetime | None:
    """
    Return the time in a ULID, or None.

    The vendor's mock IDs are no ULIDs, so an impossible time is none either.
    """
    if not re.fullmatch(rf"[0-7][{_CROCKFORD}]{{25}}", identifier):
        return None
    milliseconds = 0
    for character in identifier[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(character)
    made = (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        if milliseconds < 4e12
        else None
    )
    return made if made and made.year >= 2015 else None


def _private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return (
            host == "localhost"
            or "." not in host
            or host.endswith((".local", ".internal", ".test", ".invalid", ".localhost", ".lan"))
        )


def _length(exchange: Exchange) -> int | None:
    value = header(exchange.response_headers, "Content-Length") or ""
    return int(value) if re.fullmatch(r"[0-9]{1,15}", value) else None


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(age: timedelta) -> str:
    return f"{age.days} days" if age.days > 1 else f"{age.total_seconds():.0f} s"
