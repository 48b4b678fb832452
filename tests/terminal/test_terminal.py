"""Nothing that was read commands the terminal, hides in it or turns its text around."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinchtools.core.records import Exchange
from sinchtools.evidence.exports import to_jsonl
from sinchtools.terminal.cli import main
from tests.support.evidence import ODD, obeyed

HOSTILE = Exchange(
    id=f"a{ODD}",
    source=f"{ODD}.har",
    method=f"PO{ODD}",
    url=f"https://us.sms.api.sinch.com/xms/v1/{ODD}/batches",
    request_headers={f"X-{ODD}": ODD, "Content-Type": ODD},
    request_body=f'{{"to": ["+46701740605{ODD}"], "from": "{ODD}", "body": "{ODD}", "{ODD}": 1',
    status=400,
    code=f"syntax_{ODD}",
    text=ODD,
    response_headers={"X": ODD},
    response_body=json.dumps({"code": ODD, "text": ODD}),
)
LOST = Exchange(
    id="b", method="GET", url="https://us.sms.api.sinch.com/xms/v1/p/batches", failure=ODD
)
FILE = "evil\x1b[2J\u202e.jsonl"


@pytest.fixture
def path(work: Path) -> str:
    path = work / FILE
    path.write_text(f"{to_jsonl([HOSTILE, LOST])}{{half a line {ODD}\n", encoding="utf-8")
    return str(path)


COMMANDS = {
    "read": "read FILE",
    "diagnose": "diagnose FILE",
    "preview": "replay FILE --target preview",
    "replay": "replay FILE --fix",
    "log": "log",
    "report": "report FILE -o FILE.html",
    "chart": "chart FILE -o FILE.d",
    "log-export": "log --export FILE.har",
    "explain": "explain 403 ODD",
    "explain-status": "explain ODD",
    "missing": "read FILE.missing",
    "no-log": "log FILE",
    "no-time": "diagnose FILE --as-of ODD",
    "no-option": "read FILE --ODD",
    "no-format": "read FILE --format ODD",
    "no-ending": "report FILE -o FILE",
    "no-target": "replay FILE --target ODD",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_character_that_a_terminal_obeys_is_printed(
    path: Any, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if command.startswith("log"):
        main(["replay", path])
    run([word.replace("FILE", path).replace("ODD", ODD) for word in command.split()])
    said = capsys.readouterr()
    assert said.out or said.err
    assert obeyed(said.out) == obeyed(said.err) == set()


@pytest.mark.parametrize("command", ["read", "diagnose", "replay"])
def test_json_escapes_them_and_means_the_same(
    path: Any, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run([command, path, "--json"])
    out = capsys.readouterr().out
    assert obeyed(out) == set()
    assert any(ODD in word for word in words_in(json.loads(out)))


def run(arguments: Any) -> Any:
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


def words_in(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield value
    for one in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from words_in(one)
