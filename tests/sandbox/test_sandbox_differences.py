"""The list of differences in docs/sandbox.md is walked: the sandbox does what each row says."""

import json
from pathlib import Path

import pytest
import requests

from sinchtools.sandbox.server import Sandbox

GOOD = {"to": ["+447700900777"], "from": "447700900778", "body": "Doors open at 9"}
FORMAT, CONSTRAINT = "syntax_invalid_parameter_format", "syntax_constraint_violation"
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
WALKED = {  # matter: (path, what is sent (None: a read), status, code)
    "Delivery report of a batch ID that is not known": (
        "/batches/01JQN0SVCHBATCH0000000000A/delivery_report", None, 404, None,
    ),
    "Body that is too long": ("/batches", GOOD | {"body": "x" * 2500}, 400, CONSTRAINT),
    "Body of more than 10 MB": ("/batches", GOOD | {"body": "x" * 10_500_000}, 413, None),
    "Number without its area code": ("/batches", GOOD | {"to": ["5550199"]}, 400, FORMAT),
    "Sender of more than 11 letters and digits": (
        "/batches", GOOD | {"from": "TwelveLetter"}, 400, FORMAT,
    ),
    "Unknown field of a body": ("/batches", GOOD | {"colour": "red"}, 201, None),
    "Wrong JSON type of a field": ("/batches", GOOD | {"body": 5}, 400, "syntax_invalid_json"),
    "`page_size` above 100": ("/batches?page_size=150", None, 400, CONSTRAINT),
    "Dry run": ("/batches/dry_run", GOOD | {"delivery_report": "full"}, 200, None),
    "All four kinds of report need a callback URL, on send, update and replace": (
        "/batches", GOOD | {"delivery_report": "summary"}, 403, "missing_callback_url",
    ),
    "Duplicate recipients": ("/batches", GOOD | {"to": [*GOOD["to"], *GOOD["to"]]}, 201, None),
    "`tags` below groups and batches as paths of their own": (
        "/groups/01JQN0SVCHGROUP0000000000A/tags", None, 404, None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("matter", "case"), WALKED.items(), ids=str)
def test_the_sandbox_does_what_the_list_says(box, matter, case):
    path, sent, status, code = case
    assert f"\n| {matter} |" in DOCUMENTED
    headers = {"Authorization": f"Bearer {box.api_token}", "Content-Type": "application/json"}
    answer = requests.request(
        "GET" if sent is None else "POST",
        f"{box.url}/xms/v1/{box.service_plan_id}{path}",
        headers=headers,
        data=None if sent is None else json.dumps(sent),
        timeout=30,
    )
    told = answer.json() if answer.text else {}
    assert (answer.status_code, told.get("code")) == (status, code)
