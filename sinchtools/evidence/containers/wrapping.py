"""Join lines that a mail program has wrapped: commands, first lines and headers of messages."""

from __future__ import annotations

import re

from sinchtools.evidence.pieces import METHODS, json_end

_METHOD = rf"(?:XHR ?)?(?:{METHODS})"  # a console of Firefox puts the two together
_SIGN = re.compile(rf"\bcurl\b|^[ \t]*{_METHOD}(?: |$)|HTTP/\d", re.MULTILINE)
_COMMAND = re.compile(r"[ \t]*(?:[$#%>] |PS [^>]{0,80}> ?)?curl(?:\.exe)?(?: |$)")
_OPTION_LAST = re.compile(
    r"(?:^|\s)(?:-[HdXuFAbeo]|--[a-z][a-z-]{2,30}|(?:-X|--request) ?\w+|curl)\s*$"
)
_GOES_ON = re.compile(r"\s*(?:-[A-Za-z]\b(?! ?[a-z])|--[a-z])")
# a URL or a token that goes on in the next line
_WITHIN = re.compile(r"(?:https?://[^\s\"']*|Bearer [\w.~+/=-]{8,})$")
_REST = re.compile(r"(?!HTTP/|(?:application|text)/|[./])[\w.~%/?=&,+-]{4,}[\"']?(?:\s|$)")
_SEPARATED = re.compile(r"[/?=&_.-]$")
_OF_URL = re.compile(r"[/\d?=]|batches|groups|inbounds")
_RESOURCE = re.compile(r"/(?:batches|groups|inbounds|delivery_reports?)\b")
_OPEN_END = re.compile(r"[\\`^]\s*$")
_NEW_VALUE = re.compile(r"[\s\"{}\[\],]|\w*> ")
_FIRST = re.compile(rf"[ \t]*{_METHOD} +\S+(?: +HTTP/[\d.]+)?\s*|HTTP/\d(?:\.\d)? +\d{{3}}.*")
_FIRST_HALF = re.compile(rf"[ \t]*{_METHOD}(?: +\S+)?\s*")
_METHOD_ALONE = re.compile(rf"[ \t]*{_METHOD}\s*")
_VERSION = re.compile(r"HTTP/[\d.]+\s*")
_PATH = re.compile(r"(?:https?://|/)\S*(?: +HTTP/[\d.]+)?\s*")
_HEADER = re.compile(r"[A-Za-z][\w-]{0,60}:(?:\s.*|)")
_VALUE = re.compile(r"(?:Bearer |Basic |Token )?[A-Za-z0-9._~+/=-]{4,}(?:; ?[\w=-]+)?\s*", re.I)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{4,}\s*")
_EMPTY = re.compile(r":\s*(?:Bearer|Basic|Token)?\s*$", re.IGNORECASE)
# headers whose value may be longer than a line
_LONG_HEADER = re.compile(
    r"[\w-]{0,60}(?:auth|token|cookie|key|signature|location|referer|type)[\w-]{0,40}:",
    re.IGNORECASE,
)
# in quoted-printable a line that goes on ends so; no token has it within
_SOFT = re.compile(r"(?<=[\w.~+/-])=$")
_SOFT_IN_COMMAND = re.compile(r"(?<=Bearer )([\w.~+/-]{8,})=$")
_SHORTEST = 35  # characters of a line that was wrapped within a word
_TAIL = 80  # characters at the end of a line that say whether it goes on
_NARROWEST, _WIDEST = 60, 400  # characters of a line in a terminal
_LOGGED = re.compile(rf"\"(?:{METHODS}) \S+ HTTP/[\d.]+\" [1-5]\d\d\b")
_MOST_LINES = 200  # of one command or header


def rejoined(lines: list[str]) -> tuple[list[str], list[int]]:
    """
    Return the lines with those joined that were one, and the line that each came from.

    Examples
    --------
    >>> rejoined(["curl -X POST", "https://us.sms.api.sinch.com", "", "Regards"])[0]
    ['curl -X POST https://us.sms.api.sinch.com', '', 'Regards']
    """
    unfolded = _unfolded(lines)
    if unfolded is not None:
        return unfolded
    if not _SIGN.search("\n".join(lines)):
        return lines, list(range(1, len(lines) + 1))
    made: list[str] = []
    numbers: list[int] = []
    at = 0
    while at < len(lines):
        if _COMMAND.match(lines[at]):
            run = _command(lines, at)
        elif _is_head(lines[at], made[-1] if made else ""):
            run = _head(lines, at)
        else:
            run = [(lines[at], at + 1)], at + 1
        made += [text for text, _ in run[0]]
        numbers += [number for _, number in run[0]]
        at = run[1]
    return made, numbers


