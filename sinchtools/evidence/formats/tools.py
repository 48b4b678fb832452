"""
Read what HTTP tools export as JSON or YAML: collections, sessions, and runs of a workflow.

One table says of each tool how its export is known and where the parts of a call stand in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import yaml

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats import tool_parts as parts
from sinchtools.evidence.formats.mapping import http_status
from sinchtools.evidence.pieces import HTTP_METHODS, Piece, joined, words
from sinchtools.evidence.row_tables import fields_of

_MOST_NODES = 1_000_000
_LARGEST_YAML = 5_000_000  # characters
_YAML_SIGN = re.compile(
    r"^(?:type:\s{0,9}['\"]?collection\.insomnia|opencollection:|_type:\s{0,9}export|http:\s*$)",
    re.MULTILINE,
)
_METHODS = {method.lower() for method in HTTP_METHODS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    How the export of a tool is known, and where the parts of a call stand in it.

    A path is names with dots between, or a dot for the object itself; a bar separates those of
    several versions.
    """

    tool: str  # its name in words
    # paths that must all be there, each with ``=TEXT`` where the value must hold a text, joined by
    # ``&``. Of a list the first object is looked at
    sign: str
    start: str = ""  # where the calls are searched: every object below is looked at
    node: str = ""  # what an object has to have, besides a URL, to be a call
    # where both are in the object of a call
    request: str = ""
    response: str = ""
    saved: str = ""  # where further responses are kept with a request, each a row of its own
    # when it began and ended, and how many milliseconds it took
    at: str = ""
    until: str = ""
    elapsed: str = ""
    variables: str = ""  # where environments are, each a mapping or a list of names and values
    literal: str = ""  # whether a body stands as itself: its JSON is what was sent
    is_alone: str = ""  # whether the response is a row also where its request is not known


_URL = "url|uri|requestUrl|request_url|endpoint|href"
_METHOD = "method|verb|httpMethod|requestMethod|request_method"
_HEADERS = "headers|header|requestHeaders|request_headers|headerParameters"
_BODY = "body|data|payload|postData|requestBody|jsonBody|rawModeData|request_data"
_AUTH = "auth|authentication|authorization"
_QUERY = "queryParams|urlParameters|parameters|params|queryParameters.parameters|qs"
_STATUS = (
    "status|statusCode|status_code|responseCode.code|code|httpCode|errorDetails.httpCode"
    "|responseStatus"
)
_ANSWER = (
    "body|data|stream|content|responseBody|response_body|context.data|errorDetails.rawErrorMessage"
    "|messages|text"
)
_MESSAGE = re.compile(r"\d{3} - (\".*\")", re.DOTALL)  # how n8n quotes a response
_WRAPPERS = "value|actions|runs"

SHAPES = [
    Shape(**fields)
    for fields in fields_of(r"""
Insomnia  sign: __export_format  start: resources  node: _type=request  variables: resources
Insomnia  sign: type=collection.insomnia  start: collection  variables: environments
Bruno  sign: opencollection  start: items  request: http  variables: config
Bruno  sign: info.type=http & http.url  request: http
Bruno  sign: version & items & environments|brunoConfig|root|name  start: items  request: request
      saved: examples  variables: environments
Bruno  sign: results & summary|iterationIndex  request: request  response: response
      elapsed: response.responseTime  literal: yes
Thunder Client  sign: clientName|client=Thunder  variables: environments|settings.envs|variables
Thunder Client  sign: colId & containerId & url
Hoppscotch  sign: requests & folders & v|name & auth|v|headers  node: endpoint  saved: responses
      variables: variables
Hoppscotch  sign: endpoint & v & auth  saved: responses
Yaak  sign: yaakVersion  start: resources.httpRequests
HTTPie  sign: meta.format=httpie  start: entry
Advanced REST Client  sign: kind=ARC#  start: requests
Talend API Tester  sign: entities & version  start: entities
newman  sign: run.executions  start: run.executions  request: request  response: response
      elapsed: response.responseTime
the Postman runner  sign: results & collection_id|collection_name|startedAt|totalPass|allTests
      start: results  node: responseCode  response: .  elapsed: time
Charles  sign: host & scheme & request.header|request.sizes|response.sizes|times  request: request
      response: response  at: times.requestBegin|times.start  elapsed: durations.total
Power Automate  sign: inputs.uri  request: inputs  response: outputs  at: startTime
      until: endTime  literal: yes
Power Automate  sign: properties.inputs.uri  request: properties.inputs
      response: properties.outputs  at: properties.startTime  until: properties.endTime
      literal: yes
Power Automate  sign: uri & method & headers|body|authentication  literal: yes
Power Automate or Make  sign: statusCode & headers & body|data  response: .  literal: yes
      is_alone: yes
n8n  sign: httpCode|errorDetails.httpCode|n8nDetails  request: context.request|request  response: .
      literal: yes  is_alone: yes
Make  sign: flow & name|metadata  start: flow  request: mapper  literal: yes
n8n  sign: nodes & connections  start: nodes  node: type=httpRequest  request: parameters
      literal: yes
""")
]


