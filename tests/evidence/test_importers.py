"""The one door for evidence: sources, report, ids, secrets, hostile input."""

import gzip
import io
import json
import tempfile
import traceback
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools.client.log import CallLog
from sinchtools.core.errors import MissingInputError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.evidence import FORMATS, exports, read, unpacking
from tests.conftest import FULL
from tests.support.evidence import BATCHES, CANARY, CURL, ERROR_BODY, ROW, SECRET_PLACES, entry, har
from tests.support.present import present

RECOGNIZED: list[tuple[str, str, tuple[str | None, int | None, str | None]]] = [
    (CURL, "curl", ("POST", None, None)),
    (f"Invoke-RestMethod -Uri '{BATCHES}' -Method Delete", "curl", ("DELETE", None, None)),
    (har(entry()), "har", ("POST", 201, None)),
    (json.dumps(ROW), "jsonl", ("POST", 403, "missing_callback_url")),
    (
        '{"level":30,"req":{"method":"GET","url":"/a"},"res":{"statusCode":404}}',
        "jsonl",
        ("GET", 404, None),
    ),
    (ERROR_BODY, "error-body", (None, None, "missing_callback_url")),
    (
        f"HTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n{ERROR_BODY}",
        "http",
        (None, 403, "missing_callback_url"),
    ),
    (
        f"POST /xms/v1/plan/batches HTTP/1.1\nHost: us.sms.api.sinch.com\n\n{{}}\nHTTP/1.1 "
        f"403 F\n\n{ERROR_BODY}",
        "http",
        ("POST", 403, "missing_callback_url"),
    ),
    ("sinch...SmsException: Error 403", "sdk-log", (None, 403, None)),
    ("the SDK only says Error 429, what now?", "words", (None, 429, None)),
    ("they answer unknown_group since Monday", "words", (None, None, "unknown_group")),
    (
        '1.2.3.4 - - [01/May/2024:10:00:00 +0200] "GET /x HTTP/1.1" 404 12 "-" "curl"',
        "access-log",
        ("GET", 404, None),
    ),
    (
        "when,verb,address,result\n2024-05-01 10:00:00,GET,/x,404\n2024-05-01 "
        "10:00:01,GET,/y,500\n",
        "table",
        ("GET", 404, None),
    ),
    ("level=info method=GET path=/x status=404", "logfmt", ("GET", 404, None)),
    (
        '{"type": "mo_text", "id": "01", "from": "15551230001", "to": "15559870002", '
        '"body": "STOP"}',
        "callback",
        ("POST", None, None),
    ),
]


@pytest.mark.parametrize(("text", "format", "seen"), RECOGNIZED)
def test_the_format_is_found_from_the_content(text: Any, format: str, seen: Any) -> None:
    evidence = read(text)
    assert list(evidence.formats) == [format]
    assert (evidence[0].method, evidence[0].status, evidence[0].code) == seen


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "hello there",
        "level=info msg=started",
        '{"level":"info","msg":"x"}',
        "<html><body>hi</body></html>",
        "[]",
        "{}",
        "\0\0",
        "a,b\n1,2\n",
    ],
)
def test_text_without_http_gives_no_row_and_a_reason(text: str) -> None:
    evidence = read(text.encode())
    assert len(evidence) == 0
    assert evidence.skipped[0].reason


def test_a_path_that_is_not_there_is_the_only_thing_that_raises(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="does not exist"):
        read(tmp_path / "missing.har")
    with pytest.raises(MissingInputError):
        read("missing/ticket.har")
    with pytest.raises(WrongUseError, match="hra"):
        read(CURL, format="hra")


