"""
Measure what logging adds to a call.

Our client and a bare `requests.Session` send the same requests to one loopback server, in turn.

The intent is committed before the call and the outcome after it (WAL, synchronous=NORMAL). Bound:
0.6 ms more, and 1.6 times.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from sinchtools import CallLog, Sandbox
from sinchtools.client.client import Client
from sinchtools.client.token import Token

BOUND_MS, BOUND_RATIO, CALLS, ROUNDS = 0.6, 1.6, 200, 15
BODY = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}


def milliseconds(call: Callable[[], object]) -> float:
    """Return the mean time of one call over a round."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1000


with (
    Sandbox() as sandbox,
    tempfile.TemporaryDirectory() as folder,
    requests.Session() as bare,
    CallLog(Path(folder) / "calls.sqlite") as log,
):
    bare.trust_env = False
    url, headers = (
        f"{sandbox.url}/xms/v1/{sandbox.service_plan_id}/batches",
        {"Authorization": f"Bearer {sandbox.api_token}", "Content-Type": "application/json"},
    )
    client = Client(
        base_url=sandbox.url,
        account=sandbox.service_plan_id,
        token=Token(sandbox.api_token),
        log=log,
        target="sandbox",
    )
    plain = lambda: bare.post(url, data=json.dumps(BODY), headers=headers).content  # noqa: E731
    logged = lambda: client.batches.send(BODY)  # noqa: E731
    pairs = [(milliseconds(plain), milliseconds(logged)) for _ in range(ROUNDS + 1)][1:]
    rows = len(log)

one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
print(
    f"bare Session {one:.3f} ms a call, logged client {other:.3f} ms: {other - one:+.3f} "
    f"ms, {other / one:.2f} times ({rows} rows logged)"
)
print(f"bounds: +{BOUND_MS} ms and {BOUND_RATIO} times")
sys.exit(other - one > BOUND_MS or other / one > BOUND_RATIO)
