"""
The `text` of a refusal: what the API would say for people, by rule.

It names the field with its index and quotes the value.
"""

from __future__ import annotations

from typing import Any

from sinchtools.api.validation import Violation
from sinchtools.core.json import at_pointer, path_of

MISSING_CALLBACK = "Requesting delivery report without any callback URL."  # as it is on the wire
_NO_NUMBER = "{where}: '{value}' is not a valid MSISDN"
_NO_RECIPIENT = "{where}: '{value}' is neither a valid MSISDN nor a group ID"
_OTHER = "{where}: '{value}' is not valid"
TEXTS = {
    "missing-field": "{where}: must be given",
    "absent-value": "{where}: a value is missing",
    "wrong-type": "{where}: expected {expected}, found {observed}",
    "not-an-array": "{where}: expected {expected}, found {observed}",
    "not-a-string": "{where}: expected {expected}, found {observed}",
    "body-not-an-object": "expected an object, found {observed}",
    "empty": "{where}: must not be empty",
    "too-long": "{where}: at most {limit} {what}, found {observed}",
    "too-many": "{where}: at most {limit} {what}, found {observed}",
    "too-small": "{where}: must be {limit} or more, found {observed}",
    "too-large": "{where}: must be {limit} or less, found {observed}",
    "not-a-choice": "{where}: '{value}' is not one of {choices}",
    "bad-date": "{where}: '{value}' is not a valid ISO-8601 date",
    "bad-url": "{where}: '{value}' is not a valid URL",
    "url-without-scheme": "{where}: '{value}' is not a valid URL",
    "bad-base64": "{where}: not valid Base64",
    "bad-hex": "{where}: '{value}' is not a hexadecimal string of even length",
    "bad-group-id": "{where}: '{value}' is not a valid group ID",
    "bad-id": "'{value}' is not a valid identifier",
    "not-an-integer": "{where}: '{value}' is not a valid integer",
    "not-a-boolean": "'{value}' is not a valid boolean",
    "not-one-word": "{where}: '{value}' is not one word",
    "duplicate-ids": "{where}: the same ID is given twice",
    "parameters-inside-out": "{where}: expected the name of a parameter, found a number",
    "parameter-key": "{where}: '{name}' is not a valid parameter key",
    "sender-too-long": "{where}: '{value}' is longer than {limit} characters",
    "sender-characters": "{where}: '{value}' is not a valid sender",
    "sender-malformed": "{where}: '{value}' is not a valid sender",
    "expire-at-past": "expire_at: '{value}' is in the past",
    "expire-before-send": "expire_at: '{value}' is not after send_at",
    "expire-too-late": "expire_at: '{value}' is more than {limit} days after send_at",
}


def text_of(violation: Violation, body: Any = None) -> str:
    """
    Return the text of a refusal.

    Examples
    --------
    >>> text_of(Violation(rule="msisdn-national", field="to", pointer="/to/0"), {"to": ["0700"]})
    "to[0]: '0700' is neither a valid MSISDN nor a group ID"
    """
    rule, pointer = violation.rule, violation.pointer or ""
    template = _template(rule, violation.field)
    if (violation.location, violation.field, rule) == ("query", "type", "not-a-choice"):
        template = "'{value}' is not a valid report type"
    found = str(at_pointer(body, pointer) or "")[:80] if pointer else ""
    facts = {
        "name": violation.field,
        "value": found,
        "limit": "",
        "what": "",
        "observed": "",
        "expected": "",
        "choices": "",
        **violation.facts,
    }
    if found and (rule.startswith(("msisdn", "sender"))):
        facts["value"] = found
    return template.format(**{**facts, "where": path_of(pointer) or violation.field})


def _template(rule: str, field: str | None) -> str:
    if rule.startswith("msisdn"):
        return _NO_RECIPIENT if field in {"to", "to_add", "to_remove"} else _NO_NUMBER
    kin = [
        name for name in TEXTS if rule.startswith(name)
    ]  # missing-field-renamed reads like missing-field
    return TEXTS[max(kin, key=len)] if kin else _OTHER
