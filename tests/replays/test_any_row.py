"""
No row of evidence makes a plan, a replay, a diagnosis, a report, the tips or a chart raise.

What is not sent says why.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import sinchtools as st
from sinchtools.api.description import locate, split_url
from sinchtools.cases.reports import PARTS
from sinchtools.client.log import CallLog
from sinchtools.core.columns import frame
from sinchtools.core.errors import LeakError
from sinchtools.core.records import Exchange
from sinchtools.privacy.markers import MARKER
from sinchtools.replays.effects import VENDOR
from tests.conftest import FULL
from tests.support.present import present
from tests.support.vendor import PLAN, Vendor

BASE = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches"
MARK, PAIR = "[secret opaque 8 #1]", "[secret pair 12 #2]"
BODY = '{"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}'
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
CHARTS = [kind.name for kind in st.charts.KINDS if kind.name != "delivery_codes"]  # of reports
NUMBER, TEXT = "+46 7• k3f9qd2", "[text k3f9qd2 7 characters GSM-7 1 part]"
URLS = {
    "user info": f"https://{PAIR}@us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "a marker as the host": f"https://{MARK}/xms/v1/{PLAN}/batches",
    "a marker in the host": f"https://{MARK}.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "a marker as the port": f"https://us.sms.api.sinch.com:{MARK}/xms/v1/{PLAN}/batches",
    "a marker in the path": f"https://us.sms.api.sinch.com/xms/v1/{MARK}/batches",
    "a marker in the query": f"{BASE}?token={MARK}&a={PAIR}",
    "half a marker": f"https://{MARK[:-1]}@us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "an open bracket": f"https://[us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "a closing bracket": f"https://us.sms.api.sinch.com]/xms/v1/{PLAN}/batches",
    "an IPv6 address": f"http://[::1]/xms/v1/{PLAN}/batches",
    "an IPv6 address with a zone": f"http://[fe80::1%25eth0]:80/xms/v1/{PLAN}/batches",
    "an IPv6 address of no kind": f"http://[v1.x]/xms/v1/{PLAN}/batches",
    "a port too high": f"https://us.sms.api.sinch.com:99999/xms/v1/{PLAN}/batches",
    "a port of letters": f"https://us.sms.api.sinch.com:https/xms/v1/{PLAN}/batches",
    "a port below zero": f"https://us.sms.api.sinch.com:-1/xms/v1/{PLAN}/batches",
    "letters that turn into others": f"https://us.sms.api.sinch.com\u2100\u2048/xms/v1/{PLAN}/"
    f"batches",
    "half a character": f"{BASE}?a=\ud800",
    "control characters": f"\x00\t{BASE}\r\n/\x1b\x7f",
    "a private character": f"{BASE}\ue0000\ue001",
    "an alias": f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches/{NUMBER}/{TEXT}",
    "no scheme": f"//us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "a path alone": f"/xms/v1/{PLAN}/batches",
    "a host alone": "us.sms.api.sinch.com",
    "backslashes": BASE.replace("/", "\\"),
    "percent signs": f"{BASE}/%ZZ%%00%e2%28%a1?%=%&%",
    "dots": f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/./../batches/%2e%2e/x",
    "white space": f" {BASE} \u2028\u00a0",
    "another scheme": f"javascript://us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
    "the sandbox's own switches": f"http://127.0.0.1/__sandbox__/../xms/v1/{PLAN}/batches",
    "nothing": "",
    "a long one": f"{BASE}/{'a/' * 5_000}",
    "no URL": None,
}
ROWS: dict[str, dict[str, Any]] = {
    "no method": {"method": None},
    "an empty method": {"method": ""},
    "a method of control characters": {"method": "PO\r\nST"},
    "a method in small letters": {"method": "post"},
    "a method of another language": {"method": "POŞT\ud800"},
    "a marker as the method": {"method": MARK},
    "no body": {"request_body": None},
    "a body of bytes": {"request_body": b"\xff\x00"},
    "half a character as the body": {"request_body": "\ud800"},
    "a body without an object": {"request_body": "[1, null]"},
    "an endless body": {"request_body": "[" * 50_000},
    "numbers beyond all": {"request_body": '{"to": [1e999, NaN, -0], "body": ' + "9" * 5_000 + "}"},
    "fields of other kinds": {
        "request_body": '{"to": {"a": 1}, "from": [], "body": 1, "parameters": [1], "type": {}, '
        '"tags": 0, "send_at": {}}'
    },
    "parameters of other kinds": {
        "request_body": '{"to": ["1", null, {}], "body": "${a}", "parameters": {"a": "b", "c": '
        '{"d": 1}}}'
    },
    "headers of control characters": {
        "request_headers": {"a\r\nb": "c\r\nd", "": "", "\ud800": "\ud800"}
    },
    "a marker as a header": {
        "request_headers": {MARK: MARK, "Authorization": f"Bearer {MARK} {PAIR}"}
    },
    "a status of no kind": {"status": 0},
    "a status below zero": {"status": -1},
    "a status beyond all": {"status": 32_767},
    "a code of control characters": {"status": 400, "code": "\x1b[31m\u202e", "text": "\x00"},
    "another language as the code": {"status": 403, "code": "ünknown_gröup\ud800"},
    "the first moment": {"at": datetime.min.replace(tzinfo=UTC)},
    "the last moment": {"at": datetime.max.replace(tzinfo=UTC)},
    "an empty row": {
        "method": None,
        "url": None,
        "request_headers": {},
        "request_body": None,
        "id": "",
    },
    "a failure of control characters": {"status": None, "failure": "\x1b\u202e"},
    "an answer of bytes": {
        "status": 400,
        "response_body": b"\xff{",
        "response_headers": {"Content-Type": "\ud800", "Retry-After": "\ud800"},
    },
}


def row(**fields: Any) -> Exchange:
    headers = {"Content-Type": "application/json"}
    return Exchange(
        **{
            "id": "x",
            "method": "POST",
            "url": BASE,
            "request_headers": headers,
            "request_body": BODY,
            **fields,
        }
    )


def check(folder: Any, rows: Any, vendor: Any, parts: Any) -> None:
    """
    Take rows through all that is done with evidence.

    Each is in its result, and says why it was not sent.
    """
    with CallLog(folder / "calls.sqlite") as log:
        for target in ("preview", "sandbox", "dry-run", "live"):
            plan = st.plan(rows, target=target, log=log).check()
            assert (
                [item.original.id for item in plan.items]
                == list(plan.frame()["id"])
                == [x.id for x in rows]
            )
            assert plan.effect in repr(plan) and plan._repr_html_() and plan.duration_s >= 0
            for item in plan.items:
                assert item.held_reasons or (
                    item.request.method and locate(item.request.url).is_sms_api
                )
                assert (
                    target not in VENDOR
                    or item.held_reasons
                    or not MARKER.search(present(item.request.url))
                )
            results = plan.run(confirm=plan.effect)
            assert [result.original.id for result in results] == [x.id for x in rows]
            assert all(result.reasons for result in results)
            assert repr(results) and results._repr_html_() and len(results.verdicts) == len(rows)
    assert not any(
        "secret" in path or "alias" in path or "\u2022" in path for _, path in vendor.requests
    )
    for x in rows:
        assert st.diagnose(x, now=x.at).as_text() and st.tips(x).current
    try:
        assert st.report(rows, folder / "report.html", parts=parts).stat().st_size
    except LeakError as refused:
        assert refused.hint


WITHOUT_CHARTS = [part for part in PARTS if part not in ("charts", "when")]


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
def test_any_url_is_planned_replayed_and_reported(
    tmp_path: Path, vendor: Vendor, url: str | None
) -> None:
    check(tmp_path, [row(url=url)], vendor, WITHOUT_CHARTS)


@pytest.mark.parametrize("fields", ROWS.values(), ids=ROWS.keys())
def test_any_row_is_planned_replayed_and_reported(
    tmp_path: Path, vendor: Vendor, fields: Any
) -> None:
    check(tmp_path, [row(**fields)], vendor, WITHOUT_CHARTS)


@pytest.mark.parametrize("chart", CHARTS)
def test_all_rows_are_in_each_chart(chart: str) -> None:
    common: dict[str, Any] = {"at": AT, "status": 400, "elapsed_ms": 5.0}
    hostile = [{**common, "url": url} for url in URLS.values()]
    hostile += [{**common, **fields} for fields in ROWS.values()]
    assert len(
        getattr(st.charts, chart)(
            frame(row(**{"id": f"{i}", **fields}) for i, fields in enumerate(hostile))
        ).data
    )


PIECE = some.sampled_from(
    [
        "https://",
        "http://",
        "//",
        "/",
        "us.sms.api.sinch.com",
        f"/xms/v1/{PLAN}",
        "/batches",
        "/groups/",
        MARK,
        PAIR,
        MARK[:9],
        NUMBER,
        TEXT,
        "[",
        "]",
        "@",
        ":",
        ":443",
        "?",
        "#",
        "&",
        "=",
        "%",
        "%00",
        "%2e%2e",
        "\\",
        "\0",
        "\r\n",
        "\u202e",
        "\u2100",
        "\ud800",
        "\ue0000\ue001",
        "::1",
        "127.0.0.1",
        " ",
        "\t",
    ]
)
TEXTS = some.one_of(some.none(), some.lists(PIECE, max_size=8).map("".join), some.text(max_size=30))
VALUES = some.recursive(
    some.one_of(
        some.none(),
        some.booleans(),
        some.integers(),
        some.floats(),
        TEXTS,
        some.sampled_from(["+15551230001", "15551230001"]),
    ),
    lambda inner: some.one_of(
        some.lists(inner, max_size=3),
        some.dictionaries(some.sampled_from(["default", "15551230001", "a", "url"]), inner),
    ),
    max_leaves=6,
)
FIELDS = some.sampled_from(
    [
        "to",
        "from",
        "body",
        "type",
        "parameters",
        "send_at",
        "expire_at",
        "callback_url",
        "client_reference",
        "tags",
        "udh",
    ]
)
BODIES = some.one_of(
    TEXTS,
    some.binary(max_size=20),
    some.dictionaries(FIELDS, VALUES).map(lambda value: json.dumps({**json.loads(BODY), **value})),
    some.just(BODY),
)
HEADERS = some.dictionaries(
    some.one_of(
        some.sampled_from(
            ["Authorization", "content-type", "X-Method-Override", "Retry-After", "Content-Length"]
        ),
        some.text(max_size=9),
    ),
    TEXTS.map(lambda text: text or ""),
    max_size=3,
)
ANY_ROW = some.builds(
    Exchange,
    id=some.text(max_size=9),
    call_id=TEXTS,
    attempt=some.one_of(some.none(), some.integers(0, 9)),
    at=some.one_of(some.none(), some.datetimes(timezones=some.just(UTC))),
    source=TEXTS,
    method=some.one_of(some.sampled_from(["POST", "GET", "put", "DELETE", "PATCH", "HEAD"]), TEXTS),
    url=some.one_of(some.just(BASE), TEXTS.map(lambda text: BASE + (text or "")), TEXTS),
    request_headers=HEADERS,
    request_body=BODIES,
    status=some.one_of(
        some.none(), some.sampled_from([201, 400, 403, 404, 429, 500]), some.integers(0, 999)
    ),
    code=some.one_of(some.sampled_from([None, "unknown_group", "missing_callback_url"]), TEXTS),
    text=TEXTS,
    response_headers=HEADERS,
    response_body=BODIES,
    elapsed_ms=some.one_of(some.none(), some.floats(0, 1e9)),
    failure=some.one_of(some.none(), some.sampled_from(["ReadTimeout", "outcome unknown"]), TEXTS),
)


@pytest.mark.long
@settings(
    max_examples=150 if FULL else 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=some.lists(ANY_ROW, min_size=1, max_size=4))
def test_any_rows_at_all_are_planned_replayed_and_reported(
    tmp_path_factory: pytest.TempPathFactory, vendor: Vendor, rows: Any
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    os.environ["SINCHTOOLS_HOME"] = str(folder)
    vendor.sandbox.reset()
    check(
        folder, [replace(x, id=f"{n} {x.id}") for n, x in enumerate(rows)], vendor, WITHOUT_CHARTS
    )
    assert all(len(getattr(st.charts, chart)(frame(rows)).data) >= 0 for chart in CHARTS)


@given(some.one_of(some.lists(PIECE, max_size=12).map("".join), some.text()))
def test_a_text_is_split_like_a_url_and_no_marker_is_cut(url: Any) -> None:
    parts = split_url(url)
    whole = [mark[0] for part in parts for mark in MARKER.finditer(part)]
    assert whole == [mark[0] for mark in MARKER.finditer(url)]
    if not whole:
        assert parts in (or_none(urlsplit, url), ("", "", url, "", ""))


def or_none(make: Any, text: Any) -> Any:
    with contextlib.suppress(ValueError):
        return make(text)
    return None
