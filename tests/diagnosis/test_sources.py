"""What is observed outranks what is assumed, and each claim has a source of its kind."""

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from sinchtools.core.records import Exchange
from sinchtools.core.settings import share_folder
from sinchtools.core.tables import TAGS
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import rules
from tests.diagnosis.test_diagnosis import BASE, GOOD, NOW, PLAN, get, varied
from tests.support import status_page
from tests.support.present import present

FOLDER = share_folder("data/catalogue")
PAGE = "HTTP Status Codes for the SMS REST API"
ON_PAGE = {status for status, _ in status_page.PAGE}
ASSUMED = {
    "host-unknown-region": {"url": f"https://za.sms.api.sinch.com/xms/v1/{PLAN}/batches"},
    "sender-too-long": {
        "request_body": str(GOOD.request_body).replace("15559870002", "TwelveLetter")
    },
    "too-large-page": get("/batches?page_size=250"),
    "sender-characters": {"request_body": str(GOOD.request_body).replace("15559870002", "Šop")},
    "sender-malformed": {"request_body": str(GOOD.request_body).replace("15559870002", "+")},
    "host-other": {"url": f"https://sms-gw.example.com/xms/v1/{PLAN}/batches"},
}


def tables(name: Any, kind: Any) -> Any:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))[kind]


@pytest.mark.parametrize(("rule", "change"), ASSUMED.items(), ids=str)
def test_a_refusal_that_is_only_assumed_is_a_warning(rule: str, change: Any) -> None:
    sent = varied(**change)
    told = diagnose(sent, now=NOW)
    assert {f.rule: f.severity for f in told.findings}[rule] == "warning"
    assert (told.expected_status or 0) < 300
    good = diagnose(replace(sent, status=201 if sent.request_body else 200), now=NOW)
    assert rule not in {finding.rule for finding in good.findings}


@pytest.mark.parametrize("host", ["sms.api.sinch.com", "api.mblox.com"])
def test_an_old_host_is_a_warning_and_the_rest_is_judged(host: str) -> None:
    sent = varied(url=f"https://{host}/xms/v1/{PLAN}/batches")
    for status in (None, 201):
        told = diagnose(replace(sent, status=status), now=NOW)
        assert not told.failing and told.expected_status == 201
    refused = diagnose(replace(sent, status=401), now=NOW)
    assert present(refused.top).rule == "observed-401"


def test_no_assumed_404_comes_before_an_observed_401() -> None:
    sent = varied(url=f"{BASE}/batch", status=401)
    assert present(diagnose(sent, now=NOW).top).rule == "observed-401"


def test_each_assumed_refusal_has_an_example_above() -> None:
    assert set(ASSUMED) == {name for name, rule in rules().items() if rule.refusal == "assumed"}


DOCUMENTS = (  # what states a fact: pages and guides, standards, manuals, rules of our own
    PAGE, "SMS API reference", "Authentication guide", "Delivery reports", "Character support",
    "Message parameterization", "HTTP-basic page", "XMS guide", "Troubleshooting the SMS REST API",
    "Classic Sinch API reference", "SMPP error codes", "10DLC error codes", "older SMS REST doc",
    "vendor's Python SDK, README", "README of", "RFC", "ITU-T", "HTTP", "curl manual", "this tool",
    "nginx", "the evidence", "order of events in HTTP", "Fetch standard", "Callbacks",
)  # fmt: skip
SEEN = ("live call", "vendor's", "older Java SDK", "older SDKs", "this evidence")
ABSENT = ("absent from",)


def fits(tag: Any, source: Any) -> Any:
    """Tell whether each part of a source is of the kind that its tag promises."""
    kinds = {"documented": DOCUMENTS, "observed": SEEN, "assumed": DOCUMENTS + SEEN + ABSENT}[tag]
    parts = source.split("; ")
    pages = [part.removeprefix(f"{PAGE}, ").split(":")[0] for part in parts if PAGE in part]
    numbers = [int(page) for page in pages if page.isdigit()]
    return all(part.startswith(kinds) for part in parts) and ON_PAGE.issuperset(numbers)


