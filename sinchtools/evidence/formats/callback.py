"""
Read what the vendor sends to a customer's callback URL.

Bodies of delivery reports and inbound messages: alone, in a list, or as a program prints them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

# source: SMS API reference, delivery report callbacks and inbound objects
KINDS = {
    "delivery_report_sms": "a delivery report",
    "delivery_report_mms": "a delivery report",
    "recipient_delivery_report_sms": "a recipient's delivery report",
    "recipient_delivery_report_mms": "a recipient's delivery report",
    "mo_text": "an inbound message",
    "mo_binary": "an inbound message",
    "mo_media": "an inbound message",
}
_PRINTED = re.compile(
    r"\b(?:\w{0,40}Delivery_?Report|MO(?:Text|Binary|Media)|Inbound(?:Message|Sms))\w{0,20}"
    r"(?=[{(\[]).{1,20000}+"
)


def is_body(value: Any) -> bool:
    """Tell whether a value is the body of a callback."""
    return isinstance(value, Mapping) and value.get("type") in KINDS


def sniff(piece: Piece) -> bool:
    """Tell whether the text is one callback body, or a list of them."""
    bodies = piece.document if isinstance(piece.document, list) else [piece.document]
    return bool(bodies) and all(isinstance(body, dict) and is_body(body) for body in bodies)


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each body, as the request that brought it to the callback URL."""
    if not isinstance(piece.document, list):
        yield exchange_of(piece, piece.document, 1, piece.text.strip())
        return
    for number, body in enumerate(piece.document, start=1):
        yield exchange_of(piece, body, number)


def exchange_of(
    piece: Piece, body: Mapping[str, Any], number: int, text: str | None = None
) -> Exchange:
    """Return the request that brought a body to the callback URL."""
    kind = KINDS.get(str(body.get("type")), "a delivery report")
    piece.guess(number, f"the body of {kind} was read as a POST to the callback URL")
    return Exchange(
        source=piece.at(number),
        at=piece.instant(body.get("at") or body.get("received_at")) or piece.time_of(number),
        method="POST",
        endpoint="callback",
        request_body=json.dumps(body, ensure_ascii=False) if text is None else text,
    )


def find(piece: Piece) -> Iterator[Found]:
    """Yield each report or inbound message that a program has printed as its own object."""
    if "eport" not in piece.text and "nbound" not in piece.text and "MO" not in piece.text:
        return
    for number, line in enumerate(piece.lines, start=1):
        if match := _PRINTED.search(line[:40_000]):
            piece.guess(number, "a delivery report or inbound message, as a program printed it")
            yield Found(
                number, number, Exchange(method="POST", endpoint="callback", request_body=match[0])
            )
