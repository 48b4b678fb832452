"""
Find the calls that stand somewhere inside a document whose own shape nobody knows.

The letter of a queue, a tool's export, the breadcrumbs of an error, a recorded cassette or a task
in YAML: an object within it that names a URL and a method, a status or both is a call.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sinchtools.core.records import Exchange, header, with_headers
from sinchtools.evidence.formats.mapping import Record, record_of
from sinchtools.evidence.formats.tools import loaded_yaml
from sinchtools.evidence.formats.values import body_of, parsed
from sinchtools.evidence.pieces import HTTP_METHODS, Piece
from sinchtools.evidence.times import squashed

_MEDIA = "Content-Type"
_DEEPEST, _MOST_NODES = 12, 5_000
_LARGEST_YAML = 1_000_000
_YAML_SIGN = re.compile(r"(?:---[ \t]*\n|#[^\n]*\n|\s)*(?:- )?[\w.\"'-]{1,60}: *(?:[^\s].*)?\n")
_BLOCK = re.compile(r"^[ -]*[\w.\"'-]{1,60}:[ \t]*\n[ -]+\S", re.MULTILINE)
_URL = re.compile(r"(?:https?://|/)\S+\Z")
_NAMES_URL = re.compile(r"(?:url|uri|href|endpoint|path)\Z")
_NAMES_STATUS = re.compile(r"(?:status|statuscode)\Z")
_DESCRIPTION = re.compile(r"(?:---\s*|#[^\n]*\n)*(?:openapi|swagger): *[\"']?[23]\.")
# tasks that name the status they hope for
_OF_TESTS = {"test_name", "stages", "testcases"}  # files of Tavern and Venom
_UNKNOWN: dict[str, Any] = {"status": None, "response_headers": {}, "response_body": None}
_HOPES = {"uri", "ansible.builtin.uri", "ansible.windows.win_uri", "win_uri", "expect"}


def calls(piece: Piece, value: Any, number: int) -> Iterator[Record]:
    """Yield each call within a value, the first that is whole on each way down."""
    left = [_MOST_NODES]
    for one in _calls(piece, value, number, "", 0, left):
        yield Record(one, is_alone=True)


def _calls(
    piece: Piece, value: Any, number: int, name: str, depth: int, left: list[int]
) -> Iterator[Exchange]:
    left[0] -= 1
    if left[0] < 0 or depth > _DEEPEST:
        return
    if isinstance(value, str):
        value = _inside(value)
    if isinstance(value, Mapping):
        own = _call(piece, value, number, name)
        inside: list[Exchange] = []
        if not (own and own.url and (own.method or own.status is not None)):
            for key, inner in value.items():
                inside += _calls(piece, inner, number, str(key), depth + 1, left)
        better = any(one.url for one in inside)
        yield from inside if better or own is None else [own]
    elif isinstance(value, list):
        for inner in value:
            yield from _calls(piece, inner, number, name, depth + 1, left)


def _inside(text: str) -> Any:
    """Return the value of JSON in a text, plain or packed by gzip and base64."""
    if text.startswith("H4sI") and len(text) < _LARGEST_YAML:
        try:
            packed = base64.b64decode(text)
            text = zlib.decompressobj(31).decompress(packed, _LARGEST_YAML * 5).decode("utf-8")
        except (ValueError, zlib.error):
            return None
    text = body_of(text) or ""
    return parsed(text) if text.lstrip()[:1] in ("{", "[") and len(text) > 1 else None


def _call(piece: Piece, value: Mapping[str, Any], number: int, name: str) -> Exchange | None:
    """Return the call that an object is, or None when at most something inside it is one."""
    if name.upper() in HTTP_METHODS and "url" in value:  # a step of Artillery: `post: {url: ...}`
        value = {"method": name, **value}
    if name in _HOPES:
        value = {key: inner for key, inner in value.items() if key != "status_code"}
    if not _is_near(value):
        return None
    record = record_of(piece, value, number)
    found = record.exchange if record else None
    if found is None or found.endpoint == "callback":
        return None
    if not (found.url or (found.status and found.response_body)):
        return None
    if found.method or found.status is not None or found.request_body:
        return replace(_with_media(found, value), source=piece.at(number))
    return None


def _with_media(found: Exchange, value: Mapping[str, Any]) -> Exchange:
    """Return a call with the Content-Type that a task in YAML says beside its headers."""
    media = value.get("content_type")
    if value.get("body_format") == "json":
        media = "application/json"
    if not isinstance(media, str) or "/" not in media or header(found.request_headers, _MEDIA):
        return found
    return replace(found, request_headers=with_headers(found.request_headers, {_MEDIA: media}))


def _is_near(value: Mapping[str, Any]) -> bool:
    """Tell whether an object, or one right within it, names a URL or a status."""
    for name, inner in value.items():
        if _names_part(str(name), inner):
            return True
        if isinstance(inner, Mapping) and any(_names_part(str(n), v) for n, v in inner.items()):
            return True
    return False


def _names_part(name: str, value: Any) -> bool:
    plain = squashed(name[:60])
    if isinstance(value, str) and _NAMES_URL.search(plain):
        return _URL.match(value[:4_000]) is not None
    return _NAMES_STATUS.search(plain) is not None


def sniff_yaml(piece: Piece) -> bool:
    """Tell whether the text is a YAML document with a call somewhere below its top."""
    if piece.document is not None:
        return False
    return _DESCRIPTION.match(piece.text) is not None or any(_of_yaml(piece))


def parse_yaml(piece: Piece) -> Iterator[Exchange]:
    """Yield the calls of a YAML document."""
    if _DESCRIPTION.match(piece.text):
        piece.skip(None, "a description of an API (OpenAPI): it shows no call that was made")
        return
    yield from _of_yaml(piece)


def _of_yaml(piece: Piece) -> Iterator[Exchange]:
    if len(piece.text) > _LARGEST_YAML or not _YAML_SIGN.match(piece.text[:5_000]):
        return
    if "://" not in piece.text or not _BLOCK.search(piece.text):
        return  # a flat list of names is read line by line
    value = loaded_yaml(piece.text)
    if isinstance(value, Mapping | list):
        for document in value if isinstance(value, list) else [value]:
            is_test = isinstance(document, Mapping) and _OF_TESTS & document.keys()
            for record in calls(piece, document, 1):
                yield replace(record.exchange, **_UNKNOWN) if is_test else record.exchange
