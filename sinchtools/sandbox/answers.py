"""
From a request to its answer, in the API's order of checks.

Knows nothing of sockets, so it works without a server too.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from sinchtools.api.description import PREFIX, TOKEN_PATH, Endpoint, route
from sinchtools.api.validation import (
    CONSTRAINT,
    JSON,
    NAMES_OF_FIELDS,
    body_violations,
    content_type_violation,
    parse_json,
    path_violations,
    query_violations,
)
from sinchtools.core.records import header
from sinchtools.sandbox.faults import Fault, Faults
from sinchtools.sandbox.operations import OPERATIONS, Call, Refused
from sinchtools.sandbox.state import TOKEN_LIFETIME_S, Account
from sinchtools.sandbox.texts import text_of

OUTSTANDING_PER_ACCOUNT, OUTSTANDING_PER_PATH = 64, 32  # ours: the vendor publishes no number
BODY_BYTES, HEADER_BYTES = 10 * 1024 * 1024, 32 * 1024
_HTML = (
    b"<html><head><title>Service unavailable</title></head><body><h1>Service "
    b"unavailable</h1><hr>gateway</body></html>\n"
)
_PATH = re.compile(rf"{PREFIX}/(?P<account>[^/]+)(?P<below>/.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in; `too_large` says that its body was not kept."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    too_large: bool = False


@dataclass(slots=True, kw_only=True)
class Answer:
    """
    What goes back, and how: late, cut short, or not at all.

    `ticket` is given back when the answer is out.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    latency_ms: float = 0
    drop: bool = False
    cut: bool = False
    ticket: tuple[str, str] | None = None


class Limiter:
    """Counts the requests that are not answered yet, by account and by path."""

    def __init__(
        self, per_account: int = OUTSTANDING_PER_ACCOUNT, per_path: int = OUTSTANDING_PER_PATH
    ) -> None:
        self.per_account, self.per_path = per_account, per_path
        self.outstanding: Counter[str | tuple[str, str]] = Counter()

    def enter(self, ticket: tuple[str, str]) -> bool:
        """Count a request in, unless there are too many."""
        if (
            self.outstanding[ticket[0]] >= self.per_account
            or self.outstanding[ticket] >= self.per_path
        ):
            return False
        for one in (ticket[0], ticket):
            self.outstanding[one] += 1
        return True

    def leave(self, ticket: tuple[str, str] | None) -> None:
        """Count a request out."""
        if ticket:
            for one in (ticket[0], ticket):
                self.outstanding[one] -= 1
                if not self.outstanding[one]:
                    del self.outstanding[one]


def answer(
    request: Request, accounts: Mapping[str, Account], faults: Faults, limiter: Limiter
) -> Answer:
    """Return the answer to a call of the API or of the token endpoint."""
    path = request.target.partition("?")[0]
    match = _PATH.fullmatch(path)
    account_id = unquote(match["account"]) if match else None
    endpoints = route(match["below"] or "/")[0] if match else {}
    endpoint = endpoints.get(request.method)
    template = endpoint.template if endpoint else f"{request.method} {path}"
    ticket = (account_id, template) if account_id in accounts and account_id else None
    if ticket and not limiter.enter(ticket):
        return Answer(status=429)
    hits = faults.hit(template, account_id)
    if hits and (hits[-1].status or hits[-1].drop):
        found = _by_fault(hits[-1])
    elif path == TOKEN_PATH:
        found = _token(request, accounts)
    else:
        found = _api(request, accounts.get(account_id or ""), match)
    found.latency_ms, found.ticket = sum(hit.latency_ms for hit in hits), ticket
    found.cut = any(hit.body == "truncated" for hit in hits)
    return found


def json_answer(status: int, value: Any, **headers: str) -> Answer:
    """Return an answer with a JSON body; None means no body."""
    if value is None:
        return Answer(status=status, headers=headers)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Answer(status=status, body=body, headers={"Content-Type": "application/json", **headers})


# --- the checks, in the API's order ---------------------------------------------------------------