def test_folders_globs_archives_bytes_and_lists_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROW | {"id": "row-2"}).encode()))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("../../etc/d.jsonl", json.dumps(ROW | {"id": "row-3"}))
    expected = ["row-1", "row-2", "row-3"]
    assert [x.id for x in read(tmp_path)] == expected
    assert [x.id for x in read(str(tmp_path / "*"))] == expected
    assert [
        x.id
        for x in read(
            [tmp_path / "a.jsonl", str(tmp_path / "b.jsonl.gz"), (tmp_path / "c.zip").read_bytes()]
        )
    ] == expected
    assert "etc" not in present(read(tmp_path)[2].source)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_any_encoding_is_understood(encoding: str) -> None:
    row = {"method": "POST", "url": BATCHES, "request_body": '{"body": "Grüße an alle Kunden"}'}
    [found] = read(json.dumps(row, ensure_ascii=False).encode(encoding))
    assert "Grüße" in str(found.request_body)


def test_half_a_file_is_read_and_the_other_half_listed() -> None:
    evidence = read(
        f"{json.dumps(ROW)}\n{{broken\nplain\nplain\n{json.dumps(ROW | {'id': 'row-2'})}"
    )
    assert [x.id for x in evidence] == ["row-1", "row-2"]
    assert [(s.source, s.reason, s.count) for s in evidence.skipped] == [
        ("paste#2", "broken JSON", 1),
        ("paste#3", "text without HTTP data", 2),
    ]


def test_ids_are_kept_or_stable_and_never_twice() -> None:
    first, second = read(CURL + "\n" + CURL), read(CURL + "\n" + CURL)
    assert [x.id for x in first] == [x.id for x in second]
    assert len({x.id for x in first}) == 2
    twice = read([json.dumps(ROW), json.dumps(ROW)])
    assert [x.id for x in twice] == ["row-1", "row-1-2"]
    assert "more than once" in twice.warnings[0].reason


@pytest.mark.parametrize(
    ("status", "kept", "warned"),
    [
        (0, None, False),
        (-1, None, False),
        (404, 404, False),
        (799, 799, True),
        (99999, None, False),
    ],
)
def test_odd_statuses_are_no_response_or_kept_and_named(
    status: int, kept: int | None, warned: bool
) -> None:
    evidence = read(har(entry(status)))
    assert evidence[0].status == kept
    assert any("not an HTTP status" in w.reason for w in evidence.warnings) == warned


@pytest.mark.parametrize(
    ("given", "tz", "expected", "warned"),
    [
        ("2024-05-01T10:00:00Z", None, 10, False),
        ("2024-05-01T12:00:00+02:00", None, 10, False),
        ("2024-05-01 10:00:00", None, 10, True),
        ("2024-05-01 10:00:00,000", "Europe/Stockholm", 8, True),
        (1714557600, None, 10, False),
        (1714557600000, None, 10, False),
        ("01/May/2024:10:00:00 +0000", None, 10, False),
    ],
)
def test_times_become_utc_and_a_missing_zone_is_reported(
    given: str | int, tz: str | None, expected: int, warned: bool
) -> None:
    evidence = read(
        json.dumps({"time": given, "method": "GET", "url": BATCHES, "status": 200, "level": "x"}),
        tz=tz,
    )
    assert evidence[0].at == datetime(2024, 5, 1, expected, tzinfo=UTC)
    assert any("zone" in w.reason for w in evidence.warnings) == warned


