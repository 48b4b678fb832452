"""
What is handed over reads as it runs.

Nothing in it hides, turns text around or commands a terminal, and bash gets the same bytes.
"""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as a

import sinchtools as st
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import export
from sinchtools.core.records import Exchange, Skipped
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_curl, to_har, to_jsonl
from sinchtools.terminal.health import Check, Checkup

HIDDEN = {
    "right-to-left override": "\u202e",
    "left-to-right override": "\u202d",
    "right-to-left isolate": "\u2067",
    "pop isolate": "\u2069",
    "right-to-left mark": "\u200f",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "word joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "BOM": "\ufeff",
    "escape": "\x1b",
    "C1 escape": "\x9b",
    "next line": "\x85",
    "bell": "\x07",
    "backspace": "\x08",
    "carriage return": "\r",
    "delete": "\x7f",
    "line separator": "\u2028",
    "no-break space": "\u00a0",
    "tag": "\U000e0041",
    "private use": "\ue000",
    "not assigned": "\u0378",
}
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "body": lambda text: {"request_body": text},
    "bytes": lambda text: {"request_body": text.encode()},
    "header": lambda text: {"request_headers": {"X-Note": f"a{text}b"}},
    "URL": lambda text: {"url": f"https://us.sms.api.sinch.com/xms/v1/p/batches?a={text}"},
}
BARE = Exchange(
    id="a",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/p/batches",
    request_headers={"Content-Type": "text/plain"},
    request_body="x",
)
bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def hidden_in(text: Any) -> list[Any]:
    return [char for char in text if not (char.isprintable() or char in "\n\t")]


def arguments(command: Any, folder: Any, locale: Any) -> Any:
    """What a program called curl gets from bash."""
    stub = folder / "curl"
    stub.write_text('#!/bin/sh\nfor one; do printf "%s\\0" "$one"; done\n')
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    script = folder / "export.sh"
    script.write_text(command, encoding="utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        capture_output=True,
        check=True,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "LC_ALL": locale},
        timeout=60,
    )
    return done.stdout.split(b"\0")[:-1]


@bash
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", HIDDEN)
def test_a_command_hides_nothing_and_bash_gets_the_same_bytes(
    tmp_path: Path, what: str, place: str
) -> None:
    text = f"it's \\ \u00e9{HIDDEN[what]}gnp 41"
    row = replace(BARE, **PLACES[place](text))
    command = to_curl(row)
    assert hidden_in(command) == []
    for locale in ("C", "C.UTF-8"):
        got = arguments(command, tmp_path, locale)
        assert any(text.encode() in one for one in got) or f"a{text}b".encode() in b"\0".join(got)
    if (what, place) == ("carriage return", "header"):  # the reader takes it for the end of a line
        return
    (back,) = read(command + "\n")
    assert (back.url, back.request_headers, back.request_body if place != "bytes" else text) == (
        row.url,
        row.request_headers,
        text if place == "bytes" else row.request_body,
    )


@pytest.mark.parametrize("what", HIDDEN)
@pytest.mark.parametrize("write", [to_jsonl, to_har])
def test_a_file_hides_nothing_and_reads_back_equal(write: Any, what: str) -> None:
    row = replace(BARE, request_body=f"a{HIDDEN[what]}b", text=f"\u00e9{HIDDEN[what]}", status=400)
    written = write([row])
    assert hidden_in(written) == [] and "\u00e9" in written
    assert [(one.request_body, one.text) for one in read(written)] == [(row.request_body, row.text)]


@pytest.mark.parametrize("ending", [".jsonl", ".har", ".sh"])
def test_an_exported_file_hides_nothing(tmp_path: Path, ending: str) -> None:
    rows = [
        replace(BARE, id=str(n), request_body=f"Hi {char} x")
        for n, char in enumerate(HIDDEN.values())
    ]
    assert hidden_in(export(rows, tmp_path / f"x{ending}").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "what", [what for what in HIDDEN if what not in ("line separator", "no-break space")]
)
def test_nothing_that_is_shown_hides_it(work: Path, what: Any) -> None:
    char = HIDDEN[what]
    row = replace(
        BARE,
        id=f"a{char}",
        source=f"x{char}#1",
        code=f"c{char}",
        text=f"t{char}",
        status=400,
        request_body=f"b{char}",
    )
    case = Case(work / f"case-{char}x", [row])
    case.note(f"n{char}")
    skipped = replace(case.evidence, skipped=(Skipped(source=f"s{char}", reason=f"r{char}"),))
    checkup = Checkup([Check(name="n", says=f"s{char}", then=f"t{char}")])
    shown = [text for one in (case, skipped, checkup) for text in (repr(one), one._repr_html_())]
    shown += [
        str(skipped),
        repr(skipped.skipped[0]),
        repr(row),
        repr(case.log),
        repr(st.diagnose(row)),
        str(st.diagnose(row)),
    ]
    shutil.rmtree(case.folder)
    shown += [repr(case), case._repr_html_()]
    for text in shown:
        assert char not in text


TEXT = a.text(a.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@bash
@pytest.mark.long
@settings(max_examples=500 if os.environ.get("SINCHTOOLS_FULL") == "1" else 40)
@given(TEXT.filter(bool), a.sampled_from(["C", "C.UTF-8"]))
def test_any_text_goes_through_bash_unchanged(
    tmp_path_factory: pytest.TempPathFactory, text: Any, locale: Any
) -> None:
    folder = tmp_path_factory.mktemp("bash")
    command = to_curl(replace(BARE, request_body=text))
    assert hidden_in(command) == []
    assert arguments(command, folder, locale)[-1] == text.encode()
    assert json.loads(to_jsonl([replace(BARE, request_body=text)]))["request_body"] == text
