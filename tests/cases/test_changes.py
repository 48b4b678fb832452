"""What was changed is told change by change: all of it, and nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.cases.changes import changes
from sinchtools.cases.commands import as_curl, as_python
from sinchtools.cases.replies import reply
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence import read
from sinchtools.privacy.masks import Masks, masked_number
from sinchtools.replays.planning import plan
from sinchtools.replays.verdicts import request_differences
from tests.conftest import FULL
from tests.support import corpus
from tests.support.present import parsed

URL = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
GOOD = Exchange(
    id="a",
    method="POST",
    url=URL,
    endpoint="POST /batches",
    request_headers={
        "Authorization": "Bearer [secret opaque 32 #1]",
        "Content-Type": "application/json",
    },
    request_body=json.dumps(
        {"to": ["+46701740605", "+46701740606"], "from": "15559870002", "body": "Hi Anna"}
    ),
)


def body(**fields: Any) -> dict[str, Any]:
    value = {**parsed(GOOD.request_body), **fields}
    return {"request_body": json.dumps({k: v for k, v in value.items() if v is not ...})}


def auth(value: str) -> dict[str, Any]:
    return {"request_headers": {**GOOD.request_headers, "Authorization": value}}


TOLD = {  # what was sent, as a change of the good request: the place of each change that fixes it
    "value": (body(delivery_report="Full"), ["delivery_report"]),
    "missing": (body(body=...), ["body"]),
    "renamed": (body(to=..., receiver=["+46701740605", "+46701740606"]), ["to"]),
    "entry": (body(to=["0701740605", "+46701740606"]), ["to[0]"]),
    "list": (body(to=["+46701740605", "x", "+46701740606"]), ["to"]),
    "quoted": (body(flash_message="true"), ["flash_message"]),
    "method": ({"method": "PUT"}, ["method"]),
    "path": ({"url": URL + "s"}, ["url"]),
    "host": ({"url": URL.replace("us.", "eu.")}, ["url"]),
    "token": (auth("Bearer [secret opaque 32 #1 trailing-space]"), ["Authorization"]),
    "scheme": (auth("[secret opaque 32 #1]"), ["Authorization"]),
    "type": ({"request_headers": {**auth("x")["request_headers"], "Content-Type": "text/plain"}},
             ["Authorization", "Content-Type"]),
    "not-json": ({"request_body": "to=1"}, ["body"]),
    "no-body": ({"request_body": None}, ["body"]),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "places"), TOLD.values(), ids=TOLD)
def test_each_change_is_told_once_with_its_place(sent: Any, places: Any) -> None:
    bad = replace(GOOD, **sent)
    found = changes(bad, GOOD, Masks().exchange)
    assert [change.place for change in found] == places
    assert all(change.says.endswith(".") and "None" not in change.says for change in found)
    assert changes(GOOD, GOOD) == []


def test_people_are_hidden_and_their_change_is_told_all_the_same() -> None:
    bad = replace(GOOD, **body(to=["+46701740675", "+46701740606"], body="Hi Eve"))
    said = " ".join(map(str, changes(bad, GOOD, Masks().exchange)))
    assert "to[0]" in said and "body" in said
    assert not any(person in said for person in ("46701740", "Anna", "Eve"))


def test_what_a_value_takes_for_granted_is_said() -> None:
    bad = replace(GOOD, **body(to=["0701740605", "+46701740606"], send_at="2027-01-01 09:00"))
    good = replace(GOOD, **body(send_at="2027-01-01T09:00:00Z"))
    number, time = changes(bad, good, Masks().exchange)
    assert "+46" in number.assumes and "UTC" in time.assumes


def test_each_repair_of_broken_json_is_told_with_its_line() -> None:
    bad = replace(GOOD, request_body='{\n"to": ["1" "2"],\n"body": "Hi",\n}')
    good = replace(GOOD, request_body='{"to": ["1", "2"], "body": "Hi"}')
    assert [str(change)[:7] for change in changes(bad, good)] == ["Line 2:", "Line 3:"]


@pytest.mark.parametrize("number", ["+447700900142", "07700 900142", "1234567", "123", "Anna"])
def test_a_mask_hides_five_digits_or_all_but_two(number: str) -> None:
    digits = sum(map(str.isdigit, number))
    shown = sum(map(str.isdigit, masked_number(number)))
    assert shown <= max(2, digits - 5) and len(masked_number(number)) == len(number)
    assert Masks().number(masked_number(number)) == masked_number(number)


def test_the_commands_say_the_same_request_and_hold_no_token() -> None:
    (back,) = read(as_curl(GOOD))
    assert (back.method, back.url, value_of(back.request_body)) == (
        GOOD.method,
        GOOD.url,
        value_of(GOOD.request_body),
    )
    for command in (as_curl(GOOD), as_python(GOOD)):
        assert "SINCH_API_TOKEN" in command and "[secret" not in command
    compile(as_python(GOOD), "copied", "exec")


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return a replay with the suggested fix of each kind of the corpus that has one."""
    from sinchtools.client.log import CallLog

    bad = [corpus.sample_of(kind, 0, 1).exchange for kind in corpus.KINDS[:: 1 if FULL else 2]]
    # on a plan of its own: one kind of the corpus sends its plan's ID as the token
    moved = [
        replace(x, account=None, url=(x.url or "").replace(corpus.PLAN, "plan-1")) for x in bad
    ]
    bad = [replace(complete(x), id=f"{n}", at=corpus.NOW) for n, x in enumerate(moved)]
    edits = {x.id: fix.edit for x in bad if (fix := diagnose(x, now=corpus.NOW).fix)}
    with CallLog(tmp_path_factory.mktemp("log") / "calls.sqlite") as log:
        done = plan([x for x in bad if x.id in edits], edits=edits, log=log).run()
    return [result for result in done if result.verdict == "FIXED"]


def test_the_reply_and_the_command_hold_every_change_of_a_proof_and_no_other(proofs: Any) -> None:
    assert len(proofs) >= 20
    for proof in proofs:
        said = reply(proof.original, proof=proof, length="full")
        told = changes(proof.original, proof.request, Masks().exchange)
        listed, command = said.split("accepted the request")
        assert told and all(change.says in listed for change in told), said
        made = {one.where.partition("/")[2].split("/")[0] or one.where
                for one in request_differences(proof.original, proof.request)}  # fmt: skip
        if value_of(proof.original.request_body) is not None:
            places = {change.place.split("[")[0].split(".")[0].lower() for change in told}
            assert places <= {one.removeprefix("header ") for one in made} | {"json", "body", "url"}
        (back,) = read(command.partition("works:")[2].partition("Numbers and")[0])
        shown = Masks().exchange(proof.request)
        assert (back.method, value_of(back.request_body)) == (
            shown.method,
            value_of(shown.request_body),
        )
