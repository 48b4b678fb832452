"""
Lines of web servers, proxies, balancers and frameworks, one call a line.

Each form is a row of a table: what its line looks like, and how its parts become an exchange.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.sentences import code_in
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import HTTP_METHODS, METHODS, Piece, status_of
from sinchtools.evidence.times import BEGINNING, milliseconds

_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"")
_SPAN = r"[\d.]{1,20}(?:ns|[uµμ]s|ms|s|m)?"
_DATE = (
    r"\d{1,2}/[A-Z][a-z]{2}/\d{4}[: ][\d:.,]+(?: ?(?:[+-]\d{4}|UTC|GMT|Z))?"
    r"|\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?"
)
_COMBINED = re.compile(
    rf"^(?P<before>[^\"]*?)\[(?P<at>{_DATE})\]"
    r"(?P<between>[^\"]{0,200})"
    r"\"(?P<request>(?:[^\"\\]|\\.)*+)\" "
    r"+(?P<status>\d{3}|-)(?: +(?P<size>\d+|-))?(?P<rest>.*)$"
)
_HAPROXY = re.compile(
    rf"\[(?P<at>{_DATE})\] \S+ \S+ (?P<timers>[-+\d]+(?:/[-+\d]+){{3,4}}) "
    r"(?P<status>-?\d+) [^\"]*\"(?P<request>(?:[^\"\\]|\\.)*+)\"?\s*$"
)
_BALANCER = re.compile(  # AWS: application and classic load balancers
    rf"(?:^|\s)(?:(?:https?|h2|grpcs?|wss?) )?(?:(?P<at>{_DATE}) )?\S+ [\d.a-f:]+:\d+ \S+ "
    r"(?P<timers>-?[\d.]+ -?[\d.]+ -?[\d.]+) (?P<status>\d{3}|-) (?:\d{3}|-) -?\d+ -?\d+ "
    r"\"(?P<request>(?:[^\"\\]|\\.)*+)\" (?:\"(?P<agent>(?:[^\"\\]|\\.)*+)\")?"
)
_SQUID = re.compile(
    rf"(?:^|\s)(?P<at>\d{{9,10}}\.\d{{3}}) +(?P<ms>\d+) \S+ [A-Z_]+/(?P<status>\d{{3}}) \d+ "
    rf"(?P<method>{METHODS}) (?P<url>\S+) "
)
_GIN = re.compile(  # Gin, Fiber, Echo: columns between bars
    rf"(?P<at>[\d/-]{{8,10}} (?:- )?\d\d:\d\d:\d\d|\d\d:\d\d:\d\d)? ?\| *(?P<status>[1-5]\d\d) *\| "
    rf"*(?P<span>{_SPAN}) *\|[^|]*\| *(?P<method>{METHODS}) *(?:\| *)?\"?(?P<url>/[^\s\"|]*)"
)
_FINISHED = re.compile(  # ASP.NET Core
    rf"Request finished (?:in (?P<old>[\d.]+ms) )?(?:HTTP/[\d.]+ )?(?P<method>{METHODS})? "
    rf"?(?P<url>https?://\S+)?(?: \S+)*? ?-? ?(?P<status>[1-5]\d\d)(?: (?P<rest>.*))?$"
)
_MORGAN = re.compile(
    rf"^(?:[\w.:]+ - (?:\S+ )?)?(?P<method>{METHODS}) (?P<url>\S+)(?: HTTP/[\d.]+)? "
    rf"(?P<status>[1-5]\d\d|-)(?: (?P<rest>[-\d.]+ ?(?:ms)?(?: - .*)?))?\s*$"
)
_TOMCAT_UVICORN = re.compile(  # uvicorn, chi: a quoted request line, then the status
    rf"\"(?P<request>(?:{METHODS}) \S+ HTTP/[\d.]+)\"[^\"\d]{{0,20}}"
    r"(?:from \S+ - )?(?P<status>[1-5]\d\d)\b(?P<rest>.*)$"
)
_TORNADO = re.compile(
    rf"(?:^|[\]\s])(?P<status>[1-5]\d\d) (?P<method>{METHODS}) (?P<url>/\S*) \([\w.:]+\) "
    rf"(?P<span>{_SPAN})"
)
_PHP = re.compile(
    rf"\[(?P<at>[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} +\d+ [\d:.]+ \d{{4}})\] \S+ "
    rf"\[(?P<status>\d{{3}})\]: (?P<method>{METHODS}) (?P<url>\S+)"
)
_NGINX_ERROR = re.compile(
    r"(?:^|\s)(?P<at>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[\w+\] \d+#\d+: (?:\*\d+ )?"
    r"(?P<text>(?P<failure>[\w() ]{3,80}?)(?: \(.{1,200}?\))?(?: while .{3,80})?), client: "
    r".{0,400}?request: \"(?P<request>[^\"]+)\""
)
_FREE_METHOD = re.compile(
    rf"\b({METHODS})\b[ \t\"':=]{{1,9}}(?:(?:url|path"
    rf"|uri)[=: ]+\"?)?(https?://[^\s\"'<>]+|/[^\s\"'<>]*)"
)
_FREE_STATUS = re.compile(
    r"(?:status(?:[ _-]?code)?|code|HTTP/\d(?:\.\d)?\"?|response|responded|returned|->|=>|→|:"
    r"|-)[ \t\"':=(\[]{0,9}(?!443\b)([1-5]\d\d)(?![\d.:/-])"
    r"|[ \t(\[](?!443\b)([1-5]\d\d)(?=[ \t)\],]|$)(?! ?(?:ms|s|bytes|B|kB)\b)",
    re.IGNORECASE,
)
_FREE_SPAN = re.compile(r"(?<![\w.])(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|[uµμ]s|ns|seconds)(?!\w)")
_PAIRED = re.compile(r"(?<![\w.@/=-])[A-Za-z_@][\w.@/-]{0,200}+=")
_REQUEST = re.compile(r"([A-Za-z]+) +(\S.*?)(?: +HTTP/[\d.]+)?$")
_ANY_VERB = re.compile(rf"\b(?:{METHODS})\b|Request finished|\d \"?\S")
_STARTED = re.compile(
    rf"Started (?P<method>{METHODS}) \"(?P<url>[^\"]+)\" for \S+ at "
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [+-]\d{4})?)"
)
_COMPLETED = re.compile(r"Completed (?P<status>[1-5]\d\d)\b.{0,80}? in (?P<span>\d+(?:\.\d+)?ms)")
_RAILS = re.compile(r"Processing by \S+|  Parameters: |Rendered |Rendering |Filter chain halted")
_TAG = re.compile(r"\[([0-9a-f-]{6,64})\] |#(\d+)\]")
_STARTING = re.compile(rf"Request starting (?:HTTP/[\d.]+ )?({METHODS}) (https?://\S+)")
_OF_KESTREL = re.compile(r"(?:info|warn|dbug|fail): [\w.]+(?:\[\d+\])?\s*$")
_OF_DJANGO = re.compile(
    r"(?:Forbidden|Not Found|Bad Request|Unauthorized|Internal Server Error|Service Unavailable"
    r"|Method Not Allowed)(?: \([^)]*\))?: (/\S*)"
)
_ERROR_BODY = re.compile(r"\{\s*\"(?:code|text|error)\".*\}")
LONGEST_LINE = 100_000


class Form(NamedTuple):
    """What lines of a kind of log look like, and how one becomes an exchange."""

    pattern: re.Pattern[str]
    made: Callable[[Piece, re.Match[str], int], Exchange]
    signs: tuple[str, ...]  # what each such line holds


def find(piece: Piece) -> Iterator[Found]:
    """Yield one exchange for each line of an access log, or of a method, a path and a status."""
    if not _ANY_VERB.search(piece.text):
        return
    paths: dict[str, int] = {}
    for number, line in enumerate(piece.lines, start=1):
        if not line or number in piece.used or len(line) > LONGEST_LINE:
            continue
        if before := _OF_DJANGO.search(line, 0, 400):
            paths[before[1]] = number
        exchange = _read(piece, line, number)
        if exchange:
            if (path := (exchange.url or "").partition("?")[0]) in paths:
                piece.use(paths.pop(path))
            yield Found(number, number, exchange)


def find_server_log(piece: Piece) -> Iterator[Found]:
    """Yield the lines of a server's log, where nearly all are such: nobody else looks at them."""
    if not piece.is_mostly(lambda line: formed(line) is not None):
        return
    for number, line in enumerate(piece.lines, start=1):
        if line and len(line) <= LONGEST_LINE and (found := formed(line)):
            yield Found(number, number, found[0].made(piece, found[1], number), "access-log")


