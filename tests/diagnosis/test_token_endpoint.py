"""The OAuth 2.0 token endpoint is a part of this API: what it refuses, and what its errors say."""

import json
from typing import Any

import pytest

from sinchtools.api.catalogue import explain
from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose

URL = "https://eu.auth.sinch.com/oauth2/token"
BASIC = {"Authorization": "Basic [secret pair 40 #1]"}
GRANT = "grant_type=client_credentials"
PROBLEM = {"type": "https://x.example/errors/invalid-credentials", "title": "Invalid credentials"}


def asked(headers: Any = BASIC, body: Any = GRANT, method: Any = "POST", **response: Any) -> Any:
    return complete(
        Exchange(method=method, url=URL, request_headers=headers, request_body=body, **response)
    )


def refused(status: Any, body: Any) -> dict[str, Any]:
    return {"status": status, "response_body": json.dumps(body)}


@pytest.mark.parametrize(
    ("request_parts", "status", "code", "field"),
    [
        ({}, 200, None, None),
        ({"headers": {}, "body": f"{GRANT}&client_id=a&client_secret=b"}, 200, None, None),
        ({"method": "GET"}, 405, None, "method"),
        ({"headers": {"Accept": "*/*"}}, 401, "invalid_client", "Authorization"),
        (
            {"headers": {"Authorization": "Bearer [secret opaque 32 #1]"}},
            401,
            "invalid_client",
            "Authorization",
        ),
        ({"headers": {"Authorization": "Basic $KEY"}}, 401, "invalid_client", "Authorization"),
        ({"body": '{"grant_type": "client_credentials"}'}, 400, "invalid_request", "Content-Type"),
        ({"body": "scope=sms"}, 400, "invalid_request", "grant_type"),
        ({"body": "grant_type=password"}, 400, "unsupported_grant_type", "grant_type"),
    ],
)
def test_a_request_to_the_token_endpoint_is_judged_by_its_own_rules(
    request_parts: Any, status: int, code: str | None, field: str | None
) -> None:
    told = diagnose(asked(**request_parts))
    assert (told.expected_status, told.expected_code) == (status, code)
    assert field is None or told.top.field == field


@pytest.mark.parametrize(
    ("status", "body", "rule", "code"),
    [
        (401, {"error": "invalid_client"}, "observed-token-invalid_client", "invalid_client"),
        (401, PROBLEM | {"detail": "wrong key"}, "observed-token-401", None),
        (
            400,
            {"error": "unsupported_grant_type", "error_description": "wrong key"},
            "observed-token-unsupported_grant_type",
            "unsupported_grant_type",
        ),
        (429, {}, "observed-token-429", None),
        (503, {"title": "Down"}, "general-answer", None),
    ],
)
def test_its_errors_are_told_in_its_own_words(
    status: int, body: Any, rule: str, code: str | None
) -> None:
    told = diagnose(asked(**refused(status, body)))
    assert (told.top.rule, told.expected_status, told.expected_code) == (rule, status, code)
    assert "service plan" not in told.top.says and "/batches" not in told.retry.reason
    assert "wrong key" not in json.dumps(body) or "wrong key" in told.top.says


def test_what_is_wrong_with_the_request_comes_before_the_response() -> None:
    told = diagnose(asked(body="scope=sms", **refused(400, {"error": "invalid_request"})))
    assert told.top.rule == "token-grant-type" and told.consistent


def test_a_token_that_was_given_is_fine() -> None:
    assert not diagnose(asked(status=200)).findings


@pytest.mark.parametrize("code", ["invalid_client", "invalid_request", "unsupported_grant_type"])
def test_its_codes_are_in_the_catalogue_and_not_on_the_page(code: str) -> None:
    assert not explain(None, code).on_page and explain(None, code).tag == "documented"
