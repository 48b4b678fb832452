"""
Compare a replay with its peers, on one server in a separate process.

The peers are a bare `requests.Session` loop and, where it is installed, mitmdump's client replay.

Bounds: sequential replay with full logging at least 0.6 of the bare loop; with 50 ms of server
latency and 16 workers at least 90 % of 320 a second; at least 3 times mitmdump
(``MITMDUMP=/path/to/mitmdump``), both one at a time as is their default; the limiter within 2 %
over ten seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from sinchtools import CallLog, Exchange, plan
from sinchtools.client.client import Client
from sinchtools.client.token import Token

PLAN, TOKEN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4", "secret-token-1"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
BODY = json.dumps({"to": ["+15551230001"], "from": "15559870002", "body": "Hi"})
CALLS, ROUNDS, LATENCY_MS, WORKERS = 400, 5, 50, 16
IDEAL = WORKERS / (LATENCY_MS / 1000)
FLOWS = """
from mitmproxy import http, io
from mitmproxy.test import tflow
import sys
url, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, "wb") as file:
    writer = io.FlowWriter(file)
    for _ in range(count):
        flow = tflow.tflow()
        flow.request = http.Request.make("POST", url, {body!r}, {headers!r})
        writer.add(flow)
"""


def main() -> int:
    """Measure and print; 1 when a bound is missed."""
    missed = 0
    with _server() as url, tempfile.TemporaryDirectory() as folder:
        pairs = [(_bare(url), _replayed(url, folder, CALLS, i)) for i in range(ROUNDS + 1)][1:]
        ratio = statistics.median(mine / bare for bare, mine in pairs)
        bare, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"one at a time: bare Session {bare:.0f}/s, replay with full "
            f"log {mine:.0f}/s, {ratio:.2f} of it (bound 0.6)"
        )
        missed += ratio < 0.6
        missed += _beside_mitmdump(url, folder)
        missed += _with_latency(url, folder)
        missed += _limited(url, folder)
    return int(bool(missed))


def _bare(url: str, calls: int = CALLS) -> float:
    with requests.Session() as session:
        session.trust_env = False
        began = time.perf_counter()
        for _ in range(calls):
            _ = session.post(
                f"{url}/xms/v1/{PLAN}/batches", data=BODY, headers=HEADERS, timeout=10
            ).content
        return calls / (time.perf_counter() - began)


def _replayed(url: str, folder: str, count: int, name: object, **pace: Any) -> float:
    with CallLog(Path(folder) / f"{name}.sqlite") as log:
        client = Client(base_url=url, account=PLAN, token=Token(TOKEN), log=log, target="sandbox")
        exchanges = [_exchange(i) for i in range(count)]
        made = plan(exchanges, client=client, **pace)
        began = time.perf_counter()
        done = made.run()
        seconds = time.perf_counter() - began
        assert all(r.child is not None and r.child.status == 201 for r in done)
        assert len(log) == count
        return count / seconds


def _with_latency(url: str, folder: str) -> bool:
    requests.post(
        f"{url}/__sandbox__/faults", json={"latency_ms": LATENCY_MS}, headers=HEADERS, timeout=10
    ).raise_for_status()
    per_s = max(
        _replayed(url, folder, 1600, f"latency-{i}", workers=WORKERS) for i in range(3)
    )  # others on the machine only slow it down
    with ThreadPoolExecutor(WORKERS) as pool:
        bare = sum(pool.map(_bare, [url] * WORKERS, [100] * WORKERS))
    requests.delete(f"{url}/__sandbox__/faults", headers=HEADERS, timeout=10).raise_for_status()
    print(
        f"{LATENCY_MS} ms of latency, {WORKERS} workers: {per_s:.0f}/s, {per_s / IDEAL:.1%} "
        f"of {IDEAL:.0f} (bound 90 %); "
        f"as many bare Sessions: {bare:.0f}/s"
    )
    return per_s < 0.9 * IDEAL


def _limited(url: str, folder: str) -> bool:
    rates = [
        _rate(url, folder, 1001, "limit-1", requests_per_s=100),
        _rate(url, folder, 1001, "limit-4", requests_per_s=100, workers=4),
    ]
    messages = _rate(url, folder, 501, "limit-m", messages_per_s=50)
    off = max(abs(rate / 100 - 1) for rate in rates), abs(messages / 50 - 1)
    print(
        f"limit 100 requests/s over ten seconds: {rates[0]:.2f}/s and {rates[1]:.2f}/s with 4 "
        f"workers; 50 messages/s: {messages:.2f}/s (bound 2 %)"
    )
    return max(off) > 0.02


def _rate(url: str, folder: str, count: int, name: str, **pace: float) -> float:
    """Return the requests a second between the first that left and the last, by the log."""
    _replayed(url, folder, count, name, **pace)
    with CallLog(Path(folder) / f"{name}.sqlite") as log:
        moments = sorted(row.at for row in log if row.at)
    return (count - 1) / (moments[-1] - moments[0]).total_seconds()


def _beside_mitmdump(url: str, folder: str) -> bool:
    mitmdump = os.environ.get("MITMDUMP") or shutil.which("mitmdump")
    if not mitmdump:
        print("mitmdump client replay: not measured, it is not installed here")
        return False
    pairs = [
        (_replayed(url, folder, CALLS, f"beside-{i}"), _mitmdump_per_s(mitmdump, url, folder, 1))
        for i in range(ROUNDS)
    ]  # in turns, as above
    ratio = statistics.median(mine / its if its else 0.0 for mine, its in pairs)  # 0: it lost some
    mine, its = (statistics.median(column) for column in zip(*pairs, strict=True))
    many = statistics.median(_mitmdump_per_s(mitmdump, url, folder, -1) for _ in range(3))
    print(
        f"mitmdump client replay, its start not counted: {its:.0f}/s one at a time, "
        f"ours {mine:.0f}/s, {ratio:.1f} times (bound 3); "
        f"{many:.0f}/s all at once (0: some got lost)"
    )
    return ratio < 3


def _mitmdump_per_s(mitmdump: str, url: str, folder: str, at_once: int) -> float:
    """
    Return mitmdump's rate, from the time that 2,000 more requests take.

    The start of mitmdump varies by a tenth of a second.
    """
    few, many = (
        _mitmdump_s(mitmdump, url, folder, count, at_once) for count in (100, 100 + 5 * CALLS)
    )
    return 5 * CALLS / (many - few) if many > few else 0.0


def _mitmdump_s(mitmdump: str, url: str, folder: str, count: int, at_once: int) -> float:
    flows, before = Path(folder) / "flows", _arrived(url)
    headers = {**HEADERS, "Host": url.removeprefix("http://")}
    script = FLOWS.replace("{body!r}", repr(BODY.encode())).replace("{headers!r}", repr(headers))
    subprocess.run(
        [
            str(Path(mitmdump).parent / "python"),
            "-c",
            script,
            f"{url}/xms/v1/{PLAN}/batches",
            str(count),
            str(flows),
        ],
        check=True,
    )
    began = time.perf_counter()
    options = ["--set", f"confdir={folder}", "--set", f"client_replay_concurrency={at_once}"]
    subprocess.run(
        [mitmdump, "-q", "-n", "-C", str(flows), *options],
        check=True,
        capture_output=True,
        timeout=120,
    )
    seconds = time.perf_counter() - began
    return seconds if _arrived(url) - before == count else float("inf")


def _arrived(url: str) -> int:
    return int(
        requests.get(f"{url}/__sandbox__/state", headers=HEADERS, timeout=10).json()["accounts"][
            PLAN
        ]["batches"]
    )


def _exchange(number: int) -> Exchange:
    return Exchange(
        id=f"x{number}",
        at=datetime(2026, 11, 20, tzinfo=UTC),
        method="POST",
        url=f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
        endpoint="POST /batches",
        account=PLAN,
        request_body=BODY,
        status=201,
        request_headers={
            "Authorization": "Bearer [secret opaque 14 #1]",
            "Content-Type": "application/json",
        },
    )


@contextlib.contextmanager
def _server() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "sinchtools",
        "sandbox",
        "--service-plan-id",
        PLAN,
        "--api-token",
        TOKEN,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
