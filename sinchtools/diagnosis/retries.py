"""
Fold automatic retries into their call.

The call_id of a file joins them. Without one, equal requests that follow a refusal are joined.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import pairwise

from sinchtools.api import catalogue
from sinchtools.core.records import POSITION, Exchange, in_words

_LONGEST_PAUSE = timedelta(
    seconds=70
)  # the vendor's SDK waits as long as Retry-After says, else some seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The place of one exchange within its call."""

    number: int  # attempt `number` of `of`
    of: int
    # ``call_id`` (the evidence says so) or ``time`` (told from equal requests that follow each
    # other: assumed)
    detected_by: str
    # from the first to the last attempt, or None when the evidence has no times
    seconds: float | None
    last: str  # the response to the last attempt
    # what is known of each attempt that may have been carried out, though the last one was accepted
    lost: tuple[str, ...] = ()
    # whether the evidence shows that all are one message: by its call_id or the bodies
    is_sure: bool = False


def attempts(exchanges: Sequence[Exchange]) -> dict[int, Attempt]:
    """
    Return the attempt that an exchange is, by its position; one that was not repeated is not in it.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> sent = [Exchange(method="POST", url="https://a.test/b", status=status,
    ...                  at=datetime(2027, 3, 1, 12, 0, second, tzinfo=UTC))
    ...         for second, status in ((0, 429), (2, 429), (6, 201))]
    >>> attempts(sent)[1].number, attempts(sent)[1].of, attempts(sent)[1].last
    (2, 3, '201')
    """
    found: dict[int, Attempt] = {}
    for by, calls in (("call_id", _by_call_id(exchanges)), ("time", _by_time(exchanges))):
        for call in map(partial(_in_order, exchanges), calls):
            chain = [exchanges[i] for i in call]
            if len(chain) > 1:
                found |= zip(call, _attempts(chain, by), strict=True)
    return found


def _in_order(exchanges: Sequence[Exchange], call: list[int]) -> list[int]:
    """Return the attempts of a call by their time, where the evidence has all times."""
    times = {i: moment for i in call if (moment := exchanges[i].at)}
    return sorted(call, key=times.__getitem__) if len(times) == len(call) else call


def of_the_same_calls(exchanges: Sequence[Exchange], history: Iterable[Exchange]) -> list[Exchange]:
    """Return the rows of a history that may be further attempts of some exchanges."""
    seen = {x.id for x in exchanges}
    calls, alike = {x.call_id for x in exchanges} - {None}, set(map(_key, exchanges))
    return [x for x in history if x.id not in seen and (x.call_id in calls or _key(x) in alike)]


def _key(exchange: Exchange) -> tuple[object, ...]:
    return exchange.method, exchange.url, exchange.request_body


def _by_call_id(exchanges: Sequence[Exchange]) -> Iterable[list[int]]:
    calls: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, exchange in enumerate(exchanges):
        if exchange.call_id:
            calls[_file(exchange), exchange.call_id].append(i)
    return calls.values()


def _file(exchange: Exchange) -> str:
    """
    Return the file that an exchange was read from, if any.

    Two files may number their calls alike.
    """
    return re.sub(POSITION, "", exchange.source or "")


def _by_time(exchanges: Sequence[Exchange]) -> Iterator[list[int]]:
    alike: dict[tuple[object, ...], list[tuple[float, int]]] = defaultdict(list)
    for i, x in enumerate(exchanges):
        if x.at and x.url and not x.call_id:
            alike[_key(x)].append((x.at.timestamp(), i))
    for places in alike.values():
        if len(places) > 1:
            yield from _chains(exchanges, [i for _, i in sorted(places)])


def _chains(exchanges: Sequence[Exchange], places: list[int]) -> Iterator[list[int]]:
    chain = places[:1]
    for before, after in pairwise(places):
        if _repeats(exchanges[before], exchanges[after]):
            chain.append(after)
        else:
            yield chain
            chain = [after]
    yield chain


def _repeats(before: Exchange, after: Exchange) -> bool:
    """
    Tell whether a client may have repeated `before` by itself.

    It got no response or a temporary one, and `after` followed soon. Many logs write a call when
    it has ended: then the duration of the second lies between the two times.
    """
    if before.at is None or after.at is None:
        return False
    apart = after.at - before.at
    lasted = (timedelta(milliseconds=one.elapsed_ms or 0) for one in (before, after))
    passing = before.status == 429 or before.http_outcome in ("sinch_error", "no_response")
    return passing and any(timedelta(0) <= apart - one <= _LONGEST_PAUSE for one in lasted)


def _attempts(chain: list[Exchange], by: str) -> list[Attempt]:
    numbers = [x.attempt or 0 for x in chain]
    counted = by == "call_id" and len(set(numbers)) == len(chain)
    times = [x.at for x in chain if x.at]
    last = chain[numbers.index(max(numbers))] if counted else chain[-1]
    of = max(numbers) if counted else len(chain)
    seconds = (max(times) - min(times)).total_seconds() if len(times) == len(chain) else None
    said = in_words(last.status, last.code) or last.failure or "no response"
    places = numbers if counted else range(1, len(chain) + 1)
    in_order = sorted(zip(places, chain, strict=True), key=lambda one: one[0])
    lost = _lost([exchange for _, exchange in in_order])
    is_sure = by == "call_id" or bool(last.request_body)
    return [
        Attempt(
            number=number,
            of=of,
            detected_by=by,
            seconds=seconds,
            last=said,
            lost=lost,
            is_sure=is_sure,
        )
        for number in places
    ]


def _lost(chain: Sequence[Exchange]) -> tuple[str, ...]:
    """Return what is known of each attempt to send that may have sent, before one that did."""
    if chain[-1].http_outcome != "success" or chain[-1].endpoint != "POST /batches":
        return ()
    unsure = (x for x in chain[:-1] if _may_have_sent(x))
    return tuple(in_words(x.status, x.code) or x.failure or "no response" for x in unsure)


def _may_have_sent(x: Exchange) -> bool:
    advice, _ = catalogue.advice_on(replace(x, method="POST", endpoint="POST /batches"))
    return advice == "ask-first"
