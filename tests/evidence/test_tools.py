"""Exports, files and windows of HTTP tools give the calls that they show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.formats import tools

URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
BODY = '{"to":["46701234567"],"body":"Hi"}'
REFUSED = '{"code":"unknown_campaign","text":"No such campaign"}'
HEADER = [{"name": "X-Team", "value": "blue"}, {"name": "X-Old", "value": "1", "disabled": True}]
# what a tool exports, for one POST with a body and a header
COLLECTIONS = {
    "insomnia-4": {
        "_type": "export",
        "__export_format": 4,
        "resources": [
            {"_type": "environment", "data": {"base": "https://us.sms.api.sinch.com/xms/v1"}},
            {
                "_type": "request",
                "url": "{{ _.base }}/plan/batches",
                "method": "POST",
                "headers": HEADER,
                "body": {"mimeType": "application/json", "text": BODY},
            },
        ],
    },
    "bruno": {
        "name": "sms",
        "version": "1",
        "environments": [],
        "items": [
            {
                "type": "folder",
                "items": [
                    {
                        "type": "http",
                        "request": {
                            "url": URL,
                            "method": "POST",
                            "headers": [{"name": "X-Team", "value": "blue", "enabled": True}],
                            "body": {"mode": "json", "json": BODY},
                            "auth": {"mode": "none"},
                        },
                    }
                ],
            }
        ],
    },
    "thunder-client": {
        "clientName": "Thunder Client",
        "requests": [
            {
                "url": URL,
                "method": "POST",
                "headers": HEADER[:1],
                "body": {"type": "json", "raw": BODY, "form": []},
            }
        ],
    },
    "hoppscotch": {
        "v": 2,
        "name": "sms",
        "folders": [],
        "requests": [
            {
                "v": "3",
                "endpoint": URL,
                "method": "POST",
                "params": [],
                "headers": [{"key": "X-Team", "value": "blue", "active": True}],
                "body": {"contentType": "application/json", "body": BODY},
                "auth": {"authType": "none", "authActive": True},
            }
        ],
        "auth": {"authType": "inherit"},
        "headers": [],
    },
    "yaak": {
        "yaakVersion": "2025.1",
        "resources": {
            "httpRequests": [
                {"url": URL, "method": "POST", "headers": HEADER, "body": {"text": BODY}}
            ]
        },
    },
    "n8n": {
        "nodes": [
            {
                "type": "n8n-nodes-base.httpRequest",
                "parameters": {
                    "method": "POST",
                    "url": URL,
                    "headerParameters": {"parameters": HEADER[:1]},
                    "jsonBody": BODY,
                },
            }
        ],
        "connections": {},
    },
}


@pytest.mark.parametrize("tool", COLLECTIONS)
def test_a_collection_gives_its_requests(tool: str) -> None:
    (exchange,) = read(json.dumps(COLLECTIONS[tool]))
    assert (exchange.method, exchange.url, exchange.request_body) == ("POST", URL, BODY)
    assert exchange.request_headers.get("X-Team") == "blue"
    assert "X-Old" not in exchange.request_headers


ANSWERED = {
    "charles": [
        {
            "method": "POST",
            "scheme": "https",
            "host": "us.sms.api.sinch.com",
            "path": "/xms/v1/plan/batches",
            "times": {"start": "2026-03-02T08:00:00Z"},
            "durations": {"total": 85},
            "request": {"header": {"headers": []}, "body": {"text": BODY}},
            "response": {"status": 403, "header": {"headers": []}, "body": {"text": REFUSED}},
        }
    ],
    "newman": {
        "collection": {"item": []},
        "run": {
            "executions": [
                {
                    "request": {
                        "method": "POST",
                        "url": {
                            "protocol": "https",
                            "host": ["us", "sms", "api", "sinch", "com"],
                            "path": ["xms", "v1", "plan", "batches"],
                        },
                        "body": {"mode": "raw", "raw": BODY},
                    },
                    "response": {
                        "code": 403,
                        "responseTime": 85,
                        "stream": {"type": "Buffer", "data": list(REFUSED.encode())},
                    },
                }
            ]
        },
    },
    "power-automate": {
        "name": "HTTP",
        "startTime": "2026-03-02T08:00:00Z",
        "endTime": "2026-03-02T08:00:00.085Z",
        "inputs": {"method": "POST", "uri": URL, "body": json.loads(BODY)},
        "outputs": {"statusCode": 403, "body": json.loads(REFUSED)},
    },
}


@pytest.mark.parametrize("tool", ANSWERED)
def test_a_session_gives_requests_with_their_responses(tool: str) -> None:
    (exchange,) = read(json.dumps(ANSWERED[tool]))
    assert (exchange.method, exchange.url, exchange.status) == ("POST", URL, 403)
    assert json.loads(exchange.request_body or "") == json.loads(BODY)
    assert (exchange.code, exchange.elapsed_ms) == ("unknown_campaign", 85)


def test_variables_on_which_environments_disagree_stay_visible() -> None:
    export = {
        "type": "collection.insomnia.rest/5.0",
        "collection": [{"url": "{{ host }}/xms/v1/{{ plan }}/batches", "method": "GET"}],
        "environments": {
            "data": {"plan": "demo"},
            "subEnvironments": [{"data": {"host": "https://a"}}, {"data": {"host": "https://b"}}],
        },
    }
    assert read(json.dumps(export))[0].url == "{{ host }}/xms/v1/demo/batches"


def test_aliases_of_yaml_are_not_followed() -> None:
    bomb = "opencollection: 1.0.0\na: &a [x, x]\nb: &b [*a, *a]\nitems: [*b, *b]\n"
    assert not read(bomb)


REQUEST_FILE = f"""@plan = demo

