"""
How often spikes and differences find what was planted, and how often something in nothing.

`python -m tests.support.detection`, 1,000 seeds.
"""

import datetime as dt
import random
import sys
from dataclasses import replace
from typing import Any

from sinchtools import analysis
from sinchtools.core import columns
from sinchtools.core.records import Exchange

NOON = dt.datetime(2024, 6, 3, 12, 0, tzinfo=dt.UTC)  # a Monday
GOOD = Exchange(
    id="a",
    at=NOON,
    source="case.har#1",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/plan-a/batches",
    endpoint="POST /batches",
    region="us",
    account="plan-a",
    request_headers={"User-Agent": "sdk/1"},
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}',
    status=201,
    elapsed_ms=80.0,
)
SIZES, SEEDS = (60, 300, 1000), 1000
LEAST_FOUND, MOST_FALSE = 0.95, 0.05


def traffic(n: int, seed: int, plant: str | None = None) -> list[Exchange]:
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        account, endpoint, agent = (
            rng.choice("abc"),
            rng.choice(["POST /batches", "POST /groups"]),
            rng.choice(["sdk/1", "sdk/2"]),
        )
        status, code = rng.choices(
            [
                (201, None),
                (403, "missing_callback_url"),
                (400, "syntax_invalid_json"),
                (429, None),
                (500, None),
            ],
            [60, 10, 10, 10, 10],
        )[0]
        if plant == "cause":
            status, code = (
                (403, "missing_callback_url")
                if rng.random() < (0.9 if account == "b" else 0.1)
                else (201, None)
            )
        at = NOON + dt.timedelta(hours=rng.uniform(0, 240))
        row = replace(GOOD, id=f"x{i}", at=at, status=status, code=code, account=account)
        rows.append(replace(row, endpoint=endpoint, request_headers={"User-Agent": agent}))
    if plant == "spike":
        hour = NOON + dt.timedelta(hours=rng.randrange(10, 230))
        rows += [
            replace(GOOD, id=f"s{i}", at=hour + dt.timedelta(hours=rng.random()), status=429)
            for i in range(n // 4)
        ]
    return rows


def found_spike(frame: Any) -> Any:
    return (analysis.spikes(frame)["status"] == 429).any()


def found_cause(frame: Any) -> bool:
    return analysis.differences(frame)[["field", "value"]].head(1).values.tolist() == [
        ["account", "b"]
    ]


DETECTORS = [(analysis.spikes, found_spike, "spike"), (analysis.differences, found_cause, "cause")]


def rates(detector: Any, found: Any, plant: Any, n: Any, seeds: Any) -> tuple[Any, Any]:
    def frames(planted: Any) -> Any:
        return (columns.frame(traffic(n, seed, planted)) for seed in range(seeds))

    return sum(map(found, frames(plant))) / seeds, sum(
        len(detector(frame)) > 0 for frame in frames(None)
    ) / seeds


def main(seeds: int = SEEDS) -> int:
    """Print the figures; the exit code says whether a bound was missed."""
    missed = False
    for n in SIZES:
        for detector, found, plant in DETECTORS:
            hits, alarms = rates(detector, found, plant, n, seeds)
            missed |= hits < LEAST_FOUND or alarms > MOST_FALSE
            print(
                f"{detector.__name__:12} n {n:5,}, {seeds:,} seeds: planted {plant} "
                f"found {hits:6.1%}, false alarms {alarms:5.1%}",
                flush=True,
            )
    print(
        f"bounds {'MISSED' if missed else 'held'}: found in at least {LEAST_FOUND:.0%}, false "
        f"alarms in at most {MOST_FALSE:.0%}"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
