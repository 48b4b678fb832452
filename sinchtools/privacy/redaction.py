"""
Secrets out where data enters: each is replaced by a marker that keeps the facts diagnosis needs.

A marker reads ``[secret KIND LENGTH #N FACTS]``: KIND is ``opaque``, ``jwt`` or ``pair``
(``id:secret``), LENGTH counts characters, the same secret has the same N within one `Redactor`,
FACTS are such as ``expires=...`` or ``quoted``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from urllib.parse import quote, unquote

from sinchtools.core.placeholders import bracketed, is_placeholder
from sinchtools.core.records import Exchange
from sinchtools.privacy import seen

MARKER = re.compile(
    r"\[secret (?P<kind>opaque|jwt|pair) (?P<length>\d+) #(?P<number>\d+)(?P<facts>[^\[\]]*)\]"
)
_JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]*"
# what a name may go on with: which one of several it is, or where it is used
_OF_SEVERAL = (
    r"(?:[_.-]?(?:value|val|string|prod(?:uction)?|stag(?:e|ing)|dev|live|test|sandbox|qa|uat|old"
    r"|new|current|backup|hint"
    r"|primary|secondary|default|local|eu|us|\d{1,3}+))*+"
)
_SECRET_NAME = re.compile(
    rf"(?:[\w.-]*token|[\w.-]*(?:secret|passw(?:or)?d|passwd|passphrase|pwd|private[_-]?key"
    rf"|credential)s?|(?:[\w.-]*[_.-])?pass|[\w.-]*api[_-]?key"
    rf"|[\w.-]*(?:app|application|auth|access|admin|master|subscription|function|secret|shared"
    rf"|signing|encryption)s?[_-]?key){_OF_SEVERAL}"
    r"|(?:[\w.-]*[_.-])?(?:tok|tkn)\d?|(?:x-|proxy-)?auth(?:entication|orization)?|(?:x-)?jwt"
    r"|(?:x-)?session|(?:[\w.-]*[_.-])?assertion|(?:x-)?(?:bearer|sig|cookie)"
    r"|(?:x-[\w-]+-)?signature"
    r"|[\w.-]*session[_-]?(?:id|key)|set-cookie|[\w-]*-signature-\w+|pw|(?:[\w.-]*[_.-])?hmac",
    re.IGNORECASE,
)
_PLURAL = re.compile(
    r"(?P<one>[\w.-]*(?:token|api[_-]?key))s", re.IGNORECASE
)  # also how many there are: its values must be told from words
_SECRET_HEADER = re.compile(
    rf"{_SECRET_NAME.pattern}|[\w-]*signature(?:-\w+)?|x-[cx]srf[\w-]*|x-vault-[\w-]+"
    rf"|x-goog-iam-\w+|x-amz-security-token|ocp-apim-\w+",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(\s*+(?:['\"]\s*+)?)(bearer|basic|token|apikey|digest|negotiate|application|jwt)((?:\s+"
    r"|:\s*))",
    re.IGNORECASE,
)
# a secret in a text stands after its name: these few letters are looked for first, since the
# patterns are slow on a large body
NEEDLES = (
    "tok", "tkn", "secret", "pass", "pwd", "key", "credential", "auth", "jwt",
    "session", "assertion", "sig", "cookie", "bearer", "basic", "eyj", "@",
    "hmac", "pw", "sid=", "hooks",
)  # fmt: skip
_UNIT = {"utf-16": 2, "utf-32": 4}  # bytes
_WORD_FIELDS = (
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
_QUERY_NAMES = {"key", "sid"}  # too common elsewhere
_ECHOING = (
    *_WORD_FIELDS,
    "url",
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",
)
_PARTS = attrgetter(*_ECHOING)
_LONGEST_NAME = 64
_NAME_REST = re.compile(r"[\w-]{0,130}")
# what stands between a name and its value: a colon or an equals sign; a sibling called value; a
# part of a multipart form; a tag; a table's line
_THEN = re.compile(
    r"(?P<named>\\*+[\"']\s*+[,;]?\s*+\\*[\"']?(?:value|val)\\*[\"']?\s*+[:=]\s*+(?=\\*[\"']))"
    r"|(?P<form>\"[^\r\n]{0,300}+\r?\n(?:[A-Z][\w-]{0,60}:[^\r\n]{0,300}+\r?\n){0,20}\r?\n)"
    r"|(?P<sign>(?:\\*[\"'“”])?(?:\]\s*(?:=>|=)|\s*(?:=>|:=|[:=]|%3D))\s*)"
    r"|(?P<tag>>)|(?P<cell>`?[ \t]*\|[ \t]*`?(?=[^|\s]*\d)(?=[^|\s]{8}))",
    re.IGNORECASE,
)
_SIGN = re.compile(
    r"[=:>%\"'“”(\s+]|eyJ"
)  # a text without any of these holds no secret that could be told from a word
_QUOTE = re.compile(r"(?:(?:[rbfuRBFU]{1,2}|[@$])(?=[\"']))?(?P<slashes>\\*)(?P<quote>[\"'“])")
_CELL = re.compile(r"[^\s|`]+")
_BARE = re.compile(r"[^\s,;}\]\"'\[<>(){&\\]+")
_FORM_VALUE = re.compile(r"[^\s&\"'#<>\\]+")
_SPOKEN_NAME = re.compile(r"(?:[\w-]*[_-])?(?:token|secret|password|passwd|key)", re.IGNORECASE)
_SPOKEN = re.compile(
    r" (?=[A-Za-z_-]*\d)(?P<value>[\w-]{16,}+)(?!\.\w)", re.ASCII
)  # `token 5c1e9a7b3d2f4e68 is not valid`
# `Token 'X' is invalid`, `the token is X`, `Token(X)`, `the token, X, fails`; X must look like one
_SAID = re.compile(
    r"(?P<is>[ \t]+(?:is|was|are|of|header|value|returned|named)\b)*"
    r"(?P<then>[ \t]*(?:[:=]|,(?=[ \t])|->|=>|→)|\r?\n)?[ \t]*"
    r"(?:[rbfu]?(?P<open>\\*[\"']|[`“‘(\[<]|\(\s?[rbfu]?[\"']))?"
    r"(?P<value>[^\s\"'`“”‘’()\[\]<>{},;\\]{8,}+)(?P<close>[\"'`”’)\]>\\])?",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"\d{4}-\d\d-\d\d|.*://|[\w-]+(?:\.[a-z]{2,})+(?:[:/]|\Z)", re.IGNORECASE)
_TURN = re.compile(r"(?<=[A-Za-z])[-_.]?\d|(?<=\d)[-_.]?[A-Za-z]")
_NO_CREDENTIAL = re.compile(
    r"(?:unexpected|unrecognized|unknown|illegal)[ \t]+\Z", re.IGNORECASE
)  # token: one of JSON
_SAID_NAME = re.compile(
    r"(?:[\w.-]*(?:token|secret|api[_-]?key|passw(?:or)?d|passwd|pwd|passphrase))|authorization",
    re.IGNORECASE,
)
_WHICH_KEY = re.compile(r"(?:api|auth|secret|access|private|shared|signing)[ \t]\Z", re.IGNORECASE)
_PASSWORD = re.compile(r".*(?:passw(?:or)?d|passwd|pwd|passphrase)", re.IGNORECASE)
_NEXT = re.compile(
    r"\\*[\"']\s*,\s*(?=[rbfu]{0,2}\\*[\"'])"
)  # `Add("X-Api-Key", "X")`, `('Authorization', b'X')`
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<value>(?:(?!-----)[^\"'<])*)"
)
# a value that a mail or a terminal broke into lines goes on in the next one, which then holds
# nothing else
_MORE = re.compile(
    r"(?:[\\^`]\r?\n(?P<sure>)|=?[ \t]*\r?\n)(?P<indent>[>|< \t]{0,20})(?P<more>[\w.~+/-]+={0,2})"
    r"(?:(?(sure)|(?!))|(?=[;,\"'][^\n]*$|(?P<http>[ \t]+HTTP/\d)|[ \t\r]*$))",
    re.ASCII | re.MULTILINE,
)
_HEADER_START = re.compile(r"[>|<* \t]*[A-Za-z][\w-]{0,60}[ \t]*:[ \t]")
_BREAK = re.compile(r"[=\\^`]?[ \t]*\r?\n[>|< \t]*")
_WORD_ALONE = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{4,}")
_SCHEMES = "bearer|basic|token|apikey|digest|negotiate|jwt"
_SOFT_BREAKS = tuple(f"{sign}{line_end}" for sign in "\\^`" for line_end in ("\n", "\r\n"))
_GOES_ON = re.compile(  # whether any value may
    rf"\n[>|< \t]{{0,20}}(?:(?i:{_SCHEMES})[ \t]+)?[\w.~+/-]+={{0,2}}"
    r"(?:[;,\"']|[ \t]+HTTP/\d|[ \t\r]*(?:\n|\Z))"
)
_EMPTY_HEAD = re.compile(  # its value is in the next line
    rf"^(?P<head>[>|<* \t]*(?P<name>[\w-]{{1,60}})[ \t]*:[ \t]*+(?:{_SCHEMES})?)[ \t]*\r?\n"
    rf"[>|< \t]*(?P<value>(?:(?:{_SCHEMES})[ \t]+)?[\w.~+/=-]{{8,}}[ \t\r]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_COOKIE_LINES = re.compile(
    r"^[>|<* \t]*(?:set-)?cookie[ \t]*:[^\n]*"
    r"(?:\n[>|< \t]*(?:[\w.-]+=[^\n:{]*(?:;[^\n]*|$)"
    r"|(?:expires|path|domain|max-age|secure|httponly|samesite)\b[^\n]*))+",
    re.IGNORECASE | re.MULTILINE,
)
_RUN_ALONE = re.compile(r"[^\s\"'<>{}]*")
_QUOTED_PRINTABLE = re.compile(r"=3D|quoted-printable", re.IGNORECASE)
# of a file for an HTTP client: `@tok = X`
_VARIABLE = re.compile(
    r"^@(?P<name>[\w.-]+)[ \t]*=[ \t]*(?P<value>[^\s{](?:[^\r\n]*[^\s])?)[ \t\r]*$", re.MULTILINE
)
_USED = re.compile(r"^(?P<header>[\w-]+)[ \t]*:[^\n{]*\{\{\s*(?P<name>[\w.-]+)", re.MULTILINE)
_COMMON = {  # a plain one is in all JSON
    "key": re.compile(
        r"(?<=[^\W\d]|[-?&])key|key [\w-]{16}|(?<=api |uth |ret |ess |ate |red |ing )key"
    ),
    "pw": re.compile(r"pw[=\"'\\:> ]"),
}
_LIST = re.compile(  # of words without white space; a sentence is what a server says about a field
    r"\[\s*+[rbfu]?(?P<quote>\\*+[\"'])(?P<value>[^\s\"'\\\[\]{}]++(?:(?P=quote)\s*+,\s*+(?P=quote)[^\s\"'\\\[\]{}]++)*+)(?=(?P=quote))"
)
_HOOK = re.compile(
    r"hooks(?:\.slack\.com/(?:services|workflows|triggers)/|\.zapier\.com/hooks/catch/"
    r"|/\d{10,}/)(?P<value>[\w/-]{8,})",
    re.IGNORECASE,
)
_OF_TWO = re.compile(r"(?:auth|credentials?)\Z", re.IGNORECASE)
_TWO_OF_AUTH = re.compile(
    r"[\w.]{0,40}\(\s*(?P<quote>['\"])[^'\"\n]{0,200}(?P=quote)\s*,\s*(?=['\"])"
)  # `auth=("key", "secret")`
_AFTER_SCHEME = re.compile(
    r"(?:\s+|%20|\+)(?:[\"']\s*(?:\+\s*)?[rbfu]?[\"'])?(?P<value>[^\s\"'\\,;)}\]<>&]{8,})"
)
# from a word, a number, a date, an address: where it stands once more, it is the same secret
_TOLD = re.compile(
    r"(?!\d{4}-\d\d-\d\dT)(?:(?=.*[A-Za-z])(?=.*[\d$@#%^&*=+~]).{8,}|[A-Za-z]{20,})", re.DOTALL
)
_SHORTEST_COOKIE, _MOST_ECHOES = 16, 500
_SMALL_PIECE = 200_000
_UNRESERVED = re.compile(r"[\w.~-]+", re.ASCII)
_JSON_NUMBER, _JSON_KEY_ENDS = (
    re.compile(r"-?\d+(?:\.\d+)?"),
    re.compile(r"(?<!\\)\"\s*:\s*\Z"),
)  # the marker of a number is a string
_JWT_RUN = re.compile(
    r"eyJ[\w-]++(\.[\w-]++\.[\w-]*+)?"
)  # a run that is no JWT is passed over whole: looking from each of its letters takes forever
_USER = re.compile(
    r"://(?P<value>[^\s/@?#\"'<>]*:[^\s/?#\"'<>@]*"
    r"|(?=[\w.~-]*\d)(?=[\w.~-]*[A-Za-z])[\w.~-]{16,})\Z"
)
_USER_OPTION = re.compile(  # of curl
    r"(?<![\w-])(?:-[uU]|--(?:proxy-)?user)(?:\s+|="
    r"|(?=\\*[\"']))\\*[\"']?(?P<value>(?!\w+://)[\w.@+-]+:(?:(?![\"'\\|])[!-~]){6,})",
    re.ASCII,
)
_OPTION_VALUE = re.compile(r"(?:(?![\"'\\|])[!-~])+")
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
        if not seen.may_be_in("\n".join(texts)):
            return False
        fresh = [text for text in texts if text not in self._quotes_none]
        if next(seen.spans("\n".join(fresh)), None) is not None:
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
            name: self.text(value) for name in _WORD_FIELDS if (value := getattr(exchange, name))
        }
        url = exchange.url or ""
        for secret in known:
            url = url.replace(f"={secret}", f"={self._mark(secret, 'url')}") if secret else url
        return replace(
            exchange,
            url=exchange.url and self.url(url),
            request_headers=self.headers(exchange.request_headers, known),
            request_body=self.body(exchange.request_body),
            response_headers=self.headers(exchange.response_headers),
            response_body=self.body(exchange.response_body),
            **words,
        )

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
            [("variable", text[start:end]) for start, end in _secret_variables(text)]
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
        for start, end, name in _spans(text):
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
        kind = _header_kind(name)
        if kind == "cookie":
            return self._cookies(name, value, first_only="set-cookie" in name.lower())
        return (
            self._credential(name, value)
            if kind == "credential"
            else self.text(value, place=f"header {name}")
        )

    def _credential(self, name: str, value: str) -> str:
        scheme = _SCHEME.match(value)
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
        kind, facts = _facts(bare)
        return f"[secret {' '.join([kind, str(len(bare)), f'#{number}', *facts, *_stray(value)])}]"

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
    """Yield what an answer may quote of a secret: all of it, or the password of a pair."""
    bare = value.strip().strip("'\"“”‘’").strip()
    for part in (
        () if "://" in bare else (bare, bare.partition(":")[2], _unbased(bare).partition(":")[2])
    ):
        if len(part) >= (_SHORTEST_COOKIE if "cookie" in place.lower() else 0) and _TOLD.fullmatch(
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


def unwrapped(text: str) -> str:
    r"""
    Return a text in which each secret is on one line.

    A mail, a terminal or a folded header may have broken it.

    Examples
    --------
    >>> unwrapped("Authorization: Bearer 5c1e9a7b\n 3d2f4e68\nAccept: */*")
    'Authorization: Bearer 5c1e9a7b3d2f4e68\nAccept: */*'
    """
    if "=\n" in text.replace("\r", "") and _QUOTED_PRINTABLE.search(text):
        text = re.sub(r"=\r?\n", "", text).replace("=3D", "=").replace("=3d", "=")
    if "ookie" in text:
        text = _COOKIE_LINES.sub(lambda lines: re.sub(r"[ \t]*\r?\n[>|< \t]*", " ", lines[0]), text)
    if not (_GOES_ON.search(text) or any(sign in text for sign in _SOFT_BREAKS)):
        return text
    text = _EMPTY_HEAD.sub(_filled_head, text)
    parts, at = [], 0
    for start, end, _ in _spans(text):
        if "\n" in text[start:end] and all(
            map(_RUN_ALONE.fullmatch, _BREAK.split(text[start:end])[1:])
        ):
            parts += [text[at:start], _BREAK.sub("", text[start:end])]
            at = end
    return "".join((*parts, text[at:])) if parts else text


def _filled_head(head: re.Match[str]) -> str:
    is_secret = _header_kind(head["name"]) and (
        " " in head["value"].strip() or _TOLD.fullmatch(head["value"].strip())
    )
    return f"{head['head'].rstrip()} {head['value']}" if is_secret else head[0]


def secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield each secret that a text still holds, with its name.

    Markers and placeholders are not secrets.

    Examples
    --------
    >>> list(secrets_in('{"password": "hunter22", "token": "[secret opaque 9 #1]"}'))
    [('password', 'hunter22')]
    """
    for start, end, name in _spans(text):
        value = text[start:end]
        if not MARKER.search(value) and not is_placeholder(value.strip().strip("'\"“”‘’").strip()):
            yield name, value


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
    facts = dict(fact.partition("=")[::2] for fact in match["facts"].split())
    return {"kind": match["kind"], "length": match["length"], "number": match["number"], **facts}


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    lowered = text.replace("İ", "I").lower()
    hits: list[tuple[int, str]] = []
    if "eyj" in lowered:
        hits += [(match.start(), "eyj") for match in _JWT_RUN.finditer(text) if match[1]]
    if lowered[:1] == "@" or "\n@" in lowered:
        hits += [(start, "@=") for start, _ in _secret_variables(text)]
    if "private key" in lowered:
        hits += [(match.start("value"), "-----") for match in _KEY_BLOCK.finditer(text)]
    if "-u" in lowered:
        hits += [(match.start("value"), "-u") for match in _USER_OPTION.finditer(text)]
    for needle in NEEDLES:
        if needle == "eyj":
            continue
        common = _COMMON.get(needle)
        at = lowered.find(needle) if needle != "@" or "://" in lowered else -1
        while at >= 0:
            if common is None or common.match(lowered, at):
                hits.append((at, needle))
            at = lowered.find(needle, at + 1)
    done = 0
    for at, needle in sorted(hits):
        span = _FINDERS.get(needle, _named)(text, at) if at >= done else None
        if span and span[1] > span[0] >= done:
            yield span
            done = span[1]


