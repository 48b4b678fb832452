"""
How often `compare(prove=True)` names the true difference first, on generated pairs.

A request that is accepted and one that is refused differ in one or two things that decide and in
many that do not. The sandbox answers both. 60 pairs, 500 with SINCHTOOLS_FULL=1.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

from sinchtools import compare
from sinchtools.core.records import Exchange
from sinchtools.replays.planning import replay

PAIRS = 500 if os.environ.get("SINCHTOOLS_FULL") == "1" else 60
LEAST = 0.97
URL = "https://{region}.sms.api.sinch.com/xms/v1/{plan}/batches"


def good(rng: random.Random) -> Exchange:
    """Return a request that is accepted, with much that does not matter."""
    number = f"+4477009{rng.randrange(10**5):05}"
    body: dict[str, Any] = {"to": [number], "from": "15559870002", "body": _text(rng)}
    more: dict[str, Any] = {
        "client_reference": f"order-{rng.randrange(10**6)}",
        "delivery_report": rng.choice(["none", "full", "summary"]),
        "feedback_enabled": rng.random() < 0.5,
        "flash_message": rng.random() < 0.5,
        "max_number_of_message_parts": rng.randrange(1, 8),
        "truncate_concat": True,
    }
    body |= {name: more[name] for name in rng.sample(list(more), rng.randrange(len(more)))}
    headers = {
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": rng.choice(["application/json", "application/json; charset=utf-8"]),
        "User-Agent": rng.choice(["curl/8.5", "python-requests/2.32", "axios/1.7", "okhttp/4"]),
        "Accept": rng.choice(["*/*", "application/json"]),
        "X-Request-Id": f"{rng.getrandbits(64):016x}",
    }
    return Exchange(
        id="good",
        method="POST",
        url=URL.format(region=rng.choice(["us", "eu"]), plan="plan1"),
        endpoint="POST /batches",
        request_headers=headers,
        request_body=json.dumps(body),
        status=201,
    )


def _text(rng: random.Random) -> str:
    return " ".join(rng.sample(["your", "order", "is", "on", "its", "way", "today", "soon"], 5))


def _body(x: Exchange, **changes: Any) -> Exchange:
    body = json.loads(x.request_body or "{}") | changes
    return replace(x, request_body=json.dumps({k: v for k, v in body.items() if v is not ...}))


def _headers(x: Exchange, **changes: str | None) -> Exchange:
    headers = dict(x.request_headers) | {k.replace("_", "-"): v for k, v in changes.items()}
    return replace(x, request_headers={k: v for k, v in headers.items() if v is not None})


def _path(x: Exchange, old: str, new: str) -> Exchange:
    return replace(x, url=(x.url or "").replace(old, new), endpoint=None)


BREAKS: dict[str, tuple[str, Any]] = {  # name: what must be named, and the change
    "national number": ("body to", lambda x: _body(x, to=["07700900123"])),
    "number is text": ("body to", lambda x: _body(x, to="+447700900123")),
    "no recipient": ("body to", lambda x: _body(x, to=[])),
    "to is missing": ("body to", lambda x: _body(x, to=...)),
    "to are numbers": ("body to", lambda x: _body(x, to=[447700900123])),
    "body is missing": ("body body", lambda x: _body(x, body=...)),
    "body is a number": ("body body", lambda x: _body(x, body=7)),
    "report": ("body delivery_report", lambda x: _body(x, delivery_report="per-recipient")),
    "flash as text": ("body flash_message", lambda x: _body(x, flash_message="yes")),
    "feedback as text": ("body feedback_enabled", lambda x: _body(x, feedback_enabled="on")),
    "send at": ("body send_at", lambda x: _body(x, send_at="2026-11-29 18:00")),
    "expire at": ("body expire_at", lambda x: _body(x, expire_at="tomorrow")),
    "broken JSON": ("body", lambda x: replace(x, request_body=(x.request_body or "")[:-1] + ",}")),
    "half a body": ("body", lambda x: replace(x, request_body=(x.request_body or "")[:-9])),
    "no body": ("body", lambda x: replace(x, request_body=None)),
    "content type": ("header content-type", lambda x: _headers(x, Content_Type="text/plain")),
    "form": (
        "header content-type",
        lambda x: _headers(x, Content_Type="application/x-www-form-urlencoded"),
    ),
    "no credential": ("credential", lambda x: _headers(x, Authorization=None)),
    "scheme": (
        "credential",
        lambda x: _headers(x, Authorization="Token [secret opaque 32 #1]"),
    ),
    "quoted token": (
        "credential",
        lambda x: _headers(x, Authorization="Bearer [secret opaque 34 #1 quoted]"),
    ),
    "path": ("path", lambda x: _path(x, "/batches", "/batch")),
    "version": ("path", lambda x: _path(x, "/xms/v1/", "/xms/v9/")),
    "method": ("method", lambda x: replace(x, method="PUT", endpoint=None)),
}  # fmt: skip


def pair(seed: int) -> tuple[Exchange, Exchange, str, str] | None:
    """Return a request that is accepted, one that is refused, and what decides."""
    rng = random.Random(seed)
    well, other = good(rng), replace(good(rng), id="bad")
    name = rng.choice(list(BREAKS))
    what, change = BREAKS[name]
    bad = replace(change(other), status=None)
    first, second = replay([replace(well, status=None), bad])
    if first.child is None or second.child is None or first.child.http_outcome != "success":
        return None
    if second.child.http_outcome == "success":
        return None
    child = second.child
    answered = replace(bad, status=child.status, code=child.code, text=child.text)
    return well, answered, name, what


def main(pairs: int = PAIRS) -> int:
    """Print the figures; the exit code says whether the bound was missed."""
    right, total, skipped, missed = 0, 0, 0, Counter[str]()
    seed = -1
    while total < pairs:
        seed += 1
        made = pair(seed)
        if made is None:
            skipped += 1
            continue
        well, bad, name, what = made
        ordered = (well, bad) if seed % 2 else (bad, well)
        found = compare(*ordered, prove=True)
        total += 1
        is_right = bool(found.cause) and found.cause[0].what == what
        right += is_right
        missed[name] += not is_right
        if not is_right and "-v" in sys.argv:
            print(seed, name, [one.what for one in found.cause], found.reason, bad.status, bad.code)
    print(f"compare(prove=True) on {total:,} generated pairs: the true difference first in "
          f"{right / total:.1%} (bound {LEAST:.0%}); {len(BREAKS)} kinds of differences, "
          f"{skipped} draws where the sandbox refused both or neither were left out")  # fmt: skip
    print("missed: " + (", ".join(f"{k} {n}" for k, n in missed.most_common() if n) or "none"))
    return int(right / total < LEAST)


if __name__ == "__main__":
    sys.exit(main(*(int(a) for a in sys.argv[1:] if a.isdigit())))
