"""
Secrets out where data enters: each is replaced by a marker that keeps the facts diagnosis needs.

A marker reads ``[secret KIND LENGTH #N FACTS]``: KIND is ``opaque``, ``jwt`` or ``pair`` (``id:secret``), LENGTH counts
characters, the same secret has the same N within one `Redactor`, FACTS are such as ``expires=...`` or ``quoted``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from sinchtools.records import Exchange

MARKER = re.compile(r"\[secret (?P<kind>opaque|jwt|pair) (?P<length>\d+) #(?P<number>\d+)(?P<facts>[^\[\]]*)\]")
_PLACEHOLDER = re.compile(
    r"\{\{?[^{}]*\}?\}|<<?[^<>]*>>?|\$\{?\w+\}?|%\w+%|\[[^\]]*\]|(your|my|the)[-_ ]?\w*|x{3,}|\*{3,}|\.{3,}|…+|•+|redacted|null|none|",
    re.IGNORECASE,
)
_JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]*"
_SECRET_NAME = (
    r"(?:[\w.-]*[_.-])?(?:access|refresh|id|api|auth|bearer|user|session|security|csrf|xsrf|plan|service)?[_.-]?token"
    r"|[\w.-]*(?:secret|passw(?:or)?d|passwd|passphrase|pwd|private[_-]?key|credential)s?"
    r"|[\w.-]*api[_-]?key|[\w.-]*(?:app|application|auth|access|admin|master|subscription|function)s?[_-]?key|authorization|jwt|session[_-]?id"
)
_SECRET_HEADER = re.compile(rf"(?:{_SECRET_NAME}|[\w-]*signature|x-goog-iam-\w+|x-amz-security-token|ocp-apim-\w+)", re.IGNORECASE)
_SCHEME = re.compile(r"(\s*['\"]?\s*)(bearer|basic|token|apikey|digest|negotiate|application|jwt)((?:\s+|:\s*))", re.IGNORECASE)
_JSON_VALUE = re.compile(
    rf"(?P<head>(?P<q>\\*[\"'“”])(?P<name>{_SECRET_NAME})(?P=q)\s*[:=]\s*)"
    r"(?:(?P<vq>\\*[\"'“”])(?P<value>.*?)(?:(?<!\\)(?P=vq)|\Z)|(?P<bare>[^\s,;}\]\"'\[]+))",
    re.IGNORECASE | re.DOTALL,
)
_FORM_VALUE = re.compile(rf"(?P<head>(?:^|[?&;\s])(?P<name>{_SECRET_NAME})=)(?P<value>[^&\s\"'#]+)", re.IGNORECASE)
_IN_TEXT = re.compile(rf"(?P<scheme>\b(?:bearer|basic)(?:\s+|%20|\+))(?P<value>[^\s\"'\\,;)}}\]<>]{{8,}})|(?P<jwt>{_JWT})", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<head>\b[a-z][\w+.-]*://)(?P<value>[^\s/@?#]*:[^\s/?#]*)@", re.IGNORECASE)
# cheap tests before the patterns above run over a large body
_HINTS = re.compile(r"token|secret|passw|pwd|passphrase|key|credential|authorization|jwt|session|bearer|basic|eyJ|://[^\s/@?#]*:[^\s/?#]*@", re.IGNORECASE)


class Redactor:
    """
    Removes the secrets of one reading and remembers which of them were the same, not what they were.

    Attributes
    ----------
    removed
        How many secrets were removed, by place: ``header Authorization``, ``body password``, ``url token``.

    Examples
    --------
    >>> Redactor().headers({"Authorization": "Bearer 5c1e9a7b3d2f4e68"})
    {'Authorization': 'Bearer [secret opaque 16 #1]'}
    """

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self._key = secrets.token_bytes(16)
        self._numbers: dict[bytes, int] = {}

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return the exchange without secrets, in all of its parts; a marker that is already there stays."""
        return replace(
            exchange,
            url=exchange.url and self.url(exchange.url),
            request_headers=self.headers(exchange.request_headers),
            request_body=self.body(exchange.request_body),
            response_headers=self.headers(exchange.response_headers),
            response_body=self.body(exchange.response_body),
            text=exchange.text and self.text(exchange.text),
            failure=exchange.failure and self.text(exchange.failure),
        )

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with the value of each secret-bearing one marked; schemes and cookie names stay."""
        return {name: self._header(name, str(value)) for name, value in headers.items()}

    def url(self, url: str) -> str:
        """Return the URL with user info and secret query values marked."""
        url = _USERINFO.sub(lambda m: f"{m['head']}{self._mark(m['value'], 'url userinfo')}@", url)
        return self.text(url, place="url")

    def body(self, body: str | bytes | None) -> str | bytes | None:
        """Return the body with the values of secret keys, bearer values and JWTs marked; None and no-text stay."""
        if body is None or isinstance(body, str):
            return self.text(body, place="body") if body else body
        marked = self.text(body.decode("latin-1"), place="body")
        return marked.encode("latin-1", "replace")

    def text(self, text: str, *, place: str = "text") -> str:
        """Return any text without what looks like a secret."""
        if not _HINTS.search(text):
            return text
        text = _USERINFO.sub(lambda m: f"{m['head']}{self._mark(m['value'], f'{place} userinfo')}@", text)
        text = _JSON_VALUE.sub(lambda m: self._keyed(m, place), text)
        text = _FORM_VALUE.sub(lambda m: self._keyed(m, place), text)
        return _IN_TEXT.sub(lambda m: (m["scheme"] or "") + self._mark(m["value"] or m["jwt"], f"{place} bearer value"), text)

    def _header(self, name: str, value: str) -> str:
        lowered = name.strip("'\" ").lower()
        if lowered in {"cookie", "set-cookie"}:
            return self._cookies(name, value, first_only=lowered == "set-cookie")
        if lowered in {"authorization", "proxy-authorization"} or _SECRET_HEADER.fullmatch(lowered):
            return self._credential(name, value)
        return self.text(value, place=f"header {name}")

    def _credential(self, name: str, value: str) -> str:
        scheme = _SCHEME.match(value)
        head, rest = (value[: scheme.end()], value[scheme.end() :]) if scheme else ("", value)
        return head + self._mark(rest, f"header {name}")

    def _cookies(self, name: str, value: str, *, first_only: bool) -> str:
        parts = value.split(";")
        for i, part in enumerate(parts[:1] if first_only else parts):
            key, equals, secret = part.partition("=")
            if equals:
                parts[i] = f"{key}={self._mark(secret, f'header {name}')}"
        return ";".join(parts)

    def _keyed(self, match: re.Match[str], place: str) -> str:
        groups = match.groupdict()
        quote, bare = groups.get("vq") or "", groups.get("bare")
        value = bare if bare is not None else groups["value"]
        if bare is not None and bare.lower() in {"true", "false", "null"}:
            return match[0]
        scheme = _SCHEME.match(value)
        head = value[: scheme.end()] if scheme else ""
        marked = self._mark(value[len(head) :], f"{place} {match['name']}")
        closed = quote if match[0].endswith(quote) and match.end("value") < match.end() else ""
        return f"{match['head']}{quote}{head}{marked}{closed}"

    def _mark(self, value: str, place: str) -> str:
        bare = value.strip().strip("'\"“”‘’").strip()
        if MARKER.search(value) or _PLACEHOLDER.fullmatch(unquote(bare)):
            return value
        self.removed[place] += 1
        number = self._numbers.setdefault(hashlib.blake2b(bare.encode("utf-8", "replace"), key=self._key).digest(), len(self._numbers) + 1)
        kind, facts = _facts(bare)
        facts += _stray(value)
        return f"[secret {' '.join([kind, str(len(bare)), f'#{number}', *facts])}]"


def is_placeholder(value: str) -> bool:
    """
    Tell whether a value only stands for a secret: ``{token}``, ``$TOKEN``, ``YOUR_API_TOKEN``, ``<token>``.

    Examples
    --------
    >>> is_placeholder("{{token}}"), is_placeholder("5c1e9a7b3d2f4e68")
    (True, False)
    """
    return _PLACEHOLDER.fullmatch(unquote(value.strip())) is not None


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
    facts = dict(fact.partition("=")[::2] for fact in match["facts"].split())
    return {"kind": match["kind"], "length": match["length"], "number": match["number"], **facts}


def _facts(secret: str) -> tuple[str, list[str]]:
    if re.fullmatch(_JWT, secret):
        claims = _decoded(secret.split(".")[1])
        return "jwt", [f"{name}={value}" for name, value in (("expires", _instant(claims.get("exp"))), ("issuer", _word(claims.get("iss")))) if value]
    if re.fullmatch(r"[^\s:]+:[^\s:]*", secret) or ":" in _unbased(secret):
        return "pair", []
    return "opaque", []


def _stray(value: str) -> list[str]:
    quoted = re.search(r"['\"“”‘’]", value.strip()[:1] + value.strip()[-1:])
    spaces = ["leading-space"] * (value[:1].isspace()) + ["trailing-newline" if value[-1:] in "\r\n" else "trailing-space"] * (value[-1:].isspace())
    return ["quoted"] * bool(quoted) + spaces + ["inner-space"] * bool(re.search(r"\S\s+\S", value))


def _decoded(part: str) -> dict[str, Any]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _unbased(secret: str) -> str:
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
    return re.sub(r"[\s\[\]]", "", value)[:80] if isinstance(value, str) else ""