def _named(text: str, at: int) -> tuple[int, int, str] | None:
    end = _NAME_REST.match(text, at).end()  # type: ignore[union-attr]
    then = _THEN.match(text, end)
    start = at
    while (
        start
        and at - start < _LONGEST_NAME
        and (text[start - 1].isalnum() or text[start - 1] in "_-.")
    ):
        start -= 1
    name = text[start:end].lstrip("-.")
    if then is None:
        return _next_to(text, start, end) or _spoken(text, start, end, name)
    is_known = _is_secret_name(name) or (name.lower() in _QUERY_NAMES and _in_query(text, start))
    is_plural = not is_known and _PLURAL.fullmatch(name) is not None
    if end - start > 2 * _LONGEST_NAME or not (is_known or is_plural):
        return None
    if (then["tag"] and text[start - 1 : start] not in ("<", ":")) or (
        then["form"] and not text.endswith('name="', 0, start)
    ):
        return None
    if then["cell"] and not text[max(0, start - 9) : start].rstrip(" \t`*").endswith("|"):
        return None
    if _OF_TWO.search(name) and (two := _TWO_OF_AUTH.match(text, then.end())):
        quote = text[two.end()]
        return two.end() + 1, _closing(text, two.end() + 1, "", quote), text[start:end].lower()
    span = _value(text, then, in_form=text[start - 1 : start] in ("&", "?", "") and "=" in then[0])
    if span is None or (
        is_plural and not any(map(_TOLD.fullmatch, re.split(r"[\s\"',]+", text[slice(*span)])))
    ):
        return None
    return *span, text[start:end].lower()


