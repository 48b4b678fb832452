"""A diagnosis uses the rest of the evidence, and names the row that it rests on."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.replays.proof import prove
from tests.support.present import present

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLAN, OTHER = "c0ffee00c0ffee00c0ffee00c0ffee00", "decade00decade00decade00decade00"
GROUP = "01JQ7ZV5N8WXKD2M4R6T9B3CFA"


def call(
    plan: Any,
    path: Any,
    *,
    status: Any,
    source: Any,
    token: Any = 1,
    body: Any = None,
    answer: Any = None,
    **more: Any,
) -> Any:
    sent = None if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer [secret opaque 32 #{token}]"}
    return complete(
        Exchange(
            method="GET" if body is None else "POST",
            url=f"https://eu.sms.api.sinch.com/xms/v1/{plan}{path}",
            request_headers=headers | ({"Content-Type": "application/json"} if sent else {}),
            request_body=sent,
            status=status,
            response_body=None if answer is None else json.dumps(answer),
            source=source,
            at=NOW,
            **more,
        )
    )


def send(
    *, status: Any, source: Any, to: Any = "+447700900801", plan: Any = PLAN, **more: Any
) -> Any:
    body = {"to": [to], "from": "447700900802", "body": "Your parcel is here"}
    return call(plan, "/batches", status=status, source=source, body=body, **more)


UNKNOWN = send(
    status=403,
    source="log#9",
    to=GROUP[:-1] + "B",
    answer={"code": "unknown_group", "text": "no such group"},
)
REFUSED = send(status=401, source="log#9", token=2)


@pytest.mark.parametrize(
    ("refused", "other", "rule", "said"),
    [
        pytest.param(
            UNKNOWN,
            call(PLAN, "/groups", status=200, source="log#4", answer={"groups": [{"id": GROUP}]}),
            "observed-unknown_group", (GROUP, "log#4", "Did you mean"), id="a-near-group",
        ),
        pytest.param(
            replace(UNKNOWN, request_body=UNKNOWN.request_body.replace(GROUP[:-1] + "B", GROUP)),
            call(OTHER, f"/groups/{GROUP}", status=200, source="log#5", answer={"id": GROUP}),
            "observed-unknown_group-other-plan", (OTHER, "log#5"), id="a-group-of-another-plan",
        ),
        pytest.param(
            UNKNOWN,
            send(status=201, source="log#6", to=GROUP[:-1] + "B", plan=OTHER),
            "observed-unknown_group-other-plan", (OTHER, "log#6"), id="a-group-that-another-uses",
        ),
        pytest.param(
            REFUSED, send(status=201, source="log#2", token=2, plan=OTHER),
            "observed-401-other-plan", (OTHER, "log#2"), id="the-token-of-another-plan",
        ),
        pytest.param(
            REFUSED, send(status=201, source="log#2", token=1),
            "observed-401-other-token", ("#1", "log#2", "2026-11-20 12:00 UTC"),
            id="another-token-works",
        ),
        pytest.param(
            REFUSED, send(status=201, source="log#2", token=2),
            "observed-401-worked", ("log#2",), id="it-worked-before",
        ),
    ],
)  # fmt: skip
def test_the_rest_of_the_evidence_names_the_cause(
    refused: Exchange, other: Exchange, rule: str, said: tuple[str, ...]
) -> None:
    top = present(diagnose([other, refused], now=NOW)[1].top)
    assert top.rule == rule and all(
        word in f"{top.says} {top.then} {top.engineer}" for word in said
    )
    assert "log#" not in f"{top.says} {top.then}"  # customers read these
    alone = present(diagnose([refused], now=NOW)[0].top)
    assert not any(word in f"{alone.says} {alone.then} {alone.engineer}" for word in said)


def test_what_differs_from_a_request_that_passed_is_named() -> None:
    answer = {"code": "syntax_invalid_parameter_format", "text": "?"}
    refused = send(status=400, source="log#9", answer=answer)
    passed = send(status=201, source="log#3", to="+447700900803")
    notes = {f.rule: f for f in diagnose([passed, refused], now=NOW)[1].findings}
    note = notes["passed-before"]
    assert "to." in note.says and "log#3" in present(note.engineer)
    same = send(status=201, source="log#3")
    assert "passed-before-same" in {f.rule for f in diagnose([same, refused], now=NOW)[1].findings}


def test_a_stray_space_beside_a_401_is_the_cause_and_has_its_fix() -> None:
    header = {"Authorization": "Bearer [secret opaque 32 #1 trailing-space]"}
    sent = replace(REFUSED, request_headers={**REFUSED.request_headers, **header})
    told = diagnose(sent, now=NOW)
    assert (told.top.rule, told.top.severity) == ("auth-spaces", "error")
    assert told.fix and "trailing-space" not in told.fix.exchange.request_headers["Authorization"]
    assert diagnose(replace(sent, status=201), now=NOW).top.severity != "error"


def test_the_listed_group_is_a_suggested_fix_that_works_in_the_sandbox(work: Path) -> None:
    listing = call(PLAN, "/groups", status=200, source="a#4", answer={"groups": [{"id": GROUP}]})
    found = diagnose([listing, UNKNOWN], now=NOW)[1]
    assert found.fix is not None and GROUP in found.fix.changes[0]
    assert prove(found).proven


def test_a_national_number_gets_the_country_code_of_the_accounts_accepted_numbers() -> None:
    url = "https://eu.sms.api.sinch.com/xms/v1/plan1/batches"

    def sent(number: Any, status: Any, code: Any = None) -> Any:
        body = f'{{"from": "Acme", "to": ["{number}"], "body": "Hi"}}'
        return complete(
            Exchange(id=number, method="POST", url=url, request_body=body, status=status, code=code)
        )

    bad = sent("07700900163", 400, "syntax_invalid_parameter_format")
    good, other = sent("+447700900100", 201), sent("+46701740605", 201)
    assert diagnose(bad, history=[good]).top.replacement == "+447700900163"
    assert "+447700900163" in diagnose(bad, history=[good]).fix.edit["body"]
    assert diagnose(bad, history=[good, other]).top.replacement is None


@pytest.mark.parametrize(
    ("status", "answer", "quoted"),
    [
        pytest.param(401, None, {"request_headers": {"Authorization": 'Basic "a"'}}, id="token"),
        pytest.param(
            400,
            {"code": "syntax_invalid_parameter_format", "text": "?"},
            {"request_body": '{"to": ["0170 1234567"], "from": "Acme", "body": "Hi"}'},
            id="number",
        ),
    ],
)
def test_a_refused_line_of_a_log_is_explained_by_the_request_that_is_quoted_beside_it(
    status: int, answer: Any, quoted: dict[str, Any]
) -> None:
    line = send(status=status, source="log#4", answer=answer)
    line = replace(line, id="a", request_headers={}, request_body=None)
    asked = replace(send(status=None, source="mail#1"), id="b", **quoted)
    top = present(diagnose([line, asked], now=NOW)[0].top)
    assert top.rule == "quoted-beside" and "mail#1" in present(top.engineer)
    assert "1234567" not in top.says and top.field in ("Authorization", "to")
    good = replace(send(status=None, source="mail#1"), id="b")
    elsewhere = replace(asked, account=OTHER)
    for other in (good, elsewhere):
        assert present(diagnose([line, other], now=NOW)[0].top).rule != "quoted-beside"


@pytest.mark.parametrize(
    ("to", "meant"),
    [
        (["+393331234567", "333 1234569"], "+393331234569"),
        (["0046 70 123 45 67", "070-123 45 68"], "+46701234568"),
    ],
)
def test_a_national_number_is_meant_like_the_others_of_its_batch(to: list[str], meant: str) -> None:
    body = json.dumps({"to": to, "from": "Acme", "body": "Hi"})
    sent = replace(send(status=None, source="mail#1"), request_body=body)
    top = present(diagnose([sent], now=NOW)[0].top)
    assert top.replacement == meant and "US or Canada" not in top.says


BATCH = "01M7WD5ZX02Q7T9VXCZB4D6H0N"
MADE = send(status=201, source="log#2", answer={"id": BATCH})
MADE_AGAIN = replace(
    send(status=201, source="log#3", answer={"id": BATCH[:-1] + "P"}),
    at=NOW + timedelta(seconds=31),
)


def batches_listed(*batches: dict[str, Any], plan: Any = PLAN) -> Any:
    answer = {"batches": [{"to": ["447700900801"], "body": "Hi", **one} for one in batches]}
    return call(plan, "/batches", status=200, source="log#2", answer=answer)


LISTED = batches_listed({"id": BATCH})

GROUPED = call(PLAN, "/groups", status=201, source="log#2", body={}, answer={"id": BATCH})


def asked(batch_id: str, path: str = "/delivery_report", plan: str = PLAN) -> Exchange:
    found: Exchange = call(plan, f"/batches/{batch_id}{path}", status=404, source="log#9")
    return replace(found, at=NOW + timedelta(seconds=2))


@pytest.mark.parametrize("known", [MADE, LISTED], ids=["sent", "listed"])
@pytest.mark.parametrize(
    ("batch_id", "said"),
    [
        (BATCH[:-6], "without its last 6 characters"),
        (BATCH[:10], "without its last 16 characters"),
        (BATCH[1:], "without its first character"),
        (BATCH + "00", "with 2 more characters at the end"),
        (BATCH.lower(), "upper or lower case"),
        (BATCH.replace("Q7", "O7"), "a different character"),
    ],
)
def test_an_id_that_is_nearly_one_that_the_api_gave_names_the_right_one(
    batch_id: str, said: str, known: Exchange
) -> None:
    for path in ("/delivery_report?type=full", ""):
        told = diagnose([known, asked(batch_id, path)], now=NOW)[1]
        top = present(told.top)
        assert (top.rule, top.field) == ("observed-404-like", "batch_id")
        assert BATCH in top.then and said in top.says and "log#2" in present(top.engineer)
        assert told.retry.advice == "after-change"
    assert BATCH not in present(diagnose([asked(batch_id)], now=NOW)[0].top).says


def test_a_message_that_was_accepted_as_two_batches_is_told_with_both() -> None:
    for one in diagnose([MADE, MADE_AGAIN], now=NOW):
        top = present(one.top)
        assert (top.rule, top.severity) == ("accepted-twice", "warning")
        assert BATCH in top.says and BATCH[:-1] + "P" in top.says and "31 seconds" in top.says
    named = '{"to": ["+447700900801"], "body": "Hi", "client_reference": "o-1"}'
    days = [replace(x, request_body=named, at=None) for x in (MADE, MADE_AGAIN)]
    assert present(diagnose(days, now=NOW)[0].top).rule == "accepted-twice"


def twins(**other: Any) -> Any:
    first = {"id": BATCH, "client_reference": "o-7", "created_at": "2026-11-20T11:00:00Z"}
    second = {"id": BATCH[:-1] + "P", "created_at": "2026-11-20T11:00:08.5Z"}
    return batches_listed({**first, **second, **other}, first)


def test_a_list_of_batches_shows_a_message_that_was_accepted_twice() -> None:
    alone = present(diagnose([twins()], now=NOW)[0].top)
    assert alone.rule == "accepted-twice" and "8 seconds" in alone.says
    assert present(diagnose([MADE, twins()], now=NOW)[0].top).rule == "accepted-twice"
    assert not diagnose([twins(client_reference="o-8")], now=NOW)[0].findings


def test_a_timeout_and_the_list_of_batches_prove_who_sent_twice() -> None:
    lost = replace(MADE, status=None, response_body=None, failure="ReadTimeout")
    again = replace(MADE, at=NOW + timedelta(seconds=8), elapsed_ms=300.0)
    for one in diagnose([lost, again, twins()], now=NOW)[:2]:
        top = present(one.top)
        assert top.rule == "sent-twice" and BATCH in top.says and BATCH[:-1] + "P" in top.says
        assert one.retry.advice == "not-needed"


@pytest.mark.parametrize(
    "rows",
    [
        [MADE, MADE],  # one call, read from two files
        [MADE, replace(MADE_AGAIN, at=NOW + timedelta(hours=3))],  # without a reference
        [MADE, replace(MADE_AGAIN, request_body='{"to": ["+447700900805"], "body": "Hi"}')],
        [MADE, replace(MADE_AGAIN, status=400)],
        [MADE, replace(MADE_AGAIN, account=OTHER)],
        [MADE, replace(MADE_AGAIN, response_body=None)],
        [replace(MADE, response_body=f'{{"id": "{n}ABCDEFGH"}}') for n in range(9)],  # a test
    ],
)
def test_messages_that_nothing_shows_to_be_the_same_are_not_called_double(
    rows: list[Exchange],
) -> None:
    said = {one.rule for found in diagnose(rows, now=NOW) for one in found.findings}
    assert "accepted-twice" not in said


def test_an_id_of_another_plan_is_named_as_such() -> None:
    top = present(diagnose([MADE, asked(BATCH, plan=OTHER)], now=NOW)[1].top)
    assert top.rule == "observed-404-other-plan" and PLAN in top.says


def test_another_id_or_two_that_are_as_near_name_none() -> None:
    twin = send(status=201, source="log#3", answer={"id": BATCH[:-2] + "0P"})
    other = send(status=201, source="log#3", answer={"id": BATCH[:10] + "0000000000000000"})
    for known, batch_id in (
        ((MADE,), BATCH[:10] + "9Z8Y7X6W5V4T3S2R"),
        ((MADE, twin), BATCH[:-2]),
        ((MADE, other), BATCH[:10]),
        ((replace(MADE, response_body=None),), BATCH[:-2]),
    ):
        assert present(diagnose([*known, asked(batch_id)], now=NOW)[-1].top).rule in (
            "observed-404-report", "path-no-id",
        )  # fmt: skip


def test_a_404_for_the_right_id_says_that_it_is_right_and_how_young() -> None:
    top = present(diagnose([MADE, asked(BATCH)], now=NOW)[1].top)
    assert "2 seconds earlier" in top.says and "removed" not in top.then
    old = replace(asked(BATCH), at=NOW + timedelta(days=20))
    assert "removed" in present(diagnose([MADE, old], now=NOW)[1].top).then
    alone = present(diagnose([asked(BATCH)], now=NOW)[0].top)
    assert "right" not in alone.says and "Check the ID" in alone.then
    grouped = present(diagnose([GROUPED, asked(BATCH)], now=NOW)[1].top)
    assert grouped.rule == "observed-404-other-kind" and "a group" in grouped.says
    got = replace(asked(BATCH), status=200, at=NOW + timedelta(seconds=32), response_body="{}")
    later = diagnose([MADE, asked(BATCH), got], now=NOW)[1]
    assert "30 seconds later" in present(later.top).says
    assert not any(one.rule.startswith("passed-before") for one in later.findings)
    cut = present(diagnose([asked(BATCH[:-3])], now=NOW)[0].top)
    assert "23 characters" in cut.says


@pytest.mark.parametrize(
    ("token", "said"), [(1, "plan and token work in"), (2, "with another token, works in")]
)
def test_a_plan_that_works_at_another_host_names_the_host(token: int, said: str) -> None:
    wrong = send(status=401, source="log#9", token=1)
    wrong = replace(wrong, url=wrong.url.replace("//eu", "//au"), region="au")
    works = call(PLAN, "/batches", status=200, source="log#2", token=token)
    told = diagnose([works, wrong], now=NOW)[1]
    top = present(told.top)
    assert top.rule == "observed-other-region" and said in top.says
    assert "eu.sms.api.sinch.com" in top.then and "token" not in told.retry.reason
    bare = replace(wrong, request_headers={})
    assert "plan works in" in present(diagnose([works, bare], now=NOW)[1].top).says
    again = replace(works, url=works.url.replace("//eu", "//au"), region="au")
    assert present(diagnose([works, again, wrong], now=NOW)[2].top).rule != top.rule


def test_what_a_customer_took_out_of_a_request_that_was_sent_is_no_mistake() -> None:
    body = '{"to": ["+447700900801"], "from": "Acme", "body": "Hi", "send_at": "tomorrow"}'
    sent = replace(
        send(status=400, source="mail#1", answer={"code": "syntax_invalid_parameter_format"}),
        request_headers={"Authorization": "Bearer <REDACTED>"},
        request_body=body,
    )
    found = diagnose([sent], now=NOW)[0].findings
    assert found[0].field == "send_at"
    assert {one.severity for one in found[1:]} <= {"note"}
