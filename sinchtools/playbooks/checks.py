"""
Run the checks of the playbooks.

Each decides one step from the evidence only, and never says ok without it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from sinchtools.api import catalogue, description, validation
from sinchtools.core.gsm import not_gsm7, parts_of
from sinchtools.core.json import path_of
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.core.words import counted
from sinchtools.diagnosis.vendor_text import pointed_at
from sinchtools.playbooks.check_rows import (
    NOT_DECIDABLE,
    Check,
    Checked,
    blamed_by,
    rows,
    words_of,
)
from sinchtools.playbooks.shows import (
    age_of,
    batch_id_of,
    body_of_request,
    delivery_codes,
    endpoint_of,
    in_iso,
    in_words,
    is_private,
    length_of_text,
    object_of,
    recipients_of,
)
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.markers import marker_facts

_GROUP_FIELDS = ("child_groups", "add_from_group", "remove_from_group", "child_groups_add")
_DATES = ("send_at", "expire_at")
_NO_TIME = "The ID shows no time, or the evidence does not show when the request was sent."
_NO_BODY = "The evidence shows no readable body."
_NO_REPORT = "The evidence contains no failed delivery report of this batch."
_ROOM = timedelta(minutes=10)
_YOUNG = timedelta(minutes=1)
# delivery codes
_SENDER_CODES, _FILTER_CODES = {60, 310, 410}, {15, 62}
_DESTINATION_CODES, _OPT_OUT_CODES = {412, 413}, {61, 321}
_SHORTENED = re.compile(
    r"\b((?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly)/)",
    re.IGNORECASE,
)

CHECKS: dict[str, Check] = dict(rows())  # the names that playbooks.toml uses


def _step_check(check: Check) -> Check:
    """Let steps name a function: `list_window` is ``list-window``."""
    CHECKS[check.__name__.replace("_", "-")] = check
    return check


def _ok(proof: str) -> Checked:
    return Checked("ok", proof)


def _problem(proof: str) -> Checked:
    return Checked("problem", proof)


def _decided(is_fine: bool, proof: str) -> Checked:
    return _ok(proof) if is_fine else _problem(proof)


def _caution(proof: str) -> Checked:
    return Checked("problem", proof, is_cause=False)


def _open(proof: str) -> Checked:
    return Checked(NOT_DECIDABLE, proof)


@_step_check
def token_expired(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether an access token had expired when the request left."""
    if "expired" in (header(exchange.response_headers, "WWW-Authenticate") or "").lower():
        return _problem("The WWW-Authenticate header of the response says expired.")
    if found := next((one for one in findings if one.rule == "auth-expired"), None):
        return _problem(words_of(found))
    facts = marker_facts(header(exchange.request_headers, "Authorization") or "") or {}
    expires = validation.instant_of(facts.get("expires", ""))
    if expires is None:
        return _open("The token shows no expiry. A service plan's API token has none.")
    if exchange.at is None:
        return _open(
            f"The token expires {facts['expires']}, but the evidence does not show when the "
            f"request was sent."
        )
    proof = f"The token expires {facts['expires']}. The request was sent at {in_iso(exchange.at)}."
    return _decided(exchange.at < expires, proof)


