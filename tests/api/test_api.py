"""The description of the API: places, routes, and what a message weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sinchtools.api.description import ENDPOINTS, complete, error_of, locate, substituted
from sinchtools.core.gsm import digits, encoding_of, not_gsm7, parts_of
from sinchtools.core.records import Exchange

PLAN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4"


@pytest.mark.parametrize(
    ("url", "kind", "region", "account", "below"),
    [
        (f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches", "plan", "us", PLAN, "/batches"),
        (
            f"https://zt.eu.sms.api.sinch.com/xms/v1/{PLAN}/groups/",
            "project",
            "eu",
            PLAN,
            "/groups/",
        ),
        (f"HTTPS://US.SMS.API.SINCH.COM/xms/v1/{PLAN}/batches", "plan", "us", PLAN, "/batches"),
        ("https://uk.sms.api.sinch.com/xms/v1/p/batches", "plan", None, "p", "/batches"),
        (
            "https://{region}.sms.api.sinch.com/xms/v1/{service_plan_id}/batches",
            "plan",
            None,
            "{service_plan_id}",
            "/batches",
        ),
        ("https://api.clxcommunications.com/xms/v1/p/batches", "legacy", None, "p", "/batches"),
        ("http://127.0.0.1:8080/xms/v1/p/batches", "loopback", None, "p", "/batches"),
        ("/xms/v1/p/batches", "none", None, "p", "/batches"),
        ("https://api.example.com/messages", "other", None, None, None),
        (
            "https://[secret pair 9 #1]@us.sms.api.sinch.com/xms/v1/p/batches?token=[secret "
            "opaque 8 #2]&page=2",
            "plan",
            "us",
            "p",
            "/batches",
        ),
        ("", "none", None, None, None),
        ("http://[::1", "none", None, None, None),
    ],
)
def test_a_url_tells_where_it_points_to(
    url: str, kind: str, region: str | None, account: str | None, below: str | None
) -> None:
    place = locate(url)
    assert (place.kind, place.region, place.account, place.below) == (kind, region, account, below)


def test_a_marker_in_a_url_hides_no_later_parameter() -> None:
    assert (
        dict(
            locate(
                "https://us.sms.api.sinch.com/xms/v1/p/batches?token=[secret opaque 8 #2]&page=2"
            ).query
        )["page"]
        == "2"
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.template)
def test_every_endpoint_is_found_by_its_own_path(endpoint: Any) -> None:
    path = endpoint.path.replace("{", "").replace("}", "")
    assert (
        locate(f"https://us.sms.api.sinch.com/xms/v1/p{path}").endpoints[endpoint.method]
        is endpoint
    )


def test_dry_run_is_no_batch_id() -> None:
    assert [
        endpoint.operation for endpoint in locate("/xms/v1/p/batches/dry_run").endpoints.values()
    ] == ["batches.dry_run"]


def test_complete_fills_in_what_the_rest_tells_and_keeps_what_is_there() -> None:
    bare = Exchange(
        method="POST",
        url=f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
        status=403,
        response_body='{"code": "unknown_group", "text": "no"}',
    )
    done = complete(bare)
    assert (done.endpoint, done.region, done.account, done.code, done.text) == (
        "POST /batches",
        "us",
        PLAN,
        "unknown_group",
        "no",
    )
    assert complete(replace(bare, account="mine")).account == "mine"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("<html>", (None, None)),
        ("[1]", (None, None)),
        ('{"code": 21211, "message": "bad"}', (None, "bad")),
        ('{"code": "x", "description": "d"}', ("x", "d")),
        (b'{"code": "x"}', ("x", None)),
        ("{" * 50_000, (None, None)),
    ],
)
def test_the_code_and_the_text_come_from_an_error_body(
    body: str | bytes | None, found: Any
) -> None:
    assert error_of(body) == found


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("", "text", 1),
        ("a" * 160, "text", 1),
        ("a" * 161, "text", 2),
        ("a" * 306, "text", 2),
        ("a" * 307, "text", 3),
        ("a" * 2000, "text", 14),
        ("{" * 80, "text", 1),
        ("{" * 81, "text", 2),
        ("{" * 153, "text", 3),
        ("д" * 70, "unicode", 1),
        ("д" * 71, "unicode", 2),
        ("д" * 2000, "unicode", 30),
        ("😀" * 35, "unicode", 1),
        ("😀" * 36, "unicode", 2),
        ("“hi”", "unicode", 1),
        ("ç", "unicode", 1),
        ("Ç\n€", "text", 1),
    ],
)
def test_a_message_weighs_what_the_tables_say(text: str, encoding: str, parts: int) -> None:
    assert (encoding_of(text), parts_of(text)) == (encoding, parts)


def test_the_characters_at_fault_are_named_once() -> None:
    assert not_gsm7("a“b“c’") == ["“", "’"]


PARAMETERS = {"name": {"+15551230001": "Anna", "default": "you"}, "code": {"15551230001": "1"}}


@pytest.mark.parametrize(
    ("recipient", "text"),
    [("15551230001", "Hi Anna 1"), ("+1 555 123 0001", "Hi Anna 1"), ("+15551230002", None)],
)
def test_placeholders_are_filled_for_one_recipient(recipient: str, text: str | None) -> None:
    assert substituted("Hi ${name} ${code}", PARAMETERS, recipient) == text


def test_a_default_stands_in() -> None:
    assert substituted("Hi ${name}", PARAMETERS, "+15551230002") == "Hi you"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+46 70-174 06 05", "46701740605"),
        ("0046701740605", "46701740605"),
        ("(555) 123.4567", "5551234567"),
    ],
)
def test_a_number_is_shown_as_its_digits(number: str, shown: str) -> None:
    assert digits(number) == shown
