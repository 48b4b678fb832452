"""
A replay of 300 exchanges into a sandbox in a process of its own.

As a script it tells its progress until it is killed.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.client.token import Token
from sinchtools.core.records import Exchange
from sinchtools.replays.planning import plan

PLAN, TOKEN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4", "secret-token-1"
COUNT = 300


def evidence() -> list[Any]:
    return [
        Exchange(
            id=f"x{i}",
            at=datetime(2026, 11, 20, tzinfo=UTC),
            method="POST",
            url=f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
            endpoint="POST /batches",
            account=PLAN,
            request_body=body(i),
            status=400 if broken(i) else 201,
            code="syntax_invalid_json" if broken(i) else None,
            request_headers={
                "Authorization": "Bearer [secret opaque 14 #1]",
                "Content-Type": "application/json",
            },
        )
        for i in range(COUNT)
    ]


def broken(i: int) -> bool:
    return i % 10 == 0


def body(i: int) -> str:
    reference = {"client_reference": f"order-{i}"} if i % 2 else {}
    return json.dumps(
        {"to": ["+15551230001"], "from": "15559870002", "body": f"message {i}", **reference}
    ) + "," * broken(i)


@contextlib.contextmanager
def made(folder: Any, url: Any, workers: Any) -> Iterator[Any]:
    with CallLog(Path(folder) / "calls.sqlite") as log:
        client = Client(base_url=url, account=PLAN, token=Token(TOKEN), log=log, target="sandbox")
        with contextlib.closing(client):
            yield plan(evidence(), client=client, workers=workers)


if __name__ == "__main__":
    folder, url, workers = sys.argv[1:]
    with made(folder, url, int(workers)) as replay:
        replay.run(progress=lambda progress: print(progress.done, flush=True))
