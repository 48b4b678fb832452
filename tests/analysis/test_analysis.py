"""
Compare every aggregation on every engine with plain Python.

Compare spikes and differences with planted causes and with nothing.
"""

import datetime as dt
import json
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from sinchtools import analysis
from sinchtools.analysis import filters, frames
from sinchtools.core import columns as tables
from sinchtools.core.errors import MissingInputError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.evidence import scan
from tests.support.detection import DETECTORS, GOOD, NOON, rates, traffic
from tests.support.words import NOTHING_STANDS_OUT

ANSWERS = (  # status, code, network error
    (201, None, None),
    (201, None, None),
    (403, "missing_callback_url", None),
    (400, "syntax_invalid_json", None),
    (401, None, None),
    (500, None, None),
    (302, None, None),
    (None, None, "ReadTimeout"),
    (None, "unknown_group", None),
    (None, None, None),
)
RECIPIENTS = {"+15551230001": "US", "+447700900123": "GB", "46701740605": "SE", "zero": None}


def some(n: Any, seed: Any = 1, days: Any = 10.0, start: Any = NOON) -> Any:
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        status, code, failure = rng.choice(ANSWERS)
        to = rng.choice(list(RECIPIENTS))
        change = {
            "id": f"x{i}",
            "call_id": rng.choice([None, f"c{rng.randrange(n)}"]),
            "attempt": rng.choice([1, 2, 3, None]),
            "at": rng.choice([None, *[start + dt.timedelta(days=rng.uniform(0, days))] * 9]),
            "endpoint": rng.choice(["POST /batches", "GET /batches/{batch_id}", None]),
            "account": rng.choice(["plan-a", "plan-b", None]),
            "region": rng.choice(["us", "eu"]),
            "request_body": json.dumps(
                {"to": [to], "from": rng.choice(["15559870002", "ACME", "12345"]), "body": "Hi"}
            ),
            "text": code and f"text {i} of '{i}'",
            "elapsed_ms": rng.choice([None, rng.expovariate(0.01)]),
            "failure": failure,
            "source": rng.choice(["a.har#1", "a.har#2", "b#1.har#3", "b#1.har", None]),
        }
        rows.append(replace(GOOD, status=status, code=code, **change))
    return rows


def report(batch: Any, *statuses: Any, at: Any = NOON) -> Exchange:
    body = {
        "type": "delivery_report_sms",
        "batch_id": batch,
        "statuses": [{"code": c, "status": s, "count": n} for c, s, n in statuses],
    }
    return replace(
        GOOD,
        id=f"{batch}{at}",
        at=at,
        endpoint="GET /batches/{batch_id}/delivery_report",
        status=200,
        response_body=json.dumps(body),
    )


