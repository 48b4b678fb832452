"""The list of differences in docs/sandbox.md is walked: the sandbox does what each row says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sinchtools.sandbox.answers import OUTSTANDING_PER_ACCOUNT, OUTSTANDING_PER_PATH, Request
from sinchtools.sandbox.callbacks import RETRY_AFTER_S
from sinchtools.sandbox.server import Sandbox
from sinchtools.sandbox.state import MESSAGES_PER_SECOND

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {"to": ["+447700900777"], "from": "447700900778", "body": "Doors open at 9"}
FORMAT, CONSTRAINT = "syntax_invalid_parameter_format", "syntax_constraint_violation"
UNKNOWN = "01JQN0SVCHUNKNWN000000000A"
TABLE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \|", TABLE.partition("## Where it differs")[2], re.MULTILINE)[1:]


class Box:
    """A sandbox that is asked in process: no port, no waiting."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(seed=7)
        self.sandbox.clock.freeze(NOW)

    def __call__(
        self, method: Any, path: Any, body: Any = None, *, headers: Any = None, **rest: Any
    ) -> tuple[Any, Any]:
        plan = f"/xms/v1/{self.sandbox.service_plan_id}"
        sent = json.dumps(body).encode() if isinstance(body, dict) else (body or b"")
        known = {
            "Authorization": f"Bearer {self.sandbox.api_token}",
            "Content-Type": "application/json",
        }
        target = path if path.startswith("/oauth2") else plan + path
        request = Request(
            method=method, target=target, headers=known if headers is None else headers, body=sent
        )
        answer = self.sandbox.answer(request)
        return answer.status, json.loads(answer.body) if answer.body else None

    def code(self, method: Any, path: Any, body: Any = None, **rest: Any) -> tuple[Any, Any]:
        status, told = self(method, path, body, **rest)
        return status, told.get("code") if isinstance(told, dict) else None

    def sent(self, **change: Any) -> Any:
        return self("POST", "/batches", GOOD | change)[1]["id"]


@pytest.fixture
def box() -> Box:
    return Box()


def bearer(box: Any) -> dict[str, Any]:
    return {"Authorization": f"Bearer {box.sandbox.api_token}"}


def order_of_checks(box: Any) -> None:
    plain, plan = {"Content-Type": "text/plain"}, "/batches"
    good = bearer(box)
    assert box("PATCH", "/nowhere", b"{", headers=plain)[0] == 401
    assert box("PATCH", "/nowhere", b"{", headers=good | plain)[0] == 404
    assert box("PATCH", plan, b"{", headers=good | plain)[0] == 405
    assert box("POST", plan, b"{", headers=good | plain)[0] == 415
    assert box.code("POST", plan, b"{")[1] == "syntax_invalid_json"
    assert box.code("POST", plan, {"to": ["07"]}) == (400, FORMAT)
    assert box.code("POST", plan, {"to": [UNKNOWN]}) == (400, CONSTRAINT)
    assert box.code("POST", f"/groups/{UNKNOWN}", {"add_from_group": UNKNOWN})[0] in (403, 404)


def bodies(box: Any) -> None:
    assert box("GET", "/batches", headers={}) == (401, None)
    assert box("PATCH", "/batches") == (405, None)
    assert box("POST", "/batches", GOOD, headers=bearer(box)) == (415, None)
    for status in (429, 500, 503):
        box.sandbox.faults.add(status=status, times=1)
        assert box("GET", "/batches") == (status, None)


def content_type_of_nothing(box: Any) -> None:
    assert box("POST", "/batches", headers=bearer(box)) == (415, None)


def texts(box: Any) -> None:
    assert "to" in box("POST", "/batches", {"body": "Hi"})[1]["text"]
    asked = box("POST", "/batches", GOOD | {"delivery_report": "full"})[1]
    assert asked["text"] == "Requesting delivery report without any callback URL."


def json_types(box: Any) -> None:
    assert box.code("POST", "/batches", GOOD | {"body": 5})[1] == "syntax_invalid_json"
    assert box.code("POST", "/batches", GOOD | {"flash_message": "yes"})[1] == FORMAT


