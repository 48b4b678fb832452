"""
Read the logs of HTTP clients: requests and responses as marked blocks, lines or quoted text.

`client_log_marks` knows how each client marks them. A block is read until its end, its announced
length or the end of its JSON; a request and its response are paired by id, thread, URL or order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sinchtools.evidence.formats import client_log_pairs
from sinchtools.evidence.formats.client_log_lines import Prefix, prefix_of
from sinchtools.evidence.formats.client_log_marks import MARKS, Mark
from sinchtools.evidence.formats.client_log_message import Message, failure_in, sent_before
from sinchtools.evidence.formats.client_log_text import (
    headers_in,
    milliseconds,
    status_in,
    unquoted,
)
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call that the log of a client tells of."""
    letters = set(piece.text)  # most signs have one that is not there: a fifth of the search
    present = {sign for sign in _SIGNS if letters.issuperset(sign) and sign in piece.text}
    marks = [mark for mark in MARKS if not present.isdisjoint(mark.signs)]
    if "Request URL:" in piece.text and "Request Method:" in piece.text:  # a panel of a browser
        marks = [mark for mark in marks if mark.style != "label"]
    if _WIRE_TURNED.search(piece.text):
        marks = [
            mark._replace(side=_TURNED[mark.side]) if mark.style == "wire" else mark
            for mark in marks
        ]
    if all(mark.side == "none" for mark in marks):
        return
    reader = _Reader(piece, marks)
    for number, line in enumerate(piece.lines, start=1):
        reader.line(number, line)
    yield from client_log_pairs.found(piece, reader.messages, reader.noise)


_SIGNS = {sign for mark in MARKS for sign in mark.signs}
# WSO2 counts from the other end: what its client sent is marked as what came in
_WIRE_TURNED = re.compile(rf"<< \"(?:{METHODS}) \S+ HTTP/")
_TURNED = {"request": "response", "response": "request", "none": "none"}
_STATUS_TOLD = re.compile(r"[a-z] [1-5]\d\d [a-z]")  # words of a sentence, not a prefix of a log
_WORDS_AROUND = 3
_SHORT = 500  # characters of a line that all marks are searched in


@dataclass(slots=True)
class _Hit:
    """A line with a mark, and what it tells."""

    number: int
    mark: Mark
    told: dict[str, str | None]
    key: str
    prefix: Prefix
    kinds: tuple[str, ...]

    @property
    def tail(self) -> str:
        return self.told.get("tail") or ""

    @property
    def is_response(self) -> bool:
        return self.mark.side == "response"


