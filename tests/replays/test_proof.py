import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest

import sinchtools
from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from sinchtools.replays import trials
from sinchtools.replays.proof import prove, smallest_change
from tests.support import corpus
from tests.support.present import present

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
URL = "https://us.sms.api.sinch.com/xms/v1/9b1c2d3e4f5061728394a5b6c7d8e9f0/batches"
GROUP = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"
BODY = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}
GOOD = Exchange(
    id="x1",
    at=NOW,
    method="POST",
    url=URL,
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body=json.dumps(BODY),
)


def varied(**change: Any) -> Any:
    return complete(replace(GOOD, **change))


def body(**change: Any) -> dict[str, Any]:
    return {"request_body": json.dumps({**BODY, **change})}


def refused(status: Any, code: Any = None) -> dict[str, Any]:
    return {
        "status": status,
        "response_body": json.dumps({"code": code, "text": "x"}) if code else None,
    }


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: Any, address: Any) -> Any:
        assert address[0] == "127.0.0.1", "only the sandbox may be asked"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


# --- proof ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        body(to="+15551230001"),
        body(to=["++15551230001"]),
        {"request_body": json.dumps(BODY)[:-1] + ",}"},
        {"request_headers": {**GOOD.request_headers, "Content-Type": "text/plain"}},
        {"request_headers": {**GOOD.request_headers, "Authorization": "[secret opaque 32 #1]"}},
        {"url": URL.replace("/xms", "//xms")},
    ],
)
def test_a_certain_repair_is_shown_to_pass_where_the_original_fails(change: Any) -> None:
    shown = prove(diagnose(varied(**change)))
    assert shown.proven and shown.verdict == "FIXED"
    before, after = present(shown.original), present(shown.repaired)
    assert present(before.status) >= 400 and after.status == 201
    assert {before.target, after.target} == {"sandbox"}
    assert "simulated" in shown.as_text() and "simulated" in shown._repr_html_()


def test_a_diagnosis_proves_its_own_repair() -> None:
    assert prove(diagnose(varied(**body(to="+15551230001")))).proven


@pytest.mark.parametrize(
    "change",
    [refused(401), refused(403, "blocked_account"), refused(500), refused(503), refused(429)],
)
def test_where_no_change_of_the_request_can_help_that_is_said_and_nothing_is_tried(
    change: Any,
) -> None:
    shown, smallest = prove(diagnose(varied(**change))), smallest_change(varied(**change))
    assert (
        not shown.proven
        and shown.repaired is None
        and "no change of the request can help" in shown.reason
    )
    assert (
        smallest.changes == ()
        and smallest.trials == 0
        and "no change of the request can help" in smallest.reason
    )


def test_without_a_certain_repair_there_is_no_proof() -> None:
    assert "no certain repair" in prove(diagnose(varied(**body(to=["07700900123"])))).reason
    assert "nothing wrong" in prove(diagnose(GOOD)).reason


# --- the smallest change --------------------------------------------------------------------------

SMALLEST = {
    "bad date": (body(send_at="tomorrow"), ("remove send_at",)),
    "past expiry": (body(expire_at="2020-01-01T00:00:00Z"), ("remove expire_at",)),
    "one bad number": (body(to=["+15551230001", "07700900123"]), ("remove to[1] (07700900123)",)),
    "two bad numbers": (
        body(to=["+15551230001", "07700900123", "x"]),
        ("remove the 2 entries of to that are at fault",),
    ),
    "too long": (body(body="x" * 2001), ("cut body to 2,000 characters",)),
    "too many": (
        body(to=[f"+1555{1230000 + i}" for i in range(1001)]),
        ("cut to to 1,000 entries",),
    ),
    "another API's name": (
        {"request_body": json.dumps({"to": ["+15551230001"], "message": "Hi"})},
        ('rename "message" to "body"',),
    ),
    "no URL": (
        body(delivery_report="full") | refused(403, "missing_callback_url"),
        ("remove delivery_report",),
    ),
    "unknown group": (
        body(to=["+15551230001", GROUP]) | refused(403, "unknown_group"),
        ("remove to[1] (01HV5Z8Q3T6W9Y2B4D7F0H1J3K)",),
    ),
    "two fields": (body(send_at="x", callback_url="y"), ("remove send_at", "remove callback_url")),
    "method": ({"method": "PATCH", "url": f"{URL}/dry_run"}, ("method: PATCH -> POST",)),
}


@pytest.mark.parametrize(("change", "expected"), SMALLEST.values(), ids=SMALLEST)
def test_the_smallest_change_that_passes_is_found(change: Any, expected: Any) -> None:
    found = smallest_change(varied(**change))
    assert found.changes == expected
    assert found.trials <= trials.MOST_TRIALS and "simulated" in found.as_text()


def test_alternatives_are_told() -> None:
    found = smallest_change(
        varied(**body(delivery_report="full"), **refused(403, "missing_callback_url"))
    )
    assert any("callback_url" in other for other in found.alternatives)


def test_what_the_sandbox_cannot_show_is_not_tried() -> None:
    assert (
        "does not match the request"
        in smallest_change(varied(**refused(400, "syntax_constraint_violation"))).reason
    )
    assert "nothing wrong" in smallest_change(GOOD).reason
    assert "no request" in smallest_change(Exchange(status=400, code="syntax_invalid_json")).reason


def test_trials_are_bounded() -> None:
    many = varied(**body(send_at="x", callback_url="y", flash_message="z", from_ton=9, from_npi=99))
    found = smallest_change(many, most_trials=20)
    assert found.trials <= 20 and ("used up" in found.reason)
    assert len(smallest_change(many).changes) == 5


BRUTE = [
    body(send_at="x"),
    body(send_at="x", callback_url="y"),
    body(send_at="x", callback_url="y", flash_message="z"),
    body(to=["x"], send_at="x"),
    body(to=["x", "+15551230001", "y"], client_reference="r" * 2049),
    {"request_body": json.dumps({"to": ["+15551230001"], "message": "Hi", "type": "sms"})},
]


@pytest.mark.parametrize("change", BRUTE)
def test_no_smaller_choice_of_the_changes_passes(change: Any) -> None:
    exchange = varied(**change)
    found = smallest_change(exchange)
    options = list(trials.changes_of(exchange))
    assert found.changes
    made = trials.Trials(exchange, 10_000)
    for size in range(len(found.changes)):
        assert not any(made.passes(list(combinations(options, size))))


def test_each_change_of_a_labelled_defect_is_needed() -> None:
    kinds = {
        kind.rule: kind
        for kind in corpus.KINDS
        if kind.operation == "batches.send"
        and kind.status == 400
        and kind.code
        and rules()[kind.rule].refusal != "assumed"  # else nobody knows whether it is refused
    }
    for kind in list(kinds.values())[::4]:
        exchange = replace(corpus.sample_of(kind, 1, 1).exchange, at=corpus.NOW)
        found = smallest_change(exchange)
        assert found.request is not None and not diagnose(found.request).failing, kind.rule


def test_the_front_door_has_both() -> None:
    assert sinchtools.prove is prove and sinchtools.smallest_change is smallest_change


@pytest.mark.parametrize("fact", ["trailing-space", "leading-space", "trailing-newline"])
def test_white_space_around_a_token_that_was_refused_is_reproduced_and_mended(fact: str) -> None:
    headers = {"Authorization": f"Bearer [secret opaque 32 #1 {fact}]"}
    exchange = varied(status=401, response_body=None, request_headers=headers)
    assert prove(diagnose(exchange)).proven
