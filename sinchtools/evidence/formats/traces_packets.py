"""Packets as text: tcpdump, tshark, and a stream that Wireshark shows as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sinchtools.evidence.formats import client_log_pairs
from sinchtools.evidence.formats.client_log_message import Message
from sinchtools.evidence.formats.client_log_text import milliseconds
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece

_START = rf"(?:(?:{METHODS}) (?:/|https?://)\S{{0,4000}} HTTP/1\.[01]|HTTP/1\.[01] [1-5]\d\d\b)"
_PACKET = re.compile(
    r"(?:\S+ )?(?P<time>\d\d:\d\d:\d\d\.\d{1,9})?.{0,20}\bIP6? "
    r"(?P<a>\S+) > (?P<b>[^\s:]+(?::\S+)?): .*"
)
_FOLLOWED_ROW = re.compile(
    r"(?P<indent>(?: {4}|\t)?)[0-9A-Fa-f]{8}  "
    r"(?P<hex>(?:[0-9A-Fa-f]{2} {1,2}){1,16}) {0,50}\S.{0,17}"
)
_NGREP = re.compile(r"^T \S{3,60}:\d+ -> \S{3,60}:\d+ \[", re.MULTILINE)
_HEX_ROW = re.compile(r"\s+0x[0-9a-f]{4}:\s+(?P<hex>(?:[0-9a-f]{2,4} ?){1,8})(?:  .*)?")
_GLUED = re.compile(rf"(?<=[}}\]>])(?={_START})")
_FIRST = re.compile(_START)
_TSHARK = "Hypertext Transfer Protocol"
_FIELD = re.compile(r" {4}(?P<text>(?!\\r)\S.*?|)(?:\\r)?\\n")
_DATA = re.compile(r"(?:Line-based text data|JavaScript Object Notation|Media Type|Data)\b.*")
_KNOWN = re.compile(
    r" +\[(?P<name>Full request URI|Time since request|Request URI): (?P<value>.*?)\]"
)
_ARRIVAL = re.compile(r" +(?:UTC )?Arrival Time: (?P<time>.*)")


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call of the packets that a text shows."""
    messages: list[Message] = []
    noise: list[int] = []
    if _TSHARK in piece.text:
        messages = _tshark(piece, noise)
    elif " > " in piece.text and "IP" in piece.text and " Flags [" in piece.text:
        messages = _tcpdump(piece, noise)
    elif _NGREP.search(piece.text):
        messages = _ngrep(piece)
    elif sum(1 for line in piece.lines[:40] if _FOLLOWED_ROW.fullmatch(line)) > 2:
        messages = _hexadecimal(piece)
    elif _GLUED.search(piece.text):
        messages = _followed(piece)
    yield from client_log_pairs.found(piece, messages, noise)


def _followed(piece: Piece) -> list[Message]:
    """Return the messages of a stream in which each follows the one before without a line end."""
    messages: list[Message] = []
    message: Message | None = None
    for number, line in enumerate(piece.lines, start=1):
        for part in _GLUED.split(line):
            if _FIRST.match(part):
                message = _begin(messages, part, number)
            if message is not None:
                message.raw.append(part + ("\r\n" if line.endswith(part) else ""))
                if part.strip():
                    _count_line(message, number)
    return messages


def _hexadecimal(piece: Piece) -> list[Message]:
    """Return the messages of a followed stream in hexadecimal; what came back is indented."""
    messages: list[Message] = []
    for number, line in enumerate(piece.lines, start=1):
        row = _FOLLOWED_ROW.fullmatch(line)
        if not row:
            continue
        text = bytes.fromhex(row["hex"]).decode("latin-1")
        if not messages or messages[-1].is_response != bool(row["indent"]):
            messages.append(Message("packets", "", bool(row["indent"]), lines=[number]))
        messages[-1].raw.append(text)
        messages[-1].lines.append(number)
    for message in messages:
        message.raw = ["".join(message.raw).encode("latin-1").decode("utf-8", "replace")]
    return messages


def _begin(messages: list[Message], text: str, number: int, key: str = "") -> Message:
    message = Message("packets", key, text.startswith("HTTP/"), lines=[number])
    messages.append(message)
    return message


