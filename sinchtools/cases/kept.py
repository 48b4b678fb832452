"""What a case keeps of a replay, and of a walk through tips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinchtools.core.columns import as_json, from_json
from sinchtools.core.records import Exchange, in_words
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy.redaction import Redactor
from sinchtools.replays.results import ReplayResults, Result


def replay_rows(replayed: ReplayResults) -> list[dict[str, Any]]:
    """Return what a case keeps of a replay."""
    return [
        {
            **result.as_json(),
            "was": result.original.status_in_words,
            "now": result.status_in_words,
            "endpoint": result.original.endpoint,
            "target": replayed.target,
            "assumed": list(result.assumed),
            "request": _sent(result),
        }
        for result in replayed
    ]


_SENT = ("method", "url", "request_headers", "request_body")


def _sent(result: Result) -> dict[str, Any] | None:
    """Return the changed request of a replay; None when it was sent unchanged."""
    sent, original = (as_json(one, _SENT) for one in (result.request, result.original))
    return None if sent == original else sent


def replayed_request(row: Mapping[str, Any]) -> Exchange:
    """Return the changed request that a case keeps of a replay."""
    return from_json(row["request"])


def walk_row(walk: Walk, redactor: Redactor) -> dict[str, Any]:
    """Return what a case keeps of a walk through tips."""
    return {
        "exchange": walk.exchange.id if walk.exchange else None,
        "label": in_words(walk.playbook.status, walk.playbook.code),
        "title": walk.playbook.title,
        "transcript": [
            {**event, "reason": redactor.text(event["reason"])} for event in walk.transcript
        ],
        "ended": walk.ended,
    }
