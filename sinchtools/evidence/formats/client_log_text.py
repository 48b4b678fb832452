"""What one line of a client's log tells: a request, a response, quoted text, headers."""

from __future__ import annotations

import json
import re

from sinchtools.evidence.formats import printed
from sinchtools.evidence.formats.prose import status_of_reason
from sinchtools.evidence.formats.values import json_text, parsed
from sinchtools.evidence.pieces import METHODS, json_end

_SENT = re.compile(
    rf"(?<![\w/-])(?P<method>{METHODS})\b(?:['\"\])]{{0,2}},\s*|['\"\])]?:?\s+)"
    r"(?i:(?:request|call|onto|to|on|at|for|url|uri|requesturi|path|->|=>)[ :=]*){0,3}"
    r"['\"<\[(]?(?P<url>[a-z]{2,5}://(?:[^\s'\"<>\],]|,(?![A-Z]\w*\())+|/[^\s'\"<>\]]*)"
)
_SENT_TO = re.compile(
    r"(?P<url>https?://[^\s'\"<>\]]+)['\">\])]*[ ,;]{1,3}"
    r"(?:(?:with|using|via|method|verb)[ :=]*){0,2}"
    rf"['\"(\[]?(?P<method>{METHODS})\b"
)
_URL = re.compile(r"https?://[^\s'\"<>\]]+")
_STATUS = re.compile(
    r"(?<![\w./:@+-])(?:10[0-3]|[2-5]\d\d)(?![\w%]|[./]\d|:\d| ?(?:ms|s|sec|seconds|bytes|B|kB)\b)"
)
_SECONDS = re.compile(  # of nginx and curl, whose times have no unit
    r"\b(?:request_time|upstream_response_time|time_total|u?rt)[=:] ?\"?(\d{1,4}\.\d{3,6})\b"
)
_OF_TIME = re.compile(r"(?i)\b(?:milliseconds|millis|duration|elapsed|took|time)\b[^\d\n]{0,6}$")
_VERSION = re.compile(r"HTTP/\d(?:\.\d)?|\bHTTP_[12](?:_\d)?\b")
_REASON = re.compile(r"[A-Za-z _'-]+")
_LONGEST_HEAD = 600
_ELAPSED = re.compile(
    r"(?<![\w.-])(\d{1,9}(?:[.,]\d{1,9})?) ?"
    r"(ms|msec|millis|milliseconds|µs|us|μs|ns|s|sec|secs|seconds)\b"
)
_CLOCK = re.compile(  # no time of the day
    r"(?<!\d{4} )\b(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,9})?)\b(?! ?(?:GMT|UTC|Z\b|[AP]M\b|[+-]\d))"
)
_UNITS = {"m": 1.0, "µ": 1e-3, "μ": 1e-3, "u": 1e-3, "n": 1e-6, "s": 1e3}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|[0-7]{1,3}|.)")
_WIRE = re.compile(r"\[(\\[rnt]|0x[0-9a-fA-F]{1,2})\]")
# an object that holds the body: StringRequestBody{charset=UTF-8, content={"a": 1}}
_HELD = re.compile(
    r"[A-Z]\w{2,40}[{(\[][^{\[\n]{0,120}?\b(?:content|string|data|body)=(?=[{\[]\s*\")"
)
# an object as Java and Kotlin print it: {a=1, b=[x]} or Sms(a=1, b=[x]), and its first field
_PRINTED = re.compile(r"[{\[]|[A-Z]\w{0,60}[({\[]\w+=")
_FIELDS = re.compile(r"(?:[A-Z]\w{0,60})?[({\[]\w+=")
_LARGEST_COUNT = 9_999
_NAMED = dict(zip("nrteabfv0", "\n\r\t\x1b\a\b\f\v\0", strict=True))
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}"
_PAIRS = (  # how headers stand in one text
    re.compile(rf"\(b?'({_NAME})', b?'([^']{{0,2000}})'\)"),
    re.compile(rf"\(b?\"({_NAME})\", b?\"([^\"]{{0,2000}})\"\)"),
    re.compile(rf"[\"']({_NAME})[\"'] ?(?:=>|:) ?[\[]?\"([^\"]{{0,2000}})\""),
    re.compile(rf"[\"']({_NAME})[\"'] ?(?:=>|:) ?[\[]?'([^']{{0,2000}})'"),
    re.compile(rf"({_NAME}) ?[:=] ?\[?\"([^\"]{{0,2000}})\""),
    re.compile(rf"({_NAME}) ?[:=] ?\[([^\]]{{0,2000}})\]"),
    re.compile(
        rf"({_NAME}) ?= ?([^\[\],;}}]{{1,2000}}(?:, (?!{_NAME} ?=)[^\[\],;}}]{{1,2000}}){{0,20}})"
    ),
    re.compile(rf"({_NAME}): ([^,;}}\]]{{1,2000}})"),
)


