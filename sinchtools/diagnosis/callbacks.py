"""What a customer's own web server did with a callback of the API."""

from __future__ import annotations

import re

from sinchtools.api import deliveries
from sinchtools.api.description import Place
from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.rules import finding_of

_BROUGHT_TO = re.compile(  # a path that is named for what is brought to it
    r"(?i)(?=.*(?:sinch|sms|dlr|inbound|delivery|\bmo\b|message))"
    r".*(?:callback|webhook|\bhooks?\b|\bdlrs?\b|inbound|delivery.?(?:report|receipt|status)"
    r"|\bmo\b)"
)
_LONGEST = 500  # characters that are looked at
_FETCH = {  # by what a path or a body names: where the same can be read
    r"inbound|\bmo\b|\bmo_": "GET /inbounds with start_date",
    r"dlr|delivery|receipt|status": "GET /batches/{batch_id}/delivery_report",
}
_AGAIN = {  # by the class of the response, or by the response: whether the API brings it again
    429: "The API repeats it at a lower rate.",
    4: "The API does not repeat a callback after a 4xx.",
    5: "The API repeats it with growing pauses, for about 22 hours.",
}


def is_brought(exchange: Exchange, place: Place) -> bool:
    """Tell whether a row is, or looks like, a callback that a web server has logged."""
    if deliveries.is_callback(exchange):
        return True
    is_of_a_log = exchange.method == "POST" and not place.host
    return is_of_a_log and bool(_BROUGHT_TO.match(place.path.replace("_", "-")))


def findings(exchange: Exchange, place: Place) -> list[Finding]:
    """Return that a callback was not taken, if it was not."""
    status = exchange.status or 0
    if status < 300:
        return []
    sure = deliveries.is_callback(exchange)
    facts = {
        "value": place.path[:80],
        "what": "a callback of the API" if sure else "what looks like a callback of the API",
        "fetch": _fetch(place.path, exchange.request_body),
        "again": _AGAIN.get(status) or _AGAIN.get(status // 100, ""),
    }
    return [finding_of(exchange, "callback-refused", severity="error", status=status, facts=facts)]


def _fetch(path: str, body: str | bytes | None) -> str:
    """Return the calls of the API that give what a callback brought; all, if it is not known."""
    named = f"{path} {body if isinstance(body, str) else ''}"[:_LONGEST].lower()
    found = [call for words, call in _FETCH.items() if re.search(words, named)]
    return " or ".join(found or _FETCH.values())
