"""
People out where data leaves: a number or message text becomes a keyed alias that keeps the facts diagnosis needs.

``+46 7• k3f9qd2`` is a number of Sweden, ``[text k3f9qd2 7 characters GSM-7 1 part]`` a message. The same person has the same alias
under the same key; without the key nothing leads back. What is wrong with a number stays visible: ``+46 7• k3f9qd2 8 digits as bare``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from sinchtools.api import encoding_of, not_gsm7, parts_of
from sinchtools.records import Exchange

TAG_CHARACTERS = 7  # of base32: 35 bits
NUMBER_ALIAS = re.compile(
    r"(?:\+(?P<country>[1-9]\d{0,2}) )?(?P<first>\d?)• (?P<tag>[a-z0-9]{7})(?![a-z0-9])"
    r"(?: (?P<size>\d+) digits(?: as (?P<head>bare|[+0]+|[A-Za-z]{1,8}:?))?(?: with (?P<odd>\S+))?)?"
)
TEXT_ALIAS = re.compile(
    r"\[text (?P<tag>[a-z0-9]{7}) (?P<size>\d+) characters (?:GSM-7|Unicode (?P<odd>\S+)) \d+ parts?(?P<names>(?: \$\{[\w.-]*\})*)\]"
)
ALIASED = {"sinchtools": "aliased"}  # metadata of a notebook's output that shows people by their aliases only
SHORTEST_NUMBER, SHORTEST_TEXT = 8, 12  # shorter ones stand everywhere by chance
_NUMBERS = {
    "to", "from", "recipient", "recipients", "members", "to_add", "to_remove", "add", "remove", "msisdn", "msisdns", "phone", "phone_number",
    "phone_numbers", "phonenumber", "number", "numbers", "destination", "destinations", "destination_number", "tos", "sender", "originator",
    "recipient_msisdn", "from_number", "to_number", "mobile", "caller", "callee",
}  # fmt: skip
_MESSAGES = {"body", "subject", "message_body", "sms_text", "message_text", "messagebody", "smstext"}
_MESSAGES_SENT = {*_MESSAGES, "message", "text", "content", "msg", "sms"}  # in an answer these are the vendor's words
BETWEEN = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000().\-/\u2010-\u2015\u2212"  # digits of a number, in a class of characters
_FREE_NUMBER = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    rf"|(?<![\w•])(?:[+]+|%2[Bb])?[0-9](?:[{BETWEEN}]{{0,2}}[0-9]){{6,}}(?!\w)"
)
# of a number that is known more may stand between its digits: also commas, underscores, line breaks
_RUN = re.compile(rf"[0-9](?:[{BETWEEN}\s,_\u200b]{{0,3}}[0-9]){{7,}}")
_MOST_GROUPS = 7  # 4, 6, 7, 0 ... are a list
_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d(?=\D|\Z)[ ]?(?:[0-2]\d\b)?")
_BYTE = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_NO_NUMBER = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}|\d{{1,6}}\.\d+")  # an IP address; a fraction
MASKED = re.compile(r"\d{1,4}0{5,}")  # stands for a number without quotes
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-][\d:]+)?")
_STANDS_FOR = re.compile(r"[{}<>$%]|^(?:undefined|null|none|nan)?$", re.IGNORECASE)  # a placeholder is nobody
_GROUP, _IN_ARRAY = re.compile("[0-9]+"), re.compile(r"\[[0-9,\s]{0,60}\Z")
_DIGIT, _NO_DIGIT = re.compile("[0-9]"), re.compile("[^0-9]+")
_SEPARATORS = re.compile(r"[\s().\-/]")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|-?\d[\d.eE+-]*|\w+|\s+|.', re.DOTALL)
_ANY_MESSAGE = "|".join(sorted(_MESSAGES_SENT, key=len, reverse=True))
_LOOSE_MESSAGE = re.compile(
    rf"(?P<before>\b(?:{_ANY_MESSAGE})\b\\*[\"'“”]?\s*[:=]\s*)(?P<quote>\\*[\"'“”])?", re.IGNORECASE
)
_LOOSE_NEXT = r"(?=,?\s*\\*[\"“]\w{2,40}\\*[\"”]\s*:)"  # the next member begins
_LOOSE_END = re.compile(rf"\\*[\"'”](?=\s*(?:[,}}\])]|\Z|\n))|{_LOOSE_NEXT}")
_BARE_END = re.compile(rf"{_LOOSE_NEXT}|(?=[\r\n}}])")
_LOOSE_STRING = re.compile(r"(?P<before>[\"'”]\s*[:=]\s*[\"'“])(?P<value>(?=[^\"\n]*\s)[^\"\n“”{}\[\]]{12,})(?=[\"”\n]|\Z)")
_LOOSE_DIGITS = re.compile(r"(?<=[\[:, ])[0-9]{8,}(?=\s*[,\]}])")  # not in quotes: stays digits
_TAGGED = re.compile(rf"(?P<before><(?:\w+:)?(?:{_ANY_MESSAGE})(?:\s[^<>]*)?>)(?P<value>[^<]+)(?=</)", re.IGNORECASE)
_BOUNDARY = re.compile(r"\s*(--[^\s\"'][^\r\n]{0,200})\r?\n(?=[\w-]+:)")
_PART_NAME, _NO_LINE = re.compile(r"\bname=\"?([^\";\r\n]*)", re.IGNORECASE), re.compile(r"\r?\n\r?\n")
_LOOSE_PIECE = re.compile(r"(?:[^\"\\\x00-\x1f]|\\[\"\\/bfnrt]|\\u[0-9a-fA-F]{4})+")

_FREE_FIELDS = ("id", "parent_id", "call_id", "source", "method", "endpoint", "region", "account", "code", "text", "failure")

Rewrite = Callable[[str], str]


class Aliases:
    """
    The aliases of one case.

    Parameters
    ----------
    key
        Secret of the case: without it nobody can tell who an alias is, not even by trying every number.

    Examples
    --------
    >>> people = Aliases(b"the key of a case, at least 16 bytes")
    >>> people.number("+46701740605") == people.number("0046 70-174 06 05") == people.number("46701740605")
    True
    >>> people.number("+46701740605")[:6], people.text("Hi Anna")[-26:]
    ('+46 7•', '7 characters GSM-7 1 part]')
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._numbers: dict[str, str] = {}  # the same few come again and again
        self._texts: dict[str, str] = {}

    def number(self, number: str) -> str:
        """Return the alias of a number, however it is written; an alias, a placeholder and a group ID stay."""
        if number not in self._numbers:
            self._numbers[number] = self._aliased(number)
        return self._numbers[number]

    def text(self, text: str) -> str:
        """Return the alias of a message text with its length, alphabet, parts and placeholders; blank text and an alias stay."""
        if text not in self._texts:
            self._texts[text] = self._summed_up(text)
        return self._texts[text]

    def words(self, text: str) -> str:
        """Return any text with the numbers in it aliased."""
        return without_numbers(text, self.number)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return the exchange with people aliased in all of its parts; JSON keeps its shape, and what is wrong with it."""
        return rewritten(exchange, self.number, self.text)

    def met(self) -> People:
        """Return who was aliased until now."""
        return _nobody_else(self._numbers, self._texts)

    def _aliased(self, number: str) -> str:
        if is_alias(number) or _STANDS_FOR.search(number.strip()) or _is_id(number):
            return number
        if re.search(r"\d[^\w]*[,;|]\D*\d", number):
            return re.sub(r"[^,;|]+", lambda part: self.number(part[0]), number)
        return _number_alias(number, self._tag("number", _canonical(number)))

    def _summed_up(self, text: str) -> str:
        if not text.strip() or is_alias(text) or "[secret " in text:
            return text
        names = "".join(f" {name}" for name in dict.fromkeys(re.findall(r"\$\{[\w.-]*\}", text)))
        odd = "".join(sorted(character for character in not_gsm7(text) if character.isprintable() and not character.isspace())[:8])
        alphabet = "GSM-7" if encoding_of(text) == "text" else f"Unicode {odd.translate(_NO_BRACKETS) or '?'}"
        parts = parts_of(text)
        return f"[text {self._tag('text', text)} {len(text)} characters {alphabet} {parts} part{'s' * (parts != 1)}{names}]"

    def _tag(self, kind: str, what: str) -> str:
        digest = hmac.digest(self._key, f"{kind}:{what}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.b32encode(digest)[:TAG_CHARACTERS].decode("ascii").lower()


_NO_BRACKETS = {ord(character): None for character in "[]\"\\$"}


def is_alias(text: str) -> bool:
    """
    Tell whether a text is an alias and nothing else.

    Examples
    --------
    >>> is_alias("+46 7• k3f9qd2"), is_alias("+46701740605")
    (True, False)
    """
    return ("•" in text and NUMBER_ALIAS.fullmatch(text.strip()) is not None) or TEXT_ALIAS.fullmatch(text) is not None


def stand_in(text: str) -> str:
    """
    Return what diagnosis looks at in place of the aliases in a text: nobody's number or text, with the facts that the alias keeps.

    Examples
    --------
    >>> stand_in("+46 7• k3f9qd2"), stand_in("• k3f9qd2 10 digits as 0"), stand_in("[text k3f9qd2 4 characters GSM-7 1 part]")
    ('+46700000000', '0999999999', 'xxxx')
    """
    if "•" in text:
        text = NUMBER_ALIAS.sub(_stand_in_number, text)
    return TEXT_ALIAS.sub(_stand_in_text, text) if "[text " in text else text


def without_numbers(text: str, number: Rewrite) -> str:
    """
    Return any text with what may be somebody's number put through a function; dates, addresses and UUIDs stay.

    Examples
    --------
    >>> without_numbers("PUT /numbers/46.701.740.605 at 2026-11-23 from 127.0.0.1", lambda found: found[:2] + "…")
    'PUT /numbers/46… at 2026-11-23 from 127.0.0.1'
    """
    return _FREE_NUMBER.sub(lambda match: match[0] if match["uuid"] else _one_free(match[0], number), text) if _DIGIT.search(text) else text


def grouped(text: str, numbers: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """
    Yield where one of the numbers stands in groups of digits, whatever is between the groups; start, end and digits.

    Examples
    --------
    >>> list(grouped("to 46_701,740  605 and 7", {"46701740605"}))
    [(3, 18, '46701740605')]
    """
    starts: set[str] = set()
    for run in _RUN.finditer(text) if numbers else ():
        if run[0].isdecimal():
            continue
        starts = starts or {number[:size] for number in numbers for size in range(1, len(number))}
        groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
        for i, (start, end) in enumerate(groups):
            if text[start:end] in starts and (found := _joined(text, groups[i : i + _MOST_GROUPS], starts, numbers)):
                yield start, *found


def _joined(text: str, groups: list[tuple[int, int]], starts: Collection[str], numbers: Collection[str]) -> tuple[int, str] | None:
    """Return where the number ends that the first of the groups begins, and its digits."""
    digits = ""
    for start, end in groups:
        digits += text[start:end]
        if digits in numbers:
            return None if {",", "."} <= set(text[groups[0][0] : end]) else (end, digits)  # both: decimals
        if digits not in starts:
            return None
    return None


def national(number: str) -> str:
    """Return the digits of a number without its country code."""
    return number[len(_country_code(number)) :]


class People(NamedTuple):
    """Who occurs in exchanges: numbers as digits alone, and message texts."""

    numbers: frozenset[str]
    texts: frozenset[str]


def people(exchanges: Any) -> People:
    """Return the numbers and message texts that `Aliases.exchange` would replace."""
    numbers: dict[str, str] = {}
    texts: dict[str, str] = {}
    for exchange in exchanges:
        rewritten(exchange, lambda found: numbers.setdefault(found, found), lambda found: texts.setdefault(found, found))
    return _nobody_else(numbers, texts)


def _nobody_else(numbers: Iterable[str], texts: Iterable[str]) -> People:
    written = [part for found in numbers if not is_alias(found) and not _is_id(found) for part in re.split(r"[,;|]", found)]
    said = (found for found in texts if not is_alias(found) and "[secret " not in found)
    return People(frozenset(map(_canonical, written)) - {""}, frozenset(said))


def rewritten(exchange: Exchange, number: Rewrite, text: Rewrite) -> Exchange:
    """Return the exchange with each number and each message text put through a function, in every part."""
    seen: dict[str, str] = {}
    digits: set[str] = set()

    def message(found: str) -> str:
        new = text(found)
        if len(found) >= SHORTEST_TEXT:
            seen[found] = new
        return new

    def person(found: str) -> str:
        new = number(found)
        if new != found and len(whole := _canonical(found)) >= SHORTEST_NUMBER:
            digits.update((whole, short) if len(short := national(whole)) >= SHORTEST_NUMBER else (whole,))
        if new != found and sum(map(str.isdigit, found)) >= SHORTEST_NUMBER - 1 and not _is_number(found):  # digits alone are found anywhere
            seen[found] = new
        return new

    bodies: dict[str, Any] = {"request_body": _body(exchange.request_body, person, message, sent=True)}
    said = exchange.response_body
    said = _regrouped(said, digits, number) if isinstance(said, str) else said
    bodies["response_body"] = _body(said, person, message, sent=False)
    url = exchange.url and _url(exchange.url, number, message)
    quoted = _as_written(seen)

    def free(value: str | None) -> str | None:
        return value and without_numbers(_regrouped(_quoted_again(value, quoted), digits, number), number)

    answer = bodies["response_body"]
    if isinstance(answer, bytes):  # an answer may quote what was sent
        bodies["response_body"] = _quoted_again(answer.decode("utf-8", "surrogateescape"), quoted).encode("utf-8", "surrogateescape")
    elif answer:
        bodies["response_body"] = _quoted_again(answer, quoted)
    changed: dict[str, Any] = {name: free(getattr(exchange, name)) for name in _FREE_FIELDS}
    for name in ("request_headers", "response_headers"):
        changed[name] = {without_numbers(key, number): free(value) or "" for key, value in getattr(exchange, name).items()}
    return replace(exchange, url=url, **bodies, **changed)


# --- numbers ---------------------------------------------------------------------------------------------------------


def _canonical(number: str) -> str:
    if number.isascii():
        found = _NO_DIGIT.sub("", number)
    else:
        found = "".join(str(unicodedata.digit(character)) for character in number if unicodedata.digit(character, None) is not None)
    return found[2:] if found.startswith("00") else found


def _is_id(value: str) -> bool:
    letters = len(re.findall(r"[A-Za-z]", value))
    return letters > 2 and bool(re.fullmatch(r"[0-9A-Za-z]{12,16}|[0-9A-Za-z]{26}", value)) and letters < len(value)


def _number_alias(number: str, tag: str) -> str:
    bare = _SEPARATORS.sub("", number)
    found = _canonical(number)
    head = re.match(r"[A-Za-z]{1,8}:?(?=[+0-9])|\+*0*", bare)[0]  # type: ignore[index]
    odd = "".join(dict.fromkeys(c for c in bare[len(head) :].lstrip("+") if not ("0" <= c <= "9")))
    code = _country_code(found)
    start = f"+{code} {found[len(code) : len(code) + 1]}•" if code else "•"
    unlikely = not head and re.fullmatch(r"(?!1)[2-9]\d{9}", bare)  # ten digits alone: rather a number without its country
    if code and not odd and head in ("", "+", "00") and _is_possible(found) and not unlikely:
        return f"{start} {tag}"
    as_written = "" if head in ("+", "00") else f" as {head or 'bare'}"
    return f"{start} {tag} {len(found)} digits{as_written}" + (f" with {''.join(map(_visible, odd[:3]))}" if odd else "")


def _visible(character: str) -> str:
    return character if character.isprintable() and character not in ' "\\' and not character.isdigit() else f"U+{ord(character):04X};"


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
    return next((f"+{made}" for size in sizes if _is_possible(made := f"{code}{first}{'0' * (size - 1)}")), f"+{code}{first}00000000")


@lru_cache(maxsize=65_536)
def _is_possible(digits: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}", None))
    except phonenumbers.NumberParseException:
        return False


def _country_code(digits: str) -> str:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return next((digits[:size] for size in (1, 2, 3) if digits[:1] not in ("", "0") and int(digits[:size]) in COUNTRY_CODE_TO_REGION_CODE), "")


def _stand_in_text(alias: re.Match[str]) -> str:
    names = "".join(alias["names"].split())
    start = alias["odd"] or ""
    return start + "x" * max(0, int(alias["size"]) - len(start) - len(names)) + names


# --- any text --------------------------------------------------------------------------------------------------------


def _one_free(found: str, number: Rewrite) -> str:
    if date := _DATE.match(found):
        return found[: date.end()] + without_numbers(found[date.end() :], number)
    if _NO_NUMBER.fullmatch(found) or MASKED.fullmatch(found) or sum(map(str.isdigit, found)) < SHORTEST_NUMBER - found.startswith("+"):
        return found
    if sum(map(str.isdigit, found)) > 15 and " " in found:
        return " ".join(without_numbers(part, number) for part in found.split(" "))
    if found[:3].lower() == "%2b":
        return quote(number(f"+{found[3:]}"), safe="")
    return number(found)


def _regrouped(text: str, digits: Collection[str], number: Rewrite) -> str:
    """Rewrite the numbers of the same exchange that are written with more between their digits than other numbers may have."""
    parts, at = [], 0
    for start, end, found in grouped(text, digits):
        if start < at or _IN_ARRAY.search(text, max(0, start - 60), start):
            continue
        parts += [text[at:start].rstrip("+"), number(f"+{found}" if national(found) != found else found)]
        at = end
    return "".join((*parts, text[at:]))


def _quoted_again(text: str, quoted: dict[str, str]) -> str:
    lowered = text.lower()
    for written, new in quoted.items():
        text = text.replace(written, new)
        if written.lower() in lowered:  # in capitals, for one
            text = re.sub(re.escape(written), new.replace("\\", r"\\"), text, flags=re.IGNORECASE)
    return text


def _as_written(seen: dict[str, str]) -> dict[str, str]:
    """Return what stands for what was found, in each of the ways in which it is quoted."""
    quoted = ((found, json.dumps(found)[1:-1], json.dumps(found, ensure_ascii=False)[1:-1], quote(found, errors="replace")) for found in seen)
    return {written: new for forms, new in zip(quoted, seen.values(), strict=True) for written in forms}


def _url(url: str, number: Rewrite, text: Rewrite) -> str:
    path, mark, query = url.partition("?")
    segments = [_quoted(part, number) if _is_number(unquote(part)) else without_numbers(part, number) for part in path.split("/")]
    pairs = (_pair(pair, number, text, unquote_plus) for pair in query.split("&"))
    return "/".join(segments) + mark + "&".join(pairs)


def _quoted(part: str, rewrite: Rewrite) -> str:
    found = unquote(part)
    new = rewrite(found)
    return part if new == found else quote(new, safe=",")


def _pair(pair: str, number: Rewrite, text: Rewrite, decode: Rewrite) -> str:
    name, equals, value = pair.partition("=")
    found = decode(value)
    new = _string(found, (name.lower().partition("[")[0],), number, text, sent=True)
    return f"{without_numbers(name, number)}{equals}{value if new == found else quote(new, safe=',')}"


def _is_number(value: str) -> bool:
    bare = _SEPARATORS.sub("", value)
    return bool(re.fullmatch(r"\+*[0-9]{7,}|\+[0-9]+", bare)) and not _DATE.fullmatch(value)


# --- bodies ----------------------------------------------------------------------------------------------------------


def _body(body: str | bytes | None, number: Rewrite, text: Rewrite, *, sent: bool) -> str | bytes | None:
    if not body:
        return body
    if isinstance(body, bytes):
        encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le" if body[1:2] == b"\0" else "utf-8"
        errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        try:
            decoded = body.decode(encoding, errors)
        except UnicodeDecodeError:
            encoding, errors = "utf-8", "surrogateescape"
            decoded = body.decode(encoding, errors)
        new = str(_body(decoded, number, text, sent=sent))
        return body if new == decoded else new.encode(encoding, errors)
    if body.lstrip()[:1] in ("{", "[", '"') and _is_json(body):
        return "".join(_json(body, number, text, sent=sent))
    if sent and re.fullmatch(r"[\w.\[\]%-]+=[^\n{}<>]*", body):
        return "&".join(_pair(pair, number, text, unquote_plus) for pair in body.split("&"))
    if sent and (boundary := _BOUNDARY.match(body)):
        parts = body.split(boundary[1])
        return boundary[1].join(_part(part, number, text) for part in parts)
    if sent and re.search(r"\w", body) and not re.search(r"[{}\[\]<>=]|^@\S+$", body):
        lines = body.split("\n")  # a message, no more
        return "\n".join(text(line) if re.search(r"[^\W\d]", line) else without_numbers(line, number) for line in lines)
    return _loose(body, number, text, sent=sent)


def _part(part: str, number: Rewrite, text: Rewrite) -> str:
    """Rewrite one part of a form: its head, an empty line, its value."""
    blank = _NO_LINE.search(part)
    head, value = (part[: blank.end()], part[blank.end() :]) if blank else (part, "")
    found, named = value.rstrip("\r\n"), _PART_NAME.search(head)
    name = named[1].lower().partition("[")[0] if named else ""
    whole = found.lstrip()[:1] in ("{", "[", "<") and name not in (_MESSAGES_SENT | _NUMBERS)  # a document of its own
    new = str(_body(found, number, text, sent=True)) if whole else _string(found, (name,), number, text, sent=True)
    return without_numbers(head, number) + new + value[len(found) :]


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _json(body: str, number: Rewrite, text: Rewrite, *, sent: bool) -> Iterator[str]:
    """Yield the tokens of valid JSON, strings rewritten by the names above them: white space and repeated keys stay."""
    names: list[str] = []  # of the containers around; "" for the outermost
    name, is_name, closing = "", False, []
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
        elif token[0] == '"':
            found = json.loads(token, strict=False) if "\\" in token else token[1:-1]
            if is_name:
                name, new = found, number(found) if _is_number(found) else without_numbers(found, number)
            elif name == "body" and '"mt_binary"' in body:
                new = _binary(found, text)
            else:
                new = _string(found, (name.lower(), *names), number, text, sent=sent)
            token = token if new == found else _json_string(token, new)
        elif token[0].isdigit() and (name.lower() in _NUMBERS or len(token) >= SHORTEST_NUMBER) and token.isdigit():
            token = _masked(token, number)
        yield token


def _json_string(token: str, new: str) -> str:
    undecodable = re.search(r"[\udc80-\udcff]", token)  # a byte that is no UTF-8 stays: it is the defect
    return json.dumps(new + (undecodable[0] if undecodable else ""), ensure_ascii=False)


def _string(value: str, names: tuple[str, ...], number: Rewrite, text: Rewrite, *, sent: bool) -> str:
    name, around = names[0], names[1:]
    if name in (_MESSAGES_SENT if sent or "body" in around else _MESSAGES) or "parameters" in around:
        return text(value)
    if name in _NUMBERS and (name not in ("from", "sender", "originator") or _is_number(value)):
        return number(value)
    is_prose = sent and len(value) >= SHORTEST_TEXT and " " in value.strip() and not _INSTANT.fullmatch(value.strip()) and "://" not in value
    return text(value) if is_prose and not _is_number(value) else without_numbers(value, number)


def _binary(value: str, text: Rewrite) -> str:
    """Return base64 of as many bytes that say nothing, so that the length stays; what is no base64 is a text."""
    try:
        size = len(base64.b64decode(value, validate=True))
    except ValueError:
        return text(value)
    return value if text(value) == value else base64.b64encode(bytes(size)).decode("ascii")


def _masked(token: str, number: Rewrite) -> str:
    """Return a number written without quotes as one of as many digits: country and first digit, then zeros; an alias would be a string."""
    known = len(_country_code(token)) + 1
    return token if number(token) == token or len(token) < SHORTEST_NUMBER - 1 else token[:known] + "0" * (len(token) - known)


def _loose(body: str, number: Rewrite, text: Rewrite, *, sent: bool) -> str:
    """Rewrite what is no JSON, or broken: a message is found by its name, a number by its digits; quotes and breaks stay where they are."""
    body = _TAGGED.sub(lambda match: match["before"] + text(match["value"]), body)
    parts, at = [], 0
    for match in _LOOSE_MESSAGE.finditer(body):
        if match.start() < at or (not sent and match["before"].partition(":")[0].strip("\"' \\").lower() not in _MESSAGES):
            continue
        if match["quote"] is None and not body[match.end() : match.end() + 1].isalpha():
            continue
        end = (_LOOSE_END if match["quote"] else _BARE_END).search(body, match.end())
        stop = end.start() if end else len(body)
        parts += [body[at : match.end()], _LOOSE_PIECE.sub(lambda piece: _piece(piece[0], text), body[match.end() : stop])]
        at = stop
    found = "".join((*parts, body[at:]))
    if sent:
        found = _LOOSE_STRING.sub(lambda match: match["before"] + _string(match["value"], ("",), number, text, sent=True), found)
    found = _LOOSE_DIGITS.sub(lambda match: _masked(match[0], number), found)
    return without_numbers(found, number)


def _piece(piece: str, text: Rewrite) -> str:
    if not re.search(r"\w", piece):
        return piece
    try:
        found = json.loads(f'"{piece}"', strict=False)
    except ValueError:
        found = piece
    new = text(found.strip())
    return piece if new == found.strip() else piece[: len(piece) - len(piece.lstrip())] + new + piece[len(piece.rstrip()) :]