def sniff(piece: Piece) -> bool:
    """Tell whether the text is the export of a tool in the table."""
    return _shape(_document(piece)) is not None


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each call, and for each response that is kept with a request."""
    document = _document(piece)
    shape = _shape(document)
    if shape is None:
        return
    variables = _variables(document, shape)
    number = 0
    for node, auth in _nodes(document, shape):
        number += 1
        exchange = _request(piece, node, shape, variables, auth, number)
        yield _answered(piece, exchange, node, shape)
        for saved in _saved(node, shape):
            yield _with_response(exchange, saved, shape)
    if number == 0:
        piece.skip(None, f"an export of {shape.tool} without requests")


def _document(piece: Piece) -> Any:
    if piece.document is not None:
        return piece.document
    if len(piece.text) > _LARGEST_YAML or not _YAML_SIGN.search(piece.text, 0, 5_000):
        return None
    return loaded_yaml(piece.text)


def loaded_yaml(text: str) -> Any:
    """
    Return the value of a YAML text, those of several documents as a list, or None for none.

    One with aliases is refused: few bytes of them stand for millions of values.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
            return None
        values = list(yaml.load_all(text, yaml.CSafeLoader))
        return values if len(values) > 1 else next(iter(values), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _shape(document: Any) -> Shape | None:
    tops = [document, parts.at(document, _WRAPPERS)]
    for top in (one[0] if isinstance(one, list) and one else one for one in tops):
        for shape in SHAPES if isinstance(top, dict) else ():
            if all(_has(top, sign) for sign in shape.sign.split(" & ")):
                return shape
    return None


def _has(value: Mapping[str, Any], sign: str) -> bool:
    """Tell whether a value has what a sign names: a path, or a path and a text in its value."""
    path, equals, wanted = sign.partition("=")
    found = parts.at(value, path)
    return found is not None and (not equals or wanted.lower() in parts.text_of(found).lower())


def _nodes(document: Any, shape: Shape) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each object that is a call, with the auth of the folder that it is in."""
    top = parts.at(document, shape.start) if isinstance(document, dict) else document
    waiting: list[tuple[Any, Any, int]] = [
        (top, parts.at(document, f"{_AUTH}|root.request.auth"), 0)
    ]
    looked_at = 0
    while waiting and looked_at < _MOST_NODES:
        value, auth, depth = waiting.pop()
        looked_at += 1
        if isinstance(value, dict) and _is_call(value, shape):
            yield value, auth
        elif depth < parts.DEEPEST:
            auth = _own_auth(value) or auth
            inner = value.values() if isinstance(value, dict) else value
            below = [one for one in inner if isinstance(one, dict | list)] if inner else []
            waiting += [(one, auth, depth + 1) for one in reversed(below)]


def _own_auth(value: Any) -> Any:
    own = parts.at(value, f"{_AUTH}|root.request.auth|request.auth")
    is_inherited = isinstance(own, dict) and "inherit" in str(parts.first(own, _KINDS)).lower()
    return None if is_inherited else own


_KINDS = words("type mode authType")


def _is_call(value: dict[str, Any], shape: Shape) -> bool:
    if shape.node and not _has(value, shape.node):
        return False
    request = parts.at(value, shape.request)
    has_target = isinstance(request, dict) and bool(_target(value, request))
    return has_target or (bool(shape.is_alone) and _status_of(value) is not None)


def _target(node: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    found = parts.url(parts.at(request, _URL)) or parts.url(node if "host" in node else None)
    return found if isinstance(found, str) else ""


def _request(
    piece: Piece,
    node: dict[str, Any],
    shape: Shape,
    variables: Mapping[str, str],
    inherited: Any,
    number: int,
) -> Exchange:
    request = parts.at(node, shape.request) or {}
    if not _target(node, request):
        return Exchange(source=piece.at(number))
    target = parts.with_query(_target(node, request), parts.at(request, _QUERY))
    headers = parts.headers(_header_list(request))
    auth = _own_auth(request) or (None if shape.literal else inherited)
    name, value, place = parts.authorization(auth)
    if place == "query":
        piece.secrets.add(value)
        target = parts.with_query(target, [{"name": name, "value": value}])
    elif place and name.lower() not in {one.lower() for one in headers}:
        headers[name] = value
        piece.secrets.update([value] if name != "Authorization" else [])
    return Exchange(
        source=piece.at(number),
        at=piece.instant(parts.at(node, shape.at)) if shape.at else None,
        method=_method(node, request),
        url=parts.filled(target, variables),
        request_headers=joined(
            (parts.filled(one, variables), parts.filled(text, variables))
            for one, text in headers.items()
        ),
        request_body=_filled_body(_body(request, shape), variables),
    )


def _header_list(request: Mapping[str, Any]) -> Any:
    found = parts.at(request, _HEADERS)
    return found.get("headers", found) if isinstance(found, dict) else found


def _body(request: Mapping[str, Any], shape: Shape) -> str | bytes | None:
    found = parts.at(request, _BODY)
    if not shape.literal:
        return parts.body(found)
    fields = dict(parts.pairs(parts.at(request, "bodyParameters.parameters")))
    if isinstance(found, str) and found.startswith("={"):  # n8n marks an expression
        found = found[1:]
    return parts.literal(fields or found)


def _filled_body(body: str | bytes | None, variables: Mapping[str, str]) -> str | bytes | None:
    return parts.filled(body, variables) if isinstance(body, str) else body


def _method(node: Mapping[str, Any], request: Mapping[str, Any]) -> str | None:
    found = parts.at(request, _METHOD) or parts.at(node, _METHOD)
    name = parts.text_of(found.get("name") if isinstance(found, dict) else found).upper()
    return name or "GET"


def _answered(piece: Piece, exchange: Exchange, node: dict[str, Any], shape: Shape) -> Exchange:
    """Return the exchange with the response that stands next to its request."""
    if not shape.response:
        return exchange
    response = parts.at(node, shape.response)
    failure = parts.at(node, "requestError.message|requestError.code|error.message|exception")
    elapsed = parts.number_of(parts.at(node, shape.elapsed)) if shape.elapsed else None
    until = piece.instant(parts.at(node, shape.until)) if shape.until else None
    answered = _with_response(exchange, response if isinstance(response, dict) else {}, shape)
    return replace(
        answered,
        elapsed_ms=_between(exchange.at, until) if elapsed is None else elapsed,
        failure=parts.text_of(failure) or None if answered.status is None else None,
    )


def _between(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return round((end - start).total_seconds() * 1000, 3)


def _with_response(exchange: Exchange, response: Mapping[str, Any], shape: Shape) -> Exchange:
    found = parts.at(response, _ANSWER)
    return replace(
        exchange,
        status=_status_of(response),
        response_headers=parts.headers(_header_list(response)),
        response_body=_quoted(found) if shape.literal else parts.body(found),
    )


def _quoted(value: Any) -> str | bytes | None:
    """Return a body that stands as itself, or in the message of an error."""
    text = value[0] if isinstance(value, list) and value and isinstance(value[0], str) else value
    match = _MESSAGE.fullmatch(text) if isinstance(text, str) else None
    try:
        return str(json.loads(match[1])) if match else parts.literal(text)
    except ValueError:
        return parts.literal(text)


def _status_of(value: Any) -> int | None:
    """Return the status that stands under the first of its names that has one."""
    found = (http_status(parts.at(value, path)) for path in _STATUS.split("|"))
    return next(filter(None, found), None)


def _saved(node: dict[str, Any], shape: Shape) -> list[dict[str, Any]]:
    kept = parts.at(node, shape.saved) if shape.saved else None
    found = list(kept.values()) if isinstance(kept, dict) else kept
    responses = [one.get("response", one) for one in parts.dicts(found)]
    return [one for one in parts.dicts(responses) if _status_of(one)]


def _variables(document: Any, shape: Shape) -> dict[str, str]:
    """Return the variables that the export itself gives one value only."""
    found = parts.at(document, shape.variables) if shape.variables else None
    return parts.settled(list(_environments(found, 0)))


def _environments(value: Any, depth: int) -> Iterator[dict[str, str]]:
    """Yield the variables of each environment, in any of the forms that the tools write."""
    if depth > 4:
        return
    if isinstance(value, list):
        if any("value" in one and ("name" in one or "key" in one) for one in parts.dicts(value)):
            yield dict(parts.pairs(value))
        else:
            for one in parts.dicts(value):
                yield from _environments(one, depth + 1)
    elif isinstance(value, dict):
        own = value.get("data") if value.get("_type", "environment") == "environment" else None
        if isinstance(own, dict):
            yield {str(name): text for name, one in own.items() if (text := parts.text_of(one))}
        for name in ("subEnvironments", "variables", "environments"):
            yield from _environments(value.get(name), depth + 1)
