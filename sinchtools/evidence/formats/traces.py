"""
Dumps of what went over the wire: curl's traces, hex dumps, packets as text.

Each gives raw text with a direction; what it holds is read as any HTTP message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from sinchtools.evidence.formats import client_log_pairs, traces_packets, traces_xml
from sinchtools.evidence.formats.client_log_lines import prefix_of
from sinchtools.evidence.formats.client_log_message import Message, sent_before
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_CURL = re.compile(
    r"(?:(?P<time>\d\d:\d\d:\d\d\.\d{6}) )?(?:\[(?P<id>[\dx-]+)\] )?"
    r"(?P<way>=>|<=|==) (?P<what>Send|Recv|Info)(?P<rest>[: ].*)"
)
_DUMP = re.compile(r"(?:0x)?(?P<at>[0-9a-f]{4,8}):(?: {1,2}(?P<text>.*)|)")
_HEX = re.compile(r"(?:[0-9a-f]{2} ){1,16}")
_NETTY = re.compile(r"\[(?P<id>[\w-]{4,20}), [^\]]*\] (?P<way>WRITE|READ): \d+B ?(?P<rest>.*)")
_NETTY_ROW = re.compile(r"\|[0-9a-f]{8}\| (?P<hex>[0-9a-f ]{48})\|.*\|")
_NETTY_NOISE = re.compile(r" *(?:\+-+\+|\| +0  1  2  3 )|\[[\w-]{4,20}, .*\] [A-Z_ ]{4,24}(?:: |$)")


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call that the dumps in a text hold."""
    messages: list[Message] = []
    noise: list[int] = []
    if "=> Send " in piece.text or "<= Recv " in piece.text:
        messages += _curl(piece, noise)
    if "B |" in piece.text or "|00000000| " in piece.text or "WRITE: " in piece.text:
        messages += _netty(piece, noise)
    yield from client_log_pairs.found(piece, messages, noise)
    yield from traces_packets.find(piece)
    yield from traces_xml.find(piece)


def _curl(piece: Piece, noise: list[int]) -> list[Message]:
    """Return the messages of a trace that curl wrote, as text or in hexadecimal."""
    stream = _Stream(piece)
    block: list[tuple[int, str]] = []
    head: re.Match[str] | None = None
    for number, line in enumerate([*piece.lines, ""], start=1):
        match = _CURL.fullmatch(line)
        dumped = None if match or head is None else _DUMP.fullmatch(line)
        if dumped:
            block.append((number, line))
            continue
        if head is not None:
            _end_of_block(stream, head, block, noise)
        block = [(number, line)] if match else []
        head = match
    return stream.messages


def _end_of_block(
    stream: _Stream, head: re.Match[str], block: list[tuple[int, str]], noise: list[int]
) -> None:
    if head["what"] == "Info" or "SSL data" in head["rest"]:
        noise.extend(number for number, _ in block)
        return
    lines = [number for number, _ in block]
    text = _dumped([line for _, line in block[1:]])
    stream.add(head["id"] or "", head["way"] == "<=", text, lines, head["time"])


def _dumped(lines: list[str]) -> str:
    """Return what the lines of a dump stand for."""
    found = [match for line in lines if (match := _DUMP.fullmatch(line))]
    rows = [(int(match["at"], 16), match["text"] or "") for match in found]
    if rows and all(map(_is_hex, rows)):
        data = b"".join(bytes.fromhex(_hex_of(row)) for row in rows)
        return data.decode("utf-8", "replace")
    out: list[str] = []
    for (at, text), following in zip(rows, [*rows[1:], None], strict=True):
        out.append(text)
        if not text or (following is not None and following[0] > at + len(text)):
            out.append("\r\n")
    return "".join(out)


def _is_hex(row: tuple[int, str]) -> bool:
    return bool(_hex_of(row)) and len(row[1]) > len(_hex_of(row)) + 1


def _hex_of(row: tuple[int, str]) -> str:
    match = _HEX.match(row[1])
    return match[0].rstrip() if match else ""


class _Stream:
    """Collects raw text by connection and direction into messages."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.messages: list[Message] = []
        self.current: dict[str, Message] = {}

    def add(
        self, key: str, is_response: bool, text: str, lines: list[int], time: str | None
    ) -> None:
        """Add text that was sent or received."""
        message = self.current.get(key)
        if message is None or message.is_response != is_response:
            sent = None if is_response else sent_before(self.messages, message)
            if sent:
                message = sent
            else:
                at = self.piece.time_of(lines[0]) or (self.piece.instant(time) if time else None)
                message = Message("dump", key, is_response, at)
                self.messages.append(message)
            self.current[key] = message
        if is_response and text and not text.endswith("\n") and _is_head(message.raw, text):
            text += "\r\n"
        message.raw.append(text)
        message.lines += lines


def _is_head(raw: list[str], text: str) -> bool:
    """Tell whether a text is a header line whose end a dump as text does not show."""
    return not any(part.strip() == "" for part in raw) and not text.startswith(("{", "[", "<"))


def _netty(piece: Piece, noise: list[int]) -> list[Message]:
    """Return the messages that reactor-netty's wiretap shows."""
    stream = _Stream(piece)
    going: tuple[str, bool, list[int], list[str], str | None] | None = None
    for number, line in enumerate([*piece.lines, "\0"], start=1):
        match = _NETTY.search(line) if ("WRITE: " in line or "READ: " in line) else None
        row = None if match else _NETTY_ROW.search(line)
        if row and going:
            going[2].append(number)
            going[3].append(bytes.fromhex(row["hex"]).decode("latin-1"))
        elif match or _NETTY_NOISE.search(line) or line == "\0":
            if not match and line != "\0":
                noise.append(number)
                continue
            if going:
                _add(stream, going)
            time = prefix_of(line).time
            going = (match["id"], match["way"] == "READ", [number], [], time) if match else None
            if match and match["rest"] and going:
                going[3].append(match["rest"] + "\r\n")
        elif going and going[3] and not _is_raw(going[3][0]) and not prefix_of(line).kinds[1:]:
            going[2].append(number)
            going[3].append(line + "\r\n")
    return stream.messages


def _is_raw(text: str) -> bool:
    return len(text) == 16 and not text.endswith("\r\n")


def _add(stream: _Stream, going: tuple[str, bool, list[int], list[str], str | None]) -> None:
    key, is_response, lines, parts, time = going
    text = "".join(parts)
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    stream.add(key, is_response, text, lines, time)
