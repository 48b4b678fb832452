"""
Measure how many diagnoses one core makes per second over a mixed log.

Compare with `jsonschema`, which validates the same bodies. Measure how long bad input takes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the corpus

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.privacy.redaction import Redactor
from tests.support import corpus

SCHEMA = {
    "type": "object",
    "required": ["to", "body"],
    "properties": {
        "to": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {"type": "string", "pattern": r"^\+?[1-9]\d{4,14}$"},
        },
        "body": {"type": "string", "maxLength": 2000},
        "callback_url": {"type": "string", "pattern": "^https?://", "maxLength": 2048},
        "delivery_report": {
            "enum": ["none", "summary", "full", "per_recipient", "per_recipient_final"]
        },
        "client_reference": {"type": "string", "maxLength": 2048},
        "flash_message": {"type": "boolean"},
    },
}
SIZE = 4_000
BOUND = 5_000
BOUND_S = 1.0  # for any one piece of bad input
SENT: dict[str, Any] = {
    "method": "POST",
    "url": "https://us.sms.api.sinch.com/xms/v1/9b1c2d3e4f5061728394a5b6c7d8e9f0/batches",
    "request_headers": corpus.HEADERS,
}
BAD: dict[str, Callable[[], Exchange]] = {
    "50 MB body, broken at its end": lambda: _sent(
        '{"to": ["+15551230001"], "body": "' + "x" * 50_000_000 + '",}'
    ),
    "50 MB body, valid JSON": lambda: _sent(
        '{"to": ["+15551230001"], "body": "' + "x" * 50_000_000 + '"}'
    ),
    "50 MB body, no text": lambda: _sent(b"\xff\x00\x9f" * 16_700_000),
    "50 MB body, brackets only": lambda: _sent("[" * 50_000_000),
    "10,000 recipients": lambda: _sent(
        json.dumps({"to": [f"+1555{n:07}" for n in range(10_000)], "body": "Hi"})
    ),
    "10,000 recipients, none of them a number": lambda: _sent(
        json.dumps({"to": [f"++x{n}" for n in range(10_000)], "body": "Hi"})
    ),
    "nested 100,000 deep": lambda: _sent('{"parameters": ' + "[" * 100_000),
    "a status only": lambda: Exchange(status=503),
    "nothing at all": Exchange,
}


def mixed_log(size: int = SIZE) -> list[Exchange]:
    """Four good requests to one with a labelled defect, answered."""
    good = [
        replace(complete(Redactor().exchange(corpus.valid(seed))), status=200)
        for seed in range(size * 4 // 5)
    ]
    return good + [corpus.answered(sample) for sample in list(corpus.samples(25))[: size // 5]]


def per_second(work: Callable[[], object], size: int, rounds: int = 3) -> float:
    """Return the best of some rounds; `work` is called without arguments."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return size / best


def _sent(body: str | bytes) -> Exchange:
    return complete(Redactor().exchange(Exchange(request_body=body, **SENT)))


def bad_input() -> dict[str, float]:
    """Return how many seconds each piece of bad input takes to be answered, as text and as JSON."""
    taken = {}
    for name, make in BAD.items():
        exchange = make()
        start = time.perf_counter()
        found = diagnose(exchange, now=corpus.NOW)
        shown = found.as_text(), found.as_json()
        taken[name] = time.perf_counter() - start
        assert all(shown)
    return taken


def main() -> int:
    """Print the figures; the exit code says whether a bound is missed."""
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
    print(
        f"diagnose: {diagnoses:,.0f} exchanges a second (bound {BOUND:,}), one "
        f"core, {len(log):,} exchanges, one in five with a defect"
    )
    print(
        f"jsonschema, bodies only: {per_second(validate, len(bodies)):,.0f} bodies a second "
        f"({len(bodies):,} bodies)"
    )
    taken = bad_input()
    print(f"bad input, diagnosis with its text and JSON (bound {BOUND_S:g} s each):")
    print("\n".join(f"  {seconds:6.3f} s  {name}" for name, seconds in taken.items()))
    return int(diagnoses < BOUND or max(taken.values()) > BOUND_S)


if __name__ == "__main__":
    sys.exit(main())
