"""One message while the lines of a client's log are read into it: start, headers, body, end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sinchtools.evidence.formats.client_log_text import (
    dechunked,
    headers_in,
    milliseconds,
    plain_body,
    request_in,
    status_in,
    unquoted,
    url_in,
)
from sinchtools.evidence.formats.labels import label_of
from sinchtools.evidence.pieces import METHODS, json_end, words

_REQUEST_LINE = re.compile(rf"(?:{METHODS}) +(?:https?://|/)\S*(?: +\S*/[\d.]+)? *")
_STATUS_LINE = re.compile(r"(?:\w+/\d(?:\.\d)? +)?[1-5]\d\d(?: +[A-Za-z][^{}\n]{0,60})?")
_HEADER = re.compile(
    r"(?:(?:->|[*•-]|BODY) +)?\"?(:?[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80})\"? *(?::|=>|=(?=\[)) *(.*)"
)
_SECTION = re.compile(
    r"(?:\w{1,20} )?(headers|body|content|payload)(?: (start|end))?", re.IGNORECASE
)
_REPLY = re.compile(
    r"[\s;,|.)\]-]*(?:->|=>|→|<-|<=|⇒|(?:\w{1,20} )?[Rr]es(?:ponse|ult)?\b|RES|[Ss]tatus"
    r"|returned|got\b|HTTP/\d|(?<=\s)[2-5]\d\d(?: [A-Z][a-z]|\s*$"
    r"| {1,3}\(?\d{1,9}(?:\.\d{1,9})? ?(?:ms|s)\b))"
)
_NAMED_PART = re.compile(
    r"\b(headers|body|data|json|payload|content)\b[\"']?\s*(?:[:=]>?\s*|\[(?=[{\[]))(?=[\[{\"'b(])",
    re.IGNORECASE,
)
_BODY_START = re.compile(
    r"b?[\"'{\[]|<[A-Za-z!?/]|[\w.%+\[\]-]{1,80}=[^\s=]*(?:&[\w.%+\[\]-]{1,80}=\S*)*\Z"
)
_JSON_START = re.compile(r"[{\[]\s*(?:[\"'{\[\]}\d]|$)")
_YAML_FIELD = re.compile(r"[A-Za-z_][\w-]*:(?:\s|$)")
_NO_BODY = words("array none null nil - (empty) <empty> [] '' \"\" empty undefined")
_NO_PART = re.compile(r"\((?:no|empty) (?:query|headers?|body|content)[\w ]{0,20}\)", re.IGNORECASE)
_MOST_TRIES, _MOST_LINES = 60, 200_000


def sent_before(messages: list[Message], interim: Message | None) -> Message | None:
    """Return the request that goes on after a `100 Continue`, which becomes a part of it."""
    if interim is None or not "".join(interim.raw[:1]).startswith("HTTP/1.1 1"):
        return None
    before = [one for one in messages[-8:] if one.key == interim.key and not one.is_response]
    if before and messages[-1] is interim:
        messages.pop()
        before[-1].lines += interim.lines
    return before[-1] if before else None


@dataclass(slots=True)
class Message:
    """One request or response, as far as the lines up to here tell."""

    style: str  # the spelling of the log that it is known by
    key: str  # what tells calls apart: an id, else the thread
    is_response: bool
    at: datetime | None = None
    kinds: tuple[str, ...] = ()  # the parts of the prefix that stand before each of its lines
    lines: list[int] = field(default_factory=list)
    method: str | None = None
    url: str | None = None
    status: int | None = None
    elapsed: float | None = None
    failure: str | None = None
    pairs: list[tuple[str, str]] = field(default_factory=list)
    body_lines: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    # what the next line may be: `start`, `headers`, `body`, `after` the body, or `done`
    part: str = "start"
    reply: Message | None = None  # the response, where one line or block tells of both
    tries: int = 0
    in_headers: bool = False
    # whether the lines below the first stand without its prefix; None while there is none
    is_bare: bool | None = None
    is_body_marked: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known that a row could show."""
        known = (self.method, self.url, self.status, self.failure, self.reply)
        return not any(known) and not self.pairs and not self.body

    @property
    def body(self) -> str | None:
        """The body as it was sent, or None."""
        text = "\n".join(self.body_lines).strip("\r\n")
        if not text.strip():
            return None
        end = json_end(text.lstrip())
        return text.lstrip()[:end] if end else plain_body(text)

    def tell(self, text: str) -> bool:
        """Take what the first line tells; return whether that is a start."""
        return self._tell_response(text) if self.is_response else self._tell_request(text)

    def _tell_request(self, text: str) -> bool:
        raw = unquoted(text)
        if raw and "HTTP/" in raw[:4000]:
            return self._tell_raw(raw)
        found = request_in(text)
        end = 0
        if found:
            self.method, self.url, end = found
        elif re.fullmatch(r"<?https?://\S+", text):
            self.url, end = text.strip("<>"), len(text)
        elif not _JSON_START.match(text):
            return False
        rest = self._parts(text[end:])
        if behind := _REPLY.match(rest):
            reply = Message(self.style, self.key, True, self.at)
            if reply.tell(rest) or reply.tell(rest[behind.end() :].lstrip(" :=->")):
                self.reply = reply
        self.part = "after" if self.body_lines else "headers"
        self._expects_headers(text)
        return True

    def _tell_raw(self, raw: str) -> bool:
        self.raw.append(raw)
        self.finish()
        return True

    def _tell_response(self, text: str) -> bool:
        raw = unquoted(text)
        if raw and raw.startswith("HTTP/"):
            return self._tell_raw(raw)
        found = status_in(text)
        if found:
            self.status = found[0]
            self.url = url_in(text)
            request = request_in(text)
            self.url = request[1] if request else self.url
        elif not _JSON_START.match(text):
            return False
        start = text.find("{") if found else 0
        words_ = text if start < 0 else text[:start]
        self.elapsed = milliseconds(words_.replace(self.url or "\0", ""))
        rest = self._parts(text[found[1] :] if found else text)
        self.elapsed = (
            milliseconds(rest) if self.elapsed is None and self.body_lines else self.elapsed
        )
        self.part = "after" if self.body_lines else "headers"
        return True

    def _parts(self, text: str) -> str:
        """Take headers and body out of the rest of a line; return what stands behind them."""
        rest, named = text, False
        for match in _NAMED_PART.finditer(text[:100_000]):
            if match.end() < len(text) - len(rest):
                continue
            if not named and json_starts_before(text, match.start()):
                break
            named = True
            value, end = value_at(text, match.end())
            rest = text[end:]
            if match[1].lower() == "headers":
                self.pairs += headers_in(value)
            else:
                self.body_lines = [plain_body(value)]
        if named:
            return rest
        for match in islice(re.finditer(r"[{\[]", text[:2000]), 5):
            if closing := json_end(text, match.start()):
                self.body_lines = [text[match.start() : closing]]
                return text[closing:]
            if match[0] == "{":
                break
        opening = _JSON_START.search(text[:2000])
        if opening and opening[0][0] == "{" and not text.strip().endswith(("}", "]")):
            self.body_lines, self.part = [text[opening.start() :]], "body"
        elif opening and opening[0][0] == "{":
            self.body_lines = [plain_body(text[opening.start() :])]
        return text

    def feed(self, line: str, number: int, *, closes: bool = True) -> bool:
        """Take a line that follows; return whether it belongs here. Another one closes it."""
        if self.reply and self.reply.part != "done" and not self.is_response:
            return self._feed_both(line, number, closes)
        taken = self.part != "done" and len(self.lines) < _MOST_LINES and self._takes(line)
        if taken and line.strip():
            self.lines.append(number)
            self._expects_headers(line)
        if not taken and closes:
            self.close()
        return taken

    def _expects_headers(self, line: str) -> None:
        if line.rstrip().endswith((" Headers:", " headers:")):
            self.part, self.in_headers = "headers", True

    def _feed_both(self, line: str, number: int, closes: bool) -> bool:
        reply = self.reply
        if reply is None:
            return False
        label = label_of(line)
        mine = (
            label is not None
            and not self._has(label[0])
            and not label[2]
            and not _for_reply(label[0])
        )
        taken = self._takes(line) if mine else reply._takes(line)
        if taken and line.strip():
            self.lines.append(number)
        if not taken and closes:
            self.close()
        return taken

    def _has(self, kind: str) -> bool:
        held = {"body": "body_lines", "headers": "pairs"}.get(kind, kind)
        return bool(getattr(self, held, None))

    def close(self) -> None:
        """Take no further line."""
        self.part = "done"
        if self.reply:
            self.reply.part = "done"

    def finish(self) -> None:
        """Read the raw text of the wire, if that is what was collected."""
        if not self.raw:
            return
        text, self.raw, self.part = "".join(self.raw), [], "start"
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        for line in head.split("\n"):
            if self.part != "start" or not self._starts(line.strip()):
                self._header(line)
            self.part = "headers"
        names = {name.lower(): value.lower() for name, value in self.pairs}
        if "chunked" in names.get("transfer-encoding", ""):
            body = dechunked(body)
        self.body_lines = [body] if body else self.body_lines
        self.part = "done"

    def _takes(self, line: str) -> bool:
        text = line.strip()
        if self.raw:
            return False
        if _NO_PART.fullmatch(text):
            return True
        if self.part not in ("start", "headers"):
            return self._takes_body(line, text)
        if not text:
            is_end = self.part == "headers" and (self.pairs or self.style != "label")
            self.part = "body" if is_end else self.part
            return True
        if self.part == "start" and self._starts(text):
            self.part = "headers"
            return True
        return self._takes_header(line, text)

    def _starts(self, text: str) -> bool:
        if self.is_response and self.status is None and _STATUS_LINE.fullmatch(text):
            found = status_in(text)
            self.status = found[0] if found else None
            return True
        if not self.is_response and self.method is None and _REQUEST_LINE.fullmatch(text):
            self.method, url = text.split()[:2]
            self.url = self.url or url
            return True
        return False

    def _takes_header(self, line: str, text: str) -> bool:
        if self._says_again(text) or self._takes_label(text) or self._takes_brace(text):
            return True
        if _JSON_START.match(text) or text.startswith(("<", "b'", 'b"')):
            return self._takes_body(line, text)
        return self._header(line)

    def _says_again(self, text: str) -> bool:
        """Tell whether a line is the start once more, as the wire shows it."""
        if self.pairs or self.body_lines:
            return False
        if self._starts(text):
            return True
        if self.is_response:
            return bool(self.status and text.startswith("HTTP/") and str(self.status) in text)
        target = text.split()[1] if _REQUEST_LINE.fullmatch(text) else "\0"
        return bool(self.url and self.url.partition("?")[0].endswith(target.partition("?")[0]))

    def _takes_brace(self, text: str) -> bool:
        """Take a brace around headers."""
        if text == "{" and self.in_headers and not self.pairs:
            self.in_headers = False
            return True
        if text == "}" and self.pairs:
            self.part = "body"
            return True
        return False

    def _header(self, line: str) -> bool:
        text = line.strip()
        match = _HEADER.fullmatch(text)
        if match is None:
            if self.pairs and line[:1] in " \t" and text:
                self.pairs[-1] = (self.pairs[-1][0], f"{self.pairs[-1][1]} {text}")
                return True
            return False
        name, value = match[1], match[2].strip()
        value = value.rstrip(",") if match[2][:1] in "\"'" else value
        if len(value) > 1 and value[0] + value[-1] in ("''", '""', "[]"):
            value = value[1:-1]
        if name.lower() == ":status" and value[:3].isdigit():
            self.status = int(value[:3])
        else:
            self.pairs.append((name, value))
        if self.part == "start":
            self.part = "headers"
        return True

    def _takes_label(self, text: str) -> bool:
        if match := _SECTION.fullmatch(text.rstrip(": ")):
            kind, edge = match[1].lower(), (match[2] or "").lower()
            if edge == "end":
                self.part = "after"
            elif kind != "headers":
                self.part = "body" if not self.body_lines else "after"
                self.is_body_marked = True
            else:
                self.part = "headers"
            return True
        label = label_of(text)
        if label is None:
            return False
        kind, value, of_response = label
        if kind == "url" and (named := re.search(rf"\b({METHODS})\b", text.partition(value)[0])):
            self.method = self.method or named[1]
        if (of_response or _for_reply(kind)) and not self.is_response:
            self.reply = self.reply or Message(self.style, self.key, True)
            return self.reply._apply(kind, value)
        return self._apply(kind, value)

    def _apply(self, kind: str, value: str) -> bool:
        if kind in ("url", "method") and getattr(self, kind):
            return False
        if kind == "url":
            if not re.match(r"<?[a-z]{2,5}://|/", value):
                return False
            found = request_in(value)
            self.method = self.method or (found[0] if found else None)
            self.url = url_in(value) or value.partition(" ")[0] or None
        elif kind == "method":
            match = re.search(rf"\b({METHODS})\b", value)
            self.method = match[1] if match else None
            return match is not None
        elif kind == "status":
            if self.status is None and (told := status_in(value)):
                self.status = told[0]
            return self.status is not None
        elif kind == "elapsed":
            self.elapsed = milliseconds(value) if self.elapsed is None else self.elapsed
        elif kind == "headers":
            self.pairs += headers_in(value)
            self.part, self.in_headers = "headers", not value
        elif kind == "failure":
            self.failure = failure_in(value)
        elif kind == "body":
            return self._body_label(value)
        return True

    def _body_label(self, value: str) -> bool:
        if self.body_lines:
            return False
        self.part, self.is_body_marked = "body", True
        if not value.strip() or value.strip().lower() in _NO_BODY:
            return True
        if self.is_response and (unquoted(value) or "").startswith("HTTP/"):
            return self._tell_response(value)
        found = status_in(value) if self.is_response and self.status is None else None
        if found and found[1] < 30 and not value.lstrip().startswith(("{", "[")):
            return self._tell_response(value)
        self.body_lines.append(value)
        self.part = "body" if self._is_open() else "after"
        return True

    def _takes_body(self, line: str, text: str) -> bool:
        if self.part == "after" or not self.body_lines:
            if not text:
                self.is_body_marked = False  # words of another paragraph are no body
                return True
            if self._takes_label(text):
                return True
            if self.part == "after" or not self._may_be_body(text):
                return False
        elif not self._is_open():
            self.part = "body" if text else "after"
            return not text
        self.body_lines.append(line)
        self.part = "body" if self._is_open() else "after"
        return True

    def _may_be_body(self, text: str) -> bool:
        """Tell whether a line may begin a body: any may, where a mark or a length says so."""
        if _BODY_START.match(text) or (
            self.is_body_marked and not _YAML_FIELD.match(text) and any(map(str.isalnum, text))
        ):
            return True
        lengths = [value for name, value in self.pairs if name.lower() == "content-length"]
        return lengths == [str(len(text.encode("utf-8", "replace")))]

    def _is_open(self) -> bool:
        """Tell whether the body is JSON or a page that does not end yet."""
        first, last = self.body_lines[0].lstrip(), self.body_lines[-1].rstrip()
        if first.startswith("<"):
            return "</html>" not in last.lower() and len(self.body_lines) < 500
        if first[:1] not in ("{", "["):
            return False
        if last[-1:] not in "}]" or not last or self.tries > _MOST_TRIES:
            return len(self.body_lines) == 1 or self.tries <= _MOST_TRIES
        if len(self.body_lines) > 1 and last.strip() not in ("}", "]", "}]") and len(last) < 40:
            return True
        self.tries += 1
        return (
            json_end("\n".join(self.body_lines).lstrip()) is None and len(self.body_lines) > 1
        ) or (
            len(self.body_lines) == 1
            and json_end(first) is None
            and plain_body(first) == first.strip()
            and len(first) < 3
        )


