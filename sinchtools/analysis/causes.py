"""
What the failing calls have that the succeeding do not: single values, and pairs of them.

A cause splits failing and succeeding calls best: values are ranked by the likelihood ratio of that
split. What an endpoint always or never has says no more than the endpoint, and of values that only
occur together one is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from sinchtools.analysis.facts import with_fields
from sinchtools.analysis.frames import Per
from sinchtools.analysis.levels import Counts
from sinchtools.analysis.results import RESULTS, missing, result
from sinchtools.analysis.tally import Tally, tally

ABSENT = "(absent)"
TIMES = " × "  # between the fields, and the values, of a pair
_FEWEST_OF_A_SIDE, _FEWEST_OF_A_VALUE = 5, 5
_MOST_VALUES = 20
_LEAST_EFFECT = 0.1
_MOST_PAIRED = 30  # values that are looked at in pairs
_MOST_EXACT = 5000  # rows: beyond, chi-square
_ALIKE, _FOLLOWS = 0.98, 0.99
_LEAST_GAIN = 12.0
_Row: TypeAlias = "Mapping[Any, Any] | pd.Series[Any]"  # of a frame, or of its records
_FIRST = ("account", "endpoint", "number form", "token", "client", "sender kind", "country")


def differences(
    frame: Any,
    *,
    change: _Row | None = None,
    per: Per = "call",
    alpha: float = 0.05,
    top: int = 10,
) -> pd.DataFrame:
    """
    Rank what the failing calls have more often than the succeeding.

    Looked at: endpoint, region, account, day, hour, and in a frame with bodies of at most 200,000
    rows the fields of the JSON body, form of the number, country, sender kind, and the request
    headers. Pairs of values count where one alone does not say it. Each is tested (Fisher's exact
    test, chi-square beyond 5,000 rows) and corrected for the number of looks
    (`scipy.stats.false_discovery_control`). Left out: constant and id-like fields, what follows
    from the endpoint, an effect below 0.1. Of fields that say the same, one is named.

    Parameters
    ----------
    frame
        As in `codes`.
    change
        A row of `change_points`: then the failing are those of the change alone, held against all
        that succeed, before it and beside it.
    per, alpha, top
        As in `codes`; the largest p value that counts; how many are returned.

    Returns
    -------
    pd.DataFrame
        field, value (of a pair ``account × number form``), share_failing (of the failing, how many
        have the value), share_succeeding, n_failing, n_succeeding (how many have it), effect
        (difference of the shares), p_adjusted; what splits best first. `.attrs["verdict"]`: `N
        found`, `nothing stands out`, or `too few` (fewer than 5 on a side); `.attrs["same"]`: for a
        field and value, the others that say the same.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(account="ab"[i % 2], status=(201, 403)[i % 2]) for i in range(40)]
    >>> differences(rows)[["field", "value", "effect"]].values.tolist()
    [['account', 'b', 1.0]]
    """
    return differences_of(Sides.of(tally(frame, per=per), change), alpha=alpha, top=top)


def differences_of(sides: Sides, *, alpha: float = 0.05, top: int = 10) -> pd.DataFrame:
    """Return the differences between two sides."""
    if min(sides.failing.sum(), sides.succeeding.sum()) < _FEWEST_OF_A_SIDE:
        return result("differences", pd.DataFrame(), verdict="too few", same={})
    values = _without_implied(sides, list(_values(sides)))
    values, same = _folded(sides, sorted(values, key=_rank))
    values += _pairs(sides, values)
    found = _tested(values, sides, alpha).head(top)
    verdict = f"{len(found)} found" if len(found) else "nothing stands out"
    return result("differences", found, verdict=verdict, same=same)


@dataclass(frozen=True, slots=True)
class Sides:
    """
    The calls that are held against each other.

    Attributes
    ----------
    fields
        Of each field: its values, and which of them each row has.
    failing, succeeding
        How many calls of each side a row stands for.
    """

    fields: dict[str, tuple[list[str], Counts]]
    failing: Counts
    succeeding: Counts

    @classmethod
    def of(cls, counted: Tally, change: _Row | None = None) -> Sides:
        """Return both sides, of a change or of the whole."""
        given = counted.cells if counted.rows is None else counted.rows
        answer = given["answer"].to_numpy(np.int64)
        succeeds, fails = (answer >= 200) & (answer < 300), given["failing"].to_numpy(bool)
        names = [*counted.fields]
        if change is None:
            given = given.assign(**_days(given["bucket"], counted.step))
            names += ["day", "hour"]
        else:
            fails = fails & _is_of(given, change, counted.step)
            succeeds = succeeds & given["endpoint"].isin(
                given["endpoint"][fails].unique()
            ).to_numpy(bool)
        kept = fails | succeeds
        given, fails = given[kept], fails[kept]
        if counted.rows is not None:
            given, more = with_fields(given)
            names += more
        n = given["n"].to_numpy(np.int64)
        fields = {name: _factorized(given[name]) for name in dict.fromkeys(names)}
        return cls(fields, n * fails, n * ~fails)

    def within(self, field: str | None, value: Any) -> Sides:
        """Return the sides without the succeeding calls of others than who carries a change."""
        if field is None:
            return self
        names, codes = self.fields[field]
        wanted = ABSENT if missing(value) else str(value)
        carries = codes == (names.index(wanted) if wanted in names else -1)
        return replace(self, succeeding=self.succeeding * carries)


def _factorized(column: pd.Series[Any]) -> tuple[list[str], Counts]:
    codes, values = pd.factorize(column.where(column.notna(), ABSENT))
    return [str(value) for value in values], codes


def _days(bucket: pd.Series[Any], step: int) -> dict[str, pd.Series[Any]]:
    at = pd.to_datetime(bucket.astype("Float64") * step, unit="s", utc=True)
    hours = at.dt.strftime("%H") if step <= 3600 else pd.Series(ABSENT, bucket.index)
    return {"day": at.dt.strftime("%Y-%m-%d"), "hour": hours}


def _is_of(given: pd.DataFrame, change: _Row, step: int) -> Counts:
    """Return which rows are failures of a change; of a recovery, those before it."""
    status, code = change["status"], change["code"]
    found = given["code"].isna() if missing(code) else given["code"] == code
    found &= given["answer"] < 0 if missing(status) else given["answer"] == int(status)
    if not missing(change["field"]):
        found &= _has(given, change["field"], change["value"])
    start, end = _second(change["start"]), _second(change["end"])
    times, size = (given["second"], 1) if "second" in given else (given["bucket"] * step, step)
    if change["share_after"] < change["share_before"]:
        found &= times < start
    else:
        found &= (times > start - size) & (times < end)
    return found.fillna(False).to_numpy(bool)


def _second(at: Any) -> float:
    return np.inf if pd.isna(at) else pd.Timestamp(at).timestamp()


def _has(given: pd.DataFrame, field: str, value: Any) -> Counts:
    column = given[field]
    return (column.isna() if missing(value) else column == value).to_numpy(bool)


# --- values ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of a field, or a pair of them: how many of each side have it, and what it splits."""

    of: tuple[tuple[str, int], ...]
    n_failing: int
    n_succeeding: int
    effect: float
    split: float