def formed(line: str) -> tuple[Form, re.Match[str]] | None:
    """Return the form that a line is of, and its parts."""
    for form in FORMS:
        if match := matched(form, line):
            return form, match
    return None


def _read(piece: Piece, line: str, number: int) -> Exchange | None:
    if found := formed(line):
        return found[0].made(piece, found[1], number)
    return _free(piece, line, number)


def matched(form: Form, line: str) -> re.Match[str] | None:
    """Return the parts of a line that is of a form, or None."""
    return form.pattern.search(line) if all(sign in line for sign in form.signs) else None


def find_blocks(piece: Piece) -> Iterator[Found]:
    """Yield each call that several lines tell of: Rails, ASP.NET Core."""
    if "Started " not in piece.text and "Request starting" not in piece.text:
        return
    rails: dict[str, tuple[int, Exchange]] = {}
    kestrel: dict[tuple[str, str], int] = {}
    for number, line in enumerate(piece.lines, start=1):
        if match := _STARTED.search(line):
            found = rails.pop(_tag(line), None)
            if found:
                yield Found(found[0], found[0], found[1])
            rails[_tag(line)] = number, _exchange(piece, match, number)
        elif (match := _COMPLETED.search(line)) and _tag(line) in rails:
            start, exchange = rails.pop(_tag(line))
            piece.use(number)
            yield Found(start, start, _answered(exchange, match))
        elif rails and _RAILS.search(line):
            piece.use(number)
        elif match := _STARTING.search(line):
            kestrel[match[1], match[2]] = number
        elif match := _FINISHED.search(line):
            start = kestrel.pop((match["method"] or "", match["url"] or ""), 0)
            if start:
                piece.use(start)
            yield Found(number, number, _finished(piece, match, number))
        elif _OF_KESTREL.match(line):
            piece.use(number)
    yield from (Found(start, start, exchange) for start, exchange in rails.values())


