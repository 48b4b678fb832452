"""The doctor says in plain words what is wrong here and what to do, and asks nobody."""

import importlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sinchtools.notebook.shell import SWITCHED_ON
from sinchtools.terminal.cli import main
from sinchtools.terminal.health import Checkup, doctor
from tests.support.words import ALL_FINE

module = importlib.import_module(
    "sinchtools.terminal.health"
)  # the package has the function under this name
PLAN = {"SINCH_SERVICE_PLAN_ID": "plan1", "SINCH_API_TOKEN": "5c1e9a7b3d2f4e68"}
PROJECT = {"SINCH_PROJECT_ID": "p1", "SINCH_KEY_ID": "k1", "SINCH_KEY_SECRET": "5c1e9a7b3d2f4e69"}


def states(checkup: Checkup, name: str) -> list[str]:
    return [check.state for check in checkup if check.name == name]


def test_a_sound_machine_is_well(work: Path) -> None:
    work.chmod(0o700)
    assert {check.state for check in doctor({})} == {"ok"}
    assert str(doctor({})).startswith(ALL_FINE)


@pytest.mark.parametrize(
    ("environ", "name", "state", "words"),
    [
        ({"HTTPS_PROXY": "http://proxy.example"}, "proxy", "look", "NO_PROXY=127.0.0.1,localhost"),
        (
            {"https_proxy": "http://proxy.example", "no_proxy": "localhost"},
            "proxy",
            "ok",
            "directly",
        ),
        (
            {"SINCH_API_TOKEN": PLAN["SINCH_API_TOKEN"]},
            "credentials",
            "wrong",
            "SINCH_SERVICE_PLAN_ID is missing",
        ),
        (
            {**PLAN, "SINCH_API_TOKEN": "'5c1e9a7b3d2f4e68'"},
            "credentials",
            "wrong",
            "SINCH_API_TOKEN has quotes",
        ),
        (PLAN, "credentials", "ok", "complete"),
        ({**PLAN, **PROJECT}, "credentials", "look", "service plan's is used"),
        ({"SINCH_REGION": "mars"}, "region", "wrong", "not a region"),
        ({**PROJECT, "SINCH_REGION": "br"}, "region", "wrong", "do not work in region 'br'"),
        ({**PLAN, "SINCH_REGION": "br"}, "region", "ok", "br"),
        ({"SINCHTOOLS_ALLOW": "live"}, "live calls", "look", "can be reached"),
        ({"SINCHTOOLS_ALLOW": "yes"}, "live calls", "look", "switches nothing on"),
    ],
)
def test_what_the_environment_says_is_judged(
    work: Path, environ: Any, name: str, state: str, words: str
) -> None:
    checkup = doctor(environ)
    assert state in states(checkup, name)
    said = " ".join(f"{check.says} {check.then}" for check in checkup if check.name == name)
    assert words in said
    assert not any(
        secret in f"{checkup}{checkup._repr_html_()}{checkup.as_json()}"
        for secret in ("5c1e9a7b3d2f4e68", "5c1e9a7b3d2f4e69")
    )


@pytest.mark.parametrize(("environ", "found"), [({}, ["look"]), ({SWITCHED_ON: "1"}, [])])
def test_a_jupyter_that_saves_what_it_shows_is_said(
    work: Path, monkeypatch: pytest.MonkeyPatch, environ: Any, found: Any
) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert states(doctor(environ), "saving") == found


def test_a_missing_widget_manager_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module,
        "_version",
        lambda name: None if name == "jupyterlab_widgets" else metadata.version(name),
    )
    assert states(doctor({}), "panels") == ["wrong"]


def test_an_old_library_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module, "_version", lambda name: "0.1" if name == "pandas" else metadata.version(name)
    )
    (check,) = (check for check in doctor({}) if check.name == "libraries")
    assert check.state == "wrong" and "pandas is 0.1, and >=3.0 is needed" in check.says


def test_a_machine_without_loopback_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(module.socket, "create_server", refuse)
    assert states(doctor({}), "loopback") == ["wrong"]


@pytest.mark.skipif(os.name == "nt", reason="modes are another thing there")
def test_a_work_folder_that_others_can_read_is_said(work: Path) -> None:
    work.chmod(0o755)
    (check,) = (check for check in doctor({}) if check.name == "work folder")
    assert check.state == "wrong" and f"chmod 700 {work}" in check.then


def test_a_work_folder_that_cannot_be_made_is_said(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "file").write_text("")
    monkeypatch.setenv("SINCHTOOLS_HOME", str(work / "file" / "below"))
    assert states(doctor({}), "work folder") == ["wrong"]


@pytest.mark.parametrize(("region", "code"), [("us", 0), ("mars", 1)])
def test_the_command_exits_1_when_something_is_wrong(
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    region: str,
    code: int,
) -> None:
    work.chmod(0o700)
    monkeypatch.setenv("SINCH_REGION", region)
    assert main(["doctor", "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is (code == 0)
    assert {"name", "state", "says", "then"} == set(found["checks"][0])
    assert main(["doctor"]) == code
    assert ("WRONG region" in capsys.readouterr().out) is (code == 1)


def test_the_report_command_writes_the_file_and_names_it(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = work / "ticket.txt"
    evidence.write_text("HTTP/1.1 403 Forbidden\n")
    assert main(["report", str(evidence), "-o", str(work / "case.html")]) == 0
    assert Path(capsys.readouterr().out.strip()).read_text().startswith("<!DOCTYPE html>")
    assert main(["report", str(evidence), "-o", str(work / "case.docx")]) == 2
