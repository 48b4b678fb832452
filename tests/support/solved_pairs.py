"""
Pairs of cases, of the same problem or not: `python -m tests.support.solved_pairs` prints how often
a closed case is found again, and how often another problem is taken for it.

Both cases of a pair have people, account, region, times and amounts of their own, and rows that
have nothing to do with the problem. The label comes from how a case was made. Six of ten pairs of
different problems have the same status and code.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sinchtools.cases.closing import problem_of
from sinchtools.cases.solved import Fingerprint
from sinchtools.core.records import Exchange
from sinchtools.evidence import read
from tests.support import corpus
from tests.support.corpus import ANY, JSON, KINDS, NOW, PLAN, Kind, answered, sample_of, valid

PAIRS, NEAR = 500, 0.6
LEAST_FOUND, MOST_FALSE = 0.95, 0.02
OF_ACCOUNT = ("account", "auth-plan", "path-stops", "path-placeholder")  # rules about the plan's ID
OF_TIME = ("auth-expired", "expire-", "send-")
FORMAT, LIMIT = "syntax_invalid_parameter_format", "syntax_constraint_violation"
TEXTS: list[tuple[int, str | None, str]] = [  # what a log shows of a response; {n} and {v} vary
    (400, FORMAT, "to[{n}]: '{v}' is not a valid MSISDN"),
    (400, FORMAT, "expire_at: '{v}' is not a valid ISO-8601 date"),
    (400, FORMAT, "callback_url: '{v}' is not a valid URL"),
    (400, FORMAT, "body: expected a string, found an object"),
    (400, FORMAT, "'{v}' is not a valid report type"),
    (400, FORMAT, "from: '{v}' is not a valid sender"),
    (400, LIMIT, "to: at most 1000 entries, found {n}"),
    (400, LIMIT, "body: at most 2000 characters, found {n}"),
    (400, LIMIT, "expire_at: '{v}' is in the past"),
    (400, LIMIT, "to: must not be empty"),
    (400, LIMIT, "max_number_of_message_parts: must be 1 or more, found {n}"),
    (400, "unknown_campaign", "The campaign {v} is not known"),
    (400, "number_not_assigned", "The sender {v} is not assigned to this service plan"),
    (403, "missing_callback_url", "Requesting delivery report without any callback URL."),
    (403, "unknown_group", "The group {v} is unknown"),
    (403, "blocked_account", "The account {v} is blocked"),
    (403, "illegal_number_type", "The number type of {v} is illegal"),
    (401, None, ""),
    (404, None, ""),
    (429, None, ""),
    (429, None, "Too many requests of this account today: {n}"),
    (500, None, ""),
    (500, None, "The database does not respond"),
    (503, None, ""),
]
DELIVERY = ("Failed", (401, 402, 403, 404, 407, 410, 412, 413))


@dataclass(frozen=True)
class Cause:
    """
    A problem, with the label that says which ones are the same.

    Attributes
    ----------
    label
        Equal for equal problems.
    response
        Status and code, by which other problems are near misses.
    made
        What it is made of.
    """

    label: tuple[object, ...]
    response: tuple[object, ...]
    made: Kind | tuple[int, str | None, str] | int


def causes() -> list[Cause]:
    """Return every problem."""
    found = [
        Cause((kind.rule, kind.field), (kind.status, kind.code or _code(kind)), kind)
        for kind in KINDS
    ]
    found += [Cause((text,), (text[0], text[1]), text) for text in TEXTS]
    return found + [Cause((code,), (201, None), code) for code in DELIVERY[1]]


def _code(kind: Kind) -> str | None:
    return JSON if kind.status == 400 else None


def are_same(one: Cause, other: Cause) -> bool | None:
    """Whether two problems are the same; None where their labels do not say."""
    if len(one.label) != len(other.label) or one.label[0] != other.label[0]:
        return False
    if one.label == other.label:
        return True
    return None if None in (one.label[-1], other.label[-1]) else False


# --- a case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """How a customer calls: by which account, with or without responses, which operation."""

    account: str
    shows_response: bool
    operation: int


def case(cause: Cause, chance: random.Random) -> list[Exchange]:
    """Return the rows of a case, in the order of their times."""
    account = "".join(chance.choices("0123456789abcdef", k=32))
    n = chance.randint(1, 4)
    way = Way(account, chance.random() < 0.67, chance.randrange(900))
    rows = [_row(cause, chance, way) for _ in range(n)]
    rows += [_fine(chance, account) for _ in range(chance.randint(0, 5))]
    if n > 1 and chance.random() < 0.5:
        rows.append(_row(chance.choice(_OTHERS), chance, way))
    chance.shuffle(rows)
    earlier = timedelta(days=chance.randint(1, 300))
    start = NOW - (timedelta(0) if _is_of_time(cause) else earlier)
    return [replace(row, id=f"r{i}", at=start + timedelta(minutes=i)) for i, row in enumerate(rows)]


def _is_of_time(cause: Cause) -> bool:
    """Whether the problem is one at its own time only, such as a token that has expired."""
    return isinstance(cause.made, Kind) and cause.made.rule.startswith(OF_TIME)


def _row(cause: Cause, chance: random.Random, way: Way) -> Exchange:
    if isinstance(cause.made, Kind):
        return _of_kind(cause.made, chance, way)
    if isinstance(cause.made, int):
        return _of_report(cause.made, chance)
    status, code, text = cause.made
    said = text.format(n=chance.randint(1001, 9999), v=chance.choice(_VALUES) + way.account[:4])
    body = {"code": code, "text": said} if code or said else None
    return Exchange(
        method="POST",
        url=f"https://us.sms.api.sinch.com/xms/v1/{way.account}/batches",
        endpoint="POST /batches",
        account=way.account,
        status=status,
        code=code,
        text=said or None,
        response_body=json.dumps(body) if body else None,
    )


def _of_kind(kind: Kind, chance: random.Random, way: Way) -> Exchange:
    sample = sample_of(kind, 1000 * KINDS.index(kind) + way.operation, chance.randrange(99))
    row = answered(sample) if way.shows_response else sample.exchange
    if kind.rule.startswith(OF_ACCOUNT) or kind.operation == ANY:
        return row
    return replace(row, url=(row.url or "").replace(PLAN, way.account), account=way.account)


def _of_report(code: int, chance: random.Random) -> Exchange:
    report = {
        "type": "recipient_delivery_report_sms",
        "batch_id": "01" + "".join(chance.choices("ABCDEFGHJKMNPQRSTVWXYZ0123456789", k=24)),
        "recipient": corpus.number(chance).lstrip("+"),
        "code": code,
        "status": DELIVERY[0],
        "at": "2027-01-01T10:00:00Z",
    }
    return read(json.dumps(report).encode())[0]


def _fine(chance: random.Random, account: str) -> Exchange:
    row = valid(chance.randrange(10_000), "batches.send")
    url = (row.url or "").replace(PLAN, account)
    return replace(row, url=url, account=account, status=201, endpoint="POST /batches")


_VALUES = ["Anna", "0770", "nordwind", "tomorrow", "SHOP", "my-shop", "x", "Rosa's"]
_OTHERS = [Cause((text,), text[:2], text) for text in TEXTS if text[0] in (401, 429, 503)]


# --- pairs ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two cases, and whether their problem is the same."""

    one: Cause
    other: Cause
    is_same: bool
    seed: int

    @property
    def matches(self) -> bool:
        """Whether the fingerprint of one is found for the other."""
        chance = random.Random(self.seed)
        first, second = (_fingerprint(case(one, chance)) for one in (self.one, self.other))
        return first is not None and second is not None and second.matches(first)


