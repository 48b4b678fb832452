"""Exchange in, findings out: the request held against the API, joined with the answer and with the rest of the evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, overload

from sinchtools import catalogue, fixes, jsonlint
from sinchtools.api import BY_TEMPLATE, SCHEMAS, Endpoint, Place, complete, locate
from sinchtools.checks import STAGES, Violation, is_group_id
from sinchtools.envelope import is_meant
from sinchtools.errors import WrongUseError
from sinchtools.linter import violations
from sinchtools.otherapis import general_answer, general_violations, parsed, words_of
from sinchtools.records import Exchange, Finding, header
from sinchtools.redact import Redactor, marker_facts
from sinchtools.wording import finding_of, findings_of, rules, text_of

if TYPE_CHECKING:
    import pandas as pd

_MOST_OF_A_KIND = 10  # findings of one rule in one field; more are counted, not listed
_MOST_ROUNDS = 5
_SEVERITIES = ("error", "warning", "note")
_FINDING_KEYS = (
    "rule",
    "severity",
    "status",
    "code",
    "location",
    "field",
    "pointer",
    "line",
    "column",
    "says",
    "then",
    "page",
    "fix",
    "proof",
    "tag",
)
_PLAIN_NAME = re.compile(  # field names that are English words count only where a name is expected
    r"\b(?:field|parameter|property|[Tt]he)\s+(to|from|body|type|name|members|recipients|parameters|udh)\b"
    r"|\b(to|from|body|members) (?:is|field|must|cannot|may)\b"
)
_SEEN = {400, 404, 405, 415}  # failures whose cause a request shows; of others it need not
_NO_JSON = re.compile(r"Error while parsing json response|Expecting value: line 1 column 1 \(char 0\)|JSONDecodeError|Unexpected end of JSON input")
_NOT_CONNECTED = "gaierror|NameResolution|Could not resolve|ENOTFOUND|ERR_NAME_NOT_RESOLVED|getaddrinfo"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """
    What is said about one exchange.

    Attributes
    ----------
    exchange
        The evidence.
    findings
        The first is the answer.
    expected_status, expected_code
        What the API answers to this request, as far as can be known.
    consistent
        Whether the findings agree with the answer; None when there is no answer.
    clock
        The moment that dates and tokens were held against.
    """

    exchange: Exchange
    findings: tuple[Finding, ...]
    expected_status: int | None
    expected_code: str | None
    consistent: bool | None
    clock: datetime = field(repr=False, compare=False)

    @property
    def top(self) -> Finding | None:
        """The first finding, or None when nothing is worth a word."""
        return self.findings[0] if self.findings else None

    @cached_property
    def fix(self) -> fixes.Fix | None:
        """The certain repair, or None when there is none; what shows only after it is mended too."""
        fix = fixes.certain_fix(self.exchange, self.findings)
        for _ in range(_MOST_ROUNDS):
            further = fix and fixes.certain_fix(fix.exchange, _judge(fix.exchange, self.clock).findings)
            if not fix or not further:
                break
            fix = fixes.joined(self.exchange, fix, further)
        return fix

    def as_json(self) -> dict[str, Any]:
        """Return the object that the command line prints."""
        return {
            "id": self.exchange.id,
            "source": self.exchange.source,
            "observed_status": self.exchange.status,
            "observed_code": self.exchange.code,
            "expected_status": self.expected_status,
            "expected_code": self.expected_code,
            "consistent": self.consistent,
            "findings": [{key: getattr(finding, key) for key in _FINDING_KEYS} for finding in self.findings],
        }

    def as_text(self) -> str:
        """Return the findings for a terminal, with the line at fault and a caret under the character."""
        lines = [f"{self.exchange.source or self.exchange.id or 'exchange'}: {_request_line(self.exchange)}", f"  {self._verdict()}"]
        for finding in self.findings:
            answer = f" -> {finding.status} {finding.code or ''}".rstrip() if finding.status else ""
            lines += ["", f"  {finding.severity.upper()} {finding.rule} at {_place(finding)}{answer}", f"    {finding.says}"]
            lines += [f"    | {line}" for line in self._caret(finding)]
            lines += [f"    Do: {finding.then}", f"    Source: {finding.page} ({finding.tag})"]
        return "\n".join(lines)

    def answer(self) -> str:
        """Return the few lines for the ticket: what, where, what to do, proof; for the vendor's side the message to the account manager."""
        top = self.top
        if top is None or top.severity != "error":
            extra = f" {top.says} {top.then}" if top else ""
            return f"Nothing wrong was found in this request ({_request_line(self.exchange)}).{extra}"
        if top.location in ("server", "account") or (self.exchange.status or 0) >= 500:
            return self._for_account_manager(top)
        proof = f"\nProof: {top.proof}" if top.proof else ""
        helps = "" if self.fix or top.rule.startswith("observed") is False else "\nNo change of the request alone can be shown to help."
        return (
            f"What: {top.says}\nWhere: {_place(top)} of {_request_line(self.exchange)}\nDo: {top.then}{proof}\nSource: {top.page} ({top.tag}).{helps}"
        )

    def _for_account_manager(self, top: Finding) -> str:
        x = self.exchange
        facts = {
            "Account": x.account, "Region": x.region, "Operation": x.endpoint or x.method, "Time (UTC)": x.at and x.at.strftime("%Y-%m-%d %H:%M:%S"),
            "Answer": f"{x.status} {x.code or ''}".strip(), "Attempt": x.attempt if (x.attempt or 1) > 1 else None,
        }  # fmt: skip
        listed = "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)
        ask = "No change of the request can help here. Please check the account and the service, and tell us the cause."
        return f"To the account manager:\n{top.says}\n{listed}\n{ask}\n\nMeanwhile: {top.then}"

    def _verdict(self) -> str:
        observed = " ".join(str(part) for part in (self.exchange.status, self.exchange.code) if part) or "no answer"
        expected = " ".join(str(part) for part in (self.expected_status, self.expected_code) if part) or "not known"
        agree = {True: "which fits", False: "which does not fit the request as it is shown", None: "so this is judged from the request alone"}[
            self.consistent
        ]
        if not any(finding.severity == "error" for finding in self.findings):
            return f"answered: {observed}; nothing wrong found (expected {expected})"
        return f"answered: {observed}; expected: {expected}, {agree}"

    def _caret(self, finding: Finding) -> list[str]:
        text = text_of(self.exchange.request_body)
        if finding.line is None or finding.column is None or text is None:
            return [finding.proof] if finding.proof else []
        position = _offset(text, finding.line, finding.column)
        around, caret = jsonlint.shown(text, position)
        return [around, " " * caret + "^"]

    def _repr_html_(self) -> str:
        from html import escape

        def item(finding: Finding) -> str:
            caret = "\n".join(self._caret(finding))
            code = f"<pre style='margin:.3em 0;color:inherit;background:transparent'>{escape(caret)}</pre>" if caret else ""
            return (
                f"<li><b>{escape(finding.severity)}: {escape(finding.says)}</b>{code}<br>{escape(finding.then)}"
                f"<br><small>{escape(_place(finding))} · {escape(finding.rule)} · {escape(finding.page)} ({escape(finding.tag)})</small></li>"
            )

        items = "".join(map(item, self.findings))
        body = f"<p>{escape(self._verdict())}</p><ol style='padding-left:1.4em'>{items}</ol>"
        return catalogue.card(_request_line(self.exchange), body)

    def __repr__(self) -> str:
        """Show the answer in one line."""
        top = self.top
        return f"<Diagnosis {self.exchange.id}: {top.rule if top else 'nothing wrong found'}>"