DATA = {
    "ordinary": some(120),
    "none": [],
    "one row": [GOOD],
    "one code": [replace(GOOD, id=f"x{i}", at=NOON + dt.timedelta(minutes=i)) for i in range(9)],
    "nothing but nulls": [Exchange(id="a"), Exchange(id="b")],
    "many texts": [
        replace(GOOD, id=f"x{i}", status=400, code=f"code_{i % 400}", text=f"Value '{i}' is wrong")
        for i in range(2000)
    ],
    "out of order, ids twice": [*reversed(some(40, 3)), *some(40, 3)],
    "the nights the clocks change": [
        *some(60, 4, 1, dt.datetime(2024, 3, 10, tzinfo=dt.UTC)),
        *some(60, 5, 1, dt.datetime(2024, 11, 3, tzinfo=dt.UTC)),
    ],
    "before 1970": [
        replace(GOOD, at=dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
        replace(GOOD, at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
    ],
}

ODD_TIMES = ("the nights the clocks change", "before 1970")


# --- the engines ----------------------------------------------------------------------------------

_DUCKDB = {
    "Int16": "SMALLINT",
    "Float64": "DOUBLE",
    "string": "VARCHAR",
    "datetime64[us, UTC]": "TIMESTAMPTZ",
}
_POLARS: dict[str, Any] = {
    "Int16": pl.Int16,
    "Float64": pl.Float64,
    "string": pl.String,
    "datetime64[us, UTC]": pl.Datetime("us", "UTC"),
}


def plain(rows: Any) -> list[dict[str, Any]]:
    return [
        {
            **{c: getattr(row, c) for c in tables.COLUMNS},
            "request_headers": json.dumps(row.request_headers),
            "response_headers": "{}",
        }
        for row in rows
    ]


def as_polars(rows: Any, _: Any) -> Any:
    return pl.DataFrame(plain(rows), schema={c: _POLARS[d] for c, (d, _) in tables.COLUMNS.items()})


def as_jsonl(rows: Any, folder: Any) -> Any:
    path = folder / "rows.jsonl"
    path.write_text(
        "".join(json.dumps(row, default=str) + "\n" for row in plain(rows)), encoding="utf-8"
    )
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    return connection.read_json(
        str(path),
        columns={c: _DUCKDB[d] for c, (d, _) in tables.COLUMNS.items()},
        format="newline_delimited",
    )


def as_parquet(rows: Any, folder: Any) -> Any:
    path = folder / "rows.parquet"
    as_jsonl(rows, folder).write_parquet(str(path))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Australia/Sydney'")
    return connection.read_parquet(str(path))


def as_spark(rows: Any, _: Any) -> Any:
    types = pytest.importorskip("pyspark.sql.types", reason="needs the spark extra")
    kinds = {
        "Int16": types.ShortType(),
        "Float64": types.DoubleType(),
        "string": types.StringType(),
        "datetime64[us, UTC]": types.TimestampType(),
    }
    schema = types.StructType(
        [types.StructField(c, kinds[d]) for c, (d, _) in tables.COLUMNS.items()]
    )
    return spark().createDataFrame([tuple(row.values()) for row in plain(rows)], schema)


def spark() -> Any:
    session = analysis.spark_session()
    session.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")  # ours must not depend on it
    session.conf.set("spark.sql.shuffle.partitions", 1)
    return session


ENGINES = {
    "exchanges": lambda rows, _: iter(rows),
    "pandas": lambda rows, _: tables.frame(rows),
    "polars": as_polars,
    "polars lazy": lambda rows, folder: as_polars(rows, folder).lazy(),
    "duckdb on json lines": as_jsonl,
    "duckdb on parquet": as_parquet,
}
each_engine = pytest.mark.parametrize(
    "engine",
    [
        *(pytest.param(make, id=name) for name, make in ENGINES.items()),
        pytest.param(as_spark, id="pyspark", marks=pytest.mark.long),
    ],
)


def each_engine_with_each_data() -> Iterator[Any]:
    """
    All data on one engine, the ordinary and the empty on each, and odd times where zones differ.

    The rest of the product takes long.
    """
    for engine, make in {**ENGINES, "pyspark": as_spark}.items():
        of_engine = {
            "pandas": set(DATA),
            "pyspark": set(),
            "duckdb on json lines": {"ordinary", "none", *ODD_TIMES},
        }.get(engine, {"ordinary", "none"})
        for data, rows in DATA.items():
            quick = data in of_engine
            yield pytest.param(
                make, rows, id=f"{engine}-{data}", marks=() if quick else pytest.mark.long
            )


# --- the same in plain Python ---------------------------------------------------------------------


def folded(rows: Any) -> list[Any]:
    last: dict[tuple[str, str], Exchange] = {}

    def order(row: Any) -> tuple[Any, Any, Any, Any]:
        at = row.at.timestamp() if row.at else float("-inf")
        return row.attempt or 0, at, row.id, row.status or -1

    for row in rows:
        call = (
            row.call_id,
            (row.source or "").rpartition("#")[0]
            if "#" in (row.source or "")
            else row.source or "",
        )
        if row.call_id is not None and (call not in last or order(row) > order(last[call])):
            last[call] = row
    return [row for row in rows if row.call_id is None] + list(last.values())


def known(row: Any) -> bool:
    return row.status is not None or row.failure is not None or row.code is not None


def failing(row: Any) -> bool:
    return known(row) and row.outcome in ("user_error", "sinch_error", "no_response")


def largest_first(found: Any, *keys: Any) -> list[Any]:
    return sorted(
        found,
        key=lambda row: (
            -row["n"],
            *((row[k] is None, row[k] or 0 if k == "status" else row[k] or "") for k in keys),
        ),
    )


def codes(rows: Any) -> Any:
    counts = Counter((r.status, r.code, r.outcome) for r in rows if known(r))
    found = [
        {"status": s, "code": c, "outcome": o, "n": n, "share": n / counts.total()}
        for (s, c, o), n in counts.items()
    ]
    unknown = {
        "status": None,
        "code": None,
        "outcome": None,
        "n": len(rows) - counts.total(),
        "share": None,
    }
    return largest_first(found, "status", "code") + [unknown] * bool(unknown["n"])


def by(column: Any, value: Any) -> Any:
    def counted(rows: Any) -> list[Any]:
        cells = defaultdict(list)
        for row in rows:
            if value(row) != "left out":
                cells[value(row)].append(row)
        total = sum(map(len, cells.values()))
        return largest_first(
            [
                {column: v, "n": len(of), "share": len(of) / total, **sides(of)}
                for v, of in cells.items()
            ],
            column,
        )

    return counted


def sides(rows: Any) -> dict[str, Any]:
    bad, unknown = sum(map(failing, rows)), sum(not known(r) for r in rows)
    return {
        "n_failing": bad,
        "share_failing": bad / (len(rows) - unknown) if len(rows) > unknown else None,
        "not_known": unknown,
    }


def timeline(rows: Any, step: Any = 3600) -> list[dict[str, Any]]:
    dated = [(int(r.at.timestamp() // step), r.status, r.code) for r in rows if r.at and known(r)]
    order = largest_first(
        [{"status": s, "code": c, "n": n} for (s, c), n in Counter(d[1:] for d in dated).items()],
        "status",
        "code",
    )
    counts, buckets = Counter(dated), sorted(d[0] for d in dated)
    return [
        {
            "start": dt.datetime.fromtimestamp(b * step, dt.UTC),
            "status": o["status"],
            "code": o["code"],
            "n": counts[b, o["status"], o["code"]],
        }
        for b in (range(buckets[0], buckets[-1] + 1) if buckets else ())
        for o in order
    ]


def heatmap(rows: Any) -> Any:
    cells = {
        (day, hour): [r for r in rows if r.at and (r.at.isoweekday(), r.at.hour) == (day, hour)]
        for day in range(1, 8)
        for hour in range(24)
    }
    found = [{"weekday": d, "hour": h, "n": len(c), **sides(c)} for (d, h), c in cells.items()]
    return found if any(r.at for r in rows) else []


def latency(rows: Any) -> list[Any]:
    values = defaultdict(list)
    for row in rows:
        if row.elapsed_ms is not None and known(row):
            values[row.endpoint, row.status, row.code].append(row.elapsed_ms)
    found = [
        {
            "endpoint": e,
            "status": s,
            "code": c,
            "n": len(v),
            **{f"p{q}_ms": quantile(v, q) for q in (50, 90, 99)},
        }
        for (e, s, c), v in values.items()
    ]
    return largest_first(found, "status", "code", "endpoint")


def quantile(values: Any, q: Any) -> Any:
    return (
        statistics.quantiles(values, n=100, method="inclusive")[q - 1]
        if len(values) > 1
        else values[0]
    )


def matrix(rows: Any) -> list[Any]:
    counts = Counter((r.endpoint, r.status, r.code) for r in rows if known(r))
    return largest_first(
        [{"endpoint": e, "status": s, "code": c, "n": n} for (e, s, c), n in counts.items()],
        "status",
        "code",
        "endpoint",
    )


def groups(rows: Any) -> list[Any]:
    found = defaultdict(list)
    for row in filter(failing, rows):
        found[
            analysis.fingerprint(row.status, row.code, row.endpoint, row.text or row.failure)
        ].append(row)
    total = sum(map(len, found.values()))
    summed = [
        {
            "fingerprint": words,
            "n": len(of),
            "share": len(of) / total,
            "first": min((r.at for r in of if r.at), default=None),
            "last": max((r.at for r in of if r.at), default=None),
            "example_id": min(of, key=lambda r: (r.at is None, r.at or NOON, r.id)).id,
        }
        for words, of in found.items()
    ]
    return sorted(summed, key=lambda g: (-g["n"], g["fingerprint"]))


def overview(rows: Any) -> list[dict[str, Any]]:
    times = [r.at for r in rows if r.at]
    unknown = sum(not known(r) for r in rows)
    counts = {
        "n": len(rows),
        "n_failing": sum(map(failing, rows)),
        "not_known": unknown,
        "undated": len(rows) - len(times),
    }
    return [{**counts, "since": min(times, default=None), "until": max(times, default=None)}]


def body_of(row: Any) -> Any:
    return json.loads(row.request_body or "{}")


def sender(row: Any) -> Any:
    kinds = {"15559870002": "number", "ACME": "alphanumeric", "12345": "short code"}
    return kinds[body_of(row)["from"]] if body_of(row).get("to") else "left out"


def country(row: Any) -> Any:
    return RECIPIENTS[body_of(row)["to"][0]] if body_of(row).get("to") else "left out"


REFERENCE = {
    "overview": overview,
    "codes": codes,
    "endpoints": by("endpoint", lambda r: r.endpoint),
    "accounts": by("account", lambda r: r.account),
    "regions": by("region", lambda r: r.region),
    "countries": by("country", country),
    "senders": by("sender", sender),
    "matrix": matrix,
    "heatmap": heatmap,
    "latency": latency,
    "groups": groups,
}


def listed(frame: Any) -> list[dict[Any, Any]]:
    return [
        {c: None if pd.isna(v) else v for c, v in row.items()} for row in frame.to_dict("records")
    ]


def same(got: Any, wanted: Any) -> None:
    assert len(got) == len(wanted)
    for row, expected in zip(got, wanted, strict=True):
        assert {c: row[c] for c in expected} == {
            c: pytest.approx(v) if isinstance(v, float) else v for c, v in expected.items()
        }


@pytest.mark.parametrize(("engine", "rows"), [*each_engine_with_each_data()])
def test_every_aggregation_agrees_with_plain_python_on_every_engine(
    engine: Any, rows: Any, tmp_path: Path
) -> None:
    check(engine, rows, tmp_path)


@pytest.mark.long
@pytest.mark.spark
def test_every_aggregation_agrees_with_plain_python_on_spark_too(tmp_path: Path) -> None:
    check(as_spark, DATA["ordinary"], tmp_path, counted_per=("call",))


@pytest.mark.long
@each_engine
def test_a_hundred_thousand_distinct_texts_are_one_group(engine: Any, tmp_path: Path) -> None:
    rows = [
        replace(GOOD, id=f"x{i}", status=400, text=f"Value '{i}' is wrong") for i in range(100_000)
    ]
    assert analysis.groups(engine(rows, tmp_path))["n"].tolist() == [100_000]


def check(engine: Any, rows: Any, tmp_path: Path, counted_per: Any = ("call", "attempt")) -> None:
    frame = engine(rows, tmp_path)
    frame = list(frame) if hasattr(frame, "__next__") else frame
    for per in counted_per:
        counted = folded(rows) if per == "call" else rows
        for name, reference in REFERENCE.items():
            same(listed(getattr(analysis, name)(frame, per=per)), reference(counted))
        times = [row.at for row in counted if row.at] or [NOON]
        step = 3600 if max(times) - min(times) < dt.timedelta(days=40) else 86400
        hourly = analysis.timeline(frame, f"{step}s", per=per)
        same(listed(hourly), timeline(counted, step))
        assert (
            hourly.attrs["not_known"]
            == analysis.matrix(frame, per=per).attrs["not_known"]
            == sum(not known(row) for row in counted)
        )
        assert hourly.attrs["undated"] == sum(known(row) and not row.at for row in counted)
        chosen = analysis.timeline(frame, per=per)
        same(listed(chosen), timeline(counted, chosen.attrs["interval_s"]))


@each_engine
def test_the_example_of_a_group_is_its_earliest_row_of_whatever_year(
    engine: Any, tmp_path: Path
) -> None:
    bad = replace(GOOD, status=403)
    times = {
        "a": None,
        "b": NOON,
        "c": dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
        "d": dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
    }
    rows = [replace(bad, id=name, at=at) for name, at in times.items()]
    texts = [
        replace(bad, id=f"{name} of two words", at=at, status=400, text=f"Value '{name}'")
        for name, at in times.items()
    ]
    undated = [replace(bad, id=name, at=None, status=500) for name in ("y", "x")]
    found = analysis.groups(engine([*rows, *texts, *undated], tmp_path))
    assert dict(zip(found["status"], found["example_id"], strict=True)) == {
        403: "c",
        400: "c of two words",
        500: "x",
    }


@each_engine
def test_delivery_reports_count_each_recipient_once_as_last_seen(
    engine: Any, tmp_path: Path
) -> None:
    late = NOON + dt.timedelta(hours=1)
    single = {"recipient": "15551230001", "code": 0, "status": "Delivered"}
    rows = [
        report("b1", (0, "Delivered", 3), (402, "Aborted", 1), at=late),
        report("b1", (401, "Dispatched", 4)),
        replace(
            report("b2"),
            id="r",
            response_body=json.dumps(
                {"delivery_reports": [{**single, "batch_id": "b2"}, {**single, "batch_id": "b1"}]}
            ),
        ),
        replace(report("b3"), id="s", response_body="<html>"),
    ]
    found = analysis.delivery_codes(engine(rows, tmp_path))
    assert found[["code", "status", "n"]].values.tolist() == [
        [0, "Delivered", 4],
        [402, "Aborted", 1],
    ]


@each_engine
def test_what_came_to_a_callback_url_is_no_call_but_a_report(engine: Any, tmp_path: Path) -> None:
    report_of = {"type": "delivery_report_sms", "batch_id": "b1"}
    statuses = [{"code": 412, "status": "Failed", "count": 1}]
    sent = Exchange(id="a", method="POST", endpoint="POST /batches", status=201)
    rows = [
        replace(sent, delivery="412 Failed"),
        replace(sent, id="b"),
        Exchange(
            id="c",
            endpoint="callback",
            request_body=json.dumps({**report_of, "statuses": statuses}),
            delivery="412 Failed, of a send",
        ),
        Exchange(id="d", endpoint="callback", request_body="{}", delivery="inbound"),
        Exchange(id="e", endpoint="callback", request_body="{}", delivery="inbound", status=200),
    ]
    overview = analysis.overview(engine(rows, tmp_path)).iloc[0]
    assert (overview["n"], overview["n_failing"], overview["not_known"]) == (2, 1, 0)
    found = analysis.delivery_codes(engine(rows, tmp_path))
    assert found[["code", "status", "n"]].values.tolist() == [[412, "Failed", 1]]


@each_engine
def test_spikes_and_differences_are_the_same_on_every_engine(engine: Any, tmp_path: Path) -> None:
    rows = traffic(300, 1, "cause")
    assert listed(analysis.differences(engine(rows, tmp_path))) == listed(
        analysis.differences(rows)
    )
    rows = traffic(300, 1, "spike")
    assert listed(analysis.spikes(engine(rows, tmp_path))) == listed(analysis.spikes(rows))


# --- what each one is for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*REFERENCE, "timeline", "delivery_codes", "spikes", "differences"]
)
def test_an_empty_frame_gives_the_columns_and_dtypes_of_a_full_one(name: str) -> None:
    empty, full = getattr(analysis, name)([]), getattr(analysis, name)(DATA["ordinary"])
    assert dict(empty.dtypes) == dict(full.dtypes)
    assert name == "overview" or empty.empty


def test_a_call_is_its_last_attempt() -> None:
    rows = [
        replace(GOOD, id=str(i), call_id="c", attempt=i, status=429 if i < 4 else 201)
        for i in (3, 4, 1, 2)
    ]
    assert analysis.codes(rows)[["status", "n"]].values.tolist() == [[201, 1]]
    assert analysis.codes(rows, per="attempt")[["status", "n"]].values.tolist() == [
        [429, 3],
        [201, 1],
    ]
    assert analysis.calls(rows)["id"].tolist() == ["4"]


@each_engine
def test_the_calls_of_two_files_are_two_though_they_have_the_same_number(
    engine: Any, tmp_path: Path
) -> None:
    numbered = replace(GOOD, call_id="1", status=429)
    rows = [
        replace(numbered, id=f"{source}{i}", source=source and f"{source}#{i}", attempt=i)
        for source in ("a.har", "b.har", None)
        for i in (1, 2)
    ]
    assert analysis.codes(engine(rows, tmp_path))["n"].tolist() == [3]
    last = analysis.calls(engine(rows, tmp_path))
    assert sorted(frames.to_pandas(nw.from_native(last).lazy().select("id"))["id"]) == [
        "None2",
        "a.har2",
        "b.har2",
    ]


@pytest.mark.parametrize(
    ("columns", "counted"),
    [
        pytest.param([*tables.COLUMNS], [1, 1, 1, 1], id="a-network-error-or-a-code-is-an-answer"),
        pytest.param(["status", "outcome"], [3, 1], id="without-both-the-outcome-is-believed"),
        pytest.param(["status"], [1, 3], id="with-the-status-alone-nothing-is-assumed"),
    ],
)
def test_no_known_answer_is_neither_failure_nor_success(columns: Any, counted: Any) -> None:
    rows = [
        GOOD,
        replace(GOOD, status=None),
        replace(GOOD, status=None, code="unknown_group"),
        replace(GOOD, status=None, failure="ReadTimeout"),
    ]
    frame = tables.frame(rows)[columns]
    codes = analysis.codes(frame)
    assert sorted(codes["n"], reverse=True) == sorted(counted, reverse=True)
    overview = analysis.overview(frame).iloc[0]
    assert overview["n"] - overview["n_failing"] - overview["not_known"] == 1
    assert overview["not_known"] == codes["n"][codes["outcome"].isna()].sum()
    assert len(analysis.known(frame)) == 4 - overview["not_known"]


def test_the_share_is_of_all_also_when_successes_are_left_out() -> None:
    rows = [GOOD, GOOD, GOOD, replace(GOOD, status=500)]
    assert analysis.codes(rows, successes=False)[["status", "share"]].values.tolist() == [
        [500, 0.25]
    ]


def test_many_codes_are_folded_into_one_with_their_number() -> None:
    rows = [replace(GOOD, status=400, code=f"code_{i}") for i in range(10)] + [GOOD] * 5
    assert analysis.codes(rows, top=3)[["code", "n"]].fillna("").values.tolist()[-1] == [
        "other (8 codes)",
        8,
    ]
    assert analysis.timeline(rows, top=3)["n"].sum() == 15


def test_a_slim_log_without_most_columns_is_counted() -> None:
    slim = pd.DataFrame({"status": [200, 404], "at": pd.to_datetime([NOON, NOON], utc=True)})
    assert analysis.codes(slim)["outcome"].tolist() == ["success", "user_error"]
    assert analysis.endpoints(slim)["n"].tolist() == [2]
    slimmer = pd.DataFrame({"status": [429, 200], "call_id": ["c", "c"]})
    assert analysis.overview(slimmer)[["n", "undated"]].values.tolist() == [[1, 1]]
    assert all(
        getattr(analysis, name)(slimmer).empty for name in ("timeline", "latency", "heatmap")
    )


@pytest.mark.parametrize(
    ("seconds", "interval"),
    [
        (0, 60),
        (200 * 60, 60),
        (300 * 60, 300),
        (10 * 86400, 3600),
        (100 * 86400, 86400),
        (3000 * 86400, 13 * 86400),
    ],
)
def test_the_interval_suits_the_span(seconds: int, interval: int) -> None:
    found = analysis.timeline([GOOD, replace(GOOD, at=NOON + dt.timedelta(seconds=seconds))])
    assert found.attrs["interval_s"] == interval
    assert len(found) <= analysis.MOST_INTERVALS


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        pytest.param({}, "abcde", id="no-filter-keeps-all"),
        pytest.param({"since": "2024-06-03T12:00:00Z"}, "abc", id="since-is-included"),
        pytest.param({"until": NOON + dt.timedelta(hours=1)}, "a", id="until-is-not"),
        pytest.param({"since": "2024-06-03T14:30+02:00"}, "bc", id="other-time-zone"),
        pytest.param({"outcome": "no_response"}, "d", id="no-response-is-a-network-error"),
        pytest.param({"outcome": ["success", "sinch_error"]}, "ac", id="outcomes"),
        pytest.param({"outcome": ""}, "e", id="answer-not-known"),
        pytest.param({"outcome": []}, "", id="no-outcome-at-all"),
        pytest.param({"status": 403}, "b", id="status"),
        pytest.param({"status": ["4xx", 500]}, "bc", id="status-class-and-status"),
        pytest.param({"code": "missing_callback_url"}, "b", id="code"),
        pytest.param({"code": ""}, "acde", id="no-code"),
        pytest.param({"endpoint": ["POST /groups"]}, "c", id="endpoint"),
        pytest.param({"account": "plan-b"}, "d", id="account"),
        pytest.param({"text": "CALLBACK"}, "b", id="text-whatever-the-case"),
        pytest.param({"text": "100%_.*"}, "c", id="text-is-no-pattern"),
        pytest.param({"status": "4xx", "account": "plan-b"}, "", id="all-must-fit"),
    ],
)
@each_engine
def test_a_filter_keeps_what_fits(engine: Any, filters: Any, kept: str, tmp_path: Path) -> None:
    rows = [
        GOOD,
        replace(
            GOOD, id="b", at=NOON + dt.timedelta(hours=1), status=403, code="missing_callback_url"
        ),
        replace(
            GOOD,
            id="c",
            at=NOON + dt.timedelta(hours=2),
            status=500,
            endpoint="POST /groups",
            text="at 100%_.* of",
        ),
        replace(GOOD, id="d", at=None, status=None, failure="ReadTimeout", account="plan-b"),
        replace(GOOD, id="e", at=None, status=None),
    ]
    found = analysis.filtered(engine(rows, tmp_path), **filters)
    assert sorted(frames.to_pandas(nw.from_native(found).lazy().select("id"))["id"]) == list(kept)


ALIKE = [
    (403, None),
    (403, "Forbidden"),
    (403, '"Forbidden"'),
    (403, ""),
    (403, " "),
    (999, None),
    (999, ""),
    (None, "403 Forbidden"),
    (None, ""),
]


def test_each_status_and_code_has_a_name_of_its_own() -> None:
    keys = [
        *ALIKE,
        (None, None),
        (None, "no response"),
        (None, "not known"),
        (None, "-1"),
        (-1, None),
    ]
    names = [analysis.label(*key) for key in keys]
    assert len({*names}) == len(keys)
    assert "not known" not in names


def test_a_code_like_the_phrase_of_its_status_is_counted_for_itself() -> None:
    rows = [
        replace(GOOD, id=str(i), status=s, code=c, failure=None if s else "x")
        for i, (s, c) in enumerate(ALIKE)
    ]
    found = analysis.timeline(rows, top=3)
    assert found.groupby(["status", "code"], dropna=False)["n"].sum().tolist() == [1, 1, 1, 6]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("access-20240601.log", "access-20240601.log", id="day"),
        pytest.param("access-20240601T1530.log", "access-20240601T1530.log", id="day-and-minute"),
        pytest.param(
            "access_20240601-153000.log", "access_20240601-153000.log", id="day-and-second"
        ),
        pytest.param(
            "report 201012201530.har", "report [number].har", id="number-of-egypt-like-a-minute"
        ),
        pytest.param("report +201012201530.har", "report [number].har", id="with-its-plus"),
        pytest.param("report +20240601.har", "report [number].har", id="no-day-has-a-plus"),
        pytest.param(
            "report 20240601153000.har", "report 20240601153000.har", id="day-and-second-on-end"
        ),
        pytest.param("report 20101220 1530.har", "report [number].har", id="a-space-in-the-number"),
    ],
)
def test_a_date_stays_in_the_name_of_a_file_and_a_number_does_not(text: str, told: str) -> None:
    assert filters.without_people(text) == told


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        pytest.param("Invalid '+15551230001'", "Invalid <value>", id="quoted"),
        pytest.param(
            "group 01GZK4C8DVMRKE08XJ2YB5QFTW is unknown", "group <id> is unknown", id="id"
        ),
        pytest.param("at 2024-06-03T12:00:00Z", "at <time>", id="time"),
        pytest.param(
            "body has 1,601 of 1600 characters",
            "body has <number> of <number> characters",
            id="numbers",
        ),
        pytest.param("see https://example.org/x?y=1", "see <url>", id="url"),
        pytest.param(
            "numbers '1', '2', '3' are wrong",
            "numbers <value>, ... are wrong",
            id="a-list-of-any-length",
        ),
        pytest.param(
            "can't read callback_url, it isn't there",
            "can't read callback_url, it isn't there",
            id="words-stay",
        ),
    ],
)
def test_a_fingerprint_cuts_out_what_varies(text: str, pattern: str) -> None:
    assert (
        analysis.fingerprint(400, None, "POST /batches", text)
        == f"400 Bad Request, POST /batches, text '{pattern}'"
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(lambda: analysis.codes(4711), "A int is not a frame", id="no-frame"),
        pytest.param(
            lambda: analysis.codes(pd.DataFrame({"x": [1]})), "no column 'status'", id="no-status"
        ),
        pytest.param(
            lambda: analysis.codes([], per="day"),  # type: ignore[arg-type]
            "per='day'",
            id="per",
        ),
        pytest.param(lambda: analysis.timeline([GOOD], "soon"), "interval='soon'", id="interval"),
        pytest.param(
            lambda: analysis.timeline([GOOD, replace(GOOD, at=NOON.replace(year=1980))], "1s"),
            "100,000",
            id="too-many-intervals",
        ),
        pytest.param(
            lambda: analysis.filtered([], since="yesterday-ish"),
            "'yesterday-ish' is not a time",
            id="time",
        ),
        pytest.param(lambda: analysis.filtered([], status="four"), "'four'", id="status"),
        pytest.param(
            lambda: analysis.filtered([], outcome="nonsense"), "Outcome 'nonsense'", id="outcome"
        ),
        pytest.param(
            lambda: analysis.filtered([], outcome=["success", "7"]),
            "Outcome '7'",
            id="one-outcome-of-several",
        ),
        pytest.param(
            lambda: analysis.countries(pd.DataFrame({"status": [1]})),
            "no column 'request_body'",
            id="no-bodies",
        ),
    ],
)
def test_wrong_use_is_said_in_words(call: Any, words: str) -> None:
    with pytest.raises(WrongUseError, match=words.replace("(", r"\(")) as error:
        call()
    assert error.value.hint


