"""A text in which several kinds of evidence stand: what is read, joined and listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinchtools.evidence import read
from tests.evidence.test_formats_page import SECTIONS, example_of

URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
SEND = (
    f"curl -s -X POST {URL} -H 'Authorization: Bearer {{token}}' -d '{{\"to\": [\"46701234567\"]}}'"
)
BODY = '{"code": "unknown_group", "text": "No such group"}'
TRACE = f"""{SEND.replace("-s", "-v")}
* Trying 203.0.113.9:443...
> POST /xms/v1/plan/batches HTTP/2
> Host: us.sms.api.sinch.com
> User-Agent: curl/8.7.1
>\x20
* upload completely sent off: 22 bytes
< HTTP/2 403\x20
< content-type: application/json
<\x20
"""
METER = "100    22    0     0  100    22      0    600 --:--:-- --:--:-- --:--:--   600"
TEXTS = {
    "a prompt glued to a body": (
        f"me@box:~$ {SEND}\n{BODY}me@box:~$ {SEND}\n",
        [("POST", None, "unknown_group"), ("POST", None, None)],
    ),
    "a prompt below a response without a body": (
        f"[ops@mail2 sms]$ {SEND}\nHTTP/1.1 429 Too Many Requests\nContent-Type: text/plain\n\n"
        "[ops@mail2 sms]$",
        [("POST", 429, None)],
    ),
    "a prompt of a container": (
        f"/srv # {SEND}\nHTTP/1.1 415 Unsupported Media Type\nContent-Length: 0\n\n/srv # exit",
        [("POST", 415, None)],
    ),
    "a cut body that runs into its response": (
        "PUT /xms/v1/plan/groups/g HTTP/1.1\nHost: us.sms.api.sinch.com\nContent-Length: 40\n\n"
        f'{{"name": "VHTTP/1.1 400 Bad Request\nContent-Length: 50\n\n{BODY}DELETE /xms/v1/plan/'
        "groups/g HTTP/1.1\nHost: us.sms.api.sinch.com\n\nHTTP/1.1 204 No Content\nAge: 1\n\n",
        [("PUT", 400, "unknown_group"), ("DELETE", 204, None)],
    ),
    "a console that tells of CORS twice, with its places": (
        f"Access to XMLHttpRequest at '{URL}' from origin 'null' has been blocked by CORS policy: "
        f"No header\n(index):12\nPOST {URL} net::ERR_FAILED\nsend @ app.mjs:7\napp.mjs:9 "
        "AxiosError {message: 'Network Error', code: 'ERR_NETWORK', config: {…}}",
        [("POST", None, None)],
    ),
    "a refused preflight in Firefox": (
        "".join(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote "
            f"resource at {URL}. (Reason: CORS {why}). Status code: {status}.\n"
            for why, status in (("preflight failed", 401), ("request failed", "(null)"))
        ),
        [(None, 401, None)],
    ),
    "what curl_getinfo gives, printed": (
        f"Array\n(\n    [url] => {URL}\n    [content_type] => \n    [http_code] => 405\n    "
        "[redirect_url] => \n    [certinfo] => Array\n        (\n        )\n\n    [primary_port] "
        "=> 443\n    [effective_method] => PATCH\n)\n",
        [("PATCH", 405, None)],
    ),
    "what curl_getinfo gives of no response": (
        f"array (\n  'url' => '{URL}',\n  'http_code' => 0,\n)\ncurl_error: Connection timed out",
        [(None, None, None)],
    ),
    "a response of Go that is printed with its pointers": (
        f"resp: &{{Status:403 Forbidden StatusCode:403 Header:map[] Body:{{R:0xc0000a2000}} "
        f"Request:0xc000123000}}\nbody: {BODY}",
        [(None, 403, "unknown_group")],
    ),
    "a status of PHP above its body": (
        'int(403)\narray(2) {\n  ["code"]=>\n  string(13) "unknown_group"\n  ["text"]=>\n'
        '  string(2) "No"\n}\n',
        [(None, 403, "unknown_group")],
    ),
    "a status of PHP below its body": (
        'array(2) {\n  ["code"]=>\n  string(13) "unknown_group"\n  ["text"]=>\n  string(2) "No"\n'
        "}\nint(403)\n",
        [(None, 403, "unknown_group")],
    ),
    "a call of Firefox on three lines": (
        f"XHRPUT\n{URL}/01\n[HTTP/2 403 Forbidden 60ms]\n{BODY}\n"
        f"XHRDELETE\n{URL}/02\nCORS Failed\n",
        [("PUT", 403, "unknown_group"), ("DELETE", None, None)],
    ),
    "boxes of Dio": (
        f"flutter: ╔╣ Request ║ PUT\nflutter: ║  {URL}/01\nflutter: ╚═══╝\nflutter: ╔ Headers\n"
        "flutter: ╟ accept: */*\nflutter: ╚═══╝\nflutter: ╔ Body\nflutter: ║    {\nflutter: ║  "
        '"to": []\nflutter: ║    }\nflutter: ╚═══╝\nflutter: ╔╣ DioError ║ Status: 403 Forbidden ║ '
        f"Time: 18 ms\nflutter: ║  {URL}/01\nflutter: ╚═══╝\nflutter: ╔ DioExceptionType.bad\n"
        f"flutter: ║    {BODY}\nflutter: ╚═══╝\n",
        [("PUT", 403, "unknown_group")],
    ),
    "a body and what came of it, in words": (
        'We send\n{"to": ["46701234567"], "body": "Hi"}\nand all we see is Error 403.',
        [(None, 403, None)],
    ),
    "what IPython printed below its call": (
        f'In [1]: r = requests.put("{URL}/01", json={{"to": ["46701234567"], "body": "Hi"}})\n'
        "   ...: r.status_code, r.json()\nOut[1]:\n(403,\n {'code': "
        "'unknown_group',\n  'text': 'No'})\n\nIn [2]: exit",
        [("PUT", 403, "unknown_group")],
    ),
    "labels in a sentence": (
        f"Send failed. URL: {URL} Method: PATCH Status: 403 Response: {BODY}",
        [("PATCH", 403, "unknown_group")],
    ),
    "a status before its code": (
        f"▶ POST {URL} 403 (Forbidden)  app.js:2\n  (anonymous)\t@\tapp.js:2\n"
        "Uncaught (in promise) Error: SMS 403: unknown_group No such group\n    at app.js:9:11",
        [("POST", 403, "unknown_group")],
    ),
    "a response of Deno whose body is a stream": (
        "Response {\n  body: ReadableStream { locked: false },\n  status: 405,\n"
        f'  url: "{URL}"\n}}\n',
        [(None, 405, None)],
    ),
    "a log of Indy": (
        "Sent 04/03/2026 08:09:10: PUT /xms/v1/plan/groups/g HTTP/1.1<EOL>Host: us.example.com"
        "<EOL>Content-Length: 2<EOL><EOL>\nSent 04/03/2026 08:09:10: {}\nRecv 04/03/2026 08:09:11: "
        f"HTTP/1.1 403 Forbidden<EOL>Content-Type: application/json<EOL><EOL>{BODY}\n",
        [("PUT", 403, "unknown_group")],
    ),
    "a table without names whose codes are missing in part": (
        f"1\tPUT\t{URL}/1\t403\tunknown_group\n2\tPUT\t{URL}/2\t200\tNULL\n",
        [("PUT", 403, "unknown_group"), ("PUT", 200, None)],
    ),
    "a code behind the status of a line": (
        f"Mar  3 08:00:00 sms1 sender[77]: PUT {URL}/01AB -> 403 unknown_group (18 ms)",
        [("PUT", 403, "unknown_group")],
    ),
    "a body as Java prints it": (
        f"08:00:00.100 [main] DEBUG o.s.w.c.RestTemplate - HTTP POST {URL}\n08:00:00.101 [main] "
        "DEBUG o.s.w.c.RestTemplate - Writing [Sms(from=Kiosk, to=[+46700000009], body=Hej, du)] "
        "with a.b.Converter\n08:00:00.300 [main] DEBUG o.s.w.c.RestTemplate - Response 429 TOO",
        [("POST", 429, None)],
    ),
    "a window's prompt": (
        f"C:\\work>curl {URL}\n{BODY}C:\\work>curl {URL}",
        [("GET", None, "unknown_group"), ("GET", None, None)],
    ),
    "a command and its trace": (TRACE + BODY, [("POST", 403, "unknown_group")]),
    "a remark glued to a body": (
        f"{TRACE}{BODY}* Connection #0 to host us.sms.api.sinch.com left intact",
        [("POST", 403, "unknown_group")],
    ),
    "a meter within a trace": (
        TRACE.replace("< HTTP/2", f"{METER}< HTTP/2") + f"{METER}\n{BODY}",
        [("POST", 403, "unknown_group")],
    ),
    "colours": (
        f"\x1b[0K\x1b[32;1m$ {SEND}\x1b[0;m\n{BODY}\n",
        [("POST", None, "unknown_group")],
    ),
    "a fence": (f"```\n$ {SEND}\n{BODY}\n```\nThanks!", [("POST", None, "unknown_group")]),
    "the error first": (f"We get this:\n{BODY}\nfrom\n{SEND}", [("POST", None, "unknown_group")]),
    "a status in words": (f"{SEND}\nand it says Error 403", [("POST", 403, None)]),
    "two responses": (
        f"HTTP/1.1 403 Forbidden\n\n{BODY}\nHTTP/1.1 200 OK\n\n{{}}",
        [(None, 403, "unknown_group"), (None, 200, None)],
    ),
    "HTTPie": (
        f"$ https POST {URL.removeprefix('https://')} to:='[\"46701234567\"]' body=Hi\n{BODY}",
        [("POST", None, "unknown_group")],
    ),
    "HTTPie with its input in a here-string": (
        f"box% https {URL.removeprefix('https://')} <<< '{{\"to\": []}}'\n"
        f"HTTP/1.1 403 Forbidden\n\n{BODY}",
        [("POST", 403, "unknown_group")],
    ),
    "HTTPie with its input through a pipe": (
        f"$ echo '{{\"to\": []}}' | http {URL}\n{BODY}",
        [("POST", None, "unknown_group")],
    ),
    "HTTPie that prints what it sends": (
        f"$ http -v {URL} to:='[\"4670\"]'\nPOST /xms/v1/plan/batches HTTP/1.1\n"
        'Host: us.sms.api.sinch.com\n\n{\n  "to": [\n    "4670"\n  ]\n}\n\n'
        f"HTTP/1.1 403 Forbidden\n\n{BODY}",
        [("POST", 403, "unknown_group")],
    ),
    "a line with status and time": (
        f"10:15:02 INFO x.Sms : HTTP POST {URL} 429 12ms",
        [("POST", 429, None)],
    ),
    "Nushell": (
        f"~/x> http put -t application/json -H {{Authorization: 'Bearer t'}} {URL} {{to: [1]}}\n"
        f"{BODY}",
        [("PUT", None, "unknown_group")],
    ),
    "a tunnel through a proxy": (
        "> CONNECT us.sms.api.sinch.com:443 HTTP/1.1\n> Host: us.sms.api.sinch.com:443\n>\x20\n"
        "< HTTP/1.0 200 OK\n<\x20\n" + TRACE.partition("\n")[2] + BODY,
        [("POST", 403, "unknown_group")],
    ),
    "a proxy that opens no tunnel": (
        "> CONNECT us.sms.api.sinch.com:443 HTTP/1.1\n> Host: us.sms.api.sinch.com:443\n>\x20\n"
        "< HTTP/1.1 407 Proxy Authentication Required\n",
        [("CONNECT", 407, None)],
    ),
    "a call with its error before its body": (
        f'They call {URL} (PUT), got Error 403\n{BODY}\nand sent {{"to": [], "body": "x"}}',
        [("PUT", 403, "unknown_group")],
    ),
    "wget": (
        f"wget --method=POST --body-data='{{}}' {URL}\n{BODY}",
        [("POST", None, "unknown_group")],
    ),
    "wget, options apart": (
        f"wget -q --header 'Accept: */*' --method PUT --body-data '{{}}' {URL}\n{BODY}",
        [("PUT", None, "unknown_group")],
    ),
    "HTTPie behind a prompt of words": (
        f"➜  sms git:(main) https DELETE {URL.removeprefix('https://')}\n{BODY}",
        [("DELETE", None, "unknown_group")],
    ),
    "bylines of ngrep": (
        "T 2025/03/04 08:09:10.000001 10.0.0.9:4 -> 10.0.0.8:80 [AP] #4\n"
        "PUT /xms/v1/p/groups/g HTTP/1.1.\nHost: us.sms.api.sinch.com.\n.\n\n"
        "T 2025/03/04 08:09:10.100001 10.0.0.8:80 -> 10.0.0.9:4 [AP] #6\nHTTP/1.1 404 Not Found.\n",
        [("PUT", 404, None)],
    ),
    "an arrow below each": (
        f"one:\n{SEND}\n-> 401\n\ntwo:\n{SEND}\n-> 201\n",
        [("POST", 401, None), ("POST", 201, None)],
    ),
    "a line and its traceback": (
        f"2026-11-23 08:00:00,123 ERROR shop.sms: error 401 on POST {URL}\nTraceback (most recent"
        ' call last):\n  File "/srv/sms.py", line 403, in send\n    r.raise_for_status()\n'
        f"requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: {URL}\n",
        [("POST", 401, None)],
    ),
    "a crontab": (f"*/5 * * * * {SEND} >> /tmp/sms.log", [("POST", None, None)]),
    "what a run of tests sent": (
        f"Method: POST\nURL: {URL}\nBody: {{}}\n\nThe response was:\nStatus: 403\nBody: {BODY}\n",
        [("POST", 403, "unknown_group")],
    ),
    "words of another paragraph": (
        f"URL: {URL}\nMethod: POST\nStatus: 401\nResponse:\n\nKind regards and thanks\n",
        [("POST", 401, None)],
    ),
    "another language": (f"Vid POST {URL} kommer statuskod 429. Mvh", [("POST", 429, None)]),
    "a path before an error": (
        "/usr/lib/ruby/3.1.0/net/http.rb:987:in `initialize': Failed to open TCP connection to"
        " us.sms.api.sinch.com:443 (Connection refused) (Errno::ECONNREFUSED)",
        [(None, None, None)],
    ),
    "several statuses": ("at 10 it said Error 403\nat 11 Error 401\n", []),
    "complaints": ("500 complaints since Monday, 404 of them by mail", []),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_stands_together_is_one_row(name: str) -> None:
    text, rows = TEXTS[name]
    evidence = read(text)
    assert [(x.method, x.status, x.code) for x in evidence] == rows, evidence.summary


def test_a_body_ends_where_it_was_announced() -> None:
    text = "HTTP/1.1 400 Bad Request\nContent-Length: 8\n\n{broken,\nHi, can you help?\n"
    evidence = read(text)
    assert evidence[0].response_body == "{broken,"
    assert [one.source for one in evidence.skipped] == ["paste#5"]


WHOLE = {"table", "postman", "har", "tool-xml", "yaml"}
WHOLE_SECTIONS = {"A mail", "A request file of an editor", "A Jupyter notebook"}
# what can stand among other words; the others are whole files
AMONG_WORDS = [
    name
    for name in SECTIONS
    if name not in WHOLE_SECTIONS and not WHOLE & set(read(example_of(name)[0]).formats)
]


@pytest.mark.parametrize("section", AMONG_WORDS)
def test_words_around_an_example_change_nothing_and_are_listed(section: str) -> None:
    example, _ = example_of(section)
    alone = read(example)
    around = read(f"Hello dear team,\n\n{example.rstrip()}\n\nKind regards and thanks\n")
    assert [seen(x) for x in around] == [seen(x) for x in alone]
    assert "paste#1" in [one.source for one in around.skipped]


@pytest.mark.parametrize("section", AMONG_WORDS)
def test_two_of_a_kind_are_two_rows(section: str) -> None:
    example, _ = example_of(section)
    alone = read(example)
    twice = read(f"{example.rstrip()}\n\nand once more:\n\n{example.rstrip()}\n")
    assert [seen(x) for x in twice] == [seen(x) for x in alone] * 2


def seen(exchange: object) -> tuple[object, ...]:
    names = ("method", "url", "status", "code", "request_body", "response_body", "elapsed_ms")
    return tuple(getattr(exchange, name) for name in names)


@pytest.mark.parametrize("text", ["x[/01/ " * 200, "GET /x " * 300, "_" * 4000, "{{a}}" * 800])
def test_a_line_of_many_signs_is_read_or_listed(text: str) -> None:
    evidence = read(f"{text}\n{BODY}")
    assert [x.code for x in evidence] == ["unknown_group"]
    assert read(text).skipped or len(read(text)) == 1


@pytest.mark.parametrize(
    "said", ["`401`, empty body", "we get `401`", "403 with no response body", "401, empty reply"]
)
def test_a_status_in_a_chat_is_the_response_to_the_request_above_it(said: str) -> None:
    text = f"curl -X POST https://us.sms.api.sinch.com/xms/v1/p1/batches -d '{{}}'\n\nTom\n{said}\n"
    (row,) = read(text)
    assert row.status == (403 if "403" in said else 401)


def test_a_failure_that_a_mail_tells_again_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Since this morning everybody gets 403.\n")
    log = "2026-11-26T06:40:00Z POST https://eu.sms.api.sinch.com/xms/v1/p1/batches status=403\n"
    (tmp_path / "b.log").write_text(log * 2)
    assert [row.status for row in read(tmp_path)] == [403, 403]
    (tmp_path / "a.txt").write_text("Since this morning everybody gets 401.\n")
    assert sorted(row.status or 0 for row in read(tmp_path)) == [401, 403, 403]


CODE = """r = requests.post(f"https://us.sms.api.sinch.com/xms/v1/{settings.PLAN}/batches",
                  headers={"Authorization": f"Bearer {settings.TOKEN}"}, json={"to": ["+46701"]})
