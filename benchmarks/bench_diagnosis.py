"""How many diagnoses a second on one core over a mixed log, beside `jsonschema` validating the same bodies."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the corpus

from sinchtools.api import complete
from sinchtools.diagnosis import diagnose
from sinchtools.records import Exchange
from sinchtools.redact import Redactor
from tests import corpus

SCHEMA = {
    "type": "object",
    "required": ["to", "body"],
    "properties": {
        "to": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "pattern": r"^\+?[1-9]\d{4,14}$"}},
        "body": {"type": "string", "maxLength": 2000},
        "callback_url": {"type": "string", "pattern": "^https?://", "maxLength": 2048},
        "delivery_report": {"enum": ["none", "summary", "full", "per_recipient", "per_recipient_final"]},
        "client_reference": {"type": "string", "maxLength": 2048},
        "flash_message": {"type": "boolean"},
    },
}
SIZE = 4_000
BOUND = 5_000


def mixed_log(size: int = SIZE) -> list[Exchange]:
    """Four good requests to one with a labelled defect, answered."""
    good = [replace(complete(Redactor().exchange(corpus.valid(seed))), status=200) for seed in range(size * 4 // 5)]
    return good + [corpus.answered(sample) for sample in list(corpus.samples(25))[: size // 5]]


def per_second(work: Callable[[], object], size: int, rounds: int = 3) -> float:
    """Return the best of some rounds; `work` is called without arguments."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return size / best


def main() -> int:
    """Print both figures; the exit code says whether the bound is missed."""
    log = mixed_log()
    bodies = [exchange.request_body for exchange in log if isinstance(exchange.request_body, str)]
    validator = Draft202012Validator(SCHEMA)

    def validate() -> None:
        for body in bodies:
            try:
                list(validator.iter_errors(json.loads(body)))
            except ValueError:
                continue

    diagnoses = per_second(lambda: diagnose(log, now=corpus.NOW), len(log))
    print(f"diagnose: {diagnoses:,.0f} exchanges a second (bound {BOUND:,}), one core, {len(log):,} exchanges, one in five with a defect")
    print(f"jsonschema, bodies only: {per_second(validate, len(bodies)):,.0f} bodies a second ({len(bodies):,} bodies)")
    return int(diagnoses < BOUND)


if __name__ == "__main__":
    sys.exit(main())
