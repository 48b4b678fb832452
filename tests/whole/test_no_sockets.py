"""
Nothing leaves this machine but a confirmed dry-run or live.

Every public function, every button, every way a request may have ended before.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import sinchtools as st
from sinchtools.api.description import complete
from sinchtools.core.errors import NotAllowedError
from sinchtools.core.records import Exchange
from tests.support.vendor import PLAN, Vendor

NOW = datetime.now(UTC)
BASE = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}"
BODY = {"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
BATCH = "/batches/01FC66621VHDBN119Z8PMV1QPU"


def exchange(method: Any = "POST", below: Any = "/batches", body: Any = BODY, **rest: Any) -> Any:
    sent = None if body is None else json.dumps(body)
    return complete(
        Exchange(
            **{
                "id": "x1",
                "at": NOW,
                "method": method,
                "url": BASE + below,
                "request_headers": HEADERS,
                "request_body": sent,
                **rest,
            }
        )
    )


BAD = exchange(
    body={**BODY, "to": ["++15551230001"]}, status=400, code="syntax_invalid_parameter_format"
)


@pytest.fixture
def here(work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """
    Everything is switched on and configured.

    Every address that is asked for is written down, and none beyond loopback is reached.
    """
    vendor = Vendor(monkeypatch)
    asked: list[Any] = []
    real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

    def connect(sock: Any, address: Any) -> Any:
        asked.append(address[0] if isinstance(address, tuple) else "unix")
        return real_connect(sock, address)

    def lookup(host: Any, *rest: Any, **named: Any) -> Any:
        asked.append(host)
        return real_lookup(host, *rest, **named)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield vendor
    assert set(asked) <= {"127.0.0.1", "localhost", "::1", "unix"}


# --- every public function ------------------------------------------------------------------------


def live_without_a_word() -> None:
    made = st.plan(BAD, target="live")
    for confirm in (None, "", "yes", made.effect + " "):
        with pytest.raises(NotAllowedError):
            made.run(confirm=confirm)
    with pytest.raises(NotAllowedError):
        st.replay(BAD, target="live")


def replayed() -> None:
    st.replay(BAD)
    st.replay(BAD, target="preview")
    live_without_a_word()


def recorded() -> None:
    with st.record():
        pass


def sandboxed() -> None:
    with st.Sandbox() as sandbox:
        sandbox.account()


def looked_at() -> list[tuple[str, Any, Any, Any, Any]]:
    made = [st.plan(BAD, target=target) for target in ("preview", "sandbox", "dry-run", "live")]
    return [(repr(one), one.frame(), one.reasons, one.effect, one.duration_s) for one in made]


def scanned() -> Any:
    st.export([BAD], "evidence.jsonl")
    return st.scan("evidence.jsonl").fetchall()


USES: dict[str, Callable[[], object]] = {
    "CallLog": lambda: st.CallLog().add([BAD]),
    "Case": lambda: st.Case("4711").add(st.read("HTTP/1.1 403 Forbidden")),
    "Sandbox": sandboxed,
    "analysis": lambda: st.analysis.codes(st.read("HTTP/1.1 403 Forbidden").frame()),
    "charts": lambda: st.charts.error_codes(st.read("HTTP/1.1 403 Forbidden").frame()),
    "compare": lambda: st.compare(BAD, BAD, prove=True),
    "connect": lambda: (st.connect().batches.send(BODY), st.connect("live")),
    "diagnose": lambda: st.diagnose([BAD]),
    "doctor": st.doctor,
    "explain": lambda: st.explain(403, "missing_callback_url"),
    "export": lambda: st.export([BAD], "evidence.har"),
    "panels": lambda: st.panels.ReplayPanel([BAD]),
    "plan": looked_at,
    "prove": lambda: st.prove(st.diagnose(BAD)),
    "read": lambda: st.read(
        f"curl {BASE}/batches -H 'Authorization: Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607'"
    ).frame(),
    "record": recorded,
    "replay": replayed,
    "reply": lambda: st.reply([BAD]),
    "report": lambda: st.report([BAD], "case.html"),
    "scan": scanned,
    "smallest_change": lambda: st.smallest_change(BAD),
    "tips": lambda: st.tips(BAD),
    "workbench": lambda: st.workbench("4712"),
}
HOLD_NO_CALL = {"Exchange", "Finding", "SinchToolsError", "Step"}


@pytest.mark.parametrize("name", sorted(USES))
def test_a_public_function_leaves_nothing_beyond_loopback(
    here: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    USES[name]()
    assert here.requests == []


def test_every_public_name_is_used() -> None:
    assert set(st.__all__) - HOLD_NO_CALL == set(USES)


# --- every button ---------------------------------------------------------------------------------


def panels() -> dict[Any, Any]:
    rows = [replace(BAD, id=f"bad-{i}") for i in range(3)]
    return {
        name: (lambda kind=kind: kind())
        if name == "EvidencePanel"
        else (lambda kind=kind: kind(rows))
        for name, kind in vars(st.panels).items()
        if isinstance(kind, type) and name.endswith("Panel") and name != "Panel"
    }


def buttons_of(widget: Any) -> Iterator[Any]:
    if isinstance(widget, ipywidgets.Button):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from buttons_of(child)


@pytest.mark.parametrize("name", sorted(panels()))
def test_no_button_reaches_the_vendor_without_a_typed_effect(here: Any, name: Any) -> None:
    panel = panels()[name]()
    targets = [value for _, value in panel.target.options] if hasattr(panel, "target") else [None]
    for target in targets:
        if target:
            panel.target.value = target
        for button in list(buttons_of(panel)):
            button.click()
            if hasattr(panel, "batch"):
                panel.batch.wait()
    assert here.sends == []


# --- methods x first outcomes x rungs -------------------------------------------------------------

CALLS = {
    "GET": exchange("GET", body=None),
    "POST": exchange(),
    "PUT": exchange("PUT", BATCH),
    "DELETE": exchange("DELETE", BATCH, None),
    "update": exchange("POST", BATCH, {"body": "Ho"}),
}
ENDED: dict[str, dict[str, Any]] = {
    "not known": {},
    "200": {"status": 200},
    "201": {"status": 201},
    "302": {"status": 302},
    "400": {"status": 400},
    "401": {"status": 401},
    "403": {"status": 403},
    "404": {"status": 404},
    "429": {"status": 429},
    "500": {"status": 500},
    "gateway's 500": {"status": 500, "response_body": "<html>"},
    "502": {"status": 502},
    "503": {"status": 503},
    "504": {"status": 504},
    "408": {"status": 408},
    "499": {"status": 499},
    "timeout": {"failure": "ReadTimeout"},
    "reset": {"failure": "ConnectionError: ConnectionResetError"},
    "never connected": {"failure": "ConnectionError: NewConnectionError"},
    "killed": {"failure": "outcome unknown"},
}
HELD_IF_POST = {
    "not known",
    "200",
    "201",
    "302",
    "408",
    "499",
    "gateway's 500",
    "502",
    "503",
    "504",
    "timeout",
    "reset",
    "killed",
}
HELD_IF_OTHER = {"302", "killed"}


def sends_expected(call: Any, ended: Any, target: Any) -> int:
    if target in {"preview", "sandbox"}:
        return 0
    if call == "GET":
        return 1
    if target == "dry-run":
        return int(call == "POST")
    return int(ended not in (HELD_IF_POST if call in {"POST", "update"} else HELD_IF_OTHER))


@pytest.mark.parametrize("target", ["preview", "sandbox", "dry-run", "live"])
@pytest.mark.parametrize("call", CALLS)
def test_a_request_is_sent_once_or_not_at_all_whatever_became_of_it_before(
    here: Any, call: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (ended, fields) in enumerate(ENDED.items()):
        monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / str(number)))
        log = st.CallLog()
        here.requests.clear()
        evidence = replace(CALLS[call], id=f"{call} {ended}", **fields)
        for _ in range(2):
            made = st.plan(evidence, target=target, log=log)
            made.run(confirm=made.effect)
            made.run(confirm=made.effect)
        assert len(here.requests) == sends_expected(call, ended, target), ended
        assert sum(row.target == "sandbox" and row.parent_id == evidence.id for row in log) == (
            target == "sandbox"
        ), ended
        if target == "dry-run":
            assert all(
                path.endswith("/dry_run") for method, path in here.requests if method != "GET"
            )


def test_of_all_statuses_only_a_refusal_or_a_500_is_sent_again(here: Any) -> None:
    made = st.plan(
        [replace(CALLS["POST"], id=str(status), status=status) for status in range(100, 600)],
        target="live",
    )
    held = {
        int(status)
        for status, reasons in made.reasons.items()
        if not reasons[0].startswith("the same request")
    }
    assert set(range(100, 600)) - held == {*range(400, 501)} - {408, 460, 499}