def _next_to(text: str, start: int, end: int) -> tuple[int, int, str] | None:
    """Return the value that follows a name in a list or a call: ``Add("X-Api-Key", "X")``."""
    name, then = text[start:end].lower(), _NEXT.match(text, end)
    quote = (
        then
        and text[start - 1 : start] in ("'", '"')
        and _header_kind(name)
        and _QUOTE.match(text, then.end())
    )
    if not quote:
        return None
    start, end = quote.end(), _closing(text, quote.end(), quote["slashes"], quote["quote"])
    scheme = _SCHEME.match(text, start, end)
    start = scheme.end() if scheme else start
    is_one = "cookie" in name or not re.search(r"\s", text[start:end])
    return (start, end, name) if is_one and _TOLD.fullmatch(text, start, end) else None


def _spoken(text: str, start: int, end: int, name: str) -> tuple[int, int, str] | None:
    """Return the value that a sentence gives after a name: ``Token 'X' is invalid``."""
    if (plain := _SPOKEN.match(text, end)) and _SPOKEN_NAME.fullmatch(name):
        return plain.start("value"), _over_lines(text, plain.end("value")), name.lower()
    is_key = name.lower() == "key" and _WHICH_KEY.search(text, max(0, start - 10), start)
    if not (is_key or _SAID_NAME.fullmatch(name)) or _NO_CREDENTIAL.search(
        text, max(0, start - 14), start
    ):
        return None
    said = _SAID.match(text, end)
    if said is None or _NO_SECRET.match(said["value"]):
        return None
    start, end = said.start("value"), said.start("value") + len(said["value"].rstrip(".:!?"))
    end = end if said["open"] else _over_lines(text, end)
    return (
        (start, end, name.lower())
        if _looks_secret(said, _BREAK.sub("", text[start:end]), name)
        else None
    )