def failure_in(text: str) -> str | None:
    """Return the class of the error that a text begins with, or its first words."""
    match = re.match(r"(?:[\w$]+\.)*([\w$]+(?:Exception|Error|Timeout)\w*)", text.strip())
    return match[1] if match else text.strip()[:80] or None


def _for_reply(kind: str) -> bool:
    return kind in ("status", "elapsed", "failure")


def json_starts_before(text: str, end: int) -> bool:
    """Tell whether a JSON value begins before a place."""
    return _JSON_START.search(text, 0, end) is not None


def value_at(text: str, start: int) -> tuple[str, int]:
    """Return the value that starts at a place and where it ends."""
    if end := json_end(text, start):
        return text[start:end], end
    quote = re.compile(r"b?([\"'])").match(text, start)
    if quote:
        close = text.find(quote[1], quote.end())
        while close > 0 and text[close - 1] == "\\":
            close = text.find(quote[1], close + 1)
        if close > 0:
            inside = text[quote.end() : close]
            return (text[start : close + 1] if text[start] == "b" else inside), close + 1
    closing = {"{": "}", "[": "]", "(": ")"}.get(text[start], "")
    depth = 0
    for place in range(start, min(len(text), start + 20_000)):
        if text[place] == text[start]:
            depth += 1
        elif text[place] == closing:
            depth -= 1
        if closing and depth == 0:
            return text[start : place + 1], place + 1
    return text[start:], len(text)
