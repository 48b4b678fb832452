"""Tables, logs of programs and servers, and log stores: each gives the call that it tells of."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sinchtools.evidence import read
from tests.support.counting_calls import calls_of
from tests.support.present import parsed, present

PATH = "/xms/v1/acme/batches"
URL = f"https://eu.sms.api.sinch.com{PATH}"
AT = datetime(2025, 3, 4, 8, 9, 10, tzinfo=UTC)
NANOS = str(1_741_075_750 * 10**9)
CALL = {"method": "POST", "url": URL, "status": 401}
LINE = json.dumps(CALL)
REPORT = {
    "type": "recipient_delivery_report_sms",
    "batch_id": "01ARZ",
    "recipient": "15551230001",
    "code": 402,
    "status": "Failed",
    "at": "2025-03-04T08:09:10Z",
}

WRAPPED = {  # what carries a line or a record, and the time that only it tells
    "syslog 5424": f"<134>1 2025-03-04T08:09:10Z web shop 42 - - {LINE}",
    "container runtime": f"2025-03-04T08:09:10.000000001Z stdout F {LINE}",
    "pod": f"[pod/shop-1/app] 2025-03-04T08:09:10.0Z {LINE}",
    "journal": f"2025-03-04T08:09:10+0000 web1 shop[7]: {LINE}",
    "function": f"2025-03-04T08:09:10.000Z\t0a0a0a0a-0000-4000-8000-0a0a0a0a0a0a\tINFO\t{LINE}",
    "labels": f'2025-03-04T08:09:10Z {{app="shop"}} {LINE}',
    "container file": json.dumps({"log": f"{LINE}\n", "time": "2025-03-04T08:09:10Z"}),
    "a message among pairs": f'time="2025-03-04T08:09:10Z" level=error msg="POST {URL} 401 9ms"',
    "a message among pairs of a container": '{"log":"ts=2025-03-04T08:09:10Z message='
    f'\\"bad status 401 for POST {URL}\\"\\n"}}',
    "journal as JSON": json.dumps(
        {"MESSAGE": f"POST {URL} returned 401", "__REALTIME_TIMESTAMP": NANOS[:16]}
    ),
    "hits": json.dumps(
        {"hits": {"hits": [{"_source": {"@timestamp": "2025-03-04T08:09:10Z", **CALL}}]}}
    ),
    "streams": json.dumps(
        {"data": {"result": [{"stream": {"app": "x"}, "values": [[NANOS, LINE]]}]}}
    ),
    "field and value": json.dumps(
        {
            "results": [
                [
                    {"field": "@timestamp", "value": "2025-03-04 08:09:10"},
                    {"field": "@message", "value": LINE},
                ]
            ]
        }
    ),
    "events": json.dumps({"events": [{"timestamp": int(NANOS[:13]), "message": LINE}]}),
    "columns and rows": json.dumps(
        {
            "tables": [
                {
                    "columns": [{"name": "timestamp"}, {"name": "message"}],
                    "rows": [["2025-03-04T08:09:10Z", LINE]],
                }
            ]
        }
    ),
    "messages in a table": "time,message\n2025-03-04T08:09:10Z,"
    f'"{LINE.replace(chr(34), chr(34) * 2)}"',
    "twice as JSON": json.dumps({"time": "2025-03-04T08:09:10Z", "event": json.dumps(LINE)}),
    "words before": f"[2025-03-04 08:09:10] live.ERROR: the call failed {LINE}",
    "span": json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "startTimeUnixNano": NANOS,
                                    "endTimeUnixNano": NANOS,
                                    "attributes": [
                                        {"key": "http.method", "value": {"stringValue": "POST"}},
                                        {"key": "http.url", "value": {"stringValue": URL}},
                                        {"key": "http.status_code", "value": {"intValue": "401"}},
                                    ],
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    ),
    "span that Python prints": json.dumps(
        {
            "name": "HTTP POST",
            "context": {"trace_id": "0x5b", "span_id": "0x7c"},
            "start_time": "2025-03-04T08:09:10.000000Z",
            "end_time": "2025-03-04T08:09:10.087000Z",
            "status": {"status_code": "UNSET"},
            "attributes": {"http.method": "POST", "http.url": URL, "http.status_code": 401},
        },
        indent=4,
    ),
    "dict": "2025-03-04 08:09:10,000 DEBUG {'method': 'POST', 'url': '" + URL + "', 'status': 401}",
    "text table": " at | verb | url | status\n---+---+---+---\n"
    f" 2025-03-04 08:09:10 | POST | {URL} | 401",
    "words above the names": "Report\nAll calls\n\nat,method,url,status\n"
    f"2025-03-04 08:09:10,POST,{URL},401",
    "months": f"Zeit;Methode;URL;Status\n4 Mar 2025 08:09:10;POST;{URL};401",
    "serial days": f"Time,Method,URL,Status\n45720.33969907,POST,{URL},401",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_carries_a_call_is_taken_off_and_its_time_kept(name: str) -> None:
    (exchange,) = read(WRAPPED[name])
    assert (exchange.method, exchange.url, exchange.status, exchange.at) == ("POST", URL, 401, AT)


DURATIONS = {  # a line, and how long the call took in milliseconds
    '"POST / HTTP/1.1" 401 - 0.0875': 87.5,
    '"POST / HTTP/1.1" 401 7 "-" "x" rt=0.087 urt="0.080"': 87.0,
    '"POST / HTTP/1.1" 401 7 "-" "x" 3 "web@docker" "http://10.0.0.1:80" 87ms': 87.0,
    '"POST / HTTP/1.1" 401 7 "-" "x" 482 0.087 [a-b-80] [] 10.0.0.1:80 7 0.08 401 ab': 87.0,
}


@pytest.mark.parametrize("rest", DURATIONS)
def test_the_duration_behind_an_access_line_has_the_unit_of_its_server(rest: str) -> None:
    (exchange,) = read(f"10.0.0.1 - - [04/Mar/2025:08:09:10 +0000] {rest}")
    assert (exchange.at, exchange.elapsed_ms) == (AT, DURATIONS[rest])


FRAMEWORKS = {
    "columns": f'[GIN] 2025/03/04 - 08:09:10 | 401 | 87ms | 10.0.0.1 | POST     "{PATH}"',
    "balancer": "https 2025-03-04T08:09:10Z app/x/1 10.0.0.1:2 10.0.0.3:80 0.001 0.085 0.001 401"
    f' 401 9 9 "POST {PATH} HTTP/1.1" "x" - -',
    "proxy": f"1741075750.000     87 10.0.0.9 TCP_MISS/401 5 POST {PATH} - HIER_DIRECT/- -",
    "blocks": f'Started POST "{PATH}" for 10.0.0.1 at 2025-03-04 08:09:10 +0000\n'
    "Processing by SmsController#send as JSON\nCompleted 401 Unauthorized in 87ms (Views: 0.1ms)",
    "mesh": f'[2025-03-04T08:09:10Z] "POST {PATH} HTTP/2" 401 - via_upstream - "-" 8 7 87 '
    '80 "-" "x" "a-b" "-" "10.0.0.9:443"',
    "pairs of nginx": f"2025-03-04T08:09:10+00:00 id=7 method=POST uri={PATH} status=401 "
    "request_time=0.087",
    "pairs": f"2025-03-04T08:09:10Z app[router]: method=POST path={PATH} status=401 service=87ms",
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_lines_of_frameworks_and_proxies_are_read(name: str) -> None:
    (exchange,) = read(FRAMEWORKS[name])
    got = (exchange.method, exchange.url, exchange.status, exchange.at, exchange.elapsed_ms)
    assert got == ("POST", PATH, 401, AT, 87.0)


@pytest.mark.parametrize(
    ("fields", "elapsed", "said"),
    [
        ({"duration": 123}, 123.0, "milliseconds"),
        ({"took": "0.5s"}, 500.0, ""),
        ({"latency_seconds": 0.5}, 500.0, ""),
        ({"elapsed": 0.25}, 250.0, "seconds"),
        ({"durationMs": "1,234"}, 1234.0, ""),
        ({"duration_ns": 5_000_000}, 5.0, ""),
    ],
)
def test_a_duration_has_its_unit_or_is_said_to_be_guessed(
    fields: Any, elapsed: float, said: str
) -> None:
    evidence = read(json.dumps(CALL | fields))
    assert evidence[0].elapsed_ms == elapsed
    assert bool(said) == any("names no unit" in warning.reason for warning in evidence.warnings)
    assert all(said in warning.reason for warning in evidence.warnings)


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (("01/05/2024 10:00", "13/05/2024 10:00"), [(5, 1), (5, 13)]),
        (("05/01/2024 10:00", "05/13/2024 10:00"), [(5, 1), (5, 13)]),
        (("5/1/2024 10:00:00 AM", "5/2/2024 10:00:00 AM"), [(5, 1), (5, 2)]),
    ],
)
def test_day_and_month_are_told_apart_by_all_of_the_dates(dates: Any, days: Any) -> None:
    rows = "".join(f"{date},POST,{URL},403\n" for date in dates)
    times = [present(x.at) for x in read(f"Time,Method,URL,Status\n{rows}")]
    assert [(at.month, at.day) for at in times] == days


def test_a_request_and_its_response_are_joined_by_their_id() -> None:
    lines = [
        {"reqId": "a", "req": {"method": "POST", "url": "/one"}},
        {"reqId": "b", "req": {"method": "POST", "url": "/two"}},
        {"reqId": "b", "res": {"statusCode": 201}, "responseTime": 7},
        {"reqId": "a", "res": {"statusCode": 401}},
    ]
    rows = read("\n".join(map(json.dumps, lines)))
    assert [(x.url, x.status) for x in rows] == [("/one", 401), ("/two", 201)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(REPORT),
        f"{json.dumps(REPORT)}\n{json.dumps(REPORT | {'recipient': '15551230002'})}",
        json.dumps({"method": "POST", "path": "/hooks", "headers": {}, "body": REPORT}),
        f"2025-03-04 08:09:10 INFO webhook got {json.dumps(REPORT)}",
        "batch_id,recipient,status,code,at\n01ARZ,15551230001,Failed,402,2025-03-04T08:09:10Z\n",
        "report: RecipientDeliveryReport{code=402, status=Failed, recipient=15551230001}",
    ],
)
def test_a_callback_is_its_own_kind_and_its_code_no_status(text: str) -> None:
    evidence = read(text)
    assert len(evidence) > 0
    assert {(x.origin, x.endpoint, x.status) for x in evidence} == {("import", "callback", None)}


def test_a_table_keeps_its_times_its_codes_and_what_the_caller_says() -> None:
    head = "id,timestamp,method,url,status,error_code,attempt_no"
    text = f"{head}\n7,2025-03-04 08:09:10,POST,{URL},403,no_such_plan,409\n"
    (exchange,) = read(text)
    assert (exchange.at, exchange.status, exchange.code) == (AT, 403, "no_such_plan")
    assert read(text, columns={"attempt_no": "status"})[0].status == 409


def test_a_column_that_gives_nothing_is_reported() -> None:
    evidence = read(f"when,method,url,status\nsoon,POST,{URL},403\n", columns={"when": "at"})
    assert any("'when', taken as at, gave no value" in w.reason for w in evidence.warnings)


def test_numbers_of_delivery_are_no_status() -> None:
    (exchange,) = read(f"time,method,url,smpp_status,delivery_code\n,POST,{URL},404,402\n")
    assert exchange.status is None


SENT = {"to": ["15551230001"], "body": "Hi"}
GOT = {"code": "unknown_group", "text": "No group k3"}
PACKED = base64.b64encode(json.dumps(GOT).encode()).decode()
DUMP = (
    f"INSERT INTO `calls` (`id`, `verb`, `url`, `status`, `request_body`, `response_body`) VALUES\n\
(401, 'POST', '{URL}', 403, '{json.dumps(SENT)}', '{json.dumps(GOT)}');\n"
)
UNKNOWN_SHAPES = {  # documents in which a call stands somewhere
    "letter of a queue": json.dumps(
        {
            "Messages": [
                {
                    "Body": json.dumps(
                        {
                            "request": {"method": "POST", "url": URL, "body": SENT},
                            "error": {"status": 403, "body": GOT},
                        }
                    )
                }
            ]
        }
    ),
    "trail of an error": json.dumps(
        {
            "errorClass": "Boom",
            "trail": [
                {
                    "at": 1,
                    "meta": {
                        "method": "POST",
                        "url": URL,
                        "status": 403,
                        "request_body": SENT,
                        "response_body": GOT,
                    },
                }
            ],
        }
    ),
    "base64": json.dumps(
        {"method": "POST", "url": URL, "status": 403, "requestBody": SENT, "responseBody": PACKED}
    ),
    "messages as on the wire": json.dumps(
        {
            "level": "warn",
            "dump_out": f"POST {PATH} HTTP/1.1\r\nHost: eu.sms.api.sinch.com\r\n\r\n"
            + json.dumps(SENT),
            "dump_in": "HTTP/1.1 403 Forbidden\nServer: x\n\n" + json.dumps(GOT),
        }
    ),
    "both spellings of a URL": json.dumps(
        {
            "stubs": [
                {
                    "request": {
                        "url": PATH,
                        "absoluteUrl": URL,
                        "method": "POST",
                        "body": json.dumps(SENT),
                    },
                    "response": {"status": 403, "body": json.dumps(GOT)},
                }
            ]
        }
    ),
    "record of a logger whose error has it all": json.dumps(
        {
            "level": "error",
            "message": "not sent",
            "error": {
                "config": {"method": "post", "url": URL, "data": json.dumps(SENT)},
                "response": {"status": 403, "data": GOT},
            },
        }
    ),
    "error of Node": json.dumps(
        {
            "err": {
                "code": "ERR_BAD_REQUEST",
                "config": {"method": "post", "url": URL, "data": json.dumps(SENT)},
                "response": {"status": 403, "data": GOT},
            }
        }
    ),
    "numbers with a type": json.dumps(
        {
            "method": "POST",
            "url": URL,
            "status": {"$numberInt": "403"},
            "requestBody": SENT,
            "responseBody": GOT,
        }
    ),
    "cassette": f"""---