### refused
# @name first
POST https://us.sms.api.sinch.com/xms/v1/{{{{plan}}}}/batches
    ?trace=1
Authorization: Bearer {{{{token}}}}

{BODY}

> {{% client.log(response.status); %}}

### from a file
< {{% request.variables.set("a", 1) %}}
GET /xms/v1/{{{{plan}}}}/groups HTTP/1.1
Host: us.sms.api.sinch.com

HTTP/1.1 404 Not Found
"""


def test_a_request_file_gives_each_request() -> None:
    first, second = read(REQUEST_FILE)
    assert first.url == "https://us.sms.api.sinch.com/xms/v1/demo/batches?trace=1"
    assert (first.method, first.request_body) == ("POST", BODY)
    assert first.request_headers["Authorization"] == "Bearer {{token}}"
    assert second.url == "https://us.sms.api.sinch.com/xms/v1/demo/groups"
    assert (second.method, second.request_body, second.status) == ("GET", None, 404)


BRU = """meta {
  name: send
}

put {
  url: {{host}}/xms/v1/plan/batches/7
  body: json
  auth: bearer
}

auth:bearer {
  token: {{token}}
}

headers {
  X-Team: blue
  ~X-Old: 1
}

body:json {
  {
    "body": "Hi"
  }
}

vars:pre-request {
  host: https://us.sms.api.sinch.com
}
"""


def test_a_request_of_bruno() -> None:
    (exchange,) = read(BRU)
    assert (exchange.method, exchange.url) == ("PUT", URL + "/7")
    assert dict(exchange.request_headers) == {
        "X-Team": "blue",
        "Authorization": "Bearer {{token}}",
        "Content-Type": "application/json",
    }
    assert json.loads(exchange.request_body or "") == {"body": "Hi"}


# what windows show of the same call
WINDOWS = {
    "chrome": f"""Request URL: {URL}
Request Method: POST
Status Code: 403 Forbidden
Response Headers
content-type: application/json
Request Headers
:authority: us.sms.api.sinch.com
accept: */*
Request Payload
{{to: ["46701234567"], body: "Hi"}}
to: ["46701234567"]
0: "46701234567"
body: "Hi"
Response
{REFUSED}
""",
    "chrome-two-lines": f"""General
Request URL
{URL}
Request Method
POST
Status Code
403 Forbidden
Request Headers
accept
*/*
Request Payload
{BODY}
Response Headers
content-type
application/json
Response
{REFUSED}
""",
    "safari": f"""Summary
URL: {URL}
Status: 403
Source: Network

Request
:method: POST
:scheme: https
:authority: us.sms.api.sinch.com
:path: /xms/v1/plan/batches
Accept: */*

Response
:status: 403
content-type: application/json

Request Data
MIME Type: application/json
Request Data: {BODY}

Response Body
{REFUSED}
""",
    "postman": f"""POST {URL}

Headers:
Accept: */*

Body:
{BODY}

Status: 403 Forbidden  Time: 85 ms  Size: 312 B

{REFUSED}
""",
    "ticket": f"""**Request URL:** {URL}
**Method:** POST
**Headers:** Accept: */*
**Request body:**
```json
{BODY}
```
**Response:** 403 {REFUSED}
""",
    "swagger": f"""Curl
curl -X 'POST' '{URL}' -H 'Accept: */*' -d '{BODY}'
Request URL
{URL}
Server response
Code	Details
403
Error: response status is 403
Response body
Download
{REFUSED}
Response headers
 content-type: application/json
