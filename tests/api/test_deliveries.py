"""Delivery reports make the outcome of a send, wherever they stand in the evidence."""

import json

import pytest

import sinchtools as st
from sinchtools import analysis
from sinchtools.core.records import Exchange
from tests.support.present import present

BASE = "https://us.sms.api.sinch.com/xms/v1/f00dfacef00dfacef00dfacef00dface"
SEND = (
    f"curl {BASE}/batches -H 'Authorization: Bearer 0011aabb2233ccdd4455eeff66778899'"
    " -H 'Content-Type: application/json'"
    ' -d \'{"to":["+447700900321"],"from":"447700900322","body":"Ready to collect"}\'\n\n'
    "HTTP/1.1 201 Created\nContent-Type: application/json\n\n"
    '{"id":"01JQDELIVERY0000000000000A","to":["447700900321"],"type":"mt_text"}\n\n'
)


def report(code: int, status: str, *, batch: str = "01JQDELIVERY0000000000000A") -> str:
    entry = {"code": code, "status": status, "count": 1, "recipients": ["447700900321"]}
    return json.dumps(
        {"type": "delivery_report_sms", "batch_id": batch, "statuses": [entry]},
    )


def of_recipient(code: int, status: str, **more: object) -> str:
    told = {"type": "recipient_delivery_report_sms", "batch_id": "01JQDELIVERY0000000000000A"}
    return json.dumps({**told, "recipient": "447700900321", "code": code, "status": status, **more})


@pytest.mark.parametrize(
    ("pasted", "deliveries", "failing"),
    [
        pytest.param(report(310, "Rejected"), ["310 Rejected"], [0], id="a-report-alone"),
        pytest.param(
            f"{SEND}They got:\n{report(62, 'Failed')}", ["62 Failed", "62 Failed (sent)"], [0],
            id="beside-its-send",
        ),
        pytest.param(
            f"{SEND}They got:\n{report(0, 'Delivered')}",
            ["0 Delivered", "0 Delivered (sent)"], [], id="delivered",
        ),
        pytest.param(
            f"{SEND}{of_recipient(401, 'Dispatched')}\n\n{of_recipient(406, 'aborted')}",
            ["406 Aborted", "401 Dispatched (sent)", "406 Aborted (sent)"], [0],
            id="the-last-of-a-recipient-counts",
        ),
        pytest.param(
            f"{SEND}{report(412, 'Aborted', batch='01JQOTHER')}", [None, "412 Aborted"], [1],
            id="of-another-batch",
        ),
        pytest.param(of_recipient(407, "Cancelled"), ["407 Cancelled"], [], id="on-purpose"),
        pytest.param(
            '{"type": "mo_text", "id": "01JQ", "from": "447700900321", "to": "447700900322",'
            ' "body": "yes please", "received_at": "2026-11-02T10:00:00Z"}',
            ["inbound"], [], id="a-message-that-came-in",
        ),
        pytest.param(
            f"GET {BASE}/batches/01JQX/delivery_report HTTP/1.1\n\nHTTP/1.1 200 OK\n\n"
            f"{report(15, 'Failed', batch='01JQX')}",
            ["15 Failed"], [0], id="a-report-that-was-asked-for",
        ),
    ],
)  # fmt: skip
def test_delivery_is_an_outcome(
    pasted: str, deliveries: list[str | None], failing: list[int]
) -> None:
    evidence = st.read(pasted)
    assert [x.delivery for x in evidence] == deliveries
    assert [i for i, x in enumerate(evidence) if x.failed] == failing
    assert len(evidence.failing()) == len(failing)
    assert analysis.overview(evidence.frame()).n_failing[0] == len(failing)
    wrong = [i for i, one in enumerate(st.diagnose(list(evidence))) if one.failing]
    assert wrong == failing


def test_what_was_not_delivered_names_code_report_and_tips() -> None:
    rows = list(st.read(f"{SEND}{report(413, 'Aborted')}"))
    told = st.diagnose(rows)[0]
    top = present(told.top)
    assert (top.rule, top.location) == ("delivery-failed", "account")
    assert "413" in top.says and present(rows[1].source) in present(top.engineer)
    assert told.retry.advice == "do-not-retry"
    assert "account manager" in told.answer()
    walk = st.tips(rows[0], findings=told.findings)
    assert walk.playbook.status == 201
    walk.answer("skipped")
    assert "413" in walk.check().proof


def test_nothing_of_a_report_is_a_lost_answer() -> None:
    [row] = st.read(of_recipient(0, "Delivered"))
    told = st.diagnose(row)
    assert told.retry.advice == "not-needed" and not told.findings
    assert row.status_in_words == "delivery report"


def test_a_status_that_is_none_of_the_ten_is_no_failure() -> None:
    said = '{"batch_id": "string", "recipient": "string", "code": 6902, "status": "string"}'
    row = Exchange(
        method="GET",
        url="https://us.sms.api.sinch.com/xms/v1/p/batches/B/delivery_report/1",
        status=200,
        response_body=said,
    )
    assert not st.diagnose(row).failing


def test_how_many_recipients_a_report_lost_is_said() -> None:
    counts = [(0, "Delivered", 3), (310, "Failed", 2)]
    entries = [{"code": c, "status": s, "count": n} for c, s, n in counts]
    text = json.dumps({"type": "delivery_report_sms", "batch_id": "B", "statuses": entries})
    [row] = st.read(text)
    assert "to 2 of 5 recipients" in present(st.diagnose(row).top).says
