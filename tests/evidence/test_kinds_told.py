"""Kinds of code, logs and mails that no tool exports: each gives its one row, first to last."""

import json

import pytest

from sinchtools.evidence import read

PATH = "/xms/v1/demo/batches"
URL = "https://eu.sms.api.sinch.com" + PATH
SENT = '{"from": "Kiosk", "to": ["46700000009"], "body": "Hej"}'
CAME = '{"code": "unknown_group", "text": "No such group"}'
WIRE = "[2026-02-03 08:09:10,111] DEBUG {org.acme.wire} - HTTP-Sender dispatcher-4"
ROBOT = "20260203 08:09:10.111 - INFO - POST"
KLOG = "I0203 08:09:10.123456       7 transport.go"
SNOW = "*** Script:"
ESCAPED = SENT.replace('"', '\\"')
KINDS = {
    "F#": f'''open System.Net.Http
let client = new HttpClient()
client.DefaultRequestHeaders.Authorization <- AuthenticationHeaderValue("Bearer", token)
let json = """{SENT}"""
let sent = client.PostAsync("{URL}", new StringContent(json, Encoding.UTF8)).Result
// 403 {CAME}''',
    "Nim": f'''import std/[httpclient, json]
let http = newHttpClient()
let message = %*{SENT}
let got = http.request("{URL}", httpMethod = HttpPost, body = $message)
# 403 {CAME}''',
    "wire marks of WSO2": f'''{WIRE} << "POST {PATH} HTTP/1.1[\\r][\\n]"
{WIRE} << "Host: eu.sms.api.sinch.com[\\r][\\n]"
{WIRE} << "[\\r][\\n]"
{WIRE} << "{SENT}"
{WIRE} >> "HTTP/1.1 403 Forbidden[\\r][\\n]"
{WIRE} >> "[\\r][\\n]"
{WIRE} >> "{CAME}"''',
    "Robot Framework": f"""{ROBOT} Request : url={URL}
 path_url={PATH}
 headers={{'Content-Type': 'application/json'}}
 body={SENT}

{ROBOT} Response : url={URL}
 status=403, reason=Forbidden
 headers={{'Content-Type': 'application/json'}}
 body={CAME}
""",
    "klog": f"""{KLOG}:463] POST {URL}
{KLOG}:469] Request Headers:
{KLOG}:473]     Content-Type: application/json
{KLOG}:480] Request Body: {SENT}
{KLOG}:574] Response Status: 403 Forbidden in 12 milliseconds
{KLOG}:580] Response Body: {CAME}""",
    "French labels": f"""Requête :
URL : {URL}
Méthode : POST
Corps : {SENT}
Réponse :
Statut : 403
Corps : {CAME}""",
    "German labels": f"URL: {URL}\nMethode: POST\nAnfrage: {SENT}\nStatus: 403\nAntwort: {CAME}\n",
    "a Spanish mail": f"Hola,\n\nhacemos un POST a {URL} con este cuerpo:\n\n{SENT}\n\n"
    f"y la respuesta es un error 403:\n\n{CAME}\n\nSaludos\n",
    "an English mail": f"Hi,\n\nwe call {URL} (POST) and send\n\n{SENT}\n\n"
    f"The reply:\n\nHTTP 403\n{CAME}\n\nKind regards\n",
    "a Polish mail": f"Wysyłamy POST na {URL} z treścią:\n{SENT}\n"
    f"Otrzymujemy odpowiedź 403:\n{CAME}",
    "Karate": f"""08:09:10.100 [main] DEBUG com.intuit.karate - request:
1 > POST {URL}
1 > Content-Type: application/json; charset=UTF-8
{SENT}

08:09:10.323 [main] DEBUG com.intuit.karate - response time in milliseconds: 223
1 < 403
1 < Content-Type: application/json
{CAME}""",
    "ServiceNow": f"{SNOW} Endpoint: {URL}\n{SNOW} Method: POST\n{SNOW} Request body: {SENT}\n"
    f"{SNOW} HTTP status: 403\n{SNOW} Response body: {CAME}\n",
    "Tesla": f"""08:09:10.111 [error] POST {URL} -> 403 (12.5 ms)
08:09:10.112 [debug]
>>> REQUEST >>>
(no query)
Content-Type: application/json

{SENT}

<<< RESPONSE <<<
(no headers)

{CAME}
""",
    "Gatling": f"""HTTP request:
POST {URL}
headers:
\taccept: application/json
body:StringRequestBody{{contentType='application/json', charset=UTF-8, content={SENT}}}
=========================
HTTP response:
status:
\t403 Forbidden

body:
{CAME}
""",
    "a sentence with both bodies": f"08:09:10.111 ERROR (MainThread) [sms] Error at POST {URL}. "
    f"Status code 403. Payload: b'{SENT}', response: {CAME}",
    "SQL at its prompt": f"""app=> SELECT status, content FROM http((
app(>   'POST', '{URL}', NULL, 'application/json',
app(>   '{SENT}')::http_request);
 status | content
--------+---------
    403 | {CAME}
(1 row)""",
    "REST Assured": f"""Request method:\tPOST
Request URI:\t{URL}
Proxy:\t\t\t<none>
Headers:\t\tAuthorization=Bearer tok
\t\t\t\tContent-Type=application/json
Body:
{SENT}
HTTP/1.1 403 Forbidden
Content-Type: application/json

{CAME}
Expected status code <201> but was <403>.""",
    "JMeter": f"POST {URL}\n\nPOST data:\n{SENT}\n\n[no cookies]\n\nRequest Headers:\nHost: a.b\n\n"
    f"Response code:403\nResponse message:Forbidden\n\nResponse Body:\n{CAME}",
    "a unit of systemd": f"[Service]\nExecStart=/usr/bin/curl {URL} -d '{SENT}'\n"
    f"HTTP/1.1 403 Forbidden\n\n{CAME}",
    "a recipe of make": f"send:\n\t@curl {URL} \\\n\t  -d '{SENT}'\n\n"
    f"HTTP/1.1 403 Forbidden\n\n{CAME}",
    "Insomnia": f"> POST {PATH} HTTP/1.1\n> Host: eu.sms.api.sinch.com\n\n| {SENT}\n\n"
    f"< HTTP/1.1 403 Forbidden\n< Content-Type: application/json\n\n| {CAME}\n",
    "Terraform": f"""a.b (local-exec): Executing: ["/bin/sh" "-c" "curl {URL} -d '{ESCAPED}'"]
a.b (local-exec): HTTP/1.1 403 Forbidden
a.b (local-exec):
a.b (local-exec): {CAME}""",
    "a table of two columns": f"| Field | Value |\n|---|---|\n| Method | POST |\n| URL | {URL} |\n"
    f"| Status | 403 |\n| Request body | `{SENT}` |\n| Response | `{CAME}` |\n",
}
BARE = {  # that show no body of the request
    "Airflow": f"""[2026-02-03, 08:09:10 UTC] {{http.py:100}} INFO - Sending 'POST' to url: {URL}
[2026-02-03, 08:09:10 UTC] {{http.py:150}} ERROR - HTTP error: Forbidden
[2026-02-03, 08:09:10 UTC] {{http.py:151}} ERROR - {CAME}
airflow.exceptions.AirflowException: 403:Forbidden""",
    "Akka": f"08:09:10,111 DEBUG [sms-5] o.Client - request: HttpRequest(HttpMethod(POST),{URL},"
    "List(Accept: */*),HttpEntity.Strict(application/json,9 bytes total),HttpProtocol(HTTP/1.1))\n"
    "08:09:10,222 DEBUG [sms-5] o.Client - response: HttpResponse(403 Forbidden,"
    "List(Date: Tue, 03 Feb 2026 08:09:10 GMT),HttpProtocol(HTTP/1.1))",
    "http4s": f"08:09:10,111 INFO [io] Http - Request(method=POST, uri={URL}, headers=Headers())\n"
    "08:09:10,222 INFO [io] Http - Response(status=403, httpVersion=HTTP/1.1)",
    "Jenkins": f"HttpMethod: POST\nURL: {URL}\nAuthorization: *****\n"
    f"Sending request to url: {URL}\n"
    f"Response Code: HTTP/1.1 403 Forbidden\nResponse: \n{CAME}\n[Pipeline] }}\nFinished: FAILURE",
    "Node-RED": f'{{"payload": {CAME}, "headers": {{"date": "Tue, 03 Feb 2026 08:09:10 GMT"}}, '
    f'"statusCode": 403, "responseUrl": "{URL}", "method": "POST", "topic": "", "retry": 0}}',
    "a span of Datadog": f'[[{{"service": "shop", "span_id": 1, "start": 1770106150111000000, '
    f'"duration": 12456000, "meta": {{"http.method": "POST", "http.url": "{URL}", '
    '"http.status_code": "403"}}]]',
    "Haskell": """HttpExceptionRequest Request {
  host   = "eu.sms.api.sinch.com"
  path   = "/xms/v1/demo/batches"
  method = "POST"
}
 (StatusCodeException (Response {responseStatus = Status {statusCode = 403}, responseBody = (), """
    f"""responseClose' = ResponseClose}}) {json.dumps(CAME)})""",
    "reqwest": f"""[src/main.rs:12:5] &request = Request {{
    method: POST,
    url: "{URL}",
    headers: {{"accept": "text/html"}},
}}
[src/main.rs:14:5] &response = Response {{
    url: "{URL}",
    status: 403,
    headers: {{"content-length": "0"}},
}}""",
    "httr2": f'<httr2_response>\nPOST {URL}\nStatus: 403 Forbidden\nBody: In memory (63 bytes)\n'
    f'> resp_body_string(resp)\n[1] {json.dumps(CAME)}',
    "Playwright": f"  pw:api → POST {URL} +0ms\n  pw:api   accept: */* +0ms\n"
    "  pw:api ← 403 Forbidden +9ms",
    "Ballerina": f'time = 2026-02-03T08:09:10Z level = ERROR module = acme/sms status = 403 '
    f'url = "{URL}" method = POST code = unknown_group',
}  # fmt: skip


