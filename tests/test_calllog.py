"""The call log: durable, append-only, honest about what it does not know."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sinchtools.calllog import CallLog
from sinchtools.errors import LogError
from sinchtools.records import Exchange
from sinchtools.tables import COLUMNS

ANSWERED = Exchange(
    id="a1",
    at=datetime(2026, 11, 23, 8, tzinfo=UTC),
    origin="client",
    method="POST",
    url="http://127.0.0.1/xms/v1/plan/batches",
    request_headers={"Content-Type": "application/json"},
    request_body="{}",
    status=400,
    code="syntax_constraint_violation",
    text="to is missing",
    response_headers={"X-Simulated": "1"},
    response_body='{"code": "syntax_constraint_violation"}',
    elapsed_ms=1.5,
)


@pytest.fixture
def log(tmp_path):
    with CallLog(tmp_path / "calls.sqlite") as log:
        yield log


def test_an_exchange_comes_back_as_it_was_written(log):
    log.add([ANSWERED])
    assert list(log) == [ANSWERED]


def test_a_body_that_is_no_text_comes_back_as_bytes(log):
    binary = replace(ANSWERED, request_body=b"\xff\x00", response_body=b"\xfe")
    log.add([binary])
    assert list(log) == [binary]


def test_an_intent_without_an_outcome_is_shown_as_unknown(log):
    log.intent(replace(ANSWERED, status=None, code=None, text=None, response_headers={}, response_body=None, elapsed_ms=None))
    (row,) = log
    assert (row.status, row.failure, row.outcome) == (None, "outcome unknown", "no_response")


def test_an_outcome_completes_its_intent(log):
    log.intent(replace(ANSWERED, status=None, code=None, text=None, response_headers={}, response_body=None, elapsed_ms=None))
    log.outcome(ANSWERED)
    assert list(log) == [ANSWERED]
    assert len(log) == 1


@pytest.mark.parametrize("rows", [[], [ANSWERED]], ids=["empty", "one-row"])
def test_a_frame_has_the_columns_and_dtypes_of_the_contract(log, rows):
    log.add(rows)
    frame = log.frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {name: dtype for name, (dtype, _) in COLUMNS.items()}
    assert len(frame) == len(rows)


def test_rows_keep_the_order_of_their_intents(log):
    log.add([replace(ANSWERED, id=str(i)) for i in range(20)])
    assert [row.id for row in log] == [str(i) for i in range(20)]


@pytest.mark.parametrize("statement", ["UPDATE event SET data = '{}'", "DELETE FROM event"])
def test_the_file_refuses_to_be_changed(log, statement):
    log.add([ANSWERED])
    with sqlite3.connect(log.path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_verify_names_an_altered_event(log):
    log.add([ANSWERED])
    assert log.verify() == []
    connection = sqlite3.connect(log.path)
    connection.execute("DROP TRIGGER no_update")
    connection.execute("UPDATE event SET data = replace(data, '400', '201') WHERE kind = 'outcome'")
    connection.commit()
    connection.close()
    assert log.verify() == ["Event 2 (outcome of exchange a1) was altered or put in."]


def test_the_version_grows_with_every_event_also_of_another_writer(log):
    before = log.version
    with CallLog(log.path) as other:
        other.add([ANSWERED])
    assert log.version == before + 2


def test_the_file_is_readable_by_its_owner_only(log):
    log.add([ANSWERED])
    for path in log.path.parent.glob("calls.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_what_was_logged_survives_a_kill(tmp_path):
    path = tmp_path / "calls.sqlite"
    script = f"""
import sys
from sinchtools.calllog import CallLog
from sinchtools.records import Exchange
log = CallLog({str(path)!r})
for i in range(1_000_000):
    log.intent(Exchange(id=str(i), method="GET"))
    log.outcome(Exchange(id=str(i), method="GET", status=200))
    print(i, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(next(process.stdout)) for _ in range(50)][-1]
        os.kill(process.pid, signal.SIGKILL)
    with CallLog(path) as log:
        assert {str(i) for i in range(acknowledged + 1)} <= {row.id for row in log if row.status == 200}
        assert log.verify() == []


def test_no_permission_is_a_clear_error_and_leaves_nothing(tmp_path):
    folder = tmp_path / "missing" / "deeper"
    with pytest.raises(LogError, match=r"cannot be opened.*SINCHTOOLS_HOME"):
        CallLog(folder / "calls.sqlite")
    assert not folder.exists()


def test_a_file_that_is_no_log_is_a_clear_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("this is not a database, it is a long enough text to be read as one by mistake")
    with pytest.raises(LogError, match="cannot be opened"):
        CallLog(path)


def test_a_log_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "calls.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LogError, match="newer sinchtools"):
        CallLog(path)