class Diagnoses(list[Diagnosis]):
    """The diagnoses of a whole piece of evidence, in its order."""

    def as_json(self) -> dict[str, Any]:
        """Return the document that the command line prints."""
        return {"diagnoses": [one.as_json() for one in self]}

    def frame(self) -> pd.DataFrame:
        """Return one row per exchange: what was answered, what was expected, and the first finding."""
        import pandas as pd

        rows = []
        for one in self:
            top = one.top
            finding = {key: getattr(top, key, None) for key in ("rule", "severity", "location", "field", "says", "then")}
            rows.append({key: value for key, value in one.as_json().items() if key != "findings"} | finding)
        names = ["id", "source", "observed_status", "observed_code", "expected_status", "expected_code", "consistent"]
        frame = pd.DataFrame(rows, columns=[*names, "rule", "severity", "location", "field", "says", "then"])
        kinds = {name: "Int16" if name.endswith("status") else "boolean" if name == "consistent" else "string" for name in frame.columns}
        return frame.astype(kinds)


@overload
def diagnose(evidence: Exchange | BaseException, *, now: datetime | None = None, history: Iterable[Exchange] = ()) -> Diagnosis: ...
@overload
def diagnose(evidence: Iterable[Exchange], *, now: datetime | None = None, history: Iterable[Exchange] = ()) -> Diagnoses: ...


