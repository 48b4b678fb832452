"""A test number in the place of every recipient."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sinchtools.api.validation import is_group_id, number_violation
from sinchtools.core.errors import WrongUseError
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange
from sinchtools.replays.effects import CHANGES_RECIPIENTS, DRY_RUNS, SENDS

# --- a test number in place of everybody ----------------------------------------------------------


def checked_number(number: str) -> str:
    """
    Return a test number that can stand in for recipients.

    Raises
    ------
    WrongUseError
        It is not a phone number.
    """
    if not isinstance(number, str) or is_group_id(number) or number_violation(number, "to", None):
        raise WrongUseError(
            "The test number is not a phone number.",
            hint="Write it with its country code, such as +15551230001.",
        )
    return number


def redirected_to(request: Exchange, number: str) -> tuple[Exchange, tuple[str, ...]]:
    """
    Return the request with the test number in place of every recipient.

    If that is not possible, the reasons are returned.
    """
    body = object_of(request.request_body)
    if request.endpoint in CHANGES_RECIPIENTS:
        return request, (
            "it changes a batch to real recipients, whom the test number cannot replace",
        )
    if request.endpoint not in SENDS | DRY_RUNS or not isinstance(body.get("to", []), list):
        return request, (
            "the recipients cannot be replaced: 'to' is not a list",
        ) if request.endpoint in SENDS | DRY_RUNS else ()
    if not body:
        return request, ("the recipients cannot be replaced: the body is not a JSON object",)
    changed = {**body, **({"to": [number]} if "to" in body else {})}
    if isinstance(body.get("parameters"), dict):
        changed["parameters"] = {
            key: _one_value(values, number) for key, values in body["parameters"].items()
        }
    return replace(request, request_body=json.dumps(changed, ensure_ascii=False)), ()


def _one_value(values: Any, number: str) -> Any:
    if not isinstance(values, dict):
        return values
    first = next((value for who, value in values.items() if who != "default"), None)
    return {
        who: value
        for who, value in (("default", values.get("default")), (number, first))
        if value is not None
    }
