"""A replay as the panel shows it: the verdict, original and replay side by side, what differs."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sinchtools.core.html import table
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.exports import to_curl
from sinchtools.notebook.panels.picker import label
from sinchtools.notebook.panels.theme import view
from sinchtools.replays.planned import as_it_goes
from sinchtools.replays.results import Result
from sinchtools.replays.verdicts import IGNORED, Difference

KIND = {"FIXED": "good", "WORSE": "bad"}


def result_html(result: Result, target: str = "sandbox") -> Markup:
    """
    Return the verdict with its reasons, and original and replay side by side.

    The differences are listed.
    """
    of_request = _lines(result.request_differences)
    if target == "preview":
        text = to_curl(as_it_goes(result.request))
        return view("sent.html", text=text, of_request=of_request)
    child = result.child
    has_more_to_say = child is not None and result.verdict in {"CHANGED", "WORSE"}
    return view(
        "result.html",
        word=result.verdict,
        kind=KIND.get(result.verdict, "open"),
        reasons=result.reasons,
        diagnosis=diagnose(child, now=child.at)._repr_html_() if child and has_more_to_say else "",
        compared=compared_html(result.original, child, target),
        of_request=of_request,
        of_response=_lines(result.response_differences),
        is_answered=child is not None and child.status is not None,
        ignored=", ".join(name for names in IGNORED.values() for name in names),
    )


def compared_html(original: Exchange, child: Exchange | None, target: str) -> Markup:
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


def _lines(found: Sequence[Difference]) -> list[list[str]]:
    return [
        [one.where, *("(not there)" if value is None else value for value in (one.was, one.now))]
        for one in found
    ]


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
    return view("history.html", rows=rows)
