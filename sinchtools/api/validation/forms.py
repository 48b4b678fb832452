"""The forms that a text can have: times, URLs, ids, numbers of phones."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sinchtools.api.description import (
    split_url,
)
from sinchtools.api.validation.violation import FORMAT, Violation
from sinchtools.core.gsm import digits
from sinchtools.core.placeholders import is_masked, is_placeholder
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.markers import MARKER

GROUP_ID = re.compile(r"(?=.*[A-Za-z])(?:[0-9A-Za-z]{26}|[0-9A-Za-z]{12,16})")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d"
    r"(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
# the mobile prefix of Mexico until 2019, which address books still hold
_OLD_PREFIX = re.compile(r"521[1-9]\d{9}")
_SEVERAL = re.compile(r"\d(?=[^\w+,;|]*+[,;|])\D*+\d")  # a separator before the next number begins


def instant_of(value: str) -> datetime | None:
    """
    Return an ISO-8601 date or time in UTC, or None when it is not one.

    A time without an offset is UTC. A date alone means its midnight.

    Examples
    --------
    >>> instant_of("2026-11-23T09:30+01:00")
    datetime.datetime(2026, 11, 23, 8, 30, tzinfo=datetime.timezone.utc)
    """
    if not _INSTANT.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value.upper().replace(",", "."))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_url(value: str) -> bool:
    """Whether a value is a whole http(s) URL with a host and no white space."""
    try:
        parts = split_url(MARKER.sub("secret", value))
        is_host = re.fullmatch(r"[\w.:\[\]%-]+", parts.hostname or "") is not None
        is_whole = parts.scheme in {"http", "https"} and is_host and (parts.port or 1) > 0
        return is_whole and not re.search(r"\s", MARKER.sub("", value))
    except ValueError:
        return False


def is_group_id(value: str) -> bool:
    """
    Whether a recipient is read as a group ID.

    Letters and digits, 26 or (older) 12 to 16 of them, no number.
    """
    return bool(GROUP_ID.fullmatch(value))


_NO_ENTRY = "neither a phone number (MSISDN) nor a valid group ID"


def number_violation(
    value: str, name: str, pointer: str | None, *, location: str = "body"
) -> Violation | None:
    """
    Return what is wrong with or risky about an MSISDN, or None.

    A defect is an error, a risk is a warning or a note.
    """
    defect, severity, facts = msisdn_defect(value)
    if defect is None:
        return None
    code, status = (FORMAT, 400) if severity == "error" else (None, None)
    named: dict[str, Any] = {"name": name, "number": value[:40], "what": "digits", **facts}
    takes_groups = name in ("to", "to_add", "to_remove")
    named["not_a"] = _NO_ENTRY if takes_groups else "not a phone number (MSISDN)"
    named["or_group"] = " Or send a valid group ID." if takes_groups else ""
    return Violation(
        rule=defect,
        severity=severity,
        status=status,
        code=code,
        location=location,
        field=name,
        pointer=pointer,
        facts=named,
    )


@lru_cache(maxsize=65_536)
def msisdn_defect(value: str) -> tuple[str | None, str, dict[str, Any]]:
    """
    Return rule, severity and facts of what is wrong with a number; the rule is None for a good one.

    A number with ``+`` or ``00`` is judged by `phonenumbers.is_possible_number` (never
    ``is_valid_number``: that refuses numbers of fiction); a bare one by its length, since the API
    takes it as it is.

    Examples
    --------
    >>> numbers = ("++15551230001", "07700900123", "15551230001")
    >>> tuple(msisdn_defect(number)[0] for number in numbers)
    ('msisdn-doubled-plus', 'msisdn-national', None)
    """
    value = representative(value)
    bare = re.sub(r"[\s().\-/]", "", value)
    facts: dict[str, Any] = {"observed": sum(character.isdigit() for character in bare)}
    if not bare:
        return "absent-value", "error", {**facts, "kind": "white space" if value else "empty"}
    if re.search(r"[{}<>$%]|^nan$", bare, re.IGNORECASE) or is_placeholder(bare):
        return "msisdn-placeholder", "error", {**facts, "value": re.sub(r"\d", "•", bare[:40])}
    if is_masked(bare):
        return None, "note", facts
    if _SEVERAL.search(bare):
        return "msisdn-several", "error", facts
    if bare.count("+") > 1:
        return "msisdn-doubled-plus", "error", facts
    if prefix := re.match(r"[a-z]{3,12}:(?=\+?\d)", bare, re.IGNORECASE):
        return "msisdn-prefix", "error", {**facts, "value": prefix[0]}
    if strange := "".join(
        dict.fromkeys(c for c in bare.removeprefix("+") if not ("0" <= c <= "9"))
    ):
        rule = "msisdn-letters" if strange.isalpha() and strange.isascii() else "msisdn-characters"
        return (
            rule,
            "error",
            {
                **facts,
                "value": " ".join(
                    c if c.isprintable() else f"U+{ord(c):04X}" for c in strange[:10]
                ),
            },
        )
    number, explicit = digits(value), bare.startswith(("+", "00"))
    facts["observed"] = len(number)
    if number.startswith("0") or not number:
        return "msisdn-national", "error", facts
    if not 5 <= len(number) <= 15:
        return "msisdn-too-long" if len(number) > 15 else "msisdn-too-short", "error", facts
    return _possible(
        number,
        value,
        explicit=explicit,
        tidy=value.strip() == bare and not bare.startswith("00"),
        facts=facts,
    )


def _possible(
    number: str, value: str, *, explicit: bool, tidy: bool, facts: dict[str, Any]
) -> tuple[str | None, str, dict[str, Any]]:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except phonenumbers.NumberParseException:
        return (
            ("msisdn-country", "error", facts)
            if explicit
            else ("msisdn-unlikely", "warning", facts)
        )
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    facts = {**facts, "country": region, "country_code": parsed.country_code}
    if not phonenumbers.is_possible_number(parsed):
        reason = phonenumbers.is_possible_number_with_reason(parsed)
        too_long = reason == phonenumbers.ValidationResult.TOO_LONG
        rule = "msisdn-too-long" if too_long else "msisdn-too-short"
        if not explicit and re.fullmatch(r"[2-9]\d{9}", number):
            return "msisdn-no-country-code", "error", {**facts, "suggestion": "1", "country": "US"}
        if not explicit and re.fullmatch(r"[2-9]\d{6}", number):
            return "msisdn-no-area-code", "error", facts
        is_certain = explicit and not _OLD_PREFIX.fullmatch(number)
        return (rule, "error", facts) if is_certain else ("msisdn-unlikely", "warning", facts)
    is_like_american = not explicit and re.fullmatch(r"[2-9]\d{9}", number) is not None
    if is_like_american and parsed.country_code != 1 and not phonenumbers.is_valid_number(parsed):
        return "msisdn-unlikely", "warning", facts
    if trunk_zero := re.search(r"\(0\)", value):
        whole = value.replace(trunk_zero[0], "")
        return "msisdn-trunk-zero", "warning", {**facts, "replacement": whole}
    return (None, "note", facts) if tidy else ("msisdn-separators", "note", facts)


def shown(instant: datetime) -> str:
    """Return a time as the API writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