def _looks_secret(said: re.Match[str], value: str, name: str) -> bool:
    turns = len(_TURN.findall(value))
    is_password = _PASSWORD.fullmatch(name) is not None and _TOLD.fullmatch(value) is not None
    if said["open"] and said["close"] and said["open"][-1] not in "([<":
        return turns > 1 or is_password
    if said["then"] and said["then"].endswith("\n"):
        return (
            turns > 2
            and len(value) >= 16
            and said.string[said.end("value") : said.end("value") + 1] in ("", "\r", "\n")
        )
    is_apart = said["open"] or said["is"] or said["then"] or (turns > 3 and said[0][:1] in " \t")
    return bool(is_apart) and (
        (turns > 2 and len(value) >= 16) or (is_password and said["is"] is not None)
    )


def _in_query(text: str, start: int) -> bool:
    mark = text.rfind("?", max(0, start - 400), start)
    return mark >= 0 and text[start - 1] in "?&" and not re.search(r"[\s\"'<>]", text[mark:start])


def _value(text: str, then: re.Match[str], *, in_form: bool) -> tuple[int, int] | None:
    start = then.end()
    if then["form"] or then["tag"]:
        stop = re.compile(r"\r?\n--" if then["form"] else "<").search(text, start)
        return start, stop.start() if stop else len(text)
    quote = _QUOTE.match(text, start)
    if quote:
        start = quote.end()
        end = _closing(
            text, start, quote["slashes"], "”" if quote["quote"] == "“" else quote["quote"]
        )
        scheme = _SCHEME.match(text, start, end)
        return (scheme.end() if scheme else start), end
    if listed := _LIST.match(text, start):
        return listed.span("value")
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    bare = (_CELL if then["cell"] else _FORM_VALUE if in_form else _BARE).match(text, start)
    if (
        bare is None
        or bare[0].lower() in ("true", "false", "null", "none", "undefined")
        or text.startswith("[secret ", start)
    ):
        return None
    return start, bare.end() if then["cell"] else _over_lines(text, bare.end())


