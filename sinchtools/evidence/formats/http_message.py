"""
Raw HTTP text.

Requests, responses, verbose traces, a bare error body, or only a sentence such as "Error 403".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from sinchtools.api import catalogue
from sinchtools.core.records import Exchange, header
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, joined, status_of

REQUEST_LINE = re.compile(rf"(?:> )?({'|'.join(HTTP_METHODS)}) +(\S+)(?: +HTTP/[\d.]+)?[ \t]*")
STATUS_LINE = re.compile(r"(?:< )?HTTP/\d(?:\.\d)? +(-?\d{1,5})(?: +([^\n]*))?")
_HEADER_LINE = re.compile(r"(?:[<>] )?([A-Za-z0-9!#$%&'*+.^_`|~-]+) ?:[ \t]*(.*)")
_SENTENCE = re.compile(
    r"\b(?:error|status(?:[ _-]?code)?|http(?:/[\d.]+)?|returns?|returned|respond(?:s|ed) with"
    r"|response(?: code)?|got(?: an?)?|getting(?: an?)?|code)"
    r"[\s:=('\"#]{0,4}([1-5]\d\d)\b(?![.:]\d)",
    re.IGNORECASE,
)
_NGINX = {"service temporarily unavailable", "gateway time-out", "request-uri too large"}
_PHRASES = {status.phrase.lower() for status in HTTPStatus} | _NGINX
_PHRASE = re.compile(
    rf"\b([1-5]\d\d)[ "
    rf":,(-]{{1,3}}({'|'.join(sorted(map(re.escape, _PHRASES), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_OTHER_CODE = re.compile(
    r"\b(?:delivery|smpp)\b[^.;\n]{0,40}$", re.IGNORECASE
)  # a delivery code or an SMPP code is no status
LONGEST_SENTENCE = 20_000


@dataclass(frozen=True, slots=True)
class Message:
    """
    One HTTP message as written.

    It has the first line, headers, body, and the 1-based line where it starts.
    """

    first: str
    headers: dict[str, str]
    body: str | None
    line: int

    @property
    def status(self) -> int | None:
        """The status when this is a response, else None."""
        match = STATUS_LINE.fullmatch(self.first)
        return status_of(match[1]) if match else None

    @property
    def is_response(self) -> bool:
        """Whether the first line is a status line."""
        return STATUS_LINE.fullmatch(self.first) is not None


def sniff(piece: Piece) -> bool:
    """Tell whether a request line or a status line is in the text."""
    head = piece.text[:200_000]
    status = re.search(rf"^{STATUS_LINE.pattern}$", head, re.MULTILINE)
    request = re.search(
        rf"^(?:> )?(?:{'|'.join(HTTP_METHODS)}) +\S+ +HTTP/[\d.]+\s*$", head, re.MULTILINE
    )
    bare = REQUEST_LINE.match(head.lstrip())
    return bool(status or request or (bare and re.match(r"https?://|/", bare[2])))


def parse(piece: Piece) -> Iterator[Exchange]:
    """
    Yield one exchange for each request and the response that follows it.

    A response without a request is an exchange of its own.
    """
    request: Message | None = None
    for message in messages(piece.lines):
        if not message.is_response:
            if request:
                yield _exchange(piece, request, None)
            request = message
        elif message.status is None or message.status == 101 or message.status >= 200:
            yield _exchange(piece, request, message)
            request = None
    if request:
        yield _exchange(piece, request, None)


def messages(lines: list[str]) -> Iterator[Message]:
    """Yield the HTTP messages in the lines; what stands before the first one is left out."""
    if any(
        line.startswith(("< HTTP/", "> HTTP/"))
        or (line.startswith("> ") and REQUEST_LINE.fullmatch(line))
        for line in lines
    ):
        lines = [line for line in lines if not re.match(r"[*{}] ", line)]
        lines = [
            line[2:] if re.match(r"[<>] ", line) else "" if line in ("<", ">") else line
            for line in lines
        ]
    starts = [i for i, line in enumerate(lines) if _starts(line, lines[i - 1] if i else "")]
    for start, end in pairwise([*starts, len(lines)]):
        yield _message(lines[start:end], start + 1)


def sniff_error_body(piece: Piece) -> bool:
    """Tell whether the text is one JSON object that looks like an error response of the API."""
    return is_error_body(piece.document)


def is_error_body(document: Any) -> bool:
    """
    Tell whether a parsed JSON value is the API's error body or a gateway's like it.

    The API's has ``code`` and ``text``.
    """
    if (
        not isinstance(document, dict)
        or {"url", "method", "request", "log", "info"} & document.keys()
    ):
        return False
    if (
        isinstance(document.get("code"), str)
        and isinstance(document.get("text", ""), str)
        and len(document) <= 4
    ):
        return True
    return (
        len(document) <= 8
        and "error" in document
        and bool({"message", "status", "text", "error_description", "code"} & document.keys())
    )


def parse_error_body(piece: Piece) -> Iterator[Exchange]:
    """Yield the exchange of which only the answer's body is known."""
    document = piece.document
    status = status_of(document.get("status")) if "status" in document else None
    yield Exchange(source=piece.at(1), status=status, response_body=piece.text.strip())


