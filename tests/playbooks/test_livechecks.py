"""
The read-only checks of the playbooks, against the sandbox.

One call each, and only through a client that was given.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.client.token import Token
from sinchtools.core.records import Exchange
from sinchtools.playbooks.check_rows import NOT_DECIDABLE
from sinchtools.playbooks.live_checks import LIVE, live_check
from sinchtools.playbooks.playbook import playbook, tips
from sinchtools.sandbox import Sandbox
from tests.support.present import parsed

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
BATCH = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}
GROUP = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    server.clock.freeze(NOON)
    return server


def client_of(sandbox: Sandbox, tmp_path: Path, token: Any = None) -> Client:
    log = CallLog(tmp_path / f"{bool(token)}.sqlite")
    secret = Token(token or sandbox.api_token)
    return Client(
        base_url=sandbox.url,
        account=sandbox.service_plan_id,
        token=secret,
        log=log,
        target="sandbox",
        sandbox=sandbox,
    )


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Client:
    return client_of(sandbox, tmp_path)


def exchange_of(client: Client, path: Any = "/batches", **change: Any) -> Exchange:
    url = f"https://us.sms.api.sinch.com/xms/v1/{client.account}{path}"
    return Exchange(id="x", method="POST", url=url, account=client.account, **change)


def test_whether_the_token_belongs_to_the_plan_is_read(
    client: Client, sandbox: Sandbox, tmp_path: Path
) -> None:
    refused = exchange_of(client, status=401)
    assert live_check("token-fits-plan", refused, client).state == "ok"
    assert (
        live_check(
            "token-fits-plan",
            refused,
            client_of(sandbox, tmp_path, token="another0token0of0another0plan"),
        ).state
        == "problem"
    )


@pytest.mark.parametrize(
    ("number", "state", "word"),
    [("+15551230001", "ok", "Delivered"), ("+15551230310", "problem", "310")],
)
def test_what_became_of_a_batch_is_read_from_its_report(
    client: Client, sandbox: Sandbox, number: str, state: str, word: str
) -> None:
    sent = client.batches.send({**BATCH, "to": [number]})
    sandbox.clock.advance(3600)
    checked = live_check("delivery-report", sent, client)
    assert checked.state == state and word in checked.proof


def test_a_report_that_is_not_there_yet_is_no_proof_of_delivery(client: Client) -> None:
    assert (
        live_check("delivery-report", exchange_of(client, f"/batches/{GROUP}"), client).state
        == "problem"
    )
    assert live_check("delivery-report", exchange_of(client), client).state == "not decidable"


def test_groups_of_the_request_are_looked_up(client: Client) -> None:
    made = parsed(client.groups.create({"name": "Friends"}).response_body)["id"]
    known = exchange_of(client, request_body=json.dumps({**BATCH, "to": [made]}))
    assert live_check("group-exists", known, client).state == "ok"
    checked = live_check(
        "group-exists",
        replace(known, request_body=json.dumps({**BATCH, "to": [made, GROUP]})),
        client,
    )
    assert checked.state == "problem" and f"Not known: {GROUP}" in checked.proof
    assert (
        live_check(
            "group-exists", exchange_of(client, request_body=json.dumps(BATCH)), client
        ).state
        == "not decidable"
    )


def test_a_resource_that_was_not_found_is_asked_for_again(client: Client) -> None:
    made = parsed(client.groups.create({"name": "Friends"}).response_body)["id"]
    assert (
        live_check("resource-exists", exchange_of(client, f"/groups/{made}"), client).state == "ok"
    )
    assert (
        live_check("resource-exists", exchange_of(client, f"/batches/{GROUP}"), client).state
        == "problem"
    )
    assert live_check("resource-exists", exchange_of(client), client).state == "not decidable"


@pytest.mark.parametrize("name", LIVE)
def test_a_live_check_reads_only(client: Client, sandbox: Sandbox, name: Any) -> None:
    exchange = exchange_of(
        client, f"/batches/{GROUP}", request_body=json.dumps({"to": [GROUP]}), status=404
    )
    before = sandbox.state() | {"requests": None}
    live_check(name, exchange, client)
    assert {row.method for row in client.log} == {"GET"} and sandbox.state() | {
        "requests": None
    } == before


@pytest.mark.parametrize("name", LIVE)
def test_a_client_of_another_account_is_not_used(client: Client, name: Any) -> None:
    other = replace(exchange_of(client, f"/batches/{GROUP}"), account="another")
    assert "no call was made" in live_check(name, other, client).proof and len(client.log) == 0


@pytest.mark.parametrize("name", LIVE)
def test_an_answer_that_does_not_tell_is_told(client: Client, sandbox: Sandbox, name: Any) -> None:
    sandbox.faults.add(status=503)
    exchange = exchange_of(client, f"/batches/{GROUP}", request_body=json.dumps({"to": [GROUP]}))
    assert live_check(name, exchange, client).state in ("not decidable", "ok")


def test_a_walk_makes_no_call_without_a_client(client: Client) -> None:
    walk = tips(exchange_of(client, status=401))
    while walk.current.live is None:
        walk.answer("skipped")
    assert walk.check().state == "asked" and len(client.log) == 0
    assert walk.check(client).state == "ok" and len(client.log) == 1
    walk.answer("failed")
    assert "read-only call" in walk.transcript[-1]["proof"] and len(client.log) == 1


def test_every_live_check_stands_in_a_playbook() -> None:
    used = {
        step.live
        for status, code in ((201, None), (401, None), (403, "unknown_group"), (404, None))
        for step in playbook(status, code).steps
    }
    assert used - {None} == set(LIVE)


@pytest.mark.parametrize(
    "body",
    [None, "", "<html>", "[]", "4", "{}", '{"statuses": null}', '{"statuses": 5}',
     '{"statuses": {"code": 0}}', b"\xff\xfe", "[" * 100_000],
)  # fmt: skip
def test_a_report_that_is_none_decides_nothing(body: str | bytes | None) -> None:
    client: Any = SimpleNamespace(
        delivery_reports=SimpleNamespace(
            get=lambda *_, **__: Exchange(status=200, response_body=body)
        )
    )
    sent = Exchange(status=201, response_body=json.dumps({"id": GROUP}), endpoint="POST /batches")
    checked = live_check("delivery-report", sent, client)
    assert checked.state == NOT_DECIDABLE