# --- large logs -----------------------------------------------------------------------------------


def test_a_log_is_converted_to_parquet_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(
            "".join(json.dumps(row, default=str) + "\n" for row in plain(DATA["ordinary"]))
        )
    path = analysis.to_parquet(tmp_path / "*.jsonl", tmp_path / "new" / "log.parquet")
    assert listed(analysis.codes(scan(path))) == listed(analysis.codes(scan(tmp_path / "*.jsonl")))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["log.parquet"]


def test_a_conversion_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_text("as it was")
    with pytest.raises(MissingInputError):
        analysis.to_parquet(tmp_path / "none*.jsonl", tmp_path / "log.parquet")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("log.parquet", "as it was")
    ]


def test_a_table_in_memory_is_of_its_own_and_outlives_the_frame() -> None:
    first, second = analysis.in_memory([GOOD]), analysis.in_memory([GOOD, GOOD])
    part = analysis.in_memory(analysis.filtered(second, status=201))
    assert [int(analysis.codes(one)["n"].sum()) for one in (first, second, part)] == [1, 2, 2]


@pytest.mark.parametrize("lacks", ["pyspark", "java"])
def test_without_spark_or_java_there_is_no_session(
    lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if lacks == "pyspark" else name
    )
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert analysis.spark_session() is None


