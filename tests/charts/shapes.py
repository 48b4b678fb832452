"""Rows of many shapes, and the charts of them, each drawn once."""

import datetime as dt
import functools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.text import Text

from sinchtools import analysis, charts
from sinchtools.charts.chart import Chart
from sinchtools.charts.rows import Row, Rows
from sinchtools.core import columns
from sinchtools.core.records import Exchange

START = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
GOOD = Exchange(
    id="a",
    at=START,
    source="case.har#1",
    endpoint="POST /batches",
    account="plan-a",
    region="us",
    status=201,
    elapsed_ms=80.0,
)
REPORT = (
    '{"batch_id": "b", "statuses": [{"code": 0, "status": "Delivered", "count": 3}, '
    '{"code": 402, "status": "Aborted", "count": 1}]}'
)
# the engines count alike, which tests/analysis holds: on the second one, the conditions behind the
# bars are tried at length
each_kind_of_frame = pytest.mark.parametrize(
    "make",
    [
        columns.frame,
        pytest.param(lambda rows: analysis.in_memory(columns.frame(rows)), marks=pytest.mark.long),
    ],
    ids=["pandas", "duckdb"],
)
ALL = [kind.draw for kind in charts.KINDS]
each_chart = pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)


def ten_days(n: int = 400) -> list[Exchange]:
    rng = random.Random(1)
    answers = [
        (201, None),
        (403, "missing_callback_url"),
        (400, "syntax_invalid_parameter_format"),
        (429, None),
        (500, None),
        (None, None),
    ]
    rows = []
    for i in range(n):
        status, code = rng.choices(answers, [70, 10, 8, 6, 3, 3])[0]
        at = START + dt.timedelta(hours=rng.uniform(0, 240))
        account, elapsed = rng.choice(["plan-a", "plan-b"]), rng.uniform(20, 900)
        row = replace(GOOD, id=f"x{i}", at=at, account=account, elapsed_ms=elapsed)
        failure = None if status else "ReadTimeout"
        rows.append(replace(row, status=status, code=code, failure=failure))
    rows += [
        replace(GOOD, id=f"s{i}", at=START + dt.timedelta(hours=100, minutes=i), status=429)
        for i in range(60)
    ]
    return [
        *rows,
        replace(
            GOOD,
            id="d",
            endpoint="GET /batches/{batch_id}/delivery_report",
            status=200,
            response_body=REPORT,
        ),
    ]


HOSTILE = [
    replace(
        GOOD,
        status=403,
        code="<script>alert('x')</script>",
        endpoint="POST /$\\frac{x$\n<b>",
        account="=cmd|' /C calc'!A0",
    ),
    replace(GOOD, status=500, code="$x^{$" + "y" * 5000, account="\x1b[31m\u202e plan"),
    replace(GOOD, status=-1, code="日本語🙂", account=None, at=None),
    replace(
        GOOD,
        status=999,
        code="",
        source="&<>\"'.har#1",
        response_body='{"statuses": [{"code": "x", "status": "<b>"}, {"count": "many"}, 7]}',
    ),
]
SHAPES = {
    "ten days": ten_days(),
    "one row": [replace(GOOD, status=500)],
    "hostile": HOSTILE,
    "five rows": [
        replace(GOOD, id=f"f{i}", at=START + dt.timedelta(minutes=7 * i), status=status)
        for i, status in enumerate((400, 201, 403, 201, 401))
    ],
    "no time": [replace(GOOD, at=None, status=401)] * 3,
    "none": [],
    "an hour": [
        replace(
            GOOD,
            id=f"h{i}",
            at=START + dt.timedelta(seconds=3 * i),
            status=201 + 299 * (i % 4 == 0),
        )
        for i in range(1200)
    ],
    "three months": [
        replace(
            GOOD, id=f"m{i}", at=START + dt.timedelta(hours=2 * i), status=201 + 228 * (i % 9 == 0)
        )
        for i in range(1080)
    ],
    "30 codes": [
        replace(GOOD, status=400, code=f"quite_a_long_code_name_number_{i % 30}") for i in range(90)
    ],
    "a hundred long codes": [
        replace(
            GOOD, status=400, code=f"a_code_with_a_long_name_of_many_words_{i % 100}_{'x' * 40}"
        )
        for i in range(300)
    ],
    "3,000 codes": [
        replace(GOOD, status=400, code=f"c{i}", endpoint=f"POST /e{i}", account=f"p{i}")
        for i in range(3000)
    ],
}


Draw = Callable[..., Chart]


@functools.cache
def drawn(draw: Draw, shape: str = "ten days") -> Chart:
    """Return a chart of a shape, drawn once for all tests."""
    return draw(columns.frame(SHAPES[shape]))


def texts(chart: Chart) -> list[Text]:
    undrawn = {
        tick.label1
        for ax in chart.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis.get_major_ticks()
        if not is_in_view(tick, axis)
    }
    found = [text for text in chart.findobj(Text) if isinstance(text, Text)]
    return [
        text for text in found if text.get_visible() and text.get_text() and text not in undrawn
    ]


def is_in_view(tick: Any, axis: Any) -> Any:
    return axis.get_visible() and min(axis.get_view_interval()) <= tick.get_loc() <= max(
        axis.get_view_interval()
    )


def words(chart: Chart) -> str:
    return re.sub(r"\s+", " ", " ".join(text.get_text() for text in texts(chart)))


def named(chart: Chart) -> Sequence[Row]:
    """Return the rows of a chart of named rows."""
    assert isinstance(chart._body, Rows)
    return chart._body.rows


def labels(chart: Chart) -> list[tuple[str, str, str]]:
    """Return the name, value and rest of each row of a chart."""
    return [(row.name, row.label, row.rest) for row in named(chart)]


def ids_behind(chart: Any, bar: Any) -> list[Any]:
    found = chart.behind(bar)
    return (
        sorted(found["id"])
        if hasattr(found, "iloc")
        else sorted(one for (one,) in found.project("id").fetchall())
    )
