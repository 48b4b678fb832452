"""
Define the frozen records that all other modules use.

They hold what was sent, what came back, and what is said about it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

POSITION = r"#[^#]*$"  # what follows the file in a source

OUTCOMES = ("success", "user_error", "sinch_error", "not_delivered", "other", "no_response")
NOT_DELIVERED = ("Aborted", "Rejected", "Failed", "Expired", "Deleted")  # final, and not wanted
_OUTCOME_OF = {2: "success", 4: "user_error", 5: "sinch_error"}


def outcome_of(status: int | None) -> str:
    """
    Return the outcome that a status means.

    It is success (2xx), user_error (4xx), sinch_error (5xx), other or no_response.
    """
    if status is None:
        return "no_response"
    return _OUTCOME_OF.get(status // 100, "other")


def visible(text: str) -> str:
    r"""
    Return a text with each hidden, bidirectional or control character as its code point.

    Examples
    --------
    >>> visible("caf\u00e9\x1b[31m \u202egnp.exe")
    'caféU+001B[31m U+202Egnp.exe'
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    hidden = (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")
        and character not in "\n\t"
    )
    return f"U+{ord(character):04X}" if hidden else character


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    One attempt: a request and what came back, its secrets already removed.

    The fields are the columns of every frame (`columns.COLUMNS`), in the same order.

    Attributes
    ----------
    id
        Unique; stays the same when the same evidence is read again.
    parent_id
        The exchange that this one replays, or None.
    call_id
        The logical call that automatic retries belong to, or None when the evidence does not say.
    attempt
        1-based number of the attempt within its call.
    at
        When the request left: timezone-aware, UTC; None when the evidence does not say.
    origin
        ``client``, ``replay`` or ``import``.
    source
        File and position it was read from, e.g. ``case-1042.har#17``.
    target
        ``sandbox``, ``dry-run``, ``live`` or ``unknown``.
    endpoint
        Template such as ``POST /batches/{batch_id}``, or None when no route of the API fits.
    region, account
        From host and path: ``us``; service plan ID or project ID.
    request_headers, response_headers
        Header name as written to value; a comma and a space join the values of a repeated header.
    request_body, response_body
        Text; bytes when it is not UTF-8; None when there was none or the evidence does not show it.
    status
        HTTP status, or None when no response came back.
    code, text
        The API's own ``code`` and ``text`` from an error body, if any.
    elapsed_ms
        Milliseconds, from first byte sent to last byte read.
    failure
        Network error class when no response came back.
    delivery
        What a delivery report in the evidence says of the message, ``412 Failed``; ``inbound`` for
        a message that came in. A report whose send is in the evidence too ends in ``(sent)``: the
        send is the one that was not delivered.
    variables_not_shown
        Variables that a tool, a shell or code fills in when it sends, and whose value the evidence
        does not show: as written, ``{{token}}; {{plan}}``. None when there is none.

    Examples
    --------
    >>> refused = Exchange(method="POST", status=403, code="unknown_group")
    >>> refused.outcome, refused.status_in_words
    ('user_error', '403 unknown_group')
    """

    id: str = ""
    parent_id: str | None = None
    call_id: str | None = None
    attempt: int | None = 1
    at: datetime | None = None
    origin: str = "import"
    source: str | None = None
    target: str = "unknown"
    method: str | None = None
    url: str | None = None
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str | bytes | None = None
    status: int | None = None
    code: str | None = None
    text: str | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str | bytes | None = None
    elapsed_ms: float | None = None
    failure: str | None = None
    delivery: str | None = None
    variables_not_shown: str | None = None

    @property
    def http_outcome(self) -> str:
        """Success, user_error, sinch_error, other or no_response, from the status alone."""
        return outcome_of(self.status)

    @property
    def outcome(self) -> str:
        """One of `OUTCOMES`, from the status, and from what a delivery report says."""
        said = self.delivery and (self.delivery[:1].isdigit() or self.delivery == "inbound")
        if self.delivery and said and self.http_outcome in ("success", "no_response"):
            return "not_delivered" if self.delivery.endswith(NOT_DELIVERED) else "success"
        return self.http_outcome

    @property
    def delivery_code(self) -> int | None:
        """The delivery code, when a report says that the message was not delivered."""
        code = (self.delivery or "").partition(" ")[0]
        is_code = self.outcome == "not_delivered" and code.isdecimal() and len(code) <= 6
        return int(code) if is_code else None

    @property
    def failed(self) -> bool:
        """
        Whether it is known to have failed.

        That is a 4xx, a 5xx, a network error, a code alone, or a message that was not delivered.
        """
        return self.outcome in ("user_error", "sinch_error", "not_delivered") or (
            self.outcome == "no_response" and bool(self.failure or self.code)
        )

    @property
    def status_in_words(self) -> str:
        """
        The response in words.

        For example ``403 unknown_group``, ``201, delivery code 412``, the network failure, or
        ``not known`` where the evidence shows neither.
        """
        said = in_words(self.status, self.code)
        if self.outcome == "not_delivered":
            code = self.delivery_code
            lost = "not delivered" if code is None else f"delivery code {code}"
            return ", ".join(filter(None, (said, lost)))
        if not said and self.delivery and self.outcome == "success":
            return "inbound message" if self.delivery == "inbound" else "delivery report"
        return said or self.failure or "not known"

    @property
    def is_html(self) -> bool:
        """Whether the answer is a page, or said to be one: then a gateway gave it, not the API."""
        start = (self.response_body or "")[:200]
        text = start.decode("utf-8", "replace") if isinstance(start, bytes) else start
        return (
            text.lstrip("\ufeff \t\r\n").startswith("<")
            or "text/html" in (header(self.response_headers, "Content-Type") or "").lower()
        )

    def __repr__(self) -> str:
        """Show what happened, never a header, a body or a query."""
        what = self.endpoint or f"{self.method or '?'} {(self.url or '?').partition('?')[0]}"
        return visible(f"<Exchange {self.id}: {what} -> {self.status_in_words}>")


def in_words(status: int | None, code: str | None) -> str:
    """
    Return a status and a code as one says them; nothing where neither is known.

    Examples
    --------
    >>> in_words(403, "unknown_group"), in_words(201, None), in_words(None, None)
    ('403 unknown_group', '201', '')
    """
    return " ".join(str(part) for part in (status, code) if part)


def calls_of(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """
    Return the last attempt of each call; what came to a callback URL is no call.

    This is what is counted everywhere; `analysis.calls` says the same of a frame.

    Examples
    --------
    >>> tries = [Exchange(call_id="c", attempt=i, status=s) for i, s in ((1, 429), (2, 201))]
    >>> [one.status for one in calls_of([*tries, Exchange(status=500)])]
    [201, 500]
    """
    found: dict[Any, Exchange] = {}
    for place, one in enumerate(exchanges):
        if one.status is None and one.outcome == "success":
            continue
        file = re.sub(POSITION, "", one.source or "")
        key = place if one.call_id is None else (one.call_id, file)
        if key not in found or _order(found[key]) < _order(one):
            found[key] = one
    return list(found.values())


def most_frequent(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    """
    Return the calls that failed, by what came back: the most frequent first, then the earliest.

    The first is the failure that matters wherever there is room for one.

    Examples
    --------
    >>> rows = [Exchange(status=401), Exchange(status=400), Exchange(status=400)]
    >>> [(some[0].status_in_words, len(some)) for some in most_frequent(rows)]
    [('400', 2), ('401', 1)]
    """
    kinds: dict[str, list[Exchange]] = {}
    for one in calls_of(exchanges):
        if one.failed:
            kinds.setdefault(one.status_in_words, []).append(one)
    return sorted(kinds.values(), key=len, reverse=True)


def _order(one: Exchange) -> tuple[int, float, str, int]:
    at = one.at.timestamp() if one.at else float("-inf")
    return one.attempt or 0, at, one.id, -1 if one.status is None else one.status


EXCHANGE_FIELDS = tuple(f.name for f in fields(Exchange))
WORD_FIELDS = (  # text of any kind, in which a secret or a person may stand
    "id",
    "parent_id",
    "call_id",
    "source",
    "method",
    "endpoint",
    "region",
    "account",
    "code",
    "text",
    "failure",
    "delivery",
)
_IN_A_HAR = {
    *("at", "method", "url", "status", "elapsed_ms"),
    *("request_headers", "request_body", "response_headers", "response_body"),
}
# what a HAR has no place for: ours keeps it beside each entry
HAR_FIELDS = tuple(name for name in EXCHANGE_FIELDS if name not in _IN_A_HAR)


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return the value of a header whatever the case of its name, or None."""
    if name in headers:
        return headers[name]
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def with_headers(headers: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return headers with some changed, whatever the case of their names; None takes one out."""
    changed = {name.lower() for name in changes}
    kept = {name: value for name, value in headers.items() if name.lower() not in changed}
    return kept | {name: value for name, value in changes.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that is wrong, or worth a look, with its place and its proof.

    Attributes
    ----------
    rule
        Stable kebab-case id of the rule; case reports cite it.
    severity
        ``error`` (the API refuses because of this), ``warning`` or ``note`` (accepted, but worth a
        look).
    status, code
        What the API answers because of it; None unless severity is ``error``.
    location
        One of body, path, query, header, host, method, account, rate, server.
    field
        The API's own name of the thing at fault, also when it is missing; None for account, rate
        and server.
    pointer
        JSON pointer into the request body, e.g. ``/to/0``.
    line, column
        1-based place in the request body; None when the body is not at fault.
    says
        One sentence a customer can read.
    then
        The next thing to do.
    page
        The page or document that states the fact.
    fix
        The certain repair in words, or None when there is no certain one.
    proof
        What was seen: the characters or the value at fault, never a whole body or a whole number.
    tag
        ``documented``, ``observed`` or ``assumed``: how sure the rule is.
    engineer
        Words for the engineer, where the customer's do not say it all.
    replacement
        What belongs at the pointer instead, where that is plain, else None.

    Examples
    --------
    >>> Finding(rule="msisdn-national", severity="error", field="to", pointer="/to/0").pointer
    '/to/0'
    """

    rule: str
    severity: str
    status: int | None = None
    code: str | None = None
    location: str = "body"
    field: str | None = None
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    says: str = ""
    then: str = ""
    page: str = ""
    fix: str | None = None
    proof: str | None = None
    tag: str = "documented"
    engineer: str | None = None
    replacement: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    One step of a tip playbook.

    Attributes
    ----------
    id
        Stable within its playbook.
    title
        What to look at, a few words.
    look
        What to look at, in full.
    do
        What to do when it is the cause.
    otherwise
        What next if it did not help: id of the next step, or a sentence when the playbook ends
        here.
    check
        Name of the check that can decide the step from the evidence, or None when a person must
        answer.
    live
        Name of the read-only call that can decide it, for those who give a client.

    Examples
    --------
    >>> from sinchtools import tips
    >>> step = tips(415).current
    >>> step.title, step.check
    ('Is Content-Type application/json?', 'content-type-json')
    """

    id: str
    title: str
    look: str
    do: str
    otherwise: str
    check: str | None = None
    live: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """
    A piece of evidence that was not read (or, as a warning, was read but guessed).

    It says where, why, and how many in a row.
    """

    source: str
    reason: str
    count: int = 1


def as_dict(record: Any) -> dict[str, Any]:
    """Return a record's fields as a plain dict, in order."""
    return {f.name: getattr(record, f.name) for f in fields(record)}
