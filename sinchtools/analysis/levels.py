"""
Find the stretch of a series in which a larger share fails than outside of it.

Counts are binomial: of `n` rows of an interval `k` fail. The stretch whose two levels explain the
counts best is the one of the largest likelihood ratio; how probable it is by chance is the binomial
tail, times the number of stretches looked at. A series that scatters more than a binomial one needs
more. What the same hours of other days, or the same days of other weeks, show too is rhythm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Counts = np.ndarray[Any, Any]
_LARGEST_TABLE = 1 << 20
_DAY, _WEEK = 86_400, 604_800
_FEWEST_ALIKE = 20  # rows at the same hours, to compare with
_RHYTHM = 3.1  # standard deviations: by so many a stretch exceeds the same hours elsewhere
_FEWEST_EXPECTED = 3.0
_CANNOT_TELL = 0.05  # so probable is it that none of so few calls fails
_MOST_EXACT = 500  # rows: up to here each arrangement of the failing rows counts
FEWEST_FAILING = 4  # rows


@dataclass(frozen=True, slots=True)
class Level:
    """
    A stretch from interval `start` up to `end`.

    It has its likelihood ratio (log), its p value after correction for the stretches looked at, and
    the shares inside and outside.
    """

    start: int
    end: int
    ratio: float
    p: float
    inside: float
    outside: float


def raised(k: Counts, n: Counts, first: int, step: int) -> Level | None:
    """Return the stretch of a series in which most more than usual fails, or None."""
    if k.sum() < FEWEST_FAILING or k.sum() == n.sum():
        return None
    found = _best(k, n)
    if found is None:
        return None
    start, end, ratio = found
    level = _judged(k, n, start, end, ratio)
    return level if _is_no_rhythm(k, n, level, first, step) else None


# --- the search -----------------------------------------------------------------------------------


def _best(k: Counts, n: Counts) -> tuple[int, int, float] | None:
    """Return start, end and likelihood ratio; a stretch begins and ends with a failing row."""
    seen = np.flatnonzero(k)
    of_k, of_n = np.concatenate([[0], k.cumsum()]), np.concatenate([[0], n.cumsum()])
    a, b = np.triu_indices(len(seen))
    a, b = seen[a], seen[b] + 1
    k_in, n_in = of_k[b] - of_k[a], of_n[b] - of_n[a]
    k_all, n_all = int(of_k[-1]), int(of_n[-1])
    k_out, n_out = k_all - k_in, n_all - n_in
    log = _of_itself(n_all)
    ratio = log(k_in) + log(n_in - k_in) - log(n_in) + log(k_out) + log(n_out - k_out) - log(n_out)
    ratio[k_in * n_out <= k_out * n_in] = -np.inf
    best = int(ratio.argmax())
    if not np.isfinite(ratio[best]) or not n_out[best]:
        return None
    null = log(np.array([k_all, n_all - k_all, n_all]))
    return int(a[best]), int(b[best]), float(ratio[best] - null[0] - null[1] + null[2])


_table: Counts = np.zeros(0)


def _of_itself(largest: int) -> Any:
    """Return x log x of whole numbers, from a table where it is not too large."""
    global _table
    if largest >= _LARGEST_TABLE:
        return lambda x: x * np.log(np.maximum(x, 1))
    if len(_table) <= largest:
        x = np.arange(max(2 * largest, 65_536) + 1)
        _table = x * np.log(np.maximum(x, 1))
    return _table.__getitem__


# --- is it one? -----------------------------------------------------------------------------------


def _judged(k: Counts, n: Counts, start: int, end: int, ratio: float) -> Level:
    from scipy.special import gammaincc

    inside = slice(start, end)
    k_in, n_in, k_all, n_all = _sums(k[inside], n[inside], k, n)
    share, other = k_in / n_in, (k_all - k_in) / max(n_all - n_in, 1)
    by_ratio = float(gammaincc(0.5, ratio / _scatter(k, n, inside, share, other)))
    p = min(1.0, _looks(k, n, start, end, share) * max(by_ratio, chance(k_in, n_in, k_all, n_all)))
    return Level(start, end, ratio, p, share, other)


def _looks(k: Counts, n: Counts, start: int, end: int, share: float) -> float:
    """
    Return how many stretches are looked at for one such as this, in halves of the error allowed.

    One half is for those that reach an end of the evidence, which are few: as far as the calls
    beyond can tell, their level is there from the first call on, or to the last. Where all fail
    inside and none outside, no other stretch of so many rows explains as much: only places count.
    """
    size, sides = int(np.count_nonzero(n)), (slice(None, start), slice(end, None))
    reaches = any(not k[s].any() and (1 - share) ** n[s].sum() > _CANNOT_TELL for s in sides)
    if k.sum() == n[start:end].sum() == k[start:end].sum():
        return 4.0 if reaches else 2.0 * size
    return float(4 * size if reaches else size * (size + 1))


def chance(k_in: int, n_in: int, k_all: int, n_all: int) -> float:
    """
    Return how probable it is that so many or more of all failing rows are inside by chance.

    Of failing and other rows the fewer are counted; few rows are told exactly.
    """
    from scipy.special import betainc, betaincc

    if n_all <= _MOST_EXACT:
        return _exactly(k_in, n_in, k_all, n_all)
    share = n_in / n_all
    if 2 * k_all <= n_all:
        return float(betainc(k_in, k_all - k_in + 1, share)) if k_in else 1.0
    well, well_in = n_all - k_all, n_in - k_in
    return float(betaincc(well_in + 1, well - well_in, share)) if well_in < well else 1.0


def _exactly(k_in: int, n_in: int, k_all: int, n_all: int) -> float:
    """Return the share of all ways to lay out the failing rows that have so many inside."""
    from scipy.special import gammaln  # scipy.stats, which has it, loads for a second

    def ways(n: int, k: Counts | int) -> Any:
        return gammaln(n + 1) - gammaln(np.asarray(k) + 1) - gammaln(n - np.asarray(k) + 1)

    k = np.arange(k_in, min(k_all, n_in) + 1)
    told = ways(n_in, k) + ways(n_all - n_in, k_all - k) - ways(n_all, k_all)
    return float(min(1.0, np.exp(told).sum()))


def _scatter(k: Counts, n: Counts, inside: slice, share: float, other: float) -> float:
    """
    Return how much more than a binomial series a series scatters around its two levels, at least 1.

    The median does not mind a second stretch.
    """
    p = np.full(len(n), other)
    p[inside] = share
    expected = n * p
    group = (expected.cumsum() // _FEWEST_EXPECTED).astype(np.int64)
    k, expected, variance = (np.bincount(group, x) for x in (k, expected, expected * (1 - p)))
    fits = (expected >= _FEWEST_EXPECTED / 2) & (variance > 0)
    if fits.sum() < 8:
        return 1.0
    squares = (k[fits] - expected[fits]) ** 2 / variance[fits]
    return max(1.0, float(np.median(squares)) / 0.455)  # the median of chi-square


def _is_no_rhythm(k: Counts, n: Counts, level: Level, first: int, step: int) -> bool:
    """Whether a stretch is more than what its hours of the day, or of the week, show elsewhere."""
    seconds = (level.end - level.start) * step
    times = (first + np.arange(len(n))) * step
    periods = [period for period in (_DAY, _WEEK) if seconds < period]
    return all(_exceeds(k, n, level, times % period // step) for period in periods)


def _exceeds(k: Counts, n: Counts, level: Level, kind: Counts) -> bool:
    """
    Whether more fail in a stretch than in the intervals of the same kind outside of it.

    Each kind is a layer of its own (Cochran, Mantel, Haenszel). Where so few rows are alike that
    even the usual level would not show, the level that explains them better decides.
    """
    inside = np.zeros(len(n), dtype=bool)
    inside[level.start : level.end] = True
    size = int(kind.max()) + 1
    k_in, n_in, k_out, n_out = (
        np.bincount(kind[which], x[which], size) for which in (inside, ~inside) for x in (k, n)
    )
    alike = (n_in > 0) & (n_out > 0)
    k_in, n_in, k_out, n_out = (x[alike] for x in (k_in, n_in, k_out, n_out))
    if n_out.sum() < _FEWEST_ALIKE:
        return True
    if _above(k_in, n_in, k_out, n_out) >= _RHYTHM:
        return True
    if _above(k_in, n_in, n_out * level.outside, n_out) >= _RHYTHM:
        return False
    return _explained(k_out.sum(), n_out.sum(), level)


def _above(k_in: Counts, n_in: Counts, k_out: Counts, n_out: Counts) -> float:
    """Return by how many standard deviations more fail inside than outside, layer by layer."""
    k, n = k_in + k_out, n_in + n_out
    variance = n_in * n_out * k * (n - k) / (n**2 * np.maximum(n - 1, 1))
    return float((k_in - n_in * k / n).sum() / np.sqrt(max(variance.sum(), 1e-12)))


def _explained(k: float, n: float, level: Level) -> bool:
    """Whether the level outside of a stretch explains counts better than the one inside."""
    low, high = max(level.outside, 0.5 / (n + 1)), min(level.inside, 1 - 0.5 / (n + 1))
    return bool(k * np.log(high / low) + (n - k) * np.log((1 - high) / (1 - low)) < 0)


def _sums(*counts: Counts) -> tuple[int, ...]:
    return tuple(int(one.sum()) for one in counts)
