"""
Say the pattern of the failures in one sentence: since when, for whom, and what is different.

Summary, charts, panels, report and drafts all begin with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from sinchtools.analysis.changes import changes_in
from sinchtools.analysis.frames import Per
from sinchtools.analysis.results import label, missing
from sinchtools.analysis.tally import Tally, tally

_SPIKE = 6  # intervals
_FEWEST, _FEWEST_FAILING = 20, 5
_FILTERS = ("account", "endpoint")  # fields that `filtered` takes
_WHO = {
    "region": "Region {}",
    "token": "Token {}",
    "client": "Client {}",
    "sender kind": "Sender kind {}",
    "country": "Recipients in {}",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """
    What stands out among the failures, in one sentence.

    Attributes
    ----------
    sentence
        The pattern in words.
    kind
        ``rise`` (it lasts), ``ended``, ``spike``, ``recovery``, ``constant`` (no change stands
        out), ``too few`` or ``none`` (nothing failed).
    start, end
        When the level changed, UTC; None when it did not. The end is None while it lasts.
    filters
        What shows these calls alone, as `filtered` and the charts take it: account, endpoint,
        status, code; without a time.
    field, value
        Who carries the change, or None.
    label
        The status and code in words.
    share_before, share_after, n_before, n_after
        The shares of calls that fail so, and how many calls these are; None without a change.
    n, n_failing
        How many calls there are, and how many fail.
    changes
        All changes, as `change_points` returns them.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> pattern([Exchange(status=500), Exchange(status=201)]).sentence
    '1 of 2 calls failed, with 500 Internal Server Error. Too few calls to see a pattern.'
    """

    sentence: str
    kind: str
    start: datetime | None = None
    end: datetime | None = None
    filters: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    field: str | None = None
    value: str | None = None
    label: str | None = None
    share_before: float | None = None
    share_after: float | None = None
    n_before: int | None = None
    n_after: int | None = None
    n: int = 0
    n_failing: int = 0
    changes: pd.DataFrame = dataclasses.field(
        default_factory=pd.DataFrame, repr=False, compare=False
    )

    def __str__(self) -> str:
        return self.sentence


def pattern(frame: Any, *, per: Per = "call") -> Pattern:
    """
    Return the pattern of the failures: since when, for whom, and what is different.

    Parameters
    ----------
    frame
        As in `codes`.
    per
        As in `codes`.

    Returns
    -------
    Pattern
        A record; its `.sentence` is what charts, summary, report and drafts begin with.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> from sinchtools import Exchange
    >>> times = [datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=i) for i in range(600)]
    >>> rows = [Exchange(at=at, status=201 if at.hour < 8 else 500) for at in times]
    >>> pattern(rows).sentence
    '100% of calls fail with 500 Internal Server Error since Tue 24 Nov 08:00 UTC (before: 0%).'
    """
    counted = tally(frame, per=per)
    changes = changes_in(counted)
    return _of_change(counted, changes, per) if len(changes) else _constant(counted, changes, per)


# --- a change -------------------------------------------------------------------------------------


def _of_change(counted: Tally, changes: pd.DataFrame, per: Per) -> Pattern:
    first = changes.iloc[0]
    status, code = (None if missing(first[c]) else first[c] for c in ("status", "code"))
    name, value = (None if missing(first[c]) else str(first[c]) for c in ("field", "value"))
    start = first["start"].to_pydatetime()
    end = None if pd.isna(first["end"]) else first["end"].to_pydatetime()
    kind = _kind(first, changes.attrs["interval_s"])
    what = label(status, code)
    who = _who(counted, name, value)
    told = _told(kind, what, first, per)
    filters = _filters(name, value, status, code)
    n, failing = _size(counted)
    return Pattern(
        sentence=f"{who}: {told}" if who else _capital(told),
        kind=kind,
        start=start,
        end=end,
        filters=MappingProxyType(filters),
        field=name,
        value=value,
        label=what,
        share_before=float(first["share_before"]),
        share_after=float(first["share_after"]),
        n_before=int(first["n_before"]),
        n_after=int(first["n_after"]),
        changes=changes,
        n=n,
        n_failing=failing,
    )


def _kind(change: Any, interval: int) -> str:
    if change["share_after"] < change["share_before"]:
        return "recovery"
    if pd.isna(change["end"]):
        return "rise"
    lasted = (change["end"] - change["start"]).total_seconds()
    return "spike" if lasted <= _SPIKE * interval else "ended"


def _told(kind: str, what: str, change: Any, per: Per) -> str:
    before, after = share(change["share_before"]), share(change["share_after"])
    calls = _plural(per)
    start, end = change["start"], change["end"]
    if kind == "recovery":
        return (
            f"{what} fell from {before} to {after} of {calls} on {moment(start)} UTC and has not "
            "come back."
        )
    if kind == "rise":
        return f"{after} of {calls} fail with {what} since {moment(start)} UTC (before: {before})."
    return (
        f"{after} of {calls} failed with {what} from {moment(start)} to {moment(end, start)} UTC "
        f"(before: {before})."
    )


def _who(counted: Tally, name: str | None, value: str | None) -> str:
    """Return who carries a change; the one account of the evidence carries what is everywhere."""
    if name is None:
        accounts = counted.cells["account"].dropna().unique()
        only = len(accounts) == 1 and counted.cells["account"].notna().all()
        return str(accounts[0]) if only else ""
    return _WHO.get(name, "{}").format(value if value is not None else f"without {name}")


def _filters(name: str | None, value: str | None, status: Any, code: Any) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    if name in _FILTERS:
        filters[str(name)] = value or ""
    if status is not None:
        filters["status"] = int(status)
    elif code is None:
        filters["outcome"] = "no_response"
    elif str(code).startswith("delivery code"):
        filters["outcome"] = "not_delivered"
    if code is not None and "outcome" not in filters:
        filters["code"] = str(code)
    return filters


# --- no change ------------------------------------------------------------------------------------


def _constant(counted: Tally, changes: pd.DataFrame, per: Per) -> Pattern:
    (n, failing), calls = _size(counted), _plural(per)
    if not failing:
        none = f"None of {n:,} {calls} failed." if n else f"There are no {calls} with a response."
        return Pattern(sentence=none, kind="none", changes=changes, n=n)
    cells = counted.cells[counted.cells["failing"]]
    kinds = cells.groupby(["answer", "code"], dropna=False)["n"].sum().sort_values(ascending=False)
    answer, code = kinds.index[0]
    status = None if answer < 0 else int(answer)
    code = None if missing(code) else str(code)
    what = label(status, code)
    mostly = f"with {what}" if len(kinds) == 1 else f"most often with {what} ({kinds.iloc[0]:,})"
    told = f"{failing:,} of {n:,} {calls} failed, {mostly}."
    few = n < _FEWEST or failing < _FEWEST_FAILING
    rest = f"Too few {calls} to see a pattern." if few else _since(changes)
    return Pattern(
        sentence=f"{told} {rest}",
        kind="too few" if few else "constant",
        filters=MappingProxyType(_filters(None, None, status, code)),
        label=what,
        changes=changes,
        n=n,
        n_failing=failing,
    )


def _since(changes: pd.DataFrame) -> str:
    if changes.attrs["verdict"] == "too few":
        return "The evidence covers too little time to say since when."
    return "The share did not change over time."


def _size(counted: Tally) -> tuple[int, int]:
    n, failing = counted.cells["n"], counted.cells["failing"]
    return int(n.sum()), int(n[failing].sum())


# --- words ----------------------------------------------------------------------------------------


def share(value: float) -> str:
    """
    Return a share in words; 0% and 100% mean none and all.

    Examples
    --------
    >>> share(0), share(0.0004), share(0.018), share(0.7211), share(0.9999)
    ('0%', 'under 0.1%', '1.8%', '72%', 'over 99%')
    """
    if 0 < value < 0.001:
        return "under 0.1%"
    if 0.99 < value < 1:
        return "over 99%"
    return f"{value:.0%}" if value >= 0.0995 or value == 0 else f"{value:.1%}"


def moment(at: datetime, since: datetime | None = None) -> str:
    """
    Return a time of day in words, with its date unless that is the one of `since`.

    Examples
    --------
    >>> day = datetime(2026, 11, 24)
    >>> moment(datetime(2026, 11, 24, 9, 41)), moment(day, day)
    ('Tue 24 Nov 09:41', '00:00')
    """
    if since is not None and since.date() == at.date():
        return f"{at:%H:%M}"
    return f"{at:%a} {at.day} {at:%b %H:%M}"


def _plural(per: Per) -> str:
    return "calls" if per == "call" else "attempts"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