def test_the_report_is_text_json_html_and_numbers() -> None:
    evidence = read(
        [
            CURL + " -H 'Authorization: Bearer abc123def456'",
            "hello there",
            har(entry(500)),
            json.dumps([ROW, ROW]),
        ]
    )
    assert repr(evidence) == "<Evidence: 4 exchanges, 1 skipped, 2 secrets removed>"
    assert evidence.summary.startswith(
        "3 failing: 403 missing_callback_url ×2, 500 ×1; 1 without a response.\n"
        "4 exchanges read from 1 of 2 lines ("
    )
    assert "2 secrets removed (header Authorization 2)" in evidence.summary
    assert evidence.as_json()["failing"] == [
        {"answer": "403 missing_callback_url", "count": 2},
        {"answer": "500", "count": 1},
    ]
    assert [x.status for x in evidence.failing()] == [None, 500, 403, 403]
    assert evidence[evidence[1].id] is evidence[1]
    assert evidence.frame()["status"].tolist()[1] == 500


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([ROW], "1 failing: 403 missing_callback_url ×1."),
        (
            [
                {"method": "GET", "url": "/x", "status": 204},
                {"method": "GET", "url": "/x", "status": 302},
            ],
            "2 not failing.",
        ),
        (
            [
                {"method": "GET", "url": "/x", "failure": "ReadTimeout"},
                {"method": "GET", "url": "/x"},
            ],
            "1 failing: ReadTimeout ×1; 1 without a response.",
        ),
        ([{"code": "unknown_group", "text": "No such group"}], "1 failing: unknown_group ×1."),
        (
            [{"method": "GET", "url": "/x", "status": s} for s in range(400, 409)],
            "9 failing: 400 ×1, 401 ×1, 402 ×1, 403 ×1, 404 ×1, 405 ×1, "
            "3 other responses ×3 in all.",
        ),
    ],
)
def test_one_sentence_sums_up_what_failed(rows: Any, sentence: str) -> None:
    assert read(json.dumps(rows)).outcome == sentence


def test_the_html_report_escapes_is_bounded_and_shows_failing_rows_first() -> None:
    bad = {
        "method": "GET",
        "url": "/<script>alert(1)</script>",
        "status": 500,
        "id": "<b>",
        "at": "2024-05-01T10:00:00Z",
    }
    page = read(
        "\n".join(
            [json.dumps(ROW | {"status": 201, "response_body": None})] * 60
            + [json.dumps(bad)]
            + ["{<i>"] * 2
        )
    )._repr_html_()
    assert not any(tag in page for tag in ("<script", "<b>", "<i>"))
    assert page.count("<tr>") == 21
    assert page.index("alert") < page.index(">row-1<")
    assert "Showing 20 of 61" in page
    assert 'nowrap">2024-05-01 10:00:00<' in page


def test_a_dict_names_what_is_read() -> None:
    assert read({"ticket.har": har(entry()).encode()})[0].source == "ticket.har#1"


def test_exchanges_pass_through_unchanged() -> None:
    exchange = Exchange(id="x", method="GET", url=BATCHES)
    assert list(read(exchange)) == [exchange] == list(read([exchange]))


def test_reading_gives_an_id_to_the_row_and_not_to_your_exchange() -> None:
    exchange = Exchange(status=403, code="unknown_group")
    assert read(exchange)[0].id
    assert not exchange.id


