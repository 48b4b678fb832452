"""
Read the attempts that a client repeats by itself, as urllib3's log and curl's warnings tell.

In urllib3's log, a connection that broke is one line without a method; the line of the attempt that
got a response has it, and the line of a new connection has the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_SIGN = "connection broken by"
_BROKEN = re.compile(
    r"Retrying \(.{1,200}\) after connection broken by ['\"](?P<failure>\w{3,60})"
    r"(?P<text>.{0,1000})['\"]: (?P<target>\S{1,2000})\s*\Z"
)
_HOST = re.compile(r"\(host='(?P<host>[\w.-]+)', port=(?P<port>\d{1,5})")
_NEW = re.compile(
    r"(?:Starting new|Resetting dropped) (?P<scheme>HTTPS?) connection.*?: (?P<at>\S+)"
)
URLLIB3_DONE = re.compile(
    r"(?P<origin>https?://[^\s\"/]+) \"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+\" "
    r"(?P<status>\d{3})(?: \S+)?\s*\Z"
)
_NOISE = re.compile(r"Incremented Retry for \(url=|Retry: /|Converted retries value: ")
_QUOTED = re.compile(r"(?<!=)'([^']{3,300})'|\"([^\"]{3,300})\"")
_OBJECT = re.compile(
    r"\A(?:<[^>]*>|HTTPS?Connection(?:Pool)?\([^)]*\)): (?:Failed to establish a new connection: )?"
)
_CURL_REPEATS = re.compile(
    r"Warning: (?:Transient p|P)roblem(?: \([\w ]+\))?: (?P<why>[\w ]{3,60}?)\.? "
    r"Will retry in [\d.]+ seconds?\. \d+ retr(?:y|ies) left\.?\s*\Z"
)
_BETWEEN = re.compile(r"\s*\Z|\s*\d+ .*[-:\d]+:[-:\d]+|\s*% Total")
_ANSWERED = "HTTP error"  # some response came back, of an unknown status


def find(piece: Piece) -> Iterator[Found]:
    """Yield each attempt that got no response and was repeated, and the one that got one."""
    if _SIGN not in piece.text:
        return
    done = {match["target"]: match for line in piece.lines if (match := URLLIB3_DONE.search(line))}
    calls: dict[str, tuple[str, int]] = {}  # by target: the call that goes on, and its attempts
    origin = ""
    for number, line in enumerate(piece.lines, start=1):
        if new := _NEW.search(line):
            origin = without_default_port(f"{new['scheme'].lower()}://{new['at']}")
        if new or _NOISE.search(line):
            piece.use(number)
            continue
        broken = _BROKEN.search(line) if _SIGN in line else None
        ended = URLLIB3_DONE.search(line) if calls else None
        if found := broken or ended:
            target = found["target"]
            call, attempts = calls.pop(target, (piece.at(number), 0))
            if broken or attempts:
                row = _broken(broken, done.get(target), origin) if broken else _ended(found)
                row = replace(row, at=piece.logged_at(number), source=piece.at(number))
                yield Found(number, number, replace(row, call_id=call, attempt=attempts + 1))
            if broken:
                calls[target] = call, attempts + 1


def _broken(broken: re.Match[str], done: re.Match[str] | None, origin: str) -> Exchange:
    host, target = _HOST.search(broken["text"]), broken["target"]
    if done:
        origin = without_default_port(done["origin"])
    elif host:
        scheme = "https" if host["port"] == "443" else "http"
        origin = without_default_port(f"{scheme}://{host['host']}:{host['port']}")
    return Exchange(
        method=done["method"] if done else None,
        url=target if "://" in target else origin + target,
        failure=broken["failure"],
        text=_words(broken["text"]),
    )


def _ended(done: re.Match[str]) -> Exchange:
    url = without_default_port(done["origin"]) + done["target"]
    return Exchange(method=done["method"], url=url, status=int(done["status"]))


def without_default_port(origin: str) -> str:
    """
    Return an origin without the port that it has anyway.

    Examples
    --------
    >>> without_default_port("https://us.sms.api.sinch.com:443")
    'https://us.sms.api.sinch.com'
    """
    return re.sub(r"^(https://[^:]+):443$|^(http://[^:]+):80$", r"\1\2", origin)


def _words(text: str) -> str | None:
    """Return the innermost message of an exception as Python shows it."""
    said = [one or other for one, other in _QUOTED.findall(text)]
    return _OBJECT.sub("", said[-1]) if said else None


def with_attempts(piece: Piece, sent: Found) -> Iterator[Found]:
    """Yield a request of curl, or each attempt of it: one begins with each warning."""
    warnings = list(_warnings(piece, sent.end))
    if not warnings:
        yield sent
        return
    call, first, last = piece.at(sent.start), sent.start, sent.end
    for number, (line, why) in enumerate(warnings, start=1):
        lost = replace(sent.exchange, call_id=call, attempt=number, failure=why)
        piece.use(line)
        if why != _ANSWERED:
            yield Found(first, last, lost)
        first = last = line
    final = replace(sent.exchange, call_id=call, attempt=len(warnings) + 1)
    yield Found(first, last, replace(final, source=piece.at(first)))


def _warnings(piece: Piece, after: int) -> Iterator[tuple[int, str]]:
    """Yield the line of each warning below a command, and what went wrong."""
    for number, line in enumerate(piece.lines[after:], start=after + 1):
        if again := _CURL_REPEATS.match(line):
            yield number, again["why"]
        elif not _BETWEEN.match(line):
            return
