"""Put names, shares and durations into the words of a chart."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pandas as pd
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from sinchtools.analysis.results import missing
from sinchtools.charts.style import DPI, SMALL

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ENOUGH = 8  # calls: the share of fewer says little
NO_ENDPOINT, NO_ACCOUNT = "no route of the API fits", "no account in the evidence"


def folded_names(names: pd.Series[Any], n: pd.Series[Any], top: int, what: str) -> list[str]:
    """Return the names, those beyond the largest folded into one."""
    totals = n.groupby(names.to_numpy()).sum()
    kept = set(
        sorted(totals.index, key=lambda name: (-totals[name], name))[
            : top if len(totals) > top + 1 else None
        ]
    )
    return [
        name if name in kept else f"other ({len(totals) - len(kept):,} {what})" for name in names
    ]


FOLDED = re.compile(r"other \([\d,]+ \w+\)")


def is_folded(status: Any, code: Any) -> bool:
    """Whether a row stands for several codes."""
    return missing(status) and not missing(code) and bool(FOLDED.fullmatch(code))


def ordered(totals: pd.Series[Any]) -> list[str]:
    """Return names by their totals, the folded one last."""
    return sorted(
        totals.index, key=lambda name: (bool(FOLDED.fullmatch(name)), -totals[name], name)
    )


def delivery_outcome(codes: pd.Series[Any]) -> list[str]:
    """Return what became of the messages of each delivery code."""
    return [
        "other"
        if pd.isna(code)
        else {0: "delivered", 400: "underway", 401: "underway"}.get(int(code), "failed")
        for code in codes
    ]


def plain(text: Any, most: int = 160) -> str:
    """Return text that is one line, of printable characters, and of a length that can be drawn."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 20]}... ({len(line):,} characters)"


def one_line(text: Any) -> str:
    """Return text in one line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


@lru_cache(maxsize=8192)
def text_width(text: str, size: float = SMALL, weight: str = "normal") -> float:
    """Return the pixels that a text is wide."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        points, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return 1.02 * float(points) * DPI / 72  # pixels are whole: a little room


def wrapped(text: Any, width: float, size: float = SMALL, weight: str = "normal") -> list[str]:
    """
    Return text in lines of so many pixels, which break where a name or a sentence has a joint.

    A part that is too long for a line is cut where the line ends. No word stands alone in the last
    line where a few others can join it.
    """
    lines = _filled(text, width, size, weight)
    if len(lines) > 1 and text_width(lines[-1], size, weight) < width / 4:
        fewer = _filled(text, 0.85 * width, size, weight)
        return fewer if len(fewer) == len(lines) else lines
    return lines


def _filled(text: Any, width: float, size: float, weight: str) -> list[str]:
    """Return text in lines that are as full as they can be."""
    lines, room = [""], width
    for piece in _pieces(plain(text, 600), width, size, weight):
        if text_width(piece.rstrip(), size, weight) > room and lines[-1]:
            lines.append("")
            room = width
        lines[-1] += piece
        room -= text_width(piece, size, weight)
    return [line.rstrip() for line in lines]


def _pieces(text: str, width: float, size: float, weight: str) -> Iterator[str]:
    """Yield the words of a text; long ones in parts, and parts that fit no line in pieces."""
    for word in re.findall(r"\S+\s*|\s+", text):
        if text_width(word.rstrip(), size, weight) <= width / 2:
            yield word
            continue
        for part in re.findall(r"/?[^\s_/.-]+[\s_.-]*|[\s_/.-]+", word):
            most = len(part)
            if most > 1 and (wide := text_width(part.rstrip(), size, weight)) > width:
                most = max(1, int(most * width / wide) - 1)
            yield from (part[i : i + most] for i in range(0, len(part), most))


def percent(share: float) -> str:
    """
    Return a share as a percentage.

    Examples
    --------
    >>> percent(0.7214), percent(0.0003), percent(0.9999), percent(1)
    ('72.1%', 'less than 0.1%', 'more than 99.9%', '100%')
    """
    if 0 < share < 0.0005:
        return "less than 0.1%"
    if 0.9995 <= share < 1:
        return "more than 99.9%"
    return f"{share * 100:.1f}%" if 0 < share < 1 else f"{share:.0%}"


def interval_in_words(seconds: int) -> str:
    """Return the length of an interval as it stands after "per": hour, 10 minutes."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def day(at: pd.Timestamp) -> str:
    """Return a date as it is on the axis: Tue 24 Nov."""
    return f"{at:%a} {at.day} {at:%b}"


def moment(at: pd.Timestamp) -> str:
    """Return a time with its day of the week: Tue 24 Nov 09:41."""
    return f"{day(at)} {at:%H:%M}"


def period(since: pd.Timestamp, until: pd.Timestamp) -> str:
    """
    Return a period with its days of the week.

    Examples
    --------
    >>> period(pd.Timestamp("2026-11-20 08:00"), pd.Timestamp("2026-11-28 17:30"))
    'Fri 20 Nov 08:00 to Sat 28 Nov 2026 17:30 UTC'
    >>> period(pd.Timestamp("2026-11-20 08:00"), pd.Timestamp("2026-11-20 08:00:31"))
    'Fri 20 Nov 2026 08:00 UTC'
    """
    end = f"{day(until)} {until.year} {until:%H:%M} UTC"
    if f"{since:%Y-%m-%d %H:%M}" == f"{until:%Y-%m-%d %H:%M}":
        return end
    if since.date() == until.date():
        return f"{day(since)} {since.year} {since:%H:%M} to {until:%H:%M} UTC"
    first = f" {since.year}" if since.year != until.year else ""
    return f"{day(since)}{first} {since:%H:%M} to {end}"
