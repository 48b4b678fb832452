"""The command line, as the contract has it: JSON shapes, exit codes, one clear line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sinchtools.terminal.cli import main
from tests.support.present import present
from tests.support.vendor import PLAN as VENDOR_PLAN
from tests.support.vendor import Vendor
from tests.support.words import MAY_BE_SENT, NOT_SENT_AGAIN

PLAN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4"
TOKEN = "5c1e9a7b3d2f4e6880a1b2c3d4e5f607"
CURL = f"""curl -X POST "https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches" \\
  -H "Authorization: Bearer {TOKEN}" -H "Content-Type: application/json" \\
  -d '{{"from": "15559870002", "to": "+15551230001", "body": "Hi"}}'
"""


@pytest.fixture
def run(work: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> tuple[object, str, str]:
        code: object
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            code = exit_.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def curl(tmp_path: Path) -> Path:
    path = tmp_path / "ticket.sh"
    path.write_text(CURL)
    return path


def test_read_answers_with_the_rows_and_no_token(run: Any, curl: Path) -> None:
    code, out, _ = run("read", curl, "--json")
    answer = json.loads(out)
    assert code == 0
    assert set(answer) >= {"exchanges", "skipped", "warnings", "secrets_removed"}
    (row,) = answer["exchanges"]
    assert (row["method"], row["endpoint"], row["region"], row["account"]) == (
        "POST",
        "POST /batches",
        "us",
        PLAN,
    )
    assert answer["secrets_removed"] == 1
    assert TOKEN not in out


def test_diagnose_answers_in_the_shape_of_the_contract(run: Any, curl: Path) -> None:
    code, out, _ = run("diagnose", curl, "--json", "--as-of", "2026-11-23T08:00:00Z")
    (found,) = json.loads(out)["diagnoses"]
    assert code == 1
    assert set(found) >= {
        "id",
        "source",
        "observed_status",
        "observed_code",
        "expected_status",
        "expected_code",
        "consistent",
        "findings",
    }
    assert (found["expected_status"], found["expected_code"], found["consistent"]) == (
        400,
        "syntax_invalid_json",
        None,
    )
    assert set(found["findings"][0]) >= {
        "rule",
        "severity",
        "status",
        "code",
        "location",
        "field",
        "pointer",
        "line",
        "column",
        "says",
        "then",
        "page",
        "fix",
    }
    assert (found["findings"][0]["field"], found["findings"][0]["pointer"]) == ("to", "/to")


def test_replay_answers_with_verdicts_and_exits_1_when_something_is_not_fixed(
    run: Any, curl: Path
) -> None:
    code, out, _ = run("replay", curl, "--json")
    (result,) = json.loads(out)["results"]
    assert code == 1
    assert set(result) == {"id", "parent_id", "status", "code", "verdict", "reasons"}
    assert (result["status"], result["verdict"]) == (400, "INCONCLUSIVE")


def test_replay_with_the_suggested_fix_proves_it(run: Any, curl: Path) -> None:
    code, out, _ = run("replay", curl, "--fix", "--json")
    assert (code, json.loads(out)["results"][0]["verdict"]) == (0, "FIXED")


def test_the_same_id_comes_from_read_diagnose_and_replay(run: Any, curl: Path) -> None:
    ids = {
        json.loads(run("read", curl, "--json")[1])["exchanges"][0]["id"],
        json.loads(run("diagnose", curl, "--json")[1])["diagnoses"][0]["id"],
        json.loads(run("replay", curl, "--json")[1])["results"][0]["parent_id"],
    }
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("arguments", "on_page", "words"),
    [
        (["403", "missing_callback_url"], True, "callback"),
        (["404"], True, ""),
        (["403", "brand_new_code"], False, ""),
        (["799"], False, ""),
        (["--delivery", "404"], None, ""),
        (["--smpp", "310"], None, ""),
    ],
)
def test_explain_has_an_entry_for_anything(
    run: Any, arguments: Any, on_page: bool | None, words: str
) -> None:
    code, out, _ = run("explain", *arguments, "--json")
    entry = json.loads(out)
    assert code == 0
    assert set(entry) >= {"on_page", "meaning", "tips", "retry", "source"}
    assert on_page is None or entry["on_page"] is on_page
    assert words in json.dumps(entry)


def test_chart_writes_png_svg_and_the_data(run: Any, curl: Path, tmp_path: Path) -> None:
    code, out, _ = run("chart", curl, "-o", tmp_path / "charts")
    assert code == 0
    assert {path.suffix for path in (tmp_path / "charts").iterdir()} >= {".png", ".svg", ".csv"}
    assert all(str(tmp_path) in line for line in out.splitlines())


def test_standard_input_is_read(work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sinchtools", "read", "-", "--json"],
        input=CURL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["exchanges"]) == 1


def test_log_shows_and_verifies(run: Any, curl: Path) -> None:
    run("replay", curl)
    code, out, _ = run("log", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[0])["origin"] == "replay"
    code, out, _ = run("log", "--verify")
    assert code == 0
    assert "intact" in out


def test_a_replay_says_its_plan_and_keeps_its_pace(run: Any, curl: Path) -> None:
    code, out, err = run("replay", curl, "--workers", "2", "--rate", "50", "--json")
    assert code == 1
    assert "2 at a time; at most 50 requests/s" in err
    assert len(json.loads(out)["results"]) == 1


def test_a_replay_run_twice_sends_once(run: Any, curl: Path) -> None:
    first, second = (json.loads(run("replay", curl, "--json")[1])["results"][0] for _ in range(2))
    assert first["id"] == second["id"]
    assert NOT_SENT_AGAIN in " ".join(second["reasons"])


def timed_out(folder: Any) -> Any:
    body = json.dumps(
        {
            "to": ["+15551230001"],
            "from": "15559870002",
            "body": "Hi",
            "client_reference": "order-17",
        }
    )
    at = datetime.now(UTC) - timedelta(minutes=10)
    row = {
        "id": "x1",
        "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "method": "POST",
        "request_body": body,
        "failure": "ReadTimeout",
        "url": f"https://us.sms.api.sinch.com/xms/v1/{VENDOR_PLAN}/batches",
        "request_headers": {"Content-Type": "application/json"},
    }
    (folder / "timeout.jsonl").write_text(json.dumps(row))
    return folder / "timeout.jsonl"


def test_a_live_replay_asks_first_on_wish_and_sends_what_was_typed(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor, evidence = Vendor(monkeypatch), timed_out(tmp_path)
    live = ("replay", evidence, "--target", "live", "--json")
    code, out, err = run(*live)
    assert (code, vendor.requests) == (1, [])
    assert MAY_BE_SENT in out
    code, _, err = run(*live, "--check")
    assert (code, vendor.sends) == (2, [])
    assert "send 1 SMS to 1 person" in err
    code, out, _ = run(*live, "--check", "--confirm", "send 1 SMS to 1 person")
    assert (json.loads(out)["results"][0]["status"], len(vendor.sends)) == (201, 1)


def test_a_run_that_was_stopped_exits_with_1_and_says_why(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {
            "id": str(i),
            "method": "GET",
            "url": f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches",
            "status": 200,
        }
        for i in range(3)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, _ = run("replay", tmp_path / "rows.jsonl", "--json")
    assert (code, json.loads(out)["stopped"]) == (0, "")
    monkeypatch.setattr(
        "sinchtools.replays.runner.Runner.stopped",
        "the last 5 failed at the server (5xx, no answer)",
    )
    code, out, _ = run("replay", tmp_path / "rows.jsonl", "--json")
    assert (code, json.loads(out)["stopped"]) == (
        1,
        "the last 5 failed at the server (5xx, no answer)",
    )


def test_log_export_knows_no_people_unless_they_are_kept(
    run: Any, curl: Path, tmp_path: Path
) -> None:
    run("replay", curl)
    for options, there in (([], False), (["--keep-people"], True)):
        code, out, _ = run("log", "--export", tmp_path / "calls.jsonl", *options)
        assert code == 0
        assert out.strip().endswith("calls.jsonl")
        assert ("15551230001" in (tmp_path / "calls.jsonl").read_text()) == there


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "{curl}", "--workers", "99"], "99 workers"),
        (["replay", "{curl}", "--rate", "0"], "not a rate"),
        (["replay", "{curl}", "--test-number", "me"], "test number"),
        (["replay", "{curl}", "--test-number", ""], "test number"),
        (["log", "--export", "calls.pdf"], "'.pdf'"),
        (["read", "no/such/file.har"], "does not exist"),
        (["diagnose", "no/such/file.har"], "does not exist"),
        (["explain"], "one thing at a time"),
        (["explain", "abc", "def"], "'abc'"),
        (["replay", "{curl}", "--target", "live"], "SINCHTOOLS_ALLOW"),
        (["replay", "{curl}", "--log", "{curl}/folder/log.sqlite"], "cannot be opened"),
        (["diagnose", "{curl}", "--as-of", "yesterday"], "'yesterday'"),
        (["read", "{curl}", "--format", "morse"], "morse"),
        (["nonsense"], "nonsense"),
        (["read"], "FILE"),
    ],
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(
    run: Any, curl: Path, arguments: Any, words: str
) -> None:
    code, out, err = run(*[argument.format(curl=curl) for argument in arguments])
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1, err


@pytest.mark.parametrize("content", ["", "a shopping list: milk, bread\n", "\x00\x01\x02"])
def test_a_file_without_http_data_gives_zero_rows_a_reason_and_exit_code_1(
    run: Any, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    code, out, _ = run("read", path, "--json")
    answer = json.loads(out)
    assert (code, answer["exchanges"]) == (1, [])
    assert answer["skipped"][0]["reason"]


@pytest.fixture
def served(work: Path) -> Iterator[tuple[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "sinchtools",
        "sandbox",
        "--port",
        "0",
        "--service-plan-id",
        "plan1",
        "--api-token",
        "token-of-plan1",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield present(process.stdout).readline().strip(), process
        process.send_signal(signal.SIGINT)


def test_sandbox_prints_its_url_at_once_and_serves(served: Any) -> None:
    url, _ = served
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{url}/xms/v1/plan1/batches",
            headers={"Authorization": "Bearer token-of-plan1"},
            timeout=10,
        )
    assert (answer.status_code, answer.headers["X-Simulated"]) == (200, "1")


def test_a_port_in_use_is_one_clear_line(served: Any) -> None:
    port = served[0].rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "sinchtools", "sandbox", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert port in done.stderr


def test_a_closed_pipe_is_no_traceback(work: Path, curl: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m sinchtools read {curl} --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "curl https://example.com/"])
def test_log_never_writes_to_what_is_no_log(run: Any, tmp_path: Path, content: str) -> None:
    path = tmp_path / "evidence.txt"
    path.write_text(content)
    code, _, err = run("log", path)
    assert (code, path.read_text()) == (2, content)
    assert "not a call log" in err


def test_log_makes_no_file(run: Any, tmp_path: Path) -> None:
    assert run("log", tmp_path / "typo.sqlite")[0] == 2
    assert not (tmp_path / "typo.sqlite").exists()


def test_explain_takes_a_code_alone(run: Any) -> None:
    code, out, _ = run("explain", "missing_callback_url", "--json")
    entry = json.loads(out)
    assert (code, entry["status"], entry["code"]) == (0, 403, "missing_callback_url")


def test_a_column_of_a_table_is_named(run: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n403,oddly_named\n")
    _, out, _ = run(
        "read",
        tmp_path / "t.csv",
        "--format",
        "csv",
        "--column",
        "y=code",
        "--column",
        "x=status",
        "--json",
    )
    assert [(x["status"], x["code"]) for x in json.loads(out)["exchanges"]] == [
        (403, "oddly_named")
    ]


def test_of_many_requests_what_is_wrong_comes_first_and_the_rest_is_counted(
    run: Any, tmp_path: Path
) -> None:
    rows = [{"status": 201, "method": "GET", "url": "/x"}] * 150 + [{"status": 503}]
    (tmp_path / "many.jsonl").write_text("\n".join(map(json.dumps, rows)))
    _, out, _ = run("diagnose", tmp_path / "many.jsonl")
    assert out.startswith("503")
    assert "many.jsonl#151" in out and "150 requests" in out


def test_the_check_of_a_log_is_json_too(run: Any, curl: Path) -> None:
    run("replay", curl)
    assert json.loads(run("log", "--verify", "--json")[1]) == {"problems": [], "exchanges": 1}


def test_a_chart_of_nothing_writes_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    code, _, err = run("chart", tmp_path / "empty.txt", "-o", tmp_path / "charts")
    assert (code, (tmp_path / "charts").exists()) == (1, False)
    assert "no request was read" in err