@pytest.mark.parametrize("place", SECRET_PLACES)
def test_a_secret_in_any_place_of_any_format_appears_nowhere(
    place: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    evidence = read(SECRET_PLACES[place])
    shown = [
        *everything_of(evidence),
        caplog.text,
        *capfd.readouterr(),
        *map(str, tmp_path.rglob("*")),
    ]
    assert len(evidence) > 0
    assert not [text for text in shown if CANARY in text]


@pytest.mark.parametrize(
    "place", [place for place, text in SECRET_PLACES.items() if CANARY in text]
)
def test_a_secret_stays_hidden_when_half_of_the_text_is_lost(place: Any) -> None:
    text = SECRET_PLACES[place]
    end = text.rindex(CANARY) + len(CANARY)
    assert not [shown for shown in everything_of(read(f"\n{text[:end]}")) if CANARY in shown]


def everything_of(evidence: Any) -> list[Any]:
    """Return all that a person can see of a reading, a traceback with its variables included."""
    try:
        evidence["no such row"]
    except KeyError as error:
        seen = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    return [
        repr(evidence),
        str(evidence),
        evidence.summary,
        evidence._repr_html_(),
        json.dumps(evidence.as_json()),
        evidence.frame().to_csv(),
        repr(evidence.exchanges),
        str(evidence.secrets),
        repr(evidence.skipped),
        seen,
        exports.to_har(evidence),
        exports.to_jsonl(evidence),
        *(exports.to_curl(exchange) for exchange in evidence),
    ]


SMALLER = 1 if FULL else 5  # twice the size takes twice the time: test_doubling_read
DEEP, MANY = 200_000 // SMALLER, 50_000 // SMALLER
HOSTILE = {
    "deep": '{"a":' * DEEP,
    "deep-list": "[" * DEEP + "]" * DEEP,
    "deep-row": '{"method":"GET","url":"/x","status":200,"request":'
    + "[" * DEEP
    + "\n"
    + json.dumps(ROW),
    "long-line": "curl " + "a" * 40 * MANY,
    "long-quote": "curl 'http://x/" + "a" * 40 * MANY,
    "many-quotes": "curl http://x -d " + "'" * (2 * MANY + 1),
    "many-carets": 'curl ^"http://x^" ' + '^\\^"' * MANY,
    "many-backticks": "Invoke-WebRequest " + '`"' * MANY,
    "nested-tables": "Invoke-WebRequest -Uri http://x -Body " + "@{a=" * (MANY // 10),
    "nested-arrays": "Invoke-WebRequest -Uri http://x -Body " + "@(" * (MANY // 10),
    "substitutions": "curl " + "$(" * MANY,
    "surrogates": '{"method":"GET","url":"/\\ud800","status":200,"request_body":"\\udfff",'
    '"request_headers":{"\\ud800":"\\ud801"}}',
    "duplicate-keys": '{"status":200,"status":404,"method":"GET","url":"/x"}',
    "nan": '{"status":NaN,"method":"GET","url":"/x","elapsed_ms":Infinity,"at":1e400}',
    "endless-times": har(
        entry(time=1e300, timings={"send": 1e308, "wait": 1e308, "receive": 1e308})
    ).replace("1e+300", "1e999"),
    "endless-words": "a=" * MANY + '"',
    "endless-backticks": "curl " + "`" * MANY,
    "endless-blanks": "curl" + " " * MANY + "\n" + " " * MANY,
    "endless-colons": "GET /x " + ":" * MANY,
    "endless-names": '{"method": "GET", "url": "/x", "status": 200, "request_body": "'
    + "pass" * MANY
    + '"}',
    "endless-jwt": '{"method": "GET", "url": "/x", "status": 200, "request_body": "'
    + "eyJ" * MANY
    + '"}',
    "endless-sdk": "DEBUG:Sinch:" + "HTTP response 200 with headers: {} and body: " * (MANY // 10),
    "endless-exception": "Sms" * MANY + "Exception: Error",
    "endless-urls": "curl" + " http://x/y" * (MANY // 10),
    "endless-commands": "curl http://x/y -d '{}'\n" * (MANY // 25),
    "nul": '{"status":200,"method":"GET","url":"/\\u0000"}\0\0',
    "urls": '{"status":200,"method":"GET","url":"https://[oops/xms/v1/x/batches"}',
    "types": '{"method":"POST","url":["x"],"status":{"a":1},"request_headers":[1,null,[2]],'
    '"response_body":3.5,"at":[],"id":7}',
    "har-types": har(
        3,
        None,
        {"request": [], "response": "x"},
        {
            "request": {"method": 1, "url": [], "headers": {"a": None}, "postData": [1]},
            "response": {"status": "x"},
        },
    ),
    "postman-types": json.dumps(
        {
            "info": 1,
            "item": [
                1,
                {"request": []},
                {"item": [{"request": {"url": {"raw": 3, "host": 4, "path": 5}, "body": []}}]},
            ],
        }
    ),
    "quotes-of-mail": ">" * 1000 + "curl",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_or_listed_and_never_raises(name: str) -> None:
    evidence = read(HOSTILE[name] + "\n")
    assert len(evidence) + len(evidence.skipped) > 0
    json.dumps(evidence.as_json(), allow_nan=False).encode()
    evidence.frame().to_csv().encode()
    assert not any("stopped here" in skipped.reason for skipped in evidence.skipped)


def test_archives_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(unpacking, "LARGEST", 10_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jsonl", b" " * 1_000_000)
        archive.writestr("good.jsonl", json.dumps(ROW))
    evidence = read([packed.getvalue(), gzip.compress(b" " * 1_000_000)])
    assert [x.id for x in evidence] == ["row-1"]
    assert all("unpacks to more than" in skipped.reason for skipped in evidence.skipped)
    (tmp_path / "big.jsonl").write_bytes(b" " * 20_000)
    assert "st.scan" in read(tmp_path / "big.jsonl").skipped[0].reason


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(json.dumps(ROW).encode() + b"\n" * 9000)[:-12],
        b"PK\x03\x04nonsense",
        b"\x1f\x8bnonsense",
        bytes(range(256)) * 20,
    ],
)
def test_damaged_archives_and_binary_data_are_listed(data: Any) -> None:
    evidence = read(data)
    assert evidence.skipped


def test_only_the_folder_that_was_given_is_read_for_at_names(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.txt").write_text(CANARY)
    (tmp_path / "inside" / "body.json").write_text('{"a": 1}')
    for name in (
        "../secret.txt",
        str(tmp_path / "secret.txt"),
        "/etc/passwd",
        "body.json/../../secret.txt",
    ):
        assert (
            read(f"curl {BATCHES} --data-binary @{name}", files=tmp_path / "inside")[0].request_body
            == f"@{name}"
        )
    assert (
        read(f"curl {BATCHES} --data-binary @body.json", files=tmp_path / "inside")[0].request_body
        == '{"a": 1}'
    )
    without = read(f"curl {BATCHES} --data-binary @body.json")
    assert without[0].request_body == "@body.json"
    assert "--files" in without.warnings[0].reason


PIECES = st.sampled_from(
    [
        CURL,
        har(entry()),
        json.dumps(ROW),
        ERROR_BODY,
        "HTTP/1.1 403 F\n",
        "GET /x HTTP/1.1\n",
        "curl ",
        "'",
        '"',
        "\\\n",
        "^",
        "`",
        "{",
        "}",
        "[",
        "]",
        "$(",
        "@{",
        "<<EOF\n",
        "-H ",
        "a,b,status\n",
        "method=GET ",
        "\0",
        "\ud800",
        "“",
        "\t",
        "\n",
        "#Fields: ",
        "log",
        '"entries":[',
        "Error 403 ",
        "HTTP request GET call with headers: {",
        "eyJa.b.c",
        "token=",
    ]
)


@given(
    st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=12),
    st.sampled_from([None, *FORMATS]),
)
def test_no_text_makes_read_raise(pieces: Any, forced: Any) -> None:
    evidence = read("\n" + "".join(pieces), format=forced)
    json.dumps(evidence.as_json())
    assert forced or not any("stopped here" in skipped.reason for skipped in evidence.skipped)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b", b"PK\x03\x04", b"\xff\xfe", b'{"log":{"entries":[']),
)
def test_no_bytes_make_read_raise(data: Any, start: Any) -> None:
    read(start + data)


@pytest.mark.parametrize("read_as", ["calls.db", "calls.db-shm", "*.db", ""])
def test_a_call_log_that_is_open_is_named_and_not_opened_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_as: str
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was opened"))
    with CallLog(tmp_path / "calls.db"):
        evidence = read(tmp_path / read_as)
    assert evidence.skipped
    assert all("st.CallLog" in skipped.reason for skipped in evidence.skipped)


def test_a_call_log_is_named_by_its_ending(tmp_path: Path) -> None:
    with CallLog(tmp_path / "calls.sqlite") as log:
        log.add([])
    (skipped,) = read(str(log.path)).skipped
    assert "st.CallLog" in skipped.reason
