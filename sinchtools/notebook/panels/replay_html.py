"""A replay as the panel shows it: the verdict, original and replay side by side, what differs."""

from __future__ import annotations

from collections.abc import Sequence

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.exports import to_curl
from sinchtools.notebook.panels.picker import label
from sinchtools.notebook.panels.theme import card, shown, table
from sinchtools.replays.planned import as_it_goes
from sinchtools.replays.results import Result
from sinchtools.replays.verdicts import IGNORED, Difference

KIND = {"FIXED": "good", "WORSE": "bad"}


def result_html(result: Result, target: str = "sandbox") -> str:
    """
    Return the verdict with its reasons, and original and replay side by side.

    The differences are listed.
    """
    changed = _difference_table("Changed in the request", result.request_differences, "nothing")
    if target == "preview":
        return card(
            "PREVIEW", f"<pre>{shown(to_curl(as_it_goes(result.request)))}</pre>{changed}", "open"
        )
    child = result.child
    reasons = "".join(f"<p>{shown(reason)}</p>" for reason in result.reasons)
    now = (
        diagnose(child, now=child.at)._repr_html_()
        if child and result.verdict in {"CHANGED", "WORSE"}
        else ""
    )
    compared = compared_html(result.original, child, target)
    return card(
        result.verdict,
        reasons + now + compared + changed + _answer_differences_html(result),
        KIND.get(result.verdict, "open"),
    )


def compared_html(original: Exchange, child: Exchange | None, target: str) -> str:
    """Return original and replay side by side."""
    rows = [
        [
            name,
            _value(getattr(original, name)),
            _value(getattr(child, name)) if child else "not sent",
        ]
        for name in ("status", "code", "text", "elapsed_ms")
    ]
    return table(["", "Original", "Replay (simulated)" if target == "sandbox" else "Replay"], rows)


def _answer_differences_html(result: Result) -> str:
    ignored = ", ".join(name for names in IGNORED.values() for name in names)
    is_answered = result.child is not None and result.child.status is not None
    return (
        _difference_table(
            "Different in the response",
            result.answer_differences,
            "nothing" if is_answered else "there is no second response",
        )
        + f"<p class='st-quiet'>Not compared, because they differ each "
        f"time: {shown(ignored)}.</p>"
    )


def _difference_table(title: str, found: list[Difference], otherwise: str) -> str:
    if not found:
        return f"<p>{title}: {otherwise}.</p>"
    rows = [
        [one.where, *("(not there)" if value is None else value for value in (one.was, one.now))]
        for one in found
    ]
    return table(["Where", "Was", "Is"], rows[:20], total=len(rows), caption=title)


def _value(value: object) -> str:
    return "none" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def history_html(results: Sequence[Result]) -> str:
    """Return the replays of a panel as a table, the last ten; nothing for a single one."""
    if len(results) < 2:
        return ""
    rows = [
        [
            str(i),
            label(r.original),
            r.child.target or "" if r.child else "not sent",
            r.verdict,
            "; ".join(r.reasons),
        ]
        for i, r in enumerate(results, 1)
    ]
    return table(
        ["Replay", "Exchange", "Sent to", "Verdict", "Why"],
        rows[-10:],
        total=len(rows),
        caption="Replays of this panel",
    )
