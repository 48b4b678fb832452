"""
Make data/samples/tickets/log.csv; the other tickets are written by hand. See samples.md.

Run it as ``python data/make_log.py``; it is seeded, so it writes the same bytes each time.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

FOLDER = Path(__file__).parent / "samples" / "tickets"
SEED = 4712
CALLS = 3_000
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
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(["time", "account", "method", "path", "to", "status", "error", "ms"])
    for second in seconds:
        at = START + timedelta(seconds=second)
        account = dice.choices([*SHOPS], [*SHOPS.values()])[0]
        status, code, number = _call(dice, account, at)
        path = f"/xms/v1/{account}/batches"
        row = [f"{at:%Y-%m-%dT%H:%M:%SZ}", account, "POST", path, number, status, code]
        table.writerow([*row, dice.randrange(40, 240)])
    return written.getvalue()


def _call(dice: random.Random, account: str, at: datetime) -> tuple[int, str, str]:
    number = f"7700900{dice.randrange(1000):03d}"
    if account == FAILING and at >= RELEASE and dice.random() < SHARE:
        return 400, "syntax_invalid_parameter_format", f"0{number}"
    luck = dice.random()
    if luck < 0.006:
        return 429, "", f"+44{number}"
    if luck < 0.010:
        return 503, "", f"+44{number}"
    if luck < 0.014:
        return 400, "syntax_constraint_violation", f"+44{number}"
    return 201, "", f"+44{number}"


def main() -> None:
    """Write the log."""
    (FOLDER / "log.csv").write_text(write_log(), encoding="utf-8")


if __name__ == "__main__":
    main()
