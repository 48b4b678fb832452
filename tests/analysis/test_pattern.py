"""Since when, for whom, and what is different: changes of level, causes, and the sentence."""

import datetime as dt
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sinchtools import analysis
from sinchtools.analysis import body_fields, levels
from sinchtools.analysis.levels import Counts
from sinchtools.core.records import Exchange, calls_of
from sinchtools.evidence import Evidence
from tests.analysis.test_analysis import each_engine
from tests.support.detection import GOOD, NOON
from tests.support.present import present
from tests.support.words import NOTHING_STANDS_OUT

CODE = "syntax_invalid_parameter_format"
SINCE = NOON + dt.timedelta(hours=60, minutes=7, seconds=21)


def calls(
    n: Any = 1500, *, fails: Any = lambda row, rng: False, hours: Any = 120, seed: Any = 1
) -> Any:
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        national = rng.random() < 0.4
        row = replace(
            GOOD,
            id=f"x{i}",
            at=NOON + dt.timedelta(hours=hours * i / n),
            account=rng.choice(["acme", "globex", "initech"]),
            region=rng.choice(["us", "eu"]),
            request_body=json.dumps({"to": ["07700900123" if national else "+447700900123"]}),
        )
        if fails(row, rng):
            row = replace(row, status=400, code=CODE)
        elif rng.random() < 0.02:
            row = replace(row, status=429)
        rows.append(row)
    return rows


def of_globex(row: Any, rng: random.Random) -> bool:
    return row.account == "globex" and row.at >= SINCE and rng.random() < 0.7


RISE = calls(fails=of_globex)


@each_engine
def test_a_rise_that_lasts_is_found_with_its_start_and_its_account(
    engine: Any, tmp_path: Path
) -> None:
    found = analysis.change_points(engine(RISE, tmp_path))
    (row,) = found.to_dict("records")
    first = next(one.at for one in RISE if one.code == CODE).replace(microsecond=0)
    failing = sum(one.code == CODE for one in RISE)
    assert (row["start"], row["end"]) == (first, pd.NaT) or pd.isna(row["end"])
    assert row["start"] == first
    assert (row["code"], row["field"], row["value"]) == (CODE, "account", "globex")
    assert (row["share_before"], round(row["share_after"] * row["n_after"])) == (0, failing)
    assert row["n_before"] + row["n_after"] == sum(one.account == "globex" for one in RISE)


def test_each_of_two_changes_keeps_its_own_times() -> None:
    """The short outage is found first, and the long rise has more calls and is told first."""
    begin, end = (NOON + dt.timedelta(hours=hours) for hours in (20, 31))
    rows = [
        replace(row, status=403, code="blocked_account")
        if row.account == "acme" and begin <= row.at < end
        else row
        for row in calls(
            fails=lambda row, rng: (
                row.account == "globex" and row.at >= SINCE and rng.random() < 0.3
            )
        )
    ]
    found = analysis.change_points(rows).to_dict("records")
    assert [row["code"] for row in found] == [CODE, "blocked_account"]
    for row in found:
        assert row["start"] == next(one.at for one in rows if one.code == row["code"]).replace(
            microsecond=0
        )


def test_traffic_that_doubles_and_a_rhythm_are_no_change() -> None:
    def often_at_noon(row: Any, rng: random.Random) -> bool:
        return rng.random() < (0.3 if 9 <= row.at.hour < 15 else 0.02)

    rows = calls(fails=often_at_noon)
    later = [replace(row, id=f"{row.id}b") for row in rows if row.at >= SINCE]
    found = analysis.change_points([*rows, *later])
    assert found.attrs["verdict"] == NOTHING_STANDS_OUT
    assert dict(found.dtypes) == dict(analysis.change_points([]).dtypes)


@pytest.mark.parametrize(
    ("hours", "kind"), [((60, 61), "spike"), ((40, 80), "ended"), ((0, 60), "recovery")]
)
def test_what_is_over_is_told_apart(hours: Any, kind: str) -> None:
    since, until = (NOON + dt.timedelta(hours=h) for h in hours)
    rows = calls(3000, fails=lambda row, rng: since <= row.at < until and rng.random() < 0.8)
    found = analysis.pattern(rows)
    failing = [row.at for row in rows if row.code == CODE]
    moment = failing[-1] if kind == "recovery" else failing[0]
    assert found.kind == kind and found.value is None
    assert abs(found.start - moment) < dt.timedelta(minutes=10)
    assert (present(found.share_after) < present(found.share_before)) == (kind == "recovery")


