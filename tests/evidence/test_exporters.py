"""What is written reads back equal."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools.api import description
from sinchtools.core.records import Exchange
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_curl, to_har, to_jsonl

GOOD = description.complete(
    Exchange(
        id="row-1",
        at=datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=UTC),
        source="case.har#1",
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan/batches?a[]=1",
        request_headers={
            "Authorization": "Bearer [secret opaque 12 #1]",
            "Content-Type": "application/json",
        },
        request_body='{"body": "it\'s \\"1\\" $5 `x` \\n"}',
        status=403,
        response_headers={"Content-Type": "application/json"},
        response_body='{"code": "unknown_group", "text": "No"}',
        elapsed_ms=12.5,
    )
)
VARIANTS: dict[str, dict[str, Any]] = {
    "as-it-is": {},
    "no-answer": {
        "status": None,
        "code": None,
        "text": None,
        "response_headers": {},
        "response_body": None,
        "elapsed_ms": None,
        "failure": "ConnectTimeout",
    },
    "empty-bodies": {
        "request_body": "",
        "response_body": "",
        "code": None,
        "text": None,
        "status": 200,
    },
    "no-bodies": {
        "method": "GET",
        "endpoint": "GET /batches",
        "request_body": None,
        "response_body": None,
        "code": None,
        "text": None,
        "status": 404,
    },
    "bytes": {
        "request_body": b"\xff\xfe\x01",
        "response_body": b"\x80",
        "code": None,
        "text": None,
    },
    "replay": {
        "parent_id": "row-0",
        "call_id": "call",
        "attempt": 3,
        "origin": "replay",
        "target": "sandbox",
    },
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("write", [to_jsonl, to_har])
def test_files_of_ours_read_back_equal(write: Any, variant: str) -> None:
    exchange = replace(GOOD, **VARIANTS[variant])
    assert list(read(write([exchange]))) == [exchange]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_curl_command_of_ours_reads_back_as_the_same_request(variant: str) -> None:
    row = replace(GOOD, **VARIANTS[variant])
    assert request_of(read(to_curl(row) + "\n")[0]) == request_of(row)


PATHS = st.text(st.sampled_from("abc/XYZ019-._~%20{}[]:@!$&'()*+,;="), max_size=20).map(
    lambda path: f"https://us.sms.api.sinch.com/xms/v1/plan/{path}"
)
QUERIES = st.text(st.sampled_from("abc=&1%20[]{}'\"$+;,|^`~é"), max_size=20).map(
    lambda query: f"?{query}" if query else ""
)
NAMES = st.from_regex(r"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", fullmatch=True)
VALUES = TEXT.map(lambda value: " ".join(value.split()))
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4).map(
    lambda found: {**found, "Content-Type": "text/plain"}
)
BODIES = st.none() | TEXT | st.binary(max_size=40).filter(lambda data: b"\0" not in data)


@st.composite
def exchanges(draw: Any) -> Any:
    """
    Any exchange that `read` could have made.

    Its secrets are markers already, and the same header is there once.
    """
    headers = {name.lower(): (name, value) for name, value in draw(HEADERS).items()}
    made = replace(
        GOOD,
        method=draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])),
        url=draw(PATHS) + draw(QUERIES),
        request_headers=dict(headers.values()),
        request_body=draw(BODIES),
        response_body=draw(BODIES),
        code=None,
        text=None,
        endpoint=None,
    )
    return read(
        made
        if isinstance(made.request_body, str | None)
        else replace(made, request_body=_text_or_bytes(made.request_body))
    )[0]


def _text_or_bytes(data: Any) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


@given(exchanges())
def test_any_request_survives_a_curl_command(exchange: Exchange) -> None:
    assert request_of(read(to_curl(exchange) + "\n")[0]) == request_of(exchange)


@given(st.lists(exchanges(), max_size=3))
@pytest.mark.parametrize("write", [to_har, to_jsonl])
def test_any_exchanges_survive_a_file_of_ours(write: Any, listed: Any) -> None:
    listed = [
        replace(exchange, id=f"row-{i}", response_body=_plain(exchange))
        for i, exchange in enumerate(listed)
    ]
    assert list(read(write(listed) if listed else to_har([]))) == [
        next(iter(read(description.complete(exchange)))) for exchange in listed
    ]


def _plain(exchange: Exchange) -> Any:
    return (
        exchange.response_body
        if not isinstance(exchange.response_body, bytes)
        else _text_or_bytes(exchange.response_body)
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@given(TEXT)
def test_bash_sees_the_words_that_we_read(body: Any) -> None:
    command = to_curl(replace(GOOD, request_body=body))
    words = (
        subprocess.run(
            ["bash", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + command],
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .split("\0")
    )
    assert words[-2] == body


@pytest.mark.parametrize("write", [to_jsonl, to_har])
def test_what_the_delivery_report_said_is_read_back(write: Any) -> None:
    (back,) = read(write([replace(GOOD, delivery="412 Failed")]))
    assert back.delivery == "412 Failed"


def test_a_har_with_words_for_a_number_is_read() -> None:
    log = json.loads(to_har([GOOD]))
    log["log"]["entries"][0]["_sinchtools"]["attempt"] = "2"
    assert len(read(json.dumps(log))) == 1


def test_har_has_the_parts_that_other_tools_ask_for() -> None:
    log = json.loads(to_har([GOOD]))["log"]
    assert {"version", "creator", "entries"} <= log.keys()
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= log["entries"][
        0
    ].keys()


def request_of(exchange: Exchange) -> tuple[Any, Any, dict[str, Any], Any]:
    return exchange.method, exchange.url, dict(exchange.request_headers), exchange.request_body
