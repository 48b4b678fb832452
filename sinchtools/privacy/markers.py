"""What stands for a secret that was removed, and what it says of it."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any

from sinchtools.core.json import object_of
from sinchtools.core.placeholders import bracketed

MARKER = re.compile(
    r"\[secret (?P<kind>opaque|jwt|pair) (?P<length>\d+) #(?P<number>\d+)(?P<facts>[^\[\]]*)\]"
)
_PARTS, _PARTS_ENCRYPTED = 3, 5  # of a JWT
JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]*"


def unnumbered(text: str) -> str:
    """
    Return a text with its markers' numbers taken out.

    The same secret has another number in another reading.

    Examples
    --------
    >>> unnumbered("Bearer [secret opaque 32 #7 quoted]")
    'Bearer [secret opaque 32 quoted]'
    """
    return MARKER.sub(r"[secret \g<kind> \g<length>\g<facts>]", text)


def last_number(text: str) -> int:
    """
    Return the highest number of the markers in a text, 0 for none.

    Examples
    --------
    >>> last_number("[secret opaque 32 #7 quoted] and [secret jwt 210 #2]")
    7
    """
    return max((int(found["number"]) for found in MARKER.finditer(text)), default=0)


def marker_facts(value: str) -> dict[str, str] | None:
    """
    Return what a marker in `value` says about its secret, or None when there is no marker.

    Examples
    --------
    >>> marker_facts("Bearer [secret jwt 210 #2 expires=2024-06-15T08:00:00Z quoted]")
    {'kind': 'jwt', 'length': '210', 'number': '2', 'expires': '2024-06-15T08:00:00Z', 'quoted': ''}
    """
    match = MARKER.search(value)
    if match is None:
        return None
    told = match.groupdict()
    for fact in told.pop("facts").split():
        name, _, said = fact.partition("=")
        told[name] = said
    return told


def marker_number(value: str) -> str | None:
    """
    Return the number of the secret that a marker in `value` stands for, or None.

    Examples
    --------
    >>> marker_number("Bearer [secret opaque 32 #7 quoted]"), marker_number("Bearer x")
    ('7', None)
    """
    match = MARKER.search(value)
    return match["number"] if match else None


def facts_of(secret: str) -> tuple[str, list[str]]:
    """
    Return the kind of a secret (``jwt``, ``pair``, ``opaque``) and what may be told of it.

    Examples
    --------
    >>> facts_of("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0"), facts_of("5c1e9a7b...f607")
    (('jwt', ['cut']), ('opaque', ['shortened']))
    """
    if re.search(r"\.{3}|…", secret):
        return "jwt" if _decoded(secret.split(".")[0]) else "opaque", ["shortened"]
    if _is_cut_jwt(secret):
        return "jwt", ["cut"]
    if re.fullmatch(JWT, secret):
        claims = _decoded(secret.split(".")[1])
        return "jwt", [
            f"{name}={value}"
            for name, value in (
                ("expires", _instant(claims.get("exp"))),
                ("issuer", _word(claims.get("iss"))),
            )
            if value
        ]
    if re.fullmatch(r"[^\s:]+:[^\s:]*", secret) or ":" in unbased(secret):
        return "pair", []
    return "opaque", []


def _is_cut_jwt(secret: str) -> bool:
    """Tell whether a text is a JWT of which the beginning or the end is missing."""
    parts = secret.split(".")
    head = _decoded(parts[0])
    if head.keys() & {"alg", "typ"}:
        return len(list(filter(None, parts))) < (_PARTS_ENCRYPTED if "enc" in head else _PARTS)
    return len(parts) == _PARTS and not head and bool(_decoded(parts[1]).keys() & {"iss", "exp"})


def stray_of(value: str) -> list[str]:
    """Return what stands around or in a secret by mistake: quotes, brackets, spaces."""
    ends_with = "trailing-newline" if value[-1:] in ("\r", "\n") else "trailing-space"
    found = [
        ("quoted", re.search(r"['\"“”‘’]", value.strip()[:1] + value.strip()[-1:])),
        ("bracketed", bracketed(value)),
        ("leading-space", value[:1].isspace()),
        (ends_with, value[-1:].isspace()),
        ("inner-space", re.search(r"\S\s+\S", value)),
    ]
    return [name for name, is_there in found if is_there]


def _decoded(part: str) -> dict[str, Any]:
    try:
        return object_of(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}


def unbased(secret: str) -> str:
    """Return what a secret holds in base64, or an empty text."""
    try:
        return base64.b64decode(secret, validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return ""


def _instant(seconds: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def _word(value: object) -> str:
    return re.sub(r"[^\w.:/@-]", "", value)[:80] if isinstance(value, str) else ""