def _fingerprint(rows: Sequence[Exchange]) -> Fingerprint | None:
    problem = problem_of(rows)
    return None if problem is None else Fingerprint.of(problem)


def pairs(count: int, first: int = 0) -> Iterator[Pair]:
    """Yield as many pairs of the same problem as of different ones."""
    every = causes()
    for seed in range(first, first + count):
        chance = random.Random(seed)
        one = chance.choice(every)
        if seed % 2:
            yield Pair(one, one, True, seed)
            continue
        others = [other for other in every if are_same(one, other) is False]
        near = [other for other in others if other.response == one.response]
        yield Pair(
            one, chance.choice(near if near and chance.random() < NEAR else others), False, seed
        )


@dataclass(frozen=True)
class Figures:
    """How many pairs were told right."""

    counts: Counter[tuple[bool, bool]]
    wrong: tuple[Pair, ...]

    @property
    def found(self) -> float:
        """The share of pairs of the same problem that match."""
        return self.counts[True, True] / (self.counts[True, True] + self.counts[True, False])

    @property
    def false(self) -> float:
        """The share of pairs of different problems that match."""
        return self.counts[False, True] / (self.counts[False, True] + self.counts[False, False])

    def __str__(self) -> str:
        return (
            f"{self.counts.total()} pairs of cases: {self.found:.1%} of the same problem found, "
            f"{self.false:.1%} of different problems taken for the same"
        )


def measured(count: int, first: int = 0) -> Figures:
    """Return how many pairs are told right."""
    told = [(pair, pair.matches) for pair in pairs(count, first)]
    counts = Counter((pair.is_same, matches) for pair, matches in told)
    return Figures(counts, tuple(pair for pair, matches in told if pair.is_same != matches))


def main(count: int = PAIRS) -> int:
    """Print the figures; the exit code says whether a bound is missed."""
    figures = measured(count)
    print(figures)
    for pair in figures.wrong[:30]:
        print(f"  {pair.seed} {'missed' if pair.is_same else 'false'}: "
              f"{pair.one.label} {pair.one.response} | {pair.other.label}")  # fmt: skip
    return int(figures.found < LEAST_FOUND or figures.false > MOST_FALSE)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