# --- spikes and differences -----------------------------------------------------------------------


@pytest.mark.parametrize(("detector", "found", "plant"), DETECTORS, ids=["spikes", "differences"])
def test_what_was_planted_is_found_and_nothing_else(detector: Any, found: Any, plant: Any) -> None:
    hits, alarms = rates(detector, found, plant, 60, 20)
    assert hits >= 0.95
    assert alarms <= 0.1


def test_a_spike_has_start_end_and_size() -> None:
    rows = [replace(GOOD, id=f"x{i}", at=NOON + dt.timedelta(hours=i)) for i in range(240)]
    start = dt.datetime(2024, 6, 7, 9, tzinfo=dt.UTC)
    rows += [
        replace(GOOD, id=f"s{i}", at=start + dt.timedelta(minutes=i), status=429)
        for i in range(120)
    ]
    (spike,) = listed(analysis.spikes(rows))
    assert (spike["start"], spike["end"], spike["status"], spike["n"]) == (
        start,
        start + dt.timedelta(hours=2),
        429,
        120,
    )


def test_more_traffic_alone_is_no_spike() -> None:
    rows = [
        replace(
            GOOD, id=f"{i}-{k}", at=NOON + dt.timedelta(hours=i), status=429 if k % 5 == 0 else 201
        )
        for i in range(100)
        for k in range(10)
    ]
    rows += [
        replace(
            GOOD,
            id=f"more-{k}",
            at=NOON + dt.timedelta(hours=50),
            status=429 if k % 5 == 0 else 201,
        )
        for k in range(200)
    ]
    assert analysis.spikes(rows).attrs["verdict"] == NOTHING_STANDS_OUT


