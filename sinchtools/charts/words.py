"""Put names, shares and durations into the words of a chart."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from sinchtools.analysis.aggregations import label
from sinchtools.analysis.results import missing

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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


def plain(text: Any) -> str:
    """Return text that is one line, of printable characters, and of a length that can be drawn."""
    line = one_line(text)
    return line if len(line) <= 160 else f"{line[:140]}... ({len(line):,} characters)"


def one_line(text: Any) -> str:
    """Return text in one line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def wrapped(text: Any, width: int) -> str:
    """Return text in lines that break where a name has a joint."""
    lines = [""]
    for part in re.findall(
        rf"[^\s_/.-]{{1,{width}}}[\s_/.-]*|[\s_/.-]+", plain(text)
    ):  # breaks where a name has a joint
        if len(lines[-1] + part.rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return "less than 0.1 %" if 0 < share < 0.0005 else f"{share * 100:.1f} %"


def duration(seconds: int) -> str:
    """Return seconds in words."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def spike_in_words(spike: dict[Any, Any]) -> str:
    """Return a spike as a sentence: what, how many, what is usual, when."""
    period = f"{spike['start']:%Y-%m-%d %H:%M} to {spike['end']:%Y-%m-%d %H:%M} UTC"
    usual = f"{spike['expected']:,.1f}" if spike["expected"] >= 0.05 else "fewer than 0.1"
    return (
        f"{label(spike['status'], spike['code'])}, {spike['n']:,} where {usual} are usual, {period}"
    )