def diagnose(
    evidence: Exchange | BaseException | Iterable[Exchange], *, now: datetime | None = None, history: Iterable[Exchange] = ()
) -> Diagnosis | Diagnoses:
    """
    Say what is wrong with an exchange, where exactly, and what to do; nothing is sent.

    Parameters
    ----------
    evidence
        One exchange, several, or an exception that the vendor's SDK or requests raised.
    now
        The moment that dates and tokens are held against, for exchanges that do not tell when they left.
    history
        Other exchanges of the same evidence: a token that works elsewhere, a report on a batch.

    Raises
    ------
    WrongUseError
        The evidence is none of these.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
    >>> body = '{"to": ["++15551230001"], "from": "15559870002", "body": "Hi"}'
    >>> found = diagnose(Exchange(method="POST", url=url, request_headers=headers, request_body=body))
    >>> found.top.rule, found.expected_status, found.top.pointer
    ('msisdn-doubled-plus', 400, '/to/0')
    """
    if isinstance(evidence, BaseException):
        evidence = exchange_of(evidence)
    clock = _aware(now) if now else datetime.now(UTC)
    if isinstance(evidence, Exchange):
        return _judge(evidence, clock, _known(history))
    if isinstance(evidence, (str, bytes)) or not isinstance(evidence, Iterable):
        raise WrongUseError(f"A {type(evidence).__name__} cannot be diagnosed.", hint="Read it first: st.diagnose(st.read(...)).")
    exchanges = list(evidence)
    known = _known([*exchanges, *history])
    return Diagnoses(_judge(exchange, clock, known) for exchange in exchanges)


def exchange_of(error: BaseException) -> Exchange:
    """Return the exchange that an exception carries: of requests, or of the vendor's SDK, which keeps code and text out of its message."""
    answer = getattr(error, "response", None)
    if answer is None:
        answer = getattr(error, "http_response", None)
    request = getattr(error, "request", None) or getattr(answer, "request", None)
    body = getattr(answer, "text", None) if hasattr(answer, "text") else getattr(answer, "body", None)
    exchange = Exchange(
        id="exception",
        source=type(error).__name__,
        method=getattr(request, "method", None) or getattr(request, "http_method", None),
        url=getattr(request, "url", None),
        request_headers={str(k): _plain(v) for k, v in (getattr(request, "headers", None) or {}).items()},
        request_body=_body_of(getattr(request, "body", None) or getattr(request, "request_body", None)),
        status=getattr(answer, "status_code", None),
        response_headers={str(k): _plain(v) for k, v in (getattr(answer, "headers", None) or {}).items()},
        response_body=_body_of(body),
        text=None if answer is not None else str(error)[:400],
        failure=None if answer is not None else type(error).__name__,
    )
    return complete(Redactor().exchange(exchange))


# --- one exchange ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Known:
    accepted: dict[str, set[str]]  # number of a token's marker: accounts that it worked for
    reports: dict[str, Exchange]  # batch ID: an answer that holds its delivery report


_NOTHING_KNOWN = _Known({}, {})