def _unfolded(lines: list[str]) -> tuple[list[str], list[int]] | None:
    """Return the lines with those joined that a terminal broke at its width; None without any."""
    width = max(map(len, lines), default=0)
    if not _NARROWEST <= width <= _WIDEST:
        return None
    made: list[str] = []
    numbers: list[int] = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) - 1 and end < at + _MOST_LINES and len(lines[end]) == width:
            end += 1
        parts = lines[at : end + 1]
        parts = ["".join(parts)] if end > at and _is_one_line(parts) else parts
        made += parts
        numbers += range(at + 1, at + 1 + len(parts))
        at = end + 1
    return (made, numbers) if len(made) < len(lines) else None


def _is_one_line(parts: list[str]) -> bool:
    """Tell whether parts are a line of a log together, and none of them is one alone."""
    whole = "".join(parts)
    if whole.startswith("{"):
        return json_end(whole, 0) == len(whole.rstrip())
    return bool(_LOGGED.search(whole)) and not any(map(_LOGGED.search, parts))


def _command(lines: list[str], start: int) -> tuple[list[tuple[str, int]], int]:
    """Return the lines of a command, joined where they were wrapped, and the place after it."""
    run, at = [(lines[start], start + 1)], start + 1
    quote = _open_quote(lines[start], "")
    while at < min(len(lines), start + _MOST_LINES) and (lines[at].strip() or quote):
        if quote and _COMMAND.match(lines[at]):  # no quotation mark is open: it was misjudged
            return [(lines[start], start + 1)], start + 1
        joint = _between(run[-1][0], quote, lines[at])
        if joint is None or "<<" in lines[at - 1]:  # a document that stands in the command
            break
        if joint != "\n":
            text = run[-1][0] if joint else _SOFT_IN_COMMAND.sub(r"\1", run[-1][0])
            run[-1] = f"{text}{joint}{lines[at]}", run[-1][1]
        else:
            run.append((lines[at], at + 1))
        quote = _open_quote(lines[at], quote)
        at += 1
    return run, at


def _between(text: str, quote: str, line: str) -> str | None:
    """Return what stands between a command and its next line, or None at its end."""
    if _OPEN_END.search(text[-_TAIL:]):
        return "\n"
    rest = _REST.match(line) if _WITHIN.search(text) else None
    if rest and (quote or _goes_on(text, rest[0])):
        return ""
    if quote:
        return "\n" if not line.strip() or _NEW_VALUE.match(line) else " "
    return " " if _OPTION_LAST.search(text[-_TAIL:]) or _GOES_ON.match(line) else None


def _goes_on(text: str, rest: str) -> bool:
    """Tell whether a URL at the end of a text goes on: what stands below may be an output."""
    if _SEPARATED.search(text):
        return _OF_URL.search(rest) is not None
    return "/" in rest and not _RESOURCE.search(text)


def _open_quote(text: str, quote: str) -> str:
    """Return the quotation mark that is open after a text, or nothing."""
    is_escaped, before = False, ""
    for character in text:
        if is_escaped:
            is_escaped = False
        elif character == "\\" and quote != "'":
            is_escaped = True
        elif quote:
            quote = "" if character == quote[-1] else quote
        elif character in "'\"":
            quote = "$'" if before + character == "$'" else character  # bash's, with escapes
        before = character
    return quote


def _is_head(line: str, before: str) -> bool:
    """Tell whether a line is part of the head of a message."""
    if _FIRST.fullmatch(line) or _FIRST_HALF.fullmatch(line):
        return True
    return bool(_HEADER.fullmatch(line) and (_FIRST.fullmatch(before) or _HEADER.fullmatch(before)))


def _head(lines: list[str], start: int) -> tuple[list[tuple[str, int]], int]:
    """Return the first line or a header of a message, and the place after it."""
    text, at = lines[start], start + 1
    while at < min(len(lines), start + _MOST_LINES):
        joint = _joint(text, lines[at], lines[at + 1] if at + 1 < len(lines) else "")
        if joint is None:
            break
        begun = text.rstrip() if joint else _SOFT.sub("", text.rstrip())
        text = f"{begun}{joint}{lines[at].strip()}"
        at += 1
    return [(text, start + 1)], at


def _joint(text: str, line: str, after: str) -> str | None:
    """Return what stood between two lines that were one, or None when they were not."""
    if not line.strip() or _HEADER.fullmatch(line) or line[:1] in ("{", "[", "<", " ", "\t"):
        return None
    if _METHOD_ALONE.fullmatch(text):
        return " " if _PATH.fullmatch(line) else None
    if _FIRST_HALF.fullmatch(text):
        return " " if _VERSION.fullmatch(line) else None
    is_in_head = not after.strip() or _HEADER.fullmatch(after) or _TOKEN.fullmatch(after)
    if not is_in_head or not _LONG_HEADER.match(text):
        return None
    if _EMPTY.search(text) and _VALUE.fullmatch(line):
        return " "
    return "" if _TOKEN.fullmatch(line) and len(text) > _SHORTEST else None