def _values(sides: Sides) -> Iterator[_Value]:
    """Yield each value worth a look that the failing have more often."""
    n = int(sides.failing.sum() + sides.succeeding.sum())
    for field, (names, codes) in sides.fields.items():
        a, b = (np.bincount(codes, w, len(names)) for w in (sides.failing, sides.succeeding))
        seen = np.count_nonzero(a + b)
        if 2 <= seen <= max(_MOST_VALUES, 0.5 * n):  # neither constant nor like an id
            for i in np.flatnonzero(a + b >= _FEWEST_OF_A_VALUE):
                yield _value(sides, ((field, int(i)),), int(a[i]), int(b[i]))


def _value(sides: Sides, of: tuple[tuple[str, int], ...], a: int, b: int) -> _Value:
    failing, succeeding = int(sides.failing.sum()), int(sides.succeeding.sum())
    effect = a / failing - b / succeeding
    table = np.array([[a, failing - a], [b, succeeding - b]], dtype=float)
    margins = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    ratio = np.where(table > 0, table / np.where(margins > 0, margins, 1), 1)
    split = 2 * float((table * np.log(ratio)).sum())
    return _Value(of, a, b, effect, split if effect > 0 else -split)


def _rank(value: _Value) -> tuple[Any, ...]:
    fields = [field for field, _ in value.of]
    order = [_FIRST.index(field) if field in _FIRST else len(_FIRST) for field in fields]
    return (-round(value.split, 6), len(fields), order, fields, value.of)


def _rows_with(sides: Sides, value: _Value) -> Counts:
    found: Counts = np.logical_and.reduce([sides.fields[f][1] == i for f, i in value.of])
    return found


# --- what says nothing more -----------------------------------------------------------------------


