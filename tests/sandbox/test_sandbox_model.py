"""The sandbox against a simple model of it: groups, batches, reports, clock and cancel."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.answers import Request
from sinchtools.sandbox.state import stamp

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ENDS = {
    "15551230001": "Delivered",
    "15551230002": "Delivered",
    "15551230310": "Failed",
    "447700900412": "Aborted",
}
NUMBERS = st.sets(st.sampled_from(sorted(ENDS)))
RETENTION = timedelta(days=14)


class SandboxAndModel(RuleBasedStateMachine):
    """
    Every step is done in the sandbox and in the model.

    The model is what a reader of the documentation would write.
    """

    groups, batches = Bundle("groups"), Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox()
        self.sandbox.clock.freeze(NOW)
        self.sandbox.account(messages_per_second=1e9)
        self.now = NOW
        self.members: dict[str, set[str]] = {}
        self.sent: dict[str, dict[str, Any]] = {}

    def call(self, method: Any, path: Any, body: Any = None) -> tuple[Any, Any]:
        account = self.sandbox.account()
        headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
        target, data = (
            f"/xms/v1/{account.id}{path}",
            b"" if body is None else json.dumps(body).encode(),
        )
        answer = self.sandbox.answer(
            Request(method=method, target=target, headers=headers, body=data)
        )
        return answer.status, json.loads(answer.body or b"null")

    @rule(target=groups, members=NUMBERS)
    def create_group(self, members: Any) -> Any:
        status, group = self.call("POST", "/groups", {"members": sorted(members)})
        assert (status, group["size"]) == (201, len(members))
        self.members[group["id"]] = members
        return group["id"]

    @rule(group=groups, added=NUMBERS, removed=NUMBERS)
    def change_group(self, group: Any, added: Any, removed: Any) -> None:
        status, changed = self.call(
            "POST", f"/groups/{group}", {"add": sorted(added), "remove": sorted(removed)}
        )
        if group not in self.members:
            assert status == 404
            return
        self.members[group] = (self.members[group] | added) - removed
        assert (status, changed["size"]) == (200, len(self.members[group]))

    @rule(group=consumes(groups))
    def delete_group(self, group: Any) -> None:
        assert self.call("DELETE", f"/groups/{group}")[0] == (
            200 if self.members.pop(group, None) is not None else 404
        )

    @rule(
        target=batches,
        group=groups,
        numbers=NUMBERS,
        later_s=st.sampled_from([None, -60, 5, 3605, 86_405]),
    )
    def send(self, group: Any, numbers: Any, later_s: Any) -> Any:
        due = max(self.now, self.now + timedelta(seconds=later_s or 0))
        body = {"to": [*sorted(numbers), group], "from": "15559870002", "body": "Hi"} | (
            {"send_at": stamp(due)} if later_s else {}
        )
        status, batch = self.call("POST", "/batches", body)
        if group not in self.members:
            assert (status, batch["code"]) == (403, "unknown_group")
            return "unknown"
        assert status == 201
        self.sent[batch["id"]] = {
            "to": numbers,
            "group": group,
            "created": self.now,
            "due": due,
            "canceled": False,
            "went_to": None,
        }
        self.dispatch()
        return batch["id"]

    @rule(batch=batches)
    def cancel(self, batch: Any) -> None:
        known = self.known(batch)
        status, answer = self.call("DELETE", f"/batches/{batch}")
        assert status == (200 if known else 404)
        if known:
            known["canceled"] = answer["canceled"]
            assert answer["canceled"] is True

    @rule(seconds=st.sampled_from([10, 3600, 86_400, 7 * 86_400]))
    def advance(self, seconds: Any) -> None:
        self.sandbox.clock.advance(seconds)
        self.now += timedelta(seconds=seconds)
        self.dispatch()

    @invariant()
    def reports_agree(self) -> None:
        for batch in self.sent:
            known = self.known(batch)
            status, report = self.call("GET", f"/batches/{batch}/delivery_report?type=full")
            assert status == (200 if known else 404)
            if known:
                shown = {
                    number: one["status"]
                    for one in report["statuses"]
                    for number in one["recipients"]
                }
                assert shown == self.expected(known)

    @invariant()
    def lists_agree(self) -> None:
        _, page = self.call(
            "GET", f"/batches?page_size=100&start_date={stamp(self.now - RETENTION)}"
        )
        assert {batch["id"] for batch in page["batches"]} == {
            batch for batch, sent in self.sent.items() if sent["created"] >= self.now - RETENTION
        }
        _, page = self.call("GET", "/groups?page_size=100")
        assert {group["id"] for group in page["groups"]} == set(self.members)

    def known(self, batch: Any) -> Any:
        sent = self.sent.get(batch)
        return sent if sent and sent["due"] >= self.now - RETENTION else None

    def dispatch(self) -> None:
        for sent in self.sent.values():
            if sent["due"] <= self.now and sent["went_to"] is None and not sent["canceled"]:
                sent["went_to"] = sent["to"] | self.members.get(sent["group"], set())

    def expected(self, sent: Any) -> dict[Any, Any]:
        age = self.now - sent["due"]
        return {
            number: ENDS[number] if age or ENDS[number] == "Aborted" else "Dispatched"
            for number in sent["went_to"] or ()
        }


STEPS = settings(stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("runs", [25, pytest.param(500, marks=pytest.mark.long)])
def test_the_sandbox_does_what_the_model_does(runs: int) -> None:
    run_state_machine_as_test(SandboxAndModel, settings=settings(STEPS, max_examples=runs))
