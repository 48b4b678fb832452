"""What a table of sends tells of their bodies: to whom they went, and from whom."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from sinchtools.core.records import Exchange
from sinchtools.core.variables import with_variables
from sinchtools.evidence.pieces import words
from sinchtools.evidence.times import squashed

# English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Polish
_RECIPIENT = set(
    words(
        "to recipient recipients torecipient msisdn phone phonenumber phoneno mobile mobilenumber "
        "mobileno tonumber destination destinationnumber dest receiver requestto smsto cellphone "
        "recipientnumber recipientmsisdn empfänger empfaenger empfängernummer rufnummer "
        "zielrufnummer telefonnummer telefon handynummer mobilnummer destinataire téléphone "
        "telephone numéro portable destinatario destinatarios teléfono telefono móvil destinatário "
        "telefone celular numerotelefono cellulare ontvanger telefoonnummer mottagare "
        "telefonnummer odbiorca numertelefonu"
    )
)
_SENDER = set(
    words(
        "from sender senderid fromnumber originator absender expéditeur expediteur remitente "
        "remetente mittente afzender avsändare nadawca"
    )
)
_NUMBER = re.compile(r"[+\d(][\d\s()./-]{3,24}")  # as it stands: masked ones are not judged
_FEWEST_DIGITS = 7  # of a phone number with its country or area code
_NAME = re.compile(r"[+\w][\w .&-]{0,19}")
BODY_OF_COLUMNS = "the bodies were put together from the recipients; the rest stands as a variable"
_FROM, _BODY = "{{from}}", "{{body}}"


def with_recipients(exchange: Exchange, names: list[str], cells: list[str]) -> Exchange:
    """
    Return a send with the body that its table tells of; what it does not tell is a variable.

    A row that has a body, is no send, or whose recipients are masked is returned as it is.
    """
    if exchange.request_body is not None or not _is_send(exchange):
        return exchange
    row = {squashed(name): cell.strip() for name, cell in zip(names, cells, strict=False)}
    numbers = [one.strip() for one in re.split(r"[;,|]", _first(row, _RECIPIENT)) if one.strip()]
    if not numbers or not all(map(_NUMBER.fullmatch, numbers)) or all(map(_is_count, numbers)):
        return exchange
    sender = _first(row, _SENDER)
    body = {"from": sender if _NAME.fullmatch(sender) else _FROM, "to": numbers, "body": _BODY}
    written = replace(exchange, request_body=json.dumps(body, ensure_ascii=False))
    return with_variables(written, [_FROM, _BODY])


def _is_count(cell: str) -> bool:
    """Tell whether a cell says how many recipients there were, rather than who."""
    return cell[0] in "123456789" and sum(map(str.isdigit, cell)) < _FEWEST_DIGITS


def _is_send(exchange: Exchange) -> bool:
    path = (exchange.url or "").partition("?")[0].rstrip("/")
    return exchange.method == "POST" and path.endswith("/batches")


def _first(row: dict[str, str], names: set[str]) -> str:
    return next((cell for name, cell in row.items() if name in names and cell), "")