def _known(exchanges: Iterable[Exchange]) -> _Known:
    known = _Known({}, {})
    for x in exchanges:
        if x.status and x.status < 300 and x.account:
            facts = marker_facts(header(x.request_headers, "Authorization") or "")
            if facts:
                known.accepted.setdefault(facts["number"], set()).add(x.account)
            if x.endpoint and "/delivery_report" in x.endpoint and x.url:
                known.reports[locate(x.url).values.get("batch_id", "")] = x
    return known


def _judge(exchange: Exchange, clock: datetime, known: _Known = _NOTHING_KNOWN) -> Diagnosis:
    if exchange.code is None and exchange.response_body and (exchange.status or 0) >= 400:
        exchange = complete(exchange)
    place = locate(exchange.url) if exchange.url else None
    now = exchange.at or clock
    if place is None:
        return _answer_only(exchange, now)
    if not is_meant(place):
        return _general(exchange, place, now)
    endpoint = place.endpoints.get((exchange.method or "").upper())
    return _joined(exchange, place, endpoint, violations(exchange, place, endpoint, now), known, now)


# --- joined with the answer --------------------------------------------------------------------------------------------


def _joined(exchange: Exchange, place: Place, endpoint: Endpoint | None, found: list[Violation], known: _Known, now: datetime) -> Diagnosis:
    status = exchange.status
    errors = [violation for violation in found if violation.severity == "error"]
    if status is None or status < 100:
        expected = (errors[0].status, errors[0].code) if errors else (endpoint.success if endpoint else None, None)
        return _diagnosis(exchange, [*_silence(exchange, errors), *findings_of(exchange, found)], expected, None, now)
    if status < 400:
        findings = [*findings_of(exchange, [_shown_or_demoted(violation) for violation in found]), *_accepted(exchange, place, endpoint, known)]
        if status >= 300:
            findings.insert(0, finding_of(exchange, "observed-redirect", status=status))
        contradicted = any(violation.rule not in ("auth-missing", "content-type-missing") for violation in errors)
        return _diagnosis(exchange, findings, (status, None), status < 300 and not contradicted, now)
    return _refused(exchange, place, endpoint, found, errors, known, now)


def _refused(
    exchange: Exchange, place: Place, endpoint: Endpoint | None, found: list[Violation], errors: list[Violation], known: _Known, now: datetime
) -> Diagnosis:
    status, code = exchange.status or 0, exchange.code
    named = _named_in(exchange)
    fitting = [v for v in errors if v.status == status and (code is None or v.code == code)] or _other_class(status, code, errors, named)
    if status == 401 and not fitting:
        fitting = [v for v in found if v.severity == "warning" and v.field == "Authorization"]
    reached = _stage(status, code)
    if fitting:
        first = max(fitting, key=lambda v: _agreement(v, named))
        rest = [v if v.severity != "error" or v.stage >= reached or v in fitting else _shown_or_demoted(v) for v in found if v is not first]
        disproved = any(v.severity == "warning" and w.severity == "error" for v, w in zip(rest, (w for w in found if w is not first), strict=True))
        answer = findings_of(exchange, [first])
        answer[0] = replace(answer[0], severity="error", status=status, code=code or answer[0].code)
        rest_findings = findings_of(exchange, rest)
        return _diagnosis(exchange, [*answer, *_by_severity(rest_findings)], (status, code or first.code), not disproved, now)
    answer = [_observed(exchange, place, endpoint, known)]
    rest = [v if v.severity != "error" or v.stage > reached else _shown_or_demoted(v) for v in found]
    disproved = any(v.severity == "error" and v.stage <= reached and v.rule not in ("auth-missing", "content-type-missing") for v in errors)
    hidden = status not in _SEEN or (status == 404 and bool(place.values)) or code not in (None, *_codes())
    extra = [finding_of(exchange, "answer-not-json", status=status)] if _is_html(exchange.response_body) else []
    return _diagnosis(exchange, [*answer, *_by_severity(findings_of(exchange, rest)), *extra], (status, code), hidden and not disproved, now)


