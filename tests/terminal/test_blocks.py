"""What a terminal shows: a block for each group, the difference of a replay, colours."""

import io
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sinchtools.evidence.exports import to_jsonl
from sinchtools.terminal.cli import main
from sinchtools.terminal.output import has_colours
from tests.support.shell import BAD

GOLDEN = Path(__file__).parent / "golden"
TICKET = """Nothing goes out since the release:

curl https://eu.sms.api.sinch.com/xms/v1/4f1c2b3a4d5e6f708192a3b4c5d6e7f8/batches \\
  -H 'Authorization: Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607' -H 'Content-Type: application/json' \\
  -d '{
    "to": ["+447700900123"],
    "from": "447700900999",
    "body": "Your parcel is here",
    "delivery_report": "Full",
    "callback_url": "https://hooks.example.com/sms",
  }'

HTTP/1.1 400 Bad Request
Date: Mon, 02 Mar 2026 08:00:00 GMT

{"code": "syntax_invalid_json", "text": "Unexpected character"}
"""


@pytest.fixture
def ticket(work: Path) -> str:
    (work / "ticket.txt").write_text(TICKET)
    return str(work / "ticket.txt")


def shown(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[Any, Any]:
    code = main([str(one) for one in arguments])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("command", ["diagnose", "replay --fix", "report --reply full"])
def test_the_words_are_those_of_the_golden_file(
    ticket: Any, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Run with GOLDEN=write to accept new words, then read them as a customer would."""
    _, out = shown(capsys, *command.split(), ticket)
    golden = GOLDEN / f"{command.split()[0]}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(out, encoding="utf-8")
    assert out == golden.read_text(encoding="utf-8")


def test_all_independent_findings_of_a_group_are_in_one_block_with_its_count(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = '{"to": ["+447700900123"], "body": "x", "delivery_report": "Full", "send_at": "soon",}'
    rows = [replace(BAD, id=f"{n}", request_body=body, status=400) for n in range(40)]
    (work / "rows.jsonl").write_text(to_jsonl(rows))
    code, out = shown(capsys, "diagnose", work / "rows.jsonl")
    assert code == 1 and "40 requests" in out.splitlines()[0]
    assert out.count("json-trailing-comma") == 1
    assert "delivery_report" in out and "send_at" in out
    assert len(out.splitlines()) < 50


def test_a_replay_shows_the_difference_and_the_command_that_works(
    ticket: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = shown(capsys, "replay", "--fix", ticket)
    assert code == 0 and out.startswith("FIXED")
    assert re.search(r'\d - +"delivery_report": "Full"', out)
    assert re.search(r'\d \+ +"delivery_report": "full"', out)
    assert 'Bearer $SINCH_API_TOKEN"' in out and "5c1e9a7b" not in out


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_and_for_who_wants_them(
    ticket: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    environ: Any,
    is_coloured: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    plain = GOLDEN / "diagnose.txt"
    _, out = shown(capsys, "diagnose", ticket)
    assert ("\x1b[" in out) is is_coloured
    assert re.sub(r"\x1b\[[\d;]+m", "", out) == plain.read_text(encoding="utf-8")


def test_a_terminal_has_colours_unless_it_is_dumb() -> None:
    stream = type("Stream", (), {"isatty": lambda self: True})()
    assert has_colours(stream, {"TERM": "xterm"}) and not has_colours(stream, {"TERM": "dumb"})


def test_signs_that_an_encoding_lacks_are_written_in_ascii(
    ticket: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    main(["diagnose", ticket])
    assert b"x 1  " in raw.getvalue()


def test_the_reply_is_printed_and_the_report_written(
    ticket: Any, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = shown(capsys, "report", ticket, "-o", work / "case.html", "--reply")
    assert code == 0 and out.startswith(f"{work / 'case.html'}\nHi,")
    assert "our simulator accepted the request" in out and "447700900123" not in out
    assert "Proven" in (work / "case.html").read_text()