HOPED = {  # for a status: none came
    "Tavern": f"""---
test_name: a
stages:
  - request: {{url: "{URL}", method: POST, json: {{to: ["46700000009"]}}}}
    response: {{status_code: 201}}
---
test_name: b
stages: []""",
    "Artillery": f"""scenarios:
  - flow:
      - post:
          url: "{URL}"
          json: {{to: ["46700000009"]}}
          expect: [{{statusCode: 201}}]""",
    "Hurl": f"# one\nPOST {URL}\n[Options]\nvariable: who=46700000009\n"
    '```json\n{"to": ["{{who}}"]}\n```\nHTTP 201\n[Captures]\nid: jsonpath "$.id"\n',
}


@pytest.mark.parametrize("kind", HOPED)
def test_what_a_test_hopes_for_is_no_response(kind: str) -> None:
    evidence = read(HOPED[kind])
    (row,) = evidence
    assert (row.method, row.url, row.status) == ("POST", URL, None)
    assert "46700000009" in str(row.request_body)
    assert not evidence.skipped


@pytest.mark.parametrize("kind", [*KINDS, *BARE])
def test_a_kind_gives_its_one_row(kind: str) -> None:
    (row,) = read(KINDS.get(kind) or BARE[kind])
    assert (row.method, row.url, row.status) == ("POST", URL, 403)
    assert row.at is None or row.at.year == 2026
    assert row.elapsed_ms is None or row.elapsed_ms < 1_000  # no time of the day
    if kind in KINDS:
        assert str(row.request_body).startswith("{") and "46700000009" in str(row.request_body)
        assert row.code == "unknown_group"
