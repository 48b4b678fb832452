"""A misspelled name gets a suggested fix where one known name alone is near."""

import json
from typing import Any

import pytest

from sinchtools.api.validation.names import meant
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.reading import read
from sinchtools.replays.proof import prove
from tests.support.present import present

URL = "https://eu.sms.api.sinch.com/xms/v1/4c1f0a8e92b74d65ab3e7c90d1f2e8a7"
HEADERS = {"Authorization": "Bearer 7be0c2d9415f4a6c8d3e9f01a2b4c6d8"}
GROUP = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"
SENT = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}


def row(
    body: Any = None,
    path: Any = "/batches",
    method: Any = None,
    headers: Any = None,
    **response: Any,
) -> Any:
    sent = HEADERS | ({"Content-Type": "application/json"} if body else {})
    told = {
        "method": method or ("POST" if body else "GET"),
        "url": URL + path,
        "request_headers": sent if headers is None else headers,
        "at": "2027-03-01T12:00:00Z",
    }
    if body:
        told["request_body"] = body if isinstance(body, str) else json.dumps(body)
    return read(json.dumps(told | response))[0]


def without(name: Any, **more: Any) -> Any:
    return {key: value for key, value in SENT.items() if key != name} | more


REFUSED = {
    "a required field": row(without("to", too=SENT["to"])),
    "of another case": row(without("body", Body="Hi")),
    "with a broken comma": row('{"from": "12345", "bdy": "Hi", "to": ["+15551230001"],}'),
    "a group's members": row(
        {"name": "A", "memebers": ["+15551230001"]}, "/groups/01HV5Z8Q3T6W9Y2B4D7F0H1J3K", "PUT"
    ),
    "a parameter of the text": row(
        SENT | {"body": "Code ${code}", "parameters": {"cod": {"default": "1"}}},
        status=400,
        response_body='{"code": "syntax_constraint_violation", "text": "parameters.code"}',
    ),
    "a field that was refused": row(
        SENT | {"delivery_reprot": "none"},
        status=400,
        response_body='{"code": "syntax_invalid_json", "text": "Unrecognized: delivery_reprot"}',
    ),
    "a header": row(headers={"Authorisation": HEADERS["Authorization"]}),
    "a word of the path": row(SENT, "/batchs"),
    "a word in capitals": row(path="/Groups"),
}


@pytest.mark.parametrize("exchange", REFUSED.values(), ids=REFUSED)
def test_the_right_name_is_proven_in_the_sandbox(exchange: Exchange) -> None:
    proof = prove(diagnose(exchange, now=exchange.at))
    assert proof.proven, proof
    assert any("rename" in change or "path: /" in change for change in proof.changes)


@pytest.mark.parametrize(
    ("exchange", "change"),
    [
        (row(SENT | {"clientReference": "o-1"}), 'rename "clientReference" to "client_reference"'),
        (row(without("from", form="12345")), 'rename "form" to "from"'),
        (row(path="/batches?pageSize=10&page=0"), 'query: rename "pageSize" to "page_size"'),
        (
            row(SENT | {"body": "${Name}", "parameters": {"name": {"default": "A"}}}),
            'parameters: rename "name" to "Name"',
        ),
    ],
)
def test_what_may_be_ignored_is_a_warning_with_a_fix(exchange: Exchange, change: str) -> None:
    found = diagnose(exchange, now=exchange.at)
    assert present(found.expected_status) < 300 and present(found.fix).changes == (change,)
    assert prove(found).verdict == "SAME"


@pytest.mark.parametrize(
    "exchange",
    [
        row(SENT | {"boddy": "x"}),  # the right name is there as well
        row(SENT | {"order_number": "7"}),  # near to nothing
        row(SENT | {"body": "${a1} ${a2}", "parameters": {"a": {"default": "1"}}}),  # two are near
        row(path="/batches?pgae=1&page=2"),
    ],
)
def test_without_one_name_alone_there_is_no_fix(exchange: Exchange) -> None:
    assert diagnose(exchange, now=exchange.at).fix is None


def test_a_near_name_is_certain_only_when_it_is_the_only_one() -> None:
    assert meant("to_addd", ["to_add", "to_remove"]) == "to_add"
    assert meant("send_x", ["send_at", "send_in"]) is None