def sniff_sentence(piece: Piece) -> bool:
    """Tell whether a short text names an HTTP status, or a code that the vendor's page lists."""
    return len(piece.text) <= LONGEST_SENTENCE and found_in_words(piece.text) is not None


def parse_sentence(piece: Piece) -> Iterator[Exchange]:
    """Yield the exchange of which only a status, a code or an error body is told in words."""
    found = found_in_words(piece.text)
    if found:
        yield replace(found, source=piece.at(1))


def found_in_words(text: str) -> Exchange | None:
    """
    Return what a sentence tells of an answer, or None.

    Examples
    --------
    >>> found_in_words("The SDK raised SMSException: Error 403").status
    403
    """
    body = _error_body_in(text)
    phrase = _PHRASE.search(text)
    sentence = next(
        (
            match
            for match in _SENTENCE.finditer(text)
            if not _OTHER_CODE.search(text[: match.start()])
        ),
        None,
    )
    status = next((int(match[1]) for match in (phrase, sentence) if match), None)
    code = (
        next((code for code in known_codes() if re.search(rf"\b{re.escape(code)}\b", text)), None)
        if body is None
        else None
    )
    if status is None and code is None and body is None:
        return None
    return Exchange(status=status, code=code, response_body=body)


@cache
def known_codes() -> tuple[str, ...]:
    """Return the codes that the vendor's page lists."""
    return tuple(entry.code for entry in catalogue.status_rows() if entry.code)


def with_answer(exchange: Exchange, text: str) -> Exchange | None:
    """
    Return the exchange with the response that the text after its command shows.

    Return None when the text shows none.
    """
    answers = [
        message
        for message in messages(text.split("\n"))
        if message.is_response and (message.status or 0) >= 200
    ]
    if answers:
        answer = answers[-1]
        return replace(
            exchange,
            status=answer.status,
            response_headers=answer.headers,
            response_body=answer.body,
        )
    body = text.strip()
    if is_error_body(_json(body)):
        return replace(exchange, response_body=body)
    return None


def _starts(line: str, before: str) -> bool:
    if STATUS_LINE.fullmatch(line):
        return True
    match = REQUEST_LINE.fullmatch(line)
    return bool(
        match
        and (
            line.rstrip().rpartition(" ")[2].startswith("HTTP/")
            or (not before.strip() and re.match(r"https?://|/", match[2]))
        )
    )


def _message(lines: list[str], line: int) -> Message:
    pairs: list[tuple[str, str]] = []
    at = 1
    while at < len(lines):
        match = _HEADER_LINE.fullmatch(lines[at])
        if match:
            pairs.append((match[1], match[2].rstrip()))
        elif pairs and lines[at][:1] in (" ", "\t") and lines[at].strip():  # folded
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {lines[at].strip()}".strip())
        else:
            break
        at += 1
    headers = joined(pairs)
    body = "\n".join(lines[at + 1 :] if at < len(lines) and not lines[at].strip() else lines[at:])
    return Message(lines[0].strip(), headers, _body(body, headers), line)


def _body(text: str, headers: dict[str, str]) -> str | None:
    announced = header(headers, "content-length")
    trimmed = text.rstrip("\n")
    fits = next(
        (
            form
            for form in (text, f"{trimmed}\n")
            if announced == str(len(form.encode("utf-8", "replace")))
        ),
        trimmed,
    )
    return fits if fits.strip("\n") else None


def _exchange(piece: Piece, request: Message | None, response: Message | None) -> Exchange:
    fields: dict[str, Any] = {"source": piece.at((request or response).line)}  # type: ignore[union-attr]
    if request:
        method, target = REQUEST_LINE.fullmatch(request.first).groups()  # type: ignore[union-attr]
        fields |= {
            "method": method,
            "url": _url(target, request.headers),
            "request_headers": request.headers,
            "request_body": request.body,
        }
    if response:
        fields |= {
            "status": response.status,
            "response_headers": response.headers,
            "response_body": response.body,
        }
        if response.status is not None and not 100 <= response.status <= 599:
            piece.guess(response.line, f"status {response.status} is no HTTP status; it was kept")
    return Exchange(**fields)


def _url(target: str, headers: dict[str, str]) -> str:
    host = header(headers, "host") or header(headers, ":authority")
    return f"https://{host}{target}" if host and target.startswith("/") else target


def _error_body_in(text: str) -> str | None:
    for start in _some(match.start() for match in re.finditer(r"\{", text)):
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if is_error_body(value):
            return text[start:end]
    return None


def _some(places: Iterable[int]) -> list[int]:
    return list(places)[:50]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] == "{" else None
    except (ValueError, RecursionError):
        return None
