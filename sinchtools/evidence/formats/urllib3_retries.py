"""
Read the attempts that urllib3 repeats by itself, as its log tells of them.

A connection that broke is one line without a method; the line of the attempt that got a response
has it, and the line of a new connection has the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece

_SIGN = "connection broken by"
_BROKEN = re.compile(
    r"Retrying \(.{1,200}\) after connection broken by ['\"](?P<failure>\w{3,60})"
    r"(?P<text>.{0,1000})['\"]: (?P<target>\S{1,2000})\s*\Z"
)
_HOST = re.compile(r"\(host='(?P<host>[\w.-]+)', port=(?P<port>\d{1,5})")
_NEW = re.compile(
    r"(?:Starting new|Resetting dropped) (?P<scheme>HTTPS?) connection.*?: (?P<at>\S+)"
)
_DONE = re.compile(
    rf"(?P<origin>https?://[^\s\"/]+) \"(?P<method>{METHODS}) (?P<target>\S+) HTTP/[\d.]+\""
    r" (?P<status>\d{3})(?: \S+)?\s*\Z"
)
_NOISE = re.compile(r"Incremented Retry for \(url=|Retry: /|Converted retries value: ")
_QUOTED = re.compile(r"(?<!=)'([^']{3,300})'|\"([^\"]{3,300})\"")
_OBJECT = re.compile(
    r"\A(?:<[^>]*>|HTTPS?Connection(?:Pool)?\([^)]*\)): (?:Failed to establish a new connection: )?"
)


def find(piece: Piece) -> Iterator[Found]:
    """Yield each attempt that got no response and was repeated, and the one that got one."""
    if _SIGN not in piece.text:
        return
    done = {match["target"]: match for line in piece.lines if (match := _DONE.search(line))}
    calls: dict[str, tuple[str, int]] = {}  # by target: the call that goes on, and its attempts
    origin = ""
    for number, line in enumerate(piece.lines, start=1):
        if new := _NEW.search(line):
            origin = _origin(new["scheme"], new["at"])
        if new or _NOISE.search(line):
            piece.use(number)
            continue
        broken = _BROKEN.search(line) if _SIGN in line else None
        ended = _DONE.search(line) if calls else None
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
        origin = _origin("", done["origin"])
    elif host:
        origin = _origin("https" if host["port"] == "443" else "http", f"{host[1]}:{host['port']}")
    return Exchange(
        method=done["method"] if done else None,
        url=target if "://" in target else origin + target,
        failure=broken["failure"],
        text=_words(broken["text"]),
    )


def _ended(done: re.Match[str]) -> Exchange:
    url = _origin("", done["origin"]) + done["target"]
    return Exchange(method=done["method"], url=url, status=int(done["status"]))


def _origin(scheme: str, place: str) -> str:
    """Return an origin as a URL begins, without the port that it has anyway."""
    whole = f"{scheme.lower()}://{place}" if scheme else place
    return re.sub(r"^(https://[^:]+):443$|^(http://[^:]+):80$", r"\1\2", whole)


def _words(text: str) -> str | None:
    """Return the innermost message of an exception as Python shows it."""
    said = [one or other for one, other in _QUOTED.findall(text)]
    return _OBJECT.sub("", said[-1]) if said else None