def dry_run(box: Any) -> None:
    sent = GOOD | {"delivery_report": "full", "to": [UNKNOWN]}
    assert box("POST", "/batches/dry_run", sent)[0] == 200


def report_kinds(box: Any) -> None:
    for kind in ("summary", "full", "per_recipient", "per_recipient_final"):
        sent = GOOD | {"delivery_report": kind}
        assert box.code("POST", "/batches", sent) == (403, "missing_callback_url")
    batch = box.sent(send_at="2027-03-01T13:00:00Z")
    for method in ("POST", "PUT"):
        assert box.code(method, f"/batches/{batch}", GOOD | {"delivery_report": "full"})[0] in (
            400,
            403,
        )


def blocked(box: Any) -> None:
    batch = box.sent(send_at="2027-03-01T13:00:00Z")
    box.sandbox.account(blocked=True)
    for method, path in (("POST", "/batches"), ("PUT", f"/batches/{batch}")):
        assert box.code(method, path, GOOD) == (403, "blocked_account")
    assert box.code("POST", f"/batches/{batch}", {"body": "New"}) == (403, "blocked_account")
    assert box("GET", "/batches")[0] == 200


def after_dispatch(box: Any) -> None:
    batch = box.sent()
    box.sandbox.clock.advance(60)
    assert box("POST", f"/batches/{batch}", {"body": "Late"})[0] == 200
    box.sandbox.account(legacy_codes=True)
    late = box.code("POST", f"/batches/{batch}", {"body": "Late"})
    assert late == (403, "batch_already_dispatched")


def cancel_after_dispatch(box: Any) -> None:
    batch = box.sent()
    box.sandbox.clock.advance(60)
    before = box("GET", f"/batches/{batch}/delivery_report")
    assert box("DELETE", f"/batches/{batch}")[0] == 200
    assert box("GET", f"/batches/{batch}/delivery_report") == before
    box.sandbox.account(legacy_codes=True)
    other = box.sent()
    box.sandbox.clock.advance(60)
    assert box.code("DELETE", f"/batches/{other}") == (409, "conflict_send_at")


def group_names(box: Any) -> None:
    assert [box("POST", "/groups", {"name": "Crew"})[0] for _ in range(2)] == [201, 201]
    box.sandbox.account(legacy_codes=True)
    assert box.code("POST", "/groups", {"name": "Crew"}) == (403, "conflict_group_name")


def not_yet_left(box: Any) -> None:
    batch = box.sent(send_at="2027-03-01T13:00:00Z")
    status, report = box("GET", f"/batches/{batch}/delivery_report")
    assert (status, report["statuses"]) == (200, [])
    assert box("GET", f"/batches/{batch}/delivery_report/447700900777") == (404, None)


def duplicates(box: Any) -> None:
    status, batch = box("POST", "/batches", GOOD | {"to": GOOD["to"] * 2})
    assert (status, len(batch["to"])) == (201, 2)
    report = box("GET", f"/batches/{batch['id']}/delivery_report")[1]
    assert report["total_message_count"] == 1


def outstanding(box: Any) -> None:
    assert (OUTSTANDING_PER_ACCOUNT, OUTSTANDING_PER_PATH) == (64, 32)
    assert box.sandbox.limiter.per_path == OUTSTANDING_PER_PATH


def queue(box: Any) -> None:
    assert box.sandbox.account().messages_per_second == MESSAGES_PER_SECOND == 100


def token_endpoint(box: Any) -> None:
    for _ in range(40):
        assert box("POST", "/oauth2/token", headers={})[0] == 401


def receipts(box: Any) -> None:
    batch = box.sent()
    box.sandbox.clock.advance(1.7)
    [queued] = box("GET", f"/batches/{batch}/delivery_report")[1]["statuses"]
    box.sandbox.clock.advance(3)
    [delivered] = box("GET", f"/batches/{batch}/delivery_report")[1]["statuses"]
    assert (queued["status"], delivered["status"]) == ("Dispatched", "Delivered")


def callback_retries(box: Any) -> None:
    assert RETRY_AFTER_S[:3] == (5, 10, 20) and RETRY_AFTER_S[-1] == 81_920


