"""What narrows the calls: filters as words on chips, as conditions, and kept in the case."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from sinchtools import analysis
from sinchtools.cases.case import Case
from sinchtools.charts.behind import of_hour
from sinchtools.charts.words import WEEKDAYS, moment
from sinchtools.core.errors import LogError, WriteError
from sinchtools.core.files import put, read_own
from sinchtools.core.records import visible
from sinchtools.privacy.redaction import Redactor

NAMES = {  # filter: its name on a chip
    "account": "Account",
    "endpoint": "Endpoint",
    "status": "Status",
    "code": "Code",
    "outcome": "Outcome",
    "since": "Since",
    "until": "Until",
    "hour": "Hour of week",
    "text": "Contains",
}
OUTCOMES = {
    "user_error": "request refused (4xx)",
    "sinch_error": "API error (5xx)",
    "success": "succeeded (2xx)",
    "not_delivered": "accepted, not delivered",
    "no_response": "no response",
    "": "response not known",
}
OF_FAILURES = ("status", "code", "outcome")  # these say what failed; a share is of all calls
_FILE = "filters.json"


def in_words(name: str, value: Any) -> str:
    """
    Return the value of a filter as it is written on its chip.

    Examples
    --------
    >>> in_words("since", "2026-11-24T09:41"), in_words("code", ""), in_words("status", 403)
    ('Tue 24 Nov 09:41', 'none', '403')
    """
    if name in ("since", "until"):
        with suppress(ValueError, TypeError):
            import pandas as pd

            return moment(pd.Timestamp(value))
    if name == "outcome":
        return OUTCOMES.get(value, str(value))
    return visible(str(value))[:60] or "none"


def rows_that_fit(rows: Any, filters: dict[str, Any]) -> Any:
    """Return the rows that fit all filters; the hour of the week is one."""
    plain = {name: value for name, value in filters.items() if name != "hour"}
    found = analysis.filtered(rows, **plain) if plain else rows
    return within_hour(found, filters.get("hour"))


def within_hour(rows: Any, hour: str | None) -> Any:
    """Return the rows of one hour of the week, such as `Tuesday 09:00`; with None, all."""
    if not hour:
        return rows
    day, _, time = hour.partition(" ")
    return analysis.where(rows, of_hour(WEEKDAYS.index(day) + 1, int(time[:2])))


def kept(case: Case | None) -> dict[str, Any]:
    """Return what was chosen last in a case, also by another notebook or kernel."""
    if case is None:
        return {}
    with suppress(OSError, LogError, ValueError):
        found = json.loads(read_own(case.folder / _FILE))
        return found if isinstance(found, dict) else {}
    return {}


def keep(case: Case | None, chosen: dict[str, Any]) -> None:
    """Keep what is chosen with the case; a secret in it becomes its marker."""
    if case is None or kept(case) == chosen:
        return
    text = Redactor().text(json.dumps(chosen, ensure_ascii=False))
    with suppress(WriteError, LogError):  # a full disk is no reason to show no chart
        put(case.folder / _FILE, text.encode("utf-8", "replace"))