def _over_lines(text: str, end: int) -> int:
    """Return where a value ends that was broken into lines."""
    while (more := _MORE.match(text, end)) and _goes_on(text, end, more):
        end = more.end("more")
    return end


def _goes_on(text: str, end: int, more: re.Match[str]) -> bool:
    begin = text.rfind("\n", 0, end) + 1
    is_soft = text[end - 1 : end] == "=" or more[0][0] in "=\\^`"
    has_digit = any(map(str.isdigit, more["more"]))
    is_folded = len(more["indent"]) > len(text[begin:end]) - len(text[begin:end].lstrip(">|< \t"))
    if _WORD_ALONE.fullmatch(more["more"]) and not is_soft and not is_folded:
        return False
    is_random = len(_TURN.findall(more["more"])) > 2 or (has_digit and len(more["more"]) >= 16)
    is_header = has_digit and _HEADER_START.match(text, begin) is not None
    return (
        is_soft
        or is_folded
        or is_header
        or end - begin >= 60
        or is_random
        or more["http"] is not None
    )


def _closing(text: str, start: int, slashes: str, quote: str) -> int:
    end = re.compile(
        rf"(?<!\\){re.escape(slashes)}{quote}"
        if slashes
        else rf"(?:[^{quote}\\]|\\.)*+(?={quote})",
        re.DOTALL,
    )
    match = end.search(text, start) if slashes else end.match(text, start)
    if match is None:
        return len(text)
    return match.start() if slashes else match.end()


