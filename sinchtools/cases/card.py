"""A case as it is shown in a notebook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sinchtools.core.html import filled
from sinchtools.core.words import counted

if TYPE_CHECKING:
    from sinchtools.cases.case import Case

_SHOWN = 20
_MOST_TO_TELL = 5_000  # rows: to tell of more takes seconds


def html(case: Case, n_exchanges: int) -> str:
    """Return what a case holds as a card."""
    verdicts = Counter(row["verdict"] for row in case.replays).most_common()
    held = {
        "Evidence": counted(n_exchanges, "exchange"),
        "Replays": ", ".join(f"{verdict} {n:,}" for verdict, n in verdicts),
        "Steps": "; ".join(
            f"{walk['label']} {walk['title']}: {walk['ended'] or 'not ended'}"
            for walk in case.walks
        ),
        "Charts": ", ".join(sorted({path.stem for path in case.charts.glob("*.*")})),
        "Notes": "; ".join(note["text"] for note in case.notes),
    }
    if n_exchanges <= _MOST_TO_TELL and (before := case.seen_before):
        held["Seen before"] = before.sentence
    if case.skipped:
        held["Ignored"] = "; ".join(
            f"{one.source}: {one.reason}{f' ({one.count})' if one.count > 1 else ''}"
            for one in case.skipped[:_SHOWN]
        )
    return filled("sinchtools.cases", "case.html", title=f"Case {case.name}", held=held)
