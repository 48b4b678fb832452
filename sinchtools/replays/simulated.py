"""The door of those who may only simulate: nothing that goes through it leaves this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sinchtools.client.log import CallLog
from sinchtools.core.files import scratch
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.fixes import Fix
from sinchtools.replays.planning import plan
from sinchtools.replays.results import ReplayResults, Result


def simulate(
    exchanges: Exchange | Iterable[Exchange], edits: Mapping[str, Mapping[str, Any]] | None = None
) -> ReplayResults:
    """
    Replay requests in a new sandbox, with a log that is thrown away.

    Parameters
    ----------
    edits
        Changes by the id of the exchange, as in `plan`.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body="{",
    ...                status=400, code="syntax_invalid_json")
    >>> simulate(bad)[0].verdict
    'SAME'
    """
    with scratch() as folder, CallLog(Path(folder) / "calls.sqlite") as log:
        return plan(exchanges, target="sandbox", edits=edits, log=log).run()


def proven(exchange: Exchange, fix: Fix | None) -> Result | None:
    """Return the replay with a fix when the sandbox accepts it, else None."""
    done = simulate(exchange, {exchange.id: fix.edit}) if fix else ()
    return next((one for one in done if one.verdict == "FIXED"), None)
