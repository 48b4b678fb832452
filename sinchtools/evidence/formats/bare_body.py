"""Read a JSON body of the API that stands alone: what came back, or what was to be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece, json_values, words

# the fields by which each body is known. source: SMS API reference and OAuth 2.0 (RFC 6749)
_RESPONSES = tuple(
    set(words(fields))
    for fields in (
        "id to created_at modified_at",  # a batch
        "id size created_at modified_at",  # a group
        "count page batches",
        "count page groups",
        "count page inbounds",
        "count page delivery_reports",
        "number_of_recipients number_of_messages",  # a dry run
        "access_token token_type",
    )
)
_SENT = (set(words("to body")), set(words("to parameters")), set(words("to udh")))
_PARTS = set(words("url method status headers request response code recipient subject level"))


def sniff(piece: Piece) -> bool:
    """Tell whether the text is one body of the API, or a list of them."""
    bodies = _bodies(piece)
    return bool(bodies) and all(isinstance(body, dict) and is_bare(body) for body in bodies)


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each body: its side is known from its fields."""
    for number, body in enumerate(_bodies(piece), start=1):
        is_whole = body is piece.document
        text = piece.text.strip() if is_whole else json.dumps(body, ensure_ascii=False)
        is_response = _is_any(_RESPONSES, body)
        yield Exchange(
            source=piece.at(number),
            request_body=None if is_response else text,
            response_body=text if is_response else None,
        )


def find(piece: Piece) -> Iterator[Found]:
    """Yield each body among words: for a text in which nothing else was found."""
    for start, end, value in json_values(piece.text):
        part = piece.with_text(piece.text[start:end])
        part.document = value
        if sniff(part):
            first, last = piece.line_of(start), piece.line_of(end - 1)
            yield from (Found(first, last, body, "bare-body") for body in parse(part))


def _bodies(piece: Piece) -> list[Any]:
    return piece.document if isinstance(piece.document, list) else [piece.document]


def is_bare(body: Mapping[str, Any]) -> bool:
    """Tell whether an object is a body of the API, and no record of a call or a mail."""
    return _is_any((*_RESPONSES, *_SENT), body) and _PARTS.isdisjoint(body)


def _is_any(signs: tuple[set[str], ...], body: Mapping[str, Any]) -> bool:
    return any(sign <= body.keys() for sign in signs)