@_step_check
def token_in_use(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name what the evidence tells of another token, or of this one at another time."""
    told = ("observed-401-worked", "observed-401-other-token", "observed-401-other-plan")
    found = next((finding for finding in findings if finding.rule in told), None)
    if found:
        return _problem(found.says)
    return _open("The evidence shows no other request with this token or for this service plan.")


@_step_check
def group_ids_listed(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """List what the request names as group IDs; a single one is the one that is not known."""
    body = body_of_request(exchange)
    if body is None:
        return _open(_NO_BODY)
    recipients = recipients_of(exchange)
    groups = [path_of(place) for place, value in recipients if validation.is_group_id(value)]
    groups += [name for name in _GROUP_FIELDS if body.get(name)]
    if exchange.code == "unknown_group" and len(groups) == 1:
        return _problem(f"The only group ID is at {groups[0]}.")
    if groups:
        return _open(f"Read as group IDs: {', '.join(groups[:5])}.")
    return _open("Nothing in the body looks like a group ID.")


@_step_check
def dates_leave_room(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the message was to leave at once and had time to arrive."""
    body = body_of_request(exchange)
    if body is None:
        return _open(_NO_BODY)
    send, expire = (validation.instant_of(str(body.get(name) or "")) for name in _DATES)
    if not any(body.get(name) for name in _DATES):
        return _ok("The body has neither send_at nor expire_at.")
    if exchange.at is None or (send is None and expire is None):
        return _open(
            "The dates cannot be read, or the evidence does not show when the request was sent."
        )
    if send and send > exchange.at:
        return _problem(f"It is scheduled for {in_iso(send)}.")
    if expire and expire - exchange.at < _ROOM:
        return _problem(f"It expires at {in_iso(expire)}, soon after {in_iso(exchange.at)}.")
    return _ok("It is sent at once and has time to arrive.")


@_step_check
def callback_url_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether a report was asked for without a URL in the request."""
    body = body_of_request(exchange)
    if body is None:
        return blamed_by(findings, {"callback_url"}) or _open(_NO_BODY)
    if body.get("callback_url"):
        return _ok("The body has callback_url.")
    wanted = body.get("delivery_report")
    if wanted not in (None, "none"):
        return _problem(
            f"delivery_report is {str(wanted)[:30]!r} and the body has no callback_url."
        )
    if exchange.code == "missing_callback_url":
        return _open("The body does not ask for a report, although the API reports a missing URL.")
    return _ok("The body does not ask for a report.")


@_step_check
def callback_url_reachable(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name a callback URL that the vendor cannot reach; that one is reachable no evidence tells."""
    url = (body_of_request(exchange) or {}).get("callback_url")
    if not isinstance(url, str) or not url:
        return _open("The body has no callback_url.")
    if not validation.is_url(url):
        return _problem("callback_url is not a whole http(s) URL.")
    host = description.locate(url).host or ""
    if is_private(host):
        return _problem(f"{host} is not reachable from the internet.")
    return _open(f"{host} may be public. Whether it responds is unknown.")


@_step_check
def delivery_report_requested(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the request asked for delivery reports."""
    body = body_of_request(exchange)
    if body is None:
        return _open(_NO_BODY)
    wanted = body.get("delivery_report")
    if wanted in (None, "none"):
        return _problem("The request does not ask for a report.")
    return _ok(f"delivery_report is {str(wanted)[:30]!r}.")


@_step_check
def sender_given(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """
    Report a send without a sender, or a sender that the delivery report refuses.

    A request cannot tell whether a sender is registered.
    """
    if (by_code := _by_code(findings, _SENDER_CODES)) is not None:
        return by_code
    body = body_of_request(exchange)
    if body is None:
        return _open(_NO_BODY)
    if not body.get("from"):
        return _problem(
            "The request has no `from`: it needs a default sender for each country (delivery "
            "code 410)."
        )
    return _open("A sender is given. The evidence does not show whether it is registered.")


@_step_check
def delivery_code_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the failing codes of the delivery report, where the evidence holds it."""
    entries = [catalogue.explain(delivery=code) for code in delivery_codes(findings)]
    if not entries:
        return _open(_NO_REPORT)
    words = " ".join(f"{entry.number} ({entry.title}): {' '.join(entry.tips)}" for entry in entries)
    return _problem(f"The delivery report says {words}")


@_step_check
def not_filtered(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name a filter that stopped the message, or a shortened link that filters stop."""
    text = (body_of_request(exchange) or {}).get("body")
    if isinstance(text, str) and (link := _SHORTENED.search(text)):
        return _problem(f"The text contains a shortened link ({link[1]}).")
    return _by_code(findings, _FILTER_CODES) or _open(
        "The evidence contains no delivery report and no shortened link."
    )


@_step_check
def destination_enabled(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """
    Report a country that is not enabled, or an account without credit.

    The delivery report must say so.
    """
    return _by_code(findings, _DESTINATION_CODES) or _open(_NO_REPORT)


@_step_check
def not_opted_out(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name an opt-out, or a phone that cannot receive, where the delivery report says so."""
    return _by_code(findings, _OPT_OUT_CODES) or _open(_NO_REPORT)


@_step_check
def client_reference_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the batch can be found again by its client_reference."""
    body = body_of_request(exchange)
    if body is None:
        return _open(_NO_BODY)
    if body.get("client_reference"):
        return _ok("The body has a client_reference.")
    return _caution("The body has no client_reference.")


@_step_check
def batch_id_known(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether answer or path name the batch."""
    batch = batch_id_of(exchange)
    if batch:
        return _ok(f"The batch is {batch[:40]}.")
    return _open("Neither the response nor the path shows a batch ID.")


@_step_check
def message_parts(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the text fits into one part, and name the characters that shorten it."""
    body = body_of_request(exchange) or object_of(exchange.response_body) or {}
    text = body.get("body")
    if not isinstance(text, str) or len(text) > 5000:
        return _open("The evidence shows no text of a message.")
    text = representative(text)
    parts, strange = parts_of(text), not_gsm7(text)
    why = f", because of {', '.join(f'U+{ord(c):04X}' for c in strange[:5])}" if strange else ""
    filled = ", placeholders not filled in" if "${" in text else ""
    proof = f"{len(text)} characters{filled} make {counted(parts, 'part')}{why}."
    return _decided(parts == 1, proof)


@_step_check
def list_window(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether an empty list comes from the default window of 24 hours."""
    endpoint, answer = endpoint_of(exchange), object_of(exchange.response_body)
    if (
        endpoint is None
        or "start_date" not in endpoint.query
        or answer is None
        or not isinstance(answer.get("count"), int)
    ):
        return _open("This is not a list with a window, or its response is not shown.")
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


@_step_check
def age_of_batch(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide by the time in its ID whether the resource was still young when it was asked for."""
    age = age_of(exchange)
    if age is None:
        return _open(_NO_TIME)
    return _decided(age >= _YOUNG, f"By its ID it was created {in_words(age)} before.")


@_step_check
def age_within_retention(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide by the time in its ID whether the resource was older than the API keeps it."""
    age = age_of(exchange)
    if age is None:
        return _open(_NO_TIME)
    kept = age <= timedelta(days=description.RETENTION_DAYS)
    proof = (
        f"By its ID it was created {in_words(age)} before. Data is kept for about "
        f"{description.RETENTION_DAYS} days."
    )
    return _decided(kept, proof)


@_step_check
def not_feedback(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the call is something else than delivery feedback."""
    if exchange.endpoint is None:
        return _open("The endpoint is not known.")
    if exchange.endpoint.endswith("/delivery_feedback"):
        return _open(
            "It is delivery feedback. The evidence does not show whether the batch was sent "
            "with feedback_enabled."
        )
    return _ok("The call is not delivery feedback.")


@_step_check
def answer_without_body(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the 404 is the API's own, which has no body."""
    body = exchange.response_body
    size = length_of_text(exchange) if body is None else len(body)
    if size is None:
        return _open("The evidence does not show the body.")
    if size:
        return _problem(f"The response has a body of {size} bytes.")
    return _ok("The response has no body, like the API's own 404.")


@_step_check
def answer_from_api(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the API itself answered, or a gateway with HTML."""
    if exchange.is_html:
        return _problem("The response is HTML, which usually comes from a gateway or proxy.")
    if exchange.response_body is None:
        return _open("The evidence does not show the body of the response.")
    if exchange.response_body == "":
        return _ok("The response has no body.")
    if object_of(exchange.response_body) is not None:
        return _ok("The response is JSON.")
    return _open("The response is neither JSON nor HTML.")


@_step_check
def may_repeat(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether repeating the request could do something twice."""
    if not exchange.method:
        return _open("The evidence does not show the method.")
    advice, reason = catalogue.advice_on(exchange)
    return _caution(reason) if advice == "ask-first" else _ok(reason)


@_step_check
def first_attempt(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name an automatic repeat; that there was none a single exchange cannot tell."""
    if exchange.attempt is not None and exchange.attempt > 1:
        return _caution(f"This is attempt {exchange.attempt} of one call, and it failed too.")
    return _open("One exchange does not show whether it was repeated.")


@_step_check
def retry_after_present(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Decide whether the answer says how long to wait."""
    value = header(exchange.response_headers, "Retry-After")
    if value:
        return _ok(f"Retry-After: {value[:40]}.")
    return _open("The evidence shows no Retry-After header.")


@_step_check
def text_names_field(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the field that the answer's text names."""
    if not exchange.text:
        return blamed_by(findings, locations={"body", "query", "path"}) or _open(
            "The evidence does not show an API message."
        )
    field, pointer = pointed_at(exchange)
    if field:
        return _problem(f'The API message points to "{path_of(pointer) or field}".')
    return _open("The API message names no field.")


@_step_check
def finding_names_cause(exchange: Exchange, findings: Sequence[Finding]) -> Checked:
    """Name the first thing that the diagnosis found at fault."""
    return next(
        (_problem(words_of(f)) for f in findings if f.severity == "error"),
        _open("The diagnosis found no cause in the request."),
    )


def _by_code(findings: Iterable[Finding], codes: Collection[int]) -> Checked | None:
    """
    Decide by the delivery codes, if there are any.

    A failure for another reason clears this one.
    """
    found = delivery_codes(findings)
    mine = [catalogue.explain(delivery=code) for code in found if code in codes]
    if mine:
        said = (f"Delivery code {entry.number}: {entry.title}" for entry in mine)
        return _problem(f"{'; '.join(said)}.")
    if found:
        return _ok(f"The delivery report names another reason: {', '.join(map(str, found))}.")
    return None
