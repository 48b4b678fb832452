"""
Read what HTTP tools save as XML: Burp, Charles, JMeter and SoapUI.

One table says of each tool what its document and its calls are called, and where the parts stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import http_message
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.mapping import http_status
from sinchtools.evidence.formats.values import unbased
from sinchtools.evidence.found import filled
from sinchtools.evidence.pieces import METHODS, Piece, joined
from sinchtools.evidence.row_tables import fields_of

_LARGEST = 50_000_000  # characters; the tree of a document takes ten times as much
_START = re.compile(
    r"\s{0,99}(?:<\?[^>]{0,200}\?>\s{0,99}){0,3}"
    r"(?:<!DOCTYPE[^\[>]{0,200}(?:\[[^\]]{0,9000}\])?\s{0,9}>\s{0,99})?"
    r"(?:<!--.{0,2000}?-->\s{0,99})?<(?:\w+:)?([\w-]+)",
    re.DOTALL,
)
_ENTITY = "<!ENTITY"  # few bytes of these stand for millions
_METHOD = re.compile(rf"\b({METHODS})\b")
_BODY_OF = re.compile(r"(?:POST|PUT|PATCH|DELETE) data:\s*(.*?)\s*(?:\[no cookies\]|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """
    What the XML of a tool is called, and where the parts of a call stand in it.

    A path is names with slashes between, the last with ``@`` for an attribute; a bar separates
    those of several versions. `raw` are whole messages, joined by ``&``.
    """

    tool: str
    root: str
    call: str
    url: str = ""
    method: str = ""
    status: str = ""
    at: str = ""
    elapsed: str = ""
    request_headers: str = ""
    response_headers: str = ""
    request_body: str = ""
    response_body: str = ""
    raw: str = ""


_SHAPES = [
    _Shape(**fields)
    for fields in fields_of(r"""
Burp  root: items  call: item  url: url  method: method  status: status  at: time
      raw: request & response
Charles  root: charles-session  call: transaction  method: @method  status: response/@status
      at: @startTimeMillis|@startTime  elapsed: @totalTimeMillis|@duration
      request_headers: request/headers/header  response_headers: response/headers/header
      request_body: request/body  response_body: response/body
JMeter  root: testResults  call: httpSample|sample  url: java.net.URL  method: method  status: @rc
      at: @ts  elapsed: @t  request_headers: requestHeader  response_headers: responseHeader
      request_body: queryString  response_body: responseData
SoapUI  root: soapui-project  call: request  url: endpoint  request_body: request
""")
]


def sniff(piece: Piece) -> bool:
    """Tell whether the text is the XML of a tool in the table."""
    return _shape(piece.text) is not None


def _shape(text: str) -> _Shape | None:
    match = _START.match(text[:20_000])
    return next((one for one in _SHAPES if match and one.root == match[1]), None)


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each call that the document holds."""
    shape = _shape(piece.text)
    root = _root(piece) if shape else None
    if shape is None or root is None:
        return
    number = 0
    above = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter():
        if _name(element) in shape.call.split("|"):
            exchange = _exchange(piece, element, above, shape)
            if exchange.url:
                number += 1
                yield replace(exchange, source=piece.at(number))
    if number == 0:
        piece.skip(None, f"XML of {shape.tool} without calls")


def _root(piece: Piece) -> ElementTree.Element | None:
    """Return the document, or None with the reason why it is not read."""
    text = re.sub(r"\A\s*<\?xml[^>]{0,200}\?>", "", piece.text)
    if len(text) > _LARGEST or _ENTITY in text[:20_000]:
        piece.skip(None, "XML that is too large or defines entities: export less, or a HAR")
        return None
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        piece.skip(None, "the XML breaks off or is damaged: export it again, or as HAR")
        return None


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _find(element: ElementTree.Element, path: str) -> ElementTree.Element | None:
    for name in filter(None, path.split("/")):
        found = next((child for child in element if _name(child) == name), None)
        if found is None:
            return None
        element = found
    return element


def _text(element: ElementTree.Element, paths: str) -> str:
    """Return the text at the first of some paths that has one; base64 is decoded."""
    for path in filter(None, paths.split("|")):
        inner, _, attribute = path.partition("@")
        found = _find(element, inner)
        if found is not None:
            value = found.get(attribute) if attribute else found.text
            if value and value.strip():
                return _plain(value, found)
    return ""


def _plain(value: str, element: ElementTree.Element) -> str:
    is_encoded = "true" in (element.get("base64"), element.get("encoded")) or (
        element.get("encoding") == "base64"
    )
    inside = unbased(value) if is_encoded else None
    text = inside.decode("utf-8", "replace") if isinstance(inside, bytes) else inside
    return value if text is None else text.replace("\r\n", "\n")


def _exchange(
    piece: Piece,
    element: ElementTree.Element,
    above: dict[ElementTree.Element, ElementTree.Element],
    shape: _Shape,
) -> Exchange:
    raw = [_text(element, path) for path in shape.raw.split(" & ")]
    known = message_of(piece, *raw) if any(raw) else Exchange()
    body = _text(element, shape.request_body)
    sent = _BODY_OF.search(body)
    return replace(
        known,
        url=_with_path(_text(element, shape.url) or _url(element), element, above) or known.url,
        method=known.method or _text(element, shape.method) or _method(element, above),
        status=known.status or http_status(_text(element, shape.status)),
        at=piece.instant(_text(element, shape.at)),
        elapsed_ms=parts.number_of(_text(element, shape.elapsed) or None),
        request_headers=known.request_headers or _headers(element, shape.request_headers),
        response_headers=known.response_headers or _headers(element, shape.response_headers),
        request_body=known.request_body or (sent[1] if sent else body) or None,
        response_body=known.response_body or _text(element, shape.response_body) or None,
    )


def message_of(piece: Piece, request: str, response: str) -> Exchange:
    """Return the exchange of two raw messages."""
    first, second = (
        next(http_message.find(piece.inner(text.replace("\r\n", "\n"))), None)
        for text in (request, response)
    )
    known = first.exchange if first else Exchange()
    return filled(known, second.exchange) if second else known


def _url(element: ElementTree.Element) -> str:
    """Return a URL that stands in attributes, as Charles writes it."""
    return parts.url({name: value for name, value in element.attrib.items() if name != "method"})


def _with_path(
    url: str, element: ElementTree.Element, above: dict[ElementTree.Element, ElementTree.Element]
) -> str:
    """Return a URL with the path of the elements above it, as SoapUI keeps them apart."""
    path, parent = "", above.get(element)
    while parent is not None and re.fullmatch(r"https?://[^/]+/?", url):
        path = parent.get("path", "").rstrip("/") + path
        parent = above.get(parent)
    return url.rstrip("/") + path if path else url


def _method(
    element: ElementTree.Element, above: dict[ElementTree.Element, ElementTree.Element]
) -> str | None:
    """Return the method that a label or the element above says, or None."""
    around = element.get("lb") or ""
    parent = above.get(element)
    if parent is not None:
        around = f"{parent.get('method', '')} {around}"
    match = _METHOD.search(around)
    return match[1] if match else None


def _headers(element: ElementTree.Element, path: str) -> dict[str, str]:
    """Return headers that stand as elements with name and value, or as lines of text."""
    holder, _, name = path.rpartition("/")
    parent = _find(element, holder) if path else None
    found = [child for child in (parent if parent is not None else ()) if _name(child) == name]
    listed = [(_text(one, "name|@name"), _text(one, "value|@value")) for one in found]
    if any(name for name, _ in listed):
        return joined((name, value) for name, value in listed if name)
    return parts.headers(found[0].text) if found else {}
