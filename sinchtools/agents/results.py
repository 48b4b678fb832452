"""
What a tool returns: people as aliases, text of the evidence marked, and all of it past the gate.

A result is a dict of plain values. Words of the evidence are only ever under the key `UNTRUSTED`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sinchtools.agents.desk import KEY, Held
from sinchtools.api.description import field_names
from sinchtools.core.errors import LeakError
from sinchtools.core.records import Exchange, Finding, visible
from sinchtools.diagnosis.fitting import codes_on_the_page
from sinchtools.diagnosis.rules import rules
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, refuse_leaks
from sinchtools.privacy.redaction import Redactor
from sinchtools.replays.comparing import Contrast

UNTRUSTED = "untrusted"
LONGEST = 1500  # characters of one text of the evidence
PAGE = 10  # entries of a list
_HEADERS = re.compile(  # what they may say is known; any other may hold a message
    r"accept(?:-charset|-encoding|-language)?|allow|authorization|cache-control|connection"
    r"|content-(?:encoding|length|type)|date|expect|host|retry-after|server|transfer-encoding"
    r"|user-agent|vary|via|www-authenticate|x-(?:request-id|correlation-id|simulated)",
    re.IGNORECASE,
)
_NOT_SHOWN = "(not shown)"
_FACTS = ("rule", "severity", "status", "location", "line", "column", "page")


def shown(result: Mapping[str, Any], *evidence: Held) -> dict[str, Any]:
    """
    Return a result as it may leave: people are aliases, secrets are markers.

    Raises
    ------
    LeakError
        Something that must not leave would still be in it; nothing of it is returned.
    """
    known = Known.together([one.known for one in evidence])
    clean = _Cleaner(known)
    made = {name: clean(value) for name, value in result.items()}
    try:
        refuse_leaks(
            json.dumps(made, ensure_ascii=False).encode("utf-8", "replace"), known, where="It"
        )
    except LeakError:
        raise LeakError(
            "The result was not returned: it would show a secret or a person.",
            hint="Ask for less: another row, or a page.",
        ) from None
    return made


class _Cleaner:
    """Makes plain values of JSON, each text without people and secrets, and not too long."""

    def __init__(self, known: Known) -> None:
        self._known, self._aliases, self._redactor = known, Aliases(KEY), Redactor()

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._text(str(name)): self(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self(inner) for inner in value]
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return value

    def _text(self, text: str) -> str:
        text = self._known.replaced(self._redactor.unquoted(text), self._aliases)
        return _cut(visible(self._aliases.words(text)))


def _cut(text: str) -> str:
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]} [{more:,} more characters]"


# --- what is in a result ------------------------------------------------------------------------


def page_of(entries: Sequence[Any], page: int) -> dict[str, Any]:
    """Return one page of a list, with how many pages there are."""
    pages = max(1, -(-len(entries) // PAGE))
    at = min(max(page, 1), pages)
    return {"page": at, "pages": pages, "entries": list(entries[(at - 1) * PAGE : at * PAGE])}


def response_of(status: int | None, code: str | None) -> dict[str, Any]:
    """Return a status and code; a code that the vendor does not list is the evidence's word."""
    if code is None or code in codes_on_the_page():
        return {"status": status, "code": code}
    return {"status": status, "code": None, UNTRUSTED: {"code": code}}


def line_of(number: int, row: Exchange) -> dict[str, Any]:
    """Return a row in short: what is known of it without its own words."""
    made = response_of(row.status, row.code)
    quoted = {"source": row.source, "text": row.text, "failure": row.failure}
    return _without_nothing(
        {
            "row": number,
            "at": row.at,
            "endpoint": row.endpoint,
            "outcome": row.outcome,
            **made,
            UNTRUSTED: _without_nothing(quoted | made.get(UNTRUSTED, {})),
        }
    )


def whole_of(number: int, row: Exchange) -> dict[str, Any]:
    """Return a row with its request and its response."""
    made = line_of(number, row)
    parts = {
        "method": row.method,
        "url": row.url,
        "request_headers": _known_headers(row.request_headers),
        "request_body": _readable(row.request_body),
        "response_headers": _known_headers(row.response_headers),
        "response_body": _readable(row.response_body),
    }
    return made | {UNTRUSTED: made.get(UNTRUSTED, {}) | _without_nothing(parts)}


def _known_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value if _HEADERS.fullmatch(name) else _NOT_SHOWN for name, value in headers.items()
    }


def sides_of(contrast: Contrast) -> dict[str, str]:
    """Return what differs between two requests, and what each has there."""
    made = {"what": contrast.what, "a": contrast.a, "b": contrast.b}
    name = contrast.what.removeprefix("header ")
    if name != contrast.what and not _HEADERS.fullmatch(name):
        made |= {"a": _NOT_SHOWN, "b": _NOT_SHOWN}
    return made


def aliased(row: Exchange, held: Held) -> Exchange:
    """Return a row with people as aliases, in the shape that they had."""
    return held.known.replaced_in(row, Aliases(KEY))


def finding_of(finding: Finding) -> dict[str, Any]:
    """Return a finding; what is filled into its words comes from the evidence."""
    made: dict[str, Any] = {name: getattr(finding, name) for name in _FACTS}
    words = {"says": finding.says, "then": finding.then, "fix": finding.fix}
    rule = rules().get(finding.rule)
    ours = {n: w for n, w in words.items() if w and w == getattr(rule, n, None) and "{" not in w}
    quoted = {n: w for n, w in words.items() if n not in ours} | {"pointer": finding.pointer}
    made |= response_of(finding.status, finding.code) | ours
    if finding.field in field_names():
        made["field"] = finding.field
    else:
        quoted["field"] = finding.field
    return _without_nothing(made | {UNTRUSTED: _without_nothing(made.get(UNTRUSTED, {}) | quoted)})


def _without_nothing(made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if value not in (None, "", {}, [])}


def _readable(body: str | bytes | None) -> str | None:
    return body if isinstance(body, str) or body is None else f"{len(body):,} bytes, not UTF-8"
