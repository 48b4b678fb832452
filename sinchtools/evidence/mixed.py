"""
Read a text in which several kinds of evidence stand among other words.

A mail with a command in it, a terminal with what came back, code with its error below: each finder
takes the lines that it knows, what belongs together is joined, and all other lines are listed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sinchtools.api.description import split_url
from sinchtools.core.json import object_of
from sinchtools.core.progress import tell
from sinchtools.core.records import Exchange, header, with_headers
from sinchtools.core.variables import variables_of, with_variables
from sinchtools.evidence import refusals
from sinchtools.evidence.formats import bare_body
from sinchtools.evidence.formats.prose import Line, response_in
from sinchtools.evidence.formats.values import same_body
from sinchtools.evidence.found import Finder, Found, Role, contradict, filled
from sinchtools.evidence.pieces import Piece, json_end

UNREAD = "text without HTTP data"
_LOOKS = (  # what a line that nobody took looks like, and what would be better
    (re.compile(r"[ \t]*(?:\{|\[\s*[\"{\[])"), "broken JSON"),
    (re.compile(r"[ \t]*</?\w[^>]*>"), "markup without HTTP data; an export as HAR is read whole"),
    (
        re.compile(r"[\[(]?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\w{3} +\d+ \d\d:\d\d:\d\d "),
        "a log line without HTTP data; a log with method, URL and status is read",
    ),
)
BESIDE = "the words beside the request were read as its response"
_FAR = 60  # lines of a traceback between a log line and its error
_COMMENT = re.compile(r"[ \t]*(?:#|//|::|REM\b)")


def parse(piece: Piece, finders: Mapping[str, Finder]) -> Iterator[tuple[str, Exchange]]:
    """Yield the name of the format and the exchange of each row that the finders give."""
    found, left = _taken(piece, finders)
    if not found and (found := list(bare_body.find(left))):
        left = left.without((one.start, one.end) for one in found)
    rows = joined(found)
    if told := _told(piece, left, rows):
        found += told
        rows = joined(found)
    for row in rows:
        at, source = row.exchange.at or piece.time_of(row.start), piece.at(row.start)
        is_told = at == row.exchange.at and source == row.exchange.source
        yield row.format, row.exchange if is_told else replace(row.exchange, at=at, source=source)
    _list_the_rest(piece, found)


def joined(found: Iterable[Found]) -> list[Found]:
    """
    Return the rows in the order of the text, each request with the response below it.

    Examples
    --------
    >>> request = Found(1, 1, Exchange(method="GET", url="https://us.sms.api.sinch.com"))
    >>> [row.exchange.status for row in joined([request, Found(3, 3, Exchange(status=401))])]
    [401]
    """
    rows: list[Found] = []
    found = sorted(found, key=lambda one: (one.start, one.end))
    if sum(not one.is_response for one in found) == 1:
        found.sort(key=lambda one: one.is_response)  # whatever stands above it is its response too
    for one in found:
        whole = _whole(rows[-1], one) if rows else None
        if whole:
            rows[-1] = whole
        else:
            rows.append(one)
    return sorted(rows, key=lambda row: row.start)


def _taken(piece: Piece, finders: Mapping[str, Finder]) -> tuple[list[Found], Piece]:
    """Return what the finders take, and the piece with those lines empty."""
    left, found = piece, []
    for done, (name, finder) in enumerate(finders.items()):
        tell("known forms looked for", done, len(finders))
        taken = [
            replace(one, format=one.format or name, role=finder.role)
            for one in finder.find(left)
            if _tells(one.exchange)
        ]
        if taken:
            found += taken
            if finder.role is Role.COMMAND:
                piece.commands.update(n for one in taken for n in range(one.start, one.end + 1))
            used = ((line, line) for line in piece.used)
            left = left.without([*((one.start, one.end) for one in taken), *used])
    return found, left


def _tells(known: Exchange) -> bool:
    """Tell whether anything of a call is known: a name of an error alone is no row."""
    request = known.method or known.url or known.request_body
    return bool(request or known.status or known.code or known.text or known.response_body) or (
        known.failure is not None
    )


def _told(piece: Piece, left: Piece, rows: list[Found]) -> list[Found]:
    """Return the responses that words tell of: of the only request, or below each of several."""
    lines = [(number, line) for number, line in enumerate(left.lines, start=1) if line.strip()]
    if not rows:
        return response_in(lines)
    found = []
    for row, told in zip(rows, [lines] if len(rows) == 1 else _below(rows, lines), strict=True):
        if body := _body_below(piece, row, told):
            found.append(body)
            told = [one for one in told if one[0] > body.end]
        if row.exchange.status is None and (said := response_in(told)):
            piece.guess(row.start, BESIDE)
            found += (_with_json(piece, one) for one in said)
    return found


def _with_json(piece: Piece, said: Found) -> Found:
    """Return a response in words with the JSON object that ends its line."""
    line = piece.lines[said.start - 1].rstrip()
    start = line.find("{")
    if said.exchange.response_body or start < 0 or json_end(line, start) != len(line):
        return said
    return replace(said, exchange=replace(said.exchange, response_body=line[start:]))


def _body_below(piece: Piece, row: Found, lines: list[Line]) -> Found | None:
    """Return the JSON object that stands right below a command or code: what came back."""
    if not row.role.is_run or row.exchange.response_body is not None:
        return None
    first = next((number for number, _ in lines if number > row.start), None)
    if first is None or not piece.lines[first - 2].strip():
        return None
    start = piece.line_starts[first - 1]
    start += len(piece.lines[first - 1]) - len(piece.lines[first - 1].lstrip())
    end = json_end(piece.text, start) if piece.text[start : start + 1] == "{" else None
    if end is None or piece.text[end:].partition("\n")[0].strip():
        return None
    if not {"id", "batch_id"} & set(object_of(piece.text[start:end])):
        return None  # of no resource: it may be anything
    body = Exchange(response_body=piece.text[start:end])
    if row.exchange.status is None and _has_created(row.exchange, object_of(body.response_body)):
        piece.guess(first, "the status is the one of a resource that was created")
        body = replace(body, status=201)
    return Found(first, piece.line_of(end - 1), body)


def _has_created(sent: Exchange, response: Mapping[str, object]) -> bool:
    """Tell whether a response shows that a POST created a batch or a group."""
    path = (sent.url or "").partition("?")[0]
    is_create = sent.method == "POST" and path.endswith(("/batches", "/groups"))
    return is_create and {"id", "created_at", "modified_at"} <= set(response)


def _below(rows: list[Found], lines: list[Line]) -> list[list[Line]]:
    """Return the lines between each row and the next, less the comment right above the next."""
    below: list[list[Line]] = [[] for _ in rows]
    starts = [row.start for row in rows]
    for number, line in lines:
        if place := bisect_left(starts, number):  # also between a request and its response
            below[place - 1].append((number, line))
    for told, start in zip(below, starts[1:], strict=False):
        while told and told[-1][0] == start - 1 and _COMMENT.match(told[-1][1]):
            start = told.pop()[0]
    return below


def _whole(row: Found, one: Found) -> Found | None:
    """Return the row with what another adds to it, or None when that is a row of its own."""
    if one.is_response:
        return _completed(row, one)
    if row.format != one.format and _says_again(row, one):
        return _completed(row, replace(one, exchange=replace(one.exchange, url=None)))
    if row.format == one.format and not _is_printed_response(one):
        return None
    if row.is_open and _asks_the_same(row.exchange, one.exchange):
        return _with_request(row, one)
    if one.role is Role.CODE and one.is_open and not row.exchange.request_body:  # below its log
        asks_the_same = _asks_the_same(one.exchange, row.exchange)
        return replace(_with_request(one, row), start=row.start) if asks_the_same else None
    return None


def _is_printed_response(one: Found) -> bool:
    """Tell whether an object that was printed is a response, which keeps the URL of its request."""
    seen = one.exchange
    is_response = seen.status is not None and not (seen.method or seen.request_body)
    return one.role is Role.PRINTED and is_response


def _with_request(told: Found, seen: Found) -> Found:
    """Return a request as it is written, with what its trace, log or error shows of it."""
    known, more = told.exchange, seen.exchange
    whole = filled(known, more)
    names = variables_of(known)
    written = {
        name: value
        for name, value in known.request_headers.items()
        if not any(one in value for one in names) or not header(more.request_headers, name)
    }
    headers = with_headers(more.request_headers, written)
    is_part = "://" not in (known.url or "") or any(name in (known.url or "") for name in names)
    url = (more.url if is_part else None) or known.url
    whole = replace(whole, request_headers=headers, url=url, at=known.at or more.at)
    whole = with_variables(whole, names)
    return replace(told, end=max(told.end, seen.end), exchange=whole)


def _says_again(row: Found, one: Found) -> bool:
    """Tell whether an error is that of the call above it: a log line, then its traceback."""
    known, seen = row.exchange, one.exchange
    is_error = not seen.method and not seen.request_body and seen.status is not None
    same = (known.url, known.status) == (seen.url, seen.status)
    return is_error and same and one.start - row.end <= _FAR


def _asks_the_same(told: Exchange, seen: Exchange) -> bool:
    """Tell whether a command and its trace, or code and its log, show one request."""
    return (
        seen.method in (None, told.method)
        and _is_same_url(told, seen.url or "")
        and (seen.request_body is None or same_body(seen.request_body, told.request_body))
    )


def _is_same_url(told: Exchange, url: str) -> bool:
    """Tell whether a URL may be that of a request as it is written, whatever its variables are."""
    one, other = split_url(told.url or ""), split_url(url)
    if one.path == other.path:
        return not one.netloc or not other.netloc or one.netloc == other.netloc
    names = "|".join(map(re.escape, sorted(variables_of(told), key=len, reverse=True)))
    if not names or not other.path:
        return False
    written = (told.url or "").partition("?")[0]
    pieces = re.split(names, written)
    base = r"\S+" if not pieces[0] else ""  # a variable for the host, the version and the account
    pattern = base + r"[^/?]+".join(map(re.escape, pieces[1:] if base else pieces))
    return re.fullmatch(pattern, url.partition("?")[0]) is not None


def _completed(row: Found, response: Found) -> Found | None:
    """Return the row with what a response adds to it, or None when they contradict each other."""
    known, more = row.exchange, response.exchange
    if not row.is_open and not _says_the_same(known, more):
        return None
    return replace(row, end=max(row.end, response.end), exchange=filled(known, more))


def _says_the_same(known: Exchange, more: Exchange) -> bool:
    if known.failure == "CORS" and more.status is None and not more.response_body:
        return True  # of the refusal, a script learns only that the network failed
    return not contradict(known, more, ("status", "response_body", "code", "failure"))


def _list_the_rest(piece: Piece, found: list[Found]) -> None:
    """List the lines that nobody took, and count them all."""
    taken = piece.used.union(*(range(one.start, one.end + 1) for one in found))
    filled = [n for n, line in enumerate(piece.lines, start=1) if any(map(str.isalnum, line))]
    is_run = any(one.role.is_run for one in found)
    unread = [
        number
        for number in filled
        if number not in taken and not (is_run and _COMMENT.match(piece.lines[number - 1]))
    ]
    whole = "" if found else refusals.of_text(piece.text)
    for number in unread:
        piece.skip(number, whole or _looks_like(piece.lines[number - 1]))
    piece.counted.append((len(filled) - len(unread), len(filled)))


def _looks_like(line: str) -> str:
    if json_end(line.strip()) == len(line.strip()):
        return "JSON without HTTP data"
    return next((reason for form, reason in _LOOKS if form.match(line)), UNREAD)