def _api(request: Request, account: Account | None, match: re.Match[str] | None) -> Answer:
    if match is None:
        return Answer(status=404)
    if account is None or (
        problem := _credential(account, header(request.headers, "Authorization") or "")
    ):
        return Answer(status=401, headers={"WWW-Authenticate": (account and problem) or "Bearer"})
    endpoints, values = route(match["below"] or "/")
    if not endpoints:
        return Answer(status=404)
    endpoint = endpoints.get(request.method)
    if endpoint is None:
        return Answer(status=405, headers={"Allow": ", ".join(endpoints)})
    if request.too_large:
        return Answer(status=413)
    if endpoint.body and content_type_violation(request.headers):
        return Answer(status=415)
    return _checked(request, account, endpoint, values)


def _checked(
    request: Request, account: Account, endpoint: Endpoint, values: dict[str, str]
) -> Answer:
    account.settle()
    query = tuple(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    body: Any = {}
    try:
        if endpoint.body:
            body = _parsed(request.body)
        _refuse_violations(account, endpoint, values, query, body)
        call = Call(account=account, endpoint=endpoint, values=values, query=dict(query), body=body)
        return json_answer(endpoint.success, OPERATIONS[endpoint.operation](call))
    except Refused as refused:
        return json_answer(
            refused.status, {"code": refused.code, "text": refused.text} if refused.code else None
        )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except json.JSONDecodeError as error:
        raise Refused(
            400,
            JSON,
            f"The body is not valid JSON: {error.msg}, line {error.lineno} column {error.colno}.",
        ) from None
    except ValueError as error:
        raise Refused(400, JSON, f"The body is not valid JSON: {str(error)[:80]}.") from None


def _refuse_violations(
    account: Account,
    endpoint: Endpoint,
    values: dict[str, str],
    query: tuple[tuple[str, str], ...],
    body: Any,
) -> None:
    found = [v for v in path_violations(values) if v.status != 404]  # the resource is looked up
    found += query_violations(endpoint, query)
    if endpoint.body:
        batch = account.batches.get(values.get("batch_id", ""))
        found += body_violations(
            endpoint, body, now=account.clock.now(), batch_type=batch.type if batch else None
        )
    strict = NAMES_OF_FIELDS if account.strict_names else ()
    first = min(
        (one for one in found if one.severity == "error" or one.rule in strict),
        key=lambda violation: violation.stage,
        default=None,
    )
    if first:
        raise Refused(first.status or 400, first.code or CONSTRAINT, text_of(first, body))


def _credential(account: Account, value: str) -> str:
    """Return the challenge to a credential that is not good, or nothing."""
    scheme, _, token = value.partition(" ")
    known = account.knows(token.strip()) if scheme.lower() == "bearer" else "unknown"
    if known == "expired":
        return 'Bearer error="invalid_token", error_description="The access token expired"'
    return "" if known == "good" else "Bearer"


# --- faults and tokens ----------------------------------------------------------------------------


def _by_fault(fault: Fault) -> Answer:
    found = Answer(status=fault.status or 503, drop=fault.drop)
    if fault.code:
        found = json_answer(
            found.status, {"code": fault.code, "text": fault.text or f"Simulated: {fault.code}."}
        )
    elif fault.body:
        found = Answer(status=found.status, body=_HTML, headers={"Content-Type": "text/html"})
    if fault.retry_after_s is not None:
        found.headers["Retry-After"] = f"{fault.retry_after_s:g}"
    return found


def _token(request: Request, accounts: Mapping[str, Account]) -> Answer:
    if request.method != "POST":
        return Answer(status=405, headers={"Allow": "POST"})
    account = next(
        filter(_holds(header(request.headers, "Authorization") or ""), accounts.values()), None
    )
    if account is None:
        problem = {
            "error": "invalid_client",
            "error_description": "The key ID or the key secret is wrong.",
        }
        return json_answer(401, problem, **{"WWW-Authenticate": "Basic"})
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        return json_answer(
            400,
            {
                "error": "unsupported_grant_type",
                "error_description": "grant_type must be client_credentials.",
            },
        )
    return json_answer(
        200,
        {
            "access_token": account.issue_token(),
            "token_type": "bearer",
            "expires_in": TOKEN_LIFETIME_S,
            "scope": "",
        },
    )


def _holds(authorization: str) -> Callable[[Account], bool]:
    scheme, _, value = authorization.partition(" ")
    try:
        pair = base64.b64decode(value).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        pair = ""
    return lambda account: (
        bool(account.key_secret) and pair == f"{account.key_id}:{account.key_secret}"
    )
