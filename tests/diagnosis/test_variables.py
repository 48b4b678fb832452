"""A variable that a tool, a shell or code fills in is not a mistake of the request."""

import json
from typing import Any

import pytest

from sinchtools.core.columns import as_json
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence.reading import read
from sinchtools.playbooks.playbook import tips
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.planning import plan
from tests.support.present import present

HOST = "https://eu.sms.api.sinch.com/xms/v1"
SENT = '{"to": ["+46701234567"], "from": "15559870002", "body": "Hi"}'


def rules_of(text: Any, at: Any = 0) -> tuple[set[Any], set[Any]]:
    findings = diagnose(read(text)[at]).findings
    return {one.rule for one in findings if one.severity == "error"}, {one.rule for one in findings}


def postman(url: Any, token: Any, body: Any) -> str:
    request = {
        "method": "POST",
        "url": url,
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": token}]},
        "body": {"mode": "raw", "raw": body},
    }
    info = {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}
    return json.dumps({"info": info, "item": [{"name": "send", "request": request}]})


def http_file(url: Any, token: Any, body: Any) -> str:
    head = f"POST {url}\nAuthorization: Bearer {token}\nContent-Type: application/json"
    return f"### send\n{head}\n\n{body}\n"


def bruno(url: Any, token: Any, body: Any) -> str:
    blocks = f"post {{\n  url: {url}\n  body: json\n  auth: bearer\n}}\n"
    auth = f"auth:bearer {{\n  token: {token}\n}}\n"
    return f"meta {{\n  name: send\n}}\n\n{blocks}\n{auth}\nbody:json {{\n  {body}\n}}\n"


def bash(url: Any, token: Any, body: Any) -> str:
    head = f'-H "Authorization: Bearer {token}" -H "Content-Type: application/json"'
    return f"curl -X POST \"{url}\" {head} -d '{body}'"


CODE = """import os, requests
plan, token = os.environ["PLAN"], os.environ["TOKEN"]
requests.post(f"https://eu.sms.api.sinch.com/xms/v1/{plan}/batches",
              headers={"Authorization": f"Bearer {token}"}, json=%s)
"""


@pytest.mark.parametrize(
    "text",
    [
        postman(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", SENT),
        http_file(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", SENT),
        bruno(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", SENT),
        bash(f"{HOST}/$PLAN/batches", "${TOK}", SENT),
        CODE % SENT,
    ],
    ids=["postman", "http", "bruno", "bash", "python"],
)
def test_what_is_filled_in_when_it_is_sent_is_a_note(text: Any) -> None:
    errors, found = rules_of(text)
    assert not errors and "variable-not-shown" in found
    row = read(text)[0]
    assert tips(row).playbook.title.startswith("The response is unknown")
    assert not plan(row).reasons


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (bash(f"{HOST}/{{{{plan}}}}/batches", "x", SENT), "account-placeholder"),
        (bash(f"{HOST}/4c1f0a8e/batches", "YOUR_API_TOKEN", SENT), "auth-placeholder"),
        (bash(f"{HOST}/4c1f0a8e/batches", "<your token>", SENT), "auth-placeholder"),
        (http_file(f"{HOST}/4c1f0a8e/batches", "<your token>", SENT), "auth-placeholder"),
        (
            f"curl '{HOST}/4c1f0a8e/batches' -H 'Authorization: Bearer $TOK'",
            "auth-placeholder",  # in single quotes it goes out as it is
        ),
        (
            CODE.replace('f"Bearer {token}"', '"Bearer {token}"') % SENT,
            "auth-placeholder",  # the f is missing
        ),
    ],
)
def test_what_goes_out_as_it_is_written_is_a_mistake(text: Any, rule: str) -> None:
    errors, _ = rules_of(text)
    assert rule in errors


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        ('{"to": "{{to}}", "from": "{{from}}", "body": "Hi"}', {"not-an-array"}),
        ('{"to": [{{to}}], "from": "12345", "body": {{text}}, "flash_message": {{f}}}', set()),
        ('{"to": ["{{to}}"], "from": "12345", "body": "Hi", "send_at": "{{when}}"}', set()),
        ('{"to": ["{{to}}", "0701234567"], "from": "12345", "body": "Hi"}', {"msisdn-national"}),
        ('{"to": ["{{to}}"], "from": "12345", "body": "Hi",}', {"json-trailing-comma"}),
        ("{{batch}}", set()),
    ],
)
def test_only_what_depends_on_a_variable_is_left_unjudged(body: str, rules: Any) -> None:
    errors, found = rules_of(http_file(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", body))
    assert errors == rules and "variable-not-shown" in found


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("batchs", {"path-word"}),
        ("{{resource}}", set()),
        ("batches/{{batch_id}}", {"method-not-allowed"}),
    ],
)
def test_the_words_of_a_path_are_judged_beside_a_variable(path: str, rules: Any) -> None:
    text = f"PATCH {HOST}/{{{{plan}}}}/{path}\nAuthorization: Bearer {{{{tok}}}}\n"
    assert rules_of(text)[0] == rules


def test_a_secret_within_the_braces_is_not_named() -> None:
    token = "5c1e9a7b3d2f4e68a0b1c2d3e4f50617"
    row = read(http_file(f"{HOST}/{{{{plan}}}}/batches", f"{{{{{token}}}}}", SENT))[0]
    assert token not in repr(row.variables_not_shown) and row.variables_not_shown == "{{plan}}"


def test_a_replay_waits_for_values_it_cannot_have() -> None:
    body = '{"to": ["{{to}}"], "from": "12345", "body": "Hi"}'
    held = plan(read(http_file(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", body)))
    assert "{{to}}" in str(held.reasons)


def test_a_variable_within_a_message_does_not_leave_with_it() -> None:
    body = '{"to": ["+46701234567"], "from": "12345", "body": "Dear {{Anna of Solna}}, hi"}'
    row = read(http_file(f"{HOST}/{{{{plan}}}}/batches", "{{tok}}", body))[0]
    assert "Solna" in present(row.variables_not_shown)
    left = Aliases(key=b"k" * 32).exchange(row)
    assert "Solna" not in repr(as_json(left)) and "{{tok}}" in present(left.variables_not_shown)
