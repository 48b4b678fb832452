"""The call log: durable, append-only, honest about what it does not know."""

from __future__ import annotations

import gc
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sinchtools.client import log as calllog
from sinchtools.client.log import CallLog
from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import AlreadySentError, LogError
from sinchtools.core.records import Exchange
from tests.conftest import FULL
from tests.support.present import present

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


def test_an_exchange_comes_back_as_it_was_written(log: CallLog) -> None:
    log.add([ANSWERED])
    assert list(log) == [ANSWERED]


BARE = {
    "None": Exchange(id="a", attempt=None),
    "empty": Exchange(id="a", status=0, code="", request_headers={"A": ""}, request_body=""),
}


@pytest.mark.parametrize("exchange", BARE.values(), ids=BARE.keys())
def test_what_is_none_and_what_is_empty_come_back_as_they_were(
    log: CallLog, exchange: Exchange
) -> None:
    log.add([exchange])
    assert list(log) == [exchange]


def test_a_body_that_is_no_text_comes_back_as_bytes(log: CallLog) -> None:
    binary = replace(ANSWERED, request_body=b"\xff\x00", response_body=b"\xfe")
    log.add([binary])
    assert list(log) == [binary]


def test_an_intent_without_an_outcome_is_shown_as_unknown(log: CallLog) -> None:
    log.intent(
        replace(
            ANSWERED,
            status=None,
            code=None,
            text=None,
            response_headers={},
            response_body=None,
            elapsed_ms=None,
        )
    )
    (row,) = log
    assert (row.status, row.failure, row.outcome) == (None, "outcome unknown", "no_response")


def test_an_outcome_completes_its_intent(log: CallLog) -> None:
    log.intent(
        replace(
            ANSWERED,
            status=None,
            code=None,
            text=None,
            response_headers={},
            response_body=None,
            elapsed_ms=None,
        )
    )
    log.outcome(ANSWERED)
    assert list(log) == [ANSWERED]
    assert len(log) == 1


@pytest.mark.parametrize("rows", [[], [ANSWERED]], ids=["empty", "one-row"])
def test_a_frame_has_the_columns_and_dtypes_of_the_contract(log: CallLog, rows: Any) -> None:
    log.add(rows)
    frame = log.frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        name: dtype for name, (dtype, _) in COLUMNS.items()
    }
    assert len(frame) == len(rows)


def test_rows_keep_the_order_of_their_intents(log: CallLog) -> None:
    log.add([replace(ANSWERED, id=str(i)) for i in range(20)])
    assert [row.id for row in log] == [str(i) for i in range(20)]