"""
ON_BASE = (
    "const r = await axios.post(`${process.env.SMS_BASE}/batches`, {to: ['+46701']}, "
    "{headers: {Authorization: `Bearer ${process.env.TOKEN}`}});\n"
)
REAL = "https://us.sms.api.sinch.com/xms/v1/0f1e2d3c4b5a69788796a5b4c3d2e1f0/batches"
RAISED = f"requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: {REAL}\n"
LOGGED = f'2026-11-27 08:00:01 INFO httpx HTTP Request: POST {REAL} "HTTP/1.1 403 Forbidden"\n'


@pytest.mark.parametrize(
    "text", [CODE + RAISED, f"{RAISED}\nOur code:\n\n{CODE}", CODE + LOGGED, ON_BASE + LOGGED]
)
def test_code_and_its_log_are_one_row_though_the_code_hides_the_plan(text: str) -> None:
    (row,) = read(text)
    assert (row.method, row.url, row.status) == ("POST", REAL, 403)
    assert row.request_body and "PLAN" not in (row.variables_not_shown or "")
    assert row.at is None or row.at.second == 1


CSHARP = """    var http = new HttpClient();
    http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", cfg["T"]);
    await http.PostAsJsonAsync($"https://eu.sms.api.sinch.com/xms/v1/{plan}/batches",
        new { to = new[] { "+46701" }, body = "Hej" });