def test_a_pair_is_the_cause_where_neither_alone_says_it() -> None:
    def is_planted(row: Any, rng: Any) -> bool:
        return row.account == "globex" and '"0' in row.request_body and row.at >= SINCE

    rows = calls(fails=is_planted)
    change = analysis.change_points(rows).iloc[0]
    found = analysis.differences(rows, change=change).iloc[0]
    assert (found["field"], found["value"]) == ("account × number form", "globex × national")
    assert (found["share_failing"], found["n_succeeding"] > 0) == (1, True)


def test_what_an_endpoint_always_has_is_not_named_beside_it() -> None:
    read = replace(GOOD, method="GET", endpoint="GET /batches", request_body=None, status=201)
    rows = [replace(GOOD, id=f"a{i}", status=400 if i % 3 else 201) for i in range(60)]
    rows += [replace(read, id=f"b{i}") for i in range(60)]
    found = analysis.differences(rows)
    assert found[["field", "value"]].values.tolist() == [["endpoint", "POST /batches"]]


def test_the_sentence_says_since_when_for_whom_and_what_is_different() -> None:
    rows = calls(fails=lambda row, rng: of_globex(row, rng) and '"0' in row.request_body)
    found = analysis.pattern(rows)
    failing = sum(row.code == CODE for row in rows)
    accepted = ['"0' in r.request_body for r in rows if r.account == "globex" and r.status == 201]
    assert found.sentence == (
        f"globex: {found.share_after:.0%} of calls fail with 400 {CODE} since Thu 6 Jun 01:50 UTC "
        f"(before: 0%). All {failing:,} failing calls are to national numbers; "
        f"{sum(accepted) / len(accepted):.0%} of the accepted calls are."
    )
    shown = analysis.filtered(analysis.calls(rows), **found.filters)
    assert len(shown) == failing


def test_few_calls_are_too_few_to_say() -> None:
    rows = [replace(GOOD, id=f"x{i}", status=500 if i % 2 else 201) for i in range(6)]
    assert analysis.pattern(rows).kind == "too few"
    assert analysis.pattern([]).kind == "none"


def in_turn(*outcomes: Any, gap: Any = 60) -> list[Exchange]:
    """Return calls one after the other, of which so many succeed, so many fail, and so on."""
    fails = [i % 2 == 1 for i, n in enumerate(outcomes) for _ in range(n)]
    times = [NOON + dt.timedelta(seconds=gap * i) for i in range(len(fails))]
    return [
        replace(GOOD, id=f"x{i}", at=at, status=400 if fail else 201, code=CODE if fail else None)
        for i, (at, fail) in enumerate(zip(times, fails, strict=True))
    ]


@pytest.mark.parametrize("gap", [1, 60, 3600])
@pytest.mark.parametrize("outcomes", [(15, 5), (40, 4), (10, 5), (8, 12)])
def test_a_short_log_whose_last_calls_all_fail_says_since_when(outcomes: Any, gap: int) -> None:
    rows = in_turn(*outcomes, gap=gap)
    found = analysis.pattern(rows)
    well, failing = outcomes
    assert (found.kind, found.start) == ("rise", rows[well].at)
    assert f": {failing} of {failing} calls fail with 400 {CODE} since" in found.sentence
    assert f"(before: 0 of {well}). {well + failing} calls are too few" in found.sentence


@pytest.mark.parametrize("outcomes", [(5, 5), (3, 3), (30, 3)])
def test_where_so_few_fail_the_order_is_told_and_no_change(outcomes: Any) -> None:
    found = analysis.pattern(in_turn(*outcomes))
    assert found.kind == "too few" and found.changes.empty
    assert f": the last {outcomes[1]}, since Mon 3 Jun 12:{outcomes[0]:02} UTC" in found.sentence
    assert found.sentence.endswith("Too few calls to be sure.")


@pytest.mark.parametrize("outcomes", [(1, 1) * 10, (4, 1, 2, 2, 3, 1, 6, 1), (0, 1, 12, 2, 8, 3)])
def test_a_short_log_of_calls_that_fail_now_and_then_has_no_change(outcomes: Any) -> None:
    found = analysis.pattern(in_turn(*outcomes))
    assert found.changes.empty and ": the last" not in found.sentence