def _other_class(status: int, code: str | None, errors: list[Violation], named: tuple[str | None, str | None]) -> list[Violation]:
    """Return the errors that a refusal of the same status, but another code, may mean: which code a defect gets is not documented for each."""
    if code not in _codes() or status != 400:
        return []
    return [v for v in errors if v.status == status and (named[0] is None or _agreement(v, named))]


@cache
def _codes() -> frozenset[str]:
    return frozenset(entry.code for entry in catalogue.status_rows() if entry.code)


def _stage(status: int, code: str | None) -> int:
    if status == 429 or status >= 500:
        return -1
    return next((i for i, (s, c) in enumerate(STAGES) if s == status and c in (None, code)), 4 if status == 400 else len(STAGES))


def _agreement(violation: Violation, named: tuple[str | None, str | None]) -> int:
    field, pointer = named
    return (2 if pointer and violation.pointer == pointer else 0) + (1 if field and violation.field == field else 0)


def _shown_or_demoted(violation: Violation) -> Violation:
    if violation.severity != "error":
        return violation
    if violation.rule in ("auth-missing", "content-type-missing"):
        return replace(violation, rule="not-shown", severity="note", status=None, code=None, facts={"value": f"{violation.field} header"})
    return replace(violation, severity="warning", status=None)


def _by_severity(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))


def _observed(exchange: Exchange, place: Place, endpoint: Endpoint | None, known: _Known) -> Finding:
    """Return the finding of an answer whose cause the request does not show."""
    status, code = exchange.status or 0, exchange.code
    field, pointer = _named_in(exchange)
    rule = _observed_rule(exchange, place, endpoint, known)
    facts: dict[str, Any] = {"retry_after": _retry_after(exchange)}
    place_of: dict[str, Any] = {}
    if status == 404 and rules()[rule].field is None:
        facts["name"] = place_of["field"] = next(reversed(place.values), "path")
    elif status in (400, 403) and rules()[rule].location == "body":
        place_of = _body_place(exchange, code, field, pointer)
    elif rule in ("observed-unknown-code", "observed-other-status"):
        place_of = {"location": catalogue.explain(status).location or "body", "field": field}
        place_of["field"] = {"header": "Authorization", "path": "path", "method": "method", "host": "host"}.get(place_of["location"], field)
    return finding_of(exchange, rule, severity="error", status=status, code=code, facts=facts, **place_of)


def _observed_rule(exchange: Exchange, place: Place, endpoint: Endpoint | None, known: _Known) -> str:
    status, code = exchange.status, exchange.code
    if status == 401 and exchange.account:
        facts = marker_facts(header(exchange.request_headers, "Authorization") or "")
        if facts and known.accepted.get(facts["number"], set()) - {exchange.account}:
            return "observed-401-other-plan"
    if status == 401 and "expired" in (header(exchange.response_headers, "WWW-Authenticate") or ""):
        return "observed-401-expired"
    if status == 404:
        operation = endpoint.operation if endpoint else ""
        kind = (
            "-report"
            if operation.startswith("delivery_reports.get")
            else "-feedback"
            if "feedback" in operation
            else ""
            if place.values
            else "-route"
        )
        return f"observed-404{kind}"
    if code:
        entry = catalogue.explain(status, code)
        return f"observed-{code}" if f"observed-{code}" in rules() and entry.number == status else "observed-unknown-code"
    if f"observed-{status}" in rules():
        return f"observed-{status}"
    return "observed-5xx" if (status or 0) >= 500 else "observed-other-status"


def _body_place(exchange: Exchange, code: str | None, field: str | None, pointer: str | None) -> dict[str, Any]:
    body = _object_of(exchange.request_body)
    usual = rules().get(f"observed-{code}")
    field = field or (usual.field if usual else None)
    if code == "unknown_group":
        field, pointer = next(_group_places(body, exchange.text), (field, pointer))
    elif code == "missing_callback_url":
        field, pointer = "callback_url", "/delivery_report" if "delivery_report" in body else None
    return {"field": field, "pointer": pointer}


