"""Judge requests to the OAuth 2.0 token endpoint, which gives a project its access tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from sinchtools.api.validation import Violation
from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis.generic_http import parsed, words_of
from sinchtools.diagnosis.rules import finding_of, quoted, rules, text_of

_GRANT = "client_credentials"


def violations(exchange: Exchange) -> Iterator[Violation]:
    """Yield what the token endpoint refuses of a request, in the order in which it is checked."""
    if (exchange.method or "POST").upper() != "POST":
        yield _violation("token-method", 405, "method", "method", value=exchange.method)
    form = _form(exchange)
    if exchange.request_headers or exchange.status is None:
        yield from _credentials(exchange, form)
    if isinstance(parsed(exchange.request_body), dict):
        yield _violation("token-not-a-form", 400, "header", "Content-Type", code="invalid_request")
    elif exchange.request_body is not None and (grant := form.get("grant_type")) != _GRANT:
        code = "unsupported_grant_type" if grant else "invalid_request"
        yield _violation("token-grant-type", 400, "body", "grant_type", code=code, value=grant)


def _credentials(exchange: Exchange, form: dict[str, str]) -> Iterator[Violation]:
    value = header(exchange.request_headers, "Authorization") or ""
    scheme, _, rest = value.strip().partition(" ")
    if not value and {"client_id", "client_secret"} <= form.keys():
        return
    if scheme.lower() != "basic" or not rest.strip():
        yield _of_credentials("token-credentials", scheme[:20])
    elif is_placeholder(rest):
        yield _of_credentials("token-placeholder", rest.strip()[:40])


def _of_credentials(rule: str, value: str) -> Violation:
    return _violation(rule, 401, "header", "Authorization", code="invalid_client", value=value)


def _violation(
    rule: str, status: int, location: str, field: str, *, code: str | None = None, **facts: Any
) -> Violation:
    return Violation(
        rule=rule, status=status, code=code, location=location, field=field, facts=facts
    )


def _form(exchange: Exchange) -> dict[str, str]:
    text = text_of(exchange.request_body) or ""
    return {name: values[0] for name, values in parse_qs(text[:10_000]).items()}


def observed(exchange: Exchange) -> Finding | None:
    """Return what a refusal of the token endpoint says, where that is known."""
    rule = next(
        (f"observed-token-{name}" for name in (exchange.code, exchange.status) if _is_known(name)),
        None,
    )
    if rule is None:
        return None
    facts = {"text": quoted(words_of(exchange))}
    return finding_of(
        exchange, rule, severity="error", status=exchange.status, code=exchange.code, facts=facts
    )


def _is_known(name: str | int | None) -> bool:
    return f"observed-token-{name}" in rules()