@pytest.mark.parametrize(
    "rows",
    [[], [GOOD] * 30, [*[GOOD] * 40, replace(GOOD, status=500)]],
    ids=["none", "no-failure", "one-failure"],
)
def test_too_few_is_said(rows: Any) -> None:
    assert analysis.differences(rows).attrs["verdict"] == "too few"
    assert analysis.spikes(rows).attrs["verdict"] == "too few"


def test_values_that_no_two_rows_share_and_constant_ones_are_no_difference() -> None:
    rows = [
        replace(GOOD, id=f"x{i}", account=f"plan-{i}", status=201 if i % 2 else 500)
        for i in range(60)
    ]
    assert analysis.differences(rows).attrs["verdict"] == NOTHING_STANDS_OUT


def test_a_missing_field_of_the_body_is_a_difference() -> None:
    whole = str(GOOD.request_body).replace("}", ', "callback_url": "https://example.org"}')
    rows = [replace(GOOD, id=f"a{i}", request_body=whole) for i in range(20)] + [
        replace(GOOD, id=f"b{i}", status=403) for i in range(20)
    ]
    found = {
        (row["field"], row["value"]): (row["n_failing"], row["n_succeeding"], row["effect"])
        for row in listed(analysis.differences(rows))
    }
    assert found["body callback_url", "(absent)"] == (20, 0, 1.0)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = traffic(200, 7, "cause")
    shuffled = random.Random(1).sample(rows, len(rows))
    assert listed(analysis.differences(rows)) == listed(analysis.differences(shuffled))
    assert listed(analysis.groups(rows)) == listed(analysis.groups(shuffled))


def test_a_rise_that_lasts_is_one_spike_though_no_hour_of_it_stands_out() -> None:
    rise = [11, 10, 4, 5, 8, 7, 5, 3, 5, 7, 4, 2, 1, 1, 1, 0, 1, 1, 2, 0, 2, 1, 2, 7]
    hours = [40, 87, 123, 147, 200, *(170 + i for i, n in enumerate(rise) for _ in range(n))]
    rare = [
        replace(
            GOOD,
            id=f"f{i}",
            at=NOON + dt.timedelta(hours=h),
            status=403,
            code="missing_callback_url",
        )
        for i, h in enumerate(hours)
    ]
    rest = [replace(GOOD, id=f"g{i}", at=NOON + dt.timedelta(hours=i / 10)) for i in range(2400)]
    (found,) = analysis.spikes([*rest, *rare], "1h").to_dict("records")
    assert (found["start"], found["end"], found["n"]) == (
        NOON + dt.timedelta(hours=170),
        NOON + dt.timedelta(hours=194),
        sum(rise),
    )
