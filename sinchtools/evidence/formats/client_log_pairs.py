"""Pair the requests and responses of a client's log, and make rows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.client_log_message import Message
from sinchtools.evidence.formats.client_log_text import headers_in
from sinchtools.evidence.formats.http_message import with_host
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece, joined

_UNCLEAR = "a response that may belong to several requests above it: it was not joined to any"
_ASSUMED = "there are requests without a response above; a response was matched with the last one"


def found(piece: Piece, messages: list[Message], noise: list[int]) -> Iterator[Found]:
    """Yield a row for each call, and a response where its request is not known."""
    for message in messages:
        message.finish()
        unfolded(message)
        if message.reply:
            unfolded(message.reply)
    messages = [message for message in _merged(messages) if not message.is_empty]
    rows = _Pairing(piece).paired(messages)
    for request, response in _calls(rows):
        if row := _row(piece, request, response):
            yield row
    if rows:
        piece.used.update(noise)


class _Pairing:
    """Gives each response to its request, or to none where that is not clear."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.waiting: list[Message] = []
        self.rows: list[tuple[Message | None, Message | None]] = []
        self.place: dict[int, int] = {}

    def paired(self, messages: list[Message]) -> list[tuple[Message | None, Message | None]]:
        for number, message in enumerate(messages):
            if not message.is_response:
                self.place[id(message)] = len(self.rows)
                self.rows.append((message, message.reply))
                if message.reply is None or not _is_answer(message.reply):
                    self.waiting.append(message)
                continue
            pool = self.pool(message)
            follows = messages[number + 1] if number + 1 < len(messages) else None
            run = bool(follows and follows.is_response and len(self.pool(follows)) > 1)
            before = messages[number - 1] if number else None
            in_run = bool(before and before.is_response and len(pool) > 1)
            if len(pool) > 1 and (run or in_run):
                self.piece.skip(message.lines[0], _UNCLEAR)
                self.piece.used.update(message.lines)
            elif pool:
                if len(pool) > 1:
                    self.piece.guess(message.lines[0], _ASSUMED)
                self.give(pool[-1], message)
            else:
                self.rows.append((None, message))
        return self.rows

    def give(self, request: Message, response: Message) -> None:
        place = next(i for i in range(1, len(self.waiting) + 1) if self.waiting[-i] is request)
        del self.waiting[-place]
        self.rows[self.place[id(request)]] = (request, response)

    def pool(self, response: Message) -> list[Message]:
        """Return the requests that a response may belong to."""
        waiting = self.waiting[-200:]
        pool = [one for one in waiting if one.key == response.key]
        if not pool and not (response.key and any(one.key for one in waiting) and waiting[1:]):
            pool = waiting
        return [one for one in pool if not response.url or _is_same(one.url, response.url)]


def _merged(messages: list[Message]) -> list[Message]:
    """Return the messages, those of two loggers that tell of one as one."""
    out: list[Message] = []
    for message in messages:
        before = next((m for m in reversed(out[-8:]) if m.key == message.key), None)
        if before and before.is_response == message.is_response and _is_twin(before, message):
            _merge(before, message)
        else:
            out.append(message)
    return out


def _is_twin(a: Message, b: Message) -> bool:
    if a.style == b.style or (a.reply and b.reply) or a.failure or b.failure:
        return False
    same = (
        a.method is None or b.method is None or a.method == b.method,
        a.url is None or b.url is None or _is_same(a.url, b.url),
        a.status is None or b.status is None or a.status == b.status,
        not a.body or not b.body or a.body == b.body,
    )
    return all(same)


def _merge(a: Message, b: Message) -> None:
    a.lines += b.lines
    a.method = a.method or b.method
    if b.url and (not a.url or (a.url.startswith("/") and not b.url.startswith("/"))):
        a.url = b.url
    a.status = a.status or b.status
    a.pairs = a.pairs or b.pairs
    a.body_lines = a.body_lines if a.body else b.body_lines
    a.elapsed = b.elapsed if b.elapsed is not None else a.elapsed
    a.reply = a.reply or b.reply
    a.at = a.at or b.at


def _calls(
    rows: list[tuple[Message | None, Message | None]],
) -> Iterator[tuple[Message | None, Message | None]]:
    """Yield the calls; a line that tells once more of the call before it is part of that."""
    before: tuple[Message | None, Message | None] | None = None
    for request, response in rows:
        if before and before[0] and request and request.style != before[0].style:
            known = before[1]
            if _is_twin(before[0], request) and known and response and _is_twin(known, response):
                _merge(before[0], request)
                _merge(known, response)
                continue
        if before:
            yield before
        before = (request, response)
    if before:
        yield before


def _row(piece: Piece, request: Message | None, response: Message | None) -> Found | None:
    """Return the row of a call, or None when it tells too little."""
    sent, got = request or Message("", "", False), response or Message("", "", True)
    lines = sorted({*sent.lines, *got.lines})
    if not (sent.url or sent.body):
        sent = Message("", "", False)
        if not _is_answer(got):
            return None
    if sent.style == "label" and not (sent.method or sent.body or response):
        return None
    headers = joined(sent.pairs)
    exchange = Exchange(
        at=sent.at or got.at,
        method=sent.method,
        url=_url(sent.url or got.url, headers),
        request_headers=headers,
        request_body=sent.body,
        status=got.status,
        response_headers=joined(got.pairs),
        response_body=got.body,
        elapsed_ms=got.elapsed,
        failure=got.failure if got.status is None else None,
    )
    piece.used.update(lines)
    return Found(lines[0], lines[0], exchange)


def _url(url: str | None, headers: dict[str, str]) -> str | None:
    return url and re.sub(r"^([a-z]+://[^/]+)//", r"\1/", with_host(url, headers))


def _is_answer(message: Message) -> bool:
    return bool(message.status or message.failure or message.body)


def _is_same(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return a is b
    one, other = urlsplit(a), urlsplit(b)
    return one.path == other.path and (not one.query or not other.query or one.query == other.query)


def unfolded(message: Message) -> None:
    """Take a message out of the JSON object in which a log shows the whole of it."""
    value = parsed(message.body or "")
    parts = {_plain(name): part for name, part in value.items()} if isinstance(value, dict) else {}
    url = next((parts[name] for name in ("url", "uri", "href") if parts.get(name)), None)
    status = next((parts[name] for name in ("statuscode", "status") if parts.get(name)), None)
    has_parts = not parts.keys().isdisjoint(("headers", "data", "content"))
    if message.is_response and isinstance(status, int) and has_parts:
        message.status = message.status or status
    elif not message.is_response and isinstance(url, str) and isinstance(parts.get("method"), str):
        message.method, message.url = parts["method"].upper(), message.url or url
    else:
        return
    headers = parts.get("headers")
    message.pairs = message.pairs or (headers_in(json.dumps(headers)) if headers else [])
    named = ("body", "data", "json", "payload", "content")
    body = next((parts[name] for name in named if parts.get(name)), None)
    text = body if isinstance(body, str) else json.dumps(body)
    message.body_lines = [] if body is None else [text]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
