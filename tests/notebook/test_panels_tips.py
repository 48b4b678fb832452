"""The tips panel's checks, answer and retry advice, without a browser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels import TipsPanel
from sinchtools.sandbox import Sandbox
from tests.support.clients import client_of

NO_URL = Exchange(
    id="no-url",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4/batches",
    endpoint="POST /batches",
    account="8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4",
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body='{"to": ["+15551230001"], "from": "15559870002", "body": "</textarea>Hi", '
    '"delivery_report": "full"}',
    status=403,
    code="missing_callback_url",
    text="Requesting delivery report without any callback URL.",
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Sandbox() as sandbox, CallLog(tmp_path / "calls.sqlite") as log:
        yield client_of(sandbox, log)


def test_a_read_only_check_is_offered_only_with_a_client_and_only_where_a_step_has_one(
    client: Client,
) -> None:
    refused = replace(NO_URL, status=401, code=None, account=client.account)
    without = TipsPanel([refused])
    panel = TipsPanel([refused], client=client)
    assert (
        panel.live_button.layout.display == "none"
        and "SANDBOX" in panel._banner.value
        and without._banner.value == ""
    )
    for one in (panel, without):
        while one.walk.current.live is None:
            one.skip_button.click()
    assert without.live_button.layout.display == "none" and panel.live_button.layout.display == ""
    assert "Please check" in panel.step.value and len(client.log) == 0
    panel.live_button.click()
    assert "Checked: fine" in panel.step.value and [row.method for row in client.log] == ["GET"]


def test_a_click_on_a_hidden_live_button_makes_no_call(client: Client) -> None:
    panel = TipsPanel([NO_URL])
    panel.live_button.click()
    assert len(client.log) == 0 and not panel.walk._read


def test_the_answer_stands_in_a_text_to_copy_and_goes_again() -> None:
    panel = TipsPanel([NO_URL])
    assert panel.reply.value == ""
    panel.answer_button.click()
    assert "<textarea readonly" in panel.reply.value and panel.reply.value.count("</textarea>") == 1
    assert "What:" in panel.reply.value and "Retry: After fixing." in panel.reply.value
    panel.answer_button.click()
    assert panel.reply.value == ""


def test_a_row_of_the_page_has_no_answer_to_copy() -> None:
    assert TipsPanel().answer_button.layout.display == "none"


def test_the_step_shows_whether_to_repeat() -> None:
    assert "Retry after fixing" in TipsPanel([NO_URL]).step.value


def test_the_rest_of_the_evidence_decides_with() -> None:
    base = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    sent = Exchange(
        id="s",
        method="POST",
        url=base,
        endpoint="POST /batches",
        account="plan1",
        status=201,
        response_body='{"id": "01HV5Z8Q3T6W9Y2B"}',
    )
    report = Exchange(
        id="r",
        method="GET",
        url=f"{base}/01HV5Z8Q3T6W9Y2B/delivery_report",
        endpoint="GET /batches/{batch_id}/delivery_report",
        account="plan1",
        status=200,
        response_body='{"statuses": [{"code": 310, "status": "Failed", "count": 1}]}',
    )
    panel = TipsPanel([sent, report])
    panel.choice.value = "s"
    while panel.walk.current.id != "report-code":
        panel.skip_button.click()
    assert "Checked: this is the cause" in panel.step.value and "310" in panel.step.value
