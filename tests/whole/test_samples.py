"""The sample case: complete, readable to the last line, made by its script, and nobody's."""

import gzip
import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from sinchtools.core import columns
from sinchtools.evidence import read
from sinchtools.evidence.evidence import Evidence
from tests.support.present import present
from tools.traffic import fast_traffic

DATA = Path(__file__).parents[2] / "data"
SAMPLES = DATA / "samples"
FICTION = re.compile(r"\+*(1555\d{7}|(44|0)7700900\d{3}|467017406(0[5-9]|[1-9]\d)|61491570156)")


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return read([str(SAMPLES / name) for name in ("calls.jsonl.gz", "requests.sh", "browser.har")])


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return script_of("make_samples")


def script_of(name: str) -> ModuleType:
    spec = present(importlib.util.spec_from_file_location(name, DATA / f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    present(spec.loader).exec_module(module)
    return module


def test_everything_is_read_and_nothing_left_out_or_guessed(evidence: Evidence) -> None:
    assert dict(evidence.formats) == {"jsonl": 5000, "curl": 12, "har": 7}
    assert (evidence.skipped, evidence.warnings) == ((), ())


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "syntax_invalid_parameter_format"),
        (400, "syntax_constraint_violation"),
        (400, "syntax_invalid_json"),
        (401, None),
        (403, "missing_callback_url"),
        (403, "unknown_group"),
        (403, "blocked_account"),
        (403, "illegal_number_type"),
        (404, None),
        (405, None),
        (415, None),
        (429, None),
        (500, None),
        (503, None),
        (None, None),
    ],
)
def test_each_kind_of_failure_is_there(
    evidence: Evidence, status: int | None, code: str | None
) -> None:
    assert any(
        (exchange.status, exchange.code) == (status, code)
        for exchange in evidence
        if present(exchange.source).startswith("calls")
    )


def test_no_token_is_left_after_reading(evidence: Evidence) -> None:
    tokens = set(
        re.findall(
            r"[0-9a-f]{32}",
            "".join((SAMPLES / name).read_text() for name in ("requests.sh", "browser.har")),
        )
    )
    tokens -= {exchange.account for exchange in evidence}
    text = json.dumps(evidence.as_json())
    assert len(tokens) == 2
    assert [token for token in tokens if token in text] == []


def test_all_numbers_are_kept_for_fiction(evidence: Evidence) -> None:
    text = "\n".join(
        " ".join(map(str, (exchange.url, exchange.request_body, exchange.response_body)))
        for exchange in evidence
    )
    numbers = re.findall(r"(?<![\w.+])\+*\d{10,15}(?![\w.])", text)
    assert len(numbers) > 5000
    assert {number for number in numbers if not FICTION.fullmatch(number)} == set()


def test_the_calls_are_those_of_the_script(evidence: Evidence) -> None:
    stable = [
        "id",
        "call_id",
        "attempt",
        "at",
        "account",
        "region",
        "endpoint",
        "status",
        "code",
        "elapsed_ms",
    ]
    calls = columns.frame(
        exchange for exchange in evidence if present(exchange.source).startswith("calls")
    )
    pd.testing.assert_frame_equal(calls[stable], fast_traffic(5000, seed=4711)[stable])


def test_making_the_calls_again_gives_the_same_bytes(script: Any) -> None:
    assert script.write_calls(200) == script.write_calls(200)
    assert len(gzip.decompress(script.write_calls(3)).splitlines()) == 3


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash"
)
def test_curl_still_gets_the_answers_above_the_commands(script: Any) -> None:
    assert script.write_requests() == (SAMPLES / "requests.sh").read_bytes()


def test_the_har_shows_the_vendors_host_alone_and_fixed_times(evidence: Evidence) -> None:
    har = (SAMPLES / "browser.har").read_text()
    entries = json.loads(har)["log"]["entries"]
    assert set(re.findall(r"https?://([^/\"]+)", har)) == {"eu.sms.api.sinch.com"}
    assert "127.0.0.1" not in har
    assert [entry["startedDateTime"] for entry in entries] == [
        f"2026-03-09T09:40:{8 * i:02d}.000Z" for i in range(7)
    ]


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 700_000


def test_every_ticket_is_read_and_shows_what_failed() -> None:
    for path in sorted((SAMPLES / "tickets").iterdir()):
        assert read(path).failing(), path.name


def test_the_log_of_a_ticket_is_that_of_its_script() -> None:
    assert script_of("make_log").write_log() == (SAMPLES / "tickets/log.jsonl").read_text(
        encoding="utf-8"
    )