def retention(box: Any) -> None:
    batch, group = box.sent(), box("POST", "/groups", {})[1]["id"]
    box.sandbox.clock.advance(14 * 86_400 + 1)
    assert box("GET", f"/batches/{batch}")[0] == 404
    assert box("GET", f"/groups/{group}")[0] == 200


def keywords(box: Any) -> None:
    wanted = {"to": "447700900778", "add": {"first_word": "JOIN"}}
    group = box("POST", "/groups", {"auto_update": wanted})[1]["id"]
    box.sandbox.receive(from_="447700900777", to="447700900778", body="JOIN")
    found = box("GET", f"/groups/{group}")[1]
    assert (found["auto_update"]["add"], found["size"]) == ({"first_word": "JOIN"}, 0)


def kept_fields(box: Any) -> None:
    batch = box("POST", "/batches", GOOD | {"from_ton": 5, "dlt_template_id": "7"})[1]
    assert batch["from_ton"] == 5
    assert box.code("POST", "/batches", GOOD | {"from_ton": 9}) == (400, CONSTRAINT)


def answers(method: Any, path: Any, body: Any, *wanted: Any) -> Any:
    """Return a walk of one request and what comes back."""
    return lambda box: None if box.code(method, path, body) == wanted else pytest.fail(str(wanted))


def region(box: Any) -> None:
    assert box.sandbox.account() is not None  # one address: there is no region to be wrong in


def tags(box: Any) -> None:
    assert [box("GET", f"/{name}/{UNKNOWN}/tags") for name in ("groups", "batches")] == [
        (404, None)
    ] * 2


def too_large(box: Any) -> None:
    path = f"/xms/v1/{box.sandbox.service_plan_id}/batches"
    headers = bearer(box) | {"Content-Type": "application/json"}
    request = Request(method="POST", target=path, headers=headers, too_large=True)
    assert box.sandbox.answer(request).status == 413


WALK = {
    "Order of checks": order_of_checks,
    "Body of 401, 405, 413, 415, 429, 5xx": bodies,
    "`text` of a refusal": texts,
    "Wrong JSON type of a field": json_types,
    "Delivery report of a batch ID that is not known": answers(
        "GET", f"/batches/{UNKNOWN}/delivery_report", None, 404, None
    ),
    "Body that is too long": answers(
        "POST", "/batches", GOOD | {"body": "x" * 2500}, 400, CONSTRAINT
    ),
    "Body of more than 10 MB": too_large,
    "Number without its area code": answers(
        "POST", "/batches", GOOD | {"to": ["5550199"]}, 400, FORMAT
    ),
    "Sender of more than 11 letters and digits": answers(
        "POST", "/batches", GOOD | {"from": "TwelveLetter"}, 400, FORMAT
    ),
    "Unknown field of a body": answers("POST", "/batches", GOOD | {"colour": "red"}, 201, None),
    "`page_size` above 100": answers("GET", "/batches?page_size=150", None, 400, CONSTRAINT),
    "Content-Type of a POST or PUT whose body is empty": content_type_of_nothing,
    "Dry run": dry_run,
    "All four kinds of report need a callback URL, on send, update and replace": report_kinds,
    "Blocked account": blocked,
    "Update, replace after dispatch": after_dispatch,
    "Cancel after dispatch": cancel_after_dispatch,
    "Group name taken": group_names,
    "Report of a batch that has not left": not_yet_left,
    "Duplicate recipients": duplicates,
    "Token of the right plan in the wrong region": region,
    "Outstanding requests": outstanding,
    "Queue of a plan": queue,
    "Token endpoint": token_endpoint,
    "Delivery, receipts after 1.8 to 3.5 s": receipts,
    "Callback retries": callback_retries,
    "Retention": retention,
    "Keywords of `auto_update`": keywords,
    "`tags` below groups and batches as paths of their own": tags,
    "`strict_validation`, `from_ton`, `from_npi`, `dlt_*`": kept_fields,
}


def test_every_row_of_the_list_is_walked() -> None:
    assert set(ROWS) == set(WALK)


@pytest.mark.parametrize("matter", WALK)
def test_the_sandbox_does_what_the_list_says(box: Any, matter: str) -> None:
    WALK[matter](box)
