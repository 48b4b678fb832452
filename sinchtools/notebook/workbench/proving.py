"""Replay a request in the sandbox with its changes, and beside it unchanged, for comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinchtools.client.log import CallLog
from sinchtools.core.files import scratch
from sinchtools.core.records import Exchange
from sinchtools.replays.planning import plan
from sinchtools.replays.results import ReplayResults, Result
from sinchtools.replays.simulated import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """
    A replay, and what led to it.

    Attributes
    ----------
    result
        The replay with all changes.
    replayed
        The same, as a case keeps it.
    unchanged
        The answer to the request as it was sent; None when `result` is that.
    first_alone
        The answer when only the first of several fixes is made, or None.
    changes
        How many fixes were made; 0 for an edit by hand.
    hopeless
        Why no change of the request can help; empty when one can.
    """

    result: Result
    replayed: ReplayResults
    unchanged: Exchange | None = None
    first_alone: Exchange | None = None
    changes: int = 0
    hopeless: str = ""


def prove(
    exchange: Exchange,
    edit: Mapping[str, Any] | None,
    *,
    log: CallLog,
    first: Mapping[str, Any] | None = None,
    changes: int = 0,
) -> Proven:
    """
    Replay a request with an edit in the sandbox; nothing leaves this machine.

    Parameters
    ----------
    log
        Where the replay is kept; the trials beside it are kept nowhere.
    first
        The first fix alone, when there are several.
    """
    trials: dict[str, Mapping[str, Any] | None] = {"unchanged": None} if edit else {}
    answers = _tried(exchange, trials | ({"first": first} if first else {}))
    edits = {exchange.id: edit} if edit else None
    replayed = plan([exchange], edits=edits, log=log).run()
    return Proven(
        result=replayed[0],
        replayed=replayed,
        unchanged=answers.get("unchanged"),
        first_alone=answers.get("first"),
        changes=changes,
    )


def tried_unchanged(exchange: Exchange, hopeless: str) -> Proven:
    """Replay a request as it is, to show that it is not at fault, and keep nothing of it."""
    with scratch() as folder, CallLog(Path(folder) / "calls.sqlite") as log:
        return replace(prove(exchange, None, log=log), hopeless=hopeless)


def _tried(
    exchange: Exchange, edits: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Exchange | None]:
    if not edits:
        return {}
    rows: Sequence[Exchange] = [replace(exchange, id=name) for name in edits]
    results = simulate(rows, {name: edit for name, edit in edits.items() if edit})
    return {name: result.child for name, result in zip(edits, results, strict=True)}
