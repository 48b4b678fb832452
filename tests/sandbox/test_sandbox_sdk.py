"""
The vendor's own SDK against the sandbox.

Every SMS operation, with both kinds of credentials, cannot tell it apart.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sinchtools.sandbox import Sandbox
from tests.sandbox.conftest import NOW

SinchClient = pytest.importorskip("sinch").SinchClient
SmsException = pytest.importorskip("sinch.domains.sms.api.v1.exceptions").SmsException

TO, SENDER = ["+15551230001", "+15551230002"], "15559870002"
MEDIA = {"url": "https://example.com/a.jpg", "message": "Hi"}


@pytest.fixture(params=["plan", "project"])
def sms(request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
    return client_of(sandbox, request.param).sms


def client_of(sandbox: Any, kind: Any) -> Any:
    if kind == "plan":
        client = SinchClient(
            service_plan_id=sandbox.service_plan_id, sms_api_token=sandbox.api_token
        )
        client.configuration.sms_region = "us"
        client.configuration.sms_origin_with_service_plan_id = sandbox.url
    else:
        client = SinchClient(
            project_id=sandbox.project_id, key_id=sandbox.key_id, key_secret=sandbox.key_secret
        )
        client.configuration.sms_region = "us"
        client.configuration.sms_origin = client.configuration.auth_origin = sandbox.url
    client.configuration.transport.http_session.trust_env = False
    return client


def test_each_type_of_batch_is_sent_replaced_and_updated(sms: Any) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "sms": {"body": "Hi ${name}", "parameters": {"name": {"default": "you"}}},
        "binary": {"body": "SGk=", "udh": "06050423F423F4"},
        "mms": {"body": MEDIA, "strict_validation": True},
    }
    for kind, fields in kinds.items():
        sent = getattr(sms.batches, f"send_{kind}")(
            to=TO, from_=SENDER, send_at=NOW + timedelta(hours=1), **fields
        )
        assert (sent.to, sent.canceled, sent.created_at) == (
            ["15551230001", "15551230002"],
            False,
            NOW,
        )
        replaced = getattr(sms.batches, f"replace_{kind}")(
            batch_id=sent.id, to=TO[:1], from_=SENDER, **fields
        )
        assert (replaced.id, replaced.to, replaced.send_at) == (sent.id, ["15551230001"], None)
        updated = getattr(sms.batches, f"update_{kind}")(
            batch_id=sent.id, client_reference="case", **({"udh": "00"} if kind == "binary" else {})
        )
        assert (updated.client_reference, updated.type) == ("case", sent.type)
        assert (
            getattr(sms.batches, f"dry_run_{kind}")(
                to=TO, from_=SENDER, **fields
            ).number_of_recipients
            == 2
        )


def test_a_dry_run_shows_each_recipient(sms: Any) -> None:
    answer = sms.batches.dry_run_sms(
        to=TO, from_=SENDER, body="Grüße 🎉", per_recipient=True, number_of_recipients=1
    )
    assert [(one.recipient, one.number_of_parts, one.encoding) for one in answer.per_recipient] == [
        ("15551230001", 1, "unicode")
    ]


def test_batches_are_listed_read_and_cancelled(sms: Any) -> None:
    sent = [
        sms.batches.send_sms(to=TO, from_=SENDER, body=str(i), client_reference="case")
        for i in range(5)
    ]
    pages = sms.batches.list(
        page_size=2,
        from_=[SENDER, "Shop"],
        start_date=NOW - timedelta(days=1),
        client_reference="case",
    )
    assert [batch.id for batch in pages.iterator()] == [batch.id for batch in reversed(sent)]
    assert sms.batches.get(batch_id=sent[0].id) == sent[0]
    assert sms.batches.cancel(batch_id=sent[0].id).canceled is True


def test_delivery_reports_are_read_in_every_form(sandbox: Sandbox, sms: Any) -> None:
    sent = sms.batches.send_sms(
        to=[*TO, "+15551230310"],
        from_=SENDER,
        body="Hi",
        client_reference="case",
        feedback_enabled=True,
    )
    sandbox.clock.advance(60)
    full = sms.delivery_reports.get(
        batch_id=sent.id,
        report_type="full",
        status=["Failed", "DELIVERED"],
        code=[0, 310],
        client_reference="case",
    )
    assert [(one.code, one.status, one.count, one.recipients) for one in full.statuses] == [
        (0, "Delivered", 2, ["15551230001", "15551230002"]),
        (310, "Failed", 1, ["15551230310"]),
    ]
    assert sms.delivery_reports.get(batch_id=sent.id).total_message_count == 3
    one = sms.delivery_reports.get_for_number(batch_id=sent.id, recipient="15551230310")
    assert (one.code, one.status, one.client_reference) == (310, "Failed", "case")
    listed = list(
        sms.delivery_reports.list(
            page_size=2, status=["Failed", "Delivered"], code=[0, 310]
        ).iterator()
    )
    assert len(listed) == 3
    assert one in listed
    assert sms.batches.send_delivery_feedback(batch_id=sent.id, recipients=TO) is None


def test_groups_do_all_that_the_sdk_offers(sms: Any) -> None:
    keywords = {
        "to": SENDER,
        "add": {"first_word": "JOIN", "second_word": "NOW"},
        "remove": {"first_word": "STOP"},
    }
    child = sms.groups.create(name="Child")
    group = sms.groups.create(
        name="Friends", members=TO, child_groups=[child.id], auto_update=keywords
    )
    assert (group.size, group.child_groups, group.auto_update.to) == (2, [child.id], SENDER)
    assert list(sms.groups.list_members(group_id=group.id).iterator()) == [
        "15551230001",
        "15551230002",
    ]
    updated = sms.groups.update(
        group_id=group.id, add=["+15551230003"], remove=TO[:1], add_from_group=child.id
    )
    assert (updated.size, updated.name) == (
        2,
        None,
    )  # the SDK sends `name: null` when no name is given
    assert sms.groups.replace(group_id=group.id, members=TO, name="New").name == "New"
    assert [one.id for one in sms.groups.list(page_size=1).iterator()] == [group.id, child.id]
    assert sms.groups.delete(group_id=group.id) is None
    with pytest.raises(SmsException, match="404"):
        sms.groups.get(group_id=group.id)


@pytest.mark.parametrize("kind", ["plan", "project"])
def test_inbounds_are_listed_and_read(sandbox: Sandbox, kind: str) -> None:
    account = sandbox.service_plan_id if kind == "plan" else sandbox.project_id
    client = client_of(sandbox, kind)
    text = sandbox.receive(
        account, from_="+15551230001", to=SENDER, body="STOP", operator_id="311071"
    )
    sandbox.receive(
        account, from_="+15551230001", to=SENDER, body="SGk=", type="mo_binary", udh="00"
    )
    assert [one.body for one in client.sms.inbounds.list(page_size=1, to=[SENDER]).iterator()] == [
        "SGk=",
        "STOP",
    ]
    assert client.sms.inbounds.get(inbound_id=text["id"]).operator_id == "311071"


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (
            lambda sms: sms.batches.send_sms(to=["0700"], from_=SENDER, body="Hi"),
            400,
            "syntax_invalid_parameter_format",
        ),
        (
            lambda sms: sms.batches.send_sms(to=[], from_=SENDER, body="Hi"),
            400,
            "syntax_constraint_violation",
        ),
        (
            lambda sms: sms.batches.send_sms(
                to=TO, from_=SENDER, body="Hi", delivery_report="full"
            ),
            403,
            "missing_callback_url",
        ),
        (
            lambda sms: sms.batches.send_sms(
                to=["01AAAAAAAAAAAAAAAAAAAAAAAA"], from_=SENDER, body="Hi"
            ),
            403,
            "unknown_group",
        ),
        (lambda sms: sms.batches.get(batch_id="01AAAAAAAAAAAAAAAAAAAAAAAA"), 404, None),
    ],
)
def test_an_error_is_the_sdks_exception_with_our_status_code_and_text(
    sms: Any, call: Callable[[Any], Any], status: int, code: str | None
) -> None:
    with pytest.raises(SmsException) as caught:
        call(sms)
    response = caught.value.http_response
    assert response.status_code == status
    assert response.body.get("code") == code
    assert bool(response.body.get("text")) == bool(code)


def test_an_expired_access_token_is_renewed_by_the_sdk_unseen(sandbox: Sandbox) -> None:
    client = client_of(sandbox, "project")
    client.sms.groups.create(name="Friends")
    sandbox.clock.advance(3601)
    assert [group.name for group in client.sms.groups.list().iterator()] == ["Friends"]
    assert (
        len(sandbox.account(sandbox.project_id).tokens) == 3
    )  # the account's own, and two for the SDK


def test_the_sdk_repeats_a_429_by_itself(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinch.core.clients.retry_manager.time.sleep", lambda seconds: None)
    client = client_of(sandbox, "plan")
    sandbox.faults.add(status=429, retry_after_s=0, times=2)
    assert client.sms.batches.send_sms(to=TO, from_=SENDER, body="Hi").to
    assert sandbox.state()["accounts"][sandbox.service_plan_id]["batches"] == 1
