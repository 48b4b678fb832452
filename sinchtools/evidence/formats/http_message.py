"""
Raw HTTP text.

Requests, responses, verbose traces and bare error bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sinchtools.core.records import Exchange, header
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece, joined, json_end, status_of
from sinchtools.evidence.terminal import PROMPT

REQUEST_LINE = re.compile(rf"(?:> )?({METHODS}) +(\S+)(?: +HTTP/[\d.]+)?[ \t]*")
STATUS_LINE = re.compile(r"(?:< )?HTTP/\d(?:\.\d)? +(-?\d{1,5})(?: +([^\n]*))?")
_HEADER_LINE = re.compile(r"(?:[<>] )?([A-Za-z0-9!#$%&'*+.^_`|~-]+) ?:[ \t]*(.*)")
_USUAL_HEADER = re.compile(r"(?i:authorization|content-type|accept|host|user-agent):")
_SIGN = re.compile(rf"^(?:[<>] )?(?:HTTP/\d|(?:{METHODS}) +\S)", re.MULTILINE)
# what curl -v puts before the lines of a message, and its remarks
_MARKED = re.compile(rf"[<>] (?:HTTP/\d|(?:{METHODS}) +\S+ +HTTP/)")
_MARK = re.compile(r"^(?:[<>]|\|(?!.*\|[ \t]*$))(?: |$)")
_REMARK = re.compile(r"\* |[{}] \[\d+ bytes data\]")
_NO_BODY = re.compile(rf"```|~~~|\* |[$%#❯➜]\s*$|\s+% Total|[$%#>❯➜] |{PROMPT}")
# a host that is asked without TLS
_PLAIN = re.compile(r":(?!443$|8443$)\d+$|^localhost|^127\.|^\[::1\]")
_NGREP = re.compile(r"^T [\d/]{8,10} [\d:.]+ \S+ -> \S+ \[\w+\]", re.MULTILINE)
_OF_BODY = ("content-type", "content-length", "transfer-encoding")
_GAP = re.compile(r"\n[ \t]*\n(?=[^\s\"{}\[\]<])")  # a paragraph that is no JSON and no page


@dataclass(frozen=True, slots=True)
class Message:
    """
    One HTTP message as written.

    It has the first line, headers, body, and the 1-based lines where it starts and ends.
    """

    first: str
    headers: dict[str, str]
    body: str | None
    line: int
    end: int

    @property
    def status(self) -> int | None:
        """The status when this is a response, else None."""
        match = STATUS_LINE.fullmatch(self.first)
        return status_of(match[1]) if match else None

    @property
    def is_response(self) -> bool:
        """Whether the first line is a status line."""
        return STATUS_LINE.fullmatch(self.first) is not None


def find(piece: Piece) -> Iterator[Found]:
    """Yield each request and each response; the two are joined by the reading."""
    if not _SIGN.search(piece.text):
        return
    for message in _without_tunnels(piece):
        if not message.is_response:
            yield Found(message.line, message.end, _request(piece, message))
        elif message.status is None or message.status == 101 or message.status >= 200:
            yield Found(message.line, message.end, _response(piece, message))
        else:
            piece.use(message.line, message.end)


def _without_tunnels(piece: Piece) -> Iterator[Message]:
    """Yield the messages but those that opened a way through a proxy for the ones below."""
    tunnel: Message | None = None
    for message in messages(piece):
        if tunnel and message.is_response and message.status == 200:
            piece.use(tunnel.line, message.end)
            tunnel = None
            continue
        if tunnel:
            yield tunnel
        tunnel = message if message.first.startswith("CONNECT ") else None
        if tunnel is None:
            yield message
    if tunnel:
        yield tunnel


def messages(piece: Piece) -> Iterator[Message]:
    """Yield the HTTP messages in the lines; what stands before and between them is left out."""
    lines = _unmarked(piece)
    at = 0
    while at < len(lines):
        if _starts(lines[at][1], *_around(lines, at)):
            message, at = _message(lines, at)
            yield message
        else:
            at += 1


_WHOLE = re.compile(
    rf"(?:(?:{METHODS}) \S+ HTTP/\d(?:\.\d)?|HTTP/\d(?:\.\d)? \d{{3}}(?: [^\r\n]*)?)"
    r"\r?\n(?:[\w-]+:|\r?\n)"  # a first line alone is a part of a record that has the rest
)


def inside(text: str) -> tuple[str, dict[str, Any]] | None:
    """Return whether a text that is a whole message is a request or a response, and its parts."""
    if not _WHOLE.match(text):
        return None
    message = next(messages(Piece("", text.replace("\r\n", "\n"))))
    parts = {"headers": message.headers, "body": message.body}
    if message.is_response:
        return "response", {"status": message.status, **parts}
    method, target, *_ = message.first.split()
    return "request", {"method": method, "url": with_host(target, message.headers), **parts}


def sniff_error_body(piece: Piece) -> bool:
    """Tell whether the text is one JSON object that looks like an error response of the API."""
    return is_error_body(piece.document)


def is_error_body(document: Any) -> bool:
    """
    Tell whether a parsed JSON value is the API's error body or a gateway's like it.

    The API's has ``code`` and ``text``.
    """
    others = {"url", "method", "request", "log", "info", "level"}
    if not isinstance(document, dict) or others & document.keys():
        return False
    texts = (document.get("code"), document.get("text", ""))
    if all(isinstance(text, str) for text in texts) and len(document) <= 4:
        return True
    return (
        len(document) <= 8
        and "error" in document
        and bool({"message", "status", "text", "error_description", "code"} & document.keys())
    )


def parse_error_body(piece: Piece) -> Iterator[Exchange]:
    """Yield the exchange of which only the answer's body is known."""
    status = _own_status(piece.document)
    yield Exchange(source=piece.at(1), status=status, response_body=piece.text.strip())