def _after_scheme(text: str, at: int) -> tuple[int, int, str] | None:
    word = _NAME_REST.match(text, at)[0]  # type: ignore[index]
    match = (
        _AFTER_SCHEME.match(text, at + len(word)) if word.lower() in ("bearer", "basic") else None
    )
    if match is None or (
        re.fullmatch(r"[a-z]{1,20}\.?", match["value"]) and not (at and text[at - 2 : at] == ": ")
    ):
        return None  # an ordinary word: "basic authentication"
    return match.start("value"), _over_lines(text, match.end("value")), "bearer value"


def _bearer(text: str, at: int) -> tuple[int, int, str] | None:
    return _after_scheme(text, at) or _named(text, at)


def _address(text: str, at: int) -> tuple[int, int, str] | None:
    match = _HOOK.match(text, at)
    return match and (*match.span("value"), "webhook")


def _jwt(text: str, at: int) -> tuple[int, int, str] | None:
    match = _JWT_RUN.match(text, at)
    return match and (match.start(), _over_lines(text, match.end()), "jwt")


def _user(text: str, at: int) -> tuple[int, int, str] | None:
    begin = text.rfind("://", max(0, at - 400), at)
    match = _USER.match(text, begin, at) if begin >= 0 else None
    return match and (match.start("value"), match.end("value"), "userinfo")