class _Reader:
    """Reads the lines of one text into messages."""

    def __init__(self, piece: Piece, marks: list[Mark]) -> None:
        self.piece, self.marks = piece, marks
        self.messages: list[Message] = []
        self.noise: list[int] = []
        self.current: dict[str, Message] = {}  # by id or thread: what goes on
        self.last: Message | None = None
        self.above = (0, "")  # the last line without a mark

    def line(self, number: int, line: str) -> None:
        """Take one line."""
        if not line.strip():
            if self.last:
                self.last.feed("", number)
            return
        marks = [mark for mark in self.marks if any(sign in line for sign in mark.signs)]
        is_within = self.last is not None and self.last.part != "done"
        if not is_within and len(line) <= _SHORT:  # one look is cheaper than the line's prefix
            marks = [m for m in marks if m.style == "label" or m.pattern.search(line)]
        if marks or is_within:
            prefix = prefix_of(line)
            hits = self.marked(number, line, prefix, marks)
            if any(_KINDS[hit.mark.kind](self, hit) for hit in hits):
                if self.head_above(number):
                    self.noise.append(number - 1)
                return
            self.unmarked(number, line, prefix)
        self.above = (number, line)

    def head_above(self, number: int) -> Prefix | None:
        """Return the prefix that stands alone in the line above, or None."""
        if self.above[0] != number - 1:
            return None
        prefix = prefix_of(self.above[1])
        return prefix if prefix.is_log and prefix.ends[-1] >= len(self.above[1].rstrip()) else None

    def marked(self, number: int, line: str, prefix: Prefix, marks: list[Mark]) -> Iterator[_Hit]:
        """Yield what a line with a mark may tell, the most likely first."""
        for parts, start in enumerate(prefix.ends):
            start += len(line[start:]) - len(line[start:].lstrip())
            for mark in marks:
                if match := mark.pattern.match(line, start):
                    told = match.groupdict()
                    key = told.get("id") or prefix.threads[parts]
                    yield _Hit(number, mark, told, key, prefix, prefix.kinds[:parts])

    def time_of(self, number: int, prefix: Prefix) -> datetime | None:
        """Return when a line was logged, as it or the head above it says."""
        head = None if prefix.time else self.head_above(number)
        time = prefix.time or (head.time if head else None)
        return self.piece.time_of(number) or (self.piece.instant(time) if time else None)

    def unmarked(self, number: int, line: str, prefix: Prefix) -> None:
        """Take a line that goes on with a message, with the same prefix or with none."""
        message = self.last
        is_bare = prefix.is_log and prefix.ends[-1] >= len(line.rstrip())
        if message and message.kinds and prefix.kinds[: len(message.kinds)] == message.kinds:
            thread = prefix.threads[len(message.kinds)]
            same = self.current.get(thread) if thread else message
            text = line[prefix.ends[len(message.kinds)] :]
            if same and not same.is_bare:
                taken = same.feed(text, number, closes=same.style != "label")
                if taken:
                    same.lines.append(number)
                    same.is_bare = False
        elif message and not is_bare and (len(prefix.kinds) < 2 or not message.kinds):
            taken = message.feed(line, number)
            message.is_bare = bool(message.kinds) if taken else message.is_bare

    def start(self, hit: _Hit, part: str = "start") -> Message:
        """Begin a message."""
        message = Message(hit.mark.style, hit.key, hit.is_response, None, hit.kinds, part=part)
        return self.begin(message, hit)

    def begin(self, message: Message, hit: _Hit) -> Message:
        """Go on with a message that begins in this line, or with the title above it."""
        last = self.last
        if last and last.is_empty and not last.raw and last.is_response == message.is_response:
            message.lines = last.lines if last.part in ("start", "headers") else []
        message.lines.append(hit.number)
        message.at = self.time_of(hit.number, hit.prefix)
        self.messages.append(message)
        self.current[hit.key] = self.last = message
        return message

    def going_on(self, hit: _Hit, any_style: bool = False) -> Message | None:
        """Return the message of this side that goes on, or None."""
        message = self.current.get(hit.key)
        if message is None or message.is_response != hit.is_response:
            return None
        if message.part == "done" or not (any_style or message.style == hit.mark.style):
            return None
        return message

    def take_line(self, hit: _Hit) -> bool:
        """Take a start, a header or a line of a body."""
        going, tail = self.going_on(hit), hit.tail.strip()
        if tail:
            message = Message(hit.mark.style, hit.key, hit.is_response, None, hit.kinds)
            goes_on = going is not None and going.part in ("headers", "body") and tail[0] in "{["
            if not goes_on and message.tell(tail):
                self.begin(message, hit)
                return True
            return going is not None and self.feed(going, hit.tail, hit.number)
        if going and going.part == "headers" and going.pairs:
            return self.feed(going, "", hit.number)
        self.start(hit)
        return True

    def feed(self, message: Message, text: str, number: int) -> bool:
        """Feed one more line to a message that is then the last."""
        self.last = message
        taken = message.feed(text, number)
        if taken and message.lines[-1:] != [number]:
            message.lines.append(number)
        return taken

    def take_chunk(self, hit: _Hit) -> bool:
        """Take text of the wire, which may end within a line."""
        going = self.going_on(hit)
        text = unquoted(hit.tail)
        text = hit.tail + "\r\n" if text is None else text
        if not hit.is_response:
            going = going or sent_before(self.messages, self.current.get(hit.key))
        if going is None or (going.raw and _is_start(text) and going.key == hit.key):
            going = self.start(hit)
        self.current[hit.key] = going
        going.raw.append(text)
        if going.lines[-1] != hit.number:
            going.lines.append(hit.number)
        return True

    def take_prefixed(self, hit: _Hit) -> bool:
        """Take a line of curl's marks in a log; without a prefix it is not of a log."""
        if not hit.kinds:
            return False
        number, ends = len(hit.kinds), hit.prefix.ends
        before, start = ends[max(0, number - _WORDS_AROUND)], ends[number]
        told = _STATUS_TOLD.search(self.piece.lines[hit.number - 1], before, start)
        return told is None and self.take_line(hit)

    def take_answer(self, hit: _Hit) -> bool:
        """Take a sentence that tells of a response, when a request stands above it."""
        before = [one for one in self.messages[-8:] if not one.is_response]
        return bool(before) and self.take_line(hit)

    def take_rest(self, hit: _Hit) -> bool:
        """Take a line that goes on with a message of the same marks."""
        going = self.going_on(hit)
        return going is not None and self.feed(going, hit.tail, hit.number)

    def take_reply(self, hit: _Hit) -> bool:
        """Take a line of the response to a request of the same marks."""
        before = self.current.get(hit.key)
        if before is None or before.style != hit.mark.style:
            return False
        is_start = not before.is_response and hit.tail.startswith("HTTP/")
        return self.take_line(hit) if is_start else self.take_rest(hit)

    def take_title(self, hit: _Hit) -> bool:
        """Begin a message of which at most the status is known yet."""
        message = self.start(hit)
        if status := status_in(hit.tail):
            message.status = status[0]
            message.elapsed = milliseconds(hit.tail)
            message.part = "headers"
        return True

    def take_headers(self, hit: _Hit) -> bool:
        return self.section(hit, "headers")

    def take_body(self, hit: _Hit) -> bool:
        return self.section(hit, "body")

    def section(self, hit: _Hit, part: str) -> bool:
        """Go on with the headers or the body of the message that was begun."""
        message = self.going_on(hit, any_style=True) or self.without_body(hit, part)
        if message is None or (message.pairs if part == "headers" else message.body_lines):
            if part == "body":
                return False
            message = self.start(hit)
        message.part, message.is_body_marked = part, part == "body"
        if message.lines[-1] != hit.number:
            message.lines.append(hit.number)
        if hit.tail:
            message.feed(hit.tail, hit.number)
        self.last = message
        return True

    def without_body(self, hit: _Hit, part: str) -> Message | None:
        """Return the last message when its body may still come, though its head has ended."""
        last = self.current.get(hit.key)
        is_this = last is not None and last.is_response == hit.is_response and not last.body_lines
        return last if is_this and part == "body" else None

    def take_address(self, hit: _Hit) -> bool:
        """Begin a request of which only the address is known."""
        message = self.start(hit, "after")
        message.url = hit.tail
        message.at = self.piece.instant(hit.told.get("time"))
        return True

    def take_end(self, hit: _Hit) -> bool:
        """End the message that goes on."""
        message = self.current.get(hit.key) or self.last
        if message is None:
            return False
        message.close()
        message.lines.append(hit.number)
        if message.elapsed is None and message.is_response:
            message.elapsed = milliseconds(hit.tail)
        return True

    def take_failure(self, hit: _Hit) -> bool:
        message = self.start(hit, "done")
        message.failure = failure_in(hit.tail)
        return True

    def take_call(self, hit: _Hit) -> bool:
        """Take a line that tells of a whole call."""
        told = hit.told
        message = self.start(hit, "done")
        message.method, message.url = told.get("method"), told.get("url")
        message.method = (message.method or "").upper() or None
        message.body_lines = [unquoted(told.get("body") or "") or ""] if told.get("body") else []
        if told.get("host"):
            message.url = f"{told['host']}{told.get('path')}".replace(":443/", "/", 1)
        reply = message
        if told.get("status"):
            if not message.is_response:
                reply = message.reply = Message(message.style, message.key, True, part="done")
            reply.status = int(told["status"] or 0)
        reply.pairs = headers_in(told.get("headers") or "")
        return True

    def take_label(self, hit: _Hit) -> bool:
        """Take a named part of a block; the first begins it."""
        if self.take_more(hit):
            return True
        message = Message("label", hit.key, False, None, hit.kinds, part="headers")
        if not message.feed(hit.tail, 0):
            return False
        message.lines = []
        self.begin(message, hit)
        return True

    def take_again(self, hit: _Hit) -> bool:
        """Take a line that says the status once more."""
        last = self.last
        if last is None or not last.is_response or str(last.status) != hit.tail[:3]:
            last = last if last and last.raw and hit.tail[:3] in last.raw[0] else None
        if last:
            last.lines.append(hit.number)
        return last is not None

    def take_more(self, hit: _Hit) -> bool:
        """Take a named part that goes on with a block."""
        return bool(self.last and self.last.part != "done" and self.last.feed(hit.tail, hit.number))

    def take_nothing(self, hit: _Hit) -> bool:
        """Take a line that shows only that the client was at work."""
        self.noise.append(hit.number)
        return True


_KINDS: dict[str, Callable[[_Reader, _Hit], bool]] = {
    "line": _Reader.take_line,
    "chunk": _Reader.take_chunk,
    "title": _Reader.take_title,
    "headers": _Reader.take_headers,
    "body": _Reader.take_body,
    "end": _Reader.take_end,
    "failure": _Reader.take_failure,
    "call": _Reader.take_call,
    "address": _Reader.take_address,
    "label": _Reader.take_label,
    "again": _Reader.take_again,
    "more": _Reader.take_more,
    "prefixed": _Reader.take_prefixed,
    "answer": _Reader.take_answer,
    "rest": _Reader.take_rest,
    "reply": _Reader.take_reply,
    "nothing": _Reader.take_nothing,
}


def _is_start(text: str) -> bool:
    return text.startswith("HTTP/") or (" HTTP/1" in text[:4000] and text[:1].isupper())
