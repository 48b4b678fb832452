"""Each form that a log, a table or a collection has: the same request is found in it."""

import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sinchtools.evidence import read
from tests.conftest import FULL
from tests.support.evidence import BATCHES, ROW, entry, har, postman

AT = datetime(2024, 5, 1, 10, tzinfo=UTC)
LOGGERS = {  # as each writes by default
    "serilog": {
        "@t": "2024-05-01T10:00:00Z",
        "@m": "x",
        "RequestMethod": "GET",
        "RequestPath": "/x",
        "StatusCode": 404,
        "Elapsed": 12.5,
    },
    "structlog": {
        "event": "x",
        "timestamp": "2024-05-01T10:00:00Z",
        "http_method": "GET",
        "path": "/x",
        "status_code": 404,
        "duration_ms": 12.5,
    },
    "pino": {
        "level": 30,
        "time": 1714557600000,
        "req": {"method": "GET", "url": "/x"},
        "res": {"statusCode": 404},
        "responseTime": 12.5,
    },
    "nginx": {
        "time_iso8601": "2024-05-01T12:00:00+02:00",
        "request_method": "GET",
        "request_uri": "/x",
        "status": "404",
        "request_time": "0.0125",
    },
    "nginx with a request line": {
        "time": "2024-05-01T10:00:00Z",
        "request": "GET /x HTTP/1.1",
        "status": 404,
        "request_time": 0.0125,
    },
    "traefik": {
        "RequestMethod": "GET",
        "RequestPath": "/x",
        "DownstreamStatus": 404,
        "Duration": 12500000,
        "StartUTC": "2024-05-01T10:00:00Z",
    },
    "caddy": {
        "ts": 1714557600.0,
        "request": {"method": "GET", "uri": "/x", "headers": {}},
        "status": 404,
        "duration": 0.0125,
    },
    "kong": {
        "request": {"method": "GET", "uri": "/x"},
        "response": {"status": 404},
        "latencies": {"request": 12.5},
        "started_at": 1714557600000,
    },
    "a cloud's balancer": {
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "/x",
            "status": 404,
            "latency": "0.0125s",
        },
        "timestamp": "2024-05-01T10:00:00Z",
    },
    "OpenTelemetry": {
        "timestamp": "2024-05-01T10:00:00Z",
        "duration_ms": 12.5,
        "attributes": {
            "http.request.method": "GET",
            "url.path": "/x",
            "http.response.status_code": 404,
        },
    },
    "ECS": {
        "@timestamp": "2024-05-01T10:00:00Z",
        "http": {"request": {"method": "GET"}, "response": {"status_code": 404}},
        "url": {"path": "/x"},
        "event": {"duration": 12_500_000},
    },
}


@pytest.mark.parametrize("logger", LOGGERS)
def test_the_lines_of_common_loggers_are_understood(logger: str) -> None:
    (exchange,) = read(json.dumps(LOGGERS[logger]) + "\n")
    assert (exchange.at, exchange.method, exchange.url, exchange.status, exchange.elapsed_ms) == (
        AT,
        "GET",
        "/x",
        404,
        12.5,
    )


LINES = {
    "haproxy": "May  1 10:00:00 lb haproxy[1]: 10.0.0.1:5 [01/May/2024:10:00:00.000] in~ out/s1 "
    "0/0/1/22/23 404 99 - - ---- 1/1/0/0/0 0/0 "
    '"GET /x HTTP/1.1"',
    "haproxy with captured headers": "haproxy[1]: 10.0.0.1:5 [01/May/2024:10:00:00.000] in~ "
    "out/s1 0/0/1/22/23 404 99 - - ---- 1/1/0/0/0 0/0 "
    '{a.example|} "GET /x HTTP/1.1"',
    "w3c": "#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status time-taken "
    "cs(User-Agent)\n2024-05-01 10:00:00 GET /x 404 12 me\n",
    "zeek": "#separator \\x09\n"
    "#fields\tts\tuid\tmethod\turi\tstatus_code\n#types\ttime\tstring\tstring\tstring\tcount\n"
    "1714557600.0\tC1\tGET\t/x\t404\n",
    "syslog": '<134>May  1 10:00:00 web nginx: 1.2.3.4 - me [01/May/2024:12:00:00 +0200] "GET '
    '/x HTTP/1.1" 404 12 "-" "-"',
    "common": '1.2.3.4 - - [01/May/2024:10:00:00 +0000] "GET /x HTTP/1.1" 404 12',
    "logfmt": 'ts=2024-05-01T10:00:00Z level=info msg="it \\"failed\\"" method=GET path=/x '
    "status=404",
    "tsv": "when\tverb\taddress\tresult\n2024-05-01 10:00:00\tGET\t/x\t404\n",
    "semicolons": "Zeit;Methode;Adresse;Antwort\n01.05.2024 10:00;GET;/x;404\n",
    "pipes": "when|verb|address|result\n2024-05-01T10:00:00Z|GET|/x|404\n",
    "date and time apart": "date,time,method,url,status\n2024-05-01,10:00:00,GET,/x,404\n",
    "no head": "2024-05-01T10:00:00Z,GET,/x,404\n2024-05-01T10:00:00Z,GET,/x,404\n",
    "free": "2024-05-01 10:00:00 INFO GET /x -> 404",
}


@pytest.mark.parametrize("form", LINES)
def test_lines_of_servers_and_tables_are_understood(form: str) -> None:
    exchange = read(LINES[form] + "\n")[0]
    assert (exchange.at, exchange.method, exchange.url, exchange.status) == (AT, "GET", "/x", 404)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_a_table_in_any_encoding_is_understood(encoding: str) -> None:
    text = (
        "Zeit;Größe;Methode;Adresse;Antwort\n2024-05-01 10:00;3;GET;/x;404\n2024-05-01 "
        "10:00;3;GET;/x;404\n"
    )
    assert [x.status for x in read(text.encode(encoding))] == [404, 404]