def test_a_rise_after_few_and_scattered_calls_begins_with_its_first_failure() -> None:
    good = [NOON - dt.timedelta(hours=2 * i, minutes=30) for i in range(20)]
    good.append(NOON + dt.timedelta(minutes=1))
    first = NOON + dt.timedelta(minutes=7)  # in the same interval; the next is two hours later
    bad = [first, *(NOON + dt.timedelta(hours=2 * i, minutes=5) for i in range(1, 40))]
    rows = [replace(GOOD, id=f"a{i}", at=at) for i, at in enumerate(good)]
    rows += [replace(GOOD, id=f"b{i}", at=at, status=401) for i, at in enumerate(bad)]
    (found,) = analysis.change_points(rows, "15min").to_dict("records")
    assert (found["start"], found["share_before"]) == (first, 0)


def test_few_rows_are_told_by_all_their_arrangements() -> None:
    assert levels.chance(5, 5, 5, 20) == pytest.approx(1 / 15504)
    assert levels.chance(4, 5, 5, 20) == pytest.approx((1 + 5 * 15) / 15504)
    assert levels.chance(0, 5, 5, 20) == pytest.approx(1)


def test_evidence_charts_and_report_count_the_same() -> None:
    tries = [
        replace(GOOD, id=f"t{i}", call_id="c", attempt=i, status=429 if i < 3 else 201)
        for i in (1, 2, 3)
    ]
    lost = replace(GOOD, id="l", delivery="412 Failed")
    sent_back = Exchange(id="s", endpoint="callback", delivery="0 Delivered")
    rows = (*tries, lost, sent_back, replace(GOOD, id="f", status=500))
    counted = analysis.overview(rows).iloc[0]
    evidence = Evidence(exchanges=rows)
    assert (counted["n"], counted["n_failing"]) == (3, 2) == (3, evidence.failures.total())
    assert len(calls_of(rows)) == 3 == analysis.codes(rows)["n"].sum()
    assert analysis.pattern(rows).n_failing == 2
    assert "2 earlier attempts" in evidence.outcome


def counts_of(n: int, share: Any, size: int) -> tuple[Counts, Counts]:
    """Return failing and all rows of intervals of an hour."""
    rng = np.random.default_rng(3)
    rows = np.full(size, n)
    return rng.binomial(rows, share), rows


def test_a_rise_is_not_taken_for_the_rhythm_of_the_day_that_it_began_on() -> None:
    share = np.where(np.arange(96) < 52, 0.0, 0.5)
    share[51] = 0.1  # the interval in which it began
    found = levels.raised(*counts_of(40, share, 96), first=0, step=3600)
    assert found is not None and found.start in (51, 52)


def test_a_rhythm_of_hours_is_no_rise_however_few_days_there_are() -> None:
    hours = np.arange(60) % 24
    share = np.where((hours >= 9) & (hours < 15), 0.4, 0.02)
    assert levels.raised(*counts_of(40, share, 60), first=0, step=3600) is None


def test_a_rise_that_lasts_needs_less_proof_than_one_among_all_stretches() -> None:
    k = np.zeros(100, dtype=int)
    k[40:60] = 1
    ended = levels.raised(k, np.full(100, 5), first=0, step=3600)
    lasting = levels.raised(np.roll(k, 40), np.full(100, 5), first=0, step=3600)
    assert ended is not None and lasting is not None
    assert lasting.p < ended.p / 10


@pytest.mark.parametrize(
    ("number", "country"),
    [("+447700900123", "GB"), ("+447781123456", "GG"), ("+77012345678", "KZ"), ("07700", None)],
)
def test_the_first_digits_of_a_number_tell_its_country(number: str, country: str | None) -> None:
    assert body_fields.country({"to": [number]}) == country


def test_what_the_client_sets_for_each_request_is_no_cause() -> None:
    rows = [
        replace(
            GOOD,
            id=f"x{i}",
            at=NOON + dt.timedelta(minutes=i),
            request_headers={"Content-Length": "136" if i % 2 else "88", "X-Api": "v1"},
            status=403 if i % 2 else 201,
        )
        for i in range(60)
    ]
    assert analysis.differences(rows).empty
