"""Traces as XML: elements that are named after the parts of a request and a response."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from sinchtools.evidence.formats import client_log_pairs
from sinchtools.evidence.formats.client_log_message import Message
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_SIGN = re.compile(r"<(?:\w+:)?(?:\w*(?:Url|URL|url|Uri|URI|uri)|[Rr]equest\w*|REQUEST)\b")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.-]+")
_RAW = re.compile(r"\s*(?:[A-Z]{3,7} \S+ HTTP/\d|HTTP/\d\S* \d{3})")
_LONGEST, _DEEPEST = 20_000_000, 100


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call of a text that is one XML document."""
    text = piece.text.strip()
    if not (text.startswith("<") and text.endswith(">") and _SIGN.search(text)):
        return
    if "<!DOCTYPE" in text or "<!ENTITY" in text or len(text) > _LONGEST:
        return
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return
    calls = _Calls(piece)
    calls.walk(root, "", 0)
    found = list(client_log_pairs.found(piece, calls.messages, []))
    if found:
        piece.use(1, len(piece.lines))
    yield from found


class _Calls:
    """Collects the calls of a document, in its order."""

    def __init__(self, piece: Piece) -> None:
        self.piece, self.at = piece, 0
        self.messages: list[Message] = []

    def walk(self, element: ElementTree.Element, side: str, depth: int) -> None:
        """Take an element and what is in it."""
        name = _CAMEL.sub(" ", element.tag.rpartition("}")[2]).lower()
        value = (element.text or "").strip()
        for word in ("request", "response"):
            side = word if word in name.split() else side
        if name in ("header", "h", "http header"):
            self.header(element, side)
            return
        if value and not len(element):
            self.leaf(name, value, side)
        for attribute, text in element.attrib.items():
            self.leaf(attribute.lower(), text, side)
        for child in element if depth < _DEEPEST else ():
            self.walk(child, side, depth + 1)

    def leaf(self, name: str, value: str, side: str) -> None:
        """Take an element that holds a value."""
        if _RAW.match(value):
            is_response = value.lstrip().startswith("HTTP/")
            message = Message("xml", "", is_response, lines=[self.line(value)], raw=[value])
            self.messages.append(message)
            return
        label = f"{name}: {value}" if side in name else f"{side} {name}: {value}".strip()
        if not (self.messages and self.messages[-1].feed(label, 0, closes=False)):
            message = Message("xml", "", False, part="headers")
            if message.feed(label, 0) and (message.url or message.method):
                message.lines = [self.line(value)]
                self.messages.append(message)

    def header(self, element: ElementTree.Element, side: str) -> None:
        """Take a header: a name as attribute or as element, and its value."""
        parts = [(child.text or "").strip() for child in element]
        given = {name.lower(): value for name, value in element.attrib.items()}
        name = given.get("name") or given.get("key") or (parts[0] if parts else "")
        value = given.get("value") or (parts[1] if len(parts) > 1 else (element.text or "").strip())
        if not (self.messages and name):
            return
        last = self.messages[-1]
        if side == "response" and not last.is_response:
            last.reply = last.reply or Message("xml", "", True)
            last = last.reply
        last.pairs.append((name, value))

    def line(self, value: str) -> int:
        """Return the line in which a value stands."""
        self.at = max(self.piece.text.find(value[:40], self.at), self.at)
        return self.piece.line_of(self.at)
