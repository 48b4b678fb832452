"""
What the vendor's status page lists, and how each of its responses is caused.

This is the one list of it in the tests. A status or code that `data/catalogue/http.toml` has, and
that is in none of the tables here, fails `test_every_status_and_code_has_a_row`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sinchtools.client.client import Client
from sinchtools.core.records import Exchange
from sinchtools.sandbox import Sandbox

GOOD = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
ID = "01FC66621VHDBN119Z8PMV1QPU"
Scene = Callable[[Client, Sandbox], Exchange]


def faulted(**fault: Any) -> Any:
    def scene(client: Client, sandbox: Sandbox) -> Any:
        sandbox.faults.add(**fault, times=1)
        return client.batches.send(GOOD)

    return scene


def blocked(client: Client, sandbox: Sandbox) -> Any:
    sandbox.account(sandbox.service_plan_id).blocked = True
    return client.batches.send(GOOD)


def illegal(client: Client, sandbox: Sandbox) -> Any:
    sandbox.account(sandbox.service_plan_id, illegal_countries=("SE",))
    return client.batches.send({**GOOD, "to": ["+46701740605"]})


PAGE: dict[tuple[int, str | None], Scene] = {
    (200, None): lambda client, _: client.batches.list(),
    (201, None): lambda client, _: client.groups.create({"name": "team"}),
    (400, "syntax_constraint_violation"): lambda client, _: client.batches.send({"body": "Hi"}),
    (400, "syntax_invalid_json"): lambda client, _: client.request(
        "POST", "/batches", data='{"to": ["+15551230001"],}'
    ),
    (400, "syntax_invalid_parameter_format"): lambda client, _: client.batches.send(
        {**GOOD, "to": ["++15551230001"]}
    ),
    (401, None): lambda client, _: client.request(
        "GET", "/batches", headers={"Authorization": "Bearer of-another-plan"}
    ),
    (403, "blocked_account"): blocked,
    (403, "illegal_number_type"): illegal,
    (403, "missing_callback_url"): lambda client, _: client.batches.send(
        {**GOOD, "delivery_report": "full"}
    ),
    (403, "unknown_group"): lambda client, _: client.batches.send({**GOOD, "to": [ID]}),
    (404, None): lambda client, _: client.batches.get(ID),
    (405, None): lambda client, _: client.request("DELETE", f"/inbounds/{ID}"),
    (415, None): lambda client, _: client.request(
        "POST", "/batches", data="{}", headers={"Content-Type": "text/plain"}
    ),
    (429, None): faulted(status=429),
    (500, None): faulted(status=500),
    (503, None): faulted(status=503),
}
NOT_ON_PAGE: tuple[tuple[int, str | None], ...] = (
    (202, None),
    (409, None),
    (409, "conflict_send_at"),
    (403, "unknown_campaign"),
    (403, "conflict_group_name"),
    (403, "batch_already_dispatched"),
    # of the token endpoint
    (401, "invalid_client"),
    (400, "invalid_request"),
    (400, "unsupported_grant_type"),
)
WITHOUT_CODE = ((400, None), (403, None))  # what a status says whose code is not known


def in_words(row: tuple[int, str | None]) -> str:
    return " ".join(str(part) for part in row if part)