@pytest.mark.parametrize("statement", ["UPDATE event SET data = '{}'", "DELETE FROM event"])
def test_the_file_refuses_to_be_changed(log: CallLog, statement: str) -> None:
    log.add([ANSWERED])
    with (
        sqlite3.connect(log.path) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    connection.close()


def by_hand(log: Any, *statements: Any) -> None:
    """Change the file as somebody would who goes past the log."""
    connection = sqlite3.connect(log.path)
    for statement in (
        "DROP TRIGGER no_update",
        "DROP TRIGGER no_delete",
        *statements,
        *calllog._TRIGGERS.values(),
    ):
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_verify_names_a_trigger_that_was_taken_out(log: CallLog) -> None:
    connection = sqlite3.connect(log.path)
    connection.execute("DROP TRIGGER no_update")
    connection.close()
    assert log.verify() == ["The trigger no_update is missing: rows could be altered."]


FOREIGN = {
    "swallows every row": "CREATE TRIGGER x BEFORE INSERT ON event BEGIN SELECT RAISE(IGNORE); END",
    "swallows outcomes": "CREATE TRIGGER x BEFORE INSERT ON event WHEN NEW.kind = 'outcome' "
    "BEGIN SELECT RAISE(IGNORE); END",
    "refuses every row": "CREATE TRIGGER x BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, "
    "'no'); END",
    "writes beside": "CREATE TRIGGER x AFTER INSERT ON event BEGIN INSERT INTO copy VALUES "
    "(NEW.data); END",
    "a table beside": "CREATE TABLE copy (data TEXT)",
    "a view beside": "CREATE VIEW shown AS SELECT * FROM event",
    "another index": "CREATE INDEX x ON event (kind)",
    "a unique index": "CREATE UNIQUE INDEX x ON event (exchange, kind)",
    "a trigger of the log's name in other letters": "CREATE TRIGGER NO_INSERT BEFORE INSERT ON "
    "event BEGIN SELECT 1; END",
    "a name that hides": 'CREATE TRIGGER "no_\u200bupdate" BEFORE UPDATE ON event BEGIN '
    "SELECT 1; END",
    "an index on nothing": "CREATE INDEX event_exchange ON event (data)",
}


@pytest.mark.parametrize("statement", FOREIGN.values(), ids=FOREIGN.keys())
def test_verify_names_what_is_no_part_of_a_log(log: CallLog, statement: str) -> None:
    log.add([ANSWERED])
    by_hand(log, *["CREATE TABLE copy (data TEXT)"] * ("INTO copy" in statement), statement)
    named = present(re.search(r'(TRIGGER|TABLE|VIEW|INDEX) "?([\w\u200b]+)', statement))
    assert any(f"{named[1].lower()} {named[2]!r} is not a part" in said for said in log.verify())


REPLACED = {
    "an empty body": "CREATE TRIGGER no_update BEFORE UPDATE ON event BEGIN SELECT 1; END",
    "only a part": "CREATE TRIGGER no_update BEFORE UPDATE OF data ON event BEGIN SELECT "
    "RAISE(ABORT, 'the log is append-only'); END",
    "another moment": "CREATE TRIGGER no_update AFTER UPDATE ON event BEGIN SELECT RAISE(ABORT, "
    "'the log is append-only'); END",
    "never": "CREATE TRIGGER no_update BEFORE UPDATE ON event WHEN 0 BEGIN SELECT RAISE(ABORT, "
    "'the log is append-only'); END",
    "a friendlier refusal": "CREATE TRIGGER no_update BEFORE UPDATE ON event BEGIN SELECT "
    "RAISE(IGNORE); END",
}


@pytest.mark.parametrize("statement", REPLACED.values(), ids=REPLACED.keys())
def test_verify_names_a_trigger_that_was_put_in_the_place_of_its_own(
    log: CallLog, statement: str
) -> None:
    connection = sqlite3.connect(log.path)
    connection.execute("DROP TRIGGER no_update")
    connection.execute(statement)
    connection.close()
    assert log.verify() == [
        "The trigger 'no_update' is not a part of a call log: rows could be altered, hidden "
        "or lost."
    ]


def test_verify_names_the_index_that_lets_nothing_go_twice(log: CallLog) -> None:
    connection = sqlite3.connect(log.path)
    connection.execute("DROP INDEX event_call")
    connection.close()
    assert log.verify() == ["The index event_call is missing: an attempt could be sent twice."]


def test_a_log_whose_rows_are_swallowed_says_so_before_anything_is_sent(log: CallLog) -> None:
    connection = sqlite3.connect(log.path)
    connection.execute(FOREIGN["swallows every row"])
    connection.close()
    with pytest.raises(LogError, match="rows do not arrive in it"):
        log.intent(SENDING)
    with pytest.raises(LogError, match="rows do not arrive in it"):
        log.add([ANSWERED])


def test_verify_finds_a_damaged_page(log: CallLog) -> None:
    log.add([replace(ANSWERED, id=str(i)) for i in range(200)])
    log.close()
    with log.path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    with CallLog(log.path) as damaged:
        try:
            problems = damaged.verify()
        except LogError as error:
            problems = [str(error)]
    assert problems


SENDING = replace(
    ANSWERED,
    call_id="c1",
    attempt=1,
    status=None,
    code=None,
    text=None,
    response_headers={},
    response_body=None,
    elapsed_ms=None,
)


def test_an_attempt_is_written_before_sending_once_only(log: CallLog) -> None:
    log.intent(SENDING)
    for identity in ("a2", "a3"):
        with CallLog(log.path) as other, pytest.raises(AlreadySentError):
            other.intent(replace(SENDING, id=identity))
    log.intent(replace(SENDING, id="a4", attempt=2))
    assert [row.id for row in log] == ["a1", "a4"]
    assert log.verify() == []


def test_the_same_evidence_may_be_added_twice(log: CallLog) -> None:
    log.add([replace(ANSWERED, call_id="c1")])
    log.add([replace(ANSWERED, call_id="c1")])
    log.intent(replace(SENDING, id="a2"))
    assert len(log) == len(list(log)) == 2


def test_attempts_are_found_by_call_in_order(log: CallLog) -> None:
    log.intent(replace(SENDING, id="second", attempt=2))
    log.intent(replace(SENDING, id="first"))
    log.outcome(replace(ANSWERED, id="first"))
    log.intent(replace(SENDING, id="other", call_id="c2"))
    found = log.attempts(["c1", "c3"])
    assert list(found) == ["c1"]
    assert [(x.id, x.status, x.failure) for x in found["c1"]] == [
        ("first", 400, None),
        ("second", None, "outcome unknown"),
    ]


WRITER = """
import sys
from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
path, name, count = sys.argv[1:]
with CallLog(path) as log:
    for i in range(int(count)):
        url = "http://127.0.0.1/xms/v1/p1/batches"
        exchange = Exchange(id=f"{name}-{i}", call_id=f"{name}-{i}", method="GET", url=url)
        log.intent(exchange)
        log.outcome(exchange)
"""
SIZES = [500, pytest.param(50_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", SIZES)
def test_four_processes_write_one_log_and_no_reader_waits(log: CallLog, count: int) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(log.path), name, str(count)])
        for name in "abcd"
    ]
    waits, seen = [], []
    while any(writer.poll() is None for writer in writers):
        began = time.perf_counter()
        seen.append(log.version)
        waits.append(time.perf_counter() - began)
    assert [writer.returncode for writer in writers] == [0] * 4
    assert len(log) == 4 * count
    assert log.version == 8 * count
    assert log.verify() == []
    assert seen == sorted(seen)
    if FULL:
        assert max(waits) < 1


