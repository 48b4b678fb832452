"""
Secrets out where data enters: each is replaced by a marker that keeps the facts diagnosis needs.

A marker reads ``[secret KIND LENGTH #N FACTS]``: KIND is ``opaque``, ``jwt`` or ``pair``
(``id:secret``), LENGTH counts characters, the same secret has the same N within one `Redactor`,
FACTS are such as ``expires=...`` or ``quoted``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from typing import Any
from urllib.parse import quote, unquote

from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import WORD_FIELDS, Exchange
from sinchtools.core.variables import variables_of, with_variables
from sinchtools.privacy import seen
from sinchtools.privacy.markers import MARKER, facts_of, last_number, stray_of, unbased
from sinchtools.privacy.spans import (
    SCHEME,
    TOLD,
    header_kind,
    secret_variables,
    secrets_in,
    spans_in,
)
from sinchtools.privacy.unwrapping import unwrapped

_UNIT = {"utf-16": 2, "utf-32": 4}  # bytes
_ECHOING = (
    *WORD_FIELDS,
    "variables_not_shown",
    "url",
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",
)
_PARTS = attrgetter(*_ECHOING)
_SIGN = re.compile(
    r"[=:>%\"'“”(\s+]|eyJ"
)  # a text without any of these holds no secret that could be told from a word
_SHORTEST_COOKIE, _MOST_ECHOES = 16, 500
_SMALL_PIECE = 200_000
_UNRESERVED = re.compile(r"[\w.~-]+", re.ASCII)
_JSON_NUMBER, _JSON_KEY_ENDS = (
    re.compile(r"-?\d+(?:\.\d+)?"),
    re.compile(r"(?<!\\)\"\s*:\s*\Z"),
)  # the marker of a number is a string
_USER_CUT_OFF = re.compile(
    r"(?P<before>[a-z]+://[^\s/@:?#]+:)(?P<value>(?!\d+$)[^\s/@?#]{8,})", re.IGNORECASE
)


class Redactor:
    """
    Removes the secrets of one reading and remembers which of them were the same.

    The secrets themselves are not kept.

    Parameters
    ----------
    taken
        Numbers that other secrets have already: the first one here gets the next.
    waits
        Leave what is quoted from elsewhere to `without_quotes`, which is called when all is read.

    Attributes
    ----------
    removed
        How many secrets were removed, by place: ``header Authorization``, ``body password``, ``url
        token``.
    kept
        Their digests: all that is left of them, and by which they are found wherever else they are
        quoted.

    Examples
    --------
    >>> Redactor().headers({"Authorization": "Bearer 5c1e9a7b3d2f4e68"})
    {'Authorization': 'Bearer [secret opaque 16 #1]'}
    """

    def __init__(self, taken: int = 0, *, waits: bool = False) -> None:
        self.removed: Counter[str] = Counter()
        self.kept: set[seen.Digest] = set()
        self._waits = waits
        self._taken = taken
        self._key = secrets.token_bytes(16)
        self._numbers: dict[bytes, int] = {}
        self._marks: dict[bytes, str] = {}
        # `met`: the secrets of the exchange at hand, forgotten after it; several threads may send
        # at once
        self._local = threading.local()
        self._clean: set[str] = (
            set()
        )  # short texts without a secret, as header values are: they come again and again
        self._quotes_none: set[str] = set()  # the same, for what is quoted; once all is read

    def exchange(self, exchange: Exchange, known: Collection[str] = ()) -> Exchange:
        """
        Return the exchange without secrets, in all of its parts.

        `known` are values that the evidence itself calls secret.
        """
        self._local.met = met = set[str]()
        try:
            marked = self._without_echoes(self._marked(exchange, known), met)
        finally:
            self._local.met = None
        return marked if self._waits else self.without_quotes(marked)

    def without_quotes(self, exchange: Exchange) -> Exchange:
        """
        Return the exchange without the secrets that were removed elsewhere.

        They were in another row, or in other evidence.
        """
        texts = list(_texts_of(exchange))
        is_wide = any(
            type(body) is bytes and b"\0" in body
            for body in (exchange.request_body, exchange.response_body)
        )
        if not is_wide and not self._may_quote(texts):
            return exchange
        if not self._waits:
            self._taken = max(self._taken, last_number("\n".join(texts)))
        return replace(
            exchange, **{name: self._unquoted(getattr(exchange, name)) for name in _ECHOING}
        )

    def _may_quote(self, texts: list[str]) -> bool:
        fresh = [text for text in texts if text not in self._quotes_none]
        joined = "\n".join(fresh)
        if not seen.may_be_in(joined):
            return False
        if next(seen.spans(joined), None) is not None:
            return True
        if self._waits and len(self._quotes_none) < 10_000:
            self._quotes_none.update(text for text in fresh if len(text) < 200)
        return False

    def unquoted(self, text: str) -> str:
        """Return a text without the secrets that were removed elsewhere."""
        parts, at = [], 0
        for start, end in seen.spans(text):
            parts += [text[at:start], self._mark(text[start:end], "echo")]
            at = end
        return "".join((*parts, text[at:])) if parts else text

    def _unquoted(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.unquoted(text) for name, text in value.items()}
        if isinstance(value, bytes):
            return _in_any_encoding(value, self.unquoted)
        return value and self.unquoted(value)

    def _marked(self, exchange: Exchange, known: Collection[str]) -> Exchange:
        words: dict[str, Any] = {
            name: self.text(value) for name in WORD_FIELDS if (value := getattr(exchange, name))
        }
        url = exchange.url or ""
        for secret in known:
            url = url.replace(f"={secret}", f"={self._mark(secret, 'url')}") if secret else url
        marked = replace(
            exchange,
            url=exchange.url and self.url(url),
            request_headers=self.headers(exchange.request_headers, known),
            request_body=self.body(exchange.request_body),
            response_headers=self.headers(exchange.response_headers),
            response_body=self.body(exchange.response_body),
            **words,
        )
        return with_variables(marked, variables_of(marked))  # what still stands in the request

    def _without_echoes(self, exchange: Exchange, secrets_met: Collection[str]) -> Exchange:
        """
        Mark what was a secret in one place wherever else it stands.

        An API may quote the token that it refuses.
        """
        met = sorted(secrets_met, key=lambda value: (-len(value), value))[:_MOST_ECHOES]
        marks = {form: self._marker(value) for value in met for form in _forms(value)}
        if not marks:
            return exchange
        texts = "\n".join(_texts_of(exchange))
        if not any(form in texts for form in marks):
            return exchange
        found = {name: _swapped(getattr(exchange, name), marks) for name in _ECHOING}
        changed: dict[str, Any] = {
            name: value for name, value in found.items() if value != getattr(exchange, name)
        }
        if changed:
            self.removed["echo"] += len(changed)
        return replace(exchange, **changed) if changed else exchange

    def prepared(self, text: str) -> str:
        """
        Return a whole piece of evidence with each secret on one line.

        From now on these secrets are searched for, even if no row has them.
        """
        text = unwrapped(text)
        found = list(secrets_in(text)) if len(text) <= _SMALL_PIECE else []
        found += (
            [("variable", text[start:end]) for start, end in secret_variables(text)]
            if "@" in text
            else []
        )
        for name, value in found:
            self.kept.update(*map(seen.remember, _worth_a_look(value, name)))
        return text

    def headers(self, headers: Mapping[str, str], known: Collection[str] = ()) -> dict[str, str]:
        """
        Return the headers with the value of each secret-bearing one marked.

        Schemes and cookie names stay.
        """
        return {
            name: self._credential(name, value)
            if value in known
            else self._header(name, str(value))
            for name, value in headers.items()
        }

    def url(self, url: str) -> str:
        """Return the URL with user info and secret query values marked."""
        cut = _USER_CUT_OFF.fullmatch(url)
        return (
            self.text(url, place="url")
            if cut is None
            else cut["before"] + self._mark(cut["value"], "url userinfo")
        )

    def body(self, body: str | bytes | None) -> str | bytes | None:
        """
        Return the body with the values of secret keys, bearer values and JWTs marked.

        None and a body that is not text stay.
        """
        if body is None or isinstance(body, str):
            return self.text(body, place="body") if body else body
        return _in_any_encoding(body, lambda text: self.text(text, place="body"))

    def text(self, text: str, *, place: str = "text") -> str:
        """Return any text without what looks like a secret or was removed elsewhere."""
        marked = self._without_named(text, place)
        is_looked_at_later = self._waits or getattr(self._local, "met", None) is not None
        return marked if is_looked_at_later else self.unquoted(marked)

    def _without_named(self, text: str, place: str) -> str:
        if text in self._clean or (len(text) < 200 and _SIGN.search(text) is None):
            return text
        parts: list[str] = []
        at = 0
        for start, end, name in spans_in(text):
            marked = self._mark(text[start:end], f"{place} {name}")
            number = _JSON_NUMBER.fullmatch(text, start, end) and _JSON_KEY_ENDS.search(
                text, max(0, start - 9), start
            )
            parts += (text[at:start], f'"{marked}"' if number else marked)
            at = end
        if not parts and len(text) < 200 and len(self._clean) < 10_000:
            self._clean.add(text)
        return "".join((*parts, text[at:])) if parts else text

    def _header(self, name: str, value: str) -> str:
        kind = header_kind(name)
        if kind == "cookie":
            return self._cookies(name, value, first_only="set-cookie" in name.lower())
        return (
            self._credential(name, value)
            if kind == "credential"
            else self.text(value, place=f"header {name}")
        )

    def _credential(self, name: str, value: str) -> str:
        scheme = SCHEME.match(value)
        head, rest = (value[: scheme.end()], value[scheme.end() :]) if scheme else ("", value)
        return head + self._mark(rest, f"header {name}")

    def _cookies(self, name: str, value: str, *, first_only: bool) -> str:
        if first_only:
            cookies = re.split(r"(,\s*|\n)(?=[^;,=\s]+=)", value)
            return "".join(
                part if i % 2 else self._cookie(name, part) for i, part in enumerate(cookies)
            )
        return ";".join(self._cookie(name, part) for part in value.split(";"))

    def _cookie(self, name: str, cookie: str) -> str:
        pair, semicolon, attributes = cookie.partition(";")
        key, equals, secret = pair.partition("=")
        mark = self._mark(secret if equals else "", f"header {name}") if secret else ""
        return f"{key}{equals}{mark}{semicolon}{attributes}"

    def _mark(self, value: str, place: str) -> str:
        known = len(self._marks)
        marker = self._marker(value)
        if not marker:
            return value
        self.removed[place] += 1
        met, is_new = getattr(self._local, "met", None), len(self._marks) > known
        if met is not None or is_new:
            worth = set(_worth_a_look(value, place))
            if met is not None:
                met |= worth
            if is_new:
                self.kept.update(*map(seen.remember, worth))
        return marker

    def _marker(self, value: str) -> str:
        """
        Return what stands for a secret, empty for a placeholder.

        It is computed once and kept under its digest.
        """
        digest = self._digest(value)
        if digest not in self._marks:
            self._marks[digest] = self._made_marker(value)
        return self._marks[digest]

    def _made_marker(self, value: str) -> str:
        bare = value.strip().strip("'\"“”‘’").strip()
        if MARKER.search(value) or is_placeholder(bare):
            return ""
        number = self._numbers.setdefault(self._digest(bare), self._taken + len(self._numbers) + 1)
        kind, facts = facts_of(bare)
        return (
            f"[secret {' '.join([kind, str(len(bare)), f'#{number}', *facts, *stray_of(value)])}]"
        )

    def _digest(self, value: str) -> bytes:
        return hashlib.blake2b(
            value.encode("utf-8", "replace"), key=self._key, digest_size=16
        ).digest()


def _forms(value: str) -> set[str]:
    """Return how a value may be written in a URL or a form."""
    return (
        {value}
        if _UNRESERVED.fullmatch(value)
        else {value, unquote(value), quote(value, safe="", errors="replace")}
    )


def _worth_a_look(value: str, place: str) -> Iterator[str]:
    """Yield what a response may quote of a secret: all of it, or the password of a pair."""
    bare = value.strip().strip("'\"“”‘’").strip()
    for part in (
        () if "://" in bare else (bare, bare.partition(":")[2], unbased(bare).partition(":")[2])
    ):
        if len(part) >= (_SHORTEST_COOKIE if "cookie" in place.lower() else 0) and TOLD.fullmatch(
            part
        ):
            yield part


def _texts_of(exchange: Exchange) -> Iterator[str]:
    for value in _PARTS(exchange):
        if isinstance(value, str):
            yield value
        elif value:
            yield from (
                value.values() if isinstance(value, Mapping) else [value.decode("utf-8", "replace")]
            )


def _swapped(old: Any, marks: Mapping[str, str]) -> Any:
    if isinstance(old, Mapping):
        return {name: _swapped(value, marks) for name, value in old.items()}
    for value, marker in marks.items() if old else ():
        if isinstance(old, bytes):
            old = old.replace(value.encode("utf-8", "replace"), marker.encode())
        elif value in old:
            old = old.replace(value, marker)
    return old


def _in_any_encoding(body: bytes, rewrite: Callable[[str], str]) -> bytes:
    for encoding in _encodings(body):
        size = len(body) - len(body) % _UNIT.get(encoding[:6], 1)  # half a character stays
        with suppress(UnicodeDecodeError):
            text = body[:size].decode(encoding)
            new = rewrite(text)
            body = body if new == text else new.encode(encoding, "replace") + body[size:]
    return body


def _encodings(body: bytes) -> list[str]:
    """Return what bytes may be: they may only look like one of them."""
    wide = ["utf-32"] if body[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") else []
    if b"\0\0\0" in body[:8]:
        wide += ["utf-32-le", "utf-32-be"]
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        wide += ["utf-16"]
    return ["latin-1", *wide, "utf-16-le", *(["utf-16-be"] if b"\0" in body[:8] else [])]


def without_quotes(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """
    Return exchanges without the secrets that were removed elsewhere.

    They may have been removed after these were read.
    """
    redactor = Redactor()
    return [redactor.without_quotes(exchange) for exchange in exchanges]
