"""
Read what a window shows of a call, copied as text: labels, and what stands next to or below them.

The Headers panel of a browser, a block of Swagger UI, the window of Postman and its like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.client_log_text import plain_body
from sinchtools.evidence.formats.labels import english
from sinchtools.evidence.formats.newman import milliseconds
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import METHODS, Piece, joined, json_end, status_of, words
from sinchtools.evidence.row_tables import meanings_of

# what a label means, by its words in small letters, in the languages of the browsers
_MEANINGS = meanings_of("""
url: request url, url, request uri, anfrage-url, anforderungs-url, url de la requête,
    url de la solicitud, url de solicitud, url da solicitação
method: request method, method, http method, httpmethod, http verb, verb, anfragemethode,
    anforderungsmethode, méthode de requête, método de solicitud, método da solicitação
status: status code, status, http status, response code, response status, statuscode,
    code details, code, code d'état, código de estado, código de status
time: time, duration, response time, took
request-headers: request headers, headers, request, anfrageheader, en-têtes de requête
response-headers: response headers, antwortheader, en-têtes de réponse
request-body: request payload, request body, body, payload, form data, request data, post data,
    put data, patch data
response-body: response body, response, response data, preview, response payload
:scheme: scheme
:authority: host
:path: filename
general: general, summary, error, network, send, authorization, pre-request script, scripts,
    tests, settings, test results, raw, json, pretty, visualize, beautify, server response,
    responses, response message, details, remote address, referrer policy, allgemein, curl, size,
    source, address, mime type, query string parameters, query params, params, initiator, version,
    transferred, timing, cookies, request priority, dns resolution
