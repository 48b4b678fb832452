"""Attempts that a client repeats by itself, as urllib3, curl and Apache HttpClient tell of them."""

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


URL = "https://au.sms.api.sinch.com/xms/v1/b1b2b3b4b5b6b7b8b9b0a1a2a3a4a5a6/batches"
SENT = (
    f"$ curl -sS --retry 2 -m 4 {URL} -H 'Authorization: Bearer XXXX' "
    '-H \'Content-Type: application/json\' -d \'{"to": ["+61491570156"], "body": "up"}\'\n'
)
MADE = '{"id": "01JQ7ZV5N8WXKD2M4R6T9B3CFA", "created_at": "%s", "modified_at": "%s"}\n' % (
    ("2026-11-20T01:02:03.004Z",) * 2
)
WARNING = "Warning: Problem: {}. Will retry in 1 seconds. 2 retries left.\n"
OLDER = "Warning: Transient problem: timeout Will retry in 2 seconds. 1 retries left.\n"
TIMEOUT = WARNING.format("timeout")
TWICE = "maybe-sent-twice"


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        (TIMEOUT + MADE, [(None, "timeout"), (201, None)]),
        (TIMEOUT + OLDER + MADE, [(None, "timeout"), (None, "timeout"), (201, None)]),
        (WARNING.format("HTTP error") + MADE, [(201, None)]),
        (MADE, [(201, None)]),
    ],
)
def test_each_warning_of_curl_ends_an_attempt(
    output: str, rows: list[tuple[int | None, str | None]]
) -> None:
    found = list(read(SENT + output))
    assert [(row.status, row.failure) for row in found] == rows
    assert len({row.call_id for row in found}) == 1
    lost = any(row.failure for row in found)
    for one in diagnose(found):
        assert (TWICE in {finding.rule for finding in one.findings}) is lost
        assert not one.failing and one.consistent is not False


def test_a_last_attempt_that_is_not_shown_proves_nothing() -> None:
    found = list(read(SENT + TIMEOUT + "\nthen it was killed\n"))
    assert [(row.status, row.failure) for row in found] == [(None, "timeout"), (None, None)]
    assert TWICE not in {one.rule for row in diagnose(found) for one in row.findings}


def test_three_attempts_may_have_sent_three_messages() -> None:
    found = diagnose(list(read(SENT + TIMEOUT + OLDER + MADE)))
    assert "up to 3 times" in next(one for one in found[2].findings if one.rule == TWICE).says


def test_apache_tells_of_the_attempt_that_got_no_response() -> None:
    path = URL.partition(".com")[2]
    log = f"""14:40:07,015 DEBUG [sms-3] o.a.h.impl.execchain.MainClientExec - Executing request POST {path} HTTP/1.1
14:40:37,020 INFO [sms-3] o.a.h.impl.execchain.RetryExec - I/O exception (java.net.SocketException) caught when processing request to {{s}}->https://au.sms.api.sinch.com:443: Connection reset
14:40:37,021 INFO [sms-3] o.a.h.impl.execchain.RetryExec - Retrying request to {{s}}->https://au.sms.api.sinch.com:443
14:40:37,090 DEBUG [sms-3] o.a.h.impl.execchain.MainClientExec - Executing request POST {path} HTTP/1.1
14:40:37,402 DEBUG [sms-3] o.a.h.headers - http-outgoing-4 << HTTP/1.1 201 Created
"""  # noqa: E501
    rows = [(row.method, row.status, row.failure) for row in read(log)]
    assert rows == [("POST", None, "SocketException"), ("POST", 201, None)]


@pytest.mark.parametrize("word", ["answered 201 for", "replied with 201 to", "returned 201 on"])
def test_a_line_of_words_keeps_the_status_before_its_method(word: str) -> None:
    line = f"2026-11-26 14:40:37,402 INFO [sms-3] c.acme.Sender - sinch {word} POST {URL}\n"
    assert [(row.method, row.status) for row in read(line)] == [("POST", 201)]