""",
    "postman-console": f"""POST {URL}: {{
  "Request Headers": {{"Accept": "*/*"}},
  "Request Body": {json.dumps(BODY)},
  "Response Code": 403,
  "Response Headers": {{"content-type": "application/json"}},
  "Response Body": {json.dumps(REFUSED)}
}}
""",
}


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_as_text_gives_one_call(window: str) -> None:
    (exchange,) = read(WINDOWS[window])
    assert (exchange.method, exchange.url, exchange.status) == ("POST", URL, 403)
    assert json.loads(exchange.request_body or "") == json.loads(BODY)
    assert exchange.code == "unknown_campaign"
    assert {name.lower() for name in exchange.request_headers} >= {"accept"}


# a response of which the request is not known
ALONE = {
    "flow": {"statusCode": 403, "headers": {}, "body": json.loads(REFUSED)},
    "make": [{"statusCode": 403, "headers": [], "data": REFUSED, "fileSize": 9}],
    "n8n": {"httpCode": "403", "errorDetails": {}, "messages": [f"403 - {json.dumps(REFUSED)}"]},
}


@pytest.mark.parametrize("tool", ALONE)
def test_a_response_alone_is_a_row(tool: str) -> None:
    (exchange,) = read(json.dumps(ALONE[tool]))
    assert (exchange.method, exchange.url) == (None, None)
    assert (exchange.status, exchange.code) == (403, "unknown_campaign")


REQUEST = {"method": "POST", "url": URL, "body": BODY}
MORE_SHAPES: dict[str, dict[str, Any]] = {  # the least that shows a row of the table
    "Insomnia 5": {"type": "collection.insomnia.rest/5.0", "collection": [REQUEST]},
    "OpenCollection": {"opencollection": "1.0.0", "items": [{"http": REQUEST}]},
    "a request of OpenCollection": {"info": {"type": "http"}, "http": REQUEST},
    "a run of Bruno": {"summary": {}, "results": [{"request": REQUEST, "response": {}}]},
    "a request of Thunder Client": {"colId": "c", "containerId": "", **REQUEST},
    "a request of Hoppscotch": {"v": "1", "auth": {}, "endpoint": URL, "method": "POST"},
    "HTTPie": {"meta": {"format": "httpie"}, "entry": REQUEST},
    "Advanced REST Client": {"kind": "ARC#Import", "requests": [REQUEST]},
    "Talend API Tester": {"version": 6, "entities": [{"entity": REQUEST}]},
    "the Postman runner": {
        "collection_id": "c",
        "results": [{**REQUEST, "responseCode": {"code": 403}}],
    },
    "an action of Logic Apps": {"properties": {"inputs": {"method": "POST", "uri": URL}}},
    "the inputs of an action": {"method": "POST", "uri": URL, "body": json.loads(BODY)},
    "Make": {"name": "send", "flow": [{"mapper": {"url": URL, "method": "post"}}]},
}


@pytest.mark.parametrize("tool", MORE_SHAPES)
def test_the_least_of_an_export_gives_its_request(tool: str) -> None:
    (exchange,) = read(json.dumps(MORE_SHAPES[tool]))
    assert (exchange.method, exchange.url) == ("POST", URL)


def test_every_shape_of_a_tool_is_shown() -> None:
    shown: list[Any] = [*COLLECTIONS.values(), *ANSWERED.values(), *ALONE.values()]
    found = [tools._shape(export) for export in (*shown, *MORE_SHAPES.values())]
    left = [f"{shape.tool}: {shape.sign}" for shape in tools.SHAPES if shape not in found]
    assert not left, f"Add an export to COLLECTIONS or ANSWERED in test_tools.py for {left}"


def test_a_run_of_newman() -> None:
    lines = f"→ one\n  POST {URL} [403 Forbidden, 312B, 1.2s]\n→ two\n  GET {URL} [errored]\n"
    first, second = read(lines + "     connect ECONNREFUSED 203.0.113.9:443\n")
    assert (first.status, first.elapsed_ms) == (403, 1200)
    assert (second.method, second.failure) == ("GET", "connect ECONNREFUSED 203.0.113.9:443")


def test_xml_of_tools_is_read_and_entities_are_not() -> None:
    sample = (
        f'<testResults><httpSample t="85" ts="1772438400000" lb="POST send" rc="403">'
        f"<java.net.URL>{URL}</java.net.URL><responseData>{REFUSED}</responseData>"
        f"</httpSample></testResults>"
    )
    (exchange,) = read(sample)
    assert (exchange.method, exchange.status, exchange.elapsed_ms) == ("POST", 403, 85)
    assert exchange.code == "unknown_campaign"
    assert not read(f'<!DOCTYPE testResults [<!ENTITY a "b">]>{sample}')