def request_in(text: str) -> tuple[str, str, int] | None:
    """
    Return method, URL and where they end, when a text begins with both.

    Examples
    --------
    >>> request_in("Invoke 'PUT' onto 'https://x.y/z'")
    ('PUT', 'https://x.y/z', 32)
    """
    head = text[:_LONGEST_HEAD]
    found = [m for p in (_SENT, _SENT_TO) if (m := p.search(head))]
    match = min(found, key=lambda m: m.start(), default=None)
    if match is None or match.start() > 80 or "{" in head[: match.start()]:
        return None
    whole = _SENT.match(text, match.start()) if match.re is _SENT else match
    match = whole or match
    url = match["url"].rstrip("'\",;)")
    return match["method"], url, match.start("url") + len(url) if match.re is _SENT else match.end()


def status_in(text: str) -> tuple[int, int] | None:
    """
    Return the status that the words before any body tell, and where it ends.

    Examples
    --------
    >>> status_in("HTTP/1.1 403 Forbidden (12ms)")
    (403, 12)
    """
    head = text[: text.find("{")] if "{" in text else text
    head = head[:_LONGEST_HEAD]
    hidden = _VERSION.sub(_blank, _URL.sub(_blank, head))
    if (match := _STATUS.search(hidden)) and not _OF_TIME.search(hidden, 0, match.start()):
        return (int(match[0]), match.end()) if match.start() < 120 else None
    word = hidden.rpartition(" - ")[2].strip(" :-.")
    status = status_of_reason(word) if _REASON.fullmatch(word) else None
    return (status, len(head)) if status else None


def url_in(text: str) -> str | None:
    """Return the URL that stands before any body."""
    match = _URL.search(text.partition("{")[0][:4000])
    return match[0].rstrip("'\",;)") if match else None


def milliseconds(text: str) -> float | None:
    """
    Return the duration that a text tells with its unit, in milliseconds.

    Examples
    --------
    >>> milliseconds("(0.25s, 12-byte body)")
    250.0
    """
    text = text[:_LONGEST_HEAD]
    if match := _ELAPSED.search(text):
        return round(float(match[1].replace(",", ".")) * _UNITS[match[2][0]], 6)
    if match := _SECONDS.search(text):
        return round(float(match[1]) * 1000, 6)
    if match := _CLOCK.search(text):
        return round((int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])) * 1000, 6)
    return None


def unquoted(text: str) -> str | None:
    r"""
    Return what a quoted text of the wire stands for, or None when it is not quoted.

    Examples
    --------
    >>> unquoted(r'"a[\r][\n]"'), unquoted(r"b'\xc3\xa9\n'")
    ('a\r\n', 'é\n')
    """
    text = text.strip()
    if "<EOL>" in text:  # of Indy
        return text.replace("<EOL>", "\r\n")
    if match := re.match(r"(?:b|rb|u)?([\"'])", text):
        quote = match[1]
        if not text.endswith(quote) or len(text) < match.end() + 1:
            return None
        inside = text[match.end() : -1]
        if _WIRE.search(inside):
            return _bytes(_WIRE.sub(lambda m: _wired(m[1]), inside))
        return _bytes(_ESCAPE.sub(_meant, inside)) if "\\" in inside else inside
    return None