def _tag(line: str) -> str:
    match = _TAG.search(line)
    return (match[1] or match[2]) if match else ""


def _answered(exchange: Exchange, match: re.Match[str]) -> Exchange:
    return replace(exchange, status=int(match["status"]), elapsed_ms=_ms(match["span"]))


def _ms(span: str | None, factor: float | None = None) -> float | None:
    found = milliseconds(span, "", factor) if span else None
    return found[0] if found else None


def _exchange(piece: Piece, match: re.Match[str], number: int, **given: Any) -> Exchange:
    """Return the exchange of a match whose groups are named as its parts."""
    groups = match.groupdict()
    if "request" in groups:
        method, url = split_request(groups["request"] or "")
    else:
        method, url = groups.get("method"), groups.get("url")
    return Exchange(
        **{
            "source": piece.at(number),
            "at": piece.instant(groups.get("at")) or piece.logged_at(number),
            "method": method,
            "url": url,
            "status": status_of(groups.get("status")),
            "elapsed_ms": _ms(groups.get("span")),
            **given,
        }
    )


def _combined(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    method, path = split_request(match["request"])
    quoted = _QUOTED.findall(match["rest"])
    if method and _is_envoy(match["rest"]):
        return _envoy(piece, match, number, quoted)
    names = ("Referer", "User-Agent") if len(quoted) >= 2 else ()
    headers = {
        name: value for name, value in zip(names, quoted, strict=False) if value not in ("", "-")
    }
    elapsed = _trailing_time(piece, match["rest"], number)
    url = _with_host(path, match["before"])
    return _exchange(piece, match, number, url=url, request_headers=headers, elapsed_ms=elapsed)


ENVOY_TIME = re.compile(r"^\s*\S*(?: \S+){0,4}? (?:\"[^\"]*\" )?\d+ \d+ (\d+) (?:\d+|-) \"")


def _is_envoy(rest: str) -> bool:
    return ENVOY_TIME.search(rest) is not None


def _envoy(piece: Piece, match: re.Match[str], number: int, quoted: list[str]) -> Exchange:
    _, path = split_request(match["request"])
    found = ENVOY_TIME.search(match["rest"])
    after = _QUOTED.findall(match["rest"][found.end() - 1 :]) if found else quoted
    agent, host = (after[i] if len(after) > i else "-" for i in (1, 3))
    is_host = "." in host and (path or "").startswith("/")
    return _exchange(
        piece,
        match,
        number,
        url=f"https://{host}{path}" if is_host else path,
        request_headers={"User-Agent": agent} if agent != "-" else {},
        elapsed_ms=float(found[1]) if found else None,
    )


NAMED_TIME = re.compile(
    r"(?:^|[\s\"])(?:rt|request_time|response_time|req_time|duration|latency|took|time|total)"
    rf"[=:]\"?({_SPAN})"
)
INGRESS_TIME = re.compile(r"\" \d+ (\d+\.\d+) \[")
LAST_SPAN = re.compile(r"[\" ](\d{1,12}(?:\.\d{1,12})?(?:ms|[uµμ]s|s))\s*$")
LAST_NUMBER = re.compile(r"(?:\"|^) (?:\*\*|-?)?(\d{1,12}(?:\.\d{1,12})?)(?:\*\*)?\s*$")


def _trailing_time(piece: Piece, rest: str, number: int) -> float | None:
    """Return the duration that a server writes after the fields of the combined log."""
    if found := NAMED_TIME.search(rest):
        return _ms(
            found[1], None if not found[1][-1].isdigit() else 1000.0 if "." in found[1] else 1.0
        )
    if found := INGRESS_TIME.search(rest):
        return _ms(found[1], 1000.0)
    if found := LAST_SPAN.search(rest):
        return _ms(found[1])
    time = LAST_NUMBER.search(rest)
    if time is None:
        return None
    seconds = "." in time[1]
    piece.guess(
        number,
        f"the number at the end of the line was taken "
        f"as {'seconds' if seconds else 'microseconds'} of duration",
    )
    return float(time[1]) * (1000 if seconds else 0.001)


def _with_host(path: str | None, before: str) -> str | None:
    host, *more = before.split() or [""]
    is_host = re.fullmatch(r"[A-Za-z][\w-]*[.:][\w.:-]*", host) and len(more) > 2
    if not is_host or not re.fullmatch(r"[\w.-]+(?::\d+)?", host) or (path or "")[:1] != "/":
        return path
    return f"{'http' if host.endswith(':80') else 'https'}://{host}{path}"


def _haproxy(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    total = match["timers"].rpartition("/")[2].lstrip("+")
    is_time = re.fullmatch(r"[0-9]{1,12}", total)
    return _exchange(piece, match, number, elapsed_ms=float(total) if is_time else None)


def balancer(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    """Return the exchange of a line of a load balancer, its three times added up."""
    timers = [float(one) for one in match["timers"].split()]
    whole = round(sum(timers) * 1000, 3) if min(timers) >= 0 else None
    agent = match["agent"]
    headers = {"User-Agent": agent} if agent and agent != "-" else {}
    return _exchange(piece, match, number, elapsed_ms=whole, request_headers=headers)


def _nginx_error(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    failed = _exchange(piece, match, number)
    return replace(failed, failure=f"nginx: {match['failure']}", text=match["text"])


def _finished(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    spans = re.findall(r"[\d.]+ms", f"{match['old'] or ''} {match['rest'] or ''}")
    return _exchange(piece, match, number, elapsed_ms=_ms(spans[-1]) if spans else None)


def _with_rest(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    span = _FREE_SPAN.search(match["rest"] or "")
    return _exchange(piece, match, number, elapsed_ms=_ms(span[0]) if span else None)


def _squid(piece: Piece, match: re.Match[str], number: int) -> Exchange:
    return _exchange(piece, match, number, elapsed_ms=float(match["ms"]))


def _free(piece: Piece, line: str, number: int) -> Exchange | None:
    """Return the exchange of a line that names a method, a path and a status in any words."""
    request = _FREE_METHOD.search(line)
    if not request or _PAIRED.match(line):
        return None
    dated = BEGINNING.search(line[: min(request.start(), 200)])
    status = _FREE_STATUS.search(line, request.end())
    if status is None:
        return None
    rest = line[status.end() :]
    at = piece.logged_at(number) or (piece.instant(dated[1]) if dated else None)
    body = _ERROR_BODY.search(rest) if "{" in rest else None
    code, text = code_in(rest) if "_" in rest and not body else (None, None)
    span = _FREE_SPAN.search(line[: status.end()] if body else line, request.end())
    return Exchange(
        source=piece.at(number),
        at=at,
        method=request[1],
        url=request[2].rstrip(",;:)"),
        status=int(status[1] or status[2]),
        code=code,
        text=text,
        response_body=body[0] if body else None,
        elapsed_ms=_ms(span[0]) if span else None,
    )


def split_request(request: str) -> tuple[str | None, str | None]:
    """Return the method and the target of a request line, or None for both."""
    match = _REQUEST.fullmatch(request.strip())
    return (match[1], match[2]) if match and match[1].upper() in HTTP_METHODS else (None, None)


FORMS = (
    Form(_COMBINED, _combined, ("[", '"')),
    Form(_NGINX_ERROR, _nginx_error, ("#", ", client: ", "request: ")),
    Form(_HAPROXY, _haproxy, ("[", '"')),
    Form(_BALANCER, balancer, (":", '"')),
    Form(_SQUID, _squid, ("_", " - ")),
    Form(_GIN, _exchange, ("|",)),
    Form(_FINISHED, _finished, ("Request finished",)),
    Form(_PHP, _exchange, ("]: ",)),
    Form(_TORNADO, _exchange, (" (", ") ")),
    Form(_TOMCAT_UVICORN, _with_rest, ('"', " HTTP/")),
    Form(_MORGAN, _with_rest, ("/",)),
)
