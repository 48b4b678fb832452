"""Tell which rows are behind a bar, as conditions that every engine understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import narwhals as nw
import pandas as pd

from sinchtools.analysis.frames import CALLBACK, is_failing
from sinchtools.analysis.results import label, missing
from sinchtools.charts.style import kind_of
from sinchtools.charts.words import FOLDED, WEEKDAYS, is_folded

_ANSWER = nw.col("answer")
IS_CALL = (_ANSWER.is_null() | (_ANSWER != CALLBACK)).fill_null(True)
IS_SUCCESS = ((_ANSWER >= 200) & (_ANSWER < 300)).fill_null(False)
IS_FAILING = is_failing()
IS_DATED = ~nw.col("at_us").is_null()
IS_TIMED = ~nw.col("elapsed_ms").is_null()
_ANY_CODE = r'"code"\s*:\s*"?\d'
_SPECIAL = re.compile(r"[\\.^$|?*+()\[\]{}]")
_REPORT = r'"(?:statuses|recipient)"\s*:'
IS_REPORT = (
    nw.col("endpoint").str.contains("delivery_report", literal=True)
    & nw.col("response_body").str.contains(_REPORT)
) | ((nw.col("endpoint") == "callback") & nw.col("request_body").str.contains(_REPORT))


def equals(column: str, value: Any) -> nw.Expr:
    """
    Whether a column has a value, or none.

    A message that was not delivered has the status of its request, and counts as one without.
    """
    if column == "status":
        if missing(value):
            return _ANSWER.is_null() | (_ANSWER < 0)
        return _ANSWER.is_in([int(value)])
    return (
        nw.col(column).is_null() if missing(value) else (nw.col(column) == value).fill_null(False)
    )


def reports_of(counts: pd.DataFrame) -> nw.Expr:
    """Whether a report names one of the codes, with its status beside it."""
    return nw.any_horizontal(
        *(_named(*row) for row in counts[["code", "status"]].itertuples(index=False)),
        ignore_nulls=True,
    )


def _named(code: Any, status: Any) -> nw.Expr:
    """
    Tell whether both are members of one object, in either order.

    The regular expressions are those that every engine understands.
    """
    body = nw.col("response_body").str
    a = _ANY_CODE if missing(code) else rf'"code"\s*:\s*"?0*{int(code)}\b'
    if missing(status):
        return ~body.contains(a) if missing(code) else body.contains(a)
    b = r'"status"\s*:\s*' + _SPECIAL.sub(r"\\\g<0>", json.dumps(status, ensure_ascii=False))
    return body.contains(b if missing(code) else rf"{a}[^{{}}]*{b}|{b}[^{{}}]*{a}")


def of_codes(counts: pd.DataFrame) -> dict[str, nw.Expr | None]:
    """Return a condition for each status and code; None for the folded ones."""
    pairs = counts[["status", "code"]].drop_duplicates().itertuples(index=False)
    return {
        label(s, c): None if is_folded(s, c) else equals("status", s) & equals("code", c)
        for s, c in pairs
    }


def of_names(column: str, names: Iterable[str], missing: str) -> dict[str, nw.Expr | None]:
    """Return a condition for each name of a column; None for the folded ones."""
    return {
        name: None if FOLDED.fullmatch(name) else equals(column, None if name == missing else name)
        for name in names
    }


def with_rest(bars: dict[str, nw.Expr | None]) -> dict[str, nw.Expr]:
    """Give the bar of the others (None) what no other bar has."""
    kept = [bar for bar in bars.values() if bar is not None]
    return {
        name: bar if bar is not None else ~nw.any_horizontal(*kept, ignore_nulls=True)
        for name, bar in bars.items()
    }


def choice(status: Any, code: Any, outcome: Any = None) -> dict[str, Any]:
    """
    Return the filter that says a status and code, as `analysis.filtered` takes it.

    Examples
    --------
    >>> choice(403, "unknown_group"), choice(401, None)
    ({'status': 403, 'code': 'unknown_group'}, {'status': 401, 'code': ''})
    >>> choice(None, None, "no_response")
    {'outcome': 'no_response', 'code': ''}
    """
    by_status = {"outcome": "no_response"} if missing(status) else {"status": int(status)}
    if missing(status) and not missing(code) and str(code).startswith("delivery code"):
        by_status = {"outcome": "not_delivered"}
    return by_status | {"code": "" if missing(code) else str(code)}


def fault_of(status: Any, code: Any) -> str:
    """
    Return whose fault a status and code is, as a name of the palette.

    Examples
    --------
    >>> fault_of(403, "unknown_group"), fault_of(None, "delivery code 402"), fault_of(None, None)
    ('request', 'undelivered', 'silent')
    """
    return kind_of(status, choice(status, code).get("outcome"))


def choices_of(counts: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the filter of each status and code; the folded ones have none."""
    pairs = counts[["status", "code"]].drop_duplicates().itertuples(index=False)
    return {label(s, c): choice(s, c) for s, c in pairs if not is_folded(s, c)}


def of_times(
    counts: pd.DataFrame, changes: dict[str, nw.Expr], n: pd.Series[Any], step: int
) -> dict[str, nw.Expr]:
    """Return a condition for each change, each code and each interval in which one failed."""
    codes = {name: bar & IS_DATED for name, bar in with_rest(of_codes(counts)).items()}
    length = pd.Timedelta(seconds=step)
    spans = [(start, min(start + length, END_OF_TIME)) for start in n[n > 0].index]
    return changes | codes | {interval(*span): between(*span) for span in spans}


def interval(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Return the name of an interval."""
    first, last = max(start, FIRST_DATE), min(end, END_OF_TIME)
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"


START_OF_TIME = pd.Timestamp("1678-01-01T00:00:00Z")
FIRST_DATE = pd.Timestamp("0001-01-01T00:00:00Z")  # nothing earlier can be written as a date
END_OF_TIME = pd.Timestamp("9999-12-31T23:59:59Z")  # nothing later can be written as a date


def between(start: pd.Timestamp, end: pd.Timestamp) -> nw.Expr:
    """Whether a row is within a period, its end excluded."""
    first, last = (int(time.as_unit("us").asm8.view("i8")) for time in (start, end))
    return nw.col("at_us").is_between(first, last, closed="left")


def of_hour(weekday: int, hour: int) -> nw.Expr:
    """Whether a row is in an hour of the week; Monday is 1."""
    # 1970-01-01 was a Thursday; never negative
    of_week = (nw.col("at_us") // 3_600_000_000 + 168 * 10**5 + 72) % 168
    return (of_week == (weekday - 1) * 24 + hour).fill_null(False)


def of_hours(cells: pd.DataFrame) -> dict[str, nw.Expr]:
    """Return a condition for each hour of the week with a failure, the worst first."""
    seen = cells[cells["n_failing"] > 0].sort_values(
        ["n_failing", "weekday", "hour"], ascending=[False, True, True]
    )
    hours = zip(seen["weekday"].astype(int), seen["hour"].astype(int), strict=True)
    return {f"{WEEKDAYS[d - 1]} {h:02}:00": of_hour(d, h) & IS_FAILING for d, h in hours}
