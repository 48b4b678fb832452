"""
A capsule holds aliases in place of people and texts.

None of them is ever sent to the vendor, also not to a test number.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import sinchtools as st
from sinchtools.client.log import CallLog
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.planning import plan
from tests.replays.test_replay import GOOD, GROUP, URL, sent
from tests.support.present import parsed
from tests.support.vendor import Vendor

NUMBER, BARE, TEXT = (
    "+46 7\u2022 k3f9qd2",
    "\u2022 k3f9qd2 10 digits as 0",
    "[text k3f9qd2 30 characters Unicode å 1 part ${name}]",
)
ALIASED = "a person or a text in it is an alias from a shared case"
MISSING = "a redacted part is missing"
TEST_NUMBER = "+15551230009"
TO_A_GROUP = {**GOOD, "to": [GROUP]}


def body(**fields: Any) -> str:
    return json.dumps({**TO_A_GROUP, **fields}, ensure_ascii=False)


BODIES = {
    "the text": body(body=TEXT),
    "the text as JSON writes it": json.dumps({**TO_A_GROUP, "body": f"\u2022 k3f9qd2 {TEXT}"}),
    "a part of the text": body(body=f"Dear {TEXT}, hello"),
    "a text that was cut off": body(body=TEXT[:25]),
    "a recipient": body(to=[NUMBER, GROUP]),
    "a recipient without a country": body(to=[BARE]),
    "a sender": body(**{"from": NUMBER}),
    "a reference": body(client_reference=f"order for {NUMBER}"),
    "a parameter's number": body(parameters={"name": {NUMBER: "Hi", "default": "x"}}),
    "a parameter's value": body(parameters={"name": {"default": TEXT}}),
    "a tag": body(tags=["a", [NUMBER]]),
    "an address of the callback": body(callback_url=f"https://example.com/{quote(NUMBER)}"),
    "an address with plus signs": body(
        callback_url=f"https://example.com/?to={quote_plus(NUMBER)}"
    ),
    "an address that is quoted twice": body(
        callback_url=f"https://example.com/?to={quote(quote(NUMBER))}"
    ),
    "entities of HTML": body(body="Dear &#91;text k3f9qd2 30 characters GSM-7 1 part]"),
    "spaces that do not break": body(body=TEXT.replace(" ", "\u00a0")),
    "characters that nobody sees": body(body=NUMBER.replace("k3", "k\u200b3")),
    "line ends": body(body=TEXT.replace(" ", "\n")),
    "a nested object": body(other={"deep": [{"er": TEXT}]}),
    "a number without quotes": body(other=46700000000),
    "a sender without quotes": body(**{"from": 15550000000}),
    "a binary message": body(
        type="mt_binary", udh="050003CC0201", body=base64.b64encode(bytes(20)).decode()
    ),
    "bytes": body(body=TEXT).encode("utf-8"),
    "bytes of two a character": body(body=TEXT).encode("utf-16-le"),
}
MORE: dict[str, dict[str, Any]] = {
    "the URL's query": {"url": f"{URL}?client_reference={quote(TEXT)}"},
    "the URL's query as it was typed": {"url": f"{URL}?client_reference={NUMBER}"},
    "a header": {
        "request_headers": {"Content-Type": "application/json", "X-To": quote_plus(NUMBER)}
    },
    "a header with a text": {
        "request_headers": {"Content-Type": "application/json", "X-Text": quote(TEXT)}
    },
}
MARKED: dict[str, dict[str, Any]] = {
    "a marker": {"request_body": body(body="Log in with [secret opaque 8 #1]")},
    "a marker that was cut off": {"request_body": body(body="Log in with [secret opaque 8")},
    "a marker as JSON writes it": {
        "request_body": body(body="x").replace('"x"', '"\\u005bsecret jwt 8 #1]"')
    },
    "a quoted marker in the URL": {"url": f"{URL}?x={quote('[secret opaque 8 #1]')}"},
    "a marker of a form in the URL": {"url": f"{URL}?x={quote_plus('[secret pair 8 #1]')}"},
    "a marker in the URL twice quoted": {"url": f"{URL}?x={quote(quote('[secret opaque 8 #1]'))}"},
    "a marker as user info": {"url": URL.replace("https://", "https://[secret pair 8 #1]@")},
    "a marker in a header": {
        "request_headers": {"Content-Type": "application/json", "X-Api-Key": "[secret opaque 8 #1]"}
    },
    "a quoted marker in a header": {
        "request_headers": {
            "Content-Type": "application/json",
            "X-Api-Key": quote("[secret opaque 8 #1]"),
        }
    },
    "a marker in bytes": {"request_body": body(body="[secret opaque 8 #1]").encode("utf-16")},
}
HELD: dict[str, tuple[str, dict[str, Any]]] = {
    name: (ALIASED, {"request_body": content}) for name, content in BODIES.items()
}
HELD |= {name: (ALIASED, fields) for name, fields in MORE.items()}
HELD |= {name: (MISSING, fields) for name, fields in MARKED.items()}


@pytest.mark.parametrize("target", ["dry-run", "live"])
@pytest.mark.parametrize(("reason", "fields"), HELD.values(), ids=HELD.keys())
def test_what_is_not_the_request_itself_is_held_back(
    vendor: Vendor, log: CallLog, target: str, reason: Any, fields: Any
) -> None:
    made = plan(sent(status=400, **fields), target=target, log=log)
    assert reason in made.reasons["x1"]
    assert made.run(confirm=made.effect)[0].child is None
    assert vendor.requests == []


NOT_REPLACED = [
    name for name in HELD if "recipient" not in name and "parameter's number" not in name
]


@pytest.mark.parametrize("name", NOT_REPLACED)
def test_a_test_number_gets_no_alias_either(vendor: Vendor, log: CallLog, name: Any) -> None:
    reason, fields = HELD[name]
    made = plan(sent(status=400, **fields), target="live", log=log, test_number=TEST_NUMBER)
    assert reason in made.reasons["x1"]
    assert made.run(confirm=made.effect)[0].child is None
    assert vendor.requests == []


@pytest.mark.parametrize(
    "text",
    [
        "Hi \u2022 one \u2022 two",
        "[text] 7 characters",
        "[secret] sauce",
        "+46 7",
        "50000000",
        "a+b%20c &amp; \\u0041",
    ],
)
def test_a_text_like_an_alias_or_a_marker_goes_out(vendor: Vendor, log: CallLog, text: str) -> None:
    made = plan(sent(body(body=text), status=400), target="live", log=log)
    assert made.reasons == {}


def test_a_capsule_that_is_opened_again_runs_in_the_sandbox_only(
    vendor: Vendor, log: CallLog, tmp_path: Path
) -> None:
    secret = "Dear Anna Svensson, come today"
    rows = [
        sent(body(body=secret), status=400, id="to a group"),
        sent(body(to=["+46701740605"], body=secret), status=400, id="to a person"),
        sent(body(to=["+46701740605"], body="Hi"), status=400, id="a short text"),
    ]
    capsule = st.read(st.report(rows, tmp_path / "case.zip"))
    assert len(capsule) == 3
    for target in ("dry-run", "live"):
        for number in (None, TEST_NUMBER):
            made = plan(capsule, target=target, log=log, test_number=number)
            made.run(confirm=made.effect)
            assert [item.original.source for item in made.items if not item.held_reasons] == []
    assert vendor.requests == []
    assert all(result.child is not None for result in st.replay(capsule, log=log))


def test_what_is_put_in_the_place_of_every_alias_may_go(vendor: Vendor, log: CallLog) -> None:
    row = sent(body(body=TEXT, to=[NUMBER]), status=400)
    assert plan(row, target="live", log=log, edits={"x1": {"body": GOOD}}).reasons == {}


NUMBERS = some.sampled_from(
    ["+46701740605", "0046701740605", "447700900123", "0701740605", "46 70 174 06 05"]
)
WORDS = some.one_of(
    NUMBERS,
    some.text(max_size=60),
    some.sampled_from(["Dear Anna Svensson, come today", "order_447700900123", "Hi ${name}"]),
)
PLACES = some.fixed_dictionaries(
    {
        "to": some.lists(some.one_of(NUMBERS, some.just(GROUP)), min_size=1, max_size=3),
        "body": WORDS,
    },
    optional={
        "from": some.one_of(NUMBERS, some.just("Shop")),
        "client_reference": WORDS,
        "callback_url": WORDS.map(lambda text: f"https://a.example/{quote(text)}"),
        "parameters": some.dictionaries(some.just("name"), some.dictionaries(NUMBERS, WORDS)),
        "tags": some.lists(WORDS, max_size=2),
        "other": some.one_of(some.integers(10**9, 10**14), WORDS),
    },
)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=PLACES,
    is_plain=some.booleans(),
    query=WORDS,
    number=some.sampled_from([None, TEST_NUMBER]),
)
def test_no_row_that_aliasing_changed_is_sent(
    vendor: Vendor,
    tmp_path_factory: pytest.TempPathFactory,
    fields: Any,
    is_plain: Any,
    query: Any,
    number: Any,
) -> None:
    row = sent(
        json.dumps(fields, ensure_ascii=is_plain), status=400, url=f"{URL}?note={quote(query)}"
    )
    aliased = Aliases(b"the key of a case, at least 16 bytes").exchange(row)
    with CallLog(tmp_path_factory.mktemp("log") / "calls.sqlite") as log:
        [item] = plan(aliased, target="live", log=log, test_number=number).items
    if number:  # what the test number took the place of is gone
        aliased = replace(aliased, request_body=item.request.request_body)
        row = plan(row, target="preview", test_number=number).items[0].request
    bodies = [parsed(one.request_body) for one in (aliased, row)]
    assert item.held_reasons or (aliased.url, bodies[0]) == (row.url, bodies[1])
