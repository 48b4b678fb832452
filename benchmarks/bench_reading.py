"""Measure how long 50,000 lines of logs in foreign forms take to be read, secrets removed."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable

import sinchtools as st

LINES, BOUND_S = 50_000, 5.0
URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"


def at(second: int) -> str:
    """Return a time of one day."""
    return f"2026-11-24T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def logger(number: int, status: int) -> str:
    """Return a line of a logger's JSON, request and response nested."""
    request = {"method": "POST", "url": URL}
    line = {"time": at(number), "level": "info", "req": request, "res": {"statusCode": status}}
    return json.dumps({**line, "responseTime": number % 300})


def access(number: int, status: int) -> str:
    """Return a line of a combined access log."""
    clock = at(number)[11:19]
    call = f'"POST /xms/v1/plan/batches HTTP/1.1" {status} 123 "-" "python-requests/2.31"'
    return f"203.0.113.9 - - [24/Nov/2026:{clock} +0000] {call}"


def words(number: int, status: int) -> str:
    """Return a line of an application's log."""
    said = f"POST {URL} returned {status} in {number % 300} ms"
    return f"{at(number)} INFO [worker-{number % 9}] c.acme.Sms - {said}"


def pairs(number: int, status: int) -> str:
    """Return a line of logfmt."""
    return f"ts={at(number)} level=info method=POST url={URL} status={status} took={number % 300}ms"


def table(number: int, status: int) -> str:
    """Return a line of a table."""
    return f"{at(number)},POST,{URL},{status},{number % 300}"


FORMS: dict[str, tuple[str, Callable[[int, int], str]]] = {
    "logger's JSON": ("", logger),
    "combined access log": ("", access),
    "an application's words": ("", words),
    "logfmt": ("", pairs),
    "CSV": ("time,method,url,status,duration_ms\n", table),
}


def main() -> int:
    """Print the seconds of each form; the exit code says whether the bound was missed."""
    held = True
    print(f"st.read of {LINES:,} lines")
    for name, (head, line) in FORMS.items():
        statuses = random.Random(1).choices((201, 400, 403, 429), k=LINES)
        text = head + "\n".join(line(number, status) for number, status in enumerate(statuses))
        started = time.perf_counter()
        evidence = st.read(text)
        seconds = time.perf_counter() - started
        assert len(evidence) == LINES
        held = held and seconds <= BOUND_S
        print(f"  {name:<24} {seconds:6.2f} s")
    print(f"bound {'held' if held else 'MISSED'}: at most {BOUND_S} s each")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
