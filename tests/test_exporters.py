"""What is written reads back equal."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools import api
from sinchtools.exporters import to_curl, to_har, to_jsonl
from sinchtools.importers import read
from sinchtools.records import Exchange

GOOD = api.complete(
    Exchange(
        id="row-1",
        at=datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=UTC),
        source="case.har#1",
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan/batches?a[]=1",
        request_headers={"Authorization": "Bearer [secret opaque 12 #1]", "Content-Type": "application/json"},
        request_body='{"body": "it\'s \\"1\\" $5 `x` \\n"}',
        status=403,
        response_headers={"Content-Type": "application/json"},
        response_body='{"code": "unknown_group", "text": "No"}',
        elapsed_ms=12.5,
    )
)
VARIANTS = {
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
    "empty-bodies": {"request_body": "", "response_body": "", "code": None, "text": None, "status": 200},
    "no-bodies": {
        "method": "GET",
        "endpoint": "GET /batches",
        "request_body": None,
        "response_body": None,
        "code": None,
        "text": None,
        "status": 404,
    },
    "bytes": {"request_body": b"\xff\xfe\x01", "response_body": b"\x80", "code": None, "text": None},
    "replay": {"parent_id": "row-0", "call_id": "call", "attempt": 3, "origin": "replay", "target": "sandbox"},
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("write", [to_jsonl, to_har])
def test_files_of_ours_read_back_equal(write, variant):
    exchange = replace(GOOD, **VARIANTS[variant])
    assert list(read(write([exchange]))) == [exchange]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_curl_command_of_ours_reads_back_as_the_same_request(variant):
    assert request_of(read(to_curl(replace(GOOD, **VARIANTS[variant])) + "\n")[0]) == request_of(replace(GOOD, **VARIANTS[variant]))


@given(TEXT, TEXT)
def test_any_body_and_header_survive_a_curl_command(body, value):
    exchange = replace(GOOD, request_headers={"X-Note": " ".join(value.split()), "Content-Type": "text/plain"}, request_body=body)
    assert request_of(read(to_curl(exchange) + "\n")[0]) == request_of(next(iter(read(exchange))))


@given(TEXT, TEXT)
def test_any_body_survives_a_har_and_json_lines(body, answer):
    exchange = api.complete(replace(GOOD, request_body=body, response_body=answer, code=None, text=None))
    assert list(read(to_har([exchange]))) == list(read(to_jsonl([exchange]))) == [exchange]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@given(TEXT)
def test_bash_sees_the_words_that_we_read(body):
    command = to_curl(replace(GOOD, request_body=body))
    words = subprocess.run(["bash", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + command], capture_output=True, check=True).stdout.decode().split("\0")
    assert words[-2] == body


def test_har_has_the_parts_that_other_tools_ask_for():
    log = json.loads(to_har([GOOD]))["log"]
    assert {"version", "creator", "entries"} <= log.keys()
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= log["entries"][0].keys()


def request_of(exchange):
    return exchange.method, exchange.url, dict(exchange.request_headers), exchange.request_body
