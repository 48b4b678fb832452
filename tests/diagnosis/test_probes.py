"""
Requests as customers send them.

They were written down from the API reference, before looking at the code that judges them.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sinchtools.api.description import complete
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.privacy.redaction import Redactor
from tests.support.present import present

NOT_DELIVERED = "not delivered"  # accepted, and a report says that it did not arrive
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
PLAN = "9b1c2d3e4f5061728394a5b6c7d8e9f0"
PROJECT = "4f1d2c3b-5a69-4788-8796-a5b4c3d2e1f0"
HOST = "https://us.sms.api.sinch.com"
BASE = f"{HOST}/xms/v1/{PLAN}"
ID = "01HV5Z8Q3T6W9Y2B4D7F0H1J3K"
KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
# {"alg": "RS256"}, {"iss": "https://api.sinch.com/", "exp": 2027-03-01T11:00:00Z}; a fake signature
JWT = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2FwaS5zaW5jaC5jb20vIiwiZXhwIjoxODAzODk4ODAwfQ."
    "c2lnbmF0dXJlc2lnbmF0dXJl"
)
AUTH, TYPE = {"Authorization": f"Bearer {KEY}"}, {"Content-Type": "application/json"}
BODY = {"from": "15559870002", "to": ["+15551230001"], "body": "Hi"}
J, F, C = "syntax_invalid_json", "syntax_invalid_parameter_format", "syntax_constraint_violation"


def post(
    path: Any = "/batches",
    headers: Any = None,
    body: Any = None,
    base: Any = BASE,
    method: Any = "POST",
    **change: Any,
) -> dict[str, Any]:
    text = (
        body
        if isinstance(body, str | bytes)
        else json.dumps({**(BODY if body is None else body), **change})
    )
    return {
        "method": method,
        "url": base + path,
        "request_headers": {**AUTH, **TYPE, **(headers or {})},
        "request_body": text,
    }


def get(path: Any, base: Any = BASE, method: Any = "GET", headers: Any = None) -> dict[str, Any]:
    return {
        "method": method,
        "url": base + path,
        "request_headers": AUTH if headers is None else headers,
        "request_body": None,
    }


def answer(
    status: Any, code: Any = None, text: Any = None, body: Any = None, headers: Any = None
) -> dict[str, Any]:
    return {
        "status": status,
        "response_body": json.dumps({"code": code, "text": text}) if code else body,
        "response_headers": headers or {},
    }


def without(name: Any, **more: Any) -> str:
    return json.dumps({key: value for key, value in {**BODY, **more}.items() if key != name})


GROUP = {"name": "Friends", "members": ["+15551230001"]}
MEDIA = {"type": "mt_media", "body": {"url": "https://example.com/a.jpg", "message": "Hi"}}
BINARY = {"type": "mt_binary", "body": "SGVsbG8=", "udh": "06050423F423F4"}

# name: the exchange, then status, code, field of the first finding (None, None, None: no error at
# all), a word that must be said
PROBES = {
    # 1: hosts and credentials
    "project ID and plan token on the plan host": (
        post(base=f"{HOST}/xms/v1/{PROJECT}"),
        401,
        None,
        "service_plan_id",
        "project",
    ),
    "OAuth token on the plan host": (
        post(headers={"Authorization": f"Bearer {JWT}"}, base=BASE)
        | {"at": datetime(2027, 3, 1, 10, tzinfo=UTC)},
        401,
        None,
        "Authorization",
        "zt",
    ),
    "expired OAuth token on its host": (
        post(
            headers={"Authorization": f"Bearer {JWT}"},
            base=f"https://zt.us.sms.api.sinch.com/xms/v1/{PROJECT}",
        ),
        401,
        None,
        "Authorization",
        "expired",
    ),
    "OAuth in a region that has none": (
        post(
            headers={"Authorization": f"Bearer {JWT}"},
            base=f"https://zt.au.sms.api.sinch.com/xms/v1/{PROJECT}",
        )
        | {"at": datetime(2027, 3, 1, 10, tzinfo=UTC)},
        401,
        None,
        "Authorization",
        "region",
    ),
    "key ID and secret by Basic": (
        post(headers={"Authorization": "Basic a2V5aWQ6a2V5c2VjcmV0MTIzNDU2"}),
        401,
        None,
        "Authorization",
        "Basic",
    ),
    "token after Token=": (
        post(headers={"Authorization": f"Token token={KEY}"}),
        401,
        None,
        "Authorization",
        "Bearer",
    ),
    "token in the query": (
        {**post(f"/batches?api_token={KEY}"), "request_headers": TYPE},
        401,
        None,
        "Authorization",
        "Authorization",
    ),
    "f-string that was not one": (
        post(headers={"Authorization": "Bearer {api_token}"}),
        401,
        None,
        "Authorization",
        "placeholder",
    ),
    "Bearer None": (
        post(headers={"Authorization": "Bearer None"}),
        401,
        None,
        "Authorization",
        "None",
    ),
    "Authorization misspelt": (
        {**post(), "request_headers": {"Authorisation": f"Bearer {KEY}", **TYPE}},
        401,
        None,
        "Authorization",
        "Authoris",
    ),
    "classic app key on the regional host": (
        post("/v1/sms/+15551230001", base=HOST, body={"message": "Hi"}),
        404,
        None,
        "path",
        "Classic",
    ),
    "old host without region": (
        post(base=f"https://sms.api.sinch.com/xms/v1/{PLAN}"),
        None,
        None,
        None,
        "region",
    ),
    "region as a country": (
        post(base=f"https://se.sms.api.sinch.com/xms/v1/{PLAN}"),
        None,
        None,
        None,
        "eu",
    ),
    "conversation API's path on the SMS host": (
        post("/v1/projects/x/messages:send", base=HOST),
        404,
        None,
        "path",
        "path",
    ),
    # 2: routes
    "SMS in the plural": (post("/messages"), 404, None, "path", "batches"),
    "report before the batch": (get(f"/delivery_report/{ID}"), 404, None, "path", "path"),
    "report in the plural": (
        get(f"/batches/{ID}/delivery_reports"),
        404,
        None,
        "path",
        "delivery_report",
    ),
    "version two": (get("/batches", base=f"{HOST}/xms/v2/{PLAN}"), 404, None, "path", "v1"),
    "no xms": (get("/batches", base=f"{HOST}/v1/{PLAN}"), 404, None, "path", "/xms/v1"),
    "PATCH of a group": (
        post(f"/groups/{ID}", method="PATCH", body={"name": "x"}),
        405,
        None,
        "method",
        "POST",
    ),
    "DELETE of an inbound": (get(f"/inbounds/{ID}", method="DELETE"), 405, None, "method", "GET"),
    "PUT of a list": (post("/groups", method="PUT", body=GROUP), 405, None, "method", "POST"),
    "members by POST": (
        post(f"/groups/{ID}/members", body={"add": ["+15551230001"]}),
        405,
        None,
        "method",
        "GET",
    ),
    # 3: batches
    "to as a comma list": (post(to="+15551230001,+15551230002"), 400, J, "to", "array"),
    "to as a comma list in an array": (
        post(to=["+15551230001,+15551230002"]),
        400,
        F,
        "to",
        "several",
    ),
    "to holds numbers": (post(to=[15551230001]), 400, J, "to", "string"),
    "to holds objects": (post(to=[{"number": "+15551230001"}]), 400, J, "to", "string"),
    "to holds null": (post(to=[None]), 400, F, "to", "null"),
    "body as an object in a text batch": (
        post(body=BODY | {"body": {"text": "Hi"}}),
        400,
        J,
        "body",
        "string",
    ),
    "type without mt_": (post(type="text"), 400, F, "type", "mt_text"),
    "report as true": (post(delivery_report=True), 400, J, "delivery_report", "string"),
    "report name that is none": (
        post(delivery_report="delivered"),
        400,
        F,
        "delivery_report",
        "per_recipient",
    ),
    "flag as a text": (post(flash_message="true"), 400, F, "flash_message", "true"),
    "ton too high": (post(from_ton=7), 400, C, "from_ton", "6"),
    "npi below zero": (post(from_npi=-1), 400, C, "from_npi", "0"),
    "parts as zero": (
        post(max_number_of_message_parts=0),
        400,
        C,
        "max_number_of_message_parts",
        "1",
    ),
    "parts as a fraction": (
        post(max_number_of_message_parts=1.5),
        400,
        J,
        "max_number_of_message_parts",
        "integer",
    ),
    "binary without udh": (
        post(body={**BODY, "type": "mt_binary", "body": "SGk="}),
        400,
        C,
        "udh",
        "udh",
    ),
    "binary with odd hex": (post(body=BODY | BINARY | {"udh": "060"}), 400, F, "udh", "hex"),
    "binary too large": (post(body=BODY | BINARY | {"body": "QUFB" * 60}), 400, C, "body", "140"),
    "binary body is plain text": (
        post(body=BODY | BINARY | {"body": "Hello, world!"}),
        400,
        F,
        "body",
        "Base64",
    ),
    "media with a plain body": (post(type="mt_media"), 400, J, "body", "object"),
    "media without a URL": (
        post(body=BODY | MEDIA | {"body": {"message": "Hi"}}),
        400,
        C,
        "body",
        "url",
    ),
    "media with a bad URL": (
        post(body=BODY | MEDIA | {"body": {"url": "a.jpg"}}),
        400,
        F,
        "body",
        "URL",
    ),
    "value too long": (
        post(parameters={"name": {"+15551230001": "x" * 161}}),
        400,
        C,
        "parameters",
        "160",
    ),
    "parameters as a list": (post(parameters=[{"name": "Ann"}]), 400, J, "parameters", "object"),
    "parameter without recipients": (
        post(parameters={"name": "Ann"}),
        400,
        J,
        "parameters",
        "object",
    ),
    "key too long": (post(parameters={"a" * 17: {"default": "x"}}), 400, C, "parameters", "16"),
    "send later than three days of validity": (
        post(send_at="2027-03-02T00:00:00Z", expire_at="2027-03-08T00:00:00Z"),
        400,
        C,
        "expire_at",
        "3",
    ),
    "date as an epoch": (post(send_at=1803902400), 400, J, "send_at", "string"),
    "date as an epoch text": (post(send_at="1803902400"), 400, F, "send_at", "ISO"),
    "expiry of 30 February": (post(expire_at="2027-02-30T10:00:00Z"), 400, F, "expire_at", "date"),
    "callback without a host": (
        post(callback_url="https:///reports"),
        400,
        F,
        "callback_url",
        "URL",
    ),
    "callback by ftp": (post(callback_url="ftp://example.com/x"), 400, F, "callback_url", "http"),
    "sender of twelve letters": (post(**{"from": "MyLongSender"}), None, None, None, "11"),
    "capital field names": (
        post(body={"From": "15559870002", "To": ["+15551230001"], "Body": "Hi"}),
        400,
        C,
        "to",
        "To",
    ),
    "camel case report": (post(deliveryReport="full"), None, None, None, "delivery_report"),
    "update with to": (
        post(f"/batches/{ID}", body={"to": ["+15551230001"]}),
        None,
        None,
        None,
        "to_add",
    ),
    "update with 101 additions": (
        post(f"/batches/{ID}", body={"to_add": [f"+1555123{n:04}" for n in range(101)]}),
        400,
        C,
        "to_add",
        "100",
    ),
    "replace without a body": (
        post(f"/batches/{ID}", method="PUT", body=without("body")),
        400,
        C,
        "body",
        "body",
    ),
    "feedback without recipients": (
        post(f"/batches/{ID}/delivery_feedback", body={}),
        400,
        C,
        "recipients",
        "recipients",
    ),
    # 3.8: groups
    "group name of 21": (post("/groups", body={**GROUP, "name": "x" * 21}), 400, C, "name", "20"),
    "group name empty": (post("/groups", body={**GROUP, "name": ""}), 400, C, "name", "name"),
    "group members as a text": (
        post("/groups", body={**GROUP, "members": "+15551230001"}),
        400,
        J,
        "members",
        "array",
    ),
    "group replaced without members": (
        post(f"/groups/{ID}", method="PUT", body={"name": "x"}),
        400,
        C,
        "members",
        "members",
    ),
    "group updated with members": (
        post(f"/groups/{ID}", body={"members": ["+15551230001"]}),
        None,
        None,
        None,
        "add",
    ),
    "group with eleven children": (
        post("/groups", body={"child_groups": [f"{ID[:-2]}{n:02}" for n in range(11)]}),
        400,
        C,
        "child_groups",
        "10",
    ),
    "group with a child twice": (
        post("/groups", body={"child_groups": [ID, ID]}),
        400,
        C,
        "child_groups",
        "once",
    ),
    "auto update without a number": (
        post("/groups", body={"auto_update": {"add": {"first_word": "JOIN"}}}),
        400,
        C,
        "auto_update",
        "to",
    ),
    "keyword of two words": (
        post(
            "/groups", body={"auto_update": {"to": "15559870002", "add": {"first_word": "JOIN US"}}}
        ),
        400,
        C,
        "auto_update",
        "word",
    ),
    "group of nothing": (post("/groups", body={}), None, None, None, ""),
    # 2.2: queries
    "page from one, size 0": (get("/batches?page_size=0"), 400, C, "page_size", "1"),
    "page minus one": (get("/groups?page=-1"), 400, C, "page", "0"),
    "date as 01/03/2027": (get("/inbounds?start_date=01/03/2027"), 400, F, "start_date", "ISO"),
    "status that is none": (
        get(f"/batches/{ID}/delivery_report?status=Sent"),
        400,
        F,
        "status",
        "Delivered",
    ),
    "code as a word": (get("/delivery_reports?code=Failed"), 400, F, "code", "number"),
    "dry run for 1001": (
        post("/batches/dry_run?per_recipient=true&number_of_recipients=1001"),
        None,
        None,
        None,
        "1000",
    ),
    "dry run per_recipient=1": (
        post("/batches/dry_run?per_recipient=1"),
        400,
        F,
        "per_recipient",
        "true",
    ),
    "SDK's capital True": (post("/batches/dry_run?per_recipient=True"), None, None, None, ""),
    "SDK's %2C list": (
        get(f"/batches/{ID}/delivery_report?code=400%2C401&status=DELIVERED"),
        None,
        None,
        None,
        "",
    ),
    # 9: formats
    "number with 00": (post(to=["0015551230001"]), None, None, None, ""),
    "number with spaces": (post(to=["+1 555-123 0001"]), None, None, None, "spaces"),
    "number with a no-break space": (post(to=["+1555\u00a01230001"]), None, None, None, ""),
    "number in Arabic digits": (post(to=["+١٥٥٥١٢٣٠٠٠١"]), 400, F, "to", "digits"),
    "number by exponent": (post(to=["1.5551230001E+10"]), 400, F, "to", "E"),
    "national number": (post(to=["0701740605"]), 400, F, "to", "country code"),
    "tel: in front": (post(to=["tel:+15551230001"]), 400, F, "to", "tel:"),
    "whatsapp: in front": (post(to=["whatsapp:+15551230001"]), 400, F, "to", "whatsapp:"),
    "an e-mail address": (post(to=["ann@example.com"]), 400, F, "to", "E.164"),
    "a plus alone": (post(to=["+"]), 400, F, "to", "E.164"),
    "date with a space": (post(send_at="2027-03-02 10:00:00"), 400, F, "send_at", "T"),
    "date only": (post(send_at="2027-03-02"), None, None, None, ""),
    "date with offset": (post(send_at="2027-03-02T10:00+01:00"), None, None, None, ""),
    "report for a bad number": (
        get(f"/batches/{ID}/delivery_report/0700"),
        400,
        F,
        "recipient_msisdn",
        "country",
    ),
    # bodies as programs write them
    "JavaScript object": (
        post(body="{to: ['+15551230001'], from: '15559870002', body: 'Hi'}"),
        400,
        J,
        None,
        "quotes",
    ),
    "PHP array": (post(body='array("to" => array("+15551230001"))'), 400, J, None, "JSON"),
    "Python None": (
        post(body='{"to": ["+15551230001"], "body": "Hi", "send_at": None}'),
        400,
        J,
        "send_at",
        "Python",
    ),
    "str(dict)": (post(body=str(BODY)), 400, J, None, "json.dumps"),
    "[object Object]": (post(body="[object Object]"), 400, J, None, "object Object"),
    "null": (post(body="null"), 400, J, None, "null"),
    "two objects by line": (
        post(body=json.dumps(BODY) + "\n" + json.dumps(BODY)),
        400,
        J,
        None,
        "second",
    ),
    "batch in an array": (post(body=f"[{json.dumps(BODY)}]"), 400, J, None, "one JSON object"),
    "gzip": (post(body=b"\x1f\x8b\x08\x00\x00\x00\x00\x00"), 400, J, None, "UTF-8"),
    "percent-encoded JSON": (
        post(body="%7B%22to%22%3A%5B%22%2B15551230001%22%5D%7D"),
        400,
        J,
        None,
        "encoded",
    ),
    "Latin-1": (
        post(body='{"to": ["+15551230001"], "body": "Grüße"}'.encode("latin-1")),
        400,
        J,
        "body",
        "UTF-8",
    ),
    "Content-Type with UTF-8": (
        post(headers={"Content-Type": "application/json; charset=utf-8"}),
        None,
        None,
        None,
        "",
    ),
    "Content-Type of a patch": (
        post(headers={"Content-Type": "application/merge-patch+json"}),
        415,
        None,
        "Content-Type",
        "application/json",
    ),
    # the rows of the page and 10.2, with their answers
    "401 with another token": (post() | answer(401), 401, None, "Authorization", "dashboard"),
    "401 says expired": (
        post()
        | answer(
            401,
            headers={
                "WWW-Authenticate": 'Bearer error="invalid_token", error_description="expired"'
            },
        ),
        401,
        None,
        "Authorization",
        "expired",
    ),
    "403 report without URL": (
        post(delivery_report="full")
        | answer(
            403, "missing_callback_url", "Requesting delivery report without any callback URL."
        ),
        403,
        "missing_callback_url",
        "callback_url",
        "dashboard",
    ),
    "403 group": (
        post(to=["+15551230001", ID]) | answer(403, "unknown_group", f"'{ID}' is unknown"),
        403,
        "unknown_group",
        "to",
        "deleted",
    ),
    "403 child group": (
        post("/groups", body={"child_groups": [ID]}) | answer(403, "unknown_group", "x"),
        403,
        "unknown_group",
        "child_groups",
        "group",
    ),
    "403 landline": (
        post() | answer(403, "illegal_number_type", "x"),
        403,
        "illegal_number_type",
        "to",
        "MSISDN",
    ),
    "403 blocked": (
        post() | answer(403, "blocked_account", "x"),
        403,
        "blocked_account",
        None,
        "account manager",
    ),
    "404 on an early report": (
        get(f"/batches/{ID}/delivery_report") | answer(404),
        404,
        None,
        "batch_id",
        "retention",
    ),
    "404 on feedback": (
        post(f"/batches/{ID}/delivery_feedback", body={"recipients": []}) | answer(404),
        404,
        None,
        "batch_id",
        "feedback_enabled",
    ),
    "404 on a group": (
        get(f"/groups/{ID}/members") | answer(404),
        404,
        None,
        "group_id",
        "group_id",
    ),
    "409 on cancel": (
        get(f"/batches/{ID}", method="DELETE") | answer(409),
        409,
        None,
        "batch_id",
        "canceled",
    ),
    "415 hidden headers": (
        {**post(), "request_headers": {}} | answer(415),
        415,
        None,
        "Content-Type",
        "application/json",
    ),
    "429": (post() | answer(429, headers={"Retry-After": "2"}), 429, None, None, "Retry-After 2"),
    "500": (post() | answer(500), 500, None, None, "not processed"),
    "503 HTML": (
        post() | answer(503, body="<html>Service Unavailable</html>"),
        503,
        None,
        None,
        "HTML",
    ),
    "504 gateway": (post() | answer(504, body="<html></html>"), 504, None, None, "gateway"),
    "a code of tomorrow": (
        post() | answer(400, "syntax_new_code", "to[0] is wrong"),
        400,
        "syntax_new_code",
        "to",
        "not on the API's",
    ),
    "Spring answer": (
        get("/batches/x!y")
        | answer(400, body='{"timestamp": 1, "status": 400, "error": "Bad Request", "path": "/x"}'),
        400,
        F,
        "batch_id",
        "batch_id",
    ),
    "description for text": (
        post()
        | {
            "status": 400,
            "response_body": '{"code": "syntax_constraint_violation", "description": "body is '
            'too long"}',
        },
        400,
        C,
        "body",
        "too long",
    ),
    "201 and nothing arrived": (
        post() | answer(201, body=json.dumps({"id": ID})),
        None,
        None,
        None,
        "registered",
    ),
    "200 and an empty list": (
        get("/batches")
        | answer(200, body='{"count": 0, "page": 0, "page_size": 0, "batches": []}'),
        None,
        None,
        None,
        "24 hours",
    ),
    "200 report with 310": (
        get(f"/batches/{ID}/delivery_report")
        | answer(
            200,
            body=json.dumps(
                {
                    "type": "delivery_report_sms",
                    "batch_id": ID,
                    "total_message_count": 1,
                    "statuses": [{"code": 310, "status": "Failed", "count": 1}],
                }
            ),
        ),
        NOT_DELIVERED,
        None,
        None,
        "310",
    ),
    "update removes the name": (
        post(f"/groups/{ID}", body={"name": None, "add": ["+15551230001"]}) | answer(200),
        None,
        None,
        None,
        "name",
    ),
    # other vendors' requests
    "Twilio's form sent here": (
        post(
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body="To=%2B15551230001&From=15559870002&Body=Hi",
        ),
        415,
        None,
        "Content-Type",
        "JSON",
    ),
    "Twilio": (
        {
            "method": "POST",
            "url": "https://api.twilio.com/2010-04-01/Accounts/AC00/Messages.json",
            "request_body": "To=%2B15551230001&Body=Hi",
            "request_headers": {"Content-Type": "application/x-www-form-urlencoded"},
        }
        | {
            "status": 400,
            "response_body": '{"code": 21211, "message": "Invalid \'To\' Phone Number", '
            '"status": 400}',
        },
        400,
        None,
        None,
        "Phone Number",
    ),
    "Vonage": (
        {
            "method": "POST",
            "url": "https://rest.nexmo.com/sms/json",
            "request_headers": TYPE,
            "request_body": '{"to": "15551230001"}',
            "status": 200,
            "response_body": '{"messages": [{"status": "4", "error-text": "Bad Credentials"}]}',
        },
        None,
        None,
        None,
        "Bad Credentials",
    ),
    "MessageBird's fields": (
        post(body={"originator": "15559870002", "recipients": ["+15551230001"], "body": "Hi"}),
        400,
        C,
        "to",
        "recipients",
    ),
    "Vonage's fields": (
        post(body={"from": "15559870002", "to": "15551230001", "text": "Hi"}),
        400,
        J,
        "to",
        "array",
    ),
    "Conversation API": (
        {
            "method": "POST",
            "url": "https://us.conversation.api.sinch.com/v1/projects/x/messages:send",
            "request_headers": AUTH | TYPE,
            "request_body": "{}",
            "status": 404,
            "response_body": '{"error": {"code": 404, "message": "App not found"}}',
        },
        404,
        None,
        "path",
        "App not found",
    ),
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_a_request_as_a_customer_sends_it_gets_the_right_answer(probe: Any) -> None:
    request, status, code, field, word = probe
    found = diagnose(complete(Redactor().exchange(Exchange(**request))), now=NOW)
    errors = [one for one in found.findings if one.severity == "error"]
    if status is None:
        assert errors == []
    elif status == NOT_DELIVERED:
        assert [one.rule for one in errors] == ["delivery-failed"]
    else:
        top = present(found.top)
        assert (top.status, top.code, top.field) == (status, code, field)
    said = " ".join(f"{one.says} {one.then}" for one in found.findings)
    assert word.lower() in said.lower()


@pytest.mark.parametrize("number", ["+4670XXXXX05", "4915****386", "******605", "+5213312345678"])
def test_a_number_masked_in_part_or_of_an_old_plan_is_no_error(number: str) -> None:
    for sent in (post(to=[number]), post(**{"from": number.replace("+52", "+1")})):
        found = diagnose(complete(Redactor().exchange(Exchange(**sent))), now=NOW).findings
        assert not [one.rule for one in found if one.severity == "error"]


def test_head_is_served_wherever_get_is() -> None:
    head = Exchange(**get("/groups", method="HEAD", headers=AUTH))
    found = diagnose(complete(Redactor().exchange(head)), now=NOW)
    assert found.findings == ()