def test_a_table_of_a_status_and_a_code_needs_no_more() -> None:
    found = read("phone,status,error\n+15551230001,400,syntax_invalid_json\n+15551230002,201,\n")
    assert [(x.status, x.code) for x in found] == [(400, "syntax_invalid_json"), (201, None)]
    assert not read("name,status\nanna,open\nbert,closed\n")


@pytest.mark.parametrize(
    ("phrase", "status"),
    [("503 Service Temporarily Unavailable", 503), ("504 Gateway Time-out", 504)],
)
def test_a_gateway_page_of_nginx_tells_its_status(phrase: str, status: int) -> None:
    page = (
        f"<html>\r\n<head><title>{phrase}</title></head>\r\n<body>\r\n<h1>{phrase}</h1>"
        "<hr>nginx\r\n</body>\r\n</html>"
    )
    assert [x.status for x in read(page)] == [status]


def test_columns_has_the_last_word_and_is_shown() -> None:
    text = "a,b,c,d\nGET,/x,404,500\nGET,/y,404,500\n"
    assert [x.status for x in read(text)] == [404, 404]
    evidence = read(text, columns={"d": "status"})
    assert [x.status for x in evidence] == [500, 500]
    assert "status from 'd'" in evidence.warnings[0].reason


def test_the_host_and_the_query_of_other_columns_belong_to_the_url() -> None:
    text = (
        "#Fields: date time cs-method cs-host cs-uri-stem cs-uri-query sc-status\n2024-05-01 "
        "10:00:00 GET a.example /x b=1 404\n"
    )
    assert read(text)[0].url == "https://a.example/x?b=1"


def test_a_har_within_other_json_is_found() -> None:
    one = json.loads(har(entry(404)))
    for document in ({"capture": one}, {"data": [one, one]}, [one]):
        evidence = read(json.dumps(document))
        assert {x.status for x in evidence} == {404}
        assert list(evidence.formats) == ["har"]


@pytest.mark.parametrize(
    ("body", "text", "content_type"),
    [
        (
            {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}},
            "{}",
            "application/json",
        ),
        (
            {"mode": "graphql", "graphql": {"query": "{a}", "variables": "{}"}},
            '{"query": "{a}", "variables": "{}"}',
            "application/json",
        ),
        (
            {
                "mode": "urlencoded",
                "urlencoded": [{"key": "a", "value": "b c"}, {"key": "x", "disabled": True}],
            },
            "a=b+c",
            "application/x-www-form-urlencoded",
        ),
        (
            {
                "mode": "formdata",
                "formdata": [
                    {"key": "a", "value": "1"},
                    {"key": "f", "type": "file", "src": "a.txt"},
                ],
            },
            "a=1&f=",
            "multipart/form-data",
        ),
        ({"mode": "file", "file": {"src": "/etc/passwd"}}, None, None),
    ],
)
def test_every_kind_of_body_of_a_collection_is_read(
    body: Any, text: str | None, content_type: str | None
) -> None:
    exchange = read(postman({"method": "POST", "url": BATCHES, "body": body}))[0]
    assert (exchange.request_body, exchange.request_headers.get("Content-Type")) == (
        text,
        content_type,
    )


def test_variables_of_a_curl_command_are_put_in() -> None:
    exchange = read(
        f"curl --variable to=+15551230001 --expand-data "
        f"'to={{{{to}}}}&x={{{{unknown}}}}' {BATCHES}\n"
    )[0]
    assert exchange.request_body == "to=+15551230001&x={{unknown}}"


def test_options_in_a_file_are_not_followed_and_that_is_said() -> None:
    evidence = read(f"curl -K options.txt {BATCHES}\n")
    assert evidence[0].url == BATCHES
    assert "options in a file" in evidence.warnings[0].reason


LONG = 1_000_000_000 if FULL else 1_000_000


@pytest.mark.parametrize(
    "start",
    [
        '{"method": "GET", "url": "/x", "status": 200, "request_body": "',
        "curl http://x -d '",
        "",
        "a=",
        "GET /x ",
    ],
)
def test_one_endless_line_is_refused_or_read_in_bounded_memory(tmp_path: Path, start: str) -> None:
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        file.write(start.encode())
        for _ in range(LONG // 1_000_000):
            file.write(b"a" * 1_000_000)
    tracemalloc.start()
    evidence = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(evidence) + len(evidence.skipped) > 0
    assert peak < 12 * min(LONG, 50_000_000)


@pytest.mark.parametrize("nested", ['{"a":', "[", '{"log":{"entries":['])
def test_levels_by_the_million_are_listed(nested: str) -> None:
    assert read(nested * (1_000_000 if FULL else 200_000)).skipped


def test_duplicate_keys_take_the_last_as_parsers_do() -> None:
    assert read('{"method": "GET", "url": "/x", "status": 200, "status": 404}')[0].status == 404


def test_a_row_with_numbers_that_are_none_is_read() -> None:
    row = read('{"method": "GET", "url": "/x", "status": NaN, "elapsed_ms": Infinity, "at": NaN}')[
        0
    ]
    assert (row.status, row.elapsed_ms, row.at) == (None, None, None)


def test_a_large_file_says_that_scan_is_the_better_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinchtools.evidence.unpacking.BIG", 100)
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW) + "\n")
    assert "st.scan" in read(tmp_path / "a.jsonl").warnings[0].reason
