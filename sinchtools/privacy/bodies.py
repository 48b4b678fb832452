"""Numbers and message texts of a body, whatever it is written in."""

from __future__ import annotations

import ast
import base64
import json
import re
import warnings
from collections.abc import Iterator
from urllib.parse import quote, unquote, unquote_plus

from sinchtools.core.json import is_json
from sinchtools.privacy.alias_forms import (
    ANY_ALIAS,
    SEPARATORS,
    Rewrite,
    Rewriting,
    in_url,
    is_alias,
)
from sinchtools.privacy.numbers import SHORTEST_NUMBER, country_code
from sinchtools.privacy.quotes import SHORTEST_TEXT

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
}  # in a response these are the vendor's words
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-][\d:]+)?")
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")
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
_DOCUMENT = re.compile(r"\s*[{\[][\s{\[]{0,99}[\"']\w[^\"']{0,99}[\"']\s{0,9}:")
_BOUNDARY = re.compile(r"\s*(--[^\s\"'][^\r\n]{0,200})\r?\n(?=[\w-]+:)")
_PART_NAME, _NO_LINE = (
    re.compile(r"\bname=\"?([^\";\r\n]*)", re.IGNORECASE),
    re.compile(r"\r?\n\r?\n"),
)
_LOOSE_PIECE = re.compile(r"(?:[^\"\\\x00-\x1f]|\\[\"\\/bfnrt]|\\u[0-9a-fA-F]{4})+")


def pair_rewritten(pair: str, who: Rewriting) -> str:
    """Return a pair of a form or a query as it is to be."""
    name, equals, value = pair.partition("=")
    found = unquote_plus(value)
    new = string_rewritten(found, (name.lower().partition("[")[0],), who, sent=True)
    return f"{segment(name, who)}{equals}{value if new == found else quote(new, safe=',')}"


def is_number(value: str) -> bool:
    """Whether a value is a phone number and nothing else."""
    bare = SEPARATORS.sub("", value)
    return bool(re.fullmatch(r"\+*[0-9]{7,}|\+[0-9]+", bare)) and not _COMPACT_DATE.fullmatch(value)


# --- bodies ---------------------------------------------------------------------------------------


def rewritten_body(body: str | bytes | None, who: Rewriting, *, sent: bool) -> str | bytes | None:
    """Return a body with its numbers and message texts put through a function."""
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
        new = str(rewritten_body(decoded, who, sent=sent))
        return body if new == decoded else new.encode(encoding, errors)
    if body.lstrip()[:1] in ("{", "[", '"') and (is_json(body) or _is_literal(body)):
        return "".join(_json(body, who, sent=sent))
    if sent and re.fullmatch(r"[\w.\[\]%-]+=[^\n{}<>]*", body):
        return "&".join(pair_rewritten(pair, who) for pair in body.split("&"))
    if sent and (boundary := _BOUNDARY.match(body)):
        parts = body.split(boundary[1])
        return boundary[1].join(_part(part, who) for part in parts)
    if sent and re.search(r"\w", body) and not re.search(r"[{}\[\]<>=]|^@\S+$", body):
        lines = body.split("\n")  # a message, no more
        return "\n".join(
            who.text(line) if re.search(r"[^\W\d]", line) else who.free(line) for line in lines
        )
    return _loose(body, who, sent=sent)


def _part(part: str, who: Rewriting) -> str:
    """Rewrite one part of a form: its head, an empty line, its value."""
    blank = _NO_LINE.search(part)
    head, value = (part[: blank.end()], part[blank.end() :]) if blank else (part, "")
    found, named = value.rstrip("\r\n"), _PART_NAME.search(head)
    name = named[1].lower().partition("[")[0] if named else ""
    whole = found.lstrip()[:1] in ("{", "[", "<") and name not in (
        _MESSAGES_SENT | _NUMBERS
    )  # a document of its own
    new = (
        str(rewritten_body(found, who, sent=True))
        if whole
        else string_rewritten(found, (name,), who, sent=True)
    )
    return who.free(head) + new + value[len(found) :]


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


def _json(body: str, who: Rewriting, *, sent: bool) -> Iterator[str]:
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
                name, new = found, who.number(found) if is_number(found) else who.free(found)
            elif name == "body" and is_binary:
                new = _binary(found, who.text)
            else:
                new = string_rewritten(found, (name.lower(), *names), who, sent=sent)
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
        if token[0] == '"' and is_json(token)
        else ast.literal_eval(token)
    )


def _json_string(token: str, new: str) -> str:
    if token[0] == "'":
        return repr(new)
    undecodable = re.search(
        r"[\udc80-\udcff]", token
    )  # a byte that is no UTF-8 stays: it is the defect
    return json.dumps(new + (undecodable[0] if undecodable else ""), ensure_ascii=False)


def string_rewritten(value: str, names: tuple[str, ...], who: Rewriting, *, sent: bool) -> str:
    """Return a value of JSON as it is to be, by the names of the fields around it."""
    name, around = names[0], names[1:]
    if (
        name in (_MESSAGES_SENT if sent or "body" in around else _MESSAGES)
        or "parameters" in around
    ):
        return who.text(value)
    if _DOCUMENT.match(value) or (
        value[:2] in ('"{', '"[') and is_json(value)
    ):  # JSON as a string: its fields say who is a person
        return str(rewritten_body(value, who, sent=sent))
    if name in _NUMBERS and (name not in ("from", "sender", "originator") or is_number(value)):
        return who.number(value)
    words = ANY_ALIAS.sub("", value).strip() if "•" in value or "[text " in value else value.strip()
    is_prose = (
        sent
        and len(words) >= SHORTEST_TEXT
        and " " in words
        and not _INSTANT.fullmatch(words)
        and "://" not in words
    )
    return who.text(value) if is_prose and not is_number(value) else who.free(value)


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


def _loose(body: str, who: Rewriting, *, sent: bool) -> str:
    """
    Rewrite what is not JSON, or broken: a message is found by its name, a number by its digits.

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
            lambda match: match["before"] + string_rewritten(match["value"], ("",), who, sent=True),
            found,
        )
    found = _LOOSE_DIGITS.sub(lambda match: _masked(match[0], who.number), found)
    return who.free(found)


def _loose_parameters(body: str, who: Rewriting) -> str:
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


def segment(part: str, who: Rewriting) -> str:
    """Return a part of a URL's path as it is to be."""
    found = unquote(part)
    if is_number(found):
        new = who.number(found)
        return part if new == found else in_url(new)
    return ANY_ALIAS.sub(lambda match: in_url(match[0]), who.free(part))