http_interactions:
- request:
    method: post
    uri: {URL}
    body:
      string: '{json.dumps(SENT)}'
  response:
    status:
      code: 403
    body:
      string: '{json.dumps(GOT)}'
""",
    "task that names its media type": f"""- name: warn
  uri:
    url: {URL}
    method: POST
    body_format: json
    body: {json.dumps(SENT)}
    result: 403
    response_body: {json.dumps(GOT)}
""",
    "insert": DUMP,
    "records": f"""-[ RECORD 1 ]-+-----
id            | 401
method        | POST
url           | {URL}
status        | 403
request_body  | {json.dumps(SENT)}
response_body | {json.dumps(GOT)}
""",
    "rows": f"""*************************** 1. row ***************************
           id: 401
       method: POST
          url: {URL}
  status_code: 403
 request_body: {json.dumps(SENT)}
response_body: {json.dumps(GOT)}
""",
}


@pytest.mark.parametrize("name", UNKNOWN_SHAPES)
def test_a_call_is_found_in_a_document_of_unknown_shape(name: str) -> None:
    (exchange,) = read(UNKNOWN_SHAPES[name])
    assert (exchange.method, exchange.url, exchange.status) == ("POST", URL, 403)
    assert exchange.code == "unknown_group"
    assert parsed(exchange.request_body) == SENT


def test_a_url_in_the_data_of_a_dependency_is_no_body() -> None:
    told = {"Name": f"PUT {PATH}", "Data": URL, "ResultCode": "404", "DurationMs": "8.5"}
    (row,) = read(json.dumps([told]))
    assert (row.method, row.url, row.status) == ("PUT", URL, 404)
    assert row.request_body is row.response_body is None


def test_a_request_line_alone_is_no_second_call() -> None:
    events = [
        {"params": {"method": "PUT", "url": URL}, "time": "1"},
        {"params": {"line": f"PUT {PATH} HTTP/1.1\r\n", "headers": ["Accept: */*"]}, "time": "2"},
    ]
    assert len(read(json.dumps({"constants": {}, "events": events}))) == 1


def test_the_error_among_pairs_is_the_text_of_the_code() -> None:
    line = f'msg=refused method=POST url={URL} status=403 code=unknown_group error="No group k3"'
    (row,) = read(line)
    assert (row.code, row.text) == ("unknown_group", "No group k3")
    (row,) = read(f"method=POST url={URL} status=403 error=unknown_group")
    assert (row.code, row.text) == ("unknown_group", None)


def test_the_status_that_a_task_hopes_for_is_none() -> None:
    task = f"- name: send\n  uri:\n    url: {URL}\n    method: POST\n    status_code: 201\n"
    (exchange,) = read(task)
    assert (exchange.method, exchange.status) == ("POST", None)


def test_a_description_of_an_api_shows_no_call() -> None:
    text = f"openapi: 3.0.0\nservers:\n  - url: {URL}\npaths:\n  /x:\n    post: {{}}\n"
    assert not read(text)


def test_many_objects_in_lines_of_a_log_take_a_few_steps_a_line() -> None:
    line = '08:09:10.1 [worker] DEBUG web.Servlet - GET "/orders", parameters={{}} {}\n'
    few, many = ("".join(map(line.format, range(count))) for count in (500, 1_000))
    assert calls_of(lambda: read(many))[1] < 3 * calls_of(lambda: read(few))[1]


def test_a_file_of_a_log_is_no_url_and_a_balancer_keeps_its_details() -> None:
    line = f"2025-03-04 08:09:10 ERROR gateway - POST {URL} -> 403"
    (exchange,) = read(f"time,source,line\n2025-03-04T08:09:10Z,/var/log/gw.log,{line}\n")
    assert (exchange.url, exchange.status) == (URL, 403)
    details = {"@type": "x.LoadBalancerLogEntry", "statusDetails": "failed"}
    (exchange,) = read(json.dumps(CALL | {"jsonPayload": details}))
    assert exchange.request_body is None


def test_a_task_in_yaml_says_its_media_type() -> None:
    task = f"notify:\n  url: {URL}\n  method: put\n  content_type: application/json\n  payload: x\n"
    (exchange,) = read(task)
    assert exchange.request_headers == {"Content-Type": "application/json"}


def test_spans_that_javascript_prints_are_in_microseconds() -> None:
    (exchange,) = read(f"""{{
  traceId: 'a1',
  timestamp: 1741075750000000,
  duration: 87000.5,
  attributes: {{ 'http.method': 'POST', 'http.url': '{URL}', 'http.status_code': 401 }}
}}""")
    assert (exchange.at, exchange.elapsed_ms) == (AT, 87.0005)


def test_a_column_of_request_lines_and_one_in_another_language() -> None:
    (row,) = read(
        f"| when | what | état | durata (ms) |\n|--|--|--|--|\n| {AT} | PUT {URL} | 401 | 87 |\n"
    )
    assert (row.method, row.url, row.status, row.elapsed_ms) == ("PUT", URL, 401, 87.0)


def test_an_error_of_nginx_is_a_call_that_failed() -> None:
    line = (
        "2025/03/04 08:09:10 [error] 7#7: *9 connect() failed (111: Connection refused) while "
        f'connecting to upstream, client: 10.0.0.9, server: gw, request: "POST {PATH} HTTP/1.1", '
        f'upstream: "https://10.0.0.8:443{PATH}", host: "gw"'
    )
    (row,) = read(line)
    assert (row.method, row.url, row.status, row.at) == ("POST", PATH, None, AT)
    assert row.failure == "nginx: connect() failed"


def test_what_a_terminal_broke_at_its_width_is_one_line() -> None:
    line = (
        f'10.0.0.9 - - [04/Mar/2025:08:09:10 +0000] "POST {PATH} HTTP/1.1" 401 7 "-" "{"x" * 60}"'
    )
    logged = json.dumps(
        {"time": str(AT), "method": "POST", "url": PATH, "status": 401, "by": "x" * 99}
    )
    for whole in (line, logged):
        (row,) = read("\n".join(whole[at : at + 72] for at in range(0, len(whole), 72)))
        assert (row.method, row.url, row.status, row.at) == ("POST", PATH, 401, AT)


def test_the_code_on_the_screen_of_a_message_is_no_status() -> None:
    assert len(read("Batch ID  01ABC\nRecipient  +46701234567\nCode  413\n")) == 0


def test_a_status_between_signs_without_spaces() -> None:
    (row,) = read(f"PUT {URL} 返回429。")
    assert (row.method, row.url, row.status) == ("PUT", URL, 429)


def test_the_time_that_php_writes() -> None:
    line = '[04-Mar-2025 08:09:10 UTC] no SMS: HTTP 401 {"code": "unknown_group", "text": "x"}'
    assert read(line)[0].at == AT


@pytest.mark.parametrize(
    ("head", "cells", "body"),
    [
        ("Destinataire", "0612 345 678", {"from": "{{from}}", "to": ["0612 345 678"]}),
        (
            "sender,phone_number",
            "Acme,+46701234567;+46701234568",
            {"from": "Acme", "to": ["+46701234567", "+46701234568"]},
        ),
        ("msisdn", "+4670****567", None),
        ("order", "4670123", None),
    ],
)
def test_recipients_of_a_table_of_sends_are_judged(
    head: str, cells: str, body: dict[str, Any] | None
) -> None:
    send = URL.partition("?")[0].rstrip("/")
    send = send if send.endswith("/batches") else f"{send}/batches"
    (row,) = read(f"time,method,url,status,{head}\n2025-03-04 08:09:10,POST,{send},400,{cells}\n")
    told = json.loads(row.request_body) if isinstance(row.request_body, str) else None
    assert told == (body and {**body, "body": "{{body}}"})


@pytest.mark.parametrize(
    ("body", "side"),
    [
        ({"id": "01ARZ", "to": ["46700000009"], "body": "Hej", "created_at": "", "modified_at": ""},
         "response_body"),
        ({"id": "01ARZ", "size": 2, "created_at": "", "modified_at": ""}, "response_body"),
        ({"count": 0, "page": 0, "batches": []}, "response_body"),
        ({"number_of_recipients": 1, "number_of_messages": 2}, "response_body"),
        ({"to": ["46700000009"], "body": "Hej"}, "request_body"),
    ],
)  # fmt: skip
def test_a_body_alone_is_known_by_its_fields(body: dict[str, Any], side: str) -> None:
    for text in (json.dumps(body), json.dumps(body, indent=2), json.dumps([body])):
        (row,) = read(text)
        assert json.loads(getattr(row, side)) == body
        assert (row.method, row.url, row.status) == (None, None, None)


def test_records_without_an_id_are_joined_where_nothing_stands_between() -> None:
    asked = [json.dumps({"msg": "sent", "method": "PUT", "url": f"{URL}/{n}"}) for n in range(3)]
    came = json.dumps({"msg": "got", "statusCode": 403, "body": {"code": "unknown_group"}})
    rows = read("\n".join((asked[0], came, asked[1], asked[2], came)))
    assert [row.status for row in rows if row.url] == [403, None, None]
    carried = "\n".join(f"2025-03-04T08:09:10.1Z {line}" for line in (asked[0], came))
    assert [row.code for row in read(carried)] == ["unknown_group"]


def test_a_mail_as_json_is_no_body_of_the_api() -> None:
    mail = {"to": "help@example.com", "subject": "SMS", "body": f"curl -X DELETE {URL}/01"}
    assert [row.method for row in read(json.dumps(mail))] == ["DELETE"]


GO_ERROR = f'Post "{URL}": context deadline exceeded'


@pytest.mark.parametrize(
    "text",
    [
        f'level=error msg="not sent" err={json.dumps(GO_ERROR)}',
        f"WARN[0001] Request Failed      error={json.dumps(GO_ERROR)}",
        json.dumps({"level": "ERROR", "msg": "not sent", "error": GO_ERROR}),
        "\n".join(
            json.dumps({"level": level, "message": "x", "err": error})
            for level, error in (("info", None), ("error", GO_ERROR))
        ),
    ],
)
def test_the_error_of_a_record_names_the_call_that_its_message_does_not(text: str) -> None:
    (exchange,) = read(text)
    assert (exchange.method, exchange.url) == ("POST", URL)
    assert exchange.failure == "context deadline exceeded"


def test_a_ticket_as_a_help_desk_gives_it_has_its_text_in_the_description() -> None:
    said = f"Hi,\n\ncurl -i {URL}\n\nHTTP/1.1 404 Not Found\ncontent-length: 0\n\nAnna"
    ticket = {"url": "https://desk.example.com/api/7.json", "id": 7, "description": said}
    (exchange,) = read(json.dumps({"ticket": ticket | {"priority": "low", "status": "open"}}))
    assert (exchange.method, exchange.url, exchange.status) == ("GET", URL, 404)


@pytest.mark.parametrize(
    ("cell", "to"),
    [
        ("1500", None),
        ("12.500", None),
        ("+4930123456", ["+4930123456"]),
        ("0049", ["0049"]),  # a number that is cut off
        ("4930123456", ["4930123456"]),
    ],
)
def test_a_column_of_recipients_that_counts_them_makes_no_body(cell: str, to: Any) -> None:
    url = "https://eu.sms.api.sinch.com/xms/v1/0123456789abcdef0123456789abcdef/batches"
    table = f"method;url;status;recipients\nPOST;{url};201;{cell}\nPOST;{url};429;{cell}\n"
    body = next(iter(read(table))).request_body
    assert (None if body is None else json.loads(body)["to"]) == to


def test_the_code_of_a_client_tells_more_than_the_name_of_its_error() -> None:
    error = {"name": "AxiosError", "code": "ETIMEDOUT", "message": "timeout"}
    url = "https://eu.sms.api.sinch.com/xms/v1/p/batches"
    [row] = read(json.dumps({"url": url, "method": "POST", "error": error}))
    assert row.failure == "ETIMEDOUT"
