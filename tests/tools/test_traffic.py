"""
Traffic.

The same for a seed, errors with their real causes, the three incidents, and a fast path that
agrees.
"""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise

import pandas as pd
import pytest

from sinchtools.core import columns
from sinchtools.core.records import Exchange, header
from tools.traffic import CUSTOMERS, DAYS, KINDS, START, _Call, _Stage, fast_traffic, traffic

N, SEED = 800, 7
US, EU, SMALL = (customer.account for customer in CUSTOMERS)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    return list(traffic(N, seed=SEED))


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return fast_traffic(40_000, seed=SEED)


@pytest.fixture(scope="module")
def stage() -> Iterator[_Stage]:
    with _Stage(SEED, START) as stage:
        yield stage


def test_there_are_as_many_as_asked_for_in_the_order_of_time(exchanges: list[Exchange]) -> None:
    times = [exchange.at for exchange in exchanges if exchange.at]
    assert len(times) == N
    assert times == sorted(times)
    assert START <= times[0] < times[-1] < START + pd.Timedelta(days=DAYS)


def test_the_same_seed_gives_the_same_exchanges_and_another_one_others() -> None:
    assert list(traffic(40, seed=1)) == list(traffic(40, seed=1))
    assert list(traffic(40, seed=1)) != list(traffic(40, seed=2))


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.name for kind in KINDS])
def test_each_kind_of_call_gets_the_answer_of_its_row(stage: _Stage, kind: int) -> None:
    for customer in range(len(CUSTOMERS)):
        exchange = stage.play(_Call(kind, START, kind, customer))
        assert (exchange.status, exchange.code) == (KINDS[kind].status, KINDS[kind].code)


def test_only_refusals_for_load_server_errors_and_silence_come_from_faults() -> None:
    assert {kind.status for kind in KINDS if kind.fault} == {429, 500, 503, None}
    assert all(kind.fault for kind in KINDS if kind.status in {429, 500, 503, None})


def test_both_paths_tell_the_same_of_every_call(exchanges: list[Exchange]) -> None:
    slow, fast = columns.frame(exchanges), fast_traffic(N, seed=SEED)
    assert fast.dtypes.equals(slow.dtypes)
    same = [
        name
        for name in columns.COLUMNS
        if name
        not in {
            "url",
            "request_headers",
            "request_body",
            "response_headers",
            "response_body",
            "text",
        }
    ]
    pd.testing.assert_frame_equal(fast[same], slow[same])


def test_it_looks_like_the_vendor_was_called_and_says_that_it_was_not(
    exchanges: list[Exchange],
) -> None:
    answered = [exchange for exchange in exchanges if exchange.status]
    assert all(
        re.match(rf"https://{x.region}\.sms\.api\.sinch\.com/xms/v1/{x.account}/", x.url or "")
        for x in exchanges
    )
    assert {header(exchange.response_headers, "X-Simulated") for exchange in answered} == {"1"}
    assert {(exchange.origin, exchange.target) for exchange in exchanges} == {("import", "unknown")}


def test_no_token_is_in_a_row(exchanges: list[Exchange], stage: _Stage) -> None:
    tokens = {stage.sandbox.account(customer.account).token for customer in CUSTOMERS}
    text = "".join(map(str, (columns.as_json(exchange) for exchange in exchanges)))
    assert "[secret opaque 32 #" in text
    assert [token for token in tokens if token in text] == []


def test_the_attempts_of_a_call_repeat_one_request_until_it_is_taken_or_given_up(
    exchanges: list[Exchange],
) -> None:
    calls = [
        list(rows)
        for _, rows in groupby(
            sorted(exchanges, key=lambda x: (x.call_id, x.attempt)), key=lambda x: x.call_id
        )
    ]
    repeated = [call for call in calls if len(call) > 1]
    assert {len(call) for call in repeated} == {2, 3, 4}
    for call in repeated:
        assert [exchange.attempt for exchange in call] == [*range(1, len(call) + 1)]
        assert {exchange.status for exchange in call[:-1]} == {429}
        assert call[-1].status in {201, 429}
        assert len({exchange.request_body for exchange in call}) == 1
        times = [exchange.at for exchange in call if exchange.at]
        assert len(times) == len(call)
        assert all(first < second for first, second in pairwise(times))


def test_most_calls_succeed(many: pd.DataFrame) -> None:
    shares = many["outcome"].value_counts(normalize=True)
    assert 0.85 <= shares["success"] <= 0.90
    assert shares["user_error"] > 10 * shares["sinch_error"] > 0
    assert 0 < shares["no_response"] < 0.005


def test_one_hour_holds_most_of_the_429(many: pd.DataFrame) -> None:
    hours = many[many["status"] == 429]["at"].dt.floor("h").value_counts()
    assert hours.index[0] == START + pd.Timedelta(days=4, hours=15)
    assert hours.iloc[0] > 10 * hours.iloc[1]


def test_a_deployment_makes_one_account_forget_its_callback_url(many: pd.DataFrame) -> None:
    missing = many[many["code"] == "missing_callback_url"]
    first, last = (START + pd.Timedelta(days=day, hours=9) for day in (7, 8))
    within = missing[(missing["account"] == EU) & missing["at"].between(first, last)]
    sends = many[
        (many["account"] == EU)
        & (many["endpoint"] == "POST /batches")
        & many["at"].between(first, last)
    ]
    assert len(within) > 0.9 * len(missing)
    assert (sends["status"] == 201).mean() < 0.01  # but for repeats of what was refused for load


def test_the_small_account_is_blocked_for_a_day(many: pd.DataFrame) -> None:
    blocked = many[many["code"] == "blocked_account"]
    assert set(blocked["account"]) == {SMALL}
    assert pd.Timedelta(days=1) < blocked["at"].max() - blocked["at"].min() < pd.Timedelta(days=1.1)


def test_three_accounts_differ_in_volume_and_region(many: pd.DataFrame) -> None:
    assert many.groupby("account")["region"].first().to_dict() == {US: "us", EU: "eu", SMALL: "eu"}
    volume = many["account"].value_counts()
    assert volume[US] > 1.4 * volume[EU] > 3 * volume[SMALL]


def test_the_day_is_busier_than_the_night_and_the_week_than_its_end(many: pd.DataFrame) -> None:
    europe = many[many["account"] == EU]["at"]
    assert europe.dt.hour.between(9, 16).sum() > 8 * europe.dt.hour.between(0, 5).sum()
    days = many["at"].dt.day_of_week.value_counts()
    assert days[5] + days[6] < days[2]


def test_every_row_of_the_fast_path_has_an_id_of_its_own(many: pd.DataFrame) -> None:
    assert many["id"].is_unique


@pytest.mark.parametrize("n", [0, 1])
def test_little_traffic_is_traffic_too(n: int) -> None:
    assert (len(list(traffic(n))), len(fast_traffic(n))) == (n, n)