""")
_SIGN = re.compile(
    r"^[ \t]{0,20}(?:[*•#-]{1,3}[ \t]?){0,2}(?:request url|request uri|anfrage-url"
    r"|anforderungs-url|url(?: de(?: la)?| da)?(?: requête| solicitud| solicitação)?)[ \t]{0,9}"
    r"(?:\*{0,2}:(?![ \t]*['\"`])|\t|$)"
    rf"|^(?:{METHODS}) https?://\S+(?: [1-5]\d\d\b.{{0,40}})?[ \t]*\n"
    r"(?:\n|[1-5]\d\d\b.{0,40}\n|[\d.]+ ?m?s\n|network\n){0,4}"
    r"(?:(?:(?:request )?headers|response|send|params|(?:post|put|patch) data):?[ \t]*$"
    r"|status: \d)"
    rf"|^(?:{METHODS}) https?://\S+[ \t]*\n[1-5]\d\d [A-Z][a-z]+"
    r"|^Filename[ \t]*$|^Scheme[ \t]*\n"
    r"|^:(?:method|authority)(?::|$|\t)",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(
    r"[ \t]*(?:[*•#-]{1,3}[ \t]?){0,2}([A-Za-zÀ-ÿ][\w '’À-ÿ-]{0,30}?)"
    r"(?: ?\([\d.,]+ ?\w{0,2}\))?[ \t]*"
    r"\*{0,2}(?::\*{0,2}[ \t]*|\t+|$)(.*)"
)
_REQUEST = re.compile(
    rf"[ \t]*({METHODS}) (?!data:)(\S+)"
    r"(?:[ \t]+(?:HTTP/[\d.]+|([1-5]\d\d)(?:[ \t]+([\d.]+ ?m?s))?))?[ \t]*"
)
_STATUS_LINE = re.compile(r"(?:HTTP/[\d.]+ )?([1-5]\d\d)\b(?: [A-Za-z][\w '-]{0,40})?[ \t]*")
_STATUS_AND_BODY = re.compile(r"([1-5]\d\d)\b(?: [A-Za-z ]{2,40}?)?[:,]?[ \t]*([{\[<].*|)")
_TIME_ALONE = re.compile(r"[ \t]*([\d.]+ ?m?s)[ \t]*")
_ROW = re.compile(
    r"^[ \t]*\|[ \t]*\*{0,2}([^|\n]{2,40}?)\*{0,2}[ \t]*"
    r"\|[ \t]*`?([^|\n`]{1,4000}?)`?[ \t]*\|[ \t]*$",
    re.MULTILINE,
)
_NAME = re.compile(r"[ \t]*([A-Za-z][\w-]{0,60})[ \t]*")
_HEADER = re.compile(r"[ \t]*(:?[A-Za-z0-9][\w-]{0,60})[ \t]?:(?:[ \t]+(.*)|[ \t]*)")
_TABBED = re.compile(r"[ \t]*(:?[A-Za-z][\w-]{0,60})\t+(.+)")
_EQUAL = re.compile(r"[ \t]*([A-Za-z][\w-]{0,60})=(.+)")  # of REST Assured
_STATUS = re.compile(r"(?:HTTP/[\d.]+ )?\D{0,12}?\b([1-5]\d\d)\b(.*)")
_JSON = re.compile(r"[ \t]*[{\[]\s*(?:[\"'{\[\]}\d]|$)")
_TIME = re.compile(r"\btime:? *([\d.]+ ?m?s)\b", re.IGNORECASE)
_CONSOLE_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*)\s*:")
_FENCE = re.compile(r"\A\s*```\w*\n")
_UNQUOTED = re.compile(r"\{\s*[A-Za-z_]")  # how the console of a browser shows an object
_NO_BODY = re.compile(r"(?:In memory|On disk|Empty|Streaming)\b[^\"{\[]*")  # where it is kept
_TREE = re.compile(r"[ \t]*(\w+): .*")
# headers that only a request has; of a list without sections
_OF_REQUEST = {
    *words("accept accept-encoding accept-language authorization cookie host origin referer te"),
    *words("user-agent x-requested-with priority if-none-match dnt upgrade-insecure-requests"),
}
_PSEUDO = {":method": "method", ":status": "status"}
# sections whose label does not say whether they are of the request or of the response
_OF_EITHER = {"request-headers": "response-headers", "request-body": "response-body"}
_SECTIONS = {"request-headers", "response-headers", "request-body", "response-body"}


@dataclass(slots=True)
class _Panel:
    """What is known of one call so far, and the section that a line belongs to."""

    start: int
    end: int
    known: dict[str, str] = field(default_factory=dict)
    request: list[tuple[str, str]] = field(default_factory=list)
    response: list[tuple[str, str]] = field(default_factory=list)
    waiting: str = ""  # the label whose value stands on the next line
    section: str = "general"

    @property
    def is_call(self) -> bool:
        """Whether enough is known for a row."""
        known = self.known
        return "url" in known and bool({"method", "status"} & known.keys() or self.request)


def find(piece: Piece) -> Iterator[Found]:
    """Yield each call that stands in the text as a window shows it."""
    if _ROW.search(piece.text):  # a table of two columns: a label and its value
        piece = piece.with_text(_ROW.sub(r"\1: \2", piece.text), piece.numbers)
    if not _SIGN.search(piece.text):
        return
    panel: _Panel | None = None
    number = 0
    while number < len(piece.lines):
        number += 1
        begun = _begun(piece.lines[number - 1], panel)
        if begun:
            if panel and panel.is_call:
                yield _found(panel)
            panel = _Panel(number, number)
        if panel:
            number = _line(piece, panel, number)
    if panel and panel.is_call:
        yield _found(panel)


def _begun(line: str, panel: _Panel | None) -> bool:
    """Tell whether a line begins a call: it says what the one before it has already said."""
    meaning, value = _labelled(line)
    known = panel.known if panel else {}
    if match := _REQUEST.fullmatch(line):
        is_other = match[2].startswith("http") and known.get("url", match[2]) != match[2]
        return panel is None or "method" in known or is_other
    if meaning == "general":
        return False
    if panel is None:
        return meaning in ("url", "method", ":scheme") or line.startswith(":")
    return (
        meaning == "url"
        and "url" in known
        and bool(known.keys() - {"url"})
        and bool(not value or value.startswith("http"))
    )


def _labelled(line: str) -> tuple[str, str]:
    """Return what a line's label means, and what stands behind it."""
    match = _LABEL.fullmatch(line)
    label = match[1].strip().lower().replace("’", "'") if match else ""
    meaning = _MEANINGS.get(label) or _MEANINGS.get(english(label), "")
    return (meaning, match[2].strip()) if match and meaning else ("", line.strip())


