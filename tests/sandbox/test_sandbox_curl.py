"""
Real curl, run as a subprocess, gets each row of the status page.

The body-less ones have no body byte.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sinchtools.sandbox import Sandbox
from tests.support.status_page import PAGE

SEND = json.dumps({"to": ["+15551230001"], "from": "15559870002", "body": "Hi"})
GROUP = "01AAAAAAAAAAAAAAAAAAAAAAAA"
JSON = ("-H", "Content-Type: application/json")


def setting(**settings: Any) -> Any:
    return lambda sandbox: sandbox.account(**settings)


def fault(**spec: Any) -> Any:
    return lambda sandbox: sandbox.faults.add(**spec)


def deleted_group(sandbox: Any) -> None:
    sandbox.account().add_group(GROUP)
    del sandbox.account().groups[GROUP]


def full_house(sandbox: Any) -> None:
    sandbox.limiter.per_account = 0


def sent(body: Any) -> Any:
    return ("/batches", *JSON, "-d", body)


def body(**change: Any) -> str:
    return json.dumps({**json.loads(SEND), **change})


CAUSED = [  # state before, arguments, status, code
    (None, ("/batches",), 200, None),
    (None, sent(SEND), 201, None),
    (None, ("/groups", *JSON, "-d", '{"name": "Friends"}'), 201, None),
    (None, sent('{"to": ["+15551230001"]}'), 400, "syntax_constraint_violation"),
    (None, sent(body(body="x" * 2001)), 400, "syntax_constraint_violation"),
    (None, sent(body(expire_at="2020-01-01")), 400, "syntax_constraint_violation"),
    (None, sent(SEND.replace("}", ",}")), 400, "syntax_invalid_json"),
    (None, sent(SEND.replace('"', "'")), 400, "syntax_invalid_json"),
    (None, sent(body(to="+15551230001")), 400, "syntax_invalid_json"),
    (None, sent(body(to=["07700900123"])), 400, "syntax_invalid_parameter_format"),
    (None, sent(body(send_at="tomorrow")), 400, "syntax_invalid_parameter_format"),
    (None, ("/batches?page=x",), 400, "syntax_invalid_parameter_format"),
    (None, ("/batches", "-H", "Authorization: Bearer of-another-plan"), 401, None),
    (setting(blocked=True), sent(SEND), 403, "blocked_account"),
    (setting(illegal_countries=["US"]), sent(SEND), 403, "illegal_number_type"),
    (None, sent(body(delivery_report="full")), 403, "missing_callback_url"),
    (deleted_group, sent(body(to=[GROUP])), 403, "unknown_group"),
    (None, (f"/batches/{GROUP}",), 404, None),
    (None, ("/messages",), 404, None),
    (None, (f"/inbounds/{GROUP}", "-X", "DELETE"), 405, None),
    (None, ("/batches", "-d", SEND), 415, None),
    (None, ("/batches", "-H", "Content-Type:", "-d", SEND), 415, None),
    (full_house, ("/batches",), 429, None),
    (fault(status=429, retry_after_s=2), ("/batches",), 429, None),
]
BY_FAULT = [
    (fault(status=status, code=code), sent(SEND), status, code)
    for status, code in PAGE
    if (status, code) not in [(caused[2], caused[3]) for caused in CAUSED]
]


@pytest.fixture(scope="module")
def curl() -> str:
    path = shutil.which("curl")
    if path is None and os.environ.get("SINCHTOOLS_BROWSER") == "required":
        pytest.fail("curl is not installed.")
    return path or pytest.skip("curl is not installed.")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize(("before", "arguments", "status", "code"), CAUSED + BY_FAULT)
def test_curl_gets_each_row_of_the_status_page(
    curl: str,
    sandbox: Sandbox,
    before: Any,
    arguments: Any,
    status: int,
    code: str | None,
) -> None:
    if before:
        before(sandbox)
    path, *rest = arguments
    token = (
        []
        if any("Authorization" in one for one in rest)
        else ["-H", f"Authorization: Bearer {sandbox.api_token}"]
    )
    url = f"{sandbox.url}/xms/v1/{sandbox.service_plan_id}{path}"
    command = [
        curl,
        "-q",
        "-s",
        "-S",
        "-m",
        "20",
        "--noproxy",
        "*",
        "-w",
        "\n%{http_code} %{size_download} %header{x-simulated}",
        *token,
        *rest,
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    answer, _, facts = done.stdout.rpartition("\n")
    assert facts.split() == [str(status), str(len(answer.encode())), "1"]
    if status < 300:
        assert json.loads(answer)
    elif code:
        assert json.loads(answer)["code"] == code
        assert json.loads(answer)["text"]
    else:
        assert answer == ""
