"""A callback in the log of a customer's web server is judged as such."""

from __future__ import annotations

import pytest

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from tests.support.present import present

REPORT = """{"type": "delivery_report_sms", "batch_id": "B",
    "statuses": [{"code": 0, "status": "Delivered"}]}"""


def logged(path: str, status: int, method: str = "POST") -> Exchange:
    return Exchange(id="a", method=method, url=path, status=status)


@pytest.mark.parametrize(
    "path", ["/sms/webhook", "/api/v2/sinch_callback", "/dlr", "/hooks/sms-inbound", "/mo?id=1"]
)
@pytest.mark.parametrize(
    ("status", "again"), [(401, "does not repeat"), (429, "lower rate"), (502, "22 hours")]
)
def test_a_callback_that_was_refused_says_whether_it_comes_again(
    path: str, status: int, again: str
) -> None:
    found = diagnose(logged(path, status))
    top = present(found.top)
    assert top.rule == "callback-refused" and again in top.says and "looks like" in top.says
    assert found.retry.advice == "not-needed"
    assert not diagnose(logged(path, 204)).findings


@pytest.mark.parametrize(
    ("path", "calls"), [("/sms/inbound", (1, 0)), ("/dlr", (0, 1)), ("/sms/webhook", (1, 1))]
)
def test_what_was_missed_is_fetched_where_it_is(path: str, calls: tuple[int, int]) -> None:
    then = present(diagnose(logged(path, 500)).top).then
    assert (then.count("GET /inbounds"), then.count("delivery_report")) == calls


@pytest.mark.parametrize("path", ["/webhooks/payments", "/api/sms/send", "/inbox", "/demo"])
def test_another_path_of_a_web_server_is_no_callback(path: str) -> None:
    assert present(diagnose(logged(path, 404)).top).rule == "general-answer"


def test_a_host_or_a_method_of_its_own_makes_it_no_callback() -> None:
    elsewhere = logged("https://api.shop.example/sms/webhook", 404)
    for row in (elsewhere, logged("/sms/webhook", 404, "GET")):
        assert present(diagnose(row).top).rule == "general-answer"


def test_a_report_that_was_not_taken_is_a_callback_for_certain() -> None:
    row = Exchange(method="POST", endpoint="callback", request_body=REPORT, status=403)
    top = present(diagnose([row])[0].top)
    assert top.rule == "callback-refused" and "looks like" not in top.says
