"""
Make data/samples/tickets/log.jsonl; the other tickets are written by hand. See samples.md.

Run it as ``python data/make_log.py``; it is seeded, so it writes the same bytes each time.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "samples" / "tickets"
SEED = 4712
CALLS = 2_400
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
RELEASE = datetime(2026, 3, 5, 14, 20, tzinfo=UTC)  # and a Thursday
DAYS = 7
SHOPS = {
    "lakeside-books-7f21": 4,
    "nordwind-travel-3c08": 3,
    "parcel-point-9d44": 2,
    "studio-nine": 1,
}
FAILING = "nordwind-travel-3c08"
SHARE = 0.64  # of its calls after the release


def write_log() -> str:
    """Return a log of calls: since a release, one account sends numbers without country code."""
    dice = random.Random(SEED)
    seconds = sorted(dice.random() * DAYS * 86_400 for _ in range(CALLS))
    return "".join(
        json.dumps(_call(dice, second), separators=(",", ":")) + "\n" for second in seconds
    )


def _call(dice: random.Random, second: float) -> dict[str, Any]:
    at = START + timedelta(seconds=second)
    account = dice.choices([*SHOPS], [*SHOPS.values()])[0]
    status, code, prefix = _answer(dice, account, at)
    number = f"{prefix}7700900{dice.randrange(1000):03d}"
    sent = {"from": "Nordwind", "to": [number], "body": "Your ticket is ready"}
    got = {"code": code, "text": _TEXTS[code]} if code else {}
    return {
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "method": "POST",
        "url": f"https://eu.sms.api.sinch.com/xms/v1/{account}/batches",
        "status": status,
        "request_body": json.dumps(sent),
        **({"response_body": json.dumps(got)} if got else {}),
        "duration_ms": dice.randrange(40, 240),
    }


_TEXTS = {
    "syntax_invalid_parameter_format": "to: invalid phone number",
    "syntax_constraint_violation": "expire_at: must be in the future",
}


def _answer(dice: random.Random, account: str, at: datetime) -> tuple[int, str, str]:
    if account == FAILING and at >= RELEASE and dice.random() < SHARE:
        return 400, "syntax_invalid_parameter_format", "0"
    luck = dice.random()
    if luck < 0.006:
        return 429, "", "+44"
    if luck < 0.010:
        return 503, "", "+44"
    if luck < 0.014:
        return 400, "syntax_constraint_violation", "+44"
    return 201, "", "+44"


def main() -> None:
    """Write the log."""
    (FOLDER / "log.jsonl").write_text(write_log(), encoding="utf-8")


if __name__ == "__main__":
    main()
