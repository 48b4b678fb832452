"""
The sandbox against its own OpenAPI document.

Some 10,000 requests made from it by schemathesis.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.openapi import openapi

if os.environ.get("SINCHTOOLS_FULL") != "1":
    pytest.skip("This is long: make check-long.", allow_module_level=True)

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

schema = schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.long
@schema.parametrize()
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
def test_no_answer_is_outside_the_document(case: Any, server: Sandbox) -> None:
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    base = f"{server.url}/xms/v1/{server.service_plan_id}"
    case.call_and_validate(
        base_url=base, headers={"Authorization": f"Bearer {server.api_token}"}, checks=checks
    )