def _option(text: str, at: int) -> tuple[int, int, str] | None:
    match = _OPTION_VALUE.match(text, at)
    return match and (at, _over_lines(text, match.end()), "user option")


def _secret_variables(text: str) -> Iterator[tuple[int, int]]:
    """
    Yield the value of each variable that is a secret.

    Its own name, or the header that it is used in, says so.
    """
    used = {match["name"] for match in _USED.finditer(text) if _header_kind(match["header"])}
    for match in _VARIABLE.finditer(text):
        if (
            match["name"] in used
            or _is_secret_name(match["name"])
            or match["name"].lower() in _QUERY_NAMES
        ):
            yield match.span("value")


def _rest_of_line(text: str, at: int) -> tuple[int, int, str] | None:
    match = _VARIABLE.match(text, text.rfind("\n", 0, at) + 1)
    return match and (*match.span("value"), f"@{match['name'].lower()}")


def _key_block(text: str, at: int) -> tuple[int, int, str] | None:
    end = re.compile(r"-----|[\"'<]|\Z").search(text, at)
    return (at, end.start(), "private key") if end else None


_FINDERS: dict[str, Callable[[str, int], tuple[int, int, str] | None]] = {
    "bearer": _bearer,
    "basic": _after_scheme,
    "eyj": _jwt,
    "@": _user,
    "-u": _option,
    "hooks": _address,
    "-----": _key_block,
    "@=": _rest_of_line,
}


@lru_cache(maxsize=4096)
def _header_kind(name: str) -> str:
    lowered = name.strip("'\" ").lower()
    if lowered.startswith("access-control-"):  # says what a browser may do
        return ""
    if lowered in {"cookie", "set-cookie"}:
        return "cookie"
    return (
        "credential"
        if lowered in {"authorization", "proxy-authorization"} or _SECRET_HEADER.fullmatch(lowered)
        else ""
    )


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.fullmatch(name) is not None and not name.lower().startswith(
        "access-control-"
    )


def _facts(secret: str) -> tuple[str, list[str]]:
    if re.fullmatch(_JWT, secret):
        claims = _decoded(secret.split(".")[1])
        return "jwt", [
            f"{name}={value}"
            for name, value in (
                ("expires", _instant(claims.get("exp"))),
                ("issuer", _word(claims.get("iss"))),
            )
            if value
        ]
    if re.fullmatch(r"[^\s:]+:[^\s:]*", secret) or ":" in _unbased(secret):
        return "pair", []
    return "opaque", []


def _stray(value: str) -> list[str]:
    quoted = re.search(r"['\"“”‘’]", value.strip()[:1] + value.strip()[-1:])
    spaces = ["leading-space"] * (value[:1].isspace()) + [
        "trailing-newline" if value[-1:] in "\r\n" else "trailing-space"
    ] * (value[-1:].isspace())
    found = [
        ("quoted", quoted),
        ("bracketed", bracketed(value)),
        *((name, True) for name in spaces),
        ("inner-space", re.search(r"\S\s+\S", value)),
    ]
    return [name for name, is_there in found if is_there]


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
    return re.sub(r"[^\w.:/@-]", "", value)[:80] if isinstance(value, str) else ""