def _group_places(body: Mapping[str, Any], text: str | None) -> Iterator[tuple[str, str]]:
    places = []
    for name in ("to", "to_add", "to_remove", "child_groups", "child_groups_add", "add_from_group", "remove_from_group"):
        value = body.get(name)
        if isinstance(value, str):
            places.append((name, f"/{name}", value))
        if isinstance(value, list):
            places += [
                (name, f"/{name}/{i}", entry)
                for i, entry in enumerate(value)
                if isinstance(entry, str) and (not name.startswith("to") or is_group_id(entry))
            ]
    places.sort(key=lambda place: place[2] not in (text or ""))
    yield from ((name, pointer) for name, pointer, _ in places)


def _named_in(exchange: Exchange) -> tuple[str | None, str | None]:
    """Return the field and the pointer that the vendor's text names, each None when it names none."""
    text = exchange.text or ""
    if match := re.search(r"\b([a-z_]+)\[(\d+)\]", text):
        return match[1], f"/{match[1]}/{match[2]}"
    body = _object_of(exchange.request_body)
    for quoted in re.findall(r"['\"`‘“]([^'\"`’”]{1,200})['\"`’”]", text):
        if quoted in _field_names():
            return quoted, f"/{quoted}" if quoted in body else None
        for name, value in body.items():
            if value == quoted:
                return name, f"/{name}"
            if isinstance(value, list) and quoted in value:
                return name, f"/{name}/{value.index(quoted)}"
    named = [name for name in re.findall(r"[a-z]+(?:_[a-z]+)+", text) if name in _field_names()]
    if not named and (match := _PLAIN_NAME.search(text)):
        named = [match[1] or match[2]]
    return (named[0], f"/{named[0]}" if named[0] in body else None) if named else (None, None)


@cache
def _field_names() -> frozenset[str]:
    names = {name for schema in SCHEMAS.values() for name in schema}
    return frozenset(names.union(*(endpoint.query for endpoint in BY_TEMPLATE.values())))


def _silence(exchange: Exchange, errors: list[Violation]) -> list[Finding]:
    """Return what a client's own error says, when there is no answer."""
    words = f"{exchange.failure or ''} {exchange.text or ''}"
    if _NO_JSON.search(words):
        return [finding_of(exchange, "status-hidden", severity="warning", location="server")]
    if not exchange.failure:
        return []
    tip = catalogue.retry_advice(None, None, exchange.method, failure=words, endpoint=exchange.endpoint)[1]
    location, field = ("host", "host") if re.search(_NOT_CONNECTED, words) else ("server", None)
    finding = finding_of(
        exchange, "no-response", severity="warning", location=location, field=field, facts={"value": exchange.failure[:80], "tip": tip}
    )
    return [] if errors else [finding]


def _accepted(exchange: Exchange, place: Place, endpoint: Endpoint | None, known: _Known) -> list[Finding]:
    operation = endpoint.operation if endpoint else ""
    answer = _object_of(exchange.response_body)
    if operation.startswith("delivery_reports"):
        return _delivery(exchange, answer)
    if (
        operation.endswith(".list")
        and answer.get("count") == 0
        and not any(name == "start_date" for name, _ in place.query)
        and "groups" not in operation
    ):
        return [finding_of(exchange, "empty-list", severity="note", location="query", field="start_date")]
    if operation != "batches.send":
        return []
    batch_id = answer.get("id")
    report = known.reports.get(batch_id) if isinstance(batch_id, str) else None
    failures = _delivery(exchange, _object_of(report.response_body)) if report else []
    return [*failures, finding_of(exchange, "accepted-not-delivered", severity="note", location="server")]


