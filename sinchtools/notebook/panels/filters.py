"""What narrows the calls: filters as words on chips, as conditions, and kept in the case."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from sinchtools import analysis
from sinchtools.cases.case import Case
from sinchtools.charts import Chart, Kind
from sinchtools.charts.behind import of_hour
from sinchtools.charts.words import WEEKDAYS, moment, period
from sinchtools.core.errors import LogError, WriteError
from sinchtools.core.files import read_own, write_atomically
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


def rows_listed(rows: Any, filters: dict[str, Any], *, is_failing: bool) -> Any:
    """Return the rows that fit; the failing ones of them, unless a filter says what failed."""
    narrowed = is_failing and not {*OF_FAILURES} & {*filters}
    return rows_that_fit(rows, filters | ({"outcome": analysis.FAILING} if narrowed else {}))


# --- a chart and its filters ----------------------------------------------------------------------


def drawn_by(kind: Kind, filters: dict[str, Any]) -> dict[str, Any]:
    """Return the filters that a chart is drawn with: its shares are of all calls."""
    not_drawn = (*OF_FAILURES, "hour", kind.filter)
    return {name: value for name, value in filters.items() if name not in not_drawn}


def drawn(kind: Kind, rows: Any, filters: dict[str, Any], **options: Any) -> Chart:
    """Draw a chart of the rows that fit the filters."""
    hour = None if kind.filter == "hour" else filters.get("hour")
    return kind.draw(within_hour(rows, hour), **options, **drawn_by(kind, filters))


def chosen_of(kind: Kind, chart: Chart, filters: dict[str, Any]) -> list[str]:
    """Return the marks of a chart that the filters choose."""
    found = [name for name, choice in chart.choices.items() if choice.items() <= filters.items()]
    is_hour = kind.filter == "hour" and "hour" in filters
    return [*found, filters["hour"]] if is_hour else found


def touched(kind: Kind, chart: Chart, name: str, filters: dict[str, Any]) -> dict[str, Any] | None:
    """
    Return what a click on a mark changes; None where no filter can say what is behind it.

    A filter that is set already is taken away: its value is None.
    """
    choice = chart.choices.get(name)
    if kind.filter == "hour" and name in chart.bars:
        choice = {"hour": name}
    if choice is not None and choice.items() <= filters.items():
        return dict.fromkeys(choice)
    return choice


def brushed(start: float, end: float) -> dict[str, str]:
    """
    Return the filters of a stretch of time, in seconds since 1970.

    Examples
    --------
    >>> brushed(0, 3600)
    {'since': '1970-01-01T00:00:00', 'until': '1970-01-01T01:00:00'}
    """
    since, until = (datetime.fromtimestamp(at, UTC) for at in (start, end))
    return {"since": f"{since:%Y-%m-%dT%H:%M:%S}", "until": f"{until:%Y-%m-%dT%H:%M:%S}"}


def changed(filters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return filters with some set; None takes one away."""
    return {name: value for name, value in {**filters, **changes}.items() if value is not None}


def chips_of(filters: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Return what each chip takes away, and its words; status and code are one, and so is time."""
    left = {name: in_words(name, value) for name, value in filters.items()}
    found: list[tuple[tuple[str, ...], str]] = []
    if {"since", "until"} <= left.keys():
        times = [pd.Timestamp(filters[name]) for name in ("since", "until")]
        found.append((("since", "until"), f"Time: {period(times[0], times[1])}"))
        del left["since"], left["until"]
    pairs = [name for name in ("status", "outcome") if name in left and "code" in left]
    if pairs:
        code = "" if filters["code"] == "" else f" {left['code']}"
        found.append(((pairs[0], "code"), f"Code: {left[pairs[0]]}{code}"))
        del left[pairs[0]], left["code"]
    return [*(((name,), f"{NAMES[name]}: {words}") for name, words in left.items()), *found]


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
        write_atomically(case.folder / _FILE, text.encode("utf-8", "replace"))
