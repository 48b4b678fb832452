"""Which of the API's names a misspelled one was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Container

_ALIKE, _CERTAIN = 0.7, 0.75
# rules on a name that the API does not know: it may ignore it, or refuse the request
NAMES_OF_FIELDS = ("unknown-field-renamed", "unknown-field", "parameter-without-value")
OTHER_NAMES = {  # what other APIs and people call a field: our name
    **dict.fromkeys(
        ("message", "text", "content", "msg", "sms", "message_body", "sms_text"), "body"
    ),
    **dict.fromkeys(
        (
            "recipient",
            "recipients",
            "phone",
            "phone_number",
            "number",
            "numbers",
            "destination",
            "destinations",
            "msisdn",
            "tos",
        ),
        "to",
    ),
    **dict.fromkeys(("sender", "originator", "source", "sender_id", "from_number"), "from"),
    **dict.fromkeys(
        ("callback", "webhook", "webhook_url", "status_callback", "notify_url"), "callback_url"
    ),
    **dict.fromkeys(("params", "variables", "substitutions"), "parameters"),
    **dict.fromkeys(("reference", "client_ref"), "client_reference"),
    "to": "to_add",
    "members": "add",
}


def snake(name: str) -> str:
    """
    Return a name in the API's style.

    Examples
    --------
    >>> snake("clientReference"), snake("Send-At")
    ('client_reference', 'send_at')
    """
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().replace("-", "_")


def nearest(name: str, known: Collection[str]) -> str:
    """
    Return the known name that is most like a name, or nothing.

    Examples
    --------
    >>> nearest("delivery_reprot", ["delivery_report", "body"]), nearest("colour", ["body"])
    ('delivery_report', '')
    """
    return next(iter(difflib.get_close_matches(snake(name), known, 1, _ALIKE)), "")


def meant(name: str, known: Collection[str], taken: Container[str] = ()) -> str | None:
    """
    Return the known name that was certainly meant: the only one near, and not there already.

    Examples
    --------
    >>> meant("nam", ["name", "code"]), meant("to_ad", ["to_add"], {"to_add"})
    ('name', None)
    >>> meant("from_t", ["from_ton", "from", "to"]) is None
    True
    """
    close = difflib.get_close_matches(snake(name), known, 2, _CERTAIN)
    same = [one for one in close if one.replace("_", "") == snake(name).replace("_", "")]
    found = same or close
    return found[0] if len(found) == 1 and found[0] not in taken else None
