"""The endpoints of the API, with their parameters and responses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from urllib.parse import unquote

from sinchtools.api.description.fields import SCHEMAS, STATUSES, Field

PREFIX = "/xms/v1"
CONTROL = "/__sandbox__/"  # the sandbox's own switches, below no account
_PAGING = {
    "page": Field(kind="integer", low=0, default=0),
    "page_size": Field(kind="integer", low=1, high=100, default=30),
}
_WINDOW = {
    "start_date": Field(kind="instant"),
    "end_date": Field(kind="instant"),
    "client_reference": Field(kind="text"),
}
_REPORT_FILTER = {"status": Field(kind="choices", choices=STATUSES), "code": Field(kind="integers")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One operation of the API.

    Attributes
    ----------
    operation
        The vendor's name, after the resource: ``batches.send``.
    method, path
        The path stands below ``/xms/v1/{service_plan_id}``.
    success
        Status of a good answer.
    body
        Name of the body's schema in `SCHEMAS` (a batch's also needs its type), or None.
    query
        The query parameters by name.
    """

    operation: str
    method: str
    path: str
    success: int = 200
    body: str | None = None
    query: dict[str, Field] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """Method and path, as in the column ``endpoint``."""
        return f"{self.method} {self.path}"


ENDPOINTS = (
    Endpoint(operation="batches.send", method="POST", path="/batches", success=201, body="batch"),
    Endpoint(
        operation="batches.list",
        method="GET",
        path="/batches",
        query={
            **_PAGING,
            "from": Field(kind="list"),
            **_WINDOW,
            "tags": Field(kind="list", tag="O"),
        },
    ),
    Endpoint(
        operation="batches.dry_run",
        method="POST",
        path="/batches/dry_run",
        body="batch",
        query={
            "per_recipient": Field(kind="flag", default=False),
            "number_of_recipients": Field(kind="integer", low=0, high=1000, default=100),
        },
    ),
    Endpoint(operation="batches.get", method="GET", path="/batches/{batch_id}"),
    Endpoint(
        operation="batches.update", method="POST", path="/batches/{batch_id}", body="batch_update"
    ),
    Endpoint(operation="batches.replace", method="PUT", path="/batches/{batch_id}", body="batch"),
    Endpoint(operation="batches.cancel", method="DELETE", path="/batches/{batch_id}"),
    Endpoint(
        operation="batches.send_delivery_feedback",
        method="POST",
        path="/batches/{batch_id}/delivery_feedback",
        success=202,
        body="feedback",
    ),
    Endpoint(
        operation="delivery_reports.get",
        method="GET",
        path="/batches/{batch_id}/delivery_report",
        query={
            "type": Field(kind="choice", choices=("summary", "full"), default="summary"),
            **_REPORT_FILTER,
            "client_reference": Field(kind="text", tag="S"),
        },
    ),
    Endpoint(
        operation="delivery_reports.get_for_number",
        method="GET",
        path="/batches/{batch_id}/delivery_report/{recipient_msisdn}",
    ),
    Endpoint(
        operation="delivery_reports.list",
        method="GET",
        path="/delivery_reports",
        query={**_PAGING, **_WINDOW, **_REPORT_FILTER},
    ),
    Endpoint(
        operation="inbounds.list",
        method="GET",
        path="/inbounds",
        query={**_PAGING, "to": Field(kind="list"), **_WINDOW},
    ),
    Endpoint(operation="inbounds.get", method="GET", path="/inbounds/{inbound_id}"),
    Endpoint(
        operation="groups.list",
        method="GET",
        path="/groups",
        query={**_PAGING, "tags": Field(kind="list", tag="O")},
    ),
    Endpoint(operation="groups.create", method="POST", path="/groups", success=201, body="group"),
    Endpoint(operation="groups.get", method="GET", path="/groups/{group_id}"),
    Endpoint(
        operation="groups.update", method="POST", path="/groups/{group_id}", body="group_update"
    ),
    Endpoint(
        operation="groups.replace", method="PUT", path="/groups/{group_id}", body="group_replace"
    ),
    Endpoint(operation="groups.delete", method="DELETE", path="/groups/{group_id}"),
    Endpoint(operation="groups.list_members", method="GET", path="/groups/{group_id}/members"),
)
PATH_WORDS = tuple(  # the fixed parts of all paths, each once
    dict.fromkeys(
        word
        for endpoint in ENDPOINTS
        for word in endpoint.path.split("/")
        if word and "{" not in word
    )
)
BY_TEMPLATE = MappingProxyType({endpoint.template: endpoint for endpoint in ENDPOINTS})


@lru_cache(maxsize=4096)
def route(path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
    """
    Return the endpoints of a path below the account, by method, and the values in it.

    Both empty when no route fits.

    Examples
    --------
    >>> endpoints, values = route("/groups/01FC66621VHDBN119Z8PMV1QPU/members")
    >>> list(endpoints), values
    (['GET'], {'group_id': '01FC66621VHDBN119Z8PMV1QPU'})
    """
    trimmed = path.removesuffix("/") or path
    for template, pattern in _patterns():
        if match := pattern.fullmatch(trimmed):
            found = {
                endpoint.method: endpoint for endpoint in ENDPOINTS if endpoint.path == template
            }
            return found, {name: unquote(value) for name, value in match.groupdict().items()}
    return {}, {}


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    templates = dict.fromkeys(endpoint.path for endpoint in ENDPOINTS)
    literal_first = sorted(templates, key=lambda template: template.count("{"))
    return [
        (template, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)))
        for template in literal_first
    ]


def routes() -> list[tuple[str, list[Endpoint]]]:
    """Return the pattern of each route below the account, in their order, and its endpoints."""
    return [
        (
            re.sub(r"\{\w+\}", "[^/]+", template),
            [endpoint for endpoint in ENDPOINTS if endpoint.path == template],
        )
        for template, _ in _patterns()
    ]


_OTHER_NAMES = (
    "Authorization", "Content-Type", "Content-Length", "Accept", "Host", "host", "method", "path",
    "service_plan_id", "batch_id", "group_id", "inbound_id", "recipient_msisdn",
)  # fmt: skip


@cache
def field_names() -> frozenset[str]:
    """Return the API's own names of fields, headers and parts of a path."""
    of_bodies = (name for schema in SCHEMAS.values() for name in schema)
    of_queries = (name for endpoint in ENDPOINTS for name in endpoint.query)
    return frozenset([*of_bodies, *of_queries, *_OTHER_NAMES])
