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

from sinchtools.analysis.causes import ABSENT, TIMES, Sides, differences_of
from sinchtools.analysis.changes import changes_in
from sinchtools.analysis.frames import Per
from sinchtools.analysis.results import label, missing
from sinchtools.analysis.tally import Tally, tally

_SPIKE = 6  # intervals
_FEWEST, _FEWEST_FAILING = 20, 5
_FEW, _FEW_OF_A_SIDE = 60, 10  # calls: with fewer a change is told in counts, and with a doubt
_FILTERS = ("account", "endpoint")  # fields that `filtered` takes
_WHO = {
    "region": "Region {}",
    "token": "Token {}",
    "client": "Client {}",
    "sender kind": "Sender kind {}",
    "country": "Recipients in {}",
}

_HAS = {
    "number form": "are to {value} numbers",
    "country": "are to numbers of {value}",
    "sender kind": "have the sender kind {value}",
    "token": "use token {value}",
    "client": "come from the client {value}",
    "endpoint": "are {value}",
    "account": "are of {value}",
    "region": "go to the region {value}",
}
_QUALIFIED = {"country": "known country"}
_TELLING, _MOST = 0.5, 0.9  # least effect of a cause that is said, and of how many failing calls


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
    changes, causes
        All changes, as `change_points` returns them, and what the failing calls have that others
        do not, as `differences` does.

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
    causes: pd.DataFrame = dataclasses.field(
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
    change = {str(name): value for name, value in changes.iloc[0].to_dict().items()}
    status, code, name, value = (
        None if missing(change[c]) else change[c] for c in ("status", "code", "field", "value")
    )
    sides = Sides.of(counted, change)
    why = why_of(differences_of(sides.within(name, value)), name)
    account = None if name else _only_account(counted)
    seconds = changes.attrs["interval_s"] < 60
    said = change_in_words(change, per=per, account=account, seconds=seconds)
    n, failing = _size(counted)
    return Pattern(
        sentence=f"{said} {why}".strip(),
        kind=_kind(change, changes.attrs["interval_s"]),
        start=change["start"].to_pydatetime(),
        end=None if pd.isna(change["end"]) else change["end"].to_pydatetime(),
        filters=MappingProxyType(_filters(name, value, status, code)),
        field=name,
        value=value,
        label=label(status, code),
        share_before=float(change["share_before"]),
        share_after=float(change["share_after"]),
        n_before=int(change["n_before"]),
        n_after=int(change["n_after"]),
        changes=changes,
        causes=differences_of(sides),
        n=n,
        n_failing=failing,
    )


def _kind(change: Mapping[str, Any], interval: int) -> str:
    if change["share_after"] < change["share_before"]:
        return "recovery"
    if pd.isna(change["end"]):
        return "rise"
    lasted = (change["end"] - change["start"]).total_seconds()
    return "spike" if lasted <= _SPIKE * interval else "ended"


def _only_account(counted: Tally) -> str | None:
    """Return the one account of the evidence: it carries what is everywhere."""
    accounts = counted.cells["account"].unique()
    return str(accounts[0]) if len(accounts) == 1 and not missing(accounts[0]) else None


def change_in_words(
    change: Mapping[Any, Any],
    *,
    per: Per = "call",
    account: str | None = None,
    seconds: bool = False,
) -> str:
    """
    Return a row of `change_points` as a sentence.

    Few calls are told in counts instead of shares, and with a doubt.

    Parameters
    ----------
    change
        The row.
    per
        What was counted.
    account
        Who is named where the change is everywhere.
    seconds
        Whether times have seconds.

    Returns
    -------
    str
        The sentence.

    Examples
    --------
    >>> at = pd.Timestamp("2026-11-24T09:41Z")
    >>> shares = {"share_before": 0.0, "share_after": 0.72, "start": at, "end": pd.NaT}
    >>> change_in_words({"status": 500, "code": None, "field": "region", "value": "eu", **shares})
    'Region eu: 72% of calls fail with 500 Internal Server Error since Tue 24 Nov 09:41 UTC \
(before: 0%).'
    """
    told = _told(change, _plural(per), _clock(1 if seconds else 60))
    if (n := sum(_sizes(change))) < _FEW:
        told = f"{told} {n} {_plural(per)} are too few to be sure."
    name, value = (None if missing(change[c]) else change[c] for c in ("field", "value"))
    who = account if name is None else _WHO.get(name, "{}").format(value or f"without {name}")
    return f"{who}: {told}" if who else _capital(told)


def _told(change: Mapping[str, Any], calls: str, clock: str) -> str:
    status, code = (None if missing(change[c]) else change[c] for c in ("status", "code"))
    before, after, of = share(change["share_before"]), share(change["share_after"]), " of"
    if min(_sizes(change)) < _FEW_OF_A_SIDE or sum(_sizes(change)) < _FEW:
        before, after, of = _counts(change, "before"), _counts(change, "after"), ""
    start, end, what = change["start"], change["end"], label(status, code)
    some, since = f"{after}{of} {calls}", moment(start, clock=clock)
    if change["share_after"] < change["share_before"]:
        return f"since {since} UTC, {some} fail with {what} (before: {before})."
    if pd.isna(end):
        return f"{some} fail with {what} since {since} UTC (before: {before})."
    until = moment(end, start, clock)
    return f"{some} failed with {what} from {since} to {until} UTC (before: {before})."


def _sizes(change: Mapping[Any, Any]) -> list[int]:
    return [int(change.get(f"n_{side}", _FEW)) for side in ("before", "after")]


def _counts(change: Mapping[str, Any], side: str) -> str:
    n = int(change[f"n_{side}"])
    return f"{round(change[f'share_{side}'] * n):,} of {n:,}"


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


def why_of(causes: pd.DataFrame, carrier: str | None) -> str:
    """Return what the failing calls of a change share and others do not, or nothing."""
    for cause in causes.to_dict("records"):
        fields, values = cause["field"].split(TIMES), cause["value"].split(TIMES)
        if carrier in fields or {"day", "hour"} & set(fields):
            continue
        if cause["effect"] < _TELLING or cause["share_failing"] < _MOST:
            return ""
        has = " and ".join(map(_has, fields, values))
        return f"{_all(cause)} {has}; {_none(cause, has)}."
    return ""


def _has(field: str, value: str) -> str:
    """Return what calls with a value have, as the end of a sentence."""
    kind, _, name = field.partition(" ")
    if kind not in ("body", "header") or not name:
        kind, name = "", field
    told = f"header {name}" if kind == "header" else _QUALIFIED.get(name, name)
    if value == ABSENT:
        return f"have no {told}"
    return _HAS.get(field, "have {field} {value}").format(field=told, value=value)


def _all(cause: Mapping[Any, Any]) -> str:
    n = int(cause["n_failing"])
    if cause["share_failing"] == 1:
        return f"All {n:,} failing calls"
    return f"{share(cause['share_failing'])} of the failing calls"


def _none(cause: Mapping[Any, Any], has: str) -> str:
    one, many = ("is", "are") if has.startswith("are ") else ("does", "do")
    if not cause["n_succeeding"]:
        return f"no accepted call {one}"
    return f"{share(cause['share_succeeding'])} of the accepted calls {many}"


# --- no change ------------------------------------------------------------------------------------


def _constant(counted: Tally, changes: pd.DataFrame, per: Per) -> Pattern:
    (n, failing), calls = _size(counted), _plural(per)
    if not failing:
        return Pattern(sentence=_none_failed(n, calls), kind="none", changes=changes, n=n)
    cells = counted.cells[counted.cells["failing"]]
    kinds = cells.groupby(["answer", "code"], dropna=False)["n"].sum().sort_values(ascending=False)
    answer, code = kinds.index[0]
    status = None if answer < 0 else int(answer)
    code = None if missing(code) else str(code)
    what = label(status, code)
    mostly = f"with {what}" if len(kinds) == 1 else f"most often with {what} ({kinds.iloc[0]:,})"
    last = _only_last(counted) if len(kinds) == 1 else ""
    told = f"{_so_many(failing, n, calls)} failed, {mostly}{last}."
    few = n < _FEWEST or failing < _FEWEST_FAILING
    causes = differences_of(Sides.of(counted))
    rest = f"Too few {calls} to see a pattern." if few else _since(changes)
    if last:
        rest = f"Too few {calls} to be sure."
    mostly = "" if few else _concentrated(causes)
    return Pattern(
        sentence=" ".join(filter(None, [told, mostly, rest])),
        kind="too few" if few else "constant",
        filters=MappingProxyType(_filters(None, None, status, code)),
        label=what,
        changes=changes,
        causes=causes,
        n=n,
        n_failing=failing,
    )


def _only_last(counted: Tally) -> str:
    """Return in words that those that fail are the last ones, or nothing."""
    rows = counted.rows
    if rows is None or rows["second"].isna().any():
        return ""
    fails, at = rows["failing"].to_numpy(bool), rows["second"].to_numpy(float)
    if fails.sum() < 2 or fails.all() or at[fails].min() <= at[~fails].max():
        return ""
    since = moment(pd.Timestamp(at[fails].min(), unit="s"), clock=_clock(counted.step))
    return f": the last {int(fails.sum()):,}, since {since} UTC"


def _so_many(failing: int, n: int, calls: str) -> str:
    """
    Return how many calls fail, as the beginning of a sentence.

    Examples
    --------
    >>> [_so_many(k, n, "calls") for k, n in ((1, 1), (2, 2), (5, 5), (2, 5))]
    ['The only call', 'Both calls', 'All 5 calls', '2 of 5 calls']
    """
    if failing < n:
        return f"{failing:,} of {n:,} {calls}"
    return {1: f"The only {calls[:-1]}", 2: f"Both {calls}"}.get(n, f"All {n:,} {calls}")


def _none_failed(n: int, calls: str) -> str:
    few = {0: f"There are no {calls} with a response.", 1: f"The only {calls[:-1]} did not fail."}
    return few.get(n, f"None of {n:,} {calls} failed.")


def _concentrated(causes: pd.DataFrame) -> str:
    """Return in words where most failures are, or nothing."""
    first = next((c for c in causes.to_dict("records") if c["field"] not in ("day", "hour")), None)
    if first is None or first["effect"] < _TELLING:
        return ""
    has = " and ".join(map(_has, first["field"].split(TIMES), first["value"].split(TIMES)))
    return f"{_all(first)} {has}; {_none(first, has)}."


def _since(changes: pd.DataFrame) -> str:
    if changes.attrs["verdict"] == "too few":
        return "The evidence covers too little time to say since when."
    return "No change over time stands out."


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


def moment(at: datetime, since: datetime | None = None, clock: str = "%H:%M") -> str:
    """
    Return a time of day in words, with its date unless that is the one of `since`.

    Examples
    --------
    >>> day = datetime(2026, 11, 24)
    >>> moment(datetime(2026, 11, 24, 9, 41)), moment(day, day)
    ('Tue 24 Nov 09:41', '00:00')
    """
    if since is not None and since.date() == at.date():
        return f"{at:{clock}}"
    return f"{at:%a} {at.day} {at:%b {clock}}"


def _clock(step: int) -> str:
    return "%H:%M:%S" if step < 60 else "%H:%M"


def _plural(per: Per) -> str:
    return "calls" if per == "call" else "attempts"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
