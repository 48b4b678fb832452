"""Attempts that urllib3 repeats by itself: each is a row of one call."""

import pytest

from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence import read

PATH = "/xms/v1/77aa55cc77aa55cc77aa55cc77aa55cc/batches"
HOST = "ca.sms.api.sinch.com"
TIMED_OUT = (
    f"ReadTimeoutError(\"HTTPSConnectionPool(host='{HOST}', port=443): "
    'Read timed out. (read timeout=2.5)")'
)
DROPPED = (
    "ProtocolError('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
)
UNRESOLVED = (
    "NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f11>: Failed to "
    "establish a new connection: [Errno -3] Temporary failure in name resolution')"
)


def again(second: int, error: str, left: int = 1, path: str = PATH) -> str:
    retry = f"Retry(total={left}, connect=None, read=None, redirect=None, status=None)"
    time = f"2026-11-28 06:00:{second:02},250"
    what = f"Retrying ({retry}) after connection broken by '{error}': {path}"
    return f"{time} WARNING urllib3.connectionpool: {what}\n"


def done(second: int, status: int = 201, method: str = "POST") -> str:
    where = f'https://{HOST}:443 "{method} {PATH} HTTP/1.1" {status} 371'
    return f"2026-11-28 06:00:{second:02},900 DEBUG urllib3.connectionpool: {where}\n"


def rules_of(rows: list[Exchange]) -> list[bool]:
    return [
        any(found.rule == "maybe-sent-twice" for found in one.findings) for one in diagnose(rows)
    ]


@pytest.mark.parametrize(
    ("log", "failures", "twice"),
    [
        (again(3, TIMED_OUT) + done(4), ["ReadTimeoutError"], True),
        (again(3, DROPPED, 2) + again(4, TIMED_OUT) + done(5),
         ["ProtocolError", "ReadTimeoutError"], True),
        (again(3, UNRESOLVED) + done(4), ["NewConnectionError"], False),
        (again(3, TIMED_OUT) + done(4, 400), ["ReadTimeoutError"], False),
        (again(3, TIMED_OUT) + done(4, 200, "GET"), ["ReadTimeoutError"], False),
    ],
)  # fmt: skip
def test_attempts_of_urllib3_are_one_call(log: str, failures: list[str], twice: bool) -> None:
    rows = list(read(log))
    assert [row.failure for row in rows] == [*failures, None]
    assert {row.url for row in rows} == {f"https://{HOST}{PATH}"}
    assert len({row.call_id for row in rows}) == 1 and len({row.method for row in rows}) == 1
    assert [row.attempt for row in rows] == [*range(1, len(rows) + 1)]
    assert all(row.at for row in rows) and all(row.text for row in rows[:-1])
    assert set(rules_of(rows)) == {twice}


def test_lines_of_other_calls_stay_their_own() -> None:
    other = again(3, TIMED_OUT, path=PATH.replace("batches", "groups"))
    rows = list(read(done(1) + other + done(4)))
    assert [(row.status, bool(row.failure)) for row in rows] == [(201, 0), (None, 1), (201, 0)]
    assert len({row.call_id for row in rows if row.call_id}) <= 1
    assert rules_of(rows) == [False] * 3


def test_a_host_that_only_the_new_connection_names_is_that_of_the_attempt() -> None:
    new = f"DEBUG:urllib3.connectionpool:Starting new HTTPS connection (1): {HOST}:443\n"
    [row] = read(new + again(3, DROPPED))
    assert row.url == f"https://{HOST}{PATH}" and row.method is None
    assert row.text == "Connection reset by peer"
