"""A token of which a part is missing, and an API that is gone."""

import base64
import json
from typing import Any

import pytest

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.reading import read
from sinchtools.playbooks.playbook import tips
from tests.support.present import present
from tests.support.words import NO_RESPONSE

PROJECT = "6ce9d1f2-8f0d-4b6a-9e0b-3d2f4e68a0b1"


def part(**claims: Any) -> Any:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


HEAD, CLAIMS = part(alg="RS256", typ="JWT"), part(iss="https://auth.sinch.com/", exp=1_900_000_000)
WHOLE = f"{HEAD}.{CLAIMS}.{'Ab3_' * 20}"


def rules_of(
    token: Any, host: Any = "zt.us.sms.api.sinch.com", account: Any = PROJECT
) -> list[Any]:
    url = f"https://{host}/xms/v1/{account}/groups"
    found = diagnose(read(f"curl '{url}' -H 'Authorization: Bearer {token}'")[0]).findings
    return [one.rule for one in found if one.severity != "note"]


@pytest.mark.parametrize(
    "cut", [HEAD, f"{HEAD}.{CLAIMS}", f"{HEAD}.{CLAIMS}.", WHOLE[:70], WHOLE[9:]]
)
def test_a_jwt_without_its_end_or_beginning_was_cut(cut: Any) -> None:
    assert rules_of(cut) == ["auth-cut"]


def test_a_whole_jwt_is_not_cut() -> None:
    assert rules_of(WHOLE) == []


@pytest.mark.parametrize("short", ["5c1e9a7b...f607", "eyJhbGciOi…", f"{HEAD}...Ab3_"])
def test_a_token_that_was_shortened_for_the_reader_is_no_mistake(short: str) -> None:
    assert rules_of(short) == ["auth-shortened"]


@pytest.mark.parametrize(("number", "says"), [(40100, "Authorization"), (40303, "verified")])
def test_the_retired_api_speaks_by_its_numbers(number: int, says: str) -> None:
    sent = Exchange(
        method="POST",
        url="https://messagingapi.sinch.com/v1/sms/+15551230001",
        status=int(str(number)[:3]),
        response_body=json.dumps({"errorCode": number, "message": "x"}),
    )
    told = diagnose(sent)
    top = present(told.top)
    assert top.rule == "observed-classic" and says in top.says
    assert top.location == "host" and "retired" in told.retry.reason


def test_tips_do_not_say_no_response_where_it_is_unknown() -> None:
    curl = f"curl https://us.sms.api.sinch.com/xms/v1/{PROJECT}/groups"
    assert tips(read(curl)[0]).playbook.status == 401
    assert tips(Exchange(failure="ReadTimeout")).playbook.title == NO_RESPONSE