def _line(piece: Piece, panel: _Panel, number: int) -> int:
    """Take what one line says into the panel; return the last line that was taken."""
    line = piece.lines[number - 1]
    if not line.strip() or line.lstrip().startswith("```"):
        return number
    if _first_line(panel, line):
        panel.end = number
        return number
    meaning, value = _labelled(line)
    if meaning == ":authority" and ":scheme" not in panel.known:
        meaning = ""
    if value.endswith("<none>") or (_NO_BODY.fullmatch(value) and "body" in meaning):
        return number
    is_below = panel.section.startswith("response") or "status" in panel.known
    if meaning in _OF_EITHER and is_below:
        is_bare = english(line.partition(":")[0])[:4] in ("body", "head")
        meaning = _OF_EITHER[meaning] if is_bare else meaning
    if meaning == "response-body" and not value and _are_headers_below(piece, number):
        meaning = "response-headers"
    if panel.waiting and not meaning:
        waiting, panel.waiting = panel.waiting, ""
        if _fits(waiting, line.strip()):
            _keep(panel, waiting, line.strip(), number)
            return number
    if value[:1] == "{" and english(line.partition(":")[0]) == "request":
        meaning = "request-body"
    if meaning in _SECTIONS:
        panel.section, panel.waiting, panel.end = meaning, "", number
        if value and "headers" in meaning:
            _header(piece, panel, value, number)
            return number
        if meaning == "response-body" and (match := _STATUS_AND_BODY.fullmatch(value)):
            panel.known.setdefault("status", match[1])
            value = match[2]
        return _body(piece, panel, number, meaning, value) if value else number
    if meaning == "general" and value and "body" in panel.section:
        return number
    if meaning and not (meaning == "general" and value and panel.section != "general"):
        _said(panel, meaning, value, line, number)
        return number
    if "body" in panel.section:
        return _body(piece, panel, number - 1, panel.section, "")
    return _header(piece, panel, line, number)


def _fits(waiting: str, text: str) -> bool:
    """Tell whether a line can be the value of the label above it."""
    if waiting == "nothing":
        return text[:1] not in ("{", "[") and not _STATUS_LINE.fullmatch(text)
    return waiting != "status" or _STATUS.fullmatch(text) is not None


def _first_line(panel: _Panel, line: str) -> bool:
    """Take the first line of a message, or the status and the time that stand below a URL."""
    known = panel.known
    if match := _REQUEST.fullmatch(line):
        known.setdefault("method", match[1])
        if match[2].startswith("http") or "url" not in known:
            known["url"] = match[2]
        known |= {"status": match[3]} if match[3] else {}
        known |= {"time": match[4]} if match[4] else {}
        return True
    if panel.waiting or "body" in panel.section:
        return False
    if (match := _STATUS_LINE.fullmatch(line)) and (panel.is_call or line.startswith("HTTP/")):
        known.setdefault("status", match[1])
        panel.section = "response-headers" if line.startswith("HTTP/") else panel.section
        return True
    if (match := _TIME_ALONE.fullmatch(line)) and "status" in known:
        known.setdefault("time", match[1])
        return True
    return False


def _are_headers_below(piece: Piece, number: int) -> bool:
    """Tell whether a message stands below a label, and not a body."""
    below = next((line for line in piece.lines[number : number + 3] if line.strip()), "")
    return bool(_STATUS_LINE.fullmatch(below) or _HEADER.fullmatch(below))


def _is_label_alone(meaning: str, value: str) -> bool:
    return bool(meaning) and not value


def _said(panel: _Panel, meaning: str, value: str, line: str, number: int) -> None:
    panel.end = number
    if meaning == "general":
        panel.section = "general"
        panel.waiting = "" if value else "nothing"
        return
    if value and (meaning != "status" or _STATUS.fullmatch(value)):
        _keep(panel, meaning, value, number)
        if time := _TIME.search(line):
            panel.known.setdefault("time", time[1])
        return
    panel.waiting = meaning


def _keep(panel: _Panel, meaning: str, value: str, number: int) -> None:
    panel.waiting = ""
    if meaning == "nothing":
        return
    panel.end = number
    is_sent = panel.section.startswith("request") or "request-body" in panel.known
    if meaning == "status" and is_sent:
        panel.section = "response"  # the headers and the body below it are those of the response
    if meaning.startswith(":"):
        _pseudo(panel, meaning, value)
    panel.known.setdefault(meaning, value)