CLAIMS = [
    *((name, rule.tag, rule.page) for name, rule in rules().items()),
    *(("http", one["tag"], one["source"]) for one in tables("http", "entry")),
    *(("classic", one["tag"], one["source"]) for one in tables("http", "classic")),
    *(("retry", one["tag"], one["source"]) for one in tables("retry", "rule")),
    *(("delivery", one["tag"], one["source"]) for one in tables("delivery", "code")),
    *(("smpp", one["tag"], one["source"]) for one in tables("smpp", "range")),
    *(("text", one["tag"], one["source"]) for one in tables("texts", "hint")),
    *((one["for"][0], "documented", one["source"]) for one in tables("playbooks", "playbook")),
]


def test_each_claim_has_a_source_whose_kind_fits_its_tag() -> None:
    assert [claim for claim in CLAIMS if not fits(*claim[1:])] == []
    assert all(rule.refusal in TAGS for rule in rules().values())
    assumed = {name for name, rule in rules().items() if rule.refusal == "assumed"}
    assert all(rules()[name].tag == "assumed" for name in assumed)


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ("documented", f"{PAGE}, 409"),  # not on the page
        ("documented", "vendor's Node SDK, token requests"),  # seen, not stated
        ("observed", "SMS API reference, groups"),  # stated, not seen
        ("assumed", "somebody said so"),
        ("documented", f"{PAGE}; a blog"),
    ],
)
def test_a_source_of_another_kind_is_found(tag: str, source: str) -> None:
    assert not fits(tag, source)


@pytest.mark.parametrize("entry", tables("http", "entry"), ids=lambda e: f"{e['status']}")
def test_a_documented_status_that_is_not_on_the_page_has_another_source(entry: Any) -> None:
    assert entry["on_page"] == entry["source"].startswith(PAGE)
    assert not entry["on_page"] or entry["status"] in ON_PAGE


@pytest.mark.parametrize("book", tables("playbooks", "playbook"), ids=lambda b: b["for"][0])
def test_each_playbook_names_its_source(book: Any) -> None:
    statuses = {int(label.split()[0]) for label in book["for"] if label.split()[0].isdigit()}
    assert book["source"]
    assert PAGE not in book["source"] or not statuses - ON_PAGE


def test_a_gateways_400_is_about_the_path() -> None:
    spring = (
        '{"timestamp": 17, "status": 400, "error": "Bad Request", "path": "/xms/v1/p/groups/%"}'
    )
    refused = varied(**get("/groups/G-1"), status=400, response_body=spring)
    top = present(diagnose(refused, now=NOW).top)
    assert (top.location, top.field) == ("path", "group_id")


def test_a_code_alone_that_is_nowhere_listed_is_said_to_be_so() -> None:
    top = present(diagnose(Exchange(code="quota_of_tomorrow"), now=NOW).top)
    assert "not on the API's" in top.says and top.severity == "error"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://eu.conversation.api.sinch.com/v1/projects/p/messages:send", "not-the-sms-api"),
    ],
)
def test_another_api_is_judged_by_what_is_known_of_it(url: str, rule: str) -> None:
    problem = '{"type": "about:blank", "title": "No key", "status": 401, "detail": "wrong key"}'
    told = diagnose(varied(url=url, status=401, response_body=problem), now=NOW)
    says = present(told.top).says
    assert "service plan" not in says and "wrong key" in says
    assert rule in {finding.rule for finding in told.findings}
    alone = diagnose(varied(url=url), now=NOW)
    assert alone.expected_status is None and "/batches" not in alone.retry.reason


@pytest.mark.parametrize(("text", "field"), [("from: must not be blank", "from"), ("?", None)])
def test_a_field_that_the_text_names_is_said(text: str, field: str | None) -> None:
    code = "syntax_constraint_violation"
    top = present(diagnose(Exchange(status=400, code=code, text=text), now=NOW).top)
    assert top.field == field and ("does not show which" in top.says) == (field is None)
