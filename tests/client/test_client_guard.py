"""What a live client refuses, and that no traceback of a refusal shows its token."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from requests.adapters import HTTPAdapter

import sinchtools as st
from sinchtools.client.client import Client, connect
from sinchtools.client.log import CallLog
from sinchtools.client.sending import Permission
from sinchtools.core.errors import NotAllowedError
from sinchtools.core.records import Exchange
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.planning import plan, replay
from tests.replays.test_replay import GOOD, URL, sent
from tests.support.vendor import TOKEN, Vendor
from tests.support.words import ANOTHER_METHOD

OVERRIDES = {
    "the usual header": ("/batches", {"X-HTTP-Method-Override": "POST"}),
    "in small letters": ("/batches", {"x-http-method-override": "DELETE"}),
    "in capitals": ("/batches", {"X-HTTP-METHOD-OVERRIDE": "PUT"}),
    "the short header": ("/batches", {"X-Method-Override": "POST"}),
    "the header of another vendor": ("/batches", {"X-HTTP-Method": "MERGE"}),
    "without the X": ("/batches", {"HTTP-Method-Override": "POST"}),
    "with underscores": ("/batches", {"X_HTTP_Method_Override": "POST"}),
    "with some underscores": ("/batches", {"X-HTTP_METHOD-Override": "POST"}),
    "without a value": ("/batches", {"X-Method-Override": ""}),
    "beside other headers": ("/batches", {"Accept": "*/*", "X-HTTP-Method-Override": "GET"}),
    "a parameter": ("/batches?_method=DELETE", {}),
    "a parameter beside others": ("/batches?page=1&_METHOD=post", {}),
    "a parameter of the header's name": ("/batches?X-HTTP-Method-Override=POST", {}),
    "a quoted parameter": ("/batches?%5Fmethod=POST", {}),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("path", "headers"), OVERRIDES.values(), ids=OVERRIDES.keys())
def test_a_read_that_means_another_method_is_no_read(
    vendor: Vendor,
    log: CallLog,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    headers: Any,
) -> None:
    monkeypatch.delenv("SINCHTOOLS_ALLOW")
    with pytest.raises(NotAllowedError, match="asks for another method"):
        connect("live", log=log).request(method, path, headers=headers)
    assert (vendor.requests, len(log)) == ([], 0)


@pytest.mark.parametrize(
    "headers", [{"X-HTTP-Method-Override": "DELETE"}, {"x_method_override": "DELETE"}]
)
def test_a_dry_run_that_means_another_method_is_no_dry_run(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch, headers: Any
) -> None:
    monkeypatch.setenv("SINCHTOOLS_ALLOW", "dry-run")
    client = connect("live", log=log)
    with pytest.raises(NotAllowedError, match="asks for another method"):
        client.request(
            "POST",
            "/batches/dry_run",
            json=GOOD,
            headers={**headers, "Content-Type": "application/json"},
        )
    assert client.request("POST", "/batches/dry_run", json=GOOD).status == 200


@pytest.mark.parametrize("target", VENDOR)
@pytest.mark.parametrize(("path", "headers"), OVERRIDES.values(), ids=OVERRIDES.keys())
def test_a_replay_that_means_another_method_is_held_back(
    vendor: Vendor, log: CallLog, target: Any, path: str, headers: Any
) -> None:
    row = sent(
        None,
        method="GET",
        url=URL.removesuffix("/batches") + path,
        status=400,
        request_headers=headers,
    )
    assert ANOTHER_METHOD in plan(row, target=target, log=log).reasons["x1"]


NAMES = ("x-http-method-override", "http-method-override", "x-http-method", "x-method-override")


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=some.sampled_from(NAMES),
    chance=some.randoms(use_true_random=False),
    value=some.sampled_from(["", "POST", "get", "x"]),
)
def test_an_override_is_seen_in_any_writing_of_its_name(
    vendor: Vendor, log: CallLog, name: Any, chance: Any, value: Any
) -> None:
    written = "".join(chance.choice([c.upper(), c.lower()] if c != "-" else "-_") for c in name)
    row = sent(None, method="GET", status=400, request_headers={written: value})
    assert plan(row, target="live", log=log).reasons


# --- tracebacks -----------------------------------------------------------------------------------


def refused(client: Client) -> None:
    client.request("POST", "/batches", json=GOOD)


def refused_in_a_resource(client: Client) -> None:
    client.batches.send(GOOD)


def an_override(client: Client) -> None:
    client.request("GET", "/batches", headers={"X-Method-Override": "POST"})


def a_header_that_cannot_be_sent(client: Client) -> None:
    client.request("GET", "/batches", headers={"X-A": "a\r\nb"})


def a_path_that_cannot_be_sent(client: Client) -> None:
    client.request("GET", "http://[")


def a_path_without_a_slash(client: Client) -> None:
    client.request("GET", "batches")


def a_method_that_cannot_be_sent(client: Client) -> None:
    client.request("GE T", "/batches")


def something_that_is_no_json(client: Client) -> None:
    client.request("GET", "/batches", json={1: object()})


def something_that_speaks_against_it(client: Client) -> None:
    refused = Permission(call_id="c1", attempt=1, reason="not now")
    client.request("GET", "/batches", permit=lambda: refused)


def the_log_has_it(client: Client) -> None:
    for _ in range(2):
        client.request("GET", "/batches", permit=lambda: Permission(call_id="c1", attempt=1))


def the_log_is_gone(client: Client) -> None:
    client.log.path.unlink()
    client.request("GET", "/batches")


def the_log_is_closed(client: Client) -> None:
    client.log.close()
    client.request("GET", "/batches")


FAILURES = (
    refused,
    refused_in_a_resource,
    an_override,
    a_header_that_cannot_be_sent,
    a_path_that_cannot_be_sent,
    a_path_without_a_slash,
    a_method_that_cannot_be_sent,
    something_that_is_no_json,
    something_that_speaks_against_it,
    the_log_has_it,
    the_log_is_gone,
    the_log_is_closed,
)
PAIR = {"SINCH_PROJECT_ID": "p1", "SINCH_KEY_ID": "k1", "SINCH_KEY_SECRET": TOKEN}


def told(error: Any) -> str:
    """Return a traceback with the values of all variables."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def raised(call: Any, *args: Any) -> Any:
    try:
        call(*args)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("is_project", [False, True], ids=["plan", "project"])
