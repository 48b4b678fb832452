"""
Read bodies that the vendor sends to a customer's callback URL.

They are delivery reports and inbound messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sinchtools.core.records import Exchange
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


def sniff(piece: Piece) -> bool:
    """Tell whether the text is one callback body, or a list of them."""
    bodies = piece.document if isinstance(piece.document, list) else [piece.document]
    return bool(bodies) and all(
        isinstance(body, dict) and body.get("type") in KINDS for body in bodies
    )


def parse(piece: Piece) -> Iterator[Exchange]:
    """Yield one exchange for each body, as the request that brought it to the callback URL."""
    bodies = piece.document if isinstance(piece.document, list) else [piece.document]
    for number, body in enumerate(bodies, start=1):
        piece.guess(
            number, f"the body of {KINDS[body['type']]} was taken as a POST to the callback URL"
        )
        text = (
            piece.text.strip()
            if len(bodies) == 1 and not isinstance(piece.document, list)
            else json.dumps(body, ensure_ascii=False)
        )
        yield Exchange(
            source=piece.at(number),
            at=piece.instant(body.get("at") or body.get("received_at")),
            method="POST",
            request_body=text,
        )