def test_what_is_written_beside_the_file_moves_into_it_while_the_log_is_open(
    log: CallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinchtools.client.log._CHECKPOINT_EVENTS", 6)
    for i in range(5):
        log.add([replace(ANSWERED, id=str(i))])
    subprocess.run(
        ["cp", log.path, tmp_path / "copy.sqlite"], check=True
    )  # by another process: see the test of two openings
    with CallLog(tmp_path / "copy.sqlite") as copy:
        assert [row.id for row in copy] == ["0", "1", "2"]
    assert len(log) == 5


def test_the_version_grows_with_every_event_also_of_another_writer(log: CallLog) -> None:
    before = log.version
    with CallLog(log.path) as other:
        other.add([ANSWERED])
    assert log.version == before + 2


def test_the_file_is_readable_by_its_owner_only(log: CallLog) -> None:
    log.add([ANSWERED])
    for path in log.path.parent.glob("calls.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    path.touch(mode=0o644)
    with CallLog(path) as log:
        log.add([ANSWERED])
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("calls.sqlite*")} == {
            0o600
        }


OTHER_KERNEL = """
import sys
from sinchtools.client.log import CallLog
from sinchtools.core.errors import AlreadySentError
from sinchtools.core.records import Exchange
path, name = sys.argv[1:]
with CallLog(path) as log:
    try:
        log.intent(Exchange(id=name, method="POST", call_id="c1", attempt=1))
    except AlreadySentError:
        print("refused")
"""


def test_opened_twice_in_one_kernel_it_still_keeps_another_from_sending_again(log: CallLog) -> None:
    def other_kernel(name: Any) -> Any:
        return subprocess.run(
            [sys.executable, "-c", OTHER_KERNEL, str(log.path), name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    log.add([ANSWERED])
    with CallLog(log.path) as again:
        subprocess.run(
            [sys.executable, "-c", OTHER_KERNEL.replace("c1", "c0"), str(log.path), "b0"],
            check=True,
        )  # whose closing must leave the WAL
        log.intent(replace(SENDING, id="sent"))
        assert [other_kernel(name) for name in ("b1", "b2")] == ["refused\n"] * 2
        assert again.attempts(["c1"])["c1"][0].id == "sent"
    with CallLog(log.path) as after:
        assert after.verify() == []


def test_verify_beside_a_writer_finds_nothing_missing(log: CallLog) -> None:
    stop = threading.Event()

    def write() -> None:
        with CallLog(log.path) as other:
            while not stop.is_set():
                other.add([ANSWERED])

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        found = [log.verify() for _ in range(20)]
        stop.set()
        writing.result()
    assert found == [[]] * 20


def test_what_was_logged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    script = f"""
import sys
from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
log = CallLog({str(path)!r})
for i in range(1_000_000):
    log.intent(Exchange(id=str(i), method="GET"))
    log.outcome(Exchange(id=str(i), method="GET", status=200))
    print(i, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(next(process.stdout)) for _ in range(50)][-1]
        os.kill(process.pid, signal.SIGKILL)
    with CallLog(path) as log:
        assert {str(i) for i in range(acknowledged + 1)} <= {
            row.id for row in log if row.status == 200
        }
        assert log.verify() == []


def test_no_permission_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "deeper"
    with pytest.raises(LogError, match=r"cannot be opened.*SINCHTOOLS_HOME"):
        CallLog(folder / "calls.sqlite")
    assert not folder.exists()


def test_a_file_that_is_no_log_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is not a database, it is a long enough text to be read as one by mistake")
    with pytest.raises(LogError, match="cannot be opened"):
        CallLog(path)


@pytest.mark.parametrize("version", [1, 2, 99])
def test_a_log_of_another_version_is_refused_in_a_sentence(tmp_path: Path, version: int) -> None:
    path = tmp_path / "calls.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(LogError, match=rf"another version of sinchtools \(schema {version}"):
        CallLog(path)


def test_a_database_of_something_else_is_no_call_log(tmp_path: Path) -> None:
    for version in (0, calllog.SCHEMA_VERSION):
        path = tmp_path / f"other-{version}.sqlite"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
        connection.close()
        before = path.read_bytes()
        with pytest.raises(LogError, match="no call log"):
            CallLog(path)
        assert path.read_bytes()[100:] == before[100:]


def test_a_log_that_nobody_closes_is_closed_when_it_goes_away(tmp_path: Path) -> None:
    connections = [CallLog(tmp_path / "calls.sqlite")._connection for _ in range(2)]
    gc.collect()
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_file_that_cannot_be_opened_stays_open_in_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[sqlite3.Connection] = []
    real: Any = sqlite3.connect

    def connect(*args: Any, **rest: Any) -> sqlite3.Connection:
        made.append(real(*args, **rest))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    test_a_database_of_something_else_is_no_call_log(tmp_path)
    test_a_file_that_is_no_log_is_a_clear_error(tmp_path)
    test_a_log_of_another_version_is_refused_in_a_sentence(tmp_path, 99)
    assert len(made) == 7
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


class Interrupted(list[Any]):
    """Events whose writing is interrupted."""

    def __iter__(self) -> NoReturn:
        raise KeyboardInterrupt


def test_an_interrupt_leaves_no_transaction_open(log: CallLog) -> None:
    with pytest.raises(KeyboardInterrupt):
        log._insert(Interrupted([(), ()]))
    log.intent(replace(SENDING, id="later"))
    with CallLog(log.path) as other:
        assert [row.id for row in other] == ["later"]