@pytest.mark.parametrize("failing", FAILURES)
def test_no_traceback_shows_the_token(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch, failing: Any, is_project: bool
) -> None:
    monkeypatch.delenv("SINCHTOOLS_ALLOW")
    if is_project:
        issued = requests.Response()
        issued.status_code, issued._content = 200, b'{"access_token": "%s"}' % TOKEN.encode()
        monkeypatch.setattr(requests.Session, "post", lambda *args, **rest: issued)
        monkeypatch.delenv("SINCH_API_TOKEN")
        for name, value in PAIR.items():
            monkeypatch.setenv(name, value)
    said = told(raised(failing, connect("live", log=log)))
    assert "client.request" in said or "client.batches" in said
    assert TOKEN not in said


@pytest.mark.parametrize("status", [400, 401, 500, 200])
def test_no_traceback_of_the_token_endpoint_shows_the_key(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("SINCH_API_TOKEN")
    for name, value in PAIR.items():
        monkeypatch.setenv(name, value)
    answer = requests.Response()
    answer.status_code, answer._content = status, b"{}"
    monkeypatch.setattr(HTTPAdapter, "send", lambda *args, **rest: answer)
    said = told(raised(connect("live", log=log).batches.list))
    assert "token endpoint" in said
    assert TOKEN not in said and base64.b64encode(f"k1:{TOKEN}".encode()).decode() not in said


@pytest.mark.parametrize(
    "token", ["two\nlines-of-a-token", "a-token-with-\u2022", "a-token-with-\x7f"]
)
def test_a_token_that_cannot_be_sent_is_not_shown(
    vendor: Vendor, log: CallLog, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("SINCH_API_TOKEN", token)
    said = told(raised(connect("live", log=log).batches.list))
    assert "The configured token cannot be sent" in said
    assert token not in said and repr(token)[1:-1] not in said


TOKENS = some.text(
    some.characters(codec="ascii", exclude_characters="\0'\"\\"), min_size=12, max_size=40
).filter(lambda text: text.strip() == text)
HEADERS = some.none() | some.dictionaries(
    some.sampled_from(["X-A", "Content-Type", "X-Method-Override", "a b"]),
    some.none() | some.text(max_size=9),
)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=TOKENS,
    method=some.sampled_from(["GET", "POST", "DELETE", "G T", ""]),
    path=some.text(max_size=9),
    headers=HEADERS,
)
def test_no_traceback_of_any_request_shows_any_token(
    work: Path,
    tmp_path_factory: pytest.TempPathFactory,
    token: Any,
    method: Any,
    path: Any,
    headers: Any,
) -> None:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        CallLog(tmp_path_factory.mktemp("log") / "calls.sqlite") as log,
    ):
        Vendor(monkeypatch, allow="sandbox")
        monkeypatch.setenv("SINCH_API_TOKEN", token)
        try:
            connect("live", log=log).request(method, f"/batches/{path}", headers=headers)
        except Exception as error:
            assert token not in told(error).replace("    token = " + repr(token), "")
        assert token not in repr(list(log))


# --- a preview ------------------------------------------------------------------------------------

HIDDEN = [
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\ufeff",
    "\u200b",
    "\x9b",
    "\x85",
    "\x9d",
    "\x1b",
    "\x07",
    "\x00",
    "\ue000",
    "\U000e0041",
]


@pytest.mark.parametrize("character", HIDDEN)
def test_a_preview_shows_what_hides(log: CallLog, character: str) -> None:
    headers = {"Content-Type": "application/json", "X-A": f"a{character}b"}
    row = Exchange(
        id="x",
        method="POST",
        url=f"{URL}?a={character}",
        request_headers=headers,
        request_body=f'{{"body": "a{character}b"}}',
    )
    said = repr(replay(row, target="preview", log=log))
    assert all(letter.isprintable() or letter == "\n" for letter in said)
    escaped = "".join(f"\\x{byte:02x}" for byte in character.encode())
    assert said.count(escaped) + said.count(f"U+{ord(character):04X}") >= 2


@pytest.mark.long
@given(some.text(some.characters(exclude_categories=["Zl", "Zp", "Zs"]), max_size=40))
def test_a_preview_of_any_text_is_printable(text: Any) -> None:
    row = Exchange(
        id="x",
        method="POST",
        url=f"{URL}?a={text}",
        request_headers={"X-A": text},
        request_body=text,
    )
    said = repr(st.plan(row, target="preview").run())
    assert all(letter.isprintable() or letter in "\n\t" for letter in said)