def _delivery(exchange: Exchange, report: Mapping[str, Any]) -> list[Finding]:
    entries = [*(report.get("statuses") or []), *(report.get("delivery_reports") or []), report]
    codes = dict.fromkeys(code for entry in entries if isinstance(entry, dict) and (code := _delivery_code(entry)) not in (None, 0, 400, 401))
    findings = []
    for code in list(codes)[:_MOST_OF_A_KIND]:
        entry = catalogue.explain(delivery=code)
        facts = {"value": entry.label, "title": entry.title, "meaning": entry.meaning, "tip": " ".join(entry.tips) or entry.retry_reason}
        findings.append(finding_of(exchange, "delivery-failed", severity="warning", location="server", facts=facts))
    return findings


def _delivery_code(entry: Mapping[str, Any]) -> int | None:
    code = entry.get("code")
    return int(code) if isinstance(code, int | str) and str(code).isdigit() and ("status" in entry or "statuses" in entry) else None


# --- another API, or no request at all ---------------------------------------------------------------------------------------


def _general(exchange: Exchange, place: Place, now: datetime) -> Diagnosis:
    status = exchange.status
    found = [*general_violations(exchange)]
    note = finding_of(exchange, "not-the-sms-api", severity="note", location="host", field="host", facts={"value": (place.host or "?")[:80]})
    if status is None or status < 100:
        expected = (400, None) if found else (201 if exchange.method == "POST" else 200, None)
        return _diagnosis(exchange, [*_silence(exchange, found), *findings_of(exchange, found), note], expected, None, now)
    if status < 400:
        findings = findings_of(exchange, [_shown_or_demoted(violation) for violation in found])
        if words := words_of(exchange, only_errors=True):
            findings.insert(0, finding_of(exchange, "general-error-in-success", severity="warning", location="server", facts={"text": words}))
        return _diagnosis(exchange, [*findings, note], (status, None), not found, now)
    fitting = [violation for violation in found if violation.status == status]
    answer = general_answer(exchange)
    return _diagnosis(exchange, [*findings_of(exchange, fitting), answer, note], (status, exchange.code), True, now)


def _answer_only(exchange: Exchange, now: datetime) -> Diagnosis:
    if exchange.status is None or exchange.status < 100:
        silence = _silence(exchange, [])
        reports = _delivery(exchange, _object_of(exchange.response_body) or _object_of(exchange.request_body))
        return _diagnosis(
            exchange, silence or reports or [finding_of(exchange, "not-decidable", severity="note", location="server")], (None, None), None, now
        )
    if exchange.status < 400:
        return _diagnosis(exchange, _delivery(exchange, _object_of(exchange.response_body)), (exchange.status, None), True, now)
    return _diagnosis(exchange, [_observed(exchange, locate(""), None, _NOTHING_KNOWN)], (exchange.status, exchange.code), None, now)


# --- words and places ----------------------------------------------------------------------------------------------------------


def _diagnosis(
    exchange: Exchange, findings: list[Finding], expected: tuple[int | None, str | None], consistent: bool | None, clock: datetime
) -> Diagnosis:
    status, code = expected
    return Diagnosis(exchange=exchange, findings=tuple(findings), expected_status=status, expected_code=code, consistent=consistent, clock=clock)


def _retry_after(exchange: Exchange) -> str:
    value = header(exchange.response_headers, "Retry-After")
    return f"It asks to wait: Retry-After {value[:40]}." if value else ""


def _request_line(exchange: Exchange) -> str:
    return exchange.endpoint or f"{exchange.method or '?'} {locate(exchange.url).path if exchange.url else '(no URL)'}"


def _place(finding: Finding) -> str:
    where = f"line {finding.line}, column {finding.column}" if finding.line else ""
    return ", ".join(part for part in (finding.location, finding.field or "", finding.pointer or "", where) if part)


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return min(at + column - 1, len(text))


def _object_of(body: str | bytes | None) -> dict[str, Any]:
    value = parsed(body)
    return value if isinstance(value, dict) else {}


def _is_html(body: str | bytes | None) -> bool:
    return bool(body) and (text_of(body[:200] if body else None) or "").lstrip().startswith("<")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_of(body: Any) -> str | bytes | None:
    if body is None or isinstance(body, str | bytes):
        return body
    try:
        return json.dumps(body)
    except (TypeError, ValueError):
        return None