def _count_line(message: Message, number: int) -> None:
    if message.lines[-1] != number:
        message.lines.append(number)


def _ngrep(piece: Piece) -> list[Message]:
    """
    Return the messages that ngrep shows.

    By line a dot stands for each line's return; else the whole is one line with two for each end.
    """
    messages: list[Message] = []
    message: Message | None = None
    for number, line in enumerate(piece.lines, start=1):
        if _NGREP.match(line) or line.startswith("##"):
            message = None
        elif _FIRST.match(line):
            message = _begin(messages, line, number)
        if message and "...." in line and _FIRST.match(line):
            head, _, body = line.partition("....")
            message.raw.append(head.replace("..", "\r\n") + "\r\n\r\n" + body)
        elif message:
            message.raw.append(line.removesuffix(".") + "\r\n")
            _count_line(message, number)
    return messages


def _tcpdump(piece: Piece, noise: list[int]) -> list[Message]:
    """Return the messages in the packets that tcpdump shows as text or in hexadecimal."""
    messages: list[Message] = []
    for head, block in _packets(piece):
        numbers = [number for number, _ in block]
        text = _payload([line for _, line in block[1:]])
        start = _FIRST.search(text)
        key = " ".join(sorted((head["a"], head["b"])))
        going = next((m for m in reversed(messages) if m.key == key), None)
        if start:
            going = _begin(messages, start[0], numbers[0], key)
            going.at = piece.instant(head["time"]) if head["time"] else None
            going.raw.append(text[start.start() :])
            going.lines = numbers
        elif going and (body := _behind_head(text)):
            going.raw.append(body)
            going.lines += numbers
        else:
            noise += numbers
    return messages


def _packets(piece: Piece) -> Iterator[tuple[re.Match[str], list[tuple[int, str]]]]:
    head: re.Match[str] | None = None
    block: list[tuple[int, str]] = []
    for number, line in enumerate(piece.lines, start=1):
        match = _PACKET.fullmatch(line) if " > " in line and "IP" in line[:60] else None
        if match:
            if head:
                yield head, block
            head, block = match, []
        if head:
            block.append((number, line))
    if head:
        yield head, block


def _payload(lines: list[str]) -> str:
    """Return the text of a packet, with what stands for its heads before it."""
    rows = [match for line in lines if (match := _HEX_ROW.fullmatch(line))]
    if rows and len(rows) >= len([line for line in lines if line.strip()]):
        data = bytes.fromhex("".join(row["hex"].replace(" ", "") for row in rows))
        return data.decode("utf-8", "replace")
    return "\r\n".join(lines).rstrip("\r\n\t ")


def _behind_head(text: str) -> str:
    """Return the body in a packet of which the head is shown as dots, or nothing."""
    match = re.search(r"[{\[<]\s*[\"{\w<]", text)
    return text[match.start() :] if match and "HTTP" not in text else ""


def _tshark(piece: Piece, noise: list[int]) -> list[Message]:
    """Return the messages that tshark or Wireshark shows in full."""
    messages: list[Message] = []
    message: Message | None = None
    part, time = "", ""
    for number, line in enumerate(piece.lines, start=1):
        if match := _ARRIVAL.match(line):
            time = match["time"]
        if line.startswith("Frame "):
            message, part, time = None, "", ""
        elif line.startswith(_TSHARK):
            part = "head"
        elif line and not line.startswith(" "):
            part = "data" if _DATA.match(line) else ""
        elif part == "head" and (match := _FIELD.fullmatch(line)):
            if _FIRST.match(match["text"]):
                message = _begin(messages, match["text"], number)
                message.at = piece.instant(time)
            if message:
                message.raw.append(match["text"] + "\r\n")
        elif part == "head" and message and (match := _KNOWN.fullmatch(line)):
            _known(message, match["name"], match["value"])
        elif part == "data" and message and line.strip().startswith(("{", "[", "<")):
            message.raw.append(line.strip())
            part = "read"
        if message and line.strip():
            _count_line(message, number)
        elif line.strip():
            noise.append(number)
    return messages


def _known(message: Message, name: str, value: str) -> None:
    if name == "Full request URI":
        message.url = value.strip("[]")
    elif name == "Time since request":
        message.elapsed = milliseconds(value)