"""


@pytest.mark.parametrize("greeting", ["hi all,", "Beste mensen,", "God morgon, allihop!"])
def test_a_greeting_above_code_hides_none_of_it(greeting: str) -> None:
    log = LOGGED.replace("//us", "//eu")
    (row,) = read(f"{greeting}\n\nThe token is right! Our code:\n\n{CSHARP}\n{log}\nTack, Eva")
    assert "Authorization" in row.request_headers and row.status == 403


@pytest.mark.parametrize(
    "log",
    [RAISED.replace("batches", "groups"), RAISED.replace("//us", "//eu"),
     LOGGED.replace("POST", "GET")],
)  # fmt: skip
def test_code_and_the_log_of_another_call_are_two_rows(log: str) -> None:
    assert [row.status for row in read(f"{CODE}\n{log}")] == [None, 403]


MADE = '{"id": "01JQ7ZV5N8WXKD2M4R6T9B3CFA", "to": ["46701234567"]}'


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"PUT {URL}\n405", [("PUT", 405, False)]),
        (f"POST {URL}\n{{}}\nStatus: 201 {MADE}\nGET {URL}\n401\n",
         [("POST", 201, True), ("GET", 401, False)]),
        (f"[10:00:01] POST {URL}\n[10:00:02] 201 {MADE}", [("POST", 201, True)]),
        (f"GET {URL} => 200 {MADE}", [("GET", 200, True)]),
        (f"{SEND}\n{MADE}\nand that is all", [("POST", None, True)]),
        (f"{SEND} -w '%{{http_code}}'\n{MADE}\n201", [("POST", 201, True)]),
    ],
)  # fmt: skip
def test_what_came_back_is_read_below_its_request(
    text: str, rows: list[tuple[str, int | None, bool]]
) -> None:
    evidence = read(text)
    assert [(x.method, x.status, bool(x.response_body)) for x in evidence] == rows


@pytest.mark.parametrize(
    "text",
    [
        f"POST {URL}\n\n201 customers are waiting",
        f"{SEND}\n\n{MADE}",
        f'{SEND}\n{{"retries": 3, "queue": "sms"}}',
    ],
)
def test_what_may_be_anything_is_no_response(text: str) -> None:
    evidence = read(text)
    assert [(x.status, x.response_body) for x in evidence] == [(None, None)] and evidence.skipped


def test_json_that_is_whole_is_not_called_broken() -> None:
    reasons = [one.reason for one in read(f'{SEND}\n\n{{"retries": 3}}\n{{"retries": }}').skipped]
    assert reasons == ["JSON without HTTP data", "broken JSON"]


def test_the_trace_shows_the_token_that_a_variable_of_the_command_hides() -> None:
    shown = '> Authorization: Bearer "5c1e9a7b3d2f4e68a1b2c3d4"\n> User-Agent'
    sent = TRACE.replace("'Authorization: Bearer {token}'", '"Authorization: Bearer $TOKEN"')
    sent = sent.replace("> User-Agent", shown)
    [row] = read(sent + BODY)
    assert "quoted" in row.request_headers["Authorization"] and not row.variables_not_shown
