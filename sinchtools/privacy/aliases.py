"""
Replace people by aliases where data leaves.

A number or message text becomes a keyed alias that keeps the facts that diagnosis needs.

``+46 7• k3f9qd2`` is a number of Sweden, ``[text k3f9qd2 7 characters GSM-7 1 part]`` a message.
The same person has the same alias under the same key; without the key nothing leads back. What is
wrong with a number stays visible: ``+46 7• k3f9qd2 8 digits as bare``.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from sinchtools.core.gsm import encoding_of, not_gsm7, parts_of
from sinchtools.core.records import Exchange
from sinchtools.privacy import folding
from sinchtools.privacy.numbers import (
    SHORTEST_NUMBER,
    Numbers,
    canonical,
    country_code,
    is_possible,
    may_hold_one,
    national,
    numbers_in,
)
from sinchtools.privacy.quotes import SHORTEST_TEXT, Quotes

TAG_CHARACTERS = 7  # of base32: 35 bits
_SHORT = 200  # characters
_SCHEMES = (
    "tel|sms|phone|mobile|msisdn|number|whatsapp"  # any other word before a number may be a name
)
_ODD = r"(?:U\+[0-9A-F]{4,6};|[^\s\d])"
# nothing in an alias has room for a person: one that somebody typed tells nothing either
NUMBER_ALIAS = re.compile(
    r"(?:\+(?P<country>[1-9]\d{0,2}) )?(?P<first>\d?)• (?P<tag>[a-z0-9]{7})(?![a-z0-9])"
    rf"(?: (?P<size>\d{{1,4}}) digits(?: as (?P<head>bare|[+0]+|(?i:{_SCHEMES}):?))?(?: with "
    rf"(?P<odd>{_ODD}{{1,3}})(?!\S))?)?"
)
_NAME = r"\$\{(?!(?:[^}\d]*\d){7})[\w.-]*\}"  # of a placeholder
TEXT_ALIAS = re.compile(
    r"\[text (?P<tag>[a-z0-9]{7}) (?P<size>\d{1,6}) characters (?:GSM-7|Unicode "
    r"(?P<odd>[^\s\d\x20-\x5f\x61-\x7e]{1,8}|\?)) \d{1,5} parts?"
    rf"(?P<names>(?: {_NAME})*)\]"
)
ALIASED = {
    "sinchtools": "aliased"
}  # metadata of a notebook's output that shows people by their aliases only
_NUMBERS = {
    "to", "from", "recipient", "recipients", "members", "to_add", "to_remove", "add", "remove",
    "msisdn", "msisdns", "phone", "phone_number", "phone_numbers", "phonenumber", "number",
    "numbers", "destination", "destinations", "destination_number", "tos", "sender", "originator",
    "recipient_msisdn", "from_number", "to_number", "mobile", "caller", "callee",
}  # fmt: skip
_MESSAGES = {
    "body",
    "subject",
    "message_body",
    "sms_text",
    "message_text",
    "messagebody",
    "smstext",
}
_MESSAGES_SENT = {
    *_MESSAGES,
    "message",
    "text",
    "content",
    "msg",
    "sms",
}  # in an answer these are the vendor's words
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-][\d:]+)?")
_STANDS_FOR = re.compile(
    r"[{}<>$%]|^(?:undefined|null|none|nan)?$", re.IGNORECASE
)  # a placeholder is nobody
_IN_ARRAY = re.compile(r"\[[0-9,\s]{0,60}\Z")
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")
_SEPARATORS, _ODD_BETWEEN = re.compile(r"[\s().\-/]"), re.compile(r"[:*~|·=#_]")
_JSON_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[{}\[\],:]|-?\d[\d.eE+-]*|\w+|\s+|.', re.DOTALL
)
_ANY_MESSAGE = "|".join(sorted(_MESSAGES_SENT, key=len, reverse=True))
_LOOSE_MESSAGE = re.compile(
    rf"(?P<before>\b(?:{_ANY_MESSAGE})\b\\*[\"'“”]?\s*[:=]\s*)(?P<quote>\\*[\"'“”])?", re.IGNORECASE
)
_LOOSE_NEXT = r"(?=,?\s{0,9}\\{0,8}[\"“]\w{2,40}\\{0,8}[\"”]\s{0,9}:)"  # the next member begins
_LOOSE_END = re.compile(rf"\\{{0,8}}[\"'”](?=\s{{0,99}}(?:[,}}\])]|\Z|\n))|{_LOOSE_NEXT}")
_BARE_END = re.compile(rf"{_LOOSE_NEXT}|(?=[\r\n}}])")
_LOOSE_STRING = re.compile(
    r"(?P<before>[\"'”]\s{0,9}[:=]\s{0,9}(?:[\"“]|(?P<single>')))(?P<value>(?(single)"
    r"(?:[^'\n{}\[\]]|'(?=\w))|[^\"\n“”{}\[\]]){12,})(?=[\"'”\n]|\Z)"
)
_LOOSE_PARAMETERS = re.compile(r"\bparameters\b\\{0,8}[\"'”]?\s{0,9}[:=]\s{0,9}\{")
_LOOSE_VALUE = re.compile(
    r"(?P<before>:\s{0,9}\\{0,8}(?:[\"“]|(?P<single>')))"
    r"(?P<value>(?(single)(?:[^'\n{}\\]|\\.|'(?=\w))|(?:[^\"“”\n{}\\]|\\.))+)"
)
_LOOSE_DIGITS = re.compile(r"(?<=[\[:, ])[0-9]{8,}(?=\s*[,\]}])")  # not in quotes: stays digits
_TAGGED = re.compile(
    rf"(?P<before><(?:\w+:)?(?:{_ANY_MESSAGE})(?:\s[^<>]*)?>)(?P<value>[^<]+)(?=</)", re.IGNORECASE
)
_BOUNDARY = re.compile(r"\s*(--[^\s\"'][^\r\n]{0,200})\r?\n(?=[\w-]+:)")
_PART_NAME, _NO_LINE = (
    re.compile(r"\bname=\"?([^\";\r\n]*)", re.IGNORECASE),
    re.compile(r"\r?\n\r?\n"),
)
_LOOSE_PIECE = re.compile(r"(?:[^\"\\\x00-\x1f]|\\[\"\\/bfnrt]|\\u[0-9a-fA-F]{4})+")

_FACT = (
    r"quoted|bracketed|leading-space|trailing-(?:space|newline)|inner-space|(?:expires|issuer)=(?!\S*"
    r"(?:\d\D?){8})[\w.:/@-]{1,80}"
)
_TRUE_MARKER = re.compile(
    rf"\[secret (?:opaque|jwt|pair) \d{{1,7}} #\d{{1,6}}(?: (?:{_FACT}|expires=[\dTZ:-]{{20}}))*\]"
)

_FREE_FIELDS = (
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

Rewrite = Callable[[str], str]


class Aliases:
    """
    The aliases of one case.

    Parameters
    ----------
    key
        Secret of the case: without it nobody can tell who an alias is, not even by trying every
        number.

    Examples
    --------
    >>> people = Aliases(b"the key of a case, at least 16 bytes")
    >>> written = ("+46701740605", "0046 70-174 06 05", "46701740605")
    >>> len({people.number(number) for number in written})
    1
    >>> people.number("+46701740605")[:6], people.text("Hi Anna")[-26:]
    ('+46 7•', '7 characters GSM-7 1 part]')
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._numbers: dict[str, str] = {}  # the same few come again and again
        self._texts: dict[str, str] = {}

    def number(self, number: str) -> str:
        """
        Return the alias of a number, however it is written.

        An alias, a placeholder and a group ID stay.
        """
        if number not in self._numbers:
            self._numbers[number] = self._aliased(number)
        return self._numbers[number]

    def text(self, text: str) -> str:
        """
        Return the alias of a message text with its length, alphabet, parts and placeholders.

        Blank text and an alias stay.
        """
        if text not in self._texts:
            self._texts[text] = self._summed_up(text)
        return self._texts[text]

    def words(self, text: str) -> str:
        """Return any text with the numbers in it aliased."""
        return without_numbers(text, self.number)

    def exchange(self, exchange: Exchange, quoted: Rewrite | None = None) -> Exchange:
        """
        Return the exchange with people aliased in all of its parts.

        JSON keeps its shape, and what is wrong with it.

        `quoted` is put over the words of the exchange besides: it replaces people of whom only
        other exchanges tell.
        """
        return rewritten(exchange, self.number, self.text, quoted)

    def met(self) -> People:
        """Return who was aliased until now."""
        return _nobody_else(self._numbers, self._texts)

    def _aliased(self, number: str) -> str:
        if is_alias(number) or _STANDS_FOR.search(number.strip()) or _is_id(number):
            return number
        if re.search(r"\d[^\w]*[,;|]\D*\d", number):
            return re.sub(r"[^,;|]+", lambda part: self.number(part[0]), number)
        return _number_alias(number, self._tag("number", canonical(number)))

    def _summed_up(self, text: str) -> str:
        return "".join(self._alias_of(part) if is_said else part for part, is_said in _said(text))

    def _alias_of(self, text: str) -> str:
        names = "".join(f" {name}" for name in dict.fromkeys(_PLACEHOLDER.findall(text)))
        alphabet = (
            "GSM-7" if encoding_of(text) == "text" else f"Unicode {_odd_letters(text) or '…'}"
        )
        parts = parts_of(text)
        return (
            f"[text {self._tag('text', text)} {len(text)} characters {alphabet} {parts} "
            f"part{'s' * (parts != 1)}{names}]"
        )

    def _tag(self, kind: str, what: str) -> str:
        digest = hmac.digest(
            self._key, f"{kind}:{what}".encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return base64.b32encode(digest)[:TAG_CHARACTERS].decode("ascii").lower()


_NO_BRACKETS = {ord(character): None for character in '[]"\\$'}
_PLACEHOLDER = re.compile(_NAME)


def _odd_letters(text: str) -> str:
    odd = {c for c in not_gsm7(text) if c.isprintable() and not c.isspace() and not c.isdecimal()}
    return "".join(sorted(odd)[:8]).translate(_NO_BRACKETS)


def _said(text: str) -> Iterator[tuple[str, bool]]:
    """
    Yield the parts of a message, each with whether somebody said it.

    Markers of secrets, aliases and blanks are nobody's.
    """
    at = 0
    for match in _TRUE_MARKER.finditer(text) if "[secret " in text else ():
        yield from _one_said(text[at : match.start()])
        yield match[0], False
        at = match.end()
    yield from _one_said(text[at:])


def _one_said(part: str) -> Iterator[tuple[str, bool]]:
    if part:
        yield part, bool(part.strip()) and not is_alias(part.strip())


def is_alias(text: str) -> bool:
    """
    Tell whether a text is an alias and nothing else; one that somebody wrote a person into is none.

    Examples
    --------
    >>> is_alias("+46 7• k3f9qd2"), is_alias("+46701740605")
    (True, False)
    >>> is_alias("[text k3f9qd2 4 characters Unicode Anna 1 part]")
    False
    """
    if "•" in text and NUMBER_ALIAS.fullmatch(text.strip()) is not None:
        return True
    match = TEXT_ALIAS.fullmatch(text)
    odd = match["odd"] or "" if match else ""
    return match is not None and list(odd) == sorted(set(odd))


def representative(text: str) -> str:
    """
    Return what diagnosis reads in place of the aliases in a text.

    It is nobody's number or text, with the facts that the alias keeps.

    Examples
    --------
    >>> representative("+46 7• k3f9qd2"), representative("• k3f9qd2 10 digits as 0")
    ('+46700000000', '0999999999')
    >>> representative("[text k3f9qd2 4 characters GSM-7 1 part]")
    'xxxx'
    """
    if "•" in text:
        text = NUMBER_ALIAS.sub(_stand_in_number, text)
    return TEXT_ALIAS.sub(_stand_in_text, text) if "[text " in text else text


def without_numbers(text: str, number: Rewrite) -> str:
    """
    Return any text with each possible phone number put through a function.

    Dates, addresses and UUIDs stay.

    Examples
    --------
    >>> line = "PUT /numbers/46.701.740.605 at 2026-11-23 from 127.0.0.1"
    >>> without_numbers(line, lambda found: found[:2] + "…")
    'PUT /numbers/46… at 2026-11-23 from 127.0.0.1'
    """
    if len(text) < _SHORT and _names_nobody(text):
        return text
    return folding.rewritten(
        text,
        lambda plain: ((start, end, number(said)) for start, end, said in _numbers_of(plain)),
        _in_url,
    )


def _numbers_of(plain: str) -> Iterator[tuple[int, int, str]]:
    found = (
        (start, end, _ODD_BETWEEN.sub("", plain[start:end])) for start, end in numbers_in(plain)
    )
    return folding.outside(found, (match.span() for match in _aliases_in(plain)))


@lru_cache(maxsize=16_384)
def _names_nobody(text: str) -> bool:
    """Tell whether there is no number in a short text: the same few come again and again."""
    return not any(True for read in folding.readings(text) for _ in _numbers_of(read.text))


_ANY_ALIAS = re.compile(
    rf"{re.sub('[?]P<[a-z]+>', '?:', NUMBER_ALIAS.pattern)}"
    rf"|{re.sub('[?]P<[a-z]+>', '?:', TEXT_ALIAS.pattern)}"
)


def _aliases_in(text: str) -> Iterator[re.Match[str]]:
    if "•" in text or "[text " in text:
        yield from _ANY_ALIAS.finditer(text)


class People(NamedTuple):
    """Who occurs in exchanges: numbers as digits alone, and message texts."""

    numbers: frozenset[str]
    texts: frozenset[str]


def people(exchanges: Any) -> People:
    """Return the numbers and message texts that `Aliases.exchange` would replace."""
    numbers: dict[str, str] = {}
    texts: dict[str, str] = {}
    for exchange in exchanges:
        rewritten(
            exchange,
            lambda found: numbers.setdefault(found, found),
            lambda found: texts.setdefault(found, found),
        )
    return _nobody_else(numbers, texts)


def _nobody_else(numbers: Iterable[str], texts: Iterable[str]) -> People:
    written = [
        part
        for found in numbers
        if not is_alias(found) and not _is_id(found)
        for part in re.split(r"[,;|]", found)
    ]
    said = frozenset(part for found in texts for part, is_said in _said(found) if is_said)
    return People(frozenset(map(canonical, written)) - {""}, said)


class _Rewriting(NamedTuple):
    """
    The rewriting of an exchange.

    It covers numbers, message texts and everything else that people write.
    """

    number: Rewrite
    text: Rewrite
    free: Rewrite


def rewritten(
    exchange: Exchange, number: Rewrite, text: Rewrite, quoted: Rewrite | None = None
) -> Exchange:
    """
    Return the exchange with each number and each message text put through a function.

    All parts are rewritten; `quoted` rewrites the words around.
    """
    seen: dict[str, str] = {}
    names: dict[str, str] = {}
    digits: set[str] = set()

    def message(found: str) -> str:
        seen[found] = new = text(found)
        return new

    def person(found: str) -> str:
        new = number(found)
        if new != found and len(whole := canonical(found)) >= SHORTEST_NUMBER:
            digits.update(
                (whole, short) if len(short := national(whole)) >= SHORTEST_NUMBER else (whole,)
            )
        if (
            new != found
            and sum(map(str.isdigit, found)) >= SHORTEST_NUMBER - 1
            and not _is_number(found)
        ):  # digits alone are found anywhere
            names[found] = new
        return new

    def free(value: str) -> str:
        return without_numbers(quoted(value) if quoted else value, number)

    who = _Rewriting(person, message, free)
    body = _body(exchange.request_body, who, sent=True)
    url = exchange.url and _url(exchange.url, who._replace(number=number))
    known = Numbers(digits)
    said = exchange.response_body
    said = _regrouped(said, known, number) if isinstance(said, str) else said
    answer = _body(said, who, sent=False)
    quotes = Quotes((found for found in seen if seen[found] != found), names)
    again = seen | names

    def other(value: str | None) -> str | None:
        return value and free(_regrouped(_quoted_again(value, quotes, again), known, number))

    if isinstance(answer, bytes):  # an answer may quote what was sent
        answer = _quoted_again(answer.decode("utf-8", "surrogateescape"), quotes, again).encode(
            "utf-8", "surrogateescape"
        )
    elif answer:
        answer = _quoted_again(answer, quotes, again)
    changed: dict[str, Any] = {name: other(getattr(exchange, name)) for name in _FREE_FIELDS}
    for name in ("request_headers", "response_headers"):
        changed[name] = {
            free(key): other(value) or "" for key, value in getattr(exchange, name).items()
        }
    return replace(exchange, url=url, request_body=body, response_body=answer, **changed)


# --- numbers --------------------------------------------------------------------------------------


def _is_id(value: str) -> bool:
    letters = len(re.findall(r"[A-Za-z]", value))
    return (
        letters > 2
        and bool(re.fullmatch(r"[0-9A-Za-z]{12,16}|[0-9A-Za-z]{26}", value))
        and letters < len(value)
    )


_HEAD = re.compile(rf"(?i:{_SCHEMES}):?(?=[+0-9])|\+*0*")


def _number_alias(number: str, tag: str) -> str:
    bare = _SEPARATORS.sub("", number)
    found = canonical(number)
    head = _HEAD.match(bare)[0]  # type: ignore[index]
    odd = "".join(dict.fromkeys(c for c in bare[len(head) :].lstrip("+") if not ("0" <= c <= "9")))
    code = country_code(found)
    start = f"+{code} {found[len(code) : len(code) + 1]}•" if code else "•"
    unlikely = not head and re.fullmatch(
        r"(?!1)[2-9]\d{9}", bare
    )  # ten digits alone: rather a number without its country
    if code and not odd and head in ("", "+", "00") and is_possible(found) and not unlikely:
        return f"{start} {tag}"
    as_written = "" if head in ("+", "00") else f" as {head or 'bare'}"
    return f"{start} {tag} {len(found)} digits{as_written}" + (
        f" with {''.join(map(_visible, odd[:3]))}" if odd else ""
    )


def _visible(character: str) -> str:
    return (
        character
        if character.isprintable() and character not in ' "\\' and not character.isdigit()
        else f"U+{ord(character):04X};"
    )


def _stand_in_number(alias: re.Match[str]) -> str:
    known = (alias["country"] or "") + alias["first"]
    if alias["size"] is None:
        return _example(alias["country"] or "", alias["first"])
    head = {None: "+", "bare": ""}.get(alias["head"], alias["head"])
    rest = int(alias["size"]) - len(known) - (head.count("0") if not known else 0)
    made = head + known + ("0" if known else "9") * max(0, min(rest, 60))
    odd = re.sub(r"U\+([0-9A-F]{4,6});", lambda code: chr(int(code[1], 16)), alias["odd"] or "")
    return made[:-1] + odd + made[-1:] if made else odd


@lru_cache(maxsize=1024)
def _example(code: str, first: str) -> str:
    """Return a possible number of a country: the length alone counts, and differs by country."""
    sizes = sorted(range(4, 15), key=lambda size: (abs(size + len(code) - 11), size))
    return next(
        (f"+{made}" for size in sizes if is_possible(made := f"{code}{first}{'0' * (size - 1)}")),
        f"+{code}{first}00000000",
    )


def _stand_in_text(alias: re.Match[str]) -> str:
    names = "".join(alias["names"].split())
    start = alias["odd"] or ""
    return start + "x" * max(0, int(alias["size"]) - len(start) - len(names)) + names


# --- any text -------------------------------------------------------------------------------------


def _in_url(alias: str) -> str:
    return quote(alias, safe=",")


def _regrouped(text: str, known: Numbers, number: Rewrite) -> str:
    """Rewrite the numbers of an exchange that have unusual separators between their digits."""

    def found(plain: str) -> Iterator[tuple[int, int, str]]:
        for start, end, digits in known.grouped(plain):
            if not _IN_ARRAY.search(plain, max(0, start - 60), start):
                start -= plain[max(0, start - 1) : start] == "+"
                yield start, end, number(f"+{digits}" if national(digits) != digits else digits)

    return (
        folding.replaced(text, found)
        if known.digits and (may_hold_one(text) or not text.isascii())
        else text
    )


def _quoted_again(text: str, quotes: Quotes, new: dict[str, str]) -> str:
    if len(text) < quotes.least and text.isascii():
        return text
    return folding.rewritten(
        text,
        lambda plain: ((start, end, new[known]) for start, end, known in quotes.spans(plain)),
        _in_url,
    )


def _url(url: str, who: _Rewriting) -> str:
    path, mark, query = url.partition("?")
    segments = (_segment(part, who) for part in path.split("/"))
    pairs = (_pair(pair, who) for pair in query.split("&"))
    return "/".join(segments) + mark + "&".join(pairs)


def _segment(part: str, who: _Rewriting) -> str:
    found = unquote(part)
    if _is_number(found):
        new = who.number(found)
        return part if new == found else _in_url(new)
    return _ANY_ALIAS.sub(lambda match: _in_url(match[0]), who.free(part))


def _pair(pair: str, who: _Rewriting) -> str:
    name, equals, value = pair.partition("=")
    found = unquote_plus(value)
    new = _string(found, (name.lower().partition("[")[0],), who, sent=True)
    return f"{_segment(name, who)}{equals}{value if new == found else quote(new, safe=',')}"


def _is_number(value: str) -> bool:
    bare = _SEPARATORS.sub("", value)
    return bool(re.fullmatch(r"\+*[0-9]{7,}|\+[0-9]+", bare)) and not _COMPACT_DATE.fullmatch(value)


# --- bodies ---------------------------------------------------------------------------------------


def _body(body: str | bytes | None, who: _Rewriting, *, sent: bool) -> str | bytes | None:
    if not body:
        return body
    if isinstance(body, bytes):
        encoding = (
            "utf-16"
            if body[:2] in (b"\xff\xfe", b"\xfe\xff")
            else "utf-16-le"
            if body[1:2] == b"\0"
            else "utf-8"
        )
        errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        try:
            decoded = body.decode(encoding, errors)
        except UnicodeDecodeError:
            encoding, errors = "utf-8", "surrogateescape"
            decoded = body.decode(encoding, errors)
        new = str(_body(decoded, who, sent=sent))
        return body if new == decoded else new.encode(encoding, errors)
    if body.lstrip()[:1] in ("{", "[", '"') and (_is_json(body) or _is_literal(body)):
        return "".join(_json(body, who, sent=sent))
    if sent and re.fullmatch(r"[\w.\[\]%-]+=[^\n{}<>]*", body):
        return "&".join(_pair(pair, who) for pair in body.split("&"))
    if sent and (boundary := _BOUNDARY.match(body)):
        parts = body.split(boundary[1])
        return boundary[1].join(_part(part, who) for part in parts)
    if sent and re.search(r"\w", body) and not re.search(r"[{}\[\]<>=]|^@\S+$", body):
        lines = body.split("\n")  # a message, no more
        return "\n".join(
            who.text(line) if re.search(r"[^\W\d]", line) else who.free(line) for line in lines
        )
    return _loose(body, who, sent=sent)


def _part(part: str, who: _Rewriting) -> str:
    """Rewrite one part of a form: its head, an empty line, its value."""
    blank = _NO_LINE.search(part)
    head, value = (part[: blank.end()], part[blank.end() :]) if blank else (part, "")
    found, named = value.rstrip("\r\n"), _PART_NAME.search(head)
    name = named[1].lower().partition("[")[0] if named else ""
    whole = found.lstrip()[:1] in ("{", "[", "<") and name not in (
        _MESSAGES_SENT | _NUMBERS
    )  # a document of its own
    new = str(_body(found, who, sent=True)) if whole else _string(found, (name,), who, sent=True)
    return who.free(head) + new + value[len(found) :]


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _is_literal(body: str) -> bool:
    """Tell whether a body is what Python prints of a dict."""
    if "'" not in body:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return isinstance(ast.literal_eval(body.strip()), dict | list)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False


def _json(body: str, who: _Rewriting, *, sent: bool) -> Iterator[str]:
    """
    Yield the tokens of valid JSON, or of a Python dict, strings rewritten by the names above them.

    White space and repeated keys stay.
    """
    names: list[str] = []  # of the containers around; "" for the outermost
    name, is_name, closing = "", False, []
    is_binary = '"mt_binary"' in body or "'mt_binary'" in body
    for match in _JSON_TOKEN.finditer(body):
        token = match[0]
        if token in ("{", "["):
            names.append(name)
            closing.append(token)
            is_name, name = token == "{", name if token == "[" else ""
        elif token in ("}", "]"):
            name, _ = names.pop(), closing.pop()
            is_name = False
        elif token == ",":
            is_name = closing[-1:] == ["{"]
        elif token == ":":
            is_name = False
        elif token[0] in "\"'":
            found = _string_of(token)
            if is_name:
                name, new = found, who.number(found) if _is_number(found) else who.free(found)
            elif name == "body" and is_binary:
                new = _binary(found, who.text)
            else:
                new = _string(found, (name.lower(), *names), who, sent=sent)
            token = token if new == found else _json_string(token, new)
        elif (
            token[0].isdigit()
            and (name.lower() in _NUMBERS or len(token) >= SHORTEST_NUMBER)
            and token.isdigit()
        ):
            token = _masked(token, who.number)
        yield token


def _string_of(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    return str(
        json.loads(token, strict=False)
        if token[0] == '"' and _is_json(token)
        else ast.literal_eval(token)
    )


def _json_string(token: str, new: str) -> str:
    if token[0] == "'":
        return repr(new)
    undecodable = re.search(
        r"[\udc80-\udcff]", token
    )  # a byte that is no UTF-8 stays: it is the defect
    return json.dumps(new + (undecodable[0] if undecodable else ""), ensure_ascii=False)


def _string(value: str, names: tuple[str, ...], who: _Rewriting, *, sent: bool) -> str:
    name, around = names[0], names[1:]
    if (
        name in (_MESSAGES_SENT if sent or "body" in around else _MESSAGES)
        or "parameters" in around
    ):
        return who.text(value)
    if name in _NUMBERS and (name not in ("from", "sender", "originator") or _is_number(value)):
        return who.number(value)
    words = (
        _ANY_ALIAS.sub("", value).strip() if "•" in value or "[text " in value else value.strip()
    )
    is_prose = (
        sent
        and len(words) >= SHORTEST_TEXT
        and " " in words
        and not _INSTANT.fullmatch(words)
        and "://" not in words
    )
    return who.text(value) if is_prose and not _is_number(value) else who.free(value)


def _binary(value: str, text: Rewrite) -> str:
    """
    Return base64 of as many bytes that say nothing, so that the length stays.

    A value that is not base64 is treated as text.
    """
    try:
        size = len(base64.b64decode(value, validate=True))
    except ValueError:
        return text(value)
    return value if text(value) == value else base64.b64encode(bytes(size)).decode("ascii")


def _masked(token: str, number: Rewrite) -> str:
    """
    Return a number written without quotes as another number of the same length.

    Country and first digit stay, then zeros follow. An alias would be a string.
    """
    known = len(country_code(token)) + 1
    return (
        token
        if number(token) == token or len(token) < SHORTEST_NUMBER - 1
        else token[:known] + "0" * (len(token) - known)
    )


def _loose(body: str, who: _Rewriting, *, sent: bool) -> str:
    """
    Rewrite what is no JSON, or broken: a message is found by its name, a number by its digits.

    Quotes and breaks stay where they are.
    """
    body = _TAGGED.sub(lambda match: match["before"] + who.text(match["value"]), body)
    parts, at = [], 0
    for match in _LOOSE_MESSAGE.finditer(body):
        if match.start() < at or (
            not sent and match["before"].partition(":")[0].strip("\"' \\").lower() not in _MESSAGES
        ):
            continue
        if match["quote"] is None and not body[match.end() : match.end() + 1].isalpha():
            continue
        end = (_LOOSE_END if match["quote"] else _BARE_END).search(body, match.end())
        stop = end.start() if end else len(body)
        parts += [
            body[at : match.end()],
            _LOOSE_PIECE.sub(lambda piece: _piece(piece[0], who.text), body[match.end() : stop]),
        ]
        at = stop
    found = "".join((*parts, body[at:]))
    if sent:
        found = _loose_parameters(found, who)
        found = _LOOSE_STRING.sub(
            lambda match: match["before"] + _string(match["value"], ("",), who, sent=True), found
        )
    found = _LOOSE_DIGITS.sub(lambda match: _masked(match[0], who.number), found)
    return who.free(found)


def _loose_parameters(body: str, who: _Rewriting) -> str:
    """Rewrite the values of parameters, as far as their braces go: each is a part of a message."""
    parts, at = [], 0
    for match in _LOOSE_PARAMETERS.finditer(body):
        if match.start() >= at:
            stop = _closed(body, match.end())
            said = _LOOSE_VALUE.sub(
                lambda value: value["before"] + _piece(value["value"], who.text),
                body[match.end() : stop],
            )
            parts += [body[at : match.end()], said]
            at = stop
    return "".join((*parts, body[at:]))


def _closed(body: str, at: int) -> int:
    """Return where the brace closes that was opened before a place, or the end."""
    depth = 1
    for brace in re.finditer(r"[{}]", body[at:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return at + brace.start()
    return len(body)


def _piece(piece: str, text: Rewrite) -> str:
    if not re.search(r"\w", piece) or is_alias(piece.strip()):
        return piece
    try:
        found = json.loads(f'"{piece}"', strict=False)
    except ValueError:
        found = piece
    new = text(found.strip())
    return (
        piece
        if new == found.strip()
        else piece[: len(piece) - len(piece.lstrip())] + new + piece[len(piece.rstrip()) :]
    )