def _header(piece: Piece, panel: _Panel, line: str, number: int) -> int:
    """Take a header, whose value may stand on the line below; return the last line taken."""
    match = _HEADER.fullmatch(line) or _TABBED.fullmatch(line)
    if not match and panel.section.endswith("headers"):
        match = _EQUAL.fullmatch(line)
    if not match and panel.section != "general":
        match = _NAME.fullmatch(line)
    if not match:
        if panel.section == "general" and _JSON.match(line) and panel.is_call:
            side = "response-body" if "status" in panel.known else "request-body"
            return _body(piece, panel, number - 1, side, "")
        return number
    if panel.section == "general" and "response-body" in panel.known:
        return number  # words below the call
    name, value = match[1], (match[2] or "").strip() if match.lastindex == 2 else ""
    if not value and (below := _value_below(piece, number)):
        value, number = below, number + 1
    panel.end = number
    if name.startswith(":"):
        _pseudo(panel, name, value)
    else:
        _side(panel, name).append((name, value))
    return number


def _value_below(piece: Piece, number: int) -> str:
    """Return the line below a header without value, unless it is a header or a label itself."""
    line = piece.lines[number] if number < len(piece.lines) else ""
    is_other = _HEADER.fullmatch(line) or _is_label_alone(*_labelled(line))
    return "" if is_other else line.strip()


def _side(panel: _Panel, name: str) -> list[tuple[str, str]]:
    """Return the headers that one belongs to; without sections its name tells."""
    if panel.section == "general":
        is_request = name.lower() in _OF_REQUEST or "status" not in panel.known
        return panel.request if is_request else panel.response
    return panel.request if panel.section == "request-headers" else panel.response


def _pseudo(panel: _Panel, name: str, value: str) -> None:
    """Keep one of HTTP/2's headers that are the first line of a message."""
    panel.known.setdefault(_PSEUDO.get(name, name), value)
    host, path = panel.known.get(":authority"), panel.known.get(":path")
    if host and path:
        panel.known.setdefault("url", f"{panel.known.get(':scheme', 'https')}://{host}{path}")


def _body(piece: Piece, panel: _Panel, number: int, side: str, value: str) -> int:
    """Take the body that begins behind a label or below it; return its last line."""
    lines = piece.lines
    first = number if value else number + 1
    below = lines[number : number + 2_000]
    rest = "\n".join([value, *below] if value else below)
    text = _FENCE.sub("", rest).lstrip()
    panel.section = side if side != "response-body" else "general"
    lead = rest[: len(rest) - len(text)].count("\n")
    is_apart = not value and (lead or not lines[number - 1].strip())
    if is_apart and text[:1] not in ("{", "[", "<", '"'):
        return number  # words of another paragraph
    if text[:1] in ("{", "["):
        end = json_end(text)
        taken = _shown(text) if end is None else text[:end]
    else:
        taken = text.partition("\n")[0]
    if taken.strip() in ("Download", "view source", "view parsed", "Copy", "Pretty", "Raw"):
        panel.section = side
        return first + lead
    panel.known.setdefault(side, _as_json(piece, first, taken))
    panel.section = "general"
    panel.end = first + lead + taken.count("\n")
    while panel.end < len(lines) and _is_in_tree(lines[panel.end], taken):
        panel.end += 1
    return panel.end


def _is_in_tree(line: str, body: str) -> bool:
    """Tell whether a line is one value of a body that a browser shows as a tree below it."""
    match = _TREE.fullmatch(line) if _UNQUOTED.match(body) else None
    return bool(match and (match[1].isdigit() or f"{match[1]}:" in body))


def _shown(text: str) -> str:
    """Return the first line or paragraph of a body that is not JSON."""
    line = text.partition("\n")[0]
    return line if line.rstrip().endswith(("}", "]")) else text.partition("\n\n")[0]


def _as_json(piece: Piece, number: int, text: str) -> str:
    """Return a body as it was sent; a browser shows JSON without the quotes of its names."""
    if not _UNQUOTED.match(text):
        return plain_body(text)
    quoted = _CONSOLE_KEY.sub(r'\1"\2":', text)
    if parsed(quoted) is None:
        return text
    reason = "the browser shows the body without the quotes of its names; they were added"
    piece.guess(number, reason)
    return quoted


def _found(panel: _Panel) -> Found:
    known = panel.known
    status = _STATUS.fullmatch(known.get("status", ""))
    time = known.get("time") or (known["status"] if status and _TIME.search(status[2]) else "")
    return Found(
        panel.start,
        panel.end,
        Exchange(
            method=known.get("method", "").upper() or None,
            url=known.get("url"),
            request_headers=joined(panel.request),
            request_body=known.get("request-body"),
            status=status_of(status[1]) if status else None,
            response_headers=joined(panel.response),
            response_body=known.get("response-body"),
            elapsed_ms=milliseconds(time) if time else None,
        ),
    )
