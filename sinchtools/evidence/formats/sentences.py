"""Read a line of words, as an application logs it: a status with its URL, code, text or body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import printed
from sinchtools.evidence.formats.client_log_message import value_at
from sinchtools.evidence.formats.client_log_text import plain_body
from sinchtools.evidence.formats.errors import stack_below
from sinchtools.evidence.formats.prose import found_in_words
from sinchtools.evidence.formats.told_call import is_message
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece

LONGEST_LINE = 20_000
_URL = re.compile(r"https?://(?!schemas\.|www\.w3\.org)[^\s\"'`<>\])}\\|]+")
_JSON = re.compile(r"\s*(?:[{\"]|\[\s*(?:[{\[\"]|$))")
_METHOD = re.compile(
    rf"\b({METHODS})\b"
    r"(?: on resource| (?:to|at|an|a|à|para|para o|auf|till|mot|vers|sur))?[\s:\"'\[(`]{1,4}$"
)
_NAMED_METHOD = re.compile(rf"\b(?i:method|verb)\W{{1,4}}({METHODS})\b")
# where a bare number is a status, on a line that tells more of a response
_STATUS = (
    re.compile(
        r"(?i)\b(?:https?|status|statuscode|code|failed|error|returned|got|response|respc?"
        r"|answered|answers|replied|responded)\b"
        r"(?: with)?[\s:=\[(#\"'-]{1,4}([1-5]\d\d)\b(?![.:/]\d)"
    ),
    re.compile(r"[(\[]([45]\d\d)[)\]]"),
    re.compile(  # Chinese, Japanese, Korean: no space before it, and none of their units behind
        r"[\u3001-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff08-\uff1a] ?([45]\d\d)"
        r"(?![\d.:/-]| ?(?:ms|[年月日回次件个個条條人円元번명원]))"
    ),
    re.compile(
        r"(?:->|=>|→|<-|: |\| |- |– ) ?([2-5]\d\d)\b(?![.:/-]?\d)(?! ?(?:ms|s|bytes|chars)\b)"
    ),
    re.compile(r"(?<![\w:.#])(?<!# )([45]\d\d)[ :,–-]{1,3}\(?(?=[a-z]{3,30}_[a-z_]{3,60}\b)"),
    re.compile(r"^\W{0,3}([2-5]\d\d)(?: [A-Z][a-z]+){0,3} ?[:,-]"),
    re.compile(r"(?<![\w:.#])([45]\d\d)(?:\W{0,3}|[ :-]{1,3}b?['\"]?)$"),
)
# a status that a script printed, the body below it
ALONE = re.compile(r"\W{0,4}(?:int\()?([2-5]\d\d)\W{0,3}")
_BODY = re.compile(r"(?:string\(\d+\) \"|b?['\"])?[{<]")
_SHORT = 16
# a number that can be a status: none of a time, an address, a version or a duration
_MAYBE = re.compile(r"(?<![\d.:/,-])[2-5]\d\d(?!\d|[.:/,]\d| ?(?:ms|s|bytes)\b)")
_OTHER = re.compile(r"(?i)(?:delivery|smpp|line|port|dlr|after|took)\b[\w :=.\"-]{0,30}$")
_OWN_CODE = re.compile(
    r"(?i)\b(?:sinch_|error_?|api_)?code[\"']?[:=] ?[\"']?([a-z]{2,30}(?:_[a-z]{2,30}){1,6})\b"
)
# how the codes of the API begin; more of them come, and their words are like these
_CODE = re.compile(
    r"\b(?:syntax|unknown|missing|illegal|blocked|conflict|batch|invalid)_[a-z]{3,20}"
    r"(?:_[a-z]{2,20}){0,4}\b"
)
_AFTER_CODE = re.compile(
    r"[\"')\]]{0,2}(?:[:,;|–-]| -)?\s{1,3}(?:text(?:[=:] ?| (?=[\"'])))?[\"']?"
    r"([A-Za-z].{3,300}?)[\"']?\s*(?:\[[A-Z]{3,7} http\S+\])?$"
)
_BEFORE_CODE = re.compile(r"(?:^|: )([^:\n]{8,300}?)(?<! [45]\d\d)(?<!\s)\s*[\[(](?:\w+[:=] ?)?$")


def said(line: str, *, has_body: bool = False) -> Exchange | None:
    """
    Return what a line of words, less its body, tells of a response, or None.

    Where the body of a response follows (`has_body`), a number alone can be its status.

    Examples
    --------
    >>> said("send failed: 403 unknown_group No such group").text
    'No such group'
    """
    url = _URL.search(line)
    method = _METHOD.search(line, 0, url.start()) if url else None
    method = method or (_NAMED_METHOD.search(line) if url else None)
    code, text = code_in(line)
    told = found_in_words(line)
    status = told.status if told and told.status else None
    if status is None and (url or code or has_body):
        plain = _URL.sub(lambda match: "x" * len(match[0]), line)
        status = _status(plain)
    if status is None and code is None:
        return None
    return Exchange(
        method=method[1] if method else None,
        url=url[0].rstrip(".,:;") if url else None,
        status=status,
        code=code,
        text=text,
    )


def called(line: str) -> Exchange | None:
    """Return the method and the URL that stand on a line, or None when there is no URL."""
    url = _URL.search(line)
    if url is None:
        return None
    method = _METHOD.search(line, 0, url.start())
    return Exchange(method=method[1] if method else None, url=url[0].rstrip(".,:;"))


def _status(line: str) -> int | None:
    for pattern in _STATUS:
        for match in pattern.finditer(line):
            if not _OTHER.search(line[max(0, match.start() - 60) : match.start(1)]):
                return int(match[1])
    return None


def code_in(line: str) -> tuple[str | None, str | None]:
    """Return the code that a line names, and the text before or after it."""
    match = _CODE.search(line) if "_" in line else None
    start, end, code = (*match.span(), match[0]) if match else (0, 0, None)
    if match is None and (own := _OWN_CODE.search(line)):
        start, end, code = own.start(), own.end(), own[1]
    if code is None:
        return None, None
    before, after = _BEFORE_CODE.search(line[:start]), _AFTER_CODE.match(line, end)
    text = before[1] if before else after[1] if after else None
    return code, text.strip() if text and text[-1] != "?" else None


def find(piece: Piece) -> Iterator[Found]:
    """Yield each line that tells a status together with a URL, or with the body of a response."""
    yield from _find_said(piece)
    for (number, line), below in zip(enumerate(piece.lines, 1), piece.lines[1:], strict=False):
        if len(line) < _SHORT and (alone := ALONE.fullmatch(line)) and _BODY.match(below):
            yield Found(number, number, Exchange(status=int(alone[1])))


def _with_body(exchange: Exchange, body: str) -> Exchange:
    """Return a row with a body, which was sent where it has the fields of a message."""
    value = parsed(body)
    if isinstance(value, dict) and is_message(value):
        return replace(exchange, request_body=body)
    return replace(exchange, response_body=body)


def _second(text: str, at: int) -> tuple[str, int] | None:
    """Return the response that stands behind a request on its line."""
    opening = text.find("{", at, end if (end := text.find("\n", at)) > 0 else len(text))
    return _body_at(text, opening) if opening > 0 else None


def _body_at(text: str, at: int) -> tuple[str, int] | None:
    if text[at - 2 : at] not in ("b'", 'b"'):
        return printed.body_at(text, at)
    value, end = value_at(text, at - 2)
    return plain_body(value), end


def _find_said(piece: Piece) -> Iterator[Found]:
    done = 0
    for number, line in enumerate(piece.lines, start=1):
        if number <= done or not _MAYBE.search(line[:LONGEST_LINE]):
            continue
        has_body = "{" in line
        if not (has_body or "://" in line or "_" in line) or _JSON.match(line):
            continue
        body = line.find("{") if has_body else -1
        exchange = said(line[: body if body > 0 else LONGEST_LINE], has_body=body > 0)
        if exchange is None or exchange.status is None:
            continue
        end = number
        start = piece.line_starts[number - 1]
        if body > 0 and (found := _body_at(piece.text, start + body)):
            exchange, at = _with_body(exchange, found[0]), found[1]
            if exchange.request_body and (found := _second(piece.text, at)):
                exchange, at = replace(exchange, response_body=found[0]), found[1]
            end = max(number, piece.line_of(at - 1))
        if not (exchange.url or exchange.response_body or exchange.code):
            continue
        done = stack_below(piece, end)
        moment = exchange.at or piece.logged_at(number)
        yield Found(number, done, replace(exchange, at=moment))
