"""
Seeded traffic of three made-up customers.

Real requests against a private sandbox, or the same rows without HTTP for millions.

One plan (who calls when, what for, with which incident) feeds both paths; only what answers it
differs.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.client.token import Token
from sinchtools.core import columns as tables
from sinchtools.core.records import Exchange
from sinchtools.core.settings import base_url

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sinchtools.sandbox import Account

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAYS = 10


class Customer(NamedTuple):
    """
    One account.

    It has its share of the calls, its region, and by how many hours its busy time follows UTC's.
    """

    account: str
    share: float
    region: str
    lag_h: int
    agent: str
    sender: str
    numbers: str  # of its recipients, with their last digits: all of them kept for fiction
    last: range


CUSTOMERS = (
    Customer(
        "3f8e2d1c9b7a46508d1e0f2a3b4c5d6e",
        0.54,
        "us",
        7,
        "python-requests/2.32.3",
        "15559870002",
        "+1555123{:04d}",
        range(1, 400),
    ),
    Customer(
        "a94b7c60e5d243f18c0b9e7d6a5f4312",
        0.34,
        "eu",
        0,
        "okhttp/4.12.0",
        "447700900999",
        "+447700900{:03d}",
        range(1, 400),
    ),
    Customer(
        "0c5d7e9f1a2b4c3d8e6f5a4b3c2d1e0f",
        0.12,
        "eu",
        0,
        "GuzzleHttp/7",
        "46701740699",
        "+467017406{:02d}",
        range(5, 95),
    ),
)
HOURS = (
    1,
    1,
    1,
    1,
    1,
    2,
    4,
    8,
    13,
    16,
    17,
    15,
    13,
    15,
    16,
    15,
    13,
    10,
    8,
    7,
    6,
    4,
    3,
    2,
)  # calls per hour of the day, UTC
WEEKDAYS = (1.0, 1.05, 1.05, 1.0, 0.95, 0.35, 0.25)

# The three incidents: customer, first moment and last, in tenths of the whole time (days, when
# there are ten)
CAMPAIGN = (0, 4 + 15 / 24, 4 + 16 / 24)  # so many sends in one hour that the API answers 429
CAMPAIGN_SHARE = 0.013  # of all calls
DEPLOYMENT = (
    1,
    7 + 9 / 24,
    8 + 9 / 24,
)  # a release that forgot the callback URL, until the next one
BLOCKED = (2, 8 + 10 / 24, 9 + 12 / 24)
RETRIES, RETRIES_HELP = 3, 0.75  # a refused call is repeated 1 to 3 times, which helps so often
LATENCY_MS = {
    201: 70.0,
    200: 36.0,
    429: 8.0,
    500: 420.0,
    503: 1500.0,
    None: 5000.0,
}  # medians, ours; any other answer 22 ms
SPREAD = 0.45

_MESSAGES = (
    "Your code is {:06d}. It is good for ten minutes.",
    "Order {:06d} is on its way and arrives today.",
    "Reminder: your appointment {:06d} is tomorrow at 10.",
    "Parcel {:06d} waits for you at the shop.",
    "Your table is booked, number {:06d}. See you tonight!",
    "Invoice {:06d} is due on Friday.",
)
_UNKNOWN = (
    "01FC66621VHDBN119Z8PMV1QPU"  # looks like an id of a batch, group or inbound, and is none
)
_CALLBACK = "https://callbacks.example.com/sms"
_FULL = {"delivery_report": "full", "callback_url": _CALLBACK}


@dataclass(slots=True)
class _Scene:
    """
    What the maker of a request can draw on.

    That is chance, the time, and what this customer has at the API.
    """

    customer: Customer
    account: Account
    batches: deque[tuple[str, str]]
    group: str
    at: datetime = START
    chance: random.Random = field(default_factory=random.Random)

    def number(self) -> str:
        return self.customer.numbers.format(self.chance.choice(self.customer.last))

    def batch(self, *without: str, **more: Any) -> dict[str, Any]:
        text = self.chance.choice(_MESSAGES).format(self.chance.randrange(10**6))
        body = {"from": self.customer.sender, "to": [self.number()], "body": text, **more}
        return {name: value for name, value in body.items() if name not in without}

    def later(self, hours: float) -> str:
        return (self.at + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def many(self) -> list[str]:
        return sorted({self.number() for _ in range(self.chance.randrange(3, 12))})

    def remember(self, batch: Mapping[str, Any]) -> None:
        if "send_at" not in batch:  # what has not been sent has no reports
            self.batches.append((batch["id"], self.account.expanded(batch["to"])[0]))


class Kind(NamedTuple):
    """
    One thing that customers do, and the response of the API.

    `share` is the percentage of the calls in ordinary hours. Names in braces are filled in from the
    customer's data.
    """

    name: str
    share: float
    request: str
    status: int | None
    code: str | None = None
    body: Callable[[_Scene], Any] | None = None  # a text is sent as it is
    headers: Mapping[str, str | None] = {}
    fault: Mapping[str, Any] = {}  # for what no request can cause


_SEND, _FORMAT, _CONSTRAINT, _JSON = (
    "POST /batches",
    "syntax_invalid_parameter_format",
    "syntax_constraint_violation",
    "syntax_invalid_json",
)
KINDS = (
    Kind("text", 24, _SEND, 201, body=lambda s: s.batch()),
    Kind("text with report", 9, _SEND, 201, body=lambda s: s.batch(**_FULL)),
    Kind("text with parameters", 5, _SEND, 201, body=lambda s: _personal(s)),
    Kind("text to several", 3, _SEND, 201, body=lambda s: s.batch(to=s.many())),
    Kind("text to a group", 3, _SEND, 201, body=lambda s: s.batch(to=[s.group])),
    Kind(
        "scheduled text",
        2,
        _SEND,
        201,
        body=lambda s: s.batch(send_at=s.later(2), expire_at=s.later(26)),
    ),
    Kind("unicode text", 2, _SEND, 201, body=lambda s: s.batch(body="Ваш заказ прибыл")),
    Kind(
        "dry run",
        3,
        "POST /batches/dry_run?per_recipient=true&number_of_recipients=3",
        200,
        body=lambda s: s.batch(),
    ),
    Kind("list batches", 4, "GET /batches?page=0&page_size=5", 200),
    Kind("get batch", 7, "GET /batches/{batch_id}", 200),
    Kind("report", 14, "GET /batches/{batch_id}/delivery_report?type=full", 200),
    Kind(
        "report of a number", 4, "GET /batches/{batch_id}/delivery_report/{recipient_msisdn}", 200
    ),
    Kind("list reports", 3, "GET /delivery_reports?page_size=5", 200),
    Kind("list inbounds", 4, "GET /inbounds?page_size=5", 200),
    Kind("get inbound", 1, "GET /inbounds/{inbound_id}", 200),
    Kind(
        "create group",
        1,
        "POST /groups",
        201,
        body=lambda s: {"name": f"Customers {s.chance.randrange(1000)}", "members": s.many()},
    ),
    Kind("get group", 1, "GET /groups/{group_id}", 200),
    Kind("change group", 1, "POST /groups/{group_id}", 200, body=lambda s: {"add": s.many()}),
    Kind("cancel", 1, "DELETE /batches/{batch_id}", 200),
    Kind("doubled plus", 0.4, _SEND, 400, _FORMAT, lambda s: s.batch(to=["+" + s.number()])),
    Kind(
        "no country code",
        0.7,
        _SEND,
        400,
        _FORMAT,
        lambda s: s.batch(to=[f"07700900{s.chance.randrange(1000):03d}"]),
    ),
    Kind(
        "letters in a number",
        0.3,
        _SEND,
        400,
        _FORMAT,
        lambda s: s.batch(to=[s.number()[:-2] + "xx"]),
    ),
    Kind("bad report type", 0.2, _SEND, 400, _FORMAT, lambda s: s.batch(delivery_report="all")),
    Kind(
        "bad date",
        0.2,
        _SEND,
        400,
        _FORMAT,
        lambda s: s.batch(send_at=s.at.strftime("%d.%m.%Y %H:%M")),
    ),
    Kind("no recipients", 0.4, _SEND, 400, _CONSTRAINT, lambda s: s.batch("to")),
    Kind(
        "message instead of body",
        0.3,
        _SEND,
        400,
        _CONSTRAINT,
        lambda s: s.batch("body", message="Hi"),
    ),
    Kind(
        "body too long",
        0.3,
        _SEND,
        400,
        _CONSTRAINT,
        lambda s: s.batch(body="All our offers of the week. " * 80),
    ),
    Kind("expired", 0.4, _SEND, 400, _CONSTRAINT, lambda s: s.batch(expire_at=s.later(-1))),
    Kind("trailing comma", 0.4, _SEND, 400, _JSON, lambda s: json.dumps(s.batch())[:-1] + ",}"),
    Kind(
        "single quotes", 0.2, _SEND, 400, _JSON, lambda s: json.dumps(s.batch()).replace('"', "'")
    ),
    Kind("one number, no list", 0.3, _SEND, 400, _JSON, lambda s: s.batch(to=s.number())),
    Kind(
        "wrong token",
        0.5,
        _SEND,
        401,
        body=lambda s: s.batch(),
        headers={"Authorization": "Bearer 9d2c4b6a8f0e1d3c5b7a99887766aabb"},
    ),
    Kind("no token", 0.2, "GET /batches?page_size=5", 401, headers={"Authorization": None}),
    Kind("unknown group", 0.4, _SEND, 403, "unknown_group", lambda s: s.batch(to=[_UNKNOWN])),
    Kind(
        "number type",
        0.3,
        _SEND,
        403,
        "illegal_number_type",
        lambda s: s.batch(to=["+61491570156"]),
    ),
    Kind(
        "no callback URL",
        0.1,
        _SEND,
        403,
        "missing_callback_url",
        lambda s: s.batch(delivery_report="full"),
    ),
    Kind("blocked", 0, _SEND, 403, "blocked_account", lambda s: s.batch()),
    Kind("unknown batch", 0.6, f"GET /batches/{_UNKNOWN}", 404),
    Kind("wrong path", 0.3, "POST /batch", 404, body=lambda s: s.batch()),
    Kind("wrong method", 0.3, "DELETE /inbounds/{inbound_id}", 405),
    Kind(
        "no content type", 0.3, _SEND, 415, body=lambda s: s.batch(), headers={"Content-Type": None}
    ),
    Kind(
        "plain text",
        0.2,
        _SEND,
        415,
        body=lambda s: s.batch(),
        headers={"Content-Type": "text/plain"},
    ),
    Kind(
        "too many requests",
        0.15,
        _SEND,
        429,
        body=lambda s: s.batch(),
        fault={"status": 429, "retry_after_s": 1},
    ),
    Kind("internal error", 0.3, _SEND, 500, body=lambda s: s.batch(), fault={"status": 500}),
    Kind("unavailable", 0.3, "GET /batches?page_size=5", 503, fault={"status": 503}),
    Kind(
        "gateway's page",
        0.1,
        _SEND,
        503,
        body=lambda s: s.batch(),
        fault={"status": 503, "body": "html"},
    ),
    Kind("no answer", 0.2, _SEND, None, body=lambda s: s.batch(), fault={"drop": True}),
)
_AT = {kind.name: i for i, kind in enumerate(KINDS)}


def traffic(
    n: int, *, seed: int = 0, start: datetime = START, days: int = DAYS
) -> Iterator[Exchange]:
    """
    Yield `n` exchanges in the order of time, as if the vendor's hosts had been called.

    A sandbox answered (``X-Simulated``).

    The same seed gives the same exchanges. Errors have their real causes; only 429, 5xx and missing
    answers come from faults.

    Parameters
    ----------
    start
        Midnight of the first day, UTC.
    days
        How long it lasts; the incidents move with it.

    Examples
    --------
    >>> [exchange.region for exchange in traffic(3)]
    ['eu', 'us', 'us']
    """
    plan = _plan(n, seed, start, days)
    with _Stage(seed, start) as stage:
        for call in plan.calls():
            yield stage.play(call)


def fast_traffic(
    n: int, *, seed: int = 0, start: datetime = START, days: int = DAYS
) -> pd.DataFrame:
    """
    Return what `columns.frame` makes of ``traffic(n, ...)``, for millions of rows.

    Each kind is asked once per customer, and its row is repeated.

    Ids, times, calls, latencies and answers' statuses are those of `traffic`; numbers, texts and
    ids in bodies and paths repeat.

    Examples
    --------
    >>> len(fast_traffic(1000))
    1000
    """
    import pandas as pd

    plan = _plan(n, seed, start, days)
    with _Stage(seed, start) as stage:
        samples = [
            stage.play(_Call(number, start, kind, customer))
            for number, (kind, customer) in enumerate(_pairs())
        ]
    rows = (
        tables.frame(samples)
        .take(plan.kind * len(CUSTOMERS) + plan.customer)
        .reset_index(drop=True)
    )
    at = pd.Series(pd.Timestamp(start) + pd.to_timedelta(plan.at_ms, unit="ms")).astype(
        "datetime64[us, UTC]"
    )
    return rows.assign(
        id=pd.array(_ids(seed, "row", range(n)), dtype="string"),
        call_id=pd.array(_ids(seed, "call", plan.number.tolist()), dtype="string"),
        attempt=pd.array(plan.attempt, dtype="Int16"),
        at=at,
        elapsed_ms=pd.array(plan.elapsed_ms, dtype="Float64"),
    )


# --- the plan -------------------------------------------------------------------------------------


class _Call(NamedTuple):
    number: int
    at: datetime
    kind: int
    customer: int
    attempt: int = 1
    elapsed_ms: float = 0.0
    row: int = 0


class _Plan(NamedTuple):
    """One entry per attempt, in the order of time."""

    start: datetime
    at_ms: NDArray[Any]
    customer: NDArray[Any]
    kind: NDArray[Any]
    number: NDArray[Any]
    attempt: NDArray[Any]
    elapsed_ms: NDArray[Any]

    def calls(self) -> Iterator[_Call]:
        columns = (self.number, self.at_ms, self.kind, self.customer, self.attempt, self.elapsed_ms)
        for row, (number, at_ms, kind, customer, attempt, elapsed_ms) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        ):
            yield _Call(
                number,
                self.start + timedelta(milliseconds=at_ms),
                kind,
                customer,
                attempt,
                elapsed_ms,
                row,
            )


def _plan(n: int, seed: int, start: datetime, days: int) -> _Plan:
    import numpy as np

    chance = np.random.Generator(np.random.PCG64(seed)).random(
        (9, n)
    )  # uniform numbers only: those are the same in every numpy
    week = [WEEKDAYS[(start + timedelta(days=day)).weekday()] for day in range(days)]
    customer = _picked(chance[0], [customer.share for customer in CUSTOMERS])
    hour = (
        _picked(chance[2], HOURS) + np.array([customer.lag_h for customer in CUSTOMERS])[customer]
    ) % 24
    at_days = _picked(chance[1], week) + (hour + chance[3]) / 24
    kind = _picked(chance[4], [kind.share for kind in KINDS])

    rush = chance[5] < CAMPAIGN_SHARE
    customer[rush], kind[rush] = CAMPAIGN[0], _AT["too many requests"]
    at_days[rush] = (CAMPAIGN[1] + chance[3][rush] * (CAMPAIGN[2] - CAMPAIGN[1])) * days / 10
    _happen(
        DEPLOYMENT,
        "no callback URL",
        lambda kind: kind.request == _SEND and kind.status == 201,
        kind,
        customer,
        at_days * 10 / days,
    )
    _happen(
        BLOCKED,
        "blocked",
        lambda kind: kind.request == _SEND and kind.status in (201, 403),
        kind,
        customer,
        at_days * 10 / days,
    )

    refused = kind == _AT["too many requests"]
    attempts = np.where(refused, 2 + (chance[6] * RETRIES).astype(int), 1)
    number = np.repeat(np.arange(n), attempts)[:n]
    attempt = np.arange(n) - np.searchsorted(number, number) + 1
    helped = refused[number] & (attempt == attempts[number]) & (chance[7][number] < RETRIES_HELP)
    kind = np.where(helped, _AT["text"], kind[number])
    waited_s = (2.0 ** (attempt - 1) - 1) * (
        0.75 + chance[8][number] / 2
    )  # 1, 2, 4 seconds, more or less
    at_ms = (at_days[number] * 86_400_000 + waited_s * 1000).astype("int64")
    order = np.argsort(at_ms, kind="stable")
    elapsed_ms = _elapsed_ms(kind, np.random.Generator(np.random.PCG64(seed + 1)).random((2, n)))
    return _Plan(
        start,
        *(column[order] for column in (at_ms, customer[number], kind, number, attempt, elapsed_ms)),
    )


def _picked(chance: NDArray[Any], weights: Any) -> NDArray[Any]:
    import numpy as np

    return np.searchsorted(np.cumsum(weights) / np.sum(weights), chance, side="right")


def _happen(
    incident: tuple[int, float, float],
    becomes: str,
    hits: Callable[[Kind], bool],
    kind: NDArray[Any],
    customer: NDArray[Any],
    at: NDArray[Any],
) -> None:
    import numpy as np

    who, first, last = incident
    hit = np.array([hits(one) for one in KINDS])
    kind[(customer == who) & (at >= first) & (at < last) & hit[kind]] = _AT[becomes]


def _elapsed_ms(kind: NDArray[Any], chance: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    medians = np.array([LATENCY_MS.get(one.status, 22.0) for one in KINDS])
    normal = np.sqrt(-2 * np.log1p(-chance[0])) * np.cos(2 * np.pi * chance[1])  # Box and Muller
    elapsed_ms: NDArray[Any] = np.round(medians[kind] * np.exp(SPREAD * normal), 1)
    return elapsed_ms


def _pairs() -> Iterator[tuple[int, int]]:
    return ((kind, customer) for kind in range(len(KINDS)) for customer in range(len(CUSTOMERS)))


# --- the sandbox that answers ---------------------------------------------------------------------


class _Stage:
    """A private sandbox with the customers' accounts, and the client that plays their calls."""

    def __init__(self, seed: int, start: datetime) -> None:
        self._seed, self._start = seed, start

    def __enter__(self) -> Self:
        from sinchtools.sandbox import Sandbox

        with ExitStack() as undo:
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="sinchtools-"))
            log = undo.enter_context(CallLog(f"{folder}/calls.sqlite"))
            self.sandbox = undo.enter_context(Sandbox(seed=self._seed))
            self._client = Client(
                base_url=self.sandbox.url,
                account="",
                token=Token(""),
                log=log,
                target="sandbox",
                sandbox=self.sandbox,
            )
            self.sandbox.clock.freeze(self._start - timedelta(hours=1))
            self._scenes = [self._scene(customer) for customer in CUSTOMERS]
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *problem: object) -> None:
        self._undo.close()

    def play(self, call: _Call) -> Exchange:
        """Let one customer make one call, at its time."""
        kind, scene, customer = (
            KINDS[call.kind],
            self._scenes[call.customer],
            CUSTOMERS[call.customer],
        )
        scene.at, scene.chance = (
            call.at,
            random.Random(f"{self._seed} {call.number}"),
        )  # a repeated call is the same request
        self.sandbox.clock.freeze(call.at)
        scene.account.blocked = kind.code == "blocked_account"
        self.sandbox.faults.clear()
        if kind.fault:
            self.sandbox.faults.add(**kind.fault, times=1)
        exchange = self._asked(kind, scene)
        if exchange.status == 201 and kind.request == _SEND:
            scene.remember(json.loads(exchange.response_body or "{}"))
        return replace(
            exchange,
            id=_ids(self._seed, "row", [call.row])[0],
            call_id=_ids(self._seed, "call", [call.number])[0],
            attempt=call.attempt,
            at=call.at,
            origin="import",
            target="unknown",
            url=(exchange.url or "").replace(self.sandbox.url, base_url(customer.region)),
            region=customer.region,
            elapsed_ms=call.elapsed_ms,
        )

    def _asked(self, kind: Kind, scene: _Scene) -> Exchange:
        method, _, template = kind.request.partition(" ")
        body = kind.body(scene) if kind.body else None
        path = template.format_map(
            _values(scene) if "{" in template or "/inbounds" in template else {}
        )
        given: dict[str, str | None] = (
            {"Content-Type": "application/json"} if body is not None else {}
        )
        given |= {
            "User-Agent": scene.customer.agent,
            "Authorization": f"Bearer {scene.account.token}",
            **kind.headers,
        }
        data = (
            body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        )
        return self._client.request(
            method, f"/xms/v1/{scene.account.id}{path}", data=data, headers=given
        )

    def _scene(self, customer: Customer) -> _Scene:
        account = self.sandbox.account(customer.account, illegal_countries=("AU",))
        numbers = [customer.numbers.format(last) for last in customer.last[:5]]
        batch = account.add_batch(to=numbers[:1])
        group = account.add_group(name="Newsletter", members=numbers)
        return _Scene(customer, account, deque([(batch.id, numbers[0][1:])], maxlen=50), group.id)


def _personal(scene: _Scene) -> dict[str, Any]:
    to = scene.many()
    names = {number: scene.chance.choice(("Ada", "Grace", "Alan", "Edsger")) for number in to[:3]}
    return scene.batch(
        to=to,
        body="Hi ${name}, your order is ready.",
        parameters={"name": {**names, "default": "there"}},
    )


def _values(scene: _Scene) -> dict[str, str]:
    batch_id, number = scene.chance.choice(scene.batches)
    inbound = scene.account.add_inbound(
        from_=scene.number(),
        to=scene.customer.sender,
        body=scene.chance.choice(("YES", "STOP", "Thanks")),
    )
    return {
        "batch_id": batch_id,
        "recipient_msisdn": number,
        "group_id": scene.group,
        "inbound_id": inbound["id"],
    }


def _ids(seed: int, what: str, numbers: Iterable[int]) -> list[str]:
    """Return 16 hex digits for each; no two numbers get the same (the factor is odd)."""
    offset = random.Random(f"{seed} {what}").getrandbits(64)
    return [f"{(number * 0x9E3779B97F4A7C15 + offset) % 2**64:016x}" for number in numbers]
