"""
Measure the sandbox.

Measure its start time, the calls per second of one session in the same process, and the memory of
100,000 batches.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import requests

from sinchtools.sandbox import Sandbox

CALLS = 1_000
BATCHES = 100_000
SEND: dict[str, Any] = {
    "to": ["+15551230001"],
    "from": "15559870002",
    "body": "Your parcel is on its way.",
}


def main() -> int:
    """Measure and print; 1 when a bound is missed."""
    with Sandbox() as sandbox, requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {sandbox.api_token}"
        url = f"{sandbox.url}/xms/v1/{sandbox.service_plan_id}/batches"
        batch = session.post(url, json=SEND, timeout=10).json()["id"]
        sends = _per_second(lambda: session.post(url, json=SEND, timeout=10))
        reads = _per_second(lambda: session.get(f"{url}/{batch}", timeout=10))
    start_ms, megabytes = _start_ms(), _megabytes()
    print(f"start                      {start_ms:8.1f} ms   at most 100")
    print(f"sends, one session         {sends:8.0f} /s   at least 500")
    print(f"reads, one session         {reads:8.0f} /s   at least 500")
    print(f"100,000 batches            {megabytes:8.0f} MB   at most 500")
    return int(start_ms > 100 or min(sends, reads) < 500 or megabytes > 500)


def _start_ms() -> float:
    began = time.perf_counter()
    with Sandbox():
        return (time.perf_counter() - began) * 1000


def _per_second(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return CALLS / (time.perf_counter() - began)


def _megabytes() -> float:
    account = Sandbox().account()
    tracemalloc.start()
    for i in range(BATCHES):
        account.add_batch(
            to=[f"1555123{i:04d}"], body=f"{SEND['body']} {i}", **{"from": SEND["from"]}
        )
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return used / 1e6


if __name__ == "__main__":
    sys.exit(main())