def _without_implied(sides: Sides, values: list[_Value]) -> list[_Value]:
    """Leave out what each endpoint has always or never."""
    names, endpoint = sides.fields["endpoint"]
    weight = sides.failing + sides.succeeding
    total = np.bincount(endpoint, weight, len(names))
    if np.count_nonzero(total) < 2:
        return values

    def follows(value: _Value) -> bool:
        if value.of[0][0] == "endpoint" or value.effect < _LEAST_EFFECT:
            return False
        has = np.bincount(endpoint, weight * _rows_with(sides, value), len(names))
        share = has[total > 0] / total[total > 0]
        return bool(((share >= _FOLLOWS) | (share <= 1 - _FOLLOWS)).all())

    return [value for value in values if not follows(value)]


def _folded(
    sides: Sides, values: list[_Value]
) -> tuple[list[_Value], dict[tuple[str, str], list[tuple[str, str]]]]:
    """Keep one of the values that occur together only; return which others each stands for."""
    kept: list[tuple[_Value, Counts]] = []
    same: dict[tuple[str, str], list[tuple[str, str]]] = {}
    weight = sides.failing + sides.succeeding
    far = [value for value in values if value.effect < _LEAST_EFFECT]
    for value in (value for value in values if value.effect >= _LEAST_EFFECT):
        has = weight * _rows_with(sides, value)
        twin = next((one for one, other in kept if _overlap(has, other) >= _ALIKE), None)
        if twin is None:
            kept.append((value, has))
        else:
            same.setdefault(_named(sides, twin), []).append(_named(sides, value))
    return [*(value for value, _ in kept), *far], same


def _overlap(a: Counts, b: Counts) -> float:
    return float(np.minimum(a, b).sum() / max(np.maximum(a, b).sum(), 1))


def _named(sides: Sides, value: _Value) -> tuple[str, str]:
    texts = [sides.fields[field][0][i] for field, i in value.of]
    return TIMES.join(field for field, _ in value.of), TIMES.join(texts)


# --- pairs ----------------------------------------------------------------------------------------


def _pairs(sides: Sides, values: list[_Value]) -> list[_Value]:
    """Return the pairs that split better than either of their values by more than chance."""
    telling = [value for value in values if value.split > 4][:_MOST_PAIRED]
    rows = {value.of: _rows_with(sides, value) for value in telling}
    looks = len(telling) * (len(telling) - 1) / 2
    found = []
    for one, other in combinations(telling, 2):
        if one.of[0][0] == other.of[0][0]:
            continue
        both = rows[one.of] & rows[other.of]
        a, b = int(sides.failing[both].sum()), int(sides.succeeding[both].sum())
        pair = _value(sides, tuple(sorted((*one.of, *other.of), key=_field_order)), a, b)
        if pair.split > max(one.split, other.split) + _LEAST_GAIN + 2 * np.log(looks):
            found.append(pair)
    return _apart(found)


def _apart(pairs: list[_Value]) -> list[_Value]:
    """Keep of pairs that share a value the best."""
    kept: list[_Value] = []
    for pair in sorted(pairs, key=_rank):
        if not any({*pair.of} & {*other.of} for other in kept):
            kept.append(pair)
    return kept


def _field_order(of: tuple[str, int]) -> tuple[int, str]:
    return (_FIRST.index(of[0]) if of[0] in _FIRST else len(_FIRST), of[0])


# --- tests ----------------------------------------------------------------------------------------


def _tested(values: list[_Value], sides: Sides, alpha: float) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    failing, succeeding = int(sides.failing.sum()), int(sides.succeeding.sum())
    values = sorted(values, key=_rank)
    rows = [
        (
            *_named(sides, value),
            value.n_failing / failing,
            value.n_succeeding / succeeding,
            value.n_failing,
            value.n_succeeding,
            value.effect,
            _p(value.n_failing, value.n_succeeding, failing, succeeding),
        )
        for value in values
    ]
    tested = pd.DataFrame(rows, columns=list(RESULTS["differences"]))
    if len(tested):
        tested["p_adjusted"] = false_discovery_control(tested["p_adjusted"].to_numpy(dtype=float))
    return tested[(tested["p_adjusted"] <= alpha) & (tested["effect"] >= _LEAST_EFFECT)]


def _p(a: int, b: int, failing: int, succeeding: int) -> float:
    from scipy.stats import chi2_contingency, fisher_exact

    table = [[a, b], [failing - a, succeeding - b]]
    if failing + succeeding <= _MOST_EXACT or a + b == failing + succeeding:
        return float(fisher_exact(table).pvalue)
    return float(chi2_contingency(table).pvalue)