def _own_status(document: dict[str, Any]) -> int | None:
    return status_of(document.get("status")) if "status" in document else None


def _around(lines: list[tuple[int, str]], at: int) -> tuple[str, str]:
    return (lines[at - 1][1] if at else "", lines[at + 1][1] if at + 1 < len(lines) else "")


def _starts(line: str, before: str, after: str = "") -> bool:
    if STATUS_LINE.fullmatch(line):
        return True
    match = REQUEST_LINE.fullmatch(line)
    return bool(
        match
        and (
            line.rstrip().rpartition(" ")[2].startswith("HTTP/")
            or (not before.strip() and re.match(r"https?://|/", match[2]))
            or (_USUAL_HEADER.match(after) and "://" in match[2])
        )
    )


def _unmarked(piece: Piece) -> list[tuple[int, str]]:
    """Return the lines with their numbers, without the marks and remarks of a verbose trace."""
    lines = [
        (number, "$ " if number in piece.commands else line)
        for number, line in enumerate(piece.lines, start=1)
    ]
    if _NGREP.search(piece.text):  # whose bylines end with a dot
        lines = [(number, line.removesuffix(".")) for number, line in lines]
    if not any(_MARKED.match(line) for line in piece.lines):
        return lines
    for number, line in lines:
        if _REMARK.match(line):
            piece.use(number)
    return [(n, _MARK.sub("", line)) for n, line in lines if not _REMARK.match(line)]


def _message(lines: list[tuple[int, str]], start: int) -> tuple[Message, int]:
    """Return the message that starts at a place, and the place where the next may start."""
    pairs: list[tuple[str, str]] = []
    at = start + 1
    while at < len(lines):
        line = lines[at][1]
        match = _HEADER_LINE.fullmatch(line)
        if match:
            pairs.append((match[1], match[2].rstrip()))
        elif pairs and line[:1] in (" ", "\t") and line.strip():  # folded
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}".strip())
        else:
            break
        at += 1
    headers = joined(pairs)
    if at < len(lines) and not lines[at][1].strip():
        at += 1
    body, after = _body(lines, at, headers)
    last = lines[after - 1][0] if after > start else lines[start][0]
    return Message(lines[start][1].strip(), headers, body, lines[start][0], last), after


def _body(
    lines: list[tuple[int, str]], start: int, headers: dict[str, str]
) -> tuple[str | None, int]:
    """Return the body that starts at a place, and the place after it."""
    end = start
    while end < len(lines) and not _ends(lines[end][1], lines[end - 1][1]):
        end += 1
    rest = "\n".join(line for _, line in lines[start:end])
    cut = length_of_body(rest, headers)
    body = rest[:cut]
    if not body.strip():
        return None, start
    return body, start + body.rstrip("\n").count("\n") + 1


def length_of_body(rest: str, headers: dict[str, str]) -> int:
    """
    Return where the body ends with which a text begins.

    It ends with its JSON, where it was announced, with its page, or with its paragraph. Words are a
    body only where the headers tell of one.
    """
    lead = len(rest) - len(rest.lstrip("\n"))
    announced = header(headers, "content-length") or ""
    if end := json_end(rest, lead):
        is_longer = announced == str(len(rest[: end + 1].encode("utf-8", "replace")))
        return end + 1 if is_longer and rest[end : end + 1] == "\n" else end
    if announced.isdigit():
        encoded = rest.encode("utf-8", "replace")[: int(announced)]
        size = len(encoded.decode("utf-8", "ignore"))
        if size and rest[size : size + 1] in ("", "\n") and len(encoded) == int(announced):
            return size
    if closing := re.search(r"</html>", rest, re.IGNORECASE):
        return closing.end()
    told = (header(headers, name) for name in _OF_BODY if announced != "0")
    if rest[lead : lead + 1] not in ("{", "[", "<") and not any(told):
        return 0
    gap = _GAP.search(rest, lead)
    return gap.start() if gap else len(rest.rstrip("\n"))


def _ends(line: str, before: str) -> bool:
    """Tell whether a line is certainly none of a body: a message, a prompt, a fence, a remark."""
    return _starts(line, before) or _NO_BODY.match(line) is not None


def _request(piece: Piece, request: Message) -> Exchange:
    method, target = REQUEST_LINE.fullmatch(request.first).groups()  # type: ignore[union-attr]
    return Exchange(
        source=piece.at(request.line),
        method=method,
        url=with_host(target, request.headers),
        request_headers=request.headers,
        request_body=request.body,
    )


def _response(piece: Piece, response: Message) -> Exchange:
    if response.status is not None and not 100 <= response.status <= 599:
        piece.guess(response.line, f"status {response.status} is not an HTTP status; it was kept")
    return Exchange(
        source=piece.at(response.line),
        status=response.status,
        response_headers=response.headers,
        response_body=response.body,
    )


def with_host(target: str, headers: dict[str, str]) -> str:
    """Return the URL of a target whose host may stand in the headers."""
    host = header(headers, "host") or header(headers, ":authority")
    if not host or not target.startswith("/"):
        return target
    host = host.rpartition("://")[2]
    return f"{'http' if _PLAIN.search(host) else 'https'}://{host}{target}"