def headers_in(text: str) -> list[tuple[str, str]]:
    """
    Return the headers that one text holds, in any notation of a map.

    Examples
    --------
    >>> headers_in('[Accept:"*/*", X-A:"1"]'), headers_in("{A=[b], C=[d, e]}")
    ([('Accept', '*/*'), ('X-A', '1')], [('A', 'b'), ('C', 'd, e')])
    """
    text = text.strip()[:100_000]
    value = parsed(text)
    if isinstance(value, dict):
        return [
            (k, ", ".join(map(str, v)) if isinstance(v, list) else str(v)) for k, v in value.items()
        ]
    for pattern in _PAIRS:
        if pairs := pattern.findall(text):
            return [(name, value.strip()) for name, value in pairs]
    return []


def plain_body(text: str) -> str:
    """Return a body as it was sent, where a log shows it as bytes, a quoted text or a dict."""
    text = re.sub(r"(?:#015)?#012", "\n", text).strip()  # line ends, as syslog writes them
    if re.match(r"b[\"']", text):
        return unquoted(text) or text
    if named := _HELD.match(text):
        return text[named.end() : json_end(text, named.end())]
    if re.match(r"[\"'][{\[].*[}\]][\"']\Z", text, re.DOTALL):
        return text[1:-1] if json_end(text, 1) else unquoted(text) or text
    if _PRINTED.match(text) and len(text) < 100_000 and json_end(text) is None:
        whole = json_text(text)
        return whole if whole != text else _of_fields(text)
    return text


def _of_fields(text: str) -> str:
    """Return the JSON of an object as Java prints it, or the text when it is not a whole one."""
    found = printed.Printed(text).value_at(0) if _FIELDS.match(text) else None
    if found is None or found[1] < len(text):
        return text
    return json.dumps(_with_texts(found[0]), ensure_ascii=False, default=str)


def _with_texts(value: object) -> object:
    """Return a value whose long numbers are texts: a number to send to has no quotes either."""
    if isinstance(value, dict):
        return {name: _with_texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_texts(inner) for inner in value]
    return str(value) if type(value) is int and value > _LARGEST_COUNT else value


def dechunked(body: str) -> str:
    """Return a body without the sizes of its chunks, when it has such."""
    out, at = [], 0
    data = body.encode("utf-8", "surrogateescape")
    while match := re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,20}\r?\n").match(data, at):
        size = int(match[1], 16)
        out.append(data[match.end() : match.end() + size])
        at = match.end() + size
        at += len(re.compile(rb"\r?\n?").match(data, at)[0])  # type: ignore[index]
        if size == 0:
            return b"".join(out).decode("utf-8", "replace")
    return b"".join(out).decode("utf-8", "replace") if out and at >= len(data) else body


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _wired(code: str) -> str:
    return chr(int(code, 16)) if code.startswith("0x") else _NAMED[code[1]]


def _meant(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x":
        return chr(int(code[1:], 16))
    if code[0] == "u" and len(code) > 1:
        number = int(code.strip("u{}"), 16)
        return chr(number).encode("utf-8", "replace").decode("latin-1") if number < 0x110000 else ""
    if code[0] in "01234567":
        return chr(int(code, 8) & 255)
    return _NAMED.get(code, code)


def _bytes(text: str) -> str:
    """Return text in which characters up to U+00FF may be the bytes of UTF-8."""
    if text.isascii():
        return text
    parts = (c.encode("latin-1" if ord(c) < 256 else "utf-8", "surrogatepass") for c in text)
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeError:
        return text
